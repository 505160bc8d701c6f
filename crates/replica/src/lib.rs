//! One pure validator: worker, dag, ordering, exchange and tree composed, without IO.
//!
//! `agreement` turns submissions and messages into commits; `execution` turns commits into state, roots and
//! attestations. The two meet in plain values, so a shell may run them on two threads; [`Replica`] runs them
//! on one.
//!
//! Invariant: effects leave as ordered values; what must be durable comes before what depends on it.

pub mod agreement;
pub mod ceremony;
pub mod execution;
pub mod founding;
pub mod snapshot;
pub mod succession;

use bytes::Bytes;
use crypto::SigningKey;
use exchange::Genesis;
use num::Timestamp;
use wire::{Attestation, Blob, Checkpoint, Lineage, Snapshot, SnapshotRef};

use crate::{
    agreement::{Agreement, Input, Output, Record},
    execution::{Executed, Execution},
    snapshot::SnapshotError,
};

/// A whole validator on one thread.
#[derive(Debug)]
pub struct Replica {
    agreement: Agreement,
    execution: Execution,
    genesis: Genesis,
    key: SigningKey,
    saved: Vec<(SnapshotRef, Bytes)>,
}

impl Replica {
    /// A validator of an exchange that began with `genesis`.
    pub fn new(agreement: Agreement, execution: Execution, (genesis, key): (Genesis, SigningKey)) -> Self {
        Self { agreement, execution, genesis, key, saved: Vec::new() }
    }

    /// Goes on after the last own snapshot; the records of the log come after it.
    pub fn resume(
        &mut self,
        snapshot: &Snapshot,
        published: (SnapshotRef, Bytes),
    ) -> Result<(), SnapshotError> {
        self.execution.adopt(&self.genesis, &snapshot.state)?;
        self.agreement.resume(snapshot, published);
        Ok(())
    }

    /// Snapshots of the checkpoints that were put out: to be made durable, and answered by `Input::Saved`.
    pub fn take_saved(&mut self) -> Vec<(SnapshotRef, Bytes)> {
        core::mem::take(&mut self.saved)
    }

    /// Takes a record of the own log.
    pub fn restore(
        &mut self,
        section: u64,
        record: Record,
        out: &mut Vec<Output>,
        executed: &mut Vec<Executed>,
    ) {
        let from = out.len();
        self.agreement.restore(section, record, out);
        for output in &out[from..] {
            match output {
                Output::Commit(payload) => executed.push(self.execution.apply(payload)),
                Output::Checkpoint(checkpoint) => self.saved.extend(save(&self.execution, checkpoint)),
                _ => {}
            }
        }
    }

    /// Begins after the log was restored. Its first block can already commit something.
    pub fn start(&mut self, now: Timestamp, out: &mut Vec<Output>, executed: &mut Vec<Executed>) {
        let from = out.len();
        self.agreement.start(now, out);
        self.execute(now, from, out, executed);
    }

    /// Takes one input. Commits among the outputs have been executed, and attested to.
    pub fn step(
        &mut self,
        now: Timestamp,
        input: Input,
        out: &mut Vec<Output>,
        executed: &mut Vec<Executed>,
    ) {
        let from = out.len();
        self.agreement.step(now, input, out);
        self.execute(now, from, out, executed);
    }

    /// Executes the commits among the outputs from `from` on, and those that attesting to them leads to.
    fn execute(
        &mut self,
        now: Timestamp,
        mut from: usize,
        out: &mut Vec<Output>,
        executed: &mut Vec<Executed>,
    ) {
        // An attestation can let the agreement go on, which can commit again.
        while from < out.len() {
            let mut attestations = Vec::new();
            for output in &out[from..] {
                attestations.extend(self.execute_one(output, executed));
            }
            from = out.len();
            for attestation in attestations {
                self.agreement.step(now, Input::Attest(attestation), out);
            }
        }
    }

    fn execute_one(&mut self, output: &Output, executed: &mut Vec<Executed>) -> Option<Attestation> {
        match output {
            Output::Commit(payload) => {
                let done = self.execution.apply(payload);
                let attestation = self.execution.attest(&done, &self.key);
                executed.push(done);
                return attestation;
            }
            Output::Checkpoint(checkpoint) => self.saved.extend(save(&self.execution, checkpoint)),
            Output::Adopt { snapshot, .. } => {
                let adopted = self.execution.adopt(&self.genesis, &snapshot.state);
                adopted.expect("invariant: f + 1 name a snapshot only when a correct one has saved it");
            }
            _ => {}
        }
        None
    }

    pub fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    pub fn execution(&self) -> &Execution {
        &self.execution
    }
}

/// The snapshot at a checkpoint; `None` when the state has outgrown what a snapshot may hold.
fn save(execution: &Execution, checkpoint: &Checkpoint) -> Option<(SnapshotRef, Bytes)> {
    let state = Blob::new(execution.save())?;
    Some(Snapshot { checkpoint: checkpoint.clone(), lineage: Lineage::default(), state }.publish())
}
