//! A portfolio of underlyings and options on them, valued again after a day.
//!
//! Invariant: options are revalued in full, never by their Greeks.

use crate::black::{self, Option, Right};

const DAYS_PER_YEAR: f64 = 365.0;
/// A return can be as bad as this: a price never goes to zero.
const RETURN_MIN: f64 = -0.999_999;

/// An option on one of the underlyings, without rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PortfolioOption {
    /// The place of its underlying among the spots.
    pub asset: usize,
    pub right: Right,
    pub strike: f64,
    pub days: f64,
    pub volatility: f64,
    pub quantity: f64,
}

/// Why a portfolio cannot be valued.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum PortfolioError {
    #[error("{have} linear quantities for {need} spots")]
    Quantities { have: usize, need: usize },
    #[error("asset {asset} has spot {have}, must be above zero, or a quantity that is not finite")]
    Asset { asset: usize, have: f64 },
    #[error("option {option} is on asset {have}, there are {need}")]
    NoAsset { option: usize, have: usize, need: usize },
    #[error("option {option} has {field} {have}, which is out of range")]
    Option { option: usize, field: &'static str, have: f64 },
}

/// Quantities of underlyings and options, and today's prices.
#[derive(Clone, Debug, PartialEq)]
pub struct Portfolio {
    spot: Vec<f64>,
    linear: Vec<f64>,
    options: Vec<(PortfolioOption, f64)>,
}

impl Portfolio {
    pub fn new(
        spot: Vec<f64>,
        linear: Vec<f64>,
        options: &[PortfolioOption],
    ) -> Result<Self, PortfolioError> {
        if linear.len() != spot.len() {
            return Err(PortfolioError::Quantities { have: linear.len(), need: spot.len() });
        }
        for (asset, (have, quantity)) in spot.iter().zip(&linear).enumerate() {
            if !(*have > 0.0 && have.is_finite() && quantity.is_finite()) {
                return Err(PortfolioError::Asset { asset, have: *have });
            }
        }
        let mut valued = Vec::new();
        for (option, it) in options.iter().enumerate() {
            let Some(forward) = spot.get(it.asset) else {
                return Err(PortfolioError::NoAsset { option, have: it.asset, need: spot.len() });
            };
            let today = it.on(*forward, it.days);
            let refuse = |field, have| PortfolioError::Option { option, field, have };
            today.check().map_err(|error| refuse(error.field, error.have))?;
            if !it.quantity.is_finite() {
                return Err(refuse("quantity", it.quantity));
            }
            valued.push((*it, black::price(&today)));
        }
        Ok(Self { spot, linear, options: valued })
    }

    /// How many underlyings.
    pub fn assets(&self) -> usize {
        self.spot.len()
    }

    /// The loss over one day with these returns, one for each underlying.
    pub fn loss(&self, returns: &[f64]) -> f64 {
        let linear = self.linear.iter().zip(&self.spot).zip(returns);
        let gain: f64 = linear.map(|((quantity, spot), part)| quantity * spot * part).sum();
        let options = self.options.iter().map(|(it, today)| {
            let part = returns.get(it.asset).copied().unwrap_or(0.0).max(RETURN_MIN);
            let after = it.on(self.spot[it.asset] * (1.0 + part), (it.days - 1.0).max(0.0));
            it.quantity * (black::price(&after) - today)
        });
        -(gain + options.sum::<f64>())
    }
}

impl PortfolioOption {
    fn on(&self, forward: f64, days: f64) -> Option {
        Option {
            right: self.right,
            forward,
            strike: self.strike,
            time: days / DAYS_PER_YEAR,
            rate: 0.0,
            volatility: self.volatility,
        }
    }
}
