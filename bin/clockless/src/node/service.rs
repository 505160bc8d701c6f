//! The node's gRPC service.
//!
//! Invariant: everything a client can send or make wait is bounded; an answer of `Submit` means durable.

use std::{pin::Pin, sync::Arc, sync::mpsc::Sender, time::Duration};

use client::protocol::{
    AccountRequest, AccountResponse, CommitRecord, CommitsRequest, EventsRecord, EventsRequest,
    InstrumentsRequest, InstrumentsResponse, ProveRequest, ProveResponse, StatusRequest, StatusResponse,
    SubmitEvents, SubmitRequest, SubmitResponse, node_server::Node,
};
use commonware_codec::Encode;
use replica::agreement::Input;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::{Stream, StreamExt, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};
use wire::{Event, Transaction};

use crate::node::{
    core::{Inbox, SharedStatus},
    door::{self, Door},
    execution::Order,
    feed::Feed,
    queries,
    tickets::Tickets,
};

/// How long a submission waits to become durable, and a proof for its certificate.
const PATIENCE: Duration = Duration::from_secs(15);
/// Records on their way to one follower.
const FOLLOW_AHEAD: usize = 64;

/// What the service works with.
#[derive(Clone)]
pub struct Service {
    pub author: u16,
    pub network: crypto::Digest,
    pub door: Door,
    pub inbox: Inbox,
    pub tickets: Arc<Tickets>,
    pub feed: Arc<Feed>,
    pub orders: Sender<Order>,
    pub status: SharedStatus,
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Service {
    /// Hands transactions to the agreement under a client's tickets; the refused ones are returned.
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

    fn pass_on(&self, client: u64, own: u64, admitted: Result<Transaction, String>) -> Result<(), String> {
        let ticket = Tickets::ticket(client, own);
        let taken = self.inbox.put(Input::Submit { ticket, transaction: admitted? });
        taken.then_some(()).ok_or_else(|| "the node is busy: try again".to_owned())
    }
}

impl Service {
    /// Looks at the state between two commits.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&exchange::State) -> T + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let (answer, seen) = oneshot::channel();
        let look = Box::new(|state: &exchange::State| drop(answer.send(look(state))));
        let asked = self.orders.send(Order::Look(look));
        asked.map_err(|_| Status::unavailable("the execution has stopped"))?;
        seen.await.map(Response::new).map_err(|_| Status::unimplemented("this node does not execute"))
    }
}

/// Sends what `next` finds for each commit from `from` on, and waits for those that are still to come.
fn follow<T: Send + 'static>(
    feed: Arc<Feed>,
    from: u64,
    next: impl Fn(&Feed, u64) -> Result<Option<T>, u64> + Send + 'static,
) -> Result<Response<Answers<T>>, Status> {
    next(&feed, from)
        .map_err(|first| Status::out_of_range(format!("commits before {first} are not kept")))?;
    let (sender, receiver) = mpsc::channel(FOLLOW_AHEAD);
    tokio::spawn(async move {
        let mut height = feed.height();
        let mut commit = from;
        loop {
            let found = match next(&feed, commit) {
                Ok(Some(found)) => Ok(found),
                Ok(None) if height.changed().await.is_ok() => continue,
                Ok(None) => return,
                Err(first) => {
                    Err(Status::out_of_range(format!("too slow: commits before {first} are not kept")))
                }
            };
            let ends = found.is_err();
            if sender.send(found).await.is_err() || ends {
                return;
            }
            commit += 1;
        }
    });
    Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
}

