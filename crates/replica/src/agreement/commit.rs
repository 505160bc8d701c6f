//! What the ordering decides.
//!
//! Invariant: every block of a commit is accepted, so its batches are held by the workers.

use num::Timestamp;
use ordering::Decision;
use wire::{BatchRef, BlockRef, Commit, List, Round, limits::BLOCK_BATCHES_MAX};

use super::{Agreement, Output, Record, WorkerPlaces};

impl Agreement {
    /// Takes the ordering's decisions up to the next commit; false when there are none. Blocks may become acceptable
    /// because the floor moved.
    pub(super) fn decide_next(&mut self, now: Timestamp, out: &mut Vec<Output>) -> bool {
        if self.halted {
            return false;
        }
        if self.decided.is_empty() {
            if !core::mem::take(&mut self.has_news) {
                return false;
            }
            self.ask_ordering(out);
        }
        let has_committed = self.hand_over_next(out);
        if has_committed && self.decided.is_empty() {
            let mut accepted = Vec::new();
            self.dag.set_floor(self.ordering.floor(), &mut accepted);
            self.forget(out);
            self.add_accepted(now, accepted, out);
        }
        true
    }

    fn ask_ordering(&mut self, out: &mut Vec<Output>) {
        self.has_decided = true;
        let mut decisions = Vec::new();
        if let Err(reason) = self.ordering.advance(&mut decisions) {
            self.halted = true;
            out.push(Output::Halt { reason });
        }
        self.decided.extend(decisions);
    }

    /// Takes decisions up to a commit and its checkpoint; whether there was a commit.
    fn hand_over_next(&mut self, out: &mut Vec<Output>) -> bool {
        let mut has_committed = false;
        while let Some(decision) =
            self.decided.pop_front_if(|next| !has_committed || matches!(next, Decision::Checkpoint(_)))
        {
            match decision {
                Decision::Revealed { round, value } if !self.restoring => {
                    self.persist(Record::Coin { round, value }, out);
                }
                Decision::Revealed { .. } => {}
                Decision::WrongShare { author, round } => {
                    out.push(Output::WrongShare { author, round });
                }
                Decision::Commit(commit) => {
                    has_committed = true;
                    self.hand_over(commit, out);
                }
                Decision::Checkpoint(checkpoint) => self.reach(checkpoint, out),
            }
        }
        has_committed
    }

    fn hand_over(&mut self, commit: Commit, out: &mut Vec<Output>) {
        let blocks = commit.blocks.clone();
        self.assemble(commit, out);
        for block in &blocks {
            self.settle_evidence(block);
            self.unordered_payload.remove(block);
            self.settle_own(block);
        }
    }

    /// The own batches that a block carries are ordered.
    pub(super) fn settle_own(&mut self, block: &BlockRef) -> List<BatchRef, BLOCK_BATCHES_MAX> {
        let own = Some(block).filter(|block| block.author == self.config.author);
        let carried = own.and_then(|block| self.dag.accepted().get(block));
        let batches = carried.map(|it| it.block.batches.clone()).unwrap_or_default();
        for batch in &batches {
            self.own.remove(&batch.digest);
        }
        batches
    }

    /// Bytes of own transactions on their way.
    pub(super) fn open_bytes(&self) -> usize {
        match self.config.pacing.worker_places {
            WorkerPlaces::Here => self.crew.open_bytes(),
            WorkerPlaces::Away => {
                let bytes = self.own.values().map(|own| usize::try_from(own.note.bytes).unwrap_or(0));
                bytes.sum()
            }
        }
    }

    /// Drops the blocks below a round, with their batches.
    pub(super) fn forget_before(&mut self, round: Round, out: &mut Vec<Output>) {
        let mut gone = self.dag.forget_before(round);
        gone.retain(|batch| !self.own.contains_key(&batch.digest));
        self.forget_batches(gone, out);
    }

    /// Drops what no peer is served from any more, and carries again what fell under the floor.
    fn forget(&mut self, out: &mut Vec<Output>) {
        let floor = self.ordering.floor();
        let highest = self.dag.accepted().highest_round();
        let keep = highest.before(self.config.pacing.retain_rounds).unwrap_or_default();
        self.forget_before(keep.min(floor), out);
        while self.batches.bytes() > self.config.pacing.retain_bytes
            && let Some(lowest) = self.dag.accepted().lowest_round().filter(|lowest| *lowest < floor)
        {
            self.forget_before(lowest.next(), out);
        }
        while let Some((block, ())) = self.unordered_payload.first_key_value()
            && block.round <= floor
        {
            self.unordered_payload.pop_first();
        }
        if self.own.values().any(|own| own.carried.is_some_and(|round| round <= floor)) {
            self.requeue_uncarried();
        }
    }
}
