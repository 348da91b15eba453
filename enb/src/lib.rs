//! The brain of an eNB: no I/O.

pub mod config;

pub use config::Config;
