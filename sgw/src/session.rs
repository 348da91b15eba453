//! What the S-GW knows of a PDN connection.

use epc_codec::{Ebi, Imsi, Teid};
use epc_node::Peer;
use epc_node::gtpc::RequestKey;
use epc_node::sessions::{self, NAMES, Name};
use epc_node::store::{self, Key, Kind};
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

impl Session {
    /// Names its record in the session store.
    pub(crate) fn key(&self) -> Key {
        Key::new(Kind::Session, self.record)
    }
}

impl sessions::Session for Session {
    fn teid(&self) -> Teid {
        self.teid
    }

    fn names(&self) -> [Option<Name>; NAMES] {
        [
            Some(Name::Bearer(self.imsi, self.ebi)),
            // Which End Markers name.
            Some(Name::Tunnel(self.s5u_teid)),
            // Which Error Indications name.
            self.enb_s1u.map(Name::from),
            self.pgw_s5u.map(Name::from),
        ]
    }
}
