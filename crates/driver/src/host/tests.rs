//! In a network namespace of each test's own; skipped where that is not allowed.

use std::net::Ipv4Addr;

use axum::http::StatusCode;
use futures_util::TryStreamExt;
use netlink_packet_route::route::{RouteAttribute, RouteMessage};
use netlink_packet_route::rule::{RuleAttribute, RuleMessage};
use prometheus_client::registry::Registry;
use rtnetlink::{Handle, IpVersion, LinkUnspec, LinkVeth, RouteMessageBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const UE: UeAddress = UeAddress::v4(Ipv4Addr::new(10, 0, 3, 201));
const SERVER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 3);
const TABLE: u32 = 3001;
const ETH0: Sgi<'_> = Sgi {
    address: None,
    subnet: None,
    device: Some("eth0"),
    nat: false,
};

/// A fresh namespace with `lo`, a device `tun` in the place of a TUN device, and `eth0` (192.0.2.1/24) with its far end `eth1`, and a default route.
struct Lab {
    handle: Handle,
}

fn in_lab(test: impl AsyncFnOnce(Lab)) {
    if let Err(error) = nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET) {
        eprintln!("skipped: no network namespace of its own: {error}");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let (connection, handle, _) = rtnetlink::new_connection().unwrap();
        tokio::spawn(connection);
        let lab = Lab { handle };
        if let Err(error) = lab.build().await {
            eprintln!("skipped: this kernel makes no devices for the test: {error}");
            return;
        }
        test(lab).await;
    });
}

impl Lab {
    async fn build(&self) -> Result<(), rtnetlink::Error> {
        let link = self.handle.link();
        for (name, far_end) in [("tun", "nut"), ("eth0", "eth1")] {
            let pair = LinkVeth::new(name, far_end).up().build();
            link.add(pair).execute().await?;
        }
        for name in ["lo", "eth1", "nut"] {
            link.set(LinkUnspec::new_with_name(name).up().build())
                .execute()
                .await?;
        }
        self.address("eth0", Ipv4Addr::new(192, 0, 2, 1), 24).await?;
        let default = RouteMessageBuilder::<Ipv4Addr>::new().gateway(Ipv4Addr::new(192, 0, 2, 254));
        self.handle.route().add(default.build()).execute().await
    }

    async fn address(&self, device: &str, address: Ipv4Addr, length: u8) -> Result<(), rtnetlink::Error> {
        let add = self
            .handle
            .address()
            .add(index(device), IpAddr::V4(address), length);
        add.execute().await
    }

    /// The device into which the kernel would route a packet.
    async fn route(&self, from: Ipv4Addr, to: Ipv4Addr, came_in_at: Option<&str>) -> Option<u32> {
        let mut lookup = RouteMessageBuilder::<Ipv4Addr>::new()
            .source_prefix(from, 32)
            .destination_prefix(to, 32);
        if let Some(device) = came_in_at {
            lookup = lookup.input_interface(index(device));
        }
        let found: Result<Vec<RouteMessage>, _> = self
            .handle
            .route()
            .get(lookup.build())
            .execute()
            .try_collect()
            .await;
        found
            .ok()?
            .first()?
            .attributes
            .iter()
            .find_map(|attribute| match attribute {
                RouteAttribute::Oif(device) => Some(*device),
                _ => None,
            })
    }

    /// Rules with our mark, of both families.
    async fn marked_rules(&self) -> usize {
        let mark = RuleAttribute::Protocol(netlink_packet_route::route::RouteProtocol::Other(PROTOCOL));
        let rules = self.rules().await;
        rules
            .iter()
            .filter(|rule| rule.attributes.contains(&mark))
            .count()
    }

    async fn rules(&self) -> Vec<RuleMessage> {
        let mut rules = Vec::new();
        for family in [IpVersion::V4, IpVersion::V6] {
            let of_family: Vec<RuleMessage> = self
                .handle
                .rule()
                .get(family)
                .execute()
                .try_collect()
                .await
                .unwrap();
            rules.extend(of_family);
        }
        rules
    }

