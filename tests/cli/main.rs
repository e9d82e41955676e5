//! End-to-end tests of the binary: what it prints where, and how it exits.

mod analyze;
mod binary;
mod client_check;
mod gate;
mod malformed;
mod other_commands;
mod readme;
mod serve;
mod several_files;
mod shrink;
mod stream;
mod usage;
mod verify;
