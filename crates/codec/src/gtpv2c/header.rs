//! The header, TS 29.274 §5.1.
//!
//! ```text
//!      8     7     6     5     4     3     2     1
//!   | version = 2     |  P  |  T  | MP  |  -     -  |  octet 1
//!   | message type                                  |  octet 2
//!   | length: everything after octet 4              |  octets 3-4
//!   | TEID, if T is set                             |  octets 5-8
//!   | sequence number                               |  3 octets
//!   | message priority, if MP is set | -            |  1 octet
//! ```

use alloc::vec::Vec;
use core::fmt;

use super::MessageType;
use crate::Teid;
use crate::error::Error;
use crate::wire::{Put, Reader};

pub(super) const P: u8 = 0x10;
const T: u8 = 0x08;
const MP: u8 = 0x04;
const VERSION: u8 = 0x40;

/// Matches an answer with its request. 24 bits; a larger number is sent without its highest octet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(pub u32);

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What stands before the information elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Header {
    /// Which message it is.
    pub message_type: MessageType,
    /// The session, as the receiver named it; 0 while it has not named it yet, `None` where a message is not about a
    /// session (Echo, Version Not Supported).
    pub teid: Option<Teid>,
    /// Copied from a request into its answer.
    pub sequence: Sequence,
    /// 0, highest, to 15, lowest (§5.4, §12.3.9); only together with a TEID.
    pub priority: Option<u8>,
    /// Another message follows this one in the same datagram (§5.5.1).
    pub piggyback: bool,
}

/// A header, and the bits of it that have no meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WireHeader {
    pub(super) header: Header,
    pub(super) spare_flags: u8,
    pub(super) spare_octet: u8,
    /// Octets of the header.
    pub(super) octets: usize,
    /// Octets of the message with its header.
    pub(super) end: usize,
}

impl WireHeader {
    pub(super) fn read(datagram: &[u8]) -> Result<Self, Error> {
        let protocol = "GTPv2-C";
        let have = datagram.len();
        let &[flags, ..] = datagram else {
            return Err(Error::Header {
                protocol,
                needs: 8,
                have,
            });
        };
        let octets = if flags & T != 0 { 12 } else { 8 };
        let found = Self::fields(datagram, flags, octets);
        if flags >> 5 != 2 {
            let header = found.map(|found| found.header);
            return Err(Error::Version {
                protocol,
                version: flags >> 5,
                header,
            });
        }
        let found = found.ok_or(Error::Header {
            protocol,
            needs: octets,
            have,
        })?;
        if found.end > have || found.end < octets {
            return Err(Error::Length {
                header: Some(found.header),
                declared: found.end,
                have,
            });
        }
        Ok(found)
    }

    fn fields(datagram: &[u8], flags: u8, octets: usize) -> Option<Self> {
        let mut r = Reader::new(datagram.get(1..)?);
        let message_type = MessageType(r.u8("message type").ok()?);
        let length = r.u16("length").ok()?;
        let teid = if flags & T != 0 {
            Some(Teid(r.u32("TEID").ok()?))
        } else {
            None
        };
        let sequence = Sequence(r.u24("sequence number").ok()?);
        let last = r.u8("message priority").ok()?;
        let has_priority = flags & MP != 0 && teid.is_some();
        let header = Header {
            message_type,
            teid,
            sequence,
            priority: has_priority.then_some(last >> 4),
            piggyback: flags & P != 0,
        };
        let (spare_flags, spare_octet) = if has_priority {
            (flags & 0x03, last & 0x0f)
        } else {
            (flags & 0x07, last)
        };
        Some(WireHeader {
            header,
            spare_flags,
            spare_octet,
            octets,
            end: 4 + usize::from(length),
        })
    }
}

impl Header {
    /// Writes the header and then what `body` writes; the length counts it.
    pub(super) fn write(&self, spare: (u8, u8), out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
        let flag = |set, flag| if set { flag } else { 0 };
        let has_priority = self.priority.is_some() && self.teid.is_some();
        let flags = flag(self.piggyback, P) | flag(self.teid.is_some(), T) | flag(has_priority, MP);
        out.put(&[VERSION | flags | spare.0, self.message_type.0]);
        crate::wire::counted_u16(out, |out| {
            if let Some(teid) = self.teid {
                out.put_u32(teid.0);
            }
            out.put_u24(self.sequence.0);
            let priority = if has_priority {
                self.priority.unwrap_or(0) << 4
            } else {
                0
            };
            out.put_u8(priority | spare.1);
            body(out);
        });
    }
}

impl fmt::Display for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}), sequence {}",
            self.message_type, self.message_type.0, self.sequence
        )?;
        if let Some(teid) = self.teid {
            write!(f, ", TEID {teid}")?;
        }
        if let Some(priority) = self.priority {
            write!(f, ", priority {priority}")?;
        }
        f.write_str(if self.piggyback {
            ", another message follows"
        } else {
            ""
        })
    }
}
