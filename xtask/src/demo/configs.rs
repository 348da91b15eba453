//! The configurations of the demo, as files.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use epc_lab::{Node, yaml};

/// Writes `enb.yml`, `mme.yml`, `sgw.yml` and `pgw.yml`: two subscribers who do something, and others.
pub(super) fn write(directory: &Path, subscribers: u32) -> io::Result<()> {
    let enb =
        yaml::enb(&[yaml::external(1), yaml::http_get(2)]) + &yaml::silent(3, subscribers.saturating_sub(2));
    for (node, text) in [
        (Node::Enb, enb),
        (Node::Mme, yaml::mme()),
        (Node::Sgw, yaml::sgw()),
        (Node::Pgw, yaml::pgw()),
    ] {
        fs::write(path(directory, node), text)?;
    }
    Ok(())
}

/// Where the configuration of a node is.
pub(super) fn path(directory: &Path, node: Node) -> PathBuf {
    directory.join(format!("{}.yml", node.name()))
}
