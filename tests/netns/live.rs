//! What nobody should send, to daemons with live sessions: group by group, the daemons live, memory stays bounded, the
//! session passes traffic and the next attach works.
//!
//! The messages are made of those that the daemons say to each other here, under their own addresses and ports, so that
//! they come from whom they may come from, name sessions that exist, and get as deep as they can.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use epc_codec::gtpv1u;
use epc_codec::gtpv2c::MessageType;
use epc_codec::{Teid, gtpv2c};
use epc_lab::{Daemons, Epc, Forger, Node, ReferencePoint, wait_for, yaml};
use libtest_mimic::Failed;
use nix::sys::signal::Signal;

use crate::Test;
use crate::hostile::{expect_memory, memory};
use crate::lab::{Lab, Outcome, PATIENCE, expect, in_lab, sessions, silent};
use crate::mutations::Pieces;
use crate::restart::{MEGABYTE, Transfer};
use crate::wire::{Said, Session, Spy, at};

pub(crate) const TESTS: &[Test] = &[(
    "hostile_messages_to_live_sessions_leave_daemons_that_serve",
    hostile_messages_to_live_sessions_leave_daemons_that_serve,
)];

/// Whose session passes traffic, and whose is used for what may end it.
const LIVE: u32 = 1;
const VICTIM: u32 = 2;
/// Which subscriber attaches after the first group.
const NEXT: u32 = 16;
/// So many datagrams are sent before the receiver is waited for: fewer than its socket holds.
const BURST: usize = 100;

/// A datagram of a group: from, to, octets.
type Datagram = (SocketAddrV4, SocketAddrV4, Vec<u8>);

fn hostile_messages_to_live_sessions_leave_daemons_that_serve() -> Result<(), Failed> {
    in_lab("live", |lab| {
        let subscribers = [yaml::external(LIVE), silent(VICTIM, "")];
        lab.configure_enb(&subscribers)?;
        let links = [
            (Node::Mme, ReferencePoint::S1Mme),
            (Node::Sgw, ReferencePoint::S11),
            (Node::Sgw, ReferencePoint::S5c),
        ];
        let spy = Spy::start(lab, "live", &links)?;
        lab.start_all()?;
        lab.wait_for_sessions(2)?;
        lab.wait_for_ping()?;
        let known = Known {
            live: spy.session(&yaml::imsi(LIVE))?,
            victim: spy.session(&yaml::imsi(VICTIM))?,
            said: spy.said(),
        };
        let forger = |node| Ok::<_, epc_lab::Error>((node, Forger::new(lab.namespace(node))?));
        let mut attacked = Attacked {
            forgers: Daemons::NODES.into_iter().map(forger).collect::<Result<_, _>>()?,
            memory: memory(lab)?,
            transfer: Transfer::start(lab)?,
            subscribers: subscribers.into(),
            lab,
        };
        attacked.transfer.wait_for_more(MEGABYTE)?;
        let groups: [(&str, Vec<Datagram>); 9] = [
            ("datagrams of hardly an octet", tiny()),
            ("other versions", versions(&known)),
            ("responses that nobody asked for", unsolicited(&known)),
            ("messages in the wrong state and place", misplaced(&known)),
            (
                "GTP-U with extension headers and inner packets that lie",
                user_plane(&known),
            ),
            ("IEs that are wrong, missing and doubled", ies(&known)),
            ("many bearers, and deep ones", bearers(&known)),
            ("requests that interleave", interleaved(&known)),
            ("every message type for a session", types(&known)),
        ];
        for (name, datagrams) in groups {
            let count = datagrams.len();
            attacked
                .stands(&datagrams)
                .map_err(|error| format!("after {name}: {error}"))?;
            println!("{count} datagrams: {name}");
        }
        attacked.has_lost_nobody()?;
        // An Error Indication that these bring about, between nodes that mean it, ends sessions, and UEs attach again.
        let wrong_bits = s1ap(&known);
        attacked
            .stands(&wrong_bits)
            .map_err(|error| format!("after S1AP with wrong bits: {error}"))?;
        println!("{} datagrams: S1AP with wrong bits", wrong_bits.len());
        let (octets, gap) = attacked.transfer.finish()?;
        println!(
            "{octets} octets came meanwhile, longest gap {} ms",
            gap.as_millis()
        );
        Ok(())
    })
}

