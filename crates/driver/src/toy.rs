//! A daemon for the tests of this crate: its brain sends every datagram back, after a rule and an event.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use epc_codec::Teid;
use epc_node::config::{LogFormat, listen_address};
use epc_node::{Boot, Interface, Node, Output, Rule};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use serde::Deserialize;
use tokio::sync::mpsc::UnboundedSender;

use crate::{AddressKey, Common, Daemon, Problem, Socket};

pub(crate) struct Toy {
    /// What happened, in order.
    pub(crate) seen: Option<UnboundedSender<String>>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ToyConfig {
    pub(crate) s11_ip: IpAddr,
    #[serde(default)]
    pub(crate) s11_port: u16,
    #[serde(default)]
    pub(crate) peer: Option<SocketAddr>,
    #[serde(default, deserialize_with = "listen_address")]
    pub(crate) prom_addr: Option<SocketAddr>,
    #[serde(default)]
    pub(crate) greeting: String,
    #[serde(default)]
    pub(crate) interface: Option<String>,
}

pub(crate) struct ToyNode {
    config: ToyConfig,
    echoed: Counter,
    outputs: VecDeque<Output<String>>,
    wake: Option<Instant>,
    stopping: bool,
}

impl Daemon for Toy {
    const NAME: &'static str = "toy";
    const ABOUT: &'static str = "A toy.";
    type Config = ToyConfig;
    type Node = ToyNode;
    const ADDRESSES: &'static [AddressKey] = &[
        AddressKey::Local {
            key: "s11_ip",
            port: None,
            peer: None,
        },
        AddressKey::Peer {
            key: "peer",
            port: 2123,
            local: "s11_ip",
        },
    ];

    fn check(config: &ToyConfig) -> Result<(), Problem> {
        match config.greeting.as_str() {
            "rude" => Err(Problem::new("greeting", "rude, expected a polite one")),
            _ => Ok(()),
        }
    }

    fn check_host(config: &ToyConfig) -> Result<(), Problem> {
        match &config.interface {
            Some(name) => Err(Problem::new("interface", format!("no `{name}` here"))),
            None => Ok(()),
        }
    }

    fn common(config: &ToyConfig) -> Common {
        Common {
            prom_addr: config.prom_addr,
            log_format: LogFormat::Text,
            shutdown_grace: Duration::from_millis(200),
            session_store: None,
            use_kernel_gtp: false,
        }
    }

    fn sockets(config: &ToyConfig) -> Vec<Socket> {
        vec![Socket {
            interface: Interface::S11,
            address: SocketAddr::new(config.s11_ip, config.s11_port),
            key: "s11_ip",
        }]
    }

    fn keep_fixed(running: &ToyConfig, new: &mut ToyConfig) -> Vec<&'static str> {
        crate::keep_fixed!(running, new; s11_ip, s11_port, prom_addr)
    }

    fn node(config: &ToyConfig, _: Boot, registry: &mut Registry, now: Instant) -> ToyNode {
        let echoed = Counter::default();
        registry.register("toy_echoed", "Datagrams sent back", echoed.clone());
        ToyNode {
            config: config.clone(),
            echoed,
            outputs: VecDeque::new(),
            wake: Some(now + Duration::from_millis(1)),
            stopping: false,
        }
    }

    fn missing(node: &ToyNode) -> Vec<String> {
        match node.echoed.get() {
            0 => vec!["a first datagram".to_owned()],
            _ => Vec::new(),
        }
    }

    fn is_drained(node: &ToyNode) -> bool {
        node.stopping && node.config.greeting != "slow"
    }

    fn reload(config: ToyConfig) -> Option<ToyConfig> {
        Some(config)
    }

    fn shutdown() -> Option<ToyConfig> {
        None
    }

    async fn start(_: &ToyConfig, _: &mut Registry) -> Result<Toy, Problem> {
        Ok(Toy { seen: None })
    }

    async fn on_event(&mut self, event: String) {
        if let Some(seen) = &self.seen {
            let _ = seen.send(event);
        }
    }
}

impl Node for ToyNode {
    type Command = Option<ToyConfig>;
    type Event = String;

    fn handle_datagram(&mut self, on: Interface, from: SocketAddr, datagram: &[u8], _: Instant) {
        self.echoed.inc();
        self.outputs
            .push_back(Output::Rule(Rule::StopReceiving { teid: Teid(1) }));
        self.outputs.push_back(Output::Event("echo".to_owned()));
        // One that cannot be sent, before the one that can.
        self.outputs.push_back(Output::Transmit {
            on: Interface::S5c,
            to: from,
            datagram: Vec::new(),
        });
        let mut datagram = datagram.to_vec();
        datagram.extend(self.config.greeting.as_bytes());
        self.outputs.push_back(Output::Transmit {
            on,
            to: from,
            datagram,
        });
    }

    fn handle_command(&mut self, command: Option<ToyConfig>, _: Instant) {
        match command {
            Some(config) => {
                self.config = config;
                self.outputs.push_back(Output::Event("reloaded".to_owned()));
            }
            None => {
                self.stopping = true;
                self.outputs.push_back(Output::Event("stopping".to_owned()));
            }
        }
    }

    fn handle_timeout(&mut self, now: Instant) {
        if self.wake.is_some_and(|wake| wake <= now) {
            self.wake = None;
            self.outputs.push_back(Output::Event("timeout".to_owned()));
        }
    }

    fn poll_output(&mut self) -> Option<Output<String>> {
        self.outputs.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.wake
    }
}
