//! The brain of an S-GW (TS 23.401 §4.4.3.2), without I/O: it joins S11 to S5-C and S1-U to S5-U.
//!
//! ```text
//!  MME ══S11══╗       ╔══S5-C══ P-GW      create_session  modify_bearer  delete_session
//!             ║ S-GW  ║                   delete_bearer   release_access_bearers
//!  eNB ══S1-U═╝       ╚══S5-U══ P-GW      rules for the user plane
//! ```
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod config;
mod create_session;
mod delete_bearer;
mod delete_session;
mod metrics;
mod modify_bearer;
mod peers;
mod release_access_bearers;
mod restore;
mod session;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use epc_codec::gtpv2c::{CauseValue, Message, RestartCounter};
use epc_codec::{Ebi, Error, Imsi, Teid};
use epc_node::config::allows;
use epc_node::gtpc::{Asked, Endpoint, Incoming, RequestKey};
use epc_node::paths::PathId;
use epc_node::sessions::Sessions;
use epc_node::store::{Key, Kind};
use epc_node::{
    Boot, Holdings, Interface, Node, Output, Outputs, Peer, Quota, Rule, TeidAllocator, Then, Timers,
    WallClock, gtpu,
};
use tracing::{debug, info};

pub use config::Config;
use restore::Doubt;
use session::{Session, State};

/// What an operator asks of the S-GW.
#[derive(Debug, Clone)]
pub enum Command {
    /// Take another configuration; the addresses stay.
    Reload(Box<Config>),
    /// Delete every session at its peers and take no more.
    Shutdown,
}

/// The S-GW has nothing to tell the outside world that its metrics do not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {}

/// The brain.
#[derive(Debug)]
pub struct Sgw {
    config: Config,
    gtpc: Endpoint<Pending>,
    gtpu: gtpu::Endpoint,
    sessions: Sessions<Session>,
    /// Sessions by the MME that asked for them.
    quota: Quota,
    control_teids: TeidAllocator,
    user_teids: TeidAllocator,
    /// Requests for sessions that were given up, by the bearer, until it is known whether the P-GW made one.
    given_up: HashMap<(Imsi, Ebi), RequestKey>,
    clock: WallClock,
    /// Sessions whose MME has not said yet where the eNB takes packets.
    setups: Timers<Teid>,
    /// Sessions for which an earlier incarnation asked a P-GW without hearing its answer.
    doubtful: HashMap<Teid, Doubt>,
    /// What is kept of the generations of TEIDs.
    kept_generations: (u16, u16),
    out: Outputs<Event>,
    shutting_down: bool,
}

/// What a request of ours was sent for.
#[derive(Debug)]
enum Pending {
    /// The P-GW is asked for a session that an MME asked for.
    CreateSession {
        session: Teid,
        bearer: (Imsi, Ebi),
        asked: Asked,
    },
    /// The P-GW is asked once more for a session that nobody wants any more, so as to learn how to delete it.
    DoubtfulSession { session: Teid },
    /// The P-GW is asked to delete; the MME waits for its answer, if it asked.
    DeleteSession { session: Teid, asked: Option<Asked> },
    /// The MME is asked to delete; the P-GW waits for its answer, if it asked.
    DeleteBearer { session: Teid, asked: Option<Asked> },
}

impl Sgw {
    /// An S-GW without sessions.
    pub fn new(config: Config, boot: Boot, _now: Instant) -> Sgw {
        let local = vec![
            (Interface::S1u, config.local_addresses.s1u_ip),
            (Interface::S5u, config.local_addresses.s5u_ip),
        ];
        Sgw {
            gtpc: Endpoint::new(&config.gtp_c, boot.restart_counter),
            gtpu: gtpu::Endpoint::new(&config.gtp_c, local),
            config,
            sessions: Sessions::new(boot.control_teid_key),
            quota: Quota::default(),
            control_teids: TeidAllocator::new(boot.control_teid_key),
            user_teids: TeidAllocator::new(boot.user_teid_key),
            given_up: HashMap::new(),
            clock: boot.clock,
            setups: Timers::default(),
            doubtful: HashMap::new(),
            kept_generations: (0, 0),
            out: Outputs::default(),
            shutting_down: false,
        }
    }

