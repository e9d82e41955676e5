//! A browser without a window, for pages that must be looked at. It is asked once a page, within a
//! time limit, and ends with the page.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Where Debian, Ubuntu and Alpine put it.
const PLACES: [&str; 3] =
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const LIMIT: Duration = Duration::from_secs(60);

/// What a page came to.
pub(crate) struct Page {
    /// The document after its scripts ran.
    pub(crate) dom: String,
    /// What was said on the console, uncaught errors included.
    pub(crate) console: Vec<String>,
}

/// The browser, or a line that says that a test was skipped for want of it.
#[expect(clippy::print_stdout, reason = "a test that was skipped says so")]
pub(crate) fn find(test: &str) -> Option<PathBuf> {
    let found = PLACES.iter().map(PathBuf::from).find(|path| path.exists());
    if found.is_none() {
        println!("skipped: {test}: no Chromium here (Debian: apt-get install chromium)");
    }
    found
}

/// Opens a file as somebody would who double-clicks it.
pub(crate) fn open(browser: &Path, file: &Path) -> Page {
    let profile = tempfile::tempdir().expect("a folder for the browser");
    let out = profile.path().join("dom");
    let log = profile.path().join("log");
    let create = |path: &Path| std::fs::File::create(path).expect("the folder is ours");
    let mut child = Command::new(browser)
        .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--enable-logging=stderr", "--v=0", "--window-size=1400,900"])
        .args(["--virtual-time-budget=4000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .stdin(Stdio::null())
        .stdout(create(&out))
        .stderr(create(&log))
        .spawn()
        .expect("the browser starts");
    let deadline = Instant::now() + LIMIT;
    while child.try_wait().expect("the browser is our child").is_none() {
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the browser did not finish with {} within {LIMIT:?}", file.display());
        }
        // Between two looks; the limit bounds it.
        std::thread::sleep(Duration::from_millis(20));
    }
    let read = |path: &Path| {
        String::from_utf8_lossy(&std::fs::read(path).expect("the browser wrote it")).into_owned()
    };
    let log = read(&log);
    let console = log.lines().filter(|line| line.contains(":CONSOLE")).map(str::to_owned);
    Page { dom: read(&out), console: console.collect() }
}
