//! Exotics: which terms there may be, who lists them, which levels are met, what is fixed, and what they pay at the end.

use std::collections::{BTreeMap, BTreeSet};

use exchange::{genesis::ExoticParameters, name::Right};
use num::{Cash, DAY_MS, HOUR_MS, MINUTE_MS, Timestamp};
use wire::{
    AccountId, Crossing, Event, ExoticStyle, ExoticTerms, InstrumentId, InstrumentName, Knock, OptionRight,
    Outcome, Reject, UnderlyingId,
};

use super::{Marks, Reference, cash, expiry::intrinsic, half_even, listing::step};

#[derive(Clone, Debug, Default)]
pub(super) struct Exotics {
    pub terms: BTreeMap<InstrumentId, ExoticTerms>,
    /// When each was listed, or last changed hands.
    used: BTreeMap<InstrumentId, Timestamp>,
    /// Those whose level was met.
    touched: BTreeSet<InstrumentId>,
    /// The prices that were fixed of each.
    fixed: BTreeMap<InstrumentId, Vec<i128>>,
}

/// When prices are fixed: daily, the last time at the end.
fn days(terms: &ExoticTerms) -> Vec<Timestamp> {
    let number = match terms.style {
        ExoticStyle::Asian { fixings } => u64::from(fixings),
        _ => 1,
    };
    let at = |before: u64| Timestamp::from_millis(terms.expiry.millis() - before * DAY_MS);
    (0..number).rev().map(at).collect()
}

/// Whole steps between two prices, both included, in micros.
struct Grid {
    step: i128,
    low: i128,
    high: i128,
}

impl Grid {
    fn has(&self, price: Cash) -> bool {
        let price = i128::from(price.micros());
        (self.low..=self.high).contains(&price) && price % self.step == 0
    }

    fn check_price(&self, have: Cash) -> Result<(), Reject> {
        let (step, low, high) = (cash(self.step), cash(self.low), cash(self.high));
        if self.has(have) { Ok(()) } else { Err(Reject::ExoticPrice { have, step, low, high }) }
    }

    fn check_amount(&self, have: Cash) -> Result<(), Reject> {
        let (step, low, high) = (cash(self.step), cash(self.low), cash(self.high));
        if self.has(have) { Ok(()) } else { Err(Reject::ExoticAmount { have, step, low, high }) }
    }
}

impl Reference {
    pub(super) fn check_has_book(&self, have: InstrumentId) -> Result<(), Reject> {
        if self.exotics.terms.contains_key(&have) { Err(Reject::NoBook { have }) } else { Ok(()) }
    }

    pub(super) fn create_exotic(
        &mut self,
        state: &Marks,
        account: AccountId,
        terms: &ExoticTerms,
    ) -> Result<Outcome, Reject> {
        let rules = self.genesis.exotics.ok_or(Reject::ExoticsClosed)?;
        let have = terms.underlying;
        let underlying = state.underlying_of(have).ok_or(Reject::UnknownUnderlying { have })?;
        let expires = |it: &exchange::genesis::Surface| it.expiry_ms == terms.expiry.millis();
        let has_smile = underlying.surfaces.iter().any(|it| expires(it) && !it.nodes.is_empty());
        let is_morning = terms.expiry.millis() % DAY_MS == 8 * HOUR_MS;
        if !has_smile || !is_morning || terms.expiry <= self.now {
            return Err(Reject::ExoticExpiry { have: terms.expiry });
        }
        let known = self.exotics.terms.iter().find(|(_, it)| *it == terms).map(|(id, _)| *id);
        if let Some(instrument) = known.filter(|id| !self.closed.contains(id)) {
            return Ok(Outcome::Exotic { instrument });
        }
        self.check_running()?;
        self.check_terms(&rules, terms)?;
        let open = self.exotics.terms.iter().filter(|(id, _)| !self.closed.contains(id));
        let have = open.filter(|(_, it)| it.underlying == terms.underlying).count();
        let (have, need) = (u32::try_from(have).expect("few"), rules.open_max);
        if have >= need {
            return Err(Reject::ExoticLimit { have, need });
        }
        let fee = i128::from(rules.fee_micros);
        self.charge(state, account, fee)?;
        let instrument = self.listings.number(known);
        self.closed.remove(&instrument);
        self.exotics.terms.insert(instrument, *terms);
        self.exotics.used.insert(instrument, self.now);
        self.exotics.touched.remove(&instrument);
        self.exotics.fixed.remove(&instrument);
        for day in days(terms) {
            self.open_window(terms.underlying, day);
        }
        let name = self.names.get(&instrument).cloned().unwrap_or_default();
        let name = InstrumentName::new(name.into_bytes()).expect("names are short");
        self.tell(Event::Listed { instrument, name });
        self.tell(Event::ExoticListed { instrument, terms: *terms, account, fee: cash(fee) });
        Ok(Outcome::Exotic { instrument })
    }

