//! The control loop: one task that owns the brain.
//!
//! It waits for datagrams, a timeout, a signal or a question, gives them to the brain, and does what the brain wants done
//! before it waits again: first the records of the session store and the rules of the user plane, each with one wait for
//! all datagrams that were there, and then the rest, in the brain's order.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use epc_node::store::Change;
use epc_node::{Interface, Node, Output, Rule};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{debug, error, info, warn};

use crate::config::{ConfigError, Loaded};
use crate::discovery::Discovery;
use crate::http::Question;
use crate::metrics::{Name, OnInterface, SendErrors};
use crate::privilege::NetAdmin;
use crate::run::Read;
use crate::sockets::Sockets;
use crate::store::{Keep, SIGN_OF_LIFE};
use crate::user_plane::{Slow, Stopped, UserPlane};
use crate::{Daemon, Problem, log};

/// Datagrams that are read before timers, signals and questions have their turn.
const BATCH: usize = 64;

/// The user plane as the control loop sees it.
pub(crate) trait Tunnels {
    /// Changes rules; they are in force when this returns.
    fn apply(&self, rules: &[Rule]) -> Result<(), Stopped>;
    /// Sends what is no user packet from a GTP-U socket: Echo, Error Indication.
    fn send(&self, on: Interface, to: SocketAddr, datagram: &[u8]) -> io::Result<()>;
}

impl Tunnels for UserPlane {
    fn apply(&self, rules: &[Rule]) -> Result<(), Stopped> {
        self.apply_all(rules)
    }

    fn send(&self, on: Interface, to: SocketAddr, datagram: &[u8]) -> io::Result<()> {
        UserPlane::send(self, on, to, datagram)
    }
}

/// What an operator asks by a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Request {
    /// SIGTERM (15) or SIGINT (2).
    Stop(u8),
    /// SIGHUP.
    Reload,
}

/// How the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Every session was deleted towards the peers, or the grace period was over.
    Stopped,
    /// A second signal, of this number, cut it short.
    CutShort(u8),
    /// The user plane had failed; the sessions were deleted as after a signal.
    Failed,
}

pub(crate) struct Control<D: Daemon> {
    pub(crate) daemon: D,
    pub(crate) node: D::Node,
    pub(crate) file: PathBuf,
    /// What is in force: as it was read, and with the addresses that were found.
    pub(crate) read: Read<D>,
    pub(crate) loaded: Loaded<D::Config>,
    /// What was read and waits for addresses.
    pub(crate) awaited: Option<Read<D>>,
    pub(crate) discovery: Discovery,
    /// What the user plane found to fit.
    pub(crate) mtu: Option<u16>,
    pub(crate) sockets: Sockets,
    pub(crate) tunnels: Option<Arc<dyn Tunnels>>,
    pub(crate) slow_path: Option<mpsc::Receiver<Slow>>,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) questions: mpsc::Receiver<Question>,
    pub(crate) send_errors: SendErrors,
    /// Where sessions are kept; none any more once it has failed.
    pub(crate) store: Option<Box<dyn Keep>>,
    /// What the brain wants done first.
    pub(crate) restored: Vec<Output<<D::Node as Node>::Event>>,
    pub(crate) stopping: Option<Stopping>,
    /// What is no more.
    pub(crate) failed: Option<&'static str>,
}

/// The outputs of a brain, each kind in the order in which they came.
pub(crate) struct Grouped<E> {
    pub(crate) records: Vec<Change>,
    pub(crate) rules: Vec<Rule>,
    /// Datagrams and events.
    pub(crate) rest: Vec<Output<E>>,
}

impl<E> Grouped<E> {
    pub(crate) fn of(node: &mut impl Node<Event = E>) -> Grouped<E> {
        let mut grouped = Grouped {
            records: Vec::new(),
            rules: Vec::new(),
            rest: Vec::new(),
        };
        while let Some(output) = node.poll_output() {
            match output {
                Output::Record(change) => grouped.records.push(change),
                Output::Rule(rule) => grouped.rules.push(rule),
                Output::Transmit { .. } | Output::Event(_) => grouped.rest.push(output),
            }
        }
        grouped
    }
}

/// On the way out.
pub(crate) struct Stopping {
    deadline: Instant,
    end: End,
}

