//! A disk that forgets what was not synchronised.
//!
//! Invariant: after a crash exactly the records of completed synchronisations are left, in order.

use bytes::Bytes;
use replica::agreement::Record;
use wire::SnapshotRef;

/// The journal of one simulated validator, and its last snapshot.
#[derive(Debug, Default)]
pub struct Disk {
    /// With the section that each was written to.
    records: Vec<(u64, Record)>,
    durable: usize,
    snapshot: Option<(SnapshotRef, Bytes)>,
}

/// What a restart finds.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    pub records: Vec<(u64, Record)>,
    pub snapshot: Option<(SnapshotRef, Bytes)>,
}

impl Disk {
    pub fn append(&mut self, section: u64, record: Record) {
        self.records.push((section, record));
    }

    /// Replaces the snapshot, whole or not at all.
    pub fn keep(&mut self, reference: SnapshotRef, encoded: Bytes) {
        self.snapshot = Some((reference, encoded));
    }

    /// Drops the sections before one.
    pub fn cut(&mut self, keep: u64) {
        let before = self.records.len();
        self.records.retain(|(section, _)| *section >= keep);
        self.durable = self.durable.saturating_sub(before - self.records.len());
    }

    /// Makes everything appended so far durable.
    pub fn synchronise(&mut self) {
        self.durable = self.records.len();
    }

    /// What a restart finds.
    pub fn crash(&mut self) -> Stored {
        self.records.truncate(self.durable);
        Stored { records: self.records.clone(), snapshot: self.snapshot.clone() }
    }
}
