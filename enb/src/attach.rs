//! Attach, TS 23.401 §5.3.2.1, as the eNB and its UE see it.
//!
//! ```text
//! eNB --InitialUEMessage(Attach Request, PDN Connectivity Request)--> MME    attach_waiting; repeated
//! eNB <-InitialContextSetupRequest(Attach Accept)-------------------- MME    initial_context_setup
//!     rules, SessionUp, then
//! eNB --InitialContextSetupResponse---------------------------------> MME    both again, should the request be repeated
//! eNB --UplinkNASTransport(Attach Complete)-------------------------> MME
//!
//! eNB <-DownlinkNASTransport(Attach Reject)-- MME    then UE Context Release; tried again after a pause
//! ```

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use epc_codec::nas::{EmmCause, EsmCause};
use epc_codec::s1ap::{
    Cause, EnbUeS1apId, ErabSetup, ErabToBeSetup, ErrorIndication, InitialContextSetupFailure,
    InitialContextSetupRequest, InitialContextSetupResponse, InitialUeMessage, List, MmeUeS1apId, NasPdu,
    RrcEstablishmentCause, UplinkNasTransport,
};
use epc_codec::{Ebi, Imsi, Teid};
use epc_node::{Interface, UeAddress};
use tracing::{debug, info};

use crate::config::Subscriber;
use crate::detach::Next;
use crate::nas::Granted;
use crate::{Enb, Timer, backoff};

/// A subscriber of the configuration, and how far it has come.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) subscriber: Arc<Subscriber>,
    pub(crate) state: State,
    /// Attaches that failed in a row.
    pub(crate) failures: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// In the queue.
    Waiting,
    /// An attach failed; the timer with this number ends the pause.
    Resting { number: u32 },
    /// There is a UE: it attaches, is attached, or goes.
    Present(EnbUeS1apId),
    /// The network detached it and does not want it back.
    Unwanted,
}

/// A UE that the MME knows, or is about to know.
#[derive(Debug)]
pub(crate) struct Ue {
    pub(crate) imsi: Imsi,
    pub(crate) subscriber: Arc<Subscriber>,
    pub(crate) mme_ue_s1ap_id: Option<MmeUeS1apId>,
    pub(crate) step: Step,
    pub(crate) bearer: Option<Bearer>,
    /// What becomes of the subscriber when the UE is gone.
    pub(crate) next: Next,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Initial UE Message sent.
    Attaching,
    /// The MME refused it; its release comes.
    Refused,
    /// It has its bearer.
    Attached,
    /// A Detach Request or a UE Context Release Request is sent, or a Detach Accept; the release comes.
    Leaving,
}

/// The default bearer of a UE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bearer {
    pub(crate) ebi: Ebi,
    /// Ours, for downlink packets.
    pub(crate) enb_s1u: Teid,
    /// The S-GW's, for uplink packets.
    pub(crate) sgw_s1u: (SocketAddr, Teid),
    pub(crate) ue: UeAddress,
}

impl Enb {
    /// Lets those attach who wait, as many at a time as the configuration says.
    pub(crate) fn attach_waiting(&mut self, now: Instant) {
        while self.s1.is_up() && !self.stopping && self.attaching < self.config.attach.max_in_flight {
            let Some(imsi) = self.waiting.pop_front() else {
                break;
            };
            self.attach(imsi, now);
        }
        self.count_waiting();
    }

    fn attach(&mut self, imsi: Imsi, now: Instant) {
        let id = self.next_ue_id();
        let Some(subscription) = self.subscriptions.get_mut(&imsi) else {
            return;
        };
        if subscription.state != State::Waiting {
            return;
        }
        subscription.state = State::Present(id);
        let subscriber = subscription.subscriber.clone();
        let request = InitialUeMessage {
            enb_ue_s1ap_id: id,
            nas: crate::nas::attach_request(&subscriber, self.plmn),
            tai: self.tai(),
            ecgi: Some(self.ecgi()),
            rrc_establishment_cause: Some(RrcEstablishmentCause::MO_SIGNALLING),
            s_tmsi: None,
            gummei: None,
        };
        let ue = Ue {
            imsi,
            subscriber,
            mme_ue_s1ap_id: None,
            step: Step::Attaching,
            bearer: None,
            next: Next::TryAgain,
        };
        self.ues.insert(id, ue);
        self.attaching += 1;
        self.ask_to_attach(id, request, now);
    }

    /// An identifier that no UE has. They are used in turn, so that none comes back soon.
    fn next_ue_id(&mut self) -> EnbUeS1apId {
        loop {
            self.next_ue = (self.next_ue + 1) & EnbUeS1apId::MAX.get();
            match EnbUeS1apId::new(self.next_ue) {
                Some(id) if !self.ues.contains_key(&id) => return id,
                _ => {}
            }
        }
    }

