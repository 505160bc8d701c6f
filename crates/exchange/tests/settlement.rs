//! The oracle's index, marks, and expiry by data time.

mod support;

use num::{Cash, HOUR_MS, MINUTE_MS, Timestamp};
use support::*;
use wire::{Action, Event, OrderEnd, Reject, UnderlyingId};

const BTC: UnderlyingId = UnderlyingId(0);
/// 2026-08-08T08:00:00Z.
const EXPIRY_MS: u64 = START_MS + 8 * HOUR_MS;

/// One reporter's word on BTC, signed for a moment that may have passed.
fn said(bench: &mut Bench, reporter: u8, usd: i64, at_ms: u64) -> wire::SignedIntent {
    let observed_at = Timestamp::from_millis(at_ms);
    bench.intent(reporter, vec![Action::Observe { underlying: BTC, price: usdc(usd), observed_at }])
}

fn index(bench: &Bench) -> Cash {
    bench.state.underlying_of(BTC).expect("genesis lists BTC").index
}

/// A bench with a call and a put traded between 1 (short) and 2 (long), at six minutes to the expiry.
fn before_expiry() -> Bench {
    let mut bench = Bench::funded();
    bench.act(1, vec![sell(CALL, 100, 1_000), sell(PUT, 100, 1_000)]);
    bench.act(2, vec![buy(CALL, 100, 1_000), buy(PUT, 100, 1_000)]);
    bench.act(3, vec![buy(CALL, 5, 900)]);
    bench.now_ms = EXPIRY_MS - 6 * MINUTE_MS;
    bench
}

fn delivered(events: &[Event]) -> Option<Cash> {
    events.iter().find_map(|event| match event {
        Event::Delivered { price, .. } => Some(*price),
        _ => None,
    })
}

#[test]
fn the_index_moves_when_a_quorum_has_spoken_and_not_before() {
    let mut bench = Bench::funded();
    let now = bench.now_ms;
    let two = vec![said(&mut bench, 201, 65_000, now), said(&mut bench, 202, 65_010, now)];
    bench.commit(two);
    assert_eq!(index(&bench), usdc(64_000));
    let third = said(&mut bench, 203, 90_000, now);
    let events = bench.commit(vec![third]);
    assert_eq!(index(&bench), usdc(65_010), "the median, whatever one reporter says");
    assert!(events.contains(&Event::IndexMoved { underlying: BTC, price: usdc(65_010) }));
}

#[test]
fn marks_follow_the_index_in_the_same_commit() {
    let mut bench = Bench::funded();
    let mark = |bench: &Bench, id| bench.state.instrument(id).unwrap().mark().unwrap();
    let (call, put) = (mark(&bench, CALL), mark(&bench, PUT));
    bench.report(0, 66_000);
    assert_eq!(mark(&bench, PERPETUAL), usdc(66_000));
    assert_eq!(mark(&bench, FUTURE), usdc(66_330));
    assert!(mark(&bench, CALL) > call && mark(&bench, PUT) < put);
}

#[test]
fn holders_are_paid_the_average_of_the_window_and_nothing_is_left() {
    let mut bench = before_expiry();
    let money: Vec<Cash> = (1..=2).map(|user| bench.balance(user)).collect();
    for (minutes, price) in [(6, 64_000), (4, 66_000)] {
        bench.now_ms = EXPIRY_MS - minutes * MINUTE_MS;
        bench.report(0, price);
    }
    bench.now_ms = EXPIRY_MS + 1_000;
    let events = bench.report(0, 99_000);
    assert_eq!(delivered(&events), Some(usdc(65_000)), "what comes after the expiry does not count");
    // One BTC of calls pays 1,000, of puts nothing.
    assert_eq!(bench.balance(2).micros() - money[1].micros(), 1_000_000_000);
    assert_eq!(bench.balance(1).micros() - money[0].micros(), -1_000_000_000);
    assert_eq!((bench.position(1, CALL), bench.position(2, CALL), bench.position(2, PUT)), (0, 0, 0));
    assert_eq!(bench.state.instrument(CALL).unwrap().open_interest, 0);
    assert!(events.iter().any(|it| matches!(it, Event::OrderEnded { end: OrderEnd::InstrumentExpired, .. })));
    assert_eq!(bench.reject_of(2, buy(CALL, 1, 100)), Some(Reject::InstrumentClosed { have: CALL }));
}

#[test]
fn nothing_settles_before_a_quorum_has_passed_the_expiry() {
    let mut bench = before_expiry();
    bench.report(0, 64_500);
    bench.now_ms = EXPIRY_MS + HOUR_MS;
    let late = (201..=202).map(|reporter| said(&mut bench, reporter, 70_000, EXPIRY_MS + 1)).collect();
    assert_eq!(delivered(&bench.commit(late)), None);
    assert_eq!(bench.position(2, CALL), 100, "positions wait, orders are gone");
    assert_eq!(bench.state.resting_orders(), 0);
    let third = said(&mut bench, 203, 70_000, EXPIRY_MS + 1);
    assert_eq!(delivered(&bench.commit(vec![third])), Some(usdc(64_500)));
}

#[test]
fn delaying_messages_does_not_move_the_delivery_price() {
    let price = |order: [usize; 3]| {
        let mut bench = before_expiry();
        let words =
            [(64_000, EXPIRY_MS - 5 * MINUTE_MS), (65_000, EXPIRY_MS - MINUTE_MS), (80_000, EXPIRY_MS)];
        bench.now_ms = EXPIRY_MS + MINUTE_MS;
        let mut events = Vec::new();
        for word in order {
            let (usd, at_ms) = words[word];
            let all = (201..=204).map(|reporter| said(&mut bench, reporter, usd, at_ms)).collect::<Vec<_>>();
            events.extend(all);
        }
        delivered(&bench.commit(events)).unwrap()
    };
    assert_eq!(price([0, 1, 2]), usdc(64_500));
    for order in [[0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        assert_eq!(price(order), usdc(64_500), "{order:?}");
    }
}

#[test]
fn a_dated_future_settles_against_its_entry() {
    let mut bench = Bench::funded();
    bench.act(1, vec![sell(FUTURE, 1_000, 128_640)]);
    bench.act(2, vec![buy(FUTURE, 1_000, 128_640)]);
    let before = bench.balance(2);
    let expiry_ms = START_MS + 20 * 24 * HOUR_MS + 8 * HOUR_MS;
    bench.now_ms = expiry_ms - MINUTE_MS;
    bench.report(0, 65_000);
    bench.now_ms = expiry_ms;
    let events = bench.report(0, 65_000);
    assert_eq!(delivered(&events), Some(usdc(65_000)), "{events:?}");
    // Bought one BTC at 64,320.
    assert_eq!(bench.balance(2).micros() - before.micros(), 680_000_000);
    assert_eq!(bench.state.totals().clearing, Cash::ZERO);
}
