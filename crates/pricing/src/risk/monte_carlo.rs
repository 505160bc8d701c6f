//! Losses under jointly normal returns, sampled with a low-discrepancy sequence.
//!
//! Source: P. L'Ecuyer and C. Lemieux, "Recent Advances in Randomized Quasi-Monte Carlo Methods" (2002): replicates
//! of one sequence with independent digital shifts give an estimate and its error. Returns are m + L z with L the
//! Cholesky factor of the covariance and z normal by inversion.
//!
//! Invariant: no randomness from outside: the shifts come from a stated seed, so the same question has the same answer.

use super::{
    loss::{Historical, historical},
    portfolio::Portfolio,
    sobol::{DIMENSIONS_MAX, Sobol},
};
use crate::{
    domain::{DomainError, Need},
    normal::inverse_cdf,
};

const REPLICATES: u32 = 8;
const SEED: u64 = 0x636c_6f63_6b6c_6573;

/// Jointly normal returns of one day.
#[derive(Clone, Debug, PartialEq)]
pub struct Normal {
    mean: Vec<f64>,
    /// The lower triangle L with L L' = covariance, row by row.
    factor: Vec<Vec<f64>>,
}

/// What sampling says, with standard errors.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampled {
    pub var: f64,
    pub var_error: f64,
    pub cvar: f64,
    pub cvar_error: f64,
    pub draws: u64,
}

impl Normal {
    /// A covariance is a square of finite numbers without a negative direction.
    pub fn new(mean: Vec<f64>, covariance: &[Vec<f64>]) -> Result<Self, DomainError> {
        let size = mean.len();
        let count = |have: usize| f64::from(u32::try_from(have).unwrap_or(u32::MAX));
        Need { min: 1.0, max: count(DIMENSIONS_MAX) }.check("number of assets", count(size))?;
        let exactly = Need { min: count(size), max: count(size) };
        exactly.check("rows of the covariance", count(covariance.len()))?;
        let finite = Need { min: -1e12, max: 1e12 };
        for it in &mean {
            finite.check("mean", *it)?;
        }
        let mut factor: Vec<Vec<f64>> = Vec::new();
        for (i, row) in covariance.iter().enumerate() {
            exactly.check("columns of the covariance", count(row.len()))?;
            let mut line = vec![0.0; size];
            for j in 0..=i {
                finite.check("covariance", row[j])?;
                let above = factor.get(j).unwrap_or(&line);
                let known: f64 = (0..j).map(|k| line[k] * above[k]).sum();
                let left = row[j] - known;
                line[j] = if i == j {
                    Need { min: -1e-12 * row[i].abs(), max: f64::MAX }
                        .check("variance left by the others", left)?;
                    left.max(0.0).sqrt()
                } else if above[j] > 0.0 {
                    left / above[j]
                } else {
                    0.0
                };
            }
            factor.push(line);
        }
        Ok(Self { mean, factor })
    }

    /// The mean and covariance of days of returns (divided by one less than the days).
    pub fn of_history(days: &[Vec<f64>]) -> Result<Self, DomainError> {
        let size = days.first().map_or(0, Vec::len);
        let count = f64::from(u32::try_from(days.len()).unwrap_or(u32::MAX));
        Need { min: 2.0, max: 1e9 }.check("number of days", count)?;
        let mean: Vec<f64> = (0..size).map(|i| days.iter().map(|day| day[i]).sum::<f64>() / count).collect();
        let off = |day: &Vec<f64>, i: usize| day[i] - mean[i];
        let covariance: Vec<Vec<f64>> = (0..size)
            .map(|i| {
                let with = |j: usize| days.iter().map(|day| off(day, i) * off(day, j)).sum::<f64>();
                (0..size).map(|j| with(j) / (count - 1.0)).collect()
            })
            .collect();
        Self::new(mean, &covariance)
    }

    fn returns(&self, uniform: &[f64], out: &mut [f64]) {
        let normal: Vec<f64> = uniform.iter().map(|p| inverse_cdf(*p)).collect();
        for ((out, mean), line) in out.iter_mut().zip(&self.mean).zip(&self.factor) {
            *out = mean + line.iter().zip(&normal).map(|(part, z)| part * z).sum::<f64>();
        }
    }
}

