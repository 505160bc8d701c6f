//! Parameters of what guards the exchange: halts, funding, withdrawals, listing, combos, exotics, vaults,
//! the oracle's ladder.
//!
//! Invariant: each has a default that a local network can use; where one is absent in genesis, so is its rule.

use num::{Cash, Fix};
use serde::{Deserialize, Serialize};

/// When a market stops, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HaltParameters {
    /// The span of commit time that is looked at.
    pub window_ms: u64,
    /// How far the index may be from its lowest or highest in the window, as a part of that.
    pub move_billionths: i64,
    /// Takers' lots in a bucket of the order flow, and how many buckets are looked at.
    pub flow_bucket_lots: u64,
    pub flow_buckets: u64,
    /// The mean imbalance of the buckets at which an instrument stops.
    pub flow_billionths: i64,
    /// For how long only cancels are taken.
    pub cancel_only_ms: u64,
    /// For how long orders are collected then.
    pub collect_ms: u64,
}

impl Default for HaltParameters {
    fn default() -> Self {
        const PART: i64 = Fix::SCALE / 1_000_000;
        Self {
            window_ms: 300_000,
            move_billionths: 150_000 * PART,
            flow_bucket_lots: 100_000,
            flow_buckets: 20,
            flow_billionths: 990_000 * PART,
            cancel_only_ms: 30_000,
            collect_ms: 30_000,
        }
    }
}

/// What perpetuals pay to stay at their index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FundingParameters {
    /// The span that rates are for.
    pub period_ms: u64,
    /// The largest rate for it, either way.
    pub cap_billionths: i64,
    /// A premium up to here costs nothing.
    pub free_billionths: i64,
    /// No premium counts for more.
    pub premium_billionths_max: i64,
    /// The span over which premiums are averaged.
    pub average_ms: u64,
    /// The notional that must be there on a side for its price to count.
    pub impact_micros: i64,
    /// How often everybody pays.
    pub pay_ms: u64,
    /// The most data time between two commits that is paid for.
    pub gap_ms_max: u64,
}

impl Default for FundingParameters {
    /// Deribit's numbers: over eight hours what is beyond 0.025 %, at most 0.5 %.
    fn default() -> Self {
        const PART: i64 = Fix::SCALE / 1_000_000;
        Self {
            period_ms: 8 * num::HOUR_MS,
            cap_billionths: 5_000 * PART,
            free_billionths: 250 * PART,
            premium_billionths_max: 5_000 * PART,
            average_ms: 30_000,
            impact_micros: 10_000 * Cash::SCALE,
            pay_ms: num::MINUTE_MS,
            gap_ms_max: num::MINUTE_MS,
        }
    }
}

/// How smiles and forwards follow what their books quote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmileParameters {
    /// Strikes with a usable market that a smile needs.
    pub quotes_min: u32,
    /// Lots that either side of a book must show up to the price that counts.
    pub lots_min: u64,
    /// The widest market that counts for an option, as a difference of volatilities.
    pub spread_billionths_max: i64,
    /// How far a volatility may go in a second.
    pub speed_billionths: i64,
    /// The widest market that counts for a future, as a part of the index.
    pub forward_spread_billionths_max: i64,
    /// How far a forward may go in a second, as a part of the index.
    pub forward_speed_billionths: i64,
}

impl Default for SmileParameters {
    /// Five strikes as for any SVI; one point of volatility a second, and a hundredth of a percent of the index.
    fn default() -> Self {
        const PART: i64 = Fix::SCALE / 1_000_000;
        Self {
            quotes_min: 5,
            lots_min: 10,
            spread_billionths_max: 250_000 * PART,
            speed_billionths: 10_000 * PART,
            forward_spread_billionths_max: 10_000 * PART,
            forward_speed_billionths: 100 * PART,
        }
    }
}

/// Which combos have books.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ComboParameters {
    /// Open combos of one underlying.
    pub open_max: u32,
    /// How long a combo stays that has neither orders nor trades.
    pub idle_ms: u64,
    /// What it costs to list one.
    pub fee_micros: i64,
}

impl Default for ComboParameters {
    fn default() -> Self {
        Self { open_max: 256, idle_ms: num::HOUR_MS, fee_micros: Cash::SCALE }
    }
}

/// Which exotics can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExoticParameters {
    /// Open exotics of one underlying: each is valued anew in every scenario when marks are made.
    pub open_max: u32,
    /// How long an exotic stays that nobody holds and nobody trades.
    pub idle_ms: u64,
    /// What it costs to list one.
    pub fee_micros: i64,
    /// The distance of strikes and levels as a part of the index, before it is rounded up to 1, 2 or 5 times a power of
    /// ten.
    pub step_billionths: i64,
    /// A strike or level is at most so many times the index, and at least that part of it.
    pub reach: u32,
    /// Fixings of an Asian option, a day apart.
    pub fixings_max: u32,
}

