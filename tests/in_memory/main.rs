//! Attach, detach and what can go wrong between, on four brains and one virtual clock: no socket, no thread, no sleep.

#[path = "../fuzz/checks/node.rs"]
mod fuzz;
mod net;

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use epc_codec::Imsi;
use net::{NAMES, Name, Net, Weather};

const MINUTE: Duration = Duration::from_secs(60);

/// With 292, a request of an earlier incarnation overtook that of the next.
const SEEDS_WITH_STORES: std::ops::Range<u64> = 270..310;

#[test]
fn two_ues_attach_and_each_has_an_address_and_tunnels_of_its_own() {
    let mut net = Net::new(1, 2);
    assert!(net.run_until(MINUTE, |net| net.sessions.len() == 2));
    net.run(Duration::from_secs(1));
    net.assert_agreement();
    assert_eq!(net.sessions.values().collect::<HashSet<_>>().len(), 2);
}

#[test]
fn detached_ue_leaves_nothing_at_any_node() {
    let mut net = Net::new(1, 2);
    assert!(net.run_until(MINUTE, |net| net.sessions.len() == 2));
    net.reload_enb(1);
    net.assert_agreed(MINUTE, "one detached", |net| net.sessions.len() == 1);
    net.assert_agreement();
    net.shut_down(Name::Enb);
    net.assert_agreed(MINUTE, "the eNB stopped", |net| net.is_drained(Name::Enb));
    assert_eq!(net.sessions.len(), 0);
    net.assert_agreement();
}

#[test]
fn a_thousand_subscribers_attach_at_once_with_a_thousand_addresses() {
    let mut net = Net::new(1, 1000);
    assert!(net.run_until(MINUTE, |net| net.sessions.len() == 1000));
    net.run(Duration::from_secs(1));
    net.assert_agreement();
    let addresses: BTreeSet<_> = net.sessions.values().map(|ue| ue.ipv4).collect();
    assert_eq!(addresses.len(), 1000);
}

#[test]
fn any_order_of_start_ends_attached() {
    for first in NAMES {
        let mut net = Net::new(1, 3);
        for name in NAMES.into_iter().filter(|name| *name != first) {
            net.kill(name);
        }
        net.run(Duration::from_secs(30));
        for name in NAMES.into_iter().rev().filter(|name| *name != first) {
            net.start(name);
            net.run(Duration::from_secs(10));
        }
        net.assert_agreed(5 * MINUTE, format!("{first:?} first"), |net| {
            net.sessions.len() == 3
        });
        net.assert_agreement();
    }
}

#[test]
fn silent_pgw_fails_attaches_and_the_next_ones_work_when_it_is_back() {
    let mut net = Net::new(1, 2);
    net.kill(Name::Pgw);
    net.run(2 * MINUTE);
    assert_eq!(net.sessions.len(), 0);
    for name in [Name::Enb, Name::Sgw] {
        assert!(
            net.plane(name).receive.is_empty(),
            "{name:?} opened a tunnel that nobody granted"
        );
    }
    net.start(Name::Pgw);
    net.assert_agreed(2 * MINUTE, "the P-GW back", |net| net.sessions.len() == 2);
    net.assert_agreement();
}

#[test]
fn every_datagram_twice_makes_no_second_session() {
    let mut net = Net::new(1, 20);
    net.weather = Weather {
        doubled: 100,
        ..Weather::FAIR
    };
    assert!(net.run_until(MINUTE, |net| net.sessions.len() == 20));
    net.run(Duration::from_secs(1));
    net.assert_agreement();
    net.shut_down(Name::Enb);
    net.assert_agreed(MINUTE, "the eNB stopped", |net| net.is_drained(Name::Enb));
    net.assert_agreement();
}

#[test]
fn thirty_percent_loss_delays_attaches_and_loses_none() {
    for seed in 0..20 {
        let mut net = Net::new(seed, 20);
        net.weather = Weather {
            loss: 30,
            ..Weather::FAIR
        };
        net.assert_agreed(10 * MINUTE, format!("seed {seed}"), |net| {
            net.sessions.len() == 20
        });
    }
}

