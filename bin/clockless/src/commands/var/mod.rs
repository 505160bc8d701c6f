//! `clockless var FILE.json`: what the portfolios of a file may lose in a day, five ways, and what they gain in scenarios.
//!
//! The file holds `portfolios`, each with `spot`, `linear_qty` and `options`; `mean` and `cov` of the returns, or else
//! those of the history are taken; and `scenarios`, if any: either lists of `shifts` and `volatility_factors` that make a
//! grid, or a list of scenarios with a `shift` for all underlyings or a list of one for each, a `volatility_factor` and
//! `days` ahead. A portfolio may have scenarios of its own. The history is a table of days, a column for each asset
//! after the day's: by default `returns.csv` beside the file or one folder up.
//!
//! Invariant: a portfolio is answered whole or refused with its number, field and reason.

mod history;
mod question;

use std::{fs, path::PathBuf};

use clap::Args;
use pricing::{DomainError, Moments, Normal, Portfolio};
use serde_json::{Map, Value, json};

use self::{
    history::{Days, History},
    question::{Fault, Node},
};
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

pub fn run(arguments: &VarArguments) -> Result<(), Failure> {
    let path = &arguments.file;
    let in_file = |reason: String| Failure::bad_input(format!("{}: {reason}", path.display()));
    let text = fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
    let question: Value = serde_json::from_str(&text).map_err(|error| in_file(error.to_string()))?;
    let question = Node::root(&question);
    let returns = history::path(arguments)?;
    let days = Days::read(&returns)?;
    let mut refused = Vec::new();
    for bad in &days.refused {
        let message = format!("{}: {bad}", returns.display());
        if !arguments.keep_going {
            return Err(Failure::bad_input(message));
        }
        eprintln!("{message}");
        refused.push(json!({"row": bad.row, "column": bad.column, "reason": bad.reason}));
    }
    let named = |fault: Fault| in_file(fault.to_string());
    let market = market(&question, &days.days).map_err(named)?;
    let history = History { days: days.days, names: days.names, market };
    let portfolios = question.field("portfolios").and_then(|it| it.items()).map_err(named)?;
    let shared = question.find("scenarios").map_err(named)?;
    let mut answers = Vec::new();
    for (place, it) in portfolios.iter().enumerate() {
        match answer(&Node::root(&it.value()), shared.as_ref(), &history, arguments) {
            Ok(answer) => answers.push(answer),
            Err(fault) if arguments.keep_going => {
                eprintln!("{}: portfolio {place}: {fault}", path.display());
                refused.push(json!({"portfolio": place, "field": fault.field, "reason": fault.reason}));
            }
            Err(fault) => return Err(in_file(format!("portfolio {place}: {fault}"))),
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
        count => Err(in_file(format!("{count} portfolios or days refused"))),
    }
}

/// What the file says of the returns, or else the history.
fn market(question: &Node<'_>, days: &[Vec<f64>]) -> Result<Normal, Fault> {
    let market = match (question.find("mean")?, question.find("cov")?) {
        (Some(mean), Some(cov)) => {
            let rows = cov.items()?.iter().map(Node::numbers).collect::<Result<Vec<_>, _>>()?;
            Normal::new(mean.numbers()?, &rows)
        }
        _ => Normal::of_history(days),
    };
    market.map_err(domain)
}

fn domain(error: DomainError) -> Fault {
    Fault::new(error.field, format!("is {:?}, must be {}", error.have, error.need))
}

/// What a portfolio gains in each scenario, and in the worst.
fn scenarios(portfolio: &Portfolio, asked: &Node<'_>) -> Result<Value, Fault> {
    let grid = asked.scenarios(portfolio.assets())?;
    let gains = portfolio.gains(&grid).map_err(|error| Fault::new("scenarios", error.to_string()))?;
    let worst = gains.iter().enumerate().min_by(|one, two| one.1.total_cmp(two.1));
    let rows: Vec<Value> = grid
        .iter()
        .zip(&gains)
        .map(|(it, gain)| {
            json!({"shifts": it.shifts, "volatility_factor": it.volatility_factor, "days": it.days, "gain": gain})
        })
        .collect();
    let worst = worst.map(|(scenario, gain)| json!({"scenario": scenario, "loss": (-gain).max(0.0)}));
    Ok(json!({"grid": rows, "worst": worst}))
}

fn answer(
    it: &Node<'_>,
    shared: Option<&Node<'_>>,
    history: &History,
    arguments: &VarArguments,
) -> Result<Value, Fault> {
    let portfolio = it.portfolio()?;
    let (have, need) = (portfolio.assets(), history.names.len());
    if have != need {
        return Err(Fault::new("spot", format!("has {have} spots, but the returns have {need} assets")));
    }
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
    let own = it.find("scenarios")?;
    let shocked = own.as_ref().or(shared).map(|asked| scenarios(&portfolio, asked)).transpose()?;
    Ok(json!({
        "id": it.find("id")?.map(|id| id.value()),
        "mean_loss": moments.mean,
        "sd_loss": moments.deviation,
        "skewness": moments.skewness,
        "excess_kurtosis": moments.excess_kurtosis,
        "results": results,
        "scenarios": shocked,
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
    use std::path::Path;

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
        let with_option = |option: &str| {
            format!(r#"{{"portfolios":[{{"spot":[1],"linear_qty":[1],"options":[{option}]}}]}}"#)
        };
        let with_scenarios = |scenarios: &str| {
            format!(r#"{{"portfolios":[{{"spot":[1],"linear_qty":[1]}}],"scenarios":{scenarios}}}"#)
        };
        let cases = [
            (r#"{"portfolios":[{"spot":[-1],"linear_qty":[2]}]}"#.into(), "portfolio 0: asset 0 has spot -1"),
            (r#"{"portfolios":[{"spot":[1,2],"linear_qty":[2]}]}"#.into(), "1 linear quantities for 2 spots"),
            (
                r#"{"portfolios":[{"spot":[1,2],"linear_qty":[2,1]}]}"#.into(),
                "spot has 2 spots, but the returns have 1 assets",
            ),
            (r#"{"portfolios":[{"spot":[1]}]}"#.into(), "portfolio 0: lacks the field linear_qty"),
            (r#"{"portfolios":[7]}"#.into(), "portfolio 0: is 7, must be an object"),
            (r#"{"portfolios":7}"#.into(), "portfolios is 7, must be a list"),
            (r#"{"portfolios":"#.into(), "line 1 column 14"),
            (r#"{}"#.into(), "lacks the field portfolios"),
            (r#"{"portfolios":[],"mean":[0],"cov":[["x"]]}"#.into(), "cov[0][0] is \"x\", must be a number"),
            (
                r#"{"portfolios":[],"mean":[0],"cov":[[-1]]}"#.into(),
                "variance left by the others is -1.0, must be",
            ),
            (
                r#"{"portfolios":[{"spot":["1"],"linear_qty":[1]}]}"#.into(),
                "spot[0] is \"1\", must be a number",
            ),
            (
                with_option(r#"{"asset":3,"type":"C","strike":1,"days":1,"vol":1,"qty":1}"#),
                "option 0 is on asset 3",
            ),
            (
                with_option(r#"{"asset":-1,"type":"C"}"#),
                "options[0].asset is -1, must be the place of a spot",
            ),
            (with_option(r#"{"asset":0,"type":"X"}"#), "options[0].type is \"X\", must be \"C\" or \"P\""),
            (with_option(r#"{"asset":0,"type":"C","strike":1}"#), "options[0] lacks the field days"),
            (
                with_option(r#"{"asset":0,"type":"C","strike":1,"days":1,"vol":-1,"qty":1}"#),
                "option 0 has volatility -1",
            ),
            (
                with_option(r#"{"asset":0,"type":"C","strike":1,"days":-1,"vol":1,"qty":1}"#),
                "option 0 has time -",
            ),
            (with_scenarios(r#"{"shifts":[0.1]}"#), "scenarios lacks the field volatility_factors"),
            (with_scenarios(r#"[{"shift":[0.1,0.2]}]"#), "scenario 0 has 2 shifts for 1 spots"),
            (with_scenarios(r#"[{"shift":-2}]"#), "scenario 0 has shift -2, must be"),
        ];
        for (json, reason) in cases {
            let error = ask(&json, RETURNS).unwrap_err();
            assert!(error.to_string().contains(reason), "{reason}: {error}");
            assert_eq!(error.code(), 2);
        }
    }

    #[test]
    fn scenarios_of_both_shapes_are_answered() {
        for scenarios in [
            r#"{"shifts":[-0.1,0.1],"volatility_factors":[0.8,1.25],"days":1}"#,
            r#"[{"shift":0.1},{"shift":[-0.1],"volatility_factor":2,"days":3}]"#,
        ] {
            let json =
                format!(r#"{{"portfolios":[{{"spot":[100],"linear_qty":[2]}}],"scenarios":{scenarios}}}"#);
            ask(&json, RETURNS).unwrap();
        }
    }

    #[test]
    fn a_bad_history_is_named_by_row_and_column() {
        for (returns, reason) in [
            ("day,A\n0,0.01\n1,x\n", "row 2, column A: \"x\" is no finite number"),
            ("day,A\n0,0.01\n1,NaN\n", "row 2, column A: \"NaN\" is no finite number"),
            ("day,A\n0,0.01,7\n1,0\n", "row 1, column -: "),
        ] {
            let error = ask(r#"{"portfolios":[]}"#, returns).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
        }
    }
}
