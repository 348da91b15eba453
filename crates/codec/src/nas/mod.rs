//! NAS for EPS, TS 24.301: what a UE and an MME say to each other inside S1AP, without NAS security.
//!
//! ```text
//! octets --decode--> Message              EMM: attach, detach, identity; ESM: PDN connections and bearers
//! ```
//!
//! An Attach Request holds a PDN Connectivity Request, an Attach Accept an Activate Default EPS Bearer Context Request:
//! here that is a field and not octets. What has no type comes as [`Other`]; so does a message that is protected.
//!
//! ```
//! use epc_codec::nas::{self, AttachRequest, AttachType, Direction, Identity, KeySetIdentifier, Message};
//! use epc_codec::nas::{PdnConnectivityRequest, PdnType, Pti, RequestType, UeNetworkCapability};
//!
//! let request = AttachRequest {
//!     attach_type: AttachType::EPS,
//!     key_set_identifier: KeySetIdentifier::NO_KEY,
//!     identity: Identity::Imsi("001010000000001".parse()?),
//!     ue_network_capability: UeNetworkCapability::new(0x80, 0x80),
//!     esm: PdnConnectivityRequest {
//!         pti: Pti(1),
//!         request_type: RequestType::INITIAL,
//!         pdn_type: PdnType::IPV4,
//!         esm_information_transfer: false,
//!         apn: Some("internet".parse()?),
//!         pco: None,
//!     },
//! };
//! let octets = Message::from(request.clone()).encode();
//! assert_eq!(nas::decode(Direction::Uplink, &octets)?, Message::AttachRequest(request));
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod cause;
pub mod lite;
mod message;
mod tree;
mod value;

pub use cause::{EmmCause, EsmCause};
pub use message::*;
pub use value::{
    ApnAmbr, AttachResult, AttachType, DetachType, EpsQos, GprsTimer, Guti, Identity, IdentityType,
    KeySetIdentifier, NetworkDetachType, PdnAddress, PdnType, Pti, RequestType, UeNetworkCapability,
};
