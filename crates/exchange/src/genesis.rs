//! How an exchange begins, as data: underlyings, instruments, surfaces, reporters, parameters, limits.
//!
//! Invariant: a genesis that `State::new` takes has every relation checked; what is wrong is named with
//! what was had and what is needed. Amounts are integers whose unit is in the field's name.

mod check;
mod guards;

use std::collections::BTreeMap;

use num::{Cash, Duration, Fix, Market, MarketError, Rounding, Timestamp};
use serde::{Deserialize, Serialize};

use crate::{instrument::StandardMargin, name::Right};

pub use check::SCAN_BILLIONTHS_MAX;
pub(crate) use check::{parse_key, price_range};
pub use guards::{
    ComboParameters, ExoticParameters, FundingParameters, GovernanceParameters, HaltParameters,
    LadderParameters, ListingParameters, Member, PoolGenesis, SmileParameters, VaultParameters,
    WithdrawalParameters,
};

/// The exchange's part of a network's genesis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Data time before the first commit, in milliseconds since 1970.
    pub start_ms: u64,
    pub faucet: Faucet,
    /// What the insurance fund starts with.
    pub insurance_micros: i64,
    pub oracle: OracleGenesis,
    pub underlyings: Vec<UnderlyingGenesis>,
    /// Names of the instruments listed at the start; their order gives them their numbers.
    pub instruments: Vec<String>,
    pub fees: Fees,
    /// The scenarios that accounts are margined on, by the name of their grid.
    #[serde(default = "usual_grid")]
    pub grid: String,
    /// How far prices of an underlying move in the grid, by its symbol; as the grid has it where nothing is said.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scan: BTreeMap<String, i64>,
    pub margin: MarginParameters,
    pub marks: MarkParameters,
    pub liquidation: LiquidationParameters,
    pub limits: Limits,
    /// When markets stop by themselves; never where it is absent.
    #[serde(default)]
    pub halt: Option<HaltParameters>,
    /// What perpetuals pay to stay at their index; nothing where it is absent.
    #[serde(default)]
    pub funding: Option<FundingParameters>,
    /// How smiles follow quotes; where it is absent they stay as genesis has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smiles: Option<SmileParameters>,
    /// Which combos have books; none where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub combos: Option<ComboParameters>,
    /// Which exotics can be listed; none where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exotics: Option<ExoticParameters>,
    /// What vaults quote and how one leaves them; there are none where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<VaultParameters>,
    /// How money leaves; not at all where it is absent.
    #[serde(default)]
    pub withdrawals: Option<WithdrawalParameters>,
    /// Which instruments are listed beside those named here; none where it is absent.
    #[serde(default)]
    pub listing: Option<ListingParameters>,
    /// When an index is too bad for what; never where it is absent.
    #[serde(default)]
    pub ladder: Option<LadderParameters>,
    /// Pools beside the one that is always there, numbered from 1.
    #[serde(default)]
    pub pools: Vec<PoolGenesis>,
    /// Who may change parameters; nobody where it is absent.
    #[serde(default)]
    pub governance: Option<GovernanceParameters>,
}

const fn unlimited() -> u64 {
    u64::MAX
}

fn usual_grid() -> String {
    "derive23_tail8".to_owned()
}

/// Whether USDC can be had for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Faucet {
    Closed,
    /// For test networks only: up to so much an action.
    Open {
        micros_max: i64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleGenesis {
    pub reporters: Vec<Reporter>,
    /// Weight that must have reported.
    pub quorum: u64,
    pub age_ms_max: u64,
    pub lead_ms_max: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reporter {
    /// Ed25519 public key, 64 hexadecimal digits.
    pub key: String,
    pub weight: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnderlyingGenesis {
    /// Such as `BTC`.
    pub symbol: String,
    /// The pool it belongs to.
    #[serde(default)]
    pub pool: u16,
    /// The index until reporters speak.
    pub index_micros: i64,
    pub option: Units,
    pub future: Units,
    /// One an expiry, with at least one node where there are options.
    pub surfaces: Vec<Surface>,
}

/// Tick and lot of a kind of instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    pub tick_micros: i64,
    pub lot_billionths: i64,
}

/// The volatility surface's slice of one expiry, and the forward that goes with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Surface {
    pub expiry_ms: u64,
    /// Forward over index.
    pub forward_billionths: i64,
    /// By rising strike.
    pub nodes: Vec<Node>,
}

saved!(Surface { expiry_ms, forward_billionths, nodes });

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    pub strike_micros: i64,
    /// Annual; 550,000,000 is 55 %.
    pub volatility_billionths: i64,
}

