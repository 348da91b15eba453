//! S1AP-lite: the S1 Application Protocol between an eNB and an MME, TS 36.413, one PDU in one UDP datagram.
//!
//! ```text
//! datagram --decode--> Message            an IE that is wrong, or missing: Error, which has the answer
//! datagram --Pdu::decode--> Pdu           the lower layer: header and IEs as they stand on the wire
//! ```
//!
//! The PDUs are real S1AP in aligned PER, so that Wireshark and any other S1AP codec read them. "Lite" is what is left
//! out around them:
//!
//! | an eNB and an MME have | S1AP-lite has |
//! |---|---|
//! | SCTP, one association | UDP port 36412, one PDU a datagram; requests are repeated until their outcome comes |
//! | SCTP heartbeats and ABORT | configuration updates that change nothing, either way; who does not know the sender refuses them, and S1 Setup follows |
//! | one S1 Setup an association | the eNB name tells a repeated S1 Setup Request, which resets nothing, from a new one |
//! | idle UEs | none: a UE whose S1 connection is released is detached |
//! | SCTP streams, which keep order | none: a receiver puts up with messages that overtake each other |
//! | NAS security: integrity and ciphering | plain NAS messages; Security Mode Control is not run |
//! | authentication (EPS-AKA), the HSS | none; what the HSS would know comes from the UE, see [`crate::nas::lite`] |
//! | KeNB and NH | 256 zero bits |
//! | the UE's radio: RRC, UE radio capability | none: the eNB speaks for its UEs |
//! | handover by S1, traces, warnings, location reports | valid PDUs, handed on as [`Message::Other`] |
//!
//! # Example
//!
//! ```
//! use epc_codec::s1ap::{self, Cause, EnbUeS1apId, Message, MmeUeS1apId, UeContextReleaseRequest};
//!
//! let request = UeContextReleaseRequest {
//!     mme_ue_s1ap_id: MmeUeS1apId(7),
//!     enb_ue_s1ap_id: EnbUeS1apId::new(1).expect("24 bits"),
//!     cause: Cause::USER_INACTIVITY,
//! };
//! let octets = Message::from(request).encode();
//!
//! let message = s1ap::decode(&octets)?;
//! assert_eq!(message.name(), "UEContextReleaseRequest");
//! assert_eq!(message.mme_ue_s1ap_id(), Some(MmeUeS1apId(7)));
//!
//! // Octets that are no PDU: the error has the answer.
//! let error = s1ap::decode(&octets[..9]).unwrap_err();
//! assert_eq!(error.indication().and_then(|answer| answer.cause), Some(Cause::TRANSFER_SYNTAX_ERROR));
//! # Ok::<(), s1ap::Error>(())
//! ```

mod cause;
mod error;
mod ie_value;
mod message;
mod names;
mod pdu;
pub(crate) mod tree;
mod value;

pub use cause::Cause;
pub use error::{AbstractSyntaxError, Error};
pub use ie_value::IeValue;
pub use message::*;
pub use pdu::{Body, Criticality, Ie, Pdu, PduKind};
pub use value::{
    AddressBits, Arp, BitRate, CnDomain, CriticalityDiagnostics, Ecgi, EnbId, EnbKind, EnbUeS1apId,
    ErabAdded, ErabItem, ErabQos, ErabReleased, ErabSetup, ErabSwitchedDownlink, ErabSwitchedUplink,
    ErabToBeAdded, ErabToBeSetup, GbrQos, GlobalEnbId, Gummei, IeDiagnostics, List, MmeUeS1apId, NasPdu,
    NodeName, PagingDrx, RelativeMmeCapacity, ResetConnections, ResetType, RrcEstablishmentCause, STmsi,
    SecurityContext, SecurityKey, ServedGummei, SupportedTa, Tai, TimeToWait, TransportAddress, TypeOfError,
    UeAmbr, UeConnection, UeIdentityIndex, UePagingId, UeS1apIds, UeSecurityCapabilities,
};

/// The UDP port of S1AP-lite: the number that SCTP has for S1AP.
pub const PORT: u16 = 36412;

/// Every message of TS 36.413: its kind, its procedure, its name, and how many IEs it has fields for if it has a type
/// here. The others come as [`Message::Other`].
pub fn messages() -> impl Iterator<Item = (PduKind, u8, &'static str, Option<usize>)> {
    let fields = |kind, code| Message::typed(kind, code).map(<[u16]>::len);
    names::messages().map(move |(kind, code, name)| (kind, code, name, fields(kind, code)))
}

/// Every IE of TS 36.413: its identifier, its name, the ASN.1 type of its value, and whether [`Ie::decoded`] reads it.
pub fn ies() -> impl Iterator<Item = (u16, &'static str, &'static str, bool)> {
    names::ies().map(|(id, name, asn1_type)| (id, name, asn1_type, IeValue::has(id)))
}
