//! Who listens to what.
//!
//! Invariant: a notification is built once however many listen; a listener whose queue is full is cut off,
//! so that nobody slow holds memory or slows others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::ws::Utf8Bytes;
use tokio::sync::mpsc;
use wire::AccountId;

use crate::{channel::Channel, rpc};

/// Frames that may wait for one connection.
pub const QUEUE_FRAMES_MAX: usize = 4_096;
/// Channels one connection may listen to.
pub const CHANNELS_MAX: usize = 2_000;

/// What a connection's writer gets.
#[derive(Clone, Debug)]
pub enum Frame {
    /// Shared by all who get it.
    Text(Utf8Bytes),
    /// The end of the connection, after what was sent before.
    Close,
}

pub type ConnectionId = u64;

/// Where a channel's data goes: to everybody, or only to one account's connections.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Topic {
    pub channel: String,
    /// Set for `user.*` channels: the account whose data it carries.
    pub account: Option<AccountId>,
}

#[derive(Debug)]
struct Listener {
    queue: mpsc::Sender<Frame>,
    /// Whose API key it was opened with.
    client: Option<String>,
    topics: BTreeSet<Topic>,
}

/// What a topic is, and who listens to it.
#[derive(Debug)]
struct Audience {
    channel: Arc<Channel>,
    ids: BTreeSet<ConnectionId>,
}

#[derive(Debug, Default)]
struct Inner {
    listeners: BTreeMap<ConnectionId, Listener>,
    topics: BTreeMap<Topic, Audience>,
    next: ConnectionId,
}

/// All connections and their subscriptions.
#[derive(Debug, Default)]
pub struct Hub(Mutex<Inner>);

impl Hub {
    /// A new connection and the queue its writer drains.
    pub fn connect(&self) -> (ConnectionId, mpsc::Receiver<Frame>) {
        let (queue, frames) = mpsc::channel(QUEUE_FRAMES_MAX);
        let mut inner = self.lock();
        inner.next += 1;
        let id = inner.next;
        inner.listeners.insert(id, Listener { queue, client: None, topics: BTreeSet::new() });
        (id, frames)
    }

    pub fn disconnect(&self, id: ConnectionId) {
        let mut inner = self.lock();
        let Some(listener) = inner.listeners.remove(&id) else { return };
        for topic in listener.topics {
            inner.leave(&topic, id);
        }
    }

    pub fn note_client(&self, id: ConnectionId, client_id: &str) {
        if let Some(listener) = self.lock().listeners.get_mut(&id) {
            listener.client = Some(client_id.to_owned());
        }
    }

    /// The connections that an API key opened.
    pub fn connections_of(&self, client_id: &str) -> Vec<ConnectionId> {
        let inner = self.lock();
        let own = inner.listeners.iter().filter(|(_, it)| it.client.as_deref() == Some(client_id));
        own.map(|(id, _)| *id).collect()
    }

    /// False when the connection listens to too many channels already.
    pub fn subscribe(&self, id: ConnectionId, topic: Topic, channel: Channel) -> bool {
        let mut inner = self.lock();
        let Some(listener) = inner.listeners.get_mut(&id) else { return false };
        if listener.topics.len() >= CHANNELS_MAX && !listener.topics.contains(&topic) {
            return false;
        }
        listener.topics.insert(topic.clone());
        let new = || Audience { channel: Arc::new(channel), ids: BTreeSet::new() };
        inner.topics.entry(topic).or_insert_with(new).ids.insert(id);
        true
    }

    pub fn unsubscribe(&self, id: ConnectionId, topic: &Topic) {
        let mut inner = self.lock();
        if let Some(listener) = inner.listeners.get_mut(&id) {
            listener.topics.remove(topic);
        }
        inner.leave(topic, id);
    }

    /// Leaves everything that `chosen` picks; returns how many channels that were.
    pub fn unsubscribe_where(&self, id: ConnectionId, chosen: impl Fn(&Topic) -> bool) -> usize {
        let topics: Vec<Topic> = self
            .lock()
            .listeners
            .get(&id)
            .map(|listener| listener.topics.iter().filter(|topic| chosen(topic)).cloned().collect())
            .unwrap_or_default();
        topics.iter().for_each(|topic| self.unsubscribe(id, topic));
        topics.len()
    }

