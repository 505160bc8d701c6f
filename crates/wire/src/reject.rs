//! Why an intent or one of its actions was refused.
//!
//! Invariant: the variants of a group stand in the order in which its rules are looked at; an action gets the first
//! that applies. Orders are looked at from the market down to the margin. A rule that several kinds of actions have
//! stands where the first of them has it. Every variant with a limit says what it had and what was needed.

use crypto::{Digest, PublicKey};
use num::{Cash, Duration, Fix, Lots, Ticks, Timestamp};

use crate::{InstrumentId, OrderId, Rung, UnderlyingId};

tagged! {
    /// A user's broken rule. Times are milliseconds since 1970, prices ticks, quantities lots of the market.
    #[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
    pub enum Reject {
        // The intent as a whole.
        #[error("the bytes are no intent")]
        0 => Malformed,
        #[error("it is for network {have}, this is {need}")]
        1 => WrongNetwork { have: Digest, need: Digest },
        #[error("it has no actions")]
        2 => NoActions,
        #[error("the signature is not the key's on this intent")]
        3 => BadSignature,
        #[error("key {have} is neither the owner's nor a session key of the account")]
        4 => UnknownKey { have: PublicKey },
        #[error("the key was valid until {}, it is {}", have.millis(), need.millis())]
        5 => KeyExpired { have: Timestamp, need: Timestamp },
        #[error("nonce {have} is too old, the lowest that can still be used is {need}")]
        6 => NonceTooOld { have: u64, need: u64 },
        #[error("nonce {have} was used before")]
        7 => NonceUsed { have: u64 },
        #[error("nonce {have} is the largest number, which is never used")]
        8 => NonceTooLarge { have: u64 },
        #[error("it was valid until {}, it is {}", have.millis(), need.millis())]
        9 => Expired { have: Timestamp, need: Timestamp },
        #[error("the block named in `after` was not ordered before, or too long ago to be remembered")]
        10 => NotAfter,
        #[error("there are {have} accounts, and {need} is the most there can be")]
        11 => AccountLimit { have: u32, need: u32 },
        // Any action.
        #[error("a key that may only read cannot act")]
        20 => KeyMayNotTrade,
        #[error("only the owner's key can do this")]
        21 => OwnerOnly,
        // Money.
        #[error("this network has no faucet")]
        30 => FaucetClosed,
        #[error("the amount is {have}, must be above zero")]
        31 => AmountNotPositive { have: Cash },
        #[error("the amount is {have}, at most {need} can be had")]
        32 => AmountTooLarge { have: Cash, need: Cash },
        #[error("subaccount {have} cannot transfer to itself")]
        33 => SameSubaccount { have: u16 },
        #[error("{have} can leave the account, {need} was asked for")]
        34 => BalanceTooLow { have: Cash, need: Cash },
        #[error("there is no auction of that account")]
        35 => NoAuction,
        #[error("a part of {have}, must be above zero and at most {need}")]
        36 => PartOutOfRange { have: Fix, need: Fix },
        #[error("the reward is {have}, at least {need} was asked for")]
        37 => RewardTooLow { have: Cash, need: Cash },
        #[error("this network has no withdrawals")]
        100 => WithdrawalsClosed,
        #[error("the account waits for {have} withdrawals, and {need} is the most there can be")]
        101 => WithdrawalLimit { have: u32, need: u32 },
        #[error("the account waits for no withdrawal {have}")]
        102 => UnknownWithdrawal { have: u64 },
        #[error("the price of reference is {have:?}, must be {need:?} or better")]
        103 => OracleRung { have: Rung, need: Rung },
        // Governance.
        #[error("trading and withdrawals are paused until {}", need.millis())]
        104 => Paused { need: Timestamp },
        #[error("the account's owner is no member of governance")]
        105 => NotMember,
        #[error("the account's owner is not the guardian")]
        106 => NotGuardian,
        #[error("{have} proposals are open, and {need} is the most there can be")]
        107 => ProposalLimit { have: u32, need: u32 },
        #[error("there is no parameter of that name")]
        108 => UnknownParameter,
        #[error("a relation of genesis does not hold with {have}")]
        109 => ParameterOutOfRange { have: i64 },
        #[error("version {have} does not follow, {need} would")]
        110 => VersionOutOfOrder { have: u32, need: u32 },
        #[error("commit {have} has passed, the next is {need}")]
        111 => CommitPassed { have: u64, need: u64 },
        #[error("there is no proposal {have} that is open")]
        112 => UnknownProposal { have: u64 },
        #[error("a pause of {} milliseconds, at most {}", have.millis(), need.millis())]
        113 => PauseTooLong { have: Duration, need: Duration },
        #[error("the next pause may begin at {}", need.millis())]
        114 => PauseTooSoon { need: Timestamp },
        // Block trades.
        #[error("the offer has no legs, or no key that may trade for its maker has signed it")]
        116 => OfferUnsigned,
        #[error("the offer is for another account")]
        117 => OfferNotForAccount,
        // Combos.
        #[error("this network has no combos")]
        118 => CombosClosed,
        #[error("{have} legs, must be 2 to {need}, each of another open instrument of one underlying")]
        119 => ComboLegs { have: u32, need: u32 },
        #[error("ratios of up to {have}, must be 1 to {need}, and 1 for one leg when they have no common factor")]
        120 => ComboRatios { have: u64, need: u64 },
        #[error("the underlying has {have} combos, and {need} is the most there can be")]
        121 => ComboLimit { have: u32, need: u32 },
        #[error("instrument {have} is a combo: an offer names its legs")]
        122 => ComboInOffer { have: InstrumentId },
        // Vaults.
        #[error("pool {have} has no vault")]
        123 => NoVault { have: u16 },
        #[error("the shares can be given back from {}, it is {}", need.millis(), have.millis())]
        124 => VaultLocked { have: Timestamp, need: Timestamp },
        #[error("{have} shares, must be {need} at least")]
        125 => VaultShares { have: u64, need: u64 },
        #[error("all shares together are worth {have}, must be worth more than nothing")]
        126 => VaultWorthless { have: Cash },
        // Exotics.
        #[error("this network has no exotics")]
        127 => ExoticsClosed,
        #[error("options of the underlying have no smile for an expiry at {}, or it has passed", have.millis())]
        128 => ExoticExpiry { have: Timestamp },
        #[error("a strike or level of {have}, must be a multiple of {step} from {low} to {high}")]
        129 => ExoticPrice { have: Cash, step: Cash, low: Cash, high: Cash },
        #[error("an amount or rebate of {have}, must be a multiple of {step} from {low} to {high}")]
        130 => ExoticAmount { have: Cash, step: Cash, low: Cash, high: Cash },
        #[error("the level is {have}, must lie beyond {need}: the index, or the strike of an option that would end there")]
        131 => ExoticLevel { have: Cash, need: Cash },
        #[error("{have} fixings, must be 2 to {need}")]
        132 => ExoticFixings { have: u32, need: u32 },
        #[error("a name of {have} bytes, at most {need}")]
        133 => ExoticName { have: u32, need: u32 },
        #[error("the underlying has {have} exotics, and {need} is the most there can be")]
        134 => ExoticLimit { have: u32, need: u32 },
        #[error("instrument {have} is an exotic: it has no book and trades by offers")]
        135 => NoBook { have: InstrumentId },
        #[error("instrument {have} cannot be exercised before its end")]
        136 => NotAmerican { have: InstrumentId },
        #[error("{} lots, of which {} are held", have.get(), need.get())]
        137 => ExerciseTooLarge { have: Lots, need: Lots },
        #[error("the index is {have}, exercise pays nothing at a strike of {need}")]
        138 => NotInTheMoney { have: Cash, need: Cash },
        // Orders that are there already.
        #[error("the account has no such open order")]
        40 => UnknownOrder,
        #[error("order {have} is another account's")]
        41 => NotOwner { have: OrderId },
        // Markets.
        #[error("there is no instrument {have}")]
        50 => UnknownInstrument { have: InstrumentId },
        #[error("instrument {have} has expired")]
        51 => InstrumentClosed { have: InstrumentId },
        #[error("instrument {have} is halted until {}", need.millis())]
        68 => Halted { have: InstrumentId, need: Timestamp },
        #[error("the account is in pool {have}, this is of pool {need}")]
        115 => OtherPool { have: u16, need: u16 },
        // Protection and time.
        #[error("the account has no protection group {have}")]
        42 => UnknownProtection { have: u16 },
        #[error("the account has {have} protection groups, and {need} is the most there can be")]
        43 => ProtectionLimit { have: u32, need: u32 },
        #[error("protection group {have} is frozen until {}", need.millis())]
        44 => ProtectionFrozen { have: u16, need: Timestamp },
        #[error("the time is {}, must be later than {}", have.millis(), need.millis())]
        45 => TimeNotAhead { have: Timestamp, need: Timestamp },
        #[error("the span of time is zero")]
        46 => SpanZero,
        // Orders.
        #[error("{} lots shown, must be 1 to {}", have.get(), need.get())]
        49 => DisplayOutOfRange { have: Lots, need: Lots },
        #[error("an order must have lots")]
        52 => LotsZero,
        #[error("{} lots, at most {} an order", have.get(), need.get())]
        53 => LotsTooLarge { have: Lots, need: Lots },
        #[error("volatility {have} has no price on instrument {on}")]
        85 => NoVolatilityPrice { have: Fix, on: InstrumentId },
        #[error("price {}, must be above zero", have.get())]
        54 => PriceNotPositive { have: Ticks },
        #[error("a trigger's price is {have}, must be above zero")]
        47 => TriggerNotPositive { have: Cash },
        #[error("the order it waits for ended without filling whole")]
        48 => PrimaryEnded,
        #[error("instrument {have} has no mark to trade around")]
        55 => NoMark { have: InstrumentId },
        #[error("price {} is outside of {} to {}", have.get(), low.get(), high.get())]
        56 => PriceOutsideBand { have: Ticks, low: Ticks, high: Ticks },
        #[error("a post-only order needs a limit")]
        57 => PostOnlyWithoutLimit,
        #[error("{} lots, of which {} are already filled", have.get(), need.get())]
        58 => AmendBelowFilled { have: Lots, need: Lots },
        #[error("the label is open order {have}'s")]
        59 => LabelInUse { have: OrderId },
        #[error("the account has {have} open orders, and {need} is the most there can be")]
        60 => OpenOrderLimit { have: u32, need: u32 },
        #[error("the book holds {have} orders, and {need} is the most there can be")]
        61 => BookFull { have: u32, need: u32 },
        #[error("the account is being liquidated: only orders that reduce")]
        62 => Liquidating,
        #[error("a reduce-only order of this side has nothing to reduce in a position of {have} lots")]
        63 => ReduceOnlyWouldOpen { have: i64 },
        #[error("{have} lots are open, and {need} is the most there can be")]
        69 => OpenInterestLimit { have: u64, need: u64 },
        #[error("a position of {} lots, at most {} can be held", have.get(), need.get())]
        64 => PositionTooLarge { have: Lots, need: Lots },
        #[error("post-only at {} would trade with {}", have.get(), need.get())]
        65 => PostOnlyWouldTrade { have: Ticks, need: Ticks },
        #[error("{} of {} lots can be filled at once", have.get(), need.get())]
        66 => NotFillable { have: Lots, need: Lots },
        #[error("equity {have} does not cover an initial margin of {need}")]
        67 => MarginTooLow { have: Cash, need: Cash },
        // Keys.
        #[error("the owner's key needs no registering")]
        70 => KeyIsOwner,
        #[error("the account has {have} session keys, and {need} is the most there can be")]
        71 => KeyLimit { have: u32, need: u32 },
        #[error("{have} is no session key of the account")]
        72 => KeyUnknown { have: PublicKey },
        // Observations.
        #[error("the account's owner is no reporter")]
        80 => NotReporter,
        #[error("there is no underlying {have}")]
        81 => UnknownUnderlying { have: UnderlyingId },
        #[error("price {have} is outside of {low} to {high}")]
        82 => ObservationOutOfRange { have: Cash, low: Cash, high: Cash },
        #[error("observed at {}, which is beyond {}", have.millis(), need.millis())]
        83 => ObservationAhead { have: Timestamp, need: Timestamp },
        #[error("observed at {}, the reporter's last word is of {}", have.millis(), need.millis())]
        84 => ObservationStale { have: Timestamp, need: Timestamp },
        // Groups.
        #[error("action {action} of the group failed")]
        90 => GroupFailed { action: u8 },
    }
}
