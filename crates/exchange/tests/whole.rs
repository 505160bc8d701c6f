//! Fill or kill trades whole or leaves no trace, whatever its first fills do to the orders that it was to meet.
#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod support;

use num::{Duration, Fix, Lots, Side};
use support::*;
use wire::{
    Action, Atomicity, Conditions, Crossing, Event, NewOrder, OrderEnd, Outcome, PriceSource,
    ProtectionLimits, Reject, SelfTrade, TimeInForce, Trigger,
};

fn kill(lots: u64) -> NewOrder {
    NewOrder { time_in_force: TimeInForce::FillOrKill, ..limit(PERPETUAL, Side::Buy, lots, AT) }
}

fn asks(lots: u64, conditions: Conditions) -> Action {
    with(limit(PERPETUAL, Side::Sell, lots, AT), conditions)
}

fn not_fillable(have: u64, need: u64) -> Option<Reject> {
    Some(Reject::NotFillable { have: Lots::new(have), need: Lots::new(need) })
}

/// The order is refused by what stands in the book, and afterwards all of it still stands.
fn check(bench: &mut Bench, order: Action, (have, need): (u64, u64)) {
    let before = bench.state.levels(PERPETUAL, Side::Sell, 9);
    assert_eq!(bench.reject_of(2, order), not_fillable(have, need));
    assert_eq!(bench.state.levels(PERPETUAL, Side::Sell, 9), before);
    assert_eq!((bench.position(1, PERPETUAL), bench.position(2, PERPETUAL)), (0, 0));
    assert_eq!([1, 2].map(|user| bench.balance(user)), [usdc(1_000_000); 2], "nobody paid a fee");
}

#[test]
fn it_is_refused_when_the_first_fill_takes_a_rival_out() {
    let mut bench = Bench::funded();
    let rival = Conditions { rivals: Some(7), ..Conditions::default() };
    bench.act(1, vec![asks(5, rival.clone()), asks(5, rival)]);
    check(&mut bench, Action::Place { order: kill(8) }, (5, 8));
    assert_eq!(bench.reject_of(2, Action::Place { order: kill(4) }), None, "as much as one of them has");
}

#[test]
fn it_is_refused_when_a_makers_protection_trips_under_it() {
    let mut bench = Bench::funded();
    let limits = ProtectionLimits {
        interval: Duration::from_millis(1_000),
        frozen: Duration::from_millis(0),
        quantity: Some(Fix::from_raw(Fix::SCALE / 1_000 * 4)),
        delta: None,
        vega: None,
    };
    let guarded = Conditions { protection: Some(1), ..Conditions::default() };
    bench.act(1, vec![Action::SetProtection { group: 1, limits: Some(limits) }]);
    bench.act(1, vec![asks(5, guarded.clone()), asks(5, guarded)]);
    check(&mut bench, Action::Place { order: kill(8) }, (5, 8));
    assert!(
        !bench.events.iter().any(|it| matches!(it, Event::ProtectionTripped { .. })),
        "it has not traded"
    );
}

#[test]
fn it_is_refused_when_hidden_lots_queue_behind_an_own_order() {
    let mut bench = Bench::funded();
    let iceberg = Conditions { display: Some(Lots::new(2)), ..Conditions::default() };
    bench.act(1, vec![asks(10, iceberg)]);
    bench.act(2, vec![sell(PERPETUAL, 3, AT)]);
    let gives_way = Conditions { self_trade: SelfTrade::ExpireTaker, ..Conditions::default() };
    check(&mut bench, with(kill(8), gives_way), (2, 8));
    assert_eq!(
        bench.reject_of(2, Action::Place { order: kill(8) }),
        None,
        "where the own order gives way it fills"
    );
    assert_eq!(bench.position(2, PERPETUAL), 8);
}

#[test]
fn one_that_waited_for_its_price_is_refused_as_a_whole_too() {
    let mut bench = Bench::funded();
    let rival = Conditions { rivals: Some(7), ..Conditions::default() };
    bench.act(1, vec![asks(5, rival.clone()), asks(5, rival)]);
    let trigger = Trigger::Price { source: PriceSource::Mark, crossing: Crossing::Rises, price: usdc(1) };
    bench.act(2, vec![with(kill(8), Conditions { trigger: Some(trigger), ..Conditions::default() })]);
    let told = bench.events.iter().find_map(|it| match it {
        Event::OrderRefused { reject, .. } => Some(reject.clone()),
        _ => None,
    });
    assert_eq!(told, not_fillable(5, 8));
    assert!(bench.events.iter().any(|it| matches!(it, Event::OrderEnded { end: OrderEnd::Refused, .. })));
    assert_eq!((bench.position(1, PERPETUAL), bench.position(2, PERPETUAL)), (0, 0));
}

#[test]
fn in_a_group_it_takes_the_others_back_and_frees_its_label() {
    let mut bench = Bench::funded();
    let rival = Conditions { rivals: Some(7), ..Conditions::default() };
    bench.act(1, vec![asks(5, rival.clone()), asks(5, rival)]);
    let named = NewOrder { label: label("whole"), ..kill(8) };
    let both = vec![buy(PERPETUAL, 1, AT - 9), Action::Place { order: named.clone() }];
    let intent = bench.intent_of(2, both, Atomicity::AllOrNothing);
    let told = outcomes(&bench.commit(vec![intent]));
    let reject = not_fillable(5, 8).unwrap();
    assert_eq!(told[1], Outcome::Rejected { reject: reject.clone() });
    assert!(bench.state.levels(PERPETUAL, Side::Buy, 9).is_empty(), "the first of the group is gone too");
    let again = bench.act(2, vec![Action::Place { order: named }]);
    assert_eq!(again, [Outcome::Rejected { reject }], "the label answers for nothing that has not happened");
}
