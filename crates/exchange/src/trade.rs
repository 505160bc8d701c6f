//! One fill: money, positions, fees, margin sums, open interest.
//!
//! Invariant: what one side pays the other gets; positions of the two sides change by opposite amounts.
//! With K the entry of a future, `clearing + sum of K` stays zero: unrealised money is nobody's yet.

use num::{Cash, Lots, Position, Rounding, Side, Ticks, div_floor};
use wire::{Event, InstrumentId, OrderEnd, OrderId, TradeEvent, TradeKind};

use crate::{
    account::Holding,
    book::Fill,
    fees::{Role, fee},
    ledger::{AccountIndex, Purse},
    margin::UnderlyingRisk,
    state::State,
};

/// The side that takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TakerSide {
    pub account: AccountIndex,
    pub order: OrderId,
    pub side: Side,
    pub kind: TradeKind,
}

impl State {
    /// Settles a fill that the book has made.
    pub(crate) fn settle_fill(&mut self, id: InstrumentId, taker: TakerSide, fill: Fill) {
        let (price, lots) = (fill.price, fill.lots);
        let maker = self.take_from_maker(&fill);
        let index = self.underlying(self.instrument_at(id).underlying).index;
        let fees = |role| fee(&self.parameters.fees, self.instrument_at(id), index, (price, lots), role);
        let (taker_fee, maker_fee) = (fees(Role::Taker), fees(Role::Maker));
        self.change_position(taker.account, id, taker.side, (price, lots));
        self.change_position(fill.owner, id, taker.side.opposite(), (price, lots));
        self.pay(Purse::Account(taker.account), Purse::Fees, taker_fee);
        self.pay(Purse::Account(fill.owner), Purse::Fees, maker_fee);
        self.trades += 1;
        let (taker_id, maker_id) = (self.account(taker.account).id, self.account(fill.owner).id);
        let trade = TradeEvent {
            instrument: id,
            price,
            lots,
            taker_side: taker.side,
            taker: taker_id,
            taker_order: taker.order,
            taker_fee,
            maker: maker_id,
            maker_order: fill.maker,
            maker_fee,
            kind: taker.kind,
        };
        self.emit(Event::Traded { trade });
        if let Some(order) = maker {
            self.forget_order(&order, OrderEnd::Filled);
        }
    }

    /// Takes the fill from the resting order; returns the order when nothing of it is left.
    fn take_from_maker(&mut self, fill: &Fill) -> Option<crate::order::Order> {
        let mut order = self.orders.get(&fill.maker).cloned()?;
        self.count_order(&order, -1);
        order.filled = order.filled.checked_add(fill.lots).unwrap_or(order.lots);
        if fill.maker_remaining.is_zero() {
            return Some(order);
        }
        self.count_order(&order, 1);
        self.store_order(order);
        None
    }

    /// Buys or sells for an account at a price: position, entry, realised profit, premium.
    pub(crate) fn change_position(
        &mut self,
        account: AccountIndex,
        id: InstrumentId,
        side: Side,
        (price, lots): (Ticks, Lots),
    ) {
        let market = self.instrument_at(id).market;
        let notional = market.notional(price, lots, Rounding::Floor).expect("invariant: the plan saw it fit");
        let paid =
            if side == Side::Buy { i128::from(notional.micros()) } else { -i128::from(notional.micros()) };
        let before = self.account(account).holdings.get(&id).copied().unwrap_or_default();
        let (after, realised) = before.after_fill(side, lots, paid);
        self.set_holding(account, id, after);
        if self.instrument_at(id).is_option() {
            self.clear(Purse::Account(account), to_cash(-paid));
        } else {
            self.clear(Purse::Account(account), realised);
        }
        let holder = self.account_mut(account);
        holder.realised = holder.realised.checked_add(realised).unwrap_or(holder.realised);
    }

