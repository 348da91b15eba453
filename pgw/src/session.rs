//! What the P-GW knows of a PDN connection.

use epc_codec::{Ebi, Imsi, Teid};
use epc_node::sessions::{self, NAMES, Name};
use epc_node::store::{self, Key, Kind};
use epc_node::{Peer, UeAddress};
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
        let bearer = Name::Bearer(self.imsi, self.ebi);
        // Error Indications name the S-GW's tunnel end.
        [Some(bearer), Some(Name::from(self.sgw_s5u)), None, None]
    }
}
