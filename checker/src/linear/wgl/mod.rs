//! The search of Wing and Gong (1993), with Lowe's memory: depth first, one way at a time.
//!
//! A configuration is the first return that is still to be explained, the open operations that
//! took effect before it, the state, and how many crashed operations of each class were used. From
//! each, every open operation may be next; what was met before is not tried again. Valid histories
//! of very many processes are found valid in about as many steps as they have operations, where
//! the frontier would carry all ways at once; violations need every way, and there the frontier is
//! better as a rule, since it knows more of them to be equal. So they race (`portfolio`).
//!
//! Of the frontier's reductions these hold here, too, for the same reasons: observers at once;
//! of identical operations the one that must return first, a crashed one last; crashed operations
//! as counts, of which a configuration with fewer makes one with more superfluous (by the ledger,
//! every class tracked: nothing is overdrawn). A crashed operation may be left out; that is why it
//! has no return. The operation whose return is due is tried first, then the others in the order
//! of their returns, crashed ones last: what is done late is done rarely.
//!
//! If the search fails, no way explains the furthest return that any of them came to, and every
//! way to it was met: that is the obstacle, as the frontier would name it.

mod memo;
mod windows;

use super::crashed::{ClassId, Ledger, UseId};
use super::meter::{Limits, Meter};
use super::search::{OPEN_MAX, Plan, plan};
use super::table::{StateId, Table, TransitionId, Vocabulary};
use super::words::Words;
use super::{Decision, Effort, Obstacle, Occurrence, Possible};
use crate::model::Model;
use crate::verdict::Reason;
use memo::Memo;
use windows::Windows;

/// A configuration.
#[derive(Clone, Copy, Debug)]
struct Config<const W: usize> {
    /// The first return that is not explained, by number.
    due: u32,
    state: StateId,
    /// Open operations that took effect, by slot.
    used: Words<W>,
    crashed: UseId,
}

/// A configuration that is being worked on.
struct Frame<const W: usize> {
    config: Config<W>,
    /// Operations placed before the choices of this frame.
    placed: usize,
    /// The next choice to try.
    next: usize,
}

/// Decides whether there is a linearization of those in `all` that are `kept`.
pub(crate) fn search<M: Model>(
    model: &M,
    all: &[Occurrence<M::Transition>],
    kept: &[usize],
    limits: Limits<'_>,
) -> (Decision<M::State>, Effort) {
    let mut vocabulary = Vocabulary::new(model);
    let plan = plan(all, kept, &mut vocabulary);
    let operations: Vec<Operation> =
        all.iter().map(|one| (vocabulary.intern(&one.transition), one.returned)).collect();
    let mut meter = Meter::new(limits);
    let table = Table::new(&mut vocabulary);
    let decision = match plan.widest {
        0..=64 => decide::<1>(&operations, &plan, table, &mut meter),
        65..=128 => decide::<2>(&operations, &plan, table, &mut meter),
        129..=512 => decide::<8>(&operations, &plan, table, &mut meter),
        513..=4096 => decide::<64>(&operations, &plan, table, &mut meter),
        4097..=OPEN_MAX => decide::<512>(&operations, &plan, table, &mut meter),
        more => Decision::Undecided(Plan::too_wide(more)),
    };
    let decision = match decision {
        Decision::Stuck(obstacle) => {
            Decision::Stuck(obstacle.map(|state| vocabulary.state(state).clone()))
        }
        Decision::Linearizable { order } => Decision::Linearizable { order },
        Decision::Impossible(pattern) => Decision::Impossible(pattern),
        Decision::Undecided(reason) => Decision::Undecided(reason),
    };
    let effort = Effort { expansions: meter.expansions, largest_frontier: 0, rounds: 1 };
    (decision, effort)
}

/// The transition of an operation, and when it returned.
type Operation = (TransitionId, Option<u32>);

fn decide<const W: usize>(
    all: &[Operation],
    plan: &Plan,
    table: Table<'_>,
    meter: &mut Meter<'_>,
) -> Decision<StateId> {
    let windows = match Windows::new(all, plan, &table, meter) {
        Ok(windows) => windows,
        Err(reason) => return Decision::Undecided(reason),
    };
    let classes = (0..plan.crashed_members.len()).map(ClassId::numbered).collect();
    let mut search = Search::<W> {
        table,
        plan,
        windows: &windows,
        ledger: Ledger::tracking(classes),
        memo: Memo::new(),
        meter,
        order: Vec::new(),
        spent: vec![0; plan.crashed_members.len()],
        furthest: 0,
        at_furthest: Vec::new(),
    };
    match search.run() {
        Ok(true) => Decision::Linearizable { order: search.order },
        Ok(false) => Decision::Stuck(search.obstacle()),
        Err(reason) => Decision::Undecided(reason),
    }
}

struct Search<'s, 'v, 'b, const W: usize> {
    table: Table<'v>,
    plan: &'s Plan,
    windows: &'s Windows,
    ledger: Ledger,
    memo: Memo<W>,
    meter: &'s mut Meter<'b>,
    /// The operations placed on the way to the present configuration.
    order: Vec<usize>,
    /// How many of each crashed class are among them.
    spent: Vec<usize>,
    furthest: u32,
    /// Configurations met that wait for the furthest return.
    at_furthest: Vec<Config<W>>,
}

