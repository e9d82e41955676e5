//! Where both worlds meet: the nemesis plays its schedule, and what it did, with its proof, becomes
//! operations of the history.
//!
//! As in Jepsen a fault is a pair of `:info` events of the process `:nemesis` with equal `:f`. The
//! first carries the plan. The second says what was done to whom, how that was measured, and
//! between which two moments it began or ended:
//!
//! ```text
//! {:id 4 :fault :partition :what "majority: n1 n3 | n2 n4 n5" :nodes ["n1" …]
//!  :proof {:held true :how "…" :hears {…}} :last-open-ns 1 :first-closed-ns 2}
//! {:heals [4] :what "…" :proof {…} :last-closed-ns 3 :first-open-ns 4}
//! ```

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use checker::{Kind, Process, Value};
use nemesis::env::{Ability, Capabilities, Environment, NodeId};
use nemesis::faults::{Bracket, Evidence, FaultError, Nemesis, Options, Primaries};
use nemesis::schedule::{Action, FaultKind, LeftOut, Schedule, ScheduleParams, Step, Target};
use nemesis::topology::Topology;
use serde_json::Value as Json;

use super::Plan;
use super::cluster::Cluster;
use super::pace::Pace;
use super::progress::InForce;
use super::recorder::{Event, Recorder};
use super::stop::Stop;
use crate::exit::BadInput;
use crate::systems::AskLeaders;

/// The nemesis of one run.
pub(super) struct Injector {
    nemesis: Nemesis,
    leaders: Arc<AskLeaders>,
    recorder: Recorder,
    in_force: InForce,
    /// Faults and heals that could not be proved.
    pub(super) trouble: Vec<String>,
}

impl Injector {
    pub(super) fn new(cluster: &Cluster, recorder: &Recorder, schedule: &Schedule) -> Injector {
        let (system, env) = (cluster.system.clone(), cluster.env.clone());
        let leaders = Arc::new(AskLeaders { system, env });
        let options = Options {
            grace: cluster.system.grace(),
            ..Options::new(schedule.seed, schedule.keep_up)
        };
        Injector {
            nemesis: Nemesis::new(cluster.env.clone(), leaders.clone(), options),
            leaders,
            recorder: recorder.clone(),
            in_force: InForce::default(),
            trouble: Vec::new(),
        }
    }

    /// What is in force, for the progress line.
    pub(super) fn in_force(&self) -> InForce {
        self.in_force.clone()
    }

    /// Plays every step at its time, until told to stop.
    pub(super) async fn play(&mut self, schedule: &Schedule, pace: &Pace, mut until: Stop) {
        let mut before = self.acknowledged();
        for step in &schedule.steps {
            let is_enough = || self.acknowledged() - before >= step.after_ok;
            let due = async {
                pace.due(Duration::from_millis(step.at_ms)).await;
                pace.until(is_enough).await;
            };
            tokio::select! {
                () = due => {}
                () = until.wait() => return,
            }
            // Never cancelled half-way: what is being broken must be known when it is healed.
            self.execute(step).await;
            before = self.acknowledged();
        }
    }

    /// How many operations were acknowledged so far.
    fn acknowledged(&self) -> u64 {
        self.recorder.counts().ok.load(Ordering::Relaxed)
    }

    /// Undoes everything, and proves it: first what is known to be in force, then whatever else is
    /// found broken.
    pub(super) async fn heal_all(&mut self) {
        for heal in self.nemesis.due() {
            self.execute(&Step::at(0, Action::Heal(heal))).await;
        }
        match self.nemesis.heal_all().await {
            Ok(healed) => healed.iter().for_each(|evidence| self.found_broken(evidence)),
            Err(FaultError::NotAllHealed { errors, done }) => {
                done.iter().for_each(|evidence| self.found_broken(evidence));
                self.trouble.extend(errors.iter().map(ToString::to_string));
            }
            Err(error) => self.trouble.push(error.to_string()),
        }
        for surprise in self.nemesis.surprises().await {
            self.say("died", Value::string(surprise.to_string()), None);
        }
    }

