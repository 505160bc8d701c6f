//! The volatility that a price implies.
//!
//! Everything is said of the side that is out of the money, per unit of the smaller of forward and strike: its
//! price c lies between 0 and 1, depends on u = |ln(F/K)| and the deviation s alone, and
//!
//! `c = bell(z) gap`, `z = s/2 - u/s`, `gap = tail(u/s - s/2) - tail(u/s + s/2)`, `dc/ds = pdf(z)`
//!
//! The equation is solved for the logarithm of c, or of 1 - c above one half, where neither loses digits; a start
//! within 60 % of the answer and three steps of Householder's third order end at the last digits for any price.
//! The normalisation, the choice of the two objectives and the order of the steps follow P. Jaeckel, "Let's Be
//! Rational", Wilmott (2015); the start is ours.
//!
//! Invariant: no branch in the solution, and as many steps for one price as for another, so that a loop over
//! slices has the bits of a call for one. A price outside the no-arbitrage bounds is refused with the bound.

use crate::{
    black::{Option, Right},
    domain::{AMOUNT, DomainError, Need},
    elementary::{exp, ln, ln_ratio, polynomial},
    normal::scaled_tail,
};

const SQRT_2_PI: f64 = 2.506_628_274_631_000_5;
const INVERSE_SQRT_2_PI: f64 = 0.398_942_280_401_432_677_94;
/// Without time no price implies a volatility.
const TIME_AHEAD: Need = Need { min: 1e-12, max: 200.0 };
/// More of a difference than two roundings of a discount can make of a price.
const DISCOUNT_SLACK: f64 = 8.9e-16;
const STEPS: usize = 3;
/// Stands in for a logarithm of zero, far below any that two doubles near each other have.
const LOG_MIN: f64 = 1e-200;
/// Where the difference of tails becomes a series.
const SERIES_HALF: f64 = 0.25;
const SERIES_LOG: f64 = 0.75;

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

/// A price as the equation sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Normalised {
    /// |ln(F/K)|.
    log: f64,
    /// c and 1 - c.
    price: f64,
    rest: f64,
}

/// The volatility at which `it` costs `target`; the volatility in `it` is not looked at. Zero when the price
/// is exactly intrinsic.
pub fn implied_volatility(it: &Option, target: f64) -> Result<f64, ImpliedError> {
    Option { volatility: 0.0, ..*it }.check()?;
    TIME_AHEAD.check("time", it.time)?;
    AMOUNT.check("price", target)?;
    let sign = it.right.sign();
    let growth = exp(it.rate * it.time);
    let gain = (sign * (it.forward - it.strike)).max(0.0);
    let bound = if it.right == Right::Call { it.forward } else { it.strike };
    let slack = if growth == 1.0 { 0.0 } else { DISCOUNT_SLACK * gain };
    if target * growth < gain - slack {
        return Err(ImpliedError::BelowIntrinsic { have: target, need: gain / growth });
    }
    if target * growth >= bound {
        return Err(ImpliedError::AboveBound { have: target, need: bound / growth });
    }
    if target * growth <= gain {
        return Ok(0.0);
    }
    Ok(implied_in_bounds(sign, it, target))
}

/// For prices above the intrinsic value and below the bound; any number for others.
#[inline(always)]
pub(crate) fn implied_in_bounds(sign: f64, it: &Option, target: f64) -> f64 {
    let gain = sign * (it.forward - it.strike);
    let gain = if gain > 0.0 { gain } else { 0.0 };
    let chance = target * exp(it.rate * it.time) - gain;
    let smaller = if it.forward < it.strike { it.forward } else { it.strike };
    let log = ln_ratio(it.forward, it.strike).abs();
    let normalised = Normalised {
        log: if log < LOG_MIN { LOG_MIN } else { log },
        price: chance / smaller,
        rest: (smaller - chance) / smaller,
    };
    deviation(&normalised) / it.time.sqrt()
}

/// The deviation s at which the option has its price.
#[inline(always)]
fn deviation(it: &Normalised) -> f64 {
    let upper = it.price > 0.5;
    let target = ln(if upper { it.rest } else { it.price });
    let mut s = start(it, upper, target);
    let mut step = 0;
    while step < STEPS {
        s = improved(it.log, upper, target, s);
        step += 1;
    }
    s
}

