//! An account's orders and fills.
//!
//! Invariant: nobody sees another account's.

use num::Fix;
use serde_json::{Value, json};
use wire::OrderId;

use crate::{
    Gateway,
    auth::Identity,
    json,
    model::Order,
    rpc::{Code, Params, RpcError, RpcResult},
    view::View,
};

use super::{
    market::{Selection, named},
    market_history::Page,
};

/// Reads an order id and finds the account's order.
pub(super) fn own_order(view: &View, identity: &Identity, params: &Params) -> Result<Order, RpcError> {
    let text = params.text("order_id")?;
    let not_found = || RpcError::new(Code::OrderNotFound, format!("there is no order {text:?}"));
    let id = OrderId(text.parse().map_err(|_| not_found())?);
    let order = view.history().find_order(id).ok_or_else(not_found)?;
    if order.account == identity.account { Ok(order.clone()) } else { Err(not_found()) }
}

/// The venue's object of an order.
pub(crate) fn order_json(view: &View, order: &Order) -> Value {
    match view.instrument_of(order.instrument) {
        Some(it) => json::order(order, &it.name, it.lot),
        None => json::order(order, "", Fix::ONE),
    }
}

pub(super) fn open(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let view = gateway.view();
    let chosen = chooser(&view, params)?;
    Ok(view
        .open_orders(&identity.account)
        .iter()
        .filter(|order| chosen(order))
        .map(|order| order_json(&view, order))
        .collect())
}

pub(super) fn ended(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let page = Page::read(params)?;
    let view = gateway.view();
    let chosen = chooser(&view, params)?;
    let orders = view.history().ended_orders(&identity.account).filter(|order| chosen(order));
    let (orders, _) = page.take(orders, |order| order.updated_ms);
    Ok(orders.iter().map(|order| order_json(&view, order)).collect())
}

pub(super) fn state(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let view = gateway.view();
    let order = own_order(&view, identity, params)?;
    Ok(order_json(&view, &order))
}

pub(super) fn fills(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let page = Page::read(params)?;
    let view = gateway.view();
    let selection = Selection::read(params)?;
    let only = params.get("instrument_name").map(|_| named(&view, params).map(|it| it.id)).transpose()?;
    let fills = view.history().fills(&identity.account).filter(|fill| match only {
        Some(id) => fill.trade.instrument == id,
        None => view.instrument_of(fill.trade.instrument).is_some_and(|it| selection.holds(it)),
    });
    let (fills, has_more) = page.take(fills, |fill| fill.trade.time_ms);
    let trades: Value = fills.into_iter().map(|fill| fill_json(&view, fill)).collect();
    Ok(json!({ "trades": trades, "has_more": has_more }))
}

pub(super) fn fills_of_order(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let view = gateway.view();
    let order = own_order(&view, identity, params)?;
    Ok(fills_json(&view, &order))
}

/// All fills of an order, the earliest first.
pub(crate) fn fills_json(view: &View, order: &Order) -> Value {
    let mut fills: Vec<Value> = view
        .history()
        .fills(&order.account)
        .filter(|fill| fill.order == order.id)
        .map(|fill| fill_json(view, fill))
        .collect();
    fills.reverse();
    Value::Array(fills)
}

pub(crate) fn fill_json(view: &View, fill: &crate::model::Fill) -> Value {
    let name = view.instrument_of(fill.trade.instrument).map_or("", |it| it.name.as_str());
    json::fill(fill, name, view.history().find_order(fill.order))
}

/// Which orders a call means: those of an instrument, or of a currency and kind.
fn chooser<'a>(view: &'a View, params: &Params) -> Result<impl Fn(&Order) -> bool + use<'a>, RpcError> {
    let selection = Selection::read(params)?;
    let only = params.get("instrument_name").map(|_| named(view, params).map(|it| it.id)).transpose()?;
    Ok(move |order: &Order| match only {
        Some(id) => order.instrument == id,
        None => view.instrument_of(order.instrument).is_some_and(|it| selection.holds(it)),
    })
}
