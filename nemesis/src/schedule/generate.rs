//! From a seed to a plan: faults one at a time, quiet windows between them, everything dealt from
//! decks so that a short run meets most of what was asked for.

use std::collections::BTreeSet;

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;

use super::{
    Action, FaultKind, FaultSpec, LONGEST_MS, LeftOut, MOST_STEPS, Schedule, ScheduleError, Step,
    Strike, Target, majority,
};
use crate::seed;
use crate::topology::Topology;

/// How much later links deliver under a generated `delay` fault.
const DELAY_MS: u64 = 200;

/// What to generate a schedule from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleParams {
    /// Of the run.
    pub seed: u64,
    /// How many nodes the cluster has.
    pub nodes: u16,
    /// Which kinds; none is a run without faults.
    pub faults: Vec<FaultKind>,
    /// Whom kills, pauses and restarts may hit.
    pub targets: Vec<Target>,
    /// Which shapes partitions may have.
    pub topologies: Vec<Topology>,
    /// From the beginning of one fault to that of the next, on average.
    pub interval_ms: u64,
    /// How much of it is quiet, on average.
    pub quiet_ms: u64,
    /// How long the load lasts.
    pub time_limit_ms: u64,
    /// At least so many nodes stay up.
    pub keep_up: u16,
}

impl ScheduleParams {
    /// All kinds of faults, targets and shapes; an interval that lets a short run meet each kind
    /// and gives a long one Jepsen's ten seconds; a majority stays up.
    pub fn new(seed: u64, nodes: u16, time_limit_ms: u64) -> ScheduleParams {
        let interval_ms = (time_limit_ms / 4).clamp(2_000, 10_000).min(time_limit_ms / 2);
        ScheduleParams {
            seed,
            nodes,
            faults: FaultKind::DEFAULT.to_vec(),
            targets: Target::DRAWN.to_vec(),
            topologies: Topology::DRAWN.to_vec(),
            interval_ms,
            quiet_ms: interval_ms / 4,
            time_limit_ms,
            keep_up: majority(nodes),
        }
    }
}

impl Schedule {
    /// The schedule of this seed: equal parameters give an equal schedule.
    pub fn generate(params: &ScheduleParams) -> Result<Schedule, ScheduleError> {
        let mut schedule =
            Schedule { keep_up: params.keep_up, ..Schedule::quiet(params.seed, params.nodes) };
        if params.nodes == 0 {
            return Err(ScheduleError::NoNodes);
        }
        if params.faults.is_empty() {
            return Ok(schedule);
        }
        let hold_ms = params.interval_ms.saturating_sub(params.quiet_ms);
        if hold_ms == 0 {
            let (interval_ms, quiet_ms) = (params.interval_ms, params.quiet_ms);
            return Err(ScheduleError::NoTimeInInterval { interval_ms, quiet_ms });
        }
        if params.time_limit_ms > LONGEST_MS {
            return Err(ScheduleError::TooLong);
        }
        let mut dealer = Dealer::new(params, &mut schedule.left_out)?;
        schedule.steps = spread(params, hold_ms, &mut dealer);
        if schedule.steps.is_empty() {
            let time_limit_ms = params.time_limit_ms;
            return Err(ScheduleError::TooShort { time_limit_ms, hold_ms });
        }
        Ok(schedule)
    }
}

/// Puts faults and heals on the time line until no further fault of at least half the usual length
/// fits before the last quiet window.
fn spread(params: &ScheduleParams, hold_ms: u64, dealer: &mut Dealer) -> Vec<Step> {
    let mut times = seed::rng(params.seed, "schedule/times");
    let end_ms = params.time_limit_ms.saturating_sub(params.quiet_ms);
    let mut at_ms = params.quiet_ms;
    let mut steps = Vec::new();
    while steps.len() + 2 <= MOST_STEPS {
        let held_ms = jittered(hold_ms, &mut times).min(end_ms.saturating_sub(at_ms));
        let quiet_ms = jittered(params.quiet_ms, &mut times);
        if held_ms == 0 || held_ms < hold_ms / 2 {
            break;
        }
        let fault = dealer.deal();
        let heal = fault.kind().healed_by();
        steps.push(Step::at(at_ms, Action::Inject(fault)));
        at_ms += held_ms;
        if let Some(heal) = heal {
            steps.push(Step::at(at_ms, Action::Heal(heal)));
        }
        at_ms += quiet_ms;
    }
    steps
}

/// Up to a fifth more or less, so that faults do not beat in time with a system's own timers.
fn jittered(mean_ms: u64, rng: &mut impl Rng) -> u64 {
    let spread_ms = mean_ms / 5;
    rng.random_range(mean_ms - spread_ms..=mean_ms + spread_ms)
}

/// Deals whole faults: a kind, then a shape or target from that kind's own deck.
struct Dealer {
    kinds: Deck<FaultKind>,
    decks: Vec<(FaultKind, Choices)>,
    draws: ChaCha8Rng,
}

