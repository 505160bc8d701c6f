//! Term structures: discounts between the dates of a curve, and volatilities between the smiles of a surface.
//!
//! Sources: constant forward rates between dates are P. Hagan and G. West's raw interpolation, "Interpolation Methods for
//! Curve Construction", Applied Mathematical Finance 13 (2006); total variance linear in time at a fixed
//! log-moneyness keeps calendars free of arbitrage when the smiles are: J. Gatheral and A. Jacquier, "Arbitrage-free
//! SVI volatility surfaces", Quantitative Finance 14 (2014), lemma 5.1.
//!
//! Invariant: dates rise; at a date the curve and the surface are what was given.

use crate::{
    domain::{DomainError, Need, RATE, TIME},
    elementary::exp,
    model::Svi,
};

/// How fine calendars are searched for arbitrage.
const CALENDAR_STEPS: u32 = 64;
const CALENDAR_REACH: f64 = 2.0;

/// Continuous zero rates by years; flat before the first date, constant in its last forward rate beyond the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    nodes: Vec<(f64, f64)>,
}

/// Smiles by years.
#[derive(Clone, Debug, PartialEq)]
pub struct Surface {
    smiles: Vec<(f64, Svi)>,
}

/// Why dates make no term structure.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum TermError {
    #[error("a term structure needs at least one date")]
    Empty,
    #[error("date {node} is at {have} years, which must be above zero and above the date before")]
    Time { node: usize, have: f64 },
    #[error(
        "total variance falls from date {node} to the next at log-moneyness {log}: a calendar spread is free"
    )]
    Calendar { node: usize, log: f64 },
    #[error("date {node}: {error}")]
    Domain { node: usize, error: DomainError },
}

impl Curve {
    /// From years and rates.
    pub fn new(nodes: &[(f64, f64)]) -> Result<Self, TermError> {
        rising(nodes.iter().map(|(time, _)| *time))?;
        for (node, (_, rate)) in nodes.iter().enumerate() {
            RATE.check("rate", *rate).map_err(|error| TermError::Domain { node, error })?;
        }
        Ok(Self { nodes: nodes.to_vec() })
    }

    /// What one unit at a time is worth today.
    pub fn discount(&self, time: f64) -> Result<f64, DomainError> {
        Ok(exp(-self.grown(TIME.check("time", time)?)))
    }

    /// The continuous rate from now to a time.
    pub fn rate(&self, time: f64) -> Result<f64, DomainError> {
        let time = Need { min: 1e-12, ..TIME }.check("time", time)?;
        Ok(self.grown(time) / time)
    }

    /// The continuous rate between two times.
    pub fn forward_rate(&self, from: f64, to: f64) -> Result<f64, DomainError> {
        let from = TIME.check("time", from)?;
        let to = Need { min: from + 1e-12, ..TIME }.check("time", to)?;
        Ok((self.grown(to) - self.grown(from)) / (to - from))
    }

    /// rate times time: linear between dates.
    fn grown(&self, time: f64) -> f64 {
        let after = self.nodes.partition_point(|(node, _)| *node < time);
        let at = |i: usize| (self.nodes[i].0, self.nodes[i].0 * self.nodes[i].1);
        let last = self.nodes.len() - 1;
        let ((t0, g0), (t1, g1)) = match after {
            0 => return time * self.nodes[0].1,
            _ if after <= last => (at(after - 1), at(after)),
            _ if last == 0 => return time * self.nodes[0].1,
            _ => (at(last - 1), at(last)),
        };
        g0 + (g1 - g0) * ((time - t0) / (t1 - t0))
    }
}

impl Surface {
    /// From years and smiles, none of which may lie above a later one.
    pub fn new(smiles: &[(f64, Svi)]) -> Result<Self, TermError> {
        rising(smiles.iter().map(|(time, _)| *time))?;
        for (node, (_, smile)) in smiles.iter().enumerate() {
            smile.check().map_err(|error| TermError::Domain { node, error })?;
        }
        for (node, pair) in smiles.windows(2).enumerate() {
            let range = (-CALENDAR_REACH, CALENDAR_REACH);
            if let Some(log) = pair[0].1.calendar(&pair[1].1, range, CALENDAR_STEPS) {
                return Err(TermError::Calendar { node, log });
            }
        }
        Ok(Self { smiles: smiles.to_vec() })
    }

