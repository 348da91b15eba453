//! The S-GW between an MME, a P-GW and an eNB that are written out here, on a virtual clock.

mod strangers;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use epc_codec::gtpv1u;
use epc_codec::gtpv2c::{
    self, BearerContextCreated, BearerContextToBeCreated, BearerContextToBeModified, BearerQos, Cause,
    CauseValue, CreateSessionRequest, CreateSessionResponse, DeleteBearerRequest, DeleteBearerResponse,
    DeleteSessionRequest, DeleteSessionResponse, EchoResponse, Fteid, Header, IeType, InterfaceType, Message,
    ModifyBearerRequest, Paa, Packet, RatType, ReleaseAccessBearersRequest, RestartCounter, Sequence, Uli,
};
use epc_codec::{Ebi, Teid};
use epc_node::{Boot, Interface, Node, Output, Rule, TeidKey, Then, WallClock};

use crate::session::State;
use crate::{Command, Config, Sgw};

const T3: Duration = Duration::from_secs(3);
const MME: &str = "192.0.2.1:2123";
const PGW: &str = "198.51.100.3:2123";
const ENB: &str = "203.0.113.4:2152";
const PGW_U: &str = "198.51.100.4:2152";

#[test]
fn session_is_joined_modified_and_deleted() {
    let mut net = Net::new();
    let (sgw_s11, sgw_s1u) = net.create_session(1);

    // The rule for the downlink comes before the answer that lets the MME rely on it.
    let enb = Fteid::new(InterfaceType::S1U_ENB_GTP_U, Teid(0xe1), addr(ENB).ip());
    let bearer = BearerContextToBeModified {
        enb_s1u_fteid: Some(enb),
        ..BearerContextToBeModified::new(Ebi(5))
    };
    let request = ModifyBearerRequest {
        bearer_contexts: vec![bearer],
        ..ModifyBearerRequest::new()
    };
    net.mme_asks(2, sgw_s11, request);
    let outputs = net.outputs();
    let [
        Output::Rule(uplink),
        Output::Rule(downlink),
        Output::Transmit { .. },
    ] = &outputs[..]
    else {
        panic!("{outputs:#?}")
    };
    let Rule::Receive {
        then: Then::Relay {
            on: Interface::S1u,
            to,
            teid,
        },
        ..
    } = downlink
    else {
        panic!("{downlink:?}")
    };
    assert_eq!((*to, *teid), (addr(ENB), Teid(0xe1)));
    let Rule::Receive {
        teid,
        from,
        then: Then::Relay {
            on: Interface::S5u, ..
        },
        ..
    } = uplink
    else {
        panic!("{uplink:?}")
    };
    assert_eq!((*teid, *from), (sgw_s1u, Some(addr(ENB).ip())));
    let (header, Message::ModifyBearerResponse(response)) = to_peer(&outputs[2], MME) else {
        panic!()
    };
    assert_eq!(header.teid, Some(Teid(0x11)));
    assert_eq!(response.cause.value, CauseValue::REQUEST_ACCEPTED);

    // Both tunnels close before the P-GW hears of it.
    net.mme_asks(
        3,
        sgw_s11,
        DeleteSessionRequest {
            linked_ebi: Some(Ebi(5)),
            ..DeleteSessionRequest::new()
        },
    );
    let outputs = net.outputs();
    let [
        Output::Rule(Rule::StopReceiving { .. }),
        Output::Rule(Rule::StopReceiving { .. }),
        asked,
    ] = &outputs[..]
    else {
        panic!("{outputs:#?}")
    };
    let (header, Message::DeleteSessionRequest(request)) = to_peer(asked, PGW) else {
        panic!()
    };
    assert_eq!(
        (header.teid, request.linked_ebi),
        (Some(Teid(0x55)), Some(Ebi(5)))
    );
    net.pgw_answers(
        header,
        net.sgw_s5c,
        DeleteSessionResponse::new(Cause::REQUEST_ACCEPTED),
    );
    let (header, Message::DeleteSessionResponse(response)) = to_peer(&net.outputs()[0], MME) else {
        panic!()
    };
    assert_eq!(
        (header.teid, header.sequence, response.cause),
        (Some(Teid(0x11)), Sequence(3), Cause::REQUEST_ACCEPTED)
    );
    net.is_empty();
}

