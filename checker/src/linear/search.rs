//! Running the frontier over a whole history: preparation, rounds of refinement, and what is left
//! at the end.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::ahead::Ahead;
use super::crashed::ClassId;
use super::frontier::{CrashedClass, Event, Frontier, Stop};
use super::meter::{Limits, Meter};
use super::order::rebuild;
use super::path::Choice;
use super::rules::{Rules, WrongRule};
use super::table::{StateId, Table, TransitionId, Vocabulary};
use super::words::Words;
use super::{Decision, Effort, Obstacle, Occurrence, Possible};
use crate::model::{Class, Model};
use crate::verdict::Reason;

/// The most operations open at once, crashed ones not counted: those of the widest configuration.
pub(super) const OPEN_MAX: usize = Words::<512>::CAPACITY;

/// A history as the frontier takes it.
pub(crate) struct Plan {
    events: Vec<(Event, usize)>,
    classes: Vec<CrashedClass>,
    /// The crashed occurrences of each class, in order of invocation.
    pub(crate) crashed_members: Vec<Vec<usize>>,
    /// The most operations open at once, crashed ones not counted.
    pub(crate) widest: usize,
    /// What is looked ahead for, where few configurations are to do.
    ahead: Option<Arc<Ahead>>,
}

impl Plan {
    /// Why nothing is said about so many operations at once.
    pub(crate) fn too_wide(open: usize) -> Reason {
        let most = "operations are open at once; searched are no more than";
        Reason::Failed(format!("{open} {most} {OPEN_MAX}"))
    }

    /// Number of the event, whether an operation begins with it, and which.
    pub(crate) fn steps(&self) -> impl Iterator<Item = (u32, bool, usize)> + '_ {
        (0..)
            .zip(&self.events)
            .map(|(number, (event, at))| (number, !matches!(event, Event::Return { .. }), *at))
    }

    /// Crashed classes that lead to ever new states when they are used ever more often, as adding
    /// to a counter does. A search that overdraws them need not end, so they are always tracked.
    fn endless<M: Model>(&self, model: &M, all: &[Occurrence<M::Transition>]) -> Vec<ClassId> {
        let leads_on = |members: &Vec<usize>| {
            let transition = &all[members[0]].transition;
            model.class(transition) != Class::Observer && model.produces(transition).is_none()
        };
        let endless = (0..).zip(&self.crashed_members).filter(|(_, members)| leads_on(members));
        endless.map(|(class, _)| ClassId(class)).collect()
    }
}

/// How one round ended.
enum Round {
    /// A linearization, by the choices that lead to it.
    Linearizable(Vec<(u32, Choice)>),
    /// There is none.
    Stuck(Obstacle<StateId>),
    /// Every way to the end overdraws; the cheapest of them these classes.
    Overdrawn(Vec<ClassId>),
    /// There is no linearization, and every way to this obstacle overdraws already, the cheapest
    /// of them these classes: the first operation that cannot be placed may be an earlier one.
    Doubtful(Obstacle<StateId>, Vec<ClassId>),
    /// The budget is spent.
    Undecided(Reason),
}

/// Decides whether there is a linearization of those in `all` that are `kept`.
pub(crate) fn search<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    kept: &[usize],
    limits: Limits<'_>,
    rules: Rules,
) -> (Decision<M::State>, Effort) {
    let mut vocabulary = Vocabulary::new(model);
    let plan = plan(all, kept, &mut vocabulary);
    let mut effort = Effort::default();
    let endless = plan.endless(model, all);
    let is_narrow = limits.configs_max < usize::MAX;
    let ahead = is_narrow.then(|| Ahead::new(model, all, &plan, &mut vocabulary)).flatten();
    let plan = Plan { ahead: ahead.map(Arc::new), ..plan };
    let round = rounds(&plan, endless, &mut vocabulary, limits, rules, &mut effort);
    let decision = match round {
        Round::Linearizable(choices) => rebuild(model, all, &plan, &choices).map_or_else(
            || Decision::Undecided(Reason::Failed(NO_ORDER.to_owned())),
            |order| Decision::Linearizable { order },
        ),
        Round::Stuck(obstacle) | Round::Doubtful(obstacle, _) => {
            Decision::Stuck(obstacle.map(|state| vocabulary.state(state).clone()))
        }
        Round::Overdrawn(_) => unreachable!("rounds go on until nothing is overdrawn"),
        Round::Undecided(reason) => Decision::Undecided(reason),
    };
    (decision, effort)
}

