//! The messages, TS 24.301 §8.2 (EMM) and §8.3 (ESM).

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use oxirush_nas::nas_eps as eps;

use super::cause::{EmmCause, EsmCause};
use super::value::*;
use crate::s1ap::{List, NasPdu, Tai};
use crate::{Apn, Ebi, Pco};

/// Who sends a message. Detach Request has one type and two forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the UE.
    Uplink,
    /// To the UE.
    Downlink,
}

/// Why octets are no NAS message that can be acted on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("NAS: {why}")]
pub struct Error {
    why: String,
    answer: Option<Box<Message>>,
}

impl Error {
    /// The answer of TS 24.301 §7: a status or a reject message; `None` where the message is ignored.
    pub fn answer(&self) -> Option<&Message> {
        self.answer.as_deref()
    }
}

// ------------------------------------------------------------------------------------------------------ EMM messages

/// §8.2.4, uplink: the UE wants to attach.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttachRequest {
    /// For what.
    pub attach_type: AttachType,
    /// Which keys it has.
    pub key_set_identifier: KeySetIdentifier,
    /// Who it is.
    pub identity: Identity,
    /// What it can do.
    pub ue_network_capability: UeNetworkCapability,
    /// The PDN connection that it wants with it.
    pub esm: PdnConnectivityRequest,
}

/// §8.2.1, downlink: the UE is attached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttachAccept {
    /// For what.
    pub result: AttachResult,
    /// When it is to say that it is still there.
    pub t3412: GprsTimer,
    /// Where it may roam without saying so.
    pub tais: List<Tai, 16>,
    /// Its PDN connection.
    pub esm: ActivateDefaultEpsBearerContextRequest,
    /// Its temporary identity from now on.
    pub guti: Option<Guti>,
    /// Why it got less than it wanted.
    pub emm_cause: Option<EmmCause>,
}

/// §8.2.2, uplink: the UE took it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttachComplete {
    /// What it says of its PDN connection.
    pub esm: ActivateDefaultEpsBearerContextAccept,
}

/// §8.2.3, downlink: no.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttachReject {
    /// Why.
    pub cause: EmmCause,
    /// Why there is no PDN connection, with cause #19.
    pub esm: Option<PdnConnectivityReject>,
}

/// §8.2.11.1, uplink: the UE leaves.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DetachRequest {
    /// It is switched off and waits for no answer.
    pub switch_off: bool,
    /// From what.
    pub detach_type: DetachType,
    /// Which keys it has.
    pub key_set_identifier: KeySetIdentifier,
    /// Who it is.
    pub identity: Identity,
}

/// §8.2.11.2, downlink: the UE is to leave.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NetworkDetachRequest {
    /// How.
    pub detach_type: NetworkDetachType,
    /// Why.
    pub cause: Option<EmmCause>,
}

/// §8.2.10, either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DetachAccept;

/// §8.2.14, either way: something was wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmmStatus {
    /// What.
    pub cause: EmmCause,
}

/// §8.2.18, downlink: who are you?
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdentityRequest {
    /// Which identity.
    pub identity_type: IdentityType,
}

/// §8.2.19, uplink.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdentityResponse {
    /// Who the UE is.
    pub identity: Identity,
}

// ------------------------------------------------------------------------------------------------------ ESM messages

/// §8.3.20, uplink: the UE wants a PDN connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PdnConnectivityRequest {
    /// For the answer to name.
    pub pti: Pti,
    /// Why.
    pub request_type: RequestType,
    /// Which addresses.
    pub pdn_type: PdnType,
    /// It will name the APN, or send the PCO, only when security is up.
    pub esm_information_transfer: bool,
    /// To which network; the default one if it is not there.
    pub apn: Option<Apn>,
    /// What it asks of the P-GW.
    pub pco: Option<Pco>,
}

