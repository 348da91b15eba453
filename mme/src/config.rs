//! The YAML of an MME: the keys of go-gtp's gw-tester, and ours with defaults.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use epc_codec::{Apn, Imsi, Plmn};
use epc_node::Interface;
use epc_node::config::{
    Gateways, GtpC, LogFormat, S1ap, listen_address, local_address, local_socket_address, seconds, subnets,
};
use epc_node::text::{self, Digits};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

/// `mme.yml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Mobile Country Code of the network that is served.
    pub mcc: Digits<3, 3>,
    /// Mobile Network Code of the network that is served; `01` and `001` are different networks.
    pub mnc: Digits<2, 3>,
    /// The Access Point Name that every subscriber is connected to.
    #[serde(deserialize_with = "text::parsed")]
    pub apn: Apn,
    /// The addresses to bind on this host.
    pub local_addresses: LocalAddresses,
    /// The S-GWs, by their addresses on S11.
    pub sgw_s11_ip: Gateways,
    /// The P-GWs, by their addresses on S5-C.
    pub pgw_s5c_ip: Gateways,
    /// Where to serve `/metrics`, `/livez` and `/readyz`; nowhere by default.
    #[serde(default, deserialize_with = "listen_address")]
    pub prom_addr: Option<SocketAddr>,
    /// `text` or `json`.
    #[serde(default)]
    pub log_format: LogFormat,
    /// Seconds that sessions are given to end when the daemon stops.
    #[serde(default = "shutdown_grace", deserialize_with = "seconds")]
    pub shutdown_grace: Duration,
    /// Repetition of requests and supervision of the S-GW.
    #[serde(default)]
    pub gtp_c: GtpC,
    /// Delivery and supervision on S1-MME.
    #[serde(default)]
    pub s1ap: S1ap,
    /// Seconds after which the gateways are to refuse a Create Session Request as timed out (Maximum Wait Time, TS 29.274
    /// §13.3). They are not told by default, for it needs clocks that agree.
    #[serde(default, deserialize_with = "some_seconds")]
    pub maximum_wait_time: Option<Duration>,
    /// Where eNBs may be: subnets. Anywhere, if there are none; the network that they serve must be ours all the same.
    #[serde(default, deserialize_with = "subnets")]
    pub enb_networks: Vec<IpNet>,
    /// Subscribers that are not served: their attach is refused, and a reload detaches them.
    #[serde(default, deserialize_with = "text::imsis")]
    pub barred: HashSet<Imsi>,
    /// UEs at the most; beyond comes Attach Reject with cause 22, congestion.
    #[serde(default = "max_sessions", deserialize_with = "sessions")]
    pub max_sessions: usize,
    /// eNBs at the most; beyond comes S1 Setup Failure.
    #[serde(default = "max_enbs", deserialize_with = "enbs")]
    pub max_enbs: usize,
}

/// `local_addresses`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalAddresses {
    /// S1AP-lite towards eNBs: address and UDP port, usually 36412.
    #[serde(deserialize_with = "local_socket_address")]
    pub s1c_addr: SocketAddr,
    /// GTPv2-C towards the S-GW, UDP port 2123.
    #[serde(deserialize_with = "local_address")]
    pub s11_ip: IpAddr,
}

impl Config {
    /// The network that is served.
    pub fn plmn(&self) -> Plmn {
        Plmn::new(self.mcc.as_str(), self.mnc.as_str()).expect("three digits, and two or three, make a PLMN")
    }

    /// What no single key can tell: the key at fault, and what is wrong.
    pub fn check(&self) -> Result<(), (String, String)> {
        let is_ipv4 = self.local_addresses.s11_ip.is_ipv4();
        let mut sgws = self.sgw_s11_ip.iter().map(|sgw| sgw.address);
        if let Some(sgw) = sgws.find(|sgw| sgw.is_ipv4() != is_ipv4) {
            let problem = format!(
                "{sgw} is not of the family of local_addresses.s11_ip, expected an {} address",
                if is_ipv4 { "IPv4" } else { "IPv6" }
            );
            return Err(("sgw_s11_ip".to_owned(), problem));
        }
        let local = &self.local_addresses;
        if local.s1c_addr == SocketAddr::new(local.s11_ip, Interface::S11.port()) {
            let problem = format!("{} is taken by S11, expected another port", local.s1c_addr);
            return Err(("local_addresses.s1c_addr".to_owned(), problem));
        }
        Ok(())
    }
}

fn some_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    seconds(deserializer).map(Some)
}

