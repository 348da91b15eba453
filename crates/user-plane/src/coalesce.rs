//! Putting packets for the TUN device together into super-packets, by the rules of the kernel's GRO: what comes out is
//! cut by the receiver into the packets that went in.
//!
//! ```text
//! [IP | TCP | a] [IP | TCP | b] [IP | TCP | c]  ->  virtio_net_hdr [IP | TCP] a b c     one write
//! ```
//!
//! The headers of a super-packet are written anew beside it; its payloads stay where they were received.

use std::ops::Range;

use crate::checksum::Sum;
use crate::receive::Delivery;
use crate::vnet::{Gso, VNET_HEADER, Vnet};

/// Packets in a super-packet at most; it makes one more piece of memory in a write. The kernel's own limit for UDP is 64.
pub const MOST_PIECES: usize = 64;

/// Octets of a super-packet at most: what fits in its IP header.
const MOST_OCTETS: usize = 65_535;

/// IPv6's header and TCP's longest one.
const MOST_HEADER: usize = 40 + 60;

/// Flows that are put together at the same time.
const FLOWS: usize = 64;
const NO_FLOW: u32 = u32::MAX;

const ACK: u8 = 0x10;
const PSH: u8 = 0x08;

/// What the TUN device takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Plain packets without a header before them.
    Packets,
    /// TCP super-packets.
    Tcp,
    /// TCP and UDP super-packets (Linux 6.2).
    TcpAndUdp,
}

/// The packets of a batch, put together.
#[derive(Debug)]
pub struct Coalesce {
    takes: Takes,
    writes: Vec<Write>,
    used: usize,
    /// The last write of a flow, by a hash of it: what may still grow.
    flows: [u32; FLOWS],
}

/// One write to the TUN device: [`Write::head`] and then the pieces.
#[derive(Debug)]
pub struct Write {
    head: [u8; VNET_HEADER + MOST_HEADER],
    head_length: usize,
    /// What follows the head.
    pub pieces: Vec<Delivery>,
    /// Packets in it.
    pub packets: usize,
    /// Octets of these packets.
    pub octets: usize,
    grown: Grown,
}

impl Write {
    /// What is to be written before the pieces.
    pub fn head(&self) -> &[u8] {
        &self.head[..self.head_length]
    }
}

/// What the next packet of a super-packet must continue.
#[derive(Debug, Clone, Copy)]
struct Grown {
    segment: Segment,
    /// The first packet, whose checksum is looked at when a second one comes.
    first: Delivery,
    payload: usize,
    next_sequence: u32,
    ids: Ids,
    pushed: bool,
}

/// How the identification of IPv4 goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ids {
    /// One packet says nothing yet.
    Open,
    Counting,
    /// The same in each, which says nothing where a packet must not be fragmented.
    Fixed,
}

/// A packet that could be part of a super-packet.
#[derive(Debug, Clone, Copy)]
struct Segment {
    gso: Gso,
    is_v4: bool,
    l4: usize,
    header: usize,
    payload: usize,
    sequence: u32,
    pushes: bool,
}

/// What a packet is to those before it.
enum Kind {
    /// It may be put together with its flow's.
    Segment(Segment, usize),
    /// It goes alone, and nothing of its flow may pass it.
    Alone(usize),
    /// It goes alone; of which flow it is cannot be seen.
    Opaque,
}

impl Coalesce {
    /// Nothing yet.
    pub fn new(takes: Takes) -> Coalesce {
        Coalesce {
            takes,
            writes: Vec::new(),
            used: 0,
            flows: [NO_FLOW; FLOWS],
        }
    }

