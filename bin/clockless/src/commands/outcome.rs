//! What became of an intent, for people and for scripts.
//!
//! Invariant: what is told is what the events of the intent's own commit say; what happens to an order later is
//! not waited for.

use std::{ops::ControlFlow, time::Duration};

use client::{NodeClient, NodeError, protocol::InstrumentRecord};
use num::{Cash, Fix, Lots, Ticks};
use serde_json::{Value, json};
use wire::{AccountId, Event, IntentId, OrderEnd, OrderId, Outcome, Reject, TradeEvent};

use crate::failure::Failure;

/// An intent that was ordered.
#[derive(Debug)]
pub struct Became {
    pub intent: IntentId,
    pub commit: u64,
    /// From submission on, as this machine saw it.
    pub accepted: Duration,
    pub finality: Duration,
    pub judged: Result<Outcome, Reject>,
    /// All events of the commit.
    pub events: Vec<Event>,
}

/// What an account can do with lots, and ticks.
#[derive(Debug)]
pub struct Units<'a>(pub &'a [InstrumentRecord]);

impl Units<'_> {
    fn record(&self, instrument: u32) -> Option<&InstrumentRecord> {
        usize::try_from(instrument).ok().and_then(|place| self.0.get(place))
    }

    pub fn name(&self, instrument: u32) -> String {
        self.record(instrument).map_or_else(|| format!("instrument {instrument}"), |it| it.name.clone())
    }

    /// Lots as an amount of the underlying, without needless zeros.
    pub fn amount(&self, instrument: u32, lots: i64) -> String {
        let lot = self.record(instrument).map_or(0, |it| it.lot_billionths);
        let raw = lot.checked_mul(lots).map(Fix::from_raw);
        raw.map_or_else(|| "?".to_owned(), |amount| trim(&amount.to_string()))
    }

    /// Ticks as a price in USDC, without needless zeros.
    pub fn price(&self, instrument: u32, ticks: i64) -> String {
        let tick = self.record(instrument).map_or(0, |it| it.tick_micros);
        let micros = tick.checked_mul(ticks).map(Cash::from_micros);
        micros.map_or_else(|| "?".to_owned(), |price| trim(&price.to_string()))
    }

    fn lots(&self, instrument: u32, lots: Lots) -> String {
        self.amount(instrument, i64::try_from(lots.get()).unwrap_or(i64::MAX))
    }

    fn ticks(&self, instrument: u32, ticks: Ticks) -> String {
        self.price(instrument, ticks.get())
    }
}

