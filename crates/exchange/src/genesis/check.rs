//! What must be true of a genesis, relation by relation.
//!
//! Invariant: a number that these checks let through cannot make arithmetic of the exchange overflow: prices
//! stay within a hundredfold of the first index, positions within what such prices can be counted at, and
//! limits within what 128 bits hold together.

use core::{fmt::Display, ops::RangeInclusive};
use std::collections::BTreeSet;

use num::{Cash, Fix, Timestamp};

use super::{
    ExoticParameters, FORWARD_RANGE, Faucet, Genesis, GenesisError, SmileParameters, Surface,
    UnderlyingGenesis, Units,
};
use crate::{
    book::RESTING_MAX,
    name::{self, Contract},
    risk::Grid,
};

const ONE: i64 = Fix::SCALE;
/// How far an index may ever move from the one in genesis, as a factor.
const INDEX_FACTOR_MAX: i64 = 100;
/// The widest scan range: the furthest scenario of a grid is three of them, and no price falls by more than itself.
pub const SCAN_BILLIONTHS_MAX: i64 = ONE / 3;
/// Ten million USDC.
const INDEX_MAX: i64 = 10_000_000 * Cash::SCALE;

/// The prices that may be observed of an underlying with this index at genesis.
pub(crate) fn price_range(index: Cash) -> (Cash, Cash) {
    let low = Cash::from_micros((index.micros() / INDEX_FACTOR_MAX).max(1));
    (low, Cash::from_micros(index.micros().saturating_mul(INDEX_FACTOR_MAX)))
}

impl Genesis {
    /// Checks everything that does not need the instruments.
    pub(crate) fn check_parameters(&self) -> Result<(), GenesisError> {
        within("insurance_micros", self.insurance_micros, 0..=i64::MAX)?;
        if let Faucet::Open { micros_max } = self.faucet {
            within("faucet.open.micros_max", micros_max, 1..=i64::MAX)?;
        }
        self.check_ratios()?;
        self.check_scan()?;
        self.check_limits()?;
        self.check_oracle()?;
        self.check_governance()?;
        let mut seen = BTreeSet::new();
        for (index, underlying) in self.underlyings.iter().enumerate() {
            underlying.check(index)?;
            let pools = u16::try_from(self.pools.len()).unwrap_or(u16::MAX);
            within(&format!("underlyings[{index}].pool"), underlying.pool, 0..=pools)?;
            if !seen.insert(&underlying.symbol) {
                let have = underlying.symbol.clone();
                return Err(GenesisError::DuplicateUnderlying { index, have });
            }
        }
        Ok(())
    }

    /// The grid that it names, whose ranges belong to its underlyings.
    pub(crate) fn scenarios(&self) -> Result<Grid, GenesisError> {
        let stranger =
            self.scan.keys().find(|symbol| self.underlyings.iter().all(|it| it.symbol != **symbol));
        if let Some(symbol) = stranger {
            return Err(refused("scan", symbol, "the symbol of an underlying"));
        }
        self.named_grid()
    }

    fn named_grid(&self) -> Result<Grid, GenesisError> {
        let names = || Grid::all().map(|grid| grid.name).join(", ");
        Grid::named(&self.grid).ok_or_else(|| refused("grid", &self.grid, &format!("one of {}", names())))
    }

    /// A range is never below half of what the grid has, however quiet the days that it was derived from.
    fn check_scan(&self) -> Result<(), GenesisError> {
        let least = self.named_grid()?.range().raw() / 2;
        let check = |(symbol, range): (&String, &i64)| {
            within(&format!("scan.{symbol}"), *range, least..=SCAN_BILLIONTHS_MAX)
        };
        self.scan.iter().try_for_each(check)
    }

    fn check_ratios(&self) -> Result<(), GenesisError> {
        let (fees, margin, liquidation) = (&self.fees, &self.margin, &self.liquidation);
        within("fees.option_billionths", fees.option_billionths, 0..=ONE / 10)?;
        within("fees.option_cap_billionths", fees.option_cap_billionths, 0..=ONE)?;
        within("fees.future_maker_billionths", fees.future_maker_billionths, 0..=ONE / 10)?;
        within("fees.future_taker_billionths", fees.future_taker_billionths, 0..=ONE / 10)?;
        within("margin.initial_billionths", margin.initial_billionths, ONE..=10 * ONE)?;
        within("margin.short_option_billionths", margin.short_option_billionths, 0..=ONE)?;
        within("margin.future_billionths", margin.future_billionths, 0..=ONE)?;
        within("margin.concentration_free_micros", margin.concentration_free_micros, 0..=i64::MAX)?;
        within("margin.concentration_billionths", margin.concentration_billionths, 0..=ONE)?;
        within("margin.uncertainty_free_billionths", margin.uncertainty_free_billionths, 0..=ONE)?;
        within("margin.correlation_billionths", margin.correlation_billionths, 0..=ONE)?;
        within("margin.standard_option_billionths", margin.standard_option_billionths, 0..=ONE)?;
        let least = margin.standard_option_least_billionths;
        within("margin.standard_option_least_billionths", least, 0..=margin.standard_option_billionths)?;
        within("margin.standard_future_billionths", margin.standard_future_billionths, 0..=ONE)?;
        within("marks.move_billionths", self.marks.move_billionths, 0..=ONE)?;
        within("liquidation.step_billionths", liquidation.step_billionths, 1..=ONE)?;
        within("liquidation.band_billionths", liquidation.band_billionths, 1..=ONE)?;
        within("liquidation.reward_billionths", liquidation.reward_billionths, 0..=ONE)?;
        within("liquidation.auction_ms", liquidation.auction_ms, 1..=u64::from(u32::MAX))?;
        within("limits.price_band_billionths", self.limits.price_band_billionths, 1..=ONE)
    }

