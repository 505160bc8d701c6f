//! What was settled: instruments at their expiry, and an account's positions in them.
//!
//! Invariant: perpetuals and unexpired futures have no daily settlement here, so every settlement is a
//! delivery; a `continuation` is the number of the last settlement given.

use serde_json::{Value, json};
use wire::AccountId;

use crate::{
    Gateway,
    auth::Identity,
    decimal::{cash, fix},
    history::Settlement,
    rpc::{Params, RpcError, RpcResult},
    selection::Selection,
    view::View,
};

use super::{market::named, paging::Backward};

/// Settlements in one answer when the call does not say, and at most.
pub(super) const COUNTS: (u64, u64) = (20, 1_000);

pub(super) fn of_market(gateway: &Gateway, params: &Params) -> RpcResult {
    answer(&gateway.view(), None, params)
}

pub(super) fn of_account(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    answer(&gateway.view(), Some(&identity.account), params)
}

/// Whether a call asks for deliveries; there is nothing else.
pub(super) fn wants_deliveries(params: &Params) -> Result<bool, RpcError> {
    let wanted = params.choice("type", &["settlement", "delivery", "bankruptcy"])?;
    Ok(wanted.is_none_or(|it| it == "delivery"))
}

fn answer(view: &View, account: Option<&AccountId>, params: &Params) -> RpcResult {
    let wants_deliveries = wants_deliveries(params)?;
    let page = Backward::read(params, COUNTS)?;
    let latest_ms = params.optional_u64("search_start_timestamp")?.unwrap_or(u64::MAX);
    let chosen = chooser(view, params)?;
    let settled = view.history().settlements(account);
    let wanted = settled.filter(|it| wants_deliveries && it.time_ms <= latest_ms && chosen(it));
    let (found, last) = page.take(wanted, |it| it.id);
    let continuation = last.map(|id| id.to_string());
    let settlements: Value = found.into_iter().map(|it| settlement_json(view, it)).collect();
    Ok(json!({ "settlements": settlements, "continuation": continuation }))
}

fn chooser<'a>(view: &'a View, params: &Params) -> Result<impl Fn(&Settlement) -> bool + use<'a>, RpcError> {
    let only = params.get("instrument_name").map(|_| named(view, params).map(|it| it.id)).transpose()?;
    let selection = Selection::read(view, params)?;
    Ok(move |it: &Settlement| match only {
        Some(id) => it.instrument == id,
        None => view.instrument_of(it.instrument).is_some_and(|it| selection.holds(it)),
    })
}

/// The venue's object of a settlement.
pub(crate) fn settlement_json(view: &View, it: &Settlement) -> Value {
    json!({
        "type": "delivery",
        "timestamp": it.time_ms,
        "instrument_name": view.instrument_of(it.instrument).map(|it| it.name.as_str()),
        "position": fix(it.position),
        "mark_price": cash(it.mark),
        "index_price": cash(it.index),
        "session_profit_loss": cash(it.profit),
        "profit_loss": cash(it.profit),
        "funding": 0.0,
    })
}
