//! Cause, TS 29.274 §8.4.

use alloc::vec::Vec;
use core::fmt;

use super::ie_values;
use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};

/// What became of a request, or why a message is sent: table 8.4-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CauseValue(pub u8);

/// A cause with its source and, where an element is at fault, that element.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cause {
    /// What became of the request.
    pub value: CauseValue,
    /// PCE: the PDN connection IE is at fault.
    pub pdn_connection_error: bool,
    /// BCE: the Bearer Context IE is at fault.
    pub bearer_context_error: bool,
    /// CS: the cause comes from a node further on, not from the sender.
    pub from_remote_node: bool,
    /// The element at fault, for causes that speak of one.
    pub offending: Option<Offending>,
}

/// The element that made a request fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Offending {
    /// Which kind.
    pub ie_type: IeType,
    /// Sent as 0.
    pub length: u16,
    /// Which of them.
    pub instance: u8,
}

macro_rules! causes {
    ($($code:literal $constant:ident $name:literal)*) => {
        impl CauseValue {
            $(
                #[doc = $name]
                pub const $constant: Self = CauseValue($code);
            )*

            /// Its name in table 8.4-1.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($name),)*
                    _ => None,
                }
            }
        }

        impl Cause {
            $(
                #[doc = concat!($name, ", found by the sender.")]
                pub const $constant: Self = Cause::new(CauseValue::$constant);
            )*
        }
    };
}

