//! Combos: two to four instruments of one underlying that trade together, in a book of their own.
//!
//! A combo is an instrument without positions: what trades in its book are its legs, all at once. Its price is net,
//! for one unit, and may be zero or below. Its lot is the least amount that is whole lots of every leg, its tick the
//! least price that is whole ticks of every leg.
//!
//! Invariant: the same legs, in any order and any multiple, are one combo, opposite ones too: ratios have no common
//! factor, legs stand in the order of their contracts, and the first is bought. One leg has a ratio of one, so that
//! any price of the combo is a sum of prices of its legs.
//! Left out on purpose: orders of legs do not look at books of combos (0032).

mod implied;
mod listing;
mod matching;

pub use implied::Implied;

use core::fmt::Write as _;

use crypto::Digest;
use num::{Cash, Fix, Lots, Market, Side, Timestamp};
use wire::{ComboLeg, InstrumentId, limits::NAME_BYTES_MAX};

use crate::{
    calendar::format_expiry,
    instrument::{Greeks, Instrument, StandardMargin, Valuation},
    name::{self, Contract, Right},
};

/// The largest ratio of a leg.
pub(crate) const RATIO_MAX: u64 = 10;

/// One leg of a combo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    pub instrument: InstrumentId,
    /// Units for one bought unit of the combo, sold where negative; never zero.
    pub ratio: i64,
    pub contract: Contract,
    /// Lots of the leg in one lot of the combo.
    pub lots_each: u64,
}

/// What a combo is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Combo {
    pub legs: Vec<Leg>,
    /// When it was listed, or last had an order that ended.
    pub used_at: Timestamp,
    /// The largest fees that one unit can cost at the present marks.
    pub(crate) fee: Cash,
}

impl Leg {
    /// What an order of the combo does with the leg.
    pub fn side_of(&self, side: Side) -> Side {
        if self.ratio > 0 { side } else { side.opposite() }
    }

    /// Lots of the leg in so many of the combo; `None` on overflow.
    pub fn lots_of(&self, lots: Lots) -> Option<Lots> {
        lots.get().checked_mul(self.lots_each).map(Lots::new)
    }
}

impl Combo {
    /// The legs as they would be asked for.
    pub fn asked(&self) -> Vec<ComboLeg> {
        self.legs.iter().map(|leg| ComboLeg { instrument: leg.instrument, ratio: leg.ratio }).collect()
    }

    /// Units of options, and of everything else, in one unit, whichever way.
    pub(crate) fn gross_ratios(&self) -> (i128, i128) {
        let sum = |of_options: bool| {
            let legs = self.legs.iter();
            let legs = legs.filter(|leg| matches!(leg.contract, Contract::Option { .. }) == of_options);
            legs.map(|leg| i128::from(leg.ratio.unsigned_abs())).sum()
        };
        (sum(true), sum(false))
    }
}

/// Ratios without a common factor, the first of them positive, and the side that buys the legs as they were.
pub(crate) fn normalised(legs: &[(&Instrument, i64)]) -> (Vec<(InstrumentId, i64)>, Side) {
    let factor = legs.iter().fold(0, |factor, (_, ratio)| greatest_factor(factor, ratio.unsigned_abs()));
    let factor = i64::try_from(factor).unwrap_or(i64::MAX).max(1);
    let mut sorted = legs.to_vec();
    sorted.sort_by_key(|(it, _)| it.contract);
    let side = if sorted.first().is_some_and(|(_, ratio)| *ratio < 0) { Side::Sell } else { Side::Buy };
    let ratio = |ratio: i64| (ratio / factor).saturating_mul(side.sign());
    (sorted.into_iter().map(|(it, of)| (it.id, ratio(of))).collect(), side)
}

fn greatest_factor(left: u64, right: u64) -> u64 {
    if right == 0 { left } else { greatest_factor(right, left % right) }
}

/// The least that is a whole number of each; `None` on overflow, or of nothing.
fn least_multiple(sizes: impl Iterator<Item = i64>) -> Option<i64> {
    let mut least = 1;
    for size in sizes {
        let size = u64::try_from(size).ok().filter(|size| *size > 0)?;
        least = (least / greatest_factor(least, size)).checked_mul(size)?;
    }
    i64::try_from(least).ok()
}

/// Tick and lot of a combo, and the lots of each leg in one of its own.
fn units(legs: &[(&Instrument, i64)]) -> Option<(Market, Vec<u64>)> {
    let lot = least_multiple(legs.iter().map(|(it, _)| it.market.lot_size().raw()))?;
    let tick = least_multiple(legs.iter().map(|(it, _)| it.market.tick_size().micros()))?;
    let each = |(it, ratio): &(&Instrument, i64)| {
        let lots = lot / it.market.lot_size().raw();
        u64::try_from(lots).ok()?.checked_mul(ratio.unsigned_abs())
    };
    let each = legs.iter().map(each).collect::<Option<Vec<u64>>>()?;
    Some((Market::new(Cash::from_micros(tick), Fix::from_raw(lot)).ok()?, each))
}

