//! The configuration files that people of go-gtp's gw-tester have, unchanged, all on one loopback.

use std::fs;
use std::path::Path;

use epc_lab::Node::{Enb, Mme, Pgw, Sgw};
use epc_lab::http::Metrics;
use epc_lab::{Namespace, Node, Process, wait_for};
use libtest_mimic::Failed;

use crate::Test;
use crate::lab::{GRACE, Outcome, PATIENCE, daemons, directory, expect, wait_for_inventory};

pub(crate) const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/peer-config");

pub(crate) const TESTS: &[Test] = &[
    ("files_of_go_gtp_enb_first", || {
        in_order("enb-first", [Enb, Mme, Sgw, Pgw])
    }),
    ("files_of_go_gtp_pgw_first", || {
        in_order("pgw-first", [Pgw, Sgw, Mme, Enb])
    }),
    ("files_of_go_gtp_sgw_last", || {
        in_order("sgw-last", [Enb, Pgw, Mme, Sgw])
    }),
    ("files_of_go_gtp_mme_last", || {
        in_order("mme-last", [Sgw, Enb, Pgw, Mme])
    }),
];

/// The metrics that go-gtp's own CI looks for, and where its files put them.
const METRICS: [(Node, &str); 4] = [
    (Enb, "127.0.10.1:58080"),
    (Mme, "127.0.10.2:58080"),
    (Sgw, "127.0.10.3:58080"),
    (Pgw, "127.0.10.4:58080"),
];

pub(crate) fn files_are_there() -> bool {
    METRICS.iter().all(|(node, _)| Path::new(&file(*node)).is_file())
}

fn file(node: Node) -> String {
    format!("{DIRECTORY}/go-gtp-{}.yml", node.name())
}

/// Each daemon is started when the one before it is listening.
fn in_order(test: &str, order: [Node; 4]) -> Result<(), Failed> {
    let directory = directory(&format!("go-gtp-{test}")).map_err(|error| error.to_string())?;
    let outcome = five_sessions(&directory, order);
    outcome.map_err(|error| {
        let logs: String = order
            .iter()
            .map(|node| {
                let log =
                    fs::read_to_string(directory.join(format!("{}.log", node.name()))).unwrap_or_default();
                let lines: Vec<&str> = log.lines().collect();
                format!(
                    "{}:\n{}\n",
                    node.title(),
                    lines[lines.len().saturating_sub(10)..].join("\n")
                )
            })
            .collect();
        Failed::from(format!("{error}\n{logs}"))
    })
}

fn five_sessions(directory: &Path, order: [Node; 4]) -> Outcome {
    let host = Namespace::new("host")?;
    let untouched = host.inventory()?;
    let daemons = daemons()?;
    let mut running: Vec<Process> = Vec::new();
    for node in order {
        let log = directory.join(format!("{}.log", node.name()));
        running.push(host.spawn(
            node.name(),
            daemons.command(node, Path::new(&file(node)), directory),
            &log,
        )?);
        wait_for(&format!("{} to listen", node.title()), PATIENCE, || {
            metrics(&host, node).map(drop)
        })?;
    }
    for (node, _) in METRICS {
        // The line as a grep finds it.
        let line = format!("{}_active_sessions_total 5", node.name());
        wait_for(&line, PATIENCE, || {
            let page = metrics(&host, node)?;
            match page.text().lines().any(|each| each == line) {
                true => Ok(()),
                false => Err(format!(
                    "{:?}",
                    page.value(&format!("{}_active_sessions_total", node.name()))
                )),
            }
        })?;
    }
    for process in running.iter_mut().rev() {
        let status = process.terminate(GRACE)?;
        expect(status.success(), || {
            format!("{} ended with {status}", process.name())
        })?;
    }
    wait_for_inventory(&host, &untouched)
}

fn metrics(host: &Namespace, node: Node) -> Result<Metrics, String> {
    let (_, address) = METRICS
        .into_iter()
        .find(|(each, _)| *each == node)
        .ok_or("no such node")?;
    let address = address.parse().map_err(|_| "no address")?;
    Metrics::of(host, address).map_err(|error| error.to_string())
}
