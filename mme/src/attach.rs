//! Attach, TS 23.401 §5.3.2.1.
//!
//! ```text
//! eNB --InitialUEMessage(Attach Request)-----------> MME    initial_ue_message: a new UE; a former one leaves first
//!        MME --CreateSessionRequest--> S-GW                 create_session
//!        MME <-CreateSessionResponse-- S-GW                 session_created
//! eNB <-InitialContextSetupRequest(Attach Accept)--- MME    repeated until both answers are there
//! eNB --InitialContextSetupResponse----------------> MME    context_set_up
//!        MME --ModifyBearerRequest---> S-GW
//! eNB --UplinkNASTransport(Attach Complete)--------> MME    attach_complete
//!        MME <-ModifyBearerResponse--- S-GW                 bearer_modified; with all three the UE is attached
//!
//! eNB <-DownlinkNASTransport(Attach Reject)--------- MME    reject, at any of these steps; then UE Context Release
//! ```

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use epc_codec::gtpv2c::{
    Ambr, ApnRestriction, BearerContextToBeCreated, BearerContextToBeModified, BearerQos, CauseValue,
    CreateSessionRequest, CreateSessionResponse, Fteid, Indication, IntegerNumber, InterfaceType,
    MillisecondTimeStamp, ModifyBearerRequest, Paa, RatType, RestartCounter, SelectionMode, ServingNetwork,
    UeTimeZone, Uli,
};
use epc_codec::nas::lite::SubscriberHints;
use epc_codec::nas::{
    self, AttachRequest, Direction, EmmCause, EsmCause, Identity, PdnType, Pti, UeNetworkCapability,
};
use epc_codec::s1ap::{
    Arp, BitRate, Cause, DownlinkNasTransport, Ecgi, EnbUeS1apId, ErabQos, ErabToBeSetup,
    InitialContextSetupFailure, InitialContextSetupRequest, InitialContextSetupResponse, InitialUeMessage,
    List, MmeUeS1apId, NasPdu, SecurityKey, Tai, TransportAddress, UeAmbr, UplinkNasTransport,
};
use epc_codec::{Ebi, Imsi, Pco, Teid, gtpv2c};
use epc_node::Interface;
use epc_node::transactions::Seen;
use tracing::{debug, info};

use crate::detach::{S1End, SessionEnd};
use crate::nas::Grant;
use crate::{Answered, Asked, Event, Mme, Pending, UeId};

/// The default bearer of the one PDN connection.
pub(crate) const DEFAULT_BEARER: Ebi = Ebi(5);
/// Best effort, TS 23.203 table 6.1.7.
const QCI: u8 = 9;
/// In the middle.
const PRIORITY: u8 = 8;
/// What a subscriber's bearers without guaranteed rate may use together, kbit/s. Nothing enforces it here.
const AMBR: Ambr = Ambr {
    uplink: 1_000_000,
    downlink: 1_000_000,
};
fn milliseconds(time: Duration) -> IntegerNumber {
    IntegerNumber::new(time.as_millis() as u64)
}

/// So many UEs beyond the bound exist for the time that it takes to refuse them.
const REFUSALS: usize = 1024;

/// A subscriber of whom there is a UE.
#[derive(Debug, Default)]
pub(crate) struct Subscriber {
    /// The UE that has a session at the S-GW, or is about to get one, or to lose it: one at a time.
    pub(crate) owner: Option<UeId>,
    /// The UE that came last.
    pub(crate) newest: Option<UeId>,
}

/// A UE.
#[derive(Debug)]
pub(crate) struct Ue {
    pub(crate) imsi: Imsi,
    pub(crate) enb: SocketAddr,
    pub(crate) association: u64,
    pub(crate) enb_id: EnbUeS1apId,
    pub(crate) stage: Stage,
    /// Whether the eNB knows it, as far as the MME knows.
    pub(crate) s1: bool,
    pub(crate) session: SessionState,
    /// What it asked for, until it has it.
    pub(crate) wanted: Option<Box<Wanted>>,
}

#[derive(Debug)]
pub(crate) enum Stage {
    /// Waits until the session of a former UE of the subscriber is deleted.
    Queued,
    /// The S-GW is asked for a session.
    Creating,
    /// The eNB and the UE are told, and the S-GW is told where the eNB is.
    SettingUp {
        context: bool,
        complete: bool,
        bearer: bool,
    },
    Attached,
    /// The network sends it away; what is to become of its session then.
    Detaching {
        end: SessionEnd,
    },
    /// What is left of it goes; what the UE is told when its session is gone.
    Leaving {
        farewell: Option<Farewell>,
    },
}

/// How a UE is released that left by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Farewell {
    pub(crate) cause: Cause,
    pub(crate) accept: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionState {
    None,
    Creating,
    Up(Session),
    Deleting(Session),
}

/// A session at the S-GW.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) sgw: SocketAddr,
    pub(crate) sgw_s11: Teid,
    /// Where the eNB takes downlink packets.
    pub(crate) enb_s1u: Option<Fteid>,
    /// When the S-GW last said that packets wait.
    pub(crate) notified: Option<Instant>,
}

