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

use num::{Cash, Fix, Lots, Position, Rounding, Side, Ticks};
use wire::UnderlyingId;

use crate::{
    contingency::{Contingency, Interest, Units},
    fees::fee_per_unit_max,
    genesis::Fees,
    instrument::{Instrument, Valuation},
    risk::worst,
};

/// Cash times `Fix`: micros of USDC in billionths. Sums of these are exact.
pub(crate) type Fine = i128;

pub(crate) const FINE_PER_CASH: i128 = 1_000_000_000;

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
        if it.valuation.is_some() {
            self.add_value(it, lots, cost, sign);
            self.contingency.add(it, Interest { net: units(it, lots) * sign, ..Interest::default() });
        }
    }

    /// What of a position depends on marks.
    pub(crate) fn add_value(&mut self, it: &Instrument, lots: Position, cost: Cash, sign: i128) {
        let Some(valuation) = &it.valuation else { return };
        let size = units(it, lots);
        let units = size * sign;
        for (sum, profit) in self.positions.iter_mut().zip(valuation.scenarios.iter()) {
            *sum += product(units, *profit);
        }
        self.value +=
            product(units, valuation.mark.micros()) - i128::from(cost.micros()) * FINE_PER_CASH * sign;
        self.standard += valuation.standard.of(size) * sign;
    }

    /// Forgets what depends on marks, and keeps the units that contingencies are on.
    pub(crate) fn forget_values(&mut self) {
        self.positions.fill(0);
        self.orders.fill(0);
        (self.value, self.standard) = (0, 0);
    }

    /// Adds (`sign` 1) or takes away (-1) an open order.
    pub(crate) fn add_order(&mut self, it: &Instrument, order: &OpenOrder, sign: i128) {
        if let Some(valuation) = &it.valuation {
            let filled = Filled::of(it, valuation, order);
            self.add_filled(valuation, &filled, sign);
            self.contingency.add(it, filled.interest().times(sign));
        }
    }

    /// What of many positions depends on marks: the sum of `add_value` over all of them, in another order.
    pub(crate) fn add_values<'a>(
        &mut self,
        positions: impl Iterator<Item = (&'a Instrument, Position, Cash)>,
        narrow: &mut NarrowSums,
    ) {
        for (it, lots, cost) in positions {
            let Some(valuation) = &it.valuation else { continue };
            let units = units(it, lots);
            if !narrow.add(units, (it, valuation)) {
                narrow.flush(&mut self.positions);
                if !narrow.add(units, (it, valuation)) {
                    let sums = self.positions.iter_mut().zip(valuation.scenarios.iter());
                    sums.for_each(|(sum, profit)| *sum += product(units, *profit));
                }
            }
            self.value += product(units, valuation.mark.micros()) - i128::from(cost.micros()) * FINE_PER_CASH;
            self.standard += valuation.standard.of(units);
        }
        narrow.flush(&mut self.positions);
    }

    /// What of an open order depends on marks.
    pub(crate) fn add_order_value(&mut self, it: &Instrument, order: &OpenOrder, sign: i128) {
        if let Some(valuation) = &it.valuation {
            self.add_filled(valuation, &Filled::of(it, valuation, order), sign);
        }
    }

    fn add_filled(&mut self, valuation: &Valuation, filled: &Filled, sign: i128) {
        let sums = self.orders.iter_mut().zip(valuation.scenarios.iter());
        if sign > 0 {
            sums.for_each(|(sum, profit)| *sum += filled.loss(*profit));
        } else {
            sums.for_each(|(sum, profit)| *sum -= filled.loss(*profit));
        }
        self.standard += filled.standard(valuation) * sign;
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
        floor_cash(self.value)
    }

    /// What the positions make in each scenario, rounded down.
    pub(crate) fn profits(&self) -> Vec<Cash> {
        self.positions.iter().map(|sum| floor_cash(*sum)).collect()
    }
}

/// Sums of scenarios in 64 bits, for as long as they cannot overflow: an order of magnitude faster.
#[derive(Clone, Debug)]
pub(crate) struct NarrowSums {
    /// By the number of an instrument, the most that a unit makes or loses.
    largest: Vec<Option<i64>>,
    sums: Vec<i64>,
    /// No sum is beyond this, either way.
    bound: i64,
}

impl NarrowSums {
    /// For the valuations that instruments have now.
    pub(crate) fn of(instruments: &[Instrument], scenarios: usize) -> Self {
        let largest = |it: &Instrument| i64::try_from(it.valuation.as_ref()?.scenarios.largest()).ok();
        Self { largest: instruments.iter().map(largest).collect(), sums: vec![0; scenarios], bound: 0 }
    }

