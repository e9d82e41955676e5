//! A model of one's own: a register that only grows. Writing a smaller value changes nothing.
//!
//! `cargo run -p checker --example own_model`
#![expect(clippy::print_stdout, reason = "an example that shows what it found")]

use checker::history::Outcome;
use checker::model::{Call, Class, Model, Requires};
use checker::record::Recorder;
use checker::verdict::Reason;
use checker::{Budget, CheckOptions, Validity, Value, check_model};

/// The largest value written so far.
#[derive(Clone, Debug, Default)]
struct MaxRegister;

/// What happened, with what was observed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Step {
    Write(i64),
    Read(i64),
}

impl Model for MaxRegister {
    type State = i64;
    type Transition = Step;

    fn initial(&self) -> i64 {
        0
    }

    fn parse(&mut self, call: &Call<'_>) -> Result<Option<Step>, Reason> {
        match (call.f.name(), call.outcome, call.argument, call.result) {
            // What failed did not happen, and of a read that crashed nobody knows what it saw.
            (Some("write" | "read"), Outcome::Fail, ..) | (Some("read"), Outcome::Info, ..) => {
                Ok(None)
            }
            (Some("write"), _, Value::Int(value), _) => Ok(Some(Step::Write(*value))),
            (Some("read"), _, _, Value::Int(value)) => Ok(Some(Step::Read(*value))),
            _ => Err(Reason::UnknownFunction(call.f.to_string())),
        }
    }

    fn step(&self, state: &i64, step: &Step) -> Option<i64> {
        match *step {
            Step::Write(value) => Some(value.max(*state)),
            Step::Read(value) => (value == *state).then_some(value),
        }
    }

    fn class(&self, step: &Step) -> Class {
        match step {
            Step::Read(_) => Class::Observer,
            // No blind write: where it leads depends on what was there.
            Step::Write(_) => Class::Conditional,
        }
    }

    fn requires(&self, step: &Step) -> Requires<i64> {
        match *step {
            Step::Read(value) => Requires::Exactly(value),
            Step::Write(_) => Requires::Anything,
        }
    }

    fn produces(&self, _: &Step) -> Option<i64> {
        None
    }

    fn describe(&self, state: &i64) -> Value {
        Value::Int(*state)
    }

    fn refusal(&self, state: &i64, step: &Step) -> String {
        format!("{step:?}, but the largest value so far is {state}")
    }
}

fn main() {
    let recorder = Recorder::new();
    recorder.invoke(0, "write", 5).ok(5);
    recorder.invoke(1, "write", 3).ok(3);
    recorder.invoke(0, "read", Value::Nil).ok(5);
    let judge = || {
        let history = recorder.history().expect("one thing after another");
        let (options, budget) = (CheckOptions::default(), Budget::unlimited());
        check_model(&history, "max-register", || MaxRegister, &options, &budget)
    };
    assert_eq!(judge().validity, Validity::Valid);
    recorder.invoke(1, "read", Value::Nil).ok(3);
    let verdict = judge();
    println!("{}", verdict.summary);
    assert_eq!(verdict.validity, Validity::Invalid);
}
