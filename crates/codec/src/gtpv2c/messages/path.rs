//! Path management, TS 29.274 §7.1.

use alloc::vec::Vec;

use crate::error::ValueError;
use crate::gtpv2c::raw::IeWalk;
use crate::gtpv2c::table::*;
use crate::gtpv2c::*;

tables! {
    message
    /// §7.1.1: is the peer there?
    EchoRequest = 1 {
        M recovery: RestartCounter [0],
        O node_features: NodeFeatures [0],
    }

    message
    /// §7.1.2.
    EchoResponse = 2 {
        M recovery: RestartCounter [0],
        O node_features: NodeFeatures [0],
    }

    message
    /// §7.1.3: a header, whose version is the one that the sender speaks.
    VersionNotSupportedIndication = 3 {

    }
}
