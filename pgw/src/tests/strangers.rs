//! Whom the P-GW hears, and what it lets each of them do.

use epc_codec::gtpv2c::{IntegerNumber, MillisecondTimeStamp};
use prometheus_client::registry::Registry;

use super::*;

const LIST: &str = "sgw_networks: [198.51.100.0/28]";
const OUTSIDE: &str = "198.51.100.66";

#[test]
fn list_says_who_is_heard() {
    let mut net = Net::new(LIST);
    let gtpc = Message::from(gtpv2c::EchoRequest::new(RestartCounter(1))).encode(None, Sequence(1));
    let gtpu = gtpv1u::Message::from(gtpv1u::EchoRequest::default()).encode(&gtpv1u::Header::path(1));
    let create = Message::from(request(1, None)).encode(Some(Teid(0)), Sequence(2));
    for (on, datagram) in [
        (Interface::S5c, &gtpc),
        (Interface::S5u, &gtpu),
        (Interface::S5c, &create),
    ] {
        let outside = SocketAddr::new(OUTSIDE.parse().unwrap(), on.port());
        net.pgw.handle_datagram(on, outside, datagram, net.now);
        assert_eq!(net.outputs(), [], "{on}");
        let inside = SocketAddr::new(addr(SGW).ip(), on.port());
        net.pgw.handle_datagram(on, inside, datagram, net.now);
        assert!(!net.outputs().is_empty(), "{on}");
    }
    assert_eq!(net.counter("messages_discarded_total{reason=\"stranger\"}"), 3);
    assert_eq!(net.pgw.sessions.len(), 1);
}

#[test]
fn ends_that_are_named_must_be_in_the_list_as_well() {
    let mut net = Net::new(LIST);
    let outside = OUTSIDE.parse().unwrap();
    let control = Fteid::new(InterfaceType::S5_S8_SGW_GTP_C, Teid(0x11), outside);
    let user = Fteid::new(InterfaceType::S5_S8_SGW_GTP_U, Teid(0x21), outside);
    let mut by_user = request(1, None);
    by_user.bearer_contexts[0].sgw_s5u_fteid = Some(user);
    let by_control = CreateSessionRequest {
        sender_fteid: control,
        ..request(2, None)
    };
    for (sequence, refused) in [(1, by_user), (2, by_control)] {
        net.asks(sequence, Teid(0), refused);
        assert_eq!(net.only_cause().value, CauseValue::REQUEST_REJECTED);
    }
    net.is_empty();

    // Nor does a bearer move there.
    let teid = net.attach(1, None).pgw_s5c_fteid.unwrap().teid;
    net.asks(3, teid, moving_to(control, user));
    assert_eq!(net.only_cause().value, CauseValue::CONTEXT_NOT_FOUND);
}

#[test]
fn session_moves_to_another_sgw_only_where_the_list_says_who_sgws_are() {
    let other = "198.51.100.9:2123";
    let control = Fteid::new(InterfaceType::S5_S8_SGW_GTP_C, Teid(0x77), addr(other).ip());
    let user = Fteid::new(InterfaceType::S5_S8_SGW_GTP_U, Teid(0x78), addr(other).ip());
    for (yaml, moves) in [("", false), (LIST, true)] {
        let mut net = Net::new(yaml);
        let teid = net.attach(1, None).pgw_s5c_fteid.unwrap().teid;
        let moving = Message::from(moving_to(control, user)).encode(Some(teid), Sequence(9));
        net.pgw
            .handle_datagram(Interface::S5c, addr(other), &moving, net.now);
        let outputs = net.outputs();
        let expected = match moves {
            true => CauseValue::REQUEST_ACCEPTED,
            false => CauseValue::CONTEXT_NOT_FOUND,
        };
        assert_eq!(cause(outputs.last().unwrap()), expected, "{yaml}");
        let session = net.pgw.sessions.get(teid).unwrap();
        let at = if moves { other } else { SGW };
        assert_eq!(session.sgw_s5c.address, addr(at));
        // Who may delete it is who has it now.
        for (from, may) in [(SGW, !moves), (other, moves)] {
            let delete = Message::from(DeleteSessionRequest {
                linked_ebi: Some(Ebi(5)),
                uli: Some(Uli::default()),
                ..DeleteSessionRequest::new()
            });
            let datagram = delete.encode(Some(teid), Sequence(10));
            net.pgw
                .handle_datagram(Interface::S5c, addr(from), &datagram, net.now);
            net.outputs();
            assert_eq!(net.pgw.sessions.len(), usize::from(!may), "{from}");
            if may {
                break;
            }
        }
    }
}

