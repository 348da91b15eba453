//! GTPv2-C and GTPv1-U: what an item expects against what the codec reads.

use core::net::IpAddr;

use epc_codec::gtpv1u::{self, ExtensionType, Gpdu};
use epc_codec::gtpv2c::{self, CsidNode, Ie, IeType, RawMessage, Uli, Value as Typed};
use epc_codec::{Error, Plmn};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// How far an item passed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// In both layers.
    Whole,
    /// The framing and every value are right, and the upper layer refuses the message with what the specification
    /// wants said to the sender: a mandatory element is missing, or one that is only to be carried here cannot be read.
    LowerLayer,
}

/// Checks one item whose `proto` is `gtpv2c`.
pub(crate) fn check_gtpv2c(item: &Value) -> Result<Outcome, String> {
    let octets = hex(item)?;
    if let Some(verdict) = item["verdict"].as_str() {
        return malformed_gtpv2c(verdict, &octets);
    }
    let expect = &item["expect"];
    let (raw, rest) = RawMessage::decode(&octets).map_err(|error| format!("does not decode: {error}"))?;
    message(&raw, expect)?;
    let mut again = raw.encode();
    match &expect["piggybacked"] {
        Value::Null => same("octets after the message", &rest.len(), &0)?,
        second => {
            let (raw, rest) = RawMessage::decode(rest).map_err(|error| format!("piggybacked: {error}"))?;
            message(&raw, second)?;
            same("octets after the piggybacked message", &rest.len(), &0)?;
            raw.encode_into(&mut again);
        }
    }
    exact(item, &octets, &again)?;
    upper(&octets, expect)
}

/// Whether an element is expected as octets only: without anything decoded, or with its own octets as what is decoded.
fn carried(expect: &Value) -> bool {
    let octets = match expect.get("decoded").and_then(Value::as_object) {
        Some(decoded) => decoded.len() == 1 && decoded.get("raw") == Some(&expect["value"]),
        None => expect.get("decoded").is_none(),
    };
    octets && expect.get("ies").is_none()
}

/// Whether an element of this type and instance, at any depth, is expected as octets only.
fn carries(expect: &Value, ie_type: IeType, instance: u8) -> bool {
    let ies = expect["ies"].as_array().into_iter().flatten();
    let this = |ie: &Value| ie["type"] == ie_type.0 && ie["instance"] == instance && carried(ie);
    ies.into_iter()
        .any(|ie| this(ie) || carries(ie, ie_type, instance))
        || expect
            .get("piggybacked")
            .is_some_and(|second| carries(second, ie_type, instance))
}

fn message(raw: &RawMessage, expect: &Value) -> Result<(), String> {
    let header = raw.header;
    let octets = raw.encode();
    let flags = octets.first().copied().unwrap_or_default();
    field(expect, "version", json!(flags >> 5))?;
    field(expect, "piggyback", json!(header.piggyback))?;
    field(expect, "teid_present", json!(header.teid.is_some()))?;
    field(expect, "mp", json!(flags & 0x04 != 0))?;
    field(expect, "msg_type", json!(header.message_type.0))?;
    field(expect, "length", json!(octets.len() - 4))?;
    field(expect, "teid", json!(header.teid.map(|teid| teid.0)))?;
    field(expect, "seq", json!(header.sequence.0))?;
    field(expect, "priority", json!(header.priority))?;
    name(expect, "msg_name", header.message_type.name())?;
    ies(&raw.ies, &expect["ies"])?;
    let (again, rest) = RawMessage::decode(&octets).map_err(|error| format!("encoded again: {error}"))?;
    same("octets left after another round", &rest.len(), &0)?;
    same("another round", &again, raw)
}

fn ies(ies: &[Ie], expect: &Value) -> Result<(), String> {
    let expect = expect.as_array().ok_or("no list of IEs is expected")?;
    same("number of IEs", &ies.len(), &expect.len())?;
    for (place, (found, expect)) in ies.iter().zip(expect).enumerate() {
        ie(found, expect).map_err(|error| format!("IE {place}, type {}: {error}", found.ie_type.0))?;
    }
    Ok(())
}

