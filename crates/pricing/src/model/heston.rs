//! European options under Heston's stochastic variance.
//!
//! Sources: S. Heston, Review of Financial Studies 6 (1993); the characteristic function in the form that never crosses
//! a branch, H. Albrecher, P. Mayer, W. Schoutens and J. Tistaert, "The Little Heston Trap", Wilmott (2007); the
//! single integral of A. Lewis, "A Simple Option Formula for General Jump-Diffusion" (2001), less the same integral for
//! Black's formula at the expected variance, which is known: L. Andersen and V. Piterbarg, "Interest Rate Modeling"
//! (2010), 8.4.
//!
//! Invariant: parity holds exactly: only the call's integral exists.

use super::complex::{Complex, complex};
use crate::{
    black::{self, European},
    domain::{DomainError, Need, PRICE, TIME},
    elementary::{exp, ln_ratio},
    exotic::LIVE_TIME,
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

/// Price and the two derivatives by the spot.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct HestonValue {
    pub price: f64,
    pub delta: f64,
    pub gamma: f64,
}

impl Heston {
    pub fn check(&self) -> Result<(), DomainError> {
        VARIANCE.check("v0", self.variance)?;
        SPEED.check("kappa", self.speed)?;
        VARIANCE.check("theta", self.mean)?;
        NU.check("vol_of_vol", self.nu)?;
        RHO.check("rho", self.rho).map(|_| ())
    }

    /// The expected variance over a time.
    fn expected(&self, time: f64) -> f64 {
        let fade = exp(-self.speed * time);
        self.mean * time + (self.variance - self.mean) * (1.0 - fade) / self.speed
    }

    /// The characteristic function of ln(S / F) at u - i/2.
    fn characteristic(&self, u: f64, time: f64) -> Complex {
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
        let level = slope * (one - fade) / faded * self.variance;
        (drift + level).exp()
    }
}

/// The value of a European option; the volatility of a market has no part in it, so it is given apart.
pub fn heston(
    terms: &European,
    (spot, rate, dividend): (f64, f64, f64),
    model: &Heston,
) -> Result<HestonValue, DomainError> {
    PRICE.check("spot", spot)?;
    PRICE.check("strike", terms.strike)?;
    TIME.check("time", terms.time)?;
    LIVE_TIME.check("time", terms.time)?;
    model.check()?;
    let (time, strike) = (terms.time, terms.strike);
    let market =
        crate::market::Market { spot, rate, dividend, volatility: (model.expected(time) / time).sqrt() };
    let base = black::european(terms, &market)?;
    let log = ln_ratio(spot, strike) + (rate - dividend) * time;
    let [level, slope, bend] = corrections(model, log, time);
    // sqrt(F K) discounted, and its derivatives by the spot.
    let size = exp(0.5 * log - rate * time) * strike / core::f64::consts::PI;
    Ok(HestonValue {
        price: base.price - size * level,
        delta: base.greeks.delta - size * slope / spot,
        gamma: base.greeks.gamma + size * bend / (spot * spot),
    })
}

/// The integrals of exp(iuk) (heston - black) over u^2 + 1/4, times 1, times 1/2 + iu, and without the fraction.
fn corrections(model: &Heston, log: f64, time: f64) -> [f64; 3] {
    let total = model.expected(time);
    let width = 1.0 / total.sqrt();
    let width = if log.abs() * width > 8.0 { 8.0 / log.abs() } else { width };
    let mut sums = [0.0; 3];
    for panel in 0..PANELS_MAX {
        let low = width * f64::from(panel);
        let mut added = 0.0_f64;
        for (u, weight) in points(&LEGENDRE_32, low, low + width) {
            let square = u * u + 0.25;
            let gap = model.characteristic(u, time) - complex(exp(-0.5 * total * square), 0.0);
            let turned = complex(0.0, u * log).exp() * gap * weight;
            let part = turned * (1.0 / square);
            sums[0] += part.re;
            sums[1] += (complex(0.5, u) * part).re;
            sums[2] += turned.re;
            added += turned.re.abs() + turned.im.abs();
        }
        if added < NOTHING {
            break;
        }
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::black::Right;

    const MODEL: Heston = Heston { variance: 0.3, speed: 1.2, mean: 0.4, nu: 0.7, rho: -0.5 };

    fn call(spot: f64, strike: f64, model: &Heston) -> HestonValue {
        let terms = European { right: Right::Call, strike, time: 0.5 };
        heston(&terms, (spot, 0.03, 0.01), model).unwrap()
    }

    #[test]
    fn a_variance_that_hardly_moves_is_blacks() {
        let still = Heston { nu: 1e-4, mean: 0.3, rho: 0.0, ..MODEL };
        let terms = European { right: Right::Call, strike: 110.0, time: 0.5 };
        let market =
            crate::market::Market { spot: 100.0, rate: 0.03, dividend: 0.01, volatility: 0.3_f64.sqrt() };
        let want = black::european(&terms, &market).unwrap();
        let have = call(100.0, 110.0, &still);
        assert!((have.price - want.price).abs() < 1e-6, "{} {}", have.price, want.price);
        assert!((have.gamma - want.greeks.gamma).abs() < 1e-7);
    }

    #[test]
    fn delta_and_gamma_are_the_derivatives() {
        let h = 0.01;
        let (up, now, down) =
            (call(100.0 + h, 90.0, &MODEL), call(100.0, 90.0, &MODEL), call(100.0 - h, 90.0, &MODEL));
        assert!((now.delta - (up.price - down.price) / (2.0 * h)).abs() < 1e-8, "{}", now.delta);
        assert!((now.gamma - (up.delta - down.delta) / (2.0 * h)).abs() < 1e-8, "{}", now.gamma);
    }

    #[test]
    fn bad_parameters_are_named() {
        let terms = European { right: Right::Put, strike: 90.0, time: 0.5 };
        let of = |model: Heston| heston(&terms, (100.0, 0.0, 0.0), &model).unwrap_err().field;
        assert_eq!(of(Heston { variance: -0.1, ..MODEL }), "v0");
        assert_eq!(of(Heston { nu: f64::NAN, ..MODEL }), "vol_of_vol");
        assert_eq!(of(Heston { rho: -1.0, ..MODEL }), "rho");
    }
}
