use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::*;

/// Reads a file as a toy, with nothing in the environment.
fn load(file: &Path) -> Result<Loaded<Toy>, ConfigError> {
    Document::read(file, std::iter::empty())?.typed()
}

/// Reads a text as a toy, with these variables in the environment.
fn with_variables(text: &str, variables: &[(&str, &str)]) -> Result<Loaded<Toy>, ConfigError> {
    let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
    Document::parse(text, Path::new("toy.yml"), variables)?.typed()
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Toy {
    mcc: String,
    #[serde(default)]
    tai: u16,
    local_addresses: Addresses,
    #[serde(default)]
    subscribers: Vec<Subscriber>,
    #[serde(default)]
    prom_addr: Option<IpAddr>,
    #[serde(default)]
    use_kernel_gtp: bool,
    #[serde(default)]
    timers: Timers,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Addresses {
    s1c_ip: IpAddr,
}

#[derive(Debug, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Timers {
    #[serde(deserialize_with = "epc_node::config::seconds")]
    t3: Duration,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscriber {
    imsi: Imsi,
    #[serde(rename = "type")]
    kind: Kind,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    External,
    HttpGet,
}

#[derive(Debug, PartialEq)]
struct Imsi(String);

impl<'de> Deserialize<'de> for Imsi {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Imsi, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() == 15 && text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(Imsi(text));
        }
        Err(serde::de::Error::custom(format!(
            "`{text}` is not an IMSI, expected 15 digits"
        )))
    }
}

const GOOD: &str = "\
---
# A comment.
mcc: 001
tai: 0x0010
local_addresses:
  s1c_ip: \"192.0.2.1\"
prom_addr:
use_kernel_gtp: false
subscribers:
  - imsi: 001010000000001
    type: external
  - imsi: \"001010000000002\"
    type: http_get
";

#[test]
fn configuration_reads_with_bare_digits_hexadecimal_and_empty_values() {
    let toy: Toy = parse(GOOD, "toy.yml").unwrap();
    assert_eq!(
        toy,
        Toy {
            mcc: "001".to_owned(),
            tai: 16,
            local_addresses: Addresses {
                s1c_ip: "192.0.2.1".parse().unwrap(),
            },
            subscribers: vec![
                Subscriber {
                    imsi: Imsi("001010000000001".to_owned()),
                    kind: Kind::External,
                },
                Subscriber {
                    imsi: Imsi("001010000000002".to_owned()),
                    kind: Kind::HttpGet,
                },
            ],
            prom_addr: None,
            use_kernel_gtp: false,
            timers: Timers::default(),
        }
    );
}