/// §8.3.6, downlink: the PDN connection and its default bearer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ActivateDefaultEpsBearerContextRequest {
    /// The bearer.
    pub ebi: Ebi,
    /// Of the request.
    pub pti: Pti,
    /// Its QoS.
    pub qos: EpsQos,
    /// To which network.
    pub apn: Apn,
    /// The address of the UE there.
    pub pdn_address: PdnAddress,
    /// The most that its non-GBR bearers use together.
    pub apn_ambr: Option<ApnAmbr>,
    /// Why it got less than it wanted.
    pub esm_cause: Option<EsmCause>,
    /// What the P-GW answers.
    pub pco: Option<Pco>,
}

/// §8.3.4, uplink: the UE took it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ActivateDefaultEpsBearerContextAccept {
    /// The bearer.
    pub ebi: Ebi,
    /// For the P-GW.
    pub pco: Option<Pco>,
}

/// §8.3.5, uplink: the UE did not take it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ActivateDefaultEpsBearerContextReject {
    /// The bearer.
    pub ebi: Ebi,
    /// Why.
    pub cause: EsmCause,
    /// For the P-GW.
    pub pco: Option<Pco>,
}

/// §8.3.19, downlink: no PDN connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PdnConnectivityReject {
    /// Of the request.
    pub pti: Pti,
    /// Why.
    pub cause: EsmCause,
    /// Of the P-GW.
    pub pco: Option<Pco>,
}

/// §8.3.22, uplink: the UE gives a PDN connection back.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PdnDisconnectRequest {
    /// For the answer to name.
    pub pti: Pti,
    /// The default bearer of the PDN connection.
    pub linked_ebi: Ebi,
    /// For the P-GW.
    pub pco: Option<Pco>,
}

/// §8.3.21, downlink: it stays.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PdnDisconnectReject {
    /// Of the request.
    pub pti: Pti,
    /// Why.
    pub cause: EsmCause,
    /// Of the P-GW.
    pub pco: Option<Pco>,
}

/// §8.3.12, downlink: a bearer goes, and with a default bearer its PDN connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeactivateEpsBearerContextRequest {
    /// The bearer.
    pub ebi: Ebi,
    /// Of the PDN Disconnect Request, or 0.
    pub pti: Pti,
    /// Why.
    pub cause: EsmCause,
    /// Of the P-GW.
    pub pco: Option<Pco>,
}

/// §8.3.11, uplink: it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct DeactivateEpsBearerContextAccept {
    /// The bearer.
    pub ebi: Ebi,
    /// For the P-GW.
    pub pco: Option<Pco>,
}

/// §8.3.15, either way: something was wrong with a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EsmStatus {
    /// The bearer of the message.
    pub ebi: Ebi,
    /// Its transaction.
    pub pti: Pti,
    /// What.
    pub cause: EsmCause,
}

/// A NAS message that has no type here, or one that is protected.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Other {
    name: String,
    octets: Vec<u8>,
}

impl Other {
    /// The name of the message, or of the form of its header.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole message.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }
}

macro_rules! messages {
    ($($message:ident $name:literal,)*) => {
        /// A NAS message whose IEs were read and checked.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[allow(missing_docs)] // The types have it.
        pub enum Message {
            $($message($message),)*
            Other(Other),
        }

        impl Message {
            /// The names of the messages that have a type.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// What TS 24.301 calls the message, as `ATTACH REQUEST`.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$message(_) => $name,)*
                    Self::Other(other) => &other.name,
                }
            }

            /// The message in octets.
            pub fn encode(&self) -> Vec<u8> {
                match self {
                    $(Self::$message(message) => message.encode(),)*
                    Self::Other(other) => other.octets.clone(),
                }
            }
        }

        $(
            impl From<$message> for Message {
                fn from(message: $message) -> Self {
                    Self::$message(message)
                }
            }

            impl $message {
                /// The message in octets.
                pub fn encode(&self) -> Vec<u8> {
                    encoded(&self.eps())
                }
            }
        )*
    };
}