#[test]
fn lost_s5_request_is_repeated_unchanged_after_t3() {
    let mut net = Net::new();
    net.mme_asks(1, Teid(0), create_session_request());
    let first = net.outputs();
    assert_eq!(first.len(), 1);
    net.advance(T3 - Duration::from_millis(1));
    assert_eq!(net.outputs(), []);
    net.advance(Duration::from_millis(1));
    assert_eq!(net.outputs(), first);
}

#[test]
fn silent_pgw_is_told_to_the_mme_and_nothing_stays() {
    let mut net = Net::new();
    net.mme_asks(1, Teid(0), create_session_request());
    net.outputs();
    for _ in 0..5 {
        net.advance(T3);
    }
    let outputs = net.outputs();
    let (header, Message::CreateSessionResponse(response)) = to_peer(outputs.last().unwrap(), MME) else {
        panic!()
    };
    assert_eq!(
        (header.teid, response.cause.value),
        (Some(Teid(0x11)), CauseValue::REMOTE_PEER_NOT_RESPONDING)
    );
    net.is_empty();
}

#[test]
fn repeated_request_makes_no_second_session() {
    let mut net = Net::new();
    net.mme_asks(1, Teid(0), create_session_request());
    let asked = net.outputs();
    net.mme_asks(1, Teid(0), create_session_request());
    assert_eq!(net.outputs(), [], "silent while the P-GW is asked");
    net.pgw_accepts(&asked[0]);
    let answer = net.outputs().pop().unwrap();
    net.mme_asks(1, Teid(0), create_session_request());
    assert_eq!(net.outputs(), [answer], "the same octets");
    assert_eq!(net.sgw.sessions.len(), 1);
}

#[test]
fn refusal_of_the_pgw_reaches_the_mme_with_its_cause() {
    let mut net = Net::new();
    net.mme_asks(1, Teid(0), create_session_request());
    let asked = net.outputs();
    let (header, _) = to_peer(&asked[0], PGW);
    let refusal = CreateSessionResponse::new(Cause::new(CauseValue::MISSING_OR_UNKNOWN_APN));
    net.pgw_answers(header, net.sgw_s5c, refusal);
    let (_, Message::CreateSessionResponse(response)) = to_peer(&net.outputs()[0], MME) else {
        panic!()
    };
    assert_eq!(
        response.cause,
        Cause::new(CauseValue::MISSING_OR_UNKNOWN_APN).from_remote()
    );
    net.is_empty();
}

#[test]
fn missing_conditional_ie_is_named() {
    let mut net = Net::new();
    net.mme_asks(
        1,
        Teid(0),
        CreateSessionRequest {
            imsi: None,
            ..create_session_request()
        },
    );
    let (header, Message::CreateSessionResponse(response)) = to_peer(&net.outputs()[0], MME) else {
        panic!()
    };
    assert_eq!(header.teid, Some(Teid(0x11)));
    assert_eq!(
        response.cause,
        Cause::new(CauseValue::CONDITIONAL_IE_MISSING).with_offending(IeType::IMSI, 0)
    );
}

#[test]
fn new_session_of_the_same_bearer_replaces_the_old_one() {
    let mut net = Net::new();
    let (old, _) = net.create_session(1);
    net.mme_asks(2, Teid(0), create_session_request());
    let outputs = net.outputs();
    assert!(
        matches!(outputs[0], Output::Rule(Rule::StopReceiving { .. })),
        "{outputs:#?}"
    );
    net.pgw_accepts(outputs.last().unwrap());
    net.outputs();
    assert_eq!(net.sgw.sessions.len(), 1);
    net.mme_asks(3, old, DeleteSessionRequest::new());
    let (_, Message::DeleteSessionResponse(response)) = to_peer(&net.outputs()[0], MME) else {
        panic!()
    };
    assert_eq!(response.cause.value, CauseValue::CONTEXT_NOT_FOUND);
}

