//! What scenarios do not see: units of the underlying that are short, linear, or too many.
//!
//! Options net by expiry and strike, calls and puts together, as the public vectors do; an exotic with itself alone.
//! Open orders count at the worst of their fills: all sales of a strike, or all of one side of a future.
//!
//! Invariant: the sums are kept by adding and taking away, and an entry that says nothing is gone.

use std::collections::{BTreeMap, btree_map::Entry};

use num::{Cash, Fix, Timestamp};
use wire::InstrumentId;

use crate::{
    genesis::MarginParameters,
    instrument::Instrument,
    margin::{Fine, ceil_part},
    name::Contract,
};

/// Billionths of the underlying that an account holds, and that its orders could add.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Interest {
    pub net: Fine,
    pub buys: Fine,
    pub sells: Fine,
}

/// Billionths of the underlying, each at the worst of what open orders may do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Units {
    /// Net short at a strike, summed over strikes.
    pub short_options: Fine,
    /// In futures and perpetuals, long or short.
    pub futures: Fine,
    /// In everything, long or short.
    pub gross: Fine,
}

/// One account's interest in one underlying.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Contingency {
    strikes: BTreeMap<(Timestamp, Cash), Interest>,
    instruments: BTreeMap<InstrumentId, Interest>,
    units: Units,
}

/// The state of the underlying that contingencies depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Surroundings {
    pub index: Cash,
    /// How far reporters are apart, as a part of the index.
    pub uncertainty: Fix,
}

impl Surroundings {
    /// What so many billionths of a unit are worth at the index, in billionths of micros.
    pub(crate) fn notional(&self, units: Fine) -> Fine {
        i128::from(self.index.micros()) * units
    }

    /// The part of the notional that is charged for what reporters do not agree on, in billionths.
    pub(crate) fn doubt(&self, parameters: &MarginParameters) -> i128 {
        i128::from(self.uncertainty.raw() - parameters.uncertainty_free_billionths).max(0)
    }
}

impl Interest {
    pub(crate) const fn plus(self, other: Self) -> Self {
        Self { net: self.net + other.net, buys: self.buys + other.buys, sells: self.sells + other.sells }
    }

    pub(crate) const fn times(self, factor: i128) -> Self {
        Self { net: self.net * factor, buys: self.buys * factor, sells: self.sells * factor }
    }

    /// The interest in a leg that one in a combo is.
    const fn in_leg(self, ratio: i128) -> Self {
        if ratio > 0 {
            self.times(ratio)
        } else {
            let opposite = Self { net: -self.net, buys: self.sells, sells: self.buys };
            opposite.times(-ratio)
        }
    }

    const fn is_empty(self) -> bool {
        self.net == 0 && self.buys == 0 && self.sells == 0
    }

    fn short(self) -> Fine {
        (self.sells - self.net).max(0)
    }

    fn size(self) -> Fine {
        (self.net + self.buys).abs().max((self.net - self.sells).abs())
    }
}

impl Contingency {
    pub(crate) fn is_empty(&self) -> bool {
        self.instruments.is_empty()
    }

    /// Adds to an account's interest in an instrument, or in the legs of a combo.
    pub(crate) fn add(&mut self, it: &Instrument, more: Interest) {
        let Some(combo) = &it.combo else { return self.add_to_one((it.id, &it.contract), more) };
        for leg in &combo.legs {
            self.add_to_one((leg.instrument, &leg.contract), more.in_leg(leg.ratio.into()));
        }
    }

    fn add_to_one(&mut self, (id, contract): (InstrumentId, &Contract), more: Interest) {
        let (before, after) = add_to(&mut self.instruments, id, more);
        let grown = after.size() - before.size();
        self.units.gross += grown;
        if let Some(strike) = strike(contract) {
            let (before, after) = add_to(&mut self.strikes, strike, more);
            self.units.short_options += after.short() - before.short();
        } else if is_exotic(contract) {
            self.units.short_options += after.short() - before.short();
        } else {
            self.units.futures += grown;
        }
    }

    /// The units as they are.
    pub(crate) const fn units(&self) -> Units {
        self.units
    }

    /// The units after adding to the interest in an instrument.
    pub(crate) fn units_with(&self, it: &Instrument, more: Interest) -> Units {
        if it.is_combo() {
            let mut with = self.clone();
            with.add(it, more);
            return with.units;
        }
        let mut units = self.units;
        let held = self.instruments.get(&it.id).copied().unwrap_or_default();
        let grown = held.plus(more).size() - held.size();
        units.gross += grown;
        match strike(&it.contract) {
            None if it.is_exotic() => units.short_options += held.plus(more).short() - held.short(),
            None => units.futures += grown,
            Some(strike) => {
                let held = self.strikes.get(&strike).copied().unwrap_or_default();
                units.short_options += held.plus(more).short() - held.short();
            }
        }
        units
    }
}

/// What was there before, and what is there now; an entry that says nothing goes.
fn add_to<K: Ord>(map: &mut BTreeMap<K, Interest>, key: K, more: Interest) -> (Interest, Interest) {
    match map.entry(key) {
        Entry::Vacant(entry) => {
            if !more.is_empty() {
                entry.insert(more);
            }
            (Interest::default(), more)
        }
        Entry::Occupied(mut entry) => {
            let before = *entry.get();
            let after = before.plus(more);
            if after.is_empty() {
                entry.remove();
            } else {
                entry.insert(after);
            }
            (before, after)
        }
    }
}

const fn strike(contract: &Contract) -> Option<(Timestamp, Cash)> {
    match contract {
        Contract::Option { expiry, strike, .. } => Some((*expiry, *strike)),
        Contract::Future { .. } | Contract::Perpetual | Contract::Combo { .. } | Contract::Exotic { .. } => {
            None
        }
    }
}

/// Nets with nothing: what is short of one is naked.
const fn is_exotic(contract: &Contract) -> bool {
    matches!(contract, Contract::Exotic { .. })
}

impl Units {
    pub(crate) const fn plus(self, more: Self) -> Self {
        Self {
            short_options: self.short_options + more.short_options,
            futures: self.futures + more.futures,
            gross: self.gross + more.gross,
        }
    }

    /// What the standard margin does not ask for by itself.
    pub(crate) const fn beyond_standard(self) -> Self {
        Self { short_options: 0, futures: 0, ..self }
    }

    /// What the units ask for beyond the scenarios, in micros, rounded up: naked shorts, basis, what reporters
    /// do not agree on, and size beyond what a market can close at once.
    pub(crate) fn contingency(self, at: Surroundings, parameters: &MarginParameters) -> i128 {
        let notional = ceil_part(at.notional(self.gross));
        let large = (notional - i128::from(parameters.concentration_free_micros)).max(0);
        ceil_part(self.unhedged(at, parameters))
            + ceil_part(notional * at.doubt(parameters))
            + ceil_part(large * i128::from(parameters.concentration_billionths))
    }

    /// What naked shorts and basis ask for, each unit's part rounded up to micros.
    pub(crate) fn unhedged(self, at: Surroundings, parameters: &MarginParameters) -> Fine {
        let index = i128::from(at.index.micros());
        let ask = |units: Fine, billionths: i64| match units {
            0 => 0,
            _ => units * ceil_part(index * i128::from(billionths)),
        };
        ask(self.short_options, parameters.short_option_billionths)
            + ask(self.futures, parameters.future_billionths)
    }
}
