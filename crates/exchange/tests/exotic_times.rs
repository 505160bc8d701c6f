//! What data time decides of exotics: which prices meet a level, which make a fixing, and that nobody changes that by
//! sending late, again or in another order.
#![allow(clippy::unwrap_used, reason = "a test fails where it fails")]

mod support;

use num::{Cash, DAY_MS, MINUTE_MS, Side, Timestamp};
use support::exotics::*;
use support::*;
use wire::{Action, Crossing, Event, ExoticStyle, ExoticTerms, InstrumentId, Knock, Outcome, SignedIntent};

const ONE: u64 = 100;

fn said(bench: &mut Bench, reporter: u8, micros: i64, at_ms: u64) -> SignedIntent {
    let (price, observed_at) = (Cash::from_micros(micros), Timestamp::from_millis(at_ms));
    bench.intent(reporter, vec![Action::Observe { underlying: BTC, price, observed_at }])
}

fn all_said(bench: &mut Bench, micros: i64, at_ms: u64) -> Vec<SignedIntent> {
    (201..=204).map(|reporter| said(bench, reporter, micros, at_ms)).collect()
}

fn touched(events: &[Event]) -> Vec<(InstrumentId, Cash)> {
    let each = events.iter().filter_map(|it| match it {
        Event::BarrierTouched { instrument, price } => Some((*instrument, *price)),
        _ => None,
    });
    each.collect()
}

fn fixed(events: &[Event]) -> Vec<(i64, u32)> {
    let each = events.iter().filter_map(|it| match it {
        Event::AsianFixed { price, made, .. } => Some((price.micros(), *made)),
        _ => None,
    });
    each.collect()
}

const UP_OUT: fn() -> ExoticTerms = || call(barrier(Crossing::Rises, Knock::Out, 66_000, 0));

#[test]
fn a_level_is_met_before_the_expiry_and_not_with_it() {
    // The last commit before the expiry, and the first that is not.
    for (ahead, count) in [(11, 1), (10, 0), (0, 0)] {
        let mut bench = bench();
        let id = list(&mut bench, UP_OUT());
        bench.now_ms = NEAR_MS - 20 * MINUTE_MS;
        bench.report(0, 64_000);
        bench.now_ms = NEAR_MS - ahead;
        let words = all_said(&mut bench, 66_000_000_000, NEAR_MS - 1_000);
        let events = bench.commit(words);
        assert_eq!(touched(&events).len(), count, "{ahead} ms before");
        let after = all_said(&mut bench, 64_000_000_000, NEAR_MS + 1);
        let events = bench.commit(after);
        // The average of the window is 65,000: below the level, so that only a touch can have ended it.
        assert_eq!(touched(&events), [], "{ahead}");
        let it = bench.state.instrument(id).unwrap();
        assert_eq!(it.exotic.as_ref().unwrap().touched.is_some(), count == 1);
        assert_eq!(it.payoff(usdc(65_000)), if count == 1 { Cash::ZERO } else { usdc(1_000) });
    }
}

#[test]
fn a_touch_and_the_expiry_in_one_commit_go_by_the_delivery_price() {
    let mut bench = bench();
    let id = list(&mut bench, UP_OUT());
    deal(&mut bench, (1, 2), (id, ONE, 400));
    bench.now_ms = NEAR_MS;
    // All that is ever said comes with the expiry: an index beyond the level, and a window at 66,000 on average.
    let mut words = all_said(&mut bench, 65_000_000_000, NEAR_MS - 2 * MINUTE_MS);
    words.extend(all_said(&mut bench, 67_000_000_000, NEAR_MS - MINUTE_MS));
    words.extend(all_said(&mut bench, 90_000_000_000, NEAR_MS));
    let before = bench.balance(2);
    let events = bench.commit(words);
    assert_eq!(touched(&events), [(id, usdc(66_000))], "the delivery price meets it, once");
    assert_eq!(bench.balance(2), before, "a call that ended pays nothing");
    let told = |wanted: fn(&Event) -> bool| events.iter().position(wanted).unwrap();
    let touch = told(|it| matches!(it, Event::BarrierTouched { .. }));
    let paid = told(|it| matches!(it, Event::PositionSettled { .. }));
    assert!(told(|it| matches!(it, Event::Delivered { .. })) < touch && touch < paid);
}

#[test]
fn one_liar_of_four_and_words_of_the_past_meet_no_level() {
    let mut bench = bench();
    list(&mut bench, UP_OUT());
    bench.report(0, 65_000);
    let now = bench.now_ms;
    let mut words = vec![said(&mut bench, 201, 90_000_000_000, now)];
    words.extend((202..=204).map(|reporter| said(&mut bench, reporter, 65_900_000_000, now)));
    let events = bench.commit(words);
    assert_eq!(touched(&events), []);
    // They were at the level once, a moment before what they said last.
    let late = all_said(&mut bench, 66_000_000_000, now - 1);
    let events = bench.commit(late);
    assert!(outcomes(&events).iter().all(|it| matches!(it, Outcome::Rejected { .. })));
    assert_eq!(touched(&events), []);
}

