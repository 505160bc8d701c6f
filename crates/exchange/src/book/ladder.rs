//! One side's prices: levels on pages of 32 neighbouring prices, pages in an ordered list.
//!
//! Prices are turned into keys so that the best is the lowest on either side: an ask's key is its price, a
//! bid's the complement of its price. A page is found through a small direct-mapped cache, which covers
//! 2,048 neighbouring prices without a collision, or else through an ordered map; the next best level is
//! the next set bit of a page or the first of the page after it.
//!
//! Invariant: a page exists exactly while one of its levels has orders; a bit is set exactly while its
//! level has orders; `best` is the lowest key. So memory follows the orders at rest, never the range of
//! their prices, and no price costs more than a look-up in the map.
//! Left out on purpose: a window that follows the touch; whoever moves the touch far away and back would
//! make it copy every level, twice.

use std::collections::BTreeMap;

use num::{Lots, Side, Ticks};

use crate::fetch::fetch;

use super::slab::{NONE, Node, Place, Slab, at};
use super::{Level, RestingOrder};

const OFFSET_BITS: u32 = 5;
const PAGE_PRICES: usize = 1 << OFFSET_BITS;
const CACHED_PAGES: usize = 64;

/// The orders of one price, oldest at the head.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queue {
    pub(super) lots: u64,
    pub(super) orders: u32,
    pub(super) head: u32,
    tail: u32,
}

const EMPTY: Queue = Queue { lots: 0, orders: 0, head: NONE, tail: NONE };

#[derive(Clone, Debug)]
struct Page {
    /// The keys on this page without their low bits.
    number: i64,
    /// A bit for each queue that has orders.
    occupied: u32,
    /// Pages with the next higher and lower number; in a free page `next` is the next free one.
    next: u32,
    previous: u32,
    queues: [Queue; PAGE_PRICES],
}

#[derive(Clone, Copy, Debug)]
struct CachedPage {
    number: i64,
    page: u32,
}

/// The levels of one side.
#[derive(Clone, Debug)]
pub(super) struct Ladder {
    side: Side,
    /// Turns a price into a key and back.
    flip: i64,
    pages: Vec<Page>,
    free: u32,
    by_number: BTreeMap<i64, u32>,
    cache: Box<[CachedPage; CACHED_PAGES]>,
    /// The page with the lowest keys.
    first: u32,
    best_key: i64,
    best_place: Option<Place>,
}

impl Place {
    fn new(side: Side, page: u32, offset: u32) -> Self {
        let side_bit = match side {
            Side::Buy => 0,
            Side::Sell => 1,
        };
        Self((page << (OFFSET_BITS + 1)) | (offset << 1) | side_bit)
    }

    #[inline]
    pub(super) fn side(self) -> Side {
        if self.0 & 1 == 0 { Side::Buy } else { Side::Sell }
    }

    #[inline]
    fn page(self) -> u32 {
        self.0 >> (OFFSET_BITS + 1)
    }

    #[inline]
    fn offset(self) -> u32 {
        (self.0 >> 1) & OFFSET_MASK
    }
}

const OFFSET_MASK: u32 = (1 << OFFSET_BITS) - 1;

impl Ladder {
    pub(super) fn new(side: Side) -> Self {
        let flip = match side {
            Side::Buy => -1,
            Side::Sell => 0,
        };
        Self {
            side,
            flip,
            pages: Vec::new(),
            free: NONE,
            by_number: BTreeMap::new(),
            cache: Box::new([CachedPage { number: 0, page: NONE }; CACHED_PAGES]),
            first: NONE,
            best_key: i64::MAX,
            best_place: None,
        }
    }

    /// Orders of this side with a lower key trade first.
    #[inline]
    pub(super) const fn key(&self, price: Ticks) -> i64 {
        price.get() ^ self.flip
    }

    #[inline]
    pub(super) const fn price(&self, key: i64) -> Ticks {
        Ticks::new(key ^ self.flip)
    }

    /// The lowest key with orders and its place.
    #[inline]
    pub(super) fn best(&self) -> Option<(i64, Place)> {
        self.best_place.map(|place| (self.best_key, place))
    }

    #[inline]
    pub(super) fn queue(&self, place: Place) -> &Queue {
        &self.pages[at(place.page())].queues[at(place.offset())]
    }

    #[inline]
    pub(super) fn queue_mut(&mut self, place: Place) -> &mut Queue {
        &mut self.pages[at(place.page())].queues[at(place.offset())]
    }

    #[inline]
    pub(super) fn price_at(&self, place: Place) -> Ticks {
        self.price(key_of(self.pages[at(place.page())].number, place.offset()))
    }

