//! `clockless var FILE.json`: what the portfolios of a file may lose in a day, five ways.
//!
//! The file holds `portfolios`, each with `spot`, `linear_qty` and `options`; `mean` and `cov` of the returns, or else
//! those of the history are taken. The history is a table of days, a column for each asset after the day's: by
//! default `returns.csv` beside the file or one folder up.
//!
//! Invariant: a portfolio is answered whole or refused with its number, field and reason.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Args;
use pricing::{Moments, Normal, Portfolio, PortfolioOption, Right};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::failure::Failure;

#[derive(Args, Debug)]
pub struct VarArguments {
    file: PathBuf,
    /// Days of returns, a column for each asset.
    #[arg(long)]
    returns: Option<PathBuf>,
    /// Parts of days on which less is lost.
    #[arg(long, value_delimiter = ',', default_value = "0.95,0.99,0.995")]
    levels: Vec<f64>,
    /// Draws in each of the eight replicates of the Monte Carlo.
    #[arg(long, default_value_t = 16_384, value_parser = clap::value_parser!(u32).range(2..=16_777_216))]
    draws: u32,
    /// How much of an exponential weight is left after a day.
    #[arg(long, default_value_t = 0.94)]
    decay: f64,
    /// On one line.
    #[arg(long)]
    json: bool,
    /// Answer the good portfolios although others are refused; still ends with 2 then.
    #[arg(long)]
    keep_going: bool,
}

#[derive(Deserialize, Debug)]
struct Question {
    portfolios: Vec<PortfolioQuestion>,
    mean: Option<Vec<f64>>,
    cov: Option<Vec<Vec<f64>>>,
}

#[derive(Deserialize, Debug)]
struct PortfolioQuestion {
    #[serde(default)]
    id: Value,
    spot: Vec<f64>,
    linear_qty: Vec<f64>,
    #[serde(default)]
    options: Vec<OptionQuestion>,
}

#[derive(Deserialize, Debug)]
struct OptionQuestion {
    asset: usize,
    #[serde(rename = "type")]
    right: String,
    strike: f64,
    days: f64,
    vol: f64,
    qty: f64,
}

/// Days of returns, and what they are drawn from.
struct History {
    days: Vec<Vec<f64>>,
    names: Vec<String>,
    market: Normal,
}

pub fn run(arguments: &VarArguments) -> Result<(), Failure> {
    let path = &arguments.file;
    let in_file = |reason: String| Failure::bad_input(format!("{}: {reason}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let question: Question = serde_json::from_str(&text).map_err(|error| in_file(error.to_string()))?;
    let (names, days) = history(&returns_path(arguments)?)?;
    let market = match (&question.mean, &question.cov) {
        (Some(mean), Some(cov)) => Normal::new(mean.clone(), cov),
        _ => Normal::of_history(&days),
    };
    let market = market.map_err(|error| in_file(error.to_string()))?;
    let history = History { days, names, market };
    let (mut answers, mut refused) = (Vec::new(), Vec::new());
    for (place, it) in question.portfolios.iter().enumerate() {
        match answer(it, &history, arguments) {
            Ok(answer) => answers.push(answer),
            Err(reason) if arguments.keep_going => {
                eprintln!("{}: portfolio {place}: {reason}", path.display());
                refused.push(json!({"portfolio": place, "reason": reason}));
            }
            Err(reason) => return Err(in_file(format!("portfolio {place}: {reason}"))),
        }
    }
    let assets = assets(&history, arguments.decay).map_err(in_file)?;
    let out = json!({"portfolios": answers, "assets": assets, "refused": refused});
    if arguments.json {
        println!("{out}");
    } else {
        println!("{}", serde_json::to_string_pretty(&out).unwrap_or_default());
    }
    match refused.len() {
        0 => Ok(()),
        count => Err(in_file(format!("{count} of {} portfolios refused", question.portfolios.len()))),
    }
}

fn returns_path(arguments: &VarArguments) -> Result<PathBuf, Failure> {
    if let Some(path) = &arguments.returns {
        return Ok(path.clone());
    }
    let folder = arguments.file.parent().unwrap_or(Path::new("."));
    let places = [folder.join("returns.csv"), folder.join("../returns.csv")];
    let found = places.iter().find(|path| path.is_file()).cloned();
    found.ok_or_else(|| Failure::bad_input("no returns.csv beside the file; name one with --returns"))
}

/// Names of the assets and their days of returns.
fn history(path: &Path) -> Result<(Vec<String>, Vec<Vec<f64>>), Failure> {
    let in_file = |reason: String| Failure::bad_input(format!("{}: {reason}", path.display()));
    let text = fs::read(path).map_err(|error| Failure::file(path, &error))?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_slice());
    let header = reader.headers().map_err(|error| in_file(error.to_string()))?.clone();
    let assets: Vec<usize> = (0..header.len()).filter(|i| !matches!(&header[*i], "day" | "date")).collect();
    let mut days = Vec::new();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| in_file(error.to_string()))?;
        let number = |column: &usize| match record[*column].parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(in_file(format!(
                "row {}, column {}: {:?} is no finite number",
                row + 1,
                &header[*column],
                &record[*column]
            ))),
        };
        days.push(assets.iter().map(number).collect::<Result<Vec<_>, _>>()?);
    }
    Ok((assets.iter().map(|i| header[*i].to_owned()).collect(), days))
}

