//! Every row of the reference vectors within the tolerance that their README advises.
//!
//! Invariant: a kind is held by a few rows written here, and by the whole file where the shared folder is there.
#![allow(
    clippy::float_arithmetic,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that compares floats, and says what it skipped"
)]

mod european;
mod exotic;
mod implied;
mod model;
mod table;
mod var;
