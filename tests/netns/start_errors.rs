//! What does not allow a start: one line with file, line, key and what was expected, and exit code 2.

use std::fs;
use std::net::{TcpListener, UdpSocket};

use epc_lab::Node::{Enb, Mme, Pgw, Sgw};
use epc_lab::{Daemons, Epc, LinkOptions, Node, ReferencePoint, yaml};
use libtest_mimic::Failed;

use crate::Test;
use crate::lab::{GRACE, Outcome, daemons, directory, expect, metrics_address};

pub(crate) const TESTS: &[Test] = &[
    ("files_that_do_not_start", files_that_do_not_start),
    ("ports_in_use_do_not_start", ports_in_use_do_not_start),
    ("arguments_that_do_not_start", arguments_that_do_not_start),
];

/// Node, a part of its file, what stands there instead, the key that the error names, and a word on what is wrong.
const FILES: &[(Node, &str, &str, &str, &str)] = &[
    (Enb, "mme_addr: 172", "mme_adr: 172", "mme_adr", "expected"),
    (Mme, "apn: ", "apm: ", "apm", "expected"),
    (Sgw, "s5u_ip: ", "s5u: ", "s5u", "expected"),
    (Pgw, "route_subnet: ", "route_net: ", "route_net", "expected"),
    (Enb, "tai: 0x0001", "tai: north", "tai", "expected"),
    (Enb, "\"001010000000001\"", "\"00101\"", "imsi", "expected"),
    (
        Enb,
        "\"001010000000001\"",
        "\"00101000000000x\"",
        "imsi",
        "expected",
    ),
    (Enb, "type: external", "type: internal", "type", "expected"),
    (
        Enb,
        "src_ip: 10.0.3.201",
        "src_ip: 10.0.3.256",
        "src_ip",
        "expected",
    ),
    (
        Enb,
        "euu_if_name: euu",
        "euu_if_name: euu9",
        "euu_if_name",
        "euu9",
    ),
    (
        Enb,
        "s1c_ip: 172.21.1.11",
        "s1c_ip: 192.0.2.1",
        "s1c_ip",
        "192.0.2.1",
    ),
    (
        Enb,
        "s1u_ip: 172.21.0.11",
        "s1u_ip: 192.0.2.1",
        "s1u_ip",
        "192.0.2.1",
    ),
    (
        Mme,
        "s11_ip: 172.22.0.12",
        "s11_ip: 192.0.2.1",
        "s11_ip",
        "192.0.2.1",
    ),
    (
        Sgw,
        "s1u_ip: 172.21.0.13",
        "s1u_ip: 192.0.2.1",
        "s1u_ip",
        "192.0.2.1",
    ),
    (
        Pgw,
        "s5c_ip: 172.25.1.14",
        "s5c_ip: 192.0.2.1",
        "s5c_ip",
        "192.0.2.1",
    ),
    (
        Pgw,
        "sgi_if_name: sgi",
        "sgi_if_name: sgi9",
        "sgi_if_name",
        "sgi9",
    ),
    (
        Pgw,
        "prom_addr: 127.0.0.1:58080",
        "prom_addr: 192.0.2.1:58080",
        "prom_addr",
        "192.0.2.1",
    ),
    (
        Sgw,
        "prom_addr: 127.0.0.1:58080",
        "session_store: /proc",
        "session_store",
        "expected a directory to write to",
    ),
    (
        Pgw,
        "prom_addr: 127.0.0.1:58080",
        "session_store: /nowhere/store",
        "session_store",
        "expected a directory to write to",
    ),
    (
        Sgw,
        "prom_addr: 127.0.0.1:58080",
        "prom_addr: everywhere",
        "prom_addr",
        "expected",
    ),
];

fn files_that_do_not_start() -> Result<(), Failed> {
    let wrong = || -> Outcome<Vec<String>> {
        let hosts = Hosts::new("start-errors")?;
        let mut wrong = Vec::new();
        for (node, part, instead, key, word) in FILES {
            let good = file_of(*node);
            let line = good
                .lines()
                .position(|line| line.contains(part))
                .ok_or(format!("{part} is not there"))?
                + 1;
            let said = hosts.start(*node, &good.replacen(part, instead, 1))?;
            let place = format!("{}.yml:{line}: ", node.name());
            if let Err(problem) = said.is_one_line_with(&[&place, key, word]) {
                wrong.push(format!("{} with {instead}: {problem}", node.title()));
            }
        }
        Ok(wrong)
    };
    none(wrong())
}

