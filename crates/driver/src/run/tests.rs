use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use epc_node::{Interface, Rule};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc::{self, Sender, UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;
use crate::control::{Request, Tunnels};
use crate::toy::Toy;
use crate::user_plane::{Slow, Stopped};

/// A running toy and what a test does to it.
struct Running {
    file: PathBuf,
    address: SocketAddr,
    prom_addr: SocketAddr,
    requests: Sender<Request>,
    slow_path: Sender<Slow>,
    seen: UnboundedReceiver<String>,
}

struct Tape(UnboundedSender<String>);

impl Tunnels for Tape {
    fn apply(&self, rules: &[Rule]) -> Result<(), Stopped> {
        for _ in rules {
            let _ = self.0.send("rule".to_owned());
        }
        Ok(())
    }

    fn send(&self, on: Interface, to: SocketAddr, datagram: &[u8]) -> io::Result<()> {
        let _ = self.0.send(format!("{on} to {to}: {}", datagram.len()));
        Ok(())
    }
}

/// A file of this test's own; gone with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, text: &str) -> Scratch {
        let file = std::env::temp_dir().join(format!("epc-driver-{}-{name}.yml", std::process::id()));
        std::fs::write(&file, text).unwrap();
        Scratch(file)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Ports that were free a moment ago.
async fn free_ports() -> (u16, u16) {
    let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (udp.local_addr().unwrap().port(), tcp.local_addr().unwrap().port())
}

/// Runs a toy while `test` runs, and returns how it ended.
fn with_toy(name: &str, greeting: &str, test: impl AsyncFnOnce(&mut Running)) -> End {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (udp, tcp) = free_ports().await;
        let scratch = Scratch::new(
            name,
            &format!(
                "s11_ip: 127.0.0.1\ns11_port: {udp}\nprom_addr: 127.0.0.1:{tcp}\ngreeting: {greeting}\n"
            ),
        );
        let read = Read::<Toy>::new(&scratch.0).unwrap();
        let mut control = prepare::<Toy>(&scratch.0, read).await.unwrap().unwrap();
        let (requests, receiver) = mpsc::channel(8);
        let (slow_path, slow) = mpsc::channel(8);
        let (tape, seen) = unbounded_channel();
        control.requests = receiver;
        control.slow_path = Some(slow);
        control.tunnels = Some(Arc::new(Tape(tape.clone())));
        control.daemon.seen = Some(tape);
        let mut running = Running {
            file: scratch.0.clone(),
            address: SocketAddr::from(([127, 0, 0, 1], udp)),
            prom_addr: SocketAddr::from(([127, 0, 0, 1], tcp)),
            requests,
            slow_path,
            seen,
        };
        let script = async {
            test(&mut running).await;
            running
        };
        let (end, _) = tokio::join!(control.run(), script);
        end
    })
}

impl Running {
    async fn sees(&mut self, what: &[&str]) {
        for expected in what {
            assert_eq!(self.seen.recv().await.unwrap(), *expected);
        }
    }

    async fn asks(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.prom_addr).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: toy\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    async fn stop(&self) {
        self.requests.send(Request::Stop(15)).await.unwrap();
    }
}

async fn echo(running: &Running, text: &str) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(text.as_bytes(), running.address).await.unwrap();
    let mut buffer = [0; 100];
    let (length, _) = socket.recv_from(&mut buffer).await.unwrap();
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn outputs_are_done_in_order_and_a_failed_send_stops_nothing() {
    let end = with_toy("order", "ho", async |toy| {
        toy.sees(&["timeout"]).await;
        for _ in 0..3 {
            assert_eq!(echo(toy, "hello").await, "helloho");
            toy.sees(&["rule", "echo"]).await;
        }
        toy.stop().await;
    });
    assert_eq!(end, End::Stopped);
}

