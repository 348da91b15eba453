//! The S1 interface as a whole, TS 36.413 §8.7.
//!
//! ```text
//! eNB --S1SetupRequest--> MME      repeated, then with growing pauses, until the MME answers
//! eNB <-S1SetupResponse-- MME      up: both have forgotten all UEs; the subscribers attach
//!
//! eNB --ENBConfigurationUpdate-->             MME   after some silence: are you there, and do you know me?
//! eNB <-ENBConfigurationUpdateAcknowledge--   MME   yes
//! eNB <-ENBConfigurationUpdateFailure--       MME   no (it has started again): S1 Setup
//! ```
//!
//! SCTP would tell that the peer is gone. S1AP-lite asks with a configuration update that changes nothing, which
//! affects no UE (§8.7.4.1). While the MME is silent the UEs keep their bearers: the user plane does not need it.

use std::time::{Duration, Instant};

use epc_codec::s1ap::{
    Cause, EnbConfigurationUpdate, EnbId, ErrorIndication, GlobalEnbId, List, Message,
    MmeConfigurationUpdateAcknowledge, MmeConfigurationUpdateFailure, NodeName, PagingDrx, Reset,
    ResetAcknowledge, ResetConnections, ResetType, S1SetupFailure, S1SetupRequest, S1SetupResponse,
    SupportedTa, UeConnection,
};
use epc_node::transactions::Seen;
use epc_node::{Silence, SilenceTiming, Silent};
use tracing::{debug, info, warn};

use crate::detach::Next;
use crate::{Answered, Asked, Config, Enb, Timer, backoff};

/// The longest pause between two series of S1 Setup Requests, in retry intervals.
const LONGEST_PAUSE: u32 = 8;

/// The state of the interface.
#[derive(Debug)]
pub(crate) struct S1 {
    /// The MME has accepted this eNB.
    accepted: bool,
    /// How often S1 Setup was begun; part of the eNB's name, by which the MME tells a repeat from a new setup.
    pub(crate) setups: u32,
    failures: u32,
    silence: Silence,
}

impl S1 {
    pub(crate) fn new(config: &Config, now: Instant) -> S1 {
        S1 {
            accepted: false,
            setups: 0,
            failures: 0,
            silence: Silence::new(timing(config), now),
        }
    }

    /// Whether the MME has accepted this eNB and answers.
    pub(crate) fn is_up(&self) -> bool {
        self.accepted && !self.silence.is_gone()
    }
}

impl Enb {
    /// It is time for S1 Setup, unless another one was begun since.
    pub(crate) fn s1_setup_due(&mut self, number: u32, now: Instant) {
        if number == self.s1.setups && !self.s1.accepted && !self.stopping {
            self.start_s1_setup(now);
        }
    }

    fn start_s1_setup(&mut self, now: Instant) {
        self.s1.setups += 1;
        // The upper 20 of the 28 bits of a cell's identifier are its eNB's, TS 36.413 §9.2.1.38.
        let Some(enb_id) = EnbId::macro_enb(self.config.cell() >> 8) else {
            return;
        };
        let request = S1SetupRequest {
            global_enb_id: GlobalEnbId {
                plmn: self.plmn,
                enb_id,
            },
            enb_name: self.name(),
            supported_tas: List::from([SupportedTa {
                tac: self.config.tai,
                broadcast_plmns: List::from([self.plmn]),
            }]),
            paging_drx: Some(PagingDrx::V128),
        };
        self.ask(Asked::S1Setup, request, now);
    }

    /// The MME has accepted this eNB. It has forgotten our UEs, and so do we, §8.7.3.1.
    pub(crate) fn s1_setup_response(&mut self, response: &S1SetupResponse, now: Instant) {
        if self.asked.answered(&Asked::S1Setup).is_none() {
            return debug!("S1 Setup Response to nothing that was asked");
        }
        let mme = response
            .mme_name
            .as_ref()
            .map(NodeName::as_str)
            .unwrap_or_default();
        info!(peer = %self.config.mme_addr, mme, "S1 up");
        self.s1.accepted = true;
        self.s1.failures = 0;
        self.s1.silence = Silence::new(timing(&self.config), now);
        self.metrics.s1_up.set(1);
        let number = self.s1.setups;
        self.timers.set(self.s1.silence.next(), Timer::Silence { number });
        self.forget_ues(Next::AttachAgain, now);
    }

