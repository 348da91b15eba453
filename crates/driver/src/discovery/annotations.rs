//! The networks of a pod, by its annotations.
//!
//! - Multus tells what it has done in `k8s.v1.cni.cncf.io/network-status`: network, device and addresses.
//! - DANM keeps that elsewhere; what the pod asked for, `danm.k8s.io/interfaces` or `danm.io/interfaces`, has the network
//!   and perhaps a fixed address. DANM numbers its devices in the order of the list: `eth0`, `s1u1`, `s5u2`.
//! - A pod that asks for no network has its pod network for everything.
//!
//! A pod reads its own annotations from a volume of the downward API: a line each, `key="value"`, the value quoted as
//! Go's `strconv.Quote` does it.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde::Deserialize;

use super::NetworkName;

/// Where the annotations lie by default.
pub(crate) const FILE: &str = "/etc/podinfo/annotations";

const MULTUS_STATUS: [&str; 2] = [
    "k8s.v1.cni.cncf.io/network-status",
    // Before Multus 3.4.
    "k8s.v1.cni.cncf.io/networks-status",
];
const MULTUS_REQUEST: &str = "k8s.v1.cni.cncf.io/networks";
const DANM_REQUEST: [&str; 2] = ["danm.k8s.io/interfaces", "danm.io/interfaces"];

/// Where a pod has a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Attachment {
    /// At these addresses.
    Addresses(Vec<IpAddr>),
    /// At the device of this number of DANM's, which is none of the others named.
    DanmDevice {
        number: usize,
        of: usize,
        others: HashSet<String>,
    },
    /// At its pod network: it has no other.
    PodNetwork,
}

/// One of Multus's.
#[derive(Debug, Deserialize)]
struct Status {
    name: String,
    #[serde(default)]
    ips: Vec<IpAddr>,
}

/// One of DANM's.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Interface {
    network: Option<String>,
    tenant_network: Option<String>,
    cluster_network: Option<String>,
    ip: Option<String>,
    ip6: Option<String>,
}

/// Finds a network among the annotations of a pod; the error says what is missing.
pub(crate) fn find(
    annotations: &BTreeMap<String, String>,
    network: &NetworkName,
) -> Result<Attachment, String> {
    let status = MULTUS_STATUS
        .iter()
        .find_map(|key| Some((key, annotations.get(*key)?)));
    if let Some((key, text)) = status {
        let all: Vec<Status> = serde_json::from_str(text)
            .map_err(|error| format!("annotation {key} cannot be read: {error}"))?;
        let ours = all.iter().filter(|status| network.is(&status.name));
        let addresses: Vec<IpAddr> = ours.flat_map(|status| status.ips.iter().copied()).collect();
        if !addresses.is_empty() {
            return Ok(Attachment::Addresses(addresses));
        }
    }
    let danm = DANM_REQUEST
        .iter()
        .find_map(|key| Some((key, annotations.get(*key)?)));
    if let Some((key, text)) = danm.filter(|_| status.is_none()) {
        let all: Vec<Interface> = serde_json::from_str(text)
            .map_err(|error| format!("annotation {key} cannot be read: {error}"))?;
        let number = all.iter().position(|interface| interface.is_of(network));
        let Some(number) = number else {
            return Err(format!("annotation {key} does not name it"));
        };
        let fixed = all[number].fixed_addresses();
        if !fixed.is_empty() {
            return Ok(Attachment::Addresses(fixed));
        }
        let others = annotations.get(MULTUS_REQUEST).map(|text| multus_devices(text));
        return Ok(Attachment::DanmDevice {
            number,
            of: all.len(),
            others: others.unwrap_or_default(),
        });
    }
    match (status, annotations.get(MULTUS_REQUEST)) {
        (None, None) => Ok(Attachment::PodNetwork),
        (None, Some(_)) => Err(format!("annotation {} is not there yet", MULTUS_STATUS[0])),
        // Multus tells of the pod network even where the pod asks for nothing else.
        (Some(_), None) => Ok(Attachment::PodNetwork),
        (Some((key, _)), Some(_)) => Err(format!("annotation {key} has no address for it")),
    }
}