    /// Puts packets together, which lie in the buffers that `buffer` finds. The order within each flow stays.
    pub fn gather<'a>(&mut self, deliveries: &[Delivery], buffer: &dyn Fn(usize) -> &'a [u8]) {
        self.used = 0;
        self.flows.fill(NO_FLOW);
        for delivery in deliveries {
            let packet = &buffer(delivery.buffer)[delivery.start..delivery.end];
            if self.takes == Takes::Packets {
                self.alone(*delivery);
                continue;
            }
            match kind(packet, self.takes) {
                Kind::Segment(segment, flow) => self.segment(segment, flow, *delivery, packet, buffer),
                Kind::Alone(flow) => {
                    self.flows[flow] = NO_FLOW;
                    self.alone(*delivery);
                }
                Kind::Opaque => {
                    self.flows.fill(NO_FLOW);
                    self.alone(*delivery);
                }
            }
        }
        for write in &mut self.writes[..self.used] {
            write.finish();
        }
    }

    /// What is to be written, in order.
    pub fn writes(&self) -> &[Write] {
        &self.writes[..self.used]
    }

    #[inline]
    fn segment<'a>(
        &mut self,
        segment: Segment,
        flow: usize,
        delivery: Delivery,
        packet: &[u8],
        buffer: &dyn Fn(usize) -> &'a [u8],
    ) {
        let open = self.flows[flow] as usize;
        if let Some(write) = self.writes[..self.used].get_mut(open)
            && write.continues(&segment, packet)
            && write.first_is_intact(buffer)
            && is_intact(&segment, packet)
        {
            if !write.append(&segment, delivery, packet) {
                self.flows[flow] = NO_FLOW;
            }
            return;
        }
        let write = self.alone(delivery);
        write.begin(segment, delivery, packet);
        // One that pushes ends its super-packet, and so does one that is already as long as can be.
        self.flows[flow] = if segment.pushes {
            NO_FLOW
        } else {
            self.used as u32 - 1
        };
    }

    /// A write of one packet, in memory that is used again.
    #[inline]
    fn alone(&mut self, delivery: Delivery) -> &mut Write {
        if self.used == self.writes.len() {
            self.writes.push(Write {
                head: [0; VNET_HEADER + MOST_HEADER],
                head_length: 0,
                pieces: Vec::with_capacity(MOST_PIECES),
                packets: 0,
                octets: 0,
                grown: Grown::NOTHING,
            });
        }
        let write = &mut self.writes[self.used];
        self.used += 1;
        write.head_length = match self.takes {
            Takes::Packets => 0,
            Takes::Tcp | Takes::TcpAndUdp => VNET_HEADER,
        };
        write.head[..VNET_HEADER].fill(0);
        write.pieces.clear();
        write.pieces.push(delivery);
        write.packets = 1;
        write.octets = delivery.end - delivery.start;
        write
    }
}

impl Grown {
    const NOTHING: Grown = Grown {
        segment: Segment {
            gso: Gso::Tcp,
            is_v4: true,
            l4: 0,
            header: 0,
            payload: 0,
            sequence: 0,
            pushes: false,
        },
        first: Delivery {
            buffer: 0,
            start: 0,
            end: 0,
        },
        payload: 0,
        next_sequence: 0,
        ids: Ids::Open,
        pushed: false,
    };
}

impl Write {
    fn begin(&mut self, segment: Segment, delivery: Delivery, packet: &[u8]) {
        self.head[VNET_HEADER..VNET_HEADER + segment.header].copy_from_slice(&packet[..segment.header]);
        self.grown = Grown {
            segment,
            first: delivery,
            payload: segment.payload,
            next_sequence: segment.sequence.wrapping_add(segment.payload as u32),
            ids: Ids::Open,
            pushed: segment.pushes,
        };
    }

    /// Whether the packet is the next one of this super-packet.
    #[inline]
    fn continues(&self, next: &Segment, packet: &[u8]) -> bool {
        let first = &self.grown.segment;
        let head = &self.head[VNET_HEADER..VNET_HEADER + first.header];
        next.gso == first.gso
            && next.is_v4 == first.is_v4
            && next.header == first.header
            && next.payload <= first.payload
            && self.packets < MOST_PIECES
            && first.header + self.grown.payload + next.payload <= MOST_OCTETS
            && same_l3(head, packet, first.is_v4)
            && (!first.is_v4 || self.id_goes_on(packet).is_some())
            && match first.gso {
                Gso::Tcp => {
                    next.sequence == self.grown.next_sequence
                        && same_tcp(&head[first.l4..], &packet[first.l4..])
                }
                Gso::Udp => head[first.l4..first.l4 + 4] == packet[first.l4..first.l4 + 4],
            }
    }

