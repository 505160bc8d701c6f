//! How far the scenarios of a margin grid should reach, from realised returns: governance's formula.
//!
//! Source: the expected shortfall beyond a level as the measure of a margin is that of the Basel Committee's "Minimum
//! capital requirements for market risk" (2019), which also scales it by the root of the days that it is for.
//!
//! Invariant: the same returns give the same integer on every machine. A range is rounded up, so against the account,
//! and never leaves its floor and ceiling; it grows with factor, days and floor.

use num::Fix;

use super::loss::{Moments, historical, parametric};
use crate::{
    border::{from_fix, to_step_above},
    domain::{DomainError, Need},
};

const DAYS: Need = Need { min: 1.0, max: 30.0 };
const FACTOR: Need = Need { min: 1.0, max: 10.0 };
/// Ranges are whole hundredths of a percent, so that nobody argues about digits.
const STEP: Fix = Fix::from_raw(Fix::SCALE / 10_000);

/// What governance has decided about ranges.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScanFormula {
    /// The part of days on which prices move less than the measure.
    pub level: f64,
    /// Days that closing a position may take.
    pub days: f64,
    pub factor: f64,
    pub floor: Fix,
    pub ceiling: Fix,
}

/// A range, and what it was made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ScanRange {
    /// The expected move of one day beyond the level, either way.
    pub measured: f64,
    pub range: Fix,
}

impl ScanFormula {
    /// max(floor, factor sqrt(days) E), at most the ceiling, for daily returns: E is the largest of four expected
    /// shortfalls, of falls and of rises, of history and of a normal distribution with its moments.
    pub fn range(&self, returns: &[f64]) -> Result<ScanRange, DomainError> {
        let (days, factor) = (DAYS.check("days", self.days)?, FACTOR.check("factor", self.factor)?);
        Need { min: 0.0, max: from_fix(self.ceiling) }.check("floor", from_fix(self.floor))?;
        let falls: Vec<f64> = returns.iter().map(|it| -it).collect();
        let measured = self.shortfall(returns)?.max(self.shortfall(&falls)?);
        let range = to_step_above(factor * days.sqrt() * measured, STEP);
        Ok(ScanRange { measured, range: range.min(self.ceiling).max(self.floor) })
    }

    /// Beyond the level, by history or by moments, whichever is more.
    fn shortfall(&self, losses: &[f64]) -> Result<f64, DomainError> {
        let past = historical(losses, self.level)?.cvar;
        let shape = parametric(&Moments::of(losses)?, self.level)?.cvar;
        Ok(past.max(shape))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORMULA: ScanFormula = ScanFormula {
        level: 0.95,
        days: 1.0,
        factor: 1.0,
        floor: Fix::from_raw(10_000_000),
        ceiling: Fix::from_raw(300_000_000),
    };

    /// Forty days of a percent either way, and a last one.
    fn days(last: f64) -> Vec<f64> {
        (0..40).map(|day| if day % 2 == 0 { 0.01 } else { -0.01 }).chain([last]).collect()
    }

    #[test]
    fn a_fall_and_a_rise_count_alike_and_the_range_is_rounded_up() {
        // 2.05 of 41 days are beyond: the worst, another of one percent, and a twentieth of a third.
        let want = (0.2 + 0.01 + 0.05 * 0.01) / 2.05;
        for last in [0.2, -0.2] {
            let it = FORMULA.range(&days(last)).unwrap();
            assert!((it.measured - want).abs() < 1e-15, "{it:?}");
            assert_eq!(it.range.raw(), 102_700_000, "0.102682... and up");
        }
    }

    #[test]
    fn days_and_factor_widen_it_between_floor_and_ceiling() {
        let of = |it: ScanFormula, last: f64| it.range(&days(last)).unwrap().range.raw();
        assert_eq!(of(ScanFormula { days: 4.0, ..FORMULA }, 0.2), 205_400_000);
        assert_eq!(of(ScanFormula { factor: 2.0, ..FORMULA }, 0.2), 205_400_000);
        assert_eq!(of(ScanFormula { days: 16.0, ..FORMULA }, 0.2), 300_000_000, "the ceiling");
        let still = FORMULA.range(&[0.0; 40]).unwrap();
        assert_eq!((still.measured, still.range), (0.0, FORMULA.floor));
        let calm = ScanFormula { floor: Fix::from_raw(150_000_000), ..FORMULA };
        assert_eq!(of(calm, 0.2), 150_000_000);
        // Quiet days have a normal shortfall above that of history.
        let quiet = FORMULA.range(&days(0.0)).unwrap();
        assert!(quiet.measured > 0.01, "{quiet:?}");
    }

    #[test]
    fn what_is_no_formula_or_no_history_is_refused_by_name() {
        let of = |it: ScanFormula, returns: &[f64]| it.range(returns).unwrap_err().field;
        let fine = days(0.1);
        assert_eq!(of(ScanFormula { level: 0.2, ..FORMULA }, &fine), "level");
        assert_eq!(of(ScanFormula { level: f64::NAN, ..FORMULA }, &fine), "level");
        assert_eq!(of(ScanFormula { days: 0.5, ..FORMULA }, &fine), "days");
        assert_eq!(of(ScanFormula { factor: f64::INFINITY, ..FORMULA }, &fine), "factor");
        assert_eq!(of(ScanFormula { floor: Fix::ONE, ..FORMULA }, &fine), "floor");
        assert_eq!(of(FORMULA, &[0.1]), "number of losses");
        assert_eq!(of(FORMULA, &[0.1, f64::NAN]), "loss");
    }
}
