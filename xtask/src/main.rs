//! The project's verbs that need more than cargo: `cargo xtask VERB`.

mod bench;
mod demo;
mod images;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's verbs that need more than cargo")]
struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Attach subscribers through four daemons in a lab of network namespaces, and fetch a page through the tunnel
    Demo(demo::Args),
    /// Build the images with docker, say how large they are, and write what is in them
    Images(images::Args),
    /// Measure
    #[command(subcommand)]
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    // Before anything else: this program is also the processes that stand between the host and a lab.
    epc_lab::sandbox::init();
    match Args::parse().verb {
        Verb::Demo(args) => demo::main(&args),
        Verb::Images(args) => images::main(&args),
        Verb::Bench(bench) => bench::main(&bench),
    }
}
