//! What market makers lean on: quotes in one action, protection of a group, the dead man's switch.
#![allow(clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use num::{Duration, Fix, Lots, Side, Ticks, Timestamp};
use support::*;
use wire::{
    Action, Conditions, Event, NewOrder, OrderEnd, OrderId, Outcome, PostOnly, ProtectionLimits, QuoteSide,
    Reject,
};

const GROUP: u16 = 3;

fn side(lots: u64, price: i64) -> Option<QuoteSide> {
    Some(QuoteSide { price: Ticks::new(price), lots: Lots::new(lots) })
}

fn quote(bid: Option<QuoteSide>, ask: Option<QuoteSide>) -> Action {
    Action::Quote { instrument: PERPETUAL, protection: None, bid, ask }
}

/// The orders of a quote that was taken.
fn quoted(outcomes: &[Outcome]) -> (Option<OrderId>, Option<OrderId>) {
    match outcomes {
        [Outcome::Quoted { bid, ask }] => (*bid, *ask),
        other => panic!("{other:?}"),
    }
}

/// One lot is a thousandth of a BTC.
fn limits(quantity_millis: i64, frozen_ms: u64) -> ProtectionLimits {
    ProtectionLimits {
        interval: Duration::from_millis(1_000),
        frozen: Duration::from_millis(frozen_ms),
        quantity: Some(Fix::from_raw(quantity_millis * 1_000_000)),
        delta: None,
        vega: None,
    }
}

fn protect(limits: ProtectionLimits) -> Action {
    Action::SetProtection { group: GROUP, limits: Some(limits) }
}

fn grouped(order: NewOrder) -> Action {
    with(order, Conditions { protection: Some(GROUP), ..Conditions::default() })
}

#[test]
fn a_quote_replaces_the_one_before() {
    let mut bench = Bench::funded();
    let (bid, ask) = quoted(&bench.act(1, vec![quote(side(10, AT - 5), side(10, AT + 5))]));
    assert!(bid.is_some() && ask.is_some());
    let (same, moved) = quoted(&bench.act(1, vec![quote(side(6, AT - 5), side(10, AT + 6))]));
    assert_eq!(same, bid, "what shrinks at its price stays where it is");
    assert_ne!(moved, ask);
    assert_eq!(bench.state.resting_orders(), 2);
    let (gone, kept) = quoted(&bench.act(1, vec![quote(None, side(10, AT + 6))]));
    assert_eq!((gone, kept), (None, moved));
    assert_eq!(quoted(&bench.act(1, vec![quote(None, None)])), (None, None));
    assert_eq!(bench.state.resting_orders(), 0);
}

#[test]
fn a_quote_may_cross_where_it_stood_before() {
    let mut bench = Bench::funded();
    bench.act(1, vec![quote(side(10, AT - 5), side(10, AT + 5))]);
    bench.act(1, vec![quote(side(10, AT + 5), side(10, AT + 15))]);
    assert_eq!(bench.state.best(PERPETUAL, Side::Buy), Some(Ticks::new(AT + 5)));
    assert_eq!(bench.state.trades(), 0);
}

#[test]
fn a_quote_never_takes() {
    let mut bench = Bench::funded();
    bench.act(2, vec![sell(PERPETUAL, 10, AT)]);
    bench.act(1, vec![quote(side(10, AT + 10), side(10, AT + 20))]);
    assert_eq!((bench.state.trades(), bench.state.best(PERPETUAL, Side::Buy)), (0, Some(Ticks::new(AT - 1))));
}

#[test]
fn a_quote_is_refused_whole_and_the_last_one_stays() {
    let mut bench = Bench::funded();
    let (bid, ask) = quoted(&bench.act(1, vec![quote(side(10, AT - 5), side(10, AT + 5))]));
    let cases = [
        (quote(side(10, AT + 5), side(10, AT + 5)), "crossed"),
        (quote(side(10, AT), side(0, AT + 5)), "no lots"),
        (quote(side(10, 1), side(10, AT + 5)), "outside of the band"),
        (quote(side(900_000, AT), side(10, AT + 5)), "beyond the margin"),
        (Action::Quote { instrument: PERPETUAL, protection: Some(9), bid: None, ask: None }, "no such group"),
    ];
    for (action, why) in cases {
        assert!(bench.reject_of(1, action).is_some(), "{why}");
        let orders = [bid, ask].map(|order| bench.state.find_order(order.unwrap()).is_some());
        assert_eq!(orders, [true, true], "{why}");
    }
}

#[test]
fn makers_quotes_move_before_takers_of_the_same_commit() {
    let mut bench = Bench::funded();
    bench.act(1, vec![quote(None, side(10, AT))]);
    let take = bench.intent(2, vec![buy(PERPETUAL, 10, AT)]);
    let moved = bench.intent(1, vec![quote(None, side(10, AT + 50))]);
    bench.commit(vec![take, moved]);
    assert_eq!(bench.position(2, PERPETUAL), 0);
}

