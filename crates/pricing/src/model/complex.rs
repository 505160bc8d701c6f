//! Complex numbers, and the circular functions that they need.
//!
//! Sources: the reduction by a pi of three parts is that of W. J. Cody and W. Waite (1980); the polynomials
//! interpolate at Chebyshev points and are our own. Errors, held below against values of 60 digits: sine and cosine
//! 1 ulp of one (2.2e-16) for angles up to 1e6, the angle of a point 3 ulp.
//!
//! Invariant: roots and logarithms take the principal branch.

use core::ops::{Add, Div, Mul, Neg, Sub};

use crate::elementary::{exp, ln_one_plus, polynomial};

const HALF_PI: [f64; 3] = [1.570_796_310_901_641_8, 1.589_325_471_229_585_7e-8, 6.123_233_995_736_766e-17];
const ROUNDER: f64 = 6_755_399_441_055_744.0;
const TAN_EIGHTH_PI: f64 = 0.414_213_562_373_095_03;
/// (sin x / x - 1) / x^2 in powers of x^2.
const SIN_TERMS: [f64; 7] = [
    -0.166_666_666_666_666_66,
    0.008_333_333_333_333_331,
    -0.000_198_412_698_412_650_4,
    2.755_731_921_932_058e-6,
    -2.505_210_622_599_44e-8,
    1.605_853_059_664_595_3e-10,
    -7.586_636_882_825_159e-13,
];
/// (cos x - 1 + x^2 / 2) / x^4 in powers of x^2.
const COS_TERMS: [f64; 7] = [
    0.041_666_666_666_666_664,
    -0.001_388_888_888_888_888_7,
    2.480_158_730_158_463_2e-5,
    -2.755_731_922_139_249e-7,
    2.087_675_578_749_260_4e-9,
    -1.147_046_031_920_951_1e-11,
    4.745_838_412_530_968_5e-14,
];
/// (atan x / x - 1) / x^2 in powers of x^2, up to tan(pi / 8).
const ATAN_TERMS: [f64; 12] = [
    -0.333_333_333_333_333_3,
    0.199_999_999_999_998,
    -0.142_857_142_856_593_26,
    0.111_111_111_051_067_05,
    -0.090_909_087_510_766_36,
    0.076_922_963_049_744_7,
    -0.066_664_236_280_692_58,
    0.058_789_145_444_006_215,
    -0.052_303_478_730_160_745,
    0.045_511_081_263_251_72,
    -0.034_558_092_551_413_795,
    0.016_271_944_751_624_06,
];

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Complex {
    pub re: f64,
    pub im: f64,
}

pub(crate) const fn complex(re: f64, im: f64) -> Complex {
    Complex { re, im }
}

/// Sine and cosine.
pub(crate) fn sin_cos(x: f64) -> (f64, f64) {
    let quarter = (x * core::f64::consts::FRAC_2_PI + ROUNDER) - ROUNDER;
    let r = ((x - quarter * HALF_PI[0]) - quarter * HALF_PI[1]) - quarter * HALF_PI[2];
    let z = r * r;
    let sine = r + r * z * polynomial(&SIN_TERMS, z);
    let cosine = 1.0 - 0.5 * z + z * z * polynomial(&COS_TERMS, z);
    let turn = quarter - 4.0 * ((quarter * 0.25 + ROUNDER) - ROUNDER);
    if turn == 0.0 {
        (sine, cosine)
    } else if turn == 1.0 {
        (cosine, -sine)
    } else if turn == -1.0 {
        (-cosine, sine)
    } else {
        (-sine, -cosine)
    }
}

/// The angle of a point, from -pi to pi.
fn angle(y: f64, x: f64) -> f64 {
    let (small, large) = if y.abs() < x.abs() { (y.abs(), x.abs()) } else { (x.abs(), y.abs()) };
    if large == 0.0 {
        return 0.0;
    }
    // Below tan(pi/8), by the tangent of a difference where needed.
    let ratio = small / large;
    let (t, base) = if ratio > TAN_EIGHTH_PI {
        ((ratio - 1.0) / (ratio + 1.0), core::f64::consts::FRAC_PI_4)
    } else {
        (ratio, 0.0)
    };
    let z = t * t;
    let octant = base + (t + t * z * polynomial(&ATAN_TERMS, z));
    let quadrant = if y.abs() < x.abs() { octant } else { core::f64::consts::FRAC_PI_2 - octant };
    let half = if x < 0.0 { core::f64::consts::PI - quadrant } else { quadrant };
    if y < 0.0 { -half } else { half }
}

