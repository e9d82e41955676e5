//! A versioned register of which every acknowledged operation knows its version.
//!
//! The version is the place in the order. What is not acknowledged has none, so a version that is
//! missing must have been made by a crashed operation: one that began before the first return of
//! whatever comes later, and that fits the value of that version and of the one before, as far as
//! somebody saw them. Giving each missing version an operation of its own is a matching. Where two
//! missing versions follow each other and nobody saw the first, a crashed compare-and-set may or
//! may not fit the second: then the search decides. What is left to check is time (see `line`).
//! `O(n log n)`, and what the matching of the missing versions takes; where there are too many of
//! them, the search decides, which has limits.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::line::{Clash, Place, line_up};
use super::wrong::{WrongRule, makes};
use super::{NEVER, pattern};
use crate::linear::{Answer, Occurrence, Pattern};
use crate::model::{ValueId, Values, VersionedTransition};

/// Decides the history of a versioned register whose versions are known.
pub(crate) fn versions(
    all: &[Occurrence<VersionedTransition>],
    initial: ValueId,
    names: &Values,
) -> Answer {
    let decided = Versions::of(all, initial, names).and_then(|versions| {
        let made = versions.made_by_crashed()?;
        let mut places = Vec::with_capacity(all.len());
        for (version, one) in versions.known.iter().enumerate() {
            let maker = one.maker.or_else(|| made.get(&version).copied());
            places.extend(maker.into_iter().chain(one.reads.iter().copied()).map(Place::Of));
        }
        line_up(all, &places, &[]).map_err(|clash| Answer::Impossible(versions.told(clash)))
    });
    decided.map_or_else(|answer| answer, Answer::Order)
}

/// As many pairs of a missing version and a crashed operation are looked at.
const PAIRS_MAX: usize = 10_000_000;

/// What is known of one version.
#[derive(Clone, Debug, Default)]
struct Known {
    /// Who made it and was acknowledged.
    maker: Option<usize>,
    /// By invocation.
    reads: Vec<usize>,
    /// Its value, and who says so; the initial one says it by itself.
    value: Option<(ValueId, Option<usize>)>,
}

struct Versions<'a> {
    all: &'a [Occurrence<VersionedTransition>],
    names: &'a Values,
    /// By version, the initial one first.
    known: Vec<Known>,
    /// Operations that may or may not have made a version, by invocation.
    crashed: Vec<usize>,
}

