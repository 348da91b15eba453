//! The P-GW and what an S-GW asks of it, on a virtual clock.

mod strangers;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use epc_codec::gtpv2c::{
    self, BearerContextToBeCreated, BearerContextToBeModified, BearerQos, Cause, CauseValue,
    CreateSessionRequest, CreateSessionResponse, DeleteBearerResponse, DeleteSessionRequest, Fteid, Header,
    IeType, InterfaceType, Message, ModifyBearerRequest, Paa, PdnType, RatType, RestartCounter, Sequence,
    Uli,
};
use epc_codec::{Ebi, Imsi, Pco, Teid, gtpv1u};
use epc_node::{Boot, Interface, Node, Output, Rule, TeidKey, Then, UeAddress, WallClock};

use crate::{Command, Config, Event, Pgw};

const SGW: &str = "198.51.100.2:2123";
const SGW_U: &str = "198.51.100.12:2152";

#[test]
fn session_opens_its_tunnel_before_the_answer_and_closes_it_with_its_end() {
    let mut net = Net::new("");
    net.asks(1, Teid(0), request(1, None));
    let outputs = net.outputs();
    let [
        Output::Rule(receive),
        Output::Rule(send),
        Output::Event(up),
        answer,
    ] = &outputs[..]
    else {
        panic!("{outputs:#?}")
    };
    let ue = UeAddress::v4(Ipv4Addr::new(10, 60, 0, 1));
    let Rule::Receive {
        teid,
        on: Interface::S5u,
        from,
        then,
    } = receive
    else {
        panic!("{receive:?}")
    };
    assert_eq!((*from, then), (Some(addr(SGW_U).ip()), &Then::Deliver { ue }));
    assert_eq!(
        *send,
        Rule::Send {
            ue,
            on: Interface::S5u,
            to: addr(SGW_U),
            teid: Teid(0x21)
        }
    );
    assert_eq!(*up, Event::SessionUp { imsi: imsi(1), ue });
    let (header, response) = accepted(answer);
    assert_eq!(header.teid, Some(Teid(0x11)));
    assert_eq!(response.paa, Some(Paa::V4(Ipv4Addr::new(10, 60, 0, 1))));
    assert_eq!(response.bearer_contexts[0].pgw_s5u_fteid.unwrap().teid, *teid);
    let pgw_s5c = response.pgw_s5c_fteid.unwrap();
    assert_eq!(pgw_s5c.interface, InterfaceType::S5_S8_PGW_GTP_C);

    let teid = *teid;
    net.asks(
        2,
        pgw_s5c.teid,
        DeleteSessionRequest {
            linked_ebi: Some(Ebi(5)),
            ..DeleteSessionRequest::new()
        },
    );
    let outputs = net.outputs();
    let [
        Output::Rule(receiving),
        Output::Rule(sending),
        Output::Event(down),
        answer,
    ] = &outputs[..]
    else {
        panic!("{outputs:#?}")
    };
    assert_eq!(*receiving, Rule::StopReceiving { teid });
    assert_eq!(*sending, Rule::StopSending { ue });
    assert_eq!(*down, Event::SessionDown { imsi: imsi(1), ue });
    assert_eq!(cause(answer), CauseValue::REQUEST_ACCEPTED);
    net.is_empty();
}

#[test]
fn repeated_request_gets_the_same_octets_and_no_second_address() {
    let mut net = Net::new("");
    net.asks(1, Teid(0), request(1, None));
    let answer = net.outputs().pop().unwrap();
    net.asks(1, Teid(0), request(1, None));
    assert_eq!(net.outputs(), [answer]);
    assert_eq!(net.pgw.addresses.in_use(), 1);
}

