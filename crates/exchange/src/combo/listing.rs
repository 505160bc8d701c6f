//! Which combos there are: whoever asks for one lists it, for a fee; one that nobody uses goes.
//!
//! Invariant: an open combo's legs are open. So many combos of an underlying are open at most; one without orders is
//! taken off after a span without any, and every one when a leg expires.

use std::collections::BTreeSet;

use num::{Cash, Fix, Rounding, Side, Timestamp};
use wire::{ComboLeg, Event, InstrumentId, InstrumentName, List, Outcome, Reject, UnderlyingId, limits};

use super::{Combo, Leg, RATIO_MAX, name, normalised, units, value};
use crate::{
    book::Depth,
    fees::fee_per_unit_max,
    funding::Funding,
    genesis::ComboParameters,
    halt::TakerFlow,
    instrument::{Instrument, Listing},
    ledger::{AccountIndex, Purse},
    name::Contract,
    state::State,
};

/// Legs in their one form.
type Normalised = Vec<(InstrumentId, i64)>;

impl State {
    /// Lists the combo of these legs, unless it is there.
    pub(crate) fn create_combo(
        &mut self,
        account: AccountIndex,
        asked: &[ComboLeg],
    ) -> Result<Outcome, Reject> {
        let rules = self.parameters.combos.ok_or(Reject::CombosClosed)?;
        let (legs, side) = self.check_legs(asked)?;
        let id = InstrumentId(u32::try_from(self.instruments.len()).unwrap_or(u32::MAX));
        let odd = Reject::ComboLegs { have: count(legs.len()), need: LEGS_MAX };
        let it = self.combo_of(id, (&legs, self.time)).ok_or(odd.clone())?;
        let known = self.names.get(&it.name).map(|known| self.instrument_at(*known));
        match known.map(|known| (known.id, known.is_open(), known.combo.as_ref().map(Combo::asked))) {
            // Another combo whose digest begins alike.
            Some((_, _, legs)) if legs != it.combo.as_ref().map(Combo::asked) => return Err(odd),
            Some((instrument, true, _)) => return Ok(Outcome::Combo { instrument, side }),
            _ => {}
        }
        let known = known.map(|known| known.id);
        self.check_combo_room(&rules, it.underlying)?;
        let (have, need) = (self.free_balance(account), Cash::from_micros(rules.fee_micros));
        if have < need {
            return Err(Reject::BalanceTooLow { have, need });
        }
        self.pay(Purse::Account(account), Purse::Fees, need);
        let instrument = self.list_combo(it, known, (account, need));
        Ok(Outcome::Combo { instrument, side })
    }

    /// The legs in their one form, and the side of it that buys them as asked.
    fn check_legs(&self, asked: &[ComboLeg]) -> Result<(Normalised, Side), Reject> {
        let mut legs = Vec::with_capacity(asked.len());
        for leg in asked {
            let have = leg.instrument;
            let it = self.instrument_ref(have).ok_or(Reject::UnknownInstrument { have })?;
            legs.push((it, leg.ratio));
        }
        let different: BTreeSet<InstrumentId> = asked.iter().map(|leg| leg.instrument).collect();
        let underlyings: BTreeSet<UnderlyingId> = legs.iter().map(|(it, _)| it.underlying).collect();
        let are_plain = legs.iter().all(|(it, _)| !it.is_combo() && !it.is_exotic());
        if asked.len() < 2 || different.len() < asked.len() || underlyings.len() > 1 || !are_plain {
            return Err(Reject::ComboLegs { have: count(asked.len()), need: LEGS_MAX });
        }
        legs.iter().try_for_each(|(it, _)| self.check_open(it))?;
        let (legs, side) = normalised(&legs);
        let ratios = || legs.iter().map(|(_, ratio)| ratio.unsigned_abs());
        let have = ratios().max().unwrap_or(0);
        if have > RATIO_MAX || ratios().any(|ratio| ratio == 0) || ratios().all(|ratio| ratio > 1) {
            return Err(Reject::ComboRatios { have, need: RATIO_MAX });
        }
        Ok((legs, side))
    }

