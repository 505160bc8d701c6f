//! An order at rest, as the state keeps it beside the book, and one that waits for its trigger.
//!
//! Invariant: `filled < lots` for every order in the state; what the book holds of it is
//! `lots - filled - hidden`, and more than nothing.

use num::{Lots, Side, Ticks, Timestamp};
use wire::{
    Conditions, InstrumentId, Label, NewOrder, OrderId, PostOnly, ReduceOnly, SelfTrade, TimeInForce,
};

use crate::{
    book::{RestingOrder, Slot},
    fetch::fetch,
    ledger::AccountIndex,
    saved::{Input, LoadError, Save},
};

/// Where in a commit's order an action stands: the intent, then the action in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ActionPlace {
    pub intent: usize,
    pub action: usize,
}

saved!(ActionPlace { intent, action });

/// What an order keeps of the conditions it was placed with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Ends with the first commit later than this.
    pub until: Option<Timestamp>,
    pub rivals: Option<u32>,
    pub self_trade: SelfTrade,
    pub display: Option<Lots>,
    pub protection: Option<u16>,
}

saved!(Standing { until, rivals, self_trade, display, protection });

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
    /// What the book does not show.
    pub hidden: Lots,
    pub post_only: PostOnly,
    pub reduce_only: ReduceOnly,
    pub label: Label,
    pub standing: Standing,
    /// The commit that placed or last re-queued it.
    pub commit: u64,
    /// The place in that commit of the action that did.
    pub place: ActionPlace,
    /// Where it lies in its book.
    pub(crate) slot: Slot,
}

/// Where in memory an order lies is no part of what is saved.
impl Save for Slot {
    fn save(&self, _: &mut Vec<u8>) {}

    fn load(_: &mut Input<'_>) -> Result<Self, LoadError> {
        Ok(Self::NOWHERE)
    }
}

saved!(Order {
    id,
    account,
    instrument,
    side,
    price,
    lots,
    filled,
    hidden,
    post_only,
    reduce_only,
    label,
    standing,
    commit,
    place,
    slot,
});

/// An order that has not entered yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldOrder {
    pub terms: NewOrder,
    pub conditions: Conditions,
    /// The order that must fill whole before, where that is what it waits for.
    pub primary: Option<OrderId>,
    pub commit: u64,
    pub place: ActionPlace,
}

saved!(HeldOrder { terms, conditions, primary, commit, place });

impl Standing {
    pub(crate) fn of(terms: &NewOrder, conditions: &Conditions) -> Self {
        let until = match terms.time_in_force {
            TimeInForce::GoodTilTime { until } => Some(until),
            _ => None,
        };
        Self {
            until,
            rivals: conditions.rivals,
            self_trade: conditions.self_trade,
            display: conditions.display,
            protection: conditions.protection,
        }
    }
}

impl Order {
    /// In place of an order where there is none: no order has that number.
    pub(crate) const NONE: Self = Self {
        id: OrderId(u64::MAX),
        account: 0,
        instrument: InstrumentId(0),
        side: Side::Buy,
        price: Ticks::new(0),
        lots: Lots::ZERO,
        filled: Lots::ZERO,
        hidden: Lots::ZERO,
        post_only: PostOnly::Off,
        reduce_only: ReduceOnly::Off,
        label: Label::EMPTY,
        standing: Standing {
            until: None,
            rivals: None,
            self_trade: SelfTrade::ExpireTaker,
            display: None,
            protection: None,
        },
        commit: 0,
        place: ActionPlace { intent: 0, action: 0 },
        slot: Slot::NOWHERE,
    };

    /// The order, out of a place where none is left.
    pub(crate) fn leave(&mut self) -> Self {
        let label = core::mem::replace(&mut self.label, Label::EMPTY);
        let order = Self { label, ..*self };
        self.id = Self::NONE.id;
        order
    }

    /// Asks for its lines.
    pub(crate) fn fetch(&self) {
        fetch(&self.standing);
        fetch(&self.id);
        fetch(&self.commit);
        fetch(&self.slot);
    }

    pub fn remaining(&self) -> Lots {
        self.lots.checked_sub(self.filled).unwrap_or(Lots::ZERO)
    }

    /// What the book holds of it.
    pub fn shown(&self) -> Lots {
        self.remaining().checked_sub(self.hidden).unwrap_or(Lots::ZERO)
    }

    /// The order as its book keeps it.
    pub(crate) fn resting(&self) -> RestingOrder {
        RestingOrder {
            id: self.id,
            owner: self.account,
            side: self.side,
            price: self.price,
            remaining: self.shown(),
        }
    }

    /// Shows the next part of what is left and hides the rest.
    pub(crate) fn show_next(&mut self) {
        let shown = self.standing.display.map_or(self.remaining(), |display| display.min(self.remaining()));
        self.hidden = self.remaining().checked_sub(shown).unwrap_or(Lots::ZERO);
    }
}
