//! How each configuration came about: parent links, shared by all configurations.
//!
//! Only choices are recorded, that is live operations made visible and crashed ones used.
//! Observers follow from them (they are taken wherever they are legal) and so do absorbed writes.
//! Old events soon have a single ancestor, so dead branches are swept when the store has doubled.

use super::crashed::ClassId;

/// A node of the store; [`Paths::START`] is the empty path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PathId(u32);

/// A choice of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// This live operation took effect, by its number in the input.
    Live(u32),
    /// Some crashed operation of this class did.
    Crashed(ClassId),
}

#[derive(Clone, Copy, Debug)]
struct Node {
    parent: PathId,
    choice: Choice,
    /// The event at which the choice was made.
    at: u32,
}

/// All paths of one search.
pub(crate) struct Paths {
    nodes: Vec<Node>,
    sweep_at: usize,
    recording: Recording,
}

/// Whether anybody will ask for paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recording {
    On,
    Off,
}

/// So few in tests that small histories meet sweeps, too.
const FIRST_SWEEP: usize = if cfg!(test) { 8 } else { 1 << 18 };

impl Paths {
    pub(crate) const START: PathId = PathId(u32::MAX);

    pub(crate) fn new() -> Paths {
        Paths { nodes: Vec::new(), sweep_at: FIRST_SWEEP, recording: Recording::On }
    }

    /// A store that keeps nothing: all paths in it are empty.
    pub(crate) fn forgotten() -> Paths {
        Paths { recording: Recording::Off, ..Paths::new() }
    }

    pub(crate) fn bytes(&self) -> u64 {
        (self.nodes.capacity() * size_of::<Node>()) as u64
    }

    pub(crate) fn extend(&mut self, parent: PathId, choice: Choice, at: u32) -> PathId {
        if self.recording == Recording::Off {
            return Paths::START;
        }
        let id = PathId(u32::try_from(self.nodes.len()).expect("memory is spent before"));
        self.nodes.push(Node { parent, choice, at });
        id
    }

    /// The choices on the way to `end`, in order, with the event at which each was made.
    pub(crate) fn choices(&self, end: PathId) -> Vec<(u32, Choice)> {
        let mut choices = Vec::new();
        let mut at = end;
        while at != Paths::START {
            let node = self.nodes[at.0 as usize];
            choices.push((node.at, node.choice));
            at = node.parent;
        }
        choices.reverse();
        choices
    }

    /// Forgets what none of `ends` came through, if that is worth while, and renumbers them.
    pub(crate) fn sweep<'a>(&mut self, ends: impl Iterator<Item = &'a mut PathId>) {
        if self.nodes.len() < self.sweep_at {
            return;
        }
        let ends: Vec<&mut PathId> = ends.collect();
        let mut alive = vec![false; self.nodes.len()];
        for end in &ends {
            let mut at = **end;
            while at != Paths::START && !alive[at.0 as usize] {
                alive[at.0 as usize] = true;
                at = self.nodes[at.0 as usize].parent;
            }
        }
        // A parent is older than its children, so one pass in order meets it first.
        let mut moved = vec![Paths::START; self.nodes.len()];
        let mut kept = 0;
        for old in 0..self.nodes.len() {
            if alive[old] {
                let mut node = self.nodes[old];
                if node.parent != Paths::START {
                    node.parent = moved[node.parent.0 as usize];
                }
                moved[old] = PathId(u32::try_from(kept).expect("not more than before"));
                self.nodes[kept] = node;
                kept += 1;
            }
        }
        self.nodes.truncate(kept);
        for end in ends.into_iter().filter(|end| **end != Paths::START) {
            *end = moved[end.0 as usize];
        }
        self.sweep_at = FIRST_SWEEP.max(2 * kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sweeping_keeps_the_paths_that_still_end_somewhere() {
        let mut paths = Paths::new();
        let mut end = Paths::START;
        for event in 0..u32::try_from(FIRST_SWEEP).expect("small") {
            paths.extend(end, Choice::Crashed(ClassId(9)), event);
            if event % 3 == 0 {
                end = paths.extend(end, Choice::Live(event), event);
            }
        }
        let before = paths.choices(end);
        paths.sweep([&mut end].into_iter());
        assert_eq!(paths.choices(end), before);
        assert_eq!(paths.nodes.len(), before.len());
    }

    #[test]
    fn the_empty_path_stays_empty_and_several_ends_keep_what_they_share() {
        let mut paths = Paths::new();
        let mut shared = Paths::START;
        for event in 0..3 {
            shared = paths.extend(shared, Choice::Live(event), event);
        }
        (0..u32::try_from(FIRST_SWEEP).expect("small")).for_each(|event| {
            paths.extend(shared, Choice::Live(event), event);
        });
        let mut ends = [
            Paths::START,
            paths.extend(shared, Choice::Live(7), 8),
            paths.extend(shared, Choice::Crashed(ClassId(7)), 9),
        ];
        let before = ends.map(|end| paths.choices(end));
        paths.sweep(ends.iter_mut());
        assert_eq!(ends.map(|end| paths.choices(end)), before);
        assert_eq!((ends[0], paths.nodes.len()), (Paths::START, 5));
        // Few are left, so the next sweep is as far off as the first one was.
        paths.sweep([].into_iter());
        assert_eq!(paths.nodes.len(), 5);
    }

    #[test]
    fn a_store_that_keeps_nothing_tells_nothing() {
        let mut paths = Paths::forgotten();
        assert_eq!(paths.extend(Paths::START, Choice::Live(1), 1), Paths::START);
        assert_eq!(paths.bytes(), 0);
    }
}