/// What was heard before the first group.
struct Known {
    live: Session,
    victim: Session,
    said: Vec<Said>,
}

struct Attacked<'a> {
    lab: &'a mut Lab,
    forgers: BTreeMap<Node, Forger>,
    memory: Vec<u64>,
    transfer: Transfer,
    subscribers: Vec<String>,
}

impl Attacked<'_> {
    /// Sends a group, all of which is read, and looks whether the daemons still serve.
    fn stands(&mut self, datagrams: &[Datagram]) -> Outcome {
        for burst in datagrams.chunks(BURST) {
            for (from, to, octets) in burst {
                let sender = Epc::owner(*from.ip()).ok_or("a sender that is no node")?;
                self.forgers[&sender].send(*from, *to, octets)?;
            }
            let receivers: BTreeSet<SocketAddrV4> = burst.iter().map(|(_, to, _)| *to).collect();
            for receiver in receivers {
                wait_until_read(self.lab, receiver)?;
            }
        }
        for node in Daemons::NODES {
            let ended = self.lab.process(node).exit_status()?;
            expect(ended.is_none(), || {
                format!("{} ended with {ended:?}", node.title())
            })?;
        }
        expect_memory(self.lab, &self.memory)?;
        self.transfer.wait_for_more(MEGABYTE)?;
        self.lab.wait_for_ping()?;
        self.attach_another()
    }

    fn attach_another(&mut self) -> Outcome {
        let number = NEXT + self.subscribers.len() as u32;
        self.subscribers.push(silent(number, ""));
        self.lab.configure_enb(&self.subscribers)?;
        self.lab.process(Node::Enb).signal(Signal::SIGHUP)?;
        let enb = self.lab.namespace(Node::Enb);
        let all = self.subscribers.len();
        wait_for("one more subscriber to attach", PATIENCE, || {
            // A group may have detached the victim for good; gateways may hold sessions that a group has opened.
            let expected = all - self.away()?;
            match sessions(enb, Node::Enb)? {
                found if found == expected as f64 => Ok(()),
                found => Err(format!("{found} are attached, not {expected}")),
            }
        })?;
        Ok(())
    }

    /// How many UEs were told not to come again.
    fn away(&self) -> Result<usize, String> {
        Ok(self.said_by_enb()?.matches(" attach_again=false").count())
    }

    fn said_by_enb(&self) -> Result<String, String> {
        std::fs::read_to_string(self.lab.file("enb.log")).map_err(|error| error.to_string())
    }

    /// Nobody but the victim had to leave, not even to come again.
    fn has_lost_nobody(&self) -> Outcome {
        let left = self.said_by_enb()?.matches(" detached ue=").count();
        let away = self.away()?;
        expect(left == away, || {
            format!("{left} UEs left, {away} of them for good")
        })
    }
}

/// The receiver's socket is empty, and has lost nothing for want of room.
fn wait_until_read(lab: &Lab, receiver: SocketAddrV4) -> Outcome {
    let node = Epc::owner(*receiver.ip()).ok_or("a receiver that is no node")?;
    let namespace = lab.namespace(node);
    let address = format!(
        "{:08X}:{:04X}",
        u32::from_ne_bytes(receiver.ip().octets()),
        receiver.port()
    );
    wait_for(&format!("{receiver} to read"), PATIENCE, || {
        let table = namespace.run(|| std::fs::read_to_string("/proc/thread-self/net/udp"));
        let table = table.map_err(|error| error.to_string())?;
        let socket = table
            .lines()
            .find(|line| line.split_whitespace().nth(1) == Some(&address));
        let socket = socket.ok_or_else(|| format!("no socket {address} in\n{table}"))?;
        let fields: Vec<&str> = socket.split_whitespace().collect();
        match (fields[4].rsplit(':').next(), fields.last()) {
            (Some("00000000"), Some(&"0")) => Ok(()),
            (_, Some(&"0")) => Err("not yet".to_owned()),
            _ => Err(format!("datagrams were lost: {socket}")),
        }
    })?;
    Ok(())
}

