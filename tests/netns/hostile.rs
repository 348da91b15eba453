//! Loss, floods, and what nobody should send: the daemons live, sessions pass traffic, and the next attach works.

use std::fs;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use epc_codec::Teid;
use epc_codec::gtpv2c::{
    self, CreateSessionRequest, EchoResponse, Fteid, InterfaceType, Message, ModifyBearerRequest,
    RestartCounter, Sequence,
};
use epc_lab::{Namespace, Node, ReferencePoint, wait_for, yaml};
use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use crate::Test;
use crate::lab::{Lab, Outcome, PATIENCE, WATCHFUL_GTP, expect, in_lab, silent};
use crate::wire::Spy;

pub(crate) const TESTS: &[Test] = &[
    (
        "thousand_subscribers_attach_although_a_third_is_lost",
        thousand_subscribers_attach_although_a_third_is_lost,
    ),
    (
        "others_attach_while_a_peer_floods",
        others_attach_while_a_peer_floods,
    ),
    (
        "others_attach_while_a_peer_opens_sessions_beyond_its_quota",
        others_attach_while_a_peer_opens_sessions_beyond_its_quota,
    ),
    (
        "malformed_messages_on_every_port_leave_daemons_that_serve",
        malformed_messages_on_every_port_leave_daemons_that_serve,
    ),
];

const MANY: u32 = 1000;
/// Repeats come soon, and silence is not taken for death.
const QUICK_GTP: &str = "gtp_c: { t3_response: 0.5, n3_requests: 8 }\n";
const QUICK_S1AP: &str = "s1ap: { retry_interval: 0.5, max_attempts: 12 }\n";
/// The malformed messages of the collection; not part of the project.
const MALFORMED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../shared/vectors/malformed.jsonl"
);
/// Octets that a daemon may grow by while it is bothered: buffers and tables, but not what was sent to it.
const GROWTH: u64 = 64 << 20;

/// Three of ten packets are lost on S1-MME, S11 and S5-C, in both directions.
fn thousand_subscribers_attach_although_a_third_is_lost() -> Result<(), Failed> {
    if let Err(error) = Command::new("nft").arg("--version").output() {
        println!("netns: skipped the loss of packets: nft (Debian's package nftables): {error}");
        return Ok(());
    }
    in_lab("loss", |lab| {
        let lossy = [
            (Node::Enb, ReferencePoint::S1Mme),
            (Node::Mme, ReferencePoint::S1Mme),
            (Node::Mme, ReferencePoint::S11),
            (Node::Sgw, ReferencePoint::S11),
            (Node::Sgw, ReferencePoint::S5c),
            (Node::Pgw, ReferencePoint::S5c),
        ];
        for (node, point) in lossy {
            lose(lab.namespace(node), point.device(), lab.directory())?;
        }
        let enb = yaml::enb(&[]) + &yaml::silent(1, MANY) + "attach: { max_in_flight: 1000 }\n";
        lab.configure(Node::Enb, &(enb + QUICK_S1AP))?;
        lab.configure(Node::Mme, &(yaml::mme() + QUICK_GTP + QUICK_S1AP))?;
        lab.configure(Node::Sgw, &(yaml::sgw() + QUICK_GTP))?;
        lab.configure(Node::Pgw, &(yaml::pgw() + QUICK_GTP))?;
        lab.start_all()?;
        lab.wait_for_sessions(MANY)?;
        let repeated = lab
            .metrics(Node::Sgw)?
            .value("sgw_messages_repeated_total")
            .unwrap_or(0.0);
        expect(repeated > 0.0, || "nothing was lost".to_owned())
    })
}

/// Loses three of ten packets that come in at this device.
fn lose(namespace: &Namespace, device: &str, directory: &Path) -> Outcome {
    let mut nft = Command::new("nft");
    nft.arg(format!(
        "add table inet loss; add chain inet loss {device} {{ type filter hook input priority 0; }}; \
         add rule inet loss {device} iifname {device} numgen random mod 10 < 3 counter drop"
    ));
    let log = directory.join(format!("nft-{device}.log"));
    let status = namespace.spawn("nft", nft, &log)?.wait(PATIENCE)?;
    expect(status.success(), || {
        let said = fs::read_to_string(&log).unwrap_or_default();
        format!("nft ended with {status}: {said}")
    })
}

