//! The S-GW on S11: its requests, its answers, and whether it is there, TS 23.007.
//!
//! ```text
//! MME <-DeleteBearerRequest------- S-GW     the P-GW ends the session: the UE is detached, then the answer
//! MME <-DownlinkDataNotification-- S-GW     packets wait: there are no idle UEs, the S-GW is told again where the eNB is
//! MME --EchoRequest--------------> S-GW     by the endpoint; a restart or silence detaches the UEs that it served
//! ```

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use epc_codec::gtpv2c::{
    Cause, CauseValue, DeleteBearerRequest, DeleteBearerResponse, DeleteBearerResponseContext,
    DownlinkDataNotificationAcknowledge, Message, MessageType, RestartCounter,
};
use epc_codec::nas::EsmCause;
use epc_codec::s1ap;
use epc_codec::{Error, Teid};
use epc_node::Interface;
use epc_node::gtpc::Asked;
use epc_node::paths::{PathChange, PathId, Paths};
use tracing::debug;

use crate::attach::{DEFAULT_BEARER, SessionState, Stage};
use crate::detach::{S1End, SessionEnd};
use crate::{Gateways, Mme, Pending, UeId};

/// Packets that wait again so soon after the S-GW was told where the eNB is: the eNB has lost the UE.
const NOTIFIED_AGAIN: Duration = Duration::from_secs(10);

impl Mme {
    /// Supervises the S-GWs of the configuration, and no other one where there is no session any more.
    pub(crate) fn watch_gateways(&mut self, now: Instant) {
        for sgw in self.sgws.addresses() {
            self.gtpc.watch((Interface::S11, sgw), now);
        }
        let former: Vec<PathId> = self
            .gtpc
            .paths()
            .iter()
            .map(|(path, _)| path)
            .filter(|(_, sgw)| !self.sgws.contains(*sgw))
            .collect();
        for path in former {
            self.forget_if_unused(path);
        }
    }

    /// An S-GW that the configuration does not name any more is heard while sessions are there.
    fn forget_if_unused(&mut self, path: PathId) {
        let used = |state: SessionState| match state {
            SessionState::Up(session) | SessionState::Deleting(session) => session.sgw.ip() == path.1,
            SessionState::Creating => true,
            SessionState::None => false,
        };
        if !self.sgws.contains(path.1) && !self.ues.values().any(|ue| used(ue.session)) {
            self.gtpc.forget(&path);
        }
    }

    /// The S-GW and the P-GW of the next session.
    pub(crate) fn choose_gateways(&mut self, now: Instant) -> Option<Gateways> {
        let paths = self.gtpc.paths();
        let sgw = self.sgws.next(|sgw| is_down(paths, sgw), now)?;
        // Nobody supervises P-GWs from here: what they answer through the S-GWs tells how they are.
        let pgw = self.pgws.next(|_| false, now)?;
        Some(Gateways { sgw, pgw })
    }

    /// The gateways made no session: others are asked, if one of them is at fault and there are others.
    fn session_failed(
        &mut self,
        id: UeId,
        asked: Gateways,
        at_fault: Option<AtFault>,
        cause: EsmCause,
        now: Instant,
    ) {
        let paths = self.gtpc.paths();
        let another = match at_fault {
            Some(AtFault::Sgw) => {
                self.sgws.avoid(asked.sgw, now);
                self.sgws.has_good_one(|sgw| is_down(paths, sgw), now)
            }
            Some(AtFault::Pgw) => {
                self.pgws.avoid(asked.pgw, now);
                self.pgws.has_good_one(|_| false, now)
            }
            None => false,
        };
        if another && self.create_session_elsewhere(id, now) {
            return debug!(ue = %id, sgw = %asked.sgw, pgw = %asked.pgw, ?at_fault, "no session there; asked elsewhere");
        }
        self.session_refused(id, cause, now);
    }

    /// A GTP-C message; only S-GWs may send one.
    pub(crate) fn receive_gtp(&mut self, from: SocketAddr, datagram: &[u8], now: Instant) {
        if !self.gtpc.paths().watches(&(Interface::S11, from.ip())) {
            debug!(%from, "GTP-C from a stranger");
            return self.gtpc.metrics.discarded("stranger");
        }
        self.gtpc
            .receive(Interface::S11, from, datagram, now, &mut self.out);
    }

