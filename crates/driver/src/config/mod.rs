//! Configuration files: YAML in, a typed configuration or one line that says where it is wrong out.
//!
//! ```text
//! text --saphyr-parser--> tree (every value with its line) --serde--> Config
//!    environment ----------^ `-- stays, so that what fails later still has its line
//! ```
//!
//! ```text
//! enb.yml:7: local_adresses: unknown key, expected `local_addresses`
//! enb.yml:14: subscribers[0].imsi: `00101` is not an IMSI, expected 6 to 15 digits
//! GWT_TAI: tai: 65536 is out of range, expected a whole number from 0 to 65535
//! ```

pub(crate) mod de;
pub(crate) mod tree;
mod variables;

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use epc_node::text::{escaped, shown};
use serde::de::DeserializeOwned;

use tree::{Place, Tree};
use variables::VariableError;

/// A problem with one key of a configuration that was already read: a bind that failed, an interface that is not
/// there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The path of the key, as in `subscribers[0].imsi`.
    pub key: String,
    /// What is wrong, and what was expected.
    pub what: String,
}

impl Problem {
    /// A problem with the key at this path.
    pub fn new(key: impl Into<String>, what: impl Into<String>) -> Problem {
        Problem {
            key: key.into(),
            what: what.into(),
        }
    }
}

impl From<(String, String)> for Problem {
    fn from((key, what): (String, String)) -> Problem {
        Problem { key, what }
    }
}

impl From<crate::user_plane::StartError> for Problem {
    fn from(error: crate::user_plane::StartError) -> Problem {
        use crate::user_plane::StartError;
        let what = error.to_string();
        let expected = match &error {
            _ if what.contains("expected") => "",
            StartError::PortInUse { .. } => ", expected it to be free",
            StartError::Socket { .. } => ", expected an address and a port that can be bound",
            StartError::TunMissing { .. } | StartError::TunForbidden { .. } => {
                ", expected /dev/net/tun to open"
            }
            StartError::TunNeedsCapability { .. } => ", expected CAP_NET_ADMIN",
            StartError::Tun { .. } => ", expected a TUN device that can be set up",
            _ => "",
        };
        Problem::new(error.key(), what + expected)
    }
}

/// A configuration that cannot be used: `FILE:LINE: KEY: what is wrong, expected ...`, on one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file, or the environment variable that gave the value.
    pub file: PathBuf,
    /// The line, from 1, where there is one.
    pub line: Option<usize>,
    /// The path of the key; empty when it is about the file as a whole.
    pub key: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One line, whatever a name, a value or a library put in.
        write!(f, "{}:", escaped(&self.file.display().to_string()))?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        if !self.key.is_empty() {
            write!(f, " {}:", shown(&self.key))?;
        }
        write!(f, " {}", escaped(&self.what))
    }
}

impl std::error::Error for ConfigError {}

/// A configuration and where each key of it stands.
#[derive(Debug, Clone)]
pub struct Loaded<C> {
    /// What was read.
    pub config: C,
    document: Document,
}

impl<C> Loaded<C> {
    /// Gives a problem that shows later its line.
    pub fn locate(&self, problem: &Problem) -> ConfigError {
        self.document.locate(problem)
    }

    pub(crate) fn document(&self) -> &Document {
        &self.document
    }

    /// The same file with another configuration, such as one that keeps old values.
    pub fn with(self, config: C) -> Loaded<C> {
        Loaded { config, ..self }
    }
}

/// What a file and the environment say, before it has types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    file: PathBuf,
    /// The environment variables that have a say; [`Place::Variable`] counts them.
    variables: Arc<[String]>,
    tree: Tree,
}

impl Document {
    /// Reads and parses a regular file, or one that a symbolic link leads to, and puts the environment over it.
    pub(crate) fn read(
        file: &Path,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Document, ConfigError> {
        let unreadable = |why: String| ConfigError {
            file: file.to_owned(),
            line: None,
            key: String::new(),
            what: format!("{why}, expected a configuration in YAML"),
        };
        match read(file) {
            Ok(Some(text)) => Document::parse(&text, file, environment),
            Ok(None) => Err(unreadable("no regular file".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                Err(unreadable(format!("larger than {} MiB", LARGEST >> 20)))
            }
            Err(error) => Err(unreadable(format!("cannot be read: {error}"))),
        }
    }

    fn parse(
        text: &str,
        file: &Path,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Result<Document, ConfigError> {
        let mut tree = Tree::parse(text).map_err(|error| ConfigError {
            file: file.to_owned(),
            line: Some(error.line),
            key: error.key,
            what: error.what,
        })?;
        let variables = variables::put_into(&mut tree, environment);
        let variables = variables.map_err(|VariableError { name, key, what }| ConfigError {
            file: name.into(),
            line: None,
            key,
            what,
        })?;
        Ok(Document {
            file: file.to_owned(),
            variables: variables.into(),
            tree,
        })
    }

    /// What is written.
    pub(crate) fn tree(&self) -> &Tree {
        &self.tree
    }

    /// The same with other values at some places.
    pub(crate) fn with(&self, tree: Tree) -> Document {
        Document { tree, ..self.clone() }
    }

    /// Reads it as a configuration.
    pub(crate) fn typed<C: DeserializeOwned>(self) -> Result<Loaded<C>, ConfigError> {
        match de::from_tree(&self.tree) {
            Ok(config) => Ok(Loaded {
                config,
                document: self,
            }),
            Err(error) => {
                let key = error.key();
                let place = error.place.unwrap_or_else(|| self.tree.place_of(&key));
                Err(self.error(place, key, error.what))
            }
        }
    }

    /// Gives a problem with a key its line.
    pub(crate) fn locate(&self, problem: &Problem) -> ConfigError {
        let place = self.tree.place_of(&problem.key);
        self.error(place, problem.key.clone(), problem.what.clone())
    }

    fn error(&self, place: Place, key: String, what: String) -> ConfigError {
        let (file, line) = match place {
            Place::Line(line) => (self.file.clone(), Some(line)),
            Place::Variable(number) => match self.variables.get(number) {
                Some(name) => (name.into(), None),
                None => (self.file.clone(), None),
            },
        };
        ConfigError {
            file,
            line,
            key,
            what,
        }
    }
}

/// Octets of the largest file that is read: more than 100,000 subscribers with ten keys each need.
const LARGEST: u64 = 64 << 20;

/// The text of a regular file; `None` if it is another kind of file.
fn read(file: &Path) -> io::Result<Option<String>> {
    // Asked before it is opened, which does something to some devices, and after, as it may have been replaced. The
    // flag is for what would keep us waiting until somebody writes.
    if !fs::metadata(file)?.is_file() {
        return Ok(None);
    }
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(file)?;
    if !opened.metadata()?.is_file() {
        return Ok(None);
    }
    read_at_most(opened, LARGEST).map(Some)
}

fn read_at_most(file: File, most: u64) -> io::Result<String> {
    let mut text = String::new();
    let mut start = file.take(most + 1);
    start.read_to_string(&mut text)?;
    match start.limit() {
        0 => Err(io::ErrorKind::FileTooLarge.into()),
        _ => Ok(text),
    }
}

/// Parses a text whose addresses are addresses; `name` stands for the file in errors.
pub fn parse<C: DeserializeOwned>(text: &str, name: &str) -> Result<C, ConfigError> {
    let document = Document::parse(text, Path::new(name), std::iter::empty())?;
    document.typed().map(|loaded| loaded.config)
}

#[cfg(test)]
mod tests;