messages! {
    AttachRequest "ATTACH REQUEST",
    AttachAccept "ATTACH ACCEPT",
    AttachComplete "ATTACH COMPLETE",
    AttachReject "ATTACH REJECT",
    DetachRequest "DETACH REQUEST",
    NetworkDetachRequest "DETACH REQUEST",
    DetachAccept "DETACH ACCEPT",
    EmmStatus "EMM STATUS",
    IdentityRequest "IDENTITY REQUEST",
    IdentityResponse "IDENTITY RESPONSE",
    PdnConnectivityRequest "PDN CONNECTIVITY REQUEST",
    PdnConnectivityReject "PDN CONNECTIVITY REJECT",
    ActivateDefaultEpsBearerContextRequest "ACTIVATE DEFAULT EPS BEARER CONTEXT REQUEST",
    ActivateDefaultEpsBearerContextAccept "ACTIVATE DEFAULT EPS BEARER CONTEXT ACCEPT",
    ActivateDefaultEpsBearerContextReject "ACTIVATE DEFAULT EPS BEARER CONTEXT REJECT",
    PdnDisconnectRequest "PDN DISCONNECT REQUEST",
    PdnDisconnectReject "PDN DISCONNECT REJECT",
    DeactivateEpsBearerContextRequest "DEACTIVATE EPS BEARER CONTEXT REQUEST",
    DeactivateEpsBearerContextAccept "DEACTIVATE EPS BEARER CONTEXT ACCEPT",
    EsmStatus "ESM STATUS",
}

impl From<&Message> for NasPdu {
    fn from(message: &Message) -> Self {
        Self(message.encode())
    }
}

impl<M: Into<Message>> From<M> for NasPdu {
    fn from(message: M) -> Self {
        Self(message.into().encode())
    }
}

impl NasPdu {
    /// Reads the NAS message: [`decode`].
    ///
    /// # Errors
    ///
    /// Those of [`decode`].
    pub fn decode(&self, direction: Direction) -> Result<Message, Error> {
        decode(direction, &self.0)
    }
}

// ----------------------------------------------------------------------------------------------------------- decode

/// Reads the message that fills `octets`.
///
/// An optional IE that is not understood is taken as not there, as TS 24.301 §7.7.1 says.
///
/// # Errors
///
/// Octets that are no NAS message of EPS, a message of no known type, and a mandatory IE that is missing or not
/// understood. The error has the answer.
pub fn decode(direction: Direction, octets: &[u8]) -> Result<Message, Error> {
    let eps_direction = match direction {
        Direction::Uplink => eps::Direction::Uplink,
        Direction::Downlink => eps::Direction::Downlink,
    };
    let message = eps::NasEpsMessage::decode_with_direction(octets, eps_direction).map_err(|error| {
        let answer = eps::NasEpsMessage::answer_to_refused(octets, &error, eps_direction);
        // A status about a status would go on for ever.
        let is_status = matches!(octets, [0x07, 0x60, ..] | [_, _, 0xe8, ..]);
        let answer = answer
            .filter(|_| !is_status)
            .and_then(|answer| typed(&answer).ok().flatten());
        Error {
            why: error.to_string(),
            answer: answer.map(Box::new),
        }
    })?;
    match typed(&message) {
        Ok(Some(message)) => Ok(message),
        Ok(None) => Ok(Message::Other(Other {
            name: other_name(&message),
            octets: octets.into(),
        })),
        Err(what) => Err(Error {
            why: alloc::format!("{}: {what} is not understood", other_name(&message)),
            answer: status(&message).map(Box::new),
        }),
    }
}

