//! kill -9 under a running transfer, and a start afterwards.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use epc_lab::{Daemons, Node, ReferencePoint, wait_for, yaml};
use libtest_mimic::Failed;

use crate::Test;
use crate::lab::{GRACE, Lab, Outcome, PATIENCE, WATCHFUL_GTP, expect, in_lab, silent, wait_for_inventory};

pub(crate) const TESTS: &[Test] = &[
    ("killed_enb_comes_back", || comes_back(Node::Enb, false)),
    ("killed_mme_comes_back", || comes_back(Node::Mme, false)),
    ("killed_sgw_comes_back", || comes_back(Node::Sgw, false)),
    ("killed_pgw_comes_back", || comes_back(Node::Pgw, false)),
    ("killed_enb_comes_back_to_gateways_with_stores", || {
        comes_back(Node::Enb, true)
    }),
    ("killed_mme_comes_back_to_gateways_with_stores", || {
        comes_back(Node::Mme, true)
    }),
    ("transfer_survives_a_killed_sgw_with_a_store", || {
        goes_on(Node::Sgw)
    }),
    ("transfer_survives_a_killed_pgw_with_a_store", || {
        goes_on(Node::Pgw)
    }),
    (
        "transfer_goes_on_while_the_mme_is_dead",
        transfer_goes_on_while_the_mme_is_dead,
    ),
    ("torn_store_does_not_start", torn_store_does_not_start),
    (
        "what_killed_daemons_left_is_reclaimed",
        what_killed_daemons_left_is_reclaimed,
    ),
];

/// Its own sessions are lost: all are up again, and the same everywhere, after the others noticed, and a new transfer works.
/// An eNB and an MME have no store; the gateways may.
fn comes_back(node: Node, gateways_have_stores: bool) -> Result<(), Failed> {
    let stores = if gateways_have_stores { "-stores" } else { "" };
    in_lab(&format!("killed-{}{stores}", node.name()), |lab| {
        if gateways_have_stores {
            keep_sessions(lab)?;
        }
        lab.configure_enb(&[yaml::external(1), silent(2, ""), silent(3, "")])?;
        lab.start_all()?;
        lab.wait_for_sessions(3)?;
        lab.wait_for_ping()?;
        let transfer = Transfer::start(lab)?;
        transfer.wait_for_more(MEGABYTE)?;
        lab.kill(node)?;
        lab.start(node)?;
        lab.wait_until_ready(node)?;
        lab.wait_for_sessions(3)?;
        lab.wait_for_ping()?;
        // Not a moment on the way down.
        lab.wait_for_sessions(3)?;
        // It may have survived, for this UE has the same address again, or not.
        transfer.abandon();
        let transfer = Transfer::start(lab)?;
        transfer.wait_for_more(MEGABYTE)?;
        transfer.finish().map(drop)
    })
}

/// With stores: nobody notices but by the gap.
fn goes_on(node: Node) -> Result<(), Failed> {
    in_lab(&format!("store-{}", node.name()), |lab| {
        keep_sessions(lab)?;
        lab.configure_enb(&[yaml::external(1), silent(2, ""), silent(3, "")])?;
        lab.start_all()?;
        lab.wait_for_sessions(3)?;
        lab.wait_for_ping()?;
        let restart_counter = restart_counter(lab, node)?;
        let transfer = Transfer::start(lab)?;
        // Twice: what was restored is kept as well.
        for _ in 0..2 {
            transfer.wait_for_more(5 * MEGABYTE)?;
            lab.kill(node)?;
            lab.start(node)?;
            lab.wait_until_ready(node)?;
            lab.wait_for_sessions(3)?;
        }
        transfer.wait_for_more(5 * MEGABYTE)?;
        let (octets, gap) = transfer.finish()?;
        println!(
            "{} killed twice under a transfer of {octets} octets: longest gap {} ms",
            node.title(),
            gap.as_millis()
        );
        // Echo Requests go once a second here: the peers had time to see a restart.
        let echoes = lab.received(node, "Echo Response")?;
        wait_for("an Echo Response", PATIENCE, || {
            match lab
                .received(node, "Echo Response")
                .map_err(|error| error.to_string())?
            {
                now if now > echoes => Ok(()),
                now => Err(format!("{now}")),
            }
        })?;
        lab.wait_for_sessions(3)?;
        expect(self::restart_counter(lab, node)? == restart_counter, || {
            "another restart counter".to_owned()
        })?;
        for (at, message) in [
            (node, "Create Session Request"),
            (Node::Mme, "Delete Bearer Request"),
            (Node::Sgw, "Delete Session Request"),
            (Node::Pgw, "Delete Session Request"),
        ] {
            let count = lab.received(at, message)?;
            expect(count == 0.0, || {
                format!("{} received {count} {message}", at.title())
            })?;
        }
        // A stop is the end of the sessions, here and at the others.
        lab.terminate(node)?;
        let others: Vec<Node> = Daemons::NODES.into_iter().filter(|each| *each != node).collect();
        lab.wait_for_sessions_at(&others, 0)
    })
}

