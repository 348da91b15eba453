use epc_node::store::Kind;

use super::*;

const NODE_NAME: &str = "sgw S11 192.0.2.3 S1-U 192.0.2.3";
const COUNTER: u8 = 7;

/// A directory of this test's own; gone with the value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Scratch {
        let directory = std::env::temp_dir().join(format!("epc-driver-store-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        Scratch(directory)
    }

    fn settings(&self) -> SessionStore {
        SessionStore {
            directory: self.0.join("store"),
            path_failure: Duration::from_secs(300),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.join("store").join(name)
    }

    fn open(&self) -> Result<Opened, Problem> {
        open_as(&self.settings(), NODE_NAME)
    }

    /// Puts in the place of a closed store what a process that was killed with it open leaves.
    fn kill(&self, opened: Opened) {
        let left = self.0.join("left");
        fs::create_dir(&left).unwrap();
        for entry in fs::read_dir(self.0.join("store")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), left.join(entry.file_name())).unwrap();
        }
        drop(opened);
        fs::remove_dir_all(self.0.join("store")).unwrap();
        fs::rename(left, self.0.join("store")).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn open_as(settings: &SessionStore, node: &str) -> Result<Opened, Problem> {
    Store::open(settings, node, "torn", || COUNTER)
}

fn key(number: u64) -> Key {
    Key {
        kind: Kind::Session,
        number,
    }
}

fn keep(number: u64, octet: u8) -> Change {
    Change {
        key: key(number),
        record: Some(vec![octet; 150]),
    }
}

fn forget(number: u64) -> Change {
    Change {
        key: key(number),
        record: None,
    }
}

/// The killed store of a node with records 1 to 200 but 7.
fn killed(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    let opened = scratch.open().unwrap();
    for number in 1..=200 {
        opened.store.commit(&[keep(number, number as u8)]).unwrap();
    }
    opened.store.commit(&[keep(3, 33), forget(7)]).unwrap();
    scratch.kill(opened);
    scratch
}

fn contents_of(opened: &Opened) -> Vec<(Vec<u8>, Vec<u8>)> {
    contents(&opened.store.database).unwrap().2
}

#[test]
fn what_was_committed_is_there_after_the_process_died_and_nothing_else_changes() {
    let scratch = Scratch::new("whole");
    let first = scratch.open().unwrap();
    assert!(first.records.is_empty());
    assert_eq!(first.boot.restart_counter, COUNTER);
    let boot = first.boot.clone();
    for number in 1..=50 {
        first
            .store
            .commit(&[keep(number, 1), keep(number + 100, 2)])
            .unwrap();
    }
    first.store.commit(&[keep(3, 33), forget(7)]).unwrap();
    let committed = contents_of(&first);
    assert_eq!(committed.len(), 99);
    scratch.kill(first);
    let second = scratch.open().unwrap();
    assert_eq!(contents_of(&second), committed);
    assert_eq!(second.records.next_number(), 151);
    assert_eq!(
        second.boot.restart_counter, boot.restart_counter,
        "nothing was lost"
    );
    assert_eq!(
        (second.boot.user_teid_key, second.boot.control_teid_key),
        (boot.user_teid_key, boot.control_teid_key)
    );
    // Also after an orderly end.
    drop(second);
    assert_eq!(contents_of(&scratch.open().unwrap()), committed);
}

#[test]
fn sessions_of_another_boot_are_lost_and_the_restart_counter_tells() {
    let scratch = killed("boot");
    let label = fs::read_to_string(scratch.file(NODE)).unwrap();
    let boot = label.lines().find(|line| line.starts_with("boot ")).unwrap();
    fs::write(scratch.file(NODE), label.replace(boot, "boot of-yesterday")).unwrap();
    // The power went: whatever is in the file now.
    fs::write(scratch.file(SESSIONS), [0x55; 5000]).unwrap();
    let opened = scratch.open().unwrap();
    assert!(opened.records.is_empty());
    assert_eq!(opened.boot.restart_counter, COUNTER + 1);
    drop(opened);
    assert_eq!(scratch.open().unwrap().boot.restart_counter, COUNTER + 1);
}

#[test]
fn sessions_of_a_node_that_was_away_too_long_are_lost_and_the_restart_counter_tells() {
    for (away, lost) in [(299, false), (1000, true)] {
        let scratch = Scratch::new(&format!("away-{away}"));
        let opened = scratch.open().unwrap();
        opened.store.commit(&[keep(1, 1)]).unwrap();
        let transaction = opened.store.database.begin_write().unwrap();
        let then = now() + away;
        transaction.open_table(ALIVE).unwrap().insert((), then).unwrap();
        transaction.commit().unwrap();
        scratch.kill(opened);
        let opened = scratch.open().unwrap();
        assert_eq!(opened.records.is_empty(), lost);
        assert_eq!(opened.boot.restart_counter, COUNTER + u8::from(lost));
    }
}

#[test]
fn store_that_was_given_up_is_not_used_again() {
    let scratch = Scratch::new("given-up");
    let opened = scratch.open().unwrap();
    opened.store.commit(&[keep(1, 1)]).unwrap();
    Box::new(opened.store).give_up();
    let opened = scratch.open().unwrap();
    assert!(opened.records.is_empty());
    assert_eq!(opened.boot.restart_counter, COUNTER + 1);
}

#[test]
fn torn_store_is_refused_and_left_as_it_is() {
    let scratch = killed("torn");
    let whole = fs::read(scratch.file(SESSIONS)).unwrap();
    let label = fs::read(scratch.file(NODE)).unwrap();
    let refuses = |what: &str| {
        let before = fs::read(scratch.file(SESSIONS)).unwrap();
        let problem = scratch.open().map(drop).expect_err(what);
        assert_eq!(problem, torn(&scratch.settings()), "{what}");
        assert!(
            fs::read(scratch.file(SESSIONS)).unwrap() == before,
            "{what}: changed"
        );
    };
    for length in [1, 63, 320, 4096, 5000, whole.len() / 2, whole.len() - 4096] {
        fs::write(scratch.file(SESSIONS), &whole[..length]).unwrap();
        refuses(&format!("{length} octets of {}", whole.len()));
    }
    let noise: Vec<u8> = (0..whole.len()).map(|_| rand::random()).collect();
    fs::write(scratch.file(SESSIONS), noise).unwrap();
    refuses("random octets");
    fs::write(scratch.file(SESSIONS), b"").unwrap();
    refuses("an empty file");
    fs::write(scratch.file(SESSIONS), &whole).unwrap();
    for length in [0, 10, label.len() / 2, label.len() - 1] {
        fs::write(scratch.file(NODE), &label[..length]).unwrap();
        refuses(&format!("{length} octets of the label"));
    }
    fs::remove_file(scratch.file(NODE)).unwrap();
    refuses("no label");
    fs::write(scratch.file(NODE), &label).unwrap();
    assert!(scratch.open().is_ok(), "the whole one is as good as before");
}

#[test]
fn store_in_which_octets_changed_is_refused_or_whole() {
    let scratch = killed("changed");
    let whole = fs::read(scratch.file(SESSIONS)).unwrap();
    let label = fs::read(scratch.file(NODE)).unwrap();
    let expected = contents_of(&scratch.open().unwrap());
    let mut refused = 0;
    // Each octet of the header, and others with some distance.
    for place in (0..512).step_by(5).chain((512..whole.len()).step_by(29_989)) {
        let mut changed = whole.clone();
        changed[place] ^= 1 << (place % 8);
        fs::write(scratch.file(SESSIONS), changed).unwrap();
        fs::write(scratch.file(NODE), &label).unwrap();
        match scratch.open() {
            Ok(opened) => assert!(contents_of(&opened) == expected, "octet {place}"),
            Err(problem) => {
                assert_eq!(problem, torn(&scratch.settings()), "octet {place}");
                refused += 1;
            }
        }
    }
    assert!(refused > 10, "only {refused}");
}

#[test]
fn store_of_another_node_format_or_instance_is_refused() {
    let scratch = killed("foreign");
    let says = |settings: &SessionStore, node: &str| {
        let problem = open_as(settings, node).map(drop).unwrap_err();
        assert_eq!(problem.key, "session_store");
        assert!(problem.what.contains("expected"), "{}", problem.what);
        problem.what
    };
    let what = says(&scratch.settings(), "pgw S5-C 192.0.2.4");
    assert!(
        what.contains(NODE_NAME) && what.contains("pgw S5-C 192.0.2.4"),
        "{what}"
    );
    let label = fs::read_to_string(scratch.file(NODE)).unwrap();
    let (ours, another) = (format!("format {FORMAT}"), format!("format {}", FORMAT + 1));
    fs::write(scratch.file(NODE), label.replace(&ours, &another)).unwrap();
    let what = says(&scratch.settings(), NODE_NAME);
    assert!(what.contains(&ours) && what.contains(&another), "{what}");
    let other = killed("foreign-other");
    fs::copy(other.file(NODE), scratch.file(NODE)).unwrap();
    assert_eq!(scratch.open().map(drop).unwrap_err(), torn(&scratch.settings()));
}

#[test]
fn directory_that_cannot_be_used_is_refused() {
    let scratch = Scratch::new("unusable");
    let file = scratch.0.join("file");
    fs::write(&file, "").unwrap();
    for directory in [file, scratch.0.join("missing/store"), PathBuf::from("/proc")] {
        let settings = SessionStore {
            directory: directory.clone(),
            path_failure: Duration::from_secs(300),
        };
        let problem = open_as(&settings, NODE_NAME).map(drop).unwrap_err();
        assert_eq!(problem.key, "session_store");
        assert!(
            problem.what.starts_with(&directory.display().to_string())
                && problem.what.ends_with("expected a directory to write to"),
            "{}",
            problem.what
        );
    }
}

#[test]
fn store_has_one_user_at_a_time() {
    let scratch = Scratch::new("in-use");
    let first = scratch.open().unwrap();
    let problem = scratch.open().map(drop).unwrap_err();
    assert!(
        problem.what.contains("in use by another process"),
        "{}",
        problem.what
    );
    drop(first);
    assert!(scratch.open().is_ok());
}
