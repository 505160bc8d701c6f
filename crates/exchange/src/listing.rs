//! Which instruments are listed: a rule over the calendar and the index, and nobody's decision.
//!
//! Expiries are at 08:00 UTC: the next days, the next Fridays, the last Fridays of the next months, and those of the
//! next quarters. For each there are options at strikes on a grid around the index, and a future unless the expiry
//! is only a day's. An option far from the index in which nobody has an interest is taken off, and comes back when
//! the index does. Nothing is listed whose delivery price is being observed already.
//!
//! Invariant: the same index and time list the same instruments; an instrument with a position or an order is never
//! taken off, and neither is a leg of a combo; there are never more open instruments than the limit.

use std::collections::BTreeSet;

use num::{Cash, DAY_MS, Duration, Fix, HOUR_MS, Rounding, Timestamp};
use wire::{Event, InstrumentId, InstrumentName, UnderlyingId};

use crate::{
    begin::list_instrument,
    book::{Depth, LadderBook},
    calendar::{Date, EXPIRY_HOUR},
    genesis::{ListingParameters, Node, Surface},
    instrument::{Instrument, Listing},
    ladder::Use,
    name::{self, Contract, Right},
    oracle::DELIVERY_WINDOW,
    state::State,
};

/// Days that are looked at for expiries.
const DAYS_MAX: u64 = 800;
/// 1970-01-01 was a Thursday.
const FIRST_FRIDAY: u64 = 1;

/// An expiry that the rule asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Term {
    expiry: Timestamp,
    has_future: bool,
}

/// Strikes that the rule asks for, and those that it leaves alone.
struct Strikes {
    listed: Vec<Cash>,
    kept: core::ops::RangeInclusive<Cash>,
}

impl ListingParameters {
    fn terms(&self, now: Timestamp) -> BTreeSet<Term> {
        let mut left = [self.dailies, self.weeklies, self.monthlies, self.quarterlies];
        let mut terms = BTreeSet::new();
        let today = now.millis() / DAY_MS;
        for day in today..today.saturating_add(DAYS_MAX) {
            let expiry = Timestamp::from_millis(day * DAY_MS + EXPIRY_HOUR * HOUR_MS);
            if expiry <= now {
                continue;
            }
            let is_of = kinds(day);
            let mut asks = [false; 4];
            for ((left, is_of), asks) in left.iter_mut().zip(is_of).zip(&mut asks) {
                *asks = is_of && *left > 0;
                *left -= u32::from(*asks);
            }
            let is_delivering = expiry.since(now) <= DELIVERY_WINDOW;
            if asks.contains(&true) && !is_delivering {
                terms.insert(Term { expiry, has_future: asks[1..].contains(&true) });
            }
        }
        terms
    }

    fn strikes(&self, index: Cash) -> Strikes {
        let step = round_step(index.scale(Fix::from_raw(self.step_billionths), Rounding::Ceil));
        let middle = (index.micros() + step / 2) / step;
        let around = i64::from(self.strikes);
        let strike = |place: i64| Cash::from_micros(place.max(1).saturating_mul(step));
        let listed = (middle - around).max(1)..=middle + around;
        Strikes {
            listed: listed.map(strike).collect(),
            kept: strike(middle - 2 * around)..=strike(middle + 2 * around),
        }
    }
}

/// Whether a day since 1970 is one, a Friday, the last of its month, and of its quarter.
fn kinds(day: u64) -> [bool; 4] {
    let is_friday = day % 7 == FIRST_FRIDAY;
    let month = |day: u64| Date::of(Timestamp::from_millis(day * DAY_MS)).month;
    let is_last = is_friday && month(day) != month(day + 7);
    [true, is_friday, is_last, is_last && month(day).is_multiple_of(3)]
}

