//! Readers for configuration values that are text in go-gtp's files.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::str::FromStr;

use epc_codec::Imsi;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};

/// The most characters of a value that an error repeats.
const SHOWN: usize = 60;

/// A value as errors repeat it: on one line, and short.
pub fn shown(text: &str) -> String {
    let mut characters = text.chars();
    let mut start: String = characters.by_ref().take(SHOWN).collect();
    if characters.next().is_some() {
        start.push('…');
    }
    escaped(&start)
}

/// A text on one line: what would end the line, move the cursor or turn the direction of writing is escaped.
pub fn escaped(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        let turns = matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        );
        match character.is_control() || turns {
            true => line.extend(character.escape_default()),
            false => line.push(character),
        }
    }
    line
}

/// Reads a value through its `FromStr`, whether the YAML has quotes around it or not: `"001"`, `001`, `240010000000001`.
pub fn parsed<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let text = text(deserializer)?;
    text.parse()
        .map_err(|error| D::Error::custom(format!("\"{}\": {error}", shown(&text))))
}

/// Like [`parsed`]; an empty text and null are none.
pub fn parsed_option<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: fmt::Display>,
{
    let text = text(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse()
        .map(Some)
        .map_err(|error| D::Error::custom(format!("\"{}\": {error}", shown(&text))))
}

/// Reads text, also where YAML takes it for a number; null is the empty text.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Text;
    impl Visitor<'_> for Text {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("text")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }

        fn visit_unit<E: Error>(self) -> Result<String, E> {
            Ok(String::new())
        }
    }
    deserializer.deserialize_any(Text)
}

/// Reads the IP address that a UE asks for; nothing, an empty text and the unspecified address mean that it asks for
/// none. One that no packet in a tunnel can have is refused: loopback, link-local, multicast, broadcast.
pub fn requested_address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IpAddr>, D::Error> {
    let text = text(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    let address: IpAddr = text.parse().map_err(|_| {
        D::Error::custom(format!(
            "\"{}\" is not an IP address: expected one such as 192.0.2.1",
            shown(&text)
        ))
    })?;
    let of_no_ue = match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local() || v4.is_multicast() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unicast_link_local() || v6.is_multicast(),
    };
    if of_no_ue {
        return Err(D::Error::custom(format!(
            "{address} cannot be the address of a UE, expected a unicast address that is routed"
        )));
    }
    Ok(Some(address).filter(|address| !address.is_unspecified()))
}

/// Reads a whole number from `MIN` to `MAX`.
pub fn between<'de, D: Deserializer<'de>, const MIN: u64, const MAX: u64>(
    deserializer: D,
) -> Result<u64, D::Error> {
    struct Between<const MIN: u64, const MAX: u64>(PhantomData<()>);
    impl<const MIN: u64, const MAX: u64> Visitor<'_> for Between<MIN, MAX> {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a number from {MIN} to {MAX}")
        }

        fn visit_u64<E: Error>(self, number: u64) -> Result<u64, E> {
            if (MIN..=MAX).contains(&number) {
                return Ok(number);
            }
            Err(E::custom(format!(
                "{number} is out of range: expected {MIN} to {MAX}"
            )))
        }

        fn visit_i64<E: Error>(self, number: i64) -> Result<u64, E> {
            Err(E::custom(format!(
                "{number} is out of range: expected {MIN} to {MAX}"
            )))
        }
    }
    deserializer.deserialize_u64(Between::<MIN, MAX>(PhantomData))
}

/// Text of `MIN` to `MAX` decimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digits<const MIN: usize, const MAX: usize>(Box<str>);

impl<const MIN: usize, const MAX: usize> Digits<MIN, MAX> {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number that lies `steps` further, with as many digits; `None` when it needs more of them.
    pub fn after(&self, steps: u64) -> Option<Self> {
        let number = self.0.parse::<u128>().ok()? + u128::from(steps);
        let text = format!("{number:0width$}", width = self.0.len());
        (text.len() == self.0.len()).then(|| Digits(text.into()))
    }
}

impl<const MIN: usize, const MAX: usize> FromStr for Digits<MIN, MAX> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if (MIN..=MAX).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_digit()) {
            return Ok(Digits(text.into()));
        }
        if MIN == MAX {
            return Err(format!("expected {MIN} digits"));
        }
        Err(format!("expected {MIN} to {MAX} digits"))
    }
}

impl<const MIN: usize, const MAX: usize> fmt::Display for Digits<MIN, MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl<'de, const MIN: usize, const MAX: usize> serde::Deserialize<'de> for Digits<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parsed(deserializer)
    }
}

/// Reads a list of subscribers by their IMSIs.
pub fn imsis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HashSet<Imsi>, D::Error> {
    let imsis = Vec::<Digits<6, 15>>::deserialize(deserializer)?;
    let parsed = imsis
        .iter()
        .map(|imsi| imsi.as_str().parse().map_err(D::Error::custom));
    parsed.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_is_shown_short_and_on_one_line() {
        assert_eq!(shown("a\nb\u{1b}[1m\u{202e}é"), "a\\nb\\u{1b}[1m\\u{202e}é");
        assert_eq!(shown(&"1".repeat(60)), "1".repeat(60));
        assert_eq!(shown(&"1".repeat(61)), "1".repeat(60) + "…");
    }

    #[test]
    fn digits_count_on_and_keep_their_length() {
        let first: Digits<6, 15> = "001010000000099".parse().unwrap();
        assert_eq!(first.after(1).unwrap().as_str(), "001010000000100");
        assert_eq!("999999".parse::<Digits<6, 15>>().unwrap().after(1), None);
        for text in ["", "12345", "1234567890123456", "12345x"] {
            assert!(text.parse::<Digits<6, 15>>().is_err(), "{text}");
        }
    }
}
