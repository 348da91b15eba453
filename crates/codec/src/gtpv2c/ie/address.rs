//! Addresses and tunnel endpoints.

use alloc::vec::Vec;
use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{PdnType, ie_values};
use crate::Teid;
use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};

/// Which interface of which node a tunnel endpoint belongs to, TS 29.274 §8.22. Six bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterfaceType(pub u8);

macro_rules! interfaces {
    ($($code:literal $constant:ident $name:literal)*) => {
        impl InterfaceType {
            $(
                #[doc = $name]
                pub const $constant: Self = InterfaceType($code);
            )*

            /// Its name in the specification.
            #[must_use]
            pub fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

interfaces! {
    0 S1U_ENB_GTP_U "S1-U eNodeB GTP-U"
    1 S1U_SGW_GTP_U "S1-U SGW GTP-U"
    2 S12_RNC_GTP_U "S12 RNC GTP-U"
    3 S12_SGW_GTP_U "S12 SGW GTP-U"
    4 S5_S8_SGW_GTP_U "S5/S8 SGW GTP-U"
    5 S5_S8_PGW_GTP_U "S5/S8 PGW GTP-U"
    6 S5_S8_SGW_GTP_C "S5/S8 SGW GTP-C"
    7 S5_S8_PGW_GTP_C "S5/S8 PGW GTP-C"
    8 S5_S8_SGW_PMIPV6 "S5/S8 SGW PMIPv6"
    9 S5_S8_PGW_PMIPV6 "S5/S8 PGW PMIPv6"
    10 S11_MME_GTP_C "S11 MME GTP-C"
    11 S11_S4_SGW_GTP_C "S11/S4 SGW GTP-C"
    12 S10_N26_MME_GTP_C "S10/N26 MME GTP-C"
    13 S3_MME_GTP_C "S3 MME GTP-C"
    14 S3_SGSN_GTP_C "S3 SGSN GTP-C"
    15 S4_SGSN_GTP_U "S4 SGSN GTP-U"
    16 S4_SGW_GTP_U "S4 SGW GTP-U"
    17 S4_SGSN_GTP_C "S4 SGSN GTP-C"
    18 S16_SGSN_GTP_C "S16 SGSN GTP-C"
    19 ENB_DL_DATA_FORWARDING_GTP_U "eNodeB/gNodeB GTP-U for DL data forwarding"
    20 ENB_UL_DATA_FORWARDING_GTP_U "eNodeB GTP-U for UL data forwarding"
    21 RNC_DATA_FORWARDING_GTP_U "RNC GTP-U for data forwarding"
    22 SGSN_DATA_FORWARDING_GTP_U "SGSN GTP-U for data forwarding"
    23 SGW_UPF_DL_DATA_FORWARDING_GTP_U "SGW/UPF GTP-U for DL data forwarding"
    24 SM_MBMS_GW_GTP_C "Sm MBMS GW GTP-C"
    25 SN_MBMS_GW_GTP_C "Sn MBMS GW GTP-C"
    26 SM_MME_GTP_C "Sm MME GTP-C"
    27 SN_SGSN_GTP_C "Sn SGSN GTP-C"
    28 SGW_UL_DATA_FORWARDING_GTP_U "SGW GTP-U for UL data forwarding"
    29 SN_SGSN_GTP_U "Sn SGSN GTP-U"
    30 S2B_EPDG_GTP_C "S2b ePDG GTP-C"
    31 S2B_U_EPDG_GTP_U "S2b-U ePDG GTP-U"
    32 S2B_PGW_GTP_C "S2b PGW GTP-C"
    33 S2B_U_PGW_GTP_U "S2b-U PGW GTP-U"
    34 S2A_TWAN_GTP_U "S2a TWAN GTP-U"
    35 S2A_TWAN_GTP_C "S2a TWAN GTP-C"
    36 S2A_PGW_GTP_C "S2a PGW GTP-C"
    37 S2A_PGW_GTP_U "S2a PGW GTP-U"
    38 S11_MME_GTP_U "S11 MME GTP-U"
    39 S11_SGW_GTP_U "S11 SGW GTP-U"
    40 N26_AMF_GTP_C "N26 AMF GTP-C"
    41 N19MB_UPF_GTP_U "N19mb UPF GTP-U"
}

impl fmt::Display for InterfaceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "interface type {}", self.0),
        }
    }
}

impl fmt::Debug for InterfaceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Fully Qualified TEID, §8.22: the end of a tunnel, or of a session on the control plane.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fteid {
    /// Which interface of which node.
    pub interface: InterfaceType,
    /// The number that the node gave it. For PMIPv6 it is a GRE key.
    pub teid: Teid,
    /// Where to send to, over IPv4.
    pub ipv4: Option<Ipv4Addr>,
    /// Where to send to, over IPv6.
    pub ipv6: Option<Ipv6Addr>,
}

