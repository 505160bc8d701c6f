//! Dealings: how a committee gets its coin key without a dealer, and hands it on to the next committee.
//!
//! Every dealer shares a secret of its own with all receivers by a polynomial f(x, y), committed to coefficient
//! by coefficient, of degree n - f - 1 in x and f in y (Cachin, Kursawe, Lysyanskaya, Strobl 2002, "dual
//! threshold"). Receiver i is sealed its share f(i, 0) and its column f(x, i). The shares have the threshold
//! n - f; the columns let any f + 1 receivers that have theirs give a receiver that was cheated its share. So
//! once n - f receivers hold what they were dealt, everybody honest will, whatever the dealer and the network do,
//! and no honest share was ever shown.
//!
//! Invariant: whatever this accepts can be checked by anybody; what it refuses comes with a proof.
//! Left out on purpose: which dealings count. Everybody must combine the same ones: the order decides that.

mod combine;
mod polynomial;
mod sealing;

use core::num::NonZeroU32;

use commonware_codec::{DecodeExt, Encode, FixedSize};
use commonware_cryptography::bls12381::primitives::{
    group::{Private, Scalar},
    variant::{MinSig, Variant},
};
use commonware_math::algebra::{Additive, CryptoGroup, Random};
use commonware_utils::{Faults, N3f1, Participant};
use rand_core::{CryptoRng, SeedableRng};

use crate::{Digest, Hasher, ThresholdKey, ThresholdShare};

pub use combine::{DealingShare, combine};
use polynomial::{Grid, evaluate};
pub use sealing::{Opening, OpeningKey, SealingKey};

pub(super) type Commitment = <MinSig as Variant>::Public;

/// Receivers there can be.
const RECEIVERS_MAX: usize = 256;

/// What is dealt, and to whom: equal for everybody who takes part.
#[derive(Clone, Debug)]
pub struct Terms {
    context: Digest,
    receivers: Vec<SealingKey>,
    previous: Option<ThresholdKey>,
    /// n - f of the receivers.
    threshold: u32,
}

/// Why there can be no dealing on such terms.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    #[error("{have} receivers, 1 to {need} needed")]
    Receivers { have: usize, need: usize },
    #[error("the sealing key of receiver {receiver} is no point of the curve")]
    BadKey { receiver: usize },
}

/// One dealer's shares for all receivers: commitments for everybody, and a sealing for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dealing {
    commitments: Grid<Commitment>,
    sealed: Vec<Vec<u8>>,
}

/// What a receiver holds of one dealing: its share, and its column to help others with.
#[derive(Clone, Debug)]
pub struct Holding {
    share: Private,
    column: Vec<Private>,
}

/// A point of a cheated receiver's row, published by a helper. The dealer is known to be a liar by then, and knows
/// it anyway.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Point(pub [u8; 32]);

mod point {
    use super::Point;
    use crate::signature::plain_bytes;
    use bytes::BufMut;
    use commonware_codec::{Buf, Error, FixedSize, Read, ReadExt, Write};

    plain_bytes!(Point, 32);
}

impl Terms {
    /// `context` must never be used twice. With `previous` its key is handed on, and the dealers are its members;
    /// otherwise the receivers deal, each a fresh secret.
    ///
    /// # Errors
    /// When there are no receivers, or too many, or one has no key.
    pub fn new(
        context: Digest,
        receivers: Vec<SealingKey>,
        previous: Option<ThresholdKey>,
    ) -> Result<Self, TermsError> {
        let have = receivers.len();
        let size = u32::try_from(have).ok().filter(|_| (1..=RECEIVERS_MAX).contains(&have));
        let size = size.ok_or(TermsError::Receivers { have, need: RECEIVERS_MAX })?;
        if let Some(receiver) = receivers.iter().position(|key| key.point().is_none()) {
            return Err(TermsError::BadKey { receiver });
        }
        Ok(Self { context, receivers, previous, threshold: N3f1::quorum(size) })
    }

    pub const fn context(&self) -> &Digest {
        &self.context
    }

    /// How many receivers.
    pub fn receivers(&self) -> u16 {
        u16::try_from(self.receivers.len()).expect("invariant: at most 256 receivers")
    }

