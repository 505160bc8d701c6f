//! The way to a node: gRPC over TCP.
//!
//! Invariant: every answer is bounded; an error says what was asked and of whom.

use std::time::Duration;

use bytes::Bytes;
use commonware_codec::DecodeExt;
use tokio_stream::StreamExt;
use tonic::{
    Code,
    transport::{Channel, Endpoint},
};
use wire::{AccountId, AgreedChange, Certificate, CommittedPayload, Event, IntentId, Transaction};

use crate::{
    BalanceProof, LeafProof, ReceiptProof,
    protocol::{
        AccountRequest, AccountResponse, CommitsRequest, CommitteeRequest, EventsRequest, InstrumentRecord,
        InstrumentsRequest, ProveReceiptRequest, ProveReceiptResponse, ProveRequest, ProveResponse,
        StatusRequest, StatusResponse, SubmitEvents, SubmitRequest, node_client::NodeClient as Generated,
    },
};

/// The largest answer, in bytes: a commit with its contents.
const ANSWER_BYTES_MAX: usize = 256 * 1024 * 1024;

/// How long a host may take to take a connection.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// A connection to one node; clones share it.
#[derive(Clone, Debug)]
pub struct NodeClient {
    inner: Generated<Channel>,
    address: String,
}

/// A commit as a node hands it out.
#[derive(Clone, Debug)]
pub struct Committed {
    pub payload: CommittedPayload,
    /// Empty where the node does not execute.
    pub root: Vec<u8>,
    pub certificates: Vec<Certificate>,
}

/// Why a node did not answer.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    #[error("{address} is no address such as 127.0.0.1:7000")]
    Address { address: String },
    #[error("node {address} cannot be reached: {source}")]
    Unreachable { address: String, source: tonic::transport::Error },
    #[error("node {address}: {status}")]
    Refused { address: String, status: Box<tonic::Status> },
    #[error("node {address} sent something that cannot be read")]
    Malformed { address: String },
}

impl NodeError {
    /// Whether the node has not what was asked for.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status, .. } if status.code() == Code::NotFound)
    }

    /// Whether nobody is there to answer, so that another node may be asked the same.
    pub fn is_gone(&self) -> bool {
        match self {
            Self::Unreachable { .. } => true,
            Self::Refused { status, .. } => {
                // A connection that breaks while an answer is awaited is an unknown or an internal error to the library.
                matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Internal | Code::Cancelled)
            }
            Self::Address { .. } | Self::Malformed { .. } => false,
        }
    }
}

fn endpoint(address: &str) -> Result<Endpoint, NodeError> {
    let endpoint = Endpoint::from_shared(format!("http://{address}"));
    let wrong = |_| NodeError::Address { address: address.to_owned() };
    Ok(endpoint.map_err(wrong)?.tcp_nodelay(true).connect_timeout(CONNECT_MAX))
}

impl NodeClient {
    /// Connects to `host:port`.
    pub async fn connect(address: &str) -> Result<Self, NodeError> {
        let unreachable = |source| NodeError::Unreachable { address: address.to_owned(), source };
        let channel = endpoint(address)?.connect().await.map_err(unreachable)?;
        Ok(Self::over(channel, address))
    }

    /// The same once something is asked of it; must be called within a runtime.
    pub fn connect_when_asked(address: &str) -> Result<Self, NodeError> {
        Ok(Self::over(endpoint(address)?.connect_lazy(), address))
    }

    fn over(channel: Channel, address: &str) -> Self {
        let inner = Generated::new(channel)
            .max_decoding_message_size(ANSWER_BYTES_MAX)
            .max_encoding_message_size(ANSWER_BYTES_MAX);
        Self { inner, address: address.to_owned() }
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Hands transactions over; the refusals, in order, with empty texts for what was accepted.
    pub async fn submit(&mut self, transactions: Vec<Transaction>) -> Result<Vec<String>, NodeError> {
        let transactions = transactions.into_iter().map(|it| it.into_bytes().to_vec()).collect();
        let request = SubmitRequest { first_ticket: 0, transactions };
        let answer = self.inner.submit(request).await;
        answer.map(|it| it.into_inner().refusals).map_err(|status| self.refused(status))
    }

    /// A stream of submissions and of what becomes of them.
    pub async fn submit_stream(
        &mut self,
        requests: tokio::sync::mpsc::Receiver<SubmitRequest>,
    ) -> Result<tonic::Streaming<SubmitEvents>, NodeError> {
        let requests = tokio_stream::wrappers::ReceiverStream::new(requests);
        let answer = self.inner.submit_stream(requests).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.refused(status))
    }

