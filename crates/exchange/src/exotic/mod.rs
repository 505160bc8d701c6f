//! Exotics: digital, American, barrier and Asian options, listed by whoever asks for one.
//!
//! An exotic is an instrument without a book: it trades in offers (`block_trade`), is marked by a model (`marks`), and
//! ends by rules of its own (`life`, `exercise`). Positions, margin, liquidation and delivery are those of every option.
//!
//! Invariant: what happens to an exotic in its life follows from the index after each commit and from delivery prices,
//! and is never undone: a level that was met stays met, a fixing stays made.
//! Left out on purpose: who asks whom for a price. That needs no consensus.

mod exercise;
mod life;
mod listing;
mod marks;
mod name;
mod terms;

use std::collections::BTreeSet;

use num::{Cash, DAY_MS, Duration, Timestamp};
use wire::{Crossing, ExoticStyle, ExoticTerms, OptionRight, UnderlyingId};

use crate::{
    holding::Holding,
    instrument::Instrument,
    ledger::AccountIndex,
    name::{Contract, Right},
    state::State,
};

pub(crate) use life::payoff;
pub(crate) use marks::{Surroundings, value};
pub(crate) use name::{format_style, parse_style};

/// The distance of an Asian option's fixings.
pub(crate) const FIXINGS_APART: Duration = Duration::from_millis(DAY_MS);

/// What has become of an exotic since it was listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exotic {
    /// When it was listed, or last changed hands.
    pub used_at: Timestamp,
    /// The price that met the level of a barrier option, if one did.
    pub touched: Option<Cash>,
    /// What the fixings of an Asian option that were made add up to.
    pub fixed: Cash,
    /// How many of them were made.
    pub made: u32,
    /// Who has a position, so that nobody else is asked when one is exercised.
    pub(crate) holders: BTreeSet<AccountIndex>,
}

impl Exotic {
    pub(crate) fn listed_at(used_at: Timestamp) -> Self {
        Self { used_at, ..Self::default() }
    }

    /// Keeps in step with a position that changed.
    pub(crate) fn note_holding(&mut self, account: AccountIndex, after: &Holding, now: Timestamp) {
        self.used_at = now;
        if after.position.is_flat() {
            self.holders.remove(&account);
        } else {
            self.holders.insert(account);
        }
    }
}

impl State {
    /// Notes who holds which exotics, from the positions of all accounts.
    pub(crate) fn note_holders(&mut self) {
        for (account, holder) in (0..).zip(&self.accounts) {
            for id in holder.holdings.keys() {
                let it = usize::try_from(id.0).ok().and_then(|place| self.instruments.get_mut(place));
                if let Some(life) = it.and_then(|it| it.exotic.as_mut()) {
                    life.holders.insert(account);
                }
            }
        }
    }
}

/// The contract of terms.
pub(crate) const fn contract(terms: &ExoticTerms) -> Contract {
    let ExoticTerms { underlying: _, expiry, strike, right, style } = *terms;
    let right = match right {
        OptionRight::Call => Right::Call,
        OptionRight::Put => Right::Put,
    };
    Contract::Exotic { expiry, strike, right, style }
}

impl Contract {
    /// The terms of an exotic on an underlying; `None` of everything else.
    pub const fn exotic_terms(&self, underlying: UnderlyingId) -> Option<ExoticTerms> {
        let Self::Exotic { expiry, strike, right, style } = *self else { return None };
        let right = match right {
            Right::Call => OptionRight::Call,
            Right::Put => OptionRight::Put,
        };
        Some(ExoticTerms { underlying, expiry, strike, right, style })
    }
}

impl Instrument {
    pub const fn is_exotic(&self) -> bool {
        self.exotic.is_some()
    }

    /// Whether what is said to have become of it can have, at prices from the lowest to the highest there may be.
    pub(crate) fn may_live(&self, life: &Exotic, (low, high): (Cash, Cash)) -> bool {
        let (fixings, is_barrier) = match self.style() {
            Some(ExoticStyle::Asian { fixings }) => (fixings, false),
            style => (0, matches!(style, Some(ExoticStyle::Barrier { .. }))),
        };
        let made = i128::from(life.made);
        let sums = made * i128::from(low.micros())..=made * i128::from(high.micros());
        life.made <= fixings
            && sums.contains(&i128::from(life.fixed.micros()))
            && life.touched.is_none_or(|price| is_barrier && (low..=high).contains(&price))
    }

    pub(crate) const fn style(&self) -> Option<ExoticStyle> {
        match self.contract {
            Contract::Exotic { style, .. } => Some(style),
            _ => None,
        }
    }
}

/// When an Asian option's first fixing is, if there are so many and the last is its expiry.
fn first_fixing(expiry: Timestamp, fixings: u32) -> Timestamp {
    let before = FIXINGS_APART.millis().saturating_mul(u64::from(fixings.saturating_sub(1)));
    expiry.saturating_sub(Duration::from_millis(before))
}

/// Whether a price is at a level or beyond it.
const fn meets(price: Cash, crossing: Crossing, level: Cash) -> bool {
    match crossing {
        Crossing::Rises => price.micros() >= level.micros(),
        Crossing::Falls => price.micros() <= level.micros(),
    }
}

/// What an option of this right is in the money by.
pub(crate) fn intrinsic(right: Right, price: Cash, strike: Cash) -> Cash {
    let (high, low) = match right {
        Right::Call => (price, strike),
        Right::Put => (strike, price),
    };
    high.checked_sub(low).unwrap_or(Cash::ZERO).max(Cash::ZERO)
}
