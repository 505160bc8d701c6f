//! Clients' submissions on their way to a worker, and what they are told.
//!
//! Invariant: everything a client can send or make wait is bounded; an answer of `submit` means durable.

use std::{sync::Arc, time::Duration};

use client::protocol::{SubmitEvents, SubmitRequest, SubmitResponse};
use replica::agreement::SYNC_LAG;
use tokio::sync::mpsc;
use tokio_stream::{StreamExt, wrappers::ReceiverStream};
use tonic::{Response, Status, Streaming};
use wire::Transaction;

use crate::node::{
    door::{self, Door},
    service::Answers,
    tickets::Tickets,
};

/// How long a submission waits to become durable.
const PATIENCE: Duration = Duration::from_secs(15);

/// A client's transaction with its ticket, on its way in.
pub struct Entry {
    pub client: u64,
    pub ticket: u64,
    pub transaction: Transaction,
}

/// What takes an entry, or says why not.
pub type Take = Arc<dyn Fn(Entry) -> Result<(), &'static str> + Send + Sync>;

/// How many rounds the validator is known to be behind the others.
pub type Behind = Arc<dyn Fn() -> u64 + Send + Sync>;

/// The door, and what stands behind it.
#[derive(Clone)]
pub struct Intake {
    pub door: Door,
    pub tickets: Arc<Tickets>,
    pub take: Take,
    pub behind: Behind,
}

/// Rounds behind the others from which on nothing is taken: what would be taken waited until they are made up for, and
/// another validator has it ordered at once. Five times what makes the agreement ask for whole rounds and propose
/// nothing, so that one that only stumbles takes as ever; and where all begin anew nobody is ahead of anybody.
const BEHIND_MAX: u64 = 5 * SYNC_LAG;

/// Why an entry is not taken when too many wait.
pub const BUSY: &str = "the node is busy: try again";

impl Intake {
    /// Why nothing is taken, if nothing is.
    fn closed(&self) -> Option<String> {
        let behind = (self.behind)();
        (behind > BEHIND_MAX).then(|| format!("this validator is {behind} rounds behind: ask another"))
    }

    /// Hands transactions on under a client's tickets; the refused ones are returned.
    async fn put(&self, client: u64, request: SubmitRequest) -> Vec<(u64, String)> {
        let mut refused = Vec::new();
        let mut tickets = request.first_ticket..;
        let mut transactions = request.transactions.into_iter().peekable();
        while transactions.peek().is_some() {
            let turn = transactions.by_ref().take(door::TURN).collect();
            for (own, admitted) in tickets.by_ref().zip(self.door.admit(turn)) {
                refused.extend(self.pass_on(client, own, admitted).err().map(|reason| (own, reason)));
            }
            tokio::task::yield_now().await;
        }
        refused
    }

    /// The same on a stream, whose refusals have no reasons; all of them while nothing is taken.
    async fn put_or_refuse(&self, client: u64, request: SubmitRequest) -> Vec<u64> {
        if self.closed().is_some() {
            return (request.first_ticket..).zip(&request.transactions).map(|(ticket, _)| ticket).collect();
        }
        self.put(client, request).await.into_iter().map(|(ticket, _)| ticket).collect()
    }

    fn pass_on(&self, client: u64, own: u64, admitted: Result<Transaction, String>) -> Result<(), String> {
        let ticket = Tickets::ticket(client, own);
        (self.take)(Entry { client, ticket, transaction: admitted? }).map_err(str::to_owned)
    }

    /// Waits until each transaction is durable or refused.
    pub async fn submit(&self, request: SubmitRequest) -> Result<Response<SubmitResponse>, Status> {
        if let Some(reason) = self.closed() {
            return Err(Status::unavailable(reason));
        }
        let request = SubmitRequest { first_ticket: 0, ..request };
        let mut refusals = vec![None; request.transactions.len()];
        let mut open = refusals.len();
        let (client, mut events) = self.tickets.open();
        let place = |ticket: u64| usize::try_from(ticket).unwrap_or(usize::MAX);
        for (ticket, reason) in self.put(client, request).await {
            refusals[place(ticket)] = Some(reason);
            open -= 1;
        }
        while open > 0 {
            let Ok(Some(told)) = tokio::time::timeout(PATIENCE, events.recv()).await else {
                self.tickets.close(client);
                return Err(Status::deadline_exceeded(
                    "the transactions are not durable yet; they may still be ordered",
                ));
            };
            let accepted = told.accepted.into_iter().map(|ticket| (ticket, ""));
            for (ticket, reason) in accepted.chain(told.refused.into_iter().map(|ticket| (ticket, BUSY))) {
                if let Some(slot) = refusals.get_mut(place(ticket)).filter(|slot| slot.is_none()) {
                    *slot = Some(reason.to_owned());
                    open -= 1;
                }
            }
        }
        self.tickets.close(client);
        let refusals = refusals.into_iter().map(Option::unwrap_or_default).collect();
        Ok(Response::new(SubmitResponse { refusals }))
    }

    /// Takes what a client sends for as long as it does, and tells it what becomes of it.
    pub fn stream(&self, mut requests: Streaming<SubmitRequest>) -> Answers<SubmitEvents> {
        let (client, events) = self.tickets.open();
        let (local, local_events) = mpsc::channel(16);
        let intake = self.clone();
        tokio::spawn(async move {
            while let Some(Ok(request)) = requests.next().await {
                let refused = intake.put_or_refuse(client, request).await;
                if !refused.is_empty()
                    && local.send(SubmitEvents { refused, ..SubmitEvents::default() }).await.is_err()
                {
                    break;
                }
            }
            // What is on its way is still answered, for as long as the client listens.
            local.closed().await;
            intake.tickets.close(client);
        });
        Box::pin(ReceiverStream::new(events).merge(ReceiverStream::new(local_events)).map(Ok))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An intake of a validator so many rounds behind that refuses whatever comes to be taken.
    fn intake(behind: u64) -> Intake {
        Intake {
            door: Door::Bytes,
            tickets: Arc::default(),
            take: Arc::new(|_| Err("taken")),
            behind: Arc::new(move || behind),
        }
    }

    fn request(first_ticket: u64) -> SubmitRequest {
        SubmitRequest { first_ticket, transactions: vec![vec![1], vec![2]] }
    }

    #[tokio::test]
    async fn a_validator_that_is_behind_sends_clients_to_another_and_one_that_stumbles_does_not() {
        for (behind, is_open) in [(0, true), (BEHIND_MAX, true), (BEHIND_MAX + 1, false)] {
            match intake(behind).submit(request(0)).await {
                Ok(answer) => {
                    assert!(is_open);
                    assert_eq!(answer.into_inner().refusals, ["taken", "taken"]);
                }
                Err(status) => {
                    assert!(!is_open);
                    assert_eq!(status.code(), tonic::Code::Unavailable);
                    assert!(status.message().contains("101 rounds behind"), "{status}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_stream_refuses_all_of_it_by_its_tickets() {
        assert_eq!(intake(BEHIND_MAX + 1).put_or_refuse(1, request(7)).await, [7, 8]);
    }
}
