//! Four daemons in a lab, and how to wait for what they should come to.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use epc_lab::http::{self, Metrics};
use epc_lab::{Daemons, Epc, LinkOptions, Namespace, Node, Process, ReferencePoint, ping, wait_for, yaml};
use libtest_mimic::Failed;

/// How long a state may take, on a slow machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// How long an orderly stop may take: the grace period of the daemons and some.
pub(crate) const GRACE: Duration = Duration::from_secs(20);

/// Peers are asked often whether they are there, so that a lost one is noticed soon.
pub(crate) const WATCHFUL_GTP: &str = "gtp_c: { t3_response: 0.5, n3_requests: 4, echo_interval: 1 }\n";
/// The same on S1-MME.
pub(crate) const WATCHFUL_S1AP: &str =
    "s1ap: { retry_interval: 0.5, max_attempts: 6, probe_interval: 1, peer_timeout: 5 }\n";

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// An EPC with the daemons that were started in it.
pub(crate) struct Lab {
    pub(crate) epc: Epc,
    daemons: Daemons,
    directory: PathBuf,
    running: BTreeMap<Node, Process>,
    environment: Vec<(&'static str, String)>,
}

/// Runs `test` in a lab of its own. A failure brings the last lines of all logs.
pub(crate) fn in_lab(name: &str, test: impl FnOnce(&mut Lab) -> Outcome) -> Result<(), Failed> {
    let mut lab = Lab::new(name).map_err(|error| Failed::from(error.to_string()))?;
    let outcome = test(&mut lab);
    outcome.map_err(|error| Failed::from(format!("{error}\n{}", lab.last_words())))
}

/// An empty directory for the files of a test.
pub(crate) fn directory(test: &str) -> Outcome<PathBuf> {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("netns").join(test);
    if directory.exists() {
        fs::remove_dir_all(&directory)?;
    }
    fs::create_dir_all(&directory)?;
    Ok(directory)
}

/// The programs that were built outside.
pub(crate) fn daemons() -> Outcome<Daemons> {
    let directory = std::env::var_os(crate::BINARIES).ok_or("tests are started by the outer process")?;
    Ok(Daemons::in_directory(directory))
}

impl Lab {
    fn new(test: &str) -> Outcome<Lab> {
        let lab = Lab {
            epc: Epc::new(&LinkOptions::default())?,
            daemons: daemons()?,
            directory: directory(test)?,
            running: BTreeMap::new(),
            environment: Vec::new(),
        };
        lab.configure(Node::Mme, &(yaml::mme() + WATCHFUL_GTP + WATCHFUL_S1AP))?;
        lab.configure(Node::Sgw, &(yaml::sgw() + WATCHFUL_GTP))?;
        lab.configure(Node::Pgw, &(yaml::pgw() + WATCHFUL_GTP))?;
        Ok(lab)
    }

    /// Where the files of this test are.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(crate) fn namespace(&self, node: Node) -> &Namespace {
        self.epc.namespace(node)
    }

    /// A variable for daemons that are started from now on.
    pub(crate) fn set(&mut self, variable: &'static str, value: &str) {
        self.environment.push((variable, value.to_owned()));
    }

    pub(crate) fn configure(&self, node: Node, yaml: &str) -> Outcome {
        Ok(fs::write(self.config(node), yaml)?)
    }

    /// `enb.yml` with these subscribers.
    pub(crate) fn configure_enb(&self, subscribers: &[String]) -> Outcome {
        self.configure(Node::Enb, &(yaml::enb(subscribers) + WATCHFUL_S1AP))
    }

    fn config(&self, node: Node) -> PathBuf {
        self.file(&format!("{}.yml", node.name()))
    }

