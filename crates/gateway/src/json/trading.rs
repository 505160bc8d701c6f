//! Orders, trades, positions and accounts in the venue's JSON.
//!
//! Invariant: amounts are in units of the underlying, with the same in lots as `contracts`; profits leave
//! fees out, which stand beside them.

use num::{Cash, Fix};
use serde_json::{Value, json};
use wire::{PostOnly, ReduceOnly, TimeInForce};

use crate::{
    decimal::{cash, fix, scaled},
    model::{Fill, Instrument, Kind, Liquidity, Order, OrderState, Position, Summary, Trade},
};

use super::{greeks, kind, optional, order_id, percent, side};

fn order_state(state: OrderState) -> &'static str {
    match state {
        OrderState::Open => "open",
        OrderState::Filled => "filled",
        OrderState::Cancelled => "cancelled",
        OrderState::Untriggered => "untriggered",
        OrderState::Rejected => "rejected",
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

/// The venue's type of an order; one whose trigger has come is what it became.
pub fn order_type(it: &Order) -> &'static str {
    let is_limit = it.price.is_some() || it.implied.is_some();
    let waits = it.trigger.as_ref().filter(|trigger| !trigger.has_come).map_or("", |trigger| trigger.kind);
    match (waits, is_limit) {
        ("stop", true) => "stop_limit",
        ("stop", false) => "stop_market",
        ("take", true) => "take_limit",
        ("take", false) => "take_market",
        (_, true) => "limit",
        (_, false) => "market",
    }
}

/// Whether an order is of a type that a call selects, such as `trigger_all` or `stop_market`.
pub fn is_of_type(it: &Order, wanted: &str) -> bool {
    let have = order_type(it);
    match wanted {
        "all" => true,
        "trigger_all" => have.contains('_'),
        "stop" | "stop_all" => have.starts_with("stop"),
        "take" | "take_all" => have.starts_with("take"),
        wanted => have == wanted,
    }
}

pub fn order(it: &Order, instrument_name: &str, lot: Fix) -> Value {
    let average = if it.filled > Fix::ZERO {
        scaled(i128::from(it.filled_value.micros()) * 1_000_000_000 / i128::from(it.filled.raw()), 1e6)
    } else {
        json!(0.0)
    };
    let mut value = json!({
        "order_id": order_id(it.id),
        "instrument_name": instrument_name,
        "direction": side(it.side),
        "order_type": order_type(it),
        "order_state": order_state(it.state),
        "time_in_force": time_in_force(it.time_in_force),
        "amount": fix(it.amount),
        "filled_amount": fix(it.filled),
        "contracts": it.amount.raw() / lot.raw().max(1),
        "max_show": fix(it.display.unwrap_or(it.amount)),
        "display_amount": fix(it.display.unwrap_or(it.amount)),
        "price": it.price.map_or_else(|| json!("market_price"), cash),
        "average_price": average,
        "post_only": it.post_only != PostOnly::Off,
        "reject_post_only": it.post_only == PostOnly::Reject,
        "reduce_only": it.reduce_only == ReduceOnly::On,
        "label": it.label,
        "api": true,
        "web": false,
        "mobile": false,
        "mmp": it.protected,
        "replaced": it.replaced,
        "is_liquidation": it.is_liquidation,
        "risk_reducing": it.is_liquidation,
        "creation_timestamp": it.created_ms,
        "last_update_timestamp": it.updated_ms,
    });
    if it.implied.is_some() {
        value["advanced"] = json!("implv");
        value["implv"] = percent(it.implied);
    }
    if let Some(trigger) = it.trigger.as_ref().filter(|trigger| !trigger.kind.is_empty()) {
        value["trigger"] = json!(trigger.source);
        value["trigger_price"] = cash(trigger.price);
        value["stop_price"] = cash(trigger.price);
        value["triggered"] = json!(trigger.has_come);
    }
    if let Some(reason) = it.cancel_reason {
        value["cancel_reason"] = json!(reason);
    }
    value
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
        "contracts": it.contracts,
    });
    if it.iv.is_some() {
        value["iv"] = percent(it.iv);
    }
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
    value["profit_loss"] = cash(it.profit);
    if it.trade.forward.is_some() {
        value["underlying_price"] = optional(it.trade.forward);
    }
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
        "initial_margin": cash(it.initial_margin),
        "maintenance_margin": cash(it.maintenance_margin),
        "open_orders_margin": 0.0,
        "estimated_liquidation_price": null,
        "delta": fix(it.greeks.delta),
    });
    if let Kind::Option { .. } = instrument.kind {
        for (name, greek) in greeks(&it.greeks).as_object().into_iter().flatten() {
            value[name] = greek.clone();
        }
    } else {
        value["size_currency"] = fix(it.size);
        value["leverage"] = json!(20);
        value["realized_funding"] = json!(0.0);
    }
    value
}

pub fn summary(it: &Summary) -> Value {
    let sensitivities = greeks(&it.options);
    let projected = it.options_profit.checked_add(it.futures_profit).unwrap_or(it.options_profit);
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
        "session_upl": cash(projected),
        "session_rpl": cash(it.realised),
        "total_pl": cash(projected.checked_add(it.realised).unwrap_or(projected)),
        "futures_pl": cash(it.futures_profit),
        "futures_session_upl": cash(it.futures_profit),
        "futures_session_rpl": 0.0,
        "options_pl": cash(it.options_profit),
        "options_session_upl": cash(it.options_profit),
        "options_session_rpl": 0.0,
        "options_value": cash(it.options_value),
        "options_delta": sensitivities["delta"],
        "options_gamma": sensitivities["gamma"],
        "options_vega": sensitivities["vega"],
        "options_theta": sensitivities["theta"],
        "options_gamma_map": {},
        "options_theta_map": {},
        "options_vega_map": {},
        "delta_total": fix(it.delta),
        "projected_delta_total": fix(it.delta),
        "delta_total_map": {},
        "estimated_liquidation_ratio": 0.0,
        "fee_balance": 0.0,
        "spot_reserve": 0.0,
        "additional_reserve": 0.0,
    })
}
