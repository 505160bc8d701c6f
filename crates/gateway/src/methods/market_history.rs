//! Past trades, candles and funding.
//!
//! Invariant: answers come from events that were committed; nothing is made up for a time without trades,
//! except that a chart says so with an empty list.

use serde_json::{Value, json};

use crate::{
    Gateway,
    decimal::{cash, fix},
    json,
    model::{Instrument, Kind, Trade},
    rpc::{Code, Params, RpcError, RpcResult},
    view::View,
};

use super::market::{Selection, named};

/// Entries in one answer.
pub(super) const COUNT_MAX: u64 = 1_000;

/// The part of a history that a call asks for.
pub(super) struct Page {
    pub count: usize,
    pub from_ms: u64,
    pub to_ms: u64,
}

impl Page {
    pub(super) fn read(params: &Params) -> Result<Self, RpcError> {
        let count = params.optional_u64("count")?.unwrap_or(10).clamp(1, COUNT_MAX);
        let (from_ms, to_ms) =
            (params.optional_u64("start_timestamp")?, params.optional_u64("end_timestamp")?);
        Ok(Self {
            count: usize::try_from(count).unwrap_or(1),
            from_ms: from_ms.unwrap_or(0),
            to_ms: to_ms.unwrap_or(u64::MAX),
        })
    }

    /// The chosen items and whether there are more.
    pub(super) fn take<T>(
        &self,
        items: impl Iterator<Item = T>,
        time_ms: impl Fn(&T) -> u64,
    ) -> (Vec<T>, bool) {
        let mut chosen: Vec<T> = items
            .filter(|item| (self.from_ms..=self.to_ms).contains(&time_ms(item)))
            .take(self.count + 1)
            .collect();
        let has_more = chosen.len() > self.count;
        chosen.truncate(self.count);
        (chosen, has_more)
    }
}

pub(super) fn trades_by_instrument(gateway: &Gateway, params: &Params) -> RpcResult {
    let page = Page::read(params)?;
    let view = gateway.view();
    let it = named(&view, params)?;
    let (trades, has_more) = page.take(view.history().trades(it.id), |trade| trade.time_ms);
    let trades: Value = trades.iter().map(|trade| json::trade(trade, &it.name)).collect();
    Ok(json!({ "trades": trades, "has_more": has_more }))
}

pub(super) fn trades_by_currency(gateway: &Gateway, params: &Params) -> RpcResult {
    let (page, selection) = (Page::read(params)?, Selection::read(params)?);
    let view = gateway.view();
    let instruments = view.instruments().iter().filter(|it| selection.holds(it));
    let mut all: Vec<(&Trade, &Instrument)> =
        instruments.flat_map(|it| view.history().trades(it.id).map(move |trade| (trade, it))).collect();
    all.sort_by_key(|(trade, _)| std::cmp::Reverse(trade.id));
    let (trades, has_more) = page.take(all.into_iter(), |(trade, _)| trade.time_ms);
    let trades: Value = trades.iter().map(|(trade, it)| json::trade(trade, &it.name)).collect();
    Ok(json!({ "trades": trades, "has_more": has_more }))
}

pub(super) fn chart(gateway: &Gateway, params: &Params) -> RpcResult {
    let minutes = match params.text("resolution")? {
        "1D" => 24 * 60,
        text => match text.parse() {
            Ok(minutes @ (1 | 3 | 5 | 10 | 15 | 30 | 60 | 120 | 180 | 360 | 720)) => minutes,
            _ => {
                let reason =
                    format!("{text:?} given, 1, 3, 5, 10, 15, 30, 60, 120, 180, 360, 720 or 1D is expected");
                return Err(RpcError::param("resolution", reason));
            }
        },
    };
    let (from_ms, to_ms) = (params.u64("start_timestamp")?, params.u64("end_timestamp")?);
    let view = gateway.view();
    let it = named(&view, params)?;
    let candles = view.history().candles(it.id, minutes, from_ms, to_ms);
    let column = |value: fn(&crate::history::Candle) -> Value| candles.iter().map(value).collect::<Value>();
    Ok(json!({
        "status": if candles.is_empty() { "no_data" } else { "ok" },
        "ticks": column(|candle| json!(candle.start_ms)),
        "open": column(|candle| cash(candle.open)),
        "high": column(|candle| cash(candle.high)),
        "low": column(|candle| cash(candle.low)),
        "close": column(|candle| cash(candle.close)),
        "volume": column(|candle| fix(candle.volume)),
        "cost": column(|candle| cash(candle.cost)),
    }))
}

/// Perpetuals do not pay funding in this version: the rate is zero, and says so.
pub(super) fn funding_rate(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    perpetual(&view, params)?;
    Ok(json!(0.0))
}

pub(super) fn funding_history(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    perpetual(&view, params)?;
    Ok(json!([]))
}

fn perpetual<'a>(view: &'a View, params: &Params) -> Result<&'a Instrument, RpcError> {
    let it = named(view, params)?;
    if it.kind == Kind::Perpetual {
        return Ok(it);
    }
    Err(RpcError::new(Code::InvalidInstrument, format!("{} is no perpetual", it.name)))
}
