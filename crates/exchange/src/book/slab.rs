//! Where orders lie in memory: one vector of records, linked by number into queues.
//!
//! Invariant: a slot is in exactly one queue or in the list of free slots, and has lots exactly while it is in a queue; a
//! freed slot is reused before the vector grows, so memory follows the largest number of orders at rest, not their
//! history.

use wire::OrderId;

use crate::fetch::fetch;

/// No slot, no page.
pub(super) const NONE: u32 = u32::MAX;

/// One resting order: two to a cache line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) id: OrderId,
    pub(super) lots: u64,
    /// Neighbours in the queue of its price; in a free slot `next` is the next free one.
    pub(super) next: u32,
    pub(super) previous: u32,
    pub(super) owner: u32,
    pub(super) place: Place,
}

/// Where an order's price is: side, page and offset in the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(pub(super) u32);

/// Where an order lies in its book; says something together with the order's number only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(pub(super) u32);

impl Slot {
    /// Where no order lies.
    pub const NOWHERE: Self = Self(NONE);
}

/// All orders of a book.
#[derive(Clone, Debug)]
pub(super) struct Slab {
    nodes: Vec<Node>,
    free: u32,
    used: u32,
}

impl Default for Slab {
    fn default() -> Self {
        Self { nodes: Vec::new(), free: NONE, used: 0 }
    }
}

/// A slot or page number as an index. Every machine we run on has at least 32-bit indices.
#[inline]
pub(super) fn at(number: u32) -> usize {
    usize::try_from(number).expect("invariant: indices have 32 bits or more")
}

impl Slab {
    pub(super) const fn used(&self) -> u32 {
        self.used
    }

    /// The slot that the next `insert` uses.
    #[inline]
    pub(super) fn next_slot(&self) -> u32 {
        if self.free == NONE { self.len() } else { self.free }
    }

    #[inline]
    pub(super) fn insert(&mut self, node: Node) {
        self.used += 1;
        if self.free == NONE {
            self.nodes.push(node);
        } else {
            let slot = &mut self.nodes[at(self.free)];
            self.free = slot.next;
            *slot = node;
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, slot: u32) {
        let node = &mut self.nodes[at(slot)];
        (node.next, node.lots) = (self.free, 0);
        self.free = slot;
        self.used -= 1;
    }

    /// Asks for its own line.
    pub(super) fn fetch(&self) {
        fetch(&self.nodes);
    }

    /// Asks for what lies in a slot.
    pub(super) fn fetch_slot(&self, slot: u32) {
        if let Some(node) = self.nodes.get(at(slot)) {
            fetch(node);
        }
    }

    /// What lies in a slot, or lay there.
    pub(super) fn node(&self, Slot(slot): Slot) -> Option<&Node> {
        self.nodes.get(at(slot))
    }

    /// Whether an order of this number lies there.
    #[inline]
    pub(super) fn holds(&self, Slot(slot): Slot, id: OrderId) -> bool {
        slot != NONE && self.nodes.get(at(slot)).is_some_and(|node| node.id == id && node.lots > 0)
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> &Node {
        &self.nodes[at(slot)]
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> &mut Node {
        &mut self.nodes[at(slot)]
    }

    fn len(&self) -> u32 {
        u32::try_from(self.nodes.len()).expect("invariant: a book holds at most RESTING_MAX orders")
    }
}
