//! The configurations of the demo, as files.

use std::fs;
use std::path::{Path, PathBuf};

use epc_lab::{Node, yaml};

use super::Failure;

/// The number of the subscriber whose client is behind the eNB.
pub(super) const EXTERNAL: u32 = 1;

/// Writes `enb.yml`, `mme.yml`, `sgw.yml` and `pgw.yml`: two subscribers who do something, and others.
pub(super) fn write(directory: &Path, subscribers: u32) -> Result<(), Failure> {
    let enb = yaml::enb(&[yaml::external(EXTERNAL), yaml::http_get(2)])
        + &yaml::silent(3, subscribers.saturating_sub(2));
    for (node, text) in [
        (Node::Enb, enb),
        (Node::Mme, yaml::mme()),
        (Node::Sgw, yaml::sgw()),
        (Node::Pgw, yaml::pgw()),
    ] {
        let path = path(directory, node);
        fs::write(&path, text)
            .map_err(|error| Failure::of_lab(format!("write {}: {error}", path.display())))?;
    }
    Ok(())
}

/// Where the configuration of a node is.
pub(super) fn path(directory: &Path, node: Node) -> PathBuf {
    directory.join(format!("{}.yml", node.name()))
}
