//! Restoration: an S-GW that was killed goes on with the sessions of its session store, and tells the same
//! restart counter, for it has lost nothing (TS 23.007 §18).
//!
//! ```text
//! Active, used        rules                         as if nothing had been
//! Active, not used    rules, `setup_timeout`        the MME repeats its request, or the session is deleted
//! Creating            T3-RESPONSE of silence        what was on its way arrives; the MME repeats its request, or:
//!                     `setup_timeout`, then
//!                     ──Create Session Request──>   once more, for the answer tells how to delete what there may be
//! Deleting            Delete Session, Delete Bearer once more
//! ```

use std::time::Instant;

use epc_codec::Teid;
use epc_codec::gtpv2c::{self, CreateSessionRequest, CreateSessionResponse, DeleteBearerRequest, Message};
use epc_node::store::{Kind, Records, Unreadable};
use epc_node::{Boot, Interface, TeidAllocator};
use serde::{Deserialize, Serialize};
use tracing::info;

use crate::session::{Session, State};
use crate::{Config, Pending, Sgw, create_session, delete_bearer, delete_session};

/// What the session store keeps of a session.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Record<S> {
    pub(crate) session: S,
    /// While the P-GW is asked: the request.
    pub(crate) asked: Option<Vec<u8>>,
}

/// A session of which the P-GW may have made something.
#[derive(Debug)]
pub(crate) struct Doubt {
    /// What it was asked.
    request: Vec<u8>,
    since: Instant,
}

impl Sgw {
    /// An S-GW with the sessions of an earlier incarnation, and with the restart counter and the TEID keys of it. It
    /// keeps its sessions, whether there were any or not.
    pub fn restored(config: Config, boot: Boot, records: &Records, now: Instant) -> Result<Sgw, Unreadable> {
        let mut sgw = Sgw::new(config, boot.clone(), now);
        sgw.out.keep_records(records.next_number());
        let sessions = records.of::<Record<Session>>(Kind::Session)?;
        sgw.kept_generations = records.only(Kind::Teids)?.unwrap_or_default();
        let (control, user) = sgw.kept_generations;
        let all = || sessions.iter().map(|(_, record)| &record.session);
        sgw.control_teids =
            TeidAllocator::restored(boot.control_teid_key, control, all().map(|session| session.teid));
        sgw.user_teids = TeidAllocator::restored(
            boot.user_teid_key,
            user,
            all().flat_map(|session| [session.s1u_teid, session.s5u_teid]),
        );
        for (number, Record { session, asked }) in sessions {
            sgw.restore(
                Session {
                    record: number,
                    ..session
                },
                asked,
                now,
            );
        }
        if !records.is_empty() {
            let sessions = sgw.gtpc.metrics.active_sessions.get();
            info!(sessions, of = sgw.sessions.len(), "sessions restored");
        }
        sgw.gtpc.restore(records, now, &mut sgw.out)?;
        sgw.end_what_was_ending(now);
        sgw.drain(now);
        Ok(sgw)
    }

    fn restore(&mut self, session: Session, asked: Option<Vec<u8>>, now: Instant) {
        let (teid, state, modified) = (session.teid, session.state, session.modified);
        let (mme, pgw, s5c) = (session.mme_s11.ip(), session.pgw_s5c.ip(), self.s5c());
        if let Some(enb) = session.enb_s1u {
            self.gtpu.connect((Interface::S1u, enb.ip()), now);
        }
        if let Some(pgw) = session.pgw_s5u {
            self.gtpu.connect((self.s5u(), pgw.ip()), now);
        }
        self.quota.open(teid, mme, mme);
        self.sessions.insert(session);
        self.count(State::Creating, Some(state));
        self.gtpc.watch((Interface::S11, mme), now);
        match state {
            State::Active => {
                self.gtpc.watch((s5c, pgw), now);
                self.open_tunnels(teid);
            }
            State::Creating => {
                let request = asked.unwrap_or_default();
                self.doubtful.insert(teid, Doubt { request, since: now });
            }
            State::Deleting => {}
        }
        if !modified {
            self.setups.set(now + self.config.setup_timeout, teid);
        }
    }

    /// Who was told, and whether it was heard, is not known: both are told.
    fn end_what_was_ending(&mut self, now: Instant) {
        let ending = self
            .sessions
            .iter()
            .filter(|session| session.state == State::Deleting);
        let ending: Vec<Session> = ending.cloned().collect();
        for session in ending {
            delete_session::farewell_to_pgw(self, session.pgw_s5c, session.ebi, now);
            let request = DeleteBearerRequest {
                linked_ebi: Some(session.ebi),
                ..DeleteBearerRequest::new()
            };
            delete_bearer::delete(self, session.teid, None, request, now);
        }
    }
}

/// Whether what an earlier incarnation asked for this session may still be on its way to the P-GW, where it would replace
/// what is asked now.
pub(crate) fn is_too_early(sgw: &Sgw, old: Teid, now: Instant) -> bool {
    let doubt = sgw.doubtful.get(&old);
    doubt.is_some_and(|doubt| now < doubt.since + sgw.config.gtp_c.t3_response)
}

/// The MME has given up long ago, but the P-GW may have made a session.
pub(crate) fn ask_once_more(sgw: &mut Sgw, teid: Teid, now: Instant) {
    let Some(session) = sgw.sessions.get(teid) else {
        return;
    };
    let Some(request) = sgw.doubtful.get(&teid).and_then(|doubt| read(&doubt.request)) else {
        sgw.forget(teid);
        return;
    };
    let (on, pgw) = (sgw.s5c(), session.pgw_s5c.address);
    let pending = Pending::DoubtfulSession { session: teid };
    let asked = sgw
        .gtpc
        .request(on, pgw, Teid(0), request, pending, now, &mut sgw.out);
    if asked.is_err() {
        sgw.setups.set(now + sgw.config.setup_timeout, teid);
    }
}

/// There is no time to wait for MMEs.
pub(crate) fn ask_for_all(sgw: &mut Sgw, now: Instant) {
    let mut doubtful: Vec<Teid> = sgw.doubtful.keys().copied().collect();
    doubtful.sort_unstable();
    for teid in doubtful {
        ask_once_more(sgw, teid, now);
    }
}

/// The P-GW answered, or did not, in which case it is asked again later.
pub(crate) fn clear_up(sgw: &mut Sgw, teid: Teid, response: Option<CreateSessionResponse>, now: Instant) {
    if let Some(response) = &response {
        if response.cause.value.is_accepted() {
            create_session::undo_at_pgw(sgw, response, now);
        }
        sgw.forget(teid);
    } else if sgw.doubtful.contains_key(&teid) {
        sgw.setups.set(now + sgw.config.setup_timeout, teid);
    }
}

fn read(datagram: &[u8]) -> Option<CreateSessionRequest> {
    match gtpv2c::decode(datagram).ok()?.message {
        Message::CreateSessionRequest(request) => Some(*request),
        _ => None,
    }
}
