//! What a trade costs.
//!
//! Options: a part of the index for each unit, at most a part of the premium (Deribit's rule for linear
//! options). Futures and perpetuals: a part of the notional. Rounded up.
//!
//! Invariant: a fee is never negative and never more than `fee_per_unit_max` counted before the trade.

use num::{Cash, Lots, Position, Rounding, Ticks, div_scale};

use crate::{genesis::Fees, instrument::Instrument};

/// Who was there first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Maker,
    Taker,
}

/// The fee of one side of a fill.
pub(crate) fn fee(
    fees: &Fees,
    it: &Instrument,
    index: Cash,
    (price, lots): (Ticks, Lots),
    role: Role,
) -> Cash {
    let notional = it.market.notional(price, lots, Rounding::Ceil).unwrap_or(Cash::MAX);
    if !it.is_option() {
        let rate = match role {
            Role::Maker => fees.future_maker_billionths,
            Role::Taker => fees.future_taker_billionths,
        };
        return part(notional, rate);
    }
    let position = Position::new(i64::try_from(lots.get()).unwrap_or(i64::MAX));
    let on_index = it.market.value(index, position, Rounding::Ceil).unwrap_or(Cash::MAX);
    option_fee(fees, on_index, notional)
}

/// The largest fee that a fill at `price` or better costs for one whole unit.
pub(crate) fn fee_per_unit_max(fees: &Fees, it: &Instrument, index: Cash, price: Cash) -> Cash {
    let fee = if it.is_option() {
        option_fee(fees, index, price)
    } else {
        part(price, fees.future_maker_billionths.max(fees.future_taker_billionths))
    };
    // Rounding each fill up can add a micro to each lot.
    fee.checked_add(Cash::from_micros(1)).unwrap_or(Cash::MAX)
}

/// The part of the index or the part of the premium, whichever is less; rounded up once, for the lesser of two amounts
/// is still the lesser when both are rounded.
fn option_fee(fees: &Fees, index: Cash, premium: Cash) -> Cash {
    let on_index = product(index, fees.option_billionths);
    rounded_up(on_index.min(product(premium, fees.option_cap_billionths)))
}

fn part(cash: Cash, billionths: i64) -> Cash {
    rounded_up(product(cash, billionths))
}

/// In billionths of micros.
fn product(cash: Cash, billionths: i64) -> i128 {
    i128::from(cash.micros()) * i128::from(billionths)
}

/// Billionths of micros as money that is not below zero; saturates.
fn rounded_up(billionths: i128) -> Cash {
    Cash::from_i128(div_scale(billionths.max(0), Rounding::Ceil)).unwrap_or(Cash::MAX)
}
