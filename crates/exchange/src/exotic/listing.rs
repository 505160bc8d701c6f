//! Which exotics there are: whoever asks for one lists it, for a fee; one that nobody holds goes.
//!
//! An exotic expires when European options do, for it is marked on their smile. Strikes and levels are round and within
//! a multiple of the index, amounts are whole ticks up to the strike.
//!
//! Invariant: the same terms are one instrument, named after them. So many exotics of an underlying are open at most,
//! which bounds what marks cost; one without positions is taken off after a span without trades, and one that somebody
//! holds never is.

use num::{Cash, Timestamp};
use wire::{
    Crossing, Event, ExoticStyle, ExoticTerms, InstrumentId, InstrumentName, Knock, OptionRight, Outcome,
    Reject, limits::NAME_BYTES_MAX,
};

use super::{Exotic, FIXINGS_APART, contract, first_fixing, value};
use crate::{
    begin::list_instrument,
    book::PagedBook,
    calendar,
    genesis::ExoticParameters,
    instrument::Instrument,
    ladder::Use,
    ledger::{AccountIndex, Purse},
    listing::round_step,
    name,
    oracle::DELIVERY_WINDOW,
    state::{State, Underlying},
};

impl State {
    /// Lists the exotic of these terms, unless it is there.
    pub(crate) fn create_exotic(
        &mut self,
        account: AccountIndex,
        terms: &ExoticTerms,
    ) -> Result<Outcome, Reject> {
        let rules = self.parameters.exotics.ok_or(Reject::ExoticsClosed)?;
        let have = terms.underlying;
        let underlying = self.underlying_of(have).ok_or(Reject::UnknownUnderlying { have })?;
        self.check_term(underlying, terms.expiry)?;
        let text = name::format(&underlying.symbol, &contract(terms));
        let known = self.names.get(&text).copied();
        if let Some(instrument) = known.filter(|id| self.instrument_at(*id).is_open()) {
            return Ok(Outcome::Exotic { instrument });
        }
        self.check_running()?;
        self.check_rung(have, Use::List)?;
        self.check_terms(&rules, underlying, terms)?;
        let (have, need) = (count(text.len()), count(NAME_BYTES_MAX));
        let name = InstrumentName::new(text.clone().into_bytes());
        let name = name.ok_or(Reject::ExoticName { have, need })?;
        self.check_exotic_room(&rules, terms)?;
        let (have, need) = (self.free_balance(account), Cash::from_micros(rules.fee_micros));
        if have < need {
            return Err(Reject::BalanceTooLow { have, need });
        }
        self.pay(Purse::Account(account), Purse::Fees, need);
        let instrument = self.list_exotic(terms, (known, &text));
        self.emit(Event::Listed { instrument, name });
        let account = self.account(account).id;
        self.emit(Event::ExoticListed { instrument, terms: *terms, account, fee: need });
        Ok(Outcome::Exotic { instrument })
    }

    /// An expiry ahead that names can say, and that has a smile.
    fn check_term(&self, underlying: &Underlying, have: Timestamp) -> Result<(), Reject> {
        let has_smile = |it: &crate::genesis::Surface| it.expiry_ms == have.millis() && !it.nodes.is_empty();
        let is_named = calendar::parse_expiry(&calendar::format_expiry(have)) == Some(have);
        let is_ahead = have > self.time;
        if is_named && is_ahead && underlying.surfaces.iter().any(has_smile) {
            return Ok(());
        }
        Err(Reject::ExoticExpiry { have })
    }

    fn check_terms(
        &self,
        rules: &ExoticParameters,
        underlying: &Underlying,
        terms: &ExoticTerms,
    ) -> Result<(), Reject> {
        let (index, tick) = (underlying.index, underlying.option.tick_size());
        let strikes = rules.strikes(index, self.oracle.range(terms.underlying));
        strikes.check(terms.strike)?;
        let amounts = |low: Cash| Multiples { step: tick, low, high: terms.strike };
        match terms.style {
            ExoticStyle::Asset | ExoticStyle::American => Ok(()),
            ExoticStyle::Cash { amount } => amounts(tick).check_amount(amount),
            ExoticStyle::Barrier { crossing, knock, level, rebate } => {
                strikes.check(level)?;
                check_level((crossing, knock, level), terms, index)?;
                amounts(Cash::ZERO).check_amount(rebate)
            }
            ExoticStyle::Asian { fixings: have } => {
                let need = rules.fixings_max;
                if !(2..=need).contains(&have) {
                    return Err(Reject::ExoticFixings { have, need });
                }
                // A window that has begun would be a part of what it should be.
                let (have, need) =
                    (first_fixing(terms.expiry, have), self.time.saturating_add(DELIVERY_WINDOW));
                if have > need { Ok(()) } else { Err(Reject::TimeNotAhead { have, need }) }
            }
        }
    }

    fn check_exotic_room(&self, rules: &ExoticParameters, terms: &ExoticTerms) -> Result<(), Reject> {
        let open = self.instruments.iter().filter(|it| it.is_exotic() && it.is_open());
        let have = count(open.filter(|it| it.underlying == terms.underlying).count());
        let need = rules.open_max;
        if have < need { Ok(()) } else { Err(Reject::ExoticLimit { have, need }) }
    }

