//! A gateway without sockets and without a node, for fuzzers: calls go in, what would be sent comes out.
//!
//! Invariant: what answers here is what answers on a socket, from the bytes of a call to the bytes of its reply.
//! Left out on purpose: limits of a connection, and the network: what would be ordered is signed, and then refused as by a
//! node that is down.

use std::sync::Arc;

use client::Committed;
use tokio::runtime::{Builder, Runtime};
use wire::CommittedPayload;

use crate::{
    Config, Gateway, GatewayError, http,
    hub::Frame,
    nodes::Nodes,
    session::Session,
    socket::{self, Paid},
};

/// Nobody can listen there.
const NOWHERE: &str = "127.0.0.1:0";
/// Ticks after which every channel has spoken that speaks with time.
const TICKS: u64 = 10;

/// A gateway that hears of nobody but its owner.
#[derive(Debug)]
pub struct Offline {
    runtime: Runtime,
    gateway: Arc<Gateway>,
}

/// What a connection was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heard {
    /// One for each frame, in their order.
    pub replies: Vec<String>,
    pub pushes: Vec<String>,
}

impl Offline {
    /// `config.listen`, `config.nodes` and `config.history` mean nothing here.
    pub fn new(config: Config) -> Result<Self, GatewayError> {
        let address = config.listen;
        let no_runtime = |source| GatewayError::Listen { address, source };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(no_runtime)?;
        let nodes = {
            let _within = runtime.enter();
            Nodes::new(&[NOWHERE.to_owned()])?
        };
        let gateway = Arc::new(Gateway::new(config, None, nodes)?);
        Ok(Self { runtime, gateway })
    }

    /// Applies a commit, as one of the node's.
    pub fn take(&self, payload: &CommittedPayload) {
        let payload = payload.clone();
        self.gateway.take(&Committed { payload, root: Vec::new(), certificates: Vec::new() });
    }

    /// What a connection hears that says this, one frame after the other, then listens while something is committed and a
    /// second passes, and ends.
    pub fn converse(&self, frames: &[&str], news: &CommittedPayload) -> Heard {
        let (id, mut queue) = self.gateway.hub.connect();
        let session = Session::of_connection(id);
        let answer = |frame: &&str| {
            let text = (*frame).into();
            self.runtime.block_on(socket::answer(&self.gateway, &session, text, Paid::Yes))
        };
        let replies = frames.iter().map(answer).collect();
        self.take(news);
        (0..TICKS).for_each(|count| self.gateway.tick(count));
        self.gateway.hub.disconnect(id);
        self.gateway.keyring.forget(id, None);
        let mut pushes = Vec::new();
        while let Ok(frame) = queue.try_recv() {
            if let Frame::Text(text) = frame {
                pushes.push(text.as_str().to_owned());
            }
        }
        Heard { replies, pushes }
    }

    /// The body of the answer to an HTTP call, a GET where there is no `body`; `None` when the target or the header can be
    /// none of a call.
    pub fn request(&self, (target, authorization): (&str, &str), body: Option<&[u8]>) -> Option<Vec<u8>> {
        self.runtime.block_on(async {
            let gateway = Arc::clone(&self.gateway);
            let response = http::without_socket(gateway, (target, authorization), body).await?;
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
            body.ok().map(|bytes| bytes.to_vec())
        })
    }
}
