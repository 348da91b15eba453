//! What the operator asks: another configuration, or an end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use epc_codec::Imsi;
use epc_codec::s1ap::{Cause, EnbUeS1apId, Reset, ResetType};
use tracing::info;

use crate::attach::{State, Subscription};
use crate::config::Subscriber;
use crate::detach::Next;
use crate::{Config, Enb, attach_repetition, repetition};

impl Enb {
    /// Everyone in the configuration is to attach.
    pub(crate) fn subscribe(&mut self) {
        let subscribers: Vec<Subscriber> = self.config.subscribers().collect();
        for subscriber in subscribers {
            self.add(subscriber);
        }
        self.count_waiting();
    }

    fn add(&mut self, subscriber: Subscriber) {
        let imsi = subscriber.imsi;
        let subscriber = Arc::new(subscriber);
        let subscription = Subscription {
            subscriber,
            state: State::Waiting,
            failures: 0,
        };
        self.subscriptions.insert(imsi, subscription);
        self.waiting.push_back(imsi);
    }

    /// Takes another configuration. Who is new attaches, who is gone detaches, who changed or wants it attaches again;
    /// the others are left alone.
    pub(crate) fn reload(&mut self, config: Config, now: Instant) {
        if self.stopping {
            return;
        }
        let wanted: HashMap<Imsi, Subscriber> = config
            .subscribers()
            .map(|subscriber| (subscriber.imsi, subscriber))
            .collect();
        // In the order of the file, and not of a hash table.
        let order: Vec<Imsi> = config.subscribers().map(|subscriber| subscriber.imsi).collect();
        let mut gone: Vec<Imsi> = self
            .subscriptions
            .keys()
            .filter(|imsi| !wanted.contains_key(*imsi))
            .copied()
            .collect();
        gone.sort_unstable();
        let other_mme = config.mme_addr != self.config.mme_addr;
        let place = |config: &Config| (config.plmn(), config.tai, config.cell());
        let moved = other_mme || place(&config) != place(&self.config);
        if other_mme {
            self.leave_mme();
        }
        self.configure(config);
        let mut counts = Counts {
            removed: gone.len(),
            ..Counts::default()
        };
        for imsi in gone {
            let Some(subscription) = self.subscriptions.remove(&imsi) else {
                continue;
            };
            if let State::Present(id) = subscription.state {
                self.detach(id, now);
            }
        }
        for imsi in order {
            let Some(subscriber) = wanted.get(&imsi) else {
                continue;
            };
            self.renew(subscriber, &mut counts, now);
        }
        info!(
            added = counts.added,
            removed = counts.removed,
            attached_again = counts.again,
            "configuration taken"
        );
        if moved {
            self.set_up_s1_again(now);
        }
        self.attach_waiting(now);
    }

    /// Goes on where others are now: with an MME at another address, where everybody attaches again; and who fetches a page
    /// that is at another address attaches again, too.
    pub(crate) fn follow(&mut self, config: Config, now: Instant) {
        if self.stopping {
            return;
        }
        let mme = config.mme_addr;
        if mme != self.config.mme_addr {
            info!(%mme, "MME is at another address");
            self.leave_mme();
            self.config.mme_addr = mme;
            self.set_up_s1_again(now);
        }
        let mut counts = Counts::default();
        for subscriber in config.subscribers() {
            let known = self.subscriptions.get(&subscriber.imsi);
            if known.is_some_and(|known| *known.subscriber != subscriber) {
                self.renew(&subscriber, &mut counts, now);
            }
        }
        if counts.again > 0 {
            info!(attached_again = counts.again, "pages are at another address");
        }
        self.config = config;
        self.attach_waiting(now);
    }

    /// Said once: should it be lost, the MME finds out by our silence.
    fn leave_mme(&mut self) {
        self.send(Reset {
            cause: Cause::OM_INTERVENTION,
            reset_type: ResetType::All,
        });
    }

