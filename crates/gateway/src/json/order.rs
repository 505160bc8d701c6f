//! Orders as the venue shows them.
//!
//! Invariant: amounts are in units of the underlying, with the same in lots as `contracts`. An order is written from
//! here straight to text: replies hold dozens of them.

use num::Fix;
use serde::{Serialize, Serializer};
use wire::{OrderId, PostOnly, ReduceOnly, TimeInForce};

use crate::{
    decimal::{money, quotient, ratio},
    model::{Order, OrderState},
};

use super::side;

/// The object of an order.
#[derive(Clone, Debug, Serialize)]
pub struct OrderObject<'a> {
    #[serde(serialize_with = "as_text")]
    order_id: OrderId,
    instrument_name: &'a str,
    direction: &'static str,
    order_type: &'static str,
    order_state: &'static str,
    time_in_force: &'static str,
    amount: f64,
    filled_amount: f64,
    contracts: i64,
    max_show: f64,
    display_amount: f64,
    price: Price,
    average_price: f64,
    post_only: bool,
    reject_post_only: bool,
    reduce_only: bool,
    label: &'a str,
    api: bool,
    web: bool,
    mobile: bool,
    mmp: bool,
    replaced: bool,
    is_liquidation: bool,
    risk_reducing: bool,
    creation_timestamp: u64,
    last_update_timestamp: u64,
    #[serde(flatten)]
    advanced: Option<Advanced>,
    #[serde(flatten)]
    trigger: Option<TriggerFields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cancel_reason: Option<&'static str>,
}

/// A number, or the venue's word for an order without one.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
enum Price {
    Limit(f64),
    Market(&'static str),
}

/// Of an order that is priced by its volatility, in percent.
#[derive(Clone, Copy, Debug, Serialize)]
struct Advanced {
    advanced: &'static str,
    implv: f64,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct TriggerFields {
    trigger: &'static str,
    trigger_price: f64,
    stop_price: f64,
    triggered: bool,
}

impl<'a> OrderObject<'a> {
    /// `lot` is the amount of one contract.
    pub fn new(it: &'a Order, instrument_name: &'a str, lot: Fix) -> Self {
        let shown = ratio(it.display.unwrap_or(it.amount));
        let trigger = it.trigger.as_ref().filter(|trigger| !trigger.kind.is_empty());
        Self {
            order_id: it.id,
            instrument_name,
            direction: side(it.side),
            order_type: order_type(it),
            order_state: order_state(it.state),
            time_in_force: time_in_force(it.time_in_force),
            amount: ratio(it.amount),
            filled_amount: ratio(it.filled),
            contracts: it.amount.raw() / lot.raw().max(1),
            max_show: shown,
            display_amount: shown,
            price: it.price.map_or(Price::Market("market_price"), |price| Price::Limit(money(price))),
            average_price: average_price(it),
            post_only: it.post_only != PostOnly::Off,
            reject_post_only: it.post_only == PostOnly::Reject,
            reduce_only: it.reduce_only == ReduceOnly::On,
            label: &it.label,
            api: true,
            web: false,
            mobile: false,
            mmp: it.protected,
            replaced: it.replaced,
            is_liquidation: it.is_liquidation,
            risk_reducing: it.is_liquidation,
            creation_timestamp: it.created_ms,
            last_update_timestamp: it.updated_ms,
            advanced: it
                .implied
                .map(|vol| Advanced { advanced: "implv", implv: quotient(i128::from(vol.raw()), 1e7) }),
            trigger: trigger.map(|it| TriggerFields {
                trigger: it.source,
                trigger_price: money(it.price),
                stop_price: money(it.price),
                triggered: it.has_come,
            }),
            cancel_reason: it.cancel_reason,
        }
    }
}

/// Identities and numbers of things are text on the venue.
pub(super) fn as_text<T: core::fmt::Display, S: Serializer>(
    it: &T,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_str(it)
}

fn average_price(it: &Order) -> f64 {
    if it.filled <= Fix::ZERO {
        return 0.0;
    }
    quotient(i128::from(it.filled_value.micros()) * 1_000_000_000 / i128::from(it.filled.raw()), 1e6)
}

pub(super) fn order_state(state: OrderState) -> &'static str {
    match state {
        OrderState::Open => "open",
        OrderState::Filled => "filled",
        OrderState::Cancelled => "cancelled",
        OrderState::Untriggered => "untriggered",
        OrderState::Rejected => "rejected",
    }
}

fn time_in_force(it: TimeInForce) -> &'static str {
    match it {
        TimeInForce::GoodTilCancelled => "good_til_cancelled",
        TimeInForce::ImmediateOrCancel => "immediate_or_cancel",
        TimeInForce::FillOrKill => "fill_or_kill",
        TimeInForce::GoodTilTime { .. } => "good_til_day",
    }
}

/// The venue's type of an order; one whose trigger has come is what it became.
pub fn order_type(it: &Order) -> &'static str {
    let is_limit = it.price.is_some() || it.implied.is_some();
    let waits = it.trigger.as_ref().filter(|trigger| !trigger.has_come).map_or("", |trigger| trigger.kind);
    match (waits, is_limit) {
        ("stop", true) => "stop_limit",
        ("stop", false) => "stop_market",
        ("take", true) => "take_limit",
        ("take", false) => "take_market",
        (_, true) => "limit",
        (_, false) => "market",
    }
}

/// Whether an order is of a type that a call selects, such as `trigger_all` or `stop_market`.
pub fn is_of_type(it: &Order, wanted: &str) -> bool {
    let have = order_type(it);
    match wanted {
        "all" => true,
        "trigger_all" => have.contains('_'),
        "stop" | "stop_all" => have.starts_with("stop"),
        "take" | "take_all" => have.starts_with("take"),
        wanted => have == wanted,
    }
}
