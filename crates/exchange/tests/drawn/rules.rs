//! Rules that differ from run to run, so that each meets each.

use exchange::{
    Genesis,
    genesis::{
        ComboParameters, ExoticParameters, FundingParameters, GovernanceParameters, HaltParameters,
        ListingParameters, Member, PoolGenesis, VaultParameters, WithdrawalParameters,
    },
};
use num::{DAY_MS, Fix, HOUR_MS};

use crate::support::*;

/// Whether little money meets a wild market, so that margin fails.
pub const fn is_wild(seed: u64) -> bool {
    seed % 3 == 2
}

/// Whether there are exotics, and days pass.
pub const fn has_exotics(seed: u64) -> bool {
    seed % 7 < 3
}

/// Rules differ from run to run: isolated pools or one, few orders or many, withdrawals or none.
pub fn begun(seed: u64) -> Genesis {
    let mut genesis = genesis();
    if seed % 2 == 1 {
        genesis.limits.open_orders_max = 9;
        genesis.limits.book_orders_max = 5;
        genesis.limits.position_lots_max = 60;
        genesis.limits.open_interest_lots_max = 70;
    }
    if seed % 3 == 1 {
        genesis.pools = vec![PoolGenesis { name: "ether".to_owned(), insurance_micros: 5_000_000_000 }];
        genesis.underlyings[1].pool = 1;
    }
    genesis.liquidation.book_ms = 30;
    genesis.liquidation.auction_ms = 60;
    if is_wild(seed) {
        genesis.insurance_micros = 150_000_000;
    }
    list(&mut genesis, seed);
    guard(&mut genesis, seed);
    genesis
}

/// Combos, exotics, and what is listed by rule.
fn list(genesis: &mut Genesis, seed: u64) {
    genesis.combos = (!seed.is_multiple_of(5)).then_some(ComboParameters {
        open_max: 3,
        idle_ms: if seed % 4 > 1 { 900 } else { HOUR_MS },
        ..ComboParameters::default()
    });
    genesis.listing = (seed % 6 > 3).then_some(ListingParameters {
        dailies: 1,
        weeklies: 1,
        monthlies: 1,
        quarterlies: 1,
        strikes: 1,
        step_billionths: Fix::SCALE / 70,
        check_ms: 45,
        instruments_max: 36,
        ..ListingParameters::default()
    });
    genesis.exotics = has_exotics(seed).then_some(ExoticParameters {
        open_max: 4,
        idle_ms: if seed.is_multiple_of(3) { 700 } else { DAY_MS * 9 },
        fee_micros: 1_000_000,
        ..ExoticParameters::default()
    });
}

/// Halts, funding, governance, vaults and withdrawals.
fn guard(genesis: &mut Genesis, seed: u64) {
    let hex = |user: u8| hex::encode(account(user).owner.0);
    genesis.governance = (seed % 5 > 2).then(|| GovernanceParameters {
        members: (1..=4).map(|user| Member { key: hex(user), stake: user.into() }).collect(),
        quorum: 6,
        voting_ms: 400,
        delay_ms: 50,
        proposals_max: 2,
        guardian: Some(hex(5)),
        pause_ms_max: 60,
        rest_ms: 250,
    });
    genesis.funding = (seed % 4 != 1).then_some(FundingParameters {
        period_ms: 900,
        average_ms: 90,
        impact_micros: 700_000_000,
        pay_ms: 70,
        gap_ms_max: 150,
        ..FundingParameters::default()
    });
    genesis.halt = (seed % 4 < 2).then_some(HaltParameters {
        window_ms: 900,
        move_billionths: if is_wild(seed) { Fix::SCALE / 4 } else { Fix::SCALE / 50 },
        flow_bucket_lots: 30,
        flow_buckets: 2,
        flow_billionths: Fix::SCALE / 10 * 7,
        cancel_only_ms: 5,
        collect_ms: 75,
    });
    genesis.vault = (seed % 5 > 1).then_some(VaultParameters {
        lock_ms: 300,
        skew_billionths: Fix::SCALE / 10,
        lots: 20,
        instruments_max: 3,
        ..VaultParameters::default()
    });
    genesis.withdrawals = (seed % 3 < 2).then_some(WithdrawalParameters {
        delay_ms: 25,
        period_ms: 60,
        share_billionths: Fix::SCALE / 5_000,
        waiting_max: 3,
    });
}
