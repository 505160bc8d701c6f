//! Every open order by its number: a slab of orders, and pages of slots on shelves, because each order is looked up a dozen
//! times in its life and numbers only rise: those of the same time lie on the same page.
//!
//! Invariant: an order stands under its own number, once; a page exists while an order of its numbers is open, a shelf
//! while it has a page. Nothing that leaves here depends on where in memory an order lies.

use std::collections::BTreeMap;

use wire::OrderId;

use crate::{
    fetch::fetch,
    order::Order,
    saved::{Input, LoadError, LoadReason, Save},
};

/// Numbers on a page, and pages on a shelf. Whoever keeps just one of them open pays for a page of 2 KiB with 511 orders
/// that he placed, and for a shelf of 16 KiB with 262,143.
const PLACES: usize = 512;
const BITS: u32 = PLACES.ilog2();
const NONE: u32 = u32::MAX;

/// Open orders.
#[derive(Clone, Debug, Default)]
pub(crate) struct OrderTable {
    slots: Vec<Order>,
    free: Vec<u32>,
    shelves: BTreeMap<u64, Shelf>,
}

/// Pages of neighbouring numbers.
#[derive(Clone, Debug)]
struct Shelf {
    used: u32,
    pages: Vec<Option<Page>>,
}

/// Where the orders of neighbouring numbers lie.
#[derive(Clone, Debug)]
struct Page {
    used: u32,
    slots: Vec<u32>,
}

/// What of a number leads to its order.
struct Number {
    shelf: u64,
    page: usize,
    place: usize,
}

impl From<OrderId> for Number {
    fn from(OrderId(number): OrderId) -> Self {
        let part = |number: u64| usize::try_from(number % (1 << BITS)).unwrap_or(0);
        Self { shelf: number >> (2 * BITS), page: part(number >> BITS), place: part(number) }
    }
}

impl OrderTable {
    /// The entry of a number whose page is there.
    fn entry(&self, id: OrderId) -> Option<&u32> {
        let Number { shelf, page, place } = id.into();
        self.shelves.get(&shelf)?.pages.get(page)?.as_ref()?.slots.get(place)
    }

    pub(crate) fn get(&self, id: OrderId) -> Option<&Order> {
        self.slots.get(at(*self.entry(id)?))
    }

    pub(crate) fn get_mut(&mut self, id: OrderId) -> Option<&mut Order> {
        let slot = at(*self.entry(id)?);
        self.slots.get_mut(slot)
    }

    /// The orders of these numbers, each asked for before its turn.
    pub(crate) fn walk(&self, ids: impl Iterator<Item = OrderId>) -> impl Iterator<Item = &Order> {
        let ids: Vec<OrderId> = ids.collect();
        (0..ids.len()).filter_map(move |place| {
            self.look_ahead(|ahead| ids.get(place + ahead).copied());
            self.get(*ids.get(place)?)
        })
    }

    /// Things of which some name orders, those orders asked for before their turn.
    pub(crate) fn ahead<'a, T>(
        &'a self,
        all: &'a [T],
        id: impl Fn(&T) -> Option<OrderId> + 'a,
    ) -> impl Iterator<Item = &'a T> {
        all.iter().enumerate().map(move |(place, it)| {
            self.look_ahead(|ahead| all.get(place + ahead).and_then(&id));
            it
        })
    }

    /// Asks for the order of a thing some places ahead, and for where that of one farther ahead is entered.
    fn look_ahead(&self, id: impl Fn(usize) -> Option<OrderId>) {
        const AHEAD: usize = 8;
        id(2 * AHEAD).into_iter().for_each(|id| self.fetch_entry(id));
        id(AHEAD).into_iter().for_each(|id| self.fetch(id));
    }

    /// Asks for where an order is entered.
    pub(crate) fn fetch_entry(&self, id: OrderId) {
        self.entry(id).into_iter().for_each(fetch);
    }

    /// Asks for an order, where its entry is at hand.
    pub(crate) fn fetch(&self, id: OrderId) {
        self.get(id).into_iter().for_each(Order::fetch);
    }

    /// Puts an order in, in the place of one of the same number.
    pub(crate) fn insert(&mut self, order: &Order) {
        let Number { shelf, page, place } = order.id.into();
        let new = || Shelf { used: 0, pages: vec![None; PLACES] };
        let shelf = self.shelves.entry(shelf).or_insert_with(new);
        let page = shelf.pages[page].get_or_insert_with(|| {
            shelf.used += 1;
            Page { used: 0, slots: vec![NONE; PLACES] }
        });
        let slot = &mut page.slots[place];
        if *slot == NONE {
            page.used += 1;
            *slot = self.free.pop().unwrap_or_else(|| {
                self.slots.push(Order::NONE);
                u32::try_from(self.slots.len() - 1).expect("invariant: open orders are limited below 2^32")
            });
        }
        self.slots[at(*slot)].clone_from(order);
    }

    pub(crate) fn remove(&mut self, id: OrderId) -> Option<Order> {
        let Number { shelf: number, page, place } = id.into();
        let shelf = self.shelves.get_mut(&number)?;
        let entered = shelf.pages.get_mut(page)?;
        let used = entered.as_mut()?;
        let slot = core::mem::replace(&mut used.slots[place], NONE);
        let order = self.slots.get_mut(at(slot))?.leave();
        self.free.push(slot);
        used.used -= 1;
        if used.used == 0 {
            *entered = None;
            shelf.used -= 1;
        }
        if shelf.used == 0 {
            self.shelves.remove(&number);
        }
        Some(order)
    }

    pub(crate) const fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// All orders, by rising number.
    pub(crate) fn rising(&self) -> Vec<&Order> {
        let mut all: Vec<&Order> = self.slots.iter().filter(|order| order.id != Order::NONE.id).collect();
        all.sort_unstable_by_key(|order| order.id);
        all
    }
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
            if id != order.id || id == Order::NONE.id {
                return Err(input.refuse(LoadReason::Value));
            }
            table.insert(&order);
        }
        Ok(table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_no_order_is_refused() {
        let load = |id: OrderId| {
            let mut bytes = Vec::new();
            BTreeMap::from([(id, Order { id, ..Order::NONE })]).save(&mut bytes);
            OrderTable::load(&mut Input::new(&bytes)).map(|table| table.len()).map_err(|it| it.reason)
        };
        assert_eq!(load(OrderId(u64::MAX - 1)), Ok(1));
        assert_eq!(load(Order::NONE.id), Err(LoadReason::Value), "it would be counted and not saved");
    }
}
