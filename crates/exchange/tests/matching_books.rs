//! The fast book against the obvious one: whatever is asked of both, they answer alike.
//!
//! After every command both must show equal answers, best prices, fronts and checksums; levels, look-ups
//! and the lots that a taker would find are compared as well. Prices come dense, sparse and from both ends
//! of what an integer holds.

use exchange::book::{Depth, OrderBook, PagedBook, ReferenceBook, RestError, RestingOrder, Taker};
use num::{Lots, Side, Ticks};
use proptest::prelude::*;
use wire::OrderId;

/// Something to ask of a book. Orders are named by how long ago they were entered.
#[derive(Clone, Copy, Debug)]
enum Step {
    Place {
        side: Side,
        lots: u64,
        price: i64,
    },
    /// An order that does not look at the other side first.
    Rest {
        side: Side,
        lots: u64,
        price: i64,
    },
    Take {
        side: Side,
        lots: u64,
        limit: Option<i64>,
    },
    Front {
        side: Side,
        lots: u64,
    },
    Cancel {
        ago: u64,
    },
    Reduce {
        ago: u64,
        remaining: u64,
    },
    RestAgain {
        ago: u64,
    },
}

#[derive(Default)]
struct Pair {
    fast: PagedBook,
    obvious: ReferenceBook,
    next_id: u64,
}

impl Pair {
    /// Asks both, compares what they say and what they show afterwards.
    fn check(&mut self, step: Step) {
        match step {
            Step::Place { side, lots, price } => {
                let limit = Some(Ticks::new(price));
                let left = self.take(Taker { side, lots: Lots::new(lots), limit });
                self.rest(side, left, price);
            }
            Step::Rest { side, lots, price } => self.rest(side, Lots::new(lots), price),
            Step::Take { side, lots, limit } => {
                self.take(Taker { side, lots: Lots::new(lots), limit: limit.map(Ticks::new) });
            }
            Step::Front { side, lots } => {
                let lots = Lots::new(lots);
                assert_eq!(self.fast.fill_front(side, lots), self.obvious.fill_front(side, lots));
            }
            Step::Cancel { ago } => {
                let id = self.id(ago);
                assert_eq!(self.fast.cancel(id), self.obvious.cancel(id));
            }
            Step::Reduce { ago, remaining } => {
                let (id, remaining) = (self.id(ago), Lots::new(remaining));
                assert_eq!(self.fast.reduce(id, remaining), self.obvious.reduce(id, remaining));
            }
            Step::RestAgain { ago } => {
                if let Some(order) = self.obvious.find(self.id(ago)) {
                    let refused = Err(RestError::Duplicate { have: order.id });
                    assert_eq!(self.fast.rest(order), refused);
                    assert_eq!(self.obvious.rest(order), refused);
                }
            }
        }
        self.compare();
    }

    fn id(&self, ago: u64) -> OrderId {
        OrderId(self.next_id.wrapping_sub(ago.wrapping_mul(3)))
    }

    fn take(&mut self, taker: Taker) -> Lots {
        let fillable = self.fast.fillable(taker);
        assert_eq!(fillable, self.obvious.fillable(taker));
        let (mut fast, mut obvious) = (Vec::new(), Vec::new());
        let left = self.fast.take(taker, &mut fast);
        assert_eq!(left, self.obvious.take(taker, &mut obvious));
        assert_eq!(fast, obvious);
        assert_eq!(taker.lots.checked_sub(left), Some(fillable));
        left
    }

    fn rest(&mut self, side: Side, remaining: Lots, price: i64) {
        // Numbers rise with gaps, as one market sees them.
        self.next_id += 3;
        let owner = u32::try_from(self.next_id % 7).expect("below seven");
        let order =
            RestingOrder { id: OrderId(self.next_id), owner, side, price: Ticks::new(price), remaining };
        assert_eq!(self.fast.rest(order), self.obvious.rest(order));
        assert_eq!(self.fast.find(order.id), self.obvious.find(order.id));
    }

