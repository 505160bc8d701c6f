//! Profit of one unit of an option when forward and volatility move.
//!
//! Invariant: the shocks come in as data. Volatility moves scale with (30 / days) to a power that differs for
//! short and long dates.

use num::{Duration, Fix};

use crate::{
    black::{self, Option},
    border::{Quote, from_fix, to_integer, years},
    elementary::pow,
};

/// Dates count as at least an hour away, so that the last minutes do not blow the shocks up.
const DAYS_MIN: f64 = 1.0 / 24.0;
/// Where the power of the time scale changes.
const LONG_DAYS: f64 = 30.0;

/// How volatility is shocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolatilityShocks {
    pub up: Fix,
    pub down: Fix,
    pub short_power: Fix,
    pub long_power: Fix,
    /// The shock down stops here.
    pub floor: Fix,
    /// The shock up reaches at least this volatility; zero where a grid has no such rule.
    pub up_min: Fix,
}

/// A volatility under a shock; only `Revaluer` reads it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shocked(pub(crate) f64);

/// An option valued once, to be compared with what it becomes.
#[derive(Clone, Copy, Debug)]
pub struct Revaluer {
    option: Option,
    price: f64,
}

impl VolatilityShocks {
    /// The volatility shocked up, as it is, and shocked down, with so much time to go.
    pub fn volatilities(&self, volatility: Fix, time: Duration) -> [Shocked; 3] {
        let (volatility, days) = (from_fix(volatility), years(time) * 365.0);
        let power = if days < LONG_DAYS { self.short_power } else { self.long_power };
        let scale = pow(LONG_DAYS / days.max(DAYS_MIN), from_fix(power));
        let up = (volatility * (1.0 + from_fix(self.up) * scale)).max(from_fix(self.up_min));
        let down = (volatility * (1.0 - from_fix(self.down) * scale)).max(from_fix(self.floor));
        [Shocked(up), Shocked(volatility), Shocked(down)]
    }
}

impl Quote {
    /// Values the option as it is.
    pub fn revaluer(&self) -> Revaluer {
        let option = self.option();
        Revaluer { option, price: black::price(&option) }
    }
}

impl Revaluer {
    /// What one unit gains, times `weight`, in micros of USDC rounded half to even, when the forward moves by
    /// the part `shift` of itself and the volatility becomes `volatility`.
    pub fn profit(&self, volatility: Shocked, shift: Fix, weight: Fix) -> i64 {
        let forward = self.option.forward * (1.0 + from_fix(shift));
        let after = black::price(&Option { forward, volatility: volatility.0, ..self.option });
        to_integer(from_fix(weight) * (after - self.price) * 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::black::Right;
    use num::{Cash, DAY_MS};

    #[test]
    fn nothing_moved_is_nothing_gained_and_a_call_gains_when_the_forward_rises() {
        let it = Quote {
            right: Right::Call,
            forward: Cash::from_micros(100_000_000),
            strike: Cash::from_micros(100_000_000),
            time: Duration::from_millis(14 * DAY_MS),
            volatility: Fix::from_raw(500_000_000),
        };
        let shocks = VolatilityShocks {
            up: Fix::from_raw(600_000_000),
            down: Fix::from_raw(300_000_000),
            short_power: Fix::from_raw(300_000_000),
            long_power: Fix::from_raw(130_000_000),
            floor: Fix::from_raw(10_000_000),
            up_min: Fix::ZERO,
        };
        let [up, same, down] = shocks.volatilities(it.volatility, it.time);
        let revaluer = it.revaluer();
        assert_eq!(revaluer.profit(same, Fix::ZERO, Fix::ONE), 0);
        assert!(revaluer.profit(same, Fix::from_raw(45_000_000), Fix::ONE) > 0);
        assert!(revaluer.profit(up, Fix::ZERO, Fix::ONE) > 0);
        assert!(revaluer.profit(down, Fix::ZERO, Fix::ONE) < 0);
    }
}