    fn id_goes_on(&self, packet: &[u8]) -> Option<Ids> {
        let first = u16::from_be_bytes([self.head[VNET_HEADER + 4], self.head[VNET_HEADER + 5]]);
        let id = u16::from_be_bytes([packet[4], packet[5]]);
        let counts = id == first.wrapping_add(self.packets as u16);
        let fixed = id == first && packet[6] & 0x40 != 0;
        match self.grown.ids {
            Ids::Open if counts => Some(Ids::Counting),
            Ids::Open if fixed => Some(Ids::Fixed),
            Ids::Counting if counts => Some(Ids::Counting),
            Ids::Fixed if fixed => Some(Ids::Fixed),
            Ids::Open | Ids::Counting | Ids::Fixed => None,
        }
    }

    /// A super-packet vouches for its checksums; a packet alone does not.
    #[inline]
    fn first_is_intact<'a>(&self, buffer: &dyn Fn(usize) -> &'a [u8]) -> bool {
        if self.packets > 1 {
            return true;
        }
        let first = &self.grown.first;
        is_intact(&self.grown.segment, &buffer(first.buffer)[first.start..first.end])
    }

    /// Adds the packet; whether another one may follow.
    #[inline]
    fn append(&mut self, next: &Segment, delivery: Delivery, packet: &[u8]) -> bool {
        let header = self.grown.segment.header;
        if self.packets == 1 {
            // The headers are written anew.
            self.head_length = VNET_HEADER + header;
            self.pieces[0].start += header;
        }
        if self.grown.segment.is_v4 {
            self.grown.ids = self.id_goes_on(packet).unwrap_or(self.grown.ids);
        }
        self.pieces.push(Delivery {
            start: delivery.start + header,
            ..delivery
        });
        self.packets += 1;
        self.octets += delivery.end - delivery.start;
        self.grown.payload += next.payload;
        self.grown.next_sequence = next.sequence.wrapping_add(next.payload as u32);
        self.grown.pushed = next.pushes;
        next.payload == self.grown.segment.payload && !next.pushes && self.packets < MOST_PIECES
    }

    /// Writes the headers of a super-packet.
    #[inline]
    fn finish(&mut self) {
        if self.packets == 1 {
            return;
        }
        let Grown {
            segment: first,
            payload,
            pushed,
            ..
        } = self.grown;
        let (vnet, headers) = self.head.split_at_mut(VNET_HEADER);
        let (l3, l4) = headers[..first.header].split_at_mut(first.l4);
        let l4_length = (first.header - first.l4 + payload) as u16;
        let addresses = if first.is_v4 {
            l3[2..4].copy_from_slice(&((first.header + payload) as u16).to_be_bytes());
            l3[10..12].fill(0);
            let checksum = Sum::of(l3).checksum();
            l3[10..12].copy_from_slice(&checksum);
            &l3[12..20]
        } else {
            l3[4..6].copy_from_slice(&l4_length.to_be_bytes());
            &l3[8..40]
        };
        let pseudo = Sum::of(addresses)
            .and(Sum::word(u16::from(first.gso.protocol())))
            .and(Sum::word(l4_length))
            .fold();
        match first.gso {
            Gso::Tcp => {
                if pushed {
                    l4[13] |= PSH;
                }
                l4[16..18].copy_from_slice(&pseudo);
            }
            Gso::Udp => {
                l4[4..6].copy_from_slice(&l4_length.to_be_bytes());
                l4[6..8].copy_from_slice(&pseudo);
            }
        }
        let header = Vnet::super_packet(first.gso, first.is_v4, first.header, first.payload, first.l4);
        vnet.copy_from_slice(&header);
    }
}