causes! {
    2 LOCAL_DETACH "Local Detach"
    3 COMPLETE_DETACH "Complete Detach"
    4 RAT_CHANGED_FROM_3GPP_TO_NON_3GPP "RAT changed from 3GPP to Non-3GPP"
    5 ISR_DEACTIVATION "ISR deactivation"
    6 ERROR_INDICATION_RECEIVED "Error Indication received from RNC/eNodeB/S4-SGSN/MME"
    7 IMSI_DETACH_ONLY "IMSI Detach Only"
    8 REACTIVATION_REQUESTED "Reactivation Requested"
    9 PDN_RECONNECTION_TO_THIS_APN_DISALLOWED "PDN reconnection to this APN disallowed"
    10 ACCESS_CHANGED_FROM_NON_3GPP_TO_3GPP "Access changed from Non-3GPP to 3GPP"
    11 PDN_CONNECTION_INACTIVITY_TIMER_EXPIRES "PDN connection inactivity timer expires"
    12 PGW_NOT_RESPONDING "PGW not responding"
    13 NETWORK_FAILURE "Network Failure"
    14 QOS_PARAMETER_MISMATCH "QoS parameter mismatch"
    15 EPS_TO_5GS_MOBILITY "EPS to 5GS Mobility"
    16 REQUEST_ACCEPTED "Request accepted"
    17 REQUEST_ACCEPTED_PARTIALLY "Request accepted partially"
    18 NEW_PDN_TYPE_DUE_TO_NETWORK_PREFERENCE "New PDN type due to network preference"
    19 NEW_PDN_TYPE_DUE_TO_SINGLE_ADDRESS_BEARER_ONLY "New PDN type due to single address bearer only"
    64 CONTEXT_NOT_FOUND "Context Not Found"
    65 INVALID_MESSAGE_FORMAT "Invalid Message Format"
    66 VERSION_NOT_SUPPORTED_BY_NEXT_PEER "Version not supported by next peer"
    67 INVALID_LENGTH "Invalid length"
    68 SERVICE_NOT_SUPPORTED "Service not supported"
    69 MANDATORY_IE_INCORRECT "Mandatory IE incorrect"
    70 MANDATORY_IE_MISSING "Mandatory IE missing"
    72 SYSTEM_FAILURE "System failure"
    73 NO_RESOURCES_AVAILABLE "No resources available"
    74 SEMANTIC_ERROR_IN_TFT_OPERATION "Semantic error in the TFT operation"
    75 SYNTACTIC_ERROR_IN_TFT_OPERATION "Syntactic error in the TFT operation"
    76 SEMANTIC_ERRORS_IN_PACKET_FILTERS "Semantic errors in packet filter(s)"
    77 SYNTACTIC_ERRORS_IN_PACKET_FILTERS "Syntactic errors in packet filter(s)"
    78 MISSING_OR_UNKNOWN_APN "Missing or unknown APN"
    80 GRE_KEY_NOT_FOUND "GRE key not found"
    81 RELOCATION_FAILURE "Relocation failure"
    82 DENIED_IN_RAT "Denied in RAT"
    83 PREFERRED_PDN_TYPE_NOT_SUPPORTED "Preferred PDN type not supported"
    84 ALL_DYNAMIC_ADDRESSES_ARE_OCCUPIED "All dynamic addresses are occupied"
    85 UE_CONTEXT_WITHOUT_TFT_ALREADY_ACTIVATED "UE context without TFT already activated"
    86 PROTOCOL_TYPE_NOT_SUPPORTED "Protocol type not supported"
    87 UE_NOT_RESPONDING "UE not responding"
    88 UE_REFUSES "UE refuses"
    89 SERVICE_DENIED "Service denied"
    90 UNABLE_TO_PAGE_UE "Unable to page UE"
    91 NO_MEMORY_AVAILABLE "No memory available"
    92 USER_AUTHENTICATION_FAILED "User authentication failed"
    93 APN_ACCESS_DENIED_NO_SUBSCRIPTION "APN access denied - no subscription"
    94 REQUEST_REJECTED "Request rejected (reason not specified)"
    95 P_TMSI_SIGNATURE_MISMATCH "P-TMSI Signature mismatch"
    96 IMSI_NOT_KNOWN "IMSI/IMEI not known"
    97 SEMANTIC_ERROR_IN_TAD_OPERATION "Semantic error in the TAD operation"
    98 SYNTACTIC_ERROR_IN_TAD_OPERATION "Syntactic error in the TAD operation"
    100 REMOTE_PEER_NOT_RESPONDING "Remote peer not responding"
    101 COLLISION_WITH_NETWORK_INITIATED_REQUEST "Collision with network initiated request"
    102 UNABLE_TO_PAGE_UE_DUE_TO_SUSPENSION "Unable to page UE due to Suspension"
    103 CONDITIONAL_IE_MISSING "Conditional IE missing"
    104 APN_RESTRICTION_TYPE_INCOMPATIBLE "APN Restriction type Incompatible with currently active PDN connection"
    105 INVALID_OVERALL_LENGTH "Invalid overall length of the triggered response message and a piggybacked initial message"
    106 DATA_FORWARDING_NOT_SUPPORTED "Data forwarding not supported"
    107 INVALID_REPLY_FROM_REMOTE_PEER "Invalid reply from remote peer"
    108 FALLBACK_TO_GTPV1 "Fallback to GTPv1"
    109 INVALID_PEER "Invalid peer"
    110 TEMPORARILY_REJECTED_DUE_TO_HANDOVER "Temporarily rejected due to handover/TAU/RAU procedure in progress"
    111 MODIFICATIONS_NOT_LIMITED_TO_S1U_BEARERS "Modifications not limited to S1-U bearers"
    112 REQUEST_REJECTED_FOR_A_PMIPV6_REASON "Request rejected for a PMIPv6 reason"
    113 APN_CONGESTION "APN Congestion"
    114 BEARER_HANDLING_NOT_SUPPORTED "Bearer handling not supported"
    115 UE_ALREADY_RE_ATTACHED "UE already re-attached"
    116 MULTIPLE_PDN_CONNECTIONS_FOR_A_GIVEN_APN_NOT_ALLOWED "Multiple PDN connections for a given APN not allowed"
    117 TARGET_ACCESS_RESTRICTED "Target access restricted for the subscriber"
    119 MME_SGSN_REFUSES_DUE_TO_VPLMN_POLICY "MME/SGSN refuses due to VPLMN Policy"
    120 GTP_C_ENTITY_CONGESTION "GTP-C Entity Congestion"
    121 LATE_OVERLAPPING_REQUEST "Late Overlapping Request"
    122 TIMED_OUT_REQUEST "Timed out Request"
    123 UE_IS_TEMPORARILY_NOT_REACHABLE "UE is temporarily not reachable due to power saving"
    124 RELOCATION_FAILURE_DUE_TO_NAS_MESSAGE_REDIRECTION "Relocation failure due to NAS message redirection"
    125 UE_NOT_AUTHORISED_BY_OCS_OR_EXTERNAL_AAA_SERVER "UE not authorised by OCS or external AAA Server"
    126 MULTIPLE_ACCESSES_TO_A_PDN_CONNECTION_NOT_ALLOWED "Multiple accesses to a PDN connection not allowed"
    127 REQUEST_REJECTED_DUE_TO_UE_CAPABILITY "Request rejected due to UE capability"
    128 S1U_PATH_FAILURE "S1-U Path Failure"
    129 FIVE_GC_NOT_ALLOWED "5GC not allowed"
    130 PGW_MISMATCH_WITH_NETWORK_SLICE "PGW mismatch with network slice subscribed by the UE"
    131 REJECTION_DUE_TO_PAGING_RESTRICTION "Rejection due to paging restriction"
}

