//! What is known of batches: which are held by the workers, and which an accepted block refers to.
//!
//! Invariant: a batch counts as held under the whole reference that its worker read from it, so that a block which
//! names another author or worker for it waits for ever, everywhere alike.

use std::collections::BTreeMap;

use crypto::Digest;
use wire::{BatchNote, BatchRef};

#[derive(Clone, Copy, Debug, Default)]
struct Known {
    held: Option<(BatchRef, usize)>,
    referred: bool,
}

#[derive(Debug, Default)]
pub(super) struct Batches {
    known: BTreeMap<Digest, Known>,
    bytes: usize,
}

impl Batches {
    /// A worker holds a batch.
    pub(super) fn hold(&mut self, note: &BatchNote) {
        let bytes = usize::try_from(note.bytes).unwrap_or(usize::MAX);
        let known = self.known.entry(note.reference.digest).or_default();
        if known.held.replace((note.reference, bytes)).is_none() {
            self.bytes = self.bytes.saturating_add(bytes);
        }
    }

    pub(super) fn is_held(&self, batch: &BatchRef) -> bool {
        let known = self.known.get(&batch.digest).and_then(|known| known.held);
        known.is_some_and(|(reference, _)| reference == *batch)
    }

    /// An accepted block refers to a batch.
    pub(super) fn refer(&mut self, batch: &Digest) {
        self.known.entry(*batch).or_default().referred = true;
    }

    pub(super) fn is_referred(&self, batch: &Digest) -> bool {
        self.known.get(batch).is_some_and(|known| known.referred)
    }

    /// A worker has a batch no more.
    pub(super) fn gone(&mut self, batch: &Digest) {
        let Some(known) = self.known.get_mut(batch) else { return };
        let bytes = known.held.take().map_or(0, |(_, bytes)| bytes);
        self.bytes = self.bytes.saturating_sub(bytes);
        if !known.referred {
            self.known.remove(batch);
        }
    }

    pub(super) fn forget(&mut self, batch: &Digest) {
        self.gone(batch);
        self.known.remove(batch);
    }

    /// Bytes of all batches that are held.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}
