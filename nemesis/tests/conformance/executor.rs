//! The nemesis on a real cluster: what it says it proved must be what the nodes feel.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use nemesis::env::{Disturbance, NodeId};
use nemesis::faults::{FaultError, Nemesis, Options, Primaries};
use nemesis::link::Grudge;
use nemesis::schedule::{Action, FaultSpec, LinkSpec, Schedule, ScheduleParams, Step, Target};
use nemesis::topology::Topology;

use crate::cluster::Cluster;

struct FirstLeads;

#[async_trait]
impl Primaries for FirstLeads {
    async fn primaries(&self) -> Vec<NodeId> {
        vec![NodeId(1)]
    }
}

pub(crate) fn nemesis(cluster: &Cluster, keep_up: u16) -> Nemesis {
    Nemesis::new(cluster.env.clone(), Arc::new(FirstLeads), Options::new(1, keep_up))
}

/// The times of the schedule do not matter here: every step follows the one before at once.
pub(crate) async fn a_whole_schedule_of_faults_is_proved_and_healed(cluster: &Cluster) {
    let params = ScheduleParams {
        targets: vec![Target::One, Target::Primaries],
        ..ScheduleParams::new(1, 3, 15_000)
    };
    let schedule = Schedule::generate(&params).expect("a schedule");
    let mut nemesis = nemesis(cluster, schedule.keep_up);
    let mut done = BTreeSet::new();
    for step in &schedule.steps {
        let evidence = nemesis.execute(step).await.expect("a proved step");
        assert!(evidence.proof.held() && evidence.skipped.is_none(), "{evidence:?}");
        assert!(evidence.surprises.is_empty(), "{evidence:?}");
        if let Step { action: Action::Inject(FaultSpec::Partition(_)), .. } = step {
            cluster.assert_cut_exactly(&evidence.links).await;
        }
        done.insert(evidence.f);
    }
    assert!(done.len() >= 5, "{done:?}");
    assert!(nemesis.heal_all().await.expect("all healed").is_empty(), "nothing was left");
    for &node in cluster.env.nodes() {
        cluster.ready(node).await;
    }
    cluster.assert_cut_exactly(&Grudge::none()).await;
}

pub(crate) async fn every_disturbance_of_links_is_proved_or_refused_with_a_reason(
    cluster: &Cluster,
) {
    let mut nemesis = nemesis(cluster, 2);
    // Connections that can be reset.
    cluster.assert_cut_exactly(&Grudge::none()).await;
    for how in [Disturbance::Delay { delay_ms: 300 }, Disturbance::Stall, Disturbance::Reset] {
        let fault = FaultSpec::Links(LinkSpec { how, topology: Topology::One, draw: Some(1) });
        let able = cluster.env.capabilities().require(fault.needs());
        match nemesis.execute(&Step::at(0, Action::Inject(fault))).await {
            Ok(evidence) => assert!(able.is_ok() && evidence.proof.held(), "{evidence:?}"),
            Err(FaultError::Refused(_)) => assert!(able.is_err(), "{how:?} refused"),
            Err(error) => panic!("{how:?}: {error}"),
        }
        nemesis.heal_all().await.expect("all healed");
        cluster.assert_cut_exactly(&Grudge::none()).await;
    }
}
