//! What is refused of exotics: terms, listing, books, exercise; and how an exotic comes and goes.
#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod support;

use exchange::{
    GenesisError, Listing, State,
    genesis::{ComboParameters, ExoticParameters, LadderParameters},
};
use num::{Cash, HOUR_MS, Lots, MINUTE_MS, Side, Ticks, Timestamp};
use support::exotics::*;
use support::*;
use wire::{
    Action, Atomicity, ComboLeg, Conditions, Crossing, Event, ExoticStyle, ExoticTerms, InstrumentId, Knock,
    List, Outcome, PriceSource, QuoteSide, Reject, Rung, Trigger, UnderlyingId,
};

const CASH: ExoticStyle = ExoticStyle::Cash { amount: Cash::from_micros(1_000_000_000) };

fn cash(micros: i64) -> ExoticTerms {
    call(ExoticStyle::Cash { amount: Cash::from_micros(micros) })
}

fn at_strike(micros: i64) -> ExoticTerms {
    ExoticTerms { strike: Cash::from_micros(micros), ..call(ExoticStyle::Asset) }
}

fn price(micros: i64) -> Reject {
    // A thousandth of 64,000 rounded up, and up to four times the index either way.
    Reject::ExoticPrice {
        have: Cash::from_micros(micros),
        step: usdc(100),
        low: usdc(16_000),
        high: usdc(256_000),
    }
}

fn amount(micros: i64, low: i64) -> Reject {
    let (have, step) = (Cash::from_micros(micros), Cash::from_micros(500_000));
    Reject::ExoticAmount { have, step, low: Cash::from_micros(low), high: usdc(64_000) }
}

/// Terms, and what is told of them.
fn refused() -> Vec<(ExoticTerms, Reject)> {
    let expiry = |ms: u64| Timestamp::from_millis(ms);
    let on = |ms: u64| ExoticTerms { expiry: expiry(ms), ..call(CASH) };
    let level = |crossing, knock, usd, rebate| call(barrier(crossing, knock, usd, rebate));
    let beyond = |have, need| Reject::ExoticLevel { have: usdc(have), need: usdc(need) };
    let asian = |fixings| far(call(ExoticStyle::Asian { fixings }));
    let (rises, falls, out, begins) = (Crossing::Rises, Crossing::Falls, Knock::Out, Knock::In);
    let nowhere = UnderlyingId(9);
    vec![
        (ExoticTerms { underlying: nowhere, ..call(CASH) }, Reject::UnknownUnderlying { have: nowhere }),
        (on(NEAR_MS + 1), Reject::ExoticExpiry { have: expiry(NEAR_MS + 1) }),
        (on(NEAR_MS + 24 * HOUR_MS), Reject::ExoticExpiry { have: expiry(NEAR_MS + 24 * HOUR_MS) }),
        (on(0), Reject::ExoticExpiry { have: expiry(0) }),
        (on(u64::MAX), Reject::ExoticExpiry { have: expiry(u64::MAX) }),
        (at_strike(64_050_000_000), price(64_050_000_000)),
        (at_strike(15_900_000_000), price(15_900_000_000)),
        (at_strike(256_100_000_000), price(256_100_000_000)),
        (at_strike(0), price(0)),
        (at_strike(i64::MIN), price(i64::MIN)),
        (at_strike(i64::MAX), price(i64::MAX)),
        (cash(0), amount(0, 500_000)),
        (cash(-500_000), amount(-500_000, 500_000)),
        (cash(750_000), amount(750_000, 500_000)),
        (cash(64_000_500_000), amount(64_000_500_000, 500_000)),
        (level(rises, out, 66_050, 0), price(66_050_000_000)),
        (level(rises, out, 64_000, 0), beyond(64_000, 64_000)),
        (level(falls, begins, 65_000, 0), beyond(65_000, 64_000)),
        (level(rises, out, 66_000, -1), amount(-1_000_000, 0)),
        // It would end before it could pay.
        (ExoticTerms { strike: usdc(70_000), ..level(rises, out, 66_000, 0) }, beyond(66_000, 70_000)),
        (asian(1), Reject::ExoticFixings { have: 1, need: 31 }),
        (asian(32), Reject::ExoticFixings { have: 32, need: 31 }),
        (asian(u32::MAX), Reject::ExoticFixings { have: u32::MAX, need: 31 }),
        (
            asian(22),
            Reject::TimeNotAhead {
                have: expiry(NEAR_MS - 24 * HOUR_MS),
                need: expiry(START_MS + 30 * MINUTE_MS + 20),
            },
        ),
    ]
}

