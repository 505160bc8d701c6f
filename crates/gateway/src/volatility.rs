//! The volatility index of an underlying: what the marks of its options say of the next thirty days.
//!
//! Invariant: it follows from the state that the commits made, like every mark it is made of.
//! Left out on purpose: the wings. The venue's index is of a whole strip of options; this one is at the money.

use std::collections::BTreeMap;

use num::{Cash, DAY_MS, Fix};

use crate::{
    model::{Instrument, Kind},
    view::View,
};

const SPAN_MS: u64 = 30 * DAY_MS;
const YEAR: f64 = num::YEAR_MS as f64;

/// What the history of an underlying's volatility is kept under, beside that of its prices.
pub(crate) fn series_name(underlying: &str) -> String {
    format!("{underlying} volatility")
}

impl View {
    /// Percent a year over the next thirty days, in millionths as money is: total variance at the money, linear in time
    /// between the expiries around it; beyond the first and the last the volatility of that one. `None` without options.
    pub fn volatility_index(&self, underlying: &str) -> Option<Cash> {
        let mut nearest: BTreeMap<u64, (u64, Fix)> = BTreeMap::new();
        let options = self.instruments().iter().filter(|it| it.underlying == underlying && it.is_active());
        for (expiry_ms, distance, volatility) in options.filter_map(|it| self.at_strike(it)) {
            let found = nearest.entry(expiry_ms).or_insert((distance, volatility));
            if distance < found.0 {
                *found = (distance, volatility);
            }
        }
        let now_ms = self.now_ms();
        let point = |(expiry_ms, (_, volatility)): (u64, (u64, Fix))| {
            let span = expiry_ms.checked_sub(now_ms).filter(|span| *span > 0)?;
            let volatility = volatility.raw() as f64 / Fix::SCALE as f64;
            Some((span as f64 / YEAR, volatility * volatility * span as f64 / YEAR))
        };
        let points: Vec<(f64, f64)> = nearest.into_iter().filter_map(point).collect();
        let variance = at(&points, SPAN_MS as f64 / YEAR)?;
        Some(Cash::from_micros((variance.sqrt() * 100.0 * 1e6).round() as i64))
    }

    /// Expiry, distance of the strike from the forward, and volatility of a European option.
    fn at_strike(&self, it: &Instrument) -> Option<(u64, u64, Fix)> {
        let Kind::Option { strike, .. } = it.kind else { return None };
        let valuation = self.state.instrument(it.id)?.valuation.as_ref()?;
        let distance = strike.micros().abs_diff(valuation.forward.micros());
        Some((it.expiry_ms?, distance, valuation.volatility?))
    }
}

/// The variance a year at a time, of total variances by rising time.
fn at(points: &[(f64, f64)], time: f64) -> Option<f64> {
    let after = points.iter().position(|(t, _)| *t >= time).unwrap_or(points.len());
    let (first, last) = (points.get(after.checked_sub(1).unwrap_or(after)), points.get(after));
    let total = match (first, last) {
        (Some((from, low)), Some((to, high))) if to > from => {
            low + (high - low) * (time - from) / (to - from)
        }
        (Some((t, total)), _) | (None, Some((t, total))) => total / t * time,
        (None, None) => return None,
    };
    Some(total / time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variance_is_linear_between_expiries_and_flat_beyond_them() {
        // Half a volatility for a month, one for three.
        let points = [(0.1, 0.25 * 0.1), (0.3, 0.3)];
        let near =
            |have: Option<f64>, want: f64| assert!((have.unwrap() - want).abs() < 1e-12, "{have:?} {want}");
        near(at(&points, 0.05), 0.25);
        near(at(&points, 0.1), 0.25);
        near(at(&points, 0.2), (0.025 + 0.3) / 2.0 / 0.2);
        near(at(&points, 1.0), 1.0);
        near(at(&points[..1], 0.2), 0.25);
        assert_eq!(at(&[], 0.2), None);
    }
}
