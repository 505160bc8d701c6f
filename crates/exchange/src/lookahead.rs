//! What the next steps of a commit will look at, asked for in the order in which one leads to the next.
//!
//! Invariant: looking ahead reads what is there and changes nothing. What a step before has changed meanwhile was
//! asked for in vain.

use num::{Side, Ticks};
use wire::{Action, InstrumentId, NewOrder, OrderId, OrderKind, OrderTarget};

use crate::{
    admission::Admitted,
    book::{Depth, LadderBook, RestingOrder},
    fetch::fetch,
    order::Order,
    state::State,
};

/// Steps between two looks: each finds what the one before has asked for.
const STRIDE: usize = 4;
/// The looks of a step, and the steps that they are ahead.
const LOOKS: usize = 5;
const AHEAD: usize = LOOKS * STRIDE;

/// What an action will look at, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
struct Aim {
    /// Orders that it ends or changes.
    orders: [Option<OrderId>; 2],
    market: Option<InstrumentId>,
    /// Prices at which an order may come to rest.
    prices: [Option<(Side, Ticks)>; 2],
}

/// The aims of the steps ahead.
#[derive(Debug, Default)]
pub(crate) struct Lookahead {
    aims: [Aim; AHEAD],
}

impl State {
    /// Takes the looks that are due at a step, given what the step that comes `AHEAD` of it is.
    pub(crate) fn look_ahead<'a>(
        &self,
        ahead: &mut Lookahead,
        step: usize,
        next: impl Fn(usize) -> Option<(&'a Admitted, &'a Action)>,
    ) {
        let first = if step == 0 { 0 } else { AHEAD };
        if let Some((_, action)) = next(step + AHEAD + STRIDE) {
            fetch(action);
        }
        for place in first..=AHEAD {
            let aim = next(step + place).map(|(it, action)| self.aim(it, action));
            let aim = aim.unwrap_or_default();
            ahead.aims[(step + place) % AHEAD] = aim;
            self.look_first(&aim);
        }
        for look in 1..LOOKS {
            let aim = &mut ahead.aims[(step + AHEAD - look * STRIDE) % AHEAD];
            match look {
                1 => self.look_for_orders(aim),
                2 => self.look_for_markets(aim),
                3 => self.look_for_pages(aim),
                _ => self.look_for_neighbours(aim),
            }
        }
    }

    fn aim(&self, it: &Admitted, action: &Action) -> Aim {
        match action {
            Action::Quote { instrument, protection, bid, ask } => {
                let last = self.account(it.account).quotes.get(&(*instrument, *protection));
                let last = last.copied().unwrap_or_default();
                let price = |side| move |quoted: &wire::QuoteSide| (side, quoted.price);
                Aim {
                    orders: [last.bid, last.ask],
                    market: Some(*instrument),
                    prices: [bid.as_ref().map(price(Side::Buy)), ask.as_ref().map(price(Side::Sell))],
                }
            }
            Action::Place { order } | Action::PlaceWith { order, .. } => Aim {
                market: Some(order.instrument),
                prices: [limit(order).map(|price| (order.side, price)), None],
                ..Aim::default()
            },
            Action::Amend { price, .. } => Aim {
                orders: [named_order(action), None],
                prices: [Some((Side::Buy, *price)), None],
                ..Aim::default()
            },
            _ => Aim { orders: [named_order(action), None], ..Aim::default() },
        }
    }

    /// Where the orders are entered, and the records of the market.
    fn look_first(&self, aim: &Aim) {
        aim.orders.iter().flatten().for_each(|id| self.orders.fetch_entry(*id));
        self.aimed(aim).into_iter().for_each(LadderBook::fetch);
    }

    /// The orders.
    fn look_for_orders(&self, aim: &Aim) {
        aim.orders.iter().flatten().for_each(|id| self.orders.fetch(*id));
        if let Some(book) = self.aimed(aim) {
            aim.prices.iter().flatten().for_each(|(side, price)| book.fetch_line(*side, *price));
        }
    }

    /// The market of an order that was named by its number.
    fn look_for_markets(&self, aim: &mut Aim) {
        if let (Some(book), Some((side, price))) = (self.aimed(aim), aim.prices[0])
            && book.crosses(side, price)
        {
            book.fetch_front(side.opposite());
        }
        if aim.market.is_none()
            && let Some(order) = aim.orders[0].and_then(|id| self.order(id))
        {
            aim.market = Some(order.instrument);
            if let Some((side, _)) = &mut aim.prices[0] {
                *side = order.side;
            }
            self.aimed(aim).into_iter().for_each(LadderBook::fetch);
        }
    }

    /// Where the orders lie in the book, and the pages of the prices.
    fn look_for_pages(&self, aim: &Aim) {
        let Some(book) = self.aimed(aim) else { return };
        for order in self.aimed_orders(aim) {
            book.fetch_slot(order.slot);
        }
        if let Some(maker) = self.maker(aim) {
            self.orders.fetch_entry(maker.id);
            self.account(maker.owner).fetch();
        }
        aim.prices.iter().flatten().for_each(|(side, price)| book.fetch_page(*side, *price));
    }

    /// The level of each order and what stands beside it.
    fn look_for_neighbours(&self, aim: &Aim) {
        let Some(book) = self.aimed(aim) else { return };
        for order in self.aimed_orders(aim) {
            book.fetch_neighbours(order.slot);
        }
        if let Some(maker) = self.maker(aim) {
            self.orders.fetch(maker.id);
        }
        aim.prices.iter().flatten().for_each(|(side, price)| book.fetch_tail(*side, *price));
    }

    /// The first order that a new one would trade with.
    fn maker(&self, aim: &Aim) -> Option<RestingOrder> {
        let (side, price) = aim.prices[0]?;
        let book = self.aimed(aim)?;
        if book.crosses(side, price) { book.front(side.opposite()) } else { None }
    }

    fn aimed(&self, aim: &Aim) -> Option<&LadderBook> {
        aim.market.and_then(|id| self.books.get(usize::try_from(id.0).ok()?))
    }

    fn aimed_orders(&self, aim: &Aim) -> impl Iterator<Item = &Order> {
        aim.orders.into_iter().flatten().filter_map(|id| self.order(id))
    }
}

/// The order that an action names by its number.
pub(crate) const fn named_order(action: &Action) -> Option<OrderId> {
    match action {
        Action::Cancel { target: OrderTarget::Id { order } }
        | Action::Amend { target: OrderTarget::Id { order }, .. } => Some(*order),
        _ => None,
    }
}

const fn limit(order: &NewOrder) -> Option<Ticks> {
    match order.kind {
        OrderKind::Limit { price } => Some(price),
        OrderKind::Market | OrderKind::Volatility { .. } => None,
    }
}
