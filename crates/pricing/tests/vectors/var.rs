//! Value at risk of whole portfolios.

use pricing::{Moments, Normal, Portfolio, PortfolioOption, Right, historical, monte_carlo, parametric};
use serde_json::Value;

use crate::table::shared_text;

/// Draws in each replicate.
const POINTS: u32 = 8_192;

fn number(it: &Value) -> f64 {
    it.as_f64().unwrap()
}

fn numbers(it: &Value) -> Vec<f64> {
    it.as_array().unwrap().iter().map(number).collect()
}

fn portfolio(it: &Value) -> Portfolio {
    let option = |it: &Value| PortfolioOption {
        asset: usize::try_from(it["asset"].as_u64().unwrap()).unwrap(),
        right: if it["type"] == "C" { Right::Call } else { Right::Put },
        strike: number(&it["strike"]),
        days: number(&it["days"]),
        volatility: number(&it["vol"]),
        quantity: number(&it["qty"]),
    };
    let options: Vec<_> = it["options"].as_array().unwrap().iter().map(option).collect();
    Portfolio::new(numbers(&it["spot"]), numbers(&it["linear_qty"]), &options).unwrap()
}

fn near(what: &str, have: f64, want: &Value, tolerance: f64) {
    let want = number(want);
    assert!((have - want).abs() <= tolerance, "{what}: {have}, not {want} (+- {tolerance})");
}

#[test]
fn every_portfolio_has_its_value_at_risk() {
    let (Some(text), Some(returns)) = (shared_text("var.json"), shared_text("returns.csv")) else { return };
    let all: Value = serde_json::from_str(&text).unwrap();
    let days: Vec<Vec<f64>> = returns
        .lines()
        .skip(1)
        .map(|line| line.split(',').skip(1).map(|cell| cell.parse().unwrap()).collect())
        .collect();
    let covariance: Vec<Vec<f64>> = all["cov"].as_array().unwrap().iter().map(numbers).collect();
    let market = Normal::new(numbers(&all["mean"]), &covariance).unwrap();
    for it in all["portfolios"].as_array().unwrap() {
        let portfolio = portfolio(it);
        let losses: Vec<f64> = days.iter().map(|day| portfolio.loss(day)).collect();
        let moments = Moments::of(&losses).unwrap();
        near("mean", moments.mean, &it["mean_loss"], 1e-10 * moments.deviation);
        near("deviation", moments.deviation, &it["sd_loss"], 1e-10 * moments.deviation);
        let levels: Vec<&String> = it["results"].as_object().unwrap().keys().collect();
        let parts: Vec<f64> = levels.iter().map(|level| level.parse().unwrap()).collect();
        let sampled = monte_carlo(&portfolio, &market, &parts, POINTS).unwrap();
        for ((level, part), sampled) in levels.iter().zip(parts).zip(sampled) {
            let want = &it["results"][level.as_str()];
            let (sample, shape) = (historical(&losses, part).unwrap(), parametric(&moments, part).unwrap());
            let exact = 1e-10 * shape.var.abs();
            near("linear", sample.var_linear, &want["historical"]["var_linear"], exact);
            near("higher", sample.var_higher, &want["historical"]["var_higher"], exact);
            near("cvar", sample.cvar, &want["historical"]["cvar"], exact);
            near("normal", shape.var, &want["parametric"]["var"], exact);
            near("normal cvar", shape.cvar, &want["parametric"]["cvar"], exact);
            let bent = &want["parametric"]["var_cornish_fisher"];
            near("cornish-fisher", shape.var_cornish_fisher, bent, exact);
            let draws = &want["monte_carlo"];
            let error = |field: &str, own: f64| 4.0 * (number(&draws[field]) + own);
            near("sampled", sampled.var, &draws["var"], error("var_se", sampled.var_error));
            near("sampled cvar", sampled.cvar, &draws["cvar"], error("cvar_se", sampled.cvar_error));
        }
    }
}