fn trim(decimal: &str) -> String {
    decimal.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Waits for the commit that orders the intent: its index, the judgement, and all its events.
pub async fn follow(
    node: &mut NodeClient,
    from: u64,
    intent: IntentId,
) -> Result<Option<(u64, Result<Outcome, Reject>, Vec<Event>)>, NodeError> {
    let mut found = None;
    let look = |commit, events: Vec<Event>| match events.iter().find_map(|event| judgement(event, intent)) {
        None => ControlFlow::Continue(()),
        Some(judged) => {
            found = Some((commit, judged, events));
            ControlFlow::Break(())
        }
    };
    node.events(from, look).await?;
    Ok(found)
}

fn judgement(event: &Event, wanted: IntentId) -> Option<Result<Outcome, Reject>> {
    match event {
        Event::IntentRejected { intent, reject } if *intent == wanted => Some(Err(reject.clone())),
        Event::Receipt { intent, outcomes, .. } if *intent == wanted => {
            Some(match outcomes.first().cloned().unwrap_or(Outcome::Done) {
                Outcome::Rejected { reject } => Err(reject),
                outcome => Ok(outcome),
            })
        }
        _ => None,
    }
}

impl Became {
    /// Tells what became of it; a reject is a failure.
    pub fn tell(&self, account: AccountId, units: &Units<'_>, as_json: bool) -> Result<(), Failure> {
        let orders = self.orders(account, units);
        if as_json {
            let mut told = self.to_json(&orders);
            for (name, value) in self.beside_orders(account, units) {
                told[name] = value;
            }
            println!("{told}");
        } else {
            println!("accepted after {} ms", millis(self.accepted));
            println!("final after {} ms, in commit {}", millis(self.finality), self.commit);
            orders.iter().for_each(|order| println!("{}", sentence(order)));
            self.beside_orders(account, units)
                .into_iter()
                .for_each(|(name, told)| println!("{name}: {told}"));
        }
        match &self.judged {
            Ok(_) => Ok(()),
            Err(reject) => Err(Failure::failed(format!("rejected: {reject}"))),
        }
    }

    fn to_json(&self, orders: &[Value]) -> Value {
        let reject = self.judged.as_ref().err().map(ToString::to_string);
        json!({
            "intent": self.intent.to_string(),
            "accepted_ms": millis(self.accepted),
            "final_ms": millis(self.finality),
            "commit": self.commit,
            "result": if reject.is_some() { "rejected" } else { "done" },
            "reject": reject,
            "orders": orders,
        })
    }

    /// The exotic that was listed or found, the number of a withdrawal, and what an exercise paid.
    fn beside_orders(&self, wanted: AccountId, units: &Units<'_>) -> Vec<(&'static str, Value)> {
        let listed = match &self.judged {
            Ok(Outcome::Exotic { instrument }) => Some(("instrument", units.name(instrument.0).into())),
            Ok(Outcome::Withdrawing { withdrawal }) => Some(("withdrawal", (*withdrawal).into())),
            _ => None,
        };
        let exercised = self.events.iter().filter_map(|event| match event {
            Event::Exercised { account, instrument, exercise } if *account == wanted => {
                let paid = json!({
                    "instrument": units.name(instrument.0),
                    "amount": units.lots(instrument.0, exercise.lots),
                    "index": trim(&exercise.price.to_string()),
                    "paid": trim(&exercise.amount.to_string()),
                });
                Some(("exercised", paid))
            }
            _ => None,
        });
        listed.into_iter().chain(exercised).collect()
    }

    /// The account's orders that the commit says something about: the one that was placed, or else all.
    fn orders(&self, account: AccountId, units: &Units<'_>) -> Vec<Value> {
        let placed = match &self.judged {
            Ok(Outcome::Placed { order } | Outcome::Repeated { order, .. }) => Some(*order),
            Ok(_) => None,
            Err(_) => return Vec::new(),
        };
        let mut numbers: Vec<OrderId> = match placed {
            Some(order) => vec![order],
            None => self.events.iter().filter_map(|event| order_of(event, account)).collect(),
        };
        numbers.sort_unstable();
        numbers.dedup();
        numbers.into_iter().map(|order| self.order(order, units)).collect()
    }

    fn order(&self, wanted: OrderId, units: &Units<'_>) -> Value {
        let mut told = json!({ "order": wanted.0, "state": "open" });
        for event in &self.events {
            match event {
                Event::OrderPlaced { order, terms, .. } if *order == wanted => {
                    told["instrument"] = units.name(terms.instrument.0).into();
                    told["amount"] = units.lots(terms.instrument.0, terms.lots).into();
                }
                Event::OrderEnded { order, end, instrument, .. } if *order == wanted => {
                    told["instrument"] = units.name(instrument.0).into();
                    told["state"] = state_of(*end).into();
                }
                _ => {}
            }
        }
        let trades: Vec<&TradeEvent> = self.events.iter().filter_map(|it| trade_in(it, wanted)).collect();
        let filled = trades.iter().try_fold(Lots::ZERO, |sum, trade| sum.checked_add(trade.lots));
        if let (Some(first), Some(filled)) = (trades.first(), filled) {
            told["filled"] = units.lots(first.instrument.0, filled).into();
        }
        told["trades"] = trades.into_iter().map(|trade| trade_of(trade, wanted, units)).collect();
        told
    }
}

fn trade_in(event: &Event, order: OrderId) -> Option<&TradeEvent> {
    match event {
        Event::Traded { trade } => {
            (trade.taker_order == order || trade.maker_order == order).then_some(trade)
        }
        _ => None,
    }
}

fn trade_of(trade: &TradeEvent, order: OrderId, units: &Units<'_>) -> Value {
    let (role, fee) =
        if trade.taker_order == order { ("taker", trade.taker_fee) } else { ("maker", trade.maker_fee) };
    json!({
        "price": units.ticks(trade.instrument.0, trade.price),
        "amount": units.lots(trade.instrument.0, trade.lots),
        "fee": trim(&fee.to_string()),
        "role": role,
    })
}

/// The order of this account that the event amends or ends.
fn order_of(event: &Event, wanted: AccountId) -> Option<OrderId> {
    match event {
        Event::OrderAmended { order, account, .. } | Event::OrderEnded { order, account, .. } => {
            (*account == wanted).then_some(*order)
        }
        _ => None,
    }
}

const fn state_of(end: OrderEnd) -> &'static str {
    match end {
        OrderEnd::Filled => "filled",
        OrderEnd::Cancelled => "cancelled",
        OrderEnd::Dropped => "dropped",
        OrderEnd::SelfTrade => "ended by an own order",
        OrderEnd::InstrumentExpired => "expired with its instrument",
        OrderEnd::Liquidation => "ended by liquidation",
        OrderEnd::NothingToReduce => "ended with nothing to reduce",
        OrderEnd::PositionLimit => "ended at the position limit",
        OrderEnd::Expired => "expired",
        OrderEnd::Switch => "ended by the switch",
        OrderEnd::Rival => "ended by a rival",
        OrderEnd::Protection => "ended by protection",
        OrderEnd::PrimaryEnded => "ended with its primary",
        OrderEnd::Refused => "refused when triggered",
        OrderEnd::NoLegPrices => "ended without prices of its legs",
    }
}

fn sentence(order: &Value) -> String {
    let text = |field: &str| order[field].as_str().unwrap_or_default().to_owned();
    let mut sentence = format!("order {}: {}", order["order"], text("state"));
    for trade in order["trades"].as_array().into_iter().flatten() {
        let part = |field: &str| trade[field].as_str().unwrap_or_default();
        sentence +=
            &format!("; {} at {} as {}, fee {}", part("amount"), part("price"), part("role"), part("fee"));
    }
    sentence
}

fn millis(span: Duration) -> f64 {
    (span.as_secs_f64() * 1e4).round() / 10.0
}