#[test]
fn late_repeat_of_a_replaced_request_replaces_nothing() {
    let mut net = Net::new();
    net.mme_asks(1, Teid(0), create_session_request());
    let first = net.outputs();
    net.mme_asks(2, Teid(0), create_session_request());
    let second = net.outputs();
    net.pgw_accepts(second.last().unwrap());
    net.outputs();
    let session = net.sgw.sessions.iter().next().unwrap().teid;
    net.pgw_accepts(&first[0]);
    net.outputs();
    net.mme_asks(1, Teid(0), create_session_request());
    assert_eq!(net.outputs(), []);
    assert!(net.sgw.sessions.get(session).is_some() && net.sgw.sessions.len() == 1);
}

#[test]
fn session_is_its_own_peers_only() {
    let mut net = Net::new();
    let (sgw_s11, _) = net.create_session(1);
    let stranger = addr("192.0.2.66:2123");
    let bearer = BearerContextToBeModified::new(Ebi(5));
    for message in [
        Message::from(DeleteSessionRequest {
            linked_ebi: Some(Ebi(5)),
            uli: Some(Uli::default()),
            ..DeleteSessionRequest::new()
        }),
        ModifyBearerRequest {
            bearer_contexts: vec![bearer],
            ..ModifyBearerRequest::new()
        }
        .into(),
    ] {
        let datagram = message.encode(Some(sgw_s11), Sequence(9));
        net.sgw
            .handle_datagram(Interface::S11, stranger, &datagram, net.now);
        let outputs = net.outputs();
        let Output::Transmit { to, datagram, .. } = &outputs[0] else {
            panic!("{outputs:?}")
        };
        assert_eq!((outputs.len(), *to), (1, stranger));
        let answer = gtpv2c::decode(datagram).unwrap();
        let cause = match answer.message {
            Message::DeleteSessionResponse(response) => response.cause,
            Message::ModifyBearerResponse(response) => response.cause,
            other => panic!("{other:?}"),
        };
        assert_eq!(cause.value, CauseValue::CONTEXT_NOT_FOUND);
        assert_eq!(answer.header.teid, Some(Teid(0)), "nor does it learn a TEID");
        net.now += Duration::from_secs(60);
    }
    assert_eq!(net.sgw.sessions.len(), 1);
}

#[test]
fn delete_bearer_of_the_pgw_goes_through_to_the_mme() {
    let mut net = Net::new();
    net.create_session(1);
    let request = DeleteBearerRequest {
        linked_ebi: Some(Ebi(5)),
        ..DeleteBearerRequest::new()
    };
    net.pgw_asks(77, net.sgw_s5c, request);
    let outputs = net.outputs();
    let (header, Message::DeleteBearerRequest(request)) = to_peer(outputs.last().unwrap(), MME) else {
        panic!()
    };
    assert_eq!(
        (header.teid, request.linked_ebi),
        (Some(Teid(0x11)), Some(Ebi(5)))
    );
    let answer = Message::from(DeleteBearerResponse::new(Cause::REQUEST_ACCEPTED))
        .encode(Some(Teid(0)), header.sequence);
    net.sgw
        .handle_datagram(Interface::S11, addr(MME), &answer, net.now);
    let (header, Message::DeleteBearerResponse(response)) = to_peer(&net.outputs()[0], PGW) else {
        panic!()
    };
    assert_eq!((header.teid, header.sequence), (Some(Teid(0x55)), Sequence(77)));
    assert!(response.cause.is_accepted());
    net.is_empty();
}