    fn check_combo_room(&self, rules: &ComboParameters, underlying: UnderlyingId) -> Result<(), Reject> {
        let open = self.instruments.iter().filter(|it| it.is_combo() && it.is_open());
        let have = count(open.filter(|it| it.underlying == underlying).count());
        let need = rules.open_max;
        if have < need { Ok(()) } else { Err(Reject::ComboLimit { have, need }) }
    }

    /// A combo as it begins, worth what its legs are.
    fn combo_of(&self, id: InstrumentId, (legs, used_at): (&Normalised, Timestamp)) -> Option<Instrument> {
        let legs: Vec<(&Instrument, i64)> = legs
            .iter()
            .map(|(leg, ratio)| Some((self.instrument_ref(*leg)?, *ratio)))
            .collect::<Option<_>>()?;
        let (market, each) = units(&legs)?;
        let first = legs.first()?.0;
        let underlying = self.underlying(first.underlying);
        let leg = |((it, ratio), lots_each): (&(&Instrument, i64), u64)| Leg {
            instrument: it.id,
            ratio: *ratio,
            contract: it.contract,
            lots_each,
        };
        let name = name(&underlying.symbol, &legs);
        let expiry = legs.iter().filter_map(|(it, _)| it.contract.expiry()).min();
        let legs = legs.iter().zip(each).map(leg).collect();
        let mut combo = Combo { legs, used_at, fee: Cash::ZERO };
        combo.fee = self.combo_fee(&combo);
        let mut it = Instrument {
            id,
            name,
            underlying: first.underlying,
            contract: Contract::Combo { expiry },
            market,
            listing: Listing::Open,
            valuation: value(&combo, |leg| self.instrument_at(leg)),
            combo: Some(combo),
            exotic: None,
            open_interest: 0,
            halt: None,
            collected: Vec::new(),
            flow: TakerFlow::default(),
            funding: Funding::default(),
            position_max: num::Lots::ZERO,
            last_trade: None,
        };
        it.position_max = self.position_max(&it);
        Some(it)
    }

    /// A combo as a snapshot has it; `None` when there is none of that name and those legs.
    pub(crate) fn combo_again(
        &self,
        (id, name): (InstrumentId, &str),
        (asked, used_at): (&[ComboLeg], Timestamp),
    ) -> Option<Instrument> {
        let legs: Vec<(&Instrument, i64)> = asked
            .iter()
            .map(|leg| Some((self.instrument_ref(leg.instrument)?, leg.ratio)))
            .collect::<Option<_>>()?;
        let underlying = legs.first()?.0.underlying;
        let fits = |(it, ratio): &(&Instrument, i64)| {
            it.underlying == underlying
                && !it.is_combo()
                && !it.is_exotic()
                && (1..=RATIO_MAX).contains(&ratio.unsigned_abs())
        };
        let has_fitting = (2..=limits::COMBO_LEGS_MAX).contains(&legs.len()) && legs.iter().all(fits);
        let (legs, _) = normalised(&legs);
        let it = self.combo_of(id, (&legs, used_at)).filter(|_| has_fitting)?;
        let is_same = it.combo.as_ref().map(Combo::asked).as_deref() == Some(asked);
        (is_same && it.name == name).then_some(it)
    }

    /// Lists a combo, in the place that it had before if it had one.
    fn list_combo(
        &mut self,
        it: Instrument,
        known: Option<InstrumentId>,
        (account, fee): (AccountIndex, Cash),
    ) -> InstrumentId {
        let legs = it.combo.as_ref().map(Combo::asked).unwrap_or_default();
        let legs = List::new(legs).expect("invariant: as many legs as were asked for");
        let name = InstrumentName::new(it.name.clone().into_bytes());
        let name = name.expect("invariant: a combo's name is cut to fit");
        let id = self.put_instrument(it, known);
        self.emit(Event::Listed { instrument: id, name });
        let account = self.account(account).id;
        self.emit(Event::ComboListed { instrument: id, legs, account, fee });
        id
    }

