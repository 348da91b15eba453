//! The messages, each declared as its table in TS 36.413 §9.1.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

use oxirush_s1ap::s1ap::S1APPDU;
use oxirush_s1ap::{Deviation, s1ap as asn1};

use super::Error;
use super::cause::Cause;
use super::error::AbstractSyntaxError;
use super::pdu::{Body, Criticality, Ie, Pdu, PduKind};
use super::value::*;

/// Reads the IEs of one PDU: what is to blame is gathered, so that the answer names all of it.
struct Ies<'p> {
    pdu: &'p Pdu<'p>,
    /// What makes the message one that cannot be acted on.
    refused: Vec<IeDiagnostics>,
    /// What the sender wants to hear of, though the procedure goes on.
    notify: Vec<IeDiagnostics>,
    why: alloc::string::String,
}

impl<'p> Ies<'p> {
    fn of(pdu: &'p Pdu<'p>) -> Self {
        Self {
            pdu,
            refused: Vec::new(),
            notify: Vec::new(),
            why: Default::default(),
        }
    }

    /// An IE that is not comprehended, §10.3.4.2, or not there, §10.3.5.
    fn blame(&mut self, id: u16, criticality: Criticality, type_of_error: TypeOfError, why: &str) {
        let blamed = IeDiagnostics {
            criticality,
            id,
            type_of_error,
        };
        match criticality {
            Criticality::Ignore => return,
            Criticality::Notify => self.notify.push(blamed),
            Criticality::Reject => self.refused.push(blamed),
        }
        // A datagram of thousands of wrong IEs does not make a log line of thousands.
        match self.refused.len() + self.notify.len() {
            0..=8 => {}
            9 => return self.why.push_str(", ..."),
            10.. => return,
        }
        if !self.why.is_empty() {
            self.why.push_str(", ");
        }
        self.why.push_str(&Error::describe(&blamed));
        if !why.is_empty() {
            self.why.push_str(" (");
            self.why.push_str(why);
            self.why.push(')');
        }
    }

    /// The IE, if it is there and is understood. The first one counts: a second one is an error of its own.
    fn optional<T: Value>(&mut self, id: u16) -> Option<T> {
        let Ie {
            criticality, value, ..
        } = self.pdu.ies().iter().find(|ie| ie.id == id)?;
        match T::read(value) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.blame(id, *criticality, TypeOfError::NotUnderstood, &wrong.0);
                None
            }
        }
    }

    /// The IE, without which nothing can be done.
    fn mandatory<T: Value>(&mut self, id: u16, specified: Criticality) -> Option<T> {
        let value = self.optional(id);
        if value.is_none() && !self.refused.iter().any(|blamed| blamed.id == id) {
            // Of criticality ignore: the procedure would go on, and has nothing to go on with.
            self.refused.push(IeDiagnostics {
                criticality: specified,
                id,
                type_of_error: TypeOfError::Missing,
            });
            if self.why.is_empty() {
                self.why = Error::describe(&self.refused[0]);
            }
        }
        value
    }

    fn error(
        &self,
        cause: Cause,
        ies: Vec<IeDiagnostics>,
        why: alloc::string::String,
    ) -> AbstractSyntaxError {
        let mut ids = Ies::of(self.pdu);
        let mme = ids.optional::<MmeUeS1apId>(0);
        // UE Context Release Command, and Path Switch Request, have it elsewhere.
        let pair = ids.optional::<UeS1apIds>(99);
        let source = ids.optional::<MmeUeS1apId>(88);
        let enb = ids.optional::<EnbUeS1apId>(8);
        AbstractSyntaxError {
            kind: self.pdu.kind,
            procedure_code: self.pdu.procedure_code,
            procedure_criticality: self.pdu.criticality,
            cause,
            ies,
            mme_ue_s1ap_id: mme.or(pair.map(|ids| ids.mme_ue_s1ap_id())).or(source),
            enb_ue_s1ap_id: enb.or(pair.and_then(|ids| ids.enb_ue_s1ap_id())),
            why,
        }
    }

    fn refusal(&self) -> Error {
        let error = self.error(
            Cause::ABSTRACT_SYNTAX_ERROR_REJECT,
            self.refused.clone(),
            self.why.clone(),
        );
        Error::AbstractSyntax(Box::new(error))
    }

    /// Holds the IEs against the object set of the message: each IE of the set once, in the order of the set, and the
    /// mandatory ones there. `typed` are those whose values the caller reads; the others are read here.
    fn check(&mut self, octets: &[u8], typed: &[u16]) -> Result<(), Error> {
        let transfer = |error| Error::transfer_syntax(octets, &error);
        let pdu = S1APPDU::decode_borrowed(octets).map_err(transfer)?;
        // Values are read twice only where there is one that the caller does not read.
        let all_typed = self.pdu.ies().iter().all(|ie| typed.contains(&ie.id));
        let deviations = if all_typed {
            pdu.check_structure()
        } else {
            pdu.check()
        };
        for deviation in deviations.map_err(transfer)? {
            match deviation {
                Deviation::RepeatedIe { .. } | Deviation::OutOfOrder { .. } => {
                    let cause = Cause::ABSTRACT_SYNTAX_ERROR_FALSELY_CONSTRUCTED_MESSAGE;
                    let error = self.error(cause, Vec::new(), alloc::format!("{deviation}"));
                    return Err(Error::AbstractSyntax(Box::new(error)));
                }
                Deviation::UnexpectedIe { id, criticality, .. } => {
                    self.blame(
                        id,
                        of_asn1(criticality),
                        TypeOfError::NotUnderstood,
                        "not of this message",
                    );
                }
                Deviation::UndecodableIe {
                    id,
                    criticality,
                    error,
                    ..
                } if !typed.contains(&id) => {
                    self.blame(
                        id,
                        of_asn1(criticality),
                        TypeOfError::NotUnderstood,
                        &error.reason(),
                    );
                }
                Deviation::MissingIe { id, criticality, .. } => {
                    self.blame(id, of_asn1(criticality), TypeOfError::Missing, "");
                }
                // A criticality of another value than the specified one is taken as it is, §10.3.6; a value outside
                // the root of its type or an encoding that is not minimal is understood.
                _ => {}
            }
        }
        Ok(())
    }
}

