//! The eNBs, TS 36.413 §8.7.
//!
//! ```text
//! eNB --S1SetupRequest--> MME     a new association: the UEs of the former one are gone, their sessions are deleted
//! eNB <-S1SetupResponse-- MME     again, should the request be repeated
//!
//! eNB <-MMEConfigurationUpdate--             MME   after some silence: are you there?
//! eNB --MMEConfigurationUpdateAcknowledge--> MME
//! ```
//!
//! SCTP would tell that an eNB is gone. S1AP-lite asks with a configuration update that changes nothing, and answers
//! such a one of the eNB's: an eNB that is not known here is refused, and then sets up S1.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::time::Instant;

use epc_codec::Teid;
use epc_codec::s1ap::{
    Cause, EnbConfigurationUpdateAcknowledge, EnbConfigurationUpdateFailure, EnbUeS1apId, ErrorIndication,
    GlobalEnbId, List, Message, MmeConfigurationUpdate, NodeName, RelativeMmeCapacity, Reset,
    ResetAcknowledge, ResetConnections, ResetType, S1SetupFailure, S1SetupRequest, S1SetupResponse,
    ServedGummei, TimeToWait, UeConnection,
};
use epc_node::transactions::Seen;
use epc_node::{Silence, SilenceTiming, Silent};
use tracing::{debug, info, warn};

use crate::{Answered, Asked, Config, Mme, Timer, UeId};

/// So many former S1 Setup Requests of an eNB are remembered: one that comes late resets nothing.
const FORMER_SETUPS: usize = 4;

/// An eNB that has set up S1.
#[derive(Debug)]
pub(crate) struct Enb {
    pub(crate) association: u64,
    pub(crate) ues: HashMap<EnbUeS1apId, UeId>,
    silence: Silence,
    /// The present S1 Setup Request and its predecessors, as hashes.
    setups: VecDeque<u64>,
}

impl Mme {
    /// An eNB starts, or starts again.
    pub(crate) fn s1_setup(
        &mut self,
        enb: SocketAddr,
        request: &S1SetupRequest,
        datagram: &[u8],
        now: Instant,
    ) {
        if self.stopping {
            return;
        }
        let setup = fingerprint(datagram);
        let mut setups = VecDeque::new();
        if let Some(known) = self.enbs.get_mut(&enb) {
            match known.setups.iter().position(|former| *former == setup) {
                Some(0) => return self.accept_enb(enb),
                Some(_) => return debug!(%enb, "S1 Setup Request of a former association"),
                None => setups = std::mem::take(&mut known.setups),
            }
        }
        if let Err((cause, time_to_wait)) = self.acceptable(enb, request) {
            warn!(%enb, id = %request.global_enb_id, %cause, "eNB refused");
            return self.send(
                enb,
                S1SetupFailure {
                    cause,
                    time_to_wait,
                    criticality_diagnostics: None,
                },
            );
        }
        self.forget_enb(enb, now);
        setups.push_front(setup);
        setups.truncate(FORMER_SETUPS);
        self.associations += 1;
        let association = self.associations;
        let silence = Silence::new(timing(&self.config), now);
        self.timers
            .set(silence.next(), Timer::Silence { enb, association });
        self.enbs.insert(
            enb,
            Enb {
                association,
                ues: HashMap::new(),
                silence,
                setups,
            },
        );
        self.metrics.enbs.set(self.enbs.len() as i64);
        let name = request
            .enb_name
            .as_ref()
            .map(NodeName::as_str)
            .unwrap_or_default();
        info!(%enb, id = %request.global_enb_id, name, "eNB up");
        self.answer_limit = None;
        self.accept_enb(enb);
    }

    /// Whether this eNB is served: one of our network, while there is room.
    fn acceptable(
        &self,
        enb: SocketAddr,
        request: &S1SetupRequest,
    ) -> Result<(), (Cause, Option<TimeToWait>)> {
        let GlobalEnbId { plmn, .. } = request.global_enb_id;
        let broadcasts = request
            .supported_tas
            .iter()
            .any(|area| area.broadcast_plmns.contains(&self.plmn));
        if plmn != self.plmn || !broadcasts {
            return Err((Cause::UNKNOWN_PLMN, Some(TimeToWait::V10S)));
        }
        if self.enbs.len() >= self.config.max_enbs && !self.enbs.contains_key(&enb) {
            return Err((Cause::CONTROL_PROCESSING_OVERLOAD, Some(TimeToWait::V10S)));
        }
        Ok(())
    }

