//! A UE goes: TS 23.401 §5.3.8, TS 36.413 §8.3.3.
//!
//! ```text
//! eNB --UplinkNASTransport(Detach Request)---> MME           ue_detach
//!        MME --DeleteSessionRequest---> S-GW
//!        MME <-DeleteSessionResponse--- S-GW
//! eNB <-DownlinkNASTransport(Detach Accept)--- MME           unless the UE is switched off
//! eNB <-UEContextReleaseCommand--------------- MME           repeated
//! eNB --UEContextReleaseComplete-------------> MME
//!
//! eNB <-DownlinkNASTransport(Detach Request)-- MME           detach_by_network: the operator, or the S-GW; repeated
//! eNB --UplinkNASTransport(Detach Accept)----> MME           detach_accepted: session and S1 side go
//! ```

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use epc_codec::Imsi;
use epc_codec::gtpv2c::{Cause as GtpCause, DeleteBearerResponse, DeleteSessionRequest, Indication};
use epc_codec::s1ap::{
    Cause, UeContextReleaseCommand, UeContextReleaseComplete, UeContextReleaseRequest, UeS1apIds,
};
use epc_node::{Interface, gtpc};
use tracing::{debug, info};

use crate::attach::{DEFAULT_BEARER, Farewell, SessionState, Stage};
use crate::{Answered, Asked, Event, Mme, Pending, UeId};

/// As many sessions are being deleted at the same time, and as many UEs detached by the network: when an eNB or the
/// S-GW is gone, thousands are to go, and must not flood the other side.
const AT_ONCE: usize = 256;

/// What becomes of the session of a UE that goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionEnd {
    /// The S-GW is asked to delete it.
    Delete,
    /// The S-GW does not have it any more.
    Forget,
    /// The S-GW asked for its end, and is answered.
    Answer(gtpc::Asked),
}

/// What becomes of the S1 side of a UE that goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum S1End {
    /// The eNB is told to release it.
    Release(Cause),
    /// The same, when the session is gone.
    AfterSession(Farewell),
    /// The eNB does not have it any more.
    Gone,
}

/// Work on many UEs, done a few at a time.
#[derive(Debug, Default)]
pub(crate) struct Backlog {
    deletions: VecDeque<UeId>,
    deleting: usize,
    detaches: VecDeque<(UeId, SessionEnd)>,
    detaching: usize,
}

impl Mme {
    /// A UE leaves by itself.
    pub(crate) fn ue_detach(&mut self, id: UeId, switch_off: bool, now: Instant) {
        let Some(ue) = self.ues.get(&id) else { return };
        if matches!(ue.stage, Stage::Leaving { .. }) {
            return;
        }
        info!(enb = %ue.enb, ue = %ue.enb_id, switch_off, "UE detaches");
        let farewell = Farewell {
            cause: Cause::DETACH,
            accept: !switch_off,
        };
        self.leave(id, SessionEnd::Delete, S1End::AfterSession(farewell), now);
    }

