//! What a checker says, and how several of them add up.
//!
//! The order is the heart of it: invalid over unknown over valid. Two things follow that other
//! tools get wrong: an undecided history never counts as a pass, and a violation is never hidden
//! by something else that could not be decided.

mod examination;

pub use examination::{
    Core, CoreEnd, CoreOperation, Doubt, Examination, Extent, LeftOut, Strength,
};

use crate::history::Outcome;
use crate::value::Value;

/// Whether a history is what a correct system could have produced. Ordered: the worst wins, so
/// `a.max(b)` is the validity of both together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Validity {
    /// A correct system could have produced it.
    Valid,
    /// Not decided; [`Verdict::reason`] says why.
    Unknown,
    /// No correct system could have produced it.
    Invalid,
}

impl Validity {
    /// The plain word that is printed and parsed by scripts.
    pub fn word(self) -> &'static str {
        match self {
            Validity::Valid => "valid",
            Validity::Unknown => "unknown",
            Validity::Invalid => "invalid",
        }
    }
}

/// Why a history could not be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The time of the [`Budget`](crate::Budget) was spent.
    Deadline,
    /// The memory of the [`Budget`](crate::Budget) was spent.
    Memory,
    /// The caller cancelled the check.
    Cancelled,
    /// There was no client operation at all.
    Empty,
    /// Nothing that was acknowledged was ever read back, so that valid would mean nothing.
    Vacuous,
    /// The load itself acknowledged no write, or no read: whatever was read back was read when all
    /// faults were healed, so that valid would mean nothing.
    IdleLoad,
    /// An operation whose `:f` the model does not know.
    UnknownFunction(String),
    /// An operation whose value the model cannot read.
    BadValue(String),
    /// It can be read in several ways, and which one is meant decides.
    Ambiguous(String),
    /// What must be there to decide is missing, such as a set's final read.
    Missing(String),
    /// The checker itself failed.
    Failed(String),
}

impl Reason {
    /// The word that stands for it in results: `deadline`, `vacuous`, ….
    pub fn word(&self) -> &'static str {
        match self {
            Reason::Deadline => "deadline",
            Reason::Memory => "memory",
            Reason::Cancelled => "cancelled",
            Reason::Empty => "empty",
            Reason::Vacuous | Reason::IdleLoad => "vacuous",
            Reason::UnknownFunction(_) => "unknown-function",
            Reason::BadValue(_) => "bad-value",
            Reason::Ambiguous(_) => "ambiguous",
            Reason::Missing(_) => "missing",
            Reason::Failed(_) => "failed",
        }
    }

    /// A sentence for a person.
    pub fn sentence(&self) -> String {
        match self {
            Reason::Deadline => "the time allowed for the check was spent".to_owned(),
            Reason::Memory => "the memory allowed for the check was spent".to_owned(),
            Reason::Cancelled => "the check was cancelled".to_owned(),
            Reason::Empty => "no client did anything".to_owned(),
            Reason::Vacuous => "nothing that was acknowledged was ever read back".to_owned(),
            Reason::IdleLoad => "the load itself acknowledged no write, or no read".to_owned(),
            Reason::UnknownFunction(f) => format!("the model does not know the function {f}"),
            Reason::BadValue(what) | Reason::Ambiguous(what) | Reason::Missing(what) => {
                what.clone()
            }
            Reason::Failed(error) => format!("the checker failed: {error}"),
        }
    }
}

/// What was found, for one object (a key) or for the whole history.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// Which checker, with its model: `linearizable cas-register`, `set`.
    pub checker: String,
    /// The answer.
    pub validity: Validity,
    /// Why it could not be decided; `Some` exactly when the validity is unknown.
    pub reason: Option<Reason>,
    /// One sentence for a person: what went wrong, why it is unknown, or what was checked.
    pub summary: String,
    /// What is wrong, the worst or earliest first; empty unless invalid.
    pub anomalies: Vec<Anomaly>,
    /// The readings under which the verdict holds (initial value, nil reads, failed operations,
    /// independent keys), a sentence each.
    pub assumptions: Vec<String>,
    /// What was there to judge, and what it took.
    pub stats: Stats,
    /// What the answer rests on, where it can be said in terms of the history; of a history of
    /// independent keys each part has its own.
    pub proof: Option<Proof>,
    /// A verdict a key, in the order of the keys' first operations; empty where keys were not
    /// split.
    pub parts: Vec<Part>,
}

/// What a verdict on one object rests on. Operations are named by the index of their invocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// An order in which the operations could have happened.
    Order(Vec<u64>),
    /// A few operations that exclude each other.
    Pattern {
        /// The rule that they break, by a stable name.
        rule: &'static str,
        /// They.
        operations: Vec<u64>,
    },
    /// The operation at whose completion the search found no way on.
    Stuck {
        /// It.
        operation: u64,
    },
}

/// The verdict on one key of a history of independent keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The key.
    pub key: Value,
    /// Its verdict.
    pub verdict: Verdict,
}