/// A second "MME", on the MME's link, sends Create Session Requests and Echo Requests as fast as it can.
fn others_attach_while_a_peer_floods() -> Result<(), Failed> {
    in_lab("flood", |lab| {
        lab.configure_enb(&[yaml::external(1)])?;
        lab.start_all()?;
        lab.wait_for_sessions(1)?;
        lab.wait_for_ping()?;
        let before = memory(lab)?;
        let flooder: IpAddr = [172, 22, 0, 66].into();
        let link = ReferencePoint::S11;
        lab.namespace(Node::Mme)
            .add_address(link.device(), format!("{flooder}/24").parse()?)?;
        let to = SocketAddr::from((link.address(Node::Sgw), 2123));
        let mme = lab.namespace(Node::Mme).clone();
        let socket = mme.run(|| UdpSocket::bind((flooder, 2123)))?;
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| -> Outcome {
            scope.spawn(|| flood(&socket, to, &over));
            let outcome = (|| {
                lab.configure_enb(&[yaml::external(1), silent(2, ""), silent(3, "")])?;
                lab.process(Node::Enb).signal(Signal::SIGHUP)?;
                lab.wait_for_sessions_at(&[Node::Enb, Node::Mme], 3)?;
                lab.wait_for_ping()
            })();
            over.store(true, Ordering::Relaxed);
            outcome
        })?;
        expect_memory(lab, &before)
    })
}

/// Every message with a sequence number of its own, until it is over. That the socket's buffer is full is no error here.
fn flood(socket: &UdpSocket, to: SocketAddr, over: &AtomicBool) {
    let mut sequence = 0u32;
    while !over.load(Ordering::Relaxed) {
        sequence = sequence.wrapping_add(1);
        let [_, a, b, c] = sequence.to_be_bytes();
        // Create Session Request without an IE, Delete Session Request for a guessed session, Echo Request.
        let create = [0x48, 32, 0, 8, 0, 0, 0, 0, a, b, c, 0];
        let delete = [0x48, 36, 0, 13, 9, a, b, c, a, b, c, 0, 73, 0, 1, 0, 5];
        let echo = [0x40, 1, 0, 9, a, b, c, 0, 3, 0, 1, 0, 1];
        for datagram in [&create[..], &delete, &echo] {
            let _ = socket.send_to(datagram, to);
        }
    }
}

/// A second "MME" asks for sessions that are as good as any until it has its quota, at the S-GW; beyond it is refused. The
/// first one's eNB attaches more subscribers meanwhile.
fn others_attach_while_a_peer_opens_sessions_beyond_its_quota() -> Result<(), Failed> {
    const QUOTA: u32 = 300;
    in_lab("quota", |lab| {
        let keys = format!("max_sessions: {}\nmax_sessions_per_peer: {QUOTA}\n", QUOTA + 3);
        lab.configure(Node::Sgw, &(yaml::sgw() + WATCHFUL_GTP + &keys))?;
        lab.configure_enb(&[yaml::external(1)])?;
        let spy = Spy::start(lab, "quota", &[(Node::Sgw, ReferencePoint::S11)])?;
        lab.start_all()?;
        lab.wait_for_sessions(1)?;
        lab.wait_for_ping()?;
        let asked =
            spy.said()
                .into_iter()
                .find_map(|said| match gtpv2c::decode(&said.octets).ok()?.message {
                    Message::CreateSessionRequest(request) => Some(*request),
                    _ => None,
                });
        let asked = asked.ok_or("no Create Session Request was heard")?;
        let flooder: IpAddr = [172, 22, 0, 66].into();
        let link = ReferencePoint::S11;
        let mme = lab.namespace(Node::Mme).clone();
        mme.add_address(link.device(), format!("{flooder}/24").parse()?)?;
        let to = SocketAddr::from((link.address(Node::Sgw), 2123));
        let socket = mme.run(|| UdpSocket::bind((flooder, 2123)))?;
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| -> Outcome {
            scope.spawn(|| open_sessions(&socket, to, &asked, flooder, &over));
            let outcome = (|| {
                wait_for("refusals with cause 73", PATIENCE, || {
                    let metrics = lab.metrics(Node::Sgw).map_err(|error| error.to_string())?;
                    let refused = metrics.value_where("sgw_requests_refused_total", "cause=\"73\"");
                    refused
                        .filter(|count| *count >= 100.0)
                        .ok_or_else(|| format!("{refused:?}"))
                })?;
                lab.configure_enb(&[yaml::external(1), silent(2, ""), silent(3, "")])?;
                lab.process(Node::Enb).signal(Signal::SIGHUP)?;
                lab.wait_for_sessions_at(&[Node::Enb, Node::Mme], 3)?;
                lab.wait_for_sessions_at(&[Node::Sgw], QUOTA + 3)?;
                lab.wait_for_ping()
            })();
            over.store(true, Ordering::Relaxed);
            outcome
        })
    })
}

