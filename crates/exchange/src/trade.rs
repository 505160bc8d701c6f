//! One fill: money, positions, fees, margin sums, open interest. First what both sides would hold, then the
//! writes that cannot fail.
//!
//! Invariant: what one side pays the other gets; positions of the two sides change by opposite amounts.
//! With K the entry of a future, `clearing + sum of K` stays zero: unrealised money is nobody's yet.

use num::{Cash, Lots, Position, Rounding, Side, Ticks};
use wire::{BlockLeg, Event, InstrumentId, OrderEnd, OrderId, Reject, TradeEvent, TradeKind};

use crate::{
    book::RestingOrder,
    fees::{Role, fee},
    holding::Holding,
    ledger::{AccountIndex, Purse},
    order::{Order, Standing},
    state::State,
};

/// The side that takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TakerSide {
    pub account: AccountIndex,
    pub order: OrderId,
    pub side: Side,
    pub kind: TradeKind,
    pub standing: Standing,
}

/// Whose order was filled.
pub(crate) type Filler = (AccountIndex, OrderId, Standing);

/// What a fill does to one side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FillSide {
    pub after: Holding,
    realised: Cash,
    /// What the side pays now: the premium of an option, what a future lost. Negative when it gets money.
    pays: Cash,
    fee: Cash,
}

impl FillSide {
    pub(crate) const fn fee(&self) -> Cash {
        self.fee
    }
}

/// What a fill does to both sides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FillPlan {
    pub price: Ticks,
    pub lots: Lots,
    pub taker: FillSide,
    pub maker: FillSide,
}

/// What a pair trades in an opening: both sides at its price, both with a maker's fee.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cross {
    price: Ticks,
    pub lots: Lots,
    pub buy: FillSide,
    pub sell: FillSide,
}

/// Whose holding would grow beyond what is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocked {
    Taker,
    Maker,
}

impl State {
    /// What becomes of both sides when `lots` of the resting order trade.
    pub(crate) fn plan_fill(
        &self,
        id: InstrumentId,
        taker: TakerSide,
        (resting, lots): (RestingOrder, Lots),
    ) -> Result<FillPlan, Blocked> {
        let terms = (resting.price, lots);
        let takes = self.plan_side(taker.account, id, (taker.side, Role::Taker), terms);
        let makes = self.plan_side(resting.owner, id, (resting.side, Role::Maker), terms);
        let (takes, makes) = (takes.ok_or(Blocked::Taker)?, makes.ok_or(Blocked::Maker)?);
        if self.passes_open_interest(id, [(taker.account, &takes), (resting.owner, &makes)]) {
            return Err(Blocked::Taker);
        }
        let (taker, maker) = (takes, makes);
        Ok(FillPlan { price: resting.price, lots, taker, maker })
    }

    pub(crate) fn plan_side(
        &self,
        account: AccountIndex,
        id: InstrumentId,
        (side, role): (Side, Role),
        (price, lots): (Ticks, Lots),
    ) -> Option<FillSide> {
        let before = self.account(account).holdings.get(&id).copied().unwrap_or_default();
        self.plan_side_from(before, id, (side, role), (price, lots))
    }

    /// What a fill does to a side that holds so much before it.
    pub(crate) fn plan_side_from(
        &self,
        before: Holding,
        id: InstrumentId,
        (side, role): (Side, Role),
        (price, lots): (Ticks, Lots),
    ) -> Option<FillSide> {
        let it = self.instrument_at(id);
        let notional = it.market.notional(price, lots, Rounding::Floor)?;
        let paid = if side == Side::Buy { notional } else { notional.checked_neg()? };
        let index = self.underlying(it.underlying).index;
        let fee = fee(&self.parameters.fees, it, index, (price, lots), role);
        Some(FillSide { fee, ..self.plan_move_from(before, id, (side, lots), paid)? })
    }

    /// What a leg of a block trade does to its maker and taker, both at its price; the maker pays a maker's fee.
    pub(crate) fn plan_leg(
        &self,
        (maker, taker): (AccountIndex, AccountIndex),
        leg: &BlockLeg,
    ) -> Result<(FillSide, FillSide), Reject> {
        let (id, terms) = (leg.instrument, (leg.price, leg.lots));
        let made = self.plan_side(maker, id, (leg.side, Role::Maker), terms);
        let taken = self.plan_side(taker, id, (leg.side.opposite(), Role::Taker), terms);
        let need = self.instrument_at(id).position_max;
        let (made, taken) = made.zip(taken).ok_or(Reject::PositionTooLarge { have: leg.lots, need })?;
        if self.passes_open_interest(id, [(maker, &made), (taker, &taken)]) {
            let (have, need) =
                (self.instrument_at(id).open_interest, self.parameters.limits.open_interest_lots_max);
            return Err(Reject::OpenInterestLimit { have, need });
        }
        Ok((made, taken))
    }