#[test]
fn every_mistake_is_one_line_with_file_line_and_key() {
    let table = [
        // what to replace, by what, and what is said
        (
            "prom_addr:",
            "prom_adr: 1",
            "toy.yml:7: prom_adr: unknown key, expected `prom_addr`",
        ),
        (
            "  s1c_ip:",
            "  s1c_addr:",
            "toy.yml:6: local_addresses.s1c_addr: unknown key, expected `s1c_ip`",
        ),
        (
            "prom_addr:",
            "colour: red",
            "toy.yml:7: colour: unknown key, expected one of `mcc`, `tai`, `local_addresses`, `subscribers`, \
             `prom_addr`, `use_kernel_gtp`, `timers`",
        ),
        (
            "    type: http_get",
            "    type: telnet",
            "toy.yml:13: subscribers[1].type: `telnet` is not known, expected one of `external`, `http_get`",
        ),
        (
            "    type: http_get",
            "    typ: http_get",
            "toy.yml:13: subscribers[1].typ: unknown key, expected `type`",
        ),
        (
            "\"001010000000002\"",
            "00101x",
            "toy.yml:12: subscribers[1].imsi: `00101x` is not an IMSI, expected 15 digits",
        ),
        (
            "\"001010000000002\"",
            "[1, 2]",
            "toy.yml:12: subscribers[1].imsi: wrong type: a list, expected a string",
        ),
        (
            "\"192.0.2.1\"",
            "192.0.2",
            "toy.yml:6: local_addresses.s1c_ip: `192.0.2`: invalid IP address syntax, expected IP address",
        ),
        (
            "tai: 0x0010",
            "tai: many",
            "toy.yml:4: tai: wrong type: `many`, expected a whole number from 0 to 65535",
        ),
        (
            "tai: 0x0010",
            "tai: \"5\"",
            "toy.yml:4: tai: wrong type: the text \"5\", expected a whole number from 0 to 65535",
        ),
        (
            "tai: 0x0010",
            "tai: 65536",
            "toy.yml:4: tai: 65536 is out of range, expected a whole number from 0 to 65535",
        ),
        (
            "tai: 0x0010",
            "tai: 1\ntai: 2",
            "toy.yml:5: tai: duplicate key, it stands on line 4 already, expected once",
        ),
        (
            "use_kernel_gtp: false",
            "use_kernel_gtp: maybe",
            "toy.yml:8: use_kernel_gtp: wrong type: `maybe`, expected true or false",
        ),
        ("mcc: 001\n", "", "toy.yml:3: mcc: missing, expected this key"),
        (
            "  s1c_ip: \"192.0.2.1\"\n",
            "",
            "toy.yml:5: local_addresses.s1c_ip: missing, expected this key",
        ),
        (
            "    type: http_get\n",
            "",
            "toy.yml:12: subscribers[1].type: missing, expected this key",
        ),
        (
            "use_kernel_gtp: false",
            "timers:\n  t3: -1",
            "toy.yml:9: timers.t3: -1 is not a time: expected seconds, more than 0 and at most 86400",
        ),
        (
            "use_kernel_gtp: false",
            "timers: 3",
            "toy.yml:8: timers: wrong type: `3`, expected a map of keys",
        ),
        (
            "subscribers:",
            "subscribers: 7\nlist:",
            "toy.yml:9: subscribers: wrong type: `7`, expected a list",
        ),
        (
            "use_kernel_gtp: false",
            "use_kernel_gtp: [",
            "toy.yml:9: not YAML: invalid indentation, expected `key: value`",
        ),
        (
            "tai: 0x0010",
            "tai: \"a\\nb\\e[1m\\u202ec\"",
            "toy.yml:4: tai: wrong type: the text \"a\\nb\\u{1b}[1m\\u{202e}c\", expected a whole number from 0 to \
             65535",
        ),
        (
            "prom_addr:",
            "\"prom\\naddr\": 1",
            "toy.yml:7: prom\\naddr: unknown key, expected `prom_addr`",
        ),
        (
            "tai: 0x0010",
            "tai: 1000000000100000000010000000001000000000100000000010000000001",
            "toy.yml:4: tai: wrong type: `100000000010000000001000000000100000000010000000001000000000…`, expected a \
             whole number from 0 to 65535",
        ),
        (
            "use_kernel_gtp: false",
            "timers:\n  t3: 1e300",
            "toy.yml:9: timers.t3: 100000000000000000000000000000000000000000000000000000000000… is not a time: \
             expected seconds, more than 0 and at most 86400",
        ),
        (
            "use_kernel_gtp: false",
            "use_kernel_gtp: \"&*",
            "toy.yml:8: not YAML: invalid indentation in quoted scalar, expected `key: value`",
        ),
    ];
    for (from, to, said) in table {
        assert!(GOOD.contains(from), "{from}");
        let text = GOOD.replacen(from, to, 1);
        let error = parse::<Toy>(&text, "toy.yml").unwrap_err().to_string();
        assert_eq!(error, said, "{from} -> {to}");
    }
}

