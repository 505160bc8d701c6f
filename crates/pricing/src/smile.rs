//! A smile of one expiry through what its market quotes, and whether smiles give anything away for nothing.
//!
//! The smile is SVI (`model::svi`), fitted to total variances by log-moneyness; it is answered at the strikes that are
//! asked for, because those are what anybody can trade. The two tests are on such strikes as well. Butterflies: J. Breeden
//! and R. Litzenberger, "Prices of state-contingent claims implicit in option prices", Journal of Business 51 (1978), in
//! which calls must fall with the strike, by no more than it rises, and be convex. Calendars: J. Gatheral and A. Jacquier,
//! "Arbitrage-free SVI volatility surfaces", Quantitative Finance 14 (2014): total variance at a moneyness never falls with
//! time.
//!
//! Invariant: integers in, integers out, rounded half to even to a billionth of volatility; the same on every machine.

use num::{Cash, Duration, Fix};

use crate::{
    black::{self, Right},
    border::{from_cash, from_fix, to_fix, years},
    elementary::ln_ratio,
    model::{CalibrationError, Svi},
    surface::Slice,
};

/// What a price may be off for its rounding and that of its volatility, as a part of the forward.
const PRICE_SLACK: f64 = 1e-8;
/// The same for total variance.
const VARIANCE_SLACK: f64 = 1e-8;
/// Places at which the fitted smile's density is looked at.
const DENSITY_STEPS: u32 = 64;
/// The highest volatility that a smile may have.
const VOLATILITY_MAX: f64 = 10.0;

/// Where the underlying is expected, and how long that is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    pub forward: Cash,
    pub time: Duration,
}

/// Why there is no smile through quotes.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SmileError {
    #[error("the forward is {forward} and {} ms are to go: both must be above zero", .time.millis())]
    Term { forward: Cash, time: Duration },
    #[error(transparent)]
    Calibration(#[from] CalibrationError),
    #[error("the smile through the quotes has a negative density near log-moneyness {log}")]
    Density { log: f64 },
    #[error("the smile through the quotes gives a butterfly for nothing at the strike {strike}")]
    Butterfly { strike: Cash },
    #[error("the smile through the quotes has no usable volatility at the strike {strike}")]
    Volatility { strike: Cash },
}

impl Term {
    fn log_moneyness(self, strike: Cash) -> f64 {
        ln_ratio(from_cash(strike), from_cash(self.forward))
    }

    fn call(self, strike: Cash, volatility: Fix) -> f64 {
        black::price(&black::Option {
            right: Right::Call,
            forward: from_cash(self.forward),
            strike: from_cash(strike),
            time: years(self.time),
            rate: 0.0,
            volatility: from_fix(volatility),
        })
    }

    /// The smile with the least squares of total variance through quotes of (strike, volatility), at rising strikes.
    pub fn smile_through(
        self,
        quotes: &[(Cash, Fix)],
        strikes: &[Cash],
    ) -> Result<Vec<(Cash, Fix)>, SmileError> {
        let Self { forward, time } = self;
        if !forward.is_positive() || time == Duration::ZERO {
            return Err(SmileError::Term { forward, time });
        }
        let years = years(time);
        let point = |(strike, volatility): &(Cash, Fix)| {
            let volatility = from_fix(*volatility);
            (self.log_moneyness(*strike), volatility * volatility * years)
        };
        let points: Vec<(f64, f64)> = quotes.iter().map(point).collect();
        let smile = Svi::fitted(&points)?;
        let ends = strikes.iter().map(|strike| self.log_moneyness(*strike));
        let ends = ends.chain(points.iter().map(|(log, _)| *log));
        let (low, high) = ends.fold((0.0_f64, 0.0_f64), |(low, high), log| (low.min(log), high.max(log)));
        if let Some(log) = smile.butterfly(low, high, DENSITY_STEPS) {
            return Err(SmileError::Density { log });
        }
        let node = |strike: &Cash| {
            let volatility = smile.volatility(self.log_moneyness(*strike), years);
            let node = to_fix(volatility);
            let is_usable = volatility <= VOLATILITY_MAX && node > Fix::ZERO;
            is_usable.then_some((*strike, node)).ok_or(SmileError::Volatility { strike: *strike })
        };
        let nodes: Vec<(Cash, Fix)> = strikes.iter().map(node).collect::<Result<_, _>>()?;
        match self.butterfly(&nodes) {
            Some(strike) => Err(SmileError::Butterfly { strike }),
            None => Ok(nodes),
        }
    }

