//! The process itself, again, inside namespaces of its own.
//!
//! ```text
//! the program ──> watcher ──unshare──> the program again: pid 1, root of its own network
//!      │                                    │  namespaces, links, daemons: all of it ends with pid 1
//!      └───────────── a socket ─────────────┘
//! ```
//!
//! [`init`] comes first in `main`. [`run`] starts the same command line again inside, where [`is_inside`] is true.
//! Whatever ends any of the three processes, kill -9 included, ends the inner one, and the kernel then ends every
//! process inside and takes back every network, link, rule and TUN device. Nothing of it ever was in the host's
//! network.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, process, thread};

use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal, kill};
use nix::unistd::{Pid, Uid, dup2_stderr, dup2_stdout, getgid, getuid};

use crate::{Error, Result, wait_for};

const STAGE: &str = "EPC_LAB_SANDBOX";
const WATCHER: &str = "watcher";
const INSIDE: &str = "inside";
const PROBE: &str = "probe";

/// How long the end of a sandbox may take: the kernel ends all processes in it first.
const END_LIMIT: Duration = Duration::from_secs(10);
/// Exit code of a stage that may not have namespaces.
const REFUSED: i32 = 77;
/// Exit code after Ctrl-C.
const INTERRUPTED: i32 = 130;

static KEPT: AtomicBool = AtomicBool::new(false);
static ON_STOP: Mutex<Option<Box<dyn FnOnce() + Send>>> = Mutex::new(None);

/// How the inner process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It ended by itself.
    Ended(ExitStatus),
    /// It called [`keep`] and goes on.
    Kept,
    /// This process was asked to stop, and so was it.
    Interrupted,
}

impl Outcome {
    /// What this process should exit with.
    pub fn exit_code(self) -> i32 {
        match self {
            Outcome::Ended(status) => code(status),
            Outcome::Kept => 0,
            Outcome::Interrupted => INTERRUPTED,
        }
    }
}

/// The first thing in `main`, before any thread. Does not return in the processes between the outer and the inner.
pub fn init() {
    match env::var(STAGE).as_deref() {
        Ok(WATCHER) => watcher(INSIDE),
        Ok(PROBE) => match process::id() {
            1 => process::exit(tun_problem().map_or(0, refuse)),
            _ => watcher(PROBE),
        },
        Ok(INSIDE) if process::id() == 1 => first_inside(),
        _ => {}
    }
}

/// Whether this process is inside a sandbox.
pub fn is_inside() -> bool {
    env::var(STAGE).is_ok_and(|stage| stage == INSIDE)
}

/// Whether namespaces and /dev/net/tun can be had here. The error is a sentence with the cure.
pub fn probe() -> Result<()> {
    let answer = again(PROBE)?
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(Error::io("start this program again"))?;
    match answer.status.code() {
        Some(0) => Ok(()),
        _ => Err(Error::Refused(
            String::from_utf8_lossy(&answer.stderr).trim().to_owned(),
        )),
    }
}

/// Runs this program again with the same arguments, inside, and waits until it ends or calls [`keep`]. SIGINT, SIGTERM
/// and SIGHUP are passed on to it as the end of the lab. It has `variables` in its environment.
pub fn run(variables: &[(&str, &OsStr)]) -> Result<Outcome> {
    let stop_signals = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    stop_signals
        .thread_block()
        .map_err(Error::errno("block signals"))?;
    let (mut ours, theirs) = UnixStream::pair().map_err(Error::io("a socket pair"))?;
    let ours_to_close = ours.try_clone().map_err(Error::io("a socket pair"))?;
    let mut watcher = again(WATCHER)?
        .envs(variables.iter().copied())
        .stdin(OwnedFd::from(theirs))
        // Ctrl-C on a terminal reaches this process only, and from here the lab, in an orderly way.
        .process_group(0)
        .spawn()
        .map_err(Error::io("start this program again"))?;
    let interrupted = std::sync::Arc::new(AtomicBool::new(false));
    let told = interrupted.clone();
    thread::spawn(move || {
        if stop_signals.wait().is_ok() {
            told.store(true, Ordering::SeqCst);
            let _ = ours_to_close.shutdown(std::net::Shutdown::Write);
        }
    });
    let mut said = Vec::new();
    // Ends when the inner process says something or is gone.
    let _ = Read::by_ref(&mut ours).take(1).read_to_end(&mut said);
    if !said.is_empty() {
        return Ok(Outcome::Kept);
    }
    let status = watcher.wait().map_err(Error::io("wait for the sandbox"))?;
    match interrupted.load(Ordering::SeqCst) {
        true => Ok(Outcome::Interrupted),
        false => Ok(Outcome::Ended(status)),
    }
}

