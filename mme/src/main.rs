//! The MME as a program: what its brain needs of the host, two sockets.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use epc_driver::{AddressKey, Common, Daemon, Problem, Registry, Socket, keep_fixed};
use epc_node::{Boot, Interface};
use mme::{Command, Config, Event, Mme};
use tracing::debug;

fn main() -> ExitCode {
    epc_driver::main::<Host>()
}

struct Host;

impl Daemon for Host {
    const NAME: &'static str = "mme";
    const ABOUT: &'static str = "An MME: S1-MME towards eNBs, S11 towards an S-GW.";
    type Config = Config;
    type Node = Mme;
    const ADDRESSES: &'static [AddressKey] = &[
        AddressKey::Local {
            key: "local_addresses.s1c_addr",
            port: Some(Interface::S1Mme.port()),
            peer: None,
        },
        AddressKey::Local {
            key: "local_addresses.s11_ip",
            port: None,
            peer: Some("sgw_s11_ip"),
        },
        AddressKey::Gateways {
            key: "sgw_s11_ip",
            local: Some("local_addresses.s11_ip"),
        },
        AddressKey::Gateways {
            key: "pgw_s5c_ip",
            local: None,
        },
    ];

    fn check(config: &Config) -> Result<(), Problem> {
        Ok(config.check()?)
    }

    fn common(config: &Config) -> Common {
        Common {
            prom_addr: config.prom_addr,
            log_format: config.log_format,
            shutdown_grace: config.shutdown_grace,
            session_store: None,
            use_kernel_gtp: false,
        }
    }

    fn sockets(config: &Config) -> Vec<Socket> {
        let local = &config.local_addresses;
        let s1c = Socket {
            interface: Interface::S1Mme,
            address: local.s1c_addr,
            key: "local_addresses.s1c_addr",
        };
        let s11 = Socket {
            interface: Interface::S11,
            address: SocketAddr::new(local.s11_ip, Interface::S11.port()),
            key: "local_addresses.s11_ip",
        };
        vec![s1c, s11]
    }

    fn keep_fixed(running: &Config, new: &mut Config) -> Vec<&'static str> {
        keep_fixed!(running, new; local_addresses, prom_addr, log_format)
    }

    fn node(config: &Config, boot: Boot, registry: &mut Registry, now: Instant) -> Mme {
        let mme = Mme::new(config.clone(), boot, now);
        mme.register(registry);
        mme
    }

    fn missing(mme: &Mme) -> Vec<String> {
        mme.readiness()
    }

    fn is_drained(mme: &Mme) -> bool {
        mme.is_drained()
    }

    fn reload(config: Config) -> Command {
        Command::Reload(config)
    }

    fn shutdown() -> Command {
        Command::Shutdown
    }

    async fn start(_: &Config, _: &mut Registry) -> Result<Host, Problem> {
        Ok(Host)
    }

    async fn on_event(&mut self, event: Event) {
        match event {
            Event::Attached { imsi } => debug!(%imsi, "attached"),
            Event::Detached { imsi } => debug!(%imsi, "detached"),
        }
    }
}
