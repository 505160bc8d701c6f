//! A disk that forgets what was not synchronised.
//!
//! Invariant: after a crash exactly the records of completed synchronisations are left, in order.

use replica::agreement::Record;

/// The journal of one simulated validator.
#[derive(Debug, Default)]
pub struct Disk {
    records: Vec<Record>,
    durable: usize,
}

impl Disk {
    pub fn append(&mut self, record: Record) {
        self.records.push(record);
    }

    /// Makes everything appended so far durable.
    pub fn synchronise(&mut self) {
        self.durable = self.records.len();
    }

    /// What a restart finds.
    pub fn crash(&mut self) -> Vec<Record> {
        self.records.truncate(self.durable);
        self.records.clone()
    }
}
