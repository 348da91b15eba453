use std::net::SocketAddr;
use std::ops::Range;

use epc_node::Interface;

/// The most octets that one UDP datagram holds over IPv4, and so one run of segments.
const MOST_OCTETS: usize = 65_507;

/// A datagram to send, or a run of datagrams that lie one behind the other for `UDP_SEGMENT`: all `segment` octets
/// long, the last one possibly shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message {
    /// The interface to send from.
    pub on: Interface,
    /// Where to.
    pub to: SocketAddr,
    /// The number of that peer in the table, quicker to compare.
    peer: u32,
    /// The TEID, for whoever spreads TEIDs over source ports.
    pub spread: u32,
    /// In which buffer the octets lie.
    pub buffer: usize,
    /// Where they begin.
    pub start: usize,
    /// Where they end.
    pub end: usize,
    /// Octets a datagram.
    pub segment: usize,
}

impl Message {
    /// How many datagrams it makes.
    #[inline]
    pub fn segments(&self) -> usize {
        (self.end - self.start).div_ceil(self.segment)
    }

    /// Where each datagram lies in its buffer.
    pub fn datagrams(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let end = self.end;
        (self.start..end).step_by(self.segment).map({
            let segment = self.segment;
            move |start| start..end.min(start + segment)
        })
    }

    /// Each datagram as a message of its own.
    pub fn singly(&self) -> impl Iterator<Item = Message> + use<> {
        let message = *self;
        self.datagrams().map(move |range| Message {
            start: range.start,
            end: range.end,
            segment: range.len(),
            ..message
        })
    }

    /// Octets of the user packets inside, without the GTP-U header that we write.
    #[inline]
    pub fn user_octets(&self) -> usize {
        (self.end - self.start).saturating_sub(self.segments() * crate::GTPU_HEADER)
    }
}

/// What is to be sent, in order. Datagrams that may travel as one message become one.
#[derive(Debug)]
pub struct Outbox {
    messages: Vec<Message>,
    most_segments: usize,
    sources: u32,
}

impl Outbox {
    /// Room for `capacity` messages of at most `most_segments` datagrams (1 without `UDP_SEGMENT`); `sources` is the
    /// number of source ports over which TEIDs are spread, at least 1.
    pub fn new(capacity: usize, most_segments: usize, sources: u32) -> Outbox {
        Outbox {
            messages: Vec::with_capacity(capacity),
            most_segments,
            sources: sources.max(1),
        }
    }

    /// What is there to send.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Everything was sent.
    pub fn clear(&mut self) {
        self.messages.clear();
    }

    /// How many messages are complete: all but a last run that the next datagram may still join.
    pub(crate) fn complete(&self) -> usize {
        let grows = |last: &Message| {
            let length = last.end - last.start;
            length.is_multiple_of(last.segment)
                && length / last.segment < self.most_segments
                && length + last.segment <= MOST_OCTETS
        };
        match self.messages.last() {
            Some(last) if grows(last) => self.messages.len() - 1,
            _ => self.messages.len(),
        }
    }

    /// All but the last message were sent, whose octets now begin at the start of the buffer. Says where they were.
    pub(crate) fn keep_last(&mut self) -> Option<Range<usize>> {
        let last = self.messages.last().copied()?;
        self.messages.clear();
        self.messages.push(Message {
            start: 0,
            end: last.end - last.start,
            ..last
        });
        Some(last.start..last.end)
    }

    /// From now on each datagram is a message of its own.
    pub fn send_singly(&mut self) {
        self.most_segments = 1;
    }

    /// Adds one datagram.
    #[inline]
    pub(crate) fn push(
        &mut self,
        on: Interface,
        (peer, to): (u32, &SocketAddr),
        teid: u32,
        buffer: usize,
        octets: Range<usize>,
    ) {
        let spread = if self.sources == 1 { 0 } else { teid % self.sources };
        if let Some(last) = self.messages.last_mut() {
            let length = last.end - last.start;
            if last.end == octets.start
                && last.buffer == buffer
                && last.peer == peer
                && last.on == on
                && last.spread == spread
                && octets.len() <= last.segment
                && length.is_multiple_of(last.segment)
                && length / last.segment < self.most_segments
                && length + octets.len() <= MOST_OCTETS
            {
                last.end = octets.end;
                return;
            }
        }
        self.messages.push(Message {
            on,
            to: *to,
            peer,
            spread,
            buffer,
            start: octets.start,
            end: octets.end,
            segment: octets.len().max(1),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 2152))
    }

    fn runs(most_segments: usize, datagrams: &[(u8, usize)]) -> Vec<(usize, usize)> {
        let mut outbox = Outbox::new(16, most_segments, 1);
        let mut end = 0;
        for (to, length) in datagrams {
            outbox.push(
                Interface::S1u,
                (u32::from(*to), &peer(*to)),
                1,
                0,
                end..end + length,
            );
            end += length;
        }
        outbox
            .messages()
            .iter()
            .map(|m| (m.segment, m.segments()))
            .collect()
    }

    #[test]
    fn equal_datagrams_to_one_peer_are_one_message_and_a_shorter_one_ends_it() {
        assert_eq!(
            runs(64, &[(1, 100), (1, 100), (1, 60), (1, 60), (1, 60)]),
            [(100, 3), (60, 2)]
        );
        assert_eq!(
            runs(64, &[(1, 60), (1, 100)]),
            [(60, 1), (100, 1)],
            "a longer one"
        );
        assert_eq!(runs(64, &[(1, 60), (2, 60)]), [(60, 1), (60, 1)], "another peer");
    }

    #[test]
    fn message_keeps_within_segments_and_octets() {
        assert_eq!(runs(2, &[(1, 60); 5]), [(60, 2), (60, 2), (60, 1)]);
        assert_eq!(runs(1, &[(1, 60); 2]), [(60, 1), (60, 1)]);
        assert_eq!(runs(64, &[(1, 30_000); 3]), [(30_000, 2), (30_000, 1)]);
    }

    #[test]
    fn run_that_may_grow_is_not_complete_and_can_be_kept() {
        let mut outbox = Outbox::new(16, 3, 1);
        let mut complete = Vec::new();
        for (i, length) in [60, 60, 60, 50, 50, 40].into_iter().enumerate() {
            let start = i * 60;
            let start = if i > 3 { 180 + 50 * (i - 3) } else { start };
            outbox.push(Interface::S1u, (1, &peer(1)), 1, 0, start..start + length);
            complete.push((outbox.messages().len(), outbox.complete()));
        }
        assert_eq!(complete, [(1, 0), (1, 0), (1, 1), (2, 1), (2, 1), (2, 2)]);
        assert_eq!(outbox.keep_last(), Some(180..320));
        assert_eq!((outbox.messages()[0].start, outbox.messages()[0].end), (0, 140));
        outbox.clear();
        assert_eq!((outbox.complete(), outbox.keep_last()), (0, None));
    }

    #[test]
    fn datagrams_of_a_message_are_its_segments() {
        let message = Message {
            on: Interface::S1u,
            to: peer(1),
            peer: 1,
            spread: 0,
            buffer: 0,
            start: 10,
            end: 35,
            segment: 10,
        };
        let datagrams: Vec<_> = message.datagrams().collect();
        assert_eq!(datagrams, [10..20, 20..30, 30..35]);
        assert_eq!(message.user_octets(), 25 - 24);
    }
}
