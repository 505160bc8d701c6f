//! A bound on what an account's margin can claim, so that most orders need no margin made anew.
//!
//! The margin of an account that adds an order grows by no more than what the order alone can lose, and what it adds
//! to contingencies; taking an order out never makes it grow. So one number, kept by adding, says of most orders that
//! they are covered. Whoever it does not say that of is looked at in full.
//!
//! Invariant: a ceiling that stands is never below initial margin less unrealised value, so that it only ever spares
//! work: no outcome depends on it, and it is no part of what is saved.

use num::{Cash, Fix};
use wire::{InstrumentId, MarginModel};

use crate::{
    contingency::Units,
    instrument::Instrument,
    ledger::{AccountIndex, Purse},
    margin::{Filled, OpenOrder, ceil_part},
    state::State,
};

/// What the roundings of one order can add, in micros.
const ROUNDING: i128 = 16;

/// A bound made under the prices and rules of an epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ceiling {
    epoch: u64,
    /// Initial margin less unrealised value is at most this, in micros.
    claims: i128,
}

impl State {
    /// Prices or rules have changed: no ceiling stands.
    pub(crate) const fn lift_ceilings(&mut self) {
        self.margin_epoch += 1;
    }

    /// The ceiling that stands, in micros.
    pub(crate) fn ceiling(&self, account: AccountIndex) -> Option<i128> {
        self.account(account).ceiling.filter(|it| it.epoch == self.margin_epoch).map(|it| it.claims)
    }

    /// Whether the balance covers a ceiling that stands, and with it initial and maintenance margin.
    pub(crate) fn is_below_ceiling(&self, account: AccountIndex, more: i128) -> bool {
        let balance = self.ledger.balance(Purse::Account(account)).micros();
        self.ceiling(account).is_some_and(|claims| i128::from(balance) >= claims.saturating_add(more))
    }

    /// Makes the ceiling anew where none stands, or the one that does says nothing.
    pub(crate) fn refresh_ceiling(&mut self, account: AccountIndex) {
        if self.is_below_ceiling(account, 0) {
            return;
        }
        let margin = self.margin(account);
        let claims = i128::from(margin.initial.micros()) - i128::from(margin.value.micros());
        // What saturated is no bound.
        let is_bound = margin.initial < Cash::MAX && margin.value > Cash::MIN && margin.value < Cash::MAX;
        let ceiling = is_bound.then_some(Ceiling { epoch: self.margin_epoch, claims });
        if let Some(holder) = usize::try_from(account).ok().and_then(|place| self.accounts.get_mut(place)) {
            holder.ceiling = ceiling;
        }
    }

    /// An order was added: a ceiling that stands rises.
    pub(crate) fn raise_ceiling(&mut self, account: AccountIndex, id: InstrumentId, open: &OpenOrder) {
        if self.ceiling(account).is_none() {
            return;
        }
        let growth = self.growth(account, self.instrument_at(id), open);
        let holder = usize::try_from(account).ok().and_then(|place| self.accounts.get_mut(place));
        if let Some(ceiling) = holder.and_then(|it| it.ceiling.as_mut()) {
            ceiling.claims = ceiling.claims.saturating_add(growth);
        }
    }

    /// The most by which initial margin grows when the account adds an order, in micros.
    pub(crate) fn growth(&self, account: AccountIndex, it: &Instrument, open: &OpenOrder) -> i128 {
        let Some(valuation) = &it.valuation else { return 0 };
        let filled = Filled::of(it, valuation, open);
        let holder = self.account(account);
        let (loss, counted) = match holder.model {
            MarginModel::Portfolio => (filled.worst(valuation), filled.units_at_most(it)),
            MarginModel::Standard => (filled.standard(valuation), filled.units_at_most(it).beyond_standard()),
        };
        let rules = &self.parameters.margin;
        let initial = ceil_part(ceil_part(loss) * i128::from(rules.initial_billionths));
        // Below the size that is free, size costs nothing before and after.
        let at = self.surroundings(it.underlying);
        let held = holder.risk.get(&it.underlying).map_or(0, |risk| risk.units(None).gross);
        let free = i128::from(rules.concentration_free_micros) * i128::from(Fix::SCALE);
        let after = held.saturating_add(counted.gross).saturating_mul(i128::from(at.index.micros()));
        let of_size = if after <= free { 0 } else { rules.concentration_billionths };
        let charged = crate::genesis::MarginParameters {
            concentration_free_micros: 0,
            concentration_billionths: of_size,
            uncertainty_free_billionths: rules.uncertainty_free_billionths,
            ..*rules
        };
        initial + Units::contingency(counted, at, &charged) + ROUNDING
    }
}
