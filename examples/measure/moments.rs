//! `kill -9` of the tester at random moments: a row each, with what was alive then and what is left.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};

use super::kill9::{self, Victim};
use super::processes;

/// Runs outlive every moment, and break something all the time.
const OPTIONS: [&str; 6] =
    ["--time-limit", "600s", "--nemesis-interval", "2s", "--nemesis-stable-period", "300ms"];

/// From before the first namespace is made to well within the load.
const WITHIN_MS: u64 = 12_000;

/// Both environments, in `netns` both victims by turns.
pub(crate) fn table(checker: &Path, moments: u64, seed: u64) -> Result<()> {
    let checker = checker.canonicalize().context("the binary to run")?;
    let count = usize::try_from(moments)?;
    println!(
        "| env | moment | killed | alive then | paused | last nemesis event | left at once | after heal |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (env, shift) in [("netns", 0), ("local", 1)] {
        let mut worst = Duration::ZERO;
        let mut left = 0;
        for (i, moment) in kill9::moments_ms(seed + shift, count, WITHIN_MS).iter().enumerate() {
            let victim = match env {
                "netns" if i % 2 == 1 => Victim::Tester,
                _ => Victim::Launcher,
            };
            match strike(&checker, env, victim, *moment)? {
                Some(took) => worst = worst.max(took),
                None => left += 1,
            }
        }
        println!(
            "<!-- {env}: {left} of {count} left something; all else gone within {worst:?} -->"
        );
    }
    Ok(())
}

/// One run and its end; how long it took until nothing was left, if nothing was.
fn strike(checker: &Path, env: &str, victim: Victim, moment_ms: u64) -> Result<Option<Duration>> {
    let folder = tempfile::Builder::new().prefix("ordeal-kill9-").tempdir()?;
    let registry = folder.path().join("registry");
    fs::create_dir(&registry)?;
    fs::set_permissions(&registry, fs::Permissions::from_mode(0o700))?;
    let store = folder.path().join("store");
    let mark = folder.path().display().to_string();
    let command = |args: &[&str]| {
        let mut command = Command::new(checker);
        command.args(args).env("XDG_RUNTIME_DIR", &registry).env("TMPDIR", folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let seed = moment_ms.to_string();
    let mut run = command(&["test", "--env", env, "--seed", &seed]);
    let mut child = run.args(OPTIONS).arg("--store").arg(&store).spawn()?;
    let killed = kill9::kill(&mut child, &mark, victim, moment_ms)?;
    let at_once = killed.gone(&mark);
    command(&["heal"]).status()?;
    let healed = processes::wait_until_none(&mark, Duration::from_secs(10));

    let paused = killed.alive.iter().filter(|process| process.stopped).count();
    let journal = fs::read_to_string(store.join("current/history.jsonl")).unwrap_or_default();
    let last = journal.lines().rfind(|line| line.contains(r#""process":"nemesis""#));
    let last: serde_json::Value =
        last.and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default();
    println!(
        "| {env} | {:.2} s | {} | {} | {paused} | {} | {} | {} |",
        Duration::from_millis(moment_ms).as_secs_f64(),
        if victim == Victim::Tester { "tester" } else { "launcher" },
        killed.alive.len(),
        last["f"].as_str().unwrap_or("–"),
        at_once
            .as_ref()
            .map_or_else(Clone::clone, |took| format!("nothing ({} ms)", took.as_millis())),
        healed.as_ref().map_or_else(|left| kill9::named(left), |_| "nothing".to_owned()),
    );
    Ok(at_once.ok().filter(|_| healed.is_ok()))
}
