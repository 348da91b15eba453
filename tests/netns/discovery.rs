//! Addresses that no file names: of interfaces, subnets and networks of a pod, and of peers by name.

use std::collections::HashMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, UdpSocket};
use std::sync::{Arc, Mutex};

use epc_lab::http;
use epc_lab::{Node, ReferencePoint, wait_for, yaml};
use libtest_mimic::Failed;

use crate::Test;
use crate::lab::{
    Lab, Outcome, PATIENCE, WATCHFUL_GTP, WATCHFUL_S1AP, directory, expect, in_lab, metrics_address,
};

pub(crate) const TESTS: &[Test] = &[
    (
        "addresses_are_found_and_late_ones_awaited",
        addresses_are_found_and_late_ones_awaited,
    ),
    ("peer_that_moves_is_followed", peer_that_moves_is_followed),
];

/// As the kubelet writes what Multus tells.
fn podinfo(address: IpAddr) -> String {
    format!(
        "k8s.v1.cni.cncf.io/network-status=\"[{{\\n    \\\"name\\\": \\\"lte/lte-s11\\\",\\n    \\\"interface\\\": \\\"net1\\\",\\n    \
         \\\"ips\\\": [\\n        \\\"{address}\\\"\\n    ],\\n    \\\"dns\\\": {{}}\\n}}]\"\n\
         k8s.v1.cni.cncf.io/networks=\"lte-s11\"\n"
    )
}

fn addresses_are_found_and_late_ones_awaited() -> Result<(), Failed> {
    in_lab("discovery", |lab| {
        let s11 = ReferencePoint::S11.address(Node::Mme);
        let annotations = directory("discovery-podinfo")?.join("annotations");
        fs::write(&annotations, podinfo(s11.into()))?;
        lab.set("GWT_PODINFO", &annotations.display().to_string());

        let change = |yaml: String, changes: &[(String, String)]| {
            changes.iter().fold(yaml, |yaml, (from, to)| {
                assert!(yaml.contains(from.as_str()), "{from} is not in {yaml}");
                yaml.replacen(from.as_str(), to, 1)
            })
        };
        let address =
            |key: &str, point: ReferencePoint, node: Node| format!("{key}: {}", point.address(node));
        let subnet = |key: &str, point: ReferencePoint| format!("{key}: {}", point.network());
        let device = |key: &str, point: ReferencePoint| format!("{key}: {}", point.device());
        let enb = change(
            yaml::enb(&[yaml::external(1)]),
            &[
                (
                    address("s1c_ip", ReferencePoint::S1Mme, Node::Enb),
                    subnet("s1c_ip", ReferencePoint::S1Mme),
                ),
                (
                    address("s1u_ip", ReferencePoint::S1u, Node::Enb),
                    device("s1u_ip", ReferencePoint::S1u),
                ),
                (
                    device("euu_if_name", ReferencePoint::Euu),
                    subnet("euu_if_name", ReferencePoint::Euu),
                ),
            ],
        );
        lab.configure(Node::Enb, &(enb + WATCHFUL_S1AP))?;
        let mme = change(
            yaml::mme(),
            &[
                (
                    address("s1c_addr", ReferencePoint::S1Mme, Node::Mme) + ":36412",
                    device("s1c_addr", ReferencePoint::S1Mme),
                ),
                (
                    address("s11_ip", ReferencePoint::S11, Node::Mme),
                    "s11_ip: network:lte-s11".to_owned(),
                ),
            ],
        );
        lab.configure(Node::Mme, &(mme + WATCHFUL_GTP + WATCHFUL_S1AP))?;
        let pgw = change(
            yaml::pgw(),
            &[
                (
                    address("sgi_ip", ReferencePoint::Sgi, Node::Pgw),
                    "sgi_ip: 203.0.113.0/24".to_owned(),
                ),
                (
                    device("sgi_if_name", ReferencePoint::Sgi),
                    subnet("sgi_if_name", ReferencePoint::Sgi),
                ),
            ],
        );
        lab.configure(Node::Pgw, &(pgw + WATCHFUL_GTP))?;
        lab.start_all()?;

        for node in [Node::Mme, Node::Sgw] {
            lab.wait_until_ready(node)?;
        }
        // The P-GW has no address in one of its subnets.
        wait_until_missing(
            lab,
            Node::Pgw,
            "sgi_ip: this host has no address in 203.0.113.0/24",
        )?;
        let alive = http::get(
            lab.namespace(Node::Pgw),
            &format!("http://{}/livez", metrics_address()),
        )?;
        expect(alive.status == 200, || format!("/livez: {}", alive.status))?;
        lab.namespace(Node::Pgw)
            .add_address(ReferencePoint::Sgi.device(), "203.0.113.1/24".parse()?)?;
        lab.wait_until_ready(Node::Pgw)?;
        lab.wait_for_sessions(1)?;
        lab.wait_for_ping()
    })
}

