//! Whether the last night is the last one: what was begun after it, and left less than a plan.
//!
//! A suite makes the folder of its night, writes the plan into it, and then points `latest` at it. It
//! may be killed, or find the disk full, between any two of these. What is there then is no night yet,
//! but must not leave the night before standing as the last one.

use std::path::{Path, PathBuf};

use crate::suite::{Night, PLAN, folders};

/// What a folder has in it once it is a night (a plan), or a run (its log is the first thing a run
/// writes).
const BEGUN: [&str; 3] = [PLAN, "manifest.json", "checker.log"];

/// Whether a folder holds nights or runs.
pub(super) fn has_any(parent: &Path) -> bool {
    times(parent).iter().any(|folder| has_begun(folder))
}

/// What was begun in the folder of a suite after `last` and has no plan, a sentence each.
pub(super) fn lost(parent: &Path, last: Option<&Path>) -> Vec<String> {
    let last = last.and_then(Path::file_name);
    let later = times(parent).into_iter().filter(|folder| folder.file_name() > last);
    let lost = later.filter(|folder| !has_begun(folder));
    let sentence = |folder: PathBuf| {
        let folder = folder.display();
        format!(
            "{folder} was begun and has no plan: its suite died, or the disk was full; run it anew"
        )
    };
    lost.map(sentence).collect()
}

/// What was begun after the night or run to which a link leads, a sentence each: `latest` leads to
/// what could say so. Whoever names a folder by its time means that one.
pub(super) fn after(link: &Path) -> Vec<String> {
    // With a slash behind it, a link is what it leads to.
    let link: PathBuf = link.components().collect();
    let folder = link.is_symlink().then(|| link.canonicalize().ok()).flatten();
    let Some((folder, parent)) = folder.as_deref().and_then(|one| Some((one, one.parent()?)))
    else {
        return Vec::new();
    };
    let counts = |one: &PathBuf| is_night(one) || one.join("manifest.json").is_file();
    let later = times(parent).into_iter().rev().find(counts);
    let later = later.filter(|later| later.file_name() > folder.file_name());
    let sentence = later.map(|later| {
        format!("{} is not the latest: {} was begun after it", link.display(), later.display())
    });
    sentence.into_iter().chain(lost(parent, Some(folder))).collect()
}

/// The folders that are named as those of nights and runs are (`20261121T020000.000Z`), the oldest
/// first.
fn times(parent: &Path) -> Vec<PathBuf> {
    let digits = |name: &str| -> String {
        name.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect()
    };
    let is_time = |name: &String| digits(name) == "00000000T000000.000Z";
    folders(parent).into_iter().filter(is_time).map(|name| parent.join(name)).collect()
}

fn has_begun(folder: &Path) -> bool {
    BEGUN.iter().any(|file| folder.join(file).exists())
}

/// Whether it is a night, and not one of repetitions. One whose plan is torn is one.
fn is_night(folder: &Path) -> bool {
    folder.join(PLAN).is_file()
        && Night::open(folder).map_or(true, |night| night.plan.repeats.is_none())
}
