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
        if let Seen::Answered(answer) = self.answers.seen(key.clone(), now) {
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
        self.answers.answered(key, answer.clone(), now);
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
