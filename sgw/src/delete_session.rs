//! Delete Session, TS 23.401 §5.3.8.2, TS 29.274 §7.2.9: the UE or the MME ends the PDN connection.
//!
//! ```text
//! MME ──Delete Session Request──> S-GW ──Delete Session Request──> P-GW    start
//! MME <─Delete Session Response── S-GW <─Delete Session Response── P-GW    finish
//! ```

use std::net::IpAddr;
use std::time::Instant;

use epc_codec::gtpv2c::{Cause, CauseValue, DeleteSessionRequest, DeleteSessionResponse, Indication};
use epc_codec::{Ebi, Teid};
use epc_node::Peer;
use epc_node::gtpc::Asked;
use tracing::info;

use crate::session::State;
use crate::{Pending, Sgw};

/// An MME asks for the end: the tunnels close at once, and the P-GW is told.
pub(crate) fn start(sgw: &mut Sgw, asked: Asked, request: &DeleteSessionRequest, now: Instant) {
    let Some(session) = sgw.session_of_mme(&asked).cloned() else {
        let teid = sgw.peer_teid(&asked);
        return sgw.refuse(&asked, teid, CauseValue::CONTEXT_NOT_FOUND, now);
    };
    if request.linked_ebi.is_some_and(|ebi| ebi != session.ebi) {
        return sgw.refuse(&asked, session.mme_s11.teid, CauseValue::CONTEXT_NOT_FOUND, now);
    }
    // Without the Operation Indication the P-GW keeps the session: it moved to another S-GW, §7.2.9.1. A request that
    // has no Indication at all is from a peer that means the end of it.
    let moved = request
        .indication
        .as_ref()
        .is_some_and(|indication| !indication.has(Indication::OI));
    if moved {
        sgw.close_tunnels(session.teid);
        sgw.forget(session.teid);
        return answer(sgw, &asked, session.mme_s11.teid, now);
    }
    delete(sgw, session.teid, Some(asked), now);
}

/// Closes the tunnels and tells the P-GW; then `finish`. For a session that is not being deleted yet.
pub(crate) fn delete(sgw: &mut Sgw, teid: Teid, asked: Option<Asked>, now: Instant) {
    let Some(session) = sgw.sessions.get(teid).cloned() else {
        return;
    };
    sgw.close_tunnels(teid);
    sgw.set_state(teid, State::Deleting);
    let pending = Pending::DeleteSession { session: teid, asked };
    let request = request_for(session.ebi);
    let on = sgw.s5c();
    let pgw = session.pgw_s5c;
    if let Err(Pending::DeleteSession { asked, .. }) =
        sgw.gtpc
            .request(on, pgw.address, pgw.teid, request, pending, now, &mut sgw.out)
    {
        finish(sgw, teid, asked, false, now);
    }
}

/// The P-GW answered, or did not: in either case it is over here. A P-GW that does not know the session any more has
/// said what was wanted.
pub(crate) fn finish(sgw: &mut Sgw, teid: Teid, asked: Option<Asked>, answered: bool, now: Instant) {
    let session = sgw.forget(teid);
    if let Some(session) = &session {
        if !answered {
            farewell_to_pgw(sgw, session.pgw_s5c, session.ebi, now);
        }
        info!(mme = %session.mme_s11.address, pgw = %session.pgw_s5c.address, "session deleted");
    }
    if let Some(asked) = asked {
        answer(
            sgw,
            &asked,
            session.map_or(Teid(0), |session| session.mme_s11.teid),
            now,
        );
    }
}

/// A new session of the same bearer takes the place of this one. The P-GW replaces its own by itself, if the new session
/// is at the same P-GW.
pub(crate) fn replace(sgw: &mut Sgw, teid: Teid, new_pgw: IpAddr, now: Instant) {
    sgw.close_tunnels(teid);
    let Some(session) = sgw.forget(teid) else { return };
    if session.pgw_s5c.ip() == new_pgw {
        // A repeat of the former request must not come after the new one.
        if let Some(request) = &session.asked_pgw {
            sgw.gtpc.hush(request);
        }
    } else if session.state == State::Active {
        farewell_to_pgw(sgw, session.pgw_s5c, session.ebi, now);
    }
}

/// Tells a P-GW of the end of a session that is forgotten here.
pub(crate) fn farewell_to_pgw(sgw: &mut Sgw, pgw_s5c: Peer, ebi: Ebi, now: Instant) {
    let on = sgw.s5c();
    let request = request_for(ebi);
    sgw.gtpc
        .farewell(on, pgw_s5c.address, pgw_s5c.teid, request, now, &mut sgw.out);
}

fn request_for(ebi: Ebi) -> DeleteSessionRequest {
    DeleteSessionRequest {
        linked_ebi: Some(ebi),
        indication: Some(Indication::new().with(Indication::OI)),
        ..DeleteSessionRequest::new()
    }
}

fn answer(sgw: &mut Sgw, asked: &Asked, mme_teid: Teid, now: Instant) {
    let answer = DeleteSessionResponse::new(Cause::new(CauseValue::REQUEST_ACCEPTED));
    sgw.gtpc.answer(asked, mme_teid, answer, now, &mut sgw.out);
}