    pub(crate) fn gateway_response(
        &mut self,
        from: SocketAddr,
        message: Result<Message, Error>,
        pending: Pending,
        now: Instant,
    ) {
        let path = (Interface::S11, from.ip());
        if let Some(counter) = message.as_ref().ok().and_then(recovery)
            && let Some(change) = self.gtpc.heard(path, Some(counter), now)
        {
            // Should it have started again: what it had is lost before what it tells now.
            self.gateway_path(path, change, now);
        }
        match (pending, message) {
            (Pending::Create(id, asked), Ok(Message::CreateSessionResponse(response))) => {
                let cause = response.cause;
                if cause.value.is_accepted() {
                    return self.session_created(id, *response, now);
                }
                debug!(ue = %id, cause = %cause.value, "session refused");
                self.session_failed(
                    id,
                    asked,
                    at_fault(&cause),
                    crate::nas::esm_cause(cause.value),
                    now,
                );
            }
            (Pending::Create(id, asked), other) => {
                debug!(ue = %id, answer = ?other.map(|other| other.name()), "no Create Session Response");
                self.session_failed(id, asked, Some(AtFault::Sgw), EsmCause::NETWORK_FAILURE, now);
            }
            (Pending::Modify(id), Ok(Message::ModifyBearerResponse(response))) => {
                self.bearer_modified(id, response.cause.value, now);
            }
            (Pending::Modify(id), _) => {
                self.bearer_modified(id, CauseValue::INVALID_REPLY_FROM_REMOTE_PEER, now)
            }
            // Whatever it says, Context Not Found for one, the session is gone.
            (Pending::Delete(id), _) => self.session_deleted(id, now),
        }
    }

    /// The S-GW did not answer.
    pub(crate) fn gateway_silent(&mut self, pending: Pending, now: Instant) {
        match pending {
            Pending::Create(id, asked) => {
                self.session_failed(id, asked, Some(AtFault::Sgw), EsmCause::NETWORK_FAILURE, now);
            }
            Pending::Modify(id) => self.bearer_modified(id, CauseValue::REMOTE_PEER_NOT_RESPONDING, now),
            Pending::Delete(id) => self.session_not_deleted(id, now),
        }
    }

    /// The S-GW came, went or started again.
    pub(crate) fn gateway_path(&mut self, path: PathId, change: PathChange, now: Instant) {
        match change {
            PathChange::Up | PathChange::Down => {}
            PathChange::Restarted => self.sessions_lost(path, SessionEnd::Forget, now),
            // Should it come back with them, it hears of their end.
            PathChange::Dead => self.sessions_lost(path, SessionEnd::Delete, now),
        }
        self.forget_if_unused(path);
    }

    /// The sessions at this S-GW are lost, or as good as: their UEs attach again, TS 23.007 §17.
    fn sessions_lost(&mut self, (_, sgw): PathId, end: SessionEnd, now: Instant) {
        let mut ids: Vec<UeId> = self
            .ues
            .iter()
            .filter(|(_, ue)| matches!(ue.session, SessionState::Up(session) if session.sgw.ip() == sgw))
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        for id in ids {
            match self.ues.get(&id).map(|ue| &ue.stage) {
                Some(Stage::Attached) => self.detach_in_turn(id, end),
                Some(Stage::SettingUp { .. }) => {
                    self.metrics.attach_failures.inc();
                    let cause = s1ap::Cause::TRANSPORT_RESOURCE_UNAVAILABLE;
                    self.leave(id, end, S1End::Release(cause), now);
                }
                _ => {}
            }
        }
    }

    /// The S-GW asks for something.
    pub(crate) fn gateway_request(&mut self, asked: &Asked, message: Message, now: Instant) {
        match message {
            Message::DeleteBearerRequest(request) => self.delete_bearer(asked, &request, now),
            Message::DownlinkDataNotification(_) => self.downlink_data(asked, now),
            other => {
                debug!(from = %asked.from, message = other.name(), "request that is not served");
                self.gtpc.metrics.discarded("message type not served");
                if for_an_mme(other.message_type()) {
                    let teid = self.session_of(asked).map_or(Teid(0), |(_, teid)| teid);
                    self.gtpc.refuse(
                        asked,
                        teid,
                        CauseValue::SERVICE_NOT_SUPPORTED,
                        None,
                        now,
                        &mut self.out,
                    );
                } else {
                    self.gtpc.ignore(asked);
                }
            }
        }
    }