    /// How many dealers.
    pub fn dealers(&self) -> u16 {
        let previous = self.previous.as_ref().map(|key| u16::try_from(key.sharing().total().get()));
        previous.map_or(self.receivers(), |size| size.expect("invariant: at most 256 members"))
    }

    /// How many receivers must hold what they were dealt before a dealing may count: n - f.
    pub fn acknowledgements_needed(&self) -> u16 {
        u16::try_from(self.threshold).expect("invariant: at most 256 receivers")
    }

    /// How many dealings make the key, exactly.
    pub fn dealings_needed(&self) -> u16 {
        let need = self.previous.as_ref().map_or(self.threshold, |key| key.sharing().required());
        u16::try_from(need).expect("invariant: at most 256 members")
    }

    /// How many helpers give a cheated receiver its share.
    pub fn helpers_needed(&self) -> u16 {
        u16::try_from(self.width()).expect("invariant: at most 256 receivers")
    }

    /// Coefficients in x.
    fn height(&self) -> usize {
        usize::try_from(self.threshold).expect("invariant: at most 256 receivers")
    }

    /// Coefficients in y: f + 1. Two where nobody may fail, so that no single column is the whole polynomial.
    fn width(&self) -> usize {
        (self.receivers.len() - self.height()).max(1) + 1
    }

    fn label(&self, dealer: u16, receiver: u16) -> Digest {
        let mut hasher = Hasher::new("clockless sealing label 2026");
        hasher.update(&self.context.0);
        hasher.update(&dealer.to_le_bytes());
        hasher.update(&receiver.to_le_bytes());
        hasher.finish()
    }

    fn members(&self) -> NonZeroU32 {
        NonZeroU32::new(u32::from(self.receivers())).expect("invariant: there are receivers")
    }
}

/// A dealing by `dealer`: of its share of the previous key when there is one, of a fresh secret otherwise. All
/// randomness is `rng`'s; the same `rng` gives the same dealing, which a dealer that restarts must make again.
pub fn deal_by(
    rng: &mut impl CryptoRng,
    terms: &Terms,
    dealer: u16,
    share: Option<&ThresholdShare>,
) -> Option<Dealing> {
    let secret = match (share, &terms.previous) {
        (Some(share), Some(_)) => share.scalar(),
        (None, None) => Scalar::random(&mut *rng),
        _ => return None,
    };
    let mut coefficients = Grid::random(&mut *rng, terms.height(), terms.width());
    coefficients.set_constant(secret);
    let commitments = coefficients.map(|coefficient| Commitment::generator() * coefficient);
    let mut sealed = Vec::with_capacity(terms.receivers.len());
    for receiver in 0..terms.receivers() {
        let place = place_of(receiver);
        let column = coefficients.column(&place);
        let share = evaluate(&coefficients.first_column(), &place);
        let plain = Holding::from_scalars(share, column).encode();
        let key = &terms.receivers[usize::from(receiver)];
        sealed.push(sealing::seal(&mut *rng, key, &terms.label(dealer, receiver), &plain)?);
    }
    Some(Dealing { commitments, sealed })
}

/// The randomness of one dealing: of a secret seed and of what it is for. Two purposes of one seed have nothing in
/// common.
pub fn seeded(seed: &[u8; 32], context: &Digest) -> impl CryptoRng {
    let mut hasher = Hasher::new("clockless dealing randomness 2026");
    hasher.update(seed);
    hasher.update(&context.0);
    rand_chacha::ChaCha20Rng::from_seed(hasher.finish().0)
}

/// Where the polynomials of a member are evaluated: never at zero, where the secret is.
fn place_of(member: u16) -> Scalar {
    Scalar::from_u64(u64::from(member) + 1)
}

