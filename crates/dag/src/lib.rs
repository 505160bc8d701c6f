//! Accepts, proposes, synchronises and forgets blocks.
//!
//! Invariant: a block is accepted once, after its parents (or above them the floor) and only when every batch
//! it refers to is held; whatever a peer sends costs a bounded amount of memory.
//! Left out on purpose: which blocks are ordered (`ordering`), batches' contents (`worker`), links and disks.

mod accepted;
mod evidence;
mod pending;
mod propose;
mod verify;

use std::collections::BTreeSet;

use wire::{Author, BatchRef, BlockRef, Committee, Round};

pub use accepted::{Accepted, AcceptedBlock};
pub use pending::Missing;
pub use propose::Draft;
pub use verify::{Fault, ReadBlock, Rules, VerifiedBlock};

use crate::{evidence::Convictions, pending::Pending};

/// What became of a block that was inserted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insertion {
    /// It and perhaps others that waited for it are accepted.
    Accepted,
    /// It waits for parents or batches.
    Waiting,
    /// It was there already, lies under the floor or far ahead, or its author's share of the waiting room is full.
    Dropped,
}

/// The DAG of one epoch as one validator holds it.
#[derive(Debug)]
pub struct Dag {
    rules: Rules,
    author: Author,
    accepted: Accepted,
    pending: Pending,
    convictions: Convictions,
    floor: Round,
    /// The highest round seen of each author, accepted or not.
    seen: Vec<Round>,
}

impl Dag {
    pub fn new(rules: Rules, author: Author) -> Self {
        let size = rules.committee.size();
        Self {
            accepted: Accepted::new(size),
            pending: Pending::new(size),
            convictions: Convictions::default(),
            floor: Round(0),
            seen: vec![Round(0); usize::from(size)],
            author,
            rules,
        }
    }

    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    pub const fn committee(&self) -> &Committee {
        &self.rules.committee
    }

    pub const fn accepted(&self) -> &Accepted {
        &self.accepted
    }

    /// Whether there is nothing to learn from the block: it is here, or under the floor.
    pub fn is_known(&self, block: &BlockRef) -> bool {
        block.round <= self.floor || self.accepted.contains(block) || self.pending.contains(block)
    }

    /// Takes a verified block; appends to `accepted` whatever became acceptable, causes first.
    pub fn insert(
        &mut self,
        block: VerifiedBlock,
        is_held: impl Fn(&BatchRef) -> bool,
        accepted: &mut Vec<BlockRef>,
    ) -> Insertion {
        let reference = block.reference;
        if let Some(seen) = self.seen.get_mut(usize::from(reference.author.0)) {
            *seen = (*seen).max(reference.round);
        }
        if self.is_known(&reference) {
            return Insertion::Dropped;
        }
        if reference.round > self.highest_round().after(self.rules.rounds_ahead_max) {
            return Insertion::Dropped;
        }
        self.judge(&block);
        let missing = self.missing_of(&block, is_held);
        if missing.is_empty() {
            self.accept(block, accepted);
            return Insertion::Accepted;
        }
        if self.pending.add(block, missing) { Insertion::Waiting } else { Insertion::Dropped }
    }

    /// A batch is held now.
    pub fn batch_held(&mut self, batch: &BatchRef, accepted: &mut Vec<BlockRef>) {
        for block in self.pending.batch_held(batch) {
            self.accept(block, accepted);
        }
    }

    /// Forgets what waits at or under the floor; parents there count as present.
    pub fn set_floor(&mut self, floor: Round, accepted: &mut Vec<BlockRef>) {
        self.floor = self.floor.max(floor);
        for block in self.pending.set_floor(self.floor) {
            self.accept(block, accepted);
        }
    }

    /// Tells of a block of this validator's own that is not at hand: the next one follows it.
    pub fn resume_after(&mut self, own: BlockRef) {
        self.accepted.note_latest(own);
    }

    /// The round that acceptance has reached: blocks build on it from here on.
    pub fn highest_round(&self) -> Round {
        self.accepted.highest_round().max(self.floor)
    }

    /// Drops accepted blocks below a round that no peer is served from any more; returns their batches.
    pub fn forget_before(&mut self, round: Round) -> Vec<BatchRef> {
        self.accepted.forget_before(round.min(self.floor))
    }

    /// What waiting blocks lack: to be asked for.
    pub fn missing_parents(&self) -> impl Iterator<Item = &BlockRef> {
        self.pending.missing_parents().filter(|parent| !self.pending.contains(parent))
    }

    pub fn missing_batches(&self) -> impl Iterator<Item = &BatchRef> {
        self.pending.missing_batches()
    }

    pub fn waiting(&self) -> usize {
        self.pending.len()
    }

    /// The highest round that validators with f + 1 stake have been seen in: at least one of them is honest.
    pub fn quorum_round(&self) -> Round {
        let committee = self.committee();
        let mut rounds: Vec<(Round, u64)> = committee
            .authors()
            .map(|author| {
                (self.seen.get(usize::from(author.0)).copied().unwrap_or_default(), committee.stake(author))
            })
            .collect();
        rounds.sort_unstable();
        let mut stake = 0;
        let found = rounds.into_iter().rev().find(|(_, more)| {
            stake += more;
            stake >= committee.validity()
        });
        found.map_or(Round(0), |(round, _)| round)
    }

    /// The highest round seen of an author.
    pub fn seen(&self, author: Author) -> Round {
        self.seen.get(usize::from(author.0)).copied().unwrap_or_default()
    }

    fn missing_of(&self, block: &VerifiedBlock, is_held: impl Fn(&BatchRef) -> bool) -> Missing {
        let parents = block.block.parents.iter().filter(|parent| !self.is_present(parent));
        let batches = block.block.batches.iter().filter(|batch| !is_held(batch)).copied();
        Missing { parents: parents.copied().collect::<BTreeSet<_>>(), batches: batches.collect() }
    }

    fn is_present(&self, parent: &BlockRef) -> bool {
        parent.round <= self.floor || parent.round == Round(0) || self.accepted.contains(parent)
    }

    fn accept(&mut self, block: VerifiedBlock, accepted: &mut Vec<BlockRef>) {
        let mut ready = vec![block];
        while let Some(block) = ready.pop() {
            let reference = block.reference;
            accepted.push(reference);
            self.accepted.add(&self.rules.committee, block);
            ready.extend(self.pending.parent_accepted(&reference));
        }
    }
}
