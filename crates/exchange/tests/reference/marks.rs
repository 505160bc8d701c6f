//! What is read from the exchange: instruments and what they are worth at the marks in force.

use exchange::{Instrument, State, Underlying};
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

    /// Those before a commit; what it lists is not worth anything yet.
    pub(super) fn between(before: &State, after: &State) -> Self {
        let mut marks = Self::of(before);
        let first = marks.instruments.len();
        marks.instruments.extend(after.instruments().iter().skip(first).cloned());
        marks.instruments[first..].iter_mut().for_each(|it| it.valuation = None);
        marks
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
