//! Pods, by the Kubernetes API: listed once, then watched.
//!
//! A pod counts when it is ready and is not being deleted, as for a service, and has an address on the network.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

use futures_util::{StreamExt, pin_mut};
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::core::{ApiResource, NotUsed, Object};
use serde::Deserialize;
use tracing::debug;

use super::annotations::{self, Attachment};
use super::api_server::ApiServer;
use super::{Found, NetworkName, Pause, PodQuery, Tell};

/// Seconds until the server ends a watch, which is then begun anew; the longest that Kubernetes promises to allow.
const WATCH: u32 = 290;
/// What is asked is answered within this time, or there is something wrong.
const PATIENCE: Duration = Duration::from_secs(30);
/// Nothing came for so long, not even the end of the watch: the connection is gone.
const SILENCE: Duration = Duration::from_secs(WATCH as u64 + 10);

/// What counts of a pod; the rest is not even read.
pub(super) type Pod = Object<NotUsed, Status>;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Status {
    #[serde(rename = "podIPs")]
    pod_ips: Vec<PodIp>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Deserialize)]
struct PodIp {
    ip: IpAddr,
}

#[derive(Debug, Clone, Deserialize)]
struct Condition {
    r#type: String,
    status: String,
}

/// Follows pods until nobody wants them any more.
pub(super) async fn follow(query: PodQuery, tell: Tell) {
    let mut pause = Pause::default();
    loop {
        let why = match ApiServer::of_this_pod() {
            Ok(server) => session(&query, &server, &tell, &mut pause).await,
            Err(error) => error,
        };
        pause.wait(&tell.source, &why, &tell).await;
    }
}

/// Lists and watches until something fails; why it did.
pub(super) async fn session(query: &PodQuery, server: &ApiServer, tell: &Tell, pause: &mut Pause) -> String {
    let client = match server.client() {
        Ok(client) => client,
        Err(error) => return error,
    };
    let namespace = query.namespace.as_deref().unwrap_or(client.default_namespace());
    let namespace = namespace.to_owned();
    let resource = ApiResource {
        group: String::new(),
        version: "v1".to_owned(),
        api_version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        plural: "pods".to_owned(),
    };
    let api: Api<Pod> = Api::namespaced_with(client, &namespace, &resource);
    loop {
        match list_and_watch(query, &api, tell, pause).await {
            Ok(()) => debug!(source = %tell.source, "pods are listed anew"),
            Err(error) => return error,
        }
    }
}

/// Ends well when the server does not know any more where we were.
async fn list_and_watch(
    query: &PodQuery,
    api: &Api<Pod>,
    tell: &Tell,
    pause: &mut Pause,
) -> Result<(), String> {
    let parameters = ListParams::default().labels(&query.selector);
    let listed = answer(api.list(&parameters)).await?;
    *pause = Pause::default();
    let mut version = listed.metadata.resource_version.unwrap_or_default();
    let mut pods: BTreeMap<String, Pod> = BTreeMap::new();
    for pod in listed.items {
        keep(&mut pods, pod);
    }
    publish(query, &pods, tell);
    loop {
        let parameters = WatchParams::default().labels(&query.selector).timeout(WATCH);
        let events = answer(api.watch(&parameters, &version)).await?;
        pin_mut!(events);
        loop {
            let event = tokio::time::timeout(SILENCE, events.next()).await;
            let event = match event.map_err(|_| SILENT.to_owned())? {
                Some(event) => event.map_err(|error| whole(&error))?,
                None => break,
            };
            match event {
                WatchEvent::Added(pod) | WatchEvent::Modified(pod) => {
                    version_of(&pod, &mut version);
                    keep(&mut pods, pod);
                }
                WatchEvent::Deleted(pod) => {
                    version_of(&pod, &mut version);
                    pods.remove(&pod.metadata.name.unwrap_or_default());
                }
                WatchEvent::Bookmark(bookmark) => {
                    version = bookmark.metadata.resource_version;
                    continue;
                }
                // Gone: what we knew is too old.
                WatchEvent::Error(status) if status.code == 410 => return Ok(()),
                WatchEvent::Error(status) => return Err(status.to_string()),
            }
            publish(query, &pods, tell);
        }
    }
}

const SILENT: &str = "the API server is silent";

async fn answer<T>(asked: impl Future<Output = kube::Result<T>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(answer) => answer.map_err(|error| whole(&error)),
        Err(_) => Err(SILENT.to_owned()),
    }
}

/// An error with its causes, which some errors tell themselves and others do not.
fn whole(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let why = error.to_string();
        if !text.contains(&why) {
            text = format!("{text}: {why}");
        }
        cause = error.source();
    }
    text
}

fn version_of(pod: &Pod, version: &mut String) {
    if let Some(new) = &pod.metadata.resource_version {
        version.clone_from(new);
    }
}

fn keep(pods: &mut BTreeMap<String, Pod>, pod: Pod) {
    if let Some(name) = pod.metadata.name.clone() {
        pods.insert(name, pod);
    }
}

fn publish(query: &PodQuery, pods: &BTreeMap<String, Pod>, tell: &Tell) {
    let mut found = Vec::new();
    let mut without = Vec::new();
    for (name, pod) in pods {
        match addresses(pod, query.network.as_ref()) {
            Ok(addresses) => {
                let device = None;
                found.extend(addresses.into_iter().map(|address| Found {
                    address,
                    device: device.clone(),
                }));
            }
            Err(why) => without.push(format!("{name}: {why}")),
        }
    }
    found.sort_by_key(|found| found.address);
    found.dedup();
    debug!(source = %tell.source, ?without, "pods without address");
    match (found.is_empty(), pods.is_empty()) {
        (false, _) => tell.found(found),
        (true, true) => tell.missing("there is no such pod".to_owned()),
        (true, false) => tell.missing(without.join(", ")),
    }
}

/// The addresses of a pod that counts; IPv4 if it has both, for it is one peer.
pub(super) fn addresses(pod: &Pod, network: Option<&NetworkName>) -> Result<Vec<IpAddr>, String> {
    let status = pod.status.as_ref().ok_or("not started yet")?;
    let is_ready = |condition: &Condition| condition.r#type == "Ready" && condition.status == "True";
    if pod.metadata.deletion_timestamp.is_some() {
        return Err("being deleted".to_owned());
    }
    if !status.conditions.iter().any(is_ready) {
        return Err("not ready".to_owned());
    }
    let own = || status.pod_ips.iter().map(|pod| pod.ip).collect::<Vec<_>>();
    let addresses = match network {
        None => own(),
        Some(network) => {
            let none = BTreeMap::new();
            match annotations::find(pod.metadata.annotations.as_ref().unwrap_or(&none), network)? {
                Attachment::Addresses(addresses) => addresses,
                Attachment::PodNetwork => own(),
                Attachment::DanmDevice { .. } => {
                    return Err(format!(
                        "its address on {network} is not fixed and stands in no annotation"
                    ));
                }
            }
        }
    };
    match addresses.is_empty() {
        true => Err("no address yet".to_owned()),
        false => Ok(addresses),
    }
}
