//! What is said on the links, and how to say something oneself.

use std::net::{IpAddr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, PoisonError};

use epc_codec::gtpv2c::{self, Message, Paa};
use epc_codec::{Imsi, Teid};
use epc_lab::{Capture, Node, Point, ReferencePoint, udp_datagram, wait_for};

use crate::lab::{Lab, Outcome, PATIENCE};

/// A datagram that was seen.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) octets: Vec<u8>,
}

/// Hears the datagrams on some links.
pub(crate) struct Spy {
    said: Arc<Mutex<Vec<Said>>>,
    _capture: Capture,
}

impl Spy {
    /// Hears everything from now on that passes these links, each at the end of this node.
    pub(crate) fn start(lab: &Lab, name: &str, links: &[(Node, ReferencePoint)]) -> Outcome<Spy> {
        let points: Vec<Point<'_>> = links
            .iter()
            .map(|(node, link)| Point {
                namespace: lab.namespace(*node),
                device: link.device(),
                label: link.title(),
            })
            .collect();
        let said = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&said);
        let capture = Capture::start(&points, &lab.file(&format!("{name}.pcapng")), move |captured| {
            if let Some((from, to, octets)) = udp_datagram(captured.frame) {
                let octets = octets.to_vec();
                let mut said = heard.lock().unwrap_or_else(PoisonError::into_inner);
                said.push(Said { from, to, octets });
            }
        })?;
        Ok(Spy {
            said,
            _capture: capture,
        })
    }

    /// What was said until now.
    pub(crate) fn said(&self) -> Vec<Said> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The ends of a subscriber's session, once all messages of its attach were heard on S11 and S5-C.
    pub(crate) fn session(&self, imsi: &str) -> Outcome<Session> {
        let imsi: Imsi = imsi.parse()?;
        let what = format!("the attach of {imsi} on the links");
        Ok(wait_for(&what, PATIENCE, || {
            Session::in_messages(&self.said(), imsi).ok_or_else(|| "not all was heard".to_owned())
        })?)
    }
}

/// The ends of a session, as its peers told them to each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Session {
    pub(crate) mme_s11: Teid,
    pub(crate) sgw_s11: Teid,
    pub(crate) pgw_s5c: Teid,
    pub(crate) enb_s1u: Teid,
    pub(crate) sgw_s1u: Teid,
    pub(crate) sgw_s5u: Teid,
    pub(crate) pgw_s5u: Teid,
    pub(crate) paa: Paa,
}

impl Session {
    fn in_messages(said: &[Said], imsi: Imsi) -> Option<Session> {
        let on_s11 = |address: IpAddr| {
            address == ReferencePoint::S11.address(Node::Sgw)
                || address == ReferencePoint::S11.address(Node::Mme)
        };
        let (mut of_s11, mut of_s5c, mut of_modify) = (None, None, None);
        let mut asked = Vec::new();
        for Said { from, to, octets } in said {
            let Ok(packet) = gtpv2c::decode(octets) else {
                continue;
            };
            let s11 = on_s11(to.ip());
            match packet.message {
                Message::CreateSessionRequest(request) if request.imsi == Some(imsi) => {
                    asked.push((*from, *to, packet.header.sequence, request));
                }
                Message::CreateSessionResponse(response) => {
                    let question = asked.iter().rev().find(|(asker, peer, sequence, _)| {
                        (*asker, *peer, *sequence) == (*to, *from, packet.header.sequence)
                    });
                    match question {
                        Some((_, _, _, request)) if s11 => of_s11 = Some((request.clone(), response)),
                        Some((_, _, _, request)) => of_s5c = Some((request.clone(), response)),
                        None => {}
                    }
                }
                Message::ModifyBearerRequest(request) if s11 => {
                    let sgw_s11 = of_s11.as_ref().and_then(|(_, response)| response.sender_fteid);
                    if sgw_s11.map(|fteid| fteid.teid) == packet.header.teid {
                        of_modify = request
                            .bearer_contexts
                            .first()
                            .and_then(|bearer| bearer.enb_s1u_fteid);
                    }
                }
                _ => {}
            }
        }
        let ((mme, sgw), (sgw_s5, pgw)) = (of_s11?, of_s5c?);
        Some(Session {
            mme_s11: mme.sender_fteid.teid,
            sgw_s11: sgw.sender_fteid?.teid,
            pgw_s5c: pgw.pgw_s5c_fteid?.teid,
            enb_s1u: of_modify?.teid,
            sgw_s1u: sgw.bearer_contexts.first()?.sgw_s1u_fteid?.teid,
            sgw_s5u: sgw_s5.bearer_contexts.first()?.sgw_s5u_fteid?.teid,
            pgw_s5u: pgw.bearer_contexts.first()?.pgw_s5u_fteid?.teid,
            paa: pgw.paa?,
        })
    }
}

/// Where a node is, on one of its links.
pub(crate) fn at(link: ReferencePoint, node: Node) -> SocketAddrV4 {
    let port = match link {
        ReferencePoint::S1Mme => 36412,
        ReferencePoint::S11 | ReferencePoint::S5c => 2123,
        ReferencePoint::S1u | ReferencePoint::S5u => 2152,
        ReferencePoint::Euu | ReferencePoint::Sgi => 0,
    };
    SocketAddrV4::new(link.address(node), port)
}
