//! Clients against servers that misbehave, and against a real system.

mod described;
mod etcd;
mod misbehaving;
mod server;
