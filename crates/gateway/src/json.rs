//! The venue's JSON for every thing the gateway shows.
//!
//! Invariant: field names and kinds are Deribit's for USDC-linear instruments; what has no value is null or
//! left out where the venue leaves it out.

use num::{Cash, Fix, Side};
use serde_json::{Value, json};
use wire::{OrderId, PostOnly, ReduceOnly, TimeInForce};

use crate::{
    decimal::{cash, fix, scaled},
    model::{
        Fill, Greeks, Instrument, Kind, Level, Liquidity, Market, Order, OrderState, Position, Right,
        Summary, Trade,
    },
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
        Kind::Future | Kind::Perpetual => "future",
    }
}

pub fn side(side: Side) -> &'static str {
    match side {
        Side::Buy => "buy",
        Side::Sell => "sell",
    }
}

pub fn order_id(order: OrderId) -> String {
    order.to_string()
}

pub fn optional(cash_value: Option<Cash>) -> Value {
    cash_value.map_or(Value::Null, cash)
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
        "is_active": it.is_active,
        "state": if it.is_active { "open" } else { "closed" },
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
    match it.kind {
        Kind::Option { strike, right } => {
            value["strike"] = cash(strike);
            value["option_type"] = json!(match right {
                Right::Call => "call",
                Right::Put => "put",
            });
        }
        Kind::Future | Kind::Perpetual => {
            value["max_leverage"] = json!(20);
            value["max_liquidation_commission"] = json!(0.0075);
        }
    }
    value
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
        "state": if it.is_active { "open" } else { "closed" },
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
        "min_price": cash(it.tick),
        "max_price": market.index.map_or(Value::Null, |index| scaled(i128::from(index.micros()) * 10, 1e6)),
        "open_interest": fix(market.open_interest),
    });
    match it.kind {
        Kind::Option { .. } => {
            value["underlying_price"] = optional(market.forward);
            value["underlying_index"] = json!(underlying_index(it));
            value["interest_rate"] = json!(0.0);
            value["mark_iv"] = percent(market.mark_iv);
            value["bid_iv"] = percent(ivs.0);
            value["ask_iv"] = percent(ivs.1);
            value["greeks"] = greeks(&market.greeks.unwrap_or_default());
        }
        Kind::Perpetual => {
            value["current_funding"] = json!(0.0);
            value["funding_8h"] = json!(0.0);
        }
        Kind::Future => {}
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
    json!({
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
        "mark_iv": percent(market.mark_iv),
        "volume": fix(stats.volume),
        "volume_usd": cash(stats.volume_usd),
        "volume_notional": cash(stats.volume_usd),
        "open_interest": fix(market.open_interest),
        "underlying_price": optional(market.forward),
        "underlying_index": underlying_index(it),
        "interest_rate": 0.0,
        "estimated_delivery_price": optional(market.index),
    })
}

fn order_state(state: OrderState) -> &'static str {
    match state {
        OrderState::Open => "open",
        OrderState::Filled => "filled",
        OrderState::Cancelled => "cancelled",
    }
}

fn time_in_force(it: TimeInForce) -> &'static str {
    match it {
        TimeInForce::GoodTilCancelled => "good_til_cancelled",
        TimeInForce::ImmediateOrCancel => "immediate_or_cancel",
        TimeInForce::FillOrKill => "fill_or_kill",
        TimeInForce::GoodTilTime { .. } => "good_til_day",
    }
}

pub fn order(it: &Order, instrument_name: &str, lot: Fix) -> Value {
    let average = if it.filled > Fix::ZERO {
        scaled(i128::from(it.filled_value.micros()) * 1_000_000_000 / i128::from(it.filled.raw()), 1e6)
    } else {
        json!(0.0)
    };
    json!({
        "order_id": order_id(it.id),
        "instrument_name": instrument_name,
        "direction": side(it.side),
        "order_type": if it.price.is_some() { "limit" } else { "market" },
        "order_state": order_state(it.state),
        "time_in_force": time_in_force(it.time_in_force),
        "amount": fix(it.amount),
        "filled_amount": fix(it.filled),
        "contracts": it.amount.raw() / lot.raw().max(1),
        "max_show": fix(it.amount),
        "price": it.price.map_or_else(|| json!("market_price"), cash),
        "average_price": average,
        "post_only": it.post_only != PostOnly::Off,
        "reject_post_only": it.post_only == PostOnly::Reject,
        "reduce_only": it.reduce_only == ReduceOnly::On,
        "label": it.label,
        "api": true,
        "web": false,
        "mmp": false,
        "replaced": false,
        "is_liquidation": it.is_liquidation,
        "risk_reducing": it.is_liquidation,
        "creation_timestamp": it.created_ms,
        "last_update_timestamp": it.updated_ms,
    })
}

