//! What the operator asks: another configuration, or an end.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use epc_codec::Imsi;
use epc_codec::s1ap::EnbUeS1apId;
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
        let gone: Vec<Imsi> = self
            .subscriptions
            .keys()
            .filter(|imsi| !wanted.contains_key(*imsi))
            .copied()
            .collect();
        let moved = config.mme_addr != self.config.mme_addr || config.plmn() != self.plmn;
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
            self.s1_lost(now);
        }
        self.attach_waiting(now);
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
