//! `cargo xtask demo`: four daemons, two subscribers, a page through the tunnels.
//!
//! ```text
//! outside   cargo builds the daemons, what an earlier demo left goes, the sandbox starts
//! inside    story::tell: the lab, the daemons, the call flow, the user plane, the end
//! ```

mod configs;
mod show;
mod story;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use anyhow::{Context, Result, bail};
use epc_lab::sandbox;
use epc_lab::{Daemons, Node};

/// Where the inner process finds what the outer one prepared.
const BINARIES: &str = "GW_TESTER_DEMO_BINARIES";
const DIRECTORY: &str = "GW_TESTER_DEMO_DIRECTORY";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Leave the lab up, and say how to enter it
    #[arg(long, conflicts_with = "down")]
    keep: bool,
    /// How many subscribers attach
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(2..=1_000_000), conflicts_with = "down")]
    subscribers: u32,
    /// End the lab that --keep left up
    #[arg(long)]
    down: bool,
}

pub(crate) fn main(args: &Args) -> ExitCode {
    if sandbox::is_inside() {
        return inside(args);
    }
    let code = if args.down { down() } else { outside() };
    match code {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn down() -> Result<u8> {
    let labs = sandbox::find(DIRECTORY, directory().as_os_str());
    if labs.is_empty() {
        println!("No lab is up.");
    }
    for lab in labs {
        lab.end()?;
        println!("The lab of process {} is gone.", lab.pid);
    }
    Ok(0)
}

fn outside() -> Result<u8> {
    // Before minutes of building: can it work here at all?
    sandbox::probe()?;
    let directory = directory();
    let earlier = sandbox::find(DIRECTORY, directory.as_os_str());
    if let Some(lab) = earlier.iter().find(|lab| lab.attended) {
        bail!(
            "a demo is running already (process {}): stop it, or end it with `cargo xtask demo --down`",
            lab.pid
        );
    }
    let daemons = Daemons::build("release")?;
    for lab in earlier {
        lab.end()?;
        println!(
            "The lab that an earlier demo left, of process {}, is gone.",
            lab.pid
        );
    }
    remove_old_files(&directory)?;
    fs::create_dir_all(&directory).with_context(|| format!("create {}", directory.display()))?;
    let variables: [(&str, &OsStr); 2] = [
        (BINARIES, daemons.directory().as_os_str()),
        (DIRECTORY, directory.as_os_str()),
    ];
    let outcome = sandbox::run(&variables)?;
    Ok(u8::try_from(outcome.exit_code()).unwrap_or(1))
}

/// `target/demo`, whatever target is called here: this program is in target/debug.
fn directory() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    let target = program.parent().and_then(Path::parent);
    target.unwrap_or(Path::new("target")).join("demo")
}

/// What an earlier demo wrote, so that nobody takes it for this one's.
fn remove_old_files(directory: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(directory) else {
        return Ok(());
    };
    for entry in entries {
        let path = entry?.path();
        fs::remove_file(&path).with_context(|| format!("remove {}", path.display()))?;
    }
    Ok(())
}

fn inside(args: &Args) -> ExitCode {
    let (Some(binaries), Some(directory)) = (env::var_os(BINARIES), env::var_os(DIRECTORY)) else {
        eprintln!("demo: started without its environment; use `cargo xtask demo`");
        return ExitCode::FAILURE;
    };
    let directory = PathBuf::from(directory);
    let daemons = Daemons::in_directory(binaries);
    let Err(failure) = story::tell(args, &daemons, &directory) else {
        return ExitCode::SUCCESS;
    };
    println!("\n{failure}");
    println!(
        "Logs, configurations and demo.pcapng are in {}",
        directory.display()
    );
    ExitCode::FAILURE
}

/// Which node is at fault, why, and what it said last.
#[derive(Debug)]
struct Failure {
    node: Option<Node>,
    why: String,
    last_lines: Vec<String>,
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whose = self.node.map_or("the lab", Node::title);
        write!(f, "FAILED at {whose}: {}", self.why)?;
        if !self.last_lines.is_empty() {
            write!(f, "\n{whose} said last:")?;
        }
        for line in &self.last_lines {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}

impl Failure {
    fn of_lab(why: String) -> Failure {
        Failure {
            node: None,
            why,
            last_lines: Vec::new(),
        }
    }
}

impl From<epc_lab::Error> for Failure {
    fn from(error: epc_lab::Error) -> Failure {
        Failure::of_lab(error.to_string())
    }
}
