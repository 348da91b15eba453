use std::io;
use std::time::Duration;

/// Why something in the lab did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kernel refused something.
    #[error("{what}: {source}")]
    Io {
        /// What was tried.
        what: String,
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel refused a link, an address or a route.
    #[error("{what}: {source}")]
    Netlink {
        /// What was tried.
        what: String,
        /// What the kernel said.
        source: Box<rtnetlink::Error>,
    },
    /// A state did not come.
    #[error("waited {limit:?} for {what}, in vain: {last}")]
    Timeout {
        /// The state.
        what: String,
        /// How long it was waited for.
        limit: Duration,
        /// What was there instead.
        last: String,
    },
    /// An HTTP request got no answer, or a wrong one.
    #[error("GET {url}: {problem}")]
    Http {
        /// What was asked for.
        url: String,
        /// What happened.
        problem: String,
    },
    /// No echo came back.
    #[error("no echo from {to} within {limit:?}")]
    NoEcho {
        /// Who was asked.
        to: std::net::IpAddr,
        /// How long it was waited for.
        limit: Duration,
    },
    /// What arrived is not what was sent.
    #[error("{what} is not what was sent to {to}")]
    Damaged {
        /// What it was.
        what: String,
        /// To whom.
        to: std::net::IpAddr,
    },
    /// The daemons could not be built.
    #[error("{0}")]
    Build(String),
    /// No namespaces here; the text says why and what to do.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Error {
        let what = what.into();
        move |source| Error::Io { what, source }
    }

    pub(crate) fn errno(what: impl Into<String>) -> impl FnOnce(nix::errno::Errno) -> Error {
        let what = what.into();
        move |errno| Error::Io {
            what,
            source: errno.into(),
        }
    }

    pub(crate) fn netlink(what: impl Into<String>) -> impl FnOnce(rtnetlink::Error) -> Error {
        let what = what.into();
        move |source| Error::Netlink {
            what,
            source: Box::new(source),
        }
    }
}