    /// What is missing to serve: the P-GWs that have sessions here must answer. MMEs come by themselves.
    pub fn readiness(&self) -> Vec<String> {
        if self.shutting_down {
            return vec!["shutting down".to_owned()];
        }
        let s5c = self.s5c();
        let of_pgw = |address| {
            self.sessions
                .iter()
                .any(|session| session.pgw_s5c.ip() == address)
        };
        let silent = self
            .gtpc
            .paths()
            .iter()
            .filter(|((on, peer), up)| *on == s5c && *up == Some(false) && of_pgw(*peer));
        let mut missing: Vec<String> = silent
            .map(|((_, peer), _)| format!("P-GW {peer} does not answer on S5-C"))
            .collect();
        // S1-U may share the socket: an eNB that is silent is no concern of an S-GW.
        let is_pgws = |peer: &IpAddr| {
            let mut sessions = self.sessions.iter();
            sessions.any(|session| session.pgw_s5u.is_some_and(|pgw| pgw.ip() == *peer))
        };
        let silent = self.gtpu.silent(self.s5u()).filter(is_pgws);
        missing.extend(silent.map(|peer| format!("P-GW {peer} does not answer on S5-U")));
        missing
    }

    /// Whether a shutdown has nothing left to do.
    pub fn is_drained(&self) -> bool {
        self.shutting_down && self.sessions.is_empty() && self.gtpc.is_idle()
    }

    /// What it holds.
    pub fn holdings(&self) -> Holdings {
        let (requests, answers) = self.gtpc.transactions();
        Holdings {
            sessions: self.sessions.len(),
            user_teids: self.user_teids.in_use(),
            control_teids: self.control_teids.in_use(),
            addresses: 0,
            requests,
            answers,
            others: self.given_up.len(),
        }
    }

    /// S5-C, or S11 where both share an address and so a socket.
    fn s5c(&self) -> Interface {
        let addresses = &self.config.local_addresses;
        if addresses.s5c_ip == addresses.s11_ip {
            Interface::S11
        } else {
            Interface::S5c
        }
    }

    /// S5-U, or S1-U where both share an address and so a socket.
    fn s5u(&self) -> Interface {
        let addresses = &self.config.local_addresses;
        if addresses.s5u_ip == addresses.s1u_ip {
            Interface::S1u
        } else {
            Interface::S5u
        }
    }

    fn act(&mut self, incoming: Incoming<Pending>, now: Instant) {
        match incoming {
            Incoming::Request { asked, message } => self.request(asked, message, now),
            Incoming::Faulty { asked, error } => {
                let teid = self.peer_teid(&asked);
                self.gtpc.refuse_faulty(&asked, teid, &error, now, &mut self.out);
            }
            Incoming::Response {
                from,
                message,
                continuation,
                ..
            } => self.response(continuation, Some((from.ip(), message)), now),
            Incoming::NoResponse {
                unanswered,
                continuation,
            } => {
                if let Pending::CreateSession { bearer, .. } = &continuation
                    && let Some(request) = self.gtpc.go_on(unanswered, now, &mut self.out)
                {
                    self.given_up.insert(*bearer, request);
                }
                self.response(continuation, None, now);
            }
            Incoming::Late { request, message } => create_session::late(self, request, message, now),
            Incoming::Path { path, change } => peers::path_changed(self, path, change, now),
        }
    }

