//! `type: http_get`: a built-in subscriber that fetches a page from its own address, again and again.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::Uri;
use epc_node::UeAddress;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::task::JoinHandle;
use tracing::{debug, info};

/// A page that has not come within this time will not.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The addresses to fetch from.
    pub ue: UeAddress,
    /// `http://HOST[:PORT]/PATH`.
    pub url: String,
    /// From the end of one fetch to the beginning of the next.
    pub interval: Duration,
}

/// The fetches that run, by the name of their subscriber, and their metrics.
#[derive(Debug)]
pub struct Fetches {
    running: HashMap<String, JoinHandle<()>>,
    metrics: Metrics,
}

#[derive(Debug, Clone)]
struct Metrics {
    results: Family<Labels, Counter>,
    octets: Counter,
    duration: Histogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    result: Outcome,
}

/// How a fetch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, prometheus_client::encoding::EncodeLabelValue)]
#[allow(non_camel_case_types, reason = "the names are the values of the label")]
enum Outcome {
    /// A page with a status of 2xx or 3xx.
    ok,
    /// An answer with another status.
    refused,
    /// No whole answer in time.
    timeout,
    /// No connection, or one that broke.
    failed,
}

impl Fetches {
    /// No fetch yet; `enb_http_get_...` in the metrics.
    pub fn new(registry: &mut Registry) -> Fetches {
        let metrics = Metrics {
            results: Family::default(),
            octets: Counter::default(),
            duration: Histogram::new([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]),
        };
        let registry = registry.sub_registry_with_prefix("enb");
        registry.register(
            "http_get",
            "Pages fetched by built-in subscribers, by result",
            metrics.results.clone(),
        );
        registry.register(
            "http_get_octets",
            "Octets of the pages fetched",
            metrics.octets.clone(),
        );
        registry.register(
            "http_get_duration_seconds",
            "From the first packet to the last octet of a page",
            metrics.duration.clone(),
        );
        Fetches {
            running: HashMap::new(),
            metrics,
        }
    }

    /// Starts fetching in the place of what ran under this name.
    pub fn start(&mut self, name: &str, fetch: Fetch) {
        self.stop(name);
        let task = tokio::spawn(repeat(fetch, self.metrics.clone()));
        self.running.insert(name.to_owned(), task);
    }

    /// Stops fetching.
    pub fn stop(&mut self, name: &str) {
        if let Some(task) = self.running.remove(name) {
            task.abort();
        }
    }
}

impl Drop for Fetches {
    fn drop(&mut self) {
        for task in self.running.values() {
            task.abort();
        }
    }
}

async fn repeat(fetch: Fetch, metrics: Metrics) {
    let mut last = None;
    loop {
        let began = Instant::now();
        let got = match tokio::time::timeout(PATIENCE, get(&fetch)).await {
            Ok(got) => got,
            Err(_) => Got::without_page(
                Outcome::timeout,
                format!("nothing within {} s", PATIENCE.as_secs()),
            ),
        };
        let seconds = began.elapsed().as_secs_f64();
        let result = got.outcome;
        metrics.results.get_or_create(&Labels { result }).inc();
        if result == Outcome::ok {
            metrics.octets.inc_by(got.octets);
            metrics.duration.observe(seconds);
        }
        debug!(?result, ue = %fetch.ue, octets = got.octets, seconds, detail = got.detail, "http_get");
        // Each fetch would be noise; a change is news.
        if last.replace(result) != Some(result) {
            let (octets, detail) = (got.octets, got.detail);
            info!(?result, url = fetch.url, octets, seconds, detail, "http_get");
        }
        tokio::time::sleep(fetch.interval).await;
    }
}

struct Got {
    outcome: Outcome,
    octets: u64,
    detail: String,
}

impl Got {
    fn without_page(outcome: Outcome, detail: String) -> Got {
        Got {
            outcome,
            octets: 0,
            detail,
        }
    }
}

async fn get(fetch: &Fetch) -> Got {
    let uri: Uri = match fetch.url.parse() {
        Ok(uri) => uri,
        Err(error) => return Got::without_page(Outcome::failed, format!("not a URL: {error}")),
    };
    let mut connector = HttpConnector::new();
    match (fetch.ue.ipv4, fetch.ue.ipv6) {
        (Some(v4), Some(v6)) => connector.set_local_addresses(v4, v6),
        (v4, v6) => connector.set_local_address(v4.map(IpAddr::V4).or(v6.map(IpAddr::V6))),
    }
    let client = Client::builder(TokioExecutor::new())
        .pool_max_idle_per_host(0)
        .build::<_, Empty<Bytes>>(connector);
    let response = match client.get(uri).await {
        Ok(response) => response,
        Err(error) => return Got::without_page(Outcome::failed, chain(&error)),
    };
    let status = response.status();
    let mut octets = 0;
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => octets += frame.data_ref().map_or(0, |data| data.len() as u64),
            Err(error) => return Got::without_page(Outcome::failed, chain(&error)),
        }
    }
    let outcome = match status.is_success() || status.is_redirection() {
        true => Outcome::ok,
        false => Outcome::refused,
    };
    Got {
        outcome,
        octets,
        detail: status.to_string(),
    }
}

/// The innermost reason says most.
fn chain(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
