//! The YAML of an eNB: the keys of go-gtp's gw-tester, and ours with defaults.

use std::collections::HashSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use epc_codec::{Imsi, Mei, Msisdn, Plmn};
use epc_node::config::{
    self, GtpC, LogFormat, S1ap, UserPlane, listen_address, local_address, peer_socket_address, seconds,
};
use epc_node::text::{self, Digits, shown};
use serde::{Deserialize, Deserializer};

/// `enb.yml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Mobile Country Code.
    pub mcc: Digits<3, 3>,
    /// Mobile Network Code; `01` and `001` are different networks.
    pub mnc: Digits<2, 3>,
    /// 6, E-UTRAN.
    #[serde(default = "eutran", deserialize_with = "rat_type")]
    pub rat_type: u8,
    /// Tracking Area Code of the one cell.
    pub tai: u16,
    /// E-UTRAN Cell Identifier of the one cell, 28 bits; the upper 20 are the eNB's.
    #[serde(deserialize_with = "eci")]
    pub eci: u32,
    /// The addresses to bind on this host.
    pub local_addresses: LocalAddresses,
    /// Where the MME listens.
    #[serde(deserialize_with = "peer_socket_address")]
    pub mme_addr: SocketAddr,
    /// Read and answered with a line in the log: the user plane is in userspace.
    #[serde(default)]
    pub use_kernel_gtp: bool,
    /// Where to serve `/metrics`, `/livez` and `/readyz`; nowhere by default.
    #[serde(default, deserialize_with = "listen_address")]
    pub prom_addr: Option<SocketAddr>,
    /// Who attaches.
    #[serde(default)]
    pub subscribers: Vec<Subscriber>,
    /// Which eNB this is of several that share the configuration, 0 being the first: the n-th has the n-th eNB identifier
    /// from `eci` on, and the n-th `count` of subscribers from `subscriber_range` on. Those of `subscribers` are the
    /// first one's.
    #[serde(default, deserialize_with = "config::instance")]
    pub instance: u32,
    /// Many subscribers in a row who attach too.
    #[serde(default)]
    pub subscriber_range: Option<SubscriberRange>,
    /// `text` or `json`.
    #[serde(default)]
    pub log_format: LogFormat,
    /// Seconds that sessions are given to end when the daemon stops.
    #[serde(default = "shutdown_grace", deserialize_with = "seconds")]
    pub shutdown_grace: Duration,
    /// Delivery and supervision on S1-MME.
    #[serde(default)]
    pub s1ap: S1ap,
    /// Supervision of the S-GWs on S1-U.
    #[serde(default)]
    pub gtp_u: GtpC,
    /// How subscribers attach.
    #[serde(default)]
    pub attach: Attach,
    /// How user packets are moved.
    #[serde(default)]
    pub user_plane: UserPlane,
    /// The name of the TUN device.
    #[serde(default = "tun_name", deserialize_with = "config::tun_name")]
    pub tun_name: String,
    /// The routing table for packets from UEs; not 0, 253, 254 or 255.
    #[serde(default = "route_table", deserialize_with = "config::route_table")]
    pub route_table: u32,
}

/// `local_addresses`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalAddresses {
    /// S1AP-lite towards the MME, UDP port 36412.
    #[serde(deserialize_with = "local_address")]
    pub s1c_ip: IpAddr,
    /// GTP-U towards S-GWs, UDP port 2152.
    #[serde(deserialize_with = "local_address")]
    pub s1u_ip: IpAddr,
}

