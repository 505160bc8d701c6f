//! The coin as a unique BLS12-381 threshold signature on (namespace, epoch, wave).
//!
//! Invariant: the threshold is n - f. With f + 1 the network's adversary would learn the leader while most
//! honest blocks of the wave are still unformed. Shares are combined first and the result is verified
//! once; only when that fails is each share looked at. The shares of the whole committee check each other: see
//! [`agreed`].

use core::num::NonZeroU32;

use commonware_codec::{DecodeExt, Encode, FixedSize};
use commonware_cryptography::bls12381::{
    dkg::feldman_desmedt::deal_anonymous,
    primitives::{
        group::{Scalar, Share},
        ops,
        sharing::{Mode, ModeVersion, Sharing},
        variant::{MinSig, PartialSignature, Variant},
    },
};
use commonware_math::algebra::Additive;
use commonware_parallel::Sequential;
use commonware_utils::{N3f1, Participant};
use rand_core::CryptoRng;

use crate::{Coin, CoinError, CoinShare, CoinValue};

/// The largest committee whose differences are cheaper than a pairing.
const AGREED_MEMBERS_MAX: usize = 24;

const NAMESPACE: &[u8] = b"clockless coin";
type Point = <MinSig as Variant>::Signature;

/// The committee's public coin key with everything needed to check shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThresholdKey(Sharing<MinSig>);

/// One validator's secret share of the coin key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThresholdShare(Share);

/// A coin key and its shares, dealt by whoever holds `rng`. The dealer knows every coin: for tests and
/// local networks only.
pub fn deal(rng: impl CryptoRng, members: NonZeroU32) -> (ThresholdKey, Vec<ThresholdShare>) {
    let (sharing, shares) = deal_anonymous::<MinSig, N3f1>(rng, Mode::NonZeroCounter, members);
    (ThresholdKey(sharing), shares.into_iter().map(ThresholdShare).collect())
}

impl ThresholdKey {
    pub(crate) const fn sharing(&self) -> &Sharing<MinSig> {
        &self.0
    }

    /// Whether both give the same coins, though their shares may differ: a key keeps its public part when it is
    /// handed on.
    pub fn has_same_public_as(&self, other: &Self) -> bool {
        self.0.public() == other.0.public()
    }

    /// The encoding that `decode` reads.
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode().to_vec()
    }

    /// `None` when the bytes are no key for exactly `members`.
    pub fn decode(bytes: Vec<u8>, members: NonZeroU32) -> Option<Self> {
        use commonware_codec::Decode;
        let sharing = Sharing::<MinSig>::decode_cfg(bytes, &(members, ModeVersion::v0())).ok()?;
        (sharing.total() == members).then_some(Self(sharing))
    }
}

impl ThresholdShare {
    pub(crate) const fn new(share: Share) -> Self {
        Self(share)
    }

    pub(crate) fn scalar(&self) -> Scalar {
        self.0.private.expose(Clone::clone)
    }

    /// The encoding that `decode` reads; secret.
    pub fn encode(&self) -> Vec<u8> {
        self.0.encode().to_vec()
    }

    /// `None` when the bytes are no share.
    pub fn decode(bytes: Vec<u8>) -> Option<Self> {
        Share::decode(bytes).ok().map(Self)
    }

    /// The member of the committee that this share was dealt to.
    pub fn member(&self) -> u32 {
        self.0.index.get()
    }
}

/// The coin of one epoch, with this validator's share.
#[derive(Debug)]
pub struct ThresholdCoin {
    key: ThresholdKey,
    share: ThresholdShare,
    epoch: u64,
}

impl ThresholdCoin {
    /// `None` when the share is not of this key: a validator must not start with somebody else's.
    pub fn new(key: ThresholdKey, share: ThresholdShare, epoch: u64) -> Option<Self> {
        let public = key.0.partial_public(share.0.index).ok()?;
        (public == share.0.public::<MinSig>()).then(|| {
            key.0.precompute_partial_publics();
            Self { key, share, epoch }
        })
    }

    fn message(&self, wave: u64) -> [u8; 16] {
        let mut message = [0; 16];
        message[..8].copy_from_slice(&self.epoch.to_le_bytes());
        message[8..].copy_from_slice(&wave.to_le_bytes());
        message
    }

