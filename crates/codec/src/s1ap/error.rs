//! What a PDU can be refused for, and the answer to it: TS 36.413 §10.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::pdu::{Criticality, PduKind};
use super::value::{CriticalityDiagnostics, EnbUeS1apId, IeDiagnostics, MmeUeS1apId, TypeOfError};
use super::{
    Cause, ErrorIndication, InitialContextSetupFailure, Message, PathSwitchRequestFailure, S1SetupFailure,
    names,
};

/// Why octets are no message that can be acted on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The octets are no S1AP PDU, §10.2.
    #[error("S1AP transfer syntax error: {why}")]
    TransferSyntax {
        /// What is wrong with the octets.
        why: String,
        /// The PDU seems to be an Error Indication, which gets no answer.
        in_error_indication: bool,
    },
    /// The PDU is not built as TS 36.413 says, §10.3.
    #[error(transparent)]
    AbstractSyntax(Box<AbstractSyntaxError>),
}

/// A PDU whose envelope is sound, and whose procedure or IEs are not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {why}", self.name())]
pub struct AbstractSyntaxError {
    /// Which of the three the PDU is.
    pub kind: PduKind,
    /// Its procedure.
    pub procedure_code: u8,
    /// The criticality of the procedure.
    pub procedure_criticality: Criticality,
    /// One of the causes of group protocol.
    pub cause: Cause,
    /// The IEs that are to blame, in the order in which they were met.
    pub ies: Vec<IeDiagnostics>,
    /// The MME's number of the UE, where the PDU has one that reads.
    pub mme_ue_s1ap_id: Option<MmeUeS1apId>,
    /// The eNB's number of the UE, where the PDU has one that reads.
    pub enb_ue_s1ap_id: Option<EnbUeS1apId>,
    /// The same for a reader.
    pub why: String,
}

impl AbstractSyntaxError {
    /// The name of the message, or of the kind of PDU where the procedure is unknown.
    pub fn name(&self) -> &'static str {
        names::message(self.kind, self.procedure_code).unwrap_or(self.kind.name())
    }

    fn diagnostics(&self, in_error_indication: bool) -> CriticalityDiagnostics {
        CriticalityDiagnostics {
            procedure_code: in_error_indication.then_some(self.procedure_code),
            triggering_message: in_error_indication.then_some(self.kind),
            procedure_criticality: Some(self.procedure_criticality),
            // As many as the IE holds.
            ies: self.ies.iter().take(256).copied().collect(),
        }
    }

    /// The sender has to be told: a request that is refused, or something of criticality notify.
    fn is_answered(&self) -> bool {
        let blamed = |criticality: Criticality| criticality != Criticality::Ignore;
        let falsely = self.cause == Cause::ABSTRACT_SYNTAX_ERROR_FALSELY_CONSTRUCTED_MESSAGE;
        self.kind == PduKind::InitiatingMessage
            && self.procedure_code != ERROR_INDICATION
            && (falsely
                || self.ies.iter().any(|ie| blamed(ie.criticality))
                || (self.ies.is_empty() && blamed(self.procedure_criticality)))
    }

    fn indication(&self) -> ErrorIndication {
        ErrorIndication {
            mme_ue_s1ap_id: self.mme_ue_s1ap_id,
            enb_ue_s1ap_id: self.enb_ue_s1ap_id,
            cause: Some(self.cause),
            criticality_diagnostics: Some(self.diagnostics(true)),
        }
    }
}

const ERROR_INDICATION: u8 = 15;

impl Error {
    pub(super) fn transfer_syntax(octets: &[u8], error: &oxirush_s1ap::Error) -> Self {
        Self::TransferSyntax {
            why: error.to_string(),
            in_error_indication: matches!(octets, [0x00, ERROR_INDICATION, ..]),
        }
    }

    /// The Error Indication that tells the sender, §10.2 to §10.3.
    ///
    /// `None` where none is to be sent: for an Error Indication, for an outcome (the receiver then takes the
    /// procedure for failed, §10.3.4.2), and for what has criticality ignore.
    pub fn indication(&self) -> Option<ErrorIndication> {
        match self {
            Self::TransferSyntax {
                in_error_indication: true,
                ..
            } => None,
            Self::TransferSyntax { .. } => Some(ErrorIndication {
                mme_ue_s1ap_id: None,
                enb_ue_s1ap_id: None,
                cause: Some(Cause::TRANSFER_SYNTAX_ERROR),
                criticality_diagnostics: None,
            }),
            Self::AbstractSyntax(error) => error.is_answered().then(|| error.indication()),
        }
    }

    /// The answer that the sender awaits: the failure message of a procedure that has one, where both numbers of
    /// the UE that it needs are known, and the Error Indication of [`Error::indication`] otherwise.
    pub fn answer(&self) -> Option<Message> {
        let indication = self.indication()?;
        let Self::AbstractSyntax(error) = self else {
            return Some(indication.into());
        };
        let cause = error.cause;
        let criticality_diagnostics = Some(error.diagnostics(false));
        Some(
            match (error.procedure_code, error.mme_ue_s1ap_id, error.enb_ue_s1ap_id) {
                (17, _, _) => S1SetupFailure {
                    cause,
                    time_to_wait: None,
                    criticality_diagnostics,
                }
                .into(),
                (9, Some(mme_ue_s1ap_id), Some(enb_ue_s1ap_id)) => InitialContextSetupFailure {
                    mme_ue_s1ap_id,
                    enb_ue_s1ap_id,
                    cause,
                    criticality_diagnostics,
                }
                .into(),
                (3, Some(mme_ue_s1ap_id), Some(enb_ue_s1ap_id)) => PathSwitchRequestFailure {
                    mme_ue_s1ap_id,
                    enb_ue_s1ap_id,
                    cause,
                    criticality_diagnostics,
                }
                .into(),
                _ => indication.into(),
            },
        )
    }

    /// The names of the IEs to blame, for a log line: `IE 26 NAS-PDU missing`.
    pub(super) fn describe(ie: &IeDiagnostics) -> String {
        let name = names::ie(ie.id).map_or("of no known name", |(name, _)| name);
        let wrong = match ie.type_of_error {
            TypeOfError::NotUnderstood => "not understood",
            TypeOfError::Missing => "missing",
        };
        alloc::format!("IE {} {name} {wrong}", ie.id)
    }
}
