//! `clockless exotic list|create|exercise`: options beyond the European one, by their names.
//!
//! Invariant: what is listed is what the name says, read as the exchange reads it; a name that says nothing is refused
//! before anything is signed.
//! Left out on purpose: trading. Exotics have no books: they trade by requests for quotes and in blocks, at a gateway.

use clap::{Args, Subcommand};
use client::protocol::InstrumentRecord;
use exchange::name;
use num::Cash;
use serde_json::{Value, json};
use wire::{Action, Crossing, ExoticStyle, ExoticTerms, InstrumentId, Knock, OptionRight, UnderlyingId};

use crate::{
    commands::{
        block_on,
        order::{find, lots},
        outcome::Units,
        trader::{NodeArguments, Through},
    },
    failure::Failure,
    network::NetworkGenesis,
};

/// What a name of each kind looks like.
const EXAMPLES: &str = "BTC_USDC-27NOV26-90000-C and one of -CASH_1000, -ASSET, -AMERICAN, -ASIAN_7, -UO_100000, \
                        -UI_100000, -DO_80000, -DI_80000_500";

#[derive(Args, Debug)]
pub struct ExoticArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Show the exotics that are listed, with their terms and marks
    List(ListArguments),
    /// List the exotic of a name for a fee, or find the one that there is
    Create(CreateArguments),
    /// Exercise an American option that the account holds
    Exercise(ExerciseArguments),
}

