//! GTPv2-C and GTPv1-U.

use std::net::IpAddr;

use epc_codec::Teid;
use epc_codec::gtpv1u::{self, Gpdu};
use epc_codec::gtpv2c::{self, Cause, Fteid, InterfaceType, Message, Paa, Packet};

use super::{CallFlow, Said, Way, unreadable};
use crate::frame;

impl CallFlow {
    pub(super) fn gtpc(&mut self, way: Way, datagram: &[u8]) -> Said {
        let packet = match gtpv2c::decode(datagram) {
            Ok(packet) => packet,
            Err(error) => return unreadable("GTPv2-C", error),
        };
        let session = self.session_of_gtpc(way, &packet);
        let mut details = Vec::new();
        if let Some(teid) = packet.header.teid {
            details.push(format!("TEID {teid}"));
        }
        let told = tell(&packet.message, &mut details);
        for fteid in &told.fteids {
            details.push(fteid_in_words(fteid));
            if let (Some(session), Some(address)) = (session, fteid.address()) {
                self.learn_end(session, fteid, address);
            }
        }
        if let Some(paa) = told.paa {
            details.push(format!("UE {}", paa_in_words(paa)));
            if told.is_final
                && let Some(session) = session.and_then(|place| self.sessions.get_mut(place))
            {
                session.ue = Some(paa_in_words(paa));
            }
        }
        if let Some(cause) = told.cause
            && !cause.is_accepted()
        {
            let refusal = format!("{} with cause {}", packet.message.name(), cause_in_words(cause));
            self.refused(session, refusal);
        }
        Said {
            message: packet.message.name().to_owned(),
            details,
            session,
        }
    }

    /// By the IMSI, by the end that the header names, or by the request that is answered.
    fn session_of_gtpc(&mut self, way: Way, packet: &Packet) -> Option<usize> {
        let Packet { header, message, .. } = packet;
        let of_imsi = match message {
            Message::CreateSessionRequest(request) => request.imsi.map(|imsi| imsi.to_string()),
            _ => None,
        };
        let by_imsi = of_imsi.map(|imsi| self.session_of(&imsi));
        let by_teid = || {
            let end = (way.to, header.teid?);
            self.control_ends.get(&end).copied()
        };
        let sequence = header.sequence.0;
        if header.message_type.answer().is_some() {
            let session = by_imsi.or_else(by_teid);
            self.requests.insert((way.from, way.to, sequence), session);
            return session;
        }
        let by_request = self
            .requests
            .get(&(way.to, way.from, sequence))
            .copied()
            .flatten();
        by_request.or_else(by_teid)
    }

    fn learn_end(&mut self, session: usize, fteid: &Fteid, address: IpAddr) {
        let end = (address, fteid.teid);
        let of_session = &mut self.sessions[session];
        let place = match fteid.interface {
            InterfaceType::S1U_ENB_GTP_U => &mut of_session.enb_s1u,
            InterfaceType::S1U_SGW_GTP_U => &mut of_session.sgw_s1u,
            InterfaceType::S5_S8_SGW_GTP_U => &mut of_session.sgw_s5u,
            InterfaceType::S5_S8_PGW_GTP_U => &mut of_session.pgw_s5u,
            _ => {
                self.control_ends.insert(end, session);
                return;
            }
        };
        *place = Some(fteid.teid);
        self.user_ends.insert(end, session);
    }

    /// `None` for a packet of a user in a tunnel that was seen in use before.
    pub(super) fn gtpu(&mut self, way: Way, datagram: &[u8]) -> Option<Said> {
        if let Ok(gpdu) = Gpdu::parse(datagram) {
            return self
                .used_tunnels
                .insert((way.link, gpdu.teid()))
                .then(|| self.first_packet(way, gpdu.teid(), gpdu.payload()));
        }
        let packet = match gtpv1u::decode(datagram) {
            Ok(packet) => packet,
            Err(error) => return Some(unreadable("GTPv1-U", error)),
        };
        let mut details = Vec::new();
        if packet.header.teid != Teid(0) {
            details.push(format!("TEID {}", packet.header.teid));
        }
        let (message, about) = match &packet.message {
            gtpv1u::Message::EchoRequest(_) => ("Echo Request", None),
            gtpv1u::Message::EchoResponse(_) => ("Echo Response", None),
            gtpv1u::Message::ErrorIndication(indication) => {
                details.push(format!("no tunnel {} at {}", indication.teid, indication.peer));
                ("Error Indication", Some((way.from, indication.teid)))
            }
            gtpv1u::Message::SupportedExtensionHeadersNotification(_) => {
                ("Supported Extension Headers Notification", None)
            }
            gtpv1u::Message::TunnelStatus(_) => ("Tunnel Status", Some((way.to, packet.header.teid))),
            gtpv1u::Message::EndMarker(_) => ("End Marker", Some((way.to, packet.header.teid))),
            gtpv1u::Message::GPdu(_) => ("G-PDU", Some((way.to, packet.header.teid))),
            gtpv1u::Message::Other(..) => ("unknown message", None),
        };
        Some(Said {
            message: format!("GTP-U {message}"),
            details,
            session: about.and_then(|end| self.user_ends.get(&end).copied()),
        })
    }