fn ie(ie: &Ie, expect: &Value) -> Result<(), String> {
    field(expect, "type", json!(ie.ie_type.0))?;
    field(expect, "instance", json!(ie.instance))?;
    field(expect, "length", json!(ie.value.len()))?;
    field(expect, "value", json!(to_hex(&ie.value)))?;
    same(
        "spare",
        &json!(ie.spare),
        expect.get("spare").unwrap_or(&json!(0)),
    )?;
    same(
        "ext_type",
        &json!(ie.extension_type()),
        expect.get("ext_type").unwrap_or(&Value::Null),
    )?;
    name(expect, "name", ie.ie_type.name())?;
    let value = match ie.value() {
        Ok(value) => value,
        // Nobody else read it either: it is to be carried as it is, and was compared.
        Err(_) if carried(expect) => return Ok(()),
        Err(error) => return Err(format!("value: {error}")),
    };
    if let Some(expected) = expect.get("decoded").filter(|_| !carried(expect)) {
        decoded(&value, expected)?;
    }
    if let Some(expected) = expect.get("ies") {
        let Typed::Group(members) = &value else {
            return Err("is not read as a group".to_owned());
        };
        ies(members, expected)?;
    }
    let mut octets = Vec::new();
    value.encode_into(&mut octets);
    let again =
        Typed::decode(ie.ie_type, &octets).map_err(|error| format!("value encoded again: {error}"))?;
    same("value after another round", &again, &value)
}

/// Compares what is expected of a value: every key of it.
fn decoded(value: &Typed, expected: &Value) -> Result<(), String> {
    let found = describe(value);
    for (key, expected) in expected.as_object().ok_or("decoded is not an object")? {
        let found = found.get(key).unwrap_or(&Value::Null);
        if !alike(found, expected) {
            return Err(format!("{key} is {found}, expected {expected}"));
        }
    }
    Ok(())
}

/// Addresses are alike when they are the same address, however they are written.
fn alike(found: &Value, expected: &Value) -> bool {
    let address = |value: &Value| value.as_str().and_then(|text| text.parse::<IpAddr>().ok());
    match (address(found), address(expected)) {
        (Some(found), Some(expected)) => found == expected,
        _ => match (found.as_object(), expected.as_object()) {
            (Some(found), Some(expected)) => expected
                .iter()
                .all(|(key, value)| alike(found.get(key).unwrap_or(&Value::Null), value)),
            _ => found == expected,
        },
    }
}

fn plmn(plmn: Plmn, more: Value) -> Value {
    let digits = |digits: &[u8]| {
        digits
            .iter()
            .map(|digit| format!("{digit:x}"))
            .collect::<String>()
    };
    let mut object = Map::new();
    object.insert("mcc".to_owned(), json!(digits(&plmn.mcc())));
    object.insert("mnc".to_owned(), json!(digits(plmn.mnc())));
    object.extend(more.as_object().cloned().unwrap_or_default());
    Value::Object(object)
}

fn bit(set: bool) -> u8 {
    u8::from(set)
}

