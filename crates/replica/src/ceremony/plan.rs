//! What everybody knows before a ceremony: who deals, who receives, and what there was before.
//!
//! Invariant: two validators with equal plans take part in one ceremony; a plan is never used twice, because the
//! network and the epoch are in its name.

use crypto::{Digest, Hasher, PublicKey, SealingKey, Terms, TermsError, ThresholdKey};

/// A member of the committee that gets the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receiver {
    pub key: PublicKey,
    pub sealing: SealingKey,
}

/// The old key, and who holds it in the order of its shares.
#[derive(Clone, Debug)]
pub struct Holders {
    pub key: ThresholdKey,
    pub members: Vec<PublicKey>,
}

/// One ceremony.
#[derive(Clone, Debug)]
pub struct Plan {
    pub network: Digest,
    /// The epoch that the key is for.
    pub epoch: u64,
    pub receivers: Vec<Receiver>,
    /// Whose key is handed on; without them the receivers make a new one.
    pub previous: Option<Holders>,
}

impl Plan {
    /// The ceremony's name, which everything said in it is signed for.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new("clockless ceremony plan 2026");
        hasher.update(&self.network.0);
        hasher.update(&self.epoch.to_le_bytes());
        hasher.update(&count(self.receivers.len()));
        for receiver in &self.receivers {
            hasher.update(&receiver.key.0);
            hasher.update(&receiver.sealing.0);
        }
        if let Some(previous) = &self.previous {
            hasher.update(&count(previous.members.len()));
            previous.members.iter().for_each(|member| hasher.update(&member.0));
            hasher.update(&previous.key.encode());
        }
        hasher.finish()
    }

    pub(super) fn terms(&self) -> Result<Terms, TermsError> {
        let sealing = self.receivers.iter().map(|receiver| receiver.sealing).collect();
        let previous = self.previous.as_ref().map(|previous| previous.key.clone());
        Terms::new(self.digest(), sealing, previous)
    }

    pub(super) fn receiver(&self, key: &PublicKey) -> Option<u16> {
        place_of(self.receivers.iter().map(|receiver| &receiver.key), key)
    }

    pub(super) fn dealer(&self, key: &PublicKey) -> Option<u16> {
        match &self.previous {
            Some(previous) => place_of(previous.members.iter(), key),
            None => self.receiver(key),
        }
    }
}

fn count(items: usize) -> [u8; 8] {
    u64::try_from(items).unwrap_or(u64::MAX).to_le_bytes()
}

fn place_of<'a>(mut keys: impl Iterator<Item = &'a PublicKey>, key: &PublicKey) -> Option<u16> {
    keys.position(|other| other == key).and_then(|place| u16::try_from(place).ok())
}