#[test]
fn address_that_is_asked_for_is_kept_or_refused() {
    let mut net = Net::new("ue_pools: [192.0.2.0/24]");
    let inside = Ipv4Addr::new(192, 0, 2, 77);
    assert_eq!(net.attach(1, Some(inside)).paa, Some(Paa::V4(inside)));
    let taken = net.refused(2, Some(inside));
    assert_eq!(
        taken,
        Cause::new(CauseValue::REQUEST_REJECTED).with_offending(IeType::PAA, 0)
    );
    let outside = net.refused(3, Some(Ipv4Addr::new(10, 60, 0, 1)));
    assert_eq!(
        outside,
        Cause::new(CauseValue::REQUEST_REJECTED).with_offending(IeType::PAA, 0)
    );
    assert_eq!(
        net.attach(4, Some(Ipv4Addr::UNSPECIFIED)).paa,
        Some(Paa::V4(Ipv4Addr::new(192, 0, 2, 1)))
    );
}

#[test]
fn address_of_a_peer_or_of_the_node_is_refused() {
    let mut net = Net::new("");
    for address in [
        [198, 51, 100, 2],
        [198, 51, 100, 12],
        [198, 51, 100, 3],
        [127, 0, 0, 1],
    ] {
        let refused = net.refused(1, Some(address.into()));
        assert_eq!(
            refused,
            Cause::new(CauseValue::REQUEST_REJECTED).with_offending(IeType::PAA, 0),
            "{address:?}"
        );
    }
    net.is_empty();
}

#[test]
fn empty_pool_says_so() {
    let mut net = Net::new("ue_pools: [192.0.2.0/30]");
    net.attach(1, None);
    net.attach(2, None);
    assert_eq!(
        net.refused(3, None).value,
        CauseValue::ALL_DYNAMIC_ADDRESSES_ARE_OCCUPIED
    );
}

#[test]
fn pgws_that_share_their_pools_give_out_different_addresses() {
    let first_of = |pools: &str, instance: &str| {
        let share = format!("pool_share: {{ instance: {instance}, of: 4 }}");
        match Net::new(&format!("{pools}{share}")).attach(1, None).paa {
            Some(Paa::V4(address)) => address.octets(),
            other => panic!("{other:?}"),
        }
    };
    let pools = "ue_pools: [192.0.2.0/24]\n";
    assert_eq!(first_of(pools, "pgw-0"), [192, 0, 2, 1]);
    assert_eq!(first_of(pools, "pgw-3"), [192, 0, 2, 193]);
    assert_eq!(
        first_of("", "1"),
        [10, 60, 64, 1],
        "the default pool is shared, too"
    );
}

#[test]
fn share_that_is_not_there_or_too_small_is_refused() {
    let fault = |text: &str| config(text).check().unwrap_err().0;
    assert_eq!(
        fault("pool_share: { instance: pgw-4, of: 4 }"),
        "pool_share.instance"
    );
    let small = "ue_pools: [192.0.2.0/30]\npool_share: { instance: 0, of: 2 }";
    assert_eq!(fault(small), "pool_share.of");
}

#[test]
fn ue_that_attaches_again_keeps_its_own_address() {
    let mut net = Net::new("");
    let address = Ipv4Addr::new(192, 168, 101, 201);
    net.attach(1, Some(address));
    assert_eq!(net.attach(1, Some(address)).paa, Some(Paa::V4(address)));
    assert_eq!(net.pgw.sessions.len(), 1);
}

#[test]
fn ipv6_and_both_are_given_where_there_is_a_pool() {
    let mut net = Net::new("ue_pools: [192.0.2.0/24, '2001:db8:1::/48']");
    let both = CreateSessionRequest {
        pdn_type: Some(PdnType::IPV4V6),
        paa: None,
        ..request(1, None)
    };
    net.asks(1, Teid(0), both);
    let (_, response) = accepted(&net.outputs()[3]);
    let ipv6 = "2001:db8:1::1".parse().unwrap();
    assert_eq!(
        response.paa,
        Some(Paa::V4V6(Ipv4Addr::new(192, 0, 2, 1), 64, ipv6))
    );
    assert_eq!(response.cause.value, CauseValue::REQUEST_ACCEPTED);
}

