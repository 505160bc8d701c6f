//! Funding of perpetuals: in every commit whoever has a position owes for the time since the commit before, and pays
//! what has come together at fixed spans, or before his position changes.

use std::collections::BTreeMap;

use exchange::{Instrument, genesis::FundingParameters, name::Contract};
use num::{Side, Timestamp};
use wire::{AccountId, Event, InstrumentId};

use super::{Marks, ONE, Reference, cash, ceil, half_even};

/// How perpetuals stand, and who owes how much.
#[derive(Clone, Debug)]
pub(super) struct Fundings {
    /// Since when each has been counted, and its premium as a part of the index, averaged.
    perpetuals: BTreeMap<InstrumentId, (Timestamp, i128)>,
    /// What a position owes yet, in micros times the square of a billion.
    owed: BTreeMap<(AccountId, InstrumentId), i128>,
    paid_at: Timestamp,
    /// What some have paid and others did not get yet.
    pub purse: i128,
}

impl Fundings {
    pub(super) const fn from(paid_at: Timestamp) -> Self {
        Self { perpetuals: BTreeMap::new(), owed: BTreeMap::new(), paid_at, purse: 0 }
    }
}

impl Reference {
    pub(super) fn accrue_funding(&mut self, state: &Marks) {
        let Some(rules) = self.genesis.funding else { return };
        for it in state.instruments().iter().filter(|it| it.contract == Contract::Perpetual) {
            self.accrue(it, &rules);
        }
        if self.now.since(self.fundings.paid_at).millis() >= rules.pay_ms {
            self.fundings.paid_at = self.now;
            self.pay_all_funding();
        }
    }

    /// The premium that stood since the commit before is paid for; then it moves toward that of the book as it is.
    fn accrue(&mut self, it: &Instrument, rules: &FundingParameters) {
        let first = (Timestamp::ZERO, 0);
        let (until, premium) = self.fundings.perpetuals.get(&it.id).copied().unwrap_or(first);
        if until == Timestamp::ZERO {
            self.fundings.perpetuals.insert(it.id, (self.now, premium));
            return;
        }
        let span = self.now.since(until).millis().min(rules.gap_ms_max);
        let beyond = (premium.abs() - i128::from(rules.free_billionths)).max(0);
        let rate = beyond.min(rules.cap_billionths.into()) * premium.signum();
        // In billionths of a micro; what does not divide is not paid.
        let each = self.indices[&it.underlying] * rate * i128::from(span) / i128::from(rules.period_ms);
        for (account, holder) in &self.holders {
            let Some(held) = holder.holdings.get(&it.id) else { continue };
            let units = held.position * i128::from(it.market.lot_size().raw());
            *self.fundings.owed.entry((*account, it.id)).or_default() += units * each;
        }
        let stands = self.check_trading(it.id).is_err();
        let sample = if stands { premium } else { self.premium(it, rules) };
        let part = i128::from(span.min(rules.average_ms));
        let premium = premium + (sample - premium) * part / i128::from(rules.average_ms);
        self.fundings.perpetuals.insert(it.id, (self.now, premium));
    }

    /// How far the middle of what enough notional costs on either side is from the index.
    fn premium(&self, it: &Instrument, rules: &FundingParameters) -> i128 {
        let price = |side| self.impact_price(it, (side, rules.impact_micros.into()));
        let Some((bid, ask)) = price(Side::Buy).zip(price(Side::Sell)) else { return 0 };
        let (index, most) = (self.indices[&it.underlying], i128::from(rules.premium_billionths_max));
        half_even(((bid + ask) / 2 - index) * ONE, index).clamp(-most, most)
    }

    /// In micros; what orders show at one price counts together, rounded down.
    fn impact_price(&self, it: &Instrument, (side, notional): (Side, i128)) -> Option<i128> {
        let mut shown: BTreeMap<i64, i128> = BTreeMap::new();
        for order in self.orders.iter().filter(|order| order.instrument == it.id && order.side == side) {
            *shown.entry(-order.price * side.sign()).or_default() += i128::from(order.shown);
        }
        let (tick, lot) = (it.market.tick_size().micros(), i128::from(it.market.lot_size().raw()));
        let mut left = notional;
        for (rank, lots) in shown {
            let price = i128::from(-rank * side.sign()) * i128::from(tick);
            left -= (price * lots * lot).div_euclid(ONE);
            if left <= 0 {
                return Some(price);
            }
        }
        None
    }

    fn pay_all_funding(&mut self) {
        let owed = self.fundings.owed.keys().copied();
        let mut all: Vec<_> = owed.map(|place| (self.holders[&place.0].opened, place.1, place)).collect();
        all.sort_unstable();
        all.into_iter().for_each(|(.., place)| self.pay_own_funding(place));
        let left = self.fundings.purse.max(0);
        self.fundings.purse -= left;
        *self.funds.get_mut(&0).expect("of genesis") += left;
    }

    /// What does not divide rounds against the account.
    pub(super) fn pay_own_funding(&mut self, place: (AccountId, InstrumentId)) {
        let owed = self.fundings.owed.remove(&place).unwrap_or(0);
        let (amount, (account, instrument)) = (-ceil(owed, ONE * ONE), place);
        if amount != 0 {
            self.holder(account).balance += amount;
            self.fundings.purse -= amount;
            let position = i64::try_from(self.position(account, instrument)).expect("counted");
            let (position, amount) = (num::Position::new(position), cash(amount));
            self.tell(Event::FundingPaid { account, instrument, position, amount });
        }
    }
}
