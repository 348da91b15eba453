//! Quality of service: bit rates and priorities.

use alloc::vec::Vec;

use super::{Qci, ie_values};
use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};

/// Aggregate Maximum Bit Rate, §8.7, of all bearers of an APN or of a UE that have no guaranteed rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ambr {
    /// kbit/s.
    pub uplink: u32,
    /// kbit/s.
    pub downlink: u32,
}

impl Ambr {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        Ok(Ambr {
            uplink: r.u32("APN-AMBR for uplink")?,
            downlink: r.u32("APN-AMBR for downlink")?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put_u32(self.uplink);
        out.put_u32(self.downlink);
    }
}

/// Allocation and Retention Priority, §8.86: who goes first when there is not enough for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arp {
    /// 1, highest, to 15, lowest; 0 is reserved.
    pub priority_level: u8,
    /// May take what a bearer of a lower priority has. On the wire it is PCI, where 1 means that it may not.
    pub may_preempt: bool,
    /// May lose what it has to a bearer of a higher priority. On the wire it is PVI, where 1 means that it may not.
    pub may_be_preempted: bool,
}

impl Arp {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        let octet = r.u8("allocation and retention priority")?;
        Ok(Arp {
            priority_level: octet >> 2 & 0x0f,
            may_preempt: octet & 0x40 == 0,
            may_be_preempted: octet & 0x01 == 0,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        let flag = |set, flag| if set { flag } else { 0 };
        let level = (self.priority_level & 0x0f) << 2;
        out.put_u8(flag(!self.may_preempt, 0x40) | level | flag(!self.may_be_preempted, 0x01));
    }
}

/// Bearer level Quality of Service, §8.15. Rates are 0 to 1,099,511,627,775 kbit/s; all are 0 where the QCI has no
/// guaranteed rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BearerQos {
    /// Who goes first.
    pub arp: Arp,
    /// How packets are treated.
    pub qci: Qci,
    /// Maximum, kbit/s.
    pub mbr_uplink: u64,
    /// Maximum, kbit/s.
    pub mbr_downlink: u64,
    /// Guaranteed, kbit/s.
    pub gbr_uplink: u64,
    /// Guaranteed, kbit/s.
    pub gbr_downlink: u64,
}

impl BearerQos {
    /// Without guaranteed rate: neither takes from others nor is safe from them.
    #[must_use]
    pub fn non_gbr(qci: u8, priority_level: u8) -> Self {
        BearerQos {
            arp: Arp {
                priority_level,
                may_preempt: false,
                may_be_preempted: true,
            },
            qci: Qci(qci),
            mbr_uplink: 0,
            mbr_downlink: 0,
            gbr_uplink: 0,
            gbr_downlink: 0,
        }
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        Ok(BearerQos {
            arp: Arp::read(r)?,
            qci: Qci(r.u8("QCI")?),
            mbr_uplink: r.u40("maximum bit rate for uplink")?,
            mbr_downlink: r.u40("maximum bit rate for downlink")?,
            gbr_uplink: r.u40("guaranteed bit rate for uplink")?,
            gbr_downlink: r.u40("guaranteed bit rate for downlink")?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.arp.write(out);
        out.put_u8(self.qci.0);
        for rate in [
            self.mbr_uplink,
            self.mbr_downlink,
            self.gbr_uplink,
            self.gbr_downlink,
        ] {
            out.put_u40(rate);
        }
    }
}

/// Flow Quality of Service, §8.16: what a UE asks for. Rates as in [`BearerQos`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FlowQos {
    /// How packets are treated.
    pub qci: Qci,
    /// Maximum, kbit/s.
    pub mbr_uplink: u64,
    /// Maximum, kbit/s.
    pub mbr_downlink: u64,
    /// Guaranteed, kbit/s.
    pub gbr_uplink: u64,
    /// Guaranteed, kbit/s.
    pub gbr_downlink: u64,
}

impl FlowQos {
    fn read(r: &mut Reader<'_>) -> Result<Self, ValueError> {
        Ok(FlowQos {
            qci: Qci(r.u8("QCI")?),
            mbr_uplink: r.u40("maximum bit rate for uplink")?,
            mbr_downlink: r.u40("maximum bit rate for downlink")?,
            gbr_uplink: r.u40("guaranteed bit rate for uplink")?,
            gbr_downlink: r.u40("guaranteed bit rate for downlink")?,
        })
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.put_u8(self.qci.0);
        for rate in [
            self.mbr_uplink,
            self.mbr_downlink,
            self.gbr_uplink,
            self.gbr_downlink,
        ] {
            out.put_u40(rate);
        }
    }
}

ie_values! {
    Ambr = AMBR
    Arp = ARP
    BearerQos = BEARER_QOS
    FlowQos = FLOW_QOS
}
