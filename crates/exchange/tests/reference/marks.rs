//! What is read from the exchange: instruments and what they are worth at the marks in force.

use exchange::{Instrument, Listing, State, Underlying};
use wire::{InstrumentId, UnderlyingId};

#[derive(Clone, Debug)]
pub struct Marks {
    instruments: Vec<Instrument>,
    underlyings: Vec<Underlying>,
}

impl Marks {
    pub(super) fn of(state: &State) -> Self {
        let underlyings = (0..).map_while(|id| state.underlying_of(UnderlyingId(id)).cloned());
        Self { instruments: state.instruments().to_vec(), underlyings: underlyings.collect() }
    }

    /// Those before a commit; what it lists is not worth anything yet, unless it is valued by a model at once.
    pub(super) fn between(before: &State, after: &State) -> Self {
        let (mut marks, first) = (Self::of(before), before.instruments().len());
        marks.instruments.extend(after.instruments().iter().skip(first).cloned());
        for (it, then) in marks.instruments.iter_mut().zip(after.instruments()) {
            let is_new = then.id.0 >= u32::try_from(first).expect("few") || it.listing == Listing::Delisted;
            if is_new {
                it.valuation = then.valuation.clone().filter(|_| then.exotic.is_some());
            }
        }
        for (id, it) in (0..).zip(&mut marks.underlyings) {
            let then = after.underlying_of(UnderlyingId(id)).expect("of genesis");
            it.surfaces.clone_from(&then.surfaces);
        }
        marks
    }

    /// Marks an underlying anew: as it is `after` the commit, for marks are made once in one.
    pub(super) fn renew(&mut self, after: &Self, id: UnderlyingId) {
        let open =
            self.instruments.iter_mut().filter(|it| it.underlying == id && it.listing == Listing::Open);
        for it in open {
            it.valuation = after.instrument(it.id).expect("listed").valuation.clone();
        }
        self.underlyings[usize::from(id.0)].clone_from(&after.underlyings[usize::from(id.0)]);
    }

    /// Parameters have changed: everything is marked anew, and positions may be of other sizes.
    pub(super) fn follow(&mut self, after: &Self) {
        for id in (0..).map(UnderlyingId).take(self.underlyings.len()) {
            self.renew(after, id);
        }
        for (it, then) in self.instruments.iter_mut().zip(&after.instruments) {
            it.position_max = then.position_max;
        }
    }

    pub(super) fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    pub(super) fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.iter().find(|it| it.id == id)
    }

    pub(super) fn underlying_of(&self, id: UnderlyingId) -> Option<&Underlying> {
        self.underlyings.get(usize::from(id.0))
    }
}
