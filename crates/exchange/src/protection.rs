//! A market maker's protection: a group of orders that goes when too much of it trades too fast; and the
//! dead man's switch.
//!
//! Invariant: trades count in the commit time that they happened in, and a group that trips is gone before
//! the next fill of the same commit. What has been counted takes a bounded amount of memory: trades close in
//! time are one entry.

use std::collections::VecDeque;

use num::{Duration, Fix, Lots, Position, Side, Timestamp};
use wire::{Event, InstrumentId, OrderEnd, OrderId, ProtectionLimits, Reject};

use crate::{
    agenda::{Due, Entry},
    ledger::AccountIndex,
    margin::units_as_fix,
    state::State,
};

/// Groups of one account.
const GROUPS_MAX: usize = 16;
/// Entries that an interval is divided into.
const STEPS: u64 = 64;

/// What traded at about one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flow {
    quantity: i128,
    delta: i128,
    vega: i128,
}

saved!(Flow { quantity, delta, vega });

/// A group's limits and what it traded lately.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protection {
    limits: ProtectionLimits,
    flows: VecDeque<(Timestamp, Flow)>,
    /// Until when nothing of the group enters.
    frozen_until: Option<Timestamp>,
}

saved!(Protection { limits, flows, frozen_until });

impl Protection {
    const fn new(limits: ProtectionLimits) -> Self {
        Self { limits, flows: VecDeque::new(), frozen_until: None }
    }

    pub const fn limits(&self) -> &ProtectionLimits {
        &self.limits
    }

    pub(crate) fn frozen_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.frozen_until.filter(|until| now <= *until)
    }

    fn is_frozen(&self, now: Timestamp) -> bool {
        self.frozen_until(now).is_some()
    }

    /// Counts a trade; answers whether a limit is passed.
    fn count(&mut self, now: Timestamp, flow: Flow) -> bool {
        while self.flows.front().is_some_and(|(at, _)| now.since(*at) > self.limits.interval) {
            self.flows.pop_front();
        }
        let step = Duration::from_millis(self.limits.interval.millis() / STEPS);
        match self.flows.back_mut() {
            Some((at, last)) if now.since(*at) <= step => *last = last.plus(flow),
            _ => self.flows.push_back((now, flow)),
        }
        let sum = self.flows.iter().fold(Flow::default(), |sum, (_, flow)| sum.plus(*flow));
        let passed = |sum: i128, limit: Option<Fix>| {
            limit.is_some_and(|limit| sum.saturating_abs() >= limit.raw().into())
        };
        passed(sum.quantity, self.limits.quantity)
            || passed(sum.delta, self.limits.delta)
            || passed(sum.vega, self.limits.vega)
    }

    fn freeze(&mut self, now: Timestamp) -> Timestamp {
        let forever = self.limits.frozen.millis() == 0;
        let until = if forever { Timestamp::MAX } else { now.saturating_add(self.limits.frozen) };
        self.frozen_until = Some(until);
        self.flows.clear();
        until
    }
}

impl Flow {
    const fn plus(self, other: Self) -> Self {
        Self {
            quantity: self.quantity.saturating_add(other.quantity),
            delta: self.delta.saturating_add(other.delta),
            vega: self.vega.saturating_add(other.vega),
        }
    }
}

impl State {
    pub(crate) fn set_protection(
        &mut self,
        account: AccountIndex,
        group: u16,
        limits: Option<ProtectionLimits>,
    ) -> Result<(), Reject> {
        let groups = &self.account(account).protections;
        let Some(limits) = limits else {
            if !groups.contains_key(&group) {
                return Err(Reject::UnknownProtection { have: group });
            }
            self.account_mut(account).protections.remove(&group);
            return Ok(());
        };
        let (have, need) = (groups.len(), GROUPS_MAX);
        if have >= need && !groups.contains_key(&group) {
            let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
            return Err(Reject::ProtectionLimit { have: count(have), need: count(need) });
        }
        if limits.interval.millis() == 0 {
            return Err(Reject::SpanZero);
        }
        self.account_mut(account).protections.insert(group, Protection::new(limits));
        Ok(())
    }

    pub(crate) fn reset_protection(&mut self, account: AccountIndex, group: u16) -> Result<(), Reject> {
        let found = self.account_mut(account).protections.get_mut(&group);
        let found = found.ok_or(Reject::UnknownProtection { have: group })?;
        *found = Protection::new(found.limits);
        Ok(())
    }

    /// Whether an order of the group may enter.
    pub(crate) fn check_protection(&self, account: AccountIndex, group: Option<u16>) -> Result<(), Reject> {
        let Some(have) = group else { return Ok(()) };
        let found = self.account(account).protections.get(&have);
        match found.ok_or(Reject::UnknownProtection { have })?.frozen_until {
            Some(need) if self.time <= need => Err(Reject::ProtectionFrozen { have, need }),
            _ => Ok(()),
        }
    }

    pub(crate) fn is_frozen(&self, account: AccountIndex, group: Option<u16>) -> bool {
        let found = group.and_then(|group| self.account(account).protections.get(&group));
        found.is_some_and(|found| found.is_frozen(self.time))
    }

    /// Counts a fill of a group's order, and takes the group out when it was too much.
    pub(crate) fn count_protected(
        &mut self,
        (account, group): (AccountIndex, u16),
        instrument: InstrumentId,
        (side, lots): (Side, Lots),
    ) {
        let it = self.instrument_at(instrument);
        let size = Position::new(i64::try_from(lots.get()).unwrap_or(i64::MAX));
        let quantity = i128::from(units_as_fix(it, size).raw());
        let greeks = it.valuation.as_ref().map(|valuation| valuation.greeks).unwrap_or_default();
        let signed = quantity * i128::from(side.sign());
        let part = |greek: Fix| signed.saturating_mul(i128::from(greek.raw())) / i128::from(Fix::SCALE);
        let flow = Flow { quantity, delta: part(greeks.delta), vega: part(greeks.vega) };
        let now = self.time;
        let holder = self.account_mut(account);
        let Some(protection) = holder.protections.get_mut(&group) else { return };
        if protection.is_frozen(now) || !protection.count(now, flow) {
            return;
        }
        let until = Some(protection.freeze(now)).filter(|until| *until != Timestamp::MAX);
        let id = holder.id;
        self.emit(Event::ProtectionTripped { account: id, group, until });
        self.end_group(account, group);
    }

    fn end_group(&mut self, account: AccountIndex, group: u16) {
        let holder = self.account(account);
        let resting = holder
            .orders
            .iter()
            .filter(|order| self.order(*order).is_some_and(|order| order.standing.protection == Some(group)));
        let held = holder.held.iter().filter(|(_, held)| held.conditions.protection == Some(group));
        let all: Vec<OrderId> = resting.chain(held.map(|(order, _)| *order)).collect();
        for order in all {
            self.end_any(account, order, OrderEnd::Protection);
        }
    }

    /// Sets, moves or takes away an account's dead man's switch.
    pub(crate) fn set_switch(&mut self, account: AccountIndex, at: Option<Timestamp>) -> Result<(), Reject> {
        if let Some(have) = at.filter(|at| *at <= self.time) {
            return Err(Reject::TimeNotAhead { have, need: self.time });
        }
        if let Some(before) = self.account(account).switch {
            self.strike(Entry::Time(before, Due::Switch(account)));
        }
        self.account_mut(account).switch = at;
        if let Some(at) = at {
            self.note(Entry::Time(at, Due::Switch(account)));
        }
        Ok(())
    }
}