    /// Commits from an index on, each read and handed to `take` until that says stop or the stream ends.
    pub async fn commits(
        &mut self,
        from: u64,
        mut take: impl FnMut(Committed) -> std::ops::ControlFlow<()>,
    ) -> Result<(), NodeError> {
        let answer = self.inner.commits(CommitsRequest { from }).await;
        let mut stream = answer.map_err(|status| self.refused(status))?.into_inner();
        while let Some(record) = stream.next().await {
            let record = record.map_err(|status| self.refused(status))?;
            let malformed = || NodeError::Malformed { address: self.address.clone() };
            let payload = CommittedPayload::decode(Bytes::from(record.payload)).map_err(|_| malformed())?;
            let certificates = record.certificates.into_iter().map(Certificate::decode);
            let certificates = certificates.collect::<Result<_, _>>().map_err(|_| malformed())?;
            if take(Committed { payload, root: record.root, certificates }).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// What the exchange did in each commit from an index on, handed to `take` until that says stop or the
    /// stream ends. Nothing proves it.
    pub async fn events(
        &mut self,
        from: u64,
        mut take: impl FnMut(u64, Vec<Event>) -> std::ops::ControlFlow<()>,
    ) -> Result<(), NodeError> {
        let answer = self.inner.events(EventsRequest { from }).await;
        let mut stream = answer.map_err(|status| self.refused(status))?.into_inner();
        while let Some(record) = stream.next().await {
            let record = record.map_err(|status| self.refused(status))?;
            let events = record.events.into_iter().map(Event::decode).collect::<Result<_, _>>();
            let events = events.map_err(|_| NodeError::Malformed { address: self.address.clone() })?;
            if take(record.commit, events).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// An account as the node sees it now. Nothing proves it.
    pub async fn account(&mut self, account: AccountId) -> Result<AccountResponse, NodeError> {
        let request =
            AccountRequest { owner: account.owner.0.to_vec(), subaccount: u32::from(account.subaccount) };
        let answer = self.inner.account(request).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.refused(status))
    }

    /// The instruments, in the order of their numbers.
    pub async fn instruments(&mut self) -> Result<Vec<InstrumentRecord>, NodeError> {
        let answer = self.inner.instruments(InstrumentsRequest {}).await;
        answer.map(|it| it.into_inner().instruments).map_err(|status| self.refused(status))
    }

    pub async fn status(&mut self) -> Result<StatusResponse, NodeError> {
        let answer = self.inner.status(StatusRequest {}).await;
        answer.map(tonic::Response::into_inner).map_err(|status| self.refused(status))
    }

    /// Asks for a proof of an account's balance; it is not verified yet.
    pub async fn prove(&mut self, account: AccountId) -> Result<BalanceProof, NodeError> {
        let request =
            ProveRequest { owner: account.owner.0.to_vec(), subaccount: u32::from(account.subaccount) };
        let answer = self.inner.prove(request).await.map_err(|status| self.refused(status))?.into_inner();
        Ok(BalanceProof { account, state: leaf_proof(answer) })
    }

    /// Asks for a proof of what became of an intent; it is not verified yet.
    pub async fn prove_receipt(&mut self, intent: IntentId) -> Result<ReceiptProof, NodeError> {
        let request = ProveReceiptRequest { intent: intent.0.0.to_vec() };
        let answer = self.inner.prove_receipt(request).await.map_err(|status| self.refused(status))?;
        let ProveReceiptResponse { commit, receipt, receipt_proof, state } = answer.into_inner();
        let state = state.ok_or_else(|| NodeError::Malformed { address: self.address.clone() })?;
        Ok(ReceiptProof { intent, commit, receipt, receipt_proof, state: leaf_proof(state) })
    }

    /// How the committee changed since the genesis; not verified yet (`wire::committee_after`).
    pub async fn changes(&mut self) -> Result<Vec<AgreedChange>, NodeError> {
        let answer =
            self.inner.committee(CommitteeRequest {}).await.map_err(|status| self.refused(status))?;
        let changes: Result<Vec<AgreedChange>, _> =
            answer.into_inner().changes.into_iter().map(AgreedChange::decode).collect();
        changes.map_err(|_| NodeError::Malformed { address: self.address.clone() })
    }

    fn refused(&self, status: tonic::Status) -> NodeError {
        NodeError::Refused { address: self.address.clone(), status: Box::new(status) }
    }
}

fn leaf_proof(answer: ProveResponse) -> LeafProof {
    let ProveResponse { leaf, proof, certificate, changes, .. } = answer;
    LeafProof { leaf, proof, certificate, changes }
}
