//! From dealings to a key and one's share of it.
//!
//! Invariant: the same dealings in the same order of dealers give everybody the same key. A fresh key is the sum
//! of what was dealt; a key handed on is the old one, interpolated from shares of it.

use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::bls12381::primitives::{
    group::{Private, Scalar, Share},
    sharing::Mode,
};
use commonware_math::algebra::{Additive, CryptoGroup, Ring};
use commonware_utils::Participant;

use super::{
    Commitment, Dealing, Point, Terms, place_of,
    polynomial::{evaluate, weights_at_zero},
};
use crate::{ThresholdKey, ThresholdShare};

/// A receiver's share of one dealing.
#[derive(Clone, Debug)]
pub struct DealingShare(Private);

impl DealingShare {
    pub(super) const fn new(share: Private) -> Self {
        Self(share)
    }
}

/// The key that these dealings make; the dealers must be distinct and as many as the terms need. `None` when they
/// are not, or when the key would be no key.
pub fn combine(terms: &Terms, dealings: &[(u16, &Dealing)]) -> Option<ThresholdKey> {
    let weights = weights(terms, dealings.iter().map(|(dealer, _)| *dealer))?;
    let mut sum = vec![Commitment::zero(); terms.height()];
    for ((_, dealing), weight) in dealings.iter().zip(&weights) {
        for (total, part) in sum.iter_mut().zip(dealing.commitments.first_column()) {
            *total += &(part * weight);
        }
    }
    let encoded = (Mode::NonZeroCounter, terms.members().get(), sum).encode();
    ThresholdKey::decode(encoded.to_vec(), terms.members())
        .filter(|key| terms.previous.as_ref().is_none_or(|previous| previous.has_same_public_as(key)))
}

/// The weight of each dealing; `None` when they are not exactly those that are needed.
fn weights(terms: &Terms, dealers: impl Iterator<Item = u16>) -> Option<Vec<Scalar>> {
    let dealers: Vec<u16> = dealers.collect();
    let mut distinct = dealers.clone();
    distinct.sort_unstable();
    distinct.dedup();
    if distinct.len() != dealers.len() || dealers.len() != usize::from(terms.dealings_needed()) {
        return None;
    }
    let places: Vec<Scalar> = dealers.into_iter().map(place_of).collect();
    Some(match terms.previous {
        Some(_) => weights_at_zero(&places),
        None => places.iter().map(|_| Scalar::one()).collect(),
    })
}

impl ThresholdShare {
    /// This receiver's share of the key that `combine` makes of the same dealings.
    pub fn combine(terms: &Terms, me: u16, shares: &[(u16, DealingShare)]) -> Option<Self> {
        let weights = weights(terms, shares.iter().map(|(dealer, _)| *dealer))?;
        let mut sum = Scalar::zero();
        for ((_, share), weight) in shares.iter().zip(&weights) {
            share.0.expose(|share| sum += &(share.clone() * weight));
        }
        Some(Self::new(Share::new(Participant::new(u32::from(me)), Private::new(sum))))
    }
}

impl Dealing {
    /// Whether `point` is what `helper` can know of `receiver`'s row.
    pub fn is_point_of(&self, receiver: u16, helper: u16, point: &Point) -> bool {
        let Some(value) = scalar(point) else { return false };
        let column = self.commitments.column(&place_of(helper));
        evaluate(&column, &place_of(receiver)) == Commitment::generator() * &value
    }

    /// A cheated receiver's share, from points of distinct helpers that were found right. `None` while they are
    /// too few.
    pub fn recover(&self, terms: &Terms, points: &[(u16, Point)]) -> Option<DealingShare> {
        let enough = points.get(..usize::from(terms.helpers_needed()))?;
        let places: Vec<Scalar> = enough.iter().map(|(helper, _)| place_of(*helper)).collect();
        let mut sum = Scalar::zero();
        for ((_, point), weight) in enough.iter().zip(weights_at_zero(&places)) {
            sum += &(scalar(point)? * &weight);
        }
        Some(DealingShare(Private::new(sum)))
    }
}

fn scalar(point: &Point) -> Option<Scalar> {
    Private::decode(point.0.to_vec()).ok().map(Private::expose_unwrap)
}
