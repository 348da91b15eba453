//! What holds for a node that is fed any sequence of datagrams, from anybody, on any of its interfaces, at any pace.
//!
//! The first octet chooses the node. Then come steps: an octet that chooses interface, sender and how much time passes,
//! two octets of length, and the datagram.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use epc_codec::gtpv2c;
use epc_codec::gtpv2c::{EchoRequest, Message, RestartCounter, Sequence};
use epc_node::{Boot, Interface, Node, Output, TeidKey, WallClock};

/// Nobody sends more in one go.
const STEPS: usize = 64;
/// What comes in, and out for it, is bounded by this factor: a repeat or two, and one request for each session.
const OUTPUTS_A_STEP: usize = 4096;

pub(crate) const ENB: &str = "192.0.2.1";
pub(crate) const MME: &str = "192.0.2.2";
pub(crate) const SGW: &str = "192.0.2.3";
pub(crate) const PGW: &str = "192.0.2.4";
const STRANGER: &str = "192.0.2.66";

/// The keys and counter that the corpus was recorded with.
pub(crate) fn boot() -> Boot {
    Boot {
        clock: WallClock {
            at: Instant::now(),
            unix_millis: 1_700_000_000_000,
        },
        restart_counter: 7,
        user_teid_key: TeidKey::new([1, 2, 3, 4]),
        control_teid_key: TeidKey::new([5, 6, 7, 8]),
    }
}

pub(crate) fn enb_yaml() -> String {
    format!(
        "{{mcc: '001', mnc: '01', rat_type: 6, tai: 1, eci: 1, local_addresses: {{s1c_ip: {ENB}, s1u_ip: {ENB}}},
          mme_addr: '{MME}:36412', subscriber_range: {{imsi: '001010000000001', count: 2, type: none}}}}"
    )
}

pub(crate) fn mme_yaml() -> String {
    format!(
        "{{mcc: '001', mnc: '01', apn: internet, local_addresses: {{s1c_addr: '{MME}:36412', s11_ip: {MME}}},
          sgw_s11_ip: {SGW}, pgw_s5c_ip: {PGW}}}"
    )
}

pub(crate) fn sgw_yaml() -> String {
    format!("local_addresses: {{s11_ip: {SGW}, s1u_ip: {SGW}, s5c_ip: {SGW}, s5u_ip: {SGW}}}")
}

pub(crate) fn pgw_yaml() -> String {
    format!("local_addresses: {{s5c_ip: {PGW}, s5u_ip: {PGW}}}")
}

/// The node lives: nothing panics, nothing goes on for ever, and an Echo Request is answered at the end.
pub(crate) fn check(octets: &[u8]) {
    let Some((which, steps)) = octets.split_first() else {
        return;
    };
    let now = Instant::now();
    match which % 4 {
        0 => feed(enb::Enb::new(parsed(&enb_yaml()), boot(), now), steps, now, None),
        1 => feed(
            mme::Mme::new(parsed(&mme_yaml()), boot(), now),
            steps,
            now,
            Some((Interface::S11, SGW)),
        ),
        2 => feed(
            sgw::Sgw::new(parsed(&sgw_yaml()), boot(), now),
            steps,
            now,
            Some((Interface::S11, MME)),
        ),
        _ => feed(
            pgw::Pgw::new(parsed(&pgw_yaml()), boot(), now),
            steps,
            now,
            Some((Interface::S5c, SGW)),
        ),
    }
}

fn feed(mut node: impl Node, mut steps: &[u8], mut now: Instant, echo: Option<(Interface, &str)>) {
    for _ in 0..STEPS {
        let Some(([how, high, low], rest)) = steps.split_first_chunk() else {
            break;
        };
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (datagram, rest) = rest.split_at(length);
        steps = rest;
        // Up to 7 seconds pass: enough for T3, and with all steps for N3 and an Echo.
        now += Duration::from_secs(u64::from(how >> 5)) + Duration::from_millis(1);
        if node.poll_timeout().is_some_and(|at| at <= now) {
            node.handle_timeout(now);
        }
        drain(&mut node);
        let (on, sender) = from(*how);
        node.handle_datagram(on, sender, datagram, now);
        drain(&mut node);
    }
    let Some((on, peer)) = echo else { return };
    let request = Message::from(EchoRequest::new(RestartCounter(1))).encode(None, Sequence(0x12_3456));
    let peer = SocketAddr::new(peer.parse().expect("an address"), 2123);
    node.handle_datagram(on, peer, &request, now);
    let answered = outputs(&mut node).iter().any(|output| {
        matches!(output, Output::Transmit { to, datagram, .. }
            if *to == peer && gtpv2c::decode(datagram).is_ok_and(|packet| matches!(packet.message, Message::EchoResponse(_))))
    });
    assert!(answered, "an Echo Request got no answer");
}

/// The octet for a step, [`from`] backwards.
#[allow(dead_code, reason = "for who records a conversation")]
pub(crate) fn how(on: Interface, sender: &str, after: Duration) -> u8 {
    let choice = (0..16).find(|how| {
        let (interface, address) = from(*how);
        interface == on && address.ip().to_string() == sender
    });
    choice.unwrap_or(15) | (after.as_secs().min(7) as u8) << 5
}

/// Interface and sender of a step.
fn from(how: u8) -> (Interface, SocketAddr) {
    let (on, sender) = match how & 0x0f {
        0 => (Interface::S1Mme, ENB),
        1 => (Interface::S1Mme, MME),
        2 => (Interface::S11, MME),
        3 => (Interface::S11, SGW),
        4 => (Interface::S11, PGW),
        5 => (Interface::S5c, SGW),
        6 => (Interface::S5c, PGW),
        7 => (Interface::S1u, ENB),
        8 => (Interface::S1u, SGW),
        9 => (Interface::S5u, SGW),
        10 => (Interface::S5u, PGW),
        11 => (Interface::S1Mme, STRANGER),
        12 => (Interface::S11, STRANGER),
        13 => (Interface::S5c, STRANGER),
        14 => (Interface::S1u, STRANGER),
        _ => (Interface::S5u, STRANGER),
    };
    (
        on,
        SocketAddr::new(sender.parse().expect("an address"), on.port()),
    )
}

fn drain(node: &mut impl Node) {
    outputs(node);
}

fn outputs<N: Node>(node: &mut N) -> Vec<Output<N::Event>> {
    let outputs: Vec<_> = std::iter::from_fn(|| node.poll_output())
        .take(OUTPUTS_A_STEP)
        .collect();
    assert!(
        outputs.len() < OUTPUTS_A_STEP,
        "one step made the node say {OUTPUTS_A_STEP} things"
    );
    outputs
}

fn parsed<C: serde::de::DeserializeOwned>(yaml: &str) -> C {
    epc_driver::config::parse(yaml, "fuzz.yml").unwrap_or_else(|error| panic!("{error}"))
}