/// Searches until nothing is overdrawn; `tracked` classes may not be, from the start.
fn rounds<M: Model>(
    plan: &Plan,
    mut tracked: Vec<ClassId>,
    vocabulary: &mut Vocabulary<'_, M>,
    limits: Limits<'_>,
    rules: Rules,
    effort: &mut Effort,
) -> Round {
    let mut refuted = None;
    loop {
        let table = Table::new(vocabulary);
        let run = Run { plan, table, limits, rules, tracked: &tracked };
        let round = run.round(effort);
        let classes = match (round, refuted.take()) {
            // The verdict stands; only its explanation could have been better.
            (Round::Undecided(_), Some(obstacle)) => return Round::Stuck(obstacle),
            (Round::Overdrawn(classes), _) => classes,
            (Round::Doubtful(obstacle, classes), _) => {
                refuted = Some(obstacle);
                classes
            }
            (round, _) => return round,
        };
        tracked.extend(classes);
        tracked.sort_unstable();
    }
}

pub(crate) fn plan<M: Model>(
    all: &[Occurrence<M::Transition>],
    kept: &[usize],
    vocabulary: &mut Vocabulary<'_, M>,
) -> Plan {
    let moments = moments(all, kept);
    let mut deadlines = vec![u32::MAX; all.len()];
    for (event, (moment, at)) in (0_u32..).zip(&moments) {
        if all[*at].returned == Some(*moment) {
            deadlines[*at] = event;
        }
    }
    let mut plan = Plan {
        events: Vec::new(),
        classes: Vec::new(),
        crashed_members: Vec::new(),
        widest: 0,
        ahead: None,
    };
    let mut class_ids: FxHashMap<TransitionId, ClassId> = FxHashMap::default();
    let mut open = 0_usize;
    for (moment, at) in moments {
        let op = number(at);
        let event = match all[at].returned {
            Some(returned) if returned == moment => {
                open -= 1;
                Event::Return { op }
            }
            Some(_) => {
                open += 1;
                let transition = vocabulary.intern(&all[at].transition);
                Event::Invoke { op, transition, deadline: deadlines[at] }
            }
            None => {
                let transition = vocabulary.intern(&all[at].transition);
                let fresh = ClassId(number(plan.classes.len()));
                let class = *class_ids.entry(transition).or_insert(fresh);
                if class == fresh {
                    plan.classes.push(CrashedClass { transition, total: 0, invoked: 0 });
                    plan.crashed_members.push(Vec::new());
                }
                plan.classes[class.0 as usize].total += 1;
                plan.crashed_members[class.0 as usize].push(at);
                Event::Crash { class }
            }
        };
        plan.widest = plan.widest.max(open);
        plan.events.push((event, at));
    }
    plan
}

/// Beginnings and ends of the operations, in order.
fn moments<T>(all: &[Occurrence<T>], kept: &[usize]) -> Vec<(u32, usize)> {
    let begin = |at: &usize| (all[*at].invoked, *at);
    let end = |at: &usize| all[*at].returned.map(|returned| (returned, *at));
    let mut moments: Vec<(u32, usize)> = Vec::with_capacity(2 * kept.len());
    moments.extend(kept.iter().map(begin));
    moments.extend(kept.iter().filter_map(end));
    // Two runs that are sorted, or nearly: what a stable sort is fast at.
    moments.sort();
    moments
}

fn number(at: usize) -> u32 {
    u32::try_from(at).expect("fewer than 2^32 operations")
}

struct Run<'r> {
    plan: &'r Plan,
    table: Table<'r>,
    limits: Limits<'r>,
    rules: Rules,
    tracked: &'r [ClassId],
}

