//! Rows of models of the smile.
//!
//! Invariant: numbers are judged by the models, not here.

use pricing::{European, Heston, Market, Sabr, Svi};

use super::{
    kinds::{all, right},
    sheet::{Fault, Row},
};

pub(super) fn heston(row: &Row) -> Result<Vec<f64>, Fault> {
    let model = Heston {
        variance: row.number("v0")?,
        speed: row.number("kappa")?,
        mean: row.number("theta")?,
        nu: row.number("vol_of_vol")?,
        rho: row.number("rho")?,
    };
    let terms = European { right: right(row)?, strike: row.number("K")?, time: row.number("T")? };
    let market = Market {
        spot: row.number("S")?,
        rate: row.number("r")?,
        dividend: row.number("q")?,
        // The model has its own.
        volatility: 0.0,
    };
    Ok(all(&pricing::heston(&terms, &market, &model)?))
}

pub(super) fn sabr(row: &Row) -> Result<Vec<f64>, Fault> {
    let model = Sabr {
        alpha: row.number("alpha")?,
        beta: row.number("beta")?,
        nu: row.number("nu")?,
        rho: row.number("rho")?,
    };
    Ok(vec![model.volatility(row.number("F")?, row.number("K")?, row.number("T")?)?])
}

pub(super) fn svi(row: &Row) -> Result<Vec<f64>, Fault> {
    let model = Svi {
        a: row.number("a")?,
        b: row.number("b")?,
        rho: row.number("rho")?,
        m: row.number("m")?,
        sigma: row.number("sigma")?,
    };
    model.check()?;
    let time = row.number("T")?;
    if time <= 0.0 {
        return Err(Fault::new("T", format!("is {time:?}, must be above zero")));
    }
    let (k, at) = (row.number("k")?, model.at(row.number("k")?));
    Ok(vec![at.total_variance, model.volatility(k, time), at.slope, at.curvature, at.durrleman])
}
