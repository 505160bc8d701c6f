//! Every open order by its number: a slab of orders, and pages of slots, because each order is looked up a dozen times in
//! its life and numbers only rise: those of the same time lie on the same page.
//!
//! Invariant: an order stands under its own number, once; a page exists while an order of its numbers is open. Nothing
//! that leaves here depends on where in memory an order lies.

use std::collections::BTreeMap;

use wire::OrderId;

use crate::{
    order::Order,
    saved::{Input, LoadError, LoadReason, Save},
};

/// Numbers on a page: whoever keeps just one of them open pays for a page of 2 KiB with 511 orders that he placed.
const PLACES: usize = 512;
const NONE: u32 = u32::MAX;

/// Open orders.
#[derive(Clone, Debug, Default)]
pub(crate) struct OrderTable {
    slots: Vec<Option<Order>>,
    free: Vec<u32>,
    pages: BTreeMap<u64, Page>,
}

/// Where the orders of neighbouring numbers lie.
#[derive(Clone, Debug)]
struct Page {
    used: u32,
    slots: Vec<u32>,
}

impl OrderTable {
    pub(crate) fn get(&self, id: OrderId) -> Option<&Order> {
        let (page, place) = split(id);
        let slot = *self.pages.get(&page)?.slots.get(place)?;
        self.slots.get(at(slot))?.as_ref()
    }

    /// Puts an order in, in the place of one of the same number.
    pub(crate) fn insert(&mut self, order: Order) {
        let (page, place) = split(order.id);
        let new = || Page { used: 0, slots: vec![NONE; PLACES] };
        let page = self.pages.entry(page).or_insert_with(new);
        let slot = &mut page.slots[place];
        if *slot == NONE {
            page.used += 1;
            *slot = self.free.pop().unwrap_or_else(|| {
                self.slots.push(None);
                u32::try_from(self.slots.len() - 1).expect("invariant: open orders are limited below 2^32")
            });
        }
        self.slots[at(*slot)] = Some(order);
    }

    pub(crate) fn remove(&mut self, id: OrderId) -> Option<Order> {
        let (number, place) = split(id);
        let page = self.pages.get_mut(&number)?;
        let slot = core::mem::replace(&mut page.slots[place], NONE);
        let order = self.slots.get_mut(at(slot))?.take();
        self.free.push(slot);
        page.used -= 1;
        if page.used == 0 {
            self.pages.remove(&number);
        }
        order
    }

    pub(crate) const fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// All orders, by rising number.
    pub(crate) fn rising(&self) -> Vec<&Order> {
        let mut all: Vec<&Order> = self.slots.iter().flatten().collect();
        all.sort_unstable_by_key(|order| order.id);
        all
    }
}

/// The page of a number, and its place there.
fn split(OrderId(number): OrderId) -> (u64, usize) {
    const BITS: u32 = PLACES.ilog2();
    let page = number >> BITS;
    (page, usize::try_from(number - (page << BITS)).unwrap_or(0))
}

/// A slot as an index. Every machine we run on has at least 32-bit indices.
fn at(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

/// As a map from numbers to orders.
impl Save for OrderTable {
    fn save(&self, out: &mut Vec<u8>) {
        self.len().save(out);
        for order in self.rising() {
            order.id.save(out);
            order.save(out);
        }
    }

    fn load(input: &mut Input<'_>) -> Result<Self, LoadError> {
        let mut table = Self::default();
        for (id, order) in BTreeMap::<OrderId, Order>::load(input)? {
            if id != order.id {
                return Err(input.refuse(LoadReason::Value));
            }
            table.insert(order);
        }
        Ok(table)
    }
}
