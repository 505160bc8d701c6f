//! The normal distribution.
//!
//! The tail is a rational function of degree 10 over 11 times the density: our own, an interpolation of the
//! scaled complementary error function at Chebyshev points of [0, infinity), after the idea of W. J. Cody,
//! "Rational Chebyshev Approximations for the Error Function", Mathematics of Computation 23 (1969). All its
//! coefficients are positive, so nothing cancels.
//!
//! Invariant: `cdf(x)` lies in [0, 1]; the lower tail keeps its relative precision down to where a double
//! ends. No branch: what a loop does to many values has the bits of what a call does to one.

use crate::elementary::{exp_sum, ln, polynomial};

const INVERSE_SQRT_2_PI: f64 = 0.398_942_280_401_432_677_94;
/// Clears the low half of a mantissa, so that the square of what stays is exact.
const HEAD_MASK: u64 = 0xffff_ffff_f800_0000;

const TAIL_TOP: [f64; 11] = [
    579_042.551_223_552_3,
    996_981.487_392_691_8,
    847_745.425_197_744_7,
    461_470.995_892_225,
    176_672.531_991_340_02,
    49_526.594_142_026_894,
    10_290.011_256_192_309,
    1_567.972_255_746_637_8,
    168.544_055_863_100_57,
    11.643_977_560_698_644,
    0.398_942_280_401_432_7,
];
const TAIL_BOTTOM: [f64; 12] = [
    1_158_085.102_447_104_6,
    2_917_981.198_123_734_4,
    3_444_660.445_867_852_3,
    2_520_398.854_135_845,
    1_273_312.251_581_810_2,
    467_810.641_977_223_9,
    128_016.710_579_844_51,
    26_213.710_456_788_765,
    3_959.510_713_476_024,
    423.477_295_947_427_14,
    29.187_123_382_816_143,
    1.0,
];

/// The density, to 2 ulp.
#[inline(always)]
pub fn pdf(x: f64) -> f64 {
    INVERSE_SQRT_2_PI * bell(x)
}

/// The probability of a value up to `x`, to 3 ulp.
#[inline(always)]
pub fn cdf(x: f64) -> f64 {
    let size = x.abs();
    let size = if size > 40.0 { 40.0 } else { size };
    let tail = bell(size) * scaled_tail(size);
    if x > 0.0 { 1.0 - tail } else { tail }
}

/// exp(-x^2/2), with x split so that its square is not rounded.
#[inline(always)]
pub(crate) fn bell(x: f64) -> f64 {
    let head = f64::from_bits(x.to_bits() & HEAD_MASK);
    let rest = (x - head) * (x + head);
    exp_sum(-0.5 * head * head, -0.5 * rest)
}

/// cdf(-y) exp(y^2/2) for y from 0 to 1e20; relative error of the approximation 4e-17.
#[inline(always)]
pub(crate) fn scaled_tail(y: f64) -> f64 {
    polynomial(&TAIL_TOP, y) / polynomial(&TAIL_BOTTOM, y)
}

/// Two of them with one division, for y up to 1e12 each.
#[inline(always)]
pub(crate) fn scaled_tails(y: f64, z: f64) -> (f64, f64) {
    let (bottom_y, bottom_z) = (polynomial(&TAIL_BOTTOM, y), polynomial(&TAIL_BOTTOM, z));
    let inverse = 1.0 / (bottom_y * bottom_z);
    (polynomial(&TAIL_TOP, y) * bottom_z * inverse, polynomial(&TAIL_TOP, z) * bottom_y * inverse)
}

/// The value up to which a normal variable lies with probability `p`; minus infinity at 0, infinity at 1, NaN
/// outside. Source of the start: P. J. Acklam's rational approximation (2003), relative error 1.2e-9, which two
/// steps of Halley's method finish: 8 ulp, and within 0.05 of zero an absolute 4e-16.
pub fn inverse_cdf(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p == 0.0 || p == 1.0 {
        return if p == 0.0 { f64::NEG_INFINITY } else { f64::INFINITY };
    }
    // The upper half is the lower one mirrored: 1 - p is exact there.
    let tail = if p > 0.5 { 1.0 - p } else { p };
    let mut x = inverse_start(tail);
    for _ in 0..2 {
        let slip = (cdf(x) - tail) / pdf(x);
        x -= slip / (1.0 + 0.5 * x * slip);
    }
    if p > 0.5 { -x } else { x }
}

/// For p up to one half.
fn inverse_start(p: f64) -> f64 {
    const FAR_TOP: [f64; 6] = [
        2.938_163_982_698_783,
        4.374_664_141_464_968,
        -2.549_732_539_343_734,
        -2.400_758_277_161_838,
        -0.322_396_458_041_136_5,
        -0.007_784_894_002_430_293,
    ];
    const FAR_BOTTOM: [f64; 5] = [
        1.0,
        3.754_408_661_907_416,
        2.445_134_137_142_996,
        0.322_467_129_070_039_8,
        0.007_784_695_709_041_462,
    ];
    const NEAR_TOP: [f64; 6] = [
        2.506_628_277_459_239,
        -30.664_798_066_147_16,
        138.357_751_867_269,
        -275.928_510_446_968_7,
        220.946_098_424_520_5,
        -39.696_830_286_653_76,
    ];
    const NEAR_BOTTOM: [f64; 6] = [
        1.0,
        -13.280_681_552_885_72,
        66.801_311_887_719_72,
        -155.698_979_859_886_6,
        161.585_836_858_040_9,
        -54.476_098_798_224_06,
    ];
    if p < 0.024_25 {
        let q = (-2.0 * ln(p)).sqrt();
        return polynomial(&FAR_TOP, q) / polynomial(&FAR_BOTTOM, q);
    }
    let q = p - 0.5;
    q * polynomial(&NEAR_TOP, q * q) / polynomial(&NEAR_BOTTOM, q * q)
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
            assert!((have / want - 1.0).abs() < 1e-15, "cdf({x}) = {have:e}, not {want:e}");
        }
        assert_eq!(cdf(-60.0), 0.0);
        assert_eq!(cdf(60.0), 1.0);
        assert_eq!(cdf(f64::INFINITY), 1.0);
        assert!(cdf(f64::NAN).is_nan());
    }

    #[test]
    fn the_two_tails_make_one() {
        let mut x = -8.0;
        while x < 8.0 {
            assert!((cdf(x) + cdf(-x) - 1.0).abs() < 3e-16, "{x}");
            x += 0.003;
        }
    }

    #[test]
    fn the_inverse_undoes_the_distribution() {
        for (p, want) in [(0.5, 0.0), (0.975, 1.959_963_984_540_054), (0.01, -2.326_347_874_040_841)] {
            assert!((inverse_cdf(p) - want).abs() <= 1e-15 * want.abs(), "{p}: {}", inverse_cdf(p));
        }
        for (p, want) in [(1e-300, -37.047_096_299_361_2), (1e-20, -9.262_340_089_798_408)] {
            let have = inverse_cdf(p);
            assert!((have / want - 1.0).abs() < 1e-15, "{p}: {have}");
        }
        assert_eq!(inverse_cdf(0.0), f64::NEG_INFINITY);
        assert_eq!(inverse_cdf(1.0), f64::INFINITY);
        assert!(inverse_cdf(-0.1).is_nan() && inverse_cdf(f64::NAN).is_nan());
    }
}