fn ports_in_use_do_not_start() -> Result<(), Failed> {
    let wrong = || -> Outcome<Vec<String>> {
        let hosts = Hosts::new("ports-in-use")?;
        let mut wrong = Vec::new();
        for (node, point, port, key) in [
            (Enb, ReferencePoint::S1Mme, 36412, "s1c_ip"),
            (Enb, ReferencePoint::S1u, 2152, "s1u_ip"),
            (Mme, ReferencePoint::S1Mme, 36412, "s1c_addr"),
            (Mme, ReferencePoint::S11, 2123, "s11_ip"),
            (Sgw, ReferencePoint::S11, 2123, "s11_ip"),
            (Sgw, ReferencePoint::S1u, 2152, "s1u_ip"),
            (Sgw, ReferencePoint::S5c, 2123, "s5c_ip"),
            (Sgw, ReferencePoint::S5u, 2152, "s5u_ip"),
            (Pgw, ReferencePoint::S5c, 2123, "s5c_ip"),
            (Pgw, ReferencePoint::S5u, 2152, "s5u_ip"),
        ] {
            let address = (point.address(node), port);
            let _taken = hosts.epc.namespace(node).run(|| UdpSocket::bind(address))?;
            let said = hosts.start(node, &file_of(node))?;
            if let Err(problem) =
                said.is_one_line_with(&[&format!("{}.yml:", node.name()), key, &port.to_string()])
            {
                wrong.push(format!("{} with {address:?} in use: {problem}", node.title()));
            }
        }
        for node in Daemons::NODES {
            let _taken = hosts
                .epc
                .namespace(node)
                .run(|| TcpListener::bind(metrics_address()))?;
            let said = hosts.start(node, &file_of(node))?;
            if let Err(problem) =
                said.is_one_line_with(&[&format!("{}.yml:", node.name()), "prom_addr", "58080"])
            {
                wrong.push(format!("{} with its prom_addr in use: {problem}", node.title()));
            }
        }
        Ok(wrong)
    };
    none(wrong())
}

fn arguments_that_do_not_start() -> Result<(), Failed> {
    let wrong = || -> Outcome<Vec<String>> {
        let hosts = Hosts::new("arguments")?;
        let mut wrong = Vec::new();
        for node in Daemons::NODES {
            let file = hosts.directory.join(format!("{}.yml", node.name()));
            fs::write(&file, file_of(node))?;
            let file = file.to_string_lossy().into_owned();
            for (arguments, code) in [
                (vec!["--check", "--config", &file], 0),
                (vec!["-config", &file, "--check"], 0),
                (vec!["--version"], 0),
                (vec!["--help"], 0),
                (vec!["--config", "no-such-file.yml"], 2),
                (vec!["--confg", &file], 2),
            ] {
                let log = hosts.directory.join("arguments.log");
                let mut command = std::process::Command::new(hosts.daemons.program(node));
                command.args(&arguments);
                let mut process = hosts.epc.namespace(node).spawn(node.name(), command, &log)?;
                let status = process.wait(GRACE)?;
                if status.code() != Some(code) {
                    wrong.push(format!("{} {arguments:?} ended with {status}", node.name()));
                }
            }
        }
        Ok(wrong)
    };
    none(wrong())
}

/// Namespaces with all addresses, in which nothing runs.
struct Hosts {
    epc: Epc,
    daemons: Daemons,
    directory: std::path::PathBuf,
}

/// What a daemon said that ended at once.
struct Said {
    status: std::process::ExitStatus,
    output: String,
}

impl Hosts {
    fn new(test: &str) -> Outcome<Hosts> {
        Ok(Hosts {
            epc: Epc::new(&LinkOptions::default())?,
            daemons: daemons()?,
            directory: directory(test)?,
        })
    }

    fn start(&self, node: Node, yaml: &str) -> Outcome<Said> {
        let file = self.directory.join(format!("{}.yml", node.name()));
        let log = self.directory.join(format!("{}.log", node.name()));
        fs::write(&file, yaml)?;
        let _ = fs::remove_file(&log);
        let namespace = self.epc.namespace(node);
        let mut process = namespace.spawn(
            node.name(),
            self.daemons.command(node, &file, &self.directory),
            &log,
        )?;
        Ok(Said {
            status: process.wait(GRACE)?,
            output: process.output(),
        })
    }
}

impl Said {
    fn is_one_line_with(&self, parts: &[&str]) -> Result<(), String> {
        let told = || format!("{}\n{}", self.status, self.output);
        if self.status.code() != Some(2) {
            return Err(format!("not exit code 2: {}", told()));
        }
        if self.output.lines().count() != 1 {
            return Err(format!("not one line: {}", told()));
        }
        match parts.iter().find(|part| !self.output.contains(**part)) {
            Some(part) => Err(format!("no {part:?} in: {}", self.output)),
            None => Ok(()),
        }
    }
}

fn file_of(node: Node) -> String {
    match node {
        Enb => yaml::enb(&[yaml::external(1)]),
        Mme => yaml::mme(),
        Sgw => yaml::sgw(),
        _ => yaml::pgw(),
    }
}

fn none(wrong: Outcome<Vec<String>>) -> Result<(), Failed> {
    let wrong = wrong.map_err(|error| Failed::from(error.to_string()))?;
    expect(wrong.is_empty(), || wrong.join("\n")).map_err(|error| Failed::from(error.to_string()))
}
