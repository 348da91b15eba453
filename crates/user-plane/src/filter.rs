//! What the packets of UEs do not reach, wherever a tunnel ends on the network's side.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ipnet::IpNet;
use rustc_hash::FxHashSet;

use crate::Drop;

/// GTP-C, GTP-U and GTP', TS 29.274 §4.2 and TS 29.281 §4.4.2: of no use to a UE, and trouble in the wrong hands.
const GTP_PORTS: [u16; 3] = [2123, 2152, 3386];
/// A chain of more IPv6 extension headers is not followed.
const EXTENSIONS: usize = 8;

/// The addresses of the host, which come and go while packets pass: threads look whether they have changed, and take a copy.
#[derive(Debug, Clone, Default)]
pub struct OwnAddresses(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    changes: AtomicU64,
    addresses: Mutex<FxHashSet<IpAddr>>,
}

impl OwnAddresses {
    /// These are the addresses from now on; in force with the next datagram that a thread takes.
    pub fn set(&self, addresses: impl IntoIterator<Item = IpAddr>) {
        let addresses = addresses.into_iter().collect();
        let mut present = self.0.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if *present != addresses {
            *present = addresses;
            self.0.changes.fetch_add(1, Ordering::Release);
        }
    }
}

/// Which packets of UEs go no further. The default lets everything pass.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    gtp: bool,
    own: OwnAddresses,
    /// How often they had changed when the copies were made.
    seen: u64,
    own_v4: FxHashSet<u32>,
    own_v6: FxHashSet<u128>,
    host_ports: Vec<u16>,
    v4: Vec<(Range<u32>, Drop)>,
    v6: Vec<(Range<u128>, Drop)>,
}

/// The addresses of a subnet, both ends included.
#[derive(Debug, Clone, Copy)]
struct Range<T> {
    first: T,
    last: T,
}

impl Filter {
    /// UEs do not speak GTP through their tunnels.
    #[must_use]
    pub fn without_gtp(mut self) -> Filter {
        self.gtp = true;
        self
    }

    /// The host's own addresses, none at first. UEs do not reach them, as long as they are in there; this is the first
    /// reason that is looked for. Clones of the filter share them.
    pub fn own(&self) -> &OwnAddresses {
        &self.own
    }

    /// TCP ports at which UEs reach the host's own addresses all the same.
    #[must_use]
    pub fn with_host_ports(mut self, ports: impl IntoIterator<Item = u16>) -> Filter {
        self.host_ports.extend(ports);
        self
    }

    /// Takes note of what has changed. Before each datagram.
    #[inline]
    pub(crate) fn refresh(&mut self) {
        let changes = self.own.0.changes.load(Ordering::Acquire);
        if changes != self.seen {
            self.take_own(changes);
        }
    }

    #[cold]
    fn take_own(&mut self, changes: u64) {
        // What comes in between changes the count again.
        self.seen = changes;
        self.own_v4.clear();
        self.own_v6.clear();
        let addresses = self
            .own
            .0
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for address in addresses.iter() {
            match address {
                IpAddr::V4(v4) => drop(self.own_v4.insert(v4.to_bits())),
                IpAddr::V6(v6) => drop(self.own_v6.insert(v6.to_bits())),
            }
        }
    }

    /// UEs do not reach these subnets, for this reason. The first reason that fits is the one that is counted.
    #[must_use]
    pub fn without(mut self, networks: impl IntoIterator<Item = IpNet>, why: Drop) -> Filter {
        for network in networks {
            match (network.network(), network.broadcast()) {
                (IpAddr::V4(first), IpAddr::V4(last)) => {
                    let (first, last) = (first.to_bits(), last.to_bits());
                    self.v4.push((Range { first, last }, why));
                }
                (IpAddr::V6(first), IpAddr::V6(last)) => {
                    let (first, last) = (first.to_bits(), last.to_bits());
                    self.v6.push((Range { first, last }, why));
                }
                _ => {}
            }
        }
        self
    }

    /// Whether an IP packet whose lengths were checked may pass.
    #[inline]
    pub(crate) fn check(&self, packet: &[u8]) -> Result<(), Drop> {
        match packet.first().map(|octet| octet >> 4) {
            Some(4) => self.check_v4(packet),
            Some(6) => self.check_v6(packet),
            _ => Ok(()),
        }
    }

    #[inline]
    fn check_v4(&self, packet: &[u8]) -> Result<(), Drop> {
        let Some(header) = packet.first_chunk::<20>() else {
            return Ok(());
        };
        let [.., d1, d2, d3, d4] = *header;
        let to = Ipv4Addr::new(d1, d2, d3, d4).to_bits();
        let first_fragment = u16::from_be_bytes([header[6], header[7]]) & 0x1fff == 0;
        let header_length = usize::from(header[0] & 0x0f) * 4;
        if self.own_v4.contains(&to) {
            let is_tcp = header[9] == TCP && first_fragment;
            self.check_host(is_tcp.then(|| packet.get(header_length..)).flatten())?;
        }
        denied(&self.v4, to)?;
        if self.gtp && header[9] == UDP && first_fragment {
            return no_gtp(packet.get(header_length..));
        }
        Ok(())
    }

