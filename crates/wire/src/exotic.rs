//! Options beyond the European one, by their terms.
//!
//! Invariant: terms are all there is to an exotic: equal terms on one underlying are one instrument.
//! Left out on purpose: which terms there may be; the exchange decides.

use num::{Cash, Lots, Timestamp};

use crate::{Crossing, UnderlyingId};

tagged! {
    /// Which side of the strike pays.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum OptionRight {
        0 => Call,
        1 => Put,
    }
}

tagged! {
    /// What happens when a level is met.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Knock {
        /// The option begins.
        0 => In,
        /// The option ends.
        1 => Out,
    }
}

tagged! {
    /// What makes an option an exotic one. Amounts are for one unit of the underlying.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum ExoticStyle {
        /// Pays so much when it ends in the money.
        0 => Cash { amount: Cash },
        /// Pays the delivery price when it ends in the money.
        1 => Asset,
        /// May be exercised at any time before its end.
        2 => American,
        /// Ends or begins when the index meets the level. Pays the rebate at the end when it has ended, or never began.
        3 => Barrier { crossing: Crossing, knock: Knock, level: Cash, rebate: Cash },
        /// Is on the average of so many daily delivery prices, the last one that of its own expiry.
        4 => Asian { fixings: u32 },
    }
}

record! {
    /// What an exotic is.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub struct ExoticTerms {
        pub underlying: UnderlyingId,
        pub expiry: Timestamp,
        pub strike: Cash,
        pub right: OptionRight,
        pub style: ExoticStyle,
    }
}

record! {
    /// What an exercise did to the holder, or to one who was short: `amount` is what was paid to the one or by the
    /// other.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Exercise {
        pub lots: Lots,
        /// The index that it was exercised at.
        pub price: Cash,
        pub amount: Cash,
    }
}
