//! Orders: their terms, and what the book, the account and its margin have room for.

use num::{Cash, Fix, Lots, Side, Ticks};
use wire::{
    Action, Conditions, Crossing, NewOrder, OrderId, OrderKind, OrderTarget, PostOnly, PriceSource,
    ReduceOnly, Reject, TimeInForce, Trigger,
};

use super::{Row, last, rules::showing, told};
use crate::support::*;

fn one() -> NewOrder {
    limit(PERPETUAL, Side::Buy, 1, AT)
}

fn placed(order: NewOrder) -> Option<Reject> {
    told(Action::Place { order })
}

fn waits(trigger: Trigger) -> Action {
    with(one(), Conditions { trigger: Some(trigger), ..Conditions::default() })
}

fn named(name: &str, order: NewOrder) -> Action {
    Action::Place { order: NewOrder { label: label(name), ..order } }
}

fn primary_ended() -> Option<Reject> {
    let dropped = NewOrder { time_in_force: TimeInForce::ImmediateOrCancel, ..one() };
    let primary = OrderTarget::Label { label: label("first") };
    last(&mut Bench::funded(), 1, vec![named("first", dropped), waits(Trigger::Filled { primary })])
}

/// User 1 buys where user 2 sells one lot.
fn met(order: NewOrder) -> Option<Reject> {
    let mut bench = Bench::funded();
    bench.act(2, vec![sell(PERPETUAL, 1, AT)]);
    bench.reject_of(1, Action::Place { order })
}

fn below_filled() -> Option<Reject> {
    let mut bench = Bench::funded();
    bench.act(1, vec![buy(PERPETUAL, 10, AT)]);
    bench.act(2, vec![sell(PERPETUAL, 5, AT)]);
    let target = OrderTarget::Id { order: OrderId(1) };
    bench.reject_of(1, Action::Amend { target, lots: Lots::new(5), price: Ticks::new(AT) })
}

fn full_book() -> Option<Reject> {
    let mut bench = Bench::with(|genesis| genesis.limits.book_orders_max = 1).fund();
    last(&mut bench, 1, vec![buy(PERPETUAL, 1, AT), buy(PERPETUAL, 1, AT)])
}

fn many_orders() -> Option<Reject> {
    let mut bench = Bench::with(|genesis| genesis.limits.open_orders_max = 1).fund();
    last(&mut bench, 1, vec![buy(PERPETUAL, 1, AT), buy(PERPETUAL, 1, AT)])
}

fn open_interest() -> Option<Reject> {
    let mut bench = Bench::with(|genesis| genesis.limits.open_interest_lots_max = 1).fund();
    bench.act(1, vec![buy(PERPETUAL, 1, AT)]);
    bench.act(2, vec![sell(PERPETUAL, 1, AT)]);
    bench.reject_of(3, buy(PERPETUAL, 1, AT))
}

pub const ROWS: &[Row] = &[
    ("DisplayOutOfRange", || told(showing(0))),
    ("LotsZero", || placed(NewOrder { lots: Lots::ZERO, ..one() })),
    ("LotsTooLarge", || placed(NewOrder { lots: Lots::new(1_000_001), ..one() })),
    ("NoVolatilityPrice", || {
        placed(NewOrder { kind: OrderKind::Volatility { volatility: Fix::ONE }, ..one() })
    }),
    ("PriceNotPositive", || told(buy(PERPETUAL, 1, 0))),
    ("TriggerNotPositive", || {
        let (source, crossing) = (PriceSource::Mark, Crossing::Rises);
        told(waits(Trigger::Price { source, crossing, price: Cash::ZERO }))
    }),
    ("PrimaryEnded", primary_ended),
    ("PriceOutsideBand", || told(buy(PERPETUAL, 1, 2 * AT))),
    ("PostOnlyWithoutLimit", || {
        placed(NewOrder { kind: OrderKind::Market, post_only: PostOnly::Reject, ..one() })
    }),
    ("AmendBelowFilled", below_filled),
    ("LabelInUse", || {
        last(&mut Bench::funded(), 1, vec![named("a", one()), named("a", limit(CALL, Side::Buy, 1, 9))])
    }),
    ("OpenOrderLimit", many_orders),
    ("BookFull", full_book),
    ("Liquidating", || Bench::ruined().reject_of(2, buy(PERPETUAL, 1, 117_400))),
    ("ReduceOnlyWouldOpen", || placed(NewOrder { reduce_only: ReduceOnly::On, ..one() })),
    ("OpenInterestLimit", open_interest),
    ("PositionTooLarge", || {
        let mut bench = Bench::with(|genesis| genesis.limits.position_lots_max = 1).fund();
        bench.reject_of(1, buy(PERPETUAL, 2, AT))
    }),
    ("PostOnlyWouldTrade", || met(NewOrder { post_only: PostOnly::Reject, ..one() })),
    ("NotFillable", || met(NewOrder { lots: Lots::new(2), time_in_force: TimeInForce::FillOrKill, ..one() })),
    ("MarginTooLow", || told(buy(PERPETUAL, 900_000, AT))),
];
