//! The seeds of a matrix: those that its author names, and those that are new every night.

use super::file::Matrix;

/// A seed, and what its cell is called by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seed {
    pub(super) seed: u64,
    /// The same every night, so that a cell is the same cell every night.
    pub(super) name: String,
}

/// The seeds of a matrix in a night whose own seed is `night`. Every combination of the other axes
/// gets the same ones.
pub(super) fn of(matrix: &Matrix, night: u64) -> Vec<Seed> {
    let named = matrix.seeds.iter().map(|&seed| Seed { seed, name: format!("s{seed}") });
    let none = matrix.seeds.is_empty() && matrix.fresh_seeds.is_none();
    let fresh = matrix.fresh_seeds.unwrap_or(u32::from(none));
    let fresh = (0..u64::from(fresh))
        .map(|n| Seed { seed: night.wrapping_add(n), name: format!("r{}", n + 1) });
    named.chain(fresh).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_seeds_stay_and_fresh_ones_follow_the_night() {
        let matrix = Matrix { seeds: vec![7], fresh_seeds: Some(2), ..Matrix::default() };
        let seeds = |night| of(&matrix, night).iter().map(|seed| seed.seed).collect::<Vec<_>>();
        assert_eq!(seeds(100), [7, 100, 101]);
        assert_eq!(seeds(u64::MAX), [7, u64::MAX, 0]);
        let names: Vec<String> = of(&matrix, 5).into_iter().map(|seed| seed.name).collect();
        assert_eq!(names, ["s7", "r1", "r2"]);
    }

    #[test]
    fn without_any_there_is_one_fresh_seed() {
        assert_eq!(of(&Matrix::default(), 3).len(), 1);
    }
}