pub fn trade(it: &Trade, instrument_name: &str) -> Value {
    let mut value = json!({
        "trade_id": it.id.to_string(),
        "trade_seq": it.sequence,
        "timestamp": it.time_ms,
        "tick_direction": it.tick_direction,
        "price": cash(it.price),
        "amount": fix(it.amount),
        "mark_price": optional(it.mark),
        "index_price": optional(it.index),
        "instrument_name": instrument_name,
        "direction": side(it.side),
    });
    if it.is_liquidation {
        value["liquidation"] = json!("T");
    }
    value
}

pub fn fill(it: &Fill, instrument_name: &str, order: Option<&Order>) -> Value {
    let mut value = trade(&it.trade, instrument_name);
    value["direction"] = json!(side(it.side));
    value["order_id"] = json!(order_id(it.order));
    value["matching_id"] = Value::Null;
    value["fee"] = cash(it.fee);
    value["fee_currency"] = json!("USDC");
    value["liquidity"] = json!(match it.liquidity {
        Liquidity::Maker => "M",
        Liquidity::Taker => "T",
    });
    value["order_type"] =
        json!(if order.is_some_and(|order| order.price.is_none()) { "market" } else { "limit" });
    value["state"] = json!(order.map_or("filled", |order| order_state(order.state)));
    value["self_trade"] = json!(false);
    value["post_only"] = json!(order.is_some_and(|order| order.post_only != PostOnly::Off));
    value["reduce_only"] = json!(order.is_some_and(|order| order.reduce_only == ReduceOnly::On));
    value["api"] = json!(true);
    value["mmp"] = json!(false);
    value["risk_reducing"] = json!(it.trade.is_liquidation);
    value["label"] = json!(it.label);
    value["profit_loss"] = json!(0.0);
    value
}

pub fn position(it: &Position, instrument: &Instrument) -> Value {
    let direction = match it.size.raw() {
        0 => "zero",
        1.. => "buy",
        _ => "sell",
    };
    let total = it.unrealised.checked_add(it.realised).unwrap_or(it.unrealised);
    let mut value = json!({
        "instrument_name": instrument.name,
        "kind": kind(instrument.kind),
        "direction": direction,
        "size": fix(it.size),
        "average_price": cash(it.average_price),
        "mark_price": cash(it.mark),
        "index_price": cash(it.index),
        "settlement_price": cash(it.mark),
        "floating_profit_loss": cash(it.unrealised),
        "realized_profit_loss": cash(it.realised),
        "total_profit_loss": cash(total),
        "initial_margin": 0.0,
        "maintenance_margin": 0.0,
        "open_orders_margin": 0.0,
        "delta": fix(it.greeks.delta),
    });
    if let Kind::Option { .. } = instrument.kind {
        for (name, greek) in greeks(&it.greeks).as_object().into_iter().flatten() {
            value[name] = greek.clone();
        }
    } else {
        value["size_currency"] = fix(it.size);
    }
    value
}

pub fn summary(it: &Summary) -> Value {
    json!({
        "currency": "USDC",
        "balance": cash(it.balance),
        "equity": cash(it.equity),
        "margin_balance": cash(it.equity),
        "available_funds": cash(it.available),
        "available_withdrawal_funds": cash(it.available.min(it.balance).max(Cash::ZERO)),
        "initial_margin": cash(it.initial_margin),
        "maintenance_margin": cash(it.maintenance_margin),
        "projected_initial_margin": cash(it.initial_margin),
        "projected_maintenance_margin": cash(it.maintenance_margin),
        "margin_model": "cross_pm",
        "portfolio_margining_enabled": true,
        "cross_collateral_enabled": false,
        "session_upl": cash(it.unrealised),
        "session_rpl": 0.0,
        "total_pl": cash(it.unrealised),
        "delta_total": 0.0,
        "fee_balance": 0.0,
        "spot_reserve": 0.0,
        "additional_reserve": 0.0,
        "limits": {"non_matching_engine": {"rate": 500, "burst": 500}, "matching_engine": {"rate": 500, "burst": 500}},
    })
}
