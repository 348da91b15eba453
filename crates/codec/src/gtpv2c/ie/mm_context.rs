//! MM Context, TS 29.274 §8.38: keys and capabilities of a UE, from one MME or SGSN to the next. One element of six, as
//! the security of the UE is of GSM, UMTS or EPS.

use alloc::vec::Vec;
use core::fmt;

use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};

/// MM Context (EPS Security Context, Quadruplets and Quintuplets), figure 8.38-5.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MmContextEps {
    /// 4 is UMTS/EPS with quadruplets and quintuplets. Three bits.
    pub security_mode: u8,
    /// NHI: next hop and its chaining count are in `more`.
    pub has_next_hop: bool,
    /// DRXI: a DRX parameter is in `more`.
    pub has_drx: bool,
    /// Key set identifier, three bits.
    pub ksi_asme: u8,
    /// How many authentication quintuplets are in `more`, at most 7.
    pub quintuplets: u8,
    /// How many authentication quadruplets are in `more`, at most 7.
    pub quadruplets: u8,
    /// UAMBRI: the UE-AMBR in use is in `more`.
    pub has_used_ue_ambr: bool,
    /// OSCI: an old security context is in `more`.
    pub has_old_security_context: bool,
    /// SAMBRI: the subscribed UE-AMBR is in `more`.
    pub has_subscribed_ue_ambr: bool,
    /// Integrity algorithm of NAS in use, three bits.
    pub integrity: u8,
    /// Ciphering algorithm of NAS in use, four bits.
    pub ciphering: u8,
    /// Downlink count of NAS, 24 bits.
    pub downlink_count: u32,
    /// Uplink count of NAS, 24 bits.
    pub uplink_count: u32,
    /// The key. Not shown by `Debug`.
    pub kasme: [u8; 32],
    /// Vectors, parameters and capabilities, coded as in the figure. Not shown by `Debug`.
    pub more: Vec<u8>,
}

impl IeValue for MmContextEps {
    const TYPE: IeType = IeType::MM_CONTEXT_EPS_SECURITY_CONTEXT;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let [first, second, third] = r.array("security mode and algorithms")?;
        Ok(MmContextEps {
            security_mode: first >> 5,
            has_next_hop: first & 0x10 != 0,
            has_drx: first & 0x08 != 0,
            ksi_asme: first & 0x07,
            quintuplets: second >> 5,
            quadruplets: second >> 2 & 0x07,
            has_used_ue_ambr: second & 0x02 != 0,
            has_old_security_context: second & 0x01 != 0,
            has_subscribed_ue_ambr: third & 0x80 != 0,
            integrity: third >> 4 & 0x07,
            ciphering: third & 0x0f,
            downlink_count: r.u24("NAS downlink count")?,
            uplink_count: r.u24("NAS uplink count")?,
            kasme: r.array("K ASME")?,
            more: r.rest().to_vec(),
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        let flag = |set, flag| if set { flag } else { 0 };
        out.put(&[
            self.security_mode << 5
                | flag(self.has_next_hop, 0x10)
                | flag(self.has_drx, 0x08)
                | self.ksi_asme & 0x07,
            self.quintuplets << 5
                | (self.quadruplets & 0x07) << 2
                | flag(self.has_used_ue_ambr, 0x02)
                | flag(self.has_old_security_context, 0x01),
            flag(self.has_subscribed_ue_ambr, 0x80) | (self.integrity & 0x07) << 4 | self.ciphering & 0x0f,
        ]);
        out.put_u24(self.downlink_count);
        out.put_u24(self.uplink_count);
        out.put(&self.kasme);
        out.put(&self.more);
    }
}

impl fmt::Debug for MmContextEps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MmContextEps")
            .field("security_mode", &self.security_mode)
            .field("ksi_asme", &self.ksi_asme)
            .field("integrity", &self.integrity)
            .field("ciphering", &self.ciphering)
            .field("downlink_count", &self.downlink_count)
            .field("uplink_count", &self.uplink_count)
            .finish_non_exhaustive()
    }
}

macro_rules! older {
    ($($(#[$doc:meta])* $name:ident = $ie:ident)*) => { $(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash)]
        pub struct $name {
            /// Which kinds of keys and vectors, three bits.
            pub security_mode: u8,
            /// Bits 5 and 4 of the first octet; bit 4 is DRXI.
            pub flags: u8,
            /// Key set identifier, three bits.
            pub key_set: u8,
            /// Keys, vectors and capabilities, coded as in the figure. Not shown by `Debug`.
            pub more: Vec<u8>,
        }

        impl IeValue for $name {
            const TYPE: IeType = IeType::$ie;

            fn decode(value: &[u8]) -> Result<Self, ValueError> {
                let mut r = Reader::new(value);
                let first = r.u8("security mode")?;
                let (security_mode, flags, key_set) = (first >> 5, first >> 3 & 0x03, first & 0x07);
                Ok($name { security_mode, flags, key_set, more: r.rest().to_vec() })
            }

            fn encode(&self, out: &mut Vec<u8>) {
                out.put_u8(self.security_mode << 5 | (self.flags & 0x03) << 3 | self.key_set & 0x07);
                out.put(&self.more);
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name))
                    .field("security_mode", &self.security_mode)
                    .field("key_set", &self.key_set)
                    .finish_non_exhaustive()
            }
        }
    )* };
}

older! {
    /// MM Context (GSM Key and Triplets), figure 8.38-1.
    MmContextGsm = MM_CONTEXT_GSM_KEY_AND_TRIPLETS
    /// MM Context (UMTS Key, Used Cipher and Quintuplets), figure 8.38-2.
    MmContextUmtsUsedCipher = MM_CONTEXT_UMTS_KEY_USED_CIPHER_AND_QUINTUPLETS
    /// MM Context (GSM Key, Used Cipher and Quintuplets), figure 8.38-3.
    MmContextGsmUsedCipher = MM_CONTEXT_GSM_KEY_USED_CIPHER_AND_QUINTUPLETS
    /// MM Context (UMTS Key and Quintuplets), figure 8.38-4.
    MmContextUmts = MM_CONTEXT_UMTS_KEY_AND_QUINTUPLETS
    /// MM Context (UMTS Key, Quadruplets and Quintuplets), figure 8.38-6.
    MmContextUmtsQuadruplets = MM_CONTEXT_UMTS_KEY_QUADRUPLETS_AND_QUINTUPLETS
}
