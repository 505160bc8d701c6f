//! Ed25519 signatures under ZIP 215, where batch and single verification always agree.
//!
//! Invariant: bytes that are no point or no valid signature verify as `false`, nothing panics.
//! The randomness that batch verification needs is derived from the batch itself, so that a core stays
//! pure: whoever forms a batch cannot choose it after the weights are known.

use bytes::BufMut;
use commonware_codec::{Buf, DecodeExt, Encode, Error, FixedSize, Read, ReadExt, Write};
use commonware_cryptography::{BatchEntry, BatchVerifier, Signer, Verifier, ed25519};
use commonware_parallel::Sequential;
use rand_core::SeedableRng;

use crate::{Digest, Hasher, simulated};

/// An Ed25519 public key as it travels: 32 bytes, not yet checked to be a point.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub [u8; 32]);

/// An Ed25519 signature as it travels: 64 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signature(pub [u8; 64]);

/// A public key decoded once, for keys that verify often.
#[derive(Clone, Debug)]
pub struct VerifyingKey(Public);

#[derive(Clone, Debug)]
enum Public {
    Ed25519(ed25519::PublicKey),
    Simulated(Digest),
}

/// A private key. Its `Debug` shows nothing of it.
#[derive(Clone, Debug)]
pub struct SigningKey(Secret);

#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a process holds a handful, nearly all of them large")]
enum Secret {
    Ed25519(ed25519::PrivateKey),
    Simulated(simulated::Secret),
}

/// Somebody's statement that `signature` is `key`'s on `message` under `namespace`.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    pub key: PublicKey,
    pub namespace: &'a [u8],
    pub message: &'a [u8],
    pub signature: Signature,
}

impl SigningKey {
    /// The key with these 32 secret bytes; every value is a key.
    pub fn from_bytes(secret: [u8; 32]) -> Self {
        let key = ed25519::PrivateKey::decode(secret.to_vec());
        Self(Secret::Ed25519(key.expect("invariant: any 32 bytes are an Ed25519 seed")))
    }

    /// A key for simulators, a hundred times as fast: whoever can verify with it can sign with it too. Nothing
    /// that is read from bytes ever becomes such a key, so only code that asks for one by this name has one.
    pub fn simulated(secret: [u8; 32]) -> Self {
        Self(Secret::Simulated(simulated::Secret(Digest(secret))))
    }

    /// The key that verifies what this one signs.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(match &self.0 {
            Secret::Ed25519(key) => Public::Ed25519(key.public_key()),
            Secret::Simulated(secret) => Public::Simulated(secret.0),
        })
    }

    /// The secret bytes, to be written to a key file and nowhere else.
    pub fn to_bytes(&self) -> [u8; 32] {
        match &self.0 {
            Secret::Ed25519(key) => {
                key.encode().as_ref().try_into().expect("invariant: an Ed25519 seed has 32 bytes")
            }
            Secret::Simulated(secret) => secret.0.0,
        }
    }

    pub fn public_key(&self) -> PublicKey {
        match &self.0 {
            Secret::Ed25519(key) => {
                let bytes = key.public_key().encode();
                PublicKey(bytes.as_ref().try_into().expect("invariant: an Ed25519 key has 32 bytes"))
            }
            Secret::Simulated(secret) => PublicKey(secret.name().0),
        }
    }

    pub fn sign(&self, namespace: &[u8], message: &[u8]) -> Signature {
        match &self.0 {
            Secret::Ed25519(key) => {
                let bytes = key.sign(namespace, message).encode();
                Signature(bytes.as_ref().try_into().expect("invariant: an Ed25519 signature has 64 bytes"))
            }
            Secret::Simulated(secret) => secret.sign(namespace, message),
        }
    }
}

impl PublicKey {
    /// `None` when the bytes are no point of the curve.
    pub fn decode(&self) -> Option<VerifyingKey> {
        decode_key(self).map(|key| VerifyingKey(Public::Ed25519(key)))
    }

    pub fn verify(&self, namespace: &[u8], message: &[u8], signature: &Signature) -> bool {
        self.decode().is_some_and(|key| key.verify(namespace, message, signature))
    }
}

impl VerifyingKey {
    pub fn verify(&self, namespace: &[u8], message: &[u8], signature: &Signature) -> bool {
        match &self.0 {
            Public::Ed25519(key) => decode_signature(signature)
                .is_some_and(|signature| key.verify(namespace, message, &signature)),
            Public::Simulated(secret) => simulated::Secret(*secret).sign(namespace, message) == *signature,
        }
    }
}

/// Which of the claims hold, in their order. One equation for all when all hold; halves otherwise.
pub fn verify_batch(claims: &[Claim<'_>]) -> Vec<bool> {
    let decoded: Vec<_> = claims.iter().map(decode_claim).collect();
    let mut verdicts = vec![false; claims.len()];
    let present: Vec<(usize, Decoded<'_>)> =
        decoded.into_iter().enumerate().filter_map(|(index, claim)| Some((index, claim?))).collect();
    bisect(&present, &mut verdicts);
    verdicts
}

struct Decoded<'a> {
    key: ed25519::PublicKey,
    signature: ed25519::Signature,
    claim: Claim<'a>,
}

fn decode_key(key: &PublicKey) -> Option<ed25519::PublicKey> {
    ed25519::PublicKey::decode(key.0.to_vec()).ok()
}

fn decode_signature(signature: &Signature) -> Option<ed25519::Signature> {
    ed25519::Signature::decode(signature.0.to_vec()).ok()
}

fn decode_claim<'a>(claim: &Claim<'a>) -> Option<Decoded<'a>> {
    let key = decode_key(&claim.key)?;
    Some(Decoded { key, signature: decode_signature(&claim.signature)?, claim: *claim })
}

