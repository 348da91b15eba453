//! Elements whose value another specification defines, taken apart as far as that is certain.
//!
//! Each has what was understood, and in `rest` the octets after it. A value that is cut short, or that has bits set
//! where the specification has spare ones, is not understood: all of it is in `rest`, and is written back as it came.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use super::records::put_counted;
use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};

/// The first part of a value.
pub(super) trait Part: Sized {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError>;
    fn write(&self, out: &mut Vec<u8>);
}

/// Takes the first part off, when it would be written as it came; otherwise all octets are the rest.
pub(super) fn take_apart<P: Part>(value: &[u8]) -> (Option<P>, Vec<u8>) {
    let mut r = Reader::new(value);
    if let Ok(part) = P::read(&mut r) {
        let mut again = Vec::with_capacity(r.at());
        part.write(&mut again);
        if value.get(..r.at()) == Some(&again[..]) {
            return (Some(part), r.rest().to_vec());
        }
    }
    (None, value.to_vec())
}

macro_rules! in_parts {
    ($($(#[$doc:meta])* $name:ident = $ie:ident { $field:ident: $part:ident })*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub struct $name {
            /// What the value says; nothing when it is not understood.
            pub $field: Option<$part>,
            /// The octets after that, as they came.
            pub rest: Vec<u8>,
        }

        impl From<$part> for $name {
            fn from($field: $part) -> Self {
                $name { $field: Some($field), rest: Vec::new() }
            }
        }

        impl IeValue for $name {
            const TYPE: IeType = IeType::$ie;

            fn decode(value: &[u8]) -> Result<Self, ValueError> {
                let ($field, rest) = take_apart(value);
                Ok($name { $field, rest })
            }

            fn encode(&self, out: &mut Vec<u8>) {
                if let Some(part) = &self.$field {
                    part.write(out);
                }
                out.put(&self.rest);
            }
        }
    )* };
}

in_parts! {
    /// Channel Needed, §8.63: identifier and value of the element of TS 44.018 §10.5.2.8, one octet.
    ChannelNeeded = CHANNEL_NEEDED { channels: NeededChannels }
    /// eMLPP Priority, §8.64: the value of the element of TS 48.008 §3.2.2.56, one octet.
    EmlppPriority = EMLPP_PRIORITY { priority: CallPriority }
    /// Transaction Identifier, §8.68: of a PDP context, coded as in TS 24.301 §9.9.4.17, one or two octets.
    TransactionIdentifier = TI { identifier: Ti }
    /// Monitoring Event Information, §8.120. Its flags (NSUR, NSUI, NSCF, SRIE) are not in the value, but beside the
    /// instance: the lower layer has them as the `spare` of the element, a message that is a struct writes them as zero.
    MonitoringEventInformation = MONITORING_EVENT_INFORMATION { event: MonitoringEvent }
    /// Remote UE IP Information, §8.124: the address of a UE behind a relay, as in TS 24.301 §9.9.4.20.
    RemoteUeIpInformation = REMOTE_UE_IP_INFORMATION { address: RemoteUeAddress }
    /// Monitoring Event Extension Information, §8.137.
    MonitoringEventExtensionInformation = MONITORING_EVENT_EXTENSION_INFORMATION { event: MonitoringEventExtension }
}

/// Source RNC PDCP Context Info, §8.55: the RRC container of TS 25.413 that the source RNC wrote for the target RNC. It
/// is transparent to a core network: the octets go on as they came.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceRncPdcpContextInfo(pub Vec<u8>);

impl IeValue for SourceRncPdcpContextInfo {
    const TYPE: IeType = IeType::SOURCE_RNC_PDCP_CONTEXT_INFO;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        Ok(SourceRncPdcpContextInfo(value.to_vec()))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put(&self.0);
    }
}

/// A kind of channel of GERAN, TS 44.018 table 10.5.2.8.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NeededChannel {
    /// Any channel.
    Any,
    /// SDCCH.
    Sdcch,
    /// TCH/F: full rate.
    FullRate,
    /// TCH/H or TCH/F: dual rate.
    DualRate,
}

impl NeededChannel {
    fn from_bits(bits: u8) -> Self {
        match bits & 0x03 {
            0 => NeededChannel::Any,
            1 => NeededChannel::Sdcch,
            2 => NeededChannel::FullRate,
            _ => NeededChannel::DualRate,
        }
    }
}

/// The channels that two mobile stations need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NeededChannels {
    /// Identifier of the element in the message that it is meant for, four bits.
    pub identifier: u8,
    /// For the first mobile station.
    pub first: NeededChannel,
    /// For the second; [`NeededChannel::Any`] when there is none.
    pub second: NeededChannel,
}

impl Part for NeededChannels {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let octet = r.u8("channel needed")?;
        Ok(NeededChannels {
            identifier: octet >> 4,
            first: NeededChannel::from_bits(octet),
            second: NeededChannel::from_bits(octet >> 2),
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put_u8(self.identifier << 4 | (self.second as u8) << 2 | self.first as u8);
    }
}

/// Priority of a call, enhanced Multi-Level Precedence and Pre-emption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallPriority {
    /// No priority applied, 0.
    None,
    /// Level 4, the lowest: 1.
    Level4,
    /// Level 3: 2.
    Level3,
    /// Level 2: 3.
    Level2,
    /// Level 1: 4.
    Level1,
    /// Level 0: 5.
    Level0,
    /// Level B: 6.
    B,
    /// Level A, the highest: 7.
    A,
}

