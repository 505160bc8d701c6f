//! The section of the log that each held batch was written to, so that sections can go.
//!
//! Invariant: a batch that a block written now refers to, or that waits to be ordered, stands in the newest section
//! or the one before; the primary cuts no nearer than that to a block that is needed.

use std::collections::BTreeMap;

use crypto::Digest;

#[derive(Debug, Default)]
pub(crate) struct Sections {
    newest: u64,
    /// What the primary's numbers have to be raised by: its own log was lost, and it counts anew.
    raised: u64,
    batches: BTreeMap<Digest, u64>,
}

impl Sections {
    /// The section that is written to.
    pub(crate) const fn newest(&self) -> u64 {
        self.newest
    }

    /// The log has a section of this number.
    pub(crate) fn restore(&mut self, section: u64) {
        self.newest = self.newest.max(section);
    }

    /// The primary's log is in this section.
    pub(crate) fn meet(&mut self, section: u64) {
        if section + self.raised < self.newest {
            self.raised = self.newest + 1 - section;
        }
        self.begin(section);
    }

    pub(crate) fn begin(&mut self, section: u64) {
        self.newest = self.newest.max(section + self.raised);
    }

    /// The number of a section of the primary's in this log.
    pub(crate) const fn own_number(&self, section: u64) -> u64 {
        section.saturating_add(self.raised)
    }

    pub(crate) fn note(&mut self, section: u64, batch: Digest) {
        self.batches.insert(batch, section);
    }

    pub(crate) fn forget(&mut self, batch: &Digest) {
        self.batches.remove(batch);
    }

    /// Whether a batch was written to any section.
    pub(crate) fn is_known(&self, batch: &Digest) -> bool {
        self.batches.contains_key(batch)
    }

    /// Whether the record of a batch could go while a block written now is still needed.
    pub(crate) fn is_old(&self, batch: &Digest) -> bool {
        self.batches.get(batch).is_some_and(|section| section + 1 < self.newest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_old_two_sections_later() {
        let (mut sections, batch) = (Sections::default(), Digest::of("test batch", b"one"));
        assert!(!sections.is_old(&batch));
        sections.note(0, batch);
        sections.begin(1);
        assert!(!sections.is_old(&batch));
        sections.begin(2);
        assert!(sections.is_old(&batch));
        sections.note(sections.newest(), batch);
        assert!(!sections.is_old(&batch));
    }

    #[test]
    fn a_primary_that_counts_anew_still_cuts_what_was_written_before() {
        let mut sections = Sections::default();
        sections.restore(9);
        sections.meet(9);
        assert_eq!((sections.newest(), sections.own_number(9)), (9, 9));
        sections.meet(1);
        assert_eq!((sections.newest(), sections.own_number(1)), (10, 10));
        sections.begin(3);
        assert_eq!((sections.newest(), sections.own_number(3)), (12, 12));
        sections.meet(3);
        assert_eq!(sections.newest(), 12, "met again, and nothing is lost");
    }
}
