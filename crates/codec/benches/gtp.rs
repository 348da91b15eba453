//! How long GTP takes: messages that another program sent, decoded into types and encoded from them.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use epc_codec::Teid;
use epc_codec::gtpv1u::{Gpdu, gpdu_header};
use epc_codec::gtpv2c::{self, RawMessage};

fn hex(text: &str) -> Vec<u8> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let digits: Vec<u8> = lines
        .flat_map(str::chars)
        .filter_map(|c| c.to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn messages(c: &mut Criterion) {
    for (name, text) in [
        (
            "create session request",
            include_str!("../tests/golden/s11_create_session_request.hex"),
        ),
        (
            "create session response",
            include_str!("../tests/golden/s11_create_session_response.hex"),
        ),
        (
            "modify bearer request",
            include_str!("../tests/golden/s11_modify_bearer_request.hex"),
        ),
    ] {
        let datagram = hex(text);
        let packet = gtpv2c::decode(&datagram).expect("decodes");
        c.bench_function(&format!("{name}: decode, typed"), |b| {
            b.iter(|| gtpv2c::decode(black_box(&datagram)));
        });
        c.bench_function(&format!("{name}: decode, lower layer"), |b| {
            b.iter(|| RawMessage::decode(black_box(&datagram)).map(|(raw, _)| raw));
        });
        c.bench_function(&format!("{name}: encode"), |b| {
            b.iter(|| black_box(&packet).encode())
        });
        let mut buffer = Vec::with_capacity(512);
        c.bench_function(&format!("{name}: encode into a buffer"), |b| {
            b.iter(|| {
                buffer.clear();
                black_box(&packet).encode_into(&mut buffer);
                buffer.len()
            });
        });
    }
}

fn user_plane(c: &mut Criterion) {
    let mut plain = gpdu_header(Teid(0x10b), 1400).to_vec();
    plain.resize(1408, 0xab);
    c.bench_function("G-PDU: parse and rewrite the TEID", |b| {
        b.iter(|| {
            let mut gpdu = Gpdu::parse(black_box(&mut plain[..])).expect("is a G-PDU");
            gpdu.set_teid(Teid(gpdu.teid().0 ^ 1));
            gpdu.payload().len()
        });
    });
    let mut extended = vec![0x34, 0xff, 0, 0, 0, 0, 1, 0x0b, 0, 0, 0, 0x85, 1, 0x10, 9, 0];
    extended.resize(1416, 0xab);
    let length = (extended.len() - 8) as u16;
    extended[2..4].copy_from_slice(&length.to_be_bytes());
    c.bench_function(
        "G-PDU with an extension header: parse and rewrite the TEID",
        |b| {
            b.iter(|| {
                let mut gpdu = Gpdu::parse(black_box(&mut extended[..])).expect("is a G-PDU");
                gpdu.set_teid(Teid(gpdu.teid().0 ^ 1));
                gpdu.payload().len()
            });
        },
    );
}

criterion_group!(benches, messages, user_plane);
criterion_main!(benches);
