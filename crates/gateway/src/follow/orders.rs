//! An order's life, event by event.
//!
//! Invariant: an order is remembered from the moment it is taken, waiting or resting; what it was placed with
//! stays with it until it has ended.

use exchange::State;
use num::{Cash, Fix, Lots, Side, Ticks};
use wire::{Conditions, Crossing, Event, OrderEnd, OrderId, Outcome, PriceSource, Trigger};

use crate::{
    model::{Order, OrderState, Waiting},
    view::View,
};

use super::Changes;

impl View {
    pub(super) fn note_order(&mut self, event: &Event, changes: &mut Changes) {
        let order = match event {
            Event::OrderPlaced { order, account, terms } => {
                changes.entered += 1;
                if let Some(placed) = self.placed_order(*order, *account, terms) {
                    self.note_placed(placed);
                }
                order
            }
            Event::OrderConditioned { order, account, terms, conditions } => {
                if let Some(placed) = self.placed_order(*order, *account, terms) {
                    self.note_conditioned(placed, conditions);
                }
                order
            }
            Event::OrderTriggered { order, .. } => {
                let found = self.history.find_order_mut(*order);
                if let Some(trigger) = found.and_then(|order| order.trigger.as_mut()) {
                    trigger.has_come = true;
                }
                order
            }
            Event::OrderAmended { order, lots, price, .. } => {
                changes.entered += 1;
                self.note_amended(*order, (*lots, *price));
                order
            }
            Event::OrderEnded { order, end, .. } => {
                self.note_ended(*order, *end);
                order
            }
            _ => return,
        };
        self.touch(*order, changes);
    }

    /// More of an order has traded, and what it was worth.
    pub(super) fn note_filled(
        &mut self,
        order: OrderId,
        (amount, value): (Fix, Cash),
        changes: &mut Changes,
    ) {
        let now = self.now_ms();
        if let Some(filled) = self.history.find_order_mut(order) {
            filled.filled = filled.filled.checked_add(amount).unwrap_or(filled.filled);
            filled.filled_value = filled.filled_value.checked_add(value).unwrap_or(filled.filled_value);
            filled.updated_ms = now;
        }
        self.touch(order, changes);
    }

    pub(super) fn note_quoted(&mut self, outcome: &Outcome) {
        let Outcome::Quoted { bid, ask } = outcome else { return };
        for order in bid.iter().chain(ask) {
            self.history.find_order_mut(*order).into_iter().for_each(|it| it.is_quote = true);
        }
    }

    fn note_amended(&mut self, order: OrderId, (lots, price): (Lots, Ticks)) {
        let now = self.now_ms();
        let it = self.history.find_order(order).and_then(|it| self.state.instrument(it.instrument));
        let terms = it.and_then(|it| Some((State::amount(it, lots), it.market.price(price)?)));
        if let Some((amended, (amount, price))) = self.history.find_order_mut(order).zip(terms) {
            (amended.amount, amended.price, amended.updated_ms) = (amount, Some(price), now);
            amended.replaced = true;
        }
    }

    fn note_ended(&mut self, order: OrderId, end: OrderEnd) {
        let Some(mut ended) = self.history.find_order(order).cloned() else { return };
        ended.state = match end {
            OrderEnd::Filled => OrderState::Filled,
            OrderEnd::Refused => OrderState::Rejected,
            _ => OrderState::Cancelled,
        };
        ended.updated_ms = self.now_ms();
        ended.cancel_reason = cancel_reason(end);
        self.history.order(ended);
    }

    /// An order that waited keeps what it was placed with.
    fn note_placed(&mut self, mut placed: Order) {
        if let Some(before) = self.history.find_order(placed.id) {
            placed.created_ms = before.created_ms;
            placed.trigger.clone_from(&before.trigger);
            placed.display = before.display;
            placed.implied = before.implied;
            placed.protected = before.protected;
        }
        self.history.order(placed);
    }

    fn note_conditioned(&mut self, mut placed: Order, conditions: &Conditions) {
        let lots = |it: &exchange::Instrument| conditions.display.map(|shown| State::amount(it, shown));
        placed.display = self.state.instrument(placed.instrument).and_then(lots);
        placed.protected = conditions.protection.is_some();
        if let Some(trigger) = &conditions.trigger {
            placed.state = OrderState::Untriggered;
            placed.trigger = Some(waiting(trigger, placed.side));
        }
        self.history.order(placed);
    }
}

/// The venue's word for why an order ended; `None` when it was filled.
const fn cancel_reason(end: OrderEnd) -> Option<&'static str> {
    match end {
        OrderEnd::Filled | OrderEnd::Dropped | OrderEnd::Expired => None,
        OrderEnd::Switch => Some("cancel_on_disconnect"),
        OrderEnd::Rival => Some("oco_other_closed"),
        OrderEnd::Protection => Some("mmp_trigger"),
        OrderEnd::PrimaryEnded => Some("oto_primary_closed"),
        OrderEnd::Cancelled => Some("user_request"),
        OrderEnd::InstrumentExpired => Some("settlement"),
        OrderEnd::Liquidation => Some("autoliquidation"),
        OrderEnd::SelfTrade
        | OrderEnd::NothingToReduce
        | OrderEnd::PositionLimit
        | OrderEnd::NoLegPrices
        | OrderEnd::Refused => Some("risk_mitigation"),
    }
}

/// A trigger in the venue's words.
const fn waiting(trigger: &Trigger, side: Side) -> Waiting {
    match trigger {
        Trigger::Filled { .. } => Waiting { kind: "", source: "", price: Cash::ZERO, has_come: false },
        Trigger::Price { source, crossing, price } => {
            let kind = match (crossing, side) {
                (Crossing::Rises, Side::Buy) | (Crossing::Falls, Side::Sell) => "stop",
                _ => "take",
            };
            let source = match source {
                PriceSource::Mark => "mark_price",
                PriceSource::Index => "index_price",
                PriceSource::Last => "last_price",
            };
            Waiting { kind, source, price: *price, has_come: false }
        }
    }
}
