//! What the root says of receipts, so that the outcomes of an intent can be proved.
//!
//! Invariant: of each of the last [`COMMITS_MAX`] commits with receipts there is one leaf, the root of the map of that
//! commit's receipts: at an intent's id lies its receipt. A proof that is made while the leaf is there holds for ever
//! (docs/adr/0027).

use std::collections::VecDeque;

use bytes::Bytes;
use commonware_codec::Encode;
use crypto::Digest;
use tree::{Changes, Map, Path};
use wire::{Event, IntentId};

use crate::state::State;

/// Commits with receipts whose leaf is kept: of two commits or two hundred a second the last two hours or the last minute.
pub const COMMITS_MAX: usize = 1 << 14;

/// The root of the receipts of each of the last commits that had any, by rising commit.
pub(crate) type Roots = VecDeque<(u64, Digest)>;

/// Where an intent's receipt lies in the map of its commit.
pub fn path(intent: IntentId) -> Path {
    Path::of(&intent.0.0)
}

/// The receipt that an event is, with its intent.
pub fn encode(event: &Event) -> Option<(IntentId, Bytes)> {
    match event {
        Event::Receipt { intent, .. } => Some((*intent, event.encode())),
        _ => None,
    }
}

/// The map of a commit's receipts.
pub fn map_of(receipts: impl IntoIterator<Item = (IntentId, impl AsRef<[u8]>)>) -> Map {
    let (mut map, mut changes) = (Map::new(), Changes::new());
    for (intent, receipt) in receipts {
        changes.add(path(intent), Some(receipt.as_ref()));
    }
    map.update(changes);
    map
}

impl State {
    /// Notes what the present commit has of receipts, and lets the oldest go.
    pub(crate) fn note_receipts(&mut self) {
        let root = map_of(self.events.iter().filter_map(encode)).root();
        if root == Digest::ZERO {
            return;
        }
        self.receipts.push_back((self.commit, root));
        self.touched.receipts.push(self.commit);
        if self.receipts.len() > COMMITS_MAX
            && let Some((oldest, _)) = self.receipts.pop_front()
        {
            self.touched.receipts.push(oldest);
        }
    }

    /// The root of the receipts of a commit; `None` when it had none, or when it was long ago.
    pub fn receipts_of(&self, commit: u64) -> Option<Digest> {
        let place = self.receipts.binary_search_by_key(&commit, |(of, _)| *of).ok()?;
        self.receipts.get(place).map(|(_, root)| *root)
    }
}

#[cfg(test)]
mod tests {
    use wire::{AccountId, List};

    use super::*;
    use crate::{Genesis, leaf::LeafKey};

    fn receipt(number: u64) -> Event {
        let intent = IntentId(Digest::of("clockless test intent", &number.to_be_bytes()));
        Event::Receipt { intent, account: AccountId::default(), outcomes: List::default() }
    }

    /// The leaves that came or went since the last call.
    fn changes(state: &mut State) -> Vec<(LeafKey, Option<Vec<u8>>)> {
        let mut all = Vec::new();
        state.take_changes(|key, value| all.push((key, value)));
        all
    }

    #[test]
    fn a_leaf_comes_with_each_commit_that_has_receipts_and_the_oldest_goes() {
        let mut state = State::new(&Genesis::with_usual_parameters(), Digest::ZERO).expect("sound");
        changes(&mut state);
        let commits = u64::try_from(COMMITS_MAX).expect("few");
        for commit in 1..=commits {
            state.commit = commit;
            state.events = vec![receipt(commit)];
            state.note_receipts();
        }
        assert_eq!(changes(&mut state).len(), COMMITS_MAX);
        state.commit = commits + 1;
        state.events =
            vec![Event::IntentRejected { intent: IntentId(Digest::ZERO), reject: wire::Reject::NotReporter }];
        state.note_receipts();
        assert_eq!(changes(&mut state), [], "a commit without receipts has no leaf");
        let (one, other) = (receipt(7), receipt(8));
        state.commit = commits + 2;
        state.events = vec![one.clone(), other];
        state.note_receipts();
        let root = state.receipts_of(commits + 2).expect("it is the last");
        let came = (LeafKey::Receipts(commits + 2), Some(root.0.to_vec()));
        assert_eq!(changes(&mut state), [came, (LeafKey::Receipts(1), None)]);
        assert_eq!((state.receipts_of(1), state.receipts_of(2).is_some()), (None, true));
        let (intent, bytes) = encode(&one).expect("a receipt");
        let proof = map_of(state.events.iter().filter_map(encode)).prove(path(intent));
        assert_eq!(proof.verify(&root, path(intent), Some(&bytes)), Ok(()));
        assert!(proof.verify(&root, path(intent), Some(&bytes[1..])).is_err());
    }
}
