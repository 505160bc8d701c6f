//! A new order: first a complete plan or the first reject, then writes that cannot fail.
//!
//! Invariant: nothing is written before every rule has been looked at; the rules are looked at in the order
//! of `Reject`. Self-trade prevention expires the maker.

use num::{Cash, Lots, Rounding, Side, Ticks};
use wire::{
    Event, InstrumentId, NewOrder, OrderEnd, OrderId, OrderKind, PostOnly, ReduceOnly, Reject, TimeInForce,
    TradeKind,
};

use crate::{
    account::Health,
    book::{OrderBook, RESTING_MAX},
    instrument::Instrument,
    ledger::AccountIndex,
    margin::{Margin, OpenOrder, UnderlyingRisk},
    order::Order,
    state::State,
    trade::{TakerSide, reducible},
};

/// An order that passed every rule.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub terms: NewOrder,
    pub kind: TradeKind,
    /// Lots that may trade or rest: fewer than asked for when the order may only reduce.
    lots: Lots,
    /// The worst price it trades at: its own, or the edge of the band for a market order.
    limit: Ticks,
}

/// Prices an order may have, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Band {
    pub low: Ticks,
    pub high: Ticks,
}

impl State {
    /// Places an order for an account.
    pub(crate) fn place(&mut self, account: AccountIndex, terms: &NewOrder) -> Result<OrderId, Reject> {
        let plan = self.plan_order(account, terms)?;
        Ok(self.write_order(account, plan))
    }

    pub(crate) fn plan_order(&self, account: AccountIndex, terms: &NewOrder) -> Result<Plan, Reject> {
        let have = terms.instrument;
        let it = self.instrument_ref(have).ok_or(Reject::UnknownInstrument { have })?;
        if !it.is_open() || it.has_expired(self.time) {
            return Err(Reject::InstrumentClosed { have });
        }
        self.check_lots(terms.lots)?;
        let limit = self.check_price(it, terms)?;
        self.check_label(account, terms)?;
        let lots = self.check_reduce(account, terms)?;
        it.market.notional(limit, lots, Rounding::Ceil).ok_or(Reject::Overflow)?;
        self.check_liquidity(account, terms, (limit, lots))?;
        if terms.reduce_only == ReduceOnly::Off {
            self.check_margin(account, it, (terms.side, lots, limit))?;
        }
        let resting = self.book(have).resting();
        if resting >= RESTING_MAX {
            return Err(Reject::BookFull { have: resting });
        }
        Ok(Plan { terms: terms.clone(), kind: TradeKind::Ordinary, lots, limit })
    }

    pub(crate) fn check_lots(&self, lots: Lots) -> Result<(), Reject> {
        let need = Lots::new(self.parameters.limits.order_lots_max);
        match lots {
            Lots::ZERO => Err(Reject::LotsZero),
            have if have > need => Err(Reject::LotsTooLarge { have, need }),
            _ => Ok(()),
        }
    }

    fn check_price(&self, it: &Instrument, terms: &NewOrder) -> Result<Ticks, Reject> {
        if let OrderKind::Limit { price } = terms.kind
            && price.get() <= 0
        {
            return Err(Reject::PriceNotPositive { have: price });
        }
        let band = self.band(it, self.parameters.limits.price_band_billionths)?;
        match terms.kind {
            OrderKind::Limit { price } => self.check_band(band, price),
            OrderKind::Market if terms.post_only == PostOnly::Reject => Err(Reject::PostOnlyWithoutLimit),
            OrderKind::Market => Ok(match terms.side {
                Side::Buy => band.high,
                Side::Sell => band.low,
            }),
        }
    }

    pub(crate) fn check_band(&self, band: Band, price: Ticks) -> Result<Ticks, Reject> {
        if price < band.low || price > band.high {
            return Err(Reject::PriceOutsideBand { have: price, low: band.low, high: band.high });
        }
        Ok(price)
    }

