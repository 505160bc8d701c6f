//! The execution's threads: commits in, state out. One reads the next commits while the other applies one.
//!
//! Invariant: commits are applied in order and once. A checkpoint is saved as the state is between its commit and
//! the next, and the agreement hears of it when it is durable.

use std::{
    collections::VecDeque,
    sync::Arc,
    sync::mpsc::{Receiver, Sender, channel, sync_channel},
    thread,
};

use bytes::Bytes;
use commonware_codec::Encode;
use crypto::SigningKey;
use exchange::{Genesis, Reading, State, leaf::LeafKey};
use replica::{agreement::Input, execution::Execution, snapshot::SnapshotError};
use wire::{AccountId, Blob, Checkpoint, CommittedPayload, Committee, Event, IntentId, Lineage, Snapshot};

use crate::node::{
    core::Word,
    feed::Feed,
    inbox::Inbox,
    receipts::{Receipted, Receipts},
    snapshots::SnapshotFile,
};

/// Questions for a proof that may wait for an attested commit; the oldest make room.
const PROOFS_WAITING_MAX: usize = 1_024;

/// Commits that are read ahead.
pub const AHEAD: usize = 4;

/// What the execution is asked.
pub enum Order {
    Commit(Box<CommittedPayload>),
    /// To be saved as it is now.
    Checkpoint(Box<Checkpoint>, Box<Lineage>),
    /// To go on from a peer's snapshot, which is durable; that of another epoch comes with its committee.
    Adopt(Box<Snapshot>, Option<Committee>),
    /// The next epoch begins.
    Epoch(Committee),
    /// To be proved when the present root is one that gets a certificate.
    Prove(Question),
    /// Something to look at between two commits; it must be quick.
    Look(Box<dyn FnOnce(&State) + Send>),
}

/// A leaf of the present state.
#[derive(Debug)]
pub struct Proved {
    pub leaf: Vec<u8>,
    pub proof: Vec<u8>,
    pub root: crypto::Digest,
    pub commit: u64,
}

/// The receipts of an intent's commit, and their root as a leaf.
#[derive(Debug)]
pub struct ProvedReceipts {
    pub commit: u64,
    pub receipts: Arc<Receipted>,
    pub state: Proved,
}

/// Nothing to be proved of an intent.
#[derive(Debug, thiserror::Error)]
#[error("no receipt of intent {intent} in the commits from {} to {to}", from.unwrap_or(*to))]
pub struct NoReceipt {
    intent: IntentId,
    from: Option<u64>,
    to: u64,
}

/// The node's execution: the exchange, or nothing.
pub struct Executor {
    execution: Option<Execution>,
    genesis: Genesis,
    feed: Arc<Feed>,
    key: SigningKey,
    file: SnapshotFile,
    receipts: Receipts,
    proofs: Proofs,
}

/// What an executor works with.
pub struct Surroundings {
    pub genesis: Genesis,
    pub feed: Arc<Feed>,
    pub key: SigningKey,
    pub file: SnapshotFile,
}

/// Questions for a proof that wait for a commit which is attested to.
#[derive(Default)]
struct Proofs(VecDeque<Question>);

type Question = Box<dyn FnOnce(&Execution, &Receipts) + Send>;

impl Proofs {
    fn add(&mut self, question: Question) {
        self.0.push_back(question);
        if self.0.len() > PROOFS_WAITING_MAX {
            self.0.pop_front();
        }
    }
}

impl Executor {
    pub fn new(execution: Option<Execution>, surroundings: Surroundings) -> Self {
        let Surroundings { genesis, feed, key, file } = surroundings;
        Self { execution, genesis, feed, key, file, receipts: Receipts::default(), proofs: Proofs::default() }
    }

    /// Goes on from a snapshot.
    pub fn adopt(&mut self, snapshot: &Snapshot) -> Result<(), SnapshotError> {
        let mut root = None;
        if let Some(execution) = &mut self.execution {
            execution.adopt(&self.genesis, &snapshot.state)?;
            root = execution.root(snapshot.checkpoint.index);
        }
        self.feed.go_on_after(snapshot.checkpoint.index, root);
        Ok(())
    }

    /// The snapshot at a checkpoint.
    fn save(&self, checkpoint: Checkpoint, lineage: Lineage) -> Option<Snapshot> {
        let state = self.execution.as_ref().map(Execution::save).unwrap_or_default();
        let state = Blob::new(Bytes::from(state));
        if state.is_none() {
            tracing::error!(
                commit = checkpoint.index,
                "the state is too large for a snapshot: the log stays whole"
            );
        }
        Some(Snapshot { checkpoint, lineage, state: state? })
    }

    /// Reads a commit of the log and applies it.
    pub fn replay(&mut self, payload: &CommittedPayload) {
        let reading = read(payload, self.execution.is_some());
        drop(self.apply(payload, reading));
    }

    /// Applies a commit and returns what the agreement should attest to.
    fn apply(&mut self, payload: &CommittedPayload, reading: Reading) -> Option<Input> {
        let Some(execution) = &mut self.execution else {
            self.feed.reach(payload.commit.index);
            return None;
        };
        let mut executed = execution.apply_read(payload, reading);
        trace(executed.commit, &executed.events);
        self.receipts.add(executed.commit, &executed.events);
        self.feed.events.add(core::mem::take(&mut executed.events));
        if let Some(broken) = &executed.broken_invariant {
            tracing::error!(commit = executed.commit, %broken, "an invariant of the exchange is broken: stopping");
        }
        let attestation = execution.attest(&executed, &self.key);
        self.feed.add(payload, Some(&executed));
        attestation.map(Input::Attest)
    }

