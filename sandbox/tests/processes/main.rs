//! The sandbox as a system: real processes on the loopback interface.

mod bugs;
mod store;
mod support;
