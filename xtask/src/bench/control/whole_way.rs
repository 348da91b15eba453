//! Through all four daemons: an eNB with one subscriber is told of more by SIGHUP, and they attach.
//!
//! An attach is over at the last message of its procedure, Modify Bearer Response on S11. When messages pass is read
//! from the counters of the MME's network devices, which disturbs nobody.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, thread};

use anyhow::{Context, Result, ensure};
use epc_lab::{Daemons, Node, Traffic, wait_for, yaml};
use nix::sys::signal::Signal;

use super::Amount;
use super::nodes::{self, Keep, Nodes, Usage};
use super::report::Report;

/// How often the counters are looked at.
const INTERVAL: Duration = Duration::from_millis(1);
/// Silence after which nothing more comes.
const SILENCE: Duration = Duration::from_millis(200);
/// The longest that attaches may take.
const PATIENCE: Duration = Duration::from_secs(120);

pub(super) fn measure(
    daemons: &Daemons,
    directory: &Path,
    amount: &Amount,
    report: &mut Report,
) -> Result<()> {
    let mut nodes = start(Keep::Nothing, daemons, directory)?;
    let first = nodes.usage()?;
    let mut before = 1;
    for &subscribers in amount.subscribers {
        let attaches = subscribers - before;
        let used = nodes.usage()?;
        let took = attach(&mut nodes, subscribers, attaches, directory)?;
        let using = nodes.usage()?;
        let count = f64::from(attaches);
        let title = thousands(subscribers);
        if before == 1 {
            report.add(
                &format!("{title} subscribers attached, ms"),
                took.as_secs_f64() * 1e3,
            );
        } else {
            report.add(&format!("attaches/s, to {title}"), count / took.as_secs_f64());
            for (node, spent) in changes(&used, &using, |usage| usage.cpu.as_secs_f64()) {
                let name = node.title();
                report.add(
                    &format!("CPU an attach, to {title}, {name}, µs"),
                    spent * 1e6 / count,
                );
            }
            for (node, grown) in changes(&first, &using, |usage| usage.memory as f64) {
                let name = node.title();
                let all = f64::from(subscribers - 1);
                report.add(&format!("memory a session, {title}, {name}, octets"), grown / all);
            }
        }
        before = subscribers;
    }
    report.add(
        "messages repeated or discarded on the whole way",
        nodes.repeated_or_discarded()?,
    );
    drop(nodes);

    let mut nodes = start(Keep::Sessions, daemons, directory)?;
    // The caches fill, as above.
    attach(&mut nodes, 1_000, 999, directory)?;
    let took = attach(&mut nodes, 10_000, 9_000, directory)?;
    let title = Keep::Sessions.title("attaches/s, to 10,000");
    report.add(&title, 9_000.0 / took.as_secs_f64());
    Ok(())
}

/// Four daemons, and one subscriber that is attached.
fn start(keep: Keep, daemons: &Daemons, directory: &Path) -> Result<Nodes> {
    let mut nodes = Nodes::new()?;
    nodes.start_gateways(keep, daemons, directory)?;
    nodes.start(Node::Mme, &nodes::mme(), daemons, directory)?;
    let enb = yaml::enb(&[]) + &yaml::silent(1, 1);
    nodes.start(Node::Enb, &enb, daemons, directory)?;
    wait_for("the first attach", PATIENCE, || attached(&nodes, 1))?;
    Ok(nodes)
}

/// Names so many subscribers in all to the eNB, and tells how long it takes until they are attached.
fn attach(nodes: &mut Nodes, subscribers: u32, attaches: u32, directory: &Path) -> Result<Duration> {
    let file = directory.join("enb.yml");
    let text = yaml::enb(&[]) + &yaml::silent(1, subscribers);
    fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
    let mme = nodes.epc.namespace(Node::Mme).clone();
    let start = mme.run(Count::here)?;
    nodes.process(Node::Enb)?.signal(Signal::SIGHUP)?;
    // Create Session Response and Modify Bearer Response.
    let took = mme.run(|| watch(start, 2 * u64::from(attaches)))?;
    wait_for("all attaches", PATIENCE, || attached(nodes, subscribers))?;
    Ok(took)
}

/// From the first message of an eNB until the last one of the S-GW.
fn watch(start: Count, answers: u64) -> Result<Duration> {
    let began = Instant::now();
    let mut first = None;
    let mut last = (Instant::now(), start.from_sgw);
    while last.1 - start.from_sgw < answers || last.0.elapsed() < SILENCE {
        thread::sleep(INTERVAL);
        let count = Count::here()?;
        if count.from_enb > start.from_enb {
            first.get_or_insert_with(Instant::now);
        }
        if count.from_sgw > last.1 {
            last = (Instant::now(), count.from_sgw);
        }
        ensure!(
            began.elapsed() < PATIENCE,
            "{} of {answers} answers of the S-GW came",
            last.1 - start.from_sgw
        );
    }
    let first = first.context("no message of the eNB was seen")?;
    Ok(last.0 - first)
}

/// Packets that the MME has received.
#[derive(Clone, Copy)]
struct Count {
    from_enb: u64,
    from_sgw: u64,
}

impl Count {
    /// For a thread that is in the namespace.
    fn here() -> Result<Count> {
        let traffic = Traffic::here()?;
        let received = |device: &str| {
            let of_device = |traffic: &&Traffic| traffic.device == device;
            traffic
                .iter()
                .find(of_device)
                .map(|traffic| traffic.received_packets)
                .with_context(|| format!("no device {device}"))
        };
        Ok(Count {
            from_enb: received("s1mme")?,
            from_sgw: received("s11")?,
        })
    }
}

fn attached(nodes: &Nodes, subscribers: u32) -> Result<(), String> {
    let sessions = nodes.metric(Node::Enb, "active_sessions_total")?;
    match sessions == f64::from(subscribers) {
        true => Ok(()),
        false => Err(format!("{sessions} sessions")),
    }
}

fn changes(before: &[(Node, Usage)], after: &[(Node, Usage)], of: impl Fn(Usage) -> f64) -> Vec<(Node, f64)> {
    let change =
        |((node, before), (_, after)): (&(Node, Usage), &(Node, Usage))| (*node, of(*after) - of(*before));
    before.iter().zip(after).map(change).rev().collect()
}

fn thousands(number: u32) -> String {
    format!("{},{:03}", number / 1000, number % 1000)
}
