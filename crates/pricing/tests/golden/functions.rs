//! The functions under all formulas.

use pricing::{Function, Variant};

use crate::numbers::{Numbers, ROWS, mix_all};

const CHUNK: u32 = 10_000;

/// Where a function is tried.
fn range(function: Function) -> (f64, f64) {
    match function {
        Function::Exp => (-746.0, 710.0),
        Function::Ln => (0.0, 1e6),
        Function::LnRatio => (0.25, 4.0),
        Function::Pdf => (-38.0, 38.0),
        Function::Cdf => (-38.0, 9.0),
        Function::InverseCdf => (0.0, 1.0),
    }
}

fn hash_of(function: Function, variant: Variant, rows: u32) -> u64 {
    let (low, high) = range(function);
    let (mut numbers, mut hash, mut out) = (Numbers(3), 0, Vec::new());
    for _ in 0..rows / CHUNK {
        let chunk: Vec<f64> = (0..CHUNK).map(|_| numbers.between(low, high)).collect();
        function.map(variant, &chunk, &mut out);
        hash = mix_all(hash, &out);
    }
    hash
}

fn hold(rows: u32, want: [u64; 6]) {
    for variant in Variant::all() {
        let have = Function::ALL.map(|function| hash_of(function, variant, rows));
        assert_eq!(have, want, "{} over {rows} of {:?}", variant.name(), Function::ALL);
    }
}

#[test]
fn every_variant_gives_the_bits_that_are_written_here() {
    hold(
        100_000,
        [
            15_576_090_631_624_089_127,
            17_169_312_421_656_355_555,
            16_050_978_439_820_218_542,
            14_856_316_586_642_497_467,
            6_956_949_263_573_662_509,
            16_607_133_196_833_267_526,
        ],
    );
}

#[test]
fn ten_million_numbers_have_one_hash_slow() {
    hold(ROWS, Function::ALL.map(|function| hash_of(function, Variant::BASELINE, ROWS)));
}

#[test]
fn a_number_among_many_has_the_bits_of_a_number_alone() {
    let numbers = [-3.5, -0.0, 0.25, 0.999_999, 1.0, 7.5, f64::INFINITY, f64::NAN, -746.0, 1e300];
    let alone = [
        pricing::exp,
        pricing::ln,
        |x| pricing::ln_ratio(x, 1.0),
        pricing::pdf,
        pricing::cdf,
        pricing::inverse_cdf,
    ];
    for variant in Variant::all() {
        for (function, alone) in Function::ALL.into_iter().zip(alone) {
            let mut out = Vec::new();
            function.map(variant, &numbers, &mut out);
            for (have, x) in out.iter().zip(numbers) {
                let want: f64 = alone(x);
                assert!(
                    have.to_bits() == want.to_bits() || (have.is_nan() && want.is_nan()),
                    "{function:?}({x})"
                );
            }
        }
    }
}
