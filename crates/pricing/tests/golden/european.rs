//! Options on a forward, as columns.

use pricing::{Columns, Move, Option, Right, ValueColumns, Variant};

use crate::numbers::{Numbers, ROWS, mix_all as mix};

const CHUNK: u64 = 10_000;

fn columns(numbers: &mut Numbers) -> Columns {
    let mut columns = Columns::default();
    for _ in 0..CHUNK {
        let forward = numbers.between(1.0, 100_000.0);
        let option = Option {
            right: if numbers.next() & 1 == 0 { Right::Call } else { Right::Put },
            forward,
            strike: forward * numbers.between(0.2, 3.0),
            time: numbers.between(0.0, 2.0) * numbers.between(0.0, 1.0),
            rate: numbers.between(-0.05, 0.1),
            volatility: numbers.between(0.0, 2.0),
        };
        columns.push(&option).unwrap();
    }
    columns
}

#[derive(Debug, PartialEq, Eq)]
struct Hashes {
    prices: u64,
    greeks: u64,
    implied: u64,
    gains: u64,
}

fn hashes(variant: Variant, rows: u64) -> Hashes {
    let (mut prices, mut values, mut implied, mut gains) =
        (Vec::new(), ValueColumns::default(), Vec::new(), Vec::new());
    let mut all = Hashes { prices: 0, greeks: 0, implied: 0, gains: 0 };
    let mut numbers = Numbers(7);
    let moves = [Move { shift: -0.12, volatility_factor: 1.4 }];
    for _ in 0..rows / CHUNK {
        let columns = columns(&mut numbers);
        columns.prices(variant, &mut prices);
        columns.values(variant, &mut values);
        columns.implied(variant, &prices, &mut implied);
        columns.gains(variant, &moves, &mut gains);
        assert!(prices.iter().chain(&gains).all(|it| it.is_finite()), "a price of what is in the domain");
        all.prices = mix(all.prices, &prices);
        for column in [&values.price, &values.delta, &values.gamma, &values.vega] {
            all.greeks = mix(all.greeks, column);
        }
        for column in [&values.theta, &values.rho, &values.vanna, &values.volga] {
            all.greeks = mix(all.greeks, column);
        }
        all.implied = mix(all.implied, &implied);
        all.gains = mix(all.gains, &gains);
    }
    all
}

#[test]
fn every_variant_gives_the_bits_that_are_written_here() {
    let want = Hashes {
        prices: 12_039_666_406_471_658_622,
        greeks: 11_889_753_009_734_244_348,
        implied: 18_280_399_321_055_610_191,
        gains: 16_755_077_783_977_649_769,
    };
    for variant in Variant::all() {
        assert_eq!(hashes(variant, 200_000), want, "{}", variant.name());
    }
}

#[test]
fn ten_million_rows_have_one_hash_slow() {
    let want = Hashes {
        prices: 6_336_280_294_513_084_672,
        greeks: 13_411_051_203_396_161_626,
        implied: hashes(Variant::BASELINE, ROWS.into()).implied,
        gains: 4_739_871_346_136_436_731,
    };
    for variant in Variant::all() {
        assert_eq!(hashes(variant, ROWS.into()), want, "{}", variant.name());
    }
}

#[test]
fn a_row_among_many_has_the_bits_of_a_row_alone() {
    let mut numbers = Numbers(11);
    let mut options = Vec::new();
    let mut columns = Columns::default();
    for i in 0..1_001 {
        let option = Option {
            right: if i % 2 == 0 { Right::Call } else { Right::Put },
            forward: 100.0,
            strike: numbers.between(20.0, 300.0),
            time: numbers.between(0.0, 3.0),
            rate: numbers.between(-0.02, 0.06),
            volatility: numbers.between(0.01, 2.5),
        };
        columns.push(&option).unwrap();
        options.push(option);
    }
    for variant in Variant::all() {
        let (mut prices, mut values, mut implied) = (Vec::new(), ValueColumns::default(), Vec::new());
        columns.prices(variant, &mut prices);
        columns.values(variant, &mut values);
        columns.implied(variant, &prices, &mut implied);
        for (i, option) in options.iter().enumerate() {
            let alone = pricing::value(option);
            assert_eq!(prices[i].to_bits(), alone.price.to_bits(), "{option:?}");
            assert_eq!(values.volga[i].to_bits(), alone.greeks.volga.to_bits(), "{option:?}");
            assert_eq!(values.theta[i].to_bits(), alone.greeks.theta.to_bits(), "{option:?}");
            match pricing::implied_volatility(option, prices[i]) {
                Ok(volatility) => assert_eq!(implied[i].to_bits(), volatility.to_bits(), "{option:?}"),
                Err(_) => assert!(implied[i].is_nan() || implied[i] == 0.0, "{option:?}: {}", implied[i]),
            }
        }
    }
}