fn peer_that_moves_is_followed() -> Result<(), Failed> {
    let Some(server) = name_server() else {
        println!(
            "peer_that_moves_is_followed: skipped, /etc/resolv.conf names no server with an IPv4 address"
        );
        return Ok(());
    };
    in_lab("peer-moves", |lab| {
        let names = serve_names(lab, Node::Enb, server)?;
        let first = ReferencePoint::S1Mme.address(Node::Mme);
        let IpAddr::V4(first) = IpAddr::from(first) else {
            return Err("the lab has IPv4".into());
        };
        let enb = yaml::enb(&[yaml::external(1)]);
        let by_name = enb.replace(&format!("mme_addr: {first}:36412"), "mme_addr: mme.lte.test");
        expect(by_name != enb, || enb.clone())?;
        lab.configure(Node::Enb, &(by_name + WATCHFUL_S1AP))?;
        lab.start_all()?;
        wait_until_missing(lab, Node::Enb, "mme_addr: there is no such name")?;
        let set = |address: Ipv4Addr| {
            names
                .lock()
                .expect("no one panics with it")
                .insert("mme.lte.test.", address);
        };
        set(first);
        lab.wait_for_sessions(1)?;
        lab.wait_for_ping()?;

        // Its successor is at another address.
        let second = Ipv4Addr::from(u32::from(first) + 100);
        lab.kill(Node::Mme)?;
        let link = ReferencePoint::S1Mme;
        let prefix = format!("{second}/{}", link.network().prefix_len());
        lab.namespace(Node::Mme)
            .add_address(link.device(), prefix.parse()?)?;
        let mme = yaml::mme().replace(&format!("s1c_addr: {first}:"), &format!("s1c_addr: {second}:"));
        lab.configure(Node::Mme, &(mme + WATCHFUL_GTP + WATCHFUL_S1AP))?;
        lab.start(Node::Mme)?;
        set(second);
        lab.wait_for_sessions(1)?;
        lab.wait_until_ready(Node::Enb)?;
        lab.wait_for_ping()
    })
}

/// Waits until a node says that this is missing.
fn wait_until_missing(lab: &Lab, node: Node, missing: &str) -> Outcome {
    let what = format!("{} to say what it waits for", node.title());
    Ok(wait_for(&what, PATIENCE, || {
        match http::ready(lab.namespace(node), metrics_address()) {
            Err(said) if said.contains(missing) => Ok(()),
            Err(said) => Err(said),
            Ok(()) => Err("it is ready".to_owned()),
        }
    })?)
}

/// The first name server of this machine, whose place the test takes in a namespace.
fn name_server() -> Option<Ipv4Addr> {
    let text = fs::read_to_string("/etc/resolv.conf").ok()?;
    let first = text.lines().find_map(|line| line.strip_prefix("nameserver"))?;
    first.trim().parse().ok()
}

type Names = Arc<Mutex<HashMap<&'static str, Ipv4Addr>>>;

/// Answers for a name server, until the test ends.
fn serve_names(lab: &Lab, node: Node, server: Ipv4Addr) -> Outcome<Names> {
    let namespace = lab.namespace(node);
    if !server.is_loopback() {
        namespace.add_address("lo", IpAddr::V4(server).into())?;
    }
    let socket = namespace.run(|| UdpSocket::bind((server, 53)))?;
    let names = Names::default();
    let known = Arc::clone(&names);
    std::thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, from)) = socket.recv_from(&mut query) {
            if let Some(answer) = answer(&query[..length], &known) {
                let _ = socket.send_to(&answer, from);
            }
        }
    });
    Ok(names)
}

/// RFC 1035 §4: one question, and the address, good for a second, if it is asked for and known.
fn answer(query: &[u8], names: &Names) -> Option<Vec<u8>> {
    let mut name = String::new();
    let mut at = 12;
    while *query.get(at)? != 0 {
        let end = at + 1 + usize::from(query[at]);
        name += &String::from_utf8_lossy(query.get(at + 1..end)?).to_lowercase();
        name.push('.');
        at = end;
    }
    let question = query.get(12..at + 5)?;
    let known = names.lock().ok()?.get(name.as_str()).copied();
    let rcode = if known.is_none() { 3 } else { 0 };
    let address = known.filter(|_| question[question.len() - 3] == 1);
    let mut answer = query[..2].to_vec();
    answer.extend([
        0x81,
        0x80 | rcode,
        0,
        1,
        0,
        u8::from(address.is_some()),
        0,
        0,
        0,
        0,
    ]);
    answer.extend(question);
    if let Some(address) = address {
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4]);
        answer.extend(address.octets());
    }
    Some(answer)
}
