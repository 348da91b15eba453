//! Cutting and putting together, against an oracle that is written another way: octet by octet, one rule after the other,
//! from RFC 791, 768, 9293 and what Linux does with `virtio_net_hdr`.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use epc_codec::Teid;
use epc_node::{Interface, Rule, UeAddress};
use epc_user_plane::{Coalesce, Counters, Delivery, Encapsulate, Outbox, Side, Takes, VNET_HEADER, Vnet};
use proptest::prelude::*;

const UE_V4: [u8; 4] = [10, 60, 0, 1];
const UE_V6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn super_packet_is_cut_as_the_kernel_would(
        tcp in segment_strategy(true),
        udp in segment_strategy(false),
        size in 1_usize..1400,
        flags in any::<u8>(),
        length in 1_usize..20_000,
    ) {
        for mut shape in [tcp, udp] {
            // Linux makes no more of them out of one.
            let size = size.max(length.div_ceil(500));
            shape.flags = flags;
            shape.payload = pattern(length, size as u8);
            let (header, packet) = super_packet(&shape, size);
            let expected = cut(&header, &packet);
            prop_assert_eq!(encapsulated(&header, &packet), expected);
        }
    }

    #[test]
    fn cut_and_put_together_is_the_same(
        tcp in segment_strategy(true),
        udp in segment_strategy(false),
        size in 500_usize..1400,
        count in 2_usize..40,
        rest in 1_usize..500,
        push in any::<bool>(),
    ) {
        for mut shape in [tcp, udp] {
            shape.flags = if push { 0x18 } else { 0x10 };
            shape.payload = pattern(size * (count - 1) + rest, 3);
            let (header, packet) = super_packet(&shape, size);
            let pieces = encapsulated(&header, &packet);
            prop_assert_eq!(gathered(&pieces, Takes::TcpAndUdp), vec![(header, packet)]);
        }
    }

    #[test]
    fn whatever_is_put_together_comes_apart_as_it_was(
        flows in prop::collection::vec((any::<bool>(), any::<bool>()), 1..4),
        steps in prop::collection::vec((0_usize..4, step_strategy()), 1..80),
        takes in prop_oneof![Just(Takes::Tcp), Just(Takes::TcpAndUdp)],
    ) {
        let packets = packets_of(&flows, &steps);
        let mut back = Vec::new();
        for (header, packet) in gathered(&packets, takes) {
            if header[1] == 0 {
                // Linux drops a packet of its own if it asks for something that is not there.
                prop_assert_eq!(header, [0; VNET_HEADER]);
                back.push(packet);
                continue;
            }
            prop_assert!(takes == Takes::TcpAndUdp || header[1] != 5, "UDP where it is not taken");
            back.extend(cut(&header, &packet));
        }
        prop_assert_eq!(by_flow(&back), by_flow(&packets));
    }

    #[test]
    fn octets_of_any_kind_are_survived(
        header in prop::array::uniform10(any::<u8>()),
        mut octets in prop::collection::vec(any::<u8>(), 0..300),
        is_v4 in any::<bool>(),
    ) {
        // Something that finds a tunnel, so that it gets further.
        if is_v4 && octets.len() >= 20 {
            octets[0] = 0x45;
            octets[12..16].copy_from_slice(&UE_V4);
            let length = octets.len() as u16;
            octets[2..4].copy_from_slice(&length.to_be_bytes());
        }
        if let Some(vnet) = Vnet::parse(&header) {
            enb().packet(vnet, &mut octets);
        }
        gathered(&[octets], Takes::TcpAndUdp);
    }
}

#[test]
fn whole_stream_becomes_one_write() {
    let steps = vec![(0, Step::Next); 40];
    let packets = packets_of(&[(true, true)], &steps);
    let writes = gathered(&packets, Takes::Tcp);
    assert_eq!(writes.len(), 1);
    assert_eq!(writes[0].1.len(), 40 + 40 * 100);
}