    /// The coin, if the shares are the whole committee's and agree.
    fn whole(&self, partials: &[PartialSignature<MinSig>]) -> Option<Point> {
        if partials.len() != self.members() || !self.is_cheaper_whole() {
            return None;
        }
        let mut sorted: Vec<_> = partials.iter().map(|partial| (partial.index, partial.value)).collect();
        sorted.sort_unstable_by_key(|(index, _)| *index);
        let numbered = sorted.iter().zip(0..).all(|((index, _), place)| index.get() == place);
        let required = usize::try_from(self.key.0.required()).ok()?;
        let points = sorted.into_iter().map(|(_, point)| point).collect();
        numbered.then(|| agreed(points, required)).flatten()
    }

    fn members(&self) -> usize {
        usize::try_from(self.key.0.total().get()).unwrap_or(usize::MAX)
    }

    fn combine(&self, partials: &[PartialSignature<MinSig>]) -> Option<Point> {
        ops::threshold::recover::<MinSig, _>(&self.key.0, partials, &Sequential).ok()
    }

    fn holds(&self, wave: u64, point: &Point) -> bool {
        ops::verify_message::<MinSig>(self.key.0.public(), NAMESPACE, &self.message(wave), point).is_ok()
    }

    fn partial_holds(&self, wave: u64, partial: &PartialSignature<MinSig>) -> bool {
        ops::threshold::verify_message(&self.key.0, NAMESPACE, &self.message(wave), partial).is_ok()
    }

    fn too_few(&self, have: usize) -> CoinError {
        CoinError::TooFew { have: u32::try_from(have).unwrap_or(u32::MAX), need: self.key.0.required() }
    }
}

/// The value at 0 of the polynomial of a degree below `required` that takes these values at 1, 2, 3, …; `None`
/// when there is no such polynomial.
///
/// With the shares of all n validators this replaces the verification: up to f of them may be wrong, so at
/// least n - f = `required` lie on the true polynomial, and another one of that degree shares fewer points
/// with it. Newton's forward differences need additions only: those of order `required` vanish exactly when
/// there is such a polynomial, and p(0) is the alternating sum of the leading ones.
fn agreed(mut differences: Vec<Point>, required: usize) -> Option<Point> {
    let mut value = Point::zero();
    for order in 0..required {
        let leading = differences.first()?;
        value = if order % 2 == 0 { value + leading } else { value - leading };
        differences = differences.windows(2).map(|pair| pair[1] - &pair[0]).collect();
    }
    let vanish = !differences.is_empty() && differences.iter().all(|it| *it == Point::zero());
    vanish.then_some(value)
}

fn to_value(point: &Point) -> CoinValue {
    CoinValue(point.encode().as_ref().try_into().expect("invariant: a MinSig signature has 48 bytes"))
}

fn to_partial(author: u16, share: &CoinShare) -> Option<PartialSignature<MinSig>> {
    let value = Point::decode(share.0.to_vec()).ok()?;
    Some(PartialSignature { index: Participant::new(u32::from(author)), value })
}

impl Coin for ThresholdCoin {
    fn share(&self, wave: u64) -> CoinShare {
        let partial = ops::threshold::sign_message::<MinSig>(&self.share.0, NAMESPACE, &self.message(wave));
        CoinShare(to_value(&partial.value).0)
    }

    fn recover(&self, wave: u64, shares: &[(u16, CoinShare)]) -> Result<CoinValue, CoinError> {
        let decoded: Vec<_> =
            shares.iter().map(|(author, share)| (*author, to_partial(*author, share))).collect();
        let partials: Vec<_> = decoded.iter().filter_map(|(_, partial)| partial.clone()).collect();
        if let Some(point) = self.whole(&partials) {
            return Ok(to_value(&point));
        }
        if let Some(point) = self.combine(&partials).filter(|point| self.holds(wave, point)) {
            return Ok(to_value(&point));
        }
        let (right, wrong): (Vec<_>, Vec<_>) = decoded
            .into_iter()
            .partition(|(_, partial)| partial.as_ref().is_some_and(|it| self.partial_holds(wave, it)));
        let right: Vec<_> = right.into_iter().filter_map(|(_, partial)| partial).collect();
        match self.combine(&right).filter(|point| self.holds(wave, point)) {
            Some(point) => Ok(to_value(&point)),
            None if wrong.is_empty() => Err(self.too_few(right.len())),
            None => {
                Err(CoinError::WrongShares { authors: wrong.into_iter().map(|(author, _)| author).collect() })
            }
        }
    }

