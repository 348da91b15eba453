//! Create Session, TS 23.401 §5.3.2.1 steps 13 to 15, TS 29.274 §7.2.1 and §7.2.2: a UE gets an address and a tunnel.
//!
//! ```text
//! S-GW ──Create Session Request──> P-GW
//! S-GW <─Create Session Response── P-GW
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Instant;

use epc_codec::gtpv2c::{
    ApnRestriction, BearerContextCreated, BearerContextToBeCreated, Cause, CauseValue, ChargingId,
    CreateSessionRequest, CreateSessionResponse, Fteid, IeType, InterfaceType, Paa, PdnType, RestartCounter,
};
use epc_codec::{Ipcp, Pco, Teid};
use epc_node::config::allows;
use epc_node::gtpc::{Asked, timely};
use epc_node::sessions::Name;
use epc_node::{Interface, Peer, UeAddress};
use tracing::{debug, info};

use crate::pool::Refusal;
use crate::session::{Session, State};
use crate::{Event, Pgw};

/// Why a session is refused: the cause, and the IE at fault if one is.
type Refused = (CauseValue, Option<(IeType, u8)>);

/// An S-GW asks for a PDN connection.
pub(crate) fn handle(pgw: &mut Pgw, asked: Asked, request: &CreateSessionRequest, now: Instant) {
    let ours = pgw.config.local_addresses.s5c_ip;
    let sgw_s5c = Peer::from_fteid(&request.sender_fteid, Interface::S5c, ours);
    let answer_to = sgw_s5c.map_or(Teid(0), |peer| peer.teid);
    let Some(sgw_s5c) = sgw_s5c else {
        let incorrect = (CauseValue::MANDATORY_IE_INCORRECT, Some((IeType::F_TEID, 0)));
        return refuse(pgw, &asked, answer_to, incorrect, now);
    };
    let path = (Interface::S5c, sgw_s5c.ip());
    // What it lost goes before what it asks for. Who is refused is not supervised.
    if pgw.gtpc.paths().watches(&path) {
        pgw.heard_from(asked.from.ip(), path, request.recovery, now);
    }
    match establish(pgw, asked.from.ip(), request, sgw_s5c, now) {
        Ok((teid, cause)) => {
            pgw.heard_from(asked.from.ip(), path, request.recovery, now);
            answer(pgw, &asked, request, teid, cause, now);
        }
        Err(refused) => refuse(pgw, &asked, answer_to, refused, now),
    }
}

/// Takes an address and TEIDs, and opens the tunnel; the cause tells whether all that was asked for was given.
fn establish(
    pgw: &mut Pgw,
    from: IpAddr,
    request: &CreateSessionRequest,
    sgw_s5c: Peer,
    now: Instant,
) -> Result<(Teid, CauseValue), Refused> {
    let missing = |ie, instance| (CauseValue::CONDITIONAL_IE_MISSING, Some((ie, instance)));
    let imsi = request.imsi.ok_or(missing(IeType::IMSI, 0))?;
    let bearer = &request.bearer_contexts[0];
    let sgw_s5u = sgw_s5u(pgw, bearer).ok_or(missing(IeType::F_TEID, 2))?;
    let networks = &pgw.config.sgw_networks;
    if !allows(networks, sgw_s5c.ip()) || !allows(networks, sgw_s5u.ip()) {
        return Err((CauseValue::REQUEST_REJECTED, Some((IeType::F_TEID, 0))));
    }
    if pgw.config.barred.contains(&imsi) {
        return Err((CauseValue::APN_ACCESS_DENIED_NO_SUBSCRIPTION, None));
    }
    let present = pgw.sessions.find(Name::Bearer(imsi, bearer.ebi));
    let originated = present.and_then(|session| session.originated);
    timely(request, originated, &pgw.clock, now).map_err(|cause| (cause, None))?;
    // Who has no room for a session takes none away either.
    if !pgw.has_room(from, present) {
        return Err((CauseValue::NO_RESOURCES_AVAILABLE, None));
    }
    // The S-GW does not know the old one any more, §7.2.1: what it held is free for the new one.
    if let Some(old) = present.map(|session| session.teid) {
        pgw.forget(old);
    }
    let asked_for = request.paa.as_ref().and_then(Paa::ipv4).map(IpAddr::V4);
    let peers = [sgw_s5c.ip(), sgw_s5u.ip()];
    let is_a_peers =
        |address: IpAddr| peers.contains(&address) || pgw.gtpc.paths().watches(&(Interface::S5c, address));
    // A UE of its S-GW's address would cut the S-GW off.
    if asked_for.is_some_and(is_a_peers) {
        return Err(cause_of(Refusal::InUse));
    }
    let (ue, cause) = take_address(pgw, request)?;
    let Some((teid, s5u_teid)) = take_teids(pgw) else {
        pgw.give_back(ue);
        return Err((CauseValue::NO_RESOURCES_AVAILABLE, None));
    };
    pgw.quota.open(teid, from, sgw_s5c.ip());
    let record = pgw.out.next_record();
    pgw.sessions.insert(Session {
        record,
        imsi,
        ebi: bearer.ebi,
        state: State::Active,
        ue,
        sgw_s5c,
        sgw_s5u,
        teid,
        s5u_teid,
        originated: request.origination_time_stamp.map(|stamp| stamp.0),
    });
    pgw.gtpu.connect((Interface::S5u, sgw_s5u.ip()), now);
    pgw.gtpc.metrics.active_sessions.inc();
    pgw.gtpc.metrics.active_bearers.inc();
    // Before the answer: packets may come as soon as it is there.
    pgw.keep(teid);
    pgw.open(teid);
    pgw.out.event(Event::SessionUp { imsi, ue });
    info!(sgw = %sgw_s5c.address, "session established");
    debug!(%imsi, %ue, "session established");
    Ok((teid, cause))
}