fn of_asn1(criticality: asn1::Criticality) -> Criticality {
    match criticality {
        asn1::Criticality::reject => Criticality::Reject,
        asn1::Criticality::ignore => Criticality::Ignore,
        asn1::Criticality::notify => Criticality::Notify,
    }
}

/// What [`decode`] and [`decode_reporting`] share.
fn read(octets: &[u8]) -> Result<(Message, Option<ErrorIndication>), Error> {
    let pdu = Pdu::decode(octets)?;
    let Some(typed) = Message::typed(pdu.kind, pdu.procedure_code) else {
        return Ok((other(octets, &pdu, &mut Ies::of(&pdu))?, None));
    };
    match read_ordinary(&pdu, typed) {
        Some(message) => Ok((message, None)),
        None => read_checked(octets, &pdu, typed),
    }
}

/// A message all of whose IEs have fields, stand in their order and are understood. Nothing can be said of it: the
/// fields are all that the object set has of mandatory IEs, and what is in the order of the fields is in the set's.
fn read_ordinary(pdu: &Pdu<'_>, typed: &[u16]) -> Option<Message> {
    let mut rest = typed.iter();
    if !pdu.ies().iter().all(|ie| rest.any(|id| *id == ie.id)) {
        return None;
    }
    let mut ies = Ies::of(pdu);
    let message = Message::read(&mut ies)?;
    (ies.refused.is_empty() && ies.notify.is_empty()).then_some(message)
}

/// Any message, held against its object set.
fn read_checked(
    octets: &[u8],
    pdu: &Pdu<'_>,
    typed: &[u16],
) -> Result<(Message, Option<ErrorIndication>), Error> {
    let mut ies = Ies::of(pdu);
    ies.check(octets, typed)?;
    let message = Message::read(&mut ies);
    let Some(message) = message.filter(|_| ies.refused.is_empty()) else {
        return Err(ies.refusal());
    };
    if ies.notify.is_empty() {
        return Ok((message, None));
    }
    let cause = Cause::ABSTRACT_SYNTAX_ERROR_IGNORE_AND_NOTIFY;
    let error = ies.error(cause, ies.notify.clone(), ies.why.clone());
    Ok((message, Error::AbstractSyntax(Box::new(error)).indication()))
}

/// A message that is none of ours: it is checked, so that what is handed on is valid S1AP.
fn other(octets: &[u8], pdu: &Pdu<'_>, ies: &mut Ies<'_>) -> Result<Message, Error> {
    if pdu.message_name().is_none() {
        // §10.3.4.1: a procedure that is not comprehended.
        let cause = match pdu.criticality {
            Criticality::Reject => Cause::ABSTRACT_SYNTAX_ERROR_REJECT,
            Criticality::Ignore | Criticality::Notify => Cause::ABSTRACT_SYNTAX_ERROR_IGNORE_AND_NOTIFY,
        };
        let error = ies.error(
            cause,
            Vec::new(),
            alloc::format!("unknown procedure {}", pdu.procedure_code),
        );
        return Err(Error::AbstractSyntax(Box::new(error)));
    }
    ies.check(octets, &[])?;
    if !ies.refused.is_empty() {
        return Err(ies.refusal());
    }
    Ok(Message::Other(Other {
        kind: pdu.kind,
        procedure_code: pdu.procedure_code,
        criticality: pdu.criticality,
        octets: octets.into(),
    }))
}

