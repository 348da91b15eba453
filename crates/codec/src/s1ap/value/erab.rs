//! E-RABs: their rates, their QoS, and where their packets go, TS 36.413 §9.2.1 and §9.2.2.

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use oxirush_s1ap::{BitString, Octets, s1ap as asn1};

use super::{Item, NasPdu, Value, Wrong, decoded, encoded};
use crate::s1ap::Cause;
use crate::s1ap::cause::erab_item;
use crate::s1ap::pdu::Criticality;
use crate::{Ebi, Teid};

/// A rate, 0 to 10,000,000,000 bit/s, TS 36.413 §9.2.1.19.
///
/// ```
/// use epc_codec::s1ap::BitRate;
///
/// assert_eq!(BitRate::from_kbps(50_000).bps(), 50_000_000);
/// assert_eq!(BitRate::from_bps(u64::MAX), BitRate::MAX);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BitRate(u64);

impl BitRate {
    /// The greatest.
    pub const MAX: Self = Self(10_000_000_000);

    /// The rate, or the greatest one.
    pub const fn from_bps(bps: u64) -> Self {
        if bps <= Self::MAX.0 { Self(bps) } else { Self::MAX }
    }

    /// The rate, or the greatest one. GTPv2-C counts kbit/s.
    pub const fn from_kbps(kbps: u64) -> Self {
        Self::from_bps(kbps.saturating_mul(1000))
    }

    /// In bit/s.
    pub const fn bps(self) -> u64 {
        self.0
    }
}

/// The most that the non-GBR bearers of a UE may use together, TS 36.413 §9.2.1.20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UeAmbr {
    /// Towards the UE.
    pub downlink: BitRate,
    /// From the UE.
    pub uplink: BitRate,
}

impl Value for UeAmbr {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let ambr = decoded::<asn1::UEAggregateMaximumBitrate>(octets)?;
        Ok(Self {
            downlink: BitRate::from_bps(ambr.ue_aggregate_maximum_bit_rate_dl.0),
            uplink: BitRate::from_bps(ambr.ue_aggregate_maximum_bit_rate_ul.0),
        })
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::UEAggregateMaximumBitrate {
            ue_aggregate_maximum_bit_rate_dl: asn1::BitRate(self.downlink.0),
            ue_aggregate_maximum_bit_rate_ul: asn1::BitRate(self.uplink.0),
            ie_extensions: None,
        })
    }
}

/// Allocation and Retention Priority, TS 36.413 §9.2.1.60.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arp {
    /// 1 is the highest, 14 the lowest, 15 no priority; 0 is spare. Upper bits do not travel.
    pub priority_level: u8,
    /// The bearer may take the resources of others.
    pub may_trigger_pre_emption: bool,
    /// Others may take its resources.
    pub pre_emptable: bool,
}

/// The rates of a GBR bearer, TS 36.413 §9.2.1.18.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // Their names say it.
pub struct GbrQos {
    pub maximum_downlink: BitRate,
    pub maximum_uplink: BitRate,
    pub guaranteed_downlink: BitRate,
    pub guaranteed_uplink: BitRate,
}

/// E-RAB Level QoS Parameters, TS 36.413 §9.2.1.15.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErabQos {
    /// QoS Class Identifier, TS 23.203.
    pub qci: u8,
    /// Who goes first when resources are short.
    pub arp: Arp,
    /// Only for a GBR bearer.
    pub gbr: Option<GbrQos>,
}

impl ErabQos {
    fn of(qos: asn1::ERABLevelQoSParameters) -> Self {
        let arp = qos.allocation_retention_priority;
        let rate = |rate: asn1::BitRate| BitRate::from_bps(rate.0);
        Self {
            qci: qos.qci.0,
            arp: Arp {
                priority_level: arp.priority_level.0,
                may_trigger_pre_emption: arp.pre_emption_capability
                    == asn1::PreEmptionCapability::may_trigger_pre_emption,
                pre_emptable: arp.pre_emption_vulnerability == asn1::PreEmptionVulnerability::pre_emptable,
            },
            gbr: qos.gbr_qos_information.map(|gbr| GbrQos {
                maximum_downlink: rate(gbr.e_rab_maximum_bitrate_dl),
                maximum_uplink: rate(gbr.e_rab_maximum_bitrate_ul),
                guaranteed_downlink: rate(gbr.e_rab_guaranteed_bitrate_dl),
                guaranteed_uplink: rate(gbr.e_rab_guaranteed_bitrate_ul),
            }),
        }
    }

