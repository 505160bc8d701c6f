//! How much a caller may ask for: the venue's credits, which flow back at a steady rate.
//!
//! A call costs one; a pool of `burst` refills at `rate` a second. Calls that trade draw on a second pool of
//! their account.
//!
//! Invariant: a pool is never below zero and never above its burst, whatever the clock does; nobody's
//! spending is felt by another account, connection or address.

use std::{collections::BTreeMap, net::IpAddr, sync::Mutex, sync::PoisonError};

use serde::{Deserialize, Serialize};
use wire::AccountId;

/// Callers whose pools are remembered; full pools are forgotten first.
const POOLS_MAX: usize = 10_000;
/// A call in thousandths, so that slow rates refill smoothly.
const CALL: u64 = 1_000;

/// Calls a second, and how many may come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    pub rate: u64,
    pub burst: u64,
}

/// The limits of a gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// All calls of one WebSocket connection.
    pub connection: Rate,
    /// HTTP calls of one address that do not say who they are.
    pub address: Rate,
    /// HTTP calls of one account.
    pub account: Rate,
    /// Calls of one account that place, edit or cancel, over all its connections.
    pub trading: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connection: Rate { rate: 500, burst: 1_000 },
            address: Rate { rate: 500, burst: 1_000 },
            account: Rate { rate: 500, burst: 1_000 },
            trading: Rate { rate: 10_000, burst: 20_000 },
        }
    }
}

/// What is left of one caller's credits.
#[derive(Clone, Copy, Debug)]
pub struct Pool {
    limit: Rate,
    /// In thousandths of a call.
    left: u64,
    at_us: u64,
}

impl Pool {
    pub const fn new(limit: Rate, now_us: u64) -> Self {
        Self { limit, left: limit.burst.saturating_mul(CALL), at_us: now_us }
    }

    /// Spends one call; false when there is none left.
    pub fn spend(&mut self, now_us: u64) -> bool {
        self.refill(now_us);
        match self.left.checked_sub(CALL) {
            Some(left) => {
                self.left = left;
                true
            }
            None => false,
        }
    }

    fn refill(&mut self, now_us: u64) {
        let passed = now_us.saturating_sub(self.at_us);
        let earned = passed.saturating_mul(self.limit.rate) / (1_000_000 / CALL);
        // Time too short to earn anything is kept for the next call.
        if earned > 0 || now_us < self.at_us {
            self.left = self.left.saturating_add(earned).min(self.limit.burst.saturating_mul(CALL));
            self.at_us = now_us;
        }
    }

    fn is_full(&self) -> bool {
        self.left >= self.limit.burst.saturating_mul(CALL)
    }
}

/// Whose credits a call costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Payer {
    Address(IpAddr),
    Account(AccountId),
    Trading(AccountId),
}

/// The pools of all callers that are not connections.
#[derive(Debug)]
pub struct Pools {
    pub limits: Limits,
    pools: Mutex<BTreeMap<Payer, Pool>>,
}

impl Pools {
    pub fn new(limits: Limits) -> Self {
        Self { limits, pools: Mutex::default() }
    }

    /// Spends one call of a caller; false when none is left.
    pub fn spend(&self, payer: Payer, now_us: u64) -> bool {
        let limit = match payer {
            Payer::Address(_) => self.limits.address,
            Payer::Account(_) => self.limits.account,
            Payer::Trading(_) => self.limits.trading,
        };
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if pools.len() >= POOLS_MAX && !pools.contains_key(&payer) {
            pools.retain(|_, pool| {
                pool.refill(now_us);
                !pool.is_full()
            });
        }
        pools.entry(payer).or_insert_with(|| Pool::new(limit, now_us)).spend(now_us)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_allows_its_burst_and_then_its_rate() {
        let mut pool = Pool::new(Rate { rate: 10, burst: 3 }, 0);
        assert_eq!((0..5).filter(|_| pool.spend(0)).count(), 3);
        assert!(!pool.spend(99_000));
        assert!(pool.spend(100_000));
        assert!(!pool.spend(150_000));
        assert!(pool.spend(200_000));
        assert_eq!((0..9).filter(|_| pool.spend(60_000_000)).count(), 3);
    }

    #[test]
    fn small_steps_earn_as_much_as_one_large_step() {
        let mut pool = Pool::new(Rate { rate: 7, burst: 1 }, 0);
        assert!(pool.spend(0));
        let spent = (1..=1_000).filter(|step| pool.spend(step * 1_000)).count();
        assert!((6..=7).contains(&spent), "{spent}");
    }

    #[test]
    fn a_clock_that_goes_back_gives_nothing_and_takes_nothing() {
        let mut pool = Pool::new(Rate { rate: 10, burst: 2 }, 1_000_000);
        assert!(pool.spend(1_000_000));
        assert!(pool.spend(0));
        assert!(!pool.spend(50_000));
        assert!(pool.spend(100_000));
    }

    #[test]
    fn callers_do_not_feel_each_other() {
        let pools = Pools::new(Limits { address: Rate { rate: 1, burst: 1 }, ..Limits::default() });
        let address = |last: u8| Payer::Address(IpAddr::from([127, 0, 0, last]));
        assert!(pools.spend(address(1), 0));
        assert!(!pools.spend(address(1), 0));
        assert!(pools.spend(address(2), 0));
    }
}
