//! An order at rest, as the state keeps it beside the book.
//!
//! Invariant: `filled < lots` for every order in the state; what the book holds of it is `lots - filled`.

use num::{Lots, Side, Ticks};
use wire::{InstrumentId, Label, OrderId, PostOnly, ReduceOnly};

use crate::ledger::AccountIndex;

/// Where in a commit's order an action stands: the intent, then the action in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActionPlace {
    pub intent: usize,
    pub action: usize,
}

/// A resting order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub id: OrderId,
    pub account: AccountIndex,
    pub instrument: InstrumentId,
    pub side: Side,
    pub price: Ticks,
    /// Total, filled part included.
    pub lots: Lots,
    pub filled: Lots,
    pub post_only: PostOnly,
    pub reduce_only: ReduceOnly,
    pub label: Label,
    /// The commit that placed or last re-queued it.
    pub commit: u64,
    /// The place in that commit of the action that did.
    pub place: ActionPlace,
}

impl Order {
    pub fn remaining(&self) -> Lots {
        self.lots.checked_sub(self.filled).unwrap_or(Lots::ZERO)
    }
}
