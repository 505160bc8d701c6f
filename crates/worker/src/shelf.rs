//! Batches at hand, own and others'.
//!
//! Invariant: a batch is held under the digest of its bytes; batches that no accepted block refers to take a
//! bounded part of memory, by author, so that nobody fills it alone. Nor the disk: who sends many times that much
//! within a section of the log is heard again in the next.

use std::collections::BTreeMap;

use bytes::Bytes;
use commonware_codec::DecodeExt;
use crypto::Digest;
use wire::{Author, Batch, Transaction};

/// A batch with its bytes.
#[derive(Clone, Debug)]
pub struct Held {
    pub batch: Batch,
    pub encoded: Bytes,
}

impl Held {
    /// Memory that it takes: what was read, and a handle for each transaction, so that many small ones count too.
    pub fn bytes(&self) -> usize {
        self.encoded.len() + self.batch.transactions.len() * size_of::<Transaction>()
    }
}

/// How many times its part of memory an author may send in vain while one section of the log is written.
const FLOOD: usize = 4;

/// Batches of one author that no accepted block refers to, by when they came.
#[derive(Debug, Default)]
struct Unreferenced {
    order: BTreeMap<u64, Digest>,
    bytes: usize,
    /// Bytes that had to make room since the section began.
    evicted: usize,
}

/// All held batches.
#[derive(Debug)]
pub struct Shelf {
    /// Bytes of batches of one author that no accepted block refers to, at the most.
    unreferenced_bytes_max: usize,
    /// With the place in its author's order, while no accepted block refers to it.
    batches: BTreeMap<Digest, (Held, Option<u64>)>,
    unreferenced: BTreeMap<Author, Unreferenced>,
    added: u64,
    bytes: usize,
}

impl Shelf {
    pub const fn new(unreferenced_bytes_max: usize) -> Self {
        Self {
            unreferenced_bytes_max,
            batches: BTreeMap::new(),
            unreferenced: BTreeMap::new(),
            added: 0,
            bytes: 0,
        }
    }

    /// Reads a batch; `None` when the bytes are none.
    pub fn read(encoded: Bytes) -> Option<(Digest, Held)> {
        let batch = Batch::decode(encoded.clone()).ok()?;
        Some((Batch::digest_of(&encoded), Held { batch, encoded }))
    }

    /// Puts a batch on the shelf; false when it is there already. The oldest of its author that nothing
    /// refers to make room: they are appended to `gone`.
    pub fn add(&mut self, digest: Digest, held: Held, gone: &mut Vec<Digest>) -> bool {
        if self.batches.contains_key(&digest) {
            return false;
        }
        let author = held.batch.author;
        self.added += 1;
        self.bytes += held.bytes();
        let unreferenced = self.unreferenced.entry(author).or_default();
        unreferenced.bytes += held.bytes();
        unreferenced.order.insert(self.added, digest);
        self.batches.insert(digest, (held, Some(self.added)));
        self.make_room(author, gone);
        true
    }

    fn make_room(&mut self, author: Author, gone: &mut Vec<Digest>) {
        let Some(unreferenced) = self.unreferenced.get_mut(&author) else { return };
        while unreferenced.bytes > self.unreferenced_bytes_max
            && let Some((_, oldest)) = unreferenced.order.pop_first()
            && let Some((held, _)) = self.batches.remove(&oldest)
        {
            unreferenced.bytes = unreferenced.bytes.saturating_sub(held.bytes());
            unreferenced.evicted = unreferenced.evicted.saturating_add(held.bytes());
            self.bytes = self.bytes.saturating_sub(held.bytes());
            gone.push(oldest);
        }
    }

    /// Whether an author has sent so much that no block refers to that more of it is not looked at.
    pub fn is_flooded_by(&self, author: Author) -> bool {
        let evicted = self.unreferenced.get(&author).map_or(0, |unreferenced| unreferenced.evicted);
        evicted > FLOOD * self.unreferenced_bytes_max
    }

    /// A new section of the log begins: everybody is heard again.
    pub fn begin_section(&mut self) {
        self.unreferenced.values_mut().for_each(|unreferenced| unreferenced.evicted = 0);
    }

    /// All batches, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (&Digest, &Held)> {
        self.batches.iter().map(|(digest, (held, _))| (digest, held))
    }

    /// An accepted block refers to the batch: it stays until it is forgotten.
    pub fn refer(&mut self, digest: &Digest) {
        let Some((held, place)) = self.batches.get_mut(digest) else { return };
        let Some(place) = place.take() else { return };
        if let Some(unreferenced) = self.unreferenced.get_mut(&held.batch.author) {
            unreferenced.bytes = unreferenced.bytes.saturating_sub(held.bytes());
            unreferenced.order.remove(&place);
        }
    }

    pub fn contains(&self, digest: &Digest) -> bool {
        self.batches.contains_key(digest)
    }

    pub fn get(&self, digest: &Digest) -> Option<&Held> {
        self.batches.get(digest).map(|(held, _)| held)
    }

    pub fn forget(&mut self, digest: &Digest) {
        self.refer(digest);
        if let Some((held, _)) = self.batches.remove(digest) {
            self.bytes = self.bytes.saturating_sub(held.bytes());
        }
    }

    /// Bytes of all batches at hand.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    pub fn len(&self) -> usize {
        self.batches.len()
    }

    pub fn is_empty(&self) -> bool {
        self.batches.is_empty()
    }
}