#[test]
fn file_that_is_not_there_is_named() {
    let error = load(Path::new("/nonexistent/toy.yml")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/nonexistent/toy.yml: cannot be read: No such file or directory (os error 2), expected a configuration in YAML"
    );
}

/// A directory of this test's own; gone with the value.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn only_a_regular_file_of_some_size_is_read() {
    let scratch = Scratch(std::env::temp_dir().join(format!("epc-driver-{}-files", std::process::id())));
    fs::create_dir_all(&scratch.0).unwrap();
    let at = |name: &str| scratch.0.join(name);
    fs::write(at("toy\n.yml"), GOOD).unwrap();
    std::os::unix::fs::symlink(at("toy\n.yml"), at("link")).unwrap();
    assert!(load(&at("link")).is_ok());

    // Nobody ever writes into it.
    let mode = nix::sys::stat::Mode::S_IRUSR;
    nix::unistd::mkfifo(&at("fifo"), mode).unwrap();
    for file in [
        &at("fifo"),
        &scratch.0,
        Path::new("/dev/zero"),
        Path::new("/dev/null"),
    ] {
        let told = load(file).unwrap_err().to_string();
        assert_eq!(
            told,
            format!(
                "{}: no regular file, expected a configuration in YAML",
                file.display()
            )
        );
    }

    // A file with a hole takes no room.
    let large = File::create(at("large.yml")).unwrap();
    large.set_len(LARGEST + 1).unwrap();
    let told = load(&at("large.yml")).unwrap_err().to_string();
    assert!(
        told.ends_with("large.yml: larger than 64 MiB, expected a configuration in YAML"),
        "{told}"
    );

    fs::write(at("toy\n.yml"), "mcc: \"").unwrap();
    let told = load(&at("toy\n.yml")).unwrap_err().to_string();
    assert!(told.contains("/toy\\n.yml:1: not YAML: "), "{told}");
}

#[test]
fn problem_that_shows_later_gets_its_line() {
    let loaded = with_variables(GOOD, &[]).unwrap();
    let said = |key: &str| loaded.locate(&Problem::new(key, "in use")).to_string();
    assert_eq!(
        said("local_addresses.s1c_ip"),
        "toy.yml:6: local_addresses.s1c_ip: in use"
    );
    assert_eq!(
        said("subscribers[1].type"),
        "toy.yml:13: subscribers[1].type: in use"
    );
    // Not in the file: the nearest that is.
    assert_eq!(
        said("local_addresses.s1u_ip"),
        "toy.yml:5: local_addresses.s1u_ip: in use"
    );
}

#[test]
fn anchors_and_merged_keys_are_understood() {
    let text = "mcc: \"001\"\nlocal_addresses: &a {s1c_ip: 192.0.2.1}\nsubscribers:\n\
                - &s {imsi: 001010000000001, type: external}\n- {<<: *s, imsi: 001010000000002}\n";
    let toy: Toy = parse(text, "toy.yml").unwrap();
    assert_eq!(toy.subscribers[1].imsi, Imsi("001010000000002".to_owned()));
    assert_eq!(toy.subscribers[1].kind, Kind::External);
}

#[test]
fn aliases_cannot_exhaust_the_memory() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let aliases = format!("*a{}, ", level - 1).repeat(10);
        text += &format!("a{level}: &a{level} [{aliases}]\n");
    }
    let error = parse::<Toy>(&text, "toy.yml").unwrap_err();
    assert!(error.what.contains("more than 2000000 values"), "{error}");
}

