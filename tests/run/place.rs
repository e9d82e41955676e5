//! A folder of its own for each test, and the binary started in it as a person would start it.
//!
//! Store, temporary files and the registry of runs all lie inside, so that tests beside each other
//! (and whatever else runs on the machine) see nothing of one another, and so that a process
//! belongs to a test exactly if its command line names the folder.

use std::fmt;
use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::kill9;
use crate::processes;
use crate::stored::Stored;

/// Longer than any run here takes on a machine that is busy with much else.
const PATIENCE: Duration = Duration::from_secs(150);

/// How often a condition is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// `nobody`, who has no privilege and no files.
const NOBODY: u32 = 65_534;

/// Looks until `found` gives something; panics when that does not come about in time.
pub(crate) fn wait_for<T>(what: &str, within: Duration, mut found: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(it) = found() {
            return it;
        }
        assert!(Instant::now() < deadline, "{what}: not within {within:?}");
        // Between two looks; the deadline bounds it.
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Whether the tests run as root, who may become somebody else.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Why `netns` is impossible here, printed as a skip; nothing where it is possible.
#[expect(clippy::print_stdout, reason = "a test that was skipped says so")]
pub(crate) fn skipped_without_netns(test: &str) -> bool {
    match nemesis::env::netns::probe_support() {
        Ok(()) => false,
        Err(reason) => {
            println!("skipped: {test}: {reason}");
            true
        }
    }
}

/// A folder with a store, gone at the end of the test.
pub(crate) struct Place {
    folder: TempDir,
    program: PathBuf,
    as_nobody: bool,
    variables: Vec<(String, PathBuf)>,
}

impl Place {
    /// For whoever runs the tests.
    pub(crate) fn new() -> Place {
        let folder = tempfile::Builder::new().prefix("ordeal-run-").tempdir().expect("a folder");
        for (name, mode) in [("registry", 0o700), ("tmp", 0o755)] {
            let inner = folder.path().join(name);
            fs::create_dir(&inner).expect("a folder inside");
            fs::set_permissions(&inner, fs::Permissions::from_mode(mode)).expect("its mode");
        }
        let program = PathBuf::from(env!("CARGO_BIN_EXE_checker"));
        Place { folder, program, as_nobody: false, variables: Vec::new() }
    }

    /// For an ordinary user, whom only root can become. The binary is copied, as the folder where
    /// it was built may be closed to others.
    pub(crate) fn of_nobody() -> Place {
        let place = Place::new();
        let program = place.path("checker");
        fs::copy(&place.program, &program).expect("the binary is copied");
        for owned in [place.path("registry"), place.path("tmp"), place.folder.path().into()] {
            std::os::unix::fs::chown(&owned, Some(NOBODY), Some(NOBODY)).expect("root may chown");
        }
        Place { program, as_nobody: true, ..place }
    }

    /// Has this program start the binary.
    pub(crate) fn run_by(&mut self, program: PathBuf) {
        self.program = program;
    }

    /// Sets a variable for what is started here.
    pub(crate) fn with(mut self, name: &str, value: impl Into<PathBuf>) -> Place {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// A path inside.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file and returns its path as an argument.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        fs::write(self.path(name), content).expect("the file is written");
        self.path(name).display().to_string()
    }

    /// Writes a program.
    pub(crate) fn script(&self, name: &str, content: &str) -> PathBuf {
        let path = PathBuf::from(self.file(name, content));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("its mode");
        path
    }

    /// What the last run that has a verdict left in the store.
    pub(crate) fn latest(&self) -> Stored {
        Stored::at(self.path("store/latest"))
    }

    /// What the last run that was started has left so far.
    pub(crate) fn current(&self) -> Stored {
        Stored::at(self.path("store/current"))
    }

    /// `checker test` with the store of this place; `options` are separated by blanks.
    pub(crate) fn test(&self, options: &str) -> Done {
        self.start_test(options).finish()
    }

    /// The same, under way.
    pub(crate) fn start_test(&self, options: &str) -> Running {
        let store = self.path("store").display().to_string();
        let mut args = vec!["test", "--store", &store];
        args.extend(options.split_whitespace());
        self.start(&args)
    }

    /// Any command, to its end.
    pub(crate) fn checker(&self, args: &[&str]) -> Done {
        self.start(args).finish()
    }

    /// The same, under way.
    pub(crate) fn start_checker(&self, args: &[&str]) -> Running {
        self.start(args)
    }

    fn start(&self, args: &[&str]) -> Running {
        // Files, not pipes: what was said so far can be looked at, and nobody ever blocks.
        let said = tempfile::tempdir_in(self.folder.path()).expect("a folder inside");
        let file = |name: &str| File::create(said.path().join(name)).expect("a file for output");
        let child = self
            .command()
            .args(args)
            .env_remove("ORDEAL_LOG")
            .env("XDG_RUNTIME_DIR", self.path("registry"))
            .env("TMPDIR", self.path("tmp"))
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .stdin(Stdio::null())
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .expect("the binary starts");
        Running { child, said, mark: self.mark() }
    }

    fn command(&self) -> Command {
        if !self.as_nobody {
            return Command::new(&self.program);
        }
        let user = NOBODY.to_string();
        let mut command = Command::new("setpriv");
        command.args(["--reuid", &user, "--regid", &user, "--clear-groups"]).arg(&self.program);
        command
    }

    /// What the command line of each process of this place contains.
    pub(crate) fn mark(&self) -> String {
        self.folder.path().display().to_string()
    }

    /// Asserts that nothing that was started here is alive, very soon.
    pub(crate) fn assert_nothing_lives(&self) {
        processes::wait_until_none(&self.mark(), Duration::from_secs(10))
            .unwrap_or_else(|alive| panic!("still alive: {}", kill9::named(&alive)));
    }
}

/// The binary, started. Dropped, it is killed.
pub(crate) struct Running {
    child: Child,
    said: TempDir,
    mark: String,
}

impl Running {
    /// It itself, to be killed.
    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid =
            i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        // It is our child and not reaped yet, so the number is still its own.
        kill_process(pid, signal).expect("it is ours");
    }

    /// Waits until its standard error contains this.
    pub(crate) fn wait_until_it_says(&mut self, text: &str) {
        let what = format!("it says {text:?}");
        let path = self.said.path().join("err");
        wait_for(&what, PATIENCE, || {
            fs::read_to_string(&path).is_ok_and(|said| said.contains(text)).then_some(())
        });
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Done {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break Some(status);
            }
            if Instant::now() > deadline {
                break None;
            }
            // Between two looks; `PATIENCE` bounds it.
            std::thread::sleep(LOOK_EVERY);
        };
        let read = |name: &str| {
            let bytes = fs::read(self.said.path().join(name)).expect("what it said");
            String::from_utf8(bytes).expect("it says text")
        };
        let done = Done { status, out: read("out"), err: read("err") };
        if done.status.is_none() {
            let alive = processes::of(&self.mark);
            panic!("it did not end within {PATIENCE:?}: {done}\nalive: {}", kill9::named(&alive));
        }
        done
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail for a child that has ended and was waited for, which is what we want.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a run of the binary ended.
pub(crate) struct Done {
    status: Option<ExitStatus>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Done {
    /// Its exit code; nothing if a signal ended it.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.and_then(|status| status.code())
    }

    /// Asserts how it ended.
    pub(crate) fn assert_code(&self, code: i32) {
        assert_eq!(self.code(), Some(code), "{self}");
    }

    /// Asserts that it said something, on whichever stream.
    pub(crate) fn assert_says(&self, text: &str) {
        let said = format!("{}\n{}", self.out, self.err);
        // Both streams are wrapped for the reader's terminal.
        let unwrapped: Vec<&str> = said.split_whitespace().collect();
        assert!(unwrapped.join(" ").contains(text), "{text:?} is not in: {self}");
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}\n--- out\n{}\n--- err\n{}", self.status, self.out, self.err)
    }
}

/// Whether a path is there, links followed.
pub(crate) fn exists(path: &Path) -> bool {
    fs::metadata(path).is_ok()
}