#[test]
fn a_group_that_trades_too_much_is_gone_before_the_next_fill() {
    let mut bench = Bench::funded();
    bench.act(1, vec![protect(limits(25, 500))]);
    bench.act(1, (1..=5).map(|step| grouped(limit(PERPETUAL, Side::Sell, 10, AT + step))).collect());
    bench.act(1, vec![sell(PERPETUAL, 10, AT + 9)]);
    let sweep = bench.intent(2, vec![buy(PERPETUAL, 100, AT + 100)]);
    let events = bench.commit(vec![sweep]);
    // Three fills of ten reach 25; the other two of the group are out, the plain order trades.
    assert_eq!((bench.position(1, PERPETUAL), bench.position(2, PERPETUAL)), (-40, 40));
    assert!(
        events.iter().any(|it| matches!(it, Event::ProtectionTripped { group: GROUP, until: Some(_), .. }))
    );
    let gone = events.iter().filter(|it| matches!(it, Event::OrderEnded { end: OrderEnd::Protection, .. }));
    assert_eq!(gone.count(), 2);
    let again = grouped(limit(PERPETUAL, Side::Sell, 10, AT + 200));
    assert!(matches!(bench.reject_of(1, again.clone()), Some(Reject::ProtectionFrozen { .. })));
    bench.now_ms += 600;
    assert_eq!(bench.reject_of(1, again), None, "it thaws by commit time");
}

#[test]
fn a_taker_of_a_tripped_group_trades_no_further() {
    let mut bench = Bench::funded();
    bench.act(2, (1..=5).map(|step| sell(PERPETUAL, 10, AT + step)).collect());
    bench.act(1, vec![protect(limits(20, 0)), grouped(limit(PERPETUAL, Side::Buy, 50, AT + 9))]);
    assert_eq!(bench.position(1, PERPETUAL), 20);
    let order = grouped(limit(PERPETUAL, Side::Buy, 1, AT));
    bench.now_ms += 1_000_000;
    assert!(matches!(bench.reject_of(1, order.clone()), Some(Reject::ProtectionFrozen { .. })));
    bench.act(1, vec![Action::ResetProtection { group: GROUP }]);
    assert_eq!(bench.reject_of(1, order), None);
}

#[test]
fn trades_that_are_far_apart_do_not_add_up_and_opposite_ones_have_no_delta() {
    let mut bench = Bench::funded();
    let delta = ProtectionLimits { quantity: None, delta: Some(Fix::from_raw(15_000_000)), ..limits(0, 0) };
    bench.act(1, vec![protect(delta)]);
    for (lots, wait_ms, action) in [(10, 0, 0), (10, 2_000, 1), (10, 0, 2)] {
        bench.now_ms += wait_ms;
        let (maker, taker) = match action {
            2 => (limit(PERPETUAL, Side::Buy, lots, AT), sell(PERPETUAL, lots, AT)),
            _ => (limit(PERPETUAL, Side::Sell, lots, AT), buy(PERPETUAL, lots, AT)),
        };
        assert_eq!(bench.reject_of(1, grouped(maker)), None, "{action}");
        bench.act(2, vec![taker]);
    }
    assert!(!bench.events.iter().any(|it| matches!(it, Event::ProtectionTripped { .. })));
}

#[test]
fn every_reject_of_protection_has_its_case() {
    let mut bench = Bench::funded();
    let unknown = Some(Reject::UnknownProtection { have: GROUP });
    assert_eq!(bench.reject_of(1, grouped(limit(PERPETUAL, Side::Buy, 1, AT))), unknown);
    assert_eq!(bench.reject_of(1, Action::ResetProtection { group: GROUP }), unknown);
    assert_eq!(bench.reject_of(1, Action::SetProtection { group: GROUP, limits: None }), unknown);
    let zero = ProtectionLimits { interval: Duration::from_millis(0), ..limits(1, 1) };
    assert_eq!(bench.reject_of(1, protect(zero)), Some(Reject::SpanZero));
    for group in 0..16 {
        let limits = Some(limits(1, 1));
        assert_eq!(bench.reject_of(1, Action::SetProtection { group, limits }), None);
    }
    let one_more = Action::SetProtection { group: 16, limits: Some(limits(1, 1)) };
    assert_eq!(bench.reject_of(1, one_more), Some(Reject::ProtectionLimit { have: 16, need: 16 }));
    assert_eq!(bench.reject_of(1, Action::SetProtection { group: 0, limits: None }), None);
}

#[test]
fn orders_of_an_owner_who_fell_silent_end_by_commit_time() {
    let mut bench = Bench::funded();
    let at = |bench: &Bench, ahead: u64| Some(Timestamp::from_millis(bench.now_ms + ahead));
    let first = at(&bench, 100);
    bench.act(1, vec![Action::SetSwitch { at: first }, buy(PERPETUAL, 10, AT)]);
    let post = NewOrder { post_only: PostOnly::Reject, ..limit(PERPETUAL, Side::Buy, 10, AT - 5) };
    bench.act(1, vec![Action::Place { order: post }]);
    let second = at(&bench, 100);
    bench.act(1, vec![Action::SetSwitch { at: second }]);
    bench.now_ms += 80;
    bench.commit(Vec::new());
    assert_eq!(bench.state.resting_orders(), 2, "it was set anew");
    bench.now_ms += 80;
    let events = bench.commit(Vec::new());
    let ended = events.iter().filter(|it| matches!(it, Event::OrderEnded { end: OrderEnd::Switch, .. }));
    assert_eq!(ended.count(), 2);
    let past = Some(Timestamp::from_millis(5));
    assert!(matches!(bench.reject_of(1, Action::SetSwitch { at: past }), Some(Reject::TimeNotAhead { .. })));
    assert_eq!(bench.reject_of(1, Action::SetSwitch { at: None }), None);
}