/// Every port that takes messages, with who sends there: sender, receiver.
fn ways() -> Vec<(SocketAddrV4, SocketAddrV4)> {
    let of = |link: ReferencePoint, a, b| [(at(link, a), at(link, b)), (at(link, b), at(link, a))];
    [
        of(ReferencePoint::S1Mme, Node::Enb, Node::Mme),
        of(ReferencePoint::S11, Node::Mme, Node::Sgw),
        of(ReferencePoint::S5c, Node::Sgw, Node::Pgw),
        of(ReferencePoint::S1u, Node::Enb, Node::Sgw),
        of(ReferencePoint::S5u, Node::Sgw, Node::Pgw),
    ]
    .concat()
}

fn everywhere(all: impl IntoIterator<Item = Vec<u8>> + Clone) -> Vec<Datagram> {
    let to_each = |(from, to)| all.clone().into_iter().map(move |octets| (from, to, octets));
    ways().into_iter().flat_map(to_each).collect()
}

fn tiny() -> Vec<Datagram> {
    let mut all = vec![vec![]];
    all.extend((0..=255).map(|octet| vec![octet]));
    for whole in [
        [0x48, 32, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0],
        [0x32, 255, 0, 4, 0, 0, 0, 1, 0, 1, 0, 0],
    ] {
        all.extend((2..12).map(|end| whole[..end].to_vec()));
    }
    everywhere(all)
}

fn versions(known: &Known) -> Vec<Datagram> {
    let mut all = Vec::new();
    for (from, to) in ways() {
        for teid in teids(known, to) {
            let [a, b, c, d] = teid.0.to_be_bytes();
            for version in [0, 1, 3, 4, 5, 6, 7] {
                for flags in [0, 8, 16, 18, 31] {
                    for message_type in [1, 2, 3, 32, 33, 36, 255] {
                        let flags = version << 5 | flags;
                        all.push((
                            from,
                            to,
                            vec![flags, message_type, 0, 8, a, b, c, d, 0x61, 0, 0, 0],
                        ));
                    }
                }
            }
        }
    }
    all
}

/// Every message type, without an IE and with one that nobody knows.
fn types(known: &Known) -> Vec<Datagram> {
    let mut all = Vec::new();
    let mut sequence = numbers(0x62_0000);
    for (from, to) in ways() {
        for teid in [teids(known, to)[1], Teid(0)] {
            let [a, b, c, d] = teid.0.to_be_bytes();
            for message_type in 0..=255 {
                let [_, x, y, z] = sequence().to_be_bytes();
                all.push((from, to, vec![0x48, message_type, 0, 8, a, b, c, d, x, y, z, 0]));
                let unknown = [
                    0x48,
                    message_type,
                    0,
                    14,
                    a,
                    b,
                    c,
                    d,
                    x,
                    y,
                    !z,
                    0,
                    255,
                    0,
                    2,
                    0,
                    0,
                    99,
                ];
                all.push((from, to, unknown.into()));
                // As GTP-U; without a packet in it.
                all.push((from, to, vec![0x32, message_type, 0, 4, a, b, c, d, y, z, 0, 0]));
            }
        }
    }
    all
}

/// Responses with the TEIDs of live sessions: such as were heard, with other sequence numbers, and short ones.
fn unsolicited(known: &Known) -> Vec<Datagram> {
    let mut all = Vec::new();
    let mut sequence = numbers(0x63_0000);
    let mut short = vec![0x48, 33, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0];
    for said in gtpc(known) {
        let (Some(from), Some(to)) = (v4(said.from), v4(said.to)) else {
            continue;
        };
        let is_response = MessageType(said.octets[1]).answer().is_none();
        let Some(mut pieces) = Pieces::of(&said.octets).filter(|_| is_response) else {
            continue;
        };
        for session in teids(known, to) {
            pieces.set_teid(session.0);
            all.push((from, to, pieces.octets(sequence())));
        }
        // Sequence numbers that may be in use.
        for number in (0..64).chain(said.octets[8..11].iter().map(|octet| u32::from(*octet))) {
            all.push((from, to, pieces.octets(number)));
            short[8..11].copy_from_slice(&number.to_be_bytes()[1..]);
            all.push((from, to, short.clone()));
        }
    }
    all
}