    /// The network sends a UE away, TS 24.301 §5.5.2.3.
    pub(crate) fn detach_by_network(&mut self, id: UeId, attach_again: bool, end: SessionEnd, now: Instant) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        match ue.stage {
            Stage::Attached => {}
            // It is not attached yet: it hears that this attach has failed.
            Stage::Queued | Stage::Creating | Stage::SettingUp { .. } => {
                self.metrics.attach_failures.inc();
                return self.leave(id, end, S1End::Release(Cause::DETACH), now);
            }
            Stage::Detaching { .. } | Stage::Leaving { .. } => {
                if let SessionEnd::Answer(asked) = end {
                    self.answer_delete_bearer(id, &asked, now);
                }
                return;
            }
        }
        info!(enb = %ue.enb, ue = %ue.enb_id, attach_again, "UE is detached");
        ue.stage = Stage::Detaching { end };
        self.backlog.detaching += 1;
        self.metrics.network_detaches.inc();
        if let Some((enb, request)) = self.downlink(id, crate::nas::detach_request(attach_again)) {
            self.ask(Asked::Detach(id), enb, request, now);
        }
    }

    /// The UE took the detach, or does not answer.
    pub(crate) fn detach_accepted(&mut self, id: UeId, now: Instant) {
        let Some(ue) = self.ues.get(&id) else { return };
        if let Stage::Detaching { end } = ue.stage {
            self.leave(id, end, S1End::Release(Cause::DETACH), now);
        }
    }

    /// The operator sends a subscriber away.
    pub(crate) fn operator_detach(&mut self, imsi: &Imsi, now: Instant) {
        let newest = self
            .subscribers
            .get(imsi)
            .and_then(|subscriber| subscriber.newest);
        match newest {
            Some(id) => self.detach_by_network(id, false, SessionEnd::Delete, now),
            None => debug!(%imsi, "no such UE"),
        }
    }

    /// The eNB wants to be rid of a UE. There are no idle UEs here: it is detached.
    pub(crate) fn release_request(
        &mut self,
        enb: SocketAddr,
        request: &UeContextReleaseRequest,
        now: Instant,
    ) {
        let Some(id) = self.ue_of(enb, request.mme_ue_s1ap_id, request.enb_ue_s1ap_id) else {
            return;
        };
        debug!(%enb, ue = %request.enb_ue_s1ap_id, cause = %request.cause, "eNB asks for release");
        self.leave(id, SessionEnd::Delete, S1End::Release(request.cause), now);
    }

    /// The eNB has released a UE.
    pub(crate) fn release_complete(
        &mut self,
        enb: SocketAddr,
        complete: &UeContextReleaseComplete,
        now: Instant,
    ) {
        let id = epc_codec::Teid(complete.mme_ue_s1ap_id.0);
        let leaving = self
            .ues
            .get(&id)
            .is_some_and(|ue| ue.enb == enb && matches!(ue.stage, Stage::Leaving { .. }));
        if leaving && self.asked.answered(&Asked::Release(id)).is_some() {
            self.close_s1(id, now);
            self.finish(id);
        }
    }

    /// The eNB does not have this UE any more.
    pub(crate) fn lose_s1(&mut self, id: UeId, now: Instant) {
        self.leave(id, SessionEnd::Delete, S1End::Gone, now);
    }

    /// What was sent for a UE had no outcome.
    pub(crate) fn unanswered(&mut self, asked: Asked, now: Instant) {
        match asked {
            Asked::Context(id) => {
                debug!(ue = %id, "eNB does not answer");
                self.attach_given_up(id, Cause::RADIO_CONNECTION_WITH_UE_LOST, now);
            }
            Asked::Detach(id) => self.detach_accepted(id, now),
            Asked::Release(id) => {
                self.close_s1(id, now);
                self.finish(id);
            }
            Asked::Reset(enb) => debug!(%enb, "Reset has no answer"),
        }
    }

    /// A UE goes, from whatever stage. Both of its sides are seen to; when both are gone, so is the UE.
    pub(crate) fn leave(&mut self, id: UeId, session: SessionEnd, s1: S1End, now: Instant) {
        self.asked.answered(&Asked::Context(id));
        self.asked.answered(&Asked::Detach(id));
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let stage = std::mem::replace(&mut ue.stage, Stage::Leaving { farewell: None });
        let imsi = ue.imsi;
        let session = match stage {
            Stage::Leaving { farewell } => {
                ue.stage = Stage::Leaving { farewell };
                if s1 == S1End::Gone {
                    self.close_s1(id, now);
                    self.finish(id);
                }
                return;
            }
            Stage::Detaching { end } => {
                self.backlog.detaching -= 1;
                self.out.event(Event::Detached { imsi });
                end
            }
            Stage::Attached => {
                self.out.event(Event::Detached { imsi });
                session
            }
            Stage::Queued | Stage::Creating | Stage::SettingUp { .. } => session,
        };
        match s1 {
            S1End::Release(cause) => self.release(id, cause, now),
            S1End::AfterSession(farewell) => {
                if let Some(ue) = self.ues.get_mut(&id) {
                    ue.stage = Stage::Leaving {
                        farewell: Some(farewell),
                    };
                }
            }
            S1End::Gone => self.close_s1(id, now),
        }
        self.end_session(id, session, now);
        self.finish(id);
    }

    fn end_session(&mut self, id: UeId, end: SessionEnd, now: Instant) {
        let Some(ue) = self.ues.get(&id) else { return };
        match (ue.session, end) {
            (_, SessionEnd::Answer(asked)) => {
                self.answer_delete_bearer(id, &asked, now);
                self.session_ended(id, now);
            }
            // Its creation is on its way: its answer finds a UE that leaves.
            (SessionState::Creating, _) => {}
            (SessionState::None, _) | (SessionState::Up(_), SessionEnd::Forget) => {
                self.session_ended(id, now)
            }
            (SessionState::Up(_), SessionEnd::Delete) => self.delete_session(id),
            (SessionState::Deleting(_), _) => {}
        }
    }

    fn answer_delete_bearer(&mut self, id: UeId, asked: &gtpc::Asked, now: Instant) {
        let teid = match self.ues.get(&id).map(|ue| ue.session) {
            Some(SessionState::Up(session) | SessionState::Deleting(session)) => session.sgw_s11,
            _ => epc_codec::Teid(0),
        };
        let response = DeleteBearerResponse {
            linked_ebi: Some(DEFAULT_BEARER),
            ..DeleteBearerResponse::new(GtpCause::REQUEST_ACCEPTED)
        };
        self.gtpc.answer(asked, teid, response, now, &mut self.out);
    }

    /// Asks the S-GW to delete a session, in its turn.
    pub(crate) fn delete_session(&mut self, id: UeId) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        if let SessionState::Up(session) = ue.session {
            ue.session = SessionState::Deleting(session);
            self.backlog.deletions.push_back(id);
        }
    }

    /// Does what waits for its turn.
    pub(crate) fn work_off(&mut self, now: Instant) {
        while self.backlog.deleting < AT_ONCE {
            let Some(id) = self.backlog.deletions.pop_front() else {
                break;
            };
            if !matches!(
                self.ues.get(&id).map(|ue| ue.session),
                Some(SessionState::Deleting(_))
            ) {
                continue;
            }
            if !self.ask_to_delete(id, now) {
                self.backlog.deletions.push_front(id);
                break;
            }
            self.backlog.deleting += 1;
        }
        while self.backlog.detaching < AT_ONCE {
            let Some((id, end)) = self.backlog.detaches.pop_front() else {
                break;
            };
            self.detach_by_network(id, true, end, now);
        }
    }

    /// Whether there was room to ask.
    fn ask_to_delete(&mut self, id: UeId, now: Instant) -> bool {
        let Some(SessionState::Deleting(session)) = self.ues.get(&id).map(|ue| ue.session) else {
            return true;
        };
        let (to, teid) = (session.sgw, session.sgw_s11);
        let pending = Pending::Delete(id);
        self.gtpc
            .request(
                Interface::S11,
                to,
                teid,
                delete_request(),
                pending,
                now,
                &mut self.out,
            )
            .is_ok()
    }

    /// The S-GW does not answer. It hears of the end when it is there again, lest it keep a session that nobody knows.
    pub(crate) fn session_not_deleted(&mut self, id: UeId, now: Instant) {
        if let Some(SessionState::Deleting(session)) = self.ues.get(&id).map(|ue| ue.session) {
            let (to, teid) = (session.sgw, session.sgw_s11);
            self.gtpc
                .farewell(Interface::S11, to, teid, delete_request(), now, &mut self.out);
        }
        self.session_deleted(id, now);
    }

    /// The S-GW has lost the session of a UE that is attached: it is to attach again, in its turn.
    pub(crate) fn detach_in_turn(&mut self, id: UeId, end: SessionEnd) {
        self.backlog.detaches.push_back((id, end));
    }

    /// The S-GW answered a Delete Session Request, or does not: the session is gone.
    pub(crate) fn session_deleted(&mut self, id: UeId, now: Instant) {
        self.backlog.deleting -= 1;
        self.session_ended(id, now);
        self.finish(id);
    }

    /// A UE has no session any more. Another UE of the subscriber may wait for that.
    pub(crate) fn session_ended(&mut self, id: UeId, now: Instant) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        if matches!(ue.session, SessionState::Up(_) | SessionState::Deleting(_)) {
            self.gtpc.metrics.active_sessions.dec();
            self.gtpc.metrics.active_bearers.dec();
        }
        ue.session = SessionState::None;
        let imsi = ue.imsi;
        let farewell = match &mut ue.stage {
            Stage::Leaving { farewell } => farewell.take(),
            _ => None,
        };
        if let Some(Farewell { cause, accept }) = farewell {
            if accept {
                self.send_nas(id, crate::nas::detach_accept());
            }
            self.release(id, cause, now);
        }
        let Some(subscriber) = self.subscribers.get_mut(&imsi) else {
            return;
        };
        if subscriber.owner == Some(id) {
            subscriber.owner = None;
            self.create_session_in_turn(imsi, now);
        }
    }

    /// Tells the eNB to release a UE.
    fn release(&mut self, id: UeId, cause: Cause, now: Instant) {
        let Some(ue) = self.ues.get(&id).filter(|ue| ue.s1) else {
            return;
        };
        let (mme_id, enb_id) = ue.ids(id);
        let enb = ue.enb;
        let command = UeContextReleaseCommand {
            ue_s1ap_ids: UeS1apIds::Pair(mme_id, enb_id),
            cause,
        };
        self.ask(Asked::Release(id), enb, command, now);
    }

    /// The S1 side of a UE is gone. Its first message, should it come again, starts nothing.
    fn close_s1(&mut self, id: UeId, now: Instant) {
        self.asked.answered(&Asked::Release(id));
        let Some(ue) = self.ues.get_mut(&id) else { return };
        if !std::mem::take(&mut ue.s1) {
            return;
        }
        let (association, enb, enb_id) = (ue.association, ue.enb, ue.enb_id);
        if let Some(enb) = self.enbs.get_mut(&enb)
            && enb.association == association
        {
            enb.ues.remove(&enb_id);
        }
        self.answers
            .answered(Answered::Initial(association, enb_id), enb.ip(), Vec::new(), now);
    }

    /// Forgets a UE of which nothing is left.
    pub(crate) fn finish(&mut self, id: UeId) {
        let Some(ue) = self.ues.get(&id) else { return };
        let over = matches!(ue.stage, Stage::Leaving { .. }) && !ue.s1 && ue.session == SessionState::None;
        if !over {
            return;
        }
        let imsi = ue.imsi;
        self.ues.remove(&id);
        self.teids.free(id);
        self.metrics.ues.set(self.ues.len() as i64);
        debug!(%imsi, "UE is gone");
        let Some(subscriber) = self.subscribers.get_mut(&imsi) else {
            return;
        };
        if subscriber.newest == Some(id) {
            subscriber.newest = None;
        }
        if subscriber.owner.is_none() && subscriber.newest.is_none() {
            self.subscribers.remove(&imsi);
        }
    }
}

