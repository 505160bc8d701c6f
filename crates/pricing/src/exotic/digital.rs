//! Digital options: one unit of cash, or one unit of the underlying, when the option ends in the money.
//!
//! Source: M. Rubinstein and E. Reiner, "Unscrambling the Binary Code", Risk 4 (1991).
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