#[test]
fn one_family_is_given_where_the_other_has_no_pool() {
    let mut net = Net::new("");
    net.asks(
        1,
        Teid(0),
        CreateSessionRequest {
            pdn_type: Some(PdnType::IPV4V6),
            paa: None,
            ..request(1, None)
        },
    );
    let (_, response) = accepted(&net.outputs()[3]);
    assert_eq!(
        response.cause.value,
        CauseValue::NEW_PDN_TYPE_DUE_TO_NETWORK_PREFERENCE
    );
    assert_eq!(response.paa, Some(Paa::V4(Ipv4Addr::new(10, 60, 0, 1))));
    net.asks(
        2,
        Teid(0),
        CreateSessionRequest {
            pdn_type: Some(PdnType::IPV6),
            paa: None,
            ..request(2, None)
        },
    );
    assert_eq!(
        cause(&net.outputs()[0]),
        CauseValue::PREFERRED_PDN_TYPE_NOT_SUPPORTED
    );
}

#[test]
fn ue_is_told_dns_and_mtu_if_it_asks() {
    let mut net = Net::new("dns: [192.0.2.53]");
    let pco = Pco::new()
        .asking_for(Pco::DNS_IPV4)
        .asking_for(Pco::IPV4_LINK_MTU);
    net.asks(
        1,
        Teid(0),
        CreateSessionRequest {
            pco: Some(pco),
            ..request(1, None)
        },
    );
    let (_, response) = accepted(&net.outputs()[3]);
    let told = response.pco.unwrap();
    assert_eq!(
        told.dns_ipv4().collect::<Vec<_>>(),
        [Ipv4Addr::new(192, 0, 2, 53)]
    );
    assert_eq!(told.ipv4_link_mtu(), Some(1464));
}

#[test]
fn missing_tunnel_end_is_named() {
    let mut net = Net::new("");
    let mut without = request(1, None);
    without.bearer_contexts[0].sgw_s5u_fteid = None;
    net.asks(1, Teid(0), without);
    let (_, Message::CreateSessionResponse(response)) = sent(&net.outputs()[0]) else {
        panic!()
    };
    assert_eq!(
        response.cause,
        Cause::new(CauseValue::CONDITIONAL_IE_MISSING).with_offending(IeType::F_TEID, 2)
    );
    net.is_empty();
}

#[test]
fn delete_from_a_stranger_or_for_another_bearer_is_refused() {
    let mut net = Net::new("");
    let teid = net.attach(1, None).pgw_s5c_fteid.unwrap().teid;
    // A stranger's is answered only if the answer is not longer.
    let short = DeleteSessionRequest::new();
    let long = DeleteSessionRequest {
        linked_ebi: Some(Ebi(5)),
        uli: Some(Uli::default()),
        ..short.clone()
    };
    for (request, answers) in [(short, 0), (long, 1)] {
        let datagram = Message::from(request).encode(Some(teid), Sequence(9));
        net.pgw
            .handle_datagram(Interface::S5c, addr("198.51.100.66:2123"), &datagram, net.now);
        let outputs = net.outputs();
        assert_eq!(outputs.len(), answers);
        for answer in &outputs {
            assert_eq!(cause(answer), CauseValue::CONTEXT_NOT_FOUND);
        }
    }
    net.asks(
        9,
        teid,
        DeleteSessionRequest {
            linked_ebi: Some(Ebi(6)),
            ..DeleteSessionRequest::new()
        },
    );
    assert_eq!(cause(&net.outputs()[0]), CauseValue::CONTEXT_NOT_FOUND);
    net.asks(10, teid, DeleteSessionRequest::new());
    assert_eq!(
        cause(net.outputs().last().unwrap()),
        CauseValue::REQUEST_ACCEPTED,
        "without any IE, as go-gtp's MME"
    );
}

