//! From the command line to a running node, and back out.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use epc_node::{Boot, TeidKey};
use prometheus_client::registry::Registry;
use tokio::sync::mpsc;
use tracing::{info, warn};

use crate::args::{self, Question, Verb};
use crate::config::{self, Loaded};
use crate::control::{self, CLEAN_UP, Control, End, Tunnels};
use crate::sockets::Sockets;
use crate::user_plane::UserPlane;
use crate::{Daemon, Problem, http, log, metrics};

/// Arguments, configuration or host do not allow a start.
const UNUSABLE: u8 = 2;

pub(crate) fn main<D: Daemon>(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args = match args::parse(D::NAME, D::ABOUT, args) {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(error.exit_code() as u8);
        }
    };
    let file = args.file(D::NAME);
    let loaded = match read::<D>(&file) {
        Ok(loaded) => loaded,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(UNUSABLE);
        }
    };
    match args.verb {
        Some(Verb::Healthcheck { question }) => healthcheck::<D>(&loaded, question),
        None if args.check => {
            println!("{}: good", file.display());
            ExitCode::SUCCESS
        }
        None => start::<D>(&file, loaded),
    }
}

fn read<D: Daemon>(file: &Path) -> Result<Loaded<D::Config>, config::ConfigError> {
    let loaded = config::load::<D::Config>(file)?;
    D::check(&loaded.config).map_err(|problem| loaded.locate(&problem))?;
    Ok(loaded)
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

fn start<D: Daemon>(file: &Path, loaded: Loaded<D::Config>) -> ExitCode {
    log::start(D::common(&loaded.config).log_format);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{}: cannot start: {error}", D::NAME);
            return ExitCode::FAILURE;
        }
    };
    let ended = runtime.block_on(async {
        let mut control = match prepare::<D>(file, &loaded).await {
            Ok(control) => control,
            Err(problem) => {
                eprintln!("{}", loaded.locate(&problem));
                return ExitCode::from(UNUSABLE);
            }
        };
        let end = control.run().await;
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

/// Everything that can fail with a problem of the configuration or the host.
async fn prepare<D: Daemon>(file: &Path, loaded: &Loaded<D::Config>) -> Result<Control<D>, Problem> {
    let mut loaded = loaded.clone();
    let config = &loaded.config;
    let common = D::common(config);
    D::check_host(config)?;
    let requests = control::listen_to_signals()
        .map_err(|error| Problem::new("", format!("cannot listen to signals: {error}")))?;
    let sockets = Sockets::bind(&D::sockets(config))?;
    let listener = match common.prom_addr {
        Some(address) => Some(http::bind(address).await?),
        None => None,
    };
    let boot = boot();
    let mut registry = Registry::default();
    let send_errors = metrics::register(D::NAME, &mut registry);
    let mut mtu = None;
    let (tunnels, slow_path) = match D::user_plane(config, boot.user_teid_key) {
        None => (None, None),
        Some(user_plane) => {
            let (user_plane, slow_path) = UserPlane::start(&user_plane)?;
            mtu = user_plane.mtu();
            let user_plane = Arc::new(user_plane);
            metrics::register_user_plane(D::NAME, &user_plane, &mut registry);
            (Some(user_plane as Arc<dyn Tunnels>), Some(slow_path))
        }
    };
    let daemon = D::start(config, &mut registry).await?;
    info!(
        version = env!("CARGO_PKG_VERSION"),
        file = %file.display(),
        restart_counter = boot.restart_counter,
        "started"
    );
    if common.use_kernel_gtp {
        info!(user_plane = "userspace", "use_kernel_gtp has no effect");
    }
    if let Some(mtu) = mtu {
        D::learn_mtu(&mut loaded.config, mtu);
    }
    let node = D::node(&loaded.config, boot, &mut registry, Instant::now());
    let (ask, questions) = mpsc::channel(8);
    if let Some(listener) = listener {
        tokio::spawn(http::serve(listener, Arc::new(registry), ask));
    }
    Ok(Control {
        daemon,
        node,
        file: file.to_owned(),
        loaded,
        mtu,
        sockets,
        tunnels,
        slow_path,
        requests,
        questions,
        send_errors,
        stopping: None,
        failed: false,
    })
}

fn boot() -> Boot {
    Boot {
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
