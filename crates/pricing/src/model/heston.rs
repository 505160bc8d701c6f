//! European options under Heston's stochastic variance.
//!
//! Sources: S. Heston, Review of Financial Studies 6 (1993); the characteristic function in the form that never crosses
//! a branch, H. Albrecher, P. Mayer, W. Schoutens and J. Tistaert, "The Little Heston Trap", Wilmott (2007); the
//! single integral of A. Lewis, "A Simple Option Formula for General Jump-Diffusion" (2001), less the same integral for
//! Black's formula at the expected variance, which is known: L. Andersen and V. Piterbarg, "Interest Rate Modeling"
//! (2010), 8.4.
//!
//! Greeks are derivatives of the integral, written out: those of the characteristic function exp(C + D v) by v are
//! D and D^2 times itself, and by time (C' + D' v) times itself, where C' and D' are Heston's Riccati equations.
//!
//! Invariant: parity holds exactly: only the call's integral exists. The volatility that Greeks are taken by is
//! today's, the root of v; the other parameters stay.

use super::complex::{Complex, complex};
use crate::{
    black::{self, European, Greeks, Value},
    domain::{DomainError, Need, TIME},
    elementary::{exp, ln_ratio},
    exotic::LIVE_TIME,
    market::Market,
    quadrature::{LEGENDRE_32, points},
};

const VARIANCE: Need = Need { min: 1e-8, max: 100.0 };
const SPEED: Need = Need { min: 1e-6, max: 1e3 };
const NU: Need = Need { min: 1e-4, max: 100.0 };
const RHO: Need = Need { min: -0.999_999, max: 0.999_999 };
/// The integral ends where a panel adds less than this.
const NOTHING: f64 = 1e-15;
const PANELS_MAX: u32 = 400;

/// dv = speed (mean - v) dt + nu sqrt(v) dZ, dW dZ = rho dt; `variance` is v today.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heston {
    pub variance: f64,
    pub speed: f64,
    pub mean: f64,
    pub nu: f64,
    pub rho: f64,
}

/// The integrals over u of exp(iuk) times something, over u^2 + 1/4 where not said otherwise; the gap is the
/// characteristic function less Black's.
#[derive(Clone, Copy, Debug, Default)]
struct Integrals {
    /// The gap, and the gap times 1/2 + iu: derivatives by k of the price.
    level: f64,
    slope: f64,
    /// The gap, without the fraction.
    bend: f64,
    /// The derivatives of the gap by v, twice by v, and by v times 1/2 + iu.
    by_variance: f64,
    by_variance_twice: f64,
    by_variance_slope: f64,
    by_time: f64,
}

/// The characteristic function, and what its logarithm's derivatives by v and by time are.
#[derive(Clone, Copy, Debug)]
struct Characteristic {
    value: Complex,
    by_variance: Complex,
    by_time: Complex,
}

/// Expected variance over a time, and its derivatives by v and by time.
#[derive(Clone, Copy, Debug)]
struct Expected {
    total: f64,
    by_variance: f64,
    by_time: f64,
}

impl Heston {
    pub fn check(&self) -> Result<(), DomainError> {
        VARIANCE.check("v0", self.variance)?;
        SPEED.check("kappa", self.speed)?;
        VARIANCE.check("theta", self.mean)?;
        NU.check("vol_of_vol", self.nu)?;
        RHO.check("rho", self.rho).map(|_| ())
    }

    fn expected(&self, time: f64) -> Expected {
        let fade = exp(-self.speed * time);
        // (1 - exp(-x)) / x by its series where the difference would lose digits.
        let x = self.speed * time;
        let part = if x < 1e-3 { 1.0 - x * (0.5 - x * (1.0 / 6.0 - x / 24.0)) } else { (1.0 - fade) / x };
        let by_variance = time * part;
        let total = self.mean * time + (self.variance - self.mean) * by_variance;
        Expected { total, by_variance, by_time: self.mean + (self.variance - self.mean) * fade }
    }

