//! The configuration files of all four daemons, as the daemons read them.

use std::fmt::Debug;
use std::path::Path;

use epc_driver::config::{self, ConfigError};
use proptest::prelude::*;
use serde::de::DeserializeOwned;

const ENB: &str = include_str!("../../../enb/enb.yml");
const MME: &str = include_str!("../../../mme/mme.yml");
const SGW: &str = include_str!("../../../sgw/sgw.yml");
const PGW: &str = include_str!("../../../pgw/pgw.yml");

fn accepted<C: DeserializeOwned>(text: &str, name: &str) -> C {
    config::parse(text, name).unwrap_or_else(|error: ConfigError| panic!("{error}"))
}

#[test]
fn example_files_are_accepted() {
    assert_eq!(accepted::<enb::Config>(ENB, "enb.yml").check(), Ok(()));
    assert_eq!(accepted::<mme::Config>(MME, "mme.yml").check(), Ok(()));
    assert_eq!(accepted::<pgw::Config>(PGW, "pgw.yml").check(), Ok(()));
    accepted::<sgw::Config>(SGW, "sgw.yml");
}

#[test]
fn configurations_of_the_images_are_accepted() {
    let read = |name: &str| {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../compose");
        std::fs::read_to_string(directory.join(name)).unwrap()
    };
    assert_eq!(
        accepted::<enb::Config>(&read("enb.yml"), "enb.yml").check(),
        Ok(())
    );
    assert_eq!(
        accepted::<mme::Config>(&read("mme.yml"), "mme.yml").check(),
        Ok(())
    );
    assert_eq!(
        accepted::<pgw::Config>(&read("pgw.yml"), "pgw.yml").check(),
        Ok(())
    );
    accepted::<sgw::Config>(&read("sgw.yml"), "sgw.yml");
}

#[test]
fn files_of_go_gtp_and_of_the_container_packaging_are_accepted() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/peer-config");
    for family in ["go-gtp", "gw-tester-compose"] {
        let read = |node: &str| {
            let file = directory.join(format!("{family}-{node}.yml"));
            let text = std::fs::read_to_string(&file);
            if text.is_err() {
                eprintln!("skipped: {} is not there", file.display());
            }
            text.ok()
        };
        if let Some(text) = read("enb") {
            let config = accepted::<enb::Config>(&text, "enb.yml");
            assert_eq!(config.check(), Ok(()));
            assert_eq!((config.tai, config.eci), (1, 1));
        }
        if let Some(text) = read("mme") {
            assert_eq!(accepted::<mme::Config>(&text, "mme.yml").check(), Ok(()));
        }
        if let Some(text) = read("sgw") {
            accepted::<sgw::Config>(&text, "sgw.yml");
        }
        if let Some(text) = read("pgw") {
            assert_eq!(accepted::<pgw::Config>(&text, "pgw.yml").check(), Ok(()));
        }
    }
}

#[test]
fn identities_need_no_quotes() {
    for imsi in ["001010000000001", "240010000000001"] {
        let text = ENB
            .replace("\"001010000000001\"", imsi)
            .replace("mnc: \"01\"", "mnc: 01");
        let config = accepted::<enb::Config>(&text, "enb.yml");
        assert_eq!(config.subscribers[0].imsi.to_string(), imsi);
        assert_eq!(config.mnc.as_str(), "01");
    }
}

/// Replaces `from` in the example by `to`, and expects to be told `problem` with the line where `from` stood.
fn told<C: DeserializeOwned + Debug>(name: &str, example: &str, from: &str, to: &str, problem: &str) {
    let before = example.split_once(from).unwrap_or_else(|| panic!("no {from}")).0;
    let line = before.matches('\n').count() + 1;
    let text = example.replacen(from, to, 1);
    let told = config::parse::<C>(&text, name).expect_err(to).to_string();
    println!("{told}");
    assert!(told.starts_with(&format!("{name}:{line}: {problem}")), "{told}");
    assert!(told.contains("expected") && !told.contains('\n'), "{told}");
}

