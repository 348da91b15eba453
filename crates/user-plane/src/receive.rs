use std::net::IpAddr;
use std::sync::Arc;

use epc_codec::gtpv1u::{Gpdu, message_type};
use epc_node::{Interface, Rule, TeidKey, Then};

use crate::Filter;
use crate::counters::{Counters, Direction, Drop, Port};
use crate::held::Held;
use crate::outbox::Outbox;
use crate::table::{Fate, Receivers, Ue, canonical};
use crate::{Side, ip, mss};

/// A packet for the TUN device, where it lies in a receive buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delivery {
    /// In which buffer.
    pub buffer: usize,
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
}

/// A datagram for the control part, where it lies in a receive buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slow {
    /// In which buffer.
    pub buffer: usize,
    /// Where it begins.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Why it was dropped, `None` for a message that is no G-PDU and loses nothing.
    pub why: Option<Drop>,
}

/// Version and protocol type in the first octet of GTPv1-U, TS 29.281 §5.1.
const VERSION_1_GTP: u8 = 0x30;

/// From the tunnels: to the next tunnel, to the TUN device, or to the control part.
#[derive(Debug)]
pub struct Receive {
    /// The interfaces whose datagrams arrive here; two where they share an address.
    serves: Vec<Interface>,
    side: Option<Side>,
    receivers: Receivers,
    filter: Filter,
    held: Held,
    /// The longest packet that the tunnels take.
    mtu: Option<u16>,
    counters: Arc<Counters>,
    /// What to relay.
    pub relayed: Outbox,
    /// What to write into the TUN device.
    pub deliveries: Vec<Delivery>,
    /// What the control part should see.
    pub slow: Vec<Slow>,
}

impl Receive {
    /// For one socket. `serves` names its interfaces, at least one; `side` that of the TUN device, if there is one.
    pub fn new(
        key: TeidKey,
        serves: Vec<Interface>,
        side: Option<Side>,
        relayed: Outbox,
        counters: Arc<Counters>,
    ) -> Receive {
        Receive {
            serves,
            side,
            receivers: Receivers::new(key),
            filter: Filter::default(),
            held: Held::default(),
            mtu: None,
            counters,
            relayed,
            deliveries: Vec::with_capacity(1024),
            slow: Vec::with_capacity(64),
        }
    }

    /// Tells the hosts behind the TUN device to send no longer TCP segments than fit into packets of `mtu` octets.
    pub fn with_mtu(self, mtu: Option<u16>) -> Receive {
        Receive { mtu, ..self }
    }

    /// Lets packets of UEs pass only as far as this filter does, where the TUN device lies on the network's side.
    #[must_use]
    pub fn with_filter(mut self, filter: Filter) -> Receive {
        self.filter = filter;
        self
    }

    /// Changes the table. Between two batches only; what [`Receive::take_released`] then gives goes before the next one.
    pub fn apply(&mut self, rule: &Rule) {
        if !self.held.is_empty() {
            self.apply_to_held(rule);
        }
        if let Rule::Receive { on, teid, .. } = rule
            && !self.serves.contains(on)
        {
            // It may have been ours before.
            return self.receivers.apply(&Rule::StopReceiving { teid: *teid });
        }
        self.receivers.apply(rule);
    }

    #[cold]
    fn apply_to_held(&mut self, rule: &Rule) {
        match rule {
            Rule::Receive {
                teid,
                then: Then::Relay { .. },
                ..
            } => self.held.release(*teid),
            Rule::Receive {
                teid,
                then: Then::Deliver { .. },
                ..
            }
            | Rule::StopReceiving { teid } => {
                let lost = self.held.forget(*teid);
                self.counters
                    .dropped(self.first(), Direction::Received, Drop::Held, lost as u64);
            }
            Rule::Receive { then: Then::Hold, .. } | Rule::Send { .. } | Rule::StopSending { .. } => {}
        }
    }

    /// Datagrams that waited for a rule which is there now, with their senders, in the order in which they came. The
    /// caller gives them to [`Receive::datagrams`].
    pub fn take_released(&mut self) -> Vec<(IpAddr, Vec<u8>)> {
        self.held.take_released()
    }