#[test]
fn idle_ue_has_its_downlink_held() {
    let mut net = Net::new();
    let (sgw_s11, _) = net.create_session(1);
    net.mme_asks(2, sgw_s11, ReleaseAccessBearersRequest::new());
    let outputs = net.outputs();
    assert!(
        matches!(outputs[1], Output::Rule(Rule::Receive { then: Then::Hold, .. })),
        "{outputs:#?}"
    );
}

#[test]
fn restarted_pgw_is_told_to_the_mme() {
    let mut net = Net::new();
    let (sgw_s11, _) = net.create_session(1);
    net.move_to(2, sgw_s11, ENB, 0xe1);
    net.outputs();
    net.advance(Duration::from_secs(60));
    let asked: Vec<_> = net
        .outputs()
        .into_iter()
        .filter(|output| is_to(output, PGW))
        .collect();
    let (header, Message::EchoRequest(_)) = to_peer(&asked[0], PGW) else {
        panic!()
    };
    let answer = Message::from(EchoResponse::new(RestartCounter(8))).encode(None, header.sequence);
    net.sgw
        .handle_datagram(Interface::S5c, addr(PGW), &answer, net.now);
    let outputs = net.outputs();
    let (_, Message::DeleteBearerRequest(request)) = to_peer(outputs.last().unwrap(), MME) else {
        panic!()
    };
    assert_eq!(
        request.cause.map(|cause| cause.value),
        Some(CauseValue::REACTIVATION_REQUESTED)
    );
}

#[test]
fn restarted_mme_has_its_sessions_deleted_at_the_pgw() {
    let mut net = Net::new();
    net.create_session(1);
    let request = CreateSessionRequest {
        imsi: Some("001010000000002".parse().unwrap()),
        recovery: Some(RestartCounter(4)),
        ..create_session_request()
    };
    net.mme_asks(2, Teid(0), request);
    let outputs = net.outputs();
    let deleted = outputs.iter().filter(|output| is_to(output, PGW)).any(|output| {
        matches!(
            to_peer(output, PGW),
            (
                Header {
                    teid: Some(Teid(0x55)),
                    ..
                },
                Message::DeleteSessionRequest(_)
            )
        )
    });
    assert!(deleted, "{outputs:#?}");
    let asked = outputs.iter().any(|output| {
        is_to(output, PGW) && matches!(to_peer(output, PGW).1, Message::CreateSessionRequest(_))
    });
    assert!(asked, "{outputs:#?}");
    assert_eq!(net.sgw.sessions.len(), 2, "one being deleted, one being created");
}

#[test]
fn error_indication_counts_only_from_the_bearers_peer() {
    let mut net = Net::new();
    net.create_session(1);
    let error = gtpv1u::ErrorIndication::new(Teid(0x5a), addr(PGW_U).ip());
    let datagram = gtpv1u::Message::from(error).encode(&gtpv1u::Header::path(0));
    net.sgw
        .handle_datagram(Interface::S5u, addr("198.51.100.66:2152"), &datagram, net.now);
    assert_eq!(net.outputs(), []);
    net.sgw
        .handle_datagram(Interface::S5u, addr(PGW_U), &datagram, net.now);
    let outputs = net.outputs();
    let (_, Message::DeleteBearerRequest(_)) = to_peer(outputs.last().unwrap(), MME) else {
        panic!("{outputs:#?}")
    };
}

#[test]
fn end_markers_follow_the_path() {
    let mut net = Net::new();
    let (sgw_s11, _) = net.create_session(1);
    net.move_to(2, sgw_s11, ENB, 0xe1);
    net.outputs();
    let sgw_s5u = net.sgw.sessions.get(sgw_s11).unwrap().s5u_teid;
    let from_pgw = gtpv1u::Message::from(gtpv1u::EndMarker::default()).encode(&gtpv1u::Header::new(sgw_s5u));
    net.sgw
        .handle_datagram(Interface::S5u, addr("198.51.100.66:2152"), &from_pgw, net.now);
    assert_eq!(net.outputs(), [], "from a stranger");
    net.sgw
        .handle_datagram(Interface::S5u, addr(PGW_U), &from_pgw, net.now);
    assert_eq!(net.outputs(), [end_marker(ENB, 0xe1)]);
    // The eNB that the UE left hears that nothing more comes.
    net.move_to(3, sgw_s11, "203.0.113.5:2152", 0xe2);
    assert_eq!(net.outputs()[2], end_marker(ENB, 0xe1));
}

