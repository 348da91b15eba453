//! The S-GW as a program: what its brain needs of the host. No TUN device, no capability.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use epc_driver::user_plane::{SocketConfig, UserPlaneConfig};
use epc_driver::{AddressKey, Common, Daemon, Problem, Registry, SessionStore, Socket, keep_fixed};
use epc_node::store::{Records, Unreadable};
use epc_node::{Boot, Interface, TeidKey};
use sgw::{Command, Config, Event, Sgw};

fn main() -> ExitCode {
    epc_driver::main::<Host>()
}

struct Host;

impl Daemon for Host {
    const NAME: &'static str = "sgw";
    const ABOUT: &'static str = "A Serving Gateway: S11 and S1-U on one side, S5-C and S5-U on the other.";
    const KEEPS_SESSIONS: bool = true;
    type Config = Config;
    type Node = Sgw;
    const ADDRESSES: &'static [AddressKey] = &[
        AddressKey::Local {
            key: "local_addresses.s11_ip",
            port: None,
            peer: None,
        },
        AddressKey::Local {
            key: "local_addresses.s1u_ip",
            port: None,
            peer: None,
        },
        AddressKey::Local {
            key: "local_addresses.s5c_ip",
            port: None,
            peer: None,
        },
        AddressKey::Local {
            key: "local_addresses.s5u_ip",
            port: None,
            peer: None,
        },
    ];

    fn check(_: &Config) -> Result<(), Problem> {
        Ok(())
    }

    fn common(config: &Config) -> Common {
        Common {
            prom_addr: config.prom_addr,
            log_format: config.log_format,
            shutdown_grace: config.shutdown_grace,
            session_store: config.session_store.clone().map(|directory| SessionStore {
                directory,
                path_failure: config.gtp_c.path_failure,
            }),
            use_kernel_gtp: config.use_kernel_gtp,
        }
    }

    fn sockets(config: &Config) -> Vec<Socket> {
        let local = &config.local_addresses;
        [
            (Interface::S11, local.s11_ip, "local_addresses.s11_ip"),
            (Interface::S5c, local.s5c_ip, "local_addresses.s5c_ip"),
        ]
        .map(|(interface, ip, key)| Socket {
            interface,
            address: SocketAddr::new(ip, interface.port()),
            key,
        })
        .into()
    }

    fn user_plane(config: &Config, teid_key: TeidKey) -> Option<UserPlaneConfig> {
        let local = &config.local_addresses;
        let sockets = [
            (Interface::S1u, local.s1u_ip, "local_addresses.s1u_ip"),
            (Interface::S5u, local.s5u_ip, "local_addresses.s5u_ip"),
        ]
        .map(|(on, address, key)| SocketConfig {
            on,
            address,
            key: key.to_owned(),
        });
        Some(UserPlaneConfig::new(
            &config.user_plane,
            teid_key,
            sockets.into(),
            None,
        ))
    }

    fn keep_fixed(running: &Config, new: &mut Config) -> Vec<&'static str> {
        keep_fixed!(running, new; local_addresses, prom_addr, log_format, user_plane, session_store)
    }

    fn node(config: &Config, boot: Boot, registry: &mut Registry, now: Instant) -> Sgw {
        let sgw = Sgw::new(config.clone(), boot, now);
        sgw.register(registry);
        sgw
    }

    fn restored(
        config: &Config,
        boot: Boot,
        records: &Records,
        registry: &mut Registry,
        now: Instant,
    ) -> Result<Sgw, Unreadable> {
        let sgw = Sgw::restored(config.clone(), boot, records, now)?;
        sgw.register(registry);
        Ok(sgw)
    }

    fn missing(sgw: &Sgw) -> Vec<String> {
        sgw.readiness()
    }

    fn is_drained(sgw: &Sgw) -> bool {
        sgw.is_drained()
    }

    fn reload(config: Config) -> Command {
        Command::Reload(Box::new(config))
    }

    fn shutdown() -> Command {
        Command::Shutdown
    }

    async fn start(_: &Config, _: &mut Registry) -> Result<Host, Problem> {
        Ok(Host)
    }

    async fn on_event(&mut self, event: Event) {
        match event {}
    }
}
