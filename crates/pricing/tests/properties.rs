//! What must hold for every option, whatever the numbers.
//!
//! Invariant: the ranges here are the domain that the formulas state, or wide parts of it.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, reason = "a test of floats")]

use pricing::{
    American, Asian, Average, Barrier, Columns, Crossing, Digital, European, Formula, Heston, Knock,
    Lookback, Market, Option, Payout, Right, Sabr, Strike, Value, Variant, contract_price, contract_value,
    european, heston, implied_volatility, price, value,
};
use proptest::prelude::*;

fn right() -> impl Strategy<Value = Right> {
    prop_oneof![Just(Right::Call), Just(Right::Put)]
}

/// Numbers over many sizes.
fn log_range(low: f64, high: f64) -> impl Strategy<Value = f64> {
    (low.log10()..high.log10()).prop_map(|power| 10.0_f64.powf(power))
}

/// All that the domain holds.
fn any_option() -> impl Strategy<Value = Option> {
    let time = prop_oneof![Just(0.0), log_range(1e-12, 200.0)];
    let volatility = prop_oneof![Just(0.0), log_range(1e-9, 100.0)];
    let parts = (right(), log_range(1e-60, 1e60), log_range(1e-60, 1e60), time, -2.0..2.0_f64, volatility);
    parts.prop_map(|(right, forward, strike, time, rate, volatility)| Option {
        right,
        forward,
        strike,
        time,
        rate,
        volatility,
    })
}

/// What trades.
fn usual_option() -> impl Strategy<Value = Option> {
    let parts = (right(), 50.0..200.0_f64, 0.001..3.0_f64, -0.03..0.12_f64, 0.02..2.5_f64);
    parts.prop_map(|(right, strike, time, rate, volatility)| Option {
        right,
        forward: 100.0,
        strike,
        time,
        rate,
        volatility,
    })
}

fn usual_market() -> impl Strategy<Value = Market> {
    (0.0..0.12_f64, 0.0..0.12_f64, 0.05..2.0_f64).prop_map(|(rate, dividend, volatility)| Market {
        spot: 100.0,
        rate,
        dividend,
        volatility,
    })
}

fn numbers(it: &Value) -> [f64; 8] {
    let greeks = &it.greeks;
    let Value { price, .. } = *it;
    [price, greeks.delta, greeks.gamma, greeks.vega, greeks.theta, greeks.rho, greeks.vanna, greeks.volga]
}

fn of<F: Formula>(terms: &F, market: &Market) -> f64 {
    contract_price(terms, market).unwrap()
}

