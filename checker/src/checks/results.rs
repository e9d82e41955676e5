//! Verdicts as data, in the words that readers of Jepsen's `results.edn` know.
//!
//! `:valid?` is `true`, `false` or `:unknown`; of independent keys each has its own map under
//! `:results`, and `:failures` names those that are invalid. Jepsen lists keys that could not be
//! decided there as little as valid ones; here they have `:unknown-keys`.

use crate::value::Value;
use crate::verdict::{
    Anomaly, Because, Core, Examination, Extent, Part, PossibleState, Related, Stats, Validity,
    Verdict,
};

/// Like Knossos, results show the first few configurations and no more.
const CONFIGS_MAX: usize = 10;

impl Verdict {
    /// The verdict as the map that is stored in `results.edn` and `results.json`.
    pub fn to_value(&self) -> Value {
        let mut map = Entries::default();
        map.put("valid?", valid(self.validity));
        map.put("checker", self.checker.as_str());
        if let Some(reason) = &self.reason {
            map.put("cause", Value::keyword(reason.word()));
            map.put("error", reason.sentence().as_str());
        }
        map.put("summary", self.summary.as_str());
        map.put("vacuous?", self.is_vacuous());
        map.put("anomalies", Value::Vector(self.anomalies.iter().map(anomaly).collect()));
        map.put("assumptions", strings(&self.assumptions));
        map.put("stats", stats(&self.stats));
        if !self.parts.is_empty() {
            let results =
                self.parts.iter().map(|part| (part.key.clone(), part.verdict.to_value())).collect();
            map.put("results", Value::Map(results));
            map.put("failures", self.keys_that_are(Validity::Invalid));
            map.put("unknown-keys", self.keys_that_are(Validity::Unknown));
        }
        map.finish()
    }

    fn keys_that_are(&self, validity: Validity) -> Value {
        let of = |part: &&Part| part.verdict.validity == validity;
        Value::Vector(self.parts.iter().filter(of).map(|part| part.key.clone()).collect())
    }
}

fn valid(validity: Validity) -> Value {
    match validity {
        Validity::Valid => Value::Bool(true),
        Validity::Invalid => Value::Bool(false),
        Validity::Unknown => Value::keyword("unknown"),
    }
}

fn anomaly(anomaly: &Anomaly) -> Value {
    let mut map = Entries::default();
    map.put("type", Value::keyword(&anomaly.kind));
    if let Some(key) = &anomaly.key {
        map.put("key", key.clone());
    }
    map.put("sentence", anomaly.sentence.as_str());
    map.put("op-index", anomaly.op.map_or(Value::Nil, integer));
    map.put("related", Value::Vector(anomaly.related.iter().map(related).collect()));
    map.put("argument", Value::Vector(anomaly.argument.iter().map(because).collect()));
    if !anomaly.examination.argument.is_empty() {
        let circle = anomaly.examination.argument.iter().map(because);
        map.put("argument-of-core", Value::Vector(circle.collect()));
    }
    examination(&anomaly.examination, &mut map);
    let configs = anomaly.states.iter().take(CONFIGS_MAX).map(config);
    map.put("configs", Value::Vector(configs.collect()));
    map.finish()
}

/// What was found out afterwards; what was not is absent.
fn examination(examination: &Examination, map: &mut Entries) {
    if !examination.fingerprint.is_empty() {
        map.put("fingerprint", examination.fingerprint.as_str());
    }
    if let Some(strength) = &examination.strength {
        let mut entries = Entries::default();
        entries.put("sentence", strength.sentence().as_str());
        entries.put("doubted", integer(strength.doubted));
        if let Some(depends_on) = &strength.depends_on {
            let indices = indices(&depends_on.iter().map(|one| one.index).collect::<Vec<_>>());
            entries.put("depends-on", indices);
        }
        if strength.extent == Extent::AtLeast {
            entries.put("at-least?", Value::Bool(true));
        }
        map.put("strength", entries.finish());
    }
    if !examination.remedies.is_empty() {
        map.put("legal", strings(&examination.remedies));
    }
    if let Some(found) = &examination.core {
        map.put("core", core(found));
    }
}

fn core(core: &Core) -> Value {
    let mut map = Entries::default();
    let operations = core.operations.iter().map(|one| one.index);
    map.put("operations", indices(&operations.collect::<Vec<_>>()));
    let left_out = core.left_out.iter();
    let left_out = left_out.map(|(why, count)| (Value::keyword(why.word()), integer(*count)));
    map.put("left-out", Value::Map(left_out.collect()));
    map.put("minimal?", core.minimal);
    map.put("every-order-tried?", core.exhaustive);
    map.finish()
}

fn related(related: &Related) -> Value {
    let mut map = Entries::default();
    map.put("op-index", integer(related.index));
    map.put("role", related.role.as_str());
    map.finish()
}

fn because(because: &Because) -> Value {
    let mut map = Entries::default();
    map.put("before", integer(because.from));
    map.put("after", integer(because.to));
    map.put("relation", Value::keyword(because.relation.word()));
    map.put("through", indices(&because.through));
    map.put("sentence", because.sentence.as_str());
    map.finish()
}

fn config(state: &PossibleState) -> Value {
    let mut map = Entries::default();
    map.put("model", state.state.clone());
    map.put("linearized", indices(&state.linearized));
    map.put("pending", indices(&state.pending));
    map.put("why", state.why.as_str());
    map.finish()
}

fn stats(stats: &Stats) -> Value {
    let mut map = Entries::default();
    map.put("count", integer(stats.operations));
    map.put("ok-count", integer(stats.ok));
    map.put("fail-count", integer(stats.fail));
    map.put("info-count", integer(stats.info));
    map.put("acknowledged-writes", integer(stats.acknowledged_writes));
    map.put("reads-of-written-values", integer(stats.reads_of_written_values));
    map.put("expansions", integer(stats.expansions));
    map.put("largest-frontier", integer(stats.largest_frontier));
    map.finish()
}

fn strings(texts: &[String]) -> Value {
    Value::Vector(texts.iter().map(Value::string).collect())
}

fn indices(ops: &[u64]) -> Value {
    Value::Vector(ops.iter().copied().map(integer).collect())
}

fn integer(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A map with keyword keys, in the order in which they are put.
#[derive(Default)]
struct Entries(Vec<(Value, Value)>);

impl Entries {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.push((Value::keyword(key), value.into()));
    }

    fn finish(self) -> Value {
        Value::Map(self.0)
    }
}
