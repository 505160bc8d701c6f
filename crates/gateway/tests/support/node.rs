//! A node with one validator's word for an order: it commits what is submitted, as it comes.
//!
//! Invariant: speaks the node's protocol over a socket, so that a gateway cannot tell it from a real one;
//! every submission is a commit of its own.

use std::{
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use client::protocol::{
    AccountRequest, AccountResponse, CommitRecord, CommitsRequest, CommitteeRequest, CommitteeResponse,
    EventsRecord, EventsRequest, InstrumentsRequest, InstrumentsResponse, ProveRequest, ProveResponse,
    StatusRequest, StatusResponse, SubmitEvents, SubmitRequest, SubmitResponse,
    node_server::{Node, NodeServer},
};
use commonware_codec::Encode;
use crypto::{CoinValue, Digest};
use num::Timestamp;
use tokio::{runtime::Handle, sync::watch};
use tokio_stream::{Stream, wrappers::ReceiverStream};
use tonic::{Request, Response, Status, Streaming, transport::server::TcpIncoming};
use wire::{
    Author, BlockRef, Certificate, Commit, CommittedBlock, CommittedPayload, List, Round, Transaction,
};

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    u64::try_from(since.as_millis()).expect("before the year 500,000,000")
}

/// Everything committed so far; clones share it.
#[derive(Clone)]
pub struct Sequencer {
    records: Arc<Mutex<Vec<CommitRecord>>>,
    height: watch::Sender<u64>,
    /// Milliseconds that data time is ahead of the clock.
    ahead_ms: Arc<Mutex<u64>>,
    /// Whether it is behind: it takes nothing, and hands out nothing more.
    pub behind: Arc<AtomicBool>,
    /// Whether this node takes what it is handed and has none of it ordered.
    pub keeps: bool,
}

impl Sequencer {
    pub fn new() -> Self {
        let (height, _) = watch::channel(0);
        Self {
            records: Arc::default(),
            height,
            ahead_ms: Arc::default(),
            behind: Arc::default(),
            keeps: false,
        }
    }

    /// Moves data time on.
    pub fn skip(&self, by_ms: u64) {
        *self.ahead_ms.lock().unwrap_or_else(PoisonError::into_inner) += by_ms;
    }

    pub fn time_ms(&self) -> u64 {
        now_ms() + *self.ahead_ms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits transactions; the index of the commit.
    pub fn commit(&self, transactions: Vec<Transaction>) -> u64 {
        self.push(transactions, Vec::new())
    }

    /// Commits nothing, and hands out with it that a root after an earlier commit is certified.
    pub fn certify(&self, commit: u64) {
        let certificate = Certificate { epoch: 0, commit, root: Digest::ZERO, signatures: List::default() };
        self.push(Vec::new(), vec![certificate.encode().to_vec()]);
    }

    fn push(&self, transactions: Vec<Transaction>, certificates: Vec<Vec<u8>>) -> u64 {
        let time_ms = self.time_ms();
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let index = u64::try_from(records.len()).expect("few commits") + 1;
        let payload = payload(index, time_ms, transactions).encode().to_vec();
        records.push(CommitRecord { index, payload, root: Vec::new(), certificates });
        drop(records);
        self.height.send_replace(index);
        index
    }

    /// Serves the node's protocol on a free port.
    pub fn serve(&self) -> SocketAddr {
        self.serve_in(&Handle::current())
    }

    /// The same in a runtime of its own, with which the node dies, and with it its connections.
    pub fn serve_in(&self, runtime: &Handle) -> SocketAddr {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        listener.set_nonblocking(true).expect("a socket can be");
        // The port stays this node's: another test would take it between two binds.
        let incoming = {
            let _within = runtime.enter();
            TcpIncoming::from(tokio::net::TcpListener::from_std(listener).expect("a bound socket"))
        };
        let server = tonic::transport::Server::builder().add_service(NodeServer::new(self.clone()));
        runtime.spawn(server.serve_with_incoming(incoming));
        address
    }
}

fn payload(index: u64, time_ms: u64, transactions: Vec<Transaction>) -> CommittedPayload {
    let digest = Digest::of("clockless test block", &index.to_be_bytes());
    let reference = BlockRef { round: Round(index), author: Author(0), digest };
    let block = CommittedBlock {
        reference,
        parents: List::default(),
        transactions: List::new(transactions).expect("a test commits few transactions"),
        attestations: List::default(),
        evidence: List::default(),
    };
    let commit = Commit {
        index,
        previous: Digest::ZERO,
        leader: reference,
        time: Timestamp::from_millis(time_ms),
        coin: CoinValue([0; 48]),
        blocks: List::new(vec![reference]).expect("one block"),
    };
    CommittedPayload { commit, blocks: List::new(vec![block]).expect("one block") }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Node for Sequencer {
    async fn submit(&self, request: Request<SubmitRequest>) -> Result<Response<SubmitResponse>, Status> {
        if self.behind.load(Ordering::Relaxed) {
            return Err(Status::unavailable("this validator is 101 rounds behind: ask another"));
        }
        let transactions = request.into_inner().transactions;
        let refusals = vec![String::new(); transactions.len()];
        if !self.keeps {
            self.commit(transactions.into_iter().filter_map(Transaction::new).collect());
        }
        Ok(Response::new(SubmitResponse { refusals }))
    }

    type SubmitStreamStream = Answers<SubmitEvents>;

    async fn submit_stream(
        &self,
        _: Request<Streaming<SubmitRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        Err(Status::unimplemented("a gateway does not ask for it"))
    }

    type CommitsStream = Answers<CommitRecord>;

    async fn commits(
        &self,
        request: Request<CommitsRequest>,
    ) -> Result<Response<Self::CommitsStream>, Status> {
        let mut next = usize::try_from(request.into_inner().from.max(1) - 1).expect("few commits");
        let (records, mut height) = (Arc::clone(&self.records), self.height.subscribe());
        let behind = Arc::clone(&self.behind);
        let (sender, receiver) = tokio::sync::mpsc::channel(64);
        tokio::spawn(async move {
            loop {
                height.borrow_and_update();
                let record = records.lock().unwrap_or_else(PoisonError::into_inner).get(next).cloned();
                let record = record.filter(|_| !behind.load(Ordering::Relaxed));
                let sent = match record {
                    Some(record) => sender.send(Ok(record)).await.is_ok(),
                    None if height.changed().await.is_ok() => continue,
                    None => false,
                };
                if !sent {
                    return;
                }
                next += 1;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver))))
    }

    type EventsStream = Answers<EventsRecord>;

    async fn events(&self, _: Request<EventsRequest>) -> Result<Response<Self::EventsStream>, Status> {
        Err(Status::unimplemented("a gateway does not ask for it"))
    }

    async fn account(&self, _: Request<AccountRequest>) -> Result<Response<AccountResponse>, Status> {
        Err(Status::unimplemented("a gateway does not ask for it"))
    }

    async fn instruments(
        &self,
        _: Request<InstrumentsRequest>,
    ) -> Result<Response<InstrumentsResponse>, Status> {
        Err(Status::unimplemented("a gateway does not ask for it"))
    }

    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        Err(Status::unimplemented("a gateway does not ask for it"))
    }

    async fn prove(&self, _: Request<ProveRequest>) -> Result<Response<ProveResponse>, Status> {
        Err(Status::unimplemented("this node has no committee"))
    }

    async fn committee(&self, _: Request<CommitteeRequest>) -> Result<Response<CommitteeResponse>, Status> {
        Err(Status::unimplemented("this node has no committee"))
    }
}