/// §7.5: cause #96. A status message is not answered.
fn status(message: &eps::NasEpsMessage) -> Option<Message> {
    match message {
        eps::NasEpsMessage::Emm(_, eps::NasEmmMessage::EmmStatus(_)) => None,
        eps::NasEpsMessage::Esm(_, eps::NasEsmMessage::EsmStatus(_)) => None,
        eps::NasEpsMessage::Emm(..) => Some(
            EmmStatus {
                cause: EmmCause::INVALID_MANDATORY_INFORMATION,
            }
            .into(),
        ),
        eps::NasEpsMessage::Esm(header, _) => Some(Message::EsmStatus(EsmStatus {
            ebi: Ebi(header.eps_bearer_identity),
            pti: Pti(header.procedure_transaction_identity),
            cause: EsmCause::INVALID_MANDATORY_INFORMATION,
        })),
        _ => None,
    }
}

fn other_name(message: &eps::NasEpsMessage) -> String {
    match message {
        eps::NasEpsMessage::Emm(header, _) => header.message_type.to_string(),
        eps::NasEpsMessage::Esm(header, _) => header.message_type.to_string(),
        eps::NasEpsMessage::SecurityProtected(..) => "protected message".into(),
        eps::NasEpsMessage::ServiceRequest(_) => "SERVICE REQUEST".into(),
        eps::NasEpsMessage::EmmTransport(_) => "EMM TRANSPORT".into(),
        _ => "NAS message".into(),
    }
}

/// The mandatory IE that is not understood.
type NotUnderstood = &'static str;

/// The message in our types; `None` if it has none.
fn typed(message: &eps::NasEpsMessage) -> Result<Option<Message>, NotUnderstood> {
    match message {
        eps::NasEpsMessage::Emm(_, message) => emm(message),
        eps::NasEpsMessage::Esm(header, message) => esm(header, message),
        _ => Ok(None),
    }
}

fn emm(message: &eps::NasEmmMessage) -> Result<Option<Message>, NotUnderstood> {
    const IDENTITY: &str = "EPS mobile identity";
    use eps::NasEmmMessage as Emm;
    Ok(Some(match message {
        Emm::AttachRequest(m) => Message::AttachRequest(AttachRequest {
            attach_type: AttachType(m.eps_attach_type.value & 7),
            key_set_identifier: KeySetIdentifier(m.nas_key_set_identifier.value & 0x0f),
            identity: Identity::read_eps(&m.eps_mobile_identity.value).ok_or(IDENTITY)?,
            ue_network_capability: UeNetworkCapability::read(&m.ue_network_capability.value)
                .ok_or("UE network capability")?,
            esm: match container(&m.esm_message_container)? {
                Some(Message::PdnConnectivityRequest(esm)) => esm,
                _ => return Err(CONTAINER),
            },
        }),
        Emm::AttachAccept(m) => Message::AttachAccept(AttachAccept {
            result: AttachResult(m.eps_attach_result.value & 7),
            t3412: GprsTimer(m.t3412_value.value),
            tais: tai_list::read(&m.tai_list.value).ok_or("TAI list")?,
            esm: match container(&m.esm_message_container)? {
                Some(Message::ActivateDefaultEpsBearerContextRequest(esm)) => esm,
                _ => return Err(CONTAINER),
            },
            guti: m.guti.as_ref().and_then(|guti| Guti::read(&guti.value)),
            emm_cause: m.emm_cause.as_ref().map(|cause| EmmCause(cause.value)),
        }),
        Emm::AttachComplete(m) => Message::AttachComplete(AttachComplete {
            esm: match container(&m.esm_message_container)? {
                Some(Message::ActivateDefaultEpsBearerContextAccept(esm)) => esm,
                _ => return Err(CONTAINER),
            },
        }),
        Emm::AttachReject(m) => Message::AttachReject(AttachReject {
            cause: EmmCause(m.emm_cause.value),
            esm: match m.esm_message_container.as_ref().map(container) {
                Some(Ok(Some(Message::PdnConnectivityReject(esm)))) => Some(esm),
                _ => None,
            },
        }),
        Emm::DetachRequestUeOriginating(m) => Message::DetachRequest(DetachRequest {
            switch_off: m.detach_type.value & SWITCH_OFF != 0,
            detach_type: DetachType(m.detach_type.value & 7),
            key_set_identifier: KeySetIdentifier(m.nas_key_set_identifier.value & 0x0f),
            identity: Identity::read_eps(&m.eps_mobile_identity.value).ok_or(IDENTITY)?,
        }),
        Emm::DetachRequestUeTerminated(m) => Message::NetworkDetachRequest(NetworkDetachRequest {
            detach_type: NetworkDetachType(m.detach_type.value & 7),
            cause: m.emm_cause.as_ref().map(|cause| EmmCause(cause.value)),
        }),
        Emm::DetachAccept(_) => Message::DetachAccept(DetachAccept),
        Emm::EmmStatus(m) => Message::EmmStatus(EmmStatus {
            cause: EmmCause(m.emm_cause.value),
        }),
        Emm::IdentityRequest(m) => Message::IdentityRequest(IdentityRequest {
            identity_type: IdentityType(m.identity_type.value & 7),
        }),
        Emm::IdentityResponse(m) => Message::IdentityResponse(IdentityResponse {
            identity: Identity::read_mobile(&m.mobile_identity.value).ok_or("mobile identity")?,
        }),
        _ => return Ok(None),
    }))
}

