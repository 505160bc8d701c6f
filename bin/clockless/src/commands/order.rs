//! `clockless order place|cancel|amend|cancel-all`: one signed intent, and what came of it.
//!
//! Invariant: an amount or a price that is no multiple of its lot or tick is refused, never rounded: what was meant
//! is what is signed.

use clap::{Args, Subcommand, ValueEnum};
use client::protocol::InstrumentRecord;
use num::{Cash, Fix, Lots, Side, Ticks};
use wire::{
    Action, InstrumentId, Label, NewOrder, OrderId, OrderKind, OrderTarget, PostOnly, ReduceOnly, TimeInForce,
};

use crate::{commands::trader::Through, failure::Failure};

#[derive(Args, Debug)]
pub struct OrderArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand, Debug)]
enum What {
    /// Place an order
    Place(PlaceArguments),
    /// Take an open order back
    Cancel(CancelArguments),
    /// Change an open order's amount and price; smaller at the same price keeps its place
    Amend(AmendArguments),
    /// Take all open orders back, or those of one instrument
    CancelAll(CancelAllArguments),
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SideArgument {
    Buy,
    Sell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum TimeInForceArgument {
    /// Good till cancelled
    Gtc,
    /// What does not trade at once is dropped
    Ioc,
    /// All at once or nothing
    Fok,
}

#[derive(Args, Debug)]
struct PlaceArguments {
    #[command(flatten)]
    through: Through,
    #[arg(long)]
    json: bool,
    /// Such as BTC_USDC-25SEP26-90000-C.
    #[arg(long)]
    instrument: String,
    #[arg(long)]
    side: SideArgument,
    /// Of the underlying, such as 0.1.
    #[arg(long)]
    amount: String,
    /// The limit, in USDC for one whole unit.
    #[arg(long, conflicts_with = "market", required_unless_present = "market")]
    price: Option<String>,
    /// Whatever the price.
    #[arg(long)]
    market: bool,
    #[arg(long, default_value = "gtc")]
    tif: TimeInForceArgument,
    /// Refused when it would trade at once.
    #[arg(long)]
    post_only: bool,
    /// Only to make a position smaller.
    #[arg(long)]
    reduce_only: bool,
    /// An own name, unique among the account's open orders, up to 64 bytes.
    #[arg(long, default_value = "")]
    label: String,
}

/// One open order, by its number or its label.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct TargetArguments {
    /// The order's number.
    #[arg(long)]
    order: Option<u64>,
    /// The order's label.
    #[arg(long)]
    label: Option<String>,
}

#[derive(Args, Debug)]
struct CancelArguments {
    #[command(flatten)]
    through: Through,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: TargetArguments,
}

#[derive(Args, Debug)]
struct AmendArguments {
    #[command(flatten)]
    through: Through,
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    target: TargetArguments,
    /// The instrument of the order, which says what a lot and a tick are.
    #[arg(long)]
    instrument: String,
    /// The new total, filled part included.
    #[arg(long)]
    amount: String,
    #[arg(long)]
    price: String,
}

#[derive(Args, Debug)]
struct CancelAllArguments {
    #[command(flatten)]
    through: Through,
    #[arg(long)]
    json: bool,
    #[arg(long)]
    instrument: Option<String>,
}

pub fn run(arguments: &OrderArguments) -> Result<(), Failure> {
    let (through, as_json) = match &arguments.what {
        What::Place(it) => (&it.through, it.json),
        What::Cancel(it) => (&it.through, it.json),
        What::Amend(it) => (&it.through, it.json),
        What::CancelAll(it) => (&it.through, it.json),
    };
    through.submit_in_units(|listed| action_of(&arguments.what, listed), as_json)
}

fn action_of(what: &What, listed: &[InstrumentRecord]) -> Result<Action, Failure> {
    match what {
        What::Place(it) => place(it, listed),
        What::Cancel(it) => Ok(Action::Cancel { target: it.target.read()? }),
        What::Amend(it) => {
            let instrument = find(listed, &it.instrument)?;
            let (lots, price) = (lots(instrument, &it.amount)?, ticks(instrument, &it.price)?);
            Ok(Action::Amend { target: it.target.read()?, lots, price })
        }
        What::CancelAll(it) => {
            let instrument = it.instrument.as_deref().map(|name| find(listed, name)).transpose()?;
            Ok(Action::CancelAll { instrument: instrument.map(|it| InstrumentId(it.instrument)) })
        }
    }
}

fn place(it: &PlaceArguments, listed: &[InstrumentRecord]) -> Result<Action, Failure> {
    let instrument = find(listed, &it.instrument)?;
    let order = NewOrder {
        instrument: InstrumentId(instrument.instrument),
        side: match it.side {
            SideArgument::Buy => Side::Buy,
            SideArgument::Sell => Side::Sell,
        },
        lots: lots(instrument, &it.amount)?,
        kind: match &it.price {
            None => OrderKind::Market,
            Some(price) => OrderKind::Limit { price: ticks(instrument, price)? },
        },
        time_in_force: match it.tif {
            TimeInForceArgument::Gtc => TimeInForce::GoodTilCancelled,
            TimeInForceArgument::Ioc => TimeInForce::ImmediateOrCancel,
            TimeInForceArgument::Fok => TimeInForce::FillOrKill,
        },
        post_only: if it.post_only { PostOnly::Reject } else { PostOnly::Off },
        reduce_only: if it.reduce_only { ReduceOnly::On } else { ReduceOnly::Off },
        label: label(&it.label)?,
    };
    Ok(Action::Place { order })
}

impl TargetArguments {
    fn read(&self) -> Result<OrderTarget, Failure> {
        match (self.order, &self.label) {
            (Some(order), _) => Ok(OrderTarget::Id { order: OrderId(order) }),
            (None, text) => Ok(OrderTarget::Label { label: label(text.as_deref().unwrap_or_default())? }),
        }
    }
}

pub(super) fn find<'a>(listed: &'a [InstrumentRecord], name: &str) -> Result<&'a InstrumentRecord, Failure> {
    listed.iter().find(|it| it.name == name).ok_or_else(|| {
        let example = listed.first().map(|it| format!(", such as {}", it.name)).unwrap_or_default();
        let count = listed.len();
        Failure::bad_input(format!("--instrument {name}: one of the {count} listed is expected{example}"))
    })
}

