//! Messages of the other validators' workers.
//!
//! Invariant: a batch is taken from its author, or from whoever was asked for it; of an author that floods only what
//! was asked for. An answer is bounded in items and bytes.

use bytes::Bytes;
use crypto::Digest;
use wire::{
    Author, Blob, List, WorkerMessage, WorkerWord,
    limits::{ANSWER_ITEMS_MAX, MESSAGE_BYTES_MAX},
};

use super::{Output, Worker, note_of, words};
use crate::Shelf;

/// Bytes of one answer, framing left out.
const ANSWER_BYTES_MAX: usize = MESSAGE_BYTES_MAX / 2;

impl Worker {
    pub(super) fn take_message(&mut self, from: Author, message: WorkerMessage, out: &mut Vec<Output>) {
        match message {
            WorkerMessage::Batch { batch } => self.take_batch(from, batch.into_bytes(), out),
            WorkerMessage::Batches { batches } => {
                for batch in batches.into_vec() {
                    self.take_batch(from, batch.into_bytes(), out);
                }
            }
            WorkerMessage::Fetch { batches } => self.answer(from, &batches, out),
        }
    }

    fn take_batch(&mut self, from: Author, encoded: Bytes, out: &mut Vec<Output>) {
        let Some((digest, held)) = Shelf::read(encoded) else {
            out.push(Output::Fault { peer: from });
            return;
        };
        let (epoch, author) = (held.batch.epoch, held.batch.author);
        if epoch != self.settings.epoch || author.0 >= self.settings.committee_size {
            out.push(Output::Fault { peer: from });
            return;
        }
        let was_asked_for = self.questions.answered(&digest);
        // An answer that comes too late is nobody's fault, and nobody's to keep.
        if !was_asked_for && (author != from || self.shelf.is_flooded_by(author)) {
            return;
        }
        if author == self.settings.author {
            // Made in a life whose log is lost.
            self.builder.resume_after(held.batch.sequence);
        }
        let note = note_of(digest, &held);
        if !self.shelve(digest, held, out) {
            self.rewrite_if_old(&digest, out);
        }
        // Also when it was there: the primary may have missed the word.
        out.extend(words(vec![note], |batches| WorkerWord::Held { batches }));
        self.give_if_asked(&digest, out);
    }

    /// Answers in as many messages as it takes: a batch alone can fill one.
    fn answer(&self, to: Author, batches: &[Digest], out: &mut Vec<Output>) {
        let (mut items, mut bytes) = (Vec::new(), 0);
        for held in batches.iter().filter_map(|batch| self.shelf.get(batch)) {
            let is_full = items.len() >= ANSWER_ITEMS_MAX || bytes + held.encoded.len() > ANSWER_BYTES_MAX;
            if is_full && !items.is_empty() {
                out.extend(answer_of(to, core::mem::take(&mut items)));
                bytes = 0;
            }
            bytes += held.encoded.len();
            items.push(held.encoded.clone());
        }
        out.extend(answer_of(to, items));
    }
}

fn answer_of(to: Author, items: Vec<Bytes>) -> Option<Output> {
    let batches = List::new(items.into_iter().filter_map(Blob::new).collect());
    let batches = batches.filter(|batches| !batches.is_empty())?;
    Some(Output::Send { to, message: WorkerMessage::Batches { batches } })
}