const CONTAINER: NotUnderstood = "ESM message container";

/// The ESM message that an EMM message carries.
fn container(container: &eps::NasEsmMessageContainer) -> Result<Option<Message>, NotUnderstood> {
    let message = eps::NasEpsMessage::decode(&container.value).map_err(|_| CONTAINER)?;
    match &message {
        eps::NasEpsMessage::Esm(header, message) => esm(header, message),
        _ => Err(CONTAINER),
    }
}

fn esm(header: &eps::NasEsmHeader, message: &eps::NasEsmMessage) -> Result<Option<Message>, NotUnderstood> {
    use eps::NasEsmMessage as Esm;
    let ebi = Ebi(header.eps_bearer_identity);
    let pti = Pti(header.procedure_transaction_identity);
    /// The options in the IE of 251 octets at most, or in the extended one.
    macro_rules! pco {
        ($message:ident) => {
            pco(
                $message
                    .protocol_configuration_options
                    .as_ref()
                    .map(|pco| &pco.value[..]),
                $message
                    .extended_protocol_configuration_options
                    .as_ref()
                    .map(|pco| &pco.value[..]),
            )
        };
    }
    Ok(Some(match message {
        Esm::PdnConnectivityRequest(m) => Message::PdnConnectivityRequest(PdnConnectivityRequest {
            pti,
            request_type: RequestType(m.request_type.value & 7),
            pdn_type: PdnType(m.pdn_type.value & 7),
            esm_information_transfer: m
                .esm_information_transfer_flag
                .as_ref()
                .is_some_and(|flag| flag.value & 1 == 1),
            apn: m
                .access_point_name
                .as_ref()
                .and_then(|apn| Apn::from_octets(&apn.value).ok()),
            pco: pco!(m),
        }),
        Esm::PdnConnectivityReject(m) => Message::PdnConnectivityReject(PdnConnectivityReject {
            pti,
            cause: EsmCause(m.esm_cause.value),
            pco: pco!(m),
        }),
        Esm::ActivateDefaultEpsBearerContextRequest(m) => {
            Message::ActivateDefaultEpsBearerContextRequest(ActivateDefaultEpsBearerContextRequest {
                ebi,
                pti,
                qos: EpsQos::read(&m.eps_qos.value).ok_or("EPS QoS")?,
                apn: Apn::from_octets(&m.access_point_name.value).map_err(|_| "access point name")?,
                pdn_address: PdnAddress::read(&m.pdn_address.value).ok_or("PDN address")?,
                apn_ambr: m.apn_ambr.as_ref().and_then(|ambr| ApnAmbr::read(&ambr.value)),
                esm_cause: m.esm_cause.as_ref().map(|cause| EsmCause(cause.value)),
                pco: pco!(m),
            })
        }
        Esm::ActivateDefaultEpsBearerContextAccept(m) => {
            Message::ActivateDefaultEpsBearerContextAccept(ActivateDefaultEpsBearerContextAccept {
                ebi,
                pco: pco!(m),
            })
        }
        Esm::ActivateDefaultEpsBearerContextReject(m) => {
            Message::ActivateDefaultEpsBearerContextReject(ActivateDefaultEpsBearerContextReject {
                ebi,
                cause: EsmCause(m.esm_cause.value),
                pco: pco!(m),
            })
        }
        Esm::PdnDisconnectRequest(m) => Message::PdnDisconnectRequest(PdnDisconnectRequest {
            pti,
            linked_ebi: Ebi(m.linked_eps_bearer_identity.value & 0x0f),
            pco: pco!(m),
        }),
        Esm::PdnDisconnectReject(m) => Message::PdnDisconnectReject(PdnDisconnectReject {
            pti,
            cause: EsmCause(m.esm_cause.value),
            pco: pco!(m),
        }),
        Esm::DeactivateEpsBearerContextRequest(m) => {
            Message::DeactivateEpsBearerContextRequest(DeactivateEpsBearerContextRequest {
                ebi,
                pti,
                cause: EsmCause(m.esm_cause.value),
                pco: pco!(m),
            })
        }
        Esm::DeactivateEpsBearerContextAccept(m) => {
            Message::DeactivateEpsBearerContextAccept(DeactivateEpsBearerContextAccept { ebi, pco: pco!(m) })
        }
        Esm::EsmStatus(m) => Message::EsmStatus(EsmStatus {
            ebi,
            pti,
            cause: EsmCause(m.esm_cause.value),
        }),
        _ => return Ok(None),
    }))
}

