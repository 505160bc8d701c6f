//! What goes in: the numbers that the formulas are stated for, and the refusal of all others.
//!
//! Invariant: a function of this crate that takes outside numbers checks them here first; inside the domain no
//! result is NaN.

/// A number outside what a formula is stated for.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{field} is {have}, must be {need}")]
pub struct DomainError {
    /// The name of the number, as the formulas call it.
    pub field: &'static str,
    pub have: f64,
    pub need: Need,
}

/// The limits of a number, both ends allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Need {
    pub min: f64,
    pub max: f64,
}

/// Prices, strikes, levels.
pub const PRICE: Need = Need { min: 1e-60, max: 1e60 };
/// Amounts that may be nothing, such as rebates.
pub const AMOUNT: Need = Need { min: 0.0, max: 1e60 };
/// Years.
pub const TIME: Need = Need { min: 0.0, max: 200.0 };
/// Annual, continuous.
pub const RATE: Need = Need { min: -2.0, max: 2.0 };
/// Annual; 1 is 100 %.
pub const VOLATILITY: Need = Need { min: 0.0, max: 100.0 };

impl Need {
    /// The number, if it is within the limits.
    pub fn check(self, field: &'static str, have: f64) -> Result<f64, DomainError> {
        if have >= self.min && have <= self.max {
            Ok(have)
        } else {
            Err(DomainError { field, have, need: self })
        }
    }
}

impl core::fmt::Display for Need {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "a number from {:?} to {:?}", self.min, self.max)
    }
}