#[test]
fn packets_of_two_flows_meet_although_they_come_in_turn() {
    let steps: Vec<_> = (0..40).map(|i| (i % 2, Step::Next)).collect();
    let packets = packets_of(&[(true, true), (true, false)], &steps);
    assert_eq!(gathered(&packets, Takes::TcpAndUdp).len(), 2);
}

#[test]
fn what_the_device_does_not_take_stays_single() {
    let steps = vec![(0, Step::Next); 10];
    let udp = packets_of(&[(true, false)], &steps);
    assert_eq!(gathered(&udp, Takes::Tcp).len(), 10);
}

/// The shape of a packet.
#[derive(Debug, Clone)]
struct Shape {
    is_v4: bool,
    is_tcp: bool,
    id: u16,
    dont_fragment: bool,
    tos: u8,
    ttl: u8,
    port: u16,
    sequence: u32,
    acknowledgement: u32,
    window: u16,
    flags: u8,
    options: Vec<u8>,
    payload: Vec<u8>,
}

fn segment_strategy(is_tcp: bool) -> impl Strategy<Value = Shape> {
    let words = prop::collection::vec(any::<u8>(), 0..=40).prop_map(|mut octets| {
        octets.truncate(octets.len() / 4 * 4);
        octets
    });
    (
        any::<(bool, u16, bool, u8, u8, u16)>(),
        any::<(u32, u32, u16)>(),
        words,
    )
        .prop_map(
            move |(
                (is_v4, id, dont_fragment, tos, ttl, port),
                (sequence, acknowledgement, window),
                options,
            )| Shape {
                is_v4,
                is_tcp,
                id,
                dont_fragment,
                tos,
                ttl,
                port,
                sequence,
                acknowledgement,
                window,
                flags: 0x10,
                options: if is_tcp { options } else { Vec::new() },
                payload: Vec::new(),
            },
        )
}

/// What the next packet of a flow is like.
#[derive(Debug, Clone, Copy)]
enum Step {
    Next,
    Push,
    Shorter,
    Longer,
    Empty,
    Fin,
    Gap,
    Again,
    OtherAcknowledgement,
    OtherWindow,
    OtherTtl,
    OtherTos,
    OtherOptions,
    SameId,
    MayBeFragmented,
    Fragment,
    BrokenL4,
    BrokenL3,
    NoUdpChecksum,
    Urgent,
}

fn step_strategy() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => Just(Step::Next),
        2 => Just(Step::Push),
        2 => Just(Step::Shorter),
        2 => prop::sample::select(vec![
            Step::Longer, Step::Empty, Step::Fin, Step::Gap, Step::Again, Step::OtherAcknowledgement,
            Step::OtherWindow, Step::OtherTtl, Step::OtherTos, Step::OtherOptions, Step::MayBeFragmented,
            Step::Fragment, Step::BrokenL4, Step::BrokenL3, Step::NoUdpChecksum, Step::Urgent,
        ]),
        4 => Just(Step::SameId),
    ]
}

