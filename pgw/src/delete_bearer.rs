//! Delete Bearer, TS 23.401 §5.4.4.1, TS 29.274 §7.2.9.2: the P-GW ends PDN connections.
//!
//! ```text
//! P-GW ──Delete Bearer Request (linked EBI)──> S-GW
//! P-GW <────── Delete Bearer Response ──────── S-GW
//! ```

use std::time::Instant;

use epc_codec::gtpv2c::{Cause, CauseValue, DeleteBearerRequest};
use epc_codec::{Imsi, Teid};
use epc_node::Interface;
use tracing::info;

use crate::session::{Session, State};
use crate::{Pending, Pgw};

/// As many sessions are deleted at once while shutting down; the next follow as answers come.
const AT_ONCE: usize = 1000;

/// Ends every PDN connection of a subscriber.
pub(crate) fn of_subscriber(pgw: &mut Pgw, imsi: Imsi, now: Instant) {
    for teid in pgw
        .sessions
        .teids(|session| session.state == State::Active && session.imsi == imsi)
    {
        start(pgw, teid, None, now);
    }
}

/// Ends the sessions of subscribers that are not served any more.
pub(crate) fn of_barred(pgw: &mut Pgw, now: Instant) {
    let barred = |session: &Session| pgw.config.barred.contains(&session.imsi);
    for teid in pgw
        .sessions
        .teids(|session| session.state == State::Active && barred(session))
    {
        start(pgw, teid, None, now);
    }
}

/// Ends all, some at a time: called again as answers come. UEs may attach again, at another P-GW.
pub(crate) fn of_all(pgw: &mut Pgw, now: Instant) {
    let active = pgw.gtpc.metrics.active_sessions.get() as usize;
    let deleting = pgw.sessions.len().saturating_sub(active);
    // Not for each answer: choosing looks at all.
    if active == 0 || deleting > AT_ONCE / 2 {
        return;
    }
    let chosen = pgw.sessions.teids(|session| session.state == State::Active);
    for teid in chosen.into_iter().take(AT_ONCE - deleting) {
        start(pgw, teid, Some(CauseValue::REACTIVATION_REQUESTED), now);
    }
}

/// Closes the tunnel and tells the S-GW; then `finish`.
pub(crate) fn start(pgw: &mut Pgw, teid: Teid, cause: Option<CauseValue>, now: Instant) {
    let Some(session) = pgw.sessions.get(teid).cloned() else {
        return;
    };
    pgw.close(teid);
    let request = DeleteBearerRequest {
        linked_ebi: Some(session.ebi),
        cause: cause.map(Cause::new),
        ..DeleteBearerRequest::new()
    };
    let sgw = session.sgw_s5c;
    let pending = Pending::DeleteBearer { session: teid };
    if pgw
        .gtpc
        .request(
            Interface::S5c,
            sgw.address,
            sgw.teid,
            request,
            pending,
            now,
            &mut pgw.out,
        )
        .is_err()
    {
        finish(pgw, teid, false, now);
    }
}

/// The S-GW answered, or did not: in either case it is over here.
pub(crate) fn finish(pgw: &mut Pgw, teid: Teid, answered: bool, now: Instant) {
    let Some(session) = pgw.forget(teid) else { return };
    info!(sgw = %session.sgw_s5c.address, "session deleted");
    if !answered {
        farewell(pgw, &session, now);
    }
}

/// Tells an S-GW of the end of a session that is forgotten here.
pub(crate) fn farewell(pgw: &mut Pgw, session: &Session, now: Instant) {
    let request = DeleteBearerRequest {
        linked_ebi: Some(session.ebi),
        ..DeleteBearerRequest::new()
    };
    let sgw = session.sgw_s5c;
    pgw.gtpc
        .farewell(Interface::S5c, sgw.address, sgw.teid, request, now, &mut pgw.out);
}
