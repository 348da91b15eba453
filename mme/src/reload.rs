//! What the operator asks: another configuration, or an end.

use std::net::SocketAddr;
use std::time::Instant;

use tracing::info;

use crate::attach::SessionState;
use crate::{Config, Mme, UeId, repetition};

impl Mme {
    /// Takes another configuration, for what comes from now on; nobody who is attached is disturbed.
    pub(crate) fn reload(&mut self, config: Config, now: Instant) {
        let former = self.sgw_path();
        self.asked.reconfigure(repetition(&config));
        self.answers.reconfigure(repetition(&config).span());
        self.gtpc.reconfigure(&config.gtp_c);
        self.plmn = config.plmn();
        self.config = config;
        self.gtpc.watch(self.sgw_path(), now);
        let used = |state: SessionState| match state {
            SessionState::Up(session) | SessionState::Deleting(session) => session.sgw.ip() == former.1,
            SessionState::Creating => true,
            SessionState::None => false,
        };
        if former != self.sgw_path() && !self.ues.values().any(|ue| used(ue.session)) {
            self.gtpc.forget(&former);
        }
        info!("configuration taken");
    }

    /// Deletes all sessions and tells the eNBs. The daemon stops when that is done, or when its time is over.
    pub(crate) fn shutdown(&mut self, now: Instant) {
        if self.stopping {
            return;
        }
        info!(ues = self.ues.len(), "stopping");
        self.stopping = true;
        let mut enbs: Vec<SocketAddr> = self.enbs.keys().copied().collect();
        enbs.sort_unstable();
        for enb in enbs {
            self.reset_enb(enb, now);
        }
        let mut ids: Vec<UeId> = self.ues.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            self.lose_s1(id, now);
        }
    }
}
