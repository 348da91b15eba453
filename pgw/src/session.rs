//! What the P-GW knows of a PDN connection.

use std::collections::HashMap;
use std::net::IpAddr;

use epc_codec::{Ebi, Imsi, Teid};
use epc_node::{Peer, UeAddress, store};
use serde::{Deserialize, Serialize};

/// One PDN connection with its default bearer. This is also how the session store keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    /// Of its record in the session store.
    #[serde(skip)]
    pub(crate) record: u64,
    #[serde(with = "store::imsi")]
    pub(crate) imsi: Imsi,
    /// Of the default bearer.
    #[serde(with = "store::ebi")]
    pub(crate) ebi: Ebi,
    pub(crate) state: State,
    pub(crate) ue: UeAddress,
    /// Where the S-GW takes requests, and the TEID that it gave out on S5-C.
    pub(crate) sgw_s5c: Peer,
    /// Where the S-GW takes packets, and the TEID that it gave out on S5-U.
    pub(crate) sgw_s5u: Peer,
    /// The TEID that we gave out on S5-C.
    #[serde(with = "store::teid")]
    pub(crate) teid: Teid,
    /// The TEID that we gave out on S5-U.
    #[serde(with = "store::teid")]
    pub(crate) s5u_teid: Teid,
    /// When the MME asked for it, if it said so: an older request does not replace it.
    pub(crate) originated: Option<u64>,
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// Both sides know it.
    Active,
    /// Its tunnel is gone, and the S-GW is being told.
    Deleting,
}

/// All of them, found by what messages name.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_teid: HashMap<Teid, Session>,
    by_imsi: HashMap<(Imsi, Ebi), Teid>,
    /// By the tunnel ends of S-GWs, which Error Indications name.
    by_peer: HashMap<(IpAddr, Teid), Teid>,
}

impl Sessions {
    pub(crate) fn len(&self) -> usize {
        self.by_teid.len()
    }

    pub(crate) fn get(&self, teid: Teid) -> Option<&Session> {
        self.by_teid.get(&teid)
    }

    pub(crate) fn get_mut(&mut self, teid: Teid) -> Option<&mut Session> {
        self.by_teid.get_mut(&teid)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.by_teid.values()
    }

    /// The session of a subscriber's bearer.
    pub(crate) fn of_imsi(&self, imsi: Imsi, ebi: Ebi) -> Option<&Session> {
        self.get(*self.by_imsi.get(&(imsi, ebi))?)
    }

    /// The session whose packets go to this tunnel end of an S-GW's.
    pub(crate) fn of_peer(&self, address: IpAddr, teid: Teid) -> Option<&Session> {
        self.get(*self.by_peer.get(&(address, teid))?)
    }

    pub(crate) fn insert(&mut self, session: Session) {
        self.by_imsi.insert((session.imsi, session.ebi), session.teid);
        self.by_peer
            .insert((session.sgw_s5u.ip(), session.sgw_s5u.teid), session.teid);
        self.by_teid.insert(session.teid, session);
    }

    /// Gives back where it was before.
    pub(crate) fn set_sgw_s5u(&mut self, teid: Teid, sgw_s5u: Peer) -> Option<Peer> {
        let session = self.by_teid.get_mut(&teid)?;
        let before = std::mem::replace(&mut session.sgw_s5u, sgw_s5u);
        self.forget_peer(before, teid);
        self.by_peer.insert((sgw_s5u.ip(), sgw_s5u.teid), teid);
        Some(before)
    }

    pub(crate) fn remove(&mut self, teid: Teid) -> Option<Session> {
        let session = self.by_teid.remove(&teid)?;
        if self.by_imsi.get(&(session.imsi, session.ebi)) == Some(&teid) {
            self.by_imsi.remove(&(session.imsi, session.ebi));
        }
        self.forget_peer(session.sgw_s5u, teid);
        Some(session)
    }

    fn forget_peer(&mut self, peer: Peer, teid: Teid) {
        if self.by_peer.get(&(peer.ip(), peer.teid)) == Some(&teid) {
            self.by_peer.remove(&(peer.ip(), peer.teid));
        }
    }
}
