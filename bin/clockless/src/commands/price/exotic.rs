//! Rows of contracts beyond the European option.
//!
//! Invariant: words of a row are read here, numbers are judged by the formulas.

use pricing::{
    American, Asian, Average, Barrier, Crossing, Digital, Formula, Knock, Lookback, Payout, Strike,
    contract_value,
};

use super::{
    kinds::{all, market, right},
    sheet::{Fault, Row, shown},
};

pub(super) fn digital(row: &Row) -> Result<Vec<f64>, Fault> {
    let mut answers = Vec::new();
    for payout in [Payout::Cash, Payout::Asset] {
        let terms = Digital { right: right(row)?, payout, strike: row.number("K")?, time: row.number("T")? };
        answers.extend_from_slice(&value(row, &terms)?[..6]);
    }
    Ok(answers)
}

pub(super) fn barrier(row: &Row) -> Result<Vec<f64>, Fault> {
    let (crossing, knock) = match row.word("barrier")? {
        "UI" => (Crossing::Up, Knock::In),
        "UO" => (Crossing::Up, Knock::Out),
        "DI" => (Crossing::Down, Knock::In),
        "DO" => (Crossing::Down, Knock::Out),
        other => return Err(Fault::new("barrier", format!("{:?} is none of UI, UO, DI, DO", shown(other)))),
    };
    let terms = Barrier {
        right: right(row)?,
        crossing,
        knock,
        strike: row.number("K")?,
        level: row.number("B")?,
        rebate: row.number("rebate")?,
        time: row.number("T")?,
    };
    value(row, &terms)
}

pub(super) fn lookback(row: &Row) -> Result<Vec<f64>, Fault> {
    let strike = match row.word("kind")? {
        "floating" => Strike::Floating,
        "fixed" => Strike::Fixed(row.number("K")?),
        other => return Err(Fault::new("kind", format!("{:?} is neither floating nor fixed", shown(other)))),
    };
    let extreme = row.number("running_extreme")?;
    value(row, &Lookback { right: right(row)?, strike, extreme, time: row.number("T")? })
}

pub(super) fn asian(row: &Row) -> Result<Vec<f64>, Fault> {
    let fixings = || {
        let word = row.word("fixings")?;
        word.parse::<u32>()
            .map_err(|_| Fault::new("fixings", format!("{:?} is no whole number", shown(word))))
    };
    let average = match row.word("kind")? {
        "geo_continuous" => Average::GeometricContinuous,
        "geo_discrete" => Average::Geometric { fixings: fixings()? },
        "arith_discrete" => Average::Arithmetic { fixings: fixings()? },
        other => {
            let reason =
                format!("{:?} is none of geo_continuous, geo_discrete, arith_discrete", shown(other));
            return Err(Fault::new("kind", reason));
        }
    };
    value(row, &Asian { right: right(row)?, average, strike: row.number("K")?, time: row.number("T")? })
}

pub(super) fn american(row: &Row) -> Result<Vec<f64>, Fault> {
    value(row, &American { right: right(row)?, strike: row.number("K")?, time: row.number("T")? })
}

fn value<F: Formula>(row: &Row, terms: &F) -> Result<Vec<f64>, Fault> {
    Ok(all(&contract_value(terms, &market(row)?)?))
}
