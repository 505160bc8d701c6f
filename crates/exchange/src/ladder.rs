//! How good a price of reference is, and what may be done at it.
//!
//! | use | highest rung | why |
//! |---|---|---|
//! | withdraw | valid | money that has left does not come back |
//! | list | valid | strikes are made around the index |
//! | settle | valid | a level that was met and an option that was exercised stay so |
//! | liquidate | stale | nobody is closed at a price on which reporters do not agree |
//! | trigger | uncertain | a stop fires once |
//! | trade | volatile | a limit protects who trades; without any price nothing trades |
//!
//! Invariant: the rung is a function of observations and commit time, taken once a commit. What needs less never
//! stops before what needs more; cancels need nothing.
//! Left out on purpose: halts. They are about a price that is good and moves.

use std::collections::BTreeSet;

use num::{Cash, Duration, Fix, Timestamp};
use wire::{Event, Reject, Rung, UnderlyingId};

use crate::{genesis::LadderParameters, ledger::AccountIndex, state::State};

/// What a price is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Withdraw,
    List,
    Settle,
    Liquidate,
    Trigger,
    Trade,
}

impl Use {
    /// The worst rung that is good enough.
    pub(crate) const fn highest(self) -> Rung {
        match self {
            Self::Withdraw | Self::List | Self::Settle => Rung::Valid,
            Self::Liquidate => Rung::Stale,
            Self::Trigger => Rung::Uncertain,
            Self::Trade => Rung::Volatile,
        }
    }
}

/// An index averaged over data time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Average {
    pub value: Cash,
    pub at: Timestamp,
}

saved!(Average { value, at });

impl Average {
    /// The average after `price` stood until `now`.
    fn after(self, price: Cash, now: Timestamp, span: Duration) -> Self {
        let passed = i128::from(now.since(self.at).millis().min(span.millis()));
        let gap = i128::from(price.micros()) - i128::from(self.value.micros());
        let step = gap * passed / i128::from(span.millis().max(1));
        let value = Cash::from_i128(i128::from(self.value.micros()) + step).unwrap_or(price);
        Self { value, at: self.at.max(now) }
    }
}

impl State {
    /// Judges every price of reference as it is in this commit.
    pub(crate) fn refresh_rungs(&mut self) {
        let Some(rules) = self.parameters.ladder else { return };
        for place in 0..self.underlyings.len() {
            let Ok(id) = u16::try_from(place).map(UnderlyingId) else { continue };
            let rung = self.rung_now(id, &rules);
            let (now, span) = (self.time, Duration::from_millis(rules.average_ms));
            let underlying = self.underlying_mut(id);
            underlying.average = underlying.average.after(underlying.index, now, span);
            if underlying.rung != rung {
                underlying.rung = rung;
                self.emit(Event::RungChanged { underlying: id, rung });
            }
        }
    }

    fn rung_now(&self, id: UnderlyingId, rules: &LadderParameters) -> Rung {
        let underlying = self.underlying(id);
        let Some(spoken_at) = self.oracle.spoken_at(id, self.time) else { return Rung::Invalid };
        let part = |have: i128, of: Cash, billionths: i64| {
            have * i128::from(Fix::SCALE) > i128::from(of.micros()) * i128::from(billionths)
        };
        let from_average =
            i128::from(underlying.index.micros()) - i128::from(underlying.average.value.micros());
        if part(from_average.abs(), underlying.average.value, rules.volatile_billionths) {
            return Rung::Volatile;
        }
        let spread = self.oracle.spread(id, self.time).unwrap_or(Cash::MAX);
        if part(spread.micros().into(), underlying.index, rules.uncertain_billionths) {
            return Rung::Uncertain;
        }
        if self.time.since(spoken_at).millis() > rules.stale_ms { Rung::Stale } else { Rung::Valid }
    }

    pub(crate) fn check_rung(&self, id: UnderlyingId, used: Use) -> Result<(), Reject> {
        let (have, need) = (self.underlying(id).rung, used.highest());
        if have <= need { Ok(()) } else { Err(Reject::OracleRung { have, need }) }
    }

    /// Whether the prices of everything that an account has positions or orders in are good enough.
    pub(crate) fn check_rungs(&self, account: AccountIndex, used: Use) -> Result<(), Reject> {
        self.underlyings_of(account).into_iter().try_for_each(|id| self.check_rung(id, used))
    }

    /// What an account has positions or open orders in.
    fn underlyings_of(&self, account: AccountIndex) -> BTreeSet<UnderlyingId> {
        let holder = self.account(account);
        let orders = holder.orders.iter().filter_map(|id| self.order(id)).map(|order| order.instrument);
        let instruments = holder.holdings.keys().copied().chain(orders);
        instruments.map(|id| self.instrument_at(id).underlying).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_better_price_stops_first() {
        let order = [Use::Withdraw, Use::Liquidate, Use::Trigger, Use::Trade];
        assert!(order.windows(2).all(|pair| pair[0].highest() < pair[1].highest()));
        assert!(Use::Trade.highest() < Rung::Invalid, "without a price nothing trades");
    }

    #[test]
    fn an_average_reaches_a_price_that_stood_for_the_whole_span() {
        let begun = Average { value: Cash::from_micros(100), at: Timestamp::from_millis(50) };
        let span = Duration::from_millis(10);
        let after = |ms| begun.after(Cash::from_micros(200), Timestamp::from_millis(ms), span).value.micros();
        assert_eq!([after(50), after(55), after(60), after(900)], [100, 150, 200, 200]);
    }
}
