//! What of a configuration is to be looked up, and the configuration once that is found.
//!
//! A brain knows addresses only. So the values that are to be looked up are taken out of the tree before it has types,
//! and what was found is put in their place.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use epc_node::config::weight;
use epc_node::text::shown;
use ipnet::IpNet;
use serde::Deserialize;

use super::{Found, NetworkName, PodQuery, Source};
use crate::config::tree::{Entry, Place, Tree, Value};
use crate::config::{Problem, de};

/// A key whose value may be looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKey {
    /// An address of this host: `192.0.2.1`, `eth0`, `192.0.2.0/24`, `network:lte-s11`.
    Local {
        /// The path of the key.
        key: &'static str,
        /// The port that belongs to it when none is written, where the value has one.
        port: Option<u16>,
        /// The key of the peer that is reached from there: its family counts.
        peer: Option<&'static str>,
    },
    /// The name of a network device: `eth0`, or that which has an address in `192.0.2.0/24` or `network:lte-sgi`.
    Device {
        /// The path of the key; `[]` stands for every place of a list.
        key: &'static str,
    },
    /// One peer, address and port: `192.0.2.1:36412`, `mme`, `{pod: {selector: app=mme}}`.
    Peer {
        /// The path of the key.
        key: &'static str,
        /// The port when none is written.
        port: u16,
        /// The key of the address from which it is reached.
        local: &'static str,
    },
    /// The URL of a page: a text, which is left as it is, or `{pod: {selector: app=web}, port: 8080, path: /}`. Nobody waits for
    /// it: until there is such a pod, the URL is [`NOWHERE`].
    Url {
        /// The path of the key; `[]` stands for every place of a list.
        key: &'static str,
    },
    /// Any number of gateways: the same without port, or a list, with weights.
    Gateways {
        /// The path of the key.
        key: &'static str,
        /// The key of the address from which they are reached, where this node reaches them itself.
        local: Option<&'static str>,
    },
}

/// All that is to be looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Plan(Vec<Wish>);

/// One value that is to be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wish {
    path: String,
    key: AddressKey,
    choices: Vec<Choice>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Choice {
    source: Source,
    port: Option<u16>,
    weight: u8,
}

impl Choice {
    fn of(source: Source, port: Option<u16>) -> Choice {
        let weight = 1;
        Choice { source, port, weight }
    }
}

impl Plan {
    /// What is to be looked up of these keys.
    pub(crate) fn of(tree: &Tree, keys: &[AddressKey]) -> Result<Plan, Problem> {
        let mut wishes = Vec::new();
        for key in keys {
            for path in paths(tree, key.key()) {
                let Some(value) = tree.get(&path) else { continue };
                let choices = choices(*key, value).map_err(|(below, what)| {
                    let below = if below.is_empty() || below.starts_with('[') {
                        below
                    } else {
                        format!(".{below}")
                    };
                    Problem::new(format!("{path}{below}"), what)
                })?;
                if let Some(choices) = choices {
                    let key = *key;
                    wishes.push(Wish { path, key, choices });
                }
            }
        }
        // Of which family a peer is to be depends on the address from which it is reached.
        wishes.sort_by_key(|wish| matches!(wish.key, AddressKey::Peer { .. } | AddressKey::Gateways { .. }));
        Ok(Plan(wishes))
    }

    /// Everything that must be asked.
    pub(crate) fn sources(&self) -> HashSet<Source> {
        let choices = self.0.iter().flat_map(|wish| &wish.choices);
        choices
            .map(|choice| choice.source.clone())
            .filter(|source| !matches!(source, Source::Fixed(_)))
            .collect()
    }

