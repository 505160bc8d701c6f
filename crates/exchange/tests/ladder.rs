//! How good a price is decides what may be done at it; what needs a better one stops first.

mod support;

use exchange::genesis::{HaltParameters, LadderParameters};
use num::{Cash, Fix, Timestamp};
use support::*;
use wire::{Action, Conditions, Crossing, Event, Outcome, PriceSource, Reject, Rung, Trigger, UnderlyingId};

const BTC: UnderlyingId = UnderlyingId(0);

/// Users with money, on an index that all reporters have just named.
fn bench() -> Bench {
    let mut bench = Bench::with(|genesis| genesis.ladder = Some(LadderParameters::default())).fund();
    bench.report(0, 64_000);
    bench
}

fn rung(bench: &Bench) -> Rung {
    bench.state.underlying_of(BTC).expect("genesis lists it").rung
}

/// Each reporter says his price.
fn say(bench: &mut Bench, prices: [i64; 4]) -> Vec<Event> {
    let observed_at = Timestamp::from_millis(bench.now_ms);
    let said = (201..).zip(prices).map(|(user, usd)| {
        let action = Action::Observe { underlying: BTC, price: usdc(usd), observed_at };
        bench.intent(user, vec![action])
    });
    let said = said.collect();
    bench.commit(said)
}

fn pass(bench: &mut Bench, ms: u64) -> Vec<Event> {
    bench.now_ms += ms;
    bench.commit(vec![])
}

#[test]
fn a_price_goes_down_the_ladder_and_up_again_and_says_so() {
    let mut bench = bench();
    assert_eq!(rung(&bench), Rung::Valid);
    let events = pass(&mut bench, 15_000);
    assert!(events.contains(&Event::RungChanged { underlying: BTC, rung: Rung::Stale }));
    pass(&mut bench, 50_000);
    assert_eq!(rung(&bench), Rung::Invalid);
    say(&mut bench, [64_000, 64_000, 66_000, 66_000]);
    assert_eq!(rung(&bench), Rung::Uncertain);
    say(&mut bench, [97_000; 4]);
    assert_eq!(rung(&bench), Rung::Volatile);
    let events = say(&mut bench, [64_000; 4]);
    assert!(events.contains(&Event::RungChanged { underlying: BTC, rung: Rung::Valid }));
}

#[test]
fn one_liar_of_four_moves_nothing_down_the_ladder() {
    let mut bench = bench();
    say(&mut bench, [64_000, 64_010, 63_990, 6_000_000]);
    assert_eq!(rung(&bench), Rung::Valid);
}

#[test]
fn without_a_price_only_cancels_are_taken_and_matching_restarts_on_a_fresh_one() {
    let mut bench = bench();
    bench.act(1, vec![sell(PERPETUAL, 10, AT)]);
    pass(&mut bench, 61_000);
    let none = Reject::OracleRung { have: Rung::Invalid, need: Rung::Volatile };
    assert_eq!(bench.reject_of(2, buy(PERPETUAL, 10, AT)), Some(none));
    assert_eq!(bench.act(1, vec![Action::CancelAll { instrument: None }]), [Outcome::Done]);
    say(&mut bench, [64_500; 4]);
    bench.act(1, vec![sell(PERPETUAL, 10, AT)]);
    bench.act(2, vec![buy(PERPETUAL, 10, AT)]);
    assert_eq!(bench.position(2, PERPETUAL), 10);
}

#[test]
fn nobody_is_liquidated_at_a_price_on_which_reporters_do_not_agree() {
    let mut bench = Bench::with(|genesis| genesis.ladder = Some(LadderParameters::default())).fund();
    bench.report(0, 64_000);
    bench.act(1, vec![sell(PERPETUAL, 63_000, AT)]);
    bench.act(2, vec![buy(PERPETUAL, 63_000, AT)]);
    let events = say(&mut bench, [58_700, 58_700, 60_500, 60_500]);
    assert_eq!(rung(&bench), Rung::Uncertain);
    let started = |events: &[Event]| events.iter().any(|it| matches!(it, Event::LiquidationStarted { .. }));
    assert!(!started(&events));
    assert!(started(&say(&mut bench, [58_700; 4])), "it is as soon as they do");
}

#[test]
fn a_trigger_waits_for_a_price_that_is_good_enough() {
    let mut bench = bench();
    bench.act(1, vec![sell(PERPETUAL, 10, 129_000)]);
    let trigger =
        Trigger::Price { source: PriceSource::Index, crossing: Crossing::Rises, price: usdc(64_400) };
    let conditions = Conditions { trigger: Some(trigger), ..Conditions::default() };
    bench.act(2, vec![with(limit(PERPETUAL, num::Side::Buy, 10, 129_000), conditions)]);
    say(&mut bench, [97_000; 4]);
    assert_eq!(bench.position(2, PERPETUAL), 0, "too far from its average");
    say(&mut bench, [64_500; 4]);
    assert_eq!(bench.position(2, PERPETUAL), 10);
}

#[test]
fn a_halted_market_does_not_open_without_a_price() {
    let halt = HaltParameters { cancel_only_ms: 10, collect_ms: 10, ..HaltParameters::default() };
    let mut bench = Bench::with(|genesis| {
        genesis.halt = Some(HaltParameters { move_billionths: Fix::SCALE / 10, ..halt });
        genesis.ladder = Some(LadderParameters::default());
    })
    .fund();
    bench.report(0, 64_000);
    bench.report(0, 50_000);
    pass(&mut bench, 61_000);
    let opened = |events: &[Event]| events.iter().any(|it| matches!(it, Event::Reopened { .. }));
    assert!(!opened(&bench.events));
    assert!(opened(&say(&mut bench, [50_000; 4])));
    assert_ne!(bench.balance(1), Cash::ZERO);
}