fn sessions<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    text::between::<D, 1, 4_000_000>(deserializer).map(|number| number as usize)
}

fn enbs<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    text::between::<D, 1, 100_000>(deserializer).map(|number| number as usize)
}

fn shutdown_grace() -> Duration {
    Duration::from_secs(5)
}

fn max_sessions() -> usize {
    1_000_000
}

fn max_enbs() -> usize {
    1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../mme.yml");

    fn parse(text: &str) -> Config {
        epc_driver::config::parse(text, "mme.yml").unwrap()
    }

    #[test]
    fn example_file_is_a_configuration() {
        assert_eq!(parse(EXAMPLE).check(), Ok(()));
    }

    #[test]
    fn files_of_go_gtp_and_of_the_container_packaging_are_configurations() {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/peer-config");
        for name in ["go-gtp-mme.yml", "gw-tester-compose-mme.yml"] {
            let Ok(text) = std::fs::read_to_string(format!("{directory}/{name}")) else {
                eprintln!("skipped: {directory}/{name} is not there");
                continue;
            };
            let config = parse(&text);
            assert_eq!(config.check(), Ok(()), "{name}");
            assert_eq!(
                (config.mcc.as_str(), config.mnc.as_str()),
                ("001", "01"),
                "{name}"
            );
        }
    }

    #[test]
    fn gateways_are_one_or_several_with_weights() {
        let sgws = |value: &str| {
            let text = EXAMPLE.replace("sgw_s11_ip: 127.0.1.13", &format!("sgw_s11_ip: {value}"));
            let config = epc_driver::config::parse::<Config>(&text, "mme.yml");
            let pair = |sgw: &epc_node::config::Gateway| (sgw.address.to_string(), sgw.weight);
            config
                .map(|config| config.sgw_s11_ip.iter().map(pair).collect::<Vec<_>>())
                .map_err(|error| error.to_string())
        };
        let pair = |address: &str, weight| (address.to_owned(), weight);
        assert_eq!(sgws("192.0.2.1").unwrap(), [pair("192.0.2.1", 1)]);
        assert_eq!(
            sgws("[192.0.2.1, {address: '192.0.2.2', weight: 3}]").unwrap(),
            [pair("192.0.2.1", 1), pair("192.0.2.2", 3)]
        );
        assert_eq!(
            sgws("{address: 192.0.2.2, weight: 3}").unwrap(),
            [pair("192.0.2.2", 3)]
        );
        for (value, told) in [
            ("[]", "mme.yml:9: sgw_s11_ip: an empty list, expected a gateway"),
            (
                "[192.0.2.1, 192.0.2.1]",
                "mme.yml:9: sgw_s11_ip: 192.0.2.1 is there twice, expected each gateway once",
            ),
            (
                "[192.0.2.1, {address: 192.0.2.2, weight: 256}]",
                "mme.yml:9: sgw_s11_ip[1].weight: 256 is out of range, expected a whole number from 0 to 255",
            ),
            (
                "[192.0.2.1, {address: 192.0.2}]",
                "mme.yml:9: sgw_s11_ip[1].address: `192.0.2` is not an IP address, expected one such as 192.0.2.1",
            ),
        ] {
            assert_eq!(sgws(value).unwrap_err(), told);
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (change, to, problem) in [
            ("mnc: \"01\"", "mnc: \"0a\"", "expected 2 to 3 digits"),
            (
                "apn: internet.example",
                "apn: internet..example",
                "expected labels",
            ),
            (
                "sgw_s11_ip: 127.0.1.13",
                "sgw_ip: 127.0.1.13",
                "sgw_ip: unknown key",
            ),
            ("n3_requests: 5", "n3_requests: 0", "expected 1 to 100"),
        ] {
            assert!(EXAMPLE.contains(change), "{change}");
            let text = EXAMPLE.replace(change, to);
            let error = epc_driver::config::parse::<Config>(&text, "mme.yml")
                .unwrap_err()
                .to_string();
            assert!(error.contains(problem), "{error}");
        }
        let mut family = parse(EXAMPLE);
        family.sgw_s11_ip = Gateways::from("2001:db8::1".parse::<IpAddr>().unwrap());
        let (key, problem) = family.check().unwrap_err();
        assert_eq!(key, "sgw_s11_ip");
        assert!(problem.ends_with("expected an IPv4 address"), "{problem}");
        let mut shared = parse(EXAMPLE);
        shared.local_addresses.s1c_addr = "127.0.1.12:2123".parse().unwrap();
        assert_eq!(shared.check().unwrap_err().0, "local_addresses.s1c_addr");
    }
}
