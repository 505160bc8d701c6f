//! What a file asks, read field by field.
//!
//! Invariant: whatever is wrong is named by where it stands, such as `options[2].strike`; a file that is no JSON is
//! refused whole, with line and column.

use pricing::{Portfolio, PortfolioOption, Right, Scenario};
use serde_json::{Map, Value};

/// A place in the file, and what is wrong there.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub field: String,
    pub reason: String,
}

/// One thing of the file and its place.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    place: String,
    value: &'a Value,
}

impl Fault {
    pub(super) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

impl core::fmt::Display for Fault {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        if self.field.is_empty() {
            return write!(f, "{}", self.reason);
        }
        write!(f, "{} {}", self.field, self.reason)
    }
}

impl<'a> Node<'a> {
    pub(super) const fn root(value: &'a Value) -> Self {
        Self { place: String::new(), value }
    }

    fn wrong(&self, need: &str) -> Fault {
        let mut have = self.value.to_string();
        if have.len() > 40 {
            have = have.chars().take(40).chain("...".chars()).collect();
        }
        Fault::new(self.place.clone(), format!("is {have}, must be {need}"))
    }

    fn object(&self) -> Result<&'a Map<String, Value>, Fault> {
        self.value.as_object().ok_or_else(|| self.wrong("an object"))
    }

    /// A field that may be left out.
    pub(super) fn find(&self, field: &str) -> Result<Option<Self>, Fault> {
        let place = if self.place.is_empty() { field.to_owned() } else { format!("{}.{field}", self.place) };
        Ok(self.object()?.get(field).filter(|it| !it.is_null()).map(|value| Self { place, value }))
    }

    pub(super) fn field(&self, field: &str) -> Result<Self, Fault> {
        let missing = || Fault::new(self.place.clone(), format!("lacks the field {field}"));
        self.find(field)?.ok_or_else(missing)
    }

    pub(super) fn items(&self) -> Result<Vec<Self>, Fault> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("a list"))?.iter().enumerate();
        Ok(items.map(|(i, value)| Self { place: format!("{}[{i}]", self.place), value }).collect())
    }

    pub(super) fn number(&self) -> Result<f64, Fault> {
        self.value.as_f64().ok_or_else(|| self.wrong("a number"))
    }

    pub(super) fn numbers(&self) -> Result<Vec<f64>, Fault> {
        self.items()?.iter().map(Self::number).collect()
    }

    pub(super) fn value(&self) -> Value {
        self.value.clone()
    }

    pub(super) fn portfolio(&self) -> Result<Portfolio, Fault> {
        let (spot, linear) = (self.field("spot")?.numbers()?, self.field("linear_qty")?.numbers()?);
        let options = match self.find("options")? {
            Some(options) => options.items()?.iter().map(Self::option).collect::<Result<Vec<_>, _>>()?,
            None => Vec::new(),
        };
        Portfolio::new(spot, linear, &options).map_err(|error| Fault::new("", error.to_string()))
    }

    fn option(&self) -> Result<PortfolioOption, Fault> {
        let (asset, right) = (self.field("asset")?, self.field("type")?);
        let number = |field: &str| self.field(field)?.number();
        Ok(PortfolioOption {
            asset: asset
                .value
                .as_u64()
                .and_then(|it| usize::try_from(it).ok())
                .ok_or_else(|| asset.wrong("the place of a spot"))?,
            right: match right.value.as_str() {
                Some("C") => Right::Call,
                Some("P") => Right::Put,
                _ => return Err(right.wrong("\"C\" or \"P\"")),
            },
            strike: number("strike")?,
            days: number("days")?,
            volatility: number("vol")?,
            quantity: number("qty")?,
        })
    }

    /// A grid of shifts and volatility factors, or a list of scenarios.
    pub(super) fn scenarios(&self, assets: usize) -> Result<Vec<Scenario>, Fault> {
        let or = |it: &Self, field: &str, usual: f64| it.find(field)?.map_or(Ok(usual), |it| it.number());
        if self.value.is_object() {
            let (shifts, factors) = (self.field("shifts")?, self.field("volatility_factors")?);
            let days = or(self, "days", 0.0)?;
            return Ok(Scenario::grid(assets, &shifts.numbers()?, &factors.numbers()?, days));
        }
        let one = |it: &Self| {
            let shift = it.field("shift")?;
            let shifts =
                if shift.value.is_array() { shift.numbers()? } else { vec![shift.number()?; assets] };
            let volatility_factor = or(it, "volatility_factor", 1.0)?;
            Ok(Scenario { shifts, volatility_factor, days: or(it, "days", 0.0)? })
        };
        self.items()?.iter().map(one).collect()
    }
}
