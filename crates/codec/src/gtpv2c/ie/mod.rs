//! The values of information elements, TS 29.274 §8, one type a kind.

mod address;
mod area;
mod cause;
mod delegated;
mod indication;
mod location;
mod mm_context;
mod names;
mod numbers;
mod places;
mod qos;
mod records;
mod tft;
mod timers;

use alloc::vec::Vec;

pub use address::{Fteid, InterfaceType, IpAddress, Paa};
pub use area::*;
pub use cause::{Cause, CauseValue, Offending};
pub use delegated::*;
pub use indication::{Indication, IndicationFlag};
pub use location::{
    Cgi, Ecgi, ExtendedMacroEnbId, Lai, MacroEnbId, PlmnId, Rai, Sai, ServingNetwork, Tai, Uli,
};
pub use mm_context::*;
pub use names::{Fqdn, GroupId, LocalDistinguishedName, PgwSetFqdn, RemoteUserId, StnSr};
pub use numbers::*;
pub use places::*;
pub use qos::{Ambr, Arp, BearerQos, FlowQos};
pub use records::*;
pub use tft::*;
pub use timers::{DelayValue, EpcTimer, Throttling, UeTimeZone};

use super::IeType;
use super::table::IeValue;
use crate::error::ValueError;
use crate::wire::{Put, Reader};
use crate::{Apn, Ebi, Imsi, Mei, Msisdn, Pco};

/// Values that know how to read and write themselves.
macro_rules! ie_values {
    ($($name:ident = $constant:ident)*) => {
        $(impl IeValue for $name {
            const TYPE: IeType = IeType::$constant;

            #[inline]
            fn decode(value: &[u8]) -> Result<Self, ValueError> {
                $name::read(&mut Reader::new(value))
            }

            #[inline]
            fn encode(&self, out: &mut Vec<u8>) {
                self.write(out);
            }
        })*
    };
}
use ie_values;

ie_values! {
    Imsi = IMSI
    Msisdn = MSISDN
    Mei = MEI
    Apn = APN
    Pco = PCO
}

impl IeValue for Ebi {
    const TYPE: IeType = IeType::EBI;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        Reader::new(value)
            .u8("EPS bearer identity")
            .map(|octet| Ebi(octet & 0x0f))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.0 & 0x0f);
    }
}