    fn request(&mut self, asked: Asked, message: Message, now: Instant) {
        let from_mme = asked.on == Interface::S11 && allows(&self.config.mme_networks, asked.from.ip());
        let from_pgw = asked.on == self.s5c();
        match message {
            Message::CreateSessionRequest(request) if from_mme => {
                create_session::start(self, asked, *request, now)
            }
            Message::ModifyBearerRequest(request) if from_mme => {
                modify_bearer::handle(self, asked, &request, now)
            }
            Message::DeleteSessionRequest(request) if from_mme => {
                delete_session::start(self, asked, &request, now)
            }
            Message::ReleaseAccessBearersRequest(_) if from_mme => {
                release_access_bearers::handle(self, asked, now)
            }
            Message::DeleteBearerRequest(request) if from_pgw => {
                delete_bearer::start(self, asked, *request, now)
            }
            _ => {
                debug!(peer = %asked.from, request = %asked.header.message_type, "request not served");
                let teid = self.peer_teid(&asked);
                self.refuse(&asked, teid, CauseValue::SERVICE_NOT_SUPPORTED, now);
            }
        }
    }

    /// A response came to what we asked for; `None` if it never came.
    fn response(
        &mut self,
        pending: Pending,
        message: Option<(IpAddr, Result<Message, Error>)>,
        now: Instant,
    ) {
        match pending {
            Pending::CreateSession { session, asked, .. } => {
                let response = match message {
                    Some((from, Ok(Message::CreateSessionResponse(response)))) => Ok((from, *response)),
                    Some(_) => Err(CauseValue::INVALID_REPLY_FROM_REMOTE_PEER),
                    None => Err(CauseValue::REMOTE_PEER_NOT_RESPONDING),
                };
                create_session::finish(self, session, asked, response, now);
            }
            Pending::DoubtfulSession { session } => {
                let response = match message {
                    Some((_, Ok(Message::CreateSessionResponse(response)))) => Some(*response),
                    _ => None,
                };
                restore::clear_up(self, session, response, now);
            }
            Pending::DeleteSession { session, asked } => {
                delete_session::finish(self, session, asked, message.is_some(), now)
            }
            Pending::DeleteBearer { session, asked } => {
                let response = match message {
                    Some((_, Ok(Message::DeleteBearerResponse(response)))) => Some(*response),
                    _ => None,
                };
                delete_bearer::finish(self, session, asked, response, now);
            }
        }
    }

    /// The session that a request names by its TEID, if it comes from the session's MME.
    fn session_of_mme(&self, asked: &Asked) -> Option<&Session> {
        let session = self.sessions.get(asked.teid())?;
        let by_mme = asked.on == Interface::S11 && asked.from.ip() == session.mme_s11.ip();
        (session.state == State::Active && by_mme).then_some(session)
    }

    /// The same, if it comes from the session's P-GW.
    fn session_of_pgw(&self, asked: &Asked) -> Option<&Session> {
        let session = self.sessions.get(asked.teid())?;
        let by_pgw = asked.on == self.s5c() && asked.from.ip() == session.pgw_s5c.ip();
        (session.state == State::Active && by_pgw).then_some(session)
    }

    /// The TEID to put into an answer to this request: what the peer gave out, 0 if the session is not its own.
    fn peer_teid(&self, asked: &Asked) -> Teid {
        let Some(session) = self.sessions.get(asked.teid()) else {
            return Teid(0);
        };
        match asked.from.ip() {
            mme if asked.on == Interface::S11 && mme == session.mme_s11.ip() => session.mme_s11.teid,
            pgw if asked.on == self.s5c() && pgw == session.pgw_s5c.ip() => session.pgw_s5c.teid,
            _ => Teid(0),
        }
    }

    /// Whether a peer at this address may speak on this interface.
    fn admits(&self, on: Interface, peer: IpAddr) -> bool {
        let config = &self.config;
        match on {
            Interface::S11 if self.s5c() == Interface::S11 => {
                allows(&config.mme_networks, peer) || allows(&config.pgw_networks, peer)
            }
            Interface::S11 => allows(&config.mme_networks, peer),
            Interface::S1u if self.s5u() == Interface::S1u => {
                allows(&config.enb_networks, peer) || allows(&config.pgw_networks, peer)
            }
            Interface::S1u => allows(&config.enb_networks, peer),
            Interface::S5c | Interface::S5u => allows(&config.pgw_networks, peer),
            Interface::S1Mme => false,
        }
    }

