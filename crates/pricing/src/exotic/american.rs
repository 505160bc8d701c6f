//! Options that may be exercised at any time.
//!
//! Source: L. Andersen, M. Lake and D. Offengenden, "High-performance American option pricing", Journal of
//! Computational Finance 20 (2016). The price is the European one plus an integral along the exercise boundary (I. Kim,
//! 1990); the boundary solves a fixed-point equation (their system A), is known at Chebyshev points of the root of
//! time, and is interpolated there as the square of its logarithm, which is smooth. The start of the iteration is that
//! of the perpetual option, after G. Barone-Adesi and R. Whaley, Journal of Finance 42 (1987). A call is the put with
//! spot and strike, rate and dividend exchanged.
//!
//! Invariant: worth at least the European option and at least what exercise pays today. With a dividend rate below
//! a rate of zero or less (for a put) there are two boundaries, which this method does not know: refused. Loops over
//! points have no branch, so that they become vectors.

use core::f64::consts::FRAC_1_SQRT_2;

use super::{Formula, Inputs};
use crate::{
    black::Right,
    domain::{DomainError, Need, PRICE},
    market::Market,
    number::Number,
    quadrature::{LEGENDRE_8, LEGENDRE_32, points},
};

/// Intervals between the Chebyshev points.
const INTERVALS: usize = 8;
const NODES: usize = INTERVALS + 1;
/// cos(k pi / INTERVALS).
const COSINES: [f64; NODES] = [
    1.0,
    0.923_879_532_511_286_7,
    FRAC_1_SQRT_2,
    0.382_683_432_365_089_84,
    0.0,
    -0.382_683_432_365_089_7,
    -FRAC_1_SQRT_2,
    -0.923_879_532_511_286_7,
    -1.0,
];
/// The iteration ends when no point of the boundary moves by more than this part, and at the latest after so many.
const STILL: f64 = 1e-5;
const ITERATIONS_MAX: usize = 16;
const INNER: usize = 2 * LEGENDRE_8.len();
const OUTER: usize = 2 * LEGENDRE_32.len();

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct American {
    pub right: Right,
    pub strike: f64,
    pub time: f64,
}

/// A put and its market, all of which may carry derivatives.
struct Put<N> {
    spot: N,
    strike: N,
    rate: N,
    dividend: N,
    volatility: N,
    time: N,
}

/// Where exercise begins, by the root of the time to go.
struct Boundary<N> {
    /// The boundary just before the end.
    top: N,
    /// Of ln(boundary / top)^2 in Chebyshev polynomials.
    coefficients: [N; NODES],
}

/// What one point of the boundary needs in every iteration.
struct Node<N> {
    x: f64,
    /// The volatility times the root of the time, and one over it.
    deviation: N,
    inverse: N,
    /// (rate - dividend) time / deviation.
    drift: N,
    /// strike exp(-(rate - dividend) time).
    scale: N,
    /// Interest and dividends at the inner points, with all that does not change.
    by_rate: [N; INNER],
    by_dividend: [N; INNER],
}

/// What a point of the boundary, `log` from the top, owes and holds when the option ends out of the money.
struct End<N> {
    log: N,
    owed: N,
    held: N,
}

/// The inner points of the integral: of the root of the time between, its weight, and of the root of the time then.
struct Rule {
    part: [f64; INNER],
    weight: [f64; INNER],
    rest: [f64; INNER],
}

impl Formula for American {
    fn time(&self) -> f64 {
        self.time
    }

    fn check(&self, market: &Market) -> Result<(), DomainError> {
        PRICE.check("strike", self.strike)?;
        let Market { rate, dividend, .. } = *market;
        // The put's rate, and the put's dividend.
        let (field, inner, outer) = match self.right {
            Right::Put => ("dividend", rate, dividend),
            Right::Call => ("rate", dividend, rate),
        };
        let min = if inner <= 0.0 { inner } else { f64::MIN };
        Need { min, max: f64::MAX }.check(field, outer).map(|_| ())
    }

    #[inline(always)]
    fn price<N: Number>(&self, at: &Inputs<N>) -> N {
        let (strike, dividend) = (N::constant(self.strike), N::constant(at.dividend));
        let (volatility, time) = (at.volatility, at.time);
        match self.right {
            Right::Put => Put { spot: at.spot, strike, rate: at.rate, dividend, volatility, time },
            Right::Call => {
                Put { spot: strike, strike: at.spot, rate: dividend, dividend: at.rate, volatility, time }
            }
        }
        .price()
    }
}

