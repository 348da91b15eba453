//! Why the network refuses, TS 24.301 §9.9.3.9 (EMM) and §9.9.4.4 (ESM).

use core::fmt;

macro_rules! cause {
    ($(#[$doc:meta])* $type:ident { $($name:ident = $value:literal $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(pub u8);

        #[allow(missing_docs)] // Their names say it.
        impl $type {
            $(pub const $name: Self = Self($value);)*
        }

        impl $type {
            /// What the specification calls the value; `None` for one that it does not have.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    _ => None,
                }
            }
        }

        /// `#8 EPS services and non-EPS services not allowed`.
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => write!(f, "#{} {name}", self.0),
                    None => write!(f, "#{}", self.0),
                }
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self)
            }
        }
    };
}

cause! {
    /// Why mobility management refuses, TS 24.301 §9.9.3.9.
    EmmCause {
        IMSI_UNKNOWN_IN_HSS = 2 "IMSI unknown in HSS",
        ILLEGAL_UE = 3 "Illegal UE",
        IMEI_NOT_ACCEPTED = 5 "IMEI not accepted",
        ILLEGAL_ME = 6 "Illegal ME",
        EPS_SERVICES_NOT_ALLOWED = 7 "EPS services not allowed",
        EPS_AND_NON_EPS_SERVICES_NOT_ALLOWED = 8 "EPS services and non-EPS services not allowed",
        UE_IDENTITY_CANNOT_BE_DERIVED = 9 "UE identity cannot be derived by the network",
        IMPLICITLY_DETACHED = 10 "Implicitly detached",
        PLMN_NOT_ALLOWED = 11 "PLMN not allowed",
        TRACKING_AREA_NOT_ALLOWED = 12 "Tracking Area not allowed",
        ROAMING_NOT_ALLOWED_IN_TRACKING_AREA = 13 "Roaming not allowed in this tracking area",
        EPS_SERVICES_NOT_ALLOWED_IN_PLMN = 14 "EPS services not allowed in this PLMN",
        NO_SUITABLE_CELLS_IN_TRACKING_AREA = 15 "No Suitable Cells In tracking area",
        MSC_TEMPORARILY_NOT_REACHABLE = 16 "MSC temporarily not reachable",
        NETWORK_FAILURE = 17 "Network failure",
        CS_DOMAIN_NOT_AVAILABLE = 18 "CS domain not available",
        ESM_FAILURE = 19 "ESM failure",
        MAC_FAILURE = 20 "MAC failure",
        SYNCH_FAILURE = 21 "Synch failure",
        CONGESTION = 22 "Congestion",
        UE_SECURITY_CAPABILITIES_MISMATCH = 23 "UE security capabilities mismatch",
        SECURITY_MODE_REJECTED = 24 "Security mode rejected, unspecified",
        NOT_AUTHORIZED_FOR_THIS_CSG = 25 "Not authorized for this CSG",
        NON_EPS_AUTHENTICATION_UNACCEPTABLE = 26 "Non-EPS authentication unacceptable",
        REDIRECTION_TO_5GCN_REQUIRED = 31 "Redirection to 5GCN required",
        SERVICE_OPTION_NOT_AUTHORIZED_IN_PLMN = 35 "Requested service option not authorized in this PLMN",
        CS_SERVICE_TEMPORARILY_NOT_AVAILABLE = 39 "CS service temporarily not available",
        NO_EPS_BEARER_CONTEXT_ACTIVATED = 40 "No EPS bearer context activated",
        SEVERE_NETWORK_FAILURE = 42 "Severe network failure",
        SEMANTICALLY_INCORRECT_MESSAGE = 95 "Semantically incorrect message",
        INVALID_MANDATORY_INFORMATION = 96 "Invalid mandatory information",
        MESSAGE_TYPE_NOT_IMPLEMENTED = 97 "Message type non-existent or not implemented",
        MESSAGE_TYPE_NOT_COMPATIBLE_WITH_STATE = 98 "Message type not compatible with the protocol state",
        IE_NOT_IMPLEMENTED = 99 "Information element non-existent or not implemented",
        CONDITIONAL_IE_ERROR = 100 "Conditional IE error",
        MESSAGE_NOT_COMPATIBLE_WITH_STATE = 101 "Message not compatible with the protocol state",
        PROTOCOL_ERROR = 111 "Protocol error, unspecified",
    }
}

