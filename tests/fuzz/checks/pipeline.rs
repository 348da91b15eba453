//! What holds for any octets that reach the user plane, from the TUN device or from a tunnel.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use epc_codec::Teid;
use epc_node::{Interface, Rule, TeidKey, Then, UeAddress};
use epc_user_plane::{Coalesce, Counters, Encapsulate, Outbox, Receive, Side, Takes, VNET_HEADER, Vnet};

const UE: Ipv4Addr = Ipv4Addr::new(10, 60, 0, 1);
const UE_V6: [u8; 8] = [0x20, 1, 0x0d, 0xb8, 0, 0x60, 0, 0];
const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const MTU: u16 = 1500;

/// The first octet says where the others come from: the TUN device with a `virtio_net_hdr`, or a tunnel to relay or to
/// deliver from, gathered in segments of up to 255 times 8 octets.
pub(crate) fn check(octets: &[u8]) {
    let [way, segment, octets @ ..] = octets else {
        return;
    };
    match way % 3 {
        0 => from_tun(octets),
        1 => relayed(octets, usize::from(*segment) * 8),
        _ => delivered(octets, usize::from(*segment) * 8),
    }
}

fn ue() -> UeAddress {
    let mut v6 = [0; 16];
    v6[..8].copy_from_slice(&UE_V6);
    UeAddress {
        ipv4: Some(UE),
        ipv6: Some(v6.into()),
    }
}

fn peer() -> SocketAddr {
    (PEER, 2152).into()
}

/// Every datagram that leaves is a G-PDU of the UE's tunnel, within the MTU, with lengths that agree.
fn from_tun(octets: &[u8]) {
    let Some((header, packet)) = octets.split_first_chunk::<VNET_HEADER>() else {
        return;
    };
    let Some(vnet) = Vnet::parse(header) else {
        return;
    };
    let outbox = Outbox::new(64, 64, 1);
    let mut enb = Encapsulate::new(Side::Ue, MTU, outbox, Arc::new(Counters::default()));
    enb.apply(&Rule::Send {
        ue: ue(),
        on: Interface::S1u,
        to: peer(),
        teid: Teid(7),
    });
    if let Some(answer) = enb.packet(vnet, &mut packet.to_vec()) {
        assert!(answer.len() <= 1280);
        return;
    }
    let (messages, arena) = enb.outgoing();
    for message in messages {
        assert_eq!(message.to, peer());
        for range in message.datagrams() {
            let (header, inner) = arena[range].split_at(8);
            assert_eq!(header[..2], [0x30, 0xff]);
            assert_eq!(header[2..4], (inner.len() as u16).to_be_bytes());
            assert_eq!(header[4..], 7_u32.to_be_bytes());
            assert!(inner.len() <= usize::from(MTU));
            assert!(is_from_the_ue(inner));
        }
    }
}

fn receive(side: Option<Side>, then: Then) -> Receive {
    let outbox = Outbox::new(64, 64, 1);
    let key = TeidKey::new([1, 2, 3, 4]);
    let mut receive = Receive::new(
        key,
        vec![Interface::S1u],
        side,
        outbox,
        Arc::new(Counters::default()),
    );
    receive.apply(&Rule::Receive {
        teid: Teid(1),
        on: Interface::S1u,
        from: Some(IpAddr::V4(PEER)),
        then,
    });
    receive
}

/// What is relayed differs in its TEID and in nothing else.
fn relayed(octets: &[u8], segment: usize) {
    let to = (PEER, 2153).into();
    let mut sgw = receive(
        None,
        Then::Relay {
            on: Interface::S5u,
            to,
            teid: Teid(0x0a0b_0c0d),
        },
    );
    let mut after = octets.to_vec();
    sgw.datagrams(0, PEER.into(), &mut after, segment);
    let mut expected = octets.to_vec();
    for message in sgw.relayed.messages() {
        assert_eq!(message.to, to);
        for range in message.datagrams() {
            assert_eq!(octets[range.start + 4..range.start + 8], [0, 0, 0, 1]);
            expected[range.start + 4..range.start + 8].copy_from_slice(&[0x0a, 0x0b, 0x0c, 0x0d]);
        }
    }
    assert_eq!(after, expected);
    for slow in &sgw.slow {
        assert!(slow.start <= slow.end && slow.end <= octets.len());
    }
}

/// What is delivered is from the UE's address, and what is written has the octets of what was delivered.
fn delivered(octets: &[u8], segment: usize) {
    let mut pgw = receive(Some(Side::Network), Then::Deliver { ue: ue() });
    let mut buffer = octets.to_vec();
    pgw.datagrams(0, PEER.into(), &mut buffer, segment);
    let mut total = 0;
    for delivery in &pgw.deliveries {
        let packet = &buffer[delivery.start..delivery.end];
        assert!(is_from_the_ue(packet));
        total += packet.len();
    }
    let mut coalesce = Coalesce::new(Takes::TcpAndUdp);
    coalesce.gather(&pgw.deliveries, &|_| &buffer);
    let (mut packets, mut written) = (0, 0);
    for write in coalesce.writes() {
        packets += write.packets;
        written += write.octets;
        let length: usize = write.pieces.iter().map(|piece| piece.end - piece.start).sum();
        assert!(write.head().len() + length <= VNET_HEADER + 65_535);
    }
    assert_eq!((packets, written), (pgw.deliveries.len(), total));
}

fn is_from_the_ue(packet: &[u8]) -> bool {
    match packet[0] >> 4 {
        4 => packet[12..16] == UE.octets(),
        _ => packet[8..16] == UE_V6,
    }
}