impl<N: Number> Put<N> {
    #[inline(always)]
    fn price(&self) -> N {
        let european = self.european();
        if self.rate.value() <= 0.0 {
            return european;
        }
        let boundary = self.boundary();
        let gain = self.strike - self.spot;
        if self.spot.value() <= boundary.now().value() {
            return gain;
        }
        let price = european + self.premium(&boundary);
        if price.value() < gain.value() { gain } else { price }
    }

    #[inline(always)]
    fn european(&self) -> N {
        let deviation = self.volatility * self.time.sqrt();
        let log = (self.spot / self.strike).ln() + (self.rate - self.dividend) * self.time;
        let d1 = log / deviation + deviation * 0.5;
        self.strike * N::exp_cdf(-(self.rate * self.time), deviation - d1)
            - self.spot * N::exp_cdf(-(self.dividend * self.time), -d1)
    }

    /// What early exercise earns: interest on the strike, less dividends, whenever the spot is below the boundary.
    #[inline(always)]
    fn premium(&self, boundary: &Boundary<N>) -> N {
        let (mut x, mut weight) = ([0.0; OUTER], [0.0; OUTER]);
        for ((w, part), (x, weight)) in points(&LEGENDRE_32, 0.0, 1.0).zip(x.iter_mut().zip(&mut weight)) {
            // Time to go x^2 T at the boundary, (1 - x^2) T from now; x = w (2 - w) leaves no root at either end.
            *x = w * (2.0 - w);
            *weight = 4.0 * (1.0 - w) * *x * part;
        }
        let logs = boundary.logs(&x);
        let log = (self.spot / boundary.top).ln();
        let (root, carry) = (self.volatility * self.time.sqrt(), self.rate - self.dividend);
        let mut terms = [N::constant(0.0); OUTER];
        for (((x, weight), log_then), term) in x.iter().zip(&weight).zip(&logs).zip(&mut terms) {
            let left = (1.0 - x) * (1.0 + x);
            let (ahead, deviation) = (self.time * left, root * left.sqrt());
            let d1 = (log + *log_then + carry * ahead) / deviation + deviation * 0.5;
            let interest =
                self.rate * self.strike * (-(self.rate * ahead)).exp() * (deviation - d1).curve().1;
            let paid = self.dividend * self.spot * (-(self.dividend * ahead)).exp() * (-d1).curve().1;
            *term = (interest - paid) * *weight;
        }
        terms.iter().fold(N::constant(0.0), |sum, term| sum + *term) * self.time
    }

    #[inline(always)]
    fn boundary(&self) -> Boundary<N> {
        let falls = self.dividend.value() > self.rate.value();
        let top = if falls { self.strike * self.rate / self.dividend } else { self.strike };
        let rule = Rule::new();
        let mut boundary = Boundary { top, coefficients: [N::constant(0.0); NODES] };
        // The first value is at the end, the last has all the time to go.
        let mut values = [top; NODES];
        // Beside the end, which stays.
        let x: [f64; INTERVALS] = core::array::from_fn(|k| 0.5 * (1.0 + COSINES[INTERVALS - 1 - k]));
        let nodes = x.map(|x| self.node(&rule, x));
        for (value, x) in values.iter_mut().skip(1).zip(&x) {
            *value = self.first_guess(top, *x);
        }
        boundary.fit(&values);
        for _ in 0..ITERATIONS_MAX {
            let mut moved = 0.0_f64;
            let ends = self.ends(&boundary, &nodes, &values);
            for ((value, node), end) in values.iter_mut().skip(1).zip(&nodes).zip(&ends) {
                let next = self.improved(&boundary, &rule, node, (*value, end));
                moved = moved.max((next.value() / value.value() - 1.0).abs());
                *value = next;
            }
            boundary.fit(&values);
            if moved < STILL {
                break;
            }
        }
        boundary
    }

