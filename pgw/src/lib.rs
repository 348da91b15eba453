pub mod config;
mod pool;

pub use config::Config;
