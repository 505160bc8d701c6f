//! BLAKE3 digests with a namespace.
//!
//! Invariant: equal digests mean equal namespace and equal bytes.

use blake3::hazmat::{ContextKey, HasherExt, hash_derive_key_context};
use bytes::BufMut;
use commonware_codec::{Buf, Error, FixedSize, Read, ReadExt, Write};

/// A 32-byte BLAKE3 output.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    pub const ZERO: Self = Self([0; 32]);

    /// The digest of `bytes` under `namespace` (BLAKE3's key derivation context).
    pub fn of(namespace: &'static str, bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new(namespace);
        hasher.update(bytes);
        hasher.finish()
    }

    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// A namespace whose name has been hashed, for those who use it again and again.
#[derive(Clone, Debug)]
pub struct Namespace(ContextKey);

impl Namespace {
    pub fn new(name: &'static str) -> Self {
        Self(hash_derive_key_context(name))
    }
}

/// A digest that grows by parts. The parts must be of fixed size or carry their length.
#[derive(Clone, Debug)]
pub struct Hasher(blake3::Hasher);

impl Hasher {
    pub fn new(namespace: &'static str) -> Self {
        Self(blake3::Hasher::new_derive_key(namespace))
    }

    /// The same as `new` with the namespace's name, at half of its cost for short inputs.
    pub fn within(namespace: &Namespace) -> Self {
        Self(blake3::Hasher::new_from_context_key(&namespace.0))
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(&self) -> Digest {
        Digest(*self.0.finalize().as_bytes())
    }
}

impl core::fmt::Display for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl core::fmt::Debug for Digest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0[..4].iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Write for Digest {
    fn write(&self, buf: &mut impl BufMut) {
        buf.put_slice(&self.0);
    }
}

impl FixedSize for Digest {
    const SIZE: usize = 32;
}

impl Read for Digest {
    type Cfg = ();
    fn read_cfg(buf: &mut impl Buf, (): &()) -> Result<Self, Error> {
        <[u8; 32]>::read(buf).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_namespace_separates_equal_bytes() {
        assert_ne!(Digest::of("clockless a", b"x"), Digest::of("clockless b", b"x"));
        assert_eq!(Digest::of("clockless a", b"x"), Digest::of("clockless a", b"x"));
    }

    #[test]
    fn a_known_input_keeps_its_digest() {
        let mut prepared = Hasher::within(&Namespace::new("clockless test"));
        prepared.update(b"abc");
        assert_eq!(prepared.finish(), Digest::of("clockless test", b"abc"));
        assert_eq!(
            Digest::of("clockless test", b"abc").to_string(),
            blake3::derive_key("clockless test", b"abc")
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect::<String>()
        );
    }
}
