//! Clients against servers that misbehave, and against a real system.

mod described;
mod etcd;
mod external;
mod misbehaving;
mod server;