impl CauseValue {
    /// Whether the request was done, wholly or in part: 16 to 63.
    #[must_use]
    pub fn is_accepted(self) -> bool {
        (16..64).contains(&self.0)
    }
}

impl fmt::Display for CauseValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "cause {}", self.0),
        }
    }
}

impl fmt::Debug for CauseValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Cause {
    /// Found by the sender, without an element at fault.
    #[must_use]
    pub const fn new(value: CauseValue) -> Self {
        Cause {
            value,
            pdn_connection_error: false,
            bearer_context_error: false,
            from_remote_node: false,
            offending: None,
        }
    }

    /// With the element at fault.
    #[must_use]
    pub fn with_offending(self, ie_type: IeType, instance: u8) -> Self {
        Cause {
            offending: Some(Offending {
                ie_type,
                length: 0,
                instance,
            }),
            ..self
        }
    }

    /// The same, told on: it comes from a node further on.
    #[must_use]
    pub fn from_remote(self) -> Self {
        Cause {
            from_remote_node: true,
            ..self
        }
    }

    /// Whether the request was done, wholly or in part.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.value.is_accepted()
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let value = CauseValue(r.u8("cause value")?);
        let flags = r.u8("cause flags")?;
        let mut offending = None;
        if r.left() >= 4 {
            let ie_type = IeType(r.u8("offending IE type")?);
            let length = r.u16("offending IE length")?;
            offending = Some(Offending {
                ie_type,
                length,
                instance: r.u8("offending IE instance")? & 0x0f,
            });
        }
        Ok(Cause {
            value,
            pdn_connection_error: flags & 4 != 0,
            bearer_context_error: flags & 2 != 0,
            from_remote_node: flags & 1 != 0,
            offending,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let flag = |set, flag| if set { flag } else { 0 };
        let flags = flag(self.pdn_connection_error, 4)
            | flag(self.bearer_context_error, 2)
            | flag(self.from_remote_node, 1);
        out.put(&[self.value.0, flags]);
        if let Some(Offending {
            ie_type,
            length,
            instance,
        }) = self.offending
        {
            out.put_u8(ie_type.0);
            out.put_u16(length);
            out.put_u8(instance & 0x0f);
        }
    }
}

impl From<CauseValue> for Cause {
    fn from(value: CauseValue) -> Self {
        Cause::new(value)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value)?;
        if let Some(Offending {
            ie_type, instance, ..
        }) = self.offending
        {
            write!(f, ", {ie_type} instance {instance}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cause({self}")?;
        let flags = [
            (self.pdn_connection_error, "PCE"),
            (self.bearer_context_error, "BCE"),
            (self.from_remote_node, "from a remote node"),
        ];
        for (_, name) in flags.iter().filter(|(set, _)| *set) {
            write!(f, ", {name}")?;
        }
        f.write_str(")")
    }
}

ie_values! { Cause = CAUSE }
