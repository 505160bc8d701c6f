//! What users can do, in tables of intent to event or reject.
#![allow(clippy::too_many_lines, clippy::type_complexity, clippy::redundant_clone, reason = "tables")]

mod support;

use exchange::{Genesis, State};
use num::{Lots, Side, Ticks, Timestamp};
use support::*;
use wire::{
    AccountId, Action, Atomicity, Event, NewOrder, OrderEnd, OrderKind, OrderTarget, Outcome, Permission,
    PostOnly, ReduceOnly, Reject, SignedIntent, TimeInForce,
};

#[test]
fn a_trade_moves_positions_and_pays_fees() {
    let mut bench = Bench::funded();
    bench.act(1, vec![sell(PERPETUAL, 1_000, AT)]);
    bench.act(2, vec![buy(PERPETUAL, 400, AT + 10)]);
    assert_eq!((bench.position(1, PERPETUAL), bench.position(2, PERPETUAL)), (-400, 400));
    // 0.4 BTC at 64,000: 25,600 USDC, taker 0.05 %.
    assert_eq!(bench.balance(2).micros(), 1_000_000_000_000 - 12_800_000);
    assert_eq!(bench.balance(1), usdc(1_000_000));
    let trades: Vec<_> = bench.events.iter().filter(|event| matches!(event, Event::Traded { .. })).collect();
    assert_eq!(trades.len(), 1);
}

#[test]
fn a_future_closed_at_a_profit_pays_it() {
    let mut bench = Bench::funded();
    bench.act(1, vec![sell(PERPETUAL, 1_000, AT)]);
    bench.act(2, vec![buy(PERPETUAL, 1_000, AT)]);
    bench.act(3, vec![buy(PERPETUAL, 1_000, AT + 2_000)]);
    let before = bench.balance(2);
    bench.act(2, vec![sell(PERPETUAL, 1_000, AT + 2_000)]);
    // 1 BTC up by 1,000 USD, less the fee on 65,000.
    assert_eq!(bench.balance(2).micros() - before.micros(), 1_000_000_000 - 32_500_000);
    assert_eq!(bench.position(2, PERPETUAL), 0);
}

#[test]
fn an_option_premium_is_paid_when_it_trades() {
    let mut bench = Bench::funded();
    bench.act(1, vec![sell(CALL, 100, 1_000)]);
    let before = bench.balance(1);
    bench.act(2, vec![buy(CALL, 100, 1_000)]);
    // 1 BTC of calls at 500; the fee is 0.03 % of 64,000, below 12.5 % of the premium.
    assert_eq!(bench.balance(1).micros() - before.micros(), 500_000_000 - 19_200_000);
    assert_eq!(bench.position(2, CALL), 100);
}