impl Default for ExoticParameters {
    fn default() -> Self {
        Self {
            open_max: 32,
            idle_ms: num::HOUR_MS,
            fee_micros: 10 * Cash::SCALE,
            step_billionths: Fix::SCALE / 1_000,
            reach: 4,
            fixings_max: 31,
        }
    }
}

/// What vaults quote, and how one leaves them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VaultParameters {
    /// How long shares stay after one has paid in.
    pub lock_ms: u64,
    /// Of what is given back, the part that stays with the others.
    pub exit_billionths: i64,
    /// How far from the mark's volatility either side of a quote is.
    pub spread_billionths: i64,
    /// By how much volatility quotes move for each unit of options held at the expiry.
    pub skew_billionths: i64,
    /// Lots of each side of a quote.
    pub lots: u64,
    /// Options that are quoted in one commit.
    pub instruments_max: u32,
}

impl Default for VaultParameters {
    fn default() -> Self {
        const PART: i64 = Fix::SCALE / 1_000_000;
        Self {
            lock_ms: 24 * num::HOUR_MS,
            exit_billionths: 1_000 * PART,
            spread_billionths: 20_000 * PART,
            skew_billionths: 2_000 * PART,
            lots: 10,
            instruments_max: 16,
        }
    }
}

/// How money leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WithdrawalParameters {
    /// How long a withdrawal waits at least.
    pub delay_ms: u64,
    /// Withdrawals are paid at multiples of this.
    pub period_ms: u64,
    /// Of all deposits, what may leave in a period.
    pub share_billionths: i64,
    /// Withdrawals that an account may wait for.
    pub waiting_max: u32,
}

impl Default for WithdrawalParameters {
    fn default() -> Self {
        Self {
            delay_ms: 10 * num::MINUTE_MS,
            period_ms: num::HOUR_MS,
            share_billionths: Fix::SCALE / 20,
            waiting_max: 8,
        }
    }
}

/// Which instruments are listed by rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ListingParameters {
    pub dailies: u32,
    pub weeklies: u32,
    pub monthlies: u32,
    pub quarterlies: u32,
    /// Strikes on either side of the one at the index.
    pub strikes: u32,
    /// The distance of strikes as a part of the index, before it is rounded up to 1, 2 or 5 times a power of ten.
    pub step_billionths: i64,
    /// The volatility of an expiry when there is no other to begin from.
    pub volatility_billionths: i64,
    /// How often the rule is looked at.
    pub check_ms: u64,
    /// Open instruments of all underlyings.
    pub instruments_max: u32,
}

impl Default for ListingParameters {
    fn default() -> Self {
        Self {
            dailies: 2,
            weeklies: 3,
            monthlies: 3,
            quarterlies: 4,
            strikes: 10,
            step_billionths: Fix::SCALE / 64,
            volatility_billionths: Fix::SCALE / 2,
            check_ms: num::MINUTE_MS,
            instruments_max: 4_096,
        }
    }
}

/// When an index is too bad for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LadderParameters {
    /// A quorum's words older than this are stale.
    pub stale_ms: u64,
    /// How far reporters may be apart, as a part of the index.
    pub uncertain_billionths: i64,
    /// How far the index may be from its average, as a part of that.
    pub volatile_billionths: i64,
    /// The span of the average.
    pub average_ms: u64,
}

impl Default for LadderParameters {
    fn default() -> Self {
        Self {
            stale_ms: 15_000,
            uncertain_billionths: Fix::SCALE / 50,
            volatile_billionths: Fix::SCALE / 2,
            average_ms: num::HOUR_MS,
        }
    }
}

/// A pool: underlyings whose accounts and insurance fund answer for each other and for nobody else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PoolGenesis {
    pub name: String,
    /// What its insurance fund starts with.
    pub insurance_micros: i64,
}

/// Who may change parameters, and how slowly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GovernanceParameters {
    pub members: Vec<Member>,
    /// Stake that must vote for a proposal.
    pub quorum: u64,
    /// How long a proposal can be voted for.
    pub voting_ms: u64,
    /// How long after it passed it is enacted.
    pub delay_ms: u64,
    /// Proposals that may be open or waiting.
    pub proposals_max: u32,
    /// Ed25519 public key of who may pause, 64 hexadecimal digits; nobody where it is absent.
    #[serde(default)]
    pub guardian: Option<String>,
    pub pause_ms_max: u64,
    /// How long after a pause there can be no other.
    pub rest_ms: u64,
}

/// A member of governance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// Ed25519 public key, 64 hexadecimal digits.
    pub key: String,
    pub stake: u64,
}

impl Member {
    /// `None` when the key is none.
    pub(crate) fn public_key(&self) -> Option<crypto::PublicKey> {
        super::parse_key(&self.key)
    }
}
