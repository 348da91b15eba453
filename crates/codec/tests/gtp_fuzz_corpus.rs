//! What the fuzzers know of GTP, replayed without a fuzzer: `tests/fuzz` has their targets and corpora.

use std::fs;

#[path = "../../../tests/fuzz/checks/gtpu.rs"]
mod gtpu;
#[path = "../../../tests/fuzz/checks/gtpv2c.rs"]
mod gtpv2c;

/// Checks each file of a corpus, whole and cut to each length.
fn replay(corpus: &str, check: fn(&[u8])) {
    let path = format!("{}/../../tests/fuzz/corpus/{corpus}", env!("CARGO_MANIFEST_DIR"));
    let mut files = 0;
    for entry in fs::read_dir(path).expect("the corpus is part of the project") {
        let octets = fs::read(entry.expect("a file of the corpus").path()).expect("a file of the corpus");
        for length in 0..=octets.len() {
            check(&octets[..length]);
        }
        files += 1;
    }
    assert!(files > 0, "the corpus {corpus} is empty");
}

#[test]
fn the_corpus_of_gtpv2c_holds() {
    replay("gtpv2c", gtpv2c::check);
}

#[test]
fn the_corpus_of_gtpu_holds() {
    replay("gtpu", gtpu::check);
}
