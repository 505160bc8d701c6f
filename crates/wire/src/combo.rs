//! Combinations of instruments that trade in a book of their own.
//!
//! Invariant: a ratio is in whole units of the underlying for one unit of the combo, so that it means the same
//! whatever the lots of its markets are.
//! Left out on purpose: which combinations there may be; the exchange decides.

use num::{Cash, Lots, Side, Ticks};

use crate::{AccountId, InstrumentId, OrderId};

record! {
    /// One leg: so many units of an instrument for each unit of the combo, sold where negative.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub struct ComboLeg {
        pub instrument: InstrumentId,
        pub ratio: i64,
    }
}

tagged! {
    /// Whom a combo order traded with.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ComboMaker {
        /// An order of the combo's own book.
        0 => Order { account: AccountId, order: OrderId },
        /// Orders of its legs' books, each at its own price.
        1 => Legs,
    }
}

record! {
    /// A trade of whole combos. The trades of its legs follow it, with fees and both sides of each.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ComboTrade {
        pub instrument: InstrumentId,
        /// Net for one unit, in ticks of the combo; of a trade with the legs' books, rounded against the taker.
        pub price: Ticks,
        pub lots: Lots,
        pub taker_side: Side,
        pub taker: AccountId,
        pub taker_order: OrderId,
        /// Fees of all legs.
        pub taker_fee: Cash,
        pub maker: ComboMaker,
    }
}