/// The next of 1, 2 and 5 times a power of ten, in micros.
pub(crate) fn round_step(least: Option<Cash>) -> i64 {
    let least = least.map_or(1, Cash::micros).max(1);
    let mut power: i64 = 1;
    loop {
        if let Some(step) =
            [1, 2, 5].map(|digit| power.saturating_mul(digit)).into_iter().find(|it| *it >= least)
        {
            return step;
        }
        power = power.saturating_mul(10);
    }
}

impl State {
    /// Lists and takes off what the rule says, once in its span and when the price is good.
    pub(crate) fn refresh_listing(&mut self) {
        let Some(rules) = self.parameters.listing else { return };
        if self.time < self.lists_at {
            return;
        }
        self.lists_at = self.time.saturating_add(Duration::from_millis(rules.check_ms));
        let terms = rules.terms(self.time);
        for place in 0..self.underlyings.len() {
            let Ok(id) = u16::try_from(place).map(UnderlyingId) else { continue };
            if self.check_rung(id, Use::List).is_ok() {
                let strikes = rules.strikes(self.underlying(id).index);
                self.take_off(id, &strikes);
                self.list_underlying(id, &terms, &strikes);
            }
        }
    }

    fn list_underlying(&mut self, id: UnderlyingId, terms: &BTreeSet<Term>, strikes: &Strikes) {
        let now = self.time;
        self.underlying_mut(id).surfaces.retain(|it| it.expiry_ms.saturating_add(DAY_MS) > now.millis());
        for Term { expiry, has_future } in terms {
            self.begin_surface(id, *expiry);
            if *has_future {
                self.list(id, &Contract::Future { expiry: *expiry });
            }
            for strike in &strikes.listed {
                for right in [Right::Call, Right::Put] {
                    self.list(id, &Contract::Option { expiry: *expiry, strike: *strike, right });
                }
            }
        }
    }

    /// A new expiry begins with the smile of the one before it, or of the first, or a flat one.
    fn begin_surface(&mut self, id: UnderlyingId, expiry: Timestamp) {
        let Some(rules) = self.parameters.listing else { return };
        let underlying = self.underlying_mut(id);
        let expiry_ms = expiry.millis();
        if underlying.surfaces.iter().any(|it| it.expiry_ms == expiry_ms && !it.nodes.is_empty()) {
            return;
        }
        let usable = || underlying.surfaces.iter().filter(|it| !it.nodes.is_empty());
        let before = usable().filter(|it| it.expiry_ms < expiry_ms).max_by_key(|it| it.expiry_ms);
        let like = before.or_else(|| usable().min_by_key(|it| it.expiry_ms));
        let flat = || {
            vec![Node {
                strike_micros: underlying.index.micros(),
                volatility_billionths: rules.volatility_billionths,
            }]
        };
        let nodes = like.map_or_else(flat, |it| it.nodes.clone());
        let forward_billionths = like.map_or(Fix::SCALE, |it| it.forward_billionths);
        underlying.surfaces.retain(|it| it.expiry_ms != expiry_ms);
        underlying.surfaces.push(Surface { expiry_ms, forward_billionths, nodes });
    }

    /// Lists a contract, or puts it back where it was taken off.
    fn list(&mut self, underlying: UnderlyingId, contract: &Contract) {
        let (low, high) = self.oracle.range(underlying);
        if matches!(contract, Contract::Option { strike, .. } if !(low..=high).contains(strike)) {
            return;
        }
        let text = name::format(&self.underlying(underlying).symbol, contract);
        let known = self.names.get(&text).copied();
        if known.is_some_and(|id| self.instrument_at(id).listing != Listing::Delisted) || !self.has_room() {
            return;
        }
        let id = match known {
            Some(id) => id,
            None => match self.add_instrument(&text) {
                Some(id) => id,
                None => return,
            },
        };
        self.instrument_mut(id).listing = Listing::Open;
        if let Some(expiry) = contract.expiry() {
            self.oracle.list_expiry(underlying, expiry);
        }
        let name = InstrumentName::new(text.into_bytes());
        let name = name.expect("invariant: a name is of a symbol, a date and a strike");
        self.emit(Event::Listed { instrument: id, name });
    }

