//! An account's orders and fills.
//!
//! Invariant: nobody sees another account's.

use num::Fix;
use serde::Serialize;
use serde_json::json;
use wire::OrderId;

use crate::{
    Gateway,
    auth::Identity,
    decimal,
    json::{self, OrderObject},
    model::Order,
    rpc::{self, Answer, Code, Params, RpcError},
    selection::{SETTLEMENT, Selection},
    view::View,
};

use super::{
    cancelling::ORDER_TYPES,
    market::named,
    market_history::{Trades, place},
    paging::{Page, Place, SORTINGS},
    terms,
};

/// Reads an order id and finds the account's order.
pub(super) fn own_order(view: &View, identity: &Identity, params: &Params) -> Result<Order, RpcError> {
    let text = params.text("order_id")?;
    let not_found = || RpcError::new(Code::OrderNotFound, format!("there is no order {text:?}"));
    let id = OrderId(text.parse().map_err(|_| not_found())?);
    let order = view.history().find_order(id).ok_or_else(not_found)?;
    if order.account == identity.account { Ok(order.clone()) } else { Err(not_found()) }
}

/// The same for a call that needs it to be open.
pub(super) fn own_open_order(view: &View, identity: &Identity, params: &Params) -> Result<Order, RpcError> {
    let order = own_order(view, identity, params)?;
    let is_open = order.is_open();
    if is_open { Ok(order) } else { Err(not_open(format!("order {} is no longer open", order.id))) }
}

fn not_open(reason: String) -> RpcError {
    RpcError::new(Code::NotOpenOrder, reason)
}

/// The error of a call on an order that there was: the exchange knows open orders only.
pub(super) fn known_order(error: RpcError) -> RpcError {
    match error.code {
        Code::OrderNotFound => not_open("the order ended before the call was ordered".to_owned()),
        _ => error,
    }
}

pub(super) fn open(gateway: &Gateway, identity: &Identity, params: &Params) -> Answer {
    let view = gateway.view();
    let chosen = chooser(&view, params)?;
    let wanted = params.choice("type", &ORDER_TYPES)?.unwrap_or("all");
    let open = view.history().open_orders(&identity.account);
    let orders = open.filter(|order| json::is_of_type(order, wanted) && chosen(order));
    rpc::answer(&orders.map(|order| view.order_object(order)).collect::<Vec<_>>())
}

/// Orders that ended; those without a fill only when asked for, as the venue does.
pub(super) fn ended(gateway: &Gateway, identity: &Identity, params: &Params) -> Answer {
    let page = Page::read_counted(params, 20)?;
    let is_continued = params.flag("with_continuation")?;
    let unfilled = params.flag("include_unfilled")?;
    let after = match params.optional_text("continuation")? {
        None | Some("" | "none") => None,
        Some(_) => Some(OrderId(params.u64("continuation")?)),
    };
    let view = gateway.view();
    let chosen = chooser(&view, params)?;
    let orders = view.history().ended_orders(&identity.account);
    let mut is_past = after.is_none();
    let orders = orders.filter(|order| {
        let was_past = is_past;
        is_past |= Some(order.id) == after;
        was_past && chosen(order) && (unfilled || order.filled > Fix::ZERO)
    });
    let (orders, has_more) =
        page.take(orders, |order| Place { time_ms: order.updated_ms, ..Place::default() });
    let continuation = orders.last().filter(|_| has_more).map(|order| order.id.to_string());
    let orders: Vec<_> = orders.into_iter().map(|order| view.order_object(order)).collect();
    if is_continued { rpc::answer(&Orders { orders, continuation }) } else { rpc::answer(&orders) }
}

/// A page of orders.
#[derive(Serialize)]
pub(super) struct Orders<T> {
    pub orders: Vec<T>,
    pub continuation: Option<String>,
}

/// Orders that waited for a price and do not any more: they came into the book, or ended before.
pub(super) fn triggered(gateway: &Gateway, identity: &Identity, params: &Params) -> Answer {
    let page = Page::read_counted(params, 20)?;
    let after = match params.optional_text("continuation")? {
        None | Some("" | "none") => u64::MAX,
        Some(_) => params.u64("continuation")?,
    };
    let view = gateway.view();
    let chosen = chooser(&view, params)?;
    let is_past = |order: &&Order| order.trigger.as_ref().is_some_and(|it| it.has_come || !order.is_open());
    let open = view.open_orders(&identity.account);
    let all = open.iter().chain(view.history().ended_orders(&identity.account));
    let mut found: Vec<&Order> = all.filter(is_past).filter(|it| chosen(it) && it.id.0 < after).collect();
    found.sort_by_key(|order| std::cmp::Reverse(order.id));
    let (found, has_more) =
        page.take(found.into_iter(), |order| Place { time_ms: order.updated_ms, ..Place::default() });
    let continuation = found.last().filter(|_| has_more).map(|order| order.id.to_string());
    let entry = |order| Entry::new(&view, order);
    rpc::answer(&Entries { entries: found.into_iter().map(entry).collect(), continuation })
}