    async fn routes(&self) -> Vec<RouteMessage> {
        let any = RouteMessageBuilder::<Ipv4Addr>::new().build();
        let routes = self.handle.route().get(any).execute();
        routes.try_collect().await.unwrap()
    }
}

fn index(device: &str) -> u32 {
    super::index(device).unwrap()
}

fn v4(ue: UeAddress) -> Ipv4Addr {
    ue.ipv4.unwrap()
}

fn forward_everything() {
    std::fs::write("/proc/sys/net/ipv4/ip_forward", "1").unwrap();
}

#[test]
fn packets_of_an_external_client_go_into_the_tunnel_while_it_is_attached() {
    in_lab(async |lab| {
        forward_everything();
        lab.address("eth0", Ipv4Addr::new(10, 0, 3, 1), 24).await.unwrap();
        let mut host = UeSide::start("tun", TABLE).await.unwrap();
        let way = || lab.route(v4(UE), SERVER, Some("eth0"));
        assert_eq!(way().await, Some(index("eth0")));
        host.external_up(UE, Some("eth0")).await;
        host.external_up(UE, Some("eth0")).await;
        assert_eq!(way().await, Some(index("tun")));
        let neighbour = Ipv4Addr::new(10, 0, 3, 202);
        assert_eq!(
            lab.route(neighbour, SERVER, Some("eth0")).await,
            Some(index("eth0"))
        );
        host.external_down(UE).await;
        assert_eq!(way().await, Some(index("eth0")));
        host.external_up(UE, Some("eth0")).await;
        host.stop().await;
        assert_eq!(lab.marked_rules().await, 0);
    });
}

#[test]
fn client_is_behind_the_device_of_its_network_whatever_the_name_says() {
    in_lab(async |lab| {
        forward_everything();
        lab.address("eth0", Ipv4Addr::new(10, 0, 3, 1), 24).await.unwrap();
        let mut host = UeSide::start("tun", TABLE).await.unwrap();
        for named in [Some("nut"), None] {
            host.external_up(UE, named).await;
            assert_eq!(
                lab.route(v4(UE), SERVER, Some("eth0")).await,
                Some(index("tun")),
                "{named:?}"
            );
            host.external_down(UE).await;
            assert_eq!(lab.marked_rules().await, 0, "{named:?}");
        }
        let nowhere = UeAddress::v4(Ipv4Addr::new(10, 9, 9, 9));
        host.external_up(nowhere, None).await;
        assert_eq!(lab.marked_rules().await, 0, "no device has its network");
    });
}

#[test]
fn sgi_is_at_the_device_of_its_address_or_subnet_whatever_the_name_says() {
    in_lab(async |lab| {
        forward_everything();
        let by_address = Sgi {
            address: Some(Ipv4Addr::new(192, 0, 2, 1).into()),
            device: Some("nut"),
            ..Sgi::default()
        };
        let by_subnet = Sgi {
            subnet: Some("192.0.2.0/24".parse().unwrap()),
            device: Some("nut"),
            ..Sgi::default()
        };
        let pooled = Ipv4Addr::new(10, 60, 1, 2);
        for sgi in [by_address, by_subnet] {
            let subnets = ["10.60.0.0/16".parse().unwrap()];
            let mut host = NetworkSide::start("tun", 3002, sgi, &subnets).await.unwrap();
            assert_eq!(
                lab.route(SERVER, pooled, Some("eth0")).await,
                Some(index("tun")),
                "{sgi:?}"
            );
            host.stop().await;
        }
    });
}

