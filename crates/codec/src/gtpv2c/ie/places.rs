//! Nodes, cells and areas that more than one kind of address can name.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::records::put_counted;
use super::{ExtendedMacroEnbId, MacroEnbId};
use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};
use crate::{Pco, Plmn};

/// FQ-CSID, §8.62: sets of PDN connections that a node can lose together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FqCsid {
    /// The node.
    pub node: CsidNode,
    /// Its sets, at most 15.
    pub csids: Vec<u16>,
}

/// What names the node of an FQ-CSID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CsidNode {
    /// Type 0.
    Ipv4(Ipv4Addr),
    /// Type 1.
    Ipv6(Ipv6Addr),
    /// Type 2: MCC and MNC as 20 bits, MCC times 1000 plus MNC, and 12 bits that the operator chose. Larger types have
    /// no meaning yet.
    Other(u8, u32),
}

impl CsidNode {
    /// The type, four bits.
    #[must_use]
    pub fn node_id_type(&self) -> u8 {
        match self {
            CsidNode::Ipv4(_) => 0,
            CsidNode::Ipv6(_) => 1,
            CsidNode::Other(node_id_type, _) => *node_id_type,
        }
    }
}

impl IeValue for FqCsid {
    const TYPE: IeType = IeType::FQ_CSID;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let first = r.u8("node-ID type and number of CSIDs")?;
        let node = match first >> 4 {
            0 => CsidNode::Ipv4(r.ipv4("node-ID")?),
            1 => CsidNode::Ipv6(r.ipv6("node-ID")?),
            other => CsidNode::Other(other, r.u32("node-ID")?),
        };
        let mut csids = Vec::with_capacity(usize::from(first & 0x0f));
        for _ in 0..first & 0x0f {
            csids.push(r.u16("CSID")?);
        }
        Ok(FqCsid { node, csids })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let csids = self.csids.get(..15).unwrap_or(&self.csids);
        out.put_u8(self.node.node_id_type() << 4 | csids.len() as u8);
        match self.node {
            CsidNode::Ipv4(address) => out.put_ipv4(address),
            CsidNode::Ipv6(address) => out.put_ipv6(address),
            CsidNode::Other(_, number) => out.put_u32(number),
        }
        csids.iter().for_each(|csid| out.put_u16(*csid));
    }
}

/// Target Identification, §8.51: where a UE is handed over to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TargetIdentification {
    /// Type 0.
    Rnc {
        /// The network.
        plmn: Plmn,
        /// Location area code.
        lac: u16,
        /// Routing area code.
        rac: u8,
        /// RNC-ID.
        rnc_id: u16,
        /// Extended RNC-ID.
        extended_rnc_id: Option<u16>,
    },
    /// Type 1, with its tracking area code.
    MacroEnb(MacroEnbId, u16),
    /// Type 3.
    HomeEnb {
        /// The network.
        plmn: Plmn,
        /// 28 bits.
        id: u32,
        /// Tracking area code.
        tac: u16,
    },
    /// Type 4, with its tracking area code.
    ExtendedMacroEnb(ExtendedMacroEnbId, u16),
    /// Type 5.
    Gnb {
        /// The network.
        plmn: Plmn,
        /// Length of the identity in bits, 22 to 32.
        length: u8,
        /// The identity.
        id: u32,
        /// Tracking area code of 5GS, 24 bits.
        tac: u32,
    },
    /// Type 6, with its tracking area code of 5GS, 24 bits.
    MacroNgEnb(MacroEnbId, u32),
    /// Type 7, with its tracking area code of 5GS, 24 bits.
    ExtendedMacroNgEnb(ExtendedMacroEnbId, u32),
    /// Any other type, and what follows it.
    Other(u8, Vec<u8>),
}