    fn first_packet(&self, way: Way, teid: Teid, payload: &[u8]) -> Said {
        let inside = frame::ip(payload).map_or("no IP packet".to_owned(), |packet| packet.describe());
        Said {
            message: "first G-PDU in this tunnel".to_owned(),
            details: vec![format!("TEID {teid}"), inside],
            session: self.user_ends.get(&(way.to, teid)).copied(),
        }
    }
}

/// What is worth telling of a message.
#[derive(Default)]
struct Told {
    fteids: Vec<Fteid>,
    paa: Option<Paa>,
    /// The address is given, not asked for.
    is_final: bool,
    cause: Option<Cause>,
}

fn tell(message: &Message, details: &mut Vec<String>) -> Told {
    let told = match message {
        Message::CreateSessionRequest(m) => {
            details.extend(m.imsi.map(|imsi| format!("IMSI {imsi}")));
            details.push(format!("APN {}", m.apn));
            let bearers = m
                .bearer_contexts
                .iter()
                .flat_map(|b| [b.enb_s1u_fteid, b.sgw_s5u_fteid, b.pgw_s5u_fteid]);
            Told {
                fteids: [Some(m.sender_fteid)]
                    .into_iter()
                    .chain(bearers)
                    .flatten()
                    .collect(),
                paa: m
                    .paa
                    .filter(|paa| paa.ipv4().is_none_or(|ipv4| !ipv4.is_unspecified())),
                ..Told::default()
            }
        }
        Message::CreateSessionResponse(m) => {
            let bearers = m
                .bearer_contexts
                .iter()
                .flat_map(|b| [b.sgw_s1u_fteid, b.pgw_s5u_fteid]);
            Told {
                fteids: [m.sender_fteid, m.pgw_s5c_fteid]
                    .into_iter()
                    .chain(bearers)
                    .flatten()
                    .collect(),
                paa: m.paa,
                is_final: true,
                cause: Some(m.cause),
            }
        }
        Message::ModifyBearerRequest(m) => {
            let bearers = m
                .bearer_contexts
                .iter()
                .flat_map(|b| [b.enb_s1u_fteid, b.sgw_s5u_fteid]);
            Told {
                fteids: [m.sender_fteid].into_iter().chain(bearers).flatten().collect(),
                ..Told::default()
            }
        }
        Message::ModifyBearerResponse(m) => Told {
            fteids: m.bearer_contexts.iter().filter_map(|b| b.sgw_s1u_fteid).collect(),
            cause: Some(m.cause),
            ..Told::default()
        },
        Message::DeleteSessionRequest(m) => {
            details.extend(m.linked_ebi.map(|ebi| format!("bearer {ebi}")));
            Told::default()
        }
        Message::DeleteBearerRequest(m) => {
            details.extend(m.linked_ebi.map(|ebi| format!("bearer {ebi} and its connection")));
            details.extend(m.ebis.iter().map(|ebi| format!("bearer {ebi}")));
            Told::default()
        }
        Message::EchoRequest(m) => {
            details.push(format!("restart counter {}", m.recovery.0));
            Told::default()
        }
        Message::EchoResponse(m) => {
            details.push(format!("restart counter {}", m.recovery.0));
            Told::default()
        }
        Message::DownlinkDataNotification(m) => Told {
            fteids: m.sender_fteid.into_iter().collect(),
            ..Told::default()
        },
        Message::DeleteSessionResponse(m) => Told::answer(m.cause),
        Message::DeleteBearerResponse(m) => Told::answer(m.cause),
        Message::ReleaseAccessBearersResponse(m) => Told::answer(m.cause),
        Message::DownlinkDataNotificationAcknowledge(m) => Told::answer(m.cause),
        Message::DownlinkDataNotificationFailureIndication(m) => Told::answer(m.cause),
        // Of the many others, which our nodes do not send, the name tells enough.
        _ => Told::default(),
    };
    details.extend(told.cause.map(|cause| format!("cause {}", cause_in_words(cause))));
    told
}

impl Told {
    fn answer(cause: Cause) -> Told {
        Told {
            cause: Some(cause),
            ..Told::default()
        }
    }
}

fn cause_in_words(cause: Cause) -> String {
    cause.value.to_string()
}

/// `S1-U S-GW 0x1a2b3c4d`
fn fteid_in_words(fteid: &Fteid) -> String {
    let whose = match fteid.interface {
        InterfaceType::S1U_ENB_GTP_U => "S1-U eNB",
        InterfaceType::S1U_SGW_GTP_U => "S1-U S-GW",
        InterfaceType::S5_S8_SGW_GTP_U => "S5-U S-GW",
        InterfaceType::S5_S8_PGW_GTP_U => "S5-U P-GW",
        InterfaceType::S5_S8_SGW_GTP_C => "S5-C S-GW",
        InterfaceType::S5_S8_PGW_GTP_C => "S5-C P-GW",
        InterfaceType::S11_MME_GTP_C => "S11 MME",
        InterfaceType::S11_S4_SGW_GTP_C => "S11 S-GW",
        other => return format!("{other} {}", fteid.teid),
    };
    format!("{whose} {}", fteid.teid)
}

fn paa_in_words(paa: Paa) -> String {
    match paa {
        Paa::V4(ipv4) => ipv4.to_string(),
        Paa::V6(length, ipv6) => format!("{ipv6}/{length}"),
        Paa::V4V6(ipv4, length, ipv6) => format!("{ipv4} and {ipv6}/{length}"),
        _ => format!("of type {}", paa.pdn_type()),
    }
}
