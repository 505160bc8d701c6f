//! The volatility that a price implies.
//!
//! Everything is said of the side that is out of the money, per unit of the smaller of forward and strike: its
//! price c lies between 0 and 1, depends on u = |ln(F/K)| and the deviation s alone, and
//!
//! `c = bell(z) gap`, `z = s/2 - u/s`, `gap = tail(u/s - s/2) - tail(u/s + s/2)`, `dc/ds = pdf(z)`
//!
//! The equation is solved for the logarithm of c, or of 1 - c above one half, where neither loses digits; a start
//! within 13 % of the answer and three steps of Householder's third order end at the last digits for any price.
//! The normalisation, the choice of the two objectives and the order of the steps follow P. Jaeckel, "Let's Be
//! Rational", Wilmott (2015); the start is ours.
//!
//! Invariant: no branch in the solution, and as many steps for one price as for another, so that a loop over
//! slices has the bits of a call for one. A price outside the no-arbitrage bounds is refused with the bound.

use crate::{
    black::{Option, Right},
    domain::{AMOUNT, DomainError, Need},
    elementary::{exp, ln, ln_ratio, polynomial},
    kernel::Tails,
    normal::scaled_tails,
};

const SQRT_2_PI: f64 = 2.506_628_274_631_000_5;
const INVERSE_SQRT_2_PI: f64 = 0.398_942_280_401_432_677_94;
/// Without time no price implies a volatility.
const TIME_AHEAD: Need = Need { min: 1e-12, max: 200.0 };
/// Four units in the last place.
const DISCOUNT_SLACK: f64 = 8.9e-16;
/// Stands in for a logarithm of zero, far below any that two doubles near each other have.
const LOG_MIN: f64 = 1e-100;
const SQUARE_TOP: [f64; 3] = [1.0, 2.245_4, 0.570_96];
const SQUARE_BOTTOM: [f64; 3] = [1.0, 11.311_8, 0.499_116];
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
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Normalised {
    /// |ln(F/K)|, and one over it.
    pub log: f64,
    pub inverse_log: f64,
    /// c and 1 - c.
    pub price: f64,
    pub rest: f64,
    /// The logarithm of the smaller one.
    pub target: f64,
}

/// The volatility at which `it` costs `target`; the volatility in `it` is not looked at. Zero when the price
/// is exactly intrinsic.
pub fn implied_volatility(it: &Option, target: f64) -> Result<f64, ImpliedError> {
    Option { volatility: 0.0, ..*it }.check()?;
    TIME_AHEAD.check("time", it.time)?;
    AMOUNT.check("price", target)?;
    let sign = it.right.sign();
    let normalised = normalised(sign, it, target);
    let discount = exp(-it.rate * it.time);
    if normalised.price < 0.0 {
        let need = discount * sign * (it.forward - it.strike);
        return Err(ImpliedError::BelowIntrinsic { have: target, need });
    }
    if normalised.rest <= 0.0 {
        let need = discount * if it.right == Right::Call { it.forward } else { it.strike };
        return Err(ImpliedError::AboveBound { have: target, need });
    }
    Ok(implied_in_bounds(sign, it, target))
}

/// Zero for an intrinsic price, NaN outside the bounds.
#[inline(always)]
pub(crate) fn implied_in_bounds(sign: f64, it: &Option, target: f64) -> f64 {
    let it_normalised = normalised(sign, it, target);
    let s = start(&it_normalised);
    let s = improved(&it_normalised, s);
    let s = improved(&it_normalised, s);
    finished(&it_normalised, improved(&it_normalised, s), it.time)
}

/// The volatility; zero for an intrinsic price, NaN outside the bounds.
#[inline(always)]
pub(crate) fn finished(it: &Normalised, deviation: f64, time: f64) -> f64 {
    let volatility = deviation / time.sqrt();
    let above = if it.price == 0.0 { 0.0 } else { f64::NAN };
    let inside = it.price > 0.0 && it.rest > 0.0;
    if inside { volatility } else { above }
}

#[inline(always)]
pub(crate) fn normalised(sign: f64, it: &Option, target: f64) -> Normalised {
    let gain = sign * (it.forward - it.strike);
    let gain = if gain > 0.0 { gain } else { 0.0 };
    let growth = exp(it.rate * it.time);
    let chance = target * growth - gain;
    // What two roundings of a discount can make of a price is no time value.
    let slack = if growth == 1.0 { 0.0 } else { DISCOUNT_SLACK * gain };
    let chance = if chance.abs() <= slack { 0.0 } else { chance };
    let smaller = if it.forward < it.strike { it.forward } else { it.strike };
    let log = ln_ratio(it.forward, it.strike).abs();
    let log = if log < LOG_MIN { LOG_MIN } else { log };
    let (price, rest) = (chance / smaller, (smaller - chance) / smaller);
    let upper = price > 0.5;
    Normalised { log, inverse_log: 1.0 / log, price, rest, target: ln(if upper { rest } else { price }) }
}

