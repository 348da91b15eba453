//! Four brains, one virtual clock, and a network with weather: it loses, doubles and reorders by a seed.
//!
//! The user plane of each node is a table of the rules that are in force, so that a test can follow a packet through
//! the tunnels that the nodes agreed upon.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use crate::fuzz;
use enb::Enb;
use epc_codec::{Imsi, Teid, gtpv1u, gtpv2c, s1ap};
use epc_node::store::{Change, Key, Kind, Records};
use epc_node::{Boot, Holdings, Interface, Node, Output, Rule, TeidKey, Then, UeAddress, WallClock};
use mme::Mme;
use pgw::Pgw;
use prometheus_client::registry::Registry;
use sgw::Sgw;

pub(crate) const ENB: &str = "192.0.2.1";
pub(crate) const MME: &str = "192.0.2.2";
pub(crate) const SGW: &str = "192.0.2.3";
pub(crate) const PGW: &str = "192.0.2.4";
pub(crate) const SECOND_SGW: &str = "192.0.2.5";
pub(crate) const SECOND_PGW: &str = "192.0.2.6";

/// Which node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Name {
    Enb,
    Mme,
    Sgw,
    Pgw,
    SecondSgw,
    SecondPgw,
}

/// One of each.
pub(crate) const NAMES: [Name; 4] = [Name::Enb, Name::Mme, Name::Sgw, Name::Pgw];
const SGWS: [Name; 2] = [Name::Sgw, Name::SecondSgw];
const PGWS: [Name; 2] = [Name::Pgw, Name::SecondPgw];

impl Name {
    fn address(self) -> &'static str {
        match self {
            Name::Enb => ENB,
            Name::Mme => MME,
            Name::Sgw => SGW,
            Name::Pgw => PGW,
            Name::SecondSgw => SECOND_SGW,
            Name::SecondPgw => SECOND_PGW,
        }
    }

    fn at(address: IpAddr) -> Option<Name> {
        let address = address.to_string();
        let all = NAMES.into_iter().chain([Name::SecondSgw, Name::SecondPgw]);
        all.into_iter().find(|name| name.address() == address)
    }
}

/// What the network does to datagrams, in percent, and how long they travel.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    pub(crate) loss: u64,
    pub(crate) doubled: u64,
    /// Up to so much later than others.
    pub(crate) jitter: Duration,
}

impl Weather {
    pub(crate) const FAIR: Weather = Weather {
        loss: 0,
        doubled: 0,
        jitter: Duration::ZERO,
    };
    pub(crate) const STORM: Weather = Weather {
        loss: 30,
        doubled: 10,
        jitter: Duration::from_millis(500),
    };
}

enum Brain {
    Enb(Box<Enb>),
    Mme(Box<Mme>),
    Sgw(Box<Sgw>),
    Pgw(Box<Pgw>),
}

/// Does the same to whichever brain it is.
macro_rules! each {
    ($brain:expr, $node:ident => $do:expr) => {
        match $brain {
            Brain::Enb($node) => $do,
            Brain::Mme($node) => $do,
            Brain::Sgw($node) => $do,
            Brain::Pgw($node) => $do,
        }
    };
}

/// The rules in force at one node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserPlane {
    pub(crate) receive: HashMap<Teid, (Interface, Option<IpAddr>, Then)>,
    pub(crate) send: HashMap<UeAddress, (SocketAddr, Teid)>,
}

