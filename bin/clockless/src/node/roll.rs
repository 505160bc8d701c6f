//! Whose key is whose place, in the committees of the epochs at hand.
//!
//! Invariant: the first committees stay for those who still make the coin; of later ones the last few are kept.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use commonware_codec::DecodeExt;
use commonware_cryptography::ed25519::PublicKey;
use wire::{Author, Committee};

use crate::failure::Failure;

/// Committees kept beside the first.
const KEPT: usize = 4;

/// Keys by epoch and place, shared by all who send.
#[derive(Clone, Debug)]
pub struct Roll {
    first: Arc<Vec<PublicKey>>,
    later: Arc<RwLock<BTreeMap<u64, Vec<PublicKey>>>>,
}

impl Roll {
    /// The committee of the genesis, as that of epoch 0.
    pub fn new(first: &Committee) -> Result<Self, Failure> {
        Ok(Self { first: Arc::new(keys(first)?), later: Arc::default() })
    }

    /// Whether the committee was new.
    pub fn add(&self, committee: &Committee) -> Result<bool, Failure> {
        let keys = keys(committee)?;
        let mut later = self.later.write().unwrap_or_else(PoisonError::into_inner);
        let is_new = later.insert(committee.epoch(), keys).is_none();
        while later.len() > KEPT {
            later.pop_first();
        }
        Ok(is_new)
    }

    /// Of a member of an epoch's committee.
    pub fn key(&self, epoch: u64, author: Author) -> Option<PublicKey> {
        let place = usize::from(author.0);
        if epoch == 0 {
            return self.first.get(place).cloned();
        }
        let later = self.later.read().unwrap_or_else(PoisonError::into_inner);
        later.get(&epoch)?.get(place).cloned()
    }
}

/// The members' keys as the links use them.
pub fn keys(committee: &Committee) -> Result<Vec<PublicKey>, Failure> {
    let key = |author| committee.key(author).and_then(|key| PublicKey::decode(key.0.to_vec()).ok());
    let keys: Option<Vec<PublicKey>> = committee.authors().map(key).collect();
    keys.ok_or_else(|| Failure::bad_input("a validator's key is no Ed25519 key"))
}
