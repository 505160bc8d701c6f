//! The receipts of the last commits, to be proved against the state (docs/adr/0027).
//!
//! Invariant: whole commits are kept, the newest ones, up to so many bytes: at least the last. What was executed before a
//! snapshot from which the node went on is not here.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::Bytes;
use exchange::receipts::{self, COMMITS_MAX};
use wire::{Event, IntentId};

/// Bytes of receipts kept in all.
const BYTES_MAX: usize = 128 * 1024 * 1024;

/// What became of the intents of the last commits with any.
#[derive(Default)]
pub struct Receipts {
    commits: VecDeque<(u64, Arc<Receipted>)>,
    commit_of: BTreeMap<IntentId, u64>,
    bytes: usize,
}

/// A commit's receipts.
pub type Receipted = [(IntentId, Bytes)];

impl Receipts {
    /// Takes the receipts out of the events of the next commit.
    pub fn add(&mut self, commit: u64, events: &[Event]) {
        let receipted: Arc<Receipted> = events.iter().filter_map(receipts::encode).collect();
        if receipted.is_empty() {
            return;
        }
        self.commit_of.extend(receipted.iter().map(|(intent, _)| (*intent, commit)));
        self.bytes += bytes_of(&receipted);
        self.commits.push_back((commit, receipted));
        while self.commits.len() > COMMITS_MAX || (self.bytes > BYTES_MAX && self.commits.len() > 1) {
            let Some((_, oldest)) = self.commits.pop_front() else { return };
            self.bytes -= bytes_of(&oldest);
            for (intent, _) in &*oldest {
                self.commit_of.remove(intent);
            }
        }
    }

    /// The commit of an intent, and all that it did of receipts.
    pub fn commit_with(&self, intent: IntentId) -> Option<(u64, Arc<Receipted>)> {
        let commit = *self.commit_of.get(&intent)?;
        let place = self.commits.binary_search_by_key(&commit, |(of, _)| *of).ok()?;
        self.commits.get(place).map(|(_, receipted)| (commit, Arc::clone(receipted)))
    }

    /// The first commit whose receipts are here.
    pub fn first(&self) -> Option<u64> {
        self.commits.front().map(|(commit, _)| *commit)
    }
}

fn bytes_of(receipted: &Receipted) -> usize {
    receipted.iter().map(|(_, receipt)| size_of::<(IntentId, Bytes)>() + receipt.len()).sum()
}

#[cfg(test)]
mod tests {
    use crypto::Digest;
    use wire::{AccountId, List};

    use super::*;

    fn receipt(number: u64) -> Event {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&number.to_be_bytes());
        Event::Receipt {
            intent: IntentId(Digest(id)),
            account: AccountId::default(),
            outcomes: List::default(),
        }
    }

    fn id(event: &Event) -> IntentId {
        receipts::encode(event).expect("a receipt").0
    }

    #[test]
    fn the_oldest_commits_go_and_commits_without_receipts_take_no_room() {
        let mut kept = Receipts::default();
        assert_eq!(kept.first(), None);
        let commits = u64::try_from(COMMITS_MAX).unwrap();
        for commit in 1..=commits + 2 {
            kept.add(2 * commit, &[receipt(commit)]);
            kept.add(2 * commit + 1, &[]);
        }
        assert_eq!(kept.first(), Some(6));
        assert!(kept.commit_with(id(&receipt(2))).is_none());
        let (commit, all) = kept.commit_with(id(&receipt(3))).unwrap();
        assert_eq!((commit, all.len(), kept.commit_of.len()), (6, 1, COMMITS_MAX));
    }
}
