//! The node's gRPC service.
//!
//! Invariant: everything a client can send or make wait is bounded; an answer of `Submit` means durable.

use std::{pin::Pin, sync::Arc, sync::mpsc::Sender, time::Duration};

use client::protocol::{
    AccountRequest, AccountResponse, CommitRecord, CommitsRequest, CommitteeRequest, CommitteeResponse,
    EventsRecord, EventsRequest, InstrumentsRequest, InstrumentsResponse, ProveReceiptRequest,
    ProveReceiptResponse, ProveRequest, ProveResponse, StatusRequest, StatusResponse, SubmitEvents,
    SubmitRequest, SubmitResponse, node_server::Node,
};
use commonware_codec::Encode;
use exchange::receipts;
use replica::execution::Execution;
use tokio::sync::{mpsc, oneshot};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};
use wire::{Event, IntentId};

use crate::node::{
    core::SharedStatus,
    execution::{Order, Proved, prove_account, prove_receipts},
    feed::Feed,
    intake::Intake,
    queries,
    receipts::Receipts,
};

/// How long a proof waits for its certificate.
const PATIENCE: Duration = Duration::from_secs(15);
/// Records on their way to one follower.
const FOLLOW_AHEAD: usize = 64;

/// What the service works with.
#[derive(Clone)]
pub struct Service {
    pub network: crypto::Digest,
    pub intake: Intake,
    pub feed: Arc<Feed>,
    pub orders: Sender<Order>,
    pub status: SharedStatus,
}

pub type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

impl Service {
    fn changes(&self) -> Vec<Vec<u8>> {
        self.feed.changes().into_iter().map(|change| change.to_vec()).collect()
    }

    /// What the execution answers to an order.
    async fn answer<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, Status> {
        let (sender, answer) = oneshot::channel();
        let asked = self.orders.send(order(sender));
        asked.map_err(|_| Status::unavailable("the execution has stopped"))?;
        answer.await.map_err(|_| Status::unimplemented("this node does not execute"))
    }

    /// Looks at the state between two commits.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&exchange::State) -> T + Send + 'static,
    ) -> Result<Response<T>, Status> {
        // Whoever asked may be gone.
        let order = |sender: oneshot::Sender<T>| {
            Order::Look(Box::new(move |state: &exchange::State| drop(sender.send(look(state)))))
        };
        self.answer(order).await.map(Response::new)
    }

    /// Asks for a proof of something in the next state whose root is attested to.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Execution, &Receipts) -> T + Send + 'static,
    ) -> Result<T, Status> {
        let order = |sender: oneshot::Sender<T>| {
            Order::Prove(Box::new(move |execution: &Execution, receipts: &Receipts| {
                drop(sender.send(question(execution, receipts)));
            }))
        };
        self.answer(order).await
    }

    /// What was proved, when its root has a certificate.
    async fn certified(&self, proved: Proved) -> Result<ProveResponse, Status> {
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
        Ok(ProveResponse {
            leaf: proved.leaf,
            proof: proved.proof,
            root: proved.root.0.to_vec(),
            commit: proved.commit,
            certificate: certificate.to_vec(),
            changes: self.changes(),
        })
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
        self.intake.submit(request.into_inner()).await
    }

    type SubmitStreamStream = Answers<SubmitEvents>;

    async fn submit_stream(
        &self,
        request: Request<Streaming<SubmitRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        Ok(Response::new(self.intake.stream(request.into_inner())))
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
            author: u64::from(status.author.0),
            epoch: status.epoch,
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
        let proved = self.ask(move |execution, _| prove_account(execution, account)).await?;
        self.certified(proved).await.map(Response::new)
    }

    async fn prove_receipt(
        &self,
        request: Request<ProveReceiptRequest>,
    ) -> Result<Response<ProveReceiptResponse>, Status> {
        let intent = queries::key_bytes("intent", request.into_inner().intent).map_err(|it| *it)?;
        let intent = IntentId(crypto::Digest(intent));
        let proved = self.ask(move |execution, receipts| prove_receipts(execution, receipts, intent)).await?;
        let proved = proved.map_err(|error| Status::not_found(error.to_string()))?;
        // The way within the commit is made here: a large commit must not keep the execution.
        let receipts = proved.receipts.iter().map(|(of, receipt)| (*of, receipt));
        let receipt = receipts.clone().find(|(of, _)| *of == intent).map(|(_, receipt)| receipt.to_vec());
        let proof = receipts::map_of(receipts).prove(receipts::path(intent));
        Ok(Response::new(ProveReceiptResponse {
            commit: proved.commit,
            receipt: receipt.unwrap_or_default(),
            receipt_proof: proof.encode().to_vec(),
            state: Some(self.certified(proved.state).await?),
        }))
    }

    async fn committee(&self, _: Request<CommitteeRequest>) -> Result<Response<CommitteeResponse>, Status> {
        Ok(Response::new(CommitteeResponse { changes: self.changes() }))
    }
}