/// What a UE asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pti: Pti,
    pdn_type: PdnType,
    hints: SubscriberHints,
    pco: Option<Pco>,
    capability: UeNetworkCapability,
    tai: Tai,
    ecgi: Option<Ecgi>,
    /// Gateways that gave no session.
    tries: usize,
}

impl Ue {
    pub(crate) fn ids(&self, id: UeId) -> (MmeUeS1apId, EnbUeS1apId) {
        (MmeUeS1apId(id.0), self.enb_id)
    }
}

impl Mme {
    /// A UE speaks for the first time. A repeat, however late, starts nothing.
    pub(crate) fn initial_ue_message(&mut self, enb: SocketAddr, message: &InitialUeMessage, now: Instant) {
        let enb_id = message.enb_ue_s1ap_id;
        let Some(known) = self.enbs.get(&enb) else {
            // It thinks that it has set up S1: it will, when it hears this.
            return self.indicate_error(
                enb,
                (None, None),
                Cause::MESSAGE_NOT_COMPATIBLE_WITH_RECEIVER_STATE,
            );
        };
        if self.stopping || known.ues.contains_key(&enb_id) {
            return;
        }
        let association = known.association;
        let request = match message.nas.decode(Direction::Uplink) {
            Ok(nas::Message::AttachRequest(request)) => request,
            Ok(other) => {
                debug!(%enb, message = other.name(), "first message of a UE is no Attach Request");
                return self.gtpc.metrics.discarded("NAS message not served");
            }
            Err(error) => {
                debug!(%enb, %error, "first message of a UE cannot be read");
                return self.gtpc.metrics.discarded("cannot be read");
            }
        };
        if matches!(
            self.answers
                .seen(Answered::Initial(association, enb_id), enb.ip(), now),
            Seen::Answered(_) | Seen::InProgress
        ) {
            return debug!(%enb, ue = %enb_id, "repeat of a first message");
        }
        if self.ues.len() >= self.config.max_sessions + REFUSALS {
            self.gtpc.metrics.discarded("too many UEs");
            return self.indicate_error(enb, (None, Some(enb_id)), Cause::CONTROL_PROCESSING_OVERLOAD);
        }
        self.attach_request(enb, association, message, request, now);
    }

    fn attach_request(
        &mut self,
        enb: SocketAddr,
        association: u64,
        message: &InitialUeMessage,
        request: AttachRequest,
        now: Instant,
    ) {
        let enb_id = message.enb_ue_s1ap_id;
        let Some(id) = self.teids.allocate() else {
            return self.indicate_error(enb, (None, Some(enb_id)), Cause::CONTROL_PROCESSING_OVERLOAD);
        };
        let Identity::Imsi(imsi) = request.identity else {
            return self.refuse_stranger(enb, enb_id, id);
        };
        let esm = request.esm;
        let pco = esm.pco.as_ref();
        let wanted = Wanted {
            pti: esm.pti,
            pdn_type: esm.pdn_type,
            hints: pco.map(SubscriberHints::from_pco).unwrap_or_default(),
            pco: pco.and_then(SubscriberHints::strip),
            capability: request.ue_network_capability,
            tai: message.tai,
            ecgi: message.ecgi,
            tries: 0,
        };
        let ue = Ue {
            imsi,
            enb,
            association,
            enb_id,
            stage: Stage::Queued,
            s1: true,
            session: SessionState::None,
            wanted: Some(Box::new(wanted)),
        };
        self.ues.insert(id, ue);
        self.metrics.ues.set(self.ues.len() as i64);
        if let Some(known) = self.enbs.get_mut(&enb) {
            known.ues.insert(enb_id, id);
        }
        if message.tai.plmn != self.plmn {
            return self.reject(id, EmmCause::PLMN_NOT_ALLOWED, None, now);
        }
        if self.config.barred.contains(&imsi) {
            return self.reject(id, EmmCause::EPS_SERVICES_NOT_ALLOWED, None, now);
        }
        if self.ues.len() > self.config.max_sessions {
            return self.reject(id, EmmCause::CONGESTION, None, now);
        }
        debug!(%imsi, %enb, ue = %enb_id, "attach");
        self.supersede(imsi, id, now);
    }

    /// A UE that does not say who it is: there is nobody to ask. The eNB lets go of it when it sees the Attach Reject.
    fn refuse_stranger(&mut self, enb: SocketAddr, enb_ue_s1ap_id: EnbUeS1apId, id: UeId) {
        self.teids.free(id);
        self.metrics.attach_failures.inc();
        let nas = crate::nas::attach_reject(EmmCause::UE_IDENTITY_CANNOT_BE_DERIVED, None);
        self.send(
            enb,
            DownlinkNasTransport {
                mme_ue_s1ap_id: MmeUeS1apId(id.0),
                enb_ue_s1ap_id,
                nas,
            },
        );
    }

