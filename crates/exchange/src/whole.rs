//! Fill or kill: all of an order trades at once, or nothing has happened.
//!
//! What is at rest within its limit says what may trade, not what will: a maker's protection trips, a rival of the first
//! fill ends, a position or the open interest meets its limit, a hidden part queues behind an own order, the market
//! stops. Where nothing of that can be, the order is written like any other; where it can, it is written with a way back.
//!
//! Invariant: an order that must fill whole has filled whole when its action is done, or is refused and has left no
//! trace but its number.

use num::Lots;
use wire::{ReduceOnly, Reject, TimeInForce};

use crate::{book::Depth, ledger::AccountIndex, order::Order, place::Plan, state::State};

impl State {
    /// Writes a planned order, by what answers with the lots that it filled.
    pub(crate) fn whole_or_nothing(
        &mut self,
        account: AccountIndex,
        plan: Plan,
        write: impl FnOnce(&mut Self, Plan) -> Lots,
    ) -> Result<(), Reject> {
        let may_rest = plan.terms.time_in_force != TimeInForce::FillOrKill;
        if may_rest || self.is_sure_to_fill(account, &plan) {
            write(self, plan);
            return Ok(());
        }
        let need = plan.size.1;
        self.all_or_nothing(|state| {
            let have = write(state, plan);
            if have < need { Err(Reject::NotFillable { have, need }) } else { Ok(()) }
        })
    }

    /// Whether enough plain orders of others stand first in the book, and no limit can be met.
    fn is_sure_to_fill(&self, account: AccountIndex, plan: &Plan) -> bool {
        let (terms, (limit, lots)) = (&plan.terms, plan.size);
        let it = self.instrument_at(terms.instrument);
        let most = self.parameters.limits.open_interest_lots_max;
        if it.is_combo()
            || plan.conditions.protection.is_some()
            || it.open_interest.saturating_add(lots.get()) > most
            || self.parameters.halt.is_some_and(|rules| it.flow.may_fill_bucket(lots, &rules))
        {
            return false;
        }
        let fits = |owner: AccountIndex| {
            let held = self.account(owner).position(it.id).size();
            held.checked_add(lots).is_some_and(|most| most <= it.position_max)
        };
        let mut sum = Lots::ZERO;
        for resting in self.book(it.id).orders(terms.side.opposite()) {
            let reaches = resting.price.get() * terms.side.sign() <= limit.get() * terms.side.sign();
            let is_plain = self.order(resting.id).is_some_and(is_plain);
            if !reaches || !is_plain || resting.owner == account || !fits(resting.owner) {
                return false;
            }
            sum = sum.checked_add(resting.remaining).unwrap_or(lots);
            if sum >= lots {
                return true;
            }
        }
        false
    }
}

/// Whether nothing but its owner's position stands between an order and its fill.
const fn is_plain(order: &Order) -> bool {
    matches!(order.reduce_only, ReduceOnly::Off)
        && order.hidden.is_zero()
        && order.standing.rivals.is_none()
        && order.standing.protection.is_none()
}
