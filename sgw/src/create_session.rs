//! Create Session, TS 23.401 §5.3.2.1 steps 12 to 16, TS 29.274 §7.2.1 and §7.2.2.
//!
//! ```text
//! MME ──Create Session Request──> S-GW ──Create Session Request──> P-GW    start
//! MME <─Create Session Response── S-GW <─Create Session Response── P-GW    finish
//! ```

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use epc_codec::Teid;
use epc_codec::gtpv2c::{
    BearerContextCreated, Cause, CauseValue, CreateSessionRequest, CreateSessionResponse, Fteid, IeType,
    InterfaceType, Message, RestartCounter, Sequence,
};
use epc_node::config::allows;
use epc_node::gtpc::{Asked, RequestKey, timely};
use epc_node::sessions::Name;
use epc_node::{Interface, Peer};
use tracing::{debug, info};

use crate::session::{Session, State};
use crate::{Pending, Sgw, delete_session, peers, restore};

/// An MME asks for a PDN connection: reserve it, and ask the P-GW.
pub(crate) fn start(sgw: &mut Sgw, asked: Asked, request: CreateSessionRequest, now: Instant) {
    let s11 = sgw.config.local_addresses.s11_ip;
    let s5c = sgw.config.local_addresses.s5c_ip;
    let Some(mme_s11) = Peer::from_fteid(&request.sender_fteid, Interface::S11, s11) else {
        return refuse(
            sgw,
            &asked,
            Teid(0),
            CauseValue::MANDATORY_IE_INCORRECT,
            Some((IeType::F_TEID, 0)),
            now,
        );
    };
    let missing = |sgw: &mut Sgw, ie, instance| {
        refuse(
            sgw,
            &asked,
            mme_s11.teid,
            CauseValue::CONDITIONAL_IE_MISSING,
            Some((ie, instance)),
            now,
        );
    };
    let Some(imsi) = request.imsi else {
        return missing(sgw, IeType::IMSI, 0);
    };
    let Some(pgw) = &request.pgw_s5c_fteid else {
        return missing(sgw, IeType::F_TEID, 1);
    };
    let Some(pgw_s5c) = Peer::from_fteid(pgw, Interface::S5c, s5c) else {
        return refuse(
            sgw,
            &asked,
            mme_s11.teid,
            CauseValue::CONDITIONAL_IE_MISSING,
            Some((IeType::F_TEID, 1)),
            now,
        );
    };
    let admitted = allows(&sgw.config.mme_networks, mme_s11.ip());
    if !admitted || !allows(&sgw.config.pgw_networks, pgw_s5c.ip()) {
        let offending = Some((IeType::F_TEID, u8::from(admitted)));
        let cause = CauseValue::REQUEST_REJECTED;
        return refuse(sgw, &asked, mme_s11.teid, cause, offending, now);
    }
    let ebi = request.bearer_contexts[0].ebi;
    let present = sgw.sessions.find(Name::Bearer(imsi, ebi));
    let originated = present.and_then(|session| session.originated);
    if let Err(cause) = timely(&request, originated, &sgw.clock, now) {
        return refuse(sgw, &asked, mme_s11.teid, cause, None, now);
    }
    if asked.teid() != Teid(0) {
        // A further PDN connection of a UE: one is what this S-GW serves.
        let known = sgw.session_of_mme(&asked).is_some();
        let cause = if known {
            CauseValue::NO_RESOURCES_AVAILABLE
        } else {
            CauseValue::CONTEXT_NOT_FOUND
        };
        return refuse(sgw, &asked, mme_s11.teid, cause, None, now);
    }
    if present.is_some_and(|old| restore::is_too_early(sgw, old.teid, now)) {
        return sgw.gtpc.ignore(&asked);
    }
    // Who has no room for a session takes none away either.
    if !sgw.has_room(asked.from.ip(), present) {
        let cause = CauseValue::NO_RESOURCES_AVAILABLE;
        return refuse(sgw, &asked, mme_s11.teid, cause, None, now);
    }
    // The MME does not know the old one any more, §7.2.1.
    if let Some(old) = present.map(|session| session.teid) {
        delete_session::replace(sgw, old, pgw_s5c.ip(), now);
    }
    if let Some(former) = sgw.given_up.remove(&(imsi, ebi)) {
        sgw.gtpc.hush(&former);
    }
    let Some([teid, s1u_teid, s5u_teid]) = allocate(sgw) else {
        return refuse(
            sgw,
            &asked,
            mme_s11.teid,
            CauseValue::NO_RESOURCES_AVAILABLE,
            None,
            now,
        );
    };
    sgw.heard_from(
        asked.from.ip(),
        (Interface::S11, mme_s11.ip()),
        request.recovery,
        now,
    );
    sgw.quota.open(teid, asked.from.ip(), mme_s11.ip());
    let record = sgw.out.next_record();
    sgw.sessions.insert(Session {
        record,
        imsi,
        ebi,
        state: State::Creating,
        mme_s11,
        pgw_s5c: Peer {
            teid: Teid(0),
            ..pgw_s5c
        },
        teid,
        s1u_teid,
        s5u_teid,
        enb_s1u: None,
        pgw_s5u: None,
        modified: false,
        originated: request.origination_time_stamp.map(|stamp| stamp.0),
        asked_pgw: None,
    });
    debug!(%imsi, %ebi, mme = %mme_s11.address, "session asked for");
    ask_pgw(sgw, asked, request, teid, pgw_s5c.address, now);
}

