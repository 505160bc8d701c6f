//! Index prices over time, in steps of a minute.
//!
//! Invariant: a step is made of the prices that commits moved the index to; a minute without a move has no
//! step, and whoever reads takes the last price before.

use std::collections::VecDeque;

use num::{Cash, DAY_MS, HOUR_MS, MINUTE_MS};

/// Steps kept: thirty days.
const STEPS_MAX: usize = 30 * 24 * 60;
/// Hourly returns that a realised volatility is made of: fifteen days, the venue's window.
const RETURNS_MAX: usize = 15 * 24;
/// Fewer returns than a day's say nothing.
const RETURNS_MIN: usize = 24;

/// One minute of an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    pub start_ms: u64,
    pub open: Cash,
    pub high: Cash,
    pub low: Cash,
    pub close: Cash,
}

/// The last day of an index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Day {
    pub high: Cash,
    pub low: Cash,
    /// Percent.
    pub change: f64,
}

/// One index over time.
#[derive(Clone, Debug, Default)]
pub struct Series(VecDeque<Step>);

impl Step {
    fn merge(&mut self, later: &Self) {
        (self.high, self.low) = (self.high.max(later.high), self.low.min(later.low));
        self.close = later.close;
    }
}

impl Series {
    pub fn note(&mut self, time_ms: u64, price: Cash) {
        let start_ms = time_ms - time_ms % MINUTE_MS;
        let step = Step { start_ms, open: price, high: price, low: price, close: price };
        match self.0.back_mut().filter(|last| last.start_ms == start_ms) {
            Some(last) => last.merge(&step),
            None => {
                super::push_bounded(&mut self.0, step, STEPS_MAX);
            }
        }
    }

    /// The steps that start in a span of time, merged to `step_ms` each, the earliest first.
    pub fn candles(&self, (from_ms, to_ms): (u64, u64), step_ms: u64) -> Vec<Step> {
        let mut candles: Vec<Step> = Vec::new();
        for step in self.0.iter().filter(|step| (from_ms..=to_ms).contains(&step.start_ms)) {
            let start_ms = step.start_ms - step.start_ms % step_ms.max(1);
            match candles.last_mut().filter(|last| last.start_ms == start_ms) {
                Some(last) => last.merge(step),
                None => candles.push(Step { start_ms, ..*step }),
            }
        }
        candles
    }

    /// The last price of every span of `step_ms` since `from_ms`, the earliest first.
    pub fn closes(&self, from_ms: u64, step_ms: u64) -> Vec<(u64, Cash)> {
        self.candles((from_ms, u64::MAX), step_ms).iter().map(|it| (it.start_ms, it.close)).collect()
    }

    /// `None` before the first price.
    pub fn day(&self, now_ms: u64) -> Option<Day> {
        let from_ms = now_ms.saturating_sub(DAY_MS);
        let steps = || self.0.iter().filter(move |step| step.start_ms >= from_ms);
        let (first, last) = (steps().next()?.close, self.0.back()?.close);
        let change = last.micros() as f64 / (first.micros() as f64).max(1.0) - 1.0;
        Some(Day {
            high: steps().map(|step| step.high).max()?,
            low: steps().map(|step| step.low).min()?,
            change: (change * 1e6).round() / 1e4,
        })
    }

    /// Annual realised volatility in percent at the end of each hour, from hourly returns; none until a day
    /// has been seen.
    pub fn volatility(&self) -> Vec<(u64, f64)> {
        let closes = self.closes(0, HOUR_MS);
        let returns: Vec<(u64, f64)> = closes
            .windows(2)
            .map(|pair| (pair[1].0, (pair[1].1.micros() as f64 / pair[0].1.micros() as f64).ln()))
            .collect();
        let until = |end: usize| {
            let window = &returns[end.saturating_sub(RETURNS_MAX)..end];
            let squares: f64 = window.iter().map(|(_, it)| it * it).sum();
            let annual = (squares / window.len() as f64 * 24.0 * 365.0).sqrt() * 100.0;
            (returns[end - 1].0, (annual * 1e6).round() / 1e6)
        };
        (RETURNS_MIN..=returns.len()).map(until).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(prices: impl IntoIterator<Item = (u64, i64)>) -> Series {
        let mut series = Series::default();
        for (time_ms, price) in prices {
            series.note(time_ms, Cash::from_micros(price));
        }
        series
    }

    #[test]
    fn a_step_ends_with_its_last_price() {
        let series = series([(0, 100), (59_999, 90), (60_000, 120), (300_000, 110)]);
        let closes = |step| series.closes(0, step).iter().map(|it| (it.0, it.1.micros())).collect::<Vec<_>>();
        assert_eq!(closes(MINUTE_MS), [(0, 90), (60_000, 120), (300_000, 110)]);
        assert_eq!(closes(5 * MINUTE_MS), [(0, 120), (300_000, 110)]);
        let day = series.day(300_000).unwrap();
        assert_eq!((day.high.micros(), day.low.micros()), (120, 90));
        assert!((day.change - 22.2222).abs() < 1e-9);
    }

    #[test]
    fn candles_are_merged_steps() {
        let series = series([(0, 100), (59_999, 90), (60_000, 120), (300_000, 110)]);
        let told = |it: &Step| (it.start_ms, [it.open, it.high, it.low, it.close].map(Cash::micros));
        let found: Vec<_> = series.candles((0, u64::MAX), 5 * MINUTE_MS).iter().map(told).collect();
        assert_eq!(found, [(0, [100, 120, 90, 120]), (300_000, [110; 4])]);
        assert_eq!(series.candles((1, 60_000), MINUTE_MS).len(), 1);
    }

    #[test]
    fn volatility_needs_a_day_and_is_annual() {
        let hours = |count: u64| {
            (0..count).map(|hour| (hour * HOUR_MS, if hour % 2 == 0 { 100_000 } else { 101_000 }))
        };
        assert!(series(hours(24)).volatility().is_empty());
        let found = series(hours(25)).volatility();
        let want = 1.01_f64.ln() * (24.0 * 365.0_f64).sqrt() * 100.0;
        assert_eq!(found.len(), 1);
        assert!((found[0].1 - want).abs() < 1e-5, "{found:?} {want}");
    }
}
