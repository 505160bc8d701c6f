//! A node that orders whatever comes, in the order in which it comes, a few times a second, and nothing else.
//!
//! Invariant: it speaks the node's protocol over a socket, so that a gateway cannot tell it from a validator; what
//! ordering would cost is left out on purpose.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use client::protocol::{
    AccountRequest, AccountResponse, CommitRecord, CommitsRequest, CommitteeRequest, CommitteeResponse,
    EventsRecord, EventsRequest, InstrumentsRequest, InstrumentsResponse, ProveReceiptRequest,
    ProveReceiptResponse, ProveRequest, ProveResponse, StatusRequest, StatusResponse, SubmitEvents,
    SubmitRequest, SubmitResponse,
    node_server::{Node, NodeServer},
};
use commonware_codec::{DecodeExt, Encode};
use num::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming};
use wire::{CommittedPayload, Transaction};

use crate::{bench::exchange::market::one_block, failure::Failure, node::Clock};

/// Commits on their way to a follower.
const FOLLOW_AHEAD: usize = 64;

#[derive(Debug, Default)]
struct Log {
    records: Vec<CommitRecord>,
    /// When each was committed.
    at: Vec<Instant>,
    waiting: Vec<Transaction>,
}

/// Everything committed so far; clones share it.
#[derive(Clone, Debug)]
pub struct Sequencer {
    log: Arc<Mutex<Log>>,
    height: watch::Sender<u64>,
}

pub fn now_ms() -> u64 {
    Clock { offset_ms: 0 }.now().millis()
}

impl Sequencer {
    /// Serves the node's protocol and commits what was submitted every `pause`.
    pub async fn start(address: SocketAddr, pause: Duration) -> Result<Self, Failure> {
        let (height, _) = watch::channel(0);
        let sequencer = Self { log: Arc::default(), height };
        let server = tonic::transport::Server::builder().tcp_nodelay(true);
        tokio::spawn({ server }.add_service(NodeServer::new(sequencer.clone())).serve(address));
        let ordering = sequencer.clone();
        tokio::spawn(async move {
            let mut tick = tokio::time::interval(pause);
            loop {
                tick.tick().await;
                let waiting = core::mem::take(&mut ordering.lock().waiting);
                if !waiting.is_empty() {
                    ordering.commit(waiting);
                }
            }
        });
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(sequencer)
    }

    /// Commits transactions at once; the index of the commit.
    pub fn commit(&self, transactions: Vec<Transaction>) -> u64 {
        let mut log = self.lock();
        let index = u64::try_from(log.records.len()).unwrap_or(u64::MAX) + 1;
        let payload = one_block(index, Timestamp::from_millis(now_ms()), transactions);
        let payload = payload.expect("invariant: a bench commits few transactions at once").encode().to_vec();
        log.records.push(CommitRecord { index, payload, root: Vec::new(), certificates: Vec::new() });
        log.at.push(Instant::now());
        drop(log);
        self.height.send_replace(index);
        index
    }

    /// When a commit was made.
    pub fn committed_at(&self, index: u64) -> Option<Instant> {
        let place = usize::try_from(index.checked_sub(1)?).ok()?;
        self.lock().at.get(place).copied()
    }

    /// Brings a state up to the last commit.
    pub fn replay(&self, state: &mut exchange::State) {
        for record in &self.lock().records {
            let payload = CommittedPayload::decode(bytes::Bytes::from(record.payload.clone()));
            let payload = payload.expect("invariant: it was encoded here");
            exchange::apply(state, &payload, &mut Vec::new());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next record, once it is there; `None` when there will be none.
async fn following(
    log: &Mutex<Log>,
    (next, height): &mut (usize, watch::Receiver<u64>),
) -> Option<CommitRecord> {
    loop {
        height.borrow_and_update();
        let record = log.lock().unwrap_or_else(PoisonError::into_inner).records.get(*next).cloned();
        if record.is_some() {
            *next += 1;
            return record;
        }
        height.changed().await.ok()?;
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

const ORDERS_ONLY: &str = "this node orders and does nothing else";

#[tonic::async_trait]
impl Node for Sequencer {
    async fn submit(&self, request: Request<SubmitRequest>) -> Result<Response<SubmitResponse>, Status> {
        let transactions = request.into_inner().transactions;
        let refusals = vec![String::new(); transactions.len()];
        self.lock().waiting.extend(transactions.into_iter().filter_map(Transaction::new));
        Ok(Response::new(SubmitResponse { refusals }))
    }

    type CommitsStream = Answers<CommitRecord>;

    async fn commits(
        &self,
        request: Request<CommitsRequest>,
    ) -> Result<Response<Self::CommitsStream>, Status> {
        let next = usize::try_from(request.into_inner().from.max(1) - 1).unwrap_or(usize::MAX);
        let (log, height) = (Arc::clone(&self.log), self.height.subscribe());
        let (sender, receiver) = mpsc::channel(FOLLOW_AHEAD);
        tokio::spawn(async move {
            let mut at = (next, height);
            while let Some(record) = following(&log, &mut at).await {
                if sender.send(Ok(record)).await.is_err() {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    type SubmitStreamStream = Answers<SubmitEvents>;

    async fn submit_stream(
        &self,
        _: Request<Streaming<SubmitRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        Err(Status::unimplemented(ORDERS_ONLY))
    }

    type EventsStream = Answers<EventsRecord>;

    async fn events(&self, _: Request<EventsRequest>) -> Result<Response<Self::EventsStream>, Status> {
        Err(Status::unimplemented(ORDERS_ONLY))
    }

    async fn account(&self, _: Request<AccountRequest>) -> Result<Response<AccountResponse>, Status> {
        Err(Status::unimplemented(ORDERS_ONLY))
    }

    async fn instruments(
        &self,
        _: Request<InstrumentsRequest>,
    ) -> Result<Response<InstrumentsResponse>, Status> {
        Err(Status::unimplemented(ORDERS_ONLY))
    }

    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        Err(Status::unimplemented(ORDERS_ONLY))
    }

    async fn prove(&self, _: Request<ProveRequest>) -> Result<Response<ProveResponse>, Status> {
        Err(Status::unimplemented(ORDERS_ONLY))
    }

    async fn prove_receipt(
        &self,
        _: Request<ProveReceiptRequest>,
    ) -> Result<Response<ProveReceiptResponse>, Status> {
        Err(Status::unimplemented(ORDERS_ONLY))
    }

    async fn committee(&self, _: Request<CommitteeRequest>) -> Result<Response<CommitteeResponse>, Status> {
        Err(Status::unimplemented(ORDERS_ONLY))
    }
}