/// A value in the words of the items.
fn describe(value: &Typed) -> Value {
    match value {
        Typed::Imsi(digits) => json!({ "digits": digits.to_string() }),
        Typed::Msisdn(digits) => json!({ "digits": digits.to_string() }),
        Typed::Mei(digits) => json!({ "digits": digits.to_string() }),
        Typed::Cause(cause) => json!({
            "cause": cause.value.0,
            "pce": bit(cause.pdn_connection_error),
            "bce": bit(cause.bearer_context_error),
            "cs": bit(cause.from_remote_node),
            "offending": cause.offending.map(|ie| json!({
                "type": ie.ie_type.0, "length": ie.length, "instance": ie.instance
            })),
        }),
        Typed::RestartCounter(counter) => json!({ "restart_counter": counter.0 }),
        Typed::Apn(apn) => {
            let labels: Vec<_> = apn.labels().map(String::from_utf8_lossy).collect();
            json!({ "apn": labels.join("."), "labels": labels })
        }
        Typed::Ambr(ambr) => json!({ "uplink_kbps": ambr.uplink, "downlink_kbps": ambr.downlink }),
        Typed::Ebi(ebi) => json!({ "ebi": ebi.0 }),
        Typed::IpAddress(gtpv2c::IpAddress(IpAddr::V4(address))) => json!({ "ipv4": address }),
        Typed::IpAddress(gtpv2c::IpAddress(IpAddr::V6(address))) => json!({ "ipv6": address }),
        Typed::Indication(flags) => json!({ "flags_hex": to_hex(flags.as_octets()) }),
        Typed::Pco(pco) => json!({ "raw": to_hex(pco.as_octets()) }),
        Typed::Apco(pco) => json!({ "raw": to_hex(pco.0.as_octets()) }),
        Typed::Epco(pco) => json!({ "raw": to_hex(pco.0.as_octets()) }),
        Typed::BearerTft(_) => {
            let mut octets = Vec::new();
            value.encode_into(&mut octets);
            json!({ "raw": to_hex(&octets) })
        }
        Typed::Paa(paa) => json!({
            "pdn_type": paa.pdn_type().0,
            "ipv6_prefix_len": paa.ipv6().map(|(length, _)| length),
            "ipv6": paa.ipv6().map(|(_, address)| address),
            "ipv4": paa.ipv4(),
        }),
        Typed::BearerQos(qos) => json!({
            "pci": bit(!qos.arp.may_preempt), "pl": qos.arp.priority_level, "pvi": bit(!qos.arp.may_be_preempted),
            "qci": qos.qci.0, "mbr_ul": qos.mbr_uplink, "mbr_dl": qos.mbr_downlink,
            "gbr_ul": qos.gbr_uplink, "gbr_dl": qos.gbr_downlink,
        }),
        Typed::FlowQos(qos) => json!({
            "qci": qos.qci.0, "mbr_ul": qos.mbr_uplink, "mbr_dl": qos.mbr_downlink,
            "gbr_ul": qos.gbr_uplink, "gbr_dl": qos.gbr_downlink,
        }),
        Typed::Arp(arp) => json!({
            "pci": bit(!arp.may_preempt), "pl": arp.priority_level, "pvi": bit(!arp.may_be_preempted),
        }),
        Typed::RatType(rat) => json!({ "rat_type": rat.0 }),
        Typed::ServingNetwork(network) => plmn(network.0, json!({})),
        Typed::PlmnId(network) => plmn(network.0, json!({})),
        Typed::Uli(location) => uli(location),
        Typed::Fteid(fteid) => json!({
            "iface": fteid.interface.0, "v4flag": bit(fteid.ipv4.is_some()), "v6flag": bit(fteid.ipv6.is_some()),
            "teid": fteid.teid.0, "ipv4": fteid.ipv4, "ipv6": fteid.ipv6,
        }),
        Typed::Tmsi(tmsi) => json!({ "tmsi": tmsi.0 }),
        Typed::DelayValue(delay) => json!({ "delay_50ms": delay.duration().as_millis() / 50 }),
        Typed::ChargingId(id) => json!({ "charging_id": id.0 }),
        Typed::ChargingCharacteristics(characteristics) => {
            json!({ "hex": to_hex(&characteristics.0.to_be_bytes()) })
        }
        Typed::BearerFlags(flags) => json!({
            "ppc": bit(flags.ppc), "vb": bit(flags.vb), "vind": bit(flags.vind), "asi": bit(flags.asi),
        }),
        Typed::PdnType(pdn_type) => json!({ "pdn_type": pdn_type.0 }),
        Typed::Pti(pti) => json!({ "pti": pti.0 }),
        Typed::UeTimeZone(zone) => {
            json!({ "tz_hex": to_hex(&[zone.time_zone]), "dst": zone.daylight_saving })
        }
        Typed::Guti(guti) => {
            let rest = json!({
                "mme_group": guti.mme_group, "mme_code": guti.mme_code, "m_tmsi": guti.m_tmsi
            });
            plmn(guti.plmn, rest)
        }
        Typed::PortNumber(port) => json!({ "port": port.0 }),
        Typed::ApnRestriction(restriction) => json!({ "value": restriction.0 }),
        Typed::SelectionMode(mode) => json!({ "mode": mode.0 }),
        Typed::FqCsid(sets) => json!({
            "node_id_type": sets.node.node_id_type(),
            "count": sets.csids.len(),
            "node_id": match sets.node {
                CsidNode::Ipv4(address) => address.to_string(),
                CsidNode::Ipv6(address) => address.to_string(),
                CsidNode::Other(_, number) => to_hex(&number.to_be_bytes()),
            },
            "csids": sets.csids,
        }),
        Typed::NodeType(node) => json!({ "node_type": node.0 }),
        Typed::Fqdn(name) => json!({ "fqdn": name.to_string() }),
        Typed::LocalDistinguishedName(name) => json!({ "ldn": name.to_text() }),
        Typed::PrivateExtension(extension) => {
            json!({ "enterprise_id": extension.enterprise, "value": to_hex(&extension.value) })
        }
        _ => Value::Null,
    }
}

