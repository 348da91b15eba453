//! The session store: what a gateway finds again when its process was killed.
//!
//! ```text
//! DIR/node            whose it is, restart counter, TEID keys, and under which boot of this host: text, on disk at once
//! DIR/sessions.redb   the records of the brain
//! ```
//!
//! A commit is in the kernel's page cache when it returns: it survives the death of the process and costs no wait for a
//! disk. It does not survive the host. So a store of another boot is not read: the node begins without sessions and with
//! the next restart counter, and peers delete theirs (TS 23.007 §14 to §18). So does one that was away for longer than
//! peers wait for it.
//!
//! Two phases a commit and a look at every checksum when it is opened: what is read is what was committed last, or
//! nothing.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use epc_node::store::{Change, FORMAT, Key, Records};
use epc_node::{Boot, TeidKey};
use nix::time::{ClockId, clock_gettime};
use redb::{Builder, Database, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition};
use tracing::warn;

use crate::Problem;
use crate::run::UNUSABLE;

const KEY: &str = "session_store";
/// The first line of `DIR/node`.
const MAGIC: &str = "gw-tester session store";
const NODE: &str = "node";
const SESSIONS: &str = "sessions.redb";

/// Octets of the database that are held in memory.
const CACHE: usize = 4 << 20;

/// By the octets of their keys.
const RECORDS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("records");
/// When the node last lived, in seconds since the host booted.
const ALIVE: TableDefinition<'_, (), u64> = TableDefinition::new("alive");
/// Which `DIR/node` the records belong to.
const INSTANCE: TableDefinition<'_, (), u64> = TableDefinition::new("instance");

/// How often a node notes that it lives.
pub(crate) const SIGN_OF_LIFE: Duration = Duration::from_secs(5);

/// Where to keep sessions, and how long peers wait for a node that is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStore {
    /// `session_store`.
    pub directory: PathBuf,
    /// `gtp_c.path_failure`: sessions of a node that was away for longer are not there any more.
    pub path_failure: Duration,
}

/// A store as the control loop sees it.
pub(crate) trait Keep {
    /// Does the changes, all or none. They survive the process when this returns.
    fn commit(&self, changes: &[Change]) -> Result<(), Problem>;

    /// Notes that the node lives.
    fn sign_of_life(&self) -> Result<(), Problem>;

    /// What is in there is not true any more: the next start begins without sessions.
    fn give_up(self: Box<Self>);
}

/// An open store. No other process has it open.
#[derive(Debug)]
pub(crate) struct Store {
    database: Database,
    file: PathBuf,
    /// Locked.
    _directory: File,
}

/// What a store says at the start.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) boot: Boot,
    pub(crate) records: Records,
}

/// `DIR/node`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Label {
    format: u32,
    /// The kind of node, and its addresses.
    node: String,
    restart_counter: u8,
    /// The kernel's name for the time since the host booted.
    boot: String,
    /// The same number is in the database.
    instance: u64,
    /// User plane, control plane.
    teid_keys: [[u32; 4]; 2],
}

impl Store {
    /// Opens the store of `node`, or makes one. `first_counter` is asked for a restart counter where none is kept.
    ///
    /// `if_torn` is the line to end the process with when redb panics, for want of a better way, over a file that is not
    /// what it wrote.
    pub(crate) fn open(
        settings: &SessionStore,
        node: &str,
        if_torn: &str,
        first_counter: impl FnOnce() -> u8,
    ) -> Result<Opened, Problem> {
        let directory = &settings.directory;
        let problem = |what: &str| problem(directory, what);
        let unusable = |error: io::Error| problem(&format!("{error}, expected a directory to write to"));
        let lock = lock(directory).map_err(|error| match error {
            TryLockError::Error(error) => unusable(error),
            TryLockError::WouldBlock => {
                problem("in use by another process, expected a directory of this node's own")
            }
        })?;
        let boot = fs::read_to_string(BOOT_ID)
            .map_err(|error| problem(&format!("{BOOT_ID} cannot be read: {error}, expected procfs")))?;
        let boot = boot.trim();
        let file = directory.join(SESSIONS);
        let there = file.try_exists().map_err(unusable)?;
        let label = match fs::read(directory.join(NODE)) {
            Ok(text) => Some(Label::read(&text).ok_or_else(|| problem(TORN))?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(unusable(error)),
        };
        if let Some(label) = &label {
            label.check(node).map_err(|what| problem(&what))?;
        } else if there {
            return Err(problem(TORN));
        }
        if let Some(label) = label.as_ref().filter(|_| there) {
            match read(&file, label, boot, settings.path_failure, if_torn) {
                Ok(Read::Intact(database, records)) => {
                    let store = Store {
                        database,
                        file,
                        _directory: lock,
                    };
                    let boot = label.boot();
                    return Ok(Opened { store, boot, records });
                }
                Ok(Read::Lost(why)) => warn!(why, "sessions of the session store are lost"),
                Err(()) => return Err(problem(TORN)),
            }
            fs::remove_file(&file).map_err(unusable)?;
        }
        let label = Label {
            format: FORMAT,
            node: node.to_owned(),
            restart_counter: label.map_or_else(first_counter, |label| label.restart_counter.wrapping_add(1)),
            boot: boot.to_owned(),
            instance: rand::random(),
            teid_keys: rand::random(),
        };
        replace(directory, NODE, label.text().as_bytes()).map_err(unusable)?;
        let database = create(directory, label.instance).map_err(|error| problem(&error.to_string()))?;
        let store = Store {
            database,
            file,
            _directory: lock,
        };
        Ok(Opened {
            store,
            boot: label.boot(),
            records: Records::default(),
        })
    }

    fn unwritable(&self, error: &redb::Error) -> Problem {
        let what = format!("{}: {error}, expected a file to write to", self.file.display());
        Problem::new(KEY, what)
    }

    fn write(&self, changes: &[Change]) -> Result<(), redb::Error> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut transaction = self.database.begin_write()?;
        transaction.set_two_phase_commit(true);
        {
            let mut records = transaction.open_table(RECORDS)?;
            for Change { key, record } in changes {
                let key = key.octets();
                match record {
                    Some(record) => drop(records.insert(key.as_slice(), record.as_slice())?),
                    None => drop(records.remove(key.as_slice())?),
                }
            }
        }
        Ok(transaction.commit()?)
    }
}

