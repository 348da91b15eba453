//! The control loop: one task that owns the brain.
//!
//! It waits for a datagram, a timeout, a signal or a question, gives it to the brain, and does what the brain wants done,
//! in the brain's order, before it waits again.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use epc_node::{Interface, Node, Output, Rule};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{debug, error, info, warn};

use crate::config::{self, ConfigError, Loaded};
use crate::http::Question;
use crate::metrics::{Name, OnInterface, SendErrors};
use crate::sockets::Sockets;
use crate::{Daemon, Problem};

/// Datagrams that are read before timers, signals and questions have their turn.
const BATCH: usize = 64;

/// The user plane as the control loop sees it.
pub(crate) trait Tunnels {
    /// Changes a rule; it is in force when this returns.
    fn apply(&mut self, rule: &Rule);
    /// Sends what is no user packet from a GTP-U socket: Echo, Error Indication.
    fn send(&mut self, on: Interface, to: SocketAddr, datagram: &[u8]) -> io::Result<()>;
}

/// A GTP-U datagram that is no user packet of a known tunnel.
pub(crate) type SlowPath = mpsc::Receiver<(Interface, SocketAddr, Vec<u8>)>;

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
}

pub(crate) struct Control<D: Daemon> {
    pub(crate) daemon: D,
    pub(crate) node: D::Node,
    pub(crate) file: PathBuf,
    pub(crate) loaded: Loaded<D::Config>,
    pub(crate) sockets: Sockets,
    pub(crate) tunnels: Option<Box<dyn Tunnels>>,
    pub(crate) slow_path: Option<SlowPath>,
    pub(crate) requests: mpsc::Receiver<Request>,
    pub(crate) questions: mpsc::Receiver<Question>,
    pub(crate) send_errors: SendErrors,
}

impl<D: Daemon> Control<D> {
    /// Runs until a signal ends it.
    pub(crate) async fn run(&mut self) -> End {
        let mut buffer = vec![0; 1 << 16];
        let mut deadline: Option<Instant> = None;
        loop {
            let now = Instant::now();
            if self.node.poll_timeout().is_some_and(|wake| wake <= now) {
                self.node.handle_timeout(now);
            }
            self.do_outputs().await;
            match deadline {
                Some(_) if D::is_drained(&self.node) => {
                    info!("stopped");
                    return End::Stopped;
                }
                Some(deadline) if deadline <= Instant::now() => {
                    warn!(
                        missing = "answers of peers",
                        "stopped at the end of the grace period"
                    );
                    return End::Stopped;
                }
                _ => {}
            }
            let wake = [self.node.poll_timeout(), deadline].into_iter().flatten().min();
            tokio::select! {
                (on, from, length) = self.sockets.receive(&mut buffer) => {
                    self.handle(on, from, &buffer[..length]).await;
                    for _ in 1..BATCH {
                        let Some((on, from, length)) = self.sockets.try_receive(&mut buffer) else {
                            break;
                        };
                        self.handle(on, from, &buffer[..length]).await;
                    }
                }
                (on, from, datagram) = next_or_never(&mut self.slow_path) => {
                    self.handle(on, from, &datagram).await;
                }
                Some(request) = self.requests.recv() => match (request, deadline) {
                    (Request::Stop(signal), Some(_)) => return End::CutShort(signal),
                    (Request::Stop(signal), None) => {
                        let grace = D::common(&self.loaded.config).shutdown_grace;
                        info!(signal, grace = grace.as_secs_f64(), "stopping");
                        deadline = Some(Instant::now() + grace);
                        self.node.handle_command(D::shutdown(), Instant::now());
                    }
                    (Request::Reload, Some(_)) => debug!("reload ignored while stopping"),
                    (Request::Reload, None) => self.reload(),
                },
                Some(question) = self.questions.recv() => {
                    let mut missing = D::missing(&self.node);
                    if deadline.is_some() {
                        missing.push("stopping".to_owned());
                    }
                    // Who asked may have gone.
                    let _ = question.send(missing);
                }
                () = sleep_until(wake) => {}
            }
        }
    }

    async fn handle(&mut self, on: Interface, from: SocketAddr, datagram: &[u8]) {
        self.node.handle_datagram(on, from, datagram, Instant::now());
        self.do_outputs().await;
    }

    /// What the brain wants done, each before the next.
    async fn do_outputs(&mut self) {
        while let Some(output) = self.node.poll_output() {
            match output {
                Output::Rule(rule) => match &mut self.tunnels {
                    Some(tunnels) => tunnels.apply(&rule),
                    None => debug!(?rule, "no user plane"),
                },
                Output::Transmit { on, to, datagram } => self.transmit(on, to, &datagram),
                Output::Event(event) => self.daemon.on_event(event).await,
            }
        }
    }

    /// A datagram that cannot be sent is lost as on the way: the brain repeats what must arrive.
    fn transmit(&mut self, on: Interface, to: SocketAddr, datagram: &[u8]) {
        let sent = match &mut self.tunnels {
            Some(tunnels) if on.is_user_plane() => tunnels.send(on, to, datagram),
            _ => self.sockets.send(on, to, datagram),
        };
        if let Err(error) = sent {
            debug!(%error, %to, interface = %on, "send failed");
            let interface = Name(on);
            self.send_errors.get_or_create(&OnInterface { interface }).inc();
        }
    }

    /// Reads the file again. A bad one changes nothing.
    fn reload(&mut self) {
        match self.read_again() {
            Ok(loaded) => {
                info!(file = %self.file.display(), "reloaded");
                self.loaded = loaded;
                let config = self.loaded.config.clone();
                self.node.handle_command(D::reload(config), Instant::now());
            }
            Err(problem) => error!(%problem, "not reloaded"),
        }
    }

    fn read_again(&self) -> Result<Loaded<D::Config>, ConfigError> {
        let loaded = config::load::<D::Config>(&self.file)?;
        let located = |problem: Problem| loaded.locate(&problem);
        D::check(&loaded.config).map_err(located)?;
        let mut config = loaded.config.clone();
        for key in D::keep_fixed(&self.loaded.config, &mut config) {
            let problem = Problem::new(key, "cannot change while running, expected a restart");
            warn!(problem = %loaded.locate(&problem), "kept");
        }
        D::check_host(&config).map_err(located)?;
        Ok(loaded.with(config))
    }
}

async fn next_or_never(slow_path: &mut Option<SlowPath>) -> (Interface, SocketAddr, Vec<u8>) {
    if let Some(receiver) = slow_path {
        if let Some(datagram) = receiver.recv().await {
            return datagram;
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

/// The time that undoing what was done to the host may take.
pub(crate) const CLEAN_UP: Duration = Duration::from_secs(2);
