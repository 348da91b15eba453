//! S1AP: what an item expects against what the codec reads.

use epc_codec::s1ap::{
    self, Cause, EnbKind, ErabQos, IeValue, Message, NasPdu, Pdu, ResetType, STmsi, TransportAddress,
    UePagingId, UeS1apIds,
};
use serde_json::{Value, json};

/// Checks one item whose `proto` is `s1ap`; `Err` says what differs. `false`: the lower layer reads what the upper one
/// refuses, as TS 36.413 §10.3 says, for an IE that is missing, repeated or out of order.
pub(crate) fn check(item: &Value) -> Result<bool, String> {
    let octets = hex(item["hex"].as_str().ok_or("no hex")?)?;
    match item["verdict"].as_str() {
        Some(verdict) => malformed(verdict, &octets).map(|()| true),
        None => well_formed(item, &octets),
    }
}

fn malformed(verdict: &str, octets: &[u8]) -> Result<(), String> {
    let pdu = Pdu::decode(octets);
    let message = s1ap::decode(octets);
    // An answer is made for each, and is S1AP itself.
    let answer = message.as_ref().err().and_then(s1ap::Error::answer);
    if let Some(answer) = answer
        && let Err(error) = s1ap::decode(&answer.encode())
    {
        return Err(format!("the answer does not decode: {error}"));
    }
    match (verdict, pdu, message) {
        ("error", _, Ok(message)) => Err(format!("decodes as {}", message.name())),
        ("lenient", Err(error), _) => Err(format!("does not decode: {error}")),
        _ => Ok(()),
    }
}

fn well_formed(item: &Value, octets: &[u8]) -> Result<bool, String> {
    let expect = &item["expect"];
    let pdu = Pdu::decode(octets).map_err(|error| error.to_string())?;
    let ies: Vec<Value> = pdu.ies().iter().map(ie).collect();
    same("pdu", &json!(pdu.kind.name()), &expect["pdu"])?;
    same(
        "procedure_code",
        &json!(pdu.procedure_code),
        &expect["procedure_code"],
    )?;
    same("procedure", &json!(pdu.procedure_name()), &expect["procedure"])?;
    same(
        "criticality",
        &json!(pdu.criticality.name()),
        &expect["criticality"],
    )?;
    same("message", &json!(pdu.message_name()), &expect["message"])?;
    same("ies", &json!(ies), &named(&expect["ies"]))?;
    for (name, expected) in expect["key"].as_object().into_iter().flatten() {
        key(&pdu, name, expected)?;
    }

    let again = pdu.encode();
    if item["canonical"] == true && again != octets {
        return Err(format!("lower layer: encodes as {}", to_hex(&again)));
    }
    if Pdu::decode(&again).as_ref() != Ok(&pdu) {
        return Err("lower layer: what it encodes is another PDU".into());
    }
    for ie in pdu.ies() {
        let Some(value) = ie.decoded() else { continue };
        let again = s1ap::Ie {
            value: value.encode().into(),
            ..ie.clone()
        };
        if again.decoded().as_ref() != Some(&value) {
            return Err(format!("IE {}: what it encodes is another value", ie.id));
        }
    }

    let message = match s1ap::decode(octets) {
        Ok(message) => message,
        Err(s1ap::Error::AbstractSyntax(_)) => return Ok(false),
        Err(error) => return Err(error.to_string()),
    };
    if s1ap::decode(&message.encode()).as_ref() != Ok(&message) {
        return Err("upper layer: what it encodes is another message".into());
    }
    if let Message::Other(_) = message {
        return Ok(true);
    }
    same(
        "message of the upper layer",
        &json!(message.name()),
        &expect["message"],
    )?;
    let ids = &expect["key"];
    same_id(
        "mme_ue_s1ap_id",
        message.mme_ue_s1ap_id().map(|id| id.0),
        &ids["mme_ue_s1ap_id"],
    )?;
    same_id(
        "enb_ue_s1ap_id",
        message.enb_ue_s1ap_id().map(|id| id.get()),
        &ids["enb_ue_s1ap_id"],
    )?;
    Ok(true)
}

/// The expected IEs, without a name for those that have none here: what another decoder writes for an IE that no release
/// has is its own affair.
fn named(ies: &Value) -> Value {
    let mut ies = ies.clone();
    for ie in ies.as_array_mut().into_iter().flatten() {
        let id = ie["id"].as_u64().and_then(|id| u16::try_from(id).ok());
        if !s1ap::ies().any(|(known, ..)| Some(known) == id) {
            ie["name"] = Value::Null;
            ie["asn1_type"] = Value::Null;
        }
    }
    ies
}

