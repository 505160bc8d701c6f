//! A bound on what an account's margin can claim, so that most orders need no margin made anew.
//!
//! The margin of an account that adds an order grows by no more than what the order alone can lose, and what it adds
//! to contingencies; taking an order out never makes it grow; a trade moves it by no more than what the difference of
//! the position can lose. So one number, kept by adding, says of most orders that they are covered. Whoever it does
//! not say that of is looked at in full.
//!
//! Invariant: a ceiling that stands is never below initial margin less unrealised value, so that it only ever spares
//! work: no outcome depends on it, and it is no part of what is saved.

use std::collections::BTreeMap;

use num::Cash;
use wire::{InstrumentId, MarginModel, UnderlyingId};

use crate::{
    contingency::{Surroundings, Units},
    genesis::MarginParameters,
    holding::Holding,
    instrument::Instrument,
    ledger::{AccountIndex, Purse},
    margin::{FINE_PER_CASH, Filled, Fine, OpenOrder, ceil_part, product, units},
    state::State,
};

/// What the roundings of one order can add: 16 micros.
const ROUNDING: Fine = 16 * FINE_PER_CASH;
/// Below this a value may have saturated: 2^62 micros.
const CLAIMS_MIN: Fine = -(1 << 62) * FINE_PER_CASH;

/// A bound made under the prices and rules of an epoch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ceiling {
    epoch: u64,
    /// Initial margin less unrealised value is at most this.
    claims: Fine,
    /// Units of everything, held and ordered, times the indices, are at most this.
    notional: Fine,
}

/// What can make margin larger.
#[derive(Clone, Copy, Debug, Default)]
struct Growth {
    /// The most that a scenario, or the standard margin, loses more.
    loss: Fine,
    counted: Units,
    /// What unrealised value falls by.
    lost: Fine,
}

impl Growth {
    const fn plus(self, more: Self) -> Self {
        let (loss, lost) = (self.loss + more.loss, self.lost + more.lost);
        Self { loss, lost, counted: self.counted.plus(more.counted) }
    }
}

impl Ceiling {
    /// What initial margin may be at most when so much more can be lost and is counted, and the notional with it.
    fn raised(self, growth: &Growth, (rules, at): (&MarginParameters, Surroundings)) -> Self {
        let more = at.notional(growth.counted.gross);
        let notional = self.notional.saturating_add(more);
        // Below the size that is free, size costs nothing before and after.
        let is_free = notional <= i128::from(rules.concentration_free_micros) * FINE_PER_CASH;
        let size_billionths = if is_free { 0 } else { i128::from(rules.concentration_billionths) };
        let size_charge = match at.doubt(rules) + size_billionths {
            0 => 0,
            billionths => ceil_part(more) * billionths,
        };
        let initial = ceil_part(growth.loss) * i128::from(rules.initial_billionths);
        let charge = initial + growth.counted.unhedged(at, rules) + size_charge;
        let claims = self.claims.saturating_add(charge + growth.lost + ROUNDING);
        Self { claims, notional, ..self }
    }
}

impl State {
    /// Prices or rules have changed: no ceiling stands.
    pub(crate) const fn lift_ceilings(&mut self) {
        self.margin_epoch += 1;
    }

    /// The most that an account claims, in micros rounded up, where a ceiling stands.
    pub(crate) fn ceiling(&self, account: AccountIndex) -> Option<i128> {
        self.standing_ceiling(account).map(|it| ceil_part(it.claims))
    }

    fn standing_ceiling(&self, account: AccountIndex) -> Option<Ceiling> {
        self.account(account).ceiling.filter(|it| it.epoch == self.margin_epoch)
    }

    /// Whether the balance covers a ceiling that stands, and with it initial and maintenance margin.
    pub(crate) fn is_below_ceiling(&self, account: AccountIndex) -> bool {
        self.standing_ceiling(account).is_some_and(|ceiling| self.covers(account, &ceiling))
    }

    fn covers(&self, account: AccountIndex, ceiling: &Ceiling) -> bool {
        let balance = i128::from(self.ledger.balance(Purse::Account(account)).micros());
        balance * FINE_PER_CASH >= ceiling.claims && ceiling.claims > CLAIMS_MIN
    }

    /// Whether the balance covers a ceiling that stands with more orders under it.
    pub(crate) fn covers_growth(
        &self,
        account: AccountIndex,
        it: &Instrument,
        adds: &[Option<OpenOrder>; 2],
    ) -> bool {
        let Some(ceiling) = self.standing_ceiling(account) else { return false };
        let with = (&self.parameters.margin, self.surroundings(it.underlying));
        let growths = adds.iter().flatten().filter_map(|open| self.growth(account, it, open));
        let growth = growths.fold(Growth::default(), Growth::plus);
        self.covers(account, &ceiling.raised(&growth, with))
    }

