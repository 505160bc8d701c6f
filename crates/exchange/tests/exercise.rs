//! Exercise of American options: who is paid, who pays, and who may not.
#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod support;

use exchange::Listing;
use num::{Cash, Lots, Side};
use support::exotics::*;
use support::*;
use wire::{AccountId, Action, Atomicity, Event, Exercise, ExoticStyle, InstrumentId, Outcome, Reject};

const AMERICAN: ExoticStyle = ExoticStyle::American;

fn exercise(instrument: InstrumentId, lots: u64) -> Action {
    Action::Exercise { instrument, lots: Lots::new(lots) }
}

/// 2 holds 100 lots of the call; 1, 3 and 4 are short of 50, 30 and 20. The index is 65,000.01.
fn held() -> (Bench, InstrumentId) {
    let mut bench = bench();
    let id = list(&mut bench, call(AMERICAN));
    for (seller, lots) in [(1, 50), (3, 30), (4, 20)] {
        deal(&mut bench, (seller, 2), (id, lots, 1_000));
    }
    report(&mut bench, 65_000_010_000);
    (bench, id)
}

fn report(bench: &mut Bench, micros: i64) {
    let observed_at = num::Timestamp::from_millis(bench.now_ms);
    let price = Cash::from_micros(micros);
    let said = Action::Observe { underlying: BTC, price, observed_at };
    let words = (201..=204).map(|reporter| bench.intent(reporter, vec![said.clone()])).collect();
    bench.commit(words);
}

fn assigned(events: &[Event]) -> Vec<(AccountId, u64, i64)> {
    let each = events.iter().filter_map(|it| match it {
        Event::Assigned { account, exercise, .. } => {
            Some((*account, exercise.lots.get(), exercise.amount.micros()))
        }
        _ => None,
    });
    each.collect()
}

#[test]
fn those_who_are_short_pay_in_proportion_and_exactly_what_the_holder_gets() {
    let (mut bench, id) = held();
    let before = [1, 2, 3, 4].map(|user| bench.balance(user).micros());
    let intent = bench.intent(2, vec![exercise(id, 7)]);
    let events = bench.commit(vec![intent]);
    // Shares of 3.5, 2.1 and 1.4; a lot is worth 10.0001.
    let each = 10_000_100;
    assert_eq!(
        assigned(&events),
        [(account(1), 4, 4 * each), (account(3), 2, 2 * each), (account(4), 1, each)]
    );
    let price = Cash::from_micros(65_000_010_000);
    let amount = Cash::from_micros(7 * each);
    let exercised = Exercise { lots: Lots::new(7), price, amount };
    assert!(events.contains(&Event::Exercised { account: account(2), instrument: id, exercise: exercised }));
    let now = [1, 2, 3, 4].map(|user| bench.balance(user).micros());
    assert_eq!([now[0] - before[0], now[1] - before[1]], [-4 * each, 7 * each]);
    assert_eq!([now[2] - before[2], now[3] - before[3]], [-2 * each, -each]);
    assert_eq!([1, 2, 3, 4].map(|user| bench.position(user, id)), [-46, 93, -28, -19]);
    assert_eq!(bench.state.instrument(id).unwrap().open_interest, 93);
}

#[test]
fn rounding_costs_the_holder_and_nobody_else() {
    let mut bench = bench();
    let id = list(&mut bench, call(AMERICAN));
    for seller in [1, 3, 4] {
        deal(&mut bench, (seller, 2), (id, 1, 1_000));
    }
    // In the money by 1,000.000050: a lot is worth 10.0000005.
    report(&mut bench, 65_000_000_050);
    let before = bench.balance(2);
    bench.act(2, vec![exercise(id, 3)]);
    assert_eq!(
        bench.balance(2).micros() - before.micros(),
        30_000_000,
        "three times a lot, each rounded down"
    );
    assert_eq!(bench.state.totals().clearing, Cash::ZERO);
    assert_eq!(bench.state.instrument(id).unwrap().open_interest, 0);
}

#[test]
fn what_is_left_is_exercised_by_itself_at_the_end() {
    let (mut bench, id) = held();
    bench.act(2, vec![exercise(id, 60)]);
    let before = bench.balance(2);
    reload(&mut bench, &genesis_with(free()));
    report_before(&mut bench, (NEAR_MS, 5), 66_000);
    report_before(&mut bench, (NEAR_MS, 0), 66_000);
    assert_eq!(bench.balance(2).micros() - before.micros(), 40 * 20_000_000);
    let it = bench.state.instrument(id).unwrap();
    assert_eq!(it.listing, Listing::Settled { price: usdc(66_000) });
    assert_eq!(bench.reject_of(2, exercise(id, 1)), Some(Reject::InstrumentClosed { have: id }));
}

#[test]
fn each_rule_of_exercise_says_what_it_needs() {
    let (mut bench, id) = held();
    let unknown = InstrumentId(99);
    let put_id = list(&mut bench, put(AMERICAN));
    deal(&mut bench, (1, 2), (put_id, 5, 200));
    let (lots, held) = (Lots::new(101), Lots::new(100));
    let out = Reject::NotInTheMoney { have: Cash::from_micros(65_000_010_000), need: usdc(64_000) };
    for (user, action, reject) in [
        (2, exercise(unknown, 1), Reject::UnknownInstrument { have: unknown }),
        (2, exercise(CALL, 1), Reject::NotAmerican { have: CALL }),
        (2, exercise(id, 0), Reject::LotsZero),
        (2, exercise(id, 101), Reject::ExerciseTooLarge { have: lots, need: held }),
        // Who is short exercises nothing.
        (1, exercise(id, 1), Reject::ExerciseTooLarge { have: Lots::new(1), need: Lots::ZERO }),
        (2, exercise(put_id, 1), out),
    ] {
        assert_eq!(bench.reject_of(user, action), Some(reject));
    }
    bench.now_ms = NEAR_MS;
    assert_eq!(bench.reject_of(2, exercise(id, 1)), Some(Reject::InstrumentClosed { have: id }));
}

#[test]
fn who_would_not_cover_his_margin_without_the_option_keeps_it() {
    let mut bench = bench();
    let id = list(&mut bench, call(AMERICAN));
    bench.act(6, vec![faucet(3_500)]);
    // 6 is long one BTC of the call and short one of the perpetual: a hedge with hardly any margin.
    let legs = vec![leg(id, Side::Sell, 100, 1_000), leg(PERPETUAL, Side::Buy, 1_000, AT)];
    let taken = offer(&mut bench, 1, legs);
    assert_eq!(bench.act(6, vec![taken]), [Outcome::Done]);
    bench.report(0, 64_500);
    let before = (bench.balance(6), bench.position(6, id), bench.position(1, id));
    let refused = bench.reject_of(6, exercise(id, 100));
    assert!(matches!(refused, Some(Reject::MarginTooLow { .. })), "{refused:?}");
    assert_eq!((bench.balance(6), bench.position(6, id), bench.position(1, id)), before);
}

#[test]
fn a_group_that_fails_has_exercised_nothing() {
    let (mut bench, id) = held();
    let intent = bench.intent_of(2, vec![exercise(id, 10), faucet(0)], Atomicity::AllOrNothing);
    let before = bench.balance(2);
    let events = bench.commit(vec![intent]);
    assert_eq!(assigned(&events), []);
    assert_eq!((bench.balance(2), bench.position(2, id)), (before, 100));
}
