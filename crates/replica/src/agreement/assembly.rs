//! What the ordering decides, on its way to the execution: references become contents.
//!
//! Invariant: commits and checkpoints leave in their order, each commit when the contents of all its batches are at
//! hand, and right behind it the word of which own batches it has ordered: with any commit the epoch can end, and what
//! would come later is void. A batch is forgotten by its worker only after its contents are. Contents that are asked for
//! ahead are few.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crypto::Digest;
use wire::{BatchRef, Checkpoint, Commit, CommittedBlock, CommittedPayload, List, Transaction, WorkerOrder};

use super::{Agreement, Output};

/// Batches that are asked for ahead.
const AHEAD: usize = 512;

/// The transactions of one batch of an ordered block.
#[derive(Debug)]
enum Contents {
    Here(Vec<Transaction>),
    /// To be told by a worker.
    Asked(BatchRef),
}

#[derive(Debug)]
struct Part {
    /// Without its transactions.
    block: CommittedBlock,
    batches: Vec<Contents>,
}

#[derive(Debug)]
enum Waiting {
    Commit { commit: Commit, parts: Vec<Part>, own: Vec<BatchRef> },
    Checkpoint(Checkpoint),
}

/// A batch whose contents were asked for, or will be.
#[derive(Debug)]
struct Wanted {
    reference: BatchRef,
    /// Ordered blocks that wait for it.
    uses: usize,
    transactions: Option<Vec<Transaction>>,
}

#[derive(Debug, Default)]
pub(super) struct Assembly {
    waiting: VecDeque<Waiting>,
    wanted: BTreeMap<Digest, Wanted>,
    /// In the order of their commits, to be asked for when there is room.
    to_ask: VecDeque<BatchRef>,
    asked: BTreeSet<Digest>,
    /// To be forgotten when they are not wanted any more.
    to_forget: Vec<BatchRef>,
    /// Own batches of the commits that wait.
    own: BTreeSet<Digest>,
}

impl Assembly {
    /// Whether a commit that waits has ordered this own batch.
    pub(super) fn has_own(&self, batch: &Digest) -> bool {
        self.own.contains(batch)
    }

    /// Whether nothing waits for contents.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    fn want(&mut self, reference: BatchRef) -> Contents {
        let fresh = Wanted { reference, uses: 0, transactions: None };
        let wanted = self.wanted.entry(reference.digest).or_insert(fresh);
        wanted.uses += 1;
        if wanted.uses == 1 {
            self.to_ask.push_back(reference);
        }
        Contents::Asked(reference)
    }

    /// Whether the first that waits has all its contents.
    fn is_ready(&self) -> bool {
        let is_there = |contents: &Contents| match contents {
            Contents::Here(_) => true,
            Contents::Asked(batch) => {
                self.wanted.get(&batch.digest).is_some_and(|wanted| wanted.transactions.is_some())
            }
        };
        match self.waiting.front() {
            None => false,
            Some(Waiting::Checkpoint(_)) => true,
            Some(Waiting::Commit { parts, .. }) => parts.iter().flat_map(|part| &part.batches).all(is_there),
        }
    }

    /// Batches of the first commit that are not asked for yet; they stand first in the queue.
    fn missing_of_first(&self) -> usize {
        let Some(Waiting::Commit { parts, .. }) = self.waiting.front() else { return 0 };
        let is_missing = |contents: &&Contents| match contents {
            Contents::Here(_) => false,
            Contents::Asked(batch) => !self.asked.contains(&batch.digest),
        };
        parts.iter().flat_map(|part| &part.batches).filter(is_missing).count()
    }

    fn take(&mut self, contents: Contents) -> Vec<Transaction> {
        let batch = match contents {
            Contents::Here(transactions) => return transactions,
            Contents::Asked(batch) => batch.digest,
        };
        let Some(wanted) = self.wanted.get_mut(&batch) else { return Vec::new() };
        wanted.uses -= 1;
        if wanted.uses > 0 {
            return wanted.transactions.clone().unwrap_or_default();
        }
        self.asked.remove(&batch);
        self.wanted.remove(&batch).and_then(|wanted| wanted.transactions).unwrap_or_default()
    }

    /// This validator goes on from a later commit: batches to forget, and own ones that commits which waited have ordered.
    pub(super) fn clear(&mut self) -> (Vec<BatchRef>, Vec<BatchRef>) {
        let Self { waiting, to_forget, .. } = core::mem::take(self);
        let own = waiting.into_iter().flat_map(|waiting| match waiting {
            Waiting::Commit { own, .. } => own,
            Waiting::Checkpoint(_) => Vec::new(),
        });
        (to_forget, own.collect())
    }
}

