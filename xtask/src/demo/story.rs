//! What happens in the demo, from the first link to the last farewell.

use std::collections::HashSet;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use epc_lab::callflow::CallFlow;
use epc_lab::http::{self, Metrics};
use epc_lab::ping::ping;
use epc_lab::{
    Capture, Captured, Daemons, Epc, Ladder, LinkOptions, Namespace, Node, Process, ReferencePoint, sandbox,
    wait_for, web, yaml,
};

use super::{Args, Failure, configs, show};

/// How long a state may take, on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);
/// So many attaches a second are the least that we wait for.
const SLOWEST_ATTACHES: u32 = 50;
/// Of how many sessions the messages are shown.
const SHOWN: usize = 2;
/// How many echo requests are sent.
const ECHOES: u16 = 20;
/// How much of a log is shown when something fails.
const LAST_LINES: usize = 15;

pub(super) fn tell(args: &Args, daemons: &Daemons, directory: &Path) -> Result<(), Failure> {
    let for_the_end = directory.to_owned();
    sandbox::on_stop(move || {
        println!(
            "\nStopped. The lab is gone; logs and demo.pcapng are in {}",
            for_the_end.display()
        );
    });
    show::picture();
    let epc = Epc::new(&LinkOptions {
        single_packets: true,
        ..LinkOptions::default()
    })?;
    configs::write(directory, args.subscribers)?;
    let tale = Arc::new(Mutex::new(Tale::default()));
    let told = tale.clone();
    let capture = Capture::start(&epc.points(), &directory.join("demo.pcapng"), move |captured| {
        lock(&told).frame(captured);
    })?;
    let server = Server::start(&epc)?;

    show::chapter("The daemons start, and the subscribers attach");
    println!("{}", lock(&tale).ladder.heading());
    let mut lab = Lab {
        epc: &epc,
        nodes: Vec::new(),
    };
    // Any order does; in this one nobody has to ask twice, and the ladder is short.
    for node in [Node::Pgw, Node::Sgw, Node::Mme] {
        lab.start(daemons, directory, node)?;
    }
    let started = Instant::now();
    lab.start(daemons, directory, Node::Enb)?;
    lab.wait_until_attached(args.subscribers, &tale)?;
    let took = started.elapsed();

    lock(&tale).close();
    show::chapter("Sessions");
    show::sessions(lock(&tale).flow.sessions(), 10);
    println!(
        "\n  {} subscribers were attached {:.0} ms after the eNB was started.",
        args.subscribers,
        took.as_secs_f64() * 1000.0
    );
    let memory: Vec<String> = lab
        .nodes
        .iter()
        .filter_map(|(node, process)| memory(*node, process))
        .collect();
    println!("  Resident memory: {}.", memory.join(", "));

    show::chapter("Packets in the tunnels");
    println!("{}", lock(&tale).ladder.heading());
    let round_trips = lab.ping_through_the_tunnel(&tale)?;
    lab.fetch_through_the_tunnel(&tale)?;
    let clients = server.wait_for_clients(&lab)?;
    println!(
        "\n  ICMP echo, UE to server and back, {}",
        show::round_trips(round_trips)
    );
    println!("  HTTP GET, {}: {}", clients.join(" and "), web::PAGE.trim());

    show::chapter("Octets and packets on each link");
    show::traffic(&epc)?;

    if args.keep {
        capture.stop()?;
        return keep(lab, &server);
    }
    show::chapter("The eNB is stopped, and with it the sessions");
    println!("{}", lock(&tale).ladder.heading());
    lab.stop()?;
    let totals = capture.stop()?;
    lock(&tale).close();
    println!(
        "\n{} frames are in {}: open it with Wireshark. The logs are beside it.",
        totals.frames,
        directory.join("demo.pcapng").display()
    );
    println!("It works!");
    Ok(())
}

