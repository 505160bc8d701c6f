//! What an intent asks for.
//!
//! Invariant: an action names only things a user can know before it is ordered: instruments, its own
//! orders by number or label, amounts.

use crypto::PublicKey;
use num::{Cash, Duration, Fix, Lots, Side, Ticks, Timestamp};

use crate::{
    AccountId, Blob, BlockOffer, Boxed, ComboLeg, Conditions, ExoticTerms, InstrumentId, List, OrderFilter,
    OrderId, ProtectionLimits, QuoteSide, UnderlyingId,
    limits::{COMBO_LEGS_MAX, DESTINATION_BYTES_MAX, LABEL_BYTES_MAX, NAME_BYTES_MAX, PARAMETER_BYTES_MAX},
};

/// A user's own name for an order, at most 64 bytes; unique among the account's open orders unless empty.
pub type Label = Blob<LABEL_BYTES_MAX>;

/// Where a withdrawal goes, as a bridge reads it; at most 64 bytes.
pub type Destination = Blob<DESTINATION_BYTES_MAX>;

/// The name of an instrument, at most 48 bytes.
pub type InstrumentName = Blob<NAME_BYTES_MAX>;

/// The name of a parameter as genesis has it, such as `fees.option_billionths`; at most 80 bytes.
pub type ParameterName = Blob<PARAMETER_BYTES_MAX>;

tagged! {
    /// What governance may decide.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Change {
        0 => Parameter { name: ParameterName, value: i64 },
        /// The rules are of this version from a commit on.
        1 => Upgrade { version: u32, commit: u64 },
    }
}

tagged! {
    /// How an order is priced.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum OrderKind {
        0 => Market,
        1 => Limit { price: Ticks },
        /// An option's limit as a volatility: becomes a price when the order enters, at the forward and time
        /// of the present mark, rounded away from trading.
        2 => Volatility { volatility: Fix },
    }
}

tagged! {
    /// How long what does not trade at once stays.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum TimeInForce {
        0 => GoodTilCancelled,
        /// What does not trade at once is dropped.
        1 => ImmediateOrCancel,
        /// All trades at once, or nothing.
        2 => FillOrKill,
        /// Ends with the first commit whose time is later.
        3 => GoodTilTime { until: Timestamp },
    }
}

tagged! {
    /// Whether the order may take liquidity.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum PostOnly {
        0 => Off,
        /// Refused when it would trade at once.
        1 => Reject,
        /// Moved to the nearest price at which it would not.
        2 => Reprice,
    }
}

tagged! {
    /// Whether the order may open or enlarge a position.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ReduceOnly {
        0 => Off,
        1 => On,
    }
}

tagged! {
    /// One of the account's own open orders.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum OrderTarget {
        0 => Id { order: OrderId },
        1 => Label { label: Label },
    }
}

tagged! {
    /// How an account is margined.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum MarginModel {
        /// The worst scenario of all positions together.
        0 => Portfolio,
        /// Each position on its own.
        1 => Standard,
    }
}

tagged! {
    /// What a session key may do. No session key can withdraw or register keys.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Permission {
        0 => Read,
        1 => Trade,
    }
}

record! {
    /// A new order.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct NewOrder {
        pub instrument: InstrumentId,
        pub side: Side,
        pub lots: Lots,
        pub kind: OrderKind,
        pub time_in_force: TimeInForce,
        pub post_only: PostOnly,
        pub reduce_only: ReduceOnly,
        pub label: Label,
    }
}

tagged! {
    /// One step of an intent.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Action {
        0 => Place { order: NewOrder },
        /// `lots` is the order's new total, filled part included. Keeps its place in the queue when the
        /// price stays and the size does not grow.
        1 => Amend { target: OrderTarget, lots: Lots, price: Ticks },
        2 => Cancel { target: OrderTarget },
        /// All open orders of the account, or those of one instrument.
        3 => CancelAll { instrument: Option<InstrumentId> },
        /// USDC out of nothing: only where genesis allows it.
        4 => Faucet { amount: Cash },
        /// USDC to another subaccount of the same owner.
        5 => Transfer { subaccount: u16, amount: Cash },
        /// Lets a session key act for this account until `valid_until`. Owner only.
        6 => RegisterKey { key: PublicKey, permission: Permission, valid_until: Timestamp },
        /// Takes a session key back at once. Owner only.
        7 => RevokeKey { key: PublicKey },
        /// A reporter's observation of an index price, in USDC for one unit, with the reporter's own time.
        8 => Observe { underlying: UnderlyingId, price: Cash, observed_at: Timestamp },
        /// An order that waits, hides, or knows its rivals.
        9 => PlaceWith { order: NewOrder, conditions: Conditions },
        /// All open orders of the account that the filter fits.
        10 => CancelMatching { filter: OrderFilter },
        /// The account's two-sided quote in an instrument: replaces the one of the same protection group; an
        /// absent side is taken out. Never takes: a side that would trade is moved to the nearest price at
        /// which it would not.
        11 => Quote { instrument: InstrumentId, protection: Option<u16>, bid: Option<QuoteSide>, ask: Option<QuoteSide> },
        /// A dead man's switch: all orders of the account end with the first commit later than `at`, unless
        /// it is set anew before. Absent is off.
        12 => SetSwitch { at: Option<Timestamp> },
        /// Sets a market maker's protection for a group of orders, or takes it away.
        13 => SetProtection { group: u16, limits: Option<ProtectionLimits> },
        /// Lets a frozen group trade again.
        14 => ResetProtection { group: u16 },
        /// How the account is margined from now on.
        15 => SetMarginModel { model: MarginModel },
        /// Takes a part of every position of an account that is being auctioned, at the marks, for a reward
        /// of so much at least.
        16 => TakeAuction { account: AccountId, part: Fix, reward_min: Cash },
        /// USDC out of the exchange: it leaves the account now and is paid after a delay. Owner only.
        17 => Withdraw { amount: Cash, to: Destination },
        /// Takes back what of a withdrawal has not been paid. Owner only.
        18 => CancelWithdrawal { withdrawal: u64 },
        /// A member asks for a change, and votes for it.
        19 => Propose { change: Change },
        /// A member votes for a proposal.
        20 => Vote { proposal: u64 },
        /// The guardian stops trading and withdrawals for so long; zero lets them go on.
        21 => Pause { span: Duration },
        /// Takes what a maker offered beside the books.
        22 => TakeBlock { offer: Boxed<BlockOffer> },
        /// Lists a combo of these legs, or finds the one that there is of them or of their opposites.
        23 => CreateCombo { legs: List<ComboLeg, COMBO_LEGS_MAX> },
        /// USDC into the vault of a pool, for shares of it. Owner only.
        24 => EnterVault { pool: u16, amount: Cash },
        /// Gives shares of a pool's vault back, for what they are worth. Owner only.
        25 => LeaveVault { pool: u16, shares: u64 },
        /// Lists an exotic of these terms, or finds the one that there is.
        26 => CreateExotic { terms: ExoticTerms },
        /// So many lots that are held of an American option pay what they are in the money by, at the index and at once.
        27 => Exercise { instrument: InstrumentId, lots: Lots },
    }
}
