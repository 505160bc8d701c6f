//! How orders end, and whom else that concerns: labels, orders that waited for them, rivals, groups.

use num::Lots;
use wire::{AccountId, Event, OrderEnd, OrderId};

use super::{Held, Reference, Resting, lots};

/// For how long a label answers for an order that has traded to its end, and for how many of those.
const LABEL_MS: u64 = 10_000;
const ENDED_LABELS_MAX: usize = 128;

impl Reference {
    /// Ends an order wherever it is.
    pub(super) fn end_any(&mut self, id: u64, end: OrderEnd) {
        if let Some(place) = self.orders.iter().position(|it| it.id == id) {
            let it = self.orders.remove(place);
            self.tell_ended(&it, end);
        } else if let Some(held) = self.take_held(id) {
            self.tell_held_ended(&held, end);
        }
    }

    pub(super) fn take_held(&mut self, id: u64) -> Option<Held> {
        let place = self.held.iter().position(|it| it.id == id)?;
        Some(self.held.remove(place))
    }

    pub(super) fn tell_ended(&mut self, it: &Resting, end: OrderEnd) {
        self.release_label(it, end);
        if self.combos.contains_key(&it.instrument) {
            self.listings.used.insert(it.instrument, self.now);
        }
        let (account, instrument, unfilled) = (it.account, it.instrument, lots(it.left()));
        self.tell(Event::OrderEnded { order: OrderId(it.id), account, instrument, end, unfilled });
        if end == OrderEnd::Filled {
            self.entering.extend(self.followers(it.id));
        } else {
            self.end_followers(it.id);
        }
    }

    pub(super) fn tell_held_ended(&mut self, it: &Held, end: OrderEnd) {
        self.forget_held(it, end);
        self.end_followers(it.id);
    }

    fn forget_held(&mut self, it: &Held, end: OrderEnd) {
        self.holder(it.account).labels.remove(&it.terms.label);
        let (account, instrument, unfilled) = (it.account, it.terms.instrument, it.terms.lots);
        self.tell(Event::OrderEnded { order: OrderId(it.id), account, instrument, end, unfilled });
    }

    fn followers(&self, primary: u64) -> Vec<u64> {
        self.held.iter().filter(|it| it.primary == Some(primary)).map(|it| it.id).collect()
    }

    /// Whoever waited for an order that never fills ends too, the last one first, each with those that wait for it.
    fn end_followers(&mut self, primary: u64) {
        for follower in self.followers(primary).into_iter().rev() {
            let held = self.take_held(follower).expect("it follows");
            self.forget_held(&held, OrderEnd::PrimaryEnded);
            self.end_followers(follower);
        }
    }

    /// A label answers for a while for what has traded to its end; what was taken out is forgotten.
    fn release_label(&mut self, it: &Resting, end: OrderEnd) {
        let now = self.now;
        let holder = self.holder(it.account);
        let Some(named) = holder.labels.get_mut(&it.label).filter(|named| named.order == it.id) else {
            return;
        };
        let by_trading = [OrderEnd::Filled, OrderEnd::Dropped, OrderEnd::SelfTrade, OrderEnd::PositionLimit];
        if by_trading.contains(&end) {
            (named.filled, named.ended) = (it.filled, Some((end, now)));
            holder.ended_labels.push((now, it.label.clone()));
        } else {
            holder.labels.remove(&it.label);
        }
    }

    pub(super) fn is_forgotten(&self, at: num::Timestamp) -> bool {
        self.now.since(at).millis() > LABEL_MS
    }

    pub(super) fn forget_labels(&mut self, account: AccountId) {
        let now = self.now;
        let holder = self.holder(account);
        while let Some((at, label)) = holder.ended_labels.first().cloned()
            && (now.since(at).millis() > LABEL_MS || holder.ended_labels.len() > ENDED_LABELS_MAX)
        {
            holder.ended_labels.remove(0);
            if holder.labels.get(&label).is_some_and(|it| it.ended.is_some_and(|(_, of)| of == at)) {
                holder.labels.remove(&label);
            }
        }
    }

    /// All open orders of an account that something fits: first what rests, then what waits.
    pub(super) fn open_where(
        &self,
        account: AccountId,
        resting: impl Fn(&Resting) -> bool,
        held: impl Fn(&Held) -> bool,
    ) -> Vec<u64> {
        let of_orders = self.orders.iter().filter(|it| it.account == account && resting(it)).map(|it| it.id);
        let of_held = self.held.iter().filter(|it| it.account == account && held(it)).map(|it| it.id);
        let (mut all, mut later): (Vec<u64>, Vec<u64>) = (of_orders.collect(), of_held.collect());
        all.sort_unstable();
        later.sort_unstable();
        all.append(&mut later);
        all
    }

    /// What a trade does to other orders of one side: rivals end, and its group may have had too much.
    pub(super) fn note_fill(&mut self, state: &super::Marks, it: &Resting, traded: u64) {
        if let Some(rivals) = it.conditions.rivals {
            self.end_rivals(it.account, it.id, rivals);
        }
        if let Some(group) = it.conditions.protection {
            self.count_protected(state, (it.account, group), (it.instrument, it.side, Lots::new(traded)));
        }
    }

    pub(super) fn end_rivals(&mut self, account: AccountId, winner: u64, rivals: u32) {
        let mut all = self.open_where(
            account,
            |it| it.conditions.rivals == Some(rivals),
            |it| it.conditions.rivals == Some(rivals),
        );
        all.retain(|id| *id != winner);
        all.into_iter().for_each(|id| self.end_any(id, OrderEnd::Rival));
    }
}