fn end_marker(to: &str, teid: u32) -> Output<crate::Event> {
    let datagram =
        gtpv1u::Message::from(gtpv1u::EndMarker::default()).encode(&gtpv1u::Header::new(Teid(teid)));
    Output::Transmit {
        on: Interface::S1u,
        to: addr(to),
        datagram,
    }
}

#[test]
fn version_1_is_answered_with_version_2_and_garbage_with_nothing() {
    let mut net = Net::new();
    let version_1 = [0x32, 0x01, 0x00, 0x04, 0, 0, 0, 0, 0, 1, 0, 0];
    net.sgw
        .handle_datagram(Interface::S11, addr(MME), &version_1, net.now);
    let (header, Message::VersionNotSupportedIndication(_)) = to_peer(&net.outputs()[0], MME) else {
        panic!()
    };
    assert_eq!(header.teid, None);
    for garbage in [&[][..], &[0x48], &[0x48, 33, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0]] {
        net.sgw
            .handle_datagram(Interface::S11, addr(MME), garbage, net.now);
        assert_eq!(net.outputs(), []);
    }
}

#[test]
fn unserved_request_is_refused() {
    let mut net = Net::new();
    net.create_session(1);
    net.mme_asks(5, Teid(1), gtpv2c::SuspendNotification::new());
    let outputs = net.outputs();
    let (header, Message::SuspendAcknowledge(answer)) = to_peer(&outputs[0], MME) else {
        panic!()
    };
    assert_eq!(
        (header.teid, answer.cause.value),
        (Some(Teid(0)), CauseValue::SERVICE_NOT_SUPPORTED)
    );
}

#[test]
fn session_that_is_never_taken_into_use_is_deleted_at_both_peers() {
    let mut net = Net::new();
    net.create_session(1);
    net.advance(Duration::from_secs(60));
    let outputs = net.outputs();
    let told = |peer| {
        outputs.iter().filter(|output| is_to(output, peer)).any(|output| {
            matches!(
                to_peer(output, peer).1,
                Message::DeleteSessionRequest(_) | Message::DeleteBearerRequest(_)
            )
        })
    };
    assert!(told(PGW) && told(MME), "{outputs:#?}");
}

#[test]
fn full_sgw_says_so() {
    let mut net = Net::new();
    net.sgw.config.max_sessions = 0;
    net.mme_asks(1, Teid(0), create_session_request());
    let (_, Message::CreateSessionResponse(response)) = to_peer(&net.outputs()[0], MME) else {
        panic!()
    };
    assert_eq!(response.cause.value, CauseValue::NO_RESOURCES_AVAILABLE);
}

#[test]
fn one_address_for_both_sides_is_enough() {
    let mut net = Net::with(
        "local_addresses: {s11_ip: 192.0.2.9, s1u_ip: 192.0.2.9, s5c_ip: 192.0.2.9, s5u_ip: 192.0.2.9}",
    );
    net.mme_asks(1, Teid(0), create_session_request());
    let asked = net.outputs();
    assert!(matches!(
        asked[0],
        Output::Transmit {
            on: Interface::S11,
            ..
        }
    ));
    net.s5c = Interface::S11;
    net.pgw_accepts(&asked[0]);
    let outputs = net.outputs();
    let (_, Message::CreateSessionResponse(response)) = to_peer(outputs.last().unwrap(), MME) else {
        panic!()
    };
    assert!(response.cause.is_accepted());
}