    /// Takes off the combos that nobody has used for too long.
    pub(crate) fn delist_idle_combos(&mut self) {
        let idle_ms = self.parameters.combos.map_or(0, |rules| rules.idle_ms);
        let is_idle = |combo: &Combo| self.time.since(combo.used_at).millis() >= idle_ms;
        let open = self.instruments.iter().filter(|it| it.is_open());
        let idle =
            open.filter(|it| it.combo.as_ref().is_some_and(is_idle) && self.book(it.id).resting() == 0);
        let idle: Vec<InstrumentId> = idle.map(|it| it.id).collect();
        if idle.is_empty() {
            return;
        }
        self.end_held_in(&idle);
        idle.into_iter().for_each(|id| self.delist(id));
    }

    pub(crate) fn delist(&mut self, id: InstrumentId) {
        let it = self.instrument_mut(id);
        (it.listing, it.valuation) = (Listing::Delisted, None);
        self.emit(Event::Delisted { instrument: id });
    }

    /// An order of an instrument has ended: a combo is in use.
    pub(crate) fn note_combo_use(&mut self, id: InstrumentId) {
        if self.instrument_at(id).is_combo() {
            let now = self.time;
            if let Some(combo) = &mut self.instrument_mut(id).combo {
                combo.used_at = now;
            }
        }
    }

    /// The legs of all open combos.
    pub(crate) fn combo_legs(&self) -> BTreeSet<InstrumentId> {
        let open = self.instruments.iter().filter(|it| it.is_open()).filter_map(|it| it.combo.as_ref());
        open.flat_map(|combo| &combo.legs).map(|leg| leg.instrument).collect()
    }

    /// Values an underlying's combos by the marks of their legs; answers whether as many have a value as before.
    pub(crate) fn mark_combos(&mut self, underlying: UnderlyingId) -> bool {
        let mut are_same = true;
        for place in 0..self.instruments.len() {
            let it = &self.instruments[place];
            let Some(combo) = it.combo.as_ref().filter(|_| it.underlying == underlying && it.is_open())
            else {
                continue;
            };
            let (valuation, fee) = (value(combo, |leg| self.instrument_at(leg)), self.combo_fee(combo));
            let it = &mut self.instruments[place];
            are_same &= it.valuation.is_some() == valuation.is_some();
            it.valuation = valuation;
            it.combo.iter_mut().for_each(|combo| combo.fee = fee);
        }
        are_same
    }

    /// The largest fees that one unit of a combo can cost: a leg trades no higher than its band. Made of the index of
    /// the present marks, so that it stays between them.
    fn combo_fee(&self, combo: &Combo) -> Cash {
        let band = Fix::from_raw(self.parameters.limits.price_band_billionths);
        let of_leg = |leg: &Leg| {
            let it = self.instrument_at(leg.instrument);
            let underlying = self.underlying(it.underlying);
            let index = underlying.marked.map_or(underlying.index, |(index, _)| index);
            let price = it.mark()?.checked_add(index.scale(band, Rounding::Ceil)?)?;
            let fee = fee_per_unit_max(&self.parameters.fees, it, index, price);
            fee.micros().checked_mul(i64::try_from(leg.ratio.unsigned_abs()).ok()?)
        };
        let mut fees = combo.legs.iter().map(of_leg);
        let sum = fees.try_fold(0i64, |sum, fee| sum.checked_add(fee?));
        sum.map_or(Cash::ZERO, Cash::from_micros)
    }
}

const LEGS_MAX: u32 = 4;
const _: () = assert!(limits::COMBO_LEGS_MAX == 4, "the limit that a reject names is the one of the format");

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
