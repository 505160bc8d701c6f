//! What happens to an account that its margin does not hold: book, auction, fund, deleveraging; step by step
//! and never more than it takes.
#![allow(clippy::panic, reason = "a test stops at what it did not expect")]

mod support;

use num::{Cash, Fix, Side};
use proptest::prelude::*;
use support::*;
use wire::{AccountId, Action, Event, InstrumentId, Outcome, Reject};

const BOOK_MS: u64 = 10_000;
const AUCTION_MS: u64 = 60_000;

fn thousandths(part: i64) -> Fix {
    Fix::from_raw(part * (Fix::SCALE / 1_000))
}

fn take(part: Fix, reward_min: i64) -> Action {
    Action::TakeAuction { account: account(2), part, reward_min: usdc(reward_min) }
}

fn equity(bench: &Bench, user: u8) -> Cash {
    bench.state.margin_summary(bench.state.account_index(&account(user)).expect("the user is known")).0
}

/// Equity of an account as its positions and balance say it, whatever it is.
fn all_equity(bench: &Bench) -> Vec<i64> {
    (1..=5).map(|user| equity(bench, user).micros()).collect()
}

fn is_liquidating(bench: &Bench, user: u8) -> bool {
    let index = bench.state.account_index(&account(user)).expect("the user is known");
    bench.state.account_leaf(index).liquidating == 1
}

/// User 2 is being auctioned: nobody bid for ten seconds.
fn auctioned() -> Bench {
    let mut bench = Bench::ruined();
    bench.act(1, vec![Action::CancelAll { instrument: None }]);
    bench.now_ms += BOOK_MS;
    let events = bench.commit(Vec::new());
    let began =
        events.iter().any(|it| matches!(it, Event::AuctionStarted { account: id, .. } if *id == account(2)));
    assert!(began, "{events:?}");
    bench
}

#[test]
fn the_book_has_its_time_before_the_auction() {
    let mut bench = Bench::ruined();
    bench.now_ms += BOOK_MS / 2;
    assert_eq!(bench.commit(Vec::new()), []);
    assert_eq!(bench.reject_of(3, take(thousandths(10), 0)), Some(Reject::NoAuction));
}

#[test]
fn the_reward_grows_with_commit_time_and_is_paid_by_the_account_while_it_can() {
    let mut bench = auctioned();
    bench.act(3, vec![faucet(5_000_000)]);
    bench.now_ms += AUCTION_MS / 2;
    let (before, fund) = (all_equity(&bench), bench.state.totals().insurance);
    let taken = bench.act(3, vec![take(thousandths(100), 0)]);
    assert_eq!(taken, [Outcome::Done]);
    let after = all_equity(&bench);
    // A quarter of the margin of a tenth: 63 BTC at 58,700 need 18.6 %.
    let reward = after[2] - before[2];
    assert!((reward - 17_200_000_000).abs() < 100_000_000, "{reward}");
    assert!((before[1] - after[1] - reward).abs() <= 1, "what one gets the other pays");
    assert_eq!(bench.state.totals().insurance, fund);
    assert_eq!((bench.position(2, PERPETUAL), bench.position(3, PERPETUAL)), (56_700, 6_300));
}

#[test]
fn nobody_takes_more_than_what_cures_the_account() {
    let mut bench = auctioned();
    bench.act(3, vec![faucet(50_000_000)]);
    let Some(Reject::PartOutOfRange { need, .. }) = bench.reject_of(3, take(Fix::ONE, 0)) else {
        panic!("the whole is more than it takes")
    };
    assert!(need < Fix::ONE);
    assert_eq!(bench.act(3, vec![take(need, 0)]), [Outcome::Done]);
    assert!(!is_liquidating(&bench, 2));
    assert!(bench.position(2, PERPETUAL) > 0);
    assert_eq!(bench.reject_of(3, take(thousandths(1), 0)), Some(Reject::NoAuction));
}

#[test]
fn every_reject_of_an_auction_has_its_case_and_changes_nothing() {
    let mut bench = auctioned();
    assert!(matches!(bench.reject_of(3, take(Fix::ZERO, 0)), Some(Reject::PartOutOfRange { .. })),);
    let before = all_equity(&bench);
    assert!(matches!(bench.reject_of(3, take(thousandths(10), 900_000)), Some(Reject::RewardTooLow { .. })));
    assert_eq!(bench.reject_of(2, take(thousandths(10), 0)), Some(Reject::NoAuction));
    let nobody = AccountId { subaccount: 77, ..account(2) };
    let of_nobody = Action::TakeAuction { account: nobody, part: thousandths(10), reward_min: Cash::ZERO };
    assert_eq!(bench.reject_of(3, of_nobody), Some(Reject::NoAuction));
    bench.act(4, vec![Action::Transfer { subaccount: 1, amount: usdc(999_000) }]);
    assert!(matches!(bench.reject_of(4, take(thousandths(20), 0)), Some(Reject::MarginTooLow { .. })));
    assert_eq!(bench.position(4, PERPETUAL), 0, "who is not margined has nothing");
    assert_eq!(all_equity(&bench)[1], before[1]);
}