impl Interface {
    fn is_of(&self, network: &NetworkName) -> bool {
        let names = [&self.network, &self.tenant_network, &self.cluster_network];
        names.into_iter().flatten().any(|name| network.is(name))
    }

    /// What is neither `dynamic` nor `none`.
    fn fixed_addresses(&self) -> Vec<IpAddr> {
        let texts = [&self.ip, &self.ip6].into_iter().flatten();
        let address = |text: &String| {
            let with_length = text.parse::<IpNet>().map(|net| net.addr());
            with_length.or_else(|_| text.parse()).ok()
        };
        texts.filter_map(address).collect()
    }
}

/// The devices that Multus would make for what a pod asks of it: `net1`, `net2`, or as the request says. A request is
/// JSON, or `NETWORK@DEVICE, ...`.
fn multus_devices(request: &str) -> HashSet<String> {
    #[derive(Deserialize)]
    struct Element {
        interface: Option<String>,
    }
    let named: Vec<Option<String>> = match serde_json::from_str::<Vec<Element>>(request) {
        Ok(elements) => elements.into_iter().map(|element| element.interface).collect(),
        Err(_) => {
            let device = |text: &str| text.split_once('@').map(|(_, device)| device.trim().to_owned());
            request.split(',').map(device).collect()
        }
    };
    let device = |(at, named): (usize, Option<String>)| named.unwrap_or_else(|| format!("net{}", at + 1));
    named.into_iter().enumerate().map(device).collect()
}

impl Attachment {
    /// The name of the device among those of this pod, where it goes by the name; the error says what is missing.
    pub(crate) fn device<'a>(&self, devices: &[&'a str]) -> Result<Option<&'a str>, String> {
        match self {
            Attachment::Addresses(_) => Ok(None),
            Attachment::PodNetwork => match devices.iter().find(|name| **name == "eth0") {
                Some(name) => Ok(Some(name)),
                None => Err("the pod asks for no network and has no eth0".to_owned()),
            },
            Attachment::DanmDevice { number, of, others } => {
                let numbered = |number: usize| {
                    let of_number = |name: &&&str| !others.contains(**name) && has_number(name, number);
                    devices.iter().find(of_number).copied()
                };
                // Where both Multus and DANM are asked, one device might be of either; all of them are DANM's or none.
                let all_there = (0..*of).all(|number| numbered(number).is_some());
                let sure = others.is_empty() || (*of > 1 && all_there);
                match numbered(*number).filter(|_| sure) {
                    Some(name) => Ok(Some(name)),
                    None => Err(format!("DANM's device of number {number} is not there yet")),
                }
            }
        }
    }
}

/// `eth0` for 0, else a prefix and the number; the prefix may end in a digit itself.
fn has_number(name: &str, number: usize) -> bool {
    match number {
        0 => name == "eth0",
        _ => name
            .strip_suffix(&number.to_string())
            .is_some_and(|prefix| !prefix.is_empty()),
    }
}

/// Reads the file of the downward API. A line that is none is left out.
pub(crate) fn read(text: &str) -> BTreeMap<String, String> {
    let annotation = |line: &str| {
        let (key, value) = line.split_once('=')?;
        Some((key.to_owned(), unquote(value.trim_end())?))
    };
    text.lines().filter_map(annotation).collect()
}

/// Takes away the quotes of Go's `strconv.Quote`.
fn unquote(quoted: &str) -> Option<String> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut octets = Vec::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            octets.extend(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let plain = match rest.next()? {
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            // An octet that is part of no character.
            'x' => {
                octets.push(u8::try_from(digits(&mut rest, 2)?).ok()?);
                continue;
            }
            'u' => char::from_u32(digits(&mut rest, 4)?)?,
            'U' => char::from_u32(digits(&mut rest, 8)?)?,
            c @ ('\\' | '"' | '\'') => c,
            _ => return None,
        };
        octets.extend(plain.encode_utf8(&mut [0; 4]).as_bytes());
    }
    Some(String::from_utf8_lossy(&octets).into_owned())
}

fn digits(rest: &mut std::str::Chars<'_>, count: usize) -> Option<u32> {
    let text: String = rest.by_ref().take(count).collect();
    let all = text.len() == count && text.bytes().all(|c| c.is_ascii_hexdigit());
    all.then(|| u32::from_str_radix(&text, 16).ok())?
}
