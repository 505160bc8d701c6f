//! Funding of perpetuals: what keeps a contract without an expiry at its index.
//!
//! Every commit looks at what a perpetual trades above or below its index: the middle of the prices at which so
//! much notional could be had, averaged over data time. Where it is beyond a free band, longs pay shorts (or
//! shorts longs) a rate for it, capped, for the data time that has passed since the commit before. What a unit
//! has paid since the beginning is one rising number an instrument; a holding remembers how far it has paid.
//!
//! Invariant: what longs pay is what shorts get, apart from rounding against each, which the insurance fund
//! gets. It does not matter how often it is paid: before a position changes, and for all at fixed spans.
//! Left out on purpose: time in which nothing committed beyond a limit; nobody could act in it, so nobody pays.

use num::{Cash, Duration, Fix, Rounding, Side, Ticks, Timestamp, div_ceil};
use wire::{Event, InstrumentId};

use crate::{
    book::Depth,
    genesis::FundingParameters,
    holding::Holding,
    instrument::Instrument,
    ledger::{AccountIndex, Purse},
    margin::{Fine, units},
    name::Contract,
    state::State,
};

/// A micro in the unit of what a holding owes: billionths of units times billionths of micros.
const OWED_PER_MICRO: i128 = 1_000_000_000_000_000_000;

/// How a perpetual stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Funding {
    /// How far it trades above its index, as a part of that, averaged.
    pub premium: Fix,
    /// What one long unit has paid since the beginning, in billionths of a micro.
    pub paid: Fine,
    /// Up to when it has been counted.
    pub until: Timestamp,
}

saved!(Funding { premium, paid, until });

impl FundingParameters {
    /// What longs pay for a premium over the period: what is beyond the free band, capped.
    pub fn rate(&self, premium: Fix) -> Fix {
        let beyond = (premium.raw().saturating_abs() - self.free_billionths).max(0).min(self.cap_billionths);
        Fix::from_raw(beyond * premium.raw().signum())
    }

    /// The average after a sample that stood for so long.
    fn averaged(&self, premium: Fix, sample: Fix, span: Duration) -> Fix {
        let span = i128::from(span.millis().min(self.average_ms));
        let step = i128::from(sample.raw() - premium.raw()) * span / i128::from(self.average_ms);
        Fix::from_raw(premium.raw() + i64::try_from(step).unwrap_or(0))
    }
}

impl State {
    /// Counts the funding of every perpetual up to now, and pays it when its span is over.
    pub(crate) fn accrue_funding(&mut self) {
        let Some(rules) = self.parameters.funding else { return };
        let perpetuals = self.instruments.iter().filter(|it| it.contract == Contract::Perpetual);
        for id in perpetuals.map(|it| it.id).collect::<Vec<_>>() {
            let next = self.next_funding(self.instrument_at(id), &rules);
            if self.instrument_at(id).funding != next {
                self.instrument_mut(id).funding = next;
            }
        }
        if self.time.since(self.funding_paid_at).millis() >= rules.pay_ms {
            self.pay_funding();
        }
    }

    fn next_funding(&self, it: &Instrument, rules: &FundingParameters) -> Funding {
        let Funding { premium, paid, until } = it.funding;
        if until == Timestamp::ZERO {
            return Funding { until: self.time, ..it.funding };
        }
        let span = Duration::from_millis(self.time.since(until).millis().min(rules.gap_ms_max));
        let index = self.underlying(it.underlying).index;
        let rate = i128::from(rules.rate(premium).raw());
        let due = i128::from(index.micros()) * rate * i128::from(span.millis());
        let sample = if it.halt.is_some() { premium } else { self.premium(it, index, rules) };
        Funding {
            premium: rules.averaged(premium, sample, span),
            paid: paid + due / i128::from(rules.period_ms),
            until: self.time,
        }
    }

    /// What the instrument trades above its index now, as a part of that: zero where a side is too thin.
    fn premium(&self, it: &Instrument, index: Cash, rules: &FundingParameters) -> Fix {
        let of = |side| self.impact_price(it, side, Cash::from_micros(rules.impact_micros));
        let Some((bid, ask)) = of(Side::Buy).zip(of(Side::Sell)) else { return Fix::ZERO };
        let middle = (i128::from(bid.micros()) + i128::from(ask.micros())) / 2;
        let above = i64::try_from(middle - i128::from(index.micros())).unwrap_or(0);
        let premium = Fix::ratio(above, index.micros(), Rounding::HalfEven).unwrap_or(Fix::ZERO);
        Fix::from_raw(premium.raw().clamp(-rules.premium_billionths_max, rules.premium_billionths_max))
    }

