//! A log of different elements.
//!
//! The longest read says which element is at which place as far as it goes; every other read must
//! be a beginning of it. Behind it, an append that returned its offset has that place, and appends
//! that did not may stand anywhere. So there is one line of appends, with gaps behind what was read
//! that are filled by whoever has no place, and each read stands behind the last element that it
//! saw. What is left to check is time (see `line`). `O(n log n)`, and the length of what was read.

use rustc_hash::FxHashMap;

use super::line::{Clash, Place, line_up};
use super::pattern;
use crate::linear::{Answer, Occurrence, Pattern};
use crate::model::{LogTransition, ValueId, Values};

/// Decides the history of a log to which no element is appended twice.
pub(crate) fn log(all: &[Occurrence<LogTransition>], names: &Values) -> Answer {
    let log = match Log::of(all, names) {
        Err(answer) => return answer,
        Ok(log) => log,
    };
    let answer = log.places().and_then(|(places, fillers)| {
        line_up(all, &places, &fillers).map_err(|clash| log.told(clash))
    });
    match answer {
        Ok(order) => Answer::Order(order),
        Err(pattern) => Answer::Impossible(pattern),
    }
}

struct Log<'a> {
    all: &'a [Occurrence<LogTransition>],
    names: &'a Values,
    appends: FxHashMap<ValueId, usize>,
    /// By invocation.
    reads: Vec<usize>,
    longest: Option<usize>,
}

