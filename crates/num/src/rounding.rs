//! Division of integers with the rounding in the name.
//!
//! Invariant: the divisor is positive; a caller who cannot promise that gets `None`.

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
pub const fn div_floor(numerator: i128, divisor: i128) -> Option<i128> {
    if divisor <= 0 {
        return None;
    }
    Some(numerator.div_euclid(divisor))
}

/// Least integer not below `numerator / divisor`; `None` unless `divisor > 0`.
pub const fn div_ceil(numerator: i128, divisor: i128) -> Option<i128> {
    if divisor <= 0 {
        return None;
    }
    let floor = numerator.div_euclid(divisor);
    Some(if numerator.rem_euclid(divisor) == 0 { floor } else { floor + 1 })
}

/// The nearest integer to `numerator / divisor`, ties to even; `None` unless `divisor > 0`.
pub const fn div_half_even(numerator: i128, divisor: i128) -> Option<i128> {
    if divisor <= 0 {
        return None;
    }
    let floor = numerator.div_euclid(divisor);
    let rest = numerator.rem_euclid(divisor);
    let up = rest > divisor - rest || (rest == divisor - rest && floor.rem_euclid(2) == 1);
    Some(if up { floor + 1 } else { floor })
}

/// The quotient when it is whole; `None` otherwise or unless `divisor > 0`.
pub const fn div_exact(numerator: i128, divisor: i128) -> Option<i128> {
    if divisor <= 0 || numerator.rem_euclid(divisor) != 0 {
        return None;
    }
    Some(numerator.div_euclid(divisor))
}

/// `numerator / divisor` in the given rounding; `None` unless `divisor > 0`.
pub const fn div_round(numerator: i128, divisor: i128, rounding: Rounding) -> Option<i128> {
    match rounding {
        Rounding::Floor => div_floor(numerator, divisor),
        Rounding::Ceil => div_ceil(numerator, divisor),
        Rounding::HalfEven => div_half_even(numerator, divisor),
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
