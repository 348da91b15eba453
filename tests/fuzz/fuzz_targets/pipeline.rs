//! Any packet from the TUN device, any datagram from a tunnel, through the user plane's pipeline.
#![no_main]

#[path = "../checks/pipeline.rs"]
mod check;

libfuzzer_sys::fuzz_target!(|octets: &[u8]| check::check(octets));