#[test]
fn moved_session_sends_to_its_new_sgw() {
    let mut net = Net::new("");
    let teid = net.attach(1, None).pgw_s5c_fteid.unwrap().teid;
    let fteid = Fteid::new(
        InterfaceType::S5_S8_SGW_GTP_U,
        Teid(0x99),
        "198.51.100.13".parse().unwrap(),
    );
    let bearer = BearerContextToBeModified {
        sgw_s5u_fteid: Some(fteid),
        ..BearerContextToBeModified::new(Ebi(5))
    };
    net.asks(
        2,
        teid,
        ModifyBearerRequest {
            bearer_contexts: vec![bearer],
            ..ModifyBearerRequest::new()
        },
    );
    let outputs = net.outputs();
    let Output::Rule(Rule::Send { to, teid, .. }) = &outputs[1] else {
        panic!("{outputs:#?}")
    };
    assert_eq!((*to, *teid), (addr("198.51.100.13:2152"), Teid(0x99)));
    assert_eq!(cause(&outputs[2]), CauseValue::REQUEST_ACCEPTED);
}

#[test]
fn operator_ends_a_session_at_the_sgw() {
    let mut net = Net::new("");
    net.attach(1, None);
    net.attach(2, None);
    net.pgw.handle_command(Command::Detach(imsi(1)), net.now);
    let outputs = net.outputs();
    let (header, Message::DeleteBearerRequest(request)) = sent(outputs.last().unwrap()) else {
        panic!()
    };
    assert_eq!(
        (header.teid, request.linked_ebi, request.cause),
        (Some(Teid(0x11)), Some(Ebi(5)), None)
    );
    assert_eq!(net.pgw.addresses.in_use(), 1, "free at once");
    let answer = Message::from(DeleteBearerResponse::new(Cause::REQUEST_ACCEPTED));
    net.pgw.handle_datagram(
        Interface::S5c,
        addr(SGW),
        &answer.encode(Some(Teid(0)), header.sequence),
        net.now,
    );
    assert_eq!(net.pgw.sessions.len(), 1);
}

#[test]
fn restarted_sgw_has_lost_its_sessions_but_not_the_one_it_asks_for() {
    let mut net = Net::new("");
    net.attach(1, None);
    net.asks(
        2,
        Teid(0),
        CreateSessionRequest {
            recovery: Some(RestartCounter(4)),
            ..request(2, None)
        },
    );
    let outputs = net.outputs();
    let events: Vec<_> = outputs
        .iter()
        .filter(|output| matches!(output, Output::Event(_)))
        .collect();
    let [
        Output::Event(Event::SessionDown { imsi: lost, .. }),
        Output::Event(Event::SessionUp { imsi: new, .. }),
    ] = events[..]
    else {
        panic!("{outputs:#?}")
    };
    assert_eq!((*lost, *new, net.pgw.sessions.len()), (imsi(1), imsi(2), 1));
}

#[test]
fn silent_sgw_has_its_sessions_purged() {
    let mut net = Net::new("");
    net.attach(1, None);
    for _ in 0..10 {
        net.now += Duration::from_secs(60);
        net.pgw.handle_timeout(net.now);
        net.outputs();
    }
    assert_eq!(net.pgw.sessions.len(), 1, "it may come back");
    for _ in 0..10 {
        net.now += Duration::from_secs(60);
        net.pgw.handle_timeout(net.now);
    }
    net.is_empty();
}

#[test]
fn error_indication_of_the_sgw_ends_the_session() {
    let mut net = Net::new("");
    net.attach(1, None);
    let error = gtpv1u::ErrorIndication::new(Teid(0x21), addr(SGW_U).ip());
    let datagram = gtpv1u::Message::from(error).encode(&gtpv1u::Header::path(0));
    net.pgw
        .handle_datagram(Interface::S5u, addr("198.51.100.66:2152"), &datagram, net.now);
    assert_eq!(net.outputs(), []);
    net.pgw
        .handle_datagram(Interface::S5u, addr(SGW_U), &datagram, net.now);
    let outputs = net.outputs();
    assert!(
        matches!(sent(outputs.last().unwrap()).1, Message::DeleteBearerRequest(_)),
        "{outputs:#?}"
    );
}

