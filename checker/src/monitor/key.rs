//! One object, watched.
//!
//! Events wait in a queue until every operation that began before them has ended, and then go to
//! the frontier in their order.

use std::collections::VecDeque;

use crate::budget::Budget;
use crate::history::{OpRef, Outcome};
use crate::linear::{Care, Halt, Scratch, Seen, Watch};
use crate::model::{Call, Class, Model, Scope};
use crate::op::Kind;
use crate::value::Value;
use crate::verdict::{Reason, Stats};

/// What all keys share.
pub(super) struct Desk<'m> {
    pub(super) care: Care,
    pub(super) budget: &'m Budget,
    pub(super) scratch: &'m mut Scratch,
}

/// Why an object is watched no longer.
pub(super) enum Ending {
    /// An operation cannot have ended as it did.
    Impossible(Impossible),
    /// It cannot be read, or would cost too much.
    GivenUp(Reason),
}

/// The operation that cannot have ended as it did.
pub(super) struct Impossible {
    /// Index of the invocation.
    pub(super) invoked: u64,
    /// Index of the completion.
    pub(super) completed: u64,
    /// What it did, up to what is wrong with it.
    pub(super) subject: String,
}

/// An object of any model.
pub(super) trait Watched {
    /// An operation begins; it is known by the number returned.
    fn invoke(&mut self, process: u64, event: &OpRef<'_>, argument: &Value) -> u32;

    /// An operation ends.
    fn complete(
        &mut self,
        op: u32,
        event: &OpRef<'_>,
        result: &Value,
        desk: &mut Desk<'_>,
    ) -> Result<(), Ending>;

    /// Nothing more will happen.
    fn finish(&mut self, desk: &mut Desk<'_>) -> Result<(), Ending>;

    /// What was there to see, and what it took.
    fn stats(&self) -> Stats;
}

/// See the module.
pub(super) struct KeyMonitor<M: Model> {
    model: M,
    scope: Scope,
    watch: Watch<M>,
    /// The operations that the frontier still has to hear of.
    calls: VecDeque<Option<Pending>>,
    /// The number of the first of them.
    first: u32,
    queue: VecDeque<Moment>,
    completions: u32,
    ready: Vec<Seen<M::Transition>>,
    stats: Stats,
}

/// So much is looked at in one go, and after so much something may be forgotten.
const MOMENTS_AT_ONCE: usize = 256;
/// What waits for an operation that does not end has to be kept.
const WAITING_MAX: usize = 1 << 18;

/// Beginnings and ends, in order.
#[derive(Clone, Copy)]
enum Moment {
    Begin(u32),
    End(u32),
}

/// An operation that is open or waits for one that is.
struct Pending {
    process: u64,
    index: u64,
    /// The key that the event names beside its value, where keys are not told apart.
    key: Option<Value>,
    f: Value,
    argument: Value,
    end: Option<End>,
    /// Whether the frontier knows of it.
    known: bool,
}

struct End {
    /// Which completion of this object it is.
    moment: u32,
    outcome: Outcome,
    index: u64,
    result: Value,
    error: Option<Value>,
}

impl Pending {
    fn call<'a>(&'a self, end: &'a End, scope: Scope) -> Call<'a> {
        Call {
            process: self.process,
            key: match scope {
                Scope::OneKey => Some(&Value::Nil),
                Scope::AnyKeys => self.key.as_ref(),
            },
            f: &self.f,
            argument: &self.argument,
            result: &end.result,
            error: end.error.as_ref(),
            outcome: end.outcome,
        }
    }

    fn impossible(&self, end: &End) -> Impossible {
        let Pending { process, index, f, argument, .. } = self;
        let name = f.name().map_or_else(|| f.to_string(), str::to_owned);
        let given = if argument.is_nil() { String::new() } else { format!(" {argument}") };
        let got = match &end.result {
            result if result.is_nil() || result == argument => String::new(),
            result => format!(", which returned {result}"),
        };
        let subject = format!("process {process} did {name}{given}{got}");
        Impossible { invoked: *index, completed: end.index, subject }
    }
}

impl<M: Model> KeyMonitor<M> {
    /// Watches an object of this model.
    ///
    /// # Errors
    ///
    /// Why only a whole history can be judged.
    pub(super) fn new(mut model: M, scope: Scope) -> Result<KeyMonitor<M>, Reason> {
        model.go_online(scope)?;
        Ok(KeyMonitor {
            model,
            scope,
            watch: Watch::new(),
            calls: VecDeque::new(),
            first: 0,
            queue: VecDeque::new(),
            completions: 0,
            ready: Vec::new(),
            stats: Stats::default(),
        })
    }

    fn call_mut(&mut self, op: u32) -> &mut Option<Pending> {
        &mut self.calls[op.wrapping_sub(self.first) as usize]
    }

    fn pending(&mut self, op: u32) -> &mut Pending {
        self.call_mut(op).as_mut().expect("an operation stays until its end was heard of")
    }

    /// Lets the frontier hear of everything that it can make sense of.
    fn advance(&mut self, desk: &mut Desk<'_>) -> Result<(), Ending> {
        while self.advance_a_little(desk)? == MOMENTS_AT_ONCE {}
        match self.queue.len() {
            0..=WAITING_MAX => Ok(()),
            waiting => {
                let text = format!("{waiting} events wait for an operation that does not end");
                Err(Ending::GivenUp(Reason::Missing(text)))
            }
        }
    }

    /// How many moments could be heard of.
    fn advance_a_little(&mut self, desk: &mut Desk<'_>) -> Result<usize, Ending> {
        let mut heard = 0;
        let readable = loop {
            let moment = self.queue.get(heard).filter(|_| heard < MOMENTS_AT_ONCE).copied();
            match moment.map_or(Ok(false), |moment| self.hear(moment)) {
                Ok(true) => heard += 1,
                Ok(false) => break Ok(heard),
                Err(reason) => break Err(Ending::GivenUp(reason)),
            }
        };
        if !self.ready.is_empty() {
            let ready = self.ready.drain(..);
            let seen =
                self.watch.see(&mut self.model, &desk.care, desk.budget, desk.scratch, ready);
            seen.map_err(|halt| self.ending(halt))?;
        }
        for _ in 0..heard {
            if let Some(Moment::End(op)) = self.queue.pop_front() {
                *self.call_mut(op) = None;
            }
        }
        while let Some(None) = self.calls.front() {
            self.calls.pop_front();
            self.first = self.first.wrapping_add(1);
        }
        readable
    }

    /// Translates a moment, if enough is known of it.
    fn hear(&mut self, moment: Moment) -> Result<bool, Reason> {
        match moment {
            Moment::End(op) => {
                if self.pending(op).known {
                    self.ready.push(Seen::Ends { op });
                }
            }
            Moment::Begin(op) => {
                let at = op.wrapping_sub(self.first) as usize;
                let call = self.calls[at].as_mut().expect("it has not been heard of");
                let Some(end) = &call.end else { return Ok(false) };
                let meaning = self.model.parse(&call.call(end, self.scope))?;
                let (deadline, outcome) = (end.moment, end.outcome);
                if let Some(transition) = meaning {
                    call.known = true;
                    self.count(outcome, &transition);
                    self.begin(op, transition, outcome, deadline);
                }
                // Nobody hears of the end of an indeterminate operation.
                if outcome == Outcome::Info {
                    self.calls[at] = None;
                }
            }
        }
        Ok(true)
    }

    fn begin(&mut self, op: u32, transition: M::Transition, outcome: Outcome, deadline: u32) {
        match outcome {
            Outcome::Ok | Outcome::Fail => {
                self.ready.push(Seen::Begins { op, transition, deadline });
            }
            // It changes nothing, and nobody knows what it saw.
            Outcome::Info if self.model.class(&transition) == Class::Observer => {}
            Outcome::Info => self.ready.push(Seen::Crashes { transition }),
        }
    }

    fn count(&mut self, outcome: Outcome, transition: &M::Transition) {
        if outcome == Outcome::Ok {
            let changes = self.model.class(transition) != Class::Observer;
            self.stats.acknowledged_writes += u64::from(changes);
            self.stats.reads_of_written_values += u64::from(self.model.shows_effect(transition));
        }
    }

    fn ending(&mut self, halt: Halt) -> Ending {
        match halt {
            Halt::Spent(reason) => Ending::GivenUp(reason),
            Halt::Impossible { op } => {
                let call = self.pending(op);
                let end = call.end.as_ref().expect("only an end is impossible");
                Ending::Impossible(call.impossible(end))
            }
        }
    }
}

impl<M: Model> Watched for KeyMonitor<M> {
    fn invoke(&mut self, process: u64, event: &OpRef<'_>, argument: &Value) -> u32 {
        let count = u32::try_from(self.calls.len()).expect("memory is spent before");
        let op = self.first.wrapping_add(count);
        let (f, argument) = (event.f.clone(), argument.clone());
        let key = match self.scope {
            Scope::OneKey => None,
            Scope::AnyKeys => event.key_entry().cloned(),
        };
        let (index, end, known) = (event.index, None, false);
        self.calls.push_back(Some(Pending { process, index, key, f, argument, end, known }));
        self.queue.push_back(Moment::Begin(op));
        op
    }

    fn complete(
        &mut self,
        op: u32,
        event: &OpRef<'_>,
        result: &Value,
        desk: &mut Desk<'_>,
    ) -> Result<(), Ending> {
        let outcome = match event.kind {
            Kind::Ok => Outcome::Ok,
            Kind::Fail => Outcome::Fail,
            Kind::Info | Kind::Invoke => Outcome::Info,
        };
        let (moment, index) = (self.completions, event.index);
        if self.completions == COMPLETIONS_MAX {
            return Err(Ending::GivenUp(Reason::Missing(TOO_LONG.to_owned())));
        }
        self.completions += 1;
        let (result, error) = (result.clone(), event.error.cloned());
        self.pending(op).end = Some(End { moment, outcome, index, result, error });
        if outcome != Outcome::Info {
            self.queue.push_back(Moment::End(op));
        }
        self.advance(desk)
    }

    fn finish(&mut self, desk: &mut Desk<'_>) -> Result<(), Ending> {
        let (moment, index, outcome) = (self.completions, u64::MAX, Outcome::Info);
        for call in self.calls.iter_mut().flatten().filter(|call| call.end.is_none()) {
            let (result, error) = (Value::Nil, None);
            call.end = Some(End { moment, outcome, index, result, error });
        }
        self.advance(desk)?;
        match self.watch.is_overdrawn() {
            false => Ok(()),
            true => Err(Ending::GivenUp(Reason::Missing(OVERDRAWN.to_owned()))),
        }
    }

    fn stats(&self) -> Stats {
        let (expansions, largest_frontier) = self.watch.effort();
        Stats { expansions, largest_frontier, ..self.stats.clone() }
    }
}

/// Moments and events are numbered by `u32`, and an operation has up to three.
const COMPLETIONS_MAX: u32 = 1 << 30;

const TOO_LONG: &str = "more than 2^30 operations on one object are not told apart";

const OVERDRAWN: &str = "indeterminate operations would have to be counted exactly, and for that \
                         the whole history is needed: judge it without --stream";
