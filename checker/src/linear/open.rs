//! The operations that are open: invoked, not yet returned, and known to return.

use rustc_hash::FxHashMap;

use super::table::TransitionId;
use super::words::Words;
use crate::model::Class;

/// An open operation that will be acknowledged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenOp {
    /// Its number in the input.
    pub(crate) op: u32,
    pub(crate) transition: TransitionId,
    pub(crate) class: Class,
    /// The event at which it returns.
    pub(crate) deadline: u32,
}

/// Open operations that are the same transition: only the one that must return first is ever
/// tried, since any other could be exchanged with it.
#[derive(Clone, Debug)]
pub(crate) struct Group<const W: usize> {
    pub(crate) transition: TransitionId,
    pub(crate) class: Class,
    pub(crate) members: Words<W>,
    by_deadline: Vec<usize>,
}

impl<const W: usize> Group<W> {
    fn widened<const V: usize>(&self) -> Group<V> {
        let Group { transition, class, .. } = *self;
        let (members, by_deadline) = (self.members.widened(), self.by_deadline.clone());
        Group { transition, class, members, by_deadline }
    }

    /// The member to try next.
    pub(crate) fn earliest_unused(&self, used: &Words<W>) -> Option<usize> {
        self.by_deadline.iter().copied().find(|slot| !used.has(*slot))
    }

    /// The member that a wrong rule would try next.
    pub(crate) fn latest_unused(&self, used: &Words<W>) -> Option<usize> {
        self.by_deadline.iter().copied().rfind(|slot| !used.has(*slot))
    }
}

/// The slots of each class.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Masks<const W: usize> {
    pub(crate) writes: Words<W>,
    pub(crate) conditionals: Words<W>,
    pub(crate) watching: Words<W>,
}

/// All open operations, by slot and by group.
#[derive(Clone, Debug)]
pub(crate) struct Open<const W: usize> {
    slots: Vec<Option<OpenOp>>,
    slot_of: FxHashMap<u32, usize>,
    /// Groups of writes and conditionals: what the search branches over.
    pub(crate) movers: Vec<Group<W>>,
    /// Groups of observers: what is taken wherever it is legal.
    pub(crate) observers: Vec<Group<W>>,
    pub(crate) masks: Masks<W>,
}

impl<const W: usize> Open<W> {
    pub(crate) fn new() -> Open<W> {
        Open {
            slots: Vec::new(),
            slot_of: FxHashMap::default(),
            movers: Vec::new(),
            observers: Vec::new(),
            masks: Masks {
                writes: Words::EMPTY,
                conditionals: Words::EMPTY,
                watching: Words::EMPTY,
            },
        }
    }

    /// The same operations in wider sets.
    pub(crate) fn widened<const V: usize>(self) -> Open<V> {
        let groups = |groups: Vec<Group<W>>| groups.iter().map(Group::widened).collect();
        let Masks { writes, conditionals, watching } = self.masks;
        Open {
            slots: self.slots,
            slot_of: self.slot_of,
            movers: groups(self.movers),
            observers: groups(self.observers),
            masks: Masks {
                writes: writes.widened(),
                conditionals: conditionals.widened(),
                watching: watching.widened(),
            },
        }
    }

    /// Calls the transitions of the open operations otherwise.
    pub(crate) fn rename(&mut self, name: impl Fn(TransitionId) -> TransitionId) {
        for op in self.slots.iter_mut().flatten() {
            op.transition = name(op.transition);
        }
        for group in self.movers.iter_mut().chain(&mut self.observers) {
            group.transition = name(group.transition);
        }
    }

    pub(crate) fn slot_of(&self, op: u32) -> usize {
        *self.slot_of.get(&op).expect("an operation returns after it was invoked")
    }

    pub(crate) fn get(&self, slot: usize) -> OpenOp {
        self.slots[slot].expect("the slot of an open operation")
    }

    /// How many operations are open.
    pub(crate) fn len(&self) -> usize {
        self.slot_of.len()
    }

    /// The open operations with their slots.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, OpenOp)> + '_ {
        self.slots.iter().enumerate().filter_map(|(slot, op)| op.map(|op| (slot, op)))
    }

    pub(crate) fn insert(&mut self, op: OpenOp) -> usize {
        let free = self.slots.iter().position(Option::is_none);
        let slot = free.unwrap_or(self.slots.len());
        assert!(slot < Words::<W>::CAPACITY, "the width was chosen from the most open operations");
        if slot == self.slots.len() {
            self.slots.push(None);
        }
        self.slots[slot] = Some(op);
        self.slot_of.insert(op.op, slot);
        self.mask_mut(op.class).insert(slot);
        let groups = match op.class {
            Class::Observer => &mut self.observers,
            Class::BlindWrite | Class::Conditional => &mut self.movers,
        };
        let known = groups.iter().position(|group| group.transition == op.transition);
        let at = known.unwrap_or_else(|| {
            let (transition, class) = (op.transition, op.class);
            let members = Words::EMPTY;
            groups.push(Group { transition, class, members, by_deadline: Vec::new() });
            groups.len() - 1
        });
        groups[at].members.insert(slot);
        let slots = &self.slots;
        let deadline = |slot: usize| slots[slot].map(|op| op.deadline);
        let after =
            groups[at].by_deadline.partition_point(|other| deadline(*other) < Some(op.deadline));
        groups[at].by_deadline.insert(after, slot);
        slot
    }

    pub(crate) fn remove(&mut self, slot: usize) {
        let op = self.get(slot);
        self.mask_mut(op.class).remove(slot);
        let groups = self.groups_mut(op.class);
        let at = groups
            .iter()
            .position(|group| group.transition == op.transition)
            .expect("an open operation is in a group");
        groups[at].members.remove(slot);
        groups[at].by_deadline.retain(|member| *member != slot);
        if groups[at].by_deadline.is_empty() {
            groups.remove(at);
        }
        self.slots[slot] = None;
        self.slot_of.remove(&op.op);
    }

    fn groups_mut(&mut self, class: Class) -> &mut Vec<Group<W>> {
        match class {
            Class::Observer => &mut self.observers,
            Class::BlindWrite | Class::Conditional => &mut self.movers,
        }
    }

    fn mask_mut(&mut self, class: Class) -> &mut Words<W> {
        match class {
            Class::Observer => &mut self.masks.watching,
            Class::BlindWrite => &mut self.masks.writes,
            Class::Conditional => &mut self.masks.conditionals,
        }
    }
}
