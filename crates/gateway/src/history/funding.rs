//! What holding a perpetual cost, hour by hour.
//!
//! Invariant: between two commits the rate is that of the earlier one, so that gateways that saw the same commits
//! add up to the same interest.

use std::collections::VecDeque;

use num::{Cash, Fix, HOUR_MS};

/// Hours kept: more than a year.
const HOURS_MAX: usize = 10_000;
const SPAN_MS: u64 = 8 * HOUR_MS;

/// One hour of a perpetual's funding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// The venue stamps an hour with its end.
    pub end_ms: u64,
    /// The index at its end, and at the end of the hour before.
    pub index: Cash,
    pub index_before: Cash,
    /// What a long position paid in it, as a part of its worth.
    pub interest: Fix,
    /// What it would have paid over eight hours at the rate of its end.
    pub interest_8h: Fix,
}

/// What the last commit said.
#[derive(Clone, Copy, Debug)]
struct Now {
    time_ms: u64,
    /// Over eight hours.
    rate: Fix,
    index: Cash,
}

/// One perpetual over time.
#[derive(Clone, Debug, Default)]
pub struct Funding {
    hours: VecDeque<Hour>,
    now: Option<Now>,
    /// Of the hour that has not ended: rate times milliseconds.
    accrued: i128,
}

impl Funding {
    /// A commit at `time_ms` after which the rate over eight hours is `rate`.
    pub fn note(&mut self, time_ms: u64, rate: Fix, index: Cash) {
        if let Some(now) = self.now {
            let mut from_ms = now.time_ms;
            // Nobody reads hours that are forgotten in the same breath.
            let horizon = time_ms.saturating_sub(HOUR_MS * u64::try_from(HOURS_MAX).unwrap_or(0));
            from_ms = from_ms.max(horizon);
            let mut end_ms = (from_ms / HOUR_MS + 1) * HOUR_MS;
            while end_ms <= time_ms {
                self.accrue(now.rate, end_ms - from_ms);
                self.end_hour(now, end_ms);
                (from_ms, end_ms) = (end_ms, end_ms + HOUR_MS);
            }
            self.accrue(now.rate, time_ms.saturating_sub(from_ms));
        }
        self.now = Some(Now { time_ms, rate, index });
    }

    fn accrue(&mut self, rate: Fix, span_ms: u64) {
        self.accrued += i128::from(rate.raw()) * i128::from(span_ms);
    }

    fn end_hour(&mut self, now: Now, end_ms: u64) {
        let index_before = self.hours.back().map_or(now.index, |hour| hour.index);
        let interest = self.open_interest();
        self.accrued = 0;
        let hour = Hour { end_ms, index: now.index, index_before, interest, interest_8h: now.rate };
        super::push_bounded(&mut self.hours, hour, HOURS_MAX);
    }

    /// The interest of the hour that has not ended.
    fn open_interest(&self) -> Fix {
        Fix::from_raw(i64::try_from(self.accrued / i128::from(SPAN_MS)).unwrap_or(0))
    }

    /// The hours that ended in a span of time, the earliest first.
    pub fn hours(&self, from_ms: u64, to_ms: u64) -> impl Iterator<Item = &Hour> {
        self.hours.iter().filter(move |hour| (from_ms..=to_ms).contains(&hour.end_ms))
    }

    /// The interest from one time to another; an hour that is cut counts by the part that is in.
    pub fn interest(&self, from_ms: u64, to_ms: u64) -> Fix {
        let open =
            self.now.map(|now| (now.time_ms - now.time_ms % HOUR_MS, now.time_ms, self.open_interest()));
        let ended = self.hours.iter().map(|hour| (hour.end_ms - HOUR_MS, hour.end_ms, hour.interest));
        let part = |(start, end, interest): (u64, u64, Fix)| {
            let inside = to_ms.min(end).saturating_sub(from_ms.max(start));
            let length = (end - start).max(1);
            i128::from(interest.raw()) * i128::from(inside) / i128::from(length)
        };
        let sum: i128 = ended.chain(open).map(part).sum();
        Fix::from_raw(i64::try_from(sum).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Fix = Fix::from_raw(800_000);
    const INDEX: Cash = Cash::from_micros(5);

    #[test]
    fn a_steady_rate_costs_an_eighth_of_itself_an_hour() {
        let mut funding = Funding::default();
        for minute in 0..=150 {
            funding.note(minute * 60_000, RATE, INDEX);
        }
        let hours: Vec<(u64, i64)> =
            funding.hours(0, u64::MAX).map(|it| (it.end_ms / HOUR_MS, it.interest.raw())).collect();
        assert_eq!(hours, [(1, 100_000), (2, 100_000)]);
        assert_eq!(funding.interest(0, u64::MAX).raw(), 250_000);
        assert_eq!(funding.interest(HOUR_MS / 2, 2 * HOUR_MS).raw(), 150_000);
        assert_eq!(funding.interest(0, 0), Fix::ZERO);
    }

    #[test]
    fn a_long_silence_is_charged_at_the_rate_before_it() {
        let mut funding = Funding::default();
        funding.note(HOUR_MS / 2, RATE, INDEX);
        funding.note(3 * HOUR_MS, Fix::ZERO, Cash::from_micros(7));
        let hours: Vec<i64> = funding.hours(0, u64::MAX).map(|it| it.interest.raw()).collect();
        assert_eq!(hours, [50_000, 100_000, 100_000]);
        funding.note(4 * HOUR_MS, Fix::ZERO, Cash::from_micros(8));
        let last = funding.hours(0, u64::MAX).last().copied().unwrap();
        assert_eq!((last.interest, last.index_before.micros(), last.index.micros()), (Fix::ZERO, 5, 7));
    }

    #[test]
    fn a_gap_of_centuries_costs_bounded_work() {
        let mut funding = Funding::default();
        funding.note(0, RATE, INDEX);
        funding.note(1_000_000 * HOUR_MS, RATE, INDEX);
        assert_eq!(funding.hours.len(), HOURS_MAX);
    }
}
