//! The user plane's threads on real sockets and a real TUN device, each test in a network namespace of its own.
//!
//! A test starts itself again under `unshare`, which needs root or user namespaces; where neither is allowed it says so
//! and passes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use epc_codec::Teid;
use epc_driver::user_plane::{Slow, SocketConfig, StartError, TunConfig, UserPlane, UserPlaneConfig};
use epc_node::config::Offload;
use epc_node::{Interface, Rule, TeidKey, Then, UeAddress};
use epc_user_plane::{Direction, Drop, Port, Side};
use tokio::sync::mpsc::Receiver;

const ENB: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 1);
const SGW_S1U: Ipv4Addr = Ipv4Addr::new(127, 0, 1, 2);
const SGW_S5U: Ipv4Addr = Ipv4Addr::new(127, 0, 2, 2);
const PGW: Ipv4Addr = Ipv4Addr::new(127, 0, 2, 3);
const UE: Ipv4Addr = Ipv4Addr::new(10, 60, 0, 1);
const SERVER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
/// The longest that anything may take here.
const PATIENCE: Duration = Duration::from_secs(10);

#[test]
fn sgw_relays_both_ways_without_a_tun_device() {
    in_namespace("sgw_relays_both_ways_without_a_tun_device", || {
        let sockets = [(Interface::S1u, SGW_S1U), (Interface::S5u, SGW_S5U)];
        let (sgw, mut slow) = UserPlane::start(&config(&sockets, None)).unwrap();
        assert_eq!(sgw.mtu(), None);
        let enb = peer(ENB);
        let pgw = peer(PGW);
        sgw.apply_all(&[
            relay(1, (Interface::S1u, ENB), (Interface::S5u, PGW), 0x11),
            relay(2, (Interface::S5u, PGW), (Interface::S1u, ENB), 0x22),
        ])
        .unwrap();

        enb.send_to(&gpdu(1, b"uplink"), (SGW_S1U, 2152)).unwrap();
        assert_eq!(
            receive(&pgw),
            (SocketAddr::from((SGW_S5U, 2152)), gpdu(0x11, b"uplink"))
        );
        pgw.send_to(&gpdu(2, b"downlink"), (SGW_S5U, 2152)).unwrap();
        assert_eq!(
            receive(&enb),
            (SocketAddr::from((SGW_S1U, 2152)), gpdu(0x22, b"downlink"))
        );

        // A rule that is gone forwards nothing, from the moment that `apply` returns.
        sgw.apply(&Rule::StopReceiving { teid: Teid(1) }).unwrap();
        enb.send_to(&gpdu(1, b"late"), (SGW_S1U, 2152)).unwrap();
        assert_eq!(next(&mut slow), (Interface::S1u, gpdu(1, b"late")));
        nothing_arrives(&pgw);
        assert_eq!(
            sgw.counters()
                .dropped(Port::S1u, Direction::Received, Drop::UnknownTeid),
            1
        );
        assert_eq!(sgw.counters().traffic(Port::S5u, Direction::Sent).packets, 1);

        // Echo Request goes to the brain, and its answer leaves from the same port.
        let echo = [0x32, 1, 0, 4, 0, 0, 0, 0, 0, 7, 0, 0];
        pgw.send_to(&echo, (SGW_S5U, 2152)).unwrap();
        assert_eq!(next(&mut slow), (Interface::S5u, echo.to_vec()));
        sgw.send(Interface::S5u, (PGW, 2152).into(), b"answer").unwrap();
        assert_eq!(
            receive(&pgw),
            (SocketAddr::from((SGW_S5U, 2152)), b"answer".to_vec())
        );
        sgw.stop();
        assert!(
            UdpSocket::bind((SGW_S1U, 2152)).is_ok(),
            "stopped, the port is free"
        );
    });
}

#[test]
fn two_interfaces_may_share_an_address() {
    in_namespace("two_interfaces_may_share_an_address", || {
        let sockets = [(Interface::S1u, SGW_S1U), (Interface::S5u, SGW_S1U)];
        let (sgw, _slow) = UserPlane::start(&config(&sockets, None)).unwrap();
        let enb = peer(ENB);
        let pgw = peer(PGW);
        sgw.apply_all(&[
            relay(1, (Interface::S1u, ENB), (Interface::S5u, PGW), 0x11),
            relay(2, (Interface::S5u, PGW), (Interface::S1u, ENB), 0x22),
        ])
        .unwrap();
        enb.send_to(&gpdu(1, b"up"), (SGW_S1U, 2152)).unwrap();
        assert_eq!(receive(&pgw).1, gpdu(0x11, b"up"));
        pgw.send_to(&gpdu(2, b"down"), (SGW_S1U, 2152)).unwrap();
        assert_eq!(receive(&enb).1, gpdu(0x22, b"down"));
    });
}