    /// The characteristic function of ln(S / F) at u - i/2.
    fn characteristic(&self, u: f64, time: f64) -> Characteristic {
        let point = complex(u, -0.5);
        let i_point = complex(0.5, u);
        let beta = complex(self.speed, 0.0) - i_point * (self.rho * self.nu);
        let square = self.nu * self.nu;
        // (beta - d) / nu^2, without the difference: it is nothing beside its parts when nu is small.
        let mixed = point * point + i_point;
        let d = (beta * beta + mixed * square).sqrt();
        let slope = -mixed / (beta + d);
        let ratio = slope * square / (beta + d);
        let fade = (-d * time).exp();
        let one = complex(1.0, 0.0);
        let faded = one - ratio * fade;
        let turn = (ratio * (one - fade) / (one - ratio)).ln_one_plus();
        let drift = (slope * time - turn * (2.0 / square)) * (self.speed * self.mean);
        let by_variance = slope * (one - fade) / faded;
        // The Riccati equations: D' = (nu^2 D^2 - mixed) / 2 - beta D, and C' = speed mean D.
        let turning = (by_variance * by_variance * square - mixed) * 0.5 - beta * by_variance;
        Characteristic {
            value: (drift + by_variance * self.variance).exp(),
            by_variance,
            by_time: by_variance * (self.speed * self.mean) + turning * self.variance,
        }
    }
}

/// The value of a European option and its Greeks: vega, vanna and volga by today's volatility, the root of v. The
/// volatility of `market` has no part in it.
pub fn heston(terms: &European, market: &Market, model: &Heston) -> Result<Value, DomainError> {
    TIME.check("time", terms.time)?;
    LIVE_TIME.check("time", terms.time)?;
    model.check()?;
    let (Market { spot, rate, dividend, .. }, time) = (*market, terms.time);
    let expected = model.expected(time);
    let deviation = (expected.total / time).sqrt();
    let base = black::european(terms, &Market { volatility: deviation, ..*market })?;
    let log = ln_ratio(spot, terms.strike) + (rate - dividend) * time;
    let it = integrals(model, &expected, (log, time));
    // sqrt(F K) discounted.
    let size = exp(0.5 * log - rate * time) * terms.strike / core::f64::consts::PI;
    // Black's volatility moves too: deviation^2 time = total.
    let by_variance = expected.by_variance / (2.0 * deviation * time);
    let by_time = (expected.by_time - deviation * deviation) / (2.0 * deviation * time);
    let Greeks { delta, gamma, vega, theta, rho, vanna, volga } = base.greeks;
    let first = vega * by_variance - size * it.by_variance;
    let second = (volga - vega / deviation) * by_variance * by_variance - size * it.by_variance_twice;
    let mixed = vanna * by_variance - size * it.by_variance_slope / spot;
    let root = model.variance.sqrt();
    let carried = (rate - dividend) * it.slope - rate * it.level + it.by_time;
    Ok(Value {
        price: base.price - size * it.level,
        greeks: Greeks {
            delta: delta - size * it.slope / spot,
            gamma: gamma + size * it.bend / (spot * spot),
            vega: 2.0 * root * first,
            theta: theta - vega * by_time + size * carried,
            rho: rho - size * time * (it.slope - it.level),
            vanna: 2.0 * root * mixed,
            volga: 2.0 * first + 4.0 * model.variance * second,
        },
    })
}

fn integrals(model: &Heston, expected: &Expected, (log, time): (f64, f64)) -> Integrals {
    let width = 1.0 / expected.total.sqrt();
    let width = if log.abs() * width > 8.0 { 8.0 / log.abs() } else { width };
    let mut sums = Integrals::default();
    for panel in 0..PANELS_MAX {
        let low = width * f64::from(panel);
        let mut added = 0.0_f64;
        for (u, weight) in points(&LEGENDRE_32, low, low + width) {
            added += sums.add(model, expected, (u, weight, log, time));
        }
        if added < NOTHING {
            break;
        }
    }
    sums
}

