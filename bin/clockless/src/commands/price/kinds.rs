//! The kinds of rows that `clockless price` answers, one line each.
//!
//! Invariant: a kind names every column that it reads and every answer that it gives.

use pricing::{DomainError, European, ImpliedError, Market, Right, Value};

use super::{
    exotic, models,
    sheet::{Fault, Row},
};

/// What stands in a row.
#[derive(Debug)]
pub(super) struct Kind {
    pub name: &'static str,
    /// Columns that it reads; T may be given as days.
    pub needs: &'static [&'static str],
    pub answers: &'static [&'static str],
    pub answer: fn(&Row) -> Result<Vec<f64>, Fault>,
}

const MARKET_ROW: &[&str] = &["type", "S", "K", "T", "r", "q", "sigma"];
const PRICE_AND_GREEKS: &[&str] = &["price", "delta", "gamma", "vega", "theta", "rho", "vanna", "volga"];

pub(super) static KINDS: &[Kind] = &[
    Kind {
        name: "european_black76",
        needs: &["type", "F", "K", "T", "r", "sigma"],
        answers: PRICE_AND_GREEKS,
        answer: black76,
    },
    Kind { name: "european_bs", needs: MARKET_ROW, answers: PRICE_AND_GREEKS, answer: black_scholes },
    Kind {
        name: "digital",
        needs: MARKET_ROW,
        answers: &[
            "cash_price_per_1",
            "cash_delta",
            "cash_gamma",
            "cash_vega",
            "cash_theta",
            "cash_rho",
            "asset_price",
            "asset_delta",
            "asset_gamma",
            "asset_vega",
            "asset_theta",
            "asset_rho",
        ],
        answer: exotic::digital,
    },
    Kind {
        name: "barrier",
        needs: &["barrier", "type", "S", "K", "B", "rebate", "T", "r", "q", "sigma"],
        answers: PRICE_AND_GREEKS,
        answer: exotic::barrier,
    },
    Kind {
        name: "lookback",
        needs: &["kind", "type", "S", "K", "running_extreme", "T", "r", "q", "sigma"],
        answers: PRICE_AND_GREEKS,
        answer: exotic::lookback,
    },
    Kind {
        name: "asian",
        needs: &["kind", "type", "S", "K", "fixings", "T", "r", "q", "sigma"],
        answers: PRICE_AND_GREEKS,
        answer: exotic::asian,
    },
    Kind { name: "american", needs: MARKET_ROW, answers: PRICE_AND_GREEKS, answer: exotic::american },
    Kind {
        name: "heston",
        needs: &["type", "S", "K", "T", "r", "q", "v0", "kappa", "theta", "vol_of_vol", "rho"],
        // The model's own theta and rho stand in columns of these names.
        answers: &["price", "delta", "gamma", "vega", "greek_theta", "greek_rho", "vanna", "volga"],
        answer: models::heston,
    },
    Kind {
        name: "sabr_hagan",
        needs: &["F", "K", "T", "alpha", "beta", "nu", "rho"],
        answers: &["black_vol"],
        answer: models::sabr,
    },
    Kind {
        name: "svi_raw",
        needs: &["a", "b", "rho", "m", "sigma", "T", "k"],
        answers: &["total_variance", "vol", "dw_dk", "d2w_dk2", "durrleman_g"],
        answer: models::svi,
    },
    Kind {
        name: "implied_vol",
        needs: &["type", "F", "K", "T", "r", "price"],
        answers: &["sigma"],
        answer: implied,
    },
];

/// The columns of the numbers, by the names that the formulas give them.
const COLUMNS: &[(&str, &str)] = &[
    ("spot", "S"),
    ("forward", "F"),
    ("strike", "K"),
    ("time", "T"),
    ("rate", "r"),
    ("dividend", "q"),
    ("volatility", "sigma"),
    ("level", "B"),
    ("extreme", "running_extreme"),
];

impl From<DomainError> for Fault {
    fn from(error: DomainError) -> Self {
        Self::new(column(error.field), format!("is {:?}, must be {}", error.have, error.need))
    }
}

fn column(field: &'static str) -> &'static str {
    COLUMNS.iter().find(|(name, _)| *name == field).map_or(field, |(_, column)| column)
}

pub(super) fn right(row: &Row) -> Result<Right, Fault> {
    match row.word("type")? {
        "C" | "c" | "call" => Ok(Right::Call),
        "P" | "p" | "put" => Ok(Right::Put),
        other => Err(Fault::new("type", format!("{other:?} is neither C nor P"))),
    }
}

pub(super) fn market(row: &Row) -> Result<Market, Fault> {
    Ok(Market {
        spot: row.number("S")?,
        rate: row.number("r")?,
        dividend: row.number("q")?,
        volatility: row.number("sigma")?,
    })
}

pub(super) fn all(value: &Value) -> Vec<f64> {
    let it = &value.greeks;
    vec![value.price, it.delta, it.gamma, it.vega, it.theta, it.rho, it.vanna, it.volga]
}

fn on_forward(row: &Row, volatility: f64) -> Result<pricing::Option, Fault> {
    Ok(pricing::Option {
        right: right(row)?,
        forward: row.number("F")?,
        strike: row.number("K")?,
        time: row.number("T")?,
        rate: row.number("r")?,
        volatility,
    })
}

fn black76(row: &Row) -> Result<Vec<f64>, Fault> {
    let option = on_forward(row, row.number("sigma")?)?;
    option.check()?;
    Ok(all(&pricing::value(&option)))
}

fn black_scholes(row: &Row) -> Result<Vec<f64>, Fault> {
    let terms = European { right: right(row)?, strike: row.number("K")?, time: row.number("T")? };
    Ok(all(&pricing::european(&terms, &market(row)?)?))
}

fn implied(row: &Row) -> Result<Vec<f64>, Fault> {
    let option = on_forward(row, 0.0)?;
    match pricing::implied_volatility(&option, row.number("price")?) {
        Ok(volatility) => Ok(vec![volatility]),
        Err(ImpliedError::Domain(error)) => Err(error.into()),
        Err(error) => Err(Fault::new("price", error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_name() {
        for (index, kind) in KINDS.iter().enumerate() {
            assert!(KINDS[..index].iter().all(|other| other.name != kind.name), "{} stands twice", kind.name);
        }
    }
}
