//! Modify Bearer, TS 23.401 §5.3.2.1 steps 23 and 24, TS 29.274 §7.2.7 and §7.2.8: the eNB's end of S1-U.
//!
//! ```text
//! MME ──Modify Bearer Request──> S-GW
//! MME <─Modify Bearer Response── S-GW
//! ```

use std::time::Instant;

use epc_codec::gtpv2c::{
    BearerContextModified, Cause, CauseValue, Fteid, InterfaceType, ModifyBearerRequest,
    ModifyBearerResponse, RestartCounter,
};
use epc_node::config::allows;
use epc_node::gtpc::Asked;
use epc_node::{Interface, Peer};
use tracing::debug;

use crate::Sgw;
use crate::session::Session;

/// An MME says where the eNB takes packets.
pub(crate) fn handle(sgw: &mut Sgw, asked: Asked, request: &ModifyBearerRequest, now: Instant) {
    let Some(session) = sgw.session_of_mme(&asked).cloned() else {
        let teid = sgw.peer_teid(&asked);
        return sgw.refuse(&asked, teid, CauseValue::CONTEXT_NOT_FOUND, now);
    };
    if let Some(session) = sgw.sessions.get_mut(session.teid) {
        session.modified = true;
    }
    let s11 = sgw.config.local_addresses.s11_ip;
    if let Some(fteid) = &request.sender_fteid
        && let Some(mme_s11) = Peer::from_fteid(fteid, Interface::S11, s11)
        && allows(&sgw.config.mme_networks, mme_s11.ip())
        && let Some(session) = sgw.sessions.get_mut(session.teid)
    {
        sgw.quota
            .move_owner(session.teid, session.mme_s11.ip(), mme_s11.ip());
        session.mme_s11 = mme_s11;
    }
    let mme = asked.from.ip();
    sgw.heard_from(mme, (Interface::S11, mme), request.recovery, now);
    let modified: Vec<BearerContextModified> = request
        .bearer_contexts
        .iter()
        .map(|bearer| {
            let cause = if bearer.ebi != session.ebi {
                CauseValue::CONTEXT_NOT_FOUND
            } else if let Some(fteid) = &bearer.enb_s1u_fteid {
                move_downlink(sgw, &session, fteid, now)
            } else {
                CauseValue::REQUEST_ACCEPTED
            };
            let address = sgw.config.local_addresses.s1u_ip;
            let sgw_s1u = Fteid::new(InterfaceType::S1U_SGW_GTP_U, session.s1u_teid, address);
            BearerContextModified {
                sgw_s1u_fteid: (cause == CauseValue::REQUEST_ACCEPTED).then_some(sgw_s1u),
                ..BearerContextModified::new(bearer.ebi, Cause::new(cause))
            }
        })
        .collect();
    sgw.keep(session.teid);
    let accepted = modified
        .iter()
        .filter(|bearer| bearer.cause.value == CauseValue::REQUEST_ACCEPTED)
        .count();
    let cause = match accepted {
        all if all == modified.len() => CauseValue::REQUEST_ACCEPTED,
        // The bearer's own, where there is one.
        0 => modified[0].cause.value,
        _ => CauseValue::REQUEST_ACCEPTED_PARTIALLY,
    };
    let mme_teid = sgw
        .sessions
        .get(session.teid)
        .map_or(session.mme_s11.teid, |session| session.mme_s11.teid);
    let answer = ModifyBearerResponse {
        recovery: Some(RestartCounter(sgw.gtpc.restart_counter())),
        bearer_contexts: modified,
        ..ModifyBearerResponse::new(Cause::new(cause))
    };
    sgw.gtpc.answer(&asked, mme_teid, answer, now, &mut sgw.out);
}

/// From now on packets of this session go to, and come from, this eNB; the one before hears that none follow.
fn move_downlink(sgw: &mut Sgw, session: &Session, fteid: &Fteid, now: Instant) -> CauseValue {
    let s1u = sgw.config.local_addresses.s1u_ip;
    let Some(enb_s1u) = Peer::from_fteid(fteid, Interface::S1u, s1u) else {
        return CauseValue::MANDATORY_IE_INCORRECT;
    };
    if !allows(&sgw.config.enb_networks, enb_s1u.ip()) {
        return CauseValue::REQUEST_REJECTED;
    }
    sgw.set_enb_s1u(session.teid, enb_s1u, now);
    sgw.open_tunnels(session.teid);
    if let Some(before) = session.enb_s1u.filter(|before| *before != enb_s1u) {
        let metrics = &mut sgw.gtpc.metrics;
        sgw.gtpu
            .end_marker(Interface::S1u, before.address, before.teid, metrics, &mut sgw.out);
    }
    debug!(imsi = %session.imsi, enb = %enb_s1u.address, "downlink to the eNB");
    CauseValue::REQUEST_ACCEPTED
}