fn delete_request() -> DeleteSessionRequest {
    DeleteSessionRequest {
        linked_ebi: Some(DEFAULT_BEARER),
        // The P-GW is to hear of it too.
        indication: Some(Indication::new().with(Indication::OI)),
        ..DeleteSessionRequest::new()
    }
}

#[cfg(test)]
mod tests {
    use epc_codec::gtpv2c::{Cause as GtpCause, DeleteBearerRequest, DeleteSessionResponse, Message as Gtp};
    use epc_codec::nas::{Message as Nas, NetworkDetachType};
    use epc_codec::{Ebi, Teid};

    use super::*;
    use crate::Command;
    use crate::testing::*;

    #[test]
    fn ue_that_leaves_is_answered_and_released_when_its_session_is_gone() {
        let (mut lab, session) = Lab::attached();
        let out = lab.enb(detach_request(session, false));
        assert_eq!(names(&out), ["Detached", "Delete Session Request"]);
        let Gtp::DeleteSessionRequest(request) = &gtp(&out)[0].message else {
            panic!()
        };
        assert!(
            request.indication.unwrap().has(Indication::OI),
            "the P-GW is to hear of it"
        );
        assert_eq!(request.linked_ebi, Some(Ebi(5)));
        assert_eq!(lab.enb(detach_request(session, false)), [], "a repeat");
        let out = lab.sgw_answers_all(&out);
        assert_eq!(said(&out), [Nas::DetachAccept(epc_codec::nas::DetachAccept)]);
        assert_eq!(names(&out), ["DownlinkNASTransport", "UEContextReleaseCommand"]);
        assert_eq!(lab.advance(S1_RETRY), out[1..], "until the eNB has released it");
        lab.enb(release_complete(session));
        lab.assert_empty();
    }

