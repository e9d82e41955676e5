//! `analyze --stream`: a history of any length, judged while it is read.
//!
//! Nothing is kept but what is open and undecided, so there is no report, no certificate and no
//! explanation beyond the operation that cannot be placed; what is read from `-` may still be
//! growing. What the command line leaves open (the model, whether values have keys) has to be told
//! from the beginning of the history, and is said aloud, since it cannot be taken back.

use std::path::Path;

use checker::checks::{Reading, Readings};
use checker::history::{Independent, OpRef, ReadError, has_key_entries, split, stream_path};
use checker::monitor::{Keys, MonitorError};
use checker::verdict::Reason;
use checker::{Budget, History, Monitor, Op, Validity, Verdict};

use super::options;
use crate::exit::BadInput;

/// So many events tell what the rest will be like.
const BEGINNING_EVENTS: usize = 10_000;

/// How often the budget is looked at.
const EVENTS_BETWEEN_LOOKS: u64 = 4096;

/// Why reading ends early.
enum End {
    /// The history cannot be read, or is none, or is not for watching.
    Unfit(String),
    /// The budget is spent, or somebody wants it to end.
    Spent(Reason),
}

impl From<ReadError> for End {
    fn from(error: ReadError) -> End {
        End::Unfit(error.to_string())
    }
}

/// A history that is being read.
pub(super) struct Stream<'a> {
    reading: &'a options::Reading,
    budget: &'a Budget,
    events: u64,
    state: State,
    /// What had to be guessed.
    guessed: Option<String>,
}

enum State {
    /// Too little was seen to know what it is about.
    Beginning(Vec<(Op, u64)>),
    Watching(Box<Watching>),
}

/// A verdict, and what had to be guessed for it.
pub(super) struct Streamed {
    pub(super) verdict: Verdict,
    pub(super) guessed: Option<String>,
}

impl<'a> Stream<'a> {
    pub(super) fn new(reading: &'a options::Reading, budget: &'a Budget) -> Stream<'a> {
        Stream { reading, budget, events: 0, state: State::Beginning(Vec::new()), guessed: None }
    }

    /// Reads and judges the history in a file, or on standard input.
    pub(super) fn judge(mut self, path: &Path) -> Result<Streamed, BadInput> {
        let read = stream_path(path, self.reading.format(), |op, line| self.take(op, line));
        let read = match self.state {
            State::Beginning(_) => read.and_then(|()| self.begin()),
            State::Watching(_) => read,
        };
        let State::Watching(watching) = self.state else {
            return Err(BadInput(match read {
                Err(End::Unfit(problem)) => problem,
                Err(End::Spent(reason)) => reason.sentence(),
                Ok(()) => "there is no beginning".to_owned(),
            }));
        };
        let mut verdict = watching.finish();
        match read {
            Ok(()) => {}
            Err(End::Unfit(problem)) => return Err(BadInput(problem)),
            Err(End::Spent(reason)) => cut_short(&mut verdict, reason),
        }
        Ok(Streamed { verdict, guessed: self.guessed })
    }

    fn take(&mut self, op: OpRef<'_>, line: u64) -> Result<(), End> {
        self.events += 1;
        if self.events.is_multiple_of(EVENTS_BETWEEN_LOOKS)
            && let Some(reason) = self.budget.spent()
        {
            return Err(End::Spent(reason));
        }
        match &mut self.state {
            State::Watching(watching) => watching.push(op, line),
            State::Beginning(events) => {
                events.push((op.to_op(), line));
                if events.len() == BEGINNING_EVENTS { self.begin() } else { Ok(()) }
            }
        }
    }

    /// Enough was seen: settles what the history is about, and begins to watch.
    fn begin(&mut self) -> Result<(), End> {
        let State::Beginning(events) = &mut self.state else { return Ok(()) };
        let events = std::mem::take(events);
        let unfit = |problem: &dyn std::fmt::Display| End::Unfit(problem.to_string());
        let ops = events.iter().map(|(op, _)| op.clone()).collect();
        // Events that contradict each other are refused below, where their lines are known.
        let history = History::from_ops(ops).unwrap_or_default();
        let readings = self.reading.readings(&history).map_err(|error| unfit(&error))?;
        let watching = Watching::new(readings, &history)?;
        if self.reading.leaves_keys_open() {
            self.guessed = Some(watching.guessed(&history));
        }
        self.state = State::Watching(Box::new(watching));
        let State::Watching(watching) = &mut self.state else { return Ok(()) };
        events.iter().try_for_each(|(op, line)| watching.push(op.into(), *line))
    }
}