/// The name of normalised legs, as Deribit has it where it has one; else after the digest of their names.
fn name(symbol: &str, legs: &[(&Instrument, i64)]) -> String {
    use Right::{Call, Put};
    let strikes = |low: Cash, high: Cash| {
        if low == high {
            name::format_strike(low)
        } else {
            format!("{}_{}", name::format_strike(low), name::format_strike(high))
        }
    };
    let contracts: Vec<(Contract, i64)> = legs.iter().map(|(it, ratio)| (it.contract, *ratio)).collect();
    let known = match contracts[..] {
        [(Contract::Future { expiry }, 1), (Contract::Perpetual, -1)] => {
            Some(format!("FS-{}_PERP", format_expiry(expiry)))
        }
        [(Contract::Future { expiry: near }, 1), (Contract::Future { expiry: far }, -1)] => {
            Some(format!("FS-{}_{}", format_expiry(near), format_expiry(far)))
        }
        [
            (Contract::Option { expiry, strike: low, right: of_low }, 1),
            (Contract::Option { expiry: same, strike: high, right: of_high }, ratio @ (1 | -1)),
        ] if same == expiry => {
            let kind = match (of_low, of_high, ratio, low == high) {
                (Call, Call, -1, _) => Some("CS"),
                (Put, Put, -1, _) => Some("PS"),
                (Call, Put, -1, true) => Some("REV"),
                (Call, Put, 1, true) => Some("STRD"),
                (Put, Call, 1, false) => Some("STRG"),
                (Put, Call, -1, false) => Some("RR"),
                _ => None,
            };
            kind.map(|kind| format!("{kind}-{}-{}", format_expiry(expiry), strikes(low, high)))
        }
        _ => None,
    };
    let known = known.map(|rest| format!("{symbol}_USDC-{rest}"));
    known.filter(|name| name.len() <= NAME_BYTES_MAX).unwrap_or_else(|| custom_name(symbol, legs))
}

fn custom_name(symbol: &str, legs: &[(&Instrument, i64)]) -> String {
    let text: String = legs.iter().map(|(it, ratio)| format!("{ratio} {}\n", it.name)).collect();
    let digest = Digest::of("clockless combo 2026", text.as_bytes());
    let mut name = format!("{symbol}_USDC-CUSTOM-");
    for byte in digest.0.iter().take(12) {
        write!(name, "{byte:02X}").expect("invariant: a string takes what is written");
    }
    name
}

/// What a combo is worth: the sum of its legs. `None` while a leg is worth nothing that is known.
fn value<'a>(combo: &Combo, of: impl Fn(InstrumentId) -> &'a Instrument) -> Option<Valuation> {
    let mut sum: Option<Valuation> = None;
    for leg in &combo.legs {
        let more = times(of(leg.instrument).valuation.as_ref()?, leg.ratio)?;
        sum = Some(match sum {
            None => more,
            Some(sum) => plus(&sum, &more)?,
        });
    }
    sum
}

fn times(it: &Valuation, ratio: i64) -> Option<Valuation> {
    let fix = |it: Fix| it.raw().checked_mul(ratio).map(Fix::from_raw);
    let size = i64::try_from(ratio.unsigned_abs()).ok()?;
    let StandardMargin { long, short } = it.standard;
    let (long, short) = if ratio > 0 { (long, short) } else { (short, long) };
    let Greeks { delta, gamma, vega, theta, rho } = it.greeks;
    Some(Valuation {
        mark: Cash::from_micros(it.mark.micros().checked_mul(ratio)?),
        forward: it.forward,
        volatility: None,
        greeks: Greeks {
            delta: fix(delta)?,
            gamma: fix(gamma)?,
            vega: fix(vega)?,
            theta: fix(theta)?,
            rho: fix(rho)?,
        },
        standard: StandardMargin { long: long.checked_mul(size)?, short: short.checked_mul(size)? },
        scenarios: it.scenarios.iter().map(|profit| profit.checked_mul(ratio)).collect::<Option<_>>()?,
    })
}

fn plus(sum: &Valuation, more: &Valuation) -> Option<Valuation> {
    let (left, right) = (sum.greeks, more.greeks);
    let scenarios = sum.scenarios.iter().zip(more.scenarios.iter());
    Some(Valuation {
        mark: sum.mark.checked_add(more.mark)?,
        forward: sum.forward,
        volatility: None,
        greeks: Greeks {
            delta: left.delta.checked_add(right.delta)?,
            gamma: left.gamma.checked_add(right.gamma)?,
            vega: left.vega.checked_add(right.vega)?,
            theta: left.theta.checked_add(right.theta)?,
            rho: left.rho.checked_add(right.rho)?,
        },
        standard: StandardMargin {
            long: sum.standard.long.checked_add(more.standard.long)?,
            short: sum.standard.short.checked_add(more.standard.short)?,
        },
        scenarios: scenarios.map(|(left, right)| left.checked_add(*right)).collect::<Option<_>>()?,
    })
}
