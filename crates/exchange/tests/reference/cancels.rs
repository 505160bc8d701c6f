//! Cancels, and which of an account's orders are meant.

use num::Side;
use wire::{AccountId, InstrumentId, Label, OrderEnd, OrderFilter, OrderTarget, Reject};

use super::{Marks, Reference};

impl Reference {
    /// The account's own open order, of those that were ordered before the present action.
    pub(super) fn target(&self, account: AccountId, target: &OrderTarget) -> Result<u64, Reject> {
        let id = match target {
            OrderTarget::Id { order } => order.0,
            OrderTarget::Label { label } => {
                let named = self.holders.get(&account).and_then(|it| it.labels.get(label));
                named.filter(|it| it.ended.is_none()).ok_or(Reject::UnknownOrder)?.order
            }
        };
        if let Some(it) = self.orders.iter().find(|it| it.id == id) {
            return match it.account == account {
                false => Err(Reject::NotOwner { have: wire::OrderId(id) }),
                true if it.placed < self.acting => Ok(id),
                true => Err(Reject::UnknownOrder),
            };
        }
        let mine = self.held.iter().find(|it| it.id == id && it.account == account);
        mine.filter(|it| it.placed < self.acting).map(|it| it.id).ok_or(Reject::UnknownOrder)
    }

    pub(super) fn cancel_matching(
        &mut self,
        state: &Marks,
        account: AccountId,
        filter: &OrderFilter,
    ) -> Result<(), Reject> {
        if let Some(id) = filter.instrument {
            self.asset(state, id)?;
        }
        if let Some(have) = filter.underlying.filter(|id| state.underlying_of(*id).is_none()) {
            return Err(Reject::UnknownUnderlying { have });
        }
        let is_market = |id: InstrumentId| {
            let it = self.asset(state, id).expect("listed");
            filter.underlying.is_none_or(|only| it.underlying == only)
                && filter.kind.is_none_or(|only| it.kind() == only)
                && filter.instrument.is_none_or(|only| it.id == only)
        };
        let fits = |side: Side, label: &Label, protection: Option<u16>, placed| {
            filter.side.is_none_or(|only| only == side)
                && filter.label.as_ref().is_none_or(|only| only == label)
                && filter.protection.is_none_or(|only| Some(only) == protection)
                && placed < self.acting
        };
        let all = self.open_where(
            account,
            |it| is_market(it.instrument) && fits(it.side, &it.label, it.conditions.protection, it.placed),
            |it| {
                let terms = &it.terms;
                is_market(terms.instrument)
                    && fits(terms.side, &terms.label, it.conditions.protection, it.placed)
            },
        );
        all.into_iter().for_each(|id| self.end_any(id, OrderEnd::Cancelled));
        Ok(())
    }
}
