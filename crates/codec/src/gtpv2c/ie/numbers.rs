//! Elements that are one number.

use alloc::vec::Vec;
use core::fmt;

use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};

/// A number whose values have names; other values are kept.
macro_rules! named_u8 {
    ($($(#[$doc:meta])* $name:ident & $mask:literal $(= $ie:ident)? { $($code:literal $constant:ident $text:literal)* })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u8);

        impl $name {
            $(
                #[doc = $text]
                pub const $constant: Self = $name($code);
            )*

            /// The name of the value.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($text),)*
                    _ => None,
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => write!(f, concat!(stringify!($name), " {}"), self.0),
                }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({}"), self.0)?;
                match self.name() {
                    Some(name) => write!(f, " {name})"),
                    None => f.write_str(")"),
                }
            }
        }

        $(impl IeValue for $name {
            const TYPE: IeType = IeType::$ie;

            #[inline]
            fn decode(value: &[u8]) -> Result<Self, ValueError> {
                Reader::new(value).u8(stringify!($name)).map(|octet| $name(octet & $mask))
            }

            #[inline]
            fn encode(&self, out: &mut Vec<u8>) {
                out.put_u8(self.0 & $mask);
            }
        })?
    )* };
}

named_u8! {
    /// RAT Type, §8.17: over which radio a UE is there.
    RatType & 0xff = RAT_TYPE {
        1 UTRAN "UTRAN"
        2 GERAN "GERAN"
        3 WLAN "WLAN"
        4 GAN "GAN"
        5 HSPA_EVOLUTION "HSPA Evolution"
        6 EUTRAN "EUTRAN (WB-E-UTRAN)"
        7 VIRTUAL "Virtual"
        8 EUTRAN_NB_IOT "EUTRAN-NB-IoT"
        9 LTE_M "LTE-M"
        10 NR "NR"
        11 WB_EUTRAN_LEO "WB-E-UTRAN(LEO)"
        12 WB_EUTRAN_MEO "WB-E-UTRAN(MEO)"
        13 WB_EUTRAN_GEO "WB-E-UTRAN(GEO)"
        14 WB_EUTRAN_OTHERSAT "WB-E-UTRAN(OTHERSAT)"
        15 EUTRAN_NB_IOT_LEO "EUTRAN-NB-IoT(LEO)"
        16 EUTRAN_NB_IOT_MEO "EUTRAN-NB-IoT(MEO)"
        17 EUTRAN_NB_IOT_GEO "EUTRAN-NB-IoT(GEO)"
        18 EUTRAN_NB_IOT_OTHERSAT "EUTRAN-NB-IoT(OTHERSAT)"
        19 LTE_M_LEO "LTE-M(LEO)"
        20 LTE_M_MEO "LTE-M(MEO)"
        21 LTE_M_GEO "LTE-M(GEO)"
        22 LTE_M_OTHERSAT "LTE-M(OTHERSAT)"
    }

    /// PDN Type, §8.34.
    PdnType & 0x07 = PDN_TYPE {
        1 IPV4 "IPv4"
        2 IPV6 "IPv6"
        3 IPV4V6 "IPv4v6"
        4 NON_IP "Non-IP"
        5 ETHERNET "Ethernet"
    }

    /// Selection Mode, §8.58: who says that the UE may use the APN.
    SelectionMode & 0x03 = SELECTION_MODE {
        0 SUBSCRIPTION_VERIFIED "MS or network provided APN, subscription verified"
        1 MS_PROVIDED "MS provided APN, subscription not verified"
        2 NETWORK_PROVIDED "Network provided APN, subscription not verified"
        3 RESERVED "For future use, as network provided"
    }

    /// UP Security Policy, §8.149: whether the integrity of user data is protected.
    UpSecurityPolicy & 0x03 = UP_SECURITY_POLICY {
        0 NOT_NEEDED "Integrity protection is not needed"
        1 PREFERRED "Integrity protection is preferred"
        2 REQUIRED "Integrity protection is required"
    }

    /// MBMS Distribution Acknowledge, §8.74: who listens to the multicast tunnel.
    MbmsDistributionAcknowledge & 0x03 = MBMS_DISTRIBUTION_ACKNOWLEDGE {
        0 NO_RNC "No RNCs have accepted IP multicast distribution"
        1 ALL_RNCS "All RNCs have accepted IP multicast distribution"
        2 SOME_RNCS "Some RNCs have accepted IP multicast distribution"
    }

    /// APN Restriction, §8.57: which kinds of APN may be used together.
    ApnRestriction & 0xff = APN_RESTRICTION {
        0 NONE "No existing contexts or restriction"
        1 PUBLIC_1 "Public-1"
        2 PUBLIC_2 "Public-2"
        3 PRIVATE_1 "Private-1"
        4 PRIVATE_2 "Private-2"
    }

    /// Node Type, §8.65.
    NodeType & 0xff = NODE_TYPE {
        0 MME "MME"
        1 SGSN "SGSN"
    }

    /// Change Reporting Action, §8.61: which changes of location the MME or SGSN is to tell.
    ChangeReportingAction & 0xff = CHANGE_REPORTING_ACTION {
        0 STOP "Stop Reporting"
        1 START_CGI_SAI "Start Reporting CGI/SAI"
        2 START_RAI "Start Reporting RAI"
        3 START_TAI "Start Reporting TAI"
        4 START_ECGI "Start Reporting ECGI"
        5 START_CGI_SAI_AND_RAI "Start Reporting CGI/SAI and RAI"
        6 START_TAI_AND_ECGI "Start Reporting TAI and ECGI"
        7 START_MACRO_ENB_ID_AND_ECGI "Start Reporting Macro eNodeB ID and ECGI"
        8 START_RAI_AND_MACRO_ENB_ID "Start Reporting RAI and Macro eNodeB ID"
    }

    /// Service Indicator, §8.80.
    ServiceIndicator & 0xff = SERVICE_INDICATOR {
        1 CS_CALL "CS call indicator"
        2 SMS "SMS indicator"
    }

    /// Detach Type, §8.81.
    DetachType & 0xff = DETACH_TYPE {
        1 PS "PS Detach"
        2 COMBINED "Combined PS/CS Detach"
    }

    /// Action Indication, §8.99.
    ActionIndication & 0x07 = ACTION_INDICATION {
        0 NONE "No Action"
        1 DEACTIVATION "Deactivation Indication"
        2 PAGING "Paging Indication"
        3 PAGING_STOP "Paging Stop Indication"
    }

    /// CN Operator Selection Entity, §8.104: who selected the network's operator.
    CnOperatorSelectionEntity & 0x03 = CN_OPERATOR_SELECTION_ENTITY {
        0 UE "The UE"
        1 NETWORK "The network"
    }

    /// QoS Class Identifier, TS 23.203 §6.1.7: how packets are treated. 1 to 4 have a guaranteed rate, 5 to 9 have none.
    Qci & 0xff {}
}