    /// The volatility at a log-moneyness and a time: total variance is linear in time between smiles, and in
    /// proportion to time before the first and beyond the last.
    pub fn volatility(&self, log: f64, time: f64) -> Result<f64, DomainError> {
        let time = Need { min: 1e-12, ..TIME }.check("time", time)?;
        let log = Need { min: -1e3, max: 1e3 }.check("log-moneyness", log)?;
        let after = self.smiles.partition_point(|(node, _)| *node < time);
        let at = |i: usize| (self.smiles[i].0, self.smiles[i].1.at(log).total_variance);
        let last = self.smiles.len() - 1;
        let variance = if after == 0 || after > last {
            let (t, w) = at(after.min(last));
            w * (time / t)
        } else {
            let ((t0, w0), (t1, w1)) = (at(after - 1), at(after));
            w0 + (w1 - w0) * ((time - t0) / (t1 - t0))
        };
        Ok((variance / time).sqrt())
    }
}

fn rising(times: impl Iterator<Item = f64>) -> Result<(), TermError> {
    let mut before = 0.0;
    let mut count = 0;
    for (node, have) in times.enumerate() {
        if !(have > before && have <= TIME.max) {
            return Err(TermError::Time { node, have });
        }
        before = have;
        count += 1;
    }
    if count == 0 { Err(TermError::Empty) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMILE: Svi = Svi { a: 0.01, b: 0.2, rho: -0.3, m: 0.0, sigma: 0.2 };

    #[test]
    fn a_curve_meets_its_dates_and_is_straight_between() {
        let curve = Curve::new(&[(0.5, 0.02), (1.0, 0.03), (2.0, 0.035)]).unwrap();
        for (time, rate) in [(0.25, 0.02), (0.5, 0.02), (1.0, 0.03), (2.0, 0.035)] {
            assert!((curve.rate(time).unwrap() - rate).abs() < 1e-15, "{time}");
        }
        assert!((curve.discount(1.0).unwrap() - exp(-0.03)).abs() < 1e-15);
        assert_eq!(curve.discount(0.0).unwrap(), 1.0);
        let whole = curve.forward_rate(1.0, 2.0).unwrap();
        assert!((whole - 0.04).abs() < 1e-15);
        assert!((curve.forward_rate(1.25, 1.5).unwrap() - whole).abs() < 1e-14);
        assert!((curve.forward_rate(2.0, 5.0).unwrap() - whole).abs() < 1e-14);
        assert!(curve.forward_rate(2.0, 2.0).is_err() && curve.rate(-1.0).is_err());
    }

    #[test]
    fn a_surface_meets_its_smiles_and_is_straight_in_variance() {
        let later = Svi { a: 0.05, ..SMILE };
        let surface = Surface::new(&[(0.25, SMILE), (1.0, later)]).unwrap();
        let close = |time: f64, variance: f64| {
            let have = surface.volatility(0.1, time).unwrap();
            assert!((have * have * time - variance).abs() < 1e-14, "{time}");
        };
        let (w0, w1) = (SMILE.at(0.1).total_variance, later.at(0.1).total_variance);
        close(0.25, w0);
        close(1.0, w1);
        close(0.625, 0.5 * (w0 + w1));
        close(0.125, 0.5 * w0);
        close(2.0, 2.0 * w1);
    }

    #[test]
    fn broken_dates_are_named() {
        assert_eq!(Curve::new(&[]), Err(TermError::Empty));
        assert_eq!(Curve::new(&[(1.0, 0.1), (1.0, 0.1)]), Err(TermError::Time { node: 1, have: 1.0 }));
        assert!(matches!(Curve::new(&[(1.0, f64::NAN)]), Err(TermError::Domain { node: 0, .. })));
        let higher = Svi { a: 0.2, ..SMILE };
        assert!(matches!(
            Surface::new(&[(0.5, higher), (1.0, SMILE)]),
            Err(TermError::Calendar { node: 0, .. })
        ));
    }
}
