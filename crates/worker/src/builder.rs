//! Own submissions on their way into a batch.
//!
//! Invariant: transactions keep the order of submission; a batch is sealed when it is full or its first
//! transaction has waited long enough, whichever comes first.

use std::collections::BTreeMap;

use bytes::Bytes;
use commonware_codec::Encode;
use num::{Duration, Timestamp};
use wire::{
    Author, Batch, BatchRef, List, Transaction,
    limits::{BATCH_BYTES_MAX, BATCH_TRANSACTIONS_MAX, TRANSACTION_BYTES_MAX},
};

use crate::room::{Busy, Room, Shares};

/// Bytes that a transaction adds to a batch beyond its own.
const OVERHEAD: usize = 5;
const BATCH_HEADER: usize = 64;

/// When batches are sealed and how much may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuilderLimits {
    /// Sealed at this size, in bytes; below the wire's limit.
    pub batch_bytes: usize,
    /// Sealed when the first transaction has waited so long.
    pub delay: Duration,
    /// Bytes of own transactions that may be on their way, sealed or not, before clients are told to wait.
    pub open_bytes_max: usize,
}

/// A finished batch.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub reference: BatchRef,
    pub batch: Batch,
    pub encoded: Bytes,
    /// Of its transactions, in order.
    pub tickets: Vec<u64>,
    /// Whose bytes they are.
    pub shares: Shares,
}

/// What a batch is made of, and whose it is.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) transactions: List<Transaction, BATCH_TRANSACTIONS_MAX>,
    /// Of the first transactions, in order; those of an earlier life have none.
    pub(crate) tickets: Vec<u64>,
    pub(crate) shares: Shares,
}

/// A transaction that waits to be sealed.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) client: u64,
    pub(crate) ticket: u64,
    pub(crate) transaction: Transaction,
}

impl Waiting {
    fn bytes(&self) -> usize {
        self.transaction.len() + OVERHEAD
    }
}

/// Builds the batches of one worker.
#[derive(Debug)]
pub struct Builder {
    epoch: u64,
    author: Author,
    worker: u8,
    limits: BuilderLimits,
    sequence: u64,
    waiting: Vec<Waiting>,
    waiting_bytes: usize,
    since: Timestamp,
    room: Room,
}

impl Builder {
    pub fn new(epoch: u64, author: Author, worker: u8, limits: BuilderLimits) -> Self {
        let room = BATCH_BYTES_MAX - BATCH_HEADER - TRANSACTION_BYTES_MAX - OVERHEAD;
        let limits = BuilderLimits { batch_bytes: limits.batch_bytes.min(room), ..limits };
        Self {
            epoch,
            author,
            worker,
            limits,
            sequence: 0,
            waiting: Vec::new(),
            waiting_bytes: 0,
            since: Timestamp::ZERO,
            room: Room::new(limits.open_bytes_max),
        }
    }

    /// Goes on after the batches of an earlier life.
    pub fn resume_after(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence);
    }

    /// Takes a client's transaction, unless too much of it is on its way.
    pub fn submit(
        &mut self,
        now: Timestamp,
        client: u64,
        (ticket, transaction): (u64, Transaction),
    ) -> Result<(), Busy> {
        let waiting = Waiting { client, ticket, transaction };
        self.room.take(client, waiting.bytes())?;
        if self.waiting.is_empty() {
            self.since = now;
        }
        self.waiting_bytes += waiting.bytes();
        self.waiting.push(waiting);
        Ok(())
    }

    /// Whether there is a batch to seal now.
    pub fn is_due(&self, now: Timestamp) -> bool {
        let full =
            self.waiting_bytes >= self.limits.batch_bytes || self.waiting.len() >= BATCH_TRANSACTIONS_MAX;
        !self.waiting.is_empty() && (full || now >= self.due())
    }

    /// When what waits is due; meaningless while nothing waits.
    pub const fn due(&self) -> Timestamp {
        self.since.saturating_add(self.limits.delay)
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Seals what waits; `None` when nothing does.
    pub fn seal(&mut self) -> Option<Sealed> {
        if self.waiting.is_empty() {
            return None;
        }
        let rest = self.waiting.split_off(self.waiting.len().min(BATCH_TRANSACTIONS_MAX));
        let taken = core::mem::replace(&mut self.waiting, rest);
        self.waiting_bytes = self.waiting.iter().map(Waiting::bytes).sum();
        let shares = shares_of(&taken);
        let (tickets, transactions): (Vec<u64>, Vec<Transaction>) =
            taken.into_iter().map(|it| (it.ticket, it.transaction)).unzip();
        Some(self.make(Contents { transactions: List::new(transactions)?, tickets, shares }))
    }

    fn make(&mut self, contents: Contents) -> Sealed {
        let Contents { transactions, tickets, shares } = contents;
        self.sequence += 1;
        let (epoch, author, worker, sequence) = (self.epoch, self.author, self.worker, self.sequence);
        let batch = Batch { epoch, author, worker, sequence, transactions };
        let encoded = batch.encode();
        let reference = BatchRef { author, worker, digest: Batch::digest_of(&encoded) };
        Sealed { reference, batch, encoded, tickets, shares }
    }

    /// Seals the contents of a batch of another epoch as they are. What was taken there is taken here, whatever is
    /// left.
    pub(crate) fn seal_again(&mut self, contents: Contents) -> Sealed {
        contents.shares.iter().for_each(|(client, bytes)| self.room.occupy(*client, *bytes));
        self.make(contents)
    }

    /// Hands out what waits.
    pub(crate) fn take_waiting(&mut self) -> Vec<Waiting> {
        self.waiting_bytes = 0;
        core::mem::take(&mut self.waiting)
    }

    /// Lets what was taken elsewhere wait here, whatever room is left.
    pub(crate) fn wait(&mut self, waiting: Vec<Waiting>) {
        for it in waiting {
            self.room.occupy(it.client, it.bytes());
            self.waiting_bytes += it.bytes();
            self.waiting.push(it);
        }
    }

    /// A batch of an earlier life is on its way still; what is to be given back for it.
    pub fn reopen(&mut self, batch: &Batch) -> Shares {
        let bytes = batch.transactions.iter().map(|it| it.len() + OVERHEAD).sum();
        self.room.occupy(EARLIER, bytes);
        vec![(EARLIER, bytes)]
    }

    /// A batch of this builder is ordered: its bytes are on their way no more.
    pub fn ordered(&mut self, shares: &[(u64, usize)]) {
        self.room.give_back(shares);
    }

    pub const fn open_bytes(&self) -> usize {
        self.room.taken()
    }
}

/// Whose batches of an earlier life count as.
pub(crate) const EARLIER: u64 = u64::MAX;

fn shares_of(waiting: &[Waiting]) -> Shares {
    let mut of_client = BTreeMap::new();
    for it in waiting {
        *of_client.entry(it.client).or_default() += it.bytes();
    }
    of_client.into_iter().collect()
}
