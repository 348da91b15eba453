//! Through S-GW and P-GW: the bench is the MME and speaks on S11, with so many requests outstanding or at so many a
//! second.

use std::path::Path;

use anyhow::Result;
use epc_lab::{Daemons, Node};

use super::Amount;
use super::load::{Load, Outcome, Pace, Work};
use super::nodes::{Keep, Nodes};
use super::report::Report;

/// Requests outstanding.
const WINDOWS: [usize; 4] = [1, 4, 16, WIDEST];
const WIDEST: usize = 64;

pub(super) fn measure(
    daemons: &Daemons,
    directory: &Path,
    amount: &Amount,
    report: &mut Report,
) -> Result<()> {
    let mut failures = 0;
    let (nodes, mut load) = start(Keep::Nothing, daemons, directory, amount)?;
    let mut fastest = 0.0_f64;
    for window in WINDOWS {
        let before = nodes.usage()?;
        let created = load.run(Work::Create, Pace::Window(window), amount.creating)?;
        let after = nodes.usage()?;
        let deleted = load.run(Work::Delete, Pace::Window(window), amount.creating)?;
        report.add(&format!("Create Session/s, window {window}"), created.rate());
        latencies(report, &format!("Create Session, window {window}"), &created);
        report.add(&format!("Delete Session/s, window {window}"), deleted.rate());
        if window == WIDEST {
            for ((node, before), (_, after)) in before.iter().zip(&after).rev() {
                let spent = (after.cpu - before.cpu).as_secs_f64() * 1e6;
                let title = format!("CPU a Create Session, {}, µs", node.title());
                report.add(&title, spent / created.count() as f64);
            }
        }
        fastest = fastest.max(created.rate());
        failures += created.failures + deleted.failures;
    }
    let attached = load.run(Work::Attach, Pace::Window(WIDEST), amount.creating)?;
    report.add("Create Session and Modify Bearer/s, window 64", attached.rate());
    let deleted = load.run(Work::Delete, Pace::Window(WIDEST), amount.creating)?;
    failures += attached.failures + deleted.failures;

    let half = load.run(Work::Create, Pace::PerSecond(fastest / 2.0), amount.creating)?;
    latencies(report, "Create Session at half load", &half);
    failures += half.failures;

    // The kernel ends these before the next ones begin.
    drop((nodes, load));
    let (_nodes, mut load) = start(Keep::Sessions, daemons, directory, amount)?;
    let created = load.run(Work::Create, Pace::Window(WIDEST), amount.creating)?;
    let deleted = load.run(Work::Delete, Pace::Window(WIDEST), amount.creating)?;
    for (what, outcome) in [("Create Session", &created), ("Delete Session", &deleted)] {
        let title = format!("{what}/s, window {WIDEST}");
        report.add(&Keep::Sessions.title(&title), outcome.rate());
    }
    failures += created.failures + deleted.failures;
    report.add("refused or unanswered on S11", failures as f64);
    Ok(())
}

fn start(keep: Keep, daemons: &Daemons, directory: &Path, amount: &Amount) -> Result<(Nodes, Load)> {
    let mut nodes = Nodes::new()?;
    nodes.start_gateways(keep, daemons, directory)?;
    let mut load = Load::new(nodes.epc.namespace(Node::Mme))?;
    // Neighbours, caches and allocators are warm from here on.
    load.run(Work::Create, Pace::Window(16), amount.creating / 4)?;
    load.run(Work::Delete, Pace::Window(16), amount.creating)?;
    Ok((nodes, load))
}

fn latencies(report: &mut Report, what: &str, outcome: &Outcome) {
    report.add(&format!("{what}, p50, µs"), outcome.microseconds(0.50));
    report.add(&format!("{what}, p99, µs"), outcome.microseconds(0.99));
}