    /// Replaces a holding and keeps margin sums and open interest in step.
    pub(crate) fn set_holding(&mut self, account: AccountIndex, id: InstrumentId, after: Holding) {
        let before = self.account(account).holdings.get(&id).copied().unwrap_or_default();
        self.count_holding(account, id, &before, -1);
        self.count_holding(account, id, &after, 1);
        let long = |holding: &Holding| u64::try_from(holding.position.get()).unwrap_or(0);
        let instrument = self.instrument_mut(id);
        instrument.open_interest = (instrument.open_interest + long(&after)).saturating_sub(long(&before));
        let holder = self.account_mut(account);
        if after.position.is_flat() {
            holder.holdings.remove(&id);
        } else {
            holder.holdings.insert(id, after);
        }
        self.touched.positions.insert((account, id));
    }

    pub(crate) fn count_holding(
        &mut self,
        account: AccountIndex,
        id: InstrumentId,
        it: &Holding,
        sign: i128,
    ) {
        if it.position.is_flat() {
            return;
        }
        self.keep_account(account);
        let instrument = self.instruments.get(usize::try_from(id.0).unwrap_or(usize::MAX));
        let place = usize::try_from(account).unwrap_or(usize::MAX);
        let (Some(instrument), Some(account)) = (instrument, self.accounts.get_mut(place)) else { return };
        let scenarios = self.parameters.grid.len();
        let risk =
            account.risk.entry(instrument.underlying).or_insert_with(|| UnderlyingRisk::new(scenarios));
        risk.add_position(instrument, it.position, it.cost(instrument), sign);
    }
}

impl Holding {
    /// The holding after buying or selling `lots` for `paid` (negative when money comes in), and the profit
    /// that closing part of it realises. Parts round down, the last part takes what is left.
    fn after_fill(self, side: Side, lots: Lots, paid: i128) -> (Self, Cash) {
        let position =
            self.position.after_fill(side, lots).expect("invariant: positions are bounded by margin");
        let entry = i128::from(self.entry.micros());
        if self.position.side().is_none_or(|held| held == side) {
            return (Self { position, entry: to_cash(entry + paid) }, Cash::ZERO);
        }
        let (size, lots) = (i128::from(self.position.size().get()), i128::from(lots.get()));
        let closed = size.min(lots);
        let paid_closing = if closed == lots { paid } else { div_floor(paid * closed, lots).unwrap_or(paid) };
        let entry_closed =
            if closed == size { entry } else { div_floor(entry * closed, size).unwrap_or(entry) };
        let realised = to_cash(-(entry_closed + paid_closing));
        (Self { position, entry: to_cash(entry - entry_closed + paid - paid_closing) }, realised)
    }
}

fn to_cash(micros: i128) -> Cash {
    Cash::from_i128(micros).expect("invariant: amounts are bounded by deposits, which are limited")
}

/// The lots of a reduce-only order that still reduce `position`.
pub(crate) fn reducible(position: Position, side: Side) -> Lots {
    match position.side() {
        Some(held) if held != side => position.size(),
        _ => Lots::ZERO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Both sides of any sequence of fills: money realised plus money still to be paid is conserved.
        #[test]
        fn what_two_sides_realise_and_owe_sums_to_zero(
            fills in proptest::collection::vec((any::<bool>(), 1..50u64, 1..10_000i128), 1..60),
        ) {
            let (mut left, mut right) = (Holding::default(), Holding::default());
            let mut realised = 0i128;
            for (buys, lots, price) in fills {
                let side = if buys { Side::Buy } else { Side::Sell };
                let paid = price * i128::from(lots) * i128::from(side.sign());
                let (after, profit) = left.after_fill(side, Lots::new(lots), paid);
                left = after;
                realised += i128::from(profit.micros());
                let (after, profit) = right.after_fill(side.opposite(), Lots::new(lots), -paid);
                right = after;
                realised += i128::from(profit.micros());
                let owed = i128::from(left.entry.micros()) + i128::from(right.entry.micros());
                prop_assert_eq!(realised + owed, 0);
                prop_assert_eq!(left.position.get(), -right.position.get());
                if left.position.is_flat() {
                    prop_assert_eq!(left.entry, Cash::ZERO);
                }
            }
        }
    }

    #[test]
    fn a_round_trip_realises_the_difference() {
        let (open, none) = Holding::default().after_fill(Side::Buy, Lots::new(3), 300);
        let (flat, profit) = open.after_fill(Side::Sell, Lots::new(3), -330);
        assert_eq!((none, profit, flat), (Cash::ZERO, Cash::from_micros(30), Holding::default()));
    }
}