    async fn execute(&mut self, step: &Step) {
        // Whether a fault hit the leader is half of what it is worth.
        let leaders = match step.action {
            Action::Inject(_) => self.leaders.primaries().await,
            Action::Heal(_) => Vec::new(),
        };
        self.say(step.f(), from_json(&step.plan()), None);
        match self.nemesis.execute(step).await {
            Ok(evidence) => {
                let calm = !evidence.heals.is_empty() || evidence.skipped.is_some();
                self.in_force.set(if calm { String::new() } else { evidence.what.clone() });
                self.completed(&evidence, &leaders, None);
            }
            Err(error) => {
                let error_value = Some(Value::string(error.to_string()));
                match error.evidence() {
                    Some(evidence) => self.completed(evidence, &leaders, error_value),
                    None => self.say(step.f(), Value::Nil, error_value),
                }
                self.trouble.push(error.to_string());
            }
        }
    }

    /// A heal that nobody had planned: both of its events come after the deed.
    fn found_broken(&self, evidence: &Evidence) {
        self.say(evidence.f, Value::Nil, None);
        self.completed(evidence, &[], None);
    }

    fn completed(&self, evidence: &Evidence, leaders: &[NodeId], error: Option<Value>) {
        for surprise in &evidence.surprises {
            // An event of the system, not of ours: told on its own, between the two of the fault.
            tracing::warn!("{surprise}");
        }
        let value = told(evidence, leaders, |at| self.recorder.ns_at(at));
        self.say(evidence.f, value, error);
    }

    fn say(&self, f: &str, value: Value, error: Option<Value>) {
        let f = Value::keyword(f);
        let process = Process::nemesis();
        self.recorder.record(Event {
            process,
            kind: Kind::Info,
            f,
            value,
            error,
            extra: Vec::new(),
        });
    }
}

/// The value of a completion; see the head of this file.
fn told(
    evidence: &Evidence,
    leaders: &[NodeId],
    ns_at: impl Fn(std::time::Instant) -> u64,
) -> Value {
    let mut entries = Vec::new();
    let mut entry = |key: &str, value: Value| entries.push((Value::keyword(key), value));
    if let Some(id) = evidence.id {
        entry("id", int(id));
        entry("fault", Value::keyword(fault_of(evidence.f)));
    }
    if !evidence.heals.is_empty() {
        entry("heals", Value::Vector(evidence.heals.iter().map(|&id| int(id)).collect()));
    }
    entry("what", Value::string(&evidence.what));
    let names = |nodes: &[NodeId]| {
        Value::Vector(nodes.iter().map(|node| Value::string(node.to_string())).collect())
    };
    entry("nodes", names(&evidence.nodes));
    if !leaders.is_empty() {
        entry("primaries", names(leaders));
    }
    if !evidence.links.is_empty() {
        let links = evidence.links.links().map(|link| Value::string(link.to_string()));
        entry("links", Value::Vector(links.collect()));
    }
    match &evidence.skipped {
        Some(reason) => entry("skipped", Value::string(reason)),
        None => entry("proof", from_json(&evidence.proof.to_json())),
    }
    let ns = |at| int(ns_at(at));
    if let Some(Bracket { last_before, first_after }) = evidence.began {
        entry("last-open-ns", ns(last_before));
        entry("first-closed-ns", ns(first_after));
    }
    if let Some(Bracket { last_before, first_after }) = evidence.ended {
        entry("last-closed-ns", ns(last_before));
        entry("first-open-ns", ns(first_after));
    }
    if !evidence.surprises.is_empty() {
        let died = evidence.surprises.iter().map(|s| Value::string(s.to_string()));
        entry("surprises", Value::Vector(died.collect()));
    }
    Value::Map(entries)
}

