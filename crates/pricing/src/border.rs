//! Where floats end: integers in, integers out, rounding named.
//!
//! Invariant: nothing outside this crate sees a float that decides anything. Prices round half to even to a
//! millionth, Greeks and volatilities half to even to a billionth; what does not fit saturates.
//! Rounding keeps order: where the formula rises or falls with strike, forward, volatility or time, so do the integers;
//! two neighbours of the grid may tie, or turn back by one unit, where a float holds no difference between them. Scan
//! ranges round up to whole steps. `tests/border.rs` holds it.

use num::{Cash, Duration, Fix, YEAR_MS};

use crate::{
    black::{self, Right},
    implied::implied_volatility,
};

/// An option to be valued, in integers. No discounting: forward and price settle together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    pub right: Right,
    pub forward: Cash,
    pub strike: Cash,
    pub time: Duration,
    pub volatility: Fix,
}

/// Price and the five usual Greeks of one unit: delta, gamma, vega, theta, rho.
pub fn quote(it: &Quote) -> (Cash, [Fix; 5]) {
    let value = black::value(&it.option());
    let greeks = &value.greeks;
    (to_cash(value.price), [greeks.delta, greeks.gamma, greeks.vega, greeks.theta, greeks.rho].map(to_fix))
}

/// The volatility that `price` implies; `None` when it implies none.
pub fn quote_implied(it: &Quote, price: Cash) -> core::option::Option<Fix> {
    implied_volatility(&it.option(), from_cash(price)).ok().map(to_fix)
}

impl Quote {
    pub(crate) fn option(&self) -> black::Option {
        black::Option {
            right: self.right,
            forward: from_cash(self.forward),
            strike: from_cash(self.strike),
            time: years(self.time),
            rate: 0.0,
            volatility: from_fix(self.volatility),
        }
    }
}

/// Actual/365 fixed.
pub(crate) fn years(time: Duration) -> f64 {
    to_float(i64::try_from(time.millis()).unwrap_or(i64::MAX))
        / to_float(i64::try_from(YEAR_MS).unwrap_or(i64::MAX))
}

/// Days as a part of a year of 365.
pub fn years_of_days(days: f64) -> f64 {
    days / 365.0
}

pub(crate) fn from_cash(cash: Cash) -> f64 {
    to_float(cash.micros()) / 1e6
}

pub(crate) fn from_fix(fix: Fix) -> f64 {
    to_float(fix.raw()) / 1e9
}

pub(crate) fn to_cash(usd: f64) -> Cash {
    Cash::from_micros(to_integer(usd * 1e6))
}

pub(crate) fn to_fix(ratio: f64) -> Fix {
    Fix::from_raw(to_integer(ratio * 1e9))
}

#[expect(clippy::as_conversions, reason = "rounds to nearest, the same everywhere; exact below 2^53")]
pub(crate) fn to_float(integer: i64) -> f64 {
    integer as f64
}

/// A ratio in whole steps, rounded up; saturates, and NaN is zero.
pub(crate) fn to_step_above(ratio: f64, step: Fix) -> Fix {
    let steps = to_integer((ratio / from_fix(step)).ceil());
    Fix::from_raw(steps.saturating_mul(step.raw()))
}

/// Half to even; saturates, and NaN is zero.
#[expect(clippy::as_conversions, reason = "a float to integer cast saturates by definition")]
pub(crate) fn to_integer(float: f64) -> i64 {
    float.round_ties_even() as i64
}

/// A number in trillionths, half to even; `None` for what is no number or beyond a quadrillion.
#[expect(clippy::as_conversions, reason = "a float of at most 1e27, far inside 128 bits")]
pub fn to_trillionths(number: f64) -> core::option::Option<i128> {
    let trillionths = (number * 1e12).round_ties_even();
    (trillionths.abs() <= 1e27).then_some(trillionths as i128)
}

/// The number nearest to so many trillionths.
#[expect(clippy::as_conversions, reason = "rounds to nearest, the same everywhere")]
pub fn from_trillionths(trillionths: i128) -> f64 {
    trillionths as f64 / 1e12
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_and_its_implied_volatility_agree() {
        let it = Quote {
            right: Right::Call,
            forward: Cash::from_micros(64_000_000_000),
            strike: Cash::from_micros(66_000_000_000),
            time: Duration::from_millis(7 * num::DAY_MS),
            volatility: Fix::from_raw(482_700_000),
        };
        let (price, [delta, ..]) = quote(&it);
        assert!(
            price > Cash::from_micros(900_000_000) && price < Cash::from_micros(1_000_000_000),
            "{price}"
        );
        assert!(delta > Fix::ZERO && delta < Fix::ONE);
        let implied = quote_implied(&it, price).unwrap();
        assert!((implied.raw() - it.volatility.raw()).abs() < 100, "{implied}");
    }
}
