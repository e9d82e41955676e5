use std::sync::Arc;
use std::time::Duration;

use super::fake::{Fake, Lie};
use super::*;
use crate::env::{Capabilities, LinkState};
use crate::schedule::majority;

struct Stage {
    fake: Arc<Fake>,
    nemesis: Nemesis,
}

fn stage_of(fake: Fake) -> Stage {
    let fake = Arc::new(fake);
    fake.world().leaders = vec![NodeId(2)];
    let nodes = u16::try_from(fake.nodes().len()).unwrap();
    let options = Options {
        prove_within: Duration::from_millis(30),
        look_every: Duration::from_millis(1),
        aim_within: Duration::from_millis(30),
        ..Options::new(1, majority(nodes))
    };
    let nemesis = Nemesis::new(fake.clone(), fake.clone(), options);
    Stage { fake, nemesis }
}

fn stage(nodes: u16) -> Stage {
    stage_of(Fake::new(nodes, Capabilities::all()))
}

impl Stage {
    fn lying(nodes: u16, lie: Lie) -> Stage {
        let stage = stage(nodes);
        stage.fake.world().lies = vec![lie];
        stage
    }

    async fn inject(&mut self, fault: &str) -> Result<Evidence, FaultError> {
        let step = format!(r#"{{"at_ms": 0, "inject": {fault}}}"#);
        self.nemesis.execute(&serde_json::from_str(&step).unwrap()).await
    }

    async fn heal(&mut self, heal: Heal) -> Result<Evidence, FaultError> {
        self.nemesis.execute(&Step::at(0, Action::Heal(heal))).await
    }

    fn words(&self) -> String {
        let world = self.fake.world();
        world.states.values().map(ProcessState::to_string).collect::<Vec<_>>().join(", ")
    }
}

const SPLIT: &str =
    r#"{"fault": "partition", "topology": {"groups": [["n1", "n3"], ["n2", "n4", "n5"]]}}"#;
const KILL_LEADER: &str = r#"{"fault": "kill", "target": "primaries"}"#;
const PAUSE_N1: &str = r#"{"fault": "pause", "target": {"nodes": ["n1"]}}"#;

#[tokio::test]
async fn a_partition_is_cut_proved_and_healed_with_brackets_in_order() {
    let mut stage = stage(5);
    let cut = stage.inject(SPLIT).await.unwrap();
    assert_eq!(
        (cut.f, cut.id, cut.what.as_str()),
        ("start-partition", Some(1), "groups: n1 n3 | n2 n4 n5")
    );
    let hears = serde_json::json!({
        "n1": ["n3"], "n2": ["n4", "n5"], "n3": ["n1"], "n4": ["n2", "n5"], "n5": ["n2", "n4"],
    });
    assert_eq!(cut.proof.to_json()["hears"], hears);
    assert_eq!(stage.nemesis.due(), [Heal::Partition]);
    let healed = stage.heal(Heal::Partition).await.unwrap();
    assert_eq!((healed.f, healed.heals.as_slice()), ("stop-partition", [1].as_slice()));
    let (began, ended) = (cut.began.unwrap(), healed.ended.unwrap());
    assert!(began.last_before <= began.first_after);
    assert!(began.first_after <= ended.last_before && ended.last_before <= ended.first_after);
    assert!(stage.fake.world().cuts.is_empty() && stage.nemesis.in_force().is_empty());
}

#[tokio::test]
async fn a_cut_without_effect_is_an_error_with_the_measurement() {
    let mut stage = Stage::lying(5, Lie::CutsHaveNoEffect);
    let error = stage.inject(SPLIT).await.unwrap_err();
    let evidence = error.evidence().unwrap();
    assert!(!evidence.proof.held());
    assert!(evidence.proof.matrix.as_ref().unwrap().links.values().all(|link| link.is_open()));
    assert!(error.to_string().contains("still open: n1 → n2, n1 → n4"), "{error}");
    assert!(stage.nemesis.in_force().is_empty());
}

#[tokio::test]
async fn a_cut_that_closes_more_than_intended_is_an_error_and_is_undone() {
    let mut stage = Stage::lying(5, Lie::CutsTooMuch);
    let error = stage.inject(SPLIT).await.unwrap_err();
    assert!(error.to_string().contains("closed unasked: n1 → n3"), "{error}");
    assert!(stage.fake.world().cuts.is_empty());
}

#[tokio::test]
async fn a_network_that_is_broken_before_the_cut_is_an_error() {
    let mut stage = stage(5);
    stage.fake.world().cuts.cut(Link::new(NodeId(1), NodeId(3)));
    let error = stage.inject(SPLIT).await.unwrap_err();
    assert!(error.to_string().contains("before the fault: closed unasked: n1 → n3"), "{error}");
}

#[tokio::test]
async fn a_heal_without_effect_is_an_error_and_the_fault_stays_in_force() {
    let mut stage = stage(5);
    stage.inject(SPLIT).await.unwrap();
    stage.fake.world().lies = vec![Lie::HealsNothing];
    assert!(stage.heal(Heal::Partition).await.is_err());
    assert!(matches!(
        stage.nemesis.heal_all().await,
        Err(FaultError::NotAllHealed { errors, .. }) if !errors.is_empty()
    ));
    assert_eq!(stage.nemesis.in_force(), [1]);
    stage.fake.world().lies.clear();
    stage.nemesis.heal_all().await.unwrap();
    assert!(stage.nemesis.in_force().is_empty());
}

#[tokio::test]
async fn a_cut_that_lapsed_before_its_heal_is_an_error_and_is_healed() {
    let mut stage = stage(5);
    stage.inject(SPLIT).await.unwrap();
    stage.fake.world().cuts = Grudge::none();
    let error = stage.heal(Heal::Partition).await.unwrap_err();
    assert!(error.to_string().contains("before the heal: n1 → n2 was open again"), "{error}");
    assert!(stage.nemesis.in_force().is_empty());
}

#[tokio::test]
async fn a_partition_replaces_the_one_in_force_and_ends_it() {
    let mut stage = stage(5);
    stage.inject(SPLIT).await.unwrap();
    let second = stage.inject(r#"{"fault": "partition", "topology": "primaries"}"#).await.unwrap();
    assert_eq!(second.what, "primaries: n2 | n1 n3 n4 n5");
    assert_eq!((second.id, second.heals.as_slice()), (Some(2), [1].as_slice()));
    assert!(second.ended.is_some());
    assert_eq!(stage.fake.world().cuts, second.links);
}

#[tokio::test]
async fn the_leader_is_killed_and_started_again() {
    let mut stage = stage(3);
    let kill = stage.inject(KILL_LEADER).await.unwrap();
    assert_eq!(kill.what, "primaries: n2");
    assert_eq!(kill.value(), serde_json::json!({"n2": "killed"}));
    assert_eq!(stage.words(), "running, dead (signal 9), running");
    assert!(stage.nemesis.surprises().await.is_empty());
    let start = stage.heal(Heal::Kill).await.unwrap();
    assert_eq!(start.value(), serde_json::json!({"n2": "started"}));
    assert_eq!(stage.words(), "running, running, running");
    assert!(kill.began.unwrap().first_after <= start.ended.unwrap().last_before);
}

#[tokio::test]
async fn a_kill_or_pause_or_start_without_effect_is_an_error() {
    for (lie, fault) in [(Lie::KillsNobody, KILL_LEADER), (Lie::PausesNobody, PAUSE_N1)] {
        let mut stage = Stage::lying(3, lie);
        let error = stage.inject(fault).await.unwrap_err();
        assert!(error.to_string().ends_with("is running"), "{error}");
        assert!(stage.nemesis.in_force().is_empty());
    }
    let mut stage = stage(3);
    stage.inject(KILL_LEADER).await.unwrap();
    stage.fake.world().lies = vec![Lie::StartsNobody];
    let error = stage.heal(Heal::Kill).await.unwrap_err();
    assert!(error.to_string().ends_with("n2 is dead (signal 9)"), "{error}");
}

#[tokio::test]
async fn a_pause_that_lapsed_is_an_error() {
    let mut stage = stage(3);
    stage.inject(PAUSE_N1).await.unwrap();
    stage.fake.resume(NodeId(1)).await.unwrap();
    let error = stage.heal(Heal::Pause).await.unwrap_err();
    assert!(error.to_string().ends_with("before the heal: n1 was running"), "{error}");
}

#[tokio::test]
async fn a_restart_begins_and_ends_by_itself() {
    let mut stage = stage(3);
    let before = stage.fake.world().states.clone();
    let restart = stage.inject(r#"{"fault": "restart", "target": "all"}"#).await.unwrap();
    assert_eq!(restart.what, "all: n1 n2 n3");
    assert!(restart.began.unwrap().first_after <= restart.ended.unwrap().last_before);
    assert!(stage.nemesis.in_force().is_empty());
    let world = stage.fake.world();
    assert!(world.states.iter().all(|(node, state)| state.is_running() && before[node] != *state));
}

#[tokio::test]
async fn the_guard_keeps_a_majority_up_unless_the_step_asks_for_less() {
    let mut stage = stage(5);
    stage.inject(PAUSE_N1).await.unwrap();
    let two = r#"{"fault": "kill", "target": {"nodes": ["n2", "n3"]}}"#;
    let kill = stage.inject(two).await.unwrap();
    assert_eq!(kill.what, "nodes: n2 (n3 spared, 3 stay up)");
    let refused = stage.inject(r#"{"fault": "pause", "target": "one"}"#).await.unwrap();
    let reason = refused.skipped.unwrap();
    assert!(reason.ends_with("spared: 3 nodes are to stay up"), "{reason}");
    assert_eq!(stage.nemesis.in_force(), [1, 2]);
    let all = stage.inject(r#"{"fault": "kill", "target": "all"}"#).await.unwrap();
    assert_eq!(all.nodes.len(), 4, "the paused one too: {}", all.what);
    let last = stage.inject(r#"{"fault": "kill", "target": "one", "keep_up": 0}"#).await.unwrap();
    assert_eq!(last.skipped.as_deref(), Some("no node to hit among one"));
    stage.nemesis.heal_all().await.unwrap();
    assert!(stage.fake.world().states.values().all(|state| state.is_running()));
}

#[tokio::test]
async fn a_node_that_is_still_starting_counts_as_down() {
    let mut stage = stage(3);
    stage.inject(KILL_LEADER).await.unwrap();
    stage.fake.world().unready.insert(NodeId(2));
    stage.heal(Heal::Kill).await.unwrap();
    let kill_n1 = r#"{"fault": "kill", "target": {"nodes": ["n1"]}}"#;
    let refused = stage.inject(kill_n1).await.unwrap();
    assert_eq!(refused.skipped.as_deref(), Some("n1 spared: 2 nodes are to stay up"));
    stage.fake.world().unready.clear();
    assert!(stage.inject(kill_n1).await.unwrap().skipped.is_none());
}

#[tokio::test]
async fn nobody_leading_is_an_observation_and_not_an_error() {
    let mut stage = stage(3);
    stage.fake.world().leaders.clear();
    let kill = stage.inject(KILL_LEADER).await.unwrap();
    assert_eq!(kill.skipped.as_deref(), Some("no node that leads can be hit"));
    let cut = stage.inject(r#"{"fault": "partition", "topology": "primaries"}"#).await.unwrap();
    assert_eq!(cut.skipped.as_deref(), Some("no node says that it leads"));
    assert!(stage.nemesis.in_force().is_empty());
}

#[tokio::test]
async fn a_node_that_dies_by_itself_is_told_once_and_is_no_proof_of_a_kill() {
    let mut stage = stage(3);
    stage.fake.dies(NodeId(2), Exit::Code(101));
    let kill = stage.inject(KILL_LEADER).await.unwrap();
    assert!(kill.skipped.is_some(), "{}", kill.what);
    let shown: Vec<String> = kill.surprises.iter().map(Surprise::to_string).collect();
    assert_eq!(shown, ["n2 died by itself: exit status 101"]);
    assert!(stage.nemesis.surprises().await.is_empty());
    let start = stage.heal(Heal::Kill).await.unwrap();
    assert_eq!((start.nodes.as_slice(), start.heals.len()), ([NodeId(2)].as_slice(), 0));
}

#[tokio::test]
async fn a_node_that_does_not_come_up_again_is_an_event_of_the_system() {
    let mut stage = stage(3);
    stage.inject(KILL_LEADER).await.unwrap();
    stage.fake.world().crashing.insert(NodeId(2));
    let start = stage.heal(Heal::Kill).await.unwrap();
    assert_eq!(start.surprises, [Surprise { node: NodeId(2), exit: Exit::Code(1) }]);
}

#[tokio::test]
async fn links_are_stalled_and_delayed_beside_a_partition_and_healed_without_opening_it() {
    let mut stage = stage(5);
    stage.inject(SPLIT).await.unwrap();
    let stall = r#"{"fault": "links", "how": "stall", "topology": {"links": [{"from": "n1", "to": "n3"}]}}"#;
    let stalled = stage.inject(stall).await.unwrap();
    assert_eq!((stalled.f, stalled.what.as_str()), ("start-packet", "stall links: n1 ↛ n3"));
    let delay = r#"{"fault": "links", "how": {"delay": {"delay_ms": 80}}, "topology": {"links": [{"from": "n2", "to": "n4"}]}}"#;
    stage.inject(delay).await.unwrap();
    let healed = stage.heal(Heal::Links).await.unwrap();
    assert_eq!(healed.heals, [2, 3]);
    assert_eq!(stage.nemesis.in_force(), [1]);
    let matrix = healed.proof.matrix.unwrap();
    assert_eq!(matrix.state(Link::new(NodeId(1), NodeId(2))), Some(LinkState::Closed));
    assert!(matrix.state(Link::new(NodeId(1), NodeId(3))).unwrap().is_open());
    assert!(stage.fake.world().disturbed.is_empty() && !stage.fake.world().cuts.is_empty());
}

#[tokio::test]
async fn a_disturbance_without_effect_is_an_error() {
    for how in [r#""stall""#, r#"{"delay": {"delay_ms": 80}}"#, r#""reset""#] {
        let mut stage = Stage::lying(3, Lie::DisturbsNothing);
        let fault = format!(r#"{{"fault": "links", "how": {how}, "topology": "one"}}"#);
        assert!(matches!(stage.inject(&fault).await, Err(FaultError::NotProved { .. })), "{how}");
        assert!(stage.nemesis.in_force().is_empty());
    }
}

#[tokio::test]
async fn what_the_environment_cannot_do_is_refused_with_its_reason() {
    let unable = Capabilities::all().without(Ability::Partition, "members share one address");
    let mut stage = stage_of(Fake::new(5, unable));
    let error = stage.inject(SPLIT).await.unwrap_err();
    assert_eq!(error.to_string(), "no partition here: members share one address");
}

#[tokio::test]
async fn an_environment_that_fails_to_cut_leaves_nothing_in_force() {
    let mut stage = Stage::lying(5, Lie::ApplyFails);
    let error = stage.inject(SPLIT).await.unwrap_err();
    assert!(matches!(error, FaultError::Environment { f: "start-partition", .. }), "{error}");
    assert!(stage.nemesis.in_force().is_empty());
    assert!(stage.nemesis.heal_all().await.unwrap().is_empty());
}

#[tokio::test]
async fn heal_all_repairs_what_it_did_not_break_and_then_finds_nothing() {
    let mut stage = stage(5);
    stage.fake.dies(NodeId(1), Exit::Signal(11));
    stage.fake.pause(NodeId(2)).await.unwrap();
    stage.inject(r#"{"fault": "kill", "target": {"nodes": ["n3"]}, "keep_up": 0}"#).await.unwrap();
    let healed = stage.nemesis.heal_all().await.unwrap();
    let did: Vec<_> = healed.iter().map(|evidence| (evidence.f, evidence.what.as_str())).collect();
    assert_eq!(did, [("resume", "n2"), ("start", "n1 n3")]);
    assert!(stage.nemesis.heal_all().await.unwrap().is_empty());
}

#[tokio::test]
async fn heal_all_attempts_every_kind_though_one_fails() {
    let mut stage = stage(5);
    stage.inject(SPLIT).await.unwrap();
    stage.inject(PAUSE_N1).await.unwrap();
    stage.inject(KILL_LEADER).await.unwrap();
    stage.fake.world().lies = vec![Lie::StartFails];
    let Err(FaultError::NotAllHealed { errors, done }) = stage.nemesis.heal_all().await else {
        panic!("a node could not be started");
    };
    assert_eq!((errors.len(), done.len()), (1, 2));
    assert!(errors[0].to_string().contains("made to fail"), "{}", errors[0]);
    assert_eq!(stage.words(), "running, dead (signal 9), running, running, running");
}

#[tokio::test]
async fn a_node_killed_while_paused_is_not_missed_by_the_resume() {
    let mut stage = stage(3);
    stage.inject(PAUSE_N1).await.unwrap();
    stage.inject(r#"{"fault": "kill", "target": {"nodes": ["n1"]}}"#).await.unwrap();
    stage.nemesis.heal_all().await.unwrap();
    assert!(stage.nemesis.in_force().is_empty());
    assert_eq!(stage.words(), "running, running, running");
}

#[tokio::test]
async fn the_same_draw_hits_the_same_nodes() {
    let kill = r#"{"fault": "kill", "target": "minority", "draw": 42}"#;
    let first = stage(7).inject(kill).await.unwrap();
    let second = stage(7).inject(kill).await.unwrap();
    assert_eq!((first.nodes.len(), first.what), (3, second.what));
}