impl Complex {
    pub(crate) fn exp(self) -> Self {
        let (sine, cosine) = sin_cos(self.im);
        let size = exp(self.re);
        complex(size * cosine, size * sine)
    }

    /// ln(1 + self), which keeps its precision near zero.
    pub(crate) fn ln_one_plus(self) -> Self {
        let grown = 2.0 * self.re + (self.re * self.re + self.im * self.im);
        complex(0.5 * ln_one_plus(grown), angle(self.im, 1.0 + self.re))
    }

    pub(crate) fn sqrt(self) -> Self {
        let size = (self.re * self.re + self.im * self.im).sqrt();
        let half = (0.5 * (size + self.re.abs())).sqrt();
        if half == 0.0 {
            return Self::default();
        }
        let other = 0.5 * self.im.abs() / half;
        let (re, im) = if self.re < 0.0 { (other, half) } else { (half, other) };
        complex(re, if self.im < 0.0 { -im } else { im })
    }
}

impl Add for Complex {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        complex(self.re + other.re, self.im + other.im)
    }
}

impl Sub for Complex {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        complex(self.re - other.re, self.im - other.im)
    }
}

impl Mul for Complex {
    type Output = Self;
    fn mul(self, other: Self) -> Self {
        complex(self.re * other.re - self.im * other.im, self.re * other.im + self.im * other.re)
    }
}

impl Mul<f64> for Complex {
    type Output = Self;
    fn mul(self, other: f64) -> Self {
        complex(self.re * other, self.im * other)
    }
}

impl Div for Complex {
    type Output = Self;
    fn div(self, other: Self) -> Self {
        let inverse = 1.0 / (other.re * other.re + other.im * other.im);
        self * complex(other.re * inverse, -other.im * inverse)
    }
}

impl Neg for Complex {
    type Output = Self;
    fn neg(self) -> Self {
        complex(-self.re, -self.im)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> impl Iterator<Item = [f64; 3]> + '_ {
        text.lines().skip(1).map(|line| {
            let cells: Vec<f64> = line.split(',').map(|cell| cell.parse().unwrap()).collect();
            cells.try_into().unwrap()
        })
    }

    #[test]
    fn circular_functions_keep_their_bounds() {
        let mut worst = [0.0_f64; 3];
        for [x, sine, cosine] in rows(include_str!("../../tests/accuracy/circular.csv")) {
            let have = sin_cos(x);
            worst[0] = worst[0].max((have.0 - sine).abs() / f64::EPSILON);
            worst[1] = worst[1].max((have.1 - cosine).abs() / f64::EPSILON);
        }
        for [y, x, want] in rows(include_str!("../../tests/accuracy/angle.csv")) {
            let ulp = f64::from_bits(want.abs().to_bits() + 1) - want.abs();
            worst[2] = worst[2].max((angle(y, x) - want).abs() / ulp);
        }
        assert!(worst[0] <= 1.0 && worst[1] <= 1.0 && worst[2] <= 3.0, "sine, cosine, angle: {worst:?} ulp");
    }

    #[test]
    fn circular_functions_stay_near_the_platforms() {
        let mut x = -1000.0;
        while x < 1000.0 {
            let (sine, cosine) = sin_cos(x);
            assert!((sine - x.sin()).abs() < 4e-16 && (cosine - x.cos()).abs() < 4e-16, "{x}");
            let back = angle(sine, cosine);
            assert!((back - x.sin().atan2(x.cos())).abs() < 1e-15, "{x}: {back}");
            x += 0.173;
        }
    }

    #[test]
    fn roots_and_logarithms_are_undone() {
        for (re, im) in [(1.0, 2.0), (-3.0, 0.5), (-3.0, -0.5), (0.2, -7.0), (-1.0, 0.0), (0.0, 2.0)] {
            let z = complex(re, im);
            for back in [z.sqrt() * z.sqrt(), (z - complex(1.0, 0.0)).ln_one_plus().exp(), z * z / z] {
                assert!((back.re - re).abs() < 4e-15 && (back.im - im).abs() < 4e-15, "{z:?} {back:?}");
            }
            assert!(z.sqrt().re >= 0.0);
        }
    }
}
