//! The index at which an account is told that it would be liquidated is the one at which it is.

mod support;

use num::Cash;
use support::{exotics::*, *};
use wire::{Event, ExoticStyle, InstrumentId, UnderlyingId};

/// What user 2 is told about BTC.
fn told(bench: &Bench) -> Option<Cash> {
    let index = bench.state.account_index(&account(2)).expect("it has money");
    bench.state.liquidation_index(index, BTC)
}

/// User 2 trades lots of instruments at prices in ticks with user 1; negative is sold.
fn holding(trades: &[(InstrumentId, i64, i64)]) -> Bench {
    let mut bench = Bench::funded();
    bench.act(1, vec![faucet(100_000_000)]);
    for (id, lots, price) in trades {
        let (size, sides) = (lots.unsigned_abs(), if *lots > 0 { [sell, buy] } else { [buy, sell] });
        bench.act(1, vec![sides[0](*id, size, *price)]);
        bench.act(2, vec![sides[1](*id, size, *price)]);
        assert_eq!(bench.position(2, *id), *lots);
    }
    bench
}

/// Whether user 2 is liquidated once all reporters say this.
fn is_liquidated_at(bench: &mut Bench, usd: i64) -> bool {
    let events = bench.report(0, usd);
    events.iter().any(|it| matches!(it, Event::LiquidationStarted { account: id, .. } if *id == account(2)))
}

#[test]
fn an_account_is_liquidated_at_the_index_that_it_was_told_and_not_before() {
    for (name, trades, is_below) in [
        ("long", &[(PERPETUAL, 50_000, AT)][..], true),
        ("short", &[(PERPETUAL, -50_000, AT)], false),
        ("hedged", &[(FUTURE, 60_000, AT), (PERPETUAL, -10_000, AT)], true),
        ("short calls", &[(CALL, -3_000, 2_400)], false),
        ("short puts and long", &[(PUT, -2_000, 2_400), (PERPETUAL, 10_000, AT)], true),
    ] {
        let told = told(&holding(trades)).unwrap_or_else(|| unreachable!("{name}"));
        let whole = told.micros() / Cash::SCALE;
        assert_eq!(whole < 64_000, is_below, "{name}: {told}");
        // A whole dollar to either side of it.
        let (covered, not) = if is_below { (whole + 2, whole) } else { (whole - 1, whole + 1) };
        assert!(!is_liquidated_at(&mut holding(trades), covered), "{name} at {covered}, told {told}");
        assert!(is_liquidated_at(&mut holding(trades), not), "{name} at {not}, told {told}");
    }
}

#[test]
fn who_is_covered_everywhere_or_holds_nothing_is_told_no_index() {
    for trades in [&[][..], &[(PERPETUAL, 100, AT)], &[(CALL, 100, 2_400)]] {
        assert_eq!(told(&holding(trades)), None, "{trades:?}");
    }
    let bench = holding(&[(PERPETUAL, 50_000, AT)]);
    let index = bench.state.account_index(&account(2)).expect("it has money");
    for other in [1, 7] {
        assert_eq!(bench.state.liquidation_index(index, UnderlyingId(other)), None);
    }
}

#[test]
fn orders_do_not_move_it_because_they_go_first() {
    let mut bench = holding(&[(PERPETUAL, 50_000, AT)]);
    let before = told(&bench);
    assert_eq!(bench.reject_of(2, buy(CALL, 1_500, 20_000)), None);
    assert_eq!(told(&bench), before);
}

#[test]
fn who_is_not_covered_now_is_told_the_present_index() {
    let bench = Bench::ruined();
    assert_eq!(told(&bench), Some(usdc(58_700)));
}

#[test]
fn what_depends_on_the_way_is_not_guessed() {
    let mut bench = bench();
    let exotic = list(&mut bench, call(ExoticStyle::American));
    deal(&mut bench, (1, 2), (exotic, 10, 8_000));
    bench.act(1, vec![sell(PERPETUAL, 50_000, AT)]);
    bench.act(2, vec![buy(PERPETUAL, 50_000, AT)]);
    assert_eq!(bench.position(2, PERPETUAL), 50_000);
    assert_eq!(told(&bench), None);
}
