//! The common coin as an interface: shares go in, one value per wave comes out.
//!
//! Invariant: the value of a wave is unique; whoever holds shares of a quorum computes the same one, and
//! nobody who holds fewer knows anything about it. A later coin (hash-based, post-quantum) implements the
//! same trait.

use bytes::BufMut;
use commonware_codec::{Buf, Error, FixedSize, Read, ReadExt, Write};

use crate::{Digest, signature::plain_bytes};

/// One validator's contribution to the coin of one wave, as it travels: not yet checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CoinShare(pub [u8; 48]);

/// The revealed coin of one wave: a unique threshold signature, checkable with the committee's coin key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CoinValue(pub [u8; 48]);

plain_bytes!(CoinShare, 48);
plain_bytes!(CoinValue, 48);

/// Why shares gave no coin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CoinError {
    #[error("{have} shares, {need} needed")]
    TooFew { have: u32, need: u32 },
    /// These authors' shares are wrong; the rest was too few without them.
    #[error("wrong shares of authors {authors:?}")]
    WrongShares { authors: Vec<u16> },
}

/// A coin for a fixed committee and epoch. Authors are indices into that committee.
pub trait Coin: Send {
    /// This validator's share of the coin of wave `wave`.
    fn share(&self, wave: u64) -> CoinShare;

    /// The coin of `wave` from the shares of distinct authors. Wrong shares are found and named; they
    /// stand in the way only while the right ones are too few.
    fn recover(&self, wave: u64, shares: &[(u16, CoinShare)]) -> Result<CoinValue, CoinError>;

    /// Whether `value` is the coin of `wave`; for coins that others recovered.
    fn verify(&self, wave: u64, value: &CoinValue) -> bool;

    /// Whether the whole committee's shares give the coin much cheaper than a quorum's do, so that the last
    /// shares are worth a short wait.
    fn is_cheaper_whole(&self) -> bool {
        false
    }
}

/// The committee `0..n` in the order that a coin gives it (Fisher-Yates over BLAKE3 output).
/// Bias per draw is below 2^-48 for committees of `u16` size.
pub fn permutation(value: &CoinValue, n: u16) -> Vec<u16> {
    let mut order: Vec<u16> = (0..n).collect();
    let seed = Digest::of("clockless coin permutation 2026", &value.0);
    for last in (1..order.len()).rev() {
        let index = u64::try_from(last).expect("invariant: a committee has at most 65,535 members");
        let draw = Digest::of("clockless coin draw 2026", &[&seed.0[..], &index.to_le_bytes()].concat());
        let word = u64::from_le_bytes(draw.0[..8].try_into().expect("invariant: a digest has 32 bytes"));
        let pick = usize::try_from(word % (index + 1)).expect("invariant: an index of the committee");
        order.swap(last, pick);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permutation_holds_every_member_once_and_follows_the_value() {
        let mut first = [0u32; 7];
        for seed in 0..=255u8 {
            let mut order = permutation(&CoinValue([seed; 48]), 7);
            assert_eq!(order, permutation(&CoinValue([seed; 48]), 7));
            first[usize::from(order[0])] += 1;
            order.sort_unstable();
            assert_eq!(order, [0, 1, 2, 3, 4, 5, 6]);
        }
        assert!(first.iter().all(|count| (15..60).contains(count)), "{first:?}");
    }

    #[test]
    fn small_committees_have_a_permutation() {
        assert_eq!(permutation(&CoinValue([0; 48]), 0), Vec::<u16>::new());
        assert_eq!(permutation(&CoinValue([0; 48]), 1), [0]);
    }
}
