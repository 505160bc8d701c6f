//! Why an intent or one of its actions was refused.
//!
//! Invariant: the variants stand in the order in which the rules are looked at; an action gets the first
//! that applies. Every variant with a limit says what it had and what was needed.

use crypto::{Digest, PublicKey};
use num::{Cash, Lots, Ticks, Timestamp};

use crate::{InstrumentId, OrderId, UnderlyingId};

tagged! {
    /// A user's broken rule.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Reject {
        // The intent as a whole.
        /// The bytes are no intent.
        0 => Malformed,
        1 => WrongNetwork { have: Digest, need: Digest },
        2 => NoActions,
        3 => BadSignature,
        /// The key is neither the owner's nor a session key of the account.
        4 => UnknownKey { have: PublicKey },
        5 => KeyExpired { have: Timestamp, need: Timestamp },
        6 => NonceTooOld { have: u64, need: u64 },
        7 => NonceUsed { have: u64 },
        8 => NonceTooLarge { have: u64 },
        9 => Expired { have: Timestamp, need: Timestamp },
        /// The block named in `after` was not ordered before, or too long ago to be remembered.
        10 => NotAfter,
        11 => AccountLimit { have: u32, need: u32 },
        // Any action.
        20 => KeyMayNotTrade,
        21 => OwnerOnly,
        22 => NotOffered,
        // Money.
        30 => FaucetClosed,
        31 => AmountNotPositive { have: Cash },
        32 => AmountTooLarge { have: Cash, need: Cash },
        33 => SameSubaccount { have: u16 },
        34 => BalanceTooLow { have: Cash, need: Cash },
        // Orders.
        40 => UnknownInstrument { have: InstrumentId },
        41 => InstrumentClosed { have: InstrumentId },
        42 => LotsZero,
        43 => LotsTooLarge { have: Lots, need: Lots },
        44 => PriceNotPositive { have: Ticks },
        45 => PriceOutsideBand { have: Ticks, low: Ticks, high: Ticks },
        46 => LabelInUse { have: OrderId },
        47 => OpenOrderLimit { have: u32, need: u32 },
        48 => PostOnlyWithoutLimit,
        49 => NoMark { have: InstrumentId },
        50 => ReduceOnlyWouldOpen { have: i64 },
        51 => PostOnlyWouldTrade { have: Ticks, need: Ticks },
        52 => NotFillable { have: Lots, need: Lots },
        53 => MarginTooLow { have: Cash, need: Cash },
        54 => Liquidating,
        55 => BookFull { have: u32 },
        56 => Overflow,
        // Orders that are there already.
        60 => UnknownOrder,
        61 => NotOwner { have: OrderId },
        62 => AmendBelowFilled { have: Lots, need: Lots },
        // Keys.
        70 => KeyIsOwner,
        71 => KeyLimit { have: u32, need: u32 },
        72 => KeyUnknown { have: PublicKey },
        // Observations.
        80 => NotReporter,
        81 => UnknownUnderlying { have: UnderlyingId },
        82 => ObservationAhead { have: Timestamp, need: Timestamp },
        83 => ObservationStale { have: Timestamp, need: Timestamp },
        /// Another action of an all-or-nothing intent failed.
        90 => GroupFailed { action: u8 },
    }
}

impl core::fmt::Display for Reject {
    /// The variant with its fields, as in `MarginTooLow { have: 1.000000, need: 2.000000 }`.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{self:?}")
    }
}
