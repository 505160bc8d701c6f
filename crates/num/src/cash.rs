//! Money in its smallest unit: one millionth of a USDC.
//!
//! Invariant: sums are checked; a sum that does not fit is `None`, never a wrong amount.

use crate::{Fix, Rounding, checked::checked_sums, div_round, div_scale};

/// An amount of USDC in millionths; signed, so that a loss is a value too.
/// Also used for a price per one whole unit of an underlying or contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cash(i64);

checked_sums!(Cash);

impl Cash {
    pub const ZERO: Self = Self(0);
    pub const MAX: Self = Self(i64::MAX);
    pub const MIN: Self = Self(i64::MIN);
    /// Millionths in one USDC.
    pub const SCALE: i64 = 1_000_000;

    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Whole USDC; `None` on overflow.
    pub const fn from_whole(usdc: i64) -> Option<Self> {
        match usdc.checked_mul(Self::SCALE) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub const fn checked_neg(self) -> Option<Self> {
        match self.0.checked_neg() {
            Some(negated) => Some(Self(negated)),
            None => None,
        }
    }

    /// `self * ratio` in the given rounding; `None` on overflow.
    #[must_use]
    pub fn scale(self, ratio: Fix, rounding: Rounding) -> Option<Self> {
        let product = i128::from(self.0).checked_mul(i128::from(ratio.raw()))?;
        Self::from_i128(div_scale(product, rounding))
    }

    /// `self * numerator / divisor` in the given rounding; `None` on overflow or unless `divisor > 0`.
    #[must_use]
    pub fn mul_div(self, numerator: i64, divisor: i64, rounding: Rounding) -> Option<Self> {
        let product = i128::from(self.0).checked_mul(i128::from(numerator))?;
        Self::from_i128(div_round(product, i128::from(divisor), rounding)?)
    }

    /// The amount when it fits; for sums that were taken in `i128`.
    pub fn from_i128(micros: i128) -> Option<Self> {
        i64::try_from(micros).ok().map(Self)
    }
}

impl core::fmt::Display for Cash {
    /// Decimal USDC with six places: `-12.345678`.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let scale = Self::SCALE.unsigned_abs();
        let micros = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:06}", micros / scale, micros % scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overflow_is_none_and_never_wraps() {
        assert_eq!(Cash::MAX.checked_add(Cash::from_micros(1)), None);
        assert_eq!(Cash::MIN.checked_sub(Cash::from_micros(1)), None);
        assert_eq!(Cash::MIN.checked_neg(), None);
        assert_eq!(Cash::MAX.scale(Fix::from_raw(2 * Fix::SCALE), Rounding::Floor), None);
        assert_eq!(Cash::from_whole(i64::MAX), None);
    }

    #[test]
    fn display_shows_six_places_and_the_sign_of_small_amounts() {
        assert_eq!(Cash::from_micros(-1).to_string(), "-0.000001");
        assert_eq!(Cash::from_micros(12_345_678).to_string(), "12.345678");
        assert_eq!(Cash::MIN.to_string(), "-9223372036854.775808");
    }

    #[test]
    fn scaling_rounds_the_way_it_is_told() {
        let third = Fix::from_raw(Fix::SCALE / 3);
        let one = Cash::from_micros(10);
        assert_eq!(one.scale(third, Rounding::Floor), Some(Cash::from_micros(3)));
        assert_eq!(one.scale(third, Rounding::Ceil), Some(Cash::from_micros(4)));
        assert_eq!(one.mul_div(1, 4, Rounding::HalfEven), Some(Cash::from_micros(2)));
    }
}
