//! An account's own channels.
//!
//! Invariant: what is told here was committed, and belongs to the account that the topic is bound to.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wire::{AccountId, InstrumentId, OrderId};

use crate::{
    Gateway,
    channel::{Interval, Of, Private},
    hub::Topic,
    json,
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
                let orders: Vec<Value> =
                    orders(now, of, &account).filter_map(|id| now.view.order_value(id)).collect();
                if now.interval == Interval::Raw {
                    orders.iter().for_each(|order| now.publish(topic, order));
                } else if !orders.is_empty() {
                    now.publish(topic, &Value::Array(orders));
                }
            }
            Private::Trades(of, interval) if *interval == now.interval => {
                let trades = trades(now, of, &account);
                if !trades.is_empty() {
                    now.publish(topic, &Value::Array(trades));
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

fn orders<'a>(now: Now<'a>, of: &'a Of, account: &'a AccountId) -> impl Iterator<Item = OrderId> + use<'a> {
    let own = now.pending.orders.iter().filter(move |(owner, _)| owner == account).map(|(_, id)| *id);
    own.filter(move |id| {
        now.view.history().find_order(*id).is_some_and(|it| of.holds(now.view, it.instrument))
    })
}

fn trades(now: Now<'_>, of: &Of, account: &AccountId) -> Vec<Value> {
    let own = now.pending.fills.iter().filter(|fill| fill.account == *account);
    let chosen = own.filter(|fill| of.holds(now.view, fill.trade.instrument));
    chosen.map(|fill| now.view.fill_value(fill)).collect()
}

/// Instruments in which the account's orders or trades changed something.
fn touched(now: Now<'_>, of: &Of, account: &AccountId) -> BTreeSet<InstrumentId> {
    let of_orders = orders(now, of, account)
        .filter_map(|id| now.view.history().find_order(id).map(|order| order.instrument));
    let own = now.pending.fills.iter().filter(|fill| fill.account == *account);
    let of_fills = own.map(|fill| fill.trade.instrument).filter(|id| of.holds(now.view, *id));
    of_orders.chain(of_fills).collect()
}

fn changes(now: Now<'_>, id: InstrumentId, account: &AccountId) -> Value {
    let of = Of::Instrument(id);
    let trades = trades(now, &of, account);
    let orders: Vec<Value> = orders(now, &of, account).filter_map(|id| now.view.order_value(id)).collect();
    let positions = if trades.is_empty() { Vec::new() } else { position(now.view, id, account) };
    json!({
        "instrument_name": now.view.instrument_of(id).map(|it| it.name.as_str()),
        "trades": trades,
        "orders": orders,
        "positions": positions,
    })
}

fn position(view: &View, id: InstrumentId, account: &AccountId) -> Vec<Value> {
    let Some(it) = view.instrument_of(id) else { return Vec::new() };
    let held = view.positions(account).into_iter().find(|position| position.instrument == id);
    vec![json::position(&held.unwrap_or_else(|| view.flat(it)), it)]
}
