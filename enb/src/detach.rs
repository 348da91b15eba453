//! A UE goes: TS 23.401 §5.3.8, TS 36.413 §8.3.3.
//!
//! ```text
//! eNB --UplinkNASTransport(Detach Request)-------> MME    detach: reload, shutdown; repeated until the release
//! eNB --UEContextReleaseRequest------------------> MME    give_up: its tunnel is lost; likewise
//! eNB <-DownlinkNASTransport(Detach Request)------ MME    network_detach
//! eNB --UplinkNASTransport(Detach Accept)--------> MME
//!
//! eNB <-UEContextReleaseCommand------------------- MME    release_command: each of them ends so
//!     rules, SessionDown, then
//! eNB --UEContextReleaseComplete-----------------> MME    again, should the command be repeated
//! ```

use std::time::Instant;

use epc_codec::s1ap::{
    Cause, DownlinkNasTransport, EnbUeS1apId, Message, UeContextReleaseCommand, UeContextReleaseComplete,
    UeContextReleaseRequest,
};
use epc_node::transactions::Seen;
use tracing::{debug, info};

use crate::attach::{State, Step};
use crate::nas::Downlink;
use crate::{Answered, Asked, Enb, Event, Timer};

/// What becomes of a subscriber whose UE is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// It attaches again at once.
    AttachAgain,
    /// It attaches again after a pause: what it tried has failed.
    TryAgain,
    /// The network does not want it.
    StayAway,
}

impl Enb {
    /// The network speaks to a UE.
    pub(crate) fn downlink_nas(&mut self, transport: &DownlinkNasTransport, now: Instant) {
        let (mme_id, id) = (transport.mme_ue_s1ap_id, transport.enb_ue_s1ap_id);
        let Some(ue) = self.ues.get_mut(&id) else {
            return self.unknown_ue(Some(mme_id), Some(id), Cause::UNKNOWN_ENB_UE_S1AP_ID);
        };
        if *ue.mme_ue_s1ap_id.get_or_insert(mme_id) != mme_id {
            return self.unknown_ue(Some(mme_id), Some(id), Cause::UNKNOWN_PAIR_UE_S1AP_ID);
        }
        match crate::nas::downlink(&transport.nas) {
            Some(Downlink::AttachAccept) => self.attach_accept_again(id),
            Some(Downlink::AttachReject { emm, esm }) => self.attach_reject(id, emm, esm, now),
            Some(Downlink::DetachRequest { attach_again }) => self.network_detach(id, attach_again, now),
            // The release follows; it is what counts.
            Some(Downlink::DetachAccept) => {}
            None => {
                debug!(ue = %id, "NAS message that this UE does not have");
                self.metrics.signalling.discarded("NAS message not served");
            }
        }
    }

    /// The UE says goodbye, TS 24.301 §5.5.2.2. Repeated until the MME releases it.
    pub(crate) fn detach(&mut self, id: EnbUeS1apId, now: Instant) {
        let switch_off = self.stopping;
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let subscriber = ue.subscriber.clone();
        match (ue.step, ue.mme_ue_s1ap_id) {
            (Step::Attached, Some(mme_id)) => {
                ue.step = Step::Leaving;
                let request = self.uplink(id, mme_id, crate::nas::detach_request(&subscriber, switch_off));
                self.ask(Asked::Ue(id), request, now);
            }
            // The MME has not said yet what came of it. What it says from now on meets an unknown UE, and it cleans up.
            (Step::Attaching, _) | (Step::Attached, None) => {
                let next = ue.next;
                self.forget_ue(id, next, now);
            }
            (Step::Refused | Step::Leaving, _) => {}
        }
    }

