//! Options that come to life or die when the underlying meets a level, watched at all times.
//!
//! Source: E. Reiner and M. Rubinstein, "Breaking Down the Barriers", Risk 4 (1991); the names A to F of the terms
//! are those of E. G. Haug, "The Complete Guide to Option Pricing Formulas" (2007), 4.17. A knock-out pays its
//! rebate at the hit, a knock-in at the end when it was never hit.
//!
//! Invariant: knock-in and knock-out without rebate add up to the European option. A level that is already crossed
//! is refused.

use super::{Formula, Inputs};
use crate::{
    black::Right,
    domain::{AMOUNT, DomainError, Need, PRICE},
    market::Market,
    number::Number,
};

/// From where the level is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    Up,
    Down,
}

/// What happens there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knock {
    In,
    Out,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Barrier {
    pub right: Right,
    pub crossing: Crossing,
    pub knock: Knock,
    pub strike: f64,
    pub level: f64,
    pub rebate: f64,
    pub time: f64,
}

/// The terms of the formula.
struct Terms<'a, N> {
    terms: &'a Barrier,
    at: &'a Inputs<N>,
    /// One for a level below, minus one for one above.
    eta: f64,
    deviation: N,
    /// (carry - sigma^2/2) / sigma^2.
    mu: N,
    /// ln(level / spot).
    log: N,
}

impl Formula for Barrier {
    fn time(&self) -> f64 {
        self.time
    }

    fn check(&self, market: &Market) -> Result<(), DomainError> {
        PRICE.check("strike", self.strike)?;
        PRICE.check("level", self.level)?;
        AMOUNT.check("rebate", self.rebate)?;
        let open = match self.crossing {
            Crossing::Up => Need { max: self.level, ..PRICE },
            Crossing::Down => Need { min: self.level, ..PRICE },
        };
        open.check("spot", market.spot)?;
        if self.rebate > 0.0 && self.knock == Knock::Out {
            // The value of cash at the hit needs a real root.
            let variance = market.volatility * market.volatility;
            let mu = (market.rate - market.dividend) / variance - 0.5;
            Need { min: -0.5 * mu * mu * variance, max: f64::MAX }.check("rate", market.rate)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn price<N: Number>(&self, at: &Inputs<N>) -> N {
        let variance = at.volatility * at.volatility;
        let it = Terms {
            terms: self,
            at,
            eta: if self.crossing == Crossing::Down { 1.0 } else { -1.0 },
            deviation: at.deviation(),
            mu: at.carry() / variance - 0.5,
            log: (N::constant(self.level) / at.spot).ln(),
        };
        let (beyond, call) = (self.strike > self.level, self.right == Right::Call);
        let inside = beyond == (self.crossing == Crossing::Down);
        // Whether the option gains on the way to the level.
        let towards = call == (self.crossing == Crossing::Up);
        let value = match (self.knock, towards, inside) {
            (Knock::In, false, true) => it.c(),
            (Knock::In, false, false) => it.a() - it.b() + it.d(),
            (Knock::In, true, true) => it.b() - it.c() + it.d(),
            (Knock::In, true, false) => it.a(),
            (Knock::Out, false, true) => it.a() - it.c(),
            (Knock::Out, false, false) => it.b() - it.d(),
            (Knock::Out, true, true) => it.a() - it.b() + it.c() - it.d(),
            (Knock::Out, true, false) => N::constant(0.0),
        };
        if self.rebate == 0.0 {
            return value;
        }
        match self.knock {
            Knock::In => value + it.e() * self.rebate,
            Knock::Out => value + it.f() * self.rebate,
        }
    }
}

impl<N: Number> Terms<'_, N> {
    fn a(&self) -> N {
        self.direct((self.at.spot * (1.0 / self.terms.strike)).ln())
    }

    fn b(&self) -> N {
        self.direct(-self.log)
    }

    fn c(&self) -> N {
        self.reflected(self.log + (N::constant(self.terms.level) * (1.0 / self.terms.strike)).ln())
    }

    fn d(&self) -> N {
        self.reflected(self.log)
    }

    /// A unit of cash at the end, when the level was never met.
    fn e(&self) -> N {
        let shift = self.mu * self.deviation;
        let discount = -(self.at.rate * self.at.time);
        let free = (-self.log / self.deviation + shift) * self.eta;
        let mirrored = (self.log / self.deviation + shift) * self.eta;
        N::exp_cdf(discount, free) - N::exp_cdf(discount + self.mu * self.log * 2.0, mirrored)
    }

    /// A unit of cash at the hit.
    fn f(&self) -> N {
        let variance = self.at.volatility * self.at.volatility;
        let lambda = (self.mu * self.mu + self.at.rate * 2.0 / variance).sqrt();
        let z = self.log / self.deviation + lambda * self.deviation;
        N::exp_cdf(self.log * (self.mu + lambda), z * self.eta)
            + N::exp_cdf(self.log * (self.mu - lambda), (z - lambda * self.deviation * 2.0) * self.eta)
    }

    /// A European option that pays beyond exp(-log) times the spot.
    fn direct(&self, log: N) -> N {
        self.legs(log / self.deviation, N::constant(0.0), self.terms.right.sign())
    }

    /// The same started from the spot's image behind the level.
    fn reflected(&self, log: N) -> N {
        self.legs(log / self.deviation, self.log * 2.0, self.eta)
    }

    fn legs(&self, centre: N, image: N, side: f64) -> N {
        let x = centre + (self.mu + 1.0) * self.deviation;
        let held = N::exp_cdf(self.at.time * -self.at.dividend + image * (self.mu + 1.0), x * side);
        let owed = N::exp_cdf(-(self.at.rate * self.at.time) + image * self.mu, (x - self.deviation) * side);
        (self.at.spot * held - owed * self.terms.strike) * self.terms.right.sign()
    }
}
