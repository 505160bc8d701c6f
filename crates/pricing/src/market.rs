//! A market as a formula sees it.
//!
//! Invariant: a market knows no contract.

use crate::domain::{DomainError, PRICE, RATE, VOLATILITY};

/// One underlying with flat rates and one volatility: rates continuous and annual, volatility annual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Market {
    pub spot: f64,
    pub rate: f64,
    /// What holding the underlying pays, for a year.
    pub dividend: f64,
    pub volatility: f64,
}

impl Market {
    /// Refuses what the formulas are not stated for.
    pub fn check(&self) -> Result<(), DomainError> {
        PRICE.check("spot", self.spot)?;
        RATE.check("rate", self.rate)?;
        RATE.check("dividend", self.dividend)?;
        VOLATILITY.check("volatility", self.volatility)?;
        Ok(())
    }
}
