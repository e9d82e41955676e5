//! Values as numbers, so that states and steps are small.

use std::collections::HashMap;

use crate::value::Value;

/// The numbers of values, from 0 in the order in which they were first seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Ids(HashMap<Value, u32>);

impl Ids {
    pub(super) fn of(&mut self, value: &Value) -> u32 {
        let fresh = u32::try_from(self.0.len()).expect("fewer than 2^32 values");
        match self.0.get(value) {
            Some(known) => *known,
            None => *self.0.entry(value.clone()).or_insert(fresh),
        }
    }
}