fn sgw_s5u(pgw: &Pgw, bearer: &BearerContextToBeCreated) -> Option<Peer> {
    Peer::from_fteid(
        bearer.sgw_s5u_fteid.as_ref()?,
        Interface::S5u,
        pgw.config.local_addresses.s5u_ip,
    )
}

/// The addresses that the UE asked for and there are.
fn take_address(pgw: &mut Pgw, request: &CreateSessionRequest) -> Result<(UeAddress, CauseValue), Refused> {
    let asked_ipv4 = request.paa.as_ref().and_then(Paa::ipv4);
    let asked_ipv6 = request
        .paa
        .as_ref()
        .and_then(Paa::ipv6)
        .map(|(_, address)| address);
    let pdn_type = request
        .pdn_type
        .or(request.paa.as_ref().map(Paa::pdn_type))
        .unwrap_or(PdnType::IPV4);
    let all = CauseValue::REQUEST_ACCEPTED;
    match pdn_type {
        PdnType::IPV4 => {
            let ipv4 = pgw.addresses.take_ipv4(asked_ipv4).map_err(cause_of)?;
            Ok((
                UeAddress {
                    ipv4: Some(ipv4),
                    ipv6: None,
                },
                all,
            ))
        }
        PdnType::IPV6 => {
            let ipv6 = pgw.addresses.take_ipv6(asked_ipv6).map_err(cause_of)?;
            Ok((
                UeAddress {
                    ipv4: None,
                    ipv6: Some(ipv6),
                },
                all,
            ))
        }
        PdnType::IPV4V6 => {
            let ipv4 = pgw.addresses.take_ipv4(asked_ipv4);
            let ipv6 = pgw.addresses.take_ipv6(asked_ipv6);
            match (ipv4, ipv6) {
                (Ok(ipv4), Ok(ipv6)) => Ok((
                    UeAddress {
                        ipv4: Some(ipv4),
                        ipv6: Some(ipv6),
                    },
                    all,
                )),
                // One family where that is all that this network has, TS 23.401 §5.3.1.1.
                (Ok(ipv4), Err(Refusal::NoPool)) => Ok((
                    UeAddress::v4(ipv4),
                    CauseValue::NEW_PDN_TYPE_DUE_TO_NETWORK_PREFERENCE,
                )),
                (Err(Refusal::NoPool), Ok(ipv6)) => Ok((
                    UeAddress {
                        ipv4: None,
                        ipv6: Some(ipv6),
                    },
                    CauseValue::NEW_PDN_TYPE_DUE_TO_NETWORK_PREFERENCE,
                )),
                (ipv4, ipv6) => {
                    pgw.give_back(UeAddress {
                        ipv4: ipv4.ok(),
                        ipv6: ipv6.ok(),
                    });
                    Err(cause_of(ipv4.err().or(ipv6.err()).unwrap_or(Refusal::NoPool)))
                }
            }
        }
        _ => Err((CauseValue::PREFERRED_PDN_TYPE_NOT_SUPPORTED, None)),
    }
}

/// Table 8.4-1 has no cause for an address that was asked for and cannot be given; the IE at fault tells.
fn cause_of(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::Exhausted => (CauseValue::ALL_DYNAMIC_ADDRESSES_ARE_OCCUPIED, None),
        Refusal::InUse | Refusal::OutsidePools => (CauseValue::REQUEST_REJECTED, Some((IeType::PAA, 0))),
        Refusal::NoPool => (CauseValue::PREFERRED_PDN_TYPE_NOT_SUPPORTED, None),
    }
}

