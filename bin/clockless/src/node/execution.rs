//! The execution's thread, and what of its work is kept for those who follow.
//!
//! Invariant: commits are applied in order and once; a follower is handed each commit with its root, and the
//! certificates as they come.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::mpsc::{Receiver, Sender, channel},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use bytes::Bytes;
use client::protocol::CommitRecord;
use commonware_codec::Encode;
use crypto::SigningKey;
use exchange::{State, leaf::LeafKey};
use replica::{
    agreement::Input,
    execution::{Executed, Execution},
};
use tokio::sync::{oneshot, watch};
use wire::{AccountId, CommittedPayload};

use crate::node::{core::Inbox, events::EventLog};

/// Bytes of commits kept for followers.
const KEPT_BYTES_MAX: usize = 1024 * 1024 * 1024;
/// Certificates kept for those who ask for a proof.
const CERTIFICATES_MAX: usize = 4_096;

/// Questions for a proof that may wait for an attested commit; the oldest make room.
const PROOFS_WAITING_MAX: usize = 1_024;

/// What the execution is asked.
pub enum Order {
    Commit(Box<CommittedPayload>),
    Prove {
        account: AccountId,
        answer: oneshot::Sender<Proved>,
    },
    /// Something to look at between two commits; it must be quick.
    Look(Box<dyn FnOnce(&State) + Send>),
}

/// A leaf of the present state.
pub struct Proved {
    pub leaf: Vec<u8>,
    pub proof: Vec<u8>,
    pub root: crypto::Digest,
    pub commit: u64,
}

/// What was executed, for followers.
pub struct Feed {
    pub events: EventLog,
    kept: Mutex<Kept>,
    height: watch::Sender<u64>,
}

#[derive(Default)]
struct Kept {
    first: u64,
    bytes: usize,
    records: VecDeque<Arc<CommitRecord>>,
    certificates: BTreeMap<u64, Bytes>,
    root: Vec<u8>,
    money_conserved: bool,
}

impl Feed {
    pub fn new() -> Self {
        let kept = Kept { first: 1, money_conserved: true, ..Kept::default() };
        Self { events: EventLog::new(), kept: Mutex::new(kept), height: watch::channel(0).0 }
    }

    /// The highest commit kept; changes wake those who wait.
    pub fn height(&self) -> watch::Receiver<u64> {
        self.height.subscribe()
    }

    /// The record of a commit: `Err` holds the first one that is still kept.
    pub fn record(&self, index: u64) -> Result<Option<Arc<CommitRecord>>, u64> {
        let kept = self.lock();
        let place = index.checked_sub(kept.first).ok_or(kept.first)?;
        Ok(usize::try_from(place).ok().and_then(|place| kept.records.get(place).cloned()))
    }

    pub fn first_kept(&self) -> u64 {
        self.lock().first
    }

    pub fn certificate(&self, commit: u64) -> Option<Bytes> {
        self.lock().certificates.get(&commit).cloned()
    }

    pub fn certified(&self) -> u64 {
        self.lock().certificates.last_key_value().map_or(0, |(commit, _)| *commit)
    }

    pub fn root(&self) -> Vec<u8> {
        self.lock().root.clone()
    }

    pub fn money_conserved(&self) -> bool {
        self.lock().money_conserved
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, payload: &CommittedPayload, executed: Option<&Executed>) {
        let certificates: Vec<(u64, Bytes)> = executed
            .into_iter()
            .flat_map(|it| &it.certificates)
            .map(|certificate| (certificate.commit, certificate.encode()))
            .collect();
        let root = executed.map(|it| it.root.0.to_vec()).unwrap_or_default();
        let record = CommitRecord {
            index: payload.commit.index,
            payload: payload.encode().to_vec(),
            root: root.clone(),
            certificates: certificates.iter().map(|(_, bytes)| bytes.to_vec()).collect(),
        };
        let mut kept = self.lock();
        kept.root = root;
        kept.bytes += record.payload.len();
        kept.records.push_back(Arc::new(record));
        while kept.bytes > KEPT_BYTES_MAX
            && let Some(oldest) = kept.records.pop_front()
        {
            kept.bytes -= oldest.payload.len();
            kept.first += 1;
        }
        kept.certificates.extend(certificates);
        while kept.certificates.len() > CERTIFICATES_MAX {
            kept.certificates.pop_first();
        }
        if executed.is_some_and(|it| it.broken_invariant.is_some()) {
            kept.money_conserved = false;
        }
        drop(kept);
        self.height.send_replace(payload.commit.index);
    }
}

