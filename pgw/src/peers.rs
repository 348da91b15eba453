//! S-GWs that restart or stay silent, TS 23.007 §14 and §20: their sessions end.

use std::time::Instant;

use epc_codec::gtpv2c::CauseValue;
use epc_node::gtpu;
use epc_node::paths::{PathChange, PathId};
use epc_node::sessions::Name;
use tracing::warn;

use crate::session::{Session, State};
use crate::{Pgw, delete_bearer};

/// An S-GW came, went or restarted.
pub(crate) fn path_changed(pgw: &mut Pgw, path: PathId, change: PathChange, now: Instant) {
    match change {
        PathChange::Up | PathChange::Down => return,
        PathChange::Restarted | PathChange::Dead => {}
    }
    let (on, peer) = path;
    let lost = pgw.sessions.teids(|session| session.sgw_s5c.ip() == peer);
    if !lost.is_empty() {
        warn!(interface = %on, %peer, sessions = lost.len(), "peer lost its sessions");
    }
    for teid in lost {
        if let Some(session) = pgw.forget(teid)
            && change == PathChange::Dead
        {
            // Should it come back with it, it hears of its end.
            delete_bearer::farewell(pgw, &session, now);
        }
    }
    if change == PathChange::Dead {
        // Whoever opens a session from there brings the supervision back.
        pgw.gtpc.forget(&path);
    }
}

/// GTP-U signalling.
pub(crate) fn user_plane(pgw: &mut Pgw, incoming: gtpu::Incoming, now: Instant) {
    match incoming {
        gtpu::Incoming::ErrorIndication { on, from, teid } => {
            let session = pgw
                .sessions
                .find(Name::PeersTunnel(from, teid))
                .filter(|session| session.state == State::Active);
            let Some(session) = session.map(|session| session.teid) else {
                return;
            };
            warn!(interface = %on, peer = %from, "peer does not know the tunnel");
            // TS 23.007 §21: the S-GW has lost the bearer.
            delete_bearer::start(pgw, session, Some(CauseValue::REACTIVATION_REQUESTED), now);
        }
        gtpu::Incoming::Path { path, change } => user_path_changed(pgw, path, change, now),
        gtpu::Incoming::EndMarker { .. } => {}
    }
}

/// An S-GW that answered on S5-U once and has been silent for long carries nothing any more, TS 23.007 §20.
fn user_path_changed(pgw: &mut Pgw, (_, sgw): PathId, change: PathChange, now: Instant) {
    if change != PathChange::Dead {
        return;
    }
    let of_sgw = |session: &Session| session.state == State::Active && session.sgw_s5u.ip() == sgw;
    for teid in pgw.sessions.teids(of_sgw) {
        delete_bearer::start(pgw, teid, Some(CauseValue::REACTIVATION_REQUESTED), now);
    }
}
