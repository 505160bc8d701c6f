//! Value and Greeks of a contract in a market; knows no account.
//!
//! Invariant: every machine gets the same bits. Floating point is used with only those operations that
//! IEEE 754 fixes (+ - * / sqrt and comparisons, rounding to integers), in one written order; exp, ln and the
//! normal distribution are ours. At the border (`border`) results become integers with a named rounding.
//! Left out on purpose: anything that calls the platform's mathematics, and fused multiply-add, which not
//! every machine has.
#![allow(
    clippy::float_arithmetic,
    clippy::excessive_precision,
    reason = "this is the one crate with floats; law 4 says which operations, and constants are stated in full"
)]

mod batch;
mod black;
mod border;
mod domain;
mod elementary;
mod exotic;
mod implied;
mod kernel;
mod market;
mod model;
mod normal;
mod number;
mod quadrature;
mod risk;
mod scenario;
mod smile;
mod surface;
mod term;
mod variant;

pub use batch::{Columns, Function, Move, ValueColumns};
pub use black::{European, Greeks, Option, Right, Value, european, price, value};
pub use border::{Quote, from_trillionths, quote, quote_implied, to_trillionths, years_of_days};
pub use domain::{DomainError, Need};
pub use elementary::{exp, ln, ln_ratio, pow};
pub use exotic::{
    American, Asian, Average, Barrier, Claim, Crossing, Digital, Exotic, ExoticQuote, Formula, Inputs, Knock,
    Lookback, Payout, Strike, contract_price, contract_price_by, contract_value,
};
pub use implied::{ImpliedError, implied_volatility};
pub use market::Market;
pub use model::{CalibrationError, Heston, Sabr, Svi, SviPoint, heston};
pub use normal::{cdf, inverse_cdf, pdf};
pub use number::{Jet, Number};
pub use risk::{
    Garch, Historical, Moments, Normal, Parametric, Portfolio, PortfolioError, PortfolioOption, Sampled,
    ScanFormula, ScanRange, Scenario, SeriesError, correlations, ewma_covariance, ewma_volatility, garch,
    historical, monte_carlo, parametric,
};
pub use scenario::{ExoticRevaluer, Exposure, Gain, Revaluer, Shift, Shocked, VolatilityShocks};
pub use smile::{SmileError, Term};
pub use surface::{Slice, SliceError};
pub use term::{Curve, Surface, TermError};
pub use variant::Variant;
