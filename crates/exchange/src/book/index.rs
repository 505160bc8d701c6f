//! From an order's number to its slot.
//!
//! Invariant: every resting order has one entry, on an unbroken run from its home; nothing depends on the
//! order of entries, so growing never shows. The exchange numbers orders, over all markets, so a book sees
//! rising numbers with gaps, often at a fixed stride, which the multiplication spreads. Whoever keeps just
//! the colliding ones open pays for the orders and gains a scan of eight bytes each.
//! Left out on purpose: the order itself (an entry holds half of the number, the record in the slab
//! decides), and shrinking: the table is a few bytes for each order of the busiest moment.

use wire::OrderId;

use super::slab::{NONE, Slab, at};

/// An open-addressing table with linear probing, at most half full.
#[derive(Clone, Debug, Default)]
pub(super) struct OrderIndex {
    /// Length is zero or a power of two.
    entries: Vec<Entry>,
    used: usize,
    /// Leaves as many bits of a product as a position has.
    shift: u32,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    /// The low half of the order's number.
    tag: u32,
    slot: u32,
}

const VACANT: Entry = Entry { tag: 0, slot: NONE };
const ENTRIES_MIN: usize = 16;
/// The golden ratio in 32 bits.
const MULTIPLIER: u32 = 0x9E37_79B1;

/// Where an order number would be entered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vacancy(usize);

impl OrderIndex {
    #[inline]
    pub(super) fn find(&self, id: OrderId, slab: &Slab) -> Option<u32> {
        if self.entries.is_empty() {
            return None;
        }
        let position = self.probe(id, slab);
        let slot = self.entries[position].slot;
        (slot != NONE).then_some(slot)
    }

    /// The place for a new number, growing if need be; `None` when the number is entered already.
    #[inline]
    pub(super) fn vacancy(&mut self, id: OrderId, slab: &Slab) -> Option<Vacancy> {
        if self.used * 2 >= self.entries.len() {
            self.grow();
        }
        let position = self.probe(id, slab);
        (self.entries[position].slot == NONE).then_some(Vacancy(position))
    }

    /// Enters a number at the vacancy found for it just before.
    #[inline]
    pub(super) fn insert(&mut self, vacancy: Vacancy, id: OrderId, slot: u32) {
        self.entries[vacancy.0] = Entry { tag: tag(id), slot };
        self.used += 1;
    }

    /// Takes an entered order out and closes the gap, so that no run is ever broken.
    #[inline]
    pub(super) fn remove(&mut self, id: OrderId, slot: u32) {
        let tag = tag(id);
        let mask = self.entries.len() - 1;
        let mut gap = self.home(tag);
        while self.entries[gap].slot != slot {
            gap = (gap + 1) & mask;
        }
        let mut position = gap;
        loop {
            position = (position + 1) & mask;
            let entry = self.entries[position];
            if entry.slot == NONE {
                break;
            }
            // An entry may fill the gap when its home is not behind the gap.
            let from_home = position.wrapping_sub(self.home(entry.tag)) & mask;
            if from_home >= position.wrapping_sub(gap) & mask {
                self.entries[gap] = entry;
                gap = position;
            }
        }
        self.entries[gap] = VACANT;
        self.used -= 1;
    }

    /// The position of the number, or of the vacancy where it would be.
    #[inline]
    fn probe(&self, id: OrderId, slab: &Slab) -> usize {
        let tag = tag(id);
        let mask = self.entries.len() - 1;
        let mut position = self.home(tag);
        loop {
            let entry = self.entries[position];
            if entry.slot == NONE || (entry.tag == tag && slab.get(entry.slot).id == id) {
                return position;
            }
            position = (position + 1) & mask;
        }
    }

    /// The first position to look at: the high bits of the product.
    #[inline]
    fn home(&self, tag: u32) -> usize {
        at(tag.wrapping_mul(MULTIPLIER) >> self.shift)
    }

    #[cold]
    fn grow(&mut self) {
        let length = (self.entries.len() * 2).max(ENTRIES_MIN);
        self.shift = u32::BITS - length.trailing_zeros();
        let old = core::mem::replace(&mut self.entries, vec![VACANT; length]);
        for entry in old.into_iter().filter(|entry| entry.slot != NONE) {
            let mut position = self.home(entry.tag);
            while self.entries[position].slot != NONE {
                position = (position + 1) & (length - 1);
            }
            self.entries[position] = entry;
        }
    }
}

/// The low 32 bits.
#[inline]
fn tag(id: OrderId) -> u32 {
    let [a, b, c, d, ..] = id.0.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}