/// Inside: what to do before the end when the outer process is asked to stop, or is gone.
pub fn on_stop(last_words: impl FnOnce() + Send + 'static) {
    *ON_STOP.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(Box::new(last_words));
}

/// Inside: from now on this process outlives the outer one, whose [`run`] returns [`Outcome::Kept`].
pub fn keep() -> Result<()> {
    KEPT.store(true, Ordering::SeqCst);
    let mut outer = socket_to_outer().map_err(Error::io("the socket to the outer process"))?;
    // Whoever reads what we print waits for its end.
    silence().map_err(Error::io("close the output"))?;
    outer.write_all(b"k").map_err(Error::io("tell the outer process"))
}

fn silence() -> std::io::Result<()> {
    let nowhere = OpenOptions::new().write(true).open("/dev/null")?;
    dup2_stdout(&nowhere)?;
    dup2_stderr(&nowhere)?;
    Ok(())
}

/// Inside: this process, as the host numbers it.
pub fn outer_id() -> Option<u32> {
    fs::read_link("/proc/self").ok()?.to_str()?.parse().ok()
}

/// A sandbox on this host, seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its first process.
    pub pid: u32,
    /// Whether the process that started it is still there.
    pub attended: bool,
}

/// The sandboxes that were started with a variable in their environment, as far as this user may see them.
pub fn find(variable: &str, value: &OsStr) -> Vec<Found> {
    let processes = fs::read_dir("/proc").into_iter().flatten();
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| found(pid, variable, value)).collect()
}

fn found(pid: u32, variable: &str, value: &OsStr) -> Option<Found> {
    let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let has = |variable: &str, value: &[u8]| {
        let expected = [variable.as_bytes(), b"=", value].concat();
        environment
            .split(|octet| *octet == 0)
            .any(|entry| entry == expected)
    };
    let is_first = status_field(pid, "NSpid:")?.ends_with("\t1") && pid != 1;
    if !is_first || !has(STAGE, INSIDE.as_bytes()) || !has(variable, value.as_encoded_bytes()) {
        return None;
    }
    // The outer process is the watcher's parent and has its command line; once it is gone, somebody else is the parent.
    let watcher = parent(pid)?;
    let command_line = |pid: u32| fs::read(format!("/proc/{pid}/cmdline")).ok();
    let arguments = |line: Vec<u8>| line.splitn(2, |octet| *octet == 0).nth(1).map(<[u8]>::to_vec);
    let of_watcher = command_line(watcher).and_then(arguments);
    let of_its_parent = parent(watcher).and_then(command_line).and_then(arguments);
    Some(Found {
        pid,
        attended: of_watcher == of_its_parent,
    })
}

impl Found {
    /// Ends it, and returns when it is gone.
    pub fn end(&self) -> Result<()> {
        let what = format!("end the lab of process {}", self.pid);
        let pid = i32::try_from(self.pid).map(Pid::from_raw);
        let pid = pid.map_err(|_| Error::Refused(what.clone()))?;
        kill(pid, Signal::SIGKILL).map_err(Error::errno(what.clone()))?;
        wait_for(&what, END_LIMIT, || match status_field(self.pid, "State:") {
            None => Ok(()),
            Some(state) if state.trim().starts_with(['Z', 'X']) => Ok(()),
            Some(state) => Err(format!("it is {}", state.trim())),
        })
    }
}

fn parent(pid: u32) -> Option<u32> {
    status_field(pid, "PPid:")?.trim().parse().ok()
}

fn status_field(pid: u32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .map(str::to_owned)
}

fn again(stage: &str) -> Result<Command> {
    let program = env::current_exe().map_err(Error::io("find this program"))?;
    let mut command = Command::new(program);
    command.args(env::args_os().skip(1)).env(STAGE, stage);
    Ok(command)
}

/// The process in the middle: makes the namespaces, starts pid 1 in them and ends as it ends.
fn watcher(stage: &str) -> ! {
    // The outer process blocks signals, and its children inherit that.
    let _ = SigSet::all().thread_unblock();
    if let Err(sentence) = leave_the_host() {
        process::exit(refuse(sentence));
    }
    let inner = again(stage)
        .map_err(|error| error.to_string())
        .and_then(|mut command| command.spawn().map_err(|error| error.to_string()));
    let status = match inner {
        Ok(mut inner) => {
            // The inner process may outlive what reads our output, and has it as its own.
            let _ = silence();
            inner.wait()
        }
        Err(problem) => process::exit(refuse(format!("cannot start this program again: {problem}"))),
    };
    process::exit(status.map_or(1, code));
}

