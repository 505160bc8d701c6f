//! Deliveries of expiries and what they paid.
//!
//! Invariant: one delivery an expiry and underlying, in the order of the commits.

use num::{Cash, Fix};
use wire::{AccountId, InstrumentId};

/// An expiry that was settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub underlying: String,
    pub expiry_ms: u64,
    pub price: Cash,
    /// The commit's time.
    pub time_ms: u64,
}

/// One instrument's end; one account's part of it when `account` is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Rises by one for each; the venue's `continuation` is one of these.
    pub id: u64,
    pub account: Option<AccountId>,
    pub instrument: InstrumentId,
    pub time_ms: u64,
    /// Signed for an account; for the instrument what was open.
    pub position: Fix,
    pub mark: Cash,
    pub index: Cash,
    /// What the account was paid at the delivery.
    pub paid: Cash,
    /// What it made since it opened the position.
    pub profit: Cash,
}