fn same(what: &str, found: &Value, expected: &Value) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: found {found}, expected {expected}"))
}

/// The number that the message tells, where the item has one.
fn same_id(what: &str, found: Option<u32>, expected: &Value) -> Result<(), String> {
    if expected.is_null() {
        return Ok(());
    }
    same(what, &json!(found), expected)
}

fn ie(ie: &s1ap::Ie<'_>) -> Value {
    json!({
        "id": ie.id,
        "criticality": ie.criticality.name(),
        "length": ie.value.len(),
        "value": to_hex(&ie.value),
        "name": ie.name(),
        "asn1_type": ie.asn1_type(),
    })
}

/// The IE of each name under `key`.
const KEYS: &[(&str, u16)] = &[
    ("mme_ue_s1ap_id", 0),
    ("cause", 2),
    ("enb_ue_s1ap_id", 8),
    ("erab_to_setup_bearer_su_req", 16),
    ("erab_to_setup_ctxt_su_req", 24),
    ("nas_pdu", 26),
    ("erab_setup_bearer_su_res", 28),
    ("ue_paging_id", 43),
    ("erab_setup_ctxt_su_res", 51),
    ("global_enb_id", 59),
    ("enb_name", 60),
    ("mme_name", 61),
    ("supported_tas", 64),
    ("time_to_wait", 65),
    ("ue_ambr", 66),
    ("tai", 67),
    ("security_key", 73),
    ("gummei", 75),
    ("ue_identity_index", 80),
    ("relative_mme_capacity", 87),
    ("reset_type", 92),
    ("s_tmsi", 96),
    ("ue_s1ap_ids", 99),
    ("eutran_cgi", 100),
    ("served_gummeis", 105),
    ("ue_security_capabilities", 107),
    ("rrc_establishment_cause", 134),
    ("default_paging_drx", 137),
];

fn key(pdu: &Pdu<'_>, name: &str, expected: &Value) -> Result<(), String> {
    let Some((_, id)) = KEYS.iter().find(|(known, _)| *known == name) else {
        return Ok(()); // The octets of its IE were compared.
    };
    let ie = pdu
        .ies()
        .iter()
        .find(|ie| ie.id == *id)
        .ok_or(format!("{name}: no IE {id}"))?;
    let value = ie
        .decoded()
        .ok_or(format!("{name}: the value is not understood"))?;
    same(
        name,
        &comparable(&decoded(&value)),
        &comparable(&within_16_bits(name, expected)),
    )
}

/// Algorithms beyond the 16 that the specification has names for are not kept: a longer string of a later release.
fn within_16_bits(name: &str, expected: &Value) -> Value {
    let mut expected = expected.clone();
    if name == "ue_security_capabilities" {
        for algorithms in expected
            .as_object_mut()
            .into_iter()
            .flat_map(|members| members.values_mut())
        {
            if let (Some(length @ 17..=63), Some(value)) =
                (algorithms["bits"].as_u64(), algorithms["uint"].as_u64())
            {
                *algorithms = bits(16, value >> (length - 16));
            }
        }
    }
    expected
}

/// Without what the values of the codec do not have, in any depth: the `uint` of bit strings of more than 64 bits, which
/// JSON has no exact number for, extension containers, and members that a later release adds. The octets of each IE
/// were compared.
fn comparable(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(comparable).collect(),
        Value::Object(members) => {
            let long = members
                .get("bits")
                .and_then(Value::as_u64)
                .is_some_and(|bits| bits > 64);
            let kept = members.iter().filter(|(name, _)| {
                !(long && *name == "uint") && *name != "iE-Extensions" && !name.starts_with("_ext_")
            });
            kept.map(|(name, value)| (name.clone(), comparable(value)))
                .collect()
        }
        other => other.clone(),
    }
}

