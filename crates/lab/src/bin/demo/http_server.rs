//! The web server behind SGi, in the demo's image.

use std::net::{SocketAddr, TcpListener};

use clap::Parser;
use epc_lab::demo::{Route, Stop};
use epc_lab::{Error, Result, web};

/// A web server: `/` says `It works!`, `/size/N` sends N octets, `/me` says which address asked.
#[derive(Debug, Parser)]
pub(crate) struct Args {
    /// Where to listen.
    #[arg(long, default_value = "0.0.0.0:80", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    #[command(flatten)]
    route: Route,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let stop = Stop::listen()?;
    let socket = TcpListener::bind(args.listen).map_err(|source| Error::Io {
        what: format!("listen on {}", args.listen),
        source,
    })?;
    args.route.add()?;
    let server = web::Server::on(socket, |from, page| println!("{from} asked for {page}"))?;
    println!("listening on {}", server.address());
    stop.wait()
}
