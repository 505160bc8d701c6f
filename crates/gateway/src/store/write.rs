//! The writer: a thread of its own that stores commits in their order, many in one transaction when it is behind.
//!
//! Invariant: a commit and its rows become visible together. Who follows commits faster than they can be stored waits
//! for the writer instead of filling memory.

use std::{
    collections::BTreeMap,
    sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    time::Duration,
};

use sqlx::{AnyConnection, AnyPool, AssertSqlSafe};
use tokio::sync::oneshot;

use super::{Batch, Key, Row, StoreError, Table, signed};

/// Commits that may wait for the writer.
const WAITING_MAX: usize = 1_024;
/// Commits in one transaction.
const TOGETHER_MAX: usize = 256;
/// Rows in one statement, of seven values each.
const ROWS_MAX: usize = 100;
/// How long a reader waits for room in the queue.
const RETRY: Duration = Duration::from_millis(5);

enum Order {
    Store(Box<Batch>),
    /// Answered once everything before is stored.
    Flush(oneshot::Sender<()>),
}

/// The way to the writing thread; it ends when this is dropped.
pub(crate) struct Writer(SyncSender<Order>);

impl Writer {
    pub(super) fn start(pool: AnyPool) -> Self {
        let (sender, orders) = sync_channel(WAITING_MAX);
        let runtime = tokio::runtime::Handle::current();
        std::thread::spawn(move || {
            if let Err(error) = runtime.block_on(write_all(&pool, &orders)) {
                tracing::error!(%error, "the history is not written any more");
            }
        });
        Self(sender)
    }

    /// Queues a commit. After the writer has failed this does nothing: the gateway goes on from memory.
    pub(crate) fn store(&self, batch: Batch) {
        let _stopped = self.0.send(Order::Store(Box::new(batch)));
    }

    pub(super) async fn flush(&self) -> Result<(), StoreError> {
        let (done, stored) = oneshot::channel();
        let mut order = Order::Flush(done);
        while let Err(refused) = self.0.try_send(order) {
            let TrySendError::Full(again) = refused else { return Err(StoreError::Stopped) };
            order = again;
            tokio::time::sleep(RETRY).await;
        }
        stored.await.map_err(|_| StoreError::Stopped)
    }
}

async fn write_all(pool: &AnyPool, orders: &Receiver<Order>) -> Result<(), sqlx::Error> {
    while let Ok(first) = orders.recv() {
        let (mut batches, mut flushed) = (Vec::new(), Vec::new());
        let mut next = Some(first);
        while let Some(order) = next.take() {
            match order {
                Order::Store(batch) => batches.push(*batch),
                Order::Flush(done) => flushed.push(done),
            }
            if batches.len() < TOGETHER_MAX {
                next = orders.try_recv().ok();
            }
        }
        if !batches.is_empty() {
            write(pool, batches).await?;
        }
        for done in flushed {
            // Who asked may have hung up.
            let _heard = done.send(());
        }
    }
    Ok(())
}

async fn write(pool: &AnyPool, batches: Vec<Batch>) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    // Of rows with one key the last counts: one statement may not touch a row twice.
    let mut tables: BTreeMap<Table, BTreeMap<Key, Row>> = BTreeMap::new();
    for batch in batches {
        sqlx::query("INSERT INTO commits (id, payload) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING")
            .bind(signed(batch.commit))
            .bind(batch.payload)
            .execute(&mut *transaction)
            .await?;
        for (table, row) in batch.rows {
            tables.entry(table).or_default().insert(row.key.clone(), row);
        }
    }
    for (table, rows) in tables {
        let rows: Vec<Row> = rows.into_values().collect();
        for part in rows.chunks(ROWS_MAX) {
            insert(&mut transaction, table, part).await?;
        }
    }
    transaction.commit().await
}

async fn insert(connection: &mut AnyConnection, table: Table, rows: &[Row]) -> Result<(), sqlx::Error> {
    // SQLite looks numbered places up one by one, for every value that is bound; those without a name it counts.
    let is_sqlite = connection.backend_name() == "SQLite";
    let values = |place: usize| {
        let number =
            |column: usize| if is_sqlite { "?".to_owned() } else { format!("${}", place * 7 + column) };
        format!("({})", (1..=7).map(number).collect::<Vec<_>>().join(","))
    };
    let values: Vec<String> = (0..rows.len()).map(values).collect();
    let text = format!(
        "INSERT INTO {} (account, id, part, instrument, time_ms, sequence, value) VALUES {} \
         ON CONFLICT (account, id, part) DO UPDATE SET instrument = EXCLUDED.instrument, \
         time_ms = EXCLUDED.time_ms, sequence = EXCLUDED.sequence, value = EXCLUDED.value",
        table.name(),
        values.join(",")
    );
    let mut statement = sqlx::query(AssertSqlSafe(text));
    for row in rows {
        statement = statement.bind(&row.key.account).bind(row.key.id).bind(row.key.part);
        statement = statement.bind(row.instrument).bind(row.time_ms).bind(row.sequence);
        statement = statement.bind(row.value.get());
    }
    statement.execute(connection).await.map(|_| ())
}
