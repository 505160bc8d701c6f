//! What two accounts trade with each other beside the books.
//!
//! Invariant: the maker's signature covers every field and the network; who takes it signs the intent that carries
//! it. So there are two signatures on every leg.

use commonware_codec::Encode;
use crypto::{Claim, Digest, PublicKey, Signature, SigningKey};
use num::{Lots, Side, Ticks, Timestamp};

use crate::{AccountId, InstrumentId, List, limits::BLOCK_LEGS_MAX};

record! {
    /// One leg, as the maker sees it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct BlockLeg {
        pub instrument: InstrumentId,
        pub side: Side,
        pub price: Ticks,
        pub lots: Lots,
    }
}

record! {
    /// What a maker offers: all legs or none.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct BlockTerms {
        /// Digest of the genesis of the network this is meant for.
        pub network: Digest,
        pub maker: AccountId,
        /// The key that signs: the owner's, or a session key that may trade.
        pub key: PublicKey,
        /// Any unused number of the key's sliding window; it is used when the offer is taken.
        pub nonce: u64,
        /// Whom it is for; anybody where it is absent.
        pub taker: Option<AccountId>,
        pub valid_until: Timestamp,
        pub legs: List<BlockLeg, BLOCK_LEGS_MAX>,
    }
}

record! {
    /// An offer with the signature of its key, not yet checked.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct BlockOffer {
        pub terms: BlockTerms,
        pub signature: Signature,
    }
}

const BLOCK_NAMESPACE: &[u8] = b"clockless block trade";

impl BlockTerms {
    pub fn digest(&self) -> Digest {
        Digest::of("clockless block trade 2026", &self.encode())
    }

    pub fn sign(self, key: &SigningKey) -> BlockOffer {
        let signature = key.sign(BLOCK_NAMESPACE, &self.digest().0);
        BlockOffer { terms: self, signature }
    }
}

impl BlockOffer {
    /// The statement to be verified; `digest` is `self.terms.digest()`, which the caller keeps alive.
    pub fn claim<'a>(&self, digest: &'a Digest) -> Claim<'a> {
        let (key, signature) = (self.terms.key, self.signature);
        Claim { key, namespace: BLOCK_NAMESPACE, message: &digest.0, signature }
    }
}
