//! Finds the addresses that a configuration does not name itself, and follows them.
//!
//! ```text
//! configuration ─ Plan::of ─> what is to be looked up ─┬─ local        my address at an interface, in a subnet, of a network
//!                                                      ├─ names        DNS
//!                                                      └─ pods         the Kubernetes API
//! configuration <─ Plan::fill ─ what was found <───────┘
//! ```
//!
//! Our own addresses are awaited and then stay. Those of peers are followed for as long as the node runs. An answer
//! without any address does not take away what was there before: whether a peer lives is for the path to tell.

mod annotations;
#[cfg(feature = "kubernetes")]
mod api_server;
mod local;
mod names;
mod plan;
#[cfg(feature = "kubernetes")]
mod pods;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use epc_node::text::shown;
use ipnet::IpNet;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::AbortHandle;
use tracing::{info, warn};

pub(crate) use names::addresses_of;
pub use plan::AddressKey;
pub(crate) use plan::Plan;

use crate::config::tree::Tree;

/// The environment variable that names the file with the pod's annotations, if it is not [`annotations::FILE`].
pub(crate) const PODINFO: &str = "GWT_PODINFO";

/// Where an address comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Source {
    /// It is written.
    Fixed(IpAddr),
    /// A network device of this host.
    Interface(String),
    /// A subnet in which this host has an address.
    Subnet(IpNet),
    /// A network of this pod, by the annotations of Multus or DANM.
    Network(NetworkName),
    /// DNS.
    Name(String),
    /// The Kubernetes API.
    Pods(PodQuery),
}

/// `lte-s1u`, or `lte/lte-s1u` with its namespace.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct NetworkName {
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
}

/// Pods, and which of their addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PodQuery {
    /// A label selector, as `kubectl get pods -l` takes it.
    pub(crate) selector: String,
    /// The network whose address counts; the pod network if there is none.
    pub(crate) network: Option<NetworkName>,
    /// Where the pods are; where we are if it is not said.
    pub(crate) namespace: Option<String>,
}

/// An address that was found, and the device that has it if that is one of this host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) address: IpAddr,
    pub(crate) device: Option<String>,
}

impl NetworkName {
    fn parse(text: &str) -> Result<NetworkName, String> {
        let part = |part: &str| {
            let good = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_');
            (1..=253).contains(&part.len()) && part.bytes().all(good)
        };
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        if !part(name) || !namespace.is_none_or(part) {
            return Err(format!(
                "`{}` is not the name of a network, expected one such as lte-s1u or lte/lte-s1u",
                shown(text)
            ));
        }
        Ok(NetworkName {
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        })
    }

    /// Whether a network that others call so is this one.
    fn is(&self, name: &str) -> bool {
        match (&self.namespace, name.rsplit_once('/')) {
            (Some(namespace), Some((theirs, name))) => *namespace == theirs && self.name == name,
            (_, None) => self.name == name,
            (None, Some((_, name))) => self.name == name,
        }
    }
}

