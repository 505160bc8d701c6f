//! Margin by scenarios: what an account could lose, as sums that are kept up to date.
//!
//! For each underlying an account has one vector of profits over the scenarios of the grid for its
//! positions, and one for its open orders. An order counts, in each scenario, with what it would add if it
//! filled, and with nothing where that is a gain: the minimum over scenarios of the two vectors' sum is then
//! exactly the worst over all scenarios and all subsets of fills (exchange.md, Margin).
//!
//! Invariant: the vectors are sums of integers, so they can be kept by adding and taking away; nothing is
//! rounded before the end, and then against the account.

use num::{Cash, Fix, Position, Rounding, Side, Ticks};

use crate::{
    coverage::OrderChange,
    genesis::MarginParameters,
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
    /// Units of the underlying in net short options, by instrument summed.
    pub short_options: Fine,
    /// Units of the underlying held in futures and perpetuals, long or short.
    pub futures: Fine,
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
            short_options: 0,
            futures: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.value == 0
            && self.short_options == 0
            && self.futures == 0
            && self.positions.iter().chain(&self.orders).all(|sum| *sum == 0)
    }

    /// Adds (`sign` 1) or takes away (-1) a position of `lots` that cost `cost`.
    pub(crate) fn add_position(&mut self, it: &Instrument, lots: Position, cost: Cash, sign: i128) {
        let Some(valuation) = &it.valuation else { return };
        let units = units(it, lots) * sign;
        for (sum, profit) in self.positions.iter_mut().zip(&valuation.scenarios) {
            *sum += units * i128::from(*profit);
        }
        self.value +=
            units * i128::from(valuation.mark.micros()) - i128::from(cost.micros()) * FINE_PER_CASH * sign;
        // The size of the position itself, whichever way it is counted here.
        let size = units * sign;
        if !it.is_option() {
            self.futures += size.abs() * sign;
        } else if size < 0 {
            self.short_options -= size * sign;
        }
    }

    /// Adds (`sign` 1) or takes away (-1) an open order.
    pub(crate) fn add_order(&mut self, it: &Instrument, order: &OpenOrder, sign: i128) {
        let Some(valuation) = &it.valuation else { return };
        let filled = Filled::of(it, valuation, order);
        for (sum, profit) in self.orders.iter_mut().zip(&valuation.scenarios) {
            *sum += filled.loss(*profit) * sign;
        }
    }

    /// What this underlying asks for at an index, rounded up, and is worth, rounded down.
    pub(crate) fn margin(&self, index: Cash, parameters: &MarginParameters) -> Margin {
        let sums = self.positions.iter().zip(&self.orders).map(|(position, order)| position + order);
        self.margin_of_worst(worst_loss(sums), (index, parameters))
    }

    /// The same after a change of the open orders.
    pub(crate) fn margin_after(
        &self,
        it: &Instrument,
        change: &OrderChange,
        at: (Cash, &MarginParameters),
    ) -> Margin {
        let Some(valuation) = &it.valuation else { return self.margin(at.0, at.1) };
        let sums = self.positions.iter().zip(&self.orders).map(|(position, order)| position + order);
        let filled = |order: &Option<OpenOrder>| order.as_ref().map(|order| Filled::of(it, valuation, order));
        let (adds, removes) = (change.adds.each_ref().map(filled), change.removes.each_ref().map(filled));
        let losses = |of: &[Option<Filled>; 2], profit: i64| -> Fine {
            of.iter().flatten().map(|filled| filled.loss(profit)).sum()
        };
        let then = sums.zip(&valuation.scenarios);
        let then = then.map(|(sum, profit)| sum + losses(&adds, *profit) - losses(&removes, *profit));
        self.margin_of_worst(worst_loss(then), at)
    }

    fn margin_of_worst(
        &self,
        (worst_scenario, loss): (Option<usize>, Fine),
        (index, parameters): (Cash, &MarginParameters),
    ) -> Margin {
        let per_unit = |billionths: i64| ceil_part(i128::from(index.micros()) * i128::from(billionths));
        let contingency = ceil_part(
            per_unit(parameters.short_option_billionths) * self.short_options
                + per_unit(parameters.future_billionths) * self.futures,
        );
        // Whole micros before the factor: loss and factor together would not fit.
        let loss = ceil_part(loss);
        let initial = ceil_part(loss * i128::from(parameters.initial_billionths));
        let cash = |micros: i128| Cash::from_i128(micros).unwrap_or(Cash::MAX);
        Margin {
            maintenance: cash(loss + contingency),
            initial: cash(initial + contingency),
            value: floor_cash(self.value),
            worst_scenario,
        }
    }
}

/// The scenario that loses most, if any loses, and its loss.
fn worst_loss(sums: impl Iterator<Item = Fine>) -> (Option<usize>, Fine) {
    let worst = worst(sums).filter(|(_, sum)| *sum < 0);
    worst.map_or((None, 0), |(scenario, sum)| (Some(scenario), -sum))
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
}

/// Billionths of the underlying in a position.
fn units(it: &Instrument, lots: Position) -> i128 {
    i128::from(lots.get()) * i128::from(it.market.lot_size().raw())
}

/// Billionths to whole, rounded up.
fn ceil_part(billionths: i128) -> i128 {
    num::div_ceil(billionths, FINE_PER_CASH).unwrap_or(billionths)
}

fn floor_cash(fine: Fine) -> Cash {
    let least = if fine < 0 { Cash::MIN } else { Cash::MAX };
    num::div_round(fine, FINE_PER_CASH, Rounding::Floor).and_then(Cash::from_i128).unwrap_or(least)
}

impl Margin {
    /// The sum over underlyings; saturates, which only ever makes an account look worse.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            maintenance: self.maintenance.checked_add(other.maintenance).unwrap_or(Cash::MAX),
            initial: self.initial.checked_add(other.initial).unwrap_or(Cash::MAX),
            value: self.value.checked_add(other.value).unwrap_or(Cash::MIN),
            worst_scenario: self.worst_scenario.or(other.worst_scenario),
        }
    }
}

/// Whole units as a `Fix`, for showing; saturates.
pub(crate) fn units_as_fix(it: &Instrument, lots: Position) -> Fix {
    Fix::from_raw(i64::try_from(units(it, lots)).unwrap_or(i64::MAX))
}
