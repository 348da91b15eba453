use std::net::SocketAddr;
use std::sync::Arc;

use epc_codec::gtpv1u::gpdu_header;
use epc_node::Rule;
use rustc_hash::FxHashMap;

use crate::counters::{Counters, Direction, Drop, Port};
use crate::outbox::{Message, Outbox};
use crate::table::{Senders, Tunnel};
use crate::vnet::Vnet;
use crate::{GTPU_HEADER, Side, fragment, icmp, ip, mss, split};

/// Room that is left before the TUN device is read again: a super-packet of 64 KB that is cut into small segments
/// grows by their headers.
const ROOM: usize = 256 * 1024;

/// From the TUN device into the tunnels: finds the tunnel of each packet by the UE's address and puts the GTP-U header
/// before it, in an arena in which packets that may travel together lie together. Super-packets are cut on the way.
#[derive(Debug)]
pub struct Encapsulate {
    side: Side,
    mtu: u16,
    /// Peers behind a path that takes less than `mtu`.
    limits: FxHashMap<SocketAddr, u16>,
    senders: Senders,
    counters: Arc<Counters>,
    arena: Box<[u8]>,
    used: usize,
    outbox: Outbox,
    answer: Box<[u8; icmp::MOST]>,
}

impl Encapsulate {
    /// `mtu` is the longest user packet that the tunnels take.
    pub fn new(side: Side, mtu: u16, outbox: Outbox, counters: Arc<Counters>) -> Encapsulate {
        Encapsulate {
            side,
            mtu,
            limits: FxHashMap::default(),
            senders: Senders::new(),
            counters,
            arena: vec![0; 2 * ROOM].into_boxed_slice(),
            used: 0,
            outbox,
            answer: Box::new([0; icmp::MOST]),
        }
    }

    /// Changes the table. Between two batches only.
    pub fn apply(&mut self, rule: &Rule) {
        self.senders.apply(rule);
    }

    /// Takes a packet that the TUN device handed over. What comes back is an answer to write into the TUN device.
    /// To be called while [`Encapsulate::has_room`].
    pub fn packet(&mut self, vnet: Vnet, octets: &mut [u8]) -> Option<&[u8]> {
        let Some(packet) = ip::parse(octets) else {
            self.dropped(Drop::BadPacket);
            return None;
        };
        let octets = &mut octets[..packet.length];
        let tunnel = match self.side {
            Side::Ue => self.senders.by_source(packet.addresses),
            Side::Network => self.senders.by_destination(packet.addresses),
        };
        let Some(tunnel) = tunnel else {
            self.dropped(Drop::NoTunnel);
            return None;
        };
        let limit = self.limit(tunnel.to);
        if vnet.gso.is_some() {
            return self.super_packet(vnet, octets, tunnel, limit);
        }
        if let Some(missing) = vnet.checksum
            && split::complete_checksum(octets, missing).is_none()
        {
            self.dropped(Drop::BadPacket);
            return None;
        }
        if octets.len() > usize::from(limit) {
            return self.too_long(octets, tunnel, limit);
        }
        mss::clamp(octets, limit);
        self.received(1, octets.len());
        self.queue(tunnel, octets.len(), |body| body.copy_from_slice(octets));
        None
    }

    #[inline]
    fn super_packet(&mut self, vnet: Vnet, octets: &[u8], tunnel: Tunnel, limit: u16) -> Option<&[u8]> {
        let Some(plan) = split::Plan::new(octets, vnet) else {
            self.dropped(Drop::BadPacket);
            return None;
        };
        if plan.longest() > usize::from(limit) {
            return self.too_big(octets, limit);
        }
        let count = plan.count();
        let added = count * (plan.longest() + GTPU_HEADER);
        if added > self.arena.len() - self.used {
            self.dropped(Drop::BadPacket);
            return None;
        }
        let mut total = 0;
        for i in 0..count {
            let length = plan.length(i);
            total += length;
            self.queue(tunnel, length, |body| plan.write(octets, i, body));
        }
        self.received(count, total);
        None
    }

