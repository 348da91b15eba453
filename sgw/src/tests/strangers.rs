//! Whom the S-GW hears, and what it lets each of them do.

use std::net::IpAddr;

use epc_codec::gtpv1u::Gpdu;
use epc_codec::gtpv2c::{IntegerNumber, MillisecondTimeStamp};
use prometheus_client::registry::Registry;

use super::*;

const LISTS: &str = "
local_addresses: {s11_ip: 192.0.2.2, s1u_ip: 203.0.113.2, s5c_ip: 198.51.100.2, s5u_ip: 198.51.100.2}
mme_networks: [192.0.2.0/28]
enb_networks: [203.0.113.0/28]
pgw_networks: [198.51.100.0/28]
";
const STRANGER: &str = "192.0.2.66:2123";

#[test]
fn lists_say_who_is_heard_on_each_interface() {
    let mut net = Net::with(LISTS);
    let gtpc = echo_request();
    let gtpu = gtpv1u::Message::from(gtpv1u::EchoRequest::default()).encode(&gtpv1u::Header::path(1));
    let lists = [
        (Interface::S11, &gtpc, "192.0.2.1:2123", "192.0.2.66:2123"),
        (Interface::S5c, &gtpc, "198.51.100.3:2123", "198.51.100.66:2123"),
        (Interface::S1u, &gtpu, "203.0.113.4:2152", "203.0.113.66:2152"),
        (Interface::S5u, &gtpu, "198.51.100.4:2152", "198.51.100.66:2152"),
    ];
    for (on, echo, inside, outside) in lists {
        net.sgw.handle_datagram(on, addr(inside), echo, net.now);
        assert_eq!(net.outputs().len(), 1, "{inside} on {on}");
        net.sgw.handle_datagram(on, addr(outside), echo, net.now);
        assert_eq!(net.outputs(), [], "{outside} on {on}");
    }
    let request = Message::from(create_session_request()).encode(Some(Teid(0)), Sequence(1));
    net.sgw
        .handle_datagram(Interface::S11, addr(STRANGER), &request, net.now);
    let gpdu = unknown_tunnel();
    net.sgw
        .handle_datagram(Interface::S5u, addr("198.51.100.66:2152"), &gpdu, net.now);
    assert_eq!(net.outputs(), []);
    assert_eq!(net.counter("messages_discarded_total{reason=\"stranger\"}"), 6);
    net.is_empty();
}

#[test]
fn peers_that_are_named_must_be_in_the_lists_as_well() {
    let mut net = Net::with(LISTS);
    let elsewhere: IpAddr = "203.0.113.66".parse().unwrap();
    let of_mme = Fteid::new(InterfaceType::S11_MME_GTP_C, Teid(0x11), elsewhere);
    let of_pgw = Fteid::new(InterfaceType::S5_S8_PGW_GTP_C, Teid(0), elsewhere);
    let base = create_session_request();
    let by_mme = CreateSessionRequest {
        sender_fteid: of_mme,
        ..base.clone()
    };
    let by_pgw = CreateSessionRequest {
        pgw_s5c_fteid: Some(of_pgw),
        ..base
    };
    for (sequence, request) in [(1, by_mme), (2, by_pgw)] {
        net.mme_asks(sequence, Teid(0), request);
        let instance = sequence as u8 - 1;
        assert_eq!(
            net.only_cause(),
            Cause::new(CauseValue::REQUEST_REJECTED).with_offending(IeType::F_TEID, instance)
        );
    }
    net.is_empty();

    // A P-GW in the list that names a tunnel end outside of it: what it made is undone.
    net.mme_asks(3, Teid(0), create_session_request());
    let asked = net.outputs();
    let mut response = net.accepting(&asked[0]);
    response.bearer_contexts[0].pgw_s5u_fteid =
        Some(Fteid::new(InterfaceType::S5_S8_PGW_GTP_U, Teid(0x5a), elsewhere));
    net.pgw_answers(to_peer(&asked[0], PGW).0, net.sgw_s5c, response);
    let outputs = net.outputs();
    let (_, Message::DeleteSessionRequest(_)) = to_peer(&outputs[0], PGW) else {
        panic!("{outputs:#?}")
    };
    let (_, Message::CreateSessionResponse(refused)) = to_peer(&outputs[1], MME) else {
        panic!("{outputs:#?}")
    };
    assert_eq!(refused.cause.value, CauseValue::INVALID_REPLY_FROM_REMOTE_PEER);

    // An eNB outside of the list: the downlink stays where it is.
    let (sgw_s11, _) = net.create_session(4);
    net.move_to(5, sgw_s11, "203.0.113.66:2152", 0xe1);
    let outputs = net.outputs();
    let [answer] = &outputs[..] else {
        panic!("no rule is wanted: {outputs:#?}")
    };
    assert_eq!(
        cause_of(&to_peer(answer, MME).1).value,
        CauseValue::REQUEST_REJECTED
    );
}

