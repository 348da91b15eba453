//! `cargo xtask bench`: measurements that need a lab.

pub(crate) mod user_plane;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Subcommand)]
pub(crate) enum Bench {
    /// The user plane against kernel routing, kernel tunnels and itself without offloads, in one run
    UserPlane(user_plane::Args),
}

pub(crate) fn main(bench: &Bench) -> ExitCode {
    match bench {
        Bench::UserPlane(args) => user_plane::main(args),
    }
}
