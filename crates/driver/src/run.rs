//! From the command line to a running node, and back out.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use epc_node::store::Records;
use epc_node::{Boot, TeidKey, WallClock};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use prometheus_client::registry::Registry;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tracing::{debug, error, info, warn};

use crate::args::{self, Question, Verb};
use crate::config::{ConfigError, Document, Loaded};
use crate::control::{self, CLEAN_UP, Control, End, Grouped, Request, Tunnels};
use crate::discovery::{Discovery, Plan};
use crate::privilege::{self, NetAdmin};
use crate::sockets::Sockets;
use crate::store::{self, Keep, Opened, SessionStore, Store};
use crate::user_plane::UserPlane;
use crate::{Daemon, Problem, host, http, log, metrics};

/// Arguments, configuration or host do not allow a start.
pub(crate) const UNUSABLE: u8 = 2;

pub(crate) fn main<D: Daemon>(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args = match args::parse(D::NAME, D::ABOUT, args) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let file = args.file(D::NAME);
    let read = match Read::<D>::new(&file) {
        Ok(read) => read,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(UNUSABLE);
        }
    };
    match args.verb {
        Some(Verb::Healthcheck { question }) => healthcheck::<D>(&read.example, question),
        None if args.check => {
            println!("{}: good", file.display());
            ExitCode::SUCCESS
        }
        None => start::<D>(&file, read),
    }
}

/// A file that was read and is good, as far as that can be told before its addresses are found.
pub(crate) struct Read<D: Daemon> {
    pub(crate) document: Document,
    pub(crate) plan: Plan,
    /// As it could be; as it is where nothing is to be looked up.
    example: Loaded<D::Config>,
}

impl<D: Daemon> Read<D> {
    pub(crate) fn new(file: &Path) -> Result<Read<D>, ConfigError> {
        let document = Document::read(file, std::env::vars_os())?;
        let plan = Plan::of(document.tree(), D::ADDRESSES).map_err(|problem| document.locate(&problem))?;
        let example = document.with(plan.fill_for_check(document.tree())).typed()?;
        D::check(&example.config).map_err(|problem| example.locate(&problem))?;
        Ok(Read {
            document,
            plan,
            example,
        })
    }

    /// The configuration with the addresses that were found; `None` while some are missing.
    pub(crate) fn complete(
        &self,
        discovery: &Discovery,
        before: Option<&Document>,
    ) -> Result<Result<Loaded<D::Config>, ConfigError>, Vec<String>> {
        let tree = discovery.fill(&self.plan, self.document.tree(), before.map(Document::tree))?;
        let typed = self.document.with(tree).typed();
        Ok(typed.and_then(|loaded: Loaded<D::Config>| {
            D::check(&loaded.config).map_err(|problem| loaded.locate(&problem))?;
            Ok(loaded)
        }))
    }
}

fn healthcheck<D: Daemon>(loaded: &Loaded<D::Config>, question: Question) -> ExitCode {
    let Some(prom_addr) = D::common(&loaded.config).prom_addr else {
        let problem = Problem::new("prom_addr", "not set, expected IP:PORT for a health check");
        eprintln!("{}", loaded.locate(&problem));
        return ExitCode::from(UNUSABLE);
    };
    match http::ask(prom_addr, question.path()) {
        Ok((status, page)) => {
            print!("{page}");
            ExitCode::from(u8::from(status != 200))
        }
        Err(error) => {
            eprintln!("http://{prom_addr}{}: {error}", question.path());
            ExitCode::FAILURE
        }
    }
}

fn start<D: Daemon>(file: &Path, read: Read<D>) -> ExitCode {
    log::start(D::common(&read.example.config).log_format);
    privilege::gain_no_more();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .on_thread_start(privilege::give_up)
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{}: cannot start: {error}", D::NAME);
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(async {
        let mut control = match prepare::<D>(file, read).await {
            Ok(Some(control)) => control,
            Ok(None) => return ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::from(UNUSABLE);
            }
        };
        let end = control.run().await;
        let _admin = NetAdmin::raise();
        if tokio::time::timeout(CLEAN_UP, control.daemon.stop())
            .await
            .is_err()
        {
            warn!("routes and rules may be left; the next start removes them");
        }
        match end {
            End::Stopped => ExitCode::SUCCESS,
            End::Failed => ExitCode::FAILURE,
            End::CutShort(signal) => ExitCode::from(128 + signal),
        }
    });
    // A name look-up of a fetch may hang in its thread.
    runtime.shutdown_background();
    ended
}