/// The same request, with our ends instead of the MME's.
fn ask_pgw(
    sgw: &mut Sgw,
    asked: Asked,
    mut request: CreateSessionRequest,
    teid: Teid,
    pgw: SocketAddr,
    now: Instant,
) {
    let Some(session) = sgw.sessions.get(teid) else {
        return;
    };
    let addresses = &sgw.config.local_addresses;
    request.sender_fteid = Fteid::new(InterfaceType::S5_S8_SGW_GTP_C, teid, addresses.s5c_ip);
    request.pgw_s5c_fteid = None;
    request.recovery = Some(RestartCounter(sgw.gtpc.restart_counter()));
    request.bearer_contexts.truncate(1);
    request.bearer_contexts[0].sgw_s5u_fteid = Some(Fteid::new(
        InterfaceType::S5_S8_SGW_GTP_U,
        session.s5u_teid,
        addresses.s5u_ip,
    ));
    let on = sgw.s5c();
    let (bearer, mme_teid) = ((session.imsi, session.ebi), session.mme_s11.teid);
    sgw.out.keep(session.key(), || restore::Record {
        session,
        asked: Some(Message::from(request.clone()).encode(Some(Teid(0)), Sequence(0))),
    });
    let pending = Pending::CreateSession {
        session: teid,
        bearer,
        asked,
    };
    match sgw
        .gtpc
        .request(on, pgw, Teid(0), request, pending, now, &mut sgw.out)
    {
        Ok(request) => {
            if let Some(session) = sgw.sessions.get_mut(teid) {
                session.asked_pgw = Some(request);
            }
        }
        Err(_) => {
            sgw.forget(teid);
            let cause = CauseValue::NO_RESOURCES_AVAILABLE;
            refuse(sgw, &asked, mme_teid, cause, None, now);
        }
    }
}

/// The P-GW made, or refused, a session after it was given up, or did not for so long that it is given up for good.
pub(crate) fn late(sgw: &mut Sgw, request: RequestKey, message: Option<Message>, now: Instant) {
    sgw.given_up.retain(|_, given_up| *given_up != request);
    if let Some(Message::CreateSessionResponse(response)) = message
        && response.cause.value.is_accepted()
    {
        undo_at_pgw(sgw, &response, now);
    }
}

/// The P-GW answered, or did not.
pub(crate) fn finish(
    sgw: &mut Sgw,
    teid: Teid,
    asked: Asked,
    response: Result<(IpAddr, CreateSessionResponse), CauseValue>,
    now: Instant,
) {
    let Some(session) = sgw.sessions.get(teid).cloned() else {
        // Replaced or purged meanwhile: nobody here knows what the P-GW made.
        if let Ok((_, response)) = &response {
            undo_at_pgw(sgw, response, now);
        }
        // A repeat of the request stays unanswered: as a new one it would replace what replaced it.
        return;
    };
    let (from, response) = match response {
        Ok(response) => response,
        Err(cause) => {
            sgw.forget(teid);
            return refuse(sgw, &asked, session.mme_s11.teid, cause, None, now);
        }
    };
    if let Some(pgw) = &response.pgw_s5c_fteid
        && let Some(peer) = Peer::from_fteid(pgw, Interface::S5c, sgw.config.local_addresses.s5c_ip)
    {
        sgw.heard_from(from, (sgw.s5c(), peer.ip()), response.recovery, now);
    }
    if !response.cause.value.is_accepted() {
        debug!(imsi = %session.imsi, cause = %response.cause.value, "session refused by the P-GW");
        sgw.forget(teid);
        let answer = CreateSessionResponse::new(response.cause.from_remote());
        return sgw
            .gtpc
            .answer(&asked, session.mme_s11.teid, answer, now, &mut sgw.out);
    }
    let Some((pgw_s5c, pgw_s5u)) = pgw_ends(sgw, &response) else {
        undo_at_pgw(sgw, &response, now);
        sgw.forget(teid);
        let cause = CauseValue::INVALID_REPLY_FROM_REMOTE_PEER;
        return refuse(sgw, &asked, session.mme_s11.teid, cause, None, now);
    };
    establish(sgw, &session, pgw_s5c, pgw_s5u, now);
    answer_mme(sgw, &asked, &session, response, now);
}

