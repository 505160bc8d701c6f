//! Two-sided quotes: one action replaces a bid and an ask.
//!
//! Invariant: a quote is taken whole or refused whole, and it never takes. A side whose price stays and whose
//! size does not grow keeps its place; any other side goes to the back.

use num::{Lots, Side, Ticks};
use wire::{
    Conditions, InstrumentId, NewOrder, OrderEnd, OrderId, OrderKind, Outcome, PostOnly, QuoteSide,
    ReduceOnly, Reject, TimeInForce, TradeKind,
};

use crate::{
    coverage::OrderChange, instrument::Instrument, ledger::AccountIndex, margin::OpenOrder, order::Order,
    place::Plan, state::State,
};

/// The last bid and ask of a quote.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuoteOrders {
    pub bid: Option<OrderId>,
    pub ask: Option<OrderId>,
}

saved!(QuoteOrders { bid, ask });

/// What is quoted where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QuoteTerms {
    pub instrument: InstrumentId,
    pub protection: Option<u16>,
    pub bid: Option<QuoteSide>,
    pub ask: Option<QuoteSide>,
}

/// What becomes of one side.
enum Change {
    Keep(OrderId),
    Shrink(Order, Lots),
    Replace(Option<OrderId>, QuoteSide),
    Remove(Option<OrderId>),
}

impl State {
    pub(crate) fn quote(&mut self, account: AccountIndex, it: &QuoteTerms) -> Result<Outcome, Reject> {
        let (bid, ask) = self.plan_quote(account, it)?;
        // Both sides leave before either comes: a quote does not stand in its own way.
        for change in [&bid, &ask] {
            if let Change::Replace(Some(order), _) | Change::Remove(Some(order)) = change {
                self.end_order(*order, OrderEnd::Cancelled);
            }
        }
        let orders = QuoteOrders {
            bid: self.write_quote_side(account, it, (Side::Buy, bid)),
            ask: self.write_quote_side(account, it, (Side::Sell, ask)),
        };
        let quotes = &mut self.account_mut(account).quotes;
        if orders == QuoteOrders::default() {
            quotes.remove(&(it.instrument, it.protection));
        } else {
            quotes.insert((it.instrument, it.protection), orders);
        }
        Ok(Outcome::Quoted { bid: orders.bid, ask: orders.ask })
    }

    fn plan_quote(&self, account: AccountIndex, terms: &QuoteTerms) -> Result<(Change, Change), Reject> {
        let have = terms.instrument;
        let it = self.instrument_ref(have).ok_or(Reject::UnknownInstrument { have })?;
        if it.is_exotic() {
            return Err(Reject::NoBook { have });
        }
        self.check_open(it)?;
        self.check_pool(account, it)?;
        self.check_protection(account, terms.protection)?;
        for (side, quoted) in [(Side::Buy, terms.bid), (Side::Sell, terms.ask)] {
            if let Some(quoted) = quoted {
                self.check_quote_side(account, it, (side, quoted))?;
            }
        }
        if let (Some(bid), Some(ask)) = (terms.bid, terms.ask)
            && bid.price >= ask.price
        {
            return Err(Reject::PostOnlyWouldTrade { have: bid.price, need: ask.price });
        }
        let last = self.account(account).quotes.get(&(have, terms.protection)).copied().unwrap_or_default();
        let open = |order: Option<OrderId>| order.and_then(|order| self.order(order));
        let (old_bid, old_ask) = (open(last.bid), open(last.ask));
        let as_side = |side: Side, quoted: Option<QuoteSide>| -> Option<OpenOrder> {
            quoted.map(|quoted| self.open_order(it.id, side, quoted.lots, quoted.price))
        };
        let change = OrderChange {
            adds: [as_side(Side::Buy, terms.bid), as_side(Side::Sell, terms.ask)],
            removes: [old_bid, old_ask],
        };
        self.check_margin(account, it, &change)?;
        Ok((change_of(old_bid, terms.bid), change_of(old_ask, terms.ask)))
    }

    fn check_quote_side(
        &self,
        account: AccountIndex,
        it: &Instrument,
        (side, quoted): (Side, QuoteSide),
    ) -> Result<(), Reject> {
        self.check_lots(quoted.lots)?;
        self.check_limit(it, quoted.price)?;
        self.check_open_orders(account)?;
        self.check_room(it, 0)?;
        let lots = self.check_reduce(account, it, (side, ReduceOnly::Off, quoted.lots))?;
        self.check_position(account, it, (side, lots))
    }

    fn write_quote_side(
        &mut self,
        account: AccountIndex,
        it: &QuoteTerms,
        (side, change): (Side, Change),
    ) -> Option<OrderId> {
        match change {
            Change::Keep(order) => Some(order),
            Change::Shrink(order, lots) => {
                self.shrink(&order, lots);
                Some(order.id)
            }
            Change::Replace(_, quoted) => self.write_quote_order(account, it, (side, quoted)),
            Change::Remove(_) => None,
        }
    }

    /// Puts a side to rest; `None` where there is no price left at which it would not trade.
    fn write_quote_order(
        &mut self,
        account: AccountIndex,
        it: &QuoteTerms,
        (side, quoted): (Side, QuoteSide),
    ) -> Option<OrderId> {
        let instrument = self.instrument_at(it.instrument);
        let price = self.check_post_only(instrument, (side, PostOnly::Reprice, quoted.price)).ok()?;
        let order = self.next_order_id();
        let terms = quote_order(it.instrument, side, (price, quoted.lots));
        let conditions = Conditions { protection: it.protection, ..Conditions::default() };
        let kind = TradeKind::Ordinary;
        let plan = Plan { order: Some(order), terms, conditions, kind, size: (price, quoted.lots) };
        self.write_order(account, plan);
        Some(order)
    }
}

fn change_of(old: Option<&Order>, quoted: Option<QuoteSide>) -> Change {
    let last = old.map(|order| order.id);
    match (old, quoted) {
        (_, None) => Change::Remove(last),
        (Some(order), Some(QuoteSide { price, lots })) if order.price == price => {
            match order.filled.checked_add(lots) {
                Some(total) if total == order.lots => Change::Keep(order.id),
                Some(total) if total < order.lots => Change::Shrink(order.clone(), total),
                _ => Change::Replace(last, QuoteSide { price, lots }),
            }
        }
        (_, Some(quoted)) => Change::Replace(last, quoted),
    }
}

fn quote_order(instrument: InstrumentId, side: Side, (price, lots): (Ticks, Lots)) -> NewOrder {
    NewOrder {
        instrument,
        side,
        lots,
        kind: OrderKind::Limit { price },
        time_in_force: TimeInForce::GoodTilCancelled,
        post_only: PostOnly::Reprice,
        reduce_only: ReduceOnly::Off,
        label: wire::Label::default(),
    }
}
