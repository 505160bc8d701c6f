//! Numbers that carry their derivatives.
//!
//! A closed formula written once over `Number` is a price with `f64` and a price with all its Greeks with `Jet`: a
//! second-order Taylor expansion in spot, volatility, time and rate, carried through every operation by the chain
//! rule (A. Griewank and A. Walther, "Evaluating Derivatives", 2008, chapter 13).
//!
//! Invariant: the value part of a jet has the bits that `f64` gives. Only those second derivatives are carried
//! that some Greek asks for.

use core::ops::{Add, Div, Mul, Neg, Sub};

use crate::{
    elementary::{exp, ln},
    normal::{bell, cdf, pdf, scaled_tail},
};

const INVERSE_SQRT_2_PI: f64 = 0.398_942_280_401_432_677_94;

/// What a closed formula needs of a number.
pub trait Number:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
{
    fn constant(value: f64) -> Self;
    fn value(self) -> f64;
    fn exp(self) -> Self;
    fn ln(self) -> Self;
    fn sqrt(self) -> Self;
    /// The normal distribution.
    fn cdf(self) -> Self;
    /// The normal density and distribution, for the price of one exponential.
    fn curve(self) -> (Self, Self);
    /// The root, and a constant zero of what is not above zero.
    fn root_of_positive(self) -> Self;
    /// exp(power) times the distribution at z, also where one factor is too large and the other too small.
    fn exp_cdf(power: Self, z: Self) -> Self;
}

/// A value with its derivatives.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Jet {
    pub value: f64,
    /// By spot, volatility, time and rate.
    pub first: [f64; 4],
    /// By spot twice, by spot and volatility, by volatility twice.
    pub second: [f64; 3],
}

/// The places of the variables in `Jet::first`.
pub(crate) const SPOT: usize = 0;
pub(crate) const VOLATILITY: usize = 1;
pub(crate) const TIME: usize = 2;
pub(crate) const RATE: usize = 3;
const PAIRS: [(usize, usize); 3] = [(SPOT, SPOT), (SPOT, VOLATILITY), (VOLATILITY, VOLATILITY)];

impl Number for f64 {
    #[inline(always)]
    fn constant(value: f64) -> Self {
        value
    }
    #[inline(always)]
    fn value(self) -> f64 {
        self
    }
    #[inline(always)]
    fn exp(self) -> Self {
        exp(self)
    }
    #[inline(always)]
    fn ln(self) -> Self {
        ln(self)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Self::sqrt(self)
    }
    #[inline(always)]
    fn cdf(self) -> Self {
        cdf(self)
    }
    #[inline(always)]
    fn curve(self) -> (Self, Self) {
        let size = self.abs();
        let size = if size > 40.0 { 40.0 } else { size };
        let bell = bell(size);
        let tail = bell * scaled_tail(size);
        let other = 1.0 - tail;
        (INVERSE_SQRT_2_PI * bell, if self > 0.0 { other } else { tail })
    }
    #[inline(always)]
    fn root_of_positive(self) -> Self {
        let positive = if self > 0.0 { self } else { 0.0 };
        Self::sqrt(positive)
    }
    #[inline(always)]
    fn exp_cdf(power: Self, z: Self) -> Self {
        if z < 0.0 { exp(power - 0.5 * z * z) * scaled_tail(-z) } else { exp(power) * cdf(z) }
    }
}

impl Jet {
    /// The variable at one of the places.
    pub(crate) fn variable(value: f64, place: usize) -> Self {
        let mut it = Self::constant(value);
        it.first[place] = 1.0;
        it
    }

    /// A function of one number, given its value and its first two derivatives there.
    fn chain(self, value: f64, slope: f64, bend: f64) -> Self {
        let first = self.first.map(|part| slope * part);
        let mut second = self.second.map(|part| slope * part);
        for (part, (i, j)) in second.iter_mut().zip(PAIRS) {
            *part += bend * self.first[i] * self.first[j];
        }
        Self { value, first, second }
    }

    /// Both parts of a linear combination.
    fn combine(self, other: Self, value: f64, (a, b): (f64, f64)) -> Self {
        let mut out = Self { value, ..Self::default() };
        for (i, part) in out.first.iter_mut().enumerate() {
            *part = a * self.first[i] + b * other.first[i];
        }
        for (i, part) in out.second.iter_mut().enumerate() {
            *part = a * self.second[i] + b * other.second[i];
        }
        out
    }
}