/// One of `subscribers`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subscriber {
    /// The identity that attaches, 6 to 15 digits.
    #[serde(deserialize_with = "imsi")]
    pub imsi: Imsi,
    /// The telephone number.
    #[serde(deserialize_with = "text::parsed_option", default)]
    pub msisdn: Option<Msisdn>,
    /// The identity of the equipment.
    #[serde(deserialize_with = "text::parsed_option", default)]
    pub imeisv: Option<Mei>,
    /// The address that the UE asks for; none, empty or 0.0.0.0 lets the P-GW choose.
    #[serde(deserialize_with = "text::requested_address", default)]
    pub src_ip: Option<IpAddr>,
    /// The TEID for downlink packets on S1-U; 0 lets the eNB choose.
    #[serde(default)]
    pub i_tei: u32,
    /// What the subscriber's packets are.
    #[serde(rename = "type", default)]
    pub kind: Traffic,
    /// The device where `external` clients come in, if none has the network of their address; `http_get` needs none.
    #[serde(default, deserialize_with = "text::parsed_option")]
    pub euu_if_name: Option<String>,
    /// What `http_get` fetches.
    #[serde(default, deserialize_with = "text::parsed_option")]
    pub http_url: Option<String>,
    /// Seconds between two fetches.
    #[serde(default = "http_interval", deserialize_with = "seconds")]
    pub http_interval: Duration,
    /// Whether a reload detaches and attaches it, changed or not.
    #[serde(default)]
    pub reattach_on_reload: bool,
    /// The kind of address to ask for.
    #[serde(default)]
    pub pdn_type: PdnType,
}

/// `subscriber_range`: like one of `subscribers`, `count` times with identities that count up.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubscriberRange {
    /// The first IMSI.
    #[serde(deserialize_with = "imsi")]
    pub imsi: Imsi,
    /// How many, 1 to 1,000,000.
    #[serde(deserialize_with = "range_count")]
    pub count: u32,
    /// The first telephone number.
    #[serde(deserialize_with = "text::parsed_option", default)]
    pub msisdn: Option<Msisdn>,
    /// The first identity of an equipment.
    #[serde(deserialize_with = "text::parsed_option", default)]
    pub imeisv: Option<Mei>,
    /// What the subscribers' packets are.
    #[serde(rename = "type", default)]
    pub kind: Traffic,
    /// See [`Subscriber::euu_if_name`].
    #[serde(default, deserialize_with = "text::parsed_option")]
    pub euu_if_name: Option<String>,
    /// See [`Subscriber::http_url`].
    #[serde(default, deserialize_with = "text::parsed_option")]
    pub http_url: Option<String>,
    /// See [`Subscriber::http_interval`].
    #[serde(default = "http_interval", deserialize_with = "seconds")]
    pub http_interval: Duration,
    /// See [`Subscriber::reattach_on_reload`].
    #[serde(default)]
    pub reattach_on_reload: bool,
    /// See [`Subscriber::pdn_type`].
    #[serde(default)]
    pub pdn_type: PdnType,
}

/// `type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Traffic {
    /// Attached, without packets of its own making.
    #[default]
    None,
    /// Packets come from clients behind `euu_if_name`.
    External,
    /// The eNB itself fetches `http_url` from the UE's address.
    HttpGet,
}

/// `pdn_type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub enum PdnType {
    /// An IPv4 address.
    #[default]
    #[serde(rename = "IPv4", alias = "ipv4")]
    Ipv4,
    /// An IPv6 prefix.
    #[serde(rename = "IPv6", alias = "ipv6")]
    Ipv6,
    /// Both.
    #[serde(rename = "IPv4v6", alias = "ipv4v6")]
    Ipv4v6,
}

/// `attach`: how subscribers attach.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Attach {
    /// How many attach at the same time, 1 to 100,000. The default keeps the burst within a socket's buffer of
    /// ordinary size; more is not faster.
    #[serde(deserialize_with = "in_flight")]
    pub max_in_flight: u32,
    /// Seconds after which an attach without an outcome has failed. The network may need two rounds of repetition.
    #[serde(deserialize_with = "seconds")]
    pub timeout: Duration,
    /// Seconds after a failed attach until the next try; doubles with each failure in a row.
    #[serde(deserialize_with = "seconds")]
    pub retry_interval: Duration,
    /// Seconds between two tries at most.
    #[serde(deserialize_with = "seconds")]
    pub max_retry_interval: Duration,
}

