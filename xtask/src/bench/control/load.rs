//! An MME that asks for sessions as fast as it is told to.

use std::collections::{HashMap, VecDeque};
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use epc_codec::gtpv2c::{
    self, Ambr, ApnRestriction, BearerContextToBeCreated, BearerContextToBeModified, BearerQos, CauseValue,
    CreateSessionRequest, DeleteSessionRequest, Ecgi, Fteid, Indication, InterfaceType, Message,
    ModifyBearerRequest, Paa, PdnType, RatType, SelectionMode, Sequence, ServingNetwork, Tai, UeTimeZone,
    Uli,
};
use epc_codec::{Apn, Ebi, Pco, Plmn, Teid};
use epc_lab::{Namespace, Node, ReferencePoint, yaml};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::time::TimeSpec;

/// A request without an answer has failed after this; S-GW and P-GW may repeat what they ask each other once.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often requests are looked at that have no answer.
const TICK: Duration = Duration::from_millis(100);
/// As many are outstanding at the most, at whatever rate.
const MOST: usize = 4096;
/// Asked of the kernel for the socket.
const BUFFER: usize = 8 << 20;
const BEARER: Ebi = Ebi(5);

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Sessions: Create Session Request.
    Create,
    /// Sessions that are taken into use: Create Session Request, then Modify Bearer Request.
    Attach,
    /// The end of all sessions: Delete Session Request.
    Delete,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Pace {
    /// So many are outstanding, all the time.
    Window(usize),
    /// So many begin each second, whatever becomes of the others. The clock of each runs from when it should have begun.
    PerSecond(f64),
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// Of what was accepted, sorted.
    latencies: Vec<Duration>,
    took: Duration,
    /// Refused, or without an answer.
    pub(super) failures: usize,
}

impl Outcome {
    pub(super) fn count(&self) -> usize {
        self.latencies.len()
    }

    /// A second.
    pub(super) fn rate(&self) -> f64 {
        self.count() as f64 / self.took.as_secs_f64()
    }

    /// The latency that this share does not exceed.
    pub(super) fn microseconds(&self, share: f64) -> f64 {
        let place = (self.latencies.len().saturating_sub(1) as f64 * share) as usize;
        self.latencies
            .get(place)
            .map_or(f64::NAN, |latency| latency.as_secs_f64() * 1e6)
    }
}

pub(super) struct Load {
    socket: UdpSocket,
    plmn: Plmn,
    apn: Apn,
    /// Subscribers are counted, and so are our TEIDs.
    next_subscriber: u32,
    next_sequence: u32,
    /// The TEIDs of the S-GW.
    sessions: VecDeque<Teid>,
    outstanding: HashMap<u32, Outstanding>,
}

#[derive(Debug, Clone, Copy)]
struct Outstanding {
    begun: Instant,
    asked: Instant,
    work: Work,
    /// Of the S-GW, where it is known.
    sgw_s11: Teid,
}

impl Load {
    /// An MME in its namespace.
    pub(super) fn new(mme: &Namespace) -> Result<Load> {
        let at = |node| SocketAddr::new(ReferencePoint::S11.address(node).into(), gtpv2c::PORT);
        let socket = mme
            .run(|| UdpSocket::bind(at(Node::Mme)))
            .context("a socket on S11")?;
        socket.connect(at(Node::Sgw))?;
        socket.set_nonblocking(true)?;
        let socket = socket2::Socket::from(socket);
        socket.set_recv_buffer_size(BUFFER)?;
        Ok(Load {
            socket: socket.into(),
            plmn: Plmn::new("001", "01").context("a PLMN")?,
            apn: "internet.example".parse()?,
            next_subscriber: 1,
            next_sequence: 1,
            sessions: VecDeque::new(),
            outstanding: HashMap::new(),
        })
    }

    /// Creates sessions for so long, or deletes all that there are; returns when the last answer is there.
    pub(super) fn run(&mut self, work: Work, pace: Pace, time: Duration) -> Result<Outcome> {
        let start = Instant::now();
        let mut outcome = Outcome::default();
        let mut begun = 0_u32;
        let mut looked = start;
        let mut buffer = vec![0; 65_536];
        loop {
            let goes_on = |load: &Load| match work {
                Work::Create | Work::Attach => start.elapsed() < time,
                Work::Delete => !load.sessions.is_empty(),
            };
            let mut until_next = TICK;
            while goes_on(self) && self.outstanding.len() < MOST {
                let due = match pace {
                    Pace::Window(window) if self.outstanding.len() < window => Instant::now(),
                    Pace::Window(_) => break,
                    Pace::PerSecond(rate) => start + Duration::from_secs_f64(f64::from(begun) / rate),
                };
                until_next = due.saturating_duration_since(Instant::now()).min(TICK);
                if !until_next.is_zero() {
                    break;
                }
                begun += 1;
                self.begin(work, due)?;
            }
            if self.outstanding.is_empty() && !goes_on(self) {
                outcome.took = start.elapsed();
                outcome.latencies.sort_unstable();
                return Ok(outcome);
            }
            self.wait(until_next)?;
            self.receive_all(&mut buffer, &mut outcome)?;
            if looked.elapsed() >= TICK {
                looked = Instant::now();
                let before = self.outstanding.len();
                self.outstanding
                    .retain(|_, request| request.asked.elapsed() < PATIENCE);
                outcome.failures += before - self.outstanding.len();
            }
        }
    }

