//! Subscribers attach, and their packets go through.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use epc_lab::{Daemons, Node, ReferencePoint, http, ping, wait_for, web, yaml};
use libtest_mimic::Failed;

use crate::Test;
use crate::lab::{PATIENCE, expect, in_lab};

pub(crate) const TESTS: &[Test] = &[
    (
        "ping_and_pages_go_through_the_tunnels",
        ping_and_pages_go_through_the_tunnels,
    ),
    (
        "daemons_without_their_peers_are_alive_and_say_what_is_missing",
        daemons_without_their_peers_are_alive_and_say_what_is_missing,
    ),
    (
        "servers_see_the_pgw_where_it_translates_addresses",
        servers_see_the_pgw_where_it_translates_addresses,
    ),
    (
        "packets_of_a_stranger_behind_the_enb_stay_outside",
        packets_of_a_stranger_behind_the_enb_stay_outside,
    ),
];

fn ping_and_pages_go_through_the_tunnels() -> Result<(), Failed> {
    in_lab("attach", |lab| {
        let clients = Arc::new(Mutex::new(BTreeSet::new()));
        let seen = clients.clone();
        let address = SocketAddr::from((ReferencePoint::Sgi.address(Node::Server), 80));
        let server = web::Server::start(lab.namespace(Node::Server), address, move |client, _| {
            seen.lock()
                .expect("no test panics with it")
                .insert(client.to_string());
        })?;
        lab.configure_enb(&[yaml::external(1), yaml::http_get(2)])?;
        lab.start_all()?;
        lab.wait_for_sessions(2)?;

        let ue = lab.namespace(Node::Ue);
        for size in [0, 56, 1300, 4000] {
            let to = ReferencePoint::Sgi.address(Node::Server);
            ping::ping(ue, None, to, 7, size, Duration::from_secs(5))?;
        }
        let page = http::get(ue, &format!("http://{}/", server.address()))?;
        expect(page.body == web::PAGE, || format!("the page is {page:?}"))?;
        let large = http::get(ue, &format!("http://{}/size/3000000", server.address()))?;
        expect(large.body.len() == 3_000_000, || {
            format!("{} octets came", large.body.len())
        })?;

        let external = ReferencePoint::Euu.address(Node::Ue).to_string();
        let both = wait_for("both clients at the server", PATIENCE, || {
            let clients = clients.lock().expect("no test panics with it").clone();
            if clients.len() == 2 {
                Ok(clients)
            } else {
                Err(format!("{clients:?}"))
            }
        })?;
        let own = both
            .iter()
            .find(|client| **client != external)
            .cloned()
            .unwrap_or_default();
        expect(both.contains(&external) && own.starts_with("10.60."), || {
            format!("clients are {both:?}")
        })?;

        // Through the tunnels, not around them.
        let s5u = lab.namespace(Node::Sgw).traffic()?;
        let octets = s5u
            .iter()
            .find(|traffic| traffic.device == "s5u")
            .map_or(0, |t| t.received_octets);
        expect(octets > 3_000_000, || format!("{octets} octets came over S5-U"))
    })
}

fn servers_see_the_pgw_where_it_translates_addresses() -> Result<(), Failed> {
    in_lab("nat", |lab| {
        let url = format!("http://{}/me", ReferencePoint::Sgi.address(Node::Server));
        let address = SocketAddr::from((ReferencePoint::Sgi.address(Node::Server), 80));
        let _server = web::Server::start(lab.namespace(Node::Server), address, |_, _| {})?;
        lab.configure_enb(&[yaml::external(1)])?;
        lab.configure(Node::Pgw, &(yaml::pgw() + "sgi_nat: true\n"))?;
        lab.start_all()?;
        // A killed P-GW leaves its table, and the next one has its own in the place of it.
        for _ in 0..2 {
            lab.wait_for_sessions(1)?;
            lab.wait_for_ping()?;
            let page = http::get(lab.namespace(Node::Ue), &url)?;
            let pgw = ReferencePoint::Sgi.address(Node::Pgw).to_string();
            expect(page.body == pgw, || format!("the server sees {}", page.body))?;
            lab.kill(Node::Pgw)?;
            lab.start(Node::Pgw)?;
        }
        lab.wait_for_sessions(1)?;
        lab.terminate(Node::Pgw)?;
        lab.configure(Node::Pgw, &yaml::pgw())?;
        lab.start(Node::Pgw)?;
        lab.wait_for_sessions(1)?;
        lab.wait_for_ping()?;
        let page = http::get(lab.namespace(Node::Ue), &url)?;
        let ue = ReferencePoint::Euu.address(Node::Ue).to_string();
        expect(page.body == ue, || {
            format!("after its end the server sees {}", page.body)
        })
    })
}

fn daemons_without_their_peers_are_alive_and_say_what_is_missing() -> Result<(), Failed> {
    in_lab("alone", |lab| {
        lab.configure_enb(&[yaml::external(1)])?;
        // Who waits for whom, and whose address its readiness names.
        for (node, missing) in [
            (Node::Enb, ReferencePoint::S1Mme.address(Node::Mme)),
            (Node::Mme, ReferencePoint::S11.address(Node::Sgw)),
        ] {
            lab.start(node)?;
            let namespace = lab.namespace(node);
            let page = wait_for(&format!("{} to listen", node.title()), PATIENCE, || {
                http::get(namespace, &format!("http://{}/livez", yaml::METRICS))
                    .map_err(|error| error.to_string())
            })?;
            expect(page.status == 200, || {
                format!("/livez of {} says {page:?}", node.title())
            })?;
            let page = http::get(namespace, &format!("http://{}/readyz", yaml::METRICS))?;
            let says_it = page.status == 503 && page.body.contains(&missing.to_string());
            expect(says_it, || {
                format!("/readyz of {} says {page:?}, not {missing}", node.title())
            })?;
        }
        lab.start(Node::Sgw)?;
        lab.start(Node::Pgw)?;
        for node in Daemons::NODES {
            lab.wait_until_ready(node)?;
        }
        lab.wait_for_sessions(1)
    })
}

fn packets_of_a_stranger_behind_the_enb_stay_outside() -> Result<(), Failed> {
    in_lab("stranger", |lab| {
        lab.configure_enb(&[yaml::external(1)])?;
        lab.start_all()?;
        lab.wait_for_sessions(1)?;
        lab.wait_for_ping()?;
        let ue = lab.namespace(Node::Ue);
        ue.add_address("euu", "10.0.3.202/24".parse()?)?;
        let before = sgi_packets(lab.namespace(Node::Server))?;
        let to = ReferencePoint::Sgi.address(Node::Server);
        let answer = ping::ping(
            ue,
            Some("10.0.3.202".parse()?),
            to,
            9,
            56,
            Duration::from_millis(500),
        );
        expect(answer.is_err(), || "the stranger got an answer".to_owned())?;
        let after = sgi_packets(lab.namespace(Node::Server))?;
        expect(after <= before + 2, || {
            format!("{} packets came in at the server", after - before)
        })
    })
}

fn sgi_packets(server: &epc_lab::Namespace) -> Result<u64, epc_lab::Error> {
    let counters = server.traffic()?;
    Ok(counters
        .iter()
        .find(|traffic| traffic.device == "sgi")
        .map_or(0, |traffic| traffic.received_packets))
}