#[derive(Serialize)]
struct Entries<'a> {
    entries: Vec<Entry<'a>>,
    continuation: Option<String>,
}

/// What became of an order that waited.
#[derive(Serialize)]
struct Entry<'a> {
    #[serde(flatten)]
    order: OrderObject<'a>,
    timestamp: u64,
    request: &'static str,
    source: &'static str,
}

impl<'a> Entry<'a> {
    fn new(view: &'a View, order: &'a Order) -> Self {
        let has_come = order.trigger.as_ref().is_some_and(|it| it.has_come);
        Self {
            order: view.order_object(order),
            timestamp: order.updated_ms,
            request: if has_come { "trigger:order" } else { "trigger:cancel" },
            source: "api",
        }
    }
}

/// What open orders add to the initial margin, each on its own.
pub(super) fn margins(gateway: &Gateway, identity: &Identity, params: &Params) -> Answer {
    let view = gateway.view();
    let mut values = Vec::new();
    for text in params.texts("ids")? {
        let mut of_id = Params::default();
        of_id.0.insert("order_id".to_owned(), json!(text));
        let order = own_open_order(&view, identity, &of_id)?;
        values.push(json!({
            "order_id": text,
            "initial_margin": decimal::cash(margin(&view, &order).unwrap_or(num::Cash::ZERO)),
            "initial_margin_currency": SETTLEMENT,
        }));
    }
    rpc::answer(&values)
}

/// `None` for an order without a price of its own.
fn margin(view: &View, order: &Order) -> Option<num::Cash> {
    let it = view.instrument_of(order.instrument)?;
    let price = terms::ticks(it, order.price?).ok()?;
    let left = order.amount.checked_sub(order.filled)?;
    let lots = num::Lots::new(u64::try_from(left.raw() / it.lot.raw().max(1)).ok()?);
    let (buy, sell) = view.margins(&order.account, it.id, (lots, price))?;
    Some(if order.side == num::Side::Buy { buy } else { sell })
}

pub(super) fn state(gateway: &Gateway, identity: &Identity, params: &Params) -> Answer {
    let view = gateway.view();
    let order = own_order(&view, identity, params)?;
    rpc::answer(&view.order_object(&order))
}

/// Orders of a label, open or not: all that are remembered, or the open ones.
pub(super) fn by_label(gateway: &Gateway, identity: &Identity, params: &Params, which: Labelled) -> Answer {
    let view = gateway.view();
    let label = params.optional_text("label")?;
    params.text("currency")?;
    let chosen = chooser(&view, params)?;
    let is_wanted = |order: &&Order| chosen(order) && label.is_none_or(|label| order.label == label);
    let open = view.open_orders(&identity.account);
    let mut found: Vec<&Order> = open.iter().filter(is_wanted).collect();
    if which == Labelled::All {
        found.extend(view.history().ended_orders(&identity.account).filter(is_wanted));
    }
    rpc::answer(&found.into_iter().map(|order| view.order_object(order)).collect::<Vec<_>>())
}

/// Which orders of a label a call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Labelled {
    Open,
    All,
}

pub(super) fn fills(gateway: &Gateway, identity: &Identity, params: &Params) -> Answer {
    let page = Page::read(params)?;
    let view = gateway.view();
    let selection = Selection::read(&view, params)?;
    let only = params.get("instrument_name").map(|_| named(&view, params).map(|it| it.id)).transpose()?;
    let fills = view.history().fills(&identity.account).filter(|fill| match only {
        Some(id) => fill.trade.instrument == id,
        None => view.instrument_of(fill.trade.instrument).is_some_and(|it| selection.holds(it)),
    });
    let (fills, has_more) = page.take(fills, |fill| place(&fill.trade));
    let trades: Vec<_> = fills.into_iter().map(|fill| view.fill_object(fill)).collect();
    rpc::answer(&Trades { trades, has_more })
}

/// All fills of an order, the earliest first unless the call says otherwise.
pub(super) fn fills_of_order(gateway: &Gateway, identity: &Identity, params: &Params) -> Answer {
    let is_descending = params.choice("sorting", &SORTINGS)? == Some("desc");
    let view = gateway.view();
    let order = own_order(&view, identity, params)?;
    let fills = view.history().fills(&order.account).filter(|fill| fill.order == order.id);
    let mut fills: Vec<_> = fills.map(|fill| view.fill_object(fill)).collect();
    if !is_descending {
        fills.reverse();
    }
    rpc::answer(&fills)
}

/// Which orders a call means: those of an instrument, or of a currency and kind.
fn chooser<'a>(view: &'a View, params: &Params) -> Result<impl Fn(&Order) -> bool + use<'a>, RpcError> {
    let selection = Selection::read(view, params)?;
    let only = params.get("instrument_name").map(|_| named(view, params).map(|it| it.id)).transpose()?;
    Ok(move |order: &Order| match only {
        Some(id) => order.instrument == id,
        None => view.instrument_of(order.instrument).is_some_and(|it| selection.holds(it)),
    })
}
