//! `/metrics`, `/livez` and `/readyz` at `prom_addr`, and the client that asks them.
//!
//! The two health pages are answered by the control loop: if it hangs, so do they, until [`PATIENCE`] ends.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::Problem;
use crate::sockets::cannot_bind;

/// How long the control loop may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A question to the control loop: what is missing?
pub(crate) type Question = oneshot::Sender<Vec<String>>;

/// The metrics, once the node has any.
pub(crate) type Metrics = Arc<OnceLock<Registry>>;

#[derive(Debug, Clone)]
struct Server {
    registry: Metrics,
    control: mpsc::Sender<Question>,
}

/// Binds `prom_addr`.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, Problem> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Problem::new("prom_addr", cannot_bind("TCP", address, &error)))
}

/// Serves until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, registry: Metrics, control: mpsc::Sender<Question>) {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(livez))
        .route("/readyz", get(readyz))
        .with_state(Server { registry, control });
    if let Err(error) = axum::serve(listener, router).await {
        tracing::warn!(%error, "HTTP ended");
    }
}

async fn metrics(State(server): State<Server>) -> impl IntoResponse {
    let mut text = String::new();
    let none_yet = Registry::default();
    let registry = server.registry.get().unwrap_or(&none_yet);
    match prometheus_client::encoding::text::encode(&mut text, registry) {
        Ok(()) => (StatusCode::OK, [(header::CONTENT_TYPE, OPEN_METRICS)], text),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(header::CONTENT_TYPE, "text/plain")],
            format!("{error}\n"),
        ),
    }
}

async fn livez(State(server): State<Server>) -> impl IntoResponse {
    match server.missing().await {
        Some(_) => (StatusCode::OK, "alive\n"),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the control loop does not answer\n",
        ),
    }
}

async fn readyz(State(server): State<Server>) -> impl IntoResponse {
    match server.missing().await {
        Some(missing) if missing.is_empty() => (StatusCode::OK, "ready\n".to_owned()),
        Some(missing) => (StatusCode::SERVICE_UNAVAILABLE, missing.join("\n") + "\n"),
        None => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the control loop does not answer\n".to_owned(),
        ),
    }
}

impl Server {
    async fn missing(&self) -> Option<Vec<String>> {
        let (answer, answered) = oneshot::channel();
        let exchange = async {
            self.control.send(answer).await.ok()?;
            answered.await.ok()
        };
        tokio::time::timeout(PATIENCE, exchange).await.ok()?
    }
}

/// Asks a running node; `Ok` is the status and the page.
pub(crate) fn ask(prom_addr: SocketAddr, path: &str) -> io::Result<(u16, String)> {
    let ip = match prom_addr.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    let address = SocketAddr::new(ip, prom_addr.port());
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(2 * PATIENCE))?;
    stream.write_all(
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    match (status, answer.split_once("\r\n\r\n")) {
        (Some(status), Some((_, page))) => Ok((status, page.to_owned())),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "not HTTP")),
    }
}
