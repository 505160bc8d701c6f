//! Options that may be exercised at any time.
//!
//! Source: L. Andersen, M. Lake and D. Offengenden, "High-performance American option pricing", Journal of
//! Computational Finance 20 (2016). The price is the European one plus an integral along the exercise boundary (I. Kim,
//! 1990); the boundary solves a fixed-point equation (their system A, or B where the rates agree), is known at
//! Chebyshev points of the root of time, and is interpolated there as the square of its logarithm, which is
//! smooth. The start of the iteration is that of the European's perpetual brother, after G. Barone-Adesi and
//! R. Whaley, Journal of Finance 42 (1987). A call is the put with spot and strike, rate and dividend exchanged.
//!
//! Invariant: worth at least the European option and at least what exercise pays today. With a dividend rate below
//! a rate of zero or less (for a put) there are two boundaries, which this method does not know: refused.

use super::{Formula, Inputs};
use crate::{
    black::Right,
    domain::{DomainError, Need, PRICE},
    market::Market,
    number::Number,
    quadrature::{LEGENDRE_16, LEGENDRE_32, points},
};

/// Intervals between the Chebyshev points.
const INTERVALS: usize = 10;
/// cos(pi / INTERVALS).
const COSINE: f64 = 0.951_056_516_295_153_572_12;
/// The iteration ends when no point of the boundary moves by more than this part, and at the latest here.
const STILL: f64 = 1e-6;
const ITERATIONS_MAX: usize = 16;
/// Below this difference of the rates their system B converges faster.
const RATES_AGREE: f64 = 1e-3;
const INVERSE_SQRT_2_PI: f64 = 0.398_942_280_401_432_677_94;

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
    root: N,
    /// Of ln(boundary / top)^2 in Chebyshev polynomials.
    coefficients: [N; INTERVALS + 1],
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

    fn price<N: Number>(&self, at: &Inputs<N>) -> N {
        let (strike, dividend) = (N::constant(self.strike), N::constant(at.dividend));
        let (volatility, time) = (at.volatility, at.time);
        let put = match self.right {
            Right::Put => Put { spot: at.spot, strike, rate: at.rate, dividend, volatility, time },
            Right::Call => {
                Put { spot: strike, strike: at.spot, rate: dividend, dividend: at.rate, volatility, time }
            }
        };
        put.price()
    }
}

impl<N: Number> Put<N> {
    fn price(&self) -> N {
        let european = self.european();
        if self.rate.value() <= 0.0 {
            return european;
        }
        let boundary = self.boundary();
        let gain = self.strike - self.spot;
        if self.spot.value() <= boundary.at(N::constant(self.time.value().sqrt())).value() {
            return gain;
        }
        let price = european + self.premium(&boundary);
        if price.value() < gain.value() { gain } else { price }
    }

    /// d1 and d2 of a ratio over a time.
    fn distances(&self, log: N, time: N) -> (N, N) {
        let deviation = self.volatility * time.sqrt();
        let middle = (log + (self.rate - self.dividend) * time) / deviation;
        (middle + deviation * 0.5, middle - deviation * 0.5)
    }

    fn european(&self) -> N {
        let (d1, d2) = self.distances((self.spot / self.strike).ln(), self.time);
        self.strike * N::exp_cdf(-(self.rate * self.time), -d2)
            - self.spot * N::exp_cdf(-(self.dividend * self.time), -d1)
    }

    /// What early exercise earns: interest on the strike, less dividends, whenever the spot is below the boundary.
    fn premium(&self, boundary: &Boundary<N>) -> N {
        let log = self.spot.ln();
        let mut sum = N::constant(0.0);
        for (w, weight) in points(&LEGENDRE_32, 0.0, 1.0) {
            // Time to go x^2 T at the boundary, (1 - x^2) T from now; x = w (2 - w) leaves no root at either end.
            let x = w * (2.0 - w);
            let weight = 2.0 * (1.0 - w) * weight;
            let ahead = self.time * ((1.0 - x) * (1.0 + x));
            let (d1, d2) = self.distances(log - boundary.at_part(x).ln(), ahead);
            let earned = self.rate * self.strike * N::exp_cdf(-(self.rate * ahead), -d2)
                - self.dividend * self.spot * N::exp_cdf(-(self.dividend * ahead), -d1);
            sum = sum + earned * (2.0 * x * weight);
        }
        sum * self.time
    }

