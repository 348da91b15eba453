//! Checks this crate against files of real messages and what other decoders read from them.
//!
//!     cargo run --release -p epc-codec --example conformance -- FILE.jsonl ...
//!
//! Each line of a file is an item: `proto` says what it is, `verdict` makes it a malformed one. For each that fails it
//! prints `ID: what differs`, and at the end `N passed, M failed`; the exit status is 1 if any failed.

mod gtp;
#[cfg(feature = "s1ap")]
mod s1ap;

use std::env;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::process::ExitCode;

use serde_json::Value;

#[derive(Default)]
struct Tally {
    passed: u64,
    failed: u64,
    refused: u64,
}

fn main() -> ExitCode {
    let files: Vec<_> = env::args_os().skip(1).collect();
    if files.is_empty() {
        eprintln!("usage: conformance FILE.jsonl ...");
        return ExitCode::from(2);
    }
    let mut tally = Tally::default();
    for file in &files {
        if let Err(error) = check_file(file.as_ref(), &mut tally) {
            eprintln!("{}: {error}", file.display());
            return ExitCode::from(2);
        }
    }
    if tally.refused > 0 {
        let refused = tally.refused;
        println!(
            "{refused} passed in the lower layer; the upper one refuses them, for an IE that is missing or unreadable"
        );
    }
    println!("{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn check_file(path: &std::path::Path, tally: &mut Tally) -> io::Result<()> {
    for line in BufReader::new(File::open(path)?).lines() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let item: Value = serde_json::from_str(&line)?;
        match check(&item) {
            Ok(gtp::Outcome::Whole) => tally.passed += 1,
            Ok(gtp::Outcome::LowerLayer) => {
                tally.passed += 1;
                tally.refused += 1;
            }
            Err(difference) => {
                tally.failed += 1;
                println!(
                    "{}: {difference}",
                    item["id"].as_str().unwrap_or("item without id")
                );
            }
        }
    }
    Ok(())
}

fn check(item: &Value) -> Result<gtp::Outcome, String> {
    match item["proto"].as_str() {
        Some("gtpv2c") => gtp::check_gtpv2c(item),
        Some("gtpv2c-ie") => gtp::check_gtpv2c_ie(item).map(|()| gtp::Outcome::Whole),
        Some("gtpu") => gtp::check_gtpu(item).map(|()| gtp::Outcome::Whole),
        Some("s1ap") => check_s1ap(item),
        other => Err(format!("proto {other:?} is not known")),
    }
}

#[cfg(feature = "s1ap")]
fn check_s1ap(item: &Value) -> Result<gtp::Outcome, String> {
    let whole = s1ap::check(item)?;
    Ok(if whole {
        gtp::Outcome::Whole
    } else {
        gtp::Outcome::LowerLayer
    })
}

#[cfg(not(feature = "s1ap"))]
fn check_s1ap(_: &Value) -> Result<gtp::Outcome, String> {
    Err("built without the feature s1ap".to_owned())
}
