//! Instruments come and go by a rule over calendar and index.

mod support;

use exchange::{Listing, genesis::ListingParameters};
use num::{DAY_MS, HOUR_MS, MINUTE_MS};
use support::*;
use wire::{Event, InstrumentId};

const RULES: ListingParameters = ListingParameters {
    dailies: 1,
    weeklies: 1,
    monthlies: 1,
    quarterlies: 0,
    strikes: 1,
    step_billionths: 15_000_000,
    volatility_billionths: 500_000_000,
    check_ms: 10,
    instruments_max: 60,
};

fn bench() -> Bench {
    Bench::with(|genesis| genesis.listing = Some(RULES)).fund()
}

fn listed(events: &[Event]) -> Vec<String> {
    let name = |event: &Event| match event {
        Event::Listed { name, .. } => String::from_utf8(name.to_vec()).ok(),
        _ => None,
    };
    events.iter().filter_map(name).collect()
}

fn id(bench: &Bench, name: &str) -> InstrumentId {
    bench.state.instrument_named(name).unwrap_or_else(|| unreachable!("{name} is listed")).id
}

#[test]
fn the_first_commit_lists_what_the_rule_asks_for_beside_what_genesis_names() {
    let bench = bench();
    let names = listed(&bench.events);
    let of_btc: Vec<&str> = names.iter().map(String::as_str).filter(|it| it.starts_with("BTC")).collect();
    assert_eq!(
        of_btc,
        [
            "BTC_USDC-8AUG26-63000-C",
            "BTC_USDC-8AUG26-63000-P",
            "BTC_USDC-8AUG26-65000-C",
            "BTC_USDC-8AUG26-65000-P",
            "BTC_USDC-14AUG26",
            "BTC_USDC-14AUG26-63000-C",
            "BTC_USDC-14AUG26-63000-P",
            "BTC_USDC-14AUG26-64000-C",
            "BTC_USDC-14AUG26-64000-P",
            "BTC_USDC-14AUG26-65000-C",
            "BTC_USDC-14AUG26-65000-P",
            "BTC_USDC-28AUG26-63000-C",
            "BTC_USDC-28AUG26-63000-P",
            "BTC_USDC-28AUG26-64000-C",
            "BTC_USDC-28AUG26-64000-P",
            "BTC_USDC-28AUG26-65000-C",
            "BTC_USDC-28AUG26-65000-P",
        ],
        "64000 of the 8th and the future of the 28th are genesis's"
    );
    assert!(names.iter().any(|it| it.starts_with("ETH_USDC-28AUG26")));
}

#[test]
fn what_was_listed_by_rule_trades_and_settles_like_any_other() {
    let mut bench = bench();
    bench.now_ms += 1_000;
    bench.report(0, 64_000);
    let call = id(&bench, "BTC_USDC-14AUG26-64000-C");
    bench.act(1, vec![sell(call, 10, 2_000)]);
    bench.act(2, vec![buy(call, 10, 2_000)]);
    assert_eq!(bench.position(2, call), 10);
    bench.now_ms = START_MS + 6 * DAY_MS + 8 * HOUR_MS - 60_000;
    bench.report(0, 70_000);
    bench.now_ms += 120_000;
    bench.report(0, 70_000);
    assert!(matches!(bench.state.instrument(call).unwrap().listing, Listing::Settled { .. }));
    assert_eq!(bench.position(2, call), 0);
    assert!(listed(&bench.events).iter().any(|name| name.starts_with("BTC_USDC-21AUG26")), "the next Friday");
}

#[test]
fn nothing_is_listed_whose_delivery_is_being_observed() {
    let mut bench = bench();
    let expiry = START_MS + 6 * DAY_MS + 8 * HOUR_MS;
    bench.now_ms = expiry - 31 * MINUTE_MS;
    let before = listed(&bench.report(0, 69_000));
    bench.now_ms = expiry - 30 * MINUTE_MS;
    let within = listed(&bench.report(0, 74_000));
    let of = |names: &[String], day: &str| names.iter().any(|name| name.starts_with(day));
    assert!(of(&before, "BTC_USDC-14AUG26-") && of(&before, "BTC_USDC-28AUG26-"));
    assert!(!of(&within, "BTC_USDC-14AUG26-"), "{within:?}");
    assert!(of(&within, "BTC_USDC-28AUG26-"), "later ones follow the index");
}

#[test]
fn strikes_follow_the_index_and_those_far_from_it_go_unless_somebody_has_an_interest() {
    let mut bench = bench();
    bench.now_ms += 1_000;
    bench.report(0, 64_000);
    let [held, quoted, idle] =
        ["63000-C", "64000-P", "64000-C"].map(|it| id(&bench, &format!("BTC_USDC-14AUG26-{it}")));
    bench.act(1, vec![sell(held, 10, 2_000), buy(quoted, 10, 100)]);
    bench.act(2, vec![buy(held, 10, 2_000)]);
    bench.now_ms += 1_000;
    let events = bench.report(0, 69_000);
    assert!(listed(&events).iter().any(|name| name == "BTC_USDC-14AUG26-68000-C"));
    assert!(events.contains(&Event::Delisted { instrument: idle }));
    let listing = |bench: &Bench, id| bench.state.instrument(id).unwrap().listing;
    assert_eq!(
        [held, quoted, idle].map(|id| listing(&bench, id)),
        [Listing::Open, Listing::Open, Listing::Delisted]
    );
    let closed = bench.reject_of(1, buy(idle, 1, 100));
    assert_eq!(closed, Some(wire::Reject::InstrumentClosed { have: idle }));
    bench.now_ms += 1_000;
    bench.report(0, 64_000);
    assert_eq!(listing(&bench, idle), Listing::Open, "it comes back with the index");
}

#[test]
fn there_are_never_more_open_instruments_than_the_limit() {
    let mut bench = Bench::with(|genesis| {
        genesis.listing = Some(ListingParameters {
            strikes: 100,
            step_billionths: 1_000_000,
            instruments_max: 50,
            ..RULES
        });
    });
    bench.commit(vec![]);
    let open = bench.state.instruments().iter().filter(|it| it.is_open()).count();
    assert_eq!(open, 50);
}
