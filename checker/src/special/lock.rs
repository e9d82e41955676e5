//! A lock whose holders are known.
//!
//! A process does one thing after another, so its operations pair up by themselves: an acquire and
//! the release behind it are a *section*, and nobody else can hold the lock from the return of
//! the acquire to the beginning of the release, or for ever after if there is none. A history is
//! a lock's exactly if no process acquires or releases twice, no two sections overlap, and tokens
//! grow from section to section: sections that do not overlap have one order only.
//! `O(n log n)`.

use rustc_hash::FxHashMap;

use super::wrong::{WrongRule, makes};
use super::{NEVER, pattern};
use crate::linear::{Answer, Occurrence, Pattern};
use crate::model::LockTransition;

/// The time for which a process certainly held the lock.
#[derive(Clone, Copy, Debug)]
struct Section {
    process: u64,
    token: Option<i64>,
    acquire: usize,
    release: Option<usize>,
    from: u32,
    until: u32,
}

/// Decides the history of a lock with owners, with or without tokens.
pub(crate) fn lock(all: &[Occurrence<LockTransition>]) -> Answer {
    let mut sections = match sections(all) {
        Ok(sections) => sections,
        Err(answer) => return answer,
    };
    sections.sort_unstable_by_key(|section| section.from);
    if let Some(pattern) = overlap(&sections).or_else(|| token_that_shrinks(&sections)) {
        return Answer::Impossible(pattern);
    }
    Answer::Order(sections.iter().flat_map(Section::operations).collect())
}

impl Section {
    fn operations(&self) -> impl Iterator<Item = usize> + use<> {
        [self.acquire].into_iter().chain(self.release)
    }
}

/// What a process has done so far.
struct Past {
    /// When its last operation returned.
    returned: Option<u32>,
    holds: Option<Section>,
}

fn sections(all: &[Occurrence<LockTransition>]) -> Result<Vec<Section>, Answer> {
    let mut in_time: Vec<usize> = (0..all.len()).collect();
    in_time.sort_unstable_by_key(|at| all[*at].invoked);
    let mut pasts: FxHashMap<u64, Past> = FxHashMap::default();
    let mut sections = Vec::new();
    for at in in_time {
        let (LockTransition::Acquire(process, _) | LockTransition::Release(process)) =
            all[at].transition;
        let past = pasts.entry(process).or_insert(Past { returned: Some(0), holds: None });
        // A process that does two things at once, or goes on after a crash, is none.
        if past.returned.is_none_or(|returned| returned > all[at].invoked) {
            return Err(Answer::Inapplicable);
        }
        past.returned = all[at].returned;
        match (all[at].transition, past.holds.take(), all[at].returned) {
            (LockTransition::Acquire(_, token), None, Some(from)) => {
                let (acquire, release, until) = (at, None, NEVER);
                let from = if makes(WrongRule::HeldWhenAsked) { all[at].invoked } else { from };
                past.holds = Some(Section { process, token, acquire, release, from, until });
            }
            (LockTransition::Acquire(..), None, None) => {}
            (LockTransition::Acquire(..), Some(held), _) => {
                let why = format!("process {process} acquired the lock while it held it");
                let twice = pattern("acquired-twice", vec![held.acquire, at], why);
                return Err(Answer::Impossible(twice));
            }
            (LockTransition::Release(_), Some(held), _) => {
                let until = all[at].invoked;
                sections.push(Section { release: Some(at), until, ..held });
            }
            (LockTransition::Release(_), None, Some(_)) => {
                let why = format!("process {process} released the lock, which it did not hold");
                return Err(Answer::Impossible(pattern("released-unheld", vec![at], why)));
            }
            (LockTransition::Release(_), None, None) => {}
        }
    }
    sections.extend(pasts.into_values().filter_map(|past| past.holds));
    Ok(sections)
}

/// Two sections at once; they are sorted by their beginning.
fn overlap(sections: &[Section]) -> Option<Pattern> {
    let pair = sections.windows(2).find(|pair| pair[1].from < pair[0].until)?;
    let (first, second) = (pair[0], pair[1]);
    let why = format!(
        "process {} acquired the lock while process {} held it",
        second.process, first.process
    );
    Some(pattern("held-twice", first.operations().chain(second.operations()).collect(), why))
}

fn token_that_shrinks(sections: &[Section]) -> Option<Pattern> {
    let mut last: Option<(i64, &Section)> = None;
    for section in sections {
        let Some(token) = section.token else { continue };
        let too_large = |before: i64| match makes(WrongRule::EqualTokens) {
            true => before > token,
            false => before >= token,
        };
        if let Some((before, other)) = last.filter(|(before, _)| too_large(*before)) {
            let why = format!(
                "process {} got token {token}, and process {} had got {before} before",
                section.process, other.process
            );
            let operations = other.operations().chain(section.operations()).collect();
            return Some(pattern("token-did-not-grow", operations, why));
        }
        last = Some((token, section));
    }
    None
}
