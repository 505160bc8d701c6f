//! Portfolios in a file: worst losses and contingencies beside the positions they are of.
//!
//! The format is that of the public margin vectors: `grids`, by name, and `portfolios` of positions with
//! their own forward, volatility and days. A file without grids is answered on the exchange's own. Answers
//! bear the names that the vectors use, next to what was asked.
//!
//! Invariant: sums are of integers, as in the exchange, only finer: a trillionth of a USDC and a trillionth
//! of a unit, so that a file's own digits count. One portfolio's fault is never another's.
//! Left out on purpose: accounts, orders and money; a file says what a portfolio is, not whose.

mod portfolio;
mod read;
mod text;

use serde_json::{Map, Value, json};

use super::Grid;
pub use portfolio::{Portfolio, PortfolioPosition};
pub use read::FileError;
use read::{Place, read_grids, read_portfolio};

/// What a file was answered with, and what of it could not be answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// The file again, with the answers in it; a portfolio that has none says why under `error`.
    pub document: Value,
    pub errors: Vec<FileError>,
}

/// Answers a file of portfolios. An error is of the file as a whole; those of its parts are in the answers.
pub fn answer(source: &str) -> Result<Answers, FileError> {
    let root = text::parse(source)?;
    let root = Place::root(&root);
    let portfolios = root.field("portfolios", "a list of portfolios")?.list("a list of portfolios")?;
    let mut errors = Vec::new();
    let grids: Vec<Grid> = match root.optional("grids") {
        None => Grid::all().to_vec(),
        Some(grids) => keep_good(read_grids(&grids)?, &mut errors),
    };
    let answers = portfolios.iter().map(|place| match answer_portfolio(place, &grids) {
        Ok(answer) => answer,
        Err(error) => {
            let id = place.optional("id").map_or(Value::Null, |id| id.value.clone());
            let answer = json!({ "id": id, "error": error.to_string() });
            errors.push(error);
            answer
        }
    });
    let portfolios: Vec<Value> = answers.collect();
    let mut document = Map::new();
    if let Some(grids) = root.optional("grids") {
        document.insert("grids".to_owned(), grids.value.clone());
    }
    document.insert("portfolios".to_owned(), Value::Array(portfolios));
    Ok(Answers { document: Value::Object(document), errors })
}

fn keep_good<T>(read: Vec<Result<T, FileError>>, errors: &mut Vec<FileError>) -> Vec<T> {
    read.into_iter().filter_map(|it| it.map_err(|error| errors.push(error)).ok()).collect()
}

fn answer_portfolio(place: &Place<'_>, grids: &[Grid]) -> Result<Value, FileError> {
    let portfolio = read_portfolio(place)?;
    let too_large = || FileError::TooLarge { path: place.path.clone() };
    let mut results = Map::new();
    for grid in grids {
        let losses = portfolio.losses(grid).ok_or_else(too_large)?;
        let profits: Vec<f64> = losses.profits.iter().map(|sum| pricing::from_trillionths(*sum)).collect();
        let result = json!({
            "scenario_pnl": profits,
            "worst_index": losses.worst,
            "worst_loss": pricing::from_trillionths(losses.worst_loss),
        });
        results.insert(grid.name.clone(), result);
    }
    let mut answer = place.value.as_object().cloned().unwrap_or_default();
    for (name, amount) in [
        ("value", portfolio.value()),
        ("short_option_contingency", portfolio.short_option_contingency()),
        ("futures_contingency", portfolio.futures_contingency()),
    ] {
        let amount = pricing::from_trillionths(amount.ok_or_else(too_large)?);
        answer.insert(name.to_owned(), json!(amount));
    }
    answer.insert("results".to_owned(), Value::Object(results));
    Ok(Value::Object(answer))
}
