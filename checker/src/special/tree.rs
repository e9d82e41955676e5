//! A row of numbers that can be raised and lowered over a range, and searched for the first small
//! one in a range, each in `O(log n)`.

use std::ops::Range;

/// See the module.
pub(super) struct Tree {
    leaves: usize,
    /// The smallest number below a node, without what its ancestors add.
    least: Vec<i64>,
    added: Vec<i64>,
}

impl Tree {
    /// More than anything in a tree: what is raised by this is out.
    pub(super) const OUT: i64 = 1 << 40;

    pub(super) fn new(numbers: impl ExactSizeIterator<Item = i64>) -> Tree {
        let count = numbers.len();
        let leaves = count.next_power_of_two();
        let mut least = vec![Tree::OUT; 2 * leaves];
        least[leaves..leaves + count].iter_mut().zip(numbers).for_each(|(leaf, n)| *leaf = n);
        for node in (1..leaves).rev() {
            least[node] = least[2 * node].min(least[2 * node + 1]);
        }
        Tree { leaves, least, added: vec![0; 2 * leaves] }
    }

    /// Adds to all numbers of a range.
    pub(super) fn add(&mut self, range: Range<usize>, amount: i64) {
        if !range.is_empty() {
            self.add_below(1, 0..self.leaves, &range, amount);
        }
    }

    fn add_below(&mut self, node: usize, covers: Range<usize>, range: &Range<usize>, amount: i64) {
        if range.start <= covers.start && covers.end <= range.end {
            self.least[node] += amount;
            self.added[node] += amount;
            return;
        }
        let middle = covers.start.midpoint(covers.end);
        if range.start < middle {
            self.add_below(2 * node, covers.start..middle, range, amount);
        }
        if middle < range.end {
            self.add_below(2 * node + 1, middle..covers.end, range, amount);
        }
        self.least[node] = self.least[2 * node].min(self.least[2 * node + 1]) + self.added[node];
    }

    /// The first place in a range whose number is at most this.
    pub(super) fn first_at_most(&self, range: Range<usize>, bound: i64) -> Option<usize> {
        if range.is_empty() { None } else { self.first_below(1, 0..self.leaves, &range, bound) }
    }

    fn first_below(
        &self,
        node: usize,
        covers: Range<usize>,
        range: &Range<usize>,
        bound: i64,
    ) -> Option<usize> {
        let outside = covers.end <= range.start || range.end <= covers.start;
        if outside || self.least[node] > bound {
            return None;
        }
        if node >= self.leaves {
            return Some(covers.start);
        }
        let (middle, bound) = (covers.start.midpoint(covers.end), bound - self.added[node]);
        self.first_below(2 * node, covers.start..middle, range, bound)
            .or_else(|| self.first_below(2 * node + 1, middle..covers.end, range, bound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_raised_lowered_and_searched() {
        let mut tree = Tree::new([5, 3, 8, 1, 9].into_iter());
        assert_eq!(tree.first_at_most(0..5, 3), Some(1));
        assert_eq!(tree.first_at_most(2..5, 3), Some(3));
        tree.add(1..4, 4);
        assert_eq!(tree.first_at_most(0..5, 4), None);
        assert_eq!(tree.first_at_most(0..5, 5), Some(0));
        assert_eq!(tree.first_at_most(1..5, 5), Some(3));
        tree.add(0..5, -4);
        assert_eq!(tree.first_at_most(0..3, 1), Some(0));
        assert_eq!(tree.first_at_most(1..3, 2), None);
        assert_eq!(tree.first_at_most(3..3, 100), None);
    }
}
