//! A listed instrument and what it is worth at the moment.
//!
//! Invariant: an instrument that was settled never trades again.

use num::{Cash, Fix, Lots, Market, Ticks, Timestamp};
use wire::{ContractKind, InstrumentId, OrderId, UnderlyingId};

use crate::{
    combo::Combo,
    exotic::{self, Exotic},
    funding::Funding,
    halt::{Halt, TakerFlow},
    ledger::AccountIndex,
    margin::{Fine, product},
    name::Contract,
    saved::{Input, LoadError, Save},
};

/// Whether an instrument trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    Open,
    /// Its expiry has come; it waits for the delivery price.
    Expired,
    Settled {
        price: Cash,
    },
    /// Taken off by the rule; it may come back.
    Delisted,
}

saved_choice!(Listing { 0 => Open, 1 => Expired, 2 => Settled { price }, 3 => Delisted });

/// A listed instrument.
#[derive(Clone, Debug)]
pub struct Instrument {
    pub id: InstrumentId,
    pub name: String,
    pub underlying: UnderlyingId,
    pub contract: Contract,
    /// The legs of a combo; nobody holds one: its trades are those of its legs.
    pub combo: Option<Combo>,
    /// What has become of an exotic; it has no book.
    pub exotic: Option<Exotic>,
    pub market: Market,
    pub listing: Listing,
    /// `None` until the first mark.
    pub valuation: Option<Valuation>,
    /// Lots held long, equal to those held short.
    pub open_interest: u64,
    /// The largest position of an account, either way: worth a number that can be counted at any price that
    /// may be observed.
    pub position_max: Lots,
    /// Whether and until when it stands still.
    pub halt: Option<Halt>,
    /// Held orders that wait for its opening.
    pub(crate) collected: Vec<(OrderId, AccountIndex)>,
    pub(crate) flow: TakerFlow,
    /// Of a perpetual; nothing for the rest.
    pub funding: Funding,
    /// The price of the last trade.
    pub last_trade: Option<Ticks>,
}

/// What one whole unit is worth and how that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Valuation {
    pub mark: Cash,
    pub forward: Cash,
    /// `None` for what has no volatility.
    pub volatility: Option<Fix>,
    pub greeks: Greeks,
    pub standard: StandardMargin,
    /// Profit of one whole unit in each scenario of the grid, in micros, weights applied.
    pub scenarios: Profits,
}

saved!(Valuation { mark, forward, volatility, greeks, standard, scenarios });

/// What one whole unit makes in each scenario, with the least and the most of it at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profits {
    all: Vec<i64>,
    least: i64,
    most: i64,
}

impl From<Vec<i64>> for Profits {
    fn from(all: Vec<i64>) -> Self {
        let (least, most) = (all.iter().min().copied(), all.iter().max().copied());
        Self { all, least: least.unwrap_or(0), most: most.unwrap_or(0) }
    }
}

impl FromIterator<i64> for Profits {
    fn from_iter<T: IntoIterator<Item = i64>>(all: T) -> Self {
        Vec::from_iter(all).into()
    }
}

impl core::ops::Deref for Profits {
    type Target = [i64];

    fn deref(&self) -> &[i64] {
        &self.all
    }
}

impl Save for Profits {
    fn save(&self, out: &mut Vec<u8>) {
        self.all.save(out);
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        Vec::load(input).map(Self::from)
    }
}

impl Profits {
    /// What so many units make where they make least.
    pub(crate) fn worst(&self, units: Fine) -> Fine {
        product(units, if units < 0 { self.most } else { self.least })
    }

    /// The most that a unit makes or loses.
    pub(crate) const fn largest(&self) -> u64 {
        let (least, most) = (self.least.unsigned_abs(), self.most.unsigned_abs());
        if least > most { least } else { most }
    }
}

/// What the standard model asks for one whole unit, in micros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StandardMargin {
    pub long: i64,
    pub short: i64,
}

saved!(StandardMargin { long, short });

impl StandardMargin {
    /// For so many billionths of a unit, short when negative; in billionths of a micro.
    pub(crate) fn of(self, units: i128) -> i128 {
        let per_unit = if units < 0 { self.short } else { self.long };
        units.abs() * i128::from(per_unit)
    }
}

/// Sensitivities of one whole unit: plain derivatives, a year for theta, 1.00 for vega and rho.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Greeks {
    pub delta: Fix,
    pub gamma: Fix,
    pub vega: Fix,
    pub theta: Fix,
    pub rho: Fix,
}

saved!(Greeks { delta, gamma, vega, theta, rho });

impl Instrument {
    /// Whether it is an option, exotic or not: its price is paid when it trades.
    pub fn is_option(&self) -> bool {
        matches!(self.contract, Contract::Option { .. } | Contract::Exotic { .. })
    }

    pub fn kind(&self) -> ContractKind {
        match self.contract {
            Contract::Option { .. } => ContractKind::Option,
            Contract::Future { .. } => ContractKind::Future,
            Contract::Perpetual => ContractKind::Perpetual,
            Contract::Combo { .. } => ContractKind::Combo,
            Contract::Exotic { .. } => ContractKind::Exotic,
        }
    }

    pub const fn is_combo(&self) -> bool {
        self.combo.is_some()
    }

    pub fn is_open(&self) -> bool {
        self.listing == Listing::Open
    }

    pub fn mark(&self) -> Option<Cash> {
        self.valuation.as_ref().map(|valuation| valuation.mark)
    }

    /// What one whole unit pays at the delivery price.
    pub fn payoff(&self, price: Cash) -> Cash {
        match self.contract {
            Contract::Option { strike, right, .. } => exotic::intrinsic(right, price, strike),
            Contract::Exotic { .. } => exotic::payoff(self, price),
            Contract::Future { .. } | Contract::Perpetual => price,
            // Nobody holds one.
            Contract::Combo { .. } => Cash::ZERO,
        }
    }

    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.contract.expiry().is_some_and(|expiry| expiry <= now)
    }
}
