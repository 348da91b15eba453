//! S1AP, and NAS in it.

use epc_codec::nas::{self, Direction, Identity};
use epc_codec::s1ap::{self, Message, NasPdu};

use super::{CallFlow, Said, unreadable};
use crate::Node;

impl CallFlow {
    pub(super) fn s1ap(&mut self, from: Node, datagram: &[u8]) -> Said {
        let message = match s1ap::decode(datagram) {
            Ok(message) => message,
            Err(error) => return unreadable("S1AP", error),
        };
        let direction = match from {
            Node::Enb => Direction::Uplink,
            _ => Direction::Downlink,
        };
        let inside: Vec<Result<nas::Message, nas::Error>> = nas_of(&message)
            .into_iter()
            .map(|nas| nas.decode(direction))
            .collect();
        let session = self.session_of_s1ap(&message, &inside);
        let mut details = ids(&message);
        tell(&message, &mut details);
        let mut names = Vec::new();
        for nas in &inside {
            match nas {
                Ok(nas) => {
                    names.push(in_title_case(nas.name()));
                    self.tell_nas(nas, session, &mut details);
                }
                Err(error) => names.push(format!("unreadable NAS: {error}")),
            }
        }
        let name = message.name().to_owned();
        Said {
            message: match names.is_empty() {
                true => name,
                false => format!("{name} ({})", names.join(", ")),
            },
            details,
            session,
        }
    }

    /// By the identity in the NAS message, or by the numbers that the nodes gave the UE.
    fn session_of_s1ap(
        &mut self,
        message: &Message,
        inside: &[Result<nas::Message, nas::Error>],
    ) -> Option<usize> {
        let by_imsi = inside.iter().flatten().find_map(|nas| match nas {
            nas::Message::AttachRequest(attach) => imsi(&attach.identity),
            nas::Message::DetachRequest(detach) => imsi(&detach.identity),
            _ => None,
        });
        let enb_id = message.enb_ue_s1ap_id().map(|id| (Node::Enb, id.get()));
        let mme_id = message.mme_ue_s1ap_id().map(|id| (Node::Mme, id.0));
        let known = |id: Option<(Node, u32)>| self.s1_ids.get(&id?).copied();
        let session = match by_imsi {
            Some(imsi) => Some(self.session_of(&imsi)),
            None => known(enb_id).or(known(mme_id)),
        }?;
        for id in [enb_id, mme_id].into_iter().flatten() {
            self.s1_ids.insert(id, session);
        }
        Some(session)
    }

    fn tell_nas(&mut self, nas: &nas::Message, session: Option<usize>, details: &mut Vec<String>) {
        match nas {
            nas::Message::AttachRequest(m) => details.push(m.identity.to_string()),
            nas::Message::DetachRequest(m) => details.push(m.identity.to_string()),
            nas::Message::AttachAccept(m) => {
                if let Some(address) = m.esm.pdn_address.ipv4() {
                    details.push(format!("UE {address}"));
                }
                details.push(format!("APN {}", m.esm.apn));
            }
            nas::Message::AttachReject(m) => {
                details.push(format!("cause {}", m.cause));
                self.refused(session, format!("Attach Reject with cause {}", m.cause));
            }
            nas::Message::NetworkDetachRequest(m) => {
                details.extend(m.cause.map(|cause| format!("cause {cause}")));
            }
            nas::Message::EmmStatus(m) => details.push(format!("cause {}", m.cause)),
            nas::Message::EsmStatus(m) => details.push(format!("cause {}", m.cause)),
            _ => {}
        }
    }
}

fn imsi(identity: &Identity) -> Option<String> {
    match identity {
        Identity::Imsi(imsi) => Some(imsi.to_string()),
        _ => None,
    }
}

fn nas_of(message: &Message) -> Vec<&NasPdu> {
    match message {
        Message::InitialUeMessage(m) => vec![&m.nas],
        Message::DownlinkNasTransport(m) => vec![&m.nas],
        Message::UplinkNasTransport(m) => vec![&m.nas],
        Message::NasNonDeliveryIndication(m) => m.nas.iter().collect(),
        Message::InitialContextSetupRequest(m) => {
            m.erabs.iter().filter_map(|erab| erab.nas.as_ref()).collect()
        }
        Message::ErabSetupRequest(m) => m.erabs.iter().map(|erab| &erab.nas).collect(),
        Message::ErabReleaseCommand(m) => m.nas.iter().collect(),
        _ => Vec::new(),
    }
}

fn ids(message: &Message) -> Vec<String> {
    let enb = message
        .enb_ue_s1ap_id()
        .map(|id| format!("eNB's number {}", id.get()));
    let mme = message
        .mme_ue_s1ap_id()
        .map(|id| format!("MME's number {}", id.0));
    enb.into_iter().chain(mme).collect()
}

fn tell(message: &Message, details: &mut Vec<String>) {
    match message {
        Message::S1SetupRequest(m) => {
            details.push(format!(
                "eNB {:#x} of {}",
                m.global_enb_id.enb_id.value(),
                m.global_enb_id.plmn
            ));
            details.extend(m.supported_tas.iter().map(|ta| format!("TAC {}", ta.tac)));
        }
        Message::InitialContextSetupRequest(m) => {
            details.extend(m.erabs.iter().map(|erab| format!("S1-U S-GW {}", erab.sgw_s1u)));
        }
        Message::InitialContextSetupResponse(m) => {
            let erabs = m.erabs.iter().flat_map(|erabs| erabs.iter());
            details.extend(erabs.map(|erab| format!("S1-U eNB {}", erab.enb_s1u)));
        }
        Message::Reset(m) => details.push(match &m.reset_type {
            s1ap::ResetType::All => "all UEs".to_owned(),
            s1ap::ResetType::Part(ues) => format!("{} UEs", ues.len()),
        }),
        _ => {}
    }
    let cause = match message {
        Message::S1SetupFailure(m) => Some(m.cause),
        Message::InitialContextSetupFailure(m) => Some(m.cause),
        Message::UeContextReleaseRequest(m) => Some(m.cause),
        Message::UeContextReleaseCommand(m) => Some(m.cause),
        Message::NasNonDeliveryIndication(m) => Some(m.cause),
        Message::ErrorIndication(m) => m.cause,
        Message::Reset(m) => Some(m.cause),
        _ => None,
    };
    details.extend(cause.map(|cause| format!("cause {cause}")));
}

/// `ATTACH REQUEST` as `Attach Request`.
fn in_title_case(name: &str) -> String {
    let words = name.split(' ').map(|word| match word.split_at_checked(1) {
        Some((first, rest)) if !matches!(word, "PDN" | "EPS" | "EMM" | "ESM") => {
            format!("{first}{}", rest.to_lowercase())
        }
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}
