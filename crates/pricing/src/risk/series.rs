//! Volatility and correlation from a history of returns.
//!
//! Sources: J. P. Morgan, "RiskMetrics Technical Document" (1996), 5.2, for exponential weights; T. Bollerslev, "Generalized
//! Autoregressive Conditional Heteroskedasticity", Journal of Econometrics 31 (1986), fitted by maximum likelihood with
//! the long-run variance set to that of the sample (R. Engle and J. Mezrich, "GARCH for Groups", Risk 9, 1996).
//!
//! Invariant: variances are of one return; whoever knows how many of them a year has makes them annual.

use crate::{
    domain::{DomainError, Need},
    elementary::ln,
};

const DECAY: Need = Need { min: 0.0, max: 0.999_999 };
const RETURN: Need = Need { min: -1e6, max: 1e6 };
const COUNT: Need = Need { min: 2.0, max: 1e9 };
const PERSISTENCE_MAX: f64 = 0.999_9;

/// Why a series says nothing.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SeriesError {
    #[error("the two series have {have} and {need} returns")]
    Lengths { have: usize, need: usize },
    #[error("a series without any movement has no GARCH")]
    Still,
    #[error(transparent)]
    Domain(#[from] DomainError),
}

/// v(t+1) = omega + alpha r(t)^2 + beta v(t).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Garch {
    pub omega: f64,
    pub alpha: f64,
    pub beta: f64,
    /// The variance of the return after the last.
    pub next_variance: f64,
    pub log_likelihood: f64,
}

/// The standard deviation of the next return: weights fall by the factor `decay` a return, the first return's square
/// stands for all before it.
pub fn ewma_volatility(returns: &[f64], decay: f64) -> Result<f64, SeriesError> {
    Ok(ewma_covariance(returns, returns, decay)?.sqrt())
}

/// The covariance of the next two returns.
pub fn ewma_covariance(one: &[f64], two: &[f64], decay: f64) -> Result<f64, SeriesError> {
    DECAY.check("decay", decay)?;
    checked(one)?;
    checked(two)?;
    if one.len() != two.len() {
        return Err(SeriesError::Lengths { have: one.len(), need: two.len() });
    }
    let products = one.iter().zip(two).map(|(one, two)| one * two);
    let weigh = |before: f64, product: f64| decay * before + (1.0 - decay) * product;
    Ok(products.reduce(weigh).unwrap_or(0.0))
}

/// The correlations of several series with exponential weights; one without movement correlates with nothing.
pub fn correlations(series: &[Vec<f64>], decay: f64) -> Result<Vec<Vec<f64>>, SeriesError> {
    let mut rows = Vec::new();
    for (i, one) in series.iter().enumerate() {
        let mut row = Vec::new();
        for (j, two) in series.iter().enumerate() {
            let size = ewma_volatility(one, decay)? * ewma_volatility(two, decay)?;
            let covariance = ewma_covariance(one, two, decay)?;
            row.push(match (i == j, size > 0.0) {
                (true, _) => 1.0,
                (false, true) => (covariance / size).clamp(-1.0, 1.0),
                (false, false) => 0.0,
            });
        }
        rows.push(row);
    }
    Ok(rows)
}

/// The process that explains a series best, with the sample's variance in the long run.
pub fn garch(returns: &[f64]) -> Result<Garch, SeriesError> {
    let count = checked(returns)?;
    let variance = returns.iter().map(|it| it * it).sum::<f64>() / count;
    if variance <= 0.0 {
        return Err(SeriesError::Still);
    }
    // Searched by alpha and alpha + beta, on grids that close in on the best.
    let (mut best, mut centre) = (Garch::with(returns, variance, 0.05, 0.95), (0.05, 0.95));
    let mut reach = (0.5, 0.5);
    for _ in 0..24 {
        let from = centre;
        for place in 0..81_u8 {
            let part = |i: u8| f64::from(i) / 4.0 - 1.0;
            let alpha = (from.0 + reach.0 * part(place / 9)).clamp(0.0, PERSISTENCE_MAX);
            let sum = (from.1 + reach.1 * part(place % 9)).clamp(alpha, PERSISTENCE_MAX);
            let alpha = alpha.min(sum);
            let it = Garch::with(returns, variance, alpha, sum);
            if it.log_likelihood > best.log_likelihood {
                (best, centre) = (it, (alpha, sum));
            }
        }
        reach = (reach.0 * 0.6, reach.1 * 0.6);
    }
    Ok(best)
}

