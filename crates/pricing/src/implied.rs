//! The volatility that a price implies.
//!
//! Newton steps on the logarithm of the out-of-the-money price, which is nearly straight in the far tails,
//! kept inside a bracket that halves when a step leaves it.
//!
//! Invariant: an answer reproduces the price to the last digits a double can tell apart; a price outside
//! the no-arbitrage bounds is refused with the bound.

use crate::{
    black::{Option, Right, price, value},
    domain::{AMOUNT, DomainError, Need},
    elementary::ln,
};

const VOLATILITY_MAX: f64 = 100.0;
/// Without time no price implies a volatility.
const TIME_AHEAD: Need = Need { min: 1e-12, max: 200.0 };
const STEPS_MAX: usize = 100;

/// Why a price implies no volatility.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum ImpliedError {
    #[error("price {have} is below the intrinsic value {need}")]
    BelowIntrinsic { have: f64, need: f64 },
    #[error("price {have} is not below the largest possible value {need}")]
    AboveBound { have: f64, need: f64 },
    #[error(transparent)]
    Domain(#[from] DomainError),
}

/// The volatility at which `it` costs `target`; the volatility in `it` is not looked at. Zero when the price
/// is exactly intrinsic.
pub fn implied_volatility(it: &Option, target: f64) -> Result<f64, ImpliedError> {
    Option { volatility: 0.0, ..*it }.check()?;
    TIME_AHEAD.check("time", it.time)?;
    AMOUNT.check("price", target)?;
    let at = |volatility: f64| Option { volatility, ..*it };
    let intrinsic = price(&at(0.0));
    let discount = price(&Option { right: Right::Call, strike: f64::MIN_POSITIVE, ..at(0.0) }) / it.forward;
    let bound = discount * if it.right == Right::Call { it.forward } else { it.strike };
    if target < intrinsic {
        return Err(ImpliedError::BelowIntrinsic { have: target, need: intrinsic });
    }
    if target >= bound {
        return Err(ImpliedError::AboveBound { have: target, need: bound });
    }
    if target == intrinsic {
        return Ok(0.0);
    }
    // In the money the time value is what carries information: look at the other side of the strike.
    let in_the_money = intrinsic > 0.0;
    let other = if it.right == Right::Call { Right::Put } else { Right::Call };
    let right = if in_the_money { other } else { it.right };
    solve(&Option { right, ..*it }, target - intrinsic)
}

fn solve(it: &Option, target: f64) -> Result<f64, ImpliedError> {
    let (mut low, mut high) = (0.0, VOLATILITY_MAX);
    let log_target = ln(target);
    // The inflection point of the price in volatility: Newton from there goes the right way.
    let mut guess = (2.0 * ln(it.forward / it.strike).abs() / it.time).sqrt().clamp(0.05, 10.0);
    for _ in 0..STEPS_MAX {
        let now = value(&Option { volatility: guess, ..*it });
        if now.price < target {
            low = guess;
        } else {
            high = guess;
        }
        let next = if now.price > 0.0 && now.greeks.vega > 0.0 {
            guess - (ln(now.price) - log_target) * now.price / now.greeks.vega
        } else {
            f64::NAN
        };
        let inside = next > low && next < high;
        let next = if inside { next } else { 0.5 * (low + high) };
        if (next - guess).abs() <= 1e-15 * guess || next == low || next == high {
            return Ok(next);
        }
        guess = next;
    }
    Ok(guess)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_implied_volatility_gives_the_price_back() {
        for strike in [50.0, 90.0, 100.0, 115.0, 200.0] {
            for time in [0.01, 0.25, 2.0] {
                for volatility in [0.1, 0.55, 1.8] {
                    for right in [Right::Call, Right::Put] {
                        let it = Option { right, forward: 100.0, strike, time, rate: 0.0, volatility };
                        let target = price(&it);
                        if target - price(&Option { volatility: 0.0, ..it }) < 1e-6 {
                            continue;
                        }
                        let have = implied_volatility(&it, target).unwrap();
                        assert!((have / volatility - 1.0).abs() < 1e-7, "{it:?}: {have}");
                    }
                }
            }
        }
    }

    #[test]
    fn impossible_prices_are_refused_with_their_bound() {
        let it = Option {
            right: Right::Call,
            forward: 100.0,
            strike: 90.0,
            time: 1.0,
            rate: 0.0,
            volatility: 0.0,
        };
        assert_eq!(implied_volatility(&it, 9.0), Err(ImpliedError::BelowIntrinsic { have: 9.0, need: 10.0 }));
        assert!(matches!(implied_volatility(&it, 100.0), Err(ImpliedError::AboveBound { .. })));
        assert_eq!(implied_volatility(&it, 10.0), Ok(0.0));
        assert!(matches!(implied_volatility(&it, f64::NAN), Err(ImpliedError::Domain(_))));
        let expired = Option { time: 0.0, ..it };
        assert!(matches!(
            implied_volatility(&expired, 11.0),
            Err(ImpliedError::Domain(DomainError { field: "time", .. }))
        ));
    }
}
