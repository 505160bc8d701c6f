//! What a worker leaves to the one of the next epoch: own transactions that are not ordered.
//!
//! Invariant: the batches made of it have the contents and the order of those before and are numbered from 1, so whoever
//! reads the log again makes the same ones, and knows those that are in the log of the next epoch.

use wire::BatchNote;

use crate::{
    Held, Worker,
    builder::{Contents, EARLIER, Waiting},
    worker::{OwnBatch, note_of},
};

/// Own transactions that are not ordered, in the order of submission.
#[derive(Debug, Default)]
pub struct Unordered {
    batches: Vec<Contents>,
    waiting: Vec<Waiting>,
}

impl Unordered {
    /// The same, to be sealed anew: for an epoch in which this validator may have sealed others already.
    #[must_use]
    pub fn unsealed(self) -> Self {
        let mut waiting = Vec::new();
        for Contents { transactions, tickets, .. } in self.batches {
            let tickets = tickets.into_iter().chain(core::iter::repeat(NOBODY));
            let transactions = transactions.into_vec().into_iter().zip(tickets);
            waiting.extend(transactions.map(|(transaction, ticket)| Waiting {
                client: EARLIER,
                ticket,
                transaction,
            }));
        }
        waiting.extend(self.waiting);
        Self { batches: Vec::new(), waiting }
    }
}

/// The ticket of transactions whose client is gone, or waits for no answer.
pub(crate) const NOBODY: u64 = u64::MAX;

impl Worker {
    /// Gives away what is not ordered: batches of which the primary says so, and what is not sealed.
    pub fn leave(&mut self, is_open: impl Fn(&BatchNote) -> bool) -> Unordered {
        let own = core::mem::take(&mut self.own).into_values();
        let mut own: Vec<OwnBatch> = own.filter(|own| is_open(&own.note)).collect();
        own.sort_unstable_by_key(|own| (own.note.reference.worker, own.note.sequence));
        let contents = |own: OwnBatch| {
            let transactions = self.shelf.get(&own.note.reference.digest)?.batch.transactions.clone();
            Some(Contents { transactions, tickets: own.tickets, shares: own.shares })
        };
        let batches = own.into_iter().filter_map(contents).collect();
        Unordered { batches, waiting: self.builder.take_waiting() }
    }

    /// Goes on with what another has left, in an epoch in which nothing was sealed yet. The batches are written, if the
    /// log does not hold them, and told of when the primary is met.
    pub fn inherit(&mut self, unordered: Unordered) {
        for contents in unordered.batches {
            let sealed = self.builder.seal_again(contents);
            let digest = sealed.reference.digest;
            let held = Held { batch: sealed.batch, encoded: sealed.encoded };
            let note = note_of(digest, &held);
            self.shelf.add(digest, held, &mut Vec::new());
            self.shelf.refer(&digest);
            self.own.insert(digest, OwnBatch { note, tickets: sealed.tickets, shares: sealed.shares });
        }
        self.builder.wait(unordered.waiting);
    }
}