    /// The configuration with what was found; or what is missing, a line a key. Where one of several is chosen, the one
    /// that was chosen in `before` stays as long as it is there.
    pub(crate) fn fill<'a>(
        &self,
        tree: &Tree,
        before: Option<&Tree>,
        found: impl Fn(&Source) -> Result<&'a [Found], String>,
    ) -> Result<Tree, Vec<String>> {
        let mut tree = tree.clone();
        let mut missing = Vec::new();
        for wish in &self.0 {
            let before = before.and_then(|before| before.get(&wish.path));
            match wish.value(&tree, before, &found) {
                Ok(value) => {
                    if let Some(at) = tree.get_mut(&wish.path) {
                        at.value = value.moved_to(at.place).value;
                    }
                }
                Err(why) => missing.push(format!("{}: {why}", wish.path)),
            }
        }
        if missing.is_empty() {
            Ok(tree)
        } else {
            Err(missing)
        }
    }

    /// The configuration as it could be, with addresses for documentation, so that all else can be checked.
    pub(crate) fn fill_for_check(&self, tree: &Tree) -> Tree {
        let sources: Vec<&Source> = self
            .0
            .iter()
            .flat_map(|wish| wish.choices.iter().map(|choice| &choice.source))
            .collect();
        let examples: Vec<Vec<Found>> = (0..)
            .zip(&sources)
            .map(|(n, source)| example(source, n))
            .collect();
        let found = |source: &Source| {
            let at = sources.iter().position(|one| *one == source);
            at.and_then(|at| examples.get(at))
                .map(Vec::as_slice)
                .ok_or_else(String::new)
        };
        self.fill(tree, None, found).unwrap_or_else(|_| tree.clone())
    }
}

impl AddressKey {
    const fn key(&self) -> &'static str {
        match self {
            AddressKey::Local { key, .. }
            | AddressKey::Device { key }
            | AddressKey::Peer { key, .. }
            | AddressKey::Url { key }
            | AddressKey::Gateways { key, .. } => key,
        }
    }
}

impl Wish {
    fn value<'a>(
        &self,
        tree: &Tree,
        before: Option<&Tree>,
        found: &impl Fn(&Source) -> Result<&'a [Found], String>,
    ) -> Result<Tree, String> {
        let first = &self.choices[0];
        match self.key {
            AddressKey::Local { peer, .. } => {
                let family = peer
                    .and_then(|peer| address_at(tree, peer))
                    .map(|ip| ip.is_ipv4());
                let address = match first.source {
                    Source::Fixed(address) => address,
                    ref source => {
                        let here = found(source)?.iter().map(|found| found.address);
                        let mut of_family = here.filter(|ip| family.is_none_or(|v4| ip.is_ipv4() == v4));
                        of_family
                            .next()
                            .ok_or_else(|| no_address_of_family(source, family))?
                    }
                };
                Ok(text(with_port(address, first.port)))
            }
            AddressKey::Device { .. } => {
                let device = found(&first.source)?
                    .iter()
                    .find_map(|found| found.device.clone());
                device
                    .map(text)
                    .ok_or_else(|| format!("no device with {}", first.source))
            }
            AddressKey::Peer { local, .. } => {
                let family = address_at(tree, local).map(|ip| ip.is_ipv4());
                let addresses = addresses(first, family, found)?;
                let texts: Vec<String> = addresses.iter().map(|ip| with_port(*ip, first.port)).collect();
                let stays = before
                    .and_then(Tree::text)
                    .filter(|text| texts.iter().any(|one| one == text));
                let chosen = stays.map(str::to_owned).or(texts.into_iter().next());
                chosen
                    .map(text)
                    .ok_or_else(|| no_address_of_family(&first.source, family))
            }
            AddressKey::Url { .. } => {
                let Some(Ok(UrlMap { port, path, .. })) = tree.get(&self.path).map(de::from_tree) else {
                    return Ok(text(NOWHERE.to_owned()));
                };
                let hosts = addresses(first, None, found).unwrap_or_default();
                let urls: Vec<String> = hosts
                    .iter()
                    .map(|ip| format!("http://{}{path}", SocketAddr::new(*ip, port)))
                    .collect();
                let stays = before
                    .and_then(Tree::text)
                    .filter(|url| urls.iter().any(|one| one == url));
                let chosen = stays.map(str::to_owned).or(urls.into_iter().next());
                Ok(text(chosen.unwrap_or_else(|| NOWHERE.to_owned())))
            }
            AddressKey::Gateways { local, .. } => self.gateways(tree, local, found),
        }
    }

    fn gateways<'a>(
        &self,
        tree: &Tree,
        local: Option<&str>,
        found: &impl Fn(&Source) -> Result<&'a [Found], String>,
    ) -> Result<Tree, String> {
        let ours = local
            .and_then(|local| address_at(tree, local))
            .map(|ip| ip.is_ipv4());
        let mut gateways: Vec<(IpAddr, u8)> = Vec::new();
        let mut missing = Vec::new();
        for choice in &self.choices {
            let family = ours.or_else(|| {
                // A host that has both is one gateway, and not two.
                let found = found(&choice.source).ok()?;
                found.iter().any(|found| found.address.is_ipv4()).then_some(true)
            });
            match addresses(choice, family, found) {
                Ok(addresses) => {
                    gateways.extend(addresses.into_iter().map(|address| (address, choice.weight)));
                }
                Err(why) => missing.push(why),
            }
        }
        if gateways.is_empty() {
            return Err(missing.join(", "));
        }
        gateways.sort_by_key(|(address, _)| *address);
        gateways.dedup_by_key(|(address, _)| *address);
        let gateway = |(address, weight): (IpAddr, u8)| {
            map([
                ("address", text(address.to_string())),
                ("weight", scalar(weight.to_string(), true)),
            ])
        };
        let place = Place::Line(0);
        let value = Value::List(gateways.into_iter().map(gateway).collect());
        Ok(Tree { place, value })
    }
}

