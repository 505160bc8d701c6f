//! An account's transaction log.
//!
//! Invariant: the latest entry first; nobody sees another account's.

use serde_json::{Value, json};

use crate::{
    Gateway,
    auth::Identity,
    decimal::{cash, fix},
    history::{Entry, Filled, TradeEntry, Why},
    json,
    model::Liquidity,
    rpc::{Params, RpcError, RpcResult},
    selection::{SETTLEMENT, Selection},
    view::View,
};

use super::{account::user_id, paging::Backward};

/// Entries in one answer when the call does not say, and at most.
pub(super) const COUNTS: (u64, u64) = (100, 250);

pub(super) fn get(gateway: &Gateway, identity: &Identity, params: &Params) -> RpcResult {
    let currency = params.text("currency")?;
    let times = params.u64("start_timestamp")?..=params.u64("end_timestamp")?;
    let page = Backward::read(params, COUNTS)?;
    let query = params.optional_text("query")?.unwrap_or("");
    let view = gateway.view();
    if Selection::of(&view, "any", currency).is_none() {
        return Err(RpcError::param("currency", format!("{currency:?} given, USDC is expected")));
    }
    let wanted =
        |it: &&Entry| currency == SETTLEMENT && times.contains(&it.time_ms) && matches(&view, it, query);
    let (found, continuation) = page.take(view.history().log(&identity.account).filter(wanted), |it| it.id);
    let logs: Value = found.into_iter().map(|it| named_for(identity, log_entry_json(&view, it))).collect();
    Ok(json!({ "logs": logs, "continuation": continuation }))
}

/// Whether an entry holds every word of a query: its type, its side, its instrument.
fn matches(view: &View, it: &Entry, query: &str) -> bool {
    if query.is_empty() {
        return true;
    }
    let text = words_of(&log_entry_json(view, it));
    query.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// What a query is searched for in, in small letters.
pub(super) fn words_of(entry: &Value) -> String {
    let words = ["type", "side", "instrument_name"].map(|name| entry[name].as_str().unwrap_or(""));
    words.join(" ").to_lowercase()
}

fn instrument_name<'a>(view: &'a View, it: &Entry) -> Option<&'a str> {
    view.instrument_of(it.instrument()?).map(|it| it.name.as_str())
}

/// The entry as its account sees it, with the names of who asks.
pub(super) fn named_for(identity: &Identity, mut entry: Value) -> Value {
    (entry["user_id"], entry["username"]) = (json!(user_id(identity)), json!(identity.client_id));
    entry
}

/// The entry without the names of who asks.
pub(crate) fn log_entry_json(view: &View, it: &Entry) -> Value {
    let mut value = json!({
        "id": it.id,
        "user_seq": it.id,
        "user_id": 0,
        "username": "",
        "currency": SETTLEMENT,
        "timestamp": it.time_ms,
        "type": it.why.word(),
        "change": cash(it.change),
        "cashflow": cash(it.change.checked_add(it.fee).unwrap_or(it.change)),
        "commission": cash(it.fee),
        "balance": cash(it.balance),
        "equity": cash(it.balance),
        "profit_as_cashflow": false,
        "interest_pl": 0.0,
        "info": info(it.why),
    });
    if let Some(name) = instrument_name(view, it) {
        value["instrument_name"] = json!(name);
    }
    if let Some(trade) = &it.trade {
        of_trade(trade, &mut value);
    }
    if let Some((_, position, price)) = &it.delivered {
        value["position"] = fix(*position);
        value["settlement_price"] = cash(*price);
        value["price"] = cash(*price);
    }
    value
}

/// What an entry tells beside the venue's fields.
fn info(why: Why) -> Value {
    match why {
        Why::VaultDeposit { pool, shares } | Why::VaultWithdrawal { pool, shares } => {
            json!({ "pool": pool, "shares": shares })
        }
        _ => json!({}),
    }
}

fn of_trade(it: &TradeEntry, value: &mut Value) {
    let fields = json!({
        "side": it.side,
        "amount": fix(it.amount),
        "contracts": it.contracts,
        "price": cash(it.price),
        "price_currency": SETTLEMENT,
        "mark_price": json::optional(it.mark),
        "index_price": json::optional(it.index),
        "position": fix(it.position),
        "session_rpl": cash(it.profit),
    });
    let filled = it.filled.as_ref().map_or(Value::Null, of_filled);
    for (name, field) in [fields, filled].iter().filter_map(Value::as_object).flatten() {
        value[name] = field.clone();
    }
}

fn of_filled(it: &Filled) -> Value {
    let role = match it.liquidity {
        Liquidity::Maker => "maker",
        Liquidity::Taker => "taker",
    };
    json!({
        "trade_id": it.trade.to_string(),
        "order_id": it.order.to_string(),
        "user_role": role,
        "fee_role": role,
    })
}