fn pco(short: Option<&[u8]>, extended: Option<&[u8]>) -> Option<Pco> {
    short
        .or(extended)
        .and_then(|octets| Pco::from_octets(octets).ok())
}

// ----------------------------------------------------------------------------------------------------------- encode

const SWITCH_OFF: u8 = 8;

/// The longest value of the IE Protocol configuration options; longer ones go into the extended IE.
const MAX_PCO: usize = 251;

/// Our types admit only what encodes, which the tests walk through.
fn encoded(message: &eps::NasEpsMessage) -> Vec<u8> {
    let octets = message.encode();
    debug_assert!(octets.is_ok(), "{octets:?}");
    octets.unwrap_or_default()
}

/// Puts the options into the IE that holds them.
macro_rules! with_pco {
    ($message:expr, $pco:expr) => {{
        let message = $message;
        match &$pco {
            None => message,
            Some(pco) if pco.as_octets().len() <= MAX_PCO => message.with_protocol_configuration_options(
                eps::NasProtocolConfigurationOptions::new(pco.as_octets()),
            ),
            Some(pco) => message.with_extended_protocol_configuration_options(
                eps::NasExtendedProtocolConfigurationOptions::new(pco.as_octets()),
            ),
        }
    }};
}

fn esm_container(message: Vec<u8>) -> eps::NasEsmMessageContainer {
    eps::NasEsmMessageContainer::new(message)
}

fn emm_cause(cause: EmmCause) -> eps::NasEmmCause {
    eps::NasEmmCause::new(cause.0)
}

fn esm_cause(cause: EsmCause) -> eps::NasEsmCause {
    eps::NasEsmCause::new(cause.0)
}

impl AttachRequest {
    fn eps(&self) -> eps::NasEpsMessage {
        eps::NasEpsMessage::new_emm(eps::NasAttachRequest::new(
            eps::NasEpsAttachType::new(self.attach_type.0 & 7),
            eps::NasKeySetIdentifier::new(self.key_set_identifier.0 & 0x0f),
            eps::NasEpsMobileIdentity::new(self.identity.write_eps()),
            eps::NasUeNetworkCapability::new(self.ue_network_capability.octets()),
            esm_container(self.esm.encode()),
        ))
    }
}

