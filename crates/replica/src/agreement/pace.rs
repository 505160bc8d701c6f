//! When to seal a batch and when to make the next block.
//!
//! Invariant: nothing here decides what is ordered. An own block is on disk before it leaves, and there is
//! one a round for ever.

use std::collections::{BTreeMap, VecDeque};

use num::{Duration, Timestamp};
use wire::{
    BatchRef, Blob, Block, List, Message, Round,
    limits::{BLOCK_ATTESTATIONS_MAX, BLOCK_BATCHES_MAX},
};

use super::{Agreement, Output, Record};

impl Agreement {
    /// Does what is due and says when to look again.
    pub(super) fn pace(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.crew.settle(out);
        self.take_words(out);
        self.note_ready(now);
        while let Some(due) = self.next_block_due(now) {
            if now < due || !self.propose(now, out) {
                break;
            }
            self.note_ready(now);
        }
        if let Some(at) = self.wake_at(now) {
            out.push(Output::WakeAt(at));
        }
    }

    /// When the next own block may be made; `None` while it cannot be.
    fn next_block_due(&self, now: Timestamp) -> Option<Timestamp> {
        if self.halted || self.recovery.is_open() || self.is_behind() {
            return None;
        }
        let own = self.dag.own_latest();
        let draft = self.dag.draft(own, self.ordering.first_undecided_round())?;
        let pacing = &self.config.pacing;
        // Rounds that others have left behind are made up for at once.
        if draft.round < self.dag.quorum_round() {
            return Some(now);
        }
        // Whoever went ahead has a reason, and waits for a quorum before it can say more.
        let is_called = self.has_work() || self.dag.accepted().authors(draft.round) > 0;
        let wait = if !is_called {
            pacing.heartbeat_ms
        } else if self.dag.accepted().authors(own.round) < usize::from(self.config.committee.size()) {
            pacing.round_delay_ms_min + self.grace(own.round)
        } else {
            pacing.round_delay_ms_min
        };
        let due = self.proposed_at.saturating_add(Duration::from_millis(wait));
        Some(due.max(self.ready.1.saturating_add(self.late_grace(own.round))))
    }

    /// Over long distances a quorum comes long after the own block, and a block with nothing but a quorum of
    /// parents certifies only what all of them vote for: a small part of that time lets the nearest others in.
    fn late_grace(&self, round: wire::Round) -> Duration {
        let everybody = usize::from(self.config.committee.size());
        if !self.has_work() || self.dag.accepted().authors(round) >= everybody {
            return Duration::from_millis(0);
        }
        let quorum_took = self.ready.1.since(self.proposed_at).millis();
        Duration::from_millis((quorum_took / 16).min(self.grace(round)))
    }

    fn note_ready(&mut self, now: Timestamp) {
        let draft = self.dag.draft(self.dag.own_latest(), self.ordering.first_undecided_round());
        if let Some(round) = draft.map(|draft| draft.round)
            && round != self.ready.0
        {
            self.ready = (round, now);
        }
    }

    /// The grace for validators that are missing in a round, if they were there lately.
    fn grace(&self, round: Round) -> u64 {
        let lately = round.before(4).unwrap_or_default();
        let accepted = self.dag.accepted();
        let missing =
            self.config.committee.authors().filter(|author| accepted.first(round, *author).is_none());
        let mut missing =
            missing.map(|author| accepted.latest(author).is_some_and(|block| block.round >= lately));
        if missing.any(|was_there| was_there) { self.config.pacing.grace_ms } else { 0 }
    }

    /// Whether anything anywhere waits to be ordered.
    fn has_work(&self) -> bool {
        !self.own.is_empty() || !self.unordered_payload.is_empty() || self.crew.has_waiting()
    }

    fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        let retry = self.retry_at;
        let block = self.next_block_due(now).unwrap_or(retry);
        let worker = self.crew.wake_at().unwrap_or(retry);
        Some(retry.min(block).min(worker).max(now.saturating_add(Duration::from_millis(1))))
    }

    /// Makes the next own block; false when it cannot be made.
    fn propose(&mut self, now: Timestamp, out: &mut Vec<Output>) -> bool {
        let own = self.dag.own_latest();
        let Some(draft) = self.dag.draft(own, self.ordering.first_undecided_round()) else { return false };
        let Some(parents) = List::new(draft.parents) else { return false };
        // What waits goes along: it could not be ordered earlier anyway, and large batches went ahead of it.
        self.crew.seal(out);
        self.take_words(out);
        let batches = self.take_batches();
        let count = self.attestations.len().min(BLOCK_ATTESTATIONS_MAX);
        let attestations = List::new(self.attestations.drain(..count).collect()).unwrap_or_default();
        let earlier = self.dag.accepted().get(&own).map_or(Timestamp::ZERO, |it| it.block.timestamp);
        let block = Block {
            epoch: self.config.committee.epoch(),
            author: self.config.author,
            round: draft.round,
            timestamp: now.max(earlier),
            parents,
            batches,
            coin_share: self.ordering.share_for(draft.round),
            attestations,
            evidence: self.take_evidence(draft.round),
        };
        self.publish(now, block, out);
        true
    }

    fn publish(&mut self, now: Timestamp, block: Block, out: &mut Vec<Output>) {
        use commonware_codec::Encode;
        let reference = block.reference();
        let signed = block.sign(&self.key);
        let encoded = signed.encode();
        let blob =
            Blob::new(encoded.clone()).expect("invariant: the limits of a block's parts fit into a block");
        let wire::SignedBlock { block, signature } = signed;
        let verified = dag::VerifiedBlock { reference, block, signature, encoded };
        self.proposed_at = now;
        let mut accepted = Vec::new();
        self.dag.insert(verified, |_| true, &mut accepted);
        // The record comes with the acceptance, so it stands before the message.
        let persisted = out.len();
        self.add_accepted(now, accepted, out);
        let message = Output::Broadcast { message: Message::Block { block: blob } };
        let after_record = out[persisted..]
            .iter()
            .position(|it| matches!(it, Output::Persist { record: Record::Block { .. }, .. }));
        out.insert(persisted + after_record.map_or(0, |place| place + 1), message);
    }

    fn take_batches(&mut self) -> List<wire::BatchRef, BLOCK_BATCHES_MAX> {
        // Rounds that wait to be decided for long must not fill the memory.
        if self.ordering.undecided_depth() > self.config.pacing.undecided_rounds_max {
            return List::default();
        }
        let taken = self.next_batches();
        self.own_queue.retain(|digest| !taken.iter().any(|batch| batch.digest == *digest));
        List::new(taken).unwrap_or_default()
    }

    /// Own batches for the next block: of each worker in turn, in the order of sealing.
    fn next_batches(&self) -> Vec<BatchRef> {
        let mut of_worker: BTreeMap<u8, VecDeque<BatchRef>> = BTreeMap::new();
        for own in self.own_queue.iter().filter_map(|digest| self.own.get(digest)) {
            of_worker.entry(own.note.reference.worker).or_default().push_back(own.note.reference);
        }
        let mut taken = Vec::new();
        while taken.len() < BLOCK_BATCHES_MAX && of_worker.values().any(|waiting| !waiting.is_empty()) {
            let room = BLOCK_BATCHES_MAX - taken.len();
            taken.extend(of_worker.values_mut().filter_map(VecDeque::pop_front).take(room));
        }
        taken
    }
}
