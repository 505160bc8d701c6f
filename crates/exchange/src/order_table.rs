//! Every open order by its number: a slab of orders and an index of numbers, because each order is looked up a dozen
//! times in its life.
//!
//! Invariant: an order stands under its own number, once; nothing that leaves here depends on where in memory it lies.

use std::collections::BTreeMap;

use wire::OrderId;

use crate::{
    book::{NONE, OrderIndex, at},
    order::Order,
    saved::{Input, LoadError, LoadReason, Save},
};

/// Open orders.
#[derive(Clone, Debug, Default)]
pub(crate) struct OrderTable {
    slots: Vec<Option<Order>>,
    free: Vec<u32>,
    index: OrderIndex,
}

impl OrderTable {
    pub(crate) fn get(&self, id: OrderId) -> Option<&Order> {
        let slot = self.index.find(id, |slot| number(&self.slots, slot))?;
        self.slots[at(slot)].as_ref()
    }

    /// Puts an order in, in the place of one of the same number.
    pub(crate) fn insert(&mut self, order: Order) {
        let Some(vacancy) = self.index.vacancy(order.id, |slot| number(&self.slots, slot)) else {
            let slot = self.index.find(order.id, |slot| number(&self.slots, slot));
            let slot = slot.expect("invariant: a number without a vacancy has a slot");
            self.slots[at(slot)] = Some(order);
            return;
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1)
                .ok()
                .filter(|slot| *slot != NONE)
                .expect("invariant: books hold fewer")
        });
        self.index.insert(vacancy, order.id, slot);
        self.slots[at(slot)] = Some(order);
    }

    pub(crate) fn remove(&mut self, id: OrderId) -> Option<Order> {
        let slot = self.index.find(id, |slot| number(&self.slots, slot))?;
        self.index.remove(id, slot);
        self.free.push(slot);
        self.slots[at(slot)].take()
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

/// The number of the order in a slot that is in use.
fn number(slots: &[Option<Order>], slot: u32) -> OrderId {
    slots[at(slot)].as_ref().expect("invariant: the index names slots in use").id
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
