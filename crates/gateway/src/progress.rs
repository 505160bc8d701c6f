//! How far an account's intents are, told on `user.clockless.intents`: in a validator's batch, ordered, under a root that
//! a quorum has signed.
//!
//! Invariant: each stage of an intent is told at most once, and none after a later one.
//! Left out on purpose: intents that another gateway sent.

use std::collections::VecDeque;

use serde_json::{Value, json};
use wire::{AccountId, IntentId};

use crate::{Gateway, channel::INTENTS, hub::Topic, lock};

/// Ordered intents that wait for a certified root; the earliest make room, and are not told of again.
const UNCERTIFIED_MAX: usize = 16_384;

/// Ordered intents that no certified root covers yet, by rising commits.
#[derive(Debug, Default)]
pub(crate) struct Progress(VecDeque<(u64, AccountId, IntentId)>);

impl Progress {
    fn add(&mut self, commit: u64, account: AccountId, intent: IntentId) {
        self.0.push_back((commit, account, intent));
        if self.0.len() > UNCERTIFIED_MAX {
            self.0.pop_front();
        }
    }

    /// Takes what was ordered up to a commit.
    fn take_until(&mut self, commit: u64) -> Vec<(u64, AccountId, IntentId)> {
        let covered = self.0.partition_point(|(of, ..)| *of <= commit);
        self.0.drain(..covered).collect()
    }
}

impl Gateway {
    /// A validator has an intent in a batch that is durable. Of what was ordered meanwhile nothing is told.
    pub(crate) fn tell_accepted(&self, intent: IntentId) {
        let waiting = lock(&self.waiting);
        if let Some(it) = waiting.get(&intent) {
            let told = json!({ "intent": intent.to_string(), "state": "accepted" });
            self.tell_progress(it.intent.intent.account, &told);
        }
    }

    /// An intent was ordered, and executed or refused.
    pub(crate) fn tell_final(&self, intent: IntentId, (account, commit): (AccountId, u64)) {
        let told = json!({ "intent": intent.to_string(), "state": "final", "commit": commit });
        self.tell_progress(account, &told);
        lock(&self.progress).add(commit, account, intent);
    }

    /// A quorum has signed the root after a commit.
    pub(crate) fn tell_certified(&self, certified: u64) {
        let covered = lock(&self.progress).take_until(certified);
        for (commit, account, intent) in covered {
            let told = json!({
                "intent": intent.to_string(),
                "state": "certified",
                "commit": commit,
                "certified_commit": certified,
            });
            self.tell_progress(account, &told);
        }
    }

    fn tell_progress(&self, account: AccountId, told: &Value) {
        let topic = Topic { channel: INTENTS.to_owned(), account: Some(account) };
        self.hub.publish(&topic, told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_covers_what_was_ordered_up_to_its_commit_once() {
        let mut progress = Progress::default();
        let intent = |byte: u8| IntentId(crypto::Digest([byte; 32]));
        for (commit, byte) in [(4, 1), (4, 2), (7, 3)] {
            progress.add(commit, AccountId::default(), intent(byte));
        }
        let taken = |progress: &mut Progress, commit| {
            progress.take_until(commit).into_iter().map(|(_, _, id)| id).collect::<Vec<_>>()
        };
        assert!(taken(&mut progress, 3).is_empty());
        assert_eq!(taken(&mut progress, 5), [intent(1), intent(2)]);
        assert!(taken(&mut progress, 6).is_empty());
        assert_eq!(taken(&mut progress, 7), [intent(3)]);
    }
}
