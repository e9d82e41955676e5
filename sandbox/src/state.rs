//! The replicated state machine: a pure function from a sequence of commands to replies.
//!
//! Besides keys and sets it remembers, for each node that accepts operations from clients, which
//! of that node's unsettled operations were applied and with what reply. A forwarder that lost
//! the leader's answer sends the operation again under its old id, and the state machine repeats
//! the reply instead of the effect. What must be remembered stays small because each command
//! tells below which number its issuer is done: older replies are dropped, and a copy that
//! arrives after that (a paused leader may find one in its socket minutes later) is refused as
//! expired. A node counts its starts on disk, so a copy from before a restart is refused too.
//!
//! After: Lee et al., *Implementing Linearizability at Large Scale and Low Latency* (RIFL), 2015.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::command::{Command, NodeId, Op, OpId, Reply};

/// Keys, sets and sessions; what a snapshot holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    values: BTreeMap<String, Value>,
    /// Each element under its JSON text, so that equal elements are one.
    sets: BTreeMap<String, BTreeMap<String, Value>>,
    sessions: BTreeMap<NodeId, Session>,
}

/// The unsettled operations of one node since its latest start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Session {
    start: u64,
    settled: u64,
    replies: BTreeMap<u64, Reply>,
}

/// Whether a command that comes a second time is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Duplicates {
    /// By its operation id: it has no second effect.
    Recognised,
    /// It is applied once more ([`crate::Bug::DoubleApply`]).
    Applied,
}

impl State {
    /// The value of a key; `null` if it has none.
    pub(crate) fn value(&self, key: &str) -> Value {
        self.values.get(key).cloned().unwrap_or(Value::Null)
    }

    /// The elements of a set, ordered by their JSON text.
    pub(crate) fn elements(&self, set: &str) -> Vec<Value> {
        self.sets.get(set).map(|elements| elements.values().cloned().collect()).unwrap_or_default()
    }

    /// Applies one command.
    pub(crate) fn apply(&mut self, command: Command, duplicates: Duplicates) -> Reply {
        let Command { id, settled, op } = command;
        if duplicates == Duplicates::Applied {
            return self.perform(op);
        }
        if let Some(known) = self.session(id, settled).known(id) {
            return known;
        }
        let reply = self.perform(op);
        self.session(id, settled).replies.insert(id.seq, reply.clone());
        reply
    }

    fn perform(&mut self, op: Op) -> Reply {
        match op {
            Op::Write { key, value } => {
                self.values.insert(key, value);
                Reply::Done
            }
            Op::Cas { key, expected, new } => {
                let current = self.value(&key);
                if current != expected {
                    return Reply::Cas { swapped: false, value: current };
                }
                self.values.insert(key, new.clone());
                Reply::Cas { swapped: true, value: new }
            }
            Op::Add { set, element } => {
                self.sets.entry(set).or_default().insert(element.to_string(), element);
                Reply::Done
            }
        }
    }

    /// The session of the operation's node, brought up to what the command says of it.
    fn session(&mut self, id: OpId, settled: u64) -> &mut Session {
        let session = self.sessions.entry(id.node).or_default();
        if id.start > session.start {
            *session = Session { start: id.start, ..Session::default() };
        }
        if id.start == session.start && settled > session.settled {
            session.settled = settled;
            session.replies = session.replies.split_off(&settled);
        }
        session
    }
}

impl Session {
    /// The reply to a command that must not be performed (again).
    fn known(&self, id: OpId) -> Option<Reply> {
        if id.start < self.start || id.seq < self.settled {
            return Some(Reply::Expired);
        }
        self.replies.get(&id.seq).cloned()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn command(start: u64, seq: u64, settled: u64, op: Op) -> Command {
        Command { id: OpId { node: 1, start, seq }, settled, op }
    }

    fn write(value: u64) -> Op {
        Op::Write { key: "k".into(), value: json!(value) }
    }

    fn swap(expected: Value, new: Value) -> Op {
        Op::Cas { key: "k".into(), expected, new }
    }

    #[test]
    fn a_key_never_written_is_null_and_can_be_swapped_from_null() {
        let mut state = State::default();
        let reply =
            state.apply(command(1, 0, 0, swap(Value::Null, json!(1))), Duplicates::Recognised);
        assert_eq!(reply, Reply::Cas { swapped: true, value: json!(1) });
        let reply = state.apply(command(1, 1, 0, swap(json!(7), json!(2))), Duplicates::Recognised);
        assert_eq!(reply, Reply::Cas { swapped: false, value: json!(1) });
    }

    #[test]
    fn a_copy_repeats_the_reply_and_not_the_effect() {
        let mut state = State::default();
        let copy = command(1, 0, 0, swap(Value::Null, json!(1)));
        let first = state.apply(copy.clone(), Duplicates::Recognised);
        state.apply(command(1, 1, 0, write(2)), Duplicates::Recognised);
        assert_eq!(state.apply(copy.clone(), Duplicates::Recognised), first);
        assert_eq!(state.value("k"), json!(2));
    }

    #[test]
    fn a_copy_of_a_settled_operation_has_no_effect() {
        let mut state = State::default();
        state.apply(command(1, 0, 0, write(1)), Duplicates::Recognised);
        state.apply(command(1, 1, 1, write(2)), Duplicates::Recognised);
        let reply = state.apply(command(1, 0, 0, write(1)), Duplicates::Recognised);
        assert_eq!(reply, Reply::Expired);
        assert_eq!(state.value("k"), json!(2));
        assert_eq!(state.sessions[&1].replies.len(), 1);
    }

    #[test]
    fn a_copy_from_before_a_restart_has_no_effect() {
        let mut state = State::default();
        state.apply(command(2, 0, 0, write(2)), Duplicates::Recognised);
        let reply = state.apply(command(1, 9, 0, write(1)), Duplicates::Recognised);
        assert_eq!(reply, Reply::Expired);
        assert_eq!(state.value("k"), json!(2));
    }

    #[test]
    fn without_recognition_a_copy_is_applied_again() {
        let mut state = State::default();
        let copy = command(1, 0, 0, write(1));
        state.apply(copy.clone(), Duplicates::Applied);
        state.apply(command(1, 1, 0, write(2)), Duplicates::Applied);
        state.apply(copy, Duplicates::Applied);
        assert_eq!(state.value("k"), json!(1));
    }

    #[test]
    fn equal_elements_are_one() {
        let mut state = State::default();
        for seq in 0..2 {
            let op = Op::Add { set: "s".into(), element: json!(5) };
            state.apply(command(1, seq, 0, op), Duplicates::Recognised);
        }
        assert_eq!(state.elements("s"), [json!(5)]);
    }
}
