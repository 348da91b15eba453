//! A node and any sequence of datagrams.
#![no_main]

#[path = "../checks/node.rs"]
#[allow(dead_code)]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
