//! Orders: from the venue's parameters to a signed intent and back to the venue's order.
//!
//! Invariant: an answer is final. It is given when the intent is ordered and executed, never before; when
//! that takes too long the caller is told that the outcome is not known yet.

use num::{Cash, Fix, Lots, Rounding, Side, Ticks};
use serde_json::{Value, json};
use wire::{Action, Label, NewOrder, OrderKind, OrderTarget, PostOnly, ReduceOnly, TimeInForce};

use crate::{
    model::{Instrument, Order},
    outcome::Outcome,
    rpc::{Code, Params, RpcError, RpcResult},
};

use super::{Caller, cancelling, market, orders};

/// Decimal places of an amount and of a price.
const AMOUNT_PLACES: u32 = 9;
const PRICE_PLACES: u32 = 6;

pub(super) async fn place(caller: Caller<'_>, side: Side, params: &Params) -> RpcResult {
    let order = {
        let view = caller.gateway.view();
        let it = market::to_trade(&view, params)?;
        new_order(it, side, params, None)?
    };
    let outcome = caller.gateway.execute(caller.identity, vec![Action::Place { order }]).await?;
    placed(caller, &outcome)
}

/// Closes a position with an order of its whole size that can only reduce it.
pub(super) async fn close_position(caller: Caller<'_>, params: &Params) -> RpcResult {
    let order = {
        let view = caller.gateway.view();
        let it = market::to_trade(&view, params)?;
        let (side, size) = cancelling::closing(&view, caller.identity, params)?;
        params
            .choice("type", &["limit", "market"])?
            .ok_or_else(|| RpcError::param("type", "missing, limit or market is expected"))?;
        let lots = lots(it, size)?;
        NewOrder { lots, reduce_only: ReduceOnly::On, ..new_order(it, side, params, Some(lots))? }
    };
    let outcome = caller.gateway.execute(caller.identity, vec![Action::Place { order }]).await?;
    placed(caller, &outcome)
}

pub(super) async fn edit(caller: Caller<'_>, params: &Params) -> RpcResult {
    let order = orders::own_open_order(&caller.gateway.view(), caller.identity, params)?;
    amend(caller, &order, params).await
}

pub(super) async fn edit_by_label(caller: Caller<'_>, params: &Params) -> RpcResult {
    let order = {
        let view = caller.gateway.view();
        let (it, label) = (market::to_trade(&view, params)?, params.text("label")?);
        let mut open = view.open_orders(&caller.identity.account).into_iter();
        let found = open.find(|order| order.instrument == it.id && order.label == label);
        found.ok_or_else(|| {
            let reason = format!("no open order in {} has the label {label:?}", it.name);
            RpcError::new(Code::OrderNotFound, reason)
        })?
    };
    amend(caller, &order, params).await
}

async fn amend(caller: Caller<'_>, order: &Order, params: &Params) -> RpcResult {
    let action = {
        let view = caller.gateway.view();
        let it = view
            .instrument_of(order.instrument)
            .ok_or_else(|| RpcError::new(Code::NotOpenOrder, "the instrument is no longer listed"))?;
        check_flags(order, params)?;
        let lots = amount(it, params, Some(order.amount))?;
        let price = match params.optional_decimal("price", PRICE_PLACES)? {
            Some(price) => ticks(it, Cash::from_micros(price))?,
            None => match order.price {
                Some(price) => ticks(it, price)?,
                None => return Err(RpcError::new(Code::NotOpenOrder, "a market order cannot be edited")),
            },
        };
        Action::Amend { target: OrderTarget::Id { order: order.id }, lots, price }
    };
    let outcome = caller.gateway.execute(caller.identity, vec![action]).await.map_err(orders::known_order)?;
    let outcome = Outcome { orders: vec![order.id], ..outcome };
    placed(caller, &outcome)
}

/// An edit keeps what kind of order it is; whoever asks for another kind is told.
fn check_flags(order: &Order, params: &Params) -> Result<(), RpcError> {
    let flags = [
        ("post_only", order.post_only == PostOnly::Reject),
        ("reduce_only", order.reduce_only == ReduceOnly::On),
    ];
    for (name, present) in flags {
        if params.optional_flag(name)?.is_some_and(|wanted| wanted != present) {
            let reason = format!("{name} of an order cannot be changed, it is {present}");
            return Err(RpcError {
                code: Code::InvalidArguments,
                data: json!({ "param": name, "reason": reason }),
            });
        }
    }
    refuse_unknown_terms(params)
}

/// The answer to an order that was placed or edited: its state and the trades of it.
fn placed(caller: Caller<'_>, outcome: &Outcome) -> RpcResult {
    caller.session.note_orders(&outcome.orders);
    let view = caller.gateway.view();
    let order = outcome
        .orders
        .first()
        .and_then(|id| view.history().find_order(*id))
        .ok_or_else(|| RpcError::new(Code::InternalServerError, "the order left no trace"))?;
    let trades = match orders::fills_json(&view, order) {
        Value::Array(trades) => trades.into_iter().filter(|trade| outcome.has_trade(trade)).collect(),
        other => other,
    };
    Ok(json!({ "order": orders::order_json(&view, order), "trades": trades, "commit": outcome.commit }))
}