#[test]
fn shutdown_deletes_at_both_peers() {
    let mut net = Net::new();
    net.create_session(1);
    net.sgw.handle_command(Command::Shutdown, net.now);
    let outputs = net.outputs();
    assert!(!net.sgw.is_drained());
    for output in outputs.iter().filter(|output| is_to(output, PGW)) {
        let (header, Message::DeleteSessionRequest(_)) = to_peer(output, PGW) else {
            panic!()
        };
        net.pgw_answers(
            header,
            net.sgw_s5c,
            DeleteSessionResponse::new(Cause::REQUEST_ACCEPTED),
        );
    }
    for output in outputs.iter().filter(|output| is_to(output, MME)) {
        let (header, Message::DeleteBearerRequest(_)) = to_peer(output, MME) else {
            panic!()
        };
        let answer = Message::from(DeleteBearerResponse::new(Cause::REQUEST_ACCEPTED));
        let datagram = answer.encode(Some(Teid(0)), header.sequence);
        net.sgw
            .handle_datagram(Interface::S11, addr(MME), &datagram, net.now);
    }
    assert!(net.sgw.is_drained());
}

/// The S-GW, and what its peers would say.
struct Net {
    sgw: Sgw,
    now: Instant,
    s5c: Interface,
    /// The TEID that the S-GW gave out on S5-C last.
    sgw_s5c: Teid,
}

impl Net {
    fn new() -> Net {
        Net::with(
            "local_addresses: {s11_ip: 192.0.2.2, s1u_ip: 203.0.113.2, s5c_ip: 198.51.100.2, s5u_ip: 198.51.100.2}",
        )
    }