#[test]
fn fixings_are_the_delivery_prices_of_days_and_the_average_is_exact() {
    let mut bench = bench();
    let terms = far(call(ExoticStyle::Asian { fixings: 3 }));
    let id = list(&mut bench, terms);
    assert_eq!(bench.state.instrument(id).unwrap().name, "BTC_USDC-28AUG26-64000-C-ASIAN_3");
    deal(&mut bench, (1, 2), (id, ONE, 2_000));
    let before = [1, 2].map(|user| bench.balance(user).micros());
    // Two days before, one before, and at the end; what was before does not count.
    let prices = [70_000_000_000, 65_000_000_001, 65_000_000_001, 65_000_000_002];
    let mut all = Vec::new();
    for (days, micros) in [3, 2, 1, 0].into_iter().zip(prices) {
        let day = FAR_MS - days * DAY_MS;
        bench.now_ms = day - 5 * MINUTE_MS;
        let words = all_said(&mut bench, micros, day - 5 * MINUTE_MS);
        bench.commit(words);
        bench.now_ms = day;
        let words = all_said(&mut bench, 64_000_000_000, day);
        all.extend(bench.commit(words));
        reload(&mut bench, &genesis_with(free()));
    }
    assert_eq!(fixed(&all), [(65_000_000_001, 1), (65_000_000_001, 2), (65_000_000_002, 3)]);
    // The average of the three is 65,000.0000013, so 65,000.000001.
    let won = [1, 2].map(|user: u8| bench.balance(user).micros() - before[usize::from(user) - 1]);
    assert_eq!(won, [-1_000_000_001, 1_000_000_001]);
    assert_eq!(bench.state.totals().clearing, Cash::ZERO);
}

#[test]
fn an_average_rounds_half_to_even() {
    for (last, average) in [(1, 64_000_000_000), (3, 64_000_000_002)] {
        let mut bench = bench();
        let id = list(&mut bench, far(call(ExoticStyle::Asian { fixings: 2 })));
        for (days, micros) in [(1, 64_000_000_000), (0, 64_000_000_000 + last)] {
            let day = FAR_MS - days * DAY_MS;
            bench.now_ms = day;
            let mut words = all_said(&mut bench, micros, day - MINUTE_MS);
            words.extend(all_said(&mut bench, 64_000_000_000, day));
            bench.commit(words);
        }
        let it = bench.state.instrument(id).unwrap();
        assert_eq!(
            it.payoff(usdc(90_000)).micros(),
            average - 64_000_000_000,
            "what is delivered does not count"
        );
    }
}

#[test]
fn no_order_of_what_is_said_changes_a_fixing() {
    let fixings = |order: [usize; 4], again: bool| {
        let mut bench = bench();
        list(&mut bench, far(call(ExoticStyle::Asian { fixings: 2 })));
        let day = FAR_MS - DAY_MS;
        let words = [
            (64_000_000_000, day - 20 * MINUTE_MS),
            (65_000_000_000, day - MINUTE_MS),
            (80_000_000_000, day),
            (66_000_000_000, day + DAY_MS - MINUTE_MS),
        ];
        bench.now_ms = FAR_MS - MINUTE_MS;
        let mut intents = Vec::new();
        for word in order {
            let (micros, at_ms) = words[word];
            // One of the four lies in every word.
            intents.push(said(&mut bench, 201, 600_000_000_000, at_ms));
            intents.extend((202..=204).map(|reporter| said(&mut bench, reporter, micros, at_ms)));
        }
        let raw: Vec<_> = intents.iter().map(commonware_codec::Encode::encode).collect();
        let mut events = bench.commit_raw(raw.clone());
        if again {
            events.extend(bench.commit_raw(raw));
        }
        bench.now_ms = FAR_MS;
        let words = all_said(&mut bench, 64_000_000_000, FAR_MS);
        events.extend(bench.commit(words));
        fixed(&events)
    };
    let expected = [(64_500_000_000, 1), (66_000_000_000, 2)];
    for order in [[0, 1, 2, 3], [1, 0, 3, 2], [2, 1, 0, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
        assert_eq!(fixings(order, false), expected, "{order:?}");
        assert_eq!(fixings(order, true), expected, "{order:?}, sent twice");
    }
}

#[test]
fn days_on_which_nobody_speaks_are_made_up_for_in_their_order() {
    let mut bench = bench();
    let id = list(&mut bench, far(call(ExoticStyle::Asian { fixings: 4 })));
    deal(&mut bench, (1, 2), (id, ONE, 2_000));
    bench.now_ms = FAR_MS + MINUTE_MS;
    // The first words in days come after the end: they are the first beyond every fixing.
    let words = all_said(&mut bench, 65_000_000_000, FAR_MS + MINUTE_MS);
    let events = bench.commit(words);
    assert_eq!(fixed(&events), [1, 2, 3, 4].map(|made| (65_000_000_000, made)));
    assert_eq!(bench.position(2, id), 0);
}

#[test]
fn a_mark_knows_what_was_fixed() {
    let mut bench = bench();
    let id = list(&mut bench, far(call(ExoticStyle::Asian { fixings: 2 })));
    let day = FAR_MS - DAY_MS;
    bench.now_ms = day;
    let mut words = all_said(&mut bench, 70_000_000_000, day - MINUTE_MS);
    words.extend(all_said(&mut bench, 64_000_000_000, day));
    bench.commit(words);
    // Half is known at 70,000, and the forward is 64,320: far in the money.
    let likely = (70_000 + 64_320) * 1_000_000 / 2 - 64_000_000_000;
    assert!((mark(&bench, id).micros() - likely).abs() < 5_000_000, "{}", mark(&bench, id));
    let taken = offer(&mut bench, 1, vec![leg(id, Side::Sell, ONE, 6_320)]);
    assert_eq!(bench.act(2, vec![taken]), [Outcome::Done]);
}