/// A sequence of packets of some flows.
fn packets_of(flows: &[(bool, bool)], steps: &[(usize, Step)]) -> Vec<Vec<u8>> {
    let mut shapes: Vec<Shape> = flows
        .iter()
        .enumerate()
        .map(|(i, (is_v4, is_tcp))| Shape {
            is_v4: *is_v4,
            is_tcp: *is_tcp,
            id: 65_530,
            dont_fragment: true,
            tos: 0,
            ttl: 64,
            port: 1000 + i as u16,
            sequence: u32::MAX - 150,
            acknowledgement: 1,
            window: 500,
            flags: 0x10,
            options: Vec::new(),
            payload: pattern(100, i as u8),
        })
        .collect();
    let mut packets = Vec::new();
    for (flow, step) in steps {
        let flow = flow % shapes.len();
        let next = &mut shapes[flow];
        let mut this = next.clone();
        match step {
            Step::Push => this.flags |= 0x08,
            Step::Shorter => this.payload.truncate(60),
            Step::Longer => this.payload.extend([9; 20]),
            Step::Empty => this.payload.clear(),
            Step::Fin => this.flags |= 0x01,
            Step::Gap => this.sequence = this.sequence.wrapping_add(7),
            Step::Again => this.sequence = this.sequence.wrapping_sub(100),
            Step::OtherAcknowledgement => next.acknowledgement += 1,
            Step::OtherWindow => next.window += 1,
            Step::OtherTtl => this.ttl = 63,
            Step::OtherTos => this.tos = 3,
            Step::OtherOptions => this.options = vec![1, 1, 1, 0],
            Step::SameId => this.id = this.id.wrapping_sub(1),
            Step::MayBeFragmented => next.dont_fragment = !next.dont_fragment,
            Step::Urgent => this.flags |= 0x20,
            Step::Next | Step::Fragment | Step::BrokenL4 | Step::BrokenL3 | Step::NoUdpChecksum => {}
        }
        let mut packet = write(&this);
        let last = packet.len() - 1;
        let udp_checksum = if this.is_v4 { 26 } else { 46 };
        match step {
            Step::Fragment if this.is_v4 => {
                packet[6] = 0x20;
                fill_v4_checksum(&mut packet);
            }
            Step::BrokenL4 => packet[last] ^= 1,
            Step::BrokenL3 if this.is_v4 => packet[10] ^= 1,
            Step::NoUdpChecksum if !this.is_tcp => packet[udp_checksum..udp_checksum + 2].fill(0),
            _ => {}
        }
        packets.push(packet);
        next.id = this.id.wrapping_add(1);
        next.sequence = this.sequence.wrapping_add(this.payload.len() as u32);
    }
    packets
}

/// The packets of each flow in their order. An identification says nothing where a packet must not be fragmented
/// (RFC 6864), so that it is left out there.
fn by_flow(packets: &[Vec<u8>]) -> Vec<(Vec<u8>, Vec<Vec<u8>>)> {
    let mut flows: Vec<(Vec<u8>, Vec<Vec<u8>>)> = Vec::new();
    for packet in packets {
        let mut packet = packet.clone();
        let is_v4 = packet[0] >> 4 == 4;
        let ports = if is_v4 { 20..24 } else { 40..44 };
        let key = [
            &[packet[0] >> 4, packet[if is_v4 { 9 } else { 6 }]],
            &packet[ports],
        ]
        .concat();
        if is_v4 && packet[6] & 0x40 != 0 && sum(&packet[..20]) == 0xffff {
            packet[4..6].fill(0);
            fill_v4_checksum(&mut packet);
        }
        match flows.iter_mut().find(|flow| flow.0 == key) {
            Some(flow) => flow.1.push(packet),
            None => flows.push((key, vec![packet])),
        }
    }
    flows.sort();
    flows
}

fn write(shape: &Shape) -> Vec<u8> {
    let l4_header = if shape.is_tcp { 20 + shape.options.len() } else { 8 };
    let l4_length = l4_header + shape.payload.len();
    let mut packet = Vec::new();
    let protocol = if shape.is_tcp { 6 } else { 17 };
    if shape.is_v4 {
        packet.extend([0x45, shape.tos]);
        packet.extend((20 + l4_length as u16).to_be_bytes());
        packet.extend(shape.id.to_be_bytes());
        packet.extend([
            if shape.dont_fragment { 0x40 } else { 0 },
            0,
            shape.ttl,
            protocol,
            0,
            0,
        ]);
        packet.extend(UE_V4);
        packet.extend([203, 0, 113, 80]);
        fill_v4_checksum(&mut packet);
    } else {
        packet.extend([0x60 | shape.tos >> 4, shape.tos << 4, 0, 7]);
        packet.extend((l4_length as u16).to_be_bytes());
        packet.extend([protocol, shape.ttl]);
        packet.extend(UE_V6);
        packet.extend([0x26; 16]);
    }
    let l4 = packet.len();
    packet.extend(shape.port.to_be_bytes());
    packet.extend([0, 80]);
    if shape.is_tcp {
        packet.extend(shape.sequence.to_be_bytes());
        packet.extend(shape.acknowledgement.to_be_bytes());
        packet.extend([(l4_header as u8 / 4) << 4, shape.flags]);
        packet.extend(shape.window.to_be_bytes());
        packet.extend([0, 0, 0, 0]);
        packet.extend(&shape.options);
    } else {
        packet.extend((l4_length as u16).to_be_bytes());
        packet.extend([0, 0]);
    }
    packet.extend(&shape.payload);
    fill_l4_checksum(&mut packet, l4);
    packet
}

