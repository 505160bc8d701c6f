//! Models of the smile: where a volatility, or a price beyond one volatility, comes from.
//!
//! Invariant: a model's parameters are checked before anything is computed from them.

mod complex;
mod heston;
mod sabr;
mod svi;

pub use heston::{Heston, heston};
pub use sabr::Sabr;
pub use svi::{CalibrationError, Svi, SviPoint};
