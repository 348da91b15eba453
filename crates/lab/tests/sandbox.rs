//! The lab itself, inside a sandbox: links, ping, HTTP, capture, processes.
//!
//! Skipped with the reason where namespaces are forbidden.

use std::net::SocketAddr;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use epc_lab::{Capture, Epc, LinkOptions, Node, ReferencePoint, Result, http, ping, sandbox, web};

type Test = fn() -> Result<()>;

fn main() -> ExitCode {
    sandbox::init();
    if sandbox::is_inside() {
        let tests: [(&str, Test); 3] = [
            ("neighbours_hear_each_other", neighbours_hear_each_other),
            (
                "page_is_served_and_its_frames_are_captured_once",
                page_is_served_and_its_frames_are_captured_once,
            ),
            ("program_runs_in_its_namespace", program_runs_in_its_namespace),
        ];
        for (name, test) in tests {
            if let Err(error) = test() {
                println!("test {name} ... FAILED: {error}");
                return ExitCode::FAILURE;
            }
            println!("test {name} ... ok");
        }
        println!("3 passed, 0 failed");
        return ExitCode::SUCCESS;
    }
    if let Err(reason) = sandbox::probe() {
        println!("lab: skipped 3 tests: {reason}");
        return ExitCode::SUCCESS;
    }
    match sandbox::run(&[]) {
        Ok(outcome) => ExitCode::from(u8::try_from(outcome.exit_code()).unwrap_or(1)),
        Err(error) => {
            println!("lab: {error}");
            ExitCode::FAILURE
        }
    }
}

fn neighbours_hear_each_other() -> Result<()> {
    let epc = Epc::new(&LinkOptions::default())?;
    for point in ReferencePoint::ALL {
        let (a, b) = point.ends();
        for size in [56, 1400] {
            ping::ping(
                epc.namespace(a),
                None,
                point.address(b),
                1,
                size,
                Duration::from_secs(5),
            )?;
        }
    }
    let enb = epc.namespace(Node::Enb).traffic()?;
    let s1u = enb.iter().find(|traffic| traffic.device == "s1u").unwrap();
    assert!(s1u.sent_octets > 1400 && s1u.received_octets > 1400, "{s1u:?}");
    Ok(())
}

fn page_is_served_and_its_frames_are_captured_once() -> Result<()> {
    let epc = Epc::new(&LinkOptions {
        single_packets: true,
        ..LinkOptions::default()
    })?;
    let frames = Arc::new(Mutex::new(Vec::new()));
    let seen = frames.clone();
    let file = std::env::temp_dir().join(format!("epc-lab-{:?}.pcapng", std::time::SystemTime::now()));
    let capture = Capture::start(&epc.points(), &file, move |captured| {
        seen.lock()
            .unwrap()
            .push((captured.at, captured.point, captured.frame.len()));
    })?;
    let address = SocketAddr::from((ReferencePoint::Sgi.address(Node::Server), 80));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let by = asked.clone();
    let server = web::Server::start(epc.namespace(Node::Server), address, move |who, what| {
        by.lock().unwrap().push(format!("{who} {what}"));
    })?;
    let page = http::get(epc.namespace(Node::Pgw), &format!("http://{}/", server.address()))?;
    assert_eq!((page.status, page.body.as_str()), (200, web::PAGE));
    let large = http::get(
        epc.namespace(Node::Pgw),
        &format!("http://{}/size/200000", server.address()),
    )?;
    assert_eq!(large.body.len(), 200_000);
    let totals = capture.stop()?;
    assert_eq!(*asked.lock().unwrap(), ["10.0.1.14 /", "10.0.1.14 /size"]);

    let frames = frames.lock().unwrap();
    let sgi = ReferencePoint::ALL
        .iter()
        .position(|point| *point == ReferencePoint::Sgi)
        .unwrap();
    assert_eq!(totals.frames, frames.len() as u64);
    assert!(frames.is_sorted_by_key(|frame| frame.0), "out of order");
    assert!(frames.iter().all(|frame| frame.1 == sgi), "heard on another link");
    assert!(frames.iter().all(|frame| frame.2 <= 1514), "a packet was not cut");
    let octets: usize = frames.iter().map(|frame| frame.2).sum();
    assert!((200_000..300_000).contains(&octets), "each frame once: {octets}");
    let written = std::fs::metadata(&file).unwrap().len();
    assert!(written > totals.octets, "{written}");
    std::fs::remove_file(&file).unwrap();
    Ok(())
}

fn program_runs_in_its_namespace() -> Result<()> {
    let epc = Epc::new(&LinkOptions::default())?;
    let log = std::env::temp_dir().join(format!("epc-lab-{:?}.log", std::time::SystemTime::now()));
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "cat /proc/net/dev; echo to the log >&2; exec sleep 1000"]);
    let mut shell = epc.namespace(Node::Mme).spawn("shell", command, &log)?;
    epc_lab::wait_for("the last line", Duration::from_secs(10), || {
        let output = shell.output();
        if output.contains("to the log") {
            Ok(())
        } else {
            Err(output)
        }
    })?;
    let output = shell.output();
    assert!(
        output.contains("s1mme:") && output.contains("s11:") && !output.contains("s1u:"),
        "{output}"
    );
    assert!(shell.resident_memory().unwrap() > 4096);
    assert_eq!(shell.exit_status()?, None);
    assert!(
        epc.namespace(Node::Mme)
            .inventory()?
            .iter()
            .any(|line| line.contains("s1mme"))
    );
    let status = shell.terminate(Duration::from_secs(10))?;
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(15));
    std::fs::remove_file(&log).unwrap();
    Ok(())
}
