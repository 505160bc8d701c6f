//! Past trades, candles and funding.
//!
//! Invariant: answers come from events that were committed. Where nothing traded between two trades a chart
//! stays at the last price with no volume; before the first trade it is empty.

use num::Fix;
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Gateway, channel,
    decimal::{cash, fix},
    history::{Candle, Hour},
    json,
    model::{Instrument, Kind, Right, Trade},
    rpc::{self, Answer, Code, Params, RpcError, RpcResult},
    selection::Selection,
    view::View,
};

use super::{
    market::named,
    paging::{Page, Place},
};

/// Candles in one answer.
const CANDLES_MAX: u64 = 5_000;
/// Hours of funding in one answer, as on the venue.
const FUNDING_HOURS_MAX: usize = 744;

/// A page of trades.
#[derive(Serialize)]
pub(super) struct Trades<T> {
    pub trades: Vec<T>,
    pub has_more: bool,
}

pub(super) fn trades_by_instrument(gateway: &Gateway, params: &Params) -> Answer {
    let page = Page::read(params)?;
    let view = gateway.view();
    let it = named(&view, params)?;
    let (trades, has_more) = page.take(view.history().trades(it.id), |trade| place(trade));
    let trades = trades.into_iter().map(|trade| view.trade_object(trade)).collect();
    rpc::answer(&Trades { trades, has_more })
}

pub(super) fn trades_by_currency(gateway: &Gateway, params: &Params) -> Answer {
    let page = Page::read(params)?;
    params.text("currency")?;
    let view = gateway.view();
    let selection = Selection::read(&view, params)?;
    let instruments = view.instruments().iter().filter(|it| selection.holds(it));
    let mut all: Vec<&Trade> = instruments.flat_map(|it| view.history().trades(it.id)).collect();
    all.sort_by_key(|trade| std::cmp::Reverse(trade.id));
    let (trades, has_more) = page.take(all.into_iter(), |trade| place(trade));
    let trades = trades.into_iter().map(|trade| view.trade_object(trade)).collect();
    rpc::answer(&Trades { trades, has_more })
}

/// Where a trade stands in its history.
pub(super) fn place(trade: &Trade) -> Place {
    Place { time_ms: trade.time_ms, id: trade.id, sequence: trade.sequence }
}

/// What traded in a day, by underlying; longer spans on request.
pub(super) fn trade_volumes(gateway: &Gateway, params: &Params) -> RpcResult {
    let is_extended = params.flag("extended")?;
    let view = gateway.view();
    let volumes = |underlying: &String| {
        let mut value = json!({ "currency": underlying, "currency_pair": json::price_index(underlying) });
        let spans: &[(&str, u64)] =
            if is_extended { &[("", 1), ("_7d", 7), ("_30d", 30)] } else { &[("", 1)] };
        for (suffix, days) in spans {
            let [calls, puts, futures] = volumes_of(&view, underlying, *days);
            value[format!("calls_volume{suffix}")] = fix(calls);
            value[format!("puts_volume{suffix}")] = fix(puts);
            value[format!("futures_volume{suffix}")] = fix(futures);
            value[format!("spot_volume{suffix}")] = json!(0.0);
        }
        value
    };
    Ok(view.underlyings().iter().map(volumes).collect())
}

fn volumes_of(view: &View, underlying: &str, days: u64) -> [Fix; 3] {
    let from_ms = view.now_ms().saturating_sub(days * num::DAY_MS);
    let mut volumes = [Fix::ZERO; 3];
    for it in view.instruments().iter().filter(|it| it.underlying == underlying) {
        let place = match it.kind {
            Kind::Option { right: Right::Call, .. } | Kind::Exotic { right: Right::Call, .. } => 0,
            Kind::Option { right: Right::Put, .. } | Kind::Exotic { right: Right::Put, .. } => 1,
            Kind::Future | Kind::Perpetual => 2,
            // Its legs count.
            Kind::FutureCombo | Kind::OptionCombo => continue,
        };
        let volume = view.history().volume_since(it.id, from_ms);
        volumes[place] = volumes[place].checked_add(volume).unwrap_or(volumes[place]);
    }
    volumes
}

/// The venue keeps past marks of few options and answers for all others with an empty list, as we do for all.
pub(super) fn mark_price_history(gateway: &Gateway, params: &Params) -> RpcResult {
    named(&gateway.view(), params)?;
    params.u64("start_timestamp")?;
    params.u64("end_timestamp")?;
    Ok(json!([]))
}

pub(super) fn chart(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    let (minutes, from_ms, to_ms) = chart_span(&view, params)?;
    let it = named(&view, params)?;
    Ok(candles_json(&view.history().candles(it.id, minutes, from_ms, to_ms)))
}

