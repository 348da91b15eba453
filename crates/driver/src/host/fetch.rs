//! `type: http_get`: a built-in subscriber that fetches a page from its own address, again and again.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::{Request, Uri, header};
use epc_node::UeAddress;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinHandle;
use tracing::{debug, info};

use crate::discovery;

/// A page that has not come within this time will not.
const PATIENCE: Duration = Duration::from_secs(10);

/// What to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetch {
    /// The addresses to fetch from.
    pub ue: UeAddress,
    /// `http://HOST[:PORT]/PATH`.
    pub url: String,
    /// From the end of one fetch to the beginning of the next.
    pub interval: Duration,
}

/// The fetches that run, by the name of their subscriber, and their metrics.
#[derive(Debug)]
pub struct Fetches {
    running: HashMap<String, JoinHandle<()>>,
    metrics: Metrics,
}

#[derive(Debug, Clone)]
struct Metrics {
    results: Family<Labels, Counter>,
    octets: Counter,
    duration: Histogram,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    result: Outcome,
}

/// How a fetch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, prometheus_client::encoding::EncodeLabelValue)]
#[allow(non_camel_case_types, reason = "the names are the values of the label")]
enum Outcome {
    /// A page with a status of 2xx or 3xx.
    ok,
    /// An answer with another status.
    refused,
    /// No whole answer in time.
    timeout,
    /// No connection, or one that broke.
    failed,
}

impl Fetches {
    /// No fetch yet; `enb_http_get_...` in the metrics.
    pub fn new(registry: &mut Registry) -> Fetches {
        let metrics = Metrics {
            results: Family::default(),
            octets: Counter::default(),
            duration: Histogram::new([0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]),
        };
        let registry = registry.sub_registry_with_prefix("enb");
        registry.register(
            "http_get",
            "Pages fetched by built-in subscribers, by result",
            metrics.results.clone(),
        );
        registry.register(
            "http_get_octets",
            "Octets of the pages fetched",
            metrics.octets.clone(),
        );
        registry.register(
            "http_get_duration_seconds",
            "From the first packet to the last octet of a page",
            metrics.duration.clone(),
        );
        Fetches {
            running: HashMap::new(),
            metrics,
        }
    }

    /// Starts fetching in the place of what ran under this name.
    pub fn start(&mut self, name: &str, fetch: Fetch) {
        self.stop(name);
        let task = tokio::spawn(repeat(fetch, self.metrics.clone()));
        self.running.insert(name.to_owned(), task);
    }

    /// Stops fetching.
    pub fn stop(&mut self, name: &str) {
        if let Some(task) = self.running.remove(name) {
            task.abort();
        }
    }
}

impl Drop for Fetches {
    fn drop(&mut self) {
        for task in self.running.values() {
            task.abort();
        }
    }
}

async fn repeat(fetch: Fetch, metrics: Metrics) {
    let mut last = None;
    loop {
        let began = Instant::now();
        let got = match tokio::time::timeout(PATIENCE, get(&fetch)).await {
            Ok(got) => got,
            Err(_) => Got::without_page(
                Outcome::timeout,
                format!("nothing within {} s", PATIENCE.as_secs()),
            ),
        };
        let seconds = began.elapsed().as_secs_f64();
        let result = got.outcome;
        metrics.results.get_or_create(&Labels { result }).inc();
        if result == Outcome::ok {
            metrics.octets.inc_by(got.octets);
            metrics.duration.observe(seconds);
        }
        debug!(?result, ue = %fetch.ue, octets = got.octets, seconds, detail = got.detail, "http_get");
        // Each fetch would be noise; a change is news.
        if last.replace(result) != Some(result) {
            let (octets, detail) = (got.octets, got.detail);
            info!(?result, url = fetch.url, octets, seconds, detail, "http_get");
        }
        tokio::time::sleep(fetch.interval).await;
    }
}

struct Got {
    outcome: Outcome,
    octets: u64,
    detail: String,
}

impl Got {
    fn without_page(outcome: Outcome, detail: String) -> Got {
        Got {
            outcome,
            octets: 0,
            detail,
        }
    }
}

