//! One WebSocket connection: requests in, replies and pushes out.
//!
//! Invariant: calls of one connection are begun in their order, and only those that wait for the network end out
//! of it; a connection that does not read is cut off and takes nothing of the others with it.

use std::{pin::Pin, sync::Arc, task::Poll, time::Duration};

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, close_code};
use futures::{
    SinkExt, StreamExt,
    stream::{FuturesUnordered, SplitSink, SplitStream},
};
use serde_json::json;
use tokio::{sync::mpsc, task::JoinHandle, time::Instant};

use crate::{
    Gateway,
    credits::Pool,
    heartbeat::Beat,
    hub::{ConnectionId, Frame},
    rpc::{self, Code, Request, RpcError},
    session::Session,
};

/// Calls of one connection that may wait for the network at once; more are read when one of them ends.
const WAITING_MAX: usize = 256;
/// A client that was refused so many calls more than it was answered is cut off.
const REFUSALS_MAX: u32 = 5_000;
/// How often a quiet connection is asked whether it is there.
const PING: Duration = Duration::from_secs(30);
/// A connection that sends nothing at all for so long, not even an answer to a ping, is closed.
const SILENCE_MAX: Duration = Duration::from_secs(150);
/// A heartbeat may be set at any time: it is looked for so often.
const LOOK: Duration = Duration::from_secs(1);
/// How long a write may take before the reader counts as gone.
const WRITE_MAX: Duration = Duration::from_secs(10);
/// Frames written with one flush.
const TOGETHER_MAX: usize = 64;

/// Serves a connection until it ends.
pub async fn run(gateway: Arc<Gateway>, socket: WebSocket) {
    let (id, frames) = gateway.hub.connect();
    let session = Arc::new(Session::of_connection(id));
    let (sink, stream) = socket.split();
    let mut writer = tokio::spawn(write(sink, frames, Arc::clone(&session)));
    read(&gateway, &session, (id, stream), &mut writer).await;
    gateway.hub.disconnect(id);
    gateway.keyring.forget(id, None);
    let orders = session.take_orders();
    if let Ok(identity) = session.identity()
        && !orders.is_empty()
    {
        gateway.cancel_orders(&identity, &orders).await;
    }
    writer.abort();
}

type Answering<'a> = Pin<Box<dyn Future<Output = String> + Send + 'a>>;

/// Reads until either side ends; a writer that has ended was closed or cut off.
async fn read(
    gateway: &Arc<Gateway>,
    session: &Session,
    (id, mut stream): (ConnectionId, SplitStream<WebSocket>),
    writer: &mut JoinHandle<()>,
) {
    let mut waiting: FuturesUnordered<Answering<'_>> = FuturesUnordered::new();
    let mut budget = Budget::new(gateway);
    loop {
        let message = tokio::select! {
            Some(reply) = waiting.next() => {
                gateway.hub.send(id, Frame::Text(reply.into()));
                continue;
            }
            _ = &mut *writer => break,
            message = tokio::time::timeout(SILENCE_MAX, stream.next()), if waiting.len() < WAITING_MAX => message,
        };
        let Ok(Some(Ok(message))) = message else { break };
        session.hear();
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => Utf8Bytes::from_static("binary"),
            Message::Close(_) => break,
            Message::Ping(_) | Message::Pong(_) => continue,
        };
        let mut answering: Answering<'_> = Box::pin(answer(gateway, session, text, budget.spend()));
        // Begun here and now, so that what the next message asks for comes after it.
        match futures::poll!(&mut answering) {
            Poll::Ready(reply) => gateway.hub.send(id, Frame::Text(reply.into())),
            Poll::Pending => waiting.push(answering),
        }
        if session.ends() || budget.refusals > REFUSALS_MAX {
            gateway.hub.send(id, Frame::Close);
        }
    }
    if session.cancel_on_disconnect() {
        // Orders on their way are this connection's too.
        while waiting.next().await.is_some() {}
    }
}

/// The reply to a frame.
pub(crate) async fn answer(gateway: &Gateway, session: &Session, text: Utf8Bytes, paid: Paid) -> String {
    let received = rpc::now_us();
    let (id, result) = match Request::parse(text.as_bytes()) {
        Ok(request) if paid == Paid::Yes => (request.id.clone(), gateway.call(session, request).await),
        Ok(request) => {
            let rate = gateway.pools.limits.connection.rate;
            let reason = format!("more than {rate} calls a second on one connection");
            (request.id, Err(RpcError::new(Code::TooManyRequests, reason)))
        }
        Err((id, error)) => (id, Err(error)),
    };
    rpc::reply(&id, &result, received)
}

