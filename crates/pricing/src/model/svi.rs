//! The SVI smile in its raw form: total variance of one expiry by log-moneyness k = ln(K/F).
//!
//! Sources: J. Gatheral, "A parsimonious arbitrage-free implied volatility parameterization" (2004); the density
//! condition g(k) >= 0 is that of J. Gatheral and A. Jacquier, "Arbitrage-free SVI volatility surfaces", Quantitative
//! Finance 14 (2014), after V. Durrleman; the calibration follows Zeliade Systems, "Quasi-explicit calibration of
//! Gatheral's SVI model" (2009): for a given centre and width the rest is linear least squares, and the two are
//! searched by nested refinement.
//!
//! Invariant: a calibrated smile has no negative variance and no wing steeper than R. Lee's bound of two.

use crate::{
    domain::{DomainError, Need},
    elementary::exp,
};

const SLOPE: Need = Need { min: 0.0, max: 100.0 };
const RHO: Need = Need { min: -1.0, max: 1.0 };
const WIDTH: Need = Need { min: 1e-9, max: 100.0 };
const LEVEL: Need = Need { min: -100.0, max: 100.0 };
/// Grid of the search: centres by widths, and how often it closes in on the best.
const SEARCH: u32 = 13;
const ROUNDS: u32 = 22;

/// w(k) = a + b (rho (k - m) + sqrt((k - m)^2 + sigma^2)).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Svi {
    pub a: f64,
    pub b: f64,
    pub rho: f64,
    pub m: f64,
    pub sigma: f64,
}

/// A smile at one point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SviPoint {
    pub total_variance: f64,
    /// First and second derivative by k.
    pub slope: f64,
    pub curvature: f64,
    /// Durrleman's g: below zero the density of the underlying is negative, and butterflies are free money.
    pub durrleman: f64,
}

/// Why points give no smile.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum CalibrationError {
    #[error("{have} points, needs {need}")]
    TooFew { have: usize, need: usize },
    #[error("point {point} has log-moneyness {log} and total variance {variance}: not finite, or below zero")]
    Point { point: usize, log: f64, variance: f64 },
    #[error("all points lie at one log-moneyness")]
    OnePlace,
}

impl Svi {
    /// Refuses what is no smile at all: b below zero, or a total variance below zero somewhere.
    pub fn check(&self) -> Result<(), DomainError> {
        LEVEL.check("a", self.a)?;
        SLOPE.check("b", self.b)?;
        RHO.check("rho", self.rho)?;
        LEVEL.check("m", self.m)?;
        WIDTH.check("sigma", self.sigma)?;
        Need { min: 0.0, max: f64::MAX }.check("smallest total variance", self.least()).map(|_| ())
    }

    /// The smallest total variance of the smile.
    pub fn least(&self) -> f64 {
        self.a + self.b * self.sigma * (1.0 - self.rho * self.rho).sqrt()
    }

    pub fn at(&self, k: f64) -> SviPoint {
        let x = k - self.m;
        let root = (x * x + self.sigma * self.sigma).sqrt();
        let total_variance = self.a + self.b * (self.rho * x + root);
        let slope = self.b * (self.rho + x / root);
        let curvature = self.b * self.sigma * self.sigma / (root * root * root);
        let lean = 1.0 - k * slope / (2.0 * total_variance);
        let durrleman = lean * lean - 0.25 * slope * slope * (1.0 / total_variance + 0.25) + 0.5 * curvature;
        SviPoint { total_variance, slope, curvature, durrleman }
    }

    /// The volatility of an option with so many years to go.
    pub fn volatility(&self, k: f64, time: f64) -> f64 {
        (self.at(k).total_variance / time).sqrt()
    }

    /// Where butterflies are free money, if anywhere among `steps` places from `low` to `high`: the worst place.
    pub fn butterfly(&self, low: f64, high: f64, steps: u32) -> Option<f64> {
        let places = (0..=steps).map(|i| low + (high - low) * f64::from(i) / f64::from(steps.max(1)));
        let worst = places.min_by(|one, two| self.at(*one).durrleman.total_cmp(&self.at(*two).durrleman))?;
        (self.at(worst).durrleman < 0.0).then_some(worst)
    }

    /// Where this earlier smile lies above a later one, if anywhere: a calendar spread is free money there.
    pub fn calendar(&self, later: &Self, (low, high): (f64, f64), steps: u32) -> Option<f64> {
        let gap = |k: f64| later.at(k).total_variance - self.at(k).total_variance;
        let places = (0..=steps).map(|i| low + (high - low) * f64::from(i) / f64::from(steps.max(1)));
        let worst = places.min_by(|one, two| gap(*one).total_cmp(&gap(*two)))?;
        (gap(worst) < 0.0).then_some(worst)
    }

