//! Combos: one book for several legs, which trade at once or not at all, with each other and with their own books.
#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod support;

use exchange::{
    Listing,
    genesis::{ComboParameters, HaltParameters},
};
use num::{Cash, Lots, Side, Ticks};
use support::*;
use wire::{
    Action, Atomicity, BlockLeg, BlockTerms, Boxed, ComboLeg, ComboMaker, ComboTrade, Conditions, Crossing,
    Event, InstrumentId, List, NewOrder, OrderEnd, OrderKind, Outcome, PostOnly, PriceSource, ReduceOnly,
    Reject, SelfTrade, TimeInForce, TradeEvent, TradeKind, Trigger,
};

/// 70,000 calls of the later expiry.
const FAR_CALL: InstrumentId = InstrumentId(4);
const ETH: InstrumentId = InstrumentId(5);
/// What the future is above the perpetual at the marks: half a percent of 64,000, in half dollars.
const BASIS: i64 = 640;

fn bench_with(rules: ComboParameters) -> Bench {
    Bench::with(|genesis| genesis.combos = Some(rules)).fund()
}

fn bench() -> Bench {
    bench_with(ComboParameters { fee_micros: 0, ..ComboParameters::default() })
}

fn create(legs: &[(InstrumentId, i64)]) -> Action {
    let legs = legs.iter().map(|(instrument, ratio)| ComboLeg { instrument: *instrument, ratio: *ratio });
    Action::CreateCombo { legs: List::new(legs.collect()).unwrap() }
}

fn list(bench: &mut Bench, legs: &[(InstrumentId, i64)]) -> InstrumentId {
    let listed = match bench.act(1, vec![create(legs)])[..] {
        [Outcome::Combo { instrument, side: Side::Buy }] => Some(instrument),
        _ => None,
    };
    listed.expect("the legs make a combo")
}

fn spread(bench: &mut Bench) -> InstrumentId {
    list(bench, &[(FUTURE, 1), (PERPETUAL, -1)])
}

fn name(bench: &Bench, id: InstrumentId) -> &str {
    &bench.state.instrument(id).unwrap().name
}

fn combo_trades(events: &[Event]) -> Vec<&ComboTrade> {
    let trades = events.iter().filter_map(|event| match event {
        Event::ComboTraded { trade } => Some(trade),
        _ => None,
    });
    trades.collect()
}

fn legs_of(events: &[Event]) -> Vec<&TradeEvent> {
    let trades = events.iter().filter_map(|event| match event {
        Event::Traded { trade } if trade.kind == TradeKind::Combo => Some(trade),
        _ => None,
    });
    trades.collect()
}