#[test]
fn client_with_an_address_that_no_route_leads_to_is_on_its_link() {
    in_lab(async |lab| {
        forward_everything();
        let gone = RouteMessageBuilder::<Ipv4Addr>::new().gateway(Ipv4Addr::new(192, 0, 2, 254));
        lab.handle.route().del(gone.build()).execute().await.unwrap();
        let back = RouteMessageBuilder::<Ipv4Addr>::new().gateway(Ipv4Addr::new(198, 51, 100, 254));
        // Whatever comes out of the tunnel has a source that is routed elsewhere.
        lab.address("nut", Ipv4Addr::new(198, 51, 100, 1), 24)
            .await
            .unwrap();
        lab.handle.route().add(back.build()).execute().await.unwrap();
        let mut host = UeSide::start("tun", TABLE).await.unwrap();
        host.external_up(UE, Some("eth0")).await;
        assert_eq!(lab.route(SERVER, v4(UE), Some("tun")).await, Some(index("eth0")));
        assert_eq!(lab.route(v4(UE), SERVER, Some("eth0")).await, Some(index("tun")));
        host.external_down(UE).await;
        assert_eq!(lab.marked_rules().await, 0);
        host.external_up(UE, Some("eth0")).await;
        host.stop().await;
        assert_eq!(lab.marked_rules().await, 0);
        let mark = |route: &RouteMessage| u8::from(route.header.protocol) == PROTOCOL;
        assert_eq!(lab.routes().await.iter().filter(|route| mark(route)).count(), 0);
    });
}

#[test]
fn built_in_ue_gets_its_address_and_loses_it() {
    in_lab(async |lab| {
        let mut host = UeSide::start("tun", TABLE).await.unwrap();
        assert_eq!(
            lab.route(v4(UE), SERVER, None).await,
            None,
            "no such address here"
        );
        host.local_up(UE).await;
        assert_eq!(lab.route(v4(UE), SERVER, None).await, Some(index("tun")));
        // What comes out of the P-GW's TUN device in the same namespace must not go round in circles.
        forward_everything();
        assert_ne!(
            lab.route(Ipv4Addr::new(10, 0, 3, 9), SERVER, Some("eth0")).await,
            Some(index("tun"))
        );
        host.local_down(UE).await;
        assert_eq!(lab.route(v4(UE), SERVER, None).await, None);
        assert_eq!(lab.marked_rules().await, 0);
    });
}

#[test]
fn address_that_the_host_has_already_is_used_and_left_alone() {
    in_lab(async |lab| {
        lab.address("eth0", v4(UE), 32).await.unwrap();
        let mut host = UeSide::start("tun", TABLE).await.unwrap();
        host.local_up(UE).await;
        assert_eq!(lab.route(v4(UE), SERVER, None).await, Some(index("tun")));
        host.local_down(UE).await;
        host.stop().await;
        assert_eq!(lab.route(v4(UE), SERVER, None).await, Some(index("eth0")));
    });
}

#[test]
fn leftovers_of_a_killed_process_are_removed_and_nothing_else() {
    in_lab(async |lab| {
        // Somebody else's, in our table and at our priority.
        let mut foreign = lab.handle.rule().add().v4().source_prefix(SERVER, 32);
        foreign = foreign.table_id(TABLE).priority(30_000);
        foreign = foreign.action(netlink_packet_route::rule::RuleAction::ToTable);
        foreign.execute().await.unwrap();
        let theirs = RouteMessageBuilder::<Ipv4Addr>::new()
            .destination_prefix(SERVER, 32)
            .output_interface(index("eth0"))
            .table_id(TABLE);
        lab.handle.route().add(theirs.build()).execute().await.unwrap();
        let (rules, routes) = (lab.rules().await, lab.routes().await);

        let mut killed = UeSide::start("tun", TABLE).await.unwrap();
        killed.external_up(UE, Some("eth0")).await;
        let dual = UeAddress {
            ipv4: Some(Ipv4Addr::new(10, 0, 3, 202)),
            ipv6: Some("2001:db8:1::1".parse().unwrap()),
        };
        killed.local_up(dual).await;
        assert!(lab.marked_rules().await >= 3);
        drop(killed);

        let mut next = UeSide::start("tun", TABLE).await.unwrap();
        assert_eq!(lab.rules().await, rules);
        next.stop().await;
        assert_eq!(lab.rules().await, rules);
        // The killed process's device, and with it this address, would be gone; here it outlives the process.
        let left = lab.routes().await.len() - routes.len();
        assert!(left <= 2, "{left}");
    });
}

