//! Markets that stop by themselves, what they take while they stand, and how they open.

mod support;

use exchange::genesis::HaltParameters;
use num::{Duration, Fix, Lots, Side, Ticks};
use support::*;
use wire::{
    Action, Conditions, Event, HaltCause, InstrumentId, NewOrder, OrderEnd, OrderId, OrderKind, Outcome,
    PostOnly, ProtectionLimits, Reject, TimeInForce, TradeKind,
};

const STAND_MS: u64 = 1_000;

/// What stops at 10 % in a minute, or when 40 lots are taken one way.
const fn rules() -> HaltParameters {
    HaltParameters {
        window_ms: 60_000,
        move_billionths: Fix::SCALE / 10,
        flow_bucket_lots: 10,
        flow_buckets: 4,
        flow_billionths: Fix::SCALE / 10 * 9,
        cancel_only_ms: STAND_MS,
        collect_ms: STAND_MS,
    }
}

fn bench() -> Bench {
    Bench::with(|genesis| genesis.halt = Some(rules())).fund()
}

/// A bench whose BTC markets have just stopped at 71,000.
fn halted() -> Bench {
    let mut bench = bench();
    let events = bench.report(0, 71_000);
    assert!(events.iter().any(|it| matches!(it, Event::Halted { cause: HaltCause::Volatility, .. })));
    bench
}

const MARK: i64 = 142_000;

fn open(bench: &mut Bench) -> Vec<Event> {
    bench.now_ms += 2 * STAND_MS;
    bench.commit(Vec::new())
}

fn order(side: Side, lots: u64, price: i64) -> Action {
    Action::Place { order: limit(PERPETUAL, side, lots, price) }
}

/// Price and lots of the perpetual's opening.
fn opening(events: &[Event]) -> (Option<i64>, u64) {
    let of = |event: &Event| match event {
        Event::Reopened { instrument: PERPETUAL, price, lots } => Some((price.map(Ticks::get), lots.get())),
        _ => None,
    };
    events.iter().find_map(of).expect("the market opened")
}

#[test]
fn a_jump_of_the_index_stops_all_markets_of_its_underlying() {
    let mut bench = bench();
    assert!(!bench.report(0, 70_000).iter().any(|it| matches!(it, Event::Halted { .. })), "9.4 %");
    let events = bench.report(0, 70_500);
    let stopped: Vec<InstrumentId> = events
        .iter()
        .filter_map(|it| match it {
            Event::Halted { instrument, .. } => Some(*instrument),
            _ => None,
        })
        .collect();
    assert!(stopped.contains(&PERPETUAL) && stopped.contains(&CALL));
    let ether = bench.state.instrument_named("ETH_USDC-PERPETUAL").unwrap();
    assert!(ether.halt.is_none() && !stopped.contains(&ether.id));
}

#[test]
fn a_slow_move_stops_nothing() {
    let mut bench = bench();
    for usd in [66_000, 68_000, 70_000, 72_000, 74_000] {
        bench.now_ms += 50_000;
        assert!(!bench.report(0, usd).iter().any(|it| matches!(it, Event::Halted { .. })), "{usd}");
    }
}

#[test]
fn takers_who_all_lean_one_way_stop_their_instrument_alone() {
    let mut bench = bench();
    bench.act(1, vec![order(Side::Sell, 100, AT)]);
    for _ in 0..3 {
        bench.act(2, vec![order(Side::Buy, 10, AT)]);
    }
    assert!(bench.state.instrument(PERPETUAL).unwrap().halt.is_none());
    bench.act(2, vec![order(Side::Buy, 10, AT)]);
    let halt = bench.state.instrument(PERPETUAL).unwrap().halt.unwrap();
    assert_eq!(halt.cause, HaltCause::Flow);
    assert!(bench.state.instrument(FUTURE).unwrap().halt.is_none());
}

#[test]
fn the_order_that_stops_its_market_trades_no_further() {
    let mut bench = bench();
    let parts = (0..8).map(|place| order(Side::Sell, 10, AT + place));
    bench.act(1, parts.collect());
    let intent = bench.intent(2, vec![order(Side::Buy, 60, AT + 7)]);
    let events = bench.commit(vec![intent]);
    let halted = events.iter().position(|it| matches!(it, Event::Halted { .. })).unwrap();
    assert!(events[halted..].iter().all(|it| !matches!(it, Event::Traded { .. })), "{events:?}");
    assert_eq!(bench.position(2, PERPETUAL), 40, "four buckets");
    let dropped = |it: &Event| matches!(it, Event::OrderEnded { end: OrderEnd::Dropped, unfilled, .. } if *unfilled == Lots::new(20));
    assert!(events.iter().any(dropped), "the rest would cross what rests");
}

