//! Bytes that are no call, calls that are no sense, and clients that misbehave.
#![allow(clippy::disallowed_methods, reason = "the test's node reads the clock")]

mod support;

use futures::{SinkExt, StreamExt};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::{PERPETUAL, Venue, http, ws::Client};
use tokio_tungstenite::tungstenite::Message;

/// JSON of any shape, a few levels deep.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop_oneof![Just(PERPETUAL), Just("any"), Just("USDC"), Just("raw"), Just("limit")]
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("[a-z_]{1,12}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A call whose method exists and whose parameters have the right names and any value.
fn any_call() -> impl Strategy<Value = String> {
    let schema: Value = serde_json::from_str(include_str!("../api/methods.json")).expect("JSON");
    let methods: Vec<(String, Vec<String>)> = schema["methods"]
        .as_object()
        .expect("methods")
        .iter()
        .filter(|(name, _)| *name != "private/logout")
        .map(|(name, it)| {
            let names = it["params"].as_object().expect("parameters").keys();
            (name.clone(), names.map(|name| name.trim_end_matches('?').to_owned()).collect())
        })
        .collect();
    let call = (proptest::sample::select(methods), proptest::collection::vec(any_json(), 20), any_json());
    call.prop_map(|((method, names), values, id)| {
        let params: serde_json::Map<String, Value> = names.into_iter().zip(values).collect();
        json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }).to_string()
    })
}

#[test]
fn garbage_is_answered_and_harms_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let wide = gateway::Rate { rate: 1_000_000, burst: 1_000_000 };
    let (venue, mut client) = runtime.block_on(async {
        let venue = Venue::open_with(|config| {
            (config.limits.connection, config.limits.address, config.limits.account) = (wide, wide, wide);
        })
        .await;
        let client = Client::log_in(venue.address, "reader").await;
        (venue, client)
    });
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(400));
    let any_text = prop_oneof![any_call(), any_json().prop_map(|it| it.to_string()), ".{0,200}"];
    let client = tokio::sync::Mutex::new(&mut client);
    let done = runner.run(&any_text, |text| {
        runtime.block_on(async {
            let mut client = client.lock().await;
            client.send(&text).await;
            // The reply to what follows shows that the connection and the gateway go on.
            let reply = client.call("public/test", &json!({})).await;
            prop_assert!(reply["result"]["version"].is_string(), "{}", reply);
            let over_http = http::post(venue.address, "/api/v2", "", &text).await;
            prop_assert!(over_http.body.is_object(), "{:?}", over_http);
            Ok(())
        })
    });
    assert_eq!(done, Ok(()));
}

#[tokio::test]
async fn paths_and_bodies_that_make_no_sense_get_an_answer_or_a_status() {
    let venue = Venue::open().await;
    for (target, status) in [
        ("/api/v2/public/get_time", 200),
        ("/api/v2/public/nonsense", 400),
        ("/api/v2/public/../private/buy", 400),
        ("/api/v2/private/buy?amount=%00%ff", 400),
        ("/api/v2/public/ticker?instrument_name=%F0%28%8C%28", 400),
        ("/api/v2/public/ticker?=&=&&&=%", 400),
        ("/api/v1/public/get_time", 404),
    ] {
        let answer = http::get(venue.address, target).await;
        assert_eq!(answer.status, status, "{target}: {answer:?}");
    }
    let deep =
        format!("{{\"method\":\"public/test\",\"params\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    assert_eq!(http::post(venue.address, "/api/v2", "", &deep).await.code(), -32_700);
    let long = format!("{{\"method\":\"public/test\",\"pad\":\"{}\"}}", "x".repeat(300_000));
    assert_eq!(http::post(venue.address, "/api/v2", "", &long).await.status, 413);
    for header in [
        "Authorization: deri-hmac-sha256 id=trader",
        "Authorization: deri-hmac-sha256 id=trader,ts=1,nonce=n,sig=zz",
        "Authorization: Basic !!!",
        "Authorization: Bearer x",
        "Authorization: Digest x",
    ] {
        let answer = http::get_with(venue.address, "/api/v2/private/get_positions", header).await;
        assert!(answer.status == 400 && answer.code() != 0, "{header}: {answer:?}");
    }
}

#[tokio::test]
async fn a_huge_frame_and_a_binary_one_end_or_answer_one_connection_alone() {
    let venue = Venue::open().await;
    let mut calm = Client::connect(venue.address).await;
    let mut client = Client::connect(venue.address).await;
    client.socket.send(Message::binary(vec![0_u8; 10])).await.expect("it reads");
    assert_eq!(client.frame().await.expect("a reply")["error"]["code"], -32_700);
    let sent = client.socket.send(Message::text("x".repeat(1_000_000))).await;
    let ended = sent.is_err() || client.frame().await.is_none();
    assert!(ended, "a frame of a megabyte ends the connection");
    assert!(calm.call("public/test", &json!({})).await["result"].is_object());
}

#[tokio::test]
async fn who_does_not_read_is_cut_off_and_the_others_are_not() {
    let venue = Venue::open().await;
    let mut slow = Client::connect(venue.address).await;
    let mut quick = Client::connect(venue.address).await;
    let book = format!("book.{PERPETUAL}.none.20.100ms");
    let asked =
        json!({ "jsonrpc": "2.0", "id": 1, "method": "public/get_instruments", "params": {} }).to_string();
    // Replies of a few kilobytes each fill the sockets and then the queue of who does not read them.
    for _ in 0..900 {
        if slow.socket.send(Message::text(asked.clone())).await.is_err() {
            break;
        }
    }
    assert_eq!(quick.subscribe("public", &[&book]).await, json!([book]));
    assert!(quick.next_of(&book).await["bids"].is_array());
    drop(slow.socket.next().await);
    assert!(quick.call("public/test", &json!({})).await["result"].is_object());
}
