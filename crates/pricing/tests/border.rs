//! Integers at the border: what rounding keeps of a formula.
//!
//! Invariant: where Black's formula rises or falls, the integers never turn back. Between two neighbours of the grid the
//! formula may move by less than a float holds; there they stand still, or turn back by the unit that was a tie.
#![allow(clippy::unwrap_used, reason = "a test")]

use num::{Cash, Duration, Fix};
use pricing::{Quote, Right, from_trillionths, quote, quote_implied, to_trillionths};
use proptest::prelude::*;

fn right() -> impl Strategy<Value = Right> {
    prop_oneof![Just(Right::Call), Just(Right::Put)]
}

/// Forwards from a cent to a million, strikes within a factor of ten, a minute to five years, 1 % to 500 %.
fn any_quote() -> impl Strategy<Value = Quote> {
    let forward = prop_oneof![10_000..1_000_000_i64, 1_000_000..1_000_000_000_000_i64];
    let parts =
        (right(), forward, 100..10_000_i64, 60_000..157_680_000_000_u64, 10_000_000..5_000_000_000_i64);
    parts.prop_map(|(right, forward, moneyness, time, volatility)| Quote {
        right,
        forward: Cash::from_micros(forward),
        strike: Cash::from_micros((forward / 1_000 * moneyness).max(1)),
        time: Duration::from_millis(time),
        volatility: Fix::from_raw(volatility),
    })
}

fn micros(it: &Quote) -> i64 {
    quote(it).0.micros()
}

/// The same option with one number larger by `step` of it, and whether its price rises with that.
fn moved(it: &Quote, step: impl Fn(i64) -> i64) -> [(&'static str, Quote, bool); 4] {
    let cash = |cash: Cash| Cash::from_micros(step(cash.micros()));
    let time = u64::try_from(step(i64::try_from(it.time.millis()).unwrap())).unwrap();
    let is_call = it.right == Right::Call;
    [
        ("strike", Quote { strike: cash(it.strike), ..*it }, !is_call),
        ("forward", Quote { forward: cash(it.forward), ..*it }, is_call),
        ("volatility", Quote { volatility: Fix::from_raw(step(it.volatility.raw())), ..*it }, true),
        ("time", Quote { time: Duration::from_millis(time), ..*it }, true),
    ]
}

proptest! {
    #[test]
    fn a_quote_rises_and_falls_as_the_formula_does(it in any_quote(), parts in 1..5_000_i64) {
        let now = micros(&it);
        for (name, more, rises) in moved(&it, |have| have + have / 10_000 * parts) {
            let then = micros(&more);
            prop_assert!(if rises { then >= now } else { then <= now }, "{name}: {now} to {then}, {it:?}");
        }
    }

    #[test]
    fn neighbours_of_the_grid_differ_by_what_a_unit_is_worth(it in any_quote()) {
        let now = micros(&it);
        for (name, more, rises) in moved(&it, |have| have + 1) {
            let rise = if rises { micros(&more) - now } else { now - micros(&more) };
            prop_assert!(rise >= -1, "{name} turns back by {rise}, {it:?}");
            // A micro of strike or forward is worth at most a micro, which rounding can make two.
            prop_assert!(!matches!(name, "strike" | "forward") || rise <= 2, "{name} jumps by {rise}, {it:?}");
        }
    }

    #[test]
    fn a_quote_stays_between_its_bounds(it in any_quote()) {
        let (gain, most) = match it.right {
            Right::Call => (it.forward.micros() - it.strike.micros(), it.forward.micros()),
            Right::Put => (it.strike.micros() - it.forward.micros(), it.strike.micros()),
        };
        let have = micros(&it);
        prop_assert!(have >= gain.max(0) && have <= most, "{have}, not within {gain} and {most}");
    }

    #[test]
    fn implied_volatilities_rise_with_the_price(it in any_quote(), more in 2..1_000_i64) {
        let price = micros(&it);
        let of = |micros: i64| quote_implied(&it, Cash::from_micros(micros));
        if let (Some(low), Some(high)) = (of(price), of(price + more)) {
            prop_assert!(low <= high, "{low} {high}");
        }
    }

    #[test]
    fn trillionths_round_half_to_even_and_keep_the_order(one in -1_000_000_000_000_000_i64..1_000_000_000_000_000, gap in 0..1_000_i64) {
        let of = |trillionths: i64| to_trillionths(from_trillionths(i128::from(trillionths))).unwrap();
        prop_assert_eq!(of(one), i128::from(one), "a number of three digits before the point is kept");
        prop_assert!(of(one) <= of(one + gap));
    }
}