cause! {
    /// Why session management refuses, TS 24.301 §9.9.4.4.
    EsmCause {
        OPERATOR_DETERMINED_BARRING = 8 "Operator determined barring",
        INSUFFICIENT_RESOURCES = 26 "Insufficient resources",
        MISSING_OR_UNKNOWN_APN = 27 "Missing or unknown APN",
        UNKNOWN_PDN_TYPE = 28 "Unknown PDN type",
        USER_AUTHENTICATION_FAILED = 29 "User authentication failed",
        REQUEST_REJECTED_BY_GW = 30 "Request rejected by Serving GW or PDN GW",
        REQUEST_REJECTED = 31 "Request rejected, unspecified",
        SERVICE_OPTION_NOT_SUPPORTED = 32 "Service option not supported",
        SERVICE_OPTION_NOT_SUBSCRIBED = 33 "Requested service option not subscribed",
        SERVICE_OPTION_OUT_OF_ORDER = 34 "Service option temporarily out of order",
        PTI_ALREADY_IN_USE = 35 "PTI already in use",
        REGULAR_DEACTIVATION = 36 "Regular deactivation",
        EPS_QOS_NOT_ACCEPTED = 37 "EPS QoS not accepted",
        NETWORK_FAILURE = 38 "Network failure",
        REACTIVATION_REQUESTED = 39 "Reactivation requested",
        SEMANTIC_ERROR_IN_TFT = 41 "Semantic error in the TFT operation",
        SYNTACTICAL_ERROR_IN_TFT = 42 "Syntactical error in the TFT operation",
        INVALID_EPS_BEARER_IDENTITY = 43 "Invalid EPS bearer identity",
        SEMANTIC_ERRORS_IN_PACKET_FILTERS = 44 "Semantic errors in packet filter(s)",
        SYNTACTICAL_ERRORS_IN_PACKET_FILTERS = 45 "Syntactical errors in packet filter(s)",
        PTI_MISMATCH = 47 "PTI mismatch",
        LAST_PDN_DISCONNECTION_NOT_ALLOWED = 49 "Last PDN disconnection not allowed",
        PDN_TYPE_IPV4_ONLY_ALLOWED = 50 "PDN type IPv4 only allowed",
        PDN_TYPE_IPV6_ONLY_ALLOWED = 51 "PDN type IPv6 only allowed",
        SINGLE_ADDRESS_BEARERS_ONLY_ALLOWED = 52 "Single address bearers only allowed",
        ESM_INFORMATION_NOT_RECEIVED = 53 "ESM information not received",
        PDN_CONNECTION_DOES_NOT_EXIST = 54 "PDN connection does not exist",
        MULTIPLE_PDN_CONNECTIONS_NOT_ALLOWED = 55 "Multiple PDN connections for a given APN not allowed",
        COLLISION_WITH_NETWORK_INITIATED_REQUEST = 56 "Collision with network initiated request",
        UNSUPPORTED_QCI_VALUE = 59 "Unsupported QCI value",
        BEARER_HANDLING_NOT_SUPPORTED = 60 "Bearer handling not supported",
        MAXIMUM_NUMBER_OF_BEARERS_REACHED = 65 "Maximum number of EPS bearers reached",
        APN_NOT_SUPPORTED_IN_RAT_AND_PLMN = 66 "Requested APN not supported in current RAT and PLMN combination",
        INVALID_PTI_VALUE = 81 "Invalid PTI value",
        SEMANTICALLY_INCORRECT_MESSAGE = 95 "Semantically incorrect message",
        INVALID_MANDATORY_INFORMATION = 96 "Invalid mandatory information",
        MESSAGE_TYPE_NOT_IMPLEMENTED = 97 "Message type non-existent or not implemented",
        MESSAGE_TYPE_NOT_COMPATIBLE_WITH_STATE = 98 "Message type not compatible with the protocol state",
        IE_NOT_IMPLEMENTED = 99 "Information element non-existent or not implemented",
        CONDITIONAL_IE_ERROR = 100 "Conditional IE error",
        MESSAGE_NOT_COMPATIBLE_WITH_STATE = 101 "Message not compatible with the protocol state",
        PROTOCOL_ERROR = 111 "Protocol error, unspecified",
        APN_RESTRICTION_VALUE_INCOMPATIBLE = 112
            "APN restriction value incompatible with active EPS bearer context",
        MULTIPLE_ACCESSES_NOT_ALLOWED = 113 "Multiple accesses to a PDN connection not allowed",
    }
}