    /// A request of the S-GW's that cannot be read.
    pub(crate) fn gateway_faulty(&mut self, asked: &Asked, error: &Error, now: Instant) {
        let teid = self.session_of(asked).map_or(Teid(0), |(_, teid)| teid);
        match error.cause().filter(|_| for_an_mme(asked.header.message_type)) {
            Some(cause) => self
                .gtpc
                .refuse(asked, teid, cause, error.offending(), now, &mut self.out),
            None => self.gtpc.ignore(asked),
        }
    }

    /// The UE that a request is about, and the S-GW's TEID for it; `None` if it has no session at the S-GW that asks.
    fn session_of(&self, asked: &Asked) -> Option<(UeId, Teid)> {
        let id = asked.teid();
        match self.ues.get(&id)?.session {
            SessionState::Up(session) | SessionState::Deleting(session)
                if session.sgw.ip() == asked.from.ip() =>
            {
                Some((id, session.sgw_s11))
            }
            _ => None,
        }
    }

    /// The session ends, §7.2.9.2: with the linked bearer it is the default one that goes.
    fn delete_bearer(&mut self, asked: &Asked, request: &DeleteBearerRequest, now: Instant) {
        let Some((id, teid)) = self.session_of(asked) else {
            return self.gtpc.refuse(
                asked,
                Teid(0),
                CauseValue::CONTEXT_NOT_FOUND,
                None,
                now,
                &mut self.out,
            );
        };
        if request.linked_ebi == Some(DEFAULT_BEARER) {
            let attach_again = request
                .cause
                .as_ref()
                .is_some_and(|cause| cause.value == CauseValue::REACTIVATION_REQUESTED);
            return self.detach_by_network(id, attach_again, SessionEnd::Answer(*asked), now);
        }
        // There are no other bearers.
        let unknown = |ebi: &epc_codec::Ebi| DeleteBearerResponseContext::new(*ebi, Cause::CONTEXT_NOT_FOUND);
        let named = request.linked_ebi.iter().chain(&request.ebis);
        let response = DeleteBearerResponse {
            bearer_contexts: named.map(unknown).collect(),
            ..DeleteBearerResponse::new(Cause::CONTEXT_NOT_FOUND)
        };
        self.gtpc.answer(asked, teid, response, now, &mut self.out);
    }

    /// Packets wait for a UE that, for the S-GW, is at no eNB.
    fn downlink_data(&mut self, asked: &Asked, now: Instant) {
        let Some((id, teid)) = self.session_of(asked) else {
            return self.gtpc.refuse(
                asked,
                Teid(0),
                CauseValue::CONTEXT_NOT_FOUND,
                None,
                now,
                &mut self.out,
            );
        };
        let acknowledge = DownlinkDataNotificationAcknowledge::new(Cause::REQUEST_ACCEPTED);
        self.gtpc.answer(asked, teid, acknowledge, now, &mut self.out);
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let (Stage::Attached, SessionState::Up(session)) = (&ue.stage, &mut ue.session) else {
            return;
        };
        let again = session
            .notified
            .replace(now)
            .is_some_and(|before| now < before + NOTIFIED_AGAIN);
        if again {
            self.detach_by_network(id, true, SessionEnd::Delete, now);
        } else {
            self.modify_bearer(id, now);
        }
    }
}

/// Who made no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AtFault {
    Sgw,
    Pgw,
}

/// Whether another gateway may do better, and of which kind: where the one that was asked has no room, fails, stops, or is
/// silent.
fn at_fault(cause: &Cause) -> Option<AtFault> {
    match cause.value {
        CauseValue::REMOTE_PEER_NOT_RESPONDING
        | CauseValue::PGW_NOT_RESPONDING
        | CauseValue::INVALID_REPLY_FROM_REMOTE_PEER
        | CauseValue::ALL_DYNAMIC_ADDRESSES_ARE_OCCUPIED => Some(AtFault::Pgw),
        CauseValue::NO_RESOURCES_AVAILABLE
        | CauseValue::NO_MEMORY_AVAILABLE
        | CauseValue::SYSTEM_FAILURE
        | CauseValue::GTP_C_ENTITY_CONGESTION => Some(match cause.from_remote_node {
            true => AtFault::Pgw,
            false => AtFault::Sgw,
        }),
        _ => None,
    }
}

/// It was asked whether it is there, in vain. One that was never asked may be there.
fn is_down(paths: &Paths, sgw: IpAddr) -> bool {
    paths.state(&(Interface::S11, sgw)) == Some(false)
}

