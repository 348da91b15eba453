//! Protocol Configuration Options, TS 24.008 §10.5.6.3: what UE and P-GW tell each other about addresses, DNS and MTU.

use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use crate::error::ValueError;
use crate::wire::{Put, Reader};

/// Protocol Configuration Options from the configuration protocol octet on: a list of containers.
///
/// The octets are kept as they came. Containers after the first one that is cut short are not seen.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pco {
    octets: Vec<u8>,
}

/// A protocol or parameter of the list: its identifier and its contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Container<'a> {
    /// Which protocol or parameter; constants are at [`Pco`].
    pub id: u16,
    /// Its contents, at most 255 octets.
    pub contents: &'a [u8],
}

/// The address options of an IPCP packet, RFC 1332 and RFC 1877.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ipcp {
    /// 1 Configure-Request, 2 Configure-Ack, 3 Configure-Nak, 4 Configure-Reject.
    pub code: u8,
    /// Matches an answer with its request.
    pub identifier: u8,
    /// Option 129; 0.0.0.0 asks for one.
    pub primary_dns: Option<Ipv4Addr>,
    /// Option 131; 0.0.0.0 asks for one.
    pub secondary_dns: Option<Ipv4Addr>,
}

impl Ipcp {
    /// Asks.
    pub const CONFIGURE_REQUEST: u8 = 1;
    /// Agrees.
    pub const CONFIGURE_ACK: u8 = 2;
    /// Proposes other values.
    pub const CONFIGURE_NAK: u8 = 3;
    /// Does not know an option.
    pub const CONFIGURE_REJECT: u8 = 4;

    const PRIMARY_DNS: u8 = 129;
    const SECONDARY_DNS: u8 = 131;

    fn read(contents: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(contents);
        let mut ipcp = Ipcp {
            code: r.u8("IPCP code")?,
            identifier: r.u8("IPCP identifier")?,
            ..Ipcp::default()
        };
        let length = usize::from(r.u16("IPCP length")?);
        let mut options = Reader::new(r.take(length.saturating_sub(4), "IPCP options")?);
        while !options.is_empty() {
            let option = options.u8("IPCP option")?;
            let length = usize::from(options.u8("IPCP option length")?);
            let Some(length) = length.checked_sub(2) else {
                return Err(options.incorrect("IPCP option length"));
            };
            let mut value = Reader::new(options.take(length, "IPCP option")?);
            match option {
                Ipcp::PRIMARY_DNS => ipcp.primary_dns = Some(value.ipv4("primary DNS")?),
                Ipcp::SECONDARY_DNS => ipcp.secondary_dns = Some(value.ipv4("secondary DNS")?),
                _ => {}
            }
        }
        Ok(ipcp)
    }

    fn to_octets(self) -> Vec<u8> {
        let mut options = Vec::new();
        for (option, address) in [
            (Ipcp::PRIMARY_DNS, self.primary_dns),
            (Ipcp::SECONDARY_DNS, self.secondary_dns),
        ] {
            if let Some(address) = address {
                options.put(&[option, 6]);
                options.put_ipv4(address);
            }
        }
        let mut out = Vec::new();
        out.put(&[self.code, self.identifier, 0, 4 + options.len() as u8]);
        out.put(&options);
        out
    }
}

impl Pco {
    /// IPCP, RFC 1332.
    pub const IPCP: u16 = 0x8021;
    /// PAP, RFC 1334.
    pub const PAP: u16 = 0xc023;
    /// CHAP, RFC 1994.
    pub const CHAP: u16 = 0xc223;
    /// P-CSCF IPv6 Address (Request).
    pub const P_CSCF_IPV6: u16 = 0x0001;
    /// DNS Server IPv6 Address (Request).
    pub const DNS_IPV6: u16 = 0x0003;
    /// MS Support of Network Requested Bearer Control indicator; towards the MS, Selected Bearer Control Mode.
    pub const BEARER_CONTROL: u16 = 0x0005;
    /// IP address allocation via NAS signalling.
    pub const ADDRESS_VIA_NAS: u16 = 0x000a;
    /// IPv4 address allocation via DHCPv4.
    pub const ADDRESS_VIA_DHCPV4: u16 = 0x000b;
    /// P-CSCF IPv4 Address (Request).
    pub const P_CSCF_IPV4: u16 = 0x000c;
    /// DNS Server IPv4 Address (Request).
    pub const DNS_IPV4: u16 = 0x000d;
    /// MSISDN (Request).
    pub const MSISDN: u16 = 0x000e;
    /// IPv4 Link MTU (Request).
    pub const IPV4_LINK_MTU: u16 = 0x0010;

