//! The daemons: started, and asked what they used.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use epc_lab::http::{self, Metrics};
use epc_lab::{Daemons, Epc, LinkOptions, Node, Process, wait_for, yaml};

const PATIENCE: Duration = Duration::from_secs(60);

/// An EPC some of whose nodes run.
pub(super) struct Nodes {
    pub(super) epc: Epc,
    running: Vec<(Node, Process)>,
}

/// What a node has used up to now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Usage {
    pub(super) cpu: Duration,
    /// Octets.
    pub(super) memory: u64,
}

impl Nodes {
    pub(super) fn new() -> Result<Nodes> {
        Ok(Nodes {
            epc: Epc::new(&LinkOptions::default())?,
            running: Vec::new(),
        })
    }

    /// Starts a node, and waits until it serves.
    pub(super) fn start(
        &mut self,
        node: Node,
        config: &str,
        daemons: &Daemons,
        directory: &Path,
    ) -> Result<()> {
        let name = node.name();
        let file = directory.join(format!("{name}.yml"));
        fs::write(&file, config).with_context(|| format!("write {}", file.display()))?;
        let log = directory.join(format!("{name}.log"));
        // What an earlier round said is not this one's.
        let _ = fs::remove_file(&log);
        let command = daemons.command(node, &file, directory);
        let process = self.epc.namespace(node).spawn(name, command, &log)?;
        self.running.push((node, process));
        let namespace = self.epc.namespace(node);
        wait_for(&format!("{name} to serve"), PATIENCE, || {
            http::ready(namespace, metrics_address()?)
        })?;
        Ok(())
    }

    pub(super) fn process(&mut self, node: Node) -> Result<&mut Process> {
        let running = self.running.iter_mut().find(|(other, _)| *other == node);
        running
            .map(|(_, process)| process)
            .with_context(|| format!("{} does not run", node.name()))
    }

    pub(super) fn usage(&self) -> Result<Vec<(Node, Usage)>> {
        let usage = |(node, process): &(Node, Process)| {
            let usage = Usage {
                cpu: process.cpu_time()?,
                memory: process.proportional_memory()?,
            };
            Some((*node, usage))
        };
        let all: Option<Vec<_>> = self.running.iter().map(usage).collect();
        all.context("a daemon has ended; its log tells why")
    }

    /// A metric of a node, `{node}_{metric}`, summed over its labels; 0 while there is none.
    pub(super) fn metric(&self, node: Node, metric: &str) -> Result<f64, String> {
        let metrics = Metrics::of(self.epc.namespace(node), metrics_address()?)
            .map_err(|error| format!("{}: {error}", node.name()))?;
        let value = metrics.value(&format!("{}_{metric}", node.name()));
        Ok(value.unwrap_or(0.0))
    }

    /// Messages that the nodes sent again, and what they did not act upon.
    pub(super) fn repeated_or_discarded(&self) -> Result<f64> {
        let mut sum = 0.0;
        for (node, _) in &self.running {
            for metric in ["messages_repeated_total", "messages_discarded_total"] {
                sum += self.metric(*node, metric).map_err(anyhow::Error::msg)?;
            }
        }
        Ok(sum)
    }
}

fn metrics_address() -> Result<std::net::SocketAddr, String> {
    yaml::METRICS.parse().map_err(|error| format!("{error}"))
}

/// Whether S-GW and P-GW keep their sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    Nothing,
    /// With `session_store`, empty at the start.
    Sessions,
}

impl Keep {
    /// What figures with it are called.
    pub(super) fn title(self, what: &str) -> String {
        match self {
            Keep::Nothing => what.to_owned(),
            Keep::Sessions => format!("{what}, session_store"),
        }
    }

    fn config(self, node: Node, directory: &Path) -> Result<String> {
        if self == Keep::Nothing {
            return Ok(String::new());
        }
        let store = directory.join(format!("{}.store", node.name()));
        match fs::remove_dir_all(&store) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("remove {}", store.display()))
            }
            _ => Ok(format!("session_store: {:?}\n", store.display().to_string())),
        }
    }
}

impl Nodes {
    /// A P-GW with addresses for everybody, and an S-GW.
    pub(super) fn start_gateways(&mut self, keep: Keep, daemons: &Daemons, directory: &Path) -> Result<()> {
        let pgw = yaml::pgw() + "ue_pools: [10.64.0.0/10]\n" + QUIET + &keep.config(Node::Pgw, directory)?;
        self.start(Node::Pgw, &pgw, daemons, directory)?;
        // The bench takes sessions into use or not, as it measures.
        let sgw = yaml::sgw() + "setup_timeout: 600\n" + QUIET + &keep.config(Node::Sgw, directory)?;
        self.start(Node::Sgw, &sgw, daemons, directory)
    }
}

pub(super) fn mme() -> String {
    yaml::mme() + QUIET
}

/// Echo Requests would be counted among what is measured.
const QUIET: &str = "gtp_c: {echo_interval: 3600}\n";