impl Part for CallPriority {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        Ok(match r.u8("call priority")? & 0x07 {
            0 => CallPriority::None,
            1 => CallPriority::Level4,
            2 => CallPriority::Level3,
            3 => CallPriority::Level2,
            4 => CallPriority::Level1,
            5 => CallPriority::Level0,
            6 => CallPriority::B,
            _ => CallPriority::A,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put_u8(*self as u8);
    }
}

/// A transaction identifier, TS 24.007 §11.2.3.1.3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ti {
    /// TI flag: not set in messages of the side that chose the identifier.
    pub flag: bool,
    /// 0 to 127; from 7 on it takes a second octet.
    pub value: u8,
}

impl Part for Ti {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let first = r.u8("transaction identifier")?;
        let value = match first >> 4 & 0x07 {
            7 => r.u8("extension of the transaction identifier")? & 0x7f,
            value => value,
        };
        let flag = first & 0x80 != 0;
        Ok(Ti { flag, value })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let flag = if self.flag { 0x80 } else { 0 };
        if self.value < 7 {
            out.put_u8(flag | self.value << 4);
        } else {
            out.put(&[flag | 0x70, 0x80 | self.value]);
        }
    }
}

/// An event that an SCEF wants to hear of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MonitoringEvent {
    /// SCEF Reference ID.
    pub scef_reference_id: u32,
    /// Diameter identity of the SCEF, at most 255 octets.
    pub scef_id: Vec<u8>,
    /// How many reports are still to be sent.
    pub remaining_reports: u16,
    /// Extended SCEF Reference ID, which comes with the flag SRIE.
    pub extended_scef_reference_id: Option<u64>,
}

impl Part for MonitoringEvent {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let scef_reference_id = r.u32("SCEF reference ID")?;
        let scef_id = counted(r, "SCEF ID")?;
        let remaining_reports = r.u16("remaining number of reports")?;
        let extended_scef_reference_id = match r.left() {
            ..8 => None,
            _ => Some(r.array("extended SCEF reference ID").map(u64::from_be_bytes)?),
        };
        Ok(MonitoringEvent {
            scef_reference_id,
            scef_id,
            remaining_reports,
            extended_scef_reference_id,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put_u32(self.scef_reference_id);
        put_counted(out, &self.scef_id);
        out.put_u16(self.remaining_reports);
        if let Some(id) = self.extended_scef_reference_id {
            out.put(&id.to_be_bytes());
        }
    }
}

/// What an event of location reporting has besides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MonitoringEventExtension {
    /// SCEF Reference ID: the event.
    pub scef_reference_id: u32,
    /// Diameter identity of the SCEF, at most 255 octets.
    pub scef_id: Vec<u8>,
    /// LRTP: what remains of the least time between two periodic reports of the location; whole seconds, at most
    /// 4,294,967,295.
    pub location_reporting_time: Option<Duration>,
    /// SRIE: Extended SCEF Reference ID.
    pub extended_scef_reference_id: Option<u64>,
}

impl Part for MonitoringEventExtension {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let flags = r.u8("flags")?;
        Ok(MonitoringEventExtension {
            scef_reference_id: r.u32("SCEF reference ID")?,
            scef_id: counted(r, "SCEF ID")?,
            location_reporting_time: if flags & 0x01 != 0 {
                let seconds = r.u32("remaining minimum periodic location reporting time")?;
                Some(Duration::from_secs(seconds.into()))
            } else {
                None
            },
            extended_scef_reference_id: if flags & 0x02 != 0 {
                Some(r.array("extended SCEF reference ID").map(u64::from_be_bytes)?)
            } else {
                None
            },
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let flags = u8::from(self.location_reporting_time.is_some())
            | u8::from(self.extended_scef_reference_id.is_some()) << 1;
        out.put_u8(flags);
        out.put_u32(self.scef_reference_id);
        put_counted(out, &self.scef_id);
        if let Some(time) = self.location_reporting_time {
            out.put_u32(u32::try_from(time.as_secs()).unwrap_or(u32::MAX));
        }
        if let Some(id) = self.extended_scef_reference_id {
            out.put(&id.to_be_bytes());
        }
    }
}

/// Where a remote UE is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RemoteUeAddress {
    /// An IPv4 address.
    Ipv4(Ipv4Addr),
    /// An IPv6 prefix of 64 bits; the other half of the address is not sent, and read as zero.
    Ipv6Prefix(Ipv6Addr),
}

impl Part for RemoteUeAddress {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        match r.u8("address type")? & 0x07 {
            1 => r.ipv4("IPv4 address").map(RemoteUeAddress::Ipv4),
            2 => {
                let mut address = [0; 16];
                address[..8].copy_from_slice(&r.array::<8>("IPv6 prefix")?);
                Ok(RemoteUeAddress::Ipv6Prefix(address.into()))
            }
            _ => Err(r.incorrect("address type")),
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            RemoteUeAddress::Ipv4(address) => {
                out.put_u8(1);
                out.put_ipv4(*address);
            }
            RemoteUeAddress::Ipv6Prefix(address) => {
                out.put_u8(2);
                out.put(&address.octets()[..8]);
            }
        }
    }
}

fn counted(r: &mut Reader<'_>, what: &'static str) -> Result<Vec<u8>, ValueError> {
    let length = r.u8(what)?;
    r.take(usize::from(length), what).map(<[u8]>::to_vec)
}