    pub(crate) fn s1_setup_failure(&mut self, failure: &S1SetupFailure, now: Instant) {
        if self.asked.answered(&Asked::S1Setup).is_none() {
            return;
        }
        warn!(peer = %self.config.mme_addr, cause = %failure.cause, "MME refuses this eNB");
        let wanted = failure.time_to_wait.and_then(|wait| wait.duration());
        self.s1_setup_again(wanted.unwrap_or_default(), now);
    }

    pub(crate) fn s1_setup_unanswered(&mut self, now: Instant) {
        if self.s1.failures == 0 {
            warn!(peer = %self.config.mme_addr, "MME does not answer; asking on");
        }
        self.s1_setup_again(Duration::ZERO, now);
    }

    fn s1_setup_again(&mut self, at_least: Duration, now: Instant) {
        let first = self.config.s1ap.retry_interval;
        let pause = backoff(first, self.s1.failures, first * LONGEST_PAUSE).max(at_least);
        self.s1.failures += 1;
        self.timers.set(
            now + pause,
            Timer::S1Setup {
                number: self.s1.setups,
            },
        );
    }

    /// The MME does not know this eNB, or not any more.
    pub(crate) fn s1_lost(&mut self, now: Instant) {
        if !self.s1.accepted || self.stopping {
            return;
        }
        warn!(peer = %self.config.mme_addr, "MME has forgotten this eNB");
        self.set_up_s1_again(now);
    }

    /// Begins anew, whatever there was. The UEs keep their bearers until the MME has accepted the eNB.
    pub(crate) fn set_up_s1_again(&mut self, now: Instant) {
        self.s1.accepted = false;
        self.metrics.s1_up.set(0);
        self.start_s1_setup(now);
    }

    /// The MME said something.
    pub(crate) fn heard(&mut self, now: Instant) {
        if self.s1.silence.heard(now) {
            info!(peer = %self.config.mme_addr, "S1 up");
            self.metrics.s1_up.set(i64::from(self.s1.accepted));
        }
    }

    pub(crate) fn silence_due(&mut self, number: u32, now: Instant) {
        if !self.s1.accepted || number != self.s1.setups {
            return;
        }
        match self.s1.silence.due(now) {
            None => {}
            Some(Silent::Probe) => self.probe(),
            Some(Silent::Gone) => {
                warn!(peer = %self.config.mme_addr, "S1 down");
                self.metrics.s1_up.set(0);
                self.probe();
            }
        }
        self.timers.set(self.s1.silence.next(), Timer::Silence { number });
    }

    /// With a name, so that the answer is not longer than the question: who does not know us answers no other one.
    fn probe(&mut self) {
        let enb_name = self.name();
        self.send(EnbConfigurationUpdate {
            enb_name,
            supported_tas: None,
            paging_drx: None,
        });
    }

    fn name(&self) -> Option<NodeName> {
        let name = format!(
            "gw-tester eNB {:x}-{}",
            crate::incarnation(&self.boot),
            self.s1.setups
        );
        NodeName::lossy(&name)
    }

    pub(crate) fn probe_failed(&mut self, cause: Cause, now: Instant) {
        debug!(%cause, "MME does not take the configuration update");
        self.s1_lost(now);
    }

    /// The MME asks whether we are there, and know it.
    pub(crate) fn probed(&mut self) {
        if self.s1.accepted {
            return self.send(MmeConfigurationUpdateAcknowledge {
                criticality_diagnostics: None,
            });
        }
        self.send(MmeConfigurationUpdateFailure {
            cause: Cause::MESSAGE_NOT_COMPATIBLE_WITH_RECEIVER_STATE,
            time_to_wait: None,
            criticality_diagnostics: None,
        });
    }

    /// The MME has forgotten some or all UEs, §8.7.1.2.1. A repeat resets nothing again.
    pub(crate) fn reset(&mut self, reset: &Reset, datagram: &[u8], now: Instant) {
        let key = Answered::Reset(datagram.to_vec());
        match self.answers.seen(key.clone(), self.config.mme_addr.ip(), now) {
            Seen::Answered(answer) => {
                let answer = answer.to_vec();
                return self.send_octets("ResetAcknowledge", answer);
            }
            Seen::New | Seen::InProgress | Seen::Full => {}
        }
        info!(cause = %reset.cause, "Reset by the MME");
        let connections = match &reset.reset_type {
            ResetType::All => {
                self.forget_ues(Next::AttachAgain, now);
                None
            }
            ResetType::Part(connections) => {
                for connection in connections {
                    self.reset_one(connection, now);
                }
                Some(ResetConnections(connections.clone()))
            }
        };
        let answer = Message::from(ResetAcknowledge {
            connections,
            criticality_diagnostics: None,
        })
        .encode();
        self.answers
            .answered(key, self.config.mme_addr.ip(), answer.clone(), now);
        self.send_octets("ResetAcknowledge", answer);
    }

