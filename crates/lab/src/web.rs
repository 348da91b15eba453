//! The server behind SGi: real HTTP, three pages.
//!
//! `/` says `It works!`, `/size/N` sends N octets, `/me` says which address asked.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use axum::extract::{ConnectInfo, Path};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Router, serve};
use tokio::sync::oneshot;

use crate::{Error, Namespace, Result};

/// What `/` says.
pub const PAGE: &str = "<!doctype html><title>gw-tester</title><p>It works!</p>\n";

/// The most octets `/size/N` sends.
const LARGEST: usize = 256 << 20;

/// A running server. It stops when this value goes.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it inside `namespace`. `on_request` is told who asked for what.
    pub fn start(
        namespace: &Namespace,
        address: SocketAddr,
        on_request: impl Fn(IpAddr, &str) + Send + Sync + 'static,
    ) -> Result<Server> {
        let what = format!("{}: HTTP server on {address}", namespace.name());
        let listener = namespace
            .run(|| TcpListener::bind(address))
            .map_err(Error::io(what))?;
        Server::on(listener, on_request)
    }

    /// Starts it on a socket that listens already.
    pub fn on(
        listener: TcpListener,
        on_request: impl Fn(IpAddr, &str) + Send + Sync + 'static,
    ) -> Result<Server> {
        let what = || "HTTP server".to_owned();
        listener.set_nonblocking(true).map_err(Error::io(what()))?;
        let address = listener.local_addr().map_err(Error::io(what()))?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(Error::io(what()))?;
        let (stop, stopped) = oneshot::channel();
        let pages = pages(Arc::new(on_request)).into_make_service_with_connect_info::<SocketAddr>();
        let thread = thread::Builder::new()
            .name("web".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                        return;
                    };
                    tokio::select! {
                        _ = async { serve(listener, pages).await } => {}
                        _ = stopped => {}
                    }
                });
            })
            .map_err(Error::io(what()))?;
        Ok(Server {
            address,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

type OnRequest = Arc<dyn Fn(IpAddr, &str) + Send + Sync>;

fn pages(on_request: OnRequest) -> Router {
    let (for_size, for_me) = (on_request.clone(), on_request.clone());
    Router::new()
        .route(
            "/",
            get(async move |ConnectInfo(from): ConnectInfo<SocketAddr>| {
                on_request(from.ip(), "/");
                ([("content-type", "text/html; charset=utf-8")], PAGE)
            }),
        )
        .route(
            "/size/{octets}",
            get(
                async move |ConnectInfo(from): ConnectInfo<SocketAddr>, Path(octets): Path<usize>| {
                    for_size(from.ip(), "/size");
                    match octets <= LARGEST {
                        true => Ok("x".repeat(octets)),
                        false => Err(StatusCode::BAD_REQUEST),
                    }
                },
            ),
        )
        .route(
            "/me",
            get(async move |ConnectInfo(from): ConnectInfo<SocketAddr>| {
                for_me(from.ip(), "/me");
                from.ip().to_string()
            }),
        )
}
