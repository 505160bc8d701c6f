//! Transactions that a node makes for itself, to measure ordering without clients.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crypto::PublicKey;
use replica::agreement::Input;
use wire::Transaction;

use crate::{
    load::Load,
    node::{config::LoadConfig, core::Word, inbox::Inbox, metrics::Metrics, tickets::Tickets},
};

const TICK: Duration = Duration::from_millis(1);

/// Makes load for ever and notes how long it takes.
pub async fn run(
    config: LoadConfig,
    own: PublicKey,
    inbox: Inbox<Word>,
    tickets: Arc<Tickets>,
    metrics: Arc<Metrics>,
) {
    let (client, mut answers) = tickets.open();
    let seed = own.0.first_chunk().copied().map_or(0, u64::from_le_bytes);
    let mut load = Load::new(config, seed);
    let mut tick = tokio::time::interval(TICK);
    loop {
        tokio::select! {
            _ = tick.tick() => {
                let (first, transactions) = load.due(Instant::now());
                let transactions = transactions.into_iter().filter_map(Transaction::new);
                let refused = (first..).zip(transactions).filter(|(own, transaction)| {
                    let (ticket, transaction) = (Tickets::ticket(client, *own), transaction.clone());
                    !inbox.put(Input::Submit { client: *own, ticket, transaction })
                });
                metrics.load_refused.inc_by(u64::try_from(refused.count()).unwrap_or(0));
            }
            told = answers.recv() => {
                let Some(told) = told else { return };
                let now = Instant::now();
                for number in told.r#final {
                    let took = now.duration_since(load.due_at(number));
                    metrics.load_finality_seconds.observe(took.as_secs_f64());
                }
                metrics.load_refused.inc_by(u64::try_from(told.refused.len()).unwrap_or(0));
            }
        }
    }
}
