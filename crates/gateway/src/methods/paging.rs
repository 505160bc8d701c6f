//! The part of a history that a call asks for.
//!
//! Invariant: without bounds the latest come first; with a first bound (a time, a number) and no order asked
//! for, the history is read onward from there, so that a caller can walk through it page by page.

use std::ops::RangeInclusive;

use serde_json::Value;

use crate::{
    rpc::{Params, RpcError},
    store::{Direction, Query, Table},
};

/// Entries in one answer.
const COUNT_MAX: u64 = 1_000;
const COUNT_DEFAULT: u64 = 10;

/// Orders of a history by the venue's names.
pub(super) const SORTINGS: [&str; 3] = ["asc", "desc", "default"];

/// Where an entry stands in its history.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    pub time_ms: u64,
    /// Its number among all.
    pub id: u64,
    /// Its number among those of its instrument.
    pub sequence: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Ascending,
    Descending,
}

/// A page of a history.
#[derive(Clone, Debug)]
pub(super) struct Page {
    count: usize,
    offset: usize,
    times: RangeInclusive<u64>,
    ids: RangeInclusive<u64>,
    sequences: RangeInclusive<u64>,
    order: Order,
}

impl Page {
    pub(super) fn read(params: &Params) -> Result<Self, RpcError> {
        Self::read_counted(params, COUNT_DEFAULT)
    }

    /// The same with another number of entries when the call does not say one.
    pub(super) fn read_counted(params: &Params, count: u64) -> Result<Self, RpcError> {
        let count = params.optional_u64("count")?.unwrap_or(count).clamp(1, COUNT_MAX);
        let bound = |name: &str| params.optional_u64(name);
        let (from_ms, from_id) = (bound("start_timestamp")?, id(params, "start_id")?);
        let from_sequence = bound("start_seq")?;
        let has_start = from_ms.is_some() || from_id.is_some() || from_sequence.is_some();
        let order = match params.choice("sorting", &SORTINGS)? {
            Some("asc") => Order::Ascending,
            Some("desc") => Order::Descending,
            _ if has_start => Order::Ascending,
            _ => Order::Descending,
        };
        Ok(Self {
            count: usize::try_from(count).unwrap_or(1),
            offset: usize::try_from(bound("offset")?.unwrap_or(0)).unwrap_or(usize::MAX),
            times: from_ms.unwrap_or(0)..=bound("end_timestamp")?.unwrap_or(u64::MAX),
            ids: from_id.unwrap_or(0)..=id(params, "end_id")?.unwrap_or(u64::MAX),
            sequences: from_sequence.unwrap_or(0)..=bound("end_seq")?.unwrap_or(u64::MAX),
            order,
        })
    }

    /// The stored rows that the page is made of, and one more if there is one.
    pub(super) fn query(&self, table: Table, account: String) -> Query {
        let direction = match self.order {
            Order::Ascending => Direction::EarliestFirst,
            Order::Descending => Direction::LatestFirst,
        };
        let (ids, times, sequences) = (self.ids.clone(), self.times.clone(), self.sequences.clone());
        let latest = Query::latest(table, account, self.count + 1);
        Query { direction, ids, times, sequences, offset: self.offset, ..latest }
    }

    /// The page of what `query` found, and whether there is more.
    pub(super) fn cut<T>(&self, mut found: Vec<T>) -> (Vec<T>, bool) {
        let has_more = found.len() > self.count;
        found.truncate(self.count);
        (found, has_more)
    }

    /// Whether the page is certain to lie within the latest `known` entries.
    pub(super) fn is_among_latest(&self, known: usize) -> bool {
        let is_open = [&self.times, &self.ids, &self.sequences].iter().all(|it| **it == (0..=u64::MAX));
        self.order == Order::Descending && is_open && self.offset.saturating_add(self.count) < known
    }

    /// The chosen entries of a history whose latest entry comes first, and whether there are more.
    pub(super) fn take<T>(
        &self,
        latest_first: impl Iterator<Item = T>,
        place: impl Fn(&T) -> Place,
    ) -> (Vec<T>, bool) {
        let chosen = latest_first.filter(|entry| {
            let place = place(entry);
            self.times.contains(&place.time_ms)
                && self.ids.contains(&place.id)
                && self.sequences.contains(&place.sequence)
        });
        let taken: Vec<T> = match self.order {
            Order::Descending => chosen.skip(self.offset).take(self.count + 1).collect(),
            Order::Ascending => {
                let mut all: Vec<T> = chosen.collect();
                all.reverse();
                all.into_iter().skip(self.offset).take(self.count + 1).collect()
            }
        };
        self.cut(taken)
    }
}

