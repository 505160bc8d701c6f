//! What listeners are told: at once after each commit, or collected every 100 milliseconds.
//!
//! Invariant: on a book channel the first message is a snapshot and every change names the change before it,
//! so that a gap can be seen.

use std::collections::{BTreeMap, BTreeSet};

use num::{Cash, Fix};
use serde_json::{Value, json};

use crate::{
    Gateway, decimal,
    follow::Changes,
    hub::{ConnectionId, Frame, Topic},
    json,
    methods::{chain, market_ticker},
    model::Level,
    rpc,
    view::View,
};

/// Levels a side that a book channel carries.
const BOOK_DEPTH: usize = 1_000;

type Side = BTreeMap<Cash, Fix>;

/// A book as a channel's listeners last heard of it.
#[derive(Clone, Debug, Default)]
struct Told {
    bids: Side,
    asks: Side,
    change: u64,
}

/// What every channel has said, and what waits for the next tick.
#[derive(Debug, Default)]
pub struct Feed {
    books: BTreeMap<String, Told>,
    trades: BTreeMap<String, Vec<Value>>,
    changed: BTreeSet<String>,
}

impl Feed {
    /// A commit was applied.
    pub fn after_commit(&mut self, gateway: &Gateway, view: &View, changes: &Changes) {
        let hub = &gateway.hub;
        let mut trades: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for trade in &changes.trades {
            if let Some(it) = view.instrument_of(trade.instrument) {
                trades.entry(&it.name).or_default().push(view.trade_value(trade));
            }
        }
        for (name, values) in trades {
            hub.publish(&public(format!("trades.{name}.raw")), &Value::Array(values.clone()));
            self.trades.entry(name.to_owned()).or_default().extend(values);
        }
        for id in &changes.books {
            if let Some(it) = view.instrument_of(*id) {
                self.changed.insert(it.name.clone());
                self.publish_book(gateway, view, &format!("book.{}.raw", it.name));
            }
        }
        self.publish_private(gateway, view, changes);
    }

    fn publish_private(&self, gateway: &Gateway, view: &View, changes: &Changes) {
        for topic in gateway.hub.topics().into_iter().filter(|topic| topic.account.is_some()) {
            let Some(account) = topic.account else { continue };
            let mut parts = topic.channel.split('.');
            match (parts.next(), parts.next()) {
                (Some("user"), Some("orders")) => {
                    let seen: BTreeSet<_> = changes
                        .orders
                        .iter()
                        .filter(|(owner, _)| *owner == account)
                        .map(|(_, id)| *id)
                        .collect();
                    for value in seen.into_iter().filter_map(|id| view.order_value(id)) {
                        gateway.hub.publish(&topic, &value);
                    }
                }
                (Some("user"), Some("trades")) => {
                    let own = changes.fills.iter().filter(|fill| fill.account == account);
                    let values: Vec<Value> = own.map(|fill| view.fill_value(fill)).collect();
                    if !values.is_empty() {
                        gateway.hub.publish(&topic, &Value::Array(values));
                    }
                }
                (Some("user"), Some("portfolio")) if changes.accounts.contains(&account) => {
                    gateway.hub.publish(&topic, &json::summary(&view.summary(&account)));
                }
                _ => {}
            }
        }
    }

    /// A tenth of a second has passed.
    pub fn tick(&mut self, gateway: &Gateway, view: &View, count: u64) {
        let changed = core::mem::take(&mut self.changed);
        let trades = core::mem::take(&mut self.trades);
        for topic in gateway.hub.topics().into_iter().filter(|topic| topic.account.is_none()) {
            let parts: Vec<&str> = topic.channel.split('.').collect();
            match parts.as_slice() {
                ["book", name, "100ms"] if changed.contains(*name) => {
                    self.publish_book(gateway, view, &topic.channel);
                }
                ["book", name, "none", depth, _] if changed.contains(*name) => {
                    let depth = depth.parse().unwrap_or(20);
                    publish_levels(gateway, view, (&topic, name), depth);
                }
                ["trades", name, "100ms" | "agg2"] => {
                    if let Some(values) = trades.get(*name) {
                        gateway.hub.publish(&topic, &Value::Array(values.clone()));
                    }
                }
                ["ticker" | "incremental_ticker", name, ..]
                    if changed.contains(*name) || count.is_multiple_of(10) =>
                {
                    if let Some(it) = view.instrument(name) {
                        gateway.hub.publish(&topic, &market_ticker(view, it));
                    }
                }
                ["quote", name] if changed.contains(*name) => publish_quote(gateway, view, &topic, name),
                ["clockless", "chain", currency, expiry] if count.is_multiple_of(5) => {
                    let expiry = expiry.parse().unwrap_or(0);
                    gateway.hub.publish(&topic, &chain(view, currency, expiry));
                }
                ["clockless", "network"] if count.is_multiple_of(5) => {
                    gateway.hub.publish(&topic, &gateway.network());
                }
                _ => {}
            }
        }
    }

