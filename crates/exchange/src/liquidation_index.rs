//! At which index an account would be liquidated, if only that moved.
//!
//! What is moved are the present marks: forwards in proportion to the index, volatilities by strike and the time to
//! expiry as they are, and the scenarios of margin with them. Open orders are left out: they are cancelled before
//! anything is closed.
//!
//! Invariant: reading only, at a bounded cost: a fixed number of looks at a bounded number of options.
//! Left out on purpose: exotics, whose worth depends on the way an index takes and not on where it ends; and an account
//! that is sound on both sides of a gap between two looks, but not within.

use num::{Cash, Rounding, Timestamp, div_round};
use pricing::Slice;
use wire::UnderlyingId;

use crate::{
    contingency::Surroundings,
    holding::Holding,
    instrument::{Instrument, Valuation},
    ledger::AccountIndex,
    margin::UnderlyingRisk,
    marks::{self, smile},
    state::{State, Underlying},
    sums::Risks,
};

/// Moves of the index that are looked at, either way, in thousandths of it.
const MOVES: [i64; 13] = [10, 20, 40, 70, 100, 150, 200, 300, 400, 500, 650, 800, 950];
/// Halvings of the gap in which it happens: a hundred thousandth of the index is left of the widest.
const HALVINGS: u32 = 14;
/// Options of an underlying whose worth is looked at.
const OPTIONS_MAX: usize = 32;

impl State {
    /// The nearest index of an underlying at which the account's equity no longer covers its maintenance margin, below the
    /// present one where two are as near, to a hundred thousandth of it: at what is told it is not covered, and a
    /// hundred thousandth nearer it is. The present index for an account that is not covered now; `None` where it is covered
    /// from a twentieth of the index to nearly twice it, or for what this module leaves out.
    pub fn liquidation_index(&self, account: AccountIndex, underlying: UnderlyingId) -> Option<Cash> {
        let mut scene = Scene::of(self, account, underlying)?;
        let present = scene.present;
        if !scene.is_covered(present) {
            return Some(present);
        }
        let mut sound = [present; 2];
        for thousandths in MOVES {
            for (sound, way) in sound.iter_mut().zip([-1, 1]) {
                let there = part(present, 1_000 + way * thousandths, 1_000)?;
                if !scene.is_covered(there) {
                    return Some(scene.between(*sound, there));
                }
                *sound = there;
            }
        }
        None
    }
}

/// An account's positions on one underlying, and what its others ask for.
struct Scene<'a> {
    state: &'a State,
    account: AccountIndex,
    id: UnderlyingId,
    underlying: &'a Underlying,
    /// The index and the time of the present marks.
    present: Cash,
    marked_at: Timestamp,
    smiles: Vec<(Timestamp, Option<Slice>)>,
    held: Vec<(Instrument, &'a Holding)>,
    /// The sums on all underlyings.
    risks: Risks,
}

impl<'a> Scene<'a> {
    fn of(state: &'a State, account: AccountIndex, id: UnderlyingId) -> Option<Self> {
        let underlying = state.underlying_of(id)?;
        let (present, marked_at) = underlying.marked?;
        let held = state.holdings(account).filter(|(it, _)| it.underlying == id && it.valuation.is_some());
        let held: Vec<(Instrument, &Holding)> = held.map(|(it, held)| (it.clone(), held)).collect();
        let options = held.iter().filter(|(it, _)| it.is_option()).count();
        if held.is_empty() || options > OPTIONS_MAX || held.iter().any(|(it, _)| it.is_exotic()) {
            return None;
        }
        let smiles = underlying.surfaces.iter().map(smile).collect();
        let risks = state.risks_of_positions(account);
        Some(Self { state, account, id, underlying, present, marked_at, smiles, held, risks })
    }

    /// Whether equity covers the maintenance margin at an index.
    fn is_covered(&mut self, index: Cash) -> bool {
        let mut risk = UnderlyingRisk::new(self.state.parameters.grid.len());
        for place in 0..self.held.len() {
            let valuation = self.held.get(place).and_then(|(it, _)| self.value(it, index));
            let Some((it, holding)) = self.held.get_mut(place) else { continue };
            // What has no price there is left at the one that it has.
            it.valuation = valuation.or(it.valuation.take());
            risk.add_position(it, holding.position, holding.cost(it), 1);
        }
        self.risks.insert(self.id, risk);
        let at = |id: UnderlyingId| match self.state.surroundings(id) {
            here if id == self.id => Surroundings { index, ..here },
            elsewhere => elsewhere,
        };
        let (state, model) = (self.state, self.state.account(self.account).model);
        let margin = state.margin_sum(model, &self.risks, (None, &at)).margin(&state.parameters.margin);
        state.equity(self.account, &margin) >= margin.maintenance
    }

    fn value(&self, it: &Instrument, index: Cash) -> Option<Valuation> {
        let mark = self.state.instrument_at(it.id).valuation.as_ref()?;
        let forward = part(mark.forward, index.micros(), self.present.micros())?;
        let rules = (self.state.parameters.grid_of(&self.underlying.symbol), &self.state.parameters.margin);
        marks::value(it, (index, forward), &self.smiles, (self.marked_at, rules))
    }

    /// The index at which it is no longer covered, between one where it is and one where it is not.
    fn between(&mut self, mut covered: Cash, mut not: Cash) -> Cash {
        for _ in 0..HALVINGS {
            let Some(middle) = covered.checked_add(not).and_then(|sum| part(sum, 1, 2)) else { return not };
            if self.is_covered(middle) {
                covered = middle;
            } else {
                not = middle;
            }
        }
        not
    }
}

/// A part of an amount, rounded half to even.
fn part(amount: Cash, numerator: i64, denominator: i64) -> Option<Cash> {
    let product = i128::from(amount.micros()) * i128::from(numerator);
    div_round(product, denominator.into(), Rounding::HalfEven).and_then(Cash::from_i128)
}
