//! The gRPC service of a worker: clients submit here as they do to a node.
//!
//! Invariant: a worker knows nothing of the order or the state, and says so.

use client::protocol::{
    AccountRequest, AccountResponse, CommitRecord, CommitsRequest, CommitteeRequest, CommitteeResponse,
    EventsRecord, EventsRequest, InstrumentsRequest, InstrumentsResponse, ProveReceiptRequest,
    ProveReceiptResponse, ProveRequest, ProveResponse, StatusRequest, StatusResponse, SubmitEvents,
    SubmitRequest, SubmitResponse, node_server::Node,
};
use tonic::{Request, Response, Status, Streaming};

use crate::node::{intake::Intake, service::Answers};

#[derive(Clone)]
pub struct Service {
    pub intake: Intake,
}

fn elsewhere<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("this is a worker: ask its validator's node"))
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

    async fn commits(&self, _: Request<CommitsRequest>) -> Result<Response<Self::CommitsStream>, Status> {
        elsewhere()
    }

    type EventsStream = Answers<EventsRecord>;

    async fn events(&self, _: Request<EventsRequest>) -> Result<Response<Self::EventsStream>, Status> {
        elsewhere()
    }

    async fn account(&self, _: Request<AccountRequest>) -> Result<Response<AccountResponse>, Status> {
        elsewhere()
    }

    async fn instruments(
        &self,
        _: Request<InstrumentsRequest>,
    ) -> Result<Response<InstrumentsResponse>, Status> {
        elsewhere()
    }

    async fn status(&self, _: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        elsewhere()
    }

    async fn prove(&self, _: Request<ProveRequest>) -> Result<Response<ProveResponse>, Status> {
        elsewhere()
    }

    async fn prove_receipt(
        &self,
        _: Request<ProveReceiptRequest>,
    ) -> Result<Response<ProveReceiptResponse>, Status> {
        elsewhere()
    }

    async fn committee(&self, _: Request<CommitteeRequest>) -> Result<Response<CommitteeResponse>, Status> {
        elsewhere()
    }
}
