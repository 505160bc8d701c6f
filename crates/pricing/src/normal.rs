//! The normal distribution.
//!
//! Source of the rational approximations: W. J. Cody, "Rational Chebyshev Approximations for the Error
//! Function", Mathematics of Computation 23 (1969). Relative error of the tails a few ulp.
//!
//! Invariant: `cdf(x)` lies in [0, 1]; the lower tail keeps its relative precision down to where a double
//! ends.

use crate::elementary::exp;

const INVERSE_SQRT_2: f64 = core::f64::consts::FRAC_1_SQRT_2;
const INVERSE_SQRT_2_PI: f64 = 0.398_942_280_401_432_677_94;
const INVERSE_SQRT_PI: f64 = 0.564_189_583_547_756_286_95;

/// The density.
pub fn pdf(x: f64) -> f64 {
    INVERSE_SQRT_2_PI * exp_minus_square(x * INVERSE_SQRT_2, x)
}

/// The probability of a value up to `x`.
pub fn cdf(x: f64) -> f64 {
    let y = x * INVERSE_SQRT_2;
    if y.abs() <= 0.468_75 { 0.5 + 0.5 * erf_small(y) } else { 0.5 * erfc(-y, -x) }
}

/// exp(-x^2/2), with x split so that its square is exact; `y` is x over the root of two.
fn exp_minus_square(y: f64, x: f64) -> f64 {
    if y.abs() > 27.5 {
        return 0.0;
    }
    let head = (x * 16.0).round_ties_even() / 16.0;
    let rest = (x - head) * (x + head);
    exp(-0.5 * head * head) * exp(-0.5 * rest)
}

/// erf for |y| up to 0.46875.
fn erf_small(y: f64) -> f64 {
    let z = y * y;
    let top = ((((0.185_777_706_184_603_153 * z + 3.161_123_743_870_565_6) * z + 113.864_154_151_050_156)
        * z
        + 377.485_237_685_302_021)
        * z)
        + 3_209.377_589_138_469_47;
    let bottom =
        ((((z + 23.601_290_952_344_120_9) * z + 244.024_637_934_444_173) * z + 1_282.616_526_077_372_28) * z)
            + 2_844.236_833_439_170_62;
    y * top / bottom
}

/// erfc for |y| above 0.46875; `x` is y times the root of two.
fn erfc(y: f64, x: f64) -> f64 {
    let size = y.abs();
    let tail = if size <= 4.0 { erfc_middle(size) } else { erfc_far(size) };
    let tail = tail * exp_minus_square(y, x);
    if y < 0.0 { 2.0 - tail } else { tail }
}

/// erfc(y) exp(y^2) for y in [0.46875, 4].
fn erfc_middle(y: f64) -> f64 {
    const TOP: [f64; 7] = [
        0.564_188_496_988_670_089,
        8.883_149_794_388_375_94,
        66.119_190_637_141_629_5,
        298.635_138_197_400_131,
        881.952_221_241_769_09,
        1_712.047_612_634_070_58,
        2_051.078_377_826_071_47,
    ];
    const BOTTOM: [f64; 7] = [
        15.744_926_110_709_834_7,
        117.693_950_891_312_499,
        537.181_101_862_009_858,
        1_621.389_574_566_690_19,
        3_290.799_235_733_459_63,
        4_362.619_090_143_247_16,
        3_439.367_674_143_721_64,
    ];
    let top = TOP.iter().fold(2.153_115_354_744_038_46e-8 * y, |sum, term| (sum + term) * y)
        + 1_230.339_354_797_997_25;
    let bottom = BOTTOM.iter().fold(y, |sum, term| (sum + term) * y) + 1_230.339_354_803_749_42;
    top / bottom
}

/// erfc(y) exp(y^2) for y above 4.
fn erfc_far(y: f64) -> f64 {
    const TOP: [f64; 4] = [
        0.305_326_634_961_232_344,
        0.360_344_899_949_804_439,
        0.125_781_726_111_229_246,
        0.016_083_785_148_742_276_6,
    ];
    const BOTTOM: [f64; 4] = [
        2.568_520_192_289_822_42,
        1.872_952_849_923_467_25,
        0.527_905_102_951_428_412,
        0.060_518_341_312_441_319_1,
    ];
    let z = 1.0 / (y * y);
    let top = TOP.iter().fold(0.016_315_387_137_302_097_8 * z, |sum, term| (sum + term) * z)
        + 6.587_491_615_298_378_03e-4;
    let bottom = BOTTOM.iter().fold(z, |sum, term| (sum + term) * z) + 0.002_335_204_976_268_691_85;
    (INVERSE_SQRT_PI - z * top / bottom) / y
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values_hold_in_the_middle_and_in_the_tails() {
        // mpmath, 40 digits.
        for (x, want) in [
            (0.0, 0.5),
            (0.5, 0.691_462_461_274_013_1),
            (1.0, 0.841_344_746_068_542_9),
            (-1.0, 0.158_655_253_931_457_05),
            (-2.0, 0.022_750_131_948_179_21),
            (-5.0, 2.866_515_718_791_939_4e-7),
            (-6.0, 9.865_876_450_376_98e-10),
            (-10.0, 7.619_853_024_160_527e-24),
            (-20.0, 2.753_624_118_606_233_5e-89),
            (-37.0, 5.725_571_222_524_577e-300),
            (3.0, 0.998_650_101_968_369_9),
        ] {
            let have = cdf(x);
            assert!((have / want - 1.0).abs() < 4e-15, "cdf({x}) = {have:e}, not {want:e}");
        }
        assert_eq!(cdf(-60.0), 0.0);
        assert_eq!(cdf(60.0), 1.0);
    }

    #[test]
    fn the_two_tails_make_one() {
        let mut x = -8.0;
        while x < 8.0 {
            assert!((cdf(x) + cdf(-x) - 1.0).abs() < 3e-16, "{x}");
            x += 0.003;
        }
    }
}
