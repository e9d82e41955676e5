//! What the rest of a history asks for, and what it offers: by which a search that may keep only a
//! few configurations tells which of them have a future.
//!
//! Where every change leads to one known state, a history is a market of states. An operation that
//! needs the state *v* must find a *visit* to *v* in its time, and every visit takes an operation
//! that leads there. Whoever looks at *v* shares a visit with all that are open then; whoever
//! replaces it ends the visit, so each needs one of its own. A configuration that has used up the
//! last write of *v* dies when the next operation needs *v*, although that operation has not even
//! begun: no debt of the moment shows it, but the rest of the history does.
//!
//! So for each state it is planned greedily, as if there were no other state: whoever must return
//! first is met at the last moment at which an offer is left, by the one that ends first. Who cannot
//! be met is *lacking*. What is left of crashed operations, which can come at any time, is held against
//! who will be lacking later on. And a state may be stayed in until something else is due.
//!
//! This is a means to find orders and proves nothing: states do compete, and a state can be stayed
//! in for longer. A plan looks at everything about one state that begins until whatever is open has
//! ended; it is made once for each state and what configurations have used of it.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;

use super::Occurrence;
use super::config::Config;
use super::crashed::Ledger;
use super::open::Open;
use super::search::Plan;
use super::table::{StateId, TransitionId, Vocabulary};
use super::words::Words;
use crate::model::{Class, Model, Requires};

/// An operation that needs a state and will be acknowledged.
#[derive(Clone, Copy, Debug)]
struct Want {
    /// From this event on it can be met, and until this one.
    from: u32,
    until: u32,
    /// Whether it ends the visit.
    replaces: bool,
    /// Its slot, if it is open.
    slot: Option<usize>,
}

/// An operation that leads to a state and will be acknowledged.
#[derive(Clone, Copy, Debug)]
struct Offer {
    from: u32,
    until: u32,
    slot: Option<usize>,
}

/// A time in which a state is there.
struct Visit {
    from: u32,
    until: u32,
    is_ended: bool,
}

/// All about one state.
#[derive(Clone, Debug, Default)]
struct Market {
    /// In order of their beginnings, both.
    wants: Vec<Want>,
    offers: Vec<Offer>,
    /// How many crashed operations lead there.
    crashed: u32,
    /// Until when they want it who cannot be met even by all offers.
    lacking: Vec<u32>,
}

impl Market {
    fn bytes(&self) -> usize {
        size_of::<Market>()
            + self.wants.capacity() * size_of::<Want>()
            + self.offers.capacity() * size_of::<Offer>()
            + self.lacking.capacity() * size_of::<u32>()
    }
}

/// What a transition needs and where it leads, as far as that is one state.
#[derive(Clone, Copy, Debug)]
struct Terms {
    needs: Option<StateId>,
    leads_to: Option<StateId>,
}

/// The markets of a whole history.
pub(super) struct Ahead {
    markets: Vec<Market>,
    terms: Vec<Terms>,
    /// Where each class of crashed operations leads.
    crashed: Vec<StateId>,
    bytes: u64,
}

/// As many offers and visits of a state are looked at for one want.
const AT_ONCE_MAX: usize = 64;