/// What a chart is asked to show: the length of its candles in minutes, from when, until when.
pub(super) fn chart_span(view: &View, params: &Params) -> Result<(u64, u64, u64), RpcError> {
    let text = resolution(params)?;
    let minutes = channel::resolution_minutes(&text).ok_or_else(|| {
        let known = "1, 3, 5, 10, 15, 30, 60, 120, 180, 360, 720 or 1D";
        RpcError::param("resolution", format!("{text:?} given, {known} is expected"))
    })?;
    let (from_ms, to_ms) = (params.u64("start_timestamp")?, params.u64("end_timestamp")?);
    let to_ms = to_ms.min(view.now_ms());
    Ok((minutes, from_ms.max(to_ms.saturating_sub(CANDLES_MAX * minutes * num::MINUTE_MS)), to_ms))
}

/// The venue's object of a chart.
pub(super) fn candles_json(candles: &[Candle]) -> Value {
    let column = |value: fn(&Candle) -> Value| candles.iter().map(value).collect::<Value>();
    json!({
        "status": if candles.is_empty() { "no_data" } else { "ok" },
        "ticks": column(|candle| json!(candle.start_ms)),
        "open": column(|candle| cash(candle.open)),
        "high": column(|candle| cash(candle.high)),
        "low": column(|candle| cash(candle.low)),
        "close": column(|candle| cash(candle.close)),
        "volume": column(|candle| fix(candle.volume)),
        "cost": column(|candle| cash(candle.cost)),
    })
}

/// A resolution comes as text, or as a number of minutes.
fn resolution(params: &Params) -> Result<String, RpcError> {
    match params.get("resolution") {
        Some(Value::Number(minutes)) => Ok(minutes.to_string()),
        _ => params.text("resolution").map(str::to_owned),
    }
}

/// What a long position paid from one time to another, as a part of its worth.
pub(super) fn funding_rate(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    let it = perpetual(&view, params)?;
    let (from_ms, to_ms) = (params.u64("start_timestamp")?, params.u64("end_timestamp")?);
    let funding = view.history().funding(it.id);
    Ok(fix(funding.map_or(Fix::ZERO, |it| it.interest(from_ms, to_ms))))
}

pub(super) fn funding_history(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    let it = perpetual(&view, params)?;
    let (from_ms, to_ms) = (params.u64("start_timestamp")?, params.u64("end_timestamp")?);
    let hours = view.history().funding(it.id).into_iter().flat_map(|it| it.hours(from_ms, to_ms));
    let mut latest: Vec<_> = hours.collect();
    // The venue gives the latest ones, in the order of time.
    latest.drain(..latest.len().saturating_sub(FUNDING_HOURS_MAX));
    Ok(latest.into_iter().map(funding_hour_json).collect())
}

/// The venue's object of an hour.
pub(crate) fn funding_hour_json(hour: &Hour) -> Value {
    json!({
        "timestamp": hour.end_ms,
        "index_price": cash(hour.index),
        "prev_index_price": cash(hour.index_before),
        "interest_1h": fix(hour.interest),
        "interest_8h": fix(hour.interest_8h),
    })
}

pub(super) fn funding_chart(gateway: &Gateway, params: &Params) -> RpcResult {
    let hours = match params.choice("length", &["8h", "24h", "1m"])? {
        Some("24h") => 24,
        Some("1m") => 30 * 24,
        _ => 8,
    };
    let view = gateway.view();
    let it = perpetual(&view, params)?;
    let (rate, now_ms) = (view.market(it, 0).funding, view.now_ms());
    let from_ms = now_ms.saturating_sub(hours * num::HOUR_MS);
    let funding = view.history().funding(it.id);
    let entry = |hour: &Hour| {
        let (index, rate) = (cash(hour.index), fix(hour.interest_8h));
        json!({ "timestamp": hour.end_ms, "index_price": index, "interest_8h": rate })
    };
    let data: Value = funding.into_iter().flat_map(|it| it.hours(from_ms, now_ms)).map(entry).collect();
    let spent = funding.map_or(Fix::ZERO, |it| it.interest(now_ms.saturating_sub(8 * num::HOUR_MS), now_ms));
    Ok(json!({ "current_interest": fix(rate), "interest_8h": fix(spent), "data": data }))
}

fn perpetual<'a>(view: &'a View, params: &Params) -> Result<&'a Instrument, RpcError> {
    let it = named(view, params)?;
    if it.kind == Kind::Perpetual {
        return Ok(it);
    }
    Err(RpcError::new(Code::InvalidInstrument, format!("{} is no perpetual", it.name)))
}