/// Value at risk at each level, by `points` draws in each of eight replicates.
pub fn monte_carlo(
    portfolio: &Portfolio,
    market: &Normal,
    levels: &[f64],
    points: u32,
) -> Result<Vec<Sampled>, DomainError> {
    let size = market.mean.len();
    let count = f64::from(u32::try_from(size).unwrap_or(u32::MAX));
    let assets = f64::from(u32::try_from(portfolio.assets()).unwrap_or(u32::MAX));
    Need { min: assets, max: assets }.check("number of assets", count)?;
    let mut state = SEED;
    let mut by_level: Vec<Vec<Historical>> = vec![Vec::new(); levels.len()];
    let (mut uniform, mut returns) = (vec![0.0; size], vec![0.0; size]);
    for _ in 0..REPLICATES {
        let mut sobol = Sobol::new((0..size).map(|_| shift(&mut state)).collect());
        let mut losses = Vec::new();
        for _ in 0..points {
            sobol.next(&mut uniform);
            market.returns(&uniform, &mut returns);
            losses.push(portfolio.loss(&returns));
        }
        for (level, found) in levels.iter().zip(&mut by_level) {
            found.push(historical(&losses, *level)?);
        }
    }
    Ok(by_level.iter().map(|found| pooled(found, u64::from(points))).collect())
}

fn pooled(found: &[Historical], points: u64) -> Sampled {
    let (var, var_error) = mean_and_error(found.iter().map(|it| it.var_linear));
    let (cvar, cvar_error) = mean_and_error(found.iter().map(|it| it.cvar));
    Sampled { var, var_error, cvar, cvar_error, draws: points * u64::from(REPLICATES) }
}

fn mean_and_error(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = f64::from(REPLICATES);
    let mean = values.clone().sum::<f64>() / count;
    let squares: f64 = values.map(|it| (it - mean) * (it - mean)).sum();
    (mean, (squares / (count - 1.0) / count).sqrt())
}

/// The high half of a number of the splitmix generator: G. Steele, D. Lea and C. Flood (2014).
fn shift(state: &mut u64) -> u32 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    u32::try_from((z ^ (z >> 31)) >> 32).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_portfolio_has_the_quantile_of_its_variance() {
        let market = Normal::new(vec![0.0, 0.0], &[vec![0.0004, 0.0001], vec![0.0001, 0.0009]]).unwrap();
        let portfolio = Portfolio::new(vec![100.0, 50.0], vec![3.0, -2.0], &[]).unwrap();
        let [it] = monte_carlo(&portfolio, &market, &[0.99], 4_096).unwrap()[..] else { panic!() };
        let deviation =
            (300.0_f64 * 300.0 * 0.0004 + 100.0 * 100.0 * 0.0009 - 2.0 * 30_000.0 * 0.0001).sqrt();
        let want = 2.326_347_874_040_841 * deviation;
        assert!((it.var - want).abs() < 4.0 * it.var_error + 1e-3, "{it:?} {want}");
        assert!(it.var_error < 0.01 * want, "{it:?}");
    }

    #[test]
    fn what_is_no_covariance_is_refused() {
        let refuse = |rows: &[Vec<f64>]| Normal::new(vec![0.0, 0.0], rows).unwrap_err().field;
        assert_eq!(refuse(&[vec![1.0, 0.0]]), "rows of the covariance");
        assert_eq!(refuse(&[vec![1.0, 0.0], vec![0.0]]), "columns of the covariance");
        assert_eq!(refuse(&[vec![1.0, 2.0], vec![2.0, 1.0]]), "variance left by the others");
        assert_eq!(refuse(&[vec![1.0, 0.0], vec![f64::NAN, 1.0]]), "covariance");
        assert!(Normal::new(vec![0.0, 0.0], &[vec![1.0, 1.0], vec![1.0, 1.0]]).is_ok());
    }
}
