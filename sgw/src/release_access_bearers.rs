//! Release Access Bearers, TS 23.401 §5.3.5, TS 29.274 §7.2.21: the UE is idle, its eNB is not its any more.

use std::time::Instant;

use epc_codec::gtpv2c::{Cause, CauseValue, ReleaseAccessBearersResponse};
use epc_node::gtpc::Asked;

use crate::Sgw;

/// Downlink packets are held; uplink packets may come from any eNB that the UE shows up at.
pub(crate) fn handle(sgw: &mut Sgw, asked: Asked, now: Instant) {
    let Some(session) = sgw.session_of_mme(&asked).cloned() else {
        let teid = sgw.peer_teid(&asked);
        return sgw.refuse(&asked, teid, CauseValue::CONTEXT_NOT_FOUND, now);
    };
    sgw.release_enb(session.teid);
    let answer = ReleaseAccessBearersResponse::new(Cause::new(CauseValue::REQUEST_ACCEPTED));
    sgw.gtpc
        .answer(&asked, session.mme_s11.teid, answer, now, &mut sgw.out);
}
