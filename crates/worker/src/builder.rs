//! Own submissions on their way into a batch.
//!
//! Invariant: transactions keep the order of submission; a batch is sealed when it is full or its first
//! transaction has waited long enough, whichever comes first.

use bytes::Bytes;
use commonware_codec::Encode;
use num::{Duration, Timestamp};
use wire::{
    Author, Batch, BatchRef, List, Transaction,
    limits::{BATCH_BYTES_MAX, BATCH_TRANSACTIONS_MAX, TRANSACTION_BYTES_MAX},
};

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

/// Too much is on its way already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{have} bytes are on their way, at most {need} may be")]
pub struct Busy {
    pub have: usize,
    pub need: usize,
}

/// A finished batch.
#[derive(Clone, Debug)]
pub struct Sealed {
    pub reference: BatchRef,
    pub batch: Batch,
    pub encoded: Bytes,
    /// Of its transactions, in order.
    pub tickets: Vec<u64>,
}

/// Builds the batches of one worker.
#[derive(Debug)]
pub struct Builder {
    epoch: u64,
    author: Author,
    worker: u8,
    limits: BuilderLimits,
    sequence: u64,
    waiting: Vec<(u64, Transaction)>,
    waiting_bytes: usize,
    since: Timestamp,
    open_bytes: usize,
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
            open_bytes: 0,
        }
    }

    /// Goes on after the batches of an earlier life.
    pub fn resume_after(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence);
    }

    pub fn submit(&mut self, now: Timestamp, ticket: u64, transaction: Transaction) -> Result<(), Busy> {
        if self.open_bytes >= self.limits.open_bytes_max {
            return Err(Busy { have: self.open_bytes, need: self.limits.open_bytes_max });
        }
        if self.waiting.is_empty() {
            self.since = now;
        }
        let bytes = transaction.len() + OVERHEAD;
        self.waiting_bytes += bytes;
        self.open_bytes += bytes;
        self.waiting.push((ticket, transaction));
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
        self.waiting_bytes = self.waiting.iter().map(|(_, it)| it.len() + OVERHEAD).sum();
        self.sequence += 1;
        let (tickets, transactions): (Vec<u64>, Vec<Transaction>) = taken.into_iter().unzip();
        let transactions = List::new(transactions)?;
        let (epoch, author, worker, sequence) = (self.epoch, self.author, self.worker, self.sequence);
        let batch = Batch { epoch, author, worker, sequence, transactions };
        let encoded = batch.encode();
        let reference = BatchRef { author, worker, digest: Batch::digest_of(&encoded) };
        Some(Sealed { reference, batch, encoded, tickets })
    }

    /// A batch of an earlier life is on its way still.
    pub fn reopen(&mut self, batch: &Batch) {
        self.open_bytes += Self::weight(batch);
    }

    /// A batch of this builder is ordered: its bytes are on their way no more.
    pub fn ordered(&mut self, batch: &Batch) {
        self.open_bytes = self.open_bytes.saturating_sub(Self::weight(batch));
    }

    fn weight(batch: &Batch) -> usize {
        batch.transactions.iter().map(|it| it.len() + OVERHEAD).sum()
    }

    pub const fn open_bytes(&self) -> usize {
        self.open_bytes
    }
}