    /// The first strike at which nodes of rising strikes give a butterfly or a spread for nothing.
    pub fn butterfly(self, nodes: &[(Cash, Fix)]) -> Option<Cash> {
        let slack = PRICE_SLACK * from_cash(self.forward);
        let calls: Vec<(f64, f64)> = nodes
            .iter()
            .map(|(strike, volatility)| (from_cash(*strike), self.call(*strike, *volatility)))
            .collect();
        let falls = |pair: &[(f64, f64)]| {
            let (wide, fall) = (pair[1].0 - pair[0].0, pair[0].1 - pair[1].1);
            fall >= -slack && fall <= wide + slack
        };
        let bends = |three: &[(f64, f64)]| {
            let (low, high) = (three[1].0 - three[0].0, three[2].0 - three[1].0);
            three[1].1 <= (three[0].1 * high + three[2].1 * low) / (low + high) + slack
        };
        let spread = calls.windows(2).position(|pair| !falls(pair)).map(|place| place + 1);
        let butterfly = calls.windows(3).position(|three| !bends(three)).map(|place| place + 1);
        let first = spread.into_iter().chain(butterfly).min()?;
        nodes.get(first).map(|(strike, _)| *strike)
    }

    /// The first of the strikes of this term at which an earlier smile has more total variance at the same moneyness.
    pub fn calendar(self, smile: &Slice, earlier: (Self, &Slice), strikes: &[Cash]) -> Option<Cash> {
        let variance = |volatility: Fix, time: Duration| {
            let volatility = from_fix(volatility);
            volatility * volatility * years(time)
        };
        let is_free = |strike: &&Cash| {
            let ratio =
                Fix::ratio(earlier.0.forward.micros(), self.forward.micros(), num::Rounding::HalfEven);
            let same = ratio.and_then(|ratio| strike.scale(ratio, num::Rounding::HalfEven));
            let Some(same) = same else { return true };
            let before = variance(earlier.1.volatility(same), earlier.0.time);
            before > variance(smile.volatility(**strike), self.time) + VARIANCE_SLACK
        };
        strikes.iter().find(is_free).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num::DAY_MS;

    const STRIKES: [i64; 9] = [40, 48, 54, 60, 64, 70, 76, 84, 96];

    fn cash(thousands: i64) -> Cash {
        Cash::from_micros(thousands * 1_000_000_000)
    }

    fn term(days: u64) -> Term {
        Term { forward: cash(64), time: Duration::from_millis(days * DAY_MS) }
    }

    /// Volatility by strike: a smile with a skew.
    fn quotes(level: i64) -> Vec<(Cash, Fix)> {
        let volatility =
            |strike: i64| level + (strike - 64) * (strike - 64) * 100_000 - (strike - 64) * 1_000_000;
        STRIKES.iter().map(|strike| (cash(*strike), Fix::from_raw(volatility(*strike)))).collect()
    }

    #[test]
    fn a_smile_passes_near_its_quotes_and_gives_nothing_away() {
        let quotes = quotes(500_000_000);
        let strikes: Vec<Cash> = (36..=100).step_by(2).map(cash).collect();
        let nodes = term(30).smile_through(&quotes, &strikes).unwrap();
        assert_eq!(nodes.iter().map(|node| node.0).collect::<Vec<_>>(), strikes);
        assert_eq!(term(30).butterfly(&nodes), None);
        let slice = Slice::new(&nodes).unwrap();
        for (strike, volatility) in quotes {
            let off = slice.volatility(strike).raw() - volatility.raw();
            assert!(off.abs() < 10_000_000, "{strike}: {off} billionths off");
        }
    }

    #[test]
    fn a_node_out_of_line_is_a_butterfly() {
        let mut nodes = quotes(500_000_000);
        assert_eq!(term(30).butterfly(&nodes), None);
        nodes[5].1 = Fix::from_raw(700_000_000);
        assert_eq!(term(30).butterfly(&nodes), Some(nodes[5].0));
        nodes[5].1 = Fix::from_raw(300_000_000);
        assert!(term(30).butterfly(&nodes).is_some());
    }

    #[test]
    fn variance_that_falls_with_time_is_a_calendar() {
        let smile = |level| Slice::new(&quotes(level)).unwrap();
        let (early, late) = (term(7), term(30));
        let strikes: Vec<Cash> = STRIKES.iter().map(|it| cash(*it)).collect();
        assert_eq!(late.calendar(&smile(500_000_000), (early, &smile(500_000_000)), &strikes), None);
        // Seven days at 110 % are more variance than thirty at 50 %.
        let found = late.calendar(&smile(500_000_000), (early, &smile(1_100_000_000)), &strikes);
        assert!(found.is_some());
    }

    #[test]
    fn what_gives_no_smile_is_named() {
        let quotes = quotes(500_000_000);
        let strikes = [cash(64)];
        let now = Term { time: Duration::ZERO, ..term(1) };
        assert!(matches!(now.smile_through(&quotes, &strikes), Err(SmileError::Term { .. })));
        let few = CalibrationError::TooFew { have: 4, need: 5 };
        assert_eq!(term(30).smile_through(&quotes[..4], &strikes), Err(SmileError::Calibration(few)));
        let mut wild = quotes;
        for place in [1, 3, 5, 7] {
            wild[place].1 = Fix::from_raw(3_000_000_000);
        }
        // Whatever is answered gives nothing away.
        if let Ok(nodes) = term(300).smile_through(&wild, &STRIKES.map(cash)) {
            assert_eq!(term(300).butterfly(&nodes), None);
        }
    }
}
