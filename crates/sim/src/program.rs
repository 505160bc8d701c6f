//! What a simulated validator runs: the whole replica, or its agreement alone where a run is about the order only.
//!
//! Invariant: the agreement that runs is the real one; in place of an exchange stands the digest of all commits.

use bytes::Bytes;
use crypto::Digest;
use num::Timestamp;
use replica::{
    Replica,
    agreement::{Agreement, Input, Output, Record},
    execution::Executed,
};
use wire::{Blob, Checkpoint, CommittedPayload, Lineage, Snapshot, SnapshotRef};

/// A validator's program.
#[derive(Debug)]
pub enum Program {
    Whole(Box<Replica>),
    Agreement(Box<Order>),
}

/// Agreement, and a state that is nothing but the order.
#[derive(Debug)]
pub struct Order {
    agreement: Agreement,
    state: Digest,
    saved: Vec<(SnapshotRef, Bytes)>,
}

impl Program {
    pub fn resume(&mut self, snapshot: &Snapshot, published: (SnapshotRef, Bytes)) {
        match self {
            Self::Whole(replica) => {
                let resumed = replica.resume(snapshot, published);
                resumed.expect("invariant: what was saved can be read");
            }
            Self::Agreement(order) => {
                order.adopt(snapshot);
                order.agreement.resume(snapshot, published);
            }
        }
    }

    pub fn restore(
        &mut self,
        (section, record): (u64, Record),
        out: &mut Vec<Output>,
        executed: &mut Vec<Executed>,
    ) {
        match self {
            Self::Whole(replica) => replica.restore(section, record, out, executed),
            Self::Agreement(order) => {
                let from = out.len();
                order.agreement.restore(section, record, out);
                order.follow(&out[from..], executed);
            }
        }
    }

    pub fn start(&mut self, now: Timestamp, out: &mut Vec<Output>, executed: &mut Vec<Executed>) {
        match self {
            Self::Whole(replica) => replica.start(now, out, executed),
            Self::Agreement(order) => {
                let from = out.len();
                order.agreement.start(now, out);
                order.follow(&out[from..], executed);
            }
        }
    }

    pub fn step(
        &mut self,
        now: Timestamp,
        input: Input,
        out: &mut Vec<Output>,
        executed: &mut Vec<Executed>,
    ) {
        match self {
            Self::Whole(replica) => replica.step(now, input, out, executed),
            Self::Agreement(order) => {
                let from = out.len();
                order.agreement.step(now, input, out);
                order.follow(&out[from..], executed);
            }
        }
    }

    /// Snapshots of the checkpoints that were put out.
    pub fn take_saved(&mut self) -> Vec<(SnapshotRef, Bytes)> {
        match self {
            Self::Whole(replica) => replica.take_saved(),
            Self::Agreement(order) => core::mem::take(&mut order.saved),
        }
    }
}

impl Order {
    pub const fn new(agreement: Agreement) -> Self {
        Self { agreement, state: Digest::ZERO, saved: Vec::new() }
    }

    fn follow(&mut self, outputs: &[Output], executed: &mut Vec<Executed>) {
        for output in outputs {
            match output {
                Output::Commit(payload) => executed.push(self.apply(payload)),
                Output::Checkpoint(checkpoint) => self.saved.extend(self.save(checkpoint)),
                Output::Adopt { snapshot, .. } => self.adopt(snapshot),
                _ => {}
            }
        }
    }

    fn apply(&mut self, payload: &CommittedPayload) -> Executed {
        let both = [self.state.0, payload.commit.digest().0].concat();
        self.state = Digest::of("clockless sim state", &both);
        Executed {
            commit: payload.commit.index,
            root: self.state,
            events: Vec::new(),
            certificates: Vec::new(),
            broken_invariant: None,
        }
    }

    fn save(&self, checkpoint: &Checkpoint) -> Option<(SnapshotRef, Bytes)> {
        let state = Blob::new(self.state.0.to_vec())?;
        Some(Snapshot { checkpoint: checkpoint.clone(), lineage: Lineage::default(), state }.publish())
    }

    fn adopt(&mut self, snapshot: &Snapshot) {
        let bytes = snapshot.state.bytes().as_ref().try_into();
        self.state =
            Digest(bytes.expect("invariant: f + 1 name a snapshot only when a correct one has saved it"));
    }
}