impl Garch {
    fn with(returns: &[f64], variance: f64, alpha: f64, persistence: f64) -> Self {
        const LN_2_PI: f64 = 1.837_877_066_409_345_3;
        let (beta, omega) = (persistence - alpha, variance * (1.0 - persistence));
        let (mut now, mut likelihood) = (variance, 0.0);
        for it in returns {
            likelihood -= 0.5 * (LN_2_PI + ln(now) + it * it / now);
            now = omega + alpha * it * it + beta * now;
        }
        Self { omega, alpha, beta, next_variance: now, log_likelihood: likelihood }
    }
}

fn checked(returns: &[f64]) -> Result<f64, DomainError> {
    for it in returns {
        RETURN.check("return", *it)?;
    }
    COUNT.check("number of returns", f64::from(u32::try_from(returns.len()).unwrap_or(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normal::inverse_cdf;

    /// Normal numbers by a shuffled lattice.
    fn normals(count: u32) -> impl Iterator<Item = f64> {
        let mut state = 1_u32;
        (0..count).map(move |_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            inverse_cdf((f64::from(state) + 0.5) / 4_294_967_296.0)
        })
    }

    #[test]
    fn weights_fall_by_the_decay() {
        let have = ewma_covariance(&[1.0, 2.0, 3.0], &[1.0, 1.0, -1.0], 0.5).unwrap();
        assert_eq!(have, 0.25 * 1.0 + 0.25 * 2.0 - 0.5 * 3.0);
        assert_eq!(ewma_volatility(&[2.0, 2.0], 0.94).unwrap(), 2.0);
    }

    #[test]
    fn correlations_are_one_on_the_diagonal_and_follow_the_sign() {
        let one: Vec<f64> = normals(500).collect();
        let other: Vec<f64> = one.iter().map(|it| -2.0 * it).collect();
        let rows = correlations(&[one, other, vec![0.0; 500]], 0.94).unwrap();
        assert_eq!(rows[0][0], 1.0);
        assert!((rows[0][1] + 1.0).abs() < 1e-12);
        assert_eq!(rows[2], [0.0, 0.0, 1.0]);
    }

    #[test]
    fn garch_finds_the_process_that_made_the_series() {
        let (omega, alpha, beta) = (2e-6_f64, 0.1, 0.88);
        let mut variance = omega / (1.0 - alpha - beta);
        let returns: Vec<f64> = normals(20_000)
            .map(|z| {
                let it = z * variance.sqrt();
                variance = omega + alpha * it * it + beta * variance;
                it
            })
            .collect();
        let found = garch(&returns).unwrap();
        assert!((found.alpha - alpha).abs() < 0.02 && (found.beta - beta).abs() < 0.03, "{found:?}");
        assert!((found.next_variance / variance - 1.0).abs() < 0.1, "{found:?} {variance}");
        assert!(found.alpha + found.beta < 1.0);
    }

    #[test]
    fn what_is_no_series_is_refused() {
        assert_eq!(garch(&[0.0; 10]), Err(SeriesError::Still));
        assert!(matches!(garch(&[1.0]), Err(SeriesError::Domain(_))));
        assert!(matches!(ewma_volatility(&[1.0, f64::NAN], 0.9), Err(SeriesError::Domain(_))));
        assert!(matches!(ewma_covariance(&[1.0, 1.0], &[1.0; 3], 0.9), Err(SeriesError::Lengths { .. })));
        assert!(ewma_volatility(&[1.0, 1.0], 1.0).is_err());
    }
}