    fn boundary(&self) -> Boundary<N> {
        let falls = self.dividend.value() > self.rate.value();
        let top = if falls { self.strike * self.rate / self.dividend } else { self.strike };
        let nodes = chebyshev_nodes();
        let mut boundary =
            Boundary { top, root: self.time.sqrt(), coefficients: [N::constant(0.0); INTERVALS + 1] };
        let mut values = nodes.map(|node| self.first_guess(top, 0.5 * (1.0 + node)));
        values[0] = top;
        boundary.fit(&values);
        for _ in 0..ITERATIONS_MAX {
            let mut moved = 0.0_f64;
            for (value, node) in values.iter_mut().zip(nodes).skip(1) {
                let next = self.improved(&boundary, *value, 0.5 * (1.0 + node));
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

    /// One step of the fixed point at the time to go x^2 T.
    fn improved(&self, boundary: &Boundary<N>, now: N, x: f64) -> N {
        let time = self.time * (x * x);
        let deviation = self.volatility * time.sqrt();
        let (d1, d2) = self.distances((now / self.strike).ln(), time);
        let agree = (self.rate.value() - self.dividend.value()).abs() < RATES_AGREE;
        let (mut owed, mut held) = if agree {
            (d2.cdf(), d1.cdf())
        } else {
            (density(d2) / deviation, density(d1) / deviation + d1.cdf())
        };
        for (w, weight) in points(&LEGENDRE_16, 0.0, 1.0) {
            // The root of the time between is a part of that of all the time; part = w (2 - w) leaves no root at
            // either end, neither of the time between nor of the time then.
            let part = w * (2.0 - w);
            let weight = 4.0 * (1.0 - w) * weight;
            let between = time * (part * part);
            let rest = (1.0 - part) * (1.0 + part);
            let (x_then, then) = (x * rest.sqrt(), time * rest);
            let (d1, d2) = self.distances((now / boundary.at_part(x_then)).ln(), between);
            let (by_rate, by_dividend) = ((self.rate * then).exp(), (self.dividend * then).exp());
            let length = time * (part * weight);
            if agree {
                owed = owed + self.rate * by_rate * d2.cdf() * length;
                held = held + self.dividend * by_dividend * d1.cdf() * length;
            } else {
                let by_root = time.sqrt() / self.volatility * weight;
                owed = owed + self.rate * by_rate * density(d2) * by_root;
                held = held + self.dividend * by_dividend * (d1.cdf() * length + density(d1) * by_root);
            }
        }
        let carry = (self.rate - self.dividend) * time;
        let next = self.strike * (-carry).exp() * owed / held;
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

fn density<N: Number>(z: N) -> N {
    (z * z * -0.5).exp() * INVERSE_SQRT_2_PI
}

/// cos of the multiples of pi / INTERVALS, from -1 to 1.
fn chebyshev_nodes() -> [f64; INTERVALS + 1] {
    let mut nodes = [0.0; INTERVALS + 1];
    (nodes[0], nodes[1]) = (-1.0, -COSINE);
    for k in 2..nodes.len() {
        nodes[k] = 2.0 * COSINE * nodes[k - 1] - nodes[k - 2];
    }
    nodes
}

/// cos(pi i k / INTERVALS).
fn chebyshev_cosine(i: usize, k: usize) -> f64 {
    let nodes = chebyshev_nodes();
    let turn = i * k % (2 * INTERVALS);
    let turn = if turn > INTERVALS { 2 * INTERVALS - turn } else { turn };
    nodes[INTERVALS - turn]
}

impl<N: Number> Boundary<N> {
    fn fit(&mut self, values: &[N; INTERVALS + 1]) {
        let squares = values.map(|value| {
            let log = (value / self.top).ln();
            log * log
        });
        let ends = |j: usize| if j == 0 || j == INTERVALS { 0.5 } else { 1.0 };
        let scale = 2.0 / f64::from(u8::try_from(INTERVALS).unwrap_or(u8::MAX));
        for (k, coefficient) in self.coefficients.iter_mut().enumerate() {
            let mut sum = N::constant(0.0);
            for (j, square) in squares.iter().enumerate() {
                sum = sum + *square * (chebyshev_cosine(INTERVALS - j, k) * ends(j));
            }
            *coefficient = sum * (scale * ends(k));
        }
    }

    /// At a root of the time to go.
    fn at(&self, root: N) -> N {
        self.at_part(root.value() / self.root.value())
    }

    /// At a part of the root of all the time to go (Clenshaw).
    fn at_part(&self, part: f64) -> N {
        let z = 2.0 * part - 1.0;
        let (mut b1, mut b2) = (N::constant(0.0), N::constant(0.0));
        for coefficient in self.coefficients.iter().skip(1).rev() {
            let b0 = *coefficient + b1 * (2.0 * z) - b2;
            (b1, b2) = (b0, b1);
        }
        let square = self.coefficients[0] + b1 * z - b2;
        if square.value() > 0.0 { self.top * (-square.sqrt()).exp() } else { self.top }
    }
}
