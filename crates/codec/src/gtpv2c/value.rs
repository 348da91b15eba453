//! The value of any element, by its type on the wire: for tools that look at what they do not know in advance.

use alloc::vec::Vec;
use core::fmt;

use super::ie::*;
use super::table::IeValue;
use super::{Ie, IeType};
use crate::error::ValueError;
use crate::{Apn, Ebi, Imsi, Mei, Msisdn, Pco};

macro_rules! values {
    ($($name:ident)*) => {
        /// What an element holds.
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        #[allow(clippy::large_enum_variant)] // Made one at a time, to be looked at.
        pub enum Value {
            $(
                #[doc = concat!("[`", stringify!($name), "`]")]
                $name($name),
            )*
            /// A grouped element: the elements in it.
            Group(Vec<Ie>),
            /// An element that has no type of its own here.
            Opaque(Vec<u8>),
        }

        impl Value {
            /// Reads the value of an element of this type.
            ///
            /// # Errors
            /// When octets are missing, or say what they cannot say.
            pub fn decode(ie_type: IeType, value: &[u8]) -> Result<Self, ValueError> {
                match ie_type {
                    $(<$name as IeValue>::TYPE => $name::decode(value).map(Value::$name),)*
                    group if group.is_grouped() => Ie::decode_all(value).map(Value::Group),
                    _ => Ok(Value::Opaque(value.to_vec())),
                }
            }

            /// Appends the value.
            pub fn encode_into(&self, out: &mut Vec<u8>) {
                match self {
                    $(Value::$name(value) => value.encode(out),)*
                    Value::Group(ies) => ies.iter().for_each(|ie| ie.encode_into(out)),
                    Value::Opaque(octets) => out.extend_from_slice(octets),
                }
            }
        }

        impl fmt::Debug for Value {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Value::$name(value) => value.fmt(f),)*
                    Value::Group(ies) => ies.fmt(f),
                    Value::Opaque(octets) => octets.iter().try_for_each(|octet| write!(f, "{octet:02x}")),
                }
            }
        }

        /// The elements that have a type of their own, apart from the grouped ones, and the name of that type.
        pub const TYPED_IES: &[(IeType, &str)] = &[$((<$name as IeValue>::TYPE, stringify!($name)),)*];
    };
}

values! {
    Imsi
    Cause
    RestartCounter
    StnSr
    Apn
    Ambr
    Ebi
    IpAddress
    Mei
    Msisdn
    Indication
    Pco
    Paa
    BearerQos
    FlowQos
    RatType
    ServingNetwork
    BearerTft
    TrafficAggregationDescription
    Uli
    Fteid
    Tmsi
    GlobalCnId
    S103DataForwardingInfo
    S1uDataForwardingInfo
    DelayValue
    ChargingId
    ChargingCharacteristics
    TraceInformation
    BearerFlags
    PdnType
    Pti
    PduNumbers
    PTmsi
    PTmsiSignature
    HopCounter
    UeTimeZone
    TraceReference
    CompleteRequestMessage
    Guti
    FContainer
    FCause
    PlmnId
    TargetIdentification
    PacketFlowId
    RabContext
    SourceRncPdcpContextInfo
    PortNumber
    ApnRestriction
    SelectionMode
    SourceIdentification
    ChangeReportingAction
    FqCsid
    ChannelNeeded
    EmlppPriority
    NodeType
    Fqdn
    TransactionIdentifier
    RfspIndex
    UserCsgInformation
    CsgInformationReportingAction
    CsgId
    CsgMembershipIndication
    ServiceIndicator
    DetachType
    LocalDistinguishedName
    NodeFeatures
    Throttling
    Arp
    EpcTimer
    SignallingPriorityIndication
    AdditionalMmContextForSrvcc
    AdditionalFlagsForSrvcc
    MdtConfiguration
    Apco
    HenbInformationReporting
    Ipv4ConfigurationParameters
    ChangeToReportFlags
    ActionIndication
    TwanIdentifier
    UliTimestamp
    RanNasCause
    CnOperatorSelectionEntity
    TrustedWlanModeIndication
    NodeNumber
    NodeIdentifier
    PresenceReportingAreaAction
    PresenceReportingAreaInformation
    TwanIdentifierTimestamp
    Metric
    ControlSequenceNumber
    ApnAndRelativeCapacity
    WlanOffloadabilityIndication
    PagingAndServiceInformation
    IntegerNumber
    MillisecondTimeStamp
    MonitoringEventInformation
    RemoteUserId
    RemoteUeIpInformation
    CiotOptimizationsSupportIndication
    HeaderCompressionConfiguration
    Epco
    ServingPlmnRateControl
    Counter
    MappedUeUsageType
    SecondaryRatUsageDataReport
    UpFunctionSelectionIndicationFlags
    MaximumPacketLossRate
    ApnRateControlStatus
    ExtendedTraceInformation
    MonitoringEventExtensionInformation
    AdditionalRrmPolicyIndex
    ServicesAuthorized
    BitRate
    Pc5QosFlow
    SgiPtpTunnelAddress
    PgwSetFqdn
    MmContextGsm
    MmContextUmtsUsedCipher
    MmContextGsmUsedCipher
    MmContextUmts
    MmContextEps
    MmContextUmtsQuadruplets
    MbmsSessionDuration
    MbmsServiceArea
    MbmsSessionIdentifier
    MbmsFlowIdentifier
    MbmsIpMulticastDistribution
    MbmsDistributionAcknowledge
    MbmsTimeToDataTransfer
    Tmgi
    AbsoluteTimeOfMbmsDataTransfer
    MbmsFlags
    EcgiList
    GroupId
    PscellId
    UpSecurityPolicy
    AlternativeImsi
    PrivateExtension
}

impl Ie {
    /// What it holds.
    ///
    /// # Errors
    /// When octets are missing, or say what they cannot say.
    pub fn value(&self) -> Result<Value, ValueError> {
        Value::decode(self.ie_type, &self.value)
    }
}