impl Integrals {
    /// Adds a point; answers with how much it counts.
    fn add(
        &mut self,
        model: &Heston,
        expected: &Expected,
        (u, weight, log, time): (f64, f64, f64, f64),
    ) -> f64 {
        let square = u * u + 0.25;
        let known = complex(exp(-0.5 * expected.total * square), 0.0);
        let Characteristic { value, by_variance, by_time } = model.characteristic(u, time);
        let turn = complex(0.0, u * log).exp() * weight;
        let (turned, slope) = (turn * (value - known), complex(0.5, u));
        let inverse = 1.0 / square;
        // Black's derivatives have the fraction's denominator as a factor.
        let black = known * (-0.5 * expected.by_variance * square);
        let first = turn * (value * by_variance - black) * inverse;
        let second =
            turn * (value * by_variance * by_variance - black * (-0.5 * expected.by_variance * square));
        let timed = turn * (value * by_time - known * (-0.5 * expected.by_time * square));
        self.level += turned.re * inverse;
        self.slope += (slope * turned).re * inverse;
        self.bend += turned.re;
        self.by_variance += first.re;
        self.by_variance_slope += (slope * first).re;
        self.by_variance_twice += second.re * inverse;
        self.by_time += timed.re * inverse;
        let size = |it: Complex| it.re.abs() + it.im.abs();
        size(turned) + size(second) + size(timed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::black::Right;

    const MODEL: Heston = Heston { variance: 0.3, speed: 1.2, mean: 0.4, nu: 0.7, rho: -0.5 };

    const MARKET: Market = Market { spot: 100.0, rate: 0.03, dividend: 0.01, volatility: 0.0 };
    const TERMS: European = European { right: Right::Call, strike: 90.0, time: 0.5 };

    #[test]
    fn a_variance_that_hardly_moves_is_blacks() {
        let still = Heston { nu: 1e-4, mean: 0.3, rho: 0.0, ..MODEL };
        let market = Market { volatility: 0.3_f64.sqrt(), ..MARKET };
        let want = black::european(&TERMS, &market).unwrap();
        let have = heston(&TERMS, &MARKET, &still).unwrap();
        assert!((have.price - want.price).abs() < 1e-6, "{} {}", have.price, want.price);
        assert!((have.greeks.gamma - want.greeks.gamma).abs() < 1e-7);
        assert!((have.greeks.theta - want.greeks.theta).abs() < 1e-5);
    }

    #[test]
    fn greeks_are_the_derivatives_of_the_price() {
        let h = 1e-3;
        let root = MODEL.variance.sqrt();
        let wild = |by: f64| Heston { variance: (root + by) * (root + by), ..MODEL };
        let spot = |by: f64| Market { spot: 100.0 + by, ..MARKET };
        let of = |terms: &European, market: &Market, model: &Heston| heston(terms, market, model).unwrap();
        let now = of(&TERMS, &MARKET, &MODEL).greeks;
        let slope = |up: f64, down: f64| (up - down) / (2.0 * h);
        let moved = |by: f64| of(&TERMS, &spot(by), &MODEL);
        let wilder = |by: f64| of(&TERMS, &MARKET, &wild(by));
        let later = |by: f64| of(&European { time: 0.5 + by, ..TERMS }, &MARKET, &MODEL).price;
        let dearer = |by: f64| of(&TERMS, &Market { rate: 0.03 + by, ..MARKET }, &MODEL).price;
        for (name, have, want) in [
            ("delta", now.delta, slope(moved(h).price, moved(-h).price)),
            ("gamma", now.gamma, slope(moved(h).greeks.delta, moved(-h).greeks.delta)),
            ("vega", now.vega, slope(wilder(h).price, wilder(-h).price)),
            ("theta", now.theta, -slope(later(h), later(-h))),
            ("rho", now.rho, slope(dearer(h), dearer(-h))),
            ("vanna", now.vanna, slope(wilder(h).greeks.delta, wilder(-h).greeks.delta)),
            ("volga", now.volga, slope(wilder(h).greeks.vega, wilder(-h).greeks.vega)),
        ] {
            assert!((have - want).abs() < 1e-5 * want.abs().max(0.01), "{name}: {have} {want}");
        }
    }

    #[test]
    fn bad_parameters_are_named() {
        let terms = European { right: Right::Put, strike: 90.0, time: 0.5 };
        let of = |model: Heston| heston(&terms, &MARKET, &model).unwrap_err().field;
        assert_eq!(of(Heston { variance: -0.1, ..MODEL }), "v0");
        assert_eq!(of(Heston { nu: f64::NAN, ..MODEL }), "vol_of_vol");
        assert_eq!(of(Heston { rho: -1.0, ..MODEL }), "rho");
    }
}
