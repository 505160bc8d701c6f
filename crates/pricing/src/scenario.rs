//! Profit of one unit of an option when forward and volatility move.
//!
//! Invariant: the shocks come in as data. Volatility moves scale with (30 / days) to a power that differs for
//! short and long dates.

use num::{Cash, Duration, Fix};

use crate::{
    black::{self, Option},
    border::{Quote, from_cash, from_fix, to_float, to_integer, to_trillionths, years},
    elementary::pow,
    exotic::{Exotic, ExoticQuote},
};

/// Dates count as at least an hour away, so that the last minutes do not blow the shocks up.
const DAYS_MIN: f64 = 1.0 / 24.0;
const DAYS_PER_YEAR: f64 = 365.0;
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

/// How far a forward moves, as a part of itself: a third of a range needs more places than `Fix` has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    pub trillionths: i64,
}

/// What one unit gains in a scenario, not yet rounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gain(f64);

/// What one unit of a contract is exposed to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Exposure {
    /// Moves one to one with its forward.
    Linear {
        forward: f64,
    },
    Option(Option),
    /// Dies, pays or averages by its own rules.
    Exotic(Exotic),
}

/// An exotic valued once, as `Revaluer` does an option.
#[derive(Clone, Copy, Debug)]
pub struct ExoticRevaluer {
    exotic: Exotic,
    price: f64,
}

/// An option valued once, to be compared with what it becomes.
#[derive(Clone, Copy, Debug)]
pub struct Revaluer {
    /// With the time that will be left when it is valued again.
    option: Option,
    price: f64,
}

impl VolatilityShocks {
    /// The volatility of an exotic shocked up, as it is, and shocked down, with so much time to go.
    pub fn exotic_volatilities(&self, it: &Exotic) -> [Shocked; 3] {
        self.volatilities(&it.european())
    }

    /// The same of an option.
    pub fn volatilities(&self, it: &Option) -> [Shocked; 3] {
        let (volatility, days) = (it.volatility, it.time * DAYS_PER_YEAR);
        let power = if days < LONG_DAYS { self.short_power } else { self.long_power };
        let scale = pow(LONG_DAYS / days.max(DAYS_MIN), from_fix(power));
        let up = (volatility * (1.0 + from_fix(self.up) * scale)).max(from_fix(self.up_min));
        let down = (volatility * (1.0 - from_fix(self.down) * scale)).max(from_fix(self.floor));
        [Shocked(up), Shocked(volatility), Shocked(down)]
    }
}

impl Revaluer {
    /// Values an option as it is, to be compared with itself `ahead` later: not before its expiry, where it
    /// is worth its intrinsic value.
    pub fn new(it: Option, ahead: Duration) -> Self {
        let time = (it.time - years(ahead)).max(0.0);
        Self { option: Option { time, ..it }, price: black::price(&it) }
    }

    /// What one unit gains, times `weight`, when the forward moves by `shift` and the volatility becomes
    /// `volatility`.
    pub fn gain(&self, volatility: Shocked, shift: Shift, weight: Fix) -> Gain {
        let forward = self.option.forward * (1.0 + shift.ratio());
        let after = black::price(&Option { forward, volatility: volatility.0, ..self.option });
        Gain(from_fix(weight) * (after - self.price))
    }
}

impl ExoticRevaluer {
    pub fn new(it: &Exotic, ahead: Duration) -> Self {
        Self { exotic: it.later(ahead), price: it.price() }
    }

    /// What one unit gains, times `weight`, when index and forward move by `shift` and the volatility becomes
    /// `volatility`.
    pub fn gain(&self, volatility: Shocked, shift: Shift, weight: Fix) -> Gain {
        let after = self.exotic.moved(shift.ratio(), volatility).price();
        Gain(from_fix(weight) * (after - self.price))
    }
}

impl Exposure {
    pub fn exotic(it: &ExoticQuote) -> Self {
        Self::Exotic(it.exotic())
    }

    pub fn linear(forward: Cash) -> Self {
        Self::Linear { forward: from_cash(forward) }
    }

    pub fn option(it: &Quote) -> Self {
        Self::Option(it.option())
    }

    /// What one unit is worth: nothing where every gain is paid as it is made.
    pub fn value(&self) -> Gain {
        match self {
            Self::Linear { .. } => Gain(0.0),
            Self::Option(it) => Gain(black::price(it)),
            Self::Exotic(it) => Gain(it.price()),
        }
    }
}

impl Shift {
    /// In proportion to a range that was `from` and is `to`, rounded away from zero; saturates.
    #[must_use]
    pub fn stretched(self, to: Fix, from: Fix) -> Self {
        let (to, from) = (i128::from(to.raw()), i128::from(from.raw()).max(1));
        let whole = i128::from(self.trillionths.unsigned_abs()) * to.max(0);
        let size = i64::try_from((whole + from - 1) / from).unwrap_or(i64::MAX);
        Self { trillionths: size * self.trillionths.signum() }
    }

    fn ratio(self) -> f64 {
        to_float(self.trillionths) / 1e12
    }
}

impl Gain {
    /// Of one unit that moves one to one with a forward.
    pub fn linear(forward: f64, shift: Shift, weight: Fix) -> Self {
        Self(from_fix(weight) * (forward * shift.ratio()))
    }

    /// Millionths of a USDC, half to even; saturates.
    pub fn micros(self) -> i64 {
        to_integer(self.0 * 1e6)
    }

    /// Trillionths of a USDC, half to even; `None` beyond what is counted.
    pub fn picos(self) -> core::option::Option<i128> {
        to_trillionths(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::black::Right;
    use num::DAY_MS;

    #[test]
    fn nothing_moved_is_nothing_gained_and_a_call_gains_when_the_forward_rises() {
        let it = Option {
            right: Right::Call,
            forward: 100.0,
            strike: 100.0,
            time: 14.0 / 365.0,
            rate: 0.0,
            volatility: 0.5,
        };
        let shocks = VolatilityShocks {
            up: Fix::from_raw(600_000_000),
            down: Fix::from_raw(300_000_000),
            short_power: Fix::from_raw(300_000_000),
            long_power: Fix::from_raw(130_000_000),
            floor: Fix::from_raw(10_000_000),
            up_min: Fix::ZERO,
        };
        let [up, same, down] = shocks.volatilities(&it);
        let revaluer = Revaluer::new(it, Duration::default());
        let gain =
            |volatility, trillionths| revaluer.gain(volatility, Shift { trillionths }, Fix::ONE).micros();
        assert_eq!(gain(same, 0), 0);
        assert!(gain(same, 45_000_000_000) > 0);
        assert!(gain(up, 0) > 0);
        assert!(gain(down, 0) < 0);
        let tomorrow = Revaluer::new(it, Duration::from_millis(DAY_MS));
        assert!(tomorrow.gain(same, Shift { trillionths: 0 }, Fix::ONE).micros() < 0, "a day of theta");
        let beyond = Revaluer::new(it, Duration::from_millis(15 * DAY_MS));
        let lost = beyond.gain(same, Shift { trillionths: 0 }, Fix::ONE).micros();
        assert_eq!(lost, -Gain(black::price(&it)).micros(), "at expiry only the intrinsic value is left");
    }
}
