//! Everything that was read of something that grows at its end, as a tree of beginnings.
//!
//! What has grown to no beginning of anything that was read can never be read: whatever is
//! appended, it stays so. So it need not be known what it is, and a place in the tree is all that
//! there is to know of the rest; comparing and extending take constant time.

use std::collections::HashMap;

/// A place in the tree; [`ROOT`] is the empty beginning.
pub(super) type Node = u32;

pub(super) const ROOT: Node = 0;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Trie {
    children: HashMap<(Node, u32), Node>,
}

impl Trie {
    /// Takes in something that was read, and every beginning of it.
    pub(super) fn insert(&mut self, symbols: impl IntoIterator<Item = u32>) -> Node {
        symbols.into_iter().fold(ROOT, |node, symbol| {
            let fresh =
                1 + Node::try_from(self.children.len()).expect("fewer than 2^32 beginnings");
            *self.children.entry((node, symbol)).or_insert(fresh)
        })
    }

    /// Where these symbols lead from a place; `None` if nothing that begins so was read.
    pub(super) fn walk(&self, from: Node, symbols: impl IntoIterator<Item = u32>) -> Option<Node> {
        symbols
            .into_iter()
            .try_fold(from, |node, symbol| self.children.get(&(node, symbol)).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_beginnings_of_what_was_read_have_a_place() {
        let mut trie = Trie::default();
        let read = trie.insert([1, 2, 3]);
        assert_eq!(trie.insert([1, 2, 3]), read);
        let beginning = trie.walk(ROOT, [1, 2]).expect("a beginning of it");
        assert_eq!(trie.walk(beginning, [3]), Some(read));
        assert_eq!(trie.walk(ROOT, [2]), None);
        assert_eq!(trie.walk(read, [1]), None);
    }
}
