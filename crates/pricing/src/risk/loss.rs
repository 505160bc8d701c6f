//! Value at risk of a sample of losses.
//!
//! Sources: the two quantiles are numpy's `linear` and `higher`; the expected shortfall with its fractional last loss is
//! that of C. Acerbi and D. Tasche, Journal of Banking and Finance 26 (2002); the expansion is that of E. Cornish and
//! R. Fisher (1937), as in J. Zangari, RiskMetrics Monitor (1996).
//!
//! Invariant: sums run in the order of the sample, so the same sample gives the same bits.

use crate::{
    domain::{DomainError, Need},
    normal::{inverse_cdf, pdf},
};

pub(crate) const LEVEL: Need = Need { min: 0.5, max: 0.999_999 };

/// From a sample alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Historical {
    /// Interpolated between the two losses around the level.
    pub var_linear: f64,
    /// The larger of the two.
    pub var_higher: f64,
    /// The average of the losses beyond.
    pub cvar: f64,
}

/// From the moments of a sample, as if it were normal, or nearly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Parametric {
    pub var: f64,
    pub cvar: f64,
    pub var_cornish_fisher: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moments {
    pub mean: f64,
    /// Of a sample: divided by one less than its size.
    pub deviation: f64,
    /// Of a population.
    pub skewness: f64,
    pub excess_kurtosis: f64,
}

impl Moments {
    /// Of at least two numbers; without any spread the shape is that of the normal distribution.
    pub fn of(sample: &[f64]) -> Result<Self, DomainError> {
        let count = size(sample)?;
        let mean = sample.iter().sum::<f64>() / count;
        let (mut second, mut third, mut fourth) = (0.0, 0.0, 0.0);
        for it in sample {
            let off = it - mean;
            let square = off * off;
            second += square;
            third += square * off;
            fourth += square * square;
        }
        let variance = second / count;
        let (skewness, excess_kurtosis) = if variance > 0.0 {
            (third / count / (variance * variance.sqrt()), fourth / count / (variance * variance) - 3.0)
        } else {
            (0.0, 0.0)
        };
        Ok(Self { mean, deviation: (second / (count - 1.0)).sqrt(), skewness, excess_kurtosis })
    }
}

/// The sample as it is, at least two losses.
pub fn historical(losses: &[f64], level: f64) -> Result<Historical, DomainError> {
    let count = size(losses)?;
    LEVEL.check("level", level)?;
    let mut sorted = losses.to_vec();
    sorted.sort_by(|one, two| two.total_cmp(one));
    // Counted from the largest loss: (n - 1)(1 - level) losses lie beyond.
    let (linear, higher) = {
        let place = (count - 1.0) * level;
        let (low, part) = (place.floor(), place - place.floor());
        let (below, above) = (ascending(&sorted, low), ascending(&sorted, place.ceil()));
        (below + (above - below) * part, above)
    };
    let tail = count * (1.0 - level);
    let (mut left, mut sum) = (tail, 0.0);
    for loss in &sorted {
        let weight = left.min(1.0);
        if weight <= 0.0 {
            break;
        }
        sum += weight * loss;
        left -= weight;
    }
    Ok(Historical { var_linear: linear, var_higher: higher, cvar: sum / tail })
}

/// A normal distribution with these moments, and its correction for skewness and kurtosis.
pub fn parametric(moments: &Moments, level: f64) -> Result<Parametric, DomainError> {
    LEVEL.check("level", level)?;
    let Moments { mean, deviation, skewness: s, excess_kurtosis: k } = *moments;
    let z = inverse_cdf(level);
    let bent = z + (z * z - 1.0) * s / 6.0 + (z * z * z - 3.0 * z) * k / 24.0
        - (2.0 * z * z * z - 5.0 * z) * s * s / 36.0;
    Ok(Parametric {
        var: mean + z * deviation,
        cvar: mean + deviation * pdf(z) / (1.0 - level),
        var_cornish_fisher: mean + bent * deviation,
    })
}

/// The loss at a place from the smallest; `descending` is sorted from the largest.
fn ascending(descending: &[f64], place: f64) -> f64 {
    let found = descending.iter().rev().zip(0_u32..).find(|(_, index)| f64::from(*index) >= place);
    found.map_or_else(|| descending.first().copied().unwrap_or(0.0), |(loss, _)| *loss)
}

/// How many, of at least two finite numbers.
fn size(sample: &[f64]) -> Result<f64, DomainError> {
    for it in sample {
        Need { min: f64::MIN, max: f64::MAX }.check("loss", *it)?;
    }
    let count = f64::from(u32::try_from(sample.len()).unwrap_or(u32::MAX));
    Need { min: 2.0, max: 1e9 }.check("number of losses", count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_a_hundred_days_are_averaged_with_their_fraction() {
        let losses: Vec<f64> = (1..=100).map(f64::from).collect();
        let it = historical(&losses, 0.975).unwrap();
        assert!((it.var_linear - 97.525).abs() < 1e-12);
        assert_eq!(it.var_higher, 98.0);
        assert!((it.cvar - (100.0 + 99.0 + 0.5 * 98.0) / 2.5).abs() < 1e-12, "{}", it.cvar);
    }

    #[test]
    fn a_normal_shape_needs_no_correction() {
        let moments = Moments { mean: 1.0, deviation: 2.0, skewness: 0.0, excess_kurtosis: 0.0 };
        let it = parametric(&moments, 0.975).unwrap();
        assert!((it.var - (1.0 + 2.0 * 1.959_963_984_540_054)).abs() < 1e-12);
        assert_eq!(it.var.to_bits(), it.var_cornish_fisher.to_bits());
        assert!(it.cvar > it.var);
    }

    #[test]
    fn what_is_no_sample_is_refused() {
        assert_eq!(historical(&[1.0], 0.99).unwrap_err().field, "number of losses");
        assert_eq!(historical(&[1.0, f64::NAN], 0.99).unwrap_err().field, "loss");
        assert_eq!(historical(&[1.0, 2.0], 0.2).unwrap_err().field, "level");
        assert!(Moments::of(&[]).is_err());
    }
}
