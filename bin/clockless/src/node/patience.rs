//! How long a peer that breaks rules is borne with.
//!
//! Invariant: what no honest validator sends has its price, and who has used up its patience within a minute is
//! shut out for one. A single slip, as of two versions side by side, cuts nobody off.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use crypto::PublicKey;

/// How long an offence counts, and how long who offended too often is shut out.
pub const MEMORY: Duration = Duration::from_secs(60);
/// What a peer may cost within that time.
const PATIENCE: u32 = 64;

/// What a peer did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// Bytes that are no letter.
    Unreadable,
    /// A letter that breaks a rule.
    BrokenRule,
}

impl Offence {
    const fn price(self) -> u32 {
        match self {
            Self::Unreadable => 16,
            Self::BrokenRule => 1,
        }
    }
}

#[derive(Debug)]
struct Record {
    since: Instant,
    spent: u32,
    shut_out: Option<Instant>,
}

/// What is remembered of each peer.
#[derive(Debug, Default)]
pub struct Patience(Mutex<BTreeMap<PublicKey, Record>>);

impl Patience {
    /// Notes an offence; true when the peer is to be shut out now.
    pub fn is_used_up(&self, peer: PublicKey, offence: Offence, now: Instant) -> bool {
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = Record { since: now, spent: 0, shut_out: None };
        let record = records.entry(peer).or_insert(fresh);
        if now.duration_since(record.since) > MEMORY {
            (record.since, record.spent) = (now, 0);
        }
        record.spent = record.spent.saturating_add(offence.price());
        if record.spent < PATIENCE {
            return false;
        }
        (record.since, record.spent, record.shut_out) = (now, 0, Some(now));
        true
    }

    /// Peers that are shut out.
    pub fn shut_out(&self, now: Instant) -> usize {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_out = |at: Instant| now.duration_since(at) < MEMORY;
        records.values().filter(|record| record.shut_out.is_some_and(is_out)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: PublicKey = PublicKey([1; 32]);

    #[test]
    fn who_sends_noise_is_shut_out_and_comes_back_after_a_minute() {
        let (patience, now) = (Patience::default(), Instant::now());
        let noise = |at| patience.is_used_up(PEER, Offence::Unreadable, at);
        assert_eq!([noise(now), noise(now), noise(now), noise(now)], [false, false, false, true]);
        assert_eq!((patience.shut_out(now), patience.shut_out(now + MEMORY)), (1, 0));
        assert!(!noise(now + MEMORY), "it begins anew");
    }

    #[test]
    fn a_slip_now_and_then_cuts_nobody_off() {
        let (patience, mut now) = (Patience::default(), Instant::now());
        for _ in 0..1_000 {
            assert!(!patience.is_used_up(PEER, Offence::BrokenRule, now));
            now += Duration::from_secs(2);
        }
        assert!(!patience.is_used_up(PublicKey([2; 32]), Offence::BrokenRule, now), "each has its own");
    }
}
