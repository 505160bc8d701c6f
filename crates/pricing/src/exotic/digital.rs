//! Digital options: one unit of cash, or one unit of the underlying, when the option ends in the money.
//!
//! Sources: M. Rubinstein and E. Reiner, "Unscrambling the Binary Code", Risk 4 (1991); on a smile, J. Gatheral, "The
//! Volatility Surface" (2006), chapter 8: a digital is the limit of a spread of calls, so it counts how the volatility
//! changes with the strike.
//!
//! Invariant: call and put of a kind add up to the discounted unit.

use super::{Formula, Inputs};
use crate::{
    black::Right,
    domain::{DomainError, PRICE},
    market::Market,
    number::Number,
};

/// What is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payout {
    Cash,
    Asset,
}

/// Pays when the underlying ends above the strike (call) or below it (put).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Digital {
    pub right: Right,
    pub payout: Payout,
    pub strike: f64,
    pub time: f64,
}

impl Formula for Digital {
    fn time(&self) -> f64 {
        self.time
    }

    fn check(&self, _: &Market) -> Result<(), DomainError> {
        PRICE.check("strike", self.strike).map(|_| ())
    }

    #[inline(always)]
    fn price<N: Number>(&self, at: &Inputs<N>) -> N {
        let deviation = at.deviation();
        let log = (at.spot * (1.0 / self.strike)).ln();
        let d2 = (log + at.carry() * at.time) / deviation - deviation * 0.5;
        let sign = self.right.sign();
        match self.payout {
            Payout::Cash => N::exp_cdf(-(at.rate * at.time), d2 * sign),
            Payout::Asset => at.spot * N::exp_cdf(at.time * -at.dividend, (d2 + deviation) * sign),
        }
    }
}

/// A digital option on a smile whose volatility at the strike rises by `skew` for each unit of the logarithm of the
/// strike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SmileDigital {
    pub digital: Digital,
    pub skew: f64,
}

impl Formula for SmileDigital {
    fn time(&self) -> f64 {
        self.digital.time
    }

    fn check(&self, market: &Market) -> Result<(), DomainError> {
        self.digital.check(market)
    }

    /// Between nothing and what it pays at most, however steep the smile is said to be.
    #[inline(always)]
    fn price<N: Number>(&self, at: &Inputs<N>) -> N {
        let Digital { right, payout, strike, .. } = self.digital;
        let (size, most) = match payout {
            Payout::Cash => (1.0, (-(at.rate * at.time)).exp()),
            Payout::Asset => (strike, at.spot * (at.time * -at.dividend).exp()),
        };
        let deviation = at.deviation();
        let log = (at.spot * (1.0 / strike)).ln();
        let d2 = (log + at.carry() * at.time) / deviation - deviation * 0.5;
        let (density, _) = d2.curve();
        let slope = density * at.time.sqrt() * (-(at.rate * at.time)).exp();
        let price = self.digital.price(at) - slope * (right.sign() * self.skew * size);
        if price.value() < 0.0 {
            N::constant(0.0)
        } else if price.value() > most.value() {
            most
        } else {
            price
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Option, contract_price, price};

    /// Volatility of 0.5 at 100, and 0.2 less for each unit of the logarithm above.
    fn call(strike: f64) -> f64 {
        let volatility = 0.5 - 0.2 * crate::ln(strike / 100.0);
        price(&Option { right: Right::Call, forward: 98.0, strike, time: 0.2, rate: 0.0, volatility })
    }

    #[test]
    fn on_a_smile_a_digital_is_the_limit_of_a_spread_of_calls() {
        let market = Market { spot: 98.0, rate: 0.0, dividend: 0.0, volatility: 0.5 };
        let (right, time) = (Right::Call, 0.2);
        let digital = |right, payout| SmileDigital {
            digital: Digital { right, payout, strike: 100.0, time },
            skew: -0.2,
        };
        let of = |right, payout| contract_price(&digital(right, payout), &market).unwrap();
        let spread = (call(99.995) - call(100.005)) / 0.01;
        assert!((of(right, Payout::Cash) - spread).abs() < 1e-6, "{} {spread}", of(right, Payout::Cash));
        let asset = call(100.0) + 100.0 * spread;
        assert!((of(right, Payout::Asset) - asset).abs() < 1e-4);
        let both = of(Right::Call, Payout::Cash) + of(Right::Put, Payout::Cash);
        assert!((both - 1.0).abs() < 1e-12);
    }
}
