//! The state before the first commit.
//!
//! Invariant: a state is made only from a genesis whose every relation holds.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crypto::Digest;
use num::{Cash, Fix, Lots, Market, Timestamp, div_floor};
use wire::{InstrumentId, Rung, UnderlyingId};

use crate::{
    agenda::Agenda,
    book::LadderBook,
    exotic::Exotic,
    funding::Funding,
    genesis::{Genesis, GenesisError, Limits, UnderlyingGenesis, Units, parse_key, price_range},
    governance::Governance,
    halt::TakerFlow,
    instrument::{Instrument, Listing},
    ladder::Average,
    ledger::{Ledger, Purse},
    liquidation::Liquidations,
    name::{self, Contract},
    oracle::{Oracle, OracleParameters},
    order::ActionPlace,
    order_table::OrderTable,
    state::{Parameters, State, Touched, Underlying},
    vault::Vaults,
    withdrawals::Withdrawals,
};

impl State {
    /// The exchange of a genesis on the network with this digest.
    pub fn new(genesis: &Genesis, network: Digest) -> Result<Self, GenesisError> {
        genesis.check_parameters()?;
        let grid = genesis.scenarios()?;
        let underlyings = begin_underlyings(genesis)?;
        let instruments = list_instruments(genesis, &underlyings)?;
        let reporters = genesis.oracle.reporters.iter().filter_map(|it| parse_key(&it.key)).collect();
        let mut state = Self {
            parameters: Parameters::of(genesis, network, reporters, grid),
            commit: 0,
            acting: ActionPlace::default(),
            time: genesis.start(),
            ledger: Ledger::with_pools(genesis.pools.len() + 1),
            oracle: begin_oracle(genesis, &instruments),
            underlyings,
            names: instruments.iter().map(|it| (it.name.clone(), it.id)).collect(),
            books: instruments.iter().map(|_| LadderBook::default()).collect(),
            touched: Touched {
                instruments: instruments.iter().map(|it| it.id).collect(),
                ..Touched::default()
            },
            instruments,
            accounts: Vec::new(),
            account_index: BTreeMap::new(),
            keys: BTreeMap::new(),
            nonces: BTreeMap::new(),
            orders: OrderTable::default(),
            next_order: 1,
            trades: 0,
            governance: Governance::default(),
            withdrawals: Withdrawals::default(),
            vaults: Vaults::default(),
            lists_at: Timestamp::ZERO,
            funding_paid_at: genesis.start(),
            ordered_blocks: BTreeSet::new(),
            ordered_queue: VecDeque::new(),
            equivocators: BTreeMap::new(),
            receipts: VecDeque::new(),
            liquidations: Liquidations::default(),
            margin_epoch: 0,
            agenda: Agenda::default(),
            entering: Vec::new(),
            savepoint: None,
            events: Vec::new(),
        };
        let others = genesis.pools.iter().map(|pool| pool.insurance_micros);
        for (pool, micros) in (0..).zip(core::iter::once(genesis.insurance_micros).chain(others)) {
            state.pay(Purse::Outside, Purse::Insurance(pool), Cash::from_micros(micros));
        }
        state.refresh_marks();
        Ok(state)
    }
}

fn list_instruments(genesis: &Genesis, underlyings: &[Underlying]) -> Result<Vec<Instrument>, GenesisError> {
    let mut instruments = Vec::with_capacity(genesis.instruments.len());
    for (place, (underlying, _)) in genesis.contracts()?.into_iter().enumerate() {
        let value = |have: usize, need: &str| GenesisError::Value {
            field: "instruments".to_owned(),
            have: have.to_string(),
            need: need.to_owned(),
        };
        let id = u32::try_from(place).map_err(|_| value(place, "fewer than 2^32"))?;
        let have = u16::try_from(underlying);
        have.map_err(|_| value(underlying, "on fewer than 2^16 underlyings"))?;
        let name = &genesis.instruments[place];
        let listed = list_instrument(underlyings, &genesis.limits, (InstrumentId(id), name));
        instruments.push(listed.expect("invariant: units and underlying were checked"));
    }
    Ok(instruments)
}

