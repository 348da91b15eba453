//! Where `tracing` goes: standard error, filtered by `RUST_LOG`, `info` by default.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};
use std::{env, panic};

use epc_node::config::LogFormat;
use tracing::warn;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// Lines that are written together are no more than this, in octets.
const TOGETHER: usize = 1 << 16;

thread_local! {
    /// The lines of this thread that wait to be written together; none where each is written by itself.
    static WAITING: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}

/// Does what may say much, and writes the lines of it to standard error when it is done: a session each is a system call
/// each, otherwise.
pub(crate) fn together<R>(work: impl FnOnce() -> R) -> R {
    WAITING.set(Some(Vec::new()));
    let done = work();
    write_waiting();
    done
}

fn write_waiting() {
    let waiting = WAITING.take().unwrap_or_default();
    // Nobody can be told that nobody can be told.
    let _ = io::stderr().write_all(&waiting);
}

/// Standard error, one line or many at a time.
struct Lines;

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        WAITING.with_borrow_mut(|waiting| match waiting {
            Some(waiting) if waiting.len() + line.len() <= TOGETHER => {
                waiting.extend_from_slice(line);
                Ok(line.len())
            }
            Some(waiting) => {
                io::stderr().write_all(waiting)?;
                waiting.clear();
                io::stderr().write(line)
            }
            None => io::stderr().write(line),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts logging; a second call in one process (tests) changes nothing.
pub(crate) fn start(format: LogFormat) {
    let wanted = env::var("RUST_LOG").unwrap_or_default();
    let (filter, problem) = match filter(&wanted) {
        Ok(filter) => (filter, None),
        Err(error) => (Targets::new().with_default(LevelFilter::INFO), Some(error)),
    };
    let layer = fmt::layer().with_writer(|| Lines).with_target(false);
    let layer = match format {
        LogFormat::Text => layer.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => layer.json().flatten_event(true).boxed(),
    };
    let started = tracing_subscriber::registry().with(layer.with_filter(filter));
    if started.try_init().is_ok() {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |panicked| {
            // What led to it.
            write_waiting();
            report(panicked);
        }));
    }
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
    fn lines_wait_only_while_they_are_to_be_written_together() {
        let waiting = || WAITING.with_borrow(|waiting| waiting.as_ref().map(Vec::len));
        let say = |line: &[u8]| Lines.write_all(line).unwrap();
        say(b"alone\n");
        assert_eq!(waiting(), None);
        together(|| {
            say(b"first\n");
            say(b"second\n");
            assert_eq!(waiting(), Some(13));
        });
        assert_eq!(waiting(), None);
    }

    #[test]
    fn rust_log_is_levels_by_crate() {
        let all = filter(" ").unwrap();
        assert!(all.would_enable("pgw", &Level::INFO) && !all.would_enable("pgw", &Level::DEBUG));
        let one = filter("info,pgw=debug").unwrap();
        assert!(one.would_enable("pgw::pool", &Level::DEBUG) && !one.would_enable("sgw", &Level::DEBUG));
        assert!(filter("pgw=loud").is_err());
    }
}