fn uli(location: &Uli) -> Value {
    let mut object = Map::new();
    let mut flags = 0;
    let mut put = |key: &str, flag: u8, value: Option<Value>| {
        if let Some(value) = value {
            flags |= flag;
            object.insert(key.to_owned(), value);
        }
    };
    put(
        "cgi",
        0x01,
        location
            .cgi
            .map(|cgi| plmn(cgi.plmn, json!({ "lac": cgi.lac, "ci": cgi.ci }))),
    );
    put(
        "sai",
        0x02,
        location
            .sai
            .map(|sai| plmn(sai.plmn, json!({ "lac": sai.lac, "sac": sai.sac }))),
    );
    put(
        "rai",
        0x04,
        location
            .rai
            .map(|rai| plmn(rai.plmn, json!({ "lac": rai.lac, "rac": rai.rac }))),
    );
    put(
        "tai",
        0x08,
        location.tai.map(|tai| plmn(tai.plmn, json!({ "tac": tai.tac }))),
    );
    put(
        "ecgi",
        0x10,
        location
            .ecgi
            .map(|ecgi| plmn(ecgi.plmn, json!({ "eci": ecgi.eci }))),
    );
    put(
        "lai",
        0x20,
        location.lai.map(|lai| plmn(lai.plmn, json!({ "lac": lai.lac }))),
    );
    put(
        "macro_enb",
        0x40,
        location
            .macro_enb
            .map(|enb| plmn(enb.plmn, json!({ "id": enb.id }))),
    );
    let extended = location.extended_macro_enb;
    let extended = extended.map(|enb| plmn(enb.plmn, json!({ "smenb": bit(enb.short), "id": enb.id })));
    put("ext_macro_enb", 0x80, extended);
    object.insert("flags".to_owned(), json!(flags));
    Value::Object(object)
}

fn upper(octets: &[u8], expect: &Value) -> Result<Outcome, String> {
    let packet = match gtpv2c::decode(octets) {
        Ok(packet) => packet,
        Err(Error::MandatoryMissing(_)) => return Ok(Outcome::LowerLayer),
        Err(Error::IeLength { place, .. } | Error::IeIncorrect { place, .. })
            if carries(expect, place.ie, place.instance) =>
        {
            return Ok(Outcome::LowerLayer);
        }
        Err(error) => return Err(format!("upper layer: {error}")),
    };
    let again = gtpv2c::decode(&packet.encode()).map_err(|error| format!("upper layer, again: {error}"))?;
    same("upper layer after another round", &again, &packet)?;
    Ok(Outcome::Whole)
}

fn malformed_gtpv2c(verdict: &str, octets: &[u8]) -> Result<Outcome, String> {
    let raw = RawMessage::decode(octets);
    let packet = gtpv2c::decode(octets);
    if let Ok((raw, _)) = &raw {
        let octets = raw.encode();
        let (again, _) =
            RawMessage::decode(&octets).map_err(|error| format!("lower layer, again: {error}"))?;
        same("lower layer after another round", &again, raw)?;
    }
    if let Ok(packet) = &packet {
        let again =
            gtpv2c::decode(&packet.encode()).map_err(|error| format!("upper layer, again: {error}"))?;
        same("upper layer after another round", &again, packet)?;
    }
    match (verdict, raw, packet) {
        ("error", _, Ok(_)) => Err("decodes in the upper layer".to_owned()),
        ("error", Ok(_), _) => Err("decodes in the lower layer".to_owned()),
        ("lenient", Err(error), _) => Err(format!("lower layer: {error}")),
        ("lenient", _, Err(Error::MandatoryMissing(_))) => Ok(Outcome::LowerLayer),
        ("lenient", _, Err(error)) => Err(format!("upper layer: {error}")),
        ("error" | "lenient" | "any", ..) => Ok(Outcome::Whole),
        _ => Err(format!("verdict {verdict} is not known")),
    }
}