/// The call flow as it goes on.
struct Tale {
    flow: CallFlow,
    ladder: Ladder,
    hidden: u64,
    /// Where packets of the external client were seen, and from whom.
    user_packets: HashSet<(ReferencePoint, Node)>,
}

impl Default for Tale {
    fn default() -> Tale {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Tale {
            flow: CallFlow::new(),
            ladder: Ladder::new(now),
            hidden: 0,
            user_packets: HashSet::new(),
        }
    }
}

impl Tale {
    fn frame(&mut self, captured: Captured<'_>) {
        let link = ReferencePoint::ALL[captured.point];
        let Some(step) = self.flow.read(captured.at, link, captured.frame) else {
            return;
        };
        if step.session.is_some_and(|session| self.is_external(session))
            && matches!(link, ReferencePoint::S1u | ReferencePoint::S5u)
        {
            self.user_packets.insert((link, step.from));
        }
        if step.session.is_some_and(|session| session >= SHOWN) {
            self.hidden += 1;
            return;
        }
        println!("{}", self.ladder.draw(&step));
    }

    fn is_external(&self, session: usize) -> bool {
        self.flow.sessions()[session].imsi == Some(yaml::imsi(configs::EXTERNAL))
    }

    fn close(&mut self) {
        if self.hidden > 0 {
            println!(
                "  {} messages about other subscribers are not shown.",
                self.hidden
            );
            self.hidden = 0;
        }
    }
}

fn lock(tale: &Mutex<Tale>) -> MutexGuard<'_, Tale> {
    tale.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// The HTTP server behind SGi, and who came.
struct Server {
    _running: web::Server,
    clients: Arc<Mutex<HashSet<IpAddr>>>,
}

impl Server {
    fn start(epc: &Epc) -> Result<Server, Failure> {
        let address = SocketAddr::from((ReferencePoint::Sgi.address(Node::Server), 80));
        let clients = Arc::new(Mutex::new(HashSet::new()));
        let seen = clients.clone();
        let running = web::Server::start(epc.namespace(Node::Server), address, move |client, _| {
            seen.lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .insert(client);
        })?;
        Ok(Server {
            _running: running,
            clients,
        })
    }

    /// The client behind the eNB and the one in it.
    fn wait_for_clients(&self, lab: &Lab<'_>) -> Result<Vec<String>, Failure> {
        let external = IpAddr::from(ReferencePoint::Euu.address(Node::Ue));
        let waited = wait_for("the eNB's own client at the server", PATIENCE, || {
            let clients = self
                .clients
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner());
            let own: Vec<&IpAddr> = clients.iter().filter(|client| **client != external).collect();
            match own.first() {
                Some(own) => Ok(vec![
                    format!("{external} (external)"),
                    format!("{own} (http_get)"),
                ]),
                None => Err(format!("only {clients:?} asked for the page")),
            }
        });
        waited.map_err(|error| lab.blame(Node::Enb, error))
    }
}

/// The lab with its daemons.
struct Lab<'a> {
    epc: &'a Epc,
    nodes: Vec<(Node, Process)>,
}

