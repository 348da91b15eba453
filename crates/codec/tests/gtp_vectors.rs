//! The shared vectors of GTP, when they are there: the checks of the example `conformance`.

use std::fs;

use serde_json::Value;

#[path = "../examples/conformance/gtp.rs"]
mod conformance;

/// Each item of the file that fails, or nothing if the file is not there.
fn failures(file: &str, check: impl Fn(&Value) -> Option<Result<(), String>>) -> Vec<String> {
    let path = format!("{}/../../../shared/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("skipped: {path} is not there");
        return Vec::new();
    };
    let items = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let checked = items.filter_map(|item| Some((item["id"].to_string(), check(&item)?)));
    checked
        .filter_map(|(id, result)| result.err().map(|wrong| format!("{id}: {wrong}")))
        .collect()
}

fn check(item: &Value) -> Option<Result<(), String>> {
    match item["proto"].as_str()? {
        "gtpv2c" => Some(conformance::check_gtpv2c(item).map(|_| ())),
        "gtpv2c-ie" => Some(conformance::check_gtpv2c_ie(item)),
        "gtpu" => Some(conformance::check_gtpu(item)),
        _ => None,
    }
}

#[test]
fn real_messages_are_read_as_other_decoders_read_them() {
    for file in ["gtpv2c.jsonl", "gtpv2c-ie.jsonl", "gtpu.jsonl"] {
        assert_eq!(failures(file, check), Vec::<String>::new(), "{file}");
    }
}

#[test]
fn malformed_messages_get_their_verdict() {
    assert_eq!(failures("malformed.jsonl", check), Vec::<String>::new());
}

#[test]
fn few_real_messages_lack_an_element_that_is_mandatory() {
    let lacking = failures("gtpv2c.jsonl", |item| {
        let outcome = conformance::check_gtpv2c(item).ok()?;
        Some(if outcome == conformance::Outcome::Whole {
            Ok(())
        } else {
            Err(item["expect"]["msg_name"].to_string())
        })
    });
    assert!(lacking.len() <= 16, "{lacking:#?}");
}
