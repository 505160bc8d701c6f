//! One account: positions, open orders, margin aggregates.
//!
//! Invariant: `risk` holds, for each underlying, exactly the sums over the account's positions and open
//! orders at the present marks; a test recomputes them from scratch.

use std::collections::{BTreeMap, BTreeSet};

use num::{Cash, Position};
use wire::{AccountId, InstrumentId, Label, OrderId, UnderlyingId};

use crate::{instrument::Instrument, margin::UnderlyingRisk};

/// A position in one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    pub position: Position,
    /// Signed sum of price times lots over the fills that made the present position, in money; negative for
    /// a short. For futures it is what is still to be paid; for options it was paid when they traded.
    pub entry: Cash,
}

impl Holding {
    /// What is still to be paid for the position.
    pub fn cost(&self, instrument: &Instrument) -> Cash {
        if instrument.is_option() { Cash::ZERO } else { self.entry }
    }
}

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
