//! One hard return, worked on by all processors.
//!
//! Where very many configurations wait within one return, both antichains are cut into *shards*.
//! Only configurations of one bucket are ever compared, and a bucket lies in one shard, so shards
//! know nothing of each other. Work goes on block by block: what waits is expanded in parallel,
//! each arrival is put aside for its shard, and then every shard takes its arrivals in, in parallel
//! again and in the order of the block.
//!
//! How blocks and shards are cut depends on the history alone. So the result is the same, order,
//! counts and all, however many threads there are, one included.
//!
//! What configurations share is read only meanwhile: steps and observers of the states of a block
//! are looked up before, and a combination of crashed uses that is new waits until after it.

use std::hash::{Hash, Hasher};

use rayon::prelude::*;
use rustc_hash::{FxHashSet, FxHasher};

use super::successor::{Arrival, Moment, Successor};
use super::{Frontier, Stop, WIDE};
use crate::budget::Budget;
use crate::linear::antichain::{Antichain, Last};
use crate::linear::config::Config;
use crate::linear::crashed::{ClassId, Known, Ledger};
use crate::linear::meter::Meter;
use crate::linear::open::Masks;
use crate::linear::path::Choice;
use crate::linear::rules::WrongRule;
use crate::linear::steps::Steps;
use crate::linear::table::StateId;
use crate::linear::words::Words;
use crate::verdict::Reason;

/// So many configurations must wait for sharing the work to pay; so few in tests that small
/// histories meet shards, too.
const WORTH_SHARING: usize = if cfg!(test) { 3 } else { 1024 };
/// Configurations that are expanded together: fewer of very wide ones, since what comes of a block is
/// counted as memory only when it is done.
const fn block<const W: usize>() -> usize {
    if cfg!(test) {
        5
    } else if W <= WIDE {
        4096
    } else {
        4096 * WIDE / W
    }
}
/// Configurations of a block that one thread expands at a time.
const CHUNK: usize = if cfg!(test) { 2 } else { 128 };
/// So many are done sooner by one thread than by calling others.
const NOT_WORTH_SHARING: usize = if cfg!(test) { 4 } else { 256 };
const SHARDS: usize = if cfg!(test) { 3 } else { 16 };

/// The number of a shard, and a place among those that wait in it.
type Place = (usize, usize);

/// The configurations of some buckets.
pub(super) struct Shard<const W: usize> {
    waiting: Antichain<W>,
    settled: Antichain<W>,
    /// What was taken in from the present block.
    taken_in: Vec<TakenIn>,
    /// What it adds to the next frontier.
    finished: Vec<Config<W>>,
}

/// Lets every shard be worked on, by several threads if there is so much to do that it pays.
fn each<const W: usize>(
    shards: &mut [Shard<W>],
    configurations: usize,
    work: impl Fn(usize, &mut Shard<W>) -> Result<(), Reason> + Sync,
) -> Result<(), Reason> {
    match configurations <= NOT_WORTH_SHARING {
        true => shards.iter_mut().enumerate().try_for_each(|(number, one)| work(number, one)),
        false => shards.par_iter_mut().enumerate().try_for_each(|(number, one)| work(number, one)),
    }
}

/// An arrival that was of use: on which side it is, its place there and how it came about.
struct TakenIn {
    is_settled: bool,
    place: usize,
    choice: Choice,
}

/// What came of expanding one chunk.
struct Arrivals<const W: usize> {
    by_shard: Vec<Vec<Arrival<W>>>,
    /// Those that used a combination of crashed operations that is new: where they are, and what
    /// was used.
    not_charged: Vec<(usize, usize, ClassId, u32)>,
    expansions: u64,
}

/// What the expansion of a block reads.
struct Block<'f, const W: usize> {
    moment: Moment<'f, W>,
    steps: &'f Steps,
    ledger: &'f Ledger,
    /// The observers that are legal in each state of the block and in each that it leads to.
    watching: &'f [Option<Words<W>>],
    masks: &'f Masks<W>,
    budget: &'f Budget,
}

impl<const W: usize> Frontier<'_, '_, W> {
    /// Works on a return with shared hands from the beginning, if that is worth while.
    pub(super) fn make_all_use_shared(
        &mut self,
        slot: usize,
        op: u32,
        masks: &Masks<W>,
    ) -> Option<Result<(), Stop>> {
        self.is_worth_sharing(self.configs.len()).then(|| {
            let queue = self.share_out(slot, masks)?;
            self.go_on_shared(queue, slot, op, masks)
        })
    }

    /// Whether to share work on so many configurations.
    pub(super) fn is_worth_sharing(&self, configurations: usize) -> bool {
        // That rule looks up what is open anew for each configuration.
        configurations >= WORTH_SHARING && !self.rules.breaks(WrongRule::EagerNoOp)
    }

    /// Goes on with a return of whose waiting configurations so many have been tried.
    pub(super) fn make_rest_use_shared(
        &mut self,
        tried: usize,
        slot: usize,
        op: u32,
        masks: &Masks<W>,
    ) -> Result<(), Stop> {
        let queue = self.hand_over(tried, masks);
        self.go_on_shared(queue, slot, op, masks)
    }

