//! Messages as indented text, for people.

use alloc::vec::Vec;
use core::fmt;

use super::{Header, Ie, IeType, Message, Packet, RawMessage, Value};

/// How deep groups are shown; deeper ones are shown as octets.
const MAX_DEPTH: usize = 8;

fn write_ie(f: &mut fmt::Formatter<'_>, ie: &Ie, depth: usize) -> fmt::Result {
    write!(f, "\n{:1$}", "", 2 * depth)?;
    write!(f, "{} ({}) [{}]", ie.ie_type, ie.ie_type.0, ie.instance)?;
    match ie.value() {
        Ok(Value::Group(members)) if depth < MAX_DEPTH => members
            .iter()
            .try_for_each(|member| write_ie(f, member, depth + 1)),
        Ok(Value::Group(_)) => write!(f, ": {}", Hex(&ie.value)),
        Ok(Value::Opaque(_)) if ie.ie_type == IeType::EXTENSION => {
            write!(
                f,
                " type {}: {}",
                ie.extension_type().unwrap_or(0),
                Hex(&ie.value)
            )
        }
        Ok(value) => write!(f, ": {value:?}"),
        Err(error) => write!(f, ": {} ({error})", Hex(&ie.value)),
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

impl fmt::Display for Ie {
    /// One line an element, members of groups indented.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_ie(f, self, 0)
    }
}

impl fmt::Display for RawMessage {
    /// The header, then one line an element.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_message(f, &self.header, &self.ies)
    }
}

fn write_message(f: &mut fmt::Formatter<'_>, header: &Header, ies: &[Ie]) -> fmt::Result {
    write!(f, "{header}")?;
    ies.iter().try_for_each(|ie| write_ie(f, ie, 1))
}

impl fmt::Display for Message {
    /// The name, then one line an element, in the order in which they would be sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.message_type())?;
        elements(self).iter().try_for_each(|ie| write_ie(f, ie, 1))
    }
}

impl fmt::Display for Packet {
    /// The header, then one line an element; then the same for a piggybacked message.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_message(f, &self.header, &elements(&self.message))?;
        match &self.piggybacked {
            Some(second) => write!(f, "\n{second}"),
            None => Ok(()),
        }
    }
}

fn elements(message: &Message) -> Vec<Ie> {
    let mut octets = Vec::new();
    message.write(&mut octets);
    Ie::decode_all(&octets).unwrap_or_default()
}
