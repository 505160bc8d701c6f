//! Profit of one unit of a contract when forward and volatility move.
//!
//! Invariant: shocks are those of the grids that ../exchange's `risk` holds as data: volatility moves scale
//! with (30 / days) to a power that differs for short and long dates.

use num::{Duration, Fix};

use crate::{
    black::{self, Option},
    border::{Quote, from_fix, to_integer, years},
    elementary::pow,
};

/// Dates count as at least an hour away, so that the last minutes do not blow the shocks up.
const DAYS_MIN: f64 = 1.0 / 24.0;

/// The volatilities of one expiry under no move, the move up and the move down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VolatilityShocks {
    pub up: Fix,
    pub down: Fix,
    pub short_power: Fix,
    pub long_power: Fix,
    pub floor: Fix,
    /// The shock up reaches at least this volatility; zero where a grid has none.
    pub up_min: Fix,
}

/// Days to expiry.
pub fn days(time: Duration) -> f64 {
    years(time) * 365.0
}

impl VolatilityShocks {
    /// `[up, same, down]` of a volatility so many days before expiry.
    pub fn volatilities(&self, volatility: f64, days: f64) -> [f64; 3] {
        let power = if days < 30.0 { self.short_power } else { self.long_power };
        let scale = pow(30.0 / days.max(DAYS_MIN), from_fix(power));
        let up = (volatility * (1.0 + from_fix(self.up) * scale)).max(from_fix(self.up_min));
        let down = (volatility * (1.0 - from_fix(self.down) * scale)).max(from_fix(self.floor));
        [up, volatility, down]
    }
}

/// What one unit gains, times `weight`, in micros of USDC rounded half to even, when the forward moves by the
/// part `shift` of itself and the volatility becomes `volatility`.
pub fn profit(it: &Quote, volatility: f64, shift: Fix, weight: Fix) -> i64 {
    let before = it.option();
    let after = Option { forward: before.forward * (1.0 + from_fix(shift)), volatility, ..before };
    to_integer(from_fix(weight) * (black::price(&after) - black::price(&before)) * 1e6)
}
