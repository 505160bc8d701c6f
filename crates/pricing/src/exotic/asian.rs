//! Options on the average price.
//!
//! Sources: A. Kemna and A. Vorst, "A Pricing Method for Options Based on Average Asset Values", Journal of Banking and
//! Finance 14 (1990) for the geometric average. The arithmetic one has no closed formula; with returns R(i) between
//! fixings the sum of n prices is S exp(Y(1)), where Y(n) = R(n) and Y(i) = R(i) + ln(1 + exp(Y(i+1))), so that
//! the density of Y is carried backwards through one Gaussian smoothing for each fixing: A. Carverhill and
//! L. Clewlow, "Flexible Convolution", Risk 3 (1990). The first return is integrated in closed form by Black's
//! formula, so nothing with a corner is ever sampled, and the trapezoidal rule converges faster than any power.
//!
//! Invariant: no random numbers; an arithmetic average costs at least its geometric one.

use super::{Formula, Inputs};
use crate::{
    black::Right,
    domain::{DomainError, Need, PRICE},
    elementary::{exp, ln},
    market::Market,
    number::Number,
};

const FIXINGS: Need = Need { min: 1.0, max: 2_000.0 };
/// Standard deviations beyond which a Gaussian is nothing.
const REACH: f64 = 8.5;
/// Grid points in a standard deviation of one return: the rule's error is exp(-pi^2 1.75^2) = 8e-14.
const POINTS_IN_DEVIATION: f64 = 1.75;
const INVERSE_SQRT_2_PI: f64 = 0.398_942_280_401_432_677_94;

/// Over what is averaged. Discrete fixings stand at equal distances; the last is the end, today's is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    GeometricContinuous,
    Geometric { fixings: u32 },
    Arithmetic { fixings: u32 },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asian {
    pub right: Right,
    pub average: Average,
    pub strike: f64,
    pub time: f64,
}

impl Formula for Asian {
    fn time(&self) -> f64 {
        self.time
    }

    fn check(&self, _: &Market) -> Result<(), DomainError> {
        PRICE.check("strike", self.strike)?;
        if let Average::Geometric { fixings } | Average::Arithmetic { fixings } = self.average {
            FIXINGS.check("fixings", f64::from(fixings))?;
        }
        Ok(())
    }

    #[inline(always)]
    fn price<N: Number>(&self, at: &Inputs<N>) -> N {
        let drift = at.carry() - at.volatility * at.volatility * 0.5;
        let variance = at.volatility * at.volatility * at.time;
        match self.average {
            Average::GeometricContinuous => {
                let mean = drift * at.time * 0.5;
                self.lognormal(at, at.spot.ln() + mean, variance * (1.0 / 3.0))
            }
            Average::Geometric { fixings } => {
                let n = f64::from(fixings);
                let mean = drift * at.time * (0.5 * (n + 1.0) / n);
                let part = (n + 1.0) * (2.0 * n + 1.0) / (6.0 * n * n);
                self.lognormal(at, at.spot.ln() + mean, variance * part)
            }
            Average::Arithmetic { fixings } => self.arithmetic(at, fixings),
        }
    }
}

impl Asian {
    /// An option on exp of a normal variable with this mean and variance, paid at the end.
    fn lognormal<N: Number>(&self, at: &Inputs<N>, mean: N, variance: N) -> N {
        let deviation = variance.sqrt();
        let d2 = (mean - ln(self.strike)) / deviation;
        let sign = self.right.sign();
        let discount = -(at.rate * at.time);
        let held = N::exp_cdf(discount + mean + variance * 0.5, (d2 + deviation) * sign);
        (held - N::exp_cdf(discount, d2 * sign) * self.strike) * sign
    }

    fn arithmetic<N: Number>(&self, at: &Inputs<N>, fixings: u32) -> N {
        let n = f64::from(fixings);
        let step = at.time * (1.0 / n);
        let mean = (at.carry() - at.volatility * at.volatility * 0.5) * step;
        let variance = at.volatility * at.volatility * step;
        let start = at.spot.ln() + mean - ln(n);
        if fixings == 1 {
            return self.lognormal(at, start, variance);
        }
        let grid = Grid::of(mean, variance);
        // The density of Y(i), from the last return to the second.
        let mut density = Density::gaussian(&grid);
        for _ in 2..fixings {
            density = density.smoothed(&grid);
        }
        let terms = density
            .points
            .iter()
            .map(|(y, weight)| *weight * self.lognormal(at, start + softplus(*y), variance));
        terms.fold(N::constant(0.0), |sum, term| sum + term)
    }
}

/// One return between fixings.
struct Grid<N> {
    mean: N,
    deviation: f64,
    /// -1 / (2 variance), and the density's height times the spacing.
    curve: N,
    height: N,
}

/// Points and their probabilities: equally spaced, with the spacing multiplied in.
struct Density<N> {
    points: Vec<(f64, N)>,
}

impl<N: Number> Grid<N> {
    fn of(mean: N, variance: N) -> Self {
        let deviation = variance.value().sqrt();
        let height = N::constant(deviation / POINTS_IN_DEVIATION * INVERSE_SQRT_2_PI) / variance.sqrt();
        Self { mean, deviation, curve: N::constant(-0.5) / variance, height }
    }

    /// The probability of a return of `y - from` within a spacing.
    fn weight(&self, y: f64, from: f64) -> N {
        let off = self.mean - (y - from);
        (off * off * self.curve).exp() * self.height
    }

    /// The points that a return reaches from the places between two ends: multiples of the spacing.
    fn points(&self, low: f64, high: f64) -> impl Iterator<Item = f64> + use<N> {
        let (spacing, reach) = (self.deviation / POINTS_IN_DEVIATION, REACH * self.deviation);
        let first = ((low + self.mean.value() - reach) / spacing).floor();
        let last = ((high + self.mean.value() + reach) / spacing).ceil();
        let mut k = first - 1.0;
        core::iter::from_fn(move || {
            k += 1.0;
            (k <= last).then_some(k * spacing)
        })
    }
}

impl<N: Number> Density<N> {
    fn gaussian(grid: &Grid<N>) -> Self {
        Self { points: grid.points(0.0, 0.0).map(|y| (y, grid.weight(y, 0.0))).collect() }
    }

    /// The density of R + ln(1 + exp(Y)).
    fn smoothed(&self, grid: &Grid<N>) -> Self {
        let from: Vec<f64> = self.points.iter().map(|(y, _)| softplus(*y)).collect();
        let (low, high) = (from[0], from[from.len() - 1]);
        let reach = REACH * grid.deviation;
        let mean = grid.mean.value();
        let (mut begin, mut points) = (0, Vec::new());
        for y in grid.points(low, high) {
            // Both sequences rise, so the ones in reach are a window that only moves up.
            while begin < from.len() && from[begin] < y - mean - reach {
                begin += 1;
            }
            let near = from[begin..]
                .iter()
                .zip(&self.points[begin..])
                .take_while(|(at, _)| **at <= y - mean + reach);
            let sum =
                near.fold(N::constant(0.0), |sum, (at, (_, weight))| sum + *weight * grid.weight(y, *at));
            // What is too unlikely to count is left out at both ends.
            if sum.value() > 1e-18 {
                points.push((y, sum));
            }
        }
        Self { points }
    }
}

/// ln(1 + exp(y)).
fn softplus(y: f64) -> f64 {
    if y > 0.0 { y + ln(1.0 + exp(-y)) } else { ln(1.0 + exp(y)) }
}