/// The URL of a page whose pod is not there: a name that no resolver knows, RFC 6761 §6.4.
const NOWHERE: &str = "http://not-found.invalid/";

/// The addresses of one family that a choice has, in order; an error when there is none.
fn addresses<'a>(
    choice: &Choice,
    ipv4: Option<bool>,
    found: &impl Fn(&Source) -> Result<&'a [Found], String>,
) -> Result<Vec<IpAddr>, String> {
    if let Source::Fixed(address) = choice.source {
        // Of whichever family: the configuration's own check has a say.
        return Ok(vec![address]);
    }
    let mut addresses: Vec<IpAddr> = found(&choice.source)?
        .iter()
        .map(|found| found.address)
        .filter(|address| ipv4.is_none_or(|v4| address.is_ipv4() == v4))
        .collect();
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.is_empty() {
        return Err(no_address_of_family(&choice.source, ipv4));
    }
    Ok(addresses)
}

fn no_address_of_family(source: &Source, ipv4: Option<bool>) -> String {
    let family = match ipv4 {
        Some(true) => "IPv4 ",
        Some(false) => "IPv6 ",
        None => "",
    };
    format!("no {family}address for {source}")
}

/// The address that stands at a key, if it is one.
fn address_at(tree: &Tree, key: &str) -> Option<IpAddr> {
    let text = tree.get(key)?.text()?;
    let with_port = text.parse::<SocketAddr>().map(|address| address.ip());
    with_port.or_else(|_| text.parse()).ok()
}

fn with_port(address: IpAddr, port: Option<u16>) -> String {
    match port {
        Some(port) => SocketAddr::new(address, port).to_string(),
        None => address.to_string(),
    }
}

fn scalar(text: String, plain: bool) -> Tree {
    let place = Place::Line(0);
    let value = Value::Scalar { text, plain };
    Tree { place, value }
}

fn text(text: String) -> Tree {
    scalar(text, false)
}

fn map<const N: usize>(entries: [(&str, Tree); N]) -> Tree {
    let place = Place::Line(0);
    let entry = |(key, value): (&str, Tree)| Entry {
        key: key.to_owned(),
        place,
        value,
    };
    let value = Value::Map(entries.into_iter().map(entry).collect());
    Tree { place, value }
}

/// The paths that a key with `[]` in it stands for.
fn paths(tree: &Tree, key: &str) -> Vec<String> {
    let Some((list, below)) = key.split_once("[]") else {
        return vec![key.to_owned()];
    };
    match tree.get(list).map(|tree| &tree.value) {
        Some(Value::List(values)) => (0..values.len())
            .map(|at| format!("{list}[{at}]{below}"))
            .collect(),
        _ => Vec::new(),
    }
}

/// What is wrong, and where below the key.
type Wrong = (String, String);

