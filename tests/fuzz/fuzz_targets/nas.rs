//! Any NAS message, the first bit of the first octet its direction.
#![no_main]

#[path = "../checks/nas.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
