//! Listing by rule: expiries by the calendar, strikes around the index, and off with what is far from it and nobody's;
//! combos go when nobody uses them.

use std::collections::{BTreeMap, BTreeSet};

use exchange::{Genesis, genesis::ListingParameters, name::Contract};
use num::{DAY_MS, HOUR_MS, Timestamp};
use wire::{Event, InstrumentId, InstrumentName, UnderlyingId};

use super::{Marks, ONE, Reference, ceil};

/// Days that are looked at for expiries.
const DAYS: u64 = 800;
const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// What there is under which number.
#[derive(Clone, Debug)]
pub(super) struct Listings {
    plain: BTreeMap<String, InstrumentId>,
    /// What was taken off and may come back.
    off: BTreeSet<InstrumentId>,
    /// Of the next instrument.
    pub next: u32,
    /// When the rule is looked at again.
    looks_at: Timestamp,
    /// When combos were listed, or an order of them last ended.
    pub used: BTreeMap<InstrumentId, Timestamp>,
}

impl Listings {
    /// The number that something was listed under before, or the next.
    pub(super) fn number(&mut self, known: Option<InstrumentId>) -> InstrumentId {
        let instrument = known.unwrap_or(InstrumentId(self.next));
        self.next = self.next.max(instrument.0 + 1);
        instrument
    }

    pub(super) fn from(genesis: &Genesis) -> Self {
        let plain = genesis.instruments.iter().cloned().zip((0..).map(InstrumentId));
        let next = u32::try_from(genesis.instruments.len()).expect("few");
        let (off, used) = (BTreeSet::new(), BTreeMap::new());
        Self { plain: plain.collect(), off, next, looks_at: Timestamp::ZERO, used }
    }
}

/// Year, month and day, counted from 1970.
fn date(mut day: u64) -> (u64, usize, u64) {
    for year in 1970.. {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let february = if is_leap { 29 } else { 28 };
        let months = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        for (month, days) in months.into_iter().enumerate() {
            if day < days {
                return (year, month, day + 1);
            }
            day -= days;
        }
    }
    unreachable!("years go on")
}

/// The days on which something expires, and whether there is a future for it.
fn expiries(rules: &ListingParameters, now: Timestamp) -> BTreeMap<u64, bool> {
    let today = now.millis() / DAY_MS;
    let ahead = (today..today + DAYS).filter(|day| day * DAY_MS + 8 * HOUR_MS > now.millis());
    let ahead: Vec<u64> = ahead.collect();
    // 1970-01-02 was a Friday.
    let is_friday = |day: u64| day % 7 == 1;
    let is_monthly = |day: u64| is_friday(day) && date(day).1 != date(day + 7).1;
    let is_quarterly = |day: u64| is_monthly(day) && [2, 5, 8, 11].contains(&date(day).1);
    let mut all = BTreeMap::new();
    let mut next = |number: u32, is_of: &dyn Fn(u64) -> bool, has_future: bool| {
        let number = usize::try_from(number).expect("few");
        for day in ahead.iter().copied().filter(|day| is_of(*day)).take(number) {
            *all.entry(day).or_insert(false) |= has_future;
        }
    };
    next(rules.dailies, &|_| true, false);
    next(rules.weeklies, &is_friday, true);
    next(rules.monthlies, &is_monthly, true);
    next(rules.quarterlies, &is_quarterly, true);
    // What is being delivered takes its place among the next and gets nothing new.
    all.retain(|day, _| day * DAY_MS + 8 * HOUR_MS - HOUR_MS / 2 > now.millis());
    all
}

/// The distance of strikes in micros: a part of the index, rounded up to 1, 2 or 5 times a power of ten.
pub(super) fn step(part: i64, index: i128) -> i128 {
    let least = ceil(index * i128::from(part), ONE);
    let steps = (0..).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_i128.pow(power)));
    steps.into_iter().find(|step| *step >= least).expect("powers go on")
}