#[test]
fn mistakes_of_an_operator_are_told_with_line_and_key() {
    for (from, to, problem) in [
        ("tai: 0x0001", "tia: 0x0001", "tia: unknown key, expected `tai`"),
        (
            "s1u_ip: 127.0.0.11",
            "s1u_ip: 127.0.0",
            "local_addresses.s1u_ip: `127.0.0` is not an IP address, expected one such as 192.0.2.1",
        ),
        ("\"001010000000001\"", "\"00101\"", "subscribers[0].imsi: "),
        ("\"001010000000002\"", "00101000000000A", "subscribers[1].imsi: "),
        (
            "type: external",
            "type: ftp",
            "subscribers[0].type: `ftp` is not known, expected one of `none`, `external`, `http_get`",
        ),
        ("eci: 0x00000001", "eci: 0x10000000", "eci: "),
        (
            "i_tei: 0",
            "i_tei: -1",
            "subscribers[0].i_tei: -1 is out of range, expected a whole number from 0 to 4294967295",
        ),
        (
            "max_in_flight: 256",
            "max_inflight: 256",
            "attach.max_inflight: unknown key, expected `max_in_flight`",
        ),
        (
            "src_ip: 192.0.2.1",
            "src_ip: 192.0.2.256",
            "subscribers[0].src_ip: ",
        ),
        ("mnc: \"01\"", "mnc: 1", "mnc: \"1\": expected 2 to 3 digits"),
        (
            "s1u_ip: 127.0.0.11",
            "s1u_ip: 0.0.0.0",
            "local_addresses.s1u_ip: 0.0.0.0 is no address in particular, expected an address of this host",
        ),
        (
            "s1c_ip: 127.0.1.11",
            "s1c_ip: 224.0.0.1",
            "local_addresses.s1c_ip: 224.0.0.1 is a multicast address, expected an address of this host",
        ),
        (
            "s1u_ip: 127.0.0.11",
            "s1u_ip: 255.255.255.255",
            "local_addresses.s1u_ip: 255.255.255.255 is the broadcast address, expected an address of this host",
        ),
        (
            "mme_addr: 127.0.1.12:36412",
            "mme_addr: 127.0.1.12:0",
            "mme_addr: 127.0.1.12:0 has no port, expected IP:PORT with PORT from 1 to 65535",
        ),
        (
            "mme_addr: 127.0.1.12:36412",
            "mme_addr: mme.example:36412",
            "mme_addr: `mme.example:36412` is not an address: expected IP:PORT",
        ),
        (
            "mme_addr: 127.0.1.12:36412",
            "mme_addr: 0.0.0.0:36412",
            "mme_addr: 0.0.0.0 is no address in particular, expected the address of a host",
        ),
        (
            "route_table: 3001",
            "route_table: 0",
            "route_table: 0 is a routing table of the system, expected a number from 1 to 4294967295 but 253, 254 and 255",
        ),
        ("route_table: 3001", "route_table: 254", "route_table: 254 is a"),
        (
            "route_table: 3001",
            "route_table: 4294967296",
            "route_table: 4294967296 is out of range, expected a whole number from 0 to 4294967295",
        ),
        (
            "route_table: 3001",
            "route_table: -1",
            "route_table: -1 is out of range",
        ),
        (
            "route_table: 3001",
            "route_table: 1e300",
            "route_table: wrong type: `1e300`",
        ),
        (
            "tun_name: gtp-enb",
            "tun_name: gtp-enb-gtp-enb-",
            "tun_name: `gtp-enb-gtp-enb-` is no name for a network device, expected 1 to 15 characters",
        ),
        ("tun_name: gtp-enb", "tun_name: \"\"", "tun_name: `` is no name"),
        ("tun_name: gtp-enb", "tun_name: ..", "tun_name: `..` is no name"),
        (
            "tun_name: gtp-enb",
            "tun_name: gtp%d",
            "tun_name: `gtp%d` is no name",
        ),
        (
            "tun_name: gtp-enb",
            "tun_name: gtp/1",
            "tun_name: `gtp/1` is no name",
        ),
        (
            "tun_name: gtp-enb",
            "tun_name: gtp 1",
            "tun_name: `gtp 1` is no name",
        ),
        (
            "tun_name: gtp-enb",
            "tun_name: \"gtp\\n1\"",
            "tun_name: `gtp\\n1` is no name",
        ),
        (
            "src_ip: 192.0.2.1",
            "src_ip: 127.0.0.1",
            "subscribers[0].src_ip: 127.0.0.1 cannot be the address of a UE, expected a unicast address",
        ),
        (
            "src_ip: 192.0.2.1",
            "src_ip: 224.0.0.1",
            "subscribers[0].src_ip: 224.0.0.1 cannot",
        ),
        (
            "src_ip: 192.0.2.1",
            "src_ip: 255.255.255.255",
            "subscribers[0].src_ip: 255.255.255.255 cannot",
        ),
        (
            "src_ip: 192.0.2.1",
            "src_ip: 169.254.0.1",
            "subscribers[0].src_ip: 169.254.0.1 cannot",
        ),
        (
            "src_ip: 192.0.2.1",
            "src_ip: fe80::1",
            "subscribers[0].src_ip: fe80::1 cannot",
        ),
        (
            "src_ip: 192.0.2.1",
            "src_ip: ::1",
            "subscribers[0].src_ip: ::1 cannot",
        ),
    ] {
        told::<enb::Config>("enb.yml", ENB, from, to, problem);
    }
    for (from, to, problem) in [
        (
            "route_subnet: 192.0.2.0/24",
            "route_subnet: 192.0.2.0/33",
            "route_subnet: ",
        ),
        (
            "dns: []",
            "dns: [one]",
            "dns[0]: `one`: invalid IP address syntax, expected IP address",
        ),
        (
            "t3_response: 3",
            "t3_response: 0",
            "gtp_c.t3_response: 0 is not a time: expected seconds",
        ),
        (
            "offload: full",
            "offload: fast",
            "user_plane.offload: `fast` is not known, expected one of",
        ),
        (
            "127.0.10.4:58080",
            "127.0.10.4",
            "prom_addr: `127.0.10.4` is not an address: expected IP:PORT",
        ),
        (
            "log_format: text",
            "log_format: xml",
            "log_format: `xml` is not known, expected one of `text`, `json`",
        ),
        ("route_table: 3002", "route_table: 253", "route_table: 253 is a"),
        ("route_table: 3002", "route_table: 255", "route_table: 255 is a"),
        ("tun_name: gtp-pgw", "tun_name: .", "tun_name: `.` is no name"),
        (
            "s5u_ip: 127.0.0.15",
            "s5u_ip: \"::\"",
            "local_addresses.s5u_ip: :: is no address in particular, expected an address of this host",
        ),
        (
            "dns: []",
            "ue_pools: 10.0.0.0/8",
            "ue_pools: wrong type: `10.0.0.0/8`, expected a list of subnets",
        ),
        (
            "127.0.10.4:58080",
            "127.0.10.4:65536",
            "prom_addr: `127.0.10.4:65536` is not an address: expected IP:PORT",
        ),
    ] {
        told::<pgw::Config>("pgw.yml", PGW, from, to, problem);
    }
    for (from, to, problem) in [
        ("apn: internet.example", "apn: \"inter net\"", "apn: "),
        ("sgw_s11_ip: 127.0.1.13", "sgw_s11_ip:", "sgw_s11_ip: "),
        (
            "s1c_addr: 127.0.1.12:36412",
            "s1c_addr: 127.0.1.12",
            "local_addresses.s1c_addr: `127.0.1.12` is not an address: expected IP:PORT",
        ),
        (
            "s1c_addr: 127.0.1.12:36412",
            "s1c_addr: 127.0.1.12:0",
            "local_addresses.s1c_addr: 127.0.1.12:0 has no port, expected IP:PORT",
        ),
        (
            "s1c_addr: 127.0.1.12:36412",
            "s1c_addr: 0.0.0.0:36412",
            "local_addresses.s1c_addr: 0.0.0.0 is no address in particular, expected an address of this host",
        ),
        (
            "s11_ip: 127.0.1.12",
            "s11_ip: ff02::1",
            "local_addresses.s11_ip: ff02::1 is a multicast address, expected an address of this host",
        ),
        (
            "pgw_s5c_ip: 127.0.1.15",
            "pgw_s5c_ip: 0.0.0.0",
            "pgw_s5c_ip: 0.0.0.0 is no address in particular, expected the address of a host",
        ),
        (
            "enb_networks: []",
            "enb_networks: 192.0.2.0/24",
            "enb_networks: wrong type: `192.0.2.0/24`, expected a list of subnets",
        ),
        (
            "enb_networks: []",
            "enb_networks: [192.0.2.0/33]",
            "enb_networks[0]: ",
        ),
    ] {
        told::<mme::Config>("mme.yml", MME, from, to, problem);
    }
    for (from, to, problem) in [
        (
            "s1u_ip: 127.0.0.13",
            "s1u_ip: 239.0.0.1",
            "local_addresses.s1u_ip: 239.0.0.1 is a multicast address, expected an address of this host",
        ),
        (
            "s5c_ip: 127.0.1.14",
            "s5c_ip: 0.0.0.0",
            "local_addresses.s5c_ip: 0.0.0.0 is no address",
        ),
    ] {
        told::<sgw::Config>("sgw.yml", SGW, from, to, problem);
    }
    let missing = "local_addresses.s5u_ip: missing, expected this key";
    let without = SGW.replace("  s5u_ip: ", "  # ");
    let told = config::parse::<sgw::Config>(&without, "sgw.yml")
        .unwrap_err()
        .to_string();
    assert_eq!(told, format!("sgw.yml:2: {missing}"));
}

