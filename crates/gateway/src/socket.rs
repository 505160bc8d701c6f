//! One WebSocket connection: requests in, replies and pushes out.
//!
//! Invariant: calls of one connection are answered in their order; a connection that does not read is cut
//! off and takes nothing of the others with it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures::{
    SinkExt, StreamExt,
    stream::{SplitSink, SplitStream},
};
use serde_json::json;
use tokio::sync::mpsc;

use crate::{
    Gateway,
    hub::Frame,
    rpc::{self, Code, Request, RpcError},
    session::Session,
};

/// Requests of one connection in a second before it is told to slow down.
const REQUESTS_PER_SECOND_MAX: u32 = 500;
/// A connection that sends nothing at all for so long is closed.
const SILENCE_MAX: Duration = Duration::from_secs(600);
/// How long a write may take before the reader counts as gone.
const WRITE_MAX: Duration = Duration::from_secs(10);

/// Serves a connection until it ends.
pub async fn run(gateway: Arc<Gateway>, socket: WebSocket) {
    let (id, frames) = gateway.hub.connect();
    let session = Arc::new(Session::of_connection(id));
    let (sink, stream) = socket.split();
    let writer = tokio::spawn(write(sink, frames, Arc::clone(&session)));
    read(&gateway, &session, stream).await;
    if session.cancel_on_disconnect()
        && let Ok(identity) = session.identity()
    {
        gateway.cancel_everything(&identity).await;
    }
    gateway.hub.disconnect(id);
    writer.abort();
}

async fn read(gateway: &Arc<Gateway>, session: &Arc<Session>, mut stream: SplitStream<WebSocket>) {
    let mut budget = Budget::new();
    while let Ok(Some(Ok(message))) = tokio::time::timeout(SILENCE_MAX, stream.next()).await {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => Utf8Bytes::from_static("binary"),
            Message::Close(_) => return,
            Message::Ping(_) | Message::Pong(_) => continue,
        };
        let reply = handle(gateway, session, &text, &mut budget).await;
        let Some(id) = session.connection else { return };
        gateway.hub.send(id, Frame::Text(reply.to_string().into()));
    }
}

async fn handle(
    gateway: &Arc<Gateway>,
    session: &Session,
    text: &str,
    budget: &mut Budget,
) -> serde_json::Value {
    let received = rpc::now_us();
    let (id, result) = match Request::parse(text.as_bytes()) {
        Ok(request) if budget.spend() => (request.id.clone(), gateway.call(session, request).await),
        Ok(request) => {
            let reason = format!("more than {REQUESTS_PER_SECOND_MAX} requests in a second");
            (request.id, Err(RpcError::new(Code::TooManyRequests, reason)))
        }
        Err((id, error)) => (id, Err(error)),
    };
    rpc::reply(&id, result, received)
}

async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut frames: mpsc::Receiver<Frame>,
    session: Arc<Session>,
) {
    loop {
        let beat = session.heartbeat_seconds().map_or(Duration::from_secs(5), Duration::from_secs);
        let message = match tokio::time::timeout(beat, frames.recv()).await {
            Ok(Some(Frame::Text(text))) => Message::Text(Utf8Bytes::from(&*text)),
            // The hub dropped the queue: this reader was too slow.
            Ok(None) => break,
            Err(_) if session.heartbeat_seconds().is_some() => {
                let beat =
                    json!({"jsonrpc": "2.0", "method": "heartbeat", "params": {"type": "test_request"}});
                Message::Text(beat.to_string().into())
            }
            Err(_) => continue,
        };
        let sent = tokio::time::timeout(WRITE_MAX, sink.send(message)).await;
        if !matches!(sent, Ok(Ok(()))) {
            return;
        }
    }
    let reason = CloseFrame { code: close_code::POLICY, reason: "reading too slowly".into() };
    let _closed = tokio::time::timeout(WRITE_MAX, sink.send(Message::Close(Some(reason)))).await;
}

/// Requests left in the present second.
struct Budget {
    second: u64,
    spent: u32,
}

impl Budget {
    const fn new() -> Self {
        Self { second: 0, spent: 0 }
    }

    fn spend(&mut self) -> bool {
        let second = rpc::now_us() / 1_000_000;
        if second != self.second {
            *self = Self { second, spent: 0 };
        }
        self.spent += 1;
        self.spent <= REQUESTS_PER_SECOND_MAX
    }
}