    fn reset_one(&mut self, connection: &UeConnection, now: Instant) {
        let by_enb_id = connection.enb_ue_s1ap_id;
        let by_mme_id = || {
            let wanted = connection.mme_ue_s1ap_id?;
            self.ues
                .iter()
                .find(|(_, ue)| ue.mme_ue_s1ap_id == Some(wanted))
                .map(|(id, _)| *id)
        };
        if let Some(id) = by_enb_id.or_else(by_mme_id) {
            self.forget_ue(id, Next::AttachAgain, now);
        }
    }

    /// Asks the MME to forget all UEs of this eNB.
    pub(crate) fn reset_mme(&mut self, now: Instant) {
        let reset = Reset {
            cause: Cause::OM_INTERVENTION,
            reset_type: ResetType::All,
        };
        self.ask(Asked::Reset, reset, now);
    }

    /// The MME could not act on what we sent, §8.7.2.
    pub(crate) fn error_indication(&mut self, indication: &ErrorIndication, now: Instant) {
        let cause = indication.cause.unwrap_or(Cause::PROTOCOL_UNSPECIFIED);
        debug!(%cause, "Error Indication from the MME");
        if let Some(id) = indication.enb_ue_s1ap_id {
            return self.ue_unknown_to_mme(id, now);
        }
        if cause == Cause::MESSAGE_NOT_COMPATIBLE_WITH_RECEIVER_STATE {
            self.s1_lost(now);
        }
    }
}

/// How silence of the MME is taken.
fn timing(config: &Config) -> SilenceTiming {
    SilenceTiming {
        probe_interval: config.s1ap.probe_interval,
        retry_interval: config.s1ap.retry_interval,
        peer_timeout: config.s1ap.peer_timeout,
    }
}

#[cfg(test)]
mod tests {
    use epc_codec::s1ap::{
        EnbConfigurationUpdateAcknowledge, EnbConfigurationUpdateFailure, MmeConfigurationUpdate,
    };

    use super::*;
    use crate::testing::*;

    /// What stands after the dash.
    fn number(name: &NodeName) -> Option<String> {
        Some(
            name.as_str()
                .strip_prefix("gw-tester eNB ")?
                .split_once('-')?
                .1
                .to_owned(),
        )
    }

    /// The S1 Setup Requests, by their number.
    fn setups(out: &[Out]) -> Vec<String> {
        let name = |out: &Out| match out {
            Out::S1ap(Message::S1SetupRequest(request)) => number(request.enb_name.as_ref()?),
            _ => None,
        };
        out.iter().filter_map(name).collect()
    }

    #[test]
    fn s1_setup_is_repeated_unchanged_and_begun_again_after_growing_pauses() {
        let mut lab = Lab::new(&subscribers(1));
        let first = lab.advance(Duration::ZERO);
        assert_eq!(setups(&first), ["1"]);
        // Eight times the same, a second between two.
        let repeats = lab.advance(7 * RETRY);
        assert_eq!(repeats, vec![first[0].clone(); 7]);
        // A pause of a second, of two, of four.
        assert_eq!(setups(&lab.advance(2 * RETRY)), ["2"]);
        assert_eq!(setups(&lab.advance(7 * RETRY)).len(), 7);
        assert_eq!(setups(&lab.advance(2 * RETRY)), [""; 0]);
        assert_eq!(setups(&lab.advance(RETRY)), ["3"]);
        assert_eq!(lab.enb.readiness().len(), 1);
        // Whenever the MME answers, everybody attaches.
        assert_eq!(names(&lab.mme(s1_setup_response())), ["InitialUEMessage"]);
        assert!(lab.enb.readiness().is_empty());
    }

    #[test]
    fn refused_enb_waits_as_long_as_the_mme_says() {
        let mut lab = Lab::new(&subscribers(1));
        lab.advance(Duration::ZERO);
        let time_to_wait = Some(epc_codec::s1ap::TimeToWait::V20S);
        lab.mme(S1SetupFailure {
            cause: Cause::UNKNOWN_PLMN,
            time_to_wait,
            criticality_diagnostics: None,
        });
        assert_eq!(lab.advance(Duration::from_secs(19)), []);
        assert_eq!(setups(&lab.advance(RETRY)), ["2"]);
    }

