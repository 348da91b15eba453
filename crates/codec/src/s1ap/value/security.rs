//! The NAS message, the algorithms and the keys of a UE, TS 36.413 §9.2.

use alloc::vec::Vec;
use core::fmt;

use oxirush_s1ap::{BitString, Octets, s1ap as asn1};

use super::{Value, Wrong, decoded, encoded};

/// A NAS message, TS 36.413 §9.2.3.5. [`crate::nas`] reads it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct NasPdu(pub Vec<u8>);

impl fmt::Debug for NasPdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NasPdu(")?;
        for octet in &self.0 {
            write!(f, "{octet:02x}")?;
        }
        f.write_str(")")
    }
}

impl Value for NasPdu {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        Ok(Self(decoded::<asn1::NASPDU<'_>>(octets)?.0.into_vec()))
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::NASPDU(Octets::from(&self.0)))
    }
}

/// The algorithms that the UE has beside the null ones, a bit an algorithm from the top: 128-EEA1, 128-EEA2,
/// 128-EEA3, then reserved ones, TS 36.413 §9.2.1.40.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UeSecurityCapabilities {
    /// Encryption.
    pub encryption: u16,
    /// Integrity protection.
    pub integrity: u16,
}

impl Value for UeSecurityCapabilities {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let capabilities = decoded::<asn1::UESecurityCapabilities<'_>>(octets)?;
        // A longer string, of a later release, begins with the algorithms that we have.
        let first = |algorithms: &BitString<'_>| match algorithms.as_octets() {
            [high, low, ..] => Ok(u16::from_be_bytes([*high, *low])),
            _ => Err(Wrong::new("a bit string shorter than 16 bits")),
        };
        Ok(Self {
            encryption: first(&capabilities.encryption_algorithms.0)?,
            integrity: first(&capabilities.integrity_protection_algorithms.0)?,
        })
    }

    fn write(&self) -> Vec<u8> {
        let string = |algorithms: u16| BitString::from_octets(algorithms.to_be_bytes());
        encoded(&asn1::UESecurityCapabilities {
            encryption_algorithms: asn1::EncryptionAlgorithms(string(self.encryption)),
            integrity_protection_algorithms: asn1::IntegrityProtectionAlgorithms(string(self.integrity)),
            ie_extensions: None,
        })
    }
}

/// KeNB or NH, 256 bits, TS 36.413 §9.2.1.41. S1AP-lite has no keys and sends zeros. `Debug` does not show it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecurityKey(pub [u8; 32]);

impl fmt::Debug for SecurityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecurityKey(..)")
    }
}

impl SecurityKey {
    fn of(key: &asn1::SecurityKey<'_>) -> Result<Self, Wrong> {
        let octets = key.0.as_octets().try_into();
        octets
            .map(Self)
            .map_err(|_| Wrong::new("a key that has not 256 bits"))
    }

    fn asn1(&self) -> asn1::SecurityKey<'static> {
        asn1::SecurityKey(BitString::from_octets(self.0))
    }
}

impl Value for SecurityKey {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        Self::of(&decoded(octets)?)
    }

    fn write(&self) -> Vec<u8> {
        encoded(&self.asn1())
    }
}

/// The key of the next handover, TS 36.413 §9.2.1.26.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecurityContext {
    /// Next Hop Chaining Count, 0 to 7. Upper bits do not travel.
    pub next_hop_chaining_count: u8,
    /// Next Hop.
    pub next_hop: SecurityKey,
}

impl Value for SecurityContext {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let context = decoded::<asn1::SecurityContext<'_>>(octets)?;
        Ok(Self {
            next_hop_chaining_count: context.next_hop_chaining_count,
            next_hop: SecurityKey::of(&context.next_hop_parameter)?,
        })
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::SecurityContext {
            next_hop_chaining_count: self.next_hop_chaining_count & 7,
            next_hop_parameter: self.next_hop.asn1(),
            ie_extensions: None,
        })
    }
}