#[test]
fn last_address_of_a_ue_takes_no_route_with_it() {
    in_lab(async |lab| {
        let mut enb = UeSide::start("tun", TABLE).await.unwrap();
        let ours = async || {
            let mark = netlink_packet_route::route::RouteProtocol::Other(PROTOCOL);
            let routes = lab.routes().await;
            routes
                .into_iter()
                .filter(|route| route.header.protocol == mark)
                .count()
        };
        let before = ours().await;
        assert_eq!(before, 2, "default via the TUN device, and the end of the way");
        enb.local_up(UE).await;
        enb.local_down(UE).await;
        assert_eq!(ours().await, before);
        enb.stop().await;
        assert_eq!(ours().await, 0);
    });
}

#[test]
fn table_of_a_running_node_is_refused() {
    in_lab(async |lab| {
        let mut first = UeSide::start("tun", TABLE).await.unwrap();
        first.external_up(UE, Some("eth0")).await;
        let rules = lab.marked_rules().await;
        let problem = UeSide::start("tun", TABLE).await.unwrap_err();
        assert_eq!(problem.key, "route_table");
        assert!(
            problem.what.contains("in use by another node"),
            "{}",
            problem.what
        );
        assert_eq!(lab.marked_rules().await, rules);
        first.stop().await;
    });
}

#[test]
fn two_nodes_in_one_namespace_leave_each_other_alone() {
    in_lab(async |lab| {
        let subnets = ["10.60.0.0/16".parse().unwrap()];
        let mut pgw = NetworkSide::start("tun", 3002, ETH0, &subnets).await.unwrap();
        let of_pgw = lab.marked_rules().await;
        let mut enb = UeSide::start("tun", 3001).await.unwrap();
        enb.external_up(UE, Some("eth0")).await;
        enb.stop().await;
        assert_eq!(lab.marked_rules().await, of_pgw);
        pgw.stop().await;
        assert_eq!(lab.marked_rules().await, 0);
    });
}

#[test]
fn packets_for_ues_go_into_the_tunnel_and_attached_networks_stay_as_they_are() {
    in_lab(async |lab| {
        forward_everything();
        // As in the container packaging: the subnet that is to be routed is that of SGi itself, and UEs are elsewhere.
        let sgi_host = Ipv4Addr::new(192, 0, 2, 77);
        let pooled = Ipv4Addr::new(10, 60, 1, 2);
        let subnets = ["192.0.2.0/24".parse().unwrap(), "10.60.0.0/16".parse().unwrap()];
        let mut host = NetworkSide::start("tun", 3002, ETH0, &subnets).await.unwrap();
        let (tun, eth0) = (Some(index("tun")), Some(index("eth0")));
        assert_eq!(lab.route(SERVER, pooled, Some("eth0")).await, tun);
        let own = Ipv4Addr::new(192, 0, 2, 1);
        assert_eq!(lab.route(own, pooled, None).await, tun);
        assert_eq!(lab.route(own, sgi_host, None).await, eth0);
        assert_eq!(lab.route(own, v4(UE), None).await, eth0);
        host.up(UE).await;
        host.up(UeAddress::v4(pooled)).await;
        assert_eq!(lab.route(SERVER, v4(UE), Some("eth0")).await, tun);
        assert_eq!(lab.route(own, v4(UE), None).await, tun);
        let in_sgi = UeAddress::v4(Ipv4Addr::new(192, 0, 2, 201));
        host.up(in_sgi).await;
        assert_eq!(lab.route(SERVER, v4(in_sgi), Some("eth0")).await, tun);
        for ue in [UE, in_sgi, UeAddress::v4(pooled)] {
            host.down(ue).await;
        }
        assert_eq!(lab.route(own, v4(UE), None).await, eth0);
        assert_eq!(lab.route(own, pooled, None).await, tun);
        host.stop().await;
        assert_eq!(lab.route(own, pooled, None).await, eth0);
    });
}

