use std::path::Path;

use super::*;
use crate::faults::{FaultError, Nemesis, Options, Primaries};
use crate::schedule::{Action, FaultSpec, Heal, Step, Strike, Target};

/// Commands that keep what became of each node, and of each link, in files.
fn commands(folder: &Path) -> Commands {
    let nodes = NodeId::cluster(3);
    let file = |name: String| folder.join(name).display().to_string();
    let per_node = |command: &dyn Fn(&str) -> String| -> Option<PerNode> {
        let made = nodes.iter().map(|&node| (node, command(&file(node.to_string()))));
        Some(made.collect())
    };
    let link_file = |link: Link| file(format!("{}-from-{}", link.to, link.from));
    let per_link = |command: &dyn Fn(&str) -> String| -> Option<PerLink> {
        Some(Link::all(&nodes).map(|link| (link, command(&link_file(link)))).collect())
    };
    Commands {
        kill: per_node(&|file| format!("echo dead > {file}")),
        start: per_node(&|file| format!("echo running > {file}")),
        stop: per_node(&|file| format!("echo dead > {file}")),
        pause: per_node(&|file| format!("echo paused > {file}")),
        resume: per_node(&|file| format!("echo running > {file}")),
        state: per_node(&|file| format!("cat {file} 2>/dev/null || echo running")),
        cut: per_link(&|file| format!("touch {file}")),
        heal: per_node(&|file| format!("rm -f {file}-from-*")),
        reach: per_link(&|file| format!("test ! -e {file}")),
        directions: Directions::Apart,
    }
}

struct Attached {
    env: std::sync::Arc<Attach>,
    folder: tempfile::TempDir,
}

fn attach(change: impl FnOnce(&mut Commands)) -> Attached {
    let folder = tempfile::tempdir().unwrap();
    let mut commands = commands(folder.path());
    change(&mut commands);
    let endpoints = (1..=3).map(|port| SocketAddr::from(([127, 0, 0, 1], port))).collect();
    let attachment = Attachment { endpoints, commands };
    let registry = Registry::at(folder.path().join("registry")).unwrap();
    let run = RunId::fresh();
    let enlisted = registry.enlist(&run).unwrap();
    let env = std::sync::Arc::new(Attach::of(&attachment, &run, enlisted, Vec::new()));
    Attached { env, folder }
}

#[test]
fn a_node_is_one_runs_at_a_time() {
    let endpoint = SocketAddr::from(([127, 0, 0, 9], 1));
    let held = claim(&endpoint).unwrap();
    let refused = claim(&endpoint).unwrap_err().to_string();
    assert!(refused.contains("another run on this machine tests 127.0.0.9:1 now"), "{refused}");
    drop(held);
    claim(&endpoint).unwrap();
}

#[tokio::test]
async fn without_commands_nothing_can_be_done_and_that_is_said() {
    let attached = attach(|commands| *commands = Commands::default());
    let able = attached.env.capabilities();
    for ability in Ability::ALL {
        assert!(!able.supports(ability), "{ability:?}");
    }
    let reason = able.reason_against(Ability::Kill).unwrap();
    assert!(reason.contains("[attach] has no `kill`, `start`, `state`"), "{reason}");
    let refused = attached.env.kill(NodeId(1)).await.unwrap_err();
    assert!(matches!(refused, EnvError::Unsupported { .. }), "{refused}");
    attached.env.heal_network().await.unwrap();
    attached.env.teardown().await.unwrap();
}

#[tokio::test]
async fn an_ability_needs_its_heal_and_its_proof() {
    let able = attach(|commands| commands.state = None).env.capabilities();
    assert!(!able.supports(Ability::Kill) && !able.supports(Ability::Pause));
    assert!(able.supports(Ability::Partition) && able.supports(Ability::OneWay));
    let able = attach(|commands| commands.reach = None).env.capabilities();
    assert!(!able.supports(Ability::Partition) && able.supports(Ability::Kill));
    let able = attach(|commands| commands.directions = Directions::Together).env.capabilities();
    assert!(able.supports(Ability::Partition) && !able.supports(Ability::OneWay));
}