impl Keep for Store {
    fn commit(&self, changes: &[Change]) -> Result<(), Problem> {
        self.write(changes).map_err(|error| self.unwritable(&error))
    }

    fn sign_of_life(&self) -> Result<(), Problem> {
        note_life(&self.database).map_err(|error| self.unwritable(&error))
    }

    fn give_up(self: Box<Self>) {
        if let Err(error) = fs::remove_file(&self.file) {
            warn!(%error, file = %self.file.display(), "cannot be removed, and must not be used again");
        }
    }
}

const TORN: &str =
    "torn, or no session store; nothing of it was used, expected a whole one or an empty directory";

fn problem(directory: &Path, what: &str) -> Problem {
    Problem::new(KEY, format!("{}: {what}", directory.display()))
}

/// The store of these settings is not one.
pub(crate) fn torn(settings: &SessionStore) -> Problem {
    problem(&settings.directory, TORN)
}

/// What the file of the records came to.
enum Read {
    Intact(Database, Records),
    /// Nobody knows these sessions any more.
    Lost(&'static str),
}

fn read(file: &Path, label: &Label, boot: &str, patience: Duration, if_torn: &str) -> Result<Read, ()> {
    if label.boot != boot {
        return Ok(Read::Lost("the host has started again"));
    }
    let backend = PageCache(
        OpenOptions::new()
            .read(true)
            .write(true)
            .open(file)
            .map_err(drop)?,
    );
    if backend.len().map_err(drop)? == 0 {
        // redb would make a database of it.
        return Err(());
    }
    guarded(if_torn, move || {
        let mut database = builder().create_with_backend(backend).map_err(drop)?;
        if !database.check_integrity().map_err(drop)? {
            return Err(());
        }
        let (alive, instance, records) = contents(&database).map_err(drop)?;
        if instance != label.instance {
            return Err(());
        }
        if now().abs_diff(alive) > patience.as_secs() + SIGN_OF_LIFE.as_secs() {
            return Ok(Read::Lost("the node was away for longer than path_failure"));
        }
        let records: Option<Records> = records
            .into_iter()
            .map(|(key, record)| Some((Key::from_octets(&key)?, record)))
            .collect();
        Ok(Read::Intact(database, records.ok_or(())?))
    })
}

type Contents = (u64, u64, Vec<(Vec<u8>, Vec<u8>)>);

fn contents(database: &Database) -> Result<Contents, redb::Error> {
    let read = database.begin_read()?;
    let number = |table| -> Result<u64, redb::Error> {
        let value = read.open_table::<(), u64>(table)?.get(())?;
        Ok(value.map_or(0, |value| value.value()))
    };
    let mut records = Vec::new();
    for entry in read.open_table(RECORDS)?.iter()? {
        let (key, record) = entry?;
        records.push((key.value().to_vec(), record.value().to_vec()));
    }
    Ok((number(ALIVE)?, number(INSTANCE)?, records))
}

/// Makes an empty database under another name first: half of one is never found.
fn create(directory: &Path, instance: u64) -> Result<Database, redb::Error> {
    let new = directory.join("sessions.new");
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    let database = builder().create_with_backend(PageCache(file))?;
    let transaction = database.begin_write()?;
    transaction.open_table(INSTANCE)?.insert((), instance)?;
    drop(transaction.open_table(RECORDS)?);
    transaction.commit()?;
    note_life(&database)?;
    fs::rename(new, directory.join(SESSIONS))?;
    Ok(database)
}

fn note_life(database: &Database) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_two_phase_commit(true);
    transaction.open_table(ALIVE)?.insert((), now())?;
    Ok(transaction.commit()?)
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

/// A file whose writes end in the page cache.
#[derive(Debug)]
struct PageCache(File);

impl StorageBackend for PageCache {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(out, offset)
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }
}

