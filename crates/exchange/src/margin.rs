//! Margin by scenarios: what an account could lose, as sums that are kept up to date.
//!
//! For each underlying an account has one vector of profits over the scenarios of the grid for its
//! positions, and one for its open orders. An order counts, in each scenario, with what it would add if it
//! filled, and with nothing where that is a gain: the minimum over scenarios of the two vectors' sum is then
//! exactly the worst over all scenarios and all subsets of fills (exchange.md, Margin). Beside it stands the
//! standard margin, position by position, for accounts that choose it.
//!
//! Invariant: the vectors are sums of integers, so they can be kept by adding and taking away; nothing is
//! rounded before the end, and then against the account.

use num::{Cash, Fix, Position, Rounding, Side, Ticks};
use wire::UnderlyingId;

use crate::{
    contingency::{Contingency, Interest, Units},
    coverage::OrderChange,
    instrument::{Instrument, Valuation},
    risk::worst,
};

/// Cash times `Fix`: micros of USDC in billionths. Sums of these are exact.
pub(crate) type Fine = i128;

const FINE_PER_CASH: i128 = 1_000_000_000;

/// The sums over one account's positions and orders in one underlying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnderlyingRisk {
    /// Profit of the positions in each scenario.
    pub positions: Vec<Fine>,
    /// What open orders could add to the loss in each scenario; never above zero.
    pub orders: Vec<Fine>,
    /// What the positions are worth at the marks, less what is not yet paid for them.
    pub value: Fine,
    /// Standard margin of positions, and what orders could add to it.
    pub standard: Fine,
    pub contingency: Contingency,
}

/// What an account needs and has, in one underlying or in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Margin {
    pub maintenance: Cash,
    pub initial: Cash,
    /// Unrealised profit and option value.
    pub value: Cash,
    /// The scenario that loses most; the first of several.
    pub worst_scenario: Option<usize>,
}

impl UnderlyingRisk {
    pub(crate) fn new(scenarios: usize) -> Self {
        Self {
            positions: vec![0; scenarios],
            orders: vec![0; scenarios],
            value: 0,
            standard: 0,
            contingency: Contingency::default(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.value == 0
            && self.standard == 0
            && self.contingency.is_empty()
            && self.positions.iter().chain(&self.orders).all(|sum| *sum == 0)
    }

    /// Adds (`sign` 1) or takes away (-1) a position of `lots` that cost `cost`.
    pub(crate) fn add_position(&mut self, it: &Instrument, lots: Position, cost: Cash, sign: i128) {
        let Some(valuation) = &it.valuation else { return };
        let size = units(it, lots);
        let units = size * sign;
        for (sum, profit) in self.positions.iter_mut().zip(&valuation.scenarios) {
            *sum += units * i128::from(*profit);
        }
        self.value +=
            units * i128::from(valuation.mark.micros()) - i128::from(cost.micros()) * FINE_PER_CASH * sign;
        self.standard += valuation.standard.of(size) * sign;
        self.contingency.add(it, Interest { net: units, ..Interest::default() });
    }

    /// Adds (`sign` 1) or takes away (-1) an open order.
    pub(crate) fn add_order(&mut self, it: &Instrument, order: &OpenOrder, sign: i128) {
        let Some(valuation) = &it.valuation else { return };
        let filled = Filled::of(it, valuation, order);
        for (sum, profit) in self.orders.iter_mut().zip(&valuation.scenarios) {
            *sum += filled.loss(*profit) * sign;
        }
        self.standard += filled.standard(valuation) * sign;
        self.contingency.add(it, filled.interest().times(sign));
    }

    /// The sum of each scenario, with a trial's orders if there is one.
    pub(crate) fn sums<'a>(&'a self, trial: Option<&'a Trial<'a>>) -> impl Iterator<Item = Fine> + 'a {
        let held = self.positions.iter().zip(&self.orders).map(|(position, order)| position + order);
        let tried = move |scenario| trial.map_or(0, |trial| trial.change_at(scenario));
        held.enumerate().map(move |(scenario, sum)| sum + tried(scenario))
    }

    /// The scenario that loses most.
    pub(crate) fn worst_scenario(&self) -> Option<usize> {
        worst_loss(self.sums(None)).0
    }

    pub(crate) fn units(&self, trial: Option<&Trial<'_>>) -> Units {
        match trial {
            Some(trial) => self.contingency.units_with(trial.it, trial.interest()),
            None => self.contingency.units(),
        }
    }

    /// The standard margin in micros, rounded up.
    pub(crate) fn standard(&self, trial: Option<&Trial<'_>>) -> i128 {
        ceil_part(self.standard + trial.map_or(0, Trial::standard))
    }

