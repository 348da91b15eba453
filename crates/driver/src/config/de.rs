//! From the tree to a typed configuration.
//!
//! Our own [`Deserializer`] for three things that the general ones do not give at once: the line and key path of the
//! innermost value for every error, whoever raised it; a text as it was written (`imsi: 001010000000001` keeps its
//! zeros); and the known keys next to an unknown one.

use std::fmt::{self, Display};

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, MapAccess, SeqAccess,
    Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use epc_node::text::shown;

use super::tree::{Entry, Place, Tree, Value, is_null};

pub(crate) fn from_tree<C: DeserializeOwned>(tree: &Tree) -> Result<C, Error> {
    C::deserialize(At(tree))
}

/// What is wrong, and the way to it.
#[derive(Debug)]
pub(crate) struct Error {
    /// From the innermost step to the outermost.
    steps: Vec<Step>,
    pub(crate) place: Option<Place>,
    /// A key is not there: its place is that of the key above it.
    missing: bool,
    pub(crate) what: String,
}

#[derive(Debug)]
enum Step {
    Key(String),
    Index(usize),
}

impl Error {
    fn new(what: impl Into<String>) -> Error {
        Error {
            steps: Vec::new(),
            place: None,
            missing: false,
            what: what.into(),
        }
    }

    /// The first place that is given counts: it is the innermost.
    fn on(mut self, place: Place) -> Error {
        if !self.missing {
            self.place.get_or_insert(place);
        }
        self
    }

    fn below(mut self, step: Step) -> Error {
        self.steps.push(step);
        self
    }

    /// The key path, as in `subscribers[0].imsi`.
    pub(crate) fn key(&self) -> String {
        let mut path = String::new();
        for step in self.steps.iter().rev() {
            match step {
                Step::Key(key) if path.is_empty() => path.push_str(key),
                Step::Key(key) => path.extend([".", key]),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(what: T) -> Error {
        Error::new(what.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Error {
        Error::new(format!(
            "wrong type: {}, expected {expected}",
            shown(&found.to_string())
        ))
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Error {
        Error::new(format!(
            "wrong value: {}, expected {expected}",
            shown(&found.to_string())
        ))
    }

    fn unknown_field(key: &str, known: &'static [&'static str]) -> Error {
        Error::new(format!("unknown key, expected {}", suggest(key, known)))
    }

    fn unknown_variant(word: &str, known: &'static [&'static str]) -> Error {
        Error::new(format!(
            "`{}` is not known, expected {}",
            shown(word),
            list(known)
        ))
    }

    fn missing_field(key: &'static str) -> Error {
        let error = Error::new("missing, expected this key").below(Step::Key(key.to_owned()));
        Error {
            missing: true,
            ..error
        }
    }

    fn duplicate_field(key: &'static str) -> Error {
        Error::new("duplicate key, expected once").below(Step::Key(key.to_owned()))
    }
}

/// The known key that is nearest to a misspelt one, or else all of them.
fn suggest(key: &str, known: &[&str]) -> String {
    if key.len() > 60 {
        return list(known);
    }
    let nearest = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(key, name), name))
        .min();
    match nearest {
        Some((distance, name)) if distance <= 2.max(key.len() / 3) => format!("`{name}`"),
        _ => list(known),
    }
}

fn list(known: &[&str]) -> String {
    match known {
        [] => "no key here".to_owned(),
        [one] => format!("`{one}`"),
        many => format!("one of `{}`", many.join("`, `")),
    }
}

/// A place in the tree.
struct At<'a>(&'a Tree);

impl<'a> At<'a> {
    fn found(&self) -> Unexpected<'a> {
        match &self.0.value {
            Value::Scalar { text, plain: true } if is_null(text) => Unexpected::Other("nothing"),
            Value::Scalar { text, .. } => Unexpected::Str(text),
            Value::List(_) => Unexpected::Other("a list"),
            Value::Map(_) => Unexpected::Other("a map"),
        }
    }

    fn wrong(&self, expected: &dyn Expected) -> Error {
        let found = match self.found() {
            Unexpected::Str(text) => format!("`{}`", shown(text)),
            other => other.to_string(),
        };
        let expected = match expected.to_string() {
            list if list == "a sequence" => "a list".to_owned(),
            expected => expected,
        };
        Error::new(format!("wrong type: {found}, expected {expected}")).on(self.0.place)
    }

