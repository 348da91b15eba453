//! The four daemons as programs: cargo builds them.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Error, Node, Result};

/// Where the binaries of the four daemons are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daemons {
    directory: PathBuf,
}

impl Daemons {
    /// The nodes that have a daemon, in the order in which a packet of a UE meets them, with the MME second.
    pub const NODES: [Node; 4] = [Node::Enb, Node::Mme, Node::Sgw, Node::Pgw];

    /// Builds them with cargo, whose progress is shown on standard error, by one of the workspace's profiles: `dev`, `release`, or
    /// `dist`, which is what is shipped.
    pub fn build(profile: &str) -> Result<Daemons> {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.args([
            "build",
            "--message-format=json-render-diagnostics",
            "--profile",
            profile,
        ]);
        for node in Daemons::NODES {
            command.args(["--package", node.name()]);
        }
        // The directory of the caller's package, wherever in the workspace it is.
        if let Some(directory) = env::var_os("CARGO_MANIFEST_DIR") {
            command.current_dir(directory);
        }
        let output = command
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(Error::io("start cargo"))?;
        if !output.status.success() {
            return Err(Error::Build("cargo could not build the daemons".to_owned()));
        }
        let messages = String::from_utf8_lossy(&output.stdout);
        let enb = executable(&messages, Node::Enb.name())
            .ok_or_else(|| Error::Build("cargo built no program named enb".to_owned()))?;
        let directory = enb.parent().map(Path::to_owned).unwrap_or_default();
        Ok(Daemons { directory })
    }

    /// Those in a directory.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Daemons {
        Daemons {
            directory: directory.into(),
        }
    }

    /// Where they are, such as `target/release`.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The program of a node.
    pub fn program(&self, node: Node) -> PathBuf {
        self.directory.join(node.name())
    }

    /// `PROGRAM --config FILE`, which keeps its restart counter in `directory`.
    pub fn command(&self, node: Node, config: &Path, directory: &Path) -> Command {
        let mut command = Command::new(self.program(node));
        command.arg("--config").arg(config);
        // Where a service manager would let it keep its restart counter; without it the daemon waits for a new second.
        let state = directory.join(format!("{}.state", node.name()));
        if std::fs::create_dir_all(&state).is_ok() {
            command.env("STATE_DIRECTORY", state);
        }
        command
    }
}

/// Cargo says one JSON object a line; a program is a `compiler-artifact` with an `executable`.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| Some(PathBuf::from(message["executable"].as_str()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_is_found_in_what_cargo_says() {
        let said = r#"{"reason":"compiler-artifact","target":{"name":"enb","kind":["lib"]},"executable":null}
{"reason":"compiler-artifact","target":{"name":"enb","kind":["bin"]},"executable":"/src/target/release/enb"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable(said, "enb"), Some("/src/target/release/enb".into()));
        assert_eq!(executable(said, "mme"), None);
    }
}
