//! The numbers of an account's open orders.
//!
//! Numbers rise, and orders of one time tend to end together: a line of numbers, in which those that have ended keep
//! their place until they are at an end of it or as many as the rest, is quicker than a tree.
//!
//! Invariant: the line rises; of those that have ended there are never many more than of those that are open, so that
//! no change costs more than the numbers that are there.

use std::collections::VecDeque;

use wire::OrderId;

/// Marks a number whose order has ended. Orders are counted far below it.
const ENDED: u64 = 1 << 63;
/// Ended numbers that stay for nothing.
const ENDED_MIN: usize = 32;

/// Neighbours that are looked at before all others, on either side.
const NEAR: usize = 2;

/// Open orders by rising number.
#[derive(Clone, Debug, Default)]
pub struct OpenOrders {
    line: VecDeque<u64>,
    open: usize,
    /// Where the one stood that ended last: its neighbours tend to be next.
    near: usize,
}

impl OpenOrders {
    pub const fn len(&self) -> usize {
        self.open
    }

    pub const fn is_empty(&self) -> bool {
        self.open == 0
    }

    pub fn contains(&self, id: OrderId) -> bool {
        self.place(id).is_ok_and(|place| self.line[place] == id.0)
    }

    /// By rising number.
    pub fn iter(&self) -> impl Iterator<Item = OrderId> {
        self.line.iter().filter(|number| *number & ENDED == 0).map(|number| OrderId(*number))
    }

    pub(crate) fn insert(&mut self, id: OrderId) {
        if self.line.back().is_none_or(|last| last & !ENDED < id.0) {
            self.line.push_back(id.0);
            self.open += 1;
            return;
        }
        match self.place(id) {
            Ok(place) if self.line[place] == id.0 => return,
            Ok(place) => self.line[place] = id.0,
            Err(place) => self.line.insert(place, id.0),
        }
        self.open += 1;
    }

    pub(crate) fn remove(&mut self, id: OrderId) {
        let Ok(place) = self.place(id) else { return };
        let number = &mut self.line[place];
        if *number & ENDED != 0 {
            return;
        }
        *number |= ENDED;
        self.open -= 1;
        self.near = place;
        let is_ended = |number: &mut u64| *number & ENDED != 0;
        while self.line.pop_back_if(is_ended).is_some() {}
        while self.line.pop_front_if(is_ended).is_some() {
            self.near = self.near.saturating_sub(1);
        }
        if self.line.len() > 2 * self.open + ENDED_MIN {
            self.line.retain(|number| number & ENDED == 0);
            self.near = 0;
        }
    }

    /// Where a number stands, or would stand.
    fn place(&self, OrderId(id): OrderId) -> Result<usize, usize> {
        if self.line.back() == Some(&id) {
            return Ok(self.line.len() - 1);
        }
        let first = self.near.saturating_sub(NEAR);
        let near = (first..=self.near + NEAR).find(|place| self.line.get(*place) == Some(&id));
        near.map_or_else(|| self.line.binary_search_by_key(&id, |number| number & !ENDED), Ok)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_says_what_a_set_says(steps in proptest::collection::vec((any::<bool>(), 0..200u64), 0..600)) {
            let (mut line, mut set) = (OpenOrders::default(), BTreeSet::new());
            for (step, (comes, number)) in (0..).zip(steps) {
                // Mostly new numbers come, and now and then an old one does again.
                let id = OrderId(if comes && number < 150 { 200 + step } else { number + step / 2 });
                if comes {
                    line.insert(id);
                    set.insert(id);
                } else {
                    line.remove(id);
                    set.remove(&id);
                }
                prop_assert_eq!((line.len(), line.is_empty()), (set.len(), set.is_empty()));
                prop_assert_eq!(line.contains(id), set.contains(&id));
                prop_assert!(line.line.len() <= 2 * line.len() + ENDED_MIN);
            }
            prop_assert!(line.iter().eq(set));
        }
    }
}