    fn configure(&mut self, config: Config) {
        self.asked.reconfigure(repetition(&config));
        self.attaches.reconfigure(attach_repetition(&config));
        self.answers.reconfigure(repetition(&config).span());
        self.gtpu.reconfigure(&config.gtp_u);
        self.plmn = config.plmn();
        self.config = config;
    }

    fn renew(&mut self, subscriber: &Subscriber, counts: &mut Counts, now: Instant) {
        let Some(subscription) = self.subscriptions.get_mut(&subscriber.imsi) else {
            counts.added += 1;
            return self.add(subscriber.clone());
        };
        if *subscription.subscriber == *subscriber && !subscriber.reattach_on_reload {
            return;
        }
        counts.again += 1;
        subscription.subscriber = Arc::new(subscriber.clone());
        subscription.failures = 0;
        match subscription.state {
            State::Present(id) => self.attach_again(id, now),
            // It attaches in its turn.
            State::Waiting => {}
            State::Resting { .. } | State::Unwanted => {
                subscription.state = State::Waiting;
                self.waiting.push_back(subscriber.imsi);
            }
        }
    }

    fn attach_again(&mut self, id: EnbUeS1apId, now: Instant) {
        if let Some(ue) = self.ues.get_mut(&id) {
            ue.next = Next::AttachAgain;
        }
        self.detach(id, now);
    }

    /// Detaches everybody. The daemon stops when that is done, or when its time is over.
    pub(crate) fn shutdown(&mut self, now: Instant) {
        if self.stopping {
            return;
        }
        info!(ues = self.ues.len(), "stopping");
        self.stopping = true;
        if self.attaching > 0 {
            // The MME knows UEs of which it has not told yet how it knows them: it forgets all.
            self.forget_ues(Next::StayAway, now);
            return self.reset_mme(now);
        }
        let mut ids: Vec<EnbUeS1apId> = self.ues.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            self.detach(id, now);
        }
    }
}

#[derive(Default)]
struct Counts {
    added: usize,
    removed: usize,
    again: usize,
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use epc_node::Node;

    use crate::testing::*;
    use crate::{Command, Event};

    const THREE: &str = "subscribers: [{ imsi: '001010000000001' }, { imsi: '001010000000002' }, \
                         { imsi: '001010000000003', reattach_on_reload: true }]";
    const OTHERS: &str = "subscribers: [{ imsi: '001010000000002' }, \
                          { imsi: '001010000000003', reattach_on_reload: true }, { imsi: '001010000000004' }]";

    fn three() -> (Lab, Vec<epc_codec::s1ap::EnbUeS1apId>) {
        let (mut lab, out) = Lab::up(THREE);
        let ids = initial(&out);
        for id in &ids {
            lab.mme(context_request(*id));
        }
        lab.advance(Duration::ZERO);
        (lab, ids)
    }

    #[test]
    fn reload_attaches_the_new_detaches_the_gone_and_leaves_the_others_alone() {
        let (mut lab, ids) = three();
        let out = lab.command(Command::Reload(config(OTHERS)));
        assert_eq!(said(&out), ["DETACH REQUEST", "DETACH REQUEST", "ATTACH REQUEST"]);
        assert_eq!(imsi(&out, initial(&out)[0]), "001010000000004");
        // 1 is gone, 3 comes back, 2 was not touched.
        let out = lab.mme(release_command(ids[0]));
        assert_eq!(initial(&out), []);
        let out = lab.mme(release_command(ids[2]));
        assert_eq!(imsi(&out, initial(&out)[0]), "001010000000003");
        assert_eq!(lab.enb.metrics.signalling.active_sessions.get(), 1);
    }

    #[test]
    fn changed_subscriber_attaches_again_with_what_it_is_now() {
        let (mut lab, ids) = three();
        let changed = THREE.replace(
            "{ imsi: '001010000000001' }",
            "{ imsi: '001010000000001', type: external, euu_if_name: lo }",
        );
        lab.command(Command::Reload(config(&changed)));
        let out = lab.mme(release_command(ids[0]));
        // What goes is what was there.
        let down = out.iter().find_map(|out| match out {
            Out::Event(Event::SessionDown { subscriber, .. }) => Some(subscriber.kind),
            _ => None,
        });
        assert_eq!(down, Some(crate::config::Traffic::None));
        let id = initial(&out)[0];
        let out = lab.mme(context_request(id));
        let Out::Event(Event::SessionUp { subscriber, .. }) = &out[2] else {
            panic!("{out:?}")
        };
        assert_eq!(subscriber.kind, crate::config::Traffic::External);
    }

