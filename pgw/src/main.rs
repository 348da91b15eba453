//! The P-GW as a program: what its brain needs of the host, a TUN device and the routes of the UEs into it.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use epc_driver::host::{self, NetworkSide, Sgi};
use epc_driver::user_plane::{DropReason, Filter, Side, SocketConfig, TunConfig, UserPlaneConfig};
use epc_driver::{AddressKey, Common, Daemon, Problem, Registry, SessionStore, Socket, keep_fixed};
use epc_node::store::{Records, Unreadable};
use epc_node::{Boot, Interface, TeidKey};
use ipnet::IpNet;
use pgw::{Command, Config, Event, Pgw};

fn main() -> ExitCode {
    epc_driver::main::<Host>()
}

struct Host {
    routes: NetworkSide,
}

impl Daemon for Host {
    const NAME: &'static str = "pgw";
    const ABOUT: &'static str = "A PDN Gateway: S5-C and S5-U on one side, SGi on the other.";
    const KEEPS_SESSIONS: bool = true;
    type Config = Config;
    type Node = Pgw;
    const ADDRESSES: &'static [AddressKey] = &[
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
        AddressKey::Local {
            key: "local_addresses.sgi_ip",
            port: None,
            peer: None,
        },
        AddressKey::Device { key: "sgi_if_name" },
    ];

    fn check(config: &Config) -> Result<(), Problem> {
        Ok(config.check()?)
    }

    fn check_host(config: &Config) -> Result<(), Problem> {
        match &config.sgi_if_name {
            Some(device) => host::expect_device("sgi_if_name", device),
            None => Ok(()),
        }
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
        let interface = Interface::S5c;
        vec![Socket {
            interface,
            address: SocketAddr::new(config.local_addresses.s5c_ip, interface.port()),
            key: "local_addresses.s5c_ip",
        }]
    }

    fn user_plane(config: &Config, teid_key: TeidKey) -> Option<UserPlaneConfig> {
        let socket = SocketConfig {
            on: Interface::S5u,
            address: config.local_addresses.s5u_ip,
            key: "local_addresses.s5u_ip".to_owned(),
        };
        let tun = TunConfig {
            name: config.tun_name.clone(),
            side: Side::Network,
            mtu: None,
            key: "tun_name".to_owned(),
        };
        let sockets = vec![socket];
        Some(UserPlaneConfig {
            filter: filter(config),
            ..UserPlaneConfig::new(&config.user_plane, teid_key, sockets, Some(tun))
        })
    }

    fn learn_mtu(config: &mut Config, mtu: u16) {
        config.user_plane.mtu.get_or_insert(mtu);
    }

    fn keep_fixed(running: &Config, new: &mut Config) -> Vec<&'static str> {
        keep_fixed!(
            running, new;
            local_addresses, sgi_if_name, sgi_nat, route_subnet, prom_addr, log_format, user_plane, tun_name, route_table,
            session_store, deny_destinations, host_ports, ue_to_ue,
        )
    }

    fn node(config: &Config, boot: Boot, registry: &mut Registry, now: Instant) -> Pgw {
        let pgw = Pgw::new(config.clone(), boot, now);
        pgw.register(registry);
        pgw
    }

    fn restored(
        config: &Config,
        boot: Boot,
        records: &Records,
        registry: &mut Registry,
        now: Instant,
    ) -> Result<Pgw, Unreadable> {
        let pgw = Pgw::restored(config.clone(), boot, records, now)?;
        pgw.register(registry);
        Ok(pgw)
    }

    fn missing(pgw: &Pgw) -> Vec<String> {
        pgw.readiness()
    }

    fn is_drained(pgw: &Pgw) -> bool {
        pgw.is_drained()
    }

    fn reload(config: Config) -> Command {
        Command::Reload(Box::new(config))
    }

    fn shutdown() -> Command {
        Command::Shutdown
    }

    async fn start(config: &Config, _: &mut Registry) -> Result<Host, Problem> {
        let subnets = subnets(config);
        let sgi = Sgi {
            address: config.local_addresses.sgi_ip,
            subnet: config.route_subnet,
            device: config.sgi_if_name.as_deref(),
            nat: config.sgi_nat,
        };
        let routes = NetworkSide::start(&config.tun_name, config.route_table, sgi, &subnets).await?;
        Ok(Host { routes })
    }

    async fn on_event(&mut self, event: Event) {
        match event {
            Event::SessionUp { imsi: _, ue } => self.routes.up(ue).await,
            Event::SessionDown { imsi: _, ue } => self.routes.down(ue).await,
        }
    }

    async fn stop(&mut self) {
        self.routes.stop().await;
    }
}

/// What packets of UEs do not reach, beside the addresses of this host.
fn filter(config: &Config) -> Filter {
    let denied = config.deny_destinations.iter().copied();
    let filter = Filter::default()
        .without_gtp()
        .with_host_ports(config.host_ports.iter().map(|port| port.get()))
        .without(denied, DropReason::DeniedDestination);
    if config.ue_to_ue {
        return filter;
    }
    filter.without(subnets(config), DropReason::UeToUe)
}

/// The networks of UEs that are known from the start.
fn subnets(config: &Config) -> Vec<IpNet> {
    let mut subnets: Vec<IpNet> = config.route_subnet.into_iter().collect();
    for pool in config.pools() {
        if !subnets.iter().any(|subnet| subnet.contains(&pool)) {
            subnets.push(pool);
        }
    }
    subnets
}