proptest! {
    #[test]
    fn no_option_of_the_domain_has_a_price_or_greek_that_is_no_number(it in any_option()) {
        it.check().unwrap();
        let have = value(&it);
        prop_assert!(numbers(&have).iter().all(|number| !number.is_nan()), "{have:?}");
        prop_assert!(have.price >= 0.0 && have.price.is_finite(), "{have:?}");
        let terms = European { right: it.right, strike: it.strike, time: it.time };
        let market = Market { spot: it.forward, rate: it.rate, dividend: -it.rate, volatility: it.volatility };
        let have = european(&terms, &market).unwrap();
        prop_assert!(numbers(&have).iter().all(|number| !number.is_nan()), "{have:?}");
    }

    #[test]
    fn a_price_lies_between_its_bounds_and_keeps_parity(it in any_option()) {
        let discount = pricing::exp(-it.rate * it.time);
        let (call, put) = (price(&Option { right: Right::Call, ..it }), price(&Option { right: Right::Put, ..it }));
        let slack = 1e-14 * discount * it.forward.max(it.strike);
        prop_assert!(call <= discount * it.forward + slack && put <= discount * it.strike + slack);
        prop_assert!((call - put - discount * (it.forward - it.strike)).abs() <= slack);
    }

    #[test]
    fn a_call_falls_with_its_strike_and_rises_with_volatility_and_forward(it in usual_option(), more in 1.0001..1.5_f64) {
        let it = Option { right: Right::Call, ..it };
        let slack = 1e-13;
        let now = price(&it);
        let dearer = price(&Option { strike: it.strike * more, ..it });
        let wilder = price(&Option { volatility: it.volatility * more, ..it });
        let higher = price(&Option { forward: it.forward * more, ..it });
        prop_assert!(dearer <= now + slack && wilder >= now - slack && higher >= now - slack);
    }

    #[test]
    fn little_time_or_volatility_leaves_little_more_than_the_intrinsic_value(it in usual_option()) {
        let still = price(&Option { volatility: 0.0, ..it });
        let quiet = price(&Option { volatility: 1e-9, ..it });
        prop_assert!((quiet - still).abs() < 1e-6);
        let now = Option { time: 0.0, ..it };
        let soon = Option { time: 1e-12, ..it };
        prop_assert!((price(&soon) - price(&now)).abs() < 1e-3);
        let sign = if it.right == Right::Call { 1.0 } else { -1.0 };
        prop_assert_eq!(price(&now), (sign * (it.forward - it.strike)).max(0.0));
    }

    #[test]
    fn a_price_implies_the_volatility_that_made_it(it in usual_option()) {
        let have = value(&it);
        let intrinsic = price(&Option { volatility: 0.0, ..it });
        prop_assume!(have.price - intrinsic > 1e-10 && have.greeks.vega > 1e-6);
        let implied = implied_volatility(&it, have.price).unwrap();
        let unit = have.price.max(1.0) * 2.3e-16 / have.greeks.vega / it.volatility + 2.3e-16;
        prop_assert!((implied / it.volatility - 1.0).abs() < 64.0 * unit, "{implied} {}", it.volatility);
    }

    #[test]
    fn every_variant_has_the_bits_of_the_call_for_one(options in prop::collection::vec(any_option(), 1..200)) {
        let mut columns = Columns::default();
        for it in &options {
            columns.push(it).unwrap();
        }
        for variant in Variant::all() {
            let mut prices = Vec::new();
            columns.prices(variant, &mut prices);
            for (it, have) in options.iter().zip(&prices) {
                prop_assert_eq!(have.to_bits(), price(it).to_bits());
            }
        }
    }

    #[test]
    fn a_number_outside_the_domain_is_refused_by_name(it in usual_option(), far in prop_oneof![
        Just(f64::NAN), Just(f64::INFINITY), Just(-1.0), Just(1e300)
    ]) {
        prop_assert_eq!(Option { forward: far, ..it }.check().unwrap_err().field, "forward");
        prop_assert_eq!(Option { strike: far, ..it }.check().unwrap_err().field, "strike");
        prop_assert_eq!(Option { time: far, ..it }.check().unwrap_err().field, "time");
        prop_assert_eq!(Option { volatility: far, ..it }.check().unwrap_err().field, "volatility");
    }

    #[test]
    fn knock_in_and_knock_out_add_up_to_the_option(
        right in right(), strike in 60.0..150.0_f64, away in 0.01..0.6_f64, time in 0.01..2.0_f64, market in usual_market()
    ) {
        for (crossing, level) in [(Crossing::Up, 100.0 * (1.0 + away)), (Crossing::Down, 100.0 * (1.0 - away))] {
            let barrier = |knock| Barrier { right, crossing, knock, strike, level, rebate: 0.0, time };
            let sum = of(&barrier(Knock::In), &market) + of(&barrier(Knock::Out), &market);
            let whole = european(&European { right, strike, time }, &market).unwrap().price;
            prop_assert!((sum - whole).abs() < 1e-10, "{sum} {whole}");
        }
    }

    #[test]
    fn digitals_of_both_sides_add_up_to_the_unit(strike in 20.0..400.0_f64, time in 0.001..3.0_f64, market in usual_market()) {
        for (payout, unit) in [
            (Payout::Cash, pricing::exp(-market.rate * time)),
            (Payout::Asset, 100.0 * pricing::exp(-market.dividend * time)),
        ] {
            let digital = |right| of(&Digital { right, payout, strike, time }, &market);
            let sum = digital(Right::Call) + digital(Right::Put);
            prop_assert!((sum - unit).abs() < 1e-13 * unit, "{sum} {unit}");
        }
    }

    #[test]
    fn the_extreme_is_worth_more_than_the_end(right in right(), strike in 60.0..160.0_f64, time in 0.01..2.0_f64, market in usual_market()) {
        let whole = european(&European { right, strike, time }, &market).unwrap().price;
        let lookback = Lookback { right, strike: Strike::Fixed(strike), extreme: 100.0, time };
        let have = of(&lookback, &market);
        prop_assert!(have >= whole - 1e-9, "{have} {whole}");
    }

    #[test]
    fn greeks_of_contracts_are_numbers(
        right in right(), strike in 20.0..400.0_f64, time in log_range(1e-4, 5.0), market in usual_market()
    ) {
        let all = [
            contract_value(&Digital { right, payout: Payout::Cash, strike, time }, &market),
            contract_value(&Asian { right, average: Average::Geometric { fixings: 12 }, strike, time }, &market),
            contract_value(&Lookback { right, strike: Strike::Floating, extreme: 100.0, time }, &market),
        ];
        for it in all {
            prop_assert!(numbers(&it.unwrap()).iter().all(|number| number.is_finite()), "{it:?}");
        }
    }
}

/// All that the domain of the contracts holds, their markets included.
fn any_market() -> impl Strategy<Value = Market> {
    (log_range(1e-60, 1e60), -2.0..2.0_f64, -1.0..1.0_f64, log_range(1e-3, 100.0)).prop_map(
        |(spot, rate, carry, volatility)| Market {
            spot,
            rate,
            dividend: (rate - carry).clamp(-2.0, 2.0),
            volatility,
        },
    )
}

/// Side, strike and time of any contract.
fn any_terms() -> impl Strategy<Value = (Right, f64, f64)> {
    (right(), log_range(1e-60, 1e60), log_range(1e-9, 200.0))
}