#[test]
fn shutdown_deletes_every_session_and_takes_no_more() {
    let mut net = Net::new("");
    net.attach(1, None);
    net.pgw.handle_command(Command::Shutdown, net.now);
    let outputs = net.outputs();
    let (header, Message::DeleteBearerRequest(_)) = sent(outputs.last().unwrap()) else {
        panic!()
    };
    assert!(!net.pgw.is_drained());
    assert_eq!(net.refused(2, None).value, CauseValue::NO_RESOURCES_AVAILABLE);
    let answer = Message::from(DeleteBearerResponse::new(Cause::REQUEST_ACCEPTED));
    net.pgw.handle_datagram(
        Interface::S5c,
        addr(SGW),
        &answer.encode(Some(Teid(0)), header.sequence),
        net.now,
    );
    assert!(net.pgw.is_drained());
}

#[test]
fn shutdown_reaches_every_session_however_many() {
    let mut net = Net::new("");
    for subscriber in 1..=2500 {
        net.attach(subscriber, None);
    }
    net.pgw.handle_command(Command::Shutdown, net.now);
    let mut asked = net.outputs();
    let mut told = 0;
    while !asked.is_empty() {
        for output in std::mem::take(&mut asked) {
            let Output::Transmit { .. } = output else { continue };
            let (header, Message::DeleteBearerRequest(_)) = sent(&output) else {
                panic!()
            };
            let answer = Message::from(DeleteBearerResponse::new(Cause::REQUEST_ACCEPTED));
            let datagram = answer.encode(Some(Teid(0)), header.sequence);
            net.pgw
                .handle_datagram(Interface::S5c, addr(SGW), &datagram, net.now);
            asked.extend(net.outputs());
            told += 1;
        }
    }
    assert_eq!(told, 2500);
    assert!(net.pgw.is_drained());
}

#[test]
fn unknown_tunnel_is_answered_with_error_indication_no_larger_than_the_packet() {
    let mut net = Net::new("");
    let mut gpdu = gtpv1u::gpdu_header(Teid(0xdead), 40).to_vec();
    gpdu.resize(48, 0);
    net.pgw
        .handle_datagram(Interface::S5u, addr("198.51.100.66:40000"), &gpdu, net.now);
    let outputs = net.outputs();
    let [Output::Transmit { to, datagram, .. }] = &outputs[..] else {
        panic!("{outputs:#?}")
    };
    assert_eq!(*to, addr("198.51.100.66:2152"));
    let packet = gtpv1u::decode(datagram).unwrap();
    let gtpv1u::Message::ErrorIndication(indication) = packet.message else {
        panic!()
    };
    assert_eq!(
        (indication.teid, indication.peer),
        (Teid(0xdead), "198.51.100.3".parse().unwrap())
    );
    net.pgw.handle_datagram(
        Interface::S5u,
        addr("198.51.100.66:2152"),
        &gtpv1u::gpdu_header(Teid(1), 0),
        net.now,
    );
    assert_eq!(net.outputs(), []);
}

/// The P-GW, and what an S-GW would say.
struct Net {
    pgw: Pgw,
    now: Instant,
    sequence: u32,
}

fn config(more: &str) -> Config {
    let yaml = format!("local_addresses: {{s5c_ip: 198.51.100.3, s5u_ip: 198.51.100.3}}\n{more}");
    epc_driver::config::parse(&yaml, "pgw.yml").unwrap()
}

