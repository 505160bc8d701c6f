//! Streams of submissions to a node that may die and come back.
//!
//! Invariant: a transaction is submitted once; what was on its way when a node died may be lost to this
//! stream, and is not counted as final.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use client::{NodeClient, protocol::SubmitRequest};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use wire::Transaction;

use crate::demo::figures::Figures;

/// Transactions on their way to one node.
const QUEUE_MAX: usize = 1_024;

/// Opens a queue to a node and keeps it flowing.
pub fn open(address: String, figures: Arc<Figures>) -> mpsc::Sender<Transaction> {
    let (sender, mut queue) = mpsc::channel(QUEUE_MAX);
    tokio::spawn(async move {
        let mut next = 1;
        loop {
            if let Some(after) = flow(&address, &mut queue, &figures, next).await {
                next = after;
            }
            if queue.is_closed() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
            // What piled up while the node was away is stale by now.
            while queue.try_recv().is_ok() {}
        }
    });
    sender
}

async fn flow(
    address: &str,
    queue: &mut mpsc::Receiver<Transaction>,
    figures: &Figures,
    mut next: u64,
) -> Option<u64> {
    let mut node = NodeClient::connect(address).await.ok()?;
    let (requests, receiver) = mpsc::channel(64);
    let mut answers = node.submit_stream(receiver).await.ok()?;
    let mut open: BTreeMap<u64, Instant> = BTreeMap::new();
    let mut waiting = Vec::new();
    loop {
        tokio::select! {
            count = queue.recv_many(&mut waiting, 64) => {
                if count == 0 {
                    return None;
                }
                let now = Instant::now();
                let transactions: Vec<Vec<u8>> = waiting.drain(..).map(|it| it.into_bytes().to_vec()).collect();
                let first_ticket = next;
                for _ in &transactions {
                    open.insert(next, now);
                    next += 1;
                }
                if requests.send(SubmitRequest { first_ticket, transactions }).await.is_err() {
                    return Some(next);
                }
            }
            answer = answers.next() => {
                let Some(Ok(events)) = answer else { return Some(next) };
                for ticket in events.r#final {
                    if let Some(since) = open.remove(&ticket) {
                        figures.note_final(since);
                    }
                }
                for ticket in events.refused {
                    open.remove(&ticket);
                }
            }
        }
    }
}