#[test]
fn storms_end_in_agreement() {
    for seed in 0..50 {
        let mut net = Net::new(seed, 10);
        net.weather = Weather::STORM;
        for count in [4, 10, 1, 10] {
            net.run(Duration::from_secs(20 + seed % 7));
            net.reload_enb(count);
        }
        net.weather = Weather::FAIR;
        net.assert_agreed(10 * MINUTE, format!("seed {seed}"), |net| {
            net.sessions.len() == 10
        });
    }
}

#[test]
fn any_node_may_be_killed_and_started_again() {
    for killed in NAMES {
        let mut net = Net::new(1, 5);
        assert!(net.run_until(MINUTE, |net| net.sessions.len() == 5));
        net.kill(killed);
        net.run(Duration::from_secs(3));
        net.start(killed);
        net.assert_agreed(10 * MINUTE, format!("{killed:?} killed"), |net| {
            net.sessions.len() == 5
        });
        net.assert_agreement();
    }
}

#[test]
fn restarts_in_a_storm_end_in_agreement() {
    for seed in 0..30 {
        let mut net = Net::new(seed, 10);
        net.weather = Weather::STORM;
        for step in 0..4 {
            net.run(Duration::from_secs(15));
            net.start(NAMES[(seed as usize + step) % NAMES.len()]);
        }
        net.weather = Weather::FAIR;
        net.assert_agreed(20 * MINUTE, format!("seed {seed}"), |net| {
            net.sessions.len() == 10
        });
    }
}

/// Attaches and detaches in a storm, in which nodes are killed and started again. A seed that fails is named; run it
/// alone with `SEED=n cargo test -p epc-tests --test in_memory ten_thousand`.
fn attaches_and_detaches(seeds: std::ops::Range<u64>) {
    let only: Option<u64> = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    for seed in seeds.filter(|seed| only.is_none_or(|only| only == *seed)) {
        // Every other time the gateways have session stores.
        let mut net = match seed % 2 {
            0 => Net::new(seed, 1),
            _ => Net::with_stores(seed, 1),
        };
        // One of ten is refused, cleanly.
        let barred: Vec<_> = (1..=AT_MOST)
            .filter(|number| number % 10 == 0)
            .map(imsi)
            .collect();
        net.bar(&barred);
        net.weather = Weather::STORM;
        let (mut count, mut sequences) = (1u32, 0);
        while sequences < SEQUENCES {
            let next = 1 + net.below(AT_MOST.into()) as u32;
            net.reload_enb(next);
            sequences += count.abs_diff(next);
            count = next;
            let (seconds, kill) = (2 + net.below(20), net.below(4));
            net.run(Duration::from_secs(seconds));
            if kill == 0 {
                let name = NAMES[net.below(4) as usize];
                net.kill(name);
                let seconds = net.below(15);
                net.run(Duration::from_secs(seconds));
                net.start(name);
            }
        }
        net.weather = Weather::FAIR;
        let served = (1..=count).filter(|number| number % 10 != 0).count();
        let agreed = net.run_until(20 * MINUTE, |net| {
            net.sessions.len() == served && net.agreement().is_ok()
        });
        // What is repeated for long, and what is kept for repeats, has its time.
        let agreed = agreed && net.run_until(20 * MINUTE, |net| net.census().is_ok());
        assert!(
            agreed,
            "seed {seed}: {} of {served} attached, {:?}\n{}",
            net.sessions.len(),
            net.census(),
            net.last_words()
        );
        // It lasts. Who is refused asks again now and then.
        net.run(10 * MINUTE);
        assert!(
            net.run_until(MINUTE, |net| net.census().is_ok()),
            "seed {seed}: {:?}",
            net.census()
        );
    }
}

/// Subscribers of a run.
const AT_MOST: u32 = 20;
/// Attaches and detaches of a run.
const SEQUENCES: u32 = 100;
/// Runs.
const SEEDS: u64 = 100;

#[test]
fn ten_thousand_attaches_and_detaches_in_a_storm_with_restarts_leave_nothing_behind_1() {
    attaches_and_detaches(0..SEEDS / 2);
}