impl IeValue for TargetIdentification {
    const TYPE: IeType = IeType::TARGET_IDENTIFICATION;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        Ok(match r.u8("target type")? {
            0 => TargetIdentification::Rnc {
                plmn: Plmn::read(&mut r)?,
                lac: r.u16("location area code")?,
                rac: r.u8("routing area code")?,
                rnc_id: r.u16("RNC-ID")?,
                extended_rnc_id: if r.left() >= 2 {
                    Some(r.u16("extended RNC-ID")?)
                } else {
                    None
                },
            },
            1 => TargetIdentification::MacroEnb(MacroEnbId::read(&mut r)?, r.u16("tracking area code")?),
            3 => TargetIdentification::HomeEnb {
                plmn: Plmn::read(&mut r)?,
                id: r.u32("home eNodeB identity")? & 0x0fff_ffff,
                tac: r.u16("tracking area code")?,
            },
            4 => TargetIdentification::ExtendedMacroEnb(
                ExtendedMacroEnbId::read(&mut r)?,
                r.u16("tracking area code")?,
            ),
            5 => TargetIdentification::Gnb {
                plmn: Plmn::read(&mut r)?,
                length: r.u8("length of gNB-ID")? & 0x3f,
                id: r.u32("gNB-ID")?,
                tac: r.u24("tracking area code")?,
            },
            6 => TargetIdentification::MacroNgEnb(MacroEnbId::read(&mut r)?, r.u24("tracking area code")?),
            7 => TargetIdentification::ExtendedMacroNgEnb(
                ExtendedMacroEnbId::read(&mut r)?,
                r.u24("tracking area code")?,
            ),
            other => TargetIdentification::Other(other, r.rest().to_vec()),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            TargetIdentification::Rnc {
                plmn,
                lac,
                rac,
                rnc_id,
                extended_rnc_id,
            } => {
                out.put_u8(0);
                plmn.write(out);
                out.put_u16(*lac);
                out.put_u8(*rac);
                out.put_u16(*rnc_id);
                extended_rnc_id.iter().for_each(|id| out.put_u16(*id));
            }
            TargetIdentification::MacroEnb(enb, tac) => {
                out.put_u8(1);
                enb.write(out);
                out.put_u16(*tac);
            }
            TargetIdentification::HomeEnb { plmn, id, tac } => {
                out.put_u8(3);
                plmn.write(out);
                out.put_u32(id & 0x0fff_ffff);
                out.put_u16(*tac);
            }
            TargetIdentification::ExtendedMacroEnb(enb, tac) => {
                out.put_u8(4);
                enb.write(out);
                out.put_u16(*tac);
            }
            TargetIdentification::Gnb {
                plmn,
                length,
                id,
                tac,
            } => {
                out.put_u8(5);
                plmn.write(out);
                out.put_u8(length & 0x3f);
                out.put_u32(*id);
                out.put_u24(*tac);
            }
            TargetIdentification::MacroNgEnb(enb, tac) => {
                out.put_u8(6);
                enb.write(out);
                out.put_u24(*tac);
            }
            TargetIdentification::ExtendedMacroNgEnb(enb, tac) => {
                out.put_u8(7);
                enb.write(out);
                out.put_u24(*tac);
            }
            TargetIdentification::Other(target, contents) => {
                out.put_u8(*target);
                out.put(contents);
            }
        }
    }
}

/// TWAN Identifier, §8.100: a trusted WLAN.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct TwanIdentifier {
    /// Name of the WLAN.
    pub ssid: Vec<u8>,
    /// Address of its access point.
    pub bssid: Option<[u8; 6]>,
    /// Where it is, RFC 4776.
    pub civic_address: Option<Vec<u8>>,
    /// The network of its operator.
    pub plmn: Option<Plmn>,
    /// The name of its operator.
    pub operator: Option<Vec<u8>>,
    /// Relay identity type (0 IPv4 or IPv6 address, 1 FQDN), relay identity and circuit identifier.
    pub logical_access: Option<(u8, Vec<u8>, Vec<u8>)>,
}

impl IeValue for TwanIdentifier {
    const TYPE: IeType = IeType::TWAN_IDENTIFIER;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        fn counted(r: &mut Reader<'_>, what: &'static str) -> Result<Vec<u8>, ValueError> {
            let length = r.u8(what)?;
            r.take(usize::from(length), what).map(<[u8]>::to_vec)
        }
        let mut r = Reader::new(value);
        let flags = r.u8("TWAN flags")?;
        let mut twan = TwanIdentifier {
            ssid: counted(&mut r, "SSID")?,
            ..TwanIdentifier::default()
        };
        if flags & 0x01 != 0 {
            twan.bssid = Some(r.array("BSSID")?);
        }
        if flags & 0x02 != 0 {
            twan.civic_address = Some(counted(&mut r, "civic address")?);
        }
        if flags & 0x04 != 0 {
            twan.plmn = Some(Plmn::read(&mut r)?);
        }
        if flags & 0x08 != 0 {
            twan.operator = Some(counted(&mut r, "operator name")?);
        }
        if flags & 0x10 != 0 {
            let relay_type = r.u8("relay identity type")?;
            let relay = counted(&mut r, "relay identity")?;
            twan.logical_access = Some((relay_type, relay, counted(&mut r, "circuit identifier")?));
        }
        Ok(twan)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let flag = |set, flag| if set { flag } else { 0 };
        out.put_u8(
            flag(self.bssid.is_some(), 0x01)
                | flag(self.civic_address.is_some(), 0x02)
                | flag(self.plmn.is_some(), 0x04)
                | flag(self.operator.is_some(), 0x08)
                | flag(self.logical_access.is_some(), 0x10),
        );
        put_counted(out, &self.ssid);
        self.bssid.iter().for_each(|bssid| out.put(bssid));
        self.civic_address
            .iter()
            .for_each(|address| put_counted(out, address));
        self.plmn.iter().for_each(|plmn| plmn.write(out));
        self.operator
            .iter()
            .for_each(|operator| put_counted(out, operator));
        if let Some((relay_type, relay, circuit)) = &self.logical_access {
            out.put_u8(*relay_type);
            put_counted(out, relay);
            put_counted(out, circuit);
        }
    }
}

