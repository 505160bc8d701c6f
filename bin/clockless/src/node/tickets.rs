//! Who waits for what became of a transaction.
//!
//! Invariant: a ticket names its connection in its high bits and the client's own number in the low 40, so that
//! nothing has to be kept for each transaction.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use client::protocol::SubmitEvents;
use tokio::sync::mpsc;

/// Bits of a ticket that are the client's.
const CLIENT_BITS: u32 = 40;
const CLIENT_MASK: u64 = (1 << CLIENT_BITS) - 1;

/// Answers that may wait for one client before it is cut off.
pub const ANSWERS_MAX: usize = 16 * 1024;

#[derive(Default)]
struct Inner {
    next: u64,
    clients: BTreeMap<u64, mpsc::Sender<SubmitEvents>>,
}

/// Open connections of clients.
#[derive(Default)]
pub struct Tickets(Mutex<Inner>);

/// What happened to a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Accepted,
    Final,
    Refused,
}

/// Answers collected for one turn of the storage.
#[derive(Default)]
pub struct Answers(BTreeMap<u64, SubmitEvents>);

impl Answers {
    pub fn add(&mut self, ticket: u64, fate: Fate) {
        let events = self.0.entry(ticket >> CLIENT_BITS).or_default();
        let list = match fate {
            Fate::Accepted => &mut events.accepted,
            Fate::Final => &mut events.r#final,
            Fate::Refused => &mut events.refused,
        };
        list.push(ticket & CLIENT_MASK);
    }
}

impl Tickets {
    /// A new client: its number and what it will be told.
    pub fn open(&self) -> (u64, mpsc::Receiver<SubmitEvents>) {
        let (sender, receiver) = mpsc::channel(ANSWERS_MAX);
        let mut inner = self.lock();
        inner.next += 1;
        let client = inner.next;
        inner.clients.insert(client, sender);
        (client, receiver)
    }

    pub fn close(&self, client: u64) {
        self.lock().clients.remove(&client);
    }

    /// The ticket of a client's own number.
    pub const fn ticket(client: u64, own: u64) -> u64 {
        (client << CLIENT_BITS) | (own & CLIENT_MASK)
    }

    /// Tells clients; one that does not listen is cut off.
    pub fn tell(&self, answers: Answers) {
        let mut inner = self.lock();
        for (client, events) in answers.0 {
            let gone = inner.clients.get(&client).is_some_and(|sender| sender.try_send(events).is_err());
            if gone {
                inner.clients.remove(&client);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_reach_the_client_that_asked_under_its_own_numbers() {
        let tickets = Tickets::default();
        let ((first, mut to_first), (second, mut to_second)) = (tickets.open(), tickets.open());
        let mut answers = Answers::default();
        answers.add(Tickets::ticket(first, 7), Fate::Accepted);
        answers.add(Tickets::ticket(second, 7), Fate::Final);
        tickets.tell(answers);
        assert_eq!(to_first.try_recv().unwrap().accepted, [7]);
        assert_eq!(to_second.try_recv().unwrap().r#final, [7]);
    }
}