    fn asn1(&self) -> asn1::ERABLevelQoSParameters {
        let rate = |rate: BitRate| asn1::BitRate(rate.0);
        asn1::ERABLevelQoSParameters {
            qci: asn1::QCI(self.qci),
            allocation_retention_priority: asn1::AllocationAndRetentionPriority {
                priority_level: asn1::PriorityLevel(self.arp.priority_level & 0x0f),
                pre_emption_capability: match self.arp.may_trigger_pre_emption {
                    true => asn1::PreEmptionCapability::may_trigger_pre_emption,
                    false => asn1::PreEmptionCapability::shall_not_trigger_pre_emption,
                },
                pre_emption_vulnerability: match self.arp.pre_emptable {
                    true => asn1::PreEmptionVulnerability::pre_emptable,
                    false => asn1::PreEmptionVulnerability::not_pre_emptable,
                },
                ie_extensions: None,
            },
            gbr_qos_information: self.gbr.map(|gbr| asn1::GBRQosInformation {
                e_rab_maximum_bitrate_dl: rate(gbr.maximum_downlink),
                e_rab_maximum_bitrate_ul: rate(gbr.maximum_uplink),
                e_rab_guaranteed_bitrate_dl: rate(gbr.guaranteed_downlink),
                e_rab_guaranteed_bitrate_ul: rate(gbr.guaranteed_uplink),
                ie_extensions: None,
            }),
            ie_extensions: None,
        }
    }
}

/// Where a node takes GTP-U: an IPv4 address, an IPv6 address, or both, TS 36.413 §9.2.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransportAddress {
    /// 32 bits.
    V4(Ipv4Addr),
    /// 128 bits.
    V6(Ipv6Addr),
    /// 160 bits, IPv4 first.
    Dual(Ipv4Addr, Ipv6Addr),
    /// Bits that are no address.
    Other(AddressBits),
}

/// 1 to 160 bits where an address should be: they are kept, and lead nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressBits {
    octets: [u8; 20],
    length: u8,
}

impl TransportAddress {
    /// The IPv4 address, if there is one.
    pub fn ipv4(self) -> Option<Ipv4Addr> {
        match self {
            Self::V4(v4) | Self::Dual(v4, _) => Some(v4),
            Self::V6(_) | Self::Other(_) => None,
        }
    }

    /// The IPv6 address, if there is one.
    pub fn ipv6(self) -> Option<Ipv6Addr> {
        match self {
            Self::V6(v6) | Self::Dual(_, v6) => Some(v6),
            Self::V4(_) | Self::Other(_) => None,
        }
    }

    /// Of one or both; `None` for neither.
    pub fn new(ipv4: Option<Ipv4Addr>, ipv6: Option<Ipv6Addr>) -> Option<Self> {
        match (ipv4, ipv6) {
            (Some(v4), Some(v6)) => Some(Self::Dual(v4, v6)),
            (Some(v4), None) => Some(Self::V4(v4)),
            (None, Some(v6)) => Some(Self::V6(v6)),
            (None, None) => None,
        }
    }

    fn of(address: &asn1::TransportLayerAddress<'_>) -> Result<Self, Wrong> {
        let octets = address.0.as_octets();
        let v4 = |octets: &[u8]| <[u8; 4]>::try_from(octets).map(Ipv4Addr::from).ok();
        let v6 = |octets: &[u8]| <[u8; 16]>::try_from(octets).map(Ipv6Addr::from).ok();
        let address = match address.0.len() {
            32 => v4(octets).map(Self::V4),
            128 => v6(octets).map(Self::V6),
            160 => octets
                .split_at_checked(4)
                .and_then(|(a, b)| Some(Self::Dual(v4(a)?, v6(b)?))),
            length => AddressBits::new(octets, length).map(Self::Other),
        };
        address.ok_or(Wrong::new("a transport address of more than 160 bits"))
    }

    fn asn1(&self) -> asn1::TransportLayerAddress<'static> {
        let octets = match self {
            Self::V4(v4) => v4.octets().to_vec(),
            Self::V6(v6) => v6.octets().to_vec(),
            Self::Dual(v4, v6) => [&v4.octets()[..], &v6.octets()[..]].concat(),
            Self::Other(bits) => return asn1::TransportLayerAddress(bits.asn1()),
        };
        asn1::TransportLayerAddress(BitString::from_octets(octets))
    }
}

impl AddressBits {
    fn new(octets: &[u8], length: usize) -> Option<Self> {
        let mut kept = [0; 20];
        kept.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(Self {
            octets: kept,
            length: u8::try_from(length).ok()?,
        })
    }