/// What is to be looked up for a value; nothing for one that is an address already, or that nobody can read: the
/// configuration's own reader says so.
fn choices(key: AddressKey, value: &Tree) -> Result<Option<Vec<Choice>>, Wrong> {
    let here = |what: String| (String::new(), what);
    match key {
        AddressKey::Local { port, .. } => {
            let Some(text) = value.text() else { return Ok(None) };
            let choice = local(text, port).map_err(here)?;
            Ok(choice.map(|choice| vec![choice]))
        }
        AddressKey::Device { .. } => {
            let looked_up = |text: &&str| text.starts_with(NETWORK) || text.contains('/');
            let Some(text) = value.text().filter(looked_up) else {
                return Ok(None);
            };
            let choice = local(text, None).map_err(here)?;
            Ok(choice.map(|choice| vec![choice]))
        }
        AddressKey::Peer { port, .. } => match &value.value {
            Value::Scalar { .. } => {
                let text = value.text().unwrap_or_default();
                let choice = remote(text, Some(port)).map_err(here)?;
                let is_there = text.parse::<SocketAddr>().is_ok();
                Ok(choice.filter(|_| !is_there).map(|choice| vec![choice]))
            }
            Value::Map(_) => Ok(Some(vec![choice_of_map(value, Some(port))?])),
            Value::List(_) => Ok(None),
        },
        AddressKey::Url { .. } => {
            if !matches!(value.value, Value::Map(_)) {
                return Ok(None);
            }
            let UrlMap { pod, .. } = de::from_tree(value).map_err(|error| (error.key(), error.what))?;
            Ok(Some(vec![Choice::of(pods(pod)?, None)]))
        }
        AddressKey::Gateways { .. } => {
            let choices = match &value.value {
                Value::List(values) => {
                    let mut choices = Vec::new();
                    for (at, value) in values.iter().enumerate() {
                        let choice = choice_of(value).map_err(|(below, what)| {
                            let dot = if below.is_empty() { "" } else { "." };
                            (format!("[{at}]{dot}{below}"), what)
                        })?;
                        choices.extend(choice);
                    }
                    choices
                }
                _ => choice_of(value)?.into_iter().collect(),
            };
            let fixed = |choice: &Choice| matches!(choice.source, Source::Fixed(_));
            Ok((!choices.iter().all(fixed)).then_some(choices))
        }
    }
}

fn choice_of(value: &Tree) -> Result<Option<Choice>, Wrong> {
    match &value.value {
        Value::Scalar { .. } => {
            remote(value.text().unwrap_or_default(), None).map_err(|what| (String::new(), what))
        }
        Value::Map(_) => choice_of_map(value, None).map(Some),
        Value::List(_) => Ok(None),
    }
}

/// `{address: mme}`, `{pod: {selector: app=mme, network: lte-s1c}, weight: 3}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PeerMap {
    #[serde(default)]
    address: Option<String>,
    #[serde(default)]
    pod: Option<PodMap>,
    #[serde(default, deserialize_with = "some_weight")]
    weight: Option<u8>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PodMap {
    selector: String,
    #[serde(default)]
    network: Option<String>,
    #[serde(default)]
    namespace: Option<String>,
}

/// `{pod: {selector: app=web, network: lte-sgi}, port: 8080, path: /}`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UrlMap {
    pod: PodMap,
    #[serde(default = "http_port")]
    port: u16,
    #[serde(default = "root")]
    path: String,
}

fn http_port() -> u16 {
    80
}

fn root() -> String {
    "/".to_owned()
}

fn some_weight<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u8>, D::Error> {
    weight(deserializer).map(Some)
}

fn choice_of_map(value: &Tree, port: Option<u16>) -> Result<Choice, Wrong> {
    let PeerMap { address, pod, weight } = de::from_tree(value).map_err(|error| (error.key(), error.what))?;
    let one_peer = port.is_some();
    if one_peer && weight.is_some() {
        let what = "there is one peer here, expected a weight among gateways only".to_owned();
        return Err(("weight".to_owned(), what));
    }
    let mut choice = match (address, pod) {
        (Some(address), None) => {
            let wrong = |what| ("address".to_owned(), what);
            let unknown = || wrong(no_name(&address));
            remote(&address, port).map_err(wrong)?.ok_or_else(unknown)?
        }
        (None, Some(pod)) => Choice::of(pods(pod)?, port),
        (Some(_), Some(_)) | (None, None) => {
            let what = "expected one of `address` and `pod`".to_owned();
            return Err((String::new(), what));
        }
    };
    choice.weight = weight.unwrap_or(1);
    Ok(choice)
}

