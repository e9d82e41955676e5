//! Numbers that mostly count up by one: indices of a history, lines of a file.
//!
//! Kept as runs, so a dense history of any length costs sixteen bytes and one with gaps sixteen
//! bytes a gap.

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ramp {
    /// Position and number at which each run begins.
    runs: Vec<(usize, u64)>,
    len: usize,
}

impl Ramp {
    pub(crate) fn last(&self) -> Option<u64> {
        let (begin, first) = self.runs.last()?;
        Some(first + (self.len - 1 - begin) as u64)
    }

    #[inline]
    pub(crate) fn push(&mut self, number: u64) {
        if self.last().is_none_or(|last| last.checked_add(1) != Some(number)) {
            self.runs.push((self.len, number));
        }
        self.len += 1;
    }

    /// The number at a position that exists.
    pub(crate) fn get(&self, position: usize) -> u64 {
        let after = self.runs.partition_point(|(begin, _)| *begin <= position);
        let (begin, first) = self.runs[after - 1];
        first + (position - begin) as u64
    }

    /// The runs, as the position of the first number, the number, and how many there are.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (usize, u64, usize)> + '_ {
        let ends = self.runs.iter().skip(1).map(|(begin, _)| *begin).chain([self.len]);
        self.runs.iter().zip(ends).map(|((begin, first), end)| (*begin, *first, end - begin))
    }

    /// Appends `length` numbers that count up from `first`.
    pub(crate) fn push_run(&mut self, first: u64, length: usize) {
        if length > 0 {
            self.push(first);
            self.len += length - 1;
        }
    }

    /// The first position whose number is not above the one before.
    pub(crate) fn first_descent(&self) -> Option<usize> {
        self.runs
            .iter()
            .skip(1)
            .find_map(|(begin, first)| (self.get(begin - 1) >= *first).then_some(*begin))
    }

    /// Forgets all numbers and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.runs.clear();
        self.len = 0;
    }

    /// Gives back the memory that will not be needed.
    pub(crate) fn shrink(&mut self) {
        self.runs.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(numbers: &[u64]) -> Ramp {
        let mut ramp = Ramp::default();
        numbers.iter().for_each(|number| ramp.push(*number));
        ramp
    }

    #[test]
    fn every_number_comes_back_and_only_gaps_cost() {
        for numbers in [&[5, 6, 7][..], &[0, 2, 3, 9, 8, 8, 9], &[u64::MAX, u64::MAX, 0], &[]] {
            let ramp = ramp(numbers);
            let again: Vec<u64> = (0..ramp.len).map(|at| ramp.get(at)).collect();
            assert_eq!(again, numbers);
            assert_eq!(ramp.last(), numbers.last().copied());
            let mut copy = Ramp::default();
            ramp.runs().for_each(|(_, first, length)| copy.push_run(first, length));
            assert_eq!(copy, ramp);
        }
        assert_eq!(ramp(&[5, 6, 7, 8]).runs.len(), 1);
    }

    #[test]
    fn the_first_number_that_does_not_grow_is_found() {
        assert_eq!(ramp(&[1, 2, 5, 6]).first_descent(), None);
        assert_eq!(ramp(&[1, 2, 5, 5, 4]).first_descent(), Some(3));
        assert_eq!(ramp(&[u64::MAX, u64::MAX]).first_descent(), Some(1));
    }
}
