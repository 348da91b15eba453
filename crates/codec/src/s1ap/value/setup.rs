//! What eNB and MME tell each other of themselves, and the small enumerations, TS 36.413 §9.2.1 and §9.2.3.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use oxirush_s1ap::aper::Reader;
use oxirush_s1ap::s1ap as asn1;

use super::{List, Value, Wrong, bits, decoded, encoded, finished, plmn, plmn_identity, written};
use crate::{Imsi, Plmn};

/// The name of a node: 1 to 150 characters of an ASN.1 `PrintableString`, that is letters, digits, space and
/// `'()+,-./:=?`.
///
/// Real eNBs send other characters, such as `"`. A name that was received keeps them; a name that is made here does not
/// have them.
///
/// ```
/// use epc_codec::s1ap::NodeName;
///
/// assert_eq!(NodeName::new("enb-1").unwrap().as_str(), "enb-1");
/// assert!(NodeName::new("").is_none());
/// assert_eq!(NodeName::lossy("eNB_1").unwrap().as_str(), "eNB-1");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(String);

impl NodeName {
    /// `None` unless the name is 1 to 150 printable characters.
    pub fn new(name: &str) -> Option<Self> {
        let fits = (1..=150).contains(&name.len()) && name.chars().all(printable);
        fits.then(|| Self(name.to_string()))
    }

    /// The name with a dash for what is no printable character, cut at 150 characters; `None` for an empty one.
    pub fn lossy(name: &str) -> Option<Self> {
        let name: String = name
            .chars()
            .map(|c| if printable(c) { c } else { '-' })
            .take(150)
            .collect();
        Self::new(&name)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn printable(c: char) -> bool {
    c.is_ascii_alphanumeric() || " '()+,-./:=?".contains(c)
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An octet a character (X.691 §30.5.4), whatever the character.
impl Value for NodeName {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let mut r = Reader::new(octets);
        let name = match r.bit()? {
            // The first extension bit, then a length of its own for names of a later release.
            true => r.open_type()?.into_vec(),
            false => {
                let length = r.size(1, 150)?;
                r.align();
                r.octets(length)?.to_vec()
            }
        };
        finished(&r)?;
        if name.is_empty() {
            return Err(Wrong::new("an empty name"));
        }
        let name = String::from_utf8(name).map_err(|_| Wrong::new("a name that is no text"))?;
        Ok(Self(name))
    }

    fn write(&self) -> Vec<u8> {
        written(|w| {
            let longer = self.0.len() > 150;
            w.bit(longer);
            if longer {
                w.open_type(self.0.as_bytes());
                return;
            }
            // 1 to 150, as checked.
            let _ = w.size(self.0.len(), 1, 150);
            w.align();
            w.octets(self.0.as_bytes());
        })
    }
}

/// A tracking area that an eNB serves, and the networks that it broadcasts there, TS 36.413 §9.1.8.4.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SupportedTa {
    /// Tracking Area Code.
    pub tac: u16,
    /// The networks.
    pub broadcast_plmns: List<Plmn, 6>,
}

impl Value for List<SupportedTa, 256> {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let mut items = Vec::new();
        for item in decoded::<asn1::SupportedTAs>(octets)?.0 {
            items.push(SupportedTa {
                tac: u16::from_be_bytes(item.tac.0),
                broadcast_plmns: List::read(item.broadcast_plmns.0.into_iter().map(plmn).collect())?,
            });
        }
        Self::read(items)
    }

    fn write(&self) -> Vec<u8> {
        let item = |area: &SupportedTa| asn1::SupportedTAsItem {
            tac: asn1::TAC(area.tac.to_be_bytes()),
            broadcast_plmns: asn1::BPLMNs(area.broadcast_plmns.iter().copied().map(plmn_identity).collect()),
            ie_extensions: None,
        };
        encoded(&asn1::SupportedTAs(self.iter().map(item).collect()))
    }
}

/// The MMEs of a pool area as one RAT knows them, TS 36.413 §9.1.8.5: every combination of the three lists.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServedGummei {
    /// The networks.
    pub plmns: List<Plmn, 32>,
    /// The MME Group IDs.
    pub group_ids: List<u16, 65535>,
    /// The MME Codes.
    pub mme_codes: List<u8, 256>,
}

