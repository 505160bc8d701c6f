//! Division of integers with the rounding in the name.
//!
//! Invariant: the divisor is positive; a caller who cannot promise that gets `None`.

use crate::Fix;

/// `Fix::SCALE`, as wide as what is divided by it. (`i128::from` is not for constants.)
const SCALE: i128 = 1_000_000_000;

/// Where a quotient that is not whole goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rounding {
    /// Toward minus infinity.
    Floor,
    /// Toward plus infinity.
    Ceil,
    /// To the nearest, ties to the even neighbour.
    HalfEven,
}

/// Greatest integer not above `numerator / divisor`; `None` unless `divisor > 0`.
pub fn div_floor(numerator: i128, divisor: i128) -> Option<i128> {
    if divisor <= 0 {
        return None;
    }
    // Nearly always both have 64 bits, where a division is several times faster.
    let narrow = i64::try_from(numerator).ok().zip(i64::try_from(divisor).ok());
    Some(narrow.map_or_else(
        || numerator.div_euclid(divisor),
        |(numerator, divisor)| numerator.div_euclid(divisor).into(),
    ))
}

/// Least integer not below `numerator / divisor`; `None` unless `divisor > 0`.
pub fn div_ceil(numerator: i128, divisor: i128) -> Option<i128> {
    let floor = div_floor(numerator, divisor)?;
    Some(floor + i128::from(floor.wrapping_mul(divisor) != numerator))
}

/// The nearest integer to `numerator / divisor`, ties to even; `None` unless `divisor > 0`.
pub fn div_half_even(numerator: i128, divisor: i128) -> Option<i128> {
    let floor = div_floor(numerator, divisor)?;
    let rest = numerator.wrapping_sub(floor.wrapping_mul(divisor));
    let up = rest > divisor - rest || (rest == divisor - rest && floor.rem_euclid(2) == 1);
    Some(if up { floor + 1 } else { floor })
}

/// The quotient when it is whole; `None` otherwise or unless `divisor > 0`.
pub fn div_exact(numerator: i128, divisor: i128) -> Option<i128> {
    let floor = div_floor(numerator, divisor)?;
    (floor.wrapping_mul(divisor) == numerator).then_some(floor)
}

/// `numerator / divisor` in the given rounding; `None` unless `divisor > 0`.
pub fn div_round(numerator: i128, divisor: i128, rounding: Rounding) -> Option<i128> {
    match rounding {
        Rounding::Floor => div_floor(numerator, divisor),
        Rounding::Ceil => div_ceil(numerator, divisor),
        Rounding::HalfEven => div_half_even(numerator, divisor),
    }
}

/// Billionths to whole in the given rounding: the division that is made most.
pub fn div_scale(billionths: i128, rounding: Rounding) -> i128 {
    let (floor, rest) = split_scale(billionths);
    let up = match rounding {
        Rounding::Floor => false,
        Rounding::Ceil => rest > 0,
        Rounding::HalfEven => rest > SCALE / 2 || (rest == SCALE / 2 && floor.rem_euclid(2) == 1),
    };
    floor + i128::from(up)
}

/// Whole, and the billionths that are left. A billion is 2^9 times 5^9: what 72 bits hold has 64 after a shift, and
/// those are divided by a constant without a division.
fn split_scale(billionths: i128) -> (i128, i128) {
    const SHIFT: u32 = 9;
    const STEP: i64 = Fix::SCALE >> SHIFT;
    match i64::try_from(billionths >> SHIFT) {
        Ok(steps) => {
            let (whole, left) = (steps.div_euclid(STEP), steps.rem_euclid(STEP));
            (whole.into(), (i128::from(left) << SHIFT) + (billionths & ((1 << SHIFT) - 1)))
        }
        Err(_) => (billionths.div_euclid(SCALE), billionths.rem_euclid(SCALE)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rounding_keeps_its_inequality_on_the_small_domain() {
        for numerator in -60i128..=60 {
            for divisor in 1i128..=13 {
                let floor = div_floor(numerator, divisor).unwrap();
                let ceil = div_ceil(numerator, divisor).unwrap();
                let even = div_half_even(numerator, divisor).unwrap();
                assert!(floor * divisor <= numerator && numerator < (floor + 1) * divisor);
                assert!(ceil * divisor >= numerator && numerator > (ceil - 1) * divisor);
                let distance = (even * divisor - numerator).abs() * 2;
                assert!(distance < divisor || (distance == divisor && even % 2 == 0));
                assert_eq!(div_exact(numerator, divisor).is_some(), floor == ceil);
            }
        }
    }

    /// Halfway and whole, and one beside each, from small amounts to the ends of 128 bits.
    #[test]
    fn a_division_by_the_scale_is_a_division_by_a_billion() {
        let large = (0..98).map(|bits| 1i128 << bits).chain([i128::MAX / SCALE - 1]);
        for whole in large.flat_map(|whole| [-whole, 0, whole]) {
            for rest in [0, 1, SCALE / 2 - 1, SCALE / 2, SCALE / 2 + 1, SCALE - 1] {
                let numerator = whole * SCALE + rest;
                assert_eq!(div_scale(numerator, Rounding::Floor), whole);
                assert_eq!(div_scale(numerator, Rounding::Ceil), whole + i128::from(rest > 0));
                let even = div_half_even(numerator, SCALE).unwrap();
                assert_eq!(div_scale(numerator, Rounding::HalfEven), even);
                assert!((even * SCALE - numerator).abs() <= SCALE / 2);
            }
        }
        for end in [i128::MIN, i128::MAX] {
            assert_eq!(Some(div_scale(end, Rounding::Floor)), div_floor(end, SCALE));
            assert_eq!(Some(div_scale(end, Rounding::Ceil)), div_ceil(end, SCALE));
        }
    }

    #[test]
    fn a_divisor_that_is_not_positive_has_no_quotient() {
        for divisor in [-1, 0] {
            assert_eq!(div_floor(1, divisor), None);
            assert_eq!(div_ceil(1, divisor), None);
            assert_eq!(div_half_even(1, divisor), None);
            assert_eq!(div_exact(1, divisor), None);
        }
    }
}