impl Default for Attach {
    fn default() -> Attach {
        Attach {
            max_in_flight: 256,
            timeout: Duration::from_secs(30),
            retry_interval: Duration::from_secs(1),
            max_retry_interval: Duration::from_secs(30),
        }
    }
}

impl Config {
    /// What no single key can tell: the key at fault, and what is wrong.
    pub fn check(&self) -> Result<(), (String, String)> {
        let mut imsis = HashSet::new();
        let mut addresses = HashSet::new();
        for (i, subscriber) in self.subscribers.iter().enumerate() {
            if !imsis.insert(&subscriber.imsi) {
                let problem = format!("{} is there twice, expected each IMSI once", subscriber.imsi);
                return Err((format!("subscribers[{i}].imsi"), problem));
            }
            check_traffic(subscriber.kind, subscriber.http_url.as_deref())
                .map_err(|(key, problem)| (format!("subscribers[{i}].{key}"), problem))?;
            let contradicts = match (subscriber.src_ip, subscriber.pdn_type) {
                (Some(IpAddr::V4(_)), PdnType::Ipv6) => Some("an IPv6 address with pdn_type IPv6"),
                (Some(IpAddr::V6(_)), PdnType::Ipv4) => Some("an IPv4 address with pdn_type IPv4"),
                _ => None,
            };
            if let (Some(expected), Some(address)) = (contradicts, subscriber.src_ip) {
                return Err((
                    format!("subscribers[{i}].src_ip"),
                    format!("{address} does not fit, expected {expected}"),
                ));
            }
            if let Some(address) = subscriber.src_ip
                && !addresses.insert(address)
            {
                let problem = format!("{address} is there twice, expected each address once");
                return Err((format!("subscribers[{i}].src_ip"), problem));
            }
        }
        if let Some(range) = &self.subscriber_range {
            check_traffic(range.kind, range.http_url.as_deref())
                .map_err(|(key, problem)| (format!("subscriber_range.{key}"), problem))?;
            let last = self.first_of_range(range) + u64::from(range.count - 1);
            let too_far = |key: &str| {
                let problem = format!(
                    "{} identities from there need another digit, expected fewer or a lower one",
                    last + 1
                );
                Err((format!("subscriber_range.{key}"), problem))
            };
            if after(&range.imsi, last).is_none() {
                return too_far("imsi");
            }
            if range
                .msisdn
                .as_ref()
                .is_some_and(|first| after(first, last).is_none())
            {
                return too_far("msisdn");
            }
            if range
                .imeisv
                .as_ref()
                .is_some_and(|first| after(first, last).is_none())
            {
                return too_far("imeisv");
            }
            if let Some(twice) = range
                .subscribers(0)
                .find(|subscriber| imsis.contains(&subscriber.imsi))
            {
                let problem = format!("{} is among subscribers too, expected each IMSI once", twice.imsi);
                return Err(("subscriber_range.imsi".to_owned(), problem));
            }
        }
        if u64::from(self.eci) + (u64::from(self.instance) << 8) > u64::from(MAX_ECI) {
            let problem = format!(
                "{} eNBs on from `eci` there are no more, expected fewer",
                self.instance
            );
            return Err(("instance".to_owned(), problem));
        }
        if self.local_addresses.s1c_ip.is_ipv4() != self.mme_addr.is_ipv4() {
            let problem = format!(
                "{} is not of the family of local_addresses.s1c_ip, expected {}",
                self.mme_addr,
                family(self.local_addresses.s1c_ip)
            );
            return Err(("mme_addr".to_owned(), problem));
        }
        Ok(())
    }

    /// The network of the eNB.
    pub fn plmn(&self) -> Plmn {
        Plmn::new(self.mcc.as_str(), self.mnc.as_str()).expect("three digits, and two or three, make a PLMN")
    }

    /// The identifier of the cell: `eci`, and the eNB's number counts up by `instance`.
    pub fn cell(&self) -> u32 {
        self.eci + (self.instance << 8)
    }

