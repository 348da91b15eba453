//! A valid value for each element that has a type, and messages put together from their tables.
#![allow(dead_code)] // Each test takes what it needs.

use epc_codec::gtpv2c::{GROUP_TABLES, Ie, IeType, MESSAGE_TABLES, MessageType, Row};

/// One value an element, written from TS 29.274 §8.
pub(crate) const SAMPLES: &[(u8, &str, &str)] = &[
    (1, "00 01 01 00 00 00 00 f1", "IMSI 001010000000001"),
    (
        2,
        "46 02 57 00 00 01",
        "mandatory IE missing, BCE, F-TEID instance 1",
    ),
    (3, "07", "restart counter"),
    (51, "91 21 43 65 f7", "international ISDN number 1234567"),
    (71, "08 69 6e 74 65 72 6e 65 74", "internet"),
    (72, "00 00 c3 50 00 01 86 a0", "50,000 up, 100,000 kbit/s down"),
    (73, "05", "bearer 5"),
    (74, "c0 00 02 01", "192.0.2.1"),
    (75, "53 85 82 60 29 40 09 10", "MEI of 16 digits"),
    (76, "21 43 65 87 f9", "123456789"),
    (77, "08 00 10", "OI and, two octets on, S6AF"),
    (
        78,
        "80 00 0d 04 c0 00 02 35 00 10 02 05 78",
        "DNS 192.0.2.53, MTU 1400",
    ),
    (
        79,
        "03 40 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 c0 00 02 05",
        "IPv4v6",
    ),
    (
        80,
        "7c 09 00 00 00 03 e8 00 00 00 07 d0 00 00 00 00 00 00 00 00 00 00",
        "QCI 9",
    ),
    (
        81,
        "01 00 00 00 03 e8 00 00 00 07 d0 00 00 00 03 e8 00 00 00 07 d0",
        "QCI 1",
    ),
    (82, "06", "E-UTRAN"),
    (83, "13 00 14", "310-410"),
    (
        84,
        "21 30 0a 05 30 11 50 00 35",
        "create a filter: UDP, remote port 53",
    ),
    (85, "21 20 0a 03 50 00 35", "create a filter: remote port 53"),
    (86, "18 00 f1 10 00 01 00 f1 10 00 00 01 9b", "TAI and ECGI"),
    (
        87,
        "ca 00 00 01 0b c0 00 02 01 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01",
        "S11 MME, both",
    ),
    (88, "00 00 00 2a", "TMSI"),
    (89, "00 f1 10 0f a0", "CN-Id 4000"),
    (
        90,
        "04 c0 00 02 01 00 00 00 2a 02 05 06",
        "HSGW, GRE key, bearers 5 and 6",
    ),
    (91, "05 04 c0 00 02 01 00 00 00 2a", "bearer 5, S-GW, TEID"),
    (92, "0a", "500 ms"),
    (94, "00 00 00 2a", "charging ID"),
    (95, "08 00", "charging characteristics"),
    (
        96,
        "00 f1 10 00 00 2a 01 02 03 04 05 06 07 08 09 00 01 02 01 02 03 04 05 06 07 08 09 0a 0b 0c c0 00 02 01",
        "trace",
    ),
    (97, "05", "PPC and Vind"),
    (99, "03", "IPv4v6"),
    (100, "02", "procedure transaction 2"),
    (
        103,
        // Mode 0, DRXI, CKSN 1; one triplet, UAMBRI, SAMBRI; cipher 3; Kc.
        "09 23 03 01 02 03 04 05 06 07 08 \
         11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 22 22 22 22 33 33 33 33 33 33 33 33 01 02 \
         00 00 00 01 00 00 00 02 00 00 00 03 00 00 00 04 02 e0 60 02 e5 e0 02 21 43 05 01 02",
        "GSM keys and a triplet; AMBRs, capabilities, MEI, restrictions, voice",
    ),
    (
        104,
        // Mode 1, KSI 2; one quintuplet, IOVI, GUPII, UGIPAI; integrity 2, cipher 3; CK, IK.
        "22 3c 13 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 \
         11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 02 a1 a2 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 \
         77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 02 b1 b2 00 00 00 80 01 02 01 01 07",
        "UMTS keys and a quintuplet; voice, higher bitrates, IOV_updates",
    ),
    (
        105,
        // Mode 2, DRXI, KSI 3; nothing more; cipher 1; Kc.
        "4b 00 01 01 02 03 04 05 06 07 08 01 02 00 00 00 00 00 01 01",
        "GSM keys, used cipher; higher bitrates",
    ),
    (
        106,
        // Mode 3, KSI 4; IOVI, UGIPAI, SAMBRI; integrity 5; CK, IK.
        "64 15 05 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 \
         00 00 00 01 00 00 00 02 00 00 00 01 00 00 09 01 1f aa",
        "UMTS keys; restrictions, IOV_updates, extended restrictions, one octet more",
    ),
    (
        107,
        // Mode 4, NHI, key set 1; one quadruplet, OSCI; algorithms 2 and 1; counts; K_ASME.
        "91 05 21 00 00 04 00 00 18 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f \
         10 11 12 13 14 15 16 17 18 19 1a 1b 1c 1d 1e 1f \
         11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 02 a1 a2 02 b1 b2 \
         22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 22 \
         33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 33 05 \
         02 e0 60 00 01 21 40 \
         93 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 \
         55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 \
         01 02 00 02 c1 c2 01 03 04 f0 00 f0 00 02 e0 00 00 01 d1 04 00 00 00 02 03 01 02 03 ee",
        "EPS keys, old ones, and everything that releases added",
    ),
    (
        108,
        // Mode 5, DRXI, key set 6; one quintuplet, SAMBRI; CK, IK.
        "ae 21 00 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 44 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 55 \
         11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 11 00 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 \
         77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 77 00 01 02 00 00 00 01 00 00 00 02 00 00 00 00 00 00 01 aa",
        "UMTS keys and a quintuplet; rate control",
    ),
    (110, "05 00 01 00 02 00 03 00 04", "PDU numbers of bearer 5"),
    (111, "00 00 00 2a", "P-TMSI"),
    (112, "00 00 2a", "P-TMSI signature"),
    (113, "03", "three hops"),
    (114, "40 01", "UTC+1, daylight saving"),
    (115, "00 f1 10 00 00 2a", "trace reference"),
    (116, "01 07 48", "Tracking Area Update Request"),
    (117, "00 f1 10 80 01 01 00 00 00 2a", "GUTI"),
    (118, "03 aa bb", "E-UTRAN container"),
    (119, "00 14", "radio network layer cause 20"),
    (120, "13 40 01", "310-410, in its own order"),
    (121, "01 00 f1 10 00 12 34 00 01", "macro eNodeB"),
    (123, "05 01", "packet flow of bearer 5"),
    (124, "f5 00 01 00 02 00 03 00 04", "RAB 5"),
    (125, "01 02", "RRC container"),
    (126, "08 4b", "2123"),
    (127, "01", "Public-1"),
    (128, "01", "MS provided"),
    (129, "00 f1 10 00 01 02 00 00 01 00 2a", "from an RNC"),
    (131, "06", "TAI and ECGI"),
    (132, "02 c0 00 02 01 00 01 00 02", "two sets of 192.0.2.1"),
    (133, "1b", "TCH/F for the second, TCH/H or TCH/F for the first"),
    (134, "05", "level 0"),
    (135, "01", "SGSN"),
    (136, "03 70 67 77 07 65 78 61 6d 70 6c 65", "pgw.example"),
    (137, "f0 87", "7, flag set"),
    (144, "00 01", "RFSP index 1"),
    (145, "00 f1 10 00 00 00 2a 41", "CSG 42, hybrid, member"),
    (146, "05", "UCICSG and UCIUHC"),
    (147, "00 00 00 2a", "CSG 42"),
    (148, "01", "member"),
    (149, "02", "SMS"),
    (150, "01", "PS"),
    (151, "6d 6d 65", "mme"),
    (152, "03", "PRN and MABR"),
    (154, "22 32", "two minutes, 50 percent"),
    (155, "48", "level 2, may not preempt"),
    (156, "41", "ten minutes"),
    (157, "01", "low access priority"),
    (159, "01 aa 01 bb 01 cc", "classmarks and codecs"),
    (160, "02", "VF"),
    (138, "00 1e 02", "two days and a minute"),
    (139, "01 00 01 00 02", "two areas"),
    (140, "05", "session 5"),
    (141, "00 2a", "flow 42"),
    (
        142,
        "00 00 00 2a 04 e8 00 00 01 50 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 01",
        "232.0.0.1 from 2001:db8::1, compressed",
    ),
    (143, "02", "some"),
    (153, "09", "ten seconds"),
    (158, "00 00 2a 00 f1 10", "service 42"),
    (
        162,
        "01 00 00 00 02 03 04 05 06 07 01 aa 0d 01 00 03 02 00 f1 10 13 00 14 ee",
        "MDT: CRRMI, PMI, two networks, one octet more",
    ),
    (164, "e7 97 7f 2d 80 00 00 00", "some time in 2023, and a half"),
    (171, "03", "both"),
    (
        190,
        "00 02 00 f1 10 00 00 01 9b 00 f1 10 00 00 01 9c",
        "two cells",
    ),
    (163, "80 00 0d 00", "asks for DNS"),
    (165, "01", "FTI"),
    (166, "18 c0 00 02 01", "192.0.2.1/24"),
    (167, "03", "both"),
    (168, "02", "paging"),
    (
        169,
        "1f 01 61 01 02 03 04 05 06 01 62 00 f1 10 01 63 01 01 64 01 65",
        "all of a TWAN",
    ),
    (170, "e7 97 7f 2d", "some time in 2023"),
    (172, "10 02", "S1AP radio network layer cause 2"),
    (173, "01", "the network"),
    (174, "02", "multi-connection"),
    (175, "03 91 21 f3", "number 123"),
    (176, "01 61 01 62", "name and realm"),
    (
        177,
        "01 00 00 2a 11 01 01 01 01 01 00 f1 10 00 07 00 f1 10 01 e2 40 00 f1 10 0b ad ca fe 00 f1 10 01 ba 40 02 \
         00 f1 10 00 01 2a ff 00 f1 10 00 01 dd dd 00 f1 10 00 01 cc cc 01 00 f1 10 0f ff ff",
        "start area 42, of one element of each kind",
    ),
    (178, "00 00 2a 05 00 00 2b", "in area 42, of set 43"),
    (179, "e7 97 7f 2d", "some time in 2023"),
    (182, "32", "50 percent"),
    (183, "00 00 00 2a", "42"),
    (184, "32 09 08 69 6e 74 65 72 6e 65 74", "50 percent for internet"),
    (185, "03", "both"),
    (186, "05 01 2e", "bearer 5, DSCP 46"),
    (187, "01 00", "256"),
    (188, "00 00 00 00 00 2a", "42 ms"),
    (
        189,
        "00 00 00 2a 04 73 63 65 66 00 05 00 00 00 01 00 00 00 02",
        "event 42 of scef, 5 reports more",
    ),
    (
        192,
        "03 08 00 01 01 00 00 00 00 f1 02 21 f3 02 21 f3",
        "IMSI, MSISDN, IMEI",
    ),
    (193, "01 c0 00 02 01", "192.0.2.1"),
    (194, "0f", "all four"),
    (196, "00 7f 00 0f", "ROHC"),
    (197, "80 00 0d 00", "asks for DNS"),
    (198, "00 64 01 f4", "100 up, 500 down"),
    (199, "e7 97 7f 2d 05", "5 since"),
    (200, "00 2a", "usage type 42"),
    (
        201,
        "07 00 05 e7 97 7f 2d e7 97 7f 2e 00 00 00 00 00 00 00 2a 00 00 00 00 00 00 00 2b 02 aa bb",
        "42 octets down, 43 up over NR, and what NG-RAN wrote",
    ),
    (202, "01", "DCNR"),
    (203, "03 00 0a 00 14", "1 and 2 percent"),
    (
        204,
        "00 00 00 01 00 00 00 02 00 00 00 03 00 00 00 00 00 00 00 04",
        "rate control",
    ),
    (
        205,
        "00 f1 10 00 00 2a 01 aa 01 bb 02 01 cc 04 c0 00 02 01",
        "trace",
    ),
    (
        206,
        "03 00 00 00 2a 04 73 63 65 66 00 00 0e 10 00 00 00 01 00 00 00 02",
        "event 42 of scef, with time and extended ID",
    ),
    (207, "00 00 00 2a", "policy 42"),
    (210, "00 01", "vehicle"),
    (211, "00 00 03 e8", "1 Mbit/s"),
    (212, "01 15 00 00 03 e8 00 00 07 d0 02", "PQI 21"),
    (213, "05 c0 00 02 01 13 88", "192.0.2.1, port 5000"),
    (215, "03 70 67 77 07 65 78 61 6d 70 6c 65", "pgw.example"),
    (216, "67 72 6f 75 70", "group"),
    (217, "00 f1 10 01 23 45 67 89", "NR cell 0x123456789"),
    (218, "02", "required"),
    (219, "00 01 01 00 00 00 00 f1", "IMSI 001010000000001"),
    (255, "28 af de ad", "of 3GPP"),
];

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .bytes()
        .filter_map(|c| char::from(c).to_digit(16))
        .map(|d| d as u8)
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// The valid value of an element that is not grouped.
pub(crate) fn sample(ie_type: IeType) -> Vec<u8> {
    let found = SAMPLES.iter().find(|(code, ..)| *code == ie_type.0);
    hex(found.unwrap_or_else(|| panic!("no sample of {ie_type:?}")).1)
}

