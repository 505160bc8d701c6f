//! The accepted blocks, by reference and by round.
//!
//! Invariant: for every accepted block its parents above the floor are accepted too.

use std::collections::BTreeMap;

use bytes::Bytes;
use crypto::Signature;
use wire::{Author, BatchRef, Block, BlockRef, Committee, Round, Tally};

use crate::{VerifiedBlock, evidence::slot_of};

/// A block in the DAG.
#[derive(Clone, Debug)]
pub struct AcceptedBlock {
    pub block: Block,
    pub signature: Signature,
    /// As it was signed and sent.
    pub encoded: Bytes,
}

#[derive(Clone, Debug, Default)]
struct Layer {
    tally: Tally,
    /// The first accepted block of each author: the one to build on and to relay.
    first: BTreeMap<Author, BlockRef>,
}

/// All accepted blocks that were not forgotten.
#[derive(Debug)]
pub struct Accepted {
    blocks: BTreeMap<BlockRef, AcceptedBlock>,
    layers: BTreeMap<Round, Layer>,
    /// The highest accepted block of each author.
    latest: Vec<Option<BlockRef>>,
}

impl Accepted {
    pub(crate) fn new(size: u16) -> Self {
        Self { blocks: BTreeMap::new(), layers: BTreeMap::new(), latest: vec![None; usize::from(size)] }
    }

    pub(crate) fn add(&mut self, committee: &Committee, it: VerifiedBlock) {
        let reference = it.reference;
        let layer = self.layers.entry(reference.round).or_default();
        layer.tally.add(committee, reference.author);
        layer.first.entry(reference.author).or_insert(reference);
        self.note_latest(reference);
        let VerifiedBlock { block, signature, encoded, .. } = it;
        self.blocks.insert(reference, AcceptedBlock { block, signature, encoded });
    }

    pub(crate) fn note_latest(&mut self, reference: BlockRef) {
        if let Some(latest) = self.latest.get_mut(usize::from(reference.author.0))
            && latest.is_none_or(|latest| latest.round < reference.round)
        {
            *latest = Some(reference);
        }
    }

    pub fn contains(&self, block: &BlockRef) -> bool {
        self.blocks.contains_key(block)
    }

    pub fn get(&self, block: &BlockRef) -> Option<&AcceptedBlock> {
        self.blocks.get(block)
    }

    /// Another block of the same author and round, with its signature.
    pub(crate) fn twin_of(&self, block: &BlockRef) -> Option<(BlockRef, Signature)> {
        let mut slot = self.blocks.range(slot_of(block)).filter(|(other, _)| *other != block);
        slot.next().map(|(other, it)| (*other, it.signature))
    }

    /// The highest accepted block of an author.
    pub fn latest(&self, author: Author) -> Option<BlockRef> {
        self.latest.get(usize::from(author.0)).copied().flatten()
    }

    /// The block of an author in a round that came first.
    pub fn first(&self, round: Round, author: Author) -> Option<BlockRef> {
        self.layers.get(&round)?.first.get(&author).copied()
    }

    pub fn has_quorum(&self, round: Round, committee: &Committee) -> bool {
        round == Round(0) || self.layers.get(&round).is_some_and(|layer| layer.tally.is_quorum(committee))
    }

    /// How many authors have a block in a round.
    pub fn authors(&self, round: Round) -> usize {
        self.layers.get(&round).map_or(0, |layer| layer.first.len())
    }

    /// The lowest round that is still held.
    pub fn lowest_round(&self) -> Option<Round> {
        self.layers.first_key_value().map(|(round, _)| *round)
    }

    pub fn highest_round(&self) -> Round {
        self.layers.last_key_value().map_or(Round(0), |(round, _)| *round)
    }

    /// Blocks from a round on, lower rounds first.
    pub fn from_round(&self, round: Round) -> impl Iterator<Item = (&BlockRef, &AcceptedBlock)> {
        self.blocks.range(BlockRef { round, ..BlockRef::default() }..)
    }

    pub(crate) fn forget_before(&mut self, round: Round) -> Vec<BatchRef> {
        let keep = self.blocks.split_off(&BlockRef { round, ..BlockRef::default() });
        let gone = core::mem::replace(&mut self.blocks, keep);
        self.layers = self.layers.split_off(&round);
        gone.into_values().flat_map(|it| it.block.batches.into_vec()).collect()
    }
}