fn take_teids(pgw: &mut Pgw) -> Option<(Teid, Teid)> {
    let control = pgw.control_teids.allocate()?;
    match pgw.user_teids.allocate() {
        Some(user) => Some((control, user)),
        None => {
            pgw.control_teids.free(control);
            None
        }
    }
}

fn answer(
    pgw: &mut Pgw,
    asked: &Asked,
    request: &CreateSessionRequest,
    teid: Teid,
    cause: CauseValue,
    now: Instant,
) {
    let Some(session) = pgw.sessions.get(teid).cloned() else {
        return;
    };
    let charging_id = ChargingId(pgw.charging_ids.next(&mut pgw.out));
    let addresses = &pgw.config.local_addresses;
    let fteid = |interface, teid, address: IpAddr| Some(Fteid::new(interface, teid, address));
    let bearer = BearerContextCreated {
        pgw_s5u_fteid: fteid(InterfaceType::S5_S8_PGW_GTP_U, session.s5u_teid, addresses.s5u_ip),
        qos: Some(request.bearer_contexts[0].qos),
        charging_id: Some(charging_id),
        ..BearerContextCreated::new(session.ebi, Cause::new(CauseValue::REQUEST_ACCEPTED))
    };
    let answer = CreateSessionResponse {
        pgw_s5c_fteid: fteid(InterfaceType::S5_S8_PGW_GTP_C, session.teid, addresses.s5c_ip),
        paa: Some(paa(session.ue)),
        apn_restriction: Some(ApnRestriction(0)),
        ambr: request.ambr,
        pco: request.pco.as_ref().map(|asked| configuration(pgw, asked)),
        recovery: Some(RestartCounter(pgw.gtpc.restart_counter())),
        bearer_contexts: vec![bearer],
        ..CreateSessionResponse::new(Cause::new(cause))
    };
    pgw.gtpc
        .answer(asked, session.sgw_s5c.teid, answer, now, &mut pgw.out);
}

/// What the UE is told of its addresses. The interface identifier that it begins with on IPv6 is 1, TS 23.401
/// §5.3.1.2.2.
fn paa(ue: UeAddress) -> Paa {
    let ipv6 = |prefix: Ipv6Addr| Ipv6Addr::from(u128::from(prefix) | 1);
    match (ue.ipv4, ue.ipv6) {
        (Some(ipv4), Some(prefix)) => Paa::V4V6(ipv4, 64, ipv6(prefix)),
        (None, Some(prefix)) => Paa::V6(64, ipv6(prefix)),
        (Some(ipv4), None) => Paa::V4(ipv4),
        (None, None) => Paa::V4(Ipv4Addr::UNSPECIFIED),
    }
}

/// What the UE asked to be told, TS 24.008 §10.5.6.3: DNS servers and the MTU.
fn configuration(pgw: &Pgw, asked: &Pco) -> Pco {
    let ipv4: Vec<Ipv4Addr> = pgw
        .config
        .dns
        .iter()
        .filter_map(|dns| {
            if let IpAddr::V4(dns) = dns {
                Some(*dns)
            } else {
                None
            }
        })
        .collect();
    let mut told = Pco::new();
    if asked.asks_for(Pco::DNS_IPV4) {
        ipv4.iter()
            .for_each(|dns| told.push(Pco::DNS_IPV4, &dns.octets()));
    }
    if asked.asks_for(Pco::DNS_IPV6) {
        for dns in &pgw.config.dns {
            if let IpAddr::V6(dns) = dns {
                told.push(Pco::DNS_IPV6, &dns.octets());
            }
        }
    }
    if asked.asks_for(Pco::IPV4_LINK_MTU) {
        told.push(Pco::IPV4_LINK_MTU, &pgw.config.link_mtu().to_be_bytes());
    }
    if let Some(ipcp) = asked.ipcp().filter(|ipcp| ipcp.code == Ipcp::CONFIGURE_REQUEST) {
        let code = Ipcp::CONFIGURE_NAK;
        let answer = Ipcp {
            code,
            primary_dns: ipv4.first().copied(),
            secondary_dns: ipv4.get(1).copied(),
            ..ipcp
        };
        if !ipv4.is_empty() {
            told = told.with_ipcp(answer);
        }
    }
    told
}

fn refuse(pgw: &mut Pgw, asked: &Asked, sgw_teid: Teid, (cause, offending): Refused, now: Instant) {
    pgw.gtpc
        .refuse(asked, sgw_teid, cause, offending, now, &mut pgw.out);
}