fn first_inside() {
    // The watcher's end is the end of everything inside.
    if prctl::set_pdeathsig(Signal::SIGKILL).is_err() {
        process::exit(1);
    }
    let Ok(mut outer) = socket_to_outer() else {
        process::exit(1);
    };
    thread::spawn(move || {
        let mut octet = [0];
        while !matches!(outer.read(&mut octet), Ok(0) | Err(_)) {}
        if KEPT.load(Ordering::SeqCst) {
            return;
        }
        let last_words = ON_STOP
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .take();
        if let Some(last_words) = last_words {
            last_words();
        }
        process::exit(INTERRUPTED);
    });
}

fn socket_to_outer() -> std::io::Result<UnixStream> {
    std::io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map(UnixStream::from)
}

fn code(status: ExitStatus) -> i32 {
    status
        .code()
        .unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

fn refuse(sentence: String) -> i32 {
    eprintln!("{sentence}");
    REFUSED
}

/// New namespaces for the children of this process, and a user namespace where this user needs one.
fn leave_the_host() -> Result<(), String> {
    let network_and_processes = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWPID;
    let (uid, gid) = (getuid(), getgid());
    if Uid::effective().is_root() && unshare(network_and_processes).is_ok() {
        return Ok(());
    }
    unshare(network_and_processes | CloneFlags::CLONE_NEWUSER)
        .map_err(|errno| namespaces_refused(errno, uid))?;
    let maps = [
        ("/proc/self/setgroups", "deny".to_owned()),
        ("/proc/self/uid_map", format!("0 {uid} 1")),
        ("/proc/self/gid_map", format!("0 {gid} 1")),
    ];
    for (path, text) in maps {
        fs::write(path, text).map_err(|error| {
            let errno = Errno::from_raw(error.raw_os_error().unwrap_or(0));
            format!("{} (writing {path})", namespaces_refused(errno, uid))
        })?;
    }
    Ok(())
}

/// One sentence: what forbids namespaces here, and the cure.
fn namespaces_refused(errno: Errno, uid: Uid) -> String {
    let setting = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).ok();
    let is = |path: &str, value: &str| setting(path).as_deref() == Some(value);
    let or_root = if uid.is_root() { "" } else { ", or run it as root" };
    if is("/proc/sys/user/max_user_namespaces", "0") {
        return format!(
            "User namespaces are switched off on this machine: run `sudo sysctl -w user.max_user_namespaces=15000`{or_root}."
        );
    }
    if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        return format!(
            "Ordinary users may not have user namespaces on this machine: run `sudo sysctl -w kernel.unprivileged_userns_clone=1`{or_root}."
        );
    }
    if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        return format!(
            "AppArmor keeps ordinary users from having user namespaces on this machine: run `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`{or_root}."
        );
    }
    match errno {
        Errno::ENOSPC => "The machine's limit of namespaces is reached: raise user.max_user_namespaces, user.max_net_namespaces and user.max_pid_namespaces with `sudo sysctl -w`.".to_owned(),
        Errno::EINVAL => "This kernel was built without user, network or pid namespaces: use one with CONFIG_USER_NS, CONFIG_NET_NS and CONFIG_PID_NS.".to_owned(),
        _ => format!(
            "Namespaces are forbidden here ({errno}): in a container, start it with `--privileged`{or_root}."
        ),
    }
}

/// One sentence: why /dev/net/tun cannot be used, and the cure.
fn tun_problem() -> Option<String> {
    let error = OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
        .err()?;
    Some(match Errno::from_raw(error.raw_os_error().unwrap_or(0)) {
        Errno::ENOENT => "/dev/net/tun is missing: run `sudo modprobe tun`, or in a container start it with `--device /dev/net/tun`.".to_owned(),
        Errno::EACCES | Errno::EPERM => "/dev/net/tun is closed to this user: run `sudo chmod 0666 /dev/net/tun`, or run it as root.".to_owned(),
        Errno::ENODEV | Errno::ENXIO => "This kernel has no TUN devices loaded: run `sudo modprobe tun`.".to_owned(),
        _ => format!("/dev/net/tun cannot be opened ({error}): check that it is the character device 10:200 and the module tun is loaded."),
    })
}