    /// Makes the ceiling anew where none stands, or the one that does says nothing.
    pub(crate) fn refresh_ceiling(&mut self, account: AccountIndex) {
        if self.is_below_ceiling(account) {
            return;
        }
        if self.may_ask(account) {
            let alone = self.ceiling_alone(account);
            if self.covers(account, &alone) {
                self.set_ceiling(account, Some(alone));
                return;
            }
        }
        self.keep_risks(account);
        let (margin, risks) = (self.margin(account), self.risks(account));
        let notional = risks.iter().map(|(id, risk)| self.surroundings(*id).notional(risk.units(None).gross));
        let notional = notional.fold(0, Fine::saturating_add);
        let claims = i128::from(margin.initial.micros()) - i128::from(margin.value.micros());
        let claims = claims * FINE_PER_CASH;
        // What saturated is no bound.
        let is_bound = margin.initial < Cash::MAX && margin.value > Cash::MIN && margin.value < Cash::MAX;
        self.set_ceiling(account, is_bound.then_some(Ceiling { epoch: self.margin_epoch, claims, notional }));
    }

    /// The ceiling of an account as if each of its positions and orders met its own worst: no sums are needed for it.
    fn ceiling_alone(&self, account: AccountIndex) -> Ceiling {
        let holder = self.account(account);
        let held = holder.holdings.iter().filter_map(|(id, holding)| {
            let it = self.instrument_at(*id);
            Some((it.underlying, move_growth(holder.model, it, [&Holding::default(), holding])?))
        });
        let ordered = self.orders.walk(holder.orders.iter()).filter_map(|order| {
            let it = self.instrument_at(order.instrument);
            Some((it.underlying, self.growth(account, it, &self.as_open(order))?))
        });
        let mut growths: BTreeMap<UnderlyingId, Growth> = BTreeMap::new();
        for (underlying, growth) in held.chain(ordered) {
            let sum = growths.entry(underlying).or_default();
            *sum = sum.plus(growth);
        }
        let begun = Ceiling { epoch: self.margin_epoch, claims: 0, notional: 0 };
        growths.into_iter().fold(begun, |ceiling, (id, growth)| {
            ceiling.raised(&growth, (&self.parameters.margin, self.surroundings(id)))
        })
    }

    /// An order was added: a ceiling that stands rises.
    pub(crate) fn raise_ceiling(&mut self, account: AccountIndex, id: InstrumentId, open: &OpenOrder) {
        let Some(ceiling) = self.standing_ceiling(account) else { return };
        let it = self.instrument_at(id);
        let Some(growth) = self.growth(account, it, open) else { return };
        let with = (&self.parameters.margin, self.surroundings(it.underlying));
        self.set_ceiling(account, Some(ceiling.raised(&growth, with)));
    }

    /// A holding has changed: a ceiling that stands rises by what the difference can lose, and falls by what it is
    /// worth.
    pub(crate) fn move_ceiling(
        &mut self,
        account: AccountIndex,
        id: InstrumentId,
        [before, after]: [&Holding; 2],
    ) {
        let Some(ceiling) = self.standing_ceiling(account) else { return };
        let it = self.instrument_at(id);
        let model = self.account(account).model;
        let Some(growth) = move_growth(model, it, [before, after]) else { return };
        let with = (&self.parameters.margin, self.surroundings(it.underlying));
        self.set_ceiling(account, Some(ceiling.raised(&growth, with)));
    }

    fn set_ceiling(&mut self, account: AccountIndex, ceiling: Option<Ceiling>) {
        if let Some(holder) = self.holder_mut(account) {
            holder.ceiling = ceiling;
        }
    }

    /// What an order can add; `None` for what has no value, and is not counted.
    fn growth(&self, account: AccountIndex, it: &Instrument, open: &OpenOrder) -> Option<Growth> {
        let valuation = it.valuation.as_ref()?;
        let (filled, model) = (Filled::of(it, valuation, open), self.account(account).model);
        let loss = match model {
            MarginModel::Portfolio => filled.worst(valuation),
            MarginModel::Standard => filled.standard(valuation),
        };
        Some(Growth { loss, counted: counted(it, (model, filled.size())), lost: 0 })
    }
}

/// What the difference of two holdings can add; `None` for what has no value, and is not counted.
fn move_growth(model: MarginModel, it: &Instrument, [before, after]: [&Holding; 2]) -> Option<Growth> {
    let valuation = it.valuation.as_ref()?;
    let [had, has] = [before, after].map(|holding| units(it, holding.position));
    let [paid, pays] = [before, after].map(|holding| i128::from(holding.cost(it).micros()));
    let moved = has - had;
    let loss = match model {
        MarginModel::Portfolio => -valuation.scenarios.worst(moved).min(0),
        MarginModel::Standard => valuation.standard.of(has) - valuation.standard.of(had),
    };
    let lost = (pays - paid) * FINE_PER_CASH - product(moved, valuation.mark.micros());
    Some(Growth { loss, counted: counted(it, (model, moved.abs())), lost })
}

/// What so many units add at most to what contingencies are on.
fn counted(it: &Instrument, (model, size): (MarginModel, Fine)) -> Units {
    let (options, futures) = match &it.combo {
        None if it.is_option() => (size, 0),
        None => (0, size),
        Some(combo) => {
            let (options, futures) = combo.gross_ratios();
            (size * options, size * futures)
        }
    };
    let units = Units { short_options: options, futures, gross: options + futures };
    match model {
        MarginModel::Portfolio => units,
        MarginModel::Standard => units.beyond_standard(),
    }
}