impl Ahead {
    /// `None` where it is not known of every change to which state it leads.
    pub(super) fn new<M: Model>(
        model: &M,
        all: &[Occurrence<M::Transition>],
        plan: &Plan,
        vocabulary: &mut Vocabulary<'_, M>,
    ) -> Option<Ahead> {
        let terms = terms(model, vocabulary)?;
        let mut ends = vec![None; all.len()];
        for (event, _, at) in plan.steps().filter(|(_, begins, _)| !begins) {
            ends[at] = Some(event);
        }
        let states = terms.iter().flat_map(|one| [one.needs, one.leads_to]).flatten();
        let states = states.map(|state| state.0 as usize + 1).max();
        let mut markets = vec![Market::default(); states.unwrap_or(0)];
        for (from, _, at) in plan.steps().filter(|(_, begins, _)| *begins) {
            let transition = &all[at].transition;
            let Terms { needs, leads_to } = terms[vocabulary.intern(transition).0 as usize];
            let Some(until) = ends[at] else {
                markets[leads_to?.0 as usize].crashed += 1;
                continue;
            };
            if let Some(state) = needs {
                let replaces = model.class(transition) != Class::Observer;
                let want = Want { from, until, replaces, slot: None };
                markets[state.0 as usize].wants.push(want);
            }
            if let Some(state) = leads_to {
                markets[state.0 as usize].offers.push(Offer { from, until, slot: None });
            }
        }
        for market in &mut markets {
            let mut wants = market.wants.clone();
            wants.sort_unstable_by_key(|want| want.until);
            market.lacking = unmet(wants.into_iter(), market.offers.iter().copied(), None);
        }
        let leads = |members: &Vec<usize>| {
            terms[vocabulary.intern(&all[members[0]].transition).0 as usize].leads_to
        };
        let crashed = plan.crashed_members.iter().map(leads).collect::<Option<_>>()?;
        let markets_bytes: usize = markets.iter().map(Market::bytes).sum();
        let bytes = (markets_bytes + terms.capacity() * size_of::<Terms>()) as u64;
        Some(Ahead { markets, terms, crashed, bytes })
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What is ahead of the configurations before the event `now`.
    pub(super) fn outlook<const W: usize>(&self, now: u32, open: &Open<W>) -> Outlook<W> {
        let mut due: Vec<Due> = open
            .iter()
            .map(|(slot, op)| {
                let terms = self.terms[op.transition.0 as usize];
                Due { until: op.deadline, slot, class: op.class, terms }
            })
            .collect();
        due.sort_unstable_by_key(|due| due.until);
        let horizon = due.last().map_or(now, |due| due.until);
        let concerned = due.iter().flat_map(|due| [due.terms.needs, due.terms.leads_to]).flatten();
        let mut states: Vec<StateId> = concerned.chain(self.crashed.iter().copied()).collect();
        states.sort_unstable();
        states.dedup();
        let place = |state: StateId| states.binary_search(&state).expect("it is among them");
        let mut prospects: Vec<Prospect<W>> = states.iter().map(|one| self.idle(*one)).collect();
        for Due { until, slot, class, terms } in due.iter().copied() {
            if let Some(state) = terms.needs {
                let replaces = class != Class::Observer;
                let want = Want { from: now, until, replaces, slot: Some(slot) };
                prospects[place(state)].wants.push(want);
                prospects[place(state)].slots.insert(slot);
            }
            if let Some(state) = terms.leads_to {
                let offer = Offer { from: now, until, slot: Some(slot) };
                prospects[place(state)].offers.push(offer);
                prospects[place(state)].slots.insert(slot);
            }
        }
        for prospect in &mut prospects {
            self.add_future(prospect, now, horizon);
        }
        let places = self.crashed.iter().map(|state| place(*state)).collect();
        let spent = vec![0; states.len()];
        Outlook { now, due, prospects, places, spent, known: FxHashMap::default() }
    }

    /// The market of a state about which no operation is open.
    fn idle<const W: usize>(&self, state: StateId) -> Prospect<W> {
        let crashed = self.markets[state.0 as usize].crashed;
        let (wants, offers) = (Vec::new(), Vec::new());
        Prospect { state, slots: Words::EMPTY, wants, offers, later: 0, crashed }
    }

    /// Adds those that begin between `now` and `horizon`, and counts the lacking ones of later on.
    fn add_future<const W: usize>(&self, to: &mut Prospect<W>, now: u32, horizon: u32) {
        let Market { wants, offers, lacking, .. } = &self.markets[to.state.0 as usize];
        let begun = wants.partition_point(|want| want.from < now);
        to.wants.extend(wants[begun..].iter().take_while(|want| want.from < horizon));
        to.wants.sort_by_key(|want| want.until);
        let begun = offers.partition_point(|offer| offer.from < now);
        to.offers.extend(offers[begun..].iter().take_while(|offer| offer.from < horizon));
        let sooner = lacking.partition_point(|until| *until <= horizon);
        to.later = u32::try_from(lacking.len() - sooner).expect("fewer than 2^32 operations");
    }
}

/// An open operation.
#[derive(Clone, Copy, Debug)]
struct Due {
    until: u32,
    slot: usize,
    class: Class,
    terms: Terms,
}

/// The market of one state from some moment on, for as long as what is open then.
struct Prospect<const W: usize> {
    state: StateId,
    /// The open operations that it is about.
    slots: Words<W>,
    /// In order of their ends.
    wants: Vec<Want>,
    offers: Vec<Offer>,
    /// How many will be lacking after that.
    later: u32,
    crashed: u32,
}

impl<const W: usize> Prospect<W> {
    fn lacking(&self, used: &Words<W>, stays_until: Option<u32>) -> u32 {
        let is_left = |slot: Option<usize>| slot.is_none_or(|slot| !used.has(slot));
        let wants = self.wants.iter().copied().filter(|want| is_left(want.slot));
        let offers = self.offers.iter().copied().filter(|offer| is_left(offer.slot));
        u32::try_from(unmet(wants, offers, stays_until).len()).expect("fewer than 2^32 operations")
    }
}

/// What is ahead of configurations at one moment.
pub(super) struct Outlook<const W: usize> {
    now: u32,
    /// The open operations, in order of their ends.
    due: Vec<Due>,
    prospects: Vec<Prospect<W>>,
    /// To which of them each class of crashed operations leads, and how many of those are spent.
    places: Vec<usize>,
    spent: Vec<u32>,
    /// What was planned already: for which state, what was used, and how long the state stays.
    known: FxHashMap<(usize, Words<W>, Option<u32>), u32>,
}

impl<const W: usize> Outlook<W> {
    /// How much was looked at to make it.
    pub(super) fn size(&self) -> usize {
        self.prospects.iter().map(|one| one.wants.len() + one.offers.len()).sum()
    }