impl Lab<'_> {
    /// Starts a daemon, and returns when it listens.
    fn start(&mut self, daemons: &Daemons, directory: &Path, node: Node) -> Result<(), Failure> {
        let command = daemons.command(node, &configs::path(directory, node), directory);
        let log = directory.join(format!("{}.log", node.name()));
        let namespace = self.epc.namespace(node);
        let process = namespace.spawn(node.name(), command, &log)?;
        self.nodes.push((node, process));
        self.wait(&format!("{} to listen", node.title()), PATIENCE, || {
            sessions(namespace, node).map(drop).map_err(|why| (node, why))
        })
    }

    fn wait_until_attached(&mut self, subscribers: u32, tale: &Mutex<Tale>) -> Result<(), Failure> {
        let limit = PATIENCE + Duration::from_secs(u64::from(subscribers / SLOWEST_ATTACHES));
        let expected = f64::from(subscribers);
        let what = format!("{subscribers} attached subscribers");
        let epc = self.epc;
        let waited = self.wait(&what, limit, || {
            for node in Daemons::NODES {
                http::ready(epc.namespace(node), metrics_address()).map_err(|why| (node, why))?;
            }
            for node in Daemons::NODES.into_iter().rev() {
                let up = sessions(epc.namespace(node), node).map_err(|why| (node, why))?;
                if up < expected {
                    return Err((node, format!("{up} of {expected} sessions are up")));
                }
            }
            Ok(())
        });
        if let Err(mut failure) = waited {
            let refusal = lock(tale)
                .flow
                .sessions()
                .iter()
                .find_map(|session| session.refusal.clone());
            if let Some(refusal) = refusal {
                failure.why = format!("{}; first refusal: {refusal}", failure.why);
            }
            return Err(failure);
        }
        // The capture is a moment behind.
        let complete = wait_for("the capture", PATIENCE, || {
            let tale = lock(tale);
            let sessions = tale.flow.sessions();
            match sessions
                .iter()
                .filter(|session| session.enb_s1u.is_some())
                .count()
            {
                seen if seen as u64 >= u64::from(subscribers) => Ok(()),
                seen => Err(format!("messages of {seen} sessions were captured")),
            }
        });
        if let Err(error) = complete {
            // The kernel dropped frames for us: the sessions are there, their messages are not all in the file.
            println!("  Note: {error}.");
        }
        Ok(())
    }

    fn ping_through_the_tunnel(&mut self, tale: &Mutex<Tale>) -> Result<Vec<Duration>, Failure> {
        let ue = self.epc.namespace(Node::Ue);
        let server = ReferencePoint::Sgi.address(Node::Server);
        let echo = |sequence| ping(ue, None, server, sequence, 56, Duration::from_secs(5));
        let times: Result<Vec<Duration>, epc_lab::Error> = (1..=ECHOES).map(echo).collect();
        times.map_err(|error| self.blame_user_plane(tale, error))
    }

    fn fetch_through_the_tunnel(&mut self, tale: &Mutex<Tale>) -> Result<(), Failure> {
        let url = format!("http://{}/", ReferencePoint::Sgi.address(Node::Server));
        let page = http::get(self.epc.namespace(Node::Ue), &url);
        let page = page.map_err(|error| self.blame_user_plane(tale, error))?;
        if page.status == 200 && page.body == web::PAGE {
            return Ok(());
        }
        Err(Failure {
            node: Some(Node::Server),
            why: format!("GET {url} brought status {} and {:?}", page.status, page.body),
            last_lines: Vec::new(),
        })
    }

    fn stop(&mut self) -> Result<(), Failure> {
        self.terminate(Node::Enb)?;
        let epc = self.epc;
        self.wait("the end of all sessions", PATIENCE, || {
            for node in [Node::Mme, Node::Sgw, Node::Pgw] {
                match sessions(epc.namespace(node), node).map_err(|why| (node, why))? {
                    0.0 => {}
                    left => return Err((node, format!("{left} sessions are left"))),
                }
            }
            Ok(())
        })?;
        for node in [Node::Mme, Node::Sgw, Node::Pgw] {
            self.terminate(node)?;
        }
        Ok(())
    }

    fn terminate(&mut self, node: Node) -> Result<(), Failure> {
        let Some(place) = self.nodes.iter().position(|(each, _)| *each == node) else {
            return Ok(());
        };
        match self.nodes[place].1.terminate(PATIENCE) {
            Ok(status) if status.success() => {
                self.nodes.remove(place);
                Ok(())
            }
            Ok(status) => Err(self.blame(node, format!("it was asked to stop and ended with {status}"))),
            Err(error) => Err(self.blame(node, error)),
        }
    }

    /// Looks for a state until it is there, a daemon ends or it takes too long.
    fn wait(
        &mut self,
        what: &str,
        limit: Duration,
        mut probe: impl FnMut() -> Result<(), (Node, String)>,
    ) -> Result<(), Failure> {
        let nodes = &mut self.nodes;
        let mut guilty = None;
        let waited = wait_for(what, limit, || {
            for (node, process) in nodes.iter_mut() {
                if let Ok(Some(status)) = process.exit_status() {
                    guilty = Some((*node, format!("it ended with {status}")));
                    return Ok(false);
                }
            }
            match probe() {
                Ok(()) => Ok(true),
                Err((node, why)) => {
                    guilty = Some((node, why.clone()));
                    Err(format!("{}: {why}", node.title()))
                }
            }
        });
        match (waited, guilty) {
            (Ok(true), _) => Ok(()),
            (Ok(false), Some((node, why))) => Err(self.blame(node, why)),
            (Err(error), Some((node, _))) => Err(self.blame(node, error)),
            (Ok(false), None) => Ok(()),
            (Err(error), None) => Err(error.into()),
        }
    }

    fn blame(&self, node: Node, why: impl ToString) -> Failure {
        let process = self.nodes.iter().find(|(each, _)| *each == node);
        Failure {
            node: Some(node),
            why: why.to_string(),
            last_lines: process.map_or_else(Vec::new, |(_, process)| process.last_lines(LAST_LINES)),
        }
    }

    /// A packet of the external client was lost: at the node that got it and did not send it on.
    fn blame_user_plane(&mut self, tale: &Mutex<Tale>, error: epc_lab::Error) -> Failure {
        for (node, process) in &mut self.nodes {
            if let Ok(Some(status)) = process.exit_status() {
                let node = *node;
                return self.blame(node, format!("it ended with {status}"));
            }
        }
        let seen = &lock(tale).user_packets;
        let passed = |link, from| seen.contains(&(link, from));
        let node = match () {
            () if !passed(ReferencePoint::S1u, Node::Enb) => Node::Enb,
            () if !passed(ReferencePoint::S5u, Node::Sgw) => Node::Sgw,
            () if !passed(ReferencePoint::S5u, Node::Pgw) => Node::Pgw,
            () if !passed(ReferencePoint::S1u, Node::Sgw) => Node::Sgw,
            () => Node::Enb,
        };
        self.blame(node, error)
    }
}

