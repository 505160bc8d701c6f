//! One worker: inputs in, outputs in order.
//!
//! Invariant: a `Persist` stands before whatever depends on it. With `Settings::batch_delay` at zero nothing waits
//! for a tick.

mod intake;
mod orders;

use std::collections::{BTreeMap, BTreeSet};

use crypto::Digest;
use num::{Duration, Timestamp};
use wire::{
    Author, Batch, BatchNote, BatchRef, Blob, List, Transaction, WorkerMessage, WorkerOrder, WorkerWord,
    limits::{BATCH_BYTES_MAX, NOTES_MAX},
};

use crate::{Builder, BuilderLimits, Busy, Held, Shares, Shelf, questions::Questions, sections::Sections};

/// What a worker is started with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    pub epoch: u64,
    pub author: Author,
    pub committee_size: u16,
    /// Which of its validator's workers it is.
    pub number: u8,
    /// Bytes at which a batch is sealed.
    pub batch_bytes: usize,
    /// How long a transaction waits for company.
    pub batch_delay: Duration,
    /// How long to wait before asking for a batch again.
    pub retry: Duration,
    /// Own bytes on their way before clients are told to wait.
    pub open_bytes_max: usize,
    /// Bytes of one author's batches that no accepted block refers to.
    pub unreferenced_bytes_max: usize,
}

/// What can happen to a worker.
#[derive(Clone, Debug)]
pub enum Input {
    /// A client's transaction; `ticket` names it in the answers. Clients share the room that there is.
    Submit {
        client: u64,
        ticket: u64,
        transaction: Transaction,
    },
    Message {
        from: Author,
        message: WorkerMessage,
    },
    Order(WorkerOrder),
    /// The link to the primary came up: everything is told again.
    Met,
}

/// What a worker does.
#[derive(Clone, Debug)]
pub enum Output {
    /// To be written to that section of the log, and durable before any later output leaves.
    Persist {
        section: u64,
        batch: Blob<BATCH_BYTES_MAX>,
    },
    Send {
        to: Author,
        message: WorkerMessage,
    },
    Broadcast {
        message: WorkerMessage,
    },
    /// From here on the primary is told everything; words from before were said to nobody, or to an earlier meeting.
    Introduction,
    /// To the primary.
    Word(WorkerWord),
    /// The transaction is in an own batch that is durable.
    Accepted {
        ticket: u64,
    },
    /// The transaction is ordered by this commit, or was at some time when it is 0.
    Final {
        ticket: u64,
        commit: u64,
    },
    /// Too much is on its way: try again later.
    Refused {
        ticket: u64,
        busy: Busy,
    },
    /// A peer broke a rule: it sent what is no batch of this epoch and committee.
    Fault {
        peer: Author,
    },
    /// Sections of the log before `keep` are needed no more.
    Cut {
        keep: u64,
    },
}

/// An own batch that is not ordered yet.
#[derive(Clone, Debug)]
pub(crate) struct OwnBatch {
    pub(crate) note: BatchNote,
    pub(crate) tickets: Vec<u64>,
    pub(crate) shares: Shares,
}

/// One worker of a validator.
#[derive(Debug)]
pub struct Worker {
    settings: Settings,
    pub(crate) builder: Builder,
    pub(crate) shelf: Shelf,
    pub(crate) own: BTreeMap<Digest, OwnBatch>,
    questions: Questions,
    /// Batches whose contents the primary waits for.
    to_give: BTreeSet<Digest>,
    sections: Sections,
    /// The primary has said which sequence numbers are used.
    welcome: bool,
}

impl Worker {
    pub fn new(settings: Settings) -> Self {
        let limits = BuilderLimits {
            batch_bytes: settings.batch_bytes,
            delay: settings.batch_delay,
            open_bytes_max: settings.open_bytes_max,
        };
        Self {
            builder: Builder::new(settings.epoch, settings.author, settings.number, limits),
            shelf: Shelf::new(settings.unreferenced_bytes_max),
            own: BTreeMap::new(),
            questions: Questions::new(settings.author, settings.committee_size, settings.retry),
            to_give: BTreeSet::new(),
            sections: Sections::default(),
            welcome: false,
            settings,
        }
    }

