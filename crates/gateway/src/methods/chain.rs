//! What the trading page asks beyond the venue's methods: a whole option chain in one message, and the state
//! of the network.
//!
//! Invariant: nothing here can be done that the venue's methods do not allow; these are shapes, not rights.

use std::collections::BTreeMap;

use num::Cash;
use serde_json::{Value, json};

use crate::{
    Gateway,
    decimal::{cash, fix, scaled},
    json,
    model::{Instrument, Kind, Right},
    rpc::{Params, RpcResult},
    view::View,
};

use super::market::implied;

pub(super) fn get_chain(gateway: &Gateway, params: &Params) -> RpcResult {
    let (currency, expiry) = (params.text("currency")?, params.u64("expiry_timestamp")?);
    Ok(chain(&gateway.view(), currency, expiry))
}

pub(super) fn get_network(gateway: &Gateway) -> RpcResult {
    Ok(gateway.network(&gateway.view()))
}

/// All strikes of one expiry with both sides' markets.
pub(crate) fn chain(view: &View, currency: &str, expiry_ms: u64) -> Value {
    let mut rows: BTreeMap<Cash, [Value; 2]> = BTreeMap::new();
    let mut forward = Value::Null;
    for it in view.instruments() {
        let Kind::Option { strike, right } = it.kind else { continue };
        if it.underlying != currency || it.expiry_ms != Some(expiry_ms) || !it.is_active() {
            continue;
        }
        let row = rows.entry(strike).or_default();
        let side = match right {
            Right::Call => &mut row[0],
            Right::Put => &mut row[1],
        };
        let (value, market_forward) = option(view, it);
        *side = value;
        forward = market_forward;
    }
    let rows: Value = rows
        .into_iter()
        .map(|(strike, [call, put])| json!({ "strike": cash(strike), "call": call, "put": put }))
        .collect();
    json!({
        "timestamp": view.now_ms(),
        "expiry_timestamp": expiry_ms,
        "index_price": view.index(currency).map_or(Value::Null, cash),
        "forward": forward,
        "rows": rows,
    })
}

fn option(view: &View, it: &Instrument) -> (Value, Value) {
    let market = view.market(it, 1);
    let (bid_iv, ask_iv) = implied(view, it, &market);
    let greeks = market.greeks.unwrap_or_default();
    let top = |levels: &[crate::model::Level]| {
        levels.first().map_or((Value::Null, Value::Null), |level| (cash(level.price), fix(level.amount)))
    };
    let ((bid, bid_amount), (ask, ask_amount)) = (top(&market.bids), top(&market.asks));
    let value = json!({
        "instrument_name": it.name,
        "bid": bid,
        "bid_amount": bid_amount,
        "ask": ask,
        "ask_amount": ask_amount,
        "mark": json::optional(market.mark),
        "bid_iv": json::percent(bid_iv),
        "ask_iv": json::percent(ask_iv),
        "mark_iv": json::percent(market.mark_iv),
        "delta": fix(greeks.delta),
        "gamma": fix(greeks.gamma),
        "vega": scaled(i128::from(greeks.vega.raw()), 1e11),
        "theta": scaled(i128::from(greeks.theta.raw()), 365e9),
        "open_interest": fix(market.open_interest),
    });
    (value, json::optional(market.forward))
}