impl AttachAccept {
    fn eps(&self) -> eps::NasEpsMessage {
        let mut accept = eps::NasAttachAccept::new(
            eps::NasEpsAttachResult::new(self.result.0 & 7),
            eps::NasT3412Value::new(self.t3412.0),
            eps::NasTrackingAreaIdentityList::new(tai_list::write(&self.tais)),
            esm_container(self.esm.encode()),
        );
        accept.guti = self.guti.map(|guti| eps::NasEpsMobileIdentity::new(guti.write()));
        accept.emm_cause = self.emm_cause.map(emm_cause);
        eps::NasEpsMessage::new_emm(accept)
    }
}

impl AttachComplete {
    fn eps(&self) -> eps::NasEpsMessage {
        eps::NasEpsMessage::new_emm(eps::NasAttachComplete::new(esm_container(self.esm.encode())))
    }
}

impl AttachReject {
    fn eps(&self) -> eps::NasEpsMessage {
        let mut reject = eps::NasAttachReject::new(emm_cause(self.cause));
        reject.esm_message_container = self.esm.as_ref().map(|esm| esm_container(esm.encode()));
        eps::NasEpsMessage::new_emm(reject)
    }
}

impl DetachRequest {
    fn eps(&self) -> eps::NasEpsMessage {
        let switch_off = if self.switch_off { SWITCH_OFF } else { 0 };
        eps::NasEpsMessage::new_emm(eps::NasDetachRequestUeOriginating::new(
            eps::NasDetachType::new(switch_off | self.detach_type.0 & 7),
            eps::NasKeySetIdentifier::new(self.key_set_identifier.0 & 0x0f),
            eps::NasEpsMobileIdentity::new(self.identity.write_eps()),
        ))
    }
}

impl NetworkDetachRequest {
    fn eps(&self) -> eps::NasEpsMessage {
        let mut request =
            eps::NasDetachRequestUeTerminated::new(eps::NasDetachType::new(self.detach_type.0 & 7));
        request.emm_cause = self.cause.map(emm_cause);
        eps::NasEpsMessage::new_emm(request)
    }
}

impl DetachAccept {
    fn eps(&self) -> eps::NasEpsMessage {
        eps::NasEpsMessage::new_emm(eps::NasDetachAccept::new())
    }
}

impl EmmStatus {
    fn eps(&self) -> eps::NasEpsMessage {
        eps::NasEpsMessage::new_emm(eps::NasEmmStatus::new(emm_cause(self.cause)))
    }
}

impl IdentityRequest {
    fn eps(&self) -> eps::NasEpsMessage {
        let identity_type = eps::NasIdentityType2::new(self.identity_type.0 & 7);
        eps::NasEpsMessage::new_emm(eps::NasIdentityRequest::new(identity_type))
    }
}

impl IdentityResponse {
    fn eps(&self) -> eps::NasEpsMessage {
        let identity = eps::NasMobileIdentity::new(self.identity.write_mobile());
        eps::NasEpsMessage::new_emm(eps::NasIdentityResponse::new(identity))
    }
}

/// An ESM message with its header; the EBI has four bits.
fn new_esm(message: impl Into<eps::NasEsmMessage>, ebi: Ebi, pti: Pti) -> eps::NasEpsMessage {
    eps::NasEpsMessage::new_esm(message, ebi.0 & 0x0f, pti.0)
}

/// No bearer; no transaction.
const NO_EBI: Ebi = Ebi(0);
const NO_PTI: Pti = Pti(0);

