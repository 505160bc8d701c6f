//! The terms of an order: from the venue's parameters to what is signed.
//!
//! Invariant: a term that would change what an order does is understood or refused, never passed over.

use num::{Cash, DAY_MS, Fix, HOUR_MS, Lots, Rounding, Side, Ticks, Timestamp};
use wire::{
    Action, Conditions, Crossing, Label, NewOrder, OrderKind, PostOnly, PriceSource, ReduceOnly, TimeInForce,
    Trigger,
};

use crate::{
    model::Instrument,
    rpc::{Code, Params, RpcError},
    view::View,
};

use super::refused::not_offered;

/// Decimal places of an amount, of a price, and of a volatility in percent.
const AMOUNT_PLACES: u32 = 9;
const PRICE_PLACES: u32 = 6;
const PERCENT_PLACES: u32 = 7;

/// Types of orders by the venue's names.
const TYPES: [&str; 8] = [
    "limit",
    "market",
    "stop_limit",
    "stop_market",
    "take_limit",
    "take_market",
    "market_limit",
    "trailing_stop",
];

/// Reads an order as the action that places it; `whole` is its size when the call does not say one.
pub(super) fn place(
    (view, it): (&View, &Instrument),
    side: Side,
    params: &Params,
    whole: Option<Lots>,
) -> Result<Action, RpcError> {
    let name = params.choice("type", &TYPES)?.unwrap_or("limit");
    if matches!(name, "market_limit" | "trailing_stop") {
        return Err(not_offered("type", name));
    }
    let kind = if name.ends_with("market") { OrderKind::Market } else { limit(it, params)? };
    let lots = whole.map_or_else(|| amount(it, params, None), Ok)?;
    let order = NewOrder {
        instrument: it.id,
        side,
        lots,
        kind,
        time_in_force: time_in_force(view, kind, params)?,
        post_only: post_only(params)?,
        reduce_only: if params.flag("reduce_only")? { ReduceOnly::On } else { ReduceOnly::Off },
        label: label(params.optional_text("label")?.unwrap_or(""))?,
    };
    let conditions = Conditions {
        trigger: trigger(name, side, params)?,
        display: display(it, lots, params)?,
        protection: params.flag("mmp")?.then(|| view.protection_group(&it.underlying)).flatten(),
        ..Conditions::default()
    };
    Ok(if conditions == Conditions::default() {
        Action::Place { order }
    } else {
        Action::PlaceWith { order, conditions }
    })
}

/// A limit in money, or for an option as a volatility in percent.
fn limit(it: &Instrument, params: &Params) -> Result<OrderKind, RpcError> {
    let missing = || RpcError::param("price", "missing, a limit order needs one");
    if params.choice("advanced", &["usd", "implv"])? == Some("implv") {
        if !it.is_option() {
            return Err(RpcError::new(Code::NotAdvanced, format!("{} is no option", it.name)));
        }
        let percent = params.optional_decimal("price", PERCENT_PLACES)?.ok_or_else(missing)?;
        return Ok(OrderKind::Volatility { volatility: Fix::from_raw(percent) });
    }
    let price = price(params, "price")?.ok_or_else(missing)?;
    Ok(OrderKind::Limit { price: ticks(it, price)? })
}

fn post_only(params: &Params) -> Result<PostOnly, RpcError> {
    Ok(match (params.flag("post_only")?, params.flag("reject_post_only")?) {
        (false, _) => PostOnly::Off,
        (true, true) => PostOnly::Reject,
        (true, false) => PostOnly::Reprice,
    })
}

fn time_in_force(view: &View, kind: OrderKind, params: &Params) -> Result<TimeInForce, RpcError> {
    let known = ["good_til_cancelled", "good_til_day", "immediate_or_cancel", "fill_or_kill"];
    Ok(match params.choice("time_in_force", &known)?.unwrap_or("good_til_cancelled") {
        "immediate_or_cancel" => TimeInForce::ImmediateOrCancel,
        "fill_or_kill" => TimeInForce::FillOrKill,
        _ if kind == OrderKind::Market => TimeInForce::ImmediateOrCancel,
        "good_til_day" => TimeInForce::GoodTilTime { until: end_of_day(view.now_ms()) },
        _ => TimeInForce::GoodTilCancelled,
    })
}

/// The venue's day ends at 08:00 UTC.
fn end_of_day(now_ms: u64) -> Timestamp {
    const END_MS: u64 = 8 * HOUR_MS;
    let days = now_ms.saturating_sub(END_MS) / DAY_MS + u64::from(now_ms >= END_MS);
    Timestamp::from_millis(days * DAY_MS + END_MS)
}

