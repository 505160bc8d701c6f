//! Which exotics there are: whoever asks for one lists it, for a fee; one that nobody holds goes.
//!
//! Invariant: the same terms are one instrument, named after them. So many exotics of an underlying are open at most,
//! which bounds what marks cost; one without positions is taken off after a span without trades, and one that somebody
//! holds never is.

use num::{Cash, Duration, Timestamp};
use wire::{
    Event, ExoticStyle, ExoticTerms, InstrumentId, InstrumentName, Outcome, Reject, limits::NAME_BYTES_MAX,
};

use super::{Exotic, FIXINGS_APART, Surroundings, contract, first_fixing, value};
use crate::{
    begin::list_instrument,
    genesis::ExoticParameters,
    instrument::{Instrument, Valuation},
    ladder::Use,
    ledger::{AccountIndex, Purse},
    marks, name,
    state::State,
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
        let is_there = |id: &InstrumentId| {
            let it = self.instrument_at(*id);
            it.is_open() && it.contract == contract(terms)
        };
        if let Some(instrument) = known.filter(is_there) {
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
        let it = list_instrument(&self.underlyings, &self.parameters.limits, (next, text));
        let mut it = it.expect("invariant: the name is of terms on an underlying");
        it.exotic = Some(Exotic::listed_at(self.time));
        it.valuation = self.exotic_value(&it);
        self.keep_oracle();
        for fixing in fixings(terms) {
            self.oracle.list_expiry(terms.underlying, fixing);
        }
        self.put_instrument(it, known)
    }

    /// What an exotic is worth at the present index.
    fn exotic_value(&self, it: &Instrument) -> Option<Valuation> {
        let underlying = self.underlying(it.underlying);
        let expiry_ms = it.contract.expiry()?.millis();
        let surface = underlying.surfaces.iter().find(|surface| surface.expiry_ms == expiry_ms)?;
        let (index, forward) = (underlying.index, marks::forward(it, underlying)?);
        let (smile, now) = (&marks::smile(surface).1?, self.time);
        let (grid, margin) = (self.parameters.grid_of(&underlying.symbol), &self.parameters.margin);
        value(it, &Surroundings { index, forward, smile, now, grid, margin })
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

/// The times whose delivery prices decide what it pays.
fn fixings(terms: &ExoticTerms) -> impl Iterator<Item = Timestamp> {
    let number = match terms.style {
        ExoticStyle::Asian { fixings } => fixings,
        _ => 1,
    };
    let first = first_fixing(terms.expiry, number);
    (0..number).map(move |place| {
        let since = FIXINGS_APART.millis().saturating_mul(place.into());
        first.saturating_add(Duration::from_millis(since))
    })
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