/// What the packet is, which [`crate::Receive`] has found to be an IP packet of this length.
#[inline]
fn kind(packet: &[u8], takes: Takes) -> Kind {
    let Some(first) = packet.first() else {
        return Kind::Opaque;
    };
    let is_v4 = first >> 4 == 4;
    let (l4, protocol, addresses) = if is_v4 {
        // Without options, and no fragment.
        match packet.first_chunk::<20>() {
            Some(l3) if l3[0] == 0x45 && l3[6] & 0x3f == 0 && l3[7] == 0 => (20, l3[9], 12..20),
            _ => return Kind::Opaque,
        }
    } else {
        match packet.first_chunk::<40>() {
            Some(l3) => (40, l3[6], 8..40),
            None => return Kind::Opaque,
        }
    };
    let Some(ports) = packet.get(l4..l4 + 4) else {
        return Kind::Opaque;
    };
    match protocol {
        6 => {
            let flow = flow(packet, addresses, ports);
            tcp(packet, is_v4, l4).map_or(Kind::Alone(flow), |segment| Kind::Segment(segment, flow))
        }
        17 => {
            let flow = flow(packet, addresses, ports);
            match udp(packet, is_v4, l4) {
                Some(segment) if takes == Takes::TcpAndUdp => Kind::Segment(segment, flow),
                _ => Kind::Alone(flow),
            }
        }
        _ => Kind::Opaque,
    }
}

/// Data without any flag but ACK and PSH.
#[inline]
fn tcp(packet: &[u8], is_v4: bool, l4: usize) -> Option<Segment> {
    let tcp = packet.get(l4..)?.first_chunk::<20>()?;
    let length = usize::from(tcp[12] >> 4) * 4;
    let header = l4 + length;
    let is_plain = tcp[12] & 0x0f == 0 && tcp[13] & !PSH == ACK && tcp[18..20] == [0, 0];
    if length < 20 || header >= packet.len() || !is_plain {
        return None;
    }
    Some(Segment {
        gso: Gso::Tcp,
        is_v4,
        l4,
        header,
        payload: packet.len() - header,
        sequence: u32::from_be_bytes([tcp[4], tcp[5], tcp[6], tcp[7]]),
        pushes: tcp[13] & PSH != 0,
    })
}

/// A whole datagram with a checksum.
#[inline]
fn udp(packet: &[u8], is_v4: bool, l4: usize) -> Option<Segment> {
    let udp = packet.get(l4..)?.first_chunk::<8>()?;
    let length = usize::from(u16::from_be_bytes([udp[4], udp[5]]));
    if length != packet.len() - l4 || length <= 8 || udp[6..8] == [0, 0] {
        return None;
    }
    Some(Segment {
        gso: Gso::Udp,
        is_v4,
        l4,
        header: l4 + 8,
        payload: length - 8,
        sequence: 0,
        pushes: false,
    })
}

/// A hash of the flow below [`FLOWS`]. Two flows may share it: then the older one grows no more.
#[inline]
fn flow(packet: &[u8], addresses: Range<usize>, ports: &[u8]) -> usize {
    let mut hash = 0_u32;
    for octets in [&packet[addresses], ports] {
        let (words, _) = octets.as_chunks::<4>();
        for word in words {
            hash = (hash.rotate_left(5) ^ u32::from_ne_bytes(*word)).wrapping_mul(0x9e37_79b1);
        }
    }
    (hash >> 26) as usize
}

/// Type of service, fragmentation, time to live and addresses.
#[inline]
fn same_l3(a: &[u8], b: &[u8], is_v4: bool) -> bool {
    if is_v4 {
        a[..2] == b[..2] && a[6..10] == b[6..10] && a[12..20] == b[12..20]
    } else {
        a[..4] == b[..4] && a[6..40] == b[6..40]
    }
}

/// Ports, acknowledgement, length, window, urgent pointer and options; PSH is seen to elsewhere.
#[inline]
fn same_tcp(a: &[u8], b: &[u8]) -> bool {
    let options = usize::from(a[12] >> 4) * 4;
    a[..4] == b[..4]
        && a[8..13] == b[8..13]
        && a[14..16] == b[14..16]
        && a[18..20] == b[18..20]
        && a[20..options] == b[20..options]
}

/// Whether the checksums of IPv4's header and of TCP or UDP are right.
#[inline]
fn is_intact(segment: &Segment, packet: &[u8]) -> bool {
    let (l3, l4) = packet.split_at(segment.l4);
    let addresses = if segment.is_v4 { &l3[12..20] } else { &l3[8..40] };
    let pseudo = Sum::of(addresses)
        .and(Sum::word(u16::from(segment.gso.protocol())))
        .and(Sum::word(l4.len() as u16));
    (!segment.is_v4 || Sum::of(l3).is_intact()) && pseudo.and(Sum::of(l4)).is_intact()
}