    /// Writes a packet of `length` octets, at most an MTU, into the arena and queues it.
    #[inline]
    fn queue(&mut self, tunnel: Tunnel, length: usize, write: impl FnOnce(&mut [u8])) {
        let start = self.used;
        let end = start + GTPU_HEADER + length;
        let Some(room) = self.arena.get_mut(start..end) else {
            self.dropped(Drop::SendFailed);
            return;
        };
        let (header, body) = room.split_at_mut(GTPU_HEADER);
        header.copy_from_slice(&gpdu_header(tunnel.teid, length));
        write(body);
        self.used = end;
        let peer = (tunnel.peer, &tunnel.to);
        self.outbox.push(tunnel.on, peer, tunnel.teid.0, 0, start..end);
    }

    /// A packet that the path does not take: cut into fragments, if it may be, or answered.
    #[cold]
    fn too_long(&mut self, packet: &[u8], tunnel: Tunnel, limit: u16) -> Option<&[u8]> {
        let Some(fragments) = fragment::Plan::new(packet, usize::from(limit)) else {
            return self.too_big(packet, limit);
        };
        self.received(1, packet.len());
        for i in 0..fragments.count() {
            self.queue(tunnel, fragments.length(i), |body| {
                fragments.write(packet, i, body)
            });
        }
        None
    }

    /// Counts a packet that does not fit and makes the answer to it, where one is due.
    fn too_big(&mut self, packet: &[u8], mtu: u16) -> Option<&[u8]> {
        self.dropped(Drop::TooBig);
        let length = icmp::too_big(packet, mtu, &mut self.answer)?;
        Some(&self.answer[..length])
    }

    /// The path to this peer takes user packets of `mtu` octets at most, if that is less than the MTU of the tunnels.
    /// What is in `datagram`, a G-PDU of ours that was too big for it, gets its answer, to write into the TUN device.
    pub fn path_is_narrow(&mut self, to: SocketAddr, mtu: u16, datagram: &[u8]) -> Option<&[u8]> {
        if mtu < self.mtu {
            self.limits.insert(to, mtu);
        }
        let length = icmp::too_big(datagram.get(GTPU_HEADER..)?, mtu, &mut self.answer)?;
        Some(&self.answer[..length])
    }

    /// Paths change: believe again that all of them take the MTU.
    pub fn forget_narrow_paths(&mut self) {
        self.limits.clear();
    }

    /// Whether a path is known that takes less than the MTU.
    pub fn knows_narrow_paths(&self) -> bool {
        !self.limits.is_empty()
    }

    #[inline]
    fn limit(&self, to: SocketAddr) -> u16 {
        if self.limits.is_empty() {
            return self.mtu;
        }
        self.limits.get(&to).copied().unwrap_or(self.mtu)
    }

