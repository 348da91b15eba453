//! The lower layer: a header, and information elements in the order of the wire, written back octet for octet.

use alloc::vec::Vec;
use core::fmt;

use super::header::WireHeader;
use super::{Header, IeType};
use crate::error::{Error, Place, ValueError, ValueProblem};
use crate::wire::{Put, Reader};

/// How deep grouped IEs may lie in grouped IEs; the specification has two levels.
const MAX_DEPTH: usize = 8;

/// An information element as it is on the wire, TS 29.274 §8.2.1.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Ie {
    /// Which kind of element.
    pub ie_type: IeType,
    /// 0 to 15: which of several elements of this kind.
    pub instance: u8,
    /// The other half of the octet with the instance; sent as 0, to be ignored.
    pub spare: u8,
    /// What follows type, length and instance.
    pub value: Vec<u8>,
}

impl Ie {
    /// With this value.
    #[must_use]
    pub fn new(ie_type: IeType, instance: u8, value: impl Into<Vec<u8>>) -> Self {
        Ie {
            ie_type,
            instance: instance & 0x0f,
            spare: 0,
            value: value.into(),
        }
    }

    /// Reads elements up to the end of the octets; those in grouped elements are not looked at.
    ///
    /// # Errors
    /// When the octets end before an element does.
    pub fn decode_all(octets: &[u8]) -> Result<Vec<Self>, ValueError> {
        IeWalk::new(octets).map(|ie| ie.map(IeRef::to_owned)).collect()
    }

    /// The type that stands in the first two octets of an element of type 254 (§8.2.1A).
    #[must_use]
    pub fn extension_type(&self) -> Option<u16> {
        let value = (self.ie_type == IeType::EXTENSION).then_some(&self.value)?;
        value.first_chunk().copied().map(u16::from_be_bytes)
    }

    /// Reads one element and gives it and the octets after it.
    ///
    /// # Errors
    /// When the octets end before the element does, or elements in it do not fill it.
    pub fn decode(octets: &[u8]) -> Result<(Self, &[u8]), ValueError> {
        let mut walk = IeWalk::new(octets);
        let ie = walk.next().unwrap_or_else(|| Err(walk.r.short("IE type")))?;
        ie.check_members()?;
        Ok((ie.to_owned(), walk.r.rest()))
    }

    /// Appends type, length, instance and value.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        put_ie(self.ie_type, self.spare << 4 | self.instance & 0x0f, out, |out| {
            out.put(&self.value)
        });
    }
}

#[inline]
pub(super) fn put_ie(ie_type: IeType, instance: u8, out: &mut Vec<u8>, value: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.put(&[ie_type.0, 0, 0, instance]);
    value(out);
    let length = u16::try_from(out.len() - start - 4).unwrap_or_else(|_| {
        out.truncate(start + 4 + usize::from(u16::MAX));
        u16::MAX
    });
    if let Some(place) = out.get_mut(start + 1..start + 3) {
        place.copy_from_slice(&length.to_be_bytes());
    }
}

/// An element in borrowed octets.
#[derive(Debug, Clone, Copy)]
pub(super) struct IeRef<'a> {
    pub(super) ie_type: IeType,
    pub(super) instance: u8,
    pub(super) spare: u8,
    pub(super) value: &'a [u8],
    /// Where the value begins in what is walked through.
    pub(super) at: usize,
}

impl IeRef<'_> {
    pub(super) fn to_owned(self) -> Ie {
        let IeRef {
            ie_type,
            instance,
            spare,
            value,
            at: _,
        } = self;
        Ie {
            ie_type,
            instance,
            spare,
            value: value.to_vec(),
        }
    }

    /// Whether the elements of a grouped element fill it, at every level.
    pub(super) fn check_members(&self) -> Result<(), ValueError> {
        self.check_depth(0)
    }

    fn check_depth(&self, depth: usize) -> Result<(), ValueError> {
        if !self.ie_type.is_grouped() {
            return Ok(());
        }
        if depth == MAX_DEPTH {
            let (what, problem) = ("depth of grouped IEs", ValueProblem::Incorrect);
            return Err(ValueError {
                what,
                at: 0,
                problem,
                ie: None,
                group: None,
            });
        }
        for member in IeWalk::new(self.value) {
            let member = member?;
            member
                .check_depth(depth + 1)
                .map_err(|error| member.locate(error))?;
        }
        Ok(())
    }

    /// Where an error in this element lies in what the element lies in.
    #[cold]
    pub(super) fn locate(&self, error: ValueError) -> ValueError {
        let this = Some((self.ie_type, self.instance));
        let at = self.at + error.at;
        match error.ie {
            None => ValueError {
                at,
                ie: this,
                ..error
            },
            Some(_) => ValueError {
                at,
                group: error.group.or(this),
                ..error
            },
        }
    }
}

