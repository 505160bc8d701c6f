//! The venue's JSON for every thing the gateway shows.
//!
//! Invariant: field names and kinds are Deribit's for USDC-linear instruments; what has no value is null or
//! left out where the venue leaves it out.

mod account;
mod exotic;
mod order;
mod trade;

use exchange::Listing;
use num::{Cash, Fix, Side};
use serde_json::{Value, json};

pub use account::{position, summary};
pub use exotic::exotic;
pub use order::{OrderObject, is_of_type};
pub use trade::{FillObject, TradeObject, block_id};

use crate::{
    decimal::{cash, fix, scaled},
    model::{Greeks, Instrument, Kind, Level, Market, Right},
};

/// The venue's expiry of what never expires.
pub const NEVER_MS: u64 = 32_503_708_800_000;

/// Statistics of the last 24 hours of one instrument.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    pub last: Option<Cash>,
    pub high: Option<Cash>,
    pub low: Option<Cash>,
    pub volume: Fix,
    pub volume_usd: Cash,
    /// Percent.
    pub change: Option<f64>,
}

pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Option { .. } => "option",
        Kind::Exotic { .. } => "exotic",
        Kind::Future | Kind::Perpetual => "future",
        Kind::FutureCombo => "future_combo",
        Kind::OptionCombo => "option_combo",
    }
}

pub fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

pub fn optional(cash_value: Option<Cash>) -> Value {
    cash_value.map_or(Value::Null, cash)
}

/// The venue's word for where an instrument is in its life.
pub fn state(it: &Instrument) -> &'static str {
    match it.listing {
        Listing::Open if it.is_locked => "locked",
        Listing::Open => "open",
        Listing::Expired => "settlement",
        Listing::Settled { .. } => "delivered",
        Listing::Delisted => "closed",
    }
}

fn settlement_period(instrument: &Instrument) -> &'static str {
    const DAY: u64 = num::DAY_MS;
    let Some(expiry) = instrument.expiry_ms else { return "perpetual" };
    match expiry.saturating_sub(instrument.created_ms) {
        ..=172_800_000 => "day",
        span if span <= 14 * DAY => "week",
        _ => "month",
    }
}

pub fn instrument(it: &Instrument) -> Value {
    let mut value = json!({
        "instrument_id": it.id.0,
        "instrument_name": it.name,
        "kind": kind(it.kind),
        "base_currency": it.underlying,
        "counter_currency": "USDC",
        "quote_currency": "USDC",
        "settlement_currency": "USDC",
        "settlement_period": settlement_period(it),
        "instrument_type": "linear",
        "price_index": price_index(&it.underlying),
        "is_active": it.is_active(),
        "state": state(it),
        "rfq": false,
        "creation_timestamp": it.created_ms,
        "expiration_timestamp": it.expiry_ms.unwrap_or(NEVER_MS),
        "tick_size": cash(it.tick),
        "tick_size_steps": [],
        "min_trade_amount": fix(it.lot),
        "contract_size": fix(it.lot),
        "maker_commission": fix(it.maker_fee),
        "taker_commission": fix(it.taker_fee),
        "block_trade_commission": fix(it.taker_fee),
        "block_trade_min_trade_amount": 25,
        "block_trade_tick_size": cash(it.tick),
    });
    if let Kind::Option { strike, right } | Kind::Exotic { strike, right, .. } = it.kind {
        value["strike"] = cash(strike);
        value["option_type"] = json!(match right {
            Right::Call => "call",
            Right::Put => "put",
        });
    }
    match it.kind {
        Kind::Exotic { style, .. } => value["exotic"] = exotic::style(&style),
        Kind::Future | Kind::Perpetual => {
            value["future_type"] = json!("linear");
            value["max_leverage"] = json!(20);
            value["max_liquidation_commission"] = json!(0.0075);
        }
        Kind::Option { .. } | Kind::FutureCombo | Kind::OptionCombo => {}
    }
    value
}

/// The venue's word for whether a combo can be traded.
pub fn combo_state(it: &Instrument) -> &'static str {
    if it.is_active() { "active" } else { "inactive" }
}

/// The object of `public/get_combo_details`. `legs`: names, and units for one bought unit.
pub fn combo(it: &Instrument, legs: &[(&str, i64)]) -> Value {
    let leg = |(name, ratio): &(&str, i64)| json!({ "instrument_name": name, "amount": ratio });
    json!({
        "id": it.name,
        "instrument_id": it.id.0,
        "state": combo_state(it),
        "state_timestamp": it.state_ms,
        "creation_timestamp": it.created_ms,
        "legs": legs.iter().map(leg).collect::<Vec<_>>(),
    })
}

/// What the books of a combo's legs offer on a side of it, in fields of ours beside the venue's.
pub fn put_implied(value: &mut Value, level: Option<Level>, side: &str) {
    value[format!("implied_{side}_price")] = optional(level.map(|it| it.price));
    value[format!("implied_{side}_amount")] = fix(level.map_or(Fix::ZERO, |it| it.amount));
}

/// "btc_usdc", the venue's name of the index of a USDC-linear instrument.
pub fn price_index(underlying: &str) -> String {
    format!("{}_usdc", underlying.to_lowercase())
}