    fn compare(&self) {
        assert_eq!(self.fast.checksum(), self.obvious.checksum());
        assert_eq!(self.fast.resting(), self.obvious.resting());
        assert!(!self.fast.is_crossed());
        for side in [Side::Buy, Side::Sell] {
            assert_eq!(self.fast.best(side), self.obvious.best(side));
            assert_eq!(self.fast.front(side), self.obvious.front(side));
            assert!(self.fast.levels(side).eq(self.obvious.levels(side)));
            assert!(self.fast.orders(side).eq(self.obvious.orders(side)));
        }
    }
}

fn side() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Buy), Just(Side::Sell)]
}

fn price() -> impl Strategy<Value = i64> {
    prop_oneof![
        8 => -40i64..40,
        2 => (-5i64..5).prop_map(|far| far * 2_048),
        1 => any::<i64>(),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MIN + 1), Just(i64::MAX - 1), Just(i64::MAX)],
    ]
}

fn lots() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0u64..30, 1 => Just(u64::MAX), 1 => Just(u64::MAX - 10)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (side(), lots(), price()).prop_map(|(side, lots, price)| Step::Place { side, lots, price }),
        2 => (side(), lots(), price()).prop_map(|(side, lots, price)| Step::Rest { side, lots, price }),
        1 => (side(), lots(), prop::option::of(price()))
            .prop_map(|(side, lots, limit)| Step::Take { side, lots, limit }),
        1 => (side(), lots()).prop_map(|(side, lots)| Step::Front { side, lots }),
        3 => (0u64..40).prop_map(|ago| Step::Cancel { ago }),
        2 => (0u64..40, 0u64..30).prop_map(|(ago, remaining)| Step::Reduce { ago, remaining }),
        1 => (0u64..40).prop_map(|ago| Step::RestAgain { ago }),
    ]
}

proptest! {
    #[test]
    fn random_steps_give_equal_books(steps in prop::collection::vec(step(), 1..200)) {
        let mut pair = Pair::default();
        for step in steps {
            pair.check(step);
        }
    }
}

/// A sequence of words from one seed.
struct Words(u64);

impl Words {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn step(&mut self, middle: i64, width: u64) -> Step {
        let side = if self.below(2) == 0 { Side::Buy } else { Side::Sell };
        let away = i64::try_from(self.below(width)).expect("widths are small");
        let price = middle - side.sign() * (away - 2);
        let lots = 1 + self.below(20);
        match self.below(20) {
            0..12 => Step::Place { side, lots, price },
            12..18 => Step::Cancel { ago: self.below(120) },
            18 => Step::Take { side, lots: lots * 4, limit: None },
            _ => Step::Reduce { ago: self.below(120), remaining: lots },
        }
    }
}

/// A long run whose touch wanders and now and then leaps, so that pages open, close and share cache lines.
fn wander(seed: u64, steps: u32, width: u64) {
    let mut words = Words(seed);
    let mut pair = Pair::default();
    let mut middle = 0i64;
    for _ in 0..steps {
        middle += i64::try_from(words.below(3)).expect("below three") - 1;
        if words.below(500) == 0 {
            middle = middle.wrapping_neg().wrapping_add(4_096);
        }
        let step = words.step(middle, width);
        pair.check(step);
    }
    assert!(pair.next_id > 0);
}

#[test]
fn a_long_run_on_dense_prices_gives_equal_books() {
    wander(1, 6_000, 24);
}

#[test]
fn a_long_run_on_sparse_prices_gives_equal_books() {
    wander(2, 6_000, 100_000);
}

fn order(id: u64, side: Side, price: i64, lots: u64) -> RestingOrder {
    RestingOrder { id: OrderId(id), owner: 0, side, price: Ticks::new(price), remaining: Lots::new(lots) }
}

