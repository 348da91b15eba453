//! Replays the corpus of the fuzz targets, and of what they once found.
#![cfg(feature = "s1ap")]

use std::fs;
use std::path::Path;

#[path = "../../../tests/fuzz/checks/nas.rs"]
mod nas;
#[path = "../../../tests/fuzz/checks/s1ap.rs"]
mod s1ap;

#[test]
fn s1ap_corpus() {
    replay("s1ap", s1ap::check);
}

#[test]
fn nas_corpus() {
    replay("nas", nas::check);
}

/// Each file, and each beginning of it.
fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fuzz/corpus")
        .join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut replayed = 0;
    for file in files {
        let octets = fs::read(file.expect("a file").path()).expect("octets");
        (0..=octets.len()).for_each(|end| check(&octets[..end]));
        replayed += 1;
    }
    assert!(replayed >= 10, "{replayed} files in {}", folder.display());
}