/// Checks one item whose `proto` is `gtpv2c-ie`.
pub(crate) fn check_gtpv2c_ie(item: &Value) -> Result<(), String> {
    let octets = hex(item)?;
    let (found, rest) = Ie::decode(&octets).map_err(|error| format!("does not decode: {error}"))?;
    same("octets after the IE", &rest.len(), &0)?;
    ie(&found, &item["expect"])?;
    let mut again = Vec::new();
    found.encode_into(&mut again);
    exact(item, &octets, &again)?;
    let (again, _) = Ie::decode(&again).map_err(|error| format!("encoded again: {error}"))?;
    same("another round", &again, &found)
}

/// Checks one item whose `proto` is `gtpu`.
pub(crate) fn check_gtpu(item: &Value) -> Result<(), String> {
    let octets = hex(item)?;
    let packet = gtpv1u::decode(&octets);
    if let Some(verdict) = item["verdict"].as_str() {
        return malformed_gtpu(verdict, &octets, packet);
    }
    let packet = packet.map_err(|error| format!("does not decode: {error}"))?;
    let expect = &item["expect"];
    let header = &packet.header;
    let again = packet.encode();
    field(expect, "version", json!(1))?;
    field(expect, "pt", json!(1))?;
    field(expect, "e", json!(!header.extensions.is_empty()))?;
    field(expect, "s", json!(header.sequence.is_some()))?;
    field(expect, "pn", json!(header.n_pdu.is_some()))?;
    field(expect, "msg_type", json!(packet.message.message_type()))?;
    field(expect, "length", json!(again.len() - 8))?;
    field(expect, "teid", json!(header.teid.0))?;
    field(expect, "seq", json!(header.sequence))?;
    field(expect, "npdu", json!(header.n_pdu))?;
    field(
        expect,
        "next_ext",
        json!(header.extensions.first().map(|first| first.extension_type.0)),
    )?;
    name(expect, "msg_name", Some(packet.message.name()))?;
    let extensions = expect["ext"]
        .as_array()
        .ok_or("no list of extension headers is expected")?;
    same(
        "number of extension headers",
        &header.extensions.len(),
        &extensions.len(),
    )?;
    for (found, expect) in header.extensions.iter().zip(extensions) {
        extension(found, expect)?;
    }
    if expect.get("tpdu_len").is_some() {
        let gpdu = Gpdu::parse(&octets[..]).map_err(|error| format!("view: {error}"))?;
        field(expect, "tpdu_offset", json!(gpdu.payload_range().start))?;
        field(expect, "tpdu_len", json!(gpdu.payload().len()))?;
        field(
            expect,
            "tpdu_sha256",
            json!(to_hex(&Sha256::digest(gpdu.payload()))),
        )?;
        same("TEID in the view", &gpdu.teid(), &header.teid)?;
        same("header in the view", &gpdu.header(), header)?;
    } else if let Some(expected) = expect["ies"].as_array() {
        gtpu_ies(&again[again.len() - body_length(&packet)..], expected)?;
    }
    exact(item, &octets, &again)?;
    let round = gtpv1u::decode(&again).map_err(|error| format!("encoded again: {error}"))?;
    same("another round", &round, &packet)
}

/// Octets of the elements of a message.
fn body_length(packet: &gtpv1u::Packet) -> usize {
    let bare = gtpv1u::Message::Other(0, Vec::new());
    packet.encode().len() - bare.encode(&packet.header).len()
}

fn extension(found: &gtpv1u::Extension, expect: &Value) -> Result<(), String> {
    field(expect, "type", json!(found.extension_type.0))?;
    field(expect, "length_units", json!((found.contents.len() + 2) / 4))?;
    field(expect, "content", json!(to_hex(&found.contents)))?;
    name(expect, "name", found.extension_type.name())?;
    let keys = expect.as_object().into_iter().flatten();
    for (key, expected) in keys {
        let value = match key.as_str() {
            "udp_port" => json!(found.as_udp_port()),
            "pdcp_pdu_number" | "pdcp_number" | "pdu_number" => {
                json!(
                    found
                        .as_pdcp_pdu_number()
                        .map(u32::from)
                        .or(found.as_long_pdcp_pdu_number())
                )
            }
            "pdu_type" => json!(found.as_pdu_session().map(|(pdu_type, _)| pdu_type)),
            "qfi" => json!(found.as_pdu_session().map(|(_, qfi)| qfi)),
            "service_class_indicator" | "sci" => json!(found.as_service_class_indicator()),
            _ => continue,
        };
        same(key, &value, expected)?;
    }
    Ok(())
}

