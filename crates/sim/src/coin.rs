//! Coins of the simulator: the same interface as the real one, a thousand times cheaper.
//!
//! Invariant: `HiddenCoin` keeps the two properties that ordering relies on: the value is unique, and fewer
//! than a quorum of shares say nothing about it (shares are digests under a secret that only the simulator
//! holds). `RoundRobinCoin` has the first property only; it is there to show what the second one buys.

use crypto::{Coin, CoinError, CoinShare, CoinValue, Digest, permutation};

/// What a run takes for a coin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoinKind {
    /// Unpredictable until a quorum has spoken.
    Hidden,
    /// The leader of round r is validator r mod n, known to everybody for ever.
    RoundRobin,
}

/// A coin that nobody knows before a quorum of shares exists.
#[derive(Clone, Debug)]
pub struct HiddenCoin {
    secret: Digest,
    author: u16,
    quorum: usize,
    /// Every other network of seeds waits for the shares of all, as it would for the real coin.
    is_cheaper_whole: bool,
}

impl HiddenCoin {
    pub fn new(seed: u64, author: u16, quorum: usize) -> Self {
        let secret = Digest::of("clockless sim coin secret", &seed.to_be_bytes());
        Self { secret, author, quorum, is_cheaper_whole: seed % 2 == 1 }
    }

    fn share_of(&self, author: u16, wave: u64) -> CoinShare {
        CoinShare(stretch(&[&self.secret.0[..], &author.to_be_bytes(), &wave.to_be_bytes()].concat()))
    }

    fn value(&self, wave: u64) -> CoinValue {
        CoinValue(stretch(&[&self.secret.0[..], &wave.to_be_bytes()].concat()))
    }
}

impl Coin for HiddenCoin {
    fn share(&self, wave: u64) -> CoinShare {
        self.share_of(self.author, wave)
    }

    fn recover(&self, wave: u64, shares: &[(u16, CoinShare)]) -> Result<CoinValue, CoinError> {
        count_shares(shares, self.quorum, |author| self.share_of(author, wave))?;
        Ok(self.value(wave))
    }

    fn verify(&self, wave: u64, value: &CoinValue) -> bool {
        *value == self.value(wave)
    }

    fn is_cheaper_whole(&self) -> bool {
        self.is_cheaper_whole
    }
}

/// A schedule that is no coin at all.
#[derive(Clone, Debug)]
pub struct RoundRobinCoin {
    members: u16,
    quorum: usize,
}

impl RoundRobinCoin {
    pub const fn new(members: u16, quorum: usize) -> Self {
        Self { members, quorum }
    }

    /// Who leads the round of `wave`.
    pub fn leader(members: u16, wave: u64) -> u16 {
        u16::try_from(wave % u64::from(members.max(1))).unwrap_or(0)
    }

    fn value(&self, wave: u64) -> CoinValue {
        let leader = Self::leader(self.members, wave);
        (0u64..)
            .map(|attempt| CoinValue(stretch(&[wave.to_be_bytes(), attempt.to_be_bytes()].concat())))
            .find(|value| permutation(value, self.members).first() == Some(&leader))
            .unwrap_or(CoinValue([0; 48]))
    }
}

impl Coin for RoundRobinCoin {
    fn share(&self, wave: u64) -> CoinShare {
        CoinShare(stretch(&wave.to_be_bytes()))
    }

    fn recover(&self, wave: u64, shares: &[(u16, CoinShare)]) -> Result<CoinValue, CoinError> {
        count_shares(shares, self.quorum, |_| self.share(wave))?;
        Ok(self.value(wave))
    }

    fn verify(&self, wave: u64, value: &CoinValue) -> bool {
        *value == self.value(wave)
    }
}

fn count_shares(
    shares: &[(u16, CoinShare)],
    quorum: usize,
    right: impl Fn(u16) -> CoinShare,
) -> Result<(), CoinError> {
    let wrong: Vec<u16> =
        shares.iter().filter(|(author, share)| *share != right(*author)).map(|(author, _)| *author).collect();
    let have = shares.len() - wrong.len();
    if have >= quorum {
        return Ok(());
    }
    if !wrong.is_empty() {
        return Err(CoinError::WrongShares { authors: wrong });
    }
    let count = |size: usize| u32::try_from(size).unwrap_or(u32::MAX);
    Err(CoinError::TooFew { have: count(have), need: count(quorum) })
}

fn stretch(bytes: &[u8]) -> [u8; 48] {
    let (first, second) =
        (Digest::of("clockless sim coin 1", bytes), Digest::of("clockless sim coin 2", bytes));
    let mut out = [0; 48];
    out[..32].copy_from_slice(&first.0);
    out[32..].copy_from_slice(&second.0[..16]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_than_a_quorum_reveal_nothing_and_any_quorum_the_same() {
        let coins: Vec<_> = (0..4).map(|author| HiddenCoin::new(7, author, 3)).collect();
        let shares: Vec<_> = coins.iter().map(|coin| (coin.author, coin.share(5))).collect();
        let value = coins[0].recover(5, &shares[..3]).unwrap();
        assert_eq!(coins[1].recover(5, &shares[1..]), Ok(value));
        assert_eq!(coins[1].recover(5, &shares[..2]), Err(CoinError::TooFew { have: 2, need: 3 }));
        let wrong = [(0, coins[0].share(6)), shares[1], shares[2]];
        assert_eq!(coins[2].recover(5, &wrong), Err(CoinError::WrongShares { authors: vec![0] }));
    }

    #[test]
    fn the_round_robin_leads_in_turn() {
        let coin = RoundRobinCoin::new(7, 5);
        for wave in 1..20 {
            let order = permutation(&coin.value(wave), 7);
            assert_eq!(u64::from(order[0]), wave % 7);
        }
    }
}