#[test]
fn every_reject_of_an_action_has_its_case() {
    let place = |order: NewOrder| Action::Place { order };
    let mut bench = Bench::funded();
    bench.act(5, vec![sell(PERPETUAL, 10, AT + 100)]);
    let base = limit(PERPETUAL, Side::Buy, 10, AT);
    let unknown = wire::InstrumentId(99);
    let theirs = bench.state.open_orders(bench.state.account_index(&account(5)).unwrap()).next().unwrap().id;
    let cases: Vec<(u8, Action, Reject)> = vec![
        (
            1,
            place(NewOrder { instrument: unknown, ..base.clone() }),
            Reject::UnknownInstrument { have: unknown },
        ),
        (1, buy(PERPETUAL, 0, AT), Reject::LotsZero),
        (
            1,
            buy(PERPETUAL, 1_000_001, AT),
            Reject::LotsTooLarge { have: Lots::new(1_000_001), need: Lots::new(1_000_000) },
        ),
        (1, buy(PERPETUAL, 1, 0), Reject::PriceNotPositive { have: Ticks::new(0) }),
        (1, buy(PERPETUAL, 1, -5), Reject::PriceNotPositive { have: Ticks::new(-5) }),
        (
            1,
            buy(PERPETUAL, 1, i64::MAX),
            Reject::PriceOutsideBand {
                have: Ticks::new(i64::MAX),
                low: Ticks::new(102_400),
                high: Ticks::new(153_600),
            },
        ),
        (
            1,
            place(NewOrder { kind: OrderKind::Market, post_only: PostOnly::Reject, ..base.clone() }),
            Reject::PostOnlyWithoutLimit,
        ),
        (
            1,
            place(NewOrder { reduce_only: ReduceOnly::On, ..base.clone() }),
            Reject::ReduceOnlyWouldOpen { have: 0 },
        ),
        (
            1,
            place(NewOrder { post_only: PostOnly::Reject, ..limit(PERPETUAL, Side::Buy, 1, AT + 100) }),
            Reject::PostOnlyWouldTrade { have: Ticks::new(AT + 100), need: Ticks::new(AT + 100) },
        ),
        (
            1,
            place(NewOrder {
                time_in_force: TimeInForce::FillOrKill,
                ..limit(PERPETUAL, Side::Buy, 11, AT + 100)
            }),
            Reject::NotFillable { have: Lots::new(10), need: Lots::new(11) },
        ),
        (1, Action::Cancel { target: OrderTarget::Id { order: wire::OrderId(77) } }, Reject::UnknownOrder),
        (1, Action::Cancel { target: OrderTarget::Label { label: label("none") } }, Reject::UnknownOrder),
        (1, Action::Cancel { target: OrderTarget::Id { order: theirs } }, Reject::NotOwner { have: theirs }),
        (1, Action::CancelAll { instrument: Some(unknown) }, Reject::UnknownInstrument { have: unknown }),
        (1, Action::Faucet { amount: usdc(0) }, Reject::AmountNotPositive { have: usdc(0) }),
        (
            1,
            Action::Faucet { amount: usdc(2_000_000_000) },
            Reject::AmountTooLarge { have: usdc(2_000_000_000), need: usdc(1_000_000_000) },
        ),
        (1, Action::Transfer { subaccount: 0, amount: usdc(1) }, Reject::SameSubaccount { have: 0 }),
        (
            1,
            Action::Transfer { subaccount: 1, amount: usdc(1_000_001) },
            Reject::BalanceTooLow { have: usdc(1_000_000), need: usdc(1_000_001) },
        ),
        (
            1,
            Action::RegisterKey {
                key: key(1).public_key(),
                permission: Permission::Trade,
                valid_until: Timestamp::MAX,
            },
            Reject::KeyIsOwner,
        ),
        (1, Action::RevokeKey { key: key(9).public_key() }, Reject::KeyUnknown { have: key(9).public_key() }),
        (
            1,
            Action::Observe {
                underlying: wire::UnderlyingId(0),
                price: usdc(1),
                observed_at: Timestamp::ZERO,
            },
            Reject::NotReporter,
        ),
        (
            201,
            Action::Observe {
                underlying: wire::UnderlyingId(9),
                price: usdc(1),
                observed_at: Timestamp::ZERO,
            },
            Reject::UnknownUnderlying { have: wire::UnderlyingId(9) },
        ),
    ];
    for (user, action, want) in cases {
        assert_eq!(bench.reject_of(user, action.clone()), Some(want), "{action:?}");
    }
}

#[test]
fn margin_is_asked_for_what_could_be_lost() {
    let mut bench = Bench::new();
    bench.act(1, vec![faucet(10_000)]);
    // 1 BTC could lose 18 %, times 1.3: about 15,000 USDC.
    let reject = bench.reject_of(1, buy(PERPETUAL, 1_000, AT));
    assert!(matches!(reject, Some(Reject::MarginTooLow { .. })), "{reject:?}");
    assert_eq!(bench.reject_of(1, buy(PERPETUAL, 500, AT)), None);
    // The first order is counted: the second does not fit beside it.
    assert!(matches!(bench.reject_of(1, buy(PERPETUAL, 500, AT)), Some(Reject::MarginTooLow { .. })));
    // A sale against it adds nothing to the worst case.
    assert_eq!(bench.reject_of(1, sell(PERPETUAL, 100, AT + 50)), None);
}