/// The kind of fault that an injection's `:f` stands for.
fn fault_of(f: &str) -> &str {
    match f {
        "start-partition" => "partition",
        "start-packet" => "packet",
        "reset-connections" => "reset",
        other => other,
    }
}

fn int(number: u64) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The keys of objects become keywords, as everywhere in a history.
fn from_json(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(b) => Value::Bool(*b),
        Json::Number(n) => n.as_i64().map_or_else(|| Value::string(n.to_string()), Value::Int),
        Json::String(text) => Value::string(text),
        Json::Array(items) => Value::Vector(items.iter().map(from_json).collect()),
        Json::Object(entries) => {
            Value::Map(entries.iter().map(|(k, v)| (Value::keyword(k), from_json(v))).collect())
        }
    }
}

/// The faults of a run: replayed, listed by the scenario, or drawn from the seed.
///
/// What this environment cannot do is left out, and told in [`Schedule::left_out`]; a list of the
/// user's own is refused instead, since it was written for a purpose.
///
/// # Errors
/// [`BadInput`] when the schedule does not fit the cluster or the environment.
pub(super) fn schedule(plan: &Plan, env: &dyn Environment) -> Result<Schedule> {
    let bad = |error: &dyn std::fmt::Display| BadInput(format!("the faults: {error}"));
    let faults = &plan.scenario.nemesis;
    let nodes = plan.scenario.nodes;
    let abilities = env.capabilities();
    let listed = match &plan.schedule {
        Some(replayed) if replayed.nodes != nodes => {
            let was = replayed.nodes;
            return Err(bad(&format!("recorded with {was} nodes, and there are {nodes}")).into());
        }
        Some(replayed) => Some(replayed.clone()),
        None if faults.steps.is_empty() => None,
        None => {
            let steps = faults.steps.clone();
            let mut listed = Schedule::of_steps(plan.seed, nodes, steps).map_err(|e| bad(&e))?;
            listed.keep_up = faults.keep_up.unwrap_or(listed.keep_up);
            Some(listed)
        }
    };
    if let Some(schedule) = listed {
        for step in &schedule.steps {
            if let Action::Inject(fault) = &step.action {
                abilities.require(fault.needs()).map_err(|e| bad(&e))?;
            }
        }
        return Ok(schedule);
    }
    let limit_ms = u64::try_from(plan.scenario.time_limit.0.as_millis()).unwrap_or(u64::MAX);
    let mut params = ScheduleParams::new(plan.seed, nodes, limit_ms);
    params.faults.clone_from(&faults.faults);
    params.targets.clone_from(&faults.targets);
    params.topologies.clone_from(&faults.partitions);
    let ms = |span: crate::scenario::Span| u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX);
    if let Some(interval) = faults.interval {
        params.interval_ms = ms(interval);
        params.quiet_ms = params.interval_ms / 4;
    }
    if let Some(stable) = faults.stable_period {
        params.quiet_ms = ms(stable);
    }
    if let Some(keep_up) = faults.keep_up {
        params.keep_up = keep_up;
    }
    let mut left_out = leave_out_impossible(&mut params, &abilities);
    if !plan.system.finds_leaders() {
        left_out.extend(leave_out_primaries(&mut params));
    }
    let mut schedule = Schedule::generate(&params).map_err(|e| bad(&e))?;
    schedule.left_out.splice(..0, left_out);
    Ok(schedule)
}

/// Takes out of the parameters what the environment cannot do, and says what that was.
fn leave_out_impossible(params: &mut ScheduleParams, abilities: &Capabilities) -> Vec<LeftOut> {
    let mut left_out = Vec::new();
    let mut possible = |what: &str, needs: Ability| match abilities.reason_against(needs) {
        None => true,
        Some(reason) => {
            left_out.push(LeftOut { what: what.to_owned(), reason: reason.to_owned() });
            false
        }
    };
    params.faults.retain(|kind| possible(kind.word(), kind.needs()));
    if params.faults.contains(&FaultKind::Partition) {
        params
            .topologies
            .retain(|shape| !shape.is_one_way() || possible("one-way partition", Ability::OneWay));
    }
    left_out
}

