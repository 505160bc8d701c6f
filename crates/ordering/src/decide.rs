//! Which slots are committed and which are skipped.
//!
//! Invariant: a decided slot is decided for ever and alike everywhere; slots are output in order and only up
//! to the first that is undecided. Stake is counted by author, never by block.

use std::collections::{BTreeMap, BTreeSet};

use crypto::CoinValue;
use wire::{Author, BlockRef, Committee, Round, Tally};

use crate::{Fault, Wave, reveal::Reveal, store::Store};

/// What became of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Commit(BlockRef),
    Skip,
}

/// A slot by round and place within it.
type Slot = (Round, u16);

/// Decided slots that were not output yet, and where the output stands.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    per_round: u16,
    next: Slot,
    decided: BTreeMap<Slot, Fate>,
}

/// What the rule looks at.
struct Sight<'a> {
    committee: &'a Committee,
    wave: Wave,
    store: &'a Store,
}

impl Slots {
    pub(crate) fn new(per_round: u16) -> Self {
        Self { per_round, next: (Round(1), 0), decided: BTreeMap::new() }
    }

    /// The round of the first slot that is not output.
    pub(crate) const fn next_round(&self) -> Round {
        self.next.0
    }

    /// Decides from the highest revealed round down; returns the leaders of the decided prefix with their
    /// coins.
    pub(crate) fn decide(
        &mut self,
        committee: &Committee,
        wave: Wave,
        store: &Store,
        reveal: &Reveal,
    ) -> Result<Vec<(BlockRef, CoinValue)>, Fault> {
        let sight = Sight { committee, wave, store };
        let Some(highest) = reveal.highest() else { return Ok(Vec::new()) };
        for round in (self.next.0.0..=highest.0).rev().map(Round) {
            let Some(leaders) = reveal.leaders(round, committee, self.per_round) else { continue };
            for (place, author) in leaders.into_iter().enumerate().rev() {
                let slot = (round, u16::try_from(place).unwrap_or(u16::MAX));
                if slot < self.next || self.decided.contains_key(&slot) {
                    continue;
                }
                let direct = sight.direct(round, author)?;
                let fate = match direct {
                    Some(fate) => Some(fate),
                    None => self.indirect(&sight, (round, author), highest)?,
                };
                if let Some(fate) = fate {
                    self.decided.insert(slot, fate);
                }
            }
        }
        Ok(self.take_prefix(reveal))
    }

    /// Looks for the anchor: the first later slot, from `w` rounds on, that is not skipped.
    fn indirect(
        &self,
        sight: &Sight<'_>,
        (round, author): (Round, Author),
        highest: Round,
    ) -> Result<Option<Fate>, Fault> {
        let first = sight.wave.anchor_round(round);
        for later in (first.0..=highest.0).map(Round) {
            for place in 0..self.per_round {
                match self.decided.get(&(later, place)) {
                    None => return Ok(None),
                    Some(Fate::Skip) => {}
                    Some(Fate::Commit(anchor)) => return sight.under_anchor(anchor, round, author).map(Some),
                }
            }
        }
        Ok(None)
    }

    fn take_prefix(&mut self, reveal: &Reveal) -> Vec<(BlockRef, CoinValue)> {
        let mut leaders = Vec::new();
        while let Some(fate) = self.decided.remove(&self.next) {
            if let (Fate::Commit(leader), Some(coin)) = (fate, reveal.coin(self.next.0)) {
                leaders.push((leader, coin));
            }
            let (round, place) = self.next;
            self.next = if place + 1 < self.per_round { (round, place + 1) } else { (round.next(), 0) };
        }
        leaders
    }
}

impl Sight<'_> {
    /// A quorum that blames skips; a quorum that certifies commits.
    fn direct(&self, round: Round, author: Author) -> Result<Option<Fate>, Fault> {
        let blamed = self.blames(round, author).is_quorum(self.committee);
        let mut certified = None;
        for leader in self.store.twins(round, author) {
            if !self.certifiers(leader).is_quorum(self.committee) {
                continue;
            }
            if let Some(first) = certified.replace(*leader) {
                return Err(Fault::TwoCertified { first, second: *leader });
            }
        }
        match (blamed, certified) {
            (true, Some(block)) => Err(Fault::SkippedAndCommitted { slot: (round, author), block }),
            (true, None) => Ok(Some(Fate::Skip)),
            (false, Some(block)) => Ok(Some(Fate::Commit(block))),
            (false, None) => Ok(None),
        }
    }

    /// Authors with a block of the voting round that supports no block of the slot.
    fn blames(&self, round: Round, author: Author) -> Tally {
        let mut tally = Tally::new();
        for voter in self.store.blocks(self.wave.vote_round(round)) {
            if self.store.supported(voter, (round, author)).is_none() {
                tally.add(self.committee, voter.author);
            }
        }
        tally
    }

    /// Authors with a block of the certify round that certifies `leader`.
    fn certifiers(&self, leader: &BlockRef) -> Tally {
        let mut tally = Tally::new();
        for block in self.store.blocks(self.wave.certify_round(leader.round)) {
            if self.certifies(block, leader) {
                tally.add(self.committee, block.author);
            }
        }
        tally
    }

    /// Whether the direct parents of `block` hold votes for `leader` from a quorum of authors.
    fn certifies(&self, block: &BlockRef, leader: &BlockRef) -> bool {
        let vote_round = self.wave.vote_round(leader.round);
        let Some(node) = self.store.get(block) else { return false };
        let mut tally = Tally::new();
        for parent in node.parents.iter().filter(|parent| parent.round == vote_round) {
            if self.store.supported(parent, (leader.round, leader.author)) == Some(*leader) {
                tally.add(self.committee, parent.author);
            }
        }
        tally.is_quorum(self.committee)
    }

    /// The fate of a slot under an anchor: committed when the anchor's history certifies a block of it.
    fn under_anchor(&self, anchor: &BlockRef, round: Round, author: Author) -> Result<Fate, Fault> {
        let certify_round = self.wave.certify_round(round);
        let history = self.history(anchor, certify_round);
        let mut certified: Option<BlockRef> = None;
        for leader in self.store.twins(round, author) {
            if !history.iter().any(|block| self.certifies(block, leader)) {
                continue;
            }
            if let Some(first) = certified.replace(*leader) {
                return Err(Fault::TwoCertified { first, second: *leader });
            }
        }
        Ok(certified.map_or(Fate::Skip, Fate::Commit))
    }

    /// The blocks of `round` in the history of `anchor`.
    fn history(&self, anchor: &BlockRef, round: Round) -> BTreeSet<BlockRef> {
        let mut seen = BTreeSet::from([*anchor]);
        let mut stack = vec![*anchor];
        while let Some(block) = stack.pop() {
            let parents = self.store.get(&block).map_or(&[][..], |node| &node.parents);
            for parent in parents.iter().filter(|parent| parent.round >= round) {
                if seen.insert(*parent) {
                    stack.push(*parent);
                }
            }
        }
        seen.retain(|block| block.round == round);
        seen
    }
}
