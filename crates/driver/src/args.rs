//! The command line.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use epc_node::text::escaped;

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

/// Parses the arguments; the error carries `--help` and `--version` too, and is one line otherwise.
pub(crate) fn parse(
    name: &'static str,
    about: &'static str,
    args: impl Iterator<Item = OsString>,
) -> Result<Args, clap::Error> {
    let mut command = Args::command().name(name).about(about);
    command
        .try_get_matches_from_mut(args.map(single_dash))
        .and_then(|matches| Args::from_arg_matches(&matches))
        .map_err(one_line)
}

/// go-gtp's nodes take `-config FILE` and `-config=FILE`; then the other words may have one dash, too.
fn single_dash(arg: OsString) -> OsString {
    match arg.to_str() {
        Some("-config" | "-check" | "-version" | "-help") => {}
        Some(text) if text.starts_with("-config=") => {}
        _ => return arg,
    }
    let mut long = OsString::from("-");
    long.push(arg);
    long
}

/// What is wrong, without the usage that clap tells on further lines.
fn one_line(error: clap::Error) -> clap::Error {
    if !error.use_stderr() {
        return error;
    }
    let told = error.to_string();
    let what = told.lines().next().unwrap_or_default();
    let what = escaped(what.strip_prefix("error: ").unwrap_or(what));
    clap::Error::raw(error.kind(), format!("{what}, see --help\n"))
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
    fn what_is_no_argument_is_told_on_one_line_with_exit_code_2() {
        for (args, told) in [
            (
                &["toy", "--verbose"][..],
                "error: unexpected argument '--verbose' found, see --help\n",
            ),
            (
                &["toy", "-chek"],
                "error: unexpected argument '-c' found, see --help\n",
            ),
            (
                &["toy", "--config"],
                "error: a value is required for '--config <FILE>' but none was supplied, see --help\n",
            ),
            (
                &["toy", "start"],
                "error: unrecognized subcommand 'start', see --help\n",
            ),
            (
                &["toy", "healthcheck", "well"],
                "error: invalid value 'well' for '[QUESTION]', see --help\n",
            ),
            (
                &["toy", "--one\ntwo"],
                "error: unexpected argument '--one, see --help\n",
            ),
        ] {
            let error = parsed(args).unwrap_err();
            assert_eq!(error.to_string(), told, "{args:?}");
            assert_eq!(error.exit_code(), 2, "{args:?}");
        }
    }

    #[test]
    fn help_version_and_check_may_have_one_dash() {
        for args in [
            ["toy", "-version"],
            ["toy", "--version"],
            ["toy", "-help"],
            ["toy", "-h"],
        ] {
            assert_eq!(parsed(&args).unwrap_err().exit_code(), 0, "{args:?}");
        }
        assert!(parsed(&["toy", "-check"]).unwrap().check);
        assert!(parsed(&["toy", "-config", "a.yml", "-check"]).unwrap().check);
    }
}
