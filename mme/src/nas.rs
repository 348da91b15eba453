//! What the MME says to UEs and hears from them, TS 24.301.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use epc_codec::gtpv2c::{CauseValue, Paa};
use epc_codec::nas::lite::SubscriberHints;
use epc_codec::nas::{
    ActivateDefaultEpsBearerContextRequest, ApnAmbr, AttachAccept, AttachReject, AttachResult, DetachAccept,
    EmmCause, EpsQos, EsmCause, GprsTimer, NetworkDetachRequest, NetworkDetachType, PdnAddress,
    PdnConnectivityReject, PdnType, Pti,
};
use epc_codec::s1ap::{List, NasPdu, Tai};
use epc_codec::{Apn, Ebi, Pco, Plmn};

/// T3412, after which a UE that was silent says that it is still there. There are no idle UEs here.
const T3412: Duration = Duration::from_secs(54 * 60);

/// What an Attach Accept grants.
pub(crate) struct Grant {
    pub(crate) pti: Pti,
    pub(crate) ebi: Ebi,
    pub(crate) qci: u8,
    pub(crate) apn: Apn,
    pub(crate) wanted: PdnType,
    pub(crate) paa: Paa,
    /// kbit/s, downlink and uplink.
    pub(crate) ambr: (u64, u64),
    pub(crate) pco: Option<Pco>,
    pub(crate) tai: Tai,
}

/// Attach Accept with the default bearer; `None` if the P-GW gave no address.
pub(crate) fn attach_accept(grant: Grant, plmn: Plmn) -> Option<NasPdu> {
    let ipv6 = grant.paa.ipv6().map(|(_, address)| address);
    let identifier = |address: Ipv6Addr| (address.to_bits() as u64).to_be_bytes();
    let pdn_address = match (grant.paa.ipv4(), ipv6) {
        (Some(v4), None) => PdnAddress::V4(v4),
        (None, Some(v6)) => PdnAddress::V6(identifier(v6)),
        (Some(v4), Some(v6)) => PdnAddress::V4V6(v4, identifier(v6)),
        (None, None) => return None,
    };
    // NAS has no place for the prefix: it would come by Router Advertisement.
    let pco = match ipv6 {
        None => grant.pco,
        Some(address) => {
            let hints = SubscriberHints {
                requested_ipv6: Some(address),
                ..SubscriberHints::default()
            };
            Some(hints.add_to(grant.pco.unwrap_or_default(), plmn))
        }
    };
    Some(NasPdu::from(AttachAccept {
        result: AttachResult::EPS_ONLY,
        t3412: GprsTimer::from_duration(T3412),
        tais: List::from([grant.tai]),
        esm: ActivateDefaultEpsBearerContextRequest {
            ebi: grant.ebi,
            pti: grant.pti,
            qos: EpsQos::new(grant.qci),
            apn: grant.apn,
            pdn_address,
            apn_ambr: Some(ApnAmbr::new(grant.ambr.0, grant.ambr.1)),
            esm_cause: less_than_wanted(grant.wanted, &grant.paa),
            pco,
        },
        guti: None,
        emm_cause: None,
    }))
}

/// Why a UE that asked for both kinds of address got one, TS 24.301 §6.2.2.
fn less_than_wanted(wanted: PdnType, paa: &Paa) -> Option<EsmCause> {
    match (paa.ipv4(), paa.ipv6()) {
        _ if wanted != PdnType::IPV4V6 => None,
        (Some(_), None) => Some(EsmCause::PDN_TYPE_IPV4_ONLY_ALLOWED),
        (None, Some(_)) => Some(EsmCause::PDN_TYPE_IPV6_ONLY_ALLOWED),
        _ => None,
    }
}

/// Attach Reject, with PDN Connectivity Reject where the session is the reason.
pub(crate) fn attach_reject(cause: EmmCause, esm: Option<(Pti, EsmCause)>) -> NasPdu {
    let esm = esm.map(|(pti, cause)| PdnConnectivityReject {
        pti,
        cause,
        pco: None,
    });
    NasPdu::from(AttachReject { cause, esm })
}

/// Detach Request of the network.
pub(crate) fn detach_request(attach_again: bool) -> NasPdu {
    let detach_type = if attach_again {
        NetworkDetachType::RE_ATTACH_REQUIRED
    } else {
        NetworkDetachType::RE_ATTACH_NOT_REQUIRED
    };
    NasPdu::from(NetworkDetachRequest {
        detach_type,
        cause: None,
    })
}

/// Detach Accept to a UE that left.
pub(crate) fn detach_accept() -> NasPdu {
    NasPdu::from(DetachAccept)
}

/// What a UE is told when a gateway refuses its session.
pub(crate) fn esm_cause(cause: CauseValue) -> EsmCause {
    match cause {
        CauseValue::NO_RESOURCES_AVAILABLE
        | CauseValue::NO_MEMORY_AVAILABLE
        | CauseValue::ALL_DYNAMIC_ADDRESSES_ARE_OCCUPIED
        | CauseValue::APN_CONGESTION
        | CauseValue::GTP_C_ENTITY_CONGESTION => EsmCause::INSUFFICIENT_RESOURCES,
        CauseValue::MISSING_OR_UNKNOWN_APN => EsmCause::MISSING_OR_UNKNOWN_APN,
        CauseValue::PREFERRED_PDN_TYPE_NOT_SUPPORTED => EsmCause::UNKNOWN_PDN_TYPE,
        CauseValue::USER_AUTHENTICATION_FAILED => EsmCause::USER_AUTHENTICATION_FAILED,
        CauseValue::APN_ACCESS_DENIED_NO_SUBSCRIPTION => EsmCause::SERVICE_OPTION_NOT_SUBSCRIBED,
        CauseValue::SERVICE_NOT_SUPPORTED => EsmCause::SERVICE_OPTION_NOT_SUPPORTED,
        CauseValue::MULTIPLE_PDN_CONNECTIONS_FOR_A_GIVEN_APN_NOT_ALLOWED => {
            EsmCause::MULTIPLE_PDN_CONNECTIONS_NOT_ALLOWED
        }
        CauseValue::SYSTEM_FAILURE
        | CauseValue::REMOTE_PEER_NOT_RESPONDING
        | CauseValue::PGW_NOT_RESPONDING => EsmCause::NETWORK_FAILURE,
        _ => EsmCause::REQUEST_REJECTED_BY_GW,
    }
}

/// The address to ask the P-GW for; the unspecified one lets it choose, TS 29.274 §7.2.1.
pub(crate) fn requested(pdn_type: PdnType, hints: &SubscriberHints) -> Paa {
    let v4 = hints.requested_ipv4.unwrap_or(std::net::Ipv4Addr::UNSPECIFIED);
    let v6 = hints.requested_ipv6.unwrap_or(Ipv6Addr::UNSPECIFIED);
    let length = if hints.requested_ipv6.is_some() { 64 } else { 0 };
    match pdn_type {
        PdnType::IPV6 => Paa::V6(length, v6),
        PdnType::IPV4V6 => Paa::V4V6(v4, length, v6),
        _ => Paa::V4(v4),
    }
}

/// The address of a session for a log line.
pub(crate) fn address(paa: &Paa) -> Option<IpAddr> {
    paa.ipv4()
        .map(IpAddr::V4)
        .or(paa.ipv6().map(|(_, address)| IpAddr::V6(address)))
}
