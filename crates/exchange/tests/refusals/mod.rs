//! Rows of the table of rejects: the name of each, and how to be told it.

pub mod deals;
pub mod exotics;
pub mod intents;
pub mod money;
pub mod orders;
pub mod rules;

use wire::{Action, Outcome, Reject};

use crate::support::*;

/// A reject's name, and what is told to whoever breaks its rule.
pub type Row = (&'static str, fn() -> Option<Reject>);

/// The last of some actions of a user: what it is told.
pub fn last(bench: &mut Bench, user: u8, actions: Vec<Action>) -> Option<Reject> {
    match bench.act(user, actions).pop() {
        Some(Outcome::Rejected { reject }) => Some(reject),
        _ => None,
    }
}

/// On an exchange where users 1 to 5 have a million USDC each, user 1 asks for one thing.
pub fn told(action: Action) -> Option<Reject> {
    Bench::funded().reject_of(1, action)
}
