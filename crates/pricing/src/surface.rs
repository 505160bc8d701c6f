//! A volatility smile of one expiry: nodes by strike, straight lines of volatility in log-strike between
//! them, flat beyond the ends.
//!
//! Invariant: at a node the volatility is the node's, to the last digit.

use num::{Cash, Fix};

use crate::{
    border::{from_cash, from_fix, to_fix},
    elementary::ln,
};

/// A smile.
#[derive(Clone, Debug, PartialEq)]
pub struct Slice {
    strikes: Vec<Cash>,
    logs: Vec<f64>,
    volatilities: Vec<Fix>,
}

/// Why nodes make no smile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SliceError {
    #[error("a smile needs at least one node")]
    Empty,
    #[error("node {node} has strike {have}, which must be above zero and above the node's before")]
    Strike { node: usize, have: Cash },
    #[error("node {node} has volatility {have}, which must be above zero")]
    Volatility { node: usize, have: Fix },
}

impl Slice {
    pub fn new(nodes: &[(Cash, Fix)]) -> Result<Self, SliceError> {
        if nodes.is_empty() {
            return Err(SliceError::Empty);
        }
        let mut last = Cash::ZERO;
        for (node, (strike, volatility)) in nodes.iter().enumerate() {
            if *strike <= last {
                return Err(SliceError::Strike { node, have: *strike });
            }
            if *volatility <= Fix::ZERO {
                return Err(SliceError::Volatility { node, have: *volatility });
            }
            last = *strike;
        }
        Ok(Self {
            strikes: nodes.iter().map(|(strike, _)| *strike).collect(),
            logs: nodes.iter().map(|(strike, _)| ln(from_cash(*strike))).collect(),
            volatilities: nodes.iter().map(|(_, volatility)| *volatility).collect(),
        })
    }

    /// The volatility at a strike.
    pub fn volatility(&self, strike: Cash) -> Fix {
        let after = self.strikes.partition_point(|node| *node < strike);
        let last = self.strikes.len() - 1;
        if after > last {
            return self.volatilities[last];
        }
        if self.strikes[after] == strike || after == 0 {
            return self.volatilities[after];
        }
        let (low, high) = (from_fix(self.volatilities[after - 1]), from_fix(self.volatilities[after]));
        let part = (ln(from_cash(strike)) - self.logs[after - 1]) / (self.logs[after] - self.logs[after - 1]);
        to_fix(low + (high - low) * part)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_met_and_the_rest_lies_between_them() {
        let node =
            |strike: i64, volatility: i64| (Cash::from_micros(strike * 1_000_000), Fix::from_raw(volatility));
        let slice = Slice::new(&[node(80, 600), node(100, 500), node(120, 550)]).unwrap();
        assert_eq!(slice.volatility(Cash::from_micros(100_000_000)), Fix::from_raw(500));
        assert_eq!(slice.volatility(Cash::from_micros(1)), Fix::from_raw(600));
        assert_eq!(slice.volatility(Cash::from_micros(900_000_000)), Fix::from_raw(550));
        let between = slice.volatility(Cash::from_micros(90_000_000));
        assert!(between > Fix::from_raw(500) && between < Fix::from_raw(600));
    }

    #[test]
    fn broken_nodes_are_named() {
        let (strike, volatility) = (Cash::from_micros(5), Fix::from_raw(1));
        assert_eq!(Slice::new(&[]), Err(SliceError::Empty));
        let twice = Slice::new(&[(strike, volatility), (strike, volatility)]);
        assert_eq!(twice, Err(SliceError::Strike { node: 1, have: strike }));
        assert_eq!(
            Slice::new(&[(strike, Fix::ZERO)]),
            Err(SliceError::Volatility { node: 0, have: Fix::ZERO })
        );
    }
}
