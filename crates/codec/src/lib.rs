//! Octets to typed messages and back, for the interfaces of an LTE packet core.
//!
//! | module     | protocol | specification | used on |
//! |------------|----------|---------------|---------|
//! | [`gtpv2c`] | GTPv2-C  | TS 29.274     | S11, S4, S5/S8, S3, S10 |
//! | [`gtpv1u`] | GTPv1-U  | TS 29.281     | S1-U, S5-U |
//! | `s1ap`     | S1AP-lite | TS 36.413    | S1-MME, with the feature `s1ap` (on by default) |
//! | `nas`      | NAS for EPS | TS 24.301  | in S1AP, with the same feature |
//!
//! The crate has no socket, no clock, no log and no async. Decoding never panics, whatever the octets; encoding a
//! value that one could build always works. Values that have no name here, and information elements that nobody
//! knows, survive a round trip.
//!
//! # Decode a datagram
//!
//! ```
//! use epc_codec::gtpv2c::{self, Message};
//!
//! let octets = [
//!     0x40, 0x01, 0x00, 0x09, // version 2, Echo Request, 9 octets follow
//!     0x00, 0x00, 0x01, 0x00, // sequence number 1
//!     0x03, 0x00, 0x01, 0x00, 0x07, // Recovery: restart counter 7
//! ];
//! let packet = gtpv2c::decode(&octets)?;
//! let Message::EchoRequest(echo) = packet.message else { panic!("an Echo Request") };
//! assert_eq!(echo.recovery.0, 7);
//! # Ok::<(), epc_codec::Error>(())
//! ```
//!
//! # Build a Create Session Request
//!
//! ```
//! use epc_codec::gtpv2c::{BearerContextToBeCreated, CreateSessionRequest, InterfaceType, Message, RatType, Sequence};
//! use epc_codec::gtpv2c::{BearerQos, Fteid};
//! use epc_codec::{Ebi, Teid};
//!
//! let mme_s11 = Fteid::v4(InterfaceType::S11_MME_GTP_C, Teid(0x10b), [192, 0, 2, 1].into());
//! let bearer = BearerContextToBeCreated::new(Ebi(5), BearerQos::non_gbr(9, 8));
//! let request = CreateSessionRequest {
//!     imsi: Some("001010000000001".parse()?),
//!     ..CreateSessionRequest::new(RatType::EUTRAN, mme_s11, "internet".parse()?, vec![bearer])
//! };
//! let octets = Message::from(request).encode(Some(Teid(0)), Sequence(1));
//! assert_eq!(octets[..2], [0x48, 32]);
//! # Ok::<(), epc_codec::Error>(())
//! ```
//!
//! # Rewrite a TEID in place
//!
//! ```
//! use epc_codec::gtpv1u::Gpdu;
//! use epc_codec::Teid;
//!
//! let mut datagram = [0x30, 0xff, 0x00, 0x02, 0x00, 0x00, 0x00, 0x01, 0xab, 0xcd];
//! let mut gpdu = Gpdu::parse(&mut datagram[..])?;
//! assert_eq!(gpdu.teid(), Teid(1));
//! gpdu.set_teid(Teid(2));
//! assert_eq!(gpdu.payload(), [0xab, 0xcd]);
//! # Ok::<(), epc_codec::Error>(())
//! ```

#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;

mod apn;
mod digits;
mod error;
pub mod gtpv1u;
pub mod gtpv2c;
#[cfg(feature = "s1ap")]
pub mod nas;
mod pco;
mod plmn;
#[cfg(feature = "s1ap")]
pub mod s1ap;
mod wire;

/// The example of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use apn::Apn;
pub use digits::{Imsi, Mei, Msisdn};
pub use error::{Error, Place, ValueError, ValueProblem};
pub use pco::{Container, Ipcp, Pco};
pub use plmn::Plmn;

/// Tunnel Endpoint Identifier: names a tunnel (or a control-plane session) at the node that handed it out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Teid(pub u32);

impl core::fmt::Debug for Teid {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Teid({self})")
    }
}

impl core::fmt::Display for Teid {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// EPS Bearer Identity, 5 to 15 for a bearer, 0 where none is meant (TS 24.007 §11.2.3.1.5). The type holds four
/// bits of any value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ebi(pub u8);

impl core::fmt::Display for Ebi {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}", self.0)
    }
}
