//! What listeners are told: with each commit, every 100 milliseconds, or every second.
//!
//! Invariant: a listener hears nothing of a channel before its first message; what a channel says follows
//! from the commits alone, in their order.

mod book;
mod private;
mod public;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Serialize;
use serde_json::Value;
use wire::{AccountId, InstrumentId, OrderId, UnderlyingId};

use crate::{
    Gateway,
    channel::{Channel, Interval, Private},
    follow::Changes,
    hub::{ConnectionId, Frame, Topic},
    model::{Fill, Trade},
    rpc,
    view::View,
};

use book::Told;

/// Ticks of 100 milliseconds in a second.
const TICKS_PER_SECOND: u64 = 10;

/// What happened since a kind of channel last spoke.
#[derive(Clone, Debug, Default)]
struct Pending {
    trades: Vec<Trade>,
    fills: Vec<Fill>,
    orders: BTreeSet<(AccountId, OrderId)>,
    books: BTreeSet<InstrumentId>,
    indices: BTreeSet<UnderlyingId>,
}

impl Pending {
    fn of(changes: &Changes) -> Self {
        Self {
            trades: changes.trades.clone(),
            fills: changes.fills.clone(),
            orders: changes.orders.iter().copied().collect(),
            books: changes.books.clone(),
            indices: changes.indices.clone(),
        }
    }

    fn add(&mut self, later: &Self) {
        self.trades.extend_from_slice(&later.trades);
        self.fills.extend_from_slice(&later.fills);
        self.orders.extend(&later.orders);
        self.books.extend(&later.books);
        self.indices.extend(&later.indices);
    }

    fn traded(&self, id: InstrumentId) -> bool {
        self.trades.iter().any(|trade| trade.instrument == id)
    }

    /// Whether an instrument's ticker is another now: its book, its last trade or its mark.
    fn moved(&self, view: &View, id: InstrumentId) -> bool {
        let index = || view.state.instrument(id).is_some_and(|it| self.indices.contains(&it.underlying));
        self.books.contains(&id) || index()
    }
}

/// What every channel has said, and what waits to be said.
#[derive(Debug, Default)]
pub(crate) struct Feed {
    books: BTreeMap<String, Told>,
    /// The last word of channels that speak only of what is new.
    last: BTreeMap<Topic, Value>,
    fast: Pending,
    slow: Pending,
}

/// What speaking needs to know.
#[derive(Clone, Copy)]
struct Now<'a> {
    gateway: &'a Gateway,
    view: &'a View,
    interval: Interval,
    pending: &'a Pending,
}

impl Now<'_> {
    fn publish(&self, topic: &Topic, data: &(impl Serialize + ?Sized)) {
        self.gateway.hub.publish(topic, data);
    }
}

impl Feed {
    /// A commit was applied.
    pub(crate) fn after_commit(&mut self, gateway: &Gateway, view: &View, changes: &Changes) {
        let pending = Pending::of(changes);
        let topics = gateway.hub.topics();
        self.speak(Now { gateway, view, interval: Interval::Raw, pending: &pending }, &topics);
        for (topic, channel) in &topics {
            match (&**channel, topic.account) {
                (Channel::Finality, _) => {
                    gateway.hub.publish(topic, &gateway.finality(view.commit_index(), view.commit_index()));
                }
                (Channel::PlatformState, _) => self.tell_locked((gateway, view), topic),
                (Channel::InstrumentState(selection), _) => {
                    public::instrument_states(gateway, view, (topic, selection), &changes.ended);
                }
                (Channel::Private(Private::MmpTrigger(of)), Some(account)) => {
                    private::tell_tripped(
                        (gateway, view),
                        (topic, of.as_deref(), &account),
                        &changes.tripped,
                    );
                }
                (Channel::Private(channel), Some(account)) if changes.concerns(&account) => {
                    self.tell_portfolio(gateway, view, (topic, channel), account);
                }
                _ => {}
            }
        }
        self.fast.add(&pending);
        self.slow.add(&pending);
    }

    /// A tenth of a second has passed.
    pub(crate) fn tick(&mut self, gateway: &Gateway, view: &View, count: u64) {
        let topics = gateway.hub.topics();
        let pending = core::mem::take(&mut self.fast);
        self.speak(Now { gateway, view, interval: Interval::Fast, pending: &pending }, &topics);
        if count.is_multiple_of(TICKS_PER_SECOND) {
            let pending = core::mem::take(&mut self.slow);
            self.speak(Now { gateway, view, interval: Interval::Slow, pending: &pending }, &topics);
            self.forget(&topics);
        }
        if count.is_multiple_of(TICKS_PER_SECOND / 2) {
            for (topic, channel) in &topics {
                if let Some(data) = public::twice_a_second(gateway, view, channel) {
                    gateway.hub.publish(topic, &data);
                }
            }
        }
    }

    fn speak(&mut self, now: Now<'_>, topics: &[(Topic, Arc<Channel>)]) {
        for (topic, channel) in topics {
            match (&**channel, topic.account) {
                (Channel::Private(channel), Some(account)) => {
                    self.speak_private(now, (topic, channel), account);
                }
                (channel, _) => self.speak_public(now, topic, channel),
            }
        }
    }

    /// Forgets what nobody listens to.
    fn forget(&mut self, topics: &[(Topic, Arc<Channel>)]) {
        let heard: BTreeSet<&Topic> = topics.iter().map(|(topic, _)| topic).collect();
        self.last.retain(|topic, _| heard.contains(topic));
        let names: BTreeSet<&str> = topics.iter().map(|(topic, _)| topic.channel.as_str()).collect();
        self.books.retain(|name, _| names.contains(name.as_str()));
    }

    /// Lets a connection listen and tells it what a new listener hears first. False when it listens to too
    /// many channels already.
    pub(crate) fn listen(
        &mut self,
        (gateway, view): (&Gateway, &View),
        connection: ConnectionId,
        (topic, channel): (Topic, Channel),
    ) -> bool {
        if !gateway.hub.subscribe(connection, topic.clone(), channel.clone()) {
            return false;
        }
        if let Some(data) = self.first(gateway, view, (&topic, &channel)) {
            let text = rpc::notification(&topic.channel, &data);
            gateway.hub.send(connection, Frame::Text(text.into()));
        }
        true
    }

    /// Publishes `data` when it is not what the channel said last.
    fn publish_news(&mut self, gateway: &Gateway, topic: &Topic, data: Value) {
        if self.last.get(topic) != Some(&data) {
            gateway.hub.publish(topic, &data);
            self.last.insert(topic.clone(), data);
        }
    }
}