/// What was heard on one link, said on another one, in the other direction, and for sessions that are past that.
fn misplaced(known: &Known) -> Vec<Datagram> {
    let mut all = Vec::new();
    let mut sequence = numbers(0x64_0000);
    for said in gtpc(known) {
        let Some(mut pieces) = Pieces::of(&said.octets) else {
            continue;
        };
        // As it was said it would be a repeat, and the same session asked for anew is no mistake.
        let opens = said.octets[1] == MessageType::CREATE_SESSION_REQUEST.0;
        for (from, to) in ways() {
            let is_its_way = v4(said.from) == Some(from) && v4(said.to) == Some(to);
            if opens && is_its_way {
                continue;
            }
            // For the victim: at its place a Modify Bearer Request may be acted upon.
            for session in [teids(known, to)[1], Teid(0), Teid(0xdead_beef)] {
                pieces.set_teid(session.0);
                all.push((from, to, pieces.octets(sequence())));
            }
        }
    }
    all
}

/// The requests that were heard for the victim, with everything wrong that can be wrong with an IE.
fn ies(known: &Known) -> Vec<Datagram> {
    let mut sequence = numbers(0x65_0000);
    let mut all = Vec::new();
    for (from, to, pieces) in requests_of_victim(known) {
        let mutations = pieces.mutations(&mut sequence);
        all.extend(mutations.into_iter().map(|octets| (from, to, octets)));
    }
    all
}

fn bearers(known: &Known) -> Vec<Datagram> {
    let mut sequence = numbers(0x66_0000);
    let mut all = Vec::new();
    for (from, to, pieces) in requests_of_victim(known) {
        for count in [0, 2, 11, 12, 14] {
            all.push((from, to, pieces.with_bearers(count).octets(sequence())));
        }
        for depth in [1, 2, 16, 100, 200] {
            all.push((from, to, pieces.with_nested_bearers(depth).octets(sequence())));
        }
    }
    all
}

/// The victim's requests, each twice at once with different numbers, and all of them between the two.
fn interleaved(known: &Known) -> Vec<Datagram> {
    let mut sequence = numbers(0x67_0000);
    let requests = requests_of_victim(known);
    let mut all = Vec::new();
    for _ in 0..20 {
        for (from, to, pieces) in requests.iter().chain(requests.iter().rev()) {
            let number = sequence();
            let octets = pieces.octets(number);
            all.push((*from, *to, octets.clone()));
            all.push((*from, *to, pieces.octets(sequence())));
            // Another request with the same number, and the first one again.
            all.push((*from, *to, pieces.with_bearers(2).octets(number)));
            all.push((*from, *to, octets));
        }
    }
    all
}

/// On S1-MME: what was heard of UEs, with one bit wrong, and again. S1 Setup and Reset are let be, for those are the eNB's
/// right.
fn s1ap(known: &Known) -> Vec<Datagram> {
    const OF_THE_ENB: [u8; 4] = [14, 17, 29, 30];
    let mut all = Vec::new();
    for said in &known.said {
        let (Some(from), Some(to)) = (v4(said.from), v4(said.to)) else {
            continue;
        };
        let on_s1 = from.port() == 36412 && to.port() == 36412;
        let of_ue = said
            .octets
            .get(1)
            .is_some_and(|procedure| !OF_THE_ENB.contains(procedure));
        if !on_s1 || !of_ue {
            continue;
        }
        all.push((from, to, said.octets.clone()));
        for end in 0..said.octets.len() {
            all.push((from, to, said.octets[..end].to_vec()));
        }
        for bit in 0..said.octets.len() * 8 {
            let mut wrong = said.octets.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            // Nor does an eNB that resets by mistake make one.
            if wrong
                .get(1)
                .is_some_and(|procedure| !OF_THE_ENB.contains(procedure))
            {
                all.push((from, to, wrong));
            }
        }
    }
    all
}