    /// Puts a new order, which the slab holds in its next slot, behind the others at its price. When their
    /// lots cannot be summed, answers with the lots that wait there and changes nothing.
    #[inline]
    pub(super) fn append(&mut self, order: &RestingOrder, slab: &mut Slab) -> Result<(), Lots> {
        let key = self.key(order.price);
        let (number, offset) = split(key);
        let page = self.page_of(number).unwrap_or_else(|| self.open(number));
        let lots = order.remaining.get();
        let opened = &mut self.pages[at(page)];
        let queue = &mut opened.queues[at(offset)];
        let Some(sum) = queue.lots.checked_add(lots) else { return Err(Lots::new(queue.lots)) };
        let slot = slab.next_slot();
        let previous = core::mem::replace(&mut queue.tail, slot);
        queue.lots = sum;
        queue.orders += 1;
        let place = Place::new(self.side, page, offset);
        if previous == NONE {
            queue.head = slot;
            opened.occupied |= 1 << offset;
            if self.best_place.is_none() || key < self.best_key {
                self.best_key = key;
                self.best_place = Some(place);
            }
        } else {
            slab.get_mut(previous).next = slot;
        }
        slab.insert(Node { id: order.id, lots, next: NONE, previous, owner: order.owner, place });
        Ok(())
    }

    /// Takes the oldest order out of its queue, as every full fill does; its slot stays to be freed.
    #[inline]
    pub(super) fn unlink_front(&mut self, node: Node, slab: &mut Slab) {
        let queue = self.queue_mut(node.place);
        if node.next == NONE {
            *queue = EMPTY;
            self.clear(node.place);
        } else {
            queue.head = node.next;
            queue.lots -= node.lots;
            queue.orders -= 1;
            slab.get_mut(node.next).previous = NONE;
        }
    }

    /// Takes an order out of its queue; its slot stays to be freed.
    #[inline]
    pub(super) fn unlink(&mut self, node: Node, slab: &mut Slab) {
        let queue = self.queue_mut(node.place);
        queue.lots -= node.lots;
        queue.orders -= 1;
        if node.next == NONE {
            queue.tail = node.previous;
        } else {
            slab.get_mut(node.next).previous = node.previous;
        }
        if node.previous == NONE {
            queue.head = node.next;
        } else {
            slab.get_mut(node.previous).next = node.next;
        }
        if queue.orders == 0 {
            self.clear(node.place);
        }
    }

    /// Forgets a level that lost its last order.
    #[inline]
    fn clear(&mut self, place: Place) {
        let page = &mut self.pages[at(place.page())];
        page.occupied &= !(1 << place.offset());
        let page_is_empty = page.occupied == 0;
        if page_is_empty {
            self.close(place.page());
        }
        if self.best_place == Some(place) {
            self.find_best();
        }
    }

    #[inline]
    fn find_best(&mut self) {
        if self.first == NONE {
            self.best_place = None;
            return;
        }
        let page = &self.pages[at(self.first)];
        let offset = page.occupied.trailing_zeros();
        self.best_key = key_of(page.number, offset);
        self.best_place = Some(Place::new(self.side, self.first, offset));
    }

    #[inline]
    fn page_of(&mut self, number: i64) -> Option<u32> {
        let cached = self.cache[cache_line(number)];
        if cached.number == number && cached.page != NONE {
            return Some(cached.page);
        }
        let page = self.by_number.get(&number).copied()?;
        self.cache[cache_line(number)] = CachedPage { number, page };
        Some(page)
    }

    /// Makes a page and enters it in map, list and cache.
    fn open(&mut self, number: i64) -> u32 {
        let previous = self.by_number.range(..number).next_back().map_or(NONE, |(_, page)| *page);
        let next = if previous == NONE { self.first } else { self.pages[at(previous)].next };
        let page = self.allocate(Page { number, occupied: 0, next, previous, queues: [EMPTY; PAGE_PRICES] });
        if previous == NONE {
            self.first = page;
        } else {
            self.pages[at(previous)].next = page;
        }
        if next != NONE {
            self.pages[at(next)].previous = page;
        }
        self.by_number.insert(number, page);
        self.cache[cache_line(number)] = CachedPage { number, page };
        page
    }

    fn allocate(&mut self, page: Page) -> u32 {
        if self.free == NONE {
            let number = u32::try_from(self.pages.len()).expect("invariant: no more pages than orders");
            self.pages.push(page);
            return number;
        }
        let number = self.free;
        let slot = &mut self.pages[at(number)];
        self.free = slot.next;
        *slot = page;
        number
    }

