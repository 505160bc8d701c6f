//! What a user signs.
//!
//! Invariant: an intent's signature covers every field and the network it is meant for; the same bytes
//! never count on another network.

use bytes::Bytes;
use commonware_codec::{DecodeExt, Encode, Error};
use crypto::{Claim, Digest, PublicKey, Signature, SigningKey};
use num::Timestamp;

use crate::{Action, BlockRef, List, limits::ACTIONS_MAX};

newtype! {
    /// An instrument by its number in the order of listing.
    pub struct InstrumentId(pub u32);
}
newtype! {
    /// An underlying by its number in genesis.
    pub struct UnderlyingId(pub u16);
}
newtype! {
    /// An order by the number the exchange gave it; unique for ever.
    pub struct OrderId(pub u64);
}
newtype! {
    /// The digest of an intent without its signature.
    pub struct IntentId(pub Digest);
}

record! {
    /// An owner's key and one of its subaccounts; 0 is the main one.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct AccountId {
        pub owner: PublicKey,
        pub subaccount: u16,
    }
}

tagged! {
    /// Whether the actions of an intent stand alone or together.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Atomicity {
        /// Each action is applied or rejected on its own.
        0 => Independent,
        /// All are applied, or none is.
        1 => AllOrNothing,
    }
}

record! {
    /// A request of a user: up to 64 actions in order, under one signature.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Intent {
        /// Digest of the genesis of the network this is meant for.
        pub network: Digest,
        pub account: AccountId,
        /// The key that signs: the owner's, or a session key of the account.
        pub key: PublicKey,
        /// Any unused number of the key's sliding window.
        pub nonce: u64,
        /// Refused in a commit whose time is later.
        pub valid_until: Timestamp,
        /// Refused unless this block was ordered before.
        pub after: Option<BlockRef>,
        pub atomicity: Atomicity,
        pub actions: List<Action, ACTIONS_MAX>,
    }
}

record! {
    /// An intent with the signature of its key, not yet checked.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SignedIntent {
        pub intent: Intent,
        pub signature: Signature,
    }
}

/// What an intent's signature is bound to.
pub(crate) const INTENT_NAMESPACE: &[u8] = b"clockless intent";

impl Intent {
    pub fn id(&self) -> IntentId {
        IntentId(Digest::of("clockless intent 2026", &self.encode()))
    }

    pub fn sign(self, key: &SigningKey) -> SignedIntent {
        let signature = key.sign(INTENT_NAMESPACE, &self.id().0.0);
        SignedIntent { intent: self, signature }
    }
}

impl SignedIntent {
    /// Reads an intent from a transaction's bytes.
    pub fn from_transaction(bytes: Bytes) -> Result<Self, Error> {
        Self::decode(bytes)
    }

    /// The statement to be verified; `id` is `self.intent.id()`, which the caller keeps alive.
    pub fn claim<'a>(&self, id: &'a IntentId) -> Claim<'a> {
        Claim {
            key: self.intent.key,
            namespace: INTENT_NAMESPACE,
            message: &id.0.0,
            signature: self.signature,
        }
    }
}
