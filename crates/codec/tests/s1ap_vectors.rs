//! The shared vectors, when they are there.
#![cfg(feature = "s1ap")]
use epc_codec::s1ap::{self, Message, Pdu};
use std::fs;

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

fn items(file: &str) -> Vec<serde_json::Value> {
    let path = format!("{}/../../../shared/vectors/{file}", env!("CARGO_MANIFEST_DIR"));
    let Ok(text) = fs::read_to_string(&path) else {
        eprintln!("skipped: no {path}");
        return vec![];
    };
    text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
}

#[test]
fn vectors() {
    let mut other = 0;
    for item in items("s1ap.jsonl") {
        let octets = hex(item["hex"].as_str().unwrap());
        let id = &item["id"];
        let pdu = Pdu::decode(&octets).unwrap();
        if item["canonical"] == true {
            assert_eq!(pdu.encode(), octets, "{id}");
        }
        match s1ap::decode(&octets) {
            Ok(message) => {
                let again = message.encode();
                if let Message::Other(_) = message {
                    other += 1;
                }
                assert_eq!(s1ap::decode(&again).as_ref(), Ok(&message), "{id}");
                if again != octets && item["canonical"] == true {
                    println!("{id} {} shorter", message.name());
                }
            }
            Err(error) => println!("{id} {}: {error}", item["expect"]["message"]),
        }
    }
    println!("{other} other");
}

#[test]
fn malformed() {
    for item in items("malformed.jsonl") {
        if item["proto"] != "s1ap" {
            continue;
        }
        let octets = hex(item["hex"].as_str().unwrap());
        let result = s1ap::decode(&octets);
        if item["verdict"] == "error" {
            assert!(result.is_err(), "{item}");
        }
        if let Err(error) = result {
            if let Some(answer) = error.answer() {
                s1ap::decode(&answer.encode()).unwrap();
            }
            if item["verdict"] == "any" && !item["mutation"].as_str().unwrap().contains("flips") {
                println!("{}: {error}", item["mutation"]);
            }
        }
    }
}
