//! An account's own channels.
//!
//! Invariant: what is told here was committed, and belongs to the account that the topic is bound to.

use std::collections::BTreeSet;

use num::Timestamp;
use serde::Serialize;
use serde_json::Value;
use wire::{AccountId, InstrumentId};

use crate::{
    Gateway,
    channel::{Interval, Of, Private},
    hub::Topic,
    json::{self, FillObject, OrderObject},
    methods::{group_of_number, trip_json},
    model::Order,
    view::View,
};

use super::{Feed, Now};

impl Feed {
    pub(super) fn speak_private(
        &mut self,
        now: Now<'_>,
        (topic, channel): (&Topic, &Private),
        account: AccountId,
    ) {
        match channel {
            Private::Orders(of, interval) if *interval == now.interval => {
                let mut orders = orders(now, of, &account).peekable();
                if now.interval == Interval::Raw {
                    orders.for_each(|order| now.publish(topic, &now.view.order_object(order)));
                } else if orders.peek().is_some() {
                    let orders: Vec<OrderObject<'_>> =
                        orders.map(|order| now.view.order_object(order)).collect();
                    now.publish(topic, &orders);
                }
            }
            Private::Trades(of, interval) if *interval == now.interval => {
                let trades = trades(now, of, &account);
                if !trades.is_empty() {
                    now.publish(topic, &trades);
                }
            }
            Private::Changes(of, interval) if *interval == now.interval => {
                for id in touched(now, of, &account) {
                    now.publish(topic, &changes(now, id, &account));
                }
            }
            Private::Portfolio if now.interval == Interval::Slow => {
                self.tell_portfolio(now.gateway, now.view, (topic, channel), account);
            }
            _ => {}
        }
    }

    pub(super) fn tell_portfolio(
        &mut self,
        gateway: &Gateway,
        view: &View,
        (topic, channel): (&Topic, &Private),
        account: AccountId,
    ) {
        if *channel == Private::Portfolio {
            self.publish_news(gateway, topic, json::summary(&view.summary(&account)));
        }
    }
}

/// Groups of an account that traded too much.
pub(super) fn tell_tripped(
    (gateway, view): (&Gateway, &View),
    (topic, underlying, account): (&Topic, Option<&str>, &AccountId),
    tripped: &[(AccountId, u16, Timestamp)],
) {
    for (_, number, until) in tripped.iter().filter(|(owner, ..)| owner == account) {
        let group = group_of_number(gateway, view, (account, *number));
        if let Some(group) = group.filter(|it| underlying.is_none_or(|only| it.underlying == only)) {
            gateway.hub.publish(topic, &trip_json(&group, *until));
        }
    }
}

fn orders<'a>(now: Now<'a>, of: &'a Of, account: &'a AccountId) -> impl Iterator<Item = &'a Order> + use<'a> {
    let own = now.pending.orders.iter().filter(move |(owner, _)| owner == account);
    let found = own.filter_map(move |(_, id)| now.view.history().find_order(*id));
    found.filter(move |order| of.holds(now.view, order.instrument))
}

fn trades<'a>(now: Now<'a>, of: &Of, account: &AccountId) -> Vec<FillObject<'a>> {
    let own = now.pending.fills.iter().filter(|fill| fill.account == *account);
    let chosen = own.filter(|fill| of.holds(now.view, fill.trade.instrument));
    chosen.map(|fill| now.view.fill_object(fill)).collect()
}

/// Instruments in which the account's orders or trades changed something.
fn touched(now: Now<'_>, of: &Of, account: &AccountId) -> BTreeSet<InstrumentId> {
    let of_orders = orders(now, of, account).map(|order| order.instrument);
    let own = now.pending.fills.iter().filter(|fill| fill.account == *account);
    let of_fills = own.map(|fill| fill.trade.instrument).filter(|id| of.holds(now.view, *id));
    of_orders.chain(of_fills).collect()
}

/// What changed in one instrument of an account.
#[derive(Serialize)]
struct InstrumentChanges<'a> {
    instrument_name: Option<&'a str>,
    trades: Vec<FillObject<'a>>,
    orders: Vec<OrderObject<'a>>,
    positions: Vec<Value>,
}

fn changes<'a>(now: Now<'a>, id: InstrumentId, account: &AccountId) -> InstrumentChanges<'a> {
    let of = Of::Instrument(id);
    let trades = trades(now, &of, account);
    let touched = now.pending.orders.iter().filter(|(owner, _)| owner == account);
    let orders = touched.filter_map(|(_, id)| now.view.history().find_order(*id));
    InstrumentChanges {
        instrument_name: now.view.instrument_of(id).map(|it| it.name.as_str()),
        orders: orders
            .filter(|order| order.instrument == id)
            .map(|order| now.view.order_object(order))
            .collect(),
        positions: if trades.is_empty() { Vec::new() } else { position(now.view, id, account) },
        trades,
    }
}

fn position(view: &View, id: InstrumentId, account: &AccountId) -> Vec<Value> {
    let Some(it) = view.instrument_of(id) else { return Vec::new() };
    let held = view.positions(account).into_iter().find(|position| position.instrument == id);
    vec![json::position(&held.unwrap_or_else(|| view.flat(it)), it)]
}