#[test]
fn terms_that_break_a_rule_are_told_which() {
    for (terms, reject) in refused() {
        let mut bench = bench();
        assert_eq!(bench.reject_of(1, create(terms)), Some(reject), "{terms:?}");
        assert_eq!(bench.state.instruments().len(), Bench::new().state.instruments().len());
    }
}

#[test]
fn names_must_fit() {
    let refused = bench_of_long_names().reject_of(1, create(long_named()));
    assert_eq!(refused, Some(Reject::ExoticName { have: 52, need: 48 }));
}

#[test]
fn a_network_without_exotics_lists_none() {
    let mut bench = Bench::funded();
    assert_eq!(bench.reject_of(1, create(call(CASH))), Some(Reject::ExoticsClosed));
}

#[test]
fn listing_costs_a_fee_and_there_are_so_many_at_most() {
    let rules = ExoticParameters { open_max: 2, fee_micros: 10_000_000, ..ExoticParameters::default() };
    let mut bench = bench_with(rules);
    let poor = bench.reject_of(6, create(call(CASH)));
    assert_eq!(poor, Some(Reject::BalanceTooLow { have: Cash::ZERO, need: usdc(10) }));
    list(&mut bench, call(CASH));
    list(&mut bench, put(CASH));
    assert_eq!(bench.balance(1), usdc(999_980));
    let full = bench.reject_of(1, create(call(ExoticStyle::Asset)));
    assert_eq!(full, Some(Reject::ExoticLimit { have: 2, need: 2 }));
    list(&mut bench, call(CASH));
    assert_eq!(bench.balance(1), usdc(999_980), "who asks for one that is there pays nothing");
}

#[test]
fn a_group_that_fails_has_listed_nothing() {
    let mut bench = bench();
    let asian = far(call(ExoticStyle::Asian { fixings: 7 }));
    let group = vec![create(asian), faucet(0)];
    let intent = bench.intent_of(1, group, Atomicity::AllOrNothing);
    let before = bench.state.instruments().len();
    bench.commit(vec![intent]);
    assert_eq!(bench.state.instruments().len(), before);
    reload(&mut bench, &genesis_with(free()));
    let id = list(&mut bench, asian);
    assert_eq!(id, InstrumentId(u32::try_from(before).unwrap()));
}

#[test]
fn an_exotic_that_nobody_holds_goes_and_comes_back_in_its_place() {
    let mut bench = bench_with(ExoticParameters { idle_ms: 60_000, ..free() });
    let (idle, held) = (list(&mut bench, call(CASH)), list(&mut bench, put(CASH)));
    deal(&mut bench, (1, 2), (held, 10, 1_000));
    bench.now_ms += 60_000;
    bench.commit(vec![]);
    let listing = |bench: &Bench, id| bench.state.instrument(id).unwrap().listing;
    assert_eq!((listing(&bench, idle), listing(&bench, held)), (Listing::Delisted, Listing::Open));
    assert!(bench.events.contains(&Event::Delisted { instrument: idle }));
    let taken = offer(&mut bench, 1, vec![leg(idle, Side::Sell, 1, 1_000)]);
    assert_eq!(bench.reject_of(2, taken), Some(Reject::InstrumentClosed { have: idle }));
    reload(&mut bench, &genesis_with(ExoticParameters { idle_ms: 60_000, ..free() }));
    assert_eq!(list(&mut bench, call(CASH)), idle);
    deal(&mut bench, (1, 2), (idle, 10, 1_000));
}