/// Asks for the session of another subscriber each time, and takes it into use when it is there.
fn open_sessions(
    socket: &UdpSocket,
    to: SocketAddr,
    like: &CreateSessionRequest,
    from: IpAddr,
    over: &AtomicBool,
) {
    let mut buffer = [0; 1500];
    let _ = socket.set_read_timeout(Some(Duration::from_millis(100)));
    for number in 1.. {
        if over.load(Ordering::Relaxed) {
            return;
        }
        let mut request = like.clone();
        request.imsi = format!("00101{:010}", 5_000_000 + number).parse().ok();
        request.sender_fteid = Fteid::new(InterfaceType::S11_MME_GTP_C, Teid(number), from);
        request.paa = None;
        let datagram = Message::from(request).encode(Some(Teid(0)), Sequence(number % 0x7f_ffff));
        let _ = socket.send_to(&datagram, to);
        // What else comes is an Echo Request or a repeat.
        let Ok((length, _)) = socket.recv_from(&mut buffer) else {
            continue;
        };
        let Ok(packet) = gtpv2c::decode(&buffer[..length]) else {
            continue;
        };
        match packet.message {
            Message::CreateSessionResponse(response) if response.cause.is_accepted() => {
                let Some(sgw) = response.sender_fteid else {
                    continue;
                };
                let modify = ModifyBearerRequest::new();
                let datagram = Message::from(modify).encode(Some(sgw.teid), Sequence(number | 0x40_0000));
                let _ = socket.send_to(&datagram, to);
            }
            Message::EchoRequest(_) => {
                let answer = EchoResponse::new(like.recovery.unwrap_or(RestartCounter(1)));
                let datagram = Message::from(answer).encode(None, packet.header.sequence);
                let _ = socket.send_to(&datagram, to);
            }
            _ => {}
        }
    }
}

