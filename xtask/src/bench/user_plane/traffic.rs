//! What is measured, and how.

use std::fs;
use std::io::{self, IoSlice};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use epc_lab::{Namespace, Node, Process, ping, wait_for};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};
use serde_json::Value;

use super::nets::{Net, SERVER, UE};

const PORT: u16 = 5201;
const PATIENCE: Duration = Duration::from_secs(10);
/// How long to wait for a ping.
const LOST: Duration = Duration::from_secs(1);
/// Octets of TCP payload in a packet, for the CPU time a packet.
const PACKET: f64 = 1448.0;
/// The share of UDP packets that may be lost.
const LOSS: f64 = 0.01;

/// A measurement; some yield several numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum What {
    TcpUp,
    TcpDown,
    FourUp,
    FourDown,
    Udp64,
    Udp1400,
    PingIdle,
    PingLoaded,
}

impl What {
    pub(super) fn title(self) -> &'static str {
        match self {
            What::TcpUp => "one TCP flow up",
            What::TcpDown => "one TCP flow down",
            What::FourUp => "four TCP flows up",
            What::FourDown => "four TCP flows down",
            What::Udp64 => "UDP of 64 octets",
            What::Udp1400 => "UDP of 1,400 octets",
            What::PingIdle => "ping",
            What::PingLoaded => "ping under TCP",
        }
    }
}

/// A number in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Metric {
    TcpUp,
    TcpDown,
    FourUp,
    FourDown,
    Udp64,
    Udp1400,
    PingP50,
    PingP99,
    LoadedP50,
    LoadedP99,
    CpuEnb,
    CpuSgw,
    CpuPgw,
}

impl Metric {
    pub(super) const ALL: [Metric; 13] = [
        Metric::TcpUp,
        Metric::TcpDown,
        Metric::FourUp,
        Metric::FourDown,
        Metric::Udp64,
        Metric::Udp1400,
        Metric::PingP50,
        Metric::PingP99,
        Metric::LoadedP50,
        Metric::LoadedP99,
        Metric::CpuEnb,
        Metric::CpuSgw,
        Metric::CpuPgw,
    ];

    /// Without its unit.
    pub(super) fn name(self) -> &'static str {
        let title = self.title();
        title.rsplit_once(", ").map_or(title, |(name, _)| name)
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Metric::TcpUp => "one TCP flow up, Mbit/s",
            Metric::TcpDown => "one TCP flow down, Mbit/s",
            Metric::FourUp => "four TCP flows up, Mbit/s",
            Metric::FourDown => "four TCP flows down, Mbit/s",
            Metric::Udp64 => "UDP 64 octets, 1000 packets/s",
            Metric::Udp1400 => "UDP 1,400 octets, 1000 packets/s",
            Metric::PingP50 => "ping p50, µs",
            Metric::PingP99 => "ping p99, µs",
            Metric::LoadedP50 => "ping under TCP p50, µs",
            Metric::LoadedP99 => "ping under TCP p99, µs",
            Metric::CpuEnb => "CPU eNB, ns per 1,448 octets up",
            Metric::CpuSgw => "CPU S-GW, ns per 1,448 octets up",
            Metric::CpuPgw => "CPU P-GW, ns per 1,448 octets up",
        }
    }
}

pub(super) fn measure(what: What, net: &Net, seconds: u32) -> Result<Vec<(Metric, f64)>> {
    match what {
        What::TcpUp => tcp_with_cpu(net, seconds),
        What::TcpDown => Ok(vec![(Metric::TcpDown, tcp(net, seconds, 1, true)?.0)]),
        What::FourUp => Ok(vec![(Metric::FourUp, tcp(net, seconds, 4, false)?.0)]),
        What::FourDown => Ok(vec![(Metric::FourDown, tcp(net, seconds, 4, true)?.0)]),
        What::Udp64 => Ok(vec![(Metric::Udp64, udp(net, 64, seconds)?)]),
        What::Udp1400 => Ok(vec![(Metric::Udp1400, udp(net, 1400, seconds)?)]),
        What::PingIdle => {
            let (p50, p99) = pings(net, seconds * 100)?;
            Ok(vec![(Metric::PingP50, p50), (Metric::PingP99, p99)])
        }
        What::PingLoaded => thread::scope(|scope| {
            let load = scope.spawn(|| tcp(net, seconds + 1, 1, false));
            let (p50, p99) = pings(net, seconds * 100)?;
            load.join().map_err(|_| anyhow::anyhow!("the load panicked"))??;
            Ok(vec![(Metric::LoadedP50, p50), (Metric::LoadedP99, p99)])
        }),
    }
}

fn tcp_with_cpu(net: &Net, seconds: u32) -> Result<Vec<(Metric, f64)>> {
    let before: Vec<f64> = net.gateways.iter().map(|(_, process)| cpu_ns(process)).collect();
    let (rate, octets) = tcp(net, seconds, 1, false)?;
    let mut values = vec![(Metric::TcpUp, rate)];
    for ((node, process), before) in net.gateways.iter().zip(before) {
        let metric = match node {
            Node::Enb => Metric::CpuEnb,
            Node::Sgw => Metric::CpuSgw,
            _ => Metric::CpuPgw,
        };
        values.push((metric, (cpu_ns(process) - before) / (octets / PACKET)));
    }
    values.sort_by_key(|(metric, _)| *metric);
    Ok(values)
}