saved!(Node { strike_micros, volatility_billionths });

/// Fees as ratios.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fees {
    /// Of the index, for either side of an option trade.
    pub option_billionths: i64,
    /// Of the premium: an option's fee is never more.
    pub option_cap_billionths: i64,
    /// Of the notional.
    pub future_maker_billionths: i64,
    pub future_taker_billionths: i64,
}

/// What is not stated is what a local network uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MarginParameters {
    /// Initial over maintenance margin; at least one.
    pub initial_billionths: i64,
    /// Of the index, for each unit of a net short option position.
    pub short_option_billionths: i64,
    /// Of the index, for each unit of a future or perpetual held.
    pub future_billionths: i64,
    /// Notional in one underlying that is free of a charge for its size.
    pub concentration_free_micros: i64,
    /// Of the notional beyond it.
    pub concentration_billionths: i64,
    /// How far reporters may be apart, as a part of the index, before that is charged on the notional.
    pub uncertainty_free_billionths: i64,
    /// Of what underlyings lose in their separate worst scenarios beyond the worst one that they share, the
    /// part that is let off.
    pub correlation_billionths: i64,
    /// The standard model: of the index for a short option at the money, of the index at least, and of the
    /// price of a future.
    pub standard_option_billionths: i64,
    pub standard_option_least_billionths: i64,
    pub standard_future_billionths: i64,
}

impl Default for MarginParameters {
    fn default() -> Self {
        const PART: i64 = Fix::SCALE / 1_000_000;
        Self {
            initial_billionths: 1_300_000 * PART,
            short_option_billionths: 10_000 * PART,
            future_billionths: 6_000 * PART,
            concentration_free_micros: 20_000_000 * Cash::SCALE,
            concentration_billionths: 50_000 * PART,
            uncertainty_free_billionths: 5_000 * PART,
            correlation_billionths: 500_000 * PART,
            standard_option_billionths: 150_000 * PART,
            standard_option_least_billionths: 100_000 * PART,
            standard_future_billionths: 50_000 * PART,
        }
    }
}

impl MarginParameters {
    /// Deribit's rule for short options: the mark and a part of the index that shrinks as the strike is out
    /// of the money; a long option can lose its mark.
    pub(crate) fn standard_option(
        &self,
        (right, strike): (Right, Cash),
        (index, mark): (Cash, Cash),
    ) -> StandardMargin {
        let out = match right {
            Right::Call => strike.micros().saturating_sub(index.micros()),
            Right::Put => index.micros().saturating_sub(strike.micros()),
        };
        let part = |billionths: i64| {
            index.scale(Fix::from_raw(billionths), Rounding::Ceil).map_or(i64::MAX, Cash::micros)
        };
        let shrunk = part(self.standard_option_billionths).saturating_sub(out.max(0));
        let least = part(self.standard_option_least_billionths);
        let long = mark.micros();
        StandardMargin { long, short: long.saturating_add(shrunk.max(least)) }
    }

    /// A part of the price, whichever way.
    pub(crate) fn standard_future(&self, price: Cash) -> StandardMargin {
        let part = price.scale(Fix::from_raw(self.standard_future_billionths), Rounding::Ceil);
        let part = part.map_or(i64::MAX, Cash::micros);
        StandardMargin { long: part, short: part }
    }
}

/// When marks are made anew: the index moved so far, or so much time passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkParameters {
    pub move_billionths: i64,
    pub period_ms: u64,
}

/// What is not stated is what a local network uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LiquidationParameters {
    /// Part of a position closed in one step.
    pub step_billionths: i64,
    /// How far from the mark a step may trade, as part of the index.
    pub band_billionths: i64,
    /// Accounts that take a step in one commit.
    pub accounts_max: u32,
    /// How long the book alone is tried before the auction.
    pub book_ms: u64,
    /// How long the auction's reward grows; then a bankrupt account is deleveraged.
    pub auction_ms: u64,
    /// The reward at its largest, as a part of the maintenance margin of what is taken.
    pub reward_billionths: i64,
    /// Accounts that are deleveraged in one commit.
    pub deleverages_max: u32,
}

