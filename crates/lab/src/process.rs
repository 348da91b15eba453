use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{Error, Result, wait_for};

/// A program that runs in a namespace. It is killed when this value goes.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts it in the caller's namespaces; what it prints is appended to `log`.
    pub fn start(name: &str, mut command: Command, log: &Path) -> Result<Process> {
        let what = || format!("start {name} ({})", command.get_program().display());
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .map_err(Error::io(format!("open {}", log.display())))?;
        let copy = file.try_clone().map_err(Error::io(what()))?;
        let what = what();
        command.stdin(Stdio::null()).stdout(file).stderr(copy);
        Ok(Process {
            name: name.to_owned(),
            child: command.spawn().map_err(Error::io(what))?,
            log: log.to_owned(),
        })
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its process id, as this process sees it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Its output up to now.
    pub fn output(&self) -> String {
        fs::read(&self.log)
            .map(|octets| String::from_utf8_lossy(&octets).into_owned())
            .unwrap_or_default()
    }

    /// The last lines of its output.
    pub fn last_lines(&self, count: usize) -> Vec<String> {
        let output = self.output();
        let lines: Vec<&str> = output.lines().collect();
        lines[lines.len().saturating_sub(count)..]
            .iter()
            .map(|line| (*line).to_owned())
            .collect()
    }

    /// How it ended, if it did.
    pub fn exit_status(&mut self) -> Result<Option<ExitStatus>> {
        self.child
            .try_wait()
            .map_err(Error::io(format!("wait for {}", self.name)))
    }

    /// Sends a signal.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        // A child that was waited for has no pid any more, and the number may be another's.
        if self.exit_status()?.is_some() {
            return Ok(());
        }
        let pid = i32::try_from(self.child.id()).expect("a pid is a positive i32");
        kill(Pid::from_raw(pid), signal).map_err(Error::errno(format!("{signal} to {}", self.name)))
    }

    /// Waits until it ends.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("the end of {}", self.name);
        wait_for(&what, limit, || match self.exit_status() {
            Ok(Some(status)) => Ok(status),
            Ok(None) => Err("it still runs".to_owned()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// SIGTERM, then waits until it ends.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        self.wait(limit)
    }

    /// SIGKILL, then waits until it is gone.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        let what = format!("kill {}", self.name);
        self.child.kill().map_err(Error::io(what.clone()))?;
        self.child.wait().map_err(Error::io(what))
    }

    /// Resident memory in octets.
    pub fn resident_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.outer_id()?)).ok()?;
        let kilobytes = field(&status, "VmRSS:")?
            .split_whitespace()
            .next()?
            .parse::<u64>()
            .ok()?;
        Some(kilobytes * 1024)
    }

    /// Proportional set size in octets: what it has of memory, with its share of what it has together with others.
    pub fn proportional_memory(&self) -> Option<u64> {
        let rollup = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.outer_id()?)).ok()?;
        let kilobytes = field(&rollup, "Pss:")?
            .split_whitespace()
            .next()?
            .parse::<u64>()
            .ok()?;
        Some(kilobytes * 1024)
    }

    /// How long its threads ran, those that have ended left out, and what the kernel did for them included.
    pub fn cpu_time(&self) -> Option<Duration> {
        let threads = fs::read_dir(format!("/proc/{}/task", self.outer_id()?)).ok()?;
        let nanoseconds = threads.flatten().filter_map(|thread| {
            let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Some(Duration::from_nanos(nanoseconds.sum()))
    }

    /// Its process id as the mounted /proc sees it, which is another one where this process is pid 1 of a namespace of
    /// its own and /proc is the host's.
    pub fn outer_id(&self) -> Option<u32> {
        let own = fs::read_link("/proc/self/ns/pid").ok()?;
        let processes = fs::read_dir("/proc").ok()?;
        processes
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .find(|pid| {
                let inner = fs::read_to_string(format!("/proc/{pid}/status"))
                    .ok()
                    .and_then(|status| {
                        field(&status, "NSpid:")?
                            .split_whitespace()
                            .last()?
                            .parse::<u32>()
                            .ok()
                    });
                inner == Some(self.id())
                    && fs::read_link(format!("/proc/{pid}/ns/pid")).is_ok_and(|ns| ns == own)
            })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    status.lines().find_map(|line| line.strip_prefix(name))
}