/// For the tunnel that passes traffic, from its peer.
fn user_plane(known: &Known) -> Vec<Datagram> {
    let mut all = Vec::new();
    let ue = Ipv4Addr::from([10, 0, 3, 201]);
    for (from, to) in ways().into_iter().filter(|(_, to)| to.port() == 2152) {
        let teid = teids(known, to)[0];
        let mut gpdu = |inner: &[u8]| {
            all.push((
                from,
                to,
                [&gtpv1u::gpdu_header(teid, inner.len())[..], inner].concat(),
            ));
        };
        for inner in inner_packets(ue) {
            gpdu(&inner);
        }
        let [a, b, c, d] = teid.0.to_be_bytes();
        let header = |flags, kind, length| vec![flags, kind, 0, length, a, b, c, d];
        let mut whole = |header: Vec<u8>, rest: &[u8]| all.push((from, to, [&header[..], rest].concat()));
        // Extension headers: of length 0, without an end, cut off, many; and flags of which all bring four octets.
        for flags in 0x30..=0x3f {
            whole(header(flags, 255, 8), &[0, 1, 0, 0x85, 0, 0, 0, 0]);
            whole(header(flags, 255, 8), &[0, 1, 0, 0x85, 1, 0, 0, 0x85]);
            whole(header(flags, 255, 4), &[0, 1, 0, 0x40]);
            whole(header(flags, 255, 3), &[0, 1, 0]);
            whole(header(flags, 255, 0), &[]);
            let chain = [&[0, 1, 0, 0x32][..], &[1, 0, 0, 0x32].repeat(60)].concat();
            whole(header(flags, 255, chain.len() as u8), &chain);
        }
        for length in [0, 1, 7, 100, 255] {
            whole(header(0x30, 255, length), &[0x45; 20]);
        }
        // Error Indication and its like without, with half of, and with wrong IEs.
        for kind in [1, 2, 26, 31, 253, 254] {
            whole(header(0x32, kind, 4), &[0, 1, 0, 0]);
            whole(header(0x32, kind, 6), &[0, 1, 0, 0, 16, 0]);
            whole(
                header(0x32, kind, 16),
                &[0, 1, 0, 0, 16, 0, 0, 0, 0, 133, 0, 4, 0, 0, 0, 0],
            );
            whole(header(0x32, kind, 8), &[0, 1, 0, 0, 133, 0xff, 0xff, 0]);
            whole(header(0x32, kind, 8), &[0, 1, 0, 0, 141, 4, 0xc0, 0x40]);
        }
    }
    all
}

/// Inner packets whose lengths lie, and IPv6 with chains of extension headers.
fn inner_packets(ue: Ipv4Addr) -> Vec<Vec<u8>> {
    let [a, b, c, d] = ue.octets();
    let good = [
        0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, a, b, c, d, 10, 0, 1, 80, 0, 9, 0, 9, 0, 8, 0, 0,
    ];
    let mut all = vec![vec![], vec![0x45], vec![0x60]];
    for end in 0..good.len() {
        all.push(good[..end].to_vec());
    }
    for (place, value) in [
        (0, 0x40),
        (0, 0x44),
        (0, 0x4f),
        (0, 0x15),
        (0, 0xf5),
        (2, 0xff),
        (3, 0),
        (3, 19),
        (3, 27),
        (3, 29),
        (3, 0xff),
        (6, 0x20),
        (6, 0x3f),
        (7, 0xff),
        (9, 6),
        (9, 1),
        (9, 0xff),
        (24, 0xff),
        (25, 0),
        (25, 7),
    ] {
        let mut bad = good.to_vec();
        bad[place] = value;
        all.push(bad);
    }
    let options = |next: u8, length: u8| [next, length, 1, 4, 0, 0, 0, 0];
    let v6 = |next: u8, length: u16, rest: &[u8]| {
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend(length.to_be_bytes());
        packet.extend([next, 64]);
        packet.extend([0x20; 32]);
        packet.extend(rest);
        packet
    };
    for next in [0, 43, 44, 51, 60, 59, 17, 58] {
        for count in [1, 8, 9, 40] {
            let chain = options(next, 0).repeat(count);
            all.push(v6(next, chain.len() as u16, &chain));
        }
        all.push(v6(next, 8, &options(next, 0xff)));
        all.push(v6(next, 3, &[next, 0, 0]));
        all.push(v6(next, 0, &[]));
        all.push(v6(next, 0xffff, &options(next, 0)));
    }
    all
}