    fn check_terms(&self, rules: &ExoticParameters, terms: &ExoticTerms) -> Result<(), Reject> {
        let of = &self.genesis.underlyings[usize::from(terms.underlying.0)];
        let (index, first) = (self.indices[&terms.underlying], i128::from(of.index_micros));
        let reach = i128::from(rules.reach);
        let prices = Grid {
            step: step(rules.step_billionths, index),
            low: (index / reach).max(first / 100),
            high: (index * reach).min(first * 100),
        };
        prices.check_price(terms.strike)?;
        let tick = i128::from(of.option.tick_micros);
        let amounts = |low: i128| Grid { step: tick, low, high: terms.strike.micros().into() };
        match terms.style {
            ExoticStyle::Asset | ExoticStyle::American => Ok(()),
            ExoticStyle::Cash { amount } => amounts(tick).check_amount(amount),
            ExoticStyle::Barrier { crossing, knock, level, rebate } => {
                prices.check_price(level)?;
                let is_ahead = |of: Cash| if crossing == Crossing::Rises { level > of } else { level < of };
                if !is_ahead(cash(index)) {
                    return Err(Reject::ExoticLevel { have: level, need: cash(index) });
                }
                // It would be out before it could be in the money.
                let is_call = terms.right == OptionRight::Call;
                let is_toward = is_call == (crossing == Crossing::Rises);
                if knock == Knock::Out && is_toward && !is_ahead(terms.strike) {
                    return Err(Reject::ExoticLevel { have: level, need: terms.strike });
                }
                amounts(0).check_amount(rebate)
            }
            ExoticStyle::Asian { fixings: have } if have < 2 || have > rules.fixings_max => {
                Err(Reject::ExoticFixings { have, need: rules.fixings_max })
            }
            ExoticStyle::Asian { .. } => {
                let need = Timestamp::from_millis(self.now.millis() + 30 * MINUTE_MS);
                let have = days(terms)[0];
                if have > need { Ok(()) } else { Err(Reject::TimeNotAhead { have, need }) }
            }
        }
    }

    pub(super) fn note_exotic_use(&mut self, id: InstrumentId) {
        if self.exotics.terms.contains_key(&id) {
            self.exotics.used.insert(id, self.now);
        }
    }

    /// Takes off what nobody holds, and nobody has traded for long.
    pub(super) fn delist_idle_exotics(&mut self) {
        let Some(rules) = self.genesis.exotics else { return };
        let open = self.exotics.terms.keys().filter(|id| !self.closed.contains(id));
        let unused = open.filter(|id| self.now.since(self.exotics.used[id]).millis() >= rules.idle_ms);
        let idle = unused.filter(|id| self.open_interest(**id) == 0 && self.check_trading(**id).is_ok());
        for instrument in idle.copied().collect::<Vec<_>>() {
            self.closed.insert(instrument);
            self.tell(Event::Delisted { instrument });
        }
    }

    /// Notes which levels the indices of this commit meet, and marks anew what that changes.
    pub(super) fn watch_levels(&mut self, marks: &mut Marks, after: &Marks) {
        for underlying in self.spoken.clone() {
            let price = cash(self.indices[&underlying]);
            let of = self.exotics.terms.iter().filter(|(_, it)| it.underlying == underlying);
            let living = of.filter(|(id, it)| it.expiry > self.now && !self.closed.contains(id));
            let living: Vec<InstrumentId> = living.map(|(id, _)| *id).collect();
            let met = living.into_iter().filter(|id| self.touch(*id, price)).count();
            if met > 0 {
                marks.renew(after, underlying);
            }
        }
    }

    /// Notes a level that a price meets, once; answers whether it does.
    pub(super) fn touch(&mut self, instrument: InstrumentId, price: Cash) -> bool {
        let style = self.exotics.terms.get(&instrument).map(|it| it.style);
        let is_met = match style {
            Some(ExoticStyle::Barrier { crossing: Crossing::Rises, level, .. }) => price >= level,
            Some(ExoticStyle::Barrier { crossing: Crossing::Falls, level, .. }) => price <= level,
            _ => false,
        };
        let is_first = is_met && self.exotics.touched.insert(instrument);
        if is_first {
            self.tell(Event::BarrierTouched { instrument, price });
        }
        is_first
    }

    /// A delivery price is a fixing of all Asian options that wait for that day.
    pub(super) fn fix_averages(&mut self, (underlying, day): (UnderlyingId, Timestamp), price: Cash) {
        for (instrument, terms) in self.exotics.terms.clone() {
            let is_asian = matches!(terms.style, ExoticStyle::Asian { .. });
            let is_off = self.closed.contains(&instrument) && terms.expiry > self.now;
            let fixed = self.exotics.fixed.entry(instrument).or_default();
            let next = days(&terms).get(fixed.len()).copied();
            if is_asian && !is_off && terms.underlying == underlying && next == Some(day) {
                fixed.push(price.micros().into());
                let made = u32::try_from(fixed.len()).expect("few");
                self.tell(Event::AsianFixed { instrument, price, made });
            }
        }
    }

    pub(super) fn exotic_payoff(
        &self,
        id: InstrumentId,
        (strike, right, style): (Cash, Right, ExoticStyle),
        price: i128,
    ) -> i128 {
        let ends_in_the_money = intrinsic(right, price, strike) > 0;
        match style {
            ExoticStyle::Cash { amount } if ends_in_the_money => amount.micros().into(),
            ExoticStyle::Asset if ends_in_the_money => price,
            ExoticStyle::Cash { .. } | ExoticStyle::Asset => 0,
            ExoticStyle::American => intrinsic(right, price, strike),
            ExoticStyle::Asian { .. } => {
                let fixed = self.exotics.fixed.get(&id).cloned().unwrap_or_default();
                let number = i128::try_from(fixed.len()).expect("few");
                let average = if number == 0 { price } else { half_even(fixed.iter().sum::<i128>(), number) };
                intrinsic(right, average, strike)
            }
            ExoticStyle::Barrier { knock, rebate, .. } => {
                let is_met = self.exotics.touched.contains(&id);
                if is_met == (knock == Knock::In) {
                    intrinsic(right, price, strike)
                } else {
                    rebate.micros().into()
                }
            }
        }
    }
}