#[test]
fn the_grid_that_genesis_names_is_the_one_that_margins() {
    let initial = |grid: &str| {
        let mut bench = Bench::with(|genesis| genesis.grid = grid.to_owned()).fund();
        bench.act(1, vec![sell(PERPETUAL, 1_000, AT)]);
        bench.act(2, vec![buy(PERPETUAL, 1_000, AT)]);
        let index = bench.state.account_index(&account(2)).unwrap();
        let (_, margin) = bench.state.margin_summary(index);
        (margin.maintenance, margin.worst_scenario)
    };
    // One BTC at 64,000: 16 % or 18 %, and 0.6 % besides.
    assert_eq!(initial("span16"), (usdc(10_624), Some(12)));
    assert_eq!(initial("grid27_ext8"), (usdc(10_624), Some(0)));
    assert_eq!(initial("derive23_tail8"), (usdc(11_904), Some(22)));
    let unknown = Genesis { grid: "span17".to_owned(), ..genesis() };
    let error = State::new(&unknown, network()).unwrap_err();
    assert_eq!(error.to_string(), "grid is span17, must be one of grid27_ext8, derive23_tail8, span16");
}

#[test]
fn a_range_of_genesis_scales_the_grid_of_its_underlying() {
    let with = |symbol: &str, range: i64| Genesis { scan: [(symbol.to_owned(), range)].into(), ..genesis() };
    let mut bench = Bench::with(|genesis| genesis.scan = [("BTC".to_owned(), 250_000_000)].into()).fund();
    bench.act(1, vec![sell(PERPETUAL, 1_000, AT)]);
    bench.act(2, vec![buy(PERPETUAL, 1_000, AT)]);
    let index = bench.state.account_index(&account(2)).unwrap();
    // One BTC at 64,000: a crash of two thirds that counts for 21 % is less than 25 %, and 0.6 % comes besides.
    assert_eq!(bench.state.margin_summary(index).1.maintenance, usdc(16_384));
    for (symbol, range, reason) in [
        ("XYZ", 180_000_000, "scan is XYZ, must be the symbol of an underlying"),
        ("BTC", 89_999_999, "scan.BTC is 89999999, must be 90000000 to 333333333"),
        ("BTC", 333_333_334, "scan.BTC is 333333334, must be 90000000 to 333333333"),
    ] {
        assert_eq!(State::new(&with(symbol, range), network()).unwrap_err().to_string(), reason);
    }
}

#[test]
fn an_intent_is_refused_as_a_whole_for_its_first_fault() {
    let mut bench = Bench::funded();
    let good = bench.intent(1, vec![buy(PERPETUAL, 1, AT)]);
    let resigned = |change: fn(&mut wire::Intent)| {
        let mut intent = good.intent.clone();
        change(&mut intent);
        intent.sign(&key(1))
    };
    let unsigned = SignedIntent { signature: crypto::Signature([7; 64]), ..good.clone() };
    let stolen = {
        let mut intent = good.intent.clone();
        intent.key = key(2).public_key();
        intent.sign(&key(2))
    };
    let cases: Vec<(SignedIntent, fn(&Reject) -> bool)> = vec![
        (resigned(|it| it.network = crypto::Digest::ZERO), |it| matches!(it, Reject::WrongNetwork { .. })),
        (resigned(|it| it.actions = wire::List::default()), |it| *it == Reject::NoActions),
        (unsigned, |it| *it == Reject::BadSignature),
        (stolen, |it| matches!(it, Reject::UnknownKey { .. })),
        (resigned(|it| it.nonce = u64::MAX), |it| matches!(it, Reject::NonceTooLarge { .. })),
        (resigned(|it| it.valid_until = Timestamp::from_millis(5)), |it| {
            matches!(it, Reject::Expired { .. })
        }),
        (resigned(|it| it.after = Some(wire::BlockRef::genesis(wire::Author(3)))), |it| {
            *it == Reject::NotAfter
        }),
    ];
    for (intent, matches) in cases {
        let events = bench.commit(vec![intent]);
        let [Event::IntentRejected { reject, .. }] = events.as_slice() else { panic!("{events:?}") };
        assert!(matches(reject), "{reject:?}");
    }
    assert_eq!(outcomes(&bench.commit(vec![good.clone()])).len(), 1);
    let again = bench.commit(vec![good]);
    assert!(matches!(again[0], Event::IntentRejected { reject: Reject::NonceUsed { .. }, .. }));
    let garbage = bench.commit_raw(vec![bytes::Bytes::from_static(b"not an intent"), bytes::Bytes::new()]);
    assert_eq!(garbage.len(), 2);
    assert!(garbage.iter().all(|it| matches!(it, Event::IntentRejected { reject: Reject::Malformed, .. })));
}

