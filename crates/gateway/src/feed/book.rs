//! Books as their channels tell them: a snapshot and changes, or the best levels whole.
//!
//! Invariant: on an incremental channel the first message to a listener is a snapshot, and every change names
//! the change before it, so that a gap can be seen.

use std::collections::BTreeMap;

use num::{Cash, Fix, Rounding, div_round};
use serde_json::{Value, json};

use crate::{
    decimal,
    model::{Instrument, Level},
    view::View,
};

/// Levels a side that a book channel carries.
const DEPTH: usize = 1_000;

type Side = BTreeMap<Cash, Fix>;

/// A book as a channel's listeners last heard of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    bids: Side,
    asks: Side,
    pub(super) change: u64,
}

impl Told {
    pub(super) fn read(view: &View, it: &Instrument) -> Self {
        let market = view.market(it, DEPTH);
        let side = |levels: &[Level]| levels.iter().map(|level| (level.price, level.amount)).collect();
        Self { bids: side(&market.bids), asks: side(&market.asks), change: view.commit_index() }
    }

    pub(super) fn snapshot(&self, view: &View, it: &Instrument) -> Value {
        json!({
            "type": "snapshot",
            "timestamp": view.now_ms(),
            "instrument_name": it.name,
            "change_id": self.change,
            "bids": self.bids.iter().rev().map(|(price, amount)| row("new", *price, *amount)).collect::<Value>(),
            "asks": self.asks.iter().map(|(price, amount)| row("new", *price, *amount)).collect::<Value>(),
        })
    }

    /// Becomes `now`; what to tell, or `None` when nothing has changed.
    pub(super) fn change_to(&mut self, now: Self, view: &View, it: &Instrument) -> Option<Value> {
        let (bids, asks) = (differences(&self.bids, &now.bids), differences(&self.asks, &now.asks));
        if bids.is_empty() && asks.is_empty() {
            return None;
        }
        let change = json!({
            "type": "change",
            "timestamp": view.now_ms(),
            "instrument_name": it.name,
            "prev_change_id": self.change,
            "change_id": now.change,
            "bids": bids,
            "asks": asks,
        });
        *self = now;
        Some(change)
    }
}

fn row(what: &str, price: Cash, amount: Fix) -> Value {
    json!([what, decimal::cash(price), decimal::fix(amount)])
}

fn differences(before: &Side, after: &Side) -> Vec<Value> {
    let mut rows = Vec::new();
    for (price, amount) in after {
        match before.get(price) {
            Some(same) if same == amount => {}
            Some(_) => rows.push(row("change", *price, *amount)),
            None => rows.push(row("new", *price, *amount)),
        }
    }
    let gone = before.keys().filter(|price| !after.contains_key(price));
    rows.extend(gone.map(|price| row("delete", *price, Fix::ZERO)));
    rows
}

/// The best `depth` levels a side, prices taken together in steps of `group`, bids rounded down and asks up.
pub(super) fn levels(view: &View, it: &Instrument, (group, depth): (Option<Cash>, usize)) -> Value {
    let market = view.market(it, if group.is_some() { DEPTH } else { depth });
    let bids = grouped(&market.bids, group, Rounding::Floor);
    let asks = grouped(&market.asks, group, Rounding::Ceil);
    let rows = |levels: Vec<Level>| levels.iter().take(depth).map(crate::json::level).collect::<Value>();
    json!({
        "timestamp": view.now_ms(),
        "instrument_name": it.name,
        "change_id": view.commit_index(),
        "bids": rows(bids),
        "asks": rows(asks),
    })
}

fn grouped(levels: &[Level], group: Option<Cash>, rounding: Rounding) -> Vec<Level> {
    let Some(group) = group else { return levels.to_vec() };
    let mut grouped: Vec<Level> = Vec::new();
    for level in levels {
        let steps = div_round(i128::from(level.price.micros()), i128::from(group.micros()), rounding);
        let price = steps.and_then(|steps| Cash::from_i128(steps * i128::from(group.micros())));
        let price = price.unwrap_or(level.price);
        match grouped.last_mut() {
            Some(last) if last.price == price => {
                last.amount = last.amount.checked_add(level.amount).unwrap_or(last.amount);
            }
            _ => grouped.push(Level { price, amount: level.amount }),
        }
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(price: i64, amount: i64) -> Level {
        Level { price: Cash::from_micros(price), amount: Fix::from_raw(amount) }
    }

    fn side(levels: &[Level]) -> Side {
        levels.iter().map(|level| (level.price, level.amount)).collect()
    }

    #[test]
    fn differences_turn_the_old_side_into_the_new() {
        let before = side(&[level(10, 1), level(11, 2), level(12, 3)]);
        let after = side(&[level(10, 1), level(11, 5), level(13, 4)]);
        let rows = differences(&before, &after);
        let words: Vec<&str> = rows.iter().filter_map(|row| row[0].as_str()).collect();
        assert_eq!(words, ["change", "new", "delete"]);
        assert!(differences(&after, &after).is_empty());
    }

    #[test]
    fn groups_round_away_from_the_middle_and_add_up() {
        let group = Some(Cash::from_micros(5));
        let bids = [level(19, 1), level(16, 2), level(14, 4)];
        let asks = [level(21, 1), level(25, 2), level(26, 4)];
        assert_eq!(grouped(&bids, group, Rounding::Floor), [level(15, 3), level(10, 4)]);
        assert_eq!(grouped(&asks, group, Rounding::Ceil), [level(25, 3), level(30, 4)]);
        assert_eq!(grouped(&bids, None, Rounding::Floor), bids);
    }
}
