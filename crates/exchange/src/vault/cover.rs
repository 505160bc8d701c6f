//! What a vault can lose at most, and whether it has that.
//!
//! A vault holds options alone. At an expiry all of them pay at one price, and what they pay together is a line that
//! bends at strikes only; beyond the highest strike it must not fall. An order counts with what it would lose and not
//! with what it would gain, at each price: so the least over the strikes and zero is the least over all prices and all
//! subsets of fills. Expiries count with the worst of each.
//!
//! Invariant: whatever was covered when it was quoted stays so: balances change by what was counted, and nothing else
//! is taken from a vault.

use std::collections::{BTreeMap, BTreeSet};

use num::{Cash, Fix, Lots, Position, Rounding, Ticks};
use wire::{InstrumentId, UnderlyingId};

use super::Orders;
use crate::{
    instrument::Instrument,
    ledger::{AccountIndex, Purse},
    margin::{Fine, units},
    name::{Contract, Right},
    state::State,
};

/// What stays beside the worst case, for roundings.
const RESERVE: Cash = Cash::from_micros(Cash::SCALE);

/// An expiry of an underlying.
type Term = (UnderlyingId, num::Timestamp);

/// Options of one strike, held or ordered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    right: Right,
    strike: Cash,
    /// Billionths of the underlying; sold where negative.
    units: Fine,
    /// What is paid for them yet, fees included; negative where money comes in.
    paid: Fine,
}

/// All options of one expiry.
#[derive(Clone, Debug, Default)]
struct Payoffs {
    held: Vec<Claim>,
    ordered: BTreeMap<InstrumentId, Vec<Claim>>,
}

/// What a vault has, and what it may have to pay.
#[derive(Clone, Debug, Default)]
pub(super) struct Cover {
    balance: Fine,
    terms: BTreeMap<Term, Payoffs>,
    /// The least that each expiry brings; `None` where it may cost anything.
    least: BTreeMap<Term, Option<Fine>>,
}

impl Claim {
    /// What it brings at a price.
    fn at(&self, price: Cash) -> Fine {
        let intrinsic = match self.right {
            Right::Call => price.micros().saturating_sub(self.strike.micros()),
            Right::Put => self.strike.micros().saturating_sub(price.micros()),
        };
        self.units * i128::from(intrinsic.max(0)) - self.paid
    }

    /// How it goes on beyond every strike.
    const fn slope(&self) -> Fine {
        match self.right {
            Right::Call => self.units,
            Right::Put => 0,
        }
    }
}

impl Payoffs {
    fn least(&self) -> Option<Fine> {
        let ordered = || self.ordered.values().flatten();
        let slope: Fine = self.held.iter().map(Claim::slope).sum();
        let could_fall: Fine = ordered().map(|claim| claim.slope().min(0)).sum();
        if slope + could_fall < 0 {
            return None;
        }
        let strikes = self.held.iter().chain(ordered()).map(|claim| claim.strike);
        let prices: BTreeSet<Cash> = strikes.chain([Cash::ZERO]).collect();
        let at = |price: Cash| {
            let held: Fine = self.held.iter().map(|claim| claim.at(price)).sum();
            held + ordered().map(|claim| claim.at(price).min(0)).sum::<Fine>()
        };
        prices.into_iter().map(at).min()
    }
}

impl Cover {
    /// What is left in the worst case, less the reserve, with other orders in one instrument; `None` where there is no
    /// worst case.
    fn left(&self, change: Option<(Term, &Payoffs)>) -> Option<Fine> {
        let changed = change.map(|(term, payoffs)| (term, payoffs.least()));
        let others = self.least.iter().filter(|(term, _)| changed.is_none_or(|(of, _)| of != **term));
        let least = others.map(|(_, least)| *least).chain(changed.map(|(_, least)| least));
        let mut left = self.balance - fine(RESERVE);
        for least in least {
            left += least?;
        }
        Some(left)
    }

    /// What can be taken away so that the worst case stays covered; all when nothing can happen.
    pub(super) fn room(&self) -> Cash {
        let left = if self.terms.is_empty() { self.balance } else { self.left(None).unwrap_or(0) };
        num::div_floor(left, Fix::SCALE.into()).and_then(Cash::from_i128).unwrap_or(Cash::ZERO)
    }

    /// Takes these orders of an instrument in the place of those that it has, if all is covered then.
    pub(super) fn take(&mut self, it: &Instrument, orders: Vec<Claim>) -> bool {
        let Some(term) = term(it) else { return false };
        let mut payoffs = self.terms.get(&term).cloned().unwrap_or_default();
        payoffs.ordered.insert(it.id, orders);
        let is_covered = self.left(Some((term, &payoffs))).is_some_and(|left| left >= 0);
        if is_covered {
            self.least.insert(term, payoffs.least());
            self.terms.insert(term, payoffs);
        }
        is_covered
    }

    /// Forgets the orders of an instrument.
    pub(super) fn forget(&mut self, it: &Instrument) {
        if let Some((term, payoffs)) = term(it).and_then(|term| Some((term, self.terms.get_mut(&term)?))) {
            payoffs.ordered.remove(&it.id);
            let least = payoffs.least();
            self.least.insert(term, least);
        }
    }
}

fn fine(cash: Cash) -> Fine {
    i128::from(cash.micros()) * i128::from(Fix::SCALE)
}

fn term(it: &Instrument) -> Option<Term> {
    match it.contract {
        Contract::Option { expiry, .. } => Some((it.underlying, expiry)),
        _ => None,
    }
}

impl State {
    /// What a vault's account has, and may have to pay for what it holds and has ordered.
    pub(super) fn cover_of(&self, account: AccountIndex, orders: Orders) -> Cover {
        let balance = fine(self.ledger.balance(Purse::Account(account)));
        let mut cover = Cover { balance, ..Cover::default() };
        for (it, holding) in self.holdings(account) {
            let Contract::Option { strike, right, .. } = it.contract else { continue };
            let claim = Claim { right, strike, units: units(it, holding.position), paid: 0 };
            term(it).into_iter().for_each(|term| cover.terms.entry(term).or_default().held.push(claim));
        }
        for order in self.open_orders(account).filter(|_| orders == Orders::Stand) {
            let it = self.instrument_at(order.instrument);
            let claim = self.claim(it, (order.side, order.remaining(), order.price));
            if let Some((term, claim)) = term(it).zip(claim) {
                let payoffs = cover.terms.entry(term).or_default();
                payoffs.ordered.entry(it.id).or_default().push(claim);
            }
        }
        cover.least = cover.terms.iter().map(|(term, payoffs)| (*term, payoffs.least())).collect();
        cover
    }

    /// An order as cover counts it; `None` for what is no option.
    pub(super) fn claim(
        &self,
        it: &Instrument,
        (side, lots, price): (num::Side, Lots, Ticks),
    ) -> Option<Claim> {
        let Contract::Option { strike, right, .. } = it.contract else { return None };
        let lots = i64::try_from(lots.get()).ok()?;
        let size = units(it, Position::new(lots));
        // Fees follow the index, but never beyond this part of the premium.
        let cap = Fix::from_raw(self.parameters.fees.option_cap_billionths);
        let premium = it.market.price(price)?;
        let fee = premium.scale(cap, Rounding::Ceil)?;
        let signed = size * i128::from(side.sign());
        let paid = signed * i128::from(premium.micros()) + size * i128::from(fee.micros());
        Some(Claim { right, strike, units: signed, paid })
    }
}
