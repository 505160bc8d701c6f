//! What orders may ask for: times, parts, rivals, triggers, self-trade rules, labels, volatilities.
#![allow(clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use num::{Cash, Fix, Lots, Side, Ticks, Timestamp};
use support::*;
use wire::{
    Action, Atomicity, Conditions, ContractKind, Crossing, Event, NewOrder, OrderEnd, OrderFilter, OrderId,
    OrderKind, OrderTarget, Outcome, PostOnly, PriceSource, Reject, SelfTrade, TimeInForce, Trigger,
};

fn bid(lots: u64, price: i64) -> NewOrder {
    limit(PERPETUAL, Side::Buy, lots, price)
}

fn ask(lots: u64, price: i64) -> NewOrder {
    limit(PERPETUAL, Side::Sell, lots, price)
}

fn place(order: NewOrder) -> Action {
    Action::Place { order }
}

fn until(bench: &Bench, ahead_ms: u64) -> TimeInForce {
    TimeInForce::GoodTilTime { until: Timestamp::from_millis(bench.now_ms + ahead_ms) }
}

fn trigger(source: PriceSource, crossing: Crossing, usd: i64) -> Conditions {
    let price = Trigger::Price { source, crossing, price: usdc(usd) };
    Conditions { trigger: Some(price), ..Conditions::default() }
}

fn after(primary: &str) -> Option<Trigger> {
    Some(Trigger::Filled { primary: OrderTarget::Label { label: label(primary) } })
}

fn placed(outcomes: &[Outcome]) -> OrderId {
    match outcomes {
        [Outcome::Placed { order }] => *order,
        other => panic!("{other:?}"),
    }
}

