//! What the S-GW knows of a PDN connection.

use std::collections::HashMap;
use std::net::IpAddr;

use epc_codec::{Ebi, Imsi, Teid};
use epc_node::gtpc::RequestKey;
use epc_node::{Peer, store};
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
    /// Where the MME takes requests, and the TEID that it gave out on S11.
    pub(crate) mme_s11: Peer,
    /// Where the P-GW takes requests, and the TEID that it gave out on S5-C; 0 until it answered.
    pub(crate) pgw_s5c: Peer,
    /// The TEID that we gave out on S11 and on S5-C.
    #[serde(with = "store::teid")]
    pub(crate) teid: Teid,
    /// The TEID that we gave out on S1-U.
    #[serde(with = "store::teid")]
    pub(crate) s1u_teid: Teid,
    /// The TEID that we gave out on S5-U.
    #[serde(with = "store::teid")]
    pub(crate) s5u_teid: Teid,
    /// What the eNB gave out on S1-U, between Modify Bearer and release.
    pub(crate) enb_s1u: Option<Peer>,
    /// What the P-GW gave out on S5-U, once it answered.
    pub(crate) pgw_s5u: Option<Peer>,
    /// Whether a Modify Bearer Request ever came.
    pub(crate) modified: bool,
    /// When the MME asked for it, if it said so: an older request does not replace it.
    pub(crate) originated: Option<u64>,
    /// What the P-GW was asked, while it is being created.
    #[serde(skip)]
    pub(crate) asked_pgw: Option<RequestKey>,
}

/// How far a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum State {
    /// The P-GW was asked.
    Creating,
    /// Both sides know it.
    Active,
    /// Its tunnels are gone, and a peer is being told.
    Deleting,
}

/// All of them, found by what messages name.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    by_teid: HashMap<Teid, Session>,
    by_imsi: HashMap<(Imsi, Ebi), Teid>,
    /// By our tunnel end on S5-U, which End Markers name.
    by_s5u: HashMap<Teid, Teid>,
    /// By the tunnel ends of peers, which Error Indications name.
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

    /// The session of this tunnel end of ours on S5-U.
    pub(crate) fn of_s5u(&self, teid: Teid) -> Option<&Session> {
        self.get(*self.by_s5u.get(&teid)?)
    }

    /// The session whose packets go to this tunnel end of a peer's.
    pub(crate) fn of_peer(&self, address: IpAddr, teid: Teid) -> Option<&Session> {
        self.get(*self.by_peer.get(&(address, teid))?)
    }

    pub(crate) fn insert(&mut self, session: Session) {
        self.by_imsi.insert((session.imsi, session.ebi), session.teid);
        self.by_s5u.insert(session.s5u_teid, session.teid);
        for peer in session.enb_s1u.into_iter().chain(session.pgw_s5u) {
            self.by_peer.insert((peer.ip(), peer.teid), session.teid);
        }
        self.by_teid.insert(session.teid, session);
    }

    /// Gives back where it was before.
    pub(crate) fn set_enb_s1u(&mut self, teid: Teid, enb_s1u: Option<Peer>) -> Option<Peer> {
        let session = self.by_teid.get_mut(&teid)?;
        let before = std::mem::replace(&mut session.enb_s1u, enb_s1u);
        self.replace_peer(before, enb_s1u, teid);
        before
    }

    pub(crate) fn set_pgw_s5u(&mut self, teid: Teid, pgw_s5u: Option<Peer>) {
        let Some(session) = self.by_teid.get_mut(&teid) else {
            return;
        };
        let before = std::mem::replace(&mut session.pgw_s5u, pgw_s5u);
        self.replace_peer(before, pgw_s5u, teid);
    }

    pub(crate) fn remove(&mut self, teid: Teid) -> Option<Session> {
        let session = self.by_teid.remove(&teid)?;
        self.by_s5u.remove(&session.s5u_teid);
        if self.by_imsi.get(&(session.imsi, session.ebi)) == Some(&teid) {
            self.by_imsi.remove(&(session.imsi, session.ebi));
        }
        self.replace_peer(session.enb_s1u, None, teid);
        self.replace_peer(session.pgw_s5u, None, teid);
        Some(session)
    }

    fn replace_peer(&mut self, before: Option<Peer>, after: Option<Peer>, teid: Teid) {
        if let Some(peer) = before
            && self.by_peer.get(&(peer.ip(), peer.teid)) == Some(&teid)
        {
            self.by_peer.remove(&(peer.ip(), peer.teid));
        }
        if let Some(peer) = after {
            self.by_peer.insert((peer.ip(), peer.teid), teid);
        }
    }
}
