//! What can be wrong with octets or with text, and what TS 29.274 §7.7 wants done about it.

use core::fmt;

use crate::gtpv2c::{CauseValue, Header, IeType, MessageType};

/// Why something could not be decoded. A node can answer from it alone: [`Error::header`] tells whom and with which
/// sequence number, [`Error::cause`] and [`Error::offending`] tell what to put into the Cause IE, and no cause means
/// to discard silently.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Fewer octets than a header has. Discard (TS 29.274 §7.7.3, TS 29.281 §5.1).
    #[error("{protocol}: the header needs {needs} octets, there are {have} (TS 29.274 §7.7.3)")]
    Header {
        /// GTPv2-C or GTPv1-U.
        protocol: &'static str,
        /// Octets that the header would have.
        needs: usize,
        /// Octets that there are.
        have: usize,
    },
    /// Another version of GTP. GTPv2-C answers with a Version Not Supported Indication (TS 29.274 §7.7.2).
    #[error("{protocol}: version {version} is not supported (TS 29.274 §7.7.2)")]
    Version {
        /// The protocol that was expected.
        protocol: &'static str,
        /// The version that was found, 0 to 7.
        version: u8,
        /// What a header of version 2 in the same octets would say, for the sequence number of the answer.
        header: Option<Header>,
    },
    /// The length in the header and the length of the datagram do not fit (TS 29.274 §7.7.3).
    #[error("{}the header announces {declared} octets, there are {have} (TS 29.274 §7.7.3)", prefix(.header))]
    Length {
        /// The header, where it is of GTPv2-C.
        header: Option<Header>,
        /// Octets that the message would have.
        declared: usize,
        /// Octets that there are.
        have: usize,
    },
    /// A mandatory IE is missing (TS 29.274 §7.7.6).
    #[error("{0}: mandatory IE is missing (TS 29.274 §7.7.6)")]
    MandatoryMissing(Place),
    /// A conditional IE is missing where its condition holds (TS 29.274 §7.7.6). The codec does not check conditions;
    /// this is for nodes that do.
    #[error("{0}: conditional IE is missing (TS 29.274 §7.7.6)")]
    ConditionalMissing(Place),
    /// An IE is shorter than it must be, or runs over the end of what holds it (TS 29.274 §7.7.7).
    #[error("{place}: invalid length, at {what} (TS 29.274 §7.7.7)")]
    IeLength {
        /// Which IE.
        place: Place,
        /// The part of the IE that could not be read.
        what: &'static str,
    },
    /// An IE holds what it cannot hold (TS 29.274 §7.7.8).
    #[error("{place}: incorrect value, at {what} (TS 29.274 §7.7.8)")]
    IeIncorrect {
        /// Which IE.
        place: Place,
        /// The part of the IE that is incorrect.
        what: &'static str,
    },
    /// A GTPv1-U message that is not well formed. Discard (TS 29.281 §7.1, TS 29.060 §11.1).
    #[error("GTPv1-U message {message}: {what} at octet {at} is {} ({clause})", .problem.as_text())]
    User {
        /// The message type.
        message: u8,
        /// What could not be read.
        what: &'static str,
        /// Octets from the start of the datagram.
        at: usize,
        /// In which way.
        problem: ValueProblem,
        /// Where the specification speaks of it.
        clause: &'static str,
    },
    /// A text, from a configuration for example, is not the value that it should be.
    #[error("{what}: expected {expected}")]
    Text {
        /// What should have been there.
        what: &'static str,
        /// What it looks like.
        expected: &'static str,
    },
}

/// Where in a GTPv2-C message something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Of the message.
    pub header: Header,
    /// The IE, the innermost one where IEs are grouped.
    pub ie: IeType,
    /// Its instance.
    pub instance: u8,
    /// The grouped IE that holds it, if one does, with its instance.
    pub group: Option<(IeType, u8)>,
    /// Octets from the start of the message to what is wrong; for a missing IE, to the end of what should hold it.
    pub offset: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.header.message_type)?;
        if let Some((group, instance)) = self.group {
            write!(f, "{group} instance {instance}, ")?;
        }
        write!(f, "{} instance {}, octet {}", self.ie, self.instance, self.offset)
    }
}

fn prefix(header: &Option<Header>) -> impl fmt::Display {
    struct Prefix(Option<MessageType>);
    impl fmt::Display for Prefix {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.map_or(Ok(()), |message| write!(f, "{message}: "))
        }
    }
    Prefix(header.map(|header| header.message_type))
}

impl Error {
    /// The header of the GTPv2-C message, where it could be read.
    #[must_use]
    pub fn header(&self) -> Option<Header> {
        match self {
            Error::Version { header, .. } | Error::Length { header, .. } => *header,
            Error::MandatoryMissing(place) | Error::ConditionalMissing(place) => Some(place.header),
            Error::IeLength { place, .. } | Error::IeIncorrect { place, .. } => Some(place.header),
            Error::Header { .. } | Error::User { .. } | Error::Text { .. } => None,
        }
    }

    /// The cause that TS 29.274 §7.7 wants in the answer to this request. `None`: no answer, because it is not a
    /// request or because the specification says to discard it.
    #[must_use]
    pub fn cause(&self) -> Option<CauseValue> {
        let cause = match self {
            Error::Length { .. } | Error::IeLength { .. } => CauseValue::INVALID_LENGTH,
            Error::MandatoryMissing(_) => CauseValue::MANDATORY_IE_MISSING,
            Error::ConditionalMissing(_) => CauseValue::CONDITIONAL_IE_MISSING,
            Error::IeIncorrect { .. } => CauseValue::MANDATORY_IE_INCORRECT,
            Error::Header { .. } | Error::Version { .. } | Error::User { .. } | Error::Text { .. } => {
                return None;
            }
        };
        self.header()?.message_type.answer().map(|_| cause)
    }

    /// The IE at fault and its instance, for the Cause IE of the answer.
    #[must_use]
    pub fn offending(&self) -> Option<(IeType, u8)> {
        match self {
            Error::MandatoryMissing(place) | Error::ConditionalMissing(place) => {
                Some((place.ie, place.instance))
            }
            Error::IeLength { place, .. } | Error::IeIncorrect { place, .. } => {
                Some((place.ie, place.instance))
            }
            _ => None,
        }
    }

    /// Whether the message is of another version of GTP, which is answered with Version Not Supported Indication.
    #[must_use]
    pub fn is_version(&self) -> bool {
        matches!(self, Error::Version { .. })
    }
}

/// Why the value of one information element could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ValueError {
    /// The part that is wrong.
    pub what: &'static str,
    /// Octets from the start of the value.
    pub at: usize,
    /// In which way it is wrong.
    pub problem: ValueProblem,
    /// The IE and instance inside a grouped IE, if that is where it is wrong.
    pub ie: Option<(IeType, u8)>,
    /// The grouped IE that holds it, if it is not the one that was read.
    pub group: Option<(IeType, u8)>,
}

/// In which way a value is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ValueProblem {
    /// It ends too early.
    Short,
    /// It says what it cannot say.
    Incorrect,
    /// It is not there at all.
    Missing,
}

impl ValueProblem {
    fn as_text(self) -> &'static str {
        match self {
            ValueProblem::Short => "cut short",
            ValueProblem::Incorrect => "incorrect",
            ValueProblem::Missing => "missing",
        }
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((ie, instance)) = self.ie {
            write!(f, "{ie} instance {instance}: ")?;
        }
        write!(
            f,
            "{} at octet {} is {}",
            self.what,
            self.at,
            self.problem.as_text()
        )
    }
}

impl core::error::Error for ValueError {}
