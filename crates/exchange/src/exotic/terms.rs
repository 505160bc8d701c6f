//! Which terms an exotic may have.
//!
//! It expires when European options do, for it is marked on their smile. Strikes and levels are round and within a
//! multiple of the index, amounts are whole ticks up to the strike.
//!
//! Invariant: what an exotic may pay is at most what a European option or its underlying may, so that every size that can
//! be counted of those can be of it.

use num::{Cash, Fix, Rounding, Timestamp};
use wire::{Crossing, ExoticStyle, ExoticTerms, Knock, OptionRight, Reject};

use super::first_fixing;
use crate::{
    calendar,
    genesis::{ExoticParameters, Surface},
    listing::round_step,
    oracle::DELIVERY_WINDOW,
    state::{State, Underlying},
};

impl State {
    /// An expiry ahead that names can say, and that has a smile.
    pub(super) fn check_term(&self, underlying: &Underlying, have: Timestamp) -> Result<(), Reject> {
        let has_smile = |it: &Surface| it.expiry_ms == have.millis() && !it.nodes.is_empty();
        let is_named = calendar::parse_expiry(&calendar::format_expiry(have)) == Some(have);
        let is_ahead = have > self.time;
        if is_named && is_ahead && underlying.surfaces.iter().any(has_smile) {
            return Ok(());
        }
        Err(Reject::ExoticExpiry { have })
    }

    pub(super) fn check_terms(
        &self,
        rules: &ExoticParameters,
        underlying: &Underlying,
        terms: &ExoticTerms,
    ) -> Result<(), Reject> {
        let (index, tick) = (underlying.index, underlying.option.tick_size());
        let strikes = rules.strikes(index, self.oracle.range(terms.underlying));
        strikes.check(terms.strike)?;
        let amounts = |low: Cash| Multiples { step: tick, low, high: terms.strike };
        match terms.style {
            ExoticStyle::Asset | ExoticStyle::American => Ok(()),
            ExoticStyle::Cash { amount } => amounts(tick).check_amount(amount),
            ExoticStyle::Barrier { crossing, knock, level, rebate } => {
                strikes.check(level)?;
                check_level((crossing, knock, level), terms, index)?;
                amounts(Cash::ZERO).check_amount(rebate)
            }
            ExoticStyle::Asian { fixings: have } => {
                let need = rules.fixings_max;
                if !(2..=need).contains(&have) {
                    return Err(Reject::ExoticFixings { have, need });
                }
                // A window that has begun would be a part of what it should be.
                let (have, need) =
                    (first_fixing(terms.expiry, have), self.time.saturating_add(DELIVERY_WINDOW));
                if have > need { Ok(()) } else { Err(Reject::TimeNotAhead { have, need }) }
            }
        }
    }
}

/// Whole steps within two prices, both included.
#[derive(Clone, Copy, Debug)]
struct Multiples {
    step: Cash,
    low: Cash,
    high: Cash,
}

impl Multiples {
    fn has(self, have: Cash) -> bool {
        (self.low..=self.high).contains(&have) && have.micros() % self.step.micros().max(1) == 0
    }

    fn check(self, have: Cash) -> Result<(), Reject> {
        let Self { step, low, high } = self;
        if self.has(have) { Ok(()) } else { Err(Reject::ExoticPrice { have, step, low, high }) }
    }

    fn check_amount(self, have: Cash) -> Result<(), Reject> {
        let Self { step, low, high } = self;
        if self.has(have) { Ok(()) } else { Err(Reject::ExoticAmount { have, step, low, high }) }
    }
}

impl ExoticParameters {
    /// The strikes and levels there may be at an index, among prices that may be observed.
    fn strikes(&self, index: Cash, (lowest, highest): (Cash, Cash)) -> Multiples {
        let least = index.scale(Fix::from_raw(self.step_billionths), Rounding::Ceil);
        let low = Cash::from_micros(index.micros() / i64::from(self.reach.max(1)));
        let high = Cash::from_micros(index.micros().saturating_mul(self.reach.into()));
        Multiples {
            step: Cash::from_micros(round_step(least)),
            low: low.max(lowest),
            high: high.min(highest),
        }
    }
}

/// A level lies ahead of the index, and an option that ends at its level ends in the money or could never pay.
fn check_level(
    (crossing, knock, level): (Crossing, Knock, Cash),
    terms: &ExoticTerms,
    index: Cash,
) -> Result<(), Reject> {
    let is_beyond = |price: Cash| match crossing {
        Crossing::Rises => level > price,
        Crossing::Falls => level < price,
    };
    if !is_beyond(index) {
        return Err(Reject::ExoticLevel { have: level, need: index });
    }
    let towards = (terms.right == OptionRight::Call) == (crossing == Crossing::Rises);
    if knock == Knock::Out && towards && !is_beyond(terms.strike) {
        return Err(Reject::ExoticLevel { have: level, need: terms.strike });
    }
    Ok(())
}
