//! Prices and quantities as integers local to one market.
//!
//! Invariant: a `Lots` is an amount (never signed by side), a `Position` is signed; a `Ticks` means
//! nothing without its market. Turning them into money is `Market::notional` alone.

use crate::checked::checked_sums;

/// A price as a number of the market's tick. Zero and below are representable and rejected by `exchange`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticks(i64);

impl Ticks {
    pub const fn new(ticks: i64) -> Self {
        Self(ticks)
    }

    pub const fn get(self) -> i64 {
        self.0
    }
}

/// An unsigned quantity as a number of the market's lot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lots(u64);

checked_sums!(Lots);

impl Lots {
    pub const ZERO: Self = Self(0);

    pub const fn new(lots: u64) -> Self {
        Self(lots)
    }

    pub const fn get(self) -> u64 {
        self.0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

/// Which side of the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    Buy,
    Sell,
}

impl Side {
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// +1 for a buy, -1 for a sell: the sign that a fill adds to a position.
    pub const fn sign(self) -> i64 {
        match self {
            Self::Buy => 1,
            Self::Sell => -1,
        }
    }
}

/// A signed quantity of lots: long above zero, short below.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(i64);

impl Position {
    pub const FLAT: Self = Self(0);

    pub const fn new(lots: i64) -> Self {
        Self(lots)
    }

    pub const fn get(self) -> i64 {
        self.0
    }

    pub const fn is_flat(self) -> bool {
        self.0 == 0
    }

    pub const fn size(self) -> Lots {
        Lots::new(self.0.unsigned_abs())
    }

    /// The side that made this position; `None` when flat.
    pub const fn side(self) -> Option<Side> {
        match self.0 {
            0 => None,
            1.. => Some(Side::Buy),
            _ => Some(Side::Sell),
        }
    }

    /// The position after a fill; `None` on overflow.
    #[must_use]
    pub fn after_fill(self, side: Side, lots: Lots) -> Option<Self> {
        let lots = i64::try_from(lots.get()).ok()?;
        self.0.checked_add(side.sign() * lots).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fill_and_its_opposite_leave_the_position_as_it_was() {
        for start in -5..=5 {
            for lots in 0..=7 {
                let fill = Lots::new(lots);
                let there = Position::new(start).after_fill(Side::Buy, fill).unwrap();
                assert_eq!(there.after_fill(Side::Sell, fill), Some(Position::new(start)));
            }
        }
    }

    #[test]
    fn fills_that_do_not_fit_are_none() {
        let full = Position::new(i64::MAX);
        assert_eq!(full.after_fill(Side::Buy, Lots::new(1)), None);
        assert_eq!(Position::FLAT.after_fill(Side::Buy, Lots::new(u64::MAX)), None);
        assert_eq!(Position::new(i64::MIN).size(), Lots::new(1 << 63));
    }

    #[test]
    fn the_side_of_a_position_is_the_side_that_opened_it() {
        assert_eq!(Position::new(3).side(), Some(Side::Buy));
        assert_eq!(Position::new(-3).side(), Some(Side::Sell));
        assert_eq!(Position::FLAT.side(), None);
    }
}