#[tonic::async_trait]
impl Node for Service {
    async fn submit(&self, request: Request<SubmitRequest>) -> Result<Response<SubmitResponse>, Status> {
        let request = SubmitRequest { first_ticket: 0, ..request.into_inner() };
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
            for (ticket, reason) in told
                .accepted
                .into_iter()
                .map(|ticket| (ticket, ""))
                .chain(told.refused.into_iter().map(|ticket| (ticket, "the node is busy: try again")))
            {
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

    type SubmitStreamStream = Answers<SubmitEvents>;

    async fn submit_stream(
        &self,
        request: Request<Streaming<SubmitRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        let mut requests = request.into_inner();
        let (client, events) = self.tickets.open();
        let (local, local_events) = mpsc::channel(16);
        let service = self.clone();
        tokio::spawn(async move {
            while let Some(Ok(request)) = requests.next().await {
                let refused: Vec<u64> =
                    service.put(client, request).await.into_iter().map(|(ticket, _)| ticket).collect();
                if !refused.is_empty()
                    && local.send(SubmitEvents { refused, ..SubmitEvents::default() }).await.is_err()
                {
                    break;
                }
            }
            // What is on its way is still answered, for as long as the client listens.
            local.closed().await;
            service.tickets.close(client);
        });
        let answers = ReceiverStream::new(events).merge(ReceiverStream::new(local_events)).map(Ok);
        Ok(Response::new(Box::pin(answers)))
    }

    type CommitsStream = Answers<CommitRecord>;

    async fn commits(
        &self,
        request: Request<CommitsRequest>,
    ) -> Result<Response<Self::CommitsStream>, Status> {
        let from = request.into_inner().from.max(1);
        follow(Arc::clone(&self.feed), from, |feed, commit| {
            Ok(feed.record(commit)?.map(|record| CommitRecord::clone(&record)))
        })
    }

    type EventsStream = Answers<EventsRecord>;

    async fn events(&self, request: Request<EventsRequest>) -> Result<Response<Self::EventsStream>, Status> {
        let from = request.into_inner().from.max(1);
        follow(Arc::clone(&self.feed), from, |feed, commit| {
            let events = feed.events.of_commit(commit)?;
            let encode = |events: &[Event]| events.iter().map(|it| it.encode().to_vec()).collect();
            Ok(events.map(|events| EventsRecord { commit, events: encode(&events) }))
        })
    }

    async fn account(&self, request: Request<AccountRequest>) -> Result<Response<AccountResponse>, Status> {
        let request = request.into_inner();
        let id = queries::account_id(request.owner, request.subaccount).map_err(|it| *it)?;
        self.look(move |state| queries::account(state, &id)).await
    }

    async fn instruments(
        &self,
        _: Request<InstrumentsRequest>,
    ) -> Result<Response<InstrumentsResponse>, Status> {
        self.look(queries::instruments).await
    }

    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        let status = self.status.lock().map_err(|_| Status::internal("the agreement has failed"))?.clone();
        let status = status.ok_or_else(|| Status::unavailable("the node is starting"))?;
        Ok(Response::new(StatusResponse {
            author: u64::from(self.author),
            round: status.round.0,
            commits: status.commits,
            executed: *self.feed.height().borrow(),
            root: self.feed.root(),
            certified_commit: self.feed.certified(),
            seen_rounds: status.seen.iter().map(|round| round.0).collect(),
            network: self.network.0.to_vec(),
            money_conserved: self.feed.money_conserved(),
            first_commit_kept: self.feed.first_kept(),
        }))
    }

    async fn prove(&self, request: Request<ProveRequest>) -> Result<Response<ProveResponse>, Status> {
        let request = request.into_inner();
        let account = queries::account_id(request.owner, request.subaccount).map_err(|it| *it)?;
        let (answer, proved) = oneshot::channel();
        let asked = self.orders.send(Order::Prove { account, answer });
        asked.map_err(|_| Status::unavailable("the execution has stopped"))?;
        let proved = proved.await.map_err(|_| Status::unimplemented("this node does not execute"))?;
        let mut height = self.feed.height();
        let certificate = tokio::time::timeout(PATIENCE, async {
            loop {
                if let Some(certificate) = self.feed.certificate(proved.commit) {
                    return Some(certificate);
                }
                height.changed().await.ok()?;
            }
        });
        let certificate = certificate.await.ok().flatten();
        let certificate =
            certificate.ok_or_else(|| Status::deadline_exceeded("the root is not certified yet"))?;
        Ok(Response::new(ProveResponse {
            leaf: proved.leaf,
            proof: proved.proof,
            root: proved.root.0.to_vec(),
            commit: proved.commit,
            certificate: certificate.to_vec(),
        }))
    }
}