#[test]
fn barred_subscriber_is_refused_and_loses_its_session_with_a_reload() {
    let mut net = Net::new("barred: ['001010000000001']");
    assert_eq!(
        net.refused(1, None).value,
        CauseValue::APN_ACCESS_DENIED_NO_SUBSCRIPTION
    );
    net.attach(2, None);
    net.attach(3, None);
    net.reload("barred: ['001010000000003']");
    let outputs = net.outputs();
    let (header, Message::DeleteBearerRequest(deleted)) = sent(outputs.last().unwrap()) else {
        panic!("{outputs:#?}")
    };
    assert_eq!(
        (header.teid, deleted.linked_ebi),
        (Some(Teid(0x13)), Some(Ebi(5)))
    );
    let down = |output: &&Output<Event>| matches!(output, Output::Event(Event::SessionDown { .. }));
    assert_eq!(outputs.iter().filter(down).count(), 1, "nobody else's");
    // Who is barred no more is served again.
    net.attach(1, None);
    assert_eq!(
        net.refused(3, None).value,
        CauseValue::APN_ACCESS_DENIED_NO_SUBSCRIPTION
    );
}

#[test]
fn request_that_is_older_than_the_session_or_timed_out_is_refused() {
    let mut net = Net::new("");
    let at = net.pgw.clock.time_stamp(net.now);
    let stamped = |sent: u64, wait: Option<u64>| CreateSessionRequest {
        origination_time_stamp: Some(MillisecondTimeStamp(sent)),
        maximum_wait_time: wait.map(IntegerNumber::new),
        ..request(1, None)
    };
    net.asks(1, Teid(0), stamped(at - 3_001, Some(3_000)));
    assert_eq!(net.only_cause().value, CauseValue::TIMED_OUT_REQUEST);
    net.is_empty();
    net.asks(2, Teid(0), stamped(at - 3_000, Some(3_000)));
    let first = accepted(net.outputs().last().unwrap())
        .1
        .pgw_s5c_fteid
        .unwrap()
        .teid;
    net.asks(3, Teid(0), stamped(at - 3_001, None));
    assert_eq!(net.only_cause().value, CauseValue::LATE_OVERLAPPING_REQUEST);
    assert!(net.pgw.sessions.get(first).is_some(), "it replaces nothing");
    net.asks(4, Teid(0), stamped(at - 2_999, None));
    accepted(net.outputs().last().unwrap());
    assert!(net.pgw.sessions.get(first).is_none(), "a newer one does");
}