/// redb asserts what a file that it wrote cannot hurt, and this one may be anybody's: a panic in `work` is an error.
/// Where a panic ends the process, it ends it with this line and the exit code of a wrong configuration.
fn guarded<T>(if_torn: &str, work: impl FnOnce() -> Result<T, ()>) -> Result<T, ()> {
    static HOOK: Mutex<()> = Mutex::new(());
    let _one_at_a_time = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let usual = Arc::new(std::panic::take_hook());
    let (others, line, this) = (Arc::clone(&usual), if_torn.to_owned(), thread::current().id());
    std::panic::set_hook(Box::new(move |panic| {
        if thread::current().id() != this {
            others(panic);
        } else if cfg!(panic = "abort") {
            eprintln!("{line}");
            std::process::exit(i32::from(UNUSABLE));
        }
    }));
    let done = std::panic::catch_unwind(AssertUnwindSafe(work));
    std::panic::set_hook(Box::new(move |panic| usual(panic)));
    done.unwrap_or(Err(()))
}

impl Label {
    fn text(&self) -> String {
        let Label {
            format,
            node,
            restart_counter,
            boot,
            instance,
            teid_keys,
        } = self;
        let mut text = format!(
            "{MAGIC}\nformat {format}\nnode {node}\nrestart_counter {restart_counter}\nboot {boot}\n\
             instance {instance:016x}\nteid_keys"
        );
        for word in teid_keys.as_flattened() {
            let _ = write!(text, " {word:08x}");
        }
        text + "\n"
    }

    fn read(text: &[u8]) -> Option<Label> {
        let text = std::str::from_utf8(text).ok()?.strip_suffix('\n')?;
        let mut lines = text.split('\n');
        (lines.next()? == MAGIC).then_some(())?;
        let mut value = |key| lines.next()?.strip_prefix(key)?.strip_prefix(' ');
        let format = value("format")?.parse().ok()?;
        if format != FORMAT {
            // What follows may be anything.
            return Some(Label {
                format,
                ..Label::default()
            });
        }
        let node = value("node")?.to_owned();
        let restart_counter = value("restart_counter")?.parse().ok()?;
        let boot = value("boot")?.to_owned();
        let instance = u64::from_str_radix(value("instance")?, 16).ok()?;
        let words: Option<Vec<u32>> = value("teid_keys")?
            .split(' ')
            .map(|word| u32::from_str_radix(word, 16).ok())
            .collect();
        let (user, control) = words.as_deref()?.split_first_chunk::<4>()?;
        Some(Label {
            format,
            node,
            restart_counter,
            boot,
            instance,
            teid_keys: [*user, control.try_into().ok()?],
        })
    }

    fn check(&self, node: &str) -> Result<(), String> {
        if self.format != FORMAT {
            return Err(format!(
                "a store of format {}, expected format {FORMAT}: stop the version that wrote it in an orderly way, and \
                 remove the directory",
                self.format
            ));
        }
        if self.node != node {
            return Err(format!("the store of `{}`, expected that of `{node}`", self.node));
        }
        Ok(())
    }

    fn boot(&self) -> Boot {
        let [user, control] = self.teid_keys.map(TeidKey::new);
        Boot {
            clock: crate::run::wall_clock(),
            restart_counter: self.restart_counter,
            user_teid_key: user,
            control_teid_key: control,
        }
    }
}

impl Default for Label {
    fn default() -> Label {
        Label {
            format: FORMAT,
            node: String::new(),
            restart_counter: 0,
            boot: String::new(),
            instance: 0,
            teid_keys: [[0; 4]; 2],
        }
    }
}

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Seconds since the host booted.
fn now() -> u64 {
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |now| u64::try_from(now.tv_sec()).unwrap_or(0))
}

/// Makes the directory, if only it is missing, and locks it.
fn lock(directory: &Path) -> Result<File, TryLockError> {
    match DirBuilder::new().mode(0o700).create(directory) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(TryLockError::Error(error)),
        Ok(()) | Err(_) => {}
    }
    let opened = File::open(directory).map_err(TryLockError::Error)?;
    if !opened.metadata().map_err(TryLockError::Error)?.is_dir() {
        return Err(TryLockError::Error(io::ErrorKind::NotADirectory.into()));
    }
    opened.try_lock()?;
    Ok(opened)
}

/// Writes a file that is there whole or as it was before, also after the host lost its power.
fn replace(directory: &Path, name: &str, octets: &[u8]) -> io::Result<()> {
    let new = directory.join(format!("{name}.new"));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(&new, directory.join(name))?;
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests;
