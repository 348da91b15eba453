//! What the operator asks: another configuration, or an end.

use std::net::SocketAddr;
use std::time::Instant;

use epc_codec::Imsi;
use tracing::info;

use crate::{Config, Mme, Timer, UeId, repetition};

impl Mme {
    /// Takes another configuration, for what comes from now on. Of those who are attached, only who is barred now notices.
    pub(crate) fn reload(&mut self, config: Config, now: Instant) {
        self.asked.reconfigure(repetition(&config));
        self.answers.reconfigure(repetition(&config).span());
        self.gtpc.reconfigure(&config.gtp_c);
        self.plmn = config.plmn();
        self.config = config;
        self.sgws.reconfigure(&self.config.sgw_s11_ip);
        self.pgws.reconfigure(&self.config.pgw_s5c_ip);
        self.watch_gateways(now);
        let mut barred: Vec<Imsi> = self.config.barred.iter().copied().collect();
        barred.sort_unstable();
        for imsi in barred {
            self.operator_detach(&imsi, now);
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
        // Once more, should the first one be lost; an eNB that is gone already is not waited for.
        self.timers
            .set(now + 2 * self.config.s1ap.retry_interval, Timer::Resets);
        let mut enbs: Vec<SocketAddr> = self
            .enbs
            .iter()
            .filter(|(_, enb)| !enb.ues.is_empty())
            .map(|(at, _)| *at)
            .collect();
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::Command;
    use crate::testing::*;

    #[test]
    fn shutdown_deletes_all_sessions_and_resets_the_enbs() {
        let mut lab = Lab::up("");
        lab.attach(1);
        lab.attach(2);
        let out = lab.command(Command::Shutdown);
        let expected = [
            "Reset",
            "Detached",
            "Detached",
            "Delete Session Request",
            "Delete Session Request",
        ];
        assert_eq!(names(&out), expected);
        assert!(!lab.mme.is_drained());
        lab.sgw_answers_all(&out);
        assert!(!lab.mme.is_drained());
        lab.enb(epc_codec::s1ap::ResetAcknowledge {
            connections: None,
            criticality_diagnostics: None,
        });
        assert!(lab.mme.is_drained());
        assert_eq!(lab.enb(initial(3, 3)), [], "nobody attaches any more");
    }

    #[test]
    fn barred_subscriber_is_detached_and_refused() {
        let (mut lab, session) = Lab::attached();
        let mut other = config("");
        other.barred.insert(imsi(1));
        let out = lab.command(Command::Reload(other));
        assert!(matches!(
            said(&out)[0],
            epc_codec::nas::Message::NetworkDetachRequest(_)
        ));
        let out = lab.enb(detach_accept(session));
        lab.sgw_answers_all(&out);
        lab.enb(release_complete(session));
        lab.assert_empty();
        let out = lab.enb(initial(2, 1));
        let epc_codec::nas::Message::AttachReject(reject) = &said(&out)[0] else {
            panic!("{out:?}")
        };
        assert_eq!(reject.cause, epc_codec::nas::EmmCause::EPS_SERVICES_NOT_ALLOWED);
    }

    #[test]
    fn shutdown_waits_neither_for_an_enb_without_ues_nor_long_for_one_that_is_gone() {
        let mut lab = Lab::up("");
        assert_eq!(lab.command(Command::Shutdown), []);
        assert!(lab.mme.is_drained());
        let (mut lab, _) = Lab::attached();
        let out = lab.command(Command::Shutdown);
        lab.sgw_answers_all(&out);
        assert_eq!(names(&lab.advance(2 * S1_RETRY)), ["Reset"]);
        assert!(lab.mme.is_drained());
    }

    #[test]
    fn reload_disturbs_nobody_and_holds_for_who_comes_next() {
        let (mut lab, _) = Lab::attached();
        let mut other = config("");
        other.apn = "other".parse().unwrap();
        other.sgw_s11_ip = std::net::IpAddr::from([192, 0, 2, 33]).into();
        assert_eq!(lab.command(Command::Reload(other)), []);
        let echo = lab.advance(Duration::ZERO);
        assert_eq!(
            names(&echo),
            ["Echo Request"],
            "the new S-GW is asked whether it is there"
        );
        let out = lab.enb(initial(2, 2));
        let epc_codec::gtpv2c::Message::CreateSessionRequest(request) = &gtp(&out)[0].message else {
            panic!()
        };
        assert_eq!(request.apn, "other".parse().unwrap());
        assert_eq!(lab.mme.gtpc.metrics.active_sessions.get(), 1);
    }
}
