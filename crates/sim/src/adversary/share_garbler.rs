//! Honest in everything but its coin shares, which are noise.
//!
//! A wrong share is found where it stands in the way of a coin; where enough right ones come first, it never is.
//!
//! Invariant: its blocks are otherwise those of its program, so that only the shares can give it away.

use crypto::{Coin, CoinError, CoinShare, CoinValue};

use crate::adversary::{Byzantine, InFlight, Powers};

/// Gives wrong shares of the coin.
#[derive(Debug)]
pub struct ShareGarbler;

struct GarblingCoin(Box<dyn Coin>);

impl Coin for GarblingCoin {
    fn share(&self, wave: u64) -> CoinShare {
        let CoinShare(mut bytes) = self.0.share(wave);
        bytes[usize::try_from(wave % 48).unwrap_or(0)] ^= 1;
        CoinShare(bytes)
    }

    fn recover(&self, wave: u64, shares: &[(u16, CoinShare)]) -> Result<CoinValue, CoinError> {
        self.0.recover(wave, shares)
    }

    fn verify(&self, wave: u64, value: &CoinValue) -> bool {
        self.0.verify(wave, value)
    }

    fn is_cheaper_whole(&self) -> bool {
        self.0.is_cheaper_whole()
    }
}

impl Byzantine for ShareGarbler {
    fn speak(&mut self, message: InFlight, _: &mut Powers, out: &mut Vec<InFlight>) {
        out.push(message);
    }

    fn coin(&self, honest: Box<dyn Coin>) -> Box<dyn Coin> {
        Box::new(GarblingCoin(honest))
    }
}