#[derive(Args, Debug)]
struct ListArguments {
    #[command(flatten)]
    node: NodeArguments,
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct CreateArguments {
    #[command(flatten)]
    through: Through,
    /// Such as BTC_USDC-27NOV26-90000-C-UO_100000.
    #[arg(long)]
    instrument: String,
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct ExerciseArguments {
    #[command(flatten)]
    through: Through,
    /// Such as BTC_USDC-27NOV26-90000-C-AMERICAN.
    #[arg(long)]
    instrument: String,
    /// Of the underlying, such as 0.1.
    #[arg(long)]
    amount: String,
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &ExoticArguments) -> Result<(), Failure> {
    match &arguments.what {
        What::List(it) => block_on(list(it))?,
        What::Create(it) => block_on(create(it))?,
        What::Exercise(it) => exercise(it),
    }
}

async fn list(arguments: &ListArguments) -> Result<(), Failure> {
    let mut connection = arguments.node.connect().await?;
    let exotics: Vec<Value> = connection.instruments().await?.iter().filter_map(describe).collect();
    if arguments.json {
        println!("{}", Value::from(exotics));
    } else {
        exotics.iter().for_each(|it| println!("{}", sentence(it)));
    }
    Ok(())
}

async fn create(arguments: &CreateArguments) -> Result<(), Failure> {
    // What is wrong with a name is said before a password is asked for.
    let Through { node, signer } = &arguments.through;
    let genesis = node.genesis()?;
    let terms = terms(genesis.as_ref(), &arguments.instrument)?;
    let signer = signer.read()?;
    let mut connection = node.connect().await?;
    let became = connection.submit(&signer, Action::CreateExotic { terms }).await?;
    let instruments = connection.instruments().await?;
    became.tell(signer.account, &Units(&instruments), arguments.json)
}

fn exercise(arguments: &ExerciseArguments) -> Result<(), Failure> {
    let action = |listed: &[InstrumentRecord]| {
        let it = find(listed, &arguments.instrument)?;
        Ok(Action::Exercise { instrument: InstrumentId(it.instrument), lots: lots(it, &arguments.amount)? })
    };
    arguments.through.submit_in_units(action, arguments.json)
}

/// The terms of a name; underlyings have the numbers that the genesis gives them.
fn terms(genesis: Option<&NetworkGenesis>, text: &str) -> Result<ExoticTerms, Failure> {
    let wrong = |reason: &str| Failure::bad_input(format!("--instrument {text}: {reason}"));
    let no_name = || wrong(&format!("the name of an exotic is expected: {EXAMPLES}"));
    let (symbol, contract) = name::parse(text).ok_or_else(no_name)?;
    let genesis = genesis
        .ok_or_else(|| Failure::bad_input("--genesis is needed: it says which underlying the name is of"))?;
    let place = genesis.exchange.underlyings.iter().position(|it| it.symbol == symbol);
    let number = place.and_then(|place| u16::try_from(place).ok());
    let underlying = number.map(UnderlyingId).ok_or_else(|| wrong("the genesis has no such underlying"))?;
    contract.exotic_terms(underlying).ok_or_else(no_name)
}

/// An exotic that is listed; `None` of anything else.
fn describe(it: &InstrumentRecord) -> Option<Value> {
    let (symbol, contract) = name::parse(&it.name)?;
    let terms = contract.exotic_terms(UnderlyingId(0))?;
    Some(json!({
        "instrument": it.name,
        "underlying": symbol,
        "open": it.is_open,
        "expiry_ms": terms.expiry.millis(),
        "strike": terms.strike.to_string(),
        "right": if terms.right == OptionRight::Call { "call" } else { "put" },
        "style": style(&terms.style),
        "mark": it.mark_micros.map(|mark| Cash::from_micros(mark).to_string()),
    }))
}

/// What the option pays, in words.
fn style(style: &ExoticStyle) -> String {
    match style {
        ExoticStyle::Cash { amount } => format!("pays {amount} when it ends in the money"),
        ExoticStyle::Asset => "pays the delivery price when it ends in the money".to_owned(),
        ExoticStyle::American => "may be exercised at any time".to_owned(),
        ExoticStyle::Asian { fixings } => format!("is on the average of {fixings} daily prices"),
        ExoticStyle::Barrier { crossing, knock, level, rebate } => {
            let verb = if *knock == Knock::Out { "ends" } else { "begins" };
            let way = if *crossing == Crossing::Rises { "rises" } else { "falls" };
            format!("{verb} when the index {way} to {level}, rebate {rebate}")
        }
    }
}

fn sentence(it: &Value) -> String {
    let text = |field: &str| it[field].as_str().unwrap_or("none");
    let closed = if it["open"] == true { "" } else { ", closed" };
    format!("{}: {}; mark {}{closed}", text("instrument"), text("style"), text("mark"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(name: &str) -> InstrumentRecord {
        InstrumentRecord {
            instrument: 3,
            name: name.to_owned(),
            tick_micros: 1_000_000,
            lot_billionths: 10_000_000,
            is_open: true,
            mark_micros: Some(12_500_000),
        }
    }

    #[test]
    fn an_exotic_is_told_by_its_terms_and_nothing_else_is_one() {
        for (name, words) in [
            ("CASH_1000", "pays 1000"),
            ("ASSET", "pays the delivery price"),
            ("AMERICAN", "may be exercised"),
            ("ASIAN_7", "the average of 7"),
            ("UO_100000", "ends when the index rises to 100000"),
            ("DI_80000_500", "begins when the index falls to 80000"),
        ] {
            let told = describe(&record(&format!("BTC_USDC-27NOV26-90000-C-{name}"))).expect("an exotic");
            let told = sentence(&told);
            assert!(told.contains(words) && told.contains("mark 12.5"), "{told}");
        }
        for name in ["BTC_USDC-27NOV26-90000-C", "BTC_USDC-PERPETUAL", "BTC_USDC-27NOV26-90000-C-X"] {
            assert_eq!(describe(&record(name)), None, "{name}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused_with_an_example() {
        let error = terms(None, "BTC-90000").unwrap_err().to_string();
        assert!(error.contains("--instrument BTC-90000") && error.contains("-UO_100000"), "{error}");
        let error = terms(None, "BTC_USDC-27NOV26-90000-C-AMERICAN").unwrap_err().to_string();
        assert!(error.starts_with("--genesis"), "{error}");
    }
}