/// Reads the PDU that fills `octets`, and checks each of its IEs.
///
/// # Errors
///
/// [`Error::TransferSyntax`] for octets that are no PDU, [`Error::AbstractSyntax`] for a PDU with an IE of criticality
/// reject that is missing or not understood, with IEs that are repeated or out of order, or of an unknown procedure.
/// Either says what to answer.
pub fn decode(octets: &[u8]) -> Result<Message, Error> {
    read(octets).map(|(message, _)| message)
}

/// As [`decode`], with the Error Indication that the sender wants beside: for IEs of criticality "ignore and notify" that
/// were not understood, TS 36.413 §10.3.4.2.
///
/// # Errors
///
/// Those of [`decode`].
pub fn decode_reporting(octets: &[u8]) -> Result<(Message, Option<ErrorIndication>), Error> {
    read(octets)
}

/// A valid message of S1AP that has no type here: the handover messages, traces, warnings and what else an EPC of this
/// size has no use for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Other {
    kind: PduKind,
    procedure_code: u8,
    criticality: Criticality,
    octets: Vec<u8>,
}

impl Other {
    /// Which of the three the PDU is.
    pub fn kind(&self) -> PduKind {
        self.kind
    }

    /// Its procedure.
    pub fn procedure_code(&self) -> u8 {
        self.procedure_code
    }

    /// The whole PDU; [`Pdu::decode`] reads it.
    pub fn octets(&self) -> &[u8] {
        &self.octets
    }

    /// The Error Indication of a node that does not have the procedure, TS 36.413 §10.3.4.1; `None` where its
    /// criticality is ignore, or the PDU is an outcome.
    pub fn not_supported(&self) -> Option<ErrorIndication> {
        let pdu = Pdu::decode(&self.octets).ok()?;
        let cause = match self.criticality {
            Criticality::Reject => Cause::ABSTRACT_SYNTAX_ERROR_REJECT,
            Criticality::Ignore | Criticality::Notify => Cause::ABSTRACT_SYNTAX_ERROR_IGNORE_AND_NOTIFY,
        };
        let error = Ies::of(&pdu).error(cause, Vec::new(), "not supported".into());
        Error::AbstractSyntax(Box::new(error)).indication()
    }
}