#[test]
fn fill_or_kill_that_would_stop_its_market_before_it_is_whole_leaves_no_trace() {
    let mut bench = bench();
    bench.act(1, (0..8).map(|place| order(Side::Sell, 10, AT + place)).collect());
    let kill = NewOrder { time_in_force: TimeInForce::FillOrKill, ..limit(PERPETUAL, Side::Buy, 60, AT + 7) };
    let refused = Reject::NotFillable { have: Lots::new(40), need: Lots::new(60) };
    assert_eq!(bench.reject_of(2, Action::Place { order: kill }), Some(refused));
    assert_eq!((bench.position(2, PERPETUAL), bench.state.resting_orders()), (0, 8));
    assert!(bench.state.instrument(PERPETUAL).unwrap().halt.is_none());
}

#[test]
fn takers_on_both_sides_stop_nothing() {
    let mut bench = bench();
    bench.act(1, vec![order(Side::Sell, 500, AT + 2), order(Side::Buy, 500, AT)]);
    for _ in 0..20 {
        bench.act(2, vec![order(Side::Buy, 5, AT + 2), order(Side::Sell, 5, AT)]);
    }
    assert!(bench.state.instrument(PERPETUAL).unwrap().halt.is_none());
}

#[test]
fn a_halted_market_takes_cancels_only_and_then_collects() {
    let mut bench = bench();
    bench.act(1, vec![order(Side::Buy, 10, AT)]);
    bench.report(0, 71_000);
    assert!(matches!(
        bench.reject_of(2, order(Side::Sell, 10, AT)),
        Some(Reject::Halted { have: PERPETUAL, .. })
    ));
    let quote = Action::Quote { instrument: PERPETUAL, protection: None, bid: None, ask: None };
    assert!(matches!(bench.reject_of(2, quote), Some(Reject::Halted { .. })));
    assert_eq!(bench.reject_of(1, Action::CancelAll { instrument: None }), None);
    assert_eq!(bench.state.resting_orders(), 0);
    bench.now_ms += STAND_MS;
    let base = limit(PERPETUAL, Side::Sell, 10, MARK);
    for refused in [
        NewOrder { time_in_force: TimeInForce::ImmediateOrCancel, ..base.clone() },
        NewOrder { time_in_force: TimeInForce::FillOrKill, ..base.clone() },
        NewOrder { kind: OrderKind::Market, ..base.clone() },
        NewOrder { post_only: PostOnly::Reject, ..base.clone() },
    ] {
        let reject = bench.reject_of(2, Action::Place { order: refused });
        assert!(matches!(reject, Some(Reject::Halted { .. })), "{reject:?}");
    }
    assert!(matches!(bench.act(2, vec![Action::Place { order: base }])[0], Outcome::Placed { .. }));
    assert_eq!((bench.state.trades(), bench.state.resting_orders()), (0, 0));
}

#[test]
fn an_opening_trades_the_most_at_one_price_and_the_best_go_first() {
    let mut bench = halted();
    bench.now_ms += STAND_MS;
    // At +4: 30 bought, 25 sold. At +2: 30 and 10. At +6: 10 and 25.
    bench.act(1, vec![order(Side::Buy, 10, MARK + 8), order(Side::Buy, 20, MARK + 4)]);
    bench.act(2, vec![order(Side::Sell, 10, MARK)]);
    bench.act(3, vec![order(Side::Sell, 15, MARK + 4)]);
    bench.act(4, vec![order(Side::Sell, 50, MARK + 20)]);
    assert_eq!(bench.state.trades(), 0);
    let events = open(&mut bench);
    assert_eq!(opening(&events), (Some(MARK + 4), 25));
    for event in &events {
        if let Event::Traded { trade } = event {
            assert_eq!((trade.price, trade.kind), (Ticks::new(MARK + 4), TradeKind::Opening));
        }
    }
    assert_eq!([1, 2, 3, 4].map(|user| bench.position(user, PERPETUAL)), [25, -10, -15, 0]);
    assert_eq!(bench.state.best(PERPETUAL, Side::Buy), Some(Ticks::new(MARK + 4)), "five are left over");
    assert_eq!(bench.state.best(PERPETUAL, Side::Sell), Some(Ticks::new(MARK + 20)));
}

