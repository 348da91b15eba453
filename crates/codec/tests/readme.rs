//! The tables of the README are what the code says. `README=write cargo test -p epc-codec --test readme` writes them.
#![cfg(feature = "s1ap")]

use std::fmt::Write;
use std::{env, fs};

use epc_codec::gtpv1u::ExtensionType;
use epc_codec::gtpv2c::{GROUP_TABLES, IeType, MESSAGE_TABLES, MessageType, TYPED_IES};
use epc_codec::{nas, s1ap};

fn tables() -> String {
    let mut out = String::new();
    let typed = MESSAGE_TABLES.len();
    let known = MessageType::NAMED.len();
    writeln!(
        out,
        "### Messages of GTPv2-C: {typed} typed, {} carried as header and elements\n",
        known - typed
    )
    .unwrap();
    writeln!(out, "| type | message | | rows |\n|---:|---|---|---:|").unwrap();
    for message in MessageType::NAMED {
        let name = message.name().unwrap_or_default();
        match MESSAGE_TABLES
            .iter()
            .find(|(message_type, ..)| message_type == message)
        {
            Some((_, _, rows)) => writeln!(out, "| {} | {name} | typed | {} |", message.0, rows.len()),
            None => writeln!(out, "| {} | {name} | carried | |", message.0),
        }
        .unwrap();
    }
    let how: Vec<_> = IeType::NAMED
        .iter()
        .map(|ie_type| (ie_type, how(*ie_type)))
        .collect();
    let count = |word| how.iter().filter(|(_, (found, _))| *found == word).count();
    let (typed, carried) = (count("typed"), count("carried"));
    writeln!(
        out,
        "\n### Information elements of GTPv2-C: {typed} typed, {carried} carried\n"
    )
    .unwrap();
    writeln!(out, "| type | element | | in Rust |\n|---:|---|---|---|").unwrap();
    for (ie_type, (word, names)) in &how {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        let name = ie_type.name().unwrap_or_default();
        writeln!(out, "| {} | {name} | {word} | {} |", ie_type.0, names.join(" ")).unwrap();
    }
    writeln!(
        out,
        "\n### Extension headers of GTPv1-U\n\n| type | name | an endpoint must know it |\n|---:|---|---|"
    )
    .unwrap();
    for extension in ExtensionType::KNOWN {
        let must = if extension.must_be_known() { "yes" } else { "no" };
        writeln!(
            out,
            "| {:#04x} | {} | {must} |",
            extension.0,
            extension.name().unwrap_or_default()
        )
        .unwrap();
    }
    s1ap_tables(&mut out);
    out
}

fn s1ap_tables(out: &mut String) {
    let messages: Vec<_> = s1ap::messages().collect();
    let typed = messages.iter().filter(|(.., fields)| fields.is_some()).count();
    let carried = messages.len() - typed;
    writeln!(
        out,
        "\n### Messages of S1AP: {typed} typed, {carried} carried as header and IEs\n"
    )
    .unwrap();
    writeln!(out, "| procedure | message | | IEs |\n|---:|---|---|---:|").unwrap();
    for (_, code, name, fields) in messages {
        match fields {
            Some(fields) => writeln!(out, "| {code} | {name} | typed | {fields} |"),
            None => writeln!(out, "| {code} | {name} | carried | |"),
        }
        .unwrap();
    }
    let ies: Vec<_> = s1ap::ies().collect();
    let typed = ies.iter().filter(|(.., typed)| *typed).count();
    let carried = ies.len() - typed;
    writeln!(
        out,
        "\n### IEs of S1AP: {typed} typed, {carried} carried, all known by name\n"
    )
    .unwrap();
    writeln!(out, "| id | IE | ASN.1 type |\n|---:|---|---|").unwrap();
    for (id, name, asn1_type, _) in ies.iter().filter(|(.., typed)| *typed) {
        writeln!(out, "| {id} | {name} | {asn1_type} |").unwrap();
    }
    writeln!(
        out,
        "\n### Messages of NAS for EPS that are typed; the others are carried\n"
    )
    .unwrap();
    for name in nas::Message::NAMES
        .iter()
        .collect::<std::collections::BTreeSet<_>>()
    {
        writeln!(out, "- {name}").unwrap();
    }
}

/// What becomes of an element, and its types in Rust.
fn how(ie_type: IeType) -> (&'static str, Vec<&'static str>) {
    let groups = GROUP_TABLES
        .iter()
        .filter(|(_, group, _)| *group == ie_type)
        .map(|(name, ..)| *name);
    let values = TYPED_IES
        .iter()
        .filter(|(value, _)| *value == ie_type)
        .map(|(_, name)| *name);
    let names: Vec<_> = values.chain(groups).collect();
    let word = match names.first() {
        None => "carried",
        Some(_) => "typed",
    };
    (word, names)
}

#[test]
fn the_tables_of_the_readme_are_what_the_code_says() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = fs::read_to_string(path).expect("a README");
    let (begin, end) = ("<!-- tables: begin -->\n", "<!-- tables: end -->");
    let start = readme.find(begin).expect("where the tables begin") + begin.len();
    let stop = readme.find(end).expect("where the tables end");
    let tables = format!("\n{}\n", tables());
    if env::var_os("README").is_some_and(|value| value == "write") {
        fs::write(path, format!("{}{tables}{}", &readme[..start], &readme[stop..]))
            .expect("a README to write to");
        return;
    }
    assert!(
        readme[start..stop] == tables,
        "the README is old; see the top of tests/readme.rs"
    );
}