pub fn level(level: &Level) -> Value {
    json!([cash(level.price), fix(level.amount)])
}

pub fn greeks(greeks: &Greeks) -> Value {
    json!({
        "delta": fix(greeks.delta),
        "gamma": fix(greeks.gamma),
        // The venue states vega for one percent of volatility and theta for one day.
        "vega": scaled(i128::from(greeks.vega.raw()), 1e11),
        "theta": scaled(i128::from(greeks.theta.raw()), 365e9),
        "rho": scaled(i128::from(greeks.rho.raw()), 1e11),
    })
}

/// A volatility in percent.
pub fn percent(vol: Option<Fix>) -> Value {
    vol.map_or(Value::Null, |vol| scaled(i128::from(vol.raw()), 1e7))
}

fn best(levels: &[Level]) -> (Value, Value) {
    levels.first().map_or((Value::Null, json!(0.0)), |it| (cash(it.price), fix(it.amount)))
}

fn stats_json(stats: &Stats) -> Value {
    json!({
        "high": optional(stats.high),
        "low": optional(stats.low),
        "price_change": stats.change,
        "volume": fix(stats.volume),
        "volume_usd": cash(stats.volume_usd),
        "volume_notional": cash(stats.volume_usd),
    })
}

/// The object of `public/ticker` and of the ticker channels. `ivs`: bid and ask volatility, if any.
pub fn ticker(
    it: &Instrument,
    market: &Market,
    stats: &Stats,
    ivs: (Option<Fix>, Option<Fix>),
    now_ms: u64,
) -> Value {
    let ((bid, bid_amount), (ask, ask_amount)) = (best(&market.bids), best(&market.asks));
    let mut value = json!({
        "timestamp": now_ms,
        "state": state(it),
        "instrument_name": it.name,
        "stats": stats_json(stats),
        "last_price": optional(stats.last),
        "best_bid_price": bid,
        "best_bid_amount": bid_amount,
        "best_ask_price": ask,
        "best_ask_amount": ask_amount,
        "mark_price": optional(market.mark),
        "index_price": optional(market.index),
        "estimated_delivery_price": optional(market.index),
        "settlement_price": optional(market.mark),
        "min_price": optional(market.band.map(|band| band.0)),
        "max_price": optional(market.band.map(|band| band.1)),
        "open_interest": fix(market.open_interest),
    });
    match it.kind {
        Kind::Option { .. } | Kind::Exotic { .. } => {
            value["underlying_price"] = optional(market.forward);
            value["underlying_index"] = json!(underlying_index(it));
            value["interest_rate"] = json!(0.0);
            value["mark_iv"] = percent(market.mark_iv);
            value["bid_iv"] = percent(ivs.0);
            value["ask_iv"] = percent(ivs.1);
            value["greeks"] = greeks(&market.greeks.unwrap_or_default());
        }
        Kind::Perpetual => {
            value["current_funding"] = fix(market.funding);
            value["funding_8h"] = fix(market.funding);
            value["interest_value"] = json!(0.0);
        }
        Kind::Future | Kind::FutureCombo | Kind::OptionCombo => {}
    }
    if let Listing::Settled { price } = it.listing {
        value["delivery_price"] = cash(price);
    }
    value
}

/// "BTC_USDC-25SEP26" of "BTC_USDC-25SEP26-90000-C".
fn underlying_index(it: &Instrument) -> String {
    it.name.splitn(3, '-').take(2).collect::<Vec<_>>().join("-")
}

pub fn book_summary(it: &Instrument, market: &Market, stats: &Stats, now_ms: u64) -> Value {
    let ((bid, _), (ask, _)) = (best(&market.bids), best(&market.asks));
    let mid = match (market.bids.first(), market.asks.first()) {
        (Some(bid), Some(ask)) => {
            scaled((i128::from(bid.price.micros()) + i128::from(ask.price.micros())) / 2, 1e6)
        }
        _ => Value::Null,
    };
    let mut value = json!({
        "instrument_name": it.name,
        "base_currency": it.underlying,
        "quote_currency": "USDC",
        "creation_timestamp": now_ms,
        "last": optional(stats.last),
        "high": optional(stats.high),
        "low": optional(stats.low),
        "price_change": stats.change,
        "bid_price": bid,
        "ask_price": ask,
        "mid_price": mid,
        "mark_price": optional(market.mark),
        "volume": fix(stats.volume),
        "volume_usd": cash(stats.volume_usd),
        "volume_notional": cash(stats.volume_usd),
        "open_interest": fix(market.open_interest),
        "estimated_delivery_price": optional(market.index),
    });
    match it.kind {
        Kind::Option { .. } | Kind::Exotic { .. } => {
            value["mark_iv"] = percent(market.mark_iv);
            value["underlying_price"] = optional(market.forward);
            value["underlying_index"] = json!(underlying_index(it));
            value["interest_rate"] = json!(0.0);
        }
        Kind::Perpetual => {
            value["current_funding"] = fix(market.funding);
            value["funding_8h"] = fix(market.funding);
        }
        Kind::Future | Kind::FutureCombo | Kind::OptionCombo => {}
    }
    value
}