#[test]
fn ten_thousand_attaches_and_detaches_in_a_storm_with_restarts_leave_nothing_behind_2() {
    attaches_and_detaches(SEEDS / 2..SEEDS);
}

fn imsi(number: u32) -> Imsi {
    format!("00101{number:010}").parse().expect("an IMSI")
}

#[test]
fn killed_gateway_with_a_store_is_as_it_was_and_nobody_attaches_again() {
    for killed in [Name::Sgw, Name::Pgw] {
        let mut net = Net::with_stores(1, 5);
        assert!(net.run_until(MINUTE, |net| net.sessions.len() == 5));
        net.run(MINUTE);
        net.assert_agreement();
        let (before, sessions) = (net.plane(killed).clone(), net.sessions.clone());
        net.kill(killed);
        net.run(Duration::from_secs(3));
        net.start(killed);
        assert_eq!(
            *net.plane(killed),
            before,
            "{killed:?}: rules before any datagram"
        );
        net.run(5 * MINUTE);
        assert_eq!(*net.plane(killed), before, "{killed:?}: the same TEIDs");
        assert_eq!(net.sessions, sessions);
        net.assert_agreement();
    }
}

#[test]
fn peer_that_restarted_while_a_gateway_was_down_is_found_out() {
    for (killed, restarted) in [
        (Name::Sgw, Name::Mme),
        (Name::Pgw, Name::Sgw),
        (Name::Sgw, Name::Pgw),
    ] {
        let mut net = Net::with_stores(1, 5);
        net.stores.remove(&restarted);
        assert!(net.run_until(MINUTE, |net| net.sessions.len() == 5));
        net.run(MINUTE);
        net.kill(killed);
        net.start(restarted);
        net.run(Duration::from_secs(3));
        net.start(killed);
        net.assert_agreed(
            10 * MINUTE,
            format!("{killed:?} killed, {restarted:?} restarted"),
            |net| net.sessions.len() == 5,
        );
        net.assert_agreement();
    }
}

#[test]
fn what_was_underway_when_a_gateway_and_those_who_asked_died_is_cleared_up() {
    for gateway in [Name::Sgw, Name::Pgw] {
        for outputs in 0..24 {
            let mut net = Net::with_stores(1, 2);
            net.kill_amid(gateway, outputs);
            net.run_until(MINUTE, |net| !net.is_anybody_doomed());
            net.kill(Name::Enb);
            net.kill(Name::Mme);
            // Farewells to the dead MME are said for long.
            net.run(60 * MINUTE);
            for name in [Name::Sgw, Name::Pgw] {
                assert!(
                    net.plane(name).receive.is_empty() && net.plane(name).send.is_empty(),
                    "{gateway:?} killed after {outputs} outputs: {name:?} holds {:?}\n{}",
                    net.plane(name),
                    net.last_words()
                );
            }
            assert_eq!(net.kept(), [], "{gateway:?} killed after {outputs} outputs");
        }
    }
}

#[test]
fn gateways_with_stores_that_are_killed_at_any_point_end_in_agreement() {
    for seed in SEEDS_WITH_STORES {
        let mut net = Net::with_stores(seed, 10);
        net.weather = Weather::STORM;
        // Who is not there at the end must have left nothing, who is there has replaced it.
        let last = if seed % 2 == 0 { 3 } else { 10 };
        for (step, count) in [4, 10, 1, 10, 7, last].into_iter().enumerate() {
            let gateway = [Name::Sgw, Name::Pgw][(seed as usize + step) % 2];
            net.kill_amid(gateway, seed * 7 % 50 + step as u64);
            net.run(Duration::from_secs(10 + seed % 13));
            net.reload_enb(count);
            if seed % 3 == 0 {
                net.start(NAMES[(seed as usize / 3 + step) % NAMES.len()]);
            }
        }
        net.weather = Weather::FAIR;
        net.assert_agreed(30 * MINUTE, format!("seed {seed}"), |net| {
            net.sessions.len() == last as usize
        });
        // Of who left, nothing is kept once no repeat may come any more.
        net.reload_enb(1);
        net.assert_agreed(30 * MINUTE, format!("seed {seed}"), |net| {
            net.sessions.len() == 1 && net.kept().len() == 2
        });
    }
}