    #[inline]
    fn check_v6(&self, packet: &[u8]) -> Result<(), Drop> {
        let Some((header, rest)) = packet.split_first_chunk::<40>() else {
            return Ok(());
        };
        let to = header[24..]
            .iter()
            .fold(0, |to, octet| to << 8 | u128::from(*octet));
        if self.own_v6.contains(&to) {
            self.check_host((header[6] == TCP).then_some(rest))?;
        }
        denied(&self.v6, to)?;
        if !self.gtp {
            return Ok(());
        }
        match header[6] {
            UDP => no_gtp(Some(rest)),
            next if is_extension(next) => no_gtp(udp_behind(next, rest)?),
            _ => Ok(()),
        }
    }

    /// Whether the host may be reached with this TCP header.
    #[cold]
    fn check_host(&self, tcp: Option<&[u8]>) -> Result<(), Drop> {
        match tcp {
            Some([_, _, high, low, ..]) if self.host_ports.contains(&u16::from_be_bytes([*high, *low])) => {
                Ok(())
            }
            _ => Err(Drop::OwnAddress),
        }
    }
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const FRAGMENT: u8 = 44;

#[inline]
fn denied<T: Copy + PartialOrd>(ranges: &[(Range<T>, Drop)], to: T) -> Result<(), Drop> {
    let hit = ranges
        .iter()
        .find(|(range, _)| range.first <= to && to <= range.last);
    hit.map_or(Ok(()), |(_, why)| Err(*why))
}

/// Whether a UDP header names a port of GTP's.
#[inline]
fn no_gtp(udp: Option<&[u8]>) -> Result<(), Drop> {
    let Some([_, _, high, low, ..]) = udp else {
        return Ok(());
    };
    if GTP_PORTS.contains(&u16::from_be_bytes([*high, *low])) {
        return Err(Drop::GtpInGtp);
    }
    Ok(())
}

/// Hop-by-hop, routing, fragment, authentication and destination options.
const fn is_extension(next: u8) -> bool {
    matches!(next, 0 | 43 | FRAGMENT | 51 | 60)
}

/// The UDP header behind extension headers, if there is one.
#[cold]
fn udp_behind(mut next: u8, mut rest: &[u8]) -> Result<Option<&[u8]>, Drop> {
    for _ in 0..EXTENSIONS {
        if next == UDP {
            return Ok(Some(rest));
        }
        if !is_extension(next) {
            return Ok(None);
        }
        let Some([following, length, fragment @ ..]) = rest.first_chunk::<4>() else {
            return Err(Drop::BadPacket);
        };
        let length = match next {
            FRAGMENT if u16::from_be_bytes(*fragment) & 0xfff8 != 0 => return Ok(None),
            FRAGMENT => 8,
            51 => (usize::from(*length) + 2) * 4,
            _ => (usize::from(*length) + 1) * 8,
        };
        next = *following;
        rest = rest.get(length..).ok_or(Drop::BadPacket)?;
    }
    // Nobody has a use for so many, and what is behind them is not known.
    Err(Drop::BadPacket)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    fn filter() -> Filter {
        let networks =
            |list: &[&str]| -> Vec<IpNet> { list.iter().map(|network| network.parse().unwrap()).collect() };
        Filter::default()
            .without_gtp()
            .without(networks(&["192.0.2.1/32", "2001:db8::1/128"]), Drop::OwnAddress)
            .without(
                networks(&["169.254.0.0/16", "fe80::/10"]),
                Drop::DeniedDestination,
            )
            .without(networks(&["10.60.0.0/16"]), Drop::UeToUe)
    }

    fn v4(to: [u8; 4], protocol: u8, fragment: u16, port: u16) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 28, 0, 0];
        packet.extend(fragment.to_be_bytes());
        packet.extend([64, protocol, 0, 0, 10, 60, 0, 1]);
        packet.extend(to);
        packet.extend([0x30, 0x39]);
        packet.extend(port.to_be_bytes());
        packet.extend([0, 8, 0, 0]);
        packet
    }

    fn v6(to: &str, next: u8, rest: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, rest.len() as u8, next, 64];
        packet.extend([0x20; 16]);
        packet.extend(to.parse::<Ipv6Addr>().unwrap().octets());
        packet.extend(rest);
        packet
    }

    #[test]
    fn first_reason_that_fits_is_told() {
        let check = |to| filter().check(&v4(to, 6, 0, 80));
        assert_eq!(check([203, 0, 113, 1]), Ok(()));
        assert_eq!(check([192, 0, 2, 1]), Err(Drop::OwnAddress));
        assert_eq!(check([169, 254, 169, 254]), Err(Drop::DeniedDestination));
        assert_eq!(check([169, 255, 0, 0]), Ok(()));
        assert_eq!(check([10, 60, 255, 255]), Err(Drop::UeToUe));
        let check = |to| filter().check(&v6(to, 6, &[0; 20]));
        assert_eq!(check("2001:db8::2"), Ok(()));
        assert_eq!(check("2001:db8::1"), Err(Drop::OwnAddress));
        assert_eq!(check("febf::1"), Err(Drop::DeniedDestination));
        assert_eq!(Filter::default().check(&v4([192, 0, 2, 1], 17, 0, 2152)), Ok(()));
    }

    #[test]
    fn addresses_of_the_host_are_followed() {
        let mut filter = Filter::default();
        let own = filter.own().clone();
        let v4 = v4([203, 0, 113, 1], 6, 0, 80);
        let v6 = v6("2001:db8::2", 6, &[0; 20]);
        own.set(["203.0.113.1".parse().unwrap()]);
        filter.refresh();
        assert_eq!(
            (filter.check(&v4), filter.check(&v6)),
            (Err(Drop::OwnAddress), Ok(()))
        );
        own.set(["2001:db8::2".parse().unwrap(), "192.0.2.1".parse().unwrap()]);
        filter.refresh();
        assert_eq!(
            (filter.check(&v4), filter.check(&v6)),
            (Ok(()), Err(Drop::OwnAddress))
        );
        // A copy knows of later changes, too.
        let mut copy = filter.clone();
        own.set([]);
        copy.refresh();
        assert_eq!(copy.check(&v6), Ok(()));
    }

    #[test]
    fn host_is_reached_at_its_open_tcp_ports_only() {
        let mut filter = filter().with_host_ports([80]);
        filter.own().set([
            "203.0.113.1".parse().unwrap(),
            "2001:db8::2".parse().unwrap(),
            "169.254.0.1".parse().unwrap(),
        ]);
        filter.refresh();
        let own = [203, 0, 113, 1];
        assert_eq!(filter.check(&v4(own, TCP, 0, 80)), Ok(()));
        assert_eq!(filter.check(&v4(own, TCP, 0, 81)), Err(Drop::OwnAddress));
        assert_eq!(filter.check(&v4(own, UDP, 0, 80)), Err(Drop::OwnAddress));
        assert_eq!(
            filter.check(&v4(own, TCP, 1, 80)),
            Err(Drop::OwnAddress),
            "no header"
        );
        assert_eq!(
            filter.check(&v4(own, TCP, 0, 80)[..22]),
            Err(Drop::OwnAddress),
            "no port"
        );
        let denied = v4([169, 254, 0, 1], TCP, 0, 80);
        assert_eq!(filter.check(&denied), Err(Drop::DeniedDestination));
        let mut header = [0; 20];
        header[3] = 80;
        assert_eq!(filter.check(&v6("2001:db8::2", TCP, &header)), Ok(()));
        header[3] = 81;
        assert_eq!(
            filter.check(&v6("2001:db8::2", TCP, &header)),
            Err(Drop::OwnAddress)
        );
    }

    #[test]
    fn gtp_is_found_by_its_ports_in_the_first_fragment_only() {
        let to = [203, 0, 113, 1];
        for port in GTP_PORTS {
            assert_eq!(filter().check(&v4(to, UDP, 0, port)), Err(Drop::GtpInGtp));
            assert_eq!(
                filter().check(&v4(to, UDP, 0x2000, port)),
                Err(Drop::GtpInGtp),
                "more follow"
            );
            assert_eq!(filter().check(&v4(to, UDP, 1, port)), Ok(()));
            assert_eq!(filter().check(&v4(to, 6, 0, port)), Ok(()), "TCP");
        }
        assert_eq!(filter().check(&v4(to, UDP, 0, 2153)), Ok(()));
        assert_eq!(filter().check(&v4(to, UDP, 0, 2152)[..20]), Ok(()), "no port");
    }

    #[test]
    fn gtp_is_found_behind_ipv6_extension_headers() {
        let udp = [0x30, 0x39, 0x08, 0x68, 0, 8, 0, 0];
        let to = "2001:db8::2";
        assert_eq!(filter().check(&v6(to, UDP, &udp)), Err(Drop::GtpInGtp));
        let options = |next: u8| [next, 0, 1, 4, 0, 0, 0, 0];
        let behind_two = [&options(60)[..], &options(UDP), &udp].concat();
        assert_eq!(filter().check(&v6(to, 0, &behind_two)), Err(Drop::GtpInGtp));
        let later_fragment = [&[UDP, 0, 0, 8, 0, 0, 0, 1][..], &udp].concat();
        assert_eq!(filter().check(&v6(to, FRAGMENT, &later_fragment)), Ok(()));
        let endless = options(60).repeat(20);
        assert_eq!(filter().check(&v6(to, 60, &endless)), Err(Drop::BadPacket));
        assert_eq!(
            filter().check(&v6(to, 60, &[UDP, 9, 0, 0])),
            Err(Drop::BadPacket),
            "cut short"
        );
    }
}