    /// Whether a super-packet still fits.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.arena.len() - self.used >= ROOM
    }

    /// Octets that wait to be sent.
    #[inline]
    pub fn waiting(&self) -> usize {
        self.used
    }

    /// What is there to send, and the buffer (number 0) in which it lies.
    pub fn outgoing(&self) -> (&[Message], &[u8]) {
        (self.outbox.messages(), &self.arena)
    }

    /// How many of [`Encapsulate::outgoing`] are complete; a last one that is not may still be joined by more packets.
    pub fn complete(&self) -> usize {
        self.outbox.complete()
    }

    /// The first `count` messages were sent, all or all but the last one, which stays.
    pub fn clear_sent(&mut self, count: usize) {
        if count >= self.outbox.messages().len() {
            return self.clear();
        }
        if let Some(last) = self.outbox.keep_last() {
            self.used = last.len();
            self.arena.copy_within(last, 0);
        }
    }

    /// Everything was sent.
    pub fn clear(&mut self) {
        self.outbox.clear();
        self.used = 0;
    }

    /// From now on each datagram is a message of its own.
    pub fn send_singly(&mut self) {
        self.outbox.send_singly();
    }

    fn received(&self, packets: usize, octets: usize) {
        self.counters
            .packets(Port::Tun, Direction::Received, packets as u64, octets as u64);
    }

    fn dropped(&self, why: Drop) {
        self.counters.dropped(Port::Tun, Direction::Received, why, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::counters::Snapshot;
    use epc_codec::Teid;
    use epc_node::{Interface, UeAddress};
    use std::net::Ipv4Addr;

    const UE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

    fn sgw() -> SocketAddr {
        "192.0.2.2:2152".parse().unwrap()
    }

    fn enb(mtu: u16) -> (Encapsulate, Arc<Counters>) {
        let counters = Arc::new(Counters::default());
        let mut enb = Encapsulate::new(Side::Ue, mtu, Outbox::new(64, 64, 1), Arc::clone(&counters));
        enb.apply(&Rule::Send {
            ue: UeAddress::v4(UE),
            on: Interface::S1u,
            to: sgw(),
            teid: Teid(0x10b),
        });
        (enb, counters)
    }

    fn packet(from: Ipv4Addr, to: Ipv4Addr, length: u16) -> Vec<u8> {
        let mut packet = vec![0x45, 0];
        packet.extend(length.to_be_bytes());
        packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
        packet.extend(from.octets());
        packet.extend(to.octets());
        packet.resize(usize::from(length), 0x55);
        packet
    }

    fn drops(counters: &Counters, why: Drop) -> u64 {
        let mut snapshot = Snapshot::default();
        snapshot.add(counters);
        snapshot.dropped(Port::Tun, Direction::Received, why)
    }

    #[test]
    fn packet_of_a_ue_gets_the_header_of_its_tunnel() {
        let (mut enb, _) = enb(1400);
        let inner = packet(UE, SERVER, 30);
        assert_eq!(enb.packet(Vnet::DONE, &mut inner.clone()), None);
        let (messages, arena) = enb.outgoing();
        let [message] = messages else {
            panic!("one message, got {messages:?}");
        };
        assert_eq!((message.on, message.to), (Interface::S1u, sgw()));
        let datagram = &arena[message.start..message.end];
        assert_eq!(datagram[..8], [0x30, 0xff, 0x00, 30, 0, 0, 0x01, 0x0b]);
        assert_eq!(datagram[8..], inner);
    }

    #[test]
    fn equal_packets_leave_as_one_message_and_padding_is_cut() {
        let (mut enb, _) = enb(1400);
        let mut padded = packet(UE, SERVER, 100);
        padded.extend([0; 6]);
        for _ in 0..10 {
            enb.packet(Vnet::DONE, &mut padded.clone());
        }
        let (messages, _) = enb.outgoing();
        assert_eq!(messages.len(), 1);
        assert_eq!((messages[0].segment, messages[0].segments()), (108, 10));
        enb.clear();
        assert_eq!(enb.outgoing().0, []);
    }

    #[test]
    fn run_that_stays_behind_is_filled_by_the_next_packets() {
        let (mut enb, _) = enb(1400);
        let mut lengths = Vec::new();
        for i in 0..130 {
            enb.packet(Vnet::DONE, &mut packet(UE, SERVER, 100 + (i / 100) * 2));
            if i % 20 == 19 {
                let count = enb.complete();
                lengths.extend(enb.outgoing().0[..count].iter().map(Message::segments));
                enb.clear_sent(count);
            }
        }
        lengths.extend(enb.outgoing().0.iter().map(Message::segments));
        assert_eq!(lengths, [64, 36, 30]);
        let (messages, arena) = enb.outgoing();
        for range in messages[0].datagrams() {
            assert_eq!(arena[range][8..], packet(UE, SERVER, 102));
        }
    }

    #[test]
    fn packet_of_nobody_and_no_packet_at_all_are_counted() {
        let (mut enb, counters) = enb(1400);
        enb.packet(Vnet::DONE, &mut packet(SERVER, UE, 100));
        enb.packet(Vnet::DONE, &mut []);
        enb.packet(Vnet::DONE, &mut [0x45; 19]);
        enb.packet(Vnet::DONE, &mut packet(UE, SERVER, 100)[..99]);
        enb.apply(&Rule::StopSending {
            ue: UeAddress::v4(UE),
        });
        enb.packet(Vnet::DONE, &mut packet(UE, SERVER, 100));
        assert_eq!(enb.outgoing().0, []);
        assert_eq!(drops(&counters, Drop::NoTunnel), 2);
        assert_eq!(drops(&counters, Drop::BadPacket), 3);
    }

    #[test]
    fn packet_over_the_mtu_is_answered() {
        let (mut enb, counters) = enb(1400);
        let answer = enb.packet(Vnet::DONE, &mut packet(UE, SERVER, 1401)).unwrap();
        assert_eq!(answer[20..22], [3, 4]);
        assert_eq!(enb.packet(Vnet::DONE, &mut packet(UE, SERVER, 1400)), None);
        assert_eq!(drops(&counters, Drop::TooBig), 1);
        assert_eq!(enb.outgoing().0.len(), 1);
    }
}
