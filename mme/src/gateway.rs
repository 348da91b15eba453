//! The S-GW on S11: its requests, its answers, and whether it is there, TS 23.007.
//!
//! ```text
//! MME <-DeleteBearerRequest------- S-GW     the P-GW ends the session: the UE is detached, then the answer
//! MME <-DownlinkDataNotification-- S-GW     packets wait: there are no idle UEs, the S-GW is told again where the eNB is
//! MME --EchoRequest--------------> S-GW     by the endpoint; a restart or silence detaches the UEs that it served
//! ```

use std::net::SocketAddr;
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
use epc_node::paths::{PathChange, PathId};
use tracing::debug;

use crate::attach::{DEFAULT_BEARER, SessionState, Stage};
use crate::detach::{S1End, SessionEnd};
use crate::{Mme, Pending, UeId};

/// Packets that wait again so soon after the S-GW was told where the eNB is: the eNB has lost the UE.
const NOTIFIED_AGAIN: Duration = Duration::from_secs(10);

impl Mme {
    /// The S-GW of the configuration.
    pub(crate) fn sgw_path(&self) -> PathId {
        (Interface::S11, self.config.sgw_s11_ip)
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
            (Pending::Create(id), Ok(Message::CreateSessionResponse(response))) => {
                self.session_created(id, *response, now);
            }
            (Pending::Create(id), other) => {
                debug!(ue = %id, answer = ?other.map(|other| other.name()), "no Create Session Response");
                self.session_refused(id, EsmCause::NETWORK_FAILURE, now);
            }
            (Pending::Modify(id), Ok(Message::ModifyBearerResponse(response))) => {
                self.bearer_modified(id, response.cause.value, now);
            }
            (Pending::Modify(id), _) => {
                self.bearer_modified(id, CauseValue::INVALID_REPLY_FROM_REMOTE_PEER, now)
            }
            // Whatever it says, Context Not Found for one, the session is gone.
            (Pending::Delete(id, _), _) => self.session_deleted(id, now),
        }
    }

    /// The S-GW did not answer.
    pub(crate) fn gateway_silent(&mut self, pending: Pending, now: Instant) {
        match pending {
            Pending::Create(id) => self.session_refused(id, EsmCause::NETWORK_FAILURE, now),
            Pending::Modify(id) => self.bearer_modified(id, CauseValue::REMOTE_PEER_NOT_RESPONDING, now),
            Pending::Delete(id, times) => self.session_not_deleted(id, times, now),
        }
    }

    /// The S-GW came, went or started again.
    pub(crate) fn gateway_path(&mut self, path: PathId, change: PathChange, now: Instant) {
        match change {
            PathChange::Up | PathChange::Down => {}
            PathChange::Dead | PathChange::Restarted => self.sessions_lost(path, now),
        }
    }

    /// The sessions at this S-GW are lost, or as good as: their UEs attach again, TS 23.007 §17.
    fn sessions_lost(&mut self, (_, sgw): PathId, now: Instant) {
        let mut ids: Vec<UeId> = self
            .ues
            .iter()
            .filter(|(_, ue)| matches!(ue.session, SessionState::Up(session) if session.sgw.ip() == sgw))
            .map(|(id, _)| *id)
            .collect();
        ids.sort_unstable();
        for id in ids {
            match self.ues.get(&id).map(|ue| &ue.stage) {
                Some(Stage::Attached) => self.detach_in_turn(id),
                Some(Stage::SettingUp { .. }) => {
                    self.metrics.attach_failures.inc();
                    let cause = s1ap::Cause::TRANSPORT_RESOURCE_UNAVAILABLE;
                    self.leave(id, SessionEnd::Forget, S1End::Release(cause), now);
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
    use epc_codec::gtpv2c::{self, CreateSessionRequest, DownlinkDataNotification, OtherMessage, Sequence};
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
