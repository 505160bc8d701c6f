//! Grids and portfolios out of JSON, field by field.
//!
//! Invariant: what is refused is named by its path in the document, with what was had and what is needed.

use num::{DAY_MS, Duration, Fix};
use pricing::{Exposure, Option as Contract, Right, Shift, VolatilityShocks, to_trillionths};
use serde_json::Value;

use super::{
    super::{Grid, Scenario, Shock},
    portfolio::{Portfolio, PortfolioPosition},
};

/// Why a file or a part of it has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("line {line}, column {column}: {reason}")]
    Syntax { line: usize, column: usize, reason: String },
    #[error("{path} is missing, must be {need}")]
    Missing { path: String, need: &'static str },
    #[error("{path} is {have}, must be {need}")]
    Value { path: String, have: String, need: &'static str },
    #[error("{path} adds up to more than can be counted")]
    TooLarge { path: String },
}

/// A value and where in the document it stands.
#[derive(Clone, Debug)]
pub(super) struct Place<'a> {
    pub path: String,
    pub value: &'a Value,
}

impl<'a> Place<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self { path: String::new(), value }
    }

    fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn optional(&self, name: &str) -> Option<Self> {
        self.value.get(name).map(|value| Self { path: self.path_of(name), value })
    }

    pub(super) fn field(&self, name: &str, need: &'static str) -> Result<Self, FileError> {
        if !self.value.is_object() {
            let path = if self.path.is_empty() { "the document".to_owned() } else { self.path.clone() };
            return Err(FileError::Value { path, have: shown(self.value), need: "an object" });
        }
        self.optional(name).ok_or_else(|| FileError::Missing { path: self.path_of(name), need })
    }

    pub(super) fn list(&self, need: &'static str) -> Result<Vec<Self>, FileError> {
        let items = self.value.as_array().ok_or_else(|| self.refuse(need))?;
        let item = |(index, value)| Self { path: format!("{}[{index}]", self.path), value };
        Ok(items.iter().enumerate().map(item).collect())
    }

    fn refuse(&self, need: &'static str) -> FileError {
        FileError::Value { path: self.path.clone(), have: shown(self.value), need }
    }

    /// A number for which the rule holds.
    fn number(&self, need: &'static str, rule: impl Fn(f64) -> bool) -> Result<f64, FileError> {
        let number = self.value.as_f64().filter(|number| number.is_finite() && rule(*number));
        number.ok_or_else(|| self.refuse(need))
    }

    /// A number of the field for which the rule holds.
    fn number_of(
        &self,
        name: &str,
        need: &'static str,
        rule: impl Fn(f64) -> bool,
    ) -> Result<f64, FileError> {
        self.field(name, need)?.number(need, rule)
    }

    fn counted(&self, need: &'static str) -> Result<i128, FileError> {
        let number = self.number(need, |_| true)?;
        to_trillionths(number).ok_or_else(|| self.refuse(need))
    }
}

/// A value as an error shows it: short.
fn shown(value: &Value) -> String {
    const LONGEST: usize = 40;
    match value {
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object".to_owned(),
        other => other.to_string().chars().take(LONGEST).collect(),
    }
}

const ABOVE_ZERO: &str = "a number above zero";
const ZERO_OR_MORE: &str = "a number, zero or more";

pub(super) fn read_portfolio(place: &Place<'_>) -> Result<Portfolio, FileError> {
    place.field("id", "a number or a text")?;
    place.number_of("spot", ABOVE_ZERO, |spot| spot > 0.0)?;
    let spot = place.field("spot", ABOVE_ZERO)?.counted("a number up to a quadrillion")?;
    let positions = place.field("positions", "a list of positions")?.list("a list of positions")?;
    let positions = positions.iter().map(read_position).collect::<Result<_, _>>()?;
    Ok(Portfolio { spot, positions })
}

fn read_position(place: &Place<'_>) -> Result<PortfolioPosition, FileError> {
    const KINDS: &str = "\"option\", \"future\" or \"perp\"";
    let kind = place.field("kind", KINDS)?;
    let exposure = match kind.value.as_str() {
        Some("option") => Exposure::Option(read_option(place)?),
        Some("future") => {
            days(place)?;
            Exposure::Linear { forward: forward(place)? }
        }
        Some("perp") => Exposure::Linear { forward: forward(place)? },
        _ => return Err(kind.refuse(KINDS)),
    };
    const QUANTITY: &str = "a number within a quadrillion";
    let quantity = place.field("qty", QUANTITY)?.counted(QUANTITY)?;
    Ok(PortfolioPosition { exposure, quantity })
}

