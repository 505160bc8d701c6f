//! What a portfolio may lose: value at risk, and the expected loss beyond it.
//!
//! Invariant: a loss is a positive number; a level is the part of days on which less is lost.

mod loss;
mod monte_carlo;
mod portfolio;
mod series;
mod sobol;

pub use loss::{Historical, Moments, Parametric, historical, parametric};
pub use monte_carlo::{Normal, Sampled, monte_carlo};
pub use portfolio::{Portfolio, PortfolioError, PortfolioOption, Scenario};
pub use series::{Garch, SeriesError, correlations, ewma_covariance, ewma_volatility, garch};
