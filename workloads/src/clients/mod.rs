//! Clients of real systems: one call in, one request out, one honest outcome.
//!
//! A verdict is worth what the clients' outcomes are worth. A request that is sent twice, an
//! answer that belongs to another request, a `fail` that took effect after all: each of them makes
//! a correct system look broken or, worse, a broken one correct. The module `http` is where requests
//! leave; it is the one owner of reqwest here. `home` knows which member a process talks to. The other
//! modules are one system each and map its answers to outcomes.

pub mod described;
pub mod etcd;
pub mod external;
mod home;
mod http;
mod json;
pub mod sandbox;