#[test]
fn a_bankrupt_account_that_nobody_takes_is_closed_against_the_other_side_pro_rata() {
    let mut bench = Bench::with(|genesis| genesis.insurance_micros = 50_000_000_000).fund();
    for (user, lots) in [(1, 42_000), (3, 21_000)] {
        bench.act(user, vec![sell(PERPETUAL, lots, AT)]);
    }
    bench.act(2, vec![buy(PERPETUAL, 63_000, AT)]);
    bench.report(0, 46_000);
    let lacks = -equity(&bench, 2).micros();
    assert!(lacks > 100_000_000_000);
    let before = all_equity(&bench);
    bench.now_ms += BOOK_MS;
    bench.report(0, 46_000);
    bench.now_ms += AUCTION_MS;
    let events = bench.report(0, 46_000);
    let taken: Vec<(AccountId, u64, i64)> = events
        .iter()
        .filter_map(|it| match it {
            Event::Deleveraged { counterparty, lots, taken, .. } => {
                Some((*counterparty, lots.get(), taken.micros()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(
        taken.iter().map(|it| (it.0, it.1)).collect::<Vec<_>>(),
        [(account(1), 42_000), (account(3), 21_000)]
    );
    let sum: i64 = taken.iter().map(|it| it.2).sum();
    assert_eq!(sum, lacks - 50_000_000_000, "the fund first, then exactly what lacks");
    assert!((taken[0].2 - 2 * taken[1].2).abs() <= 2, "twice the position, twice the part");
    assert_eq!((bench.balance(2), bench.position(2, PERPETUAL)), (Cash::ZERO, 0));
    assert_eq!(bench.state.totals().insurance, Cash::ZERO);
    let after = all_equity(&bench);
    assert_eq!(before[0] - after[0], taken[0].2, "at the mark, but for what was taken");
}

#[test]
fn an_auction_that_is_over_waits_while_the_account_is_not_bankrupt() {
    let mut bench = auctioned();
    bench.now_ms += 10 * AUCTION_MS;
    let events = bench.commit(Vec::new());
    assert!(!events.iter().any(|it| matches!(it, Event::Deleveraged { .. })), "{events:?}");
    assert_eq!(bench.position(2, PERPETUAL), 63_000);
}

/// A market of users with positions, then a price that jumps, then time in which bids come and go.
#[derive(Clone, Debug)]
struct Crash {
    trades: Vec<(u8, u8, u64, InstrumentId)>,
    prices: Vec<i64>,
    bids: Vec<(u8, u64, i64)>,
    fund: i64,
}

fn any_crash() -> impl Strategy<Value = Crash> {
    let instrument = prop_oneof![Just(PERPETUAL), Just(FUTURE)];
    let trades = proptest::collection::vec((1..6u8, 1..6u8, 1..60_000u64, instrument), 1..8);
    let prices = proptest::collection::vec(30_000..110_000i64, 1..4);
    let bids = proptest::collection::vec((1..6u8, 1..30_000u64, -40..40i64), 0..4);
    (trades, prices, bids, 0..2_000_000i64).prop_map(|(trades, prices, bids, fund)| Crash {
        trades,
        prices,
        bids,
        fund,
    })
}

/// Checks every commit of a crash: who is touched, and that no more is taken than lacked.
fn check_commit(before: &[i64], sound: &[bool], events: &[Event]) -> Result<(), TestCaseError> {
    let user_of = |id: &AccountId| (1..=5u8).find(|user| account(*user) == *id).map_or(9, usize::from);
    let mut taken = [0i64; 10];
    let mut paid = [0i64; 10];
    for event in events {
        match event {
            Event::LiquidationStarted { equity, maintenance, .. } => prop_assert!(equity < maintenance),
            Event::Deleveraged { account, counterparty, taken: amount, .. } => {
                prop_assert!(!amount.is_negative());
                prop_assert!(sound[user_of(counterparty) - 1], "only who is sound is asked");
                taken[user_of(account)] += amount.micros();
            }
            Event::InsurancePaid { account, amount, .. } => paid[user_of(account)] += amount.micros(),
            _ => {}
        }
    }
    for user in 1..=5 {
        if taken[user] > 0 {
            prop_assert!(taken[user] + paid[user] <= -before[user - 1] + 1, "never more than the shortfall");
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_any_crash_only_the_unhealthy_are_touched_and_no_more_is_taken_than_lacked(crash in any_crash()) {
        let mut bench = Bench::with(|genesis| {
            genesis.insurance_micros = crash.fund * 1_000_000;
            genesis.liquidation.deleverages_max = 8;
        }).fund();
        for (maker, taker, lots, instrument) in &crash.trades {
            bench.act(*maker, vec![Action::Place { order: limit(*instrument, Side::Sell, *lots, AT + 600) }]);
            bench.act(*taker, vec![Action::Place { order: limit(*instrument, Side::Buy, *lots, AT + 600) }]);
        }
        for usd in &crash.prices {
            for (user, lots, away) in &crash.bids {
                bench.act(*user, vec![buy(PERPETUAL, *lots, usd * 2 + away), sell(FUTURE, *lots, usd * 2 - away)]);
            }
            for wait_ms in [0, BOOK_MS + 1, 1_000, AUCTION_MS] {
                bench.now_ms += wait_ms;
                // The price first, alone, so that what follows is the waterfall's own doing.
                bench.report(0, *usd);
                let (before, sound) = (all_equity(&bench), (1..=5).map(|user| !is_liquidating(&bench, user)).collect::<Vec<_>>());
                let events = bench.commit(Vec::new());
                check_commit(&before, &sound, &events)?;
            }
        }
        prop_assert!(bench.state.check_money().is_ok());
    }
}