/// The user plane needs no MME.
fn transfer_goes_on_while_the_mme_is_dead() -> Result<(), Failed> {
    in_lab("dead-mme", |lab| {
        lab.configure_enb(&[yaml::external(1)])?;
        lab.start_all()?;
        lab.wait_for_sessions(1)?;
        lab.wait_for_ping()?;
        let transfer = Transfer::start(lab)?;
        lab.kill(Node::Mme)?;
        transfer.wait_for_more(10 * MEGABYTE)?;
        let (_, gap) = transfer.finish()?;
        println!("MME killed under a transfer: longest gap {} ms", gap.as_millis());
        lab.start(Node::Mme)?;
        lab.wait_for_sessions(1)?;
        lab.wait_for_ping()
    })
}

/// Both gateways keep their sessions.
fn keep_sessions(lab: &Lab) -> Outcome {
    for (node, yaml) in [(Node::Sgw, yaml::sgw()), (Node::Pgw, yaml::pgw())] {
        let store = lab.file(&format!("{}-store", node.name()));
        let key = format!("session_store: {}\n", store.display());
        lab.configure(node, &(yaml + WATCHFUL_GTP + &key))?;
    }
    Ok(())
}

fn restart_counter(lab: &Lab, node: Node) -> Outcome<String> {
    let label = fs::read_to_string(lab.file(&format!("{}-store/node", node.name())))?;
    let line = label.lines().find(|line| line.starts_with("restart_counter "));
    Ok(line.ok_or("no restart counter")?.to_owned())
}

fn torn_store_does_not_start() -> Result<(), Failed> {
    in_lab("torn-store", |lab| {
        keep_sessions(lab)?;
        lab.configure_enb(&[silent(1, "")])?;
        lab.start_all()?;
        lab.wait_for_sessions(1)?;
        for node in [Node::Sgw, Node::Pgw] {
            lab.kill(node)?;
            let file = lab.file(&format!("{}-store/sessions.redb", node.name()));
            let whole = fs::metadata(&file)?.len();
            OpenOptions::new().write(true).open(&file)?.set_len(whole / 2)?;
            let log = lab.file(&format!("{}.log", node.name()));
            let before = fs::read_to_string(&log)?.len();
            lab.start(node)?;
            let status = lab.process(node).wait(GRACE)?;
            let said = fs::read_to_string(&log)?[before..].to_owned();
            let place = format!("{}.yml:", node.name());
            expect(
                status.code() == Some(2)
                    && said.lines().count() == 1
                    && [&place, " session_store: ", "torn"]
                        .iter()
                        .all(|part| said.contains(*part)),
                || format!("{} ended with {status} and said {said}", node.title()),
            )?;
        }
        Ok(())
    })
}

pub(crate) const MEGABYTE: u64 = 1_000_000;

/// A download through the tunnel: the server sends octets that tell their place, at a pace, until it is told to stop.
pub(crate) struct Transfer {
    received: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    server: JoinHandle<Result<u64, String>>,
    client: JoinHandle<Result<(u64, Duration), String>>,
    streams: [TcpStream; 2],
}