/// A super-packet as the kernel hands it over: lengths of the whole, the sum of the pseudo header for a checksum.
fn super_packet(shape: &Shape, size: usize) -> ([u8; VNET_HEADER], Vec<u8>) {
    let mut packet = write(shape);
    let l4 = if shape.is_v4 { 20 } else { 40 };
    let place = if shape.is_tcp { l4 + 16 } else { l4 + 6 };
    packet[place..place + 2].fill(0);
    let pseudo = pseudo_header_sum(&packet, l4);
    packet[place..place + 2].copy_from_slice(&pseudo.to_be_bytes());
    let kind = match (shape.is_tcp, shape.is_v4) {
        (true, true) => 1,
        (true, false) => 4,
        (false, _) => 5,
    };
    let mut header = [1, kind, 0, 0, 0, 0, 0, 0, 0, 0];
    let header_length = packet.len() - shape.payload.len();
    for (at, number) in [(2, header_length), (4, size), (6, l4), (8, place - l4)] {
        header[at..at + 2].copy_from_slice(&(number as u16).to_ne_bytes());
    }
    (header, packet)
}

/// The oracle: the packets that a super-packet stands for.
fn cut(header: &[u8; VNET_HEADER], packet: &[u8]) -> Vec<Vec<u8>> {
    let number = |at: usize| usize::from(u16::from_ne_bytes([header[at], header[at + 1]]));
    let (size, l4) = (number(4), number(6));
    let is_tcp = header[1] & 0x7f != 5;
    let payload_at = if is_tcp {
        l4 + usize::from(packet[l4 + 12] >> 4) * 4
    } else {
        l4 + 8
    };
    assert_eq!(header[0], 1, "the checksum is asked for");
    assert_eq!(number(2), payload_at);
    assert_eq!(number(8), if is_tcp { 16 } else { 6 });
    let place = l4 + number(8);
    let pseudo = pseudo_header_sum(packet, l4);
    assert_eq!(
        packet[place..place + 2],
        pseudo.to_be_bytes(),
        "the sum of the pseudo header"
    );

    let parts: Vec<&[u8]> = packet[payload_at..].chunks(size).collect();
    let mut packets = Vec::new();
    for (i, part) in parts.iter().enumerate() {
        let mut one = packet[..payload_at].to_vec();
        one.extend_from_slice(part);
        let total = one.len() as u16;
        if one[0] >> 4 == 4 {
            one[2..4].copy_from_slice(&total.to_be_bytes());
            let id = u16::from_be_bytes([one[4], one[5]]).wrapping_add(i as u16);
            one[4..6].copy_from_slice(&id.to_be_bytes());
            fill_v4_checksum(&mut one);
        } else {
            one[4..6].copy_from_slice(&(total - 40).to_be_bytes());
        }
        if is_tcp {
            let first = u32::from_be_bytes([one[l4 + 4], one[l4 + 5], one[l4 + 6], one[l4 + 7]]);
            let sequence = first.wrapping_add((i * size) as u32);
            one[l4 + 4..l4 + 8].copy_from_slice(&sequence.to_be_bytes());
            if i + 1 < parts.len() {
                one[l4 + 13] &= !0x09;
            }
            if i > 0 {
                one[l4 + 13] &= !0x80;
            }
        } else {
            one[l4 + 4..l4 + 6].copy_from_slice(&(total - l4 as u16).to_be_bytes());
        }
        fill_l4_checksum(&mut one, l4);
        packets.push(one);
    }
    packets
}