    /// Between the perpetual put's boundary and the one at the end.
    #[inline(always)]
    fn first_guess(&self, top: N, x: f64) -> N {
        let variance = self.volatility * self.volatility;
        let carry = (self.rate - self.dividend) * 2.0 / variance - 1.0;
        let root = (carry * carry + self.rate * 8.0 / variance).sqrt();
        let exponent = (-carry - root) * 0.5;
        let perpetual = self.strike * exponent / (exponent - 1.0);
        let time = self.time * (x * x);
        let speed = self.volatility * time.sqrt() * 2.0 - (self.rate - self.dividend) * time;
        let fade = (-(speed * self.strike / (self.strike - perpetual))).exp();
        let guess = perpetual + (top - perpetual) * fade;
        if guess.value() < top.value() && guess.value() > 0.0 { guess } else { top * 0.999 }
    }

    #[inline(always)]
    fn node(&self, rule: &Rule, x: f64) -> Node<N> {
        let time = self.time * (x * x);
        let root = time.sqrt();
        let deviation = self.volatility * root;
        let (speed, carry) = (root / self.volatility, (self.rate - self.dividend) * time);
        let (mut by_rate, mut by_dividend) = ([N::constant(0.0); INNER], [N::constant(0.0); INNER]);
        for j in 0..INNER {
            let then = time * (rule.rest[j] * rule.rest[j]);
            by_rate[j] = self.rate * (self.rate * then).exp() * speed * rule.weight[j];
            by_dividend[j] = self.dividend * (self.dividend * then).exp() * speed * rule.weight[j];
        }
        Node {
            x,
            deviation,
            inverse: N::constant(1.0) / deviation,
            drift: carry / deviation,
            scale: self.strike * (-carry).exp(),
            by_rate,
            by_dividend,
        }
    }

    /// What the points of the boundary owe and hold at the end, all at once.
    #[inline(always)]
    fn ends(
        &self,
        boundary: &Boundary<N>,
        nodes: &[Node<N>; INTERVALS],
        values: &[N; NODES],
    ) -> [End<N>; INTERVALS] {
        let zero = [N::constant(0.0); INTERVALS];
        let (mut log, mut owed, mut held) = (zero, zero, zero);
        let (inverse, drift) = (nodes.each_ref().map(|it| it.inverse), nodes.each_ref().map(|it| it.drift));
        let deviation = nodes.each_ref().map(|it| it.deviation);
        for k in 0..INTERVALS {
            let now = values[k + 1];
            let d1 = (now / self.strike).ln() * inverse[k] + drift[k] + deviation[k] * 0.5;
            let (density, distribution) = d1.curve();
            log[k] = (now / boundary.top).ln();
            owed[k] = (d1 - deviation[k]).curve().0 * inverse[k];
            held[k] = density * inverse[k] + distribution;
        }
        core::array::from_fn(|k| End { log: log[k], owed: owed[k], held: held[k] })
    }

    /// One step of the fixed point for the value `now` of the boundary.
    #[inline(always)]
    fn improved(&self, boundary: &Boundary<N>, rule: &Rule, node: &Node<N>, (now, end): (N, &End<N>)) -> N {
        let x = rule.rest.map(|rest| node.x * rest);
        let logs = boundary.logs(&x);
        let log = end.log;
        let (mut owed, mut held) = ([N::constant(0.0); INNER], [N::constant(0.0); INNER]);
        for j in 0..INNER {
            let deviation = node.deviation * rule.part[j];
            let middle = (log + logs[j]) * node.inverse * (1.0 / rule.part[j]) + node.drift * rule.part[j];
            let (d1, d2) = (middle + deviation * 0.5, middle - deviation * 0.5);
            let (density, distribution) = d1.curve();
            owed[j] = node.by_rate[j] * d2.curve().0;
            held[j] = node.by_dividend[j] * (density + distribution * deviation);
        }
        let owed = owed.iter().fold(end.owed, |sum, term| sum + *term);
        let held = held.iter().fold(end.held, |sum, term| sum + *term);
        let next = node.scale * owed / held;
        let (low, top) = (0.2 * now.value(), boundary.top.value());
        if next.value() < low || next.value().is_nan() {
            now * 0.5
        } else if next.value() > top {
            (now + boundary.top) * 0.5
        } else {
            next
        }
    }
}

