//! A WebSocket client that keeps replies and pushes apart.

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Client {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pushes: VecDeque<Value>,
    next: u64,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        let url = format!("ws://{address}/ws/api/v2");
        let (socket, _) = tokio_tungstenite::connect_async(url).await.expect("the gateway listens");
        Self { socket, pushes: VecDeque::new(), next: 0 }
    }

    /// Connects and authenticates.
    pub async fn log_in(address: SocketAddr, client_id: &str) -> Self {
        let mut client = Self::connect(address).await;
        let credentials =
            json!({ "grant_type": "client_credentials", "client_id": client_id, "client_secret": "secret" });
        let answer = client.call("public/auth", &credentials).await;
        assert!(answer["result"]["access_token"].is_string(), "{answer}");
        client
    }

    pub async fn send(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.expect("the gateway reads");
    }

    /// The reply to a call; pushes on the way are kept.
    pub async fn call(&mut self, method: &str, params: &Value) -> Value {
        self.next += 1;
        let id = self.next;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string())
            .await;
        loop {
            let frame = self.frame().await.expect("the connection stays open");
            if frame["id"] == id {
                return frame;
            }
            self.pushes.push_back(frame);
        }
    }

    pub async fn subscribe(&mut self, scope: &str, channels: &[&str]) -> Value {
        let answer = self.call(&format!("{scope}/subscribe"), &json!({ "channels": channels })).await;
        answer["result"].clone()
    }

    /// The data of the next push of a channel; pushes of others are kept.
    pub async fn next_of(&mut self, channel: &str) -> Value {
        let of_channel = |frame: &Value| frame["params"]["channel"] == channel;
        if let Some(place) = self.pushes.iter().position(of_channel) {
            let frame = self.pushes.remove(place).expect("it was found");
            return frame["params"]["data"].clone();
        }
        let waiting = async {
            loop {
                let frame = self.frame().await.expect("the connection stays open");
                if of_channel(&frame) {
                    return frame["params"]["data"].clone();
                }
                self.pushes.push_back(frame);
            }
        };
        let said = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(said.is_ok(), "nothing was said on {channel}");
        said.unwrap_or_default()
    }

    /// The next text frame; `None` when the connection has ended.
    pub async fn frame(&mut self) -> Option<Value> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("a frame in time");
            match message? {
                Ok(Message::Text(text)) => return serde_json::from_str(&text).ok(),
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }
}