fn portfolio(it: &PortfolioQuestion) -> Result<Portfolio, String> {
    let mut options = Vec::new();
    for (place, option) in it.options.iter().enumerate() {
        options.push(PortfolioOption {
            asset: option.asset,
            right: match option.right.as_str() {
                "C" => Right::Call,
                "P" => Right::Put,
                other => return Err(format!("option {place} has type {other:?}, must be C or P")),
            },
            strike: option.strike,
            days: option.days,
            volatility: option.vol,
            quantity: option.qty,
        });
    }
    Portfolio::new(it.spot.clone(), it.linear_qty.clone(), &options).map_err(|error| error.to_string())
}

fn answer(it: &PortfolioQuestion, history: &History, arguments: &VarArguments) -> Result<Value, String> {
    let portfolio = portfolio(it)?;
    let (have, need) = (portfolio.assets(), history.names.len());
    if have != need {
        return Err(format!("{have} spots, but the returns have {need} assets"));
    }
    let domain = |error: pricing::DomainError| error.to_string();
    let losses: Vec<f64> = history.days.iter().map(|day| portfolio.loss(day)).collect();
    let moments = Moments::of(&losses).map_err(domain)?;
    let sampled = pricing::monte_carlo(&portfolio, &history.market, &arguments.levels, arguments.draws);
    let mut results = Map::new();
    for (level, sampled) in arguments.levels.iter().zip(sampled.map_err(domain)?) {
        let sample = pricing::historical(&losses, *level).map_err(domain)?;
        let shape = pricing::parametric(&moments, *level).map_err(domain)?;
        let result = json!({
            "historical": {
                "var_linear": sample.var_linear,
                "var_higher": sample.var_higher,
                "cvar": sample.cvar,
            },
            "parametric": {
                "var": shape.var,
                "cvar": shape.cvar,
                "var_cornish_fisher": shape.var_cornish_fisher,
            },
            "monte_carlo": {
                "var": sampled.var,
                "var_se": sampled.var_error,
                "cvar": sampled.cvar,
                "cvar_se": sampled.cvar_error,
                "draws": sampled.draws,
            },
        });
        results.insert(level.to_string(), result);
    }
    Ok(json!({
        "id": it.id,
        "mean_loss": moments.mean,
        "sd_loss": moments.deviation,
        "skewness": moments.skewness,
        "excess_kurtosis": moments.excess_kurtosis,
        "results": results,
    }))
}

/// What the history says of each asset: volatilities of the next day, and correlations.
fn assets(history: &History, decay: f64) -> Result<Value, String> {
    let series: Vec<Vec<f64>> =
        (0..history.names.len()).map(|i| history.days.iter().map(|day| day[i]).collect()).collect();
    let mut volatilities = Vec::new();
    for (name, returns) in history.names.iter().zip(&series) {
        let weighted =
            pricing::ewma_volatility(returns, decay).map_err(|error| format!("{name}: {error}"))?;
        // A series that never moves has no process; its volatility is zero all the same.
        let garch = pricing::garch(returns).ok().map(|it| {
            json!({
                "omega": it.omega,
                "alpha": it.alpha,
                "beta": it.beta,
                "next_volatility": it.next_variance.sqrt(),
                "log_likelihood": it.log_likelihood,
            })
        });
        volatilities.push(json!({"name": name, "ewma_volatility": weighted, "garch": garch}));
    }
    let correlations = pricing::correlations(&series, decay).map_err(|error| error.to_string())?;
    Ok(json!({"decay": decay, "volatilities": volatilities, "correlations": correlations}))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn ask(json: &str, returns: &str) -> Result<(), Failure> {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "returns.csv", returns);
        let file = write(folder.path(), "var.json", json);
        run(&VarArguments {
            file,
            returns: None,
            levels: vec![0.95],
            draws: 64,
            decay: 0.94,
            json: true,
            keep_going: false,
        })
    }

    const RETURNS: &str = "day,A\n0,0.01\n1,-0.02\n2,0.005\n";

    #[test]
    fn a_portfolio_is_answered_and_a_bad_one_is_named() {
        ask(r#"{"portfolios":[{"spot":[100],"linear_qty":[2]}]}"#, RETURNS).unwrap();
        for (json, reason) in [
            (r#"{"portfolios":[{"spot":[-1],"linear_qty":[2]}]}"#, "portfolio 0: asset 0 has spot -1"),
            (r#"{"portfolios":[{"spot":[1,2],"linear_qty":[2]}]}"#, "1 linear quantities for 2 spots"),
            (
                r#"{"portfolios":[{"spot":[1,2],"linear_qty":[2,1]}]}"#,
                "2 spots, but the returns have 1 assets",
            ),
            (r#"{"portfolios":[{"spot":[1]}]}"#, "missing field `linear_qty`"),
            (
                r#"{"portfolios":[{"spot":[1],"linear_qty":[1],"options":[{"asset":3,"type":"C","strike":1,"days":1,"vol":1,"qty":1}]}]}"#,
                "option 0 is on asset 3, there are 1",
            ),
            (
                r#"{"portfolios":[{"spot":[1],"linear_qty":[1],"options":[{"asset":0,"type":"C","strike":1,"days":1,"vol":-1,"qty":1}]}]}"#,
                "option 0 has volatility -1",
            ),
        ] {
            let error = ask(json, RETURNS).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            assert_eq!(error.code(), 2);
        }
    }

    #[test]
    fn a_bad_history_is_named_by_row_and_column() {
        let error = ask(r#"{"portfolios":[]}"#, "day,A\n0,0.01\n1,x\n").unwrap_err();
        assert!(error.to_string().contains("row 2, column A: \"x\" is no finite number"), "{error}");
    }
}
