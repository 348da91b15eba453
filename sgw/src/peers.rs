//! Peers that restart or stay silent, TS 23.007 §14 and §20: their sessions end, and the other side hears of it.

use std::net::IpAddr;
use std::time::Instant;

use epc_codec::Teid;
use epc_codec::gtpv2c::{Cause, CauseValue, DeleteBearerRequest};
use epc_node::paths::{PathChange, PathId};
use epc_node::sessions::Name;
use epc_node::{Interface, gtpu};
use tracing::warn;

use crate::session::{Session, State};
use crate::{Sgw, delete_bearer, delete_session};

/// As many sessions are deleted at once while shutting down; the next follow as answers come.
const AT_ONCE: usize = 1000;

/// A peer came, went or restarted.
pub(crate) fn path_changed(sgw: &mut Sgw, path: PathId, change: PathChange, now: Instant) {
    match change {
        PathChange::Up | PathChange::Down => return,
        PathChange::Restarted => {}
        PathChange::Dead => return path_dead(sgw, path, now),
    }
    let (on, peer) = path;
    let of_mme = sgw
        .sessions
        .teids(|session| on == Interface::S11 && session.mme_s11.ip() == peer);
    let of_pgw = sgw
        .sessions
        .teids(|session| on == sgw.s5c() && session.pgw_s5c.ip() == peer);
    if !of_mme.is_empty() || !of_pgw.is_empty() {
        warn!(interface = %on, %peer, sessions = of_mme.len() + of_pgw.len(), "peer lost its sessions");
    }
    for teid in of_mme {
        end_for_mme(sgw, teid, now);
    }
    for teid in of_pgw {
        end_for_pgw(sgw, teid, now);
    }
}

/// A peer is given up. It may come back and have kept its sessions, so that it hears of their end as well.
fn path_dead(sgw: &mut Sgw, (on, peer): PathId, now: Instant) {
    let lost = sgw.sessions.teids(|session| {
        let of_mme = on == Interface::S11 && session.mme_s11.ip() == peer;
        of_mme || (on == sgw.s5c() && session.pgw_s5c.ip() == peer)
    });
    warn!(interface = %on, %peer, sessions = lost.len(), "sessions of a silent peer end");
    for teid in lost {
        end_for_both(sgw, teid, now);
    }
    // Whoever opens a session from there brings the supervision back.
    sgw.gtpc.forget(&(on, peer));
}

/// GTP-U signalling.
pub(crate) fn user_plane(sgw: &mut Sgw, incoming: gtpu::Incoming, now: Instant) {
    match incoming {
        gtpu::Incoming::ErrorIndication { on, from, teid } => {
            let Some(session) = sgw
                .sessions
                .find(Name::PeersTunnel(from, teid))
                .filter(|session| session.state == State::Active)
            else {
                return;
            };
            let id = session.teid;
            let by_pgw = session
                .pgw_s5u
                .is_some_and(|peer| peer.ip() == from && peer.teid == teid);
            warn!(interface = %on, peer = %from, "peer does not know the tunnel");
            if by_pgw {
                // TS 23.007 §21: the P-GW has lost the bearer, so the MME is told.
                end_for_pgw(sgw, id, now);
            } else {
                // The eNB has lost the bearer: hold what comes, the MME will say where the UE is.
                sgw.release_enb(id);
            }
        }
        gtpu::Incoming::EndMarker { from, teid, .. } => relay_end_marker(sgw, from, teid),
        gtpu::Incoming::Path { path, change } => user_path_changed(sgw, path, change, now),
    }
}

/// A P-GW that answered on S5-U once and has been silent for long carries nothing any more, TS 23.007 §20. That an eNB is
/// gone the MME finds out on S1-MME.
fn user_path_changed(sgw: &mut Sgw, (on, peer): PathId, change: PathChange, now: Instant) {
    if change != PathChange::Dead || on != sgw.s5u() {
        return;
    }
    let lost = sgw.sessions.teids(|session| {
        session.state == State::Active && session.pgw_s5u.is_some_and(|pgw| pgw.ip() == peer)
    });
    for teid in lost {
        end_for_both(sgw, teid, now);
    }
}

/// Deletes sessions at both peers, some at a time: called again as answers come, until none is left.
pub(crate) fn delete_all(sgw: &mut Sgw, now: Instant) {
    let active = sgw.gtpc.metrics.active_sessions.get() as usize;
    let underway = sgw.sessions.len().saturating_sub(active);
    // Not for each answer: choosing looks at all.
    if active == 0 || underway > AT_ONCE / 2 {
        return;
    }
    let chosen = sgw.sessions.teids(|session| session.state == State::Active);
    for teid in chosen.into_iter().take(AT_ONCE - underway) {
        end_for_both(sgw, teid, now);
    }
}

/// Neither side asked for it: both are told.
pub(crate) fn end_for_both(sgw: &mut Sgw, teid: Teid, now: Instant) {
    if let Some(session) = sgw.sessions.get(teid).cloned()
        && session.state == State::Active
    {
        delete_session::farewell_to_pgw(sgw, session.pgw_s5c, session.ebi, now);
    }
    end_for_pgw(sgw, teid, now);
}

/// The MME has lost the session: the P-GW is told.
fn end_for_mme(sgw: &mut Sgw, teid: Teid, now: Instant) {
    match sgw.sessions.get(teid).map(|session| session.state) {
        Some(State::Active) => delete_session::delete(sgw, teid, None, now),
        // The P-GW will answer; it then hears that nobody wants the session.
        Some(State::Creating) if !sgw.doubtful.contains_key(&teid) => {
            sgw.forget(teid);
        }
        Some(State::Creating | State::Deleting) | None => {}
    }
}

/// The P-GW has lost the session: the MME is told, and may attach the UE anew.
fn end_for_pgw(sgw: &mut Sgw, teid: Teid, now: Instant) {
    if sgw.doubtful.contains_key(&teid) {
        // Whatever it made is gone, and nobody waits for it.
        sgw.forget(teid);
        return;
    }
    let Some(session) = sgw
        .sessions
        .get(teid)
        .filter(|session| session.state == State::Active)
    else {
        return;
    };
    let request = DeleteBearerRequest {
        linked_ebi: Some(session.ebi),
        cause: Some(Cause::new(CauseValue::REACTIVATION_REQUESTED)),
        ..DeleteBearerRequest::new()
    };
    delete_bearer::delete(sgw, teid, None, request, now);
}

/// From the P-GW to the eNB, TS 23.401 §5.5.1.1.3: behind the packets that came before it, which the user plane has sent.
fn relay_end_marker(sgw: &mut Sgw, from: IpAddr, teid: Teid) {
    let of_its_pgw = |session: &&Session| session.pgw_s5u.is_some_and(|peer| peer.ip() == from);
    let enb = sgw
        .sessions
        .find(Name::Tunnel(teid))
        .filter(of_its_pgw)
        .and_then(|session| session.enb_s1u);
    let Some(enb) = enb else { return };
    let metrics = &mut sgw.gtpc.metrics;
    sgw.gtpu
        .end_marker(Interface::S1u, enb.address, enb.teid, metrics, &mut sgw.out);
}
