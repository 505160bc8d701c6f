//! What an order may ask for beyond its terms: when it enters, what it shows, whom it does not trade with.
//!
//! Invariant: a condition names only what a user can know before it is ordered.

use num::{Cash, Duration, Fix, Lots, Side, Ticks};

use crate::{InstrumentId, Label, OrderTarget, UnderlyingId};

tagged! {
    /// Who goes when an order meets another of its own account.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum SelfTrade {
        /// The one that was there.
        #[default]
        0 => ExpireMaker,
        /// What is left of the one that came.
        1 => ExpireTaker,
        2 => ExpireBoth,
    }
}

tagged! {
    /// Which price a trigger watches.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum PriceSource {
        /// The instrument's mark.
        0 => Mark,
        /// Its underlying's index.
        1 => Index,
        /// Its last trade.
        2 => Last,
    }
}

tagged! {
    /// On which side of its price a trigger lies.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Crossing {
        /// At the price or above: a stop that buys, a take that sells.
        0 => Rises,
        /// At the price or below: a stop that sells, a take that buys.
        1 => Falls,
    }
}

tagged! {
    /// What an order waits for before it enters.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Trigger {
        0 => Price { source: PriceSource, crossing: Crossing, price: Cash },
        /// Another order of the account has filled whole. When that one ends otherwise, so does this one.
        1 => Filled { primary: OrderTarget },
    }
}

record! {
    /// Conditions of one order.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Conditions {
        pub trigger: Option<Trigger>,
        /// Orders of an account that bear the same number are rivals: when one trades or is triggered, the
        /// others end.
        pub rivals: Option<u32>,
        pub self_trade: SelfTrade,
        /// What the book shows at a time; the rest stays hidden and queues anew.
        pub display: Option<Lots>,
        /// The account's protection group it belongs to.
        pub protection: Option<u16>,
    }
}

tagged! {
    /// How good a price of reference is, from the best down.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
    pub enum Rung {
        #[default]
        0 => Valid,
        /// A quorum's last words are too old for margin.
        1 => Stale,
        /// Reporters are far apart.
        2 => Uncertain,
        /// It is far from its own average.
        3 => Volatile,
        /// No quorum speaks.
        4 => Invalid,
    }
}

tagged! {
    /// A kind of contract.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ContractKind {
        0 => Option,
        1 => Future,
        2 => Perpetual,
        3 => Combo,
        4 => Exotic,
    }
}

record! {
    /// Orders by what they have in common; what is absent does not matter.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct OrderFilter {
        pub underlying: Option<UnderlyingId>,
        pub instrument: Option<InstrumentId>,
        pub kind: Option<ContractKind>,
        pub side: Option<Side>,
        pub label: Option<Label>,
        pub protection: Option<u16>,
    }
}

record! {
    /// One side of a quote.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct QuoteSide {
        pub price: Ticks,
        pub lots: Lots,
    }
}

record! {
    /// When a market maker's group of orders is taken out: after too much has traded too fast. Absent limits
    /// do not matter. Quantities are in units of the underlying, whichever way they traded; delta and vega
    /// are net.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ProtectionLimits {
        /// Trades within so much commit time count together.
        pub interval: Duration,
        /// For how long nothing of the group enters afterwards; zero is until it is reset.
        pub frozen: Duration,
        pub quantity: Option<Fix>,
        pub delta: Option<Fix>,
        pub vega: Option<Fix>,
    }
}