impl fmt::Display for NetworkName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        f.write_str(&self.name)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Fixed(address) => write!(f, "{address}"),
            Source::Interface(name) => write!(f, "interface {name}"),
            Source::Subnet(subnet) => write!(f, "subnet {subnet}"),
            Source::Network(network) => write!(f, "network {network}"),
            Source::Name(name) => write!(f, "name {name}"),
            Source::Pods(pods) => {
                write!(f, "pods {}", shown(&pods.selector))?;
                match &pods.network {
                    Some(network) => write!(f, " on network {network}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// What a task that looks for addresses tells.
type News = (Source, Result<Vec<Found>, String>);

/// What is looked for, by a task each.
#[derive(Debug)]
pub(crate) struct Discovery {
    followed: HashMap<Source, Followed>,
    tell: UnboundedSender<News>,
    news: UnboundedReceiver<News>,
}

#[derive(Debug)]
struct Followed {
    task: AbortHandle,
    /// What was found last, or why there is nothing yet.
    found: Result<Vec<Found>, String>,
    /// The last look found nothing any more.
    lost: bool,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Discovery {
    pub(crate) fn new() -> Discovery {
        let (tell, news) = unbounded_channel();
        Discovery {
            followed: HashMap::new(),
            tell,
            news,
        }
    }

    /// Looks for these, and for nothing else any more.
    pub(crate) fn want(&mut self, sources: HashSet<Source>) {
        self.followed.retain(|source, _| sources.contains(source));
        for source in sources {
            let tell = Tell {
                source: source.clone(),
                to: self.tell.clone(),
            };
            self.followed.entry(source).or_insert_with_key(|source| Followed {
                found: Err(format!("{source} was not looked up yet")),
                lost: false,
                task: start(source.clone(), tell),
            });
        }
    }

    /// Waits until what was found has changed; for ever if nothing is followed.
    pub(crate) async fn changed(&mut self) {
        while let Some((source, news)) = self.news.recv().await {
            let Some(followed) = self.followed.get_mut(&source) else {
                continue;
            };
            let was_lost = std::mem::replace(&mut followed.lost, news.is_err());
            match (&followed.found, &news) {
                (Ok(before), Ok(now)) if before == now => {}
                (Ok(_), Err(_)) if was_lost => {}
                (Ok(_), Err(why)) => {
                    // A peer that has lost its name may well live.
                    warn!(%source, why, "no address any more; what was found before is kept");
                }
                (Err(before), Err(now)) if before == now => {}
                _ => {
                    followed.found = news;
                    return;
                }
            }
        }
        std::future::pending().await
    }

    /// The configuration with what was found, or what is missing.
    pub(crate) fn fill(&self, plan: &Plan, tree: &Tree, before: Option<&Tree>) -> Result<Tree, Vec<String>> {
        plan.fill(tree, before, |source| match self.followed.get(source) {
            Some(followed) => followed.found.as_deref().map_err(Clone::clone),
            None => Err(format!("{source} is not looked up")),
        })
    }
}

/// Where a task tells what it found.
#[derive(Debug, Clone)]
struct Tell {
    source: Source,
    to: UnboundedSender<News>,
}

impl Tell {
    fn found(&self, found: Vec<Found>) {
        let addresses: Vec<IpAddr> = found.iter().map(|found| found.address).collect();
        tracing::debug!(source = %self.source, ?addresses, "found");
        // The receiver is gone when the node is.
        let _ = self.to.send((self.source.clone(), Ok(found)));
    }

    fn missing(&self, why: String) {
        let _ = self.to.send((self.source.clone(), Err(why)));
    }
}

/// The pause after a look that found nothing: from a quarter of a second, doubling up to five.
#[derive(Debug, Default)]
struct Pause(u32);

impl Pause {
    /// Says what is awaited, and waits.
    async fn wait(&mut self, source: &Source, why: &str, tell: &Tell) {
        let pause = Duration::from_millis(250 * (1 << self.0)).min(Duration::from_secs(5));
        self.0 = (self.0 + 1).min(5);
        info!(%source, why, again_in = ?pause, "awaited");
        tell.missing(why.to_owned());
        tokio::time::sleep(pause).await;
    }
}

fn start(source: Source, tell: Tell) -> AbortHandle {
    let task = match source.clone() {
        Source::Fixed(address) => {
            let device = None;
            tell.found(vec![Found { address, device }]);
            tokio::spawn(async {})
        }
        Source::Interface(_) | Source::Subnet(_) | Source::Network(_) => {
            let file = std::env::var_os(PODINFO).map_or_else(|| annotations::FILE.into(), Into::into);
            tokio::spawn(local::wait(source, file, tell))
        }
        Source::Name(name) => tokio::spawn(names::follow(name, names::Files::default(), tell)),
        #[cfg(feature = "kubernetes")]
        Source::Pods(query) => tokio::spawn(pods::follow(query, tell)),
        #[cfg(not(feature = "kubernetes"))]
        Source::Pods(_) => {
            tell.missing("needs the cargo feature `kubernetes`".to_owned());
            tokio::spawn(async {})
        }
    };
    task.abort_handle()
}
