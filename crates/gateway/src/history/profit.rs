//! What each fill and each delivery realised.
//!
//! The exchange settles profits for good when positions close (exchange.md); its events say what traded, and
//! this keeps the cost of every position beside it, so that a fill can be shown with its profit.
//!
//! Invariant: over the life of a position that ended flat, the profits shown add up to what came in less
//! what was paid, fees apart.

use num::{Cash, Fix};

/// A position's size and cost as fills made it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Signed, raw units of the underlying.
    size: i128,
    /// Signed sum of price times size, in micros.
    paid: i128,
    /// Realised since the account was opened.
    pub realised: Cash,
    /// Funding that came in, less what was paid, since then.
    pub funded: Cash,
}

impl Cost {
    /// Adds a fill of signed `size` at `price`; the profit that it realised.
    pub fn fill(&mut self, size: Fix, price: Cash) -> Cash {
        let worth = i128::from(size.raw()) * i128::from(price.micros()) / i128::from(Fix::SCALE);
        self.add(i128::from(size.raw()), worth)
    }

    /// Adds a position of signed `size` that was taken over for `paid`, negative when money came in; the profit that it
    /// realised.
    pub fn take(&mut self, size: Fix, paid: Cash) -> Cash {
        self.add(i128::from(size.raw()), i128::from(paid.micros()))
    }

    fn add(&mut self, size: i128, worth: i128) -> Cash {
        let closes = if self.size.signum() * size.signum() < 0 { self.size.abs().min(size.abs()) } else { 0 };
        let (mut realised, mut opened) = (0, worth);
        if closes > 0 {
            let part = self.paid * closes / self.size.abs();
            let closing = worth * closes / size.abs();
            realised = -closing - part;
            self.paid -= part;
            opened -= closing;
        }
        self.size += size;
        self.paid += opened;
        let realised = Cash::from_i128(realised).unwrap_or(Cash::ZERO);
        self.realised = self.realised.checked_add(realised).unwrap_or(self.realised);
        realised
    }

    /// The signed position.
    pub fn size(&self) -> Fix {
        Fix::from_raw(i64::try_from(self.size).unwrap_or(i64::MAX))
    }

    /// The position, or a part of it, was delivered at `price`; the profit that this realised. Of a position whose fills
    /// were not seen nothing is known.
    pub fn deliver(&mut self, part: Fix, price: Cash) -> Cash {
        let known = self.size.clamp(i128::from(part.raw()).min(0), i128::from(part.raw()).max(0));
        let size = i64::try_from(-known).unwrap_or(0);
        self.fill(Fix::from_raw(size), price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_realises_the_difference_and_turning_opens_anew() {
        let mut cost = Cost::default();
        let lots = |count: i64| Fix::from_raw(count * Fix::SCALE);
        assert_eq!(cost.fill(lots(2), Cash::from_micros(100)), Cash::ZERO);
        assert_eq!(cost.fill(lots(-1), Cash::from_micros(130)), Cash::from_micros(30));
        assert_eq!(cost.fill(lots(-3), Cash::from_micros(90)), Cash::from_micros(-10));
        assert_eq!(cost.deliver(lots(3), Cash::from_micros(80)), Cash::ZERO, "it was never long");
        assert_eq!(cost.deliver(lots(-2), Cash::from_micros(80)), Cash::from_micros(20));
        assert_eq!(cost, Cost { size: 0, paid: 0, realised: Cash::from_micros(40), funded: Cash::ZERO });
    }

    #[test]
    fn a_position_that_is_taken_over_costs_what_was_paid_for_it() {
        let mut cost = Cost::default();
        let lots = |count: i64| Fix::from_raw(count * Fix::SCALE);
        assert_eq!(cost.take(lots(3), Cash::from_micros(100)), Cash::ZERO);
        assert_eq!(cost.take(lots(-4), Cash::from_micros(-160)), Cash::from_micros(20));
        assert_eq!((cost.size(), cost.paid), (lots(-1), -40));
        assert_eq!(cost.fill(lots(1), Cash::from_micros(30)), Cash::from_micros(10));
        assert_eq!(cost, Cost { size: 0, paid: 0, realised: Cash::from_micros(30), funded: Cash::ZERO });
    }
}
