//! The IE Cause, TS 36.413 §9.2.1.3: a group and a value in it.

use core::fmt;

use oxirush_s1ap::aper::{Reader, Writer};

use super::value::{Value, Wrong, finished, written};

/// Why a procedure failed, or why one is started.
///
/// A value that this release has no name for keeps its number and travels on.
///
/// ```
/// use epc_codec::s1ap::Cause;
///
/// assert_eq!(Cause::USER_INACTIVITY.to_string(), "radioNetwork: user-inactivity");
/// assert_eq!(Cause::UNSPECIFIED.group(), "misc");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Of the radio network layer.
    RadioNetwork(u8),
    /// Of the transport layer.
    Transport(u8),
    /// Of the NAS.
    Nas(u8),
    /// Of S1AP itself.
    Protocol(u8),
    /// Of none of these.
    Misc(u8),
}

macro_rules! causes {
    ($($(#[$group_doc:meta])* $group:ident $names:ident { $($name:ident = $value:literal $text:literal,)* })*) => {
        #[allow(missing_docs)] // Their meaning is the table of §9.2.1.3.
        impl Cause {
            $($(pub const $name: Cause = Cause::$group($value);)*)*
        }
        $(const $names: &[&str] = &[$($text),*];)*
    };
}

causes! {
    RadioNetwork RADIO_NETWORK {
        RADIO_NETWORK_UNSPECIFIED = 0 "unspecified",
        TX2RELOCOVERALL_EXPIRY = 1 "tx2relocoverall-expiry",
        SUCCESSFUL_HANDOVER = 2 "successful-handover",
        RELEASE_DUE_TO_EUTRAN_GENERATED_REASON = 3 "release-due-to-eutran-generated-reason",
        HANDOVER_CANCELLED = 4 "handover-cancelled",
        PARTIAL_HANDOVER = 5 "partial-handover",
        HO_FAILURE_IN_TARGET = 6 "ho-failure-in-target-EPC-eNB-or-target-system",
        HO_TARGET_NOT_ALLOWED = 7 "ho-target-not-allowed",
        TS1RELOCOVERALL_EXPIRY = 8 "tS1relocoverall-expiry",
        TS1RELOCPREP_EXPIRY = 9 "tS1relocprep-expiry",
        CELL_NOT_AVAILABLE = 10 "cell-not-available",
        UNKNOWN_TARGET_ID = 11 "unknown-targetID",
        NO_RADIO_RESOURCES_IN_TARGET_CELL = 12 "no-radio-resources-available-in-target-cell",
        UNKNOWN_MME_UE_S1AP_ID = 13 "unknown-mme-ue-s1ap-id",
        UNKNOWN_ENB_UE_S1AP_ID = 14 "unknown-enb-ue-s1ap-id",
        UNKNOWN_PAIR_UE_S1AP_ID = 15 "unknown-pair-ue-s1ap-id",
        HANDOVER_DESIRABLE_FOR_RADIO_REASON = 16 "handover-desirable-for-radio-reason",
        TIME_CRITICAL_HANDOVER = 17 "time-critical-handover",
        RESOURCE_OPTIMISATION_HANDOVER = 18 "resource-optimisation-handover",
        REDUCE_LOAD_IN_SERVING_CELL = 19 "reduce-load-in-serving-cell",
        USER_INACTIVITY = 20 "user-inactivity",
        RADIO_CONNECTION_WITH_UE_LOST = 21 "radio-connection-with-ue-lost",
        LOAD_BALANCING_TAU_REQUIRED = 22 "load-balancing-tau-required",
        CS_FALLBACK_TRIGGERED = 23 "cs-fallback-triggered",
        UE_NOT_AVAILABLE_FOR_PS_SERVICE = 24 "ue-not-available-for-ps-service",
        RADIO_RESOURCES_NOT_AVAILABLE = 25 "radio-resources-not-available",
        FAILURE_IN_RADIO_INTERFACE_PROCEDURE = 26 "failure-in-radio-interface-procedure",
        INVALID_QOS_COMBINATION = 27 "invalid-qos-combination",
        INTERRAT_REDIRECTION = 28 "interrat-redirection",
        INTERACTION_WITH_OTHER_PROCEDURE = 29 "interaction-with-other-procedure",
        UNKNOWN_E_RAB_ID = 30 "unknown-E-RAB-ID",
        MULTIPLE_E_RAB_ID_INSTANCES = 31 "multiple-E-RAB-ID-instances",
        SECURITY_ALGORITHMS_NOT_SUPPORTED = 32 "encryption-and-or-integrity-protection-algorithms-not-supported",
        S1_INTRA_SYSTEM_HANDOVER_TRIGGERED = 33 "s1-intra-system-handover-triggered",
        S1_INTER_SYSTEM_HANDOVER_TRIGGERED = 34 "s1-inter-system-handover-triggered",
        X2_HANDOVER_TRIGGERED = 35 "x2-handover-triggered",
        REDIRECTION_TOWARDS_1XRTT = 36 "redirection-towards-1xRTT",
        NOT_SUPPORTED_QCI_VALUE = 37 "not-supported-QCI-value",
        INVALID_CSG_ID = 38 "invalid-CSG-Id",
        RELEASE_DUE_TO_PRE_EMPTION = 39 "release-due-to-pre-emption",
        N26_INTERFACE_NOT_AVAILABLE = 40 "n26-interface-not-available",
        INSUFFICIENT_UE_CAPABILITIES = 41 "insufficient-ue-capabilities",
        MAXIMUM_BEARER_PRE_EMPTION_RATE_EXCEEDED = 42 "maximum-bearer-pre-emption-rate-exceeded",
        UP_INTEGRITY_PROTECTION_NOT_POSSIBLE = 43 "up-integrity-protection-not-possible",
        RELEASE_DUE_TO_DISCONTINUOUS_COVERAGE = 44 "release-due-to-discontinuous-coverage",
    }
    Transport TRANSPORT {
        TRANSPORT_RESOURCE_UNAVAILABLE = 0 "transport-resource-unavailable",
        TRANSPORT_UNSPECIFIED = 1 "unspecified",
    }
    Nas NAS {
        NORMAL_RELEASE = 0 "normal-release",
        AUTHENTICATION_FAILURE = 1 "authentication-failure",
        DETACH = 2 "detach",
        NAS_UNSPECIFIED = 3 "unspecified",
        CSG_SUBSCRIPTION_EXPIRY = 4 "csg-subscription-expiry",
        UE_NOT_IN_PLMN_SERVING_AREA = 5 "uE-not-in-PLMN-serving-area",
        IAB_NOT_AUTHORIZED = 6 "iab-not-authorized",
    }
    Protocol PROTOCOL {
        TRANSFER_SYNTAX_ERROR = 0 "transfer-syntax-error",
        ABSTRACT_SYNTAX_ERROR_REJECT = 1 "abstract-syntax-error-reject",
        ABSTRACT_SYNTAX_ERROR_IGNORE_AND_NOTIFY = 2 "abstract-syntax-error-ignore-and-notify",
        MESSAGE_NOT_COMPATIBLE_WITH_RECEIVER_STATE = 3 "message-not-compatible-with-receiver-state",
        SEMANTIC_ERROR = 4 "semantic-error",
        ABSTRACT_SYNTAX_ERROR_FALSELY_CONSTRUCTED_MESSAGE = 5 "abstract-syntax-error-falsely-constructed-message",
        PROTOCOL_UNSPECIFIED = 6 "unspecified",
    }
    Misc MISC {
        CONTROL_PROCESSING_OVERLOAD = 0 "control-processing-overload",
        NOT_ENOUGH_USER_PLANE_PROCESSING_RESOURCES = 1 "not-enough-user-plane-processing-resources",
        HARDWARE_FAILURE = 2 "hardware-failure",
        OM_INTERVENTION = 3 "om-intervention",
        UNSPECIFIED = 4 "unspecified",
        UNKNOWN_PLMN = 5 "unknown-PLMN",
    }
}

/// How many values each group had when its type got its extension marker, in the order of the CHOICE.
const ROOTS: [u64; 5] = [36, 2, 4, 7, 6];

impl Cause {
    /// Group, names and value.
    fn parts(self) -> (u64, &'static str, &'static [&'static str], u8) {
        match self {
            Self::RadioNetwork(value) => (0, "radioNetwork", RADIO_NETWORK, value),
            Self::Transport(value) => (1, "transport", TRANSPORT, value),
            Self::Nas(value) => (2, "nas", NAS, value),
            Self::Protocol(value) => (3, "protocol", PROTOCOL, value),
            Self::Misc(value) => (4, "misc", MISC, value),
        }
    }

    /// The group, as ASN.1 names it: `radioNetwork`, `transport`, `nas`, `protocol` or `misc`.
    pub fn group(self) -> &'static str {
        self.parts().1
    }

    /// The name that ASN.1 gives the value in its group; `None` for a value of a later release.
    pub fn name(self) -> Option<&'static str> {
        let (_, _, names, value) = self.parts();
        names.get(usize::from(value)).copied()
    }

    /// The number of the value in its group.
    pub fn value(self) -> u8 {
        self.parts().3
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{}: {name}", self.group()),
            None => write!(f, "{}: {}", self.group(), self.value()),
        }
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cause({self})")
    }
}