#[test]
fn an_opening_leaves_the_least_over_between_two_prices_too() {
    let mut bench = halted();
    bench.now_ms += STAND_MS;
    // At +10: 8 bought, 5 sold. At +20: 5 and 8. Between them five meet five.
    bench.act(1, vec![order(Side::Buy, 5, MARK + 20), order(Side::Buy, 3, MARK + 10)]);
    bench.act(2, vec![order(Side::Sell, 5, MARK + 10), order(Side::Sell, 3, MARK + 20)]);
    assert_eq!(opening(&open(&mut bench)), (Some(MARK + 11), 5), "of those the nearest to the mark");
}

#[test]
fn orders_that_rested_before_take_part_in_the_opening() {
    let mut bench = bench();
    let high = AT + 12_000;
    bench.act(1, vec![order(Side::Sell, 30, high)]);
    bench.report(0, 71_000);
    bench.now_ms += STAND_MS;
    bench.act(2, vec![order(Side::Buy, 20, MARK)]);
    let events = open(&mut bench);
    assert_eq!(opening(&events).1, 20);
    assert_eq!((bench.position(1, PERPETUAL), bench.position(2, PERPETUAL)), (-20, 20));
    assert_eq!(bench.state.resting_orders(), 1);
}

#[test]
fn a_market_that_nobody_crosses_opens_without_a_price() {
    let mut bench = halted();
    bench.now_ms += STAND_MS;
    bench.act(1, vec![order(Side::Buy, 10, MARK - 4)]);
    bench.act(2, vec![order(Side::Sell, 10, MARK + 4)]);
    let events = open(&mut bench);
    assert_eq!(opening(&events), (None, 0));
    assert_eq!(bench.state.resting_orders(), 2);
    assert_eq!(bench.reject_of(3, order(Side::Buy, 5, MARK)), None, "it trades again");
}

#[test]
fn collected_orders_of_one_account_do_not_trade_with_each_other_and_rivals_end() {
    let mut bench = halted();
    bench.now_ms += STAND_MS;
    bench.act(1, vec![order(Side::Buy, 10, MARK + 4), order(Side::Sell, 10, MARK)]);
    let rivals = Conditions { rivals: Some(1), ..Conditions::default() };
    let either = |lots: u64| with(limit(PERPETUAL, Side::Sell, lots, MARK), rivals.clone());
    bench.act(2, vec![either(4), either(5)]);
    let events = open(&mut bench);
    let ended: Vec<(OrderId, OrderEnd)> = events
        .iter()
        .filter_map(|it| match it {
            Event::OrderEnded { order, end, .. } => Some((*order, *end)),
            _ => None,
        })
        .collect();
    assert!(ended.iter().any(|(_, end)| *end == OrderEnd::SelfTrade));
    assert!(ended.iter().any(|(_, end)| *end == OrderEnd::Rival));
    assert_eq!((bench.position(1, PERPETUAL), bench.position(2, PERPETUAL)), (4, -4));
}

#[test]
fn what_is_collected_can_be_cancelled_and_needs_margin_when_it_opens() {
    let mut bench = halted();
    bench.now_ms += STAND_MS;
    bench.act(1, vec![order(Side::Buy, 10, MARK)]);
    bench.act(1, vec![Action::CancelAll { instrument: None }]);
    let sub = wire::AccountId { subaccount: 1, ..account(3) };
    bench
        .act(3, vec![Action::Transfer { subaccount: 1, amount: usdc(999_990) }, order(Side::Buy, 900, MARK)]);
    bench.act(2, vec![order(Side::Sell, 10, MARK)]);
    let events = open(&mut bench);
    assert_eq!(opening(&events), (None, 0));
    assert!(
        events.iter().any(|it| matches!(it, Event::OrderRefused { reject: Reject::MarginTooLow { .. }, .. }))
    );
    assert_eq!(bench.state.balance(bench.state.account_index(&sub).unwrap()), usdc(999_990));
}

#[test]
fn collected_orders_of_one_account_need_margin_together() {
    let mut bench = Bench::with(|genesis| genesis.halt = Some(rules()));
    bench.act(1, vec![faucet(1_000)]);
    bench.report(0, 71_000);
    bench.now_ms += STAND_MS;
    // Each needs about six hundred.
    bench.act(1, vec![order(Side::Buy, 40, MARK), order(Side::Buy, 40, MARK), order(Side::Buy, 40, MARK)]);
    let events = open(&mut bench);
    let refused = |it: &&Event| matches!(it, Event::OrderRefused { reject: Reject::MarginTooLow { .. }, .. });
    assert_eq!(events.iter().filter(refused).count(), 2, "{events:?}");
    assert_eq!(bench.state.resting_orders(), 1);
}

