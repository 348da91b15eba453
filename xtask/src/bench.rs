//! `cargo xtask bench`: measurements that need a lab.

mod control;
mod user_plane;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, thread};

use anyhow::{Context, Result};
use clap::Subcommand;
use epc_lab::{Daemons, sandbox};

const BINARIES: &str = "GW_TESTER_BENCH_BINARIES";
const DIRECTORY: &str = "GW_TESTER_BENCH_DIRECTORY";

#[derive(Subcommand)]
pub(crate) enum Bench {
    /// The user plane against kernel routing, kernel tunnels and itself without offloads, in one run
    UserPlane(user_plane::Args),
    /// Signalling: attaches and deletes a second, latency, memory a session, CPU time an attach
    Control(control::Args),
}

pub(crate) fn main(bench: &Bench) -> ExitCode {
    match bench {
        Bench::UserPlane(args) => user_plane::main(args),
        Bench::Control(args) => control::main(args),
    }
}

/// Runs this program again in a sandbox, where [`lab`] finds the daemons and the directory for what it writes: those of the
/// command line, or freshly built by `profile` and `target/bench`.
fn enter_sandbox(binaries: Option<&Path>, profile: &str, out: Option<&Path>) -> Result<ExitCode> {
    let daemons = match binaries {
        Some(directory) => Daemons::in_directory(directory.canonicalize()?),
        None => Daemons::build(profile)?,
    };
    let directory = out.map_or_else(|| target().join("bench"), Path::to_owned);
    fs::create_dir_all(&directory).with_context(|| format!("create {}", directory.display()))?;
    let directory = directory.canonicalize()?;
    let variables: [(&str, &OsStr); 2] = [
        (BINARIES, daemons.directory().as_os_str()),
        (DIRECTORY, directory.as_os_str()),
    ];
    let outcome = sandbox::run(&variables)?;
    Ok(ExitCode::from(u8::try_from(outcome.exit_code()).unwrap_or(1)))
}

/// What [`enter_sandbox`] has handed over.
fn lab() -> Result<(Daemons, PathBuf)> {
    let handed_over =
        |name| env::var_os(name).context("started without its environment; use `cargo xtask bench`");
    Ok((
        Daemons::in_directory(handed_over(BINARIES)?),
        handed_over(DIRECTORY)?.into(),
    ))
}

/// `target`, whatever it is called here: this program is in target/debug.
fn target() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    let target = program.parent().and_then(Path::parent);
    target.unwrap_or(Path::new("target")).to_owned()
}

/// On what it is measured.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("an unknown processor", |(_, model)| model);
    let cores = thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{cores} cores of {model}, Linux {}",
        read("/proc/sys/kernel/osrelease").trim()
    )
}

/// The load averages of the machine; anything that is not this bench falsifies it.
fn load() -> String {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

/// Median, least and greatest.
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) greatest: f64,
}

impl Spread {
    pub(crate) fn of(values: impl Iterator<Item = f64>) -> Option<Spread> {
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        // The mean of the two in the middle, where there are two.
        let upper = *values.get(values.len() / 2)?;
        let lower = values[(values.len() - 1) / 2];
        Some(Spread {
            median: (lower + upper) / 2.0,
            least: *values.first()?,
            greatest: *values.last()?,
        })
    }
}
