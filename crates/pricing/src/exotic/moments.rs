//! Options on an arithmetic average of which a part may be known, by matching two moments.
//!
//! Source: S. Turnbull and L. Wakeman, "A Quick Algorithm for Pricing European Average Options", Journal of Financial
//! and Quantitative Analysis 26 (1991), with the moments of discrete fixings as E. Levy, "Pricing European Average Rate
//! Currency Options", Journal of International Money and Finance 11 (1992). What is not known of the average counts as
//! lognormal, with its mean and second moment. Costs one exponential a fixing; `Asian` is the exact method, for an
//! average that begins now, and a hundred times dearer.
//!
//! Errors: 1.5e-3 of the spot while the deviation of the whole time is at most 0.35, held by the tests below.
//!
//! Invariant: call less put is the expected average less the strike.

use super::{Formula, Inputs};
use crate::{
    black::Right,
    domain::{DomainError, Need, PRICE},
    elementary::pow,
    market::Market,
    number::Number,
};

const FIXINGS: Need = Need { min: 1.0, max: 2_000.0 };
/// A variance that does not count.
const NOTHING: f64 = 1e-18;

/// An option on the average of `fixings` prices. Those but the last `left` are known and add up to `sum`; the last is at
/// the end, the others stand before it at equal distances of `apart` years. The price in between is expected to go from
/// `drift` times the forward to the forward.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moments {
    pub right: Right,
    pub strike: f64,
    pub sum: f64,
    pub fixings: u32,
    pub left: u32,
    pub apart: f64,
    pub drift: f64,
    pub time: f64,
}

impl Formula for Moments {
    fn time(&self) -> f64 {
        self.time
    }

    fn check(&self, _: &Market) -> Result<(), DomainError> {
        PRICE.check("strike", self.strike)?;
        PRICE.check("drift", self.drift)?;
        FIXINGS.check("left", f64::from(self.left))?;
        FIXINGS.check("fixings", f64::from(self.fixings))?;
        Need { min: 0.0, ..PRICE }.check("sum", self.sum).map(|_| ())
    }

    #[inline(always)]
    fn price<N: Number>(&self, at: &Inputs<N>) -> N {
        let (mean, second) = self.moments(at);
        let all = f64::from(self.fixings);
        let rest = N::constant(self.strike - self.sum / all);
        let sign = self.right.sign();
        let owed = (mean - rest) * sign;
        if rest.value() <= 0.0 {
            // Whatever comes, the average is above the strike.
            return if self.right == Right::Call { owed } else { N::constant(0.0) };
        }
        let variance = (second / (mean * mean)).ln();
        if variance.value() <= NOTHING {
            return if owed.value() > 0.0 { owed } else { N::constant(0.0) };
        }
        let deviation = variance.sqrt();
        let d1 = (mean / rest).ln() / deviation + deviation * 0.5;
        (mean * (d1 * sign).cdf() - rest * ((d1 - deviation) * sign).cdf()) * sign
    }
}

impl Moments {
    /// The mean of what is not known of the average, and of its square: the later of two prices has the variance of the
    /// earlier in common with it.
    #[inline(always)]
    fn moments<N: Number>(&self, at: &Inputs<N>) -> (N, N) {
        let variance = at.volatility * at.volatility;
        let (mut sum, mut squares) = (N::constant(0.0), N::constant(0.0));
        // From the last to the first: `sum` is then of those that are later.
        for place in 0..self.left {
            let before = self.apart * f64::from(place);
            let ahead = at.time - before;
            let ahead = if ahead.value() > 0.0 { ahead } else { N::constant(0.0) };
            let part = ahead.value() / self.time;
            let price = at.spot * pow(self.drift, 1.0 - part);
            let shared = (variance * ahead).exp();
            squares = squares + price * (price + sum * 2.0) * shared;
            sum = sum + price;
        }
        let each = 1.0 / f64::from(self.fixings);
        (sum * each, squares * (each * each))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exotic::{Asian, Average, contract_price};

    fn market(volatility: f64) -> Market {
        Market { spot: 100.0, rate: 0.0, dividend: 0.0, volatility }
    }

    fn moments(right: Right, strike: f64, (fixings, time): (u32, f64)) -> Moments {
        let apart = time / f64::from(fixings);
        Moments { right, strike, sum: 0.0, fixings, left: fixings, apart, drift: 1.0, time }
    }

    #[test]
    fn two_moments_are_close_to_the_whole_distribution() {
        for (volatility, time) in [(0.6, 7.0 / 365.0), (0.6, 30.0 / 365.0), (0.35, 1.0), (0.9, 0.15)] {
            for strike in [80.0, 95.0, 100.0, 105.0, 125.0] {
                for (right, fixings) in [(Right::Call, 2), (Right::Put, 7), (Right::Call, 30)] {
                    let exact = Asian { right, average: Average::Arithmetic { fixings }, strike, time };
                    let exact = contract_price(&exact, &market(volatility)).unwrap();
                    let near = contract_price(&moments(right, strike, (fixings, time)), &market(volatility));
                    let error = (near.unwrap() - exact).abs();
                    assert!(error < 0.15, "{right:?} {strike} {fixings} at {volatility}, {time}: {error}");
                }
            }
        }
    }

    #[test]
    fn one_fixing_at_the_end_is_the_european_option() {
        let european = crate::Option {
            right: Right::Put,
            forward: 100.0,
            strike: 103.0,
            time: 0.1,
            rate: 0.0,
            volatility: 0.5,
        };
        let one = contract_price(&moments(Right::Put, 103.0, (1, 0.1)), &market(0.5)).unwrap();
        assert!((one - crate::price(&european)).abs() < 1e-9);
    }

    #[test]
    fn what_is_known_moves_the_strike_and_a_call_that_is_sure_is_worth_its_mean() {
        let half = Moments { sum: 1_000.0, fixings: 10, left: 5, ..moments(Right::Call, 90.0, (10, 0.1)) };
        // The known half alone is worth 100 of the average: (1,000 + 5 x 100) / 10 - 90.
        assert!((contract_price(&half, &market(0.5)).unwrap() - 60.0).abs() < 1e-9);
        let put = Moments { right: Right::Put, ..half };
        assert_eq!(contract_price(&put, &market(0.5)).unwrap().to_bits(), 0.0_f64.to_bits());
    }
}