impl Value for List<ServedGummei, 8> {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        let mut items = Vec::new();
        for item in decoded::<asn1::ServedGUMMEIs>(octets)?.0 {
            let groups = item
                .served_group_ids
                .0
                .into_iter()
                .map(|id| u16::from_be_bytes(id.0));
            items.push(ServedGummei {
                plmns: List::read(item.served_plmns.0.into_iter().map(plmn).collect())?,
                group_ids: List::read(groups.collect())?,
                mme_codes: List::read(item.served_mmecs.0.into_iter().map(|code| code.0[0]).collect())?,
            });
        }
        Self::read(items)
    }

    fn write(&self) -> Vec<u8> {
        let item = |served: &ServedGummei| asn1::ServedGUMMEIsItem {
            served_plmns: asn1::ServedPLMNs(served.plmns.iter().copied().map(plmn_identity).collect()),
            served_group_ids: asn1::ServedGroupIDs(
                served
                    .group_ids
                    .iter()
                    .map(|id| asn1::MMEGroupID(id.to_be_bytes()))
                    .collect(),
            ),
            served_mmecs: asn1::ServedMMECs(
                served
                    .mme_codes
                    .iter()
                    .map(|code| asn1::MMECode([*code]))
                    .collect(),
            ),
            ie_extensions: None,
        };
        encoded(&asn1::ServedGUMMEIs(self.iter().map(item).collect()))
    }
}

/// How loaded this MME may be beside the others of its pool, 0 to 255, TS 36.413 §9.2.3.17.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RelativeMmeCapacity(pub u8);

impl Value for RelativeMmeCapacity {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        Ok(Self(decoded::<asn1::RelativeMMECapacity>(octets)?.0))
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::RelativeMMECapacity(self.0))
    }
}

/// An ENUMERATED whose later values keep their number: `root` values, then those behind the extension marker.
macro_rules! enumerated {
    ($(#[$doc:meta])* $type:ident, $root:literal $(extensible $extensible:literal)? {
        $($name:ident = $value:literal $text:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(u8);

        #[allow(missing_docs)] // Their names say it.
        impl $type {
            $(pub const $name: Self = Self($value);)*
        }

        impl $type {
            /// The name that ASN.1 gives the value; `None` for a value of a later release.
            pub fn name(self) -> Option<&'static str> {
                [$($text),*].get(usize::from(self.0)).copied()
            }

            /// The index of the value.
            pub fn value(self) -> u8 {
                self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{}", self.0),
                }
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({})"), self)
            }
        }

        impl Value for $type {
            fn read(octets: &[u8]) -> Result<Self, Wrong> {
                let mut r = Reader::new(octets);
                let extensible = true $(&& $extensible)?;
                let value = r.enumerated($root, if extensible { 256 - $root } else { 0 }, extensible)?;
                finished(&r)?;
                Ok(Self(value as u8))
            }

            fn write(&self) -> Vec<u8> {
                written(|w| w.index(self.0.into(), $root, true $(&& $extensible)?))
            }
        }
    };
}

enumerated! {
    /// How often idle UEs listen, in radio frames of 10 ms, TS 36.413 §9.2.1.16.
    PagingDrx, 4 { V32 = 0 "v32", V64 = 1 "v64", V128 = 2 "v128", V256 = 3 "v256", }
}

enumerated! {
    /// How long the peer should wait before it tries again, TS 36.413 §9.2.1.61.
    TimeToWait, 6 {
        V1S = 0 "v1s", V2S = 1 "v2s", V5S = 2 "v5s", V10S = 3 "v10s", V20S = 4 "v20s", V60S = 5 "v60s",
    }
}

impl TimeToWait {
    /// The time; `None` for a value of a later release.
    pub fn duration(self) -> Option<core::time::Duration> {
        let seconds = [1, 2, 5, 10, 20, 60].get(usize::from(self.0))?;
        Some(core::time::Duration::from_secs(*seconds))
    }
}

enumerated! {
    /// Why the UE asked for a connection, TS 36.413 §9.2.1.3a.
    RrcEstablishmentCause, 5 {
        EMERGENCY = 0 "emergency",
        HIGH_PRIORITY_ACCESS = 1 "highPriorityAccess",
        MT_ACCESS = 2 "mt-Access",
        MO_SIGNALLING = 3 "mo-Signalling",
        MO_DATA = 4 "mo-Data",
        DELAY_TOLERANT_ACCESS = 5 "delay-TolerantAccess",
        MO_VOICE_CALL = 6 "mo-VoiceCall",
        MO_EXCEPTION_DATA = 7 "mo-ExceptionData",
    }
}

enumerated! {
    /// The domain that a UE is paged for, TS 36.413 §9.2.3.22.
    CnDomain, 2 extensible false { PS = 0 "ps", CS = 1 "cs", }
}

/// IMSI modulo 1024: when the UE listens for its paging, TS 36.413 §9.2.3.10. Upper bits do not travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UeIdentityIndex(pub u16);

impl UeIdentityIndex {
    /// Of an IMSI.
    pub fn of(imsi: &Imsi) -> Self {
        Self(
            imsi.digits()
                .fold(0, |index, digit| (index * 10 + u16::from(digit)) % 1024),
        )
    }
}

impl Value for UeIdentityIndex {
    fn read(octets: &[u8]) -> Result<Self, Wrong> {
        Ok(Self(
            decoded::<asn1::UEIdentityIndexValue>(octets)?.0.value() as u16
        ))
    }

    fn write(&self) -> Vec<u8> {
        encoded(&asn1::UEIdentityIndexValue(bits(self.0.into(), 10)))
    }
}