    #[test]
    fn ue_that_is_switched_off_gets_no_answer() {
        let (mut lab, session) = Lab::attached();
        let out = lab.enb(detach_request(session, true));
        assert_eq!(names(&lab.sgw_answers_all(&out)), ["UEContextReleaseCommand"]);
    }

    #[test]
    fn session_that_the_gateway_does_not_have_any_more_is_gone_all_the_same() {
        let (mut lab, session) = Lab::attached();
        let out = lab.enb(detach_request(session, true));
        let sequence = gtp(&out)[0].header.sequence.0;
        let response = DeleteSessionResponse::new(GtpCause::CONTEXT_NOT_FOUND);
        assert_eq!(
            names(&lab.sgw(Teid(0), sequence, response)),
            ["UEContextReleaseCommand"]
        );
        lab.enb(release_complete(session));
        lab.assert_empty();
    }

    #[test]
    fn release_that_is_asked_for_detaches() {
        let (mut lab, session) = Lab::attached();
        let out = lab.enb(UeContextReleaseRequest {
            mme_ue_s1ap_id: session.mme_id,
            enb_ue_s1ap_id: epc_codec::s1ap::EnbUeS1apId::new(1).unwrap(),
            cause: Cause::TRANSPORT_RESOURCE_UNAVAILABLE,
        });
        assert_eq!(
            names(&out),
            ["Detached", "UEContextReleaseCommand", "Delete Session Request"]
        );
        lab.enb(release_complete(session));
        lab.sgw_answers_all(&out);
        lab.assert_empty();
    }