fn refusals<B: OrderBook>() {
    let mut book = B::default();
    let full = u64::MAX;
    assert_eq!(book.rest(order(1, Side::Buy, 10, 0)), Err(RestError::NoLots));
    assert_eq!(book.rest(order(1, Side::Buy, 10, 5)), Ok(()));
    assert_eq!(book.rest(order(1, Side::Sell, 11, 5)), Err(RestError::Duplicate { have: OrderId(1) }));
    let crosses = RestError::Crosses { have: Ticks::new(10), need: Ticks::new(10) };
    assert_eq!(book.rest(order(2, Side::Sell, 10, 5)), Err(crosses));
    let overflow = RestError::LevelOverflow { have: Lots::new(5), need: Lots::new(full) };
    assert_eq!(book.rest(order(2, Side::Buy, 10, full)), Err(overflow));
    assert_eq!(book.rest(order(2, Side::Buy, 9, full)), Ok(()));
    assert_eq!(book.orders(Side::Buy).map(|order| order.id.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(book.front(Side::Sell), None);
}

#[test]
fn orders_that_cannot_rest_are_refused_with_the_reason_and_change_nothing() {
    refusals::<PagedBook>();
    refusals::<ReferenceBook>();
}

fn priorities<B: OrderBook>() {
    let mut book = B::default();
    for (id, price) in [(1, 10), (2, 11), (3, 10), (4, 11)] {
        book.rest(order(id, Side::Sell, price, 5)).expect("nothing is in its way");
    }
    // A smaller order keeps its place; a partly filled one too.
    assert!(book.reduce(OrderId(1), Lots::new(3)).is_ok());
    let mut fills = Vec::new();
    let taker = Taker { side: Side::Buy, lots: Lots::new(4), limit: None };
    assert_eq!(book.take(taker, &mut fills), Lots::ZERO);
    assert_eq!(
        fills.iter().map(|fill| (fill.maker.0, fill.lots.get())).collect::<Vec<_>>(),
        [(1, 3), (3, 1)]
    );
    assert_eq!(book.orders(Side::Sell).map(|order| order.id.0).collect::<Vec<_>>(), [3, 2, 4]);
    // The limit holds, and what is left comes back.
    let taker = Taker { side: Side::Buy, lots: Lots::new(9), limit: Some(Ticks::new(10)) };
    assert_eq!(book.fillable(taker), Lots::new(4));
    assert_eq!(book.take(taker, &mut fills), Lots::new(5));
    assert_eq!(book.best(Side::Sell), Some(Ticks::new(11)));
    assert!(book.crosses(Side::Buy, Ticks::new(11)) && !book.crosses(Side::Buy, Ticks::new(10)));
}

#[test]
fn the_best_price_trades_first_and_the_oldest_order_inside_it() {
    priorities::<PagedBook>();
    priorities::<ReferenceBook>();
}

#[test]
fn order_numbers_that_share_their_low_half_are_told_apart() {
    let mut book = PagedBook::default();
    let ids: Vec<u64> = (0..40).map(|high| (high << 32) | 7).collect();
    for id in &ids {
        book.rest(order(*id, Side::Buy, 10, *id + 1)).expect("numbers differ");
    }
    for id in ids.iter().step_by(2) {
        assert_eq!(book.cancel(OrderId(*id)).map(|order| order.remaining.get()), Some(id + 1));
        assert_eq!(book.cancel(OrderId(*id)), None);
    }
    let left: Vec<u64> = book.orders(Side::Buy).map(|order| order.id.0).collect();
    assert_eq!(left, ids.into_iter().skip(1).step_by(2).collect::<Vec<_>>());
}

#[test]
fn prices_at_any_distance_cost_memory_by_the_order_and_come_back_in_order() {
    let mut book = PagedBook::default();
    for exponent in 0u32..62 {
        let far = 1i64 << exponent;
        for (id, price) in [(1, far), (2, -far)] {
            let id = u64::from(exponent) * 2 + id;
            book.rest(order(id, Side::Sell, price, 1)).expect("no bid is in its way");
        }
    }
    let prices: Vec<i64> = book.levels(Side::Sell).map(|level| level.price.get()).collect();
    assert_eq!(prices.len(), 124);
    assert!(prices.is_sorted());
    let mut fills = Vec::new();
    let taker = Taker { side: Side::Buy, lots: Lots::new(200), limit: None };
    assert_eq!(book.take(taker, &mut fills), Lots::new(76));
    assert_eq!(fills.iter().map(|fill| fill.price.get()).collect::<Vec<_>>(), prices);
    assert_eq!((book.resting(), book.best(Side::Sell)), (0, None));
}