/// Presence Reporting Area Information, §8.109.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PresenceReportingAreaInformation {
    /// The area, 24 bits.
    pub identifier: u32,
    /// IPRA: the UE is in it.
    pub inside: bool,
    /// OPRA: the UE is out of it.
    pub outside: bool,
    /// INAPRA: the area is inactive.
    pub inactive: bool,
    /// An area of a set, 24 bits.
    pub additional: Option<u32>,
}

impl IeValue for PresenceReportingAreaInformation {
    const TYPE: IeType = IeType::PRESENCE_REPORTING_AREA_INFORMATION;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let identifier = r.u24("presence reporting area identifier")?;
        let flags = r.u8("flags")?;
        let additional = if flags & 0x04 != 0 {
            Some(r.u24("additional identifier")?)
        } else {
            None
        };
        Ok(PresenceReportingAreaInformation {
            identifier,
            inside: flags & 0x01 != 0,
            outside: flags & 0x02 != 0,
            inactive: flags & 0x08 != 0,
            additional,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let flag = |set, flag| if set { flag } else { 0 };
        out.put_u24(self.identifier);
        out.put_u8(
            flag(self.inside, 0x01)
                | flag(self.outside, 0x02)
                | flag(self.additional.is_some(), 0x04)
                | flag(self.inactive, 0x08),
        );
        self.additional
            .iter()
            .for_each(|identifier| out.put_u24(*identifier));
    }
}

/// SGi PtP Tunnel Address, §8.144: the other end of a tunnel for non-IP data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct SgiPtpTunnelAddress {
    /// Over IPv4.
    pub ipv4: Option<Ipv4Addr>,
    /// Over IPv6.
    pub ipv6: Option<Ipv6Addr>,
    /// UDP port.
    pub port: Option<u16>,
}

impl IeValue for SgiPtpTunnelAddress {
    const TYPE: IeType = IeType::SGI_PTP_TUNNEL_ADDRESS;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let flags = r.u8("flags")?;
        Ok(SgiPtpTunnelAddress {
            ipv4: if flags & 0x01 != 0 {
                Some(r.ipv4("IPv4 address")?)
            } else {
                None
            },
            ipv6: if flags & 0x02 != 0 {
                Some(r.ipv6("IPv6 address")?)
            } else {
                None
            },
            port: if flags & 0x04 != 0 {
                Some(r.u16("UDP port")?)
            } else {
                None
            },
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let flag = |set, flag| if set { flag } else { 0 };
        let addresses = flag(self.ipv4.is_some(), 0x01) | flag(self.ipv6.is_some(), 0x02);
        out.put_u8(addresses | flag(self.port.is_some(), 0x04));
        self.ipv4.iter().for_each(|address| out.put_ipv4(*address));
        self.ipv6.iter().for_each(|address| out.put_ipv6(*address));
        self.port.iter().for_each(|port| out.put_u16(*port));
    }
}

macro_rules! pcos {
    ($($(#[$doc:meta])* $name:ident = $ie:ident)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(pub Pco);

        impl IeValue for $name {
            const TYPE: IeType = IeType::$ie;

            fn decode(value: &[u8]) -> Result<Self, ValueError> {
                Pco::from_octets(value).map($name)
            }

            fn encode(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
        }
    )* };
}

pcos! {
    /// Additional Protocol Configuration Options, §8.94: between a WLAN and the P-GW.
    Apco = APCO
    /// Extended Protocol Configuration Options, §8.128. A few containers of later releases have a length of two octets
    /// and end the list that [`Pco::containers`] gives.
    Epco = EPCO
}