fn read_option(place: &Place<'_>) -> Result<Contract, FileError> {
    const RIGHTS: &str = "\"C\" or \"P\"";
    let right = place.field("type", RIGHTS)?;
    let right = match right.value.as_str() {
        Some("C") => Right::Call,
        Some("P") => Right::Put,
        _ => return Err(right.refuse(RIGHTS)),
    };
    Ok(Contract {
        right,
        forward: forward(place)?,
        strike: place.number_of("strike", ABOVE_ZERO, |strike| strike > 0.0)?,
        time: pricing::years_of_days(days(place)?),
        rate: 0.0,
        volatility: place.number_of("vol", ZERO_OR_MORE, |volatility| volatility >= 0.0)?,
    })
}

fn forward(place: &Place<'_>) -> Result<f64, FileError> {
    place.number_of("forward", ABOVE_ZERO, |forward| forward > 0.0)
}

fn days(place: &Place<'_>) -> Result<f64, FileError> {
    place.number_of("days", ZERO_OR_MORE, |days| days >= 0.0)
}

/// Every grid of the document, or why it is none.
pub(super) fn read_grids(place: &Place<'_>) -> Result<Vec<Result<Grid, FileError>>, FileError> {
    let grids = place.value.as_object().ok_or_else(|| place.refuse("grids by name"))?;
    let grid = |name: &String| read_grid(name, &place.field(name, "a grid")?);
    Ok(grids.keys().map(grid).collect())
}

/// A grid whose shocks scale with time, or one of relative ranges that looks days ahead.
fn read_grid(name: &str, place: &Place<'_>) -> Result<Grid, FileError> {
    let scenarios = place.field("scen", "a list of scenarios")?.list("a list of scenarios")?;
    let scenarios: Vec<Scenario> = scenarios.iter().map(read_scenario).collect::<Result<_, _>>()?;
    let part = |name: &str| ratio_of(place, name);
    let or_zero = |name: &str| if place.optional(name).is_some() { part(name) } else { Ok(Fix::ZERO) };
    let (shocks, ahead) = if place.optional("vsr").is_some() {
        let none = Fix::ZERO;
        let range = part("vsr")?;
        let shocks = VolatilityShocks {
            up: range,
            down: range,
            short_power: none,
            long_power: none,
            floor: none,
            up_min: none,
        };
        (shocks, read_ahead(place)?)
    } else {
        let shocks = VolatilityShocks {
            up: part("vol_up")?,
            down: part("vol_down")?,
            short_power: part("short_power")?,
            long_power: part("long_power")?,
            floor: or_zero("vol_floor")?,
            up_min: or_zero("min_vol_up")?,
        };
        (shocks, Duration::default())
    };
    let tails_from = scenarios.len();
    Ok(Grid { name: name.to_owned(), scenarios, tails_from, shocks, ahead })
}

fn read_ahead(place: &Place<'_>) -> Result<Duration, FileError> {
    const NEED: &str = "a whole number of days up to 36,500";
    let days = place.field("lookahead_days", NEED)?;
    let whole = days.value.as_u64().filter(|days| *days <= 36_500).ok_or_else(|| days.refuse(NEED))?;
    Ok(Duration::from_millis(whole * DAY_MS))
}

/// A move, a shock, and a weight.
fn read_scenario(place: &Place<'_>) -> Result<Scenario, FileError> {
    const NEED: &str = "a move, a shock and a weight";
    const MOVE: &str = "a number from -1 to 1,000";
    const SHOCKS: &str = "\"up\", \"same\" or \"down\"";
    let parts = place.list(NEED)?;
    let [shift, shock, weight] = parts.as_slice() else { return Err(place.refuse(NEED)) };
    shift.number(MOVE, |shift| (-1.0..=1_000.0).contains(&shift))?;
    let trillionths = i64::try_from(shift.counted(MOVE)?).map_err(|_| shift.refuse(MOVE))?;
    let shock = match shock.value.as_str() {
        Some("up") => Shock::Up,
        Some("same") => Shock::Same,
        Some("down") => Shock::Down,
        _ => return Err(shock.refuse(SHOCKS)),
    };
    Ok(Scenario { shift: Shift { trillionths }, shock, weight: ratio(weight)? })
}

fn ratio_of(place: &Place<'_>, name: &str) -> Result<Fix, FileError> {
    ratio(&place.field(name, RATIO)?)
}

const RATIO: &str = "a number from 0 to 1,000";

/// A ratio to nine places.
fn ratio(place: &Place<'_>) -> Result<Fix, FileError> {
    place.number(RATIO, |ratio| (0.0..=1_000.0).contains(&ratio))?;
    let billionths = num::div_half_even(place.counted(RATIO)?, 1_000);
    let raw = billionths.and_then(|it| i64::try_from(it).ok());
    raw.map(Fix::from_raw).ok_or_else(|| place.refuse(RATIO))
}
