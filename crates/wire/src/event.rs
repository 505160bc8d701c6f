//! What the exchange did, as it tells the world.
//!
//! Invariant: the events of a commit, in order, are enough to follow every order, trade, balance and
//! position without knowing the state.

use num::{Cash, Fix, Lots, Position, Side, Ticks, Timestamp};

use crate::{
    AccountId, Author, Change, ComboLeg, ComboTrade, Conditions, Destination, Exercise, ExoticTerms,
    InstrumentId, InstrumentName, IntentId, List, MarginModel, NewOrder, OrderId, Permission, Reject, Round,
    Rung, UnderlyingId,
    limits::{ACTIONS_MAX, COMBO_LEGS_MAX},
};
use crypto::PublicKey;

tagged! {
    /// What became of one action.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Outcome {
        0 => Done,
        1 => Placed { order: OrderId },
        2 => Rejected { reject: Reject },
        /// The same order under the same label was taken before: its number, what of it has filled, and how
        /// it ended if it has.
        3 => Repeated { order: OrderId, filled: Lots, end: Option<OrderEnd> },
        /// The orders of a quote; a side that was not asked for has none.
        4 => Quoted { bid: Option<OrderId>, ask: Option<OrderId> },
        /// The number of a withdrawal.
        5 => Withdrawing { withdrawal: u64 },
        /// The number of a proposal.
        6 => Proposed { proposal: u64 },
        /// The combo of the legs that were asked for, and the side that buys them as they were asked for.
        7 => Combo { instrument: InstrumentId, side: Side },
        /// The exotic of the terms that were asked for.
        8 => Exotic { instrument: InstrumentId },
    }
}

tagged! {
    /// Why an order left the book or never reached it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum OrderEnd {
        0 => Filled,
        /// Its account asked for it.
        1 => Cancelled,
        /// Immediate-or-cancel, fill-or-kill or market: the rest was dropped.
        2 => Dropped,
        /// It would have traded with an order of its own account.
        3 => SelfTrade,
        4 => InstrumentExpired,
        5 => Liquidation,
        /// A reduce-only order with no position left to reduce.
        6 => NothingToReduce,
        /// A fill would have made a position larger than can be counted.
        7 => PositionLimit,
        /// Its time had come.
        8 => Expired,
        /// The account's dead man's switch.
        9 => Switch,
        /// One of its rivals traded or was triggered.
        10 => Rival,
        /// Its group's protection.
        11 => Protection,
        /// The order it waited for ended without filling whole.
        12 => PrimaryEnded,
        /// It was triggered, and a rule refused it.
        13 => Refused,
        /// Marks have moved so far that a combo's price splits into no prices of its legs.
        14 => NoLegPrices,
    }
}

tagged! {
    /// Why a market stopped.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum HaltCause {
        /// Its index moved too far too fast.
        0 => Volatility,
        /// Its takers all leaned one way.
        1 => Flow,
    }
}

tagged! {
    /// Which side of a trade came first.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum TradeKind {
        0 => Ordinary,
        1 => Liquidation,
        /// At the one price of a market's opening: both sides were collected.
        2 => Opening,
        /// Agreed on beside the book.
        3 => Block,
        /// A leg of a combo.
        4 => Combo,
    }
}

record! {
    /// One fill between two orders.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TradeEvent {
        pub instrument: InstrumentId,
        pub price: Ticks,
        pub lots: Lots,
        pub taker_side: Side,
        pub taker: AccountId,
        pub taker_order: OrderId,
        pub taker_fee: Cash,
        pub maker: AccountId,
        pub maker_order: OrderId,
        pub maker_fee: Cash,
        pub kind: TradeKind,
    }
}

