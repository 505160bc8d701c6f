//! A coin for tests: shares are digests, the values are whatever the test says.
//!
//! Invariant: it keeps the contract of `Coin`: enough right shares give the value, wrong ones are named. It
//! fails the test when it is asked before a quorum spoke.

use std::collections::BTreeMap;

use crypto::{Coin, CoinError, CoinShare, CoinValue, Digest, permutation};
use wire::{Author, Committee, Stake};

/// Values by wave, and the stake that reveals them.
#[derive(Clone, Debug)]
pub struct ScriptedCoin {
    committee: Committee,
    values: BTreeMap<u64, CoinValue>,
}

impl ScriptedCoin {
    pub fn new(committee: Committee, values: BTreeMap<u64, CoinValue>) -> Self {
        Self { committee, values }
    }
}

/// The right share of `author` for `wave`.
pub fn right_share(author: Author, wave: u64) -> CoinShare {
    let mut share = [0; 48];
    share[..2].copy_from_slice(&author.0.to_le_bytes());
    share[2..10].copy_from_slice(&wave.to_le_bytes());
    CoinShare(share)
}

/// A wrong one; `kind` tells several apart.
pub fn wrong_share(kind: u8) -> CoinShare {
    CoinShare([kind | 0x80; 48])
}

/// A value whose permutation of `members` starts with `leaders`, found by search.
pub fn value_for(leaders: &[u16], members: u16) -> CoinValue {
    let candidate = |attempt: u64| {
        let mut value = [0; 48];
        value[..32].copy_from_slice(&Digest::of("clockless test coin", &attempt.to_le_bytes()).0);
        CoinValue(value)
    };
    (0..)
        .map(candidate)
        .find(|value| permutation(value, members).starts_with(leaders))
        .expect("endless search")
}

impl Coin for ScriptedCoin {
    fn share(&self, wave: u64) -> CoinShare {
        right_share(Author(0), wave)
    }

    fn recover(&self, wave: u64, shares: &[(u16, CoinShare)]) -> Result<CoinValue, CoinError> {
        let all: Stake = shares.iter().map(|(author, _)| self.committee.stake(Author(*author))).sum();
        assert!(all >= self.committee.quorum(), "asked with the shares of fewer than a quorum");
        let is_right = |(author, share): &(u16, CoinShare)| *share == right_share(Author(*author), wave);
        let (right, wrong): (Vec<_>, Vec<_>) = shares.iter().partition(|share| is_right(share));
        let stake: Stake = right.iter().map(|(author, _)| self.committee.stake(Author(*author))).sum();
        if stake >= self.committee.quorum() {
            return Ok(self.values[&wave]);
        }
        if wrong.is_empty() {
            let have = u32::try_from(right.len()).unwrap();
            return Err(CoinError::TooFew { have, need: have + 1 });
        }
        Err(CoinError::WrongShares { authors: wrong.into_iter().map(|(author, _)| author).collect() })
    }

    fn verify(&self, wave: u64, value: &CoinValue) -> bool {
        self.values.get(&wave) == Some(value)
    }
}
