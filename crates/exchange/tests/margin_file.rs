//! Portfolios in files: the answers of the public vectors, and what is wrong with a file said by its path.
#![allow(clippy::unwrap_used, clippy::float_arithmetic, reason = "what a test reads is what it wrote")]

use std::{fs, path::Path};

use exchange::risk::file::{FileError, answer};
use serde_json::{Value, json};

const SMALL: &str = include_str!("data/margin.json");

fn document(source: &str) -> Value {
    let answers = answer(source).expect("the file is well formed");
    assert_eq!(answers.errors, []);
    answers.document
}

/// Every answer of a file against the ones written in it; a billionth of spot apart at most.
fn check(source: &str) -> usize {
    let (asked, told): (Value, Value) = (serde_json::from_str(source).unwrap(), document(source));
    let mut compared = 0;
    for (asked, told) in
        asked["portfolios"].as_array().unwrap().iter().zip(told["portfolios"].as_array().unwrap())
    {
        assert_eq!((&asked["id"], &asked["positions"]), (&told["id"], &told["positions"]));
        let most = asked["spot"].as_f64().unwrap() * 1e-9;
        let mut close = |name: &str, asked: &Value, told: &Value| {
            let (want, have) = (asked.as_f64().unwrap(), told.as_f64().unwrap());
            assert!((want - have).abs() <= most, "{name}: {have}, must be {want}");
            compared += 1;
        };
        for name in ["value", "short_option_contingency", "futures_contingency"] {
            close(name, &asked[name], &told[name]);
        }
        for (grid, asked) in asked["results"].as_object().unwrap() {
            let told = &told["results"][grid];
            close(grid, &asked["worst_loss"], &told["worst_loss"]);
            assert_eq!(asked["worst_index"], told["worst_index"], "{grid}");
            let asked = asked["scenario_pnl"].as_array().unwrap();
            let told = told["scenario_pnl"].as_array().unwrap();
            assert_eq!(asked.len(), told.len());
            asked.iter().zip(told).for_each(|(asked, told)| close(grid, asked, told));
        }
    }
    compared
}

#[test]
fn small_portfolios_lose_what_independent_software_says() {
    assert!(check(SMALL) > 400);
}

#[test]
fn the_shared_portfolios_lose_what_independent_software_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/margin.json");
    match fs::read_to_string(&file) {
        Ok(source) => assert!(check(&source) > 850),
        Err(_) => println!("skipped: no shared folder"),
    }
}

#[test]
fn a_file_without_grids_is_answered_on_those_of_the_exchange() {
    let mut without: Value = serde_json::from_str(SMALL).unwrap();
    let with = document(SMALL);
    without.as_object_mut().unwrap().remove("grids");
    let without = document(&without.to_string());
    assert_eq!(with["portfolios"], without["portfolios"]);
}

