//! exp, ln and pow from operations that every machine does alike.
//!
//! Error bounds, held by `tests/accuracy.rs` and by the tests below against values of 60 digits: exp and ln 1 ulp,
//! `ln_ratio` 2 ulp of its result even where the two numbers nearly agree, `ln_one_plus` 2 ulp; `pow` as it says.
//!
//! Sources: the reductions are those of W. J. Cody and W. Waite, "Software Manual for the Elementary
//! Functions" (1980); the polynomials interpolate at Chebyshev points and are our own.
//!
//! Invariant: total functions without a branch: no input panics, NaN gives NaN, and a loop over a slice
//! becomes vector instructions that give the same bits. No fused multiply-add (docs/adr/0013).

// The leading 33 bits of ln 2, so that an exponent times it is exact, and the rest.
const LN2_HIGH: f64 = 0.693_147_180_369_123_816_49;
const LN2_LOW: f64 = 1.908_214_929_270_587_700_02e-10;
const INVERSE_LN2: f64 = core::f64::consts::LOG2_E;
/// Beyond these the results are infinity and zero.
const EXP_MAX: f64 = 710.0;
const EXP_MIN: f64 = -746.0;
/// Adding it leaves the nearest integer in the lowest bits.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// Two to the 52: its lowest bits hold an integer.
const INTEGER_BITS: u64 = 0x4330_0000_0000_0000;
const TWO_POW_52: f64 = 4_503_599_627_370_496.0;
const EXPONENT_MASK: u64 = 0x7ff0_0000_0000_0000;
const ONE_BITS: u64 = 0x3ff0_0000_0000_0000;
const SQRT_HALF_BITS: u64 = 0x3fe6_a09e_667f_3bcd;

/// (e^r - 1 - r) / r^2 for |r| up to half of ln 2; relative error of e^r 1.7e-17.
const EXP_TERMS: [f64; 10] = [
    0.500_000_000_000_000_1,
    0.166_666_666_666_666_69,
    0.041_666_666_666_624_164,
    0.008_333_333_333_330_065,
    0.001_388_888_891_719_671_9,
    0.000_198_412_698_630_405_45,
    2.480_152_132_236_869_2e-5,
    2.755_726_848_031_002_4e-6,
    2.762_007_587_998_336_7e-7,
    2.510_037_583_256_123_4e-8,
];

/// (ln((1+s)/(1-s)) / s - 2) / s^2 in powers of s^2, for s up to 0.1716; relative error of the logarithm 5e-18.
const LN_TERMS: [f64; 7] = [
    0.666_666_666_666_667,
    0.399_999_999_998_995_05,
    0.285_714_286_259_755_15,
    0.222_222_111_347_905_45,
    0.181_828_891_255_921,
    0.153_317_215_895_743_07,
    0.146_164_498_207_824_76,
];

/// e to the x; infinity above 709.78, zero below -745.13.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    exp_sum(x, 0.0)
}

/// e to the `high + low`, where `low` is at most a thousandth and is not lost in the sum.
#[inline(always)]
pub(crate) fn exp_sum(high: f64, low: f64) -> f64 {
    let x = if high > EXP_MAX { EXP_MAX } else { high };
    let x = if x < EXP_MIN { EXP_MIN } else { x };
    let rounded = x * INVERSE_LN2 + ROUNDER;
    let k = rounded - ROUNDER;
    let r = (x - k * LN2_HIGH) - (k * LN2_LOW - low);
    let power = 1.0 + (r + r * r * polynomial(&EXP_TERMS, r));
    // Two steps, so that the smallest results are rounded once and the largest do not overflow on the way.
    let (shift, back) = if k < -1_000.0 { (200.0, TWO_POW_MINUS_200) } else { (0.0, 1.0) };
    let (shift, back) = if k > 1_000.0 { (-200.0, TWO_POW_200) } else { (shift, back) };
    let scale = f64::from_bits((rounded + shift).to_bits().wrapping_add(1_023) << 52);
    power * scale * back
}

const TWO_POW_200: f64 = 1.606_938_044_258_990_3e60;
const TWO_POW_MINUS_200: f64 = 6.223_015_277_861_142e-61;

/// The natural logarithm; NaN below zero, minus infinity at zero.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    const SUBNORMAL_SHIFT: f64 = 18_014_398_509_481_984.0;
    let small = x < f64::MIN_POSITIVE;
    let (scaled, shift) = if small { (x * SUBNORMAL_SHIFT, 54.0) } else { (x, 0.0) };
    let (power, exponent) = power_of_two_below(scaled);
    let mantissa = f64::from_bits(scaled.to_bits().wrapping_sub(power.to_bits()).wrapping_add(ONE_BITS));
    // 2s = f - s f, which keeps the leading term exact.
    let f = mantissa - 1.0;
    let s = f / (mantissa + 1.0);
    let z = s * s;
    let correction = s * (z * polynomial(&LN_TERMS, z) - f);
    let exponent = exponent - shift;
    let finite = exponent * LN2_HIGH + (f + (correction + exponent * LN2_LOW));
    let finite = if x == f64::INFINITY { x } else { finite };
    let number = if x == 0.0 { f64::NEG_INFINITY } else { finite };
    if x >= 0.0 { number } else { f64::NAN }
}

