//! Gauss-Legendre quadrature: points and weights on [-1, 1], exact for polynomials of twice the order.
//!
//! Source: M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions" (1964), 25.4.29; the numbers were made with
//! 40 digits.
//!
//! Invariant: the rules are symmetric, so half of each is written.

/// The positive points of the rule of order 8 and their weights.
pub(crate) const LEGENDRE_8: [(f64, f64); 4] = [
    (0.960_289_856_497_536_3, 0.101_228_536_290_376_26),
    (0.796_666_477_413_626_7, 0.222_381_034_453_374_48),
    (0.525_532_409_916_329, 0.313_706_645_877_887_27),
    (0.183_434_642_495_649_8, 0.362_683_783_378_362),
];

/// The positive points of the rule of order 32 and their weights.
pub(crate) const LEGENDRE_32: [(f64, f64); 16] = [
    (0.997_263_861_849_481_6, 0.007_018_610_009_470_096),
    (0.985_611_511_545_268_4, 0.016_274_394_730_905_67),
    (0.964_762_255_587_506_4, 0.025_392_065_309_262_06),
    (0.934_906_075_937_739_7, 0.034_273_862_913_021_43),
    (0.896_321_155_766_052_1, 0.042_835_898_022_226_68),
    (0.849_367_613_732_57, 0.050_998_059_262_376_175),
    (0.794_483_795_967_942_4, 0.058_684_093_478_535_544),
    (0.732_182_118_740_289_7, 0.065_822_222_776_361_85),
    (0.663_044_266_930_215_2, 0.072_345_794_108_848_5),
    (0.587_715_757_240_762_3, 0.078_193_895_787_070_31),
    (0.506_899_908_932_229_4, 0.083_311_924_226_946_75),
    (0.421_351_276_130_635_33, 0.087_652_093_004_403_81),
    (0.331_868_602_282_127_67, 0.091_173_878_695_763_89),
    (0.239_287_362_252_137_06, 0.093_844_399_080_804_57),
    (0.144_471_961_582_796_5, 0.095_638_720_079_274_86),
    (0.048_307_665_687_738_32, 0.096_540_088_514_727_8),
];

/// All points of a rule in `[low, high]`, with the weights of that interval.
pub(crate) fn points(half: &[(f64, f64)], low: f64, high: f64) -> impl Iterator<Item = (f64, f64)> + '_ {
    let (middle, reach) = (0.5 * (low + high), 0.5 * (high - low));
    half.iter().flat_map(move |(point, weight)| {
        [(middle - reach * point, reach * weight), (middle + reach * point, reach * weight)]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_up_to_twice_the_order_are_exact() {
        for rule in [&LEGENDRE_8[..], &LEGENDRE_32[..]] {
            for power in 0..16 {
                let have: f64 = points(rule, 1.0, 2.0).map(|(x, weight)| weight * x.powi(power)).sum();
                let want = (2.0_f64.powi(power + 1) - 1.0) / f64::from(power + 1);
                assert!((have / want - 1.0).abs() < 2e-14, "{power}: {have} {want}");
            }
        }
    }
}
