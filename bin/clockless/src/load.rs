//! Load at a constant rate: what is due now, and how long what was made took.
//!
//! Invariant: the rate is kept whatever the answers (an open loop), and a latency counts from the moment a
//! transaction was due, so that a stall is measured in every transaction that it delayed.

use std::time::{Duration, Instant};

use rand::Rng as _;

use crate::node::config::LoadConfig;

/// The smallest transaction that can hold its number and its maker.
pub const BYTES_MIN: usize = 16;
/// Transactions made at one time at most; the rest follows at once.
const BURST_MAX: u64 = 4_096;

/// One source of transactions.
#[derive(Debug)]
pub struct Load {
    rate: f64,
    began: Instant,
    made: u64,
    template: Vec<u8>,
}

impl Load {
    /// Load of one maker, from now on.
    pub fn new(config: LoadConfig, maker: u64) -> Self {
        let mut template = vec![0; config.transaction_bytes.max(BYTES_MIN)];
        rand::rng().fill_bytes(&mut template);
        template[8..16].copy_from_slice(&maker.to_le_bytes());
        Self { rate: config.transactions_per_s.max(1) as f64, began: Instant::now(), made: 0, template }
    }

    /// The transactions that are due, and the number of the first: numbers count on from zero.
    pub fn due(&mut self, now: Instant) -> (u64, Vec<Vec<u8>>) {
        let due = (now.duration_since(self.began).as_secs_f64() * self.rate) as u64;
        let first = self.made;
        self.made = due.clamp(first, first + BURST_MAX);
        let transactions = (first..self.made).map(|number| {
            let mut transaction = self.template.clone();
            transaction[..8].copy_from_slice(&number.to_le_bytes());
            transaction
        });
        (first, transactions.collect())
    }

    /// When a transaction was due.
    pub fn due_at(&self, number: u64) -> Instant {
        self.began + Duration::from_secs_f64(number as f64 / self.rate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_are_due_as_the_rate_says_each_once() {
        let mut load = Load::new(LoadConfig { transactions_per_s: 1_000, transaction_bytes: 40 }, 7);
        let at = |ms| load_start(&load) + Duration::from_millis(ms);
        let (ten, twelve) = (at(10), at(12));
        let (first, transactions) = load.due(ten);
        assert_eq!((first, transactions.len()), (0, 10));
        let (first, transactions) = load.due(twelve);
        assert_eq!((first, transactions.len(), transactions[1].len()), (10, 2, 40));
        assert_ne!(transactions[0], transactions[1]);
        assert_eq!(load.due(ten).1.len(), 0);
        assert_eq!(load.due_at(10), ten);
    }

    fn load_start(load: &Load) -> Instant {
        load.due_at(0)
    }
}
