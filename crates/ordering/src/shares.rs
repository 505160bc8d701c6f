//! Collects coin shares and recovers the coin of a round once a quorum has spoken.
//!
//! Invariant: a recovery is tried only with shares of a quorum of distinct authors, and again only after a
//! further share came. A wrong share counts as absent, whatever block brought it, and is reported once.
//! Where the whole committee's shares are much cheaper to combine, a quorum waits for the rest: for authors that
//! were there lately, and no longer than until the next round has its quorum.
//! Left out on purpose: what a coin is made of, and who leads because of it.

use std::collections::{BTreeMap, BTreeSet};

use crypto::{Coin, CoinError, CoinShare, CoinValue};
use wire::{Author, Committee, Round, Tally};

use crate::Decision;

/// The shares of rounds whose coin is hidden.
pub(crate) struct Shares {
    coin: Box<dyn Coin>,
    waiting: BTreeMap<Round, Waiting>,
    /// Rounds to try, because a share came that they may wait for.
    fresh: BTreeSet<Round>,
    /// The highest round that each author gave a share for.
    latest: BTreeMap<Author, Round>,
    /// The highest round whose coin was recovered here.
    highest: Round,
    /// The own share that was made last.
    own: Option<(Round, CoinShare)>,
}

/// Rounds after its last share for which an author is waited for.
const LATELY: u64 = 2;

#[derive(Default)]
struct Waiting {
    /// As they came. An author that signs twins may have several: at most one of them is right.
    candidates: Vec<(Author, CoinShare)>,
    wrong: Vec<(Author, CoinShare)>,
}

impl Waiting {
    /// The first candidate of every author, with their stake.
    fn choose(&self, committee: &Committee) -> (Vec<(u16, CoinShare)>, Tally) {
        let mut authors = Tally::new();
        let first = |(author, _): &&(Author, CoinShare)| authors.add(committee, *author);
        let chosen = self.candidates.iter().filter(first).map(|(author, share)| (author.0, *share)).collect();
        (chosen, authors)
    }

    /// Strikes the first candidate of `author`; whether there was one.
    fn strike(&mut self, author: Author) -> bool {
        let Some(index) = self.candidates.iter().position(|(other, _)| *other == author) else {
            return false;
        };
        self.wrong.push(self.candidates.remove(index));
        true
    }
}

impl Shares {
    pub(crate) const fn new(coin: Box<dyn Coin>) -> Self {
        Self {
            coin,
            waiting: BTreeMap::new(),
            fresh: BTreeSet::new(),
            latest: BTreeMap::new(),
            highest: Round(0),
            own: None,
        }
    }

    /// This validator's share of the coin of the wave that proposes in `round`.
    pub(crate) fn own(&self, round: Round) -> CoinShare {
        let made = self.own.filter(|(made, _)| *made == round);
        made.map_or_else(|| self.coin.share(round.0), |(_, share)| share)
    }

    /// Makes that share before it is needed.
    pub(crate) fn prepare(&mut self, round: Round) {
        if self.own.is_none_or(|(made, _)| made != round) {
            self.own = Some((round, self.coin.share(round.0)));
        }
    }

    pub(crate) fn add(&mut self, round: Round, author: Author, share: CoinShare) {
        let waiting = self.waiting.entry(round).or_default();
        let candidate = (author, share);
        if !waiting.candidates.contains(&candidate) && !waiting.wrong.contains(&candidate) {
            waiting.candidates.push(candidate);
            self.fresh.insert(round);
            let latest = self.latest.entry(author).or_insert(round);
            *latest = round.max(*latest);
            if self.coin.is_cheaper_whole() {
                let before = self.waiting.range(..round).next_back().map(|(before, _)| *before);
                self.fresh.extend(before);
            }
        }
    }

    /// The coins that became known, lower rounds first. Wrong shares found on the way go to `out`.
    pub(crate) fn recover(
        &mut self,
        committee: &Committee,
        out: &mut Vec<Decision>,
    ) -> Vec<(Round, CoinValue)> {
        let mut recovered = Vec::new();
        for round in core::mem::take(&mut self.fresh) {
            if let Some(value) = self.recover_one(round, committee, out) {
                self.waiting.remove(&round);
                self.highest = self.highest.max(round);
                recovered.push((round, value));
            }
        }
        recovered
    }

    /// Forgets the shares of a round whose coin is known.
    pub(crate) fn forget(&mut self, round: Round) {
        self.waiting.remove(&round);
        self.fresh.remove(&round);
    }

    /// Forgets all shares: the rule goes on elsewhere.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.fresh.clear();
    }

    fn waits_for_more(&self, round: Round, committee: &Committee) -> bool {
        let has_quorum = |round: &Round| {
            self.waiting.get(round).is_some_and(|it| it.choose(committee).1.is_quorum(committee))
        };
        if !self.coin.is_cheaper_whole() || self.highest > round || has_quorum(&round.next()) {
            return false;
        }
        let here = self.waiting.get(&round);
        let spoke = |author| here.is_some_and(|it| it.candidates.iter().any(|(other, _)| *other == author));
        let lately = |author| self.latest.get(&author).is_some_and(|latest| latest.after(LATELY) >= round);
        committee.authors().any(|author| !spoke(author) && lately(author))
    }

    fn recover_one(
        &mut self,
        round: Round,
        committee: &Committee,
        out: &mut Vec<Decision>,
    ) -> Option<CoinValue> {
        if self.waits_for_more(round, committee) {
            return None;
        }
        let waiting = self.waiting.get_mut(&round)?;
        loop {
            let (chosen, authors) = waiting.choose(committee);
            if !authors.is_quorum(committee) {
                return None;
            }
            let wrong = match self.coin.recover(round.0, &chosen) {
                Ok(value) => return Some(value),
                Err(CoinError::TooFew { .. }) => return None,
                Err(CoinError::WrongShares { authors }) => authors,
            };
            let struck: Vec<Author> =
                wrong.into_iter().map(Author).filter(|author| waiting.strike(*author)).collect();
            // A coin that blames nobody in particular would be asked the same again.
            if struck.is_empty() {
                return None;
            }
            out.extend(struck.into_iter().map(|author| Decision::WrongShare { author, round }));
        }
    }
}

impl core::fmt::Debug for Shares {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Shares").field("waiting", &self.waiting.keys()).finish_non_exhaustive()
    }
}