/// Everything that can fail with a problem of the configuration or the host; `None` if it was told to stop before there
/// was a node.
async fn prepare<D: Daemon>(file: &Path, read: Read<D>) -> Result<Option<Control<D>>, ConfigError> {
    let located = |problem: Problem| read.example.locate(&problem);
    let deaf = |error| located(Problem::new("", format!("cannot listen to signals: {error}")));
    let requests = control::listen_to_signals().map_err(deaf)?;
    if std::process::id() == 1 {
        reap_orphans().map_err(deaf)?;
    }
    let (ask, questions) = mpsc::channel(8);
    let metrics = http::Metrics::default();
    if let Some(address) = D::common(&read.example.config).prom_addr {
        let listener = http::bind(address).await.map_err(located)?;
        tokio::spawn(http::serve(listener, Arc::clone(&metrics), ask));
    }
    let mut waiting = Waiting {
        file: file.to_owned(),
        read,
        discovery: Discovery::new(),
        requests,
        questions,
    };
    let Some(loaded) = waiting.addresses().await? else {
        return Ok(None);
    };
    let located = |problem: Problem| loaded.locate(&problem);
    node(waiting, &loaded, &metrics).await.map(Some).map_err(located)
}

/// Before there is a node: its addresses are awaited.
struct Waiting<D: Daemon> {
    file: PathBuf,
    read: Read<D>,
    discovery: Discovery,
    requests: mpsc::Receiver<Request>,
    questions: mpsc::Receiver<http::Question>,
}

impl<D: Daemon> Waiting<D> {
    /// Waits until all addresses are found, and answers meanwhile; `None` when it is told to stop.
    async fn addresses(&mut self) -> Result<Option<Loaded<D::Config>>, ConfigError> {
        self.discovery.want(self.read.plan.sources());
        loop {
            let missing = match self.read.complete(&self.discovery, None) {
                Ok(complete) => return complete.map(Some),
                Err(missing) => missing,
            };
            tokio::select! {
                () = self.discovery.changed() => {}
                Some(request) = self.requests.recv() => match request {
                    Request::Stop(signal) => {
                        info!(signal, "stopped before all addresses were found");
                        return Ok(None);
                    }
                    Request::Reload => match Read::new(&self.file) {
                        Ok(read) => {
                            info!(file = %self.file.display(), "reloaded");
                            self.read = read;
                            self.discovery.want(self.read.plan.sources());
                        }
                        Err(problem) => error!(%problem, "not reloaded"),
                    },
                },
                Some(question) = self.questions.recv() => {
                    // Who asked may have gone.
                    let _ = question.send(missing);
                }
            }
        }
    }
}

/// The node, with everything that it needs of the host.
async fn node<D: Daemon>(
    waiting: Waiting<D>,
    loaded: &Loaded<D::Config>,
    told: &OnceLock<Registry>,
) -> Result<Control<D>, Problem> {
    let _admin = NetAdmin::raise();
    let mut loaded = loaded.clone();
    let config = &loaded.config;
    let common = D::common(config);
    D::check_host(config)?;
    let (store, boot, records) = match &common.session_store {
        Some(settings) if D::KEEPS_SESSIONS => {
            let opened = open_store::<D>(&loaded, settings)?;
            let store: Box<dyn Keep> = Box::new(opened.store);
            (Some(store), opened.boot, opened.records)
        }
        _ => (None, boot(), Records::default()),
    };
    let sockets = Sockets::bind(&D::sockets(config))?;
    let mut registry = Registry::default();
    let send_errors = metrics::register(D::NAME, &mut registry);
    let prepared = match D::user_plane(config, boot.user_teid_key) {
        Some(user_plane) => {
            if user_plane.is_on_networks_side() {
                host::follow_own_addresses(user_plane.filter.own());
            }
            Some(UserPlane::prepare(&user_plane)?)
        }
        None => None,
    };
    let mtu = prepared.as_ref().and_then(|prepared| prepared.mtu());
    let daemon = D::start(config, &mut registry).await?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        file = %waiting.file.display(),
        restart_counter = boot.restart_counter,
        "started"
    );
    if common.use_kernel_gtp {
        info!(user_plane = "userspace", "use_kernel_gtp has no effect");
    }
    if let Some(mtu) = mtu {
        D::learn_mtu(&mut loaded.config, mtu);
    }
    let mut node = match &common.session_store {
        Some(settings) => D::restored(&loaded.config, boot, &records, &mut registry, Instant::now())
            .map_err(|_| store::torn(settings))?,
        None => D::node(&loaded.config, boot, &mut registry, Instant::now()),
    };
    // What is restored is in force before the first packet or datagram is read.
    let Grouped { records, rules, rest } = Grouped::of(&mut node);
    if let Some(store) = &store {
        store.commit(&records)?;
    }
    let (tunnels, slow_path) = match prepared {
        None => (None, None),
        Some(prepared) => {
            let (user_plane, slow_path) = prepared.start(&rules)?;
            let user_plane = Arc::new(user_plane);
            metrics::register_user_plane(D::NAME, &user_plane, &mut registry);
            (Some(user_plane as Arc<dyn Tunnels>), Some(slow_path))
        }
    };
    // Nobody else sets it.
    let _ = told.set(registry);
    let Waiting {
        file,
        read,
        discovery,
        requests,
        questions,
    } = waiting;
    Ok(Control {
        daemon,
        node,
        file,
        read,
        loaded,
        awaited: None,
        discovery,
        mtu,
        sockets,
        tunnels,
        slow_path,
        requests,
        questions,
        send_errors,
        store,
        restored: rest,
        stopping: None,
        failed: None,
    })
}

