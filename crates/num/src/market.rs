//! The units of one market: what a tick and a lot are worth.
//!
//! Invariant: a price becomes money in `Market::notional` and nowhere else.

use crate::{Cash, Fix, Lots, Position, Rounding, Ticks, div_round, div_scale};

/// Tick and lot of one market, both positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    tick_size: Cash,
    lot_size: Fix,
}

/// Why two sizes make no market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MarketError {
    #[error("tick size is {have}, must be above zero")]
    TickSize { have: Cash },
    #[error("lot size is {have}, must be above zero")]
    LotSize { have: Fix },
}

impl Market {
    /// `tick_size`: USDC per tick and whole unit of the underlying; `lot_size`: underlying per lot.
    pub fn new(tick_size: Cash, lot_size: Fix) -> Result<Self, MarketError> {
        if !tick_size.is_positive() {
            return Err(MarketError::TickSize { have: tick_size });
        }
        if lot_size <= Fix::ZERO {
            return Err(MarketError::LotSize { have: lot_size });
        }
        Ok(Self { tick_size, lot_size })
    }

    pub const fn tick_size(self) -> Cash {
        self.tick_size
    }

    pub const fn lot_size(self) -> Fix {
        self.lot_size
    }

    /// The price per whole unit of the underlying; `None` on overflow.
    pub fn price(self, ticks: Ticks) -> Option<Cash> {
        self.tick_size.micros().checked_mul(ticks.get()).map(Cash::from_micros)
    }

    /// The ticks nearest to a price per whole unit in the given rounding; `None` on overflow.
    pub fn ticks(self, price: Cash, rounding: Rounding) -> Option<Ticks> {
        let ticks = div_round(i128::from(price.micros()), i128::from(self.tick_size.micros()), rounding)?;
        i64::try_from(ticks).ok().map(Ticks::new)
    }

    /// What `lots` cost at `ticks`; `None` on overflow.
    pub fn notional(self, ticks: Ticks, lots: Lots, rounding: Rounding) -> Option<Cash> {
        let lots = i64::try_from(lots.get()).ok()?;
        self.value(self.price(ticks)?, Position::new(lots), rounding)
    }

    /// What a signed position is worth at a price per whole unit; `None` on overflow.
    pub fn value(self, price: Cash, position: Position, rounding: Rounding) -> Option<Cash> {
        let per_lot = i128::from(price.micros()).checked_mul(i128::from(self.lot_size.raw()))?;
        let product = per_lot.checked_mul(i128::from(position.get()))?;
        Cash::from_i128(div_scale(product, rounding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn btc_option() -> Market {
        Market::new(Cash::from_micros(500_000), Fix::from_raw(10_000_000)).unwrap()
    }

    #[test]
    fn notional_is_ticks_times_lots_in_their_units() {
        // 100 ticks of 0.5 USDC on 3 lots of 0.01 BTC: 1.5 USDC.
        let cash = btc_option().notional(Ticks::new(100), Lots::new(3), Rounding::Floor);
        assert_eq!(cash, Some(Cash::from_micros(1_500_000)));
    }

    #[test]
    fn rounding_a_price_to_ticks_brackets_it() {
        let market = btc_option();
        for micros in [-1_300_001, -500_000, 0, 1, 499_999, 500_000, 1_250_000] {
            let price = Cash::from_micros(micros);
            let low = market.price(market.ticks(price, Rounding::Floor).unwrap()).unwrap();
            let high = market.price(market.ticks(price, Rounding::Ceil).unwrap()).unwrap();
            assert!(low <= price && price <= high);
        }
    }

    #[test]
    fn huge_prices_and_quantities_are_none() {
        let market = btc_option();
        assert_eq!(market.price(Ticks::new(i64::MAX)), None);
        assert_eq!(market.notional(Ticks::new(1), Lots::new(u64::MAX), Rounding::Floor), None);
        assert_eq!(market.notional(Ticks::new(1 << 40), Lots::new(1 << 50), Rounding::Floor), None);
    }

    #[test]
    fn sizes_that_are_not_positive_are_refused() {
        assert!(Market::new(Cash::ZERO, Fix::ONE).is_err());
        assert!(Market::new(Cash::from_micros(1), Fix::ZERO).is_err());
    }
}