    fn wait(&self, time: Duration) -> Result<()> {
        let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
        match ppoll(&mut fds, Some(TimeSpec::from_duration(time)), None) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno).context("wait for answers"),
        }
    }

    fn receive_all(&mut self, buffer: &mut [u8], outcome: &mut Outcome) -> Result<()> {
        loop {
            match self.socket.recv(buffer) {
                Ok(length) => self.answer(&buffer[..length], outcome)?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error).context("S11"),
            }
        }
    }

    fn begin(&mut self, work: Work, begun: Instant) -> Result<()> {
        let (teid, message) = match work {
            Work::Create | Work::Attach => {
                let subscriber = self.next_subscriber;
                self.next_subscriber += 1;
                (Teid(0), self.create_session(subscriber)?.into())
            }
            Work::Delete => {
                let Some(teid) = self.sessions.pop_front() else {
                    return Ok(());
                };
                let request = DeleteSessionRequest {
                    linked_ebi: Some(BEARER),
                    indication: Some(Indication::new().with(Indication::OI)),
                    ..DeleteSessionRequest::new()
                };
                (teid, request.into())
            }
        };
        self.ask(work, teid, &message, begun)
    }

    fn ask(&mut self, work: Work, teid: Teid, message: &Message, begun: Instant) -> Result<()> {
        let sequence = self.next_sequence;
        self.next_sequence = self.next_sequence % 0x7f_ffff + 1;
        self.socket
            .send(&message.encode(Some(teid), Sequence(sequence)))
            .context("S11")?;
        let request = Outstanding {
            begun,
            asked: Instant::now(),
            work,
            sgw_s11: teid,
        };
        self.outstanding.insert(sequence, request);
        Ok(())
    }

    fn answer(&mut self, datagram: &[u8], outcome: &mut Outcome) -> Result<()> {
        let packet = gtpv2c::decode(datagram).context("what the S-GW says")?;
        let Some(request) = self.outstanding.remove(&packet.header.sequence.0) else {
            return Ok(());
        };
        let accepted = match packet.message {
            Message::CreateSessionResponse(response) => {
                let fteid = response
                    .sender_fteid
                    .filter(|_| response.cause.value.is_accepted());
                match (fteid, request.work) {
                    (Some(fteid), Work::Attach) => {
                        let modify = self.modify_bearer().into();
                        return self.ask(Work::Attach, fteid.teid, &modify, request.begun);
                    }
                    (Some(fteid), _) => {
                        self.sessions.push_back(fteid.teid);
                        true
                    }
                    (None, _) => false,
                }
            }
            Message::ModifyBearerResponse(response) => {
                self.sessions.push_back(request.sgw_s11);
                response.cause.value.is_accepted()
            }
            Message::DeleteSessionResponse(response) => response.cause.value == CauseValue::REQUEST_ACCEPTED,
            other => bail!("the S-GW says {:?}", other.message_type()),
        };
        match accepted {
            true => outcome.latencies.push(request.begun.elapsed()),
            false => outcome.failures += 1,
        }
        Ok(())
    }

    /// As our MME asks.
    fn create_session(&self, subscriber: u32) -> Result<CreateSessionRequest> {
        let tai = Tai {
            plmn: self.plmn,
            tac: 1,
        };
        let ecgi = Ecgi {
            plmn: self.plmn,
            eci: 1,
        };
        let mme: IpAddr = ReferencePoint::S11.address(Node::Mme).into();
        let pgw: IpAddr = ReferencePoint::S5c.address(Node::Pgw).into();
        let mme_s11 = Fteid::new(InterfaceType::S11_MME_GTP_C, Teid(subscriber), mme);
        let bearer = BearerContextToBeCreated::new(BEARER, BearerQos::non_gbr(9, 8));
        let mut pco = Pco::new();
        pco.push(Pco::DNS_IPV4, &[]);
        pco.push(Pco::IPV4_LINK_MTU, &[]);
        Ok(CreateSessionRequest {
            imsi: Some(yaml::imsi(subscriber).parse()?),
            uli: Some(Uli::e_utran(tai, ecgi)),
            serving_network: Some(ServingNetwork(self.plmn)),
            indication: Some(Indication::new()),
            pgw_s5c_fteid: Some(Fteid::new(InterfaceType::S5_S8_PGW_GTP_C, Teid(0), pgw)),
            selection_mode: Some(SelectionMode::SUBSCRIPTION_VERIFIED),
            pdn_type: Some(PdnType::IPV4),
            paa: Some(Paa::V4([0, 0, 0, 0].into())),
            max_apn_restriction: Some(ApnRestriction::NONE),
            ambr: Some(Ambr {
                uplink: 1_000_000,
                downlink: 1_000_000,
            }),
            pco: Some(pco),
            ue_time_zone: Some(UeTimeZone {
                time_zone: 0,
                daylight_saving: 0,
            }),
            ..CreateSessionRequest::new(RatType::EUTRAN, mme_s11, self.apn.clone(), vec![bearer])
        })
    }

    /// As our MME asks. Two sessions must not have one tunnel.
    fn modify_bearer(&self) -> ModifyBearerRequest {
        let enb: IpAddr = ReferencePoint::S1u.address(Node::Enb).into();
        let enb_s1u = Fteid::new(InterfaceType::S1U_ENB_GTP_U, Teid(self.next_sequence), enb);
        ModifyBearerRequest {
            bearer_contexts: vec![BearerContextToBeModified {
                enb_s1u_fteid: Some(enb_s1u),
                ..BearerContextToBeModified::new(BEARER)
            }],
            ..ModifyBearerRequest::new()
        }
    }
}
