//! Every row of the reference vectors within the tolerance that their README advises.
//!
//! Invariant: a kind is held by a few rows written here, by the corners of `corners/`, and by the whole file where the
//! shared folder is there.
//!
//! The corners were computed without the formulas that they try. With mpmath, 40 digits: barriers from the density that a
//! reflection leaves (and that of the hit), lookbacks from the distribution of the running extreme, averages from the
//! moments of the logarithm or from an integral over the first fixings, Heston from Gil-Pelaez' two probabilities (120
//! bits). SABR and digitals are their formula with 80 and 40 digits. Americans are QuantLib's where two of its schemes
//! agree to 2e-6, and where they do not, an extrapolated binomial tree of 12,000 steps.
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
