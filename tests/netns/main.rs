//! The real daemons in network namespaces: TUN devices, routes, signals, files.
//!
//! No privilege is needed where the kernel lets ordinary users have user namespaces and /dev/net/tun is open to them;
//! elsewhere every test is skipped, and a line says how many and why. The tests run inside a sandbox
//! ([`epc_lab::sandbox`]), each with namespaces of its own, and nothing of them reaches the host's network.

mod attach;
mod discovery;
mod filter;
mod go_gtp;
mod hostile;
mod lab;
mod live;
mod many;
mod mtu;
mod mutations;
mod privileges;
mod reload;
mod restart;
mod start_errors;
mod stop;
mod user_plane;
mod wire;

use std::process::ExitCode;

use epc_lab::{Daemons, sandbox};
use libtest_mimic::{Arguments, Failed, Trial};

/// Where the tests inside find the daemons that were built outside.
const BINARIES: &str = "EPC_TESTS_BINARIES";

type Test = (&'static str, fn() -> Result<(), Failed>);

fn main() -> ExitCode {
    sandbox::init();
    let args = Arguments::from_args();
    let all: Vec<Test> = [
        attach::TESTS,
        discovery::TESTS,
        filter::TESTS,
        go_gtp::TESTS,
        hostile::TESTS,
        live::TESTS,
        reload::TESTS,
        restart::TESTS,
        stop::TESTS,
        start_errors::TESTS,
        many::TESTS,
        mtu::TESTS,
        privileges::TESTS,
        user_plane::TESTS,
    ]
    .concat();
    if sandbox::is_inside() || args.list {
        return run(&args, all, None);
    }
    if let Err(reason) = sandbox::probe() {
        println!("netns: skipped {} tests: {reason}", all.len());
        return run(&args, all, Some(()));
    }
    let profile = if cfg!(debug_assertions) { "dev" } else { "release" };
    let daemons = match Daemons::build(profile) {
        Ok(daemons) => daemons,
        Err(error) => {
            eprintln!("netns: {error}");
            return ExitCode::FAILURE;
        }
    };
    match sandbox::run(&[(BINARIES, daemons.directory().as_os_str())]) {
        Ok(outcome) => ExitCode::from(u8::try_from(outcome.exit_code()).unwrap_or(1)),
        Err(error) => {
            eprintln!("netns: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Arguments, tests: Vec<Test>, skipped: Option<()>) -> ExitCode {
    // go-gtp's files are not part of the project.
    let without_files = !go_gtp::files_are_there();
    if without_files && sandbox::is_inside() {
        println!(
            "netns: skipped {} tests: {} is not there",
            go_gtp::TESTS.len(),
            go_gtp::DIRECTORY
        );
    }
    let trials = tests.into_iter().map(|(name, test)| {
        let of_go_gtp = go_gtp::TESTS.iter().any(|(each, _)| *each == name);
        Trial::test(name, test).with_ignored_flag(skipped.is_some() || (without_files && of_go_gtp))
    });
    libtest_mimic::run(args, trials.collect()).exit_code()
}