    #[test]
    fn another_mme_or_place_sets_s1_up_again() {
        let (mut lab, _) = three();
        let mut moved = config(THREE);
        moved.tai = 2;
        let out = lab.command(Command::Reload(moved));
        assert!(names(&out).contains(&"S1SetupRequest"));
        assert_eq!(said(&out), ["DETACH REQUEST"], "the one that wants it");
        let out = lab.mme(s1_setup_response());
        assert_eq!(initial(&out).len(), 3);
    }

    #[test]
    fn mme_that_moved_is_followed_and_everybody_attaches_there() {
        let (mut lab, _) = three();
        let moved = "192.0.2.99:36412".parse().unwrap();
        let said = |lab: &mut Lab| {
            let mut said = Vec::new();
            while let Some(output) = lab.enb.poll_output() {
                if let epc_node::Output::Transmit { to, datagram, .. } = output
                    && let Ok(message) = epc_codec::s1ap::decode(&datagram)
                {
                    said.push((to, message.name()));
                }
            }
            said
        };
        // Where it is already.
        let mut config = lab.enb.config.clone();
        lab.enb.handle_command(Command::Follow(config.clone()), lab.now);
        assert_eq!(said(&mut lab), []);
        config.mme_addr = moved;
        lab.enb.handle_command(Command::Follow(config), lab.now);
        let expected = [(MME.parse().unwrap(), "Reset"), (moved, "S1SetupRequest")];
        assert_eq!(said(&mut lab), expected, "who wants it at a reload is left alone");
        let response = epc_codec::s1ap::Message::from(s1_setup_response()).encode();
        lab.enb
            .handle_datagram(epc_node::Interface::S1Mme, moved, &response, lab.now);
        assert_eq!(said(&mut lab), [(moved, "InitialUEMessage"); 3]);
    }

    #[test]
    fn page_that_moved_is_followed_by_who_fetches_it() {
        let (mut lab, ids) = three();
        let mut config = lab.enb.config.clone();
        config.subscribers[1].http_url = Some("http://192.0.2.80/".to_owned());
        let out = lab.command(Command::Follow(config));
        assert_eq!(said(&out), ["DETACH REQUEST"], "and nobody else");
        let out = lab.mme(release_command(ids[1]));
        assert_eq!(imsi(&out, initial(&out)[0]), "001010000000002");
    }

    #[test]
    fn shutdown_detaches_everybody_and_is_done_when_they_are_released() {
        let (mut lab, ids) = three();
        let out = lab.command(Command::Shutdown);
        assert_eq!(said(&out), ["DETACH REQUEST"; 3]);
        assert!(!lab.enb.is_drained());
        let repeats = lab.advance(RETRY);
        assert_eq!(said(&repeats), ["DETACH REQUEST"; 3]);
        for id in ids {
            let out = lab.mme(release_command(id));
            assert_eq!(initial(&out), [], "nobody comes back");
        }
        assert!(lab.enb.is_drained());
    }

    #[test]
    fn shutdown_in_the_middle_of_an_attach_resets_the_mme() {
        let (mut lab, _) = Lab::up(THREE);
        assert_eq!(names(&lab.command(Command::Shutdown)), ["Reset"]);
        assert!(!lab.enb.is_drained());
        lab.mme(epc_codec::s1ap::ResetAcknowledge {
            connections: None,
            criticality_diagnostics: None,
        });
        assert!(lab.enb.is_drained());
    }

    #[test]
    fn shutdown_without_an_mme_ends_too() {
        let (mut lab, _) = three();
        lab.command(Command::Shutdown);
        lab.advance(Duration::from_secs(8));
        assert!(lab.enb.is_drained());
    }
}
