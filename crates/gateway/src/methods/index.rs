//! Index prices, past and present, and what comes of them.
//!
//! Invariant: an index has a past only from the commits that moved it; nothing is made up for the time
//! before.

use num::{DAY_MS, HOUR_MS, MINUTE_MS};
use serde_json::{Value, json};

use crate::{
    Gateway, channel,
    decimal::cash,
    history::{Series, Step},
    json,
    rpc::{Params, RpcError, RpcResult},
    view::View,
    volatility::series_name,
};

use super::refused::not_offered;

/// Seconds of a candle, by the venue's names.
const RESOLUTIONS: [&str; 5] = ["1", "60", "3600", "43200", "1D"];
/// Candles in one answer.
const CANDLES_MAX: usize = 1_000;

/// The underlying of an index that a call names.
fn underlying(view: &View, params: &Params) -> Result<String, RpcError> {
    let name = params.text("index_name")?;
    channel::underlying(view, name)
        .ok_or_else(|| RpcError::param("index_name", format!("there is no index {name:?}")))
}

pub(super) fn price(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    let index = json::optional(view.index(&underlying(&view, params)?));
    Ok(json!({ "index_price": index, "estimated_delivery_price": index }))
}

pub(super) fn names(gateway: &Gateway, params: &Params) -> RpcResult {
    let is_extended = params.flag("extended")?;
    let has_combos = gateway.view().state.parameters().combos.is_some();
    let of_type = params.choice("type", &["all", "spot", "derivative"])?;
    let name = |underlying: &String| {
        let name = json::price_index(underlying);
        if is_extended {
            json!({ "name": name, "future_combo_creation_enabled": has_combos, "option_combo_creation_enabled": has_combos })
        } else {
            json!(name)
        }
    };
    let underlyings = if of_type == Some("spot") { Vec::new() } else { gateway.view().underlyings() };
    Ok(underlyings.iter().map(name).collect())
}

pub(super) fn chart(gateway: &Gateway, params: &Params) -> RpcResult {
    let ranges = ["1h", "1d", "2d", "1m", "1y", "all"];
    let range = params.choice("range", &ranges)?.unwrap_or("1d");
    let (span, step) = match range {
        "1h" => (HOUR_MS, MINUTE_MS),
        "1d" => (DAY_MS, 5 * MINUTE_MS),
        "2d" => (2 * DAY_MS, 10 * MINUTE_MS),
        "1m" => (30 * DAY_MS, 2 * HOUR_MS),
        _ => (u64::MAX, DAY_MS),
    };
    let view = gateway.view();
    let underlying = underlying(&view, params)?;
    let from_ms = view.now_ms().saturating_sub(span);
    let closes = view.history().index(&underlying).map(|series| series.closes(from_ms, step));
    let point = |(time_ms, price): (u64, num::Cash)| json!([time_ms, cash(price)]);
    Ok(closes.unwrap_or_default().into_iter().map(point).collect())
}

pub(super) fn delivery_prices(gateway: &Gateway, params: &Params) -> RpcResult {
    let view = gateway.view();
    let underlying = underlying(&view, params)?;
    let (offset, count) = (params.optional_u64("offset")?, params.optional_u64("count")?);
    let size = |number: Option<u64>, otherwise: usize| {
        number.map_or(otherwise, |it| usize::try_from(it).unwrap_or(usize::MAX))
    };
    let all = || view.history().deliveries(&underlying);
    let date = |time_ms: u64| {
        let date = exchange::calendar::Date::of(num::Timestamp::from_millis(time_ms));
        format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)
    };
    let data: Value = all()
        .skip(size(offset, 0))
        .take(size(count, 10).clamp(1, 1_000))
        .map(|it| json!({ "date": date(it.expiry_ms), "delivery_price": cash(it.price) }))
        .collect();
    Ok(json!({ "data": data, "records_total": all().count() }))
}

pub(super) fn historical_volatility(gateway: &Gateway, params: &Params) -> RpcResult {
    let currency = params.text("currency")?;
    let view = gateway.view();
    let points = view.history().index(currency).map(Series::volatility).unwrap_or_default();
    Ok(points.into_iter().map(|(time_ms, value)| json!([time_ms, value])).collect())
}

/// Candles of the volatility index, the latest that fit in one answer.
pub(super) fn volatility_index(gateway: &Gateway, params: &Params) -> RpcResult {
    let currency = params.text("currency")?;
    let times = (params.u64("start_timestamp")?, params.u64("end_timestamp")?);
    let missing = || RpcError::param("resolution", format!("missing, one of {}", RESOLUTIONS.join(", ")));
    let step_ms = match params.choice("resolution", &RESOLUTIONS)?.ok_or_else(missing)? {
        "60" => MINUTE_MS,
        "3600" => HOUR_MS,
        "43200" => DAY_MS / 2,
        "1D" => DAY_MS,
        other => return Err(not_offered("resolution", other)),
    };
    let view = gateway.view();
    let series = view.history().index(&series_name(currency));
    let candles = series.map(|series| series.candles(times, step_ms)).unwrap_or_default();
    let left_out = candles.len().saturating_sub(CANDLES_MAX);
    let before = candles[..left_out].last().map(|it| it.start_ms);
    let row = |it: &Step| json!([it.start_ms, cash(it.open), cash(it.high), cash(it.low), cash(it.close)]);
    let data: Value = candles[left_out..].iter().map(row).collect();
    Ok(json!({ "data": data, "continuation": before }))
}
