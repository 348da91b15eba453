use std::fmt;

use serde::{Deserialize, Serialize};

/// A reference point of the EPC, TS 23.401 §4.2, as seen from the node that has a socket or a device on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Interface {
    /// eNB to MME, S1AP-lite, UDP port 36412.
    S1Mme,
    /// MME to S-GW, GTPv2-C, UDP port 2123.
    S11,
    /// S-GW to P-GW, GTPv2-C, UDP port 2123.
    S5c,
    /// eNB to S-GW, GTP-U, UDP port 2152.
    S1u,
    /// S-GW to P-GW, GTP-U, UDP port 2152.
    S5u,
}

impl Interface {
    /// The name in specifications: `S1-MME`, `S11`, `S5-C`, `S1-U`, `S5-U`.
    pub const fn name(self) -> &'static str {
        match self {
            Interface::S1Mme => "S1-MME",
            Interface::S11 => "S11",
            Interface::S5c => "S5-C",
            Interface::S1u => "S1-U",
            Interface::S5u => "S5-U",
        }
    }

    /// The registered UDP port of the protocol that is spoken there.
    pub const fn port(self) -> u16 {
        match self {
            Interface::S1Mme => 36412,
            Interface::S11 | Interface::S5c => 2123,
            Interface::S1u | Interface::S5u => 2152,
        }
    }

    /// Whether user packets travel there.
    pub const fn is_user_plane(self) -> bool {
        matches!(self, Interface::S1u | Interface::S5u)
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
