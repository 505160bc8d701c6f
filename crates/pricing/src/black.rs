//! European options: Black-76 on a forward, Black-Scholes with a dividend rate on a spot.
//!
//! Sources: F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976); F. Black
//! and M. Scholes, Journal of Political Economy 81 (1973); R. Merton, Bell Journal 4 (1973). Greeks are plain
//! derivatives: vega for 1.00 of volatility, theta for one year and negative for most long options, rho for 1.00
//! of rate; Black-76 takes delta, theta and rho at a fixed forward.
//!
//! Invariant: at zero time or zero volatility the value is the discounted intrinsic value, exactly; the kink
//! has no curvature there. Inside the domain nothing is NaN.

use crate::{
    domain::{DomainError, PRICE, RATE, TIME, VOLATILITY},
    elementary::{exp, ln_ratio},
    kernel::{Legs, Parts, parts},
    market::Market,
};

/// Which side of the strike pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    Call,
    Put,
}

/// A European option in its market. Prices per unit of the underlying, time in years, rate and volatility
/// annual; forward and strike above zero, time and volatility zero or more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Option {
    pub right: Right,
    pub forward: f64,
    pub strike: f64,
    pub time: f64,
    pub rate: f64,
    pub volatility: f64,
}

/// The right to trade one unit at the strike when the time is over.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct European {
    pub right: Right,
    pub strike: f64,
    pub time: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Greeks {
    pub delta: f64,
    pub gamma: f64,
    pub vega: f64,
    pub theta: f64,
    pub rho: f64,
    pub vanna: f64,
    pub volga: f64,
}

/// Price and Greeks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Value {
    pub price: f64,
    pub greeks: Greeks,
}

impl Right {
    pub(crate) const fn sign(self) -> f64 {
        match self {
            Self::Call => 1.0,
            Self::Put => -1.0,
        }
    }
}

impl Option {
    /// Refuses what the formula is not stated for.
    pub fn check(&self) -> Result<(), DomainError> {
        PRICE.check("forward", self.forward)?;
        PRICE.check("strike", self.strike)?;
        TIME.check("time", self.time)?;
        RATE.check("rate", self.rate)?;
        VOLATILITY.check("volatility", self.volatility)?;
        Ok(())
    }
}

/// The value of one unit.
pub fn price(it: &Option) -> f64 {
    price_on_forward(it.right.sign(), it)
}

/// The value of one unit and its sensitivities.
pub fn value(it: &Option) -> Value {
    value_on_forward(it.right.sign(), it)
}

/// Black-Scholes.
pub fn european(terms: &European, market: &Market) -> Result<Value, DomainError> {
    market.check()?;
    PRICE.check("strike", terms.strike)?;
    TIME.check("time", terms.time)?;
    let (Market { spot, rate, dividend, volatility }, time) = (*market, terms.time);
    let sign = terms.right.sign();
    let root = time.sqrt();
    let legs = Legs {
        underlying: spot * exp(-dividend * time),
        strike: terms.strike * exp(-rate * time),
        log: ln_ratio(spot, terms.strike) + (rate - dividend) * time,
        deviation: volatility * root,
    };
    let it = parts(sign, &legs);
    let mut greeks = sensitivities(&it, &legs, spot, root, volatility);
    greeks.delta *= sign;
    greeks.theta += sign * (dividend * it.held - rate * it.owed);
    greeks.rho = sign * time * it.owed;
    Ok(Value { price: it.value, greeks })
}

/// `price`, for loops.
#[inline(always)]
pub(crate) fn price_on_forward(sign: f64, it: &Option) -> f64 {
    parts(sign, &legs_on_forward(it)).value
}

/// `value`, for loops.
#[inline(always)]
pub(crate) fn value_on_forward(sign: f64, it: &Option) -> Value {
    let legs = legs_on_forward(it);
    greeks_on_forward(sign, it, &legs, &parts(sign, &legs))
}

/// A value with its Greeks, from the parts that it is made of.
#[inline(always)]
pub(crate) fn greeks_on_forward(sign: f64, it: &Option, legs: &Legs, the: &Parts) -> Value {
    let mut greeks = sensitivities(the, legs, it.forward, it.time.sqrt(), it.volatility);
    greeks.delta *= sign;
    greeks.theta += it.rate * the.value;
    greeks.rho = -it.time * the.value;
    Value { price: the.value, greeks }
}