    /// Every topic somebody listens to.
    pub fn topics(&self) -> Vec<(Topic, Arc<Channel>)> {
        let inner = self.lock();
        inner.topics.iter().map(|(topic, audience)| (topic.clone(), Arc::clone(&audience.channel))).collect()
    }

    /// How many listen to a topic.
    pub fn listeners(&self, topic: &Topic) -> usize {
        self.lock().topics.get(topic).map_or(0, |audience| audience.ids.len())
    }

    pub fn connections(&self) -> usize {
        self.lock().listeners.len()
    }

    /// Sends `data` to all who listen to `topic`.
    pub fn publish(&self, topic: &Topic, data: &(impl serde::Serialize + ?Sized)) {
        let mut inner = self.lock();
        let Inner { listeners, topics, .. } = &mut *inner;
        let Some(audience) = topics.get(topic) else { return };
        let text = Utf8Bytes::from(rpc::notification(&topic.channel, data));
        let takes = |id: &ConnectionId| {
            let listener = listeners.get(id);
            listener.is_none_or(|listener| listener.queue.try_send(Frame::Text(text.clone())).is_ok())
        };
        let slow: Vec<ConnectionId> = audience.ids.iter().copied().filter(|id| !takes(id)).collect();
        slow.into_iter().for_each(|id| inner.cut_off(id));
    }

    /// Sends one frame to one connection.
    pub fn send(&self, id: ConnectionId, frame: Frame) {
        self.lock().send(id, frame);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn leave(&mut self, topic: &Topic, id: ConnectionId) {
        if let Some(audience) = self.topics.get_mut(topic) {
            audience.ids.remove(&id);
            if audience.ids.is_empty() {
                self.topics.remove(topic);
            }
        }
    }

    fn send(&mut self, id: ConnectionId, frame: Frame) {
        if self.listeners.get(&id).is_some_and(|listener| listener.queue.try_send(frame).is_err()) {
            self.cut_off(id);
        }
    }

    /// Drops a queue, which ends the connection's writer.
    fn cut_off(&mut self, id: ConnectionId) {
        for topic in self.listeners.remove(&id).into_iter().flat_map(|listener| listener.topics) {
            self.leave(&topic, id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn topic(channel: &str) -> Topic {
        Topic { channel: channel.into(), account: None }
    }

    #[test]
    fn only_listeners_get_a_publication() {
        let hub = Hub::default();
        let ((first, mut first_frames), (_second, mut second_frames)) = (hub.connect(), hub.connect());
        assert!(hub.subscribe(first, topic("trades.X.raw"), Channel::Silent));
        hub.publish(&topic("trades.X.raw"), &json!([1]));
        assert!(first_frames.try_recv().is_ok());
        assert!(second_frames.try_recv().is_err());
        hub.unsubscribe(first, &topic("trades.X.raw"));
        assert!(hub.topics().is_empty());
    }

    #[test]
    fn a_slow_reader_is_cut_off_and_the_others_go_on() {
        let hub = Hub::default();
        let ((slow, slow_frames), (quick, mut quick_frames)) = (hub.connect(), hub.connect());
        for id in [slow, quick] {
            hub.subscribe(id, topic("a"), Channel::Silent);
        }
        for _ in 0..=QUEUE_FRAMES_MAX {
            hub.publish(&topic("a"), &json!(1));
            assert!(quick_frames.try_recv().is_ok());
        }
        assert_eq!(hub.connections(), 1);
        assert_eq!(slow_frames.len(), QUEUE_FRAMES_MAX);
        hub.publish(&topic("a"), &json!(2));
        assert!(quick_frames.try_recv().is_ok());
    }

    #[test]
    fn a_disconnected_listener_leaves_no_topic_behind() {
        let hub = Hub::default();
        let (id, _frames) = hub.connect();
        hub.subscribe(id, topic("a"), Channel::Silent);
        hub.disconnect(id);
        assert!(hub.topics().is_empty());
        assert!(!hub.subscribe(id, topic("b"), Channel::Silent));
    }
}
