//! The identity of a network: Mobile Country Code and Mobile Network Code.

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::error::{Error, ValueError};
use crate::wire::{Put, Reader};

/// No third MNC digit.
const FILLER: u8 = 0x0f;

/// A PLMN: three digits of MCC and two or three of MNC; `001-01` and `001-010` are different networks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Plmn {
    mcc: [u8; 3],
    mnc: [u8; 3],
}

impl Plmn {
    /// From the digits as text.
    ///
    /// # Errors
    /// [`Error::Text`] unless the MCC has three decimal digits and the MNC two or three.
    pub fn new(mcc: &str, mnc: &str) -> Result<Self, Error> {
        let wrong = |what, expected| Error::Text { what, expected };
        let mcc = digits(mcc)
            .filter(|mcc| mcc[2] != FILLER)
            .ok_or(wrong("MCC", "3 decimal digits"))?;
        let mnc = digits(mnc)
            .filter(|mnc| mnc[1] != FILLER)
            .ok_or(wrong("MNC", "2 or 3 decimal digits"))?;
        Ok(Plmn { mcc, mnc })
    }

    /// The MCC as three digits, one a byte.
    #[must_use]
    pub fn mcc(&self) -> [u8; 3] {
        self.mcc
    }

    /// The MNC as two or three digits, one a byte.
    #[must_use]
    pub fn mnc(&self) -> &[u8] {
        match &self.mnc {
            [two @ .., FILLER] => two,
            three => three,
        }
    }

    /// Three octets as GTP and NAS write them: MCC2 MCC1, MNC3 MCC3, MNC2 MNC1 (TS 24.008 §10.5.1.13).
    #[must_use]
    pub fn to_nas_octets(self) -> [u8; 3] {
        let ([a, b, c], [x, y, z]) = (self.mcc, self.mnc);
        [b << 4 | a, z << 4 | c, y << 4 | x]
    }

    /// Reads what [`Plmn::to_nas_octets`] writes. Digits that are not decimal are kept.
    #[must_use]
    pub fn from_nas_octets([first, second, third]: [u8; 3]) -> Self {
        Plmn {
            mcc: [first & 0x0f, first >> 4, second & 0x0f],
            mnc: [third & 0x0f, third >> 4, second >> 4],
        }
    }

    /// Three octets as S1AP and the IE "PLMN ID" write them: MCC2 MCC1, MNC1 MCC3, MNC3 MNC2, and MCC2 MCC1,
    /// 1111 MCC3, MNC2 MNC1 where the MNC has two digits (TS 36.413 §9.2.3.8).
    #[must_use]
    pub fn to_s1ap_octets(self) -> [u8; 3] {
        let ([a, b, c], [x, y, z]) = (self.mcc, self.mnc);
        if z == FILLER {
            self.to_nas_octets()
        } else {
            [b << 4 | a, x << 4 | c, z << 4 | y]
        }
    }

    /// Reads what [`Plmn::to_s1ap_octets`] writes. Digits that are not decimal are kept.
    #[must_use]
    pub fn from_s1ap_octets(octets @ [first, second, third]: [u8; 3]) -> Self {
        if second >> 4 == FILLER {
            return Plmn::from_nas_octets(octets);
        }
        Plmn {
            mcc: [first & 0x0f, first >> 4, second & 0x0f],
            mnc: [second >> 4, third & 0x0f, third >> 4],
        }
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        r.array("PLMN").map(Plmn::from_nas_octets)
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.put(&self.to_nas_octets());
    }
}

/// Two or three decimal digits, the third filled when there are two.
fn digits(text: &str) -> Option<[u8; 3]> {
    let mut found = [FILLER; 3];
    if !(2..=3).contains(&text.len()) {
        return None;
    }
    for (place, character) in found.iter_mut().zip(text.bytes()) {
        *place = character.is_ascii_digit().then_some(character & 0x0f)?;
    }
    Some(found)
}

/// `MCC-MNC`, or the five or six digits without a dash.
impl FromStr for Plmn {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let split = text.split_once('-').or_else(|| text.split_at_checked(3));
        let (mcc, mnc) = split.ok_or(Error::Text {
            what: "PLMN",
            expected: "MCC-MNC, such as 001-01",
        })?;
        Plmn::new(mcc, mnc)
    }
}

impl fmt::Display for Plmn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for digit in self.mcc {
            write!(f, "{digit:x}")?;
        }
        f.write_str("-")?;
        for digit in self.mnc() {
            write!(f, "{digit:x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Plmn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plmn({self})")
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn two_and_three_digit_networks_in_both_orders() {
        let two = Plmn::new("262", "01").unwrap();
        assert_eq!(two.to_nas_octets(), [0x62, 0xf2, 0x10]);
        assert_eq!(two.to_s1ap_octets(), [0x62, 0xf2, 0x10]);
        let three = Plmn::new("310", "410").unwrap();
        assert_eq!(three.to_nas_octets(), [0x13, 0x00, 0x14]);
        assert_eq!(three.to_s1ap_octets(), [0x13, 0x40, 0x01]);
        for plmn in [two, three] {
            assert_eq!(Plmn::from_nas_octets(plmn.to_nas_octets()), plmn);
            assert_eq!(Plmn::from_s1ap_octets(plmn.to_s1ap_octets()), plmn);
            assert_eq!(plmn.to_string().parse::<Plmn>().unwrap(), plmn);
        }
    }

    #[test]
    fn a_leading_zero_makes_another_network() {
        assert_ne!(
            "001-01".parse::<Plmn>().unwrap(),
            "001-001".parse::<Plmn>().unwrap()
        );
        assert_eq!("00101".parse::<Plmn>().unwrap().to_string(), "001-01");
        for text in ["", "1-01", "001-1", "0010", "001-0001", "00x-01"] {
            assert!(text.parse::<Plmn>().is_err(), "{text}");
        }
    }
}
