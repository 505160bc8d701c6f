//! A portfolio of exposures, and what it could lose.
//!
//! Invariant: every sum is of integers; what cannot be counted is `None`, never a smaller number.

use pricing::Exposure;

use super::super::{Grid, worst};

/// Trillionths: of a USDC, or of a unit.
pub type Trillionths = i128;

const ONE: Trillionths = 1_000_000_000_000;
/// Of spot, for each unit net short at one strike and time to expiry: 1 %.
const SHORT_OPTION_PART: (i128, i128) = (1, 100);
/// Of spot, for each unit of a future or perpetual: 0.6 %.
const FUTURE_PART: (i128, i128) = (6, 1_000);

/// So many units of something.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PortfolioPosition {
    pub exposure: Exposure,
    pub quantity: Trillionths,
}

/// Positions on one underlying.
#[derive(Clone, Debug, PartialEq)]
pub struct Portfolio {
    pub spot: Trillionths,
    pub positions: Vec<PortfolioPosition>,
}

/// What a portfolio gains in each scenario of a grid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Losses {
    pub profits: Vec<Trillionths>,
    /// The scenario that gains least, the first of several.
    pub worst: usize,
    /// What that one loses; zero when it loses nothing.
    pub worst_loss: Trillionths,
}

impl Portfolio {
    /// What the portfolio gains and loses on a grid.
    pub fn losses(&self, grid: &Grid) -> Option<Losses> {
        let mut sums = vec![0i128; grid.len()];
        for position in &self.positions {
            for (sum, gain) in sums.iter_mut().zip(grid.gains(&position.exposure)) {
                *sum = sum.checked_add(gain.picos()?.checked_mul(position.quantity)?)?;
            }
        }
        let profits = sums.into_iter().map(whole).collect::<Option<Vec<_>>>()?;
        let (worst, least) = worst(profits.iter().copied()).unwrap_or_default();
        Some(Losses { worst, worst_loss: least.min(0).checked_neg()?, profits })
    }

    /// What the options are worth.
    pub fn value(&self) -> Option<Trillionths> {
        let mut sum: i128 = 0;
        for position in &self.positions {
            let value = position.exposure.value().picos()?;
            sum = sum.checked_add(value.checked_mul(position.quantity)?)?;
        }
        whole(sum)
    }

    /// A part of spot for each unit net short at a strike and time to expiry, calls and puts together.
    pub fn short_option_contingency(&self) -> Option<Trillionths> {
        let mut nets: Vec<(u64, u64, Trillionths)> = Vec::new();
        for position in &self.positions {
            let Exposure::Option(it) = &position.exposure else { continue };
            let (time, strike) = (it.time.to_bits(), it.strike.to_bits());
            match nets.iter_mut().find(|net| (net.0, net.1) == (time, strike)) {
                Some(net) => net.2 = net.2.checked_add(position.quantity)?,
                None => nets.push((time, strike, position.quantity)),
            }
        }
        let short = nets.iter().try_fold(0i128, |sum, net| sum.checked_sub(net.2.min(0)))?;
        self.part_of_spot(short, SHORT_OPTION_PART)
    }

    /// A part of spot for each unit of a future or perpetual, long or short.
    pub fn futures_contingency(&self) -> Option<Trillionths> {
        let linear = self.positions.iter().filter(|it| matches!(it.exposure, Exposure::Linear { .. }));
        let held =
            linear.map(|it| it.quantity).try_fold(0i128, |sum, it| sum.checked_add(it.checked_abs()?))?;
        self.part_of_spot(held, FUTURE_PART)
    }

    fn part_of_spot(&self, units: Trillionths, (part, of): (i128, i128)) -> Option<Trillionths> {
        num::div_half_even(whole(self.spot.checked_mul(units)?)?.checked_mul(part)?, of)
    }
}

/// Trillionths of trillionths to trillionths, half to even.
fn whole(product: i128) -> Option<Trillionths> {
    num::div_half_even(product, ONE)
}
