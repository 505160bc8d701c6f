//! What this validator's next block builds on.
//!
//! Invariant: rounds are not skipped while they are undecided, because others may need this validator's vote
//! there; the own previous block comes first, then one block an author of the round before, then older ones
//! that nothing of this validator builds on yet.

use std::collections::BTreeSet;

use wire::{Author, BlockRef, Round, limits::BLOCK_PARENTS_MAX};

use crate::Dag;

/// A block in the making.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub round: Round,
    pub parents: Vec<BlockRef>,
}

impl Dag {
    /// The next block after `own` (the last own block), when a quorum of the round before is accepted.
    /// `undecided` is the first round that is not decided: rounds before it need not be made up for.
    /// `None` also while `own` waits for something itself, as after the loss of a disk: what builds on it would wait
    /// too, and be made again.
    pub fn draft(&self, own: BlockRef, undecided: Round) -> Option<Draft> {
        let round = own.round.next().max(undecided);
        let before = round.before(1)?;
        if !self.accepted.has_quorum(before, self.committee()) || !self.is_present(&own) {
            return None;
        }
        let mut parents = vec![own];
        let mut authors = BTreeSet::from([self.author]);
        for author in self.committee().authors() {
            let first = if before == Round(0) {
                Some(BlockRef::genesis(author))
            } else {
                self.accepted.first(before, author)
            };
            if let Some(block) = first
                && authors.insert(author)
            {
                parents.push(block);
            }
        }
        let own_before = own.round == before;
        if !own_before && !self.is_quorum_without_own(&parents[1..]) {
            return None;
        }
        let low = round.before(self.rules.gc_depth).unwrap_or_default().max(self.floor.next());
        for author in self.committee().authors() {
            let late = self.accepted.latest(author).filter(|it| it.round >= low && it.round < before);
            if let Some(block) = late.filter(|block| !self.is_under(own, block))
                && parents.len() < BLOCK_PARENTS_MAX
                && authors.insert(author)
            {
                parents.push(block);
            }
        }
        Some(Draft { round, parents })
    }

    fn is_quorum_without_own(&self, parents: &[BlockRef]) -> bool {
        let mut tally = wire::Tally::new();
        for parent in parents {
            tally.add(self.committee(), parent.author);
        }
        tally.is_quorum(self.committee())
    }

    /// Whether `own` already builds on `block` directly.
    fn is_under(&self, own: BlockRef, block: &BlockRef) -> bool {
        self.accepted.get(&own).is_some_and(|it| it.block.parents.contains(block))
    }

    /// The last own block, or the implied one.
    pub fn own_latest(&self) -> BlockRef {
        self.accepted.latest(self.author).unwrap_or(BlockRef::genesis(self.author))
    }

    pub const fn author(&self) -> Author {
        self.author
    }
}
