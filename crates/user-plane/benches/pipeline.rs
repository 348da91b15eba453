//! What the pipeline costs, without the kernel: nanoseconds for one packet, or for each packet of a super-packet.
//!
//! `elements/s` counts packets, so that its inverse is the time of one.

use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use epc_codec::Teid;
use epc_node::{Interface, Rule, TeidAllocator, TeidKey, Then, UeAddress};
use epc_user_plane::{
    Coalesce, Counters, Delivery, Drop, Encapsulate, Filter, Outbox, Receive, Receivers, Side, Takes,
    VNET_HEADER, Vnet,
};

const KEY: TeidKey = TeidKey::new([0x1234_5678, 0x9abc_def0, 0x0f1e_2d3c, 0x4b5a_6978]);
const PEER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 80);
/// What TCP sends in packets of 1,500 octets.
const SEGMENT: usize = 1448;
/// Packets in a super-packet of 64 KB.
const PACKETS: usize = 45;
const SESSIONS: [u32; 2] = [1, 1_000_000];

fn ue(number: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0a00_0001 + number)
}

fn peer() -> SocketAddr {
    (PEER, 2152).into()
}

fn tcp(source: Ipv4Addr, sequence: u32, id: u16, payload: usize) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((52 + payload as u16).to_be_bytes());
    packet.extend(id.to_be_bytes());
    packet.extend([0x40, 0, 64, 6, 0, 0]);
    packet.extend(source.octets());
    packet.extend(SERVER.octets());
    let checksum = !sum(0, &packet);
    packet[10..12].copy_from_slice(&checksum.to_be_bytes());
    packet.extend([0x03, 0xe8, 0, 80]);
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 1, 0x80, 0x10, 1, 0xf4, 0, 0, 0, 0]);
    packet.extend([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2]);
    packet.resize(52 + payload, 0x55);
    let pseudo = sum(6 + 32 + payload as u32, &packet[12..20]);
    let checksum = !sum(pseudo.into(), &packet[20..]);
    packet[36..38].copy_from_slice(&checksum.to_be_bytes());
    packet
}

fn sum(start: u32, octets: &[u8]) -> u16 {
    let mut sum = start;
    for pair in octets.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

fn gpdu(teid: Teid, inner: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0x30, 0xff];
    datagram.extend((inner.len() as u16).to_be_bytes());
    datagram.extend(teid.0.to_be_bytes());
    datagram.extend(inner);
    datagram
}

fn outbox() -> Outbox {
    Outbox::new(1024, 64, 1)
}

fn send_rules(sessions: u32) -> impl Iterator<Item = Rule> {
    (0..sessions).map(|number| Rule::Send {
        ue: UeAddress::v4(ue(number)),
        on: Interface::S1u,
        to: peer(),
        teid: Teid(number + 1),
    })
}

/// As many tunnels, and their TEIDs.
fn receive(sessions: u32, side: Option<Side>, then: impl Fn(u32) -> Then) -> (Receive, Vec<Teid>) {
    let counters = Arc::new(Counters::default());
    let mut receive = Receive::new(KEY, vec![Interface::S1u], side, outbox(), counters);
    let teids = rules(sessions, then, |rule| receive.apply(rule));
    (receive, teids)
}

fn rules(sessions: u32, then: impl Fn(u32) -> Then, mut apply: impl FnMut(&Rule)) -> Vec<Teid> {
    let mut allocator = TeidAllocator::new(KEY);
    (0..sessions)
        .map(|number| {
            let teid = allocator.allocate().expect("there are 4 million");
            apply(&Rule::Receive {
                teid,
                on: Interface::S1u,
                from: Some(IpAddr::V4(PEER)),
                then: then(number),
            });
            teid
        })
        .collect()
}

fn relay(_: u32) -> Then {
    Then::Relay {
        on: Interface::S5u,
        to: (Ipv4Addr::new(198, 51, 100, 1), 2152).into(),
        teid: Teid(9),
    }
}

/// An order in which no two neighbours are neighbours in memory.
fn scattered(sessions: u32) -> impl Iterator<Item = usize> {
    (0..u64::MAX).map(move |i| (i.wrapping_mul(7_919_000_017) % u64::from(sessions)) as usize)
}

