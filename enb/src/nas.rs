//! What the UEs of this eNB say to the MME and hear from it, TS 24.301.

use std::net::{IpAddr, Ipv6Addr};

use epc_codec::nas::lite::SubscriberHints;
use epc_codec::nas::{
    ActivateDefaultEpsBearerContextAccept, AttachComplete, AttachRequest, AttachType, DetachAccept,
    DetachRequest, DetachType, Direction, EmmCause, EsmCause, Identity, KeySetIdentifier, Message,
    NetworkDetachType, PdnConnectivityRequest, PdnType, Pti, RequestType, UeNetworkCapability,
};
use epc_codec::s1ap::NasPdu;
use epc_codec::{Ebi, Pco, Plmn};
use epc_node::UeAddress;

use crate::config::{self, Subscriber};

/// The UE has one PDN connection and one transaction for it.
const PTI: Pti = Pti(1);

/// EEA0 to 128-EEA3 and EIA0 to 128-EIA3: S1AP-lite uses the null algorithms.
const ALGORITHMS: u8 = 0xf0;

/// Attach Request with PDN Connectivity Request: what the subscriber asks for.
pub(crate) fn attach_request(subscriber: &Subscriber, plmn: Plmn) -> NasPdu {
    let pdn_type = match subscriber.pdn_type {
        config::PdnType::Ipv4 => PdnType::IPV4,
        config::PdnType::Ipv6 => PdnType::IPV6,
        config::PdnType::Ipv4v6 => PdnType::IPV4V6,
    };
    let mut pco = Pco::new();
    if pdn_type != PdnType::IPV6 {
        pco = pco.asking_for(Pco::DNS_IPV4).asking_for(Pco::IPV4_LINK_MTU);
    }
    if pdn_type != PdnType::IPV4 {
        pco = pco.asking_for(Pco::DNS_IPV6);
    }
    let hints = SubscriberHints {
        requested_ipv4: subscriber.src_ip.and_then(|address| match address {
            IpAddr::V4(v4) => Some(v4),
            IpAddr::V6(_) => None,
        }),
        requested_ipv6: subscriber.src_ip.and_then(|address| match address {
            IpAddr::V6(v6) => Some(v6),
            IpAddr::V4(_) => None,
        }),
        msisdn: subscriber.msisdn,
        imeisv: subscriber.imeisv,
    };
    NasPdu::from(AttachRequest {
        attach_type: AttachType::EPS,
        key_set_identifier: KeySetIdentifier::NO_KEY,
        identity: Identity::Imsi(subscriber.imsi),
        ue_network_capability: UeNetworkCapability::new(ALGORITHMS, ALGORITHMS),
        esm: PdnConnectivityRequest {
            pti: PTI,
            request_type: RequestType::INITIAL,
            pdn_type,
            esm_information_transfer: false,
            apn: None,
            pco: Some(hints.add_to(pco, plmn)),
        },
    })
}

/// Attach Complete with the acceptance of the default bearer.
pub(crate) fn attach_complete(ebi: Ebi) -> NasPdu {
    NasPdu::from(AttachComplete {
        esm: ActivateDefaultEpsBearerContextAccept { ebi, pco: None },
    })
}

/// Detach Request of the UE.
pub(crate) fn detach_request(subscriber: &Subscriber, switch_off: bool) -> NasPdu {
    NasPdu::from(DetachRequest {
        switch_off,
        detach_type: DetachType::EPS,
        key_set_identifier: KeySetIdentifier::NO_KEY,
        identity: Identity::Imsi(subscriber.imsi),
    })
}

/// Detach Accept of the UE.
pub(crate) fn detach_accept() -> NasPdu {
    NasPdu::from(DetachAccept)
}

/// What an Attach Accept brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Granted {
    pub(crate) ue: UeAddress,
    pub(crate) mtu: Option<u16>,
    pub(crate) dns: Vec<IpAddr>,
}

/// What the network says to a UE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Downlink {
    AttachAccept,
    AttachReject { emm: EmmCause, esm: Option<EsmCause> },
    DetachRequest { attach_again: bool },
    DetachAccept,
}

/// Reads a message that comes without a bearer; `None` for one that these UEs do not have.
pub(crate) fn downlink(nas: &NasPdu) -> Option<Downlink> {
    Some(match nas.decode(Direction::Downlink).ok()? {
        Message::AttachAccept(_) => Downlink::AttachAccept,
        Message::AttachReject(reject) => Downlink::AttachReject {
            emm: reject.cause,
            esm: reject.esm.map(|esm| esm.cause),
        },
        Message::NetworkDetachRequest(request) => Downlink::DetachRequest {
            attach_again: request.detach_type == NetworkDetachType::RE_ATTACH_REQUIRED,
        },
        Message::DetachAccept(_) => Downlink::DetachAccept,
        _ => return None,
    })
}

/// Reads the Attach Accept that comes with the bearer; `None` if it is none, or without an address.
pub(crate) fn attach_accept(nas: &NasPdu) -> Option<Granted> {
    let Ok(Message::AttachAccept(accept)) = nas.decode(Direction::Downlink) else {
        return None;
    };
    let pco = accept.esm.pco.unwrap_or_default();
    let address = accept.esm.pdn_address;
    let ipv6 = address.interface_identifier().map(|identifier| {
        // NAS has no prefix: it would come by Router Advertisement. S1AP-lite has it in an operator specific container.
        let told = SubscriberHints::from_pco(&pco).requested_ipv6;
        let prefix = told.unwrap_or(LINK_LOCAL).to_bits() >> 64 << 64;
        Ipv6Addr::from_bits(prefix | u128::from(u64::from_be_bytes(identifier)))
    });
    let dns = pco
        .dns_ipv4()
        .map(IpAddr::V4)
        .chain(pco.dns_ipv6().map(IpAddr::V6))
        .collect();
    let mtu = pco.ipv4_link_mtu();
    Some(Granted {
        ue: UeAddress {
            ipv4: address.ipv4(),
            ipv6,
        },
        mtu,
        dns,
    })
}

/// What a UE has before it is told its prefix.
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0);