#[tokio::test]
async fn nodes_are_killed_started_paused_and_resumed_by_commands() {
    let Attached { env, folder: _kept } = attach(|_| ());
    let n1 = NodeId(1);
    assert!(env.state(n1).await.unwrap().is_running());
    env.kill(n1).await.unwrap();
    env.kill(n1).await.unwrap();
    assert!(env.state(n1).await.unwrap().is_dead());
    assert_eq!(env.enlisted.owing(), ["start n1"]);
    env.start_again(n1).await.unwrap();
    assert!(matches!(env.start_again(n1).await, Err(EnvError::AlreadyRunning(_))));
    env.pause(n1).await.unwrap();
    assert!(env.state(n1).await.unwrap().is_paused());
    assert_eq!(env.enlisted.owing(), ["resume n1"]);
    env.resume(n1).await.unwrap();
    env.restart(n1, Grace::default()).await.unwrap();
    assert!(env.state(n1).await.unwrap().is_running());
    assert!(env.enlisted.owing().is_empty());
    env.teardown().await.unwrap();
}

#[tokio::test]
async fn links_are_cut_to_be_exactly_as_told_and_measured_by_a_command() {
    let Attached { env, folder: _kept } = attach(|_| ());
    let link = |from, to| Link::new(NodeId(from), NodeId(to));
    for cut in [vec![link(1, 2)], vec![link(1, 2), link(2, 1)], vec![link(3, 1)], Vec::new()] {
        let grudge: Grudge = cut.into_iter().collect();
        env.apply(&grudge).await.unwrap();
        let matrix = env.probe().await.unwrap();
        assert_eq!(matrix.links.len(), 6);
        for (link, state) in matrix.links {
            assert_eq!(state.is_open(), !grudge.cuts(link), "{link}");
        }
    }
    assert!(env.enlisted.owing().is_empty());
}

#[tokio::test]
async fn a_link_of_which_the_command_could_not_tell_is_not_measured() {
    for ending in ["exit 255", "no-such-program-anywhere", "exit 126", "kill -9 $$"] {
        let attached = attach(|commands| {
            commands.reach.as_mut().unwrap().insert(Link::new(NodeId(1), NodeId(2)), ending.into());
        });
        let matrix = attached.env.probe().await.unwrap();
        assert_eq!(matrix.links.len(), 5, "{ending}: {matrix:?}");
        assert_eq!(matrix.state(Link::new(NodeId(1), NodeId(2))), None, "{ending}");
    }
}

#[tokio::test]
async fn a_command_that_fails_or_says_nonsense_is_told_with_what_it_said() {
    let say = |command: &str| {
        Some(NodeId::cluster(3).into_iter().map(|n| (n, command.to_owned())).collect())
    };
    let Attached { env, folder: _kept } = attach(|commands| commands.state = say("echo fine"));
    let error = env.state(NodeId(1)).await.unwrap_err().to_string();
    assert!(
        error.contains("must print running, paused or dead") && error.contains("fine"),
        "{error}"
    );
    let fails = say("echo no such unit >&2; exit 5");
    let Attached { env, folder: _kept } = attach(|commands| commands.kill = fails);
    let error = env.kill(NodeId(1)).await.unwrap_err().to_string();
    assert!(error.contains("exit status: 5: no such unit"), "{error}");
}

struct Nobody;

#[async_trait]
impl Primaries for Nobody {
    async fn primaries(&self) -> Vec<NodeId> {
        Vec::new()
    }
}

#[tokio::test]
async fn faults_are_proved_by_the_commands_and_one_that_does_nothing_is_not() {
    let target = Target::Nodes(vec![NodeId(2)]);
    let strike = Strike { target, draw: None, keep_up: None };
    let kill = Step::at(0, Action::Inject(FaultSpec::Kill(strike)));
    let nemesis = |attached: &Attached| {
        let prove_within = Duration::from_millis(300);
        let options = Options { prove_within, ..Options::new(1, 1) };
        Nemesis::new(attached.env.clone(), std::sync::Arc::new(Nobody), options)
    };
    let attached = attach(|_| ());
    let mut proved = nemesis(&attached);
    let evidence = proved.execute(&kill).await.unwrap();
    assert!(evidence.proof.held() && evidence.nodes == [NodeId(2)], "{evidence:?}");
    assert_eq!(evidence.proof.how, "the command `state`");
    let healed = proved.execute(&Step::at(0, Action::Heal(Heal::Kill))).await.unwrap();
    assert_eq!(healed.heals, evidence.id.into_iter().collect::<Vec<_>>());

    let lazy = attach(|commands| {
        commands.kill = Some(NodeId::cluster(3).into_iter().map(|n| (n, "true".into())).collect())
    });
    let error = nemesis(&lazy).execute(&kill).await.unwrap_err();
    assert!(matches!(error, FaultError::NotProved { .. }), "{error}");
    assert!(error.to_string().contains("n2 is running"), "{error}");
    drop((attached.folder, lazy.folder));
}