    /// What a new listener hears first.
    pub fn first(&mut self, gateway: &Gateway, view: &View, connection: ConnectionId, topic: &Topic) {
        let parts: Vec<&str> = topic.channel.split('.').collect();
        let data = match parts.as_slice() {
            ["book", name, "raw" | "100ms"] => {
                let told = self.books.entry(topic.channel.clone()).or_default();
                if told.change == 0 || gateway.hub.listeners(topic) <= 1 {
                    *told = read_book(view, name);
                }
                snapshot(view, name, told)
            }
            ["ticker" | "incremental_ticker", name, ..] => match view.instrument(name) {
                Some(it) => market_ticker(view, it),
                None => return,
            },
            ["clockless", "chain", currency, expiry] => chain(view, currency, expiry.parse().unwrap_or(0)),
            ["clockless", "network"] => gateway.network(),
            ["user", "portfolio", ..] => match &topic.account {
                Some(account) => json::summary(&view.summary(account)),
                None => return,
            },
            _ => return,
        };
        gateway.hub.send(connection, Frame::Text(rpc::notification(&topic.channel, &data).into()));
    }

    fn publish_book(&mut self, gateway: &Gateway, view: &View, channel: &str) {
        let topic = public(channel.to_owned());
        let Some(name) = channel.split('.').nth(1) else { return };
        if !gateway.hub.has_listeners(&topic) {
            self.books.remove(channel);
            return;
        }
        let now = read_book(view, name);
        let told = self.books.entry(channel.to_owned()).or_default();
        let (bids, asks) = (differences(&told.bids, &now.bids), differences(&told.asks, &now.asks));
        if bids.is_empty() && asks.is_empty() || now.change <= told.change {
            return;
        }
        let data = json!({
            "type": "change",
            "timestamp": view.now_ms(),
            "instrument_name": name,
            "prev_change_id": told.change,
            "change_id": now.change,
            "bids": bids,
            "asks": asks,
        });
        *told = now;
        gateway.hub.publish(&topic, &data);
    }
}

fn public(channel: String) -> Topic {
    Topic { channel, account: None }
}

fn read_book(view: &View, name: &str) -> Told {
    let Some(it) = view.instrument(name) else { return Told::default() };
    let market = view.market(it, BOOK_DEPTH);
    let side = |levels: &[Level]| levels.iter().map(|level| (level.price, level.amount)).collect();
    Told { bids: side(&market.bids), asks: side(&market.asks), change: view.commit_index() }
}

fn snapshot(view: &View, name: &str, told: &Told) -> Value {
    let row = |(price, amount): (&Cash, &Fix)| json!(["new", decimal::cash(*price), decimal::fix(*amount)]);
    json!({
        "type": "snapshot",
        "timestamp": view.now_ms(),
        "instrument_name": name,
        "change_id": told.change,
        "bids": told.bids.iter().rev().map(row).collect::<Value>(),
        "asks": told.asks.iter().map(row).collect::<Value>(),
    })
}

fn differences(before: &Side, after: &Side) -> Vec<Value> {
    let mut rows = Vec::new();
    for (price, amount) in after {
        match before.get(price) {
            Some(same) if same == amount => {}
            Some(_) => rows.push(json!(["change", decimal::cash(*price), decimal::fix(*amount)])),
            None => rows.push(json!(["new", decimal::cash(*price), decimal::fix(*amount)])),
        }
    }
    for price in before.keys().filter(|price| !after.contains_key(price)) {
        rows.push(json!(["delete", decimal::cash(*price), 0.0]));
    }
    rows
}

fn publish_levels(gateway: &Gateway, view: &View, (topic, name): (&Topic, &str), depth: usize) {
    let Some(it) = view.instrument(name) else { return };
    let market = view.market(it, depth);
    let data = json!({
        "timestamp": view.now_ms(),
        "instrument_name": name,
        "change_id": view.commit_index(),
        "bids": market.bids.iter().map(json::level).collect::<Value>(),
        "asks": market.asks.iter().map(json::level).collect::<Value>(),
    });
    gateway.hub.publish(topic, &data);
}

fn publish_quote(gateway: &Gateway, view: &View, topic: &Topic, name: &str) {
    let Some(it) = view.instrument(name) else { return };
    let ticker = market_ticker(view, it);
    let fields = [
        "timestamp",
        "instrument_name",
        "best_bid_price",
        "best_bid_amount",
        "best_ask_price",
        "best_ask_amount",
    ];
    let data: serde_json::Map<String, Value> =
        fields.into_iter().map(|field| (field.to_owned(), ticker[field].clone())).collect();
    gateway.hub.publish(topic, &Value::Object(data));
}
