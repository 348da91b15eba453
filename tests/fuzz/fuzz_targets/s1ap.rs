//! Any datagram on UDP port 36412.
#![no_main]

#[path = "../checks/s1ap.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