#[test]
fn datagram_of_the_user_plane_is_answered_from_its_socket() {
    with_toy("slow", "ho", async |toy| {
        toy.sees(&["timeout"]).await;
        let peer = SocketAddr::from(([192, 0, 2, 1], 2152));
        let echo_request = Slow::Datagram {
            on: Interface::S1u,
            from: peer,
            octets: vec![0x32, 1],
        };
        toy.slow_path.send(echo_request).await.unwrap();
        toy.sees(&["rule", "echo", "S1-U to 192.0.2.1:2152: 4"]).await;
        toy.stop().await;
    });
}

#[test]
fn http_tells_metrics_life_and_what_is_missing() {
    with_toy("http", "ho", async |toy| {
        let not_ready = toy.asks("/readyz").await;
        assert!(not_ready.starts_with("HTTP/1.1 503"), "{not_ready}");
        assert!(not_ready.ends_with("a first datagram\n"), "{not_ready}");
        assert!(toy.asks("/livez").await.starts_with("HTTP/1.1 200"));
        echo(toy, "hello").await;
        assert!(toy.asks("/readyz").await.starts_with("HTTP/1.1 200"));
        let metrics = toy.asks("/metrics").await;
        assert!(
            metrics.contains("application/openmetrics-text; version=1.0.0"),
            "{metrics}"
        );
        assert!(metrics.contains("\ntoy_echoed_total 1\n"), "{metrics}");
        assert!(
            metrics.contains("\ntoy_send_errors_total{interface=\"S5-C\"} 1\n"),
            "{metrics}"
        );
        assert!(
            metrics.contains("gw_tester_build_info{node=\"toy\",version="),
            "{metrics}"
        );
        assert!(metrics.ends_with("# EOF\n"), "{metrics}");
        let prom_addr = toy.prom_addr;
        let asked = tokio::task::spawn_blocking(move || http::ask(prom_addr, "/readyz"));
        assert_eq!(asked.await.unwrap().unwrap(), (200, "ready\n".to_owned()));
        toy.stop().await;
    });
}

#[test]
fn reload_brings_the_new_file_but_not_new_addresses_and_a_bad_file_changes_nothing() {
    with_toy("reload", "old", async |toy| {
        toy.sees(&["timeout"]).await;
        let text = std::fs::read_to_string(&toy.file).unwrap();
        let bad = [
            text.replace("old", "rude"),
            text.replace("greeting", "greting"),
            text.clone() + "interface: eth9\n",
        ];
        for bad in bad {
            std::fs::write(&toy.file, bad).unwrap();
            toy.requests.send(Request::Reload).await.unwrap();
            assert_eq!(echo(toy, "hello ").await, "hello old");
            toy.sees(&["rule", "echo"]).await;
        }
        let moved = text
            .replace("old", "new")
            .replace("s11_ip: 127.0.0.1", "s11_ip: 192.0.2.1");
        std::fs::write(&toy.file, moved).unwrap();
        toy.requests.send(Request::Reload).await.unwrap();
        toy.sees(&["reloaded"]).await;
        assert_eq!(echo(toy, "hello ").await, "hello new");
        toy.stop().await;
    });
}

#[test]
fn stop_waits_for_the_brain_but_not_longer_than_the_grace_period() {
    let before = Instant::now();
    let end = with_toy("grace", "slow", async |toy| {
        toy.sees(&["timeout"]).await;
        toy.stop().await;
        toy.sees(&["stopping"]).await;
        assert!(toy.asks("/readyz").await.contains("stopping"));
    });
    assert_eq!(end, End::Stopped);
    assert!(before.elapsed().as_millis() >= 200);
}

#[test]
fn second_signal_stops_at_once() {
    let end = with_toy("second", "slow", async |toy| {
        toy.stop().await;
        toy.requests.send(Request::Stop(2)).await.unwrap();
    });
    assert_eq!(end, End::CutShort(2));
}

#[test]
fn failed_user_plane_stops_the_node() {
    let end = with_toy("failed", "slow", async |toy| {
        toy.sees(&["timeout"]).await;
        let why = "no more".to_owned();
        toy.slow_path.send(Slow::Failed { why }).await.unwrap();
        toy.sees(&["stopping"]).await;
        assert!(toy.asks("/readyz").await.contains("user plane has failed"));
    });
    assert_eq!(end, End::Failed);
}

