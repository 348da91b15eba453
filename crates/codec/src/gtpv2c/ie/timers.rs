//! Elements that are durations.

use alloc::vec::Vec;
use core::time::Duration;

use crate::error::ValueError;
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};

/// Delay Value, §8.27: from the bearer's setup to the Downlink Data Notification; 0 to 12.75 s in steps of 50 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DelayValue {
    steps: u8,
}

impl DelayValue {
    /// Rounds down to 50 ms; at most 12.75 s.
    #[must_use]
    pub fn new(delay: Duration) -> Self {
        DelayValue {
            steps: u8::try_from(delay.as_millis() / 50).unwrap_or(u8::MAX),
        }
    }

    /// How long.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_millis(50 * u64::from(self.steps))
    }
}

impl IeValue for DelayValue {
    const TYPE: IeType = IeType::DELAY_VALUE;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        Reader::new(value)
            .u8("delay value")
            .map(|steps| DelayValue { steps })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.steps);
    }
}

/// How long a step of a timer is, by the three high bits of its octet. `None`: the timer never expires.
fn step(unit: u8) -> Option<Duration> {
    let seconds = match unit {
        0 => 2,
        2 => 600,
        3 => 3600,
        4 => 36_000,
        7 => return None,
        _ => 60, // 1, and all that have no meaning yet.
    };
    Some(Duration::from_secs(seconds))
}

/// The octet for a duration: the smallest step with which it fits, rounded down.
fn octet(duration: Duration) -> u8 {
    let seconds = duration.as_secs();
    for (unit, step) in [(0, 2), (1, 60), (2, 600), (3, 3600), (4, 36_000)] {
        if let Some(count) = u8::try_from(seconds / step).ok().filter(|count| *count < 32) {
            return unit << 5 | count;
        }
    }
    4 << 5 | 31
}

/// EPC Timer, §8.87: 0 s to 310 h in steps of 2 s to 10 h, or without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EpcTimer {
    octet: u8,
}

impl EpcTimer {
    /// Never expires.
    pub const INFINITE: Self = EpcTimer { octet: 0xe0 };

    /// Rounds down to the smallest step with which the duration fits: 2 s up to a minute, then 1 min, 10 min, 1 h, 10 h.
    #[must_use]
    pub fn new(duration: Duration) -> Self {
        EpcTimer {
            octet: octet(duration),
        }
    }

    /// How long; `None` is without end.
    #[must_use]
    pub fn duration(self) -> Option<Duration> {
        step(self.octet >> 5).map(|step| step * u32::from(self.octet & 0x1f))
    }
}

impl IeValue for EpcTimer {
    const TYPE: IeType = IeType::EPC_TIMER;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        Reader::new(value).u8("timer").map(|octet| EpcTimer { octet })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.octet);
    }
}

/// Throttling, §8.85: how many of the notifications for low priority traffic the S-GW is to drop, and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Throttling {
    delay: u8,
    /// Percent, 0 to 100; more is taken as 0.
    pub factor: u8,
}

impl Throttling {
    /// `factor` percent for a time, whose steps are those of [`EpcTimer`]. A time of 0 stops throttling.
    #[must_use]
    pub fn new(delay: Duration, factor: u8) -> Self {
        Throttling {
            delay: if delay.is_zero() { 0xe0 } else { octet(delay) },
            factor,
        }
    }

    /// How long; 0 is not at all.
    #[must_use]
    pub fn delay(self) -> Duration {
        step(self.delay >> 5).map_or(Duration::ZERO, |step| step * u32::from(self.delay & 0x1f))
    }
}

impl IeValue for Throttling {
    const TYPE: IeType = IeType::THROTTLING;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        Ok(Throttling {
            delay: r.u8("throttling delay")?,
            factor: r.u8("throttling factor")?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put(&[self.delay, self.factor]);
    }
}

/// UE Time Zone, §8.44.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UeTimeZone {
    /// As TS 24.008 §10.5.3.8 writes it: quarters of an hour, two swapped decimal digits, bit 4 the sign.
    pub time_zone: u8,
    /// How many hours of daylight saving time are in it, 0 to 2; 3 is reserved.
    pub daylight_saving: u8,
}

impl UeTimeZone {
    /// Offset from UTC in minutes, with daylight saving time.
    #[must_use]
    pub fn minutes(self) -> i16 {
        let quarters = i16::from(self.time_zone & 0x07) * 10 + i16::from(self.time_zone >> 4);
        let minutes = quarters * 15;
        if self.time_zone & 0x08 == 0 {
            minutes
        } else {
            -minutes
        }
    }
}

impl IeValue for UeTimeZone {
    const TYPE: IeType = IeType::UE_TIME_ZONE;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let (time_zone, daylight_saving) = (r.u8("time zone")?, r.u8("daylight saving time")? & 0x03);
        Ok(UeTimeZone {
            time_zone,
            daylight_saving,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put(&[self.time_zone, self.daylight_saving & 0x03]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timers_take_the_smallest_step_that_fits() {
        for (seconds, octet, back) in [
            (0, 0x00, 0),
            (61, 0x1e, 60),
            (90, 0x21, 60),
            (1860, 0x3f, 1860),
            (40_000, 0x6b, 39_600),
        ] {
            let timer = EpcTimer::new(Duration::from_secs(seconds));
            assert_eq!(timer.octet, octet, "{seconds} s");
            assert_eq!(timer.duration(), Some(Duration::from_secs(back)));
        }
        assert_eq!(
            EpcTimer::new(Duration::MAX).duration(),
            Some(Duration::from_secs(31 * 36_000))
        );
        assert_eq!(EpcTimer::INFINITE.duration(), None);
        assert_eq!(Throttling::new(Duration::ZERO, 50).delay(), Duration::ZERO);
    }

    #[test]
    fn time_zones_have_a_sign() {
        let zone = |time_zone| {
            UeTimeZone {
                time_zone,
                daylight_saving: 0,
            }
            .minutes()
        };
        assert_eq!(zone(0x40), 60); // 04 quarters
        assert_eq!(zone(0x23), 480); // 32 quarters
        assert_eq!(zone(0x0a), -300); // minus 20 quarters
    }
}
