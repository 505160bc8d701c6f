//! From a chain to the exchange's genesis: what is listed, marked how, in which units.
//!
//! Units: BTC options tick 1 USD, lot 0.01; BTC futures tick 0.5, lot 0.001; ETH options tick 0.1, lot 0.1;
//! ETH futures tick 0.05, lot 0.01. One future an expiry and one perpetual each.

use std::collections::{BTreeMap, BTreeSet};

use exchange::{
    Genesis,
    genesis::{Faucet, Node, OracleGenesis, Reporter, Surface, UnderlyingGenesis, Units},
    name::{self, Contract, Right as NameRight},
};
use num::{Cash, Fix, Timestamp};

use crate::demo::chain::{Chain, ListedOption, Right};

/// The genesis that lists a chain.
pub fn genesis(chain: &Chain, reporters: &[crypto::PublicKey]) -> Genesis {
    let weight = |key: &crypto::PublicKey| Reporter { key: key.to_string(), weight: 1 };
    let quorum = u64::try_from(reporters.len() - (reporters.len() - 1) / 3).unwrap_or(1);
    let mut instruments = Vec::new();
    let mut underlyings = Vec::new();
    for (symbol, spot) in &chain.spot {
        let options: Vec<&ListedOption> =
            chain.options.iter().filter(|it| it.underlying == *symbol).collect();
        let expiries: BTreeSet<u64> = options.iter().map(|it| it.expiry_ms).collect();
        instruments.push(name::format(symbol, &Contract::Perpetual));
        for expiry in &expiries {
            let expiry = Timestamp::from_millis(*expiry);
            instruments.push(name::format(symbol, &Contract::Future { expiry }));
        }
        instruments.extend(options.iter().map(|it| option_name(it)));
        underlyings.push(underlying(symbol, *spot, &options, &expiries));
    }
    Genesis {
        start_ms: chain.day_ms,
        faucet: Faucet::Open { micros_max: 1_000_000_000_000_000 },
        insurance_micros: 10_000_000_000_000,
        oracle: OracleGenesis {
            reporters: reporters.iter().map(weight).collect(),
            quorum,
            age_ms_max: 60_000,
            lead_ms_max: 5_000,
        },
        underlyings,
        instruments,
        ..Genesis::with_usual_parameters()
    }
}

fn option_name(it: &ListedOption) -> String {
    let right = match it.right {
        Right::Call => NameRight::Call,
        Right::Put => NameRight::Put,
    };
    let expiry = Timestamp::from_millis(it.expiry_ms);
    name::format(&it.underlying, &Contract::Option { expiry, strike: it.strike, right })
}

fn underlying(
    symbol: &str,
    spot: Cash,
    options: &[&ListedOption],
    expiries: &BTreeSet<u64>,
) -> UnderlyingGenesis {
    let units = |tick_micros, lot_billionths| Units { tick_micros, lot_billionths };
    let (option, future) = if symbol == "BTC" {
        (units(1_000_000, 10_000_000), units(500_000, 1_000_000))
    } else {
        (units(100_000, 100_000_000), units(50_000, 10_000_000))
    };
    let surfaces = expiries.iter().map(|expiry| surface(*expiry, spot, options)).collect();
    UnderlyingGenesis { symbol: symbol.to_owned(), index_micros: spot.micros(), option, future, surfaces, pool: 0 }
}

/// The smile of an expiry: at each strike the mean of what the chain says of call and put.
fn surface(expiry_ms: u64, spot: Cash, options: &[&ListedOption]) -> Surface {
    let of_expiry: Vec<&&ListedOption> = options.iter().filter(|it| it.expiry_ms == expiry_ms).collect();
    let mut by_strike: BTreeMap<Cash, Vec<i64>> = BTreeMap::new();
    for it in &of_expiry {
        by_strike.entry(it.strike).or_default().push(it.volatility.raw());
    }
    let mean = |values: &[i64]| {
        let sum: i128 = values.iter().map(|it| i128::from(*it)).sum();
        i64::try_from(sum / i128::try_from(values.len()).unwrap_or(1)).unwrap_or(1)
    };
    let forwards: Vec<i64> = of_expiry.iter().map(|it| it.forward.micros()).collect();
    let forward = i128::from(mean(&forwards)) * i128::from(Fix::SCALE) / i128::from(spot.micros());
    let node = |(strike, values): (&Cash, &Vec<i64>)| Node {
        strike_micros: strike.micros(),
        volatility_billionths: mean(values),
    };
    Surface {
        expiry_ms,
        forward_billionths: i64::try_from(forward).unwrap_or(Fix::SCALE),
        nodes: by_strike.iter().map(node).collect(),
    }
}