/// The value in the notation of the items.
fn decoded(value: &IeValue) -> Value {
    match value {
        IeValue::MmeUeS1apId(id) => json!(id.0),
        IeValue::EnbUeS1apId(id) => json!(id.get()),
        IeValue::UeS1apIds(UeS1apIds::Pair(mme, enb)) => {
            json!({"uE-S1AP-ID-pair": {"mME-UE-S1AP-ID": mme.0, "eNB-UE-S1AP-ID": enb.get()}})
        }
        IeValue::UeS1apIds(UeS1apIds::Mme(mme)) => json!({"mME-UE-S1AP-ID": mme.0}),
        IeValue::Cause(cause) => json_cause(*cause),
        IeValue::GlobalEnbId(id) => {
            let kind = match id.enb_id.kind() {
                EnbKind::Macro => "macroENB-ID",
                EnbKind::Home => "homeENB-ID",
                EnbKind::ShortMacro => "short-macroENB-ID",
                EnbKind::LongMacro => "long-macroENB-ID",
            };
            let value = bits(id.enb_id.kind().bits(), id.enb_id.value().into());
            json!({"pLMNidentity": plmn(id.plmn), "eNB-ID": {kind: value}})
        }
        IeValue::NodeName(name) => json!(name.as_str()),
        IeValue::SupportedTas(areas) => areas
            .iter()
            .map(|area| {
                let plmns: Vec<Value> = area.broadcast_plmns.iter().copied().map(plmn).collect();
                json!({"tAC": format!("{:04x}", area.tac), "broadcastPLMNs": plmns})
            })
            .collect(),
        IeValue::PagingDrx(drx) => json!(drx.name()),
        IeValue::ServedGummeis(served) => served
            .iter()
            .map(|served| {
                let plmns: Vec<Value> = served.plmns.iter().copied().map(plmn).collect();
                let groups: Vec<String> = served.group_ids.iter().map(|id| format!("{id:04x}")).collect();
                let codes: Vec<String> = served
                    .mme_codes
                    .iter()
                    .map(|code| format!("{code:02x}"))
                    .collect();
                json!({"servedPLMNs": plmns, "servedGroupIDs": groups, "servedMMECs": codes})
            })
            .collect(),
        IeValue::RelativeMmeCapacity(capacity) => json!(capacity.0),
        IeValue::TimeToWait(time) => json!(time.name()),
        IeValue::NasPdu(nas) => json_nas(nas),
        IeValue::Tai(tai) => {
            let text = tai.plmn.to_string();
            let (mcc, mnc) = text.split_once('-').unwrap_or_default();
            json!({"mcc": mcc, "mnc": mnc, "tac": tai.tac})
        }
        IeValue::Ecgi(ecgi) => json!({"pLMNidentity": plmn(ecgi.plmn), "cell-ID": bits(28, ecgi.eci.into())}),
        IeValue::RrcEstablishmentCause(cause) => json!(cause.name()),
        IeValue::STmsi(tmsi) => s_tmsi(tmsi),
        IeValue::Gummei(gummei) => json!({
            "pLMN-Identity": plmn(gummei.plmn),
            "mME-Group-ID": format!("{:04x}", gummei.mme_group_id),
            "mME-Code": format!("{:02x}", gummei.mme_code),
        }),
        IeValue::UeAmbr(ambr) => json!({
            "uEaggregateMaximumBitRateDL": ambr.downlink.bps(),
            "uEaggregateMaximumBitRateUL": ambr.uplink.bps(),
        }),
        IeValue::UeSecurityCapabilities(capabilities) => json!({
            "encryptionAlgorithms": bits(16, capabilities.encryption.into()),
            "integrityProtectionAlgorithms": bits(16, capabilities.integrity.into()),
        }),
        IeValue::SecurityKey(_) => json!({"bits": 256}),
        IeValue::ErabsToBeSetup(erabs) => {
            let item = |erab: &s1ap::ErabToBeSetup| {
                let mut item = json!({
                    "e-RAB-ID": erab.erab_id.0,
                    "e-RABlevelQoSParameters": qos(&erab.qos),
                    "transportLayerAddress": address(erab.transport_address),
                    "gTP-TEID": format!("{:08x}", erab.sgw_s1u.0),
                });
                if let Some(nas) = &erab.nas {
                    item["nAS-PDU"] = json_nas(nas);
                }
                single(52, "reject", "E-RABToBeSetupItemCtxtSUReq", item)
            };
            erabs.iter().map(item).collect()
        }
        IeValue::ErabsToBeAdded(erabs) => {
            let item = |erab: &s1ap::ErabToBeAdded| {
                let item = json!({
                    "e-RAB-ID": erab.erab_id.0,
                    "e-RABlevelQoSParameters": qos(&erab.qos),
                    "transportLayerAddress": address(erab.transport_address),
                    "gTP-TEID": format!("{:08x}", erab.sgw_s1u.0),
                    "nAS-PDU": json_nas(&erab.nas),
                });
                single(17, "reject", "E-RABToBeSetupItemBearerSUReq", item)
            };
            erabs.iter().map(item).collect()
        }
        IeValue::ErabsSetup(erabs) => {
            let item = |erab: &s1ap::ErabSetup| {
                let item = tunnel(erab.erab_id.0, erab.transport_address, erab.enb_s1u.0);
                single(50, "ignore", "E-RABSetupItemCtxtSURes", item)
            };
            erabs.iter().map(item).collect()
        }
        IeValue::ErabsAdded(erabs) => {
            let item = |erab: &s1ap::ErabAdded| {
                let item = tunnel(erab.erab_id.0, erab.transport_address, erab.enb_s1u.0);
                single(39, "ignore", "E-RABSetupItemBearerSURes", item)
            };
            erabs.iter().map(item).collect()
        }
        IeValue::UeIdentityIndex(index) => bits(10, index.0.into()),
        IeValue::UePagingId(UePagingId::STmsi(tmsi)) => json!({"s-TMSI": s_tmsi(tmsi)}),
        IeValue::UePagingId(UePagingId::Imsi(_)) => {
            // The octets of the IMSI, after one of the CHOICE and the length.
            json!({"iMSI": to_hex(value.encode().get(1..).unwrap_or_default())})
        }
        IeValue::ResetType(ResetType::All) => json!({"s1-Interface": "reset-all"}),
        IeValue::ResetType(ResetType::Part(connections)) => {
            let item = |connection: &s1ap::UeConnection| {
                let mut item = json!({});
                if let Some(mme) = connection.mme_ue_s1ap_id {
                    item["mME-UE-S1AP-ID"] = json!(mme.0);
                }
                if let Some(enb) = connection.enb_ue_s1ap_id {
                    item["eNB-UE-S1AP-ID"] = json!(enb.get());
                }
                single(91, "reject", "UE-associatedLogicalS1-ConnectionItem", item)
            };
            json!({"partOfS1-Interface": connections.iter().map(item).collect::<Vec<_>>()})
        }
        other => json!(format!("no notation for {other:?}")),
    }
}

