//! The waiting room: verified blocks that lack parents or batches.
//!
//! Invariant: each author has a bounded number of places; a block that finds none is dropped and will be
//! fetched again when somebody builds on it.

use std::collections::{BTreeMap, BTreeSet};

use crypto::Signature;
use wire::{Author, BatchRef, BlockRef, Round};

use crate::{VerifiedBlock, evidence::slot_of};

/// Places of one author.
const PLACES_MAX: usize = 4_096;

/// What a block still lacks.
#[derive(Clone, Debug, Default)]
pub struct Missing {
    pub parents: BTreeSet<BlockRef>,
    pub batches: BTreeSet<BatchRef>,
}

impl Missing {
    pub(crate) fn is_empty(&self) -> bool {
        self.parents.is_empty() && self.batches.is_empty()
    }
}

#[derive(Debug)]
pub(crate) struct Pending {
    blocks: BTreeMap<BlockRef, (VerifiedBlock, Missing)>,
    by_parent: BTreeMap<BlockRef, BTreeSet<BlockRef>>,
    by_batch: BTreeMap<BatchRef, BTreeSet<BlockRef>>,
    places: Vec<usize>,
}

impl Pending {
    pub(crate) fn new(size: u16) -> Self {
        Self {
            blocks: BTreeMap::new(),
            by_parent: BTreeMap::new(),
            by_batch: BTreeMap::new(),
            places: vec![0; usize::from(size)],
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    pub(crate) fn contains(&self, block: &BlockRef) -> bool {
        self.blocks.contains_key(block)
    }

    /// Another block of the same author and round, with its signature.
    pub(crate) fn twin_of(&self, block: &BlockRef) -> Option<(BlockRef, Signature)> {
        let mut slot = self.blocks.range(slot_of(block)).filter(|(other, _)| *other != block);
        slot.next().map(|(other, (it, _))| (*other, it.signature))
    }

    /// False when the author's places are taken.
    pub(crate) fn add(&mut self, block: VerifiedBlock, missing: Missing) -> bool {
        let reference = block.reference;
        let Some(places) = self.places.get_mut(usize::from(reference.author.0)) else { return false };
        if *places >= PLACES_MAX {
            return false;
        }
        *places += 1;
        for parent in &missing.parents {
            self.by_parent.entry(*parent).or_default().insert(reference);
        }
        for batch in &missing.batches {
            self.by_batch.entry(*batch).or_default().insert(reference);
        }
        self.blocks.insert(reference, (block, missing));
        true
    }

    /// Blocks that lack nothing any more now that a parent is accepted.
    pub(crate) fn parent_accepted(&mut self, parent: &BlockRef) -> Vec<VerifiedBlock> {
        let waiting = self.by_parent.remove(parent).unwrap_or_default();
        self.release(waiting, |missing| {
            missing.parents.remove(parent);
        })
    }

    pub(crate) fn batch_held(&mut self, batch: &BatchRef) -> Vec<VerifiedBlock> {
        let waiting = self.by_batch.remove(batch).unwrap_or_default();
        self.release(waiting, |missing| {
            missing.batches.remove(batch);
        })
    }

    /// Drops blocks at or under the floor and waives parents there.
    pub(crate) fn set_floor(&mut self, floor: Round) -> Vec<VerifiedBlock> {
        let above = BlockRef { round: floor.next(), ..BlockRef::default() };
        let keep = self.blocks.split_off(&above);
        for (block, missing) in core::mem::replace(&mut self.blocks, keep).into_values() {
            self.unlist(&block.reference, &missing);
        }
        let keep = self.by_parent.split_off(&above);
        let waived = core::mem::replace(&mut self.by_parent, keep);
        let mut ready = Vec::new();
        for (parent, waiting) in waived {
            ready.extend(self.release(waiting, |missing| {
                missing.parents.remove(&parent);
            }));
        }
        ready
    }

    pub(crate) fn missing_parents(&self) -> impl Iterator<Item = &BlockRef> {
        self.by_parent.keys()
    }

    pub(crate) fn missing_batches(&self) -> impl Iterator<Item = &BatchRef> {
        self.by_batch.iter().filter(|(_, waiting)| !waiting.is_empty()).map(|(batch, _)| batch)
    }

    fn release(&mut self, waiting: BTreeSet<BlockRef>, found: impl Fn(&mut Missing)) -> Vec<VerifiedBlock> {
        let mut ready = Vec::new();
        for reference in waiting {
            let Some((_, missing)) = self.blocks.get_mut(&reference) else { continue };
            found(missing);
            if missing.is_empty()
                && let Some((block, _)) = self.blocks.remove(&reference)
            {
                self.leave(reference.author);
                ready.push(block);
            }
        }
        ready
    }

    fn unlist(&mut self, block: &BlockRef, missing: &Missing) {
        self.leave(block.author);
        for parent in &missing.parents {
            if let Some(waiting) = self.by_parent.get_mut(parent) {
                waiting.remove(block);
            }
        }
        for batch in &missing.batches {
            if let Some(waiting) = self.by_batch.get_mut(batch) {
                waiting.remove(block);
                if waiting.is_empty() {
                    self.by_batch.remove(batch);
                }
            }
        }
    }

    fn leave(&mut self, author: Author) {
        if let Some(places) = self.places.get_mut(usize::from(author.0)) {
            *places = places.saturating_sub(1);
        }
    }
}