fn ends(events: &[Event]) -> Vec<OrderEnd> {
    let of = |event: &Event| match event {
        Event::OrderEnded { end, .. } => Some(*end),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

fn at_once(order: NewOrder) -> Action {
    Action::Place { order: NewOrder { time_in_force: TimeInForce::ImmediateOrCancel, ..order } }
}

/// One action and the events of its commit.
fn events_of(bench: &mut Bench, user: u8, action: Action) -> Vec<Event> {
    let intent = bench.intent(user, vec![action]);
    bench.commit(vec![intent])
}

#[test]
fn the_same_legs_in_any_order_sign_and_multiple_are_one_combo() {
    let mut bench = bench();
    let id = spread(&mut bench);
    assert_eq!(name(&bench, id), "BTC_USDC-FS-28AUG26_PERP");
    let listed = bench.state.instruments().len();
    let same: [(&[(InstrumentId, i64)], Side); 4] = [
        (&[(PERPETUAL, -1), (FUTURE, 1)], Side::Buy),
        (&[(PERPETUAL, -7), (FUTURE, 7)], Side::Buy),
        (&[(FUTURE, -1), (PERPETUAL, 1)], Side::Sell),
        (&[(PERPETUAL, i64::MAX), (FUTURE, -i64::MAX)], Side::Sell),
    ];
    for (legs, side) in same {
        assert_eq!(bench.act(2, vec![create(legs)]), [Outcome::Combo { instrument: id, side }], "{legs:?}");
    }
    assert_eq!(bench.state.instruments().len(), listed);
}

#[test]
fn names_are_those_of_their_shape_or_of_their_digest() {
    let mut bench = bench();
    let cases: [(&[(InstrumentId, i64)], &str); 5] = [
        (&[(CALL, 1), (PUT, 1)], "BTC_USDC-STRD-8AUG26-64000"),
        (&[(CALL, 1), (PUT, -1)], "BTC_USDC-REV-8AUG26-64000"),
        (&[(CALL, 1), (FAR_CALL, -1)], "BTC_USDC-CUSTOM-"),
        (&[(CALL, 1), (FAR_CALL, -2)], "BTC_USDC-CUSTOM-"),
        (&[(CALL, 1), (PUT, -1), (PERPETUAL, -1)], "BTC_USDC-CUSTOM-"),
    ];
    let mut names = Vec::new();
    for (legs, need) in cases {
        let id = list(&mut bench, legs);
        let have = name(&bench, id).to_owned();
        assert!(have.starts_with(need) && have.len() <= 48, "{have}");
        names.push(have);
    }
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len());
}

#[test]
fn two_orders_trade_every_leg_at_prices_that_add_up_to_that_of_the_combo() {
    for price in [BASIS - 30, BASIS, BASIS + 41] {
        let mut bench = bench();
        let id = spread(&mut bench);
        bench.act(1, vec![sell(id, 100, price)]);
        let events = events_of(&mut bench, 2, buy(id, 60, price + 5));
        let trades = combo_trades(&events);
        let [ComboTrade { price: at, lots, maker: ComboMaker::Order { account: maker, .. }, .. }] =
            trades[..]
        else {
            panic!("{events:?}")
        };
        assert_eq!((at.get(), lots.get(), *maker), (price, 60, account(1)), "at the price of who was there");
        let [future, perpetual] = legs_of(&events)[..] else { panic!("{events:?}") };
        assert_eq!(future.price.get() - perpetual.price.get(), price);
        // The dearer leg takes what the mark of the other leaves.
        assert_eq!(perpetual.price, Ticks::new(AT));
        assert_eq!([future.lots.get(), perpetual.lots.get()], [60; 2]);
        assert_eq!([future.taker_side, perpetual.taker_side], [Side::Buy, Side::Sell]);
        assert_eq!([FUTURE, PERPETUAL].map(|leg| bench.position(2, leg)), [60, -60]);
        assert_eq!([FUTURE, PERPETUAL].map(|leg| bench.position(1, leg)), [-60, 60]);
        assert_eq!(bench.state.levels(id, Side::Sell, 9)[0].lots, Lots::new(40));
        assert!(bench.state.levels(FUTURE, Side::Sell, 9).is_empty(), "no book of a leg has seen it");
    }
}

#[test]
fn a_price_may_be_zero_or_below() {
    let mut bench = bench();
    let reversal = list(&mut bench, &[(CALL, 1), (PUT, -1)]);
    for (price, lots) in [(-12, 3), (0, 2), (5, 1)] {
        bench.act(1, vec![buy(reversal, lots, price)]);
    }
    assert_eq!(bench.state.best(reversal, Side::Buy), Some(Ticks::new(5)));
    let events = events_of(&mut bench, 2, sell(reversal, 6, -20));
    let prices: Vec<i64> = combo_trades(&events).iter().map(|trade| trade.price.get()).collect();
    assert_eq!(prices, [5, 0, -12], "the best first");
    for (combo, legs) in prices.iter().zip(legs_of(&events).chunks(2)) {
        assert_eq!(legs[0].price.get() - legs[1].price.get(), *combo);
        assert!(legs.iter().all(|leg| leg.price.get() > 0), "legs keep to prices of options");
    }
    assert_eq!([CALL, PUT].map(|leg| bench.position(1, leg)), [6, -6]);
}

#[test]
fn an_order_takes_from_the_books_of_its_legs_where_they_are_better() {
    let mut bench = bench();
    let id = spread(&mut bench);
    bench.act(3, vec![sell(FUTURE, 50, AT + BASIS + 10), sell(FUTURE, 50, AT + BASIS + 20)]);
    bench.act(4, vec![buy(PERPETUAL, 70, AT - 10), sell(PERPETUAL, 5, AT + 9), buy(FUTURE, 5, AT + BASIS)]);
    let implied = |bench: &Bench, side| {
        bench.state.implied(id, side).map(|implied| (implied.price.get(), implied.lots.get()))
    };
    assert_eq!(implied(&bench, Side::Sell), Some((BASIS + 20, 50)));
    assert_eq!(implied(&bench, Side::Buy), Some((BASIS - 9, 5)));
    bench.act(1, vec![sell(id, 10, BASIS + 20), sell(id, 10, BASIS + 25)]);
    let events = events_of(&mut bench, 2, buy(id, 100, BASIS + 30));
    let told: Vec<(i64, u64, bool)> = combo_trades(&events)
        .iter()
        .map(|it| (it.price.get(), it.lots.get(), it.maker == ComboMaker::Legs))
        .collect();
    // Its own book goes first at the same price.
    assert_eq!(
        told,
        [(BASIS + 20, 10, false), (BASIS + 20, 50, true), (BASIS + 25, 10, false), (BASIS + 30, 20, true)]
    );
    assert_eq!([FUTURE, PERPETUAL].map(|leg| bench.position(2, leg)), [90, -90]);
    assert_eq!((bench.position(3, FUTURE), bench.position(4, PERPETUAL)), (-70, 70));
    assert_eq!(bench.state.levels(id, Side::Buy, 9)[0].lots, Lots::new(10), "the rest waits");
    assert_eq!(implied(&bench, Side::Sell), None, "a leg has nobody left");
}

#[test]
fn a_leg_is_taken_order_by_order_with_what_orders_hide() {
    let mut bench = bench();
    // A lot of an option is ten of a perpetual.
    let id = list(&mut bench, &[(CALL, 1), (PERPETUAL, -1)]);
    bench.act(3, vec![sell(CALL, 3, 800)]);
    let hidden = Conditions { display: Some(Lots::new(4)), ..Conditions::default() };
    bench.act(4, vec![with(limit(PERPETUAL, Side::Buy, 11, AT), hidden), buy(PERPETUAL, 5, AT)]);
    bench.act(5, vec![buy(PERPETUAL, 100, AT - 7)]);
    let events = events_of(&mut bench, 2, at_once(limit(id, Side::Buy, 2, 800 - AT + 7)));
    assert_eq!(combo_trades(&events).len(), 2, "one at a time where no front holds one");
    // 4 shown, 5 behind them, 4 and 3 that were hidden, then the next price.
    let taken: Vec<(i64, u64)> = legs_of(&events)
        .iter()
        .filter(|it| it.instrument == PERPETUAL)
        .map(|it| (it.price.get() - AT, it.lots.get()))
        .collect();
    assert_eq!(taken, [(0, 4), (0, 5), (0, 1), (0, 3), (0, 3), (-7, 4)]);
    assert_eq!((bench.position(2, CALL), bench.position(2, PERPETUAL)), (2, -20));
}

#[test]
fn post_only_orders_and_quotes_do_not_take_from_legs() {
    let mut bench = bench();
    let id = spread(&mut bench);
    bench.act(3, vec![sell(FUTURE, 50, AT + BASIS + 10), buy(PERPETUAL, 50, AT - 10)]);
    let post =
        |post_only, price| Action::Place { order: NewOrder { post_only, ..limit(id, Side::Buy, 5, price) } };
    let refused = bench.reject_of(2, post(PostOnly::Reject, BASIS + 20));
    let (have, need) = (Ticks::new(BASIS + 20), Ticks::new(BASIS + 20));
    assert_eq!(refused, Some(Reject::PostOnlyWouldTrade { have, need }));
    assert_eq!(bench.reject_of(2, post(PostOnly::Reprice, BASIS + 40)), None);
    assert_eq!(bench.state.best(id, Side::Buy), Some(Ticks::new(BASIS + 19)));
    assert_eq!(bench.reject_of(2, post(PostOnly::Reject, BASIS + 18)), None);
    assert_eq!(bench.position(2, FUTURE), 0);
}

#[test]
fn orders_of_every_time_in_force_do_what_they_say() {
    let mut bench = bench();
    let id = spread(&mut bench);
    bench.act(1, vec![sell(id, 10, BASIS)]);
    let fill_or_kill = |lots| Action::Place {
        order: NewOrder { time_in_force: TimeInForce::FillOrKill, ..limit(id, Side::Buy, lots, BASIS) },
    };
    let (have, need) = (Lots::new(10), Lots::new(11));
    assert_eq!(bench.reject_of(2, fill_or_kill(11)), Some(Reject::NotFillable { have, need }));
    assert_eq!(bench.reject_of(2, fill_or_kill(4)), None);
    let market = NewOrder { kind: OrderKind::Market, ..limit(id, Side::Buy, 9, 0) };
    let events = events_of(&mut bench, 2, Action::Place { order: market });
    assert_eq!(ends(&events), [OrderEnd::Filled, OrderEnd::Dropped]);
    assert_eq!(bench.position(2, FUTURE), 10);
    assert_eq!(bench.state.resting_orders(), 0);
    let reduces = NewOrder { reduce_only: ReduceOnly::On, ..limit(id, Side::Sell, 1, BASIS) };
    let refused = bench.reject_of(2, Action::Place { order: reduces });
    assert_eq!(refused, Some(Reject::ReduceOnlyWouldOpen { have: 0 }), "only legs have positions");
}

#[test]
fn nobody_trades_with_himself_through_a_combo() {
    let mut bench = bench();
    let id = spread(&mut bench);
    bench.act(2, vec![sell(id, 5, BASIS), sell(FUTURE, 9, AT + BASIS)]);
    bench.act(3, vec![buy(PERPETUAL, 9, AT)]);
    let stops = Conditions { self_trade: SelfTrade::ExpireTaker, ..Conditions::default() };
    let events = events_of(&mut bench, 2, with(limit(id, Side::Buy, 5, BASIS), stops));
    assert_eq!(ends(&events), [OrderEnd::SelfTrade]);
    assert_eq!(bench.state.resting_orders(), 3);
    let events = events_of(&mut bench, 2, buy(id, 5, BASIS));
    assert_eq!(ends(&events), [OrderEnd::SelfTrade; 2], "its order of the combo and that of a leg");
    assert!(combo_trades(&events).is_empty());
}

#[test]
fn rivals_in_two_books_do_not_trade_together() {
    let mut bench = bench();
    let id = spread(&mut bench);
    let rival = || Conditions { rivals: Some(7), ..Conditions::default() };
    let (ask, bid) = (limit(FUTURE, Side::Sell, 5, AT + BASIS), limit(PERPETUAL, Side::Buy, 5, AT));
    bench.act(3, vec![with(ask, rival()), with(bid, rival())]);
    assert_eq!(bench.state.implied(id, Side::Sell), None);
    bench.act(2, vec![buy(id, 5, BASIS)]);
    assert_eq!((bench.position(3, FUTURE), bench.position(2, FUTURE)), (0, 0));
    bench.act(4, vec![buy(PERPETUAL, 5, AT + 1)]);
    bench.act(2, vec![buy(id, 5, BASIS)]);
    assert_eq!((bench.position(3, FUTURE), bench.position(4, PERPETUAL)), (-5, 5));
    let left = bench.state.open_orders(bench.state.account_index(&account(3)).unwrap()).count();
    assert_eq!(left, 0, "one has traded and the other is gone");
}

#[test]
fn a_combo_that_breaks_a_rule_is_told_which() {
    let mut bench = bench_with(ComboParameters { open_max: 1, fee_micros: 0, ..ComboParameters::default() });
    let legs = |have| Some(Reject::ComboLegs { have, need: 4 });
    let ratios = |have| Some(Reject::ComboRatios { have, need: 10 });
    let nobody = InstrumentId(99);
    assert_eq!(bench.reject_of(1, create(&[])), legs(0));
    assert_eq!(bench.reject_of(1, create(&[(CALL, 1)])), legs(1));
    assert_eq!(bench.reject_of(1, create(&[(CALL, 1), (CALL, -1)])), legs(2));
    assert_eq!(bench.reject_of(1, create(&[(PERPETUAL, 1), (ETH, -1)])), legs(2));
    assert_eq!(bench.reject_of(1, create(&[(CALL, 0), (PUT, 0)])), ratios(0));
    assert_eq!(bench.reject_of(1, create(&[(CALL, 1), (PUT, 0)])), ratios(1));
    assert_eq!(bench.reject_of(1, create(&[(CALL, 1), (PUT, 11)])), ratios(11));
    assert_eq!(bench.reject_of(1, create(&[(CALL, 2), (PUT, 3)])), ratios(3));
    assert_eq!(bench.reject_of(1, create(&[(CALL, i64::MIN), (PUT, i64::MIN)])), None, "a straddle sold");
    let unknown = Some(Reject::UnknownInstrument { have: nobody });
    assert_eq!(bench.reject_of(1, create(&[(CALL, 1), (nobody, 1)])), unknown);
    let limit = Some(Reject::ComboLimit { have: 1, need: 1 });
    assert_eq!(bench.reject_of(1, create(&[(CALL, 1), (PERPETUAL, 1)])), limit);
    let straddle = bench.state.instruments().last().unwrap().id;
    assert_eq!(bench.reject_of(1, create(&[(straddle, 1), (PERPETUAL, 1)])), legs(2));
    let outside = bench.reject_of(1, buy(straddle, 1, 1));
    assert!(matches!(outside, Some(Reject::PriceOutsideBand { .. })), "{outside:?}");
    let legs = List::new(vec![BlockLeg {
        instrument: straddle,
        side: Side::Sell,
        price: Ticks::new(1_500),
        lots: Lots::new(1),
    }]);
    let terms = BlockTerms {
        network: network(),
        maker: account(1),
        key: key(1).public_key(),
        nonce: 900,
        taker: None,
        valid_until: num::Timestamp::MAX,
        legs: legs.unwrap(),
    };
    let offered = Action::TakeBlock { offer: Boxed::new(terms.sign(&key(1))) };
    assert_eq!(bench.reject_of(2, offered), Some(Reject::ComboInOffer { have: straddle }));
    let closed = Bench::funded().reject_of(1, create(&[(CALL, 1), (PUT, 1)]));
    assert_eq!(closed, Some(Reject::CombosClosed));
}

#[test]
fn listing_costs_its_fee_once_and_no_group_that_fails_lists() {
    let mut bench = bench_with(ComboParameters { fee_micros: Cash::SCALE, ..ComboParameters::default() });
    let straddle = create(&[(CALL, 1), (PUT, 1)]);
    let listed = bench.state.instruments().len();
    let group = bench.intent_of(1, vec![straddle.clone(), faucet(0)], Atomicity::AllOrNothing);
    bench.commit(vec![group]);
    assert_eq!((bench.state.instruments().len(), bench.balance(1)), (listed, usdc(1_000_000)));
    assert!(bench.state.instrument_named("BTC_USDC-STRD-8AUG26-64000").is_none());
    let poor = bench.reject_of(9, straddle.clone());
    assert!(matches!(poor, Some(Reject::BalanceTooLow { .. })), "{poor:?}");
    assert_eq!(bench.reject_of(1, straddle.clone()), None);
    assert_eq!(bench.reject_of(2, straddle), None);
    assert_eq!([1, 2].map(|user| bench.balance(user)), [usdc(999_999), usdc(1_000_000)]);
}

#[test]
fn a_combo_that_nobody_uses_goes_and_comes_back_as_itself() {
    let rules = ComboParameters { idle_ms: 10_000, fee_micros: 0, ..ComboParameters::default() };
    let mut bench = bench_with(rules);
    let id = spread(&mut bench);
    bench.act(1, vec![sell(id, 5, BASIS)]);
    bench.now_ms += 20_000;
    bench.commit(Vec::new());
    assert_eq!(bench.state.instrument(id).unwrap().listing, Listing::Open, "an order waits in it");
    bench.act(1, vec![Action::CancelAll { instrument: Some(id) }]);
    bench.now_ms += 9_980;
    bench.commit(Vec::new());
    assert_eq!(bench.state.instrument(id).unwrap().listing, Listing::Open);
    bench.now_ms += 10;
    let events = bench.commit(Vec::new());
    assert!(events.contains(&Event::Delisted { instrument: id }));
    assert_eq!(bench.reject_of(1, sell(id, 5, BASIS)), Some(Reject::InstrumentClosed { have: id }));
    assert_eq!(spread(&mut bench), id);
    assert!(matches!(bench.act(1, vec![sell(id, 5, BASIS)])[..], [Outcome::Placed { .. }]));
}

#[test]
fn a_combo_ends_with_the_first_of_its_legs_to_expire() {
    let mut bench = bench();
    let (calendar, later) = (list(&mut bench, &[(CALL, 1), (FAR_CALL, -1)]), spread(&mut bench));
    let price = bench.state.instrument(calendar).unwrap().mark().unwrap().micros() / 500_000;
    bench.act(1, vec![buy(calendar, 5, price - 5), sell(later, 5, BASIS)]);
    bench.now_ms = START_MS + 8 * num::HOUR_MS + 1_000;
    let events = bench.report(0, 64_000);
    assert!(events.contains(&Event::Delisted { instrument: calendar }));
    assert_eq!(ends(&events), [OrderEnd::InstrumentExpired]);
    assert_eq!(bench.state.instrument(later).unwrap().listing, Listing::Open);
    let again = bench.reject_of(1, create(&[(CALL, 1), (FAR_CALL, -1)]));
    assert_eq!(again, Some(Reject::InstrumentClosed { have: CALL }));
}

#[test]
fn a_combo_stands_while_one_of_its_legs_does() {
    let mut bench = Bench::with(|genesis| {
        genesis.combos = Some(ComboParameters::default());
        genesis.halt = Some(HaltParameters { move_billionths: 10_000_000, ..HaltParameters::default() });
    })
    .fund();
    let id = spread(&mut bench);
    bench.report(0, 64_000);
    bench.report(0, 66_000);
    let halted = bench.reject_of(1, buy(id, 1, BASIS));
    assert!(matches!(halted, Some(Reject::Halted { have: FUTURE, .. })), "{halted:?}");
}

#[test]
fn an_order_counts_as_its_legs_would_together() {
    let margin = |bench: &Bench| {
        let index = bench.state.account_index(&account(2)).unwrap();
        bench.state.margin_summary(index).1.initial
    };
    let (mut bench, mut legs) = (bench(), bench());
    let id = spread(&mut bench);
    // Far more than the account could carry of either leg alone.
    assert_eq!(bench.reject_of(2, buy(id, 100_000, BASIS)), None);
    let alone = legs.reject_of(2, buy(FUTURE, 100_000, AT + BASIS));
    assert!(matches!(alone, Some(Reject::MarginTooLow { .. })), "{alone:?}");
    let as_order = margin(&bench);
    bench.act(1, vec![sell(id, 100_000, BASIS)]);
    assert_eq!(bench.position(2, FUTURE), 100_000);
    let filled = margin(&bench);
    assert!(filled <= as_order, "what was counted covers what came: {filled} {as_order}");
    bench.act(3, vec![buy(id, 1_000, BASIS)]);
    bench.act(3, vec![Action::CancelAll { instrument: None }]);
    let index = bench.state.account_index(&account(3)).unwrap();
    assert_eq!(bench.state.margin_summary(index).1.initial, Cash::ZERO, "a cancel takes it all out");
}

#[test]
fn whose_leg_would_grow_too_large_trades_no_leg() {
    let mut bench = Bench::with(|genesis| {
        genesis.combos = Some(ComboParameters::default());
        genesis.limits.position_lots_max = 100;
    })
    .fund();
    let id = spread(&mut bench);
    bench.act(1, vec![sell(id, 60, BASIS), buy(PERPETUAL, 60, AT)]);
    bench.act(3, vec![sell(PERPETUAL, 60, AT)]);
    let need = Lots::new(100);
    let too_large = Some(Reject::PositionTooLarge { have: Lots::new(101), need });
    assert_eq!(bench.reject_of(2, buy(id, 101, BASIS)), too_large);
    // The maker's perpetual has grown since: 60 and 60 are too many.
    let events = events_of(&mut bench, 2, buy(id, 60, BASIS));
    assert_eq!(ends(&events), [OrderEnd::PositionLimit]);
    assert_eq!([FUTURE, PERPETUAL].map(|leg| bench.position(2, leg)), [0, 0]);
}

#[test]
fn a_snapshot_in_the_middle_goes_on_as_if_it_had_not_been() {
    let mut bench = bench();
    let id = spread(&mut bench);
    let reversal = list(&mut bench, &[(CALL, 1), (PUT, -1)]);
    bench.act(1, vec![sell(id, 50, BASIS + 3), buy(reversal, 5, -4)]);
    bench.act(2, vec![buy(id, 20, BASIS + 3)]);
    let mut bytes = Vec::new();
    bench.state.save(&mut bytes);
    let mut genesis = genesis();
    genesis.combos = Some(ComboParameters { fee_micros: 0, ..ComboParameters::default() });
    let mut input = exchange::Input::new(&bytes);
    let mut read = exchange::State::load(&genesis, network(), &mut input).unwrap();
    input.finish().unwrap();
    let mut again = Vec::new();
    read.save(&mut again);
    assert_eq!(bytes, again);
    let intents = vec![bench.intent(3, vec![buy(id, 30, BASIS + 3), sell(reversal, 5, -4)])];
    let raw = intents.iter().map(commonware_codec::Encode::encode).collect();
    let then = payload(bench.state.commit() + 1, bench.now_ms + 10, raw);
    let mut events = Vec::new();
    exchange::apply(&mut read, &then, &mut events);
    assert_eq!(bench.commit(intents), events);
    assert_eq!(combo_trades(&events).len(), 2);
}

#[test]
fn an_order_that_waits_may_have_a_price_below_zero() {
    let mut bench = bench();
    let id = list(&mut bench, &[(CALL, 1), (PUT, -1)]);
    let trigger = Trigger::Price { source: PriceSource::Index, crossing: Crossing::Rises, price: usdc(1) };
    let waits = Conditions { trigger: Some(trigger), ..Conditions::default() };
    assert_eq!(bench.reject_of(1, with(limit(id, Side::Buy, 1, -2), waits)), None);
    assert_eq!(bench.state.best(id, Side::Buy), Some(Ticks::new(-2)), "it has entered at its price");
}
