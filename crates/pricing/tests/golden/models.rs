//! Models of the smile.

use pricing::{European, Heston, Market, Right, Sabr, Svi, heston};

use crate::numbers::{Numbers, mix, mix_all};

fn hestons(rows: u32) -> u64 {
    let mut numbers = Numbers(5);
    (0..rows).fold(0, |hash, _| {
        let it = &mut numbers;
        let model = Heston {
            variance: it.between(0.02, 0.8),
            speed: it.between(0.3, 4.0),
            mean: it.between(0.02, 0.8),
            nu: it.between(0.1, 1.2),
            rho: it.between(-0.9, 0.5),
        };
        let right = it.choose(&[Right::Call, Right::Put]);
        let terms = European { right, strike: it.between(70.0, 140.0), time: it.between(0.02, 2.0) };
        let market = Market { spot: 100.0, rate: 0.03, dividend: 0.01, volatility: 0.0 };
        let value = heston(&terms, &market, &model).unwrap();
        let it = value.greeks;
        mix_all(hash, &[value.price, it.delta, it.gamma, it.vega, it.theta, it.rho, it.vanna, it.volga])
    })
}

fn smiles(rows: u32) -> [u64; 2] {
    let mut numbers = Numbers(6);
    let (mut of_sabr, mut of_svi) = (0, 0);
    for _ in 0..rows {
        let it = &mut numbers;
        let (beta, rho) = (it.choose(&[0.0, 0.5, 0.7, 1.0]), it.between(-0.9, 0.9));
        let model = Sabr { alpha: it.between(0.05, 1.0), beta, nu: it.between(0.1, 2.0), rho };
        let (strike, time) = (it.between(50.0, 200.0), it.between(0.02, 5.0));
        of_sabr = mix(of_sabr, model.volatility(100.0, strike, time).unwrap());
        let (a, b, sigma) = (it.between(0.0, 0.1), it.between(0.05, 0.8), it.between(0.05, 0.4));
        let model = Svi { a, b, rho, m: it.between(-0.1, 0.4), sigma };
        let (k, time) = (it.between(-1.5, 1.5), it.between(0.02, 1.0));
        let at = model.at(k);
        let answer = [at.total_variance, at.slope, at.curvature, at.durrleman, model.volatility(k, time)];
        of_svi = mix_all(of_svi, &answer);
    }
    [of_sabr, of_svi]
}

#[test]
fn models_give_the_bits_that_are_written_here() {
    assert_eq!(hestons(500), 1_426_626_966_785_506_723);
    assert_eq!(smiles(10_000), [8_171_243_611_882_832_855, 3_204_999_518_739_364_960]);
}
