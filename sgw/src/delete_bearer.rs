//! Delete Bearer, TS 23.401 §5.4.4.1, TS 29.274 §7.2.9.2: the P-GW ends the PDN connection.
//!
//! ```text
//! P-GW ──Delete Bearer Request──> S-GW ──Delete Bearer Request──> MME     start
//! P-GW <─Delete Bearer Response── S-GW <─Delete Bearer Response── MME     finish
//! ```

use std::time::Instant;

use epc_codec::Teid;
use epc_codec::gtpv2c::{Cause, CauseValue, DeleteBearerRequest, DeleteBearerResponse};
use epc_node::Interface;
use epc_node::gtpc::Asked;
use tracing::info;

use crate::session::State;
use crate::{Pending, Sgw};

/// A P-GW asks for the end.
pub(crate) fn start(sgw: &mut Sgw, asked: Asked, request: DeleteBearerRequest, now: Instant) {
    let Some(session) = sgw.session_of_pgw(&asked).cloned() else {
        let teid = sgw.peer_teid(&asked);
        return sgw.refuse(&asked, teid, CauseValue::CONTEXT_NOT_FOUND, now);
    };
    // Only the default bearer is there, so its identity is the one that can be named, either way.
    let named = request
        .linked_ebi
        .into_iter()
        .chain(request.ebis.iter().copied())
        .any(|ebi| ebi == session.ebi);
    if !named {
        return sgw.refuse(&asked, session.pgw_s5c.teid, CauseValue::CONTEXT_NOT_FOUND, now);
    }
    let request = DeleteBearerRequest {
        linked_ebi: Some(session.ebi),
        cause: request.cause,
        ..DeleteBearerRequest::new()
    };
    delete(sgw, session.teid, Some(asked), request, now);
}

/// Closes the tunnels and tells the MME; then `finish`. For a session that is not being deleted yet.
pub(crate) fn delete(
    sgw: &mut Sgw,
    teid: Teid,
    asked: Option<Asked>,
    request: DeleteBearerRequest,
    now: Instant,
) {
    let Some(session) = sgw.sessions.get(teid).cloned() else {
        return;
    };
    sgw.close_tunnels(teid);
    sgw.set_state(teid, State::Deleting);
    let pending = Pending::DeleteBearer { session: teid, asked };
    let mme = session.mme_s11;
    if let Err(Pending::DeleteBearer { asked, .. }) = sgw.gtpc.request(
        Interface::S11,
        mme.address,
        mme.teid,
        request,
        pending,
        now,
        &mut sgw.out,
    ) {
        finish(sgw, teid, asked, None, now);
    }
}

/// The MME answered, or did not: in either case it is over here.
pub(crate) fn finish(
    sgw: &mut Sgw,
    teid: Teid,
    asked: Option<Asked>,
    response: Option<DeleteBearerResponse>,
    now: Instant,
) {
    let Some(session) = sgw.forget(teid) else { return };
    info!(mme = %session.mme_s11.address, pgw = %session.pgw_s5c.address, "session deleted");
    if response.is_none() {
        let request = DeleteBearerRequest {
            linked_ebi: Some(session.ebi),
            ..DeleteBearerRequest::new()
        };
        let mme = session.mme_s11;
        sgw.gtpc
            .farewell(Interface::S11, mme.address, mme.teid, request, now, &mut sgw.out);
    }
    let Some(asked) = asked else { return };
    let cause = response.map_or(Cause::new(CauseValue::REQUEST_ACCEPTED), |response| {
        response.cause.from_remote()
    });
    let answer = DeleteBearerResponse {
        linked_ebi: Some(session.ebi),
        ..DeleteBearerResponse::new(cause)
    };
    sgw.gtpc
        .answer(&asked, session.pgw_s5c.teid, answer, now, &mut sgw.out);
}
