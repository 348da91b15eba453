//! Elements that are names or hold names.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::records::put_counted;
use crate::error::{Error, ValueError};
use crate::gtpv2c::IeType;
use crate::gtpv2c::table::IeValue;
use crate::wire::{Put, Reader};
use crate::{Imsi, Mei, Msisdn};

/// A domain name. Its labels come after an octet with their length each; a name that is not written so is kept.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct DomainName {
    octets: Box<[u8]>,
}

impl DomainName {
    /// The labels up to the first one that does not fit.
    fn labels(&self) -> impl Iterator<Item = &[u8]> {
        let mut r = Reader::new(&self.octets);
        core::iter::from_fn(move || {
            let length = r.u8("label length").ok().filter(|length| *length > 0)?;
            r.take(usize::from(length), "label").ok()
        })
    }

    fn from_text(text: &str, what: &'static str) -> Result<Self, Error> {
        let wrong = Error::Text {
            what,
            expected: "labels of 1 to 63 characters with dots between",
        };
        let mut octets = Vec::with_capacity(text.len() + 1);
        for label in text.split('.') {
            if !(1..=63).contains(&label.len()) || !label.bytes().all(|c| c.is_ascii_graphic()) {
                return Err(wrong);
            }
            put_counted(&mut octets, label.as_bytes());
        }
        Ok(DomainName {
            octets: octets.into(),
        })
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, label) in self.labels().enumerate() {
            if place > 0 {
                f.write_str(".")?;
            }
            write!(f, "{}", label.escape_ascii())?;
        }
        Ok(())
    }
}

macro_rules! domain_names {
    ($($(#[$doc:meta])* $name:ident = $ie:ident)*) => { $(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(DomainName);

        impl $name {
            /// The labels, from left to right, up to the first one that does not fit.
            pub fn labels(&self) -> impl Iterator<Item = &[u8]> {
                self.0.labels()
            }

            /// The octets as they are sent.
            #[must_use]
            pub fn as_octets(&self) -> &[u8] {
                &self.0.octets
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                DomainName::from_text(text, stringify!($name)).map($name)
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

        impl IeValue for $name {
            const TYPE: IeType = IeType::$ie;

            fn decode(value: &[u8]) -> Result<Self, ValueError> {
                if value.is_empty() {
                    return Err(Reader::new(value).short("domain name"));
                }
                Ok($name(DomainName { octets: value.into() }))
            }

            fn encode(&self, out: &mut Vec<u8>) {
                out.put(self.as_octets());
            }
        }
    )* };
}

domain_names! {
    /// Fully Qualified Domain Name, §8.66.
    Fqdn = FQDN
    /// PGW Set FQDN, §8.146.
    PgwSetFqdn = PGW_SET_FQDN
}

/// Local Distinguished Name, §8.82, TS 32.423: at most 400 octets of UTF-8.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct LocalDistinguishedName(pub Vec<u8>);

impl LocalDistinguishedName {
    /// The name as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn to_text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

impl fmt::Debug for LocalDistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalDistinguishedName({})", self.0.escape_ascii())
    }
}

impl IeValue for LocalDistinguishedName {
    const TYPE: IeType = IeType::LOCAL_DISTINGUISHED_NAME;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        Ok(LocalDistinguishedName(value.to_vec()))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put(&self.0);
    }
}

/// Group Id, §8.147: names a group of PDN connections to a P-GW.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct GroupId(pub Vec<u8>);

impl fmt::Debug for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupId({})", self.0.escape_ascii())
    }
}

impl IeValue for GroupId {
    const TYPE: IeType = IeType::GROUP_ID;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        Ok(GroupId(value.to_vec()))
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put(&self.0);
    }
}

/// STN-SR, TS 29.280 §6.2: the number to which a call is transferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct StnSr {
    /// Nature of address and numbering plan, TS 29.002.
    pub nature_and_plan: u8,
    /// The number.
    pub number: Msisdn,
}

impl IeValue for StnSr {
    const TYPE: IeType = IeType::STN_SR;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        Ok(StnSr {
            nature_and_plan: r.u8("nature of address")?,
            number: Msisdn::read(&mut r)?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(self.nature_and_plan);
        self.number.write(out);
    }
}

/// Remote User ID, §8.123: who sits behind a relaying UE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RemoteUserId {
    /// Who.
    pub imsi: Imsi,
    /// With which number.
    pub msisdn: Option<Msisdn>,
    /// With which equipment.
    pub imei: Option<Mei>,
}

impl IeValue for RemoteUserId {
    const TYPE: IeType = IeType::REMOTE_USER_ID;

    fn decode(value: &[u8]) -> Result<Self, ValueError> {
        let mut r = Reader::new(value);
        let flags = r.u8("flags")?;
        let mut part = |what| {
            let length = r.u8(what)?;
            r.take(usize::from(length), what).map(Reader::new)
        };
        let imsi = Imsi::read(&mut part("IMSI")?)?;
        let msisdn = if flags & 0x01 != 0 {
            Some(Msisdn::read(&mut part("MSISDN")?)?)
        } else {
            None
        };
        let imei = if flags & 0x02 != 0 {
            Some(Mei::read(&mut part("IMEI")?)?)
        } else {
            None
        };
        Ok(RemoteUserId { imsi, msisdn, imei })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.put_u8(u8::from(self.msisdn.is_some()) | u8::from(self.imei.is_some()) << 1);
        let mut part = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut octets = Vec::new();
            write(&mut octets);
            put_counted(out, &octets);
        };
        part(&|out| self.imsi.write(out));
        if let Some(msisdn) = self.msisdn {
            part(&|out| msisdn.write(out));
        }
        if let Some(imei) = self.imei {
            part(&|out| imei.write(out));
        }
    }
}