    /// Prices within a part of the index around the mark; at least one tick above zero.
    pub(crate) fn band(&self, it: &Instrument, billionths: i64) -> Result<Band, Reject> {
        let mark = it.mark().ok_or(Reject::NoMark { have: it.id })?;
        let index = self.underlying(it.underlying).index;
        let width = index.scale(num::Fix::from_raw(billionths), Rounding::Ceil).ok_or(Reject::Overflow)?;
        let low = mark.checked_sub(width).and_then(|price| it.market.ticks(price, Rounding::Ceil));
        let high = mark.checked_add(width).and_then(|price| it.market.ticks(price, Rounding::Floor));
        let (low, high) = low.zip(high).ok_or(Reject::Overflow)?;
        Ok(Band { low: low.max(Ticks::new(1)), high: high.max(Ticks::new(1)) })
    }

    fn check_label(&self, account: AccountIndex, terms: &NewOrder) -> Result<(), Reject> {
        let account = self.account(account);
        if let Some(have) = account.labels.get(&terms.label) {
            return Err(Reject::LabelInUse { have: *have });
        }
        let need = self.parameters.limits.open_orders_max;
        let have = u32::try_from(account.orders.len()).unwrap_or(u32::MAX);
        if have >= need && terms.time_in_force == TimeInForce::GoodTilCancelled {
            return Err(Reject::OpenOrderLimit { have, need });
        }
        Ok(())
    }

    fn check_reduce(&self, index: AccountIndex, terms: &NewOrder) -> Result<Lots, Reject> {
        let account = self.account(index);
        if terms.reduce_only == ReduceOnly::Off {
            let sound = account.health == Health::Sound;
            return if sound { Ok(terms.lots) } else { Err(Reject::Liquidating) };
        }
        let position = account.position(terms.instrument);
        match reducible(position, terms.side) {
            Lots::ZERO => Err(Reject::ReduceOnlyWouldOpen { have: position.get() }),
            most => Ok(terms.lots.min(most)),
        }
    }

    fn check_liquidity(
        &self,
        account: AccountIndex,
        terms: &NewOrder,
        (limit, lots): (Ticks, Lots),
    ) -> Result<(), Reject> {
        let book = self.book(terms.instrument);
        if terms.post_only == PostOnly::Reject && book.crosses(terms.side, limit) {
            let need = book.best(terms.side.opposite()).unwrap_or(limit);
            return Err(Reject::PostOnlyWouldTrade { have: limit, need });
        }
        if terms.time_in_force == TimeInForce::FillOrKill {
            let have = self.certain_fill(account, terms, (limit, lots));
            if have < lots {
                return Err(Reject::NotFillable { have, need: lots });
            }
        }
        Ok(())
    }

    /// Lots that are sure to trade: what is at rest within the limit, but for the account's own orders,
    /// which would be expired, and reduce-only ones, which may have nothing left to reduce.
    fn certain_fill(&self, account: AccountIndex, terms: &NewOrder, (limit, lots): (Ticks, Lots)) -> Lots {
        let book = self.book(terms.instrument);
        let mut sum = Lots::ZERO;
        for resting in book.orders(terms.side.opposite()) {
            let beyond = match terms.side {
                Side::Buy => resting.price > limit,
                Side::Sell => resting.price < limit,
            };
            if beyond || sum >= lots {
                break;
            }
            let reduces = self.order(resting.id).is_some_and(|order| order.reduce_only == ReduceOnly::On);
            if resting.owner != account && !reduces {
                sum = sum.checked_add(resting.remaining).unwrap_or(lots);
            }
        }
        sum.min(lots)
    }

    /// Initial margin must be covered with the order counted at its worst; an order that adds nothing to the
    /// worst case is always allowed.
    pub(crate) fn check_margin(
        &self,
        account: AccountIndex,
        it: &Instrument,
        (side, lots, limit): (Side, Lots, Ticks),
    ) -> Result<(), Reject> {
        let open = self.open_order(it.id, side, lots, limit);
        let now = self.margin(account);
        let with = self.margin_with(account, it, &open);
        let have = self.equity(account, &now);
        let need = with.initial;
        if have >= need || need <= now.initial { Ok(()) } else { Err(Reject::MarginTooLow { have, need }) }
    }

