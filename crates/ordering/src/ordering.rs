//! The driver: takes blocks in, has every revealed slot ruled on, puts out the longest decided prefix.
//!
//! Invariant: a slot is evaluated only after the coin of its round is known; slots are put out in order and
//! a decision, once made, stands.

use crypto::{Coin, CoinShare, CoinValue};
use wire::{Author, BlockRef, Checkpoint, Committee, List, Round};

use crate::{
    CommitHead, Decision, Fault, Metrics, Parameters, ParametersError, Vertex, WaveLength,
    commits::Chain,
    graph::Graph,
    rule::{Anchor, Ruling},
    schedule::{LeaderSchedule, Slots, Status},
    shares::Shares,
};

/// The commit rule of one validator over one epoch.
#[derive(Debug)]
pub struct Ordering {
    length: WaveLength,
    graph: Graph,
    shares: Shares,
    slots: Slots,
    chain: Chain,
    metrics: Metrics,
    checkpoint_rounds: u64,
    /// The floor of the last checkpoint.
    checkpointed: Round,
    /// Something came in since the last evaluation that can decide a slot.
    stale: bool,
}

impl Ordering {
    pub fn new(
        committee: Committee,
        parameters: Parameters,
        coin: Box<dyn Coin>,
    ) -> Result<Self, ParametersError> {
        let length = parameters.check(&committee)?;
        let leaders_per_round = parameters.leaders_per_round;
        let schedule = LeaderSchedule { members: committee.size(), leaders_per_round };
        Ok(Self {
            length,
            graph: Graph::new(committee, length),
            shares: Shares::new(coin),
            slots: Slots::new(schedule),
            chain: Chain::new(parameters.gc_depth),
            metrics: Metrics::default(),
            checkpoint_rounds: parameters.checkpoint_rounds,
            checkpointed: Round(0),
            stale: false,
        })
    }

    /// Goes on after a checkpoint of this epoch, as if everything before it had been seen. Blocks above its
    /// floor are to be accepted again.
    pub fn resume(&mut self, checkpoint: &Checkpoint) {
        let Checkpoint { index, digest, leader, time, .. } = *checkpoint;
        self.graph.resume(checkpoint.floor, checkpoint.ordered.iter().copied());
        self.shares.clear();
        self.slots.restart(checkpoint.next_round, checkpoint.next_rank);
        self.chain.restart(CommitHead { index, digest, leader, time });
        self.checkpointed = checkpoint.floor;
        self.stale = false;
    }

    /// Takes an accepted block in. Its parents came before it, or lie at or under the floor, or are the
    /// implied ones of round 0. Blocks that are known or lie under the floor change nothing.
    ///
    /// # Panics
    /// When a parent above the floor is missing or the author is a stranger: `dag` rules both out.
    pub fn accept(&mut self, vertex: Vertex) {
        let Vertex { reference, parents, timestamp, coin_share } = vertex;
        self.stale |= self.graph.insert(reference, timestamp, &parents);
        let Some(wave) = self.length.certified_in(reference.round) else { return };
        if let Some(share) = coin_share
            && self.slots.lacks(wave.propose())
        {
            self.shares.add(wave.propose(), reference.author, share);
        }
    }

    /// This validator's coin share for its block of `round`; `None` in the rounds that certify no wave.
    pub fn share_for(&self, round: Round) -> Option<CoinShare> {
        self.length.certified_in(round).map(|wave| self.shares.own(wave.propose()))
    }

    /// Makes the coin share of a block of `round` at leisure: `share_for` has it at hand then.
    pub fn prepare_share(&mut self, round: Round) {
        if let Some(wave) = self.length.certified_in(round) {
            self.shares.prepare(wave.propose());
        }
    }

    /// Tells the coin of a round from the own log: it was `Revealed` before and is not checked again.
    pub fn restore_coin(&mut self, round: Round, value: CoinValue) {
        self.reveal(round, value);
    }

    /// Puts out what became certain: revealed coins and wrong shares, then the commits that follow.
    /// After a fault nothing more is committed.
    pub fn advance(&mut self, out: &mut Vec<Decision>) -> Result<(), Fault> {
        if let Some(fault) = self.graph.fault() {
            return Err(fault.clone());
        }
        let before = out.len();
        for (round, value) in self.shares.recover(self.graph.committee(), out) {
            out.push(Decision::Revealed { round, value });
            self.reveal(round, value);
        }
        self.count_coins(&out[before..]);
        if core::mem::take(&mut self.stale) {
            self.evaluate();
            self.put_out(out);
        }
        Ok(())
    }

    /// No block of this round or of a lower one will be ordered any more, and none is held.
    pub const fn floor(&self) -> Round {
        self.graph.floor()
    }