/// Everything that anybody may send, without an IE, with one that nobody reads, and with padding.
#[test]
fn answers_to_strangers_are_never_longer_nor_more_than_so_many() {
    let mut net = Net::new("");
    net.attach(1, None);
    let mut most = 0;
    for message_type in 0..=255 {
        let mut answered = 0;
        for padding in [0, 5, 40] {
            for sequence in 0..200 {
                let mut datagram = vec![0x48, message_type, 0, 8 + padding, 0, 0, 0, 1, 0, 0, sequence, 0];
                if padding > 0 {
                    datagram.extend([255, 0, padding - 4, 0]);
                    datagram.resize(12 + usize::from(padding), 0);
                }
                answered += net.answers_to_a_stranger(Interface::S5c, &datagram);
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
    let gpdu = |octets: usize| {
        let mut datagram = gtpv1u::gpdu_header(Teid(0xdead), octets - 8).to_vec();
        datagram.resize(octets, 0);
        datagram
    };
    for (octets, answers) in [(8, 0), (20, 0), (24, 200), (60, 200)] {
        let answered: usize = (0..300)
            .map(|_| net.answers_to_a_stranger(Interface::S5u, &gpdu(octets)))
            .sum();
        assert_eq!(answered, answers, "{octets} octets");
        net.now += Duration::from_secs(1);
    }
}

#[test]
fn sgw_beyond_its_quota_is_refused_and_another_one_is_served() {
    let mut net = Net::new("max_sessions: 100\nmax_sessions_per_peer: 2");
    net.attach(1, None);
    let second = net.attach(2, None).pgw_s5c_fteid.unwrap().teid;
    assert_eq!(net.refused(3, None).value, CauseValue::NO_RESOURCES_AVAILABLE);
    assert_eq!(net.counter("requests_refused_total{cause=\"73\"}"), 1);
    let other = "198.51.100.9:2123";
    let by_other = |net: &mut Net, subscriber: u32| {
        let mut asked = request(subscriber, None);
        asked.sender_fteid = Fteid::new(InterfaceType::S5_S8_SGW_GTP_C, Teid(subscriber), addr(other).ip());
        net.sequence += 1;
        let datagram = Message::from(asked).encode(Some(Teid(0)), Sequence(net.sequence));
        net.pgw
            .handle_datagram(Interface::S5c, addr(other), &datagram, net.now);
        cause(net.outputs().last().unwrap())
    };
    assert_eq!(by_other(&mut net, 4), CauseValue::REQUEST_ACCEPTED);
    // Who has no room left takes no session of another one away, but may replace one of its own.
    assert_eq!(net.refused(4, None).value, CauseValue::NO_RESOURCES_AVAILABLE);
    assert_eq!(net.pgw.sessions.len(), 3);
    net.attach(1, None);
    // What ends makes room.
    net.asks(50, second, DeleteSessionRequest::new());
    net.outputs();
    net.attach(5, None);
    assert_eq!(net.refused(6, None).value, CauseValue::NO_RESOURCES_AVAILABLE);
}

#[test]
fn quota_is_half_of_all_unless_the_file_says_otherwise() {
    assert_eq!(config("").quota(), 500_000);
    assert_eq!(config("max_sessions: 5").quota(), 3);
    assert_eq!(config("max_sessions_per_peer: 7").quota(), 7);
    let none = epc_driver::config::parse::<Config>(
        "local_addresses: {s5c_ip: 198.51.100.3, s5u_ip: 198.51.100.3}\nmax_sessions_per_peer: 0",
        "pgw.yml",
    );
    assert_eq!(
        none.unwrap_err().to_string(),
        "pgw.yml:2: max_sessions_per_peer: 0 sessions serve nobody: expected 1 or more"
    );
}

fn moving_to(control: Fteid, user: Fteid) -> ModifyBearerRequest {
    let bearer = BearerContextToBeModified {
        sgw_s5u_fteid: Some(user),
        ..BearerContextToBeModified::new(Ebi(5))
    };
    ModifyBearerRequest {
        sender_fteid: Some(control),
        bearer_contexts: vec![bearer],
        ..ModifyBearerRequest::new()
    }
}

impl Net {
    fn reload(&mut self, more: &str) {
        let command = Command::Reload(Box::new(config(more)));
        self.pgw.handle_command(command, self.now);
    }

    /// The cause in the one thing that was said.
    fn only_cause(&mut self) -> Cause {
        let outputs = self.outputs();
        let [only] = &outputs[..] else {
            panic!("{outputs:#?}")
        };
        Cause::new(cause(only))
    }

    /// How many answers a stranger gets to this; none is longer than it.
    fn answers_to_a_stranger(&mut self, on: Interface, question: &[u8]) -> usize {
        let stranger = addr("198.51.100.66:40000");
        self.pgw.handle_datagram(on, stranger, question, self.now);
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
        self.pgw.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(&format!("pgw_{name} ")));
        line.unwrap_or_else(|| panic!("{name} is not in\n{text}"))
            .parse()
            .unwrap()
    }
}
