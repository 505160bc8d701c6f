//! Contracts beyond the European option: prices in every variant, and Greeks.

use pricing::{
    American, Asian, Average, Barrier, Crossing, Digital, Formula, Knock, Lookback, Market, Payout, Right,
    Strike, Variant, contract_price_by, contract_value,
};

use crate::numbers::{Numbers, ROWS, mix, mix_all};

const RIGHTS: [Right; 2] = [Right::Call, Right::Put];

fn market(numbers: &mut Numbers) -> Market {
    Market {
        spot: 100.0,
        rate: numbers.between(0.0, 0.1),
        dividend: numbers.between(0.0, 0.1),
        volatility: numbers.between(0.1, 1.5),
    }
}

fn strike(numbers: &mut Numbers) -> f64 {
    numbers.between(60.0, 150.0)
}

fn time(numbers: &mut Numbers) -> f64 {
    numbers.between(0.02, 2.0)
}

fn digital(it: &mut Numbers) -> Digital {
    let payout = it.choose(&[Payout::Cash, Payout::Asset]);
    Digital { right: it.choose(&RIGHTS), payout, strike: strike(it), time: time(it) }
}

fn barrier(it: &mut Numbers) -> Barrier {
    let crossing = it.choose(&[Crossing::Up, Crossing::Down]);
    let level = if crossing == Crossing::Up { it.between(101.0, 180.0) } else { it.between(50.0, 99.0) };
    Barrier {
        right: it.choose(&RIGHTS),
        crossing,
        knock: it.choose(&[Knock::In, Knock::Out]),
        strike: strike(it),
        level,
        rebate: it.choose(&[0.0, 3.0]),
        time: time(it),
    }
}

fn lookback(it: &mut Numbers) -> Lookback {
    let strike = if it.next() & 1 == 0 { Strike::Floating } else { Strike::Fixed(strike(it)) };
    Lookback { right: it.choose(&RIGHTS), strike, extreme: 100.0, time: time(it) }
}

fn geometric(it: &mut Numbers) -> Asian {
    let average = it.choose(&[Average::GeometricContinuous, Average::Geometric { fixings: 12 }]);
    Asian { right: it.choose(&RIGHTS), average, strike: strike(it), time: time(it) }
}

fn arithmetic(it: &mut Numbers) -> Asian {
    let average = Average::Arithmetic { fixings: 4 };
    Asian { right: it.choose(&RIGHTS), average, strike: strike(it), time: time(it) }
}

fn american(it: &mut Numbers) -> American {
    American { right: it.choose(&RIGHTS), strike: strike(it), time: time(it) }
}

/// Of the prices, by a variant, of what a seed brings forth.
fn hash_of<F: Formula>(variant: Variant, make: impl Fn(&mut Numbers) -> F, seed: u64, rows: u32) -> u64 {
    let mut numbers = Numbers(seed);
    (0..rows).fold(0, |hash, _| {
        let (terms, market) = (make(&mut numbers), market(&mut numbers));
        mix(hash, contract_price_by(variant, &terms, &market).unwrap())
    })
}

fn hold<F: Formula>(make: impl Fn(&mut Numbers) -> F, seed: u64, rows: u32, want: u64) {
    for variant in Variant::all() {
        assert_eq!(hash_of(variant, &make, seed, rows), want, "{} over {rows}", variant.name());
    }
}

/// As `hold`, where the hash of so many is not written down: that of fewer is.
fn agree<F: Formula>(make: impl Fn(&mut Numbers) -> F, seed: u64, rows: u32) {
    hold(&make, seed, rows, hash_of(Variant::BASELINE, &make, seed, rows));
}

/// Prices with Greeks.
fn values<F: Formula>(make: impl Fn(&mut Numbers) -> F, rows: u32) -> u64 {
    let mut numbers = Numbers(1);
    (0..rows).fold(0, |hash, _| {
        let (terms, market) = (make(&mut numbers), market(&mut numbers));
        let value = contract_value(&terms, &market).unwrap();
        let it = value.greeks;
        mix_all(hash, &[value.price, it.delta, it.gamma, it.vega, it.theta, it.rho, it.vanna, it.volga])
    })
}

#[test]
fn every_variant_gives_the_bits_that_are_written_here() {
    hold(digital, 1, 10_000, 17_360_402_126_052_222_514);
    hold(barrier, 1, 10_000, 6_291_164_865_848_549_933);
    hold(lookback, 1, 10_000, 13_976_193_477_642_333_842);
    hold(geometric, 1, 10_000, 8_880_372_248_779_276_161);
    hold(arithmetic, 1, 200, 14_340_764_164_919_336_791);
    hold(american, 1, 2_000, 11_076_104_562_568_887_150);
}

#[test]
fn greeks_have_the_bits_that_are_written_here() {
    let have = [
        values(digital, 2_000),
        values(barrier, 2_000),
        values(lookback, 2_000),
        values(geometric, 2_000),
        values(arithmetic, 50),
        values(american, 200),
    ];
    assert_eq!(
        have,
        [
            9_051_170_598_643_309_579,
            3_589_348_490_835_426_000,
            6_807_412_714_522_179_516,
            3_265_304_876_953_753_627,
            4_134_634_863_619_823_784,
            15_531_942_516_597_749_476
        ]
    );
}

#[test]
fn ten_million_digitals_have_one_hash_slow() {
    hold(digital, 2, ROWS, 14_949_177_253_408_881_648);
}

#[test]
fn ten_million_barriers_have_one_hash_slow() {
    hold(barrier, 2, ROWS, 1_734_700_500_187_315_460);
}

#[test]
fn ten_million_lookbacks_have_one_hash_slow() {
    agree(lookback, 2, ROWS);
}

#[test]
fn ten_million_geometric_asians_have_one_hash_slow() {
    hold(geometric, 2, ROWS, 10_564_166_683_018_964_955);
}

// A contract without a closed formula takes its time, so of these there are fewer.

#[test]
fn a_million_americans_have_one_hash_slow() {
    agree(american, 2, ROWS / 10);
}

#[test]
fn twenty_thousand_arithmetic_asians_have_one_hash_slow() {
    agree(arithmetic, 2, ROWS / 500);
}