/// Takes out of the parameters what is aimed at leaders, where nobody says who leads.
fn leave_out_primaries(params: &mut ScheduleParams) -> Option<LeftOut> {
    let wanted = (params.targets.len(), params.topologies.len());
    params.targets.retain(|target| *target != Target::Primaries);
    params.topologies.retain(|shape| *shape != Topology::Primaries);
    let is_wanted = wanted != (params.targets.len(), params.topologies.len());
    is_wanted.then(|| LeftOut {
        what: "fault that is aimed at the leaders".to_owned(),
        reason: "nothing says who leads: the description's [status] has no `leads`".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use nemesis::env::Link;
    use nemesis::faults::Proof;
    use serde_json::json;

    use super::*;

    fn partition(start: Instant) -> Evidence {
        let (n1, n2) = (NodeId(1), NodeId(2));
        let after = |ms| start + Duration::from_millis(ms);
        Evidence {
            f: "start-partition",
            id: Some(4),
            what: "one: n1 | n2".into(),
            nodes: vec![n1, n2],
            links: [Link { from: n1, to: n2 }].into_iter().collect(),
            proof: Proof { how: "datagrams".into(), ..Proof::default() },
            began: Some(Bracket { last_before: after(1), first_after: after(2) }),
            ..Evidence::default()
        }
    }

    fn ns_since(start: Instant) -> impl Fn(Instant) -> u64 {
        move |at| u64::try_from((at - start).as_nanos()).unwrap()
    }

    #[test]
    fn a_fault_is_told_with_its_kind_its_proof_and_when_it_began() {
        let start = Instant::now();
        let told = told(&partition(start), &[NodeId(2)], ns_since(start));
        assert_eq!(
            told.to_string(),
            "{:id 4, :fault :partition, :what \"one: n1 | n2\", :nodes [\"n1\" \"n2\"], \
             :primaries [\"n2\"], :links [\"n1->n2\"], :proof {:held true, :how \"datagrams\"}, \
             :last-open-ns 1000000, :first-closed-ns 2000000}"
                .replace("n1->n2", &Link { from: NodeId(1), to: NodeId(2) }.to_string())
        );
    }

    #[test]
    fn a_heal_is_told_with_what_it_heals_and_when_that_ended() {
        let start = Instant::now();
        let Evidence { began, what, proof, .. } = partition(start);
        let heal = Evidence {
            f: "stop-partition",
            heals: vec![4],
            what,
            proof,
            ended: began,
            ..Evidence::default()
        };
        let told = told(&heal, &[], ns_since(start)).to_string();
        assert!(told.starts_with("{:heals [4], "), "{told}");
        assert!(told.ends_with(":last-closed-ns 1000000, :first-open-ns 2000000}"), "{told}");
    }

    #[test]
    fn a_fault_that_was_skipped_claims_no_proof() {
        let skipped = Evidence { skipped: Some("nobody leads".into()), ..Evidence::default() };
        let told = told(&skipped, &[], |_| 0).to_string();
        assert!(told.contains(":skipped \"nobody leads\"") && !told.contains(":proof"), "{told}");
    }

    #[test]
    fn a_fault_that_did_not_hold_says_so() {
        let mut evidence = partition(Instant::now());
        evidence.proof.flaw = Some("still open: n1->n2".into());
        let told = told(&evidence, &[], |_| 0).to_string();
        assert!(told.contains(":held false"), "{told}");
    }

    #[test]
    fn keys_become_keywords_and_numbers_that_are_no_integers_stay_text() {
        let json = json!({ "a": [1, null, true], "b": { "c": "text" }, "d": 1.5 });
        assert_eq!(from_json(&json).to_string(), r#"{:a [1 nil true], :b {:c "text"}, :d "1.5"}"#);
    }
}