impl<D: Daemon> Control<D> {
    /// Runs until a signal ends it.
    pub(crate) async fn run(&mut self) -> End {
        let mut buffer = vec![0; 1 << 16];
        let mut signs_of_life = tokio::time::interval(SIGN_OF_LIFE);
        let restored = std::mem::take(&mut self.restored);
        self.do_in_order(restored).await;
        loop {
            let now = Instant::now();
            if self.node.poll_timeout().is_some_and(|wake| wake <= now) {
                self.node.handle_timeout(now);
            }
            self.do_outputs().await;
            if let Some(end) = self.ended() {
                return end;
            }
            let deadline = self.stopping.as_ref().map(|stopping| stopping.deadline);
            let wake = [self.node.poll_timeout(), deadline].into_iter().flatten().min();
            tokio::select! {
                (on, from, length) = self.sockets.receive(&mut buffer) => log::together(|| {
                    self.handle(on, from, &buffer[..length]);
                    for _ in 1..BATCH {
                        let Some((on, from, length)) = self.sockets.try_receive(&mut buffer) else {
                            break;
                        };
                        self.handle(on, from, &buffer[..length]);
                    }
                }),
                slow = next_or_never(&mut self.slow_path) => match slow {
                    Slow::Datagram { on, from, octets } => self.handle(on, from, &octets),
                    Slow::Failed { why } => {
                        error!(why, "user plane failed");
                        self.failed = Some("user plane has failed");
                        self.stop(End::Failed);
                    }
                },
                Some(request) = self.requests.recv() => match (request, &self.stopping) {
                    (Request::Stop(signal), Some(_)) => return End::CutShort(signal),
                    (Request::Stop(signal), None) => {
                        info!(signal, "stopping");
                        self.stop(End::Stopped);
                    }
                    (Request::Reload, Some(_)) => debug!("reload ignored while stopping"),
                    (Request::Reload, None) => self.reload(),
                },
                () = self.discovery.changed() => self.found(),
                Some(question) = self.questions.recv() => {
                    // Who asked may have gone.
                    let _ = question.send(self.missing());
                }
                _ = signs_of_life.tick(), if self.store.is_some() => self.in_store(|store| store.sign_of_life()),
                () = sleep_until(wake) => {}
            }
        }
    }

    /// A store that cannot be written to is given up, with what is in there: the sessions live on, but not over a restart.
    fn in_store(&mut self, write: impl FnOnce(&dyn Keep) -> Result<(), Problem>) {
        let Some(Err(problem)) = self.store.as_deref().map(write) else {
            return;
        };
        error!(problem = %self.loaded.locate(&problem), "sessions are no longer kept");
        self.failed = Some("session store has failed");
        if let Some(store) = self.store.take() {
            store.give_up();
        }
    }

    /// Begins to stop: sessions are deleted towards the peers, for as long as the grace period lasts.
    fn stop(&mut self, end: End) {
        if self.stopping.is_some() {
            return;
        }
        let deadline = Instant::now() + D::common(&self.loaded.config).shutdown_grace;
        self.stopping = Some(Stopping { deadline, end });
        self.node.handle_command(D::shutdown(), Instant::now());
    }

    fn ended(&self) -> Option<End> {
        let stopping = self.stopping.as_ref()?;
        if D::is_drained(&self.node) {
            info!("stopped");
            return Some(stopping.end);
        }
        if stopping.deadline <= Instant::now() {
            warn!(
                missing = "answers of peers",
                "stopped at the end of the grace period"
            );
            return Some(stopping.end);
        }
        None
    }

    fn missing(&self) -> Vec<String> {
        let mut missing = D::missing(&self.node);
        if self.stopping.is_some() {
            missing.push("stopping".to_owned());
        }
        missing.extend(self.failed.map(str::to_owned));
        missing
    }

    fn handle(&mut self, on: Interface, from: SocketAddr, datagram: &[u8]) {
        self.node.handle_datagram(on, from, datagram, Instant::now());
    }

    /// What the brain wants done: what peers will rely on, then the rest in its order.
    async fn do_outputs(&mut self) {
        let Grouped { records, rules, rest } = Grouped::of(&mut self.node);
        self.in_store(|store| store.commit(&records));
        self.apply(&rules);
        self.do_in_order(rest).await;
    }

    async fn do_in_order(&mut self, outputs: Vec<Output<<D::Node as Node>::Event>>) {
        for output in outputs {
            match output {
                Output::Transmit { on, to, datagram } => self.transmit(on, to, &datagram),
                Output::Event(event) => {
                    let _admin = NetAdmin::raise();
                    self.daemon.on_event(event).await;
                }
                Output::Record(_) | Output::Rule(_) => {}
            }
        }
    }

    fn apply(&self, rules: &[Rule]) {
        if rules.is_empty() {
            return;
        }
        // A failure is told by the slow path as well, where it is acted upon.
        match self.tunnels.as_ref().map(|tunnels| tunnels.apply(rules)) {
            Some(Ok(())) => {}
            Some(Err(error)) => debug!(%error, "rules have no effect"),
            None => debug!(?rules, "no user plane"),
        }
    }