    /// The smile with the least squares of total variance over points (k, w), each counted once.
    pub fn fitted(points: &[(f64, f64)]) -> Result<Self, CalibrationError> {
        const NEED: usize = 5;
        if points.len() < NEED {
            return Err(CalibrationError::TooFew { have: points.len(), need: NEED });
        }
        for (point, (log, variance)) in points.iter().enumerate() {
            if !(log.is_finite() && variance.is_finite() && *variance >= 0.0) {
                return Err(CalibrationError::Point { point, log: *log, variance: *variance });
            }
        }
        let low = points.iter().map(|(k, _)| *k).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(|(k, _)| *k).fold(f64::NEG_INFINITY, f64::max);
        let span = high - low;
        if span <= 0.0 {
            return Err(CalibrationError::OnePlace);
        }
        // The width is searched by its logarithm.
        let (mut centre, mut depth) = (0.5 * (low + high), -2.0);
        let (mut reach, mut depth_reach) = (span, 4.0);
        let mut best = Fit::at(points, centre, span * exp(depth));
        for _ in 0..ROUNDS {
            let part = |i: u32| 2.0 * f64::from(i) / f64::from(SEARCH - 1) - 1.0;
            let (from_centre, from_depth) = (centre, depth);
            for place in 0..SEARCH * SEARCH {
                let m = from_centre + reach * part(place / SEARCH);
                let d = from_depth + depth_reach * part(place % SEARCH);
                let fit = Fit::at(points, m, span * exp(d));
                if fit.error < best.error {
                    (best, centre, depth) = (fit, m, d);
                }
            }
            reach *= 0.4;
            depth_reach *= 0.4;
        }
        Ok(best.smile)
    }
}

/// The best smile for a centre and a width.
struct Fit {
    smile: Svi,
    error: f64,
}

impl Fit {
    fn at(points: &[(f64, f64)], m: f64, sigma: f64) -> Self {
        // Least squares of w = a + slope y + size z, with y = (k - m) / sigma and z = sqrt(y^2 + 1).
        let mut normal = [[0.0; 4]; 3];
        for (k, w) in points {
            let y = (k - m) / sigma;
            let row = [1.0, y, (y * y + 1.0).sqrt(), *w];
            for (line, left) in normal.iter_mut().zip(row) {
                for (cell, right) in line.iter_mut().zip(row) {
                    *cell += left * right;
                }
            }
        }
        let [a, slope, size] = solved(normal);
        // Into what a smile may be: |rho| at most one, wings of at most two, no variance below zero.
        let size = size.clamp(0.0, 2.0 * sigma);
        let slope = slope.clamp(-size, size);
        let rho = if size > 0.0 { slope / size } else { 0.0 };
        let b = size / sigma;
        let mut smile = Svi { a, b, rho, m, sigma };
        let least = smile.least();
        if least < 0.0 {
            smile.a -= least;
        }
        let error = points.iter().map(|(k, w)| smile.at(*k).total_variance - w).map(|off| off * off).sum();
        Self { smile, error }
    }
}

/// Three equations with a little on the diagonal, so that there always is an answer.
fn solved(mut lines: [[f64; 4]; 3]) -> [f64; 3] {
    for (i, line) in lines.iter_mut().enumerate() {
        line[i] *= 1.0 + 1e-13;
        line[i] += 1e-300;
    }
    for i in 0..3 {
        for j in i + 1..3 {
            let (head, tail) = lines.split_at_mut(j);
            let part = tail[0][i] / head[i][i];
            for (cell, above) in tail[0].iter_mut().zip(head[i]) {
                *cell -= part * above;
            }
        }
    }
    let z = lines[2][3] / lines[2][2];
    let y = (lines[1][3] - lines[1][2] * z) / lines[1][1];
    [(lines[0][3] - lines[0][1] * y - lines[0][2] * z) / lines[0][0], y, z]
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMILE: Svi = Svi { a: 0.02, b: 0.3, rho: -0.35, m: 0.04, sigma: 0.15 };

    #[test]
    fn a_smile_is_found_again_from_its_points() {
        let points: Vec<(f64, f64)> =
            (-8..=8).map(|i| f64::from(i) * 0.1).map(|k| (k, SMILE.at(k).total_variance)).collect();
        let found = Svi::fitted(&points).unwrap();
        found.check().unwrap();
        for (k, w) in points {
            assert!((found.at(k).total_variance - w).abs() < 1e-7, "{found:?} at {k}");
        }
    }

    #[test]
    fn free_money_is_found() {
        // Axel Vogt's example, from Gatheral and Jacquier.
        let vogt = Svi { a: -0.041, b: 0.1331, rho: 0.306, m: 0.3586, sigma: 0.4153 };
        vogt.check().unwrap();
        assert!(vogt.butterfly(-1.5, 1.5, 300).is_some());
        assert_eq!(SMILE.butterfly(-1.5, 1.5, 300), None);
        let later = Svi { a: 0.01, ..SMILE };
        assert!(SMILE.calendar(&later, (-1.0, 1.0), 100).is_some());
        assert_eq!(later.calendar(&SMILE, (-1.0, 1.0), 100), None);
    }

    #[test]
    fn points_that_give_no_smile_are_named() {
        assert_eq!(Svi::fitted(&[(0.0, 0.1); 3]), Err(CalibrationError::TooFew { have: 3, need: 5 }));
        assert_eq!(Svi::fitted(&[(0.0, 0.1); 6]), Err(CalibrationError::OnePlace));
        let mut points = [(0.0, 0.1), (0.1, 0.1), (0.2, 0.1), (0.3, f64::NAN), (0.4, 0.1)];
        assert!(matches!(Svi::fitted(&points), Err(CalibrationError::Point { point: 3, .. })));
        points[3] = (0.3, -0.1);
        assert!(matches!(Svi::fitted(&points), Err(CalibrationError::Point { point: 3, .. })));
        assert_eq!(Svi { b: -0.1, ..SMILE }.check().unwrap_err().field, "b");
        assert_eq!(Svi { a: -1.0, ..SMILE }.check().unwrap_err().field, "smallest total variance");
    }
}
