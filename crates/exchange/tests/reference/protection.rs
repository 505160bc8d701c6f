//! A market maker's protection: a group of orders that goes when too much of it trades too fast.

use num::{Fix, Lots, Side, Timestamp};
use wire::{AccountId, Event, InstrumentId, OrderEnd, ProtectionLimits, Reject};

use super::{Marks, ONE, Reference};

/// Groups of one account, and the steps of an interval: trades of one step count as made at its first.
const GROUPS_MAX: usize = 16;
const STEPS: u64 = 64;

/// A group's limits and its trades: when, and how much of quantity, delta and vega in billionths.
#[derive(Clone, Debug)]
pub struct Group {
    limits: ProtectionLimits,
    trades: Vec<(Timestamp, [i128; 3])>,
    frozen_until: Option<Timestamp>,
}

impl Reference {
    pub(super) fn set_protection(
        &mut self,
        account: AccountId,
        (group, limits): (u16, Option<ProtectionLimits>),
    ) -> Result<(), Reject> {
        let groups = &mut self.holder(account).groups;
        let Some(limits) = limits else {
            return groups.remove(&group).map(drop).ok_or(Reject::UnknownProtection { have: group });
        };
        if groups.len() >= GROUPS_MAX && !groups.contains_key(&group) {
            return Err(Reject::ProtectionLimit { have: 16, need: 16 });
        }
        if limits.interval.millis() == 0 {
            return Err(Reject::SpanZero);
        }
        groups.insert(group, Group { limits, trades: Vec::new(), frozen_until: None });
        Ok(())
    }

    pub(super) fn reset_protection(&mut self, account: AccountId, have: u16) -> Result<(), Reject> {
        let found = self.holder(account).groups.get_mut(&have).ok_or(Reject::UnknownProtection { have })?;
        (found.trades, found.frozen_until) = (Vec::new(), None);
        Ok(())
    }

    pub(super) fn check_protection(&self, account: AccountId, group: Option<u16>) -> Result<(), Reject> {
        let Some(have) = group else { return Ok(()) };
        let found = self.holders[&account].groups.get(&have).ok_or(Reject::UnknownProtection { have })?;
        match found.frozen_until.filter(|until| self.now <= *until) {
            Some(need) => Err(Reject::ProtectionFrozen { have, need }),
            None => Ok(()),
        }
    }

    pub(super) fn is_frozen(&self, account: AccountId, group: Option<u16>) -> bool {
        matches!(self.check_protection(account, group), Err(Reject::ProtectionFrozen { .. }))
    }

    pub(super) fn count_protected(
        &mut self,
        state: &Marks,
        (account, number): (AccountId, u16),
        (id, side, lots): (InstrumentId, Side, Lots),
    ) {
        let it = self.asset(state, id).expect("listed");
        let quantity = i128::from(lots.get()) * it.lot;
        let [delta, vega] = it.greeks().map(|greek| quantity * i128::from(side.sign()) * greek / ONE);
        let traded = [quantity, delta, vega];
        let (now, is_frozen) = (self.now, self.is_frozen(account, Some(number)));
        let Some(group) = self.holder(account).groups.get_mut(&number).filter(|_| !is_frozen) else { return };
        let interval = group.limits.interval.millis();
        group.trades.retain(|(at, _)| now.since(*at).millis() <= interval);
        let step = group.trades.last().map(|(at, _)| *at);
        let step = step.filter(|at| now.since(*at).millis() <= interval / STEPS).unwrap_or(now);
        group.trades.push((step, traded));
        let limits = [group.limits.quantity, group.limits.delta, group.limits.vega];
        let passes = |(place, limit): (usize, &Option<Fix>)| {
            let sum: i128 = group.trades.iter().map(|(_, traded)| traded[place]).sum();
            limit.is_some_and(|limit| sum.abs() >= limit.raw().into())
        };
        if !limits.iter().enumerate().any(passes) {
            return;
        }
        let frozen = group.limits.frozen;
        let until = (frozen.millis() > 0).then(|| now.saturating_add(frozen));
        (group.trades, group.frozen_until) = (Vec::new(), Some(until.unwrap_or(Timestamp::MAX)));
        self.tell(Event::ProtectionTripped { account, group: number, until });
        let is_of = |of: Option<u16>| of == Some(number);
        let all = self.open_where(
            account,
            |it| is_of(it.conditions.protection),
            |it| is_of(it.conditions.protection),
        );
        all.into_iter().for_each(|id| self.end_any(id, OrderEnd::Protection));
    }
}