impl<'a> Versions<'a> {
    fn of(
        all: &'a [Occurrence<VersionedTransition>],
        initial: ValueId,
        names: &'a Values,
    ) -> Result<Versions<'a>, Answer> {
        let mut versions =
            Versions { all, names, known: vec![Known::default()], crashed: Vec::new() };
        versions.known[0].value = Some((initial, None));
        let makers = all.iter().filter(|one| {
            !matches!(
                one.transition,
                VersionedTransition::Read(..) | VersionedTransition::Differs(_)
            )
        });
        let most = makers.count();
        let mut in_time: Vec<usize> = (0..all.len()).collect();
        in_time.sort_unstable_by_key(|at| all[*at].invoked);
        for at in in_time {
            match (all[at].transition, all[at].returned) {
                (VersionedTransition::Differs(_), _) => return Err(Answer::Inapplicable),
                // A condition of the asker, which no other crashed operation shares.
                (VersionedTransition::Write(Some(_), _), None)
                | (VersionedTransition::Cas(Some(_), ..), None) => {
                    return Err(Answer::Inapplicable);
                }
                (_, None) => versions.crashed.push(at),
                (VersionedTransition::Read(version, value), _) => {
                    let version = versions.place(at, version, 0, most)?;
                    versions.known[version].reads.push(at);
                    versions.learn(at, version, value)?;
                }
                (VersionedTransition::Write(version, value), _) => {
                    let version = versions.place(at, version, 1, most)?;
                    versions.make(at, version, value)?;
                }
                (VersionedTransition::Cas(version, expected, value), _) => {
                    let version = versions.place(at, version, 1, most)?;
                    versions.learn(at, version - 1, expected)?;
                    versions.make(at, version, value)?;
                }
            }
        }
        Ok(versions)
    }

    /// The version of an operation as a place, which exists from now on.
    fn place(
        &mut self,
        at: usize,
        version: Option<i64>,
        least: usize,
        most: usize,
    ) -> Result<usize, Answer> {
        let version = version.ok_or(Answer::Inapplicable)?;
        match usize::try_from(version) {
            Ok(place) if (least..=most).contains(&place) => {
                if self.known.len() <= place {
                    self.known.resize_with(place + 1, Known::default);
                }
                Ok(place)
            }
            _ => Err(Answer::Impossible(impossible(at, version))),
        }
    }

    fn make(&mut self, at: usize, version: usize, value: ValueId) -> Result<(), Answer> {
        match self.known[version].maker.replace(at) {
            Some(other) => {
                let why = format!("version {version} was made by two operations");
                Err(Answer::Impossible(pattern("same-version", vec![other, at], why)))
            }
            None => self.learn(at, version, value),
        }
    }

    fn learn(&mut self, at: usize, version: usize, value: ValueId) -> Result<(), Answer> {
        match *self.known[version].value.get_or_insert((value, Some(at))) {
            (known, _) if known == value => Ok(()),
            (known, who) => {
                let (known, value) = (self.names.value(known), self.names.value(value));
                let why = format!("version {version} was {known} and {value} at once");
                let operations = who.into_iter().chain([at]).collect();
                Err(Answer::Impossible(pattern("two-values", operations, why)))
            }
        }
    }

    /// The crashed operations that made the versions nobody acknowledged.
    fn made_by_crashed(&self) -> Result<FxHashMap<usize, usize>, Answer> {
        let mut deadlines = vec![(NEVER, 0); self.known.len() + 1];
        for (version, one) in self.known.iter().enumerate().rev() {
            let returns = one.reads.iter().copied().chain(one.maker);
            let first = returns.map(|at| (self.all[at].returned.unwrap_or(NEVER), at)).min();
            deadlines[version] = first.unwrap_or((NEVER, 0)).min(deadlines[version + 1]);
        }
        let missing: Vec<usize> =
            (1..self.known.len()).filter(|at| self.known[*at].maker.is_none()).collect();
        if missing.len().saturating_mul(self.crashed.len()) > PAIRS_MAX {
            return Err(Answer::Inapplicable);
        }
        let mut matching = Matching::default();
        for version in missing {
            let (deadline, last) = deadlines[version];
            let any = makes(WrongRule::CrashedBeforeTheyBegan);
            let begun = self.crashed.partition_point(|at| any || self.all[*at].invoked < deadline);
            let mut fitting = Vec::new();
            for at in &self.crashed[..begun] {
                if self.fits(*at, version).ok_or(Answer::Inapplicable)? {
                    fitting.push(*at);
                }
            }
            if !matching.add(version, fitting) {
                return Err(Answer::Impossible(self.unmade(version, last)));
            }
        }
        Ok(matching.made_by.into_iter().map(|(at, version)| (version, at)).collect())
    }

    /// Whether a crashed operation can have made a version; `None` if that depends.
    fn fits(&self, at: usize, version: usize) -> Option<bool> {
        let value = |version: usize| self.known[version].value.map(|(value, _)| value);
        let becomes = |new| value(version).is_none_or(|value| value == new);
        match self.all[at].transition {
            VersionedTransition::Write(_, new) => Some(becomes(new)),
            VersionedTransition::Cas(_, _, new) if !becomes(new) => Some(false),
            VersionedTransition::Cas(..) if makes(WrongRule::ExpectsNothing) => Some(true),
            VersionedTransition::Cas(_, expected, _) => {
                value(version - 1).map(|value| value == expected)
            }
            VersionedTransition::Read(..) | VersionedTransition::Differs(_) => Some(false),
        }
    }

    fn unmade(&self, version: usize, last: usize) -> Pattern {
        let value = self.known[version].value.map(|(value, _)| self.names.value(value));
        let value = value.map_or(String::new(), |value| format!(" of {value}"));
        let why = format!(
            "nobody acknowledged version {version}, and no operation that crashed can have made \
             it by a change{value} before later versions were there"
        );
        let saw = self.known[version].value.and_then(|(_, who)| who);
        let mut operations: Vec<usize> = saw.into_iter().chain([last]).collect();
        operations.dedup();
        pattern("missing-version", operations, why)
    }

    fn version(&self, at: usize) -> i64 {
        match self.all[at].transition {
            VersionedTransition::Read(version, _)
            | VersionedTransition::Write(version, _)
            | VersionedTransition::Cas(version, ..) => version.unwrap_or_default(),
            VersionedTransition::Differs(_) => 0,
        }
    }

    fn told(&self, clash: Clash) -> Pattern {
        let (first, second) = match clash {
            Clash::Late { first, second } => (first, second),
            Clash::Unfilled { before } => (before, before),
        };
        let (earlier, later) = (self.version(first), self.version(second));
        let is_read = |at: usize| matches!(self.all[at].transition, VersionedTransition::Read(..));
        let rule = if is_read(first) { "stale-read" } else { "version-went-back" };
        let did = if is_read(first) { "was read" } else { "was made" };
        let why = format!(
            "version {earlier} {did} by an operation that began after another one had ended with \
             version {later}"
        );
        pattern(rule, vec![first, second], why)
    }
}

fn impossible(at: usize, version: i64) -> Pattern {
    let why = match version {
        ..=0 => format!("no change makes version {version}"),
        _ => format!("there cannot have been a version {version}: there were fewer changes"),
    };
    pattern("impossible-version", vec![at], why)
}

/// A matching that grows: each version is made by an operation of its own.
#[derive(Default)]
struct Matching {
    fitting: FxHashMap<usize, Vec<usize>>,
    /// Of each operation, the version that it makes.
    made_by: FxHashMap<usize, usize>,
}

impl Matching {
    /// One more version, if the others can be made otherwise where they are in its way.
    fn add(&mut self, version: usize, fitting: Vec<usize>) -> bool {
        self.fitting.insert(version, fitting);
        let mut reached: FxHashMap<usize, usize> = FxHashMap::default();
        let mut pending = VecDeque::from([version]);
        while let Some(next) = pending.pop_front() {
            for at in self.fitting.get(&next).into_iter().flatten() {
                if reached.contains_key(at) {
                    continue;
                }
                reached.insert(*at, next);
                match self.made_by.get(at) {
                    Some(_) if makes(WrongRule::NeverExchanged) => {}
                    Some(other) => pending.push_back(*other),
                    None => {
                        self.exchange(*at, version, &reached);
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Lets everybody on the way from `version` to the free operation make the next one.
    fn exchange(&mut self, free: usize, version: usize, reached: &FxHashMap<usize, usize>) {
        let before: FxHashMap<usize, usize> =
            self.made_by.iter().map(|(at, version)| (*version, *at)).collect();
        let mut at = free;
        loop {
            let maker_of = reached[&at];
            self.made_by.insert(at, maker_of);
            if maker_of == version {
                return;
            }
            at = before[&maker_of];
        }
    }
}
