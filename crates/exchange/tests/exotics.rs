//! The life of each style of exotic: listed, traded in an offer, marked, margined, saved in the middle, and paid.
#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod support;

use exchange::Listing;
use num::{Cash, Fix, Side};
use support::exotics::*;
use support::*;
use wire::{Crossing, Event, ExoticStyle, ExoticTerms, InstrumentId, Knock, OptionRight, Outcome};

/// One BTC in lots of a hundredth.
const ONE: u64 = 100;
const CASH: ExoticStyle = ExoticStyle::Cash { amount: Cash::from_micros(1_000_000_000) };

/// A life of an exotic: what the index is an hour before the end, and then in the window of the delivery price.
struct Life {
    terms: ExoticTerms,
    name: &'static str,
    hour_before: i64,
    delivery: i64,
    /// What one unit pays at the end, in USDC.
    pays: i64,
}

fn lives() -> Vec<Life> {
    let life = |terms, name, hour_before, delivery, pays| Life { terms, name, hour_before, delivery, pays };
    let up_out = barrier(Crossing::Rises, Knock::Out, 66_000, 300);
    let up_in = barrier(Crossing::Rises, Knock::In, 66_000, 0);
    let down_out = barrier(Crossing::Falls, Knock::Out, 62_000, 0);
    let down_in = barrier(Crossing::Falls, Knock::In, 62_000, 250);
    vec![
        life(call(CASH), "C-CASH_1000", 64_000, 64_010, 1_000),
        life(call(CASH), "C-CASH_1000", 66_000, 64_000, 0),
        life(put(CASH), "P-CASH_1000", 64_000, 63_990, 1_000),
        life(put(CASH), "P-CASH_1000", 63_000, 64_000, 0),
        life(call(ExoticStyle::Asset), "C-ASSET", 64_000, 65_000, 65_000),
        life(put(ExoticStyle::Asset), "P-ASSET", 64_000, 63_000, 63_000),
        life(put(ExoticStyle::Asset), "P-ASSET", 63_000, 64_500, 0),
        life(call(ExoticStyle::American), "C-AMERICAN", 63_000, 65_200, 1_200),
        life(put(ExoticStyle::American), "P-AMERICAN", 65_000, 64_000, 0),
        // Not met: a call. Met: the rebate, wherever it ends.
        life(call(up_out), "C-UO_66000_300", 65_900, 65_500, 1_500),
        life(call(up_out), "C-UO_66000_300", 66_000, 65_500, 300),
        life(call(up_in), "C-UI_66000", 65_900, 65_500, 0),
        life(call(up_in), "C-UI_66000", 66_100, 65_500, 1_500),
        life(put(down_out), "P-DO_62000", 62_500, 63_000, 1_000),
        life(put(down_out), "P-DO_62000", 61_900, 63_000, 0),
        life(put(down_in), "P-DI_62000_250", 62_100, 63_000, 250),
        life(put(down_in), "P-DI_62000_250", 62_000, 63_000, 1_000),
        // The delivery price itself is at the level.
        life(call(up_out), "C-UO_66000_300", 65_000, 66_000, 300),
        life(call(up_in), "C-UI_66000", 65_000, 66_000, 2_000),
    ]
}

/// A price near the mark, in half dollars.
fn fair(bench: &Bench, id: InstrumentId) -> i64 {
    (mark(bench, id).micros() / 500_000).max(1)
}

#[test]
fn every_style_is_listed_traded_margined_saved_and_paid_to_the_last_micro() {
    let genesis = genesis_with(free());
    for life in lives() {
        let mut bench = bench();
        let id = list(&mut bench, life.terms);
        let case = format!("{} to {}", life.name, life.delivery);
        let name = bench.state.instrument(id).unwrap().name.clone();
        assert_eq!(name, format!("BTC_USDC-8AUG26-64000-{}", life.name));
        let price = fair(&bench, id);
        deal(&mut bench, (1, 2), (id, ONE, price));
        assert_eq!((bench.position(1, id), bench.position(2, id)), (-100, 100), "{case}");
        let account_of = |bench: &Bench, user| bench.state.account_index(&account(user)).unwrap();
        let (_, margin) = bench.state.margin_summary(account_of(&bench, 1));
        assert!(margin.initial.is_positive(), "{case}: who is short is asked for margin");
        let held = [1, 2].map(|user| bench.balance(user));
        report_before(&mut bench, (NEAR_MS, 60), life.hour_before);
        reload(&mut bench, &genesis);
        // Two words of the window, so that the delivery price is between them.
        let first = life.hour_before.clamp(62_100, 65_900);
        report_before(&mut bench, (NEAR_MS, 20), first);
        report_before(&mut bench, (NEAR_MS, 10), 2 * life.delivery - first);
        let events = report_before(&mut bench, (NEAR_MS, 0), 64_000);
        let delivered = events.iter().find_map(|it| match it {
            Event::Delivered { price, .. } => Some(*price),
            _ => None,
        });
        assert_eq!(delivered, Some(usdc(life.delivery)), "{case}");
        let won = [1, 2].map(|user: u8| bench.balance(user).micros() - held[usize::from(user) - 1].micros());
        assert_eq!(won, [-life.pays * 1_000_000, life.pays * 1_000_000], "{case}");
        let it = bench.state.instrument(id).unwrap();
        assert_eq!((it.open_interest, it.listing), (0, Listing::Settled { price: usdc(life.delivery) }));
        assert_eq!(bench.state.totals().clearing, Cash::ZERO);
    }
}

