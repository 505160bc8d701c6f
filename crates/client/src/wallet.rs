//! A key that signs intents for an account.
//!
//! Invariant: a wallet never uses a nonce twice, as long as it is started above the last one it used.

use commonware_codec::Encode;
use crypto::{Digest, SigningKey};
use num::Timestamp;
use wire::{AccountId, Action, Atomicity, Intent, IntentId, List, Transaction};

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
        self.sign_until(actions, atomicity, Timestamp::MAX)
    }

    /// The same for what may only be ordered until a commit's time.
    pub fn sign_until(
        &mut self,
        actions: Vec<Action>,
        atomicity: Atomicity,
        valid_until: Timestamp,
    ) -> Option<(IntentId, Transaction)> {
        let actions = List::new(actions)?;
        let intent = Intent {
            network: self.network,
            account: self.account,
            key: self.key.public_key(),
            nonce: self.next_nonce,
            valid_until,
            after: None,
            atomicity,
            actions,
        };
        self.next_nonce += 1;
        let id = intent.id();
        let transaction = Transaction::new(intent.sign(&self.key).encode())?;
        Some((id, transaction))
    }
}
