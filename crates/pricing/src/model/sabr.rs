//! The SABR model's lognormal volatility.
//!
//! Source: P. Hagan, D. Kumar, A. Lesniewski and D. Woodward, "Managing Smile Risk", Wilmott (2002), formula 2.17a.
//!
//! Invariant: smooth through the money: x(z) is computed without cancellation.

use crate::{
    domain::{DomainError, Need, PRICE, TIME},
    elementary::{exp, ln_one_plus, ln_ratio},
};

const ALPHA: Need = Need { min: 1e-12, max: 1e6 };
const BETA: Need = Need { min: 0.0, max: 1.0 };
const NU: Need = Need { min: 0.0, max: 100.0 };
const RHO: Need = Need { min: -0.999_999, max: 0.999_999 };

/// dF = alpha F^beta dW, d alpha = nu alpha dZ, dW dZ = rho dt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sabr {
    pub alpha: f64,
    pub beta: f64,
    pub nu: f64,
    pub rho: f64,
}

impl Sabr {
    /// The volatility that Black's formula needs for this strike.
    pub fn volatility(&self, forward: f64, strike: f64, time: f64) -> Result<f64, DomainError> {
        PRICE.check("forward", forward)?;
        PRICE.check("strike", strike)?;
        TIME.check("time", time)?;
        let alpha = ALPHA.check("alpha", self.alpha)?;
        let beta = BETA.check("beta", self.beta)?;
        let nu = NU.check("nu", self.nu)?;
        let rho = RHO.check("rho", self.rho)?;
        let log = ln_ratio(forward, strike);
        let other = 1.0 - beta;
        // (F K)^((1 - beta) / 2), as a power of the geometric mean.
        let middle = exp(other * (0.5 * (ln_ratio(forward, 1.0) + ln_ratio(strike, 1.0))));
        let bend = other * log * (other * log);
        let width = middle * (1.0 + bend * (1.0 / 24.0 + bend / 1_920.0));
        let z = nu / alpha * middle * log;
        let drift = other * other * alpha * alpha / (24.0 * middle * middle)
            + 0.25 * rho * beta * nu * alpha / middle
            + (2.0 - 3.0 * rho * rho) * nu * nu / 24.0;
        Ok(alpha / width * skew(z, rho) * (1.0 + drift * time))
    }
}

/// z / x(z), x = ln((sqrt(1 - 2 rho z + z^2) + z - rho) / (1 - rho)).
fn skew(z: f64, rho: f64) -> f64 {
    if z == 0.0 {
        return 1.0;
    }
    // Below zero root and z would cancel; x is the same there with both signs turned.
    let (z, rho) = if z < 0.0 { (-z, -rho) } else { (z, rho) };
    let inside = z * (z - 2.0 * rho);
    let root = (1.0 + inside).sqrt();
    z / ln_one_plus((inside / (root + 1.0) + z) / (1.0 - rho))
}
