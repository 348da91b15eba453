//! Identities that are strings of decimal digits: IMSI, MSISDN, MEI.
//!
//! On the wire two digits share an octet, the first in the low half, and an odd count is filled with 1111 (TS 23.003,
//! TS 29.274 §8.3, §8.10, §8.11). Here the digits lie in the order in which one reads them, in the value itself.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::error::{Error, ValueError};
use crate::wire::{Put, Reader};

/// Up to `2 * OCTETS` digits; the first of each pair in the high half, unused halves zero, so that the derived order
/// is that of the digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Digits<const OCTETS: usize> {
    packed: [u8; OCTETS],
    count: u8,
}

impl<const OCTETS: usize> Digits<OCTETS> {
    fn from_text(text: &str) -> Option<Self> {
        let mut digits = Digits {
            packed: [0; OCTETS],
            count: 0,
        };
        for character in text.bytes() {
            if !character.is_ascii_digit() {
                return None;
            }
            let half = character - b'0';
            let place = digits.packed.get_mut(usize::from(digits.count / 2))?;
            *place |= if digits.count % 2 == 0 { half << 4 } else { half };
            digits.count += 1;
        }
        Some(digits)
    }

    /// Reads to the end of the value or to the first filler, after which only fillers may follow.
    #[inline]
    fn decode(r: &mut Reader<'_>, what: &'static str) -> Result<Self, ValueError> {
        let mut digits = Digits {
            packed: [0; OCTETS],
            count: 0,
        };
        let mut filled = false;
        while !r.is_empty() {
            let octet = r.u8(what)?;
            let (first, second) = (octet & 0x0f, octet >> 4);
            if filled || first == 0x0f {
                if octet != 0xff {
                    return Err(r.incorrect(what));
                }
                filled = true;
                continue;
            }
            let Some(place) = digits.packed.get_mut(usize::from(digits.count / 2)) else {
                return Err(r.incorrect(what));
            };
            filled = second == 0x0f;
            if first > 9 || (second > 9 && !filled) {
                return Err(r.incorrect(what));
            }
            *place = first << 4 | if filled { 0 } else { second };
            digits.count += if filled { 1 } else { 2 };
        }
        Ok(digits)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let count = usize::from(self.count);
        for octet in self.packed.iter().take(count / 2) {
            out.put_u8(octet.rotate_left(4));
        }
        if count % 2 == 1
            && let Some(last) = self.packed.get(count / 2)
        {
            out.put_u8(0xf0 | last >> 4);
        }
    }

    fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        self.packed
            .iter()
            .flat_map(|octet| [octet >> 4, octet & 0x0f])
            .take(usize::from(self.count))
    }
}

impl<const OCTETS: usize> fmt::Display for Digits<OCTETS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0_u8; 32];
        let mut length = 0;
        for (place, digit) in text.iter_mut().zip(self.iter()) {
            *place = b'0' + digit;
            length += 1;
        }
        let text = text
            .get(..length)
            .and_then(|text| core::str::from_utf8(text).ok());
        f.pad(text.unwrap_or_default())
    }
}

macro_rules! identity {
    ($(#[$doc:meta])* $name:ident, $octets:literal octets, $what:literal, $least:literal to $most:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Digits<$octets>);

        impl $name {
            #[inline]
            pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
                let digits = Digits::decode(r, $what)?;
                if digits.count < $least {
                    return Err(r.short($what));
                }
                Ok($name(digits))
            }

            pub(crate) fn write(&self, out: &mut Vec<u8>) {
                self.0.encode(out);
            }

            /// How many digits there are.
            #[must_use]
            pub fn digit_count(&self) -> usize {
                usize::from(self.0.count)
            }

            /// The digits, 0 to 9, in reading order.
            pub fn digits(&self) -> impl Iterator<Item = u8> + '_ {
                self.0.iter()
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                const EXPECTED: &str = concat!(stringify!($least), " to ", stringify!($most), " decimal digits");
                let wrong = Error::Text { what: $what, expected: EXPECTED };
                let digits = Digits::from_text(text).ok_or(wrong)?;
                if !($least..=$most).contains(&digits.count) {
                    return Err(Error::Text { what: $what, expected: EXPECTED });
                }
                Ok($name(digits))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

identity! {
    /// International Mobile Subscriber Identity: MCC, MNC and subscriber number (TS 23.003 §2.2).
    Imsi, 8 octets, "IMSI", 1 to 15
}
identity! {
    /// Mobile Subscriber ISDN Number, in the international format without `+` (TS 23.003 §3.3).
    Msisdn, 10 octets, "MSISDN", 1 to 20
}
identity! {
    /// Mobile Equipment Identity: IMEI (15 digits) or IMEISV (16 digits) (TS 23.003 §6.2). Peers that leave the
    /// check digit out send 14.
    Mei, 8 octets, "MEI", 1 to 16
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use super::*;

    #[test]
    fn odd_and_even_counts_there_and_back() {
        for (text, wire) in [
            (
                "001010000000001",
                vec![0x00, 0x01, 0x01, 0x00, 0x00, 0x00, 0x00, 0xf1],
            ),
            ("12", vec![0x21]),
            ("1", vec![0xf1]),
        ] {
            let imsi: Imsi = text.parse().unwrap();
            let mut out = Vec::new();
            imsi.write(&mut out);
            assert_eq!(out, wire);
            assert_eq!(Imsi::read(&mut Reader::new(&wire)), Ok(imsi));
            assert_eq!(imsi.to_string(), text);
        }
    }

    #[test]
    fn text_that_is_no_number_is_refused() {
        for text in ["", "12a", "1234567890123456", "-1", "٣"] {
            assert!(text.parse::<Imsi>().is_err(), "{text}");
        }
    }

    #[test]
    fn order_is_that_of_the_digits() {
        let order = |a: &str, b: &str| a.parse::<Imsi>().unwrap().cmp(&b.parse::<Imsi>().unwrap());
        assert!(order("1", "10").is_lt());
        assert!(order("19", "2").is_lt());
        assert!(order("100", "100").is_eq());
    }

    #[test]
    fn a_filler_in_the_middle_is_incorrect() {
        assert!(Imsi::read(&mut Reader::new(&[0x21, 0xf3, 0x54])).is_err());
        assert_eq!(
            Imsi::read(&mut Reader::new(&[0x21, 0xff])).unwrap().to_string(),
            "12"
        );
    }
}
