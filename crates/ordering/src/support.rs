//! Votes and certificates of a block, derived from those of its parents.
//!
//! Invariant: entry (k, a) of a block's support is what a depth-first walk of its references in stored order
//! would meet first of (author a, k rounds below): the first parent in stored order that supports a block
//! there, or is one, decides. So a voter has one candidate a slot, for n * w steps a parent instead of
//! n^(w-2) in all.
//! Left out on purpose: which of these blocks matter. That depends on the coin.

use wire::Stake;

/// A block by its place within its layer.
pub(crate) type Index = u32;
/// No block.
pub(crate) const NONE: Index = Index::MAX;

/// For each of the rounds below a block, nearest first, and each author: the block it supports.
#[derive(Clone, Debug)]
pub(crate) struct Support {
    entries: Box<[Index]>,
    members: usize,
}

/// A parent as support sees it.
#[derive(Clone, Copy)]
pub(crate) struct Parent<'a> {
    /// Rounds below the block, at least 1.
    pub(crate) distance: usize,
    pub(crate) author: usize,
    pub(crate) index: Index,
    pub(crate) support: &'a Support,
}

impl Support {
    /// The support of a block with these parents, in stored order, over `distances` rounds below it.
    pub(crate) fn of<'a>(
        parents: impl Iterator<Item = Parent<'a>>,
        distances: usize,
        members: usize,
    ) -> Self {
        let mut entries = vec![NONE; distances * members].into_boxed_slice();
        for parent in parents.filter(|parent| parent.distance <= distances) {
            let own = &mut entries[(parent.distance - 1) * members + parent.author];
            if *own == NONE {
                *own = parent.index;
            }
            // Row k of the parent speaks of the round that lies k + distance below this block.
            let inherited = &mut entries[parent.distance * members..];
            for (mine, its) in inherited.iter_mut().zip(&parent.support.entries) {
                if *mine == NONE {
                    *mine = *its;
                }
            }
        }
        Self { entries, members }
    }

    /// What the block supports `distance` rounds below it, by author. Nothing when that is out of sight.
    pub(crate) fn row(&self, distance: usize) -> &[Index] {
        let end = distance * self.members;
        self.entries.get(end.saturating_sub(self.members)..end).unwrap_or_default()
    }
}

/// The candidate with at least `quorum` of the stake behind it. `quorum` must be more than half of all stake.
pub(crate) fn majority(votes: impl Iterator<Item = (Index, Stake)> + Clone, quorum: Stake) -> Index {
    let (mut candidate, mut lead) = (NONE, 0);
    for (vote, stake) in votes.clone() {
        if vote == candidate {
            lead += stake;
        } else if stake > lead {
            (candidate, lead) = (vote, stake - lead);
        } else {
            lead -= stake;
        }
    }
    let behind: Stake = votes.filter(|(vote, _)| *vote == candidate).map(|(_, stake)| stake).sum();
    if behind >= quorum { candidate } else { NONE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_majority_is_found_in_every_vote_of_five_with_three_candidates() {
        for case in 0..4usize.pow(5) {
            let vote = |position: u32| [0, 1, 2, NONE][case / 4usize.pow(position) % 4];
            let votes = (0..5).map(|position| (vote(position), Stake::from(position) + 1));
            let behind = |candidate| {
                votes.clone().filter(|(vote, _)| *vote == candidate).map(|(_, s)| s).sum::<Stake>()
            };
            let expected = (0..3).find(|candidate| behind(*candidate) >= 10).unwrap_or(NONE);
            assert_eq!(majority(votes.clone(), 10), expected, "case {case}");
        }
    }

    #[test]
    fn the_first_parent_that_supports_a_block_decides() {
        let leaf = Support::of(core::iter::empty(), 2, 3);
        let parent = |author, index, support| Parent { distance: 1, author, index, support };
        let left = Support::of([parent(0, 7, &leaf), parent(1, 1, &leaf)].into_iter(), 2, 3);
        let right = Support::of([parent(0, 9, &leaf), parent(2, 2, &leaf)].into_iter(), 2, 3);
        let top = Support::of([parent(1, 4, &left), parent(0, 5, &right)].into_iter(), 2, 3);
        assert_eq!(top.row(1), [5, 4, NONE]);
        assert_eq!(top.row(2), [7, 1, 2]);
        assert!(top.row(3).is_empty());
    }

    #[test]
    fn an_older_link_supports_what_lies_that_much_lower() {
        let leaf = Support::of(core::iter::empty(), 3, 2);
        let older = Parent { distance: 2, author: 1, index: 6, support: &leaf };
        let below =
            Support::of([Parent { distance: 1, author: 0, index: 3, support: &leaf }].into_iter(), 3, 2);
        let top = Support::of([older, Parent { support: &below, ..older }].into_iter(), 3, 2);
        assert_eq!(top.row(1), [NONE, NONE]);
        assert_eq!(top.row(2), [NONE, 6]);
        assert_eq!(top.row(3), [3, NONE]);
    }
}
