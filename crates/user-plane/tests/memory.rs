//! What the packet path takes of the allocator, which is nothing, and what the tables take of memory.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use allocation_counter::measure;
use epc_codec::Teid;
use epc_node::{Interface, Rule, TeidAllocator, TeidKey, Then, UeAddress};
use epc_user_plane::{
    Coalesce, Counters, Direction, Drop, Encapsulate, Message, Outbox, Port, Receive, Receivers, Senders,
    Side, Snapshot, Takes, Vnet,
};

const KEY: TeidKey = TeidKey::new([5, 6, 7, 8]);
const ENB: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 80);
/// Packets of a batch, of one UE each.
const BATCH: u32 = 40;
/// Octets of a user packet.
const LENGTH: usize = 200;

/// Two peers among which tunnels are handed over.
fn peer(number: u32) -> SocketAddr {
    (Ipv4Addr::new(198, 51, 100, 1 + (number % 2) as u8), 2152).into()
}

fn ue(number: u32) -> UeAddress {
    UeAddress {
        ipv4: Some(Ipv4Addr::from_bits(0x0a00_0001 + number)),
        ipv6: Some(Ipv6Addr::from_bits(
            (0x2001_0db8_0000_0000 + u128::from(number)) << 64,
        )),
    }
}

fn teids(count: u32) -> Vec<Teid> {
    let mut allocator = TeidAllocator::new(KEY);
    (0..count)
        .map(|_| allocator.allocate().expect("there are 4 million"))
        .collect()
}

fn receive_rule(teid: Teid, then: Then) -> Rule {
    Rule::Receive {
        teid,
        on: Interface::S1u,
        from: Some(IpAddr::V4(ENB)),
        then,
    }
}

fn relay(number: u32) -> Then {
    Then::Relay {
        on: Interface::S5u,
        to: peer(number),
        teid: Teid(number),
    }
}

fn send_rule(number: u32, to: SocketAddr) -> Rule {
    Rule::Send {
        ue: ue(number),
        on: Interface::S1u,
        to,
        teid: Teid(number),
    }
}

/// UDP from a UE to the server.
fn packet(number: u32) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((LENGTH as u16).to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    packet.extend(ue(number).ipv4.expect("it has one").octets());
    packet.extend(SERVER.octets());
    packet.resize(LENGTH, 0x55);
    packet
}

/// A G-PDU of each UE in a row, as the kernel gathers them.
fn gathered(teids: &[Teid]) -> Vec<u8> {
    let mut octets = Vec::new();
    for (number, teid) in (0..).zip(teids) {
        octets.extend([0x30, 0xff]);
        octets.extend((LENGTH as u16).to_be_bytes());
        octets.extend(teid.0.to_be_bytes());
        octets.extend(packet(number));
    }
    octets
}

fn datagrams<'a>(messages: impl IntoIterator<Item = &'a Message>) -> usize {
    messages.into_iter().map(Message::segments).sum()
}

#[test]
fn eight_octets_are_an_allocation() {
    let found = measure(|| {
        std::hint::black_box(Box::new(7_u64));
    });
    assert_eq!(found.count_total, 1, "or else the tests below prove nothing");
}

/// Attaches, handovers and detaches between the batches; the batches allocate nothing, and obey from the next one on.
#[test]
fn relaying_allocates_nothing_while_tunnels_come_go_and_move() {
    let counters = Arc::new(Counters::default());
    let outbox = Outbox::new(1024, 64, 1);
    let mut sgw = Receive::new(KEY, vec![Interface::S1u], None, outbox, Arc::clone(&counters));
    let teids = teids(100_000);
    let (ours, others) = teids.split_at(BATCH as usize);
    for (number, teid) in (0..).zip(ours) {
        sgw.apply(&receive_rule(*teid, relay(number)));
    }
    let octets = gathered(ours);
    let segment = octets.len() / ours.len();
    let mut others = (BATCH..).zip(others);
    let mut lost = 0;
    for round in 0..1000_u32 {
        for (number, teid) in others.by_ref().take(50) {
            sgw.apply(&receive_rule(*teid, relay(number)));
        }
        let place = round as usize % ours.len();
        match round % 3 {
            0 => sgw.apply(&Rule::StopReceiving { teid: ours[place] }),
            1 => sgw.apply(&receive_rule(ours[place], relay(round))),
            _ => {}
        }
        let mut batch = octets.clone();
        let mut sent = 0;
        let found = measure(|| {
            sgw.datagrams(0, ENB.into(), &mut batch, segment);
            sent = datagrams(sgw.relayed.messages());
        });
        // The first one made the list of what the control part should see.
        assert_eq!(found.count_total, 0, "round {round}");
        let unknown = sgw.slow.len();
        assert_eq!(sent + unknown, ours.len(), "round {round}");
        match round % 3 {
            0 => assert!(
                sgw.slow.iter().any(|slow| slow.start == place * segment),
                "round {round}: the tunnel is gone"
            ),
            1 => {
                let teid = &batch[place * segment + 4..place * segment + 8];
                assert_eq!(teid, round.to_be_bytes(), "round {round}: the tunnel moved");
            }
            _ => {}
        }
        lost += unknown as u64;
        sgw.clear();
    }
    let mut snapshot = Snapshot::default();
    snapshot.add(&counters);
    let dropped = snapshot.dropped(Port::S1u, Direction::Received, Drop::UnknownTeid);
    assert_eq!((dropped, lost > 0), (lost, true));
}