#[test]
fn operator_detaches_at_the_mme_and_at_the_pgw() {
    let mut net = Net::new(1, 3);
    assert!(net.run_until(MINUTE, |net| net.sessions.len() == 3));
    net.run(Duration::from_secs(1));
    let imsi = *net.sessions.keys().next().expect("three");
    net.command_mme(mme::Command::Detach(imsi));
    net.assert_agreed(MINUTE, "one detached at the MME", |net| {
        !net.sessions.contains_key(&imsi)
    });
    let imsi = *net.sessions.keys().next().expect("two");
    net.command_pgw(pgw::Command::Detach(imsi));
    net.run(Duration::from_secs(1));
    net.assert_agreed(MINUTE, "one detached at the P-GW", |_| true);
    net.assert_agreement();
}

#[test]
fn each_node_shuts_down_without_leaving_a_session_at_the_others() {
    for name in NAMES {
        let mut net = Net::new(1, 5);
        assert!(net.run_until(MINUTE, |net| net.sessions.len() == 5));
        net.run(Duration::from_secs(1));
        net.shut_down(name);
        assert!(
            net.run_until(Duration::from_secs(5), |net| net.is_drained(name)),
            "{name:?} is not done in 5 s"
        );
        net.kill(name);
        net.run(MINUTE);
        for other in NAMES {
            assert!(
                net.plane(other).receive.is_empty(),
                "{name:?} stopped, {other:?} holds tunnels"
            );
        }
    }
}

#[test]
fn corpus_of_the_fuzzer_leaves_every_node_alive() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/node");
    let mut replayed = 0;
    for entry in std::fs::read_dir(corpus).expect("the corpus") {
        fuzz::check(&std::fs::read(entry.expect("an entry").path()).expect("a file"));
        replayed += 1;
    }
    assert!(replayed >= 4, "a conversation for each node");
}

/// Makes the corpus of the fuzz target `node` anew: what each node hears while two UEs attach, pass traffic, and leave.
///
///     cargo test -p epc-tests --test in_memory -- --ignored record
#[test]
#[ignore = "writes files"]
fn record_the_corpus_of_the_fuzzer() {
    let mut net = Net::recording();
    assert!(net.run_until(MINUTE, |net| net.sessions.len() == 2));
    net.run(Duration::from_secs(61));
    net.shut_down(Name::Enb);
    assert!(net.run_until(MINUTE, |net| net.is_drained(Name::Enb)));
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/node");
    std::fs::create_dir_all(corpus).expect("a directory");
    for (name, octets) in net.recorded() {
        std::fs::write(
            format!(
                "{corpus}/{}-attach-and-detach",
                format!("{name:?}").to_lowercase()
            ),
            octets,
        )
        .expect("a file");
    }
}

#[test]
fn sessions_are_spread_over_gateways_by_weight() {
    let mut net = Net::with_two_of_each(1, 40, 3);
    assert!(net.run_until(MINUTE, |net| net.sessions.len() == 40));
    net.run(Duration::from_secs(1));
    net.assert_agreement();
    let at = |name| net.sessions_at(name);
    assert_eq!((at(Name::Sgw), at(Name::SecondSgw)), (10, 30));
    assert_eq!((at(Name::Pgw), at(Name::SecondPgw)), (10, 30));
}

/// The second gateway of a kind is told to stop: its UEs attach again at the first, and it ends with nothing. When it is
/// back, it gets sessions again.
fn drained(first: Name, second: Name) {
    let mut net = Net::with_two_of_each(1, 40, 1);
    assert!(net.run_until(MINUTE, |net| net.sessions.len() == 40));
    net.run(Duration::from_secs(1));
    assert_eq!(net.sessions_at(second), 20);
    net.shut_down(second);
    net.assert_agreed(5 * MINUTE, "the second one drained", |net| {
        net.is_drained(second) && net.sessions.len() == 40
    });
    net.assert_agreement();
    assert_eq!((net.sessions_at(first), net.sessions_at(second)), (40, 0));

    net.start(second);
    net.run(2 * MINUTE);
    net.reload_enb(60);
    net.assert_agreed(MINUTE, "the second one back", |net| net.sessions.len() == 60);
    net.assert_agreement();
    assert_eq!(net.sessions_at(second), 10);
}