/// A stop waits for a price on the far side of the market, a take for one on the near side.
fn trigger(name: &str, side: Side, params: &Params) -> Result<Option<Trigger>, RpcError> {
    let given = price(params, "trigger_price")?;
    let source = params.choice("trigger", &["index_price", "mark_price", "last_price"])?;
    let crossing = match (name.split_once('_').map(|(kind, _)| kind), side) {
        (Some("stop"), Side::Buy) | (Some("take"), Side::Sell) => Crossing::Rises,
        (Some("stop" | "take"), _) => Crossing::Falls,
        _ if given.is_some() || source.is_some() => {
            return Err(RpcError::param("trigger", "only a stop or a take has one"));
        }
        _ => return Ok(None),
    };
    let price = given.ok_or_else(|| RpcError::param("trigger_price", "missing, a number is expected"))?;
    let source = match source {
        Some("index_price") => PriceSource::Index,
        Some("mark_price") => PriceSource::Mark,
        Some(_) => PriceSource::Last,
        None => return Err(RpcError::param("trigger", "missing, index_price, mark_price or last_price")),
    };
    Ok(Some(Trigger::Price { source, crossing, price }))
}

/// What the book shows of an order at a time; all of it unless the call says otherwise.
fn display(it: &Instrument, whole: Lots, params: &Params) -> Result<Option<Lots>, RpcError> {
    let name = if params.get("display_amount").is_some() { "display_amount" } else { "max_show" };
    let Some(shown) = params.optional_decimal(name, AMOUNT_PLACES)?.map(Fix::from_raw) else {
        return Ok(None);
    };
    let shown = lots(it, shown)?;
    Ok((shown < whole).then_some(shown))
}

/// The last moment at which a call may be ordered, in the time of the data.
pub(super) fn valid_until(params: &Params) -> Result<Timestamp, RpcError> {
    Ok(params.optional_u64("valid_until")?.map_or(Timestamp::MAX, Timestamp::from_millis))
}

pub(super) fn price(params: &Params, name: &str) -> Result<Option<Cash>, RpcError> {
    Ok(params.optional_decimal(name, PRICE_PLACES)?.map(Cash::from_micros))
}

/// `amount` in units of the underlying, or `contracts` in lots; where both are given they must say the same.
pub(super) fn amount(it: &Instrument, params: &Params, otherwise: Option<Fix>) -> Result<Lots, RpcError> {
    let invalid = |reason: String| RpcError::new(Code::InvalidAmount, reason);
    let contracts = match params.optional_decimal("contracts", 0)? {
        None => None,
        Some(have) => {
            let counted = u64::try_from(have).ok().filter(|it| *it > 0).map(Lots::new);
            Some(counted.ok_or_else(|| invalid(format!("contracts {have} must be above zero")))?)
        }
    };
    let amount = params.optional_decimal("amount", AMOUNT_PLACES)?.map(Fix::from_raw);
    let amount =
        amount.or(otherwise.filter(|_| contracts.is_none())).map(|amount| lots(it, amount)).transpose()?;
    match (amount, contracts) {
        (Some(have), Some(need)) if have != need => {
            Err(invalid(format!("amount is {} contracts, contracts says {}", have.get(), need.get())))
        }
        (Some(lots), _) | (None, Some(lots)) => Ok(lots),
        (None, None) => Err(RpcError::param("amount", "missing, a number is expected")),
    }
}

/// `amount` in units that are above zero, of whatever lots.
pub(super) fn units(params: &Params) -> Result<Fix, RpcError> {
    let amount = params.optional_decimal("amount", AMOUNT_PLACES)?.map(Fix::from_raw);
    let amount = amount.ok_or_else(|| RpcError::param("amount", "missing, a number is expected"))?;
    let wrong = || RpcError::param("amount", format!("{amount} given, must be above zero"));
    (amount > Fix::ZERO).then_some(amount).ok_or_else(wrong)
}

pub(super) fn lots(it: &Instrument, amount: Fix) -> Result<Lots, RpcError> {
    let (have, lot) = (i128::from(amount.raw()), i128::from(it.lot.raw()));
    if have <= 0 {
        return Err(RpcError::new(Code::InvalidAmount, format!("amount {amount} must be above zero")));
    }
    num::div_exact(have, lot).and_then(|lots| u64::try_from(lots).ok()).map(Lots::new).ok_or_else(|| {
        RpcError::new(Code::InvalidAmount, format!("amount {amount} is no multiple of {}", it.lot))
    })
}

pub(super) fn ticks(it: &Instrument, price: Cash) -> Result<Ticks, RpcError> {
    let market = num::Market::new(it.tick, it.lot)
        .map_err(|error| RpcError::new(Code::InternalServerError, error.to_string()))?;
    if !price.is_positive() && !it.is_combo() {
        return Err(RpcError::new(Code::InvalidPrice, format!("price {price} must be above zero")));
    }
    let (low, high) = (market.ticks(price, Rounding::Floor), market.ticks(price, Rounding::Ceil));
    low.filter(|_| low == high).ok_or_else(|| {
        let reason = format!("price {price} is no multiple of the tick {}", it.tick);
        RpcError::new(Code::PriceWrongTick, reason)
    })
}

pub(super) fn label(text: &str) -> Result<Label, RpcError> {
    Label::new(text.as_bytes().to_vec()).ok_or_else(|| {
        RpcError::param("label", format!("{} bytes given, at most {} fit", text.len(), Label::MAX))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_eight() {
        let hours = |count: u64| Timestamp::from_millis(count * HOUR_MS);
        for (now, end) in [(0, 8), (7, 8), (8, 32), (31, 32), (32, 56)] {
            assert_eq!(end_of_day(now * HOUR_MS), hours(end), "{now}");
        }
    }
}