fn bisect(claims: &[(usize, Decoded<'_>)], verdicts: &mut [bool]) {
    match claims {
        [] => {}
        [(index, one)] => {
            verdicts[*index] = one.key.verify(one.claim.namespace, one.claim.message, &one.signature);
        }
        many if all_hold(many) => many.iter().for_each(|(index, _)| verdicts[*index] = true),
        many => {
            let (left, right) = many.split_at(many.len() / 2);
            bisect(left, verdicts);
            bisect(right, verdicts);
        }
    }
}

fn all_hold(claims: &[(usize, Decoded<'_>)]) -> bool {
    let mut hasher = Hasher::new("clockless batch verification weights 2026");
    for (_, one) in claims {
        hasher.update(&one.claim.key.0);
        hasher.update(&one.claim.signature.0);
        hasher.update(blake3::hash(one.claim.message).as_bytes());
    }
    let mut rng = rand_chacha::ChaCha20Rng::from_seed(hasher.finish().0);
    ed25519::PublicKey::verify_batch(
        &mut rng,
        claims,
        |_, (_, one)| BatchEntry {
            namespace: one.claim.namespace,
            message: one.claim.message,
            public_key: &one.key,
            signature: &one.signature,
        },
        &Sequential,
    )
}

macro_rules! plain_bytes {
    ($name:ident, $size:literal) => {
        impl Write for $name {
            fn write(&self, buf: &mut impl BufMut) {
                buf.put_slice(&self.0);
            }
        }
        impl FixedSize for $name {
            const SIZE: usize = $size;
        }
        impl Read for $name {
            type Cfg = ();
            fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, Error> {
                <[u8; $size]>::read(buf).map(Self)
            }
        }
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    };
}
pub(crate) use plain_bytes;

plain_bytes!(PublicKey, 32);
plain_bytes!(Signature, 64);

#[cfg(test)]
mod tests {
    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_bytes([seed; 32])
    }

    #[test]
    fn a_signature_holds_for_its_key_namespace_and_message_only() {
        let signature = key(1).sign(b"intent", b"buy");
        assert!(key(1).public_key().verify(b"intent", b"buy", &signature));
        assert!(!key(2).public_key().verify(b"intent", b"buy", &signature));
        assert!(!key(1).public_key().verify(b"block", b"buy", &signature));
        assert!(!key(1).public_key().verify(b"intent", b"sell", &signature));
    }

    #[test]
    fn a_simulated_signature_is_bound_like_a_real_one_and_never_read_from_bytes() {
        let (one, other) = (SigningKey::simulated([1; 32]), SigningKey::simulated([2; 32]));
        let signature = one.sign(b"intent", b"buy");
        assert!(one.verifying_key().verify(b"intent", b"buy", &signature));
        assert!(!other.verifying_key().verify(b"intent", b"buy", &signature));
        assert!(!one.verifying_key().verify(b"block", b"buy", &signature));
        assert!(!one.verifying_key().verify(b"intent", b"sell", &signature));
        assert!(!one.verifying_key().verify(b"intentb", b"uy", &signature));
        assert!(!one.public_key().verify(b"intent", b"buy", &signature), "its name is a point at best");
        assert!(!format!("{one:?}").contains("01"), "{one:?}");
        let real = key(1);
        assert!(real.verifying_key().verify(b"n", b"m", &real.sign(b"n", b"m")));
    }

    #[test]
    fn a_batch_finds_each_wrong_claim_and_no_other() {
        let messages: Vec<[u8; 1]> = (0..20).map(|i| [i]).collect();
        for wrong in [vec![], vec![0], vec![19], vec![3, 4, 11]] {
            let claims: Vec<Claim<'_>> = messages
                .iter()
                .enumerate()
                .map(|(i, message)| {
                    let signer = key(u8::try_from(i % 3).unwrap());
                    let namespace: &[u8] = if wrong.contains(&i) { b"other" } else { b"intent" };
                    let signature = signer.sign(namespace, message);
                    Claim { key: signer.public_key(), namespace: b"intent", message, signature }
                })
                .collect();
            let verdicts = verify_batch(&claims);
            for (i, verdict) in verdicts.iter().enumerate() {
                assert_eq!(*verdict, !wrong.contains(&i), "claim {i}");
            }
        }
    }

    #[test]
    fn garbage_never_panics_and_a_batch_judges_it_as_a_single_check_does() {
        let good = key(1).sign(b"n", b"m");
        let mut refused = 0;
        for byte in 0..=255 {
            let garbage = Claim {
                key: PublicKey([byte; 32]),
                namespace: b"n",
                message: b"m",
                signature: Signature([byte; 64]),
            };
            let valid = Claim { key: key(1).public_key(), namespace: b"n", message: b"m", signature: good };
            let alone = garbage.key.verify(garbage.namespace, garbage.message, &garbage.signature);
            assert_eq!(verify_batch(&[garbage, valid]), [alone, true]);
            refused += usize::from(!alone);
        }
        // A point of small order verifies by ZIP 215; nobody can own one by accident.
        assert!(refused >= 254, "{refused} of 256 refused");
    }

    #[test]
    fn secret_bytes_round_trip() {
        assert_eq!(key(7).to_bytes(), [7; 32]);
    }
}
