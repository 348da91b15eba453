//! Names in DNS, looked up again and again.
//!
//! Not by the C library, which cannot do it in a static program, and does not tell for how long an answer is good.

use std::fs::{self, File};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hickory_resolver::config::{LookupIpStrategy, ResolveHosts, ResolverConfig, ResolverOpts};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::system_conf::parse_resolv_conf;
use hickory_resolver::{Hosts, Resolver};

use super::{Found, Pause, Tell};

/// An answer is good for as long as it says, within these bounds: a peer that moved is found soon, however long a name
/// server would have its answers kept.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(10);

/// What tells how names are looked up.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) resolv_conf: PathBuf,
    pub(super) hosts: PathBuf,
    /// The port of the name servers.
    pub(super) port: u16,
}

impl Default for Files {
    fn default() -> Files {
        Files {
            resolv_conf: "/etc/resolv.conf".into(),
            hosts: "/etc/hosts".into(),
            port: 53,
        }
    }
}

/// Follows a name until nobody wants it any more.
pub(super) async fn follow(name: String, files: Files, tell: Tell) {
    let source = tell.source.clone();
    let mut pause = Pause::default();
    loop {
        match look_up(&name, &files).await {
            Ok((found, good_until)) => {
                tell.found(found);
                pause = Pause::default();
                let good_for = good_until.saturating_duration_since(Instant::now());
                tokio::time::sleep(good_for.clamp(SHORTEST, LONGEST)).await;
            }
            Err(why) => pause.wait(&source, &why, &tell).await,
        }
    }
}

/// The addresses of a name, or what `host` says itself, in brackets where it is IPv6.
pub(crate) async fn addresses_of(host: &str) -> Result<Vec<IpAddr>, String> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse() {
        return Ok(vec![address]);
    }
    let (found, _) = look_up(host, &Files::default())
        .await
        .map_err(|why| format!("{host}: {why}"))?;
    Ok(found.into_iter().map(|found| found.address).collect())
}

async fn look_up(name: &str, files: &Files) -> Result<(Vec<Found>, Instant), String> {
    // Read anew each time: both may change while we run.
    let (config, mut options) = match fs::read(&files.resolv_conf).map(parse_resolv_conf) {
        Ok(Ok(read)) => read,
        // The name may be in the other file.
        Ok(Err(_)) | Err(_) => (
            ResolverConfig::from_parts(None, Vec::new(), Vec::new()),
            ResolverOpts::default(),
        ),
    };
    let (domain, search, mut servers) = config.into_parts();
    for connection in servers.iter_mut().flat_map(|server| &mut server.connections) {
        connection.port = files.port;
    }
    let config = ResolverConfig::from_parts(domain, search, servers);
    options.ip_strategy = LookupIpStrategy::Ipv4AndIpv6;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    let mut builder = Resolver::builder_with_config(config, TokioRuntimeProvider::default());
    *builder.options_mut() = options;
    let mut resolver = builder.build().map_err(|error| error.to_string())?;
    let mut hosts = Hosts::default();
    if let Ok(file) = File::open(&files.hosts) {
        // A line that cannot be read is left out; the rest counts.
        let _ = hosts.read_hosts_conf(file);
    }
    resolver.set_hosts(Arc::new(hosts));
    let answer = resolver
        .lookup_ip(name)
        .await
        .map_err(|error| match error.is_no_records_found() {
            true => "there is no such name".to_owned(),
            false => error.to_string(),
        })?;
    let found = |address| Found {
        address,
        device: None,
    };
    let mut found: Vec<Found> = answer.iter().map(found).collect();
    found.sort_by_key(|found| found.address);
    found.dedup();
    match found.is_empty() {
        true => Err("there is no such name".to_owned()),
        false => Ok((found, answer.valid_until())),
    }
}
