//! Orders into the book and out of it: the bookkeeping that every way of placing and ending shares.
//!
//! Invariant: book, order table, account and margin sums change together.

use num::{Lots, Side, Ticks};
use wire::{Event, InstrumentId, OrderEnd, OrderId};

use crate::{
    agenda::{Due, Entry},
    book::OrderBook,
    ledger::AccountIndex,
    margin::{OpenOrder, UnderlyingRisk},
    order::Order,
    state::State,
};

impl State {
    /// Puts an order to rest and counts it. The caller saw that it does not cross and fits.
    pub(crate) fn rest_order(&mut self, mut order: Order) {
        order.show_next();
        self.book_mut(order.instrument)
            .rest(order.resting())
            .expect("invariant: the plan saw that the order can rest");
        self.count_order(&order, 1);
        let account = self.account_mut(order.account);
        account.orders.insert(order.id);
        if let Some(until) = order.standing.until {
            self.note(Entry::Time(until, Due::Order(order.id, order.account)));
        }
        self.store_order(order);
    }

    /// Takes a resting order out of everything and says why.
    pub(crate) fn end_order(&mut self, id: OrderId, end: OrderEnd) {
        let Some(order) = self.orders.get(&id).cloned() else { return };
        self.book_mut(order.instrument).cancel(id);
        self.count_order(&order, -1);
        self.forget_order(&order, end);
    }

    /// Takes an order that the book no longer holds out of the rest.
    pub(crate) fn forget_order(&mut self, order: &Order, end: OrderEnd) {
        let now = self.time;
        let account = self.account_mut(order.account);
        account.orders.remove(&order.id);
        account.release_label(order, end, now);
        let account = account.id;
        self.remove_order(order.id);
        self.note_combo_use(order.instrument);
        if let Some(until) = order.standing.until {
            self.strike(Entry::Time(until, Due::Order(order.id, order.account)));
        }
        let (instrument, unfilled) = (order.instrument, order.remaining());
        self.emit(Event::OrderEnded { order: order.id, account, instrument, end, unfilled });
        self.release_followers(order.account, order.id, end);
    }

    /// Adds an order to its account's margin sums (`sign` 1), or takes it out (-1).
    pub(crate) fn count_order(&mut self, order: &Order, sign: i128) {
        let open = self.open_order(order.instrument, order.side, order.remaining(), order.price);
        self.count_open_order(order.account, order.instrument, &open, sign);
        if sign > 0 {
            self.raise_ceiling(order.account, order.instrument, &open);
        }
    }

    fn count_open_order(&mut self, account: AccountIndex, id: InstrumentId, open: &OpenOrder, sign: i128) {
        self.keep_account(account);
        let instrument = self.instruments.get(usize::try_from(id.0).unwrap_or(usize::MAX));
        let place = usize::try_from(account).unwrap_or(usize::MAX);
        let (Some(instrument), Some(account)) = (instrument, self.accounts.get_mut(place)) else { return };
        let scenarios = self.parameters.grid.len();
        let risk =
            account.risk.entry(instrument.underlying).or_insert_with(|| UnderlyingRisk::new(scenarios));
        risk.add_order(instrument, open, sign);
    }

    /// An order as margin sees it.
    pub(crate) fn open_order(&self, id: InstrumentId, side: Side, lots: Lots, price: Ticks) -> OpenOrder {
        let instrument = self.instrument_at(id);
        let underlying = self.underlying(instrument.underlying);
        let index = underlying.marked.map_or(underlying.index, |(index, _)| index);
        OpenOrder::of(instrument, (side, lots, price), (&self.parameters.fees, index))
    }
}
