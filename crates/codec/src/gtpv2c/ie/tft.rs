//! Traffic Flow Templates, TS 24.008 §10.5.6.12: which packets go over which bearer.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use super::records::put_counted;
use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};

/// What is to be done with the packet filters, three bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TftOperation(pub u8);

impl TftOperation {
    /// Make the TFT of these filters.
    pub const CREATE: Self = TftOperation(1);
    /// Remove the TFT.
    pub const DELETE: Self = TftOperation(2);
    /// Add these filters.
    pub const ADD: Self = TftOperation(3);
    /// Put these filters in place of those with the same identifiers.
    pub const REPLACE: Self = TftOperation(4);
    /// Remove the filters with these identifiers.
    pub const DELETE_FILTERS: Self = TftOperation(5);
    /// Nothing; parameters only.
    pub const NONE: Self = TftOperation(6);

    fn has_filters(self) -> bool {
        matches!(
            self,
            TftOperation::CREATE | TftOperation::ADD | TftOperation::REPLACE
        )
    }
}

/// A Traffic Flow Template, or a change of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Tft {
    /// What is to be done.
    pub operation: TftOperation,
    /// At most 15; only with operations that bring filters.
    pub filters: Vec<PacketFilter>,
    /// Identifiers of the filters to be removed, at most 15.
    pub filter_ids: Vec<u8>,
    /// Authorization tokens, flow identifiers and the like.
    pub parameters: Vec<TftParameter>,
}

/// Which packets are meant: those that match all components.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PacketFilter {
    /// 0 to 15.
    pub id: u8,
    /// 0 before release 7, 1 downlink, 2 uplink, 3 both.
    pub direction: u8,
    /// The filter with the lowest number is tried first.
    pub precedence: u8,
    /// At most 255 octets in all.
    pub components: Vec<FilterComponent>,
}

/// One thing that a packet must have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FilterComponent {
    /// Remote address and mask.
    RemoteIpv4(Ipv4Addr, Ipv4Addr),
    /// Local address and mask.
    LocalIpv4(Ipv4Addr, Ipv4Addr),
    /// Remote address and mask.
    RemoteIpv6Mask(Ipv6Addr, Ipv6Addr),
    /// Remote address and prefix length in bits.
    RemoteIpv6(Ipv6Addr, u8),
    /// Local address and prefix length in bits.
    LocalIpv6(Ipv6Addr, u8),
    /// Protocol of IPv4, next header of IPv6.
    Protocol(u8),
    /// One port.
    LocalPort(u16),
    /// From port to port.
    LocalPorts(u16, u16),
    /// One port.
    RemotePort(u16),
    /// From port to port.
    RemotePorts(u16, u16),
    /// Security parameter index of IPsec.
    Spi(u32),
    /// Type of service or traffic class, and mask.
    TypeOfService(u8, u8),
    /// Flow label of IPv6, 20 bits.
    FlowLabel(u32),
    /// A component of another type, and everything after it, because its length is not known.
    Other(u8, Vec<u8>),
}

/// A parameter of a TFT.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TftParameter {
    /// 1 authorization token, 2 flow identifier, 3 packet filter identifier.
    pub id: u8,
    /// At most 255 octets.
    pub contents: Vec<u8>,
}

impl FilterComponent {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let component = r.u8("packet filter component type")?;
        let what = "packet filter component";
        Ok(match component {
            0x10 => FilterComponent::RemoteIpv4(r.ipv4(what)?, r.ipv4(what)?),
            0x11 => FilterComponent::LocalIpv4(r.ipv4(what)?, r.ipv4(what)?),
            0x20 => FilterComponent::RemoteIpv6Mask(r.ipv6(what)?, r.ipv6(what)?),
            0x21 => FilterComponent::RemoteIpv6(r.ipv6(what)?, r.u8(what)?),
            0x23 => FilterComponent::LocalIpv6(r.ipv6(what)?, r.u8(what)?),
            0x30 => FilterComponent::Protocol(r.u8(what)?),
            0x40 => FilterComponent::LocalPort(r.u16(what)?),
            0x41 => FilterComponent::LocalPorts(r.u16(what)?, r.u16(what)?),
            0x50 => FilterComponent::RemotePort(r.u16(what)?),
            0x51 => FilterComponent::RemotePorts(r.u16(what)?, r.u16(what)?),
            0x60 => FilterComponent::Spi(r.u32(what)?),
            0x70 => FilterComponent::TypeOfService(r.u8(what)?, r.u8(what)?),
            0x80 => FilterComponent::FlowLabel(r.u24(what)? & 0x0f_ffff),
            other => FilterComponent::Other(other, r.rest().to_vec()),
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            FilterComponent::RemoteIpv4(address, mask) => {
                out.put_u8(0x10);
                out.put_ipv4(*address);
                out.put_ipv4(*mask);
            }
            FilterComponent::LocalIpv4(address, mask) => {
                out.put_u8(0x11);
                out.put_ipv4(*address);
                out.put_ipv4(*mask);
            }
            FilterComponent::RemoteIpv6Mask(address, mask) => {
                out.put_u8(0x20);
                out.put_ipv6(*address);
                out.put_ipv6(*mask);
            }
            FilterComponent::RemoteIpv6(address, length) => {
                out.put_u8(0x21);
                out.put_ipv6(*address);
                out.put_u8(*length);
            }
            FilterComponent::LocalIpv6(address, length) => {
                out.put_u8(0x23);
                out.put_ipv6(*address);
                out.put_u8(*length);
            }
            FilterComponent::Protocol(protocol) => out.put(&[0x30, *protocol]),
            FilterComponent::LocalPort(port) => put_ports(out, 0x40, &[*port]),
            FilterComponent::LocalPorts(from, to) => put_ports(out, 0x41, &[*from, *to]),
            FilterComponent::RemotePort(port) => put_ports(out, 0x50, &[*port]),
            FilterComponent::RemotePorts(from, to) => put_ports(out, 0x51, &[*from, *to]),
            FilterComponent::Spi(spi) => {
                out.put_u8(0x60);
                out.put_u32(*spi);
            }
            FilterComponent::TypeOfService(value, mask) => out.put(&[0x70, *value, *mask]),
            FilterComponent::FlowLabel(label) => {
                out.put_u8(0x80);
                out.put_u24(label & 0x0f_ffff);
            }
            FilterComponent::Other(component, contents) => {
                out.put_u8(*component);
                out.put(contents);
            }
        }
    }
}