    #[test]
    fn operator_detaches_a_subscriber_for_good() {
        let (mut lab, session) = Lab::attached();
        let out = lab.command(Command::Detach(imsi(1)));
        let Nas::NetworkDetachRequest(request) = &said(&out)[0] else {
            panic!("{out:?}")
        };
        assert_eq!(request.detach_type, NetworkDetachType::RE_ATTACH_NOT_REQUIRED);
        assert_eq!(lab.advance(S1_RETRY), out, "repeated");
        let out = lab.enb(detach_accept(session));
        assert_eq!(
            names(&out),
            ["Detached", "UEContextReleaseCommand", "Delete Session Request"]
        );
        lab.enb(release_complete(session));
        lab.sgw_answers_all(&out);
        lab.assert_empty();
        assert_eq!(lab.command(Command::Detach(imsi(1))), [], "nobody is there");
    }

    #[test]
    fn gateway_ends_the_session_and_is_answered_when_the_ue_knows() {
        let (mut lab, session) = Lab::attached();
        let request = DeleteBearerRequest {
            linked_ebi: Some(Ebi(5)),
            cause: Some(GtpCause::REACTIVATION_REQUESTED),
            ..DeleteBearerRequest::new()
        };
        let out = lab.sgw(session.teid(), 77, request.clone());
        let Nas::NetworkDetachRequest(detach) = &said(&out)[0] else {
            panic!("{out:?}")
        };
        assert_eq!(detach.detach_type, NetworkDetachType::RE_ATTACH_REQUIRED);
        assert_eq!(
            lab.sgw(session.teid(), 77, request.clone()),
            [],
            "a repeat while the UE is asked"
        );
        let out = lab.enb(detach_accept(session));
        assert_eq!(
            names(&out),
            ["Detached", "UEContextReleaseCommand", "Delete Bearer Response"]
        );
        let answer = gtp(&out)[0];
        assert_eq!(
            (answer.header.teid, answer.header.sequence.0),
            (Some(Teid(!session.teid().0)), 77)
        );
        assert_eq!(
            lab.sgw(session.teid(), 77, request),
            out[2..],
            "a repeat after that"
        );
        lab.enb(release_complete(session));
        lab.assert_empty();
    }

    #[test]
    fn ue_that_does_not_answer_is_detached_all_the_same() {
        let (mut lab, session) = Lab::attached();
        let request = DeleteBearerRequest {
            linked_ebi: Some(Ebi(5)),
            ..DeleteBearerRequest::new()
        };
        lab.sgw(session.teid(), 77, request);
        let out = lab.advance(8 * S1_RETRY);
        assert!(
            names(&out).contains(&"Delete Bearer Response"),
            "{:?}",
            names(&out)
        );
        lab.advance(8 * S1_RETRY);
        lab.assert_empty();
    }

    #[test]
    fn lost_deletion_is_asked_for_again_after_the_ue_is_released() {
        let (mut lab, session) = Lab::attached();
        let out = lab.enb(detach_request(session, true));
        let first = gtp(&out)[0].header.sequence;
        let out = lab.advance(5 * T3);
        let again = gtp(&out)
            .into_iter()
            .rfind(|packet| packet.header.sequence != first);
        let again = again.map(|packet| packet.message.name());
        assert_eq!(again, Some("Delete Session Request"));
        assert!(names(&out).contains(&"UEContextReleaseCommand"));
        lab.sgw_answers_all(&out);
        lab.enb(release_complete(session));
        lab.assert_empty();
    }

    #[test]
    fn sessions_of_a_lost_enb_are_deleted_a_few_at_a_time() {
        let mut lab = Lab::up("");
        for number in 1..=600 {
            lab.attach(number);
        }
        let mut out = lab.enb(s1_setup("1-2"));
        let mut deleted = 0;
        loop {
            let asked = gtp(&out).len();
            if asked == 0 {
                break;
            }
            assert!(asked <= AT_ONCE);
            deleted += asked;
            out = lab.sgw_answers_all(&out);
        }
        assert_eq!(deleted, 600);
        lab.assert_empty();
    }
}
