//! Clients of real systems: one call in, one request out, one honest outcome.