tagged! {
    /// One thing that happened in a commit.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum Event {
        /// An intent was refused as a whole; `intent` names what was refused, by its id or, when it is no
        /// intent, by the digest of its bytes.
        0 => IntentRejected { intent: IntentId, reject: Reject },
        /// An intent was taken; one outcome an action.
        1 => Receipt { intent: IntentId, account: AccountId, outcomes: List<Outcome, ACTIONS_MAX> },
        2 => Deposited { account: AccountId, amount: Cash },
        3 => Transferred { from: AccountId, to: AccountId, amount: Cash },
        4 => KeyRegistered { account: AccountId, key: PublicKey, permission: Permission, valid_until: Timestamp },
        5 => KeyRevoked { account: AccountId, key: PublicKey },
        6 => MarginModelSet { account: AccountId, model: MarginModel },
        /// An order was taken, before it trades.
        10 => OrderPlaced { order: OrderId, account: AccountId, terms: NewOrder },
        /// An order's total and price now; `kept_place` tells whether it stayed where it was in the queue.
        11 => OrderAmended { order: OrderId, account: AccountId, lots: Lots, price: Ticks, kept_place: bool },
        12 => OrderEnded { order: OrderId, account: AccountId, instrument: InstrumentId, end: OrderEnd, unfilled: Lots },
        13 => Traded { trade: TradeEvent },
        /// An order waits for its trigger, or enters with these conditions.
        14 => OrderConditioned { order: OrderId, account: AccountId, terms: NewOrder, conditions: Conditions },
        /// A trigger has come; what follows is the order entering, or a refusal.
        15 => OrderTriggered { order: OrderId, account: AccountId },
        16 => OrderRefused { order: OrderId, account: AccountId, reject: Reject },
        /// A group traded too much too fast; frozen until then, or until it is reset when that is absent.
        17 => ProtectionTripped { account: AccountId, group: u16, until: Option<Timestamp> },
        20 => IndexMoved { underlying: UnderlyingId, price: Cash },
        /// An expiry was settled at this price for one unit of the underlying.
        21 => Delivered { underlying: UnderlyingId, expiry: Timestamp, price: Cash },
        22 => PositionSettled { account: AccountId, instrument: InstrumentId, position: Position, amount: Cash },
        /// A market stopped: cancels only, then orders are collected, then it opens.
        23 => Halted { instrument: InstrumentId, cause: HaltCause, collects_from: Timestamp, opens_at: Timestamp },
        /// A market opened; so much traded at the one price, where there was one.
        24 => Reopened { instrument: InstrumentId, price: Option<Ticks>, lots: Lots },
        /// A validator signed two blocks for one round: the first proof against it in this epoch.
        25 => Equivocated { epoch: u64, author: Author, round: Round },
        /// An account fell below its maintenance margin.
        30 => LiquidationStarted { account: AccountId, equity: Cash, maintenance: Cash },
        31 => LiquidationEnded { account: AccountId, equity: Cash, maintenance: Cash },
        /// The insurance fund paid what a flat account lacked.
        32 => InsurancePaid { account: AccountId, amount: Cash, fund: Cash },
        /// What the insurance fund could not pay.
        33 => ShortfallLeft { account: AccountId, amount: Cash },
        /// A position went from one account to another for so much money, without a trade.
        34 => PositionTransferred { from: AccountId, to: AccountId, instrument: InstrumentId, position: Position, paid: Cash },
        /// The book did not cure an account: parts of it can be taken.
        35 => AuctionStarted { account: AccountId, equity: Cash, maintenance: Cash },
        /// `fund` of the reward came out of the insurance fund.
        36 => AuctionTaken { account: AccountId, bidder: AccountId, part: Fix, reward: Cash, fund: Cash },
        /// A bankrupt account was closed with one that held the other side, which gave up `taken` against
        /// the mark.
        37 => Deleveraged { account: AccountId, counterparty: AccountId, instrument: InstrumentId, lots: Lots, taken: Cash },
        /// Money left an account; it is paid when a period ends from `ready_at` on.
        51 => WithdrawalRequested { withdrawal: u64, account: AccountId, amount: Cash, to: Destination, ready_at: Timestamp },
        /// So much of a withdrawal left the exchange; `left` still waits.
        52 => WithdrawalPaid { withdrawal: u64, account: AccountId, amount: Cash, left: Cash },
        /// What of a withdrawal was not paid came back.
        53 => WithdrawalReturned { withdrawal: u64, account: AccountId, amount: Cash },
        /// A price of reference became better or worse.
        54 => RungChanged { underlying: UnderlyingId, rung: Rung },
        55 => Listed { instrument: InstrumentId, name: InstrumentName },
        56 => Delisted { instrument: InstrumentId },
        57 => Proposed { proposal: u64, change: Change, open_until: Timestamp },
        /// A quorum voted for a proposal; it is enacted at this time.
        58 => ProposalPassed { proposal: u64, due_at: Timestamp },
        /// A proposal was enacted, or nobody can vote for it any more, or it does not fit any more.
        59 => ProposalEnded { proposal: u64, is_enacted: bool },
        /// Trading and withdrawals stand until then.
        60 => Paused { until: Timestamp },
        /// What a combo that was just listed is made of, for one bought unit of it, and who paid for that.
        61 => ComboListed { instrument: InstrumentId, legs: List<ComboLeg, COMBO_LEGS_MAX>, account: AccountId, fee: Cash },
        /// A combo traded; the trades of its legs follow.
        62 => ComboTraded { trade: ComboTrade },
        /// An account paid into the vault of a pool; its shares can be given back from then on.
        63 => VaultEntered { pool: u16, account: AccountId, amount: Cash, shares: u64, unlocks_at: Timestamp },
        64 => VaultLeft { pool: u16, account: AccountId, amount: Cash, shares: u64 },
        /// What an exotic that was just listed is, and who paid for that.
        65 => ExoticListed { instrument: InstrumentId, terms: ExoticTerms, account: AccountId, fee: Cash },
        /// The index met the level of a barrier option; nothing undoes it.
        66 => BarrierTouched { instrument: InstrumentId, price: Cash },
        /// A fixing of an Asian option, the `made`th of it.
        67 => AsianFixed { instrument: InstrumentId, price: Cash, made: u32 },
        /// A holder exercised; one `Assigned` for each who paid for it follows.
        68 => Exercised { account: AccountId, instrument: InstrumentId, exercise: Exercise },
        69 => Assigned { account: AccountId, instrument: InstrumentId, exercise: Exercise },
        /// What a position paid (negative) or got since it last did.
        50 => FundingPaid { account: AccountId, instrument: InstrumentId, position: Position, amount: Cash },
    }
}
