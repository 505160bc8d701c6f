//! Requests and quotes in the venue's JSON.
//!
//! Invariant: each side sees what is its own to see: a taker all open quotes of his requests, a maker his own; names only
//! of those who do not hide theirs, or have traded.

use num::{Cash, Fix, Side};
use serde_json::{Value, json};
use wire::AccountId;

use super::{
    Disclosure, Hedge, Leg, Party, Quote, Request, RequestBook, RequestState, Trigger, TriggerState,
};
use crate::{
    decimal::{cash, fix},
    json::side,
    view::View,
};

/// What the venue calls who hides his name.
const ANONYMOUS: &str = "ANONYMOUS";

/// The object of a request as one of the two sides sees it.
pub(crate) fn request_json(view: &View, book: &RequestBook, it: &Request, reader: &AccountId) -> Value {
    let is_taker = it.taker.account == *reader;
    let mut value = json!({
        "block_rfq_id": it.id,
        "creation_timestamp": it.created_ms,
        "expiration_timestamp": it.expires_ms,
        "role": if is_taker { "taker" } else { "maker" },
        "state": it.state.word(),
        "amount": fix(it.amount),
        "min_trade_amount": fix(it.step()),
        "legs": it.legs.iter().map(|leg| leg_json(view, leg, None)).collect::<Value>(),
        "combo_id": null,
        "disclosed": it.taker.disclosure == Disclosure::Named,
        "bids": levels(book, it, (Side::Buy, reader)),
        "asks": levels(book, it, (Side::Sell, reader)),
    });
    if is_taker {
        value["makers"] = json!(it.makers);
        value["label"] = json!(it.label);
        if let Some(trigger) = it.triggers.foremost() {
            value["trade_trigger"] = trigger_json(trigger);
            value["trade_triggers"] = it.triggers.iter().map(trigger_json).collect();
        }
    }
    if let Some(hedge) = &it.hedge {
        value["hedge"] = hedge_json(view, hedge);
    }
    if is_taker || it.taker.disclosure == Disclosure::Named {
        value["taker"] = json!(it.taker.name);
    }
    if it.state == RequestState::Filled {
        value["trades"] = it.deals.iter().map(|deal| deal_json(it, deal, reader)).collect();
    }
    value
}

/// What waits on a request, or did.
pub(crate) fn trigger_json(it: &Trigger) -> Value {
    let mut value = json!({
        "state": it.state.word(),
        "price": cash(it.wanted.price),
        "direction": side(it.wanted.side),
    });
    if let TriggerState::Cancelled { reason } = &it.state {
        value["cancel_reason"] = json!(reason);
    }
    value
}

fn hedge_json(view: &View, it: &Hedge) -> Value {
    json!({
        "instrument_name": view.instrument_of(it.instrument).map(|it| it.name.as_str()),
        "direction": side(it.side),
        "price": cash(it.price),
        "amount": fix(it.amount),
    })
}

/// Who traded may know with whom.
fn deal_json(request: &Request, it: &super::Deal, reader: &AccountId) -> Value {
    let mut value = json!({
        "direction": side(it.maker_side.opposite()),
        "price": cash(it.price),
        "amount": fix(it.amount),
    });
    if request.taker.account == *reader || it.maker == *reader {
        value["maker"] = json!(it.maker_name);
    }
    value
}

fn leg_json(view: &View, leg: &Leg, price: Option<Cash>) -> Value {
    let mut value = json!({
        "ratio": leg.ratio,
        "instrument_name": view.instrument_of(leg.instrument).map(|it| it.name.as_str()),
        "direction": side(leg.side),
    });
    if let Some(price) = price {
        value["price"] = cash(price);
    }
    value
}

/// Open quotes on one side, the best first: all for the taker, his own for a maker.
fn levels(book: &RequestBook, it: &Request, (maker_side, reader): (Side, &AccountId)) -> Value {
    let sees = |quote: &&Quote| it.taker.account == *reader || quote.maker.account == *reader;
    let level = |quote: &Quote| {
        let mut level = json!({
            "makers": [shown(&quote.maker, reader)],
            "price": cash(quote.price),
            "amount": fix(quote.terms.amount),
            "last_update_timestamp": quote.updated_ms,
            "execution_instruction": quote.terms.execution.word(),
        });
        if let Some(expires_ms) = quote.expires_ms {
            level["expires_at"] = json!(expires_ms);
        }
        level
    };
    book.best(it.id, maker_side).into_iter().filter(sees).map(level).collect()
}

fn shown<'a>(party: &'a Party, reader: &AccountId) -> &'a str {
    let knows = party.account == *reader || party.disclosure == Disclosure::Named;
    if knows { &party.name } else { ANONYMOUS }
}

/// The object of a quote, for its maker.
pub(crate) fn quote_json(view: &View, book: &RequestBook, it: &Quote) -> Value {
    let request = book.request(it.request);
    let legs = request.map(|request| request.legs.as_slice()).unwrap_or_default();
    let legs = legs.iter().zip(&it.terms.prices).map(|(leg, price)| leg_json(view, leg, Some(*price)));
    let mut value = json!({
        "block_rfq_id": it.request,
        "block_rfq_quote_id": it.id,
        "creation_timestamp": it.created_ms,
        "last_update_timestamp": it.updated_ms,
        "quote_state": it.state.word(),
        "execution_instruction": it.terms.execution.word(),
        "price": cash(it.price),
        "amount": fix(it.terms.amount),
        "filled_amount": fix(it.filled),
        "direction": side(it.terms.side),
        "legs": legs.collect::<Value>(),
        "replaced": it.replaced,
        "label": it.label,
        "disclosed": it.maker.disclosure == Disclosure::Named,
    });
    if let Some(expires_ms) = it.expires_ms {
        value["expires_at"] = json!(expires_ms);
    }
    if let Some(hedge) = request.and_then(|request| request.hedge.as_ref()) {
        value["hedge"] = hedge_json(view, hedge);
    }
    value
}

/// The object of a request that traded, for the public.
pub(crate) fn trade_json(view: &View, it: &Request) -> Value {
    let trade = |deal: &super::Deal| {
        json!({
            "direction": side(deal.maker_side.opposite()),
            "price": cash(deal.price),
            "amount": fix(deal.amount),
        })
    };
    let traded: i64 = it.deals.iter().map(|deal| deal.amount.raw()).sum();
    let taker_side = it.deals.first().map_or(Side::Buy, |deal| deal.maker_side.opposite());
    let mut value = json!({
        "id": it.id,
        "timestamp": it.traded_ms,
        "direction": side(taker_side),
        "amount": fix(Fix::from_raw(traded)),
        "legs": it.legs.iter().map(|leg| leg_json(view, leg, None)).collect::<Value>(),
        "combo_id": null,
        "trades": it.deals.iter().map(trade).collect::<Value>(),
    });
    if let Some(hedge) = &it.hedge {
        value["hedge"] = hedge_json(view, hedge);
    }
    value
}