    /// The next epoch begins; returns what the agreement should attest to in it.
    pub fn begin_epoch(&mut self, committee: Committee) -> Option<Input> {
        let execution = self.execution.as_mut()?;
        execution.begin_epoch(committee);
        execution.attest_present(&self.key).map(Input::Attest)
    }

    /// That committee attests, without that an epoch begins.
    pub fn seat(&mut self, committee: Committee) {
        self.execution.iter_mut().for_each(|execution| execution.seat(committee.clone()));
    }

    fn look(&self, look: Box<dyn FnOnce(&State) + Send>) {
        if let Some(execution) = &self.execution {
            look(execution.state());
        }
    }

    /// Answers those who wait for a proof, when the present root is one that gets a certificate.
    fn answer_proofs(&mut self) {
        let Some(execution) = self.execution.as_ref().filter(|execution| execution.is_attested()) else {
            return;
        };
        for answer in self.proofs.0.drain(..) {
            answer(execution, &self.receipts);
        }
    }

    /// Starts the threads; orders go into the returned queue.
    pub fn spawn(mut self, inbox: Inbox<Word>) -> std::io::Result<Sender<Order>> {
        let (orders, queue): (_, Receiver<Order>) = channel();
        let (forward, ready) = sync_channel(AHEAD);
        let executes = self.execution.is_some();
        thread::Builder::new().name("reading".to_owned()).spawn(move || {
            while let Ok(order) = queue.recv() {
                let reading = match &order {
                    Order::Commit(payload) => read(payload, executes),
                    _ => Reading::default(),
                };
                if forward.send((order, reading)).is_err() {
                    return;
                }
            }
        })?;
        thread::Builder::new().name("execution".to_owned()).spawn(move || {
            while let Ok((order, reading)) = ready.recv() {
                self.take(order, reading, &inbox);
                // Whoever sends the next order finds nobody here, and stops the node.
                if !self.feed.money_conserved() {
                    return;
                }
            }
        })?;
        Ok(orders)
    }

    fn take(&mut self, order: Order, reading: Reading, inbox: &Inbox<Word>) {
        match order {
            Order::Commit(payload) => {
                if let Some(attestation) = self.apply(&payload, reading) {
                    inbox.put(attestation);
                }
                self.answer_proofs();
            }
            Order::Epoch(committee) => {
                if let Some(attestation) = self.begin_epoch(committee) {
                    inbox.put(attestation);
                }
            }
            Order::Checkpoint(checkpoint, lineage) => {
                if let Some(snapshot) = self.save(*checkpoint, *lineage) {
                    let (file, inbox) = (self.file.clone(), inbox.clone());
                    // The disk is not waited for: commits go on while the snapshot is written.
                    thread::spawn(move || tell_when_durable(&file, &snapshot, &inbox));
                }
            }
            Order::Adopt(snapshot, committee) => {
                committee.into_iter().for_each(|committee| self.seat(committee));
                let adopted = self.adopt(&snapshot);
                adopted.expect("invariant: f + 1 name a snapshot only when a correct validator has saved it");
            }
            Order::Look(look) => self.look(look),
            Order::Prove(_) if self.execution.is_none() => {}
            Order::Prove(question) => {
                self.proofs.add(question);
                self.answer_proofs();
            }
        }
    }
}

/// Whoever does not execute has no use for what a commit says.
fn read(payload: &CommittedPayload, executes: bool) -> Reading {
    if executes { Reading::of(payload) } else { Reading::default() }
}

/// An account's leaf, or that it has none.
pub fn prove_account(execution: &Execution, account: AccountId) -> Proved {
    let state = execution.state();
    let leaf = state.account_index(&account).map(|index| state.account_leaf(index).encode());
    prove(execution, (LeafKey::Account(account), leaf))
}

/// The receipts that an intent's is one of.
pub fn prove_receipts(
    execution: &Execution,
    receipts: &Receipts,
    intent: IntentId,
) -> Result<ProvedReceipts, NoReceipt> {
    let unknown = || NoReceipt { intent, from: receipts.first(), to: execution.state().commit() };
    let (commit, receipted) = receipts.commit_with(intent).ok_or_else(unknown)?;
    let root = execution.state().receipts_of(commit).ok_or_else(unknown)?;
    let state = prove(execution, (LeafKey::Receipts(commit), Some(root.0.to_vec())));
    Ok(ProvedReceipts { commit, receipts: receipted, state })
}

fn prove(execution: &Execution, (key, leaf): (LeafKey, Option<Vec<u8>>)) -> Proved {
    let (root, proof) = execution.prove(&key);
    let commit = execution.state().commit();
    Proved { leaf: leaf.unwrap_or_default(), proof: proof.encode().to_vec(), root, commit }
}

fn tell_when_durable(file: &SnapshotFile, snapshot: &Snapshot, inbox: &Inbox<Word>) {
    let (reference, encoded) = snapshot.publish();
    match file.write(&reference, &encoded) {
        // An agreement that is too busy to hear it hears of the next.
        Ok(()) => drop(inbox.put(Input::Saved { reference, encoded })),
        Err(error) => tracing::error!(commit = reference.index, %error, "the snapshot cannot be written"),
    }
}

/// The intents of a commit, for who follows one through the logs.
fn trace(commit: u64, events: &[Event]) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    for event in events {
        match event {
            Event::Receipt { intent, .. } => tracing::debug!(commit, %intent, "executed"),
            Event::IntentRejected { intent, reject } => tracing::debug!(commit, %intent, %reject, "refused"),
            _ => {}
        }
    }
    tracing::debug!(commit, events = events.len(), "applied");
}
