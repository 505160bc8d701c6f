//! A portfolio of underlyings and options on them, valued again after a day.
//!
//! Invariant: options are revalued in full, never by their Greeks.

use crate::{
    black::{self, Option, Right},
    domain::Need,
};

const DAYS_PER_YEAR: f64 = 365.0;
/// A return can be as bad as this: a price never goes to zero.
const RETURN_MIN: f64 = -0.999_999;
const SHIFT: Need = Need { min: -1.0, max: 1e6 };
const FACTOR: Need = Need { min: 0.0, max: 100.0 };
const DAYS: Need = Need { min: 0.0, max: 73_000.0 };

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

/// A state of the world some days ahead.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The part of itself by which each underlying moves.
    pub shifts: Vec<f64>,
    pub volatility_factor: f64,
    /// Options that end before then are worth what exercise pays.
    pub days: f64,
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
    #[error("scenario {scenario} has {have} shifts for {need} spots")]
    Shifts { scenario: usize, have: usize, need: usize },
    #[error("scenario {scenario} has {field} {have}, must be {need}")]
    Scenario { scenario: usize, field: &'static str, have: f64, need: Need },
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
        -self.gain(returns, 1.0, 1.0)
    }

    /// What it gains in each scenario of a grid, every option valued anew.
    pub fn gains(&self, grid: &[Scenario]) -> Result<Vec<f64>, PortfolioError> {
        grid.iter().enumerate().map(|(scenario, it)| self.gain_in(scenario, it)).collect()
    }

    fn gain_in(&self, scenario: usize, it: &Scenario) -> Result<f64, PortfolioError> {
        if it.shifts.len() != self.assets() {
            return Err(PortfolioError::Shifts { scenario, have: it.shifts.len(), need: self.assets() });
        }
        let in_domain = |field, have, need: Need| match need.check(field, have) {
            Ok(_) => Ok(()),
            Err(_) => Err(PortfolioError::Scenario { scenario, field, have, need }),
        };
        for shift in &it.shifts {
            in_domain("shift", *shift, SHIFT)?;
        }
        in_domain("volatility factor", it.volatility_factor, FACTOR)?;
        in_domain("days", it.days, DAYS)?;
        Ok(self.gain(&it.shifts, it.volatility_factor, it.days))
    }

    fn gain(&self, shifts: &[f64], volatility_factor: f64, days: f64) -> f64 {
        let linear = self.linear.iter().zip(&self.spot).zip(shifts);
        let gain: f64 = linear.map(|((quantity, spot), part)| quantity * spot * part).sum();
        let options = self.options.iter().map(|(it, today)| {
            let part = shifts.get(it.asset).copied().unwrap_or(0.0).max(RETURN_MIN);
            let forward = self.spot[it.asset] * (1.0 + part);
            let mut after = it.on(forward, (it.days - days).max(0.0));
            after.volatility *= volatility_factor;
            it.quantity * (black::price(&after) - today)
        });
        gain + options.sum::<f64>()
    }
}

impl Scenario {
    /// Every shift of all underlyings together, with every factor: the factors change fastest.
    pub fn grid(assets: usize, shifts: &[f64], volatility_factors: &[f64], days: f64) -> Vec<Self> {
        let with = |shift: f64| {
            let one =
                move |factor: &f64| Self { shifts: vec![shift; assets], volatility_factor: *factor, days };
            volatility_factors.iter().map(one)
        };
        shifts.iter().flat_map(|shift| with(*shift)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    fn straddle() -> Portfolio {
        let option = |right| PortfolioOption {
            asset: 0,
            right,
            strike: 100.0,
            days: 30.0,
            volatility: 0.5,
            quantity: -2.0,
        };
        let options = [option(Right::Call), option(Right::Put)];
        Portfolio::new(vec![100.0, 50.0], vec![1.0, 3.0], &options).unwrap()
    }

    #[test]
    fn a_grid_is_every_shift_with_every_factor() {
        let grid = Scenario::grid(2, &[-0.1, 0.0, 0.1], &[0.8, 1.0, 1.5], 0.0);
        assert_eq!(grid.len(), 9);
        let gains = straddle().gains(&grid).unwrap();
        assert_eq!(gains[4], 0.0, "nothing moves, nothing is gained");
        assert!(gains[3] > 0.0 && gains[5] < 0.0, "short volatility");
        assert!(gains[6] > gains[7] && gains[7] > gains[8]);
    }

    #[test]
    fn a_day_with_returns_is_a_scenario() {
        let it = Scenario { shifts: vec![0.03, -0.02], volatility_factor: 1.0, days: 1.0 };
        let gains = straddle().gains(&[it]).unwrap();
        assert_eq!(gains, [-straddle().loss(&[0.03, -0.02])]);
        let end = Scenario { shifts: vec![0.07, 0.0], volatility_factor: 3.0, days: 40.0 };
        let at_end = straddle().gains(&[end]).unwrap()[0];
        let today = straddle().options.iter().map(|(_, price)| price).sum::<f64>();
        assert!((at_end - (7.0 + 2.0 * (today - 7.0))).abs() < 1e-12, "only what exercise pays is left");
    }

    #[test]
    fn a_scenario_that_cannot_be_is_named() {
        let sound = Scenario { shifts: vec![0.0, 0.0], volatility_factor: 1.0, days: 0.0 };
        let refuse = |it: Scenario| straddle().gains(&[sound.clone(), it]).unwrap_err().to_string();
        let few = Scenario { shifts: vec![0.0], ..sound.clone() };
        assert_eq!(refuse(few), "scenario 1 has 1 shifts for 2 spots");
        let wild = Scenario { volatility_factor: -1.0, ..sound.clone() };
        assert!(refuse(wild).starts_with("scenario 1 has volatility factor -1, must be"));
        let nowhere = Scenario { shifts: vec![0.0, f64::NAN], ..sound.clone() };
        assert!(refuse(nowhere).starts_with("scenario 1 has shift NaN"));
    }
}