#[test]
fn host_that_does_not_fit_is_a_problem_of_a_key() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let taken = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let udp = taken.local_addr().unwrap().port();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = listener.local_addr().unwrap();
        let table = [
            (
                "s11_ip: 192.0.2.1\n".to_owned(),
                "1: s11_ip: 192.0.2.1 is no address of this host, expected one that `ip address` shows"
                    .to_owned(),
            ),
            (
                format!("s11_port: {udp}\ns11_ip: 127.0.0.1\n"),
                format!("2: s11_ip: UDP port {udp} of 127.0.0.1 is in use, expected it to be free"),
            ),
            (
                format!("s11_ip: 127.0.0.1\nprom_addr: {tcp}\n"),
                format!(
                    "2: prom_addr: TCP port {} of 127.0.0.1 is in use, expected it to be free",
                    tcp.port()
                ),
            ),
            (
                "s11_ip: 127.0.0.1\ninterface: eth9\n".to_owned(),
                "2: interface: no `eth9` here".to_owned(),
            ),
        ];
        for (text, said) in table {
            let scratch = Scratch::new("host", &text);
            let read = Read::<Toy>::new(&scratch.0).unwrap();
            let Err(error) = prepare::<Toy>(&scratch.0, read).await else {
                panic!("{text} started");
            };
            assert_eq!(error.to_string(), format!("{}:{said}", scratch.0.display()));
        }
    });
}

#[test]
fn restart_counter_grows_where_there_is_a_place_to_keep_it() {
    let directory = std::env::temp_dir().join(format!("epc-driver-{}-state", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("restart_counter"), "254\n").unwrap();
    let counters = [next_in(&directory), next_in(&directory), next_in(&directory)];
    std::fs::remove_dir_all(&directory).unwrap();
    assert_eq!(counters, [Some(255), Some(0), Some(1)]);
    assert_eq!(next_in(&directory), None);
}

/// Waits for a node whose file is this one, as a test that may ask and tell it.
fn waiting(file: &Path) -> (Waiting<Toy>, Sender<Request>, Sender<http::Question>) {
    let (tell, requests) = mpsc::channel(8);
    let (ask, questions) = mpsc::channel(8);
    let waiting = Waiting {
        file: file.to_owned(),
        read: Read::new(file).unwrap(),
        discovery: Discovery::new(),
        requests,
        questions,
    };
    (waiting, tell, ask)
}

#[test]
fn interface_that_is_not_there_is_awaited_until_a_reload_names_another_one() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let scratch = Scratch::new("awaited", "s11_ip: none0\npeer: 192.0.2.1\n");
        let (mut waiting, tell, ask) = waiting(&scratch.0);
        let script = async {
            // It is told as soon as it was looked for.
            let mut missing = Vec::new();
            while !missing.iter().any(|line: &String| line.contains("that is up")) {
                let (answer, answered) = tokio::sync::oneshot::channel();
                ask.send(answer).await.unwrap();
                missing = answered.await.unwrap();
            }
            assert_eq!(
                missing,
                ["s11_ip: no interface none0 that is up and has an address"]
            );
            std::fs::write(&scratch.0, "s11_ip: 127.0.0.0/8\npeer: 192.0.2.1\n").unwrap();
            tell.send(Request::Reload).await.unwrap();
        };
        let (loaded, ()) = tokio::join!(waiting.addresses(), script);
        let config = loaded.unwrap().unwrap().config;
        assert_eq!(config.s11_ip, std::net::IpAddr::from([127, 0, 0, 1]));
        assert_eq!(config.peer, Some(SocketAddr::from(([192, 0, 2, 1], 2123))));
    });
}

#[test]
fn node_that_waits_for_addresses_can_be_stopped() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let scratch = Scratch::new("stopped", "s11_ip: none0\n");
        let (mut waiting, tell, _ask) = waiting(&scratch.0);
        tell.send(Request::Stop(15)).await.unwrap();
        assert!(waiting.addresses().await.unwrap().is_none());
    });
}