    /// What a move of a position for so much money does to one side; there is no fee.
    pub(crate) fn plan_move(
        &self,
        account: AccountIndex,
        id: InstrumentId,
        (side, lots): (Side, Lots),
        paid: Cash,
    ) -> Option<FillSide> {
        let before = self.account(account).holdings.get(&id).copied().unwrap_or_default();
        self.plan_move_from(before, id, (side, lots), paid)
    }

    fn plan_move_from(
        &self,
        before: Holding,
        id: InstrumentId,
        (side, lots): (Side, Lots),
        paid: Cash,
    ) -> Option<FillSide> {
        let it = self.instrument_at(id);
        let (after, realised) = before.after_fill(side, lots, paid)?;
        let grows = after.position.size() > before.position.size();
        if grows && after.position.size() > it.position_max {
            return None;
        }
        let pays = if it.is_option() { paid } else { realised.checked_neg()? };
        Some(FillSide { after, realised, pays, fee: Cash::ZERO })
    }

    /// What becomes of both sides of a pair at a price, or the side whose position may not grow.
    pub(crate) fn plan_cross(
        &self,
        (buy, sell): (&Order, &Order),
        (price, lots): (Ticks, Lots),
    ) -> Result<Cross, Side> {
        let side =
            |it: &Order| self.plan_side(it.account, it.instrument, (it.side, Role::Maker), (price, lots));
        let bought = side(buy).ok_or(Side::Buy)?;
        let sold = side(sell).ok_or(Side::Sell)?;
        if self.passes_open_interest(buy.instrument, [(buy.account, &bought), (sell.account, &sold)]) {
            return Err(later(buy, sell));
        }
        Ok(Cross { price, lots, buy: bought, sell: sold })
    }

    pub(crate) fn write_cross_side(&mut self, order: &Order, side: &FillSide) {
        self.write_side(order.account, order.instrument, side);
        self.pay(Purse::Account(order.account), Purse::Fees, side.fee);
    }

    /// Tells a trade of an opening; the later order is called its taker.
    pub(crate) fn tell_cross(&mut self, (buy, sell): (&Order, &Order), cross: &Cross) {
        let (taker, maker, fees) = if buy.id > sell.id {
            (buy, sell, (cross.buy.fee, cross.sell.fee))
        } else {
            (sell, buy, (cross.sell.fee, cross.buy.fee))
        };
        self.trades += 1;
        self.instrument_mut(buy.instrument).last_trade = Some(cross.price);
        let trade = TradeEvent {
            instrument: buy.instrument,
            price: cross.price,
            lots: cross.lots,
            taker_side: taker.side,
            taker: self.account(taker.account).id,
            taker_order: taker.id,
            taker_fee: fees.0,
            maker: self.account(maker.account).id,
            maker_order: maker.id,
            maker_fee: fees.1,
            kind: TradeKind::Opening,
        };
        self.emit(Event::Traded { trade });
    }

    /// Whether a fill would make more open interest than there may be.
    fn passes_open_interest(&self, id: InstrumentId, sides: [(AccountIndex, &FillSide); 2]) -> bool {
        self.passes_open_interest_with(id, sides.into_iter().map(|(account, side)| (account, &side.after)))
    }

    /// Whether there would be more open interest than there may be if these accounts held so much.
    pub(crate) fn passes_open_interest_with<'a>(
        &self,
        id: InstrumentId,
        after: impl Iterator<Item = (AccountIndex, &'a Holding)>,
    ) -> bool {
        let it = self.instrument_at(id);
        let long = |position: Position| i128::from(position.get().max(0));
        let growth: i128 = after
            .map(|(account, after)| long(after.position) - long(self.account(account).position(id)))
            .sum();
        let most = i128::from(self.parameters.limits.open_interest_lots_max);
        growth > 0 && i128::from(it.open_interest) + growth > most
    }

    /// Makes the planned fill with the first resting order of the side that is taken from, and what follows of it.
    pub(crate) fn write_fill(&mut self, id: InstrumentId, taker: TakerSide, plan: FillPlan) {
        let maker = self.write_fill_alone(id, taker, plan);
        self.note_fill((taker.account, taker.order, taker.standing), id, (taker.side, plan.lots));
        self.note_fill(maker, id, (taker.side.opposite(), plan.lots));
    }