async fn write(
    mut sink: SplitSink<WebSocket, Message>,
    mut frames: mpsc::Receiver<Frame>,
    session: Arc<Session>,
) {
    let mut clock = Clock { beaten: Instant::now(), pinged: Instant::now() };
    loop {
        let message = match clock.due(&session) {
            Due::Message(message) => message,
            Due::Close => return close(sink, close_code::POLICY, "no answer to test_request").await,
            Due::Nothing { until } => match tokio::time::timeout_at(until, frames.recv()).await {
                Ok(Some(Frame::Text(text))) => Message::Text(text),
                Ok(Some(Frame::Close)) => return close(sink, close_code::NORMAL, "bye").await,
                // The hub dropped the queue: this reader was too slow.
                Ok(None) => return close(sink, close_code::POLICY, "reading too slowly").await,
                Err(_) => continue,
            },
        };
        match tokio::time::timeout(WRITE_MAX, send(&mut sink, message, &mut frames)).await {
            Ok(Ok(Then::GoOn)) => {}
            Ok(Ok(Then::Close)) => return close(sink, close_code::NORMAL, "bye").await,
            Ok(Err(_)) | Err(_) => return,
        }
    }
}

enum Then {
    GoOn,
    Close,
}

/// Sends a message together with what waits behind it.
async fn send(
    sink: &mut SplitSink<WebSocket, Message>,
    message: Message,
    frames: &mut mpsc::Receiver<Frame>,
) -> Result<Then, axum::Error> {
    sink.feed(message).await?;
    let mut then = Then::GoOn;
    for _ in 1..TOGETHER_MAX {
        match frames.try_recv() {
            Ok(Frame::Text(text)) => sink.feed(Message::Text(text)).await?,
            Ok(Frame::Close) => {
                then = Then::Close;
                break;
            }
            Err(_) => break,
        }
    }
    sink.flush().await?;
    Ok(then)
}

/// When a connection last heard that we are here.
struct Clock {
    beaten: Instant,
    pinged: Instant,
}

enum Due {
    Message(Message),
    Close,
    Nothing { until: Instant },
}

impl Clock {
    fn due(&mut self, session: &Session) -> Due {
        let now = Instant::now();
        if self.pinged + PING <= now {
            self.pinged = now;
            return Due::Message(Message::Ping(bytes::Bytes::new()));
        }
        let Some(interval) = session.heartbeat_seconds().map(Duration::from_secs) else {
            self.beaten = now;
            return Due::Nothing { until: now + LOOK };
        };
        if self.beaten + interval > now {
            return Due::Nothing { until: (self.beaten + interval).min(now + LOOK) };
        }
        self.beaten = now;
        match session.beat() {
            Beat::Heartbeat => Due::Message(heartbeat("heartbeat")),
            Beat::TestRequest => Due::Message(heartbeat("test_request")),
            Beat::Close => Due::Close,
        }
    }
}

fn heartbeat(kind: &str) -> Message {
    let beat = json!({ "jsonrpc": "2.0", "method": "heartbeat", "params": { "type": kind } });
    Message::Text(beat.to_string().into())
}

async fn close(mut sink: SplitSink<WebSocket, Message>, code: u16, reason: &'static str) {
    let frame = Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    let _closed = tokio::time::timeout(WRITE_MAX, sink.send(frame)).await;
}

/// Whether a connection had credits for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Paid {
    Yes,
    No,
}

/// A connection's credits.
struct Budget {
    pool: Pool,
    /// Calls that it had none for, less those that it paid: a flood is one however slowly it is read.
    refusals: u32,
}

impl Budget {
    fn new(gateway: &Gateway) -> Self {
        Self { pool: Pool::new(gateway.pools.limits.connection, rpc::now_us()), refusals: 0 }
    }

    fn spend(&mut self) -> Paid {
        if self.pool.spend(rpc::now_us()) {
            self.refusals = self.refusals.saturating_sub(1);
            return Paid::Yes;
        }
        self.refusals += 1;
        Paid::No
    }
}