    fn margin_with(&self, account: AccountIndex, it: &Instrument, open: &OpenOrder) -> Margin {
        let account = self.account(account);
        let mut risk = account
            .risk
            .get(&it.underlying)
            .cloned()
            .unwrap_or_else(|| UnderlyingRisk::new(self.parameters.grid.len()));
        risk.add_order(it, open, 1);
        let others = account.risk.iter().filter(|(underlying, _)| **underlying != it.underlying);
        let rest = others.fold(Margin::default(), |sum, (id, risk)| {
            sum.plus(risk.margin(self.underlying(*id).index, &self.parameters.margin))
        });
        rest.plus(risk.margin(self.underlying(it.underlying).index, &self.parameters.margin))
    }

    /// Numbers the order, trades what trades, rests what rests.
    pub(crate) fn write_order(&mut self, account: AccountIndex, plan: Plan) -> OrderId {
        let order = OrderId(self.next_order);
        self.next_order += 1;
        let terms = NewOrder { lots: plan.lots, ..plan.terms };
        let id = terms.instrument;
        self.emit(Event::OrderPlaced { order, account: self.account(account).id, terms: terms.clone() });
        let taker = TakerSide { account, order, side: terms.side, kind: plan.kind };
        let rest = self.trade(id, taker, (plan.limit, plan.lots));
        let filled = plan.lots.checked_sub(rest).unwrap_or(Lots::ZERO);
        let resting = Order {
            id: order,
            account,
            instrument: id,
            side: terms.side,
            price: plan.limit,
            lots: plan.lots,
            filled,
            post_only: terms.post_only,
            reduce_only: terms.reduce_only,
            label: terms.label,
            commit: self.commit,
        };
        match terms.time_in_force {
            _ if rest.is_zero() => self.forget_order(&resting, OrderEnd::Filled),
            TimeInForce::GoodTilCancelled if terms.kind != OrderKind::Market => self.rest_order(resting),
            _ => self.forget_order(&resting, OrderEnd::Dropped),
        }
        order
    }

    /// Trades up to `lots` at `limit` or better; returns what is left.
    pub(crate) fn trade(&mut self, id: InstrumentId, taker: TakerSide, (limit, lots): (Ticks, Lots)) -> Lots {
        let mut rest = lots;
        while !rest.is_zero() && self.book(id).crosses(taker.side, limit) {
            let Some(front) = self.book(id).front(taker.side.opposite()) else { break };
            if front.owner == taker.account {
                self.end_order(front.id, OrderEnd::SelfTrade);
                continue;
            }
            let most = self.maker_lots(front.id, front.owner);
            if most.is_zero() {
                self.end_order(front.id, OrderEnd::NothingToReduce);
                continue;
            }
            let Some(fill) = self.book_mut(id).fill_front(taker.side.opposite(), rest.min(most)) else {
                break;
            };
            rest = rest.checked_sub(fill.lots).unwrap_or(Lots::ZERO);
            self.settle_fill(id, taker, fill);
        }
        rest
    }

    /// What the first resting order may trade: all of it, or what its owner still has to reduce.
    fn maker_lots(&self, order: OrderId, owner: AccountIndex) -> Lots {
        let Some(order) = self.order(order) else { return Lots::ZERO };
        match order.reduce_only {
            ReduceOnly::Off => order.remaining(),
            ReduceOnly::On => reducible(self.account(owner).position(order.instrument), order.side),
        }
    }

    /// A step of a liquidation: an order of the exchange for the account, without margin rules.
    pub(crate) fn plan_liquidation(&self, terms: NewOrder, limit: Ticks) -> Plan {
        Plan { lots: terms.lots, limit, kind: TradeKind::Liquidation, terms }
    }

    /// The account's margin over all underlyings at the present marks.
    pub fn margin(&self, account: AccountIndex) -> Margin {
        let account = self.account(account);
        account.risk.iter().fold(Margin::default(), |sum, (id, risk)| {
            sum.plus(risk.margin(self.underlying(*id).index, &self.parameters.margin))
        })
    }

    /// Balance and unrealised value.
    pub fn equity(&self, account: AccountIndex, margin: &Margin) -> Cash {
        let balance = self.ledger.balance(crate::ledger::Purse::Account(account));
        balance.checked_add(margin.value).unwrap_or(if margin.value.is_negative() {
            Cash::MIN
        } else {
            Cash::MAX
        })
    }
}