#[test]
fn exotics_have_no_book() {
    let mut bench = Bench::with(|genesis| {
        genesis.exotics = Some(free());
        genesis.combos = Some(ComboParameters::default());
    })
    .fund();
    let id = list(&mut bench, call(CASH));
    let no_book = Some(Reject::NoBook { have: id });
    let side = QuoteSide { price: Ticks::new(900), lots: Lots::new(1) };
    let stop = Conditions {
        trigger: Some(Trigger::Price {
            source: PriceSource::Index,
            crossing: Crossing::Rises,
            price: usdc(65_000),
        }),
        ..Conditions::default()
    };
    let quote = Action::Quote { instrument: id, protection: None, bid: Some(side), ask: None };
    for action in [buy(id, 1, 1_000), sell(id, 1, 1_000), quote, with(limit(id, Side::Buy, 1, 1_000), stop)] {
        assert_eq!(bench.reject_of(1, action), no_book);
    }
    let legs = [(id, 1), (CALL, -1)].map(|(instrument, ratio)| ComboLeg { instrument, ratio });
    let combo = Action::CreateCombo { legs: List::new(legs.to_vec()).unwrap() };
    assert_eq!(bench.reject_of(1, combo), Some(Reject::ComboLegs { have: 2, need: 4 }));
}

#[test]
fn while_a_price_is_bad_nothing_is_listed_met_or_exercised() {
    let mut bench = Bench::with(|genesis| {
        genesis.exotics = Some(free());
        genesis.ladder = Some(LadderParameters { uncertain_billionths: 1_000_000, ..Default::default() });
    })
    .fund();
    bench.report(0, 64_000);
    let id = list(&mut bench, call(barrier(Crossing::Rises, Knock::Out, 66_000, 0)));
    let american = list(&mut bench, call(ExoticStyle::American));
    deal(&mut bench, (1, 2), (american, 100, 1_000));
    let said = |bench: &mut Bench, prices: [i64; 4]| {
        let observed_at = Timestamp::from_millis(bench.now_ms);
        let words = (201..).zip(prices).map(|(reporter, usd)| {
            bench.intent(reporter, vec![Action::Observe { underlying: BTC, price: usdc(usd), observed_at }])
        });
        let words = words.collect();
        bench.commit(words)
    };
    let events = said(&mut bench, [60_000, 66_500, 69_000, 70_000]);
    assert!(events.contains(&Event::IndexMoved { underlying: BTC, price: usdc(66_500) }));
    assert!(!events.iter().any(|it| matches!(it, Event::BarrierTouched { .. })));
    let refused = Some(Reject::OracleRung { have: Rung::Uncertain, need: Rung::Valid });
    assert_eq!(bench.reject_of(1, create(call(CASH))), refused);
    let exercise = Action::Exercise { instrument: american, lots: Lots::new(1) };
    assert_eq!(bench.reject_of(2, exercise.clone()), refused);
    let events = said(&mut bench, [66_500; 4]);
    assert!(events.contains(&Event::BarrierTouched { instrument: id, price: usdc(66_500) }));
    assert_eq!(bench.act(2, vec![exercise]), [Outcome::Done]);
}

#[test]
fn a_genesis_names_what_is_wrong_with_its_exotics() {
    let cases: [(&str, ExoticParameters); 6] = [
        ("exotics.open_max", ExoticParameters { open_max: 0, ..free() }),
        ("exotics.idle_ms", ExoticParameters { idle_ms: 0, ..free() }),
        ("exotics.fee_micros", ExoticParameters { fee_micros: -1, ..free() }),
        ("exotics.step_billionths", ExoticParameters { step_billionths: 0, ..free() }),
        ("exotics.reach", ExoticParameters { reach: 1, ..free() }),
        ("exotics.fixings_max", ExoticParameters { fixings_max: 367, ..free() }),
    ];
    for (name, rules) in cases {
        let refused = State::new(&genesis_with(rules), network()).err();
        assert!(matches!(&refused, Some(GenesisError::Value { field, .. }) if field == name), "{refused:?}");
    }
    let mut named = genesis_with(free());
    let exotic = "BTC_USDC-28AUG26-64000-C-ASSET".to_owned();
    named.instruments.push(exotic.clone());
    let refused = State::new(&named, network()).err();
    assert!(
        matches!(refused, Some(GenesisError::Name { have, .. }) if have == exotic),
        "nobody pays for that"
    );
}