fn label(text: &str) -> Result<Label, Failure> {
    let (have, need) = (text.len(), Label::MAX);
    Label::new(text.as_bytes().to_vec())
        .ok_or_else(|| Failure::bad_input(format!("--label: {have} bytes, at most {need} are expected")))
}

/// An amount of the underlying in lots.
pub(super) fn lots(instrument: &InstrumentRecord, amount: &str) -> Result<Lots, Failure> {
    let wrong = |reason: String| Failure::bad_input(format!("--amount {amount}: {reason}"));
    let raw = gateway::decimal::parse(amount, 9).map_err(|error| wrong(error.to_string()))?;
    let lots = whole(raw, instrument.lot_billionths).and_then(|lots| u64::try_from(lots).ok());
    let lot = Fix::from_raw(instrument.lot_billionths);
    let lots = lots.filter(|lots| *lots > 0);
    lots.map(Lots::new)
        .ok_or_else(|| wrong(format!("a multiple of {lot} above zero is expected for {}", instrument.name)))
}

/// A price in ticks.
fn ticks(instrument: &InstrumentRecord, price: &str) -> Result<Ticks, Failure> {
    let wrong = |reason: String| Failure::bad_input(format!("--price {price}: {reason}"));
    let micros = gateway::decimal::parse(price, 6).map_err(|error| wrong(error.to_string()))?;
    let ticks = whole(micros, instrument.tick_micros).filter(|ticks| *ticks > 0);
    let tick = Cash::from_micros(instrument.tick_micros);
    ticks
        .map(Ticks::new)
        .ok_or_else(|| wrong(format!("a multiple of {tick} above zero is expected for {}", instrument.name)))
}

fn whole(raw: i64, unit: i64) -> Option<i64> {
    (raw.checked_rem(unit)? == 0).then(|| raw.checked_div(unit)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instrument() -> InstrumentRecord {
        InstrumentRecord {
            instrument: 3,
            name: "BTC_USDC-PERPETUAL".to_owned(),
            tick_micros: 500_000,
            lot_billionths: 1_000_000,
            is_open: true,
            mark_micros: None,
        }
    }

    #[test]
    fn what_is_meant_is_signed_or_refused_and_never_rounded() {
        assert_eq!(lots(&instrument(), "0.125").unwrap(), Lots::new(125));
        assert_eq!(ticks(&instrument(), "64000.5").unwrap(), Ticks::new(128_001));
        for amount in ["0", "-0.1", "0.0005", "1e3", "", "0.0000000001", "99999999999999"] {
            let error = lots(&instrument(), amount).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--amount {amount}: ")), "{error}");
        }
        for price in ["0", "-1", "64000.25", "x", "0.0000001"] {
            let error = ticks(&instrument(), price).unwrap_err().to_string();
            assert!(error.starts_with(&format!("--price {price}: ")), "{error}");
        }
    }

    #[test]
    fn an_unknown_instrument_is_answered_with_an_example() {
        let listed = [instrument()];
        assert_eq!(find(&listed, "BTC_USDC-PERPETUAL").unwrap().instrument, 3);
        let error = find(&listed, "BTC-PERPETUAL").unwrap_err().to_string();
        assert!(error.contains("such as BTC_USDC-PERPETUAL"), "{error}");
    }

    #[test]
    fn a_label_has_at_most_64_bytes() {
        assert!(label(&"x".repeat(64)).is_ok());
        assert!(label(&"x".repeat(65)).is_err());
    }
}