    /// A UE of this subscriber may be here already: it leaves first, §5.3.2.1 step 7.
    fn supersede(&mut self, imsi: Imsi, id: UeId, now: Instant) {
        let subscriber = self.subscribers.entry(imsi).or_default();
        let former = subscriber.newest.replace(id);
        if let Some(former) = former {
            debug!(%imsi, "attaches again");
            self.leave(
                former,
                SessionEnd::Delete,
                S1End::Release(Cause::NORMAL_RELEASE),
                now,
            );
        }
        self.create_session_in_turn(imsi, now);
    }

    /// The newest UE of a subscriber gets its session when no other one has it.
    pub(crate) fn create_session_in_turn(&mut self, imsi: Imsi, now: Instant) {
        let Some(subscriber) = self.subscribers.get_mut(&imsi) else {
            return;
        };
        let (None, Some(id)) = (subscriber.owner, subscriber.newest) else {
            return;
        };
        let queued = self
            .ues
            .get(&id)
            .is_some_and(|ue| matches!(ue.stage, Stage::Queued));
        if queued {
            subscriber.owner = Some(id);
            self.create_session(id, now);
        }
    }

    fn create_session(&mut self, id: UeId, now: Instant) {
        let Some(gateways) = self.choose_gateways(now) else {
            return self.session_refused(id, EsmCause::NETWORK_FAILURE, now);
        };
        let sgw = SocketAddr::new(gateways.sgw, Interface::S11.port());
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let Some(wanted) = &ue.wanted else { return };
        let tai = gtpv2c::Tai {
            plmn: wanted.tai.plmn,
            tac: wanted.tai.tac,
        };
        let uli = match wanted.ecgi {
            Some(ecgi) => Uli::e_utran(
                tai,
                gtpv2c::Ecgi {
                    plmn: ecgi.plmn,
                    eci: ecgi.eci,
                },
            ),
            None => Uli {
                tai: Some(tai),
                ..Uli::default()
            },
        };
        let paa = crate::nas::requested(wanted.pdn_type, &wanted.hints);
        let mme_s11 = Fteid::new(
            InterfaceType::S11_MME_GTP_C,
            id,
            self.config.local_addresses.s11_ip,
        );
        let pgw_s5c = Fteid::new(InterfaceType::S5_S8_PGW_GTP_C, Teid(0), gateways.pgw);
        let bearer = BearerContextToBeCreated::new(DEFAULT_BEARER, BearerQos::non_gbr(QCI, PRIORITY));
        let request = CreateSessionRequest {
            imsi: Some(ue.imsi),
            msisdn: wanted.hints.msisdn,
            mei: wanted.hints.imeisv,
            uli: Some(uli),
            serving_network: Some(ServingNetwork(self.plmn)),
            indication: Some(Indication::new()),
            pgw_s5c_fteid: Some(pgw_s5c),
            selection_mode: Some(SelectionMode::SUBSCRIPTION_VERIFIED),
            pdn_type: Some(paa.pdn_type()),
            paa: Some(paa),
            max_apn_restriction: Some(ApnRestriction::NONE),
            ambr: Some(AMBR),
            pco: wanted.pco.clone(),
            // Not on first contact only: the S-GW may have started again, and not know it any more.
            recovery: Some(RestartCounter(self.boot.restart_counter)),
            origination_time_stamp: Some(MillisecondTimeStamp(self.boot.clock.time_stamp(now))),
            maximum_wait_time: self.config.maximum_wait_time.map(milliseconds),
            ue_time_zone: Some(UeTimeZone {
                time_zone: 0,
                daylight_saving: 0,
            }),
            ..CreateSessionRequest::new(RatType::EUTRAN, mme_s11, self.config.apn.clone(), vec![bearer])
        };
        ue.stage = Stage::Creating;
        ue.session = SessionState::Creating;
        let pending = Pending::Create(id, gateways);
        let sent = self
            .gtpc
            .request(Interface::S11, sgw, Teid(0), request, pending, now, &mut self.out);
        if sent.is_err() {
            self.session_refused(id, EsmCause::INSUFFICIENT_RESOURCES, now);
        }
    }

    /// Asks for the session at other gateways, unless the UE has been to as many as there are, or is gone.
    pub(crate) fn create_session_elsewhere(&mut self, id: UeId, now: Instant) -> bool {
        let most = self.sgws.addresses().count() + self.pgws.addresses().count();
        let Some(ue) = self.ues.get_mut(&id) else {
            return false;
        };
        let (Stage::Creating, Some(wanted)) = (&ue.stage, &mut ue.wanted) else {
            return false;
        };
        wanted.tries += 1;
        if wanted.tries >= most {
            return false;
        }
        self.create_session(id, now);
        true
    }

    /// The S-GW did not create the session.
    pub(crate) fn session_refused(&mut self, id: UeId, cause: EsmCause, now: Instant) {
        self.session_ended(id, now);
        let creating = self
            .ues
            .get(&id)
            .is_some_and(|ue| matches!(ue.stage, Stage::Creating));
        if creating {
            return self.reject(id, EmmCause::ESM_FAILURE, Some(cause), now);
        }
        self.finish(id);
    }