    /// The text of a value that is not quoted.
    fn plain(&self, expected: &dyn Expected) -> Result<&'a str, Error> {
        match &self.0.value {
            Value::Scalar { text, plain: true } => Ok(text.as_str()),
            Value::Scalar { text, plain: false } => Err(Error::new(format!(
                "wrong type: the text \"{}\", expected {expected}",
                shown(text)
            ))
            .on(self.0.place)),
            _ => Err(self.wrong(expected)),
        }
    }

    /// A whole number of a type that holds `min` to `max`.
    fn number(&self, min: i128, max: i128) -> Result<i128, Error> {
        let expected = format!("a whole number from {min} to {max}");
        let text = self.plain(&expected.as_str())?;
        match whole_number(text) {
            Some(number) if (min..=max).contains(&number) => Ok(number),
            Some(_) => Err(
                Error::new(format!("{} is out of range, expected {expected}", shown(text))).on(self.0.place),
            ),
            None => Err(self.wrong(&expected.as_str())),
        }
    }

    /// Says what a text was and what it should have been, where the reader of a text did not say so itself.
    fn text<V: Visitor<'a>>(self, visitor: V) -> Result<V::Value, Error> {
        let Value::Scalar { text, plain } = &self.0.value else {
            return Err(self.wrong(&visitor));
        };
        let text = if *plain && is_null(text) { "" } else { text };
        let expected = (&visitor as &dyn Expected).to_string();
        visitor.visit_borrowed_str(text).map_err(|mut error: Error| {
            if !error.what.contains("expected") {
                error.what = format!("`{}`: {}, expected {expected}", shown(text), error.what);
            }
            error.on(self.0.place)
        })
    }
}

/// `10`, `+10`, `-10`, `0x0a`, `0o12`, `0b1010`, `1_000`.
fn whole_number(text: &str) -> Option<i128> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0o" | "0O") => (8, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        _ => (10, digits),
    };
    if !digits.starts_with(|first: char| first.is_digit(radix)) {
        return None;
    }
    let number = i128::from_str_radix(&digits.replace('_', ""), radix).ok()?;
    Some(if negative { -number } else { number })
}

/// `001`: digits after a zero.
fn has_leading_zero(text: &str) -> bool {
    text.len() > 1 && text.starts_with('0') && text.bytes().all(|octet| octet.is_ascii_digit())
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => Some(true),
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => Some(false),
        _ => None,
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let number = self.number(<$type>::MIN as i128, <$type>::MAX as i128)?;
            visitor.$visit(number as $type).map_err(|error: Error| error.on(self.0.place))
        }
    )*};
}