    /// Makes the planned fill, and leaves to the caller what it does to other orders of both sides. Answers with whose
    /// order was filled.
    pub(crate) fn write_fill_alone(&mut self, id: InstrumentId, taker: TakerSide, plan: FillPlan) -> Filler {
        let filled = self.book_mut(id).fill_front(taker.side.opposite(), plan.lots);
        let fill = filled.expect("invariant: the plan is made of the order in front");
        let maker = self.take_from_maker(fill.maker, plan.lots);
        let maker_standing = maker.standing;
        self.write_side(taker.account, id, &plan.taker);
        self.write_side(fill.owner, id, &plan.maker);
        // Whoever is liquidated pays the fund that stands behind all.
        let fee_purse =
            if taker.kind == TradeKind::Liquidation { self.fund_of(taker.account) } else { Purse::Fees };
        self.pay(Purse::Account(taker.account), fee_purse, plan.taker.fee);
        self.pay(Purse::Account(fill.owner), Purse::Fees, plan.maker.fee);
        self.trades += 1;
        self.instrument_mut(id).last_trade = Some(plan.price);
        let trade = TradeEvent {
            instrument: id,
            price: plan.price,
            lots: plan.lots,
            taker_side: taker.side,
            taker: self.account(taker.account).id,
            taker_order: taker.order,
            taker_fee: plan.taker.fee,
            maker: self.account(fill.owner).id,
            maker_order: fill.maker,
            maker_fee: plan.maker.fee,
            kind: taker.kind,
        };
        self.emit(Event::Traded { trade });
        if taker.kind == TradeKind::Ordinary {
            self.note_flow(id, (taker.side, plan.lots));
        }
        if maker.remaining().is_zero() {
            self.forget_order(&maker, OrderEnd::Filled);
        }
        (fill.owner, fill.maker, maker_standing)
    }

    /// What a fill does to an order's rivals and its protection group.
    pub(crate) fn note_fill(
        &mut self,
        (account, order, standing): Filler,
        id: InstrumentId,
        traded: (Side, Lots),
    ) {
        if let Some(rivals) = standing.rivals {
            self.end_rivals(account, order, rivals);
        }
        if let Some(group) = standing.protection {
            self.count_protected((account, group), id, traded);
        }
    }

    pub(crate) fn write_side(&mut self, account: AccountIndex, id: InstrumentId, plan: &FillSide) {
        self.set_holding(account, id, plan.after);
        self.clear(Purse::Account(account), plan.pays.checked_neg().unwrap_or(Cash::MAX));
        let holder = self.account_mut(account);
        holder.realised = holder.realised.checked_add(plan.realised).unwrap_or(holder.realised);
    }

    /// Takes the fill from the resting order, shows its next part when the last is gone, and returns it as
    /// it is now.
    pub(crate) fn take_from_maker(&mut self, id: OrderId, lots: Lots) -> Order {
        let order = self.order(id).cloned();
        let mut order = order.expect("invariant: what rests in a book is in the table");
        self.count_order(&order, -1);
        order.filled = order.filled.checked_add(lots).unwrap_or(order.lots);
        if order.remaining().is_zero() {
            return order;
        }
        if order.shown().is_zero() {
            order.show_next();
            self.put_to_rest(&mut order);
        }
        self.count_order(&order, 1);
        self.store_order(&order);
        order
    }

    /// Replaces a holding and keeps margin sums and open interest in step.
    pub(crate) fn set_holding(&mut self, account: AccountIndex, id: InstrumentId, after: Holding) {
        self.settle_funding(account, id);
        let after = Holding { funded: self.instrument_at(id).funding.paid, ..after };
        let before = self.account(account).holdings.get(&id).copied().unwrap_or_default();
        self.count_holding(account, id, [&before, &after]);
        let long = |holding: &Holding| u64::try_from(holding.position.get()).unwrap_or(0);
        let now = self.time;
        let instrument = self.instrument_mut(id);
        if let Some(exotic) = &mut instrument.exotic {
            exotic.note_holding(account, &after, now);
        }
        instrument.open_interest =
            instrument.open_interest.saturating_sub(long(&before)).saturating_add(long(&after));
        let pool = self.pool_of(id).unwrap_or(0);
        let holder = self.account_mut(account);
        holder.pool = pool;
        if after.position.is_flat() {
            holder.holdings.remove(&id);
        } else {
            holder.holdings.insert(id, after);
        }
        self.touched.positions.note((account, id));
    }
}

/// The side of the pair that came later.
pub(crate) fn later(buy: &Order, sell: &Order) -> Side {
    if buy.id > sell.id { Side::Buy } else { Side::Sell }
}

/// The lots of a reduce-only order that still reduce `position`.
pub(crate) fn reducible(position: Position, side: Side) -> Lots {
    match position.side() {
        Some(held) if held != side => position.size(),
        _ => Lots::ZERO,
    }
}
