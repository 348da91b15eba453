//! `cargo xtask bench control`.
//!
//! ```text
//! eNB ──S1-MME── MME ──S11── S-GW ──S5-C── P-GW     the whole way: an eNB is told of more subscribers
//!              bench ──S11── S-GW ──S5-C── P-GW     the gateways: the bench is the MME
//! ```
//!
//! Each round starts the daemons anew, with the settings that they have by default and their log in a file. What is
//! measured is what a peer sees; the daemons are asked for nothing while a clock runs. The table shows medians over the
//! rounds, and the spread.

mod gateways;
mod load;
mod nodes;
mod report;
mod whole_way;

use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, Result};
use epc_lab::sandbox;

use super::{enter_sandbox, lab, load as load_average, machine};
use report::Report;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// One short round, without 100,000 sessions
    #[arg(long)]
    quick: bool,
    /// Rounds; medians want 3 or more
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Seconds that sessions are created, for each window
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Only this part
    #[arg(long)]
    only: Option<Part>,
    /// Where the table and the logs go
    #[arg(long)]
    out: Option<PathBuf>,
    /// The profile of cargo's that the daemons are built with; by default that of what is shipped
    #[arg(long, default_value = "dist")]
    profile: String,
    /// Take the daemons from this directory instead of building them
    #[arg(long)]
    binaries: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// Through all four daemons
    WholeWay,
    /// Through S-GW and P-GW
    Gateways,
}

/// How much is measured.
struct Amount {
    /// So many subscribers in all, one after the other.
    subscribers: &'static [u32],
    creating: Duration,
}

pub(crate) fn main(args: &Args) -> ExitCode {
    let result = match sandbox::is_inside() {
        true => inside(args),
        false if cfg!(debug_assertions) => optimized(),
        false => outside(args),
    };
    result.unwrap_or_else(|error| {
        eprintln!("bench: {error:#}");
        ExitCode::FAILURE
    })
}

/// Without optimisation the load would measure itself: this program again, built for speed.
fn optimized() -> Result<ExitCode> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["run", "--release", "--package", "xtask", "--"]);
    let error = command.args(env::args_os().skip(1)).exec();
    Err(error).context("start cargo")
}

fn outside(args: &Args) -> Result<ExitCode> {
    sandbox::probe()?;
    enter_sandbox(args.binaries.as_deref(), &args.profile, args.out.as_deref())
}

fn inside(args: &Args) -> Result<ExitCode> {
    let (daemons, directory) = lab()?;
    let (rounds, amount) = match args.quick {
        true => (
            1,
            Amount {
                subscribers: &[1_000, 10_000],
                creating: Duration::from_millis(500),
            },
        ),
        false => (
            args.rounds,
            Amount {
                subscribers: &[1_000, 10_000, 100_000],
                creating: Duration::from_secs(args.seconds.into()),
            },
        ),
    };
    println!("{}", machine());
    let mut report = Report::default();
    for round in 1..=rounds {
        println!("round {round} of {rounds}, load average {}", load_average());
        if args.only != Some(Part::Gateways) {
            whole_way::measure(&daemons, &directory, &amount, &mut report).context("the whole way")?;
        }
        if args.only != Some(Part::WholeWay) {
            gateways::measure(&daemons, &directory, &amount, &mut report).context("the gateways")?;
        }
    }
    let circumstances = format!("{}, load average at the end {}", machine(), load_average());
    let table = report.table(&circumstances);
    println!("\n{table}");
    let path = directory.join("control.md");
    fs::write(&path, table).with_context(|| format!("write {}", path.display()))?;
    println!("{}", path.display());
    Ok(ExitCode::SUCCESS)
}
