//! The slow path: datagrams that the control part should see.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use epc_node::Interface;
use tokio::sync::mpsc;

/// Datagrams that wait for the control part at most.
pub(super) const CAPACITY: usize = 1024;

/// Datagrams a second of one thread that were dropped and only deserve an answer (unknown TEID, malformed), so that a
/// flood of them leaves the control part time for the others.
const ANSWERS_A_SECOND: u32 = 1000;

/// What the user plane tells the control part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slow {
    /// A datagram for the brain: it is no G-PDU, or a G-PDU whose TEID is unknown.
    Datagram {
        /// Where it came in; the first one of two interfaces that share an address.
        on: Interface,
        /// From whom.
        from: SocketAddr,
        /// All of it.
        octets: Vec<u8>,
    },
    /// A thread is gone and nothing is forwarded any more.
    Failed {
        /// Why.
        why: String,
    },
}

/// One thread's end of the slow path.
#[derive(Debug)]
pub(super) struct Sender {
    control: mpsc::Sender<Slow>,
    answers_left: u32,
    second: Instant,
}

impl Sender {
    pub(super) fn new(control: mpsc::Sender<Slow>) -> Sender {
        Sender {
            control,
            answers_left: ANSWERS_A_SECOND,
            second: Instant::now(),
        }
    }

    /// Hands over a datagram; `false` if there was no room. `lost`: it was dropped and only deserves an answer.
    pub(super) fn send(&mut self, on: Interface, from: SocketAddr, octets: &[u8], lost: bool) -> bool {
        if lost && !self.may_answer() {
            return false;
        }
        let Ok(place) = self.control.try_reserve() else {
            return false;
        };
        place.send(Slow::Datagram {
            on,
            from,
            octets: octets.to_vec(),
        });
        true
    }

    fn may_answer(&mut self) -> bool {
        if self.second.elapsed() >= Duration::from_secs(1) {
            self.second = Instant::now();
            self.answers_left = ANSWERS_A_SECOND;
        }
        self.answers_left = match self.answers_left.checked_sub(1) {
            Some(left) => left,
            None => return false,
        };
        true
    }
}