    /// The session is there: the eNB and the UE are told.
    pub(crate) fn session_created(&mut self, id: UeId, response: CreateSessionResponse, now: Instant) {
        let sgw_s11 = response
            .sender_fteid
            .and_then(|fteid| Some((fteid.address()?, fteid.teid)));
        let Some((address, teid)) = sgw_s11 else {
            debug!(ue = %id, "session without the S-GW's TEID");
            return self.session_refused(id, EsmCause::NETWORK_FAILURE, now);
        };
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let sgw = SocketAddr::new(address, Interface::S11.port());
        let session = Session {
            sgw,
            sgw_s11: teid,
            enb_s1u: None,
            notified: None,
        };
        ue.session = SessionState::Up(session);
        self.gtpc.metrics.active_sessions.inc();
        self.gtpc.metrics.active_bearers.inc();
        if !matches!(ue.stage, Stage::Creating) {
            // The UE gave up meanwhile.
            debug!(ue = %id, "session comes too late");
            return self.delete_session(id);
        }
        match self.context_request(id, response) {
            Some((enb, request)) => {
                if let Some(ue) = self.ues.get_mut(&id) {
                    ue.stage = Stage::SettingUp {
                        context: false,
                        complete: false,
                        bearer: false,
                    };
                }
                self.ask(Asked::Context(id), enb, request, now);
            }
            None => {
                debug!(ue = %id, "session without address or bearer");
                self.reject(id, EmmCause::ESM_FAILURE, Some(EsmCause::NETWORK_FAILURE), now);
            }
        }
    }

    /// Initial Context Setup Request with the Attach Accept; `None` if the response lacks what it needs.
    fn context_request(
        &mut self,
        id: UeId,
        response: CreateSessionResponse,
    ) -> Option<(SocketAddr, InitialContextSetupRequest)> {
        let created = response
            .bearer_contexts
            .into_iter()
            .find(|bearer| bearer.ebi == DEFAULT_BEARER)?;
        let sgw_s1u = created.sgw_s1u_fteid.filter(|_| created.cause.is_accepted())?;
        let paa: Paa = response.paa?;
        let ambr = response.ambr.unwrap_or(AMBR);
        let qos = created.qos.unwrap_or(BearerQos::non_gbr(QCI, PRIORITY));
        let ue = self.ues.get_mut(&id)?;
        let wanted = ue.wanted.take()?;
        debug!(imsi = %ue.imsi, address = crate::nas::address(&paa).map(tracing::field::display), "session");
        let grant = Grant {
            pti: wanted.pti,
            ebi: DEFAULT_BEARER,
            qci: qos.qci.0,
            apn: self.config.apn.clone(),
            wanted: wanted.pdn_type,
            paa,
            ambr: (ambr.downlink.into(), ambr.uplink.into()),
            pco: response.pco,
            tai: wanted.tai,
        };
        let accept = crate::nas::attach_accept(grant, self.plmn)?;
        let erab = ErabToBeSetup {
            erab_id: DEFAULT_BEARER,
            qos: ErabQos {
                qci: qos.qci.0,
                arp: Arp {
                    priority_level: qos.arp.priority_level,
                    may_trigger_pre_emption: qos.arp.may_preempt,
                    pre_emptable: qos.arp.may_be_preempted,
                },
                gbr: None,
            },
            transport_address: TransportAddress::new(sgw_s1u.ipv4, sgw_s1u.ipv6)?,
            sgw_s1u: sgw_s1u.teid,
            nas: Some(accept),
        };
        let (mme_ue_s1ap_id, enb_ue_s1ap_id) = ue.ids(id);
        let request = InitialContextSetupRequest {
            mme_ue_s1ap_id,
            enb_ue_s1ap_id,
            ue_ambr: UeAmbr {
                downlink: BitRate::from_kbps(ambr.downlink.into()),
                uplink: BitRate::from_kbps(ambr.uplink.into()),
            },
            erabs: List::from([erab]),
            security_capabilities: wanted.capability.to_s1ap(),
            security_key: SecurityKey([0; 32]),
        };
        Some((ue.enb, request))
    }

    /// The eNB has the bearer: the S-GW is told where. A repeat tells nothing again.
    pub(crate) fn context_set_up(
        &mut self,
        enb: SocketAddr,
        response: &InitialContextSetupResponse,
        now: Instant,
    ) {
        let Some(id) = self.ue_of(enb, response.mme_ue_s1ap_id, response.enb_ue_s1ap_id) else {
            return;
        };
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let Stage::SettingUp {
            context: context @ false,
            ..
        } = &mut ue.stage
        else {
            return;
        };
        *context = true;
        let mut set_up = response.erabs.iter().flatten();
        let Some(erab) = set_up.find(|erab| erab.erab_id == DEFAULT_BEARER) else {
            debug!(ue = %id, "eNB did not set the bearer up");
            return self.attach_given_up(id, Cause::RADIO_RESOURCES_NOT_AVAILABLE, now);
        };
        let address = erab.transport_address;
        let Some(address) = address.ipv4().map(IpAddr::V4).or(address.ipv6().map(IpAddr::V6)) else {
            return self.attach_given_up(id, Cause::TRANSPORT_UNSPECIFIED, now);
        };
        let enb_s1u = Fteid::new(InterfaceType::S1U_ENB_GTP_U, erab.enb_s1u, address);
        if let SessionState::Up(session) = &mut ue.session {
            session.enb_s1u = Some(enb_s1u);
        }
        self.modify_bearer(id, now);
        self.attach_progress(id);
    }