    /// Everyone who attaches here: `subscribers` at the first eNB, then this eNB's part of `subscriber_range`.
    pub fn subscribers(&self) -> impl Iterator<Item = Subscriber> {
        let range = self
            .subscriber_range
            .iter()
            .flat_map(|range| range.subscribers(self.first_of_range(range)));
        let listed = if self.instance == 0 {
            &self.subscribers[..]
        } else {
            &[]
        };
        listed.iter().cloned().chain(range)
    }

    /// How many of the range come before this eNB's.
    fn first_of_range(&self, range: &SubscriberRange) -> u64 {
        u64::from(self.instance) * u64::from(range.count)
    }
}

impl SubscriberRange {
    fn subscribers(&self, first: u64) -> impl Iterator<Item = Subscriber> {
        (first..first + u64::from(self.count)).filter_map(|i| {
            Some(Subscriber {
                imsi: after(&self.imsi, i)?,
                msisdn: self.msisdn.as_ref().and_then(|first| after(first, i)),
                imeisv: self.imeisv.as_ref().and_then(|first| after(first, i)),
                src_ip: None,
                i_tei: 0,
                kind: self.kind,
                euu_if_name: self.euu_if_name.clone(),
                http_url: self.http_url.clone(),
                http_interval: self.http_interval,
                reattach_on_reload: self.reattach_on_reload,
                pdn_type: self.pdn_type,
            })
        })
    }
}

/// The number of digits that lies `steps` further, with as many digits; `None` when it needs more of them.
fn after<T: fmt::Display + FromStr>(first: &T, steps: u64) -> Option<T> {
    let first = first.to_string();
    let number = first.parse::<u128>().ok()? + u128::from(steps);
    let next = format!("{number:0width$}", width = first.len());
    if next.len() != first.len() {
        return None;
    }
    next.parse().ok()
}

fn imsi<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Imsi, D::Error> {
    let digits: Digits<6, 15> = text::parsed(deserializer)?;
    digits.as_str().parse().map_err(serde::de::Error::custom)
}

fn check_traffic(traffic: Traffic, http_url: Option<&str>) -> Result<(), (&'static str, String)> {
    let http_url = http_url.unwrap_or_default();
    if traffic == Traffic::HttpGet && !is_http_url(http_url) {
        let problem = format!(
            "\"{}\" cannot be fetched, expected http://HOST[:PORT]/PATH with PORT from 1 to 65535",
            shown(http_url)
        );
        return Err(("http_url", problem));
    }
    Ok(())
}

/// `http://HOST[:PORT][/PATH]`, RFC 3986 and RFC 9110 §4.2.1, without a user.
fn is_http_url(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return false;
    };
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (is_host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, port)) => (host.parse::<Ipv6Addr>().is_ok(), port),
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            (is_name_or_ipv4(host), port)
        }
    };
    let is_port = match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => {
            digits.starts_with(|c: char| c.is_ascii_digit()) && digits.parse().is_ok_and(|port: u16| port > 0)
        }
    };
    is_host && is_port && rest.chars().all(allowed)
}

fn is_name_or_ipv4(host: &str) -> bool {
    if host.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    let is_label = |label: &str| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    // A last label of digits makes an IPv4 address, and this is none.
    let is_number = |label: &str| label.bytes().all(|octet| octet.is_ascii_digit());
    name.len() <= 253 && name.split('.').all(is_label) && !name.rsplit('.').next().is_some_and(is_number)
}

fn family(address: IpAddr) -> &'static str {
    match address {
        IpAddr::V4(_) => "an IPv4 address",
        IpAddr::V6(_) => "an IPv6 address",
    }
}

fn http_interval() -> Duration {
    Duration::from_secs(5)
}

fn shutdown_grace() -> Duration {
    Duration::from_secs(5)
}

fn eutran() -> u8 {
    6
}

fn rat_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    text::between::<D, 6, 6>(deserializer).map(|number| number as u8)
}

/// An E-UTRAN Cell Identifier has 28 bits.
const MAX_ECI: u32 = 0x0fff_ffff;