async fn get(fetch: &Fetch) -> Got {
    match page(fetch).await {
        Ok(got) => got,
        Err(why) => Got::without_page(Outcome::failed, why),
    }
}

async fn page(fetch: &Fetch) -> Result<Got, String> {
    let uri: Uri = fetch.url.parse().map_err(|error| format!("not a URL: {error}"))?;
    let authority = uri.authority().ok_or("not a URL: it names no host")?;
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let request = Request::get(path)
        .header(header::HOST, authority.as_str())
        .body(Empty::<Bytes>::new())
        .map_err(|error| chain(&error))?;
    let stream = connect(fetch.ue, authority.host(), authority.port_u16().unwrap_or(80)).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| chain(&error))?;
    let exchange = async move {
        let response = sender.send_request(request).await?;
        let status = response.status();
        let mut octets = 0;
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            octets += frame?.data_ref().map_or(0, |data| data.len() as u64);
        }
        Ok::<_, hyper::Error>((status, octets))
    };
    // The connection moves what the exchange reads and writes; it ends when the exchange has dropped its sender.
    let (result, _) = tokio::join!(exchange, connection);
    let (status, octets) = result.map_err(|error| chain(&error))?;
    let outcome = match status.is_success() || status.is_redirection() {
        true => Outcome::ok,
        false => Outcome::refused,
    };
    Ok(Got {
        outcome,
        octets,
        detail: status.to_string(),
    })
}

/// From the UE's address to the first of the host's that can be reached.
async fn connect(ue: UeAddress, host: &str, port: u16) -> Result<TcpStream, String> {
    let found = discovery::addresses_of(host).await?;
    let mut why = format!("{host} has no address of a family of the UE's");
    for address in found {
        let from = match address {
            IpAddr::V4(_) => ue.ipv4.map(IpAddr::V4),
            IpAddr::V6(_) => ue.ipv6.map(IpAddr::V6),
        };
        let Some(from) = from else { continue };
        match connect_from(from, SocketAddr::new(address, port)).await {
            Ok(stream) => return Ok(stream),
            Err(error) => why = error.to_string(),
        }
    }
    Err(why)
}

async fn connect_from(from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(to).await
}

/// The innermost reason says most.
fn chain(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// Answers one request, and tells who asked for what.
    async fn serve(listener: TcpListener, answer: &str) -> (IpAddr, String) {
        let (mut stream, peer) = listener.accept().await.unwrap();
        let mut asked = Vec::new();
        while !asked.ends_with(b"\r\n\r\n") {
            asked.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        (peer.ip(), String::from_utf8(asked).unwrap())
    }

    async fn fetched(host: &str, path: &str, answer: &str) -> (Got, IpAddr, String) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fetch = Fetch {
            ue: UeAddress::v4(Ipv4Addr::new(127, 0, 0, 7)),
            url: format!("http://{host}:{port}{path}"),
            interval: Duration::ZERO,
        };
        let (got, (peer, asked)) = tokio::join!(get(&fetch), serve(listener, answer));
        (got, peer, asked)
    }

    #[tokio::test]
    async fn a_page_is_fetched_from_the_address_of_the_ue() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nIt works!";
        let (got, peer, asked) = fetched("127.0.0.1", "/a?b", answer).await;
        assert_eq!((got.outcome, got.octets), (Outcome::ok, 9));
        assert_eq!(peer, Ipv4Addr::new(127, 0, 0, 7));
        assert!(
            asked.starts_with("GET /a?b HTTP/1.1\r\nhost: 127.0.0.1:"),
            "{asked}"
        );
    }

    #[tokio::test]
    async fn a_host_may_be_a_name_and_the_page_may_be_missing() {
        let (got, _, asked) = fetched("localhost", "", "HTTP/1.1 404 Not Found\r\n\r\n").await;
        assert_eq!(got.outcome, Outcome::refused, "{}", got.detail);
        assert!(asked.starts_with("GET / HTTP/1.1\r\nhost: localhost:"), "{asked}");
    }

    #[tokio::test]
    async fn a_page_that_breaks_off_is_no_page() {
        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nIt w";
        let (got, _, _) = fetched("127.0.0.1", "/", answer).await;
        assert_eq!(got.outcome, Outcome::failed);
    }
}