impl<'de> Deserializer<'de> for At<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let place = self.0.place;
        let (text, plain) = match &self.0.value {
            Value::List(_) => return self.deserialize_seq(visitor),
            Value::Map(_) => return self.deserialize_map(visitor),
            Value::Scalar { text, plain } => (text.as_str(), *plain),
        };
        let read = if !plain {
            visitor.visit_borrowed_str(text)
        } else if is_null(text) {
            visitor.visit_unit()
        } else if let "true" | "false" = text {
            visitor.visit_bool(text == "true")
        } else if has_leading_zero(text) {
            // A number whose zeros would be lost is an identity.
            visitor.visit_borrowed_str(text)
        } else if let Some(number) = whole_number(text).and_then(|number| u64::try_from(number).ok()) {
            visitor.visit_u64(number)
        } else if let Some(number) = whole_number(text).and_then(|number| i64::try_from(number).ok()) {
            visitor.visit_i64(number)
        } else if let Ok(number) = text.parse() {
            visitor.visit_f64(number)
        } else {
            visitor.visit_borrowed_str(text)
        };
        read.map_err(|error: Error| error.on(place))
    }

    numbers! {
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let text = self.plain(&"a number")?;
        let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
        let Some(number) = number.or_else(|| whole_number(text).map(|number| number as f64)) else {
            return Err(self.wrong(&"a number"));
        };
        visitor
            .visit_f64(number)
            .map_err(|error: Error| error.on(self.0.place))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match truth(self.plain(&"true or false")?) {
            Some(truth) => visitor
                .visit_bool(truth)
                .map_err(|error: Error| error.on(self.0.place)),
            None => Err(self.wrong(&"true or false")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.text(visitor)
    }

    /// Nothing, or an empty text, is `None`.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let place = self.0.place;
        let nothing =
            self.0.is_null() || matches!(&self.0.value, Value::Scalar { text, .. } if text.is_empty());
        if nothing {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
        .map_err(|error: Error| error.on(place))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        let place = self.0.place;
        visitor
            .visit_newtype_struct(self)
            .map_err(|error: Error| error.on(place))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let values = match &self.0.value {
            Value::List(values) => values.as_slice(),
            _ if self.0.is_null() => &[],
            _ => return Err(self.wrong(&visitor)),
        };
        let list = List {
            values: values.iter(),
            index: 0,
        };
        visitor
            .visit_seq(list)
            .map_err(|error: Error| error.on(self.0.place))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let entries = match &self.0.value {
            Value::Map(entries) => entries.as_slice(),
            _ if self.0.is_null() => &[],
            _ => return Err(self.wrong(&"a map of keys")),
        };
        let map = Map {
            entries: entries.iter(),
            current: None,
        };
        visitor
            .visit_map(map)
            .map_err(|error: Error| error.on(self.0.place))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let place = self.0.place;
        let choice = match &self.0.value {
            Value::Scalar { text, .. } => Choice {
                word: text,
                content: None,
            },
            Value::Map(entries) if entries.len() == 1 => Choice {
                word: &entries[0].key,
                content: Some(&entries[0].value),
            },
            _ => return Err(self.wrong(&list(variants).as_str())),
        };
        visitor.visit_enum(choice).map_err(|error: Error| error.on(place))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 bytes byte_buf unit unit_struct }
}

struct List<'a> {
    values: std::slice::Iter<'a, Tree>,
    index: usize,
}

impl<'de> SeqAccess<'de> for List<'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(value) = self.values.next() else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        match seed.deserialize(At(value)) {
            Ok(read) => Ok(Some(read)),
            Err(error) => Err(error.on(value.place).below(Step::Index(index))),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.values.len())
    }
}

struct Map<'a> {
    entries: std::slice::Iter<'a, Entry>,
    current: Option<&'a Entry>,
}

impl<'de> MapAccess<'de> for Map<'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.current = self.entries.next();
        let Some(entry) = self.current else {
            return Ok(None);
        };
        match seed.deserialize(StrDeserializer::new(&entry.key)) {
            Ok(key) => Ok(Some(key)),
            Err(error) => Err(Error::on(error, entry.place).below(Step::Key(entry.key.clone()))),
        }
    }

    fn next_value_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let Some(entry) = self.current else {
            return Err(Error::new("a value without a key, expected `key: value`"));
        };
        seed.deserialize(At(&entry.value))
            // The key's line where the value is at fault as a whole: a list begins below its key.
            .map_err(|error| match error.steps.is_empty() {
                true => Error {
                    place: Some(entry.place),
                    ..error
                },
                false => error,
            })
            .map_err(|error| error.on(entry.place).below(Step::Key(entry.key.clone())))
    }
}

/// A word out of a fixed set, with what follows it if anything does.
struct Choice<'a> {
    word: &'a str,
    content: Option<&'a Tree>,
}

impl<'de> EnumAccess<'de> for Choice<'de> {
    type Error = Error;
    type Variant = Content<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Content<'de>), Error> {
        let word = seed.deserialize(StrDeserializer::<Error>::new(self.word))?;
        Ok((word, Content(self.content)))
    }
}

struct Content<'a>(Option<&'a Tree>);

impl<'de> VariantAccess<'de> for Content<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            None => Ok(()),
            Some(tree) => Err(At(tree).wrong(&"nothing after the word")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        match self.0 {
            Some(tree) => seed.deserialize(At(tree)),
            None => Err(Error::new("a value is missing, expected one after the word")),
        }
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Some(tree) => At(tree).deserialize_seq(visitor),
            None => Err(Error::new("a list is missing, expected one after the word")),
        }
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self.0 {
            Some(tree) => At(tree).deserialize_map(visitor),
            None => Err(Error::new("keys are missing, expected a map after the word")),
        }
    }
}