fn eci<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    text::between::<D, 0, { MAX_ECI as u64 }>(deserializer).map(|number| number as u32)
}

fn range_count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    text::between::<D, 1, 1_000_000>(deserializer).map(|number| number as u32)
}

fn in_flight<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    text::between::<D, 1, 100_000>(deserializer).map(|number| number as u32)
}

fn tun_name() -> String {
    "gtp-enb".to_owned()
}

fn route_table() -> u32 {
    3001
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../enb.yml");

    fn parse(text: &str) -> Config {
        epc_driver::config::parse(text, "enb.yml").unwrap()
    }

    #[test]
    fn example_file_is_a_configuration() {
        let config = parse(EXAMPLE);
        assert_eq!(config.check(), Ok(()));
        assert_eq!(config.subscribers().count(), 2);
    }

    #[test]
    fn files_of_go_gtp_and_of_the_container_packaging_are_configurations() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/peer-config");
        for (name, subscribers) in [("go-gtp-enb.yml", 5), ("gw-tester-compose-enb.yml", 1)] {
            let Ok(text) = std::fs::read_to_string(format!("{directory}/{name}")) else {
                eprintln!("skipped: {directory}/{name} is not there");
                continue;
            };
            let config = parse(&text);
            assert_eq!(config.check(), Ok(()), "{name}");
            assert_eq!(config.subscribers().count(), subscribers, "{name}");
            assert_eq!((config.tai, config.eci), (1, 1), "{name}");
        }
    }

    #[test]
    fn second_of_several_enbs_has_the_next_number_and_the_next_subscribers() {
        let of = |instance: &str| {
            let range = "subscriber_range: { imsi: 001010000000100, count: 3 }\n";
            parse(&(with_instance(instance) + range))
        };
        let imsis = |config: &Config| {
            config
                .subscribers()
                .map(|s| s.imsi.to_string())
                .collect::<Vec<_>>()
        };
        let (first, second) = (of("enb-0"), of("enb-1"));
        assert_eq!((first.cell(), second.cell()), (0x001, 0x101));
        assert_eq!(imsis(&first).len(), 5);
        let next = ["001010000000103", "001010000000104", "001010000000105"];
        assert_eq!(imsis(&second), next);
        assert_eq!(of("9").check(), Ok(()));
    }

    #[test]
    fn enb_beyond_the_last_identity_or_number_is_refused() {
        let range = "subscriber_range: { imsi: 999999, count: 1 }\n";
        let text = with_instance("enb-1") + range;
        assert_eq!(parse(&text).check().unwrap_err().0, "subscriber_range.imsi");
        let text = with_instance("1").replace("eci: 0x00000001", "eci: 0x0fffffff");
        assert_eq!(parse(&text).check().unwrap_err().0, "instance");
        for wrong in ["enb", "enb-1-x", "10000", "-1"] {
            let text = with_instance(wrong);
            let error = epc_driver::config::parse::<Config>(&text, "enb.yml").unwrap_err();
            assert!(error.to_string().contains("instance"), "{wrong}: {error}");
        }
    }

    /// The example, of another eNB.
    fn with_instance(instance: &str) -> String {
        assert!(EXAMPLE.contains("\ninstance: 0 "), "the first one is the default");
        EXAMPLE.replace("\ninstance: 0 ", &format!("\ninstance: {instance} "))
    }

    #[test]
    fn range_counts_its_identities_up() {
        let text = format!(
            "{}subscriber_range: {{ imsi: 001010000000098, msisdn: \"8140098\", count: 3 }}\n",
            EXAMPLE.split("subscribers:").next().unwrap()
        );
        let subscribers: Vec<Subscriber> = parse(&text).subscribers().collect();
        let last = subscribers.last().unwrap();
        assert_eq!(
            (subscribers.len(), last.imsi.to_string().as_str()),
            (3, "001010000000100")
        );
        assert_eq!(last.msisdn, Some("8140100".parse().unwrap()));
        assert_eq!(last.imeisv, None);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (change, to, problem) in [
            (
                "imsi: \"001010000000001\"",
                "imsi: \"00101\"",
                "expected 6 to 15 digits",
            ),
            ("mcc: \"001\"", "mcc: \"1\"", "expected 3 digits"),
            ("eci: 0x00000001", "eci: 0x10000000", "expected 0 to 268435455"),
            (
                "type: external",
                "type: ftp",
                "`ftp` is not known, expected one of",
            ),
            (
                "rat_type: 6",
                "rat_typ: 6",
                "enb.yml:4: rat_typ: unknown key, expected `rat_type`",
            ),
            ("src_ip: 192.0.2.1", "src_ip: 192.0.2.256", "is not an IP address"),
        ] {
            assert!(EXAMPLE.contains(change), "{change}");
            let text = EXAMPLE.replace(change, to);
            let error = epc_driver::config::parse::<Config>(&text, "enb.yml")
                .unwrap_err()
                .to_string();
            assert!(error.contains(problem), "{error}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_named() {
        let mut twice = parse(EXAMPLE);
        twice.subscribers[1].imsi = twice.subscribers[0].imsi;
        assert_eq!(twice.check().unwrap_err().0, "subscribers[1].imsi");
        let mut family = parse(EXAMPLE);
        family.subscribers[0].pdn_type = PdnType::Ipv6;
        assert_eq!(family.check().unwrap_err().0, "subscribers[0].src_ip");
        let mut address = parse(EXAMPLE);
        address.subscribers[1].src_ip = address.subscribers[0].src_ip;
        assert_eq!(
            address.check().unwrap_err(),
            (
                "subscribers[1].src_ip".to_owned(),
                "192.0.2.1 is there twice, expected each address once".to_owned()
            )
        );
        let mut mme = parse(EXAMPLE);
        mme.mme_addr = "[2001:db8::1]:36412".parse().unwrap();
        let (key, problem) = mme.check().unwrap_err();
        assert_eq!(key, "mme_addr");
        assert!(problem.ends_with("s1c_ip, expected an IPv4 address"), "{problem}");
        let range = "subscriber_range: { imsi: 999999, count: 2 }\n";
        let (key, problem) = parse(&format!("{EXAMPLE}{range}")).check().unwrap_err();
        assert_eq!(key, "subscriber_range.imsi");
        assert!(problem.contains("expected"), "{problem}");
    }

    #[test]
    fn only_what_can_be_fetched_is_a_url() {
        for (url, good) in [
            ("http://198.51.100.1/", true),
            ("http://198.51.100.1", true),
            ("http://198.51.100.1:8080/a?b=c", true),
            ("http://[2001:db8::1]:80/", true),
            ("http://[2001:db8::1]", true),
            ("http://server.example/a%20page", true),
            ("http://server:65535?x", true),
            ("", false),
            ("ftp://192.0.2.1/", false),
            ("https://192.0.2.1/", false),
            ("http://", false),
            ("http:///page", false),
            ("http://:80/", false),
            ("http://192.0.2.1:0/", false),
            ("http://192.0.2.1:65536/", false),
            ("http://192.0.2.1:/", false),
            ("http://192.0.2.1:+80/", false),
            ("http://192.0.2.256/", false),
            ("http://[2001:db8::1/", false),
            ("http://[192.0.2.1]/", false),
            ("http://2001:db8::1/", false),
            ("http://me@192.0.2.1/", false),
            ("http://a server/", false),
            ("http://192.0.2.1/a page", false),
            ("http://192.0.2.1/\n", false),
        ] {
            let mut config = parse(EXAMPLE);
            config.subscribers[1].http_url = Some(url.to_owned());
            match config.check() {
                Ok(()) => assert!(good, "{url}"),
                Err((key, problem)) => {
                    assert_eq!((key.as_str(), good), ("subscribers[1].http_url", false), "{url}");
                    assert!(
                        !problem.contains('\n') && problem.contains("expected"),
                        "{problem}"
                    );
                }
            }
        }
    }
}