    fn refuse(&mut self, asked: &Asked, teid: Teid, cause: CauseValue, now: Instant) {
        self.gtpc.refuse(asked, teid, cause, None, now, &mut self.out);
    }

    /// A peer that is named in a message from `from` told its restart counter: what it lost goes before what it asks for.
    fn heard_from(
        &mut self,
        from: IpAddr,
        path: PathId,
        restart_counter: Option<RestartCounter>,
        now: Instant,
    ) {
        if let Some(change) = self.gtpc.heard_from(from, path, restart_counter, now) {
            peers::path_changed(self, path, change, now);
        }
    }

    /// Whether an MME may open a session, in place of another one if there is one.
    fn has_room(&self, mme: IpAddr, replaced: Option<&Session>) -> bool {
        let replaced_own =
            replaced.is_some_and(|session| self.quota.opener(session.teid, session.mme_s11.ip()) == mme);
        let others = self.sessions.len() - usize::from(replaced.is_some());
        let others_of_mme = self.quota.of(mme) - usize::from(replaced_own);
        !self.shutting_down && others < self.config.max_sessions && others_of_mme < self.config.quota()
    }

    /// Its tunnels forward between the P-GW and the eNB; what is for an eNB that is not known waits. Uplink packets may
    /// then come from any eNB that the UE shows up at.
    fn open_tunnels(&mut self, teid: Teid) {
        let s5u = self.s5u();
        let Some(session) = self.sessions.get(teid) else {
            return;
        };
        let Some(pgw_s5u) = session.pgw_s5u else { return };
        let enb_s1u = session.enb_s1u;
        let relay = |on, to: Peer| Then::Relay {
            on,
            to: to.address,
            teid: to.teid,
        };
        self.out.rule(Rule::Receive {
            teid: session.s1u_teid,
            on: Interface::S1u,
            from: enb_s1u.map(|enb| enb.ip()),
            // Until it is known from where they may come, uplink packets wait as well.
            then: enb_s1u.map_or(Then::Hold, |_| relay(s5u, pgw_s5u)),
        });
        self.out.rule(Rule::Receive {
            teid: session.s5u_teid,
            on: s5u,
            from: Some(pgw_s5u.ip()),
            then: enb_s1u.map_or(Then::Hold, |enb| relay(Interface::S1u, enb)),
        });
    }

    /// Its eNB is not its any more: downlink packets are held until the MME says where the UE is.
    fn release_enb(&mut self, teid: Teid) {
        let before = self
            .sessions
            .change(teid, |session| session.enb_s1u.take())
            .flatten();
        self.disconnect(Interface::S1u, before);
        self.keep(teid);
        self.open_tunnels(teid);
    }

    /// From now on its tunnels forward nothing.
    fn close_tunnels(&mut self, teid: Teid) {
        let Some(session) = self.sessions.get(teid) else {
            return;
        };
        self.out.rule(Rule::StopReceiving {
            teid: session.s1u_teid,
        });
        self.out.rule(Rule::StopReceiving {
            teid: session.s5u_teid,
        });
    }

    /// Forgets a session whose tunnels are closed.
    fn forget(&mut self, teid: Teid) -> Option<Session> {
        let session = self.sessions.remove(teid)?;
        self.quota.close(teid, session.mme_s11.ip());
        self.doubtful.remove(&teid);
        self.out.forget(session.key());
        self.disconnect(Interface::S1u, session.enb_s1u);
        self.disconnect(self.s5u(), session.pgw_s5u);
        self.control_teids.free(session.teid);
        self.user_teids.free(session.s1u_teid);
        self.user_teids.free(session.s5u_teid);
        self.count(session.state, None);
        Some(session)
    }