#[test]
fn deep_nesting_is_refused() {
    let text = format!("a: {}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(parse::<Toy>(&text, "toy.yml").is_err());
}

#[test]
fn variables_replace_what_the_file_says_and_add_to_it() {
    let variables = [
        ("GWT_MCC", "002"),
        ("GWT_LOCAL_ADDRESSES__S1C_IP", "192.0.2.7"),
        ("GWT_TIMERS__T3", "2.5"),
        ("GWT_SUBSCRIBERS__1__TYPE", "external"),
        ("GWT_SUBSCRIBERS__2", "{imsi: 001010000000003, type: http_get}"),
        ("GWT_PROM_ADDR", "192.0.2.8"),
        ("GWT_TAI", ""),
        ("GWT_PODINFO", "/elsewhere"),
        ("HOME", "/root"),
    ];
    let toy = with_variables(GOOD, &variables).unwrap().config;
    let mut expected: Toy = parse(GOOD, "toy.yml").unwrap();
    assert_eq!((expected.subscribers.len(), expected.tai), (2, 16));
    expected.mcc = "002".to_owned();
    expected.local_addresses.s1c_ip = [192, 0, 2, 7].into();
    expected.timers.t3 = Duration::from_millis(2500);
    expected.subscribers[1].kind = Kind::External;
    expected.subscribers.push(Subscriber {
        imsi: Imsi("001010000000003".to_owned()),
        kind: Kind::HttpGet,
    });
    expected.prom_addr = Some([192, 0, 2, 8].into());
    assert_eq!(toy, expected);
}

#[test]
fn variable_takes_a_value_away_and_a_whole_file_can_come_from_variables() {
    let toy = with_variables(GOOD, &[("GWT_SUBSCRIBERS", "~")]).unwrap().config;
    assert_eq!(toy.subscribers, []);
    let variables = [
        ("GWT_MCC", "001"),
        ("GWT_LOCAL_ADDRESSES__S1C_IP", "192.0.2.1"),
        ("GWT_SUBSCRIBERS__0__TYPE", "external"),
        ("GWT_SUBSCRIBERS__0__IMSI", "001010000000001"),
    ];
    let toy = with_variables("", &variables).unwrap().config;
    assert_eq!(toy.subscribers[0].imsi, Imsi("001010000000001".to_owned()));
}

#[test]
fn mistake_in_a_variable_names_the_variable() {
    for (name, value, told) in [
        (
            "GWT_TAI",
            "65536",
            "GWT_TAI: tai: 65536 is out of range, expected a whole number from 0 to 65535",
        ),
        ("GWT_TIA", "1", "GWT_TIA: tia: unknown key, expected `tai`"),
        (
            "GWT_SUBSCRIBERS__0__IMSI",
            "00101",
            "GWT_SUBSCRIBERS__0__IMSI: subscribers[0].imsi: `00101` is not an IMSI, expected 15 digits",
        ),
        (
            "GWT_SUBSCRIBERS__0",
            "{imsi: 001010000000001, kind: external}",
            "GWT_SUBSCRIBERS__0: subscribers[0].kind: unknown key, expected one of `imsi`, `type`",
        ),
        (
            "GWT_SUBSCRIBERS__7__IMSI",
            "001010000000001",
            "GWT_SUBSCRIBERS__7__IMSI: subscribers[7].imsi: the list has no place 7 yet, expected at most 2",
        ),
        (
            "GWT_SUBSCRIBERS__IMSI",
            "001010000000001",
            "GWT_SUBSCRIBERS__IMSI: subscribers.imsi: stands below a list, expected the number of a place in it",
        ),
        (
            "GWT_MCC__ONE",
            "1",
            "GWT_MCC__ONE: mcc.one: stands below a single value, expected a map or a list",
        ),
    ] {
        let error = with_variables(GOOD, &[(name, value)]).unwrap_err().to_string();
        assert_eq!(error, told);
    }
    let error = with_variables(GOOD, &[("GWT_MCC", "[1")])
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("GWT_MCC: mcc: not YAML: "), "{error}");
    let located = with_variables(GOOD, &[("GWT_PROM_ADDR", "192.0.2.8")]).unwrap();
    let problem = Problem::new("prom_addr", "in use");
    assert_eq!(
        located.locate(&problem).to_string(),
        "GWT_PROM_ADDR: prom_addr: in use"
    );
}