#[test]
fn gateway_may_have_an_address_of_each_family() {
    let text = SGW.replace("s1u_ip: 127.0.0.13", "s1u_ip: ::1");
    let config = accepted::<sgw::Config>(&text, "sgw.yml");
    assert!(config.local_addresses.s1u_ip.is_ipv6() && config.local_addresses.s5u_ip.is_ipv4());
}

/// Reads a text as each of the four; an error is one line and names the file.
fn reads_or_tells(text: &str) {
    let tells = |error: Option<ConfigError>| {
        if let Some(error) = error {
            let told = error.to_string();
            assert!(
                told.starts_with("some.yml:") && !told.contains(char::is_control),
                "{told}"
            );
            assert!(told.contains("expected"), "{told}");
        }
    };
    tells(config::parse::<enb::Config>(text, "some.yml").err());
    tells(config::parse::<mme::Config>(text, "some.yml").err());
    tells(config::parse::<sgw::Config>(text, "some.yml").err());
    tells(config::parse::<pgw::Config>(text, "some.yml").err());
}

proptest! {
    #[test]
    fn any_text_is_read_or_told_about(text in any::<String>()) {
        reads_or_tells(&text);
    }

    #[test]
    fn any_change_of_a_file_is_read_or_told_about(
        example in prop::sample::select(vec![ENB, MME, SGW, PGW]),
        place in any::<prop::sample::Index>(),
        taken in 0..40usize,
        put in "[-a-z0-9:#&*!|>{}\\[\\]\"' \n\t]{0,12}",
    ) {
        let characters: Vec<char> = example.chars().collect();
        let place = place.index(characters.len());
        let rest = &characters[(place + taken).min(characters.len())..];
        let text: String = characters[..place].iter().copied().chain(put.chars()).chain(rest.iter().copied()).collect();
        reads_or_tells(&text);
    }
}
