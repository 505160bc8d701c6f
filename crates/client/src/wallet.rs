//! A key that signs intents for an account.
//!
//! Invariant: a wallet never uses a nonce twice, as long as it is started above the last one it used.

use commonware_codec::Encode;
use crypto::{Digest, SigningKey};
use num::Timestamp;
use wire::{
    AccountId, Action, Atomicity, BlockLeg, BlockOffer, BlockTerms, Intent, IntentId, List, OrderId,
    OrderTarget, SignedIntent, Transaction,
};

/// Signs for one account on one network.
#[derive(Clone, Debug)]
pub struct Wallet {
    network: Digest,
    account: AccountId,
    key: SigningKey,
    next_nonce: u64,
}

impl Wallet {
    /// `first_nonce` must lie above every nonce that this key has used; the time in microseconds will do.
    pub fn new(network: Digest, account: AccountId, key: SigningKey, first_nonce: u64) -> Self {
        Self { network, account, key, next_nonce: first_nonce }
    }

    /// The main account of an owner's key.
    pub fn of_owner(network: Digest, key: SigningKey, first_nonce: u64) -> Self {
        let account = AccountId { owner: key.public_key(), subaccount: 0 };
        Self::new(network, account, key, first_nonce)
    }

    pub const fn account(&self) -> AccountId {
        self.account
    }

    /// Signs up to 64 actions; `None` when there are more.
    pub fn sign(&mut self, actions: Vec<Action>, atomicity: Atomicity) -> Option<(IntentId, Transaction)> {
        let signed = self.intent(actions, atomicity, Timestamp::MAX)?;
        Some((signed.intent.id(), Transaction::new(signed.encode())?))
    }

    /// The same for what may only be ordered until a commit's time, not yet as the bytes of a transaction.
    pub fn intent(
        &mut self,
        actions: Vec<Action>,
        atomicity: Atomicity,
        valid_until: Timestamp,
    ) -> Option<SignedIntent> {
        let nonce = self.next_nonce;
        let signed = self.intent_under(nonce, (actions, atomicity), valid_until)?;
        self.next_nonce += 1;
        Some(signed)
    }

    /// An intent under a number that this key gave to an offer: it uses the number up, so that the offer can no longer be
    /// taken.
    pub fn revoke(&self, offer: &BlockTerms) -> Option<SignedIntent> {
        let nothing = Action::Cancel { target: OrderTarget::Id { order: OrderId(0) } };
        self.intent_under(offer.nonce, (vec![nothing], Atomicity::Independent), Timestamp::MAX)
    }

    /// Signs an offer of up to 16 legs, to one account or to whoever has it; `None` when there are more.
    pub fn offer(
        &mut self,
        taker: Option<AccountId>,
        valid_until: Timestamp,
        legs: Vec<BlockLeg>,
    ) -> Option<BlockOffer> {
        let terms = BlockTerms {
            network: self.network,
            maker: self.account,
            key: self.key.public_key(),
            nonce: self.next_nonce,
            taker,
            valid_until,
            legs: List::new(legs)?,
        };
        self.next_nonce += 1;
        Some(terms.sign(&self.key))
    }

    fn intent_under(
        &self,
        nonce: u64,
        (actions, atomicity): (Vec<Action>, Atomicity),
        valid_until: Timestamp,
    ) -> Option<SignedIntent> {
        let intent = Intent {
            network: self.network,
            account: self.account,
            key: self.key.public_key(),
            nonce,
            valid_until,
            after: None,
            atomicity,
            actions: List::new(actions)?,
        };
        Some(intent.sign(&self.key))
    }
}