/// An element for a row; a grouped one has all that its table has.
pub(crate) fn element(row: &Row) -> Ie {
    let group = GROUP_TABLES.iter().find(|(name, ..)| *name == row.value);
    let value = match group {
        Some((_, _, rows)) => octets(rows.iter().map(element)),
        None => sample(row.ie_type),
    };
    Ie::new(row.ie_type, row.instance, value)
}

pub(crate) fn octets(ies: impl IntoIterator<Item = Ie>) -> Vec<u8> {
    let mut out = Vec::new();
    ies.into_iter().for_each(|ie| ie.encode_into(&mut out));
    out
}

/// A message with these elements, TEID 0x10b, sequence number 42.
pub(crate) fn message(message_type: MessageType, ies: &[u8]) -> Vec<u8> {
    let length = u16::try_from(ies.len() + 8).expect("a message that fits");
    let mut out = vec![0x48, message_type.0];
    out.extend(length.to_be_bytes());
    out.extend([0x00, 0x00, 0x01, 0x0b, 0x00, 0x00, 0x2a, 0x00]);
    out.extend(ies);
    out
}

/// All elements that a message's table has, lists twice, a cause of acceptance.
pub(crate) fn full(rows: &[Row]) -> Vec<Ie> {
    let twice = |row: &Row| {
        (0..if row.list { 2 } else { 1 })
            .map(|_| element(row))
            .collect::<Vec<_>>()
    };
    let mut ies: Vec<Ie> = rows.iter().flat_map(twice).collect();
    for ie in ies.iter_mut().filter(|ie| ie.ie_type == IeType::CAUSE) {
        ie.value = vec![16, 0];
    }
    ies
}

/// Each message with a table, with all its elements.
pub(crate) fn full_messages() -> impl Iterator<Item = (MessageType, &'static [Row], Vec<Ie>)> {
    MESSAGE_TABLES
        .iter()
        .map(|(message_type, _, rows)| (*message_type, *rows, full(rows)))
}
