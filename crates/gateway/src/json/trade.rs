//! Trades, and an account's sides of them, as the venue shows them.
//!
//! Invariant: amounts are in units of the underlying, with the same in lots as `contracts`; profits leave fees out,
//! which stand beside them.

use num::Fix;
use serde::Serialize;
use wire::{InstrumentId, OrderId, PostOnly, ReduceOnly};

use crate::{
    decimal::{money, quotient, ratio},
    model::{Fill, Liquidity, Order, Trade},
};

use super::{
    order::{as_text, order_state},
    side,
};

/// The object of a public trade.
#[derive(Clone, Debug, Serialize)]
pub struct TradeObject<'a> {
    #[serde(serialize_with = "as_text")]
    trade_id: u64,
    trade_seq: u64,
    timestamp: u64,
    tick_direction: u8,
    price: f64,
    amount: f64,
    mark_price: Option<f64>,
    index_price: Option<f64>,
    instrument_name: &'a str,
    direction: &'static str,
    contracts: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    iv: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    liquidation: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    block_trade_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    combo_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    combo_trade_id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    legs: Vec<Self>,
}

impl<'a> TradeObject<'a> {
    /// `name_of` knows the names of instruments.
    pub fn new(it: &Trade, name_of: &impl Fn(InstrumentId) -> &'a str) -> Self {
        Self {
            trade_id: it.id,
            trade_seq: it.sequence,
            timestamp: it.time_ms,
            tick_direction: it.tick_direction,
            price: money(it.price),
            amount: ratio(it.amount),
            mark_price: it.mark.map(money),
            index_price: it.index.map(money),
            instrument_name: name_of(it.instrument),
            direction: side(it.side),
            contracts: it.contracts,
            iv: it.iv.map(percent),
            liquidation: it.is_liquidation.then_some("T"),
            block_trade_id: it.block.map(block_id),
            combo_id: it.combo.map(|part| name_of(part.combo)),
            combo_trade_id: it.combo.map(|part| part.trade.to_string()),
            legs: it.legs.iter().map(|leg| Self::new(leg, name_of)).collect(),
        }
    }

    /// The trade as who was on one side of it sees it, its legs with it.
    fn seen_from(it: &Fill, name_of: &impl Fn(InstrumentId) -> &'a str) -> Self {
        let mut seen = Self { direction: side(it.side), ..Self::new(&it.trade, name_of) };
        if it.side != it.trade.side {
            for (shown, leg) in seen.legs.iter_mut().zip(&it.trade.legs) {
                shown.direction = side(leg.side.opposite());
            }
        }
        seen
    }
}

/// The object of one account's side of a trade.
#[derive(Clone, Debug, Serialize)]
pub struct FillObject<'a> {
    #[serde(flatten)]
    trade: TradeObject<'a>,
    #[serde(serialize_with = "as_text")]
    order_id: OrderId,
    /// Always null: trades are not matched by anybody else.
    matching_id: Option<&'static str>,
    fee: f64,
    fee_currency: &'static str,
    liquidity: &'static str,
    order_type: &'static str,
    state: &'static str,
    self_trade: bool,
    post_only: bool,
    reduce_only: bool,
    api: bool,
    mmp: bool,
    risk_reducing: bool,
    label: &'a str,
    profit_loss: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    underlying_price: Option<f64>,
}

impl<'a> FillObject<'a> {
    /// `order` is what was filled, as far as it is remembered.
    pub fn new(it: &'a Fill, name_of: &impl Fn(InstrumentId) -> &'a str, order: Option<&Order>) -> Self {
        let is_market = order.is_some_and(|order| order.price.is_none());
        Self {
            trade: TradeObject::seen_from(it, name_of),
            order_id: it.order,
            matching_id: None,
            fee: money(it.fee),
            fee_currency: "USDC",
            liquidity: match it.liquidity {
                Liquidity::Maker => "M",
                Liquidity::Taker => "T",
            },
            order_type: if is_market { "market" } else { "limit" },
            state: order.map_or("filled", |order| order_state(order.state)),
            self_trade: false,
            post_only: order.is_some_and(|order| order.post_only != PostOnly::Off),
            reduce_only: order.is_some_and(|order| order.reduce_only == ReduceOnly::On),
            api: true,
            mmp: false,
            risk_reducing: it.trade.is_liquidation,
            label: &it.label,
            profit_loss: money(it.profit),
            underlying_price: it.trade.forward.map(money),
        }
    }
}

/// A block is named by its first trade.
pub fn block_id(first_trade: u64) -> String {
    format!("BLOCK-{first_trade}")
}

fn percent(vol: Fix) -> f64 {
    quotient(i128::from(vol.raw()), 1e7)
}