    fn asn1(&self) -> BitString<'static> {
        let length = usize::from(self.length);
        let octets = self
            .octets
            .get(..length.div_ceil(8))
            .unwrap_or(&self.octets)
            .to_vec();
        BitString::new(octets, length).unwrap_or_else(|_| BitString::from_octets([0; 4]))
    }

    /// How many.
    pub fn bits(&self) -> usize {
        self.length.into()
    }

    /// The octets that hold them, from the top.
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.bits().div_ceil(8)).unwrap_or(&self.octets)
    }
}

impl From<IpAddr> for TransportAddress {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::V4(v4),
            IpAddr::V6(v6) => Self::V6(v6),
        }
    }
}

impl fmt::Display for TransportAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(v4) => v4.fmt(f),
            Self::V6(v6) => v6.fmt(f),
            Self::Dual(v4, v6) => write!(f, "{v4} {v6}"),
            Self::Other(bits) => write!(f, "no address ({} bits)", bits.bits()),
        }
    }
}

fn ebi(id: asn1::ERABID) -> Result<Ebi, Wrong> {
    u8::try_from(id.0)
        .map(Ebi)
        .map_err(|_| Wrong::new("an E-RAB ID over 255"))
}

fn erab_id(ebi: Ebi) -> asn1::ERABID {
    asn1::ERABID(ebi.0.into())
}

fn teid(teid: asn1::GTPTEID) -> Teid {
    Teid(u32::from_be_bytes(teid.0))
}

fn gtp_teid(teid: Teid) -> asn1::GTPTEID {
    asn1::GTPTEID(teid.0.to_be_bytes())
}

/// An E-RAB that the MME asks for with the context of a UE, TS 36.413 §9.1.4.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ErabToBeSetup {
    /// The EPS bearer identity.
    pub erab_id: Ebi,
    /// Its QoS.
    pub qos: ErabQos,
    /// Where the S-GW takes uplink packets.
    pub transport_address: TransportAddress,
    /// The tunnel there.
    pub sgw_s1u: Teid,
    /// For the UE, as the Attach Accept.
    pub nas: Option<NasPdu>,
}

impl Item for ErabToBeSetup {
    const ID: u16 = 52;
    const CRITICALITY: Criticality = Criticality::Reject;

    fn read_item(octets: &[u8]) -> Result<Self, Wrong> {
        let item = decoded::<asn1::ERABToBeSetupItemCtxtSUReq<'_>>(octets)?;
        Ok(Self {
            erab_id: ebi(item.e_rab_id)?,
            qos: ErabQos::of(item.e_rab_level_qos_parameters),
            transport_address: TransportAddress::of(&item.transport_layer_address)?,
            sgw_s1u: teid(item.gtp_teid),
            nas: item.nas_pdu.map(|nas| NasPdu(nas.0.into_vec())),
        })
    }

    fn write_item(&self) -> Vec<u8> {
        encoded(&asn1::ERABToBeSetupItemCtxtSUReq {
            e_rab_id: erab_id(self.erab_id),
            e_rab_level_qos_parameters: self.qos.asn1(),
            transport_layer_address: self.transport_address.asn1(),
            gtp_teid: gtp_teid(self.sgw_s1u),
            nas_pdu: self.nas.as_ref().map(|nas| asn1::NASPDU(Octets::from(&nas.0))),
            ie_extensions: None,
        })
    }
}

/// A further E-RAB for a UE that has its context, TS 36.413 §9.1.3.1.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ErabToBeAdded {
    /// The EPS bearer identity.
    pub erab_id: Ebi,
    /// Its QoS.
    pub qos: ErabQos,
    /// Where the S-GW takes uplink packets.
    pub transport_address: TransportAddress,
    /// The tunnel there.
    pub sgw_s1u: Teid,
    /// For the UE.
    pub nas: NasPdu,
}

impl Item for ErabToBeAdded {
    const ID: u16 = 17;
    const CRITICALITY: Criticality = Criticality::Reject;

    fn read_item(octets: &[u8]) -> Result<Self, Wrong> {
        let item = decoded::<asn1::ERABToBeSetupItemBearerSUReq<'_>>(octets)?;
        Ok(Self {
            erab_id: ebi(item.e_rab_id)?,
            qos: ErabQos::of(item.e_rab_level_qos_parameters),
            transport_address: TransportAddress::of(&item.transport_layer_address)?,
            sgw_s1u: teid(item.gtp_teid),
            nas: NasPdu(item.nas_pdu.0.into_vec()),
        })
    }