    fn check_limits(&self) -> Result<(), GenesisError> {
        let limits = &self.limits;
        if let Some(halt) = &self.halt {
            within("halt.window_ms", halt.window_ms, 1..=u64::from(u32::MAX))?;
            within("halt.move_billionths", halt.move_billionths, 1..=i64::MAX)?;
            within("halt.flow_bucket_lots", halt.flow_bucket_lots, 1..=u64::MAX)?;
            within("halt.flow_buckets", halt.flow_buckets, 1..=1_000)?;
            within("halt.flow_billionths", halt.flow_billionths, 1..=i64::MAX)?;
            within("halt.cancel_only_ms", halt.cancel_only_ms, 0..=u64::from(u32::MAX))?;
            within("halt.collect_ms", halt.collect_ms, 0..=u64::from(u32::MAX))?;
        }
        if let Some(vault) = &self.vault {
            within("vault.lock_ms", vault.lock_ms, 0..=365 * num::DAY_MS)?;
            within("vault.exit_billionths", vault.exit_billionths, 0..=ONE / 10)?;
            within("vault.spread_billionths", vault.spread_billionths, 1..=ONE)?;
            within("vault.skew_billionths", vault.skew_billionths, 0..=ONE)?;
            within("vault.lots", vault.lots, 1..=limits.order_lots_max)?;
            within("vault.instruments_max", vault.instruments_max, 1..=256)?;
        }
        if let Some(combos) = &self.combos {
            within("combos.open_max", combos.open_max, 1..=4_096)?;
            within("combos.idle_ms", combos.idle_ms, 1..=u64::from(u32::MAX))?;
            within("combos.fee_micros", combos.fee_micros, 0..=1_000_000 * Cash::SCALE)?;
        }
        if let Some(exotics) = &self.exotics {
            exotics.check()?;
        }
        if let Some(smiles) = &self.smiles {
            smiles.check()?;
        }
        if let Some(funding) = &self.funding {
            within("funding.period_ms", funding.period_ms, 1..=u64::from(u32::MAX))?;
            within("funding.cap_billionths", funding.cap_billionths, 0..=ONE / 10)?;
            within("funding.free_billionths", funding.free_billionths, 0..=ONE)?;
            within("funding.premium_billionths_max", funding.premium_billionths_max, 0..=ONE / 10)?;
            within("funding.average_ms", funding.average_ms, 1..=u64::from(u32::MAX))?;
            within("funding.impact_micros", funding.impact_micros, 0..=i64::MAX)?;
            within("funding.gap_ms_max", funding.gap_ms_max, 0..=funding.period_ms)?;
            within("funding.pay_ms", funding.pay_ms, 0..=funding.period_ms)?;
        }
        self.check_guards()?;
        within("limits.open_interest_lots_max", limits.open_interest_lots_max, 1..=u64::MAX)?;
        within("limits.position_lots_max", limits.position_lots_max, 1..=u64::MAX)?;
        within("limits.accounts_max", limits.accounts_max, 1..=1 << 20)?;
        within("limits.open_orders_max", limits.open_orders_max, 1..=1 << 20)?;
        within("limits.order_lots_max", limits.order_lots_max, 1..=1 << 38)?;
        within("limits.book_orders_max", limits.book_orders_max, 1..=RESTING_MAX)?;
        within("liquidation.accounts_max", self.liquidation.accounts_max, 1..=1 << 20)
    }