/// A number without names.
macro_rules! plain {
    ($($(#[$doc:meta])* $name:ident($t:ident, $get:ident, $put:ident $(, $mask:literal)?) = $ie:ident)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $t);

        impl IeValue for $name {
            const TYPE: IeType = IeType::$ie;

            #[inline]
            fn decode(value: &[u8]) -> Result<Self, ValueError> {
                Reader::new(value).$get(stringify!($name)).map(|number| $name(number $(& $mask)?))
            }

            #[inline]
            fn encode(&self, out: &mut Vec<u8>) {
                out.$put(self.0 $(& $mask)?);
            }
        }
    )* };
}

plain! {
    /// Recovery, §8.5: how often the sender was started, modulo 256.
    RestartCounter(u8, u8, put_u8) = RECOVERY
    /// Charging ID, §8.29: the bearer, for charging.
    ChargingId(u32, u32, put_u32) = CHARGING_ID
    /// Charging Characteristics, §8.30, TS 32.251 annex A.
    ChargingCharacteristics(u16, u16, put_u16) = CHARGING_CHARACTERISTICS
    /// Procedure Transaction Identity, §8.35, TS 24.301.
    Pti(u8, u8, put_u8) = PTI
    /// TMSI, §8.23: temporary identity of a UE in the circuit-switched domain.
    Tmsi(u32, u32, put_u32) = TMSI
    /// P-TMSI, §8.41: temporary identity of a UE at an SGSN.
    PTmsi(u32, u32, put_u32) = P_TMSI
    /// P-TMSI Signature, §8.42, 24 bits.
    PTmsiSignature(u32, u24, put_u24, 0xff_ffff) = P_TMSI_SIGNATURE
    /// Hop Counter, §8.43: how many times the message may still be sent on.
    HopCounter(u8, u8, put_u8) = HOP_COUNTER
    /// RFSP Index, §8.77: RAT/frequency selection priority, 1 to 256.
    RfspIndex(u16, u16, put_u16) = RFSP_INDEX
    /// CSG ID, §8.78: closed subscriber group, 27 bits.
    CsgId(u32, u32, put_u32, 0x07ff_ffff) = CSG_ID
    /// ULI Timestamp, §8.101: when the UE was there, seconds since 1900 (NTP).
    UliTimestamp(u32, u32, put_u32) = ULI_TIMESTAMP
    /// TWAN Identifier Timestamp, §8.110: seconds since 1900 (NTP).
    TwanIdentifierTimestamp(u32, u32, put_u32) = TWAN_IDENTIFIER_TIMESTAMP
    /// Metric, §8.113: percent of load or of reduction, 0 to 100; more is taken as 100.
    Metric(u8, u8, put_u8) = METRIC
    /// Sequence Number, §8.114: orders load and overload control information of a node.
    ControlSequenceNumber(u32, u32, put_u32) = SEQUENCE_NUMBER
    /// Mapped UE Usage Type, §8.131.
    MappedUeUsageType(u16, u16, put_u16) = MAPPED_UE_USAGE_TYPE
    /// Additional RRM Policy Index, §8.138.
    AdditionalRrmPolicyIndex(u32, u32, put_u32) = ADDITIONAL_RRM_POLICY_INDEX
    /// Bit Rate, §8.142, kbit/s.
    BitRate(u32, u32, put_u32) = BIT_RATE
    /// Port Number, §8.56, of UDP or TCP.
    PortNumber(u16, u16, put_u16) = PORT_NUMBER
}
