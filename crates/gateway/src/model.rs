//! What the gateway shows, in plain values between the exchange's state and the venue's JSON.
//!
//! Invariant: amounts are in units of the underlying, prices in USDC; JSON is made from these values in
//! `json` and nowhere else.

use exchange::Listing;
use num::{Cash, Fix, Lots, Rounding, Side};
use wire::{AccountId, ExoticStyle, InstrumentId, MarginModel, OrderId};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Option {
        strike: Cash,
        right: Right,
    },
    /// An option with rules of its own.
    Exotic {
        strike: Cash,
        right: Right,
        style: ExoticStyle,
    },
    Future,
    Perpetual,
    /// Legs of futures and perpetuals.
    FutureCombo,
    /// Legs with an option among them.
    OptionCombo,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    Call,
    Put,
}

/// An instrument as it was listed.
#[derive(Clone, Debug)]
pub struct Instrument {
    pub id: InstrumentId,
    pub name: String,
    pub kind: Kind,
    /// "BTC"
    pub underlying: String,
    /// Milliseconds; `None` for a perpetual.
    pub expiry_ms: Option<u64>,
    pub created_ms: u64,
    /// Since when it is listed as it is.
    pub state_ms: u64,
    /// USDC per tick.
    pub tick: Cash,
    /// Underlying per lot: the least amount.
    pub lot: Fix,
    pub maker_fee: Fix,
    pub taker_fee: Fix,
    pub listing: Listing,
    /// Its market was halted, or all trading stands.
    pub is_locked: bool,
}

impl Instrument {
    /// A European option.
    pub fn is_option(&self) -> bool {
        matches!(self.kind, Kind::Option { .. })
    }

    pub fn is_exotic(&self) -> bool {
        matches!(self.kind, Kind::Exotic { .. })
    }

    pub fn is_combo(&self) -> bool {
        matches!(self.kind, Kind::FutureCombo | Kind::OptionCombo)
    }

    pub fn is_active(&self) -> bool {
        self.listing == Listing::Open
    }

    /// So many lots in units of the underlying; `None` when that is too large.
    pub fn units(&self, lots: Lots) -> Option<Fix> {
        self.lot.raw().checked_mul(i64::try_from(lots.get()).ok()?).map(Fix::from_raw)
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Greeks {
    pub delta: Fix,
    pub gamma: Fix,
    pub vega: Fix,
    pub theta: Fix,
    pub rho: Fix,
}

/// One price level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    pub price: Cash,
    /// In units of the underlying.
    pub amount: Fix,
}

/// The present market in one instrument.
#[derive(Clone, Debug, Default)]
pub struct Market {
    pub bids: Vec<Level>,
    pub asks: Vec<Level>,
    pub mark: Option<Cash>,
    pub mark_iv: Option<Fix>,
    pub index: Option<Cash>,
    /// The forward that options are valued on; the index for the rest.
    pub forward: Option<Cash>,
    pub greeks: Option<Greeks>,
    pub open_interest: Fix,
    /// What a long position of a perpetual pays over eight hours at the present premium, as a part of its worth.
    pub funding: Fix,
    /// The lowest and the highest price that an order may have.
    pub band: Option<(Cash, Cash)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    Open,
    Filled,
    Cancelled,
    /// It waits for its trigger.
    Untriggered,
    /// Its trigger came, and a rule refused it.
    Rejected,
}

/// An order in any state.
#[derive(Clone, Debug)]
pub struct Order {
    pub id: OrderId,
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub side: Side,
    /// `None` for a market order.
    pub price: Option<Cash>,
    pub amount: Fix,
    pub filled: Fix,
    /// Sum of price times amount over the fills.
    pub filled_value: Cash,
    pub state: OrderState,
    pub time_in_force: wire::TimeInForce,
    pub post_only: wire::PostOnly,
    pub reduce_only: wire::ReduceOnly,
    pub label: String,
    pub created_ms: u64,
    pub updated_ms: u64,
    pub is_liquidation: bool,
    /// It was edited at least once.
    pub replaced: bool,
    /// The venue's word for why it ended without being filled.
    pub cancel_reason: Option<&'static str>,
    /// What the book shows at a time, when that is not all.
    pub display: Option<Fix>,
    /// The volatility that it was priced by.
    pub implied: Option<Fix>,
    /// What it waits or waited for.
    pub trigger: Option<Waiting>,
    /// It belongs to a market maker's protected group.
    pub protected: bool,
    /// It is a side of a two-sided quote.
    pub is_quote: bool,
}

/// A trigger in the venue's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// "stop" or "take"; empty for an order that waits for another.
    pub kind: &'static str,
    /// "mark_price", "index_price" or "last_price"; empty for an order that waits for another.
    pub source: &'static str,
    pub price: Cash,
    pub has_come: bool,
}

