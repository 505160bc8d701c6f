//! Orders: from the venue's parameters to a signed intent and back to the venue's order.
//!
//! Invariant: an answer is final. It is given when the intent is ordered and executed, never before; when
//! that takes too long the caller is told that the outcome is not known yet.

use num::{Cash, Fix, Lots, Rounding, Side, Ticks};
use serde_json::{Value, json};
use wire::{
    Action, InstrumentId, Label, NewOrder, OrderKind, OrderTarget, PostOnly, ReduceOnly, TimeInForce,
};

use crate::{
    Gateway,
    auth::Identity,
    model::Instrument,
    outcome::Outcome,
    rpc::{Code, Params, RpcError, RpcResult},
};

use super::{market, orders};

/// Decimal places of an amount and of a price.
const AMOUNT_PLACES: u32 = 9;
const PRICE_PLACES: u32 = 6;

pub(super) async fn place(gateway: &Gateway, identity: &Identity, side: Side, params: &Params) -> RpcResult {
    let order = {
        let view = gateway.view();
        let it = market::named(&view, params)?;
        new_order(it, side, params)?
    };
    let outcome = gateway.execute(identity, vec![Action::Place { order }]).await?;
    placed(gateway, &outcome)
}

pub(super) async fn edit(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let action = {
        let view = gateway.view();
        let order = orders::own_order(&view, identity, params)?;
        let it = view
            .instrument_of(order.instrument)
            .ok_or_else(|| RpcError::new(Code::NotOpenOrder, "the instrument is no longer listed"))?;
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
    let outcome = gateway.execute(identity, vec![action]).await?;
    placed(gateway, &outcome)
}

pub(super) async fn cancel(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let order = orders::own_order(&gateway.view(), identity, params)?;
    let target = OrderTarget::Id { order: order.id };
    gateway.execute(identity, vec![Action::Cancel { target }]).await?;
    let view = gateway.view();
    let ended = view.history().find_order(order.id).unwrap_or(&order);
    Ok(orders::order_json(&view, ended))
}

pub(super) async fn cancel_by_label(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let target = OrderTarget::Label { label: label(params.text("label")?)? };
    match gateway.execute(identity, vec![Action::Cancel { target }]).await {
        Ok(_) => Ok(json!(1)),
        Err(error) if error.code == Code::OrderNotFound => Ok(json!(0)),
        Err(error) => Err(error),
    }
}

pub(super) async fn cancel_all(
    gateway: &Gateway,
    identity: &Identity,
    instrument: Option<&str>,
) -> RpcResult {
    let (instrument, before) = {
        let view = gateway.view();
        let instrument = instrument.map(|name| market::by_name(&view, name).map(|it| it.id)).transpose()?;
        (instrument, count_open(gateway, identity, instrument))
    };
    gateway.execute(identity, vec![Action::CancelAll { instrument }]).await?;
    Ok(json!(before.saturating_sub(count_open(gateway, identity, instrument))))
}

fn count_open(gateway: &Gateway, identity: &Identity, instrument: Option<InstrumentId>) -> usize {
    let orders = gateway.view().open_orders(&identity.account);
    orders.iter().filter(|order| instrument.is_none_or(|id| order.instrument == id)).count()
}

/// The answer to an order that was placed or edited: its state and the trades of it.
fn placed(gateway: &Gateway, outcome: &Outcome) -> RpcResult {
    let view = gateway.view();
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

fn new_order(it: &Instrument, side: Side, params: &Params) -> Result<NewOrder, RpcError> {
    for name in
        ["trigger", "trigger_price", "trigger_offset", "otoco_config", "linked_order_type", "advanced"]
    {
        if params.get(name).is_some() {
            return Err(RpcError::param(name, "not offered yet: limit and market orders only"));
        }
    }
    let kind = match params.optional_text("type")?.unwrap_or("limit") {
        "limit" => {
            let price = params
                .optional_decimal("price", PRICE_PLACES)?
                .ok_or_else(|| RpcError::param("price", "missing, a limit order needs one"))?;
            OrderKind::Limit { price: ticks(it, Cash::from_micros(price))? }
        }
        "market" => OrderKind::Market,
        other => {
            return Err(RpcError::param("type", format!("{other:?} given, limit or market is expected")));
        }
    };
    let time_in_force = match params.optional_text("time_in_force")?.unwrap_or("good_til_cancelled") {
        "good_til_cancelled" if kind == OrderKind::Market => TimeInForce::ImmediateOrCancel,
        "good_til_cancelled" => TimeInForce::GoodTilCancelled,
        "immediate_or_cancel" => TimeInForce::ImmediateOrCancel,
        "fill_or_kill" => TimeInForce::FillOrKill,
        other => {
            let reason = format!(
                "{other:?} given, good_til_cancelled, immediate_or_cancel or fill_or_kill is expected"
            );
            return Err(RpcError::param("time_in_force", reason));
        }
    };
    Ok(NewOrder {
        instrument: it.id,
        side,
        lots: amount(it, params, None)?,
        kind,
        time_in_force,
        post_only: if params.flag("post_only")? { PostOnly::Reject } else { PostOnly::Off },
        reduce_only: if params.flag("reduce_only")? { ReduceOnly::On } else { ReduceOnly::Off },
        label: label(params.optional_text("label")?.unwrap_or(""))?,
    })
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