/// Where the P-GW takes requests and packets, if its answer says both.
fn pgw_ends(sgw: &Sgw, response: &CreateSessionResponse) -> Option<(Peer, Peer)> {
    let addresses = &sgw.config.local_addresses;
    let control = Peer::from_fteid(response.pgw_s5c_fteid.as_ref()?, Interface::S5c, addresses.s5c_ip)?;
    let bearer = response.bearer_contexts.first()?;
    let user = Peer::from_fteid(bearer.pgw_s5u_fteid.as_ref()?, Interface::S5u, addresses.s5u_ip)?;
    let admitted = |peer: &Peer| allows(&sgw.config.pgw_networks, peer.ip());
    (admitted(&control) && admitted(&user)).then_some((control, user))
}

/// The rules come before the answer: the eNB may send as soon as it has learnt the S1-U TEID. What it sends waits until
/// the MME has said who it is.
fn establish(sgw: &mut Sgw, session: &Session, pgw_s5c: Peer, pgw_s5u: Peer, now: Instant) {
    sgw.sessions.change(session.teid, |session| {
        session.pgw_s5c = pgw_s5c;
        session.pgw_s5u = Some(pgw_s5u);
        session.asked_pgw = None;
    });
    sgw.gtpu.connect((sgw.s5u(), pgw_s5u.ip()), now);
    sgw.set_state(session.teid, State::Active);
    sgw.open_tunnels(session.teid);
    sgw.setups.set(now + sgw.config.setup_timeout, session.teid);
    info!(mme = %session.mme_s11.address, pgw = %pgw_s5c.address, "session established");
}

/// A session whose MME never said where the eNB takes packets is one that the MME does not know of: it gave up before
/// the answer came.
pub(crate) fn supervise(sgw: &mut Sgw, teid: Teid, now: Instant) {
    if sgw.doubtful.contains_key(&teid) {
        return restore::ask_once_more(sgw, teid, now);
    }
    let unused = |session: &&Session| session.state == State::Active && !session.modified;
    let Some(session) = sgw.sessions.get(teid).filter(unused) else {
        return;
    };
    info!(mme = %session.mme_s11.address, "session was never taken into use");
    peers::end_for_both(sgw, teid, now);
}

fn answer_mme(
    sgw: &mut Sgw,
    asked: &Asked,
    session: &Session,
    response: CreateSessionResponse,
    now: Instant,
) {
    let addresses = &sgw.config.local_addresses;
    let fteid = |interface, teid, address: IpAddr| Some(Fteid::new(interface, teid, address));
    let from_pgw = response.bearer_contexts.into_iter().next();
    let bearer = BearerContextCreated {
        sgw_s1u_fteid: fteid(InterfaceType::S1U_SGW_GTP_U, session.s1u_teid, addresses.s1u_ip),
        qos: from_pgw.as_ref().and_then(|bearer| bearer.qos),
        charging_id: from_pgw.as_ref().and_then(|bearer| bearer.charging_id),
        pgw_s5u_fteid: from_pgw.and_then(|bearer| bearer.pgw_s5u_fteid),
        ..BearerContextCreated::new(session.ebi, Cause::new(CauseValue::REQUEST_ACCEPTED))
    };
    let answer = CreateSessionResponse {
        sender_fteid: fteid(InterfaceType::S11_S4_SGW_GTP_C, session.teid, addresses.s11_ip),
        recovery: Some(RestartCounter(sgw.gtpc.restart_counter())),
        bearer_contexts: vec![bearer],
        bearer_contexts_marked_for_removal: Vec::new(),
        ..response
    };
    sgw.gtpc
        .answer(asked, session.mme_s11.teid, answer, now, &mut sgw.out);
}

/// The P-GW made something that nobody wants any more.
pub(crate) fn undo_at_pgw(sgw: &mut Sgw, response: &CreateSessionResponse, now: Instant) {
    let Some(pgw) = &response.pgw_s5c_fteid else {
        return;
    };
    let Some(bearer) = response.bearer_contexts.first() else {
        return;
    };
    let s5c = sgw.config.local_addresses.s5c_ip;
    let Some(pgw_s5c) = Peer::from_fteid(pgw, Interface::S5c, s5c) else {
        return;
    };
    delete_session::farewell_to_pgw(sgw, pgw_s5c, bearer.ebi, now);
}

fn allocate(sgw: &mut Sgw) -> Option<[Teid; 3]> {
    let control = sgw.control_teids.allocate()?;
    let Some(s1u) = sgw.user_teids.allocate() else {
        sgw.control_teids.free(control);
        return None;
    };
    let Some(s5u) = sgw.user_teids.allocate() else {
        sgw.control_teids.free(control);
        sgw.user_teids.free(s1u);
        return None;
    };
    Some([control, s1u, s5u])
}

fn refuse(
    sgw: &mut Sgw,
    asked: &Asked,
    mme_teid: Teid,
    cause: CauseValue,
    offending: Option<(IeType, u8)>,
    now: Instant,
) {
    sgw.gtpc
        .refuse(asked, mme_teid, cause, offending, now, &mut sgw.out);
}
