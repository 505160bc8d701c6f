//! What market makers need: many quotes in one call, and protection against trading too much too fast.
//!
//! Invariant: quotes of one call stand under as few signatures as that needs, each taken or refused on its own;
//! protection is the exchange's, here are only its names.

use num::{Duration, Fix, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};
use wire::{Action, ProtectionLimits, QuoteSide};

use crate::{
    Gateway,
    auth::Identity,
    channel,
    decimal::fix,
    json::{self, OrderObject},
    model::Instrument,
    rpc::{self, Answer, Params, RpcError, RpcResult},
    view::View,
};

use super::{Caller, terms};

/// Quotes of one call, as on the venue.
const QUOTES_MAX: usize = 100;
const SECOND_MS: u64 = 1_000;

pub(super) async fn mass_quote(caller: Caller<'_>, params: &Params) -> Answer {
    let quotes = params.objects("quotes")?;
    if quotes.len() > QUOTES_MAX {
        return Err(RpcError::param("quotes", format!("{} given, at most {QUOTES_MAX}", quotes.len())));
    }
    let quote_id = params.optional_text("quote_id")?.unwrap_or("");
    let until = terms::valid_until(params)?;
    let (actions, mut errors) = read_quotes(&caller.gateway.view(), &quotes);
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
fn read_quotes(view: &View, quotes: &[Params]) -> (Vec<Action>, Vec<Value>) {
    let (mut actions, mut errors) = (Vec::new(), Vec::new());
    for (place, quote) in quotes.iter().enumerate() {
        match read_quote(view, quote) {
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
fn read_quote(view: &View, quote: &Params) -> Result<Action, RpcError> {
    let it = super::market::to_trade(view, quote)?;
    Ok(Action::Quote {
        instrument: it.id,
        protection: quote.flag("mmp")?.then(|| view.protection_group(&it.underlying)).flatten(),
        bid: read_side(it, quote, "bid")?,
        ask: read_side(it, quote, "ask")?,
    })
}

fn read_side(it: &Instrument, quote: &Params, name: &str) -> Result<Option<QuoteSide>, RpcError> {
    let Some(side) = quote.object(name)? else { return Ok(None) };
    let missing = || RpcError::param(name, "a price is expected");
    let price = terms::ticks(it, terms::price(&side, "price")?.ok_or_else(missing)?)?;
    Ok(Some(QuoteSide { price, lots: terms::amount(it, &side, None)? }))
}

/// Sets the protection of an index's group; an interval of zero takes it away.
pub(super) async fn set_protection(caller: Caller<'_>, params: &Params) -> Answer {
    let (underlying, group) = group(&caller.gateway.view(), params)?;
    let seconds = |name: &str| -> Result<Duration, RpcError> {
        let seconds = params.optional_u64(name)?.unwrap_or(0);
        Ok(Duration::from_millis(seconds.saturating_mul(SECOND_MS)))
    };
    let limit = |name: &str| -> Result<Option<Fix>, RpcError> {
        Ok(params.optional_decimal(name, 9)?.map(Fix::from_raw))
    };
    let interval = seconds("interval")?;
    let limits = ProtectionLimits {
        interval,
        frozen: seconds("frozen_time")?,
        quantity: limit("quantity_limit")?,
        delta: limit("delta_limit")?,
        vega: limit("vega_limit")?,
    };
    let limits = (interval.millis() > 0).then_some(limits);
    caller.gateway.execute(caller.identity, vec![Action::SetProtection { group, limits }]).await?;
    rpc::answer(&protections(caller.gateway, caller.identity, Some(&underlying))?)
}

pub(super) async fn reset_protection(caller: Caller<'_>, params: &Params) -> Answer {
    let (_, group) = group(&caller.gateway.view(), params)?;
    caller.gateway.execute(caller.identity, vec![Action::ResetProtection { group }]).await?;
    rpc::answer("ok")
}

pub(super) fn get_protection(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let underlying = match params.optional_text("index_name")? {
        None | Some("all") => None,
        Some(_) => Some(group(&gateway.view(), params)?.0),
    };
    protections(gateway, identity, underlying.as_deref())
}

/// The groups that are frozen, until when; zero is until they are reset.
pub(super) fn get_protection_status(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let only = match params.optional_text("index_name")? {
        None | Some("all") => None,
        Some(_) => Some(group(&gateway.view(), params)?.0),
    };
    // Quotes on block RFQs are not protected: each is signed when it is taken.
    if params.flag("block_rfq")? {
        return Ok(json!([]));
    }
    let view = gateway.view();
    let mut found = Vec::new();
    for underlying in view.underlyings().iter().filter(|it| only.as_ref().is_none_or(|only| *it == only)) {
        let Some(until) = view.frozen_until(&identity.account, underlying) else { continue };
        let frozen_until = if until == Timestamp::MAX { 0 } else { until.millis() };
        let index_name = json::price_index(underlying);
        found.push(json!({ "index_name": index_name, "mmp_group": "", "frozen_until": frozen_until }));
    }
    Ok(Value::Array(found))
}

fn group(view: &View, params: &Params) -> Result<(String, u16), RpcError> {
    let name = params.text("index_name")?;
    let underlying = channel::underlying(view, name);
    let group = underlying.and_then(|it| view.protection_group(&it).map(|group| (it, group)));
    group.ok_or_else(|| RpcError::param("index_name", format!("there is no index {name:?}")))
}

fn protections(gateway: &Gateway, identity: &Identity, only: Option<&str>) -> RpcResult {
    let view = gateway.view();
    let limit = |value: Option<Fix>| value.map_or(Value::Null, fix);
    let mut found = Vec::new();
    for underlying in view.underlyings().iter().filter(|it| only.is_none_or(|only| *it == only)) {
        let Some(limits) = view.protection(&identity.account, underlying) else { continue };
        found.push(json!({
            "index_name": json::price_index(underlying),
            "interval": limits.interval.millis() / SECOND_MS,
            "frozen_time": limits.frozen.millis() / SECOND_MS,
            "quantity_limit": limit(limits.quantity),
            "delta_limit": limit(limits.delta),
            "vega_limit": limit(limits.vega),
        }));
    }
    Ok(Value::Array(found))
}
