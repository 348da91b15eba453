//! Runs a brain as a daemon.

pub mod config;