impl Order {
    /// It rests, or waits for its trigger.
    pub fn is_open(&self) -> bool {
        matches!(self.state, OrderState::Open | OrderState::Untriggered)
    }
}

/// A trade as the public sees it.
#[derive(Clone, Debug)]
pub struct Trade {
    /// Rises by one for each trade of the exchange.
    pub id: u64,
    /// Rises by one for each trade of the instrument.
    pub sequence: u64,
    pub instrument: InstrumentId,
    pub time_ms: u64,
    pub price: Cash,
    pub amount: Fix,
    /// The taker's side.
    pub side: Side,
    pub mark: Option<Cash>,
    pub index: Option<Cash>,
    pub is_liquidation: bool,
    /// 0 plus tick, 1 zero-plus tick, 2 minus tick, 3 zero-minus tick.
    pub tick_direction: u8,
    /// The amount in lots.
    pub contracts: u64,
    /// The volatility that the price of an option implied.
    pub iv: Option<Fix>,
    /// What an option was valued on.
    pub forward: Option<Cash>,
    /// Of a trade beside the books: the number of the first trade that was agreed on with it.
    pub block: Option<u64>,
    /// Of a trade of a combo's leg: what it is a part of.
    pub combo: Option<PartOf>,
    /// Of a trade of a combo: those of its legs.
    pub legs: Vec<Trade>,
}

impl Trade {
    /// Whether it is of whole combos: the money and the positions are its legs'.
    pub fn is_of_combo(&self) -> bool {
        !self.legs.is_empty()
    }
}

/// The combo that a leg was traded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartOf {
    pub combo: InstrumentId,
    /// The number of the combo's trade.
    pub trade: u64,
}

/// One account's side of a trade.
#[derive(Clone, Debug)]
pub struct Fill {
    pub trade: Trade,
    pub account: AccountId,
    pub order: OrderId,
    pub side: Side,
    pub fee: Cash,
    pub liquidity: Liquidity,
    pub label: String,
    /// What it realised, fees apart.
    pub profit: Cash,
    /// The account's position after it.
    pub position: Fix,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Liquidity {
    Maker,
    Taker,
}

/// A position with what it is worth.
#[derive(Clone, Debug)]
pub struct Position {
    pub instrument: InstrumentId,
    /// Signed, in units of the underlying.
    pub size: Fix,
    pub average_price: Cash,
    pub mark: Cash,
    pub index: Cash,
    pub unrealised: Cash,
    pub realised: Cash,
    /// Funding that came in, less what was paid.
    pub funding: Cash,
    /// How often its initial margin goes into the worth of a position that is alone.
    pub leverage: i64,
    pub greeks: Greeks,
    /// What the position would need if it were alone.
    pub initial_margin: Cash,
    pub maintenance_margin: Cash,
}

/// An account's money and margin.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summary {
    /// Nothing for an account that never had money.
    pub model: Option<MarginModel>,
    pub balance: Cash,
    pub equity: Cash,
    pub initial_margin: Cash,
    pub maintenance_margin: Cash,
    pub available: Cash,
    pub realised: Cash,
    pub futures_profit: Cash,
    pub options_profit: Cash,
    pub options_value: Cash,
    /// Sums over all positions.
    pub delta: Fix,
    /// Sums over the options.
    pub options: Greeks,
}

impl Summary {
    /// Adds a position to the sums; an option comes with the mark of one unit.
    pub fn add(&mut self, position: &Position, option_mark: Option<Cash>) {
        let plus = |sum: Fix, more: Fix| sum.checked_add(more).unwrap_or(sum);
        let and = |sum: Cash, more: Cash| sum.checked_add(more).unwrap_or(sum);
        self.delta = plus(self.delta, position.greeks.delta);
        let Some(mark) = option_mark else {
            self.futures_profit = and(self.futures_profit, position.unrealised);
            return;
        };
        let value = mark.scale(position.size, Rounding::HalfEven).unwrap_or(Cash::ZERO);
        self.options_value = and(self.options_value, value);
        self.options_profit = and(self.options_profit, position.unrealised);
        let (sums, more) = (&mut self.options, &position.greeks);
        sums.delta = plus(sums.delta, more.delta);
        sums.gamma = plus(sums.gamma, more.gamma);
        sums.vega = plus(sums.vega, more.vega);
        sums.theta = plus(sums.theta, more.theta);
        sums.rho = plus(sums.rho, more.rho);
    }
}
