//! The commit rule against drawings, against random DAGs and against a checker that restates it.
//!
//! Invariant: the checker and the drawings never call the code they check; they share with it only the types
//! of `wire` and `crypto`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper of a test fails the test")]

mod cases;
mod checker;
mod checkpoints;
mod coin;
mod dag;
mod drawing;
mod faults;
mod floor;
mod properties;
mod run;
mod shares;
mod tape;
mod weave;