    /// A file of this test.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(crate) fn start(&mut self, node: Node) -> Outcome {
        let mut command = self.daemons.command(node, &self.config(node), &self.directory);
        command.envs(self.environment.iter().map(|(variable, value)| (variable, value)));
        let log = self.directory.join(format!("{}.log", node.name()));
        let process = self.namespace(node).spawn(node.name(), command, &log)?;
        self.running.insert(node, process);
        Ok(())
    }

    pub(crate) fn start_all(&mut self) -> Outcome {
        Daemons::NODES.into_iter().try_for_each(|node| self.start(node))
    }

    pub(crate) fn process(&mut self, node: Node) -> &mut Process {
        self.running.get_mut(&node).expect("the test started it")
    }

    /// SIGTERM; the daemon has to end with 0 within its grace period.
    pub(crate) fn terminate(&mut self, node: Node) -> Outcome {
        let status = self.process(node).terminate(GRACE)?;
        self.running.remove(&node);
        match status.success() {
            true => Ok(()),
            false => Err(format!("{} was asked to stop and ended with {status}", node.title()).into()),
        }
    }

    pub(crate) fn kill(&mut self, node: Node) -> Outcome {
        self.process(node).kill()?;
        self.running.remove(&node);
        Ok(())
    }

    /// Waits until every daemon that runs reports so many sessions.
    pub(crate) fn wait_for_sessions(&mut self, expected: u32) -> Outcome {
        let nodes: Vec<Node> = self.running.keys().copied().collect();
        self.wait_for_sessions_at(&nodes, expected)
    }

    pub(crate) fn wait_for_sessions_at(&mut self, nodes: &[Node], expected: u32) -> Outcome {
        let what = format!("{expected} sessions at {nodes:?}");
        let Lab { running, epc, .. } = self;
        let mut dead = None;
        wait_for(&what, PATIENCE, || {
            for (node, process) in running.iter_mut() {
                if let Ok(Some(status)) = process.exit_status() {
                    dead = Some(format!("{} ended with {status}", node.title()));
                    return Ok(());
                }
            }
            for node in nodes {
                match sessions(epc.namespace(*node), *node)? {
                    found if found == f64::from(expected) => {}
                    found => return Err(format!("{} has {found}", node.title())),
                }
            }
            Ok(())
        })?;
        match dead {
            Some(dead) => Err(format!("while waiting for {what}, {dead}").into()),
            None => Ok(()),
        }
    }

    pub(crate) fn wait_until_ready(&self, node: Node) -> Outcome {
        let what = format!("{} to be ready", node.title());
        Ok(wait_for(&what, PATIENCE, || {
            http::ready(self.namespace(node), metrics_address())
        })?)
    }

    pub(crate) fn metrics(&self, node: Node) -> Outcome<Metrics> {
        Ok(Metrics::of(self.namespace(node), metrics_address())?)
    }

    /// How many messages of a type a node has received.
    pub(crate) fn received(&self, node: Node, message: &str) -> Outcome<f64> {
        let name = format!("{}_messages_received_total", node.name());
        let label = format!("type=\"{message}\"");
        Ok(self.metrics(node)?.value_where(&name, &label).unwrap_or(0.0))
    }

    /// The external client pings the server; the way may still be coming up.
    pub(crate) fn wait_for_ping(&self) -> Outcome {
        let server = ReferencePoint::Sgi.address(Node::Server);
        Ok(wait_for("an echo through the tunnel", PATIENCE, || {
            let limit = Duration::from_millis(500);
            ping::ping(self.namespace(Node::Ue), None, server, 1, 56, limit)
                .map_err(|error| error.to_string())
        })
        .map(drop)?)
    }

    fn last_words(&self) -> String {
        let mut words = format!("files are in {}\n", self.directory.display());
        for node in Daemons::NODES {
            let log = self.directory.join(format!("{}.log", node.name()));
            let text = fs::read_to_string(log).unwrap_or_default();
            let lines: Vec<&str> = text.lines().collect();
            for line in &lines[lines.len().saturating_sub(12)..] {
                words.push_str(&format!("{:<5} {line}\n", node.title()));
            }
        }
        words
    }
}

pub(crate) fn metrics_address() -> SocketAddr {
    yaml::METRICS.parse().expect("an address and a port")
}

pub(crate) fn sessions(namespace: &Namespace, node: Node) -> Result<f64, String> {
    let metrics = Metrics::of(namespace, metrics_address()).map_err(|error| error.to_string())?;
    let name = format!("{}_active_sessions_total", node.name());
    metrics
        .value(&name)
        .ok_or_else(|| format!("{} has no {name}", node.title()))
}

/// A subscriber that attaches and sends nothing.
pub(crate) fn silent(number: u32, more_keys: &str) -> String {
    format!("  - imsi: \"{}\"\n{more_keys}", yaml::imsi(number))
}

/// The namespace is as it was. The kernel takes a device down a moment after its process is gone, so this is awaited.
pub(crate) fn wait_for_inventory(namespace: &Namespace, before: &[String]) -> Outcome {
    epc_lab::wait_for("the namespace as it was", GRACE, || {
        let after = namespace.inventory().map_err(|error| error.to_string())?;
        if after == before {
            return Ok(());
        }
        Err(format!("before: {before:#?}, after: {after:#?}"))
    })?;
    Ok(())
}

pub(crate) fn expect(condition: bool, otherwise: impl FnOnce() -> String) -> Outcome {
    match condition {
        true => Ok(()),
        false => Err(otherwise().into()),
    }
}
