//! Taking orders back: one, some, or all.
//!
//! Invariant: only the caller's own orders; what is answered has been ordered and executed.

use num::Fix;
use serde::Serialize;
use serde_json::json;
use wire::{Action, InstrumentId, OrderId, OrderTarget};

use crate::{
    Gateway,
    auth::Identity,
    json::OrderObject,
    model::{Order, OrderState},
    rpc::{self, Answer, Code, Params, RpcError},
    selection::{SETTLEMENT, Selection},
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

pub(super) async fn one(gateway: &Gateway, identity: &Identity, params: &Params) -> Answer {
    let order = orders::own_open_order(&gateway.view(), identity, params)?;
    let target = OrderTarget::Id { order: order.id };
    let cancelled = gateway.execute(identity, vec![Action::Cancel { target }]).await;
    cancelled.map_err(orders::known_order)?;
    let view = gateway.view();
    let ended = view.history().find_order(order.id).unwrap_or(&order);
    rpc::answer(&view.order_object(ended))
}

pub(super) async fn by_label(gateway: &Gateway, identity: &Identity, params: &Params) -> Answer {
    let chosen = {
        let view = gateway.view();
        let (label, selection) = (params.text("label")?, Selection::read(&view, params)?);
        own(&view, identity, |order| order.label == label && of_selection(&view, &selection, order))
    };
    take_back(gateway, identity, chosen).await.and_then(|cancelled| rpc::answer(&cancelled.len()))
}

pub(super) async fn several(gateway: &Gateway, identity: &Identity, which: Which, params: &Params) -> Answer {
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
    if is_detailed { rpc::answer(&detailed(&view, &ended)) } else { rpc::answer(&ended.len()) }
}

/// Takes back sides of two-sided quotes.
pub(super) async fn quotes(gateway: &Gateway, identity: &Identity, params: &Params) -> Answer {
    let is_detailed = params.flag("detailed")?;
    let chosen = {
        let view = gateway.view();
        let is_meant = quoted(&view, params)?;
        own(&view, identity, |order| order.is_quote && is_meant(order))
    };
    let cancelled = take_back(gateway, identity, chosen).await?;
    let view = gateway.view();
    let ended: Vec<&Order> = cancelled.iter().filter_map(|id| view.history().find_order(*id)).collect();
    if is_detailed { rpc::answer(&detailed(&view, &ended)) } else { rpc::answer(&ended.len()) }
}

/// Criteria of `private/cancel_quotes`.
const QUOTE_CRITERIA: [&str; 7] =
    ["delta", "quote_set_id", "instrument", "instrument_kind", "currency", "currency_pair", "all"];

type Choice<'a> = Box<dyn Fn(&Order) -> bool + 'a>;

/// Which quotes a call means.
fn quoted<'a>(view: &'a View, params: &Params) -> Result<Choice<'a>, RpcError> {
    let criterion = params.choice("cancel_type", &QUOTE_CRITERIA)?;
    let one_of = || format!("missing, one of {} is expected", QUOTE_CRITERIA.join(", "));
    Ok(match criterion.ok_or_else(|| RpcError::param("cancel_type", one_of()))? {
        "all" => Box::new(|_| true),
        "instrument" => {
            let id = market::to_trade(view, params)?.id;
            Box::new(move |order| order.instrument == id)
        }
        "delta" => {
            let bound = |name: &str| {
                let raw = params.optional_decimal(name, 9)?;
                raw.map(Fix::from_raw).ok_or_else(|| RpcError::param(name, "missing, a number is expected"))
            };
            let deltas = bound("min_delta")?..=bound("max_delta")?;
            Box::new(move |order| view.delta(order.instrument).is_some_and(|delta| deltas.contains(&delta)))
        }
        "currency_pair" => {
            let selections = selections(view, Which::CurrencyPair, params)?;
            Box::new(move |order| selections.iter().any(|it| of_selection(view, it, order)))
        }
        "quote_set_id" => {
            let reason = "quotes of one call are no set here: they are known by instrument";
            let data = json!({ "param": "cancel_type", "reason": reason });
            return Err(RpcError { code: Code::NotImplemented, data });
        }
        _ => {
            let selection = Selection::read(view, params)?;
            Box::new(move |order| of_selection(view, &selection, order))
        }
    })
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
        Which::Instrument if params.flag("include_combos")? => {
            let id = market::to_trade(&view, params)?.id;
            (None, own(&view, identity, |order| has_type(order) && affects(&view, order, id)))
        }
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

/// Whether an order is in an instrument or in a combo of it.
fn affects(view: &View, order: &Order, id: InstrumentId) -> bool {
    let name = view.instrument_of(id).map_or("", |it| it.name.as_str());
    order.instrument == id || view.combo_legs(order.instrument).iter().any(|(leg, _)| *leg == name)
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
    let cancel = |id: &OrderId| Action::Cancel { target: OrderTarget::Id { order: *id } };
    let parts = chosen.chunks(wire::limits::ACTIONS_MAX);
    let sent = parts.map(|part| gateway.execute_each(identity, part.iter().map(cancel).collect()));
    futures::future::try_join_all(sent).await?;
    let view = gateway.view();
    let is_cancelled = |id: &OrderId| {
        view.history().find_order(*id).is_some_and(|order| order.state == OrderState::Cancelled)
    };
    Ok(chosen.into_iter().filter(is_cancelled).collect())
}

/// Orders of one instrument that were taken back.
#[derive(Serialize)]
struct OfInstrument<'a> {
    currency: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    instrument_name: &'a str,
    result: Vec<OrderObject<'a>>,
}

/// The orders by instrument.
fn detailed<'a>(view: &'a View, ended: &[&'a Order]) -> Vec<OfInstrument<'a>> {
    let mut instruments: Vec<InstrumentId> = ended.iter().map(|order| order.instrument).collect();
    instruments.sort_unstable();
    instruments.dedup();
    let of_instrument = |id: InstrumentId| {
        let orders = ended.iter().filter(|order| order.instrument == id);
        Some(OfInstrument {
            currency: SETTLEMENT,
            kind: "limit",
            instrument_name: &view.instrument_of(id)?.name,
            result: orders.map(|order| view.order_object(order)).collect(),
        })
    };
    instruments.into_iter().filter_map(of_instrument).collect()
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