fn keep(lab: Lab<'_>, _server: &Server) -> Result<(), Failure> {
    show::chapter("The lab stays up");
    let pid = sandbox::outer_id().unwrap_or(0);
    let user = match has_own_user_namespace() {
        true => format!("--user=/proc/{pid}/ns/user --preserve-credentials "),
        false => String::new(),
    };
    for node in Node::ALL {
        let fd = lab.epc.namespace(node).raw_fd();
        println!(
            "  {:<7} nsenter {user}--net=/proc/{pid}/fd/{fd} bash",
            node.title()
        );
    }
    println!(
        "\n  Metrics of each daemon, in its namespace: curl http://{}/metrics",
        yaml::METRICS
    );
    println!("  The end of it: cargo xtask demo --down");
    println!("It works!");
    sandbox::keep()?;
    loop {
        thread::park();
    }
}

/// Whether the lab is in a user namespace of its own, where just one user has a number; it is to be entered too.
fn has_own_user_namespace() -> bool {
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    map.split_whitespace().nth(2) == Some("1")
}

fn memory(node: Node, process: &Process) -> Option<String> {
    let megabytes = process.resident_memory()? as f64 / 1e6;
    Some(format!("{} {megabytes:.1} MB", node.title()))
}

fn sessions(namespace: &Namespace, node: Node) -> Result<f64, String> {
    let metrics = Metrics::of(namespace, metrics_address()).map_err(|error| error.to_string())?;
    let name = format!("{}_active_sessions_total", node.name());
    metrics.value(&name).ok_or(format!("its metrics have no {name}"))
}

fn metrics_address() -> SocketAddr {
    yaml::METRICS.parse().expect("an address and a port")
}