fn gtpu_ies(octets: &[u8], expect: &[Value]) -> Result<(), String> {
    let ies = gtpv1u::Ie::decode_all(octets).map_err(|error| error.to_string())?;
    same("number of IEs", &ies.len(), &expect.len())?;
    for (ie, expect) in ies.iter().zip(expect) {
        field(expect, "type", json!(ie.ie_type))?;
        field(expect, "length", json!(ie.value.len()))?;
        field(expect, "value", json!(to_hex(&ie.value)))?;
        let number = ie
            .value
            .iter()
            .fold(0_u64, |number, octet| number << 8 | u64::from(*octet));
        for (key, expected) in expect.as_object().into_iter().flatten() {
            let value = match key.as_str() {
                "recovery" | "teid_data_i" => json!(number),
                "peer" => json!(ie.as_address()),
                "ext_types" => json!(ie.value),
                "enterprise_id" => json!(ie.as_private_extension().map(|extension| extension.enterprise)),
                "ext_value" => json!(
                    ie.as_private_extension()
                        .map(|extension| to_hex(&extension.value))
                ),
                _ => continue,
            };
            if !alike(&value, expected) {
                return Err(format!("{key} is {value}, expected {expected}"));
            }
        }
    }
    Ok(())
}

fn malformed_gtpu(verdict: &str, octets: &[u8], packet: Result<gtpv1u::Packet, Error>) -> Result<(), String> {
    let view = Gpdu::parse(octets);
    if let (Ok(view), Ok(packet)) = (&view, &packet) {
        same("view", &view.header(), &packet.header)?;
        let known = packet.header.extensions.iter().all(|extension| {
            ExtensionType::KNOWN.contains(&extension.extension_type)
                || !extension.extension_type.must_be_known()
        });
        same(
            "extension header that must be known",
            &view.required_unknown_extension().is_none(),
            &known,
        )?;
    }
    if let Ok(packet) = &packet {
        let again = gtpv1u::decode(&packet.encode()).map_err(|error| format!("again: {error}"))?;
        same("another round", &again, packet)?;
    }
    match (verdict, packet) {
        ("error", Ok(_)) => Err("decodes".to_owned()),
        ("error", Err(_)) if view.is_ok() => Err("parses as a G-PDU".to_owned()),
        ("lenient", Err(error)) => Err(format!("does not decode: {error}")),
        ("error" | "lenient" | "any", _) => Ok(()),
        _ => Err(format!("verdict {verdict} is not known")),
    }
}

/// An item that is canonical is written back octet for octet.
fn exact(item: &Value, octets: &[u8], again: &[u8]) -> Result<(), String> {
    if item["canonical"] == true && octets != again {
        return Err(format!("encodes as {}", to_hex(again)));
    }
    Ok(())
}

fn field(expect: &Value, key: &str, found: Value) -> Result<(), String> {
    same(key, &found, &expect[key])
}

/// A name stands beside the number that it names, and the number was compared. Decoders write names in their own ways,
/// so that a name is wrong only where it has no word in common.
fn name(expect: &Value, key: &str, found: Option<&str>) -> Result<(), String> {
    let (Some(found), Some(expected)) = (found, expect[key].as_str()) else {
        return Ok(());
    };
    let words = |text: &str| -> Vec<String> {
        let words = text
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty());
        words.map(str::to_ascii_lowercase).collect()
    };
    let (ours, theirs) = (words(found), words(expected));
    if expected == "unknown" || found == "unknown" || ours.iter().any(|word| theirs.contains(word)) {
        return Ok(());
    }
    Err(format!("{key} is {found}, expected {expected}"))
}

fn same<T: PartialEq + core::fmt::Debug>(what: &str, found: &T, expected: &T) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("{what} is {found:?}, expected {expected:?}"))
    }
}

fn hex(item: &Value) -> Result<Vec<u8>, String> {
    let text = item["hex"].as_str().ok_or("has no hex")?;
    let digits: Option<Vec<u8>> = text
        .bytes()
        .map(|c| char::from(c).to_digit(16).map(|d| d as u8))
        .collect();
    let digits = digits
        .filter(|digits| digits.len() % 2 == 0)
        .ok_or("hex is not hexadecimal")?;
    Ok(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

fn to_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