#[test]
fn drained_sgw_has_its_ues_attach_again_at_the_other_one() {
    drained(Name::Sgw, Name::SecondSgw);
}

#[test]
fn drained_pgw_has_its_ues_attach_again_at_the_other_one() {
    drained(Name::Pgw, Name::SecondPgw);
}

#[test]
fn dead_gateways_are_left_out_and_their_ues_attach_again_elsewhere() {
    for dead in [Name::SecondSgw, Name::SecondPgw] {
        let mut net = Net::with_two_of_each(1, 40, 1);
        assert!(net.run_until(MINUTE, |net| net.sessions.len() == 40));
        net.kill(dead);
        // Until the path counts as dead, and its sessions with it.
        net.run(10 * MINUTE);
        net.assert_agreed(10 * MINUTE, format!("{dead:?}"), |net| net.sessions.len() == 40);
        net.assert_agreement();
    }
}

/// TS 23.007 §20: Echo on GTP-U goes unanswered, while the control plane is as it was. Silence takes a path down; long silence
/// ends the sessions over it, on both sides, and their UEs attach again.
#[test]
fn path_that_carries_no_packets_any_more_is_given_up() {
    let s5u = [Name::Sgw, Name::Pgw];
    let s1u = [Name::Enb, Name::Sgw];
    for (severed, watchers) in [
        (
            s5u,
            [(Name::Sgw, net::PGW, "S1-U"), (Name::Pgw, net::SGW, "S5-U")],
        ),
        (
            s1u,
            [(Name::Enb, net::SGW, "S1-U"), (Name::Sgw, net::ENB, "S1-U")],
        ),
    ] {
        let mut net = Net::new(1, 20);
        net.assert_agreed(MINUTE, "at the start", |net| net.sessions.len() == 20);
        net.run(2 * MINUTE);
        let up = |net: &Net, (name, peer, interface): (Name, &str, &str)| {
            let node = format!("{name:?}").to_lowercase();
            net.metric(
                name,
                &format!("{node}_peer_up{{interface=\"{interface}\",peer=\"{peer}\"}}"),
            )
        };
        let opened = |net: &Net| {
            let create = "pgw_messages_received_total{src=\"192.0.2.3\",type=\"Create Session Request\"}";
            net.metric(Name::Pgw, create)
        };
        for watcher in watchers {
            assert_eq!(up(&net, watcher), 1, "{watcher:?}");
        }
        assert_eq!(net.missing(watchers[0].0), [""; 0]);

        // Until the next Echo Request, and N3-REQUESTS times T3-RESPONSE.
        net.severed = Some((2152, severed));
        net.run(MINUTE + Duration::from_secs(16));
        for watcher in watchers {
            assert_eq!(up(&net, watcher), 0, "{watcher:?}");
        }
        let (watcher, peer, _) = watchers[0];
        assert!(
            net.missing(watcher).iter().any(|line| line.contains(peer)),
            "{:?}",
            net.missing(watcher)
        );
        assert_eq!(opened(&net), 20, "silence is not death at once");
        net.assert_agreement();

        // `path_failure`, and an Echo Request more.
        net.run(7 * MINUTE);
        assert_eq!(net.sessions.len(), 20, "{severed:?}\n{}", net.last_words());
        assert_eq!(opened(&net), 40, "each of them attached again, once");
        net.assert_agreement();

        net.severed = None;
        net.run(3 * MINUTE);
        for watcher in watchers {
            assert_eq!(up(&net, watcher), 1, "{watcher:?}");
        }
        assert_eq!(net.missing(watchers[0].0), [""; 0]);
        assert_eq!(opened(&net), 40);
        net.assert_agreement();
        assert_eq!(net.census(), Ok(()));
    }
}