#[test]
fn pgw_exchanges_packets_with_the_network_and_refuses_a_false_source() {
    in_namespace(
        "pgw_exchanges_packets_with_the_network_and_refuses_a_false_source",
        || {
            let (pgw, _slow) =
                UserPlane::start(&config(&[(Interface::S5u, PGW)], Some(Side::Network))).unwrap();
            assert_eq!(pgw.mtu(), Some(1500));
            ip("address add 203.0.113.1/32 dev gtp-test");
            ip("route add 10.60.0.0/16 dev gtp-test");
            let sgw = peer(SGW_S5U);
            let server = UdpSocket::bind((SERVER, 9000)).unwrap();
            server.set_read_timeout(Some(PATIENCE)).unwrap();
            pgw.apply_all(&[
                Rule::Receive {
                    teid: Teid(5),
                    on: Interface::S5u,
                    from: Some(IpAddr::V4(SGW_S5U)),
                    then: Then::Deliver {
                        ue: UeAddress::v4(UE),
                    },
                },
                Rule::Send {
                    ue: UeAddress::v4(UE),
                    on: Interface::S5u,
                    to: (SGW_S5U, 2152).into(),
                    teid: Teid(0x55),
                },
            ])
            .unwrap();

            let false_source = Ipv4Addr::new(10, 60, 0, 2);
            for (source, payload) in [(false_source, "false"), (UE, "true")] {
                let inner = udp((source, 4000), (SERVER, 9000), payload.as_bytes());
                sgw.send_to(&gpdu(5, &inner), (PGW, 2152)).unwrap();
            }
            let (from, payload) = receive(&server);
            assert_eq!((from, &payload[..]), (SocketAddr::from((UE, 4000)), &b"true"[..]));
            assert_eq!(
                pgw.counters()
                    .dropped(Port::S5u, Direction::Received, Drop::Spoofed),
                1
            );

            server.send_to(b"answer", (UE, 4000)).unwrap();
            let (from, datagram) = receive(&sgw);
            assert_eq!(from, SocketAddr::from((PGW, 2152)));
            assert_eq!(datagram[..8], gpdu(0x55, &datagram[8..])[..8]);
            assert_eq!(datagram[8 + 28..], *b"answer");

            pgw.apply(&Rule::StopSending {
                ue: UeAddress::v4(UE),
            })
            .unwrap();
            server.send_to(b"too late", (UE, 4000)).unwrap();
            until(|| {
                pgw.counters()
                    .dropped(Port::Tun, Direction::Received, Drop::NoTunnel)
                    > 0
            });
            nothing_arrives(&sgw);
            pgw.stop();
            assert!(
                !ip_succeeds("link show gtp-test"),
                "the device goes with the daemon"
            );
        },
    );
}

#[test]
fn rules_change_while_packets_flow() {
    in_namespace("rules_change_while_packets_flow", || {
        let sockets = [(Interface::S1u, SGW_S1U), (Interface::S5u, SGW_S5U)];
        let (sgw, _slow) = UserPlane::start(&config(&sockets, None)).unwrap();
        let pgw = peer(PGW);
        pgw.set_nonblocking(true).unwrap();
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            let flood = scope.spawn(|| {
                let enb = peer(ENB);
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let _ = enb.send_to(&gpdu(1, b"x"), (SGW_S1U, 2152));
                }
            });
            for round in 1..=50_u32 {
                sgw.apply(&relay(1, (Interface::S1u, ENB), (Interface::S5u, PGW), round))
                    .unwrap();
                // What was sent before the change may still lie in the socket; what is sent now is new.
                let mut octets = [0; 64];
                while pgw.recv_from(&mut octets).is_ok() {}
                let deadline = Instant::now() + PATIENCE;
                while pgw.recv_from(&mut octets).is_err() {
                    assert!(Instant::now() < deadline, "nothing is relayed in round {round}");
                }
                assert_eq!(octets[4..8], round.to_be_bytes());
                sgw.apply(&Rule::StopReceiving { teid: Teid(1) }).unwrap();
                while pgw.recv_from(&mut octets).is_ok() {}
                nothing_arrives(&pgw);
            }
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
            flood.join().unwrap();
        });
    });
}