/// What was said on S11 and S5-C, Echo aside.
fn gtpc(known: &Known) -> impl Iterator<Item = &Said> {
    known
        .said
        .iter()
        .filter(|said| said.to.port() == 2123 && said.octets.len() > 12 && said.octets[1] > 3)
}

/// Modify Bearer, Create Session and Delete Session Requests for the victim, the last ones made here: it has not left yet.
fn requests_of_victim(known: &Known) -> Vec<(SocketAddrV4, SocketAddrV4, Pieces)> {
    let mut requests = Vec::new();
    let imsi = yaml::imsi(VICTIM).parse().ok();
    for said in gtpc(known) {
        let (Some(from), Some(to), Ok(packet)) = (v4(said.from), v4(said.to), gtpv2c::decode(&said.octets))
        else {
            continue;
        };
        let of_victim = match packet.message {
            gtpv2c::Message::CreateSessionRequest(request) => request.imsi == imsi,
            gtpv2c::Message::ModifyBearerRequest(_) => packet.header.teid == Some(known.victim.sgw_s11),
            _ => false,
        };
        requests.extend(
            Pieces::of(&said.octets)
                .filter(|_| of_victim)
                .map(|pieces| (from, to, pieces)),
        );
    }
    // Those that keep it first.
    requests.reverse();
    let s11 = (
        at(ReferencePoint::S11, Node::Mme),
        at(ReferencePoint::S11, Node::Sgw),
    );
    let s5c = (
        at(ReferencePoint::S5c, Node::Sgw),
        at(ReferencePoint::S5c, Node::Pgw),
    );
    let back = |(from, to)| (to, from);
    for (kind, (from, to), teid) in [
        (36, s11, known.victim.sgw_s11),
        (36, s5c, known.victim.pgw_s5c),
        (99, back(s5c), known.victim.sgw_s11),
        (99, back(s11), known.victim.mme_s11),
    ] {
        let [a, b, c, d] = teid.0.to_be_bytes();
        // Linked EBI, Cause, ULI with a TAI and an ECGI, Indication.
        let mut octets = vec![0x48, kind, 0, 0, a, b, c, d, 0, 0, 0, 0];
        octets.extend([73, 0, 1, 0, 5, 2, 0, 2, 0, 2, 0]);
        octets.extend([
            86, 0, 13, 0, 0x18, 0x00, 0xf1, 0x10, 0, 1, 0x00, 0xf1, 0x10, 0, 0, 0, 1, 77, 0, 2, 0, 8, 0,
        ]);
        requests.extend(Pieces::of(&octets).map(|pieces| (from, to, pieces)));
    }
    requests
}

/// The receiver's own TEIDs of the live session and of the victim's.
fn teids(known: &Known, receiver: SocketAddrV4) -> [Teid; 2] {
    let receiver = *receiver.ip();
    [known.live, known.victim].map(|session| {
        let ends = [
            (ReferencePoint::S11, Node::Mme, session.mme_s11),
            (ReferencePoint::S11, Node::Sgw, session.sgw_s11),
            (ReferencePoint::S5c, Node::Sgw, session.sgw_s11),
            (ReferencePoint::S5c, Node::Pgw, session.pgw_s5c),
            (ReferencePoint::S1u, Node::Enb, session.enb_s1u),
            (ReferencePoint::S1u, Node::Sgw, session.sgw_s1u),
            (ReferencePoint::S5u, Node::Sgw, session.sgw_s5u),
            (ReferencePoint::S5u, Node::Pgw, session.pgw_s5u),
        ];
        let end = ends
            .iter()
            .find(|(link, node, _)| link.address(*node) == receiver);
        end.map_or(Teid(0), |(_, _, teid)| *teid)
    })
}

/// Sequence numbers that the daemons do not use soon.
fn numbers(mut next: u32) -> impl FnMut() -> u32 {
    move || {
        next += 1;
        next
    }
}

fn v4(address: SocketAddr) -> Option<SocketAddrV4> {
    match address {
        SocketAddr::V4(v4) => Some(v4),
        SocketAddr::V6(_) => None,
    }
}