#[test]
fn an_intent_may_follow_a_block_of_the_same_order() {
    let mut bench = Bench::funded();
    let block = support::payload(bench.state.commit(), 0, Vec::new()).commit.leader;
    let mut intent = bench.intent(1, vec![buy(PERPETUAL, 1, AT)]).intent;
    intent.after = Some(block);
    assert_eq!(outcomes(&bench.commit(vec![intent.sign(&key(1))])).len(), 1);
}

#[test]
fn makers_cancel_before_anybody_takes() {
    let mut bench = Bench::funded();
    bench.act(1, vec![sell(PERPETUAL, 100, AT)]);
    let take = bench.intent(2, vec![buy(PERPETUAL, 100, AT)]);
    let cancel = bench.intent(1, vec![Action::CancelAll { instrument: None }]);
    bench.commit(vec![take, cancel]);
    assert_eq!(bench.position(2, PERPETUAL), 0, "the cancel came later in the commit and still went first");
}

#[test]
fn post_only_orders_rest_before_takers_of_the_same_commit() {
    let mut bench = Bench::funded();
    let take = bench.intent(2, vec![buy(PERPETUAL, 100, AT)]);
    let quote = NewOrder { post_only: PostOnly::Reject, ..limit(PERPETUAL, Side::Sell, 100, AT) };
    let quote = bench.intent(1, vec![Action::Place { order: quote }]);
    bench.commit(vec![take, quote]);
    assert_eq!(bench.position(2, PERPETUAL), 100);
}

#[test]
fn a_group_leaves_no_trace_when_one_of_it_fails() {
    let mut bench = Bench::funded();
    bench.act(1, vec![sell(PERPETUAL, 100, AT)]);
    let (balance, orders) = (bench.balance(2), bench.state.resting_orders());
    let actions = vec![
        buy(PERPETUAL, 40, AT),
        buy(CALL, 5, 900),
        Action::CancelAll { instrument: None },
        buy(PUT, 0, 5),
    ];
    let group = bench.intent_of(2, actions, Atomicity::AllOrNothing);
    let events = bench.commit(vec![group]);
    let results = outcomes(&events);
    assert_eq!(results[3], Outcome::Rejected { reject: Reject::LotsZero });
    assert_eq!(results[0], Outcome::Rejected { reject: Reject::GroupFailed { action: 3 } });
    assert_eq!(events.len(), 1, "no event of what did not happen: {events:?}");
    assert_eq!((bench.balance(2), bench.state.resting_orders()), (balance, orders));
    assert_eq!((bench.position(2, PERPETUAL), bench.position(1, PERPETUAL)), (0, 0));
    let group = bench.intent_of(2, vec![buy(PERPETUAL, 40, AT), buy(CALL, 5, 900)], Atomicity::AllOrNothing);
    bench.commit(vec![group]);
    assert_eq!(bench.position(2, PERPETUAL), 40);
}