    /// The end of the chain of commits; `None` before the first.
    pub const fn last_commit(&self) -> Option<&CommitHead> {
        self.chain.head()
    }

    /// Whether a commit holds this block. Known above the floor only; `false` for what is forgotten.
    pub fn is_ordered(&self, block: &BlockRef) -> bool {
        self.graph.find(block).is_some_and(|place| self.graph.is_ordered(place))
    }

    /// The block of `author` in `round` that `block` supports: what it votes for when it is a voting block of
    /// that round's wave. Known above the floor and down to the voting distance.
    pub fn supported(&self, block: &BlockRef, author: Author, round: Round) -> Option<BlockRef> {
        let place = self.graph.supported(self.graph.find(block)?, author, round)?;
        Some(self.graph.reference(place))
    }

    /// Rounds from the first undecided slot's to the highest that holds a block, both included.
    pub fn undecided_depth(&self) -> u64 {
        (self.graph.highest().0 + 1).saturating_sub(self.slots.next_round().0)
    }

    /// The round of the first slot that is not decided.
    pub const fn first_undecided_round(&self) -> Round {
        self.slots.next_round()
    }

    /// The highest round that holds a block; 0 before the first.
    pub fn highest_round(&self) -> Round {
        self.graph.highest()
    }

    /// How many blocks are in memory.
    pub fn blocks_held(&self) -> usize {
        self.graph.held()
    }

    pub const fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    fn reveal(&mut self, round: Round, value: CoinValue) {
        if self.slots.lacks(round) {
            self.shares.forget(round);
            self.slots.reveal(round, value);
            self.stale = true;
        }
    }

    /// Decides what can be decided, from the highest revealed round down: a slot's anchor lies above it.
    fn evaluate(&mut self) {
        let Some(highest) = self.slots.highest_revealed() else { return };
        // Of the rounds from `highest` down: the first slot from there on that is not skipped.
        let mut anchors: Vec<Anchor> = Vec::new();
        for round in (self.slots.next_round().0..=highest.0).rev() {
            let wave = self.length.proposed_in(Round(round)).expect("invariant: slots lie in rounds from 1");
            let Some(slots) = self.slots.at(wave.propose()) else {
                anchors.push(Anchor::Open);
                continue;
            };
            let above = highest.0.checked_sub(wave.anchor().0).and_then(|above| usize::try_from(above).ok());
            let anchor = above.and_then(|above| anchors.get(above)).copied().unwrap_or(Anchor::Open);
            for slot in slots.iter_mut().filter(|slot| slot.status == Status::Undecided) {
                let ruling = Ruling::on(&self.graph, wave, slot.author, anchor);
                ruling.count(&mut self.metrics);
                slot.status = ruling.status();
            }
            let first = slots.iter().find_map(|slot| match slot.status {
                Status::Skip => None,
                Status::Undecided => Some(Anchor::Open),
                Status::Commit(leader) => Some(Anchor::Committed(leader)),
            });
            anchors.push(first.or_else(|| anchors.last().copied()).unwrap_or(Anchor::Open));
        }
    }

    fn put_out(&mut self, out: &mut Vec<Decision>) {
        while let Some(decided) = self.slots.take_decided() {
            let Some((leader, coin)) = decided else { continue };
            for commit in self.chain.commit(&mut self.graph, leader, coin) {
                self.metrics.commits += 1;
                self.metrics.blocks_ordered += u64::try_from(commit.blocks.len()).unwrap_or(u64::MAX);
                out.push(Decision::Commit(commit));
            }
            out.extend(self.due_checkpoint().map(Decision::Checkpoint));
        }
    }

    /// A checkpoint when the floor has come far enough: at the same commits on every validator.
    fn due_checkpoint(&mut self) -> Option<Checkpoint> {
        let floor = self.graph.floor();
        let head = *self.chain.head()?;
        if floor.0 / self.checkpoint_rounds == self.checkpointed.0 / self.checkpoint_rounds {
            return None;
        }
        self.checkpointed = floor;
        Some(Checkpoint {
            epoch: self.graph.committee().epoch(),
            index: head.index,
            digest: head.digest,
            leader: head.leader,
            time: head.time,
            floor,
            next_round: self.slots.next_round(),
            next_rank: self.slots.next_rank(),
            ordered: List::new(self.graph.ordered())?,
        })
    }

    fn count_coins(&mut self, decisions: &[Decision]) {
        for decision in decisions {
            match decision {
                Decision::Revealed { .. } => self.metrics.coins_revealed += 1,
                Decision::WrongShare { .. } => self.metrics.wrong_shares += 1,
                Decision::Commit(_) | Decision::Checkpoint(_) => {}
            }
        }
    }
}