    /// Tries what is in the queue and whatever comes of it.
    fn go_on_shared(
        &mut self,
        mut queue: Vec<Place>,
        slot: usize,
        op: u32,
        masks: &Masks<W>,
    ) -> Result<(), Stop> {
        let mut known = FxHashSet::default();
        let mut next = 0;
        while next < queue.len() {
            const { assert!(block::<W>() > 0, "or this would never end") };
            let end = queue.len().min(next + block::<W>());
            let block: Vec<(Config<W>, Last)> = queue[next..end]
                .iter()
                .filter_map(|(shard, place)| self.shards[*shard].waiting.get(*place))
                .map(|entry| (entry.config, entry.last))
                .collect();
            block.iter().for_each(|(config, _)| self.look_up(config.state, &mut known));
            self.try_block(&block, slot, masks, &mut queue)?;
            next = end;
            if self.has_tried_enough(next) {
                break;
            }
            self.account()?;
        }
        self.gather(op, masks)
    }

    fn clear_shards(&mut self) {
        self.shards.resize_with(SHARDS, Shard::new);
        self.shards.iter_mut().for_each(Shard::clear);
    }

    /// Puts the configurations before a return into shards; hands out which of them wait.
    fn share_out(&mut self, slot: usize, masks: &Masks<W>) -> Result<Vec<Place>, Stop> {
        self.clear_shards();
        let mut by_shard: Vec<Vec<Arrival<W>>> = vec![Vec::new(); SHARDS];
        for config in &self.configs {
            let is_settled = config.used.has(slot);
            let config = if is_settled { config.without(slot) } else { *config };
            let arrival = Arrival { config, last: Last::Other, choice: None, is_settled };
            by_shard[shard_of(&config, masks)].push(arrival);
        }
        let (ledger, budget) = (&self.ledger, self.meter.limits().budget);
        each(&mut self.shards, self.configs.len(), |number, shard| {
            shard.take_in(by_shard[number].iter(), masks, ledger, budget)
        })?;
        let waiting = |(number, shard): (usize, &Shard<W>)| {
            (0..shard.waiting.len()).map(move |place| (number, place))
        };
        Ok(self.shards.iter().enumerate().flat_map(waiting).collect())
    }

    /// Puts everything into shards; hands out what has not been tried.
    fn hand_over(&mut self, tried: usize, masks: &Masks<W>) -> Vec<Place> {
        self.clear_shards();
        for entry in (0..self.settled.len()).filter_map(|place| self.settled.get(place)) {
            let shard = &mut self.shards[shard_of(&entry.config, masks)];
            shard.settled.insert(entry.config, entry.last, masks, &self.ledger);
        }
        let mut queue = Vec::new();
        for place in 0..self.waiting.len() {
            let Some(entry) = self.waiting.get(place) else { continue };
            let at = shard_of(&entry.config, masks);
            let side = &mut self.shards[at].waiting;
            let kept = side.insert(entry.config, entry.last, masks, &self.ledger).is_some();
            if kept && place >= tried && !self.rules.breaks(WrongRule::ForgetWaiting) {
                queue.push((at, side.len() - 1));
            }
        }
        self.waiting.clear();
        self.settled.clear();
        queue
    }

    /// Expands a block, and adds to the queue what is met for the first time.
    fn try_block(
        &mut self,
        block: &[(Config<W>, Last)],
        slot: usize,
        masks: &Masks<W>,
        queue: &mut Vec<Place>,
    ) -> Result<(), Stop> {
        let view = Block {
            moment: self.moment(slot),
            steps: &self.steps,
            ledger: &self.ledger,
            watching: &self.watching,
            masks,
            budget: self.meter.limits().budget,
        };
        let expanded = |chunk: &[(Config<W>, Last)]| view.expanded(chunk);
        let chunks: Result<Vec<Arrivals<W>>, Reason> = match block.len() <= NOT_WORTH_SHARING {
            true => block.chunks(CHUNK).map(expanded).collect(),
            false => block.par_chunks(CHUNK).map(expanded).collect(),
        };
        let mut chunks = chunks?;
        for Arrivals { by_shard, not_charged, expansions } in &mut chunks {
            self.meter.expansions += *expansions;
            for (shard, at, class, invoked) in not_charged.drain(..) {
                let config = &mut by_shard[shard][at].config;
                let charged = self.ledger.use_one(config.crashed, class, invoked);
                config.crashed = charged.expect("what is refused is known before");
            }
        }
        let (ledger, budget) = (&self.ledger, self.meter.limits().budget);
        each(&mut self.shards, block.len(), |number, shard| {
            let arrivals = chunks.iter().flat_map(|chunk| &chunk.by_shard[number]);
            shard.take_in(arrivals, masks, ledger, budget)
        })?;
        for (number, shard) in self.shards.iter_mut().enumerate() {
            for TakenIn { is_settled, place, choice } in shard.taken_in.drain(..) {
                let side = if is_settled { &mut shard.settled } else { &mut shard.waiting };
                let Some(config) = side.get_mut(place) else { continue };
                config.path = self.paths.extend(config.path, choice, self.event);
                if !is_settled {
                    queue.push((number, place));
                }
            }
        }
        self.meter.work(block.len())?;
        Ok(())
    }

