//! A WebSocket client of the bench: texts in, texts out, and one reply awaited where a session begins.

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, Utf8Bytes},
};

use crate::failure::Failure;

/// One connection to the gateway.
#[derive(Debug)]
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Socket {
    /// Connects and authenticates.
    pub async fn log_in(address: SocketAddr, client_id: &str) -> Result<Self, Failure> {
        let url = format!("ws://{address}/ws/api/v2");
        let (socket, _) = tokio_tungstenite::connect_async(url).await.map_err(|error| {
            Failure::failed(format!("{client_id}: {error}; is `ulimit -n` large enough?"))
        })?;
        let mut socket = Self(socket);
        let credentials =
            json!({ "grant_type": "client_credentials", "client_id": client_id, "client_secret": "secret" });
        socket.call("public/auth", &credentials).await?;
        Ok(socket)
    }

    /// The result of a call; what comes before it is dropped.
    pub async fn call(&mut self, method: &str, params: &Value) -> Result<Value, Failure> {
        self.send(json!({ "jsonrpc": "2.0", "id": 0, "method": method, "params": params }).to_string())
            .await?;
        loop {
            let text = self.next().await?;
            let mut reply: Value =
                serde_json::from_str(&text).map_err(|error| Failure::failed(format!("{method}: {error}")))?;
            if reply["id"] == 0 {
                return match reply["error"].is_null() {
                    true => Ok(reply["result"].take()),
                    false => Err(Failure::failed(format!("{method}: {}", reply["error"]))),
                };
            }
        }
    }

    pub async fn send(&mut self, text: String) -> Result<(), Failure> {
        self.0.send(Message::text(text)).await.map_err(|error| Failure::failed(error.to_string()))
    }

    /// The next text.
    pub async fn next(&mut self) -> Result<Utf8Bytes, Failure> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(text),
                Some(Ok(Message::Close(reason))) => {
                    return Err(Failure::failed(format!("the gateway hung up: {reason:?}")));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(Failure::failed(error.to_string())),
                None => return Err(Failure::failed("the gateway hung up")),
            }
        }
    }
}
