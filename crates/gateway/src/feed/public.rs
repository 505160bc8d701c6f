//! Channels that everybody may listen to.
//!
//! Invariant: read only; every message is of one commit.

use std::collections::BTreeSet;

use num::{Cash, Fix};
use serde_json::{Map, Value, json};
use wire::InstrumentId;

use crate::{
    Gateway,
    channel::{Channel, Interval},
    decimal::{cash, fix},
    history::Candle,
    hub::Topic,
    json::{self, TradeObject},
    methods::{chain, market_ticker},
    model::{Instrument, Kind},
    selection::Selection,
    view::View,
};

use super::{
    Feed, Now,
    book::{Told, levels},
};

impl Feed {
    pub(super) fn speak_public(&mut self, now: Now<'_>, topic: &Topic, channel: &Channel) {
        let Now { view, pending, interval, .. } = now;
        let instrument = |id: &InstrumentId| view.instrument_of(*id);
        match channel {
            Channel::Book(id, every) if *every == interval && pending.books.contains(id) => {
                if let Some(it) = instrument(id) {
                    let told = self.books.entry(topic.channel.clone()).or_default();
                    let change = told.change_to(Told::read(view, it), view, it);
                    change.iter().for_each(|change| now.publish(topic, change));
                }
            }
            Channel::Levels { instrument: id, group, depth, interval: every }
                if *every == interval && pending.books.contains(id) =>
            {
                instrument(id)
                    .into_iter()
                    .for_each(|it| now.publish(topic, &levels(view, it, (*group, *depth))));
            }
            Channel::Ticker(id, every) if *every == interval && pending.moved(view, *id) => {
                instrument(id).into_iter().for_each(|it| now.publish(topic, &market_ticker(view, it)));
            }
            Channel::Trades(of, every) if *every == interval => {
                let chosen = pending.trades.iter().filter(|trade| of.holds(view, trade.instrument));
                let trades: Vec<TradeObject<'_>> = chosen.map(|trade| view.trade_object(trade)).collect();
                if !trades.is_empty() {
                    now.publish(topic, &trades);
                }
            }
            Channel::Perpetual(id, every) if *every == interval && pending.moved(view, *id) => {
                instrument(id).into_iter().for_each(|it| now.publish(topic, &perpetual(view, it)));
            }
            _ => self.speak_fixed(now, topic, channel),
        }
    }

    /// Channels whose interval is not in their name.
    fn speak_fixed(&mut self, now: Now<'_>, topic: &Topic, channel: &Channel) {
        let Now { view, pending, interval, .. } = now;
        match (channel, interval) {
            (Channel::Quote(id), Interval::Raw) if pending.books.contains(id) => {
                if let Some(it) = view.instrument_of(*id) {
                    self.publish_news(now.gateway, topic, quote(view, it));
                }
            }
            (Channel::IncrementalTicker(id), Interval::Fast) if pending.moved(view, *id) => {
                if let Some(it) = view.instrument_of(*id) {
                    let ticker = market_ticker(view, it);
                    let change = ticker_change(self.last.get(topic), &ticker);
                    change.iter().for_each(|change| now.publish(topic, change));
                    self.last.insert(topic.clone(), ticker);
                }
            }
            (Channel::Chart(id, minutes), Interval::Fast) if pending.traded(*id) => {
                self.publish_candle(now, topic, (*id, *minutes));
            }
            (Channel::Chart(id, minutes), Interval::Slow) => self.publish_candle(now, topic, (*id, *minutes)),
            (Channel::PriceIndex(underlying) | Channel::VolatilityIndex(underlying), Interval::Fast) => {
                let moved = view.underlying_id(underlying).is_some_and(|id| pending.indices.contains(&id));
                if moved && let Some(data) = present(now.gateway, view, channel) {
                    now.publish(topic, &data);
                }
            }
            (
                Channel::PriceStatistics(_) | Channel::ExpirationPrice(_) | Channel::OptionMarks(_),
                Interval::Slow,
            ) => {
                if let Some(data) = present(now.gateway, view, channel) {
                    self.publish_news(now.gateway, topic, data);
                }
            }
            _ => {}
        }
    }

