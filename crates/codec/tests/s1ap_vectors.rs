//! The shared vectors of S1AP, when they are there: the checks of the example `conformance`.
#![cfg(feature = "s1ap")]

use std::fs;

#[path = "../examples/conformance/s1ap.rs"]
mod conformance;

fn failures(file: &str) -> Vec<String> {
    let path = format!("{}/../../../shared/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("skipped: {path} is not there");
        return Vec::new();
    };
    let items = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"));
    let ours = items.filter(|item| item["proto"] == "s1ap");
    ours.filter_map(|item| {
        conformance::check(&item)
            .err()
            .map(|wrong| format!("{}: {wrong}", item["id"]))
    })
    .collect()
}

#[test]
fn real_messages_are_read_as_other_decoders_read_them() {
    assert_eq!(failures("s1ap.jsonl"), Vec::<String>::new());
}

#[test]
fn malformed_messages_are_errors() {
    assert_eq!(failures("malformed.jsonl"), Vec::<String>::new());
}