/// ln(a / b) for positive normal numbers with a normal quotient; keeps its precision where a is near b, which
/// the logarithm of a rounded quotient does not.
#[inline(always)]
pub fn ln_ratio(a: f64, b: f64) -> f64 {
    let (power, exponent) = power_of_two_below(a / b);
    let scaled = b * power;
    // Exact: the two are within a factor of two.
    let gap = a - scaled;
    let f = gap / scaled;
    let s = gap / (a + scaled);
    let z = s * s;
    let correction = s * (z * polynomial(&LN_TERMS, z) - f);
    exponent * LN2_HIGH + (f + (correction + exponent * LN2_LOW))
}

/// ln(1 + x), for x above -1; keeps its precision near zero.
pub(crate) fn ln_one_plus(x: f64) -> f64 {
    if x.abs() > 0.25 {
        return ln(1.0 + x);
    }
    let s = x / (2.0 + x);
    let z = s * s;
    x + s * (z * polynomial(&LN_TERMS, z) - x)
}

/// The power of two p with x / p in [sqrt 1/2, sqrt 2), and its exponent; x is positive and normal.
#[inline(always)]
fn power_of_two_below(x: f64) -> (f64, f64) {
    let bits = x.to_bits().wrapping_add(ONE_BITS - SQRT_HALF_BITS);
    let power = f64::from_bits(bits & EXPONENT_MASK);
    let exponent = f64::from_bits((bits >> 52) | INTEGER_BITS) - (TWO_POW_52 + 1_023.0);
    (power, exponent)
}

/// `x` to the `y` for `x > 0`, to 1 + 3 |y ln x| ulp: the logarithm is not more precise than a double, and the power
/// makes the error of an exponent a relative one.
#[inline(always)]
pub fn pow(x: f64, y: f64) -> f64 {
    exp(y * ln(x))
}

/// The polynomial with these coefficients, lowest first, as even and odd halves that a processor can work on at
/// the same time.
#[inline(always)]
pub(crate) fn polynomial<const N: usize>(coefficients: &[f64; N], x: f64) -> f64 {
    let square = x * x;
    let (mut first, mut second) = (coefficients[N - 1], coefficients[N - 2]);
    let mut i = N - 2;
    while i > 1 {
        first = first * square + coefficients[i - 1];
        second = second * square + coefficients[i - 2];
        i -= 2;
    }
    if i == 1 {
        // An odd count: the halves meet at the lowest coefficient.
        first = first * square + coefficients[0];
        first + x * second
    } else {
        second + x * first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Distance in units of the last place of `want`.
    fn ulps(have: f64, want: f64) -> f64 {
        let ulp = f64::from_bits(want.abs().to_bits() + 1) - want.abs();
        (have - want).abs() / ulp
    }

    #[test]
    fn exp_and_ln_stay_within_two_ulps_of_the_platforms() {
        // The platform's functions are within one ulp of the truth on every platform that runs the tests.
        let mut x = -745.0;
        while x < 709.7 {
            assert!(ulps(exp(x), x.exp()) <= 2.0, "exp({x}) = {} not {}", exp(x), x.exp());
            x += 0.037_1;
        }
        let mut x = 1e-300;
        while x < 1e300 {
            assert!(ulps(ln(x), x.ln()) <= 2.0, "ln({x}) = {} not {}", ln(x), x.ln());
            assert!(ulps(ln_ratio(4.0 * x, 4.0), x.ln()) <= 3.0, "ln({x})");
            x *= 1.017;
        }
        for i in 1..2_000 {
            let x = 1.0 + f64::from(i - 1_000) * 1e-5;
            assert!(ulps(ln(x), x.ln()) <= 2.0, "ln({x})");
        }
    }

    #[test]
    fn a_logarithm_beside_one_keeps_its_bound() {
        let rows = include_str!("../tests/accuracy/ln_one_plus.csv").lines().skip(1);
        for row in rows {
            let (x, want) = row.split_once(',').unwrap();
            let (x, want): (f64, f64) = (x.parse().unwrap(), want.parse().unwrap());
            let off = ulps(ln_one_plus(x), want);
            assert!(off <= 2.0, "ln(1 + {x}): {off} ulp");
        }
    }

    #[test]
    fn a_ratio_near_one_keeps_its_logarithm() {
        // ln(1 + e) = e - e^2/2 + e^3/3 - e^4/4, with e = 2^-k exact.
        for k in 14..50 {
            let e = 0.5_f64.powi(k);
            let want = e - e * e / 2.0 + e * e * e / 3.0 - e * e * e * e / 4.0;
            assert!(ulps(ln_ratio(1.5 * (1.0 + e), 1.5), want) <= 2.0, "{k}");
        }
    }

    #[test]
    fn the_ends_are_what_they_should_be() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(800.0), f64::INFINITY);
        assert_eq!(exp(f64::INFINITY), f64::INFINITY);
        assert_eq!(exp(709.7), 709.7_f64.exp());
        assert_eq!(exp(-800.0), 0.0);
        assert_eq!(exp(f64::NEG_INFINITY), 0.0);
        assert!(exp(-745.0) > 0.0);
        assert_eq!(ln(1.0), 0.0);
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert!(ln(-1.0).is_nan() && ln(f64::NAN).is_nan() && exp(f64::NAN).is_nan());
        assert_eq!(ln(f64::INFINITY), f64::INFINITY);
        assert!(ulps(ln(5e-324), 5e-324_f64.ln()) <= 2.0);
    }
}
