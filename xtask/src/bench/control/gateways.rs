//! Through S-GW and P-GW: the bench is the MME and speaks on S11, with so many requests outstanding or at so many a
//! second.

use std::path::Path;

use anyhow::Result;
use epc_lab::{Daemons, Node};

use super::Amount;
use super::load::{Load, Outcome, Pace, Work};
use super::nodes::{self, Nodes};
use super::report::Report;

/// Requests outstanding.
const WINDOWS: [usize; 4] = [1, 4, 16, 64];

pub(super) fn measure(
    daemons: &Daemons,
    directory: &Path,
    amount: &Amount,
    report: &mut Report,
) -> Result<()> {
    let mut nodes = Nodes::new()?;
    nodes.start(Node::Pgw, &nodes::pgw(), daemons, directory)?;
    nodes.start(Node::Sgw, &nodes::sgw(), daemons, directory)?;
    let mut load = Load::new(nodes.epc.namespace(Node::Mme))?;
    // Neighbours, caches and allocators are warm from here on.
    load.run(Work::Create, Pace::Window(16), amount.creating / 4)?;
    load.run(Work::Delete, Pace::Window(16), amount.creating)?;

    let mut failures = 0;
    let mut fastest = 0.0_f64;
    for window in WINDOWS {
        let before = nodes.usage()?;
        let created = load.run(Work::Create, Pace::Window(window), amount.creating)?;
        let after = nodes.usage()?;
        let deleted = load.run(Work::Delete, Pace::Window(window), amount.creating)?;
        report.add(&format!("Create Session/s, window {window}"), created.rate());
        latencies(report, &format!("Create Session, window {window}"), &created);
        report.add(&format!("Delete Session/s, window {window}"), deleted.rate());
        if window == 64 {
            for ((node, before), (_, after)) in before.iter().zip(&after).rev() {
                let spent = (after.cpu - before.cpu).as_secs_f64() * 1e6;
                let title = format!("CPU a Create Session, {}, µs", node.title());
                report.add(&title, spent / created.count() as f64);
            }
        }
        fastest = fastest.max(created.rate());
        failures += created.failures + deleted.failures;
    }

    let attached = load.run(Work::Attach, Pace::Window(64), amount.creating)?;
    report.add("Create Session and Modify Bearer/s, window 64", attached.rate());
    let deleted = load.run(Work::Delete, Pace::Window(64), amount.creating)?;
    failures += attached.failures + deleted.failures;

    let half = load.run(Work::Create, Pace::PerSecond(fastest / 2.0), amount.creating)?;
    latencies(report, "Create Session at half load", &half);
    let deleted = load.run(Work::Delete, Pace::Window(64), amount.creating)?;
    failures += half.failures + deleted.failures;

    report.add("refused or unanswered on S11", failures as f64);
    Ok(())
}

fn latencies(report: &mut Report, what: &str, outcome: &Outcome) {
    report.add(&format!("{what}, p50, µs"), outcome.microseconds(0.50));
    report.add(&format!("{what}, p99, µs"), outcome.microseconds(0.99));
}