#[test]
fn requests_count_on_their_own_interface_only() {
    let mut net = Net::new();
    let (sgw_s11, _) = net.create_session(1);
    let request = DeleteBearerRequest {
        linked_ebi: Some(Ebi(5)),
        ..DeleteBearerRequest::new()
    };
    net.mme_asks(2, sgw_s11, request);
    assert_eq!(
        net.only_cause().value,
        CauseValue::SERVICE_NOT_SUPPORTED,
        "the P-GW's, from the MME"
    );
    let teid = net.sgw_s5c;
    for message in of_mme() {
        net.pgw_asks(9, teid, message);
        assert_eq!(
            net.only_cause().value,
            CauseValue::SERVICE_NOT_SUPPORTED,
            "the MME's, from the P-GW"
        );
    }
    assert_eq!(net.sgw.sessions.len(), 1);
}

#[test]
fn nobody_but_its_mme_and_its_pgw_touches_a_session() {
    let mut net = Net::new();
    let (sgw_s11, _) = net.create_session(1);
    let before = net.sgw.sessions.get(sgw_s11).cloned();
    let by_another_pgw = DeleteBearerRequest {
        linked_ebi: Some(Ebi(5)),
        cause: Some(Cause::new(CauseValue::REACTIVATION_REQUESTED)),
        ..DeleteBearerRequest::new()
    };
    let mut cases: Vec<(Interface, &str, Message)> = of_mme()
        .into_iter()
        .map(|message| (Interface::S11, STRANGER, message))
        .collect();
    cases.push((Interface::S5c, "198.51.100.66:2123", by_another_pgw.into()));
    for (on, from, message) in cases {
        let name = message.name();
        let datagram = message.encode(Some(sgw_s11), Sequence(9));
        net.sgw.handle_datagram(on, addr(from), &datagram, net.now);
        for output in net.outputs() {
            let (header, answer) = to_peer(&output, from);
            assert_eq!(cause_of(&answer).value, CauseValue::CONTEXT_NOT_FOUND, "{name}");
            // It learns none of the session's TEIDs; its own it has named itself.
            let named = match answer {
                Message::CreateSessionResponse(_) => create_session_request().sender_fteid.teid,
                _ => Teid(0),
            };
            assert_eq!(header.teid, Some(named), "{name}");
        }
        assert_eq!(
            net.sgw
                .sessions
                .get(sgw_s11)
                .cloned()
                .map(|session| session.state),
            Some(State::Active)
        );
    }
    let after = net.sgw.sessions.get(sgw_s11).cloned();
    assert_eq!(format!("{before:?}"), format!("{after:?}"));
}