    /// The MME gives the UE its bearer, §8.3.1 of TS 36.413, and with it the Attach Accept.
    pub(crate) fn initial_context_setup(&mut self, request: InitialContextSetupRequest, now: Instant) {
        let (mme_id, id) = (request.mme_ue_s1ap_id, request.enb_ue_s1ap_id);
        let Some(ue) = self.ues.get_mut(&id) else {
            return self.unknown_ue(Some(mme_id), Some(id), Cause::UNKNOWN_ENB_UE_S1AP_ID);
        };
        if *ue.mme_ue_s1ap_id.get_or_insert(mme_id) != mme_id {
            return self.unknown_ue(Some(mme_id), Some(id), Cause::UNKNOWN_PAIR_UE_S1AP_ID);
        }
        match (ue.step, ue.bearer) {
            (Step::Attaching, _) => self.set_up(id, request, now),
            // A repeat: the answer was lost.
            (Step::Attached, Some(bearer)) => self.answer_set_up(id, mme_id, bearer),
            (Step::Attached | Step::Refused | Step::Leaving, _) => {
                debug!(ue = %id, "context for a UE that goes")
            }
        }
    }

    fn set_up(&mut self, id: EnbUeS1apId, request: InitialContextSetupRequest, now: Instant) {
        let mme_id = request.mme_ue_s1ap_id;
        let (bearer, granted) = match self.accept(id, request) {
            Ok(accepted) => accepted,
            Err((cause, why)) => {
                debug!(ue = %id, %cause, why, "context refused");
                return self.send(InitialContextSetupFailure {
                    mme_ue_s1ap_id: mme_id,
                    enb_ue_s1ap_id: id,
                    cause,
                    criticality_diagnostics: None,
                });
            }
        };
        let Granted {
            ue: address,
            mtu,
            dns,
        } = granted;
        self.attaches.answered(&id);
        self.attaching -= 1;
        self.metrics.attaches.inc();
        self.metrics.signalling.active_sessions.inc();
        self.metrics.signalling.active_bearers.inc();
        let Some(ue) = self.ues.get_mut(&id) else { return };
        ue.step = Step::Attached;
        ue.bearer = Some(bearer);
        ue.next = Next::AttachAgain;
        let (imsi, subscriber) = (ue.imsi, ue.subscriber.clone());
        if let Some(subscription) = self.subscriptions.get_mut(&imsi) {
            subscription.failures = 0;
        }
        info!(ue = %id, "attached");
        debug!(%imsi, address = %bearer.ue, "attached");
        // Before the answer: the S-GW may send as soon as it has learnt our TEID.
        self.connect(id, &bearer, now);
        self.out.event(crate::Event::SessionUp {
            subscriber,
            ue: address,
            mtu,
            dns,
        });
        self.answer_set_up(id, mme_id, bearer);
    }

    /// What the MME offers, if the eNB and the UE can live with it.
    fn accept(
        &mut self,
        id: EnbUeS1apId,
        request: InitialContextSetupRequest,
    ) -> Result<(Bearer, Granted), (Cause, &'static str)> {
        let offered = |erab: &&ErabToBeSetup| erab.nas.is_some();
        let erab = request.erabs.iter().find(offered).or(request.erabs.first());
        let erab = erab.ok_or((Cause::RADIO_NETWORK_UNSPECIFIED, "no bearer"))?;
        let nas = erab
            .nas
            .as_ref()
            .ok_or((Cause::NAS_UNSPECIFIED, "no Attach Accept"))?;
        let granted =
            crate::nas::attach_accept(nas).ok_or((Cause::NAS_UNSPECIFIED, "not an Attach Accept"))?;
        let sgw = if self.config.local_addresses.s1u_ip.is_ipv4() {
            erab.transport_address.ipv4().map(IpAddr::V4)
        } else {
            erab.transport_address.ipv6().map(IpAddr::V6)
        };
        let sgw = sgw.ok_or((
            Cause::TRANSPORT_RESOURCE_UNAVAILABLE,
            "S-GW of another address family",
        ))?;
        let wanted = self.ues.get(&id).map_or(0, |ue| ue.subscriber.i_tei);
        let enb_s1u = self
            .downlink_teid(wanted)
            .ok_or((Cause::TRANSPORT_RESOURCE_UNAVAILABLE, "no TEID left"))?;
        let sgw_s1u = (SocketAddr::new(sgw, Interface::S1u.port()), erab.sgw_s1u);
        let bearer = Bearer {
            ebi: erab.erab_id,
            enb_s1u,
            sgw_s1u,
            ue: granted.ue,
        };
        Ok((bearer, granted))
    }

