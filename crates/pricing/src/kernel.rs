//! The heart of every European value: two legs, one of which is paid for the other.
//!
//! A call holds the leg A (the underlying's present value) against B (the strike's); its value is
//! A cdf(d1) - B cdf(d2), with d1, d2 = x/s +- s/2, x = ln(A/B), s the deviation. Written here for the side that
//! is out of the money, with one exponential: A pdf(d1) = B pdf(d2), so with the smaller leg m, z1 = -|x|/s + s/2
//! and z2 = z1 - s,
//!
//! `value = m (cdf(z1) - bell(z1) tail(-z2)),    bell(z) = exp(-z^2/2), tail(y) = cdf(-y) / bell(y)`,
//!
//! which keeps relative precision far out of the money. Deep in the money the exact difference of the legs is
//! added. The idea of the normalised form is that of P. Jaeckel, "Let's Be Rational", Wilmott (2015).
//!
//! Invariant: no branch, no library call: a loop over slices gives the bits of the call for one. With a
//! deviation of zero the value is intrinsic, exactly.

use crate::normal::{bell, scaled_tails};

const INVERSE_SQRT_2_PI: f64 = 0.398_942_280_401_432_677_94;
/// Below this a deviation counts as zero: its powers would leave the range of a double.
const DEVIATION_MIN: f64 = 1e-140;
/// Half deviations below this are small.
const NARROW: f64 = 0.01;
/// Further out nothing is left of a normal tail.
const DEPTH_MAX: f64 = 1e6;

/// A European option taken apart. `log` is ln(underlying / strike); both legs are above zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Legs {
    pub underlying: f64,
    pub strike: f64,
    pub log: f64,
    pub deviation: f64,
}

/// The value and what its Greeks are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub value: f64,
    /// A cdf(sign d1) and B cdf(sign d2): what is held and what is owed.
    pub held: f64,
    pub owed: f64,
    /// A pdf(d1), which is B pdf(d2).
    pub density: f64,
    pub d1: f64,
    pub d2: f64,
}

/// How far out the option is, in deviations: half of one, and the distance of the strike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Depth {
    pub half: f64,
    pub ratio: f64,
}

/// The scaled tails at `z1` (or in the middle, where the deviation is small) and at `-z2`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tails {
    pub near: f64,
    pub far: f64,
}

/// The value and its parts; `sign` is one for a call and minus one for a put.
#[inline(always)]
pub(crate) fn parts(sign: f64, legs: &Legs) -> Parts {
    let depth = depth(legs.log, legs.deviation);
    joined(sign, legs, &depth, &tails(&depth))
}

#[inline(always)]
pub(crate) fn depth(log: f64, deviation: f64) -> Depth {
    let s = if deviation > DEVIATION_MIN { deviation } else { 1.0 };
    let ratio = log.abs() / s;
    Depth { half: 0.5 * s, ratio: if ratio > DEPTH_MAX { DEPTH_MAX } else { ratio } }
}

#[inline(always)]
pub(crate) fn tails(depth: &Depth) -> Tails {
    let Depth { half, ratio } = *depth;
    // The two tails nearly agree when the deviation is small: there the difference is a series around the middle.
    let place = if half < NARROW { ratio } else { (half - ratio).abs() };
    let (near, far) = scaled_tails(place, half + ratio);
    Tails { near, far }
}

/// What depth and tails make of the legs.
#[inline(always)]
pub(crate) fn joined(sign: f64, legs: &Legs, depth: &Depth, tails: &Tails) -> Parts {
    let x = legs.log;
    let live = legs.deviation > DEVIATION_MIN;
    let Depth { half, ratio } = *depth;
    let (z1, depth) = (half - ratio, half + ratio);
    let bell = bell(z1);
    let bell = if live { bell } else { 0.0 };
    let narrow = half < NARROW;
    let Tails { near: other_tail, far: far_tail } = *tails;
    let above = z1 >= 0.0 && live && !narrow;
    let near_signed = if above { -other_tail } else { other_tail };
    let (series, difference) = (narrow_gap(ratio, other_tail, half), near_signed - far_tail);
    let gap = if narrow { series } else { difference };
    let base = if above { 1.0 } else { 0.0 };
    let call_is_out = x <= 0.0;
    let smaller = if call_is_out { legs.underlying } else { legs.strike };
    let out = smaller * (base + bell * gap);
    let out = if out > 0.0 { out } else { 0.0 };
    let far = smaller * (bell * far_tail);
    let near = far + out;
    // Where the option is in the money, parity leads back from the side that is not.
    let is_out = (sign > 0.0) == call_is_out;
    let (held, owed) = if call_is_out { (near, far) } else { (far, near) };
    let gain = sign * (legs.underlying - legs.strike);
    let gain = if is_out { 0.0 } else { gain };
    let (other_held, other_owed) = (legs.underlying - held, legs.strike - owed);
    Parts {
        value: out + gain,
        held: if is_out { held } else { other_held },
        owed: if is_out { owed } else { other_owed },
        density: smaller * (bell * INVERSE_SQRT_2_PI),
        d1: if call_is_out { z1 } else { depth },
        d2: if call_is_out { -depth } else { -z1 },
    }
}

/// tail(y - t) - tail(y + t) for a small t, given tail(y), as its Taylor series: with tail' = y tail - pdf(0), the
/// derivatives follow a(n+1) = y a(n) + n a(n-1). The first term left out is 1e-19 of the whole.
#[inline(always)]
fn narrow_gap(y: f64, tail: f64, t: f64) -> f64 {
    let a1 = y * tail - INVERSE_SQRT_2_PI;
    let a2 = y * a1 + tail;
    let a3 = y * a2 + 2.0 * a1;
    let a4 = y * a3 + 3.0 * a2;
    let a5 = y * a4 + 4.0 * a3;
    let a6 = y * a5 + 5.0 * a4;
    let a7 = y * a6 + 6.0 * a5;
    let u = t * t;
    -2.0 * t * (a1 + u * (a3 * (1.0 / 6.0) + u * (a5 * (1.0 / 120.0) + u * (a7 * (1.0 / 5_040.0)))))
}
