//! At which prices an account would be liquidated, as it may ask.
//!
//! Invariant: what is told follows from the marks and from what the account has. It is kept until one of them changes,
//! so that asking often costs little.

use std::{collections::BTreeMap, sync::Mutex};

use num::{Cash, Fix, Position, Rounding, Timestamp};
use serde_json::{Map, Value, json};
use wire::{AccountId, InstrumentId, MarginModel};

use crate::{
    decimal::{cash, fix},
    json::price_index,
    lock,
    model::Instrument,
    view::View,
};

/// By account, the prices of underlyings that have one.
#[derive(Debug, Default)]
pub(crate) struct Estimates(Mutex<BTreeMap<AccountId, (Basis, Prices)>>);

/// By symbol, the index price.
type Prices = BTreeMap<String, Cash>;

/// What the prices follow from.
#[derive(Debug, PartialEq, Eq)]
struct Basis {
    balance: Cash,
    model: MarginModel,
    holdings: Vec<(InstrumentId, Position, Cash)>,
    /// Index and time of the marks of each underlying.
    marks: Vec<Option<(Cash, Timestamp)>>,
}

impl View {
    /// The index prices at which the account would be liquidated if only that underlying moved.
    fn liquidation_prices(&self, account: &AccountId) -> Prices {
        let Some(index) = self.state.account_index(account) else { return Prices::new() };
        let holdings = self.state.holdings(index).map(|(it, held)| (it.id, held.position, held.entry));
        let basis = Basis {
            balance: self.state.balance(index),
            model: self.state.margin_model(index),
            holdings: holdings.collect(),
            marks: self.state.underlyings().iter().map(|it| it.marked).collect(),
        };
        if let Some((of, prices)) = lock(&self.estimates.0).get(account)
            && *of == basis
        {
            return prices.clone();
        }
        let price = |symbol: String| {
            let price = self.state.liquidation_index(index, self.underlying_id(&symbol)?)?;
            Some((symbol, price))
        };
        let prices: Prices = self.underlyings().into_iter().filter_map(price).collect();
        lock(&self.estimates.0).insert(*account, (basis, prices.clone()));
        prices
    }

    /// Adds to a future's position at which index price its account would be liquidated, or null; as on the venue not to
    /// that of an option.
    pub(crate) fn tell_liquidation(&self, account: &AccountId, it: &Instrument, position: &mut Value) {
        if !it.is_option() && !it.is_exotic() {
            let price = self.liquidation_prices(account).get(&it.underlying).copied();
            position["estimated_liquidation_price"] = price.map_or(Value::Null, cash);
        }
    }

    /// Adds to a summary the ratios of those prices to the present ones, and of them the nearest to one.
    pub(crate) fn tell_liquidation_ratios(&self, account: &AccountId, summary: &mut Value) {
        let prices = self.liquidation_prices(account);
        let mut ratios: Vec<(String, Fix)> = Vec::new();
        for (symbol, price) in prices {
            let index = self.index(&symbol).unwrap_or(price);
            let ratio = Fix::ratio(price.micros(), index.micros(), Rounding::HalfEven);
            ratios.extend(ratio.map(|ratio| (price_index(&symbol), ratio)));
        }
        let nearest = ratios.iter().map(|(_, ratio)| *ratio);
        if let Some(nearest) = nearest.min_by_key(|ratio| ratio.raw().abs_diff(Fix::SCALE)) {
            let map: Map<String, Value> =
                ratios.into_iter().map(|(name, ratio)| (name, fix(ratio))).collect();
            summary["estimated_liquidation_ratio"] = fix(nearest);
            summary["estimated_liquidation_ratio_map"] = json!(map);
        }
    }
}
