//! Sharing of repeated text: a history says `:read` a million times and should own it once.
//!
//! A direct-mapped cache rather than a table: bounded, no matter what the input holds, and a hit
//! is a comparison of a few bytes. Text that falls out is merely allocated again.

use std::hash::BuildHasher;
use std::sync::Arc;

use rustc_hash::FxBuildHasher;

const SLOTS: usize = 4096;

/// Longer text is hardly ever repeated, and hashing it would cost more than it saves.
const LONGEST: usize = 48;

pub(crate) struct Names {
    slots: Vec<Option<Arc<str>>>,
}

impl Names {
    pub(crate) fn new() -> Names {
        Names { slots: vec![None; SLOTS] }
    }

    /// The text as a shared string, or `None` if it is not UTF-8.
    pub(crate) fn share(&mut self, text: &[u8]) -> Option<Arc<str>> {
        if text.len() > LONGEST {
            return std::str::from_utf8(text).ok().map(Arc::from);
        }
        let slot = &mut self.slots[FxBuildHasher.hash_one(text) as usize % SLOTS];
        if let Some(known) = slot
            && known.as_bytes() == text
        {
            return Some(known.clone());
        }
        let fresh: Arc<str> = std::str::from_utf8(text).ok()?.into();
        *slot = Some(fresh.clone());
        Some(fresh)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_text_is_allocated_once() {
        let mut names = Names::new();
        let (first, second) = (names.share(b"read").unwrap(), names.share(b"read").unwrap());
        assert!(Arc::ptr_eq(&first, &second));
        assert!(names.share(b"\xff").is_none());
    }
}