#[test]
fn encapsulating_allocates_nothing_while_tunnels_come_go_and_move() {
    let mut enb = Encapsulate::new(
        Side::Ue,
        1500,
        Outbox::new(1024, 64, 1),
        Arc::new(Counters::default()),
    );
    for number in 0..BATCH {
        enb.apply(&send_rule(number, peer(number)));
    }
    let mut packets: Vec<Vec<u8>> = (0..BATCH).map(packet).collect();
    let mut others = BATCH..;
    for round in 0..1000_u32 {
        for number in others.by_ref().take(50) {
            enb.apply(&send_rule(number, peer(number)));
        }
        let moved = round % BATCH;
        match round % 3 {
            0 => enb.apply(&Rule::StopSending { ue: ue(moved) }),
            1 => enb.apply(&send_rule(moved, peer(round))),
            _ => {}
        }
        let found = measure(|| {
            for packet in &mut packets {
                enb.packet(Vnet::DONE, packet);
            }
        });
        assert_eq!(found.count_total, 0, "round {round}");
        let (messages, arena) = enb.outgoing();
        let of_moved = messages.iter().flat_map(|message| {
            message
                .datagrams()
                .filter(|range| arena[range.start + 4..range.start + 8] == moved.to_be_bytes())
                .map(|_| message.to)
        });
        let to: Vec<SocketAddr> = of_moved.collect();
        match round % 3 {
            0 => assert_eq!(to, [], "round {round}: the tunnel is gone"),
            1 => assert_eq!(to, [peer(round)], "round {round}: the tunnel moved"),
            _ => {}
        }
        enb.clear();
    }
}

#[test]
fn delivering_allocates_nothing_once_a_batch_of_that_size_was_there() {
    let mut pgw = Receive::new(
        KEY,
        vec![Interface::S1u],
        Some(Side::Network),
        Outbox::new(1024, 64, 1),
        Arc::new(Counters::default()),
    );
    let teids = teids(BATCH);
    for (number, teid) in (0..).zip(&teids) {
        pgw.apply(&receive_rule(*teid, Then::Deliver { ue: ue(number) }));
    }
    let mut octets = gathered(&teids);
    let segment = octets.len() / teids.len();
    let mut coalesce = Coalesce::new(Takes::TcpAndUdp);
    for round in 0..100 {
        let removed = teids[round % teids.len()];
        pgw.apply(&Rule::StopReceiving { teid: removed });
        let found = measure(|| {
            pgw.datagrams(0, ENB.into(), &mut octets, segment);
            coalesce.gather(&pgw.deliveries, &|_| &octets);
        });
        assert!(found.count_total == 0 || round == 0, "round {round}: {found:?}");
        let written: usize = coalesce.writes().iter().map(|write| write.packets).sum();
        assert_eq!(written, teids.len() - 1, "round {round}");
        pgw.clear();
        let number = (round % teids.len()) as u32;
        pgw.apply(&receive_rule(removed, Then::Deliver { ue: ue(number) }));
    }
}

/// Growing included: never more than 100 octets a session and table at any time.
#[test]
fn a_million_sessions_take_less_than_a_hundred_octets_each_in_each_table() {
    const SESSIONS: u32 = 1_000_000;
    let teids = teids(SESSIONS);
    let tables = [
        ("TEIDs that are relayed", {
            let mut table = Receivers::new(KEY);
            measure(|| {
                for (number, teid) in (0..).zip(&teids) {
                    table.apply(&receive_rule(*teid, relay(number)));
                }
            })
        }),
        ("TEIDs that are delivered", {
            let mut table = Receivers::new(KEY);
            measure(|| {
                for (number, teid) in (0..).zip(&teids) {
                    table.apply(&receive_rule(*teid, Then::Deliver { ue: ue(number) }));
                }
            })
        }),
        ("addresses of UEs, IPv4 and IPv6", {
            let mut table = Senders::new();
            measure(|| {
                for number in 0..SESSIONS {
                    table.apply(&send_rule(number, peer(number)));
                }
            })
        }),
    ];
    for (name, found) in tables {
        let (now, at_most) = (
            found.bytes_current as u64 / u64::from(SESSIONS),
            found.bytes_max / u64::from(SESSIONS),
        );
        println!("{name}: {now} octets a session, {at_most} while it grew");
        assert!(at_most <= 100, "{name}: {found:?}");
    }
}