#[inline(always)]
pub(crate) fn legs_on_forward(it: &Option) -> Legs {
    let discount = exp(-it.rate * it.time);
    Legs {
        underlying: discount * it.forward,
        strike: discount * it.strike,
        log: ln_ratio(it.forward, it.strike),
        deviation: it.volatility * it.time.sqrt(),
    }
}

/// Delta without its sign, gamma, vega, vanna, volga, and as theta what passing time takes from the value of chance
/// in a year: what is alike for spot and forward.
#[inline(always)]
fn sensitivities(it: &Parts, legs: &Legs, level: f64, root: f64, volatility: f64) -> Greeks {
    // Where the density is nothing the quotients are too, whatever their divisors.
    let live = it.density > 0.0;
    let (deviation, volatility) = if live { (legs.deviation, volatility) } else { (1.0, 1.0) };
    let root = if live { root } else { 1.0 };
    // One division stands for all.
    let inverse = 1.0 / (level * deviation);
    let by_level = inverse * deviation;
    let density = it.density * inverse;
    let vega = it.density * root;
    Greeks {
        delta: it.held * by_level,
        gamma: density * by_level,
        vega,
        theta: -0.5 * density * level * volatility * volatility,
        vanna: -density * it.d2 * root,
        volga: density * it.d1 * it.d2 * level * root * root,
        ..Greeks::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(right: Right, strike: f64, time: f64, volatility: f64) -> Option {
        Option { right, forward: 100.0, strike, time, rate: 0.0, volatility }
    }

    #[test]
    fn calls_and_puts_keep_parity() {
        for strike in [20.0, 80.0, 100.0, 130.0, 400.0] {
            for time in [0.001, 0.1, 1.0, 3.0] {
                for volatility in [0.05, 0.6, 2.5] {
                    let call = price(&option(Right::Call, strike, time, volatility));
                    let put = price(&option(Right::Put, strike, time, volatility));
                    assert!((call - put - (100.0 - strike)).abs() < 6e-14, "{strike} {time} {volatility}");
                }
            }
        }
    }

    #[test]
    fn without_time_or_volatility_the_value_is_intrinsic() {
        for (time, volatility) in [(0.0, 0.5), (0.5, 0.0), (0.0, 0.0)] {
            assert_eq!(price(&option(Right::Call, 90.0, time, volatility)), 10.0);
            assert_eq!(price(&option(Right::Put, 90.0, time, volatility)), 0.0);
            let value = value(&option(Right::Call, 90.0, time, volatility));
            assert_eq!(value.greeks, Greeks { delta: 1.0, rho: -10.0 * time, ..Greeks::default() });
        }
    }

    #[test]
    fn greeks_are_the_derivatives_of_the_price() {
        let it = Option { rate: 0.03, ..option(Right::Put, 110.0, 0.7, 0.45) };
        let greeks = value(&it).greeks;
        let h = 1e-4;
        let slope = |up: Option, down: Option, step: f64| (price(&up) - price(&down)) / (2.0 * step);
        let delta = slope(Option { forward: 100.0 + h, ..it }, Option { forward: 100.0 - h, ..it }, h);
        assert!((greeks.delta - delta).abs() < 1e-7, "{} {delta}", greeks.delta);
        let vega = slope(Option { volatility: 0.45 + h, ..it }, Option { volatility: 0.45 - h, ..it }, h);
        assert!((greeks.vega - vega).abs() < 1e-5, "{} {vega}", greeks.vega);
        let theta = -slope(Option { time: 0.7 + h, ..it }, Option { time: 0.7 - h, ..it }, h);
        assert!((greeks.theta - theta).abs() < 1e-5, "{} {theta}", greeks.theta);
        let rho = slope(Option { rate: 0.03 + h, ..it }, Option { rate: 0.03 - h, ..it }, h);
        assert!((greeks.rho - rho).abs() < 1e-5, "{} {rho}", greeks.rho);
    }

    #[test]
    fn a_spot_without_rates_is_its_own_forward() {
        let market = Market { spot: 100.0, rate: 0.0, dividend: 0.0, volatility: 0.8 };
        for right in [Right::Call, Right::Put] {
            let terms = European { right, strike: 85.0, time: 0.4 };
            let (mut on_spot, on_forward) =
                (european(&terms, &market).unwrap(), value(&option(right, 85.0, 0.4, 0.8)));
            // At a fixed forward the rate only discounts.
            on_spot.greeks.rho = on_forward.greeks.rho;
            assert_eq!(on_spot, on_forward);
        }
    }
}