/// Gathers the IEs of a message in the order of its table.
struct Out(Vec<Ie<'static>>);

impl Out {
    fn put<T: Value>(&mut self, id: u16, criticality: Criticality, value: &T) {
        self.0.push(Ie {
            id,
            criticality,
            value: Cow::Owned(value.write()),
        });
    }
}

/// What M, O, I and D mean: the type of the field, how it is read, how it is written.
macro_rules! presence {
    (type M $type:ty) => { $type };
    (type D $type:ty) => { $type };
    (type O $type:ty) => { Option<$type> };
    (type I $type:ty) => { Option<$type> };

    (read M $ies:ident $id:literal $criticality:ident) => { $ies.mandatory($id, Criticality::$criticality) };
    (read D $ies:ident $id:literal $criticality:ident) => {
        Some($ies.optional($id).unwrap_or(Cause::UNSPECIFIED))
    };
    (read O $ies:ident $id:literal $criticality:ident) => { Some($ies.optional($id)) };
    (read I $ies:ident $id:literal $criticality:ident) => { Some($ies.optional($id)) };

    (write M $out:ident $value:expr, $id:literal $criticality:ident) => {
        $out.put($id, Criticality::$criticality, &$value)
    };
    (write D $out:ident $value:expr, $id:literal $criticality:ident) => {
        $out.put($id, Criticality::$criticality, &$value)
    };
    (write O $out:ident $value:expr, $id:literal $criticality:ident) => {
        if let Some(value) = &$value {
            $out.put($id, Criticality::$criticality, value);
        }
    };
    (write I $out:ident $value:expr, $id:literal $criticality:ident) => {
        presence!(write O $out $value, $id $criticality)
    };
}

macro_rules! messages {
    ($(
        $(#[$doc:meta])*
        $message:ident = $code:literal $kind:ident $criticality:ident $name:literal {
            $($(#[$field_doc:meta])* $presence:ident $field:ident: $type:ty [$id:literal $ie_criticality:ident],)*
        }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, PartialEq, Eq, Hash)]
            pub struct $message {
                $($(#[$field_doc])* pub $field: presence!(type $presence $type),)*
            }

            impl $message {
                /// All IEs are read before the first that is wrong ends it, so that the answer names each.
                fn read(ies: &mut Ies<'_>) -> Option<Self> {
                    $(let $field = presence!(read $presence ies $id $ie_criticality);)*
                    Some(Self { $($field: $field?,)* })
                }

                fn write(&self, out: &mut Out) {
                    $(presence!(write $presence out self.$field, $id $ie_criticality);)*
                }
            }

            impl From<$message> for Message {
                fn from(message: $message) -> Self {
                    Self::$message(message)
                }
            }
        )*

        /// An S1AP message whose IEs were read and checked.
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum Message {
            $($(#[$doc])* $message($message),)*
            /// Any other message of TS 36.413.
            Other(Other),
        }

        impl Message {
            /// The IEs that a message has fields for; `None` for a message that has no type.
            pub(super) fn typed(kind: PduKind, code: u8) -> Option<&'static [u16]> {
                match (kind, code) {
                    $((PduKind::$kind, $code) => Some(&[$($id),*]),)*
                    _ => None,
                }
            }

            fn read(ies: &mut Ies<'_>) -> Option<Self> {
                match (ies.pdu.kind, ies.pdu.procedure_code) {
                    $((PduKind::$kind, $code) => $message::read(ies).map(Self::$message),)*
                    _ => None,
                }
            }

            /// The name of the message in TS 36.413 §9.3.3, as `InitialUEMessage`.
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$message(_) => $name,)*
                    Self::Other(other) => super::names::message(other.kind, other.procedure_code).unwrap_or("Other"),
                }
            }

            /// Which of the three a PDU with this message is.
            pub fn kind(&self) -> PduKind {
                match self {
                    $(Self::$message(_) => PduKind::$kind,)*
                    Self::Other(other) => other.kind,
                }
            }

            /// The procedure of the message.
            pub fn procedure_code(&self) -> u8 {
                match self {
                    $(Self::$message(_) => $code,)*
                    Self::Other(other) => other.procedure_code,
                }
            }

            /// The PDU.
            pub fn encode(&self) -> Vec<u8> {
                let mut out = Out(Vec::new());
                let (kind, procedure_code, criticality) = match self {
                    $(Self::$message(message) => {
                        message.write(&mut out);
                        (PduKind::$kind, $code, Criticality::$criticality)
                    })*
                    Self::Other(other) => return other.octets.clone(),
                };
                Pdu { kind, procedure_code, criticality, body: Body::Ies(out.0) }.encode()
            }
        }
    };
}

// M mandatory, O optional; I and D are mandatory with criticality ignore, so that the procedure goes on without them
// (§10.3.5): I is `None` then, and D, which is Cause, is `Cause::UNSPECIFIED`.
messages! {
    /// §9.1.8.4, eNB to MME: the eNB and what it serves.
    S1SetupRequest = 17 InitiatingMessage Reject "S1SetupRequest" {
        /// Who the eNB is.
        M global_enb_id: GlobalEnbId [59 Reject],
        /// What its operator calls it.
        O enb_name: NodeName [60 Ignore],
        /// The tracking areas that it serves.
        M supported_tas: List<SupportedTa, 256> [64 Reject],
        /// How often its idle UEs listen.
        I paging_drx: PagingDrx [137 Ignore],
    }
    /// §9.1.8.5, MME to eNB: the interface is up.
    S1SetupResponse = 17 SuccessfulOutcome Reject "S1SetupResponse" {
        /// What its operator calls the MME.
        O mme_name: NodeName [61 Ignore],
        /// The MME's identities.
        M served_gummeis: List<ServedGummei, 8> [105 Reject],
        /// Its weight in its pool.
        I relative_mme_capacity: RelativeMmeCapacity [87 Ignore],
        /// What it did not understand in the request.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.8.6, MME to eNB: no.
    S1SetupFailure = 17 UnsuccessfulOutcome Reject "S1SetupFailure" {
        /// Why.
        D cause: Cause [2 Ignore],
        /// When to try again, at the earliest.
        O time_to_wait: TimeToWait [65 Ignore],
        /// What it did not understand in the request.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.8.7, eNB to MME: what the eNB serves has changed; without a change, a question whether the MME is there.
    EnbConfigurationUpdate = 29 InitiatingMessage Reject "ENBConfigurationUpdate" {
        /// What its operator calls it.
        O enb_name: NodeName [60 Ignore],
        /// All tracking areas that it serves now.
        O supported_tas: List<SupportedTa, 256> [64 Reject],
        /// How often its idle UEs listen.
        O paging_drx: PagingDrx [137 Ignore],
    }
    /// §9.1.8.8, MME to eNB: taken.
    EnbConfigurationUpdateAcknowledge = 29 SuccessfulOutcome Reject "ENBConfigurationUpdateAcknowledge" {
        /// What it did not understand in the update.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.8.9, MME to eNB: no.
    EnbConfigurationUpdateFailure = 29 UnsuccessfulOutcome Reject "ENBConfigurationUpdateFailure" {
        /// Why.
        D cause: Cause [2 Ignore],
        /// When to try again, at the earliest.
        O time_to_wait: TimeToWait [65 Ignore],
        /// What it did not understand in the update.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.8.10, MME to eNB: the MME has changed; without a change, a question whether the eNB is there.
    MmeConfigurationUpdate = 30 InitiatingMessage Reject "MMEConfigurationUpdate" {
        /// What its operator calls it.
        O mme_name: NodeName [61 Ignore],
        /// All its identities now.
        O served_gummeis: List<ServedGummei, 8> [105 Reject],
        /// Its weight in its pool.
        O relative_mme_capacity: RelativeMmeCapacity [87 Reject],
    }
    /// §9.1.8.11, eNB to MME: taken.
    MmeConfigurationUpdateAcknowledge = 30 SuccessfulOutcome Reject "MMEConfigurationUpdateAcknowledge" {
        /// What it did not understand in the update.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.8.12, eNB to MME: no.
    MmeConfigurationUpdateFailure = 30 UnsuccessfulOutcome Reject "MMEConfigurationUpdateFailure" {
        /// Why.
        D cause: Cause [2 Ignore],
        /// When to try again, at the earliest.
        O time_to_wait: TimeToWait [65 Ignore],
        /// What it did not understand in the update.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.7.1, eNB to MME: the first message of a UE.
    InitialUeMessage = 12 InitiatingMessage Ignore "InitialUEMessage" {
        /// The number that the eNB gave the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Reject],
        /// What the UE says.
        M nas: NasPdu [26 Reject],
        /// Where it is.
        M tai: Tai [67 Reject],
        /// In which cell.
        I ecgi: Ecgi [100 Ignore],
        /// What it wants.
        I rrc_establishment_cause: RrcEstablishmentCause [134 Ignore],
        /// Its temporary identity, if it has one.
        O s_tmsi: STmsi [96 Reject],
        /// The MME that it was registered with.
        O gummei: Gummei [75 Reject],
    }
    /// §9.1.7.2, MME to eNB, for the UE.
    DownlinkNasTransport = 11 InitiatingMessage Ignore "DownlinkNASTransport" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Reject],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Reject],
        /// For the UE.
        M nas: NasPdu [26 Reject],
    }
    /// §9.1.7.3, eNB to MME, from the UE.
    UplinkNasTransport = 13 InitiatingMessage Ignore "UplinkNASTransport" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Reject],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Reject],
        /// What the UE says.
        M nas: NasPdu [26 Reject],
        /// In which cell it is.
        I ecgi: Ecgi [100 Ignore],
        /// Where it is.
        I tai: Tai [67 Ignore],
    }
    /// §9.1.7.4, eNB to MME: a message for the UE did not reach it.
    NasNonDeliveryIndication = 16 InitiatingMessage Ignore "NASNonDeliveryIndication" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Reject],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Reject],
        /// What did not reach it.
        I nas: NasPdu [26 Ignore],
        /// Why.
        D cause: Cause [2 Ignore],
    }
    /// §9.1.4.1, MME to eNB: what the eNB needs to serve the UE.
    InitialContextSetupRequest = 9 InitiatingMessage Reject "InitialContextSetupRequest" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Reject],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Reject],
        /// The most that its non-GBR bearers use together.
        M ue_ambr: UeAmbr [66 Reject],
        /// Its bearers.
        M erabs: List<ErabToBeSetup, 256> [24 Reject],
        /// Its algorithms.
        M security_capabilities: UeSecurityCapabilities [107 Reject],
        /// KeNB.
        M security_key: SecurityKey [73 Reject],
    }
    /// §9.1.4.3, eNB to MME: the UE has its bearers.
    InitialContextSetupResponse = 9 SuccessfulOutcome Reject "InitialContextSetupResponse" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Ignore],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Ignore],
        /// The bearers that it has.
        I erabs: List<ErabSetup, 256> [51 Ignore],
        /// Those that it has not.
        O failed: List<ErabItem, 256> [48 Ignore],
        /// What the eNB did not understand in the request.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.4.4, eNB to MME: the UE has none of its bearers.
    InitialContextSetupFailure = 9 UnsuccessfulOutcome Reject "InitialContextSetupFailure" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Ignore],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Ignore],
        /// Why.
        D cause: Cause [2 Ignore],
        /// What the eNB did not understand in the request.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.3.1, MME to eNB: further bearers for the UE.
    ErabSetupRequest = 5 InitiatingMessage Reject "E-RABSetupRequest" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Reject],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Reject],
        /// The most that its non-GBR bearers use together, from now on.
        O ue_ambr: UeAmbr [66 Reject],
        /// The further bearers.
        M erabs: List<ErabToBeAdded, 256> [16 Reject],
    }
    /// §9.1.3.2, eNB to MME.
    ErabSetupResponse = 5 SuccessfulOutcome Reject "E-RABSetupResponse" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Ignore],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Ignore],
        /// The bearers that the UE has in addition.
        O erabs: List<ErabAdded, 256> [28 Ignore],
        /// Those that it has not.
        O failed: List<ErabItem, 256> [29 Ignore],
        /// What the eNB did not understand in the request.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.3.5, MME to eNB: some bearers of the UE go.
    ErabReleaseCommand = 7 InitiatingMessage Reject "E-RABReleaseCommand" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Reject],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Reject],
        /// The most that its non-GBR bearers use together, from now on.
        O ue_ambr: UeAmbr [66 Reject],
        /// The bearers, and why.
        I erabs: List<ErabItem, 256> [33 Ignore],
        /// For the UE.
        O nas: NasPdu [26 Ignore],
    }
    /// §9.1.3.6, eNB to MME.
    ErabReleaseResponse = 7 SuccessfulOutcome Reject "E-RABReleaseResponse" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Ignore],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Ignore],
        /// The bearers that are gone.
        O erabs: List<ErabReleased, 256> [69 Ignore],
        /// Those that are not.
        O failed: List<ErabItem, 256> [34 Ignore],
        /// What the eNB did not understand in the command.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.3.7, eNB to MME: bearers of the UE are gone without having been asked for.
    ErabReleaseIndication = 8 InitiatingMessage Ignore "E-RABReleaseIndication" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Reject],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Reject],
        /// The bearers, and why.
        I erabs: List<ErabItem, 256> [110 Ignore],
    }
    /// §9.1.4.5, eNB to MME: please release the UE.
    UeContextReleaseRequest = 18 InitiatingMessage Ignore "UEContextReleaseRequest" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Reject],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Reject],
        /// Why.
        D cause: Cause [2 Ignore],
    }
    /// §9.1.4.6, MME to eNB: release the UE.
    UeContextReleaseCommand = 23 InitiatingMessage Reject "UEContextReleaseCommand" {
        /// The numbers of the UE.
        M ue_s1ap_ids: UeS1apIds [99 Reject],
        /// Why.
        D cause: Cause [2 Ignore],
    }
    /// §9.1.4.7, eNB to MME: the UE is released.
    UeContextReleaseComplete = 23 SuccessfulOutcome Reject "UEContextReleaseComplete" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Ignore],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Ignore],
        /// What the eNB did not understand in the command.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.6, MME to eNB: call an idle UE.
    Paging = 10 InitiatingMessage Ignore "Paging" {
        /// When it listens.
        M ue_identity_index: UeIdentityIndex [80 Ignore],
        /// Who it is.
        M ue_paging_id: UePagingId [43 Ignore],
        /// How often it listens, if it asked for more than the cell's.
        O paging_drx: PagingDrx [44 Ignore],
        /// For what.
        M cn_domain: CnDomain [109 Ignore],
        /// Where.
        M tais: List<Tai, 256> [46 Ignore],
    }
    /// §9.1.5.8, eNB to MME: the UE came to this eNB over X2.
    PathSwitchRequest = 3 InitiatingMessage Reject "PathSwitchRequest" {
        /// The number that the new eNB gave the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Reject],
        /// Its bearers and where they end now.
        M erabs: List<ErabSwitchedDownlink, 256> [22 Reject],
        /// The MME's number of the UE, from the old eNB.
        M source_mme_ue_s1ap_id: MmeUeS1apId [88 Reject],
        /// In which cell it is.
        I ecgi: Ecgi [100 Ignore],
        /// Where it is.
        I tai: Tai [67 Ignore],
        /// Its algorithms.
        I security_capabilities: UeSecurityCapabilities [107 Ignore],
    }
    /// §9.1.5.9, MME to eNB: done.
    PathSwitchRequestAcknowledge = 3 SuccessfulOutcome Reject "PathSwitchRequestAcknowledge" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Ignore],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Ignore],
        /// The most that its non-GBR bearers use together, from now on.
        O ue_ambr: UeAmbr [66 Ignore],
        /// The bearers whose uplink goes elsewhere now.
        O erabs: List<ErabSwitchedUplink, 256> [95 Ignore],
        /// The bearers that did not come along.
        O released: List<ErabItem, 256> [33 Ignore],
        /// The key of the next handover.
        M security_context: SecurityContext [40 Reject],
        /// What the MME did not understand in the request.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.5.10, MME to eNB: no.
    PathSwitchRequestFailure = 3 UnsuccessfulOutcome Reject "PathSwitchRequestFailure" {
        /// The MME's number of the UE.
        M mme_ue_s1ap_id: MmeUeS1apId [0 Ignore],
        /// The eNB's number of the UE.
        M enb_ue_s1ap_id: EnbUeS1apId [8 Ignore],
        /// Why.
        D cause: Cause [2 Ignore],
        /// What the MME did not understand in the request.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.8.3, either way: a message could not be acted on.
    ErrorIndication = 15 InitiatingMessage Ignore "ErrorIndication" {
        /// The MME's number of the UE that it was about.
        O mme_ue_s1ap_id: MmeUeS1apId [0 Ignore],
        /// The eNB's number of the UE that it was about.
        O enb_ue_s1ap_id: EnbUeS1apId [8 Ignore],
        /// Why; at least this or the diagnostics are there.
        O cause: Cause [2 Ignore],
        /// What was not understood.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
    /// §9.1.8.1, either way: forget UEs.
    Reset = 14 InitiatingMessage Reject "Reset" {
        /// Why.
        D cause: Cause [2 Ignore],
        /// Which.
        M reset_type: ResetType [92 Reject],
    }
    /// §9.1.8.2, the answer: they are forgotten.
    ResetAcknowledge = 14 SuccessfulOutcome Reject "ResetAcknowledge" {
        /// The UEs of the Reset, in its order; none for a Reset of all.
        O connections: ResetConnections [93 Ignore],
        /// What the receiver did not understand in the Reset.
        O criticality_diagnostics: CriticalityDiagnostics [58 Ignore],
    }
}

impl Message {
    /// The number of the UE at the eNB, for a message that has exactly one.
    pub fn enb_ue_s1ap_id(&self) -> Option<EnbUeS1apId> {
        match self {
            Self::InitialUeMessage(m) => Some(m.enb_ue_s1ap_id),
            Self::DownlinkNasTransport(m) => Some(m.enb_ue_s1ap_id),
            Self::UplinkNasTransport(m) => Some(m.enb_ue_s1ap_id),
            Self::NasNonDeliveryIndication(m) => Some(m.enb_ue_s1ap_id),
            Self::InitialContextSetupRequest(m) => Some(m.enb_ue_s1ap_id),
            Self::InitialContextSetupResponse(m) => Some(m.enb_ue_s1ap_id),
            Self::InitialContextSetupFailure(m) => Some(m.enb_ue_s1ap_id),
            Self::ErabSetupRequest(m) => Some(m.enb_ue_s1ap_id),
            Self::ErabSetupResponse(m) => Some(m.enb_ue_s1ap_id),
            Self::ErabReleaseCommand(m) => Some(m.enb_ue_s1ap_id),
            Self::ErabReleaseResponse(m) => Some(m.enb_ue_s1ap_id),
            Self::ErabReleaseIndication(m) => Some(m.enb_ue_s1ap_id),
            Self::UeContextReleaseRequest(m) => Some(m.enb_ue_s1ap_id),
            Self::UeContextReleaseCommand(m) => m.ue_s1ap_ids.enb_ue_s1ap_id(),
            Self::UeContextReleaseComplete(m) => Some(m.enb_ue_s1ap_id),
            Self::PathSwitchRequest(m) => Some(m.enb_ue_s1ap_id),
            Self::PathSwitchRequestAcknowledge(m) => Some(m.enb_ue_s1ap_id),
            Self::PathSwitchRequestFailure(m) => Some(m.enb_ue_s1ap_id),
            Self::ErrorIndication(m) => m.enb_ue_s1ap_id,
            Self::S1SetupRequest(_)
            | Self::S1SetupResponse(_)
            | Self::S1SetupFailure(_)
            | Self::EnbConfigurationUpdate(_)
            | Self::EnbConfigurationUpdateAcknowledge(_)
            | Self::EnbConfigurationUpdateFailure(_)
            | Self::MmeConfigurationUpdate(_)
            | Self::MmeConfigurationUpdateAcknowledge(_)
            | Self::MmeConfigurationUpdateFailure(_)
            | Self::Paging(_)
            | Self::Reset(_)
            | Self::ResetAcknowledge(_)
            | Self::Other(_) => None,
        }
    }

    /// The number of the UE at the MME, for a message that has exactly one.
    pub fn mme_ue_s1ap_id(&self) -> Option<MmeUeS1apId> {
        match self {
            Self::DownlinkNasTransport(m) => Some(m.mme_ue_s1ap_id),
            Self::UplinkNasTransport(m) => Some(m.mme_ue_s1ap_id),
            Self::NasNonDeliveryIndication(m) => Some(m.mme_ue_s1ap_id),
            Self::InitialContextSetupRequest(m) => Some(m.mme_ue_s1ap_id),
            Self::InitialContextSetupResponse(m) => Some(m.mme_ue_s1ap_id),
            Self::InitialContextSetupFailure(m) => Some(m.mme_ue_s1ap_id),
            Self::ErabSetupRequest(m) => Some(m.mme_ue_s1ap_id),
            Self::ErabSetupResponse(m) => Some(m.mme_ue_s1ap_id),
            Self::ErabReleaseCommand(m) => Some(m.mme_ue_s1ap_id),
            Self::ErabReleaseResponse(m) => Some(m.mme_ue_s1ap_id),
            Self::ErabReleaseIndication(m) => Some(m.mme_ue_s1ap_id),
            Self::UeContextReleaseRequest(m) => Some(m.mme_ue_s1ap_id),
            Self::UeContextReleaseCommand(m) => Some(m.ue_s1ap_ids.mme_ue_s1ap_id()),
            Self::UeContextReleaseComplete(m) => Some(m.mme_ue_s1ap_id),
            Self::PathSwitchRequest(m) => Some(m.source_mme_ue_s1ap_id),
            Self::PathSwitchRequestAcknowledge(m) => Some(m.mme_ue_s1ap_id),
            Self::PathSwitchRequestFailure(m) => Some(m.mme_ue_s1ap_id),
            Self::ErrorIndication(m) => m.mme_ue_s1ap_id,
            Self::InitialUeMessage(_)
            | Self::S1SetupRequest(_)
            | Self::S1SetupResponse(_)
            | Self::S1SetupFailure(_)
            | Self::EnbConfigurationUpdate(_)
            | Self::EnbConfigurationUpdateAcknowledge(_)
            | Self::EnbConfigurationUpdateFailure(_)
            | Self::MmeConfigurationUpdate(_)
            | Self::MmeConfigurationUpdateAcknowledge(_)
            | Self::MmeConfigurationUpdateFailure(_)
            | Self::Paging(_)
            | Self::Reset(_)
            | Self::ResetAcknowledge(_)
            | Self::Other(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Plmn, Teid};

    /// Any octet of a message changed to any other, any IE left out, any two changed over: what is read without the
    /// object set is what is read with it.
    #[test]
    fn what_is_read_as_ordinary_passes_the_check_against_the_object_set() {
        let mut ordinary = 0;
        for sample in samples() {
            let octets = sample.encode();
            assert_eq!(compare(&octets), Some(sample));
            for place in 0..octets.len() {
                for flip in 1..=255 {
                    let mut changed = octets.clone();
                    changed[place] ^= flip;
                    ordinary += usize::from(compare(&changed).is_some());
                }
            }
            let pdu = Pdu::decode(&octets).unwrap();
            for place in 0..pdu.ies().len() {
                let mut ies = pdu.ies().to_vec();
                ies.remove(place);
                compare(&with_ies(&pdu, ies));
                let mut ies = pdu.ies().to_vec();
                ies.swap(place, 0);
                compare(&with_ies(&pdu, ies));
            }
        }
        assert!(ordinary > 1000, "{ordinary}");
    }

    fn compare(octets: &[u8]) -> Option<Message> {
        let pdu = Pdu::decode(octets).ok()?;
        let typed = Message::typed(pdu.kind, pdu.procedure_code)?;
        let message = read_ordinary(&pdu, typed)?;
        assert_eq!(
            read_checked(octets, &pdu, typed),
            Ok((message.clone(), None)),
            "{octets:02x?}"
        );
        Some(message)
    }

    fn with_ies(pdu: &Pdu<'_>, ies: Vec<Ie<'_>>) -> Vec<u8> {
        let body = Body::Ies(ies);
        Pdu { body, ..pdu.clone() }.encode()
    }

    fn samples() -> Vec<Message> {
        let plmn = Plmn::new("001", "01").unwrap();
        let tai = Tai { plmn, tac: 1 };
        let ecgi = Ecgi { plmn, eci: 0x1_0101 };
        let mme_ue_s1ap_id = MmeUeS1apId(0x8000_0001);
        let enb_ue_s1ap_id = EnbUeS1apId::new(0x1_0001).unwrap();
        let nas = NasPdu(alloc::vec![0x07, 0x43, 0x00]);
        let setup = ErabSetup {
            erab_id: crate::Ebi(5),
            transport_address: TransportAddress::V4([192, 0, 2, 1].into()),
            enb_s1u: Teid(0x0102_0304),
        };
        alloc::vec![
            InitialUeMessage {
                enb_ue_s1ap_id,
                nas: nas.clone(),
                tai,
                ecgi: Some(ecgi),
                rrc_establishment_cause: Some(RrcEstablishmentCause::MO_SIGNALLING),
                s_tmsi: None,
                gummei: None,
            }
            .into(),
            InitialContextSetupResponse {
                mme_ue_s1ap_id,
                enb_ue_s1ap_id,
                erabs: Some(List::from([setup])),
                failed: None,
                criticality_diagnostics: None,
            }
            .into(),
            UplinkNasTransport {
                mme_ue_s1ap_id,
                enb_ue_s1ap_id,
                nas,
                ecgi: Some(ecgi),
                tai: Some(tai),
            }
            .into(),
            UeContextReleaseCommand {
                ue_s1ap_ids: UeS1apIds::Pair(mme_ue_s1ap_id, enb_ue_s1ap_id),
                cause: Cause::NORMAL_RELEASE,
            }
            .into(),
            S1SetupFailure {
                cause: Cause::UNKNOWN_PLMN,
                time_to_wait: Some(TimeToWait::V10S),
                criticality_diagnostics: None,
            }
            .into(),
        ]
    }
}
