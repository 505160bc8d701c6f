//! History beyond what memory holds: in SQLite or PostgreSQL, by URL.
//!
//! Invariant: what is stored follows from the commits alone. A row is written with its commit in one transaction,
//! together with the commit itself, so that a gateway that was killed goes on from what it stored, and one whose store
//! is gone makes the same store again from a node's commits; but for `settings`, which no commit says.
//! Left out on purpose: everything that can be computed from the state: books, marks, balances of now.

mod read;
mod rows;
mod schema;
mod settings;
mod write;

use core::fmt;

use serde_json::value::RawValue;
use sqlx::AnyPool;
use wire::AccountId;

pub(crate) use read::{Direction, Query};
pub(crate) use rows::{Batch, CANDLE_MINUTES, batch};
pub(crate) use settings::Subject;
use write::Writer;

/// One history of one shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    /// Public trades.
    Trades,
    /// An account's sides of trades.
    Fills,
    /// Orders that ended.
    Orders,
    /// Changes of an account's balance.
    Log,
    /// Ends of instruments, and of an account's positions in them.
    Settlements,
    /// One candle of trading; its sequence is its length in minutes.
    Candles,
    /// Hours of a perpetual.
    Funding,
    /// An account's sides of block trades, once for each leg, so that a leg's instrument finds them.
    Blocks,
}

impl Table {
    pub(crate) const ALL: [Self; 8] = [
        Self::Trades,
        Self::Fills,
        Self::Orders,
        Self::Log,
        Self::Settlements,
        Self::Candles,
        Self::Funding,
        Self::Blocks,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Fills => "fills",
            Self::Orders => "orders",
            Self::Log => "account_log",
            Self::Settlements => "settlements",
            Self::Candles => "candles",
            Self::Funding => "funding",
            Self::Blocks => "blocks",
        }
    }
}

/// What names a row within its table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    /// Empty for what everybody may see.
    pub account: String,
    pub id: i64,
    /// Tells apart rows of one id: the order of a fill, the instrument of a candle.
    pub part: i64,
}

/// One row of any table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub key: Key,
    pub instrument: i64,
    pub time_ms: i64,
    /// The row's number within its instrument; of an order what was filled of it.
    pub sequence: i64,
    /// As the venue shows it.
    pub value: Box<RawValue>,
}

/// Why the history is out of reach.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("history {url}: {source}")]
    Open { url: String, source: sqlx::Error },
    #[error("history {url} is of network {have}, not of {need}")]
    OtherNetwork { url: String, have: String, need: String },
    #[error("history: {0}")]
    Sql(#[from] sqlx::Error),
    #[error("history: commit {commit} cannot be read")]
    Malformed { commit: u64 },
    #[error("history: the setting {name:?} cannot be read")]
    Setting { name: String },
    #[error("history: the writer has stopped")]
    Stopped,
}

/// An open history.
pub(crate) struct Store {
    pool: AnyPool,
    writer: Writer,
    /// The last commit that was stored when it was opened.
    last: u64,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("last", &self.last).finish_non_exhaustive()
    }
}

/// How an account is named in the tables.
pub(crate) fn account_name(account: &AccountId) -> String {
    format!("{}/{}", account.owner, account.subaccount)
}

/// Numbers of tables are signed; none of ours comes near the half.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The address without a password.
fn shown(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, place))) => format!("{scheme}://…@{place}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(shown("postgres://me:secret@db:5432/x"), "postgres://…@db:5432/x");
        assert_eq!(shown("sqlite:history.sqlite"), "sqlite:history.sqlite");
    }
}