    fn accept_enb(&mut self, enb: SocketAddr) {
        let name = format!("gw-tester MME {}", self.boot.restart_counter);
        let served = ServedGummei {
            plmns: List::from([self.plmn]),
            group_ids: List::from([1]),
            mme_codes: List::from([1]),
        };
        self.send(
            enb,
            S1SetupResponse {
                mme_name: NodeName::lossy(&name),
                served_gummeis: List::from([served]),
                relative_mme_capacity: Some(RelativeMmeCapacity(255)),
                criticality_diagnostics: None,
            },
        );
    }

    /// An eNB that is known said something.
    pub(crate) fn heard(&mut self, enb: SocketAddr, now: Instant) {
        if let Some(enb) = self.enbs.get_mut(&enb) {
            enb.silence.heard(now);
        }
    }

    pub(crate) fn silence_due(&mut self, enb: SocketAddr, association: u64, now: Instant) {
        let Some(known) = self
            .enbs
            .get_mut(&enb)
            .filter(|known| known.association == association)
        else {
            return;
        };
        match known.silence.due(now) {
            None => {}
            Some(Silent::Probe) => self.send(
                enb,
                MmeConfigurationUpdate {
                    mme_name: None,
                    served_gummeis: None,
                    relative_mme_capacity: None,
                },
            ),
            Some(Silent::Gone) => {
                warn!(%enb, "eNB down");
                return self.forget_enb(enb, now);
            }
        }
        if let Some(known) = self.enbs.get(&enb) {
            self.timers
                .set(known.silence.next(), Timer::Silence { enb, association });
        }
    }

    /// An eNB asks whether we are there, and know it.
    pub(crate) fn probed(&mut self, enb: SocketAddr) {
        if self.stopping {
            return;
        }
        if self.enbs.contains_key(&enb) {
            return self.send(
                enb,
                EnbConfigurationUpdateAcknowledge {
                    criticality_diagnostics: None,
                },
            );
        }
        self.send(
            enb,
            EnbConfigurationUpdateFailure {
                cause: Cause::MESSAGE_NOT_COMPATIBLE_WITH_RECEIVER_STATE,
                time_to_wait: None,
                criticality_diagnostics: None,
            },
        );
    }

    /// An eNB has forgotten some or all of its UEs, §8.7.1.2.2. A repeat resets nothing again.
    pub(crate) fn reset(&mut self, enb: SocketAddr, reset: &Reset, datagram: &[u8], now: Instant) {
        if !self.enbs.contains_key(&enb) {
            return self.indicate_error(
                enb,
                (None, None),
                Cause::MESSAGE_NOT_COMPATIBLE_WITH_RECEIVER_STATE,
            );
        }
        let key = Answered::Reset(enb, datagram.to_vec());
        if let Seen::Answered(answer) = self.answers.seen(key.clone(), enb.ip(), now) {
            let answer = answer.to_vec();
            return self.send_octets(enb, "ResetAcknowledge", answer);
        }
        info!(%enb, cause = %reset.cause, "Reset by the eNB");
        let connections = match &reset.reset_type {
            ResetType::All => {
                self.lose_ues(enb, now);
                None
            }
            ResetType::Part(connections) => {
                for connection in connections {
                    if let Some(id) = self.named(enb, connection) {
                        self.lose_s1(id, now);
                    }
                }
                Some(ResetConnections(connections.clone()))
            }
        };
        let answer = Message::from(ResetAcknowledge {
            connections,
            criticality_diagnostics: None,
        })
        .encode();
        self.answers.answered(key, enb.ip(), answer.clone(), now);
        self.send_octets(enb, "ResetAcknowledge", answer);
    }

    fn named(&self, enb: SocketAddr, connection: &UeConnection) -> Option<UeId> {
        let by_mme_id = connection.mme_ue_s1ap_id.map(|id| Teid(id.0));
        let by_enb_id = || self.enbs.get(&enb)?.ues.get(&connection.enb_ue_s1ap_id?).copied();
        let id = by_mme_id.or_else(by_enb_id)?;
        (self.ues.get(&id)?.enb == enb).then_some(id)
    }

    /// Asks an eNB to forget all its UEs.
    pub(crate) fn reset_enb(&mut self, enb: SocketAddr, now: Instant) {
        let reset = Reset {
            cause: Cause::OM_INTERVENTION,
            reset_type: ResetType::All,
        };
        self.ask(Asked::Reset(enb), enb, reset, now);
    }