/// The node's execution: the exchange, or nothing.
pub struct Executor {
    execution: Option<Execution>,
    feed: Arc<Feed>,
    key: SigningKey,
    proofs: Proofs,
}

/// Questions for a proof that wait for a commit which is attested to.
#[derive(Default)]
struct Proofs(VecDeque<(AccountId, oneshot::Sender<Proved>)>);

impl Proofs {
    fn add(&mut self, account: AccountId, answer: oneshot::Sender<Proved>) {
        self.0.push_back((account, answer));
        if self.0.len() > PROOFS_WAITING_MAX {
            self.0.pop_front();
        }
    }
}

impl Executor {
    pub fn new(execution: Option<Execution>, feed: &Arc<Feed>, key: &SigningKey) -> Self {
        Self { execution, feed: Arc::clone(feed), key: key.clone(), proofs: Proofs::default() }
    }

    /// Applies a commit and returns what the agreement should attest to.
    pub fn apply(&mut self, payload: &CommittedPayload) -> Option<Input> {
        let Some(execution) = &mut self.execution else {
            self.feed.height.send_replace(payload.commit.index);
            return None;
        };
        let mut executed = execution.apply(payload);
        self.feed.events.add(core::mem::take(&mut executed.events));
        if let Some(broken) = &executed.broken_invariant {
            tracing::error!(commit = executed.commit, %broken, "an invariant of the exchange is broken: stopping");
        }
        let attestation = execution.attest(&executed, &self.key);
        self.feed.add(payload, Some(&executed));
        attestation.map(Input::Attest)
    }

    fn look(&self, look: Box<dyn FnOnce(&State) + Send>) {
        if let Some(execution) = &self.execution {
            look(execution.state());
        }
    }

    /// Answers those who wait for a proof, when the present root is one that gets a certificate.
    fn answer_proofs(&mut self) {
        let Some(execution) = self.execution.as_mut().filter(|execution| execution.is_attested()) else {
            return;
        };
        for (account, answer) in self.proofs.0.drain(..) {
            // Whoever asked may be gone.
            let _gone = answer.send(prove(execution, account));
        }
    }

    /// Starts the thread; orders go into the returned queue.
    pub fn spawn(mut self, inbox: Inbox) -> std::io::Result<Sender<Order>> {
        let (orders, queue): (_, Receiver<Order>) = channel();
        thread::Builder::new().name("execution".to_owned()).spawn(move || {
            while let Ok(order) = queue.recv() {
                self.take(order, &inbox);
                // Whoever sends the next order finds nobody here, and stops the node.
                if !self.feed.money_conserved() {
                    return;
                }
            }
        })?;
        Ok(orders)
    }

    fn take(&mut self, order: Order, inbox: &Inbox) {
        match order {
            Order::Commit(payload) => {
                if let Some(attestation) = self.apply(&payload) {
                    inbox.put(attestation);
                }
                self.answer_proofs();
            }
            Order::Look(look) => self.look(look),
            Order::Prove { .. } if self.execution.is_none() => {}
            Order::Prove { account, answer } => {
                self.proofs.add(account, answer);
                self.answer_proofs();
            }
        }
    }
}

fn prove(execution: &mut Execution, account: AccountId) -> Proved {
    let (root, proof) = execution.prove(&LeafKey::Account(account));
    let state = execution.state();
    let leaf = state.account_index(&account).map(|index| state.account_leaf(index).encode());
    Proved { leaf: leaf.unwrap_or_default(), proof: proof.encode().to_vec(), root, commit: state.commit() }
}