impl Dealing {
    /// The encoding that `decode` reads.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.commitments.items().for_each(|point| bytes.extend(point.encode()));
        self.sealed.iter().for_each(|sealed| bytes.extend(sealed));
        bytes
    }

    /// How many bytes a dealing on these terms has.
    pub fn size(terms: &Terms) -> usize {
        let points = terms.height() * terms.width() * Commitment::SIZE;
        points + terms.receivers.len() * sealed_size(terms)
    }

    /// `None` when the bytes are no dealing by `dealer` on these terms that a receiver could find right: the
    /// wrong length, no points, a threshold too low, or another share than the dealer's. Anybody sees the same.
    pub fn decode(bytes: &[u8], terms: &Terms, dealer: u16) -> Option<Self> {
        if bytes.len() != Self::size(terms) || dealer >= terms.dealers() {
            return None;
        }
        let (points, sealed) = bytes.split_at(bytes.len() - terms.receivers.len() * sealed_size(terms));
        let points: Option<Vec<Commitment>> = points
            .chunks_exact(Commitment::SIZE)
            .map(|point| Commitment::decode(point.to_vec()).ok())
            .collect();
        let commitments = Grid::new(points?, terms.width());
        let sealed = sealed.chunks_exact(sealed_size(terms)).map(<[u8]>::to_vec).collect();
        let dealing = Self { commitments, sealed };
        (dealing.has_degree() && dealing.is_of(terms, dealer)).then_some(dealing)
    }

    /// Whether fewer than the threshold cannot recover the secret.
    fn has_degree(&self) -> bool {
        self.commitments.items().all(|point| *point != Commitment::zero())
    }

    fn is_of(&self, terms: &Terms, dealer: u16) -> bool {
        let Some(previous) = &terms.previous else { return true };
        let held = previous.sharing().partial_public(Participant::new(u32::from(dealer)));
        held.is_ok_and(|held| held == *self.commitments.constant())
    }

    /// What `me` was dealt, or the opening that proves to everybody that it was dealt nonsense.
    ///
    /// # Errors
    /// The proof.
    pub fn open(&self, terms: &Terms, dealer: u16, me: u16, key: &OpeningKey) -> Result<Holding, Opening> {
        let opening = key.opening(&terms.label(dealer, me));
        self.holding(me, &opening).ok_or(opening)
    }

    /// Whether `opening` proves that `dealer` dealt `receiver` nonsense.
    pub fn is_refuted_by(&self, terms: &Terms, dealer: u16, receiver: u16, opening: &Opening) -> bool {
        let Some(key) = terms.receivers.get(usize::from(receiver)) else { return false };
        key.confirms(&terms.label(dealer, receiver), opening) && self.holding(receiver, opening).is_none()
    }

    fn holding(&self, receiver: u16, opening: &Opening) -> Option<Holding> {
        let sealed = self.sealed.get(usize::from(receiver))?;
        let holding = Holding::decode(&sealing::open(sealed, opening)?, self.commitments.height())?;
        let place = place_of(receiver);
        let shares = self.commitments.first_column();
        let share = holding.share.expose(|share| Commitment::generator() * share);
        let columns = holding.column.iter().map(|part| part.expose(|it| Commitment::generator() * it));
        let right =
            evaluate(&shares, &place) == share && self.commitments.column(&place).into_iter().eq(columns);
        right.then_some(holding)
    }
}

/// Bytes of one receiver's sealing.
fn sealed_size(terms: &Terms) -> usize {
    (1 + terms.height()) * Scalar::SIZE + sealing::OVERHEAD
}

impl Holding {
    fn from_scalars(share: Scalar, column: Vec<Scalar>) -> Self {
        Self { share: Private::new(share), column: column.into_iter().map(Private::new).collect() }
    }

    fn encode(&self) -> zeroize::Zeroizing<Vec<u8>> {
        let mut bytes = zeroize::Zeroizing::new(Vec::new());
        core::iter::once(&self.share).chain(&self.column).for_each(|part| bytes.extend(part.encode()));
        bytes
    }

    fn decode(bytes: &[u8], height: usize) -> Option<Self> {
        let mut parts = bytes.chunks(Scalar::SIZE).map(|part| Private::decode(part.to_vec()).ok());
        let share = parts.next()??;
        let column: Vec<Private> = parts.collect::<Option<_>>()?;
        (column.len() == height).then_some(Self { share, column })
    }

    /// The share, to combine with those of other dealings.
    pub fn share(&self) -> DealingShare {
        DealingShare::new(self.share.clone())
    }

    /// What helps `receiver` to its share of this dealing. To be told only after the dealing was refuted.
    pub fn point_for(&self, receiver: u16) -> Point {
        let column: Vec<Scalar> = self.column.iter().map(|part| part.expose(Clone::clone)).collect();
        let bytes = evaluate(&column, &place_of(receiver)).encode();
        Point(bytes.as_ref().try_into().expect("invariant: a scalar has 32 bytes"))
    }
}
