//! What was executed lately, for those who follow.
//!
//! Invariant: a follower is handed each commit with its root, and the certificates as they come, in order and
//! without a gap; what is not kept any more is refused, never skipped.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use client::protocol::CommitRecord;
use commonware_codec::Encode;
use crypto::Digest;
use replica::execution::Executed;
use tokio::sync::watch;
use wire::{AgreedChange, CommittedPayload};

use crate::node::events::EventLog;

/// Bytes of commits kept for followers.
const KEPT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Certificates kept for those who ask for a proof.
const CERTIFICATES_MAX: usize = 4_096;

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
    /// How the committee changed since the genesis, for whoever checks certificates.
    changes: Vec<Bytes>,
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

    pub fn changes(&self) -> Vec<Bytes> {
        self.lock().changes.clone()
    }

    pub fn set_changes(&self, changes: &[AgreedChange]) {
        self.lock().changes = changes.iter().map(Encode::encode).collect();
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits were left out: what follows comes after `commit`.
    pub fn go_on_after(&self, commit: u64, root: Option<Digest>) {
        let mut kept = self.lock();
        kept.records.clear();
        kept.bytes = 0;
        kept.first = commit + 1;
        kept.root = root.map(|root| root.0.to_vec()).unwrap_or_default();
        drop(kept);
        self.events.go_on_after(commit);
        self.reach(commit);
    }

    /// A commit is done.
    pub fn reach(&self, commit: u64) {
        self.height.send_replace(commit);
    }

    pub fn add(&self, payload: &CommittedPayload, executed: Option<&Executed>) {
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
        self.reach(payload.commit.index);
    }
}
