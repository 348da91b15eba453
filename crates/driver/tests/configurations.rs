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
            "local_addresses.s1u_ip: `127.0.0`: invalid IP address syntax, expected IP address",
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
    ] {
        told::<pgw::Config>("pgw.yml", PGW, from, to, problem);
    }
    for (from, to, problem) in [
        ("apn: internet.example", "apn: \"inter net\"", "apn: "),
        ("sgw_s11_ip: 127.0.1.13", "sgw_s11_ip:", "sgw_s11_ip: "),
        (
            "s1c_addr: 127.0.1.12:36412",
            "s1c_addr: 127.0.1.12",
            "local_addresses.s1c_addr: ",
        ),
    ] {
        told::<mme::Config>("mme.yml", MME, from, to, problem);
    }
    let missing = "local_addresses.s5u_ip: missing, expected this key";
    let without = SGW.replace("  s5u_ip: ", "  # ");
    let told = config::parse::<sgw::Config>(&without, "sgw.yml")
        .unwrap_err()
        .to_string();
    assert_eq!(told, format!("sgw.yml:2: {missing}"));
}

/// Reads a text as each of the four; an error is one line and names the file.
fn reads_or_tells(text: &str) {
    let tells = |error: Option<ConfigError>| {
        if let Some(error) = error {
            let told = error.to_string();
            assert!(told.starts_with("some.yml:") && !told.contains('\n'), "{told}");
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