#[test]
fn an_order_shrinks_in_place_and_grows_at_the_back() {
    let mut bench = Bench::funded();
    let named = |name: &str| NewOrder { label: label(name), ..limit(PERPETUAL, Side::Sell, 100, AT) };
    bench.act(1, vec![Action::Place { order: named("first") }]);
    bench.act(2, vec![Action::Place { order: named("second") }]);
    let amend = |lots: u64| Action::Amend {
        target: OrderTarget::Label { label: label("first") },
        lots: Lots::new(lots),
        price: Ticks::new(AT),
    };
    bench.act(1, vec![amend(60)]);
    bench.act(3, vec![buy(PERPETUAL, 10, AT)]);
    assert_eq!((bench.position(1, PERPETUAL), bench.position(2, PERPETUAL)), (-10, 0));
    assert_eq!(
        bench.reject_of(1, amend(10)),
        Some(Reject::AmendBelowFilled { have: Lots::new(10), need: Lots::new(10) })
    );
    bench.act(1, vec![amend(200)]);
    bench.act(3, vec![buy(PERPETUAL, 10, AT)]);
    assert_eq!((bench.position(1, PERPETUAL), bench.position(2, PERPETUAL)), (-10, -10));
}

#[test]
fn nobody_trades_with_himself() {
    let mut bench = Bench::funded();
    bench.act(1, vec![sell(PERPETUAL, 100, AT)]);
    let intent = bench.intent(1, vec![buy(PERPETUAL, 50, AT)]);
    let events = bench.commit(vec![intent]);
    assert!(events.iter().any(|it| matches!(it, Event::OrderEnded { end: OrderEnd::SelfTrade, .. })));
    assert!(!events.iter().any(|it| matches!(it, Event::Traded { .. })));
    assert_eq!(bench.state.resting_orders(), 1);
}

#[test]
fn a_session_key_trades_and_does_no_more() {
    let mut bench = Bench::funded();
    let session = key(77);
    let register = Action::RegisterKey {
        key: session.public_key(),
        permission: Permission::Trade,
        valid_until: Timestamp::from_millis(START_MS + 10_000),
    };
    bench.act(1, vec![register]);
    let by_session = |bench: &mut Bench, action: Action| {
        let mut intent = bench.intent(1, vec![action]).intent;
        intent.key = session.public_key();
        bench.commit(vec![intent.sign(&session)])
    };
    assert!(matches!(outcomes(&by_session(&mut bench, buy(PERPETUAL, 1, AT)))[0], Outcome::Placed { .. }));
    let refused = outcomes(&by_session(&mut bench, Action::Transfer { subaccount: 3, amount: usdc(1) }));
    assert_eq!(refused, [Outcome::Rejected { reject: Reject::OwnerOnly }]);
    assert_eq!(outcomes(&by_session(&mut bench, faucet(1))), [Outcome::Done], "the faucet only gives");
    bench.now_ms += 20_000;
    let late = by_session(&mut bench, buy(PERPETUAL, 1, AT));
    assert!(matches!(late[0], Event::IntentRejected { reject: Reject::KeyExpired { .. }, .. }));
}

#[test]
fn a_transfer_opens_the_subaccount_and_keeps_what_margin_needs() {
    let mut bench = Bench::funded();
    bench.act(1, vec![Action::Transfer { subaccount: 7, amount: usdc(400_000) }]);
    let sub = AccountId { subaccount: 7, ..account(1) };
    let index = bench.state.account_index(&sub).unwrap();
    assert_eq!(bench.state.balance(index), usdc(400_000));
    bench.act(1, vec![buy(PERPETUAL, 20_000, AT)]);
    let rest = Action::Transfer { subaccount: 7, amount: usdc(600_000) };
    assert!(matches!(bench.reject_of(1, rest), Some(Reject::BalanceTooLow { .. })));
}

#[test]
fn a_change_is_told_once_or_forgotten() {
    let mut bench = Bench::funded();
    let told = |bench: &mut Bench| {
        let mut count = 0;
        bench.state.take_changes(|_, _| count += 1);
        count
    };
    bench.state.forget_changes();
    assert_eq!(told(&mut bench), 0);
    bench.act(1, vec![buy(PERPETUAL, 1, AT - 10)]);
    assert!(told(&mut bench) > 0, "an order rests now");
    assert_eq!(told(&mut bench), 0);
}
