//! What packets of UEs do not reach: each is dropped at the P-GW and counted by its reason, while others pass.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddrV4, UdpSocket};

use epc_codec::Teid;
use epc_codec::gtpv1u;
use epc_codec::gtpv2c::Paa;
use epc_lab::{Forger, Node, ReferencePoint, wait_for, yaml};
use libtest_mimic::Failed;

use crate::Test;
use crate::lab::{Lab, Outcome, PATIENCE, WATCHFUL_GTP, expect, in_lab, silent};
use crate::wire::{Spy, at};

pub(crate) const TESTS: &[Test] = &[(
    "packets_of_ues_reach_nothing_that_is_not_for_them",
    packets_of_ues_reach_nothing_that_is_not_for_them,
)];

const KEYS: &str = "ue_pools: [10.0.3.0/24, 10.60.0.0/16, '2001:db8:45::/48']
ue_to_ue: false
deny_destinations: [169.254.0.0/16, 'fe80::/10', 'fd00:ec2::254/128', 203.0.113.0/24]
";
/// Addresses of the P-GW's host that its file does not have: from before its start, and from after it.
const BEFORE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 98);
const AFTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 99);
/// Where the server waits for packets.
const PORT: u16 = 9000;

fn packets_of_ues_reach_nothing_that_is_not_for_them() -> Result<(), Failed> {
    in_lab("filter", |lab| {
        let sgi = ReferencePoint::Sgi;
        lab.configure(Node::Pgw, &(yaml::pgw() + WATCHFUL_GTP + KEYS))?;
        lab.configure_enb(&[yaml::external(1), silent(2, "    pdn_type: IPv4v6\n")])?;
        let pgw = lab.namespace(Node::Pgw).clone();
        pgw.add_address(sgi.device(), format!("{BEFORE}/32").parse()?)?;
        let spy = Spy::start(
            lab,
            "filter",
            &[(Node::Sgw, ReferencePoint::S11), (Node::Sgw, ReferencePoint::S5c)],
        )?;
        let at_server = Spy::start(lab, "server", &[(Node::Server, sgi)])?;
        lab.start_all()?;
        lab.wait_for_sessions(2)?;
        lab.wait_for_ping()?;
        let session = spy.session(&yaml::imsi(2))?;
        let Paa::V4V6(ue, _, ue6) = session.paa else {
            return Err(format!("the UE has {:?}", session.paa).into());
        };
        let tunnel = Tunnel {
            lab,
            forger: Forger::new(lab.namespace(Node::Sgw))?,
            teid: session.pgw_s5u,
        };

        let server = sgi.address(Node::Server);
        let dns = |from: Ipv4Addr, to: Ipv4Addr| v4(from, to, 53);
        for port in [2123, 2152, 3386] {
            tunnel.drops("gtp_in_gtp", &v4(ue, server, port))?;
        }
        for own in [
            ReferencePoint::S5c.address(Node::Pgw),
            ReferencePoint::S5u.address(Node::Pgw),
            sgi.address(Node::Pgw),
            Ipv4Addr::LOCALHOST,
            sgi.network().broadcast(),
            Ipv4Addr::BROADCAST,
            BEFORE,
        ] {
            tunnel.drops("own_address", &dns(ue, own))?;
        }
        tunnel.passes_on(&dns(ue, AFTER))?;
        pgw.add_address(sgi.device(), format!("{AFTER}/32").parse()?)?;
        tunnel.begins_to_drop("own_address", &dns(ue, AFTER))?;
        for denied in ["169.254.169.254", "169.254.0.1", "203.0.113.255"] {
            tunnel.drops("denied_destination", &dns(ue, denied.parse()?))?;
        }
        for other in [
            ReferencePoint::Euu.address(Node::Ue),
            Ipv4Addr::new(10, 60, 255, 1),
        ] {
            tunnel.drops("ue_to_ue", &dns(ue, other))?;
        }
        tunnel.drops("spoofed", &dns(Ipv4Addr::from_bits(ue.to_bits() + 1), server))?;

        let udp = [0x30, 0x39, 0x08, 0x68, 0, 8, 0, 0];
        let options = |next: u8| [next, 0, 1, 4, 0, 0, 0, 0];
        let to = |to: &str, next: u8, rest: &[u8]| {
            Ok::<_, std::net::AddrParseError>(v6(ue6, to.parse()?, next, rest))
        };
        tunnel.drops("own_address", &to("::1", 17, &udp)?)?;
        tunnel.drops("denied_destination", &to("fe80::1", 6, &[0; 20])?)?;
        tunnel.drops("denied_destination", &to("fd00:ec2::254", 6, &[0; 20])?)?;
        tunnel.drops("ue_to_ue", &to("2001:db8:45:ffff::1", 6, &[0; 20])?)?;
        tunnel.drops("gtp_in_gtp", &to("2001:db8::2", 17, &udp)?)?;
        let behind_two = [&options(60)[..], &options(17), &udp].concat();
        tunnel.drops("gtp_in_gtp", &to("2001:db8::2", 0, &behind_two)?)?;
        tunnel.drops("bad_packet", &to("2001:db8::2", 60, &options(60).repeat(20))?)?;
        let neighbour = Ipv6Addr::from_bits(ue6.to_bits() + (1 << 64));
        tunnel.drops("spoofed", &v6(neighbour, "2001:db8::2".parse()?, 6, &[0; 20]))?;

        // Lengths that contradict each other.
        let good = dns(ue, server);
        for (place, value) in [(0, 0x44), (0, 0x4f), (2, 0x7f), (3, 19), (0, 0x75), (0, 0x05)] {
            let mut bad = good.clone();
            bad[place] = value;
            tunnel.drops("bad_packet", &bad)?;
        }
        tunnel.drops("bad_packet", &good[..19])?;
        tunnel.drops("bad_packet", &[])?;

        // The tunnel is its S-GW's only, and there is no other one.
        let stranger = SocketAddrV4::new(ReferencePoint::S5u.address(Node::Enb), 2152);
        tunnel.drops_from(stranger, "wrong_peer", tunnel.teid, &good)?;
        let sgw = at(ReferencePoint::S5u, Node::Sgw);
        tunnel.drops_from(sgw, "unknown_teid", Teid(!tunnel.teid.0), &good)?;

        // What is for the UE's servers passes all the same, and nothing else did.
        let socket = lab
            .namespace(Node::Server)
            .run(|| UdpSocket::bind((server, PORT)))?;
        socket.set_read_timeout(Some(PATIENCE))?;
        tunnel.sends(&v4(ue, server, PORT))?;
        let mut buffer = [0; 64];
        let (length, from) = socket.recv_from(&mut buffer)?;
        expect(
            from.ip() == IpAddr::V4(ue) && &buffer[..length] == PAYLOAD,
            || format!("{:?} came from {from}", &buffer[..length]),
        )?;
        lab.wait_for_ping()?;
        let of_ue = |from: IpAddr| {
            from == IpAddr::V4(ue)
                || matches!(from, IpAddr::V6(v6) if v6.segments()[..4] == ue6.segments()[..4])
        };
        let seen: Vec<_> = at_server
            .said()
            .into_iter()
            .filter(|said| of_ue(said.from.ip()))
            .collect();
        expect(seen.iter().all(|said| said.to.port() == PORT), || {
            format!("the server saw {seen:?}")
        })
    })
}