    fn has_room(&self) -> bool {
        let most = self.parameters.listing.map_or(0, |rules| rules.instruments_max);
        let open =
            self.instruments.iter().filter(|it| it.is_open() && !it.is_combo() && !it.is_exotic()).count();
        u32::try_from(open).is_ok_and(|open| open < most)
    }

    fn add_instrument(&mut self, text: &str) -> Option<InstrumentId> {
        let id = InstrumentId(u32::try_from(self.instruments.len()).ok()?);
        let it = list_instrument(&self.underlyings, &self.parameters.limits, (id, text))?;
        Some(self.put_instrument(it, None))
    }

    /// Lists an instrument with an empty book, or lists `known` again in its place with the price it last traded at.
    pub(crate) fn put_instrument(&mut self, it: Instrument, known: Option<InstrumentId>) -> InstrumentId {
        if let Some(id) = known {
            let last_trade = self.instrument_at(id).last_trade;
            *self.instrument_mut(id) = Instrument { id, last_trade, ..it };
            return id;
        }
        let id = it.id;
        self.names.insert(it.name.clone(), id);
        self.instruments.push(it);
        self.books.push(LadderBook::default());
        self.touched.instruments.note(id);
        id
    }

    /// Takes off options that are far from the index and nobody's.
    fn take_off(&mut self, underlying: UnderlyingId, strikes: &Strikes) {
        let is_far = |contract: &Contract| matches!(contract, Contract::Option { strike, .. } if !strikes.kept.contains(strike));
        let legs = self.combo_legs();
        let idle = self.instruments.iter().filter(|it| {
            it.underlying == underlying
                && it.is_open()
                && is_far(&it.contract)
                && it.open_interest == 0
                && it.halt.is_none()
                && !legs.contains(&it.id)
                && self.book(it.id).resting() == 0
        });
        let idle: Vec<InstrumentId> = idle.map(|it| it.id).collect();
        if idle.is_empty() {
            return;
        }
        self.end_held_in(&idle);
        for id in idle {
            let it = self.instrument_mut(id);
            (it.listing, it.valuation) = (Listing::Delisted, None);
            self.emit(Event::Delisted { instrument: id });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::format_expiry;

    #[test]
    fn expiries_are_days_fridays_and_the_last_fridays_of_months_and_quarters() {
        let rules =
            ListingParameters { dailies: 2, weeklies: 2, monthlies: 2, quarterlies: 2, ..Default::default() };
        // 2026-08-08 is a Saturday; it is one hour past its expiry.
        let now = Timestamp::from_millis(1_786_147_200_000 + 9 * HOUR_MS);
        let terms = rules.terms(now);
        let names: Vec<String> = terms.iter().map(|it| format_expiry(it.expiry)).collect();
        assert_eq!(names, ["9AUG26", "10AUG26", "14AUG26", "21AUG26", "28AUG26", "25SEP26", "25DEC26"]);
        let futures: Vec<bool> = terms.iter().map(|it| it.has_future).collect();
        assert_eq!(futures, [false, false, true, true, true, true, true]);
    }

    #[test]
    fn strikes_are_round_and_lie_around_the_index() {
        let rules = ListingParameters { strikes: 2, step_billionths: 15_000_000, ..Default::default() };
        let whole =
            |strikes: Vec<Cash>| strikes.iter().map(|it| it.micros() / Cash::SCALE).collect::<Vec<_>>();
        assert_eq!(
            whole(rules.strikes(Cash::from_micros(64_300_000_000)).listed),
            [62_000, 63_000, 64_000, 65_000, 66_000]
        );
        assert_eq!(
            whole(rules.strikes(Cash::from_micros(2_010_000_000)).listed),
            [1_900, 1_950, 2_000, 2_050, 2_100]
        );
    }
}
