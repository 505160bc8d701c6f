//! Options on the extreme that the underlying reaches, watched at all times.
//!
//! Sources: M. B. Goldman, H. B. Sosin and M. A. Gatto, "Path Dependent Options: Buy at the Low, Sell at the High",
//! Journal of Finance 34 (1979) for a floating strike; A. Conze and R. Viswanathan, Journal of Finance 46 (1991)
//! for a fixed one. Both are a discounted difference known today plus the right to how far the extreme still runs.
//!
//! Invariant: the formulas divide by the carry; near a carry of zero the price is the cubic through four
//! carries around it, so that it has no hole there.

use super::{Formula, Inputs};
use crate::{
    black::Right,
    domain::{DomainError, Need, PRICE},
    market::Market,
    number::Number,
};

/// Within this part of the carry that moves the underlying by one deviation it counts as near zero, and twice it is
/// the outermost node: the cubic is off by 1e-11 of a deviation, and the formula beyond loses 1e-13 of one.
const CARRY_NEAR_ZERO: f64 = 2e-3;

/// What is exchanged for the underlying, or for its extreme.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Strike {
    /// The lowest price (call) or the highest (put).
    Floating,
    /// A call pays the highest price beyond this, a put the lowest below.
    Fixed(f64),
}

/// `extreme` is the running one that the payoff looks at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lookback {
    pub right: Right,
    pub strike: Strike,
    pub extreme: f64,
    pub time: f64,
}

/// Whether the payoff looks at the highest or the lowest price.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Highest,
    Lowest,
}

impl Side {
    const fn sign(self) -> f64 {
        match self {
            Self::Highest => 1.0,
            Self::Lowest => -1.0,
        }
    }
}

impl Lookback {
    fn side(&self) -> Side {
        match (self.right, self.strike) {
            (Right::Call, Strike::Floating) | (Right::Put, Strike::Fixed(_)) => Side::Lowest,
            (Right::Put, Strike::Floating) | (Right::Call, Strike::Fixed(_)) => Side::Highest,
        }
    }

    fn price_with_carry<N: Number>(&self, at: &Inputs<N>, carry: N) -> N {
        let discount = (-(at.rate * at.time)).exp();
        match self.strike {
            Strike::Floating => {
                let held = at.spot * ((carry - at.rate) * at.time).exp();
                let now = (discount * self.extreme - held) * self.side().sign();
                now + run(self.side(), at, carry, self.extreme)
            }
            Strike::Fixed(strike) => {
                let sign = self.side().sign();
                let gain = (sign * (self.extreme - strike)).max(0.0);
                discount * gain + run(self.side(), at, carry, strike + sign * gain)
            }
        }
    }
}

impl Formula for Lookback {
    fn time(&self) -> f64 {
        self.time
    }

    fn check(&self, market: &Market) -> Result<(), DomainError> {
        let reached = match self.side() {
            Side::Highest => Need { min: market.spot, ..PRICE },
            Side::Lowest => Need { max: market.spot, ..PRICE },
        };
        reached.check("extreme", self.extreme)?;
        if let Strike::Fixed(strike) = self.strike {
            PRICE.check("strike", strike)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn price<N: Number>(&self, at: &Inputs<N>) -> N {
        let carry = at.carry();
        let deviation = at.deviation().value();
        let near = CARRY_NEAR_ZERO * deviation / (at.time.value() * (1.0 + deviation));
        if carry.value().abs() >= near {
            return self.price_with_carry(at, carry);
        }
        // Lagrange's cubic through -2, -1, 1 and 2 units; the carry moves with the rate, and so do its weights.
        let x = carry * (1.0 / near);
        let nodes = [-2.0, -1.0, 1.0, 2.0];
        let mut sum = N::constant(0.0);
        for (i, node) in nodes.iter().enumerate() {
            let mut weight = N::constant(1.0);
            for (_, other) in nodes.iter().enumerate().filter(|(j, _)| *j != i) {
                weight = weight * (x - *other) * (1.0 / (node - other));
            }
            sum = sum + weight * self.price_with_carry(at, N::constant(node * near));
        }
        sum
    }
}

/// The right to how far the extreme runs beyond `from`.
fn run<N: Number>(side: Side, at: &Inputs<N>, carry: N, from: f64) -> N {
    let deviation = at.deviation();
    let sign = side.sign();
    let log = (at.spot * (1.0 / from)).ln();
    let power = carry * 2.0 / (at.volatility * at.volatility);
    let d1 = (log + carry * at.time) / deviation + deviation * 0.5;
    let discount = -(at.rate * at.time);
    let held = N::exp_cdf(discount + carry * at.time, d1 * sign);
    let owed = N::exp_cdf(discount, (d1 - deviation) * sign);
    let mirrored = N::exp_cdf(discount - log * power, (d1 - power * deviation) * sign);
    (at.spot * (held + (held - mirrored) / power) - owed * from) * sign
}