impl Run<'_> {
    fn round(self, effort: &mut Effort) -> Round {
        match self.plan.widest {
            0..=64 => self.of_width::<1>(effort),
            65..=128 => self.of_width::<2>(effort),
            129..=512 => self.of_width::<8>(effort),
            513..=4096 => self.of_width::<64>(effort),
            4097..=OPEN_MAX => self.of_width::<512>(effort),
            more => Round::Undecided(Plan::too_wide(more)),
        }
    }

    fn of_width<const W: usize>(self, effort: &mut Effort) -> Round {
        let Run { plan, table, limits, rules, tracked } = self;
        let meter = Meter::new(limits);
        let mut frontier: Frontier<'_, '_, W> =
            Frontier::new(table, plan.classes.clone(), tracked.to_vec(), meter, rules);
        if limits.configs_max < usize::MAX {
            frontier.keep_few(plan.ahead.clone());
        }
        let end = take_in(&mut frontier, plan);
        effort.rounds += 1;
        effort.expansions += frontier.meter.expansions;
        effort.largest_frontier = effort.largest_frontier.max(frontier.meter.largest_frontier);
        let gave_up = frontier.narrow.has_dropped && !rules.breaks(WrongRule::TrustNarrowDeath);
        match end {
            Err(Stop::Spent(reason)) => Round::Undecided(reason),
            Err(Stop::Dead { .. }) if gave_up => Round::Undecided(Reason::Cancelled),
            Err(Stop::Dead { op }) => {
                let obstacle = obstacle(&frontier, op);
                match ending(&frontier) {
                    Ok(_) => Round::Stuck(obstacle),
                    Err(overdrawn) => Round::Doubtful(obstacle, overdrawn),
                }
            }
            Ok(()) => match ending(&frontier) {
                Err(_) if frontier.narrow.has_dropped => Round::Undecided(Reason::Cancelled),
                Err(overdrawn) => Round::Overdrawn(overdrawn),
                Ok(choices) => Round::Linearizable(choices),
            },
        }
    }
}

/// Takes in all events, going back where a narrow frontier died.
fn take_in<const W: usize>(frontier: &mut Frontier<'_, '_, W>, plan: &Plan) -> Result<(), Stop> {
    let mut next = 0;
    while let Some((event, _)) = plan.events.get(next) {
        next = match frontier.push(*event) {
            Ok(()) => next + 1,
            Err(Stop::Dead { op }) => frontier.go_back().ok_or(Stop::Dead { op })? as usize,
            Err(spent) => return Err(spent),
        };
    }
    Ok(())
}

const NO_ORDER: &str = "the search found a linearization, but its order could not be rebuilt";

/// The choices of the cheapest configuration, or the classes that it overdraws.
fn ending<const W: usize>(
    frontier: &Frontier<'_, '_, W>,
) -> Result<Vec<(u32, Choice)>, Vec<ClassId>> {
    let cheapest = frontier
        .configs
        .iter()
        .min_by_key(|config| frontier.ledger.cost(config.crashed))
        .expect("a frontier that is not dead has a configuration");
    match frontier.ledger.overdrawn(cheapest.crashed) {
        [] => Ok(frontier.paths.choices(cheapest.path)),
        overdrawn => Err(overdrawn.to_vec()),
    }
}

/// More possibilities than this help nobody to understand a violation.
const POSSIBILITIES_MAX: usize = 64;

fn obstacle<const W: usize>(frontier: &Frontier<'_, '_, W>, op: u32) -> Obstacle<StateId> {
    let honest = frontier
        .configs
        .iter()
        .filter(|config| frontier.ledger.overdrawn(config.crashed).is_empty());
    let possible = honest.take(POSSIBILITIES_MAX).map(|config| {
        let (linearized, pending): (Vec<_>, Vec<_>) =
            frontier.open.iter().partition(|(slot, _)| config.used.has(*slot));
        let ops = |open: Vec<(usize, super::open::OpenOp)>| {
            open.into_iter().map(|(_, op)| op.op as usize).collect()
        };
        Possible { state: config.state, linearized: ops(linearized), pending: ops(pending) }
    });
    Obstacle { at: op as usize, possible: possible.collect(), pattern: None }
}