/// RFC 1071, the plain way.
fn sum(octets: &[u8]) -> u16 {
    let mut sum = 0_u32;
    for (i, octet) in octets.iter().enumerate() {
        sum += u32::from(*octet) << if i % 2 == 0 { 8 } else { 0 };
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn add(a: u16, b: u16) -> u16 {
    let sum = u32::from(a) + u32::from(b);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

fn pseudo_header_sum(packet: &[u8], l4: usize) -> u16 {
    let (addresses, protocol) = match packet[0] >> 4 {
        4 => (&packet[12..20], packet[9]),
        _ => (&packet[8..40], packet[6]),
    };
    add(
        sum(addresses),
        add(u16::from(protocol), (packet.len() - l4) as u16),
    )
}

fn fill_v4_checksum(packet: &mut [u8]) {
    packet[10..12].fill(0);
    let checksum = !sum(&packet[..20]);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
}

fn fill_l4_checksum(packet: &mut [u8], l4: usize) {
    let is_tcp = packet[if packet[0] >> 4 == 4 { 9 } else { 6 }] == 6;
    let place = if is_tcp { l4 + 16 } else { l4 + 6 };
    packet[place..place + 2].fill(0);
    let mut checksum = !add(pseudo_header_sum(packet, l4), sum(&packet[l4..]));
    if !is_tcp && checksum == 0 {
        checksum = 0xffff;
    }
    packet[place..place + 2].copy_from_slice(&checksum.to_be_bytes());
}

fn pattern(length: usize, seed: u8) -> Vec<u8> {
    (0..length)
        .map(|i| (i as u8).wrapping_mul(31).wrapping_add(seed))
        .collect()
}

fn enb() -> Encapsulate {
    let mut enb = Encapsulate::new(
        Side::Ue,
        1500,
        Outbox::new(64, 64, 1),
        Arc::new(Counters::default()),
    );
    enb.apply(&Rule::Send {
        ue: UeAddress {
            ipv4: Some(Ipv4Addr::from(UE_V4)),
            ipv6: Some(UE_V6.into()),
        },
        on: Interface::S1u,
        to: SocketAddr::from(([192, 0, 2, 2], 2152)),
        teid: Teid(7),
    });
    enb
}

/// The user packets that leave the eNB, in order.
fn encapsulated(header: &[u8; VNET_HEADER], packet: &[u8]) -> Vec<Vec<u8>> {
    let mut enb = enb();
    let vnet = Vnet::parse(header).expect("a header that the kernel writes");
    assert_eq!(enb.packet(vnet, &mut packet.to_vec()), None);
    let (messages, arena) = enb.outgoing();
    let datagrams = messages.iter().flat_map(|message| message.datagrams());
    datagrams
        .map(|range| {
            let (header, inner) = arena[range].split_at(8);
            assert_eq!(header[..2], [0x30, 0xff]);
            assert_eq!(header[2..4], (inner.len() as u16).to_be_bytes());
            assert_eq!(header[4..], [0, 0, 0, 7]);
            inner.to_vec()
        })
        .collect()
}

/// What is written into the TUN device for these packets.
fn gathered(packets: &[Vec<u8>], takes: Takes) -> Vec<([u8; VNET_HEADER], Vec<u8>)> {
    let deliveries: Vec<Delivery> = packets
        .iter()
        .enumerate()
        .map(|(buffer, packet)| Delivery {
            buffer,
            start: 0,
            end: packet.len(),
        })
        .collect();
    let mut coalesce = Coalesce::new(takes);
    coalesce.gather(&deliveries, &|buffer| &packets[buffer]);
    coalesce
        .writes()
        .iter()
        .map(|write| {
            let (header, rest) = write.head().split_first_chunk().expect("a virtio header");
            let mut packet = rest.to_vec();
            for piece in &write.pieces {
                packet.extend(&packets[piece.buffer][piece.start..piece.end]);
            }
            (*header, packet)
        })
        .collect()
}