impl Number for Jet {
    fn constant(value: f64) -> Self {
        Self { value, ..Self::default() }
    }
    fn value(self) -> f64 {
        self.value
    }
    fn exp(self) -> Self {
        let it = exp(self.value);
        self.chain(it, it, it)
    }
    fn ln(self) -> Self {
        let slope = 1.0 / self.value;
        self.chain(ln(self.value), slope, -slope * slope)
    }
    fn sqrt(self) -> Self {
        let root = self.value.sqrt();
        let slope = 0.5 / root;
        self.chain(root, slope, -0.5 * slope / self.value)
    }
    fn cdf(self) -> Self {
        let density = pdf(self.value);
        self.chain(cdf(self.value), density, -self.value * density)
    }
    fn curve(self) -> (Self, Self) {
        let (density, distribution) = self.value.curve();
        let z = self.value;
        let slope = -z * density;
        (self.chain(density, slope, (z * z - 1.0) * density), self.chain(distribution, density, slope))
    }
    fn root_of_positive(self) -> Self {
        if self.value > 0.0 { self.sqrt() } else { Self::default() }
    }
    fn exp_cdf(power: Self, z: Self) -> Self {
        let value = f64::exp_cdf(power.value, z.value);
        // By the power every derivative is the function itself; by z the first is exp(power) pdf(z).
        let density = INVERSE_SQRT_2_PI * exp(power.value - 0.5 * z.value * z.value);
        let mut out = power.combine(z, value, (value, density));
        for (part, (i, j)) in out.second.iter_mut().zip(PAIRS) {
            let (pi, pj, zi, zj) = (power.first[i], power.first[j], z.first[i], z.first[j]);
            *part += value * pi * pj + density * (pi * zj + zi * pj) - density * z.value * zi * zj;
        }
        out
    }
}

impl Add for Jet {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        self.combine(other, self.value + other.value, (1.0, 1.0))
    }
}

impl Sub for Jet {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        self.combine(other, self.value - other.value, (1.0, -1.0))
    }
}

impl Mul for Jet {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        let mut out = self.combine(other, self.value * other.value, (other.value, self.value));
        for (part, (i, j)) in out.second.iter_mut().zip(PAIRS) {
            *part += self.first[i] * other.first[j] + self.first[j] * other.first[i];
        }
        out
    }
}

impl Div for Jet {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let inverse = 1.0 / other.value;
        let square = inverse * inverse;
        let mut out = self * other.chain(inverse, -square, 2.0 * square * inverse);
        out.value = self.value / other.value;
        out
    }
}

impl Neg for Jet {
    type Output = Self;
    fn neg(self) -> Self {
        self.chain(-self.value, -1.0, 0.0)
    }
}

impl Add<f64> for Jet {
    type Output = Self;
    fn add(self, other: f64) -> Self {
        Self { value: self.value + other, ..self }
    }
}

impl Sub<f64> for Jet {
    type Output = Self;
    fn sub(self, other: f64) -> Self {
        Self { value: self.value - other, ..self }
    }
}

impl Mul<f64> for Jet {
    type Output = Self;
    fn mul(self, other: f64) -> Self {
        self.chain(self.value * other, other, 0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn formula<N: Number>(spot: N, volatility: N, time: N, rate: N) -> N {
        let z = (spot.ln() - rate * time) / (volatility * time.sqrt());
        N::exp_cdf(-(rate * time) * 0.5, z) * spot + z.cdf() / (volatility + 1.0) - (-z).exp() * 0.1
    }

    #[test]
    fn derivatives_are_those_of_the_formula() {
        let at = [1.3, 0.4, 0.7, 0.06];
        let plain = |x: [f64; 4]| formula(x[0], x[1], x[2], x[3]);
        let jet = formula(
            Jet::variable(at[0], SPOT),
            Jet::variable(at[1], VOLATILITY),
            Jet::variable(at[2], TIME),
            Jet::variable(at[3], RATE),
        );
        assert_eq!(jet.value.to_bits(), plain(at).to_bits());
        let h = 1e-5;
        let moved = |i: usize, by: f64| {
            let mut x = at;
            x[i] += by;
            x
        };
        for (i, have) in jet.first.iter().enumerate() {
            let want = (plain(moved(i, h)) - plain(moved(i, -h))) / (2.0 * h);
            assert!((have - want).abs() < 1e-8, "{i}: {have} {want}");
        }
        for (have, (i, j)) in jet.second.iter().zip(PAIRS) {
            let h = 1e-4;
            let at = |a: f64, b: f64| {
                let mut x = moved(i, a);
                x[j] += b;
                plain(x)
            };
            let want = (at(h, h) - at(h, -h) - at(-h, h) + at(-h, -h)) / (4.0 * h * h);
            assert!((have - want).abs() < 1e-5, "{i} {j}: {have} {want}");
        }
    }
}