impl Default for LiquidationParameters {
    fn default() -> Self {
        const PART: i64 = Fix::SCALE / 1_000_000;
        Self {
            step_billionths: 250_000 * PART,
            band_billionths: 50_000 * PART,
            accounts_max: 16,
            book_ms: 10_000,
            auction_ms: 60_000,
            reward_billionths: 500_000 * PART,
            deleverages_max: 4,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub accounts_max: u32,
    pub session_keys_max: u32,
    pub open_orders_max: u32,
    pub order_lots_max: u64,
    /// Orders at rest in one book.
    pub book_orders_max: u32,
    /// How far from the mark an order's price may be, as part of the index.
    pub price_band_billionths: i64,
    /// Lots that may be held long in one instrument by all accounts, and on either side by one.
    #[serde(default = "unlimited")]
    pub open_interest_lots_max: u64,
    #[serde(default = "unlimited")]
    pub position_lots_max: u64,
}

/// What a forward may be of its index, in billionths.
pub(crate) const FORWARD_RANGE: core::ops::RangeInclusive<i64> = Fix::SCALE / 2..=2 * Fix::SCALE;

/// Why a genesis cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    #[error("{field} is {have}, must be {need}")]
    Value { field: String, have: String, need: String },
    #[error("instruments[{index}] {have:?} is no instrument name such as BTC_USDC-25SEP26-90000-C")]
    Name { index: usize, have: String },
    #[error("instruments[{index}] {have:?}: there is no underlying of that symbol")]
    Underlying { index: usize, have: String },
    #[error("instruments[{index}] {have:?} is there twice")]
    Duplicate { index: usize, have: String },
    #[error("instruments[{index}] {have:?} expires before the start")]
    Expired { index: usize, have: String },
    #[error("instruments[{index}] {have:?}: there is no surface with nodes for its expiry")]
    NoSurface { index: usize, have: String },
    #[error("underlyings[{index}]: {source}")]
    Market { index: usize, source: MarketError },
    #[error("underlyings[{index}] {have:?} is there twice")]
    DuplicateUnderlying { index: usize, have: String },
    #[error("instruments[{index}] {have:?}: its strike must be within {low} and {high}")]
    Strike { index: usize, have: String, low: Cash, high: Cash },
}

impl Units {
    pub(crate) fn market(self) -> Result<Market, MarketError> {
        Market::new(Cash::from_micros(self.tick_micros), Fix::from_raw(self.lot_billionths))
    }
}

impl OracleGenesis {
    pub(crate) fn age_max(&self) -> Duration {
        Duration::from_millis(self.age_ms_max)
    }

    pub(crate) fn lead_max(&self) -> Duration {
        Duration::from_millis(self.lead_ms_max)
    }
}

impl Genesis {
    pub fn start(&self) -> Timestamp {
        Timestamp::from_millis(self.start_ms)
    }

    /// A genesis without underlyings, instruments and reporters, with the parameters that a local network
    /// uses: fees like Deribit's for USDC-linear contracts, initial margin 1.3 of maintenance.
    pub fn with_usual_parameters() -> Self {
        const PART: i64 = Fix::SCALE / 1_000_000;
        Self {
            start_ms: 0,
            faucet: Faucet::Closed,
            insurance_micros: 0,
            oracle: OracleGenesis {
                reporters: Vec::new(),
                quorum: 1,
                age_ms_max: 60_000,
                lead_ms_max: 5_000,
            },
            underlyings: Vec::new(),
            instruments: Vec::new(),
            fees: Fees {
                option_billionths: 300 * PART,
                option_cap_billionths: 125_000 * PART,
                future_maker_billionths: 0,
                future_taker_billionths: 500 * PART,
            },
            grid: usual_grid(),
            scan: BTreeMap::new(),
            margin: MarginParameters::default(),
            marks: MarkParameters { move_billionths: 100 * PART, period_ms: 1_000 },
            liquidation: LiquidationParameters::default(),
            limits: Limits {
                accounts_max: 1_000_000,
                session_keys_max: 32,
                open_orders_max: 10_000,
                order_lots_max: 10_000_000,
                book_orders_max: 1_000_000,
                price_band_billionths: 250_000 * PART,
                open_interest_lots_max: unlimited(),
                position_lots_max: unlimited(),
            },
            halt: Some(HaltParameters::default()),
            funding: Some(FundingParameters::default()),
            smiles: Some(SmileParameters::default()),
            combos: Some(ComboParameters::default()),
            exotics: Some(ExoticParameters::default()),
            vault: None,
            withdrawals: Some(WithdrawalParameters::default()),
            listing: None,
            ladder: None,
            pools: Vec::new(),
            governance: None,
        }
    }
}
