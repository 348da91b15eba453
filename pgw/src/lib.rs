//! The brain of a P-GW (TS 23.401 §4.4.3.3), without I/O: it gives UEs their addresses, and joins S5-U to SGi.
//!
//! ```text
//!  S-GW ══S5-C══╗                     create_session  modify_bearer  delete_session  delete_bearer
//!               ║ P-GW                pool: the addresses of UEs
//!  S-GW ══S5-U══╩══ TUN ── SGi        rules for the user plane, events for routes
//! ```
#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod config;
mod create_session;
mod delete_bearer;
mod delete_session;
mod metrics;
mod modify_bearer;
mod peers;
mod pool;
mod restore;
mod session;
#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use epc_codec::gtpv2c::{CauseValue, Message, RestartCounter};
use epc_codec::{Imsi, Teid};
use epc_node::config::allows;
use epc_node::gtpc::{Asked, Endpoint, Incoming};
use epc_node::paths::PathId;
use epc_node::sessions::Sessions;
use epc_node::store::{Counting, Key, Kind};
use epc_node::{
    Boot, Holdings, Interface, Node, Output, Outputs, Quota, Rule, TeidAllocator, Then, UeAddress, WallClock,
    gtpu,
};
use tracing::{debug, info};

pub use config::Config;
use pool::Addresses;
use session::{Session, State};

/// What an operator asks of the P-GW.
#[derive(Debug, Clone)]
pub enum Command {
    /// Take another configuration; the addresses to bind stay.
    Reload(Box<Config>),
    /// End every PDN connection of a subscriber, TS 23.401 §5.4.4.1.
    Detach(Imsi),
    /// Delete every session at its S-GW and take no more.
    Shutdown,
}

/// What the outside world should do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Packets for this UE are to come to the TUN device.
    SessionUp {
        /// Whose.
        imsi: Imsi,
        /// Its addresses.
        ue: UeAddress,
    },
    /// They need not any more.
    SessionDown {
        /// Whose.
        imsi: Imsi,
        /// Its addresses.
        ue: UeAddress,
    },
}

/// The brain.
#[derive(Debug)]
pub struct Pgw {
    config: Config,
    gtpc: Endpoint<Pending>,
    gtpu: gtpu::Endpoint,
    sessions: Sessions<Session>,
    /// Sessions by the S-GW that asked for them.
    quota: Quota,
    addresses: Addresses,
    control_teids: TeidAllocator,
    user_teids: TeidAllocator,
    charging_ids: Counting,
    clock: WallClock,
    /// What is kept of the generations of TEIDs.
    kept_generations: (u16, u16),
    out: Outputs<Event>,
    shutting_down: bool,
}

/// What a request of ours was sent for.
#[derive(Debug)]
enum Pending {
    /// The S-GW is asked to delete.
    DeleteBearer { session: Teid },
}

impl Pgw {
    /// A P-GW without sessions.
    pub fn new(config: Config, boot: Boot, _now: Instant) -> Pgw {
        let local = vec![(Interface::S5u, config.local_addresses.s5u_ip)];
        let mut addresses = Addresses::new(&config.pools(), config.ue_pools.is_empty());
        let ours = &config.local_addresses;
        let own = [Some(ours.s5c_ip), Some(ours.s5u_ip), ours.sgi_ip];
        own.into_iter()
            .flatten()
            .for_each(|own| addresses.keep_from_ues(own));
        Pgw {
            gtpc: Endpoint::new(&config.gtp_c, boot.restart_counter),
            gtpu: gtpu::Endpoint::new(&config.gtp_c, local),
            addresses,
            config,
            sessions: Sessions::new(boot.control_teid_key),
            quota: Quota::default(),
            control_teids: TeidAllocator::new(boot.control_teid_key),
            user_teids: TeidAllocator::new(boot.user_teid_key),
            charging_ids: Counting::new(Kind::ChargingIds, 1, u32::MAX),
            clock: boot.clock,
            kept_generations: (0, 0),
            out: Outputs::default(),
            shutting_down: false,
        }
    }