/// What an S-GW may ask of an MME. Another request is none of its business, TS 29.274 §7.7.2.
fn for_an_mme(message_type: MessageType) -> bool {
    matches!(
        message_type,
        MessageType::CREATE_BEARER_REQUEST
            | MessageType::UPDATE_BEARER_REQUEST
            | MessageType::DELETE_BEARER_REQUEST
            | MessageType::DOWNLINK_DATA_NOTIFICATION
    )
}

/// The restart counter that a response of the S-GW's tells.
fn recovery(message: &Message) -> Option<RestartCounter> {
    match message {
        Message::CreateSessionResponse(response) => response.recovery,
        Message::ModifyBearerResponse(response) => response.recovery,
        Message::DeleteSessionResponse(response) => response.recovery,
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use epc_codec::gtpv2c::{
        self, CreateSessionRequest, CreateSessionResponse, DownlinkDataNotification, OtherMessage, Sequence,
    };
    use epc_codec::nas::{Message as Nas, NetworkDetachType};

    use super::*;
    use crate::testing::*;

    /// The eNB of these tests is silent and is there.
    const PATIENT: &str = "s1ap: { probe_interval: 3600, peer_timeout: 7200 }";

    #[test]
    fn ready_when_the_gateway_answers() {
        let mut lab = Lab::new("");
        assert_eq!(lab.mme.readiness(), ["S-GW 192.0.2.3 does not answer"]);
        let echo = lab.advance(Duration::ZERO);
        assert_eq!(names(&echo), ["Echo Request"]);
        lab.sgw_answers_all(&echo);
        assert!(lab.mme.readiness().is_empty());
    }

    #[test]
    fn gateway_that_started_again_makes_its_ues_attach_again() {
        let mut lab = Lab::up(PATIENT);
        let session = lab.attach(1);
        lab.sgw_counter += 1;
        let echo = lab.advance(Duration::from_secs(60));
        let out = lab.sgw_answers_all(&echo);
        let Nas::NetworkDetachRequest(detach) = &said(&out)[0] else {
            panic!("{out:?}")
        };
        assert_eq!(detach.detach_type, NetworkDetachType::RE_ATTACH_REQUIRED);
        let out = lab.enb(detach_accept(session));
        assert_eq!(
            names(&out),
            ["Detached", "UEContextReleaseCommand"],
            "there is nothing to delete"
        );
        lab.enb(release_complete(session));
        lab.assert_empty();
    }

    #[test]
    fn session_that_tells_of_the_restart_is_not_lost_with_the_others() {
        let (mut lab, first) = Lab::attached();
        lab.sgw_counter += 1;
        let out = lab.enb(initial(2, 2));
        let out = lab.sgw_answers_all(&out);
        assert_eq!(
            names(&out),
            ["InitialContextSetupRequest", "DownlinkNASTransport"]
        );
        let Out::S1ap(_, s1ap::Message::DownlinkNasTransport(detach)) = &out[1] else {
            panic!()
        };
        assert_eq!(detach.mme_ue_s1ap_id, first.mme_id);
    }

    #[test]
    fn dead_gateway_makes_its_ues_attach_again() {
        let mut lab = Lab::up(PATIENT);
        lab.attach(1);
        let out = lab.advance(Duration::from_secs(900));
        assert!(
            said(&out)
                .iter()
                .any(|nas| matches!(nas, Nas::NetworkDetachRequest(_))),
            "{:?}",
            names(&out)
        );
        assert_eq!(lab.mme.readiness().len(), 1);
    }

    /// The S-GWs and P-GWs that the MME asks for sessions.
    fn asked_for_sessions(out: &[Out]) -> Vec<(IpAddr, IpAddr)> {
        let pair = |out: &Out| match out {
            Out::Gtp(to, packet) => match &packet.message {
                Message::CreateSessionRequest(request) => Some((to.ip(), request.pgw_s5c_fteid?.address()?)),
                _ => None,
            },
            Out::S1ap(..) | Out::Event(_) => None,
        };
        out.iter().filter_map(pair).collect()
    }

    fn ip(number: u8) -> IpAddr {
        [192, 0, 2, number].into()
    }

    const SEVERAL: &str =
        "sgw_s11_ip: [192.0.2.3, {address: 192.0.2.5, weight: 2}], pgw_s5c_ip: [192.0.2.4, 192.0.2.6]";

    #[test]
    fn sessions_are_spread_over_the_gateways() {
        let mut lab = Lab::with(SEVERAL);
        let asked: Vec<_> = (1..=6)
            .flat_map(|number| asked_for_sessions(&lab.enb(initial(number, number))))
            .collect();
        let sgws: Vec<_> = asked.iter().map(|(sgw, _)| *sgw).collect();
        assert_eq!(sgws, [ip(5), ip(3), ip(5), ip(5), ip(3), ip(5)]);
        let pgws: Vec<_> = asked.iter().map(|(_, pgw)| *pgw).collect();
        assert_eq!(pgws, [ip(4), ip(6), ip(4), ip(6), ip(4), ip(6)]);
    }

    /// The gateway that is asked refuses; `from_pgw` if its P-GW does.
    fn refuse(lab: &mut Lab, out: &[Out], value: CauseValue, from_pgw: bool) -> Vec<Out> {
        let Some((to, packet)) = out.iter().find_map(|out| match out {
            Out::Gtp(to, packet) if packet.message.name() == "Create Session Request" => Some((*to, packet)),
            _ => None,
        }) else {
            panic!("{out:?}")
        };
        let Message::CreateSessionRequest(request) = &packet.message else {
            panic!("{packet:?}")
        };
        let cause = Cause::new(value);
        let cause = if from_pgw { cause.from_remote() } else { cause };
        let refusal = Message::from(CreateSessionResponse::new(cause));
        let datagram = refusal.encode(Some(request.sender_fteid.teid), packet.header.sequence);
        lab.datagram(Interface::S11, &to.to_string(), &datagram)
    }

    #[test]
    fn gateway_that_stops_is_left_out_and_another_one_serves() {
        let mut lab = Lab::with(SEVERAL);
        let out = lab.enb(initial(1, 1));
        assert_eq!(asked_for_sessions(&out), [(ip(5), ip(4))]);
        // The S-GW has no room: another S-GW.
        let out = refuse(&mut lab, &out, CauseValue::NO_RESOURCES_AVAILABLE, false);
        assert_eq!(asked_for_sessions(&out), [(ip(3), ip(6))]);
        // Its P-GW has none: another P-GW.
        let out = refuse(&mut lab, &out, CauseValue::NO_RESOURCES_AVAILABLE, true);
        assert_eq!(asked_for_sessions(&out), [(ip(3), ip(4))]);
        // For a while nobody is sent there.
        let out = lab.enb(initial(2, 2));
        assert_eq!(asked_for_sessions(&out), [(ip(3), ip(4))]);
        lab.advance(Duration::from_secs(10));
        let asked: Vec<_> = (3..=6)
            .flat_map(|number| asked_for_sessions(&lab.enb(initial(number, number))))
            .collect();
        assert!(asked.iter().any(|(sgw, _)| *sgw == ip(5)), "{asked:?}");
        assert!(asked.iter().any(|(_, pgw)| *pgw == ip(6)), "{asked:?}");
    }

    #[test]
    fn refusal_that_another_gateway_would_repeat_is_final_and_so_is_the_last_gateways() {
        let mut lab = Lab::with(SEVERAL);
        let out = lab.enb(initial(1, 1));
        let out = refuse(&mut lab, &out, CauseValue::MISSING_OR_UNKNOWN_APN, true);
        assert_eq!(asked_for_sessions(&out), []);
        assert!(matches!(said(&out)[0], Nas::AttachReject(_)), "{out:?}");
        let mut out = lab.enb(initial(2, 2));
        for _ in 0..2 {
            assert_eq!(asked_for_sessions(&out).len(), 1);
            out = refuse(&mut lab, &out, CauseValue::SYSTEM_FAILURE, false);
        }
        assert_eq!(asked_for_sessions(&out), []);
        assert!(matches!(said(&out)[0], Nas::AttachReject(_)), "{out:?}");
    }

    #[test]
    fn session_that_a_silent_gateway_does_not_create_is_created_by_another() {
        // One of the two S-GWs answers.
        let mut lab = Lab::up(SEVERAL);
        let out = lab.enb(initial(1, 1));
        assert_eq!(asked_for_sessions(&out), [(ip(5), ip(4))]);
        let out = lab.advance(5 * T3);
        assert_eq!(asked_for_sessions(&out).last(), Some(&(ip(3), ip(6))));
    }

    #[test]
    fn gateway_that_the_configuration_does_not_name_any_more_is_heard_while_it_has_sessions() {
        let mut lab = Lab::up(PATIENT);
        let session = lab.attach(1);
        lab.command(crate::Command::Reload(config(&format!(
            "{PATIENT}, sgw_s11_ip: 192.0.2.5"
        ))));
        assert_eq!(asked_for_sessions(&lab.enb(initial(2, 2)))[0].0, ip(5));
        let end = DeleteBearerRequest {
            linked_ebi: Some(DEFAULT_BEARER),
            cause: Some(Cause::new(CauseValue::REACTIVATION_REQUESTED)),
            ..DeleteBearerRequest::new()
        };
        let out = lab.sgw(session.teid(), 77, end);
        assert!(matches!(said(&out)[0], Nas::NetworkDetachRequest(_)), "{out:?}");
    }

    #[test]
    fn waiting_packets_are_acknowledged_and_the_gateway_is_told_where_the_enb_is() {
        let (mut lab, session) = Lab::attached();
        let out = lab.sgw(session.teid(), 77, DownlinkDataNotification::new());
        assert_eq!(
            names(&out),
            ["Downlink Data Notification Acknowledge", "Modify Bearer Request"]
        );
        assert_eq!(lab.sgw_answers_all(&out), []);
        // Again, so soon: the eNB does not have the UE.
        let out = lab.sgw(session.teid(), 78, DownlinkDataNotification::new());
        assert_eq!(
            names(&out),
            ["Downlink Data Notification Acknowledge", "DownlinkNASTransport"]
        );
    }

    #[test]
    fn request_for_no_session_is_answered_context_not_found() {
        let (mut lab, _) = Lab::attached();
        let out = lab.sgw(
            Teid(1),
            77,
            DeleteBearerRequest {
                linked_ebi: Some(DEFAULT_BEARER),
                ..DeleteBearerRequest::new()
            },
        );
        let Message::DeleteBearerResponse(response) = &gtp(&out)[0].message else {
            panic!("{out:?}")
        };
        assert_eq!(response.cause.value, CauseValue::CONTEXT_NOT_FOUND);
    }

    #[test]
    fn bearer_that_is_asked_for_is_refused_and_what_is_not_for_an_mme_is_not_answered() {
        let (mut lab, session) = Lab::attached();
        let ask = |lab: &mut Lab, message_type| {
            let request = OtherMessage {
                message_type,
                ies: Vec::new(),
            };
            lab.sgw(session.teid(), u32::from(message_type.0), request)
        };
        assert_eq!(
            names(&ask(&mut lab, MessageType::UPDATE_BEARER_REQUEST)),
            ["Update Bearer Response"]
        );
        assert_eq!(ask(&mut lab, MessageType::FORWARD_RELOCATION_REQUEST), []);
        assert_eq!(ask(&mut lab, MessageType(250)), []);
        assert_eq!(lab.mme.ues.len(), 1);
    }

    #[test]
    fn strangers_are_not_heard() {
        let (mut lab, session) = Lab::attached();
        let request = DeleteBearerRequest {
            linked_ebi: Some(DEFAULT_BEARER),
            ..DeleteBearerRequest::new()
        };
        let datagram = gtpv2c::Message::from(request).encode(Some(session.teid()), Sequence(77));
        assert_eq!(lab.datagram(Interface::S11, "198.51.100.1:2123", &datagram), []);
        assert_eq!(lab.mme.ues.len(), 1);
    }

    #[test]
    fn unsolicited_and_senseless_responses_change_nothing() {
        let (mut lab, session) = Lab::attached();
        let response = lab.created(session.teid());
        assert_eq!(lab.sgw(session.teid(), 12_345, response), []);
        // A 12-octet Create Session Response with TEID 0.
        let short = [0x48, 33, 0, 8, 0, 0, 0, 0, 0, 0, 1, 0];
        assert_eq!(lab.datagram(Interface::S11, SGW, &short), []);
        // To a request that is outstanding: the UE is refused, the MME lives.
        let out = lab.enb(initial(2, 2));
        let packet = gtp(&out)[0].clone();
        let Message::CreateSessionRequest(request) = packet.message else {
            panic!()
        };
        let mut short = short;
        short[8..11].copy_from_slice(&packet.header.sequence.0.to_be_bytes()[1..]);
        let _: &CreateSessionRequest = &request;
        let out = lab.datagram(Interface::S11, SGW, &short);
        assert_eq!(names(&out), ["DownlinkNASTransport", "UEContextReleaseCommand"]);
        assert_eq!(lab.mme.gtpc.metrics.active_sessions.get(), 1);
    }
}
