//! Shares in, coins out.
//!
//! Invariant: a coin is revealed by shares of a quorum of distinct authors of the wave's certify round, and by
//! nothing less. A wrong share counts as absent and is reported once; it never makes a block invalid.

use std::collections::{BTreeMap, BTreeSet};

use crypto::{Coin, CoinError, CoinShare, CoinValue, permutation};
use wire::{Author, BlockRef, Committee, Round, Tally};

use crate::{Decision, Wave};

pub(crate) struct Reveal {
    coin: Box<dyn Coin>,
    wave: Wave,
    shares: BTreeMap<Round, BTreeMap<Author, CoinShare>>,
    /// Waves whose shares have grown since they were last tried.
    ready: BTreeSet<Round>,
    coins: BTreeMap<Round, CoinValue>,
    forgotten: Round,
}

impl Reveal {
    pub(crate) fn new(coin: Box<dyn Coin>, wave: Wave) -> Self {
        Self {
            coin,
            wave,
            shares: BTreeMap::new(),
            ready: BTreeSet::new(),
            coins: BTreeMap::new(),
            forgotten: Round(0),
        }
    }

    pub(crate) fn share_for(&self, round: Round) -> Option<CoinShare> {
        self.wave.revealed_by(round).map(|proposed| self.coin.share(proposed.0))
    }

    pub(crate) fn add(&mut self, committee: &Committee, block: BlockRef, share: CoinShare) {
        let Some(proposed) = self.wave.revealed_by(block.round) else { return };
        if proposed < self.forgotten || self.coins.contains_key(&proposed) {
            return;
        }
        let shares = self.shares.entry(proposed).or_default();
        // A twin's share counts only while its author has none.
        shares.entry(block.author).or_insert(share);
        let mut tally = Tally::new();
        for author in shares.keys() {
            tally.add(committee, *author);
        }
        if tally.is_quorum(committee) {
            self.ready.insert(proposed);
        }
    }

    pub(crate) fn restore(&mut self, round: Round, value: CoinValue) {
        if round >= self.forgotten {
            self.keep(round, value);
        }
    }

    /// Tries every wave that has a quorum of shares and no coin.
    pub(crate) fn recover(&mut self, committee: &Committee, out: &mut Vec<Decision>) {
        for proposed in core::mem::take(&mut self.ready) {
            let Some(shares) = self.shares.get_mut(&proposed) else { continue };
            let given: Vec<(u16, CoinShare)> =
                shares.iter().map(|(author, share)| (author.0, *share)).collect();
            match self.coin.recover(proposed.0, &given) {
                Ok(value) => {
                    out.push(Decision::Revealed { round: proposed, value });
                    self.keep(proposed, value);
                }
                Err(CoinError::TooFew { .. }) => {}
                Err(CoinError::WrongShares { authors }) => {
                    let round = self.wave.certify_round(proposed);
                    for author in authors.into_iter().map(Author).filter(|author| committee.contains(*author))
                    {
                        shares.remove(&author);
                        out.push(Decision::WrongShare { author, round });
                    }
                }
            }
        }
    }

    fn keep(&mut self, round: Round, value: CoinValue) {
        self.shares.remove(&round);
        self.coins.insert(round, value);
    }

    pub(crate) fn coin(&self, round: Round) -> Option<CoinValue> {
        self.coins.get(&round).copied()
    }

    /// The authors of the first `count` slots of a revealed round.
    pub(crate) fn leaders(&self, round: Round, committee: &Committee, count: u16) -> Option<Vec<Author>> {
        let coin = self.coins.get(&round)?;
        let order = permutation(coin, committee.size());
        Some(order.into_iter().take(usize::from(count)).map(Author).collect())
    }

    /// The highest round whose coin is known.
    pub(crate) fn highest(&self) -> Option<Round> {
        self.coins.last_key_value().map(|(round, _)| *round)
    }

    pub(crate) fn forget_before(&mut self, round: Round) {
        self.forgotten = self.forgotten.max(round);
        self.shares = self.shares.split_off(&round);
        self.coins = self.coins.split_off(&round);
        self.ready = self.ready.split_off(&round);
    }
}
