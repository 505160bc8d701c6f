//! Whether an account's equity covers what it would need.
//!
//! Invariant: nothing here is made from scratch: margin is read from sums that are kept, and an order is
//! tried on by adding its scenarios while the worst is looked for.

use num::Cash;
use wire::Reject;

use crate::{
    instrument::Instrument,
    ledger::{AccountIndex, Purse},
    margin::{Margin, OpenOrder, UnderlyingRisk},
    state::State,
};

/// What an intended action does to an account's open orders.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OrderChange {
    pub adds: [Option<OpenOrder>; 2],
    pub removes: [Option<OpenOrder>; 2],
}

impl OrderChange {
    pub(crate) const fn adding(adds: OpenOrder) -> Self {
        Self { adds: [Some(adds), None], removes: [None, None] }
    }

    pub(crate) const fn replacing(removes: OpenOrder, adds: OpenOrder) -> Self {
        Self { adds: [Some(adds), None], removes: [Some(removes), None] }
    }
}

impl State {
    /// The account's margin over all underlyings at the present marks.
    pub fn margin(&self, account: AccountIndex) -> Margin {
        let risk = self.account(account).risk.iter();
        risk.fold(Margin::default(), |sum, (id, risk)| sum.plus(self.margin_in(*id, risk)))
    }

    fn margin_in(&self, id: wire::UnderlyingId, risk: &UnderlyingRisk) -> Margin {
        risk.margin(self.underlying(id).index, &self.parameters.margin)
    }

    /// Balance and unrealised value; saturates.
    pub fn equity(&self, account: AccountIndex, margin: &Margin) -> Cash {
        let balance = self.ledger.balance(Purse::Account(account));
        let beyond = if margin.value.is_negative() { Cash::MIN } else { Cash::MAX };
        balance.checked_add(margin.value).unwrap_or(beyond)
    }

    /// Equity and margin of an account, for those who watch.
    pub fn margin_of(&self, account: AccountIndex) -> (Cash, Margin) {
        let margin = self.margin(account);
        (self.equity(account, &margin), margin)
    }

    pub(crate) fn is_sound(&self, account: AccountIndex) -> bool {
        let (equity, margin) = self.margin_of(account);
        equity >= margin.maintenance
    }

    /// Initial margin must be covered with the orders counted at their worst; what adds nothing to the
    /// worst case is always allowed.
    pub(crate) fn check_margin(
        &self,
        account: AccountIndex,
        it: &Instrument,
        change: &OrderChange,
    ) -> Result<(), Reject> {
        let none = UnderlyingRisk::new(self.parameters.grid.len());
        let holder = self.account(account);
        let risk = holder.risk.get(&it.underlying).unwrap_or(&none);
        let others = holder.risk.iter().filter(|(underlying, _)| **underlying != it.underlying);
        let rest = others.fold(Margin::default(), |sum, (id, risk)| sum.plus(self.margin_in(*id, risk)));
        let now = rest.plus(self.margin_in(it.underlying, risk));
        let index = self.underlying(it.underlying).index;
        let then = rest.plus(risk.margin_after(it, change, (index, &self.parameters.margin)));
        let (have, need) = (self.equity(account, &now), then.initial);
        if have >= need || need <= now.initial { Ok(()) } else { Err(Reject::MarginTooLow { have, need }) }
    }
}
