//! Black-76: a European option on a forward, discounted at a continuous rate.
//!
//! Source: F. Black, "The pricing of commodity contracts", Journal of Financial Economics 3 (1976). Greeks are
//! plain derivatives: vega for 1.00 of volatility, theta for one year and negative for most long options, rho
//! at a fixed forward.
//!
//! Invariant: at zero time or zero volatility the value is the discounted intrinsic value, exactly. Terms,
//! market and method are apart.

use crate::{
    elementary::{exp, ln},
    normal::{cdf, pdf},
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
    const fn sign(self) -> f64 {
        match self {
            Self::Call => 1.0,
            Self::Put => -1.0,
        }
    }
}

/// The value of one unit.
pub fn price(it: &Option) -> f64 {
    let deviation = it.volatility * it.time.sqrt();
    let discount = discount(it);
    let sign = it.right.sign();
    if deviation <= 0.0 {
        return discount * (sign * (it.forward - it.strike)).max(0.0);
    }
    let (d1, d2) = moneyness(it, deviation);
    let value = sign * (it.forward * cdf(sign * d1) - it.strike * cdf(sign * d2));
    discount * value.max(0.0)
}

/// The value of one unit and its sensitivities.
pub fn value(it: &Option) -> Value {
    let deviation = it.volatility * it.time.sqrt();
    let discount = discount(it);
    let sign = it.right.sign();
    if deviation <= 0.0 {
        let in_the_money = sign * (it.forward - it.strike) > 0.0;
        let price = price(it);
        let delta = if in_the_money { sign * discount } else { 0.0 };
        let greeks = Greeks { delta, theta: it.rate * price, rho: -it.time * price, ..Greeks::default() };
        return Value { price, greeks };
    }
    let (d1, d2) = moneyness(it, deviation);
    let (n1, n2, density) = (cdf(sign * d1), cdf(sign * d2), pdf(d1));
    let price = discount * (sign * (it.forward * n1 - it.strike * n2)).max(0.0);
    let root = it.time.sqrt();
    let vega = discount * it.forward * density * root;
    let greeks = Greeks {
        delta: discount * sign * n1,
        gamma: discount * density / (it.forward * deviation),
        vega,
        theta: it.rate * price - vega * it.volatility / (2.0 * it.time),
        rho: -it.time * price,
        vanna: -discount * density * d2 / it.volatility,
        volga: vega * d1 * d2 / it.volatility,
    };
    Value { price, greeks }
}

fn discount(it: &Option) -> f64 {
    if it.rate == 0.0 { 1.0 } else { exp(-it.rate * it.time) }
}

/// d1 and d2 of Black's formula.
fn moneyness(it: &Option, deviation: f64) -> (f64, f64) {
    let centre = ln(it.forward / it.strike) / deviation;
    (centre + 0.5 * deviation, centre - 0.5 * deviation)
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
                    assert!((call - put - (100.0 - strike)).abs() < 2e-13, "{strike} {time} {volatility}");
                }
            }
        }
    }

    #[test]
    fn without_time_or_volatility_the_value_is_intrinsic() {
        for (time, volatility) in [(0.0, 0.5), (0.5, 0.0), (0.0, 0.0)] {
            assert_eq!(price(&option(Right::Call, 90.0, time, volatility)), 10.0);
            assert_eq!(price(&option(Right::Put, 90.0, time, volatility)), 0.0);
            assert_eq!(value(&option(Right::Call, 90.0, time, volatility)).greeks.delta, 1.0);
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
}