    /// What the positions are worth, rounded down.
    pub(crate) fn value(&self) -> Cash {
        let least = if self.value < 0 { Cash::MIN } else { Cash::MAX };
        num::div_round(self.value, FINE_PER_CASH, Rounding::Floor).and_then(Cash::from_i128).unwrap_or(least)
    }
}

/// The scenario that loses most, if any loses, and its loss.
pub(crate) fn worst_loss(sums: impl Iterator<Item = Fine>) -> (Option<usize>, Fine) {
    let worst = worst(sums).filter(|(_, sum)| *sum < 0);
    worst.map_or((None, 0), |(scenario, sum)| (Some(scenario), -sum))
}

/// Changes of the open orders in one instrument, tried on without being made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trial<'a> {
    it: &'a Instrument,
    adds: [Option<Filled>; 2],
    removes: [Option<Filled>; 2],
}

impl<'a> Trial<'a> {
    pub(crate) fn of(it: &'a Instrument, change: &OrderChange) -> Self {
        let filled = |order: &Option<OpenOrder>| {
            order
                .as_ref()
                .zip(it.valuation.as_ref())
                .map(|(order, valuation)| Filled::of(it, valuation, order))
        };
        Self { it, adds: change.adds.each_ref().map(filled), removes: change.removes.each_ref().map(filled) }
    }

    pub(crate) const fn underlying(&self) -> UnderlyingId {
        self.it.underlying
    }

    /// What the adds make, less what the removes made.
    fn balance<T: core::iter::Sum + core::ops::Sub<Output = T>>(&self, of: impl Fn(&Filled) -> T) -> T {
        let sum = |orders: &[Option<Filled>; 2]| orders.iter().flatten().map(&of).sum::<T>();
        sum(&self.adds) - sum(&self.removes)
    }

    fn change_at(&self, scenario: usize) -> Fine {
        let profits = self.it.valuation.as_ref().map(|valuation| &valuation.scenarios);
        let profit = profits.and_then(|profits| profits.get(scenario)).copied().unwrap_or_default();
        self.balance(|filled| filled.loss(profit))
    }

    fn standard(&self) -> Fine {
        let Some(valuation) = &self.it.valuation else { return 0 };
        self.balance(|filled| filled.standard(valuation))
    }

    fn interest(&self) -> Interest {
        let sum = |orders: &[Option<Filled>; 2], sign: i128| {
            let interests = orders.iter().flatten().map(|filled| filled.interest().times(sign));
            interests.fold(Interest::default(), Interest::plus)
        };
        sum(&self.adds, 1).plus(sum(&self.removes, -1))
    }
}

/// What margin needs to know of an order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenOrder {
    pub side: Side,
    pub lots: i64,
    pub price: Ticks,
    /// The largest fee the fills can cost, per whole unit.
    pub fee: Cash,
}

/// An order as if it had filled whole at its price.
#[derive(Clone, Copy, Debug)]
struct Filled {
    units: Fine,
    /// What the fill itself makes or costs against the mark, fee included.
    at_once: Fine,
}

impl Filled {
    fn of(it: &Instrument, valuation: &Valuation, order: &OpenOrder) -> Self {
        let units = units(it, Position::new(order.side.sign() * order.lots));
        let price = it.market.price(order.price).unwrap_or(Cash::MAX);
        let edge = units * (i128::from(valuation.mark.micros()) - i128::from(price.micros()));
        Self { units, at_once: edge - units.abs() * i128::from(order.fee.micros()) }
    }

    /// What it takes from a scenario in which a unit makes `profit`: zero or less.
    fn loss(&self, profit: i64) -> Fine {
        (self.units * i128::from(profit) + self.at_once).min(0)
    }

    fn standard(&self, valuation: &Valuation) -> Fine {
        valuation.standard.of(self.units) + (-self.at_once).max(0)
    }

    fn interest(&self) -> Interest {
        Interest { net: 0, buys: self.units.max(0), sells: (-self.units).max(0) }
    }
}

/// Billionths of the underlying in a position.
pub(crate) fn units(it: &Instrument, lots: Position) -> i128 {
    i128::from(lots.get()) * i128::from(it.market.lot_size().raw())
}

/// Billionths to whole, rounded up.
pub(crate) fn ceil_part(billionths: i128) -> i128 {
    num::div_ceil(billionths, FINE_PER_CASH).unwrap_or(billionths)
}

/// Whole units as a `Fix`, for showing; saturates.
pub(crate) fn units_as_fix(it: &Instrument, lots: Position) -> Fix {
    Fix::from_raw(i64::try_from(units(it, lots)).unwrap_or(i64::MAX))
}
