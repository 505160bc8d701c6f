//! What the ordering decides, assembled with its contents.
//!
//! Invariant: every block of a commit is accepted, so its batches are held; the payload is complete.

use wire::{BlockRef, Commit, CommittedBlock, CommittedPayload, List, Round};

use super::{Agreement, Output, Record};

impl Agreement {
    /// Takes the ordering's decisions; appends blocks that became acceptable because the floor moved.
    pub(super) fn decide(&mut self, out: &mut Vec<Output>, accepted: &mut Vec<BlockRef>) {
        let mut decisions = Vec::new();
        let fault = self.ordering.advance(&mut decisions).err();
        let mut committed = false;
        for decision in decisions {
            match decision {
                ordering::Decision::Revealed { round, value } if !self.restoring => {
                    self.persist(Record::Coin { round, value }, out);
                }
                ordering::Decision::Revealed { .. } => {}
                ordering::Decision::WrongShare { author, round } => {
                    out.push(Output::WrongShare { author, round });
                }
                ordering::Decision::Commit(commit) => {
                    committed = true;
                    self.hand_over(commit, out);
                }
                ordering::Decision::Checkpoint(checkpoint) => self.reach(checkpoint, out),
            }
        }
        if committed {
            self.dag.set_floor(self.ordering.floor(), accepted);
            self.forget();
        }
        if let Some(reason) = fault {
            self.halted = true;
            out.push(Output::Halt { reason });
        }
    }

    fn hand_over(&mut self, commit: Commit, out: &mut Vec<Output>) {
        let index = commit.index;
        let blocks: Vec<CommittedBlock> =
            commit.blocks.iter().filter_map(|block| self.contents(block)).collect();
        let mut finals = Vec::new();
        for block in &commit.blocks {
            self.settle_evidence(block);
            self.unordered_payload.remove(block);
            finals.extend(self.settle_own(block));
        }
        let blocks = List::new(blocks).expect("invariant: as many as the commit has");
        out.push(Output::Commit(CommittedPayload { commit, blocks }));
        out.extend(finals.into_iter().map(|ticket| Output::Final { ticket, commit: index }));
    }

    fn contents(&self, reference: &BlockRef) -> Option<CommittedBlock> {
        let it = self.dag.accepted().get(reference)?;
        let mut transactions = Vec::new();
        for batch in &it.block.batches {
            let held = self.shelf.get(&batch.digest);
            transactions.extend(held.into_iter().flat_map(|held| held.batch.transactions.iter().cloned()));
        }
        Some(CommittedBlock {
            reference: *reference,
            parents: it.block.parents.clone(),
            transactions: List::new(transactions)?,
            attestations: it.block.attestations.clone(),
            evidence: it.block.evidence.clone(),
        })
    }

    /// The tickets of the own batches that a block carries: they are final.
    pub(super) fn settle_own(&mut self, block: &BlockRef) -> Vec<u64> {
        if block.author != self.config.author {
            return Vec::new();
        }
        let Some(it) = self.dag.accepted().get(block) else { return Vec::new() };
        let mut tickets = Vec::new();
        for batch in &it.block.batches {
            if let Some(own) = self.own.remove(&batch.digest) {
                tickets.extend(own.tickets);
            }
            if let Some(held) = self.shelf.get(&batch.digest) {
                self.builder.ordered(&held.batch);
            }
        }
        tickets
    }

    /// Drops the blocks below a round, with their batches.
    pub(super) fn forget_before(&mut self, round: Round) {
        for batch in self.dag.forget_before(round) {
            if !self.own.contains_key(&batch) {
                self.shelf.forget(&batch);
                self.sections.forget_batch(&batch);
            }
        }
    }

    /// Drops what no peer is served from any more, and carries again what fell under the floor.
    fn forget(&mut self) {
        let floor = self.ordering.floor();
        let highest = self.dag.accepted().highest_round();
        self.forget_before(highest.before(self.config.pacing.retain_rounds).unwrap_or_default().min(floor));
        while self.shelf.bytes() > self.config.pacing.retain_bytes
            && let Some(lowest) = self.dag.accepted().lowest_round().filter(|lowest| *lowest < floor)
        {
            self.forget_before(lowest.next());
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
