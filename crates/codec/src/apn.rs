//! Access Point Names and other names made of labels.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::error::{Error, ValueError};
use crate::wire::{Put, Reader};

/// An Access Point Name: labels of 1 to 63 octets, 100 octets at most when encoded (TS 23.003 §9.1). Comparing ignores
/// the case of ASCII letters, as for DNS names.
#[derive(Clone)]
pub struct Apn {
    /// Each label after an octet with its length, as on the wire.
    octets: Box<[u8]>,
}

impl Apn {
    /// The labels, from left to right.
    pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut r = Reader::new(&self.octets);
        core::iter::from_fn(move || {
            let length = r.u8("label").ok()?;
            r.take(usize::from(length), "label").ok()
        })
    }

    /// The encoded name: each label after an octet with its length.
    #[must_use]
    pub fn as_octets(&self) -> &[u8] {
        &self.octets
    }

    /// Decodes a name.
    ///
    /// # Errors
    /// Refuses an empty name, an empty label before the end and a label that runs over the end.
    pub fn from_octets(octets: &[u8]) -> Result<Self, ValueError> {
        Apn::read(&mut Reader::new(octets))
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let mut walk = *r;
        let mut length = 0;
        while !walk.is_empty() {
            let label = walk.u8("APN label length")?;
            if label == 0 && walk.is_empty() && length > 0 {
                break; // The root label, which some senders put at the end.
            }
            if label == 0 {
                return Err(walk.incorrect("APN label length"));
            }
            walk.take(usize::from(label), "APN label")?;
            length += 1 + usize::from(label);
        }
        if length == 0 {
            return Err(r.short("APN"));
        }
        let octets = Box::from(r.take(length, "APN")?);
        *r = walk;
        Ok(Apn { octets })
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.put(&self.octets);
    }
}

impl PartialEq for Apn {
    fn eq(&self, other: &Self) -> bool {
        self.octets.eq_ignore_ascii_case(&other.octets)
    }
}

impl Eq for Apn {}

impl PartialOrd for Apn {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Apn {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        let lower = |apn: &Apn| apn.octets.to_ascii_lowercase();
        lower(self).cmp(&lower(other))
    }
}

impl core::hash::Hash for Apn {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.octets.to_ascii_lowercase().hash(state);
    }
}

/// From the form with dots, such as `internet` or `ims.mnc001.mcc001.gprs`.
impl FromStr for Apn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let wrong = Error::Text {
            what: "APN",
            expected: "labels of 1 to 63 printable ASCII characters with dots between",
        };
        let mut octets = Vec::with_capacity(text.len() + 1);
        for label in text.split('.') {
            let length = u8::try_from(label.len())
                .ok()
                .filter(|length| (1..=63).contains(length));
            let Some(length) = length.filter(|_| label.bytes().all(|c| c.is_ascii_graphic())) else {
                return Err(wrong);
            };
            octets.put_u8(length);
            octets.put(label.as_bytes());
        }
        if octets.len() > 100 {
            return Err(Error::Text {
                what: "APN",
                expected: "at most 99 characters",
            });
        }
        Ok(Apn {
            octets: octets.into(),
        })
    }
}

impl fmt::Display for Apn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, label) in self.labels().enumerate() {
            if place > 0 {
                f.write_str(".")?;
            }
            write!(f, "{}", label.escape_ascii())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Apn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Apn({self})")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn labels_there_and_back() {
        let apn: Apn = "internet.example".parse().unwrap();
        assert_eq!(apn.as_octets(), b"\x08internet\x07example");
        assert_eq!(Apn::from_octets(apn.as_octets()).unwrap(), apn);
        assert_eq!(apn.to_string(), "internet.example");
        assert_eq!(Apn::from_octets(b"\x08INTERNET\x07example\0").unwrap(), apn);
    }

    #[test]
    fn broken_names_are_refused() {
        for octets in [&b""[..], b"\0", b"\x01", b"internet", b"\x01a\0\x01b"] {
            assert!(Apn::from_octets(octets).is_err(), "{octets:?}");
        }
        for text in ["", ".", "a..b", "a b", "a."] {
            assert!(text.parse::<Apn>().is_err(), "{text}");
        }
    }
}
