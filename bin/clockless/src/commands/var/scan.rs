//! The ranges that margin scenarios should span, by governance's formula over the history: what members propose, and
//! what everybody who votes can compute again.
//!
//! Invariant: a range is an integer of billionths that the exchange takes as it is.

use exchange::genesis::SCAN_BILLIONTHS_MAX;
use num::Fix;
use pricing::ScanFormula;
use serde_json::{Value, json};

use super::{
    domain,
    history::History,
    question::{Fault, Node},
};

/// A proposal for each asset.
pub(super) fn ranges(asked: &Node<'_>, history: &History) -> Result<Value, Fault> {
    let number = |field: &str| asked.field(field)?.number();
    let formula = ScanFormula {
        level: number("level")?,
        days: number("days")?,
        factor: number("factor")?,
        floor: Fix::from_raw(asked.field("floor_billionths")?.integer()?),
        ceiling: Fix::from_raw(SCAN_BILLIONTHS_MAX),
    };
    let proposals = history.names.iter().enumerate().map(|(place, name)| {
        let returns: Vec<f64> = history.days.iter().map(|day| day[place]).collect();
        let it = formula.range(&returns).map_err(|error| domain(error).within("scan"))?;
        Ok(json!({"parameter": format!("scan.{name}"), "value": it.range.raw(), "measured": it.measured}))
    });
    Ok(Value::Array(proposals.collect::<Result<_, Fault>>()?))
}
