//! What the primary says, and what it is told when it is met.
//!
//! Invariant: an order changes nothing that the log has to know, so all of them can be said again; contents are
//! given once an order, when they are there.

use crypto::Digest;
use num::Timestamp;
use wire::{BatchNote, Blob, List, WantedBatch, WorkerMessage, WorkerOrder, WorkerWord, limits::FETCH_MAX};

use super::{Output, Worker, note_of, words};
use crate::unordered::NOBODY;

/// The client that a validator is to its own worker.
const VALIDATOR: u64 = 0;

impl Worker {
    pub(super) fn take_order(&mut self, now: Timestamp, order: WorkerOrder, out: &mut Vec<Output>) {
        match order {
            WorkerOrder::Welcome { after, section } => {
                self.builder.resume_after(after);
                self.sections.meet(section);
                self.welcome = true;
                self.rewrite_old(out);
            }
            WorkerOrder::Expect { batches } => {
                self.want(now, &batches, self.questions.after_a_pause(now), out);
            }
            WorkerOrder::Fetch { batches } => {
                self.want(now, &batches, now, out);
                self.ask(now, out);
            }
            WorkerOrder::Refer { batches } => batches.iter().for_each(|batch| self.refer(batch, out)),
            WorkerOrder::Ordered { commit, batches } => {
                batches.iter().for_each(|batch| self.ordered(commit, batch, out));
            }
            WorkerOrder::Give { batches } => self.give(now, &batches, out),
            WorkerOrder::Forget { batches } => batches.iter().for_each(|batch| self.forget(batch)),
            WorkerOrder::Begin { section } => {
                self.sections.begin(section);
                self.shelf.begin_section();
                self.rewrite_old(out);
            }
            WorkerOrder::Cut { keep } => out.push(Output::Cut { keep: self.sections.own_number(keep) }),
            WorkerOrder::Submit { transaction } => {
                // A validator's own words are few; told to wait it says them again.
                let _busy = self.builder.submit(now, VALIDATOR, (NOBODY, transaction));
                self.seal_due(now, out);
            }
            // Of epochs whoever holds the worker has heard.
            WorkerOrder::Changes { .. } | WorkerOrder::Seated { .. } => {}
        }
    }

    /// Tells the primary everything it may not know. A word sealed later must not overtake this: by its number the primary
    /// would take what is told here for batches that it knew and that were ordered.
    pub(super) fn introduce(&self, out: &mut Vec<Output>) {
        out.push(Output::Introduction);
        let mut own: Vec<BatchNote> = self.own.values().map(|own| own.note).collect();
        own.sort_unstable_by_key(|note| note.sequence);
        // What may be in the log no more is told of when it is wanted, and written again then.
        let safe = self.shelf.iter().filter(|(digest, _)| !self.sections.is_old(digest));
        // Own ones are told of as sealed: as held they would count as known.
        let safe = safe.filter(|(digest, _)| !self.own.contains_key(*digest));
        let held = safe.map(|(digest, held)| note_of(*digest, held)).collect();
        out.extend(words(held, |batches| WorkerWord::Held { batches }));
        out.extend(words(own, |batches| WorkerWord::Sealed { batches }));
    }

    fn want(&mut self, now: Timestamp, batches: &[WantedBatch], due: Timestamp, out: &mut Vec<Output>) {
        let mut held = Vec::new();
        for wanted in batches {
            self.rewrite_if_old(&wanted.digest, out);
            match self.shelf.get(&wanted.digest) {
                // The word of it was lost, or is on its way.
                Some(batch) => held.push(note_of(wanted.digest, batch)),
                None => self.questions.want(now, wanted, due),
            }
        }
        out.extend(words(held, |batches| WorkerWord::Held { batches }));
    }

    pub(super) fn ask(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        for (to, batches) in self.questions.take_due(now) {
            let parts = batches.chunks(FETCH_MAX).filter_map(|part| List::new(part.to_vec()));
            out.extend(parts.map(|batches| Output::Send { to, message: WorkerMessage::Fetch { batches } }));
        }
    }

    fn refer(&mut self, batch: &Digest, out: &mut Vec<Output>) {
        self.shelf.refer(batch);
        self.rewrite_if_old(batch, out);
    }

    fn ordered(&mut self, commit: u64, batch: &Digest, out: &mut Vec<Output>) {
        let Some(own) = self.own.remove(batch) else { return };
        self.builder.ordered(&own.shares);
        out.extend(own.tickets.into_iter().map(|ticket| Output::Final { ticket, commit }));
    }

    fn give(&mut self, now: Timestamp, batches: &[WantedBatch], out: &mut Vec<Output>) {
        for wanted in batches {
            self.to_give.insert(wanted.digest);
            if !self.give_if_asked(&wanted.digest, out) {
                self.questions.want(now, wanted, now);
            }
        }
        self.ask(now, out);
    }

    /// Tells the contents of a batch that the primary waits for, if it is held.
    pub(super) fn give_if_asked(&mut self, batch: &Digest, out: &mut Vec<Output>) -> bool {
        if !self.to_give.contains(batch) {
            return false;
        }
        let Some(encoded) = self.shelf.get(batch).and_then(|held| Blob::new(held.encoded.clone())) else {
            return false;
        };
        self.to_give.remove(batch);
        out.push(Output::Word(WorkerWord::Contents { batch: encoded }));
        true
    }

    fn forget(&mut self, batch: &Digest) {
        self.to_give.remove(batch);
        self.shelf.forget(batch);
        self.sections.forget(batch);
    }

    /// What is said to be held again must be in the log as long as that matters.
    pub(super) fn rewrite_if_old(&mut self, batch: &Digest, out: &mut Vec<Output>) {
        if self.sections.is_old(batch) {
            self.persist(batch, out);
        }
    }

    /// Writes own batches that were inherited, the first one last: a log that holds that one holds them all.
    pub(crate) fn write_inherited(&mut self, out: &mut Vec<Output>) {
        let own = self.own.iter().map(|(digest, own)| (own.note.sequence, *digest));
        let mut unwritten: Vec<_> = own.filter(|(_, digest)| !self.sections.is_known(digest)).collect();
        unwritten.sort_unstable();
        unwritten.iter().rev().for_each(|(_, digest)| self.persist(digest, out));
    }

    /// Whether the log, as it was restored, holds whatever was inherited.
    pub(crate) fn has_inheritance(&self) -> bool {
        self.shelf
            .iter()
            .any(|(_, held)| (held.batch.author, held.batch.sequence) == (self.settings.author, 1))
    }

    /// Own batches that wait to be ordered must not go with the section they were written to. Those inherited from another
    /// epoch may never have been written.
    fn rewrite_old(&mut self, out: &mut Vec<Output>) {
        let is_unsafe = |batch: &&Digest| self.sections.is_old(batch) || !self.sections.is_known(batch);
        let old: Vec<Digest> = self.own.keys().filter(is_unsafe).copied().collect();
        old.iter().for_each(|batch| self.persist(batch, out));
    }
}