#[test]
fn an_empty_portfolio_loses_nothing() {
    let told = document(r#"{"portfolios": [{"id": 1, "spot": 100, "positions": []}]}"#);
    assert_eq!(told["portfolios"][0]["results"]["span16"]["worst_loss"], json!(0.0));
    assert_eq!(told["portfolios"][0]["results"]["span16"]["worst_index"], json!(0));
}

#[test]
fn at_its_last_day_an_option_is_worth_what_it_pays() {
    let call =
        json!({"kind": "option", "type": "C", "strike": 90, "days": 1, "forward": 100, "vol": 0.8, "qty": 1});
    let told = document(&json!({"portfolios": [{"id": 1, "spot": 100, "positions": [call]}]}).to_string());
    let (portfolio, span) = (&told["portfolios"][0], &told["portfolios"][0]["results"]["span16"]);
    let value = portfolio["value"].as_f64().unwrap();
    let unmoved = span["scenario_pnl"][0].as_f64().unwrap();
    assert!((unmoved - (10.0 - value)).abs() < 1e-9, "{unmoved} {value}");
}

/// A file of one position, with a change.
fn file_with(change: impl FnOnce(&mut Value)) -> String {
    let option =
        json!({"kind": "option", "type": "C", "strike": 90, "days": 7, "forward": 100, "vol": 0.8, "qty": 1});
    let mut file = json!({
        "grids": {"span16": {"psr": 0.16, "vsr": 0.25, "lookahead_days": 1, "scen": [[0.1, "up", 1.0]]}},
        "portfolios": [{"id": 7, "spot": 100, "positions": [option.clone(), option]}],
    });
    change(&mut file);
    file.to_string()
}

#[test]
fn what_is_wrong_is_named_by_its_path() {
    let position = |name: &'static str, value: Value| {
        file_with(move |file| file["portfolios"][0]["positions"][1][name] = value)
    };
    let without = |name: &'static str| {
        file_with(move |file| {
            file["portfolios"][0]["positions"][1].as_object_mut().unwrap().remove(name);
        })
    };
    let grid =
        |name: &'static str, value: Value| file_with(move |file| file["grids"]["span16"][name] = value);
    let nan = position("vol", json!("!")).replace("\"!\"", "NaN");
    let cases = [
        (nan, "portfolios[0].positions[1].vol is \"NaN\", must be a number, zero or more"),
        (
            position("vol", json!(-0.5)),
            "portfolios[0].positions[1].vol is -0.5, must be a number, zero or more",
        ),
        (
            position("kind", json!("swap")),
            "portfolios[0].positions[1].kind is \"swap\", must be \"option\", \"future\" or \"perp\"",
        ),
        (position("type", json!("X")), "portfolios[0].positions[1].type is \"X\", must be \"C\" or \"P\""),
        (position("strike", json!(0)), "portfolios[0].positions[1].strike is 0, must be a number above zero"),
        (
            position("days", json!(-1)),
            "portfolios[0].positions[1].days is -1, must be a number, zero or more",
        ),
        (
            position("forward", json!(null)),
            "portfolios[0].positions[1].forward is null, must be a number above zero",
        ),
        (
            position("qty", json!(1e30)),
            "portfolios[0].positions[1].qty is 1e+30, must be a number within a quadrillion",
        ),
        (without("vol"), "portfolios[0].positions[1].vol is missing, must be a number, zero or more"),
        (
            without("kind"),
            "portfolios[0].positions[1].kind is missing, must be \"option\", \"future\" or \"perp\"",
        ),
        (
            file_with(|file| file["portfolios"][0]["spot"] = json!(-1)),
            "portfolios[0].spot is -1, must be a number above zero",
        ),
        (file_with(|file| file["portfolios"][0] = json!(3)), "portfolios[0] is 3, must be an object"),
        (
            grid("scen", json!([[0.1, "up"]])),
            "grids.span16.scen[0] is a list of 2, must be a move, a shock and a weight",
        ),
        (
            grid("scen", json!([[0.1, "left", 1]])),
            "grids.span16.scen[0][1] is \"left\", must be \"up\", \"same\" or \"down\"",
        ),
        (grid("vsr", json!(-1)), "grids.span16.vsr is -1, must be a number from 0 to 1,000"),
    ];
    for (source, want) in cases {
        let errors = answer(&source).expect("the file as a whole can be read").errors;
        assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), [want]);
    }
}

#[test]
fn a_file_that_is_none_is_refused_as_a_whole() {
    for (source, want) in [
        ("", "line 1, column 0: EOF while parsing a value"),
        ("[]", "the document is a list of 0, must be an object"),
        ("{}", "portfolios is missing, must be a list of portfolios"),
        (r#"{"portfolios": 5}"#, "portfolios is 5, must be a list of portfolios"),
        (r#"{"grids": [], "portfolios": []}"#, "grids is a list of 0, must be grids by name"),
    ] {
        assert_eq!(answer(source).unwrap_err().to_string(), want, "{source}");
    }
}

#[test]
fn the_good_portfolios_of_a_file_are_answered_beside_the_bad() {
    let mut file: Value = serde_json::from_str(SMALL).unwrap();
    file["portfolios"][1]["positions"][0]["vol"] = json!(-1);
    let told = answer(&file.to_string()).unwrap();
    assert_eq!(told.errors.len(), 1);
    assert!(
        told.document["portfolios"][1]["error"].as_str().unwrap().contains("portfolios[1].positions[0].vol")
    );
    let good = document(SMALL);
    for place in [0, 2, 3] {
        assert_eq!(told.document["portfolios"][place], good["portfolios"][place]);
    }
}

#[test]
fn what_cannot_be_counted_is_said_and_never_answered() {
    let huge = file_with(|file| {
        file["portfolios"][0]["positions"][0] = json!({"kind": "perp", "forward": 1e14, "qty": 1e14});
    });
    let told = answer(&huge).unwrap();
    assert_eq!(told.errors, [FileError::TooLarge { path: "portfolios[0]".to_owned() }]);
}