    #[test]
    fn silent_mme_is_asked_and_its_ues_keep_their_bearer() {
        let (mut lab, _) = Lab::attached();
        assert_eq!(
            on_s1(&lab.advance(Duration::from_secs(5))),
            ["ENBConfigurationUpdate"]
        );
        lab.mme(EnbConfigurationUpdateAcknowledge {
            criticality_diagnostics: None,
        });
        assert_eq!(on_s1(&lab.advance(Duration::from_secs(4))), [""; 0]);
        let asked = lab.advance(Duration::from_secs(70));
        assert!(
            asked
                .iter()
                .all(|out| names(std::slice::from_ref(out)) != ["SessionDown"])
        );
        let of_mme = |missing: &String| missing.starts_with("MME");
        assert!(lab.enb.readiness().iter().any(of_mme), "gone for the operator");
        // It is back, and knows us.
        let out = lab.mme(EnbConfigurationUpdateAcknowledge {
            criticality_diagnostics: None,
        });
        assert_eq!(names(&out), [""; 0]);
        assert!(!lab.enb.readiness().iter().any(of_mme));
    }

    #[test]
    fn mme_that_started_again_gets_a_new_setup_and_everybody_attaches_again() {
        let (mut lab, _) = Lab::attached();
        lab.advance(Duration::from_secs(5));
        let out = lab.mme(EnbConfigurationUpdateFailure {
            cause: Cause::MESSAGE_NOT_COMPATIBLE_WITH_RECEIVER_STATE,
            time_to_wait: None,
            criticality_diagnostics: None,
        });
        assert_eq!(setups(&out), ["2"]);
        let out = lab.mme(s1_setup_response());
        assert_eq!(
            names(&out),
            ["StopReceiving", "StopSending", "SessionDown", "InitialUEMessage"]
        );
        assert_eq!(lab.mme(s1_setup_response()), [], "a double of the answer");
    }

    #[test]
    fn mme_is_told_that_we_are_there() {
        let (mut lab, _) = Lab::attached();
        let update = MmeConfigurationUpdate {
            mme_name: None,
            served_gummeis: None,
            relative_mme_capacity: None,
        };
        assert_eq!(
            names(&lab.mme(update.clone())),
            ["MMEConfigurationUpdateAcknowledge"]
        );
        let mut fresh = Lab::new(&subscribers(1));
        assert_eq!(names(&fresh.mme(update)), ["MMEConfigurationUpdateFailure"]);
    }

    #[test]
    fn reset_is_acknowledged_and_its_repeat_resets_nothing() {
        let (mut lab, _) = Lab::attached();
        let reset = Reset {
            cause: Cause::OM_INTERVENTION,
            reset_type: ResetType::All,
        };
        let out = lab.mme(reset.clone());
        let expected = [
            "StopReceiving",
            "StopSending",
            "SessionDown",
            "ResetAcknowledge",
            "InitialUEMessage",
        ];
        assert_eq!(names(&out), expected);
        let again = initial(&out)[0];
        lab.mme(context_request(again));
        assert_eq!(names(&lab.mme(reset)), ["ResetAcknowledge"]);
    }

    #[test]
    fn reset_of_a_part_leaves_the_others_alone() {
        let (mut lab, out) = Lab::up(&subscribers(2));
        let ids = initial(&out);
        for id in &ids {
            lab.mme(context_request(*id));
        }
        let connection = UeConnection {
            mme_ue_s1ap_id: None,
            enb_ue_s1ap_id: Some(ids[1]),
        };
        let reset_type = ResetType::Part(List::from([connection]));
        let out = lab.mme(Reset {
            cause: Cause::OM_INTERVENTION,
            reset_type,
        });
        assert_eq!(
            names(&out).iter().filter(|name| **name == "SessionDown").count(),
            1
        );
        assert_eq!(initial(&out).len(), 1);
    }

    #[test]
    fn strangers_and_garbage_change_nothing() {
        let (mut lab, id) = Lab::attached();
        let command = Message::from(release_command(id)).encode();
        assert_eq!(
            lab.datagram(epc_node::Interface::S1Mme, "198.51.100.1:36412", &command),
            []
        );
        for length in 0..command.len() {
            let out = lab.datagram(epc_node::Interface::S1Mme, MME, &command[..length]);
            assert!(
                names(&out).iter().all(|name| *name == "ErrorIndication"),
                "{out:?}"
            );
        }
        assert_eq!(names(&lab.mme(release_command(id)))[2], "SessionDown");
    }
}