impl Fteid {
    /// At an address of either family.
    #[must_use]
    pub fn new(interface: InterfaceType, teid: Teid, address: IpAddr) -> Self {
        match address {
            IpAddr::V4(ipv4) => Fteid {
                interface,
                teid,
                ipv4: Some(ipv4),
                ipv6: None,
            },
            IpAddr::V6(ipv6) => Fteid {
                interface,
                teid,
                ipv4: None,
                ipv6: Some(ipv6),
            },
        }
    }

    /// At an IPv4 address.
    #[must_use]
    pub fn v4(interface: InterfaceType, teid: Teid, address: Ipv4Addr) -> Self {
        Fteid::new(interface, teid, IpAddr::V4(address))
    }

    /// The address, the one of IPv4 where there are two.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.ipv4.map(IpAddr::V4).or(self.ipv6.map(IpAddr::V6))
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let flags = r.u8("F-TEID flags")?;
        let teid = Teid(r.u32("TEID or GRE key")?);
        let ipv4 = if flags & 0x80 != 0 {
            Some(r.ipv4("F-TEID IPv4 address")?)
        } else {
            None
        };
        let ipv6 = if flags & 0x40 != 0 {
            Some(r.ipv6("F-TEID IPv6 address")?)
        } else {
            None
        };
        Ok(Fteid {
            interface: InterfaceType(flags & 0x3f),
            teid,
            ipv4,
            ipv6,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let flag = |set, flag| if set { flag } else { 0 };
        out.put_u8(
            flag(self.ipv4.is_some(), 0x80) | flag(self.ipv6.is_some(), 0x40) | self.interface.0 & 0x3f,
        );
        out.put_u32(self.teid.0);
        if let Some(address) = self.ipv4 {
            out.put_ipv4(address);
        }
        if let Some(address) = self.ipv6 {
            out.put_ipv6(address);
        }
    }
}

impl fmt::Display for Fteid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.interface, self.teid)?;
        for address in [self.ipv4.map(IpAddr::V4), self.ipv6.map(IpAddr::V6)]
            .into_iter()
            .flatten()
        {
            write!(f, " at {address}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fteid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fteid({self})")
    }
}

/// PDN Address Allocation, §8.14: the address of a UE. In a request, 0.0.0.0 or `::` asks for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Paa {
    /// IPv4 only.
    V4(Ipv4Addr),
    /// IPv6 only: prefix length in bits, prefix and interface identifier.
    V6(u8, Ipv6Addr),
    /// Both: IPv4 address, prefix length in bits, prefix and interface identifier.
    V4V6(Ipv4Addr, u8, Ipv6Addr),
    /// Non-IP, Ethernet, or a type that is not known here: no address.
    Other(PdnType),
}

impl Paa {
    /// Whether addresses of which kind are meant.
    #[must_use]
    pub fn pdn_type(&self) -> PdnType {
        match self {
            Paa::V4(_) => PdnType::IPV4,
            Paa::V6(..) => PdnType::IPV6,
            Paa::V4V6(..) => PdnType::IPV4V6,
            Paa::Other(pdn_type) => *pdn_type,
        }
    }

    /// The IPv4 address, where there is one.
    #[must_use]
    pub fn ipv4(&self) -> Option<Ipv4Addr> {
        match self {
            Paa::V4(address) | Paa::V4V6(address, ..) => Some(*address),
            Paa::V6(..) | Paa::Other(_) => None,
        }
    }

    /// The IPv6 prefix length and address, where there is one.
    #[must_use]
    pub fn ipv6(&self) -> Option<(u8, Ipv6Addr)> {
        match self {
            Paa::V6(length, address) | Paa::V4V6(_, length, address) => Some((*length, *address)),
            Paa::V4(_) | Paa::Other(_) => None,
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let pdn_type = PdnType(r.u8("PDN type")? & 0x07);
        Ok(match pdn_type {
            PdnType::IPV4 => Paa::V4(r.ipv4("UE IPv4 address")?),
            PdnType::IPV6 => Paa::V6(r.u8("IPv6 prefix length")?, r.ipv6("UE IPv6 address")?),
            PdnType::IPV4V6 => {
                let (length, ipv6) = (r.u8("IPv6 prefix length")?, r.ipv6("UE IPv6 address")?);
                Paa::V4V6(r.ipv4("UE IPv4 address")?, length, ipv6)
            }
            other => Paa::Other(other),
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put_u8(self.pdn_type().0 & 0x07);
        if let Some((length, address)) = self.ipv6() {
            out.put_u8(length);
            out.put_ipv6(address);
        }
        if let Some(address) = self.ipv4() {
            out.put_ipv4(address);
        }
    }
}

/// IP Address, §8.9.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IpAddress(pub IpAddr);

impl IpAddress {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        if r.left() >= 16 {
            return r.ipv6("IPv6 address").map(|address| IpAddress(address.into()));
        }
        r.ipv4("IPv4 address").map(|address| IpAddress(address.into()))
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self.0 {
            IpAddr::V4(address) => out.put_ipv4(address),
            IpAddr::V6(address) => out.put_ipv6(address),
        }
    }
}

ie_values! {
    Fteid = F_TEID
    Paa = PAA
    IpAddress = IP_ADDRESS
}