impl Rule {
    /// part = w (2 - w) leaves no root at either end, neither of the time between nor of the time then.
    #[inline(always)]
    fn new() -> Self {
        let mut rule = Self { part: [0.0; INNER], weight: [0.0; INNER], rest: [0.0; INNER] };
        for (j, (w, weight)) in points(&LEGENDRE_8, 0.0, 1.0).enumerate() {
            let part = w * (2.0 - w);
            rule.part[j] = part;
            rule.weight[j] = 4.0 * (1.0 - w) * weight;
            rule.rest[j] = ((1.0 - part) * (1.0 + part)).sqrt();
        }
        rule
    }
}

impl<N: Number> Boundary<N> {
    #[inline(always)]
    fn fit(&mut self, values: &[N; NODES]) {
        let squares = values.map(|value| {
            let log = (value / self.top).ln();
            log * log
        });
        let ends = |j: usize| if j == 0 || j == INTERVALS { 0.5 } else { 1.0 };
        for (k, coefficient) in self.coefficients.iter_mut().enumerate() {
            let mut sum = N::constant(0.0);
            for (j, square) in squares.iter().enumerate() {
                // cos(pi (INTERVALS - j) k / INTERVALS), folded into the half turn that is written.
                let turn = (INTERVALS - j) * k % (2 * INTERVALS);
                let turn = if turn > INTERVALS { 2 * INTERVALS - turn } else { turn };
                sum = sum + *square * (COSINES[turn] * ends(j));
            }
            *coefficient = sum * (0.25 * ends(k));
        }
    }

    /// With all the time to go.
    #[inline(always)]
    fn now(&self) -> N {
        self.top * (-self.logs(&[1.0])[0]).exp()
    }

    /// ln(top / boundary) at parts of the root of all the time to go (Clenshaw).
    #[inline(always)]
    fn logs<const COUNT: usize>(&self, parts: &[f64; COUNT]) -> [N; COUNT] {
        let (mut b1, mut b2) = ([N::constant(0.0); COUNT], [N::constant(0.0); COUNT]);
        for coefficient in self.coefficients.iter().skip(1).rev() {
            for j in 0..COUNT {
                let b0 = *coefficient + b1[j] * (2.0 * (2.0 * parts[j] - 1.0)) - b2[j];
                b2[j] = b1[j];
                b1[j] = b0;
            }
        }
        let mut out = [N::constant(0.0); COUNT];
        for j in 0..COUNT {
            let square = self.coefficients[0] + b1[j] * (2.0 * parts[j] - 1.0) - b2[j];
            out[j] = square.root_of_positive();
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exotic::{contract_price, contract_value};

    #[test]
    fn greeks_are_the_derivatives_of_the_price() {
        let market = Market { spot: 100.0, rate: 0.05, dividend: 0.02, volatility: 0.4 };
        for right in [Right::Call, Right::Put] {
            let terms = American { right, strike: 108.0, time: 0.8 };
            let greeks = contract_value(&terms, &market).unwrap().greeks;
            let at =
                |market: Market, time: f64| contract_price(&American { time, ..terms }, &market).unwrap();
            let h = 1e-3;
            let slope = |up: Market, down: Market, step: f64| (at(up, 0.8) - at(down, 0.8)) / (2.0 * step);
            let rate = |by: f64| Market { rate: 0.05 + by, ..market };
            let volatility = |by: f64| Market { volatility: 0.4 + by, ..market };
            for (name, have, want) in [
                ("vega", greeks.vega, slope(volatility(h), volatility(-h), h)),
                ("rho", greeks.rho, slope(rate(h), rate(-h), h)),
                ("theta", greeks.theta, -(at(market, 0.8 + h) - at(market, 0.8 - h)) / (2.0 * h)),
            ] {
                assert!((have - want).abs() < 2e-4 * want.abs(), "{right:?} {name}: {have} {want}");
            }
        }
    }

    #[test]
    fn what_has_two_boundaries_is_refused() {
        let market = Market { spot: 100.0, rate: -0.02, dividend: -0.05, volatility: 0.4 };
        let put = American { right: Right::Put, strike: 108.0, time: 0.8 };
        assert_eq!(contract_price(&put, &market).unwrap_err().field, "dividend");
        let call = American { right: Right::Call, ..put };
        assert!(contract_price(&call, &market).is_ok(), "its inner rate is the dividend, and lower");
    }
}
