//! Modify Bearer, TS 23.401 §5.5.1.2.2, TS 29.274 §7.2.7 and §7.2.8: the session moved to another S-GW, or something
//! about it is told.

use std::net::IpAddr;
use std::time::Instant;

use epc_codec::gtpv2c::{
    BearerContextModified, Cause, CauseValue, ModifyBearerRequest, ModifyBearerResponse, RestartCounter,
};
use epc_node::config::allows;
use epc_node::gtpc::Asked;
use epc_node::{Interface, Peer};

use crate::Pgw;
use crate::session::{Session, State};

/// An S-GW tells of its ends of a session: its own, or one that it took over and names by our TEID alone.
pub(crate) fn handle(pgw: &mut Pgw, asked: Asked, request: &ModifyBearerRequest, now: Instant) {
    let addresses = pgw.config.local_addresses.clone();
    let Some(session) = pgw
        .sessions
        .get(asked.teid())
        .filter(|session| session.state == State::Active)
        .cloned()
    else {
        return pgw.refuse(&asked, pgw.peer_teid(&asked), CauseValue::CONTEXT_NOT_FOUND, now);
    };
    let sender = request
        .sender_fteid
        .as_ref()
        .and_then(|fteid| Peer::from_fteid(fteid, Interface::S5c, addresses.s5c_ip));
    // To another S-GW it moves only where the configuration says who S-GWs are.
    let own = |address: IpAddr| session.sgw_s5c.ip() == address;
    let trusted = |address: IpAddr| own(address) || may_take_over(pgw, address);
    let is_moved = !own(asked.from.ip());
    let to = sender.map(|sender| sender.ip());
    if !trusted(asked.from.ip()) || !to.is_none_or(trusted) || (is_moved && to.is_none()) {
        return pgw.refuse(&asked, pgw.peer_teid(&asked), CauseValue::CONTEXT_NOT_FOUND, now);
    }
    let sgw_s5c = sender.unwrap_or(session.sgw_s5c);
    if let Some(session) = pgw.sessions.get_mut(session.teid) {
        session.sgw_s5c = sgw_s5c;
    }
    pgw.quota
        .move_owner(session.teid, session.sgw_s5c.ip(), sgw_s5c.ip());
    pgw.heard_from(
        asked.from.ip(),
        (Interface::S5c, sgw_s5c.ip()),
        request.recovery,
        now,
    );
    let mut modified = Vec::new();
    for bearer in &request.bearer_contexts {
        let known = bearer.ebi == session.ebi;
        let s5u = bearer
            .sgw_s5u_fteid
            .as_ref()
            .and_then(|fteid| Peer::from_fteid(fteid, Interface::S5u, addresses.s5u_ip));
        let admitted = |sgw: &Peer| known && allows(&pgw.config.sgw_networks, sgw.ip());
        if let Some(sgw_s5u) = s5u.filter(admitted) {
            pgw.gtpu.connect((Interface::S5u, sgw_s5u.ip()), now);
            let replace = |session: &mut Session| std::mem::replace(&mut session.sgw_s5u, sgw_s5u);
            if let Some(before) = pgw.sessions.change(session.teid, replace) {
                pgw.gtpu
                    .disconnect((Interface::S5u, before.ip()), &mut pgw.gtpc.metrics);
            }
            pgw.open(session.teid);
        }
        let cause = if known {
            CauseValue::REQUEST_ACCEPTED
        } else {
            CauseValue::CONTEXT_NOT_FOUND
        };
        modified.push(BearerContextModified::new(bearer.ebi, Cause::new(cause)));
    }
    pgw.keep(session.teid);
    let answer = ModifyBearerResponse {
        recovery: Some(RestartCounter(pgw.gtpc.restart_counter())),
        bearer_contexts: modified,
        ..ModifyBearerResponse::new(Cause::new(CauseValue::REQUEST_ACCEPTED))
    };
    pgw.gtpc.answer(&asked, sgw_s5c.teid, answer, now, &mut pgw.out);
}

fn may_take_over(pgw: &Pgw, sgw: IpAddr) -> bool {
    let networks = &pgw.config.sgw_networks;
    !networks.is_empty() && allows(networks, sgw)
}