/// Everything that anybody may send, as short as it can be and with all that it may hold.
#[test]
fn answers_to_strangers_are_never_longer_nor_more_than_so_many() {
    let mut net = Net::new();
    net.create_session(1);
    let mut most = 0;
    for message_type in 0..=255 {
        let mut answered = 0;
        // Without an IE; with one that nobody reads; and with padding behind the message.
        for padding in [0, 5, 40] {
            for sequence in 0..200 {
                let mut datagram = vec![0x48, message_type, 0, 8 + padding, 0, 0, 0, 1, 0, 0, sequence, 0];
                if padding > 0 {
                    datagram.extend([255, 0, padding - 4, 0]);
                    datagram.resize(12 + usize::from(padding), 0);
                }
                answered += net.answers_to_a_stranger(Interface::S11, &datagram);
            }
        }
        net.now += Duration::from_secs(1);
        assert!(
            answered <= 100,
            "{answered} answers to {message_type} in a second"
        );
        most = most.max(answered);
    }
    assert_eq!(most, 100, "the limit is what is told");
    for version in [0, 1, 3, 4, 5, 6, 7] {
        let datagram = [version << 5, 1, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0];
        let answered: usize = (0..200)
            .map(|_| net.answers_to_a_stranger(Interface::S11, &datagram))
            .sum();
        assert_eq!(answered, 100, "version {version}");
        net.now += Duration::from_secs(1);
    }
}

#[test]
fn error_indications_to_strangers_are_never_longer_nor_more_than_so_many() {
    let mut net = Net::new();
    net.create_session(1);
    for (octets, answers) in [(8, 0), (20, 0), (24, 200), (60, 200)] {
        let mut datagram = unknown_tunnel();
        datagram.resize(octets, 0);
        datagram[2..4].copy_from_slice(&(octets as u16 - 8).to_be_bytes());
        assert!(Gpdu::parse(&datagram[..]).is_ok());
        let answered: usize = (0..300)
            .map(|_| net.answers_to_a_stranger(Interface::S1u, &datagram))
            .sum();
        assert_eq!(answered, answers, "{octets} octets");
        net.now += Duration::from_secs(1);
    }
}

#[test]
fn request_that_is_older_than_the_session_or_timed_out_is_refused() {
    let mut net = Net::new();
    let at = net.sgw.clock.time_stamp(net.now);
    let stamped = |sent: u64, wait: Option<u64>| {
        let mut request = create_session_request();
        request.origination_time_stamp = Some(MillisecondTimeStamp(sent));
        request.maximum_wait_time = wait.map(IntegerNumber::new);
        request
    };
    net.mme_asks(1, Teid(0), stamped(at - 3_001, Some(3_000)));
    assert_eq!(net.only_cause().value, CauseValue::TIMED_OUT_REQUEST);
    net.is_empty();
    net.mme_asks(2, Teid(0), stamped(at - 3_000, Some(3_000)));
    let asked = net.outputs();
    net.pgw_accepts(&asked[0]);
    net.outputs();
    let session = net.sgw.sessions.iter().next().unwrap().teid;
    net.mme_asks(3, Teid(0), stamped(at - 3_001, None));
    assert_eq!(net.only_cause().value, CauseValue::LATE_OVERLAPPING_REQUEST);
    assert!(net.sgw.sessions.get(session).is_some(), "it replaces nothing");
    net.mme_asks(4, Teid(0), stamped(at - 2_999, None));
    net.outputs();
    assert!(net.sgw.sessions.get(session).is_none(), "a newer one does");
}