    /// What is missing to serve. A P-GW needs nobody: S-GWs come with their sessions.
    pub fn readiness(&self) -> Vec<String> {
        if self.shutting_down {
            vec!["shutting down".to_owned()]
        } else {
            Vec::new()
        }
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
            addresses: self.addresses.in_use(),
            requests,
            answers,
            others: 0,
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
                continuation: Pending::DeleteBearer { session },
                ..
            } => {
                delete_bearer::finish(self, session, true, now);
            }
            Incoming::NoResponse {
                continuation: Pending::DeleteBearer { session },
                ..
            } => {
                delete_bearer::finish(self, session, false, now);
            }
            // It gives up nothing that it goes on with.
            Incoming::Late { .. } => {}
            Incoming::Path { path, change } => peers::path_changed(self, path, change, now),
        }
    }

    fn request(&mut self, asked: Asked, message: Message, now: Instant) {
        match message {
            Message::CreateSessionRequest(request) => create_session::handle(self, asked, &request, now),
            Message::ModifyBearerRequest(request) => modify_bearer::handle(self, asked, &request, now),
            Message::DeleteSessionRequest(request) => delete_session::handle(self, asked, &request, now),
            _ => {
                debug!(peer = %asked.from, request = %asked.header.message_type, "request not served");
                let teid = self.peer_teid(&asked);
                self.refuse(&asked, teid, CauseValue::SERVICE_NOT_SUPPORTED, now);
            }
        }
    }

    /// The session that a request may act on: it names it by its TEID, and comes from its S-GW.
    fn session_of(&self, asked: &Asked) -> Option<&Session> {
        let session = self.sessions.get(asked.teid())?;
        (session.state == State::Active && session.sgw_s5c.ip() == asked.from.ip()).then_some(session)
    }

    /// The TEID to put into an answer to this request: what the S-GW gave out, 0 if the session is not its own.
    fn peer_teid(&self, asked: &Asked) -> Teid {
        let session = self.sessions.get(asked.teid());
        let own = session.filter(|session| session.sgw_s5c.ip() == asked.from.ip());
        own.map_or(Teid(0), |session| session.sgw_s5c.teid)
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

    /// Whether an S-GW may open a session, in place of another one if there is one.
    fn has_room(&self, sgw: IpAddr, replaced: Option<&Session>) -> bool {
        let replaced_own =
            replaced.is_some_and(|session| self.quota.opener(session.teid, session.sgw_s5c.ip()) == sgw);
        let others = self.sessions.len() - usize::from(replaced.is_some());
        let others_of_sgw = self.quota.of(sgw) - usize::from(replaced_own);
        !self.shutting_down && others < self.config.max_sessions && others_of_sgw < self.config.quota()
    }

    /// From now on nothing passes for this session, and its address goes back to the pool.
    fn close(&mut self, teid: Teid) {
        let Some(session) = self
            .sessions
            .get_mut(teid)
            .filter(|session| session.state == State::Active)
        else {
            return;
        };
        session.state = State::Deleting;
        let (imsi, ue) = (session.imsi, session.ue);
        self.keep(teid);
        let Some(session) = self.sessions.get(teid) else {
            return;
        };
        self.out.rule(Rule::StopReceiving {
            teid: session.s5u_teid,
        });
        self.out.rule(Rule::StopSending { ue });
        self.out.event(Event::SessionDown { imsi, ue });
        self.give_back(ue);
        self.gtpc.metrics.active_sessions.dec();
        self.gtpc.metrics.active_bearers.dec();
    }

    /// From now on packets pass for this session.
    fn open(&mut self, teid: Teid) {
        let Some(session) = self.sessions.get(teid) else {
            return;
        };
        let (ue, sgw_s5u) = (session.ue, session.sgw_s5u);
        self.out.rule(Rule::Receive {
            teid: session.s5u_teid,
            on: Interface::S5u,
            from: Some(sgw_s5u.ip()),
            then: Then::Deliver { ue },
        });
        self.out.rule(Rule::Send {
            ue,
            on: Interface::S5u,
            to: sgw_s5u.address,
            teid: sgw_s5u.teid,
        });
    }

    /// Puts a session that changed into the session store.
    fn keep(&mut self, teid: Teid) {
        if let Some(session) = self.sessions.get(teid) {
            self.out.keep(session.key(), || session);
        }
    }

    fn give_back(&mut self, ue: UeAddress) {
        if let Some(ipv4) = ue.ipv4 {
            self.addresses.give_back_ipv4(ipv4);
        }
        if let Some(ipv6) = ue.ipv6 {
            self.addresses.give_back_ipv6(ipv6);
        }
    }

    /// Closes a session if that is not done yet, and forgets it.
    fn forget(&mut self, teid: Teid) -> Option<Session> {
        self.close(teid);
        let session = self.sessions.remove(teid)?;
        self.quota.close(teid, session.sgw_s5c.ip());
        self.out.forget(session.key());
        self.gtpu
            .disconnect((Interface::S5u, session.sgw_s5u.ip()), &mut self.gtpc.metrics);
        self.control_teids.free(session.teid);
        self.user_teids.free(session.s5u_teid);
        Some(session)
    }

    fn drain(&mut self, now: Instant) {
        while let Some(incoming) = self.gtpc.pop() {
            self.act(incoming, now);
        }
        while let Some(incoming) = self.gtpu.pop() {
            peers::user_plane(self, incoming, now);
        }
        if self.shutting_down {
            delete_bearer::of_all(self, now);
        }
        self.gtpc.keep_peers(&mut self.out);
        let generations = (self.control_teids.generation(), self.user_teids.generation());
        if generations != self.kept_generations {
            self.kept_generations = generations;
            self.out.keep(Key::only(Kind::Teids), || generations);
        }
    }
}