/// More possibilities than this help nobody to understand a violation.
const POSSIBILITIES_MAX: usize = 64;

impl<const W: usize> Search<'_, '_, '_, W> {
    /// Whether there is a linearization; then `order` is one.
    fn run(&mut self) -> Result<bool, Reason> {
        let start =
            Config { due: 0, state: Table::INITIAL, used: Words::EMPTY, crashed: Ledger::NOTHING };
        let Some(start) = self.settle(start) else { return Ok(true) };
        self.remember(&start);
        let mut stack = vec![Frame { config: start, placed: self.order.len(), next: 0 }];
        while let Some(frame) = stack.last_mut() {
            let (config, choice) = (frame.config, frame.next);
            frame.next += 1;
            let placed = frame.placed;
            self.take_back(placed);
            if choice >= self.windows.choices(config.due) {
                stack.pop();
                continue;
            }
            self.meter.work(1)?;
            let Some(after) = self.choose(&config, choice) else { continue };
            self.meter.expansions += 1;
            let Some(after) = self.settle(after) else { return Ok(true) };
            if self.remember(&after) {
                stack.push(Frame { config: after, placed: self.order.len(), next: 0 });
            }
            if self.meter.expansions.is_multiple_of(1024) {
                self.account(stack.capacity())?;
            }
        }
        Ok(false)
    }

    /// Forgets what was placed since.
    fn take_back(&mut self, placed: usize) {
        for at in self.order.drain(placed..) {
            if let Some(class) = self.windows.crashed_class(at) {
                self.spent[class] -= 1;
            }
        }
    }

    /// One more operation used, if that choice is open, legal and not made by another one.
    fn choose(&mut self, config: &Config<W>, choice: usize) -> Option<Config<W>> {
        let movers = self.windows.movers(config.due);
        match movers.get(choice) {
            Some(at) => {
                let (slot, transition) = self.windows.live(*at);
                let twin = |other: &usize| {
                    let (slot, other) = self.windows.live(*other);
                    other == transition && !config.used.has(slot)
                };
                if config.used.has(slot) || movers[..choice].iter().any(twin) {
                    return None;
                }
                let state = self.table.step(config.state, transition)?;
                let mut after = Config { state, ..*config };
                after.used.insert(slot);
                self.order.push(*at);
                Some(after)
            }
            None => self.choose_crashed(config, choice - movers.len()),
        }
    }

    fn choose_crashed(&mut self, config: &Config<W>, begun: usize) -> Option<Config<W>> {
        let (class, transition) = self.windows.begun(begun);
        let twin = |at: &usize| {
            let (slot, other) = self.windows.live(*at);
            other == transition && !config.used.has(slot)
        };
        if self.windows.movers(config.due).iter().any(twin) {
            return None;
        }
        let state = self.table.step(config.state, transition).filter(|to| *to != config.state)?;
        let members = &self.plan.crashed_members[class];
        let invoked = self.windows.invoked(class, config.due);
        let crashed = self.ledger.use_one(config.crashed, ClassId::numbered(class), invoked)?;
        self.order.push(members[self.spent[class]]);
        self.spent[class] += 1;
        Some(Config { state, crashed, ..*config })
    }

    /// Takes every observer that is legal and passes every return that is explained; `None` where
    /// none is left.
    fn settle(&mut self, mut config: Config<W>) -> Option<Config<W>> {
        loop {
            let returning = self.windows.returning(config.due)?;
            for at in self.windows.observers(config.due) {
                let (slot, transition) = self.windows.live(*at);
                if !config.used.has(slot) && self.table.step(config.state, transition).is_some() {
                    config.used.insert(slot);
                    self.order.push(*at);
                }
            }
            let (slot, _) = self.windows.live(returning);
            if !config.used.has(slot) {
                return Some(config);
            }
            config.used.remove(slot);
            config.due += 1;
        }
    }

    /// Whether nothing as good was met before.
    fn remember(&mut self, config: &Config<W>) -> bool {
        let new = self.memo.insert(config, &self.ledger);
        if new && config.due >= self.furthest {
            if config.due > self.furthest {
                self.furthest = config.due;
                self.at_furthest.clear();
            }
            if self.at_furthest.len() < POSSIBILITIES_MAX {
                self.at_furthest.push(*config);
            }
        }
        new
    }

    fn obstacle(&self) -> Obstacle<StateId> {
        let at = self.windows.returning(self.furthest).expect("a return that nothing explains");
        let open = self.windows.open(self.furthest);
        let possible = self.at_furthest.iter().map(|config| {
            let (linearized, pending) =
                open.iter().partition(|at| config.used.has(self.windows.live(**at).0));
            Possible { state: config.state, linearized, pending }
        });
        Obstacle { at, possible: possible.collect(), pattern: None }
    }

    fn account(&mut self, frames: usize) -> Result<(), Reason> {
        let stack = (frames * size_of::<Frame<W>>()) as u64;
        let own = self.windows.bytes() + self.memo.bytes() + stack;
        self.meter.occupy(own + self.table.bytes() + self.ledger.bytes())
    }
}
