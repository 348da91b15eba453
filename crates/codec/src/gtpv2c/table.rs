//! A message is its table: presence, name, IE and instance of each row give the struct, how it is made, how it is
//! decoded and encoded, and which of its elements may not be missing.
//!
//! | presence | field | in the specification |
//! |----------|-------|----------------------|
//! | `M`      | `T` | mandatory |
//! | `A`      | `Option<T>` | mandatory if the cause says that the request was accepted; a refusal may leave it out |
//! | `C`      | `Option<T>` | conditional |
//! | `CO`     | `Option<T>` | conditional optional: conditional for the sender, optional for the receiver |
//! | `O`      | `Option<T>` | optional |
//!
//! A mandatory or conditional element that cannot be read makes the message an error; an optional one counts as not
//! there (§7.7.7, §7.7.8) and goes to `additional`.
//!
//! A row of `Vec<T>` is a list; an `M` list has at least one element. An element that no row takes, or that comes again,
//! goes to `additional` too: the first one counts (§7.7.10).

use alloc::vec::Vec;
use core::fmt;

use super::raw::{IeRef, IeWalk, put_ie};
use super::{Ie, IeType, MessageType};
use crate::error::{ValueError, ValueProblem};

/// What one kind of information element holds.
pub trait IeValue: Sized + Clone + PartialEq + fmt::Debug {
    /// The type on the wire, TS 29.274 table 8.1-1.
    const TYPE: IeType;

    /// Reads the value: what follows type, length and instance. Octets after what is known are ignored.
    ///
    /// # Errors
    /// When octets are missing, or say what they cannot say.
    fn decode(value: &[u8]) -> Result<Self, ValueError>;

    /// Appends the value.
    fn encode(&self, out: &mut Vec<u8>);
}

/// A row of a message's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// `M`, `A`, `C`, `CO` or `O`; see the module.
    pub presence: &'static str,
    /// The name of the field.
    pub field: &'static str,
    /// The Rust type of one element.
    pub value: &'static str,
    /// The IE on the wire.
    pub ie_type: IeType,
    /// Its instance.
    pub instance: u8,
    /// Whether it may come more than once.
    pub list: bool,
}

/// What messages and grouped IEs have in common: rows.
pub trait Table: Sized {
    /// Name in this crate.
    const NAME: &'static str;
    /// In the order in which they are sent.
    const ROWS: &'static [Row];
}

/// A message with a table.
pub trait MessageTable: Table {
    /// Octet 2 of the header.
    const TYPE: MessageType;
}

/// How rows take elements.
pub(super) trait Slot<T> {
    /// Takes the element if there is still room for it.
    fn offer(&mut self, ie: &IeRef<'_>, optional: bool) -> Result<bool, ValueError>;
    fn is_vacant(&self) -> bool;
}

impl<T: IeValue> Slot<T> for Option<T> {
    #[inline]
    fn offer(&mut self, ie: &IeRef<'_>, optional: bool) -> Result<bool, ValueError> {
        if self.is_some() {
            return Ok(false);
        }
        match T::decode(ie.value) {
            Ok(value) => *self = Some(value),
            Err(error) => return refuse(ie, error, optional),
        }
        Ok(true)
    }

    fn is_vacant(&self) -> bool {
        self.is_none()
    }
}

impl<T: IeValue> Slot<T> for Vec<T> {
    #[inline]
    fn offer(&mut self, ie: &IeRef<'_>, optional: bool) -> Result<bool, ValueError> {
        match T::decode(ie.value) {
            Ok(value) => self.push(value),
            Err(error) => return refuse(ie, error, optional),
        }
        Ok(true)
    }

