//! How an exchange begins, as data: underlyings, instruments, surfaces, reporters, parameters, limits.
//!
//! Invariant: a genesis that `State::new` takes has every relation checked; what is wrong is named with
//! what was had and what is needed. Amounts are integers whose unit is in the field's name.

use num::{Cash, Duration, Fix, Market, MarketError, Timestamp};
use serde::{Deserialize, Serialize};

use crate::name::{self, Contract};

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
    pub margin: MarginParameters,
    pub marks: MarkParameters,
    pub liquidation: LiquidationParameters,
    pub limits: Limits,
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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    pub strike_micros: i64,
    /// Annual; 550,000,000 is 55 %.
    pub volatility_billionths: i64,
}

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

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarginParameters {
    /// Initial over maintenance margin; at least one.
    pub initial_billionths: i64,
    /// Of the index, for each unit of a net short option position.
    pub short_option_billionths: i64,
    /// Of the index, for each unit of a future or perpetual held.
    pub future_billionths: i64,
}

/// When marks are made anew: the index moved so far, or so much time passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarkParameters {
    pub move_billionths: i64,
    pub period_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LiquidationParameters {
    /// Part of a position closed in one step.
    pub step_billionths: i64,
    /// How far from the mark a step may trade, as part of the index.
    pub band_billionths: i64,
    /// Accounts that take a step in one commit.
    pub accounts_max: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    pub accounts_max: u32,
    pub session_keys_max: u32,
    pub open_orders_max: u32,
    pub order_lots_max: u64,
    /// How far from the mark an order's price may be, as part of the index.
    pub price_band_billionths: i64,
}

/// Why a genesis cannot begin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    #[error("{field} is {have}, must be {need}")]
    Value { field: String, have: String, need: &'static str },
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

    /// Checks everything that does not need the instruments.
    pub(crate) fn check_parameters(&self) -> Result<(), GenesisError> {
        const ONE: i64 = Fix::SCALE;
        let ratio = |field: &str, have: i64, low: i64, high: i64, need: &'static str| {
            check(field, have, (low..=high).contains(&have), need)
        };
        check("insurance_micros", self.insurance_micros, self.insurance_micros >= 0, "0 or more")?;
        if let Faucet::Open { micros_max } = self.faucet {
            check("faucet.open.micros_max", micros_max, micros_max > 0, "above 0")?;
        }
        let fees = &self.fees;
        ratio("fees.option_billionths", fees.option_billionths, 0, ONE / 10, "0 to 10 %")?;
        ratio("fees.option_cap_billionths", fees.option_cap_billionths, 0, ONE, "0 to 100 %")?;
        ratio("fees.future_maker_billionths", fees.future_maker_billionths, 0, ONE / 10, "0 to 10 %")?;
        ratio("fees.future_taker_billionths", fees.future_taker_billionths, 0, ONE / 10, "0 to 10 %")?;
        let margin = &self.margin;
        ratio("margin.initial_billionths", margin.initial_billionths, ONE, 10 * ONE, "1 to 10")?;
        ratio("margin.short_option_billionths", margin.short_option_billionths, 0, ONE, "0 to 100 %")?;
        ratio("margin.future_billionths", margin.future_billionths, 0, ONE, "0 to 100 %")?;
        ratio("marks.move_billionths", self.marks.move_billionths, 0, ONE, "0 to 100 %")?;
        let liquidation = &self.liquidation;
        ratio("liquidation.step_billionths", liquidation.step_billionths, 1, ONE, "above 0 to 100 %")?;
        ratio("liquidation.band_billionths", liquidation.band_billionths, 1, ONE, "above 0 to 100 %")?;
        let limits = &self.limits;
        ratio("limits.price_band_billionths", limits.price_band_billionths, 1, 10 * ONE, "above 0 to 10")?;
        let lots = limits.order_lots_max;
        check("limits.order_lots_max", lots, (1..=1 << 40).contains(&lots), "1 to 2^40")?;
        check(
            "limits.open_orders_max",
            limits.open_orders_max,
            limits.open_orders_max <= 1 << 20,
            "at most 2^20",
        )?;
        self.check_oracle()
    }

    fn check_oracle(&self) -> Result<(), GenesisError> {
        let mut total: u64 = 0;
        for (index, reporter) in self.oracle.reporters.iter().enumerate() {
            let field = format!("oracle.reporters[{index}]");
            check(
                &field,
                &reporter.key,
                parse_key(&reporter.key).is_some(),
                "a key of 64 hexadecimal digits",
            )?;
            check(&field, reporter.weight, reporter.weight > 0, "of a weight above 0")?;
            total = total.checked_add(reporter.weight).ok_or_else(|| GenesisError::Value {
                field,
                have: reporter.weight.to_string(),
                need: "of a weight that keeps the sum below 2^64",
            })?;
        }
        let quorum = self.oracle.quorum;
        // Without reporters the indices stay what they are, and any quorum is out of reach.
        let reachable = quorum <= total || self.oracle.reporters.is_empty();
        check(
            "oracle.quorum",
            quorum,
            quorum > 0 && reachable,
            "above 0 and at most the sum of weights",
        )
    }

    /// The instruments' contracts with the place of their underlying, in order.
    pub(crate) fn contracts(&self) -> Result<Vec<(usize, Contract)>, GenesisError> {
        let mut contracts = Vec::with_capacity(self.instruments.len());
        let mut seen = std::collections::BTreeSet::new();
        for (index, text) in self.instruments.iter().enumerate() {
            let have = || text.clone();
            let (symbol, contract) =
                name::parse(text).ok_or_else(|| GenesisError::Name { index, have: have() })?;
            let underlying = self
                .underlyings
                .iter()
                .position(|it| it.symbol == symbol)
                .ok_or_else(|| GenesisError::Underlying { index, have: have() })?;
            if !seen.insert(text) {
                return Err(GenesisError::Duplicate { index, have: have() });
            }
            if contract.expiry().is_some_and(|expiry| expiry <= self.start()) {
                return Err(GenesisError::Expired { index, have: have() });
            }
            let surface = contract.expiry().and_then(|it| self.underlyings[underlying].surface(it));
            if matches!(contract, Contract::Option { .. }) && surface.is_none_or(|it| it.nodes.is_empty()) {
                return Err(GenesisError::NoSurface { index, have: have() });
            }
            contracts.push((underlying, contract));
        }
        Ok(contracts)
    }
}