    /// Takes what one receive call put into buffer number `buffer`: datagrams of `segment` octets each, the last one
    /// possibly shorter.
    pub fn datagrams(&mut self, buffer: usize, from: IpAddr, octets: &mut [u8], segment: usize) {
        self.filter.refresh();
        let from = canonical(from);
        let segment = segment.max(1);
        let mut start = 0;
        while start < octets.len() {
            let end = octets.len().min(start + segment);
            self.datagram(buffer, from, octets, start, end);
            start = end;
        }
    }

    /// For the control part: another message of GTPv1-U, or something else, which is lost.
    #[cold]
    fn no_gpdu(&mut self, buffer: usize, octets: &[u8], start: usize, end: usize) {
        match octets[start..end] {
            [flags, kind, _, _, _, _, _, _, ..]
                if flags & 0xf0 == VERSION_1_GTP && kind != message_type::G_PDU =>
            {
                self.seen(buffer, start, end, None);
            }
            _ => self.lost_but_seen(self.first(), buffer, start, end, Drop::Malformed),
        }
    }

    #[inline]
    fn datagram(&mut self, buffer: usize, from: IpAddr, octets: &mut [u8], start: usize, end: usize) {
        let Ok(mut gpdu) = Gpdu::parse(&mut octets[start..end]) else {
            return self.no_gpdu(buffer, octets, start, end);
        };
        let user_packet = gpdu.payload_range();
        let user_octets = user_packet.len() as u64;
        match self.receivers.fate(gpdu.teid(), from) {
            Fate::Relay {
                arrive_on,
                on,
                to,
                teid,
            } => {
                self.counters
                    .packets(arrive_on, Direction::Received, 1, user_octets);
                gpdu.set_teid(teid);
                if let Some(address) = self.receivers.peer(to) {
                    self.relayed.push(on, (to, address), teid.0, buffer, start..end);
                }
            }
            Fate::Deliver { on, ue } => {
                self.counters.packets(on, Direction::Received, 1, user_octets);
                // As the end of the tunnel we understand none of them.
                if gpdu.required_extension().is_some() {
                    return self.lost_but_seen(on, buffer, start, end, Drop::ExtensionHeader);
                }
                let inner = start + user_packet.start..start + user_packet.end;
                match self.inner_length(ue, &octets[inner.clone()]) {
                    Ok(length) => {
                        let end = inner.start + length;
                        if let Some(mtu) = self.mtu {
                            mss::clamp(&mut octets[inner.start..end], mtu);
                        }
                        self.deliveries.push(Delivery {
                            buffer,
                            start: inner.start,
                            end,
                        });
                    }
                    Err(why) => self.dropped(on, why),
                }
            }
            Fate::UnknownTeid => {
                self.lost_but_seen(self.first(), buffer, start, end, Drop::UnknownTeid);
            }
            Fate::WrongPeer { on } => self.dropped(on, Drop::WrongPeer),
            Fate::Hold { on } => {
                if !self.held.keep(gpdu.teid(), from, gpdu.as_octets()) {
                    self.dropped(on, Drop::Held);
                }
            }
        }
    }

    /// The length of a packet that is this UE's.
    #[inline]
    fn inner_length(&self, ue: Ue, inner: &[u8]) -> Result<usize, Drop> {
        let packet = ip::parse(inner).ok_or(Drop::BadPacket)?;
        let is_the_ues = match self.side {
            Some(Side::Network) => ue.is_source(packet.addresses),
            Some(Side::Ue) => ue.is_destination(packet.addresses),
            None => false,
        };
        if !is_the_ues {
            return Err(Drop::Spoofed);
        }
        if self.side == Some(Side::Network) {
            self.filter.check(&inner[..packet.length])?;
        }
        Ok(packet.length)
    }

    /// Everything was sent, written and handed over.
    pub fn clear(&mut self) {
        self.relayed.clear();
        self.deliveries.clear();
        self.slow.clear();
    }

    /// The first of the interfaces that share this socket: the one to which an unknown datagram is ascribed.
    pub fn first(&self) -> Interface {
        self.serves.first().copied().unwrap_or(Interface::S1u)
    }