/// Mbit/s that arrived, and octets.
fn tcp(net: &Net, seconds: u32, flows: u32, down: bool) -> Result<(f64, f64)> {
    let server = net.server.run(|| {
        Command::new("iperf3")
            .args(["--server", "--one-off", "--port", &PORT.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
    })?;
    let mut server = Child(server);
    wait_for("iperf3 to listen", PATIENCE, || is_listening(&net.server))?;
    let mut client = Command::new("iperf3");
    client
        .args([
            "--json",
            "--port",
            &PORT.to_string(),
            "--client",
            &SERVER.to_string(),
        ])
        .args(["--bind", &UE.to_string()])
        .args(["--time", &seconds.to_string(), "--parallel", &flows.to_string()]);
    if down {
        client.arg("--reverse");
    }
    let output = net.ue.run(|| client.stdin(Stdio::null()).output())?;
    let result: Value = serde_json::from_slice(&output.stdout).context("what iperf3 says")?;
    if let Some(error) = result.get("error") {
        bail!("iperf3: {error}");
    }
    server.0.wait()?;
    let received = &result["end"]["sum_received"];
    let number = |key: &str| {
        received[key]
            .as_f64()
            .with_context(|| format!("iperf3 says no {key}"))
    };
    Ok((number("bits_per_second")? / 1e6, number("bytes")?))
}

/// Ends with its measurement, whatever becomes of it.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        // Both fail only if it has ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn is_listening(namespace: &Namespace) -> Result<(), String> {
    let wanted = format!(":{PORT:04X} ");
    let listens = |table: &str| {
        table
            .lines()
            .any(|line| line.contains(&wanted) && line.split_whitespace().nth(3) == Some("0A"))
    };
    let tables = namespace.run(|| {
        ["tcp", "tcp6"]
            .map(|table| fs::read_to_string(format!("/proc/thread-self/net/{table}")).unwrap_or_default())
    });
    match tables.iter().any(|table| listens(table)) {
        true => Ok(()),
        false => Err("nobody listens".to_owned()),
    }
}

/// Nanoseconds that the threads of a process ran.
fn cpu_ns(process: &Process) -> f64 {
    process.cpu_time().unwrap_or_default().as_nanos() as f64
}

/// Microseconds at the median and the 99th percentile.
fn pings(net: &Net, count: u32) -> Result<(f64, f64)> {
    let mut times = Vec::new();
    for sequence in 0..count {
        // One that is lost took as long as we waited.
        let time = ping::ping(&net.ue, Some(UE), SERVER, sequence as u16, 56, LOST).unwrap_or(LOST);
        times.push(time.as_secs_f64() * 1e6);
        thread::sleep(Duration::from_millis(5));
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    Ok((at(0.5), at(0.99)))
}

/// The highest rate, in 1000 packets/s, at which no more than 1 % is lost.
fn udp(net: &Net, size: usize, seconds: u32) -> Result<f64> {
    let time = Duration::from_millis(100 + 200 * u64::from(seconds.min(3)));
    let mut best = 0.0_f64;
    let mut good = 0.0;
    let mut bad = f64::INFINITY;
    let mut rate = 40_000.0;
    for _ in 0..12 {
        let (sent, received) = udp_at(net, size, rate, time)?;
        let arrived = received / time.as_secs_f64();
        // A sender that cannot keep up has found its own limit.
        if received >= sent * (1.0 - LOSS) && sent >= 0.9 * rate * time.as_secs_f64() {
            good = rate;
            best = best.max(arrived);
        } else {
            bad = rate;
        }
        rate = if bad.is_finite() {
            (good + bad) / 2.0
        } else {
            2.0 * rate
        };
        if bad.is_finite() && bad - good < 0.04 * bad {
            break;
        }
    }
    Ok(best / 1000.0)
}

/// Packets sent and received at this rate.
fn udp_at(net: &Net, size: usize, rate: f64, time: Duration) -> Result<(f64, f64)> {
    let receiver = net.server.run(|| bind((SERVER, 0).into()))?;
    let sender = net.ue.run(|| bind((UE, 0).into()))?;
    let to = receiver.local_addr()?;
    let received = AtomicU64::new(0);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut buffer = [0; 2048];
            while !stop.load(Ordering::Relaxed) {
                if receiver.recv(&mut buffer).is_ok() {
                    received.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        let sent = send_at(&sender, to, size, rate, time);
        // What is still on its way arrives within this, or counts as lost.
        thread::sleep(Duration::from_millis(100));
        stop.store(true, Ordering::Relaxed);
        Ok((sent? as f64, received.load(Ordering::Relaxed) as f64))
    })
}

fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = UdpSocket::bind(address)?;
    socket.set_read_timeout(Some(Duration::from_millis(20)))?;
    let socket = socket2::Socket::from(socket);
    socket.set_recv_buffer_size(4 << 20)?;
    Ok(socket.into())
}

/// Sends packets evenly, as evenly as a thread that sleeps can.
fn send_at(socket: &UdpSocket, to: SocketAddr, size: usize, rate: f64, time: Duration) -> Result<u64> {
    const BATCH: usize = 32;
    let octets = vec![0x55; size];
    let slices = [[IoSlice::new(&octets)]; BATCH];
    let addresses = [Some(SockaddrStorage::from(to)); BATCH];
    let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, None);
    let start = Instant::now();
    let mut sent = 0_u64;
    while start.elapsed() < time {
        let due = (start.elapsed().as_secs_f64() * rate) as u64;
        let mut missing = due.saturating_sub(sent);
        while missing > 0 && start.elapsed() < time {
            let count = (missing as usize).min(BATCH);
            let results = sendmmsg(
                socket.as_raw_fd(),
                &mut headers,
                &slices[..count],
                &addresses[..count],
                [],
                MsgFlags::empty(),
            )?;
            let count = results.count() as u64;
            sent += count;
            missing -= count.min(missing);
        }
        thread::sleep(Duration::from_micros(100));
    }
    Ok(sent)
}