    /// The indices whose markets stopped or go on since the channel last spoke.
    pub(super) fn tell_locked(&mut self, (gateway, view): (&Gateway, &View), topic: &Topic) {
        let now = json!(view.locked());
        let before = self.last.insert(topic.clone(), now.clone()).unwrap_or_else(|| now.clone());
        let has =
            |list: &Value, it: &str| list.as_array().is_some_and(|list| list.iter().any(|one| one == it));
        for it in view.underlyings() {
            let is_locked = has(&now, &it);
            if is_locked != has(&before, &it) {
                let data = json!({ "price_index": json::price_index(&it), "locked": is_locked });
                gateway.hub.publish(topic, &data);
            }
        }
    }

    fn publish_candle(&mut self, now: Now<'_>, topic: &Topic, (id, minutes): (InstrumentId, u64)) {
        if let Some(candle) = now.view.history().candle_now(id, minutes, now.view.now_ms()) {
            self.publish_news(now.gateway, topic, candle_json(&candle));
        }
    }

    /// What a new listener of a channel hears first.
    pub(super) fn first(
        &mut self,
        gateway: &Gateway,
        view: &View,
        (topic, channel): (&Topic, &Channel),
    ) -> Option<Value> {
        match channel {
            Channel::Book(id, _) => {
                let it = view.instrument_of(*id)?;
                let told = self.books.entry(topic.channel.clone()).or_default();
                // Nobody else follows this channel: it may begin anew.
                if told.change == 0 || gateway.hub.listeners(topic) <= 1 {
                    *told = Told::read(view, it);
                }
                Some(told.snapshot(view, it))
            }
            Channel::IncrementalTicker(id) => {
                let mut ticker = market_ticker(view, view.instrument_of(*id)?);
                self.last.insert(topic.clone(), ticker.clone());
                ticker["type"] = json!("snapshot");
                Some(ticker)
            }
            Channel::PlatformState => {
                self.last.insert(topic.clone(), json!(view.locked()));
                None
            }
            Channel::Private(crate::channel::Private::Portfolio) => {
                let summary = json::summary(&view.summary(&topic.account?));
                self.last.insert(topic.clone(), summary.clone());
                Some(summary)
            }
            _ => present(gateway, view, channel),
        }
    }
}

/// The state of a channel that needs no memory; `None` for one that tells of events.
fn present(gateway: &Gateway, view: &View, channel: &Channel) -> Option<Value> {
    Some(match channel {
        Channel::Levels { instrument, group, depth, .. } => {
            levels(view, view.instrument_of(*instrument)?, (*group, *depth))
        }
        Channel::Ticker(id, _) => market_ticker(view, view.instrument_of(*id)?),
        Channel::Quote(id) => quote(view, view.instrument_of(*id)?),
        Channel::Perpetual(id, _) => perpetual(view, view.instrument_of(*id)?),
        Channel::Chart(id, minutes) => {
            candle_json(&view.history().candle_now(*id, *minutes, view.now_ms())?)
        }
        Channel::PriceIndex(underlying) => price_index(view, underlying),
        Channel::VolatilityIndex(underlying) => volatility_index(view, underlying)?,
        Channel::PriceStatistics(underlying) => price_statistics(view, underlying)?,
        Channel::ExpirationPrice(underlying) => expiration_price(view, underlying)?,
        Channel::OptionMarks(underlying) => option_marks(view, underlying),
        _ => twice_a_second(gateway, view, channel)?,
    })
}

/// What the trading page watches.
pub(super) fn twice_a_second(gateway: &Gateway, view: &View, channel: &Channel) -> Option<Value> {
    match channel {
        Channel::Chain { underlying, expiry_ms } => Some(chain(view, underlying, *expiry_ms)),
        Channel::Network => Some(gateway.network(view)),
        _ => None,
    }
}

pub(super) fn instrument_states(
    gateway: &Gateway,
    view: &View,
    (topic, selection): (&Topic, &Selection),
    ended: &BTreeSet<InstrumentId>,
) {
    for it in ended.iter().filter_map(|id| view.instrument_of(*id)).filter(|it| selection.shows(it)) {
        let state = match it.listing {
            exchange::Listing::Open => "created",
            exchange::Listing::Expired | exchange::Listing::Delisted => "closed",
            exchange::Listing::Settled { .. } => "settled",
        };
        let data = json!({ "timestamp": view.now_ms(), "state": state, "instrument_name": it.name });
        gateway.hub.publish(topic, &data);
    }
}

