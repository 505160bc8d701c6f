//! A position in one instrument and what a fill makes of it.
//!
//! Invariant: with `entry` what the position cost, the profits that two sides have realised are exactly the
//! sum of their entries: no sequence of fills makes money. A part that does not divide rounds against the
//! account; the last part takes what is left.
//! Left out on purpose: marks and margin. What a position is worth is not its own to say.

use num::{Cash, Lots, Position, Side, div_ceil};

use crate::instrument::Instrument;

/// A position in one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    pub position: Position,
    /// Signed sum of price times lots over the fills that made the present position, in money; negative for
    /// a short. For futures it is what is still to be paid; for options it was paid when they traded.
    pub entry: Cash,
    /// How far it has paid the funding of its instrument.
    pub funded: i128,
}

saved!(Holding { position, entry, funded });

/// The largest entry of a position, either way: far inside 64 bits, so that an entry and a payoff still add.
const ENTRY_MAX: i64 = 1 << 62;

impl Holding {
    /// Whether the entry is one that is counted.
    pub(crate) fn entry_is_counted(&self) -> bool {
        bounded(self.entry.micros().into()).is_some()
    }

    /// What is still to be paid for the position.
    pub fn cost(&self, instrument: &Instrument) -> Cash {
        if instrument.is_option() { Cash::ZERO } else { self.entry }
    }

    /// The holding after buying or selling `lots` for `paid` (negative when money comes in), and the profit
    /// that closing part of it realises. `None` when the entry would grow beyond what is counted.
    pub(crate) fn after_fill(self, side: Side, lots: Lots, paid: Cash) -> Option<(Self, Cash)> {
        let position = self.position.after_fill(side, lots)?;
        let (entry, paid) = (i128::from(self.entry.micros()), i128::from(paid.micros()));
        if self.position.side().is_none_or(|held| held == side) {
            return Some((Self { position, entry: bounded(entry + paid)?, ..self }, Cash::ZERO));
        }
        let (size, lots) = (i128::from(self.position.size().get()), i128::from(lots.get()));
        let closed = size.min(lots);
        let paid_closing = if closed == lots { paid } else { div_ceil(paid * closed, lots)? };
        let entry_closed = if closed == size { entry } else { div_ceil(entry * closed, size)? };
        let realised = Cash::from_i128(-(entry_closed + paid_closing))?;
        let entry = bounded(entry - entry_closed + paid - paid_closing)?;
        Some((Self { position, entry, ..self }, realised))
    }
}

fn bounded(entry: i128) -> Option<Cash> {
    (entry.abs() <= i128::from(ENTRY_MAX)).then(|| Cash::from_i128(entry))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_two_sides_realise_is_what_their_entries_owe(
            fills in proptest::collection::vec((any::<bool>(), 1..50u64, 1..10_000i64), 1..60),
        ) {
            let (mut left, mut right) = (Holding::default(), Holding::default());
            let mut realised = 0;
            for (buys, lots, price) in fills {
                let side = if buys { Side::Buy } else { Side::Sell };
                let paid = price * i64::try_from(lots).unwrap() * side.sign();
                let (after, profit) = left.after_fill(side, Lots::new(lots), Cash::from_micros(paid)).unwrap();
                left = after;
                realised += profit.micros();
                let (after, profit) =
                    right.after_fill(side.opposite(), Lots::new(lots), Cash::from_micros(-paid)).unwrap();
                right = after;
                realised += profit.micros();
                prop_assert_eq!(realised, left.entry.micros() + right.entry.micros());
                prop_assert!(realised <= 0, "rounding must not make money: {}", realised);
                prop_assert_eq!(left.position.get(), -right.position.get());
                if left.position.is_flat() {
                    prop_assert_eq!(left.entry, Cash::ZERO);
                }
            }
        }
    }

    #[test]
    fn a_round_trip_realises_the_difference() {
        let (open, none) =
            Holding::default().after_fill(Side::Buy, Lots::new(3), Cash::from_micros(300)).unwrap();
        let (flat, profit) = open.after_fill(Side::Sell, Lots::new(3), Cash::from_micros(-330)).unwrap();
        assert_eq!((none, profit, flat), (Cash::ZERO, Cash::from_micros(30), Holding::default()));
    }

    #[test]
    fn a_part_that_does_not_divide_rounds_against_whoever_closes() {
        let short = Holding { position: Position::new(-37), entry: Cash::from_micros(-59), funded: 0 };
        let (rest, profit) = short.after_fill(Side::Buy, Lots::new(1), Cash::from_micros(1)).unwrap();
        assert_eq!((rest.entry.micros(), profit.micros()), (-58, 0));
        let long = Holding { position: Position::new(37), entry: Cash::from_micros(59), funded: 0 };
        let (rest, profit) = long.after_fill(Side::Sell, Lots::new(1), Cash::from_micros(-1)).unwrap();
        assert_eq!((rest.entry.micros(), profit.micros()), (57, -1));
    }

    #[test]
    fn what_cannot_be_counted_is_none() {
        let large = Holding { position: Position::new(1), entry: Cash::from_micros(ENTRY_MAX), funded: 0 };
        assert_eq!(large.after_fill(Side::Buy, Lots::new(1), Cash::from_micros(1)), None);
        let long = Holding { position: Position::new(i64::MAX), entry: Cash::ZERO, funded: 0 };
        assert_eq!(long.after_fill(Side::Buy, Lots::new(1), Cash::ZERO), None);
    }
}
