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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use epc_codec::nas::lite::SubscriberHints;
    use epc_codec::nas::{self, Direction, Identity};
    use epc_codec::s1ap::Message;
    use epc_node::{Rule, Then};

    use super::*;
    use crate::Event;
    use crate::testing::*;

    const ONE: &str = "subscribers: [{ imsi: '001010000000001', msisdn: '8140001', imeisv: '1234500000001', \
                       src_ip: 10.60.0.9, i_tei: 77 }]";

    #[test]
    fn subscriber_asks_for_what_its_configuration_says() {
        let (_, out) = Lab::up(ONE);
        let Out::S1ap(Message::InitialUeMessage(message)) = &out[0] else {
            panic!("{out:?}")
        };
        let Ok(nas::Message::AttachRequest(request)) = message.nas.decode(Direction::Uplink) else {
            panic!()
        };
        assert_eq!(
            request.identity,
            Identity::Imsi("001010000000001".parse().unwrap())
        );
        assert_eq!(request.esm.pdn_type, nas::PdnType::IPV4);
        let hints = SubscriberHints::from_pco(&request.esm.pco.unwrap());
        let expected = SubscriberHints {
            requested_ipv4: Some([10, 60, 0, 9].into()),
            requested_ipv6: None,
            msisdn: Some("8140001".parse().unwrap()),
            imeisv: Some("1234500000001".parse().unwrap()),
        };
        assert_eq!(hints, expected);
    }

    #[test]
    fn tunnels_and_address_are_there_before_the_mme_hears_of_them() {
        let (mut lab, out) = Lab::up(ONE);
        let id = initial(&out)[0];
        let out = lab.mme(context_request(id));
        let expected = [
            "Receive",
            "Send",
            "SessionUp",
            "InitialContextSetupResponse",
            "UplinkNASTransport",
        ];
        assert_eq!(names(&out), expected);
        let ue = UeAddress::v4(address(id).into());
        let receive = Rule::Receive {
            teid: Teid(77),
            on: Interface::S1u,
            from: Some(sgw_ip()),
            then: Then::Deliver { ue },
        };
        assert_eq!(out[0], Out::Rule(receive));
        let send = Rule::Send {
            ue,
            on: Interface::S1u,
            to: SGW.parse().unwrap(),
            teid: Teid(id.get()),
        };
        assert_eq!(out[1], Out::Rule(send));
        // The address that the P-GW gave, not the one that was asked for.
        let Out::Event(Event::SessionUp {
            ue: up,
            mtu: Some(1400),
            dns,
            ..
        }) = &out[2]
        else {
            panic!("{out:?}")
        };
        assert_eq!(
            (*up, dns.as_slice()),
            (ue, [IpAddr::from([192, 0, 2, 53])].as_slice())
        );
        let Out::S1ap(Message::InitialContextSetupResponse(response)) = &out[3] else {
            panic!()
        };
        assert_eq!(response.erabs.as_ref().unwrap()[0].enb_s1u, Teid(77));
        assert_eq!(said(&out), ["ATTACH COMPLETE"]);
    }

    #[test]
    fn repeated_context_request_is_answered_alike_and_does_nothing_else() {
        let (mut lab, out) = Lab::up(ONE);
        let request = context_request(initial(&out)[0]);
        let first = lab.mme(request.clone());
        assert_eq!(lab.mme(request), first[3..]);
    }

    #[test]
    fn lost_attach_request_is_repeated_unchanged_until_its_time_is_over_and_then_begun_again() {
        let (mut lab, out) = Lab::up(&format!("attach: {{ timeout: 5, retry_interval: 2 }}, {ONE}"));
        let repeats = lab.advance(Duration::from_secs(4));
        assert_eq!(repeats, vec![out[0].clone(); 4]);
        assert_eq!(initial(&lab.advance(Duration::from_secs(2))), []);
        let again = initial(&lab.advance(Duration::from_secs(1)));
        assert!(
            again.len() == 1 && again != initial(&out),
            "another UE for the MME"
        );
        // What comes now for the former one is refused, so that the MME lets go of it.
        let late = lab.mme(context_request(initial(&out)[0]));
        let Out::S1ap(Message::ErrorIndication(indication)) = &late[0] else {
            panic!("{late:?}")
        };
        assert_eq!(indication.cause, Some(Cause::UNKNOWN_ENB_UE_S1AP_ID));
    }

    #[test]
    fn refused_subscriber_tries_again_and_stops_nobody() {
        let (mut lab, out) = Lab::up(&format!("attach: {{ max_in_flight: 1 }}, {}", subscribers(2)));
        let refused = initial(&out)[0];
        assert_eq!(imsi(&out, refused), "001010000000001");
        let out = lab.mme(attach_reject(refused));
        let next = initial(&out)[0];
        assert_eq!(imsi(&out, next), "001010000000002");
        lab.mme(release_command(refused));
        lab.mme(context_request(next));
        // One second, then two.
        let out = lab.advance(RETRY);
        let second = initial(&out)[0];
        assert_eq!(imsi(&out, second), "001010000000001");
        lab.mme(attach_reject(second));
        lab.mme(release_command(second));
        assert_eq!(initial(&lab.advance(RETRY)), []);
        assert_eq!(initial(&lab.advance(RETRY)).len(), 1);
    }

    #[test]
    fn release_that_overtakes_the_refusal_means_the_same() {
        let (mut lab, out) = Lab::up(ONE);
        let id = initial(&out)[0];
        assert_eq!(names(&lab.mme(release_command(id))), ["UEContextReleaseComplete"]);
        assert_eq!(names(&lab.mme(attach_reject(id))), ["ErrorIndication"]);
        assert_eq!(initial(&lab.advance(RETRY)).len(), 1);
    }

    #[test]
    fn no_more_attach_at_a_time_than_the_window_allows() {
        let (mut lab, out) = Lab::up(&format!("attach: {{ max_in_flight: 10 }}, {}", subscribers(1000)));
        let mut running = initial(&out);
        assert_eq!(running.len(), 10);
        let mut attached = 0;
        while let Some(id) = running.pop() {
            attached += 1;
            running.extend(initial(&lab.mme(context_request(id))));
            assert!(running.len() <= 10);
        }
        assert_eq!(attached, 1000);
        assert_eq!(lab.enb.metrics.signalling.active_sessions.get(), 1000);
    }

    #[test]
    fn context_without_attach_accept_is_refused() {
        let (mut lab, out) = Lab::up(ONE);
        let id = initial(&out)[0];
        let mut request = context_request(id);
        let mut erab = request.erabs[0].clone();
        erab.nas = None;
        request.erabs = List::from([erab]);
        assert_eq!(names(&lab.mme(request)), ["InitialContextSetupFailure"]);
    }

    #[test]
    fn prefix_of_an_ipv6_ue_is_the_one_that_the_mme_tells() {
        let (mut lab, out) = Lab::up("subscribers: [{ imsi: '001010000000001', pdn_type: IPv6 }]");
        let id = initial(&out)[0];
        let mut request = context_request(id);
        let mut erab = request.erabs[0].clone();
        let Ok(nas::Message::AttachAccept(mut accept)) = erab.nas.unwrap().decode(Direction::Downlink) else {
            panic!()
        };
        let address: std::net::Ipv6Addr = "2001:db8:0:7::1:2".parse().unwrap();
        let hints = SubscriberHints {
            requested_ipv6: Some(address),
            ..SubscriberHints::default()
        };
        accept.esm.pco = Some(hints.to_pco("001-01".parse().unwrap()));
        accept.esm.pdn_address = nas::PdnAddress::V6([0, 0, 0, 0, 0, 1, 0, 2]);
        erab.nas = Some(NasPdu::from(accept));
        request.erabs = List::from([erab]);
        let out = lab.mme(request);
        let Out::Event(Event::SessionUp { ue, .. }) = &out[2] else {
            panic!("{out:?}")
        };
        assert_eq!(
            *ue,
            UeAddress {
                ipv4: None,
                ipv6: Some(address)
            }
        );
    }
}