/// The fields of a ticker that are others now, beside those that name it.
fn ticker_change(before: Option<&Value>, after: &Value) -> Option<Value> {
    let after = after.as_object()?;
    let news = |field: &str, value: &Value| before.is_none_or(|before| before[field] != *value);
    let mut change: Map<String, Value> = after
        .iter()
        .filter(|(field, value)| *field != "timestamp" && news(field, value))
        .map(|(field, value)| (field.clone(), value.clone()))
        .collect();
    if change.is_empty() {
        return None;
    }
    for field in ["timestamp", "instrument_name"] {
        change.insert(field.to_owned(), after.get(field)?.clone());
    }
    change.insert("type".to_owned(), json!("change"));
    Some(Value::Object(change))
}

fn quote(view: &View, it: &Instrument) -> Value {
    let market = view.market(it, 1);
    let top = |levels: &[crate::model::Level]| {
        levels.first().map_or((None, Fix::ZERO), |it| (Some(it.price), it.amount))
    };
    let ((bid, bid_amount), (ask, ask_amount)) = (top(&market.bids), top(&market.asks));
    json!({
        "timestamp": view.now_ms(),
        "instrument_name": it.name,
        "best_bid_price": json::optional(bid),
        "best_bid_amount": fix(bid_amount),
        "best_ask_price": json::optional(ask),
        "best_ask_amount": fix(ask_amount),
    })
}

fn perpetual(view: &View, it: &Instrument) -> Value {
    let market = view.market(it, 0);
    let interest = fix(market.funding);
    json!({ "timestamp": view.now_ms(), "interest": interest, "index_price": json::optional(market.index) })
}

fn price_index(view: &View, underlying: &str) -> Value {
    json!({
        "timestamp": view.now_ms(),
        "price": json::optional(view.index(underlying)),
        "index_name": json::price_index(underlying),
    })
}

fn volatility_index(view: &View, underlying: &str) -> Option<Value> {
    Some(json!({
        "timestamp": view.now_ms(),
        "volatility": cash(view.volatility_index(underlying)?),
        "index_name": json::price_index(underlying),
    }))
}

fn price_statistics(view: &View, underlying: &str) -> Option<Value> {
    let day = view.history().index(underlying)?.day(view.now_ms())?;
    Some(json!({
        "index_name": json::price_index(underlying),
        "low24h": cash(day.low),
        "high24h": cash(day.high),
        "change24h": day.change,
        "high_volatility": false,
    }))
}

/// What the next expiry of an underlying would be settled at now.
fn expiration_price(view: &View, underlying: &str) -> Option<Value> {
    let open = view.instruments().iter().filter(|it| it.underlying == underlying && it.is_active());
    let next = open.filter_map(|it| it.expiry_ms).min()?;
    Some(json!({
        "seconds": next.saturating_sub(view.now_ms()) / 1_000,
        "price": json::optional(view.index(underlying)),
        "is_estimated": true,
    }))
}

fn option_marks(view: &View, underlying: &str) -> Value {
    let options = view
        .instruments()
        .iter()
        .filter(|it| matches!(it.kind, Kind::Option { .. }) && it.underlying == underlying && it.is_active());
    let mark = |it: &Instrument| {
        let market = view.market(it, 0);
        json!({
            "instrument_name": it.name,
            "mark_price": json::optional(market.mark.or(Some(Cash::ZERO))),
            "iv": market.mark_iv.map_or(Value::Null, fix),
            "timestamp": view.now_ms(),
        })
    };
    options.map(mark).collect()
}

fn candle_json(it: &Candle) -> Value {
    json!({
        "tick": it.start_ms,
        "open": cash(it.open),
        "high": cash(it.high),
        "low": cash(it.low),
        "close": cash(it.close),
        "volume": fix(it.volume),
        "cost": cash(it.cost),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticker_change_names_only_what_changed() {
        let before = json!({"instrument_name": "X", "timestamp": 1, "mark_price": 5.0, "last_price": 4.0});
        let after = json!({"instrument_name": "X", "timestamp": 2, "mark_price": 6.0, "last_price": 4.0});
        let change = ticker_change(Some(&before), &after).unwrap();
        assert_eq!(
            change,
            json!({"type": "change", "instrument_name": "X", "timestamp": 2, "mark_price": 6.0})
        );
        assert_eq!(ticker_change(Some(&after), &after), None);
    }
}