    /// Packets of this session go to this eNB from now on.
    fn set_enb_s1u(&mut self, teid: Teid, enb_s1u: Peer, now: Instant) {
        self.gtpu.connect((Interface::S1u, enb_s1u.ip()), now);
        let before = self
            .sessions
            .change(teid, |session| session.enb_s1u.replace(enb_s1u))
            .flatten();
        self.disconnect(Interface::S1u, before);
    }

    fn disconnect(&mut self, on: Interface, peer: Option<Peer>) {
        if let Some(peer) = peer {
            self.gtpu.disconnect((on, peer.ip()), &mut self.gtpc.metrics);
        }
    }

    fn set_state(&mut self, teid: Teid, state: State) {
        let Some(session) = self.sessions.get_mut(teid) else {
            return;
        };
        let before = std::mem::replace(&mut session.state, state);
        self.count(before, Some(state));
        self.keep(teid);
    }

    /// Puts a session that changed into the session store.
    fn keep(&mut self, teid: Teid) {
        if let Some(session) = self.sessions.get(teid) {
            self.out
                .keep(session.key(), || restore::Record { session, asked: None });
        }
    }

    fn count(&self, before: State, after: Option<State>) {
        let change = i64::from(after == Some(State::Active)) - i64::from(before == State::Active);
        self.gtpc.metrics.active_sessions.inc_by(change);
        self.gtpc.metrics.active_bearers.inc_by(change);
    }

    fn drain(&mut self, now: Instant) {
        while let Some(incoming) = self.gtpc.pop() {
            self.act(incoming, now);
        }
        while let Some(incoming) = self.gtpu.pop() {
            peers::user_plane(self, incoming, now);
        }
        if self.shutting_down {
            peers::delete_all(self, now);
        }
        self.gtpc.keep_peers(&mut self.out);
        let generations = (self.control_teids.generation(), self.user_teids.generation());
        if generations != self.kept_generations {
            self.kept_generations = generations;
            self.out.keep(Key::only(Kind::Teids), || generations);
        }
    }
}

impl Node for Sgw {
    type Command = Command;
    type Event = Event;

    fn handle_datagram(&mut self, on: Interface, from: SocketAddr, datagram: &[u8], now: Instant) {
        if !self.admits(on, from.ip()) {
            debug!(%from, interface = %on, "message of a stranger");
            return self.gtpc.metrics.discarded("stranger");
        }
        match on {
            Interface::S11 | Interface::S5c => self.gtpc.receive(on, from, datagram, now, &mut self.out),
            Interface::S1u | Interface::S5u => {
                self.gtpu
                    .receive(on, from, datagram, now, &mut self.gtpc.metrics, &mut self.out);
            }
            Interface::S1Mme => {}
        }
        self.drain(now);
    }

    fn handle_command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Reload(config) => {
                self.gtpc.reconfigure(&config.gtp_c);
                self.gtpu.reconfigure(&config.gtp_c);
                self.config = Config {
                    local_addresses: self.config.local_addresses.clone(),
                    ..*config
                };
                info!("configuration reloaded");
            }
            Command::Shutdown => {
                self.shutting_down = true;
                info!(sessions = self.sessions.len(), "shutting down");
                restore::ask_for_all(self, now);
            }
        }
        self.drain(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.gtpc.timeout(now, &mut self.out);
        self.gtpu.timeout(now, &mut self.gtpc.metrics, &mut self.out);
        while let Some(session) = self.setups.pop_due(now) {
            create_session::supervise(self, session, now);
        }
        self.drain(now);
    }

    fn poll_output(&mut self) -> Option<Output<Event>> {
        self.out.pop()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [
            self.gtpc.poll_timeout(),
            self.gtpu.poll_timeout(),
            self.setups.next(),
        ]
        .into_iter()
        .flatten()
        .min()
    }
}
