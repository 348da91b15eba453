//! What a receiver did not comprehend, TS 36.413 §9.2.1.21.

use alloc::vec::Vec;

use oxirush_s1ap::s1ap as asn1;

use super::{Value, Wrong, decoded, encoded};
use crate::s1ap::pdu::{Criticality, PduKind};

/// What was wrong with an IE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeOfError {
    /// The IE or its value is not comprehended.
    NotUnderstood,
    /// A mandatory IE is not there.
    Missing,
}

/// One IE of Criticality Diagnostics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IeDiagnostics {
    /// Its criticality: as received, or as specified for one that is missing.
    pub criticality: Criticality,
    /// Its `ProtocolIE-ID`.
    pub id: u16,
    /// What was wrong.
    pub type_of_error: TypeOfError,
}

/// What a receiver did not comprehend, TS 36.413 §9.2.1.21.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct CriticalityDiagnostics {
    /// The procedure; only in an Error Indication.
    pub procedure_code: Option<u8>,
    /// Which message of it; only in an Error Indication.
    pub triggering_message: Option<PduKind>,
    /// The criticality of the procedure; only in an Error Indication.
    pub procedure_criticality: Option<Criticality>,
    /// The IEs, 256 at most: those after do not travel.
    pub ies: Vec<IeDiagnostics>,
}

fn criticality(criticality: asn1::Criticality) -> Criticality {
    match criticality {
        asn1::Criticality::reject => Criticality::Reject,
        asn1::Criticality::ignore => Criticality::Ignore,
        asn1::Criticality::notify => Criticality::Notify,
    }
}

fn asn1_criticality(criticality: Criticality) -> asn1::Criticality {
    match criticality {
        Criticality::Reject => asn1::Criticality::reject,
        Criticality::Ignore => asn1::Criticality::ignore,
        Criticality::Notify => asn1::Criticality::notify,
    }
}

impl Value for CriticalityDiagnostics {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let diagnostics = decoded::<asn1::CriticalityDiagnostics>(octets)?;
        let items = diagnostics
            .ies_criticality_diagnostics
            .map(|list| list.0)
            .unwrap_or_default();
        let ies = items.into_iter().map(|item| IeDiagnostics {
            criticality: criticality(item.ie_criticality),
            id: item.ie_id.0,
            type_of_error: match item.type_of_error {
                asn1::TypeOfError::missing => TypeOfError::Missing,
                _ => TypeOfError::NotUnderstood,
            },
        });
        Ok(Self {
            procedure_code: diagnostics.procedure_code.map(|code| code.0),
            triggering_message: diagnostics.triggering_message.map(|message| match message {
                asn1::TriggeringMessage::initiating_message => PduKind::InitiatingMessage,
                asn1::TriggeringMessage::successful_outcome => PduKind::SuccessfulOutcome,
                asn1::TriggeringMessage::unsuccessfull_outcome => PduKind::UnsuccessfulOutcome,
            }),
            procedure_criticality: diagnostics.procedure_criticality.map(criticality),
            ies: ies.collect(),
        })
    }

    fn write(&self) -> Vec<u8> {
        let item = |ie: &IeDiagnostics| asn1::CriticalityDiagnosticsIEItem {
            ie_criticality: asn1_criticality(ie.criticality),
            ie_id: asn1::ProtocolIEID(ie.id),
            type_of_error: match ie.type_of_error {
                TypeOfError::NotUnderstood => asn1::TypeOfError::not_understood,
                TypeOfError::Missing => asn1::TypeOfError::missing,
            },
            ie_extensions: None,
        };
        let items: Vec<_> = self.ies.iter().take(256).map(item).collect();
        encoded(&asn1::CriticalityDiagnostics {
            procedure_code: self.procedure_code.map(asn1::ProcedureCode),
            triggering_message: self.triggering_message.map(|kind| match kind {
                PduKind::InitiatingMessage => asn1::TriggeringMessage::initiating_message,
                PduKind::SuccessfulOutcome => asn1::TriggeringMessage::successful_outcome,
                PduKind::UnsuccessfulOutcome => asn1::TriggeringMessage::unsuccessfull_outcome,
            }),
            procedure_criticality: self.procedure_criticality.map(asn1_criticality),
            ies_criticality_diagnostics: (!items.is_empty())
                .then_some(asn1::CriticalityDiagnosticsIEList(items)),
            ie_extensions: None,
        })
    }
}
