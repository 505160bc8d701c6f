//! Reading a history back.
//!
//! Invariant: an answer holds every commit that the gateway had applied when it was asked for.

use std::ops::RangeInclusive;

use commonware_codec::DecodeExt;
use futures::TryStreamExt;
use serde_json::value::RawValue;
use sqlx::{AnyConnection, AssertSqlSafe, Row as _, any::AnyRow};
use wire::{CommittedPayload, InstrumentId};

use super::{Key, Row, Store, StoreError, Table, signed};

/// Which rows, in which order.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub table: Table,
    /// Empty for what everybody may see.
    pub account: String,
    /// `None`: all.
    pub instruments: Option<Vec<InstrumentId>>,
    /// `None`: all; of fills those of one order.
    pub part: Option<i64>,
    pub ids: RangeInclusive<u64>,
    pub times: RangeInclusive<u64>,
    pub sequences: RangeInclusive<u64>,
    pub direction: Direction,
    pub offset: usize,
    pub limit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    LatestFirst,
    EarliestFirst,
}

impl Query {
    /// The latest `limit` rows of an account, or of everybody.
    pub(crate) fn latest(table: Table, account: String, limit: usize) -> Self {
        Self {
            table,
            account,
            instruments: None,
            part: None,
            ids: 0..=u64::MAX,
            times: 0..=u64::MAX,
            sequences: 0..=u64::MAX,
            direction: Direction::LatestFirst,
            offset: 0,
            limit,
        }
    }

    /// Only numbers and names of ours become part of the text.
    fn text(&self) -> String {
        let instruments = self.instruments.as_ref().map_or_else(String::new, |chosen| {
            let numbers: Vec<String> = chosen.iter().map(|it| it.0.to_string()).collect();
            // No instrument is chosen by a number that none has.
            let numbers = if numbers.is_empty() { "-1".to_owned() } else { numbers.join(",") };
            format!("AND instrument IN ({numbers}) ")
        });
        let part = self.part.map_or_else(String::new, |part| format!("AND part = {part} "));
        let order = match self.direction {
            Direction::LatestFirst => "time_ms DESC, id DESC",
            Direction::EarliestFirst => "time_ms, id",
        };
        let name = self.table.name();
        format!(
            "SELECT account, id, part, instrument, time_ms, sequence, value FROM {name} WHERE account = $1 \
             AND time_ms BETWEEN $2 AND $3 AND id BETWEEN $4 AND $5 AND sequence BETWEEN $6 AND $7 \
             {instruments}{part}ORDER BY {order} LIMIT $8 OFFSET $9"
        )
    }
}

/// SQLite: readers do not wait for the writer, and a power cut costs the last commits, which come again.
pub(super) async fn connection_pragmas(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    for pragma in ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL", "PRAGMA busy_timeout = 10000"]
    {
        sqlx::query(pragma).execute(&mut *connection).await?;
    }
    Ok(())
}

impl Store {
    /// The last commit that was stored when it was opened.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// Rows that a query picks, once everything applied so far is stored.
    pub(crate) async fn rows(&self, query: &Query) -> Result<Vec<Row>, StoreError> {
        self.writer.flush().await?;
        let bounds = [&query.times, &query.ids, &query.sequences];
        let text = query.text();
        let mut asked = sqlx::query(AssertSqlSafe(text)).bind(&query.account);
        for bound in bounds {
            asked = asked.bind(signed(*bound.start())).bind(signed(*bound.end()));
        }
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let rows = asked.bind(number(query.limit)).bind(number(query.offset)).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(read(row)?)).collect()
    }

    /// Hands all stored commits to `take`, in their order.
    pub(crate) async fn replay(&self, mut take: impl FnMut(CommittedPayload)) -> Result<(), StoreError> {
        let mut rows = sqlx::query("SELECT id, payload FROM commits ORDER BY id").fetch(&self.pool);
        while let Some(row) = rows.try_next().await? {
            let (id, payload): (i64, Vec<u8>) = (row.try_get(0)?, row.try_get(1)?);
            let commit = u64::try_from(id).unwrap_or(0);
            take(
                CommittedPayload::decode(bytes::Bytes::from(payload))
                    .map_err(|_| StoreError::Malformed { commit })?,
            );
        }
        Ok(())
    }

    pub(crate) fn writer(&self) -> &super::Writer {
        &self.writer
    }
}

fn read(row: &AnyRow) -> Result<Row, sqlx::Error> {
    let value: String = row.try_get(6)?;
    let value = RawValue::from_string(value).map_err(|error| sqlx::Error::Decode(Box::new(error)))?;
    Ok(Row {
        key: Key { account: row.try_get(0)?, id: row.try_get(1)?, part: row.try_get(2)? },
        instrument: row.try_get(3)?,
        time_ms: row.try_get(4)?,
        sequence: row.try_get(5)?,
        value,
    })
}
