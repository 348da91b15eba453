//! `cargo xtask bench user-plane`.
//!
//! ```text
//! ue ──eUu── enb ──S1-U── sgw ──S5-U── pgw ──SGi── server       five namespaces, once for each of
//!
//! A   plain kernel routing              V   two VXLAN hops of the kernel
//! Ax  the same with offloads off        O   the four daemons, after an attach
//! B   other builds of the daemons       N   the four daemons with `user_plane.offload: none`
//!                                       M   the four daemons with a million sessions, or `--sessions`
//! ```
//!
//! All of them stand side by side and idle. A round measures each thing on each of them before the next thing, so that a
//! ratio compares neighbours in time; the table shows medians over the rounds, and the spread.

mod nets;
mod report;
mod traffic;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;
use epc_lab::{Daemons, sandbox};

use nets::{Kind, Net};
use report::Report;
use traffic::What;

use super::{enter_sandbox, lab, load, machine};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// One short round
    #[arg(long)]
    quick: bool,
    /// Rounds; medians want 5 or more
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Seconds a TCP measurement
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Where table and plot go
    #[arg(long)]
    out: Option<PathBuf>,
    /// Take the daemons from this directory instead of building them
    #[arg(long)]
    binaries: Option<PathBuf>,
    /// Measure nothing: make table and plot again from what an earlier run has printed
    #[arg(long, value_name = "FILE", requires = "out")]
    from_log: Option<PathBuf>,
    /// Which of A, Ax, V, N, O, M, B to measure; M takes 5 GB of memory and minutes to attach
    #[arg(long, value_delimiter = ',', default_value = "A,Ax,V,N,O")]
    nets: Vec<Kind>,
    /// Subscribers of M
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    sessions: u32,
    /// The daemons of B, to compare two builds of them
    #[arg(long, value_name = "DIRECTORY")]
    against: Option<PathBuf>,
    /// Congestion control of the TCP flows; by default the machine's
    #[arg(long, value_name = "NAME")]
    congestion_control: Option<String>,
    /// What to measure; everything by default
    #[arg(long, value_delimiter = ',')]
    only: Vec<What>,
}

pub(crate) fn main(args: &Args) -> ExitCode {
    let result = match (&args.from_log, &args.out) {
        (Some(log), Some(out)) => again(log, out),
        _ if sandbox::is_inside() => inside(args),
        _ => outside(args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("bench: {error:#}");
        ExitCode::FAILURE
    })
}

fn outside(args: &Args) -> Result<ExitCode> {
    sandbox::probe()?;
    for (tool, package) in [("iperf3", "iperf3"), ("ip", "iproute2"), ("ethtool", "ethtool")] {
        if Command::new(tool).arg("--version").output().is_err() {
            bail!("`{tool}` is missing; on Debian: apt-get install {package}");
        }
    }
    enter_sandbox(args.binaries.as_deref(), "dist", args.out.as_deref())
}

fn inside(args: &Args) -> Result<ExitCode> {
    let (daemons, directory) = lab()?;
    let (rounds, seconds) = if args.quick {
        (1, 1)
    } else {
        (args.rounds, args.seconds)
    };
    let machine = format!("{}, TCP with {}", machine(), congestion_control(args)?);
    println!("{machine}");
    let mut nets: Vec<Net> = Vec::new();
    for kind in &args.nets {
        let daemons = match (kind, &args.against) {
            (Kind::Before, None) => bail!("the net B needs `--against DIRECTORY`"),
            (Kind::Before, Some(directory)) => Daemons::in_directory(directory.canonicalize()?),
            _ => daemons.clone(),
        };
        let net = Net::new(*kind, args.sessions, &daemons, &directory)
            .with_context(|| format!("the net {}", kind.name()))?;
        if let Some(name) = &args.congestion_control {
            net.use_congestion_control(name)?;
        }
        nets.push(net);
    }
    let mut report = Report::default();
    for round in 1..=rounds {
        println!("round {round} of {rounds}, load average {}", load());
        let chosen = |what: &What| args.only.is_empty() || args.only.contains(what);
        for what in What::value_variants().iter().copied().filter(chosen) {
            for net in &mut nets {
                let values = traffic::measure(what, net, seconds)
                    .with_context(|| format!("{} on {}", what.title(), net.kind.name()))?;
                for (metric, value) in values {
                    println!("  {:<3} {:<32} {value:>12.1}", net.kind.name(), metric.title());
                    report.add(metric, net.kind, round, value);
                }
            }
        }
    }
    let circumstances = format!("{machine}, load average at the end {}", load());
    show(&report, &circumstances, &directory)
}

/// How the senders of TCP flows find their pace: with one that spreads packets over time (bbr) super-packets come singly, with
/// one that does not (cubic) they queue, and each costs less.
fn congestion_control(args: &Args) -> Result<String> {
    match &args.congestion_control {
        Some(name) => Ok(name.clone()),
        None => Ok(fs::read_to_string("/proc/sys/net/ipv4/tcp_congestion_control")
            .context("the machine's congestion control")?
            .trim()
            .to_owned()),
    }
}

/// From the log of an earlier run.
fn again(log: &Path, out: &Path) -> Result<ExitCode> {
    let text = fs::read_to_string(log).with_context(|| format!("read {}", log.display()))?;
    let machine = text.lines().next().unwrap_or_default();
    show(&Report::from_log(&text), machine, out)
}

fn show(report: &Report, circumstances: &str, directory: &Path) -> Result<ExitCode> {
    let table = report.table(circumstances);
    println!("\n{table}");
    for (name, text) in [("user-plane.md", table), ("user-plane.svg", report.plot())] {
        let path = directory.join(name);
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
