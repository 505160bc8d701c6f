//! The same bits on every machine: hashes over many inputs, equal for every variant that this machine has, and
//! equal to what is written here. What runs in several variants is held over ten million inputs in `_slow` tests.
//!
//! Invariant: a hash changes only when somebody decides that a function gives other bits. That is a change of the
//! protocol: replicas with different bits disagree.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, reason = "a test of floats")]

mod contracts;
mod european;
mod functions;
mod models;
mod numbers;
