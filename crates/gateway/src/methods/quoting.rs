//! Many quotes in one call.
//!
//! Invariant: quotes of one call stand under as few signatures as that needs, each taken or refused on its own; they are
//! protected by the group that the call names, or by that of their index, where it has limits.

use num::Side;
use serde::Serialize;
use serde_json::{Value, json};
use wire::{Action, QuoteSide};

use crate::{
    json::OrderObject,
    model::Instrument,
    rpc::{self, Answer, Params, RpcError},
    view::View,
};

use super::{Caller, protection, terms};

/// Quotes of one call, as on the venue.
const QUOTES_MAX: usize = 100;

pub(super) async fn mass_quote(caller: Caller<'_>, params: &Params) -> Answer {
    let quotes = params.objects("quotes")?;
    if quotes.len() > QUOTES_MAX {
        return Err(RpcError::param("quotes", format!("{} given, at most {QUOTES_MAX}", quotes.len())));
    }
    let quote_id = params.optional_text("quote_id")?.unwrap_or("");
    let until = terms::valid_until(params)?;
    let name = protection::group_name(params)?;
    let (actions, mut errors) = read_quotes(caller, &caller.gateway.view(), (&quotes, name));
    let mut placed = Vec::new();
    for part in actions.chunks(wire::limits::ACTIONS_MAX) {
        let outcome = caller.gateway.execute_until(caller.identity, part.to_vec(), until).await?;
        placed.extend(&outcome.orders);
        errors.extend(outcome.rejected.iter().map(RpcError::to_value));
    }
    caller.session.note_orders(&placed);
    let view = caller.gateway.view();
    let orders = placed.iter().filter_map(|id| view.history().find_order(*id));
    rpc::answer(&Quoted {
        quote_id,
        orders: orders.map(|order| view.order_object(order)).collect(),
        trades: [],
        errors_count: errors.len(),
        errors,
        pending_requests_count: 0,
        pending_requests: [],
    })
}

/// What became of quotes.
#[derive(Serialize)]
struct Quoted<'a> {
    quote_id: &'a str,
    orders: Vec<OrderObject<'a>>,
    trades: [(); 0],
    errors_count: usize,
    errors: Vec<Value>,
    pending_requests_count: usize,
    pending_requests: [(); 0],
}

/// The actions of those that can be read, and the errors of the others.
fn read_quotes(
    caller: Caller<'_>,
    view: &View,
    (quotes, group): (&[Params], Option<&str>),
) -> (Vec<Action>, Vec<Value>) {
    let (mut actions, mut errors) = (Vec::new(), Vec::new());
    for (place, quote) in quotes.iter().enumerate() {
        match read_quote(caller, view, (quote, group)) {
            Ok(action) => actions.push(action),
            Err(error) => {
                let mut value = error.to_value();
                value["quote"] = json!(place);
                errors.push(value);
            }
        }
    }
    (actions, errors)
}

/// One two-sided quote; a side that is absent is taken out.
fn read_quote(
    caller: Caller<'_>,
    view: &View,
    (quote, name): (&Params, Option<&str>),
) -> Result<Action, RpcError> {
    let it = super::market::to_trade(view, quote)?;
    let is_marked = quote.flag("mmp")?;
    let group = protection::protecting(view, &caller.identity.account, (it, name));
    let group = group.filter(|_| is_marked || name.is_some());
    let side = |(side, name): (Side, &str)| -> Result<Option<QuoteSide>, RpcError> {
        let read = read_side(it, quote, name)?;
        if let Some((read, group)) = read.as_ref().zip(group.as_ref()) {
            protection::check_room(caller, view, group, (it, side, read.lots))?;
        }
        Ok(read)
    };
    // Whoever marks a quote wants it refused where nothing protects it.
    let marked = is_marked.then(|| view.protection_group(&it.underlying)).flatten();
    Ok(Action::Quote {
        instrument: it.id,
        protection: group.as_ref().map(|group| group.number).or(marked),
        bid: side((Side::Buy, "bid"))?,
        ask: side((Side::Sell, "ask"))?,
    })
}

fn read_side(it: &Instrument, quote: &Params, name: &str) -> Result<Option<QuoteSide>, RpcError> {
    let Some(side) = quote.object(name)? else { return Ok(None) };
    let missing = || RpcError::param(name, "a price is expected");
    let price = terms::ticks(it, terms::price(&side, "price")?.ok_or_else(missing)?)?;
    Ok(Some(QuoteSide { price, lots: terms::amount(it, &side, None)? }))
}