/// A page of a history that is read backward only: the next one begins before the last entry of this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Backward {
    pub count: usize,
    /// Entries have numbers below this.
    pub before: u64,
}

impl Backward {
    /// Reads `count`, which is `usual` where it is not given, and `continuation`: a number, or a time and a number.
    pub(super) fn read(params: &Params, (usual, most): (u64, u64)) -> Result<Self, RpcError> {
        let count = params.optional_u64("count")?.unwrap_or(usual).clamp(1, most);
        let wrong = || RpcError::param("continuation", "what an answer before gave is expected");
        let before = match params.get("continuation") {
            None => u64::MAX,
            Some(Value::String(text)) => match text.rsplit_once(':').map_or(text.as_str(), |(_, id)| id) {
                "" | "none" => u64::MAX,
                id => id.parse().map_err(|_| wrong())?,
            },
            Some(other) => other.as_u64().ok_or_else(wrong)?,
        };
        Ok(Self { count: usize::try_from(count).unwrap_or(1), before })
    }

    /// The stored rows that the page is made of, and one more if there is one.
    pub(super) fn query(&self, table: Table, account: String) -> Query {
        Query { ids: 0..=self.before.saturating_sub(1), ..Query::latest(table, account, self.count + 1) }
    }

    /// The page of a history whose latest entry comes first, and its last entry where there is more after it.
    pub(super) fn take<T>(
        &self,
        latest_first: impl Iterator<Item = T>,
        id: impl Fn(&T) -> u64,
    ) -> (Vec<T>, Option<u64>) {
        let chosen = latest_first.filter(|entry| id(entry) < self.before);
        let mut found: Vec<T> = chosen.take(self.count + 1).collect();
        let has_more = found.len() > self.count;
        found.truncate(self.count);
        let last = found.last().filter(|_| has_more).map(id);
        (found, last)
    }
}

/// A trade's number, which clients hold as text.
fn id(params: &Params, name: &str) -> Result<Option<u64>, RpcError> {
    match params.get(name) {
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        _ => params.optional_u64(name),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn take(params: Value) -> (Vec<u64>, bool) {
        let Value::Object(params) = params else { panic!("an object is expected") };
        let page = Page::read(&Params(params)).unwrap();
        page.take((1..=5).rev(), |id| Place { time_ms: 10 * id, id: *id, sequence: *id })
    }

    #[test]
    fn a_page_is_what_was_asked_for() {
        for (params, want, has_more) in [
            (json!({}), vec![5, 4, 3, 2, 1], false),
            (json!({"count": 2}), vec![5, 4], true),
            (json!({"count": 2, "offset": 4}), vec![1], false),
            (json!({"start_timestamp": 20, "count": 2}), vec![2, 3], true),
            (json!({"start_timestamp": 20, "sorting": "desc", "count": 2}), vec![5, 4], true),
            (json!({"start_timestamp": 20, "end_timestamp": 30}), vec![2, 3], false),
            (json!({"start_id": "3", "end_id": "4"}), vec![3, 4], false),
            (json!({"start_seq": 5}), vec![5], false),
            (json!({"sorting": "asc", "count": 1}), vec![1], true),
        ] {
            assert_eq!(take(params.clone()), (want, has_more), "{params}");
        }
        assert!(Page::read(&Params(json!({"sorting": "up"}).as_object().unwrap().clone())).is_err());
    }

    #[test]
    fn pages_backward_follow_each_other_to_the_end() {
        let read = |params: Value| {
            Backward::read(&Params(params.as_object().unwrap().clone()), (2, 3))
                .map(|page| page.take((1..=5_u64).rev(), |id| *id))
        };
        for (params, want, last) in [
            (json!({}), vec![5, 4], Some(4)),
            (json!({"continuation": "4"}), vec![3, 2], Some(2)),
            (json!({"continuation": 2}), vec![1], None),
            (json!({"continuation": "1700000000000:2"}), vec![1], None),
            (json!({"continuation": "none", "count": 9}), vec![5, 4, 3], Some(3)),
        ] {
            assert_eq!(read(params.clone()), Ok((want, last)), "{params}");
        }
        for wrong in [json!({"continuation": "x"}), json!({"continuation": -1}), json!({"continuation": []})]
        {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