    /// An eNB could not act on what we sent, §8.7.2: if it does not know the UE, the UE is gone.
    pub(crate) fn error_indication(&mut self, enb: SocketAddr, indication: &ErrorIndication, now: Instant) {
        let cause = indication.cause.unwrap_or(Cause::PROTOCOL_UNSPECIFIED);
        debug!(%enb, %cause, "Error Indication from the eNB");
        let unknown = [
            Cause::UNKNOWN_ENB_UE_S1AP_ID,
            Cause::UNKNOWN_MME_UE_S1AP_ID,
            Cause::UNKNOWN_PAIR_UE_S1AP_ID,
        ];
        let Some(mme_id) = indication.mme_ue_s1ap_id.filter(|_| unknown.contains(&cause)) else {
            return;
        };
        let id = Teid(mme_id.0);
        if self.ues.get(&id).is_some_and(|ue| ue.enb == enb) {
            self.lose_s1(id, now);
        }
    }

    /// An eNB is gone, or starts again.
    fn forget_enb(&mut self, enb: SocketAddr, now: Instant) {
        self.lose_ues(enb, now);
        self.asked.answered(&Asked::Reset(enb));
        self.enbs.remove(&enb);
        self.metrics.enbs.set(self.enbs.len() as i64);
    }

    /// The S1 connections of all UEs of an eNB are gone.
    fn lose_ues(&mut self, enb: SocketAddr, now: Instant) {
        let Some(known) = self.enbs.get(&enb) else { return };
        let mut ids: Vec<UeId> = known.ues.values().copied().collect();
        ids.sort_unstable();
        for id in ids {
            self.lose_s1(id, now);
        }
    }
}

/// How silence of an eNB is taken.
fn timing(config: &Config) -> SilenceTiming {
    SilenceTiming {
        probe_interval: config.s1ap.probe_interval,
        retry_interval: config.s1ap.retry_interval,
        peer_timeout: config.s1ap.peer_timeout,
    }
}