/// One thing that no correct system could have done.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly {
    /// A stable name: `stale-read`, `phantom-read`, `lost-update`, `nonlinearizable`, `lost`, ….
    pub kind: String,
    /// The key that it concerns, where keys were split.
    pub key: Option<Value>,
    /// What happened, in one sentence with processes, values and times.
    pub sentence: String,
    /// Index of the completion that could not be placed.
    pub op: Option<u64>,
    /// Operations that a reader must see to understand it, by the index of their invocation.
    pub related: Vec<Related>,
    /// Why it cannot be, as a circle: the first operation must come before the second, … and the
    /// last before the first. Empty where no such circle is certain.
    pub argument: Vec<Because>,
    /// The states in which the object could have been just before, and why none of them fits.
    pub states: Vec<PossibleState>,
    /// What was found out about it afterwards.
    pub examination: Examination,
}

/// An operation that plays a part in an anomaly.
#[derive(Clone, Debug, PartialEq)]
pub struct Related {
    /// Index of its invocation in the history as read.
    pub index: u64,
    /// The part it plays: `wrote the value that was read`, `overwrote it`, ….
    pub role: String,
}

/// One step of an argument: an operation that must come before another, in any order whatever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Because {
    /// Index of the invocation of the operation that comes before.
    pub from: u64,
    /// Index of the invocation of the one that comes after.
    pub to: u64,
    /// What the step rests on.
    pub relation: Relation,
    /// Other operations that it rests on, by the index of their invocation.
    pub through: Vec<u64>,
    /// The step in words: `write 2 (process 0) comes before …: it ended …`.
    pub sentence: String,
}

/// Why one operation must come before another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// It had ended when the other began.
    RealTime,
    /// The other saw what nobody else can have written.
    ReadsFrom,
    /// The other way round, somebody would have seen another value.
    MustPrecede,
}

impl Relation {
    /// The word that stands for it in results.
    pub fn word(self) -> &'static str {
        match self {
            Relation::RealTime => "real-time",
            Relation::ReadsFrom => "reads-from",
            Relation::MustPrecede => "must-precede",
        }
    }
}

/// One state in which the object could have been when an operation could not be placed.
#[derive(Clone, Debug, PartialEq)]
pub struct PossibleState {
    /// The state, as the model describes it.
    pub state: Value,
    /// Invocation indices of the open operations that had taken effect in this state.
    pub linearized: Vec<u64>,
    /// Invocation indices of the open operations that had not.
    pub pending: Vec<u64>,
    /// Why the operation is illegal here: `read 3, but the register holds 4`.
    pub why: String,
}

/// What was there to judge, and what judging it took. Sums over parts, but for the maximum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Client operations (an invocation with or without its completion).
    pub operations: u64,
    /// Of these, acknowledged.
    pub ok: u64,
    /// Of these, certainly not done.
    pub fail: u64,
    /// Of these, indeterminate.
    pub info: u64,
    /// Acknowledged operations that could change state.
    pub acknowledged_writes: u64,
    /// Acknowledged reads that returned a value some operation wrote: the power of the test.
    pub reads_of_written_values: u64,
    /// Legal successors generated by the search.
    pub expansions: u64,
    /// The most configurations alive at once, over all keys.
    pub largest_frontier: u64,
}

impl Verdict {
    /// A verdict that says only why there is none.
    pub fn undecided(checker: &str, reason: Reason) -> Verdict {
        Verdict {
            checker: checker.to_owned(),
            validity: Validity::Unknown,
            summary: format!("unknown: {}", reason.sentence()),
            reason: Some(reason),
            anomalies: Vec::new(),
            assumptions: Vec::new(),
            stats: Stats::default(),
            proof: None,
            parts: Vec::new(),
        }
    }

    /// Whether the history could hardly have shown a violation: no acknowledged write, or no
    /// acknowledged read of a value that somebody wrote. A valid verdict then means nothing.
    pub fn is_vacuous(&self) -> bool {
        self.stats.acknowledged_writes == 0 || self.stats.reads_of_written_values == 0
    }

    /// Makes a valid verdict unknown, for a reason that the history alone does not show. What is
    /// invalid or unknown already stays as it is.
    pub fn doubt(&mut self, reason: Reason) {
        if self.validity == Validity::Valid {
            self.validity = Validity::Unknown;
            self.summary = format!("{}: {} ({})", reason.word(), reason.sentence(), self.summary);
            self.reason = Some(reason);
        }
    }
}

impl Stats {
    /// One more operation that ended like this.
    pub(crate) fn count(&mut self, outcome: Outcome) {
        self.operations += 1;
        match outcome {
            Outcome::Ok => self.ok += 1,
            Outcome::Fail => self.fail += 1,
            Outcome::Info => self.info += 1,
        }
    }

    /// Adds those of another part.
    pub(crate) fn add(&mut self, other: &Stats) {
        self.operations += other.operations;
        self.ok += other.ok;
        self.fail += other.fail;
        self.info += other.info;
        self.acknowledged_writes += other.acknowledged_writes;
        self.reads_of_written_values += other.reads_of_written_values;
        self.expansions += other.expansions;
        self.largest_frontier = self.largest_frontier.max(other.largest_frontier);
    }
}
