//! The ways of deciding, by name: one can be asked for instead of the usual choice.

/// How to decide a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// Whatever is fastest: procedures, then zones, then the frontier, and the competition once
    /// the frontier alone takes long.
    #[default]
    Auto,
    /// Frontier and depth-first search side by side; the first verdict counts.
    Competition,
    /// Depth-first search with a memory (Wing, Gong and Lowe).
    Wgl,
    /// Breadth-first search, return by return.
    Frontier,
    /// The model's own procedure, or zones: no search.
    Zones,
    /// Every order of a small history, by the definition.
    Exhaustive,
}

impl Algorithm {
    /// All of them.
    pub const ALL: &[Algorithm] = &[
        Algorithm::Auto,
        Algorithm::Competition,
        Algorithm::Wgl,
        Algorithm::Frontier,
        Algorithm::Zones,
        Algorithm::Exhaustive,
    ];

    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Algorithm::Auto => "auto",
            Algorithm::Competition => "competition",
            Algorithm::Wgl => "wgl",
            Algorithm::Frontier => "frontier",
            Algorithm::Zones => "zones",
            Algorithm::Exhaustive => "exhaustive",
        }
    }

    /// What it is good for, in a line.
    pub fn about(self) -> &'static str {
        match self {
            Algorithm::Auto => "whatever is fastest for each object",
            Algorithm::Competition => "frontier and wgl side by side; the first verdict counts",
            Algorithm::Wgl => "depth first, with a memory: valid histories of very many processes",
            Algorithm::Frontier => "breadth first, return by return: violations, and most others",
            Algorithm::Zones => "without search: values written once, or the model's own procedure",
            Algorithm::Exhaustive => "every order, by the definition: up to 64 operations",
        }
    }

    /// The algorithm with this name.
    pub fn parse(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.iter().copied().find(|algorithm| algorithm.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_is_found_by_its_name_and_by_no_other() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.name()), Some(*algorithm));
        }
        assert_eq!(Algorithm::parse("Frontier"), None);
    }
}