/// Reads the terms of an order; `whole` is its size when the call does not say one.
fn new_order(
    it: &Instrument,
    side: Side,
    params: &Params,
    whole: Option<Lots>,
) -> Result<NewOrder, RpcError> {
    refuse_unknown_terms(params)?;
    let kind = match params.choice("type", &TYPES)?.unwrap_or("limit") {
        "limit" => {
            let price = params
                .optional_decimal("price", PRICE_PLACES)?
                .ok_or_else(|| RpcError::param("price", "missing, a limit order needs one"))?;
            OrderKind::Limit { price: ticks(it, Cash::from_micros(price))? }
        }
        "market" => OrderKind::Market,
        other => return Err(not_offered("type", other)),
    };
    Ok(NewOrder {
        instrument: it.id,
        side,
        lots: whole.map_or_else(|| amount(it, params, None), Ok)?,
        kind,
        time_in_force: time_in_force(kind, params)?,
        post_only: if params.flag("post_only")? { PostOnly::Reject } else { PostOnly::Off },
        reduce_only: if params.flag("reduce_only")? { ReduceOnly::On } else { ReduceOnly::Off },
        label: label(params.optional_text("label")?.unwrap_or(""))?,
    })
}

const TYPES: [&str; 8] = [
    "limit",
    "market",
    "stop_limit",
    "stop_market",
    "take_limit",
    "take_market",
    "market_limit",
    "trailing_stop",
];

fn time_in_force(kind: OrderKind, params: &Params) -> Result<TimeInForce, RpcError> {
    let known = ["good_til_cancelled", "good_til_day", "immediate_or_cancel", "fill_or_kill"];
    match params.choice("time_in_force", &known)?.unwrap_or("good_til_cancelled") {
        "good_til_cancelled" if kind == OrderKind::Market => Ok(TimeInForce::ImmediateOrCancel),
        "good_til_cancelled" => Ok(TimeInForce::GoodTilCancelled),
        "immediate_or_cancel" => Ok(TimeInForce::ImmediateOrCancel),
        "fill_or_kill" => Ok(TimeInForce::FillOrKill),
        other => Err(not_offered("time_in_force", other)),
    }
}

/// Terms that would change what an order does are refused, never passed over.
fn refuse_unknown_terms(params: &Params) -> Result<(), RpcError> {
    let terms =
        ["trigger", "trigger_price", "trigger_offset", "otoco_config", "linked_order_type", "advanced"];
    match terms.into_iter().find(|name| params.get(name).is_some()) {
        Some(name) => Err(not_offered(name, "given")),
        None if params.flag("mmp")? => Err(not_offered("mmp", "true")),
        None => Ok(()),
    }
}

fn not_offered(name: &str, have: &str) -> RpcError {
    let reason = format!("{have} is not offered: limit and market orders only");
    RpcError { code: Code::NotImplemented, data: json!({ "param": name, "reason": reason }) }
}

/// `amount` in units of the underlying, or `contracts` in lots.
fn amount(it: &Instrument, params: &Params, otherwise: Option<Fix>) -> Result<Lots, RpcError> {
    if let Some(contracts) = params.optional_u64("contracts")?
        && params.get("amount").is_none()
    {
        return Ok(Lots::new(contracts));
    }
    let amount = params.optional_decimal("amount", AMOUNT_PLACES)?.map(Fix::from_raw).or(otherwise);
    let amount = amount.ok_or_else(|| RpcError::param("amount", "missing, a number is expected"))?;
    lots(it, amount)
}

fn lots(it: &Instrument, amount: Fix) -> Result<Lots, RpcError> {
    let (have, lot) = (i128::from(amount.raw()), i128::from(it.lot.raw()));
    if have <= 0 {
        return Err(RpcError::new(Code::InvalidAmount, format!("amount {amount} must be above zero")));
    }
    num::div_exact(have, lot).and_then(|lots| u64::try_from(lots).ok()).map(Lots::new).ok_or_else(|| {
        RpcError::new(Code::InvalidAmount, format!("amount {amount} is no multiple of {}", it.lot))
    })
}

fn ticks(it: &Instrument, price: Cash) -> Result<Ticks, RpcError> {
    let market = num::Market::new(it.tick, it.lot)
        .map_err(|error| RpcError::new(Code::InternalServerError, error.to_string()))?;
    let invalid = |code: Code, reason: String| RpcError::new(code, reason);
    if !price.is_positive() {
        return Err(invalid(Code::InvalidPrice, format!("price {price} must be above zero")));
    }
    let low = market.ticks(price, Rounding::Floor);
    let high = market.ticks(price, Rounding::Ceil);
    match (low, high) {
        (Some(low), Some(high)) if low == high => Ok(low),
        _ => Err(invalid(
            Code::PriceWrongTick,
            format!("price {price} is no multiple of the tick {}", it.tick),
        )),
    }
}

fn label(text: &str) -> Result<Label, RpcError> {
    Label::new(text.as_bytes().to_vec()).ok_or_else(|| {
        RpcError::param("label", format!("{} bytes given, at most {} fit", text.len(), Label::MAX))
    })
}