/// The collection, and what it lacks, from the peers' own addresses and to every port.
fn malformed_messages_on_every_port_leave_daemons_that_serve() -> Result<(), Failed> {
    in_lab("malformed", |lab| {
        let mut datagrams: Vec<Vec<u8>> = match fs::read_to_string(MALFORMED) {
            Ok(text) => text.lines().filter_map(hex_of).collect(),
            Err(error) => {
                println!("netns: the collection of malformed messages is not there: {error}");
                Vec::new()
            }
        };
        datagrams.extend(by_hand());
        lab.configure_enb(&[yaml::external(1), silent(2, "")])?;
        lab.start_all()?;
        lab.wait_for_sessions(2)?;
        lab.wait_for_ping()?;
        let before = memory(lab)?;
        let ports = [
            (Node::Mme, ReferencePoint::S1Mme, Node::Enb, 36412),
            (Node::Enb, ReferencePoint::S1Mme, Node::Mme, 36412),
            (Node::Mme, ReferencePoint::S11, Node::Sgw, 2123),
            (Node::Sgw, ReferencePoint::S11, Node::Mme, 2123),
            (Node::Sgw, ReferencePoint::S5c, Node::Pgw, 2123),
            (Node::Pgw, ReferencePoint::S5c, Node::Sgw, 2123),
            (Node::Enb, ReferencePoint::S1u, Node::Sgw, 2152),
            (Node::Sgw, ReferencePoint::S1u, Node::Enb, 2152),
            (Node::Sgw, ReferencePoint::S5u, Node::Pgw, 2152),
            (Node::Pgw, ReferencePoint::S5u, Node::Sgw, 2152),
        ];
        for (to, link, from, port) in ports {
            let target = SocketAddr::from((link.address(to), port));
            // The neighbour's namespace, and a port of its own: nobody there waits for an answer.
            let socket = lab
                .namespace(from)
                .clone()
                .run(|| UdpSocket::bind((link.address(from), 0)))?;
            for datagram in &datagrams {
                let _ = socket.send_to(datagram, target);
            }
        }
        lab.wait_for_ping()?;
        lab.configure_enb(&[yaml::external(1), silent(2, ""), silent(3, "")])?;
        lab.process(Node::Enb).signal(Signal::SIGHUP)?;
        // The gateways may hold sessions that whole messages of the collection have opened.
        lab.wait_for_sessions_at(&[Node::Enb, Node::Mme], 3)?;
        lab.wait_for_ping()?;
        expect_memory(lab, &before)
    })
}

/// What the collection may lack.
fn by_hand() -> Vec<Vec<u8>> {
    let mut all = vec![
        vec![],
        vec![0x48],
        // A 12-octet Create Session Response with TEID 0.
        vec![0x48, 33, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0],
        // Error Indication without IEs; a G-PDU whose extension header has length 0.
        vec![0x32, 26, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0],
        vec![0x34, 255, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0x85, 0, 0, 0, 0],
        // A length beyond the end, and a grouped IE that is longer than its parent.
        vec![0x48, 32, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 2, 0],
        vec![0x48, 32, 0, 16, 0, 0, 0, 0, 0, 0, 3, 0, 93, 0, 4, 0, 73, 0, 99, 0],
    ];
    // Other versions, to GTP-C and GTP-U alike, and every message type.
    for version in [0, 1, 3, 4, 5, 6, 7] {
        all.push(vec![version << 5 | 8, 1, 0, 8, 0, 0, 0, 0, 0, 0, 4, 0]);
    }
    for message_type in 0..=255 {
        all.push(vec![0x48, message_type, 0, 8, 0, 0, 0, 1, 0, 0, 5, 0]);
        all.push(vec![0x32, message_type, 0, 4, 0, 0, 0, 1, 0, 6, 0, 0]);
    }
    // More than 11 bearers.
    let bearer = [93, 0, 5, 0, 73, 0, 1, 0, 5];
    let mut many = vec![0x48, 34, 0, 0, 0, 0, 0, 1, 0, 0, 7, 0];
    many.extend(bearer.repeat(40));
    let length = (many.len() - 4) as u16;
    many[2..4].copy_from_slice(&length.to_be_bytes());
    all.push(many);
    all
}

fn hex_of(line: &str) -> Option<Vec<u8>> {
    let item: serde_json::Value = serde_json::from_str(line).ok()?;
    let hex = item["hex"].as_str()?;
    let octet = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    (0..hex.len()).step_by(2).map(octet).collect()
}

const DAEMONS: [Node; 4] = [Node::Enb, Node::Mme, Node::Sgw, Node::Pgw];

/// Resident memory of each daemon.
pub(crate) fn memory(lab: &mut Lab) -> Outcome<Vec<u64>> {
    let of = |node| lab.process(node).resident_memory();
    let all: Option<Vec<u64>> = DAEMONS.into_iter().map(of).collect();
    Ok(all.ok_or("a daemon is gone")?)
}

pub(crate) fn expect_memory(lab: &mut Lab, before: &[u64]) -> Outcome {
    let after = memory(lab)?;
    for (node, (before, after)) in DAEMONS.iter().zip(before.iter().zip(&after)) {
        expect(*after < before + GROWTH, || {
            format!("{} grew from {before} to {after} octets", node.title())
        })?;
    }
    Ok(())
}
