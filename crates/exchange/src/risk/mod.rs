//! Scenario grids, and what one unit of a contract gains in each of their scenarios.
//!
//! Invariant: a grid is a value; nothing else in the exchange knows how many scenarios there are, and one
//! engine serves them all: the marks of the exchange, and portfolios in files.

pub mod file;
mod grids;

use num::{Duration, Fix, Timestamp};
use pricing::{ExoticRevaluer, Exposure, Gain, Revaluer, Shift, Shocked, VolatilityShocks};

use crate::instrument::Profits;

const TRILLIONTHS_PER_BILLIONTH: i64 = 1_000;

/// Which way volatility goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shock {
    Up,
    Same,
    Down,
}

impl Shock {
    /// The volatility under the shock, of the three that there are.
    const fn of(self, [up, same, down]: [Shocked; 3]) -> Shocked {
        match self {
            Self::Up => up,
            Self::Same => same,
            Self::Down => down,
        }
    }
}

/// One state of the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The part of itself by which the forward moves.
    pub shift: Shift,
    pub shock: Shock,
    /// The part of the profit that counts: tails are dampened.
    pub weight: Fix,
}

/// Scenarios, how volatility is shocked, and how much later the world is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid {
    pub name: String,
    pub scenarios: Vec<Scenario>,
    /// The scenarios from here on are tails: they stay where they are when the range of the others changes.
    pub tails_from: usize,
    pub shocks: VolatilityShocks,
    /// Options are valued so much closer to their expiry.
    pub ahead: Duration,
}

impl Grid {
    /// How many scenarios.
    pub fn len(&self) -> usize {
        self.scenarios.len()
    }

    pub fn is_empty(&self) -> bool {
        self.scenarios.is_empty()
    }

    /// How far the forward moves in the scenarios that count whole, as a part of itself.
    pub fn range(&self) -> Fix {
        let whole = self.scenarios.iter().filter(|it| it.weight == Fix::ONE);
        let most = whole.map(|it| it.shift.trillionths.saturating_abs()).max().unwrap_or(0);
        Fix::from_raw(most / TRILLIONTHS_PER_BILLIONTH)
    }

    /// The same scenarios over another range: every move but those of the tails grows in proportion, rounded away
    /// from zero, so against the account.
    #[must_use]
    pub fn stretched(&self, range: Fix) -> Self {
        let own = self.range();
        let mut it = self.clone();
        for scenario in it.scenarios.iter_mut().take(self.tails_from) {
            scenario.shift = scenario.shift.stretched(range, own);
        }
        it
    }

    /// What one unit gains in each scenario.
    pub fn gains(&self, it: &Exposure) -> Vec<Gain> {
        match it {
            Exposure::Linear { forward } => {
                self.scenarios.iter().map(|s| Gain::linear(*forward, s.shift, s.weight)).collect()
            }
            Exposure::Option(it) => {
                let volatilities = self.shocks.volatilities(it);
                let revaluer = Revaluer::new(*it, self.ahead);
                let gain = |s: &Scenario| revaluer.gain(s.shock.of(volatilities), s.shift, s.weight);
                self.scenarios.iter().map(gain).collect()
            }
            Exposure::Exotic(it) => {
                let volatilities = self.shocks.exotic_volatilities(it);
                let revaluer = ExoticRevaluer::new(it, self.ahead);
                let gain = |s: &Scenario| revaluer.gain(s.shock.of(volatilities), s.shift, s.weight);
                self.scenarios.iter().map(gain).collect()
            }
        }
    }

    /// The same in micros of USDC, rounded half to even.
    pub fn profits(&self, it: &Exposure) -> Profits {
        self.gains(it).into_iter().map(Gain::micros).collect()
    }
}

/// The scenario with the least sum, the first of several.
pub(crate) fn worst(sums: impl Iterator<Item = i128>) -> Option<(usize, i128)> {
    sums.enumerate().min_by_key(|(_, sum)| *sum)
}

/// How long a contract has to go.
pub(crate) fn time_to(expiry: Timestamp, now: Timestamp) -> Duration {
    expiry.since(now)
}