/// Within 13 % of the answer for any price; the coefficients were fitted over the whole domain.
#[inline(always)]
pub(crate) fn start(it: &Normalised) -> f64 {
    let u = it.log;
    let upper = it.price > 0.5;
    // Above one half: 1 - c = cdf(-z) (1 + tail(depth) / tail(z)), once with the ratio of the middle, then better.
    let p = if upper { it.rest } else { 0.5 };
    let z = crude_quantile(0.5 * p);
    let square = z * z + 2.0 * u;
    let (nearer, farther) = (inverse_crude_tail(z, z * z), inverse_crude_tail(square.sqrt(), square));
    let z = crude_quantile(p * farther / (farther + nearer));
    let above = z + (z * z + 2.0 * u).sqrt();
    // Below: with y = u/s, z^2/2 = y^2/2 + u^2/8y^2 - u/2, and a gap of about s pdf(0) / (1 + y^2), the logarithm of
    // the price says y^2/2 + ln y + ln(1 + y^2) = steepness; a fraction of its softplus solves that for y^2.
    let steepness = ln(u * INVERSE_SQRT_2_PI) - it.target + 0.5 * u;
    let twice = 2.0 * steepness;
    let power = exp(-twice.abs());
    let logarithm = ln(1.0 + power) + if twice > 0.0 { twice } else { 0.0 };
    let soft = if twice < -20.0 { power } else { logarithm };
    let square = soft * polynomial(&SQUARE_TOP, soft) / polynomial(&SQUARE_BOTTOM, soft);
    let bend = u * square / (7.196 + square - 0.294_16 * u);
    let square = if square > bend { square } else { bend };
    let y = 0.5 * ((square + bend).sqrt() + (square - bend).sqrt());
    // Never less than at the money.
    let least = SQRT_2_PI * it.price;
    let spread = u / y;
    let below = if spread > least { spread } else { least } * (1.0 + 0.517_8 * it.price * it.price);
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

/// pdf(0) / 2 tail(y), to 4 %; `square` is that of y.
#[inline(always)]
fn inverse_crude_tail(y: f64, square: f64) -> f64 {
    const EIGHT_BY_PI: f64 = 2.546_479_089_470_325;
    y + (square + EIGHT_BY_PI).sqrt()
}

/// One step of Householder's third order on the logarithm of c, or of 1 - c where that is smaller.
#[inline(always)]
pub(crate) fn improved(it: &Normalised, s: f64) -> f64 {
    let view = view(it, s);
    stepped(it, s, &view, &part(it, &view, &tails(it, &view)))
}

/// A guess of the deviation as the formulas see it: u/s and s/2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub y: f64,
    pub half: f64,
}

/// c or 1 - c over the bell, whichever is solved for, beside what it should be: the logarithm of their ratio, less
/// `offset`, is what is missed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub part: f64,
    pub ratio: f64,
    pub offset: f64,
}

#[inline(always)]
pub(crate) fn view(it: &Normalised, s: f64) -> View {
    View { y: it.log / s, half: 0.5 * s }
}

impl View {
    /// Whether the two tails nearly agree, so that their difference is a series around the middle.
    #[inline(always)]
    fn is_narrow(&self, log: f64) -> bool {
        self.half < SERIES_HALF && log < SERIES_LOG
    }
}

/// The first stage of a step.
#[inline(always)]
pub(crate) fn tails(it: &Normalised, view: &View) -> Tails {
    let View { y, half } = *view;
    let place = if view.is_narrow(it.log) { y } else { (half - y).abs() };
    let (near, far) = scaled_tails(place, y + half);
    Tails { near, far }
}

/// The second.
#[inline(always)]
pub(crate) fn part(it: &Normalised, view: &View, tails: &Tails) -> Part {
    const BELL_MIN_LOG: f64 = 650.0;
    let View { y, half } = *view;
    let Tails { near, far } = *tails;
    let z = half - y;
    let square = 0.5 * z * z;
    let series = view.is_narrow(it.log);
    let above = z >= 0.0 && !series;
    let inverse_bell = exp(if square < BELL_MIN_LOG { square } else { BELL_MIN_LOG });
    let (narrow, wide) = (series_gap(y, near, half), near - far);
    let gap = if series { narrow } else { wide };
    let sum = near + far;
    // c and 1 - c over the bell; above z = 0 the sum of the tails is 1 - c, below it their difference is c.
    let (bell_less_sum, bell_less_gap) = (inverse_bell - sum, inverse_bell - gap);
    let price = if above { bell_less_sum } else { gap };
    let rest = if above { sum } else { bell_less_gap };
    let (part, target) = if it.price > 0.5 { (rest, it.rest) } else { (price, it.price) };
    // Near one a logarithm loses nothing; the difference of two that are large does. Only where the bell is beyond a
    // double is there no other way, and there a digit of the price is worth little of the volatility.
    let within = square < BELL_MIN_LOG;
    let want = if within { target * inverse_bell } else { 1.0 };
    Part { part, ratio: part / want, offset: if within { 0.0 } else { square + it.target } }
}

/// The third.
#[inline(always)]
pub(crate) fn stepped(it: &Normalised, s: f64, view: &View, part: &Part) -> f64 {
    let View { y, half } = *view;
    let Part { part, ratio, offset } = *part;
    let miss = ln(ratio) - offset;
    // The slope of that logarithm is pdf / part; the higher derivatives come from those of pdf. A Newton step turns
    // them into their ratios times powers of the step without a division.
    let newton = -miss * SQRT_2_PI * if it.price > 0.5 { -part } else { part };
    let by_s_newton = y * it.inverse_log * newton;
    let bend = (y * y - half * half) * by_s_newton;
    let twist = bend * bend - (3.0 * y * y * by_s_newton * by_s_newton + 0.25 * newton * newton);
    let ratio2 = bend + miss;
    let ratio3 = twist + miss * (2.0 * miss + 3.0 * bend);
    let step = newton * (1.0 + 0.5 * ratio2) / (1.0 + (ratio2 + ratio3 * (1.0 / 6.0)));
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