/// A session store: what it was made with, and what was committed.
#[derive(Debug)]
pub(crate) struct Store {
    boot: Boot,
    pub(crate) records: BTreeMap<Key, Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct InFlight {
    at: Instant,
    number: u64,
    from: SocketAddr,
    to: SocketAddr,
    datagram: Vec<u8>,
}

pub(crate) struct Net {
    pub(crate) now: Instant,
    pub(crate) weather: Weather,
    random: Random,
    brains: BTreeMap<Name, Brain>,
    planes: BTreeMap<Name, UserPlane>,
    /// Datagrams to this port are lost between these two.
    pub(crate) severed: Option<(u16, [Name; 2])>,
    /// Of the nodes that have one.
    pub(crate) stores: BTreeMap<Name, Store>,
    /// Who will be killed, and after how many more of its outputs.
    doomed: Option<(Name, u64)>,
    starts: u8,
    in_flight: BinaryHeap<Reverse<InFlight>>,
    sent: u64,
    yaml: BTreeMap<Name, String>,
    /// What each node heard, as the fuzz target `node` takes it; not recorded otherwise.
    recorded: Option<BTreeMap<Name, (Instant, Vec<u8>)>>,
    /// What was said last, for the reader of a failed test.
    said: VecDeque<(Duration, SocketAddr, SocketAddr, Vec<u8>)>,
    started: Instant,
    /// What the eNB told: who has which address.
    pub(crate) sessions: BTreeMap<Imsi, UeAddress>,
}

impl Net {
    /// All four nodes, with `subscribers` at the eNB. Nothing was said yet.
    pub(crate) fn new(seed: u64, subscribers: u32) -> Net {
        let enb = format!(
            "{{mcc: '001', mnc: '01', rat_type: 6, tai: 1, eci: 1, local_addresses: {{s1c_ip: {ENB}, s1u_ip: {ENB}}},
              mme_addr: '{MME}:36412', subscriber_range: {{imsi: '001010000000001', count: {subscribers}, type: none}}}}"
        );
        let mme = format!(
            "{{mcc: '001', mnc: '01', apn: internet, local_addresses: {{s1c_addr: '{MME}:36412', s11_ip: {MME}}},
              sgw_s11_ip: {SGW}, pgw_s5c_ip: {PGW}}}"
        );
        let sgw = format!("local_addresses: {{s11_ip: {SGW}, s1u_ip: {SGW}, s5c_ip: {SGW}, s5u_ip: {SGW}}}");
        let pgw = format!("local_addresses: {{s5c_ip: {PGW}, s5u_ip: {PGW}}}");
        let yaml = BTreeMap::from([
            (Name::Enb, enb),
            (Name::Mme, mme),
            (Name::Sgw, sgw),
            (Name::Pgw, pgw),
        ]);
        let mut net = Net {
            now: Instant::now(),
            weather: Weather::FAIR,
            random: Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1),
            brains: BTreeMap::new(),
            planes: BTreeMap::new(),
            severed: None,
            stores: BTreeMap::new(),
            doomed: None,
            starts: 0,
            in_flight: BinaryHeap::new(),
            sent: 0,
            yaml,
            recorded: None,
            said: VecDeque::new(),
            started: Instant::now(),
            sessions: BTreeMap::new(),
        };
        for name in NAMES {
            net.start(name);
        }
        net
    }

    /// Two S-GWs and two P-GWs, of which the second ones get `weight` times as many sessions as the first.
    pub(crate) fn with_two_of_each(seed: u64, subscribers: u32, weight: u8) -> Net {
        let mut net = Net::new(seed, subscribers);
        let several = format!(
            "sgw_s11_ip: [{SGW}, {{address: {SECOND_SGW}, weight: {weight}}}],
              pgw_s5c_ip: [{PGW}, {{address: {SECOND_PGW}, weight: {weight}}}]"
        );
        let one = format!("sgw_s11_ip: {SGW}, pgw_s5c_ip: {PGW}");
        let mme = net.yaml[&Name::Mme].replace(&one, &several);
        let second = |yaml: &str, first: &str, second: &str| yaml.replace(first, second);
        let sgw = second(&net.yaml[&Name::Sgw], SGW, SECOND_SGW);
        let pgw = second(&net.yaml[&Name::Pgw], PGW, SECOND_PGW) + ", ue_pools: [10.61.0.0/16]";
        net.yaml.insert(Name::Mme, mme);
        net.yaml.insert(Name::SecondSgw, sgw);
        net.yaml.insert(Name::SecondPgw, format!("{{{pgw}}}"));
        for name in [Name::SecondSgw, Name::SecondPgw, Name::Mme] {
            net.start(name);
        }
        net
    }

    /// Two subscribers, and every node as the fuzz target `node` starts it; what they hear is recorded.
    pub(crate) fn recording() -> Net {
        let mut net = Net::new(1, 2);
        net.yaml = BTreeMap::from([
            (Name::Enb, fuzz::enb_yaml()),
            (Name::Mme, fuzz::mme_yaml()),
            (Name::Sgw, fuzz::sgw_yaml()),
            (Name::Pgw, fuzz::pgw_yaml()),
        ]);
        net.in_flight.clear();
        net.recorded = Some(NAMES.map(|name| (name, (net.now, vec![name as u8]))).into());
        for name in NAMES {
            net.start(name);
        }
        net
    }

    /// What each node heard.
    pub(crate) fn recorded(self) -> Vec<(Name, Vec<u8>)> {
        let recorded = self.recorded.into_iter().flatten();
        recorded.map(|(name, (_, octets))| (name, octets)).collect()
    }

    fn record(&mut self, name: Name, on: Interface, in_flight: &InFlight) {
        let Some(recorded) = &mut self.recorded else {
            return;
        };
        let Some((last, octets)) = recorded.get_mut(&name) else {
            return;
        };
        let sender = in_flight.from.ip().to_string();
        let how = fuzz::how(on, &sender, self.now - *last);
        *last = self.now;
        octets.push(how);
        octets.extend((in_flight.datagram.len() as u16).to_be_bytes());
        octets.extend(&in_flight.datagram);
    }

    /// The same, with session stores at the gateways.
    pub(crate) fn with_stores(seed: u64, subscribers: u32) -> Net {
        let mut net = Net::new(seed, subscribers);
        for name in [Name::Sgw, Name::Pgw] {
            let boot = net.boot();
            let records = BTreeMap::new();
            net.stores.insert(name, Store { boot, records });
            net.start(name);
        }
        net
    }

    fn boot(&mut self) -> Boot {
        self.starts += 1;
        Boot {
            clock: WallClock {
                at: self.started,
                unix_millis: 1_700_000_000_000,
            },
            restart_counter: self.starts,
            user_teid_key: TeidKey::new(std::array::from_fn(|_| self.random.next() as u32)),
            control_teid_key: TeidKey::new(std::array::from_fn(|_| self.random.next() as u32)),
        }
    }

    /// Kills a node after so many more of its outputs, and starts it again at once. The outputs that follow are lost, and
    /// the records with them if it is before the first output of an input.
    pub(crate) fn kill_amid(&mut self, name: Name, outputs: u64) {
        self.doomed = Some((name, outputs));
    }

    /// Whether [`Net::kill_amid`] has not happened yet.
    pub(crate) fn is_anybody_doomed(&self) -> bool {
        self.doomed.is_some()
    }

    /// Whether the node is killed here.
    fn is_killed(&mut self, name: Name) -> bool {
        match &mut self.doomed {
            Some((doomed, outputs)) if *doomed == name => match outputs.checked_sub(1) {
                Some(left) => *outputs = left,
                None => {
                    self.doomed = None;
                    self.start(name);
                    return true;
                }
            },
            _ => {}
        }
        false
    }

    /// Starts a node, as after kill -9 if it was running: it knows what its session store holds, if it has one, and its
    /// user plane is empty.
    pub(crate) fn start(&mut self, name: Name) {
        let store = self.stores.get(&name).map(|store| {
            let records = store.records.clone().into_iter().collect::<Records>();
            (store.boot.clone(), records)
        });
        let (boot, records) = match store {
            Some((boot, records)) => (boot, Some(records)),
            None if self.recorded.is_some() => (fuzz::boot(), None),
            None => (self.boot(), None),
        };
        let yaml = &self.yaml[&name];
        let now = self.now;
        let whole = "records that the node itself wrote";
        let brain = match (name, records) {
            (Name::Enb, _) => Brain::Enb(Box::new(Enb::new(parsed(yaml), boot, now))),
            (Name::Mme, _) => Brain::Mme(Box::new(Mme::new(parsed(yaml), boot, now))),
            (Name::Sgw | Name::SecondSgw, None) => Brain::Sgw(Box::new(Sgw::new(parsed(yaml), boot, now))),
            (Name::Pgw | Name::SecondPgw, None) => Brain::Pgw(Box::new(Pgw::new(parsed(yaml), boot, now))),
            (Name::Sgw | Name::SecondSgw, Some(records)) => {
                let sgw = Sgw::restored(parsed(yaml), boot, &records, now);
                Brain::Sgw(Box::new(sgw.expect(whole)))
            }
            (Name::Pgw | Name::SecondPgw, Some(records)) => {
                let pgw = Pgw::restored(parsed(yaml), boot, &records, now);
                Brain::Pgw(Box::new(pgw.expect(whole)))
            }
        };
        if name == Name::Enb {
            self.sessions.clear();
        }
        self.brains.insert(name, brain);
        self.planes.insert(name, UserPlane::default());
        self.drain(name);
    }

    /// Ends a node without a word.
    pub(crate) fn kill(&mut self, name: Name) {
        self.brains.remove(&name);
        self.planes.insert(name, UserPlane::default());
        if name == Name::Enb {
            self.sessions.clear();
        }
    }

    /// Gives the eNB other subscribers.
    pub(crate) fn reload_enb(&mut self, subscribers: u32) {
        let Some(yaml) = self.yaml.get_mut(&Name::Enb) else {
            return;
        };
        let start = yaml.find("count: ").expect("a range") + 7;
        let end = start + yaml[start..].find(',').expect("more keys");
        yaml.replace_range(start..end, &subscribers.to_string());
        let config = parsed(yaml);
        let now = self.now;
        if let Some(Brain::Enb(enb)) = self.brains.get_mut(&Name::Enb) {
            enb.handle_command(enb::Command::Reload(config), now);
        }
        self.drain(Name::Enb);
    }

    pub(crate) fn command_mme(&mut self, command: mme::Command) {
        let now = self.now;
        if let Some(Brain::Mme(mme)) = self.brains.get_mut(&Name::Mme) {
            mme.handle_command(command, now);
        }
        self.drain(Name::Mme);
    }

    pub(crate) fn command_pgw(&mut self, command: pgw::Command) {
        let now = self.now;
        if let Some(Brain::Pgw(pgw)) = self.brains.get_mut(&Name::Pgw) {
            pgw.handle_command(command, now);
        }
        self.drain(Name::Pgw);
    }

    pub(crate) fn shut_down(&mut self, name: Name) {
        let now = self.now;
        match self.brains.get_mut(&name) {
            Some(Brain::Enb(node)) => node.handle_command(enb::Command::Shutdown, now),
            Some(Brain::Mme(node)) => node.handle_command(mme::Command::Shutdown, now),
            Some(Brain::Sgw(node)) => node.handle_command(sgw::Command::Shutdown, now),
            Some(Brain::Pgw(node)) => node.handle_command(pgw::Command::Shutdown, now),
            None => {}
        }
        self.drain(name);
    }

    pub(crate) fn is_drained(&self, name: Name) -> bool {
        self.brains
            .get(&name)
            .is_none_or(|brain| each!(brain, node => node.is_drained()))
    }

    /// Lets time pass until `done`, `limit` at most; whether it was done in time.
    pub(crate) fn run_until(&mut self, limit: Duration, mut done: impl FnMut(&Net) -> bool) -> bool {
        let end = self.now + limit;
        let mut at_this_instant = 0;
        while !done(self) {
            let Some(next) = self.next_instant().filter(|next| *next <= end) else {
                self.now = end;
                return done(self);
            };
            at_this_instant = if next <= self.now { at_this_instant + 1 } else { 0 };
            assert!(
                at_this_instant < 1_000_000,
                "time stands still: {:?}",
                self.brains.keys()
            );
            self.now = self.now.max(next);
            self.step();
        }
        true
    }

    /// Lets time pass until `done` and no node contradicts another, `limit` at most. `case` tells which one it was that did not end so.
    #[track_caller]
    pub(crate) fn assert_agreed(&mut self, limit: Duration, case: impl Display, done: impl Fn(&Net) -> bool) {
        let agreed = self.run_until(limit, |net| done(net) && net.agreement().is_ok());
        assert!(
            agreed,
            "{case}: {} attached, {:?}\n{}",
            self.sessions.len(),
            self.agreement(),
            self.last_words()
        );
    }

    /// Lets so much time pass.
    pub(crate) fn run(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    fn next_instant(&self) -> Option<Instant> {
        let arrival = self.in_flight.peek().map(|Reverse(in_flight)| in_flight.at);
        let timers = self
            .brains
            .values()
            .filter_map(|brain| each!(brain, node => node.poll_timeout()));
        timers.chain(arrival).min()
    }

    fn step(&mut self) {
        while self
            .in_flight
            .peek()
            .is_some_and(|Reverse(in_flight)| in_flight.at <= self.now)
        {
            let Some(Reverse(in_flight)) = self.in_flight.pop() else {
                break;
            };
            self.deliver(in_flight);
        }
        let running: Vec<Name> = self.brains.keys().copied().collect();
        for name in running {
            let now = self.now;
            let Some(brain) = self.brains.get_mut(&name) else {
                continue;
            };
            if each!(brain, node => node.poll_timeout()).is_some_and(|at| at <= now) {
                each!(brain, node => node.handle_timeout(now));
                self.drain(name);
            }
        }
    }

    fn deliver(&mut self, in_flight: InFlight) {
        let Some(name) = Name::at(in_flight.to.ip()) else {
            return;
        };
        let on = match (name, in_flight.to.port()) {
            (Name::Enb | Name::Mme, 36412) => Interface::S1Mme,
            (Name::Mme | Name::Sgw | Name::SecondSgw, 2123) => Interface::S11,
            (Name::Pgw | Name::SecondPgw, 2123) => Interface::S5c,
            (Name::Enb | Name::Sgw | Name::SecondSgw, 2152) => Interface::S1u,
            (Name::Pgw | Name::SecondPgw, 2152) => Interface::S5u,
            _ => return,
        };
        let now = self.now;
        self.remember(&in_flight);
        self.record(name, on, &in_flight);
        let Some(brain) = self.brains.get_mut(&name) else {
            return;
        };
        each!(brain, node => node.handle_datagram(on, in_flight.from, &in_flight.datagram, now));
        self.drain(name);
    }

    /// Does what the brain wants done: records, then the rest in order.
    fn drain(&mut self, name: Name) {
        let outputs = self.outputs(name);
        if outputs.is_empty() || self.is_killed(name) {
            return;
        }
        if let Some(store) = self.stores.get_mut(&name) {
            for output in &outputs {
                let Output::Record(Change { key, record }) = output else {
                    continue;
                };
                match record {
                    Some(record) => drop(store.records.insert(*key, record.clone())),
                    None => drop(store.records.remove(key)),
                }
            }
        }
        for output in outputs {
            if self.is_killed(name) {
                return;
            }
            match output {
                Output::Rule(rule) => self.rule(name, rule),
                Output::Transmit { on, to, datagram } => {
                    let address = name.address().parse().expect("an address");
                    self.send(SocketAddr::new(address, on.port()), to, datagram);
                }
                Output::Record(_) | Output::Event(()) => {}
            }
        }
    }

    fn outputs(&mut self, name: Name) -> Vec<Output<()>> {
        fn all<N: Node>(node: &mut N, mut event: impl FnMut(&N::Event)) -> Vec<Output<()>> {
            let outputs = std::iter::from_fn(|| node.poll_output());
            outputs
                .map(|output| {
                    if let Output::Event(told) = &output {
                        event(told);
                    }
                    without_event(output)
                })
                .collect()
        }
        match self.brains.get_mut(&name) {
            Some(Brain::Enb(node)) => all(&mut **node, |event| remember(&mut self.sessions, event)),
            Some(Brain::Mme(node)) => all(&mut **node, |_| {}),
            Some(Brain::Sgw(node)) => all(&mut **node, |_| {}),
            Some(Brain::Pgw(node)) => all(&mut **node, |_| {}),
            None => Vec::new(),
        }
    }

    fn rule(&mut self, name: Name, rule: Rule) {
        let plane = self.planes.entry(name).or_default();
        match rule {
            Rule::Receive { teid, on, from, then } => {
                plane.receive.insert(teid, (on, from, then));
            }
            Rule::StopReceiving { teid } => {
                plane.receive.remove(&teid);
            }
            Rule::Send { ue, to, teid, .. } => {
                plane.send.insert(ue, (to, teid));
            }
            Rule::StopSending { ue } => {
                plane.send.remove(&ue);
            }
        }
    }

    fn send(&mut self, from: SocketAddr, to: SocketAddr, datagram: Vec<u8>) {
        let Weather {
            loss,
            doubled,
            jitter,
        } = self.weather;
        if self.random.percent(loss) || self.is_severed(from, to) {
            return;
        }
        let copies = if self.random.percent(doubled) { 2 } else { 1 };
        for _ in 0..copies {
            let later = match jitter.as_micros() as u64 {
                0 => 0,
                jitter => self.random.next() % jitter,
            };
            let at = self.now + Duration::from_micros(100 + later);
            self.sent += 1;
            let in_flight = InFlight {
                at,
                number: self.sent,
                from,
                to,
                datagram: datagram.clone(),
            };
            self.in_flight.push(Reverse(in_flight));
        }
    }

    fn is_severed(&self, from: SocketAddr, to: SocketAddr) -> bool {
        let ends = [Name::at(from.ip()), Name::at(to.ip())];
        self.severed.is_some_and(|(port, [a, b])| {
            to.port() == port && (ends == [Some(a), Some(b)] || ends == [Some(b), Some(a)])
        })
    }

    /// What a node misses before it is ready.
    pub(crate) fn missing(&self, name: Name) -> Vec<String> {
        match &self.brains[&name] {
            Brain::Enb(node) => node.readiness(),
            Brain::Mme(node) => node.readiness(),
            Brain::Sgw(node) => node.readiness(),
            Brain::Pgw(node) => node.readiness(),
        }
    }

    pub(crate) fn plane(&self, name: Name) -> &UserPlane {
        &self.planes[&name]
    }

    fn remember(&mut self, in_flight: &InFlight) {
        let second = in_flight.datagram.get(1);
        let supervision = match in_flight.to.port() {
            36412 => matches!(second, Some(29 | 30)),
            _ => matches!(second, Some(1 | 2)),
        };
        if supervision {
            return;
        }
        if self.said.len() == 100 {
            self.said.pop_front();
        }
        let at = self.now - self.started;
        self.said
            .push_back((at, in_flight.from, in_flight.to, in_flight.datagram.clone()));
    }

    /// What arrived last, a line a message; the supervision of paths aside.
    pub(crate) fn last_words(&self) -> String {
        let mut text = String::new();
        for (at, from, to, datagram) in &self.said {
            let message =
                match to.port() {
                    2123 => gtpv2c::decode(datagram).map(|packet| {
                        let teid = packet.header.teid.unwrap_or_default();
                        format!("{} {} {teid}", packet.message.name(), packet.header.sequence.0)
                    }),
                    2152 => gtpv1u::decode(datagram).map(|packet| packet.message.name().to_owned()),
                    _ => Ok(s1ap::decode(datagram)
                        .map_or_else(|error| error.to_string(), |pdu| format!("{pdu:?}"))),
                };
            let message = message.unwrap_or_else(|error| error.to_string());
            text += &format!(
                "{:9.4} {} -> {} {message:.150}\n",
                at.as_secs_f64(),
                from.ip(),
                to.ip()
            );
        }
        text
    }

    /// A metric of a node, by its whole name.
    pub(crate) fn metric(&self, name: Name, metric: &str) -> i64 {
        let mut registry = Registry::default();
        match &self.brains[&name] {
            Brain::Enb(node) => node.register(&mut registry),
            Brain::Mme(node) => node.register(&mut registry),
            Brain::Sgw(node) => node.register(&mut registry),
            Brain::Pgw(node) => node.register(&mut registry),
        }
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("text");
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(metric)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{metric} is not in\n{text}"))
            .parse()
            .expect("a number")
    }

    /// Follows a packet of this UE to the P-GW's TUN device and one back; what is wrong on the way.
    pub(crate) fn trace(&self, ue: UeAddress) -> Result<(), String> {
        let (to, teid) = self
            .plane(Name::Enb)
            .send
            .get(&ue)
            .ok_or("the eNB has no uplink tunnel")?;
        let sgw = self.one_of(SGWS, *to)?;
        let (to, teid) = self.relay(sgw, ENB, *teid)?;
        let pgw = self.one_of(PGWS, to)?;
        self.delivered(pgw, sgw.address(), to, teid, ue)?;
        let (to, teid) = self
            .plane(pgw)
            .send
            .get(&ue)
            .ok_or("the P-GW has no downlink tunnel")?;
        let back = self.one_of(SGWS, *to)?;
        let (to, teid) = self.relay(back, pgw.address(), *teid)?;
        self.delivered(Name::Enb, sgw.address(), to, teid, ue)
    }

    fn one_of(&self, names: [Name; 2], at: SocketAddr) -> Result<Name, String> {
        let name = Name::at(at.ip()).filter(|name| names.contains(name));
        name.ok_or_else(|| format!("{at} is none of {names:?}"))
    }

    fn relay(&self, sgw: Name, from: &str, teid: Teid) -> Result<(SocketAddr, Teid), String> {
        match self.plane(sgw).receive.get(&teid) {
            Some((_, peer, Then::Relay { to: next, teid, .. })) => {
                if peer.is_some_and(|peer| peer.to_string() != from) {
                    return Err(format!("the S-GW takes {teid} from {peer:?}, not from {from}"));
                }
                Ok((*next, *teid))
            }
            other => Err(format!("the S-GW does not relay {teid} of {from}: {other:?}")),
        }
    }

    fn delivered(
        &self,
        name: Name,
        from: &str,
        to: SocketAddr,
        teid: Teid,
        ue: UeAddress,
    ) -> Result<(), String> {
        let rule = self.plane(name).receive.get(&teid);
        let Some((_, peer, Then::Deliver { ue: owner })) = rule else {
            return Err(format!("{name:?} does not deliver {teid}: {rule:?}"));
        };
        let peer_fits = peer.is_none_or(|peer| peer.to_string() == from);
        if *owner != ue || !peer_fits || to.ip().to_string() != name.address() {
            return Err(format!(
                "{name:?} delivers {teid} to {owner} from {peer:?}, not to {ue}"
            ));
        }
        Ok(())
    }

    /// Whether every session of the eNB passes traffic, and nobody holds a tunnel beyond them.
    pub(crate) fn agreement(&self) -> Result<(), String> {
        let sessions = self.sessions.len();
        for (imsi, ue) in &self.sessions {
            self.trace(*ue).map_err(|wrong| format!("{imsi} {ue}: {wrong}"))?;
        }
        for (names, receive, send) in [
            (&[Name::Enb][..], 1, 1),
            (&[Name::Mme], 0, 0),
            (&SGWS, 2, 0),
            (&PGWS, 1, 1),
        ] {
            let planes = || names.iter().filter_map(|name| self.planes.get(name));
            let held = (
                planes().map(|plane| plane.receive.len()).sum::<usize>(),
                planes().map(|plane| plane.send.len()).sum::<usize>(),
            );
            if held != (receive * sessions, send * sessions) {
                return Err(format!("{names:?} hold {held:?} rules for {sessions} sessions"));
            }
        }
        for (name, store) in &self.stores {
            let kept = |kind| store.records.keys().filter(|key| key.kind == kind).count();
            if (kept(Kind::Session), kept(Kind::Farewell)) != (sessions, 0) {
                let records = store.records.keys();
                return Err(format!("{name:?} keeps {records:?} for {sessions} sessions"));
            }
        }
        Ok(())
    }

    /// What the stores keep of sessions and messages.
    pub(crate) fn kept(&self) -> Vec<(Name, Key)> {
        let of_all = self.stores.iter().flat_map(|(name, store)| {
            let keys = store.records.keys();
            keys.map(|key| (*name, *key))
        });
        of_all
            .filter(|(_, key)| matches!(key.kind, Kind::Session | Kind::Answer | Kind::Farewell))
            .collect()
    }

    /// Whether no node holds anything that the others do not know: TEIDs, addresses, transactions. To be asked when
    /// nothing is under way.
    pub(crate) fn census(&self) -> Result<(), String> {
        self.agreement()?;
        let sessions = self.sessions.len();
        for name in NAMES {
            let held = each!(&self.brains[&name], node => node.holdings());
            let mut expected = Holdings {
                sessions,
                ..Holdings::default()
            };
            match name {
                Name::Enb => {
                    (expected.user_teids, expected.addresses, expected.others) =
                        (sessions, sessions, sessions)
                }
                Name::Mme => (expected.control_teids, expected.others) = (sessions, sessions),
                Name::Sgw | Name::SecondSgw => {
                    (expected.control_teids, expected.user_teids) = (sessions, 2 * sessions)
                }
                Name::Pgw | Name::SecondPgw => {
                    (expected.control_teids, expected.user_teids, expected.addresses) =
                        (sessions, sessions, sessions)
                }
            }
            if held != expected {
                return Err(format!("{name:?} holds {held:?}, expected {expected:?}"));
            }
        }
        let kept = self.kept();
        if kept.len() != self.stores.len() * sessions {
            return Err(format!("the stores hold {kept:?} for {sessions} sessions"));
        }
        Ok(())
    }

    /// A number below `bound`, by the seed.
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.random.next() % bound
    }

    /// The MME does not serve these subscribers from now on.
    pub(crate) fn bar(&mut self, imsis: &[Imsi]) {
        let Some(yaml) = self.yaml.get_mut(&Name::Mme) else {
            return;
        };
        let imsis: Vec<String> = imsis.iter().map(|imsi| format!("'{imsi}'")).collect();
        let end = yaml.rfind('}').expect("a mapping");
        yaml.replace_range(end.., &format!(", barred: [{}]}}", imsis.join(", ")));
        let config = parsed(yaml);
        self.command_mme(mme::Command::Reload(config));
    }

    /// The same, and every node counts as many sessions.
    pub(crate) fn assert_agreement(&self) {
        if let Err(wrong) = self.agreement() {
            panic!("{wrong}");
        }
        for (names, metric) in [
            (&[Name::Enb][..], "enb_active_sessions_total"),
            (&[Name::Mme], "mme_active_sessions_total"),
            (&SGWS, "sgw_active_sessions_total"),
            (&PGWS, "pgw_active_sessions_total"),
        ] {
            let running = names.iter().filter(|name| self.brains.contains_key(name));
            let sum: i64 = running.map(|name| self.metric(*name, metric)).sum();
            assert_eq!(sum, self.sessions.len() as i64, "{metric}");
        }
    }

    /// How many sessions an S-GW or a P-GW has.
    pub(crate) fn sessions_at(&self, name: Name) -> i64 {
        match name {
            Name::Sgw | Name::SecondSgw => self.metric(name, "sgw_active_sessions_total"),
            _ => self.metric(name, "pgw_active_sessions_total"),
        }
    }
}

fn remember(sessions: &mut BTreeMap<Imsi, UeAddress>, event: &enb::Event) {
    match event {
        enb::Event::SessionUp { subscriber, ue, .. } => {
            sessions.insert(subscriber.imsi, *ue);
        }
        // A former session of the subscriber may go after the new one came.
        enb::Event::SessionDown { subscriber, ue } => {
            if sessions.get(&subscriber.imsi) == Some(ue) {
                sessions.remove(&subscriber.imsi);
            }
        }
    }
}

fn parsed<C: serde::de::DeserializeOwned>(yaml: &str) -> C {
    epc_driver::config::parse(yaml, "in_memory.yml").unwrap_or_else(|error| panic!("{error}"))
}

fn without_event<E>(output: Output<E>) -> Output<()> {
    match output {
        Output::Record(change) => Output::Record(change),
        Output::Rule(rule) => Output::Rule(rule),
        Output::Transmit { on, to, datagram } => Output::Transmit { on, to, datagram },
        Output::Event(_) => Output::Event(()),
    }
}

/// xorshift64*: the same numbers for the same seed, everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.next() % 100 < percent
    }
}
