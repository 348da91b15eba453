//! Restoration: a P-GW that was killed goes on with the sessions of its session store, and tells the same
//! restart counter, for it has lost nothing (TS 23.007 §18).
//!
//! ```text
//! Active      rules, routes               as if nothing had been; an S-GW that had no answer repeats its request
//! Deleting    ──Delete Bearer Request──>  once more
//! ```

use std::time::Instant;

use epc_node::store::{Kind, Records, Unreadable};
use epc_node::{Boot, Interface, TeidAllocator};
use tracing::info;

use crate::session::{Session, State};
use crate::{Config, Event, Pgw, delete_bearer};

impl Pgw {
    /// A P-GW with the sessions of an earlier incarnation, and with the restart counter and the TEID keys of it. It
    /// keeps its sessions, whether there were any or not.
    pub fn restored(config: Config, boot: Boot, records: &Records, now: Instant) -> Result<Pgw, Unreadable> {
        let mut pgw = Pgw::new(config, boot.clone(), now);
        pgw.out.keep_records(records.next_number());
        let sessions = records.of::<Session>(Kind::Session)?;
        pgw.charging_ids.restore(records)?;
        pgw.kept_generations = records.only(Kind::Teids)?.unwrap_or_default();
        let (control, user) = pgw.kept_generations;
        let all = || sessions.iter().map(|(_, session)| session);
        pgw.control_teids =
            TeidAllocator::restored(boot.control_teid_key, control, all().map(|session| session.teid));
        pgw.user_teids =
            TeidAllocator::restored(boot.user_teid_key, user, all().map(|session| session.s5u_teid));
        let mut ending = Vec::new();
        for (record, session) in sessions {
            let session = Session { record, ..session };
            let (teid, state) = (session.teid, session.state);
            pgw.restore(session, now);
            if state == State::Deleting {
                ending.push(teid);
            }
        }
        if !records.is_empty() {
            let sessions = pgw.gtpc.metrics.active_sessions.get();
            info!(sessions, of = pgw.sessions.len(), "sessions restored");
        }
        pgw.gtpc.restore(records, now, &mut pgw.out)?;
        for teid in ending {
            delete_bearer::start(&mut pgw, teid, None, now);
        }
        pgw.drain(now);
        Ok(pgw)
    }

    fn restore(&mut self, session: Session, now: Instant) {
        let (teid, imsi, ue, sgw) = (session.teid, session.imsi, session.ue, session.sgw_s5c.ip());
        let active = session.state == State::Active;
        self.gtpu.connect((Interface::S5u, session.sgw_s5u.ip()), now);
        self.quota.open(teid, sgw, sgw);
        self.sessions.insert(session);
        self.gtpc.watch((Interface::S5c, sgw), now);
        if !active {
            return;
        }
        self.addresses.restore(ue.ipv4, ue.ipv6);
        self.gtpc.metrics.active_sessions.inc();
        self.gtpc.metrics.active_bearers.inc();
        self.open(teid);
        self.out.event(Event::SessionUp { imsi, ue });
    }
}
