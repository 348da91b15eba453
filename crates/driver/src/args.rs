//! The command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

#[derive(Debug, Parser)]
#[command(version, about, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(flatten)]
    file: File,
    /// Read the configuration, say what is wrong with it, and exit.
    #[arg(long)]
    pub(crate) check: bool,
    #[command(subcommand)]
    pub(crate) verb: Option<Verb>,
}

#[derive(Debug, ClapArgs)]
struct File {
    /// The configuration, YAML; also `-config FILE`. By default ./NAME.yml, else /etc/gw-tester/NAME.yml.
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Ask the running node how it is, at the `prom_addr` of the configuration; exit 0 if well, else 1.
    Healthcheck {
        /// Whether the node runs, or whether it can serve.
        #[arg(value_enum, default_value = "readyz")]
        question: Question,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Question {
    Livez,
    Readyz,
}

impl Question {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Question::Livez => "/livez",
            Question::Readyz => "/readyz",
        }
    }
}

/// Parses the arguments; the error is clap's, which also carries `--help` and `--version`.
pub(crate) fn parse(
    name: &'static str,
    about: &'static str,
    args: impl Iterator<Item = OsString>,
) -> Result<Args, clap::Error> {
    let mut command = Args::command().name(name).about(about);
    let matches = command.try_get_matches_from_mut(args.map(single_dash))?;
    Args::from_arg_matches(&matches)
}

/// go-gtp's nodes take `-config FILE` and `-config=FILE`.
fn single_dash(arg: OsString) -> OsString {
    match arg.to_str() {
        Some(text) if text == "-config" || text.starts_with("-config=") => format!("-{text}").into(),
        _ => arg,
    }
}

impl Args {
    /// The file that was asked for, or the first of the usual places that has one.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        let here = PathBuf::from(format!("./{name}.yml"));
        let system = Path::new("/etc/gw-tester").join(format!("{name}.yml"));
        match &self.file.config {
            Some(file) => file.clone(),
            None if !here.exists() && system.exists() => system,
            None => here,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Args, clap::Error> {
        parse("toy", "A toy.", args.iter().map(OsString::from))
    }

    #[test]
    fn file_is_taken_in_every_spelling() {
        for args in [
            &["toy", "-config", "a.yml"][..],
            &["toy", "-config=a.yml"],
            &["toy", "--config", "a.yml"],
            &["toy", "--config=a.yml"],
            &["toy", "healthcheck", "-config", "a.yml"],
        ] {
            assert_eq!(parsed(args).unwrap().file("toy"), Path::new("a.yml"), "{args:?}");
        }
        assert_eq!(parsed(&["toy"]).unwrap().file("toy"), Path::new("./toy.yml"));
    }

    #[test]
    fn unknown_argument_is_refused_with_exit_code_2() {
        assert_eq!(parsed(&["toy", "--verbose"]).unwrap_err().exit_code(), 2);
        assert_eq!(parsed(&["toy", "--version"]).unwrap_err().exit_code(), 0);
    }
}
