//! Clients that replay, flood, stall and lie, over real sockets: each is refused or cut off, and nobody else notices.
#![allow(clippy::disallowed_methods, reason = "the test's node reads the clock")]

mod support;

use std::{net::SocketAddr, time::Duration};

use futures::{SinkExt, StreamExt};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use support::{Venue, http, node::now_ms, ws::Client};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::Message;

const PRIVATE: &str = "/api/v2/private/get_positions?currency=USDC";

fn signed(timestamp_ms: u64, nonce: &str, target: &str) -> String {
    let text = format!("{timestamp_ms}\n{nonce}\nGET\n{target}\n\n");
    let hasher = Hmac::<sha2::Sha256>::new_from_slice(b"secret").expect("any length");
    let signature = hex::encode(hasher.chain_update(text).finalize().into_bytes());
    format!("Authorization: deri-hmac-sha256 id=trader,ts={timestamp_ms},sig={signature},nonce={nonce}")
}

async fn is_alive(address: SocketAddr) {
    let answer =
        tokio::time::timeout(Duration::from_secs(5), http::get(address, "/api/v2/public/get_time")).await;
    assert!(answer.expect("in time").result().is_u64());
}

#[tokio::test]
async fn a_signature_counts_once_and_only_for_its_request_and_its_time() {
    let venue = Venue::open().await;
    let header = signed(now_ms(), "n", PRIVATE);
    let ask = |header: String, target: &'static str| async move {
        http::get_with(venue.address, target, &header).await.code()
    };
    assert_eq!(ask(header.clone(), PRIVATE).await, 0);
    assert_eq!(ask(header.clone(), PRIVATE).await, 13_004, "replayed");
    let other = "/api/v2/private/get_positions?currency=BTC";
    assert_eq!(ask(signed(now_ms(), "o", PRIVATE), other).await, 13_004, "signed for another request");
    for (skew, code) in [(50_000, 0), (70_000, 13_004), (3_600_000, 13_004)] {
        assert_eq!(ask(signed(now_ms() - skew, "past", PRIVATE), PRIVATE).await, code, "{skew} ms ago");
        assert_eq!(ask(signed(now_ms() + skew, "next", PRIVATE), PRIVATE).await, code, "in {skew} ms");
    }
}

#[tokio::test]
async fn a_websocket_signature_is_not_taken_twice_either() {
    let venue = Venue::open().await;
    let timestamp = now_ms();
    let hasher = Hmac::<sha2::Sha256>::new_from_slice(b"secret").expect("any length");
    let signature = hex::encode(hasher.chain_update(format!("{timestamp}\nabc\n")).finalize().into_bytes());
    let params = json!({
        "grant_type": "client_signature", "client_id": "trader", "timestamp": timestamp, "signature": signature,
        "nonce": "abc", "data": "",
    });
    let mut first = Client::connect(venue.address).await;
    assert!(first.call("public/auth", &params).await["result"]["access_token"].is_string());
    let mut second = Client::connect(venue.address).await;
    assert_eq!(second.call("public/auth", &params).await["error"]["code"], 13_004);
    assert_eq!(second.call("private/get_positions", &json!({})).await["error"]["code"], 13_009);
}

#[tokio::test]
async fn sockets_that_say_nothing_or_half_a_request_keep_nobody_waiting() {
    let venue = Venue::open().await;
    let mut silent = Vec::new();
    for text in [
        "",
        "GET /api/v2/public/get_time HTTP/1.1\r\nHost:",
        "POST /api/v2 HTTP/1.1\r\nContent-Length: 100\r\n\r\n{",
    ] {
        for _ in 0..50 {
            let mut stream = TcpStream::connect(venue.address).await.expect("it listens");
            stream.write_all(text.as_bytes()).await.expect("it reads");
            silent.push(stream);
        }
    }
    is_alive(venue.address).await;
    // A connection that is upgraded and torn away in the middle of a frame.
    for _ in 0..20 {
        let mut client = Client::connect(venue.address).await;
        let tokio_tungstenite::MaybeTlsStream::Plain(stream) = client.socket.get_mut() else { continue };
        stream.write_all(&[0x81, 0xfe, 0x10]).await.expect("it reads");
    }
    is_alive(venue.address).await;
    drop(silent);
}

#[tokio::test]
async fn a_flood_is_refused_then_cut_off_and_the_others_go_on() {
    let venue = Venue::open_with(|config| {
        config.limits.connection = gateway::Rate { rate: 10, burst: 20 };
    })
    .await;
    let mut calm = Client::connect(venue.address).await;
    let flood = Client::connect(venue.address).await;
    let (mut sink, mut replies) = flood.socket.split();
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "public/test", "params": {} }).to_string();
    let sending = async {
        for _ in 0..7_000 {
            if sink.send(Message::text(ping.clone())).await.is_err() {
                return;
            }
        }
    };
    let reading = async {
        let (mut refused, mut ended) = (0, false);
        while let Some(message) = replies.next().await {
            match message {
                Ok(Message::Text(text)) => refused += i32::from(text.contains("10028")),
                _ => ended = true,
            }
        }
        (refused, ended)
    };
    let ((), (refused, ended)) = tokio::join!(sending, reading);
    assert!(refused > 1_000 && ended, "{refused} refusals, ended: {ended}");
    assert!(calm.call("public/test", &json!({})).await["result"].is_object());
}

#[tokio::test]
async fn paths_lead_nowhere_but_to_the_page_and_the_methods() {
    let venue = Venue::open().await;
    for target in [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "//etc/passwd",
        "/assets/..%5c..%5cCargo.toml",
        "/api/v2/public/%2e%2e/%2e%2e/metrics",
        "/api/v2/public/get_time%00",
        "/api/v2/private/%62uy",
        "/api/v2/PUBLIC/get_time",
        "/api/v2/public//get_time",
    ] {
        let answer = http::get(venue.address, target).await;
        assert!(!answer.text.contains("root:") && !answer.text.contains("[package]"), "{target}");
        assert!(answer.body.get("result").is_none(), "{target}: {answer:?}");
        assert!(matches!(answer.status, 200 | 400 | 404), "{target}: {}", answer.status);
    }
}

#[tokio::test]
async fn bytes_that_are_no_http_are_refused_and_the_socket_is_closed() {
    let venue = Venue::open().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"NONSENSE\r\n\r\n",
        b"GET /api/v2/public/get_time HTTP/9.9\r\n\r\n",
        b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /api/v2 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n{}",
    ] {
        let mut stream = TcpStream::connect(venue.address).await.expect("it listens");
        stream.write_all(bytes).await.expect("it reads");
        let mut answer = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
        assert!(ended.is_ok(), "{:?} keeps its socket", String::from_utf8_lossy(bytes));
        assert!(!answer.starts_with(b"HTTP/1.1 200"), "{:?}", String::from_utf8_lossy(bytes));
    }
    let endless = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(2_000_000));
    let mut stream = TcpStream::connect(venue.address).await.expect("it listens");
    let sent = stream.write_all(endless.as_bytes()).await;
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;
    assert!(sent.is_err() || read.is_err() || !answer.starts_with(b"HTTP/1.1 200"));
    is_alive(venue.address).await;
}