/// A strike as names have it: the point is a `d`.
fn strike_text(micros: i128) -> String {
    let text = format!("{}d{:06}", micros / 1_000_000, micros % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('d').to_owned()
}

impl Reference {
    pub(super) fn refresh_listing(&mut self, state: &Marks) {
        let Some(rules) = self.genesis.listing else { return };
        if self.now < self.listings.looks_at {
            return;
        }
        self.listings.looks_at = Timestamp::from_millis(self.now.millis() + rules.check_ms);
        let days = expiries(&rules, self.now);
        for (id, index) in self.indices.clone() {
            let step = step(rules.step_billionths, index);
            let (middle, around) = ((index + step / 2) / step, i128::from(rules.strikes));
            let kept = (middle - 2 * around).max(1) * step..=(middle + 2 * around) * step;
            self.take_off(state, (id, &kept));
            let strikes = ((middle - around).max(1)..=middle + around).map(|place| place * step);
            let strikes: Vec<i128> = strikes.collect();
            for (day, has_future) in &days {
                self.list_day(state, (id, &rules), (*day, *has_future, &strikes));
            }
        }
    }

    fn list_day(
        &mut self,
        state: &Marks,
        (id, rules): (UnderlyingId, &ListingParameters),
        (day, has_future, strikes): (u64, bool, &[i128]),
    ) {
        let (year, month, date) = date(day);
        let expiry = Timestamp::from_millis(day * DAY_MS + 8 * HOUR_MS);
        let symbol = &self.genesis.underlyings[usize::from(id.0)].symbol;
        let first = i128::from(self.genesis.underlyings[usize::from(id.0)].index_micros);
        let day = format!("{symbol}_USDC-{date}{}{:02}", MONTHS[month], year % 100);
        let mut names: Vec<String> = has_future.then(|| day.clone()).into_iter().collect();
        for strike in strikes.iter().filter(|strike| (first / 100..=first * 100).contains(strike)) {
            names.extend(["C", "P"].map(|right| format!("{day}-{}-{right}", strike_text(*strike))));
        }
        for name in names {
            if self.list_plain(state, rules, name) {
                self.open_window(id, expiry);
            }
        }
    }

    /// Lists what is not there, or puts back what was taken off, where there is room. Answers whether it did.
    fn list_plain(&mut self, state: &Marks, rules: &ListingParameters, name: String) -> bool {
        let known = self.listings.plain.get(&name).copied();
        let is_plain = |id: &InstrumentId| !self.combos.contains_key(id) && self.check_has_book(*id).is_ok();
        let all = (0..self.listings.next).map(InstrumentId).filter(is_plain);
        let open = all.filter(|id| !self.closed.contains(id)).count();
        let has_room = u32::try_from(open).expect("few") < rules.instruments_max;
        if known.is_some_and(|id| !self.listings.off.contains(&id)) || !has_room {
            return false;
        }
        let instrument = self.listings.number(known);
        self.listings.off.remove(&instrument);
        self.closed.remove(&instrument);
        debug_assert!(state.instrument(instrument).is_some(), "the exchange lists it too");
        let text = InstrumentName::new(name.clone().into_bytes()).expect("names are short");
        self.listings.plain.insert(name, instrument);
        self.tell(Event::Listed { instrument, name: text });
        true
    }

    /// Takes off options that are far from the index, and nobody's.
    fn take_off(&mut self, state: &Marks, (id, kept): (UnderlyingId, &core::ops::RangeInclusive<i128>)) {
        let is_far = |contract: &Contract| matches!(contract, Contract::Option { strike, .. } if !kept.contains(&i128::from(strike.micros())));
        let of = self.listed(state).filter(|it| it.underlying == id);
        let far = of.filter(|it| is_far(&it.contract) && !self.closed.contains(&it.id)).map(|it| it.id);
        let open_combos = self.combos.iter().filter(|(combo, _)| !self.closed.contains(combo));
        let legs: BTreeSet<InstrumentId> =
            open_combos.flat_map(|(_, legs)| legs).map(|(leg, _)| *leg).collect();
        let idle: Vec<InstrumentId> = far
            .filter(|id| self.open_interest(*id) == 0 && self.check_trading(*id).is_ok())
            .filter(|id| !legs.contains(id) && self.orders.iter().all(|order| order.instrument != *id))
            .collect();
        self.end_held_in(&idle);
        for instrument in idle {
            self.closed.insert(instrument);
            self.listings.off.insert(instrument);
            self.tell(Event::Delisted { instrument });
        }
    }

    /// Takes off combos without orders that nobody has used for long.
    pub(super) fn delist_idle_combos(&mut self) {
        let Some(rules) = self.genesis.combos else { return };
        let open = self.combos.keys().filter(|id| !self.closed.contains(id));
        let unused = open.filter(|id| self.now.since(self.listings.used[id]).millis() >= rules.idle_ms);
        let idle = unused.filter(|id| self.orders.iter().all(|order| order.instrument != **id));
        let idle: Vec<InstrumentId> = idle.copied().collect();
        self.end_held_in(&idle);
        for instrument in idle {
            self.closed.insert(instrument);
            self.tell(Event::Delisted { instrument });
        }
    }
}
