//! Bytes that one receiver can open, and can prove to have opened.
//!
//! Identity-based encryption under the receiver's own BLS12-381 key: what opens a sealing is the receiver's
//! signature on the sealing's label. So a receiver that was sealed nonsense publishes that one signature; anybody
//! checks that it is the receiver's, opens the sealing, and sees the nonsense. It opens nothing else.
//!
//! Invariant: a label is used for one sealing by whoever is honest; the key within is fresh, so the cipher's nonce
//! never changes. Left out on purpose: who sealed it. The message around says that.

use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, aead::Aead};
use commonware_codec::{DecodeExt, Encode};
use commonware_cryptography::bls12381::{
    primitives::{
        group::{Private, Scalar},
        ops,
        variant::{MinPk, Variant},
    },
    tle,
};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use bytes::BufMut;
use commonware_codec::{Buf, Error, FixedSize, Read, ReadExt, Write};

use crate::{Digest, signature::plain_bytes};

const NAMESPACE: &[u8] = b"clockless sealing";
const KEY_DOMAIN: &[u8] = b"CLOCKLESS_OPENING_KEY_V1";
/// Bytes that sealing adds.
pub(super) const OVERHEAD: usize = 112 + 16;

/// To whom something is sealed: a BLS12-381 public key as it travels, not yet checked.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SealingKey(pub [u8; 48]);

/// What opens one sealing: a signature on its label, as it travels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Opening(pub [u8; 96]);

plain_bytes!(SealingKey, 48);
plain_bytes!(Opening, 96);

/// The secret that opens everything sealed to its `SealingKey`. Its `Debug` shows nothing of it.
#[derive(Clone, Debug)]
pub struct OpeningKey(Private);

impl OpeningKey {
    /// The key of these secret bytes, which may serve other purposes under other names.
    pub fn from_secret(secret: &[u8; 32]) -> Self {
        Self(Private::new(Scalar::map(KEY_DOMAIN, secret)))
    }

    pub fn sealing_key(&self) -> SealingKey {
        let public = ops::compute_public::<MinPk>(&self.0).encode();
        SealingKey(public.as_ref().try_into().expect("invariant: a point of G1 has 48 bytes"))
    }

    /// What opens the sealing with this label, and no other.
    pub fn opening(&self, label: &Digest) -> Opening {
        let signature = ops::sign_message::<MinPk>(&self.0, NAMESPACE, &label.0).encode();
        Opening(signature.as_ref().try_into().expect("invariant: a point of G2 has 96 bytes"))
    }
}

impl SealingKey {
    pub(super) fn point(&self) -> Option<<MinPk as Variant>::Public> {
        DecodeExt::decode(self.0.to_vec()).ok()
    }

    /// Whether `opening` is the receiver's for this label.
    pub(super) fn confirms(&self, label: &Digest, opening: &Opening) -> bool {
        let (Some(key), Some(signature)) = (self.point(), opening.point()) else { return false };
        ops::verify_message::<MinPk>(&key, NAMESPACE, &label.0, &signature).is_ok()
    }
}

impl Opening {
    fn point(&self) -> Option<<MinPk as Variant>::Signature> {
        DecodeExt::decode(self.0.to_vec()).ok()
    }
}

/// `OVERHEAD` bytes longer than what is sealed. `None` when the key is no point.
pub(super) fn seal(
    rng: &mut impl CryptoRng,
    to: &SealingKey,
    label: &Digest,
    bytes: &[u8],
) -> Option<Vec<u8>> {
    let mut key = Zeroizing::new([0u8; 32]);
    rng.fill_bytes(key.as_mut());
    let block = tle::Block::new(*key);
    let wrapped = tle::encrypt::<_, MinPk>(rng, to.point()?, (NAMESPACE, &label.0), &block).ok()?;
    let mut sealed = wrapped.encode().to_vec();
    let cipher = ChaCha20Poly1305::new_from_slice(key.as_ref()).ok()?;
    sealed.extend(cipher.encrypt(&Nonce::default(), bytes).ok()?);
    Some(sealed)
}

/// `None` when this opens to nothing: whoever sealed it did so wrongly.
pub(super) fn open(sealed: &[u8], opening: &Opening) -> Option<Zeroizing<Vec<u8>>> {
    let (wrapped, ciphertext) = sealed.split_at_checked(OVERHEAD - 16)?;
    let wrapped = tle::Ciphertext::<MinPk>::decode(wrapped.to_vec()).ok()?;
    let key = tle::decrypt::<MinPk>(&opening.point()?, &wrapped)?;
    let cipher = ChaCha20Poly1305::new_from_slice(key.as_ref()).ok()?;
    cipher.decrypt(&Nonce::default(), ciphertext).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;

    use super::*;

    fn rng() -> rand_chacha::ChaCha20Rng {
        rand_chacha::ChaCha20Rng::from_seed([4; 32])
    }

    #[test]
    fn only_the_receivers_opening_of_the_label_opens_it() {
        let [mine, other] = [[1; 32], [2; 32]].map(|secret| OpeningKey::from_secret(&secret));
        let [label, another] = [b"a", b"b"].map(|text| Digest::of("clockless test", text));
        let sealed = seal(&mut rng(), &mine.sealing_key(), &label, b"a share").unwrap();
        assert_eq!(sealed.len(), b"a share".len() + OVERHEAD);
        assert_eq!(open(&sealed, &mine.opening(&label)).unwrap().as_slice(), b"a share");
        assert!(open(&sealed, &other.opening(&label)).is_none());
        assert!(open(&sealed, &mine.opening(&another)).is_none());
        assert!(mine.sealing_key().confirms(&label, &mine.opening(&label)));
        assert!(!mine.sealing_key().confirms(&label, &other.opening(&label)));
        assert!(!mine.sealing_key().confirms(&another, &mine.opening(&label)));
    }

    #[test]
    fn any_changed_byte_is_found_and_nothing_panics() {
        let mine = OpeningKey::from_secret(&[1; 32]);
        let label = Digest::of("clockless test", b"a");
        let sealed = seal(&mut rng(), &mine.sealing_key(), &label, b"a share").unwrap();
        for place in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[place] ^= 1;
            assert!(open(&changed, &mine.opening(&label)).is_none(), "byte {place}");
        }
        assert!(open(&sealed[..20], &mine.opening(&label)).is_none());
        assert!(open(&sealed, &Opening([0xff; 96])).is_none());
        assert!(seal(&mut rng(), &SealingKey([0xff; 48]), &label, b"").is_none());
        assert!(!SealingKey([0; 48]).confirms(&label, &Opening([0; 96])));
    }
}