/// Goes through elements; ends after the first error.
#[derive(Debug, Clone, Copy)]
pub(super) struct IeWalk<'a> {
    r: Reader<'a>,
}

impl<'a> IeWalk<'a> {
    #[inline]
    pub(super) fn new(octets: &'a [u8]) -> Self {
        IeWalk {
            r: Reader::new(octets),
        }
    }

    /// Octets gone through.
    pub(super) fn at(&self) -> usize {
        self.r.at()
    }
}

impl<'a> Iterator for IeWalk<'a> {
    type Item = Result<IeRef<'a>, ValueError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.r.is_empty() {
            return None;
        }
        let Ok([ie_type, l1, l2, last]) = self.r.array("IE type, length and instance") else {
            let ie_type = self.r.u8("IE type").unwrap_or_default();
            let error = self.r.short("IE type, length and instance");
            self.r.rest();
            return Some(Err(ValueError {
                ie: Some((IeType(ie_type), 0)),
                ..error
            }));
        };
        let (ie_type, instance, spare) = (IeType(ie_type), last & 0x0f, last >> 4);
        let at = self.r.at();
        match self.r.take(usize::from(u16::from_be_bytes([l1, l2])), "IE value") {
            Ok(value) => Some(Ok(IeRef {
                ie_type,
                instance,
                spare,
                value,
                at,
            })),
            Err(error) => {
                self.r.rest();
                Some(Err(ValueError {
                    ie: Some((ie_type, instance)),
                    ..error
                }))
            }
        }
    }
}

/// A message of which only header and framing of the elements are understood. Bits without meaning are kept, so that
/// [`RawMessage::encode`] gives the octets that [`RawMessage::decode`] read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RawMessage {
    /// What stands before the elements.
    pub header: Header,
    /// In the order of the wire.
    pub ies: Vec<Ie>,
    spare: (u8, u8),
}

impl RawMessage {
    /// With these elements.
    #[must_use]
    pub fn new(header: Header, ies: Vec<Ie>) -> Self {
        RawMessage {
            header,
            ies,
            spare: (0, 0),
        }
    }

    /// Reads the first message of a datagram, and gives it and the octets after it, which are the piggybacked message
    /// if [`Header::piggyback`] is set.
    ///
    /// # Errors
    /// When it is not of version 2, or lengths do not fit.
    pub fn decode(datagram: &[u8]) -> Result<(Self, &[u8]), Error> {
        let WireHeader {
            header,
            spare_flags,
            spare_octet,
            octets,
            end,
        } = WireHeader::read(datagram)?;
        let mut ies = Vec::new();
        for ie in IeWalk::new(datagram.get(octets..end).unwrap_or_default()) {
            let ie = ie.and_then(|ie| ie.check_members().map(|()| ie).map_err(|error| ie.locate(error)));
            ies.push(ie.map_err(|error| place(error, header, octets))?.to_owned());
        }
        Ok((
            RawMessage {
                header,
                ies,
                spare: (spare_flags, spare_octet),
            },
            datagram.get(end..).unwrap_or_default(),
        ))
    }

    /// The message, octet 1 of the header to the last.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(256);
        self.encode_into(&mut out);
        out
    }

    /// Appends the message to a buffer.
    pub fn encode_into(&self, out: &mut Vec<u8>) {
        self.header.write(self.spare, out, |out| {
            self.ies.iter().for_each(|ie| ie.encode_into(out))
        });
    }
}

/// What a node is told of an error in an element.
#[cold]
pub(super) fn place(error: ValueError, header: Header, header_octets: usize) -> Error {
    let (ie, instance) = error.ie.unwrap_or_default();
    let place = Place {
        header,
        ie,
        instance,
        group: error.group,
        offset: header_octets + error.at,
    };
    match error.problem {
        ValueProblem::Short => Error::IeLength {
            place,
            what: error.what,
        },
        ValueProblem::Incorrect => Error::IeIncorrect {
            place,
            what: error.what,
        },
        ValueProblem::Missing => Error::MandatoryMissing(place),
    }
}

impl fmt::Debug for Ie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ie({} [{}]: ", self.ie_type, self.instance)?;
        self.value.iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
        f.write_str(")")
    }
}