    fn write_item(&self) -> Vec<u8> {
        encoded(&asn1::ERABToBeSetupItemBearerSUReq {
            e_rab_id: erab_id(self.erab_id),
            e_rab_level_qos_parameters: self.qos.asn1(),
            transport_layer_address: self.transport_address.asn1(),
            gtp_teid: gtp_teid(self.sgw_s1u),
            nas_pdu: asn1::NASPDU(Octets::from(&self.nas.0)),
            ie_extensions: None,
        })
    }
}

/// An item that is an E-RAB, an address and a tunnel: four lists have it, each under its own IE.
macro_rules! erab_tunnel {
    ($(#[$doc:meta])* $type:ident, $(#[$teid_doc:meta])* $teid:ident, $id:literal $criticality:ident, $asn1:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $type {
            /// The EPS bearer identity.
            pub erab_id: Ebi,
            /// Where packets are taken.
            pub transport_address: TransportAddress,
            $(#[$teid_doc])*
            pub $teid: Teid,
        }

        impl Item for $type {
            const ID: u16 = $id;
            const CRITICALITY: Criticality = Criticality::$criticality;

            fn read_item(octets: &[u8]) -> Result<Self, Wrong> {
                let item = decoded::<asn1::$asn1<'_>>(octets)?;
                Ok(Self {
                    erab_id: ebi(item.e_rab_id)?,
                    transport_address: TransportAddress::of(&item.transport_layer_address)?,
                    $teid: teid(item.gtp_teid),
                })
            }

            fn write_item(&self) -> Vec<u8> {
                encoded(&asn1::$asn1 {
                    e_rab_id: erab_id(self.erab_id),
                    transport_layer_address: self.transport_address.asn1(),
                    gtp_teid: gtp_teid(self.$teid),
                    ie_extensions: None,
                })
            }
        }
    };
}

erab_tunnel! {
    /// An E-RAB that the eNB set up with the context, TS 36.413 §9.1.4.3.
    ErabSetup,
    /// The tunnel at the eNB.
    enb_s1u, 50 Ignore, ERABSetupItemCtxtSURes
}

erab_tunnel! {
    /// A further E-RAB that the eNB set up, TS 36.413 §9.1.3.2.
    ErabAdded,
    /// The tunnel at the eNB.
    enb_s1u, 39 Ignore, ERABSetupItemBearerSURes
}

erab_tunnel! {
    /// An E-RAB whose downlink goes to another eNB, TS 36.413 §9.1.5.8.
    ErabSwitchedDownlink,
    /// The tunnel at the new eNB.
    enb_s1u, 23 Reject, ERABToBeSwitchedDLItem
}

erab_tunnel! {
    /// An E-RAB whose uplink goes to another S-GW address, TS 36.413 §9.1.5.9.
    ErabSwitchedUplink,
    /// The tunnel at the S-GW.
    sgw_s1u, 94 Ignore, ERABToBeSwitchedULItem
}

/// An E-RAB and why it failed or is released, TS 36.413 §9.2.1.36.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErabItem {
    /// The EPS bearer identity.
    pub erab_id: Ebi,
    /// Why.
    pub cause: Cause,
}

impl Item for ErabItem {
    const ID: u16 = 35;
    const CRITICALITY: Criticality = Criticality::Ignore;

    fn read_item(octets: &[u8]) -> Result<Self, Wrong> {
        let (erab_id, cause) = erab_item::read_item(octets)?;
        Ok(Self { erab_id, cause })
    }

    fn write_item(&self) -> Vec<u8> {
        erab_item::write_item(self.erab_id, self.cause)
    }
}

/// An E-RAB that the eNB released, TS 36.413 §9.1.3.6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ErabReleased {
    /// The EPS bearer identity.
    pub erab_id: Ebi,
}

impl Item for ErabReleased {
    const ID: u16 = 15;
    const CRITICALITY: Criticality = Criticality::Ignore;

    fn read_item(octets: &[u8]) -> Result<Self, Wrong> {
        Ok(Self {
            erab_id: ebi(decoded::<asn1::ERABReleaseItemBearerRelComp>(octets)?.e_rab_id)?,
        })
    }

    fn write_item(&self) -> Vec<u8> {
        encoded(&asn1::ERABReleaseItemBearerRelComp {
            e_rab_id: erab_id(self.erab_id),
            ie_extensions: None,
        })
    }
}