/// How orders ended, in order.
fn ends(events: &[Event]) -> Vec<(OrderId, OrderEnd)> {
    let of = |event: &Event| match event {
        Event::OrderEnded { order, end, .. } => Some((*order, *end)),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

#[test]
fn an_order_with_a_time_ends_with_the_first_commit_later() {
    let mut bench = Bench::funded();
    let time_in_force = until(&bench, 25);
    let order = placed(&bench.act(1, vec![place(NewOrder { time_in_force, ..bid(10, AT) })]));
    bench.commit(Vec::new());
    assert_eq!(bench.state.resting_orders(), 1);
    assert_eq!(ends(&bench.commit(Vec::new())), [(order, OrderEnd::Expired)]);
    let late = TimeInForce::GoodTilTime { until: Timestamp::from_millis(bench.now_ms) };
    let reject = bench.reject_of(1, place(NewOrder { time_in_force: late, ..bid(10, AT) }));
    assert!(matches!(reject, Some(Reject::TimeNotAhead { .. })), "{reject:?}");
}

#[test]
fn a_post_only_order_that_may_move_rests_beside_what_it_would_have_met() {
    let mut bench = Bench::funded();
    bench.act(1, vec![place(ask(10, AT + 4))]);
    let order =
        placed(&bench.act(2, vec![place(NewOrder { post_only: PostOnly::Reprice, ..bid(5, AT + 9) })]));
    assert_eq!(bench.state.find_order(order).unwrap().price, Ticks::new(AT + 3));
    let order = placed(&bench.act(3, vec![place(NewOrder { post_only: PostOnly::Reprice, ..ask(5, AT) })]));
    assert_eq!(bench.state.find_order(order).unwrap().price, Ticks::new(AT + 4));
    assert_eq!(bench.state.trades(), 0);
}

#[test]
fn self_trade_rules_end_the_one_the_other_or_both() {
    for (self_trade, left, position) in [
        (SelfTrade::ExpireMaker, vec![5], 10),
        (SelfTrade::ExpireTaker, vec![7, 20], 0),
        (SelfTrade::ExpireBoth, vec![20], 0),
    ] {
        let mut bench = Bench::funded();
        bench.act(1, vec![place(ask(7, AT))]);
        bench.act(2, vec![place(ask(10, AT))]);
        bench.act(1, vec![place(ask(20, AT + 50))]);
        bench.act(1, vec![with(bid(15, AT), Conditions { self_trade, ..Conditions::default() })]);
        let index = bench.state.account_index(&account(1)).unwrap();
        let mut open: Vec<u64> = bench.state.open_orders(index).map(|it| it.remaining().get()).collect();
        open.sort_unstable();
        assert_eq!(bench.position(1, PERPETUAL), position, "{self_trade:?}");
        if self_trade == SelfTrade::ExpireMaker {
            open.retain(|lots| *lots != 20);
        }
        assert_eq!(open, left, "{self_trade:?}");
    }
}

#[test]
fn fill_or_kill_counts_what_a_self_trade_rule_leaves_in_reach() {
    let mut bench = Bench::funded();
    bench.act(2, vec![place(ask(5, AT))]);
    bench.act(1, vec![place(ask(5, AT))]);
    bench.act(3, vec![place(ask(5, AT))]);
    let all = NewOrder { time_in_force: TimeInForce::FillOrKill, ..bid(10, AT) };
    let stop = Conditions { self_trade: SelfTrade::ExpireTaker, ..Conditions::default() };
    let reject = bench.reject_of(1, with(all.clone(), stop));
    assert_eq!(reject, Some(Reject::NotFillable { have: Lots::new(5), need: Lots::new(10) }));
    assert_eq!(bench.reject_of(1, place(all)), None);
    assert_eq!(bench.position(1, PERPETUAL), 10);
}

#[test]
fn an_iceberg_shows_a_part_and_queues_anew_with_each() {
    let mut bench = Bench::funded();
    let display = Conditions { display: Some(Lots::new(10)), ..Conditions::default() };
    let order = placed(&bench.act(1, vec![with(ask(35, AT), display)]));
    bench.act(2, vec![place(ask(10, AT))]);
    let shown = |bench: &Bench| bench.state.levels(PERPETUAL, Side::Sell, 1)[0].lots.get();
    assert_eq!(shown(&bench), 20);
    bench.act(3, vec![place(bid(15, AT))]);
    // Its first ten, then five of the other: the next part came behind.
    assert_eq!((bench.position(1, PERPETUAL), bench.position(2, PERPETUAL)), (-10, -5));
    assert_eq!(shown(&bench), 15);
    let all = NewOrder { time_in_force: TimeInForce::FillOrKill, ..bid(30, AT) };
    assert_eq!(bench.reject_of(3, place(all)), None, "what is hidden can be filled");
    assert!(bench.state.find_order(order).is_none());
    let reject = bench
        .reject_of(1, with(ask(5, AT), Conditions { display: Some(Lots::new(6)), ..Conditions::default() }));
    assert_eq!(reject, Some(Reject::DisplayOutOfRange { have: Lots::new(6), need: Lots::new(5) }));
}

#[test]
fn an_iceberg_that_shrinks_gives_up_what_it_hides_first() {
    let mut bench = Bench::funded();
    let display = Conditions { display: Some(Lots::new(10)), ..Conditions::default() };
    let order = placed(&bench.act(1, vec![with(ask(35, AT), display)]));
    let mut shrink = |lots: u64| {
        let target = OrderTarget::Id { order };
        bench.act(1, vec![Action::Amend { target, lots: Lots::new(lots), price: Ticks::new(AT) }]);
        let it = bench.state.find_order(order).unwrap();
        (it.shown().get(), it.hidden.get())
    };
    assert_eq!(shrink(12), (10, 2));
    assert_eq!(shrink(4), (4, 0));
}

#[test]
fn a_stop_enters_when_its_price_is_reached() {
    for (source, crossing, usd, moved) in [
        (PriceSource::Index, Crossing::Falls, 63_000, 62_990),
        (PriceSource::Mark, Crossing::Rises, 65_000, 65_000),
        (PriceSource::Mark, Crossing::Falls, 63_000, 62_000),
    ] {
        let mut bench = Bench::funded();
        bench.act(2, vec![place(bid(10, 120_000))]);
        let stop = NewOrder { kind: OrderKind::Market, ..ask(10, 1) };
        let order = placed(&bench.act(1, vec![with(stop, trigger(source, crossing, usd))]));
        assert_eq!(bench.position(1, PERPETUAL), 0);
        let events = bench.report(0, moved);
        assert!(
            events.iter().any(|it| matches!(it, Event::OrderTriggered { order: it, .. } if *it == order))
        );
        assert_eq!(bench.position(1, PERPETUAL), -10, "{source:?} {crossing:?}");
    }
}

#[test]
fn a_take_on_the_last_price_enters_in_the_commit_of_the_trade() {
    let mut bench = Bench::funded();
    bench.act(1, vec![with(ask(5, AT), trigger(PriceSource::Last, Crossing::Rises, 64_100))]);
    bench.act(2, vec![place(ask(1, AT + 200))]);
    bench.act(3, vec![place(bid(6, AT + 200))]);
    assert_eq!((bench.position(1, PERPETUAL), bench.position(3, PERPETUAL)), (-5, 6));
}

#[test]
fn a_held_order_asks_for_no_margin_until_it_enters_and_is_then_refused_without_it() {
    let mut bench = Bench::new();
    bench.act(1, vec![faucet(10)]);
    bench.act(2, vec![faucet(1_000_000)]);
    let order = placed(
        &bench.act(1, vec![with(bid(1_000, AT), trigger(PriceSource::Index, Crossing::Rises, 65_000))]),
    );
    let events = bench.report(0, 65_000);
    assert!(
        events.iter().any(|it| matches!(it, Event::OrderRefused { reject: Reject::MarginTooLow { .. }, .. }))
    );
    assert_eq!(ends(&events), [(order, OrderEnd::Refused)]);
}

#[test]
fn held_orders_are_cancelled_like_others() {
    let mut bench = Bench::funded();
    let stop = trigger(PriceSource::Index, Crossing::Rises, 65_000);
    let named = NewOrder { label: label("stop"), ..bid(10, AT) };
    let first = placed(&bench.act(1, vec![with(named.clone(), stop.clone())]));
    let second = placed(&bench.act(1, vec![with(bid(11, AT), stop.clone())]));
    let reject = bench.reject_of(1, with(NewOrder { lots: Lots::new(9), ..named.clone() }, stop));
    assert_eq!(reject, Some(Reject::LabelInUse { have: first }));
    let target = OrderTarget::Label { label: label("stop") };
    assert_eq!(bench.reject_of(1, Action::Cancel { target: target.clone() }), None);
    assert_eq!(bench.reject_of(1, Action::Cancel { target }), Some(Reject::UnknownOrder));
    let theirs = Action::Cancel { target: OrderTarget::Id { order: second } };
    assert_eq!(bench.reject_of(2, theirs), Some(Reject::UnknownOrder));
    bench.act(1, vec![Action::CancelAll { instrument: None }]);
    assert!(bench.report(0, 70_000).iter().all(|it| !matches!(it, Event::OrderTriggered { .. })));
    let price = Trigger::Price { source: PriceSource::Mark, crossing: Crossing::Rises, price: Cash::ZERO };
    let zero = Conditions { trigger: Some(price), ..Conditions::default() };
    assert_eq!(bench.reject_of(1, with(named, zero)), Some(Reject::TriggerNotPositive { have: Cash::ZERO }));
}

#[test]
fn of_two_rivals_the_one_that_trades_ends_the_other() {
    let mut bench = Bench::funded();
    let rivals = Conditions { rivals: Some(7), ..Conditions::default() };
    bench.act(1, vec![with(ask(10, AT + 20), rivals.clone())]);
    let stop = Conditions { rivals: Some(7), ..trigger(PriceSource::Index, Crossing::Falls, 60_000) };
    let stop = placed(&bench.act(1, vec![with(ask(10, 110_000), stop)]));
    let other = placed(&bench.act(1, vec![with(ask(3, AT + 90), rivals)]));
    let take = bench.intent(2, vec![place(bid(4, AT + 20))]);
    let events = bench.commit(vec![take]);
    let ended = ends(&events);
    assert!(ended.contains(&(stop, OrderEnd::Rival)) && ended.contains(&(other, OrderEnd::Rival)));
    assert_eq!(bench.state.resting_orders(), 1, "what is left of the one that traded stays");
}

#[test]
fn an_order_that_waits_for_another_enters_when_that_one_has_filled() {
    let mut bench = Bench::funded();
    let primary = NewOrder { label: label("in"), ..bid(10, AT) };
    let take = Conditions { trigger: after("in"), rivals: Some(1), ..Conditions::default() };
    let stop = Conditions { trigger: after("in"), rivals: Some(1), ..Conditions::default() };
    bench.act(1, vec![place(primary), with(ask(10, AT + 100), take), with(ask(10, AT + 200), stop)]);
    assert_eq!(bench.state.resting_orders(), 1);
    bench.act(2, vec![place(ask(4, AT))]);
    assert_eq!(bench.state.resting_orders(), 1, "a part is not the whole");
    bench.act(2, vec![place(ask(6, AT))]);
    // The first to enter is triggered, which ends its rival.
    assert_eq!(bench.state.resting_orders(), 1);
    assert_eq!(bench.state.best(PERPETUAL, Side::Sell), Some(Ticks::new(AT + 100)));
}

#[test]
fn who_waits_for_an_order_that_filled_at_once_enters_with_it() {
    let mut bench = Bench::funded();
    bench.act(2, vec![place(ask(10, AT))]);
    let primary = NewOrder { label: label("in"), ..bid(10, AT) };
    let exit = Conditions { trigger: after("in"), ..Conditions::default() };
    bench.act(1, vec![place(primary), with(ask(10, AT + 100), exit)]);
    assert_eq!(bench.state.best(PERPETUAL, Side::Sell), Some(Ticks::new(AT + 100)));
}

#[test]
fn nobody_waits_for_an_order_that_filled_longer_ago_than_its_label_answers_for() {
    let mut bench = Bench::funded();
    bench.act(2, vec![place(ask(10, AT))]);
    bench.act(1, vec![place(NewOrder { label: label("in"), ..bid(10, AT) })]);
    let exit = || Conditions { trigger: after("in"), ..Conditions::default() };
    bench.now_ms += 9_000;
    assert_eq!(bench.reject_of(1, with(ask(1, AT + 100), exit())), None);
    bench.now_ms += 1_000;
    assert_eq!(bench.reject_of(1, with(ask(1, AT + 100), exit())), Some(Reject::UnknownOrder));
}

#[test]
fn who_waits_for_an_order_that_ended_ends_too_down_the_whole_chain() {
    let mut bench = Bench::funded();
    let named = |name: &str, lots: u64| NewOrder { label: label(name), ..bid(lots, AT) };
    let wait = |name: &str| Conditions { trigger: after(name), ..Conditions::default() };
    let mut actions = vec![place(named("0", 1))];
    for link in 1..40 {
        let (before, name) = ((link - 1).to_string(), link.to_string());
        actions.push(with(named(&name, 1), wait(&before)));
    }
    bench.act(1, actions);
    let target = OrderTarget::Label { label: label("0") };
    let cancel = bench.intent(1, vec![Action::Cancel { target }]);
    let ended = ends(&bench.commit(vec![cancel]));
    assert_eq!(ended.iter().filter(|(_, end)| *end == OrderEnd::PrimaryEnded).count(), 39);
    let dropped = NewOrder { time_in_force: TimeInForce::ImmediateOrCancel, ..named("gone", 1) };
    let outcomes = bench.act(1, vec![place(dropped), with(named("late", 1), wait("gone"))]);
    assert_eq!(outcomes[1], Outcome::Rejected { reject: Reject::PrimaryEnded });
}

#[test]
fn the_same_order_under_the_same_label_is_placed_once() {
    let mut bench = Bench::funded();
    let order = NewOrder { label: label("once"), ..bid(10, AT) };
    let first = placed(&bench.act(1, vec![place(order.clone())]));
    let open = Outcome::Repeated { order: first, filled: Lots::ZERO, end: None };
    assert_eq!(bench.act(1, vec![place(order.clone())]), [open]);
    let otherwise = Conditions { rivals: Some(1), ..Conditions::default() };
    let in_use = Some(Reject::LabelInUse { have: first });
    assert_eq!(bench.reject_of(1, with(order.clone(), otherwise)), in_use, "it is not the same order");
    let other = NewOrder { lots: Lots::new(11), ..order.clone() };
    assert_eq!(bench.reject_of(1, place(other)), Some(Reject::LabelInUse { have: first }));
    bench.act(2, vec![place(ask(10, AT))]);
    let filled = Outcome::Repeated { order: first, filled: Lots::new(10), end: Some(OrderEnd::Filled) };
    assert_eq!(bench.act(1, vec![place(order.clone())]), [filled]);
    assert_eq!(bench.position(1, PERPETUAL), 10);
    bench.now_ms += 20_000;
    let again = placed(&bench.act(1, vec![place(order.clone())]));
    assert_ne!(again, first, "the window is over");
    bench.act(1, vec![Action::CancelAll { instrument: None }]);
    assert_ne!(placed(&bench.act(1, vec![place(order)])), again, "what its owner cancelled is not repeated");
}

#[test]
fn a_filter_cancels_what_it_fits_and_nothing_else() {
    let cases: Vec<(OrderFilter, usize)> = vec![
        (OrderFilter::default(), 4),
        (OrderFilter { instrument: Some(CALL), ..OrderFilter::default() }, 1),
        (OrderFilter { kind: Some(ContractKind::Option), ..OrderFilter::default() }, 1),
        (
            OrderFilter {
                kind: Some(ContractKind::Perpetual),
                side: Some(Side::Buy),
                ..OrderFilter::default()
            },
            1,
        ),
        (OrderFilter { side: Some(Side::Sell), ..OrderFilter::default() }, 2),
        (OrderFilter { label: Some(label("a")), ..OrderFilter::default() }, 1),
        (OrderFilter { underlying: Some(wire::UnderlyingId(1)), ..OrderFilter::default() }, 0),
        (OrderFilter { protection: Some(3), ..OrderFilter::default() }, 0),
    ];
    for (filter, count) in cases {
        let mut bench = Bench::funded();
        let stop = trigger(PriceSource::Index, Crossing::Falls, 1);
        let named = NewOrder { label: label("a"), ..ask(5, AT + 10) };
        let orders = vec![
            place(bid(5, AT)),
            place(named),
            buy(CALL, 5, 900),
            with(limit(FUTURE, Side::Sell, 5, AT), stop),
        ];
        bench.act(1, orders);
        let cancel = bench.intent(1, vec![Action::CancelMatching { filter: filter.clone() }]);
        assert_eq!(ends(&bench.commit(vec![cancel])).len(), count, "{filter:?}");
    }
}

#[test]
fn an_options_limit_may_be_a_volatility() {
    let mut bench = Bench::funded();
    let volatility = |raw: i64| OrderKind::Volatility { volatility: Fix::from_raw(raw) };
    let mut price = |side: Side| {
        let order = NewOrder { kind: volatility(400_000_000), ..limit(CALL, side, 10, 0) };
        let order = placed(&bench.act(1, vec![place(order)]));
        bench.state.find_order(order).map(|it| it.price.get())
    };
    let (low, high) = (price(Side::Buy).unwrap(), price(Side::Sell).unwrap());
    assert!(high == low || high == low + 1, "{low} {high}: rounded away from trading");
    let it = bench.state.instrument(CALL).unwrap();
    let mark = it.market.ticks(it.mark().unwrap(), num::Rounding::Floor).unwrap().get();
    assert!(low < mark, "40 % is below the smile");
    let zero = NewOrder { kind: volatility(0), ..limit(CALL, Side::Buy, 10, 0) };
    assert!(matches!(bench.reject_of(2, place(zero)), Some(Reject::NoVolatilityPrice { .. })));
    let future = NewOrder { kind: volatility(400_000_000), ..bid(10, 0) };
    assert!(matches!(bench.reject_of(2, place(future)), Some(Reject::NoVolatilityPrice { .. })));
}

#[test]
fn a_failed_group_leaves_no_held_order_and_takes_none() {
    let mut bench = Bench::funded();
    let stop = trigger(PriceSource::Index, Crossing::Rises, 65_000);
    let kept = placed(&bench.act(1, vec![with(bid(5, AT), stop.clone())]));
    let time_in_force = until(&bench, 60_000);
    let actions = vec![
        Action::CancelAll { instrument: None },
        with(NewOrder { label: label("x"), ..bid(6, AT) }, stop),
        place(NewOrder { time_in_force, ..bid(7, AT) }),
        Action::SetSwitch { at: Some(Timestamp::from_millis(bench.now_ms + 60_000)) },
        place(bid(0, AT)),
    ];
    let group = bench.intent_of(1, actions, Atomicity::AllOrNothing);
    assert_eq!(bench.commit(vec![group]).len(), 1);
    let triggered: Vec<_> = bench
        .report(0, 65_500)
        .into_iter()
        .filter_map(|it| match it {
            Event::OrderTriggered { order, .. } => Some(order),
            _ => None,
        })
        .collect();
    assert_eq!(triggered, [kept]);
}