#[test]
fn marks_are_those_of_the_models_on_the_forward_and_the_smile() {
    let mut bench = bench();
    let up = |knock| call(barrier(Crossing::Rises, knock, 66_000, 0));
    let asian = far(call(ExoticStyle::Asian { fixings: 15 }));
    let american = call(ExoticStyle::American);
    let asked = [
        call(CASH),
        put(CASH),
        call(ExoticStyle::Asset),
        up(Knock::In),
        up(Knock::Out),
        american,
        far(american),
        asian,
    ];
    let ids = asked.map(|terms| list(&mut bench, terms));
    // All at one time, as the European ones.
    bench.now_ms += 1_000;
    bench.commit(vec![]);
    let marks = ids.map(|id| mark(&bench, id).micros());
    let [cash, cash_put, asset, knock_in, knock_out, american, far_american, asian] = marks;
    let european = mark(&bench, CALL).micros();
    assert_eq!(cash + cash_put, 1_000_000_000);
    assert!(
        (asset - cash * 64 - european).abs() <= 64,
        "asset less strikes in cash: {asset} {cash} {european}"
    );
    assert!((knock_in + knock_out - european).abs() <= 1);
    assert_eq!(american, european, "there is no carry to the nearer expiry");
    assert!(
        asian > far_american / 3 && asian < far_american,
        "an average moves less: {asian} {far_american}"
    );
}

#[test]
fn who_is_short_is_asked_for_what_the_scenarios_and_a_naked_short_can_lose() {
    let mut bench = bench();
    let id = list(&mut bench, call(CASH));
    deal(&mut bench, (1, 2), (id, ONE, 1_000));
    let margin = |bench: &Bench, user| {
        bench.state.margin_summary(bench.state.account_index(&account(user)).unwrap()).1
    };
    let it = bench.state.instrument(id).unwrap().valuation.clone().unwrap();
    let worst = *it.scenarios.iter().max().unwrap();
    assert_eq!(it.mark.micros() + worst, 1_000_000_000, "a move of the grid makes it pay");
    // What a unit can gain, and a hundredth of the index for what is naked.
    assert_eq!(margin(&bench, 1).maintenance.micros(), worst + 640_000_000);
    // Who is long can lose what it is worth.
    assert_eq!(margin(&bench, 2).maintenance.micros(), -it.scenarios.iter().min().unwrap());
    let model = wire::MarginModel::Standard;
    bench.act(1, vec![wire::Action::SetMarginModel { model }]);
    assert_eq!(margin(&bench, 1).maintenance, usdc(1_000), "all it may have to pay");
    // A European option of the same strike covers nothing of it.
    bench.act(1, vec![wire::Action::SetMarginModel { model: wire::MarginModel::Portfolio }]);
    let before = margin(&bench, 1).maintenance;
    let taken = offer(&mut bench, 3, vec![leg(CALL, Side::Sell, ONE, 1_400)]);
    assert_eq!(bench.act(1, vec![taken]), [Outcome::Done]);
    let after = margin(&bench, 1).maintenance;
    assert!(
        after.micros() >= 640_000_000 && after < before,
        "{after} {before}: its scenarios do, its nakedness stays"
    );
}

#[test]
fn an_exotic_and_its_hedge_trade_in_one_offer() {
    let mut bench = bench();
    let id = list(&mut bench, call(CASH));
    let hedge = (bench.state.instrument(id).unwrap().valuation.as_ref().unwrap().greeks.delta, 1_000);
    assert!(hedge.0 > Fix::ZERO);
    let legs = vec![leg(id, Side::Sell, ONE, 1_000), leg(PERPETUAL, Side::Buy, hedge.1, AT)];
    let taken = offer(&mut bench, 1, legs);
    assert_eq!(bench.act(2, vec![taken]), [Outcome::Done]);
    assert_eq!([id, PERPETUAL].map(|id| bench.position(1, id)), [-100, 1_000]);
    // A leg that cannot trade takes the exotic with it.
    let legs = vec![leg(id, Side::Sell, ONE, 1_000), leg(PERPETUAL, Side::Buy, 1, 1)];
    let taken = offer(&mut bench, 1, legs);
    assert!(matches!(bench.reject_of(2, taken), Some(wire::Reject::PriceOutsideBand { .. })));
    assert_eq!(bench.position(1, id), -100);
}

#[test]
fn what_was_met_is_marked_as_such_at_once() {
    let mut bench = bench();
    let out = list(&mut bench, call(barrier(Crossing::Rises, Knock::Out, 66_000, 300)));
    let begins = list(&mut bench, call(barrier(Crossing::Rises, Knock::In, 66_000, 300)));
    deal(&mut bench, (1, 2), (out, ONE, fair_of(300)));
    let events = bench.report(0, 66_500);
    let touched = |id| Event::BarrierTouched { instrument: id, price: usdc(66_500) };
    assert!(events.contains(&touched(out)) && events.contains(&touched(begins)));
    assert_eq!(mark(&bench, out), usdc(300));
    assert_eq!(mark(&bench, begins), mark(&bench, CALL));
    let it = bench.state.instrument(out).unwrap();
    assert!(it.valuation.as_ref().unwrap().scenarios.iter().all(|profit| *profit == 0));
    let events = bench.report(0, 67_000);
    assert!(!events.iter().any(|it| matches!(it, Event::BarrierTouched { .. })), "a level is met once");
}

/// Half dollars of an amount.
const fn fair_of(usd: i64) -> i64 {
    usd * 2
}

#[test]
fn terms_find_the_exotic_that_there_is_and_each_right_has_its_own() {
    let mut bench = bench();
    let id = list(&mut bench, call(CASH));
    assert_eq!(list(&mut bench, call(CASH)), id);
    let other = ExoticTerms { right: OptionRight::Put, ..call(CASH) };
    assert_ne!(list(&mut bench, other), id);
    let listed = bench.events.iter().filter(|it| matches!(it, Event::ExoticListed { .. })).count();
    assert_eq!(listed, 2);
}