/// Nothing that a contract answers with is NaN: it is numbers, or a refusal.
fn is_answered<F: Formula + core::fmt::Debug>(terms: &F, market: &Market) -> Result<(), TestCaseError> {
    if let Ok(it) = contract_value(terms, market) {
        prop_assert!(numbers(&it).iter().all(|number| !number.is_nan()), "{terms:?} {market:?} {it:?}");
        prop_assert!(it.price.is_finite(), "{terms:?} {market:?} {it:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_digital_of_the_domain_has_no_number_that_is_none(right in right(), strike in log_range(1e-60, 1e60), time in log_range(1e-9, 200.0), market in any_market()) {
        for payout in [Payout::Cash, Payout::Asset] {
            is_answered(&Digital { right, payout, strike, time }, &market)?;
        }
    }
    #[test]
    fn a_geometric_average_of_the_domain_has_no_number_that_is_none(right in right(), strike in log_range(1e-60, 1e60), time in log_range(1e-9, 200.0), market in any_market()) {
        for average in [Average::GeometricContinuous, Average::Geometric { fixings: 12 }] {
            is_answered(&Asian { right, average, strike, time }, &market)?;
        }
    }
    #[test]
    fn an_arithmetic_average_of_the_domain_has_no_number_that_is_none(right in right(), strike in log_range(1e-60, 1e60), time in log_range(1e-9, 200.0), market in any_market(), fixings in 1..5_u32) {
        is_answered(&Asian { right, average: Average::Arithmetic { fixings }, strike, time }, &market)?;
    }
    #[test]
    fn a_lookback_of_the_domain_has_no_number_that_is_none(right in right(), strike in log_range(1e-60, 1e60), away in log_range(1e-6, 10.0), time in log_range(1e-9, 200.0), market in any_market()) {
        for (strike, is_high) in [(Strike::Floating, right == Right::Put), (Strike::Fixed(strike), right == Right::Call)] {
            let extreme = if is_high { market.spot * (1.0 + away) } else { market.spot / (1.0 + away) };
            is_answered(&Lookback { right, strike, extreme, time }, &market)?;
        }
    }
    #[test]
    fn a_barrier_of_the_domain_has_no_number_that_is_none(
        (right, strike, time) in any_terms(), away in log_range(1e-6, 10.0), market in any_market(),
        rebate in prop_oneof![Just(0.0), log_range(1e-3, 1e3)]
    ) {
        for (crossing, level) in [(Crossing::Up, market.spot * (1.0 + away)), (Crossing::Down, market.spot / (1.0 + away))] {
            for knock in [Knock::In, Knock::Out] {
                is_answered(&Barrier { right, crossing, knock, strike, level, rebate, time }, &market)?;
            }
        }
    }
    #[test]
    fn an_american_of_the_domain_has_no_number_that_is_none(right in right(), strike in log_range(1e-60, 1e60), time in log_range(1e-9, 200.0), market in any_market()) {
        is_answered(&American { right, strike, time }, &market)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_model_of_the_domain_has_no_number_that_is_none(
        (right, _, time) in any_terms(), market in any_market(), strike in log_range(1e-3, 1e3),
        (variance, mean) in (log_range(1e-8, 100.0), log_range(1e-8, 100.0)),
        (speed, nu, rho) in (log_range(1e-6, 1e3), log_range(1e-4, 100.0), -0.999_999..0.999_999_f64)
    ) {
        let terms = European { right, strike: strike * market.spot, time };
        if let Ok(it) = heston(&terms, &market, &Heston { variance, speed, mean, nu, rho }) {
            prop_assert!(numbers(&it).iter().all(|number| !number.is_nan()), "{it:?}");
        }
        let smile = Sabr { alpha: variance, beta: 0.5 + 0.5 * rho, nu, rho };
        if let Ok(volatility) = smile.volatility(market.spot, terms.strike, time) {
            prop_assert!(volatility >= 0.0, "{volatility}");
        }
    }

    #[test]
    fn early_exercise_is_worth_something_and_never_less_than_now(
        right in right(), strike in 60.0..160.0_f64, time in 0.01..2.0_f64, market in usual_market()
    ) {
        let have = contract_value(&American { right, strike, time }, &market).unwrap();
        let whole = european(&European { right, strike, time }, &market).unwrap().price;
        let sign = if right == Right::Call { 1.0 } else { -1.0 };
        prop_assert!(have.price >= whole - 1e-9 && have.price >= sign * (100.0 - strike), "{have:?} {whole}");
        prop_assert!(numbers(&have).iter().all(|number| number.is_finite()), "{have:?}");
    }

    #[test]
    fn the_arithmetic_average_is_worth_more_than_the_geometric_to_a_call(
        strike in 70.0..140.0_f64, time in 0.02..2.0_f64, fixings in 2..40_u32, market in usual_market()
    ) {
        let asian = |average| of(&Asian { right: Right::Call, average, strike, time }, &market);
        let (arithmetic, geometric) = (asian(Average::Arithmetic { fixings }), asian(Average::Geometric { fixings }));
        prop_assert!(arithmetic >= geometric - 1e-10, "{arithmetic} {geometric}");
    }
}
