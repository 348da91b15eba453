//! Any datagram on UDP port 2123.
#![no_main]

#[path = "../checks/gtpv2c.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