    /// Lists an exotic, in the place that it had before if it had one, and marks it.
    fn list_exotic(
        &mut self,
        terms: &ExoticTerms,
        (known, text): (Option<InstrumentId>, &str),
    ) -> InstrumentId {
        let next = InstrumentId(count(self.instruments.len()));
        let id = known.unwrap_or(next);
        let it = list_instrument(&self.underlyings, &self.parameters.limits, (id, text));
        let mut it = it.expect("invariant: the name is of terms on an underlying");
        it.exotic = Some(Exotic::listed_at(self.time));
        it.valuation = self.exotic_value(&it);
        self.keep_oracle();
        for fixing in fixings(terms) {
            self.oracle.list_expiry(terms.underlying, fixing);
        }
        if known.is_some() {
            let last_trade = self.instrument_at(id).last_trade;
            *self.instrument_mut(id) = Instrument { last_trade, ..it };
        } else {
            self.names.insert(it.name.clone(), id);
            self.instruments.push(it);
            self.books.push(PagedBook::default());
            self.touched.instruments.insert(id);
        }
        id
    }

    fn exotic_value(&self, it: &Instrument) -> Option<crate::instrument::Valuation> {
        let underlying = self.underlying(it.underlying);
        let expiry = it.contract.expiry()?;
        let surface = underlying.surfaces.iter().find(|surface| surface.expiry_ms == expiry.millis())?;
        let smile = crate::marks::smile(surface).1?;
        let grid = self.parameters.grid_of(&underlying.symbol);
        let forward = crate::marks::forward(it, underlying)?;
        let at = super::marks::Surroundings {
            index: underlying.index,
            forward,
            smile: &smile,
            now: self.time,
            grid,
            margin: &self.parameters.margin,
        };
        value(it, &at)
    }

    /// Takes off the exotics that nobody holds and nobody has traded for too long.
    pub(crate) fn delist_idle_exotics(&mut self) {
        let Some(rules) = self.parameters.exotics else { return };
        let is_idle = |life: &Exotic| self.time.since(life.used_at).millis() >= rules.idle_ms;
        let open = self.instruments.iter().filter(|it| it.is_open() && it.open_interest == 0);
        let idle = open.filter(|it| it.exotic.as_ref().is_some_and(is_idle) && it.halt.is_none());
        for id in idle.map(|it| it.id).collect::<Vec<_>>() {
            self.delist(id);
        }
    }
}

/// Whole steps within two prices, both included.
#[derive(Clone, Copy, Debug)]
struct Multiples {
    step: Cash,
    low: Cash,
    high: Cash,
}

impl Multiples {
    fn has(self, have: Cash) -> bool {
        (self.low..=self.high).contains(&have) && have.micros() % self.step.micros().max(1) == 0
    }

    fn check(self, have: Cash) -> Result<(), Reject> {
        let Self { step, low, high } = self;
        if self.has(have) { Ok(()) } else { Err(Reject::ExoticPrice { have, step, low, high }) }
    }

    fn check_amount(self, have: Cash) -> Result<(), Reject> {
        let Self { step, low, high } = self;
        if self.has(have) { Ok(()) } else { Err(Reject::ExoticAmount { have, step, low, high }) }
    }
}

impl ExoticParameters {
    /// The strikes and levels there may be at an index, among prices that may be observed.
    fn strikes(&self, index: Cash, (lowest, highest): (Cash, Cash)) -> Multiples {
        let least = index.scale(num::Fix::from_raw(self.step_billionths), num::Rounding::Ceil);
        let low = Cash::from_micros(index.micros() / i64::from(self.reach.max(1)));
        let high = Cash::from_micros(index.micros().saturating_mul(self.reach.into()));
        Multiples {
            step: Cash::from_micros(round_step(least)),
            low: low.max(lowest),
            high: high.min(highest),
        }
    }
}

/// A level lies ahead of the index, and an option that ends at its level ends in the money or could never pay.
fn check_level(
    (crossing, knock, level): (Crossing, Knock, Cash),
    terms: &ExoticTerms,
    index: Cash,
) -> Result<(), Reject> {
    let is_beyond = |price: Cash| match crossing {
        Crossing::Rises => level > price,
        Crossing::Falls => level < price,
    };
    if !is_beyond(index) {
        return Err(Reject::ExoticLevel { have: level, need: index });
    }
    let towards = (terms.right == OptionRight::Call) == (crossing == Crossing::Rises);
    if knock == Knock::Out && towards && !is_beyond(terms.strike) {
        return Err(Reject::ExoticLevel { have: level, need: terms.strike });
    }
    Ok(())
}

/// The times whose delivery prices decide what it pays.
fn fixings(terms: &ExoticTerms) -> impl Iterator<Item = Timestamp> {
    let number = match terms.style {
        ExoticStyle::Asian { fixings } => fixings,
        _ => 1,
    };
    let first = first_fixing(terms.expiry, number);
    (0..number).map(move |place| {
        let since = FIXINGS_APART.millis().saturating_mul(place.into());
        first.saturating_add(num::Duration::from_millis(since))
    })
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