/// A history that is judged while it goes on, in every way in which it can be read.
struct Watching {
    readings: Readings,
    /// One a reading.
    monitors: Vec<Monitor>,
}

impl Watching {
    /// Begins, given the beginning of the history.
    fn new(readings: Readings, beginning: &History) -> Result<Watching, End> {
        let monitor = |Reading { spec, independent }: &Reading| {
            split(beginning, *independent).map_err(|error| End::Unfit(error.to_string()))?;
            Monitor::new(spec, keys(beginning, *independent)).map_err(|why| {
                let (name, why) = (spec.name(), why.sentence());
                End::Unfit(format!("{name} needs the whole history ({why}); leave out --stream"))
            })
        };
        let monitors = readings.all.iter().map(monitor).collect::<Result<_, _>>()?;
        Ok(Watching { readings, monitors })
    }

    /// What had to be guessed from the beginning, for the user.
    fn guessed(&self, beginning: &History) -> String {
        let told = |Reading { spec, independent }: &Reading| {
            let about = match keys(beginning, *independent) {
                Keys::None => "one object",
                Keys::Tuple => "independent keys, [key value]",
                Keys::Entry => "independent keys, each in an entry :key",
            };
            format!("{}, {about}", spec.name())
        };
        let told: Vec<String> = self.readings.all.iter().map(told).collect();
        format!("from its beginning: {} (see --model, --independent)", told.join("; or "))
    }

    fn push(&mut self, op: OpRef<'_>, line: u64) -> Result<(), End> {
        let problem = |error| match error {
            MonitorError::Malformed(error) => {
                End::from(ReadError::Malformed { error, line, earlier_line: None })
            }
            MonitorError::NoKey(error) => End::Unfit(format!("line {line}: {error}")),
        };
        self.monitors.iter_mut().try_for_each(|monitor| monitor.push(op).map_err(problem))
    }

    fn finish(self) -> Verdict {
        let verdicts = self.monitors.into_iter().map(Monitor::finish).collect();
        self.readings.settle(verdicts).1
    }
}

/// Where the keys are, as far as the beginning shows.
fn keys(beginning: &History, independent: Independent) -> Keys {
    match independent {
        Independent::Yes if has_key_entries(beginning) => Keys::Entry,
        Independent::Yes => Keys::Tuple,
        Independent::No | Independent::Auto => Keys::None,
    }
}

/// What was found until then stands; what was not found may come yet.
fn cut_short(verdict: &mut Verdict, reason: Reason) {
    if verdict.validity != Validity::Invalid {
        verdict.validity = Validity::Unknown;
        verdict.summary = format!("unknown: {} ({})", reason.sentence(), verdict.summary);
        verdict.reason = Some(reason);
    }
}

/// The verdict for a terminal: there is no history to draw a report from.
pub(super) fn text(verdict: &Verdict) -> String {
    let word = verdict.validity.word().to_uppercase();
    let mut lines = vec![format!("{word}  {}", verdict.summary)];
    let others = verdict.anomalies.iter().filter(|one| one.sentence != verdict.summary);
    lines.extend(others.take(MOST_VIOLATIONS).map(|one| format!("  - {}", one.sentence)));
    let stats = &verdict.stats;
    lines.push(format!(
        "\nOperations  {} ({} ok, {} fail, {} info)",
        stats.operations, stats.ok, stats.fail, stats.info
    ));
    lines.push("\nAssumptions".to_owned());
    lines.extend(verdict.assumptions.iter().map(|one| format!("  - {one}")));
    lines.join("\n") + "\n"
}

/// A store that is broken is broken on many keys.
const MOST_VIOLATIONS: usize = 10;
