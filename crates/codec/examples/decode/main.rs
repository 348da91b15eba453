//! Shows messages as indented text.
//!
//!     cargo run -p epc-codec --example decode -- FILE|HEX ...
//!
//! A FILE is a capture, pcap or pcapng: its UDP datagrams to or from port 2123 (GTPv2-C), 2152 (GTPv1-U) and, built
//! with the feature `s1ap`, 36412 (S1AP) are shown. HEX is a datagram in hexadecimal; white space and colons in it do
//! not matter. The exit status is 1 if something could not be decoded.

mod capture;

use std::env;
use std::fs;
use std::process::ExitCode;

use epc_codec::{Error, gtpv1u, gtpv2c};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if arguments.is_empty() {
        eprintln!("usage: decode FILE|HEX ...");
        return ExitCode::from(2);
    }
    let mut status = ExitCode::SUCCESS;
    for argument in &arguments {
        match fs::read(argument) {
            Ok(file) => match capture::datagrams(&file) {
                Ok(datagrams) => {
                    for datagram in &datagrams {
                        if !show_datagram(datagram) {
                            status = ExitCode::FAILURE;
                        }
                    }
                }
                Err(error) => {
                    eprintln!("{argument}: {error}");
                    status = ExitCode::FAILURE;
                }
            },
            Err(error) => match hex(argument) {
                Some(octets) => {
                    if !show(protocol_of(&octets), &octets) {
                        status = ExitCode::FAILURE;
                    }
                }
                None => {
                    eprintln!("{argument}: {error}, and it is not hexadecimal either");
                    status = ExitCode::FAILURE;
                }
            },
        }
    }
    status
}

#[derive(Clone, Copy)]
enum Protocol {
    Gtpv2c,
    Gtpv1u,
    #[cfg(feature = "s1ap")]
    S1ap,
}

fn show_datagram(datagram: &capture::Datagram) -> bool {
    let capture::Datagram {
        frame,
        source,
        destination,
        payload,
    } = datagram;
    let protocol = match (source.1, destination.1) {
        (gtpv2c::PORT, _) | (_, gtpv2c::PORT) => Protocol::Gtpv2c,
        (gtpv1u::PORT, _) | (_, gtpv1u::PORT) => Protocol::Gtpv1u,
        #[cfg(feature = "s1ap")]
        (36412, _) | (_, 36412) => Protocol::S1ap,
        _ => return true,
    };
    println!(
        "frame {frame}: {} port {} > {} port {}",
        source.0, source.1, destination.0, destination.1
    );
    show(protocol, payload)
}

/// Which protocol a bare datagram is of: the version in its first octet tells.
fn protocol_of(octets: &[u8]) -> Protocol {
    match octets.first().map(|first| first >> 5) {
        Some(2) => Protocol::Gtpv2c,
        #[cfg(feature = "s1ap")]
        Some(0) => Protocol::S1ap,
        _ => Protocol::Gtpv1u,
    }
}

fn show(protocol: Protocol, octets: &[u8]) -> bool {
    let shown = match protocol {
        // Tools look at what is there, so the lower layer is shown; the upper one says what it thinks of it.
        Protocol::Gtpv2c => gtpv2c_text(octets).map_err(|error| error.to_string()),
        Protocol::Gtpv1u => gtpv1u::decode(octets)
            .map(|packet| packet.to_string())
            .map_err(|error| error.to_string()),
        #[cfg(feature = "s1ap")]
        Protocol::S1ap => s1ap_text(octets),
    };
    match shown {
        Ok(text) => {
            println!("{text}\n");
            true
        }
        Err(error) => {
            println!("{error}\n");
            false
        }
    }
}

fn gtpv2c_text(octets: &[u8]) -> Result<String, Error> {
    let (first, rest) = gtpv2c::RawMessage::decode(octets)?;
    let mut text = first.to_string();
    if first.header.piggyback {
        let (second, _) = gtpv2c::RawMessage::decode(rest)?;
        text = format!("{text}\n{second}");
    }
    if let Err(error) = gtpv2c::decode(octets) {
        text = format!("{text}\n  ! {error}");
    }
    Ok(text)
}

#[cfg(feature = "s1ap")]
fn s1ap_text(octets: &[u8]) -> Result<String, String> {
    let pdu = epc_codec::s1ap::Pdu::decode(octets).map_err(|error| error.to_string())?;
    Ok(match epc_codec::s1ap::decode(octets) {
        Ok(_) => pdu.to_string(),
        Err(error) => format!("{pdu}\n  ! {error}"),
    })
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.chars().filter(|c| !c.is_whitespace() && *c != ':');
    let digits: Vec<u8> = digits
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect::<Option<_>>()?;
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return None;
    }
    Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
