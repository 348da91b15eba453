//! The eNB as a program: what its brain needs of the host, a TUN device, the routes from the UEs into it, and the
//! fetches of built-in UEs.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use enb::config::{Config, Traffic};
use enb::{Command, Enb, Event};
use epc_driver::host::{self, Fetch, Fetches, UeSide};
use epc_driver::user_plane::{Side, SocketConfig, TunConfig, UserPlaneConfig};
use epc_driver::{AddressKey, Common, Daemon, Problem, Registry, Socket, keep_fixed};
use epc_node::{Boot, Interface, TeidKey};
use tracing::warn;

fn main() -> ExitCode {
    epc_driver::main::<Host>()
}

struct Host {
    routes: UeSide,
    fetches: Fetches,
}

impl Daemon for Host {
    const NAME: &'static str = "enb";
    const ABOUT: &'static str = "An eNB with its UEs: S1-MME and S1-U on one side, clients on the other.";
    type Config = Config;
    type Node = Enb;
    const ADDRESSES: &'static [AddressKey] = &[
        AddressKey::Local {
            key: "local_addresses.s1c_ip",
            port: None,
            peer: Some("mme_addr"),
        },
        AddressKey::Local {
            key: "local_addresses.s1u_ip",
            port: None,
            peer: None,
        },
        AddressKey::Peer {
            key: "mme_addr",
            port: Interface::S1Mme.port(),
            local: "local_addresses.s1c_ip",
        },
        AddressKey::Device {
            key: "subscribers[].euu_if_name",
        },
        AddressKey::Device {
            key: "subscriber_range.euu_if_name",
        },
        AddressKey::Url {
            key: "subscribers[].http_url",
        },
        AddressKey::Url {
            key: "subscriber_range.http_url",
        },
    ];

    fn check(config: &Config) -> Result<(), Problem> {
        Ok(config.check()?)
    }

    /// A device that is named for external clients must be there. A built-in UE needs none: its `euu_if_name` is what
    /// go-gtp's eNB put the address on.
    fn check_host(config: &Config) -> Result<(), Problem> {
        let single = config.subscribers.iter().enumerate().map(|(i, subscriber)| {
            let key = format!("subscribers[{i}].euu_if_name");
            (key, subscriber.kind, subscriber.euu_if_name.as_deref())
        });
        let range = config.subscriber_range.iter().map(|range| {
            let key = "subscriber_range.euu_if_name".to_owned();
            (key, range.kind, range.euu_if_name.as_deref())
        });
        let mut absent = BTreeSet::new();
        for (key, traffic, device) in single.chain(range) {
            match (traffic, device) {
                (Traffic::External, Some(device)) => host::expect_device(&key, device)?,
                (Traffic::HttpGet, Some(device)) if !host::has_device(device) => {
                    absent.insert(device);
                }
                (Traffic::None | Traffic::External | Traffic::HttpGet, _) => {}
            }
        }
        for device in absent {
            warn!(
                euu_if_name = device,
                "no such network device; http_get goes on without"
            );
        }
        Ok(())
    }

    fn common(config: &Config) -> Common {
        Common {
            prom_addr: config.prom_addr,
            log_format: config.log_format,
            shutdown_grace: config.shutdown_grace,
            session_store: None,
            use_kernel_gtp: config.use_kernel_gtp,
        }
    }

    fn sockets(config: &Config) -> Vec<Socket> {
        let interface = Interface::S1Mme;
        let ip = config.local_addresses.s1c_ip;
        // Where eNB and MME share an address, as in one pod, the port is the MME's.
        let port = match config.mme_addr {
            mme if mme == SocketAddr::new(ip, interface.port()) => 0,
            _ => interface.port(),
        };
        vec![Socket {
            interface,
            address: SocketAddr::new(ip, port),
            key: "local_addresses.s1c_ip",
        }]
    }

    fn user_plane(config: &Config, teid_key: TeidKey) -> Option<UserPlaneConfig> {
        let socket = SocketConfig {
            on: Interface::S1u,
            address: config.local_addresses.s1u_ip,
            key: "local_addresses.s1u_ip".to_owned(),
        };
        let tun = TunConfig {
            name: config.tun_name.clone(),
            side: Side::Ue,
            mtu: None,
            key: "tun_name".to_owned(),
        };
        let sockets = vec![socket];
        Some(UserPlaneConfig::new(
            &config.user_plane,
            teid_key,
            sockets,
            Some(tun),
        ))
    }

    fn keep_fixed(running: &Config, new: &mut Config) -> Vec<&'static str> {
        keep_fixed!(running, new; local_addresses, prom_addr, log_format, user_plane, tun_name, route_table)
    }

    fn node(config: &Config, boot: Boot, registry: &mut Registry, now: Instant) -> Enb {
        let enb = Enb::new(config.clone(), boot, now);
        enb.register(registry);
        enb
    }

    fn missing(enb: &Enb) -> Vec<String> {
        enb.readiness()
    }

    fn is_drained(enb: &Enb) -> bool {
        enb.is_drained()
    }

    fn reload(config: Config) -> Command {
        Command::Reload(config)
    }

    fn follow(config: Config) -> Command {
        Command::Follow(config)
    }

    fn shutdown() -> Command {
        Command::Shutdown
    }

    async fn start(config: &Config, registry: &mut Registry) -> Result<Host, Problem> {
        let routes = UeSide::start(&config.tun_name, config.route_table).await?;
        let fetches = Fetches::new(registry);
        Ok(Host { routes, fetches })
    }

    async fn on_event(&mut self, event: Event) {
        match event {
            Event::SessionUp {
                subscriber,
                ue,
                mtu,
                dns: _,
            } => {
                if let Some(mtu) = mtu {
                    self.routes.limit_mtu(mtu).await;
                }
                match (subscriber.kind, &subscriber.http_url) {
                    (Traffic::External, _) => {
                        let device = subscriber.euu_if_name.as_deref();
                        self.routes.external_up(ue, device).await;
                    }
                    (Traffic::HttpGet, Some(url)) => {
                        self.routes.local_up(ue).await;
                        let fetch = Fetch {
                            ue,
                            url: url.clone(),
                            interval: subscriber.http_interval,
                        };
                        self.fetches.start(&subscriber.imsi.to_string(), fetch);
                    }
                    (Traffic::None | Traffic::HttpGet, _) => {}
                }
            }
            Event::SessionDown { subscriber, ue } => match subscriber.kind {
                Traffic::External => self.routes.external_down(ue).await,
                Traffic::HttpGet => {
                    self.fetches.stop(&subscriber.imsi.to_string());
                    self.routes.local_down(ue).await;
                }
                Traffic::None => {}
            },
        }
    }

    async fn stop(&mut self) {
        self.routes.stop().await;
    }
}
