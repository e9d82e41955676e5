//! What the tests of the checker share.

pub(crate) mod case;
pub(crate) mod corpus;
pub(crate) mod exhaustive;
pub(crate) mod generate;
pub(crate) mod place;