    fn is_vacant(&self) -> bool {
        self.is_empty()
    }
}

#[cold]
fn refuse(ie: &IeRef<'_>, error: ValueError, optional: bool) -> Result<bool, ValueError> {
    if optional {
        Ok(false)
    } else {
        Err(ie.locate(error))
    }
}

/// Keeps what no row took. Its framing must be sound all the same.
#[cold]
pub(super) fn keep(additional: &mut Vec<Ie>, ie: &IeRef<'_>) -> Result<(), ValueError> {
    ie.check_members().map_err(|error| ie.locate(error))?;
    additional.push(ie.to_owned());
    Ok(())
}

#[cold]
pub(super) fn missing(ie_type: IeType, instance: u8, walk: &IeWalk<'_>) -> ValueError {
    let ie = Some((ie_type, instance));
    ValueError {
        what: "mandatory IE",
        at: walk.at(),
        problem: ValueProblem::Missing,
        ie,
        group: None,
    }
}

#[inline]
pub(super) fn put_value<T: IeValue>(value: &T, instance: u8, out: &mut Vec<u8>) {
    put_ie(T::TYPE, instance, out, |out| value.encode(out));
}

/// The type of a field.
macro_rules! field_type {
    (M Vec $t:ident) => { Vec<$t> };
    (A Vec $t:ident) => { Vec<$t> };
    (C Vec $t:ident) => { Vec<$t> };
    (CO Vec $t:ident) => { Vec<$t> };
    (O Vec $t:ident) => { Vec<$t> };
    (M $t:ident) => { $t };
    (A $t:ident) => { Option<$t> };
    (C $t:ident) => { Option<$t> };
    (CO $t:ident) => { Option<$t> };
    (O $t:ident) => { Option<$t> };
}

/// The type that a field has while the message is read.
macro_rules! slot_type {
    (Vec $t:ident) => { Vec<$t> };
    ($t:ident) => { Option<$t> };
}

/// The type of one element of a field.
macro_rules! element_type {
    (Vec $t:ident) => {
        $t
    };
    ($t:ident) => {
        $t
    };
}

macro_rules! element_name {
    (Vec $t:ident) => {
        stringify!($t)
    };
    ($t:ident) => {
        stringify!($t)
    };
}

macro_rules! is_list {
    (Vec $t:ident) => {
        true
    };
    ($t:ident) => {
        false
    };
}

macro_rules! presence_doc {
    (M) => {
        "mandatory"
    };
    (A) => {
        "mandatory in an acceptance"
    };
    (C) => {
        "conditional"
    };
    (CO) => {
        "conditional optional"
    };
    (O) => {
        "optional"
    };
}

/// Whether an element that cannot be read counts as not there: a receiver treats the conditional optional ones as
/// optional (§6.1.1).
macro_rules! is_optional {
    (O) => {
        true
    };
    (CO) => {
        true
    };
    ($other:ident) => {
        false
    };
}

/// From slot to field.
macro_rules! settle {
    (M Vec $t:ident, $slot:ident, $i:literal, $walk:expr) => {
        if $slot.is_empty() {
            return Err(missing(<$t as IeValue>::TYPE, $i, $walk));
        } else {
            $slot
        }
    };
    (M $t:ident, $slot:ident, $i:literal, $walk:expr) => {
        match $slot {
            Some(value) => value,
            None => return Err(missing(<$t as IeValue>::TYPE, $i, $walk)),
        }
    };
    ($p:ident $($t:ident)+, $slot:ident, $i:literal, $walk:expr) => {
        $slot
    };
}

/// After the struct is there: what an acceptance may not leave out.
macro_rules! settle_accepted {
    (A $($t:ident)+, $this:ident, $name:ident, $i:literal, $walk:expr) => {
        if $this.cause.is_accepted() && Slot::<element_type!($($t)+)>::is_vacant(&$this.$name) {
            return Err(missing(<element_type!($($t)+) as IeValue>::TYPE, $i, $walk));
        }
    };
    ($p:ident $($t:ident)+, $this:ident, $name:ident, $i:literal, $walk:expr) => {};
}

macro_rules! put_field {
    (M Vec $t:ident, $this:ident, $name:ident, $i:literal, $out:ident) => {
        for value in &$this.$name {
            put_value(value, $i, $out);
        }
    };
    (M $t:ident, $this:ident, $name:ident, $i:literal, $out:ident) => {
        put_value(&$this.$name, $i, $out);
    };
    ($p:ident Vec $t:ident, $this:ident, $name:ident, $i:literal, $out:ident) => {
        for value in &$this.$name {
            put_value(value, $i, $out);
        }
    };
    ($p:ident $t:ident, $this:ident, $name:ident, $i:literal, $out:ident) => {
        if let Some(value) = &$this.$name {
            put_value(value, $i, $out);
        }
    };
}

/// `new` with the mandatory rows as its arguments.
macro_rules! make_new {
    (@ [$($args:tt)*] [$($given:ident)*] [$($empty:ident)*]) => {
        /// With the mandatory elements and none of the others.
        #[must_use]
        #[allow(clippy::too_many_arguments, clippy::new_without_default)]
        pub fn new($($args)*) -> Self {
            Self { $($given,)* $($empty: Default::default(),)* additional: Vec::new() }
        }
    };
    (@ [$($args:tt)*] [$($given:ident)*] [$($empty:ident)*] (M $name:ident Vec $t:ident) $($rest:tt)*) => {
        make_new! { @ [$($args)* $name: Vec<$t>,] [$($given)* $name] [$($empty)*] $($rest)* }
    };
    (@ [$($args:tt)*] [$($given:ident)*] [$($empty:ident)*] (M $name:ident $t:ident) $($rest:tt)*) => {
        make_new! { @ [$($args)* $name: $t,] [$($given)* $name] [$($empty)*] $($rest)* }
    };
    (@ [$($args:tt)*] [$($given:ident)*] [$($empty:ident)*] ($p:ident $name:ident $($t:ident)+) $($rest:tt)*) => {
        make_new! { @ [$($args)*] [$($given)*] [$($empty)* $name] $($rest)* }
    };
}

/// Declares structs by their tables.
macro_rules! tables {
    ($($kind:ident $(#[$doc:meta])* $name:ident = $code:literal {
        $($p:ident $field:ident : $t:ident $(<$inner:ident>)? [$i:literal],)*
    })*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            $(
                #[doc = concat!("[`", stringify!($t $(<$inner>)?), "`], instance ", $i, ", ", presence_doc!($p), ".")]
                pub $field: field_type!($p $t $($inner)?),
            )*
            /// What the table has no row for, and repeated elements, in the order of the wire.
            pub additional: Vec<Ie>,
        }

        impl $name {
            make_new! { @ [] [] [] $(($p $field $t $($inner)?))* }

            #[allow(unused_mut)]
            pub(in crate::gtpv2c) fn read(walk: &mut IeWalk<'_>) -> Result<Self, ValueError> {
                $(let mut $field: slot_type!($t $($inner)?) = Default::default();)*
                let mut additional = Vec::new();
                while let Some(ie) = walk.next() {
                    let ie = ie?;
                    let taken = match (ie.ie_type, ie.instance) {
                        $((<element_type!($t $($inner)?) as IeValue>::TYPE, $i) =>
                            Slot::<element_type!($t $($inner)?)>::offer(&mut $field, &ie, is_optional!($p))?,)*
                        _ => false,
                    };
                    if !taken {
                        keep(&mut additional, &ie)?;
                    }
                }
                let this = Self { $($field: settle!($p $t $($inner)?, $field, $i, walk),)* additional };
                $(settle_accepted! { $p $t $($inner)?, this, $field, $i, walk })*
                Ok(this)
            }

            #[allow(unused_variables)]
            pub(in crate::gtpv2c) fn write(&self, out: &mut Vec<u8>) {
                $(put_field! { $p $t $($inner)?, self, $field, $i, out })*
                for ie in &self.additional {
                    ie.encode_into(out);
                }
            }
        }

        impl Table for $name {
            const NAME: &'static str = stringify!($name);
            const ROWS: &'static [Row] = &[$(Row {
                presence: stringify!($p),
                field: stringify!($field),
                value: element_name!($t $($inner)?),
                ie_type: <element_type!($t $($inner)?) as IeValue>::TYPE,
                instance: $i,
                list: is_list!($t $($inner)?),
            },)*];
        }

        tables! { @$kind $name = $code }
    )* };

    (@message $name:ident = $code:literal) => {
        impl MessageTable for $name {
            const TYPE: MessageType = MessageType($code);
        }
    };

    (@group $name:ident = $code:literal) => {
        impl IeValue for $name {
            const TYPE: IeType = IeType($code);

            fn decode(value: &[u8]) -> Result<Self, ValueError> {
                Self::read(&mut IeWalk::new(value))
            }

            fn encode(&self, out: &mut Vec<u8>) {
                self.write(out);
            }
        }
    };
}
