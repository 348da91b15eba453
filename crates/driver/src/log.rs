//! Where `tracing` goes: standard error, filtered by `RUST_LOG`, `info` by default.

use std::env;
use std::io::{self, IsTerminal};

use epc_node::config::LogFormat;
use tracing::warn;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Starts logging; a second call in one process (tests) changes nothing.
pub(crate) fn start(format: LogFormat) {
    let wanted = env::var("RUST_LOG").unwrap_or_default();
    let (filter, problem) = match filter(&wanted) {
        Ok(filter) => (filter, None),
        Err(error) => (Targets::new().with_default(LevelFilter::INFO), Some(error)),
    };
    let layer = fmt::layer().with_writer(io::stderr).with_target(false);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let _ = tracing_subscriber::registry()
        .with(layer.with_filter(filter))
        .try_init();
    if let Some(error) = problem {
        warn!(RUST_LOG = %wanted, %error, "RUST_LOG is not understood, logging at info; wanted is such as info,sgw=debug");
    }
}

/// Levels by crate, such as `info,sgw=debug`.
fn filter(wanted: &str) -> Result<Targets, impl std::error::Error + use<>> {
    match wanted.trim() {
        "" => Ok(Targets::new().with_default(LevelFilter::INFO)),
        wanted => wanted.parse::<Targets>(),
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn rust_log_is_levels_by_crate() {
        let all = filter(" ").unwrap();
        assert!(all.would_enable("pgw", &Level::INFO) && !all.would_enable("pgw", &Level::DEBUG));
        let one = filter("info,pgw=debug").unwrap();
        assert!(one.would_enable("pgw::pool", &Level::DEBUG) && !one.would_enable("sgw", &Level::DEBUG));
        assert!(filter("pgw=loud").is_err());
    }
}