#[test]
fn an_opening_brings_no_more_orders_than_a_book_may_have() {
    let mut bench = Bench::with(|genesis| {
        (genesis.halt, genesis.limits.book_orders_max) = (Some(rules()), 3);
    })
    .fund();
    bench.act(1, vec![order(Side::Buy, 1, AT)]);
    bench.report(0, 71_000);
    bench.now_ms += STAND_MS;
    bench.act(2, (0..5).map(|_| order(Side::Buy, 1, MARK)).collect());
    let events = open(&mut bench);
    let full =
        |it: &&Event| matches!(it, Event::OrderRefused { reject: Reject::BookFull { have: 3, need: 3 }, .. });
    assert_eq!(events.iter().filter(full).count(), 3, "{events:?}");
    assert_eq!(bench.state.resting_orders(), 3);
}

#[test]
fn what_was_collected_of_a_group_goes_when_the_opening_trips_it() {
    let mut bench = halted();
    let limits = ProtectionLimits {
        interval: Duration::from_millis(10_000),
        frozen: Duration::ZERO,
        quantity: Some(Fix::from_raw(Fix::SCALE / 100)),
        delta: None,
        vega: None,
    };
    bench.act(1, vec![Action::SetProtection { group: 1, limits: Some(limits) }]);
    bench.now_ms += STAND_MS;
    let of_group = Conditions { protection: Some(1), ..Conditions::default() };
    let buy = |lots: u64, price: i64| with(limit(PERPETUAL, Side::Buy, lots, price), of_group.clone());
    bench.act(1, vec![buy(10, MARK + 4), buy(10, MARK - 20)]);
    bench.act(2, vec![order(Side::Sell, 10, MARK)]);
    let events = open(&mut bench);
    assert!(events.iter().any(|it| matches!(it, Event::ProtectionTripped { .. })), "{events:?}");
    assert_eq!((bench.position(1, PERPETUAL), bench.state.resting_orders()), (10, 0));
}

#[test]
fn nobody_is_liquidated_through_a_market_that_stands() {
    let mut bench = bench();
    bench.act(1, vec![order(Side::Sell, 63_000, AT)]);
    bench.act(2, vec![order(Side::Buy, 63_000, AT)]);
    bench.act(3, vec![order(Side::Buy, 30_000, 114_000)]);
    let events = bench.report(0, 57_000);
    assert!(events.iter().any(|it| matches!(it, Event::LiquidationStarted { .. })));
    assert_eq!(bench.position(2, PERPETUAL), 63_000);
    open(&mut bench);
    assert!(bench.position(2, PERPETUAL) < 63_000, "it goes on when the market has opened");
}

#[test]
fn open_interest_and_positions_end_at_their_limits() {
    let mut bench = Bench::with(|genesis| {
        (genesis.limits.open_interest_lots_max, genesis.limits.position_lots_max) = (50, 40);
    })
    .fund();
    let too_large = Reject::PositionTooLarge { have: Lots::new(41), need: Lots::new(40) };
    assert_eq!(bench.reject_of(1, order(Side::Buy, 41, AT)), Some(too_large));
    bench.act(1, vec![order(Side::Sell, 40, AT)]);
    bench.act(2, vec![order(Side::Buy, 40, AT)]);
    bench.act(3, vec![order(Side::Sell, 20, AT)]);
    let intent = bench.intent(4, vec![order(Side::Buy, 20, AT)]);
    let events = bench.commit(vec![intent]);
    assert!(events.iter().any(|it| matches!(it, Event::OrderEnded { end: OrderEnd::PositionLimit, .. })));
    bench.act(4, vec![order(Side::Buy, 10, AT - 2)]);
    bench.act(3, vec![Action::CancelAll { instrument: None }, order(Side::Sell, 10, AT - 2)]);
    assert_eq!(bench.state.instrument(PERPETUAL).unwrap().open_interest, 50);
    let full = Reject::OpenInterestLimit { have: 50, need: 50 };
    assert_eq!(bench.reject_of(5, order(Side::Buy, 1, AT)), Some(full));
    assert_eq!(bench.reject_of(2, order(Side::Sell, 40, AT)), None, "who closes may");
}