    fn check_guards(&self) -> Result<(), GenesisError> {
        let span = 1..=u64::from(u32::MAX);
        if let Some(withdrawals) = &self.withdrawals {
            within("withdrawals.delay_ms", withdrawals.delay_ms, 0..=u64::from(u32::MAX))?;
            within("withdrawals.period_ms", withdrawals.period_ms, span.clone())?;
            within("withdrawals.share_billionths", withdrawals.share_billionths, 1..=ONE)?;
            within("withdrawals.waiting_max", withdrawals.waiting_max, 1..=1_024)?;
        }
        if let Some(listing) = &self.listing {
            let counts = [listing.dailies, listing.weeklies, listing.monthlies, listing.quarterlies];
            counts.into_iter().try_for_each(|count| within("listing: expiries of a kind", count, 0..=8))?;
            within("listing.strikes", listing.strikes, 0..=100)?;
            within("listing.step_billionths", listing.step_billionths, ONE / 1_000..=ONE)?;
            within("listing.volatility_billionths", listing.volatility_billionths, 1..=10 * ONE)?;
            within("listing.check_ms", listing.check_ms, span.clone())?;
            within("listing.instruments_max", listing.instruments_max, 1..=1 << 16)?;
        }
        if let Some(ladder) = &self.ladder {
            within("ladder.stale_ms", ladder.stale_ms, 1..=self.oracle.age_ms_max)?;
            within("ladder.uncertain_billionths", ladder.uncertain_billionths, 1..=ONE)?;
            within("ladder.volatile_billionths", ladder.volatile_billionths, 1..=10 * ONE)?;
            within("ladder.average_ms", ladder.average_ms, span)?;
        }
        Ok(())
    }

    fn check_governance(&self) -> Result<(), GenesisError> {
        within("pools", self.pools.len(), 0..=usize::from(u8::MAX))?;
        for pool in &self.pools {
            within("pools: insurance_micros", pool.insurance_micros, 0..=i64::MAX)?;
        }
        let Some(it) = &self.governance else { return Ok(()) };
        let mut total: u64 = 0;
        let mut seen = BTreeSet::new();
        for (index, member) in it.members.iter().enumerate() {
            let field = |name: &str| format!("governance.members[{index}].{name}");
            let key = member.public_key().filter(|key| seen.insert(*key));
            key.ok_or_else(|| refused(&field("key"), &member.key, "64 hexadecimal digits, and only here"))?;
            within(&field("stake"), member.stake, 1..=u64::MAX - total)?;
            total += member.stake;
        }
        // More than half, so that two contrary proposals cannot both pass without a common member.
        within("governance.quorum", it.quorum, total / 2 + 1..=total)?;
        let span = 0..=u64::from(u32::MAX);
        within("governance.voting_ms", it.voting_ms, span.clone())?;
        within("governance.delay_ms", it.delay_ms, span.clone())?;
        within("governance.proposals_max", it.proposals_max, 1..=1_024)?;
        within("governance.pause_ms_max", it.pause_ms_max, span.clone())?;
        within("governance.rest_ms", it.rest_ms, span)?;
        match &it.guardian {
            Some(key) if parse_key(key).is_none() => {
                Err(refused("governance.guardian", key, "64 hexadecimal digits"))
            }
            _ => Ok(()),
        }
    }

    fn check_oracle(&self) -> Result<(), GenesisError> {
        let mut total: u64 = 0;
        let mut seen = BTreeSet::new();
        for (index, reporter) in self.oracle.reporters.iter().enumerate() {
            let field = |name: &str| format!("oracle.reporters[{index}].{name}");
            let key = parse_key(&reporter.key)
                .ok_or_else(|| refused(&field("key"), &reporter.key, "64 hexadecimal digits"))?;
            if !seen.insert(key) {
                return Err(refused(&field("key"), &reporter.key, "a key that is not there twice"));
            }
            within(&field("weight"), reporter.weight, 1..=u64::MAX - total)?;
            total += reporter.weight;
        }
        // Without reporters the indices stay what they are, and any quorum is out of reach.
        let most = if self.oracle.reporters.is_empty() { u64::MAX } else { total };
        within("oracle.quorum", self.oracle.quorum, 1..=most)
    }

    /// The instruments' contracts with the place of their underlying, in order.
    pub(crate) fn contracts(&self) -> Result<Vec<(usize, Contract)>, GenesisError> {
        let mut contracts = Vec::with_capacity(self.instruments.len());
        let mut seen = BTreeSet::new();
        for (index, text) in self.instruments.iter().enumerate() {
            let have = || text.clone();
            // Exotics are listed by whoever wants one.
            let parsed = name::parse(text).filter(|(_, it)| !matches!(it, Contract::Exotic { .. }));
            let (symbol, contract) = parsed.ok_or_else(|| GenesisError::Name { index, have: have() })?;
            let place = self.underlyings.iter().position(|it| it.symbol == symbol);
            let place = place.ok_or_else(|| GenesisError::Underlying { index, have: have() })?;
            if !seen.insert(text) {
                return Err(GenesisError::Duplicate { index, have: have() });
            }
            if contract.expiry().is_some_and(|expiry| expiry <= self.start()) {
                return Err(GenesisError::Expired { index, have: have() });
            }
            if let Contract::Option { expiry, strike, .. } = contract {
                let underlying = &self.underlyings[place];
                if underlying.surface(expiry).is_none_or(|it| it.nodes.is_empty()) {
                    return Err(GenesisError::NoSurface { index, have: have() });
                }
                let (low, high) = price_range(Cash::from_micros(underlying.index_micros));
                if !(low..=high).contains(&strike) {
                    return Err(GenesisError::Strike { index, have: have(), low, high });
                }
            }
            contracts.push((place, contract));
        }
        Ok(contracts)
    }
}

