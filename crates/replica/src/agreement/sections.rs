//! The log in sections, so that what a snapshot has made needless can go.
//!
//! Invariant: records go into the newest section. A section may go when the floor of a durable snapshot has
//! passed every block in it and in the next one: a batch is written before the block that carries it, and one
//! that was written two sections earlier is written again when its block comes. Workers with a log of their own
//! number its sections alike.

use std::collections::BTreeMap;

use wire::Round;

#[derive(Debug, Default)]
pub(super) struct Sections {
    newest: u64,
    /// The highest round of a block in each section that is still there.
    highest: BTreeMap<u64, Round>,
}

impl Sections {
    /// The section that is written to.
    pub(super) const fn newest(&self) -> u64 {
        self.newest
    }

    /// Begins the next section.
    pub(super) fn begin(&mut self) {
        self.newest += 1;
    }

    /// The log has a section of this number.
    pub(super) fn restore(&mut self, section: u64) {
        self.newest = self.newest.max(section);
        self.highest.entry(section).or_default();
    }

    pub(super) fn note_block(&mut self, section: u64, round: Round) {
        let highest = self.highest.entry(section).or_default();
        *highest = round.max(*highest);
    }

    /// The first section to keep now that a snapshot with this floor, taken when `section` began, is durable.
    pub(super) fn cut(&mut self, floor: Round, section: u64) -> u64 {
        let needed = |(_, highest): &(&u64, &Round)| **highest > floor;
        let first = self.highest.iter().find(needed).map_or(section, |(section, _)| *section);
        let keep = first.saturating_sub(1).min(section.saturating_sub(1));
        self.highest = self.highest.split_off(&keep);
        keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_goes_when_the_floor_has_passed_it_and_the_next() {
        let mut sections = Sections::default();
        for (section, round) in [(0, 100), (1, 200), (2, 300), (3, 400)] {
            sections.restore(section);
            sections.note_block(section, Round(round));
        }
        assert_eq!(sections.cut(Round(99), 3), 0);
        assert_eq!(sections.cut(Round(100), 3), 0, "a batch of section 0 may belong to a block of section 1");
        assert_eq!(sections.cut(Round(200), 3), 1);
        assert_eq!(sections.cut(Round(1_000), 3), 2, "what was written since the snapshot was taken stays");
    }
}