    /// The TEID that the configuration wants, or another one.
    fn downlink_teid(&mut self, wanted: u32) -> Option<Teid> {
        if wanted != 0 && self.teids.reserve(Teid(wanted)) {
            return Some(Teid(wanted));
        }
        if wanted != 0 {
            debug!(i_tei = wanted, "TEID is in use; taking another one");
        }
        self.teids.allocate()
    }

    fn answer_set_up(&mut self, id: EnbUeS1apId, mme_id: MmeUeS1apId, bearer: Bearer) {
        let erab = ErabSetup {
            erab_id: bearer.ebi,
            transport_address: self.config.local_addresses.s1u_ip.into(),
            enb_s1u: bearer.enb_s1u,
        };
        self.send(InitialContextSetupResponse {
            mme_ue_s1ap_id: mme_id,
            enb_ue_s1ap_id: id,
            erabs: Some(List::from([erab])),
            failed: None,
            criticality_diagnostics: None,
        });
        self.send_nas(id, mme_id, crate::nas::attach_complete(bearer.ebi));
    }

    /// Sends the MME what the UE says.
    pub(crate) fn send_nas(&mut self, id: EnbUeS1apId, mme_id: MmeUeS1apId, nas: NasPdu) {
        let transport = self.uplink(id, mme_id, nas);
        self.send(transport);
    }

    pub(crate) fn uplink(&self, id: EnbUeS1apId, mme_id: MmeUeS1apId, nas: NasPdu) -> UplinkNasTransport {
        UplinkNasTransport {
            mme_ue_s1ap_id: mme_id,
            enb_ue_s1ap_id: id,
            nas,
            ecgi: Some(self.ecgi()),
            tai: Some(self.tai()),
        }
    }

    /// The Attach Accept comes again: the Attach Complete was lost.
    pub(crate) fn attach_accept_again(&mut self, id: EnbUeS1apId) {
        let Some(ue) = self.ues.get(&id) else { return };
        if let (Step::Attached, Some(bearer), Some(mme_id)) = (ue.step, ue.bearer, ue.mme_ue_s1ap_id) {
            self.send_nas(id, mme_id, crate::nas::attach_complete(bearer.ebi));
        }
    }

    /// The network does not take the UE. The MME releases it next; should that be lost, it is gone after a while.
    pub(crate) fn attach_reject(
        &mut self,
        id: EnbUeS1apId,
        emm: EmmCause,
        esm: Option<EsmCause>,
        now: Instant,
    ) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        if ue.step != Step::Attaching {
            return;
        }
        let esm = esm.map(tracing::field::display);
        info!(ue = %id, cause = %emm, esm, "attach refused");
        ue.step = Step::Refused;
        self.attaching -= 1;
        self.attaches.answered(&id);
        self.timers.set(
            now + crate::repetition(&self.config).span(),
            Timer::Release { ue: id },
        );
    }

    /// The subscriber tries again, later.
    pub(crate) fn attach_failed(&mut self, imsi: Imsi, now: Instant) {
        self.metrics.attach_failures.inc();
        let attach = &self.config.attach;
        let Some(subscription) = self.subscriptions.get_mut(&imsi) else {
            return;
        };
        let pause = backoff(
            attach.retry_interval,
            subscription.failures,
            attach.max_retry_interval,
        );
        subscription.failures += 1;
        let number = subscription.failures;
        subscription.state = State::Resting { number };
        self.timers.set(now + pause, Timer::Retry { imsi, number });
    }

    /// The pause after a failed attach is over.
    pub(crate) fn retry_due(&mut self, imsi: Imsi, number: u32) {
        let Some(subscription) = self.subscriptions.get_mut(&imsi) else {
            return;
        };
        if subscription.state != (State::Resting { number }) {
            return;
        }
        subscription.state = State::Waiting;
        self.waiting.push_back(imsi);
    }

    /// The MME names a UE that is not here.
    pub(crate) fn unknown_ue(&mut self, mme_id: Option<MmeUeS1apId>, id: Option<EnbUeS1apId>, cause: Cause) {
        debug!(%cause, "message for a UE that is not here");
        self.metrics.signalling.discarded("unknown UE");
        self.send(ErrorIndication {
            mme_ue_s1ap_id: mme_id,
            enb_ue_s1ap_id: id,
            cause: Some(cause),
            criticality_diagnostics: None,
        });
    }

    pub(crate) fn count_waiting(&self) {
        let waiting = self.subscriptions.len().saturating_sub(self.ues.len());
        self.metrics
            .subscribers_waiting
            .set(waiting.try_into().unwrap_or(i64::MAX));
    }
}
