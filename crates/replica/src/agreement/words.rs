//! What workers say.
//!
//! Invariant: an own batch is carried once: its sequence number is in the log before a block carries it, and a
//! worker that tells of it again, because it or this validator was started anew, is told what became of it.

use commonware_codec::DecodeExt;
use num::Timestamp;
use wire::{Batch, BatchNote, BatchRef, BlockRef, Round, WorkerOrder, WorkerWord, limits::WORKERS_MAX};

use super::{Agreement, Output, Record};

/// An own batch that is not ordered yet.
#[derive(Clone, Debug)]
pub(super) struct OwnBatch {
    pub(super) note: BatchNote,
    /// The own round that carries it.
    pub(super) carried: Option<Round>,
}

/// The highest sequence number of each own worker.
#[derive(Debug, Default)]
pub(super) struct Sequences([u64; WORKERS_MAX]);

impl Sequences {
    pub(super) fn get(&self, worker: u8) -> u64 {
        self.0.get(usize::from(worker)).copied().unwrap_or(0)
    }

    pub(super) fn note(&mut self, worker: u8, sequence: u64) {
        if let Some(highest) = self.0.get_mut(usize::from(worker)) {
            *highest = sequence.max(*highest);
        }
    }

    pub(super) fn to_vec(&self) -> Vec<u64> {
        self.0.to_vec()
    }
}

impl Agreement {
    /// A worker is there, or there again.
    pub(super) fn meet(&mut self, number: u8, out: &mut Vec<Output>) {
        let (after, section) = (self.sequences.get(number), self.sections.newest());
        self.crew.meet(number, WorkerOrder::Welcome { after, section }, out);
        self.ask_contents_again(out);
        self.take_words(out);
    }

    /// Takes what the workers of this process have said.
    pub(super) fn take_words(&mut self, out: &mut Vec<Output>) {
        while let Some(word) = self.crew.next_word() {
            self.take_word(word, out);
        }
    }

    pub(super) fn take_word(&mut self, word: WorkerWord, out: &mut Vec<Output>) {
        match word {
            WorkerWord::Sealed { batches } => batches.iter().for_each(|note| self.take_sealed(note, out)),
            WorkerWord::Held { batches } => self.take_held(&batches, out),
            WorkerWord::Gone { batches } => batches.iter().for_each(|batch| self.batches.gone(batch)),
            WorkerWord::Contents { batch } => {
                let digest = Batch::digest_of(batch.bytes());
                if let Ok(batch) = Batch::decode(batch.into_bytes()) {
                    self.take_contents(&digest, batch.transactions.into_vec(), out);
                }
            }
            // Of epochs whoever passes words on has heard.
            WorkerWord::Seated { .. } => {}
        }
    }

    fn take_sealed(&mut self, note: &BatchNote, out: &mut Vec<Output>) {
        let batch = note.reference;
        if batch.author != self.config.author || usize::from(batch.worker) >= WORKERS_MAX {
            return;
        }
        self.batches.hold(note);
        if self.own.contains_key(&batch.digest) {
            return;
        }
        let is_new = note.sequence > self.sequences.get(batch.worker);
        if is_new && !self.batches.is_referred(&batch.digest) {
            self.persist(Record::Sealed { batch: *note }, out);
            self.add_own(note);
            return;
        }
        if self.assembly.has_own(&batch.digest) {
            // The word of it comes with the commit.
            return;
        }
        // Told again, and not waiting: it was ordered, or an own block found at peers carries it.
        let ordered = |batches| WorkerOrder::Ordered { commit: 0, batches };
        self.crew.order_about(&[batch], ordered, out);
        if !self.batches.is_referred(&batch.digest) {
            self.forget_batches(vec![batch], out);
        }
    }

    fn take_held(&mut self, notes: &[BatchNote], out: &mut Vec<Output>) {
        let mut referred: Vec<BatchRef> = Vec::new();
        let mut accepted: Vec<BlockRef> = Vec::new();
        for note in notes {
            let batch = note.reference;
            if batch.author == self.config.author {
                self.sequences.note(batch.worker, note.sequence);
            }
            self.batches.hold(note);
            self.asked.batch_arrived(&batch.digest);
            if self.batches.is_referred(&batch.digest) {
                referred.push(batch);
            }
            self.dag.batch_held(&batch, &mut accepted);
        }
        if !referred.is_empty() {
            self.crew.order_about(&referred, |batches| WorkerOrder::Refer { batches }, out);
        }
        self.add_accepted(self.progressed_at, accepted, out);
    }

    pub(super) fn add_own(&mut self, note: &BatchNote) {
        let batch = note.reference;
        self.sequences.note(batch.worker, note.sequence);
        self.own.insert(batch.digest, OwnBatch { note: *note, carried: None });
        self.own_queue.push(batch.digest);
    }

    /// What of the own still mattered at this place of the log.
    pub(super) fn restore_own(&mut self, latest: BlockRef, batches: &[BatchNote], sequences: &[u64]) {
        self.recovery.remember();
        self.dag.resume_after(latest);
        let mut before = core::mem::take(&mut self.own);
        self.own_queue.clear();
        for note in batches {
            let carried = before.remove(&note.reference.digest).and_then(|own| own.carried);
            self.add_own(note);
            if let Some(own) = self.own.get_mut(&note.reference.digest) {
                own.carried = carried;
            }
        }
        (0_u8..).zip(sequences).for_each(|(worker, sequence)| self.sequences.note(worker, *sequence));
    }

    /// Own batches whose carrier fell under the floor, or that never had one, go into the next block.
    pub(super) fn requeue_uncarried(&mut self) {
        let floor = self.ordering.floor();
        let lost = |carried: Option<Round>| carried.is_some_and(|round| round <= floor);
        let mut queue = Vec::new();
        for (digest, own) in &mut self.own {
            if lost(own.carried) {
                own.carried = None;
            }
            if own.carried.is_none() {
                queue.push((own.note.sequence, *digest));
            }
        }
        self.own_queue.retain(|digest| queue.iter().any(|(_, other)| other == digest));
        queue.retain(|(_, digest)| !self.own_queue.contains(digest));
        queue.sort_unstable();
        self.own_queue.extend(queue.into_iter().map(|(_, digest)| digest));
    }

    /// The time of words that come without one.
    pub(super) fn set_time(&mut self, now: Timestamp) {
        self.crew.set_time(now);
    }
}