/// An instrument as it begins; `None` when the name is of no contract on an underlying of genesis.
pub(crate) fn list_instrument(
    underlyings: &[Underlying],
    limits: &Limits,
    (id, name): (InstrumentId, &str),
) -> Option<Instrument> {
    let (symbol, contract) = name::parse(name)?;
    let place = underlyings.iter().position(|it| it.symbol == symbol)?;
    let of = &underlyings[place];
    let is_exotic = matches!(contract, Contract::Exotic { .. });
    let is_option = is_exotic || matches!(contract, Contract::Option { .. });
    let market = if is_option { of.option } else { of.future };
    Some(Instrument {
        id,
        name: name.to_owned(),
        underlying: UnderlyingId(u16::try_from(place).ok()?),
        contract,
        combo: None,
        exotic: is_exotic.then(Exotic::default),
        market,
        listing: Listing::Open,
        valuation: None,
        open_interest: 0,
        halt: None,
        collected: Vec::new(),
        flow: TakerFlow::default(),
        funding: Funding::default(),
        position_max: position_max(market, of.first_index).min(Lots::new(limits.position_lots_max)),
        last_trade: None,
    })
}

impl State {
    /// The largest position that an account may have in an instrument.
    pub(crate) fn position_max(&self, it: &Instrument) -> Lots {
        self.countable(it).min(Lots::new(self.parameters.limits.position_lots_max))
    }

    /// The largest position in an instrument that can be counted.
    pub(crate) fn countable(&self, it: &Instrument) -> Lots {
        position_max(it.market, self.underlying(it.underlying).first_index)
    }
}

/// The largest position that can be counted at any price that may be observed.
fn position_max(market: Market, index: Cash) -> Lots {
    const VALUE_MAX: i128 = 1 << 60;
    const LOTS_MAX: u64 = 1 << 42;
    let (_, price_max) = price_range(index);
    let per_lot = i128::from(price_max.micros()) * i128::from(market.lot_size().raw());
    let lots = div_floor(VALUE_MAX * i128::from(Fix::SCALE), per_lot).unwrap_or(0);
    Lots::new(u64::try_from(lots).unwrap_or(LOTS_MAX).min(LOTS_MAX))
}

fn begin_oracle(genesis: &Genesis, instruments: &[Instrument]) -> Oracle {
    let parameters = OracleParameters {
        weights: genesis.oracle.reporters.iter().map(|reporter| reporter.weight).collect(),
        quorum: genesis.oracle.quorum,
        age_max: genesis.oracle.age_max(),
        lead_max: genesis.oracle.lead_max(),
        ranges: genesis
            .underlyings
            .iter()
            .map(|it| price_range(Cash::from_micros(it.index_micros)))
            .collect(),
    };
    let mut oracle = Oracle::new(parameters);
    for it in instruments {
        if let Some(expiry) = it.contract.expiry() {
            oracle.list_expiry(it.underlying, expiry);
        }
    }
    oracle
}

fn begin_underlyings(genesis: &Genesis) -> Result<Vec<Underlying>, GenesisError> {
    let begin = |(index, it): (usize, &UnderlyingGenesis)| {
        let market = |units: Units| units.market().map_err(|source| GenesisError::Market { index, source });
        let (first_index, at) = (Cash::from_micros(it.index_micros), genesis.start());
        Ok(Underlying {
            option: market(it.option)?,
            future: market(it.future)?,
            first_index,
            pool: it.pool,
            average: Average { value: first_index, at },
            rung: Rung::Valid,
            symbol: it.symbol.clone(),
            index: Cash::from_micros(it.index_micros),
            uncertainty: Fix::ZERO,
            recent: VecDeque::new(),
            index_at: Timestamp::from_millis(genesis.start_ms),
            marked: None,
            surfaces: it.surfaces.clone(),
            followed: BTreeMap::new(),
        })
    };
    genesis.underlyings.iter().enumerate().map(begin).collect()
}