impl Agreement {
    /// Puts a commit out as soon as its contents are at hand.
    pub(super) fn assemble(&mut self, commit: Commit, out: &mut Vec<Output>) {
        let (mut parts, mut own) = (Vec::new(), Vec::new());
        for reference in &commit.blocks {
            let Some(it) = self.dag.accepted().get(reference) else { continue };
            if reference.author == self.config.author {
                own.extend(it.block.batches.iter().copied());
            }
            let block = CommittedBlock {
                reference: *reference,
                parents: it.block.parents.clone(),
                transactions: List::default(),
                attestations: it.block.attestations.clone(),
                evidence: it.block.evidence.clone(),
            };
            let batches = it.block.batches.iter().map(|batch| match self.crew.contents(batch) {
                Some(transactions) => Contents::Here(transactions.to_vec()),
                None => self.assembly.want(*batch),
            });
            parts.push(Part { block, batches: batches.collect() });
        }
        self.assembly.own.extend(own.iter().map(|batch| batch.digest));
        self.assembly.waiting.push_back(Waiting::Commit { commit, parts, own });
        self.put_out(out);
    }

    /// Puts a checkpoint out behind the commits before it.
    pub(super) fn put_checkpoint(&mut self, checkpoint: Checkpoint, out: &mut Vec<Output>) {
        self.assembly.waiting.push_back(Waiting::Checkpoint(checkpoint));
        self.put_out(out);
    }

    /// A worker tells the contents of a batch.
    pub(super) fn take_contents(
        &mut self,
        batch: &Digest,
        transactions: Vec<Transaction>,
        out: &mut Vec<Output>,
    ) {
        if let Some(wanted) = self.assembly.wanted.get_mut(batch) {
            wanted.transactions = Some(transactions);
            self.put_out(out);
        }
    }

    fn put_out(&mut self, out: &mut Vec<Output>) {
        while self.assembly.is_ready() {
            match self.assembly.waiting.pop_front() {
                Some(Waiting::Commit { commit, parts, own }) => {
                    let index = commit.index;
                    let blocks = parts.into_iter().map(|part| self.whole(part)).collect();
                    let blocks = List::new(blocks).expect("invariant: as many as the commit has");
                    out.push(Output::Commit(CommittedPayload { commit, blocks }));
                    self.tell_ordered(index, &own, out);
                }
                Some(Waiting::Checkpoint(checkpoint)) => out.push(Output::Checkpoint(checkpoint)),
                None => {}
            }
        }
        self.ask_contents(out);
        if self.assembly.is_empty() {
            let gone = core::mem::take(&mut self.assembly.to_forget);
            self.forget_batches(gone, out);
        }
    }

    /// The own batches of a commit are ordered: their worker tells who submitted them.
    fn tell_ordered(&mut self, commit: u64, own: &[BatchRef], out: &mut Vec<Output>) {
        for batch in own {
            self.assembly.own.remove(&batch.digest);
        }
        self.crew.order_about(own, |batches| WorkerOrder::Ordered { commit, batches }, out);
    }

    fn whole(&mut self, part: Part) -> CommittedBlock {
        let batches = part.batches.into_iter();
        let transactions: Vec<Transaction> = batches.flat_map(|it| self.assembly.take(it)).collect();
        let transactions = List::new(transactions).expect("invariant: a batch and a block have their limits");
        CommittedBlock { transactions, ..part.block }
    }

    fn ask_contents(&mut self, out: &mut Vec<Output>) {
        let mut asked = Vec::new();
        // The first commit gets all that it needs, however much that is.
        let mut needed = self.assembly.missing_of_first();
        while (needed > 0 || self.assembly.asked.len() < AHEAD)
            && let Some(batch) = self.assembly.to_ask.pop_front()
        {
            needed = needed.saturating_sub(1);
            self.assembly.asked.insert(batch.digest);
            asked.push((batch, batch.author));
        }
        if !asked.is_empty() {
            self.crew.order_wanted(&asked, |batches| WorkerOrder::Give { batches }, out);
        }
    }

    /// A worker is met: what it was asked for is asked for again.
    pub(super) fn ask_contents_again(&mut self, out: &mut Vec<Output>) {
        let wanted = self.assembly.wanted.values().filter(|it| it.transactions.is_none());
        let asked = wanted.filter(|it| self.assembly.asked.contains(&it.reference.digest));
        let asked: Vec<_> = asked.map(|it| (it.reference, it.reference.author)).collect();
        if !asked.is_empty() {
            self.crew.order_wanted(&asked, |batches| WorkerOrder::Give { batches }, out);
        }
    }

    /// Lets workers forget batches; what is still to be executed a little later.
    pub(super) fn forget_batches(&mut self, batches: Vec<BatchRef>, out: &mut Vec<Output>) {
        let wanted = &self.assembly.wanted;
        let (later, now): (Vec<BatchRef>, Vec<BatchRef>) =
            batches.into_iter().partition(|batch| wanted.contains_key(&batch.digest));
        self.assembly.to_forget.extend(later);
        now.iter().for_each(|batch| self.batches.forget(&batch.digest));
        if !now.is_empty() {
            self.crew.order_about(&now, |batches| WorkerOrder::Forget { batches }, out);
        }
    }
}
