//! Taking orders back: one, some, or all.
//!
//! Invariant: only the caller's own orders; what is answered has been ordered and executed.

use num::Fix;
use serde_json::{Value, json};
use wire::{Action, InstrumentId, OrderId, OrderTarget};

use crate::{
    Gateway,
    auth::Identity,
    model::{Order, OrderState},
    rpc::{Code, Params, RpcError, RpcResult},
    selection::Selection,
    view::View,
};

use super::{market, orders};

/// Which orders a call takes back.
pub(super) enum Which {
    All,
    Instrument,
    Currency,
    CurrencyPair,
    KindOrType,
}

pub(super) async fn one(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let order = orders::own_open_order(&gateway.view(), identity, params)?;
    let target = OrderTarget::Id { order: order.id };
    let cancelled = gateway.execute(identity, vec![Action::Cancel { target }]).await;
    cancelled.map_err(orders::known_order)?;
    let view = gateway.view();
    let ended = view.history().find_order(order.id).unwrap_or(&order);
    Ok(orders::order_json(&view, ended))
}

pub(super) async fn by_label(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let chosen = {
        let view = gateway.view();
        let (label, selection) = (params.text("label")?, Selection::read(&view, params)?);
        own(&view, identity, |order| order.label == label && of_selection(&view, &selection, order))
    };
    take_back(gateway, identity, chosen).await.map(|cancelled| json!(cancelled.len()))
}

pub(super) async fn several(
    gateway: &Gateway,
    identity: &Identity,
    which: Which,
    params: &Params,
) -> RpcResult {
    let is_detailed = params.flag("detailed")?;
    let (whole, chosen) = choose(gateway, identity, which, params)?;
    let cancelled = match whole {
        Some(action) => {
            gateway.execute(identity, vec![action]).await?;
            chosen
        }
        None => take_back(gateway, identity, chosen).await?,
    };
    let view = gateway.view();
    let ended: Vec<&Order> =
        cancelled.iter().filter_map(|id| view.history().find_order(*id)).filter(|it| !it.is_open()).collect();
    if is_detailed { Ok(detailed(&view, &ended)) } else { Ok(json!(ended.len())) }
}

/// The orders meant, and the one action that takes them all back where there is one.
fn choose(
    gateway: &Gateway,
    identity: &Identity,
    which: Which,
    params: &Params,
) -> Result<(Option<Action>, Vec<OrderId>), RpcError> {
    let view = gateway.view();
    let kinds = params.choice("type", &ORDER_TYPES)?.unwrap_or("all");
    let has_type = |order: &Order| crate::json::is_of_type(order, kinds);
    let whole = |instrument: Option<InstrumentId>| {
        let of = |order: &Order| instrument.is_none_or(|id| order.instrument == id) && has_type(order);
        ((kinds == "all").then_some(Action::CancelAll { instrument }), own(&view, identity, of))
    };
    Ok(match which {
        Which::All => whole(None),
        Which::Instrument => whole(Some(market::to_trade(&view, params)?.id)),
        Which::Currency | Which::CurrencyPair | Which::KindOrType => {
            let selections = selections(&view, which, params)?;
            let chosen = own(&view, identity, |order| {
                has_type(order) && selections.iter().any(|selection| of_selection(&view, selection, order))
            });
            (None, chosen)
        }
    })
}

/// Types of orders that a call can select, by the venue's names.
pub(super) const ORDER_TYPES: [&str; 14] = [
    "all",
    "limit",
    "trigger_all",
    "stop",
    "stop_all",
    "stop_limit",
    "stop_market",
    "take",
    "take_all",
    "take_limit",
    "take_market",
    "trailing_all",
    "trailing_stop",
    "market",
];

fn selections(view: &View, which: Which, params: &Params) -> Result<Vec<Selection>, RpcError> {
    let unknown = |name: &str, have: &str| RpcError::param(name, format!("{have:?} is not known"));
    let kind = params.choice("kind", &crate::selection::KINDS)?.unwrap_or("any");
    match which {
        Which::CurrencyPair => {
            let pair = params.text("currency_pair")?;
            let symbol = crate::channel::underlying(view, pair);
            let selection = symbol.and_then(|symbol| Selection::of(view, kind, &symbol));
            selection.map(|it| vec![it]).ok_or_else(|| unknown("currency_pair", pair))
        }
        Which::KindOrType => {
            let currencies = params.texts("currency")?;
            let read = |it: &String| Selection::of(view, kind, it).ok_or_else(|| unknown("currency", it));
            currencies.iter().map(read).collect()
        }
        _ => {
            params.text("currency")?;
            Selection::read(view, params).map(|it| vec![it])
        }
    }
}

fn own(view: &View, identity: &Identity, chosen: impl Fn(&Order) -> bool) -> Vec<OrderId> {
    view.open_orders(&identity.account).iter().filter(|order| chosen(order)).map(|order| order.id).collect()
}

fn of_selection(view: &View, selection: &Selection, order: &Order) -> bool {
    view.instrument_of(order.instrument).is_some_and(|it| selection.holds(it))
}

/// Takes orders back one by one, under as few signatures as that needs; those that were still there.
async fn take_back(
    gateway: &Gateway,
    identity: &Identity,
    chosen: Vec<OrderId>,
) -> Result<Vec<OrderId>, RpcError> {
    for part in chosen.chunks(wire::limits::ACTIONS_MAX) {
        let cancel = |id: &OrderId| Action::Cancel { target: OrderTarget::Id { order: *id } };
        gateway.execute_each(identity, part.iter().map(cancel).collect()).await?;
    }
    let view = gateway.view();
    let is_cancelled = |id: &OrderId| {
        view.history().find_order(*id).is_some_and(|order| order.state == OrderState::Cancelled)
    };
    Ok(chosen.into_iter().filter(is_cancelled).collect())
}

/// The orders by instrument.
fn detailed(view: &View, ended: &[&Order]) -> Value {
    let mut instruments: Vec<InstrumentId> = ended.iter().map(|order| order.instrument).collect();
    instruments.sort_unstable();
    instruments.dedup();
    let of_instrument = |id: &InstrumentId| {
        let orders = ended.iter().filter(|order| order.instrument == *id);
        let Some(it) = view.instrument_of(*id) else { return Value::Null };
        json!({
            "currency": crate::selection::SETTLEMENT,
            "type": "limit",
            "instrument_name": it.name,
            "result": orders.map(|order| orders::order_json(view, order)).collect::<Value>(),
        })
    };
    instruments.iter().map(of_instrument).collect()
}

/// The order that would close a position: the side and size that lead to none.
pub(super) fn closing(
    view: &View,
    identity: &Identity,
    params: &Params,
) -> Result<(num::Side, Fix), RpcError> {
    let it = market::to_trade(view, params)?;
    let held = view.positions(&identity.account).into_iter().find(|position| position.instrument == it.id);
    match held.map(|position| position.size) {
        Some(size) if size > Fix::ZERO => Ok((num::Side::Sell, size)),
        Some(size) if size < Fix::ZERO => Ok((num::Side::Buy, Fix::from_raw(-size.raw()))),
        _ => Err(RpcError::new(Code::AlreadyClosed, format!("there is no position in {}", it.name))),
    }
}