    /// No container yet; configuration protocol PPP for use with IP PDP type.
    #[must_use]
    pub fn new() -> Self {
        Pco {
            octets: Vec::from([0x80]),
        }
    }

    /// From the contents of the IE, beginning with the octet that holds the configuration protocol.
    ///
    /// # Errors
    /// Refuses contents without an octet.
    pub fn from_octets(octets: &[u8]) -> Result<Self, ValueError> {
        Pco::read(&mut Reader::new(octets))
    }

    /// The contents of the IE, beginning with the octet that holds the configuration protocol.
    #[must_use]
    pub fn as_octets(&self) -> &[u8] {
        &self.octets
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        if r.is_empty() {
            return Err(r.short("configuration protocol"));
        }
        Ok(Pco {
            octets: r.rest().to_vec(),
        })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.put(&self.octets);
    }

    /// The configuration protocol; 0 is PPP for use with IP PDP type.
    #[must_use]
    pub fn configuration_protocol(&self) -> u8 {
        self.octets.first().map_or(0, |octet| octet & 0x07)
    }

    /// The containers in their order.
    pub fn containers(&self) -> impl Iterator<Item = Container<'_>> {
        let mut r = Reader::new(self.octets.get(1..).unwrap_or_default());
        core::iter::from_fn(move || {
            let id = r.u16("container identifier").ok()?;
            let length = r.u8("container length").ok()?;
            let contents = r.take(usize::from(length), "container contents").ok()?;
            Some(Container { id, contents })
        })
    }

    /// The contents of the first container with this identifier.
    #[must_use]
    pub fn find(&self, id: u16) -> Option<&[u8]> {
        self.containers()
            .find(|container| container.id == id)
            .map(|container| container.contents)
    }

    /// Appends a container; contents are cut at 255 octets.
    pub fn push(&mut self, id: u16, contents: &[u8]) {
        let contents = contents.get(..255).unwrap_or(contents);
        self.octets.put_u16(id);
        self.octets.put_u8(contents.len() as u8);
        self.octets.put(contents);
    }

    /// The same with one more container.
    #[must_use]
    pub fn with(mut self, id: u16, contents: &[u8]) -> Self {
        self.push(id, contents);
        self
    }

    /// IPv4 DNS servers in containers of their own. See [`Pco::ipcp`] for those of IPCP.
    pub fn dns_ipv4(&self) -> impl Iterator<Item = Ipv4Addr> + '_ {
        self.containers()
            .filter(|container| container.id == Pco::DNS_IPV4)
            .filter_map(|container| <[u8; 4]>::try_from(container.contents).ok().map(Ipv4Addr::from))
    }

    /// IPv6 DNS servers.
    pub fn dns_ipv6(&self) -> impl Iterator<Item = Ipv6Addr> + '_ {
        self.containers()
            .filter(|container| container.id == Pco::DNS_IPV6)
            .filter_map(|container| <[u8; 16]>::try_from(container.contents).ok().map(Ipv6Addr::from))
    }

    /// The MTU in octets that the network tells for IPv4.
    #[must_use]
    pub fn ipv4_link_mtu(&self) -> Option<u16> {
        self.find(Pco::IPV4_LINK_MTU)?
            .try_into()
            .ok()
            .map(u16::from_be_bytes)
    }

    /// The first IPCP packet, if there is one that can be read.
    #[must_use]
    pub fn ipcp(&self) -> Option<Ipcp> {
        Ipcp::read(self.find(Pco::IPCP)?).ok()
    }

    /// Whether the UE asks for this: the container is there and has no contents.
    #[must_use]
    pub fn asks_for(&self, id: u16) -> bool {
        self.find(id).is_some_and(<[u8]>::is_empty)
    }

    /// The same, asking for `id` with an empty container.
    #[must_use]
    pub fn asking_for(self, id: u16) -> Self {
        self.with(id, &[])
    }

    /// The same with one more IPv4 DNS server.
    #[must_use]
    pub fn with_dns_ipv4(self, address: Ipv4Addr) -> Self {
        self.with(Pco::DNS_IPV4, &address.octets())
    }

    /// The same with one more IPv6 DNS server.
    #[must_use]
    pub fn with_dns_ipv6(self, address: Ipv6Addr) -> Self {
        self.with(Pco::DNS_IPV6, &address.octets())
    }

    /// The same with the MTU in octets for IPv4.
    #[must_use]
    pub fn with_ipv4_link_mtu(self, mtu: u16) -> Self {
        self.with(Pco::IPV4_LINK_MTU, &mtu.to_be_bytes())
    }

    /// The same with an IPCP packet.
    #[must_use]
    pub fn with_ipcp(self, ipcp: Ipcp) -> Self {
        self.with(Pco::IPCP, &ipcp.to_octets())
    }
}

