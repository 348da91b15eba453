//! The brain of an MME: no I/O.

pub mod config;

pub use config::Config;