/// Within 60 % of the answer for any price.
#[inline(always)]
fn start(it: &Normalised, upper: bool, target: f64) -> f64 {
    let u = it.log;
    // Above one half: 1 - c = cdf(-z) (1 + tail(depth) / tail(z)), once with the ratio of the middle, then better.
    let p = if upper { it.rest } else { 0.5 };
    let z = crude_quantile(0.5 * p);
    let z = crude_quantile(p / (1.0 + crude_tail((z * z + 2.0 * u).sqrt()) / crude_tail(z)));
    let above = z + (z * z + 2.0 * u).sqrt();
    // Below: with y = u/s, z^2/2 = y^2/2 + u^2/8y^2 - u/2, and a gap of about s pdf(0) / (1 + y^2), the logarithm of
    // the price says y^2/2 + ln y + ln(1 + y^2) = steepness; a fraction of its softplus solves that for y^2.
    let steepness = ln(u * INVERSE_SQRT_2_PI) - target + 0.5 * u;
    let twice = 2.0 * steepness;
    let power = exp(if twice > 700.0 { 700.0 } else { twice });
    let soft = if power < 1e-9 { power } else { ln(1.0 + power) };
    let square = soft * (1.0 + soft * (1.0 + 0.1 * soft)) / (1.0 + soft * (2.6 + 0.1 * soft));
    let square = if square > u { square } else { u };
    let y = 0.5 * ((square + u).sqrt() + (square - u).sqrt());
    // Never less than at the money.
    let least = SQRT_2_PI * it.price;
    let below = if u > least * y { u / y } else { least };
    if upper { above } else { below }
}

/// The inverse of the upper tail for p up to one half, to 3e-3: M. Abramowitz and I. Stegun, "Handbook of
/// Mathematical Functions" (1964), 26.2.22.
#[inline(always)]
fn crude_quantile(p: f64) -> f64 {
    let p = if p < 0.5 { p } else { 0.5 };
    let t = (-2.0 * ln(p)).sqrt();
    t - (2.307_53 + 0.270_61 * t) / (1.0 + t * (0.992_29 + 0.044_81 * t))
}

/// tail(y) pdf(0) / 2, to 4 %.
#[inline(always)]
fn crude_tail(y: f64) -> f64 {
    const EIGHT_BY_PI: f64 = 2.546_479_089_470_325;
    1.0 / (y + (y * y + EIGHT_BY_PI).sqrt())
}

/// One step of Householder's third order on the logarithm of c, or of 1 - c where that is smaller.
#[inline(always)]
fn improved(u: f64, upper: bool, target: f64, s: f64) -> f64 {
    const BELL_MIN_LOG: f64 = 650.0;
    let (y, half) = (u / s, 0.5 * s);
    let z = half - y;
    let (square, far) = (0.5 * z * z, scaled_tail(y + half));
    let series = half < SERIES_HALF && u < SERIES_LOG;
    let above = z >= 0.0 && !series;
    let near = scaled_tail(if series { y } else { z.abs() });
    let inverse_bell = exp(if square < BELL_MIN_LOG { square } else { BELL_MIN_LOG });
    let gap = if series { series_gap(y, near, half) } else { near - far };
    let sum = near + far;
    // c and 1 - c over the bell; above z = 0 the sum of the tails is 1 - c, below it their difference is c.
    let price = if above { inverse_bell - sum } else { gap };
    let rest = if above { sum } else { inverse_bell - gap };
    let part = if upper { rest } else { price };
    let miss = ln(part) - square - target;
    // Derivatives of that logarithm: the first is pdf / part, the others follow from d pdf / ds.
    let signed = SQRT_2_PI * if upper { -part } else { part };
    let slope = 1.0 / signed;
    let by_s = 1.0 / s;
    let second = (y * y - half * half) * by_s;
    let third = second * second - (3.0 * y * y * by_s * by_s + 0.25);
    let (ratio2, ratio3) = (second - slope, third + slope * (2.0 * slope - 3.0 * second));
    let newton = -miss * signed;
    let step =
        newton * (1.0 + 0.5 * ratio2 * newton) / (1.0 + newton * (ratio2 + ratio3 * newton * (1.0 / 6.0)));
    let next = s + step;
    let next = if next < 0.3 * s { 0.3 * s } else { next };
    if next > 3.0 * s { 3.0 * s } else { next }
}

/// tail(y - t) - tail(y + t), given tail(y), as its Taylor series for t below a quarter: with
/// tail' = y tail - pdf(0), the derivatives follow a(n+1) = y a(n) + n a(n-1).
#[inline(always)]
fn series_gap(y: f64, tail: f64, t: f64) -> f64 {
    let mut odd = [0.0; 9];
    let (mut even, mut now, mut order) = (tail, y * tail - INVERSE_SQRT_2_PI, 1.0);
    let mut inverse_factorial = 1.0;
    let mut k = 0;
    while k < odd.len() {
        odd[k] = now * inverse_factorial;
        let next_even = y * now + order * even;
        let next_odd = y * next_even + (order + 1.0) * now;
        (even, now) = (next_even, next_odd);
        order += 2.0;
        inverse_factorial /= (order - 1.0) * order;
        k += 1;
    }
    -2.0 * t * polynomial(&odd, t * t)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::black::price;

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
