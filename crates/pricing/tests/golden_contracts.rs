//! The same bits on every machine, for the functions under all formulas and for the contracts with their Greeks.
//!
//! Invariant: a hash changes only when somebody decides that a function gives other bits.
#![allow(clippy::float_arithmetic, clippy::unwrap_used, reason = "a test of floats")]

use pricing::{
    American, Asian, Average, Barrier, Crossing, Digital, European, Formula, Heston, Knock, Lookback, Market,
    Payout, Right, Strike, contract_value,
};

/// Numbers between zero and one by an additive recurrence, exact in a double.
struct Numbers(u32);

impl Numbers {
    fn between(&mut self, low: f64, high: f64) -> f64 {
        self.0 = self.0.wrapping_add(2_654_435_769);
        low + (high - low) * (f64::from(self.0) / 4_294_967_296.0)
    }
}

fn mix(hash: u64, number: f64) -> u64 {
    (hash ^ number.to_bits()).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(23)
}

fn hash_of(rows: u32, run: impl Fn(f64) -> f64, (low, high): (f64, f64)) -> u64 {
    let mut numbers = Numbers(1);
    (0..rows).fold(0, |hash, _| mix(hash, run(numbers.between(low, high))))
}

fn functions(rows: u32) -> [u64; 6] {
    [
        hash_of(rows, pricing::exp, (-745.0, 709.0)),
        hash_of(rows, pricing::ln, (0.0, 1e6)),
        hash_of(rows, |x| pricing::ln_ratio(x, 1.0), (0.25, 4.0)),
        hash_of(rows, pricing::cdf, (-38.0, 9.0)),
        hash_of(rows, pricing::pdf, (-38.0, 38.0)),
        hash_of(rows / 10, pricing::inverse_cdf, (0.0, 1.0)),
    ]
}

fn contract<F: Formula>(rows: u32, terms: impl Fn(&mut Numbers) -> F) -> u64 {
    let mut numbers = Numbers(1);
    let mut hash = 0;
    for _ in 0..rows {
        let market = Market {
            spot: 100.0,
            rate: numbers.between(0.0, 0.1),
            dividend: numbers.between(0.0, 0.1),
            volatility: numbers.between(0.1, 1.5),
        };
        let it = contract_value(&terms(&mut numbers), &market).unwrap();
        let greeks = it.greeks;
        for number in
            [it.price, greeks.delta, greeks.gamma, greeks.vega, greeks.theta, greeks.rho, greeks.volga]
        {
            hash = mix(hash, number);
        }
    }
    hash
}

fn contracts(rows: u32) -> [u64; 6] {
    let strike = |numbers: &mut Numbers| numbers.between(60.0, 150.0);
    let time = |numbers: &mut Numbers| numbers.between(0.02, 2.0);
    let right = Right::Put;
    [
        contract(rows, |n| Digital { right, payout: Payout::Cash, strike: strike(n), time: time(n) }),
        contract(rows, |n| Barrier {
            right,
            crossing: Crossing::Down,
            knock: Knock::Out,
            strike: strike(n),
            level: 80.0,
            rebate: 3.0,
            time: time(n),
        }),
        contract(rows, |n| Lookback {
            right,
            strike: Strike::Fixed(strike(n)),
            extreme: 100.0,
            time: time(n),
        }),
        contract(rows, |n| Asian {
            right,
            average: Average::GeometricContinuous,
            strike: strike(n),
            time: time(n),
        }),
        contract(rows / 20, |n| Asian {
            right,
            average: Average::Arithmetic { fixings: 12 },
            strike: strike(n),
            time: time(n),
        }),
        contract(rows / 20, |n| American { right, strike: strike(n), time: time(n) }),
    ]
}

fn heston(rows: u32) -> u64 {
    let mut numbers = Numbers(1);
    (0..rows).fold(0, |hash, _| {
        let model = Heston {
            variance: numbers.between(0.02, 0.8),
            speed: numbers.between(0.3, 4.0),
            mean: numbers.between(0.02, 0.8),
            nu: numbers.between(0.1, 1.2),
            rho: numbers.between(-0.9, 0.5),
        };
        let terms = European {
            right: Right::Call,
            strike: numbers.between(70.0, 140.0),
            time: numbers.between(0.02, 2.0),
        };
        let it = pricing::heston(&terms, (100.0, 0.03, 0.01), &model).unwrap();
        mix(mix(hash, it.price), it.gamma)
    })
}

#[test]
fn functions_give_the_bits_that_are_written_here() {
    assert_eq!(
        functions(100_000),
        [
            8_435_448_922_084_794_507,
            4_107_083_621_551_407_670,
            6_709_311_649_213_600_245,
            8_468_244_714_674_935_031,
            16_126_117_107_875_712_490,
            558_907_452_206_224_683
        ]
    );
}

#[test]
fn functions_have_one_hash_over_ten_million_rows_slow() {
    assert_eq!(
        functions(10_000_000),
        [
            1_103_077_402_814_023_931,
            9_987_601_756_962_819_735,
            8_893_708_993_909_118_438,
            7_649_869_552_283_148_946,
            13_485_352_942_654_628_033,
            7_989_620_451_118_019_562
        ]
    );
}

#[test]
fn contracts_give_the_bits_that_are_written_here() {
    assert_eq!(
        contracts(2_000),
        [
            4_922_969_407_503_534_511,
            4_069_923_427_046_153_680,
            18_110_490_030_959_418_170,
            9_743_529_545_386_094_422,
            5_950_918_517_482_171_344,
            17_799_831_737_935_917_430
        ]
    );
    assert_eq!(heston(200), 12_483_722_935_087_178_820);
}