#[test]
fn mme_beyond_its_quota_is_refused_and_another_one_is_served() {
    let mut net = Net::new();
    net.sgw.config.max_sessions = 4;
    let mut sequence = 10;
    let mut from = |net: &mut Net, mme: &str, subscriber: u32| {
        sequence += 1;
        let mut request = create_session_request();
        request.imsi = Some(format!("00101{subscriber:010}").parse().unwrap());
        request.sender_fteid = Fteid::new(InterfaceType::S11_MME_GTP_C, Teid(subscriber), addr(mme).ip());
        let datagram = Message::from(request).encode(Some(Teid(0)), Sequence(sequence));
        net.sgw
            .handle_datagram(Interface::S11, addr(MME), &datagram, net.now);
        let outputs = net.outputs();
        outputs.iter().any(|output| is_to(output, PGW))
    };
    assert!(from(&mut net, MME, 1) && from(&mut net, MME, 2));
    assert!(!from(&mut net, MME, 3), "half of four");
    assert!(!from(&mut net, "192.0.2.77:2123", 4), "whoever it says it is");
    assert_eq!(net.counter("requests_refused_total{cause=\"73\"}"), 2);

    let other = addr("192.0.2.5:2123");
    let mut request = create_session_request();
    request.imsi = Some("001010000000005".parse().unwrap());
    request.sender_fteid = Fteid::new(InterfaceType::S11_MME_GTP_C, Teid(5), other.ip());
    let datagram = Message::from(request).encode(Some(Teid(0)), Sequence(5));
    net.sgw.handle_datagram(Interface::S11, other, &datagram, net.now);
    let asked = net.outputs();
    assert!(is_to(&asked[0], PGW), "{asked:#?}");

    // Who has no room left takes no session of another one away, but may replace one of its own.
    assert!(!from(&mut net, MME, 5));
    assert_eq!(net.sgw.sessions.len(), 3);
    assert!(from(&mut net, MME, 1));
    assert_eq!(net.sgw.sessions.len(), 3);
}

/// The requests of an MME, for a session that exists.
fn of_mme() -> Vec<Message> {
    let ecgi = Uli::default();
    vec![
        DeleteSessionRequest {
            linked_ebi: Some(Ebi(5)),
            uli: Some(ecgi),
            ..DeleteSessionRequest::new()
        }
        .into(),
        ModifyBearerRequest {
            bearer_contexts: vec![BearerContextToBeModified::new(Ebi(5))],
            ..ModifyBearerRequest::new()
        }
        .into(),
        ReleaseAccessBearersRequest::new().into(),
        create_session_request().into(),
    ]
}

fn cause_of(message: &Message) -> Cause {
    match message {
        Message::CreateSessionResponse(response) => response.cause,
        Message::DeleteSessionResponse(response) => response.cause,
        Message::ModifyBearerResponse(response) => response.cause,
        Message::ReleaseAccessBearersResponse(response) => response.cause,
        Message::DeleteBearerResponse(response) => response.cause,
        other => panic!("{other:?}"),
    }
}

fn echo_request() -> Vec<u8> {
    Message::from(gtpv2c::EchoRequest::new(RestartCounter(1))).encode(None, Sequence(1))
}

/// A G-PDU of 60 octets.
fn unknown_tunnel() -> Vec<u8> {
    let mut gpdu = gtpv1u::gpdu_header(Teid(0xdead), 52).to_vec();
    gpdu.resize(60, 0);
    gpdu
}

impl Net {
    /// The cause in the one thing that was said.
    fn only_cause(&mut self) -> Cause {
        let outputs = self.outputs();
        let [Output::Transmit { datagram, .. }] = &outputs[..] else {
            panic!("{outputs:#?}")
        };
        cause_of(&gtpv2c::decode(datagram).unwrap().message)
    }

    /// How many answers a stranger gets to this; none is longer than it.
    fn answers_to_a_stranger(&mut self, on: Interface, question: &[u8]) -> usize {
        let stranger = addr("192.0.2.66:40000");
        self.sgw.handle_datagram(on, stranger, question, self.now);
        let outputs = self.outputs();
        for output in &outputs {
            let Output::Transmit { to, datagram, .. } = output else {
                panic!("{output:?}")
            };
            assert_eq!(to.ip(), stranger.ip());
            assert!(
                datagram.len() <= question.len(),
                "{question:02x?}: {datagram:02x?}"
            );
        }
        outputs.len()
    }

    fn counter(&self, name: &str) -> i64 {
        let mut registry = Registry::default();
        self.sgw.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("sgw_{name} ")));
        line.unwrap_or_else(|| panic!("{name} is not in\n{text}"))
            .parse()
            .unwrap()
    }
}
