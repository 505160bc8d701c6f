//! Scenario grids as data, and what one unit of a contract gains in each of their scenarios.
//!
//! Sources of the numbers: Derive, "Portfolio Margin Parameters" (spot steps and tail dampening); Deribit's
//! published portfolio margin parameters (price range 16 %, volatility 50 % up and 25 % down, powers 0.3 and
//! 0.13); the powers and the shock down of `derive23_tail8` are our assumption.
//!
//! Invariant: a grid is a value; nothing else in the exchange knows how many scenarios there are.

use num::{Cash, Fix, Timestamp};
use pricing::{Quote, VolatilityShocks};

/// Which way volatility goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shock {
    Up,
    Same,
    Down,
}

/// One state of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The part of itself by which the forward moves.
    pub shift: Fix,
    pub shock: Shock,
    /// The part of the profit that counts: tails are dampened.
    pub weight: Fix,
}

/// Scenarios and how volatility is shocked.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    pub name: &'static str,
    pub scenarios: Vec<Scenario>,
    pub shocks: VolatilityShocks,
}

/// Move, shock and weight in thousandths.
type Row = (i64, Shock, i64);

/// Tails of both grids: far moves with volatility up, dampened.
const TAILS: [Row; 8] = [
    (-660, Shock::Up, 210),
    (-330, Shock::Up, 420),
    (500, Shock::Up, 270),
    (1_000, Shock::Up, 130),
    (2_000, Shock::Up, 69),
    (3_000, Shock::Up, 46),
    (4_000, Shock::Up, 34),
    (5_000, Shock::Up, 27),
];

impl Grid {
    /// 23 regular scenarios in steps of 4.5 % and eight tails.
    pub fn derive23_tail8() -> Self {
        let mut rows = vec![(180, Shock::Up, 1_000)];
        for shift in [135, 90, 45, 0, -45, -90, -135] {
            rows.extend([Shock::Up, Shock::Same, Shock::Down].map(|shock| (shift, shock, 1_000)));
        }
        rows.push((-180, Shock::Up, 1_000));
        rows.extend(TAILS);
        let shocks = VolatilityShocks {
            up: thousandths(600),
            down: thousandths(300),
            short_power: thousandths(300),
            long_power: thousandths(130),
            floor: thousandths(10),
            up_min: Fix::ZERO,
        };
        Self::of("derive23_tail8", &rows, shocks)
    }

    /// Nine price buckets over 16 % either way with three volatilities each, and eight tails.
    pub fn grid27_ext8() -> Self {
        let mut rows = Vec::new();
        for shift in [-160, -120, -80, -40, 0, 40, 80, 120, 160] {
            rows.extend([Shock::Up, Shock::Same, Shock::Down].map(|shock| (shift, shock, 1_000)));
        }
        rows.extend(TAILS);
        let shocks = VolatilityShocks {
            up: thousandths(500),
            down: thousandths(250),
            short_power: thousandths(300),
            long_power: thousandths(130),
            floor: thousandths(10),
            up_min: thousandths(500),
        };
        Self::of("grid27_ext8", &rows, shocks)
    }

    fn of(name: &'static str, rows: &[Row], shocks: VolatilityShocks) -> Self {
        let scenario = |(shift, shock, weight): &Row| Scenario {
            shift: thousandths(*shift),
            shock: *shock,
            weight: thousandths(*weight),
        };
        Self { name, scenarios: rows.iter().map(scenario).collect(), shocks }
    }

    /// How many scenarios.
    pub fn len(&self) -> usize {
        self.scenarios.len()
    }

    pub fn is_empty(&self) -> bool {
        self.scenarios.is_empty()
    }

    /// What one unit of an option gains in each scenario, in micros of USDC, rounded half to even.
    pub fn option_profits(&self, it: &Quote) -> Vec<i64> {
        let [up, same, down] = self.shocks.volatilities(it.volatility, it.time);
        let volatility = |shock| match shock {
            Shock::Up => up,
            Shock::Same => same,
            Shock::Down => down,
        };
        let revalue = it.revaluer();
        self.scenarios.iter().map(|s| revalue.profit(volatility(s.shock), s.shift, s.weight)).collect()
    }

    /// What one unit of a future or perpetual gains, rounded half to even.
    pub fn linear_profits(&self, forward: Cash) -> Vec<i64> {
        let gain = |s: &Scenario| {
            let moved = i128::from(forward.micros()) * i128::from(s.shift.raw()) * i128::from(s.weight.raw());
            let unit = i128::from(Fix::SCALE) * i128::from(Fix::SCALE);
            num::div_half_even(moved, unit).and_then(|micros| i64::try_from(micros).ok()).unwrap_or(i64::MIN)
        };
        self.scenarios.iter().map(gain).collect()
    }
}

const fn thousandths(thousandths: i64) -> Fix {
    Fix::from_raw(thousandths * (Fix::SCALE / 1_000))
}

/// How long a contract has to go.
pub(crate) fn time_to(expiry: Timestamp, now: Timestamp) -> num::Duration {
    expiry.since(now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grids_have_their_scenarios() {
        assert_eq!(Grid::derive23_tail8().len(), 31);
        assert_eq!(Grid::grid27_ext8().len(), 35);
        let weights: i64 = Grid::derive23_tail8().scenarios.iter().map(|s| s.weight.raw()).sum();
        assert_eq!(weights, 23 * Fix::SCALE + 1_206 * (Fix::SCALE / 1_000));
    }

    #[test]
    fn a_future_gains_its_move() {
        let profits = Grid::derive23_tail8().linear_profits(Cash::from_micros(100_000_000));
        assert_eq!(profits[0], 18_000_000);
        assert_eq!(profits[23], -13_860_000);
    }
}