#[test]
fn what_prevents_a_start_is_named_with_its_key() {
    in_namespace("what_prevents_a_start_is_named_with_its_key", || {
        let start = |sockets: &[(Interface, Ipv4Addr)], side| match UserPlane::start(&config(sockets, side)) {
            Ok(_) => panic!("it started"),
            Err(error) => error,
        };
        let elsewhere = start(&[(Interface::S1u, Ipv4Addr::new(192, 0, 2, 1))], None);
        assert!(
            matches!(elsewhere, StartError::AddressNotHere { .. }),
            "{elsewhere}"
        );
        assert_eq!(elsewhere.key(), "local_addresses.S1-U");

        let _taken = UdpSocket::bind((PGW, 2152)).unwrap();
        let in_use = start(&[(Interface::S5u, PGW)], None);
        assert!(
            matches!(in_use, StartError::PortInUse { port: 2152, .. }),
            "{in_use}"
        );

        ip("tuntap add dev gtp-test mode tun");
        let name = start(&[(Interface::S1u, ENB)], Some(Side::Ue));
        assert!(matches!(name, StartError::TunNameInUse { .. }), "{name}");
        assert_eq!(name.key(), "tun_name");
    });
}

/// Runs the test in a namespace of its own, with the loopback device up.
fn in_namespace(test: &str, body: impl FnOnce()) {
    if std::env::var_os("IN_NAMESPACE").is_some() {
        ip("link set lo up");
        return body();
    }
    let ways: [&[&str]; 2] = [&["--net"], &["--map-root-user", "--net"]];
    let Some(way) = ways.iter().find(|way| {
        let probe = Command::new("unshare")
            .args(**way)
            .args(["sh", "-c", "ip link && : </dev/net/tun"])
            .output();
        probe.is_ok_and(|output| output.status.success())
    }) else {
        eprintln!("skipped: {test}: needs `unshare --net` (root or user namespaces), `ip` and /dev/net/tun");
        return;
    };
    let status = Command::new("unshare")
        .args(*way)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("IN_NAMESPACE", "1")
        .status()
        .unwrap();
    assert!(status.success());
}

fn ip(arguments: &str) {
    assert!(ip_succeeds(arguments), "ip {arguments}");
}

fn ip_succeeds(arguments: &str) -> bool {
    let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
    output.status.success()
}

fn config(sockets: &[(Interface, Ipv4Addr)], side: Option<Side>) -> UserPlaneConfig {
    UserPlaneConfig {
        teid_key: TeidKey::new([1, 2, 3, 4]),
        sockets: sockets
            .iter()
            .map(|(on, address)| SocketConfig {
                on: *on,
                address: IpAddr::V4(*address),
                key: format!("local_addresses.{on}"),
            })
            .collect(),
        tun: side.map(|side| TunConfig {
            name: "gtp-test".to_owned(),
            side,
            mtu: None,
            key: "tun_name".to_owned(),
        }),
        offload: Offload::Full,
        queues: 1,
        filter: Default::default(),
        source_port_by_teid: false,
        port: 2152,
    }
}

fn peer(address: Ipv4Addr) -> UdpSocket {
    let socket = UdpSocket::bind((address, 2152)).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

fn receive(socket: &UdpSocket) -> (SocketAddr, Vec<u8>) {
    let mut octets = vec![0; 65_536];
    let (length, from) = socket.recv_from(&mut octets).unwrap();
    octets.truncate(length);
    (from, octets)
}

/// Loopback delivers before `send_to` returns, so that what is not there now does not come.
fn nothing_arrives(socket: &UdpSocket) {
    socket.set_nonblocking(true).unwrap();
    assert!(socket.recv_from(&mut [0; 100]).is_err());
}

fn next(slow: &mut Receiver<Slow>) -> (Interface, Vec<u8>) {
    match slow.blocking_recv() {
        Some(Slow::Datagram { on, octets, .. }) => (on, octets),
        other => panic!("a datagram, not {other:?}"),
    }
}

fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "it does not happen");
        std::thread::yield_now();
    }
}

fn relay(teid: u32, from: (Interface, Ipv4Addr), to: (Interface, Ipv4Addr), next: u32) -> Rule {
    Rule::Receive {
        teid: Teid(teid),
        on: from.0,
        from: Some(IpAddr::V4(from.1)),
        then: Then::Relay {
            on: to.0,
            to: (to.1, 2152).into(),
            teid: Teid(next),
        },
    }
}

fn gpdu(teid: u32, inner: &[u8]) -> Vec<u8> {
    let mut datagram = vec![0x30, 0xff];
    datagram.extend((inner.len() as u16).to_be_bytes());
    datagram.extend(teid.to_be_bytes());
    datagram.extend(inner);
    datagram
}

/// UDP in IPv4; no UDP checksum.
fn udp(from: (Ipv4Addr, u16), to: (Ipv4Addr, u16), payload: &[u8]) -> Vec<u8> {
    let length = 28 + payload.len() as u16;
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    packet.extend(from.0.octets());
    packet.extend(to.0.octets());
    let sum: u32 = packet
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1]))
        .sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    packet[10..12].copy_from_slice(&(!(sum as u16)).to_be_bytes());
    packet.extend(from.1.to_be_bytes());
    packet.extend(to.1.to_be_bytes());
    packet.extend((length - 20).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(payload);
    packet
}