impl PdnConnectivityRequest {
    fn eps(&self) -> eps::NasEpsMessage {
        let mut request = eps::NasPdnConnectivityRequest::new(
            eps::NasRequestType::new(self.request_type.0 & 7),
            eps::NasPdnType::new(self.pdn_type.0 & 7),
        );
        request.esm_information_transfer_flag = self
            .esm_information_transfer
            .then(|| eps::NasEsmInformationTransferFlag::new(1));
        request.access_point_name = self.apn.as_ref().map(access_point_name);
        new_esm(with_pco!(request, self.pco), NO_EBI, self.pti)
    }
}

/// The IE holds 100 octets: an APN that is longer is cut at a label.
fn access_point_name(apn: &Apn) -> eps::NasAccessPointName {
    let mut kept = 0;
    for label in apn.labels() {
        if kept + 1 + label.len() > 100 {
            break;
        }
        kept += 1 + label.len();
    }
    eps::NasAccessPointName::new(apn.as_octets().get(..kept).unwrap_or_default())
}

impl PdnConnectivityReject {
    fn eps(&self) -> eps::NasEpsMessage {
        new_esm(
            with_pco!(
                eps::NasPdnConnectivityReject::new(esm_cause(self.cause)),
                self.pco
            ),
            NO_EBI,
            self.pti,
        )
    }
}

impl ActivateDefaultEpsBearerContextRequest {
    fn eps(&self) -> eps::NasEpsMessage {
        let mut request = eps::NasActivateDefaultEpsBearerContextRequest::new(
            eps::NasEpsQualityOfService::new(self.qos.write()),
            access_point_name(&self.apn),
            eps::NasPdnAddress::new(self.pdn_address.write()),
        );
        request.apn_ambr = self
            .apn_ambr
            .map(|ambr| eps::NasApnAggregateMaximumBitRate::new(ambr.write()));
        request.esm_cause = self.esm_cause.map(esm_cause);
        new_esm(with_pco!(request, self.pco), self.ebi, self.pti)
    }
}

impl ActivateDefaultEpsBearerContextAccept {
    fn eps(&self) -> eps::NasEpsMessage {
        new_esm(
            with_pco!(eps::NasActivateDefaultEpsBearerContextAccept::new(), self.pco),
            self.ebi,
            NO_PTI,
        )
    }
}

impl ActivateDefaultEpsBearerContextReject {
    fn eps(&self) -> eps::NasEpsMessage {
        let reject = eps::NasActivateDefaultEpsBearerContextReject::new(esm_cause(self.cause));
        new_esm(with_pco!(reject, self.pco), self.ebi, NO_PTI)
    }
}

impl PdnDisconnectRequest {
    fn eps(&self) -> eps::NasEpsMessage {
        let linked = eps::NasLinkedEpsBearerIdentity::new(self.linked_ebi.0 & 0x0f);
        new_esm(
            with_pco!(eps::NasPdnDisconnectRequest::new(linked), self.pco),
            NO_EBI,
            self.pti,
        )
    }
}

impl PdnDisconnectReject {
    fn eps(&self) -> eps::NasEpsMessage {
        new_esm(
            with_pco!(eps::NasPdnDisconnectReject::new(esm_cause(self.cause)), self.pco),
            NO_EBI,
            self.pti,
        )
    }
}

impl DeactivateEpsBearerContextRequest {
    fn eps(&self) -> eps::NasEpsMessage {
        let request = eps::NasDeactivateEpsBearerContextRequest::new(esm_cause(self.cause));
        new_esm(with_pco!(request, self.pco), self.ebi, self.pti)
    }
}

impl DeactivateEpsBearerContextAccept {
    fn eps(&self) -> eps::NasEpsMessage {
        new_esm(
            with_pco!(eps::NasDeactivateEpsBearerContextAccept::new(), self.pco),
            self.ebi,
            NO_PTI,
        )
    }
}

impl EsmStatus {
    fn eps(&self) -> eps::NasEpsMessage {
        new_esm(eps::NasEsmStatus::new(esm_cause(self.cause)), self.ebi, self.pti)
    }
}
