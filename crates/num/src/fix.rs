//! The one fixed-point type: nine decimals, for rates, volatilities, ratios, strikes' moneyness and
//! sensitivities.
//!
//! Invariant: one scale everywhere, so that two `Fix` can always be added and compared.

use crate::{Rounding, checked::checked_sums, div_round, div_scale};

/// A dimensionless or annualised quantity in billionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fix(i64);

checked_sums!(Fix);

impl Fix {
    pub const ZERO: Self = Self(0);
    pub const ONE: Self = Self(Self::SCALE);
    /// Billionths in one.
    pub const SCALE: i64 = 1_000_000_000;

    pub const fn from_raw(billionths: i64) -> Self {
        Self(billionths)
    }

    pub const fn raw(self) -> i64 {
        self.0
    }

    /// The product in the given rounding; `None` on overflow.
    #[must_use]
    pub fn mul(self, other: Self, rounding: Rounding) -> Option<Self> {
        let product = i128::from(self.0) * i128::from(other.0);
        i64::try_from(div_scale(product, rounding)).ok().map(Self)
    }

    /// `numerator / divisor` as a ratio; `None` on overflow or unless `divisor > 0`.
    pub fn ratio(numerator: i64, divisor: i64, rounding: Rounding) -> Option<Self> {
        let scaled = i128::from(numerator) * i128::from(Self::SCALE);
        i64::try_from(div_round(scaled, i128::from(divisor), rounding)?).ok().map(Self)
    }
}

impl core::fmt::Display for Fix {
    /// Decimal with nine places: `0.550000000`.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let scale = Self::SCALE.unsigned_abs();
        let raw = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:09}", raw / scale, raw % scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_times_its_divisor_is_the_numerator_up_to_the_named_rounding() {
        for numerator in -50..=50 {
            for divisor in 1..=17 {
                let low = Fix::ratio(numerator, divisor, Rounding::Floor).unwrap();
                let high = Fix::ratio(numerator, divisor, Rounding::Ceil).unwrap();
                assert!(low.raw() * divisor <= numerator * Fix::SCALE);
                assert!(high.raw() * divisor >= numerator * Fix::SCALE);
                assert!(high.raw() - low.raw() <= 1);
            }
        }
    }

    #[test]
    fn products_that_do_not_fit_are_none() {
        let large = Fix::from_raw(i64::MAX);
        assert_eq!(large.mul(large, Rounding::Floor), None);
        assert_eq!(large.mul(Fix::ONE, Rounding::Floor), Some(large));
        assert_eq!(Fix::ratio(i64::MAX, 1, Rounding::Floor), None);
    }
}
