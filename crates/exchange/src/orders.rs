//! Orders into the book and out of it: the bookkeeping that every way of placing and ending shares.
//!
//! Invariant: book, order table, account and margin sums change together.

use wire::{Event, OrderEnd, OrderId};

use crate::{
    agenda::{Due, Entry},
    order::Order,
    state::State,
};

impl State {
    /// Puts an order to rest and counts it. The caller saw that it does not cross and fits.
    pub(crate) fn rest_order(&mut self, order: &mut Order) {
        order.show_next();
        self.put_to_rest(order);
        self.open_order_of(order);
    }

    /// Puts what an order shows into its book.
    pub(crate) fn put_to_rest(&mut self, order: &mut Order) {
        let rested = self.book_mut(order.instrument).rest(&order.resting());
        order.slot = rested.expect("invariant: the plan saw that the order can rest");
    }

    /// Counts an order as open, whether the book has it yet or not.
    pub(crate) fn open_order_of(&mut self, order: &Order) {
        self.count_order(order, 1);
        let account = self.account_mut(order.account);
        account.orders.insert(order.id);
        if let Some(until) = order.standing.until {
            self.note(Entry::Time(until, Due::Order(order.id, order.account)));
        }
        self.store_order(order);
    }

    /// Takes a resting order out of everything and says why.
    pub(crate) fn end_order(&mut self, id: OrderId, end: OrderEnd) {
        let Some(order) = self.remove_order(id) else { return };
        self.book_mut(order.instrument).cancel(order.slot, id);
        self.count_order(&order, -1);
        self.tell_ended(&order, end);
    }

    /// Takes an order that the book no longer holds out of the rest.
    pub(crate) fn forget_order(&mut self, order: &Order, end: OrderEnd) {
        self.remove_order(order.id);
        self.tell_ended(order, end);
    }

    /// What the end of an order changes beside the table.
    fn tell_ended(&mut self, order: &Order, end: OrderEnd) {
        let now = self.time;
        let account = self.account_mut(order.account);
        account.orders.remove(order.id);
        account.release_label(order, end, now);
        let account = account.id;
        self.note_combo_use(order.instrument);
        if let Some(until) = order.standing.until {
            self.strike(Entry::Time(until, Due::Order(order.id, order.account)));
        }
        let (instrument, unfilled) = (order.instrument, order.remaining());
        self.emit(Event::OrderEnded { order: order.id, account, instrument, end, unfilled });
        self.release_followers(order.account, order.id, end);
    }
}
