//! Indication, TS 29.274 §8.12: flags, of which every release added some.

use alloc::vec::Vec;
use core::fmt;

use super::ie_values;
use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};

/// How many octets of flags are kept; the specification has filled ten.
const OCTETS: usize = 16;

/// Flags. As many octets are sent as were received, or as the highest flag needs, but at least two.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Indication {
    flags: [u8; OCTETS],
    octets: u8,
}

/// One flag: the octet, counted from 0, and its bit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IndicationFlag {
    octet: u8,
    mask: u8,
}

macro_rules! flags {
    (@each $octet:tt []) => {};
    (@each $octet:tt [[$b8:ident $b7:ident $b6:ident $b5:ident $b4:ident $b3:ident $b2:ident $b1:ident] $($rest:tt)*]) => {
        flags! { @flag $octet 0x80 $b8 }
        flags! { @flag $octet 0x40 $b7 }
        flags! { @flag $octet 0x20 $b6 }
        flags! { @flag $octet 0x10 $b5 }
        flags! { @flag $octet 0x08 $b4 }
        flags! { @flag $octet 0x04 $b3 }
        flags! { @flag $octet 0x02 $b2 }
        flags! { @flag $octet 0x01 $b1 }
        flags! { @each ($octet + 1) [$($rest)*] }
    };
    (@flag $octet:tt $mask:literal $name:ident) => {
        #[doc = concat!("The flag ", stringify!($name), " of §8.12.")]
        pub const $name: IndicationFlag = IndicationFlag { octet: $octet, mask: $mask };
    };
    ($([$($name:ident)*])*) => {
        impl Indication {
            flags! { @each 0 [$([$($name)*])*] }
        }
        const NAMES: &[[&str; 8]] = &[$([$(stringify!($name)),*]),*];
    };
}

// One line an octet, from bit 8 to bit 1. SPAREn has no meaning yet.
flags! {
    [DAF DTF HI DFI OI ISRSI ISRAI SGWCI]
    [SQCI UIMSI CFSI CRSI P PT SI MSV]
    [RETLOC PBIC SRNI S6AF S4AF MBMDT ISRAU CCRSI]
    [CPRAI ARRL PPOF PPON_PPEI PPSI CSFBI CLII CPSR]
    [NSI UASI DTCI BDWI PSCI PCRI AOSI AOPI]
    [ROAAI EPCOSI CPOPCI PMTSMI S11TF PNSI UNACCSI WPMSI]
    [FIVE_GSNN26 REPREFI FIVE_GSIWK EEVRSI LTEMUI LTEMPI ENBCRSI TSPCMI]
    [CSRMFI MTEDTN MTEDTA N5GNMI FIVE_GCNRS FIVE_GCNRI FIVE_SRHOI ETHPDN]
    [NSPUSI PGWRNSI RPPCSI PGWCHI SISSME NSENBI IDFUPF EMCI]
    [SPARE4 SPARE3 SPARE2 SPARE1 LAPCOSI LTEMSAI SRTPI UPIPSI]
}

impl Indication {
    /// No flag set.
    #[must_use]
    pub const fn new() -> Self {
        Indication {
            flags: [0; OCTETS],
            octets: 2,
        }
    }

    /// Whether the flag is set.
    #[must_use]
    pub fn has(&self, flag: IndicationFlag) -> bool {
        self.flags
            .get(usize::from(flag.octet))
            .is_some_and(|octet| octet & flag.mask != 0)
    }

    /// The same with the flag set.
    #[must_use]
    pub fn with(mut self, flag: IndicationFlag) -> Self {
        if let Some(octet) = self.flags.get_mut(usize::from(flag.octet)) {
            *octet |= flag.mask;
            self.octets = self.octets.max(flag.octet + 1);
        }
        self
    }

    /// The octets as they are sent.
    #[must_use]
    pub fn as_octets(&self) -> &[u8] {
        self.flags.get(..usize::from(self.octets)).unwrap_or_default()
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let mut indication = Indication {
            flags: [0; OCTETS],
            octets: 0,
        };
        if r.is_empty() {
            return Err(r.short("indication flags"));
        }
        for (place, octet) in indication.flags.iter_mut().zip(r.rest()) {
            *place = *octet;
            indication.octets += 1;
        }
        Ok(indication)
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put(self.as_octets());
    }
}

impl Default for Indication {
    fn default() -> Self {
        Indication::new()
    }
}

impl fmt::Debug for Indication {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Indication(")?;
        let mut between = "";
        for (octet, names) in self.as_octets().iter().zip(NAMES.iter()) {
            for (bit, name) in names.iter().enumerate() {
                if octet & 0x80 >> bit != 0 {
                    write!(f, "{between}{name}")?;
                    between = " ";
                }
            }
        }
        f.write_str(")")
    }
}

ie_values! { Indication = INDICATION }