fn put_ports(out: &mut Vec<u8>, component: u8, ports: &[u16]) {
    out.put_u8(component);
    ports.iter().for_each(|port| out.put_u16(*port));
}

impl Tft {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let first = r.u8("TFT operation")?;
        let operation = TftOperation(first >> 5);
        let count = first & 0x0f;
        let mut tft = Tft {
            operation,
            filters: Vec::new(),
            filter_ids: Vec::new(),
            parameters: Vec::new(),
        };
        if operation.has_filters() {
            for _ in 0..count {
                tft.filters.push(PacketFilter::read(r)?);
            }
        } else if operation == TftOperation::DELETE_FILTERS {
            tft.filter_ids = r.take(usize::from(count), "packet filter identifiers")?.to_vec();
        }
        while first & 0x10 != 0 && !r.is_empty() {
            let id = r.u8("TFT parameter identifier")?;
            let length = r.u8("TFT parameter length")?;
            let contents = r.take(usize::from(length), "TFT parameter")?.to_vec();
            tft.parameters.push(TftParameter { id, contents });
        }
        Ok(tft)
    }

    fn write(&self, out: &mut Vec<u8>) {
        let (filters, ids): (&[PacketFilter], &[u8]) = match self.operation {
            TftOperation::DELETE_FILTERS => (&[], &self.filter_ids),
            operation if operation.has_filters() => (&self.filters, &[]),
            _ => (&[], &[]),
        };
        let (filters, ids) = (filters.get(..15).unwrap_or(filters), ids.get(..15).unwrap_or(ids));
        let parameters = if self.parameters.is_empty() { 0 } else { 0x10 };
        out.put_u8(self.operation.0 << 5 | parameters | (filters.len() + ids.len()) as u8);
        filters.iter().for_each(|filter| filter.write(out));
        out.put(ids);
        for TftParameter { id, contents } in &self.parameters {
            out.put_u8(*id);
            put_counted(out, contents);
        }
    }
}

impl PacketFilter {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let (first, precedence, length) = (
            r.u8("packet filter identifier")?,
            r.u8("precedence")?,
            r.u8("packet filter length")?,
        );
        let mut contents = Reader::new(r.take(usize::from(length), "packet filter contents")?);
        let mut components = Vec::new();
        while !contents.is_empty() {
            components.push(FilterComponent::read(&mut contents)?);
        }
        Ok(PacketFilter {
            id: first & 0x0f,
            direction: first >> 4 & 0x03,
            precedence,
            components,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put(&[self.direction << 4 & 0x30 | self.id & 0x0f, self.precedence]);
        let mut contents = Vec::new();
        self.components
            .iter()
            .for_each(|component| component.write(&mut contents));
        put_counted(out, &contents);
    }
}

macro_rules! tfts {
    ($($(#[$doc:meta])* $name:ident = $ie:ident)*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name(pub Tft);

        impl IeValue for $name {
            const TYPE: IeType = IeType::$ie;

            fn decode(value: &[u8]) -> Result<Self, ValueError> {
                Tft::read(&mut Reader::new(value)).map($name)
            }

            fn encode(&self, out: &mut Vec<u8>) {
                self.0.write(out);
            }
        }
    )* };
}

tfts! {
    /// EPS Bearer Level Traffic Flow Template, §8.19.
    BearerTft = BEARER_TFT
    /// Traffic Aggregation Description, §8.20: what a UE wants, written as a TFT.
    TrafficAggregationDescription = TAD
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn a_filter_there_and_back() {
        let octets = [
            0x21, // create a TFT, one filter
            0x30, 0x0a, 0x0e, // filter 0, both directions, precedence 10, 14 octets
            0x10, 192, 0, 2, 0, 255, 255, 255, 0, // remote 192.0.2.0/24
            0x30, 0x11, // UDP
            0x50, 0x00, 0x35, // remote port 53
        ];
        let tft = BearerTft::decode(&octets).unwrap();
        let filter = &tft.0.filters[0];
        assert_eq!((filter.id, filter.direction, filter.precedence), (0, 3, 10));
        let network = Ipv4Addr::new(192, 0, 2, 0);
        assert_eq!(
            filter.components,
            vec![
                FilterComponent::RemoteIpv4(network, Ipv4Addr::new(255, 255, 255, 0)),
                FilterComponent::Protocol(17),
                FilterComponent::RemotePort(53),
            ]
        );
        let mut out = Vec::new();
        tft.encode(&mut out);
        assert_eq!(out, octets);
        for length in 0..octets.len() {
            assert!(BearerTft::decode(&octets[..length]).is_err(), "{length}");
        }
    }
}
