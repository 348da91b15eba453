//! GTPv2-C, TS 29.274: the control plane between MME, SGSN, S-GW and P-GW.
//!
//! Two layers. [`decode`] and [`Message`] are the upper one: each message is a struct, declared as its table in the
//! specification, so that whoever holds a [`CreateSessionRequest`] knows that its mandatory elements exist. Under it
//! lies [`RawMessage`]: header and information elements in the order of the wire, written back octet for octet.
//!
//! | presence | field | in the specification |
//! |----------|-------|----------------------|
//! | `M`      | `T` | mandatory |
//! | `A`      | `Option<T>` | mandatory if the cause says that the request was accepted; a refusal may leave it out |
//! | `C`      | `Option<T>` | conditional |
//! | `CO`     | `Option<T>` | conditional optional: conditional for the sender, optional for the receiver |
//! | `O`      | `Option<T>` | optional |
//!
//! A mandatory or conditional element that cannot be read makes the message an error; an optional one counts as not
//! there (§7.7.7, §7.7.8). Lists are `Vec<T>`. What a table has no row for, and what counts as not there, is in
//! `additional`.

#[macro_use]
mod table;

mod groups;
mod header;
mod ie;
mod messages;
mod raw;
mod tree;
mod types;
mod value;

use alloc::boxed::Box;
use alloc::vec::Vec;

pub use groups::*;
pub use header::{Header, Sequence};
pub use ie::*;
pub use messages::*;
pub use raw::{Ie, RawMessage};
pub use table::{IeValue, MessageTable, Row, Table};
pub use types::{IeType, MessageType};
pub use value::{TYPED_IES, Value};

use crate::Teid;
use crate::error::Error;
use header::WireHeader;

/// The UDP port of GTP-C.
pub const PORT: u16 = 2123;

/// A datagram: a message, and a second one where the first announces it (§5.5.1).
#[derive(Debug, Clone, PartialEq)]
pub struct Packet {
    /// What stands before the elements.
    pub header: Header,
    /// What it says.
    pub message: Message,
    /// The initial message that came with this response.
    pub piggybacked: Option<Box<Packet>>,
}

/// Decodes a datagram.
///
/// # Errors
/// [`Error::cause`] and [`Error::offending`] say what TS 29.274 §7.7 wants in the answer.
pub fn decode(datagram: &[u8]) -> Result<Packet, Error> {
    let (packet, rest) = decode_one(datagram)?;
    if !packet.header.piggyback && rest.is_empty() {
        return Ok(packet);
    }
    let length = Error::Length {
        header: Some(packet.header),
        declared: datagram.len() - rest.len(),
        have: datagram.len(),
    };
    if !packet.header.piggyback || rest.is_empty() {
        return Err(length);
    }
    let (second, rest) = decode_one(rest)?;
    if second.header.piggyback || !rest.is_empty() {
        return Err(length);
    }
    Ok(Packet {
        piggybacked: Some(Box::new(second)),
        ..packet
    })
}

fn decode_one(datagram: &[u8]) -> Result<(Packet, &[u8]), Error> {
    let WireHeader {
        header, octets, end, ..
    } = WireHeader::read(datagram)?;
    let mut walk = raw::IeWalk::new(datagram.get(octets..end).unwrap_or_default());
    let message =
        Message::read(header.message_type, &mut walk).map_err(|error| raw::place(error, header, octets))?;
    Ok((
        Packet {
            header,
            message,
            piggybacked: None,
        },
        datagram.get(end..).unwrap_or_default(),
    ))
}

impl Packet {
    /// The datagram. [`Header::message_type`] and [`Header::piggyback`] are taken from what is there.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.encode_into(&mut out);
        out
    }

    /// Appends the datagram to a buffer.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        let message_type = self.message.message_type();
        let header = Header {
            message_type,
            piggyback: self.piggybacked.is_some(),
            ..self.header
        };
        header.write((0, 0), out, |out| self.message.write(out));
        if let Some(second) = &self.piggybacked {
            second.encode_into(out);
        }
    }
}

impl Message {
    /// The datagram. `teid` is `None` for messages that are not about a session.
    #[must_use]
    pub fn encode(&self, teid: Option<Teid>, sequence: Sequence) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.encode_into(teid, sequence, &mut out);
        out
    }

    /// Appends the datagram to a buffer.
    pub fn encode_into(&self, teid: Option<Teid>, sequence: Sequence, out: &mut Vec<u8>) {
        let message_type = self.message_type();
        let header = Header {
            message_type,
            teid,
            sequence,
            priority: None,
            piggyback: false,
        };
        header.write((0, 0), out, |out| self.write(out));
    }

    /// Its name in the specification, for logs and labels.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.message_type().name().unwrap_or("unknown")
    }
}