#[test]
fn device_that_is_not_there_is_a_problem() {
    in_lab(async |_| {
        let problem = UeSide::start("tun9", TABLE).await.unwrap_err();
        assert_eq!(
            problem,
            Problem::new(
                "route_table",
                "routes cannot be set in table 3001: network device `tun9` is not there"
            )
        );
        assert!(has_device("tun") && !has_device("tun9"));
    });
}

#[test]
fn strict_reverse_path_filter_is_loosened_for_the_tun_device_only() {
    in_lab(async |_| {
        let path = |device: &str| format!("/proc/sys/net/ipv4/conf/{device}/rp_filter");
        let get = |device: &str| std::fs::read_to_string(path(device)).unwrap().trim().to_owned();
        for device in ["all", "eth0", "tun"] {
            std::fs::write(path(device), "1").unwrap();
        }
        let mut host = UeSide::start("tun", TABLE).await.unwrap();
        assert_eq!(
            [get("all"), get("eth0"), get("tun")],
            ["1".to_owned(), "1".to_owned(), "2".to_owned()]
        );
        host.stop().await;
    });
}

#[test]
fn page_that_the_ues_kind_of_address_cannot_reach_is_not_fetched_from_another() {
    in_lab(async |_| {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut registry = Registry::default();
        let mut fetches = Fetches::new(&mut registry);
        let fetch = Fetch {
            ue: UeAddress {
                ipv4: None,
                ipv6: Some("2001:db8:1::1".parse().unwrap()),
            },
            url: format!("http://{}/", listener.local_addr().unwrap()),
            interval: std::time::Duration::from_millis(1),
        };
        fetches.start("a", fetch);
        let failed = async {
            let mut metrics = String::new();
            while !metrics.contains("enb_http_get_total{result=\"failed\"}") {
                tokio::task::yield_now().await;
                metrics.clear();
                prometheus_client::encoding::text::encode(&mut metrics, &registry).unwrap();
            }
        };
        tokio::select! {
            () = failed => {}
            accepted = listener.accept() => panic!("asked from {}", accepted.unwrap().1),
        }
    });
}

#[test]
fn page_is_fetched_from_the_ues_address() {
    in_lab(async |lab| {
        lab.address("lo", v4(UE), 32).await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut registry = Registry::default();
        let mut fetches = Fetches::new(&mut registry);
        let fetch = Fetch {
            ue: UE,
            url: format!("http://{}/page", listener.local_addr().unwrap()),
            interval: std::time::Duration::from_millis(1),
        };
        fetches.start("a", fetch);
        for status in [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::OK] {
            let (mut stream, from) = listener.accept().await.unwrap();
            assert_eq!(from.ip(), v4(UE));
            let mut request = [0; 1000];
            let length = stream.read(&mut request).await.unwrap();
            assert!(request[..length].starts_with(b"GET /page HTTP/1.1\r\n"));
            let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 5\r\n\r\nhello");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        // The fourth asks after the third was counted.
        let (fourth, _) = listener.accept().await.unwrap();
        let mut metrics = String::new();
        prometheus_client::encoding::text::encode(&mut metrics, &registry).unwrap();
        for line in [
            "enb_http_get_total{result=\"ok\"} 2\n",
            "enb_http_get_total{result=\"refused\"} 1\n",
            "enb_http_get_octets_total 10\n",
            "enb_http_get_duration_seconds_count 2\n",
        ] {
            assert!(metrics.contains(line), "{line} is not in {metrics}");
        }
        fetches.stop("a");
        drop(fourth);
    });
}
