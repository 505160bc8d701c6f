//! Signatures for simulators: a keyed hash, where verifying means signing again.
//!
//! Invariant: bound to key, namespace and message as a real signature is; it proves nothing to anybody who does
//! not hold the secret, and whoever does can forge. No decoder makes such a key.

use crate::{Digest, Hasher, Signature};

/// What signs and verifies.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) Digest);

impl Secret {
    /// What the key goes by.
    pub(crate) fn name(&self) -> Digest {
        Digest::of("clockless simulated key 2026", &self.0.0)
    }

    pub(crate) fn sign(&self, namespace: &[u8], message: &[u8]) -> Signature {
        let mut hasher = Hasher::new("clockless simulated signature 2026");
        hasher.update(&self.0.0);
        hasher.update(&u64::try_from(namespace.len()).unwrap_or(u64::MAX).to_be_bytes());
        hasher.update(namespace);
        hasher.update(message);
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&hasher.finish().0);
        Signature(bytes)
    }
}

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("REDACTED")
    }
}