impl Transfer {
    pub(crate) fn start(lab: &Lab) -> Outcome<Transfer> {
        let address = SocketAddr::from((ReferencePoint::Sgi.address(Node::Server), 0));
        let listener = lab.namespace(Node::Server).run(|| TcpListener::bind(address))?;
        let address = listener.local_addr()?;
        let client = lab
            .namespace(Node::Ue)
            .run(|| TcpStream::connect_timeout(&address, PATIENCE))?;
        let (server, _) = listener.accept()?;
        for stream in [&client, &server] {
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
        }
        let streams = [client.try_clone()?, server.try_clone()?];
        let received = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let (counted, told) = (Arc::clone(&received), Arc::clone(&stop));
        Ok(Transfer {
            received,
            stop,
            server: std::thread::spawn(move || serve(server, &told).map_err(|error| error.to_string())),
            client: std::thread::spawn(move || receive(client, &counted)),
            streams,
        })
    }

    pub(crate) fn wait_for_more(&self, octets: u64) -> Outcome {
        let enough = self.received.load(Ordering::Relaxed) + octets;
        Ok(wait_for(&format!("{enough} octets"), PATIENCE, || {
            match self.received.load(Ordering::Relaxed) {
                now if now >= enough => Ok(()),
                now => Err(format!("{now} came")),
            }
        })?)
    }

    /// All octets came, in order and unchanged: how many, and the longest time without any.
    pub(crate) fn finish(self) -> Outcome<(u64, Duration)> {
        self.stop.store(true, Ordering::Relaxed);
        let sent = self.server.join().map_err(|_| "the server panicked")??;
        let (received, gap) = self.client.join().map_err(|_| "the client panicked")??;
        expect(received == sent, || {
            format!("{sent} octets were sent, {received} came")
        })?;
        Ok((received, gap))
    }

    /// Ends it, whatever became of it.
    fn abandon(self) {
        self.stop.store(true, Ordering::Relaxed);
        for stream in &self.streams {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let _ = self.server.join();
        let _ = self.client.join();
    }
}

fn octet(place: u64) -> u8 {
    (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8
}

fn serve(mut stream: TcpStream, stop: &AtomicBool) -> std::io::Result<u64> {
    let mut sent = 0;
    while !stop.load(Ordering::Relaxed) {
        let chunk: Vec<u8> = (sent..sent + 65_536).map(octet).collect();
        stream.write_all(&chunk)?;
        sent += 65_536;
        std::thread::sleep(Duration::from_millis(5));
    }
    stream.shutdown(Shutdown::Write)?;
    Ok(sent)
}

fn receive(mut stream: TcpStream, received: &AtomicU64) -> Result<(u64, Duration), String> {
    let mut buffer = vec![0; 65_536];
    let (mut place, mut longest, mut last) = (0, Duration::ZERO, Instant::now());
    loop {
        let length = stream.read(&mut buffer).map_err(|error| error.to_string())?;
        if length == 0 {
            return Ok((place, longest));
        }
        longest = longest.max(last.elapsed());
        last = Instant::now();
        for (found, expected) in buffer[..length].iter().zip((place..).map(octet)) {
            if *found != expected {
                return Err(format!("octet {expected} came as {found} after {place}"));
            }
        }
        place += length as u64;
        received.store(place, Ordering::Relaxed);
    }
}

fn what_killed_daemons_left_is_reclaimed() -> Result<(), Failed> {
    in_lab("leftovers", |lab| {
        let hosts = [Node::Enb, Node::Pgw];
        let before: Vec<Vec<String>> = hosts
            .iter()
            .map(|node| lab.namespace(*node).inventory())
            .collect::<Result<_, _>>()?;
        lab.configure_enb(&[yaml::external(1), yaml::http_get(2), silent(3, "")])?;
        lab.start_all()?;
        lab.wait_for_sessions(3)?;
        for node in Daemons::NODES {
            lab.kill(node)?;
        }
        let left = lab.namespace(Node::Enb).inventory()?;
        expect(left != before[0], || {
            "the killed eNB left nothing, so that this test shows nothing".to_owned()
        })?;

        // Other subscribers, so that nothing of the former is just used again.
        lab.configure_enb(&[silent(4, "")])?;
        lab.start_all()?;
        lab.wait_for_sessions(1)?;
        for node in Daemons::NODES {
            lab.terminate(node)?;
        }
        for (node, before) in hosts.into_iter().zip(before) {
            wait_for_inventory(lab.namespace(node), &before)?;
        }
        Ok(())
    })
}