impl Node for Pgw {
    type Command = Command;
    type Event = Event;

    fn handle_datagram(&mut self, on: Interface, from: SocketAddr, datagram: &[u8], now: Instant) {
        if !allows(&self.config.sgw_networks, from.ip()) {
            debug!(%from, interface = %on, "message of a stranger");
            return self.gtpc.metrics.discarded("stranger");
        }
        match on {
            Interface::S5c => self.gtpc.receive(on, from, datagram, now, &mut self.out),
            Interface::S5u => {
                self.gtpu
                    .receive(on, from, datagram, now, &mut self.gtpc.metrics, &mut self.out);
            }
            Interface::S1Mme | Interface::S11 | Interface::S1u => {}
        }
        self.drain(now);
    }

    fn handle_command(&mut self, command: Command, now: Instant) {
        match command {
            Command::Reload(config) => {
                self.gtpc.reconfigure(&config.gtp_c);
                self.gtpu.reconfigure(&config.gtp_c);
                let any_may_be_asked_for = config.ue_pools.is_empty();
                if (config.pools(), any_may_be_asked_for)
                    != (self.config.pools(), self.config.ue_pools.is_empty())
                {
                    self.addresses.reconfigure(&config.pools(), any_may_be_asked_for);
                }
                self.config = Config {
                    local_addresses: self.config.local_addresses.clone(),
                    ..*config
                };
                delete_bearer::of_barred(self, now);
                info!("configuration reloaded");
            }
            Command::Detach(imsi) => delete_bearer::of_subscriber(self, imsi, now),
            Command::Shutdown => {
                self.shutting_down = true;
                info!(sessions = self.sessions.len(), "shutting down");
            }
        }
        self.drain(now);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.gtpc.timeout(now, &mut self.out);
        self.gtpu.timeout(now, &mut self.gtpc.metrics, &mut self.out);
        self.drain(now);
    }

    fn poll_output(&mut self) -> Option<Output<Event>> {
        self.out.pop()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.gtpc.poll_timeout(), self.gtpu.poll_timeout()]
            .into_iter()
            .flatten()
            .min()
    }
}