fn open_store<D: Daemon>(loaded: &Loaded<D::Config>, settings: &SessionStore) -> Result<Opened, Problem> {
    let config = &loaded.config;
    let control = D::sockets(config)
        .into_iter()
        .map(|socket| (socket.interface, socket.address.ip()));
    let user_plane = D::user_plane(config, TeidKey::new([0; 4]));
    let user = user_plane.into_iter().flat_map(|user_plane| user_plane.sockets);
    let addresses = control.chain(user.map(|socket| (socket.on, socket.address)));
    // TEIDs are only good at the addresses with which they were told.
    let node = addresses.fold(D::NAME.to_owned(), |node, (interface, address)| {
        format!("{node} {interface} {address}")
    });
    let if_torn = loaded.locate(&store::torn(settings)).to_string();
    Store::open(settings, &node, &if_torn, restart_counter)
}

/// PID 1 of a container inherits the processes whose parents have ended, and takes note of their end.
fn reap_orphans() -> std::io::Result<()> {
    let mut ended = signal(SignalKind::child())?;
    tokio::spawn(async move {
        loop {
            while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
                if status == WaitStatus::StillAlive {
                    break;
                }
                debug!(?status, "orphan has ended");
            }
            if ended.recv().await.is_none() {
                return;
            }
        }
    });
    Ok(())
}

/// The time of day.
pub(crate) fn wall_clock() -> WallClock {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallClock {
        at: Instant::now(),
        unix_millis: since_1970.as_millis() as u64,
    }
}

fn boot() -> Boot {
    Boot {
        clock: wall_clock(),
        restart_counter: restart_counter(),
        user_teid_key: TeidKey::new(rand::random()),
        control_teid_key: TeidKey::new(rand::random()),
    }
}

/// The restart counter, TS 23.007 §18: one more than last time where there is a place to remember it (a directory in
/// `STATE_DIRECTORY`, as systemd gives), else the clock's seconds: the next full second is awaited, so that a start
/// within the second of the last one has another counter too. After a pause of a multiple of 256 seconds it has not.
fn restart_counter() -> u8 {
    let directory = std::env::var_os("STATE_DIRECTORY");
    if let Some(counter) = directory.and_then(|directory| next_in(Path::new(&directory))) {
        return counter;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    std::thread::sleep(Duration::from_secs(1) - Duration::from_nanos(since.subsec_nanos().into()));
    (since.as_secs() + 1) as u8
}

fn next_in(directory: &Path) -> Option<u8> {
    let file = directory.join("restart_counter");
    let last = match std::fs::read_to_string(&file) {
        Ok(text) => text.trim().parse().unwrap_or(0),
        Err(_) => 0,
    };
    let counter = u8::wrapping_add(last, 1);
    match std::fs::write(&file, format!("{counter}\n")) {
        Ok(()) => Some(counter),
        Err(error) => {
            warn!(%error, file = %file.display(), "restart counter not kept");
            None
        }
    }
}

#[cfg(test)]
mod tests;
