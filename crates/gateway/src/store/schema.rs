//! The tables, made when they are not there.
//!
//! Invariant: statements are the same text for SQLite and PostgreSQL, but for the word for bytes.

use crypto::Digest;
use sqlx::{AnyPool, AssertSqlSafe, Row as _, any::AnyPoolOptions};

use super::{Store, StoreError, Table, read::connection_pragmas, shown, write::Writer};

/// Connections: one writes, the others answer.
const CONNECTIONS_MAX: u32 = 8;
/// Of the tables; a store of another one is made anew from the commits.
const FORMAT: &str = "2";

impl Store {
    /// Opens a history, making it where there is none, and starts its writer.
    pub(crate) async fn open(url: &str, network: &Digest) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let failed = |source| StoreError::Open { url: shown(url), source };
        let is_sqlite = url.starts_with("sqlite:");
        let options =
            AnyPoolOptions::new().max_connections(CONNECTIONS_MAX).after_connect(move |connection, _| {
                Box::pin(async move { if is_sqlite { connection_pragmas(connection).await } else { Ok(()) } })
            });
        let pool = options.connect(url).await.map_err(failed)?;
        make(&pool, is_sqlite).await.map_err(failed)?;
        check(&pool, url, network).await?;
        let last: i64 =
            sqlx::query("SELECT COALESCE(MAX(id), 0) FROM commits").fetch_one(&pool).await?.try_get(0)?;
        let writer = Writer::start(pool.clone());
        Ok(Self { pool, writer, last: u64::try_from(last).unwrap_or(0) })
    }
}

async fn make(pool: &AnyPool, is_sqlite: bool) -> Result<(), sqlx::Error> {
    let bytes = if is_sqlite { "BLOB" } else { "BYTEA" };
    let mut statements = vec![
        "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)".to_owned(),
        "CREATE TABLE IF NOT EXISTS settings (subject TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, \
         PRIMARY KEY (subject, name))"
            .to_owned(),
        format!("CREATE TABLE IF NOT EXISTS commits (id BIGINT PRIMARY KEY, payload {bytes} NOT NULL)"),
    ];
    for name in Table::ALL.map(Table::name) {
        statements.push(format!(
            "CREATE TABLE IF NOT EXISTS {name} (account TEXT NOT NULL, id BIGINT NOT NULL, part BIGINT NOT NULL, \
             instrument BIGINT NOT NULL, time_ms BIGINT NOT NULL, sequence BIGINT NOT NULL, value TEXT NOT NULL, \
             PRIMARY KEY (account, id, part))"
        ));
        statements
            .push(format!("CREATE INDEX IF NOT EXISTS {name}_by_time ON {name} (account, time_ms, id)"));
        statements.push(format!(
            "CREATE INDEX IF NOT EXISTS {name}_by_instrument ON {name} (account, instrument, time_ms, id)"
        ));
    }
    for statement in statements {
        sqlx::query(AssertSqlSafe(statement)).execute(pool).await?;
    }
    Ok(())
}

/// A history belongs to one network and one format for ever.
async fn check(pool: &AnyPool, url: &str, network: &Digest) -> Result<(), StoreError> {
    let need = format!("{network} format {FORMAT}");
    sqlx::query("INSERT INTO facts (name, value) VALUES ('network', $1) ON CONFLICT (name) DO NOTHING")
        .bind(&need)
        .execute(pool)
        .await?;
    let have: String =
        sqlx::query("SELECT value FROM facts WHERE name = 'network'").fetch_one(pool).await?.try_get(0)?;
    if have == need {
        return Ok(());
    }
    Err(StoreError::OtherNetwork { url: shown(url), have, need })
}