    /// Looks up everything that will be asked about a state.
    fn look_up(&mut self, state: StateId, known: &mut FxHashSet<StateId>) {
        if known.insert(state) {
            for at in self.steps.from(state, &self.open.movers, &mut self.table) {
                self.observers_of(self.steps.get(at).after);
            }
        }
    }

    /// Makes a frontier of what has settled.
    fn gather(&mut self, op: u32, masks: &Masks<W>) -> Result<(), Stop> {
        if self.shards.iter().all(|shard| shard.settled.is_empty()) {
            return Err(Stop::Dead { op });
        }
        let (ledger, limits) = (&self.ledger, self.meter.limits());
        let settled = self.shards.iter().map(|shard| shard.settled.len()).sum();
        each(&mut self.shards, settled, |_, shard| {
            shard.settled.finish(&mut shard.finished, masks, ledger, &mut Meter::new(limits))
        })?;
        self.configs.clear();
        self.configs.extend(self.shards.iter_mut().flat_map(|shard| shard.finished.drain(..)));
        self.shards.iter_mut().for_each(Shard::clear);
        Ok(())
    }
}

impl<const W: usize> Block<'_, W> {
    fn expanded(&self, chunk: &[(Config<W>, Last)]) -> Result<Arrivals<W>, Reason> {
        let mut arrivals =
            Arrivals { by_shard: vec![Vec::new(); SHARDS], not_charged: Vec::new(), expansions: 0 };
        self.budget.spent().map_or(Ok(()), Err)?;
        for (config, last) in chunk {
            self.expand(config, *last, &mut arrivals);
        }
        Ok(arrivals)
    }

    fn expand(&self, config: &Config<W>, last: Last, arrivals: &mut Arrivals<W>) {
        let moment = &self.moment;
        if moment.absorbs(config) {
            let absorbed = moment.absorbed(config);
            arrivals.by_shard[shard_of(&absorbed.config, self.masks)].push(absorbed);
            if moment.rules.breaks(WrongRule::NoForkAtReturn) {
                return;
            }
        }
        let steps = self.steps.known(config.state).expect("looked up before");
        for step in steps.map(|at| self.steps.get(at)) {
            if moment.is_pointless(config, last, step) {
                continue;
            }
            let Some(Successor { mut config, choice, owes }) = moment.successor(config, step)
            else {
                continue;
            };
            let mut owed = None;
            if let Some((class, invoked)) = owes {
                match self.ledger.known_use(config.crashed, class, invoked) {
                    Known::Refused => continue,
                    Known::Becomes(charged) => config.crashed = charged,
                    Known::NotYet => owed = owes,
                }
            }
            arrivals.expansions += 1;
            let legal = self.watching[step.after.0 as usize].expect("looked up before");
            let arrival = moment.arrival(config, choice, step.class, &legal);
            let shard = shard_of(&arrival.config, self.masks);
            if let Some((class, invoked)) = owed {
                let at = arrivals.by_shard[shard].len();
                arrivals.not_charged.push((shard, at, class, invoked));
            }
            arrivals.by_shard[shard].push(arrival);
        }
    }
}

impl<const W: usize> Shard<W> {
    fn new() -> Shard<W> {
        let (waiting, settled) = (Antichain::new(), Antichain::new());
        Shard { waiting, settled, taken_in: Vec::new(), finished: Vec::new() }
    }

    fn clear(&mut self) {
        self.waiting.clear();
        self.settled.clear();
    }

    pub(super) fn has_settled(&self) -> bool {
        !self.settled.is_empty()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.waiting.bytes() + self.settled.bytes()
    }

    /// Keeps the arrivals that are of use.
    fn take_in<'a>(
        &mut self,
        arrivals: impl Iterator<Item = &'a Arrival<W>>,
        masks: &Masks<W>,
        ledger: &Ledger,
        budget: &Budget,
    ) -> Result<(), Reason> {
        for (number, arrival) in arrivals.enumerate() {
            let Arrival { config, last, choice, is_settled } = *arrival;
            let side = if is_settled { &mut self.settled } else { &mut self.waiting };
            if side.insert(config, last, masks, ledger).is_some()
                && let Some(choice) = choice
            {
                self.taken_in.push(TakenIn { is_settled, place: side.len() - 1, choice });
            }
            if number.is_multiple_of(LOOK_EVERY) {
                budget.spent().map_or(Ok(()), Err)?;
            }
        }
        Ok(())
    }
}

/// Arrivals between two looks at the budget.
const LOOK_EVERY: usize = 4096;

/// Where the bucket of a configuration is.
fn shard_of<const W: usize>(config: &Config<W>, masks: &Masks<W>) -> usize {
    let mut hasher = FxHasher::default();
    (config.state, config.used.intersection(&masks.conditionals)).hash(&mut hasher);
    // Other bits than those by which a bucket is found within its shard.
    (hasher.finish() >> 56) as usize % SHARDS
}
