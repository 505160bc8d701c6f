//! Streams of submissions to a node that may die and come back.
//!
//! Invariant: a transaction is submitted once; what was on its way when a node died may be lost to this
//! stream, and is not counted as final.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use client::{
    NodeClient,
    protocol::{SubmitEvents, SubmitRequest},
};
use tokio::sync::mpsc;
use tokio_stream::StreamExt;
use wire::Transaction;

use crate::demo::figures::Figures;

/// Transactions on their way to one node.
const QUEUE_MAX: usize = 1_024;
/// Before a node that is gone is tried again.
const PAUSE: Duration = Duration::from_millis(300);

/// Opens a queue to a node and keeps it flowing.
pub fn open(address: String, figures: Arc<Figures>) -> mpsc::Sender<Transaction> {
    let (sender, mut queue) = mpsc::channel(QUEUE_MAX);
    tokio::spawn(async move {
        let mut tickets = Tickets { figures, open: BTreeMap::new(), next: 1 };
        while !queue.is_closed() {
            // Whatever ended the flow, the node is tried again.
            let _ended = flow(&address, &mut queue, &mut tickets).await;
            tokio::time::sleep(PAUSE).await;
            // What was on its way is lost, and what piled up meanwhile is stale.
            tickets.open.clear();
            while queue.try_recv().is_ok() {}
        }
    });
    sender
}

/// What is on its way to a node, and since when.
struct Tickets {
    figures: Arc<Figures>,
    open: BTreeMap<u64, Instant>,
    next: u64,
}

impl Tickets {
    fn request(&mut self, waiting: &mut Vec<Transaction>) -> SubmitRequest {
        let now = Instant::now();
        let first_ticket = self.next;
        let transactions: Vec<Vec<u8>> = waiting.drain(..).map(|it| it.into_bytes().to_vec()).collect();
        self.open.extend((first_ticket..).take(transactions.len()).map(|ticket| (ticket, now)));
        self.next = self.open.last_key_value().map_or(first_ticket, |(last, _)| last + 1);
        SubmitRequest { first_ticket, transactions }
    }

    fn note(&mut self, events: SubmitEvents) {
        for since in events.r#final.iter().filter_map(|ticket| self.open.remove(ticket)) {
            self.figures.note_final(since);
        }
        for ticket in events.refused {
            self.open.remove(&ticket);
        }
    }
}

/// Passes on what comes until the queue is closed or the node is gone.
async fn flow(address: &str, queue: &mut mpsc::Receiver<Transaction>, tickets: &mut Tickets) -> Option<()> {
    let mut node = NodeClient::connect(address).await.ok()?;
    let (requests, receiver) = mpsc::channel(64);
    let mut answers = node.submit_stream(receiver).await.ok()?;
    let mut waiting = Vec::new();
    loop {
        tokio::select! {
            count = queue.recv_many(&mut waiting, 64) => {
                if count == 0 {
                    return None;
                }
                requests.send(tickets.request(&mut waiting)).await.ok()?;
            }
            answer = answers.next() => tickets.note(answer?.ok()?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_count_on_and_are_open_until_they_are_final_or_refused() {
        let mut tickets = Tickets { figures: Arc::default(), open: BTreeMap::new(), next: 1 };
        let mut three = vec![Transaction::default(); 3];
        assert_eq!(tickets.request(&mut three).first_ticket, 1);
        assert!(three.is_empty());
        assert_eq!(tickets.request(&mut vec![Transaction::default()]).first_ticket, 4);
        tickets.note(SubmitEvents { accepted: vec![1, 2, 3, 4], r#final: vec![1, 3, 99], refused: vec![2] });
        assert_eq!(tickets.open.keys().collect::<Vec<_>>(), [&4]);
        tickets.note(SubmitEvents { r#final: vec![1, 4], ..SubmitEvents::default() });
        assert_eq!(tickets.request(&mut vec![Transaction::default()]).first_ticket, 5);
        assert_eq!(tickets.open.keys().collect::<Vec<_>>(), [&5]);
    }
}