    /// Takes a batch from a section of the own log, as it was persisted.
    pub fn restore(&mut self, section: u64, digest: Digest, held: Held) {
        let is_own = held.batch.author == self.settings.author;
        self.sections.restore(section);
        self.sections.note(section, digest);
        if is_own {
            self.builder.resume_after(held.batch.sequence);
            if !self.own.contains_key(&digest) {
                let (note, shares) = (note_of(digest, &held), self.builder.reopen(&held.batch));
                self.own.insert(digest, OwnBatch { note, tickets: Vec::new(), shares });
            }
        }
        // What makes room here is still in the log, and not said to be held.
        self.shelf.add(digest, held, &mut Vec::new());
        if is_own {
            self.shelf.refer(&digest);
        }
    }

    /// Takes one input. What it makes due waits for `settle`, so that many inputs can be taken for one look.
    pub fn take(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Submit { client, ticket, transaction } => {
                match self.builder.submit(now, client, (ticket, transaction)) {
                    Ok(()) => self.seal_due(now, out),
                    Err(busy) => out.push(Output::Refused { ticket, busy }),
                }
            }
            Input::Message { from, message } => self.take_message(from, message, out),
            Input::Order(order) => self.take_order(now, order, out),
            Input::Met => self.introduce(out),
        }
    }

    /// Seals and asks, each if it is due.
    pub fn settle(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.seal_due(now, out);
        self.ask(now, out);
    }

    /// When to look again; `None` when nothing waits.
    pub fn wake_at(&self) -> Option<Timestamp> {
        let batch = self.has_waiting().then(|| self.builder.due());
        let question = self.questions.next_due();
        batch.into_iter().chain(question).min()
    }

    /// Whether transactions wait to be sealed.
    pub fn has_waiting(&self) -> bool {
        self.welcome && !self.builder.is_empty()
    }

    /// Bytes of own transactions on their way, sealed or not.
    pub const fn open_bytes(&self) -> usize {
        self.builder.open_bytes()
    }

    /// A batch that is held.
    pub fn held(&self, batch: &Digest) -> Option<&Held> {
        self.shelf.get(batch)
    }

    fn seal_due(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while self.welcome && self.builder.is_due(now) {
            self.seal(out);
        }
    }

    /// Seals what waits, due or not: a block is about to be made.
    pub fn seal(&mut self, out: &mut Vec<Output>) {
        if !self.welcome {
            return;
        }
        let Some(sealed) = self.builder.seal() else { return };
        let Some(batch) = Blob::new(sealed.encoded.clone()) else { return };
        let digest = sealed.reference.digest;
        let held = Held { batch: sealed.batch, encoded: sealed.encoded };
        let note = note_of(digest, &held);
        self.shelve(digest, held, out);
        // What was accepted makes room for nothing.
        self.shelf.refer(&digest);
        out.extend(sealed.tickets.iter().map(|ticket| Output::Accepted { ticket: *ticket }));
        out.push(Output::Broadcast { message: WorkerMessage::Batch { batch } });
        self.own.insert(digest, OwnBatch { note, tickets: sealed.tickets, shares: sealed.shares });
        out.extend(words(vec![note], |batches| WorkerWord::Sealed { batches }));
    }

    /// Puts a batch on the shelf and into the log; false when it was there.
    fn shelve(&mut self, digest: Digest, held: Held, out: &mut Vec<Output>) -> bool {
        let mut gone = Vec::new();
        let is_new = self.shelf.add(digest, held, &mut gone);
        if is_new {
            self.persist(&digest, out);
        }
        gone.iter().for_each(|batch| self.sections.forget(batch));
        out.extend(words(gone, |batches| WorkerWord::Gone { batches }));
        is_new
    }

    /// Writes a batch that is held, perhaps not for the first time.
    fn persist(&mut self, batch: &Digest, out: &mut Vec<Output>) {
        let encoded = self.shelf.get(batch).and_then(|held| Blob::new(held.encoded.clone()));
        let Some(encoded) = encoded else { return };
        let section = self.sections.newest();
        self.sections.note(section, *batch);
        out.push(Output::Persist { section, batch: encoded });
    }
}

/// A batch as the primary hears of it.
pub(crate) fn note_of(digest: Digest, held: &Held) -> BatchNote {
    let Batch { author, worker, sequence, .. } = held.batch;
    let bytes = u32::try_from(held.bytes()).unwrap_or(u32::MAX);
    BatchNote { reference: BatchRef { author, worker, digest }, sequence, bytes }
}

/// As many words as it takes.
fn words<T: Clone>(items: Vec<T>, word: impl Fn(List<T, NOTES_MAX>) -> WorkerWord) -> Vec<Output> {
    let parts = items.chunks(NOTES_MAX).filter_map(|part| List::new(part.to_vec()));
    parts.map(|part| Output::Word(word(part))).collect()
}