impl Default for Pco {
    fn default() -> Self {
        Pco::new()
    }
}

impl fmt::Debug for Pco {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pco(protocol {}", self.configuration_protocol())?;
        for Container { id, contents } in self.containers() {
            let name = match id {
                Pco::IPCP => "IPCP",
                Pco::PAP => "PAP",
                Pco::CHAP => "CHAP",
                Pco::P_CSCF_IPV6 => "P-CSCF IPv6",
                Pco::DNS_IPV6 => "DNS IPv6",
                Pco::BEARER_CONTROL => "bearer control",
                Pco::ADDRESS_VIA_NAS => "address via NAS",
                Pco::ADDRESS_VIA_DHCPV4 => "address via DHCPv4",
                Pco::P_CSCF_IPV4 => "P-CSCF IPv4",
                Pco::DNS_IPV4 => "DNS IPv4",
                Pco::MSISDN => "MSISDN",
                Pco::IPV4_LINK_MTU => "IPv4 link MTU",
                _ => "container",
            };
            write!(f, ", {name} {id:#06x}")?;
            match (id, contents) {
                (_, []) => {}
                (Pco::DNS_IPV4, &[a, b, c, d]) => write!(f, ": {a}.{b}.{c}.{d}")?,
                (Pco::IPV4_LINK_MTU, &[a, b]) => write!(f, ": {}", u16::from_be_bytes([a, b]))?,
                _ => {
                    f.write_str(": ")?;
                    contents.iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
                }
            }
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_there_and_back() {
        let dns = Ipv4Addr::new(192, 0, 2, 53);
        let ipcp = Ipcp {
            code: Ipcp::CONFIGURE_NAK,
            identifier: 7,
            primary_dns: Some(dns),
            secondary_dns: None,
        };
        let pco = Pco::new()
            .with_ipcp(ipcp)
            .with_dns_ipv4(dns)
            .with_ipv4_link_mtu(1400)
            .asking_for(Pco::DNS_IPV6);
        assert_eq!(
            pco.as_octets(),
            [
                0x80, // ext, PPP for IP
                0x80, 0x21, 0x0a, // IPCP, 10 octets
                0x03, 0x07, 0x00, 0x0a, // Configure-Nak 7, 10 octets
                0x81, 0x06, 192, 0, 2, 53, // primary DNS
                0x00, 0x0d, 0x04, 192, 0, 2, 53, // DNS IPv4
                0x00, 0x10, 0x02, 0x05, 0x78, // IPv4 link MTU 1400
                0x00, 0x03, 0x00, // asks for DNS IPv6
            ]
        );
        let read = Pco::from_octets(pco.as_octets()).unwrap();
        assert_eq!(read, pco);
        assert_eq!(read.ipcp(), Some(ipcp));
        assert_eq!(read.dns_ipv4().next(), Some(dns));
        assert_eq!(read.ipv4_link_mtu(), Some(1400));
        assert!(read.asks_for(Pco::DNS_IPV6));
        assert!(!read.asks_for(Pco::DNS_IPV4));
    }

    #[test]
    fn a_container_that_is_cut_short_ends_the_list() {
        let pco = Pco::from_octets(&[0x80, 0x00, 0x0d, 0x00, 0x00, 0x10, 0x02, 0x05]).unwrap();
        assert_eq!(pco.containers().count(), 1);
        assert_eq!(pco.ipv4_link_mtu(), None);
        assert!(Pco::from_octets(&[]).is_err());
    }
}