fn fingerprint(datagram: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    datagram.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use epc_codec::s1ap::EnbConfigurationUpdate;
    use epc_node::Interface;

    use super::*;
    use crate::testing::*;

    fn probe() -> EnbConfigurationUpdate {
        EnbConfigurationUpdate {
            enb_name: NodeName::new("gw-tester eNB 1-1"),
            supported_tas: None,
            paging_drx: None,
        }
    }

    #[test]
    fn enb_of_another_network_is_refused() {
        let mut lab = Lab::new("");
        let mut request = s1_setup("1-1");
        request.global_enb_id.plmn = "001-02".parse().unwrap();
        let out = lab.enb(request);
        let Out::S1ap(_, Message::S1SetupFailure(failure)) = &out[0] else {
            panic!("{out:?}")
        };
        assert_eq!(failure.cause, Cause::UNKNOWN_PLMN);
    }

    #[test]
    fn more_enbs_than_the_bound_are_refused_and_the_first_one_stays() {
        let mut lab = Lab::up("max_enbs: 1");
        let setup = Message::from(s1_setup("2-1")).encode();
        assert_eq!(
            names(&lab.datagram(Interface::S1Mme, "192.0.2.9:36412", &setup)),
            ["S1SetupFailure"]
        );
        lab.attach(1);
    }

    #[test]
    fn repeated_setup_is_answered_and_resets_nothing_and_a_new_one_ends_all_sessions() {
        let (mut lab, _) = Lab::attached();
        assert_eq!(names(&lab.enb(s1_setup("1-1"))), ["S1SetupResponse"]);
        assert_eq!(lab.mme.ues.len(), 1);
        let out = lab.enb(s1_setup("1-2"));
        assert_eq!(
            names(&out),
            ["Detached", "S1SetupResponse", "Delete Session Request"]
        );
        assert_eq!(lab.enb(s1_setup("1-1")), [], "the former one, very late");
        lab.sgw_answers_all(&out);
        lab.assert_empty();
    }

    #[test]
    fn silent_enb_is_asked_and_given_up_in_the_end() {
        let (mut lab, _) = Lab::attached();
        assert_eq!(
            names(&lab.advance(Duration::from_secs(5))),
            ["MMEConfigurationUpdate"]
        );
        lab.enb(probe());
        let mut out = lab.advance(Duration::from_secs(59));
        lab.sgw_answers_all(&out);
        assert_eq!(lab.mme.ues.len(), 1);
        out = lab.advance(Duration::from_secs(5));
        assert!(names(&out).contains(&"Detached"));
        lab.sgw_answers_all(&out);
        lab.assert_empty();
        assert!(lab.mme.enbs.is_empty());
    }

    #[test]
    fn strangers_get_no_more_than_they_send_nor_as_often_as_they_like() {
        let mut lab = Lab::new("");
        let message = Message::from(initial(1, 1)).encode();
        let answered = (0..1000)
            .filter(|_| !lab.datagram(Interface::S1Mme, ENB, &message).is_empty())
            .count();
        assert_eq!(answered, 100);
        lab.advance(Duration::from_secs(1));
        assert_eq!(
            names(&lab.datagram(Interface::S1Mme, ENB, &message)),
            ["ErrorIndication"]
        );
        assert_eq!(lab.datagram(Interface::S1Mme, ENB, &[0x00]), []);
        // And an eNB may come at any time.
        assert_eq!(names(&lab.enb(s1_setup("1-1"))), ["S1SetupResponse"]);
    }

    #[test]
    fn enb_outside_the_networks_of_the_configuration_is_not_heard() {
        let mut lab = Lab::new("enb_networks: [198.51.100.0/24]");
        assert_eq!(lab.enb(s1_setup("1-1")), []);
        let setup = Message::from(s1_setup("1-1")).encode();
        let out = lab.datagram(Interface::S1Mme, "198.51.100.1:36412", &setup);
        assert_eq!(names(&out), ["S1SetupResponse"]);
    }

    #[test]
    fn enb_is_told_whether_it_is_known() {
        let mut lab = Lab::new("");
        assert_eq!(names(&lab.enb(probe())), ["ENBConfigurationUpdateFailure"]);
        let out = lab.enb(initial(1, 1));
        let Out::S1ap(_, Message::ErrorIndication(indication)) = &out[0] else {
            panic!("{out:?}")
        };
        assert_eq!(
            (indication.enb_ue_s1ap_id, indication.mme_ue_s1ap_id),
            (None, None)
        );
        lab.enb(s1_setup("1-1"));
        assert_eq!(names(&lab.enb(probe())), ["ENBConfigurationUpdateAcknowledge"]);
    }

    #[test]
    fn reset_of_a_part_ends_those_sessions_and_its_repeat_none() {
        let mut lab = Lab::up("");
        let (first, second) = (lab.attach(1), lab.attach(2));
        let by_enb = UeConnection {
            mme_ue_s1ap_id: None,
            enb_ue_s1ap_id: EnbUeS1apId::new(1),
        };
        let by_stranger = UeConnection {
            mme_ue_s1ap_id: None,
            enb_ue_s1ap_id: EnbUeS1apId::new(99),
        };
        let reset_type = ResetType::Part(List::from([by_enb, by_stranger]));
        let reset = Reset {
            cause: Cause::OM_INTERVENTION,
            reset_type,
        };
        let out = lab.enb(reset.clone());
        assert_eq!(
            names(&out),
            ["Detached", "ResetAcknowledge", "Delete Session Request"]
        );
        assert_eq!(gtp(&out)[0].header.teid, Some(Teid(!first.teid().0)));
        assert_eq!(names(&lab.enb(reset)), ["ResetAcknowledge"]);
        assert!(lab.mme.ues.contains_key(&second.teid()));
    }

    #[test]
    fn enb_cannot_touch_the_ues_of_another_one() {
        let (mut lab, session) = Lab::attached();
        let other = "192.0.2.9:36412";
        let setup = Message::from(s1_setup("2-1")).encode();
        lab.datagram(Interface::S1Mme, other, &setup);
        let connection = UeConnection {
            mme_ue_s1ap_id: Some(session.mme_id),
            enb_ue_s1ap_id: None,
        };
        let reset_type = ResetType::Part(List::from([connection]));
        let reset = Message::from(Reset {
            cause: Cause::OM_INTERVENTION,
            reset_type,
        })
        .encode();
        assert_eq!(
            names(&lab.datagram(Interface::S1Mme, other, &reset)),
            ["ResetAcknowledge"]
        );
        let detach = Message::from(detach_request(session, false)).encode();
        assert_eq!(
            names(&lab.datagram(Interface::S1Mme, other, &detach)),
            ["ErrorIndication"]
        );
        assert_eq!(lab.mme.ues.len(), 1);
    }

    #[test]
    fn every_prefix_of_every_message_leaves_the_mme_alive_and_the_session_up() {
        let (mut lab, session) = Lab::attached();
        let messages = [
            Message::from(s1_setup("1-1")),
            initial(7, 7).into(),
            detach_request(session, false).into(),
            release_complete(session).into(),
        ];
        for message in messages {
            let octets = message.encode();
            for length in 0..octets.len() {
                lab.datagram(Interface::S1Mme, ENB, &octets[..length]);
                lab.datagram(Interface::S11, SGW, &octets[..length]);
            }
        }
        assert_eq!(lab.mme.ues.len(), 1);
        lab.attach(2);
    }
}
