//! A coin that everybody can compute at any time.
//!
//! Invariant: it is as unique as a threshold coin, so what is decided with it is as safe. It hides nothing: whoever
//! controls every delay can keep its leaders from committing for as long as it likes. It serves while the
//! committee makes a better one, and nothing else.

use crate::{Coin, CoinError, CoinShare, CoinValue, Digest, Hasher};

/// The public coin of one purpose and committee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicCoin {
    context: Digest,
    quorum: u32,
}

impl PublicCoin {
    /// `quorum` authors must have spoken in a round before its coin counts as known, as with every coin.
    pub const fn new(context: Digest, quorum: u32) -> Self {
        Self { context, quorum }
    }

    fn bytes(&self, wave: u64) -> [u8; 48] {
        let mut hasher = Hasher::new("clockless public coin 2026");
        hasher.update(&self.context.0);
        hasher.update(&wave.to_le_bytes());
        let first = hasher.finish();
        hasher.update(&first.0);
        let mut bytes = [0; 48];
        bytes[..32].copy_from_slice(&first.0);
        bytes[32..].copy_from_slice(&hasher.finish().0[..16]);
        bytes
    }
}

impl Coin for PublicCoin {
    fn share(&self, wave: u64) -> CoinShare {
        CoinShare(self.bytes(wave))
    }

    fn recover(&self, wave: u64, shares: &[(u16, CoinShare)]) -> Result<CoinValue, CoinError> {
        let bytes = self.bytes(wave);
        let wrong: Vec<u16> =
            shares.iter().filter(|(_, share)| share.0 != bytes).map(|(author, _)| *author).collect();
        let right = u32::try_from(shares.len() - wrong.len()).unwrap_or(u32::MAX);
        if right >= self.quorum {
            return Ok(CoinValue(bytes));
        }
        match wrong.is_empty() {
            true => Err(CoinError::TooFew { have: right, need: self.quorum }),
            false => Err(CoinError::WrongShares { authors: wrong }),
        }
    }

    fn verify(&self, wave: u64, value: &CoinValue) -> bool {
        value.0 == self.bytes(wave)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_of_right_shares_is_needed_and_wrong_ones_are_named() {
        let coin = PublicCoin::new(Digest([1; 32]), 3);
        let all: Vec<_> = (0..4).map(|author| (author, coin.share(5))).collect();
        let value = coin.recover(5, &all).unwrap();
        assert!(coin.verify(5, &value));
        assert!(!coin.verify(6, &value));
        assert_eq!(coin.recover(5, &all[..2]), Err(CoinError::TooFew { have: 2, need: 3 }));
        let mut mixed = all;
        mixed[2].1 = coin.share(6);
        assert_eq!(coin.recover(5, &mixed), Ok(value));
        mixed[1].1 = coin.share(7);
        assert_eq!(coin.recover(5, &mixed), Err(CoinError::WrongShares { authors: vec![1, 2] }));
        assert_ne!(PublicCoin::new(Digest([2; 32]), 3).share(5), coin.share(5));
    }
}