fn pods(pod: PodMap) -> Result<Source, Wrong> {
    if !cfg!(feature = "kubernetes") {
        let what =
            "this program is built without the cargo feature `kubernetes`, expected an address or a name";
        return Err(("pod".to_owned(), what.to_owned()));
    }
    if pod.selector.trim().is_empty() {
        let what = "empty, expected labels such as app.kubernetes.io/name=pgw".to_owned();
        return Err(("pod.selector".to_owned(), what));
    }
    let network = match &pod.network {
        Some(text) => Some(NetworkName::parse(text).map_err(|what| ("pod.network".to_owned(), what))?),
        None => None,
    };
    Ok(Source::Pods(PodQuery {
        selector: pod.selector,
        network,
        namespace: pod.namespace,
    }))
}

const NETWORK: &str = "network:";

/// One of our own addresses. Where there is a default port, the text may have a port.
fn local(text: &str, port: Option<u16>) -> Result<Option<Choice>, String> {
    let (host, port) = split_port(text, port);
    if let Ok(address) = host.parse::<IpAddr>() {
        let written = text.parse::<SocketAddr>().is_ok() || port.is_none();
        let choice = Choice::of(Source::Fixed(address), port);
        return Ok(Some(choice).filter(|_| !written));
    }
    if let Some(network) = host.strip_prefix(NETWORK) {
        return Ok(Some(Choice::of(
            Source::Network(NetworkName::parse(network)?),
            port,
        )));
    }
    if host.contains('/') {
        let Ok(subnet) = host.parse::<IpNet>() else {
            return Err(format!(
                "`{}` is no subnet, expected one such as 192.0.2.0/24",
                shown(host)
            ));
        };
        return Ok(Some(Choice::of(Source::Subnet(subnet.trunc()), port)));
    }
    let is_name = (1..=15).contains(&host.len())
        && !host.contains(|c: char| matches!(c, '/' | ':' | '%') || c.is_whitespace() || c.is_control())
        && !looks_like_ipv4(host);
    Ok(is_name.then(|| Choice::of(Source::Interface(host.to_owned()), port)))
}

/// A peer's address or name. Where there is a default port, the text may have a port.
fn remote(text: &str, port: Option<u16>) -> Result<Option<Choice>, String> {
    let (host, port) = split_port(text, port);
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(Some(Choice::of(Source::Fixed(address), port)));
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
    };
    let name = host.strip_suffix('.').unwrap_or(host);
    if host.is_empty() || looks_like_ipv4(host) || host.contains(':') {
        return Ok(None);
    }
    if name.len() > 253 || !name.split('.').all(label) {
        return Err(no_name(text));
    }
    Ok(Some(Choice::of(Source::Name(host.to_ascii_lowercase()), port)))
}

fn no_name(text: &str) -> String {
    format!(
        "`{}` is neither an address nor a name, expected one such as 192.0.2.1 or gateway.example",
        shown(text)
    )
}

fn looks_like_ipv4(text: &str) -> bool {
    text.bytes().all(|c| c.is_ascii_digit() || c == b'.')
}

/// `HOST`, `HOST:PORT`, `[HOST]:PORT`; the port stays a part of what is not so.
fn split_port(text: &str, default: Option<u16>) -> (&str, Option<u16>) {
    if default.is_none() {
        return (text, None);
    }
    if let Some((host, port)) = text.rsplit_once(':')
        && let Ok(port @ 1..) = port.parse::<u16>()
    {
        match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            Some(host) => return (host, Some(port)),
            None if !host.trim_start_matches(NETWORK).contains(':') => return (host, Some(port)),
            None => {}
        }
    }
    (text, default)
}

/// What a source might have: addresses for documentation, each once.
fn example(source: &Source, number: u8) -> Vec<Found> {
    let here = |address: IpAddr| Found {
        address,
        device: Some("device".to_owned()),
    };
    match source {
        Source::Fixed(address) => vec![here(*address)],
        Source::Subnet(subnet) => vec![here(subnet.hosts().next().unwrap_or(subnet.addr()))],
        Source::Interface(_) | Source::Network(_) | Source::Name(_) | Source::Pods(_) => vec![
            here(Ipv4Addr::new(192, 0, 2, number).into()),
            here(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, number.into()).into()),
        ],
    }
}
