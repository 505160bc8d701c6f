//! Signatures, digests and the threshold coin.
//!
//! Invariant: every signature and digest is bound to a namespace, so that bytes signed for one purpose
//! never pass for another. No primitive is ours: BLAKE3, Ed25519 (ZIP 215 rules, so that single and batch
//! verification always agree) and BLS12-381 come from libraries.
//! Left out on purpose: randomness. A caller passes it in; a core has none.

mod coin;
mod dealing;
mod digest;
mod public_coin;
mod signature;
mod simulated;
mod threshold;

pub use coin::{Coin, CoinError, CoinShare, CoinValue, permutation};
pub use dealing::{
    Dealing, DealingShare, Holding, Opening, OpeningKey, Point, SealingKey, Terms, TermsError, combine,
    deal_by, seeded,
};
pub use digest::{Digest, Hasher, Namespace};
pub use public_coin::PublicCoin;
pub use signature::{Claim, PublicKey, Signature, SigningKey, VerifyingKey, verify_batch};
pub use threshold::{ThresholdCoin, ThresholdKey, ThresholdShare, deal};
