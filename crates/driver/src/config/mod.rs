//! Configuration files: YAML in, a typed configuration or one line that says where it is wrong out.
//!
//! ```text
//! text --saphyr-parser--> tree (every value with its line) --serde--> Config
//!                           `-- stays, so that what fails later still has its line
//! ```
//!
//! ```text
//! enb.yml:7: local_adresses: unknown key, expected `local_addresses`
//! enb.yml:14: subscribers[0].imsi: `00101` is not an IMSI, expected 6 to 15 digits
//! ```

mod de;
mod tree;

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use epc_node::text::{escaped, shown};
use serde::de::DeserializeOwned;

use tree::Tree;

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
    /// The file.
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
    source: Source,
}

impl<C> Loaded<C> {
    /// Gives a problem that shows later its line.
    pub fn locate(&self, problem: &Problem) -> ConfigError {
        self.source.locate(problem)
    }

    /// The same file with another configuration, such as one that keeps old values.
    pub fn with(self, config: C) -> Loaded<C> {
        Loaded { config, ..self }
    }
}

#[derive(Debug, Clone)]
struct Source {
    file: PathBuf,
    tree: Tree,
}

impl Source {
    fn locate(&self, problem: &Problem) -> ConfigError {
        ConfigError {
            file: self.file.clone(),
            line: Some(self.tree.line_of(&problem.key)),
            key: problem.key.clone(),
            what: problem.what.clone(),
        }
    }
}

/// Octets of the largest file that is read: more than 100,000 subscribers with ten keys each need.
const LARGEST: u64 = 64 << 20;

/// Reads and parses a regular file, or one that a symbolic link leads to.
pub fn load<C: DeserializeOwned>(file: &Path) -> Result<Loaded<C>, ConfigError> {
    let unreadable = |why: String| ConfigError {
        file: file.to_owned(),
        line: None,
        key: String::new(),
        what: format!("{why}, expected a configuration in YAML"),
    };
    match read(file) {
        Ok(Some(text)) => parse_in(&text, file),
        Ok(None) => Err(unreadable("no regular file".to_owned())),
        Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
            Err(unreadable(format!("larger than {} MiB", LARGEST >> 20)))
        }
        Err(error) => Err(unreadable(format!("cannot be read: {error}"))),
    }
}

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

/// Parses a text; `name` stands for the file in errors.
pub fn parse<C: DeserializeOwned>(text: &str, name: &str) -> Result<C, ConfigError> {
    parse_in(text, Path::new(name)).map(|loaded| loaded.config)
}

fn parse_in<C: DeserializeOwned>(text: &str, file: &Path) -> Result<Loaded<C>, ConfigError> {
    let wrong = |line, key, what| ConfigError {
        file: file.to_owned(),
        line: Some(line),
        key,
        what,
    };
    let tree = Tree::parse(text).map_err(|error| wrong(error.line, error.key, error.what))?;
    match de::from_tree(&tree) {
        Ok(config) => Ok(Loaded {
            config,
            source: Source {
                file: file.to_owned(),
                tree,
            },
        }),
        Err(error) => {
            let key = error.key();
            let line = error.line.unwrap_or_else(|| tree.line_of(&key));
            Err(wrong(line, key, error.what))
        }
    }
}

#[cfg(test)]
mod tests;
