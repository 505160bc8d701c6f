//! The chain of commits: what a committed leader puts into the order, when, and under which digest.
//!
//! Invariant: index, time and floor never sink, and every commit carries the digest of the one before. All of
//! it follows from the sequence of leaders and their histories alone, never from local progress.

use crypto::{CoinValue, Digest};
use num::Timestamp;
use wire::{BlockRef, Commit, List, Round, Stake, limits::COMMIT_BLOCKS_MAX};

use crate::graph::{Graph, Place};

/// The end of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitHead {
    pub index: u64,
    pub digest: Digest,
    pub leader: BlockRef,
    pub time: Timestamp,
}

#[derive(Debug)]
pub(crate) struct Chain {
    gc_depth: u64,
    head: Option<CommitHead>,
}

impl Chain {
    pub(crate) const fn new(gc_depth: u64) -> Self {
        Self { gc_depth, head: None }
    }

    /// Goes on after `head`.
    pub(crate) const fn restart(&mut self, head: CommitHead) {
        self.head = Some(head);
    }

    pub(crate) const fn head(&self) -> Option<&CommitHead> {
        self.head.as_ref()
    }

    /// Orders what `leader` has in its history, and lets `graph` forget what fell under the floor.
    /// Histories that are too long for one commit make several with the same leader.
    pub(crate) fn commit(&mut self, graph: &mut Graph, leader: Place, coin: CoinValue) -> Vec<Commit> {
        // Parents may reach down to this very floor; whoever forgot them must come to the same time as
        // whoever did not, so they count for neither time nor order.
        let floor = Round(leader.round.0.saturating_sub(self.gc_depth));
        let time = median(graph.parent_times(leader, floor));
        let blocks = graph.take_history(leader, floor);
        let leader = graph.reference(leader);
        graph.forget(floor);
        blocks.chunks(COMMIT_BLOCKS_MAX).map(|blocks| self.append(leader, time, coin, blocks)).collect()
    }

    fn append(&mut self, leader: BlockRef, time: Timestamp, coin: CoinValue, blocks: &[BlockRef]) -> Commit {
        let (index, previous, earliest) =
            self.head.map_or((0, Digest::ZERO, Timestamp::ZERO), |head| (head.index, head.digest, head.time));
        let commit = Commit {
            index: index + 1,
            previous,
            leader,
            time: time.max(earliest),
            coin,
            blocks: List::new(blocks.to_vec()).expect("invariant: a chunk is no longer than a commit"),
        };
        self.head =
            Some(CommitHead { index: commit.index, digest: commit.digest(), leader, time: commit.time });
        commit
    }
}

/// The earliest time that half of the stake had reached; zero when nobody states one, as under a leader of
/// round 1. It lies between times of correct validators when faulty ones hold less than half.
fn median(mut times: Vec<(Timestamp, Stake)>) -> Timestamp {
    times.sort_unstable();
    let total: Stake = times.iter().map(|(_, stake)| stake).sum();
    let mut reached: Stake = 0;
    let median = times.into_iter().find(|(_, stake)| {
        reached += stake;
        reached >= total - reached
    });
    median.map_or(Timestamp::ZERO, |(time, _)| time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn median_of(times: &[(u64, Stake)]) -> u64 {
        median(times.iter().map(|(time, stake)| (Timestamp::from_millis(*time), *stake)).collect()).millis()
    }

    #[test]
    fn the_median_weighs_stake_and_takes_the_earlier_of_two_middles() {
        assert_eq!(median_of(&[]), 0);
        assert_eq!(median_of(&[(7, 1)]), 7);
        assert_eq!(median_of(&[(9, 1), (7, 1)]), 7);
        assert_eq!(median_of(&[(9, 1), (7, 1), (8, 1)]), 8);
        assert_eq!(median_of(&[(9, 5), (7, 1), (8, 1)]), 9);
        assert_eq!(median_of(&[(9, 2), (7, 1), (8, 1)]), 8);
        assert_eq!(median_of(&[(1, u64::MAX / 2), (2, u64::MAX / 2)]), 1);
    }

    #[test]
    fn a_third_of_the_stake_cannot_move_the_median_outside_the_times_of_the_rest() {
        for (low, high) in [(0, u64::MAX), (0, 0), (u64::MAX, u64::MAX)] {
            let median = median_of(&[(low, 1), (100, 1), (110, 1), (120, 1), (130, 1), (high, 1), (115, 1)]);
            assert!((100..=130).contains(&median), "{median}");
        }
    }
}
