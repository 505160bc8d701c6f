//! One account: positions, open orders, margin aggregates.
//!
//! Invariant: `risk` holds, for each underlying, exactly the sums over the account's positions and open
//! orders at the present marks; a test recomputes them from scratch.

use std::collections::{BTreeMap, BTreeSet};

use num::{Cash, Position};
use wire::{AccountId, InstrumentId, Label, OrderId, UnderlyingId};

use crate::{holding::Holding, margin::UnderlyingRisk};

/// Where an account stands with its margin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    Sound,
    /// It fell below its maintenance margin and is being closed.
    Liquidating,
}

/// An account and its subaccount number, with everything it holds but its balance.
#[derive(Clone, Debug)]
pub struct Account {
    pub id: AccountId,
    pub holdings: BTreeMap<InstrumentId, Holding>,
    pub orders: BTreeSet<OrderId>,
    pub labels: BTreeMap<Label, OrderId>,
    pub(crate) risk: BTreeMap<UnderlyingId, UnderlyingRisk>,
    pub health: Health,
    /// Realised profit since the account was opened, fees apart.
    pub realised: Cash,
}

impl Account {
    pub fn new(id: AccountId) -> Self {
        Self {
            id,
            holdings: BTreeMap::new(),
            orders: BTreeSet::new(),
            labels: BTreeMap::new(),
            risk: BTreeMap::new(),
            health: Health::Sound,
            realised: Cash::ZERO,
        }
    }

    pub fn position(&self, instrument: InstrumentId) -> Position {
        self.holdings.get(&instrument).map_or(Position::FLAT, |holding| holding.position)
    }
}