impl UnderlyingGenesis {
    pub(crate) fn surface(&self, expiry: Timestamp) -> Option<&Surface> {
        self.surfaces.iter().find(|surface| surface.expiry_ms == expiry.millis())
    }

    pub(crate) fn check(&self, index: usize) -> Result<(), GenesisError> {
        let field = |name: &str| format!("underlyings[{index}].{name}");
        check(&field("symbol"), &self.symbol, name::is_symbol(&self.symbol), "1 to 8 capitals or digits")?;
        check(&field("index_micros"), self.index_micros, self.index_micros > 0, "above 0")?;
        for (place, surface) in self.surfaces.iter().enumerate() {
            let forward = surface.forward_billionths;
            let in_range = (Fix::SCALE / 10..=10 * Fix::SCALE).contains(&forward);
            check(&field(&format!("surfaces[{place}].forward_billionths")), forward, in_range, "0.1 to 10")?;
            let rising = surface.nodes.windows(2).all(|pair| pair[0].strike_micros < pair[1].strike_micros);
            let sane = surface.nodes.iter().all(|node| {
                node.strike_micros > 0 && (1..=10 * Fix::SCALE).contains(&node.volatility_billionths)
            });
            let need = "of rising strikes above 0 and volatilities above 0 up to 1,000 %";
            check(&field(&format!("surfaces[{place}].nodes")), "a list", rising && sane, need)?;
        }
        Ok(())
    }
}

/// A key of 64 hexadecimal digits.
pub(crate) fn parse_key(text: &str) -> Option<crypto::PublicKey> {
    let bytes: [u8; 32] = hex::decode(text).ok()?.try_into().ok()?;
    Some(crypto::PublicKey(bytes))
}

fn check(field: &str, have: impl ToString, holds: bool, need: &'static str) -> Result<(), GenesisError> {
    if holds {
        return Ok(());
    }
    Err(GenesisError::Value { field: field.to_owned(), have: have.to_string(), need })
}

impl Genesis {
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
            margin: MarginParameters {
                initial_billionths: 1_300_000 * PART,
                short_option_billionths: 10_000 * PART,
                future_billionths: 6_000 * PART,
            },
            marks: MarkParameters { move_billionths: 100 * PART, period_ms: 1_000 },
            liquidation: LiquidationParameters {
                step_billionths: 250_000 * PART,
                band_billionths: 50_000 * PART,
                accounts_max: 16,
            },
            limits: Limits {
                accounts_max: 1_000_000,
                session_keys_max: 32,
                open_orders_max: 10_000,
                order_lots_max: 10_000_000,
                price_band_billionths: 250_000 * PART,
            },
        }
    }
}
