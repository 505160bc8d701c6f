//! The three grids that are there, as data.
//!
//! Sources of the numbers: Derive, "Portfolio Margin Parameters" (spot steps and tail dampening); Deribit's
//! published portfolio margin parameters (price range 16 %, volatility 50 % up and 25 % down, powers 0.3 and
//! 0.13); CME, "SPAN" (fifteen scenarios and the extreme moves). The powers and the shock down of
//! `derive23_tail8`, and the ranges of `span16`, are our assumption.
//!
//! Invariant: the tables here are the whole difference between the grids.

use num::{DAY_MS, Duration, Fix};
use pricing::{Shift, VolatilityShocks};

use super::{Grid, Scenario, Shock};

/// Move, shock and weight in thousandths.
type Row = (i64, Shock, i64);

/// Tails of two grids: far moves with volatility up, dampened.
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
    /// The grid of a name, if there is one.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|grid| grid.name == name)
    }

    /// Every grid there is.
    pub fn all() -> [Self; 3] {
        [Self::grid27_ext8(), Self::derive23_tail8(), Self::span16()]
    }

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
        Self::of_rows("derive23_tail8", &rows, shocks)
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
        Self::of_rows("grid27_ext8", &rows, shocks)
    }

    /// Thirds of a range of 16 % either way with two volatilities each, and a third of the loss of three
    /// ranges; a day later.
    pub fn span16() -> Self {
        /// A third of the range, as the published table rounds it.
        const THIRDS: [i64; 4] = [0, 53_333_333_300, 106_666_666_700, 160_000_000_000];
        const EXTREME: i64 = 480_000_000_000;
        let scenario = |trillionths: i64, shock: Shock, weight: i64| Scenario {
            shift: Shift { trillionths },
            shock,
            weight: thousandths(weight),
        };
        let mut scenarios = Vec::new();
        for size in THIRDS {
            let signs: &[i64] = if size == 0 { &[1] } else { &[1, -1] };
            for sign in signs {
                scenarios.extend([Shock::Up, Shock::Down].map(|shock| scenario(sign * size, shock, 1_000)));
            }
        }
        scenarios.extend([1, -1].map(|sign| scenario(sign * EXTREME, Shock::Same, 330)));
        let shocks = VolatilityShocks {
            up: thousandths(250),
            down: thousandths(250),
            short_power: Fix::ZERO,
            long_power: Fix::ZERO,
            floor: Fix::ZERO,
            up_min: Fix::ZERO,
        };
        let (name, tails_from, ahead) = ("span16".to_owned(), scenarios.len(), Duration::from_millis(DAY_MS));
        Self { name, scenarios, tails_from, shocks, ahead }
    }

    fn of_rows(name: &str, rows: &[Row], shocks: VolatilityShocks) -> Self {
        let scenario = |(shift, shock, weight): &Row| Scenario {
            shift: Shift { trillionths: shift * 1_000_000_000 },
            shock: *shock,
            weight: thousandths(*weight),
        };
        let scenarios = rows.iter().map(scenario).collect();
        let tails_from = rows.len() - TAILS.len();
        Self { name: name.to_owned(), scenarios, tails_from, shocks, ahead: Duration::default() }
    }
}

const fn thousandths(thousandths: i64) -> Fix {
    Fix::from_raw(thousandths * (Fix::SCALE / 1_000))
}

#[cfg(test)]
mod tests {
    use num::Cash;
    use pricing::Exposure;

    use super::*;

    #[test]
    fn the_grids_have_their_scenarios() {
        let sizes = Grid::all().map(|grid| grid.len());
        assert_eq!(sizes, [35, 31, 16]);
        for (name, of_full_weight) in [("derive23_tail8", 23), ("grid27_ext8", 27)] {
            let grid = Grid::named(name).unwrap();
            let weights: i64 = grid.scenarios.iter().map(|s| s.weight.raw()).sum();
            assert_eq!(weights, of_full_weight * Fix::SCALE + 1_206 * (Fix::SCALE / 1_000));
        }
        assert_eq!(Grid::named("span17"), None);
    }

    #[test]
    fn a_range_stretches_every_scenario_but_the_tails() {
        for grid in Grid::all() {
            assert_eq!(grid.stretched(grid.range()), grid, "its own range changes nothing");
            let wide = grid.stretched(thousandths(240));
            assert_eq!(wide.range(), thousandths(240), "{}", grid.name);
            for (place, (wide, own)) in wide.scenarios.iter().zip(&grid.scenarios).enumerate() {
                let (wide, own) = (wide.shift.trillionths, own.shift.trillionths);
                let is_tail = place >= grid.tails_from;
                let grows = own.abs() < wide.abs() || own == 0;
                assert!(if is_tail { wide == own } else { grows && own.signum() == wide.signum() });
            }
            let narrow = grid.stretched(thousandths(100));
            assert_eq!(narrow.range(), thousandths(100), "{}", grid.name);
        }
        let [tails, ..] = Grid::all();
        assert_eq!((tails.range(), tails.tails_from), (thousandths(160), 27));
        // A third of the move of 160 is 53.3333333; of 100 it is 33.3333333125, rounded up.
        let thirds = Grid::span16().stretched(thousandths(100));
        assert_eq!(thirds.scenarios[2].shift.trillionths, 33_333_333_313);
    }

    #[test]
    fn a_future_gains_its_move() {
        let future = Exposure::linear(Cash::from_micros(100_000_000));
        let profits = Grid::derive23_tail8().profits(&future);
        assert_eq!(profits[0], 18_000_000);
        assert_eq!(profits[23], -13_860_000);
        assert_eq!(Grid::span16().profits(&future)[14..], [15_840_000, -15_840_000]);
    }
}
