//! Batches that are missing, and whom to ask for them next.
//!
//! Invariant: a question goes to one peer at a time and round the whole committee, at once for what is known to be
//! missing and after a while for what may be on its way; when everybody was asked in vain the pauses grow. Only the
//! primary makes a worker ask, and what it asks for no more is dropped.

use std::collections::BTreeMap;

use crypto::Digest;
use num::{Duration, Timestamp};
use wire::{Author, WantedBatch};

/// Questions at one time.
const QUESTIONS_MAX: usize = 64 * 1024;
/// Pauses without a word of the primary after which a question is dropped.
const PATIENCE: u64 = 16;
/// How often a pause doubles at the most.
const DOUBLINGS_MAX: u64 = 4;

#[derive(Clone, Copy, Debug)]
struct Question {
    /// Whom to ask first.
    holder: Author,
    /// Asked so often.
    times: u64,
    /// When to ask next.
    due: Timestamp,
    /// When the primary last said that it is missing.
    renewed: Timestamp,
}

#[derive(Debug)]
pub(crate) struct Questions {
    author: Author,
    committee_size: u16,
    pause: Duration,
    open: BTreeMap<Digest, Question>,
    /// Not later than the earliest question that is due.
    due: Timestamp,
}

impl Questions {
    pub(crate) fn new(author: Author, committee_size: u16, pause: Duration) -> Self {
        Self { author, committee_size, pause, open: BTreeMap::new(), due: Timestamp::MAX }
    }

    /// The primary lacks a batch: to be asked for when `due` has come, or as planned already.
    pub(crate) fn want(&mut self, now: Timestamp, wanted: &WantedBatch, due: Timestamp) {
        if self.open.len() >= QUESTIONS_MAX && !self.open.contains_key(&wanted.digest) {
            return;
        }
        let fresh = Question { holder: wanted.holder, times: 0, due, renewed: now };
        let question = self.open.entry(wanted.digest).or_insert(fresh);
        question.renewed = now;
        if question.times == 0 {
            question.due = question.due.min(due);
        }
        self.due = self.due.min(question.due);
    }

    /// When something may still be on its way until.
    pub(crate) const fn after_a_pause(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.pause)
    }

    /// The batch is here; whether it was asked for.
    pub(crate) fn answered(&mut self, batch: &Digest) -> bool {
        self.open.remove(batch).is_some_and(|question| question.times > 0)
    }

    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        (!self.open.is_empty()).then_some(self.due)
    }

    /// What to ask now, by peer.
    pub(crate) fn take_due(&mut self, now: Timestamp) -> BTreeMap<Author, Vec<Digest>> {
        let mut asked: BTreeMap<Author, Vec<Digest>> = BTreeMap::new();
        if now < self.due {
            return asked;
        }
        let stale = now.saturating_sub(Duration::from_millis(self.pause.millis().saturating_mul(PATIENCE)));
        self.open.retain(|_, question| question.times == 0 || question.renewed >= stale);
        let circle = u64::from(self.committee_size.max(1));
        for (digest, question) in &mut self.open {
            if now < question.due {
                continue;
            }
            let from = u64::from(question.holder.0).saturating_add(question.times);
            let peers = (0..circle).filter_map(|step| u16::try_from((from + step) % circle).ok());
            let Some(peer) = peers.map(Author).find(|peer| *peer != self.author) else { continue };
            asked.entry(peer).or_default().push(*digest);
            question.times += 1;
            let doublings = (question.times / circle).min(DOUBLINGS_MAX);
            let pause = Duration::from_millis(self.pause.millis().max(1) << doublings);
            question.due = now.saturating_add(pause);
        }
        self.due = self.open.values().map(|question| question.due).min().unwrap_or(Timestamp::MAX);
        asked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn wanted(holder: u16) -> WantedBatch {
        WantedBatch { digest: Digest::of("test batch", b"one"), holder: Author(holder) }
    }

    fn questions() -> Questions {
        Questions::new(Author(1), 4, Duration::from_millis(100))
    }

    #[test]
    fn everybody_is_asked_in_turn_and_then_less_and_less_often() {
        let mut questions = questions();
        let mut asked = Vec::new();
        for now in 0..6_000 {
            questions.want(at(now), &wanted(3), at(now));
            for (peer, batches) in questions.take_due(at(now)) {
                assert_eq!(batches, [wanted(3).digest]);
                asked.push((now, peer.0));
            }
        }
        let peers: Vec<u16> = asked.iter().take(4).map(|(_, peer)| *peer).collect();
        assert_eq!(peers, [3, 0, 2, 2], "the holder first, never itself");
        let pauses: Vec<u64> = asked.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
        assert_eq!(pauses[..3], [100; 3]);
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]), "{pauses:?}");
        assert!(pauses.last().is_some_and(|last| *last >= 400), "{pauses:?}");
    }

    #[test]
    fn what_may_be_on_its_way_is_asked_for_after_a_pause_or_when_it_is_known_to_be_missing() {
        let mut questions = questions();
        questions.want(at(0), &wanted(3), questions.after_a_pause(at(0)));
        assert!(questions.take_due(at(99)).is_empty());
        assert!(!questions.answered(&wanted(3).digest), "nobody was asked");
        questions.want(at(0), &wanted(3), questions.after_a_pause(at(0)));
        questions.want(at(50), &wanted(3), at(50));
        assert_eq!(questions.take_due(at(50)).len(), 1);
        assert!(questions.answered(&wanted(3).digest));
        assert_eq!(questions.next_due(), None);
    }

    #[test]
    fn what_the_primary_does_not_miss_any_more_is_dropped() {
        let mut questions = questions();
        questions.want(at(0), &wanted(0), at(0));
        let asked: usize = (0..100).map(|step| questions.take_due(at(step * 100)).len()).sum();
        assert!((2..40).contains(&asked), "{asked}");
        assert_eq!(questions.next_due(), None);
    }
}
