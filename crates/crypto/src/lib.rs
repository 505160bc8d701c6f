//! Signatures, digests and the threshold coin.