impl<'a> Log<'a> {
    fn of(all: &'a [Occurrence<LogTransition>], names: &'a Values) -> Result<Log<'a>, Answer> {
        let (mut appends, mut reads) = (FxHashMap::default(), Vec::new());
        for (at, one) in all.iter().enumerate() {
            match &one.transition {
                LogTransition::Read(_) => reads.push(at),
                LogTransition::Append(item, _) => {
                    if appends.insert(*item, at).is_some() {
                        return Err(Answer::Inapplicable);
                    }
                }
            }
        }
        reads.sort_unstable_by_key(|at| all[*at].invoked);
        let mut log = Log { all, names, appends, reads, longest: None };
        log.longest = log.reads.iter().copied().max_by_key(|at| log.seen(*at).len());
        Ok(log)
    }

    fn seen(&self, read: usize) -> &'a [ValueId] {
        match &self.all[read].transition {
            LogTransition::Read(items) => items,
            LogTransition::Append(..) => &[],
        }
    }

    fn item(&self, append: usize) -> Option<ValueId> {
        match self.all[append].transition {
            LogTransition::Append(item, _) => Some(item),
            LogTransition::Read(_) => None,
        }
    }

    fn name(&self, append: usize) -> String {
        self.item(append).map_or_else(String::new, |item| self.names.value(item).to_string())
    }

    /// The appends whose places are known, by place.
    fn placed(&self) -> Result<FxHashMap<usize, usize>, Pattern> {
        let longest = self.longest.map_or(&[][..], |read| self.seen(read));
        let mut placed: FxHashMap<usize, usize> = FxHashMap::default();
        let mut place_of: FxHashMap<usize, usize> = FxHashMap::default();
        for (place, item) in longest.iter().enumerate() {
            let (read, name) = (self.longest.into_iter(), self.names.value(*item));
            let Some(append) = self.appends.get(item) else {
                let why = format!("{name} was read, and nobody can have appended it");
                return Err(pattern("phantom-element", read.collect(), why));
            };
            if place_of.insert(*append, place).is_some() {
                let why = format!("{name} was read twice in one log, and appended once");
                return Err(pattern("element-twice", read.chain([*append]).collect(), why));
            }
            placed.insert(place, *append);
        }
        for (at, one) in self.all.iter().enumerate() {
            let LogTransition::Append(_, Some(offset)) = one.transition else { continue };
            let read = self.longest.into_iter().chain([at]);
            match place_of.get(&at) {
                Some(place) if *place == offset => {}
                None if offset >= longest.len() => {
                    if let Some(other) = placed.insert(offset, at) {
                        let (a, b) = (self.name(other), self.name(at));
                        let why = format!("{a} and {b} were both appended at offset {offset}");
                        return Err(pattern("same-offset", vec![other, at], why));
                    }
                }
                _ => {
                    let why = format!(
                        "{} was appended at offset {offset}, where it was not read",
                        self.name(at)
                    );
                    return Err(pattern("wrong-offset", read.collect(), why));
                }
            }
        }
        Ok(placed)
    }

    /// The line, and whoever may fill its gaps.
    fn places(&self) -> Result<(Vec<Place>, Vec<usize>), Pattern> {
        self.disagreement().map_or(Ok(()), Err)?;
        let placed = self.placed()?;
        let is_placed: rustc_hash::FxHashSet<usize> = placed.values().copied().collect();
        let mut fillers: Vec<usize> =
            self.appends.values().copied().filter(|at| !is_placed.contains(at)).collect();
        fillers.sort_unstable();
        let last = placed.iter().max().map(|(place, at)| (*place, *at));
        if let Some((place, at)) = last.filter(|(place, _)| *place >= self.appends.len()) {
            return Err(self.unfilled(place, at));
        }
        let end = last.map_or(0, |(place, _)| place + 1);
        let mut by_length: FxHashMap<usize, Vec<usize>> = FxHashMap::default();
        for read in &self.reads {
            by_length.entry(self.seen(*read).len()).or_default().push(*read);
        }
        let mut places = Vec::with_capacity(self.all.len());
        for place in 0..=end {
            let reads = by_length.get(&place).map_or(&[][..], Vec::as_slice);
            places.extend(reads.iter().map(|at| Place::Of(*at)));
            if place < end {
                places.push(placed.get(&place).map_or(Place::Gap, |at| Place::Of(*at)));
            }
        }
        Ok((places, fillers))
    }

    /// Two reads of which neither is a beginning of the other.
    fn disagreement(&self) -> Option<Pattern> {
        let longest = self.longest?;
        let other =
            self.reads.iter().find(|at| !self.seen(longest).starts_with(self.seen(**at)))?;
        let differs = |(a, b): &(&ValueId, &ValueId)| a != b;
        let mut pairs = self.seen(*other).iter().zip(self.seen(longest));
        let (place, (a, b)) = (0..).zip(&mut pairs).find(|(_, pair)| differs(pair))?;
        let why = format!(
            "two reads disagree: at offset {place} one saw {} and the other {}",
            self.names.value(*a),
            self.names.value(*b)
        );
        Some(pattern("two-orders", vec![*other, longest], why))
    }

    fn unfilled(&self, place: usize, at: usize) -> Pattern {
        let why = format!(
            "{} was appended at offset {place}, but fewer appends than that had begun by then",
            self.name(at)
        );
        pattern("offset-too-large", vec![at], why)
    }

    fn told(&self, clash: Clash) -> Pattern {
        let (first, second) = match clash {
            Clash::Late { first, second } => (first, second),
            Clash::Unfilled { before } => {
                return match self.all[before].transition {
                    LogTransition::Append(_, Some(offset)) => self.unfilled(offset, before),
                    _ => pattern("offset-too-large", vec![before], "too few appends".to_owned()),
                };
            }
        };
        let name = |at| self.name(at);
        let (rule, why) = match (self.item(first).is_some(), self.item(second).is_some()) {
            (false, true) => (
                "lost-append",
                format!(
                    "a read of {} elements missed {}, whose append had ended before it began",
                    self.seen(first).len(),
                    name(second)
                ),
            ),
            (false, false) => (
                "stale-read",
                format!(
                    "a read saw {} elements after another one had seen {}",
                    self.seen(first).len(),
                    self.seen(second).len()
                ),
            ),
            (true, false) => {
                ("early-read", format!("{} was read before its append began", name(first)))
            }
            (true, true) => (
                "out-of-order",
                format!(
                    "{} comes before {} in the log, but was appended after that had ended",
                    name(first),
                    name(second)
                ),
            ),
        };
        pattern(rule, vec![first, second], why)
    }
}