    /// How many states are looked at for each configuration.
    pub(super) fn states(&self) -> usize {
        self.prospects.len()
    }

    /// How many operations will lack the state that they need, those twice more that no crashed
    /// operation can help.
    pub(super) fn lacking(&mut self, config: &Config<W>, ledger: &Ledger) -> u32 {
        self.spent.fill(0);
        for (class, uses) in ledger.counts(config.crashed) {
            self.spent[self.places[class.0 as usize]] += uses;
        }
        let until = self.stays_until(config);
        let mut lacking = 0;
        for (place, prospect) in self.prospects.iter().enumerate() {
            let stays_until = (prospect.state == config.state).then_some(until);
            let key = (place, config.used.intersection(&prospect.slots), stays_until);
            let planned = || prospect.lacking(&config.used, stays_until);
            let soon = *self.known.entry(key).or_insert_with(planned);
            let left = prospect.crashed.saturating_sub(self.spent[place]);
            lacking += soon + 2 * (soon + prospect.later).saturating_sub(left);
        }
        lacking
    }

    /// The event at which the state must be left at the latest.
    fn stays_until(&self, config: &Config<W>) -> u32 {
        let forces = |due: &&Due| match due.terms.needs {
            Some(state) => state != config.state && !config.used.has(due.slot),
            None => due.class == Class::BlindWrite && config.required.has(due.slot),
        };
        self.due.iter().find(forces).map_or(self.now, |due| due.until)
    }
}

/// Until when they want a state who cannot be met: `wants` in order of their ends, `offers` of
/// their beginnings, the state itself being there until `stays_until`.
fn unmet(
    wants: impl Iterator<Item = Want>,
    offers: impl Iterator<Item = Offer>,
    stays_until: Option<u32>,
) -> Vec<u32> {
    let mut offers = offers.peekable();
    let (mut free, mut unmet): (Vec<Offer>, Vec<u32>) = (Vec::new(), Vec::new());
    let stay = stays_until.map(|until| Visit { from: 0, until, is_ended: false });
    let mut visits: Vec<Visit> = stay.into_iter().collect();
    for want in wants {
        while let Some(offer) = offers.next_if(|offer| offer.from <= want.until) {
            free.push(offer);
        }
        free.drain(..free.len().saturating_sub(AT_ONCE_MAX));
        visits.drain(..visits.len().saturating_sub(AT_ONCE_MAX));
        if is_met(&want, &mut visits) {
            continue;
        }
        let can_help = |at: &usize| free[*at].until >= want.from;
        let last_moment = |at: &usize| {
            let until = free[*at].until;
            (until.min(want.until), Reverse(until), Reverse(*at))
        };
        let Some(at) = (0..free.len()).filter(can_help).max_by_key(last_moment) else {
            unmet.push(want.until);
            continue;
        };
        let moment = free.remove(at).until.min(want.until);
        visits.push(Visit { from: moment, until: moment, is_ended: want.replaces });
    }
    unmet
}

/// Whether a visit meets this want; if it replaces the state, the visit is over.
fn is_met(want: &Want, visits: &mut [Visit]) -> bool {
    let mut open = visits.iter_mut().filter(|visit| {
        visit.until >= want.from && visit.from <= want.until && !(want.replaces && visit.is_ended)
    });
    if !want.replaces {
        return open.next().is_some();
    }
    open.min_by_key(|visit| visit.from).map(|visit| visit.is_ended = true).is_some()
}

/// The terms of every transition; `None` where a change does not lead to one state.
fn terms<M: Model>(model: &M, vocabulary: &mut Vocabulary<'_, M>) -> Option<Vec<Terms>> {
    let transitions = vocabulary.transitions();
    let of = |id: TransitionId| {
        let transition = vocabulary.transition(id).clone();
        let needs = match model.requires(&transition) {
            Requires::Exactly(state) => Some(vocabulary.intern_state(state)),
            Requires::Anything | Requires::Some => None,
        };
        let leads_to = match model.class(&transition) {
            Class::Observer => None,
            Class::BlindWrite | Class::Conditional => {
                Some(vocabulary.intern_state(model.produces(&transition)?))
            }
        };
        Some(Terms { needs, leads_to })
    };
    transitions.map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn want(from: u32, until: u32) -> Want {
        Want { from, until, replaces: false, slot: None }
    }

    fn replacing(from: u32, until: u32) -> Want {
        Want { replaces: true, ..want(from, until) }
    }

    fn offer(from: u32, until: u32) -> Offer {
        Offer { from, until, slot: None }
    }

    fn unmet_of(wants: &[Want], offers: &[Offer], stays_until: Option<u32>) -> Vec<u32> {
        unmet(wants.iter().copied(), offers.iter().copied(), stays_until)
    }

    #[test]
    fn observers_share_a_visit_and_each_replacement_takes_one_of_its_own() {
        let together = [want(1, 5), want(2, 6), replacing(3, 7)];
        assert!(unmet_of(&together, &[offer(1, 9)], None).is_empty());
        let apart = [want(1, 3), want(4, 6)];
        assert_eq!(unmet_of(&apart, &[offer(1, 9)], None), [6]);
        let both = [replacing(1, 5), replacing(2, 6)];
        assert_eq!(unmet_of(&both, &[offer(1, 9)], None), [6]);
        assert!(unmet_of(&both, &[offer(1, 9), offer(2, 8)], None).is_empty());
    }

    #[test]
    fn the_offer_that_ends_first_is_taken_and_late_ones_are_left() {
        let wants = [want(1, 5), want(10, 12)];
        assert!(unmet_of(&wants, &[offer(1, 20), offer(2, 6)], None).is_empty());
        // At the last moment at which there is one, if none is left at the end.
        assert!(unmet_of(&wants, &[offer(1, 3), offer(11, 13)], None).is_empty());
        assert_eq!(unmet_of(&wants, &[offer(6, 9)], None), [5, 12]);
    }

    #[test]
    fn a_state_that_stays_meets_whoever_begins_before_it_is_left() {
        let wants = [want(1, 5), want(3, 8), want(7, 9)];
        assert_eq!(unmet_of(&wants, &[], Some(4)), [9]);
        assert_eq!(unmet_of(&[replacing(1, 5), replacing(2, 6)], &[], Some(4)), [6]);
    }
}