    /// The price down to which a side of the book holds so much notional.
    fn impact_price(&self, it: &Instrument, side: Side, notional: Cash) -> Option<Cash> {
        let value = |price: Ticks, lots| it.market.notional(price, lots, Rounding::Floor);
        let mut reached = Cash::ZERO;
        for level in self.book(it.id).levels(side) {
            reached = reached.checked_add(value(level.price, level.lots)?)?;
            if reached >= notional {
                return it.market.price(level.price);
            }
        }
        None
    }

    /// Lets everybody pay and get what has come together; what rounding left goes to the insurance fund.
    fn pay_funding(&mut self) {
        self.funding_paid_at = self.time;
        for account in 0..AccountIndex::try_from(self.accounts.len()).unwrap_or(AccountIndex::MAX) {
            let held = self.account(account).holdings.keys();
            let perpetuals = held.filter(|id| self.instrument_at(**id).contract == Contract::Perpetual);
            for id in perpetuals.copied().collect::<Vec<_>>() {
                self.settle_funding(account, id);
            }
        }
        let left = self.ledger.balance(Purse::Funding);
        if left.is_positive() {
            self.pay(Purse::Funding, Purse::Insurance(0), left);
        }
    }

    /// Lets one holding pay or get what it owes up to now.
    pub(crate) fn settle_funding(&mut self, account: AccountIndex, id: InstrumentId) {
        let it = self.instrument_at(id);
        if it.contract != Contract::Perpetual {
            return;
        }
        let Some(holding) = self.account(account).holdings.get(&id).copied() else { return };
        if holding.funded == it.funding.paid {
            return;
        }
        let owed = div_ceil(owed(it, &holding), OWED_PER_MICRO).and_then(Cash::from_i128);
        let owed = owed.expect("invariant: a position's funding is far below what its value may be");
        let rate_to = it.funding.paid;
        let holder = self.account_mut(account);
        if let Some(holding) = holder.holdings.get_mut(&id) {
            holding.funded = rate_to;
        }
        let amount = owed.checked_neg().unwrap_or(Cash::ZERO);
        holder.realised = holder.realised.checked_add(amount).unwrap_or(holder.realised);
        let holder = holder.id;
        self.touched.positions.note((account, id));
        self.touched.instruments.note(id);
        if amount.is_negative() {
            self.pay(Purse::Account(account), Purse::Funding, owed);
        } else {
            self.pay(Purse::Funding, Purse::Account(account), amount);
        }
        if !amount.is_zero() {
            let position = holding.position;
            self.emit(Event::FundingPaid { account: holder, instrument: id, position, amount });
        }
    }
}

/// What a holding still owes, in billionths of units times billionths of micros.
pub(crate) fn owed(it: &Instrument, holding: &Holding) -> i128 {
    units(it, holding.position) * (it.funding.paid - holding.funded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rate_is_what_a_premium_is_beyond_the_free_band_and_never_beyond_the_cap() {
        let rules = FundingParameters { free_billionths: 100, cap_billionths: 1_000, ..Default::default() };
        let cases = [(0, 0), (100, 0), (-100, 0), (101, 1), (-350, -250), (1_100, 1_000), (-9_999, -1_000)];
        for (premium, rate) in cases {
            assert_eq!(rules.rate(Fix::from_raw(premium)), Fix::from_raw(rate), "{premium}");
        }
    }

    #[test]
    fn a_sample_counts_by_the_time_it_stood_and_whole_after_the_span() {
        let rules = FundingParameters { average_ms: 1_000, ..Default::default() };
        let after = |ms| {
            let (premium, sample) = (Fix::from_raw(100), Fix::from_raw(300));
            rules.averaged(premium, sample, Duration::from_millis(ms)).raw()
        };
        assert_eq!([after(0), after(500), after(1_000), after(9_000)], [100, 200, 300, 300]);
    }
}