impl UnderlyingGenesis {
    fn surface(&self, expiry: Timestamp) -> Option<&Surface> {
        self.surfaces.iter().find(|surface| surface.expiry_ms == expiry.millis())
    }

    fn check(&self, index: usize) -> Result<(), GenesisError> {
        let field = |name: &str| format!("underlyings[{index}].{name}");
        if !name::is_symbol(&self.symbol) {
            return Err(refused(&field("symbol"), &self.symbol, "1 to 8 capitals or digits"));
        }
        within(&field("index_micros"), self.index_micros, 1..=INDEX_MAX)?;
        self.option.check(&field("option"))?;
        self.future.check(&field("future"))?;
        let mut seen = BTreeSet::new();
        for (place, surface) in self.surfaces.iter().enumerate() {
            let field = |name: &str| field(&format!("surfaces[{place}].{name}"));
            if !seen.insert(surface.expiry_ms) {
                let need = "an expiry that has no surface before";
                return Err(refused(&field("expiry_ms"), surface.expiry_ms, need));
            }
            surface.check(field)?;
        }
        Ok(())
    }
}

impl Surface {
    fn check(&self, field: impl Fn(&str) -> String) -> Result<(), GenesisError> {
        within(&field("forward_billionths"), self.forward_billionths, FORWARD_RANGE)?;
        let mut above = 0;
        for (place, node) in self.nodes.iter().enumerate() {
            let field = |name: &str| field(&format!("nodes[{place}].{name}"));
            above += 1;
            within(&field("strike_micros"), node.strike_micros, above..=i64::MAX - 1)?;
            within(&field("volatility_billionths"), node.volatility_billionths, 1..=10 * ONE)?;
            above = node.strike_micros;
        }
        Ok(())
    }
}

impl ExoticParameters {
    fn check(&self) -> Result<(), GenesisError> {
        within("exotics.open_max", self.open_max, 1..=1_024)?;
        within("exotics.idle_ms", self.idle_ms, 1..=u64::from(u32::MAX))?;
        within("exotics.fee_micros", self.fee_micros, 0..=1_000_000 * Cash::SCALE)?;
        within("exotics.step_billionths", self.step_billionths, ONE / 100_000..=ONE)?;
        within("exotics.reach", self.reach, 2..=10)?;
        within("exotics.fixings_max", self.fixings_max, 2..=366)
    }
}

impl SmileParameters {
    fn check(&self) -> Result<(), GenesisError> {
        within("smiles.quotes_min", self.quotes_min, 5..=10_000)?;
        within("smiles.lots_min", self.lots_min, 1..=u64::MAX)?;
        within("smiles.spread_billionths_max", self.spread_billionths_max, 0..=10 * ONE)?;
        within("smiles.speed_billionths", self.speed_billionths, 0..=10 * ONE)?;
        within("smiles.forward_spread_billionths_max", self.forward_spread_billionths_max, 0..=ONE)?;
        within("smiles.forward_speed_billionths", self.forward_speed_billionths, 0..=ONE)
    }
}

impl Units {
    fn check(self, field: &str) -> Result<(), GenesisError> {
        within(&format!("{field}.tick_micros"), self.tick_micros, 1..=INDEX_MAX)?;
        within(&format!("{field}.lot_billionths"), self.lot_billionths, 1..=1_000_000 * ONE)
    }
}

/// A key of 64 hexadecimal digits.
pub(crate) fn parse_key(text: &str) -> Option<crypto::PublicKey> {
    let bytes: [u8; 32] = hex::decode(text).ok()?.try_into().ok()?;
    Some(crypto::PublicKey(bytes))
}

/// Both ends are allowed.
fn within<T: PartialOrd + Display>(
    field: &str,
    have: T,
    range: RangeInclusive<T>,
) -> Result<(), GenesisError> {
    if range.contains(&have) {
        return Ok(());
    }
    Err(refused(field, have, &format!("{} to {}", range.start(), range.end())))
}

fn refused<T: Display>(field: &str, have: T, need: &str) -> GenesisError {
    GenesisError::Value { field: field.to_owned(), have: have.to_string(), need: need.to_owned() }
}