const PAYLOAD: &[u8] = b"through the tunnel";

/// The way from the S-GW into the P-GW, of one UE.
struct Tunnel<'a> {
    lab: &'a Lab,
    forger: Forger,
    teid: Teid,
}

impl Tunnel<'_> {
    fn sends(&self, inner: &[u8]) -> Outcome {
        self.sends_from(at(ReferencePoint::S5u, Node::Sgw), self.teid, inner)
    }

    fn sends_from(&self, from: SocketAddrV4, teid: Teid, inner: &[u8]) -> Outcome {
        let datagram = [&gtpv1u::gpdu_header(teid, inner.len())[..], inner].concat();
        Ok(self
            .forger
            .send(from, at(ReferencePoint::S5u, Node::Pgw), &datagram)?)
    }

    fn drops(&self, reason: &str, inner: &[u8]) -> Outcome {
        self.drops_from(at(ReferencePoint::S5u, Node::Sgw), reason, self.teid, inner)
    }

    /// It goes no further, and is counted under this reason and no other.
    fn drops_from(&self, from: SocketAddrV4, reason: &str, teid: Teid, inner: &[u8]) -> Outcome {
        let (of_reason, of_all) = (self.dropped(reason)?, self.dropped("")?);
        self.sends_from(from, teid, inner)?;
        let what = format!("one more {reason} for {inner:02x?}");
        wait_for(&what, PATIENCE, || {
            let now = self.dropped(reason).map_err(|error| error.to_string())?;
            match now - of_reason {
                1.0 => Ok(()),
                more => Err(format!(
                    "{more} more, {} of all",
                    self.dropped("").unwrap_or(0.0) - of_all
                )),
            }
        })?;
        let all = self.dropped("")? - of_all;
        expect(all == 1.0, || format!("{all} were dropped, {what}"))
    }

    /// It is handed to the host.
    fn passes_on(&self, inner: &[u8]) -> Outcome {
        let (sent, dropped) = (self.to_tun()?, self.dropped("")?);
        self.sends(inner)?;
        wait_for("a packet at the TUN device", PATIENCE, || {
            match self.to_tun().map_err(|error| error.to_string())? {
                now if now > sent => Ok(()),
                now => Err(format!("{now}")),
            }
        })?;
        expect(self.dropped("")? == dropped, || "it was dropped".to_owned())
    }

    /// What passes now is dropped soon.
    fn begins_to_drop(&self, reason: &str, inner: &[u8]) -> Outcome {
        let before = self.dropped(reason)?;
        Ok(wait_for(&format!("{reason} for {inner:02x?}"), PATIENCE, || {
            let error = |error: Box<dyn std::error::Error>| error.to_string();
            self.sends(inner).map_err(error)?;
            match self.dropped(reason).map_err(error)? {
                now if now > before => Ok(()),
                now => Err(format!("{now}")),
            }
        })?)
    }

    fn dropped(&self, reason: &str) -> Outcome<f64> {
        let label = format!("interface=\"S5-U\",direction=\"received\",reason=\"{reason}");
        self.counter("packets_dropped_total", &label)
    }

    fn to_tun(&self) -> Outcome<f64> {
        self.counter("packets_total", "interface=\"TUN\",direction=\"sent\"")
    }

    fn counter(&self, name: &str, label: &str) -> Outcome<f64> {
        let name = format!("pgw_user_plane_{name}");
        let value = self.lab.metrics(Node::Pgw)?.value_where(&name, label);
        Ok(value.unwrap_or(0.0))
    }
}

/// A UDP datagram over IPv4.
fn v4(from: Ipv4Addr, to: Ipv4Addr, port: u16) -> Vec<u8> {
    let length = (28 + PAYLOAD.len()) as u16;
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    packet.extend(from.octets());
    packet.extend(to.octets());
    let sum: u32 = packet
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
        .sum();
    let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend(40_000_u16.to_be_bytes());
    packet.extend(port.to_be_bytes());
    packet.extend((length - 20).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(PAYLOAD);
    packet
}

/// What follows the header of an IPv6 packet, in one.
fn v6(from: Ipv6Addr, to: Ipv6Addr, next: u8, rest: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, rest.len() as u8, next, 64];
    packet.extend(from.octets());
    packet.extend(to.octets());
    packet.extend(rest);
    packet
}