    fn with(yaml: &str) -> Net {
        let config: Config = epc_driver::config::parse(yaml, "sgw.yml").unwrap();
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
            sgw: Sgw::new(config, boot, now),
            now,
            s5c: Interface::S5c,
            sgw_s5c: Teid(0),
        }
    }

    fn mme_asks(&mut self, sequence: u32, teid: Teid, message: impl Into<Message>) {
        let datagram = message.into().encode(Some(teid), Sequence(sequence));
        self.sgw
            .handle_datagram(Interface::S11, addr(MME), &datagram, self.now);
    }

    fn pgw_asks(&mut self, sequence: u32, teid: Teid, message: impl Into<Message>) {
        let datagram = message.into().encode(Some(teid), Sequence(sequence));
        self.sgw.handle_datagram(self.s5c, addr(PGW), &datagram, self.now);
    }

    fn pgw_answers(&mut self, asked: Header, teid: Teid, message: impl Into<Message>) {
        self.pgw_asks(asked.sequence.0, teid, message);
    }

    fn pgw_accepts(&mut self, asked: &Output<crate::Event>) {
        let response = self.accepting(asked);
        self.pgw_answers(to_peer(asked, PGW).0, self.sgw_s5c, response);
    }

    fn accepting(&mut self, asked: &Output<crate::Event>) -> CreateSessionResponse {
        let (_, Message::CreateSessionRequest(request)) = to_peer(asked, PGW) else {
            panic!("{asked:?}")
        };
        assert_eq!(request.sender_fteid.interface, InterfaceType::S5_S8_SGW_GTP_C);
        assert_eq!(request.pgw_s5c_fteid, None);
        self.sgw_s5c = request.sender_fteid.teid;
        let bearer = BearerContextCreated {
            pgw_s5u_fteid: Some(Fteid::new(
                InterfaceType::S5_S8_PGW_GTP_U,
                Teid(0x5a),
                addr(PGW_U).ip(),
            )),
            ..BearerContextCreated::new(Ebi(5), Cause::REQUEST_ACCEPTED)
        };
        CreateSessionResponse {
            pgw_s5c_fteid: Some(Fteid::new(
                InterfaceType::S5_S8_PGW_GTP_C,
                Teid(0x55),
                addr(PGW).ip(),
            )),
            paa: Some(Paa::V4([10, 60, 0, 1].into())),
            recovery: Some(RestartCounter(7)),
            bearer_contexts: vec![bearer],
            ..CreateSessionResponse::new(Cause::REQUEST_ACCEPTED)
        }
    }

    /// The TEIDs of the S-GW on S11 and S1-U.
    fn create_session(&mut self, sequence: u32) -> (Teid, Teid) {
        self.mme_asks(sequence, Teid(0), create_session_request());
        let asked = self.outputs();
        self.pgw_accepts(&asked[0]);
        let outputs = self.outputs();
        let [Output::Rule(uplink), Output::Rule(downlink), answer] = &outputs[..] else {
            panic!("{outputs:#?}")
        };
        assert!(
            matches!(
                uplink,
                Rule::Receive {
                    on: Interface::S1u,
                    then: Then::Hold,
                    ..
                }
            ),
            "until it is known from where it may come: {uplink:?}"
        );
        assert!(
            matches!(downlink, Rule::Receive { then: Then::Hold, .. }),
            "{downlink:?}"
        );
        let (_, Message::CreateSessionResponse(response)) = to_peer(answer, MME) else {
            panic!()
        };
        assert_eq!(response.paa, Some(Paa::V4([10, 60, 0, 1].into())));
        let s1u = response.bearer_contexts[0].sgw_s1u_fteid.unwrap();
        (response.sender_fteid.unwrap().teid, s1u.teid)
    }

    fn move_to(&mut self, sequence: u32, sgw_s11: Teid, enb: &str, teid: u32) {
        let enb = Fteid::new(InterfaceType::S1U_ENB_GTP_U, Teid(teid), addr(enb).ip());
        let bearer = BearerContextToBeModified {
            enb_s1u_fteid: Some(enb),
            ..BearerContextToBeModified::new(Ebi(5))
        };
        let request = ModifyBearerRequest {
            bearer_contexts: vec![bearer],
            ..ModifyBearerRequest::new()
        };
        self.mme_asks(sequence, sgw_s11, request);
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        self.sgw.handle_timeout(self.now);
    }

    fn outputs(&mut self) -> Vec<Output<crate::Event>> {
        std::iter::from_fn(|| self.sgw.poll_output()).collect()
    }

    fn is_empty(&self) {
        assert_eq!(self.sgw.sessions.len(), 0);
        assert_eq!(
            (self.sgw.control_teids.in_use(), self.sgw.user_teids.in_use()),
            (0, 0)
        );
        assert!(self.sgw.gtpc.is_idle());
    }
}

fn create_session_request() -> CreateSessionRequest {
    let mme = Fteid::new(InterfaceType::S11_MME_GTP_C, Teid(0x11), addr(MME).ip());
    let pgw = Fteid::new(InterfaceType::S5_S8_PGW_GTP_C, Teid(0), addr(PGW).ip());
    let bearer = BearerContextToBeCreated::new(Ebi(5), BearerQos::non_gbr(9, 8));
    CreateSessionRequest {
        imsi: Some("001010000000001".parse().unwrap()),
        pgw_s5c_fteid: Some(pgw),
        recovery: Some(RestartCounter(3)),
        ..CreateSessionRequest::new(RatType::EUTRAN, mme, "internet".parse().unwrap(), vec![bearer])
    }
}

fn to_peer(output: &Output<crate::Event>, peer: &str) -> (Header, Message) {
    let Output::Transmit { to, datagram, .. } = output else {
        panic!("not sent: {output:?}")
    };
    assert_eq!(*to, addr(peer));
    let Packet { header, message, .. } = gtpv2c::decode(datagram).unwrap();
    (header, message)
}

fn is_to(output: &Output<crate::Event>, peer: &str) -> bool {
    matches!(output, Output::Transmit { to, .. } if *to == addr(peer))
}

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}