impl Net {
    fn new(more: &str) -> Net {
        let config = config(more);
        config.check().unwrap();
        let now = Instant::now();
        let boot = Boot {
            clock: WallClock {
                at: now,
                unix_millis: 1_700_000_000_000,
            },
            restart_counter: 7,
            user_teid_key: TeidKey::new([1, 2, 3, 4]),
            control_teid_key: TeidKey::new([5, 6, 7, 8]),
        };
        Net {
            pgw: Pgw::new(config, boot, now),
            now,
            sequence: 1000,
        }
    }

    fn asks(&mut self, sequence: u32, teid: Teid, message: impl Into<Message>) {
        let datagram = message.into().encode(Some(teid), Sequence(sequence));
        self.pgw
            .handle_datagram(Interface::S5c, addr(SGW), &datagram, self.now);
    }

    fn attach(&mut self, subscriber: u32, asked_for: Option<Ipv4Addr>) -> CreateSessionResponse {
        self.sequence += 1;
        self.asks(self.sequence, Teid(0), request(subscriber, asked_for));
        accepted(self.outputs().last().unwrap()).1
    }

    fn refused(&mut self, subscriber: u32, asked_for: Option<Ipv4Addr>) -> Cause {
        self.sequence += 1;
        self.asks(self.sequence, Teid(0), request(subscriber, asked_for));
        let outputs = self.outputs();
        let [only] = &outputs[..] else {
            panic!("{outputs:#?}")
        };
        let (_, Message::CreateSessionResponse(response)) = sent(only) else {
            panic!()
        };
        response.cause
    }

    fn outputs(&mut self) -> Vec<Output<Event>> {
        std::iter::from_fn(|| self.pgw.poll_output()).collect()
    }

    fn is_empty(&self) {
        assert_eq!((self.pgw.sessions.len(), self.pgw.addresses.in_use()), (0, 0));
        assert_eq!(
            (self.pgw.control_teids.in_use(), self.pgw.user_teids.in_use()),
            (0, 0)
        );
    }
}

fn request(subscriber: u32, asked_for: Option<Ipv4Addr>) -> CreateSessionRequest {
    let sgw = Fteid::new(
        InterfaceType::S5_S8_SGW_GTP_C,
        Teid(0x10 + subscriber),
        addr(SGW).ip(),
    );
    let sgw_u = Fteid::new(
        InterfaceType::S5_S8_SGW_GTP_U,
        Teid(0x20 + subscriber),
        addr(SGW_U).ip(),
    );
    let bearer = BearerContextToBeCreated {
        sgw_s5u_fteid: Some(sgw_u),
        ..BearerContextToBeCreated::new(Ebi(5), BearerQos::non_gbr(9, 8))
    };
    CreateSessionRequest {
        imsi: Some(imsi(subscriber)),
        pdn_type: Some(PdnType::IPV4),
        paa: Some(Paa::V4(asked_for.unwrap_or(Ipv4Addr::UNSPECIFIED))),
        recovery: Some(RestartCounter(3)),
        ..CreateSessionRequest::new(RatType::EUTRAN, sgw, "internet".parse().unwrap(), vec![bearer])
    }
}

fn imsi(subscriber: u32) -> Imsi {
    format!("00101{subscriber:010}").parse().unwrap()
}

fn sent(output: &Output<Event>) -> (Header, Message) {
    let Output::Transmit { datagram, .. } = output else {
        panic!("not sent: {output:?}")
    };
    let packet = gtpv2c::decode(datagram).unwrap();
    (packet.header, packet.message)
}

fn accepted(output: &Output<Event>) -> (Header, CreateSessionResponse) {
    let (header, Message::CreateSessionResponse(response)) = sent(output) else {
        panic!("{output:?}")
    };
    assert!(response.cause.is_accepted(), "{response:?}");
    (header, *response)
}

fn cause(output: &Output<Event>) -> CauseValue {
    match sent(output).1 {
        Message::CreateSessionResponse(response) => response.cause.value,
        Message::ModifyBearerResponse(response) => response.cause.value,
        Message::DeleteSessionResponse(response) => response.cause.value,
        other => panic!("{other:?}"),
    }
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}