/// Five groups, each an ENUMERATED with an extension marker. Read here and not by the bindings, whose enumeration
/// refuses the values that a later release adds.
impl Value for Cause {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let mut r = Reader::new(octets);
        let cause = read(&mut r)?;
        finished(&r)?;
        Ok(cause)
    }

    fn write(&self) -> alloc::vec::Vec<u8> {
        written(|w| write(w, *self))
    }
}

fn read(r: &mut Reader<'_>) -> Result<Cause, Wrong> {
    let group = r.choice(5, 0, true)?;
    let root = ROOTS[group as usize];
    let value = r.enumerated(root, 256 - root, true)? as u8;
    Ok(match group {
        0 => Cause::RadioNetwork(value),
        1 => Cause::Transport(value),
        2 => Cause::Nas(value),
        3 => Cause::Protocol(value),
        _ => Cause::Misc(value),
    })
}

fn write(w: &mut Writer<'_>, cause: Cause) {
    let (group, _, _, value) = cause.parts();
    w.index(group, 5, true);
    w.index(value.into(), ROOTS[group as usize], true);
}

/// E-RAB Item of the lists of E-RABs that failed or are to be released: `E-RAB-ID`, Cause and extensions.
pub(super) mod erab_item {
    use super::*;
    use crate::Ebi;

    pub(in super::super) fn read_item(octets: &[u8]) -> Result<(Ebi, Cause), Wrong> {
        let mut r = Reader::new(octets);
        let extended = r.bit()?;
        let extensions = r.bit()?;
        let ebi = r.unsigned_extensible(0, 15)?;
        let ebi = u8::try_from(ebi).map_err(|_| Wrong::new("E-RAB ID over 255"))?;
        let cause = read(&mut r)?;
        if extensions {
            for _ in 0..r.unsigned(1, 65535)? {
                super::super::pdu::read_ie(&mut r)?;
            }
        }
        if extended {
            r.skip_additions()?;
        }
        finished(&r)?;
        Ok((Ebi(ebi), cause))
    }

    pub(in super::super) fn write_item(ebi: Ebi, cause: Cause) -> alloc::vec::Vec<u8> {
        written(|w| {
            w.bits(0, 2);
            // Encodes every number: those above 15 as an extension.
            let _ = w.unsigned_extensible(ebi.0.into(), 0, 15);
            write(w, cause);
        })
    }
}