fn single(id: u16, criticality: &str, name: &str, item: Value) -> Value {
    json!({"id": id, "criticality": criticality, "value": {name: item}})
}

fn tunnel(erab: u8, transport: TransportAddress, teid: u32) -> Value {
    json!({
        "e-RAB-ID": erab,
        "transportLayerAddress": address(transport),
        "gTP-TEID": format!("{teid:08x}"),
    })
}

fn qos(qos: &ErabQos) -> Value {
    let capability = if qos.arp.may_trigger_pre_emption {
        "may"
    } else {
        "shall-not"
    };
    let vulnerability = if qos.arp.pre_emptable {
        "pre-emptable"
    } else {
        "not-pre-emptable"
    };
    let mut value = json!({
        "qCI": qos.qci,
        "allocationRetentionPriority": {
            "priorityLevel": qos.arp.priority_level,
            "pre-emptionCapability": format!("{capability}-trigger-pre-emption"),
            "pre-emptionVulnerability": vulnerability,
        },
    });
    if let Some(gbr) = qos.gbr {
        value["gbrQosInformation"] = json!({
            "e-RAB-MaximumBitrateDL": gbr.maximum_downlink.bps(),
            "e-RAB-MaximumBitrateUL": gbr.maximum_uplink.bps(),
            "e-RAB-GuaranteedBitrateDL": gbr.guaranteed_downlink.bps(),
            "e-RAB-GuaranteedBitrateUL": gbr.guaranteed_uplink.bps(),
        });
    }
    value
}

fn address(address: TransportAddress) -> Value {
    match address {
        TransportAddress::V4(v4) => bits(32, u32::from(v4).into()),
        TransportAddress::V6(_) => json!({"bits": 128}),
        TransportAddress::Dual(..) => json!({"bits": 160}),
        TransportAddress::Other(other) => {
            let octets = other
                .octets()
                .iter()
                .take(8)
                .fold(0, |value, octet| value << 8 | u64::from(*octet));
            bits(
                other.bits(),
                octets >> (other.octets().len().min(8) * 8 - other.bits().min(64)),
            )
        }
    }
}

fn json_cause(cause: Cause) -> Value {
    json!({cause.group(): cause.name()})
}

fn json_nas(nas: &NasPdu) -> Value {
    json!(to_hex(&nas.0))
}

fn s_tmsi(tmsi: &STmsi) -> Value {
    json!({"mMEC": format!("{:02x}", tmsi.mme_code), "m-TMSI": format!("{:08x}", tmsi.m_tmsi)})
}

fn plmn(plmn: epc_codec::Plmn) -> Value {
    json!(to_hex(&plmn.to_s1ap_octets()))
}

fn bits(length: usize, value: u64) -> Value {
    json!({"bits": length, "uint": value})
}

fn to_hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|c| c.to_digit(16).map(|digit| digit as u8))
        .collect();
    let digits = digits
        .filter(|digits| digits.len() % 2 == 0)
        .ok_or("hex is not octets")?;
    Ok(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}