enum Choices {
    Shapes(Deck<Topology>),
    Targets(Deck<Target>),
}

impl Dealer {
    fn new(params: &ScheduleParams, left_out: &mut Vec<LeftOut>) -> Result<Dealer, ScheduleError> {
        let shapes = possible_shapes(params, left_out);
        let targets = possible_targets(params, left_out);
        let mut decks = Vec::new();
        for &kind in &BTreeSet::from_iter(params.faults.iter().copied()) {
            let concern = format!("schedule/{}", kind.word());
            let choices = if kind.has_shape() {
                Deck::new(params.seed, &concern, shapes.clone()).map(Choices::Shapes)
            } else {
                Deck::new(params.seed, &concern, targets.clone()).map(Choices::Targets)
            };
            match choices {
                Some(choices) => decks.push((kind, choices)),
                None => left_out.push(LeftOut {
                    what: kind.word().to_owned(),
                    reason: format!("nothing to aim at in a cluster of {}", params.nodes),
                }),
            }
        }
        let kinds = decks.iter().map(|(kind, _)| *kind).collect();
        let Some(kinds) = Deck::new(params.seed, "schedule/kinds", kinds) else {
            let reasons: Vec<String> =
                left_out.iter().map(|left| format!("{}: {}", left.what, left.reason)).collect();
            return Err(ScheduleError::NothingPossible(reasons.join("; ")));
        };
        Ok(Dealer { kinds, decks, draws: seed::rng(params.seed, "schedule/draws") })
    }

    fn deal(&mut self) -> FaultSpec {
        let kind = self.kinds.deal();
        let draw = Some(self.draws.random());
        let deck = self.decks.iter_mut().find(|(of, _)| *of == kind);
        let (_, choices) = deck.expect("a kind is dealt only if it has a deck");
        match choices {
            Choices::Targets(deck) => {
                kind.strike(Strike { target: deck.deal(), draw, keep_up: None })
            }
            Choices::Shapes(deck) => kind.shaped(deck.deal(), draw, DELAY_MS),
        }
    }
}

/// Deals every card once before any comes again, and none twice in a row.
struct Deck<T> {
    cards: Vec<T>,
    dealt: usize,
    rng: ChaCha8Rng,
}

impl<T: Clone + PartialEq> Deck<T> {
    fn new(seed: u64, concern: &str, cards: Vec<T>) -> Option<Deck<T>> {
        let dealt = cards.len();
        (dealt > 0).then(|| Deck { cards, dealt, rng: seed::rng(seed, concern) })
    }

    fn deal(&mut self) -> T {
        if self.dealt == self.cards.len() {
            let last = self.cards.last().cloned();
            self.cards.shuffle(&mut self.rng);
            if self.cards.first() == last.as_ref() {
                self.cards.rotate_left(1);
            }
            self.dealt = 0;
        }
        self.dealt += 1;
        self.cards[self.dealt - 1].clone()
    }
}

/// The shapes that are defined for this cluster, those that would come out the same only once.
fn possible_shapes(params: &ScheduleParams, left_out: &mut Vec<LeftOut>) -> Vec<Topology> {
    let nodes = usize::from(params.nodes);
    let mut seen = BTreeSet::new();
    let wanted = params.faults.iter().any(|kind| kind.has_shape());
    let mut shapes = Vec::new();
    for shape in params.topologies.iter().filter(|_| wanted) {
        let needs = shape.smallest_cluster();
        if nodes < needs {
            let what = format!("partition {shape}");
            left_out.push(LeftOut { what, reason: format!("it needs at least {needs} nodes") });
            continue;
        }
        let is_new = match shape {
            Topology::One => seen.insert(1),
            Topology::Majority => seen.insert((nodes - 1) / 2),
            Topology::Halves => seen.insert(nodes / 2),
            Topology::MinorityThird => seen.insert((nodes - 1) / 3),
            _ => !shapes.contains(shape),
        };
        if is_new {
            shapes.push(shape.clone());
        }
    }
    shapes
}

/// Likewise for targets; they differ if they differ in how many nodes they hit.
fn possible_targets(params: &ScheduleParams, left_out: &mut Vec<LeftOut>) -> Vec<Target> {
    let mut seen = BTreeSet::new();
    let wanted = params.faults.iter().any(|kind| !kind.has_shape());
    let mut targets = Vec::new();
    for target in params.targets.iter().filter(|_| wanted) {
        let is_new = match target.count(params.nodes) {
            Some(0) => {
                let what = format!("target {target}");
                let reason = format!("a cluster of {} has no such nodes", params.nodes);
                left_out.push(LeftOut { what, reason });
                false
            }
            Some(count) if !matches!(target, Target::Nodes(_)) => seen.insert(count),
            _ => !targets.contains(target),
        };
        if is_new {
            targets.push(target.clone());
        }
    }
    targets
}
