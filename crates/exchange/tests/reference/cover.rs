//! The worst that can become of options and orders of options: at every strike, at zero, and beyond the last strike.

use std::collections::{BTreeMap, BTreeSet};

use exchange::{
    Instrument,
    name::{Contract, Right},
};
use num::{Side, Timestamp};
use wire::{AccountId, InstrumentId, UnderlyingId};

use super::{Marks, ONE, Reference, ceil};

/// What stays beside the worst case, in micros.
const RESERVE: i128 = 1_000_000;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Orders {
    Stand,
    Withdrawn,
}

/// Options of one strike, in billionths of the underlying, and what is paid for them yet.
#[derive(Clone, Copy)]
pub(super) struct Claim {
    right: Right,
    strike: i128,
    units: i128,
    paid: i128,
}

type Term = (UnderlyingId, Timestamp);

/// What is held and ordered of each expiry.
#[derive(Clone, Default)]
pub(super) struct Cover {
    held: BTreeMap<Term, Vec<Claim>>,
    ordered: BTreeMap<InstrumentId, (Term, Vec<Claim>)>,
}

impl Claim {
    fn at(&self, price: i128) -> i128 {
        let gain = match self.right {
            Right::Call => price - self.strike,
            Right::Put => self.strike - price,
        };
        self.units * gain.max(0) - self.paid
    }

    fn slope(&self) -> i128 {
        if self.right == Right::Call { self.units } else { 0 }
    }
}

impl Cover {
    fn terms(&self) -> BTreeSet<Term> {
        self.held.keys().chain(self.ordered.values().map(|(term, _)| term)).copied().collect()
    }

    /// The least that an expiry brings when only the orders that lose fill; `None` where it may cost anything.
    fn least(&self, term: Term) -> Option<i128> {
        let held: Vec<Claim> = self.held.get(&term).cloned().unwrap_or_default();
        let ordered = self.ordered.values().filter(|(of, _)| *of == term).flat_map(|(_, claims)| claims);
        let ordered: Vec<Claim> = ordered.copied().collect();
        let slope: i128 = held.iter().map(Claim::slope).sum();
        if slope + ordered.iter().map(|it| it.slope().min(0)).sum::<i128>() < 0 {
            return None;
        }
        let prices = held.iter().chain(&ordered).map(|it| it.strike).chain([0]);
        let at = |price: i128| {
            let sure: i128 = held.iter().map(|it| it.at(price)).sum();
            sure + ordered.iter().map(|it| it.at(price).min(0)).sum::<i128>()
        };
        prices.map(at).min()
    }

    fn left(&self, balance: i128) -> Option<i128> {
        let least = self.terms().into_iter().map(|term| self.least(term));
        Some((balance - RESERVE) * ONE + least.collect::<Option<Vec<i128>>>()?.iter().sum::<i128>())
    }

    /// What can be taken away so that the worst case stays covered; all when nothing can happen.
    pub(super) fn room(&self, balance: i128) -> i128 {
        if self.terms().is_empty() {
            return balance;
        }
        self.left(balance).unwrap_or(0).div_euclid(ONE)
    }

    /// Takes these orders of an instrument in the place of those that it has, if all is covered then.
    pub(super) fn take(&mut self, it: &Instrument, claims: &[Claim], balance: i128) -> bool {
        let mut with = self.clone();
        let Some(term) = term(it) else { return false };
        with.ordered.insert(it.id, (term, claims.to_vec()));
        let is_covered = with.left(balance).is_some_and(|left| left >= 0);
        if is_covered {
            *self = with;
        }
        is_covered
    }

    pub(super) fn forget(&mut self, id: InstrumentId) {
        self.ordered.remove(&id);
    }
}

fn term(it: &Instrument) -> Option<Term> {
    match it.contract {
        Contract::Option { expiry, .. } => Some((it.underlying, expiry)),
        _ => None,
    }
}

impl Reference {
    pub(super) fn cover(&self, state: &Marks, account: AccountId, orders: Orders) -> Cover {
        let mut cover = Cover::default();
        for (id, holding) in &self.holders[&account].holdings {
            let it = state.instrument(*id).expect("listed");
            let units = holding.position * i128::from(it.market.lot_size().raw());
            let Contract::Option { strike, right, .. } = it.contract else { continue };
            let claim = Claim { right, strike: strike.micros().into(), units, paid: 0 };
            cover.held.entry(term(it).expect("an option")).or_default().push(claim);
        }
        for order in self.orders.iter().filter(|it| it.account == account && orders == Orders::Stand) {
            let it = state.instrument(order.instrument).expect("listed");
            let Some(term) = term(it) else { continue };
            let claims = cover.ordered.entry(it.id).or_insert((term, Vec::new()));
            claims.1.push(self.claim(it, (order.side, order.left(), order.price)));
        }
        cover
    }

    /// An order of an option: what it would pay, with the largest fee at any index.
    pub(super) fn claim(&self, it: &Instrument, (side, lots, price): (Side, u64, i64)) -> Claim {
        let Contract::Option { strike, right, .. } = it.contract else { unreachable!("vaults have options") };
        let size = i128::from(lots) * i128::from(it.market.lot_size().raw());
        let premium = i128::from(price) * i128::from(it.market.tick_size().micros());
        let fee = ceil(premium * i128::from(self.genesis.fees.option_cap_billionths), ONE);
        let units = size * i128::from(side.sign());
        Claim { right, strike: strike.micros().into(), units, paid: units * premium + size * fee }
    }
}