    fn verify(&self, wave: u64, value: &CoinValue) -> bool {
        debug_assert_eq!(Point::SIZE, 48);
        Point::decode(value.0.to_vec()).is_ok_and(|point| self.holds(wave, &point))
    }

    fn is_cheaper_whole(&self) -> bool {
        self.members() <= AGREED_MEMBERS_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;

    fn committee(n: u32) -> Vec<ThresholdCoin> {
        let rng = rand_chacha::ChaCha20Rng::from_seed([9; 32]);
        let (key, shares) = deal(rng, NonZeroU32::new(n).unwrap());
        shares.into_iter().map(|share| ThresholdCoin::new(key.clone(), share, 1).unwrap()).collect()
    }

    fn shares(coins: &[ThresholdCoin], wave: u64) -> Vec<(u16, CoinShare)> {
        coins.iter().enumerate().map(|(i, coin)| (u16::try_from(i).unwrap(), coin.share(wave))).collect()
    }

    #[test]
    fn every_quorum_reveals_the_same_coin_and_fewer_reveal_none() {
        let coins = committee(4);
        let all = shares(&coins, 5);
        let value = coins[0].recover(5, &all).unwrap();
        for left_out in 0..4 {
            let quorum: Vec<_> = all.iter().copied().filter(|(author, _)| *author != left_out).collect();
            assert_eq!(coins[1].recover(5, &quorum), Ok(value));
            assert_eq!(coins[1].recover(5, &quorum[..2]), Err(CoinError::TooFew { have: 2, need: 3 }));
        }
        assert!(coins[2].verify(5, &value));
        assert!(!coins[2].verify(6, &value));
    }

    #[test]
    fn wrong_shares_are_named_and_do_not_stop_enough_right_ones() {
        let coins = committee(4);
        let mut mixed = shares(&coins, 5);
        mixed[0].1 = coins[0].share(6);
        assert_eq!(coins[3].recover(5, &mixed), coins[3].recover(5, &shares(&coins, 5)));
        mixed[1].1 = CoinShare([0xff; 48]);
        assert_eq!(coins[3].recover(5, &mixed), Err(CoinError::WrongShares { authors: vec![0, 1] }));
    }

    #[test]
    fn the_whole_committee_reveals_the_coin_that_a_quorum_does_for_every_size() {
        for members in 1..=13u16 {
            let coins = committee(u32::from(members));
            let mut all = shares(&coins, 8);
            let required = usize::try_from(coins[0].key.0.required()).unwrap();
            let value = coins[0].recover(8, &all[..required]).unwrap();
            all.reverse();
            assert_eq!(coins[0].recover(8, &all), Ok(value), "{members} members");
        }
    }

    #[test]
    fn up_to_f_wrong_shares_never_agree_with_the_rest() {
        let coins = committee(7);
        let right = shares(&coins, 3);
        let value = coins[0].recover(3, &right);
        for wrong in [[0, 1], [2, 6], [5, 3]] {
            // Shares of another wave lie on a polynomial too, and its difference to this one is as smooth.
            let mut mixed = right.clone();
            for author in wrong {
                mixed[author].1 = coins[author].share(4);
            }
            let points = mixed.iter().map(|(_, share)| Point::decode(share.0.to_vec()).unwrap()).collect();
            assert!(agreed(points, 5).is_none());
            assert_eq!(coins[0].recover(3, &mixed), value);
        }
    }

    #[test]
    fn a_share_of_another_key_makes_no_coin() {
        let (key, _) = deal(rand_chacha::ChaCha20Rng::from_seed([1; 32]), NonZeroU32::new(4).unwrap());
        let (_, others) = deal(rand_chacha::ChaCha20Rng::from_seed([2; 32]), NonZeroU32::new(4).unwrap());
        assert!(ThresholdCoin::new(key, others[0].clone(), 1).is_none());
    }

    #[test]
    fn keys_and_shares_round_trip() {
        let members = NonZeroU32::new(7).unwrap();
        let (key, dealt) = deal(rand_chacha::ChaCha20Rng::from_seed([3; 32]), members);
        assert_eq!(ThresholdKey::decode(key.encode(), members), Some(key.clone()));
        assert_eq!(ThresholdKey::decode(key.encode(), NonZeroU32::new(4).unwrap()), None);
        assert_eq!(ThresholdKey::decode(vec![1, 2, 3], members), None);
        let share = ThresholdShare::decode(dealt[2].encode()).unwrap();
        assert_eq!(share.member(), 2);
        assert!(ThresholdCoin::new(key, share, 1).is_some());
    }
}
