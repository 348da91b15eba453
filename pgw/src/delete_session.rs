//! Delete Session, TS 23.401 §5.3.8.2, TS 29.274 §7.2.9: the UE or the MME ends the PDN connection.

use std::time::Instant;

use epc_codec::gtpv2c::{Cause, CauseValue, DeleteSessionRequest, DeleteSessionResponse};
use epc_node::gtpc::Asked;
use tracing::info;

use crate::Pgw;

/// An S-GW asks for the end.
pub(crate) fn handle(pgw: &mut Pgw, asked: Asked, request: &DeleteSessionRequest, now: Instant) {
    let linked = request.linked_ebi;
    let Some(session) = pgw
        .session_of(&asked)
        .filter(|session| linked.is_none_or(|ebi| ebi == session.ebi))
        .cloned()
    else {
        let teid = pgw.peer_teid(&asked);
        return pgw.refuse(&asked, teid, CauseValue::CONTEXT_NOT_FOUND, now);
    };
    pgw.forget(session.teid);
    info!(sgw = %session.sgw_s5c.address, "session deleted");
    let answer = DeleteSessionResponse::new(Cause::new(CauseValue::REQUEST_ACCEPTED));
    pgw.gtpc
        .answer(&asked, session.sgw_s5c.teid, answer, now, &mut pgw.out);
}
