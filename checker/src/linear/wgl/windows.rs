//! What is open at each return: the operations that may take effect before it.

use super::super::meter::Meter;
use super::super::search::Plan;
use super::super::table::{Table, TransitionId};
use super::Operation;
use crate::model::Class;
use crate::verdict::Reason;

/// The open operations at every return, each list in the order in which they return.
pub(super) struct Windows {
    /// For each return, the operation that returns.
    returning: Vec<usize>,
    /// For each return, where its lists begin; one more at the end.
    begins: Vec<(usize, usize)>,
    movers: Vec<usize>,
    observers: Vec<usize>,
    /// For each operation its slot and transition.
    live: Vec<(usize, TransitionId)>,
    /// For each operation its crashed class.
    crashed: Vec<Option<usize>>,
    /// Crashed classes, in the order in which they begin.
    begun: Vec<(usize, TransitionId)>,
    /// For each return, how many classes have begun.
    begun_at: Vec<usize>,
    /// For each class, the returns before which its members were invoked.
    invoked: Vec<Vec<u32>>,
}

impl Windows {
    pub(super) fn new(
        all: &[Operation],
        plan: &Plan,
        table: &Table<'_>,
        meter: &mut Meter<'_>,
    ) -> Result<Windows, Reason> {
        let mut windows = Windows {
            returning: Vec::new(),
            begins: vec![(0, 0)],
            movers: Vec::new(),
            observers: Vec::new(),
            live: vec![(usize::MAX, TransitionId(0)); all.len()],
            crashed: vec![None; all.len()],
            begun: Vec::new(),
            begun_at: Vec::new(),
            invoked: vec![Vec::new(); plan.crashed_members.len()],
        };
        let mut class_of: Vec<Option<usize>> = vec![None; all.len()];
        for (class, members) in plan.crashed_members.iter().enumerate() {
            members.iter().for_each(|at| class_of[*at] = Some(class));
        }
        let mut slots: Vec<bool> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        for (_, begins, at) in plan.steps() {
            if let Some(class) = class_of[at] {
                let transition = all[at].0;
                if windows.invoked[class].is_empty() {
                    windows.begun.push((class, transition));
                }
                windows.crashed[at] = Some(class);
                windows.invoked[class].push(number(windows.returning.len()));
            } else if begins {
                let free = slots.iter().position(|taken| !taken).unwrap_or(slots.len());
                slots.resize(slots.len().max(free + 1), false);
                slots[free] = true;
                windows.live[at] = (free, all[at].0);
                let after = open.partition_point(|other| all[*other].1 < all[at].1);
                open.insert(after, at);
            } else {
                windows.close(at, &open, table);
                open.retain(|other| *other != at);
                slots[windows.live[at].0] = false;
                meter.work(open.len())?;
                meter.occupy(windows.bytes())?;
            }
        }
        Ok(windows)
    }

    fn close(&mut self, at: usize, open: &[usize], table: &Table<'_>) {
        self.returning.push(at);
        self.begun_at.push(self.begun.len());
        for other in open.iter().copied() {
            match table.class(self.live[other].1) {
                Class::Observer => self.observers.push(other),
                Class::BlindWrite | Class::Conditional => self.movers.push(other),
            }
        }
        self.begins.push((self.movers.len(), self.observers.len()));
    }

    pub(super) fn bytes(&self) -> u64 {
        let lists = self.movers.capacity() + self.observers.capacity() + self.returning.capacity();
        let words = lists + 3 * self.begins.capacity() + 4 * self.live.capacity();
        (words * size_of::<usize>()) as u64
    }

    /// The operation of return number `due`, if there are so many.
    pub(super) fn returning(&self, due: u32) -> Option<usize> {
        self.returning.get(due as usize).copied()
    }

    /// Open writes and conditionals.
    pub(super) fn movers(&self, due: u32) -> &[usize] {
        let due = due as usize;
        &self.movers[self.begins[due].0..self.begins[due + 1].0]
    }

    /// Open observers.
    pub(super) fn observers(&self, due: u32) -> &[usize] {
        let due = due as usize;
        &self.observers[self.begins[due].1..self.begins[due + 1].1]
    }

    /// All that are open.
    pub(super) fn open(&self, due: u32) -> Vec<usize> {
        [self.movers(due), self.observers(due)].concat()
    }

    /// How many things can be tried: the movers, then the crashed classes.
    pub(super) fn choices(&self, due: u32) -> usize {
        self.movers(due).len() + self.begun_at[due as usize]
    }

    /// Slot and transition of an operation that returns.
    pub(super) fn live(&self, at: usize) -> (usize, TransitionId) {
        self.live[at]
    }

    /// A class of crashed operations, by when it began.
    pub(super) fn begun(&self, number: usize) -> (usize, TransitionId) {
        self.begun[number]
    }

    pub(super) fn crashed_class(&self, at: usize) -> Option<usize> {
        self.crashed[at]
    }

    /// How many members of a class were invoked before a return.
    pub(super) fn invoked(&self, class: usize, due: u32) -> u32 {
        number(self.invoked[class].partition_point(|before| *before <= due))
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("fewer than 2^32 operations")
}