    /// The tunnel of the UE is lost: asks the MME to release it, and attaches again after that.
    pub(crate) fn give_up(&mut self, id: EnbUeS1apId, now: Instant) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let (Step::Attached, Some(mme_ue_s1ap_id)) = (ue.step, ue.mme_ue_s1ap_id) else {
            return;
        };
        ue.step = Step::Leaving;
        ue.next = Next::AttachAgain;
        let cause = Cause::TRANSPORT_RESOURCE_UNAVAILABLE;
        self.ask(
            Asked::Ue(id),
            UeContextReleaseRequest {
                mme_ue_s1ap_id,
                enb_ue_s1ap_id: id,
                cause,
            },
            now,
        );
    }

    /// The network sends the UE away, TS 24.301 §5.5.2.3. A repeat is answered again.
    fn network_detach(&mut self, id: EnbUeS1apId, attach_again: bool, now: Instant) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let Some(mme_id) = ue.mme_ue_s1ap_id else { return };
        match ue.step {
            Step::Attached => {
                info!(ue = %id, attach_again, "detached by the network");
                ue.step = Step::Leaving;
                ue.next = if attach_again {
                    Next::AttachAgain
                } else {
                    Next::StayAway
                };
            }
            // The detach of the UE and that of the network cross: both mean the same, §5.5.2.2.4.
            Step::Leaving => {}
            Step::Attaching | Step::Refused => return debug!(ue = %id, "detach of a UE that is not attached"),
        }
        self.asked.answered(&Asked::Ue(id));
        self.disconnect(id);
        self.send_nas(id, mme_id, crate::nas::detach_accept());
        self.timers.set(
            now + crate::repetition(&self.config).span(),
            Timer::Release { ue: id },
        );
    }

    /// The MME releases the UE. A repeat is answered again and does nothing else.
    pub(crate) fn release_command(&mut self, command: &UeContextReleaseCommand, now: Instant) {
        let mme_id = command.ue_s1ap_ids.mme_ue_s1ap_id();
        let mme = self.config.mme_addr.ip();
        if let Seen::Answered(answer) = self.answers.seen(Answered::Release(mme_id), mme, now) {
            let answer = answer.to_vec();
            return self.send_octets("UEContextReleaseComplete", answer);
        }
        let known = |id: &EnbUeS1apId| {
            let ue = self.ues.get(id)?;
            (ue.mme_ue_s1ap_id.is_none_or(|known| known == mme_id)).then_some(*id)
        };
        let id = match command.ue_s1ap_ids.enb_ue_s1ap_id() {
            Some(id) => known(&id),
            None => self
                .ues
                .iter()
                .find(|(_, ue)| ue.mme_ue_s1ap_id == Some(mme_id))
                .map(|(id, _)| *id),
        };
        let Some(id) = id else {
            self.answers.forget(&Answered::Release(mme_id));
            let named = command.ue_s1ap_ids.enb_ue_s1ap_id();
            return self.unknown_ue(Some(mme_id), named, Cause::UNKNOWN_PAIR_UE_S1AP_ID);
        };
        debug!(ue = %id, cause = %command.cause, "released by the MME");
        let next = match self.ues.get(&id) {
            Some(ue) if ue.step == Step::Attaching => Next::TryAgain,
            // Not what the UE asked for, nor the network: a pause keeps the two from turning in a circle.
            Some(ue) if ue.step == Step::Attached => Next::TryAgain,
            Some(ue) => ue.next,
            None => return,
        };
        self.forget_ue(id, next, now);
        let complete = Message::from(UeContextReleaseComplete {
            mme_ue_s1ap_id: mme_id,
            enb_ue_s1ap_id: id,
            criticality_diagnostics: None,
        });
        let (name, answer) = (complete.name(), complete.encode());
        self.answers
            .answered(Answered::Release(mme_id), mme, answer.clone(), now);
        self.send_octets(name, answer);
    }

    /// The release that should have come did not.
    pub(crate) fn release_due(&mut self, id: EnbUeS1apId, now: Instant) {
        let Some(ue) = self.ues.get(&id) else { return };
        if matches!(ue.step, Step::Refused | Step::Leaving) {
            self.forget_ue(id, ue.next, now);
        }
    }

    /// The MME does not answer for this UE any more.
    pub(crate) fn ue_unanswered(&mut self, id: EnbUeS1apId, now: Instant) {
        let Some(ue) = self.ues.get(&id) else { return };
        info!(ue = %id, "MME does not answer");
        self.forget_ue(id, ue.next, now);
    }

    /// The MME says that it does not know this UE: then it is gone.
    pub(crate) fn ue_unknown_to_mme(&mut self, id: EnbUeS1apId, now: Instant) {
        let Some(ue) = self.ues.get(&id) else { return };
        let next = match ue.step {
            Step::Attaching => Next::TryAgain,
            Step::Attached => Next::AttachAgain,
            Step::Refused | Step::Leaving => ue.next,
        };
        self.forget_ue(id, next, now);
    }

    /// All UEs are gone.
    pub(crate) fn forget_ues(&mut self, next: Next, now: Instant) {
        let mut ids: Vec<EnbUeS1apId> = self.ues.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            self.forget_ue(id, next, now);
        }
    }

    /// A UE is gone: its tunnels, its timers, and then what becomes of its subscriber.
    pub(crate) fn forget_ue(&mut self, id: EnbUeS1apId, next: Next, now: Instant) {
        self.disconnect(id);
        self.attaches.answered(&id);
        self.asked.answered(&Asked::Ue(id));
        let Some(ue) = self.ues.remove(&id) else { return };
        if ue.step == Step::Attaching {
            self.attaching -= 1;
        }
        let Some(subscription) = self.subscriptions.get_mut(&ue.imsi) else {
            return;
        };
        if subscription.state != State::Present(id) {
            return;
        }
        match next {
            Next::AttachAgain => {
                subscription.state = State::Waiting;
                self.waiting.push_back(ue.imsi);
            }
            Next::TryAgain => self.attach_failed(ue.imsi, now),
            Next::StayAway => subscription.state = State::Unwanted,
        }
        self.count_waiting();
    }

    /// Takes the bearer of a UE away.
    fn disconnect(&mut self, id: EnbUeS1apId) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let Some(bearer) = ue.bearer.take() else { return };
        let (imsi, subscriber) = (ue.imsi, ue.subscriber.clone());
        info!(ue = %id, "detached");
        debug!(%imsi, address = %bearer.ue, "detached");
        self.metrics.signalling.active_sessions.dec();
        self.metrics.signalling.active_bearers.dec();
        self.teids.free(bearer.enb_s1u);
        if self.cut(id, &bearer) {
            self.out.event(Event::SessionDown {
                subscriber,
                ue: bearer.ue,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use epc_codec::nas::NetworkDetachType;

    use crate::testing::*;

    const GONE: [&str; 3] = ["StopReceiving", "StopSending", "SessionDown"];

    #[test]
    fn detach_with_reattach_required_attaches_again_after_the_release() {
        let (mut lab, id) = Lab::attached();
        let out = lab.mme(network_detach(id, NetworkDetachType::RE_ATTACH_REQUIRED));
        assert_eq!(names(&out)[..3], GONE);
        assert_eq!(said(&out), ["DETACH ACCEPT"]);
        let repeat = lab.mme(network_detach(id, NetworkDetachType::RE_ATTACH_REQUIRED));
        assert_eq!(
            (names(&repeat).len(), said(&repeat)),
            (1, vec!["DETACH ACCEPT".to_owned()])
        );
        let out = lab.mme(release_command(id));
        assert_eq!(names(&out), ["UEContextReleaseComplete", "InitialUEMessage"]);
    }

    #[test]
    fn detach_without_reattach_keeps_the_subscriber_away() {
        let (mut lab, id) = Lab::attached();
        lab.mme(network_detach(id, NetworkDetachType::RE_ATTACH_NOT_REQUIRED));
        assert_eq!(names(&lab.mme(release_command(id))), ["UEContextReleaseComplete"]);
        assert_eq!(initial(&lab.advance(Duration::from_secs(3600))), []);
    }

    #[test]
    fn repeated_release_is_answered_alike_and_does_nothing_else() {
        let (mut lab, id) = Lab::attached();
        let out = lab.mme(release_command(id));
        assert_eq!(names(&out), [&GONE[..], &["UEContextReleaseComplete"]].concat());
        assert_eq!(lab.mme(release_command(id)), out[3..4]);
        // Long after, nobody remembers.
        lab.advance(Duration::from_secs(60));
        assert_eq!(names(&lab.mme(release_command(id))), ["ErrorIndication"]);
    }

    #[test]
    fn release_that_is_lost_after_a_detach_is_not_waited_for_forever() {
        let (mut lab, id) = Lab::attached();
        lab.mme(network_detach(id, NetworkDetachType::RE_ATTACH_REQUIRED));
        assert_eq!(initial(&lab.advance(7 * RETRY)), []);
        assert_eq!(initial(&lab.advance(RETRY)).len(), 1);
    }

    #[test]
    fn ue_of_another_number_is_not_released() {
        let (mut lab, id) = Lab::attached();
        let mut command = release_command(id);
        command.ue_s1ap_ids = epc_codec::s1ap::UeS1apIds::Pair(epc_codec::s1ap::MmeUeS1apId(1), id);
        assert_eq!(names(&lab.mme(command)), ["ErrorIndication"]);
        assert_eq!(lab.enb.metrics.signalling.active_sessions.get(), 1);
    }

    #[test]
    fn address_that_is_given_to_another_ue_stays_with_that_one() {
        let (mut lab, out) = Lab::up(&subscribers(2));
        let ids = initial(&out);
        lab.mme(context_request_for(ids[0], [10, 60, 0, 1]));
        let out = lab.mme(context_request_for(ids[1], [10, 60, 0, 1]));
        assert_eq!(
            names(&out)[..6],
            [&GONE[..], &["Receive", "Send", "SessionUp"]].concat()
        );
        // The former one goes without taking the address away.
        assert_eq!(
            names(&lab.mme(release_command(ids[0]))),
            ["UEContextReleaseComplete"]
        );
        assert_eq!(names(&lab.mme(release_command(ids[1])))[..3], GONE);
    }
}
