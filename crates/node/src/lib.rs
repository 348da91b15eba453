//! What the four brains of gw-tester share.
//!
//! A brain is a state machine without I/O. It implements [`Node`]: datagrams, commands and the time go in,
//! [`Output`]s come out, and whoever drives it (the daemon's control loop, or a test with a virtual clock) does
//! those outputs in their order.
//!
//! ```text
//! datagram ─┐              ┌─ Rule       user plane: before the message that lets a peer rely on it
//! command  ─┼─> the brain ─┼─ Transmit   a datagram to a peer
//! timeout  ─┘              └─ Event      something the outside world should know or do
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods))]

pub mod config;
pub mod gtpc;
pub mod gtpu;
mod interface;
pub mod metrics;
pub mod paths;
mod peer;
mod rule;
mod silence;
mod teid;
pub mod text;
mod timers;
pub mod transactions;

pub use interface::Interface;
pub use peer::Peer;
pub use rule::{Rule, Then, UeAddress};
pub use silence::{Silence, SilenceTiming, Silent};
pub use teid::{TeidAllocator, TeidKey};
pub use timers::Timers;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

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

/// One thing to do for a brain. The order among outputs is part of their meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output<E> {
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
pub struct Outputs<E>(VecDeque<Output<E>>);

impl<E> Default for Outputs<E> {
    fn default() -> Outputs<E> {
        Outputs(VecDeque::new())
    }
}

impl<E> Outputs<E> {
    /// Changes the user plane.
    pub fn rule(&mut self, rule: Rule) {
        self.0.push_back(Output::Rule(rule));
    }

    /// Sends a datagram.
    pub fn transmit(&mut self, Transmit { on, to, datagram }: Transmit) {
        self.0.push_back(Output::Transmit { on, to, datagram });
    }

    /// Tells the outside world.
    pub fn event(&mut self, event: E) {
        self.0.push_back(Output::Event(event));
    }

    /// The next one, for [`Node::poll_output`].
    pub fn pop(&mut self) -> Option<Output<E>> {
        self.0.pop_front()
    }
}

/// What a brain is given once, when it starts.
#[derive(Debug, Clone)]
pub struct Boot {
    /// The restart counter of this incarnation, TS 23.007 §18.
    pub restart_counter: u8,
    /// Key of the permutation that makes user-plane TEIDs; the user plane of this node holds the same one.
    pub user_teid_key: TeidKey,
    /// Key of the permutation that makes control-plane TEIDs.
    pub control_teid_key: TeidKey,
}