    fn dropped(&self, on: impl Into<Port>, why: Drop) {
        self.counters.dropped(on, Direction::Received, why, 1);
    }

    #[cold]
    fn lost_but_seen(&mut self, on: Interface, buffer: usize, start: usize, end: usize, why: Drop) {
        self.dropped(on, why);
        self.seen(buffer, start, end, Some(why));
    }

    #[cold]
    fn seen(&mut self, buffer: usize, start: usize, end: usize, why: Option<Drop>) {
        self.slow.push(Slow {
            buffer,
            start,
            end,
            why,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Snapshot;
    use epc_codec::Teid;
    use epc_node::UeAddress;
    use std::net::{Ipv4Addr, SocketAddr};

    const KEY: TeidKey = TeidKey::new([1, 2, 3, 4]);
    const ENB: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const SGW: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
    const UE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    fn pgw() -> SocketAddr {
        "198.51.100.2:2152".parse().unwrap()
    }

    struct Node {
        receive: Receive,
        counters: Arc<Counters>,
    }

    fn node(serves: &[Interface], side: Option<Side>) -> Node {
        let counters = Arc::new(Counters::default());
        let outbox = Outbox::new(64, 64, 1);
        Node {
            receive: Receive::new(KEY, serves.to_vec(), side, outbox, Arc::clone(&counters)),
            counters,
        }
    }

    fn sgw() -> Node {
        let mut node = node(&[Interface::S1u], None);
        node.receive.apply(&Rule::Receive {
            teid: Teid(0xa),
            on: Interface::S1u,
            from: Some(ENB),
            then: Then::Relay {
                on: Interface::S5u,
                to: pgw(),
                teid: Teid(0x0102_0304),
            },
        });
        node
    }

    fn pgw_node() -> Node {
        let mut node = node(&[Interface::S5u], Some(Side::Network));
        node.receive.apply(&Rule::Receive {
            teid: Teid(0xb),
            on: Interface::S5u,
            from: Some(SGW),
            then: Then::Deliver {
                ue: UeAddress {
                    ipv4: Some(UE),
                    ipv6: Some("2001:db8::1".parse().unwrap()),
                },
            },
        });
        node
    }

    impl Node {
        fn dropped(&self, why: Drop) -> u64 {
            let mut snapshot = Snapshot::default();
            snapshot.add(&self.counters);
            snapshot.dropped_anywhere(why)
        }
    }

    fn gpdu(teid: u8, inner: &[u8]) -> Vec<u8> {
        let mut datagram = vec![0x30, 0xff];
        datagram.extend((inner.len() as u16).to_be_bytes());
        datagram.extend([0, 0, 0, teid]);
        datagram.extend(inner);
        datagram
    }

    fn inner_v4(source: Ipv4Addr) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 22, 0, 0, 0, 0, 64, 17, 0, 0];
        packet.extend(source.octets());
        packet.extend([203, 0, 113, 1, 0xaa, 0xbb]);
        packet
    }

    fn inner_v6(source: &str) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0, 0, 1, 59, 64];
        packet.extend(source.parse::<std::net::Ipv6Addr>().unwrap().octets());
        packet.extend([0x26; 16]);
        packet.push(0xcc);
        packet
    }

    #[test]
    fn relay_changes_the_teid_and_nothing_else() {
        let mut sgw = sgw();
        let mut datagram = gpdu(0xa, b"whatever it is");
        let before = datagram.clone();
        let length = datagram.len();
        sgw.receive.datagrams(3, ENB, &mut datagram, length);
        let [message] = sgw.receive.relayed.messages() else {
            panic!("one message");
        };
        assert_eq!((message.on, message.to), (Interface::S5u, pgw()));
        assert_eq!((message.buffer, message.start, message.end), (3, 0, length));
        assert_eq!(datagram[4..8], [1, 2, 3, 4]);
        assert_eq!(datagram[..4], before[..4]);
        assert_eq!(datagram[8..], before[8..]);
    }

    #[test]
    fn relay_keeps_extension_headers() {
        let mut sgw = sgw();
        let mut datagram = vec![
            0x34, 0xff, 0x00, 0x0a, 0, 0, 0, 0x0a, // E set
            0, 0, 0, 0x85, 0x01, 0x00, 0x09, 0x00, 0xde, 0xad,
        ];
        let after: Vec<u8> = [&datagram[..4], &[1, 2, 3, 4], &datagram[8..]].concat();
        sgw.receive.datagrams(0, ENB, &mut datagram, 18);
        assert_eq!(sgw.receive.relayed.messages().len(), 1);
        assert_eq!(datagram, after);
    }

    #[test]
    fn datagrams_gathered_by_the_kernel_are_relayed_as_one_message() {
        let mut sgw = sgw();
        let mut gathered = [gpdu(0xa, &[1; 100]), gpdu(0xa, &[2; 100]), gpdu(0xa, &[3; 40])].concat();
        sgw.receive.datagrams(0, ENB, &mut gathered, 108);
        let [message] = sgw.receive.relayed.messages() else {
            panic!("one message");
        };
        assert_eq!((message.segment, message.segments()), (108, 3));
        for start in [0, 108, 216] {
            assert_eq!(gathered[start + 4..start + 8], [1, 2, 3, 4]);
        }
    }

    #[test]
    fn stranger_unknown_teid_and_held_tunnel_forward_nothing() {
        let mut sgw = sgw();
        let mut datagram = gpdu(0xa, b"x");
        sgw.receive.datagrams(0, SGW, &mut datagram, 9);
        assert_eq!(sgw.dropped(Drop::WrongPeer), 1);

        sgw.receive.datagrams(0, ENB, &mut gpdu(0xc, b"x"), 9);
        assert_eq!(sgw.dropped(Drop::UnknownTeid), 1);
        assert_eq!(
            sgw.receive.slow,
            [Slow {
                buffer: 0,
                start: 0,
                end: 9,
                why: Some(Drop::UnknownTeid)
            }]
        );

        sgw.receive.apply(&Rule::Receive {
            teid: Teid(0xd),
            on: Interface::S1u,
            from: None,
            then: Then::Hold,
        });
        for octet in 0..40 {
            sgw.receive.datagrams(0, SGW, &mut gpdu(0xd, &[octet]), 9);
        }
        assert!(sgw.receive.relayed.is_empty());
        assert_eq!(sgw.dropped(Drop::Held), 8, "beyond 32");

        // In order, once the next peer is known, and once only.
        let relay = Then::Relay {
            on: Interface::S5u,
            to: pgw(),
            teid: Teid(0xbb),
        };
        sgw.receive.apply(&Rule::Receive {
            teid: Teid(0xd),
            on: Interface::S1u,
            from: None,
            then: relay,
        });
        let released = sgw.receive.take_released();
        assert!(
            released
                .iter()
                .map(|(from, datagram)| (*from, datagram[8]))
                .eq((0..32).map(|octet| (SGW, octet)))
        );
        assert!(sgw.receive.take_released().is_empty());
    }

    #[test]
    fn what_is_held_for_a_tunnel_goes_with_it() {
        let mut sgw = sgw();
        let held = Rule::Receive {
            teid: Teid(0xd),
            on: Interface::S1u,
            from: None,
            then: Then::Hold,
        };
        sgw.receive.apply(&held);
        sgw.receive.datagrams(0, SGW, &mut gpdu(0xd, b"x"), 9);
        sgw.receive.apply(&Rule::StopReceiving { teid: Teid(0xd) });
        assert_eq!(sgw.dropped(Drop::Held), 1);
        assert!(sgw.receive.held.is_empty() && sgw.receive.take_released().is_empty());
    }

    #[test]
    fn removed_and_moved_tunnels_are_unknown() {
        let mut sgw = sgw();
        sgw.receive.apply(&Rule::Receive {
            teid: Teid(0xa),
            on: Interface::S5u,
            from: None,
            then: Then::Hold,
        });
        sgw.receive.datagrams(0, ENB, &mut gpdu(0xa, b"x"), 9);
        assert_eq!(
            sgw.dropped(Drop::UnknownTeid),
            1,
            "not on this interface any more"
        );
    }

    #[test]
    fn echo_and_garbage_go_to_the_control_part() {
        let mut sgw = sgw();
        let mut echo = [0x32, 0x01, 0x00, 0x04, 0, 0, 0, 0, 0, 7, 0, 0];
        sgw.receive.datagrams(0, ENB, &mut echo, 12);
        sgw.receive.datagrams(1, ENB, &mut [0xff], 1);
        let whys: Vec<_> = sgw
            .receive
            .slow
            .iter()
            .map(|slow| (slow.buffer, slow.why))
            .collect();
        assert_eq!(whys, [(0, None), (1, Some(Drop::Malformed))]);
        assert_eq!(sgw.dropped(Drop::Malformed), 1);
    }

    #[test]
    fn pgw_lets_only_the_ues_own_addresses_out() {
        let mut pgw = pgw_node();
        let packets = [
            (inner_v4(UE), true),
            (inner_v4(Ipv4Addr::new(10, 0, 0, 2)), false),
            (inner_v6("2001:db8::abcd"), true),
            (inner_v6("2001:db8:0:1::1"), false),
            (vec![0x45, 0], false),
            (vec![], false),
        ];
        for (inner, passes) in &packets {
            let mut datagram = gpdu(0xb, inner);
            let length = datagram.len();
            pgw.receive.datagrams(0, SGW, &mut datagram, length);
            let delivered = pgw.receive.deliveries.pop();
            assert_eq!(delivered.is_some(), *passes, "{inner:02x?}");
            if let Some(delivery) = delivered {
                assert_eq!(datagram[delivery.start..delivery.end], *inner);
            }
        }
        assert_eq!(pgw.dropped(Drop::Spoofed), 2);
        assert_eq!(pgw.dropped(Drop::BadPacket), 2);
    }

    #[test]
    fn enb_checks_the_destination() {
        let mut enb = node(&[Interface::S1u], Some(Side::Ue));
        for (teid, ue) in [(1, UE), (2, Ipv4Addr::new(203, 0, 113, 1))] {
            enb.receive.apply(&Rule::Receive {
                teid: Teid(teid),
                on: Interface::S1u,
                from: None,
                then: Then::Deliver {
                    ue: UeAddress::v4(ue),
                },
            });
            let mut datagram = gpdu(teid as u8, &inner_v4(UE));
            enb.receive.datagrams(0, SGW, &mut datagram, 30);
        }
        assert_eq!(enb.receive.deliveries.len(), 1);
        assert_eq!(enb.dropped(Drop::Spoofed), 1);
    }

    #[test]
    fn delivery_skips_extension_headers_that_need_no_understanding_and_cuts_padding() {
        let mut pgw = pgw_node();
        let inner = inner_v4(UE);
        for (kind, passes) in [(0x40, true), (0x85, false)] {
            let mut datagram = vec![0x34, 0xff, 0x00, 8 + 22 + 3, 0, 0, 0, 0x0b];
            datagram.extend([0, 0, 0, kind, 0x01, 0x08, 0x68, 0x00]);
            datagram.extend(&inner);
            datagram.extend([0xee; 3]);
            let length = datagram.len();
            pgw.receive.datagrams(0, SGW, &mut datagram, length);
            match pgw.receive.deliveries.pop() {
                Some(delivery) => assert_eq!(datagram[delivery.start..delivery.end], inner),
                None => assert!(!passes),
            }
        }
        assert_eq!(pgw.dropped(Drop::ExtensionHeader), 1);
        assert_eq!(pgw.receive.slow.len(), 1);
    }

    #[test]
    fn one_socket_may_serve_both_interfaces() {
        let mut sgw = node(&[Interface::S1u, Interface::S5u], None);
        for (teid, on, next) in [
            (1, Interface::S1u, Interface::S5u),
            (2, Interface::S5u, Interface::S1u),
        ] {
            sgw.receive.apply(&Rule::Receive {
                teid: Teid(teid),
                on,
                from: None,
                then: Then::Relay {
                    on: next,
                    to: pgw(),
                    teid: Teid(9),
                },
            });
            sgw.receive.datagrams(0, ENB, &mut gpdu(teid as u8, b"x"), 9);
        }
        let sent: Vec<_> = sgw.receive.relayed.messages().iter().map(|m| m.on).collect();
        assert_eq!(sent, [Interface::S5u, Interface::S1u]);
    }
}
