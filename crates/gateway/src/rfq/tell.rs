//! What those hear who listen for requests and for answers.
//!
//! Invariant: a listener hears of a request what he would be answered about it.

use super::{RequestBook, request_json};
use crate::{
    Gateway,
    channel::{Channel, Private, RfqRole},
    lock,
    methods::is_request_of,
    view::View,
};

impl Gateway {
    /// Tells a request as it is now to those who ask, or are asked, and listen.
    pub(crate) fn tell_request(&self, view: &View, book: &RequestBook, id: u64) {
        let Some(it) = book.request(id) else { return };
        for (topic, channel) in self.hub.topics() {
            let Channel::Private(Private::BlockRfq(role, selection)) = &*channel else { continue };
            let Some(reader) = topic.account else { continue };
            let is_concerned = match role {
                RfqRole::Taker => it.taker.account == reader,
                RfqRole::Maker => it.asks(&reader, self.keyring.name_of(&reader)),
            };
            if is_concerned && is_request_of(view, it, selection) {
                self.hub.publish(&topic, &request_json(view, book, it, &reader));
            }
        }
    }

    /// Ends requests and quotes that have stood their time.
    pub(crate) fn expire_requests(&self, view: &View) {
        let mut book = lock(&self.rfq);
        for id in book.expire(view.now_ms()) {
            self.tell_request(view, &book, id);
        }
    }
}
