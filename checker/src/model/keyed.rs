//! States of objects with many keys, of which only those are kept that hold something else than
//! they did at first; sorted by key.

use super::ValueId;

/// What keys hold, without those that hold what they held at first.
pub(super) type Keyed<T> = Vec<(ValueId, T)>;

/// What a key holds, if not what it held at first.
pub(super) fn get<T>(state: &[(ValueId, T)], key: ValueId) -> Option<&T> {
    let found = state.binary_search_by_key(&key, |(key, _)| *key);
    found.ok().map(|at| &state[at].1)
}

/// Lets a key hold something; `initial` is what it held at first.
pub(super) fn set<T: PartialEq>(state: &mut Keyed<T>, key: ValueId, held: T, initial: &T) {
    let is_initial = held == *initial;
    match (state.binary_search_by_key(&key, |(key, _)| *key), is_initial) {
        (Ok(at), true) => drop(state.remove(at)),
        (Ok(at), false) => state[at].1 = held,
        (Err(_), true) => {}
        (Err(at), false) => state.insert(at, (key, held)),
    }
}