    /// Takes an empty page out of map, list and cache.
    fn close(&mut self, page: u32) {
        let Page { number, next, previous, .. } = self.pages[at(page)];
        if previous == NONE {
            self.first = next;
        } else {
            self.pages[at(previous)].next = next;
        }
        if next != NONE {
            self.pages[at(next)].previous = previous;
        }
        self.by_number.remove(&number);
        let cached = &mut self.cache[cache_line(number)];
        if cached.page == page {
            cached.page = NONE;
        }
        self.pages[at(page)].next = self.free;
        self.free = page;
    }

    /// Asks for its own lines.
    pub(super) fn fetch(&self) {
        fetch(&self.pages);
        fetch(&self.best_key);
    }

    /// Asks for what says where the page of a price is.
    pub(super) fn fetch_line(&self, price: Ticks) {
        let (number, _) = split(self.key(price));
        fetch(&self.cache[cache_line(number)]);
    }

    /// Asks for a level and the head of its page.
    pub(super) fn fetch_level(&self, place: Place) {
        if let Some(page) = self.pages.get(at(place.page())) {
            fetch(&page.number);
            let queue = &page.queues[at(place.offset())];
            fetch(&queue.lots);
            fetch(&queue.tail);
        }
    }

    /// Asks for the level of a price.
    pub(super) fn fetch_page(&self, price: Ticks) {
        if let Some(place) = self.cached_place(price) {
            self.fetch_level(place);
        }
    }

    /// The slot of the last order at a price.
    pub(super) fn tail(&self, price: Ticks) -> Option<u32> {
        let place = self.cached_place(price)?;
        Some(self.pages.get(at(place.page()))?.queues[at(place.offset())].tail)
    }

    /// The place of a price whose page is in the cache.
    fn cached_place(&self, price: Ticks) -> Option<Place> {
        let (number, offset) = split(self.key(price));
        let cached = self.cache[cache_line(number)];
        (cached.number == number && cached.page != NONE).then(|| Place::new(self.side, cached.page, offset))
    }

    /// Levels best first, with the slot of the oldest order of each.
    pub(super) fn levels(&self) -> Levels<'_> {
        Levels { ladder: self, page: self.first, occupied: self.occupied(self.first) }
    }

    fn occupied(&self, page: u32) -> u32 {
        if page == NONE { 0 } else { self.pages[at(page)].occupied }
    }

    /// Orders best first.
    pub(super) fn orders<'a>(&'a self, slab: &'a Slab) -> impl Iterator<Item = RestingOrder> + 'a {
        self.levels().flat_map(move |(level, head)| {
            let following = |slot: &u32| Some(slab.get(*slot).next).filter(|next| *next != NONE);
            core::iter::successors(Some(head), following).map(move |slot| view(slab.get(slot), level.price))
        })
    }
}

/// A record as the outside sees it.
#[inline]
pub(super) fn view(node: &Node, price: Ticks) -> RestingOrder {
    let Node { id, owner, lots, place, .. } = *node;
    RestingOrder { id, owner, side: place.side(), price, remaining: Lots::new(lots) }
}

/// Walks the pages and their bits.
#[derive(Debug)]
pub(super) struct Levels<'a> {
    ladder: &'a Ladder,
    page: u32,
    /// Bits of the page not yet passed.
    occupied: u32,
}

impl Iterator for Levels<'_> {
    type Item = (Level, u32);

    fn next(&mut self) -> Option<Self::Item> {
        if self.occupied == 0 {
            if self.page == NONE {
                return None;
            }
            self.page = self.ladder.pages[at(self.page)].next;
            self.occupied = self.ladder.occupied(self.page);
            if self.page == NONE {
                return None;
            }
        }
        let page = &self.ladder.pages[at(self.page)];
        let offset = self.occupied.trailing_zeros();
        self.occupied &= self.occupied - 1;
        let queue = page.queues[at(offset)];
        let price = self.ladder.price(key_of(page.number, offset));
        Some((Level { price, lots: Lots::new(queue.lots), orders: queue.orders }, queue.head))
    }
}

/// The page and the offset of a key.
#[inline]
fn split(key: i64) -> (i64, u32) {
    let offset = u32::try_from(key & i64::from(OFFSET_MASK)).expect("invariant: masked to five bits");
    (key >> OFFSET_BITS, offset)
}

#[inline]
fn key_of(number: i64, offset: u32) -> i64 {
    (number << OFFSET_BITS) | i64::from(offset)
}

#[inline]
fn cache_line(number: i64) -> usize {
    let [low, ..] = number.to_le_bytes();
    usize::from(low) % CACHED_PAGES
}
