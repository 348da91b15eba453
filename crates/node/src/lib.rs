//! What the four brains of gw-tester share.
//!
//! A brain is a state machine without I/O. It implements [`Node`]: datagrams, commands and the time go in,
//! [`Output`]s come out, and whoever drives it (the daemon's control loop, or a test with a virtual clock) does
//! those outputs in their order.
//!
//! ```text
//! datagram ─┐              ┌─ Record     session store: before the message that lets a peer rely on it
//! command  ─┼─> the brain ─┼─ Rule       user plane: likewise
//! timeout  ─┘              ├─ Transmit   a datagram to a peer
//!                          └─ Event      something the outside world should know or do
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods))]

mod answers;
pub mod config;
pub mod gtpc;
pub mod gtpu;
mod index;
mod interface;
mod limit;
pub mod metrics;
pub mod paths;
mod peer;
mod quota;
mod rule;
pub mod sessions;
mod silence;
pub mod store;
mod teid;
pub mod text;
mod timers;
pub mod transactions;

pub use index::LargeSet;
pub use interface::Interface;
pub use limit::RateLimit;
pub use peer::Peer;
pub use quota::Quota;
pub use rule::{Rule, Then, UeAddress};
pub use silence::{Silence, SilenceTiming, Silent};
pub use teid::{TeidAllocator, TeidKey};
pub use timers::Timers;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use serde::Serialize;
use store::{Change, Key};
use transactions::Transmit;

/// A state machine without I/O. Time is an argument; nothing here waits.
pub trait Node {
    /// What an operator or the daemon asks of it: reload, shut down, attach.
    type Command;
    /// What it tells the outside world.
    type Event;

    /// A datagram came in on one of the node's own sockets.
    fn handle_datagram(&mut self, on: Interface, from: SocketAddr, datagram: &[u8], now: Instant);

    /// The operator or the daemon asks for something.
    fn handle_command(&mut self, command: Self::Command, now: Instant);

    /// The time that [`Node::poll_timeout`] named has come. Calling it early or twice does no harm.
    fn handle_timeout(&mut self, now: Instant);

    /// The next thing to do, in order. To be drained after every input.
    fn poll_output(&mut self) -> Option<Output<Self::Event>>;

    /// When the node wants to be woken, if at all.
    fn poll_timeout(&self) -> Option<Instant>;
}

/// One thing to do for a brain. The order among outputs is part of their meaning: records and rules may be done
/// earlier than that, but no record or rule later, and all records of one input at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output<E> {
    /// Change the session store. None of these comes unless the brain was started with one.
    Record(Change),
    /// Change the user plane.
    Rule(Rule),
    /// Send a datagram from the socket of this interface.
    Transmit {
        /// The interface to send from.
        on: Interface,
        /// Where to.
        to: SocketAddr,
        /// The octets.
        datagram: Vec<u8>,
    },
    /// Tell the outside world.
    Event(E),
}

/// The outputs that wait to be done, in order.
#[derive(Debug)]
pub struct Outputs<E> {
    waiting: VecDeque<Output<E>>,
    /// The number of the next record; none where there is no store.
    next_record: Option<u64>,
}

impl<E> Default for Outputs<E> {
    fn default() -> Outputs<E> {
        Outputs {
            waiting: VecDeque::new(),
            next_record: None,
        }
    }
}

impl<E> Outputs<E> {
    /// There is a session store. New records are numbered from `first` on.
    pub fn keep_records(&mut self, first: u64) {
        self.next_record = Some(first);
    }

    /// Whether there is a session store.
    pub fn keeps_records(&self) -> bool {
        self.next_record.is_some()
    }

    /// A number for a new record; 0 where there is no store.
    pub fn next_record(&mut self) -> u64 {
        let Some(next) = &mut self.next_record else {
            return 0;
        };
        *next += 1;
        *next - 1
    }

    /// Keeps a record in the session store, if there is one.
    pub fn keep<R: Serialize>(&mut self, key: Key, record: impl FnOnce() -> R) {
        if self.next_record.is_some() {
            let record = Some(store::encode(&record()));
            self.waiting.push_back(Output::Record(Change { key, record }));
        }
    }

    /// Drops a record.
    pub fn forget(&mut self, key: Key) {
        if self.next_record.is_some() {
            self.waiting
                .push_back(Output::Record(Change { key, record: None }));
        }
    }

    /// Changes the user plane.
    pub fn rule(&mut self, rule: Rule) {
        self.waiting.push_back(Output::Rule(rule));
    }

    /// Sends a datagram.
    pub fn transmit(&mut self, Transmit { on, to, datagram }: Transmit) {
        self.waiting.push_back(Output::Transmit { on, to, datagram });
    }

    /// Tells the outside world.
    pub fn event(&mut self, event: E) {
        self.waiting.push_back(Output::Event(event));
    }

    /// The next one, for [`Node::poll_output`].
    pub fn pop(&mut self) -> Option<Output<E>> {
        self.waiting.pop_front()
    }
}

/// What time of day it was at an [`Instant`]: brains tell peers when something was asked, and have no clock.
#[derive(Debug, Clone, Copy)]
pub struct WallClock {
    /// A moment.
    pub at: Instant,
    /// Milliseconds from 1970-01-01 00:00:00 UTC to that moment.
    pub unix_millis: u64,
}

impl WallClock {
    /// The time of day at another moment, in milliseconds since 1900-01-01 00:00:00 UTC, TS 29.274 §8.119.
    pub fn time_stamp(&self, now: Instant) -> u64 {
        const FROM_1900_TO_1970: u64 = 2_208_988_800_000;
        let since = now.saturating_duration_since(self.at).as_millis() as u64;
        FROM_1900_TO_1970 + self.unix_millis + since
    }
}

/// What a node holds at a moment. Where nothing is under way, all nodes hold as much as there are sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holdings {
    /// Sessions, or UEs, in whatever state.
    pub sessions: usize,
    /// User-plane TEIDs that are given out.
    pub user_teids: usize,
    /// Control-plane TEIDs that are given out.
    pub control_teids: usize,
    /// UE addresses that are given out.
    pub addresses: usize,
    /// Requests that wait for an answer, Echo Requests aside.
    pub requests: usize,
    /// Answers that are kept for repeats of their requests.
    pub answers: usize,
    /// Whatever else is kept for single UEs.
    pub others: usize,
}

/// What a brain is given once, when it starts.
#[derive(Debug, Clone)]
pub struct Boot {
    /// The time of day at the start.
    pub clock: WallClock,
    /// The restart counter of this incarnation, TS 23.007 §18.
    pub restart_counter: u8,
    /// Key of the permutation that makes user-plane TEIDs; the user plane of this node holds the same one.
    pub user_teid_key: TeidKey,
    /// Key of the permutation that makes control-plane TEIDs.
    pub control_teid_key: TeidKey,
}