    /// A datagram that cannot be sent is lost as on the way: the brain repeats what must arrive.
    fn transmit(&mut self, on: Interface, to: SocketAddr, datagram: &[u8]) {
        let sent = match &self.tunnels {
            Some(tunnels) if on.is_user_plane() => tunnels.send(on, to, datagram),
            _ => self.sockets.send(on, to, datagram),
        };
        if let Err(error) = sent {
            debug!(%error, %to, interface = %on, "send failed");
            let interface = Name(on);
            self.send_errors.get_or_create(&OnInterface { interface }).inc();
        }
    }

    /// Reads the file again. A bad one changes nothing; one with addresses that are not found yet waits for them.
    fn reload(&mut self) {
        match Read::new(&self.file) {
            Ok(read) => {
                let mut sources = read.plan.sources();
                // What is in force is followed until it is replaced.
                sources.extend(self.read.plan.sources());
                self.discovery.want(sources);
                self.awaited = Some(read);
                self.take_awaited();
                if self.awaited.is_some() {
                    info!(file = %self.file.display(), "reload waits for addresses");
                }
            }
            Err(problem) => error!(%problem, "not reloaded"),
        }
    }

    /// Addresses were found, or are others than before.
    fn found(&mut self) {
        if self.stopping.is_some() {
            return;
        }
        if self.awaited.is_some() {
            self.take_awaited();
            if self.awaited.is_none() {
                return;
            }
        }
        let Ok(complete) = self.read.complete(&self.discovery, Some(self.loaded.document())) else {
            return;
        };
        match complete.and_then(|loaded| self.fit(loaded, false)) {
            Ok(loaded) if loaded.document() == self.loaded.document() => {}
            Ok(loaded) => {
                info!("addresses of peers have changed");
                self.loaded = loaded;
                let config = self.loaded.config.clone();
                self.node.handle_command(D::follow(config), Instant::now());
            }
            Err(problem) => error!(%problem, "addresses not taken"),
        }
    }

    fn take_awaited(&mut self) {
        let Some(read) = self.awaited.take() else { return };
        let complete = match read.complete(&self.discovery, Some(self.loaded.document())) {
            Ok(complete) => complete,
            Err(missing) => {
                debug!(?missing, "reload waits");
                self.awaited = Some(read);
                return;
            }
        };
        match complete.and_then(|loaded| self.fit(loaded, true)) {
            Ok(loaded) => {
                info!(file = %self.file.display(), "reloaded");
                self.read = read;
                self.loaded = loaded;
                let config = self.loaded.config.clone();
                self.node.handle_command(D::reload(config), Instant::now());
            }
            Err(problem) => error!(%problem, "not reloaded"),
        }
        self.discovery.want(self.read.plan.sources());
    }

    /// Puts back what cannot change while the node runs, and says so where the operator has changed it.
    fn fit(&self, loaded: Loaded<D::Config>, tell: bool) -> Result<Loaded<D::Config>, ConfigError> {
        let located = |problem: Problem| loaded.locate(&problem);
        let mut config = loaded.config.clone();
        if let Some(mtu) = self.mtu {
            D::learn_mtu(&mut config, mtu);
        }
        for key in D::keep_fixed(&self.loaded.config, &mut config) {
            let problem = Problem::new(key, "cannot change while running, expected a restart");
            if tell {
                warn!(problem = %loaded.locate(&problem), "kept");
            }
        }
        D::check_host(&config).map_err(located)?;
        Ok(loaded.with(config))
    }
}

async fn next_or_never(slow_path: &mut Option<mpsc::Receiver<Slow>>) -> Slow {
    if let Some(receiver) = slow_path {
        if let Some(slow) = receiver.recv().await {
            return slow;
        }
        // The user plane has ended.
        *slow_path = None;
    }
    std::future::pending().await
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake.into()).await,
        None => std::future::pending().await,
    }
}

/// Turns signals into requests, from now on.
pub(crate) fn listen_to_signals() -> io::Result<mpsc::Receiver<Request>> {
    let (requests, receiver) = mpsc::channel(8);
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        loop {
            let request = tokio::select! {
                _ = terminate.recv() => Request::Stop(15),
                _ = interrupt.recv() => Request::Stop(2),
                _ = hangup.recv() => Request::Reload,
            };
            if requests.send(request).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// The time that undoing what was done to the host may take. It is milliseconds, unless the kernel's lock for network
/// changes is held by others, as when many namespaces end at once. With the grace period it is less than the 10 seconds
/// that container engines give.
pub(crate) const CLEAN_UP: Duration = Duration::from_secs(4);