    /// Adds what so many units make in each scenario, or answers with false and has changed nothing.
    fn add(&mut self, units: Fine, (it, valuation): (&Instrument, &Valuation)) -> bool {
        let largest = usize::try_from(it.id.0).ok().and_then(|place| *self.largest.get(place)?);
        let added = i64::try_from(units).ok().zip(largest);
        let bound = added.and_then(|(units, largest)| {
            Some((units, units.checked_abs()?.checked_mul(largest)?.checked_add(self.bound)?))
        });
        let Some((units, bound)) = bound else { return false };
        self.bound = bound;
        for (sum, profit) in self.sums.iter_mut().zip(valuation.scenarios.iter()) {
            *sum = sum.wrapping_add(units.wrapping_mul(*profit));
        }
        true
    }

    /// Moves everything into the wide sums.
    fn flush(&mut self, wide: &mut [Fine]) {
        for (wide, narrow) in wide.iter_mut().zip(&mut self.sums) {
            *wide += i128::from(core::mem::take(narrow));
        }
        self.bound = 0;
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
    pub(crate) fn of(
        it: &'a Instrument,
        adds: [Option<OpenOrder>; 2],
        removes: [Option<OpenOrder>; 2],
    ) -> Self {
        let filled = |order: Option<OpenOrder>| Some(Filled::of(it, it.valuation.as_ref()?, &order?));
        Self { it, adds: adds.map(filled), removes: removes.map(filled) }
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

impl OpenOrder {
    /// An order under the fees at an index: that of the present marks, so that what was counted is taken out again
    /// by the same number.
    pub(crate) fn of(
        it: &Instrument,
        (side, lots, price): (Side, Lots, Ticks),
        (fees, index): (&Fees, Cash),
    ) -> Self {
        let fee = match &it.combo {
            Some(combo) => combo.fee,
            None => fee_per_unit_max(fees, it, index, it.market.price(price).unwrap_or(Cash::MAX)),
        };
        Self { side, lots: i64::try_from(lots.get()).unwrap_or(i64::MAX), price, fee }
    }
}

/// An order as if it had filled whole at its price.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filled {
    units: Fine,
    /// What the fill itself makes or costs against the mark, fee included.
    at_once: Fine,
}

impl Filled {
    pub(crate) fn of(it: &Instrument, valuation: &Valuation, order: &OpenOrder) -> Self {
        let units = units(it, Position::new(order.side.sign() * order.lots));
        let price = it.market.price(order.price).unwrap_or(Cash::MAX);
        let edge = i128::from(valuation.mark.micros()) - i128::from(price.micros());
        let each = edge * i128::from(order.side.sign()) - i128::from(order.fee.micros());
        Self { units, at_once: units.abs() * each }
    }

    /// What it takes from a scenario in which a unit makes `profit`: zero or less.
    fn loss(&self, profit: i64) -> Fine {
        (product(self.units, profit) + self.at_once).min(0)
    }

    /// The most that it takes from any scenario.
    pub(crate) fn worst(&self, valuation: &Valuation) -> Fine {
        -(valuation.scenarios.worst(self.units) + self.at_once).min(0)
    }

    /// Billionths of the underlying, bought or sold.
    pub(crate) const fn size(&self) -> Fine {
        self.units.abs()
    }

    pub(crate) fn standard(&self, valuation: &Valuation) -> Fine {
        valuation.standard.of(self.units) + (-self.at_once).max(0)
    }

    fn interest(&self) -> Interest {
        Interest { net: 0, buys: self.units.max(0), sells: (-self.units).max(0) }
    }
}

/// Units times what one makes: nearly always within 64 bits, where it is several times faster.
pub(crate) fn product(units: Fine, each: i64) -> Fine {
    let narrow = i64::try_from(units).ok().and_then(|units| units.checked_mul(each));
    narrow.map_or_else(|| units * i128::from(each), i128::from)
}

/// Billionths of the underlying in a position.
pub(crate) fn units(it: &Instrument, lots: Position) -> i128 {
    i128::from(lots.get()) * i128::from(it.market.lot_size().raw())
}

/// Billionths to whole, rounded up.
pub(crate) fn ceil_part(billionths: i128) -> i128 {
    num::div_scale(billionths, Rounding::Ceil)
}

/// Billionths to whole, rounded down; saturates.
fn floor_cash(billionths: Fine) -> Cash {
    let least = if billionths < 0 { Cash::MIN } else { Cash::MAX };
    Cash::from_i128(num::div_scale(billionths, Rounding::Floor)).unwrap_or(least)
}

/// Whole units as a `Fix`, for showing; saturates.
pub(crate) fn units_as_fix(it: &Instrument, lots: Position) -> Fix {
    Fix::from_raw(i64::try_from(units(it, lots)).unwrap_or(i64::MAX))
}
