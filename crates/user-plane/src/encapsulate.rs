use std::sync::Arc;

use epc_node::Rule;

use crate::counters::{Counters, Direction, Drop, Port};
use crate::outbox::{Message, Outbox};
use crate::table::Senders;
use crate::{Side, gtpu, icmp, ip};

/// The longest user packet of the TUN device, its GTP-U header included.
const LONGEST: usize = 65_535 + gtpu::HEADER;

/// From the TUN device into the tunnels: finds the tunnel of each packet by the UE's address and puts the GTP-U header
/// before it, in an arena in which packets that may travel together lie together.
#[derive(Debug)]
pub struct Encapsulate {
    side: Side,
    mtu: u16,
    senders: Senders,
    counters: Arc<Counters>,
    arena: Box<[u8]>,
    used: usize,
    outbox: Outbox,
    answer: Box<[u8; icmp::MOST]>,
}

impl Encapsulate {
    /// An arena of `octets`, at least room for two packets of any size. `mtu` is the longest user packet that the
    /// tunnels take.
    pub fn new(side: Side, mtu: u16, octets: usize, outbox: Outbox, counters: Arc<Counters>) -> Encapsulate {
        Encapsulate {
            side,
            mtu,
            senders: Senders::new(),
            counters,
            arena: vec![0; octets.max(2 * LONGEST)].into_boxed_slice(),
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
    #[inline]
    pub fn packet(&mut self, octets: &[u8]) -> Option<&[u8]> {
        let Some(packet) = ip::parse(octets) else {
            self.dropped(Drop::BadPacket);
            return None;
        };
        let octets = &octets[..packet.length];
        self.counters
            .packets(Port::Tun, Direction::Received, 1, octets.len() as u64);
        let tunnel = match self.side {
            Side::Ue => self.senders.by_source(packet.addresses),
            Side::Network => self.senders.by_destination(packet.addresses),
        };
        let Some(tunnel) = tunnel else {
            self.dropped(Drop::NoTunnel);
            return None;
        };
        if octets.len() > usize::from(self.mtu) {
            return self.too_big(octets, self.mtu);
        }
        let start = self.used;
        let end = start + gtpu::HEADER + octets.len();
        let Some(room) = self.arena.get_mut(start..end) else {
            self.dropped(Drop::SendFailed);
            return None;
        };
        let (header, body) = room.split_at_mut(gtpu::HEADER);
        // The MTU keeps it within 16 bits.
        header.copy_from_slice(&gtpu::header(tunnel.teid, octets.len() as u16));
        body.copy_from_slice(octets);
        self.used = end;
        self.outbox
            .push(tunnel.on, tunnel.to, tunnel.teid.0, 0, start..end);
        None
    }

    /// Counts a packet that does not fit and makes the answer to it, where one is due.
    fn too_big(&mut self, packet: &[u8], mtu: u16) -> Option<&[u8]> {
        self.counters
            .dropped(Port::Tun, Direction::Received, Drop::TooBig, 1);
        let length = icmp::too_big(packet, mtu, &mut self.answer)?;
        Some(&self.answer[..length])
    }

    /// Whether a packet of any size still fits.
    #[inline]
    pub fn has_room(&self) -> bool {
        self.arena.len() - self.used >= LONGEST
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

    /// Everything was sent.
    pub fn clear(&mut self) {
        self.outbox.clear();
        self.used = 0;
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
    use std::net::{Ipv4Addr, SocketAddr};

    const UE: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);

    fn sgw() -> SocketAddr {
        "192.0.2.2:2152".parse().unwrap()
    }

    fn enb(mtu: u16) -> (Encapsulate, Arc<Counters>) {
        let counters = Arc::new(Counters::default());
        let mut enb = Encapsulate::new(Side::Ue, mtu, 0, Outbox::new(64, 64, 1), Arc::clone(&counters));
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
        assert_eq!(enb.packet(&inner), None);
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
            enb.packet(&padded);
        }
        let (messages, _) = enb.outgoing();
        assert_eq!(messages.len(), 1);
        assert_eq!((messages[0].segment, messages[0].segments()), (108, 10));
        enb.clear();
        assert_eq!(enb.outgoing().0, []);
    }

    #[test]
    fn packet_of_nobody_and_no_packet_at_all_are_counted() {
        let (mut enb, counters) = enb(1400);
        enb.packet(&packet(SERVER, UE, 100));
        enb.packet(&[]);
        enb.packet(&[0x45; 19]);
        enb.packet(&packet(UE, SERVER, 100)[..99]);
        enb.apply(&Rule::StopSending {
            ue: UeAddress::v4(UE),
        });
        enb.packet(&packet(UE, SERVER, 100));
        assert_eq!(enb.outgoing().0, []);
        assert_eq!(drops(&counters, Drop::NoTunnel), 2);
        assert_eq!(drops(&counters, Drop::BadPacket), 3);
    }

    #[test]
    fn packet_over_the_mtu_is_answered() {
        let (mut enb, counters) = enb(1400);
        let answer = enb.packet(&packet(UE, SERVER, 1401)).unwrap();
        assert_eq!(answer[20..22], [3, 4]);
        assert_eq!(enb.packet(&packet(UE, SERVER, 1400)), None);
        assert_eq!(drops(&counters, Drop::TooBig), 1);
        assert_eq!(enb.outgoing().0.len(), 1);
    }
}
