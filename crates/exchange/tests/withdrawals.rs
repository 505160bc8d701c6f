//! Withdrawals: money that leaves waits, counts for nothing meanwhile, and leaves no faster than its share.

mod support;

use exchange::genesis::{LadderParameters, WithdrawalParameters};
use num::{Cash, Fix, HOUR_MS, MINUTE_MS};
use support::*;
use wire::{Action, Atomicity, Destination, Event, Outcome, Reject, Rung};

const RULES: WithdrawalParameters = WithdrawalParameters {
    delay_ms: 10 * MINUTE_MS,
    period_ms: HOUR_MS,
    share_billionths: Fix::SCALE / 10,
    waiting_max: 2,
};

/// Five users with a million each, where money may leave.
fn bench() -> Bench {
    Bench::with(|genesis| genesis.withdrawals = Some(RULES)).fund()
}

fn withdraw(whole: i64) -> Action {
    Action::Withdraw { amount: usdc(whole), to: Destination::new(b"somewhere".to_vec()).expect("short") }
}

fn paid(events: &[Event]) -> Vec<(wire::AccountId, Cash)> {
    let of = |event: &Event| match event {
        Event::WithdrawalPaid { account, amount, .. } => Some((*account, *amount)),
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

/// The commit with which the next period ends.
fn end_period(bench: &mut Bench) -> Vec<Event> {
    bench.now_ms = (bench.now_ms / HOUR_MS + 1) * HOUR_MS;
    bench.commit(vec![])
}

#[test]
fn money_leaves_the_account_at_once_and_the_exchange_when_its_time_has_come() {
    let mut bench = bench();
    assert_eq!(bench.act(1, vec![withdraw(1_000)]), [Outcome::Withdrawing { withdrawal: 0 }]);
    assert_eq!(bench.balance(1), usdc(999_000));
    assert_eq!(bench.state.totals().withdrawals, usdc(1_000));
    bench.now_ms += 9 * MINUTE_MS;
    assert!(paid(&bench.commit(vec![])).is_empty());
    assert_eq!(paid(&end_period(&mut bench)), [(account(1), usdc(1_000))]);
    assert_eq!(bench.state.totals().withdrawals, Cash::ZERO);
    assert_eq!(bench.state.totals().deposits, usdc(5_999_000), "five users and the fund");
}

#[test]
fn who_asks_less_than_the_delay_before_a_period_ends_waits_for_the_next() {
    let mut bench = bench();
    bench.now_ms = (bench.now_ms / HOUR_MS + 1) * HOUR_MS - 5 * MINUTE_MS;
    bench.act(1, vec![withdraw(1_000)]);
    assert!(paid(&end_period(&mut bench)).is_empty());
    assert_eq!(paid(&end_period(&mut bench)).len(), 1);
}

#[test]
fn in_a_run_everybody_gets_the_same_part_and_in_the_end_everything() {
    let mut bench = bench();
    (1..=5).for_each(|user| drop(bench.act(user, vec![withdraw(200_000 * i64::from(user))])));
    // Ten percent of six million are six hundred thousand; three million are asked for.
    let first = paid(&end_period(&mut bench));
    for (user, (of, amount)) in (1..=5).zip(&first) {
        assert_eq!((*of, *amount), (account(user), usdc(40_000 * i64::from(user))));
    }
    let (mut sum, mut periods) = (first.iter().map(|it| it.1.micros()).sum::<i64>(), 1);
    while sum < usdc(3_000_000).micros() {
        let deposits = bench.state.totals().deposits;
        let part: i64 = paid(&end_period(&mut bench)).iter().map(|it| it.1.micros()).sum();
        assert!(part <= deposits.micros() / 10, "{part} of {deposits} left in a period");
        sum += part;
        periods += 1;
        assert!(periods < 20, "a run ends");
    }
    assert_eq!(bench.state.totals().withdrawals, Cash::ZERO);
    assert_eq!(bench.state.totals().deposits, usdc(3_000_000));
}

#[test]
fn what_waits_counts_for_no_margin_and_a_cancel_brings_it_back() {
    let mut bench = bench();
    bench.act(1, vec![withdraw(990_000)]);
    let refused = bench.reject_of(1, buy(PERPETUAL, 10_000, AT));
    assert!(matches!(refused, Some(Reject::MarginTooLow { have, .. }) if have == usdc(10_000)));
    assert_eq!(bench.act(1, vec![Action::CancelWithdrawal { withdrawal: 0 }]), [Outcome::Done]);
    assert_eq!(bench.reject_of(1, buy(PERPETUAL, 10_000, AT)), None);
    let again = bench.reject_of(1, Action::CancelWithdrawal { withdrawal: 0 });
    assert_eq!(again, Some(Reject::UnknownWithdrawal { have: 0 }));
}

#[test]
fn an_account_that_is_liquidated_gets_back_what_it_waits_for_before_anything_is_closed() {
    let mut bench = bench();
    bench.act(1, vec![sell(PERPETUAL, 30_000, AT)]);
    bench.act(2, vec![buy(PERPETUAL, 30_000, AT)]);
    bench.act(2, vec![withdraw(400_000)]);
    let events = bench.report(0, 54_000);
    let back = Event::WithdrawalReturned { withdrawal: 0, account: account(2), amount: usdc(400_000) };
    assert!(events.contains(&back));
    assert_eq!(bench.position(2, PERPETUAL), 30_000, "it was enough");
    assert_eq!(bench.state.totals().withdrawals, Cash::ZERO);
}

#[test]
fn every_reject_of_a_withdrawal_in_its_order() {
    let mut closed = Bench::funded();
    assert_eq!(closed.reject_of(1, withdraw(0)), Some(Reject::WithdrawalsClosed));
    let mut bench = bench();
    assert_eq!(bench.reject_of(1, withdraw(0)), Some(Reject::AmountNotPositive { have: Cash::ZERO }));
    let too_much = Reject::BalanceTooLow { have: usdc(1_000_000), need: usdc(1_000_001) };
    assert_eq!(bench.reject_of(1, withdraw(1_000_001)), Some(too_much));
    bench.act(1, vec![withdraw(1), withdraw(1)]);
    let limit = Reject::WithdrawalLimit { have: 2, need: 2 };
    assert_eq!(bench.reject_of(1, withdraw(2_000_000)), Some(limit));
    let mut stale = Bench::with(|genesis| {
        genesis.withdrawals = Some(RULES);
        genesis.ladder = Some(LadderParameters::default());
    });
    stale.report(0, 64_000);
    let mut stale = stale.fund();
    stale.act(1, vec![buy(PERPETUAL, 10, AT)]);
    stale.now_ms += 20_000;
    let rung = Reject::OracleRung { have: Rung::Stale, need: Rung::Valid };
    assert_eq!(stale.reject_of(1, withdraw(1_000_001)), Some(rung));
    assert!(matches!(stale.act(3, vec![withdraw(1)])[..], [Outcome::Withdrawing { .. }]), "nothing at risk");
}

#[test]
fn a_failed_group_leaves_no_withdrawal_and_takes_none() {
    let mut bench = bench();
    bench.act(1, vec![withdraw(5)]);
    let group = vec![withdraw(7), Action::CancelWithdrawal { withdrawal: 0 }, withdraw(0)];
    let intent = bench.intent_of(1, group, Atomicity::AllOrNothing);
    bench.commit(vec![intent]);
    assert_eq!(bench.state.totals().withdrawals, usdc(5));
    let index = bench.state.account_index(&account(1)).unwrap();
    assert_eq!(
        bench.state.withdrawals(index).map(|(number, it)| (number, it.left)).collect::<Vec<_>>(),
        [(0, usdc(5))]
    );
}
