//! Who was seen to sign two blocks for one round, and the proof.
//!
//! Invariant: one proof an author, the first, for the whole epoch: an equivocator cannot fill memory with its
//! own shame. Proofs are looked for among the verified blocks that are here, accepted or waiting.

use std::collections::{BTreeMap, btree_map::Entry};

use crypto::Signature;
use wire::{Author, BlockRef, Equivocation};

use crate::{Dag, VerifiedBlock};

/// The proofs of an epoch.
#[derive(Debug, Default)]
pub(crate) struct Convictions {
    by_author: BTreeMap<Author, Equivocation>,
    /// Not told yet.
    fresh: Vec<Equivocation>,
}

impl Convictions {
    fn add(&mut self, proof: Equivocation) {
        if let Entry::Vacant(first) = self.by_author.entry(proof.author()) {
            first.insert(proof);
            self.fresh.push(proof);
        }
    }
}

impl Dag {
    /// The proofs found since the last call: of twins that came in, and of what others proved in their blocks.
    pub fn take_convictions(&mut self) -> Vec<Equivocation> {
        core::mem::take(&mut self.convictions.fresh)
    }

    /// The first proof against an author.
    pub fn conviction(&self, author: Author) -> Option<&Equivocation> {
        self.convictions.by_author.get(&author)
    }

    /// Learns from a verified block what it proves, and whether it is a twin.
    pub(crate) fn judge(&mut self, block: &VerifiedBlock) {
        for proof in &block.block.evidence {
            self.convictions.add(*proof);
        }
        let reference = block.reference;
        if self.convictions.by_author.contains_key(&reference.author) {
            return;
        }
        if let Some(twin) = self.twin_of(&reference) {
            let epoch = self.rules.committee.epoch();
            let proof = Equivocation::new(epoch, twin, (reference, block.signature));
            proof.into_iter().for_each(|proof| self.convictions.add(proof));
        }
    }

    /// Another block of the same author and round that is here, with its signature.
    fn twin_of(&self, block: &BlockRef) -> Option<(BlockRef, Signature)> {
        self.accepted.twin_of(block).or_else(|| self.pending.twin_of(block))
    }
}

/// The references that a block of this author and round can have.
pub(crate) fn slot_of(block: &BlockRef) -> core::ops::RangeInclusive<BlockRef> {
    let with = |byte| BlockRef { digest: crypto::Digest([byte; 32]), ..*block };
    with(0)..=with(u8::MAX)
}
