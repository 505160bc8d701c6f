//! What happens to accounts whose margin fails, and to nobody else.

mod support;

use num::Cash;
use support::*;
use wire::{AccountId, Event, OrderEnd, TradeKind};

fn started(events: &[Event]) -> Vec<AccountId> {
    let of = |event: &Event| match event {
        Event::LiquidationStarted { account, equity, maintenance } => {
            assert!(equity < maintenance, "a healthy account was liquidated");
            Some(*account)
        }
        _ => None,
    };
    events.iter().filter_map(of).collect()
}

/// Applies empty commits until nothing happens any more.
fn settle(bench: &mut Bench) -> Vec<Event> {
    let mut all = Vec::new();
    for _ in 0..200 {
        let events = bench.commit(Vec::new());
        if events.is_empty() {
            break;
        }
        all.extend(events);
    }
    all
}

#[test]
fn orders_go_first_and_an_account_that_is_sound_without_them_is_let_go() {
    let mut bench = Bench::funded();
    bench.act(1, vec![sell(PERPETUAL, 50_000, AT)]);
    bench.act(2, vec![buy(PERPETUAL, 50_000, AT)]);
    // Fifteen calls at 10,000 that are worth a few hundred: 150,000 lost if somebody sells them.
    assert_eq!(bench.reject_of(2, buy(CALL, 1_500, 20_000)), None);
    // Equity 675,000; 535,000 needed for the position alone.
    let events = bench.report(0, 57_500);
    assert_eq!(started(&events), [account(2)]);
    assert!(events.iter().any(|it| matches!(it, Event::OrderEnded { end: OrderEnd::Liquidation, .. })));
    assert!(events.iter().any(|it| matches!(it, Event::LiquidationEnded { .. })));
    assert_eq!(bench.position(2, PERPETUAL), 50_000, "its position was not touched");
}

#[test]
fn a_position_is_closed_in_steps_until_the_account_is_sound() {
    let mut bench = Bench::with(|genesis| genesis.liquidation.step_billionths = 20_000_000).fund().ruin();
    bench.act(3, vec![buy(PERPETUAL, 30_000, 116_000)]);
    bench.act(4, vec![buy(PERPETUAL, 30_000, 115_000)]);
    settle(&mut bench);
    let steps = bench.events.iter().filter(|it| match it {
        Event::Traded { trade } => trade.kind == TradeKind::Liquidation && trade.taker == account(2),
        _ => false,
    });
    assert!(steps.count() > 1);
    let left = bench.position(2, PERPETUAL);
    assert!(0 < left && left < 63_000, "{left} left");
    assert!(bench.events.iter().any(|it| matches!(it, Event::LiquidationEnded { .. })));
    let index = bench.state.account_index(&account(2)).unwrap();
    let (equity, margin) = bench.state.margin_summary(index);
    assert!(equity >= margin.maintenance);
    assert!(bench.state.totals().insurance > usdc(1_000_000), "the fund gets what liquidations pay in fees");
}

#[test]
fn the_fund_pays_what_a_flat_account_owes_in_the_same_commit() {
    let mut bench = Bench::ruined();
    bench.report(0, 45_000);
    bench.act(3, vec![buy(PERPETUAL, 20_000, 88_000)]);
    let fund = bench.state.totals().insurance;
    for user in 3..=5 {
        bench.act(user, vec![faucet(10_000_000), buy(PERPETUAL, 63_000, 88_000)]);
    }
    settle(&mut bench);
    assert_eq!((bench.position(2, PERPETUAL), bench.balance(2)), (0, Cash::ZERO));
    let paid = bench.events.iter().filter_map(|it| match it {
        Event::InsurancePaid { account: id, amount, .. } if *id == account(2) => Some(amount.micros()),
        _ => None,
    });
    assert!(paid.sum::<i64>() > 0);
    assert!(bench.state.totals().insurance < fund);
}

#[test]
fn a_debt_that_the_fund_cannot_pay_is_told_with_its_number() {
    let mut bench = Bench::with(|genesis| genesis.insurance_micros = 1_000_000).fund();
    bench.act(1, vec![sell(PERPETUAL, 63_000, AT)]);
    bench.act(2, vec![buy(PERPETUAL, 63_000, AT)]);
    bench.report(0, 45_000);
    for user in 3..=5 {
        bench.act(user, vec![faucet(10_000_000), buy(PERPETUAL, 63_000, 88_000)]);
    }
    settle(&mut bench);
    let left = bench.events.iter().rev().find_map(|it| match it {
        Event::ShortfallLeft { account: id, amount } if *id == account(2) => Some(*amount),
        _ => None,
    });
    assert_eq!(left, bench.balance(2).checked_neg());
    assert!(bench.balance(2).is_negative());
}

#[test]
fn accounts_that_nobody_trades_with_do_not_keep_others_from_their_turn() {
    let mut bench = Bench::with(|genesis| genesis.liquidation.accounts_max = 1).fund();
    for (user, instrument) in [(2, FUTURE), (3, PERPETUAL)] {
        bench.act(1, vec![faucet(10_000_000), sell(instrument, 63_000, 128_700)]);
        bench.act(user, vec![buy(instrument, 63_000, 128_700)]);
    }
    bench.report(0, 59_000);
    bench.act(4, vec![faucet(10_000_000), buy(PERPETUAL, 63_000, 116_000)]);
    settle(&mut bench);
    let stuck = bench.position(2, FUTURE);
    assert_eq!(stuck, 63_000, "nobody bids for it");
    assert!(bench.position(3, PERPETUAL) < 63_000, "the other one had its steps");
}

#[test]
fn any_number_of_bankrupt_accounts_is_settled_in_one_commit() {
    let mut bench = Bench::with(|genesis| genesis.liquidation.accounts_max = 1).fund();
    bench.act(1, vec![faucet(100_000_000)]);
    for user in 2..=5 {
        bench.act(user, vec![sell(CALL, 5_000, 1_000)]);
        bench.act(1, vec![buy(CALL, 5_000, 1_000)]);
    }
    let expiry_ms = START_MS + 8 * num::HOUR_MS;
    bench.now_ms = expiry_ms - num::MINUTE_MS;
    bench.report(0, 110_000);
    bench.now_ms = expiry_ms;
    bench.report(0, 110_000);
    let paid: Vec<_> = bench.events.iter().filter(|it| matches!(it, Event::InsurancePaid { .. })).collect();
    assert!(!paid.is_empty());
    assert!(bench.state.check_money().is_ok());
}
