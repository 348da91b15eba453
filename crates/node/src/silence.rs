//! Supervision of a peer over a transport that has none of its own: silence makes us ask, long silence means that it
//! is gone.

use std::time::{Duration, Instant};

/// The silence of one peer. Whatever it says breaks it.
#[derive(Debug)]
pub struct Silence {
    timing: SilenceTiming,
    last_heard: Instant,
    next: Instant,
    gone: bool,
}

/// When a silent peer is asked, and when it is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SilenceTiming {
    /// So much silence is ordinary.
    pub probe_interval: Duration,
    /// Then the peer is asked so often.
    pub retry_interval: Duration,
    /// After so much silence it is gone; asking goes on, in case it comes back.
    pub peer_timeout: Duration,
}

/// What the clock says about a silent peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silent {
    /// Ask whether it is there.
    Probe,
    /// It has just become gone; ask all the same.
    Gone,
}

impl Silence {
    /// The peer was heard just now.
    pub fn new(timing: SilenceTiming, now: Instant) -> Silence {
        Silence {
            timing,
            last_heard: now,
            next: now + timing.probe_interval,
            gone: false,
        }
    }

    /// The peer said something; whether it had been gone.
    pub fn heard(&mut self, now: Instant) -> bool {
        self.last_heard = now;
        std::mem::take(&mut self.gone)
    }

    /// Whether it is gone.
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// What is to be done by `now`, if anything.
    pub fn due(&mut self, now: Instant) -> Option<Silent> {
        if now < self.next {
            return None;
        }
        let ordinary = self.last_heard + self.timing.probe_interval;
        if now < ordinary {
            self.next = ordinary;
            return None;
        }
        self.next = now + self.timing.retry_interval;
        if !self.gone && now >= self.last_heard + self.timing.peer_timeout {
            self.gone = true;
            return Some(Silent::Gone);
        }
        Some(Silent::Probe)
    }

    /// When [`Silence::due`] is to be asked next.
    pub fn next(&self) -> Instant {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMING: SilenceTiming = SilenceTiming {
        probe_interval: Duration::from_secs(5),
        retry_interval: Duration::from_secs(1),
        peer_timeout: Duration::from_secs(7),
    };

    #[test]
    fn silent_peer_is_asked_then_gone_and_comes_back_with_its_first_word() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut silence = Silence::new(TIMING, start);
        assert_eq!(silence.due(after(4)), None);
        assert!(!silence.heard(after(4)));
        assert_eq!(silence.due(after(5)), None);
        assert_eq!(silence.next(), after(9));
        assert_eq!(silence.due(after(9)), Some(Silent::Probe));
        assert_eq!(silence.due(after(10)), Some(Silent::Probe));
        assert_eq!(silence.due(after(11)), Some(Silent::Gone));
        assert_eq!(silence.due(after(12)), Some(Silent::Probe));
        assert!(silence.is_gone() && silence.heard(after(12)));
        assert_eq!(silence.due(after(13)), None);
    }
}
