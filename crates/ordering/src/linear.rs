//! From committed leaders to commits: what each orders, and when.
//!
//! Invariant: a block is ordered once; the floor is a function of the committed sequence alone, so everybody
//! leaves out the same blocks; commit times never run back.

use std::collections::BTreeSet;

use crypto::{CoinValue, Digest};
use num::Timestamp;
use wire::{BlockRef, Commit, Committee, List, Round};

use crate::store::Store;

#[derive(Clone, Debug)]
pub(crate) struct Line {
    gc_depth: u64,
    index: u64,
    previous: Digest,
    time: Timestamp,
    floor: Round,
    /// Ordered blocks above the floor.
    ordered: BTreeSet<BlockRef>,
}

impl Line {
    pub(crate) fn new(gc_depth: u64) -> Self {
        Self {
            gc_depth,
            index: 0,
            previous: Digest::ZERO,
            time: Timestamp::ZERO,
            floor: Round(0),
            ordered: BTreeSet::new(),
        }
    }

    pub(crate) const fn floor(&self) -> Round {
        self.floor
    }

    pub(crate) const fn last_commit(&self) -> u64 {
        self.index
    }

    pub(crate) fn is_ordered(&self, block: &BlockRef) -> bool {
        self.ordered.contains(block)
    }

    /// Orders the history of a leader.
    pub(crate) fn commit(
        &mut self,
        committee: &Committee,
        store: &Store,
        (leader, coin): (BlockRef, CoinValue),
    ) -> Commit {
        self.floor = self.floor.max(leader.round.before(self.gc_depth).unwrap_or_default());
        let blocks = self.new_history(store, leader);
        self.time = self.time.max(median_time(committee, store, &leader).unwrap_or(self.time));
        self.index += 1;
        let commit = Commit {
            index: self.index,
            previous: self.previous,
            leader,
            time: self.time,
            coin,
            blocks: List::new(blocks).expect("invariant: rounds above the floor times authors fit a commit"),
        };
        self.previous = commit.digest();
        self.ordered = self.ordered.split_off(&BlockRef { round: self.floor.next(), ..BlockRef::default() });
        commit
    }

    /// The leader's history above the floor that was not ordered, by round, author and digest.
    fn new_history(&mut self, store: &Store, leader: BlockRef) -> Vec<BlockRef> {
        let mut found = BTreeSet::new();
        let mut stack = vec![leader];
        while let Some(block) = stack.pop() {
            if block.round <= self.floor || self.ordered.contains(&block) || !found.insert(block) {
                continue;
            }
            stack.extend(store.get(&block).map_or(&[][..], |node| &node.parents));
        }
        self.ordered.extend(&found);
        found.into_iter().collect()
    }
}

/// The stake-weighted median of the timestamps of a leader's parents: the least at which half of their stake
/// is reached. `None` for the leaders of round 1, whose parents have none.
fn median_time(committee: &Committee, store: &Store, leader: &BlockRef) -> Option<Timestamp> {
    let parents = store.get(leader)?.parents.iter();
    let mut times: Vec<(Timestamp, u64)> = parents
        .filter_map(|parent| Some((store.get(parent)?.timestamp, committee.stake(parent.author))))
        .collect();
    times.sort_unstable();
    let total: u64 = times.iter().map(|(_, stake)| stake).sum();
    let mut reached = 0;
    times.into_iter().find_map(|(time, stake)| {
        reached += stake;
        (u128::from(reached) * 2 >= u128::from(total)).then_some(time)
    })
}
