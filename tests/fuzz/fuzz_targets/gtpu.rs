//! Any datagram on UDP port 2152.
#![no_main]

#[path = "../checks/gtpu.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
