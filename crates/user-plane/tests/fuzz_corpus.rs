//! What the fuzzer knows of the pipeline, replayed without a fuzzer: `tests/fuzz` has the target and its corpus.

use std::fs;

#[path = "../../../tests/fuzz/checks/pipeline.rs"]
mod pipeline;

#[test]
fn the_corpus_of_the_pipeline_holds_and_so_does_what_is_near_it() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fuzz/corpus/pipeline");
    let mut files = 0;
    for entry in fs::read_dir(path).expect("the corpus is part of the project") {
        let octets = fs::read(entry.expect("a file of the corpus").path()).expect("a file of the corpus");
        for length in 0..=octets.len() {
            pipeline::check(&octets[..length]);
        }
        // Each octet of the headers with each of its bits turned.
        for bit in 0..octets.len().min(120) * 8 {
            let mut near = octets.clone();
            near[bit / 8] ^= 1 << (bit % 8);
            pipeline::check(&near);
        }
        files += 1;
    }
    assert!(files > 0, "the corpus is empty");
}