    /// Tells the S-GW where the eNB takes downlink packets.
    pub(crate) fn modify_bearer(&mut self, id: UeId, now: Instant) {
        let Some(SessionState::Up(session)) = self.ues.get(&id).map(|ue| ue.session) else {
            return;
        };
        let bearer = BearerContextToBeModified {
            enb_s1u_fteid: session.enb_s1u,
            ..BearerContextToBeModified::new(DEFAULT_BEARER)
        };
        let request = ModifyBearerRequest {
            bearer_contexts: vec![bearer],
            ..ModifyBearerRequest::new()
        };
        let (to, teid) = (session.sgw, session.sgw_s11);
        let pending = Pending::Modify(id);
        if self
            .gtpc
            .request(Interface::S11, to, teid, request, pending, now, &mut self.out)
            .is_err()
        {
            self.attach_given_up(id, Cause::CONTROL_PROCESSING_OVERLOAD, now);
        }
    }

    /// The S-GW knows where the eNB is, or could not be told.
    pub(crate) fn bearer_modified(&mut self, id: UeId, cause: CauseValue, now: Instant) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        match &mut ue.stage {
            Stage::SettingUp { bearer, .. } if cause.is_accepted() => {
                *bearer = true;
                self.attach_progress(id);
            }
            Stage::SettingUp { .. } => self.attach_given_up(id, Cause::TRANSPORT_RESOURCE_UNAVAILABLE, now),
            Stage::Attached if !cause.is_accepted() => {
                debug!(ue = %id, %cause, "S-GW has lost the bearer");
                let end = if cause == CauseValue::CONTEXT_NOT_FOUND {
                    SessionEnd::Forget
                } else {
                    SessionEnd::Delete
                };
                self.detach_by_network(id, true, end, now);
            }
            Stage::Attached
            | Stage::Queued
            | Stage::Creating
            | Stage::Detaching { .. }
            | Stage::Leaving { .. } => {}
        }
    }

    pub(crate) fn context_refused(
        &mut self,
        enb: SocketAddr,
        failure: &InitialContextSetupFailure,
        now: Instant,
    ) {
        let Some(id) = self.ue_of(enb, failure.mme_ue_s1ap_id, failure.enb_ue_s1ap_id) else {
            return;
        };
        if self
            .ues
            .get(&id)
            .is_some_and(|ue| matches!(ue.stage, Stage::SettingUp { .. }))
        {
            debug!(ue = %id, cause = %failure.cause, "eNB refuses the context");
            self.attach_given_up(id, failure.cause, now);
        }
    }

    /// A UE says something.
    pub(crate) fn uplink_nas(&mut self, enb: SocketAddr, transport: &UplinkNasTransport, now: Instant) {
        let Some(id) = self.ue_of(enb, transport.mme_ue_s1ap_id, transport.enb_ue_s1ap_id) else {
            return;
        };
        match transport.nas.decode(Direction::Uplink) {
            Ok(nas::Message::AttachComplete(_)) => self.attach_complete(id),
            Ok(nas::Message::DetachRequest(request)) => self.ue_detach(id, request.switch_off, now),
            Ok(nas::Message::DetachAccept(_)) => self.detach_accepted(id, now),
            Ok(other) => {
                debug!(ue = %id, message = other.name(), "NAS message that is not served");
                self.gtpc.metrics.discarded("NAS message not served");
            }
            Err(error) => {
                debug!(ue = %id, %error, "NAS message cannot be read");
                self.gtpc.metrics.discarded("cannot be read");
                if let Some(answer) = error.answer() {
                    self.send_nas(id, NasPdu::from(answer));
                }
            }
        }
    }

    fn attach_complete(&mut self, id: UeId) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        if let Stage::SettingUp { complete, .. } = &mut ue.stage {
            *complete = true;
            self.attach_progress(id);
        }
    }

    fn attach_progress(&mut self, id: UeId) {
        let Some(ue) = self.ues.get_mut(&id) else { return };
        let Stage::SettingUp {
            context,
            complete,
            bearer,
        } = ue.stage
        else {
            return;
        };
        if context && complete {
            self.asked.answered(&Asked::Context(id));
        }
        if context && complete && bearer {
            ue.stage = Stage::Attached;
            let imsi = ue.imsi;
            info!(enb = %ue.enb, ue = %ue.enb_id, "attached");
            debug!(%imsi, "attached");
            self.metrics.attaches.inc();
            self.out.event(Event::Attached { imsi });
        }
    }

    /// An attach that cannot be completed; the eNB tries again.
    pub(crate) fn attach_given_up(&mut self, id: UeId, cause: Cause, now: Instant) {
        self.metrics.attach_failures.inc();
        self.leave(id, SessionEnd::Delete, S1End::Release(cause), now);
    }

    /// Refuses a UE, TS 24.301 §5.5.1.2.5.
    pub(crate) fn reject(&mut self, id: UeId, emm: EmmCause, esm: Option<EsmCause>, now: Instant) {
        self.metrics.attach_failures.inc();
        let Some(ue) = self.ues.get(&id) else { return };
        let pti = ue.wanted.as_ref().map_or(Pti(0), |wanted| wanted.pti);
        info!(enb = %ue.enb, ue = %ue.enb_id, cause = %emm, esm = esm.map(tracing::field::display), "attach refused");
        self.send_nas(id, crate::nas::attach_reject(emm, esm.map(|cause| (pti, cause))));
        self.leave(
            id,
            SessionEnd::Delete,
            S1End::Release(Cause::NAS_UNSPECIFIED),
            now,
        );
    }

    /// Says something to a UE.
    pub(crate) fn send_nas(&mut self, id: UeId, nas: NasPdu) {
        let Some((enb, transport)) = self.downlink(id, nas) else {
            return;
        };
        self.send(enb, transport);
    }

    pub(crate) fn downlink(&self, id: UeId, nas: NasPdu) -> Option<(SocketAddr, DownlinkNasTransport)> {
        let ue = self.ues.get(&id).filter(|ue| ue.s1)?;
        let (mme_ue_s1ap_id, enb_ue_s1ap_id) = ue.ids(id);
        Some((
            ue.enb,
            DownlinkNasTransport {
                mme_ue_s1ap_id,
                enb_ue_s1ap_id,
                nas,
            },
        ))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use epc_codec::gtpv2c::{Cause as GtpCause, Message as Gtp};
    use epc_codec::nas::Message as Nas;
    use epc_codec::s1ap::{ErrorIndication, Message};

    use super::*;
    use crate::testing::*;

    #[test]
    fn session_is_asked_for_with_what_the_ue_said() {
        let mut lab = Lab::up("");
        let out = lab.enb(initial(1, 1));
        let packet = gtp(&out)[0];
        assert_eq!(packet.header.teid, Some(Teid(0)));
        let Gtp::CreateSessionRequest(request) = &packet.message else {
            panic!("{out:?}")
        };
        assert_eq!(request.imsi, Some(imsi(1)));
        assert_eq!(request.msisdn, Some("8140001".parse().unwrap()));
        assert_eq!(request.mei, Some("1234500000001".parse().unwrap()));
        assert_eq!(request.paa, Some(Paa::V4([10, 60, 0, 1].into())));
        assert_eq!(
            request.pco,
            Some(Pco::new().asking_for(Pco::IPV4_LINK_MTU)),
            "what is for the MME stays here"
        );
        assert_eq!(
            request.pgw_s5c_fteid.unwrap().address(),
            Some([192, 0, 2, 4].into())
        );
        assert_eq!(request.recovery, Some(RestartCounter(9)));
    }

    #[test]
    fn attach_accept_has_the_address_and_the_bearer_request_where_the_enb_is() {
        let mut lab = Lab::up("");
        let out = lab.enb(initial(1, 1));
        let out = lab.sgw_answers_all(&out);
        let request = context_request(&out);
        let erab = &request.erabs[0];
        assert_eq!(
            (erab.erab_id, erab.sgw_s1u),
            (Ebi(5), Teid(!request.mme_ue_s1ap_id.0))
        );
        let Ok(Nas::AttachAccept(accept)) = erab.nas.as_ref().unwrap().decode(Direction::Downlink) else {
            panic!()
        };
        assert_eq!(accept.esm.pdn_address, nas::PdnAddress::V4([10, 60, 0, 1].into()));
        assert_eq!(
            (accept.esm.pti, accept.esm.pco.unwrap().ipv4_link_mtu()),
            (Pti(3), Some(1400))
        );
        let out = lab.enb(context_response(1, request.mme_ue_s1ap_id));
        let Gtp::ModifyBearerRequest(modify) = &gtp(&out)[0].message else {
            panic!("{out:?}")
        };
        assert_eq!(modify.bearer_contexts[0].enb_s1u_fteid.unwrap().teid, Teid(1001));
    }

    #[test]
    fn whichever_of_the_three_answers_comes_last_completes_the_attach() {
        for order in [[0, 1, 2], [1, 0, 2], [0, 2, 1]] {
            let mut lab = Lab::up("");
            let out = lab.enb(initial(1, 1));
            let out = lab.sgw_answers_all(&out);
            let mme_id = context_request(&out).mme_ue_s1ap_id;
            let mut asked = Vec::new();
            let mut last = Vec::new();
            for step in order {
                assert!(!names(&last).contains(&"Attached"));
                last = match step {
                    0 => lab.enb(context_response(1, mme_id)),
                    1 => lab.enb(attach_complete(1, mme_id)),
                    _ => lab.sgw_answers_all(&asked),
                };
                if step == 0 {
                    asked = last.clone();
                }
            }
            assert_eq!(names(&last), ["Attached"], "{order:?}");
            assert!(lab.mme.asked.is_empty(), "nothing is repeated any more");
        }
    }

    #[test]
    fn repeats_at_any_step_do_nothing_twice() {
        let mut lab = Lab::up("");
        let out = lab.enb(initial(1, 1));
        assert_eq!(lab.enb(initial(1, 1)), []);
        let answered = lab.sgw_answers_all(&out);
        assert_eq!(lab.sgw_answers_all(&out), [], "a double of the response");
        let mme_id = context_request(&answered).mme_ue_s1ap_id;
        let out = lab.enb(context_response(1, mme_id));
        assert_eq!(lab.enb(context_response(1, mme_id)), []);
        lab.enb(attach_complete(1, mme_id));
        lab.sgw_answers_all(&out);
        assert_eq!(lab.enb(attach_complete(1, mme_id)), []);
        assert_eq!(lab.enb(initial(1, 1)), []);
        assert_eq!(lab.mme.gtpc.metrics.active_sessions.get(), 1);
        // Released, and then the first message once more.
        let out = lab.enb(detach_request(Attached { mme_id, number: 1 }, true));
        lab.sgw_answers_all(&out);
        lab.enb(release_complete(Attached { mme_id, number: 1 }));
        assert_eq!(lab.enb(initial(1, 1)), []);
        lab.assert_empty();
    }

    #[test]
    fn context_request_is_repeated_until_the_ue_has_answered_too() {
        let mut lab = Lab::up("");
        let out = lab.enb(initial(1, 1));
        let out = lab.sgw_answers_all(&out);
        let mme_id = context_request(&out).mme_ue_s1ap_id;
        assert_eq!(lab.advance(S1_RETRY), out);
        let asked = lab.enb(context_response(1, mme_id));
        lab.sgw_answers_all(&asked);
        assert_eq!(lab.advance(S1_RETRY), out);
        assert_eq!(names(&lab.enb(attach_complete(1, mme_id))), ["Attached"]);
        assert_eq!(lab.advance(S1_RETRY), []);
    }

    #[test]
    fn refusal_of_a_gateway_reaches_the_ue_with_its_cause() {
        for (cause, esm) in [
            (
                GtpCause::ALL_DYNAMIC_ADDRESSES_ARE_OCCUPIED,
                EsmCause::INSUFFICIENT_RESOURCES,
            ),
            (GtpCause::MISSING_OR_UNKNOWN_APN, EsmCause::MISSING_OR_UNKNOWN_APN),
            (GtpCause::REQUEST_REJECTED, EsmCause::REQUEST_REJECTED_BY_GW),
        ] {
            let mut lab = Lab::up("");
            let out = lab.enb(initial(1, 1));
            let packet = gtp(&out)[0].clone();
            let Gtp::CreateSessionRequest(request) = &packet.message else {
                panic!()
            };
            let response = CreateSessionResponse::new(cause);
            let out = lab.sgw(request.sender_fteid.teid, packet.header.sequence.0, response);
            assert_eq!(names(&out), ["DownlinkNASTransport", "UEContextReleaseCommand"]);
            let Nas::AttachReject(reject) = &said(&out)[0] else {
                panic!("{out:?}")
            };
            assert_eq!(reject.cause, EmmCause::ESM_FAILURE);
            let esm_reject = reject.esm.as_ref().unwrap();
            assert_eq!((esm_reject.pti, esm_reject.cause), (Pti(3), esm));
            let mme_id = MmeUeS1apId(request.sender_fteid.teid.0);
            lab.enb(release_complete(Attached { mme_id, number: 1 }));
            lab.assert_empty();
        }
    }

    #[test]
    fn silent_gateway_is_asked_n3_times_and_then_the_ue_is_refused() {
        let mut lab = Lab::up("");
        let asked = lab.enb(initial(1, 1));
        let out = lab.advance(5 * T3 - Duration::from_millis(1));
        let repeats: Vec<_> = gtp(&out)
            .into_iter()
            .filter(|packet| **packet == *gtp(&asked)[0])
            .collect();
        assert_eq!(repeats.len(), 4);
        let out = lab.advance(Duration::from_millis(1));
        let Nas::AttachReject(reject) = &said(&out)[0] else {
            panic!("{out:?}")
        };
        assert_eq!(reject.esm.as_ref().unwrap().cause, EsmCause::NETWORK_FAILURE);
        lab.advance(8 * S1_RETRY);
        lab.assert_empty();
    }

    #[test]
    fn session_that_comes_after_the_ue_gave_up_is_deleted() {
        let mut lab = Lab::up("");
        let asked = lab.enb(initial(1, 1));
        let out = lab.enb(s1_setup("1-2"));
        assert_eq!(names(&out), ["S1SetupResponse"]);
        let out = lab.sgw_answers_all(&asked);
        assert_eq!(names(&out), ["Delete Session Request"]);
        lab.sgw_answers_all(&out);
        lab.assert_empty();
    }

    #[test]
    fn enb_that_does_not_know_the_ue_any_more_ends_its_session() {
        let mut lab = Lab::up("");
        let out = lab.enb(initial(1, 1));
        let out = lab.sgw_answers_all(&out);
        let request = context_request(&out);
        let out = lab.enb(ErrorIndication {
            mme_ue_s1ap_id: Some(request.mme_ue_s1ap_id),
            enb_ue_s1ap_id: Some(request.enb_ue_s1ap_id),
            cause: Some(Cause::UNKNOWN_ENB_UE_S1AP_ID),
            criticality_diagnostics: None,
        });
        assert_eq!(names(&out), ["Delete Session Request"]);
        lab.sgw_answers_all(&out);
        lab.assert_empty();
    }

    #[test]
    fn subscriber_that_attaches_again_gets_its_session_when_the_former_one_is_deleted() {
        let (mut lab, former) = Lab::attached();
        let out = lab.enb(initial(2, 1));
        assert_eq!(
            names(&out),
            ["Detached", "UEContextReleaseCommand", "Delete Session Request"]
        );
        let out = lab.sgw_answers_all(&out);
        assert_eq!(names(&out), ["Create Session Request"]);
        let out = lab.sgw_answers_all(&out);
        let mme_id = context_request(&out).mme_ue_s1ap_id;
        lab.enb(release_complete(former));
        let out = lab.enb(context_response(2, mme_id));
        lab.sgw_answers_all(&out);
        assert_eq!(names(&lab.enb(attach_complete(2, mme_id))), ["Attached"]);
        assert_eq!(
            (lab.mme.ues.len(), lab.mme.gtpc.metrics.active_sessions.get()),
            (1, 1)
        );
    }

    #[test]
    fn only_the_last_of_many_attaches_of_a_subscriber_gets_a_session() {
        let mut lab = Lab::up("");
        let first = lab.enb(initial(1, 1));
        lab.enb(initial(2, 1));
        lab.enb(initial(3, 1));
        let out = lab.sgw_answers_all(&first);
        assert_eq!(names(&out), ["Delete Session Request"]);
        let out = lab.sgw_answers_all(&out);
        let out = lab.sgw_answers_all(&out);
        assert_eq!(context_request(&out).enb_ue_s1ap_id.get(), 3);
        assert_eq!(lab.mme.gtpc.metrics.active_sessions.get(), 1);
    }

    #[test]
    fn ues_beyond_the_bound_are_refused_for_congestion() {
        let mut lab = Lab::up("max_sessions: 1");
        lab.attach(1);
        let out = lab.enb(initial(2, 2));
        let Nas::AttachReject(reject) = &said(&out)[0] else {
            panic!("{out:?}")
        };
        assert_eq!((reject.cause, &reject.esm), (EmmCause::CONGESTION, &None));
    }

    #[test]
    fn ue_of_another_network_is_refused() {
        let mut lab = Lab::up("");
        let mut message = initial(1, 1);
        message.tai.plmn = "001-02".parse().unwrap();
        let out = lab.enb(message);
        let Nas::AttachReject(reject) = &said(&out)[0] else {
            panic!("{out:?}")
        };
        assert_eq!(reject.cause, EmmCause::PLMN_NOT_ALLOWED);
    }

    #[test]
    fn bearer_that_the_gateway_does_not_take_fails_the_attach() {
        let mut lab = Lab::up("");
        let out = lab.enb(initial(1, 1));
        let out = lab.sgw_answers_all(&out);
        let mme_id = context_request(&out).mme_ue_s1ap_id;
        let out = lab.enb(context_response(1, mme_id));
        lab.enb(attach_complete(1, mme_id));
        let sequence = gtp(&out)[0].header.sequence.0;
        let response = epc_codec::gtpv2c::ModifyBearerResponse::new(GtpCause::CONTEXT_NOT_FOUND);
        let out = lab.sgw(Teid(mme_id.0), sequence, response);
        assert_eq!(names(&out), ["UEContextReleaseCommand", "Delete Session Request"]);
        lab.enb(release_complete(Attached { mme_id, number: 1 }));
        lab.sgw_answers_all(&out);
        lab.assert_empty();
    }

    #[test]
    fn thousand_subscribers_attach_at_once() {
        let mut lab = Lab::up("");
        let asked: Vec<_> = (1..=1000)
            .flat_map(|number| lab.enb(initial(number, number)))
            .collect();
        let contexts = lab.sgw_answers_all(&asked);
        let mut attached = 0;
        for out in &contexts {
            let Out::S1ap(_, Message::InitialContextSetupRequest(request)) = out else {
                panic!("{out:?}")
            };
            let (number, mme_id) = (request.enb_ue_s1ap_id.get(), request.mme_ue_s1ap_id);
            let out = lab.enb(context_response(number, mme_id));
            lab.enb(attach_complete(number, mme_id));
            attached += names(&lab.sgw_answers_all(&out)).len();
        }
        assert_eq!((attached, lab.mme.ues.len()), (1000, 1000));
    }
}
