//! The programs of the demo's image in one file, which is called by the names of all of them: a web server behind SGi, a
//! client behind the eNB, and a capture.

mod capture;
mod external_client;
mod http_server;

use std::process::ExitCode;

use clap::Parser;

#[derive(Debug, Parser)]
#[command(version, multicall = true)]
enum Program {
    HttpServer(http_server::Args),
    ExternalClient(external_client::Args),
    Capture(capture::Args),
}

fn main() -> ExitCode {
    let done = match Program::parse() {
        Program::HttpServer(args) => http_server::run(&args),
        Program::ExternalClient(args) => external_client::run(args),
        Program::Capture(args) => capture::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
