//! A small HTTP client: one request a connection, so that what is sent is seen to the byte.

use std::net::SocketAddr;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Null when it is no JSON.
    pub body: Value,
    pub text: String,
}

impl Answer {
    /// The result; the test fails when there is none.
    pub fn result(&self) -> &Value {
        assert!(self.body.get("result").is_some(), "{self:?}");
        &self.body["result"]
    }

    pub fn code(&self) -> i64 {
        self.body["error"]["code"].as_i64().unwrap_or(0)
    }
}

pub async fn get(address: SocketAddr, target: &str) -> Answer {
    send(address, &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
}

/// GET with a header such as `Authorization: Bearer x`.
pub async fn get_with(address: SocketAddr, target: &str, header: &str) -> Answer {
    send(address, &format!("GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{header}\r\n\r\n")).await
}

pub async fn post(address: SocketAddr, target: &str, header: &str, body: &str) -> Answer {
    let header = if header.is_empty() { String::new() } else { format!("{header}\r\n") };
    let length = body.len();
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n{header}\r\n"
    );
    send(address, &(head + body)).await
}

/// A call by JSON-RPC over POST, with basic credentials when given.
pub async fn call(
    address: SocketAddr,
    method: &str,
    params: &Value,
    credentials: Option<(&str, &str)>,
) -> Answer {
    let header = credentials.map_or_else(String::new, |(id, secret)| {
        format!("Authorization: Basic {}", BASE64_STANDARD.encode(format!("{id}:{secret}")))
    });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    post(address, "/api/v2", &header, &body.to_string()).await
}

async fn send(address: SocketAddr, request: &str) -> Answer {
    let mut stream = TcpStream::connect(address).await.expect("the gateway listens");
    stream.write_all(request.as_bytes()).await.expect("it reads");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.expect("it answers");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Answer { status, body: serde_json::from_str(body).unwrap_or(Value::Null), text: body.to_owned() }
}