fn encapsulate(c: &mut Criterion) {
    let mut group = c.benchmark_group("encapsulate");
    group.throughput(Throughput::Elements(1));
    for sessions in SESSIONS {
        for payload in [12, SEGMENT] {
            let counters = Arc::new(Counters::default());
            let mut enb = Encapsulate::new(Side::Ue, 1500, outbox(), counters);
            send_rules(sessions).for_each(|rule| enb.apply(&rule));
            let mut packet = tcp(ue(0), 1, 1, payload);
            let mut order = scattered(sessions);
            let name = format!("{} octets, sessions", packet.len());
            group.bench_function(BenchmarkId::new(name, sessions), |b| {
                b.iter(|| {
                    let number = order.next().unwrap_or_default();
                    packet[12..16].copy_from_slice(&ue(number as u32).octets());
                    enb.packet(Vnet::DONE, black_box(&mut packet));
                    if enb.waiting() >= 65_536 {
                        enb.clear();
                    }
                });
            });
        }
    }
    group.finish();

    let mut group = c.benchmark_group("split");
    group.throughput(Throughput::Elements(PACKETS as u64));
    let counters = Arc::new(Counters::default());
    let mut enb = Encapsulate::new(Side::Ue, 1500, outbox(), counters);
    send_rules(1).for_each(|rule| enb.apply(&rule));
    let mut packet = tcp(ue(0), 1, 1, PACKETS * SEGMENT);
    let mut header = [1, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    for (at, number) in [(2, 52), (4, SEGMENT as u16), (6, 20), (8, 16)] {
        header[at..at + 2].copy_from_slice(&u16::to_ne_bytes(number));
    }
    let vnet = Vnet::parse(&header).expect("a header of the kernel's");
    group.bench_function("into 45 packets of 1,500 octets", |b| {
        b.iter(|| {
            enb.packet(vnet, black_box(&mut packet));
            enb.clear();
        });
    });
    group.finish();
}

fn receiving(c: &mut Criterion) {
    for (title, side) in [("relay", None), ("decapsulate", Some(Side::Ue))] {
        let mut group = c.benchmark_group(title);
        group.throughput(Throughput::Elements(PACKETS as u64));
        for sessions in SESSIONS {
            let then = |number| match side {
                // The destination of what comes down.
                Some(_) => Then::Deliver {
                    ue: UeAddress::v4(if sessions == 1 { SERVER } else { ue(number) }),
                },
                None => relay(number),
            };
            let (mut node, teids) = receive(sessions, side, then);
            let mut order = scattered(sessions);
            // Each packet of another session.
            let mut gathered: Vec<u8> = Vec::new();
            for _ in 0..PACKETS {
                let number = order.next().unwrap_or_default();
                let mut inner = tcp(SERVER, 1, 1, SEGMENT);
                if sessions > 1 {
                    inner[16..20].copy_from_slice(&ue(number as u32).octets());
                }
                gathered.extend(gpdu(teids[number], &inner));
            }
            let segment = gathered.len() / PACKETS;
            group.bench_function(BenchmarkId::new("sessions", sessions), |b| {
                b.iter_batched_ref(
                    || gathered.clone(),
                    |gathered| {
                        node.datagrams(0, PEER.into(), black_box(gathered), segment);
                        node.clear();
                    },
                    BatchSize::LargeInput,
                );
            });
        }
        group.finish();
    }
}

/// What a P-GW looks for in packets of UEs, against one that lets everything pass.
fn filter(c: &mut Criterion) {
    let mut group = c.benchmark_group("filter");
    group.throughput(Throughput::Elements(PACKETS as u64));
    let networks = |list: &[&str]| -> Vec<ipnet::IpNet> {
        list.iter()
            .map(|network| network.parse().expect("a network"))
            .collect()
    };
    let denied = networks(&["169.254.0.0/16", "127.0.0.0/8", "fe80::/10", "::1/128"]);
    let all = Filter::default()
        .without_gtp()
        .without(denied, Drop::DeniedDestination)
        .without(networks(&["10.0.0.0/8"]), Drop::UeToUe);
    all.own()
        .set((1..=8).map(|last| Ipv4Addr::new(192, 0, 2, last).into()));
    for (title, filter) in [("nothing", Filter::default()), ("all", all)] {
        let then = |_| Then::Deliver {
            ue: UeAddress::v4(ue(0)),
        };
        let (node, teids) = receive(1, Some(Side::Network), then);
        let mut node = node.with_filter(filter);
        let datagram = gpdu(teids[0], &tcp(ue(0), 1, 1, SEGMENT));
        let gathered = datagram.repeat(PACKETS);
        group.bench_function(BenchmarkId::new("looks for", title), |b| {
            b.iter_batched_ref(
                || gathered.clone(),
                |gathered| {
                    node.datagrams(0, PEER.into(), black_box(gathered), datagram.len());
                    node.clear();
                },
                BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn coalesce(c: &mut Criterion) {
    let mut group = c.benchmark_group("coalesce");
    group.throughput(Throughput::Elements(PACKETS as u64));
    let mut buffer = Vec::new();
    let mut deliveries = Vec::new();
    for i in 0..PACKETS {
        let packet = tcp(ue(0), (i * SEGMENT) as u32, i as u16, SEGMENT);
        let start = buffer.len();
        buffer.extend(packet);
        let end = buffer.len();
        deliveries.push(Delivery {
            buffer: 0,
            start,
            end,
        });
    }
    let mut coalesce = Coalesce::new(Takes::TcpAndUdp);
    coalesce.gather(&deliveries, &|_| &buffer);
    assert!(coalesce.writes().len() <= 2 && coalesce.writes()[0].head().len() > VNET_HEADER);
    group.bench_function("45 packets of 1,500 octets", |b| {
        b.iter(|| coalesce.gather(black_box(&deliveries), &|_| &buffer));
    });
    group.finish();
}

fn look_up(c: &mut Criterion) {
    let mut group = c.benchmark_group("look-up");
    const MANY: usize = 1024;
    group.throughput(Throughput::Elements(MANY as u64));
    for sessions in SESSIONS {
        let mut receivers = Receivers::new(KEY);
        let teids = rules(sessions, relay, |rule| receivers.apply(rule));
        let mut order = scattered(sessions);
        group.bench_function(BenchmarkId::new("sessions", sessions), |b| {
            b.iter_batched(
                || -> Vec<Teid> { order.by_ref().take(MANY).map(|i| teids[i]).collect() },
                |asked| asked.iter().filter(|teid| receivers.knows(**teid)).count(),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

criterion_group!(benches, encapsulate, receiving, filter, coalesce, look_up);
criterion_main!(benches);
