//! The margin sums of accounts: kept while they are looked at, made anew when somebody asks.
//!
//! While its ceiling says that an account is covered nobody looks at its sums, and they are let go with its next
//! order or trade; whoever asks gets them from holdings and open orders.
//!
//! Invariant: the sums are a function of holdings, orders and marks alone, so that no outcome depends on whether they
//! are kept. What asking costs is bounded: who was looked at a few times under the same prices has sums until they
//! change.

use std::{borrow::Cow, collections::BTreeMap, sync::OnceLock};

use num::{Lots, Side, Ticks};
use wire::{InstrumentId, UnderlyingId};

use crate::{
    account::Account,
    holding::Holding,
    ledger::AccountIndex,
    margin::{OpenOrder, UnderlyingRisk},
    order::Order,
    state::State,
};

/// The sums of one account, by what its instruments are on.
pub(crate) type Risks = BTreeMap<UnderlyingId, UnderlyingRisk>;

/// How often all of an account is looked at under the same prices before its sums are kept.
const TIMES_MAX: u8 = 3;

/// How often all of an account was looked at since prices last changed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    epoch: u64,
    times: u8,
}

impl Asked {
    const fn once_more(&mut self, epoch: u64) {
        let times = if self.epoch == epoch { self.times } else { 0 };
        *self = Self { epoch, times: times.saturating_add(1) };
    }

    const fn is_too_often(self, epoch: u64) -> bool {
        self.epoch == epoch && self.times >= TIMES_MAX
    }
}

impl State {
    /// The sums of an account: those that are kept, or new ones.
    pub(crate) fn risks(&self, account: AccountIndex) -> Cow<'_, Risks> {
        match self.account(account).risks.get() {
            Some(risks) => Cow::Borrowed(risks),
            None => Cow::Owned(self.risks_anew(account)),
        }
    }

    /// Keeps the sums of an account for a reader, who will ask again. What is decided makes no use of it: where most
    /// accounts are looked at once, what is kept costs more at the next marks than it spares.
    pub(crate) fn remember_risks(&self, account: AccountIndex) {
        self.account(account).risks.get_or_init(|| self.risks_anew(account));
    }

    /// The sums over an account's positions and open orders, from nothing.
    pub(crate) fn risks_anew(&self, account: AccountIndex) -> Risks {
        let mut risks = self.risks_of_positions(account);
        for order in self.orders.walk(self.account(account).orders.iter()) {
            let it = self.instrument_at(order.instrument);
            self.risk_in(&mut risks, it.underlying).add_order(it, &self.as_open(order), 1);
        }
        risks
    }

    /// The sums that the account would have without orders.
    pub(crate) fn risks_of_positions(&self, account: AccountIndex) -> Risks {
        let mut risks = Risks::new();
        for (it, holding) in self.holdings(account) {
            let risk = self.risk_in(&mut risks, it.underlying);
            risk.add_position(it, holding.position, holding.cost(it), 1);
        }
        risks
    }

    pub(crate) fn risk_in<'a>(&self, risks: &'a mut Risks, id: UnderlyingId) -> &'a mut UnderlyingRisk {
        risks.entry(id).or_insert_with(|| UnderlyingRisk::new(self.parameters.grid.len()))
    }

    /// Whether all of an account without sums may be looked at once more before they are kept; counts the look.
    pub(crate) fn may_ask(&mut self, account: AccountIndex) -> bool {
        let epoch = self.margin_epoch;
        let holder = self.holder_mut(account).filter(|holder| holder.risks.get().is_none());
        let Some(holder) = holder.filter(|holder| !holder.asked.is_too_often(epoch)) else { return false };
        holder.asked.once_more(epoch);
        true
    }

    /// Makes the sums of an account unless they are there.
    pub(crate) fn keep_risks(&mut self, account: AccountIndex) {
        if self.account(account).risks.get().is_some() {
            return;
        }
        let (risks, epoch) = (self.risks_anew(account), self.margin_epoch);
        if let Some(holder) = self.holder_mut(account) {
            holder.risks = OnceLock::from(risks);
            holder.asked.once_more(epoch);
        }
    }

    /// Lets the sums go where the ceiling spares them; answers whether there are any.
    fn has_risks(&mut self, account: AccountIndex) -> bool {
        self.keep_account(account);
        let holder = self.account(account);
        if holder.risks.get().is_none() {
            return false;
        }
        let is_spared = !holder.asked.is_too_often(self.margin_epoch) && self.is_below_ceiling(account);
        if let Some(holder) = self.holder_mut(account).filter(|_| is_spared) {
            holder.risks = OnceLock::new();
        }
        !is_spared
    }

    /// Adds an order to its account's margin sums (`sign` 1), or takes it out (-1).
    pub(crate) fn count_order(&mut self, order: &Order, sign: i128) {
        let has_risks = self.has_risks(order.account);
        if sign < 0 && !has_risks {
            return;
        }
        let open = self.as_open(order);
        if has_risks {
            self.change_risk(order.account, order.instrument, |risk, it| risk.add_order(it, &open, sign));
        }
        if sign > 0 {
            self.raise_ceiling(order.account, order.instrument, &open);
        }
    }

    /// Puts one holding in the place of another in its account's margin sums.
    pub(crate) fn count_holding(
        &mut self,
        account: AccountIndex,
        id: InstrumentId,
        [before, after]: [&Holding; 2],
    ) {
        if self.has_risks(account) {
            self.change_risk(account, id, |risk, it| {
                risk.add_position(it, before.position, before.cost(it), -1);
                risk.add_position(it, after.position, after.cost(it), 1);
            });
        }
        self.move_ceiling(account, id, [before, after]);
    }

    fn change_risk(
        &mut self,
        account: AccountIndex,
        id: InstrumentId,
        change: impl FnOnce(&mut UnderlyingRisk, &crate::instrument::Instrument),
    ) {
        let place = usize::try_from(account).unwrap_or(usize::MAX);
        let it = self.instruments.get(usize::try_from(id.0).unwrap_or(usize::MAX));
        let risks = self.accounts.get_mut(place).and_then(|holder| holder.risks.get_mut());
        let (Some(it), Some(risks)) = (it, risks) else { return };
        let scenarios = self.parameters.grid.len();
        change(risks.entry(it.underlying).or_insert_with(|| UnderlyingRisk::new(scenarios)), it);
    }

    /// An account's record, where nothing changes of what is saved.
    pub(crate) fn holder_mut(&mut self, account: AccountIndex) -> Option<&mut Account> {
        usize::try_from(account).ok().and_then(|place| self.accounts.get_mut(place))
    }

    pub(crate) fn as_open(&self, order: &Order) -> OpenOrder {
        self.open_order(order.instrument, order.side, order.remaining(), order.price)
    }

    /// An order as margin sees it.
    pub(crate) fn open_order(&self, id: InstrumentId, side: Side, lots: Lots, price: Ticks) -> OpenOrder {
        let instrument = self.instrument_at(id);
        let underlying = self.underlying(instrument.underlying);
        let index = underlying.marked.map_or(underlying.index, |(index, _)| index);
        OpenOrder::of(instrument, (side, lots, price), (&self.parameters.fees, index))
    }
}
